//! Latencies under each way of choosing parameters, and the classes of encrypted test images.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use hemet::common::{self, argmax};
use hemet::error::Error;
use hemet::schemes::kept::Kept;
use hemet::schemes::session::{Many, Session};
use hemet_compiler::{Options, Primes, compile_for};
use hemet_reports::{Cell, Column, Table};
use hemet_schedule::{Artifact, CostTable, Manifest};
use hemet_search::data::Dataset;
use hemet_spaces::evaluate::evaluate;
use serde::Serialize;

use crate::networks::{Trained, image};

/// Steady answers end here once there is one, in seconds.
const LONG_S: f64 = 60.0;
/// Progress is told each time so many images are done.
const TOLD: usize = 50;

/// How parameters are chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Uniform,
    Precision(u32),
    Agreement(f64),
}

/// What is asked for.
#[derive(Clone, Copy)]
pub struct Wishes {
    /// Percent of images that keep their class.
    pub agreement: f64,
    /// Test images that are encrypted.
    pub images: usize,
    /// Steady answers of a latency.
    pub runs: usize,
    /// Images side by side.
    pub threads: usize,
    /// Bytes of weights that a server holds ready.
    pub constant_bytes: usize,
}

/// A network that is measured.
pub struct Bench<'a> {
    /// Where what is done is kept.
    pub out: &'a Path,
    /// Its name.
    pub name: &'static str,
    /// Its layers and weights.
    pub trained: &'a Trained,
    /// By which compilations choose.
    pub costs: &'a CostTable,
    /// What is asked for.
    pub wishes: Wishes,
}

/// What is told of a network.
#[derive(Serialize)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    uniform_ms: f64,
    precision7_ms: f64,
    precision10_ms: f64,
    agreement_ms: f64,
    /// Percent of the images whose class is that in the clear.
    agreement: f64,
    images: usize,
    accuracy_clear: f64,
    accuracy_encrypted: f64,
    /// The precision that keeps the agreement.
    precision_bits: u32,
    /// By how many percent the latency is lower than under uniform parameters.
    saved_percent: f64,
}

impl Way {
    fn name(self) -> String {
        match self {
            Way::Uniform => "uniform".into(),
            Way::Precision(bits) => format!("precision{bits}"),
            Way::Agreement(percent) => format!("agreement{percent}"),
        }
    }

    fn options(self) -> Options {
        let default = Options::default();
        match self {
            Way::Uniform => Options {
                primes: Primes::Uniform,
                ..default
            },
            Way::Precision(precision_bits) => Options {
                precision_bits,
                ..default
            },
            Way::Agreement(percent) => Options {
                agreement: Some(percent),
                ..default
            },
        }
    }
}

impl Bench<'_> {
    /// Measures everything; nothing where times alone are asked for.
    ///
    /// # Errors
    /// A network that cannot be compiled; what cannot be read or written.
    pub fn row(&self, test: &Dataset) -> Result<Option<Row>, Error> {
        let chosen = Way::Agreement(self.wishes.agreement);
        let time = |way| self.latency_ms(way, test);
        let row = Row {
            name: self.name,
            uniform_ms: time(Way::Uniform)?,
            precision7_ms: time(Way::Precision(7))?,
            precision10_ms: time(Way::Precision(10))?,
            agreement_ms: time(chosen)?,
            agreement: 0.0,
            images: self.wishes.images,
            accuracy_clear: 0.0,
            accuracy_encrypted: 0.0,
            precision_bits: self.artifact(chosen)?.schedule.header.precision_bits,
            saved_percent: 0.0,
        };
        if self.wishes.images == 0 {
            return Ok(None);
        }
        let clear = self.clear(test)?;
        let encrypted = self.encrypted(chosen, test)?;
        let share = |is_counted: &dyn Fn(usize) -> bool| {
            let count = (0..encrypted.len())
                .filter(|index| is_counted(*index))
                .count();
            count as f64 / encrypted.len() as f64
        };
        let label = |index: usize| usize::from(test.labels[index]);
        Ok(Some(Row {
            agreement: 100.0 * share(&|index| encrypted[index] == clear[index]),
            accuracy_clear: share(&|index| clear[index] == label(index)),
            accuracy_encrypted: share(&|index| encrypted[index] == label(index)),
            saved_percent: 100.0 * (1.0 - row.agreement_ms / row.uniform_ms),
            ..row
        }))
    }

    /// The artifact, from its file or compiled.
    fn artifact(&self, way: Way) -> Result<Artifact, Error> {
        let path = self.path(way, "hemet");
        if path.exists() {
            return common::read_artifact(&path);
        }
        let Trained {
            graph,
            weights,
            held_out,
        } = self.trained;
        let magnitudes = held_out.iter().flatten().map(|x| x.abs());
        let mut options = Options {
            input_range: magnitudes.fold(0.0, f64::max),
            ..way.options()
        };
        options.fit_activation(graph, weights)?;
        let compiled = compile_for(held_out, graph, weights, &options, self.costs)?;
        if let Some(agreement) = &compiled.agreement {
            eprintln!("{}: {agreement}", self.name);
        }
        let parameters = &compiled.schedule.header.parameters;
        eprintln!(
            "{}, {}: 2^{}, log2(QP) {:.0} bits, {} primes and {} special ones",
            self.name,
            way.name(),
            parameters.log_n(),
            parameters.log_qp_bits(),
            parameters.moduli().len(),
            parameters.special().len()
        );
        let manifest = Manifest {
            input_transform: compiled.input_transform,
            promise: Some(compiled.promise),
            agreement: compiled.agreement,
            ..Manifest::new(self.name)
        };
        let artifact = Artifact::new(manifest, compiled.schedule);
        hemet_files::write_atomically(&path, &artifact.to_bytes()?)?;
        Ok(artifact)
    }

    fn path(&self, way: Way, ending: &str) -> PathBuf {
        self.out
            .join(format!("{}-{}.{ending}", self.name, way.name()))
    }

    fn session(&self, way: Way) -> Result<Session, Error> {
        let model = Box::new(self.artifact(way)?);
        Ok(Session::with_constant_bytes(model, self.wishes.constant_bytes)?.0)
    }

    /// The median of steady answers on one thread, kept or measured.
    fn latency_ms(&self, way: Way, test: &Dataset) -> Result<f64, Error> {
        let path = self.out.join(format!("{}-times.json", self.name));
        let mut kept: BTreeMap<String, Vec<f64>> = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| Error::file(&path, e))?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(e) => return Err(Error::file(&path, e)),
        };
        let times = match kept.get(&way.name()) {
            Some(times) => times.clone(),
            None => {
                let measured = common::pool(1)?.install(|| self.answers_ms(way, test))?;
                kept.insert(way.name(), measured.clone());
                let json = serde_json::to_string_pretty(&kept)?;
                hemet_files::write_atomically(&path, json.as_bytes())?;
                measured
            }
        };
        let median = common::median(&times);
        eprintln!(
            "{}, {}: {median:.1} ms, {} answers",
            self.name,
            way.name(),
            times.len()
        );
        Ok(median)
    }

    fn answers_ms(&self, way: Way, test: &Dataset) -> Result<Vec<f64>, Error> {
        let session = self.session(way)?;
        // The first brings keys and weights into memory.
        session.predict(&image(test, 0))?;
        let begin = Instant::now();
        let mut times = Vec::new();
        for index in 0..self.wishes.runs {
            let answer = session.predict(&image(test, index % test.len()))?;
            times.push(answer.latency_ms);
            if begin.elapsed().as_secs_f64() > LONG_S {
                break;
            }
        }
        Ok(times)
    }

    /// Classes of the test images as the network itself gives them.
    fn clear(&self, test: &Dataset) -> Result<Vec<usize>, Error> {
        let Trained { graph, weights, .. } = self.trained;
        let class = |index| Ok(argmax(&evaluate(graph, weights, &image(test, index))?));
        (0..self.wishes.images).map(class).collect()
    }

    /// Classes of the test images as they are decrypted.
    fn encrypted(&self, way: Way, test: &Dataset) -> Result<Vec<usize>, Error> {
        let session = self.session(way)?;
        let mut kept = Kept::open(&self.path(way, "answers"), &session, test)?;
        let known = kept.known().clone();
        let work = Many {
            count: self.wishes.images,
            threads: self.wishes.threads,
            image: &|index| image(test, index),
            known: &known,
        };
        let predictions = session.predict_all(&work, &mut |new, done| {
            if done % TOLD == 0 {
                eprintln!("{}: {done} of {} images", self.name, self.wishes.images);
            }
            kept.add(new)
        })?;
        let classes = predictions.iter().map(|found| argmax(&found.encrypted));
        Ok(classes.collect())
    }
}

/// The rows as a table.
///
/// # Errors
/// None that a table of these columns can have.
pub fn markdown(rows: &[Row]) -> Result<String, Error> {
    let mut table = Table::new([
        Column::words("network", "network"),
        Column::numbers("uniform_ms", "uniform", "ms"),
        Column::numbers("precision10_ms", "10 bits", "ms"),
        Column::numbers("precision7_ms", "7 bits", "ms"),
        Column::numbers("agreement_ms", "by agreement", "ms"),
        Column::numbers("saved", "lower by", "%"),
        Column::numbers("precision_bits", "precision", "bits"),
        Column::numbers("agreement", "agreement", "%"),
        Column::numbers("images", "images", ""),
        Column::numbers("accuracy_clear", "right in the clear", "%"),
        Column::numbers("accuracy_encrypted", "right encrypted", "%"),
    ]);
    for row in rows {
        let cells = [
            Cell::from(row.name),
            Cell::Milliseconds(row.uniform_ms),
            Cell::Milliseconds(row.precision10_ms),
            Cell::Milliseconds(row.precision7_ms),
            Cell::Milliseconds(row.agreement_ms),
            Cell::Number(row.saved_percent, 3),
            Cell::Whole(i64::from(row.precision_bits)),
            Cell::Number(row.agreement, 4),
            Cell::Whole(row.images as i64),
            Cell::Number(100.0 * row.accuracy_clear, 4),
            Cell::Number(100.0 * row.accuracy_encrypted, 4),
        ];
        table.push(cells).map_err(Error::user)?;
    }
    Ok(table.markdown())
}
