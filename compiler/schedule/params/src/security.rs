//! The security table: the largest modulus for a ring degree and a security level.
//!
//! Source: Bossuat et al., "Security Guidelines for Implementing Homomorphic Encryption", IACR
//! Communications in Cryptology 1(4), 2024 (ePrint 2024/463): uniform ternary secret, error deviation
//! 3.19, classical and quantum attacks. The rows below are the tables that the guidelines' own published script
//! prints (repository `HomomorphicEncryption/SparseLWEkit`, folder `Security`). They are stricter than
//! the HomomorphicEncryption.org tables of 2018 (109, 218, 438, 881 at 128 bits), on which the lattice
//! estimator gives only 125 to 126 bits.
//!
//! Another published run of that script (repository `gong-cr/FHE-Security-Guidelines`,
//! `output_max_logQ_tables.txt`) differs by at most one bit for classical attacks, and allows much more for quantum
//! ones (825 bits at degree 2^15 where the rows below allow 644). The stricter of both stands here.

/// Smallest and largest `log_n` of the table.
pub(crate) const TABLE_LOG_N: (u32, u32) = (11, 16);

const BITS_128: [u32; 6] = [53, 106, 214, 430, 868, 1747];
const BITS_192: [u32; 6] = [36, 73, 147, 297, 597, 1199];
const BITS_256: [u32; 6] = [27, 56, 114, 230, 462, 929];

const QUANTUM_128: [u32; 6] = [40, 80, 161, 322, 644, 1289];
const QUANTUM_192: [u32; 6] = [29, 59, 119, 239, 479, 959];
const QUANTUM_256: [u32; 6] = [22, 47, 95, 192, 385, 773];

/// Whose attacks a level is counted against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Attacks {
    /// Those of classical computers.
    #[default]
    Classical,
    /// Those of quantum computers too.
    Quantum,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SecurityRow {
    /// The level.
    pub level: SecurityLevel,
    /// Against whom.
    pub attacks: Attacks,
}

impl SecurityRow {
    /// The largest log2(QP) in bits for ring degree 2^`log_n`; `None` outside 11..=16.
    pub fn max_log_qp(self, log_n: u32) -> Option<u32> {
        let row = match (self.attacks, self.level) {
            (Attacks::Classical, SecurityLevel::Bits128) => &BITS_128,
            (Attacks::Classical, SecurityLevel::Bits192) => &BITS_192,
            (Attacks::Classical, SecurityLevel::Bits256) => &BITS_256,
            (Attacks::Quantum, SecurityLevel::Bits128) => &QUANTUM_128,
            (Attacks::Quantum, SecurityLevel::Bits192) => &QUANTUM_192,
            (Attacks::Quantum, SecurityLevel::Bits256) => &QUANTUM_256,
        };
        let index = log_n.checked_sub(TABLE_LOG_N.0)?;
        row.get(index as usize).copied()
    }
}

/// A security level of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecurityLevel {
    /// 128 bits.
    Bits128,
    /// 192 bits.
    Bits192,
    /// 256 bits.
    Bits256,
}

impl SecurityLevel {
    /// Every level, the lowest first.
    pub const ALL: [Self; 3] = [Self::Bits128, Self::Bits192, Self::Bits256];

    /// The level in bits: 128, 192 or 256.
    pub fn bits(self) -> u32 {
        match self {
            Self::Bits128 => 128,
            Self::Bits192 => 192,
            Self::Bits256 => 256,
        }
    }
}

/// What a parameter set promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Security {
    /// The modulus is within the table for this level.
    Level(SecurityLevel),
    /// Not checked: made by [`crate::Parameters::new_insecure`], for tests only.
    Insecure,
}

impl Security {
    /// The promised level in bits, 0 where nothing is promised.
    pub fn bits(self) -> u32 {
        match self {
            Self::Level(level) => level.bits(),
            Self::Insecure => 0,
        }
    }
}

/// The largest log2(QP) in bits for ring degree 2^`log_n` at `level`; `None` outside 11..=16.
///
/// Uniform ternary secret, error deviation 3.19, classical attacks (see the module's source).
pub fn max_log_qp(log_n: u32, level: SecurityLevel) -> Option<u32> {
    let attacks = Attacks::Classical;
    SecurityRow { level, attacks }.max_log_qp(log_n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_the_published_128_bit_row() {
        let row: Vec<_> = (12..=16)
            .map(|n| max_log_qp(n, SecurityLevel::Bits128))
            .collect();
        assert_eq!(
            row,
            [Some(106), Some(214), Some(430), Some(868), Some(1747)]
        );
        assert_eq!(max_log_qp(10, SecurityLevel::Bits128), None);
        assert_eq!(max_log_qp(17, SecurityLevel::Bits128), None);
    }

    #[test]
    fn quantum_attacks_allow_less_than_classical_ones_and_more_than_the_next_level() {
        for log_n in TABLE_LOG_N.0..=TABLE_LOG_N.1 {
            let limit = |level, attacks| SecurityRow { level, attacks }.max_log_qp(log_n).unwrap();
            for level in SecurityLevel::ALL {
                let classical = limit(level, Attacks::Classical);
                assert!(limit(level, Attacks::Quantum) < classical);
                assert_eq!(max_log_qp(log_n, level), Some(classical));
            }
            for pair in SecurityLevel::ALL.windows(2) {
                let quantum = limit(pair[0], Attacks::Quantum);
                assert!(quantum > limit(pair[1], Attacks::Classical));
            }
        }
        let row = |level| SecurityRow {
            level,
            attacks: Attacks::Quantum,
        };
        let published = [
            (SecurityLevel::Bits128, 644),
            (SecurityLevel::Bits192, 479),
            (SecurityLevel::Bits256, 385),
        ];
        for (level, bits) in published {
            assert_eq!(row(level).max_log_qp(15), Some(bits));
        }
    }

    #[test]
    fn a_higher_level_always_allows_less() {
        for log_n in TABLE_LOG_N.0..=TABLE_LOG_N.1 {
            let limit = |level| max_log_qp(log_n, level).unwrap();
            assert!(limit(SecurityLevel::Bits128) > limit(SecurityLevel::Bits192));
            assert!(limit(SecurityLevel::Bits192) > limit(SecurityLevel::Bits256));
        }
    }
}
