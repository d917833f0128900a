//! Engagement levels, activity, churn, and customers of both platforms.

use super::super::fixed::{Moments, count};
use super::super::frame::{Quantity, quantity};
use super::super::layouts::table;
use super::super::statistics::{cell, lift};
use super::parts::{Figure, Group};
use super::sections::{CrossPlatform, Level, PlatformByEngagement, Retention, TenureBand};
use super::view::{View, percent_of, ratio};

const REVENUE: &str = "total_revenue_month_usd";
const LTV: &str = "lifetime_value_usd";
const CHURN: &str = "churn_30_day";

impl View<'_> {
    pub fn retention(&self) -> Retention {
        let levels = self.groups(&["engagement_score"]);
        let tenures = self.groups(&["tenure_months"]);
        let (early, later) = tenures.split_at(tenures.len().min(1));
        let active = |flag: &Moments| flag.mean(1.0).map(|share| 100.0 * share);
        let kept = self.kept_revenue();
        let dau_pct = active(&self.tallies.active_today);
        let wau_pct = active(&self.tallies.active_this_week);
        Retention {
            avg_engagement_score: self.mean("engagement_score"),
            churn_rate_pct: self.percent(CHURN),
            levels: (levels.iter().zip(["low", "medium", "high"]))
                .map(|(group, name)| joined(name, &[group], levels))
                .collect(),
            at_risk: levels.get(..1).map(|g| together("at risk", g, levels)),
            not_at_risk: levels.get(1..).map(|g| together("not at risk", g, levels)),
            dau_pct,
            wau_pct,
            stickiness_pct: percent_of(dau_pct, wau_pct),
            app_opens_day: self.mean("app_opens_day"),
            session_minutes: self.mean("session_duration_avg_min"),
            sessions_week: self.mean("sessions_last_7_days"),
            days_since_last_active: self.mean("days_since_last_active"),
            cross_platform: self.cross_platform(),
            churn_first_3_months_pct: churn(early),
            churn_later_pct: churn(later),
            kept_revenue_usd: kept,
            leaving_revenue_usd: self.sum(REVENUE).zip(kept).map(|(all, kept)| all - kept),
            engagement_churn_correlation: self.correlation("engagement_score", CHURN),
            satisfaction_churn_correlation: self.correlation("match_satisfaction_score", CHURN),
        }
    }

    /// None where it is not known of every customer: it is held against the
    /// revenue of all.
    fn kept_revenue(&self) -> Option<f64> {
        const KEPT: Quantity = quantity("kept_month_usd");
        let kept = Figure::of(&self.tallies.kept, KEPT.units())?;
        (kept.count == self.tallies.customers).then_some(kept.sum)
    }

    fn cross_platform(&self) -> CrossPlatform {
        const PLATFORMS: usize = table("platform_primary", None);
        const VALUE: Quantity = quantity("lifetime_value_usd");
        let platforms = self.groups(&["platform_primary"]);
        let of = |group| cell(self.tallies, PLATFORMS, group, VALUE);
        let mut single = of(0);
        single.merge(of(1));
        CrossPlatform {
            both: platforms.get(2..).map(|g| together("both", g, platforms)),
            single: platforms.get(..2).map(|g| together("single", g, platforms)),
            ltv_lift: lift(self.tallies),
            ltv_lift_same_tenure: self.lift_same_tenure(),
            both_ltv: Figure::of(&of(2), VALUE.units()),
            single_ltv: Figure::of(&single, VALUE.units()),
        }
    }

    /// Lifetime value of both to that of one, if the customers of one had been
    /// here as long as those of both.
    fn lift_same_tenure(&self) -> Option<f64> {
        let groups = self.groups(&["platform_primary", "tenure_months"]);
        let bands = groups.len() / 3;
        let (mut of_both, mut of_single) = (0.0, 0.0);
        for band in 0..bands {
            let value = |platform: usize| groups[platform * bands + band].figure(LTV);
            let Some(both) = value(2) else { continue };
            let (n, sum) = [value(0), value(1)]
                .iter()
                .flatten()
                .fold((0.0, 0.0), |(n, sum), figure| {
                    (n + count(figure.count), sum + figure.sum)
                });
            // A band that nobody of one platform is in tells nothing.
            if n > 0.0 {
                of_both += both.sum;
                of_single += count(both.count) * sum / n;
            }
        }
        ratio(Some(of_both), Some(of_single))
    }

    pub fn platform_by_engagement(&self) -> Vec<PlatformByEngagement> {
        let groups = self.groups(&["platform_primary", "engagement_score"]);
        let field = |g: &Group| PlatformByEngagement {
            platform: g.labels[0].clone(),
            engagement: g.labels[1].clone(),
            customers: g.customers,
            share_pct: g.share_pct,
            monthly_revenue_usd: g.sum(REVENUE),
            arpu_usd: g.mean(REVENUE),
            avg_ltv_usd: g.mean(LTV),
            churn_pct: g.percent(CHURN),
            premium_pct: g.percent("premium"),
        };
        groups.iter().map(field).collect()
    }

    pub fn churn_by_tenure(&self) -> Vec<TenureBand> {
        let band = |g: &Group| TenureBand {
            from_months: g.bands[0].from.unwrap_or_default(),
            to_months: g.bands[0].to,
            customers: g.customers,
            share_pct: g.share_pct,
            churned: g.sum(CHURN),
            churn_pct: g.percent(CHURN),
            avg_engagement_score: g.mean("engagement_score"),
            arpu_usd: g.mean(REVENUE),
            avg_ltv_usd: g.mean(LTV),
        };
        self.groups(&["tenure_months"]).iter().map(band).collect()
    }
}

fn together(name: &str, groups: &[Group], all: &[Group]) -> Level {
    joined(name, &groups.iter().collect::<Vec<_>>(), all)
}

/// Some groups of a breakdown as one.
fn joined(name: &str, groups: &[&Group], all: &[Group]) -> Level {
    let customers = groups.iter().map(|g| g.customers).sum();
    Level {
        name: name.to_owned(),
        customers,
        share_pct: 100.0 * count(customers) / count(all.iter().map(|g| g.customers).sum()),
        churn_pct: pooled(groups, CHURN).map(|m| 100.0 * m),
        arpu_usd: pooled(groups, REVENUE),
        monthly_revenue_usd: total(groups, REVENUE),
        avg_ltv_usd: pooled(groups, LTV),
        premium_pct: pooled(groups, "premium").map(|m| 100.0 * m),
    }
}

fn churn(groups: &[Group]) -> Option<f64> {
    pooled(&groups.iter().collect::<Vec<_>>(), CHURN).map(|m| 100.0 * m)
}

fn total(groups: &[&Group], id: &str) -> Option<f64> {
    let sums: Vec<f64> = groups.iter().filter_map(|g| g.sum(id)).collect();
    (!sums.is_empty()).then(|| sums.iter().sum())
}

/// The mean over the customers of some groups.
fn pooled(groups: &[&Group], id: &str) -> Option<f64> {
    let known = groups.iter().filter_map(|g| g.figure(id)).map(|f| f.count);
    ratio(total(groups, id), Some(count(known.sum())))
}
