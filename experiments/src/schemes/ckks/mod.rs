//! Scheme CKKS: costs, compilation, profile and figures of its networks.

pub mod bench;
pub mod cases;
pub mod compile;
pub mod cores;
pub mod costs;
pub mod inspect;
pub mod known;
pub mod layers;
pub mod profile;

use crate::error::Error;
use crate::experiment::{AGREEMENT_OF_SHARED, Compile, Deploy, Experiment};
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
            deploy: experiment.map_or(Deploy::default(), |experiment| experiment.deploy.clone()),
            max_device_products: experiment
                .and_then(|experiment| experiment.constraints.max_device_products),
            table: costs::from(source)?,
        }))
    }

    fn wish(&self, experiment: &mut Experiment, wishes: &Wishes) -> Result<(), Error> {
        let compile = &mut experiment.compile;
        if let Some(wish) = wishes.security {
            (compile.security_bits, compile.post_quantum) = (wish.bits, wish.post_quantum);
        }
        compile.precision_bits = wishes.precision_bits.unwrap_or(compile.precision_bits);
        compile.agreement = match wishes.precision_bits {
            // Whoever names a precision wants that.
            Some(_) => None,
            None => wishes.agreement.or(compile.agreement),
        };
        let deploy = &mut experiment.deploy;
        deploy.device_layers = wishes.device_layers.or(deploy.device_layers);
        compile.share_results = wishes.share_results.or(compile.share_results);
        match (compile.agreement, compile.share_results) {
            (Some(_), Some(_)) => Err(Error::user(AGREEMENT_OF_SHARED)),
            (Some(_), None) | (None, _) => Ok(()),
        }
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
            ("precision promised", promised(compile, best)),
        ]
    }

    fn inspect(&self, args: &args::Inspect) -> Result<(), Error> {
        inspect::run(args)
    }

    fn bench(&self, args: &args::Bench) -> Result<(), Error> {
        bench::run(args)
    }
}

/// The precision of the compiled network, with what it was chosen for.
fn promised(compile: &Compile, best: &Best) -> String {
    let Some(agreement) = best.predicted_agreement else {
        return format!("2^-{} of the logits", compile.precision_bits);
    };
    format!(
        "2^-{} of the logits, the coarsest at which {} % of classes stay as they are ({:.3} % predicted on {} images, {:.3} \
         % measured on {}); estimates of the search are for 2^-{}",
        agreement.precision_bits,
        agreement.asked,
        agreement.predicted,
        agreement.images,
        100.0 * best.agreement,
        best.encrypted_images,
        compile.precision_bits
    )
}
