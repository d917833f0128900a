//! The creator economy.

use super::super::fixed::MILLIONTHS;
use super::super::scatter::edge;
use super::parts::Group;
use super::sections::{Bin, Creators, ScatterBin, Standing, ViewsAgainstEarnings};
use super::view::{View, distribution, percent_of};

impl View<'_> {
    pub fn creators(&self) -> Creators {
        let earnings = &self.tallies.creator_earnings;
        let known = earnings.count() > 0;
        let flags = &self.tallies.columns[CREATOR];
        let creators = u64::try_from(flags.sum).ok();
        let standings = self.groups(&["creator_standing"]);
        Creators {
            customers: creators.filter(|_| flags.count > 0),
            share_pct: self.percent("is_creator"),
            earnings_month_usd: earnings.mean(),
            total_earnings_month_usd: known.then(|| earnings.total()),
            earnings: distribution(earnings),
            top_tenth_share_pct: earnings.top_share(0.1).map(|share| 100.0 * share),
            earnings_bins: self.earnings_bins(),
            views_against_earnings: self.views_against_earnings(),
            content_share_pct: creators_part(standings, "posts_and_reels"),
            followers_share_pct: creators_part(standings, "followers_count"),
            views_share_pct: creators_part(standings, "avg_views_per_post"),
            standings: standings.iter().map(standing).collect(),
        }
    }

    fn earnings_bins(&self) -> Vec<Bin> {
        (self.tallies.earnings_bins.iter())
            .map(|(&bin, &customers)| Bin {
                from: edge(bin),
                to: edge(bin + 1),
                customers,
            })
            .collect()
    }

    fn views_against_earnings(&self) -> ViewsAgainstEarnings {
        let scatter = &self.tallies.views_and_earnings;
        let bins = scatter.bins.iter().map(|(&(x, y), &creators)| ScatterBin {
            views_from: edge(x),
            views_to: edge(x + 1),
            earnings_from_usd: edge(y),
            earnings_to_usd: edge(y + 1),
            creators,
        });
        ViewsAgainstEarnings {
            creators: scatter.amounts.x.count,
            without: scatter.zeros,
            log_correlation: scatter.logarithms.correlation(),
            correlation: scatter.amounts.correlation(),
            elasticity: scatter.logarithms.slope(MILLIONTHS, MILLIONTHS),
            bins: bins.collect(),
        }
    }
}

const CREATOR: usize = crate::schema::column("is_creator");

/// The creators' part of what all customers have.
fn creators_part(standings: &[Group], id: &str) -> Option<f64> {
    let all: f64 = standings.iter().filter_map(|g| g.sum(id)).sum();
    let creators = standings.first()?;
    percent_of(creators.sum(id), Some(all))
}

fn standing(group: &Group) -> Standing {
    Standing {
        name: group.labels[0].clone(),
        customers: group.customers,
        share_pct: group.share_pct,
        posts_and_reels: group.mean("posts_and_reels"),
        views_per_post: group.mean("avg_views_per_post"),
        engagement_score: group.mean("engagement_score"),
        engagement_rate_pct: group.mean("engagement_rate_pct"),
        arpu_usd: group.mean("total_revenue_month_usd"),
        avg_ltv_usd: group.mean("lifetime_value_usd"),
        churn_pct: group.percent("churn_30_day"),
    }
}
