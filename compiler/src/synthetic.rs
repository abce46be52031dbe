//! A synthetic cost table, for tests and for trying things without a measurement. **Not measured.**

use std::collections::BTreeMap;

use hemet_schedule::{CostKind, CostTable, cost::CostEntry};

/// Microseconds of one transform of degree 2^14; others scale with `N log N`.
const TRANSFORM_US: f64 = 15.0;
/// Microseconds of one pass of multiply-accumulate over 2^14 residues.
const PASS_US: f64 = 4.0;

/// A table computed from counts of transforms and passes of RNS-CKKS with hybrid key switching, for degrees 2^11 to 2^16, 1 to 4 special
/// primes and 1 to 40 limbs. It orders alternatives as a real machine does; its machine is named `synthetic`.
pub fn synthetic_table() -> CostTable {
    let mut entries: BTreeMap<String, Vec<CostEntry>> = BTreeMap::new();
    for kind in CostKind::ALL {
        let list = entries.entry(kind.name().into()).or_default();
        for log_n in 11..=16 {
            for special in 1..=4 {
                for limbs in [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 40] {
                    let us = cost_us(kind, log_n, special, limbs);
                    list.push(CostEntry {
                        log_n,
                        special,
                        limbs,
                        us,
                    });
                }
            }
        }
    }
    CostTable {
        machine: "synthetic".into(),
        backend: "ckks".into(),
        entries,
    }
}

fn cost_us(kind: CostKind, log_n: u32, special: u32, limbs: u32) -> f64 {
    let size = f64::from(log_n).exp2() / 16384.0;
    let transform = TRANSFORM_US * size * f64::from(log_n) / 14.0;
    let pass = PASS_US * size;
    let (l, k) = (f64::from(limbs), f64::from(special));
    let digits = f64::from(limbs.div_ceil(special));
    // Inverse transforms of all limbs, conversion, forward transforms of the limbs that each digit lacks.
    let decompose = l * transform + digits * (l * pass + (l + k) * transform) - l * transform;
    let inner = digits * 2.0 * (l + k) * pass;
    let mod_down = 2.0 * ((k + l) * transform + l * k * pass + l * pass);
    match kind {
        CostKind::Decompose => decompose,
        CostKind::BabyStep => inner + 2.0 * (l + k) * pass,
        CostKind::Diagonal => 2.0 * (l + k) * pass,
        CostKind::GiantStep => mod_down / 2.0 + decompose + inner,
        CostKind::Finish => mod_down,
        CostKind::Rotate | CostKind::Relinearize => decompose + inner + mod_down,
        CostKind::Add => 2.0 * l * pass * 0.5,
        CostKind::AddPlain => l * pass * 0.5,
        CostKind::MulPlain => 2.0 * l * pass,
        CostKind::Multiply => 4.0 * l * pass,
        CostKind::Square => 3.0 * l * pass,
        CostKind::Rescale => 2.0 * (l * transform + l * pass),
        CostKind::LevelDrop => 0.0,
    }
}
