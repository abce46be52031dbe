//! Builder: makes a schedule instruction by instruction, inferring every type as it goes.

use std::collections::HashMap;

use crate::ckks::constants::is_name_char;
use crate::ckks::infer::result_types;
use crate::ckks::{
    Constant, ConstantId, Constants, Error, Header, Instruction, LayerId, Layout, Op, Schedule,
    Type, ValueId,
};

/// A schedule being built. Types are inferred, results numbered and the depth counted.
///
/// ```
/// use hemet_schedule::{Builder, Constants, Header, Layout, Level, Op, Scale};
/// use hemet_ckks_params::{ntt_primes, Parameters, SecurityLevel};
/// let parameters = Parameters::new(
///     13, ntt_primes(13, &[45, 30, 30])?, ntt_primes(13, &[46])?, SecurityLevel::Bits128)?;
/// let layout = Layout::raster([1, 8, 8]);
/// let mut builder = Builder::new(Header {
///     parameters, input_scale: Scale::pow2(30), input_level: Level(2),
///     input: layout.clone(), output: layout, layers: vec![], depth: 0, precision_bits: 8,
/// });
/// builder.layer("square");
/// let x = builder.push(Op::Input { index: 0 })?[0];
/// let x2 = builder.push(Op::Square { x })?[0];
/// let x2 = builder.push(Op::Relinearize { x: x2 })?[0];
/// let y = builder.push(Op::Rescale { x: x2 })?[0];
/// assert_eq!(builder.type_of(y).to_string(), "ct<L1, 2^60*q2^-1>");
/// let schedule = hemet_schedule::verify(builder.finish(vec![y]))?;
/// assert_eq!(schedule.header.depth, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    schedule: Schedule,
    layer: LayerId,
    layers: HashMap<String, LayerId>,
    constants: HashMap<String, ConstantId>,
}

impl Builder {
    /// Starts with a header; its `depth` is overwritten by [`Builder::finish`], its `layers` are kept and added to.
    pub fn new(header: Header) -> Self {
        let layers = (0u32..)
            .zip(&header.layers)
            .map(|(id, name)| (name.clone(), LayerId(id)))
            .collect();
        Self {
            schedule: Schedule {
                header,
                instructions: Vec::new(),
                types: Vec::new(),
                outputs: Vec::new(),
                constants: Constants::default(),
            },
            layer: LayerId(0),
            layers,
            constants: HashMap::new(),
        }
    }

    /// Makes `name` the layer of the instructions that follow; the same name again gives the same layer.
    ///
    /// Before the first call instructions belong to the first layer of the header, or to one named `main` where there
    /// is none.
    pub fn layer(&mut self, name: &str) -> LayerId {
        self.layer = match self.layers.get(name) {
            Some(id) => *id,
            None => {
                let id = LayerId(self.schedule.header.layers.len() as u32);
                self.schedule.header.layers.push(name.to_owned());
                self.layers.insert(name.to_owned(), id);
                id
            }
        };
        self.layer
    }

    /// Appends an instruction and returns its results.
    ///
    /// # Errors
    /// [`Error::Build`] if an operand or the constant does not exist or the operands' types do not suit; nothing is
    /// appended then.
    pub fn push(&mut self, op: Op) -> Result<Vec<ValueId>, Error> {
        if self.schedule.header.layers.is_empty() {
            self.layer("main");
        }
        let types = self.types_of_results(&op).map_err(|message| Error::Build {
            layer: self.schedule.header.layers[self.layer.0 as usize].clone(),
            instruction: self.schedule.instructions.len(),
            op: op.name(),
            message,
        })?;
        let first = self.schedule.types.len() as u32;
        self.schedule.types.extend(types);
        self.schedule.instructions.push(Instruction {
            op,
            first_result: ValueId(first),
            layer: self.layer,
        });
        Ok((first..self.schedule.types.len() as u32)
            .map(ValueId)
            .collect())
    }

    /// Adds a constant. Characters that a name cannot have become `_`; a name that is taken gets `.2`, `.3`, …
    pub fn constant(&mut self, name: &str, value: Constant) -> ConstantId {
        let mut base: String = name
            .chars()
            .map(|c| if is_name_char(c) { c } else { '_' })
            .collect();
        if base.is_empty() {
            base.push('_');
        }
        let mut unique = base.clone();
        let mut copy = 2;
        while self.constants.contains_key(&unique) {
            unique = format!("{base}.{copy}");
            copy += 1;
        }
        let id = ConstantId(self.schedule.constants.entries.len() as u32);
        self.constants.insert(unique.clone(), id);
        self.schedule.constants.entries.push((unique, value));
        id
    }

    /// The type of a value of this builder.
    ///
    /// # Panics
    /// If no instruction pushed here made `value`.
    pub fn type_of(&self, value: ValueId) -> &Type {
        &self.schedule.types[value.0 as usize]
    }

    /// The header so far.
    pub fn header(&self) -> &Header {
        &self.schedule.header
    }

    /// Sets where the client finds the output tensor, for compilers that know it only at the end.
    pub fn set_output_layout(&mut self, layout: Layout) {
        self.schedule.header.output = layout;
    }

    /// The schedule, with its depth counted. It still has to be verified.
    pub fn finish(mut self, outputs: Vec<ValueId>) -> Schedule {
        self.schedule.outputs = outputs;
        self.schedule.header.depth = self.schedule.counted_depth();
        self.schedule
    }

    fn types_of_results(&self, op: &Op) -> Result<Vec<Type>, String> {
        let operands: Vec<&Type> = op
            .operands()
            .into_iter()
            .map(|v| {
                self.schedule.types.get(v.0 as usize).ok_or_else(|| {
                    format!(
                        "operand {v} does not exist, {} values do",
                        self.schedule.types.len()
                    )
                })
            })
            .collect::<Result<_, _>>()?;
        if let Some(id) = op.constant()
            && id.0 as usize >= self.schedule.constants.entries.len()
        {
            return Err(format!(
                "constant {} does not exist, {} constants do",
                id.0,
                self.schedule.constants.entries.len()
            ));
        }
        result_types(op, &operands, &self.schedule.header)
    }
}
