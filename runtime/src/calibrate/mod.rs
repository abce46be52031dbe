//! Calibration: measures what the engine's operations cost on this machine, as a [`CostTable`].
//!
//! Each elementary cost is the median over repetitions, time of one thread ([`thread_time_us`]), after a warm-up, with
//! operands, diagonals and keys taken in turn from sets of the size that a network has, so that caches are as warm as in a
//! real run. The costs inside a linear map cannot be timed apart: maps of differing shapes are timed whole and the five
//! costs solved for (see `fit.rs`).
//!
//! Costs depend on the number of limbs of a key-switching digit, which follows from the bits of the chain's primes and of the
//! special primes; a table made for primes of 40 bits is somewhat off for a chain of 30 bits. [`Options::for_parameters`]
//! measures exactly the chain of an artifact.

mod clock;
mod fit;
mod measure;
mod shapes;

pub use clock::thread_time_us;

use std::collections::BTreeMap;

use hemet_ckks_params::{Parameters, ntt_primes};
use hemet_schedule::CostTable;
use hemet_schedule::cost::CostEntry;

use crate::error::{Result, RuntimeError};
use measure::Subject;

/// A parameter set to measure, and at which numbers of limbs.
#[derive(Clone, Debug)]
pub struct Point {
    /// Ring degree, chain, special primes.
    pub parameters: Parameters,
    /// Numbers of primes of the operand (level + 1), each from 1 to the length of the chain.
    pub limbs: Vec<usize>,
}

impl Point {
    /// A chain of `limbs.max()` primes of `chain_bits` bits with `special` primes of 50 bits. Security is not checked: the
    /// keys are thrown away after measuring.
    ///
    /// # Errors
    /// Primes that do not exist, an empty list of limbs.
    pub fn new(log_n: u32, special: usize, chain_bits: u32, limbs: Vec<usize>) -> Result<Self> {
        let length = limbs.iter().copied().max().unwrap_or(0);
        let bits: Vec<u32> = std::iter::repeat_n(chain_bits, length)
            .chain(std::iter::repeat_n(50, special))
            .collect();
        let mut chain = ntt_primes(log_n, &bits)?;
        let special = chain.split_off(length);
        Ok(Self {
            parameters: Parameters::new_insecure(log_n, chain, special)?,
            limbs,
        })
    }
}

/// What to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// Parameter sets.
    pub points: Vec<Point>,
    /// Seconds that one cost may take to measure, about.
    pub seconds_per_cost: f64,
}

/// Bits of a chain prime in the standard grids.
const CHAIN_BITS: u32 = 40;

impl Options {
    /// Ring degrees 2^12 to 2^14 with few special primes and a coarse grid of levels: some ten seconds.
    ///
    /// # Errors
    /// None in practice.
    pub fn quick() -> Result<Self> {
        let grid = [
            (12, 1, vec![1, 2, 3, 4]),
            (13, 1, vec![1, 2, 3, 4, 5, 7]),
            (13, 2, vec![1, 2, 3, 4, 5, 7]),
            (14, 1, vec![1, 2, 4, 6, 8, 11]),
            (14, 2, vec![1, 2, 4, 6, 8, 11]),
            (14, 3, vec![1, 2, 4, 6, 8, 11]),
        ];
        Self::grid(&grid, 0.02)
    }

    /// Ring degrees 2^12 to 2^16 with 1 to 6 special primes: some minutes, and 3 GiB of
    /// memory for keys.
    ///
    /// # Errors
    /// None in practice.
    pub fn full() -> Result<Self> {
        let mut grid = vec![(12, 1, vec![1, 2, 3, 4])];
        for special in 1..=3 {
            grid.push((13, special, (1..=7).collect()));
        }
        for special in 1..=4 {
            grid.push((14, special, vec![1, 2, 3, 4, 5, 6, 7, 8, 10, 12]));
            grid.push((15, special, vec![1, 2, 4, 6, 8, 10, 12, 15, 18, 22]));
        }
        for special in 4..=6 {
            grid.push((16, special, vec![1, 2, 4, 8, 12, 16, 20, 24]));
        }
        Self::grid(&grid, 0.25)
    }

    /// Exactly the chain of `parameters`, at about `points` numbers of limbs (at least 2). Between them costs are taken as
    /// straight, though they grow by digits and nearly as squares: with fewer than half of the limbs predictions are up to a
    /// tenth too high.
    pub fn for_parameters(parameters: &Parameters, points: usize) -> Self {
        let (length, points) = (parameters.moduli().len(), points.max(2));
        let mut limbs: Vec<usize> = (0..points)
            .map(|i| 1 + (length - 1) * i / (points - 1))
            .collect();
        limbs.dedup();
        Self {
            points: vec![Point {
                parameters: parameters.clone(),
                limbs,
            }],
            seconds_per_cost: 0.05,
        }
    }

    fn grid(grid: &[(u32, usize, Vec<usize>)], seconds_per_cost: f64) -> Result<Self> {
        let points = grid
            .iter()
            .map(|(log_n, special, limbs)| Point::new(*log_n, *special, CHAIN_BITS, limbs.clone()))
            .collect::<Result<_>>()?;
        Ok(Self {
            points,
            seconds_per_cost,
        })
    }
}

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

/// Measures on one thread; calls `progress` before each combination of parameters and limbs.
///
/// # Errors
/// Options without special primes or with limbs outside the chain; no randomness for the keys.
pub fn calibrate(
    options: &Options,
    progress: &mut (dyn FnMut(&CalibrationStep) + Send),
) -> Result<CostTable> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .map_err(|e| RuntimeError::Malformed {
            what: "the measuring thread",
            reason: e.to_string(),
        })?;
    let entries = pool.install(|| measure_all(options, progress))?;
    Ok(CostTable {
        machine: machine_name(),
        backend: "ckks".into(),
        entries,
    })
}

fn measure_all(
    options: &Options,
    progress: &mut (dyn FnMut(&CalibrationStep) + Send),
) -> Result<BTreeMap<String, Vec<CostEntry>>> {
    let total = options.points.iter().map(|p| p.limbs.len()).sum();
    let mut done = 0;
    let mut entries: BTreeMap<String, Vec<CostEntry>> = BTreeMap::new();
    for point in &options.points {
        check(point)?;
        let mut subject = Subject::new(&point.parameters, options.seconds_per_cost)?;
        for &limbs in &point.limbs {
            let special = point.parameters.special().len();
            let log_n = point.parameters.log_n();
            progress(&CalibrationStep {
                done,
                total,
                log_n,
                special,
                limbs,
            });
            for (kind, us) in subject.measure(limbs)? {
                entries
                    .entry(kind.name().into())
                    .or_default()
                    .push(CostEntry {
                        log_n,
                        special: special as u32,
                        limbs: limbs as u32,
                        // Nanoseconds are enough, and such numbers come back exactly from a file.
                        us: (us * 1e3).round() / 1e3,
                    });
            }
            done += 1;
        }
    }
    Ok(entries)
}

fn check(point: &Point) -> Result<()> {
    let length = point.parameters.moduli().len();
    let refused = |reason| RuntimeError::Malformed {
        what: "the calibration's options",
        reason,
    };
    if point.parameters.special().is_empty() {
        return Err(refused("0 special primes, at least 1 is needed".into()));
    }
    match point.limbs.iter().find(|l| !(1..=length).contains(*l)) {
        Some(limbs) => Err(refused(format!(
            "{limbs} limbs of a chain of {length} primes"
        ))),
        None => Ok(()),
    }
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
