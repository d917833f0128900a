//! Customers by segment. Who is in which one comes in as data: this room does
//! not know how segments are found.

use serde::{Deserialize, Serialize};

use super::frame::{CHUNK, Frame, Quantity, quantity};
use super::groups::NO_GROUP;
use super::tables::Table;

/// What is measured of each segment.
pub(super) const MEASURED: &[Quantity] = &[
    quantity("total_revenue_month_usd"),
    quantity("lifetime_value_usd"),
    quantity("churn_30_day"),
    quantity("premium"),
    quantity("engagement_score"),
    quantity("tenure_months"),
    quantity("feed_time_minutes_day"),
    quantity("swipes_day"),
    quantity("matches_per_day"),
    quantity("posts_and_reels"),
];

/// The most segments that a cohort is divided into.
pub const MOST_SEGMENTS: usize = 16;

/// How a segment is called, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentName {
    pub name: String,
    /// The behaviours that set it apart, the strongest first.
    pub traits: Vec<SegmentTrait>,
}

/// A behaviour of a segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentTrait {
    /// The column.
    pub column: String,
    /// How far the segment's centre is from that of all customers, in standard
    /// deviations of the behaviour as the segments see it.
    pub deviations: f64,
}

/// The segments of a cohort, as far as it was divided.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) enum Segments {
    #[default]
    None,
    By {
        names: Vec<SegmentName>,
        table: Table,
    },
    /// Parts were divided in different ways: there is nothing to be said of the
    /// whole.
    Unlike,
}

impl Segments {
    pub fn new(names: &[SegmentName]) -> Self {
        let names: Vec<_> = names.iter().take(MOST_SEGMENTS).cloned().collect();
        let table = Table::new(names.len(), MEASURED.len());
        Self::By { names, table }
    }

    /// Whether there is a row for each segment.
    pub fn is_whole(&self) -> bool {
        match self {
            Self::By { names, table } => {
                table.customers.len() == names.len()
                    && table.cells.len() == names.len() * MEASURED.len()
            }
            Self::None | Self::Unlike => true,
        }
    }

    pub fn observe(&mut self, assigned: &[Option<u8>], frame: &Frame) {
        if let Self::By { table, .. } = self {
            let mut codes = [NO_GROUP; CHUNK];
            for (code, segment) in codes.iter_mut().zip(assigned) {
                *code = segment.unwrap_or(NO_GROUP);
            }
            table.add(&codes[..frame.rows()], MEASURED, frame);
        }
    }

    pub fn merge(&mut self, other: Self) {
        match (&mut *self, other) {
            (_, Self::None) => {}
            (Self::None, other) => *self = other,
            (
                Self::By { names, table },
                Self::By {
                    names: others,
                    table: part,
                },
            ) if *names == others => table.merge(&part),
            _ => *self = Self::Unlike,
        }
    }
}
