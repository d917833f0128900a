//! What a segment is called: after the behaviours that set it apart.

use std::collections::BTreeMap;

use crate::facts::{SegmentName, SegmentTrait};

/// From how far a behaviour sets a segment apart, and makes it heavy.
const APART: f64 = 0.4;
const HEAVY: f64 = 1.0;

/// Who does much of a behaviour, and what who does little of it does.
#[rustfmt::skip] // A table: one behaviour a line.
const WORDS: &[(&str, &str, &str)] = &[
    ("feed_time_minutes_day", "scrollers", "scroll little"),
    ("video_watch_hours_week", "viewers", "watch little"),
    ("posts_last_30_days", "posters", "post little"),
    ("swipes_right_day", "swipers", "swipe little"),
    ("messages_sent_day", "chatters", "write little"),
    ("dates_completed_month", "daters", "date little"),
    ("app_opens_day", "openers", "come seldom"),
    ("iap_spending_month_usd", "spenders", "spend little"),
];

/// The name of each centre, all different.
pub(super) fn names(columns: &[&str], centres: &[Vec<f64>]) -> Vec<SegmentName> {
    let candidates: Vec<Vec<String>> = centres.iter().map(|c| candidates(columns, c)).collect();
    let mut length = vec![0_usize; centres.len()];
    let at = |segment: usize, length: usize| {
        let names = &candidates[segment];
        names[length.min(names.len() - 1)].clone()
    };
    // Those that share a name take a longer one, until none is left.
    for _ in 0..LONGEST {
        let mut same = BTreeMap::<String, Vec<usize>>::new();
        for (segment, &length) in length.iter().enumerate() {
            same.entry(at(segment, length)).or_default().push(segment);
        }
        for segment in same.into_values().filter(|s| s.len() > 1).flatten() {
            length[segment] += 1;
        }
    }
    let mut taken = BTreeMap::<String, usize>::new();
    (centres.iter().enumerate())
        .map(|(segment, centre)| {
            let name = at(segment, length[segment]);
            let times = taken.entry(name.clone()).or_default();
            *times += 1;
            SegmentName {
                name: match *times {
                    1 => name,
                    n => format!("{name} ({n})"),
                },
                traits: traits(columns, centre),
            }
        })
        .collect()
}

/// Names that there are for one segment.
const LONGEST: usize = 4;

/// From the shortest name to the longest.
fn candidates(columns: &[&str], centre: &[f64]) -> Vec<String> {
    let traits = sorted(columns, centre);
    let words = |column: &str| WORDS.iter().find(|(c, ..)| *c == column);
    let mut much = (traits.iter())
        .filter(|(_, far)| *far >= APART)
        .filter_map(|(column, far)| Some((words(column)?.1, *far)));
    let mut little = (traits.iter())
        .filter(|(_, far)| *far <= -APART)
        .filter_map(|(column, _)| Some(words(column)?.2));
    let lacks = little.next();
    let base = match (much.next(), lacks) {
        (Some((noun, far)), _) if far >= HEAVY => format!("Heavy {noun}"),
        (Some((noun, _)), _) => capitalised(noun),
        (None, Some(_)) if is_quiet(centre) => "Quiet customers".to_owned(),
        (None, Some(lacks)) => format!("Customers who {lacks}"),
        (None, None) => "Average customers".to_owned(),
    };
    let with = much.next().map(|(noun, _)| format!("{base} and {noun}"));
    let but = lacks.filter(|lacks| !base.ends_with(lacks));
    let mut names = vec![base.clone()];
    names.extend(with.clone());
    names.extend(but.map(|lacks| format!("{base} who {lacks}")));
    names.extend(
        with.zip(but)
            .map(|(with, lacks)| format!("{with} who {lacks}")),
    );
    names
}

/// Whether the segment does less than most of nearly everything.
#[expect(clippy::cast_precision_loss, reason = "a handful")]
fn is_quiet(centre: &[f64]) -> bool {
    centre.iter().sum::<f64>() / (centre.len() as f64) < -APART
}

fn capitalised(noun: &str) -> String {
    let mut letters = noun.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// Behaviours with their distance from all customers, the farthest first.
fn sorted<'a>(columns: &[&'a str], centre: &[f64]) -> Vec<(&'a str, f64)> {
    let mut traits: Vec<(&str, f64)> = columns
        .iter()
        .copied()
        .zip(centre.iter().copied())
        .collect();
    traits.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(b.0)));
    traits
}

fn traits(columns: &[&str], centre: &[f64]) -> Vec<SegmentTrait> {
    (sorted(columns, centre).into_iter())
        .filter(|(_, far)| far.abs() >= APART)
        .map(|(column, far)| SegmentTrait {
            column: column.to_owned(),
            // What is said of a segment is a description, not a bit pattern.
            deviations: (far * 1e3).round() / 1e3,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [&str; 3] = [
        "feed_time_minutes_day",
        "swipes_right_day",
        "dates_completed_month",
    ];

    fn of(centres: &[[f64; 3]]) -> Vec<String> {
        let centres: Vec<Vec<f64>> = centres.iter().map(|c| c.to_vec()).collect();
        let names = names(&COLUMNS, &centres);
        names.into_iter().map(|n| n.name).collect()
    }

    #[test]
    fn a_segment_is_named_after_what_sets_it_apart() {
        let names = of(&[[0.1, 0.5, 1.4], [0.6, -0.2, 0.1], [0.1, 0.1, -0.2]]);
        assert_eq!(names, ["Heavy daters", "Scrollers", "Average customers"]);
        let names = of(&[[-0.9, -0.8, -0.7], [0.3, 0.2, -0.5]]);
        assert_eq!(names, ["Quiet customers", "Customers who date little"]);
    }

    #[test]
    fn the_order_of_the_segments_changes_no_name() {
        let centres = [[0.1, 0.5, 1.4], [1.6, 0.2, 0.1], [-0.6, -0.5, -0.9]];
        let mut turned = of(&[centres[2], centres[0], centres[1]]);
        turned.rotate_left(1);
        assert_eq!(of(&centres), turned);
    }

    #[test]
    fn no_two_have_the_same_name() {
        let names = of(&[[0.1, 0.7, 1.4], [0.1, -0.9, 1.3]]);
        assert_eq!(
            names,
            ["Heavy daters and swipers", "Heavy daters who swipe little"]
        );
        let names = of(&[[1.2, 0.0, 0.0], [1.3, 0.0, 0.0]]);
        assert_eq!(names, ["Heavy scrollers", "Heavy scrollers (2)"]);
    }
}
