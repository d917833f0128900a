//! Holding a cohort against what it promises: every published statistic within
//! tolerance of its target, every row invariant kept.

use arrow_array::RecordBatch;
use std::fmt;

use super::plan::{Calibration, Plan};
use crate::facts::{Facts, Statistic};
use crate::schema::invariants::{self, Violations};

/// What a statistic should be, and how far a cohort of 100,000 customers drawn
/// with given constants wanders from it (three standard deviations, relative).
struct Target {
    id: &'static str,
    value: f64,
    sampling: f64,
}

const fn target(id: &'static str, value: f64, sampling_pct: f64) -> Target {
    Target {
        id,
        value,
        sampling: sampling_pct / 100.0,
    }
}

/// Rows that the sampling tolerances were measured at.
const SAMPLING_ROWS: f64 = 100_000.0;
const RELATIVE_TOLERANCE: f64 = 0.01;
const FEWEST_FOR_A_VERDICT: f64 = 500.0;

const TARGETS: &[Target] = &[
    target("avg_engagement_score", 0.37, 0.47),
    target("churn_rate_pct", 49.2, 0.88),
    target("premium_pct", 21.19, 2.23),
    target("avg_ltv_usd", 152.65, 2.52),
    target("stories_posted_week", 0.8, 1.02),
    target("stories_viewed_day", 4.2, 0.91),
    target("reels_created_week", 0.5, 2.10),
    target("reels_watched_day", 5.9, 1.24),
    target("video_hours_week", 2.7, 1.01),
    target("engagement_rate_pct", 3.8, 0.78),
    target("creator_pct", 6.7, 3.07),
    target("creator_earnings_month_usd", 32.67, 11.67),
    target("followers", 520.0, 3.23),
    target("posts_30_days", 1.3, 1.79),
    target("feed_minutes_day", 30.0, 0.80),
    target("matches_day", 0.8, 2.72),
    target("match_rate_pct", 2.94, 1.32),
    target("swipes_day", 37.0, 1.31),
    target("swipe_right_rate_pct", 29.7, 0.48),
    target("messages_sent_day", 1.5, 1.60),
    target("response_rate_pct", 53.5, 0.31),
    target("dates_completed_month", 2.8, 1.47),
    target("date_conversion_pct", 0.81, 4.75),
    target("profile_quality", 52.8, 0.44),
    target("match_satisfaction", 2.9, 0.35),
    target("super_likes_week", 0.9, 2.19),
    target("show_up_rate_pct", 80.0, 0.11),
    target("subscription_usd", 2.816_99, 2.26),
    target("iap_usd", 3.461_02, 3.19),
    target("ads_usd", 3.802_32, 0.98),
    target("subscription_share_pct", 27.945_4, 2.26),
    target("iap_share_pct", 34.334_4, 3.19),
    target("ads_share_pct", 37.720_2, 0.98),
    target("arpu_usd", 10.080_33, 1.05),
    target("arppu_usd", 47.57, 2.25),
    target("ltv_lift_both_platforms", 1.30, 5.30),
    target("top_tenth_creator_share", 0.60, 7.03),
    target("women_to_men_match_rate", 3.0, 2.04),
];

/// One statistic held against its target.
#[derive(Debug, Clone)]
pub struct Checked {
    pub statistic: Statistic,
    pub target: f64,
    /// Largest relative deviation that passes.
    pub tolerance: f64,
}

impl Checked {
    /// Deviation from the target, relative to it.
    #[must_use]
    pub fn deviation(&self) -> Option<f64> {
        Some(self.statistic.value? / self.target - 1.0)
    }

    /// A statistic that the cohort is too small to have passes.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.deviation().is_none_or(|d| d.abs() <= self.tolerance)
    }
}

/// A cohort's statistics against their targets, and the rows that break an
/// invariant.
#[derive(Debug, Clone)]
pub struct Report {
    pub statistics: Vec<Checked>,
    pub violations: Violations,
}

impl Report {
    #[must_use]
    pub fn passes(&self) -> bool {
        self.violations.is_empty() && self.statistics.iter().all(Checked::passes)
    }
}

/// Watches a generated cohort go by.
pub struct Check {
    plan: Plan,
    facts: Facts,
    violations: Violations,
}

impl Check {
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            facts: Facts::default(),
            violations: Violations::default(),
        }
    }

    pub fn observe(&mut self, batch: &RecordBatch) {
        self.facts.observe(batch);
        self.violations.merge(invariants::violations(batch));
    }

    #[must_use]
    pub fn finish(self) -> Report {
        let statistics = self.facts.statistics();
        let checked = statistics.into_iter().filter_map(|statistic| {
            let target = TARGETS.iter().find(|t| t.id == statistic.id)?;
            Some(Checked {
                tolerance: tolerance(&self.plan, &statistic, target),
                target: target.value,
                statistic,
            })
        });
        Report {
            statistics: checked.collect(),
            violations: self.violations,
        }
    }
}

/// 1%, or three standard deviations of what calibration leaves where that is
/// more: the noise of counting in a calibrated cohort; below 100,000 customers,
/// and where the constants come from other rows, the sampling noise. A cohort
/// too small to be calibrated gets five, since its statistics have long tails,
/// and no verdict where it is too small for even those.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn tolerance(plan: &Plan, statistic: &Statistic, target: &Target) -> f64 {
    let n = plan.customers() as f64;
    if n < FEWEST_FOR_A_VERDICT {
        return f64::INFINITY;
    }
    let counting = if statistic.is_count_mean {
        3.0 / (n * target.value).sqrt()
    } else {
        0.0
    };
    let sampling = |rows: f64| target.sampling * (SAMPLING_ROWS / rows).sqrt();
    let wander = match plan.calibration() {
        Calibration::OnItself if n >= SAMPLING_ROWS => 0.0,
        Calibration::OnItself => sampling(n),
        Calibration::OnFirstRows(rows) => sampling(rows as f64),
        Calibration::Defaults => sampling(n) * 5.0 / 3.0,
    };
    RELATIVE_TOLERANCE.max(counting).max(wander)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(
            f,
            "{:<28} {:>12} {:>12} {:>9} {:>9}  unit",
            "statistic", "target", "achieved", "off by", "allowed"
        )?;
        for c in &self.statistics {
            let (achieved, off) = match (c.statistic.value, c.deviation()) {
                (Some(value), Some(d)) => (format!("{value:.4}"), format!("{:+.2}%", 100.0 * d)),
                _ => ("-".into(), "-".into()),
            };
            let allowed = if c.tolerance.is_finite() {
                format!("{:.2}%", 100.0 * c.tolerance)
            } else {
                "any".into()
            };
            writeln!(
                f,
                "{:<28} {:>12.4} {achieved:>12} {off:>9} {allowed:>9}  {}{}",
                c.statistic.id,
                c.target,
                c.statistic.unit,
                if c.passes() { "" } else { "  OUT OF TOLERANCE" }
            )?;
        }
        if self.violations.is_empty() {
            return write!(f, "invariants: all rows keep all of them");
        }
        for (name, rows) in self.violations.iter() {
            writeln!(f, "BROKEN INVARIANT in {rows} rows: {name}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statistic_has_a_target() {
        let statistics = Facts::default().statistics();
        assert_eq!(statistics.len(), TARGETS.len());
        for s in statistics {
            assert!(TARGETS.iter().any(|t| t.id == s.id), "{} has none", s.id);
        }
    }
}
