//! Price: a cost table at the sizes of one chain.

use hemet_schedule::cost::Ring;
use hemet_schedule::{CostKind, CostTable, MissingCost};

use crate::maps::StepCosts;

/// See the module.
pub struct Price<'a> {
    table: &'a CostTable,
    ring: Ring,
}

impl<'a> Price<'a> {
    /// The prices of `table` for these sizes.
    pub fn new(table: &'a CostTable, ring: Ring) -> Self {
        Self { table, ring }
    }

    /// Microseconds of one.
    ///
    /// # Errors
    /// [`MissingCost`] where the table has no measurement.
    pub fn us(&self, kind: CostKind, limbs: u32) -> Result<f64, MissingCost> {
        self.table.cost_us(kind, &self.ring, limbs)
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
