//! Serving: what the memory and the warmth of a server add to the time of an answer.

/// What is added to an answer on one thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Serving {
    /// Milliseconds to encode all diagonals: a server does it for each answer with those that its memory does not hold.
    pub encode_ms: f64,
    /// Milliseconds that the first answer under a client's keys takes longer: they come into memory and are checked as
    /// they are used.
    pub first_use_ms: f64,
}

/// Parts of the memory that the diagonals in use take, and those that are encoded ahead of their use.
const IN_USE: f64 = 0.125;
const AHEAD: f64 = 0.125;

impl Serving {
    /// Milliseconds that each answer takes longer where encoded constants may take `memory` bytes and all take `all`.
    pub fn added_ms(&self, memory: u64, all: u64) -> f64 {
        self.encode_ms * (1.0 - kept_share(memory, all))
    }
}

/// The share of diagonals that a server holds encoded, as the engine's cache decides it: of every map the same part.
fn kept_share(memory: u64, all: u64) -> f64 {
    if all <= memory {
        return 1.0;
    }
    let (memory, all) = (memory as f64, all as f64);
    let free = memory * (1.0 - IN_USE - AHEAD);
    (free / (all - IN_USE * memory)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_memory_never_makes_an_answer_quicker_and_enough_adds_nothing() {
        let serving = Serving {
            encode_ms: 800.0,
            first_use_ms: 10.0,
        };
        let all = 1000;
        let added: Vec<f64> = [0, 1, 100, 500, 900, 999, 1000, u64::MAX]
            .map(|memory| serving.added_ms(memory, all))
            .into();
        assert!(added.is_sorted_by(|a, b| a >= b), "{added:?}");
        assert_eq!(added[0], 800.0);
        assert_eq!(added[6..], [0.0, 0.0]);
        // Half of the memory: of it three quarters are free, for all but what is in use.
        assert!((added[3] - 800.0 * (1.0 - 375.0 / 937.5)).abs() < 1e-9);
        assert_eq!(Serving::default().added_ms(0, 0), 0.0);
    }
}
