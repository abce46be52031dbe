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
    /// An output may be a larger one that wrapped round.
    OutputNearEdge {
        /// Which output, from 0.
        index: usize,
        /// Its value.
        value: f64,
        /// Magnitude from which on outputs decrypt to wrong numbers.
        edge: f64,
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
            Notice::OutputNearEdge { index, value, edge } => write!(
                f,
                "output {index} is {value:.4e}, near the largest magnitude that this artifact decrypts rightly ({edge:.3e}): it \
                 may be a larger number that wrapped round. Compile again with --calibrate for such inputs, or with a larger \
                 --output-range"
            ),
        }
    }
}
