//! Tables of integer networks: in training on normed accumulators with a straight-through gradient, at inference on the
//! accumulators themselves, by the very tables of the exported network.

use hemet_spaces::quantized::{Levels, TableLayer};

use super::Kernel;

/// Input: normed accumulators `[rows][channels]`. Output: the integers of the function, repeated with its ends
/// exchanged every half turn as an encrypted table does.
#[derive(Clone, Debug)]
pub(in crate::train) struct Table {
    pub rows: usize,
    pub levels: Levels,
    /// Half a turn of each channel, in units of its normed accumulator; above 0.
    pub half_turns: Vec<f32>,
}

impl Table {
    /// Where in the function `x` lies, and whether an odd number of half turns further.
    fn place(&self, x: f32, channel: usize, middle: f64) -> (f64, bool) {
        let half = f64::from(self.half_turns[channel]);
        let turns = ((f64::from(x) - middle) / half).round();
        (f64::from(x) - turns * half, turns.rem_euclid(2.0) != 0.0)
    }

    fn middle(&self) -> f64 {
        let (first, last) = self.levels.edges();
        (first + last) / 2.0
    }
}

impl Kernel for Table {
    fn output(&self) -> [usize; 2] {
        [self.rows, self.half_turns.len()]
    }

    fn forward(&self, inputs: &[&[f32]]) -> Vec<f32> {
        let (left, right) = self.levels.ends();
        let (flip, middle) = (left + right, self.middle());
        let channels = self.half_turns.len();
        let value = |(index, x): (usize, &f32)| {
            let (place, odd) = self.place(*x, index % channels, middle);
            let value = self.levels.value(place);
            (if odd { flip - value } else { value }) as f32
        };
        inputs[0].iter().enumerate().map(value).collect()
    }

    /// The slope of the function in its first window; what wrapped around is left to the penalty on overflows.
    fn backward(&self, inputs: &[&[f32]], gradient: &[f32], _: &[bool]) -> Vec<Vec<f32>> {
        let (channels, middle) = (self.half_turns.len(), self.middle());
        let slope = |(index, (x, g)): (usize, (&f32, &f32))| {
            let half = f64::from(self.half_turns[index % channels]);
            match (f64::from(*x) - middle).abs() <= half / 2.0 {
                true => g * self.levels.slope(f64::from(*x)) as f32,
                false => 0.0,
            }
        };
        vec![
            inputs[0]
                .iter()
                .zip(gradient)
                .enumerate()
                .map(slope)
                .collect(),
        ]
    }
}

/// Input: integer accumulators `[rows][channels]`. Output: those of `table`, whose channels are the columns, after
/// `bias` is added. It has no gradient.
#[derive(Clone, Debug)]
pub(in crate::train) struct LookUp {
    pub rows: usize,
    pub table: TableLayer,
    pub bias: Vec<i64>,
}

impl Kernel for LookUp {
    fn output(&self) -> [usize; 2] {
        [self.rows, self.bias.len()]
    }

    fn forward(&self, inputs: &[&[f32]]) -> Vec<f32> {
        let channels = self.bias.len();
        let value = |(index, a): (usize, &f32)| {
            let channel = index % channels;
            self.table.value(channel, *a as i64 + self.bias[channel]) as f32
        };
        inputs[0].iter().enumerate().map(value).collect()
    }

    fn backward(&self, inputs: &[&[f32]], _: &[f32], _: &[bool]) -> Vec<Vec<f32>> {
        vec![vec![0.0; inputs[0].len()]]
    }
}

#[cfg(test)]
mod tests {
    use hemet_spaces::quantized::{Quantization, TableFunction};

    use super::*;

    #[test]
    fn in_training_a_table_gives_what_the_exported_one_gives() {
        for activation in [
            TableFunction::Relu,
            TableFunction::Sign,
            TableFunction::Silu,
        ] {
            let quantization = Quantization {
                activation,
                activation_bits: 3,
                boxes: 20,
                ..Quantization::default()
            };
            // Accumulators away from the edges between levels, where floats of 32 bits might fall to either side.
            let (scale, shift) = (0.25f32, 0.3f32);
            let (values, bias) = quantization.table(scale, shift);
            let (left, right) = quantization.levels().ends();
            let table = TableLayer {
                half: 20,
                shift: 0,
                channel_len: 1,
                tables: vec![values],
                flip: vec![left + right],
            };
            let training = Table {
                rows: 1,
                levels: quantization.levels(),
                half_turns: vec![20.0 * scale],
            };
            for accumulator in -45..45i32 {
                let x = scale * accumulator as f32 + shift;
                let expected = table.value(0, i64::from(accumulator) + bias);
                let found = training.forward(&[&[x]])[0];
                // The exported window begins at an integer, so at its borders the two may part by one accumulator.
                let place = training.place(x, 0, training.middle()).0;
                let border = f64::from(training.half_turns[0] / 2.0 - scale);
                if (place - training.middle()).abs() < border {
                    assert_eq!(found as i64, expected, "{activation:?} {accumulator}");
                }
            }
        }
    }
}
