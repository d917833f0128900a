//! Comparing groups of customers for an initiative: kept revenue, at equal
//! engagement or as it is, and the trial that would tell.

use super::{Gap, Trial};
use crate::facts::published::{Figure, Group};
use crate::report::figures::Figures;
use crate::report::power;
use crate::report::story::{ENOUGH, Story, pooled, real};

pub const REVENUE: &str = "total_revenue_month_usd";
pub const ADS: &str = "ad_revenue_generated_month_usd";
pub const CHURN: &str = "churn_30_day";

/// Money a month of a group that is still there a month later: revenue times
/// the share that stays. Where churn is not known, all stay.
pub fn kept<'g>(groups: impl IntoIterator<Item = &'g Group> + Clone) -> Option<f64> {
    let revenue = pooled(groups.clone(), REVENUE)?;
    Some(revenue * (1.0 - pooled(groups, CHURN).unwrap_or(0.0)))
}

pub fn customers<'g>(groups: impl IntoIterator<Item = &'g Group>) -> u64 {
    groups.into_iter().map(|group| group.customers).sum()
}

/// Refuses groups that are too small to compare.
pub fn enough(one: u64, other: u64, what: &str) -> Result<(), String> {
    if one.min(other) >= ENOUGH {
        Ok(())
    } else {
        Err(format!("It takes at least {ENOUGH} {what} on either side."))
    }
}

/// The difference in money kept between two sets of groups of a breakdown that
/// is crossed with engagement, level by level, weighted by the first set's
/// customers.
pub fn at_equal_engagement(
    story: &Story,
    by: &str,
    from: impl Fn(&str) -> bool,
    to: impl Fn(&str) -> bool,
) -> Option<f64> {
    let crossed = story.facts.breakdown(&[by, "engagement_score"])?;
    let mut levels: Vec<&str> = crossed
        .groups
        .iter()
        .map(|g| g.labels[1].as_str())
        .collect();
    levels.dedup();
    levels.sort_unstable();
    levels.dedup();
    let (mut difference, mut weight) = (0.0, 0.0);
    for level in levels {
        let of = |wanted: &dyn Fn(&str) -> bool| -> Vec<&Group> {
            let groups = crossed.groups.iter();
            groups
                .filter(|g| g.labels[1] == level && wanted(&g.labels[0]))
                .collect()
        };
        let (from, to) = (of(&from), of(&to));
        if customers(from.iter().copied()) == 0 || customers(to.iter().copied()) < ENOUGH {
            continue;
        }
        let n = real(customers(from.iter().copied()));
        let gap = kept(to.iter().copied())? - kept(from.iter().copied())?;
        difference += n * gap;
        weight += n;
    }
    (weight > 0.0).then(|| difference / weight)
}

pub const EQUAL_ENGAGEMENT: &str = "the difference among customers of equal engagement";

pub fn no(columns: &str) -> String {
    format!("It takes values in {columns}.")
}

/// A trial that looks at the mean of a measure.
pub fn of_means(say: &Figures, metric: &str, figure: Figure, effect: f64, money: bool) -> Trial {
    let write = |value: f64| {
        if money {
            say.money(value)
        } else {
            say.number(value, 4)
        }
    };
    Trial {
        metric: metric.to_owned(),
        control: write(figure.mean),
        least: write(effect.abs()),
        per_arm: figure.sd.and_then(|sd| power::for_means(sd, effect)),
    }
}

/// A trial that looks at a share.
pub fn of_shares(say: &Figures, metric: &str, control: f64, treated: f64) -> Trial {
    let points = 100.0 * (treated - control).abs();
    Trial {
        metric: metric.to_owned(),
        control: say.share(control, 1),
        least: format!(
            "{} points",
            say.number(points, if points < 1.0 { 2 } else { 1 })
        ),
        per_arm: power::for_shares(control, treated),
    }
}

/// How much of the whole difference the base effect is.
pub fn share_of(gap: Gap, raw: f64) -> f64 {
    if raw.abs() > f64::EPSILON {
        (gap.base() / raw).clamp(0.0, 1.0)
    } else {
        0.0
    }
}
