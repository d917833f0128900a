//! Holding a cohort against what it promises: every published statistic within
//! tolerance of its target, every row invariant kept.

use std::fmt;

use arrow_array::RecordBatch;
use rayon::prelude::*;

use super::plan::{Calibration, Plan};
use super::spec::{PUBLISHED, Published};
use super::unreachable::Unreached;
use crate::facts::{Facts, Statistic};
use crate::schema::invariants::{self, Violations};

/// Rows that the sampling tolerances were measured at.
const SAMPLING_ROWS: f64 = 100_000.0;
const RELATIVE_TOLERANCE: f64 = 0.01;
const FEWEST_FOR_A_VERDICT: f64 = 500.0;
/// What calibration must miss by before a target is refused: it leaves a chance
/// to cohorts whose small numbers make them wander.
const REFUSED: f64 = 0.03;

/// One statistic held against its target.
#[derive(Debug, Clone)]
pub struct Checked {
    pub statistic: Statistic,
    pub target: f64,
    /// Largest relative deviation that passes.
    pub tolerance: f64,
    /// How far 100,000 customers drawn with given constants wander: three
    /// standard deviations, relative.
    pub sampling: f64,
}

impl Checked {
    /// Deviation from the target, relative to it.
    #[must_use]
    pub fn deviation(&self) -> Option<f64> {
        let value = self.statistic.value?;
        if value.to_bits() == self.target.to_bits() {
            return Some(0.0);
        }
        Some(value / self.target - 1.0)
    }

    /// A statistic that the cohort is too small to have passes. Of a target of 0
    /// nothing is a small part: it is met, or not.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.deviation()
            .is_none_or(|d| d.is_finite() && d.abs() <= self.tolerance)
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
    pub fn new(plan: &Plan) -> Self {
        Self {
            plan: plan.clone(),
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
        Report {
            statistics: checked(&self.plan, &self.facts),
            violations: self.violations,
        }
    }
}

/// Every statistic that the population has, against its target.
fn checked(plan: &Plan, facts: &Facts) -> Vec<Checked> {
    let statistics = facts.statistics();
    let checked = statistics.into_iter().filter_map(|statistic| {
        let published = PUBLISHED.iter().find(|p| p.id == statistic.id)?;
        let target = plan.spec().target(statistic.id)?;
        Some(Checked {
            tolerance: tolerance(plan, published, target),
            sampling: published.sampling_pct / 100.0,
            target,
            statistic,
        })
    });
    checked.collect()
}

/// Targets that a calibrated cohort misses by more than chance: something
/// between the constants and the columns, such as a cap, keeps it from them.
pub(super) fn out_of_reach(plan: &Plan, batches: &[RecordBatch]) -> Vec<Unreached> {
    let facts = batches
        .par_iter()
        .map(|batch| {
            let mut facts = Facts::default();
            facts.observe(batch);
            facts
        })
        .collect::<Vec<_>>()
        .into_iter()
        .reduce(|mut all, part| {
            all.merge(part);
            all
        });
    let checked = checked(plan, &facts.unwrap_or_default());
    let missed = checked.into_iter().filter_map(|c| {
        let off = c.deviation()?.abs();
        (off > REFUSED.max(2.0 * c.tolerance)).then_some(Unreached {
            statistic: c.statistic.id,
            asked: c.target,
            nearest: c.statistic.value?,
        })
    });
    missed.collect()
}

/// 1%, or three standard deviations of what calibration leaves where that is
/// more: the noise of counting and of drawing shares in a calibrated cohort;
/// below 100,000 customers, and where the constants come from other rows, the
/// sampling noise. A cohort too small to be calibrated gets five, since its
/// statistics have long tails, and no verdict where it is too small for even
/// those.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn tolerance(plan: &Plan, published: &Published, target: f64) -> f64 {
    let n = plan.customers() as f64;
    if n < FEWEST_FOR_A_VERDICT {
        return f64::INFINITY;
    }
    let left = published.noise.relative(target, n);
    let sampling = |rows: f64| {
        let typical = published.sampling_pct / 100.0 * (SAMPLING_ROWS / rows).sqrt();
        typical * plan.spec().rarity(published.id)
    };
    let wander = match plan.calibration() {
        Calibration::OnItself if n >= SAMPLING_ROWS => 0.0,
        Calibration::OnItself => sampling(n),
        Calibration::OnFirstRows(rows) => sampling(rows as f64),
        Calibration::OnPilot(_) | Calibration::Defaults => sampling(n) * 5.0 / 3.0,
    };
    RELATIVE_TOLERANCE.max(left).max(wander)
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
    fn a_statistic_that_is_to_be_0_is_0_or_off() {
        let checked = |value| Checked {
            statistic: Statistic {
                id: "churn_rate_pct",
                unit: "%",
                value: Some(value),
            },
            target: 0.0,
            tolerance: f64::INFINITY,
            sampling: 0.0,
        };
        assert!(checked(0.0).passes());
        assert!(!checked(0.5).passes());
    }

    #[test]
    fn every_statistic_has_a_target() {
        let statistics = Facts::default().statistics();
        let ids: Vec<&str> = statistics.iter().map(|s| s.id).collect();
        let published: Vec<&str> = PUBLISHED.iter().map(|p| p.id).collect();
        assert_eq!(ids, published);
    }
}
