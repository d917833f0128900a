//! What the sections read the aggregates through.

use std::collections::BTreeMap;

use super::super::aggregate::Tallies;
use super::super::fixed::count;
use super::super::frame::Quantity;
use super::super::groups::AT_RISK;
use super::super::pairs::PAIRS;
use super::super::segments::Segments;
use super::super::sketch::{QUANTILE_ERROR, Sketch};
use super::parts::{Breakdown, Figure, Group, of_segment};
use super::sections::{
    Correlation, Definition, Distribution, Method, Missing, Quantile, Segment, TopShare,
};
use crate::schema::{COLUMN_COUNT, COLUMNS, Kind, find};

const QUANTILES_PCT: [f64; 9] = [1.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0];
const TOPS_PCT: [f64; 5] = [1.0, 5.0, 10.0, 20.0, 50.0];

/// The aggregates, and the breakdowns made from them.
pub(super) struct View<'a> {
    pub tallies: &'a Tallies,
    breakdowns: &'a [Breakdown],
}

impl<'a> View<'a> {
    pub fn new(tallies: &'a Tallies, breakdowns: &'a [Breakdown]) -> Self {
        Self {
            tallies,
            breakdowns,
        }
    }

    /// A column over all customers.
    pub fn figure(&self, column: &str) -> Option<Figure> {
        let column = find(column)?;
        Figure::of(&self.tallies.columns[column], Quantity(column).units())
    }

    pub fn mean(&self, column: &str) -> Option<f64> {
        self.figure(column).map(|f| f.mean)
    }

    pub fn percent(&self, flag: &str) -> Option<f64> {
        self.mean(flag).map(|share| 100.0 * share)
    }

    pub fn sum(&self, column: &str) -> Option<f64> {
        self.figure(column).map(|f| f.sum)
    }

    pub fn breakdown(&self, by: &[&str]) -> Option<&'a Breakdown> {
        self.breakdowns.iter().find(|b| b.by == by)
    }

    /// The groups of a breakdown; none where the cohort has it not.
    pub fn groups(&self, by: &[&str]) -> &'a [Group] {
        self.breakdown(by).map_or(&[], |b| &b.groups)
    }

    pub fn group(&self, by: &str, label: &str) -> Option<&'a Group> {
        self.breakdown(&[by])?.group(&[label])
    }

    /// Pearson's correlation of a pair that is kept.
    pub fn correlation(&self, x: &str, y: &str) -> Option<f64> {
        let at = (PAIRS.iter()).position(|(a, b)| a.name() == x && b.name() == y)?;
        self.tallies.pairs[at].correlation()
    }

    pub fn correlations(&self) -> Vec<Correlation> {
        let pairs = PAIRS.iter().zip(&self.tallies.pairs);
        pairs
            .filter_map(|((x, y), pair)| {
                Some(Correlation {
                    x: x.name(),
                    y: y.name(),
                    customers: pair.x.count,
                    r: pair.correlation()?,
                    slope: pair.slope(x.units(), y.units())?,
                })
            })
            .collect()
    }

    pub fn columns(&self) -> BTreeMap<&'static str, Figure> {
        let names = COLUMNS.iter().map(|c| c.name);
        names
            .filter_map(|name| Some((name, self.figure(name)?)))
            .collect()
    }

    pub fn segments(&self) -> Vec<Segment> {
        let Segments::By { names, table } = &self.tallies.segments else {
            return Vec::new();
        };
        let all = count(table.customers.iter().sum());
        let figures: Vec<_> = (0..names.len()).map(|s| of_segment(table, s)).collect();
        let revenue = |s: usize| figures[s].get("total_revenue_month_usd").map(|f| f.sum);
        let revenues: f64 = (0..names.len()).filter_map(revenue).sum();
        let mut segments: Vec<Segment> = (names.iter().enumerate())
            .filter(|(s, _)| table.customers[*s] > 0)
            .map(|(s, name)| {
                let mean = |id| figures[s].get(id).map(|f: &Figure| f.mean);
                Segment {
                    name: name.name.clone(),
                    traits: name.traits.clone(),
                    customers: table.customers[s],
                    share_pct: 100.0 * count(table.customers[s]) / all,
                    arpu_usd: mean("total_revenue_month_usd"),
                    monthly_revenue_usd: revenue(s),
                    revenue_share_pct: percent_of(revenue(s), Some(revenues)),
                    avg_ltv_usd: mean("lifetime_value_usd"),
                    churn_pct: mean("churn_30_day").map(|m| 100.0 * m),
                    premium_pct: mean("premium").map(|m| 100.0 * m),
                    avg_engagement_score: mean("engagement_score"),
                    figures: figures[s].clone(),
                }
            })
            .collect();
        segments.sort_by(|a, b| (b.customers.cmp(&a.customers)).then(a.name.cmp(&b.name)));
        segments
    }

    pub fn method(&self) -> Method {
        let moment = |micros| {
            chrono::DateTime::from_timestamp_micros(micros)
                .map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
        };
        let observed = self.tallies.observed;
        let missing = (0..COLUMN_COUNT)
            .filter(|&i| COLUMNS[i].kind.is_number() || COLUMNS[i].kind == Kind::Flag)
            .map(|i| Missing {
                column: COLUMNS[i].name,
                customers: self.tallies.customers - self.tallies.columns[i].count,
            });
        Method {
            observed_from: observed.and_then(|(from, _)| moment(from)),
            observed_to: observed.and_then(|(_, to)| moment(to)),
            missing: missing.filter(|m| m.customers > 0).collect(),
            at_risk_below: AT_RISK,
            quantile_error: QUANTILE_ERROR,
            definitions: DEFINITIONS.to_vec(),
        }
    }
}

/// A part of a whole, per hundred.
pub(super) fn percent_of(part: Option<f64>, whole: Option<f64>) -> Option<f64> {
    let whole = whole.filter(|w| *w > 0.0)?;
    Some(100.0 * part? / whole)
}

pub(super) fn ratio(part: Option<f64>, whole: Option<f64>) -> Option<f64> {
    let whole = whole.filter(|w| *w > 0.0)?;
    Some(part? / whole)
}

pub(super) fn distribution(sketch: &Sketch) -> Distribution {
    Distribution {
        count: sketch.count(),
        zeros: sketch.zeros(),
        quantiles: (QUANTILES_PCT.iter())
            .filter_map(|&at_pct| {
                let value = sketch.quantile(at_pct / 100.0)?;
                Some(Quantile { at_pct, value })
            })
            .collect(),
        top_shares: (TOPS_PCT.iter())
            .filter_map(|&top_pct| {
                let share_pct = 100.0 * sketch.top_share(top_pct / 100.0)?;
                Some(TopShare { top_pct, share_pct })
            })
            .collect(),
        gini: sketch.gini(),
    }
}

const fn definition(figure: &'static str, definition: &'static str) -> Definition {
    Definition { figure, definition }
}

const DEFINITIONS: &[Definition] = &[
    definition(
        "means",
        "the mean of the customers' values, of rates too; customers without a value are left out",
    ),
    definition("ARPU", "revenue of the month per customer"),
    definition(
        "ARPPU",
        "revenue of the month, of all customers, per premium customer",
    ),
    definition(
        "kept revenue",
        "revenue of the month of the customers who are still there 30 days later; those who \
         leave bring none",
    ),
    definition(
        "conversations a month",
        "30 times the messages a day, sent and received, over the mean length of a conversation, \
         both summed over the customers who have both",
    ),
    definition("swipes, matches a month", "30 times the mean of a day"),
    definition(
        "DAU proxy",
        "customers whose last activity was on the day they were observed",
    ),
    definition(
        "WAU proxy",
        "customers whose last activity was less than seven days before",
    ),
    definition(
        "engagement levels",
        "score below 0.3, from 0.3 to below 0.5, and from 0.5",
    ),
    definition("at risk", "engagement score below 0.3"),
    definition(
        "cross-platform lift",
        "mean lifetime value of customers whose primary platform is both, to that of the others",
    ),
    definition(
        "lifetime value",
        "what the customer has brought in so far, not a forecast",
    ),
];
