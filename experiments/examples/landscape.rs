//! Draws the trained CIFAR-10 networks of the records among the published ones: measured points only.
//!
//! `cargo run --release -p hemet --example landscape -- reports/records`
//!
//! Reads `published-cifar10.json` and each record's `results.json` in the folder and writes `cifar10.svg` and
//! `cifar10.png` there. An own point is the time of an encrypted prediction on two threads and the accuracy on
//! encrypted test images.

use std::path::{Path, PathBuf};

use hemet::error::Error;
use hemet_reports::{LandscapePlot, Network};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A published network.
#[derive(Deserialize)]
struct Published {
    name: String,
    seconds: f64,
    accuracy: f64,
}

/// A network of a record.
#[derive(Deserialize)]
struct Own {
    name: String,
    accuracy_encrypted: f64,
    images_encrypted: usize,
    latency_ms_2: f64,
}

fn main() -> std::process::ExitCode {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| PathBuf::from("reports/records"));
    hemet::common::exit(draw(&folder))
}

fn draw(folder: &Path) -> Result<(), Error> {
    let published: Vec<Published> = read(&folder.join("published-cifar10.json"))?;
    let mut networks: Vec<Network> = published
        .into_iter()
        .map(|network| Network {
            name: network.name,
            seconds: network.seconds,
            accuracy: network.accuracy,
            is_own: false,
        })
        .collect();
    let mut images = Vec::new();
    let entries = std::fs::read_dir(folder).map_err(|e| Error::file(folder, e))?;
    let mut records: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    records.sort();
    for results in records.iter().map(|record| record.join("results.json")) {
        if !results.exists() {
            continue;
        }
        let own: Vec<Own> = read(&results)?;
        for network in own
            .into_iter()
            .filter(|own| own.name.starts_with("cifar10"))
        {
            images.push(network.images_encrypted);
            networks.push(Network {
                name: network.name.replacen("cifar10-", "", 1),
                seconds: network.latency_ms_2 / 1000.0,
                accuracy: network.accuracy_encrypted,
                is_own: true,
            });
        }
    }
    let fewest = images.into_iter().min().unwrap_or(0);
    let plot = LandscapePlot {
        title: "CIFAR-10 under encryption: time and accuracy".into(),
        subtitle: format!(
            "ours: at least {fewest} encrypted test images, two threads of an AMD EPYC with AVX-512; published: as their authors \
             measured, on their machines"
        ),
        networks,
    };
    hemet_files::write_atomically(folder.join("cifar10.svg"), plot.svg()?.as_bytes())?;
    hemet_files::write_atomically(folder.join("cifar10.png"), &plot.png(1280, 960)?)?;
    println!("{}", folder.join("cifar10.png").display());
    Ok(())
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::file(path, e))?;
    serde_json::from_str(&text).map_err(|e| Error::file(path, e))
}
