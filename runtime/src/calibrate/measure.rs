//! Times the engine's operations at one parameter set.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hemet_ckks::{Ciphertext, Context, Diagonal, EvaluationKeys, KeyRequest, SecretKey, os_rng};
use hemet_ckks_params::Parameters;
use hemet_schedule::CostKind;

use super::clock::thread_time_us;
use super::fit::{Observation, non_negative};
use super::shapes::{LINEAR_KINDS, SHAPES, Shape, steps};
use crate::error::{Result, RuntimeError};

/// Operands that are taken in turn.
const OPERANDS: usize = 8;
/// Fewest and most repetitions.
const REPETITIONS: (usize, usize) = (3, 400);
/// Memory that the diagonals of the timed maps take at most: more than a cache holds.
const DIAGONAL_BYTES: usize = 256 << 20;
/// Least time between two readings of the clock, in microseconds.
const SHORTEST_US: f64 = 50.0;
/// The scale of everything that is encoded here: it fits the smallest prime; the values do not matter.
const SCALE: f64 = (1u64 << 12) as f64;

/// Keys and operands of one parameter set.
pub(crate) struct Subject {
    context: Arc<Context>,
    secret: SecretKey,
    keys: EvaluationKeys,
    budget: Duration,
}

/// Operands at one number of limbs.
struct Operands {
    x: Vec<Ciphertext>,
    products: Vec<Ciphertext>,
    level: usize,
}

impl Subject {
    pub(crate) fn new(parameters: &Parameters, seconds_per_cost: f64) -> Result<Self> {
        let context = Context::new(parameters.clone());
        let mut rng = os_rng()?;
        let secret = SecretKey::generate(&context, &mut rng);
        let level = parameters.max_level();
        let rotations = steps().into_iter();
        let rotations: Vec<(i64, usize)> = rotations.map(|step| (step, level)).collect();
        let request = KeyRequest {
            relinearize: Some(level),
            rotations: &rotations,
            conjugate: None,
        };
        let keys = EvaluationKeys::generate(&context, &secret, &request, &mut rng)?;
        let budget =
            Duration::try_from_secs_f64(seconds_per_cost).map_err(|e| RuntimeError::Malformed {
                what: "the calibration's options",
                reason: e.to_string(),
            })?;
        Ok(Self {
            context,
            secret,
            keys,
            budget,
        })
    }

    /// The median of every cost at this number of limbs, in microseconds; rescale and level drop need 2.
    pub(crate) fn measure(&mut self, limbs: usize) -> Result<Vec<(CostKind, f64)>> {
        let operands = self.operands(limbs - 1)?;
        let mut costs = Vec::new();
        for kind in CostKind::ALL {
            if let Some(us) = self.single(kind, &operands)? {
                costs.push((kind, us));
            }
        }
        costs.extend(LINEAR_KINDS.into_iter().zip(self.linear(&operands)?));
        Ok(costs)
    }

    fn operands(&self, level: usize) -> Result<Operands> {
        let context = &self.context;
        let mut rng = os_rng()?;
        let slots: Vec<f64> = (0..context.parameters().slots())
            .map(|i| (i % 7) as f64 / 8.0)
            .collect();
        let x = (0..OPERANDS)
            .map(|_| {
                let plaintext = context.encode(&slots, SCALE, level)?;
                Ok(context.encrypt_secret(&self.secret, &plaintext, &mut rng)?)
            })
            .collect::<Result<Vec<_>>>()?;
        let products = x
            .iter()
            .map(|x| Ok(context.square(x)?))
            .collect::<Result<_>>()?;
        Ok(Operands { x, products, level })
    }

    /// Times an operation that stands alone; `None` for the costs inside a linear map and for what a level cannot do.
    fn single(&self, kind: CostKind, on: &Operands) -> Result<Option<f64>> {
        let (context, keys) = (&self.context, &self.keys);
        let x = |i: usize| &on.x[i % OPERANDS];
        let product = |i: usize| &on.products[i % OPERANDS];
        let steps = steps();
        let us = match kind {
            CostKind::Decompose
            | CostKind::BabyStep
            | CostKind::Diagonal
            | CostKind::GiantStep
            | CostKind::Finish => return Ok(None),
            CostKind::Rotate => self.median(|i| {
                context.rotate(x(i), steps[i % steps.len()], keys)?;
                Ok(())
            })?,
            CostKind::Add => self.median(|i| {
                context.add(x(i), x(i + 1))?;
                Ok(())
            })?,
            CostKind::AddPlain => {
                let plain = self.vectors(on)?;
                self.median(|i| {
                    context.add_plain(x(i), &plain[i % OPERANDS])?;
                    Ok(())
                })?
            }
            CostKind::MulPlain => {
                let plain = self.vectors(on)?;
                self.median(|i| {
                    context.mul_plain(x(i), &plain[i % OPERANDS])?;
                    Ok(())
                })?
            }
            CostKind::Multiply => self.median(|i| {
                context.multiply(x(i), x(i + 1))?;
                Ok(())
            })?,
            CostKind::Square => self.median(|i| {
                context.square(x(i))?;
                Ok(())
            })?,
            CostKind::Relinearize => self.median(|i| {
                context.relinearize(product(i), keys)?;
                Ok(())
            })?,
            CostKind::Rescale | CostKind::LevelDrop if on.level == 0 => return Ok(None),
            CostKind::Rescale => self.median(|i| {
                context.rescale(x(i))?;
                Ok(())
            })?,
            CostKind::LevelDrop => self.median(|i| {
                context.level_drop(x(i), on.level - 1)?;
                Ok(())
            })?,
        };
        Ok(Some(us))
    }

    fn vectors(&self, on: &Operands) -> Result<Vec<hemet_ckks::Plaintext>> {
        let one = self.context.encode(&[1.0, 0.5], SCALE, on.level)?;
        Ok(vec![one; OPERANDS])
    }

    /// The five costs inside a linear map, in the order of [`LINEAR_KINDS`].
    fn linear(&self, on: &Operands) -> Result<[f64; 5]> {
        let one = self.context.encode_diagonal(&[1.0, 0.5], SCALE, on.level)?;
        let most = SHAPES.iter().map(|s| s.terms()).max().unwrap_or(1);
        let fit = DIAGONAL_BYTES / one.size_bytes().max(1);
        // Copies, so that terms read memory that no cache holds, as the diagonals of a network do.
        let diagonals = vec![one; fit.clamp(1, most)];
        let observations = SHAPES
            .iter()
            .map(|shape| self.time_shape(*shape, on, &diagonals))
            .collect::<Result<Vec<_>>>()?;
        Ok(non_negative(&observations))
    }

    fn time_shape(
        &self,
        shape: Shape,
        on: &Operands,
        diagonals: &[Diagonal],
    ) -> Result<Observation<5>> {
        let plan = shape.plan(diagonals.len())?;
        let time = self.median(|i| {
            let first = i % (OPERANDS - shape.inputs + 1);
            let inputs = &on.x[first..first + shape.inputs];
            self.context.linear(inputs, &plan, diagonals, &self.keys)?;
            Ok(())
        })?;
        Ok(Observation {
            counts: shape.counts(),
            time,
        })
    }

    /// The median time of `body(i)` in microseconds, after a warm-up. Bodies too short for the clock are timed several at once.
    fn median(&self, mut body: impl FnMut(usize) -> Result<()>) -> Result<f64> {
        body(0)?;
        let begin = thread_time_us();
        body(1)?;
        let once = (thread_time_us() - begin).max(0.1);
        let batch = (SHORTEST_US / once).ceil().clamp(1.0, 1e4) as usize;
        let (least, most) = REPETITIONS;
        let start = Instant::now();
        let mut times = Vec::with_capacity(most);
        let mut next = 2;
        while times.len() < least || (times.len() < most && start.elapsed() < self.budget) {
            let begin = thread_time_us();
            for i in next..next + batch {
                body(i)?;
            }
            times.push((thread_time_us() - begin) / batch as f64);
            next += batch;
        }
        times.sort_unstable_by(f64::total_cmp);
        Ok(times[times.len() / 2])
    }
}
