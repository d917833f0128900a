//! The exhibits: which there are, what each needs, and how it is drawn.
//!
//! Invariant: an exhibit whose numbers a cohort lacks is none, with the reason;
//! it is never drawn empty.

mod creators;
mod dating;
mod money;
mod platforms;
mod quality;
mod retention;

pub(super) use creators::{concentration, quantile};
pub(super) use dating::step_name;
pub(super) use money::{LEVELS, part_name};
pub(super) use retention::{bands, months, tenure_matters};

use super::document::Chart;
use super::story::Story;

/// What an exhibit shows of this cohort.
pub(super) struct Drawn {
    /// What is to be seen in it.
    pub title: String,
    /// What it shows, for those who don't see it.
    pub alt: String,
    /// Where its numbers come from.
    pub source: String,
    pub chart: Chart,
}

/// One of the exhibits.
pub(super) struct Kind {
    pub id: &'static str,
    /// What it is about, whatever the cohort.
    pub about: &'static str,
    /// The columns that it can't do without.
    pub needs: &'static [&'static str],
    /// What is wrong where the columns are there and it is none all the same.
    pub otherwise: &'static str,
    pub draw: fn(&Story) -> Option<Drawn>,
}

#[rustfmt::skip] // A table: an exhibit a paragraph.
pub(super) const KINDS: &[Kind] = &[
    Kind { id: "platform-activity", about: "Activity by primary platform", needs: &["platform_primary"],
           otherwise: "no measure of activity is known of two platforms", draw: platforms::activity },
    Kind { id: "creator-earnings", about: "Distribution of creator earnings", needs: &["is_creator", "creator_earnings_month_usd"],
           otherwise: "too few creators earn anything", draw: creators::earnings },
    Kind { id: "views-and-earnings", about: "Views against creator earnings", needs: &["is_creator", "avg_views_per_post", "creator_earnings_month_usd"],
           otherwise: "too few creators have views and earnings", draw: creators::views },
    Kind { id: "dating-funnel", about: "From swipe to date", needs: &["swipes_right_day", "matches_per_day"],
           otherwise: "nobody swipes right", draw: dating::funnel },
    Kind { id: "profile-quality", about: "Matches by profile quality", needs: &["profile_quality_score", "matches_per_day"],
           otherwise: "too few profiles of different quality", draw: dating::profiles },
    Kind { id: "revenue-mix", about: "Revenue mix", needs: &["total_revenue_month_usd"],
           otherwise: "there is no revenue, or its parts are not known", draw: money::mix },
    Kind { id: "revenue-by-engagement", about: "Revenue by platform and engagement level", needs: &["platform_primary", "engagement_score", "total_revenue_month_usd"],
           otherwise: "too few customers", draw: money::by_engagement },
    Kind { id: "churn-by-tenure", about: "Churn by tenure", needs: &["tenure_months", "churn_30_day"],
           otherwise: "all customers are in one tenure band", draw: retention::by_tenure },
    Kind { id: "churn-by-engagement", about: "Churn by platform and engagement level", needs: &["platform_primary", "engagement_score", "churn_30_day"],
           otherwise: "too few customers", draw: retention::by_engagement },
    Kind { id: "segments", about: "Lifetime value by segment", needs: &["lifetime_value_usd"],
           otherwise: "the cohort was not divided into segments", draw: retention::segments },
    Kind { id: "churn-lift", about: "Lift of the churn model", needs: &[],
           otherwise: "no churn model with a lift table serves", draw: quality::lift },
    Kind { id: "churn-calibration", about: "Calibration of the churn model", needs: &[],
           otherwise: "no churn model with a calibration table serves", draw: quality::churn_calibration },
    Kind { id: "ltv-calibration", about: "Calibration of the lifetime-value model", needs: &[],
           otherwise: "no lifetime-value model with a calibration table serves", draw: quality::ltv_calibration },
];

/// The names of all charts, in the order of the report.
pub fn chart_ids() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.id)
}
