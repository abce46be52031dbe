//! The errors of an artifact on new images, against what it promises.

use hemet::error::Error;
use hemet_compiler::Compiled;
use hemet_runtime::door::Model;
use hemet_runtime::{Client, Server, unobserved};
use hemet_schedule::{Artifact, Manifest};
use hemet_search::data::Dataset;
use hemet_spaces::evaluate::evaluate;
use rayon::prelude::*;

use crate::common::run_noisy;
use crate::images;
use crate::trained::Network;

/// Images that the most sensitive ones are chosen from.
const CHOICE: usize = 1000;
/// By how much pixels are changed, and how often.
const CHANGE: f64 = 1e-4;
const CHANGES: u64 = 4;

/// Test images, the most sensitive first (half of them), then the first others.
pub fn most_telling(
    network: &Network,
    set: &Dataset,
    count: usize,
) -> Result<Vec<Vec<f64>>, Error> {
    let all = images::some(set, CHOICE);
    let sensitivities = all.par_iter().map(|x| sensitivity(network, x));
    let sensitivities: Vec<f64> = sensitivities.collect::<Result<_, _>>()?;
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|a, b| sensitivities[*b].total_cmp(&sensitivities[*a]));
    let half = count.min(all.len()) / 2;
    order[half..].sort();
    let chosen = order.iter().take(count);
    Ok(chosen.map(|index| all[*index].clone()).collect())
}

/// How much logits change with the pixels.
fn sensitivity(network: &Network, x: &[f64]) -> Result<f64, Error> {
    let logits = |x: &[f64]| evaluate(&network.graph, &network.weights, x);
    let clear = logits(x)?;
    let mut sum = 0.0;
    for change in 0..CHANGES {
        let sign = |e: usize| ((e as u64 * 2_654_435_761 + change * 40_503) >> 7) % 2;
        let moved = x.iter().enumerate();
        let moved: Vec<f64> = moved
            .map(|(e, x)| x + CHANGE * (2.0 * sign(e) as f64 - 1.0))
            .collect();
        let changes = logits(&moved)?;
        let changes = changes.iter().zip(&clear).map(|(a, b)| (a - b).powi(2));
        sum += changes.sum::<f64>();
    }
    Ok(sum)
}

/// A compiled network with inputs.
pub struct Trial<'a> {
    /// As it was trained.
    pub network: &'a Network,
    /// As it was compiled.
    pub compiled: &'a Compiled,
    /// New inputs.
    pub inputs: &'a [Vec<f64>],
}

/// The largest errors as shares of the promise, over the answers that it is made for.
#[derive(Clone, Copy, Default)]
pub struct Measured {
    /// With errors drawn in floats.
    pub drawn: f64,
    /// Under encryption.
    pub encrypted: f64,
    /// Inputs whose answer is marked as not to be trusted.
    pub marked: usize,
}

impl Trial<'_> {
    /// Measures on all inputs, and the first `encrypted` ones under encryption.
    pub fn measure(&self, encrypted: usize) -> Result<Measured, Error> {
        let (graph, weights) = (&self.network.graph, &self.network.weights);
        let wanted = self.inputs.par_iter().map(|x| evaluate(graph, weights, x));
        let wanted: Vec<Vec<f64>> = wanted.collect::<Result<_, _>>()?;
        let squares: f64 = wanted.iter().flatten().map(|v| v * v).sum();
        let size = (squares / (wanted.len() * wanted[0].len()) as f64).sqrt();
        let schedule = &self.compiled.schedule;
        let bits = f64::from(schedule.header.precision_bits);
        let promise = self.compiled.promise.error;
        let promise = promise.min((-bits).exp2() * size.max(1.0));
        let share = |found: &[f64], wanted: &[f64]| {
            let errors = found.iter().zip(wanted).map(|(f, w)| (f - w).abs());
            errors.fold(0.0, f64::max) / promise
        };
        let trusted = self
            .compiled
            .promise
            .trusted_output
            .unwrap_or(f64::INFINITY);
        let is_marked = |found: &[f64]| !found.iter().all(|x| x.abs() <= trusted);
        let drawn = |(seed, (x, wanted)): (usize, (&Vec<f64>, &Vec<f64>))| {
            let found = run_noisy(schedule, &self.prepared(x), seed as u64);
            match is_marked(&found) {
                true => (0.0, 1),
                false => (share(&found, wanted), 0),
            }
        };
        let pairs = self.inputs.par_iter().zip(&wanted).enumerate();
        let both = |a: (f64, usize), b: (f64, usize)| (a.0.max(b.0), a.1 + b.1);
        let (drawn, marked) = pairs.map(drawn).reduce(|| (0.0, 0), both);
        let mut measured = Measured {
            drawn,
            marked,
            ..Measured::default()
        };
        if encrypted > 0 {
            let manifest = Manifest {
                input_transform: self.compiled.input_transform.clone(),
                ..Manifest::new("promises")
            };
            let artifact = Artifact::new(manifest, schedule.clone());
            let (client, keys) = Client::generate(artifact.spec()?)?;
            let server = Server::new(Box::new(artifact))?;
            let keys = server.keys(&keys)?;
            for (x, wanted) in self.inputs.iter().zip(&wanted).take(encrypted) {
                let response = server.answer(&keys, &client.encrypt(x)?, &mut unobserved)?;
                let found = client.decrypt(&response)?.logits();
                if !is_marked(&found) {
                    measured.encrypted = measured.encrypted.max(share(&found, wanted));
                }
            }
        }
        Ok(measured)
    }

    fn prepared(&self, x: &[f64]) -> Vec<f64> {
        match &self.compiled.input_transform {
            Some(transform) => transform.apply(x),
            None => x.to_vec(),
        }
    }
}
