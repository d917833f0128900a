//! The constants of populations whose cohorts are too small to be calibrated on.
//!
//! A pilot of the population solves them, once in the life of the process for
//! each of the last few populations. They depend on the population alone.

use std::sync::{Mutex, PoisonError};

use super::constants::Constants;
use super::plan::{MOST_AT_ONCE, Plan};
use super::spec::CohortSpec;
use super::unreachable::Unreachable;

/// The pilot's seed, the same for all: the constants are those of the population.
const SEED: u64 = 20_251_021;

/// How many populations are remembered.
const REMEMBERED: usize = 16;

/// What came of a population's pilot.
type Outcome = Result<Constants, Unreachable>;

static KNOWN: Mutex<Vec<(String, Outcome)>> = Mutex::new(Vec::new());

/// The constants of a population.
pub fn constants(spec: &CohortSpec, progress: &(dyn Fn(f64) + Sync)) -> Outcome {
    let population = spec.population();
    let hash = population.hash();
    if let Some(known) = remembered(&hash) {
        return known;
    }
    // Nobody waits on a lock while the pilot runs: two that ask at once both run it.
    let outcome = Plan::of(MOST_AT_ONCE, SEED, population)
        .calibrate(MOST_AT_ONCE, progress)
        .map(|(_, constants)| constants);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.retain(|(other, _)| *other != hash);
    if known.len() == REMEMBERED {
        drop(known.remove(0));
    }
    known.push((hash, outcome.clone()));
    outcome
}

/// What is known of a population, which thereby becomes the last to be forgotten.
fn remembered(hash: &str) -> Option<Outcome> {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let at = known.iter().position(|(other, _)| other == hash)?;
    let entry = known.remove(at);
    let outcome = entry.1.clone();
    known.push(entry);
    Some(outcome)
}
