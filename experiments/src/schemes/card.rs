//! The card of an artifact (`hemet inspect --card`): what it is for, how good it is, what protects its users, where it
//! comes from, its limits. After M. Mitchell et al., Model Cards for Model Reporting (FAT* 2019).

use hemet_reports::{Cell, Column, Report, Table, number};
use hemet_runtime::door::Model;
use hemet_runtime::{Facts, Precision};
use hemet_schedule::{Manifest, Provenance, Score};

use crate::error::Error;

/// The card, as Markdown.
///
/// # Errors
/// An artifact that cannot say what clients must know.
pub fn card(model: &dyn Model, format_version: u32) -> Result<String, Error> {
    let facts = model.spec()?.facts();
    let manifest = model.manifest();
    let known = manifest.provenance.clone().unwrap_or_default();
    let card = Report::new(manifest.network.clone())
        .paragraph(purpose(&facts, &known))
        .heading("How good it is");
    let card = match known.scores.is_empty() {
        true => card.paragraph(
            "The artifact holds no measured accuracy: measure it with `hemet evaluate`.",
        ),
        false => card.table(
            "In the clear; the true value lies in the interval 95 times in 100",
            scores(&known.scores)?,
        ),
    };
    let card = card
        .heading("What protects its users")
        .facts(protection(&facts, manifest))
        .heading("Where it comes from")
        .facts(origin(&facts, manifest, &known, format_version))
        .heading("Limits");
    let card = limits(&facts, &known)
        .into_iter()
        .fold(card, Report::paragraph);
    let license = known
        .license
        .unwrap_or_else(|| "None is stated: ask whoever gave you the artifact.".into());
    Ok(card.heading("License").paragraph(license).markdown())
}

fn purpose(facts: &Facts, known: &Provenance) -> String {
    let [channels, height, width] = facts.shape;
    let input = match facts.columns.len() {
        0 => format!("an encrypted input of {channels} channels of {height}×{width}"),
        columns => format!("an encrypted row of {columns} columns"),
    };
    let answer = match &facts.classes[..] {
        [] => "It computes numbers".to_owned(),
        classes => format!(
            "It tells {} classes ({})",
            classes.len(),
            classes.join(", ")
        ),
    };
    let derived = format!("{answer} from {input}.");
    match &known.purpose {
        Some(purpose) => format!("{purpose} {derived}"),
        None => derived,
    }
}

fn scores(scores: &[Score]) -> hemet_reports::Result<Table> {
    let mut table = Table::new([
        Column::words("measure", "measure"),
        Column::words("on", "images"),
        Column::numbers("count", "number", ""),
        Column::numbers("share", "value", "%"),
        Column::numbers("low", "from", "%"),
        Column::numbers("high", "to", "%"),
    ]);
    for score in scores {
        table.push([
            Cell::from(score.name.as_str()),
            Cell::from(score.on.as_str()),
            Cell::Whole(score.count as i64),
            Cell::Fraction(score.share),
            Cell::Fraction(score.low),
            Cell::Fraction(score.high),
        ])?;
    }
    Ok(table)
}

fn protection(facts: &Facts, manifest: &Manifest) -> Vec<(&'static str, String)> {
    let mut said = vec![
        ("parameters", facts.parameters.clone()),
        ("security", format!("{} bits", facts.security_bits)),
        (
            "evaluation keys",
            format!("{:.1} MB", facts.evaluation_key_bytes as f64 / 1e6),
        ),
    ];
    if let Some(device) = &manifest.device {
        said.push(("on the client", device.to_string()));
    }
    if let Some(promise) = &manifest.promise {
        said.push(("promise", promise.to_string()));
    } else if let Some(precision) = &facts.precision {
        let error = match precision {
            Precision::Absolute(error) => format!("an output errs by at most {error:.1e}"),
            Precision::Growing { error, up_to } => format!(
                "an output errs by at most {error:.1e}, and in proportion beyond {up_to:.1e}"
            ),
            Precision::Bits(bits) => {
                format!("an output errs by at most 2^-{bits} of the outputs' size")
            }
        };
        said.push(("promise", error));
    }
    if facts.exact {
        said.push((
            "promise",
            "decrypted numbers are the network's exactly".into(),
        ));
    }
    if let (Some(ms), Some(machine)) = (manifest.predicted_latency_ms, &manifest.cost_machine) {
        let ms = number::milliseconds(ms);
        said.push((
            "latency",
            format!("{ms} ms predicted, on one thread of {machine}"),
        ));
    }
    said
}

fn origin(
    facts: &Facts,
    manifest: &Manifest,
    known: &Provenance,
    format_version: u32,
) -> Vec<(&'static str, String)> {
    let mut said = vec![
        ("id", facts.artifact.to_string()),
        (
            "hemet",
            format!("{}, format {format_version}", manifest.hemet_version),
        ),
    ];
    let mut add = |name, value: Option<String>| said.extend(value.map(|value| (name, value)));
    add("architecture", manifest.architecture.clone());
    add("data set", manifest.dataset.clone());
    add(
        "normalization",
        Some(manifest.normalization.clone()).filter(|words| !words.is_empty()),
    );
    add(
        "pictures",
        manifest.pictures.as_ref().map(|note| note.describe()),
    );
    let data = known.data.as_ref();
    add(
        "images",
        data.map(|data| {
            format!(
                "{} to learn from, {} for validation, {} for the test",
                data.training, data.validation, data.test
            )
        }),
    );
    add("hash of the data", data.map(|data| data.hash.clone()));
    add("seed", known.seed.map(|seed| seed.to_string()));
    add("trial", known.trial.map(|trial| format!("#{trial}")));
    add("hash of the model file", known.model.clone());
    add("hash of the calibration inputs", known.calibration.clone());
    add("cost table", known.cost_table.clone());
    add(
        "signature",
        manifest
            .signature
            .as_ref()
            .map(|_| "signed; `hemet verify --trust KEY` checks by whom".into()),
    );
    said
}

fn limits(facts: &Facts, known: &Provenance) -> Vec<String> {
    let mut said: Vec<String> = known.limits.iter().cloned().collect();
    if let Some(range) = &facts.range {
        let of = match &range.transform {
            None => format!("below {:.4} or above {:.4}", range.low, range.high),
            Some(_) => "beyond those that it was compiled for".to_owned(),
        };
        said.push(format!("Clients refuse inputs with numbers {of}."));
    }
    said.push(
        "The figures above are of data like those that it was trained on. On other cameras, places or people they may be lower; no \
         group was looked at on its own."
            .into(),
    );
    said.push(
        "Encryption hides inputs and answers from the server. It does not make answers right."
            .into(),
    );
    said
}
