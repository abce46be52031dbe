//! The diagonals of a linear map on their way through memory, piece by piece.

use std::borrow::Borrow;

use super::plan::{LinearPlan, Piece};
use crate::error::Error;
use crate::message::Diagonal;

/// The pieces of a plan, of which one is in memory at a time.
pub(super) struct Taken<'a, D, F> {
    pieces: &'a [Piece],
    take: F,
    /// The number of the piece that comes next.
    next: usize,
    /// The diagonals of the piece that is there, in the order of their use.
    found: Vec<D>,
    /// For each diagonal of the plan its place in the last piece that has it.
    places: Vec<usize>,
    /// Inner sums of the piece that are not made yet.
    left: usize,
}

impl<'a, D: Borrow<Diagonal>, F: FnMut(usize) -> Result<Vec<D>, Error>> Taken<'a, D, F> {
    /// Nothing is taken yet.
    pub(super) fn new(plan: &LinearPlan, pieces: &'a [Piece], take: F) -> Self {
        Self {
            pieces,
            take,
            next: 0,
            found: Vec::new(),
            places: vec![0; plan.diagonals],
            left: 0,
        }
    }

    /// The diagonals of the next piece; those of the one before are dropped first.
    pub(super) fn next(&mut self) -> Result<&[D], Error> {
        self.found.clear();
        let piece = self.pieces.get(self.next).ok_or(Error::Plan {
            what: "a piece of a plan",
            given: self.next,
            count: self.pieces.len(),
        })?;
        self.found = (self.take)(self.next)?;
        let (given, count) = (self.found.len(), piece.diagonals.len());
        if given != count {
            let what = "the number of diagonals of a piece";
            return Err(Error::Plan { what, given, count });
        }
        for (place, &diagonal) in piece.diagonals.iter().enumerate() {
            let known = self.places.get_mut(diagonal).ok_or(Error::Plan {
                what: "a diagonal",
                given: diagonal,
                count: 0,
            })?;
            *known = place;
        }
        self.next += 1;
        self.left = piece.sums;
        Ok(&self.found)
    }

    /// Inner sums of the piece that are not made yet.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// So many more sums of the piece are made.
    pub(super) fn made(&mut self, sums: usize) {
        self.left -= sums;
    }

    /// The diagonals by their index in the plan. In place of those that are not in the piece stands another, which
    /// nothing reads.
    pub(super) fn table(&self) -> Vec<&Diagonal> {
        let places = self.places.iter();
        let found = places.filter_map(|at| self.found.get(*at).or(self.found.first()));
        found.map(Borrow::borrow).collect()
    }

    /// Whether all diagonals of the piece are numbers.
    pub(super) fn is_constant(&self) -> bool {
        self.found.iter().all(|d| d.borrow().is_constant())
    }
}
