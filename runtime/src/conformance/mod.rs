//! The suite that every backend passes: small schedules that cover every instruction ([`cases`]), run on the backend
//! and compared slot by slot with the definition of the instructions ([`mod@reference`]), within the bound that
//! [`error_bound`] derives from the backend's stated errors.

mod cases;
pub mod door;
pub mod reference;

pub use cases::{Case, cases};

use hemet_ckks_params::Parameters;
use hemet_schedule::Type;

use crate::backend::Backend;
use crate::error::{Result, RuntimeError};
use crate::execute::{Program, input_type};
use crate::noise::error_bound;
use crate::observe::unobserved;

/// A backend under test, together with the client's half.
pub trait Bench {
    /// The backend.
    type Backend: Backend;

    /// A backend for the parameters of the suite.
    ///
    /// # Errors
    /// As the backend says.
    fn backend(&self) -> Result<Self::Backend>;

    /// Keys that suffice for `steps` and for relinearization.
    ///
    /// # Errors
    /// As the backend says.
    fn keys(&self, steps: &[u32]) -> Result<<Self::Backend as Backend>::Keys>;

    /// Encrypts slots as a ciphertext of type `ty`.
    ///
    /// # Errors
    /// As the backend says.
    fn encrypt(&self, slots: &[f64], ty: &Type) -> Result<<Self::Backend as Backend>::Ciphertext>;

    /// Decrypts all slots.
    ///
    /// # Errors
    /// As the backend says.
    fn decrypt(&self, x: &<Self::Backend as Backend>::Ciphertext, ty: &Type) -> Result<Vec<f64>>;
}

/// How a case went.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Name of the case.
    pub case: &'static str,
    /// Largest distance of a slot from the reference.
    pub error: f64,
    /// What the backend states at most.
    pub bound: f64,
}

impl Outcome {
    /// Whether the error lies within the bound.
    pub fn passed(&self) -> bool {
        self.error <= self.bound
    }
}

/// Largest absolute value of an input slot.
const INPUT_MAGNITUDE: f64 = 1.0;

/// Runs every case; the caller looks at the outcomes.
///
/// `parameters` need at least 3 levels, a special prime and primes of about the bits of `scale_bits`; inputs are
/// encrypted at the highest level with scale `2^scale_bits`.
///
/// # Errors
/// Whatever keeps a case from running.
pub fn run<B: Bench>(bench: &B, parameters: &Parameters, scale_bits: u32) -> Result<Vec<Outcome>> {
    let all = cases(parameters, scale_bits)?;
    let steps: std::collections::BTreeSet<u32> = all
        .iter()
        .flat_map(|case| case.schedule.rotation_steps())
        .collect();
    let keys = bench.keys(&steps.into_iter().collect::<Vec<_>>())?;
    all.into_iter()
        .map(|case| run_case(bench, &keys, case))
        .collect()
}

fn run_case<B: Bench>(
    bench: &B,
    keys: &<B::Backend as Backend>::Keys,
    case: Case,
) -> Result<Outcome> {
    let header = &case.schedule.header;
    let slots = header.parameters.slots();
    let ty = input_type(header);
    let inputs: Vec<Vec<f64>> = (0..header.input.ciphertexts(slots))
        .map(|i| pseudo_random(slots, i as u64))
        .collect();
    let encrypted = inputs
        .iter()
        .map(|x| bench.encrypt(x, &ty))
        .collect::<Result<_>>()?;
    let expected = reference::run(&case.schedule, &inputs)?;
    let program = Program::new(case.schedule, bench.backend()?)?;
    let outputs = program.run(keys, encrypted, &mut unobserved)?;
    let schedule = program.schedule();
    let bounds = error_bound(schedule, &program.backend().noise(), INPUT_MAGNITUDE)?;
    let (mut error, mut bound) = (0.0f64, 0.0f64);
    for (((output, value), expected), allowed) in outputs
        .iter()
        .zip(&schedule.outputs)
        .zip(&expected)
        .zip(bounds)
    {
        let ty = schedule.types.get(value.0 as usize);
        let ty = ty.ok_or_else(|| RuntimeError::Inconsistent("an output has no type".into()))?;
        let got = bench.decrypt(output, ty)?;
        if got.len() != expected.len() {
            return Err(RuntimeError::Inconsistent(format!(
                "{} slots came back, {} were expected",
                got.len(),
                expected.len()
            )));
        }
        bound = bound.max(allowed.error);
        for (got, expected) in got.iter().zip(expected) {
            // NaN must fail: `max` would drop it.
            let distance = (got - expected).abs();
            error = if distance.is_nan() {
                f64::INFINITY
            } else {
                error.max(distance)
            };
        }
    }
    Ok(Outcome {
        case: case.name,
        error,
        bound,
    })
}

/// Numbers in −1..1 that depend on `seed` only (splitmix64, Steele, Lea and Flood 2014).
pub(crate) fn pseudo_random(len: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0xD134_2543_DE82_EF95).wrapping_add(1);
    (0..len)
        .map(|_| {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            (z >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
        .collect()
}
