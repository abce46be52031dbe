//! How well the cost model predicts under TFHE, and how far from the machine's bound a prediction is: compiles networks
//! of many kinds, runs them encrypted, compares predicted with measured latency and with what their bootstraps alone
//! take in a loop of the crate `tfhe`.
//!
//! `cargo run --release -p hemet --example tfhe_cost_model -- OUT [--networks 20] [--costs FILE]` writes
//! OUT/tfhe_cost_model.{svg,png,csv} and prints the errors and the bounds. Predictions are from the cost table of this
//! machine, which knows nothing of these networks; measured is what one thread computes for a request (the least of
//! five runs). Every result is compared with the integer network's; a difference ends the study.

mod predicted;

use std::path::PathBuf;

use clap::Parser;
use hemet::cli::progress::Progress;
use hemet::common;
use hemet::error::Error;
use hemet::schemes::session::Session;
use hemet::schemes::tfhe::bound::LibraryTimes;
use hemet::schemes::tfhe::costs;
use hemet_compiler::tfhe::{Compiled, Options, compile};
use hemet_reports::{Cell, Column};
use hemet_runtime::calibrate::machine_name;
use hemet_runtime::tfhe::{Encoding, TfheArtifact};
use hemet_schedule::artifact::Manifest;
use hemet_schedule::tfhe::{CostTable, FailureGoal, OutputForm};
use hemet_search::Seed;
use hemet_spaces::layer::{Affine, AveragePool, Conv, Dense, Poly, Window};
use hemet_spaces::quantized::{Quantization, TableFunction};
use hemet_spaces::{Layer, LayerGraph, NodeId, QuantizedNetwork, Shape, Weights};
use predicted::{Figure, Study};

#[derive(Parser)]
struct Args {
    /// Folder for plot and table
    out: PathBuf,
    /// How many networks
    #[arg(long, default_value_t = 20)]
    networks: usize,
    /// Cost table for one thread; without it, that of this machine
    #[arg(long)]
    costs: Option<PathBuf>,
}

fn main() -> std::process::ExitCode {
    hemet::common::exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), Error> {
    std::fs::create_dir_all(&args.out).map_err(|e| Error::file(&args.out, e))?;
    let table = match &args.costs {
        Some(path) => costs::read(path)?,
        None => costs::of_this_machine()?,
    };
    let mut times = LibraryTimes::default();
    let (mut figures, mut shares) = (Vec::new(), Vec::new());
    let mut progress = Progress::new("networks", args.networks as u64, false);
    for index in 0..args.networks {
        let kind = &KINDS[index % KINDS.len()];
        let width = kind.width + kind.step * (index / KINDS.len());
        progress.set(index as u64, &format!("{} of {width}", kind.name));
        let (figure, share) = measure(kind, width, &table, &mut times)?;
        figures.push(figure);
        shares.push(share);
    }
    progress.finish();
    let study = Study {
        subtitle: format!("TFHE, one thread, {}", machine_name()),
        tolerance: 0.1,
        columns: vec![
            Column::words("kind", "kind"),
            Column::numbers("width", "width", ""),
            Column::words("sets", "parameter sets"),
            Column::numbers("bootstraps", "bootstraps", ""),
            Column::numbers("bound_ms", "bound", "ms"),
        ],
        file: "tfhe_cost_model",
    };
    study.write(&args.out, &figures)?;
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    let (least, most) = (
        shares.iter().copied().fold(f64::INFINITY, f64::min),
        shares.iter().copied().fold(0.0, f64::max),
    );
    println!("measured / bound       {mean:.3} in the mean, {least:.3} to {most:.3}");
    Ok(())
}

/// Networks of one kind, of which the width varies.
struct Kind {
    name: &'static str,
    /// The input, channels first.
    shape: [usize; 3],
    /// Width of the first network.
    width: usize,
    /// By how much the next one is wider.
    step: usize,
    classes: usize,
    /// The body up to the head, for a width.
    body: fn(&mut Draft, NodeId, usize) -> Result<NodeId, Error>,
    /// How it differs from the usual quantization.
    quantize: fn(&mut Quantization),
    output: OutputForm,
    failure: FailureGoal,
}

const DENSE: Kind = Kind {
    name: "dense",
    shape: [1, 8, 8],
    width: 24,
    step: 24,
    classes: 10,
    body: |d, x, width| d.dense(x, width),
    quantize: |_| (),
    output: OutputForm::Logits,
    failure: FailureGoal::Prediction(40),
};

const KINDS: [Kind; 12] = [
    DENSE,
    Kind {
        name: "three dense layers",
        width: 12,
        step: 8,
        body: |d, x, width| (0..3).try_fold(x, |x, _| d.dense(x, width)),
        ..DENSE
    },
    Kind {
        name: "tables of 26 boxes",
        width: 20,
        step: 20,
        quantize: |q| q.boxes = 26,
        ..DENSE
    },
    Kind {
        name: "a bit rounded off",
        width: 12,
        step: 8,
        body: |d, x, width| (0..2).try_fold(x, |x, _| d.dense(x, width)),
        quantize: |q| (q.boxes, q.rounding) = (8, 1),
        ..DENSE
    },
    Kind {
        name: "two bits rounded off",
        width: 8,
        step: 8,
        quantize: |q| (q.boxes, q.rounding) = (8, 2),
        ..DENSE
    },
    Kind {
        name: "weights of 3 bits",
        width: 16,
        step: 16,
        quantize: |q| (q.weight_bits, q.activation_bits, q.boxes) = (3, 2, 20),
        ..DENSE
    },
    Kind {
        name: "signs",
        width: 32,
        step: 32,
        quantize: |q| {
            (q.input_levels, q.weight_bits, q.activation_bits) = (2, 1, 1);
            q.activation = TableFunction::Sign;
        },
        ..DENSE
    },
    Kind {
        name: "strided convolution",
        width: 2,
        step: 1,
        body: |d, x, width| d.conv(x, width, 2),
        ..DENSE
    },
    Kind {
        name: "convolution, pool, dense layer",
        shape: [1, 6, 6],
        width: 1,
        step: 1,
        body: |d, x, width| {
            let x = d.conv(x, width, 1)?;
            let x = d.pool(x)?;
            d.dense(x, 8)
        },
        ..DENSE
    },
    Kind {
        name: "residual",
        width: 16,
        step: 8,
        body: |d, x, width| {
            let x = d.dense(x, width)?;
            let y = d.dense(x, width)?;
            d.add(Layer::Add, &[x, y])
        },
        ..DENSE
    },
    Kind {
        name: "label of four classes",
        width: 12,
        step: 12,
        classes: 4,
        output: OutputForm::Label,
        ..DENSE
    },
    Kind {
        name: "2^-128 for each bootstrap",
        width: 20,
        step: 12,
        failure: FailureGoal::Bootstrap(128),
        ..DENSE
    },
];

/// A graph in the making.
struct Draft {
    graph: LayerGraph,
    layers: usize,
}

impl Draft {
    fn add(&mut self, layer: Layer, inputs: &[NodeId]) -> Result<NodeId, Error> {
        self.layers += 1;
        let name = format!("layer{}", self.layers);
        self.graph.add(name, layer, inputs).map_err(Error::user)
    }

    fn dense(&mut self, x: NodeId, out_features: usize) -> Result<NodeId, Error> {
        let dense = Dense {
            out_features,
            bias: false,
            circulant: 1,
        };
        let x = self.add(Layer::Dense(dense), &[x])?;
        self.activation(x)
    }

    fn conv(&mut self, x: NodeId, channels: usize, stride: usize) -> Result<NodeId, Error> {
        let conv = Conv {
            window: Window::square(3, stride, 1),
            ..Conv::same(channels, 3)
        };
        let x = self.add(Layer::Conv(conv), &[x])?;
        self.activation(x)
    }

    fn pool(&mut self, x: NodeId) -> Result<NodeId, Error> {
        let pool = AveragePool::square(2, 2);
        self.add(Layer::AveragePool(pool), &[x])
    }

    /// Norm and activation, whose place under TFHE a table takes.
    fn activation(&mut self, x: NodeId) -> Result<NodeId, Error> {
        let x = self.add(Layer::Affine(Affine), &[x])?;
        let poly = Poly {
            degree: 2,
            per_channel: true,
        };
        self.add(Layer::Poly(poly), &[x])
    }
}

fn network(kind: &Kind, width: usize) -> Result<(QuantizedNetwork, Quantization), Error> {
    let [channels, height, columns] = kind.shape;
    let graph = LayerGraph::new(Shape::new(channels, height, columns)).map_err(Error::user)?;
    let input = graph.input();
    let mut draft = Draft { graph, layers: 0 };
    let body = (kind.body)(&mut draft, input, width)?;
    let head = Dense {
        out_features: kind.classes,
        bias: true,
        circulant: 1,
    };
    draft.add(Layer::Dense(head), &[body])?;
    let mut quantization = Quantization::default();
    (kind.quantize)(&mut quantization);
    let weights = weights(
        &draft.graph,
        &quantization,
        &format!("{}/{width}", kind.name),
    );
    let network = QuantizedNetwork::quantize(&draft.graph, &weights, &quantization);
    Ok((network.map_err(Error::user)?, quantization))
}

/// Random integers, and norms that change nothing. With a pattern instead, sums of equal ciphertexts may cancel, and
/// what is left encrypts nothing and bootstraps in no time.
fn weights(graph: &LayerGraph, quantization: &Quantization, name: &str) -> Weights {
    let mut weights = Weights::random(graph, &mut Seed::new(1).derive(name).rng());
    let limit = quantization.weight_limit() as f32;
    for (name, tensor) in &mut weights.tensors {
        let largest = tensor.data.iter().fold(0.0f32, |a, w| a.max(w.abs()));
        for weight in &mut tensor.data {
            *weight = match name.ends_with(".weight") && largest > 0.0 {
                true => *weight / largest * (limit + 0.4),
                false => 1.0,
            };
        }
    }
    weights
}

/// Compiles a network, runs it encrypted; with its measured latency as a multiple of the bound.
fn measure(
    kind: &Kind,
    width: usize,
    table: &CostTable,
    times: &mut LibraryTimes,
) -> Result<(Figure, f64), Error> {
    let (network, quantization) = network(kind, width)?;
    let options = Options {
        failure: kind.failure,
        output: kind.output,
        costs: table.clone(),
        sets: costs::sets(),
    };
    let compiled = compile(&network, &options).map_err(Error::user)?;
    let (summary, predicted_ms) = (compiled.summary.clone(), compiled.estimate.total_ms);
    let (measured_ms, bound_ms) = common::pool(1)?.install(|| -> Result<_, Error> {
        let measured_ms = least_ms(kind, artifact(kind, compiled, &network, &quantization))?;
        Ok((measured_ms, times.bound_ms(&summary, 1)?))
    })?;
    let sets: Vec<&str> = summary.bootstraps.keys().map(String::as_str).collect();
    let figure = Figure {
        series: sets.join(" "),
        what: vec![
            Cell::from(kind.name),
            Cell::Whole(width as i64),
            Cell::from(sets.join(" ")),
            Cell::Whole(summary.total_bootstraps() as i64),
            Cell::Milliseconds(bound_ms),
        ],
        predicted_ms,
        measured_ms,
    };
    Ok((figure, measured_ms / bound_ms))
}

fn artifact(
    kind: &Kind,
    compiled: Compiled,
    network: &QuantizedNetwork,
    quantization: &Quantization,
) -> TfheArtifact {
    TfheArtifact {
        manifest: Manifest {
            classes: (0..kind.classes).map(|c| c.to_string()).collect(),
            ..Manifest::new(kind.name)
        },
        encoding: Encoding {
            shape: kind.shape.map(|n| n as u32),
            levels: quantization.input_levels,
            low: quantization.input_low,
            high: quantization.input_high,
            logit_scale: network.logit_scale(),
        },
        schedule: compiled.verified,
    }
}

/// The least of five predictions after one untimed; an error where a result differs from the integer network's.
fn least_ms(kind: &Kind, artifact: TfheArtifact) -> Result<f64, Error> {
    let len = artifact.encoding.len();
    let session = Session::new(Box::new(artifact))?;
    let mut least = f64::INFINITY;
    for run in 0..6 {
        let image: Vec<f64> = (0..len).map(|i| ((i * 7 + run) % 5) as f64 / 4.0).collect();
        let prediction = session.predict(&image)?;
        if prediction.error() > 0.0 {
            let name = kind.name;
            return Err(Error::Check(format!(
                "`{name}`: an encrypted result differs from the integer network's by {}",
                prediction.error()
            )));
        }
        if run > 0 {
            least = least.min(prediction.computed_ms);
        }
    }
    Ok(least)
}
