//! From a trial to an artifact under CKKS: the compiler as the search's cost model, and the compilation of a found
//! network.

use hemet_compiler::{Options, Target};
use hemet_reports::Table;
use hemet_runtime::door::Model;
use hemet_schedule::Sharing;
use hemet_schedule::artifact::{Artifact, Manifest};
use hemet_schedule::{CostTable, InputTransform};
use hemet_search::constraint::{CostEstimate, CostModel};
use hemet_spaces::LayerGraph;

use super::layers;
use crate::error::Error;
use crate::schemes::{CostNote, Costs, TrainedNetwork};

/// Deviations that a promised error stands for, at least.
const PROMISE_DEVIATIONS: f64 = 3.0;

/// What an artifact says where `results` results may be shown, of ciphertexts whose errors are promised to be within
/// `error`.
pub fn sharing(results: Option<u64>, error: f64) -> Option<Sharing> {
    let error = error / PROMISE_DEVIATIONS;
    results.map(|results| Sharing { results, error })
}

/// The compiler's estimate with a machine's cost table, as the search asks for it.
pub struct CompilerCosts {
    /// How networks are compiled.
    pub options: Options,
    /// The machine.
    pub table: CostTable,
}

impl CostModel for CompilerCosts {
    fn estimate(&self, graph: &LayerGraph) -> Result<CostEstimate, String> {
        let estimate = hemet_compiler::estimate(graph, &self.options, &self.table);
        estimate.map(|e| figures(&e)).map_err(|e| e.to_string())
    }
}

fn figures(estimate: &hemet_compiler::Estimate) -> CostEstimate {
    CostEstimate {
        depth: estimate.depth as usize,
        latency_ms: estimate.latency_ms,
        log_n: estimate.log_n,
        log_qp_bits: estimate.log_qp_bits,
        key_bytes: estimate.evaluation_key_bytes,
    }
}

/// The numbers that inputs such as these may hold: from the least to the greatest that was seen, and half as much
/// again beyond either end, after the client's transform. None where there are no samples, or all numbers are the
/// same.
pub fn input_range(samples: &[Vec<f64>], transform: Option<&InputTransform>) -> Option<[f64; 2]> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for sample in samples {
        let transformed = transform.map(|transform| transform.apply(sample));
        for number in transformed.as_ref().unwrap_or(sample) {
            (low, high) = (low.min(*number), high.max(*number));
        }
    }
    let margin = (high - low) / 2.0;
    (margin.is_finite() && margin > 0.0).then_some([low - margin, high + margin])
}

impl Costs for CompilerCosts {
    fn estimate(&self, graph: &LayerGraph) -> Result<CostEstimate, String> {
        CostModel::estimate(self, graph)
    }

    fn compile(
        &self,
        trained: &TrainedNetwork<'_>,
        target: Target,
    ) -> Result<(Box<dyn Model>, CostEstimate), Error> {
        let experiment = trained.experiment;
        let space = experiment.space()?;
        let graph = space.graph(trained.architecture)?;
        let mut options = Options {
            target,
            like: trained.like.cloned(),
            // Other trainings may have kept quadratics within more than this one.
            max_shift: Options::default().max_shift,
            ..self.options.clone()
        };
        let fitted = options.fit_activation(&graph, trained.weights);
        fitted.map_err(|e| Error::Uncompilable(e.to_string()))?;
        let (samples, table) = ((trained.samples)()?, &self.table);
        let compiled =
            hemet_compiler::compile_for(&samples, &graph, trained.weights, &options, table);
        let compiled = compiled.map_err(|e| Error::Uncompilable(e.to_string()))?;
        let estimate = compiled.estimate;
        let figures = figures(&estimate);
        let manifest = Manifest {
            layers: estimate.layers,
            input_range: input_range(&samples, compiled.input_transform.as_ref()),
            input_transform: compiled.input_transform,
            sharing: sharing(experiment.compile.share_results, compiled.promise.error),
            promise: Some(compiled.promise),
            fitted: Some(compiled.fitted),
            agreement: compiled.agreement,
            keys: compiled.keys,
            ..trained.manifest(&CostNote {
                latency_ms: estimate.latency_ms,
                machine: &table.machine,
                table: &table.to_json(),
            })?
        };
        Ok((
            Box::new(Artifact::new(manifest, compiled.schedule)),
            figures,
        ))
    }

    fn told(
        &self,
        graph: &LayerGraph,
        _searched: Option<&CostEstimate>,
    ) -> Result<(String, Option<Table>), Error> {
        let estimate = hemet_compiler::estimate(graph, &self.options, &self.table);
        let estimate = estimate?;
        let line = format!(
            "Ring degree 2^{}, log2(QP) {:.0} bits, {} bits of security, depth {}, {:.1} MB of evaluation keys.",
            estimate.log_n,
            estimate.log_qp_bits,
            estimate.security_bits,
            estimate.depth,
            estimate.evaluation_key_bytes as f64 / 1e6
        );
        let table = layers::table(&estimate)?;
        Ok((line, Some(table)))
    }

    fn machine(&self) -> Option<&str> {
        Some(&self.table.machine)
    }
}
