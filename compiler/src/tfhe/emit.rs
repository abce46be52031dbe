//! Emits the instructions of stages for one choice of parameter sets, and the constants.

use hemet_schedule::tfhe::{
    Constant, Constants, FailureGoal, Instruction, KeyKind, MapBounds, MapConstant, Op, OutputForm,
    Schedule, SetId, TableConstant, Type, ValueId,
};
use hemet_spaces::quantized::ValueRange;

use crate::tfhe::expression::Expression;
use crate::tfhe::stages::Stages;

/// What is free when stages are emitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The set of each group of sources, at the group's index; the input's own entry is used where it is alone.
    pub sets: Vec<SetId>,
    /// Into how many parts, which the client adds up, the output is split.
    pub parts: usize,
    /// Bytes of each number of an output ciphertext.
    pub output_bytes: u32,
    /// The goal, which is written into the schedule.
    pub failure: FailureGoal,
    /// What the output is.
    pub form: OutputForm,
}

/// Multiple to which the ends of the output's range are rounded, so that they tell less of the weights.
const RANGE_STEP: i64 = 8;

/// The schedule of `stages` under `plan`, without its constants; its types are right by construction if the plan
/// gives one set to each group.
pub fn emit(stages: &Stages, plan: &Plan) -> Schedule {
    let parts = output_parts(stages, plan.parts, plan.form);
    let mut emitter = Emitter {
        stages,
        plan,
        instructions: Vec::new(),
        values: Vec::new(),
        turns: group_turns(stages, &parts),
    };
    emitter.input();
    for index in 0..stages.stages.len() {
        emitter.stage(index);
    }
    let outputs: Vec<ValueId> = (parts.iter().enumerate())
        .map(|(index, part)| {
            let constant = output_constant(stages, index, parts.len());
            emitter.linear(
                &stages.output_name,
                &stages.output_reads,
                &part.expression,
                constant,
                None,
            )
        })
        .collect();
    let input = stages.sources[0].range;
    Schedule {
        failure: plan.failure,
        input_low: input.low,
        input_high: input.high,
        output_form: plan.form,
        output_low: parts.iter().map(|p| p.range.low).sum(),
        output_high: parts.iter().map(|p| p.range.high).sum(),
        output_bytes: plan.output_bytes,
        instructions: emitter.instructions,
        outputs,
        part_ranges: parts.iter().map(|p| (p.range.low, p.range.high)).collect(),
        constants: Constants::new(),
    }
}

/// The constants of `stages`, whatever the sets.
pub fn constants(stages: &Stages, parts: usize, form: OutputForm) -> Constants {
    let mut constants = Constants::new();
    for stage in &stages.stages {
        let map = map_constant(stages, &stage.reads, &stage.expression);
        constants.insert(format!("{}/map", stage.name), Constant::Map(map));
        let table = TableConstant {
            half: stage.table.half,
            channel_len: stage.table.channel_len as u32,
            values: stage.table.tables.clone(),
            flip: stage.table.flip.clone(),
        };
        constants.insert(format!("{}/table", stage.name), Constant::Table(table));
    }
    let parts = output_parts(stages, parts, form);
    for (index, part) in parts.iter().enumerate() {
        let map = map_constant(stages, &stages.output_reads, &part.expression);
        constants.insert(
            output_constant(stages, index, parts.len()),
            Constant::Map(map),
        );
    }
    constants
}

fn output_constant(stages: &Stages, index: usize, parts: usize) -> String {
    match parts {
        1 => format!("{}/map", stages.output_name),
        _ => format!("{}/map.{index}", stages.output_name),
    }
}

/// A part of the output.
struct Part {
    expression: Expression,
    range: ValueRange,
}

/// The output with its columns dealt out to `parts` maps; the bias goes to the first.
fn output_parts(stages: &Stages, parts: usize, form: OutputForm) -> Vec<Part> {
    let output = &stages.output;
    let mut columns: Vec<ValueRange> = Vec::new();
    for source in &stages.sources {
        columns.extend(std::iter::repeat_n(source.range, source.len));
    }
    let mut read: Vec<u32> = output.map.columns.clone();
    read.sort_unstable();
    read.dedup();
    let chunk = read.len().div_ceil(parts).max(1);
    let part = |index: usize| {
        let keep = |column: u32| read.partition_point(|c| *c < column) / chunk == index;
        let rows = (0..output.map.outputs).map(|row| {
            let bias = if index == 0 { output.map.bias[row] } else { 0 };
            (
                output
                    .map
                    .row(row)
                    .filter(|(column, _)| keep(*column))
                    .collect(),
                bias,
            )
        });
        let map = hemet_spaces::quantized::IntegerMap::from_rows(
            output.map.inputs,
            rows.collect::<Vec<_>>(),
        );
        let mut limits = output.limits;
        let most = map.fan_in() as u64 * u64::from(limits.weight.unsigned_abs()).pow(2);
        limits.norm_squared = limits.norm_squared.min(most);
        let ranges = map.ranges(&columns);
        let range = ranges
            .into_iter()
            .reduce(ValueRange::union)
            .unwrap_or(ValueRange::new(0, 0));
        let range = match form {
            OutputForm::Label => range,
            OutputForm::Logits => ValueRange::new(
                range.low.div_euclid(RANGE_STEP) * RANGE_STEP,
                (range.high + RANGE_STEP - 1).div_euclid(RANGE_STEP) * RANGE_STEP,
            ),
        };
        Part {
            expression: Expression { map, limits },
            range,
        }
    };
    (0..read.len().div_ceil(chunk).max(1)).map(part).collect()
}

/// Boxes of a turn of each group, the output's needs included.
fn group_turns(stages: &Stages, parts: &[Part]) -> Vec<u32> {
    let mut turns = stages.group_turns.clone();
    let width = parts
        .iter()
        .map(|p| p.range.high - p.range.low + 1)
        .max()
        .unwrap_or(1);
    let width = u32::try_from(width).unwrap_or(u32::MAX).max(2);
    if let Some(source) = stages.output_reads.first() {
        let turn = &mut turns[stages.sources[*source].group];
        *turn = turn.saturating_mul(width.div_ceil(*turn));
    }
    turns.iter().map(|t| (*t).max(2)).collect()
}

fn map_constant(stages: &Stages, reads: &[usize], expression: &Expression) -> MapConstant {
    let mut local = vec![0u32; expression.map.inputs];
    let mut inputs = 0;
    for source in reads {
        let source = &stages.sources[*source];
        for place in &mut local[source.offset..source.offset + source.len] {
            *place = inputs;
            inputs += 1;
        }
    }
    MapConstant {
        inputs,
        row_starts: expression.map.row_starts.clone(),
        columns: expression
            .map
            .columns
            .iter()
            .map(|c| local[*c as usize])
            .collect(),
        weights: expression.map.weights.clone(),
        bias: expression.map.bias.clone(),
    }
}

struct Emitter<'a> {
    stages: &'a Stages,
    plan: &'a Plan,
    instructions: Vec<Instruction>,
    /// The value of each source.
    values: Vec<ValueId>,
    turns: Vec<u32>,
}

impl Emitter<'_> {
    fn push(&mut self, layer: &str, op: Op, result: Type) -> ValueId {
        self.instructions.push(Instruction {
            layer: layer.to_owned(),
            op,
            result,
        });
        ValueId(self.instructions.len() as u32 - 1)
    }

    fn type_of(&self, value: ValueId) -> Type {
        self.instructions[value.0 as usize].result
    }

    /// The set that stage `index` bootstraps with: that of the group that its result is in.
    fn set(&self, index: usize) -> SetId {
        self.plan.sets[self.stages.sources[index + 1].group]
    }

    /// The input comes under the small key if every reader bootstraps it with one set, at once.
    fn input(&mut self) {
        let source = &self.stages.sources[0];
        let alone = self
            .stages
            .sources
            .iter()
            .filter(|s| s.group == source.group)
            .count()
            == 1;
        let readers: Vec<usize> = (0..self.stages.stages.len())
            .filter(|index| self.stages.stages[*index].reads.contains(&0))
            .collect();
        let first = readers.first().map(|index| self.set(*index));
        let one_set = readers.iter().all(|index| Some(self.set(*index)) == first);
        let at_once = readers
            .iter()
            .all(|index| self.stages.stages[*index].table.shift == 0);
        let to_output = self.stages.output_reads.contains(&0);
        let (key, set) = match first {
            Some(set) if alone && one_set && at_once && !to_output => (KeyKind::Small, set),
            Some(set) if alone => (KeyKind::Big, set),
            Some(_) | None => (KeyKind::Big, self.plan.sets[source.group]),
        };
        let turn = self.turns[source.group];
        let result = Type {
            count: source.len as u32,
            set,
            key,
            turn,
        };
        let name = source.name.clone();
        let value = self.push(&name, Op::Input, result);
        self.values.push(value);
    }

    fn stage(&mut self, index: usize) {
        let stages = self.stages;
        let stage = &stages.stages[index];
        let modulus = stage.table.modulus() as u32;
        let constant = format!("{}/map", stage.name);
        let mut value = self.linear(
            &stage.name,
            &stage.reads,
            &stage.expression,
            constant,
            Some(modulus),
        );
        for _ in 0..stage.table.shift {
            let before = self.type_of(value);
            let result = Type {
                turn: before.turn / 2,
                ..before
            };
            value = self.push(&stage.name, Op::Halve { operand: value }, result);
        }
        let set = self.set(index);
        if self.type_of(value).key == KeyKind::Big {
            let result = Type {
                set,
                key: KeyKind::Small,
                ..self.type_of(value)
            };
            value = self.push(
                &stage.name,
                Op::KeySwitch {
                    operand: value,
                    to: set,
                },
                result,
            );
        }
        let source = &stages.sources[index + 1];
        let turn = self.turns[source.group];
        let op = Op::Bootstrap {
            operand: value,
            constant: format!("{}/table", stage.name),
            turn,
            low: source.range.low,
            high: source.range.high,
        };
        let result = Type {
            key: KeyKind::Big,
            turn,
            ..self.type_of(value)
        };
        let value = self.push(&stage.name, op, result);
        self.values.push(value);
    }

    fn linear(
        &mut self,
        layer: &str,
        reads: &[usize],
        expression: &Expression,
        constant: String,
        modulus: Option<u32>,
    ) -> ValueId {
        let operands: Vec<ValueId> = reads.iter().map(|source| self.values[*source]).collect();
        let operand = self.type_of(operands[0]);
        let step = modulus.map_or(1, |modulus| operand.turn / modulus);
        let bounds = MapBounds {
            entries: expression.map.columns.len() as u64,
            fan_in: expression.map.fan_in() as u32,
            weight: expression.limits.weight.unsigned_abs(),
            norm_squared: expression.limits.norm_squared,
        };
        let result = Type {
            count: expression.map.outputs as u32,
            turn: operand.turn / step,
            ..operand
        };
        self.push(
            layer,
            Op::Linear {
                operands,
                constant,
                step,
                bounds,
            },
            result,
        )
    }
}
