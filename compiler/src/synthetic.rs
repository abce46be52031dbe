//! A synthetic cost table, for tests and for trying things without a measurement. **Not measured.**

use hemet_schedule::cost::{DegreeCosts, TABLE_VERSION, Unit};
use hemet_schedule::{CostKind, CostTable};

/// Microseconds of one transform of degree 2^14; others scale with `N log N`.
const TRANSFORM_US: f64 = 15.0;
/// Microseconds of one pass of multiply-accumulate over 2^14 residues; others scale with `N`.
const PASS_US: f64 = 4.0;

/// A table computed from the time of a transform and of a pass, for degrees 2^11 to 2^16. It orders alternatives as a
/// real machine does; its machine is named `synthetic`.
pub fn synthetic_table() -> CostTable {
    let degree = |log_n: u32| {
        let us = |unit: Unit| (unit.name().to_owned(), unit_us(unit, log_n));
        DegreeCosts {
            log_n,
            unit_us: Unit::ALL.into_iter().map(us).collect(),
            factors: CostKind::ALL
                .map(|kind| (kind.name().to_owned(), 1.0))
                .into(),
            encode: None,
            first_use: None,
            shared: 0.5,
            deviation: 0.0,
        }
    };
    CostTable {
        version: TABLE_VERSION,
        machine: "synthetic".into(),
        backend: "ckks".into(),
        degrees: (11..=16).map(degree).collect(),
    }
}

fn unit_us(unit: Unit, log_n: u32) -> f64 {
    let size = f64::from(log_n).exp2() / 16384.0;
    match unit {
        Unit::Transform => TRANSFORM_US * size * f64::from(log_n) / 14.0,
        Unit::Convert => PASS_US * size,
        Unit::Switch | Unit::Term => 2.0 * PASS_US * size,
        Unit::Pass => 0.5 * PASS_US * size,
        // Streams hide behind products; seeds are expanded once a request.
        Unit::Stream | Unit::Expand | Unit::Pack | Unit::Call => 0.0,
    }
}
