//! The interpreter: one for all backends.

use hemet_schedule::fusion::{Fusion, fusions};
use hemet_schedule::verify::Verified;
use hemet_schedule::{Constant, Diagonals, Header, Instruction, Op, Schedule, Type};

use crate::backend::{Backend, LinearConstant};
use crate::error::{Result, RuntimeError};
use crate::observe::at;
use crate::order::Order;

/// A verified schedule with its constants encoded for a backend: made once when an artifact is loaded, so that no
/// request waits for an encoding.
pub struct Program<B: Backend> {
    backend: B,
    schedule: Verified,
    constants: Vec<Encoded<B>>,
    maps: B::Maps,
    /// What waits for what.
    order: Order,
    /// For each instruction whether a rescale runs inside it.
    fusions: Vec<Fusion>,
}

/// What an instruction needs beside its operands.
enum Encoded<B: Backend> {
    None,
    Vector(B::Vector),
    /// Position among the linear maps.
    Map(usize),
}

impl<B: Backend> Program<B> {
    /// Encodes the constants of `schedule` for `backend`, in the caller's rayon pool.
    ///
    /// # Errors
    /// A constant that the backend cannot encode, named.
    pub fn new(schedule: Verified, backend: B) -> Result<Self> {
        use rayon::prelude::*;
        let plain = schedule.schedule();
        let constants = plain
            .instructions
            .par_iter()
            .enumerate()
            .map(|(index, instruction)| {
                encode(plain, &backend, instruction).map_err(|e| at(plain, index, e))
            })
            .collect::<Result<Vec<_>>>()?;
        let mut maps = Vec::new();
        let number = |constant| match constant {
            Ready::None => Encoded::None,
            Ready::Vector(vector) => Encoded::Vector(vector),
            Ready::Map(map) => {
                maps.push(map);
                Encoded::Map(maps.len() - 1)
            }
        };
        let constants = constants.into_iter().map(number).collect();
        let maps = backend.encode_maps(maps)?;
        let order = Order::new(plain, backend.is_in_order(&maps));
        let fusions = fusions(plain);
        Ok(Self {
            backend,
            schedule,
            constants,
            maps,
            order,
            fusions,
        })
    }

    /// The schedule.
    pub fn schedule(&self) -> &Schedule {
        self.schedule.schedule()
    }

    /// The backend.
    pub fn backend(&self) -> &B {
        &self.backend
    }

    /// The linear maps as the backend holds them.
    pub(crate) fn maps(&self) -> &B::Maps {
        &self.maps
    }

    pub(crate) fn order(&self) -> &Order {
        &self.order
    }

    pub(crate) fn fusion(&self, index: usize) -> Fusion {
        self.fusions.get(index).copied().unwrap_or(Fusion::Alone)
    }

    pub(crate) fn check_inputs(&self, inputs: &[B::Ciphertext]) -> Result<()> {
        let header = &self.schedule().header;
        let expected = header.input.ciphertexts(header.parameters.slots());
        if inputs.len() != expected {
            return Err(RuntimeError::Count {
                what: "the input",
                expected,
                got: inputs.len(),
                advice: "encrypt the image for this artifact",
            });
        }
        let ty = input_type(header);
        inputs
            .iter()
            .enumerate()
            .try_for_each(|(index, x)| self.backend.check_input(index, x, &ty))
    }

    /// The results of an instruction that reads `operands`.
    pub(crate) fn compute(
        &self,
        keys: &B::Keys,
        pass: &B::Pass<'_>,
        index: usize,
        operands: &[&B::Ciphertext],
    ) -> Result<Vec<B::Ciphertext>> {
        let backend = &self.backend;
        let with_rescale = self.fusion(index) == Fusion::WithRescale;
        let missing = || RuntimeError::Inconsistent("an operand is missing".into());
        let (first, second) = (operands.first().copied(), operands.get(1).copied());
        let x = || first.ok_or_else(missing);
        let y = || second.ok_or_else(missing);
        let result = match &self.schedule().instructions[index].op {
            Op::Input { .. } => return Err(missing()),
            Op::Linear { .. } => {
                let map = self.map(index)?;
                return match with_rescale {
                    true => backend.linear_rescale(keys, operands, pass, map),
                    false => backend.linear(keys, operands, pass, map),
                };
            }
            Op::Rotate { step, .. } => backend.rotate(keys, x()?, *step)?,
            Op::Add { .. } => backend.add(x()?, y()?)?,
            Op::AddPlain { .. } => backend.add_plain(x()?, self.vector(index)?)?,
            Op::Multiply { .. } => backend.multiply(x()?, y()?)?,
            Op::Square { .. } => backend.square(x()?)?,
            Op::Relinearize { .. } => match with_rescale {
                true => backend.relinearize_rescale(keys, x()?)?,
                false => backend.relinearize(keys, x()?)?,
            },
            Op::Rescale { .. } => backend.rescale(x()?)?,
            Op::LevelDrop { to, .. } => backend.level_drop(x()?, *to)?,
        };
        Ok(vec![result])
    }

    fn vector(&self, index: usize) -> Result<&B::Vector> {
        match self.constants.get(index) {
            Some(Encoded::Vector(vector)) => Ok(vector),
            Some(Encoded::Map(_) | Encoded::None) | None => {
                Err(RuntimeError::Inconsistent("a vector is missing".into()))
            }
        }
    }

    fn map(&self, index: usize) -> Result<usize> {
        match self.constants.get(index) {
            Some(Encoded::Map(map)) => Ok(*map),
            Some(Encoded::Vector(_) | Encoded::None) | None => {
                Err(RuntimeError::Inconsistent("a linear map is missing".into()))
            }
        }
    }
}

/// The type of every input ciphertext.
pub(crate) fn input_type(header: &Header) -> Type {
    Type {
        level: header.input_level,
        scale: header.input_scale.clone(),
        degree: 1,
    }
}

/// A constant before the linear maps are encoded together.
enum Ready<B: Backend> {
    None,
    Vector(B::Vector),
    Map(LinearConstant),
}

/// Encodes vectors and makes linear maps ready.
fn encode<B: Backend>(
    schedule: &Schedule,
    backend: &B,
    instruction: &Instruction,
) -> Result<Ready<B>> {
    let Some(id) = instruction.op.constant() else {
        return Ok(Ready::None);
    };
    let missing = || RuntimeError::Inconsistent(format!("constant {} does not exist", id.0));
    let entry = schedule.constants.entries.get(id.0 as usize);
    let (name, constant) = entry.ok_or_else(missing)?;
    let operand = instruction.op.operands().first().copied();
    let ty = operand.and_then(|x| schedule.types.get(x.0 as usize));
    let ty = ty.ok_or_else(missing)?;
    let named = |e: RuntimeError| RuntimeError::Constant {
        name: name.clone(),
        reason: e.to_string(),
    };
    match (&instruction.op, constant) {
        (Op::AddPlain { .. }, Constant::Vector(values)) => backend
            .encode_vector(values, ty.level, &ty.scale)
            .map(Ready::Vector)
            .map_err(named),
        (
            Op::Linear {
                inputs,
                plan,
                scale,
                ..
            },
            Constant::Diagonals { .. } | Constant::Placed(_),
        ) => {
            let diagonals = Diagonals::of(constant, backend.slots()).ok_or_else(missing)?;
            Ok(Ready::Map(LinearConstant {
                inputs: inputs.len(),
                plan: plan.clone(),
                diagonals,
                level: ty.level,
                scale: scale.clone(),
            }))
        }
        (_, Constant::Vector(_) | Constant::Diagonals { .. } | Constant::Placed(_)) => Err(named(
            RuntimeError::Inconsistent("it is of the wrong kind".into()),
        )),
    }
}
