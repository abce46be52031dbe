//! From a trial to an artifact under CKKS: the compiler as the search's cost model, and the compilation of a found
//! network.

use std::borrow::Cow;
use std::sync::Arc;

use hemet_compiler::passes::device;
use hemet_compiler::{Options, Target};
use hemet_reports::Table;
use hemet_runtime::door::Model;
use hemet_schedule::Sharing;
use hemet_schedule::artifact::{Artifact, Manifest};
use hemet_schedule::{CostTable, DeviceNote, DevicePart, InputTransform, Promise, Verified};
use hemet_search::constraint::{CostEstimate, CostModel};
use hemet_spaces::{LayerGraph, Weights};

use super::layers;
use crate::error::Error;
use crate::experiment::Deploy;
use crate::run::prefix::Prefix;
use crate::schemes::{CostNote, Costs, TrainedNetwork};

/// Deviations that a promised error stands for, at least.
const PROMISE_DEVIATIONS: f64 = 3.0;

/// What an artifact says where `results` results may be shown: their noise must hide the largest errors.
pub fn sharing(results: Option<u64>, promise: &Promise) -> Option<Sharing> {
    let error = promise.largest_error() / PROMISE_DEVIATIONS;
    results.map(|results| Sharing { results, error })
}

/// The compiler's estimate with a machine's cost table, as the search asks for it.
pub struct CompilerCosts {
    /// How networks are compiled.
    pub options: Options,
    /// What clients run, where the experiment says it.
    pub deploy: Deploy,
    /// Most multiplications of it.
    pub max_device_products: Option<u64>,
    /// The machine.
    pub table: CostTable,
}

impl CostModel for CompilerCosts {
    fn estimate(&self, graph: &LayerGraph) -> Result<CostEstimate, String> {
        Costs::estimate(self, graph, 0)
    }
}

impl CompilerCosts {
    /// What of a network runs encrypted behind so many layers, unless the experiment says another number.
    fn encrypted<'a>(
        &self,
        graph: &'a LayerGraph,
        layers: usize,
    ) -> Result<Cow<'a, LayerGraph>, String> {
        let wrong = |e: hemet_compiler::Error| e.to_string();
        if self.deploy.prefix.is_some() {
            return device::unscaled(graph).map(Cow::Owned).map_err(wrong);
        }
        let layers = self.deploy.device_layers.unwrap_or(layers);
        if layers == 0 {
            return Ok(Cow::Borrowed(graph));
        }
        let cut = graph.cut_of(layers).map_err(|e| e.to_string())?;
        let products = graph.halves(cut).map_err(|e| e.to_string())?.prefix;
        let products = products.statistics().macs;
        match self.max_device_products {
            Some(most) if products > most => {
                Err(format!("device_products {products} exceeds {most}"))
            }
            Some(_) | None => device::tail(graph, cut).map(Cow::Owned).map_err(wrong),
        }
    }
}

/// A network that is to be compiled, behind the layers that run on a device where there are some.
pub struct Front<'a> {
    /// What is compiled.
    pub graph: Cow<'a, LayerGraph>,
    /// Its weights.
    pub weights: Cow<'a, Weights>,
    /// Its inputs.
    pub samples: Vec<Vec<f64>>,
    /// What the client runs, and what the artifact says of it.
    pub device: Option<(Arc<DevicePart>, DeviceNote)>,
}

impl<'a> Front<'a> {
    /// The whole network.
    pub fn whole(graph: &'a LayerGraph, weights: &'a Weights, samples: Vec<Vec<f64>>) -> Self {
        Self {
            graph: Cow::Borrowed(graph),
            weights: Cow::Borrowed(weights),
            samples,
            device: None,
        }
    }

    /// The network behind its first convolutions and dense layers, `layers` of them; the whole where that is 0.
    ///
    /// # Errors
    /// Where it cannot be cut there, with the numbers that are possible; no samples.
    pub fn behind(
        self,
        layers: usize,
        license: Option<String>,
    ) -> Result<Self, hemet_compiler::Error> {
        if layers == 0 {
            return Ok(self);
        }
        let cut = self.graph.cut_of(layers)?;
        let cutting = device::cut(&self.graph, &self.weights, cut, &self.samples)?;
        Ok(self.cut(cutting, layers, license))
    }

    /// The network behind a public one, which gives what it takes; samples are what that takes.
    ///
    /// # Errors
    /// Networks that do not go together; no samples.
    pub fn behind_public(
        self,
        prefix: &Prefix,
        license: Option<String>,
    ) -> Result<Self, hemet_compiler::Error> {
        let front = device::Trained {
            graph: &prefix.graph,
            weights: &prefix.weights,
        };
        let back = device::Trained {
            graph: &self.graph,
            weights: &self.weights,
        };
        let cutting = device::behind(&front, &back, &self.samples)?;
        Ok(self.cut(cutting, prefix.graph.products(), license))
    }

    fn cut(self, cutting: device::Cutting, layers: usize, license: Option<String>) -> Self {
        let note = DeviceNote {
            layers,
            products: cutting.part.products(),
            input: cutting.part.input(),
            input_range: input_range(&self.samples, None),
            license,
            part: cutting.part.id(),
        };
        Self {
            graph: Cow::Owned(cutting.tail),
            weights: Cow::Owned(cutting.weights),
            samples: cutting.features,
            device: Some((Arc::new(cutting.part), note)),
        }
    }

    /// The artifact with what the client runs.
    pub fn artifact(&self, manifest: Manifest, schedule: Verified) -> Artifact {
        let (part, note) = self.device.clone().unzip();
        let manifest = Manifest {
            device: note,
            ..manifest
        };
        Artifact {
            device: part,
            ..Artifact::new(manifest, schedule)
        }
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
    fn estimate(&self, graph: &LayerGraph, device_layers: usize) -> Result<CostEstimate, String> {
        let graph = self.encrypted(graph, device_layers)?;
        let estimate = hemet_compiler::estimate(&graph, &self.options, &self.table);
        estimate.map(|e| figures(&e)).map_err(|e| e.to_string())
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
        let uncompilable = |e: hemet_compiler::Error| Error::Uncompilable(e.to_string());
        let layers = space.placement(trained.architecture).device_layers;
        let layers = experiment.deploy.device_layers.unwrap_or(layers);
        if layers > 0 {
            // Where it cannot be cut is the user's choice, and no fault of the network.
            graph.cut_of(layers).map_err(Error::user)?;
        }
        let front = Front::whole(&graph, trained.weights, (trained.samples)()?);
        let license = experiment.card.license.clone();
        let front = match Prefix::of(experiment)? {
            Some(prefix) => front.behind_public(&prefix, license),
            None => front.behind(layers, license),
        };
        let front = front.map_err(uncompilable)?;
        let fitted = options.fit_activation(&front.graph, &front.weights);
        fitted.map_err(uncompilable)?;
        let (samples, table) = (&front.samples, &self.table);
        let compiled =
            hemet_compiler::compile_for(samples, &front.graph, &front.weights, &options, table);
        let compiled = compiled.map_err(uncompilable)?;
        let estimate = compiled.estimate;
        let figures = figures(&estimate);
        let manifest = Manifest {
            serving: Some(estimate.serving),
            layers: estimate.layers,
            input_range: input_range(samples, compiled.input_transform.as_ref()),
            input_transform: compiled.input_transform,
            sharing: sharing(experiment.compile.share_results, &compiled.promise),
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
            Box::new(front.artifact(manifest, compiled.schedule)),
            figures,
        ))
    }

    fn told(
        &self,
        graph: &LayerGraph,
        device_layers: usize,
        _searched: Option<&CostEstimate>,
    ) -> Result<(String, Option<Table>), Error> {
        let graph = self.encrypted(graph, device_layers).map_err(Error::user)?;
        let estimate = hemet_compiler::estimate(&graph, &self.options, &self.table);
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
