//! Whether a client's evaluation keys are those that an artifact needs.

use std::collections::BTreeMap;

use hemet_ckks::EvaluationKeys;
use hemet_schedule::Level;

use super::CkksSpec;
use crate::error::{Result, RuntimeError};

/// Whether every key that the artifact of `spec` needs is there and serves up to the level where it is needed.
pub(super) fn check(keys: &EvaluationKeys, spec: &CkksSpec) -> Result<()> {
    let there: BTreeMap<i64, usize> = keys.rotations().into_iter().collect();
    let serves = |step: u32| there.get(&i64::from(step)).copied();
    let needed = spec.rotations.keys();
    let lacking = needed.filter(|step| serves(**step).is_none()).count();
    let relinearization = keys.relinearization_level();
    let lacks_relinearization = spec.relinearize.is_some() && relinearization.is_none();
    if lacking > 0 || lacks_relinearization {
        return Err(RuntimeError::MissingKeys {
            rotations: lacking,
            needed: spec.rotations.len(),
            relinearization: lacks_relinearization,
        });
    }
    for (step, level) in &spec.rotations {
        check_level(serves(*step), *level, || {
            format!("the key for rotation by {step}")
        })?;
    }
    spec.relinearize.map_or(Ok(()), |level| {
        check_level(relinearization, level, || "the relinearization key".into())
    })
}

fn check_level(serves: Option<usize>, needed: Level, key: impl Fn() -> String) -> Result<()> {
    match serves {
        Some(serves) if serves < needed.0 as usize => Err(RuntimeError::KeyLevel {
            key: key(),
            serves,
            needed: needed.0 as usize,
        }),
        Some(_) | None => Ok(()),
    }
}
