//! Price: a cost table at one ring degree and number of special primes, with lookups kept.

use std::cell::RefCell;
use std::collections::HashMap;

use hemet_schedule::{CostKind, CostTable, MissingCost};

use crate::lower::StepCosts;

/// See the module.
pub struct Price<'a> {
    table: &'a CostTable,
    log_n: u32,
    special: u32,
    known: RefCell<HashMap<(CostKind, u32), f64>>,
}

impl<'a> Price<'a> {
    /// The prices of `table` for these parameters.
    pub fn new(table: &'a CostTable, log_n: u32, special: u32) -> Self {
        Self {
            table,
            log_n,
            special,
            known: RefCell::default(),
        }
    }

    /// Microseconds of one.
    ///
    /// # Errors
    /// [`MissingCost`] where the table has no measurement.
    pub fn us(&self, kind: CostKind, limbs: u32) -> Result<f64, MissingCost> {
        if let Some(us) = self.known.borrow().get(&(kind, limbs)) {
            return Ok(*us);
        }
        let us = self.table.cost_us(kind, self.log_n, self.special, limbs)?;
        self.known.borrow_mut().insert((kind, limbs), us);
        Ok(us)
    }

    /// The parts of a linear map.
    ///
    /// # Errors
    /// As [`Price::us`].
    pub fn steps(&self, limbs: u32) -> Result<StepCosts, MissingCost> {
        Ok(StepCosts {
            decompose: self.us(CostKind::Decompose, limbs)?,
            baby: self.us(CostKind::BabyStep, limbs)?,
            diagonal: self.us(CostKind::Diagonal, limbs)?,
            giant: self.us(CostKind::GiantStep, limbs)?,
            finish: self.us(CostKind::Finish, limbs)?,
            link: self.us(CostKind::Rotate, limbs)? + self.us(CostKind::Add, limbs)?,
        })
    }
}
