//! What a client must know of a schedule: parameter sets, input, outputs. Nothing of weights or instructions.

use hemet_schedule::tfhe::{KeyKind, MAX_COUNT, MAX_TURN, OutputForm, Schedule, SetId, Type};
use serde::{Deserialize, Serialize};

use crate::Error;

/// How inputs are encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputSpec {
    /// Number of values.
    pub count: u32,
    /// The parameter set of the key.
    pub set: String,
    /// Whether it is the small key of the set.
    pub small: bool,
    /// A value `m` is encrypted at `m / turn`.
    pub turn: u32,
    /// The least value.
    pub low: i64,
    /// The greatest value.
    pub high: i64,
}

/// One part of the outputs, which the client adds up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputSpec {
    /// Number of values.
    pub count: u32,
    /// The parameter set of the key.
    pub set: String,
    /// Whether it is the small key of the set.
    pub small: bool,
    /// A value `m` lies at `m / turn`.
    pub turn: u32,
    /// The least value; values are decoded to `low..low + turn`.
    pub low: i64,
}

/// What keys, inputs and outputs of a schedule look like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The sets whose bootstrapping keys the server needs.
    pub bootstraps: Vec<String>,
    /// The pairs of sets (from the big key, to the small key) whose key switching keys it needs.
    pub keyswitches: Vec<(String, String)>,
    /// How inputs are encrypted.
    pub input: InputSpec,
    /// The parts of the outputs.
    pub outputs: Vec<OutputSpec>,
    /// Bytes of each number of an output ciphertext.
    pub output_bytes: u32,
    /// Whether the one output is the class and not the logits.
    pub label: bool,
}

impl Spec {
    /// The spec of a schedule whose operands are in order and that has an input.
    pub fn of(schedule: &Schedule) -> Self {
        let named = |t: Type| (t.set.to_string(), t.key == KeyKind::Small);
        let input = schedule.instructions[0].result;
        let (set, small) = named(input);
        let outputs =
            schedule
                .outputs
                .iter()
                .zip(&schedule.part_ranges)
                .map(|(value, (low, _))| {
                    let result = schedule.instructions[value.0 as usize].result;
                    let (set, small) = named(result);
                    OutputSpec {
                        count: result.count,
                        set,
                        small,
                        turn: result.turn,
                        low: *low,
                    }
                });
        Self {
            bootstraps: schedule
                .bootstrap_sets()
                .iter()
                .map(ToString::to_string)
                .collect(),
            keyswitches: (schedule.keyswitch_pairs().iter())
                .map(|(a, b)| (a.to_string(), b.to_string()))
                .collect(),
            input: InputSpec {
                count: input.count,
                set,
                small,
                turn: input.turn,
                low: schedule.input_low,
                high: schedule.input_high,
            },
            outputs: outputs.collect(),
            output_bytes: schedule.output_bytes,
            label: schedule.output_form == OutputForm::Label,
        }
    }

    /// Which keys it needs, as text: the sets that bootstrap, the pairs that switch, and all sets that have secret
    /// keys. Specs with the same list take the same keys.
    pub fn key_list(&self) -> String {
        let pairs: Vec<String> = self
            .keyswitches
            .iter()
            .map(|(a, b)| format!("{a}>{b}"))
            .collect();
        let mut sets: Vec<&str> = self.set_names().map(String::as_str).collect();
        sets.sort_unstable();
        sets.dedup();
        let list = [self.bootstraps.join(" "), pairs.join(" "), sets.join(" ")];
        list.join("; ")
    }

    /// Bytes of the seeded evaluation keys that it asks for, without seeds and envelope; a set that does not exist
    /// counts nothing.
    pub fn evaluation_key_bytes(&self) -> u64 {
        let key = |name: &String| Some(SetId::find(name)?.get());
        let bootstraps = self.bootstraps.iter();
        let bootstraps = bootstraps.filter_map(|name| Some(key(name)?.bootstrap_key_bytes()));
        let switches = self.keyswitches.iter();
        let switches = switches.filter_map(|(a, b)| Some(key(b)?.keyswitch_key_bytes(key(a)?)));
        bootstraps.chain(switches).sum()
    }

    /// Its JSON text.
    ///
    /// # Errors
    /// Never for a spec of a schedule.
    pub fn to_json(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(|e| Error::Spec(e.to_string()))
    }

    /// Reads its JSON text and checks it.
    ///
    /// # Errors
    /// A text of another form, unknown sets, or numbers beyond the limits of schedules.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let spec: Self = serde_json::from_str(text).map_err(|e| Error::Spec(e.to_string()))?;
        spec.check()?;
        Ok(spec)
    }

    /// The first 16 hexadecimal digits of the hash of its text.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.to_json().unwrap_or_default())
    }

    /// Refuses `what`, whose keys are those of `theirs`, where this spec needs others.
    pub(crate) fn check_keys(&self, what: &'static str, theirs: &Spec) -> Result<(), Error> {
        let (ours, theirs) = (self.key_list(), theirs.key_list());
        match ours == theirs {
            true => Ok(()),
            false => Err(Error::ForeignSpec {
                what,
                found: fingerprint(&theirs),
                expected: fingerprint(&ours),
            }),
        }
    }

    /// All sets whose keys the client needs, ascending.
    pub(crate) fn sets(&self) -> Result<Vec<SetId>, Error> {
        let sets = self.set_names().map(|name| set(name));
        let mut sets = sets.collect::<Result<Vec<_>, _>>()?;
        sets.sort_unstable();
        sets.dedup();
        Ok(sets)
    }

    /// The names of all sets, some more than once.
    fn set_names(&self) -> impl Iterator<Item = &String> {
        let pairs = self.keyswitches.iter().flat_map(|(a, b)| [a, b]);
        let outputs = self.outputs.iter().map(|o| &o.set);
        let named = self.bootstraps.iter().chain(pairs);
        named.chain([&self.input.set]).chain(outputs)
    }

    fn check(&self) -> Result<(), Error> {
        self.sets()?;
        let fits = |count: u32, turn: u32| {
            (1..=MAX_COUNT).contains(&count) && (2..=MAX_TURN).contains(&turn)
        };
        let outputs = self.outputs.iter().map(|o| (o.count, o.turn));
        for (count, turn) in outputs.chain([(self.input.count, self.input.turn)]) {
            if !fits(count, turn) {
                return Err(Error::Spec(format!("{count} values with turn {turn}")));
            }
        }
        let one_count = self.outputs.windows(2).all(|w| w[0].count == w[1].count);
        if self.outputs.is_empty() || self.outputs.len() > 64 || !one_count {
            return Err(Error::Spec(format!(
                "{} output parts, 1 to 64 of one length are possible",
                self.outputs.len()
            )));
        }
        let low_limit = 1 << 32;
        let bounded = |v: i64| v.unsigned_abs() <= low_limit;
        let lows = self.outputs.iter().all(|o| bounded(o.low));
        if !(1..=8).contains(&self.output_bytes)
            || !lows
            || !bounded(self.input.low)
            || !bounded(self.input.high)
        {
            return Err(Error::Spec(
                "bytes or ranges of values are beyond the limits".into(),
            ));
        }
        Ok(())
    }
}

fn fingerprint(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..16].to_owned()
}

/// The set with this name.
pub(crate) fn set(name: &str) -> Result<SetId, Error> {
    SetId::find(name)
        .ok_or_else(|| Error::Spec(format!("`{}` is no parameter set", name.escape_default())))
}
