//! What a user must be told although nothing failed; libraries do not print, so the command line prints these.

use std::fmt;

use hemet_ckks_params::{Parameters, Security};

/// Something to tell the user.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Notice {
    /// The parameters promise no security.
    InsecureParameters {
        /// log2 of the ring degree.
        log_n: u32,
        /// log2(QP) in bits.
        log_qp_bits: f64,
    },
}

impl Notice {
    /// What is to be said of parameters.
    pub fn of_parameters(parameters: &Parameters) -> Vec<Notice> {
        match parameters.security() {
            Security::Level(_) => Vec::new(),
            Security::Insecure => vec![Notice::InsecureParameters {
                log_n: parameters.log_n(),
                log_qp_bits: parameters.log_qp_bits(),
            }],
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::InsecureParameters { log_n, log_qp_bits } => write!(
                f,
                "INSECURE PARAMETERS: ring degree 2^{log_n} with log2(QP) = {log_qp_bits:.0} bits was not checked against \
                 the security table; use this artifact for tests only, never for real data"
            ),
        }
    }
}
