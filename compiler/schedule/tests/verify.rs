//! The verifier on schedules that no text can say; `cases.rs` has the others.

mod common;

use common::all_ops;
use hemet_schedule::{LayerId, Op, Scale, Schedule, ValueId, verify};

/// Changes a valid schedule and checks that a fault says `wanted`.
fn refused(change: fn(&mut Schedule), wanted: &str) {
    let mut schedule = all_ops();
    change(&mut schedule);
    let faults = verify(schedule).unwrap_err().to_string();
    assert!(faults.contains(wanted), "wanted {wanted}\n{faults}");
}

#[test]
fn results_and_types_are_numbered_without_gaps() {
    refused(
        |s| s.instructions[4].first_result = ValueId(9),
        "its first result is %9, it must be %5",
    );
    refused(
        |s| s.types.push(s.types[0].clone()),
        "has 18 types, its instructions make 17 values",
    );
    refused(|s| s.types.truncate(3), "has 3 types");
    refused(|s| s.outputs.clear(), "has no outputs");
    let many = |s: &mut Schedule| {
        for instruction in &mut s.instructions {
            if let Op::Linear { plan, .. } = &mut instruction.op {
                plan.outputs = u32::MAX;
            }
        }
    };
    refused(many, "has 4294967295 outputs but only 5 terms");
}

#[test]
fn layers_and_constants_have_names_of_their_own() {
    refused(
        |s| s.instructions[1].layer = LayerId(9),
        "belongs to layer 9, there are 4 layers",
    );
    refused(
        |s| s.header.layers[1] = "input".into(),
        "two layers are named `input`",
    );
    refused(
        |s| s.header.layers[1] = "a b".into(),
        "layer 1 is named \"a b\"",
    );
    refused(
        |s| s.constants.entries[1].0 = "conv1 bias".into(),
        "constant \"conv1 bias\"",
    );
    refused(
        |s| s.constants.entries[1].0 = "conv1/diagonals".into(),
        "two constants are named `conv1/diagonals`",
    );
    refused(
        |s| s.constants.entries.truncate(1),
        "constant 1 does not exist, there are 1",
    );
}

#[test]
fn exponents_beyond_every_text_are_refused() {
    refused(
        |s| s.header.input_scale = Scale::pow2(i64::MAX),
        "exponent 9223372036854775807",
    );
}

#[test]
fn the_display_of_many_faults_is_short() {
    let mut schedule = all_ops();
    // Every type is wrong, and so is the first result of every instruction.
    for ty in &mut schedule.types {
        ty.scale = Scale::pow2(1);
    }
    for instruction in &mut schedule.instructions {
        instruction.first_result.0 += 1;
    }
    let faults = verify(schedule).unwrap_err();
    assert!(faults.0.len() > 20, "{faults}");
    let rest = format!("and {} more", faults.0.len() - 20);
    assert!(faults.to_string().contains(&rest));
}
