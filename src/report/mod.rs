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

use serde::Serialize;

use crate::facts::{Facts, Published};
use crate::models::Card;
use crate::store::Cohort;

/// The report on a cohort, with the cards of the models that serve.
#[must_use]
pub fn report(facts: &Published, cards: &[&Card], about: &About, settings: &Settings) -> Document {
    let story = story::Story::new(facts, cards, about, settings);
    builder::document(&story)
}

/// What `/reports/{cohort}.json` says: the document and the facts below it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Told {
    #[serde(flatten)]
    pub document: Document,
    pub facts: Published,
}

/// The report on a stored cohort.
///
/// # Errors
/// Where its facts are not what this version reads.
pub fn of_cohort(
    cohort: &Cohort,
    version: Option<&str>,
    cards: &[&Card],
    settings: &Settings,
) -> Result<Told, serde_json::Error> {
    use serde::Deserialize;

    let facts = Facts::deserialize(&cohort.facts)?.published();
    let about = About {
        cohort_id: cohort.id,
        name: cohort.name.clone(),
        seed: cohort.seed,
        generator_version: cohort.generator_version.clone(),
        created_at: cohort.created_at,
        model_version: version.map(str::to_owned),
    };
    let document = report(&facts, cards, &about, settings);
    Ok(Told { document, facts })
}
