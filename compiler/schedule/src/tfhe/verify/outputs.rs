//! The verifier's checks of what goes in and what comes out.

use super::{Check, MAX_PARTS};
use crate::tfhe::{Constant, MapConstant, Op, OutputForm, Schedule, ValueId};

impl Check<'_> {
    pub(super) fn outputs(&mut self) {
        let schedule = self.schedule;
        // Maps that do not fit their operands have no values; their faults are told already.
        let sound = self.found.is_empty();
        if schedule.input_low > schedule.input_high {
            let (low, high) = (schedule.input_low, schedule.input_high);
            let message = format!("inputs from {low} to {high}; an ascending range is needed");
            self.add(Some(0), message);
        }
        let (parts, ranges) = (schedule.outputs.len(), schedule.part_ranges.len());
        if !(1..=MAX_PARTS).contains(&parts) || parts != ranges {
            return self.found.general(format!(
                "{parts} outputs and {ranges} ranges; as many of both are needed, 1 to {MAX_PARTS}"
            ));
        }
        if !(1..=8).contains(&schedule.output_bytes) {
            let bytes = schedule.output_bytes;
            self.found.general(format!(
                "{bytes} bytes of each number of an output; 1 to 8 are possible"
            ));
        }
        let count = schedule.type_of(schedule.outputs[0]).map_or(0, |t| t.count);
        if schedule.output_form == OutputForm::Label && (count != 1 || parts != 1) {
            self.found.general(format!(
                "a label is one value, the outputs have {parts} part(s) of {count}"
            ));
        }
        let mut sum = (0i64, 0i64);
        for (output, range) in schedule.outputs.iter().zip(&schedule.part_ranges) {
            sum = (sum.0.saturating_add(range.0), sum.1.saturating_add(range.1));
            self.part(*output, *range, count);
            if sound {
                self.part_values(*output, *range);
            }
        }
        if sum != (schedule.output_low, schedule.output_high) {
            self.found.general(format!(
                "the parts reach {} to {}, the output {} to {}",
                sum.0, sum.1, schedule.output_low, schedule.output_high
            ));
        }
    }

    /// Whether a part has as many elements as the first and its range fits its turn.
    fn part(&mut self, output: ValueId, (low, high): (i64, i64), count: u32) {
        let index = Some(output.0 as usize);
        let Some(result) = self.schedule.type_of(output) else {
            return;
        };
        if result.count != count {
            let found = result.count;
            self.add(
                index,
                format!("an output of {found} elements, the first has {count}"),
            );
        }
        let (width, turn) = (i128::from(high) - i128::from(low) + 1, result.turn);
        if width < 1 || width > i128::from(turn) {
            self.add(
                index,
                format!("an output from {low} to {high} has {width} values, its turn has {turn}"),
            );
        }
    }

    /// Whether the values of a part lie in its range.
    fn part_values(&mut self, output: ValueId, (low, high): (i64, i64)) {
        let index = Some(output.0 as usize);
        match value_range(self.schedule, output) {
            None => self.add(
                index,
                "an output must be a bootstrap, or a linear map of bootstraps and inputs".into(),
            ),
            Some((a, b)) if a < low || b > high => self.add(
                index,
                format!("an output can take {a} to {b}, the schedule says {low} to {high}"),
            ),
            Some(_) => {}
        }
    }
}

/// The values that an output can take; none where this is not followed.
fn value_range(schedule: &Schedule, value: ValueId) -> Option<(i64, i64)> {
    let instruction = schedule.instructions.get(value.0 as usize)?;
    let Op::Linear {
        operands, constant, ..
    } = &instruction.op
    else {
        return own_range(schedule, value);
    };
    let Some(Constant::Map(map)) = schedule.constants.get(constant) else {
        return None;
    };
    // Where each operand's columns end, and their range: counts are the file's word and take no memory.
    let mut ends: Vec<(u64, (i64, i64))> = Vec::new();
    let mut end = 0u64;
    for operand in operands {
        end += u64::from(schedule.type_of(*operand)?.count);
        ends.push((end, own_range(schedule, *operand)?));
    }
    let rows = (0..map.outputs()).map(|row| row_range(map, row, &ends));
    rows.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// The values that an instruction says itself that it can take.
fn own_range(schedule: &Schedule, value: ValueId) -> Option<(i64, i64)> {
    match &schedule.instructions.get(value.0 as usize)?.op {
        Op::Input => Some((schedule.input_low, schedule.input_high)),
        Op::Bootstrap { low, high, .. } => Some((*low, *high)),
        Op::Linear { .. } | Op::KeySwitch { .. } | Op::Halve { .. } => None,
    }
}

fn row_range(map: &MapConstant, row: usize, ends: &[(u64, (i64, i64))]) -> (i64, i64) {
    let mut range = (map.bias[row], map.bias[row]);
    for (column, weight) in map.row(row) {
        let at = ends.partition_point(|(end, _)| *end <= u64::from(column));
        let (low, high) = ends.get(at).map_or((0, 0), |(_, range)| *range);
        let ends = [low, high].map(|v| v.saturating_mul(i64::from(weight)));
        range.0 = range.0.saturating_add(ends[0].min(ends[1]));
        range.1 = range.1.saturating_add(ends[0].max(ends[1]));
    }
    range
}
