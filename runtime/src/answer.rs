//! What a client gets out of an answer.

/// What a client decrypts.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The logits, in order.
    Logits(Vec<f64>),
    /// The class alone, where the artifact was compiled so.
    Label(usize),
}

impl Answer {
    /// The class: the largest logit, the first of equals.
    pub fn class(&self) -> usize {
        match self {
            Answer::Label(class) => *class,
            Answer::Logits(logits) => {
                let larger =
                    |best: usize, i: usize| if logits[i] > logits[best] { i } else { best };
                (0..logits.len()).reduce(larger).unwrap_or(0)
            }
        }
    }

    /// The logits; of a class alone 1 for it and 0 for the others of `classes`.
    pub fn scores(self, classes: usize) -> Vec<f64> {
        match self {
            Answer::Logits(logits) => logits,
            Answer::Label(class) => (0..classes.max(class + 1))
                .map(|other| f64::from(u8::from(other == class)))
                .collect(),
        }
    }

    /// The logits; none where the client learns the class alone.
    pub fn logits(self) -> Vec<f64> {
        match self {
            Answer::Logits(logits) => logits,
            Answer::Label(_) => Vec::new(),
        }
    }
}
