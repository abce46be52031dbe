//! What TFHE operations cost on this machine: measured once on one thread, kept beside the other cost table.

use std::path::Path;

use hemet_compiler::tfhe::{Options, compile};
use hemet_runtime::calibrate::thread_time_us;
use hemet_schedule::tfhe::{CostKind, CostTable, FailureGoal, OutputForm, SetId};
use hemet_search::constraint::CostEstimate;
use hemet_spaces::quantized::Quantization;
use hemet_spaces::{LayerGraph, QuantizedNetwork, Tensor, Weights};
use hemet_tfhe::calibrate::calibrate;

use crate::common;
use crate::error::Error;
use crate::experiment::{Experiment, Output};
use crate::schemes::CostSource;
use crate::schemes::ckks::{costs, known};

/// Parameter sets that networks are compiled for: the dearer ones cost more than five times as much a table.
const SETS: usize = 6;
/// Measurements of each cost, of which the least counts.
const RUNS: usize = 3;

/// The parameter sets that networks are compiled for.
pub fn sets() -> Vec<SetId> {
    SetId::all().take(SETS).collect()
}

/// The compiler's estimate for integer networks, as the search asks for it.
pub struct TfheCosts {
    /// How networks become integers.
    pub quantization: Quantization,
    /// How they are compiled, with the machine's costs.
    pub options: Options,
}

impl TfheCosts {
    /// As the experiment says, or by default where there is none, with a machine's costs.
    pub fn new(experiment: Option<&Experiment>, costs: CostTable) -> Self {
        let default = Options {
            costs,
            sets: sets(),
            ..Options::default()
        };
        let Some(experiment) = experiment else {
            return Self {
                quantization: Quantization::default(),
                options: default,
            };
        };
        let compile = &experiment.compile;
        Self {
            quantization: experiment.quantize.clone(),
            options: Options {
                failure: FailureGoal::Prediction(compile.failure_bits),
                output: match compile.output {
                    Output::Logits => OutputForm::Logits,
                    Output::Label => OutputForm::Label,
                },
                ..default
            },
        }
    }

    /// What a network costs, whatever its weights will be.
    ///
    /// # Errors
    /// A network without an integer form or that no parameter set can run.
    pub fn estimate(&self, graph: &LayerGraph) -> Result<CostEstimate, String> {
        let network = QuantizedNetwork::quantize(graph, &typical(graph), &self.quantization)
            .map_err(|e| e.to_string())?;
        let compiled = compile(&network, &self.options).map_err(|e| e.to_string())?;
        Ok(figures(&compiled))
    }
}

/// Depth, ring degree and key size of a compiled network. The modulus of its ciphertexts is 2^64.
pub fn figures(compiled: &hemet_compiler::tfhe::Compiled) -> CostEstimate {
    let schedule = compiled.verified.schedule();
    let sizes = schedule.bootstrap_sets();
    let largest = sizes.iter().map(|s| s.get().polynomial_size).max();
    CostEstimate {
        depth: compiled.summary.depth as usize,
        latency_ms: compiled.estimate.total_ms,
        log_n: largest.unwrap_or(1).ilog2(),
        log_qp_bits: 64.0,
        key_bytes: compiled.summary.key_bytes,
    }
}

/// Weights of which a third are 0 and the others ±1: what trained ones are like, as far as the range of logits goes.
fn typical(graph: &LayerGraph) -> Weights {
    let mut weights = Weights::default();
    for (id, node) in graph.nodes() {
        for parameter in graph.parameters(id) {
            let data = (0..parameter.len()).map(|i| match parameter.name {
                "weight" => (i % 3) as f32 - 1.0,
                _ => 1.0,
            });
            let tensor = Tensor {
                data: data.collect(),
                shape: parameter.shape,
            };
            weights
                .tensors
                .insert(format!("{}.{}", node.name, parameter.name), tensor);
        }
    }
    weights
}

/// Name of the table in a run folder.
const KEPT: &str = "tfhe_costs.json";

/// The table that a run folder began with; else the user's or this machine's, which the folder then keeps.
pub fn from(source: &CostSource<'_>) -> Result<CostTable, Error> {
    let path = source.run.map(|run| run.root.join(KEPT));
    let table = match (&path, source.given) {
        (Some(path), _) if source.kept_only || path.exists() => return read(path),
        (_, Some(given)) => read(given)?,
        (_, None) => of_this_machine()?,
    };
    if let Some(path) = &path {
        keep(path, &table)?;
    }
    Ok(table)
}

/// Reads a table.
pub fn read(path: &Path) -> Result<CostTable, Error> {
    if known::named(path).is_some() {
        return Err(Error::file(
            path,
            "the tables of named machines are of scheme ckks; give a file, or leave --costs away",
        ));
    }
    let text = std::fs::read_to_string(path).map_err(|e| Error::file(path, e))?;
    serde_json::from_str(&text).map_err(|e| Error::file(path, e))
}

/// Writes a table to `path`, making its folder.
pub fn keep(path: &Path, table: &CostTable) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| Error::file(folder, e))?;
    }
    let json = serde_json::to_vec(table)?;
    Ok(hemet_files::write_atomically(path, &json)?)
}

/// The table of this machine for one thread: the kept one, or measured now and kept.
pub fn of_this_machine() -> Result<CostTable, Error> {
    let path = costs::kept_path().map(|path| path.with_extension("tfhe.json"));
    let complete = |table: &CostTable| {
        let has = |kind: CostKind| table.cost_us(kind).is_ok();
        table.threads == 1 && sets().into_iter().all(|set| has(CostKind::Bootstrap(set)))
    };
    if let Some(table) = path
        .as_deref()
        .and_then(|path| read(path).ok())
        .filter(complete)
    {
        return Ok(table);
    }
    eprintln!("measuring what TFHE costs on one thread of this machine …");
    let table = common::pool(1)?.install(|| calibrate(&sets(), RUNS, thread_time_us))?;
    if let Some(path) = &path {
        keep(path, &table)?;
    }
    Ok(table)
}
