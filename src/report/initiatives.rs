//! The six initiatives: what each would move, and what that is worth in this
//! cohort.
//!
//! An initiative moves a share of some customers to the state of others; what
//! the others do differently is its effect. It is looked at twice: all of the
//! difference, and the part that is left when what else differs is held equal,
//! or the direct part alone. The base is the middle of the two, the ends are
//! those of their 95% intervals. Invariant: these are associations, and every
//! text about them says so.

mod compare;
mod dating;
mod social;
mod tell;

use super::document::{Decision, Initiative};
use super::story::{Story, real};
use compare::Estimate;
pub(super) use compare::Kept;

/// What an initiative changes, and by how much unless it is told otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lever {
    /// Its name in queries and settings.
    pub id: &'static str,
    /// The share of the customers concerned that is assumed to change.
    pub change_pct: f64,
    /// What the percentage is of.
    pub of: &'static str,
}

/// The six, in the order of their settings.
#[rustfmt::skip] // A table: one lever a line.
pub const LEVERS: [Lever; 6] = [
    Lever { id: "creators", change_pct: 5.0, of: "customers who post and are no creators that become creators" },
    Lever { id: "match-quality", change_pct: 5.0, of: "customers with a match satisfaction below 3 that reach 3 or more" },
    Lever { id: "stories-to-premium", change_pct: 5.0, of: "free customers who view many stories that subscribe" },
    Lever { id: "video", change_pct: 5.0, of: "customers with little video that watch as much as the others" },
    Lever { id: "dates", change_pct: 5.0, of: "customers who date and had no date in the month that have one" },
    Lever { id: "bundle", change_pct: 5.0, of: "customers of one platform that use both" },
];

/// An initiative's effect, per customer that is moved: money a month that is
/// still there a month later.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gap {
    pub low: f64,
    pub base: f64,
    pub high: f64,
    /// Which ends are the stricter comparison's: the low one, as one expects,
    /// both where it is known worse, none where it is known better.
    pub low_is_strict: bool,
    pub high_is_strict: bool,
}

impl Gap {
    pub fn between(whole: Estimate, strict: Estimate) -> Self {
        Self {
            low: whole.low().min(strict.low()),
            base: f64::midpoint(whole.value, strict.value),
            high: whole.high().max(strict.high()),
            low_is_strict: strict.low() <= whole.low(),
            high_is_strict: strict.high() > whole.high(),
        }
    }
}

/// An experiment that would tell.
pub(super) struct Trial {
    /// What is measured, of whom.
    pub metric: String,
    /// The value without the initiative, as text.
    pub control: String,
    /// The smallest effect that is to be seen: that of the assumed change.
    pub least: String,
    /// None where no experiment could see it.
    pub per_arm: Option<u64>,
    /// Customers that there are for each arm, and what these would show.
    pub there_are: u64,
    pub visible: Option<Visible>,
}

impl Trial {
    /// Whether there are customers enough.
    pub fn is_possible(&self) -> bool {
        self.per_arm.is_some_and(|n| n <= self.there_are)
    }
}

/// The smallest effect that the customers there are would show.
pub(super) struct Visible {
    pub text: String,
    /// In terms of that of the assumed change.
    pub times: f64,
}

/// What an initiative comes to in a cohort that has the columns.
pub(super) struct Case {
    pub evidence: String,
    /// Customers who could be moved, and what they are.
    pub reach: u64,
    pub who: &'static str,
    /// What becomes of those that are moved.
    pub becomes: &'static str,
    pub gap: Gap,
    /// What the stricter comparison is.
    pub strict: &'static str,
    pub falsifier: String,
    pub trial: Option<Trial>,
    /// A model that finds whom to ask first, with its lift.
    pub target: Option<&'static str>,
}

/// One of the six with what it comes to.
pub(super) struct Rated {
    pub lever: Lever,
    pub title: &'static str,
    /// The assumed share, 0 to 1.
    pub change: f64,
    pub case: Result<Case, String>,
    /// Customers of this cohort that would be moved.
    pub moved: f64,
    /// To the stated number of customers.
    pub scale: f64,
}

impl Rated {
    /// Money a month, at the stated number of customers: low, base, high.
    pub fn value(&self) -> Option<(f64, f64, f64)> {
        let gap = self.case.as_ref().ok()?.gap;
        let per_unit = self.moved * self.scale;
        Some((gap.low * per_unit, gap.base * per_unit, gap.high * per_unit))
    }
}

type Examine = fn(&Story, f64) -> Result<Case, String>;

/// In the order of [`LEVERS`].
const SIX: [(&str, Examine); 6] = [
    ("Expand creator monetisation", social::creators),
    ("Improve match quality", dating::match_quality),
    ("Lead story viewers to premium", social::stories),
    ("Raise video watch time", social::video),
    ("Turn matches into dates", dating::dates),
    ("Bundle both platforms", social::bundle),
];

/// All six, the most valuable first; those that can't be valued last.
pub(super) fn rated(story: &Story) -> Vec<Rated> {
    let scale = story.scale();
    let levers = LEVERS.into_iter().zip(story.settings.changes_pct);
    let mut rated: Vec<Rated> = SIX
        .into_iter()
        .zip(levers)
        .map(|((title, examine), (lever, change_pct))| {
            let change = change_pct / 100.0;
            let case = examine(story, change);
            let moved = case.as_ref().map_or(0.0, |case| change * real(case.reach));
            Rated {
                lever,
                title,
                change,
                case,
                moved,
                scale,
            }
        })
        .collect();
    let base = |r: &Rated| r.value().map_or(f64::NEG_INFINITY, |(_, base, _)| base);
    rated.sort_by(|a, b| base(b).total_cmp(&base(a)));
    rated
}

/// Two of each priority by rank; what is worth nothing is never above P3.
pub(super) fn priority(rank: usize, rated: &Rated) -> &'static str {
    let worth = rated.value().is_some_and(|(_, base, _)| base > 0.0);
    match rank {
        0 | 1 if worth => "P1",
        2 | 3 if worth => "P2",
        _ => "P3",
    }
}

/// All six as they are shown.
pub(super) fn shown(story: &Story, rated: &[Rated]) -> Vec<Initiative> {
    let ranked = rated.iter().enumerate();
    ranked
        .map(|(rank, r)| tell::initiative(story, rank, r))
        .collect()
}

/// The first three that promise anything, for the summary.
pub(super) fn decisions(story: &Story, rated: &[Rated]) -> Vec<Decision> {
    let ranked = rated
        .iter()
        .enumerate()
        .filter(|(_, r)| r.value().is_some_and(|(_, base, _)| base > 0.0));
    ranked
        .take(3)
        .filter_map(|(rank, r)| tell::decision(story, rank, r))
        .collect()
}
