//! What a user must be told although nothing failed; libraries do not print, so the command line prints these.

use std::fmt;

use crate::facts::Facts;

/// Something to tell the user.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// The parameters promise no security.
    InsecureParameters {
        /// What they are, in words.
        parameters: String,
    },
    /// The network left the range in which its errors are known.
    BeyondTrust {
        /// Which output, from 0.
        index: usize,
        /// Its value.
        value: f64,
        /// Largest magnitude for which errors are promised.
        trusted: f64,
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

impl Facts {
    /// What the user must be told whenever the artifact is used.
    pub fn notices(&self) -> Vec<Notice> {
        match self.security_bits {
            0 => vec![Notice::InsecureParameters {
                parameters: self.parameters.clone(),
            }],
            _ => Vec::new(),
        }
    }

    /// What the user must be told of decrypted outputs: the first one above half of [`Facts::output_edge`] may be a
    /// larger number that wrapped round; else the first one above [`Facts::trusted_output`] may err by more than is
    /// promised.
    pub fn output_notices(&self, outputs: &[f64]) -> Vec<Notice> {
        let beyond = |bound: f64| {
            let is_beyond = |x: &f64| x.is_nan() || x.abs() > bound;
            let index = outputs.iter().position(is_beyond)?;
            Some((index, outputs[index]))
        };
        let near = |edge: f64| {
            let (index, value) = beyond(edge / 2.0)?;
            Some(Notice::OutputNearEdge { index, value, edge })
        };
        let untrusted = |trusted: f64| {
            let (index, value) = beyond(trusted)?;
            Some(Notice::BeyondTrust {
                index,
                value,
                trusted,
            })
        };
        let notice = self.output_edge.and_then(near);
        let notice = notice.or_else(|| self.trusted_output.and_then(untrusted));
        notice.into_iter().collect()
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::InsecureParameters { parameters } => write!(
                f,
                "INSECURE PARAMETERS: {parameters} was not checked against the security table; use this artifact for tests \
                 only, never for real data"
            ),
            Notice::BeyondTrust {
                index,
                value,
                trusted,
            } => write!(
                f,
                "do not trust this answer: output {index} is {value:.4e}, beyond the outputs that the network was compiled for \
                 (±{trusted:.3e}), and its error can be larger than promised. Far beyond, the input drove the network out \
                 of its range, and the answer is likely wrong without encryption too. If such outputs are right, compile \
                 again with --calibrate for such inputs, or with a larger --output-range"
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
