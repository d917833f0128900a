//! A model as bytes, to be kept and loaded years later: an [`envelope`] whose body
//! is the nodes of the forest, sixteen bytes each.
//!
//! The header holds all but the nodes, which are many. Reading checks every index
//! and number besides the digest, so that no bytes whatever make a model that
//! panics or loops.

use serde::{Deserialize, Serialize};

use self::envelope::{Kind, Reader};
use super::card::{Card, Origin, Thresholds};
use super::drift::bins::Reference;
use super::drift::tally::Tally;
use super::forest::{Forest, Node, Tree};
use super::interval::Intervals;
use super::linear::Linear;
use super::model::{Model, Spread};
use super::placement::Placement;
use super::scorer::{Link, Scorer};
use super::target::Target;
use crate::features::Encoder;

pub(super) mod envelope;

/// The format of models that is written, and the newest that is read. The second
/// has the bins that drift is measured with.
pub const FORMAT: u32 = 2;

const MODEL: Kind = Kind {
    magic: *b"ENGCMODL",
    format: FORMAT,
    name: "model",
};
const NODE: usize = 16;

/// Why bytes are no model, or no set of models.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArtifactError {
    #[error(
        "the {name} was written in format {found} by a newer version of Engagecast; this one reads up to format {supported}"
    )]
    NewerVersion {
        name: &'static str,
        found: u32,
        supported: u32,
    },
    #[error("the {name} is damaged: {why}")]
    Corrupt { name: &'static str, why: String },
}

#[derive(Serialize, Deserialize)]
struct Header {
    target: String,
    encoder: Encoder,
    scorer: ScorerHeader,
    link: Link,
    placement: Placement,
    spread: SpreadHeader,
    card: Card,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference: Option<Reference>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ScorerHeader {
    /// The nodes of each tree follow the header.
    Forest {
        base: f64,
        width: usize,
        nodes: Vec<usize>,
    },
    Linear(Linear),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SpreadHeader {
    Tiers(Thresholds),
    Intervals(Intervals),
}

impl Model {
    /// The model and its card, for [`Self::from_bytes`]: the same bytes for the same
    /// customers and seed, since the card's [`Origin`] is left blank.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        MODEL.seal(&self.header(), |bytes| {
            if let Scorer::Forest(forest) = &self.scorer {
                for tree in forest.trees() {
                    write_tree(tree, bytes);
                }
            }
        })
    }

    /// Reads what [`Self::to_bytes`] wrote, in this version or an older one;
    /// [`Self::with_origin`] fills in what is blank on its card.
    ///
    /// # Errors
    /// If a newer version wrote it, or it is damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ArtifactError> {
        let (header, nodes): (Header, _) = MODEL.open(bytes)?;
        header.into_model(nodes)
    }

    fn header(&self) -> Header {
        let mut card = self.card.clone();
        card.set_origin(Origin::default());
        Header {
            target: self.target.name().to_owned(),
            encoder: self.encoder.clone(),
            scorer: match &self.scorer {
                Scorer::Forest(forest) => ScorerHeader::Forest {
                    base: forest.base(),
                    width: forest.width(),
                    nodes: forest.trees().map(|tree| tree.nodes.len()).collect(),
                },
                Scorer::Linear(linear) => ScorerHeader::Linear(linear.clone()),
            },
            link: self.link,
            placement: self.placement.clone(),
            spread: match &self.spread {
                Spread::Tiers(thresholds) => SpreadHeader::Tiers(*thresholds),
                Spread::Intervals(intervals) => SpreadHeader::Intervals(intervals.clone()),
            },
            card,
            reference: self.reference.clone(),
        }
    }
}

impl Header {
    fn into_model(self, mut nodes: Reader<'_>) -> Result<Model, ArtifactError> {
        let target =
            Target::from_name(&self.target).ok_or_else(|| MODEL.corrupt("unknown target"))?;
        let scorer = match self.scorer {
            ScorerHeader::Linear(linear) => Scorer::Linear(linear),
            ScorerHeader::Forest {
                base,
                width,
                nodes: counts,
            } => {
                let mut forest = Forest::new(base, width);
                for count in counts {
                    read_tree(&mut forest, count, &mut nodes)?;
                }
                Scorer::Forest(forest)
            }
        };
        let mut model = Model {
            target,
            encoder: self.encoder,
            scorer,
            link: self.link,
            placement: self.placement,
            spread: match self.spread {
                SpreadHeader::Tiers(thresholds) => Spread::Tiers(thresholds),
                SpreadHeader::Intervals(intervals) => Spread::Intervals(intervals),
            },
            card: self.card,
            // Laid out once it is known to be sound.
            tally: Tally::new(None, None),
            reference: self.reference,
        };
        if nodes.is_empty() && is_sound(&model) {
            model.tally = Tally::new(model.reference.as_ref(), model.spread.thresholds());
            Ok(model)
        } else {
            Err(MODEL.corrupt("its parts do not fit together"))
        }
    }
}

/// Whether the parts fit together and every number can be reckoned with.
fn is_sound(model: &Model) -> bool {
    let scorer = match &model.scorer {
        Scorer::Forest(forest) => forest.base().is_finite(),
        Scorer::Linear(linear) => linear.is_sound(),
    };
    let spread = match &model.spread {
        Spread::Tiers(t) => model.target.is_binary() && t.are_sound(),
        Spread::Intervals(intervals) => !model.target.is_binary() && intervals.is_sound(),
    };
    let allowed = model.target.inputs();
    let reference = model.reference.as_ref();
    scorer
        && reference.is_none_or(|reference| reference.is_sound(&model.encoder))
        && spread
        && model.link.is_sound()
        && model.placement.is_sound()
        && model.scorer.width() == model.encoder.width()
        && model.inputs().iter().all(|column| allowed.contains(column))
}

fn write_tree(tree: Tree<'_>, bytes: &mut Vec<u8>) {
    for ((node, value), cover) in tree.nodes.iter().zip(tree.values).zip(tree.covers) {
        let (threshold, split, left) = node.to_parts();
        bytes.extend_from_slice(&threshold.to_le_bytes());
        bytes.extend_from_slice(&split.to_le_bytes());
        bytes.extend_from_slice(&left.to_le_bytes());
        bytes.extend_from_slice(&value.to_le_bytes());
        bytes.extend_from_slice(&cover.to_le_bytes());
    }
}

fn read_tree(
    forest: &mut Forest,
    count: usize,
    reader: &mut Reader<'_>,
) -> Result<(), ArtifactError> {
    let (mut nodes, mut values, mut covers) = (Vec::new(), Vec::new(), Vec::new());
    let length = count.checked_mul(NODE).ok_or_else(|| reader.truncated())?;
    let mut tree = reader.part(length)?;
    while !tree.is_empty() {
        let threshold = u32::from_le_bytes(tree.array()?);
        let split = u16::from_le_bytes(tree.array()?);
        let left = u16::from_le_bytes(tree.array()?);
        nodes.push(Node::from_parts((threshold, split, left)));
        values.push(f32::from_le_bytes(tree.array()?));
        covers.push(f32::from_le_bytes(tree.array()?));
    }
    forest
        .push_flat(&nodes, &values, &covers)
        .map_err(|e| MODEL.corrupt(e))
}
