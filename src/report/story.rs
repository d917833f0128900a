//! What the report is told from: facts, cards and settings, with the few
//! operations on them that sections, findings and exhibits share.

use chrono::{DateTime, Utc};

use super::figures::{Figures, plain};
use super::settings::{About, Settings};
use crate::facts::Published;
use crate::facts::published::{Figure, Group};
use crate::models::Card;

/// The longest name that a line of the report holds, of the widest signs too.
const LONGEST_NAME: usize = 50;

/// The longest that the head of a page holds beside the title.
pub(super) const LONGEST_IN_HEAD: usize = 40;

/// The longest that half a line holds, beside another exhibit.
const LONGEST_IN_SOURCE: usize = 32;

/// Below so many customers a group's mean is hearsay.
pub(super) const ENOUGH: u64 = 30;

/// The normal distribution's 97.5% point.
pub(super) const Z: f64 = 1.96;

pub(super) struct Story<'a> {
    pub facts: &'a Published,
    pub cards: &'a [&'a Card],
    pub about: &'a About,
    pub settings: &'a Settings,
    /// How numbers are written.
    pub say: Figures,
    /// The cohort's name as it can be shown.
    pub name: String,
}

impl<'a> Story<'a> {
    pub fn new(
        facts: &'a Published,
        cards: &'a [&'a Card],
        about: &'a About,
        settings: &'a Settings,
    ) -> Self {
        Self {
            facts,
            cards,
            about,
            settings,
            say: Figures {
                locale: settings.locale,
                currency: settings.currency,
            },
            name: shown(&about.name),
        }
    }

    /// When the customers were observed; when they were stored, where that is
    /// not known.
    pub fn day(&self) -> DateTime<Utc> {
        self.observed().unwrap_or(self.about.created_at)
    }

    fn observed(&self) -> Option<DateTime<Utc>> {
        let observed = self.facts.method.observed_to.as_deref()?;
        let moment = DateTime::parse_from_rfc3339(observed).ok()?;
        Some(moment.to_utc())
    }

    /// `observed on October 21, 2025`.
    pub fn seen_on(&self) -> String {
        let seen = match self.observed() {
            Some(_) => "observed",
            None => "stored",
        };
        format!("{seen} on {}", self.say.day(self.day()))
    }

    /// The groups of a breakdown; none where the cohort has it not.
    pub fn groups(&self, by: &[&str]) -> &'a [Group] {
        self.facts.breakdown(by).map_or(&[], |b| &b.groups)
    }

    /// Whether any customer has a value in the column.
    pub fn has(&self, column: &str) -> bool {
        if let Some(known) = self.facts.columns.get(column) {
            return known.count > 0;
        }
        // Categories have no sums: their breakdown says whether there are any.
        self.facts.breakdown(&[column]).is_some()
    }

    /// The card of the model for a target.
    pub fn card(&self, target: &str) -> Option<&'a Card> {
        self.cards
            .iter()
            .find(|card| card.target == target)
            .copied()
    }

    /// The line that says where an exhibit's numbers come from.
    pub fn source(&self, detail: &str) -> String {
        self.source_of(&self.name, self.facts.customers, detail)
    }

    /// The same for numbers from other customers than those of the report.
    pub fn source_of(&self, name: &str, customers: u64, detail: &str) -> String {
        let name = plain(&shown(name), LONGEST_IN_SOURCE);
        let customers = self.customers(customers);
        format!("Source: {name}, {customers}; {detail}.")
    }

    /// Whether there are too few customers to say anything of them as a whole.
    pub fn is_tiny(&self) -> bool {
        self.facts.customers < ENOUGH
    }

    /// Whether what revenue comes from is known of all of it.
    pub fn knows_revenue_mix(&self) -> bool {
        let parts = self.facts.revenue.parts.iter();
        let known: f64 = parts.filter_map(|part| part.share_pct).sum();
        (known - 100.0).abs() <= 0.5
    }

    /// The customers whose revenue is known, where it is not known of all: a total
    /// is theirs alone then.
    pub fn revenue_known_of(&self) -> Option<u64> {
        self.known_of_some("total_revenue_month_usd")
    }

    /// The customers who have a value in the column, where not all have.
    pub fn known_of_some(&self, column: &str) -> Option<u64> {
        let known = self.facts.columns.get(column)?.count;
        (known < self.facts.customers).then_some(known)
    }

    /// `The 500 of 1,000 customers whose revenue is known bring in`; none where it
    /// is known of all.
    pub fn revenue_is_of_some(&self) -> Option<String> {
        let known = self.revenue_known_of()?;
        Some(format!(
            "The {} of {} whose revenue is known {} in",
            self.say.count(known),
            self.customers(self.facts.customers),
            if known == 1 { "brings" } else { "bring" }
        ))
    }

    /// `100,000 customers`, or `1 customer`.
    pub fn customers(&self, count: u64) -> String {
        let noun = if count == 1 { "customer" } else { "customers" };
        format!("{} {noun}", self.say.count(count))
    }

    /// `$4.3k to $13k`.
    pub fn money_range(&self, low: f64, high: f64) -> String {
        format!(
            "{} to {}",
            self.say.money_rough(low),
            self.say.money_rough(high)
        )
    }

    /// What effects in this cohort are multiplied with, for the stated number of
    /// customers.
    pub fn scale(&self) -> f64 {
        let stated = self.settings.customers;
        stated.map_or(1.0, |customers| {
            real(customers) / real(self.facts.customers.max(1))
        })
    }

    /// A percentage with one decimal.
    pub fn pct(&self, percent: f64) -> String {
        self.say.percent(percent, 1)
    }
}

/// A cohort's name, or that it has none that can be seen.
fn shown(name: &str) -> String {
    let name = plain(name, LONGEST_NAME);
    match name.trim() {
        "" => "Unnamed cohort".to_owned(),
        name => name.to_owned(),
    }
}

/// What a person calls a platform.
pub(super) fn platform(name: &str) -> &str {
    match name {
        "Social_Media" => "Social media",
        "Both" => "Both platforms",
        other => other,
    }
}

/// A mean over the customers of some groups.
pub(super) fn pooled<'g>(groups: impl IntoIterator<Item = &'g Group>, id: &str) -> Option<f64> {
    let figures = groups.into_iter().filter_map(|group| group.figure(id));
    let (sum, count) = figures.fold((0.0, 0), |(sum, count), figure| {
        (sum + figure.sum, count + figure.count)
    });
    (count > 0).then(|| sum / real(count))
}

/// One figure over the customers of some groups, its spread included.
pub(super) fn joined<'g>(groups: impl IntoIterator<Item = &'g Group>, id: &str) -> Option<Figure> {
    let figures: Vec<_> = groups
        .into_iter()
        .filter_map(|group| group.figure(id))
        .collect();
    let count: u64 = figures.iter().map(|f| f.count).sum();
    let sum: f64 = figures.iter().map(|f| f.sum).sum();
    if count == 0 {
        return None;
    }
    let mean = sum / real(count);
    let squares: f64 = figures
        .iter()
        .map(|f| {
            let within = f.sd.map_or(0.0, |sd| sd * sd * (real(f.count) - 1.0));
            within + real(f.count) * (f.mean - mean).powi(2)
        })
        .sum();
    let sd = (count > 1).then(|| (squares / (real(count) - 1.0)).sqrt());
    Some(Figure {
        count,
        mean,
        sd,
        sum,
    })
}

/// Half the width of a 95% interval of the difference of two means; none where
/// either is of too few customers.
pub(super) fn uncertainty(a: &Figure, b: &Figure) -> Option<f64> {
    if a.count.min(b.count) < ENOUGH {
        return None;
    }
    Some(Z * a.error()?.hypot(b.error()?))
}

/// A 95% interval of the ratio of two means, by the delta method on logarithms.
pub(super) fn ratio_interval(a: &Figure, b: &Figure) -> Option<(f64, f64)> {
    if a.count.min(b.count) < ENOUGH || a.mean <= 0.0 || b.mean <= 0.0 {
        return None;
    }
    let spread = Z * (a.error()? / a.mean).hypot(b.error()? / b.mean);
    let ratio = a.mean / b.mean;
    Some((ratio * (-spread).exp(), ratio * spread.exp()))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of customers, far below 2^53"
)]
pub(super) fn real(count: u64) -> f64 {
    count as f64
}

/// A band of numbers in a table: `under 15%`, `15 to 30%`, `60% and over`.
pub(super) fn band(label: &str, unit: &str) -> String {
    match label.strip_suffix(" and over") {
        Some(number) => format!("{number}{unit} and over"),
        None => format!("{label}{unit}"),
    }
}

/// A band of numbers in a sentence: `fewer than 1`, `12 or more`.
pub(super) fn band_said(label: &str) -> String {
    label
        .replace(" and over", " or more")
        .replace("under ", "fewer than ")
}

/// The sentences that can be said, as one paragraph; none where there is nothing.
pub(super) fn paragraph(sentences: impl IntoIterator<Item = Option<String>>) -> Option<String> {
    let said: Vec<String> = sentences.into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join(" "))
}

/// `a, b and c`.
pub(super) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// `1.3 times` where more, `72% of` where less.
pub(super) fn times(say: &Figures, ratio: f64) -> String {
    if ratio >= 1.0 {
        format!("{} times", say.number(ratio, usize::from(ratio < 10.0)))
    } else {
        format!("{} of", say.share(ratio, 0))
    }
}
