//! Customers who behave alike: k-means over a few standardised behaviours.
//!
//! Found on a sample and assigned as rows go by. A segment is named after the
//! behaviours that set it apart, so that the same customers get the same names
//! whatever number the clustering gave them.

mod name;

use arrow_array::RecordBatch;
use serde::{Deserialize, Serialize};
use smartcore::cluster::kmeans::{KMeans, KMeansParameters};
use smartcore::linalg::basic::matrix::DenseMatrix;

use crate::facts::{Facts, MOST_SEGMENTS, SegmentName};
use crate::schema::{Values, column, find};

/// Customers that segments are found on, at most; and at least.
const MOST_SAMPLED: usize = 20_000;
const FEWEST_SAMPLED: usize = 500;

/// Customers of a file that wait until segments are found: 0.1 GB of memory.
const MOST_OF_A_FILE: usize = 100_000;

/// Customers of them that are clustered; the centres then settle on all of them.
const MOST_CLUSTERED: usize = 4_000;
const SETTLING: usize = 5;

const SEGMENTS: usize = 5;
const ITERATIONS: usize = 30;

/// The fewest behaviours that a cohort must have to be divided.
const FEWEST_BEHAVIOURS: usize = 3;

/// How far out a behaviour counts, in standard deviations.
const CUT_OFF: f64 = 3.0;

/// What segments are told apart by: amounts of use, and what is paid.
const BEHAVIOURS: [usize; 8] = [
    column("feed_time_minutes_day"),
    column("video_watch_hours_week"),
    column("posts_last_30_days"),
    column("swipes_right_day"),
    column("messages_sent_day"),
    column("dates_completed_month"),
    column("app_opens_day"),
    column("iap_spending_month_usd"),
];

/// How a cohort is divided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segmentation {
    behaviours: Vec<Behaviour>,
    /// A place for each behaviour, in standard deviations; a centre a segment.
    centres: Vec<Vec<f64>>,
    names: Vec<SegmentName>,
}

/// One behaviour on the scale that segments are found on: the logarithm of 1
/// more than the column, since amounts of use have long tails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Behaviour {
    column: String,
    mean: f64,
    scale: f64,
}

impl Behaviour {
    /// None where it is missing.
    fn standardised(&self, values: Option<Values>, row: usize) -> Option<f64> {
        let value = values?.number(row)?;
        let far = (libm::log1p(value.max(0.0)) - self.mean) / self.scale;
        Some(far.clamp(-CUT_OFF, CUT_OFF))
    }
}

impl Segmentation {
    /// Finds segments in a sample; the same for the same rows and seed. None
    /// where there are too few customers or behaviours to tell any apart.
    #[must_use]
    pub fn fit(sample: &[RecordBatch], seed: u64) -> Option<Self> {
        let sample = spread(sample);
        let behaviours: Vec<Behaviour> = (BEHAVIOURS.iter())
            .filter_map(|&column| behaviour(&sample, column))
            .collect();
        if behaviours.len() < FEWEST_BEHAVIOURS {
            return None;
        }
        let rows = places(&sample, &behaviours);
        if rows.len() < FEWEST_SAMPLED {
            return None;
        }
        let centres = centres(&rows, seed)?;
        let columns: Vec<&str> = behaviours.iter().map(|b| b.column.as_str()).collect();
        let names = name::names(&columns, &centres);
        Some(Self {
            behaviours,
            centres,
            names,
        })
    }

    /// The segments' names, in the order of what [`Self::assign`] says.
    #[must_use]
    pub fn names(&self) -> &[SegmentName] {
        &self.names
    }

    /// The segment of each customer of a batch; none for one of whom less than
    /// half of the behaviours are known.
    #[must_use]
    pub fn assign(&self, batch: &RecordBatch) -> Vec<Option<u8>> {
        let columns = columns(batch, &self.behaviours);
        let mut place = Vec::new();
        (0..batch.num_rows())
            .map(|row| {
                let known = locate(&self.behaviours, &columns, row, &mut place);
                known.then(|| nearest(&self.centres, &place))?
            })
            .collect()
    }

    /// Adds the customers of a batch to the facts, by segment too.
    pub fn observe(&self, facts: &mut Facts, batch: &RecordBatch) {
        facts.observe_with_segments(batch, &self.names, &self.assign(batch));
    }
}

/// Facts of a cohort that goes by once: the first customers wait until there are
/// enough of them to find segments on.
///
/// Drawn customers come in no order, so the first are as good as any. A file may
/// be sorted by what sets customers apart: of it a good deal more wait, and the
/// sample is spread over them. Beyond these, segments are found on how the file
/// begins.
pub struct Observer {
    facts: Facts,
    seed: u64,
    /// The most customers that wait.
    patience: usize,
    waiting: Vec<RecordBatch>,
    segmentation: Option<Segmentation>,
    is_fitted: bool,
}

impl Observer {
    /// Of customers in no order.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::waiting_for(MOST_SAMPLED, seed)
    }

    /// Of the customers of a file, which may be sorted.
    #[must_use]
    pub fn of_file(seed: u64) -> Self {
        Self::waiting_for(MOST_OF_A_FILE, seed)
    }

    fn waiting_for(patience: usize, seed: u64) -> Self {
        Self {
            facts: Facts::default(),
            seed,
            patience,
            waiting: Vec::new(),
            segmentation: None,
            is_fitted: false,
        }
    }

    pub fn observe(&mut self, batch: &RecordBatch) {
        if self.is_fitted {
            self.add(batch);
            return;
        }
        self.waiting.push(batch.clone());
        let rows: usize = self.waiting.iter().map(RecordBatch::num_rows).sum();
        if rows >= self.patience {
            self.fit();
        }
    }

    /// The facts of all, by segment too where they could be divided.
    #[must_use]
    pub fn finish(mut self) -> Facts {
        self.fit();
        self.facts
    }

    fn fit(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        if !self.is_fitted {
            self.segmentation = Segmentation::fit(&first(&waiting, self.patience), self.seed);
            self.is_fitted = true;
        }
        for batch in &waiting {
            self.add(batch);
        }
    }

    fn add(&mut self, batch: &RecordBatch) {
        match &self.segmentation {
            Some(segmentation) => segmentation.observe(&mut self.facts, batch),
            None => self.facts.observe(batch),
        }
    }
}

/// The rows that segments are found on, whatever the size of batches.
fn first(batches: &[RecordBatch], most: usize) -> Vec<RecordBatch> {
    let mut left = most;
    let mut sample = Vec::new();
    for batch in batches {
        let rows = batch.num_rows().min(left);
        sample.push(batch.slice(0, rows));
        left -= rows;
    }
    sample
}

fn columns<'a>(batch: &'a RecordBatch, behaviours: &[Behaviour]) -> Vec<Option<Values<'a>>> {
    (behaviours.iter())
        .map(|b| Values::in_batch(batch, find(&b.column)?))
        .collect()
}

/// Writes where a customer stands; what is missing counts as the mean. Whether
/// enough is known.
fn locate(
    behaviours: &[Behaviour],
    columns: &[Option<Values>],
    row: usize,
    place: &mut Vec<f64>,
) -> bool {
    place.clear();
    let mut known = 0;
    for (behaviour, values) in behaviours.iter().zip(columns) {
        let at = behaviour.standardised(*values, row);
        known += usize::from(at.is_some());
        place.push(at.unwrap_or(0.0));
    }
    2 * known >= behaviours.len()
}

fn nearest(centres: &[Vec<f64>], place: &[f64]) -> Option<u8> {
    let distance = |centre: &Vec<f64>| -> f64 {
        let apart = centre.iter().zip(place).map(|(a, b)| (a - b) * (a - b));
        apart.sum()
    };
    let distances = (0_u8..).zip(centres.iter().map(distance));
    distances
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(segment, _)| segment)
}

/// A customer of the sample: where it stands in its batch.
type Sampled<'a> = (&'a RecordBatch, Vec<usize>);

/// Rows spread evenly over the sample, as many as may be looked at. Counted over
/// all batches: their sizes do not matter.
fn spread(sample: &[RecordBatch]) -> Vec<Sampled<'_>> {
    let all: usize = sample.iter().map(RecordBatch::num_rows).sum();
    let every = all.div_ceil(MOST_SAMPLED).max(1);
    let mut first = 0_usize;
    let taken = sample.iter().map(|batch| {
        let start = first.next_multiple_of(every) - first;
        first += batch.num_rows();
        (batch, (start..batch.num_rows()).step_by(every).collect())
    });
    taken.collect()
}

/// Mean and spread of a behaviour; none where it does not vary.
#[expect(clippy::cast_precision_loss, reason = "counts of rows")]
fn behaviour(sample: &[Sampled], column: usize) -> Option<Behaviour> {
    let mut logarithms = Vec::new();
    for (batch, rows) in sample {
        let values = Values::in_batch(batch, column)?;
        let known = rows.iter().filter_map(|&row| values.number(row));
        logarithms.extend(known.map(|x| libm::log1p(x.max(0.0))));
    }
    let n = logarithms.len() as f64;
    let mean = logarithms.iter().sum::<f64>() / n;
    let squares = logarithms.iter().map(|x| (x - mean).powi(2));
    let scale = (squares.sum::<f64>() / n).sqrt();
    (scale > 1e-9).then(|| Behaviour {
        column: crate::schema::COLUMNS[column].name.to_owned(),
        mean,
        scale,
    })
}

/// Where the customers of the sample stand.
fn places(sample: &[Sampled], behaviours: &[Behaviour]) -> Vec<Vec<f64>> {
    let mut places = Vec::new();
    for (batch, rows) in sample {
        let columns = columns(batch, behaviours);
        for &row in rows {
            let mut place = Vec::with_capacity(behaviours.len());
            if locate(behaviours, &columns, row, &mut place) {
                places.push(place);
            }
        }
    }
    places
}

/// The centres of the clusters, the largest cluster first.
fn centres(rows: &[Vec<f64>], seed: u64) -> Option<Vec<Vec<f64>>> {
    const { assert!(SEGMENTS <= MOST_SEGMENTS) };
    let every = rows.len().div_ceil(MOST_CLUSTERED);
    let clustered: Vec<Vec<f64>> = rows.iter().step_by(every).cloned().collect();
    let matrix = DenseMatrix::from_2d_vec(&clustered).ok()?;
    let parameters = KMeansParameters {
        k: SEGMENTS,
        max_iter: ITERATIONS,
        seed: Some(seed),
    };
    let found = KMeans::<f64, i32, _, Vec<i32>>::fit(&matrix, parameters).ok()?;
    let labels = found.predict(&matrix).ok()?;
    let labels = labels.into_iter().map(|label| u8::try_from(label).ok());
    let mut centres = means(&clustered, labels, SEGMENTS);
    for _ in 0..SETTLING {
        let labels = rows.iter().map(|row| nearest(&centres, row));
        centres = means(rows, labels, centres.len());
    }
    Some(centres)
}

/// The mean place of each cluster, the largest cluster first; none of empty ones.
#[expect(clippy::cast_precision_loss, reason = "counts of rows")]
fn means(
    rows: &[Vec<f64>],
    labels: impl Iterator<Item = Option<u8>>,
    clusters: usize,
) -> Vec<Vec<f64>> {
    let mut sums = vec![(0_u64, vec![0.0; rows[0].len()]); clusters];
    for (row, label) in rows.iter().zip(labels) {
        let Some(label) = label else { continue };
        let (count, sum) = &mut sums[usize::from(label)];
        *count += 1;
        sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    sums.retain(|(count, _)| *count > 0);
    sums.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let mean = |(count, sum): (u64, Vec<f64>)| sum.iter().map(|x| x / count as f64).collect();
    sums.into_iter().map(mean).collect()
}
