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
    /// larger number that wrapped round.
    pub fn output_notices(&self, outputs: &[f64]) -> Vec<Notice> {
        let near = |edge: f64| {
            let index = outputs.iter().position(|x| x.abs() > edge / 2.0)?;
            let value = outputs[index];
            Some(Notice::OutputNearEdge { index, value, edge })
        };
        self.output_edge.and_then(near).into_iter().collect()
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
            Notice::OutputNearEdge { index, value, edge } => write!(
                f,
                "output {index} is {value:.4e}, near the largest magnitude that this artifact decrypts rightly ({edge:.3e}): it \
                 may be a larger number that wrapped round. Compile again with --calibrate for such inputs, or with a larger \
                 --output-range"
            ),
        }
    }
}
