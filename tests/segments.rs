//! Segments of customers: found on a sample, named after what they do, measured
//! in the facts.

use engagecast::models::segments::{Observer, Segmentation};
use engagecast::schema::{arrow::schema, column};

use crate::support::cohort::{Row, cohort, cohort_with};

const FEED: usize = column("feed_time_minutes_day");
const SWIPES: usize = column("swipes_right_day");
const DATES: usize = column("dates_completed_month");

/// Every second customer swipes and dates and never looks at the feed.
fn two_crowds(i: usize, row: &mut Row) {
    let dates = i.is_multiple_of(2);
    row[FEED] = Some(if dates { 0.0 } else { 90.0 });
    row[SWIPES] = Some(if dates { 80.0 } else { 0.0 });
    row[DATES] = Some(if dates { 9.0 } else { 0.0 });
}

#[test]
fn tells_apart_customers_who_behave_differently() {
    let customers = cohort_with(2_000, 3, two_crowds);
    let segmentation = Segmentation::fit(&customers, 7).unwrap();
    let assigned: Vec<u8> = (customers.iter().flat_map(|b| segmentation.assign(b)))
        .map(Option::unwrap)
        .collect();
    let of = |first: usize| {
        let crowd = assigned.iter().skip(first).step_by(2);
        crowd.collect::<std::collections::BTreeSet<_>>()
    };
    assert!(of(0).is_disjoint(&of(1)), "{:?} {:?}", of(0), of(1));
    let daters = of(0);
    for (segment, name) in (0_u8..).zip(segmentation.names()) {
        let swipes = name.traits.iter().find(|t| t.column == "swipes_right_day");
        assert_eq!(swipes.unwrap().deviations > 0.0, daters.contains(&segment));
    }
}

#[test]
fn finds_the_same_segments_in_the_same_customers() {
    let customers = cohort(1_500, 4);
    let segmentation = Segmentation::fit(&customers, 7).unwrap();
    assert_eq!(Segmentation::fit(&customers, 7).unwrap(), segmentation);
    let whole = arrow_select::concat::concat_batches(&schema(), &customers).unwrap();
    assert_eq!(Segmentation::fit(&[whole], 7).unwrap(), segmentation);
    let stored = serde_json::to_string(&segmentation).unwrap();
    let read: Segmentation = serde_json::from_str(&stored).unwrap();
    assert_eq!(read, segmentation);
}

#[test]
fn names_of_segments_are_all_different() {
    let segmentation = Segmentation::fit(&cohort(1_500, 4), 7).unwrap();
    let mut names: Vec<&str> = segmentation
        .names()
        .iter()
        .map(|n| n.name.as_str())
        .collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert!(all > 1 && names.len() == all, "{names:?}");
}

#[test]
fn too_few_customers_or_behaviours_have_no_segments() {
    assert_eq!(Segmentation::fit(&cohort(499, 1), 7), None);
    assert_eq!(Segmentation::fit(&[], 7), None);
    let bare = cohort_with(1_000, 1, |_, row| {
        let known = [column("customer_id"), FEED, SWIPES];
        for (i, value) in row.iter_mut().enumerate() {
            *value = value.filter(|_| known.contains(&i));
        }
    });
    assert_eq!(Segmentation::fit(&bare, 7), None);
}

#[test]
fn a_customer_of_whom_little_is_known_is_in_no_segment() {
    let segmentation = Segmentation::fit(&cohort(1_000, 2), 7).unwrap();
    let unknown = cohort_with(3, 2, |i, row| {
        if i == 1 {
            row.fill(None);
        }
    });
    let assigned = segmentation.assign(&unknown[0]);
    assert!(assigned[0].is_some() && assigned[1].is_none() && assigned[2].is_some());
}

#[test]
fn a_cohort_that_goes_by_once_is_measured_by_segment() {
    let customers = cohort_with(1_200, 3, two_crowds);
    let mut observer = Observer::new(7);
    for batch in &customers {
        observer.observe(batch);
    }
    let facts = observer.finish();
    let published = facts.published();
    assert_eq!(facts.customers(), 1_200);
    assert_eq!(
        published.segments.iter().map(|s| s.customers).sum::<u64>(),
        1_200
    );
    let shares = published.segments.iter().map(|s| s.share_pct);
    assert!((shares.sum::<f64>() - 100.0).abs() < 1e-9);
    assert!(
        published
            .segments
            .iter()
            .all(|s| s.churn_pct.is_some() && s.arpu_usd.is_some())
    );

    // The same figures as one who knows the segments before.
    let segmentation = Segmentation::fit(&customers, 7).unwrap();
    assert_eq!(published.segments.len(), segmentation.names().len());
    let mut known = engagecast::facts::Facts::default();
    for batch in &customers {
        segmentation.observe(&mut known, batch);
    }
    assert_eq!(known, facts);
}

#[test]
fn a_cohort_too_small_to_divide_has_facts_all_the_same() {
    let mut observer = Observer::new(7);
    for batch in &cohort(100, 3) {
        observer.observe(batch);
    }
    let facts = observer.finish();
    assert_eq!(facts.customers(), 100);
    assert!(facts.published().segments.is_empty());
}

#[test]
fn a_file_that_is_sorted_is_divided_by_more_than_how_it_begins() {
    // The first 24,000 never swipe, the last 6,000 do little else.
    let sorted = cohort_with(30_000, 3, |i, row| two_crowds(usize::from(i < 24_000), row));
    let swipes_tell = |mut observer: Observer| {
        for batch in &sorted {
            observer.observe(batch);
        }
        let segments = observer.finish().published().segments;
        let mut traits = segments.iter().flat_map(|s| &s.traits);
        traits.any(|t| t.column == "swipes_right_day")
    };
    assert!(swipes_tell(Observer::of_file(7)));
    assert!(
        !swipes_tell(Observer::new(7)),
        "it takes customers in no order"
    );
}
