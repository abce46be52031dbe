//! Evaluation keys of a client: which an artifact needs, and that they are those.

use std::collections::BTreeMap;
use std::io::Read;

use hemet_ckks::{Context, EvaluationKeys, KeyRequest};
use hemet_schedule::Level;

use super::spec::CkksSpec;
use crate::error::{Result, RuntimeError};
use crate::files::FileKind;

/// Hands the engine's request for the keys that an artifact needs to `with`.
pub(super) fn with_request<R>(spec: &CkksSpec, with: impl FnOnce(&KeyRequest<'_>) -> R) -> R {
    let number = |level: Level| level.0 as usize;
    let rotations = spec.rotations.iter();
    let rotations: Vec<(i64, usize)> = rotations
        .map(|(step, level)| (i64::from(*step), number(*level)))
        .collect();
    with(&KeyRequest {
        relinearize: spec.relinearize.map(number),
        rotations: &rotations,
        conjugate: None,
    })
}

/// Reads the keys of a client from so many bytes, and none beyond those that the artifact of `spec` needs.
pub(super) fn read(
    context: &Context,
    spec: &CkksSpec,
    input: &mut dyn Read,
    bytes: u64,
) -> Result<EvaluationKeys> {
    let mut input = input.take(bytes);
    let keys = with_request(spec, |request| {
        EvaluationKeys::read_requested(context, request, &mut input)
    })?;
    match input.limit() {
        0 => Ok(keys),
        left => Err(RuntimeError::Length {
            what: FileKind::EvaluationKeys.name(),
            expected: bytes - left,
            got: bytes,
        }),
    }
}

/// Whether every key that the artifact of `spec` needs is there and serves up to the level where it is needed, and no
/// other key.
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
    let asked = |step: &i64| u32::try_from(*step).is_ok_and(|s| spec.rotations.contains_key(&s));
    let extra = there.keys().filter(|step| !asked(step)).count();
    let extra = extra + usize::from(relinearization.is_some() && spec.relinearize.is_none());
    if extra > 0 {
        let needed = spec.rotations.len() + usize::from(spec.relinearize.is_some());
        return Err(RuntimeError::ExtraKeys { extra, needed });
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
