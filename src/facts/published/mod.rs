//! Everything that a report says of a cohort, in sections, as JSON and as types.
//!
//! Made from the aggregates alone, so it costs the same for any cohort. What a
//! cohort lacks the columns for is none, or an empty list, never 0.

mod activity;
mod creators;
mod money;
mod parts;
mod retention;
mod sections;
mod view;

use std::collections::BTreeMap;

use serde::Serialize;

use super::Facts;
use super::statistics::Statistic;
use view::View;

pub use money::REVENUE_PARTS;
pub use parts::{Band, Breakdown, Figure, Group, Measure};
pub use sections::{
    Bin, Conversation, Correlation, Creators, CrossPlatform, Dating, Definition, Distribution,
    Driver, Executive, Funnel, Level, Method, Missing, PaidFeature, PlatformByEngagement, Quantile,
    Retention, Revenue, RevenuePart, Safety, ScatterBin, Segment, Share, Social, Standing, Step,
    TenureBand, Tier, TopShare, ViewsAgainstEarnings,
};

/// The facts of a cohort.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Published {
    pub customers: u64,
    pub executive: Executive,
    pub social: Social,
    pub dating: Dating,
    /// Of all customers, then of each primary platform.
    pub funnel: Vec<Funnel>,
    pub revenue: Revenue,
    pub retention: Retention,
    pub creators: Creators,
    /// All nine fields, platform by platform; empty where either is not known.
    pub platform_by_engagement: Vec<PlatformByEngagement>,
    /// Under 3, 3 to 6, 6 to 12, 12 to 24, 24 months and over.
    pub churn_by_tenure: Vec<TenureBand>,
    /// The largest first; empty where the cohort was not divided.
    pub segments: Vec<Segment>,
    /// Every column of numbers or flags that has a value.
    pub columns: BTreeMap<&'static str, Figure>,
    /// Means by group, with what an experiment needs to be sized.
    pub breakdowns: Vec<Breakdown>,
    pub correlations: Vec<Correlation>,
    /// The published statistics, by id.
    pub statistics: Vec<Statistic>,
    pub method: Method,
}

impl Facts {
    /// Everything that a report says of the cohort.
    #[must_use]
    pub fn published(&self) -> Published {
        let breakdowns = parts::Breakdown::all(&self.0);
        let view = View::new(&self.0, &breakdowns);
        Published {
            customers: self.0.customers,
            executive: view.executive(),
            social: view.social(),
            dating: view.dating(),
            funnel: view.funnels(),
            revenue: view.revenue(),
            retention: view.retention(),
            creators: view.creators(),
            platform_by_engagement: view.platform_by_engagement(),
            churn_by_tenure: view.churn_by_tenure(),
            segments: view.segments(),
            columns: view.columns(),
            correlations: view.correlations(),
            statistics: self.statistics(),
            method: view.method(),
            breakdowns,
        }
    }
}

impl Published {
    /// The breakdown by these dimensions.
    #[must_use]
    pub fn breakdown(&self, by: &[&str]) -> Option<&Breakdown> {
        self.breakdowns.iter().find(|b| b.by == by)
    }

    /// A published statistic.
    #[must_use]
    pub fn statistic(&self, id: &str) -> Option<f64> {
        self.statistics.iter().find(|s| s.id == id)?.value
    }
}
