//! The mergeable aggregate of a cohort that all statistics come from.
//!
//! Invariant: any two ways to split and order the same customers come to equal
//! facts. All that is added up are whole numbers; nothing is rounded on the way.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use serde::{Deserialize, Serialize};

use super::fixed::{Moments, Pair, to_f64};
use super::frame::{CHUNK, Frame, Quantity, quantity};
use super::layouts::LAYOUTS;
use super::pairs::{self, PAIRS};
use super::scatter::{Scatter, decade_bin};
use super::segments::{SegmentName, Segments};
use super::sketch::Sketch;
use super::tables::Table;
use crate::schema::{COLUMN_COUNT, column};

const CREATOR: Quantity = quantity("is_creator");
const EARNINGS: Quantity = quantity("creator_earnings_month_usd");
const VIEWS: Quantity = quantity("avg_views_per_post");
const LIFETIME_VALUE: Quantity = quantity("lifetime_value_usd");
const REVENUE: Quantity = quantity("total_revenue_month_usd");
const KEPT: Quantity = quantity("kept_month_usd");
const MESSAGES: Quantity = quantity("messages_day");
const LENGTH: Quantity = quantity("avg_conversation_length");

/// What the customers seen so far come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts(pub(super) Tallies);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Tallies {
    pub customers: u64,
    /// Of every number and flag column, in the schema's order; empty for the others.
    pub columns: Vec<Moments>,
    pub premium: Moments,
    /// Revenue of the month of those who stay.
    #[serde(default)]
    pub kept: Moments,
    pub active_today: Moments,
    pub active_this_week: Moments,
    pub blocked_nobody: Moments,
    pub reported_nobody: Moments,
    /// The first and the last moment of observation, microseconds since 1970.
    pub observed: Option<(i64, i64)>,
    pub tables: Vec<Table>,
    pub pairs: Vec<Pair>,
    /// Messages against conversation length, of customers who have both.
    pub conversations: Pair,
    pub creator_earnings: Sketch,
    pub lifetime_value: Sketch,
    pub revenue: Sketch,
    /// Creators by what they earn, where it is anything.
    pub earnings_bins: BTreeMap<i32, u64>,
    /// Of creators: views of a post against monthly earnings.
    pub views_and_earnings: Scatter,
    pub segments: Segments,
}

impl Default for Facts {
    fn default() -> Self {
        Self(Tallies {
            customers: 0,
            columns: vec![Moments::default(); COLUMN_COUNT],
            premium: Moments::default(),
            kept: Moments::default(),
            active_today: Moments::default(),
            active_this_week: Moments::default(),
            blocked_nobody: Moments::default(),
            reported_nobody: Moments::default(),
            observed: None,
            tables: LAYOUTS.iter().map(Table::of).collect(),
            pairs: vec![Pair::default(); PAIRS.len()],
            conversations: Pair::default(),
            creator_earnings: Sketch::default(),
            lifetime_value: Sketch::default(),
            revenue: Sketch::default(),
            earnings_bins: BTreeMap::new(),
            views_and_earnings: Scatter::default(),
            segments: Segments::default(),
        })
    }
}

impl Facts {
    /// Adds the customers of a batch with the schema's columns first; what
    /// follows them is not looked at. A column of another type is as one of nulls.
    pub fn observe(&mut self, batch: &RecordBatch) {
        self.0.look(batch, |tallies, frame, _| tallies.add(frame));
    }

    /// The same, with the segment of each customer: its place among `names`.
    pub fn observe_with_segments(
        &mut self,
        batch: &RecordBatch,
        names: &[SegmentName],
        assigned: &[Option<u8>],
    ) {
        let mut part = Segments::new(names);
        self.0.look(batch, |tallies, frame, start| {
            tallies.add(frame);
            part.observe(&assigned[start..], frame);
        });
        self.0.segments.merge(part);
    }

    /// Adds what another part of the cohort came to.
    pub fn merge(&mut self, other: Self) {
        self.0.merge(other.0);
    }

    #[must_use]
    pub fn customers(&self) -> u64 {
        self.0.customers
    }
}

impl Tallies {
    fn look(&mut self, batch: &RecordBatch, mut add: impl FnMut(&mut Self, &Frame, usize)) {
        self.see(batch);
        let mut frame = Frame::new();
        for start in (0..batch.num_rows()).step_by(CHUNK) {
            frame.fill(batch, start);
            add(self, &frame, start);
        }
    }

    /// Notes when the customers were observed.
    fn see(&mut self, batch: &RecordBatch) {
        const OBSERVED: usize = column("data_generated_at");
        let Some(crate::schema::Values::Moment(moments)) =
            crate::schema::Values::in_batch(batch, OBSERVED)
        else {
            return;
        };
        for moment in moments.iter().flatten() {
            self.saw((moment, moment));
        }
    }

    fn saw(&mut self, (from, to): (i64, i64)) {
        let (first, last) = self.observed.unwrap_or((from, to));
        self.observed = Some((first.min(from), last.max(to)));
    }

    fn add(&mut self, frame: &Frame) {
        self.customers += frame.rows() as u64;
        for (i, sums) in self.columns.iter_mut().enumerate() {
            sums.merge(of_all(frame, Quantity(i)));
        }
        for (sums, of) in self.derived() {
            sums.merge(of_all(frame, of));
        }
        for (table, layout) in self.tables.iter_mut().zip(LAYOUTS) {
            table.observe(layout, frame);
        }
        for (pair, of) in self.pairs.iter_mut().zip(PAIRS) {
            pairs::observe(pair, *of, frame);
        }
        pairs::observe(&mut self.conversations, (MESSAGES, LENGTH), frame);
        for &amount in frame.quantity(LIFETIME_VALUE) {
            self.lifetime_value.add(amount);
        }
        for &amount in frame.quantity(REVENUE) {
            self.revenue.add(amount);
        }
        self.add_creators(frame);
    }

    fn add_creators(&mut self, frame: &Frame) {
        let amounts = frame.quantity(VIEWS).iter().zip(frame.quantity(EARNINGS));
        for (&creator, (&views, &earned)) in frame.quantity(CREATOR).iter().zip(amounts) {
            if creator == 1 {
                self.creator_earnings.add(earned);
                if earned > 0 {
                    let bin = decade_bin(to_f64(earned.into()) / EARNINGS.units());
                    *self.earnings_bins.entry(bin).or_default() += 1;
                }
                self.views_and_earnings
                    .add(views, VIEWS.units(), earned, EARNINGS.units());
            }
        }
    }

    fn merge(&mut self, mut other: Self) {
        self.customers += other.customers;
        for (sums, part) in self.columns.iter_mut().zip(&other.columns) {
            sums.merge(*part);
        }
        for ((sums, _), (part, _)) in self.derived().into_iter().zip(other.derived()) {
            sums.merge(*part);
        }
        if let Some(observed) = other.observed {
            self.saw(observed);
        }
        for (table, part) in self.tables.iter_mut().zip(&other.tables) {
            table.merge(part);
        }
        for (pair, part) in self.pairs.iter_mut().zip(other.pairs) {
            pair.merge(part);
        }
        self.conversations.merge(other.conversations);
        self.creator_earnings.merge(&other.creator_earnings);
        self.lifetime_value.merge(&other.lifetime_value);
        self.revenue.merge(&other.revenue);
        for (bin, part) in other.earnings_bins {
            *self.earnings_bins.entry(bin).or_default() += part;
        }
        self.views_and_earnings.merge(&other.views_and_earnings);
        self.segments.merge(other.segments);
    }

    /// What is summed over all customers and is no column.
    fn derived(&mut self) -> [(&mut Moments, Quantity); 6] {
        [
            (&mut self.premium, const { quantity("premium") }),
            (&mut self.kept, KEPT),
            (&mut self.active_today, const { quantity("active_today") }),
            (
                &mut self.active_this_week,
                const { quantity("active_this_week") },
            ),
            (
                &mut self.blocked_nobody,
                const { quantity("blocked_nobody") },
            ),
            (
                &mut self.reported_nobody,
                const { quantity("reported_nobody") },
            ),
        ]
    }

    /// Makes room for what version 2 did not measure: kept revenue.
    pub fn widen(&mut self) {
        for (table, layout) in self.tables.iter_mut().zip(LAYOUTS) {
            table.widen(layout, KEPT);
        }
    }

    /// Whether it has the tables and columns that this version reads.
    pub fn is_whole(&self) -> bool {
        self.columns.len() == COLUMN_COUNT
            && self.pairs.len() == PAIRS.len()
            && self.tables.len() == LAYOUTS.len()
            && (self.tables.iter().zip(LAYOUTS)).all(|(table, layout)| table.fits(layout))
            && self.segments.is_whole()
    }
}

fn of_all(frame: &Frame, quantity: Quantity) -> Moments {
    Moments::of(frame.values(quantity), 0..frame.rows())
}
