//! The predicted noise of every operation: above every measured error, and less than four bits above on average.

mod noise_cases;

use hemet_ckks::params::Preset;
use noise_cases::{Cases, OPERATIONS};

/// Bits that a bound may be above the largest error, on average.
const SLACK_BITS: f64 = 4.0;

/// Runs `cases` of each operation.
fn check(preset: &Preset, cases: usize) {
    let mut all = Cases::new(preset, 1).unwrap();
    for operation in OPERATIONS.iter().filter(|o| o.1 <= preset.depth) {
        let mut slack_bits = 0.0;
        for case in 0..cases {
            let (error, bound) = all.run(operation).unwrap();
            let at = format!("{}, {}, case {case}", preset.name, operation.0);
            assert!(error <= bound, "{at}: error {error:e}, bound {bound:e}");
            slack_bits += (bound / error).log2() / cases as f64;
        }
        let at = format!("{}, {}", preset.name, operation.0);
        assert!(slack_bits < SLACK_BITS, "{at}: {slack_bits:.2} bits above");
    }
}

/// Cases of each operation here, which makes 1,008 for the small presets; `examples/noise.rs` runs 1,000 of each.
fn cases(preset: &Preset) -> usize {
    match preset.log_n {
        ..=12 => 63,
        13 => 10,
        14 => 2,
        _ => 1,
    }
}

#[test]
fn the_bound_holds_and_is_near_for_every_operation_of_every_preset() {
    for preset in &Preset::ALL {
        check(preset, cases(preset));
    }
}
