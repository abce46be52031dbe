//! Scheme CKKS: costs, compilation, profile and figures of its networks.

pub mod bench;
pub mod cases;
pub mod compile;
pub mod costs;
pub mod inspect;
pub mod layers;
pub mod profile;

use crate::error::Error;
use crate::experiment::Experiment;
use crate::run::summary::Best;

use super::{CostSource, Costs, Door, Wishes, args};

/// The scheme.
pub struct Ckks;

impl Door for Ckks {
    fn is_exact(&self) -> bool {
        false
    }

    fn costs(
        &self,
        experiment: Option<&Experiment>,
        source: &CostSource<'_>,
    ) -> Result<Box<dyn Costs>, Error> {
        let options = experiment.map(Experiment::compile_options).transpose()?;
        Ok(Box::new(compile::CompilerCosts {
            options: options.unwrap_or_default(),
            table: costs::from(source)?,
        }))
    }

    fn wish(&self, experiment: &mut Experiment, wishes: &Wishes) -> Result<(), Error> {
        let compile = &mut experiment.compile;
        compile.security_bits = wishes.security_bits.unwrap_or(compile.security_bits);
        compile.precision_bits = wishes.precision_bits.unwrap_or(compile.precision_bits);
        compile.share_results = wishes.share_results.or(compile.share_results);
        Ok(())
    }

    fn parameters(&self, experiment: &Experiment, best: &Best) -> Vec<(&'static str, String)> {
        let compile = &experiment.compile;
        vec![
            ("ring degree", format!("2^{}", best.log_n)),
            ("modulus", format!("log2(QP) {:.1} bits", best.log_qp)),
            (
                "security",
                format!(
                    "{} bits ({} asked)",
                    best.security_bits, compile.security_bits
                ),
            ),
            ("depth", format!("{} levels", best.depth)),
            (
                "precision promised",
                format!("2^-{} of the logits", compile.precision_bits),
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
