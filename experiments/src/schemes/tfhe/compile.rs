//! From a trial to an artifact under TFHE: the compiler as the search's cost model, and the compilation of a found
//! network.

use hemet_compiler::Target;
use hemet_reports::Table;
use hemet_runtime::calibrate::machine_name;
use hemet_runtime::door::Model;
use hemet_runtime::tfhe::{Encoding, TfheArtifact};
use hemet_search::constraint::CostEstimate;
use hemet_spaces::{LayerGraph, QuantizedNetwork};

use super::costs::{TfheCosts, figures};
use crate::error::Error;
use crate::schemes::{CostNote, Costs, TrainedNetwork};

/// Refuses batches, for which a request has no room.
///
/// # Errors
/// Throughput as the target.
pub fn check_target(target: Target) -> Result<(), Error> {
    match target {
        Target::Latency => Ok(()),
        Target::Throughput => Err(Error::user(
            "--target throughput is for scheme ckks; under tfhe a request takes one image",
        )),
    }
}

impl Costs for TfheCosts {
    /// Spaces refuse layers on the client under this scheme.
    fn estimate(&self, graph: &LayerGraph, _device: usize) -> Result<CostEstimate, String> {
        TfheCosts::estimate(self, graph)
    }

    fn compile(
        &self,
        trained: &TrainedNetwork<'_>,
        target: Target,
    ) -> Result<(Box<dyn Model>, CostEstimate), Error> {
        check_target(target)?;
        let (artifact, figures) = self.artifact(trained)?;
        Ok((Box::new(artifact), figures))
    }

    fn told(
        &self,
        _graph: &LayerGraph,
        _device: usize,
        searched: Option<&CostEstimate>,
    ) -> Result<(String, Option<Table>), Error> {
        let line = searched.map(|cost| {
            format!(
                "Scheme tfhe: ring degree 2^{}, {} bootstraps one after the other, {:.1} MB of evaluation keys.",
                cost.log_n,
                cost.depth,
                cost.key_bytes as f64 / 1e6
            )
        });
        Ok((line.unwrap_or_default(), None))
    }

    fn machine(&self) -> Option<&str> {
        None
    }
}

impl TfheCosts {
    fn artifact(
        &self,
        trained: &TrainedNetwork<'_>,
    ) -> Result<(TfheArtifact, CostEstimate), Error> {
        let experiment = trained.experiment;
        let space = experiment.space()?;
        let graph = space.graph(trained.architecture)?;
        let quantization = &self.quantization;
        let network = QuantizedNetwork::quantize(&graph, trained.weights, quantization)?;
        let compiled = hemet_compiler::tfhe::compile(&network, &self.options)
            .map_err(|e| Error::Uncompilable(e.to_string()))?;
        let figures = figures(&compiled);
        let manifest = trained.manifest(&CostNote {
            latency_ms: figures.latency_ms,
            machine: &machine_name(),
            table: &serde_json::to_string(&self.options.costs)?,
        })?;
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
}
