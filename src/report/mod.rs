//! The executive report of a cohort: sections, findings, recommendations and
//! exhibits, as one [`Document`], laid out by Typst as PDF and SVG.
//!
//! Invariants: every number comes from the cohort's facts or the models' cards,
//! and the wording around it follows the number; what a cohort has no columns
//! for is left out and listed, never drawn empty. Typst stays in this room.

mod axis;
mod builder;
mod document;
mod exhibits;
mod figures;
mod findings;
mod initiatives;
mod power;
mod render;
mod sections;
mod settings;
mod story;
mod world;

pub use document::{Document, Exhibit, LeftOut, Verdict};
pub use exhibits::chart_ids;
pub use figures::{Currency, Figures, LOCALES, Locale};
pub use initiatives::LEVERS;
pub use render::{RenderError, pdf, svg};
pub use settings::{About, Settings, SettingsFault};

use crate::facts::Published;
use crate::models::Card;

/// The report on a cohort, with the cards of the models that serve.
#[must_use]
pub fn report(facts: &Published, cards: &[&Card], about: &About, settings: &Settings) -> Document {
    let story = story::Story::new(facts, cards, about, settings);
    builder::document(&story)
}
