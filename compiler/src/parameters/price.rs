//! Price: a cost table at the sizes of one chain.

use hemet_schedule::cost::Ring;
use hemet_schedule::{CostKind, CostTable, MissingCost};

use crate::maps::StepCosts;

/// See the module.
pub struct Price {
    /// Microseconds of each kind, for 1, 2, … limbs.
    us: Vec<[f64; CostKind::ALL.len()]>,
}

impl Price {
    /// The prices of `table` for these sizes.
    ///
    /// # Errors
    /// [`MissingCost`] where the table has no measurement.
    pub fn new(table: &CostTable, ring: &Ring) -> Result<Self, MissingCost> {
        let times = table.times(ring.log_n())?;
        let of_limbs = |limbs| CostKind::ALL.map(|kind| times.us(kind, &ring.work(kind, limbs)));
        Ok(Self {
            us: (1..=ring.limbs()).map(of_limbs).collect(),
        })
    }

    /// Microseconds of one on operands of `limbs` limbs, at most those of the chain.
    pub fn us(&self, kind: CostKind, limbs: u32) -> f64 {
        let index = (limbs as usize).clamp(1, self.us.len().max(1)) - 1;
        self.us.get(index).map_or(0.0, |us| us[kind as usize])
    }

    /// The parts of a linear map; where its results are `rescaled` as they are finished, less the rescale of each.
    pub fn steps(&self, limbs: u32, rescaled: bool) -> StepCosts {
        let finish = match rescaled {
            true => self.us(CostKind::FinishRescale, limbs) - self.us(CostKind::Rescale, limbs),
            false => self.us(CostKind::Finish, limbs),
        };
        StepCosts {
            finish,
            decompose: self.us(CostKind::Decompose, limbs),
            baby: self.us(CostKind::BabyStep, limbs),
            diagonal: self.us(CostKind::Diagonal, limbs),
            giant: self.us(CostKind::GiantStep, limbs),
            link: self.us(CostKind::Rotate, limbs) + self.us(CostKind::Add, limbs),
        }
    }
}
