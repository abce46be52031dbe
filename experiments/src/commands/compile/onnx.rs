//! An ONNX model becomes an artifact.

use std::path::Path;

use hemet_onnx::{Imported, Source};
use hemet_schedule::artifact::{Artifact, Manifest};
use hemet_schedule::{CostTable, FittedNumbers, Meaning, OutputTransform, PictureNote};

use super::{Args, memory};
use crate::calibration::{self, Calibration};
use crate::cli::fit_report;
use crate::error::Error;
use crate::experiment::{self, AGREEMENT_OF_SHARED, Card, attacks, security_level};
use crate::run::provenance;
use crate::schemes::ckks::compile::{Front, sharing};
use crate::schemes::ckks::costs;
use crate::schemes::{self, SecurityWish};

/// One in so many calibration inputs is held out of fitting activations, and the report is on those.
const HELD_OUT: usize = 4;

/// Of an ONNX file's artifact.
const DEFAULT_SECURITY: SecurityWish = SecurityWish {
    bits: 128,
    post_quantum: false,
};

pub(super) fn from_onnx(args: &Args, like: Option<&FittedNumbers>) -> Result<Artifact, Error> {
    let path = &args.source;
    let bytes = std::fs::read(path).map_err(|e| Error::file(path, e))?;
    let card = args.card.as_deref().map(card).transpose()?;
    let calibration = inputs(args)?;
    let (imported, fit_error) = network(args, &bytes, calibration.as_ref())?;
    let mut options = wished(args, &imported, calibration.as_ref(), like)?;
    let table: CostTable = match &args.costs {
        Some(path) => costs::read(path)?,
        None => costs::of_this_machine(false)?,
    };
    let samples = calibration.map_or(Vec::new(), |data| data.inputs);
    let card = card.unwrap_or_default();
    let license = card.license.clone();
    let table_id = schemes::table_id(&table.to_json());
    let provenance = provenance::of_model(&bytes, &samples, table_id, card);
    let front = Front::whole(&imported.graph, &imported.weights, samples);
    let front = front.behind(args.device_layers.unwrap_or(0), license)?;
    if front.device.is_some() {
        // Features are scaled to it.
        options.input_range = hemet_compiler::Options::default().input_range;
    }
    options.fit_activation(&front.graph, &front.weights)?;
    let known = hemet_compiler::Known {
        graph: &front.graph,
        weights: &front.weights,
        moments: &imported.moments,
    };
    let samples = &front.samples;
    let compiled = hemet_compiler::compile_known(samples, &known, &options, &table);
    let compiled = compiled?;
    let seen = schemes::ckks::compile::input_range(samples, compiled.input_transform.as_ref());
    let transformed = compiled.input_transform.is_some();
    let stated = args.input_range.filter(|_| front.device.is_none());
    let input_range = checked_range(stated, options.input_range, seen, transformed);
    let name = path
        .file_stem()
        .map_or("model".into(), |stem| stem.to_string_lossy());
    let manifest = Manifest {
        predicted_latency_ms: Some(compiled.estimate.latency_ms),
        serving: Some(compiled.estimate.serving),
        layers: compiled.estimate.layers,
        input_range,
        input_transform: compiled.input_transform,
        pictures: pictures(args),
        output_transform: imported.outputs,
        classes: imported.classes,
        sharing: sharing(args.share_results, &compiled.promise),
        promise: Some(compiled.promise),
        provenance: Some(provenance),
        fitted: Some(compiled.fitted),
        agreement: compiled.agreement,
        keys: compiled.keys,
        cost_machine: Some(table.machine),
        fit_error,
        ..Manifest::new(&name)
    };
    Ok(front.artifact(manifest, compiled.schedule))
}

/// The network of the file, once nothing in the file, the options and the calibration data contradicts another.
fn network(
    args: &Args,
    bytes: &[u8],
    calibration: Option<&Calibration>,
) -> Result<(Imported, Option<f64>), Error> {
    if args.agreement.is_some() && args.share_results.is_some() {
        return Err(Error::user(AGREEMENT_OF_SHARED));
    }
    let (imported, fit_error) = import(args, bytes, calibration)?;
    check_classes(args, &imported)?;
    if let (Some(data), Some(file)) = (calibration, &args.calibrate) {
        let fits = tell_calibration(data, &imported, args);
        fits.map_err(|why| Error::file(file, why))?;
    }
    let shape = imported.graph.node(imported.graph.input()).shape;
    let axes = [shape.channels, shape.height, shape.width];
    args.pictures.check(axes)?;
    memory::check(&imported.graph).map_err(|why| Error::file(&args.source, why))?;
    Ok((imported, fit_error))
}

/// The calibration inputs of a file, of which something can be learned; none where there is no such file.
fn inputs(args: &Args) -> Result<Option<Calibration>, Error> {
    let Some(path) = &args.calibrate else {
        return Ok(None);
    };
    let data = calibration::read(path, &args.pictures)?;
    hemet_compiler::check_samples(&data.inputs, None).map_err(|e| Error::file(path, e))?;
    Ok(Some(data))
}

/// What clients are told of pictures: what the options say, or that pixels are divided by 255 where the model was
/// calibrated on such pictures; nothing where neither is known.
fn pictures(args: &Args) -> Option<PictureNote> {
    let of_pictures = args.calibrate.as_deref().is_some_and(Path::is_dir);
    (args.pictures.is_given() || of_pictures).then(|| args.pictures.note())
}

fn card(path: &Path) -> Result<Card, Error> {
    experiment::parse(&experiment::Text::read(path)?)
}

/// Says what the network is calibrated on, or why it does not fit the network.
fn tell_calibration(data: &Calibration, imported: &Imported, args: &Args) -> Result<(), String> {
    let graph = &imported.graph;
    let elements = graph.node(graph.input()).shape.len();
    data.fits(elements, args.input_range)?;
    let (low, high) = data.range();
    eprintln!(
        "calibrating on {} inputs of {:?}, from {low} to {high}",
        data.inputs.len(),
        data.shape
    );
    Ok(())
}

/// An agreement counts classes: outputs must be the scores of one list of them.
fn check_classes(args: &Args, imported: &Imported) -> Result<(), Error> {
    let parts = imported.outputs.as_ref();
    let parts = parts.map_or(&[][..], |outputs| outputs.parts.as_slice());
    let other = parts.len() > 1 || parts.iter().any(|part| part.meaning == Meaning::Values);
    match args.agreement.is_some() && other {
        true => Err(Error::user(format!(
            "--agreement counts images whose class stays, and {} gives values or several outputs: ask for a --precision, or \
             choose one output of scores with --output",
            args.source.display()
        ))),
        false => Ok(()),
    }
}

/// The range that the client holds inputs to: the one seen on samples, else the one that scales were made for. What was
/// stated is about inputs before a transform, and the check comes behind it.
fn checked_range(
    stated: Option<f64>,
    compiled_for: f64,
    seen: Option<[f64; 2]>,
    transformed: bool,
) -> Option<[f64; 2]> {
    match (seen, transformed) {
        (Some(seen), false) if stated.is_none() => Some(seen),
        (_, false) => Some([-compiled_for, compiled_for]),
        (seen, true) => seen,
    }
}

/// The compiler's options as the command line wishes them.
fn wished(
    args: &Args,
    imported: &Imported,
    calibration: Option<&Calibration>,
    like: Option<&FittedNumbers>,
) -> Result<hemet_compiler::Options, Error> {
    let security = args.security.unwrap_or(DEFAULT_SECURITY);
    let mut options = hemet_compiler::Options {
        target: args.target.into(),
        security: security_level(security.bits)?,
        attacks: attacks(security.post_quantum),
        primes: args.parameters.into(),
        ..Default::default()
    };
    if let Some(range) = args.input_range.or(calibration.and_then(range)) {
        options.input_range = range;
    }
    options.output_range = args.output_range;
    options.relative_precision = args.relative_precision;
    if args.fit_activations.is_some() {
        // A fitted quadratic may be nearly a line, which completing the square cannot take.
        options.activation = hemet_compiler::Activation::PowerBasis;
    }
    if let Some(bits) = args.precision {
        options.precision_bits = bits;
    }
    options.agreement = args.agreement;
    if let Some(results) = args.share_results {
        let graph = &imported.graph;
        let numbers = graph.node(graph.output()).shape.len();
        options.precision_bits += hemet_ckks_params::hidden_bits(results, numbers);
    }
    if let Some(budget) = args.key_memory {
        options.key_budget = budget;
    }
    options.like = like.cloned();
    Ok(options)
}

/// The network, its activations fitted on the calibration data where that is asked for; then with the error that this
/// makes.
fn import(
    args: &Args,
    bytes: &[u8],
    calibration: Option<&Calibration>,
) -> Result<(Imported, Option<f64>), Error> {
    let wrong = |e: hemet_onnx::Error| Error::file(&args.source, e);
    let folder = args
        .source
        .parent()
        .map(|folder| match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        });
    let source = Source {
        bytes,
        folder,
        outputs: &args.output,
        device_layers: args.device_layers.unwrap_or(0),
    };
    let (Some(degree), Some(data)) = (args.fit_activations, calibration) else {
        let imported = hemet_onnx::import(source).map_err(wrong)?;
        say_what_is_left(imported.outputs.as_ref(), args.json);
        return Ok((imported, None));
    };
    let calibration = hemet_onnx::Calibration {
        inputs: &data.inputs,
        labels: &data.labels,
        held_out: data.inputs.len() / HELD_OUT,
    };
    let (imported, report) =
        hemet_onnx::import_fitted(source, degree, calibration).map_err(wrong)?;
    if !args.json {
        fit_report::print(&report);
    }
    say_what_is_left(imported.outputs.as_ref(), args.json);
    Ok((imported, Some(report.max_abs_error)))
}

/// Prints what of the model the client does after decrypting; on standard error where standard output is for JSON.
fn say_what_is_left(outputs: Option<&OutputTransform>, json: bool) {
    for part in outputs.iter().flat_map(|outputs| &outputs.parts) {
        let words: Vec<&str> = part.steps.iter().map(|step| step.name()).collect();
        if words.is_empty() {
            continue;
        }
        let text = format!(
            "left to the client, which applies it exactly to the decrypted outputs: {} for `{}`",
            words.join(", then "),
            part.name
        );
        match json {
            true => eprintln!("{text}"),
            false => println!("{text}"),
        }
    }
}

/// The greatest magnitude of an input.
fn range(calibration: &Calibration) -> Option<f64> {
    let magnitudes = calibration.inputs.iter().flatten().map(|x| x.abs());
    let range = magnitudes.fold(0.0, f64::max);
    (range > 0.0).then_some(range)
}
