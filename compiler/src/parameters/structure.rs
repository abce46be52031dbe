//! Structure: every decision of a compilation, made without weights: parameters, levels, scales, layouts.

use std::collections::BTreeSet;

use hemet_ckks_params::{MAX_PRIME_BITS, Parameters, max_log_qp};
use hemet_schedule::artifact::LayerNote;
use hemet_schedule::{CostTable, Layout, MissingCost, layout::MAX_PERIOD};

use super::{Chain, Levels, Policy, Precision, Price, chains};
use crate::layout::{Assignment, Problem, Tallies};
use crate::maps::Footprints;
use crate::net::{Net, TensorId};
use crate::{Error, Options, Target};

/// The decisions.
pub struct Structure {
    /// Ring degree and primes.
    pub parameters: Parameters,
    /// Levels of tensors.
    pub levels: Levels,
    /// Scales.
    pub precision: Precision,
    /// Layout of each tensor.
    pub layouts: Vec<Layout>,
    /// What the plaintexts of each node round: see [`Precision::derive`].
    pub rounded: Vec<f64>,
    /// Predicted cost in microseconds, for comparing structures (the estimate comes from the schedule).
    pub cost_us: f64,
}

impl Structure {
    /// What is known of each layer of a net, by the last tensor that it makes; times are not known yet.
    pub fn notes(&self, net: &Net) -> Vec<LayerNote> {
        let slots = self.parameters.slots();
        let mut notes: Vec<LayerNote> = Vec::new();
        for id in net.ids() {
            let (node, layout) = (net.node(id), &self.layouts[id.0]);
            let known = notes.iter().position(|note| note.layer == node.layer);
            let index = known.unwrap_or(notes.len());
            if known.is_none() {
                notes.push(LayerNote::default());
            }
            let note = &mut notes[index];
            let mut merged = node.merged.clone();
            merged.extend(note.merged.drain(..));
            *note = LayerNote {
                layer: node.layer.clone(),
                merged: merged.into_iter().collect(),
                packing: layout.to_string(),
                ciphertexts: layout.ciphertexts(slots),
                predicted_ms: 0.0,
            };
        }
        // What is left of a layer elsewhere has a note of its own.
        let own: BTreeSet<String> = notes.iter().map(|note| note.layer.clone()).collect();
        for note in &mut notes {
            note.merged.retain(|layer| !own.contains(layer));
        }
        notes
    }
}

/// One way to run the net: levels, scales and primes.
#[derive(Clone)]
struct Frame {
    levels: Levels,
    precision: Precision,
    chain: Chain,
}

/// What the scales of plaintexts depend on: see [`Precision::derive`].
#[derive(Clone, Copy)]
struct Rounded<'a> {
    counts: &'a [f64],
    extra: u32,
}

/// Most bits that the working scale may have beyond what it needs.
const MOST_EXTRA_BITS: u32 = 3;

/// Why a ring degree does not serve.
enum Obstacle {
    Tensor(Error),
    Modulus {
        needed: Option<u32>,
        levels: u32,
        working: u32,
    },
    Cost(MissingCost),
    Other(Error),
}

/// What decisions are made for.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    /// The net; its values, if it has any, are not looked at.
    pub net: &'a Net,
    /// Its footprints.
    pub footprints: &'a Footprints,
    /// What the user chose.
    pub options: &'a Options,
    /// Splits counted so far.
    pub tallies: &'a Tallies,
    /// What operations cost.
    pub costs: &'a CostTable,
}

/// Makes the decisions: the cheapest of the smallest secure ring degree and the next, which may pack into fewer
/// ciphertexts. A batch fills any number of slots, and an image costs least in the smallest ring.
pub fn decide(task: Task<'_>) -> Result<Structure, Error> {
    let options = task.options;
    let mut best: Option<Structure> = None;
    let mut obstacle = None;
    for log_n in 11..=options.max_log_n {
        let had = best.is_some();
        match at_degree(task, log_n) {
            Ok(found) => {
                let several = |l: &Layout| l.ciphertexts(1 << (log_n - 1)) > 1;
                let split = options.target == Target::Latency && found.layouts.iter().any(several);
                if best.as_ref().is_none_or(|b| found.cost_us < b.cost_us) {
                    best = Some(found);
                }
                if had || !split {
                    break;
                }
            }
            Err(_) if had => break,
            // A larger ring holds fewer elements of a batch.
            Err(found @ Obstacle::Tensor(_)) if options.target == Target::Throughput => {
                return Err(explain(found, options));
            }
            Err(found) => obstacle = Some(found),
        }
    }
    match (best, obstacle) {
        (Some(best), _) => Ok(best),
        (None, Some(obstacle)) => Err(explain(obstacle, options)),
        (None, None) => options.check().and(Err(Error::Option {
            option: "max_log_n",
            found: options.max_log_n.to_string(),
            least: 11.0,
            most: 16.0,
        })),
    }
}

fn explain(obstacle: Obstacle, options: &Options) -> Error {
    let log_n = options.max_log_n;
    match obstacle {
        Obstacle::Tensor(error) | Obstacle::Other(error) => error,
        Obstacle::Cost(missing) => missing.into(),
        Obstacle::Modulus {
            needed: Some(needed),
            levels,
            working: _,
        } => Error::NoParameters {
            needed,
            levels,
            precision_bits: options.precision_bits,
            security_bits: options.security.bits(),
            limit: max_log_qp(log_n, options.security).unwrap_or(0),
            log_n,
        },
        Obstacle::Modulus {
            needed: None,
            levels: _,
            working,
        } => Error::Precision {
            precision_bits: options.precision_bits,
            scale_bits: working,
            log_n,
        },
    }
}

fn at_degree(task: Task<'_>, log_n: u32) -> Result<Structure, Obstacle> {
    let Task {
        net,
        footprints,
        options,
        tallies,
        costs,
    } = task;
    let slots = 1usize << (log_n - 1);
    // Cheap first: most degrees fail for their modulus.
    let guess: Vec<f64> = footprints
        .iter()
        .map(|f| if f.is_empty() { 0.0 } else { 1e4 })
        .collect();
    let limbs = frames(net, options, log_n, &guess)?[0].chain.primes.len();
    let problem = Problem::new(net, footprints, slots, options, tallies)
        .map_err(|id| Obstacle::Tensor(too_large(net, id, options, slots, limbs)))?;
    let first = frames(net, options, log_n, &problem.rounded(&problem.rasters()))?;
    let (frame, _) = cheapest(&problem, &problem.rasters(), first, costs, log_n)?;
    let price = Price::new(costs, frame.chain.ring(log_n));
    let assignment = problem
        .search(&frame.levels, &price)
        .map_err(Obstacle::Cost)?;
    // The numbers of diagonals are known now, so the scales of plaintexts are exact.
    let rounded = problem.rounded(&assignment);
    let last = frames(net, options, log_n, &rounded)?;
    let (frame, cost_us) = cheapest(&problem, &assignment, last, costs, log_n)?;
    let parameters = frame
        .chain
        .parameters(log_n, options.security)
        .map_err(|error| Obstacle::Other(error.into()))?;
    Ok(Structure {
        parameters,
        levels: frame.levels,
        precision: frame.precision,
        layouts: net
            .ids()
            .map(|id| problem.layout(&assignment, id).clone())
            .collect(),
        rounded,
        cost_us,
    })
}

/// What to say of a tensor that no layout holds.
fn too_large(net: &Net, id: TensorId, options: &Options, slots: usize, limbs: usize) -> Error {
    let (layer, elements) = (net.node(id).layer.clone(), net.node(id).shape.len());
    match options.target {
        Target::Latency => Error::TooLarge {
            layer,
            elements,
            ciphertexts: options.max_ciphertexts,
            slots,
        },
        // Two parts of twice as many words as slots a limb.
        Target::Throughput => Error::Batch {
            layer,
            elements,
            most: MAX_PERIOD as usize / slots,
            slots,
            gib: (elements * 2 * limbs * 2 * slots * 8) as f64 / (1u64 << 30) as f64,
        },
    }
}

/// Every frame that is secure at this degree, at least one.
fn frames(
    net: &Net,
    options: &Options,
    log_n: u32,
    rounded: &[f64],
) -> Result<Vec<Frame>, Obstacle> {
    let mut frames: Vec<Frame> = Vec::new();
    let (mut needed, mut top, mut working) = (None, 0, 0);
    let extras = |policy| (0..=MOST_EXTRA_BITS).map(move |extra| (policy, extra));
    let ways = Policy::ALL.into_iter().flat_map(extras);
    for ((policy, extra), agree) in ways.flat_map(|way| [(way, false), (way, true)]) {
        let of_plain = Rounded {
            counts: rounded,
            extra,
        };
        let (levels, mut precision) = settle(net, options, log_n, of_plain, policy);
        top = top.max(levels.top());
        if extra == 0 {
            working = working.max(precision.working);
        }
        if agree {
            // Where products and maps share a prime, their scales must agree.
            let plain = precision.plain.iter().copied().max().unwrap_or(0);
            precision.working = precision.working.max(plain);
        }
        let bits = options.output_bits;
        let found = chains(net, &levels, &precision, bits, log_n, options.security);
        let Some((chains, least)) = found else {
            continue;
        };
        needed = Some(needed.unwrap_or(u32::MAX).min(least));
        for chain in chains {
            // With the same levels and special primes fewer bits never cost more.
            let special = chain.special;
            let same = |f: &&mut Frame| f.levels == levels && f.chain.special == special;
            let frame = Frame {
                levels: levels.clone(),
                precision: precision.clone(),
                chain,
            };
            match frames.iter_mut().find(same) {
                Some(known) if known.chain.bits() <= frame.chain.bits() => {}
                Some(known) => *known = frame,
                None => frames.push(frame),
            }
        }
    }
    if frames.is_empty() {
        return Err(Obstacle::Modulus {
            needed,
            levels: top,
            working,
        });
    }
    Ok(frames)
}

/// Levels and scales under a policy, with those products rescaled on their own whose map would need too large a prime.
fn settle(
    net: &Net,
    options: &Options,
    log_n: u32,
    rounded: Rounded<'_>,
    policy: Policy,
) -> (Levels, Precision) {
    let mut eager = vec![false; net.nodes.len()];
    loop {
        let levels = Levels::assign(net, policy, &eager);
        let precision =
            Precision::derive(net, &levels, log_n, options, rounded.counts, rounded.extra);
        let before = eager.clone();
        for id in net.ids() {
            let result = precision.of_result(net, id);
            if 2 * precision.working + precision.plain[id.0] > MAX_PRIME_BITS + result {
                for product in levels.unscaled(net, id) {
                    eager[product.0] = true;
                }
            }
        }
        // Each round marks one more or ends.
        if eager == before {
            return (levels, precision);
        }
    }
}

fn cheapest(
    problem: &Problem<'_>,
    assignment: &Assignment,
    frames: Vec<Frame>,
    costs: &CostTable,
    log_n: u32,
) -> Result<(Frame, f64), Obstacle> {
    let mut best: Option<(Frame, f64)> = None;
    let mut missing = None;
    for frame in frames {
        let price = Price::new(costs, frame.chain.ring(log_n));
        match problem.cost(assignment, &frame.levels, &price) {
            Ok(cost) if best.as_ref().is_none_or(|b| cost < b.1) => best = Some((frame, cost)),
            Ok(_) => {}
            Err(error) => missing = Some(error),
        }
    }
    match (best, missing) {
        (Some(best), _) => Ok(best),
        (None, Some(missing)) => Err(Obstacle::Cost(missing)),
        (None, None) => Err(Obstacle::Modulus {
            needed: None,
            levels: 0,
            working: 0,
        }),
    }
}
