//! The integer reference: the definition of what an integer network computes.

use super::{Operation, QuantizedNetwork};
use crate::Error;

impl QuantizedNetwork {
    /// The logits for `input`, exact.
    ///
    /// # Errors
    /// Another number of values than the input has, or a value outside the input range.
    pub fn evaluate(&self, input: &[i64]) -> Result<Vec<i64>, Error> {
        Ok(self.evaluate_all(input)?.pop().unwrap_or_default())
    }

    /// The values of every node for `input`.
    ///
    /// # Errors
    /// As [`Self::evaluate`].
    pub fn evaluate_all(&self, input: &[i64]) -> Result<Vec<Vec<i64>>, Error> {
        if input.len() != self.input_len() {
            return Err(Error::InputLength {
                expected: self.input_len(),
                found: input.len(),
            });
        }
        let range = self.input_range();
        if let Some(index) = input.iter().position(|v| !range.contains(*v)) {
            return Err(Error::InputValue {
                index,
                value: input[index],
                low: range.low,
                high: range.high,
            });
        }
        let mut values: Vec<Vec<i64>> = Vec::with_capacity(self.nodes().len());
        for node in self.nodes() {
            let of = |position: usize| values[node.inputs[position]].as_slice();
            let value = match &node.operation {
                Operation::Input(_) => input.to_vec(),
                Operation::Linear { map, .. } => map.apply(of(0)),
                Operation::Table(table) => (of(0).iter().enumerate())
                    .map(|(element, value)| table.value(element / table.channel_len, *value))
                    .collect(),
                Operation::Add => (0..node.len())
                    .map(|e| (0..node.inputs.len()).map(|i| of(i)[e]).sum())
                    .collect(),
                Operation::Concat => (0..node.inputs.len())
                    .flat_map(|i| of(i).iter().copied())
                    .collect(),
            };
            values.push(value);
        }
        Ok(values)
    }
}
