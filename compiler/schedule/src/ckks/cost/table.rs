//! The cost table: what a machine takes for each piece of work, measured by `calibrate` for each ring degree.

use std::collections::{BTreeMap, HashSet};

use super::CostKind;
use super::work::{Ring, Unit, Work};
use crate::ckks::{Error, MissingCost};

/// The form of table that this version writes and reads.
pub const TABLE_VERSION: u32 = 2;

/// The costs of one ring degree: one elementary cost takes its factor times the times of its units.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DegreeCosts {
    /// log2 of the ring degree.
    pub log_n: u32,
    /// Microseconds of each [`Unit`], by its name.
    pub unit_us: BTreeMap<String, f64>,
    /// Factor of each [`CostKind`], by its name: what counts of units leave out.
    pub factors: BTreeMap<String, f64>,
    /// Microseconds to encode one limb of a diagonal that repeats nothing; [`DegreeCosts::encode_us`] where not
    /// measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encode: Option<f64>,
    /// Microseconds of one limb's worth of 64-bit words of a key when it is used for the first time;
    /// [`DegreeCosts::first_use_us`] where not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_use: Option<f64>,
    /// The share of the work inside a linear map that threads do side by side, from 0 to 1.
    pub shared: f64,
    /// Mean relative distance of the operations that were measured from what stands here.
    pub deviation: f64,
}

/// [`DegreeCosts`] in the order of [`Unit::ALL`] and [`CostKind::ALL`], for quick lookups.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnitTimes {
    us: Work,
    factors: [f64; CostKind::ALL.len()],
}

impl UnitTimes {
    /// The time of `work` that belongs to elementary costs of a kind, in microseconds.
    pub fn us(&self, kind: CostKind, work: &Work) -> f64 {
        let units: f64 = work.iter().zip(self.us).map(|(count, us)| count * us).sum();
        self.factors[kind as usize] * units
    }
}

/// The measured costs of one machine and backend, one thread.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostTable {
    /// [`TABLE_VERSION`].
    pub version: u32,
    /// Processor model, as the machine names it.
    pub machine: String,
    /// Name of the backend, `ckks`.
    pub backend: String,
    /// Costs by ring degree, each once.
    pub degrees: Vec<DegreeCosts>,
}

#[derive(serde::Deserialize)]
struct Version {
    version: Option<u32>,
}

impl CostTable {
    /// Reads a table.
    ///
    /// # Errors
    /// [`Error::CostTable`] with line and column where it is not a table's JSON, or with what is wrong: another
    /// version, an unknown or missing unit, a time that is negative or not finite, the same ring degree twice.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        let wrong = |message: String| Error::CostTable { message };
        let found: Version = serde_json::from_str(json).map_err(|e| wrong(e.to_string()))?;
        if found.version != Some(TABLE_VERSION) {
            return Err(wrong(format!(
                "it is of version {}, this program reads version {TABLE_VERSION}; measure it again with `hemet calibrate`",
                found.version.map_or("1".into(), |v| v.to_string())
            )));
        }
        let table: Self = serde_json::from_str(json).map_err(|e| wrong(e.to_string()))?;
        let mut seen = HashSet::new();
        for degree in &table.degrees {
            degree.check().map_err(wrong)?;
            if !seen.insert(degree.log_n) {
                return Err(wrong(format!("log_n {} stands twice", degree.log_n)));
            }
        }
        Ok(table)
    }

    /// The table as JSON, one that [`CostTable::from_json`] reads.
    pub fn to_json(&self) -> String {
        let mut json = serde_json::to_string_pretty(self).unwrap_or_default();
        json.push('\n');
        json
    }

    /// The times of a ring degree.
    ///
    /// # Errors
    /// As [`CostTable::degree`].
    pub fn times(&self, log_n: u32) -> Result<UnitTimes, MissingCost> {
        Ok(self.degree(log_n)?.in_order())
    }

    /// The costs of a ring degree.
    ///
    /// # Errors
    /// [`MissingCost`] where it is not measured.
    pub fn degree(&self, log_n: u32) -> Result<&DegreeCosts, MissingCost> {
        let found = self.degrees.iter().find(|degree| degree.log_n == log_n);
        found.ok_or_else(|| MissingCost {
            log_n,
            machine: self.machine.clone(),
            found: match self.degrees.is_empty() {
                true => "nothing".into(),
                false => {
                    let degrees: Vec<_> =
                        self.degrees.iter().map(|d| d.log_n.to_string()).collect();
                    degrees.join(", ")
                }
            },
        })
    }

    /// The time of one `kind` on operands of `limbs` limbs, in microseconds.
    ///
    /// # Errors
    /// As [`CostTable::times`].
    pub fn cost_us(&self, kind: CostKind, ring: &Ring, limbs: u32) -> Result<f64, MissingCost> {
        let times = self.times(ring.log_n())?;
        Ok(times.us(kind, &ring.work(kind, limbs)))
    }
}

/// Encoding of a limb of a diagonal, in transforms, where it was not measured.
const ENCODE: f64 = 1.25;
/// First use of a limb's worth of words, in limbs made bytes, where it was not measured.
const FIRST_USE: f64 = 1.5;

impl DegreeCosts {
    /// Microseconds to encode one limb of a diagonal that repeats nothing; by the time of a transform where that was
    /// not measured.
    pub fn encode_us(&self) -> f64 {
        let transform = self.in_order().us[Unit::Transform as usize];
        self.encode.unwrap_or(ENCODE * transform)
    }

    /// Microseconds of one limb's worth of words of a key that come into memory and are checked; by the time of making
    /// a limb bytes where that was not measured.
    pub fn first_use_us(&self) -> f64 {
        let pack = self.in_order().us[Unit::Pack as usize];
        self.first_use.unwrap_or(FIRST_USE * pack)
    }

    /// In order; what is not there counts as 0.
    pub fn in_order(&self) -> UnitTimes {
        let of = |map: &BTreeMap<String, f64>, name: &str| map.get(name).copied().unwrap_or(0.0);
        UnitTimes {
            us: Unit::ALL.map(|unit| of(&self.unit_us, unit.name())),
            factors: CostKind::ALL.map(|kind| of(&self.factors, kind.name())),
        }
    }

    fn check(&self) -> Result<(), String> {
        let place = |error| format!("log_n {}: {error}", self.log_n);
        for (name, us) in [("encode", self.encode), ("first_use", self.first_use)] {
            if let Some(us) = us.filter(|us| !us.is_finite() || *us < 0.0) {
                return Err(place(format!("`{name}` is {us}; numbers are at least 0")));
            }
        }
        if !(0.0..=1.0).contains(&self.shared) {
            return Err(place(format!(
                "`shared` is {}; it lies in 0..1",
                self.shared
            )));
        }
        check("unit", &self.unit_us, &Unit::ALL.map(Unit::name)).map_err(place)?;
        check("cost", &self.factors, &CostKind::ALL.map(CostKind::name)).map_err(place)
    }
}

/// Whether each name stands in the map, with a number of at least 0, and nothing else.
fn check(what: &str, map: &BTreeMap<String, f64>, names: &[&str]) -> Result<(), String> {
    if let Some(name) = map.keys().find(|name| !names.contains(&name.as_str())) {
        return Err(format!(
            "unknown {what} `{name}`; there are {}",
            names.join(", ")
        ));
    }
    for name in names {
        match map.get(*name) {
            None => return Err(format!("no number for {what} `{name}`")),
            Some(x) if !x.is_finite() || *x < 0.0 => {
                return Err(format!("{what} `{name}` has {x}; numbers are at least 0"));
            }
            Some(_) => {}
        }
    }
    Ok(())
}
