//! Linear maps on lists of ciphertexts, in parallel over rows.

use hemet_schedule::tfhe::MapConstant;
use rayon::prelude::*;

use crate::encode::encode;

/// `step·(W x + b)`: `operands` are the ciphertexts of all columns, `size` numbers each; `turn` is the result's.
pub(crate) fn apply(
    map: &MapConstant,
    step: u32,
    operands: &[&[u64]],
    size: usize,
    turn: u32,
) -> Vec<u64> {
    let columns: Vec<&[u64]> = operands
        .iter()
        .flat_map(|list| list.chunks_exact(size))
        .collect();
    let mut result = vec![0u64; map.outputs() * size];
    result
        .par_chunks_exact_mut(size)
        .enumerate()
        .for_each(|(row, out)| {
            for (column, weight) in map.row(row) {
                let factor = (i64::from(weight) * i64::from(step)) as u64;
                if factor != 0 {
                    add_multiple(out, columns[column as usize], factor);
                }
            }
            out[size - 1] = out[size - 1].wrapping_add(encode(map.bias[row], u64::from(turn)));
        });
    result
}

/// `out += factor·column`, compiled for the processor at hand.
fn add_multiple(out: &mut [u64], column: &[u64], factor: u64) {
    pulp::Arch::new().dispatch(|| match factor as i64 {
        1 => out
            .iter_mut()
            .zip(column)
            .for_each(|(o, c)| *o = o.wrapping_add(*c)),
        -1 => out
            .iter_mut()
            .zip(column)
            .for_each(|(o, c)| *o = o.wrapping_sub(*c)),
        _ => {
            for (o, c) in out.iter_mut().zip(column) {
                *o = o.wrapping_add(c.wrapping_mul(factor));
            }
        }
    });
}
