//! Which rows teach, which stop the teaching, which calibrate and which judge.
//!
//! Where all customers were observed at one moment, the parts are drawn from the
//! seed, with either class of a yes-or-no label shared out evenly. Where they
//! were observed at several, the hold-out is the latest part: a model is for
//! customers who come after those it learnt from, and a random hold-out would
//! let it look ahead. A customer who stands in several rows is in one part of those
//! that are drawn, so that none is judged on one whom it learnt by heart.

use std::collections::HashMap;

use chrono::DateTime;

/// What a row is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Fits the candidates.
    Train,
    /// Tells the forest when to stop growing.
    Validation,
    /// Sets probabilities right, and sizes the intervals.
    Calibration,
    /// Judges; no candidate has seen it.
    HoldOut,
}

const HOLD_OUT: f64 = 0.2;
const VALIDATION: f64 = 0.06;
const CALIBRATION: f64 = 0.08;

/// How many random hold-outs there are that share no row.
pub const FOLDS: usize = 5;

/// The least and the most that a latest part may hold and be a hold-out.
const LATEST: (f64, f64) = (0.1, 0.5);

/// What the split looks at.
#[derive(Clone, Copy)]
pub(super) struct Row {
    /// Where the row stands in the cohort.
    pub at: usize,
    /// Where the first row of the same customer stands.
    pub customer: usize,
    pub label: f64,
    /// When the customer was observed, in microseconds since 1970; NaN if nobody
    /// knows.
    pub moment: f64,
}

/// The part of each row, and how they were parted.
pub(super) struct Split {
    pub parts: Vec<Part>,
    /// For the card.
    pub text: String,
}

impl Split {
    /// Parts the rows. `fold` says which of the random hold-outs to take;
    /// `strata` whether the labels are classes.
    pub(super) fn of(rows: &[Row], seed: u64, fold: usize, strata: bool) -> Self {
        let mut parts = vec![Part::HoldOut; rows.len()];
        let (text, mut rest): (String, Vec<usize>) = match latest(rows) {
            Some((from, share)) => (
                latest_text(from, share),
                (0..rows.len())
                    .filter(|&i| rows[i].moment < from || rows[i].moment.is_nan())
                    .collect(),
            ),
            None => ("a random fifth".to_owned(), (0..rows.len()).collect()),
        };
        let judged = if rest.len() == rows.len() {
            HOLD_OUT
        } else {
            0.0
        };
        let others = set_aside_others(rows, &mut rest);
        let class = |i: usize| strata && rows[i].label != 0.0;
        let key = |i: usize| draw(seed, rows[i].at, Draw::Part);
        rest.sort_by(|&a, &b| class(a).cmp(&class(b)).then(key(a).total_cmp(&key(b))));
        for class in rest.chunk_by(|&a, &b| class(a) == class(b)) {
            for (rank, &i) in class.iter().enumerate() {
                parts[i] = part(place(rank, class.len(), fold), judged);
            }
        }
        for &(i, first) in &others {
            parts[i] = parts[first];
        }
        let whole = judged > 0.0 && !others.is_empty();
        let each = if whole {
            " of the customers, each with all its rows"
        } else {
            ""
        };
        let text = text + each;
        Self { parts, text }
    }
}

/// Takes out of `rest` all but the first row of each customer; gives those with the
/// first row.
fn set_aside_others(rows: &[Row], rest: &mut Vec<usize>) -> Vec<(usize, usize)> {
    let mut firsts: HashMap<usize, usize> = HashMap::with_capacity(rest.len());
    let mut others = Vec::new();
    rest.retain(|&i| {
        let first = *firsts.entry(rows[i].customer).or_insert(i);
        if first != i {
            others.push((i, first));
        }
        first == i
    });
    others
}

/// Where a row stands among its class, from 0 to 1, turned so that each fold
/// begins with another fifth.
#[expect(clippy::cast_precision_loss, reason = "counts of rows")]
fn place(rank: usize, rows: usize, fold: usize) -> f64 {
    let place = (rank as f64 + 0.5) / rows as f64 - (fold % FOLDS) as f64 * HOLD_OUT;
    if place < 0.0 { place + 1.0 } else { place }
}

fn part(place: f64, judged: f64) -> Part {
    if place < judged {
        Part::HoldOut
    } else if place < judged + VALIDATION {
        Part::Validation
    } else if place < judged + VALIDATION + CALIBRATION {
        Part::Calibration
    } else {
        Part::Train
    }
}

/// The moment from which on customers are held out, and their share: the whole
/// moments that come nearest to a fifth. None if all customers are of one
/// moment, or too many are of the last.
#[expect(clippy::cast_precision_loss, reason = "counts of rows")]
fn latest(rows: &[Row]) -> Option<(f64, f64)> {
    let known = rows.iter().map(|row| row.moment).filter(|m| !m.is_nan());
    let mut moments: Vec<f64> = known.collect();
    moments.sort_unstable_by(f64::total_cmp);
    let share = |from: usize| (moments.len() - from) as f64 / rows.len() as f64;
    let begins = (1..moments.len()).filter(|&i| moments[i] > moments[i - 1]);
    let nearest = begins.min_by(|&a, &b| {
        let off = |i| (share(i) - HOLD_OUT).abs();
        off(a).total_cmp(&off(b))
    })?;
    let share = share(nearest);
    (LATEST.0..=LATEST.1)
        .contains(&share)
        .then_some((moments[nearest], share))
}

#[expect(clippy::cast_possible_truncation, reason = "moments are whole")]
fn latest_text(from: f64, share: f64) -> String {
    let day = DateTime::from_timestamp_micros(from as i64)
        .map_or_else(String::new, |day| day.format("%Y-%m-%d").to_string());
    format!(
        "the latest: the {:.0}% observed from {day} on",
        share * 100.0
    )
}

/// What a number is drawn for: draws for different ends are independent.
#[derive(Clone, Copy)]
pub(super) enum Draw {
    Part,
    /// Whether a row is also learnt from with gaps.
    Gaps,
    /// The share of its columns that are then missing.
    GapShare,
    /// Whether a row is among those that fit the baseline.
    Baseline,
    /// Whether a column is missing.
    Gap(usize),
    /// Which row a resample takes.
    Resample(usize),
}

/// A number in [0, 1) for this seed, row and end: the finaliser of `SplitMix64`
/// (Steele, Lea and Flood 2014) over the three.
pub(super) fn draw(seed: u64, row: usize, end: Draw) -> f64 {
    let end = match end {
        Draw::Part => 1,
        Draw::Gaps => 2,
        Draw::GapShare => 3,
        Draw::Baseline => 4,
        Draw::Gap(column) => 16 + column as u64,
        Draw::Resample(number) => (1 << 32) + number as u64,
    };
    let bits = mix(mix(mix(seed) ^ row as u64) ^ end);
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
    let u = (bits >> 11) as f64 / (1_u64 << 53) as f64;
    u
}

fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(n: usize, row: impl Fn(usize) -> (f64, f64)) -> Vec<Row> {
        let row = |i| {
            let (label, moment) = row(i);
            Row {
                at: i,
                customer: i,
                label,
                moment,
            }
        };
        (0..n).map(row).collect()
    }

    fn held_out(split: &Split) -> Vec<usize> {
        let parts = split.parts.iter().enumerate();
        parts
            .filter(|(_, part)| **part == Part::HoldOut)
            .map(|(i, _)| i)
            .collect()
    }

    #[test]
    fn a_fifth_is_held_out_and_the_folds_share_no_row() {
        let rows = rows(1000, |_| (1.0, 7.0));
        let mut seen = vec![0; 1000];
        for fold in 0..FOLDS {
            let split = Split::of(&rows, 3, fold, false);
            let held = held_out(&split);
            assert_eq!(held.len(), 200);
            for i in held {
                seen[i] += 1;
            }
            assert_eq!(split.text, "a random fifth");
        }
        assert!(seen.iter().all(|&times| times == 1));
        let of = |seed| Split::of(&rows, seed, 0, false).parts;
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    #[test]
    fn a_rare_class_is_in_every_part() {
        let rows = rows(1000, |i| (f64::from(u8::from(i % 20 == 0)), f64::NAN));
        let split = Split::of(&rows, 3, 0, true);
        for (part, many) in [
            (Part::HoldOut, 10),
            (Part::Validation, 3),
            (Part::Calibration, 4),
            (Part::Train, 33),
        ] {
            let rare = rows.iter().zip(&split.parts);
            let found = rare.filter(|(row, p)| row.label != 0.0 && **p == part);
            assert_eq!(found.count(), many, "{part:?}");
        }
    }

    #[test]
    fn customers_of_several_moments_are_judged_on_the_latest() {
        // Six months of as many customers each: the last is nearest to a fifth.
        let month = 30.0 * 86_400e6;
        let rows = rows(600, |i| {
            (1.0, month * [0.0, 3.0, 5.0, 2.0, 4.0, 1.0][i % 6])
        });
        let split = Split::of(&rows, 3, 0, false);
        let held = held_out(&split);
        assert_eq!(held.len(), 100);
        assert!(held.iter().all(|i| i % 6 == 2));
        assert_eq!(
            split.text,
            "the latest: the 17% observed from 1970-05-31 on"
        );
        for part in [Part::Train, Part::Validation, Part::Calibration] {
            assert!(split.parts.contains(&part));
        }
    }

    #[test]
    fn all_rows_of_a_customer_are_in_one_part() {
        let mut rows = rows(1000, |i| (f64::from(u8::from(i % 3 == 0)), f64::NAN));
        for row in &mut rows {
            row.customer = row.at % 250;
        }
        let split = Split::of(&rows, 3, 0, true);
        for i in 250..1000 {
            assert_eq!(split.parts[i], split.parts[i % 250]);
        }
        let held = held_out(&split);
        assert!((190..=210).contains(&held.len()), "{}", held.len());
        let text = "a random fifth of the customers, each with all its rows";
        assert_eq!(split.text, text);
        // One who is judged later may have been learnt from before.
        for row in &mut rows {
            row.moment = f64::from(u8::from(row.at >= 750));
        }
        let held = held_out(&Split::of(&rows, 3, 0, true));
        assert_eq!(held, (750..1000).collect::<Vec<_>>());
    }

    #[test]
    fn a_last_moment_of_nearly_all_customers_is_no_hold_out() {
        let rows = rows(600, |i| (1.0, f64::from(u8::from(i > 5))));
        assert_eq!(Split::of(&rows, 3, 0, false).text, "a random fifth");
    }
}
