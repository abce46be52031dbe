//! Calibration: measures what the engine's operations cost on this machine, as a [`CostTable`].
//!
//! At each ring degree rotations, products, rescales and linear maps of several shapes are timed whole, at chains of
//! narrow and of wide primes, with one special prime and several, at low and at high levels; the times of the units
//! of work that they consist of (`hemet_schedule::cost::Unit`) are solved for together (see `fit.rs`). So the table
//! serves every chain, not only those that were measured.
//!
//! A time is the median over repetitions, time of one thread ([`thread_time_us`]), after a warm-up, with operands,
//! diagonals and keys taken in turn from sets of the size that a network has, so that caches are as warm as in a real
//! run. How much of a linear map two threads share is the one thing that is timed on the wall.

mod clock;
mod fit;
mod measure;
mod options;
mod shapes;

pub use clock::thread_time_us;
pub use options::{Options, Point};

use std::collections::BTreeMap;

use rayon::ThreadPool;

use hemet_schedule::CostTable;
use hemet_schedule::cost::{DegreeCosts, TABLE_VERSION};

use crate::error::{Result, RuntimeError};
use measure::Subject;

/// How far a calibration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalibrationStep {
    /// Measurements made.
    pub done: usize,
    /// Measurements in all.
    pub total: usize,
    /// log2 of the ring degree that comes next.
    pub log_n: u32,
    /// Its number of special primes.
    pub special: usize,
    /// Its number of limbs.
    pub limbs: usize,
}

/// What is told of the progress of a calibration: the step that comes next, and each ring degree that is done.
pub trait Watch: Send {
    /// Before each combination of parameters and limbs.
    fn step(&mut self, step: &CalibrationStep);
    /// After all measurements of a ring degree, the table so far.
    fn degree(&mut self, table: &CostTable);
}

/// Measures, nearly all on one thread, the ring degrees of `options` that `known` lacks, and adds them to it; those
/// that it has are kept. A table of another machine or version counts as none.
///
/// # Errors
/// Options without special primes or with limbs outside the chain; no randomness for the keys.
pub fn calibrate(
    options: &Options,
    known: Option<CostTable>,
    watch: &mut dyn Watch,
) -> Result<CostTable> {
    let empty = CostTable {
        version: TABLE_VERSION,
        machine: machine_name(),
        backend: "ckks".into(),
        degrees: Vec::new(),
    };
    let is_ours = |table: &CostTable| table.machine == empty.machine;
    let mut table = known.filter(is_ours).unwrap_or(empty);
    options.points.iter().try_for_each(Point::check)?;
    let points = lacking(options, &table);
    let total = points.values().flatten().map(|p| p.limbs.len()).sum();
    let mut done = 0;
    let pools = [threads(1)?, threads(2)?];
    for (log_n, points) in points {
        let mut begin = |special, limbs| {
            watch.step(&CalibrationStep {
                done,
                total,
                log_n,
                special,
                limbs,
            });
            done += 1;
        };
        let costs = measure_degree(&points, options.seconds_each, &pools, &mut begin)?;
        table.degrees.push(costs);
        table.degrees.sort_by_key(|degree| degree.log_n);
        watch.degree(&table);
    }
    Ok(table)
}

/// The points of `options` whose ring degree `table` lacks, or all of them for the table of another machine.
pub fn lacking<'a>(options: &'a Options, table: &CostTable) -> BTreeMap<u32, Vec<&'a Point>> {
    let is_ours = table.machine == machine_name();
    let mut points: BTreeMap<u32, Vec<&Point>> = BTreeMap::new();
    for point in &options.points {
        let log_n = point.parameters.log_n();
        if !is_ours || table.degrees.iter().all(|degree| degree.log_n != log_n) {
            points.entry(log_n).or_default().push(point);
        }
    }
    points
}

fn threads(count: usize) -> Result<ThreadPool> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build();
    pool.map_err(|e| RuntimeError::Malformed {
        what: "the measuring threads",
        reason: e.to_string(),
    })
}

/// Times all operations at points of one ring degree, in the first of two pools of one thread and of two; `begin`
/// hears of special primes and limbs before each combination.
fn measure_degree(
    points: &[&Point],
    seconds_each: f64,
    pools: &[ThreadPool; 2],
    begin: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<DegreeCosts> {
    let mut all = Vec::new();
    let (mut shared, mut encode) = (Vec::new(), Vec::new());
    let (mut log_n, mut transform_us) = (0, f64::INFINITY);
    for point in points {
        log_n = point.parameters.log_n();
        let subject = pools[1].install(|| Subject::new(&point.parameters, seconds_each))?;
        for &limbs in &point.limbs {
            begin(point.parameters.special().len(), limbs);
            let (one, measured) = pools[0]
                .install(|| -> Result<_> { Ok((subject.transform()?, subject.measure(limbs)?)) })?;
            transform_us = transform_us.min(one);
            all.extend(measured);
        }
        let longest = point.limbs.iter().copied().max().unwrap_or(1);
        shared.push(subject.shared(longest, pools)?);
        encode.push(pools[0].install(|| subject.encode(longest))?);
    }
    let median = |mut values: Vec<f64>| {
        values.sort_unstable_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    Ok(DegreeCosts {
        shared: median(shared).unwrap_or(0.0),
        encode: median(encode).map(|us| (us * 1e4).round() / 1e4),
        ..fit::fit(log_n, transform_us, &all)
    })
}

/// The processor's model as `/proc/cpuinfo` names it, or the architecture where there is no such file.
pub fn machine_name() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == "model name").then(|| value.trim().to_owned())
    });
    model.unwrap_or_else(|| std::env::consts::ARCH.into())
}
