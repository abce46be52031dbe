//! Structure: every decision of a compilation, made without weights: parameters, levels, scales, layouts.

#[cfg(test)]
mod enumerated;

use std::collections::BTreeSet;

use hemet_ckks_params::Parameters;
use hemet_schedule::artifact::LayerNote;
use hemet_schedule::cost::Ring;
use hemet_schedule::{CostTable, Layout, MissingCost, layout::MAX_PERIOD};
use hemet_spaces::layer::{Seen, Taps};
use hemet_spaces::{Layer, LayerGraph};

use super::frames::{Frame, Shortage, frames};
use super::uniform;
use super::{Levels, Precision, Price};
use crate::layout::{Assignment, Problem, Tallies};
use crate::maps::Footprints;
use crate::net::{Net, TensorId};
use crate::{Error, Options, Primes, Target};

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
    /// Predicted cost in microseconds under the quickest splits, for comparing structures (the estimate comes from the
    /// schedule).
    pub cost_us: f64,
    /// The part of it that is spent in affine maps.
    pub maps_us: f64,
}

impl Structure {
    /// What is known of each layer of the net of a graph, by the last tensor that it makes; times are not known yet.
    pub fn notes(&self, graph: &LayerGraph, net: &Net) -> Vec<LayerNote> {
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
                ..of_layer(graph, &node.layer)
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

/// What a layer's own structure says of it.
fn of_layer(graph: &LayerGraph, name: &str) -> LayerNote {
    let more = |count: usize| (count > 1).then_some(count);
    match graph.find(name).map(|id| &graph.node(id).layer) {
        Some(Layer::Conv(conv)) => {
            let (taps, seen) = (conv.structure.taps, conv.structure.seen);
            LayerNote {
                groups: more(conv.groups),
                taps: (taps != Taps::Square).then(|| taps.to_string()),
                seen: (seen != Seen::ALL).then(|| seen.share()),
                circulant: more(conv.structure.circulant),
                ..LayerNote::default()
            }
        }
        Some(Layer::Dense(dense)) => LayerNote {
            circulant: more(dense.circulant),
            ..LayerNote::default()
        },
        Some(
            Layer::Input(_)
            | Layer::Affine(_)
            | Layer::AveragePool(_)
            | Layer::Sparse(_)
            | Layer::Poly(_)
            | Layer::Clear(_)
            | Layer::Add
            | Layer::Concat,
        )
        | None => LayerNote::default(),
    }
}

/// Why a ring degree does not serve.
enum Obstacle {
    Tensor(Error),
    Modulus(Shortage),
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

/// Makes the decisions: for the smallest secure ring degree, and for the next, which may pack into fewer ciphertexts,
/// at least one structure altogether. A batch fills any number of slots, and an image costs least in the smallest ring.
pub fn decide(task: Task<'_>) -> Result<Vec<Structure>, Error> {
    let options = task.options;
    let mut structures: Vec<Structure> = Vec::new();
    let mut obstacle = None;
    for log_n in 11..=options.max_log_n {
        match at_degree(task, log_n) {
            Ok(found) => {
                let several = |l: &Layout| l.ciphertexts(1 << (log_n - 1)) > 1;
                let split = options.target == Target::Latency && found.layouts.iter().any(several);
                structures.push(found);
                if structures.len() > 1 || !split {
                    break;
                }
            }
            Err(_) if !structures.is_empty() => break,
            // A larger ring holds fewer elements of a batch.
            Err(found @ Obstacle::Tensor(_)) if options.target == Target::Throughput => {
                return Err(explain(found, options));
            }
            Err(found) => obstacle = Some(found),
        }
    }
    match obstacle {
        _ if !structures.is_empty() => Ok(structures),
        Some(obstacle) => Err(explain(obstacle, options)),
        None => options.check().and(Err(Error::Option {
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
        Obstacle::Modulus(Shortage {
            needed: Some(needed),
            levels,
            working: _,
        }) => Error::NoParameters {
            needed,
            levels,
            precision_bits: options.precision_bits,
            security_bits: options.security.bits(),
            limit: options.row().max_log_qp(log_n).unwrap_or(0),
            log_n,
        },
        Obstacle::Modulus(Shortage {
            needed: None,
            levels: _,
            working,
        }) => Error::Precision {
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
    let cheap = possible(net, options, log_n, &guess).map_err(Obstacle::Modulus)?;
    let limbs = cheap[0].chain.primes.len();
    let problem = Problem::new(net, footprints, slots, options, tallies)
        .map_err(|id| Obstacle::Tensor(too_large(net, id, options, slots, limbs)))?;
    let ground = Degree {
        task,
        problem: &problem,
        log_n,
    };
    let (frame, assignment) = ground.settled()?;
    let parameters = frame
        .chain
        .parameters(log_n, options.row())
        .map_err(|error| Obstacle::Other(error.into()))?;
    let price = Price::new(costs, &Ring::of(&parameters)).map_err(Obstacle::Cost)?;
    Ok(Structure {
        cost_us: problem.cost(&assignment, &frame.levels, &price),
        maps_us: problem.maps_us(&assignment, &frame.levels, &price),
        parameters,
        levels: frame.levels,
        precision: frame.precision,
        layouts: net
            .ids()
            .map(|id| problem.layout(&assignment, id).clone())
            .collect(),
        rounded: problem.rounded(&assignment),
    })
}

/// The frames at a ring degree that are worth costing.
fn possible(
    net: &Net,
    options: &Options,
    log_n: u32,
    rounded: &[f64],
) -> Result<Vec<Frame>, Shortage> {
    match options.primes {
        Primes::Fitted => frames(net, options, log_n, rounded),
        Primes::Uniform => uniform::frames(net, options, log_n),
    }
}

/// The choice of frame and layouts at one ring degree.
struct Degree<'a> {
    task: Task<'a>,
    problem: &'a Problem<'a>,
    log_n: u32,
}

/// A frame with its cost under some layouts, in microseconds.
type Costed = (Frame, f64);

/// Levels from whose best frames layouts are sought.
const STARTS: usize = 3;

impl Degree<'_> {
    /// Frame and layouts that are each the cheapest given the other, the cheapest such pair found from several starts:
    /// layouts are cheap or dear by the frame, and the scales of plaintexts, so the frame, follow from the layouts.
    fn settled(&self) -> Result<(Frame, Assignment), Obstacle> {
        let mut best: Option<(Costed, Assignment)> = None;
        let mut starts: Vec<Costed> = Vec::new();
        for (frame, cost) in self.frames(&self.problem.rasters())? {
            if starts.iter().all(|(known, _)| known.levels != frame.levels) {
                starts.push((frame, cost));
            }
        }
        let mut obstacle = None;
        for (mut frame, _) in starts.into_iter().take(STARTS) {
            loop {
                let price = self.price(&frame)?;
                let assignment = self.problem.search(&frame.levels, &price);
                if best.as_ref().is_some_and(|(_, known)| *known == assignment) {
                    break;
                }
                let found = match self.frames(&assignment) {
                    Ok(frames) => frames.into_iter().next(),
                    Err(found) => {
                        obstacle = Some(found);
                        None
                    }
                };
                match found {
                    Some(found) if best.as_ref().is_none_or(|(known, _)| found.1 < known.1) => {
                        frame = found.0.clone();
                        best = Some((found, assignment));
                    }
                    Some(_) | None => break,
                }
            }
        }
        match (best, obstacle) {
            (Some(((frame, _), assignment)), _) => Ok((frame, assignment)),
            (None, Some(obstacle)) => Err(obstacle),
            (None, None) => Err(Obstacle::Modulus(Shortage::default())),
        }
    }

    /// The frames for some layouts, the cheapest first; at least one.
    fn frames(&self, assignment: &Assignment) -> Result<Vec<Costed>, Obstacle> {
        let Task { net, options, .. } = self.task;
        let mut costed = Vec::new();
        let rounded = self.problem.rounded(assignment);
        let found = possible(net, options, self.log_n, &rounded).map_err(Obstacle::Modulus)?;
        for frame in found {
            let price = self.price(&frame)?;
            let cost = self.problem.cost(assignment, &frame.levels, &price);
            costed.push((frame, cost));
        }
        costed.sort_by(|a, b| a.1.total_cmp(&b.1));
        Ok(costed)
    }

    fn price(&self, frame: &Frame) -> Result<Price, Obstacle> {
        let ring = frame.chain.ring(self.log_n);
        Price::new(self.task.costs, &ring).map_err(Obstacle::Cost)
    }
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
