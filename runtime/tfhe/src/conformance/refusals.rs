//! What a backend and its client must refuse.

use hemet_schedule::tfhe::Verified;

use super::{Bench, Case, cases, not_a_case};
use crate::{Error, Spec};

/// Something that had to be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What was given.
    pub what: String,
    /// The error that it gave; none where it was taken.
    pub error: Option<String>,
}

impl Refusal {
    fn of<T>(what: impl Into<String>, outcome: Result<T, Error>) -> Self {
        let error = outcome.err().map(|e| e.to_string());
        Self {
            what: what.into(),
            error,
        }
    }
}

/// The case that is run: it has every kind of key.
const CASE: &str = "a key switch within a set";
/// A case whose inputs are as long and as wide, with other keys.
const OTHER: &str = "accumulators that wrap around";

/// Gives the backend and its client what they must refuse: foreign keys, requests and responses, inputs of other
/// lengths and ranges, and damaged, cut and lengthened bytes. The caller looks whether each has an error.
///
/// # Errors
/// Whatever keeps the right things from running.
pub fn refusals<B: Bench>(bench: &B) -> Result<Vec<Refusal>, Error> {
    let own = Party::new(bench, CASE)?;
    let other = Party::new(bench, OTHER)?;
    let stranger = bench.client(&Spec::of(&own.case.schedule))?;
    let mut found = inputs(bench, &own);
    found.extend([
        Refusal::of(
            "keys of another schedule",
            bench.server(own.schedule(), &other.keys),
        ),
        Refusal::of(
            "a request of another schedule",
            own.run(bench, &other.request),
        ),
        Refusal::of(
            "a response of another schedule",
            bench.decrypt(&own.client, &other.response),
        ),
        Refusal::of(
            "a response of another client",
            bench.decrypt(&stranger, &own.response),
        ),
        Refusal::of(
            "a request as a response",
            bench.decrypt(&own.client, &own.request),
        ),
        Refusal::of("a response as a request", own.run(bench, &own.response)),
        Refusal::of("keys as a request", own.run(bench, &own.keys)),
        Refusal::of(
            "a request as keys",
            bench.server(own.schedule(), &own.request),
        ),
    ]);
    let strange = bench.encrypt(&stranger, &own.case.inputs[0])?;
    found.push(Refusal::of(
        "a request of another client",
        own.run(bench, &strange),
    ));
    for (how, damage) in DAMAGES {
        let (keys, request, response) = (
            damage(&own.keys),
            damage(&own.request),
            damage(&own.response),
        );
        let what = |kind: &str| format!("{kind} {how}");
        found.push(Refusal::of(
            what("keys"),
            bench.server(own.schedule(), &keys),
        ));
        found.push(Refusal::of(what("a request"), own.run(bench, &request)));
        found.push(Refusal::of(
            what("a response"),
            bench.decrypt(&own.client, &response),
        ));
    }
    Ok(found)
}

/// What is done to bytes, in words.
type Damage = (&'static str, fn(&[u8]) -> Vec<u8>);

const DAMAGES: [Damage; 7] = [
    ("of no bytes", |_| Vec::new()),
    ("without its last byte", |bytes| {
        bytes[..bytes.len() - 1].to_vec()
    }),
    ("cut in half", |bytes| bytes[..bytes.len() / 2].to_vec()),
    ("with a byte more", |bytes| [bytes, &[0]].concat()),
    ("with its first bit changed", |bytes| flipped(bytes, 0)),
    ("with a bit in the middle changed", |bytes| {
        flipped(bytes, bytes.len() / 2)
    }),
    ("with its last bit changed", |bytes| {
        flipped(bytes, bytes.len() - 1)
    }),
];

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}

/// Inputs that the schedule does not take.
fn inputs<B: Bench>(bench: &B, own: &Party<B>) -> Vec<Refusal> {
    let right = &own.case.inputs[0];
    let (low, high) = (own.case.schedule.input_low, own.case.schedule.input_high);
    let with_last = |value: i64| {
        let mut input = right.clone();
        if let Some(last) = input.last_mut() {
            *last = value;
        }
        input
    };
    let longer = [&right[..], &right[..1]].concat();
    [
        ("no values", Vec::new()),
        ("a value too few", right[1..].to_vec()),
        ("a value too many", longer),
        ("a value below the range", with_last(low - 1)),
        ("a value above the range", with_last(high + 1)),
        ("the least number", with_last(i64::MIN)),
        ("the greatest number", with_last(i64::MAX)),
    ]
    .map(|(what, input)| Refusal::of(what, bench.encrypt(&own.client, &input)))
    .into()
}

/// A case with a client, a server, and what they exchange.
struct Party<B: Bench> {
    case: Case,
    client: B::Client,
    server: B::Server,
    keys: Vec<u8>,
    request: Vec<u8>,
    response: Vec<u8>,
}

impl<B: Bench> Party<B> {
    fn new(bench: &B, name: &str) -> Result<Self, Error> {
        let case = cases()?.into_iter().find(|case| case.name == name);
        let case = case.ok_or_else(|| not_a_case(format!("`{name}` is missing")))?;
        let client = bench.client(&Spec::of(&case.schedule))?;
        let keys = bench.keys(&client)?;
        let server = bench.server(case.schedule.clone(), &keys)?;
        let request = bench.encrypt(&client, &case.inputs[0])?;
        let response = bench.execute(&server, &request, 1)?;
        Ok(Self {
            case,
            client,
            server,
            keys,
            request,
            response,
        })
    }

    fn schedule(&self) -> Verified {
        self.case.schedule.clone()
    }

    fn run(&self, bench: &B, request: &[u8]) -> Result<Vec<u8>, Error> {
        bench.execute(&self.server, request, 1)
    }
}
