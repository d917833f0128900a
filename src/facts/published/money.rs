//! Revenue, premium tiers, and what sets premium customers apart.

use super::super::fixed::count;
use super::super::statistics::arppu;
use super::parts::{Breakdown, Figure};
use super::sections::{Driver, Revenue, RevenuePart, Tier};
use super::view::{View, distribution, percent_of};

const REVENUE: &str = "total_revenue_month_usd";

/// The parts of the revenue, each with its column.
pub const REVENUE_PARTS: [(&str, &str); 3] = [
    ("subscription", "monthly_subscription_usd"),
    ("iap", "iap_spending_month_usd"),
    ("ads", "ad_revenue_generated_month_usd"),
];

/// What follows from being premium, and so drives nobody to it.
const NO_DRIVERS: [&str; 7] = [
    "paid_month_usd",
    "ad_revenue_generated_month_usd",
    "total_revenue_month_usd",
    "kept_month_usd",
    "lifetime_value_usd",
    "churn_30_day",
    "match_satisfaction_score",
];

impl View<'_> {
    pub fn revenue(&self) -> Revenue {
        let premium = self.group("account_type", "Premium");
        let free = self.group("account_type", "Free");
        let engagement = self.correlation("engagement_score", "premium");
        Revenue {
            monthly_usd: self.sum(REVENUE),
            parts: self.revenue_parts(),
            arpu_usd: self.mean(REVENUE),
            arppu_usd: arppu(self.tallies),
            arpu_premium_usd: premium.and_then(|g| g.mean(REVENUE)),
            arpu_free_usd: free.and_then(|g| g.mean(REVENUE)),
            premium_customers: premium.map(|g| g.customers),
            premium_pct: self.premium_pct(),
            avg_ltv_usd: self.mean("lifetime_value_usd"),
            transactions_alltime: self.mean("total_transactions_alltime"),
            avg_transaction_usd: self.mean("avg_transaction_value_usd"),
            tiers: self.tiers(),
            revenue_distribution: distribution(&self.tallies.revenue),
            ltv_distribution: distribution(&self.tallies.lifetime_value),
            premium_drivers: (self.breakdown(&["account_type"])).map_or_else(Vec::new, drivers),
            premium_engagement_r2: engagement.map(|r| r * r),
            premium_stories_correlation: self.correlation("stories_viewed_day", "premium"),
        }
    }

    fn revenue_parts(&self) -> Vec<RevenuePart> {
        let known = REVENUE_PARTS.iter().filter_map(|&(id, column)| {
            let figure = self.figure(column)?;
            Some(RevenuePart {
                id,
                monthly_usd: figure.sum,
                per_customer_usd: figure.mean,
                share_pct: percent_of(Some(figure.mean), self.mean(REVENUE)),
            })
        });
        known.collect()
    }

    fn tiers(&self) -> Vec<Tier> {
        let groups = self.groups(&["premium_tier"]);
        let revenue: f64 = groups.iter().filter_map(|g| g.sum(REVENUE)).sum();
        let tier = |g: &super::Group| Tier {
            name: g.labels[0].clone(),
            customers: g.customers,
            share_pct: g.share_pct,
            price_usd: g.mean("monthly_subscription_usd"),
            monthly_revenue_usd: g.sum(REVENUE),
            revenue_share_pct: percent_of(g.sum(REVENUE), Some(revenue)),
            arpu_usd: g.mean(REVENUE),
            avg_ltv_usd: g.mean("lifetime_value_usd"),
            churn_pct: g.percent("churn_30_day"),
        };
        groups.iter().map(tier).collect()
    }
}

/// Behaviours by how far premium customers are from the others.
fn drivers(by_account: &Breakdown) -> Vec<Driver> {
    let (Some(free), Some(premium)) = (by_account.group(&["Free"]), by_account.group(&["Premium"]))
    else {
        return Vec::new();
    };
    let mut drivers: Vec<Driver> = (by_account.measures.iter())
        .filter(|m| !NO_DRIVERS.contains(&m.id))
        .filter_map(|m| {
            let (premium, free) = (premium.figure(m.id)?, free.figure(m.id)?);
            Some(Driver {
                column: m.id,
                unit: m.unit,
                premium,
                free,
                difference_sd: difference(&premium, &free)?,
            })
        })
        .collect();
    drivers.sort_by(|a, b| {
        let (a_size, b_size) = (a.difference_sd.abs(), b.difference_sd.abs());
        b_size.total_cmp(&a_size).then(a.column.cmp(b.column))
    });
    drivers
}

/// The difference of two means in pooled standard deviations.
fn difference(a: &Figure, b: &Figure) -> Option<f64> {
    let (n_a, n_b) = (count(a.count), count(b.count));
    let squares = (n_a - 1.0) * a.sd?.powi(2) + (n_b - 1.0) * b.sd?.powi(2);
    let pooled = (squares / (n_a + n_b - 2.0)).sqrt();
    (pooled > 0.0).then(|| (a.mean - b.mean) / pooled)
}
