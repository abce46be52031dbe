//! Scheme TFHE: costs, compilation and figures of its networks.

pub mod bench;
pub mod bound;
pub mod compile;
pub mod costs;
pub mod inspect;

use hemet_schedule::tfhe::SECURITY_BITS;

use super::{CostSource, Costs, Door, Wishes, args};

use crate::error::Error;
use crate::experiment::{DEVICE_NEEDS_CKKS, Experiment};
use crate::run::summary::Best;

impl From<hemet_tfhe::Error> for Error {
    fn from(error: hemet_tfhe::Error) -> Self {
        Error::Scheme(Box::new(error))
    }
}

impl From<hemet_schedule::tfhe::Error> for Error {
    fn from(error: hemet_schedule::tfhe::Error) -> Self {
        Error::Scheme(Box::new(error))
    }
}

/// The scheme.
pub struct Tfhe;

impl Door for Tfhe {
    fn is_exact(&self) -> bool {
        true
    }

    fn costs(
        &self,
        experiment: Option<&Experiment>,
        source: &CostSource<'_>,
    ) -> Result<Box<dyn Costs>, Error> {
        if let Some(compile) = experiment.map(|experiment| &experiment.compile)
            && (compile.post_quantum || compile.security_bits > SECURITY_BITS)
        {
            return Err(Error::user(format!(
                "scheme tfhe has parameter sets of {SECURITY_BITS} bits against classical attacks alone; remove \
                 `compile.post_quantum` and a `compile.security_bits` above {SECURITY_BITS}, or choose scheme ckks"
            )));
        }
        let table = costs::from(source)?;
        Ok(Box::new(costs::TfheCosts::new(experiment, table)))
    }

    fn wish(&self, _experiment: &mut Experiment, wishes: &Wishes) -> Result<(), Error> {
        if wishes.security.is_some()
            || wishes.precision_bits.is_some()
            || wishes.agreement.is_some()
            || wishes.share_results.is_some()
        {
            return Err(Error::user(
                "--security, --precision, --agreement and --share-results are for scheme ckks; under tfhe parameter sets have at \
                 least 128 bits and results are exact",
            ));
        }
        if wishes.device_layers.is_some_and(|layers| layers > 0) {
            return Err(Error::user(DEVICE_NEEDS_CKKS));
        }
        compile::check_target(wishes.target)
    }

    fn parameters(&self, experiment: &Experiment, best: &Best) -> Vec<(&'static str, String)> {
        vec![
            ("scheme", best.scheme.to_string()),
            ("ring degree", format!("2^{}", best.log_n)),
            ("security", format!("{} bits", best.security_bits)),
            ("depth", format!("{} bootstraps", best.depth)),
            (
                "failure of a prediction",
                format!("at most 2^-{}", experiment.compile.failure_bits),
            ),
        ]
    }

    fn inspect(&self, args: &args::Inspect) -> Result<(), Error> {
        inspect::run(args)
    }

    fn bench(&self, args: &args::Bench) -> Result<(), Error> {
        bench::run(args)
    }
}
