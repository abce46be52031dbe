//! HEMET's replay: the op counts of its published code at secure parameters, beside the same networks compiled here.
//!
//! HEMET (Lou and Jiang, ICML 2021, section 3) predicts a latency as rotations · t_rotate(N, level) + plaintext
//! products · t_multiply(N, level), summed over the layers; so does [`replay`], with a measured cost table. Left out,
//! which favours the replay: squares and rescales; and a 60-bit prime, which the engine does not have, counts as the
//! table's primes do. The additions that sum the products, which HEMET's model leaves out and a compiled network's
//! latency holds, are told apart. All figures are predicted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hemet_ckks_params::{SecurityLevel, max_log_qp};
use hemet_compiler::Options;
use hemet_schedule::cost::Ring;
use hemet_schedule::{CostKind, CostTable, MissingCost};
use hemet_spaces::space::Space;
use serde::Deserialize;

use hemet::error::Error;
use hemet::experiment::{Text, parse_unchecked, security_level};

/// Bits of the first and of the special primes where a chain is not the published one.
const OUTER_BITS: u32 = 60;
/// Most special primes that a replay may have; the number is chosen for the lowest latency.
const MOST_SPECIAL: u32 = 4;

/// What to replay, as its YAML file says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// JSON file of op counts, relative to the YAML file.
    pub counts: PathBuf,
    /// Chains at which the counts are replayed.
    pub chains: Vec<Chain>,
    /// Bits of security, of the replay and of the compiled networks.
    pub security_bits: u32,
    /// Promised precision of the compiled networks.
    pub precision_bits: u32,
    /// The space in which the ladder's networks lie.
    pub space: Space,
    /// Variants and their networks.
    pub ladder: Vec<Rung>,
}

/// The primes of a replayed chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chain {
    /// As published.
    Published,
    /// Primes of this many bits between the first and the special one.
    Bits(u32),
}

/// A variant of the op counts and the same network in the space.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// Name among the op counts.
    pub variant: String,
    /// Text of an architecture of the space.
    pub architecture: String,
}

/// The op counts of the published code.
#[derive(Debug, Deserialize)]
pub struct Counts {
    /// By name.
    pub variants: BTreeMap<String, Variant>,
}

/// Op counts of one network.
#[derive(Debug, Deserialize)]
pub struct Variant {
    /// Bits of every prime of the published chain, the special one last.
    pub prime_bits: Vec<u32>,
    /// Rescales from input to output.
    pub rescales_total: u32,
    /// Layer by layer.
    pub layers: Vec<LayerCounts>,
}

/// Op counts of one layer.
#[derive(Debug, Deserialize)]
pub struct LayerCounts {
    /// Rescales before it.
    pub rescales_before: u32,
    /// Rotations.
    pub rotations: u64,
    /// Products with plaintexts.
    pub plain_products: u64,
}

/// What a network is predicted to cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Predicted {
    /// log2 of the ring degree.
    pub log_n: u32,
    /// log2(QP).
    pub log_qp_bits: f64,
    /// Rotations.
    pub rotations: u64,
    /// Products with plaintexts.
    pub plain_products: u64,
    /// Seconds on one thread.
    pub latency_s: f64,
    /// Seconds of one addition for each product with a plaintext, where the latency does not hold them; else 0.
    pub additions_s: f64,
}

/// A rung of the ladder: the replays, one a chain, and the compiled network.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Name of the variant.
    pub variant: String,
    /// How many blocks are regular convolutions.
    pub regular: usize,
    /// In the order of [`Replay::chains`].
    pub replayed: Vec<Predicted>,
    /// By this compiler.
    pub compiled: Predicted,
}

impl Replay {
    /// Reads the YAML file and the op counts that it names.
    ///
    /// # Errors
    /// A file that cannot be read or understood, with line and column.
    pub fn read(path: &Path) -> Result<(Self, Counts), Error> {
        let replay: Self = parse_unchecked(&Text::read(path)?)?;
        let counts = path.parent().unwrap_or(Path::new("")).join(&replay.counts);
        let json = std::fs::read_to_string(&counts).map_err(|e| Error::file(&counts, e))?;
        let counts = serde_json::from_str(&json).map_err(|e| Error::file(&counts, e))?;
        Ok((replay, counts))
    }

    /// Replays and compiles every rung.
    ///
    /// # Errors
    /// A variant or architecture that does not exist, no secure parameters, a cost that the table lacks.
    pub fn run(&self, counts: &Counts, table: &CostTable) -> Result<Vec<Outcome>, Error> {
        let security = security_level(self.security_bits)?;
        let outcome = |rung: &Rung| {
            let Some(variant) = counts.variants.get(&rung.variant) else {
                return Err(Error::user(format!(
                    "there are no counts of `{}`",
                    rung.variant
                )));
            };
            let replayed = self.chains.iter();
            Ok(Outcome {
                variant: rung.variant.clone(),
                regular: rung.architecture.matches('1').count(),
                replayed: replayed
                    .map(|chain| self::replay(variant, *chain, security, table))
                    .collect::<Result<_, _>>()?,
                compiled: self.compile(&rung.architecture, security, table)?,
            })
        };
        self.ladder.iter().map(outcome).collect()
    }

    fn compile(
        &self,
        architecture: &str,
        security: SecurityLevel,
        table: &CostTable,
    ) -> Result<Predicted, Error> {
        let architecture = self.space.parse(architecture).map_err(Error::user)?;
        let graph = self.space.graph(&architecture).map_err(Error::user)?;
        let options = Options {
            security,
            precision_bits: self.precision_bits,
            ..Default::default()
        };
        let estimate = hemet_compiler::estimate(&graph, &options, table).map_err(Error::user)?;
        let total = estimate.op_counts.total();
        Ok(Predicted {
            log_n: estimate.log_n,
            log_qp_bits: estimate.log_qp_bits,
            rotations: total.rotations,
            plain_products: total.plain_products,
            latency_s: estimate.latency_ms / 1e3,
            additions_s: 0.0,
        })
    }
}

/// The cheapest secure replay of a variant: over numbers of special primes, the smallest ring degree that carries the
/// chain.
///
/// # Errors
/// No ring degree carries the chain, or the table lacks its costs.
pub fn replay(
    variant: &Variant,
    chain: Chain,
    security: SecurityLevel,
    table: &CostTable,
) -> Result<Predicted, Error> {
    let rescales = variant.rescales_total as usize;
    let primes: Vec<u32> = match chain {
        Chain::Published => variant
            .prime_bits
            .iter()
            .copied()
            .take(rescales + 1)
            .collect(),
        Chain::Bits(bits) => std::iter::once(OUTER_BITS)
            .chain(std::iter::repeat_n(bits, rescales))
            .collect(),
    };
    let data_bits: u32 = primes.iter().sum();
    let mut best: Result<Predicted, Error> = Err(Error::user(format!(
        "no secure ring degree carries {data_bits} bits"
    )));
    for special in 1..=MOST_SPECIAL {
        let bits = data_bits + special * OUTER_BITS;
        let fits = |log_n: &u32| max_log_qp(*log_n, security).is_some_and(|most| bits <= most);
        let Some(log_n) = (11..=16).find(fits) else {
            break;
        };
        let ring = Ring::of_bits(log_n, &primes, &vec![OUTER_BITS; special as usize]);
        match seconds(variant, &ring, table) {
            Ok((latency_s, _)) if best.as_ref().is_ok_and(|b| b.latency_s <= latency_s) => {}
            Ok((latency_s, additions_s)) => {
                let sum = |count: fn(&LayerCounts) -> u64| variant.layers.iter().map(count).sum();
                best = Ok(Predicted {
                    log_n,
                    log_qp_bits: f64::from(bits),
                    rotations: sum(|layer| layer.rotations),
                    plain_products: sum(|layer| layer.plain_products),
                    latency_s,
                    additions_s,
                });
            }
            Err(missing) if best.is_err() => best = Err(Error::user(missing)),
            Err(_) => {}
        }
    }
    best
}

/// Seconds of rotations and products, and of one addition a product.
fn seconds(variant: &Variant, ring: &Ring, table: &CostTable) -> Result<(f64, f64), MissingCost> {
    let (mut us, mut additions_us) = (0.0, 0.0);
    for layer in &variant.layers {
        let limbs = (variant.rescales_total + 1).saturating_sub(layer.rescales_before);
        let cost = |kind| table.cost_us(kind, ring, limbs.max(1));
        us += layer.rotations as f64 * cost(CostKind::Rotate)?;
        us += layer.plain_products as f64 * cost(CostKind::MulPlain)?;
        additions_us += layer.plain_products as f64 * cost(CostKind::Add)?;
    }
    Ok((us / 1e6, additions_us / 1e6))
}

impl Chain {
    /// For tables and legends.
    pub fn name(self) -> String {
        match self {
            Chain::Published => "published".into(),
            Chain::Bits(bits) => format!("{bits}-bit"),
        }
    }
}

impl<'de> Deserialize<'de> for Chain {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Bits(u32),
            Word(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Bits(bits) if (20..=60).contains(&bits) => Ok(Chain::Bits(bits)),
            Written::Word(word) if word == "published" => Ok(Chain::Published),
            Written::Bits(_) | Written::Word(_) => Err(serde::de::Error::custom(
                "a chain is `published` or bits of a prime from 20 to 60",
            )),
        }
    }
}
