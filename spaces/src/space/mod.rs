//! Space: the networks that a search may choose from, and Architecture, a point in it.
//!
//! A space is a stem, a row of positions and a head. What varies is a row of genes: at each position one gene picks
//! a block with all its knobs set (the lists of a space file multiplied out), a second one the pooling after it.
//! Only genes with more than one option count, so different genes are different networks as written, and a strategy
//! needs to know nothing but [`Space::genes`].

mod architecture;
mod graph;
mod greedy;
mod placement;
mod position;
mod scheme;
mod spec;

use rand::{Rng, RngExt};

pub use crate::blocks::{Choice, List};
pub use architecture::Architecture;
pub(crate) use architecture::short_hash;
pub use placement::Placement;
pub use position::Position;
pub use scheme::Scheme;
pub use spec::{HeadSpec, PositionSpec, SpaceSpec};

use crate::blocks::Pool;
use crate::{Error, Shape};

/// The networks that a search may choose from.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
#[serde(try_from = "SpaceSpec", into = "SpaceSpec")]
pub struct Space {
    spec: SpaceSpec,
    positions: Vec<Position>,
    head: Varied<Pool>,
    schemes: Varied<Scheme>,
    devices: Varied<usize>,
    genes: Vec<Gene>,
}

/// One thing that varies: its name and the labels of its options (at least two).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gene {
    /// Unique in the space: `<position>`, `<position>.pool`, `stem`, `head.pool`, `scheme` or
    /// `device`.
    pub name: String,
    /// Labels without spaces, unique in the gene; an architecture holds the index of one.
    pub options: Vec<String>,
}

/// Options of which an architecture picks one: by the gene of this index, or the only one there is.
#[derive(Clone, Debug)]
struct Varied<T> {
    options: Vec<T>,
    gene: Option<usize>,
}

impl<T> Varied<T> {
    /// The index of the option that `genes` pick.
    fn index(&self, genes: &[u16]) -> usize {
        self.gene.map_or(0, |gene| usize::from(genes[gene]))
    }

    fn pick(&self, genes: &[u16]) -> &T {
        &self.options[self.index(genes)]
    }
}

impl PartialEq for Space {
    fn eq(&self, other: &Self) -> bool {
        self.spec == other.spec
    }
}

impl Space {
    /// What varies, in the order of an architecture's genes.
    pub fn genes(&self) -> &[Gene] {
        &self.genes
    }

    /// Number of architectures; [`u128::MAX`] where there are more.
    pub fn size(&self) -> u128 {
        let count = |gene: &Gene| gene.options.len() as u128;
        self.genes.iter().map(count).fold(1, u128::saturating_mul)
    }

    /// Shape of the network's input.
    pub fn input(&self) -> Shape {
        let [channels, height, width] = self.spec.input;
        Shape::new(channels, height, width)
    }

    /// Number of classes: outputs of the network.
    pub fn classes(&self) -> usize {
        self.spec.classes
    }

    /// The space as its file holds it.
    pub fn spec(&self) -> &SpaceSpec {
        &self.spec
    }

    /// The positions in the order of the data's way; the stem, where there is one, is the first.
    pub fn positions(&self) -> &[Position] {
        &self.positions
    }

    /// The schemes that an architecture may choose from.
    pub fn schemes(&self) -> &[Scheme] {
        &self.schemes.options
    }

    /// The scheme that an architecture runs under; that of the first choice for an architecture of another space.
    pub fn scheme(&self, architecture: &Architecture) -> Scheme {
        match self.contains(architecture) {
            true => *self.schemes.pick(&architecture.genes),
            false => self.schemes.options.first().copied().unwrap_or_default(),
        }
    }

    /// The same space with these schemes to choose from.
    ///
    /// # Errors
    /// As for a space file.
    pub fn with_schemes(&self, schemes: List<Scheme>) -> Result<Self, Error> {
        Self::try_from(SpaceSpec {
            scheme: schemes,
            ..self.spec.clone()
        })
    }

    /// Whether an architecture has this space's number of genes, each in its range.
    pub fn contains(&self, architecture: &Architecture) -> bool {
        self.check(architecture).is_ok()
    }

    /// An architecture, each equally likely.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> Architecture {
        let gene = |gene: &Gene| rng.random_range(0..gene.options.len() as u32) as u16;
        Architecture {
            genes: self.genes.iter().map(gene).collect(),
        }
    }

    /// The architectures that differ from this one in exactly one gene, ordered by gene, then option; none for an
    /// architecture of another space.
    pub fn neighbours(&self, architecture: &Architecture) -> Vec<Architecture> {
        if !self.contains(architecture) {
            return Vec::new();
        }
        let mut neighbours = Vec::new();
        for (position, gene) in self.genes.iter().enumerate() {
            let own = usize::from(architecture.genes[position]);
            for option in (0..gene.options.len()).filter(|option| *option != own) {
                let mut genes = architecture.genes.clone();
                genes[position] = option as u16;
                neighbours.push(Architecture { genes });
            }
        }
        neighbours
    }

    /// Every architecture, the last gene running fastest.
    pub fn architectures(&self) -> impl Iterator<Item = Architecture> + '_ {
        (0..self.size()).map(|index| self.nth(index))
    }

    fn nth(&self, mut index: u128) -> Architecture {
        let mut genes = vec![0; self.genes.len()];
        for (value, gene) in genes.iter_mut().zip(&self.genes).rev() {
            let count = gene.options.len() as u128;
            *value = (index % count) as u16;
            index /= count;
        }
        Architecture { genes }
    }

    /// The architecture in words: `<gene>=<option>` for each gene, separated by spaces. It outlives a reordering of
    /// the space's lists, and [`Self::parse`] reads it.
    ///
    /// # Errors
    /// An architecture of another space.
    pub fn describe(&self, architecture: &Architecture) -> Result<String, Error> {
        self.check(architecture)?;
        let word = |(gene, value): (&Gene, &u16)| {
            format!("{}={}", gene.name, gene.options[usize::from(*value)])
        };
        let words: Vec<String> = self
            .genes
            .iter()
            .zip(&architecture.genes)
            .map(word)
            .collect();
        Ok(words.join(" "))
    }

    /// The architecture that [`Architecture::text`] or [`Self::describe`] wrote.
    ///
    /// # Errors
    /// What is not understood, missing, or not in this space.
    pub fn parse(&self, text: &str) -> Result<Architecture, Error> {
        let architecture = match text.contains('=') {
            true => self.parse_words(text)?,
            false => text.parse()?,
        };
        self.check(&architecture)?;
        Ok(architecture)
    }

    fn parse_words(&self, text: &str) -> Result<Architecture, Error> {
        let refuse = |why: String| Error::architecture(text, why);
        let mut genes: Vec<Option<u16>> = vec![None; self.genes.len()];
        for word in text.split_whitespace() {
            let (name, label) = word
                .split_once('=')
                .ok_or_else(|| refuse(format!("`{word}` is not of the form gene=option")))?;
            let names: Vec<&str> = self.genes.iter().map(|gene| gene.name.as_str()).collect();
            let Some(index) = names.iter().position(|n| *n == name) else {
                let names = names.join(", ");
                return Err(refuse(format!("no gene is named `{name}`; genes: {names}")));
            };
            let options = &self.genes[index].options;
            let Some(option) = options.iter().position(|option| option == label) else {
                let options = options.join(" ");
                return Err(refuse(format!(
                    "gene `{name}` has no option `{label}`; options: {options}"
                )));
            };
            if genes[index].replace(option as u16).is_some() {
                return Err(refuse(format!("gene `{name}` is given twice")));
            }
        }
        let missing = genes.iter().position(Option::is_none);
        if let Some(missing) = missing {
            let name = &self.genes[missing].name;
            return Err(refuse(format!("gene `{name}` is missing")));
        }
        Ok(Architecture {
            genes: genes.into_iter().flatten().collect(),
        })
    }

    /// Whether `architecture` lies in this space, or why not.
    fn check(&self, architecture: &Architecture) -> Result<(), Error> {
        let refuse = |why| Err(Error::architecture(&architecture.text(), why));
        if architecture.genes.len() != self.genes.len() {
            return refuse(format!(
                "it has {} genes, the space {}",
                architecture.genes.len(),
                self.genes.len()
            ));
        }
        for (value, gene) in architecture.genes.iter().zip(&self.genes) {
            if usize::from(*value) >= gene.options.len() {
                return refuse(format!(
                    "gene `{}` is {value}, it has the options 0 to {}",
                    gene.name,
                    gene.options.len() - 1
                ));
            }
        }
        Ok(())
    }
}
