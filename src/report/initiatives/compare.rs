//! Comparing groups of customers for an initiative: kept revenue, at equal
//! engagement or as it is, and the trial that would tell.

use super::{Gap, Trial, Visible};
use crate::facts::published::{Figure, Group};
use crate::report::power;
use crate::report::story::{ENOUGH, Story, Z, joined, real};

pub const REVENUE: &str = "total_revenue_month_usd";
pub const ADS: &str = "ad_revenue_generated_month_usd";
pub const CHURN: &str = "churn_30_day";
pub const KEPT: &str = "kept_month_usd";

/// A number with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub value: f64,
    pub error: f64,
}

impl Estimate {
    pub const NONE: Self = Self {
        value: 0.0,
        error: 0.0,
    };

    /// The mean of a figure. One customer tells nothing of the spread.
    pub fn of(figure: &Figure) -> Self {
        Self {
            value: figure.mean,
            error: figure.error().unwrap_or(0.0),
        }
    }

    /// The ends of the 95% interval.
    pub fn low(self) -> f64 {
        self.value - Z * self.error
    }

    pub fn high(self) -> f64 {
        self.value + Z * self.error
    }

    /// The difference of two that know nothing of each other.
    pub fn less(self, other: Self) -> Self {
        Self {
            value: self.value - other.value,
            error: self.error.hypot(other.error),
        }
    }

    /// The product of two of the same customers: how they hang together is not
    /// known, so that the error is the largest that it can be.
    pub fn by(self, other: Self) -> Self {
        Self {
            value: self.value * other.value,
            error: (self.error * other.value).abs() + (other.error * self.value).abs(),
        }
    }
}

/// A figure over the customers of some groups. None where it is known of too few,
/// however many they are: the mean of one or two has no error to speak of, and
/// would be told as if it were certain.
pub fn known<'g>(groups: impl IntoIterator<Item = &'g Group>, id: &str) -> Option<Figure> {
    joined(groups, id).filter(|figure| figure.count >= ENOUGH)
}

/// The difference of two means; none where either is not known.
pub fn difference(one: Option<Figure>, other: Option<Figure>) -> Option<Estimate> {
    let (one, other) = one.zip(other)?;
    Some(Estimate::of(&one).less(Estimate::of(&other)))
}

/// What is kept where some customers leave as seldom as others and bring what
/// they brought: of the revenue of those who leave, the part by which churn falls.
pub fn saved(revenue: &Figure, kept: Estimate, churn: &Figure, becomes: &Figure) -> Estimate {
    let lost = Estimate::of(revenue).less(kept);
    let fall = Estimate::of(churn).less(Estimate::of(becomes));
    if churn.mean <= 0.0 {
        return Estimate::NONE;
    }
    let part = Estimate {
        value: fall.value / churn.mean,
        error: fall.error / churn.mean,
    };
    lost.by(part)
}

/// The share of some customers who stay; all, where churn is not known, and none
/// where it is known of too few.
pub fn staying<'g>(groups: impl IntoIterator<Item = &'g Group>) -> Option<Estimate> {
    let churn = match joined(groups, CHURN) {
        Some(churn) if churn.count < ENOUGH => return None,
        Some(churn) => Estimate::of(&churn),
        None => Estimate::NONE,
    };
    Some(Estimate {
        value: 1.0 - churn.value,
        error: churn.error,
    })
}

/// What a cohort knows of the revenue that is still there a month later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// That of each customer.
    Known,
    /// Revenue and churn of groups alone, in facts of an older program.
    OfGroups,
    /// Nothing: nobody's churn is known.
    All,
}

impl Kept {
    pub fn of(story: &Story) -> Self {
        let mut groups = story.facts.breakdowns.iter().flat_map(|b| &b.groups);
        if groups.any(|group| group.figure(KEPT).is_some()) {
            Self::Known
        } else if story.has(CHURN) {
            Self::OfGroups
        } else {
            Self::All
        }
    }
}

/// Money a month of a group's customers that is still there a month later.
pub fn kept<'g>(
    story: &Story,
    groups: impl IntoIterator<Item = &'g Group> + Clone,
) -> Option<Estimate> {
    if Kept::of(story) == Kept::Known {
        return known(groups, KEPT).map(|kept| Estimate::of(&kept));
    }
    let revenue = known(groups.clone(), REVENUE)?;
    Some(Estimate::of(&revenue).by(staying(groups)?))
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
/// customers. Levels with too few of either tell nothing.
pub fn at_equal_engagement(
    story: &Story,
    by: &str,
    from: impl Fn(&str) -> bool,
    to: impl Fn(&str) -> bool,
) -> Option<Estimate> {
    let crossed = story.facts.breakdown(&[by, "engagement_score"])?;
    let mut levels: Vec<&str> = crossed
        .groups
        .iter()
        .map(|g| g.labels[1].as_str())
        .collect();
    levels.sort_unstable();
    levels.dedup();
    let (mut difference, mut variance, mut weight) = (0.0, 0.0, 0.0);
    for level in levels {
        let of = |wanted: &dyn Fn(&str) -> bool| -> Vec<&Group> {
            let groups = crossed.groups.iter();
            groups
                .filter(|g| g.labels[1] == level && wanted(&g.labels[0]))
                .collect()
        };
        let (from, to) = (of(&from), of(&to));
        let moved = customers(from.iter().copied());
        if moved.min(customers(to.iter().copied())) < ENOUGH {
            continue;
        }
        let n = real(moved);
        let known = kept(story, to.iter().copied()).zip(kept(story, from.iter().copied()));
        let Some((of_to, of_from)) = known else {
            continue;
        };
        let gap = of_to.less(of_from);
        difference += n * gap.value;
        variance += (n * gap.error).powi(2);
        weight += n;
    }
    (weight > 0.0).then(|| Estimate {
        value: difference / weight,
        error: variance.sqrt() / weight,
    })
}

/// The stricter comparison that most initiatives have.
pub fn strict(at_equal_engagement: Option<Estimate>) -> (Estimate, &'static str) {
    match at_equal_engagement {
        Some(estimate) => (estimate, "the difference at equal engagement"),
        // Without it nothing vouches for any part of the difference.
        None => (Estimate::NONE, "nothing, since engagement is not known"),
    }
}

pub fn no(columns: &str) -> String {
    format!("It takes values in {columns}, of at least {ENOUGH} customers on either side.")
}

/// A trial that looks at the mean of a measure, of these customers.
pub fn of_means(
    story: &Story,
    metric: &str,
    figure: Figure,
    effect: f64,
    write: impl Fn(f64) -> String,
) -> Trial {
    let there_are = per_arm(story, figure.count);
    let visible = figure
        .sd
        .and_then(|sd| power::visible_mean(sd, there_are))
        .map(|least| (least, write(least)));
    Trial {
        metric: metric.to_owned(),
        control: write(figure.mean),
        least: write(effect.abs()),
        per_arm: figure.sd.and_then(|sd| power::for_means(sd, effect)),
        there_are,
        visible: visible.map(|(least, text)| Visible {
            text,
            times: least / effect.abs(),
        }),
    }
}

/// A trial that looks at the kept revenue of these customers; at all revenue,
/// where it is not known.
pub fn of_kept<'g>(
    story: &Story,
    groups: impl IntoIterator<Item = &'g Group> + Clone,
    effect: f64,
) -> Option<Trial> {
    let figure = known(groups.clone(), KEPT).or_else(|| known(groups, REVENUE))?;
    let metric = "kept revenue a month per customer offered";
    let write = |amount| story.say.money(amount);
    Some(of_means(story, metric, figure, effect, write))
}

/// A trial that looks at a share of these customers.
pub fn of_shares(story: &Story, metric: &str, customers: u64, control: f64, treated: f64) -> Trial {
    let say = &story.say;
    let points = |share: f64| {
        let points = 100.0 * share.abs();
        format!(
            "{} points",
            say.number(points, if points < 1.0 { 2 } else { 1 })
        )
    };
    let there_are = per_arm(story, customers);
    let least = power::visible_share(control, there_are);
    Trial {
        metric: metric.to_owned(),
        control: say.share(control, 1),
        least: points(treated - control),
        per_arm: power::for_shares(control, treated),
        there_are,
        visible: least.map(|least| Visible {
            text: points(least),
            times: least / (treated - control).abs(),
        }),
    }
}

/// Half of the customers, at the stated number of all.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of customers"
)]
fn per_arm(story: &Story, customers: u64) -> u64 {
    (real(customers) * story.scale() / 2.0).floor() as u64
}

/// How much of the whole difference the base effect is.
pub fn share_of(gap: Gap, whole: f64) -> f64 {
    if whole.abs() > f64::EPSILON {
        (gap.base / whole).clamp(0.0, 1.0)
    } else {
        0.0
    }
}
