//! What a linear map computes: its terms, checked and grouped.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Error;

/// One product of a linear map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinearTerm {
    /// Index of the output.
    pub output: usize,
    /// Rotation of the inner sum that this term belongs to.
    pub giant: i64,
    /// Index of the input.
    pub input: usize,
    /// Rotation of the input.
    pub baby: i64,
    /// Index of the diagonal.
    pub diagonal: usize,
}

/// A checked list of terms, grouped for execution.
#[derive(Clone, Debug)]
pub struct LinearPlan {
    pub(super) inputs: usize,
    pub(super) diagonals: usize,
    /// Per output: (giant step, terms).
    pub(super) outputs: Vec<Vec<(i64, Vec<Product>)>>,
    /// Distinct (input, baby step), in order.
    pub(super) rotated: Vec<(usize, i64)>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Product {
    /// Index into `rotated`.
    pub(super) rotated: usize,
    pub(super) diagonal: usize,
}

/// A plan in parts, each some inner sums in a row, whose diagonals are in memory together.
#[derive(Clone, Debug)]
pub struct LinearPieces {
    pub(super) plan: LinearPlan,
    pub(super) pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// Number of inner sums.
    pub(super) sums: usize,
    /// The diagonals, in the order of their use.
    pub(super) diagonals: Vec<usize>,
}

impl LinearPieces {
    /// The plan in pieces of at most `most` diagonals, or one inner sum's where that has more.
    pub fn new(plan: LinearPlan, most: usize) -> Self {
        let pieces = plan.pieces(most);
        Self { plan, pieces }
    }

    /// For each piece the indices of its diagonals, in the order in which
    /// [`Context::linear_pieces`](crate::Context::linear_pieces) wants them.
    pub fn diagonals(&self) -> impl ExactSizeIterator<Item = &[usize]> {
        self.pieces.iter().map(|piece| piece.diagonals.as_slice())
    }
}

impl LinearPlan {
    /// The pieces of at most `most` diagonals, or one inner sum's where that has more.
    pub(super) fn pieces(&self, most: usize) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        for (_, products) in self.outputs.iter().flatten() {
            let own = products.iter().map(|p| p.diagonal);
            match pieces.last_mut() {
                Some(piece) if piece.diagonals.len() + products.len() <= most => {
                    piece.sums += 1;
                    piece.diagonals.extend(own);
                }
                Some(_) | None => pieces.push(Piece {
                    sums: 1,
                    diagonals: own.collect(),
                }),
            }
        }
        pieces
    }

    /// That no term names a diagonal beyond the first `count`, before memory is taken for them.
    pub(super) fn check_diagonals(&self, count: usize) -> Result<(), Error> {
        if self.diagonals <= count {
            return Ok(());
        }
        Err(Error::Plan {
            what: "a diagonal",
            given: self.diagonals - 1,
            count,
        })
    }

    /// Checks and groups the terms.
    ///
    /// # Errors
    /// `Plan` when an index is out of range or an output has no term.
    pub fn new(inputs: usize, outputs: usize, terms: &[LinearTerm]) -> Result<Self, Error> {
        let pairs: BTreeSet<(usize, i64)> = terms.iter().map(|t| (t.input, t.baby)).collect();
        let rotated: Vec<(usize, i64)> = pairs.into_iter().collect();
        let mut groups: Vec<BTreeMap<i64, Vec<Product>>> = Vec::new();
        for t in terms {
            if t.input >= inputs {
                return Err(Error::Plan {
                    what: "an input",
                    given: t.input,
                    count: inputs,
                });
            }
            if t.output >= outputs {
                return Err(Error::Plan {
                    what: "an output",
                    given: t.output,
                    count: outputs,
                });
            }
            groups.resize_with(groups.len().max(t.output + 1), BTreeMap::new);
            if let Ok(at) = rotated.binary_search(&(t.input, t.baby)) {
                let product = Product {
                    rotated: at,
                    diagonal: t.diagonal,
                };
                groups[t.output].entry(t.giant).or_default().push(product);
            }
        }
        groups.resize_with(
            groups.len().max(outputs.min(groups.len() + 1)),
            BTreeMap::new,
        );
        if let Some(empty) = groups.iter().position(BTreeMap::is_empty) {
            return Err(Error::Plan {
                what: "an output without any term",
                given: empty,
                count: outputs,
            });
        }
        Ok(Self {
            inputs,
            diagonals: terms
                .iter()
                .map(|t| t.diagonal.saturating_add(1))
                .max()
                .unwrap_or(0),
            outputs: groups
                .into_iter()
                .map(|g| g.into_iter().collect())
                .collect(),
            rotated,
        })
    }

    /// The steps that need rotation keys, ascending, without 0.
    pub fn rotations(&self) -> Vec<i64> {
        let babies = self.rotated.iter().map(|&(_, baby)| baby);
        let giants = self.outputs.iter().flatten().map(|(giant, _)| *giant);
        let all: BTreeSet<i64> = babies.chain(giants).filter(|&step| step != 0).collect();
        all.into_iter().collect()
    }
}
