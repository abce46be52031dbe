//! Times the engine's operations at one parameter set.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hemet_ckks::{
    Ciphertext, Context, Diagonal, EvaluationKeys, KeyRequest, Plaintext, SecretKey,
    SeededCiphertext, os_rng,
};
use hemet_ckks_params::Parameters;
use hemet_schedule::CostKind;
use hemet_schedule::cost::{EMBEDDING_LIMBS, Ring, Work};
use rayon::ThreadPool;

use super::clock::thread_time_us;
use super::shapes::{DENSE, SHAPES, Shape, steps};
use crate::error::{Result, RuntimeError};

/// Operands that are taken in turn.
const OPERANDS: usize = 8;
/// Fewest and most repetitions.
const REPETITIONS: (usize, usize) = (4, 400);
/// Distinct diagonals, as many as a network has.
const DIAGONALS: usize = 256;
/// Memory that they take at most: more than a cache holds.
const DIAGONAL_BYTES: usize = 256 << 20;
/// Words of a line of the cache.
const LINE_WORDS: usize = 8;
/// From this ring degree on one set of keys is more than a cache holds.
const LARGE_LOG_N: u32 = 14;
/// How often a map is timed on one thread and on two.
const TURNS: usize = 5;
/// Least time between two readings of the clock, in microseconds.
const SHORTEST_US: f64 = 50.0;
/// The scale of everything that is encoded here: it fits the smallest prime; the values do not matter.
const SCALE: f64 = (1u64 << 12) as f64;

/// A timed operation.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    /// The units of work that it consists of, by elementary cost.
    pub(crate) parts: Vec<(CostKind, Work)>,
    /// The time of it in microseconds.
    pub(crate) us: f64,
}

/// Keys and operands of one parameter set.
pub(crate) struct Subject {
    context: Arc<Context>,
    ring: Ring,
    secret: SecretKey,
    keys: EvaluationKeys,
    variants: usize,
    budget: Duration,
}

/// Operands at one number of limbs.
struct Operands {
    level: usize,
    x: Vec<Ciphertext>,
    products: Vec<Ciphertext>,
    sent: Vec<Vec<u8>>,
    vectors: Vec<Plaintext>,
    diagonals: Vec<Diagonal>,
}

/// Does the `i`-th repetition of an operation.
type Body<'a> = Box<dyn Fn(usize) -> Result<()> + 'a>;

fn done<T>(result: std::result::Result<T, hemet_ckks::Error>) -> Result<()> {
    result?;
    Ok(())
}

impl Subject {
    pub(crate) fn new(parameters: &Parameters, seconds_each: f64) -> Result<Self> {
        let context = Context::new(parameters.clone());
        let mut rng = os_rng()?;
        let secret = SecretKey::generate(&context, &mut rng);
        let level = parameters.max_level();
        let variants = if parameters.log_n() < LARGE_LOG_N {
            2
        } else {
            1
        };
        let rotations = steps(variants).into_iter();
        let rotations: Vec<(i64, usize)> = rotations.map(|step| (step, level)).collect();
        let request = KeyRequest {
            relinearize: Some(level),
            rotations: &rotations,
            conjugate: None,
        };
        let keys = EvaluationKeys::generate(&context, &secret, &request, &mut rng)?;
        let budget =
            Duration::try_from_secs_f64(seconds_each).map_err(|e| RuntimeError::Malformed {
                what: "the calibration's options",
                reason: e.to_string(),
            })?;
        Ok(Self {
            context,
            ring: Ring::of(parameters),
            secret,
            keys,
            variants,
            budget,
        })
    }

    /// The time of a transform alone, in microseconds: tells it apart from what it always comes with. On words that
    /// begin a line of the cache, as the engine's own do: across lines it takes up to a sixth longer.
    pub(crate) fn transform(&self) -> Result<f64> {
        let degree = self.context.parameters().degree();
        let mut words = vec![1; degree + LINE_WORDS - 1];
        let start = words.as_ptr().align_offset(LINE_WORDS * size_of::<u64>());
        let start = start.min(LINE_WORDS - 1);
        let limb = RefCell::new(&mut words[start..start + degree]);
        self.time(|_| done(self.context.transform_unit(0, &mut limb.borrow_mut())))
    }

    /// Times every operation at this number of limbs; those that drop a level need 2.
    pub(crate) fn measure(&self, limbs: usize) -> Result<Vec<Measured>> {
        let operands = self.operands(limbs - 1)?;
        let mut all = Vec::new();
        for (kind, body) in self.singles(&operands) {
            all.push(Measured {
                parts: vec![(kind, self.ring.work(kind, limbs as u32))],
                us: self.time(body)?,
            });
        }
        for (index, shape) in SHAPES.into_iter().enumerate() {
            all.push(self.linear(shape, index % 2 == 1 && limbs > 1, &operands)?);
        }
        Ok(all)
    }

    /// The share of the work inside a linear map that the second of two pools, of one thread and of two, does side by
    /// side: by Amdahl's law from times on the wall, the least of some taken in turn.
    pub(crate) fn shared(&self, limbs: usize, pools: &[ThreadPool; 2]) -> Result<f64> {
        let on = self.operands(limbs - 1)?;
        let plan = DENSE.plan(0, on.diagonals.len())?;
        let mut least = [f64::INFINITY; 2];
        for _ in 0..TURNS {
            for (pool, least) in pools.iter().zip(&mut least) {
                let start = Instant::now();
                let run = || {
                    self.context
                        .linear(&on.x[..1], &plan, &on.diagonals, &self.keys)
                };
                pool.install(|| done(run()))?;
                *least = least.min(start.elapsed().as_secs_f64());
            }
        }
        let [alone, both] = least;
        let shared = (2.0 * (1.0 - both / alone)).clamp(0.0, 1.0);
        Ok((shared * 1e4).round() / 1e4)
    }

    /// The time of encoding one limb of a diagonal that repeats nothing, in microseconds.
    pub(crate) fn encode(&self, limbs: usize) -> Result<f64> {
        let slots = self.context.parameters().slots();
        let values: Vec<f64> = (0..slots).map(|i| (i % 7) as f64 / 8.0).collect();
        let encode = |_| done(self.context.encode_diagonal(&values, SCALE, limbs - 1));
        Ok(self.time(encode)? / (limbs as f64 + EMBEDDING_LIMBS))
    }

    fn operands(&self, level: usize) -> Result<Operands> {
        let context = &self.context;
        let mut rng = os_rng()?;
        let slots: Vec<f64> = (0..context.parameters().slots())
            .map(|i| (i % 7) as f64 / 8.0)
            .collect();
        let (mut x, mut sent) = (Vec::new(), Vec::new());
        for _ in 0..OPERANDS {
            let plaintext = context.encode(&slots, SCALE, level)?;
            let seeded = context.encrypt_seeded(&self.secret, &plaintext, &mut rng)?;
            x.push(context.expand(&seeded)?);
            sent.push(seeded.to_bytes(context));
        }
        let products = x.iter().map(|x| context.square(x));
        let products = products.collect::<std::result::Result<_, _>>()?;
        let diagonal = context.encode_diagonal(&[1.0, 0.5], SCALE, level)?;
        let fit = DIAGONAL_BYTES / diagonal.size_bytes().max(1);
        Ok(Operands {
            level,
            x,
            products,
            sent,
            vectors: vec![context.encode(&[1.0, 0.5], SCALE, level)?; OPERANDS],
            // Copies: terms read memory of their own, as those of a network do.
            diagonals: vec![diagonal; fit.clamp(1, DIAGONALS)],
        })
    }

    /// The operations that stand alone.
    fn singles<'a>(&'a self, on: &'a Operands) -> Vec<(CostKind, Body<'a>)> {
        let (context, keys) = (&self.context, &self.keys);
        let x = |i: usize| &on.x[i % OPERANDS];
        let product = |i: usize| &on.products[i % OPERANDS];
        let vector = |i: usize| &on.vectors[i % OPERANDS];
        let steps = steps(self.variants);
        let mut all: Vec<(CostKind, Body<'a>)> = vec![
            (
                CostKind::Input,
                Box::new(move |i| {
                    let bytes = &on.sent[i % OPERANDS];
                    done(context.expand(&SeededCiphertext::from_bytes(context, bytes)?))
                }),
            ),
            (
                CostKind::Output,
                Box::new(move |i| done(Ok(x(i).to_bytes(context)))),
            ),
            (
                CostKind::Rotate,
                Box::new(move |i| done(context.rotate(x(i), steps[i % steps.len()], keys))),
            ),
            (
                CostKind::Add,
                Box::new(move |i| done(context.add(x(i), x(i + 1)))),
            ),
            (
                CostKind::AddPlain,
                Box::new(move |i| done(context.add_plain(x(i), vector(i)))),
            ),
            (
                CostKind::MulPlain,
                Box::new(move |i| done(context.mul_plain(x(i), vector(i)))),
            ),
            (
                CostKind::Multiply,
                Box::new(move |i| done(context.multiply(x(i), x(i + 1)))),
            ),
            (
                CostKind::Square,
                Box::new(move |i| done(context.square(x(i)))),
            ),
            (
                CostKind::Relinearize,
                Box::new(move |i| done(context.relinearize(product(i), keys))),
            ),
        ];
        if on.level > 0 {
            all.extend(self.descents(on));
        }
        all
    }

    /// Operations that give a level up, of which there is one.
    fn descents<'a>(&'a self, on: &'a Operands) -> [(CostKind, Body<'a>); 3] {
        let (context, keys) = (&self.context, &self.keys);
        let x = |i: usize| &on.x[i % OPERANDS];
        let product = |i: usize| &on.products[i % OPERANDS];
        [
            (
                CostKind::RelinearizeRescale,
                Box::new(move |i| done(context.relinearize_rescale(product(i), keys))),
            ),
            (
                CostKind::Rescale,
                Box::new(move |i| done(context.rescale(x(i)))),
            ),
            (
                CostKind::LevelDrop,
                Box::new(move |i| done(context.level_drop(x(i), on.level - 1))),
            ),
        ]
    }

    /// Times a linear map, rescaled or not.
    fn linear(&self, shape: Shape, is_rescaled: bool, on: &Operands) -> Result<Measured> {
        let own = shape.terms().min(on.diagonals.len());
        let plan = |variant| shape.plan(variant, own);
        let plans = (0..self.variants).map(plan).collect::<Result<Vec<_>>>()?;
        let (context, keys) = (&self.context, &self.keys);
        let us = self.time(|i| {
            let first = i % (OPERANDS - shape.inputs + 1);
            let inputs = &on.x[first..first + shape.inputs];
            let plan = &plans[i % plans.len()];
            // Others each time: a network uses each of its diagonals once, so none is in a cache.
            let from = i * own % (on.diagonals.len() - own + 1);
            let diagonals = &on.diagonals[from..from + own];
            match is_rescaled {
                true => done(context.linear_rescale(inputs, plan, diagonals, keys)),
                false => done(context.linear(inputs, plan, diagonals, keys)),
            }
        })?;
        let parts = shape.counts(is_rescaled).into_iter().map(|(kind, count)| {
            let one = self.ring.work(kind, on.level as u32 + 1);
            (kind, one.map(|part| part * count as f64))
        });
        Ok(Measured {
            parts: parts.collect(),
            us,
        })
    }

    /// The lower quartile of the times of `body(i)` in microseconds, after a warm-up: what else runs on the machine
    /// makes some times longer, and none shorter. Bodies too short for the clock are timed several at once.
    fn time(&self, body: impl Fn(usize) -> Result<()>) -> Result<f64> {
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
        Ok(times[times.len() / 4])
    }
}
