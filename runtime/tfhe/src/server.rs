//! The server's half: a verified schedule with a client's evaluation keys, ready to run.

use std::collections::BTreeMap;
use std::sync::Arc;

use hemet_schedule::tfhe::{Constant, Op, SetId, TableConstant, Type, Verified};
use tfhe::core_crypto::prelude::{Fft, LweKeyswitchKeyOwned, PolynomialSize};

use crate::bootstrap::{BootstrapKey, Tables};
use crate::encode::truncate;
use crate::keys::{expand_bootstrap_key, expand_keyswitch_key, expand_list};
use crate::spec::set;
use crate::{EncryptedInput, EncryptedOutput, Error, EvaluationKeys, Spec, keyswitch, linear};

/// A schedule with its tables prepared, for the keys of any number of clients.
pub struct Program {
    verified: Verified,
    spec: Spec,
    fingerprint: String,
    /// The tables of each instruction that bootstraps.
    tables: BTreeMap<usize, Tables>,
}

impl Program {
    /// Prepares the tables.
    ///
    /// # Errors
    /// A table that does not fit its parameter set.
    pub fn new(verified: Verified) -> Result<Self, Error> {
        let spec = Spec::of(&verified);
        let mut all = BTreeMap::new();
        for index in 0..verified.instructions.len() {
            if let Some(tables) = tables(&verified, index)? {
                all.insert(index, tables);
            }
        }
        Ok(Self {
            fingerprint: spec.fingerprint(),
            spec,
            tables: all,
            verified,
        })
    }
}

/// A schedule with the keys of one client.
pub struct Server {
    program: Arc<Program>,
    key_id: [u8; 16],
    bootstraps: BTreeMap<SetId, BootstrapKey>,
    keyswitches: BTreeMap<(SetId, SetId), LweKeyswitchKeyOwned<u64>>,
}

impl Server {
    /// Prepares the tables and expands the keys.
    ///
    /// # Errors
    /// Keys of a spec that needs others.
    pub fn new(verified: Verified, keys: &EvaluationKeys) -> Result<Self, Error> {
        Self::with_program(Arc::new(Program::new(verified)?), keys)
    }

    /// Expands the keys of a client of `program`.
    ///
    /// # Errors
    /// Keys of a spec that needs others.
    pub fn with_program(program: Arc<Program>, keys: &EvaluationKeys) -> Result<Self, Error> {
        let spec = &program.spec;
        spec.check_keys("the evaluation key", &keys.spec)?;
        let mut bootstraps = BTreeMap::new();
        for (name, key) in spec.bootstraps.iter().zip(&keys.bootstraps) {
            let id = set(name)?;
            let fft = Fft::new(PolynomialSize(id.get().polynomial_size));
            let key = expand_bootstrap_key(id.get(), key);
            bootstraps.insert(id, BootstrapKey { key, fft });
        }
        let mut keyswitches = BTreeMap::new();
        for ((from, to), key) in spec.keyswitches.iter().zip(&keys.keyswitches) {
            let (from, to) = (set(from)?, set(to)?);
            keyswitches.insert((from, to), expand_keyswitch_key(from.get(), to.get(), key));
        }
        Ok(Self {
            program,
            key_id: keys.key_id,
            bootstraps,
            keyswitches,
        })
    }

    /// What clients must know.
    pub fn spec(&self) -> &Spec {
        &self.program.spec
    }

    /// Runs the schedule on an encrypted input.
    ///
    /// # Errors
    /// An input of another spec, key or length.
    pub fn execute(&self, input: &EncryptedInput) -> Result<EncryptedOutput, Error> {
        self.execute_with(input, &mut |_, _, _, _| ())
    }

    /// As [`Self::execute`]; calls `progress` before (`true`) and after (`false`) each instruction with its number,
    /// how many there are, and the name of its layer.
    ///
    /// # Errors
    /// As [`Self::execute`].
    pub fn execute_with(
        &self,
        input: &EncryptedInput,
        progress: &mut dyn FnMut(bool, usize, usize, &str),
    ) -> Result<EncryptedOutput, Error> {
        crate::error::same(
            "the input",
            (&input.fingerprint, input.key_id),
            (&self.program.fingerprint, self.key_id),
        )?;
        if input.list.bodies.len() != self.program.spec.input.count as usize {
            let (expected, found) = (
                self.program.spec.input.count as usize,
                input.list.bodies.len(),
            );
            return Err(Error::InputLength { expected, found });
        }
        let last_use = self.last_uses();
        let total = self.program.verified.instructions.len();
        let mut values: Vec<Vec<u64>> = Vec::with_capacity(total);
        for index in 0..total {
            let layer = &self.program.verified.instructions[index].layer;
            progress(true, index, total, layer);
            let value = self.run(index, &values, input)?;
            progress(false, index, total, layer);
            values.push(value);
            for operand in self.program.verified.instructions[index].op.operands() {
                if last_use[operand.0 as usize] == index {
                    values[operand.0 as usize] = Vec::new();
                }
            }
        }
        let bytes = self.program.spec.output_bytes;
        let mut packed = Vec::new();
        for output in &self.program.verified.outputs {
            for number in &values[output.0 as usize] {
                packed.extend_from_slice(&truncate(*number, bytes).to_le_bytes()[..bytes as usize]);
            }
        }
        Ok(EncryptedOutput {
            fingerprint: self.program.fingerprint.clone(),
            key_id: self.key_id,
            packed,
        })
    }

    /// The last instruction that reads each value; outputs are read at the end.
    fn last_uses(&self) -> Vec<usize> {
        let mut last = vec![0; self.program.verified.instructions.len()];
        for (index, instruction) in self.program.verified.instructions.iter().enumerate() {
            instruction
                .op
                .operands()
                .iter()
                .for_each(|v| last[v.0 as usize] = index);
        }
        self.program
            .verified
            .outputs
            .iter()
            .for_each(|v| last[v.0 as usize] = usize::MAX);
        last
    }

    fn run(
        &self,
        index: usize,
        values: &[Vec<u64>],
        input: &EncryptedInput,
    ) -> Result<Vec<u64>, Error> {
        let instruction = &self.program.verified.instructions[index];
        let result = instruction.result;
        let no_key = || Error::Spec("the evaluation keys lack one that the schedule needs".into());
        Ok(match &instruction.op {
            Op::Input => expand_list(&input.list, result.dimension()),
            Op::Linear {
                operands,
                constant,
                step,
                ..
            } => {
                let Some(Constant::Map(map)) = self.program.verified.constants.get(constant) else {
                    return Err(Error::Spec(format!("no map `{constant}`")));
                };
                let lists: Vec<&[u64]> = operands
                    .iter()
                    .map(|v| values[v.0 as usize].as_slice())
                    .collect();
                linear::apply(map, *step, &lists, result.dimension() + 1, result.turn)
            }
            Op::KeySwitch { operand, to } => {
                let from = self.type_of(operand.0).set;
                let key = self.keyswitches.get(&(from, *to)).ok_or_else(no_key)?;
                keyswitch::switch(key, &values[operand.0 as usize])
            }
            Op::Halve { operand } => {
                let key = self
                    .keyswitches
                    .get(&(result.set, result.set))
                    .ok_or_else(no_key)?;
                let value = &values[operand.0 as usize];
                let scale = u64::from(result.turn);
                let lowest: Vec<u64> = value.iter().map(|x| x.wrapping_mul(scale)).collect();
                let bits = self.bootstrap(index, &keyswitch::switch(key, &lowest))?;
                value
                    .iter()
                    .zip(bits)
                    .map(|(x, bit)| x.wrapping_sub(bit))
                    .collect()
            }
            Op::Bootstrap { operand, .. } => self.bootstrap(index, &values[operand.0 as usize])?,
        })
    }

    fn bootstrap(&self, index: usize, list: &[u64]) -> Result<Vec<u64>, Error> {
        let set = self.program.verified.instructions[index].result.set;
        let key = self.bootstraps.get(&set);
        let (Some(key), Some(tables)) = (key, self.program.tables.get(&index)) else {
            return Err(Error::Spec(format!("no bootstrapping key of {set}")));
        };
        Ok(key.apply(tables, list))
    }

    fn type_of(&self, value: u32) -> Type {
        self.program.verified.instructions[value as usize].result
    }
}

/// The tables of instruction `index`, where it bootstraps.
fn tables(verified: &Verified, index: usize) -> Result<Option<Tables>, Error> {
    let instruction = &verified.instructions[index];
    let result = instruction.result;
    let set = result.set.get();
    let operand = instruction
        .op
        .operands()
        .first()
        .and_then(|v| verified.type_of(*v));
    Ok(match (&instruction.op, operand) {
        (Op::Bootstrap { constant, .. }, Some(operand)) => match verified.constants.get(constant) {
            Some(Constant::Table(table)) => {
                Some(Tables::new(set, table, operand.turn, result.turn)?)
            }
            Some(Constant::Map(_)) | None => None,
        },
        (Op::Halve { .. }, Some(operand)) => {
            // 0 for even, 1 for odd, at the operand's turn.
            let bit = TableConstant {
                half: 1,
                channel_len: operand.count,
                values: vec![vec![0]],
                flip: vec![1],
            };
            Some(Tables::new(set, &bit, 2, operand.turn)?)
        }
        (
            Op::Input
            | Op::Linear { .. }
            | Op::KeySwitch { .. }
            | Op::Bootstrap { .. }
            | Op::Halve { .. },
            _,
        ) => None,
    })
}
