//! From a trial of scheme `tfhe` to an artifact.

use hemet_runtime::calibrate::machine_name;
use hemet_runtime::tfhe::{Encoding, TfheArtifact};
use hemet_schedule::artifact::Manifest;
use hemet_schedule::tfhe::CostTable;
use hemet_search::data;
use hemet_spaces::{Architecture, QuantizedNetwork, Weights};

use crate::error::Error;
use crate::experiment::Experiment;

/// Compiles a found network to an artifact that names what it is; with the figures of the compiler.
pub fn compile(
    experiment: &Experiment,
    architecture: &Architecture,
    weights: &Weights,
    table: &CostTable,
) -> Result<(TfheArtifact, hemet_search::constraint::CostEstimate), Error> {
    let space = experiment.space()?;
    let graph = space.graph(architecture).map_err(Error::user)?;
    let quantization = &experiment.quantize;
    let network = QuantizedNetwork::quantize(&graph, weights, quantization).map_err(Error::user)?;
    let options = experiment.tfhe_options(table.clone());
    let compiled = hemet_compiler::tfhe::compile(&network, &options)
        .map_err(|e| Error::Uncompilable(e.to_string()))?;
    let figures = super::costs::figures(&compiled);
    let source = data::source(&experiment.data.set).map_err(Error::user)?;
    let manifest = Manifest {
        dataset: Some(experiment.data.set.clone()),
        classes: (0..space.classes()).map(|c| c.to_string()).collect(),
        architecture: Some(space.describe(architecture).map_err(Error::user)?),
        normalization: source.about().to_owned(),
        predicted_latency_ms: Some(figures.latency_ms),
        cost_machine: Some(machine_name()),
        ..Manifest::new(&experiment.name)
    };
    let shape = space.input();
    let artifact = TfheArtifact {
        manifest,
        encoding: Encoding {
            shape: [shape.channels, shape.height, shape.width].map(|n| n as u32),
            levels: quantization.input_levels,
            low: quantization.input_low,
            high: quantization.input_high,
            logit_scale: network.logit_scale(),
        },
        schedule: compiled.verified,
    };
    Ok((artifact, figures))
}
