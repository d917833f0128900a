//! Training, serving and explaining predictions.
//!
//! [`Lesson`] fits two candidates for a [`Target`], a forest and a linear
//! baseline, and makes a [`Model`] of the forest if a hold-out finds it better
//! beyond chance, else of the baseline. [`score`] answers whole tables,
//! [`segments`] divides cohorts. A model is immutable and serves from memory: [`Model::predict`] touches no
//! lock, no file and no allocator. [`Card`] says how it came about and how good
//! it is. [`Model::to_bytes`] and [`Model::from_bytes`] keep it.
//!
//! The same cohort, seed and version train the same model on any number of
//! threads.
//!
//! Imports `features`, `facts` and `schema`; hessboost and smartcore stay in this room.

mod artifact;
mod boost;
mod calibrate;
mod card;
mod choose;
mod contender;
mod data;
mod drift;
mod export;
mod forest;
mod gaps;
mod interval;
mod judge;
mod leak;
mod linear;
mod markdown;
mod metrics;
mod model;
mod placement;
mod population;
pub mod score;
mod scorer;
pub mod segments;
mod set;
mod shap;
mod split;
mod tables;
mod target;
mod train;
mod watch;

pub use artifact::{ArtifactError, FORMAT};
pub use card::{
    Calibration, Candidate, Card, ChosenThresholds, Comparison, Confusion, Decile, Exclusion,
    Importance, Interval, Intervals, Metrics, Origin, Rows, Source, Thresholds,
};
pub use drift::{Bin, BinHolds, Drift, Drifted, NoReference, Shift, Verdict};
pub use model::{Estimate, Explanation, Model, NoInputs, Prediction, Reason, Tier};
pub use population::NotApplicable;
pub use set::{Answer, ModelSet, NoPrediction};
pub use split::FOLDS;
pub use target::Target;
pub use train::{LeftOut, Lesson, TrainError, Trained};
pub use watch::Watch;
