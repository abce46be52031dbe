//! A placed map without its weights as a list of 32-bit words: the form in which an artifact stores it.
//!
//! `period; layout; count, outputs; count, operands`; a layout is `shape; period; for each axis count, digits`; an
//! operand is `layout; count, patterns`; a pattern is `count, blocks; count, taps`. Offsets are stored as their bits.
//! Behind all that stand the weights of the taps, pattern by pattern; they are left out where the taps of every pattern
//! have weights 0, 1, 2 and so on, as all had in format version 2.

use super::{Block, Pattern, PlacedMap, PlacedOperand, PlacedOutput, Tap};
use crate::ckks::{Digit, Layout};

impl PlacedMap {
    /// The words.
    pub fn to_words(&self) -> Vec<u32> {
        let mut out = vec![self.period as u32];
        put_layout(&mut out, &self.result);
        out.push(self.outputs.len() as u32);
        for output in &self.outputs {
            out.extend([output.ciphertext, output.giant]);
        }
        out.push(self.operands.len() as u32);
        for operand in &self.operands {
            put_layout(&mut out, &operand.layout);
            out.push(operand.patterns.len() as u32);
            for pattern in &operand.patterns {
                put_pattern(&mut out, pattern);
            }
        }
        let patterns = self.operands.iter().flat_map(|o| &o.patterns);
        let is_counted = |p: &Pattern| p.taps.iter().map(|t| t.weight).eq(0..p.taps.len() as u32);
        if !patterns.clone().all(is_counted) {
            out.extend(patterns.flat_map(|p| &p.taps).map(|tap| tap.weight));
        }
        out
    }

    /// From the words and the weights. What it says is not checked here, only that it can be read.
    ///
    /// # Errors
    /// Words that end early, or that follow the end.
    pub fn from_words(words: &[u32], values: Vec<f64>) -> Result<Self, String> {
        let mut words = Words { rest: words };
        let period = words.next()? as usize;
        let result = words.layout()?;
        let outputs = words.list(2, |w| {
            let [ciphertext, giant] = w.array()?;
            Ok(PlacedOutput { ciphertext, giant })
        })?;
        let mut operands = words.list(5, Words::operand)?;
        if !words.rest.is_empty() {
            let patterns = operands.iter_mut().flat_map(|o| &mut o.patterns);
            for tap in patterns.flat_map(|p| &mut p.taps) {
                tap.weight = words.next()?;
            }
        }
        match words.rest.len() {
            0 => Ok(Self {
                period,
                result,
                outputs,
                operands,
                values,
            }),
            more => Err(format!("{more} words follow the end of the placement")),
        }
    }
}

fn put_layout(out: &mut Vec<u32>, layout: &Layout) {
    out.extend(layout.shape);
    out.push(layout.period);
    for digits in &layout.axes {
        out.push(digits.len() as u32);
        out.extend(digits.iter().flat_map(|d| [d.extent, d.stride]));
    }
}

fn put_pattern(out: &mut Vec<u32>, pattern: &Pattern) {
    out.push(pattern.blocks.len() as u32);
    for block in &pattern.blocks {
        out.extend([block.outputs, block.inputs].as_flattened());
    }
    out.push(pattern.taps.len() as u32);
    for tap in &pattern.taps {
        out.extend([tap.rows, tap.columns, tap.stride].as_flattened());
        out.extend(tap.offset.map(i32::cast_unsigned));
    }
}

/// The words still to be read.
struct Words<'a> {
    rest: &'a [u32],
}

impl Words<'_> {
    fn array<const COUNT: usize>(&mut self) -> Result<[u32; COUNT], String> {
        match self.rest.split_first_chunk() {
            Some((words, rest)) => {
                self.rest = rest;
                Ok(*words)
            }
            None => Err(format!(
                "the placement ends early: {COUNT} words are needed, {} are left",
                self.rest.len()
            )),
        }
    }

    fn next(&mut self) -> Result<u32, String> {
        let [word] = self.array()?;
        Ok(word)
    }

    /// A count and so many items of at least `least` words each.
    fn list<T>(
        &mut self,
        least: usize,
        item: impl Fn(&mut Self) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let count = self.next()? as usize;
        if count > self.rest.len() / least {
            return Err(format!(
                "the placement ends early: {count} items of {least} words are needed, {} words are left",
                self.rest.len()
            ));
        }
        (0..count).map(|_| item(self)).collect()
    }

    fn layout(&mut self) -> Result<Layout, String> {
        let shape = self.array()?;
        let period = self.next()?;
        let digit = |w: &mut Self| {
            let [extent, stride] = w.array()?;
            Ok(Digit { extent, stride })
        };
        let axes = [
            self.list(2, digit)?,
            self.list(2, digit)?,
            self.list(2, digit)?,
        ];
        Ok(Layout {
            shape,
            axes,
            period,
        })
    }

    fn operand(&mut self) -> Result<PlacedOperand, String> {
        let layout = self.layout()?;
        let patterns = self.list(2, |w| {
            let blocks = w.list(4, |w| {
                let [first_output, end_output, first_input, end_input] = w.array()?;
                Ok(Block {
                    outputs: [first_output, end_output],
                    inputs: [first_input, end_input],
                })
            })?;
            let mut taps = w.list(8, Words::tap)?;
            for (tap, number) in taps.iter_mut().zip(0u32..) {
                tap.weight = number;
            }
            Ok(Pattern { blocks, taps })
        })?;
        Ok(PlacedOperand { layout, patterns })
    }

    fn tap(&mut self) -> Result<Tap, String> {
        let [y0, y1, x0, x1, sy, sx, dy, dx] = self.array()?;
        Ok(Tap {
            rows: [y0, y1],
            columns: [x0, x1],
            stride: [sy, sx],
            offset: [dy, dx].map(u32::cast_signed),
            weight: 0,
        })
    }
}
