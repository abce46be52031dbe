//! The verifier's checks of constants: each is measured once, however many instructions use it.

use std::collections::BTreeMap;

use super::Check;
use crate::tfhe::constants::name_is_valid;
use crate::tfhe::{Constant, Instruction, MapBounds, MapConstant, Op, TableConstant, Type};

/// What the verifier asks of a constant.
pub(super) enum Measure {
    Map {
        inputs: u32,
        outputs: usize,
        /// The largest that its rows reach.
        bounds: MapBounds,
    },
    Table {
        half: u32,
        channels: usize,
        channel_len: u32,
        /// The least and the greatest value, the sign changed half a turn further included.
        range: Option<(i64, i64)>,
    },
    /// It is not consistent in itself, which is told already.
    Unsound,
}

/// The measures of all constants, by name.
pub(super) type Measures<'a> = BTreeMap<&'a str, Measure>;

impl<'a> Check<'a> {
    pub(super) fn constants(&mut self) -> Measures<'a> {
        let mut measures = Measures::new();
        for (name, constant) in &self.schedule.constants {
            let measure = match constant {
                Constant::Map(map) => of_map(map),
                Constant::Table(table) => of_table(table),
            };
            let measure = measure.unwrap_or_else(|why| {
                self.found.general(format!("constant `{name}`: {why}"));
                Measure::Unsound
            });
            measures.insert(name, measure);
        }
        measures
    }

    pub(super) fn constant(&mut self, index: usize, operands: &[Type], measures: &Measures<'_>) {
        let instruction = &self.schedule.instructions[index];
        let Some(name) = instruction.op.constant() else {
            return;
        };
        if !name_is_valid(name) {
            self.add(
                Some(index),
                format!("constant name `{name}`; letters, digits and `_-./` are possible"),
            );
        }
        let outcome = match measures.get(name) {
            None => Err("it is missing".to_owned()),
            Some(measure) => measure.serves(instruction, operands),
        };
        if let Err(why) = outcome {
            self.add(Some(index), format!("constant `{name}`: {why}"));
        }
    }
}

impl Measure {
    /// Whether the constant has the kind and the sizes that an instruction needs and keeps its bounds; else why not.
    fn serves(&self, instruction: &Instruction, operands: &[Type]) -> Result<(), String> {
        match (&instruction.op, self) {
            (_, Measure::Unsound) => Ok(()),
            (
                Op::Linear { bounds: stated, .. },
                Measure::Map {
                    inputs,
                    outputs,
                    bounds,
                },
            ) => {
                let wanted: u64 = operands.iter().map(|t| u64::from(t.count)).sum();
                let rows = instruction.result.count;
                if u64::from(*inputs) != wanted || *outputs != rows as usize {
                    return Err(format!(
                        "a map of {inputs} to {outputs} values, needed is {wanted} to {rows}"
                    ));
                }
                keeps(bounds, stated)
            }
            (Op::Bootstrap { low, high, .. }, Measure::Table { .. }) => {
                self.fits(&operands[0])?;
                self.stays(*low, *high)
            }
            (Op::Linear { .. }, Measure::Table { .. }) => {
                Err("it is a table, a linear map is needed".into())
            }
            (Op::Bootstrap { .. }, Measure::Map { .. }) => {
                Err("it is a linear map, a table is needed".into())
            }
            (Op::Input | Op::KeySwitch { .. } | Op::Halve { .. }, _) => Ok(()),
        }
    }

    /// Whether tables fit an operand.
    fn fits(&self, operand: &Type) -> Result<(), String> {
        let Measure::Table {
            half,
            channels,
            channel_len,
            range: _,
        } = self
        else {
            return Ok(());
        };
        if u64::from(*half) * 2 != u64::from(operand.turn) {
            let turn = operand.turn;
            return Err(format!(
                "tables of {half} entries, a turn of {turn} needs half of it"
            ));
        }
        let elements = (*channels as u64).checked_mul(u64::from(*channel_len));
        if elements != Some(u64::from(operand.count)) {
            return Err(format!(
                "{channels} tables and {channel_len} elements a channel, the operand has {} elements",
                operand.count
            ));
        }
        Ok(())
    }

    /// Whether tables give results from `low` to `high`.
    fn stays(&self, low: i64, high: i64) -> Result<(), String> {
        match self {
            Measure::Table {
                range: Some((least, greatest)),
                ..
            } if *least < low || *greatest > high => Err(format!(
                "its tables give {least} to {greatest}, the instruction says {low} to {high}"
            )),
            Measure::Table { .. } | Measure::Map { .. } | Measure::Unsound => Ok(()),
        }
    }
}

fn keeps(found: &MapBounds, stated: &MapBounds) -> Result<(), String> {
    if found.entries != stated.entries {
        return Err(format!(
            "{} entries, the instruction says {}",
            found.entries, stated.entries
        ));
    }
    if found.fan_in > stated.fan_in
        || found.weight > stated.weight
        || found.norm_squared > stated.norm_squared
    {
        return Err(format!(
            "its rows have up to {} entries, up to ±{}, of squared norm up to {}; the instruction allows {}, ±{} and {}",
            found.fan_in,
            found.weight,
            found.norm_squared,
            stated.fan_in,
            stated.weight,
            stated.norm_squared
        ));
    }
    Ok(())
}

fn of_map(map: &MapConstant) -> Result<Measure, String> {
    let (entries, rows) = (map.columns.len(), map.bias.len());
    let starts_ok = map.row_starts.len() == rows + 1
        && map.row_starts[0] == 0
        && map.row_starts[rows] as usize == entries
        && map.row_starts.windows(2).all(|w| w[0] <= w[1]);
    if !starts_ok || map.weights.len() != entries {
        return Err("row starts, columns and weights do not fit together".into());
    }
    let mut bounds = MapBounds {
        entries: entries as u64,
        fan_in: 0,
        weight: 0,
        norm_squared: 0,
    };
    for row in 0..rows {
        let range = map.row_starts[row] as usize..map.row_starts[row + 1] as usize;
        let columns = &map.columns[range];
        let ascending = columns.windows(2).all(|w| w[0] < w[1]);
        if !ascending || columns.last().is_some_and(|c| *c >= map.inputs) {
            return Err(format!(
                "columns of row {row} must ascend strictly and stay below {}",
                map.inputs
            ));
        }
        let mut norm = 0u64;
        for (_, weight) in map.row(row) {
            let weight = weight.unsigned_abs();
            norm = norm.saturating_add(u64::from(weight).pow(2));
            bounds.weight = bounds.weight.max(weight);
        }
        bounds.fan_in = bounds.fan_in.max(columns.len() as u32);
        bounds.norm_squared = bounds.norm_squared.max(norm);
    }
    Ok(Measure::Map {
        inputs: map.inputs,
        outputs: rows,
        bounds,
    })
}

fn of_table(table: &TableConstant) -> Result<Measure, String> {
    let channels = table.values.len();
    if table.flip.len() != channels {
        let flips = table.flip.len();
        return Err(format!(
            "{channels} tables and {flips} flips; as many of both are needed"
        ));
    }
    let mut range: Option<(i64, i64)> = None;
    for (channel, (values, flip)) in table.values.iter().zip(&table.flip).enumerate() {
        if values.len() != table.half as usize {
            let (found, half) = (values.len(), table.half);
            return Err(format!("table {channel} has {found} entries, not {half}"));
        }
        for value in values {
            let both = [i64::from(*value), i64::from(*flip) - i64::from(*value)];
            for value in both {
                let (least, greatest) = range.unwrap_or((value, value));
                range = Some((least.min(value), greatest.max(value)));
            }
        }
    }
    Ok(Measure::Table {
        half: table.half,
        channels,
        channel_len: table.channel_len,
        range,
    })
}
