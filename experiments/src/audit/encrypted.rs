//! Features that are handed over encrypted: an attacker who has ciphertexts, as a control of the attacks.

use hemet_compiler::Options;
use hemet_runtime::Client;
use hemet_runtime::door::Model;
use hemet_schedule::artifact::{Artifact, Manifest};
use hemet_search::audit::{Place, Reached};
use hemet_search::data::Dataset;
use hemet_search::train::Part;
use hemet_spaces::Weights;

use super::subject::Subject;
use crate::error::Error;

/// Numbers that the control's attacker takes of a ciphertext: so many of its bytes, spread evenly.
pub const NUMBERS: usize = 1024;
/// Room above the largest feature that was seen.
const ROOM: f64 = 1.5;

/// An attacker who learned from ciphertexts.
pub struct Control {
    /// The layer behind which features are handed over.
    pub place: String,
    /// Pairs of a ciphertext and a picture that the attacker learned from.
    pub pairs: usize,
    /// Numbers of each ciphertext.
    pub numbers: usize,
    /// Accuracy of the network, which encryption does not change but for its noise.
    pub accuracy: f64,
    /// What the attacker reached.
    pub reached: Reached,
}

/// Numbers of the ciphertexts of features behind a place: of the attacker's own pictures, then of those that are to be
/// reconstructed, all under one fresh key that the attacker has not. [`NUMBERS`] of each, from −1 to 1.
///
/// # Errors
/// A rest that cannot be compiled; no randomness.
pub fn numbers_of_ciphertexts(
    subject: &Subject,
    place: &Place,
    own: &Dataset,
) -> Result<Vec<f32>, Error> {
    let Some(halves) = &place.halves else {
        return Err(Error::user(
            "outputs are not handed over encrypted by a network",
        ));
    };
    let (first, second) = halves.weights(&subject.weights)?;
    let front = Part::new(&halves.prefix, &first)?;
    let features = |pictures: &[f32]| -> Vec<Vec<f64>> {
        let features = front.run(pictures);
        let of_picture = features.chunks_exact(front.output().len());
        let exact = of_picture.map(|f| f.iter().map(|x| f64::from(*x)).collect());
        exact.collect()
    };
    let mut all = features(&own.images);
    all.extend(features(&subject.targets().images));
    let client = client_of(subject, place, &second, &all)?;
    let mut numbers = Vec::with_capacity(all.len() * NUMBERS);
    for features in &all {
        let request = client.encrypt_any(&[features])?;
        let at = |index: usize| request[index * request.len() / NUMBERS];
        numbers.extend((0..NUMBERS).map(|index| f32::from(at(index)) / 127.5 - 1.0));
    }
    Ok(numbers)
}

/// A client of the layers behind a place, which takes features such as these, with a fresh key.
fn client_of(
    subject: &Subject,
    place: &Place,
    weights: &Weights,
    features: &[Vec<f64>],
) -> Result<Client, Error> {
    let tail = (place.halves.as_ref()).map_or(&subject.graph, |halves| &halves.tail);
    let samples = features.iter().take(hemet_compiler::SAMPLES).cloned();
    let samples: Vec<Vec<f64>> = samples.collect();
    let numbers = features.iter().flatten();
    let largest = numbers.fold(0.0f64, |most, x| most.max(x.abs()));
    let mut options = Options {
        input_range: (ROOM * largest).max(f64::from(f32::MIN_POSITIVE)),
        max_shift: Options::default().max_shift,
        ..subject.options.clone()
    };
    options.fit_activation(tail, weights)?;
    let table = &subject.table;
    let compiled = hemet_compiler::compile_for(&samples, tail, weights, &options, table);
    let compiled = compiled.map_err(|why| {
        Error::Uncompilable(format!(
            "the layers behind {} cannot be compiled for the control on ciphertexts, which --pairs 0 leaves out: {why}",
            place.name
        ))
    })?;
    let manifest = Manifest {
        input_transform: compiled.input_transform,
        promise: Some(compiled.promise),
        ..Manifest::new("control")
    };
    let artifact = Artifact::new(manifest, compiled.schedule);
    Ok(Client::generate(artifact.spec()?)?.0)
}
