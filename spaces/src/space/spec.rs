//! The form of a space file, and its check: from [`SpaceSpec`] to [`Space`].
//!
//! ```yaml
//! input: [1, 8, 8]                      # channels, height, width
//! classes: 10
//! stem: {conv: {width: 8, kernel: 3}}   # optional: one kind of block before the positions
//! blocks:
//!   - name: b1
//!     options:                          # every list multiplies out; the first mobile one is where greedy starts
//!       - fire: {squeeze: [4], expand: [8, 16]}
//!       - conv: {width: [16, 32], kernel: [3], stride: [1]}
//!       - skip
//!     pool: [none, 2]                   # after the block; none where not given
//! activation: quadratic                 # of blocks that name none; quadratic where not given
//! head: {pool: global}                  # then a dense layer to the classes
//! scheme: ckks                          # or another, or a list of them; ckks where not given
//! device: [0, 2]                        # public first layers that clients may run in the clear; 0 where not given
//! ```

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::position::{Labels, Position};
use super::{Gene, Scheme, Space, Varied};
use crate::Error;
use crate::blocks::{Activation, Choice, List, Options, Pool};
use crate::schema::{self, Path};

/// A space as its file holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpaceSpec {
    /// Channels, height and width of the input, each from 1 to 65536.
    #[schemars(inner(range(min = 1, max = 65536)))]
    pub input: [usize; 3],
    /// Number of classes, from 1 to 65536.
    #[schemars(range(min = 1, max = 65536))]
    pub classes: usize,
    /// A kind of block before the positions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stem: Option<Choice>,
    /// The positions, in the order of the data's way.
    pub blocks: Vec<PositionSpec>,
    /// Activations of blocks that name none; quadratic where not given.
    #[serde(default = "quadratic")]
    pub activation: List<Activation>,
    /// What comes before the last dense layer.
    #[serde(default)]
    pub head: HeadSpec,
    /// Schemes of encryption; CKKS where not given. An experiment's own `scheme` stands above it.
    #[serde(default = "ckks", skip_serializing_if = "is_ckks")]
    #[schemars(extend("default" = "ckks"))]
    pub scheme: List<Scheme>,
    /// How many of a network's first convolutions and dense layers clients run in the clear: they are public then. None
    /// where not given. An experiment's `deploy` stands above it.
    #[serde(default = "no_device", skip_serializing_if = "is_no_device")]
    #[schemars(extend("default" = 0, "x-unit" = "layers", "x-scheme" = "ckks"))]
    pub device: List<usize>,
}

/// A position of a space file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PositionSpec {
    /// Unique; letters, digits, `_`; its layers are named after it.
    #[schemars(regex(pattern = "^[A-Za-z0-9_]+$"))]
    pub name: String,
    /// The blocks to choose from.
    #[schemars(length(min = 1))]
    pub options: Vec<Choice>,
    /// Pooling after the block; none where not given.
    #[serde(default = "no_pool")]
    pub pool: List<Pool>,
}

/// The head of a space file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeadSpec {
    /// Pooling before the dense layer; none where not given.
    #[serde(default = "no_pool")]
    pub pool: List<Pool>,
}

impl Default for HeadSpec {
    fn default() -> Self {
        Self { pool: no_pool() }
    }
}

fn no_pool() -> List<Pool> {
    List::one(Pool::None)
}

fn ckks() -> List<Scheme> {
    List::one(Scheme::Ckks)
}

fn no_device() -> List<usize> {
    List::one(0)
}

fn is_no_device(layers: &List<usize>) -> bool {
    *layers == no_device()
}

fn is_ckks(schemes: &List<Scheme>) -> bool {
    *schemes == ckks()
}

fn quadratic() -> List<Activation> {
    List::one(Activation::QUADRATIC)
}

impl From<Space> for SpaceSpec {
    fn from(space: Space) -> Self {
        space.spec
    }
}

impl TryFrom<SpaceSpec> for Space {
    type Error = Error;

    /// # Errors
    /// Names that are used twice, knobs out of range, equal options, or a first choice of every position
    /// ([`Space::mobile`]) that gives no network.
    fn try_from(spec: SpaceSpec) -> Result<Self, Error> {
        schema::check(&spec)
            .map_err(|fault| Error::space(fault.path.clone(), fault.to_string()))?;
        let mut space = Space {
            positions: Vec::new(),
            head: Varied {
                options: Vec::new(),
                gene: None,
            },
            schemes: Varied {
                options: Vec::new(),
                gene: None,
            },
            devices: Varied {
                options: Vec::new(),
                gene: None,
            },
            genes: Vec::new(),
            spec: spec.clone(),
        };
        if let Some(stem) = &spec.stem {
            let stem = PositionSpec {
                name: "stem".into(),
                options: vec![stem.clone()],
                pool: no_pool(),
            };
            space.add_position(&stem, &Place::Stem)?;
        }
        for (index, position) in spec.blocks.iter().enumerate() {
            let place = Place::Block(index);
            check_name(&space, &position.name, &place.path().key("name"))?;
            space.add_position(position, &place)?;
        }
        let whole = Path::default();
        let head = whole.key("head").key("pool");
        space.head = space.vary("head.pool", spec.head.pool.to_vec(), &head)?;
        space.schemes = space.vary("scheme", spec.scheme.to_vec(), &whole.key("scheme"))?;
        let device = whole.key("device");
        space.devices = space.vary("device", spec.device.to_vec(), &device)?;
        let other = spec.scheme.iter().find(|scheme| **scheme != Scheme::Ckks);
        if let (Some(scheme), Some(layers)) = (other, spec.device.iter().find(|n| **n > 0)) {
            let why = format!(
                "`device` has {layers}, `scheme` has {scheme}: layers run on clients under ckks alone"
            );
            return Err(Error::space(device, why));
        }
        space.check_channels()?;
        space.graph(&space.mobile())?;
        Ok(space)
    }
}

/// Where a position stands in the file.
enum Place {
    Stem,
    Block(usize),
}

impl Place {
    fn path(&self) -> Path {
        match self {
            Self::Stem => Path::default().key("stem"),
            Self::Block(index) => Path::default().key("blocks").item(*index),
        }
    }

    /// Of a kind of block that can be chosen here.
    fn option(&self, index: usize) -> Path {
        match self {
            Self::Stem => self.path(),
            Self::Block(_) => self.options().item(index),
        }
    }

    fn options(&self) -> Path {
        match self {
            Self::Stem => self.path(),
            Self::Block(_) => self.path().key("options"),
        }
    }
}

fn check_name(space: &Space, name: &str, path: &Path) -> Result<(), Error> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(word) {
        let why = format!("position name `{name}`: write letters, digits and `_` only");
        return Err(Error::space(path.clone(), why));
    }
    let taken = space.positions.iter().any(|p| p.name() == name);
    if taken || ["input", "stem", "head", "scheme", "device"].contains(&name) {
        let why = format!(
            "position name `{name}` is taken; names must be unique and not input, stem, head, scheme or \
             device"
        );
        return Err(Error::space(path.clone(), why));
    }
    Ok(())
}

impl Space {
    /// Whether every block can read every number of channels that may come in where it stands.
    fn check_channels(&self) -> Result<(), Error> {
        let stems = usize::from(self.spec.stem.is_some());
        let mut channels = BTreeSet::from([self.input().channels]);
        for (index, position) in self.positions.iter().enumerate() {
            let mut next = BTreeSet::new();
            for block in position.blocks() {
                for &count in &channels {
                    block.check_input(count).map_err(|why| {
                        let place = match index.checked_sub(stems) {
                            Some(index) => Place::Block(index),
                            None => Place::Stem,
                        };
                        let (name, block) = (position.name(), block.label());
                        let why = format!(
                            "position `{name}`, block `{block}`, where {count} channels may come in: {why}"
                        );
                        Error::space(place.options(), why)
                    })?;
                    next.insert(block.out_channels().unwrap_or(count));
                }
            }
            channels = next;
        }
        Ok(())
    }

    fn add_position(&mut self, spec: &PositionSpec, place: &Place) -> Result<(), Error> {
        let mut blocks = Vec::new();
        for (index, choice) in spec.options.iter().enumerate() {
            let options = choice.blocks(&self.spec.activation).map_err(|why| {
                let why = format!("position `{}`, block `{}`: {why}", spec.name, choice.kind());
                Error::space(place.option(index).key(choice.kind()), why)
            })?;
            blocks.extend(options);
        }
        let blocks = self.vary(&spec.name, blocks, &place.options())?;
        let pool = place.path().key("pool");
        let pools = self.vary(&format!("{}.pool", spec.name), spec.pool.to_vec(), &pool)?;
        self.positions
            .push(Position::new(spec.name.clone(), blocks, pools));
        Ok(())
    }

    /// Makes `options` the options of a gene `name`, or a fixed part where there is only one.
    fn vary<T: Labels>(
        &mut self,
        name: &str,
        options: Vec<T>,
        path: &Path,
    ) -> Result<Varied<T>, Error> {
        let max = crate::blocks::MAX_OPTIONS;
        if options.is_empty() || options.len() > max {
            let why = format!(
                "`{name}` has {} options; 1 to {max} are possible",
                options.len()
            );
            return Err(Error::space(path.clone(), why));
        }
        let labels: Vec<String> = options.iter().map(Labels::label).collect();
        let mut sorted: Vec<&String> = labels.iter().collect();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            let why = format!("`{name}` offers {} twice; options must differ", pair[0]);
            return Err(Error::space(path.clone(), why));
        }
        let mut gene = None;
        if options.len() > 1 {
            gene = Some(self.genes.len());
            self.genes.push(Gene {
                name: name.to_owned(),
                options: labels,
            });
        }
        Ok(Varied { options, gene })
    }
}
