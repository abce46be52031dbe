//! From a trial to an artifact: the compiler as the search's cost model, and the compilation of a found network.

use std::path::Path;

use hemet_compiler::{Options, Target};
use hemet_schedule::CostTable;
use hemet_schedule::artifact::{Artifact, Manifest};
use hemet_search::constraint::{CostEstimate, CostModel};
use hemet_search::data::{self, Dataset};
use hemet_spaces::{Architecture, LayerGraph, Scheme, Weights};

use crate::error::Error;
use crate::experiment::Experiment;
use crate::schemes::tfhe::costs::TfheCosts;

/// The compiler's estimate with a machine's cost table, as the search asks for it.
pub struct CompilerCosts {
    /// How networks are compiled.
    pub options: Options,
    /// The machine.
    pub table: CostTable,
}

impl CostModel for CompilerCosts {
    fn estimate(&self, graph: &LayerGraph) -> Result<CostEstimate, String> {
        let estimate = hemet_compiler::estimate(graph, &self.options, &self.table)
            .map_err(|e| e.to_string())?;
        Ok(CostEstimate {
            depth: estimate.depth as usize,
            latency_ms: estimate.latency_ms,
            log_n: estimate.log_n,
            log_qp_bits: estimate.log_qp_bits,
            key_bytes: estimate.evaluation_key_bytes,
        })
    }
}

/// The estimates of every scheme that an experiment's space has.
pub struct SchemeCosts {
    /// Of CKKS.
    pub ckks: Option<CompilerCosts>,
    /// Of TFHE.
    pub tfhe: Option<TfheCosts>,
}

impl SchemeCosts {
    /// That there are none of this scheme.
    pub fn missing(scheme: Scheme) -> Error {
        Error::user(format!("there are no costs of scheme {scheme}"))
    }
}

impl CostModel for SchemeCosts {
    fn estimate(&self, graph: &LayerGraph) -> Result<CostEstimate, String> {
        self.estimate_under(Scheme::Ckks, graph)
    }

    fn estimate_under(&self, scheme: Scheme, graph: &LayerGraph) -> Result<CostEstimate, String> {
        match (scheme, &self.ckks, &self.tfhe) {
            (Scheme::Ckks, Some(costs), _) => costs.estimate(graph),
            (Scheme::Tfhe, _, Some(costs)) => costs.estimate(graph),
            _ => Err(format!("scheme {scheme} is none of this space's")),
        }
    }
}

/// The images that a found network's scales are made for: the first of the training set, as many as the compiler looks at.
pub fn samples(train: &Dataset) -> Vec<Vec<f64>> {
    let image = |index| train.image(index).iter().map(|v| f64::from(*v)).collect();
    (0..train.len().min(hemet_compiler::SAMPLES))
        .map(image)
        .collect()
}

/// Compiles a found network to an artifact that names what it is, for images such as `samples`.
pub fn compile(
    experiment: &Experiment,
    architecture: &Architecture,
    weights: &Weights,
    samples: &[Vec<f64>],
    (table, target): (&CostTable, Target),
) -> Result<Artifact, Error> {
    let space = experiment.space()?;
    let graph = space.graph(architecture).map_err(Error::user)?;
    let options = Options {
        target,
        ..experiment.compile_options()?
    };
    let compiled = hemet_compiler::compile_for(samples, &graph, weights, &options, table);
    let (compiled, estimate) = compiled.map_err(|e| Error::Uncompilable(e.to_string()))?;
    let source = data::source(&experiment.data.set).map_err(Error::user)?;
    let manifest = Manifest {
        dataset: Some(experiment.data.set.clone()),
        classes: (0..space.classes()).map(|c| c.to_string()).collect(),
        architecture: Some(space.describe(architecture).map_err(Error::user)?),
        normalization: source.about().to_owned(),
        predicted_latency_ms: Some(estimate.latency_ms),
        layers: estimate.layers,
        cost_machine: Some(table.machine.clone()),
        ..Manifest::new(&experiment.name)
    };
    Ok(Artifact::new(manifest, compiled))
}

/// Reads a network's weights from a safetensors file and checks that they fit.
pub fn read_weights(path: &Path, graph: &LayerGraph) -> Result<Weights, Error> {
    let bytes = std::fs::read(path).map_err(|e| Error::file(path, e))?;
    let weights = Weights::from_safetensors(&bytes).map_err(|e| Error::file(path, e))?;
    weights.check(graph).map_err(|e| Error::file(path, e))?;
    Ok(weights)
}
