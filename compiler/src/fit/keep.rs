//! Keep: another training of a network under the numbers of an earlier one, so that its schedule and its keys stay.
//!
//! The numbers are not fitted but checked. Where errors are larger than before, the promise is wider instead of the
//! schedule slower.

use hemet_schedule::FittedNumbers;

use super::check::Check;
use super::screen::Screened;
use super::{Fitted, OF_SHIFT, Task};
use crate::calibration::lacking;
use crate::parameters::room;
use crate::{Error, Options};

/// The promise may be this much wider than the one that the precision stands for.
const MOST_WIDER: f64 = 2.0;
/// Outputs and inner tensors may take so many bits of their margin, which is two for samples.
const MARGIN_BITS: i32 = 1;

impl Task<'_> {
    /// The fitted options are those that the weights would have had for themselves.
    pub(super) fn keep(self, fitted: &Options, numbers: &FittedNumbers) -> Result<Fitted, Error> {
        let options = fitted.with(numbers);
        options.check()?;
        self.check_outputs(fitted, numbers)?;
        let mut decisions = self.decide(&options)?;
        // Quadratics may lie a little further off than scales were made for: the simulation tells what that costs.
        let max_shift = fitted.max_shift.max(options.max_shift);
        let imported = Options {
            max_shift,
            ..options.clone()
        };
        let net = self.net(&imported, decisions.sums())?;
        let rooms = room::bits(&net, &decisions.structure);
        let bits = lacking(&rooms, &self.sizes(&net), self.prepared.basis);
        if bits > MARGIN_BITS {
            let what = format!(
                "an inner tensor needs {bits} bits more than it has, of its margin it may take {MARGIN_BITS}"
            );
            return Err(Error::Unlike { what });
        }
        let screened = Screened::of(&net, &decisions, &self.prepared);
        let promised = self.promised(&options);
        let check = Check::new(&net, &decisions, &self.prepared, &screened, promised);
        let share = check.share(&decisions.rounding);
        // Written so that a NaN is refused too.
        let keeps = share <= MOST_WIDER;
        if !keeps {
            let what = format!(
                "errors take {share:.2} times the promise of ±{promised:.1e}, {MOST_WIDER} at most"
            );
            return Err(Error::Unlike { what });
        }
        let promised = promised * share.max(1.0);
        let check = Check::new(&net, &decisions, &self.prepared, &screened, promised);
        let mut found = self.found(&check, &options)?;
        decisions.net = net;
        decisions.rounding.clone_from(&found.rounding);
        let shift = self.shift(&decisions, &screened, &options)?;
        let wider = (shift / (OF_SHIFT * promised)).max(1.0);
        if wider > MOST_WIDER {
            let what = format!(
                "plaintexts shift outputs by {shift:.1e}, where ±{promised:.1e} is promised"
            );
            return Err(Error::Unlike { what });
        }
        found.promise.error *= wider;
        Ok(self.fitted(decisions, options, found))
    }

    fn check_outputs(&self, fitted: &Options, numbers: &FittedNumbers) -> Result<(), Error> {
        if fitted.output_bits - numbers.output_bits <= MARGIN_BITS {
            return Ok(());
        }
        let what = format!(
            "outputs would be provided for up to 2^{}, the schedule has room for 2^{} and {MARGIN_BITS} bit of its margin",
            fitted.output_bits, numbers.output_bits
        );
        Err(Error::Unlike { what })
    }
}
