//! The interpreter: one for all backends.

use hemet_schedule::fusion::{Fusion, fusions};
use hemet_schedule::verify::Verified;
use hemet_schedule::{Constant, Diagonals, Header, Instruction, Op, Schedule, Type, ValueId};

use crate::backend::{Backend, LinearConstant};
use crate::error::{Result, RuntimeError};

/// Whether an instruction is about to run or has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before it.
    Begin,
    /// After it.
    End,
}

/// What an observer is told before and after each instruction; it measures times itself.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Before or after.
    pub moment: Moment,
    /// Position of the instruction.
    pub instruction: usize,
    /// Number of instructions.
    pub total: usize,
    /// What it does.
    pub op: &'a Op,
    /// The layer that it belongs to.
    pub layer: &'a str,
}

/// Called before and after each instruction.
pub type Observer<'a> = dyn FnMut(&Progress<'_>) + 'a;

/// An observer that does nothing.
pub fn unobserved(_: &Progress<'_>) {}

/// A verified schedule with its constants encoded for a backend: made once when an artifact is loaded, so that no request
/// waits for an encoding.
pub struct Program<B: Backend> {
    backend: B,
    schedule: Verified,
    constants: Vec<Encoded<B>>,
    maps: B::Maps,
    /// For each value the instruction after which it is not read any more; `usize::MAX` for outputs.
    last_use: Vec<usize>,
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
        let last_use = last_uses(plain);
        let fusions = fusions(plain);
        Ok(Self {
            backend,
            schedule,
            constants,
            maps,
            last_use,
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

    /// Runs the schedule on `inputs`; returns the outputs in their order.
    ///
    /// Values are freed after their last use. Instructions run one after another; the work inside one is spread over the
    /// caller's rayon pool by the backend. A rescale that alone reads the result of a linear map or of a relinearisation
    /// runs inside it: an observer sees it take no time.
    ///
    /// # Errors
    /// Inputs of another number or type than the header says, a missing key; the error names instruction and layer.
    pub fn run(
        &self,
        keys: &B::Keys,
        inputs: Vec<B::Ciphertext>,
        observe: &mut Observer<'_>,
    ) -> Result<Vec<B::Ciphertext>> {
        let schedule = self.schedule();
        self.check_inputs(&inputs)?;
        let mut running = Running::<B> {
            keys,
            pass: self.backend.begin(&self.maps),
            values: Values {
                slots: vec![None; schedule.types.len()],
                inputs: inputs.into_iter().map(Some).collect(),
            },
        };
        for (index, instruction) in schedule.instructions.iter().enumerate() {
            let layer = layer_name(schedule, instruction);
            let mut progress = Progress {
                moment: Moment::Begin,
                instruction: index,
                total: schedule.instructions.len(),
                op: &instruction.op,
                layer,
            };
            observe(&progress);
            let results = self
                .step(index, instruction, &mut running)
                .map_err(|e| at(schedule, index, e))?;
            self.store(index, instruction, results, &mut running.values);
            progress.moment = Moment::End;
            observe(&progress);
        }
        schedule
            .outputs
            .iter()
            .map(|v| running.values.get(*v).cloned())
            .collect()
    }

    fn check_inputs(&self, inputs: &[B::Ciphertext]) -> Result<()> {
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

    /// Keeps results that are read later and frees operands that are not.
    fn store(
        &self,
        index: usize,
        instruction: &Instruction,
        results: Vec<B::Ciphertext>,
        values: &mut Values<B>,
    ) {
        for (k, result) in results.into_iter().enumerate() {
            let at = instruction.first_result.0 as usize + k;
            if self.last_use.get(at).is_some_and(|last| *last > index)
                && let Some(place) = values.slots.get_mut(at)
            {
                *place = Some(result);
            }
        }
        for operand in instruction.op.operands() {
            let at = operand.0 as usize;
            if self.last_use.get(at) == Some(&index)
                && let Some(place) = values.slots.get_mut(at)
            {
                *place = None;
            }
        }
    }

    fn step(
        &self,
        index: usize,
        instruction: &Instruction,
        running: &mut Running<'_, B>,
    ) -> Result<Vec<B::Ciphertext>> {
        let backend = &self.backend;
        let Running { keys, pass, values } = running;
        let fusion = self.fusions.get(index).copied().unwrap_or(Fusion::Alone);
        let result = match &instruction.op {
            Op::Input { index } => values.take_input(*index)?,
            Op::Linear { inputs, .. } => {
                let inputs: Vec<&B::Ciphertext> = inputs
                    .iter()
                    .map(|x| values.get(*x))
                    .collect::<Result<_>>()?;
                let map = self.map(index)?;
                return match fusion {
                    Fusion::WithRescale => backend.linear_rescale(keys, &inputs, pass, map),
                    Fusion::Alone | Fusion::Done => backend.linear(keys, &inputs, pass, map),
                };
            }
            Op::Rotate { x, step } => backend.rotate(keys, values.get(*x)?, *step)?,
            Op::Add { a, b } => backend.add(values.get(*a)?, values.get(*b)?)?,
            Op::Sub { a, b } => backend.sub(values.get(*a)?, values.get(*b)?)?,
            Op::AddPlain { x, .. } => backend.add_plain(values.get(*x)?, self.vector(index)?)?,
            Op::MulPlain { x, .. } => backend.mul_plain(values.get(*x)?, self.vector(index)?)?,
            Op::Multiply { a, b } => backend.multiply(values.get(*a)?, values.get(*b)?)?,
            Op::Square { x } => backend.square(values.get(*x)?)?,
            Op::Relinearize { x } => match fusion {
                Fusion::WithRescale => backend.relinearize_rescale(keys, values.get(*x)?)?,
                Fusion::Alone | Fusion::Done => backend.relinearize(keys, values.get(*x)?)?,
            },
            Op::Rescale { x } => match fusion {
                Fusion::Done => values.take(*x)?,
                Fusion::Alone | Fusion::WithRescale => backend.rescale(values.get(*x)?)?,
            },
            Op::LevelDrop { x, to } => backend.level_drop(values.get(*x)?, *to)?,
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

/// The state of a run.
struct Running<'r, B: Backend> {
    keys: &'r B::Keys,
    pass: B::Pass<'r>,
    values: Values<B>,
}

/// The values alive during a run.
struct Values<B: Backend> {
    slots: Vec<Option<B::Ciphertext>>,
    inputs: Vec<Option<B::Ciphertext>>,
}

impl<B: Backend> Values<B> {
    fn get(&self, value: ValueId) -> Result<&B::Ciphertext> {
        let found = self.slots.get(value.0 as usize).and_then(Option::as_ref);
        found.ok_or_else(|| RuntimeError::Inconsistent(format!("{value} is not alive")))
    }

    fn take(&mut self, value: ValueId) -> Result<B::Ciphertext> {
        let found = self.slots.get_mut(value.0 as usize).and_then(Option::take);
        found.ok_or_else(|| RuntimeError::Inconsistent(format!("{value} is not alive")))
    }

    fn take_input(&mut self, index: u32) -> Result<B::Ciphertext> {
        let found = self.inputs.get_mut(index as usize).and_then(Option::take);
        found.ok_or_else(|| RuntimeError::Inconsistent(format!("input {index} is read twice")))
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

fn layer_name<'a>(schedule: &'a Schedule, instruction: &Instruction) -> &'a str {
    let layer = schedule.header.layers.get(instruction.layer.0 as usize);
    layer.map_or("?", String::as_str)
}

fn at(schedule: &Schedule, index: usize, source: RuntimeError) -> RuntimeError {
    let Some(instruction) = schedule.instructions.get(index) else {
        return source;
    };
    RuntimeError::Instruction {
        instruction: index,
        op: instruction.op.name(),
        layer: layer_name(schedule, instruction).to_owned(),
        source: Box::new(source),
    }
}

fn last_uses(schedule: &Schedule) -> Vec<usize> {
    let mut last = vec![0; schedule.types.len()];
    for (index, instruction) in schedule.instructions.iter().enumerate() {
        for operand in instruction.op.operands() {
            if let Some(place) = last.get_mut(operand.0 as usize) {
                *place = index;
            }
        }
    }
    for output in &schedule.outputs {
        if let Some(place) = last.get_mut(output.0 as usize) {
            *place = usize::MAX;
        }
    }
    last
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
        (Op::MulPlain { scale, .. }, Constant::Vector(values)) => backend
            .encode_vector(values, ty.level, scale)
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
