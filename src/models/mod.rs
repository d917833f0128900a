//! Training, serving and explaining predictions.
//!
//! [`train`] fits two candidates for a [`Target`], a forest and a linear
//! baseline, and makes a [`Model`] of the one that a hold-out finds better. A
//! model is immutable and serves from memory: [`Model::predict`] touches no
//! lock, no file and no allocator. [`Card`] says how it came about and how good
//! it is. [`Model::to_bytes`] and [`Model::from_bytes`] keep it.
//!
//! The same cohort, seed and version train the same model on any number of
//! threads.
//!
//! Imports `features`, `facts` and `schema`; hessboost and smartcore stay in this room.

mod artifact;
mod boost;
mod card;
mod contender;
mod data;
mod forest;
mod gaps;
mod interval;
mod judge;
mod linear;
mod metrics;
mod model;
mod placement;
mod scorer;
pub mod segments;
mod set;
mod shap;
mod split;
mod target;
mod train;

pub use artifact::{ArtifactError, FORMAT};
pub use card::{Candidate, Card, Exclusion, Intervals, Metrics, Rows, Source, Thresholds};
pub use model::{Estimate, Explanation, Model, NoInputs, Prediction, Reason, Tier};
pub use set::ModelSet;
pub use target::Target;
pub use train::{DEFAULT_SEED, TRAINING_VERSION, TrainError, train};
