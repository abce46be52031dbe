//! The layers of an artifact or an estimate: what each does, its predicted time, and the level diagram.

use std::collections::BTreeMap;

use hemet_compiler::Estimate;
use hemet_reports::{Cell, Column, LevelDiagram, LevelStep, Table};
use hemet_runtime::ckks::constant_bytes;
use hemet_schedule::artifact::{Artifact, LayerNote};
use hemet_schedule::summary::{LayerCounts, LevelCounts, by_layer, counts_of};
use hemet_schedule::{CostTable, Schedule, cost};
use serde::Serialize;

use crate::error::Error;

/// What a layer does and what is known of it.
#[derive(Clone, Debug, Serialize)]
pub struct Layer {
    /// Instructions, counted.
    #[serde(flatten)]
    pub counts: LayerCounts,
    /// The compiler's note, if the artifact has one.
    pub note: Option<LayerNote>,
    /// Predicted time on one thread, in milliseconds, if it is known.
    pub predicted_ms: Option<f64>,
    /// Diagonals that it multiplies by.
    pub diagonals: u64,
    /// Rotations.
    pub rotations: u64,
    /// Groups of channels that its convolution keeps apart.
    pub groups: usize,
    /// Which places of its kernel exist.
    pub taps: String,
    /// The share of channels that each output channel reads.
    pub seen: f64,
    /// Side of the blocks whose weights are circulant.
    pub circulant: usize,
    /// Its constants, encoded, as a server keeps them in memory.
    pub encoded_bytes: u64,
}

/// The layers of an artifact; times are of `table` or, without one, those that the compiler predicted.
///
/// # Errors
/// A cost that the table lacks.
pub fn layers(artifact: &Artifact, table: Option<&CostTable>) -> Result<Vec<Layer>, Error> {
    let schedule = artifact.schedule.schedule();
    let times = match table {
        Some(table) => Some(cost::estimate_ms(schedule, table)?),
        None => None,
    };
    let encoded = encoded_bytes(schedule);
    let layer = |counts: LayerCounts| {
        let mut notes = artifact.manifest.layers.iter();
        let note = notes.find(|note| note.layer == counts.layer).cloned();
        let predicted_ms = match &times {
            Some(times) => {
                let mut layers = times.per_layer_ms.iter();
                layers.find(|(name, _)| *name == counts.layer).map(|l| l.1)
            }
            None => note.as_ref().map(|note| note.predicted_ms),
        };
        let of_note = note.clone().unwrap_or_default();
        Layer {
            predicted_ms,
            diagonals: counts.counts.plain_products,
            rotations: counts.counts.rotations,
            groups: of_note.groups.unwrap_or(1),
            taps: of_note.taps.unwrap_or_else(|| "square".into()),
            seen: of_note.seen.unwrap_or(1.0),
            circulant: of_note.circulant.unwrap_or(1),
            encoded_bytes: encoded.get(counts.layer.as_str()).copied().unwrap_or(0),
            counts,
            note,
        }
    };
    Ok(by_layer(schedule).into_iter().map(layer).collect())
}

/// Bytes of the encoded constants of each layer.
fn encoded_bytes(schedule: &Schedule) -> BTreeMap<&str, u64> {
    let mut bytes = BTreeMap::new();
    for instruction in &schedule.instructions {
        if let Some(layer) = schedule.header.layers.get(instruction.layer.0 as usize) {
            *bytes.entry(layer.as_str()).or_default() += constant_bytes(schedule, instruction);
        }
    }
    bytes
}

/// Prints the layers as a table, with a row of totals.
pub fn print(layers: &[Layer]) {
    let row = |name: &str, levels: &str, counts: [u64; 3], ms: Option<f64>, rest: &str| {
        let [rotations, plain, products] = counts;
        let ms = ms.map_or("–".to_owned(), hemet_reports::number::milliseconds);
        println!("{name:<24} {levels:>8} {rotations:>9} {plain:>9} {products:>9} {ms:>12}  {rest}");
    };
    println!(
        "{:<24} {:>8} {:>9} {:>9} {:>9} {:>12}  packing of the result",
        "layer", "levels", "rotations", "ct·pt", "ct·ct", "predicted ms"
    );
    for layer in layers {
        let counts = &layer.counts;
        let levels = format!("{}→{}", counts.from_level, counts.to_level);
        let rest = layer.note.as_ref().map_or(String::new(), |note| {
            let merged = match note.merged[..] {
                [] => String::new(),
                _ => format!("; with {}", note.merged.join(", ")),
            };
            format!("{} in {} ct{merged}", note.packing, note.ciphertexts)
        });
        let three = |c: &LevelCounts| [c.rotations, c.plain_products, c.ciphertext_products];
        row(
            &counts.layer,
            &levels,
            three(&counts.counts),
            layer.predicted_ms,
            &rest,
        );
    }
    let sum = |count: fn(&LevelCounts) -> u64| layers.iter().map(|l| count(&l.counts.counts)).sum();
    let totals = [
        sum(|c| c.rotations),
        sum(|c| c.plain_products),
        sum(|c| c.ciphertext_products),
    ];
    row(
        "total",
        "",
        totals,
        layers.iter().map(|l| l.predicted_ms).sum(),
        "",
    );
}

/// The level diagram of an artifact; with a cost table blocks are as wide as their predicted time.
///
/// # Errors
/// A cost that the table lacks.
pub fn level_diagram(
    artifact: &Artifact,
    table: Option<&CostTable>,
) -> Result<LevelDiagram, Error> {
    let schedule = artifact.schedule.schedule();
    let parameters = &schedule.header.parameters;
    let mut widths = vec![1.0; schedule.instructions.len()];
    if let Some(table) = table {
        widths = predicted_ms(schedule, table)?;
    }
    let x_title = match table {
        Some(table) => format!("predicted time (ms), one thread of {}", table.machine),
        None => "instructions, in program order".to_owned(),
    };
    let steps = schedule.instructions.iter().zip(widths);
    let step = |(instruction, width): (&hemet_schedule::Instruction, f64)| {
        let counts = counts_of(&instruction.op);
        let operand = instruction.op.operands().first().copied();
        let value = operand.unwrap_or(instruction.first_result).0 as usize;
        LevelStep {
            layer: schedule.header.layers[instruction.layer.0 as usize].clone(),
            level: schedule.types[value].level.0,
            width,
            rotations: counts.rotations,
            products: counts.plain_products + counts.ciphertext_products,
        }
    };
    Ok(LevelDiagram {
        title: format!("Schedule of {}", artifact.manifest.network),
        subtitle: format!(
            "ring degree 2^{}, log2(QP) {:.0} bits, depth {}, {} instructions",
            parameters.log_n(),
            parameters.log_qp_bits(),
            schedule.header.depth,
            schedule.instructions.len()
        ),
        x_title,
        steps: steps.map(step).collect(),
    })
}

/// Predicted milliseconds of every instruction.
fn predicted_ms(schedule: &Schedule, table: &CostTable) -> Result<Vec<f64>, Error> {
    let us = cost::per_instruction_us(schedule, table)?;
    Ok(us.into_iter().map(|us| us / 1e3).collect())
}

/// Megabytes of the ciphertexts of a layer's result: two polynomials of 8 bytes a coefficient and prime.
fn result_mb(note: &LayerNote, layer: &LayerCounts, log_n: u32) -> f64 {
    let primes = f64::from(layer.to_level + 1);
    note.ciphertexts as f64 * 2.0 * f64::from(1_u32 << log_n) * primes * 8.0 / 1e6
}

/// What each layer does on ciphertexts and how long it is predicted to take, with a row of totals.
pub fn table(estimate: &Estimate) -> hemet_reports::Result<Table> {
    let mut table = Table::new(columns());
    let mut sums = [0; 3];
    for layer in &estimate.layer_counts {
        let note = estimate.layers.iter().find(|n| n.layer == layer.layer);
        let counts = &layer.counts;
        let numbers = [
            counts.rotations,
            counts.plain_products,
            counts.ciphertext_products,
        ];
        for (sum, number) in sums.iter_mut().zip(numbers) {
            *sum += number;
        }
        let [rotations, plain, products] = numbers.map(|n| Cell::Whole(n as i64));
        table.push([
            Cell::from(layer.layer.as_str()),
            Cell::Whole(layer.from_level.into()),
            Cell::Whole(layer.to_level.into()),
            rotations,
            plain,
            products,
            note.map_or(Cell::Missing, |n| Cell::Milliseconds(n.predicted_ms)),
            note.map_or(Cell::Missing, |n| Cell::from(n.packing.as_str())),
            note.map_or(Cell::Missing, |n| Cell::Whole(n.ciphertexts as i64)),
            note.map_or(Cell::Missing, |n| {
                Cell::Number(result_mb(n, layer, estimate.log_n), 3)
            }),
            Cell::Number(layer.left_bits, 3),
            Cell::from(note.map_or(String::new(), |n| n.merged.join(", "))),
        ])?;
    }
    let [rotations, plain, products] = sums.map(|n| Cell::Whole(n as i64));
    table.push([
        Cell::from("total"),
        Cell::Missing,
        Cell::Missing,
        rotations,
        plain,
        products,
        Cell::Milliseconds(estimate.latency_ms),
        Cell::from(""),
        Cell::Missing,
        Cell::Missing,
        Cell::Missing,
        Cell::from(""),
    ])?;
    Ok(table)
}

fn columns() -> [Column; 12] {
    [
        Column::words("layer", "layer"),
        Column::numbers("from_level", "from level", ""),
        Column::numbers("to_level", "to level", ""),
        Column::numbers("rotations", "rotations", ""),
        Column::numbers("plain_products", "products with plaintexts", ""),
        Column::numbers("ciphertext_products", "products of ciphertexts", ""),
        Column::numbers("predicted_ms", "predicted time", "ms"),
        Column::words("packing", "packing of the result"),
        Column::numbers("ciphertexts", "ciphertexts", ""),
        Column::numbers("result_mb", "memory of the result", "MB"),
        Column::numbers("left_bits", "modulus left", "bits"),
        Column::words("merged", "merged layers"),
    ]
}
