//! The suite that every TFHE backend passes, with its client: schedules that cover every instruction ([`cases()`])
//! give exactly what [`hemet_schedule::tfhe::interpret`] defines, whatever the number of threads; what does not
//! belong together, is damaged, or is out of range is refused ([`refusals`]).
//!
//! There is no error bound: at the cases' failure probability of at most 2^-40 a difference is a fault.

mod cases;
mod refusals;

pub use cases::{Case, cases};
pub use refusals::{Refusal, refusals};

use hemet_schedule::tfhe::{Verified, interpret};

use crate::{Error, Spec};

/// A backend under test, together with the client's half; keys and ciphertexts are bytes as they travel.
pub trait Bench {
    /// A client's secret keys.
    type Client;
    /// A schedule with a client's evaluation keys.
    type Server;

    /// New secret keys.
    ///
    /// # Errors
    /// As the client says.
    fn client(&self, spec: &Spec) -> Result<Self::Client, Error>;

    /// The client's evaluation keys.
    ///
    /// # Errors
    /// As the client says.
    fn keys(&self, client: &Self::Client) -> Result<Vec<u8>, Error>;

    /// A server for this schedule and these keys.
    ///
    /// # Errors
    /// Keys that are damaged or belong to another schedule.
    fn server(&self, verified: Verified, keys: &[u8]) -> Result<Self::Server, Error>;

    /// Encrypts an input.
    ///
    /// # Errors
    /// An input that the schedule does not take.
    fn encrypt(&self, client: &Self::Client, input: &[i64]) -> Result<Vec<u8>, Error>;

    /// Runs the schedule on `threads` threads.
    ///
    /// # Errors
    /// A request that is damaged or belongs to another schedule or client.
    fn execute(
        &self,
        server: &Self::Server,
        request: &[u8],
        threads: usize,
    ) -> Result<Vec<u8>, Error>;

    /// Decrypts the outputs.
    ///
    /// # Errors
    /// A response that is damaged or belongs to another schedule or client.
    fn decrypt(&self, client: &Self::Client, response: &[u8]) -> Result<Vec<i64>, Error>;
}

/// How an input of a case went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Name of the case.
    pub case: String,
    /// The input.
    pub input: Vec<i64>,
    /// What the schedule defines.
    pub expected: Vec<i64>,
    /// What the client decrypts, with each of [`THREADS`].
    pub found: Vec<Vec<i64>>,
    /// Whether all numbers of threads gave the same bytes.
    pub same_bytes: bool,
}

impl Outcome {
    /// Whether every run gave what the schedule defines, in the same bytes.
    pub fn passed(&self) -> bool {
        self.same_bytes && self.found.iter().all(|found| *found == self.expected)
    }
}

/// Numbers of threads that each input is run with; 3 divides few of the cases' lengths.
pub const THREADS: [usize; 2] = [1, 3];

/// Runs every case; the caller looks at the outcomes.
///
/// # Errors
/// Whatever keeps a case from running.
pub fn run<B: Bench>(bench: &B) -> Result<Vec<Outcome>, Error> {
    run_cases(bench, cases()?)
}

/// As [`run`], with these cases.
///
/// # Errors
/// As [`run`].
pub fn run_cases<B: Bench>(bench: &B, cases: Vec<Case>) -> Result<Vec<Outcome>, Error> {
    let mut outcomes = Vec::new();
    for case in cases {
        let client = bench.client(&Spec::of(&case.schedule))?;
        let server = bench.server(case.schedule.clone(), &bench.keys(&client)?)?;
        for input in case.inputs {
            let expected = interpret(&case.schedule, &input).map_err(not_a_case)?;
            let request = bench.encrypt(&client, &input)?;
            let responses = THREADS
                .iter()
                .map(|threads| bench.execute(&server, &request, *threads))
                .collect::<Result<Vec<_>, _>>()?;
            let found = responses
                .iter()
                .map(|response| bench.decrypt(&client, response))
                .collect::<Result<Vec<_>, _>>()?;
            outcomes.push(Outcome {
                case: case.name.clone(),
                input,
                expected,
                found,
                same_bytes: responses.windows(2).all(|pair| pair[0] == pair[1]),
            });
        }
    }
    Ok(outcomes)
}

fn not_a_case(reason: impl std::fmt::Display) -> Error {
    Error::Spec(format!("a conformance case: {reason}"))
}
