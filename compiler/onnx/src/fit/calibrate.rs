//! The walk over an imported network: fits activation after activation on what the layers before give.
//!
//! Cost: two evaluations of each input, the network as it was and as fitted, layer by layer; values are dropped once
//! they are read.

use std::collections::HashMap;
use std::ops::Range;

use hemet_spaces::evaluate::LayerEvaluator;
use hemet_spaces::{LayerGraph, NodeId, Tensor, Weights};

use super::report::{self, Outcome, Values};
use super::{Calibration, FitReport, FittedActivation, Pending, least_squares};
use crate::{Error, Imported};

/// The range is widened by this share on both sides, for inputs that calibration did not show.
const MARGIN: f64 = 0.05;
/// Of so many values the range is to hold all: the largest of `n` normal values grows as the root of `ln n`, so the
/// range of fewer samples is widened by the quotient of the roots.
const HELD_VALUES: f64 = 1e4;
/// Half of a range is at least this, so that a channel that never changes has a scale.
const LEAST_HALF_RANGE: f64 = 1e-3;

/// From so many samples of a channel on it has a range and a polynomial of its own.
const SAMPLES_A_CHANNEL: usize = 24;

/// What a layer is to the fitting.
#[derive(Clone, Copy)]
enum Part<'a> {
    Scale,
    Poly(&'a Pending),
}

/// Fills in the coefficients of every pending activation.
pub(crate) fn calibrate(
    imported: &mut Imported,
    pending: &[Pending],
    data: Calibration<'_>,
) -> Result<FitReport, Error> {
    let Imported { graph, weights, .. } = imported;
    let parts = pending.iter().flat_map(|one| {
        [
            (one.scale.as_str(), Part::Scale),
            (one.poly.as_str(), Part::Poly(one)),
        ]
    });
    let parts: HashMap<&str, Part<'_>> = parts.collect();
    let fitted = data.inputs.len() - data.held_out;
    let last_reader = last_readers(graph);
    let mut activations = Vec::new();
    // By layer, then by input.
    let mut values: Vec<Vec<Values>> = Vec::new();
    for (id, node) in graph.nodes() {
        let inputs = graph.inputs(id);
        let before = |of: NodeId| values[of.index()].as_slice();
        let made = match parts.get(node.name.as_str()) {
            Some(Part::Scale) => {
                let x = before(inputs[0]);
                set_ranges(graph, weights, id, &x[..fitted])?;
                // The network as it was has no scale here: its activation reads what this layer reads.
                evaluate(graph, weights, id, &[x], Some(x))?
            }
            Some(Part::Poly(one)) => {
                let t = before(inputs[0]);
                set_polynomial(graph, weights, id, one, &t[..fitted])?;
                let (made, activation) =
                    activate(graph, weights, id, one, Seen { inputs: t, fitted })?;
                activations.push(activation);
                made
            }
            None if inputs.is_empty() => start(graph, data)?,
            None => {
                let inputs: Vec<&[Values]> = inputs.iter().map(|i| before(*i)).collect();
                evaluate(graph, weights, id, &inputs, None)?
            }
        };
        values.push(made);
        for (index, last) in last_reader.iter().enumerate() {
            if *last == id.index() && index != id.index() {
                values[index].clear();
            }
        }
    }
    let outputs = values.pop().unwrap_or_default();
    let measured = match data.held_out {
        0 => 0,
        _ => fitted,
    };
    let labels = data.labels.get(measured..).unwrap_or_default();
    let answer = |values: &[f64]| report::answer(imported.outputs.as_ref(), values);
    Ok(report::of(
        &outputs[measured..],
        activations,
        labels,
        &answer,
    ))
}

/// For each layer the last one that reads it; itself where none does.
fn last_readers(graph: &LayerGraph) -> Vec<usize> {
    let mut last: Vec<usize> = (0..graph.nodes().len()).collect();
    for (id, _) in graph.nodes() {
        for input in graph.inputs(id) {
            last[input.index()] = id.index();
        }
    }
    last
}

fn start(graph: &LayerGraph, data: Calibration<'_>) -> Result<Vec<Values>, Error> {
    let expected = graph.node(graph.input()).shape.len();
    let value = |input: &Vec<f64>| match input.len() == expected {
        true => Ok(Values {
            exact: input.clone(),
            fitted: input.clone(),
        }),
        false => Err(hemet_spaces::Error::InputLength {
            expected,
            found: input.len(),
        }
        .into()),
    };
    data.inputs.iter().map(value).collect()
}

/// A layer's values; `exact` where the network as it was has others.
fn evaluate(
    graph: &LayerGraph,
    weights: &Weights,
    id: NodeId,
    inputs: &[&[Values]],
    exact: Option<&[Values]>,
) -> Result<Vec<Values>, Error> {
    let layer = LayerEvaluator::new(graph, weights, id)?;
    let count = inputs.first().map_or(0, |first| first.len());
    let of_input = |i: usize| {
        let run = |side: fn(&Values) -> &[f64]| {
            let inputs: Vec<&[f64]> = inputs.iter().map(|values| side(&values[i])).collect();
            layer.run(&inputs)
        };
        Values {
            exact: match exact {
                Some(exact) => exact[i].exact.clone(),
                None => run(|v| &v.exact),
            },
            fitted: run(|v| &v.fitted),
        }
    };
    Ok((0..count).map(of_input).collect())
}

/// The elements that channel `channel` of layer `id` is fitted on: its own, or all where the inputs are too few for
/// that.
fn samples(graph: &LayerGraph, id: NodeId, inputs: usize, channel: usize) -> Range<usize> {
    let shape = graph.node(id).shape;
    let len = shape.height * shape.width;
    match inputs * len < SAMPLES_A_CHANNEL {
        true => 0..shape.len(),
        false => channel * len..(channel + 1) * len,
    }
}

/// Sets scale and shift of an Affine layer so that each channel's values fill [−1, 1].
fn set_ranges(
    graph: &LayerGraph,
    weights: &mut Weights,
    id: NodeId,
    x: &[Values],
) -> Result<(), Error> {
    let mut tensors = vec![Vec::new(), Vec::new()];
    for channel in 0..graph.node(id).shape.channels {
        let part = samples(graph, id, x.len(), channel);
        let (low, high) = range(x.iter().flat_map(|values| &values.fitted[part.clone()]));
        let half = ((high - low) / 2.0 * widened(x.len() * part.len())).max(LEAST_HALF_RANGE);
        tensors[0].push((1.0 / half) as f32);
        tensors[1].push((-(low + high) / 2.0 / half) as f32);
    }
    set(graph, weights, id, tensors);
    Ok(())
}

/// What the half of a range that `samples` values fill is multiplied by.
fn widened(samples: usize) -> f64 {
    let few = (HELD_VALUES.ln() / (samples.max(2) as f64).ln()).sqrt();
    (1.0 + MARGIN) * few.max(1.0)
}

fn range<'v>(values: impl Iterator<Item = &'v f64>) -> (f64, f64) {
    let none = (f64::INFINITY, f64::NEG_INFINITY);
    values.fold(none, |(low, high), x| (low.min(*x), high.max(*x)))
}

/// Overwrites the tensors of a layer.
fn set(graph: &LayerGraph, weights: &mut Weights, id: NodeId, tensors: Vec<Vec<f32>>) {
    for (parameter, data) in graph.parameters(id).into_iter().zip(tensors) {
        let name = format!("{}.{}", graph.node(id).name, parameter.name);
        let shape = parameter.shape;
        weights.tensors.insert(name, Tensor { shape, data });
    }
}

/// Scale and shift of each channel of an Affine layer.
fn scales(graph: &LayerGraph, weights: &Weights, id: NodeId) -> Vec<(f64, f64)> {
    let name = &graph.node(id).name;
    let of = |parameter: &hemet_spaces::layer::Parameter| {
        let tensor = weights.tensors.get(&format!("{name}.{}", parameter.name));
        tensor.map_or(&[][..], |tensor| &tensor.data)
    };
    let parameters = graph.parameters(id);
    let (scale, shift) = (of(&parameters[0]), of(&parameters[1]));
    let pairs = scale.iter().zip(shift);
    pairs.map(|(a, b)| (f64::from(*a), f64::from(*b))).collect()
}

/// Fits the polynomial of a Poly layer, which reads a scaled `t` in the fitted network and the unscaled `x` in the
/// other.
fn set_polynomial(
    graph: &LayerGraph,
    weights: &mut Weights,
    id: NodeId,
    pending: &Pending,
    inputs: &[Values],
) -> Result<(), Error> {
    let scales = scales(graph, weights, graph.inputs(id)[0]);
    let degree = graph.parameters(id)[0].shape[1] - 1;
    let mut rows: Vec<Vec<f64>> = Vec::new();
    let mut seen: Option<Range<usize>> = None;
    for (channel, (scale, shift)) in scales.iter().enumerate() {
        let part = samples(graph, id, inputs.len(), channel);
        if seen.as_ref() == Some(&part) && pending.curves.len() == 1 {
            rows.push(rows[0].clone());
            continue;
        }
        let values = inputs
            .iter()
            .flat_map(|values| &values.fitted[part.clone()]);
        let points: Vec<f64> = values.copied().collect();
        let curve = |t: f64| pending.curve(channel).at((t - shift) / scale);
        rows.push(least_squares::fit(degree, &points, curve).ok_or_else(|| {
            let (low, high) = ((-1.0 - shift) / scale, (1.0 - shift) / scale);
            Error::Fit(format!(
                "`{}` computes {}, which is not finite everywhere from {low:.3} to {high:.3}, where channel {channel} lies",
                pending.poly,
                pending.curve(channel)
            ))
        })?);
        seen = Some(part);
    }
    let coefficients = rows.iter().flatten().map(|c| *c as f32).collect();
    set(graph, weights, id, vec![coefficients]);
    Ok(())
}

/// What a layer reads for each input, of which the first so many were fitted on.
#[derive(Clone, Copy)]
struct Seen<'a> {
    inputs: &'a [Values],
    fitted: usize,
}

impl Seen<'_> {
    /// Share of the values of other inputs that lie outside [−1, 1], where polynomials were not fitted.
    fn outside(&self) -> f64 {
        let others = self.inputs[self.fitted..].iter();
        let (mut count, mut outside) = (0usize, 0usize);
        for t in others.flat_map(|values| &values.fitted) {
            count += 1;
            outside += usize::from(t.abs() > 1.0);
        }
        outside as f64 / count.max(1) as f64
    }
}

/// What a fitted Poly layer makes of all inputs, and how near that is to its function.
fn activate(
    graph: &LayerGraph,
    weights: &Weights,
    id: NodeId,
    pending: &Pending,
    seen: Seen<'_>,
) -> Result<(Vec<Values>, FittedActivation), Error> {
    let inputs = seen.inputs;
    let scales = scales(graph, weights, graph.inputs(id)[0]);
    let len = scales.len().max(1);
    let made = evaluate(graph, weights, id, &[inputs], None)?;
    let mut outcome = Outcome::default();
    let finish = |(mut made, before): (Values, &Values)| {
        let channel_len = (made.fitted.len() / len).max(1);
        let exact = before.exact.iter().enumerate();
        made.exact = exact
            .map(|(element, x)| pending.curve(element / channel_len).at(*x))
            .collect();
        for (element, (t, y)) in before.fitted.iter().zip(&made.fitted).enumerate() {
            let (scale, shift) = scales[element / channel_len];
            outcome.add(
                (t - shift) / scale,
                pending.curve(element / channel_len).at((t - shift) / scale),
                *y,
            );
        }
        made
    };
    let made = made.into_iter().zip(inputs).map(finish).collect();
    let activation = FittedActivation {
        layer: pending.poly.clone(),
        degree: graph.parameters(id)[0].shape[1] - 1,
        function: pending.curve(0).to_string(),
        range: outcome.range,
        relative_error: outcome.relative_error(),
        outside: seen.outside(),
    };
    Ok((made, activation))
}
