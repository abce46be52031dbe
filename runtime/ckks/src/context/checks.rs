//! What operations ask of their operands: own parameters, equal levels and scales, a degree.

use super::Context;
use crate::error::Error;
use crate::keys::EvaluationKeys;
use crate::message::{Ciphertext, Plaintext};

/// Scales that differ by less than this part count as equal.
const SCALE_TOLERANCE: f64 = 1.0 / (1u64 << 40) as f64;

impl Context {
    pub(crate) fn check_level(&self, operation: &'static str, level: usize) -> Result<(), Error> {
        let max = self.parameters.max_level();
        if level > max {
            let advice = "use a level of the chain";
            return Err(Error::Level {
                operation,
                given: level,
                min: 0,
                max,
                advice,
            });
        }
        Ok(())
    }

    pub(crate) fn check_own(&self, what: &'static str, tag: u64) -> Result<(), Error> {
        if tag == self.tag() {
            Ok(())
        } else {
            Err(Error::Foreign { what })
        }
    }

    pub(crate) fn check_pair(
        &self,
        operation: &'static str,
        a: &Ciphertext,
        b: &Ciphertext,
    ) -> Result<(), Error> {
        self.check_own("ciphertext", a.tag)?;
        self.check_own("ciphertext", b.tag)?;
        check_levels(operation, a.level, b.level)
    }

    pub(crate) fn check_plain(
        &self,
        operation: &'static str,
        a: &Ciphertext,
        b: &Plaintext,
    ) -> Result<(), Error> {
        self.check_own("ciphertext", a.tag)?;
        self.check_own("plaintext", b.tag)?;
        check_levels(operation, a.level, b.level)
    }

    pub(crate) fn check_rescalable(
        &self,
        operation: &'static str,
        level: usize,
    ) -> Result<(), Error> {
        if level > 0 {
            return Ok(());
        }
        let advice = "give the chain more primes, or rescale less often";
        Err(Error::Level {
            operation,
            given: 0,
            min: 1,
            max: self.parameters.max_level(),
            advice,
        })
    }

    /// That a ciphertext of degree 1 and the keys belong here.
    pub(crate) fn check_switch(
        &self,
        operation: &'static str,
        a: &Ciphertext,
        keys: &EvaluationKeys,
    ) -> Result<(), Error> {
        self.check_own("ciphertext", a.tag)?;
        self.check_own("evaluation keys", keys.tag)?;
        check_degree(operation, a)
    }
}

fn check_levels(operation: &'static str, left: usize, right: usize) -> Result<(), Error> {
    if left == right {
        Ok(())
    } else {
        Err(Error::LevelMismatch {
            operation,
            left,
            right,
        })
    }
}

pub(crate) fn check_scales(operation: &'static str, left: f64, right: f64) -> Result<(), Error> {
    if (left - right).abs() <= SCALE_TOLERANCE * left.abs() {
        Ok(())
    } else {
        Err(Error::ScaleMismatch {
            operation,
            left: left.log2(),
            right: right.log2(),
        })
    }
}

pub(crate) fn check_degree(operation: &'static str, a: &Ciphertext) -> Result<(), Error> {
    if a.degree() == 1 {
        return Ok(());
    }
    let advice = "relinearize it first";
    Err(Error::Degree {
        operation,
        given: a.degree(),
        expected: 1,
        advice,
    })
}
