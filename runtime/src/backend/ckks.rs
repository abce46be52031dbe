//! Backend `ckks`: the engine of `hemet-ckks`.
//!
//! A vector constant of period 1 is encoded without a transform; diagonals are encoded for the level at which they
//! are used, as many as fit the memory for them when a program is made, the others for each use, ahead of it where
//! threads are idle. Where not all fit, a map's diagonals are used in pieces, so that no map is in memory as a whole.
//! The scale of a schedule's type is exact; the engine carries it as a float, equal to 2^-40.

use std::sync::{Arc, Mutex, PoisonError};

use hemet_ckks::{
    Ciphertext, Context, Diagonal, EvaluationKeys, LinearPieces, LinearTerm, Pass, PlainCache,
    PlainSource, Plaintext,
};
use hemet_schedule::{Level, Scale, Type};

use super::{Backend, LinearConstant};
use crate::error::{Result, RuntimeError};
use crate::noise::NoiseModel;

/// The backend `ckks`.
#[derive(Clone)]
pub struct CkksBackend {
    context: Arc<Context>,
    /// Bytes that encoded diagonals may take.
    diagonal_bytes: usize,
    /// All diagonals, where they were encoded before.
    encoded: Option<Vec<Diagonal>>,
}

/// Part of the memory for encoded diagonals that those in use may take, if not all fit.
const IN_USE: usize = 8;

/// The linear maps of a program: their plans in the engine's words, and their diagonals.
pub struct CkksMaps {
    plans: Vec<CkksPlan>,
    diagonals: Arc<PlainCache<DiagonalSource>>,
    /// All groups, in the order of their use.
    order: Vec<usize>,
}

impl CkksMaps {
    /// All encoded diagonals, in the order of their maps; none where some are encoded for each use.
    pub fn diagonals(&self) -> Option<Vec<&Diagonal>> {
        self.diagonals.all_items()
    }
}

/// A plan in pieces, and which group of diagonals the first of them is.
struct CkksPlan {
    pieces: LinearPieces,
    first: usize,
}

/// The linear maps during a run.
pub struct CkksPass<'a> {
    plans: &'a [CkksPlan],
    diagonals: Mutex<Pass<DiagonalSource>>,
}

/// Where diagonals come from: each piece of a map is a group.
struct DiagonalSource {
    maps: Vec<LinearConstant>,
    /// Of each map.
    scales: Vec<f64>,
    /// For each group its map, and the numbers of the terms whose diagonals it has.
    groups: Vec<(usize, Vec<usize>)>,
}

impl DiagonalSource {
    /// Bytes of a diagonal of a map.
    fn bytes(context: &Context, map: &LinearConstant) -> usize {
        let level = map.level.0 as usize;
        // A level outside the chain is refused when the first item is encoded.
        let bytes = context.repeated_diagonal_bytes(map.diagonals.period(), level);
        bytes.unwrap_or(0)
    }
}

impl PlainSource for DiagonalSource {
    type Item = Diagonal;

    fn groups(&self) -> usize {
        self.groups.len()
    }

    fn items(&self, group: usize) -> usize {
        self.groups[group].1.len()
    }

    fn item_bytes(&self, context: &Context, group: usize) -> usize {
        Self::bytes(context, &self.maps[self.groups[group].0])
    }

    fn encode(
        &self,
        context: &Context,
        group: usize,
        item: usize,
    ) -> std::result::Result<Diagonal, hemet_ckks::Error> {
        let (number, terms) = &self.groups[group];
        let (map, item) = (&self.maps[*number], terms[item]);
        let values = map.diagonals.get(item, &map.plan.terms[item]);
        let period = values.len().min(context.parameters().slots());
        let (scale, level) = (self.scales[*number], map.level.0 as usize);
        context.encode_repeated_diagonal(&values[..period], scale, level)
    }
}

impl CkksBackend {
    /// A backend for the parameters of `context` that keeps all encoded constants.
    pub fn new(context: Arc<Context>) -> Self {
        Self::with_diagonal_bytes(context, usize::MAX)
    }

    /// One whose encoded diagonals take at most so many bytes, or what the largest inner sum of a linear map needs if
    /// that is more.
    pub fn with_diagonal_bytes(context: Arc<Context>, diagonal_bytes: usize) -> Self {
        Self {
            context,
            diagonal_bytes,
            encoded: None,
        }
    }

    /// One for a program whose diagonals were encoded before, in the order of [`CkksMaps::diagonals`].
    pub fn with_diagonals(context: Arc<Context>, diagonals: Vec<Diagonal>) -> Self {
        Self {
            encoded: Some(diagonals),
            ..Self::new(context)
        }
    }

    /// The engine.
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    fn scale(&self, scale: &Scale) -> Result<f64> {
        scale
            .to_f64(self.context.parameters().moduli())
            .ok_or_else(|| RuntimeError::Inconsistent(format!("scale {scale} is out of range")))
    }
}

impl CkksPass<'_> {
    /// A linear map, rescaled or not. Where diagonals are to be encoded, maps come one at a time
    /// ([`Backend::is_in_order`]), so that no thread that encodes under the lock can meet it again in another map's
    /// instruction.
    fn apply(
        &self,
        context: &Context,
        keys: &EvaluationKeys,
        inputs: &[&Ciphertext],
        map: usize,
        rescale: bool,
    ) -> Result<Vec<Ciphertext>> {
        let missing = || RuntimeError::Inconsistent("a linear map is missing".into());
        let plan = self.plans.get(map).ok_or_else(missing)?;
        let take = |piece: usize| {
            let diagonals = self.diagonals.lock();
            let mut diagonals = diagonals.unwrap_or_else(PoisonError::into_inner);
            diagonals.take(plan.first + piece)
        };
        Ok(context.linear_pieces(inputs, &plan.pieces, take, keys, rescale)?)
    }
}

/// The plan of a map in the engine's words.
fn plan(map: &LinearConstant) -> Result<hemet_ckks::LinearPlan> {
    let terms = map.plan.terms.iter().enumerate();
    let terms: Vec<LinearTerm> = terms
        .map(|(diagonal, term)| LinearTerm {
            output: term.output as usize,
            giant: i64::from(term.giant),
            input: term.input as usize,
            baby: i64::from(term.baby),
            diagonal,
        })
        .collect();
    let outputs = map.plan.outputs as usize;
    Ok(hemet_ckks::LinearPlan::new(map.inputs, outputs, &terms)?)
}

/// Why a ciphertext does not have the type `expected`, if it does not: the property, what is needed, what there is.
pub(crate) fn type_mismatch(
    x: &Ciphertext,
    expected: &Type,
    expected_scale: f64,
) -> Option<(&'static str, String, String)> {
    let degree = usize::from(expected.degree);
    if x.degree() != degree {
        return Some(("degree", degree.to_string(), x.degree().to_string()));
    }
    let level = expected.level.0 as usize;
    if x.level() != level {
        return Some(("level", level.to_string(), x.level().to_string()));
    }
    let distance = (x.scale() / expected_scale - 1.0).abs();
    if distance.is_nan() || distance > SCALE_TOLERANCE {
        let text = |scale: f64| format!("2^{:.6}", scale.log2());
        return Some(("scale", text(expected_scale), text(x.scale())));
    }
    None
}

/// Scales that differ by less than this part are equal: the engine's own tolerance.
const SCALE_TOLERANCE: f64 = 1.0 / (1u64 << 40) as f64;

impl Backend for CkksBackend {
    type Ciphertext = Ciphertext;
    type Vector = Plaintext;
    type Maps = CkksMaps;
    type Pass<'a> = CkksPass<'a>;
    type Keys = EvaluationKeys;

    fn name(&self) -> &'static str {
        "ckks"
    }

    fn slots(&self) -> usize {
        self.context.parameters().slots()
    }

    fn noise(&self) -> NoiseModel {
        NoiseModel::of_ckks(self.context.parameters())
    }

    fn encode_vector(&self, values: &[f64], level: Level, scale: &Scale) -> Result<Plaintext> {
        let (scale, level) = (self.scale(scale)?, level.0 as usize);
        match values {
            [one] => Ok(self.context.encode_constant(*one, scale, level)?),
            _ => {
                let period = values.len().min(self.slots());
                Ok(self
                    .context
                    .encode_repeated(&values[..period], scale, level)?)
            }
        }
    }

    fn encode_maps(&self, maps: Vec<LinearConstant>) -> Result<CkksMaps> {
        let sizes = maps.iter().map(|map| {
            (
                map.plan.terms.len(),
                DiagonalSource::bytes(&self.context, map),
            )
        });
        let all = sizes.fold(0usize, |sum, (terms, bytes)| {
            sum.saturating_add(terms.saturating_mul(bytes))
        });
        let (mut plans, mut scales, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        for (number, map) in maps.iter().enumerate() {
            let bytes = DiagonalSource::bytes(&self.context, map).max(1);
            let most = match all <= self.diagonal_bytes {
                true => usize::MAX,
                false => self.diagonal_bytes / IN_USE / bytes,
            };
            let (plan, first) = (plan(map)?, groups.len());
            let pieces = LinearPieces::new(plan, most);
            groups.extend(pieces.diagonals().map(|terms| (number, terms.to_vec())));
            plans.push(CkksPlan { pieces, first });
            scales.push(self.scale(&map.scale)?);
        }
        let order = (0..groups.len()).collect();
        let source = DiagonalSource {
            maps,
            scales,
            groups,
        };
        let diagonals = match &self.encoded {
            Some(encoded) => PlainCache::of_items(&self.context, source, encoded.clone())?,
            None => PlainCache::new(&self.context, source, self.diagonal_bytes)?,
        };
        Ok(CkksMaps {
            plans,
            diagonals,
            order,
        })
    }

    fn begin<'a>(&self, maps: &'a CkksMaps) -> CkksPass<'a> {
        CkksPass {
            plans: &maps.plans,
            diagonals: Mutex::new(maps.diagonals.pass(&maps.order)),
        }
    }

    fn is_in_order(&self, maps: &CkksMaps) -> bool {
        maps.diagonals.most_bytes() > maps.diagonals.kept_bytes()
    }

    fn check_input(&self, index: usize, x: &Ciphertext, expected: &Type) -> Result<()> {
        let scale = self.scale(&expected.scale)?;
        match type_mismatch(x, expected, scale) {
            None => Ok(()),
            Some((property, expected, got)) => Err(RuntimeError::Ciphertext {
                what: "the encrypted input",
                index,
                property,
                expected,
                got,
                advice: "encrypt the image for this artifact",
            }),
        }
    }

    fn linear(
        &self,
        keys: &EvaluationKeys,
        inputs: &[&Ciphertext],
        pass: &CkksPass<'_>,
        map: usize,
    ) -> Result<Vec<Ciphertext>> {
        pass.apply(&self.context, keys, inputs, map, false)
    }

    fn linear_rescale(
        &self,
        keys: &EvaluationKeys,
        inputs: &[&Ciphertext],
        pass: &CkksPass<'_>,
        map: usize,
    ) -> Result<Vec<Ciphertext>> {
        pass.apply(&self.context, keys, inputs, map, true)
    }

    fn rotate(&self, keys: &EvaluationKeys, x: &Ciphertext, step: u32) -> Result<Ciphertext> {
        Ok(self.context.rotate(x, i64::from(step), keys)?)
    }

    fn add(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext> {
        Ok(self.context.add(a, b)?)
    }

    fn add_plain(&self, x: &Ciphertext, constant: &Plaintext) -> Result<Ciphertext> {
        Ok(self.context.add_plain(x, constant)?)
    }

    fn multiply(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext> {
        Ok(self.context.multiply(a, b)?)
    }

    fn square(&self, x: &Ciphertext) -> Result<Ciphertext> {
        Ok(self.context.square(x)?)
    }

    fn relinearize(&self, keys: &EvaluationKeys, x: &Ciphertext) -> Result<Ciphertext> {
        Ok(self.context.relinearize(x, keys)?)
    }

    fn relinearize_rescale(&self, keys: &EvaluationKeys, x: &Ciphertext) -> Result<Ciphertext> {
        Ok(self.context.relinearize_rescale(x, keys)?)
    }

    fn rescale(&self, x: &Ciphertext) -> Result<Ciphertext> {
        Ok(self.context.rescale(x)?)
    }

    fn level_drop(&self, x: &Ciphertext, to: Level) -> Result<Ciphertext> {
        Ok(self.context.level_drop(x, to.0 as usize)?)
    }
}
