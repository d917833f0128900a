//! What the sections of the published facts are made of.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::aggregate::Tallies;
use super::super::fixed::{Moments, count};
use super::super::frame::Quantity;
use super::super::groups::DIMENSIONS;
use super::super::layouts::{LAYOUTS, Layout};
use super::super::segments::MEASURED;
use super::super::tables::Table;

/// A measure over some customers; nulls are not among them. A flag's mean is
/// the share of those who have it, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figure {
    /// Customers whose value is known.
    pub count: u64,
    pub mean: f64,
    /// Standard deviation between customers (of a sample, n − 1); none below
    /// two customers.
    pub sd: Option<f64>,
    /// The sum over those customers.
    pub sum: f64,
}

impl Figure {
    pub(super) fn of(sums: &Moments, units: f64) -> Option<Self> {
        Some(Self {
            count: sums.count,
            mean: sums.mean(units)?,
            sd: sums.deviation(units),
            sum: sums.total(units),
        })
    }

    /// The standard error of the mean.
    #[must_use]
    pub fn error(&self) -> Option<f64> {
        Some(self.sd? / count(self.count).sqrt())
    }
}

/// A column of a breakdown.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Measure {
    /// A column of a customer, or `premium`, `swipes_day` (right and left),
    /// `messages_day` (sent and received), `posts_and_reels`, `paid_month_usd`
    /// (subscription and in-app), `kept_month_usd` (revenue of the month of
    /// customers who stay, 0 for those who leave within 30 days),
    /// `active_today`, `active_this_week`.
    pub id: &'static str,
    /// What one of it is; empty for flags.
    pub unit: &'static str,
}

/// Means by group. One whose columns the cohort has not is left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Breakdown {
    /// The dimension, or the two that are crossed: columns, or
    /// `creator_standing`. `first_message_response_rate_pct` is of those alone
    /// whose primary platform is not social media and who matched this month.
    pub by: Vec<&'static str>,
    pub measures: Vec<Measure>,
    /// All groups in the order of their bands, empty ones too; of two
    /// dimensions the second runs faster.
    pub groups: Vec<Group>,
}

/// The customers of one group.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// The category or band in each dimension.
    pub labels: Vec<String>,
    /// The bounds in each dimension; without numbers for categories.
    pub bands: Vec<Band>,
    pub customers: u64,
    /// Of the customers that are in any group of the breakdown.
    pub share_pct: f64,
    /// By the measure's id; without those that no customer of the group has.
    pub figures: BTreeMap<&'static str, Figure>,
}

/// From, and up to but not including.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Band {
    pub from: Option<f64>,
    pub to: Option<f64>,
}

impl Group {
    #[must_use]
    pub fn figure(&self, id: &str) -> Option<Figure> {
        self.figures.get(id).copied()
    }

    #[must_use]
    pub fn mean(&self, id: &str) -> Option<f64> {
        self.figure(id).map(|f| f.mean)
    }

    /// The mean of a flag as a percentage.
    #[must_use]
    pub fn percent(&self, id: &str) -> Option<f64> {
        self.mean(id).map(|share| 100.0 * share)
    }

    #[must_use]
    pub fn sum(&self, id: &str) -> Option<f64> {
        self.figure(id).map(|f| f.sum)
    }
}

impl Breakdown {
    /// The group with these labels.
    #[must_use]
    pub fn group(&self, labels: &[&str]) -> Option<&Group> {
        self.groups.iter().find(|g| g.labels == labels)
    }

    /// All that have customers in them.
    pub(super) fn all(tallies: &Tallies) -> Vec<Self> {
        let tables = tallies.tables.iter().zip(LAYOUTS);
        tables
            .filter(|(table, _)| table.customers.iter().any(|&n| n > 0))
            .map(|(table, layout)| Self::of(table, layout))
            .collect()
    }

    fn of(table: &Table, layout: &Layout) -> Self {
        let all = count(table.customers.iter().sum());
        let groups = (0..layout.groups()).map(|group| {
            let places = places(layout, group);
            Group {
                labels: places
                    .iter()
                    .map(|&(d, g)| DIMENSIONS[d].label(g))
                    .collect(),
                bands: (places.iter())
                    .map(|&(d, g)| {
                        let (from, to) = DIMENSIONS[d].band(g);
                        Band { from, to }
                    })
                    .collect(),
                customers: table.customers[group],
                share_pct: 100.0 * count(table.customers[group]) / all,
                figures: figures(table, layout.of, group),
            }
        });
        Self {
            by: layout.by.iter().map(|&d| DIMENSIONS[d].name).collect(),
            measures: measures(layout.of),
            groups: groups.collect(),
        }
    }
}

/// Dimension and group in it, of a group of a table.
fn places(layout: &Layout, group: usize) -> Vec<(usize, usize)> {
    match layout.by {
        [first, second] => {
            let width = DIMENSIONS[*second].groups();
            vec![(*first, group / width), (*second, group % width)]
        }
        by => by.iter().map(|&d| (d, group)).collect(),
    }
}

fn measures(of: &[Quantity]) -> Vec<Measure> {
    let measure = |q: &Quantity| Measure {
        id: q.name(),
        unit: q.unit(),
    };
    of.iter().map(measure).collect()
}

fn figures(table: &Table, of: &[Quantity], group: usize) -> BTreeMap<&'static str, Figure> {
    let cells = &table.cells[group * of.len()..][..of.len()];
    (of.iter().zip(cells))
        .filter_map(|(q, sums)| Some((q.name(), Figure::of(sums, q.units())?)))
        .collect()
}

/// What is measured of a segment.
pub(super) fn of_segment(table: &Table, segment: usize) -> BTreeMap<&'static str, Figure> {
    figures(table, MEASURED, segment)
}
