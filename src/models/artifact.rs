//! A model as bytes, to be kept and loaded years later.
//!
//! ```text
//! magic (8) | format (u32) | header length (u64) | header (JSON) | nodes (16 each) | SHA-256 (32)
//! ```
//!
//! Little-endian throughout. The header holds all but the nodes of the forest,
//! which are many. Reading trusts nothing: the digest finds what was damaged,
//! and every index and number is checked besides, so that no bytes whatever
//! make a model that panics or loops.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::card::{Card, Thresholds};
use super::forest::{Forest, Node, Tree};
use super::interval::Intervals;
use super::linear::Linear;
use super::model::{Model, Spread};
use super::placement::Placement;
use super::scorer::{Link, Scorer};
use super::target::Target;
use crate::features::Encoder;

/// The format that is written, and the newest that is read.
pub const FORMAT: u32 = 1;

const MAGIC: &[u8; 8] = b"ENGCMODL";
const DIGEST: usize = 32;
const NODE: usize = 16;

/// Why bytes are no model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArtifactError {
    #[error(
        "the model was written in format {found} by a newer version of Engagecast; this one reads up to format {supported}"
    )]
    NewerVersion { found: u32, supported: u32 },
    #[error("the model is damaged: {0}")]
    Corrupt(String),
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
    /// The model, its card included, for [`Self::from_bytes`].
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Numbers, strings and lists only: JSON can't refuse them.
        let header = serde_json::to_vec(&self.header()).unwrap_or_default();
        let mut bytes = Vec::with_capacity(header.len() + 1024);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(&(header.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&header);
        if let Scorer::Forest(forest) = &self.scorer {
            for tree in forest.trees() {
                write_tree(tree, &mut bytes);
            }
        }
        let digest = Sha256::digest(&bytes);
        bytes.extend_from_slice(&digest);
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote, in this version or an older one.
    ///
    /// # Errors
    /// If a newer version wrote it, or it is damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ArtifactError> {
        let mut reader = Reader(bytes);
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(corrupt("it does not begin as one"));
        }
        let found = u32::from_le_bytes(reader.array()?);
        if found > FORMAT {
            return Err(ArtifactError::NewerVersion {
                found,
                supported: FORMAT,
            });
        }
        if found == 0 {
            return Err(corrupt("there is no format 0"));
        }
        let body = bytes.len().checked_sub(DIGEST).ok_or_else(truncated)?;
        if Sha256::digest(&bytes[..body])[..] != bytes[body..] {
            return Err(corrupt("its digest does not match"));
        }
        let mut reader = Reader(&bytes[bytes.len() - reader.0.len()..body]);
        let length = u64::from_le_bytes(reader.array()?);
        let header = reader.take(usize::try_from(length).map_err(|_| truncated())?)?;
        let header: Header = serde_json::from_slice(header).map_err(corrupt)?;
        header.into_model(reader)
    }

    fn header(&self) -> Header {
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
            card: self.card.clone(),
        }
    }
}

impl Header {
    fn into_model(self, mut nodes: Reader<'_>) -> Result<Model, ArtifactError> {
        let target = Target::from_name(&self.target).ok_or_else(|| corrupt("unknown target"))?;
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
        let model = Model {
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
        };
        if nodes.0.is_empty() && is_sound(&model) {
            Ok(model)
        } else {
            Err(corrupt("its parts do not fit together"))
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
        Spread::Tiers(t) => model.target.is_binary() && t.low.is_finite() && t.high >= t.low,
        Spread::Intervals(intervals) => !model.target.is_binary() && intervals.is_sound(),
    };
    let allowed = model.target.inputs();
    scorer
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
    let length = count.checked_mul(NODE).ok_or_else(truncated)?;
    let mut tree = Reader(reader.take(length)?);
    let (mut nodes, mut values, mut covers) = (Vec::new(), Vec::new(), Vec::new());
    while !tree.0.is_empty() {
        let threshold = u32::from_le_bytes(tree.array()?);
        let split = u16::from_le_bytes(tree.array()?);
        let left = u16::from_le_bytes(tree.array()?);
        nodes.push(Node::from_parts((threshold, split, left)));
        values.push(f32::from_le_bytes(tree.array()?));
        covers.push(f32::from_le_bytes(tree.array()?));
    }
    forest.push_flat(&nodes, &values, &covers).map_err(corrupt)
}

/// What is still to be read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], ArtifactError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ArtifactError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or_else(truncated)?;
        self.0 = rest;
        Ok(*taken)
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "errors are passed on as they come"
)]
fn corrupt(why: impl ToString) -> ArtifactError {
    ArtifactError::Corrupt(why.to_string())
}

fn truncated() -> ArtifactError {
    corrupt("it ends too soon")
}
