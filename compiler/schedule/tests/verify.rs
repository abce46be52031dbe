//! The verifier: each clause of its specification refuses a schedule that breaks it, with where and both numbers.

mod common;

use common::{SLOTS, all_ops, term};
use hemet_schedule::{
    Builder, Constant, ConstantId, LayerId, Layout, Level, LinearPlan, Op, Scale, Schedule,
    ValueId, verify,
};

type Change = fn(&mut Schedule);

/// Position in `all_ops` of the linear map.
const LINEAR: usize = 2;

fn faults(change: Change) -> String {
    let mut schedule = all_ops();
    change(&mut schedule);
    verify(schedule)
        .map(|_| "accepted".to_owned())
        .unwrap_or_else(|faults| faults.to_string())
}

fn check(cases: &[(Change, &str)]) {
    for (i, (change, wanted)) in cases.iter().enumerate() {
        let found = faults(*change);
        assert!(found.contains(wanted), "case {i}: wanted {wanted}\n{found}");
    }
}

fn plan(s: &mut Schedule) -> &mut hemet_schedule::LinearPlan {
    match &mut s.instructions[LINEAR].op {
        Op::Linear { plan, .. } => plan,
        other => panic!("{other:?}"),
    }
}

fn diagonals(s: &mut Schedule) -> &mut Constant {
    &mut s.constants.entries[0].1
}

fn op(s: &mut Schedule, name: &str) -> usize {
    s.instructions
        .iter()
        .position(|i| i.op.name() == name)
        .unwrap()
}

/// A batch of 2x1x1 images, each element times a number.
fn batch() -> Schedule {
    let mut schedule = all_ops();
    let layout = Layout::batched([2, 1, 1], SLOTS as usize);
    (schedule.header.input, schedule.header.output) = (layout.clone(), layout);
    let mut builder = Builder::new(schedule.header);
    let x = [0, 1].map(|index| builder.push(Op::Input { index }).unwrap()[0]);
    let values = vec![0.5, 0.25];
    let diagonals = builder.constant("w", Constant::Diagonals { period: 1, values });
    let op = Op::Linear {
        inputs: x.to_vec(),
        plan: LinearPlan {
            outputs: 2,
            terms: vec![term(0, 0, 1, 0), term(1, 0, 0, 0)],
        },
        diagonals,
        scale: Scale::pow2(20),
    };
    let outputs = builder.push(op).unwrap();
    builder.finish(outputs)
}

#[test]
fn what_mixes_the_images_of_a_batch_is_refused() {
    let cases: [(Change, &str); 5] = [
        (|_| (), "accepted"),
        (
            |s| s.header.output = Layout::raster([2, 1, SLOTS]),
            "the input layout is batched, the output layout is not",
        ),
        (
            |s| s.header.input = Layout::raster([2, 1, SLOTS]),
            "the output layout is batched, the input layout is not",
        ),
        (|s| plan(s).terms[1].baby = 1, "rotates, which mixes"),
        (
            |s| {
                *diagonals(s) = Constant::Diagonals {
                    period: 2,
                    values: vec![0.5; 4],
                }
            },
            "has period 2, a batch needs period 1",
        ),
    ];
    for (change, wanted) in cases {
        let mut schedule = batch();
        change(&mut schedule);
        let found = verify(schedule).map_or_else(|f| f.to_string(), |_| "accepted".to_owned());
        assert!(found.contains(wanted), "wanted {wanted}\n{found}");
    }
}

#[test]
fn the_schedule_that_the_cases_change_is_valid() {
    assert_eq!(faults(|_| ()), "accepted");
}

#[test]
fn a_wrong_header_is_refused() {
    check(&[
        (
            |s| s.header.depth = 7,
            "depth is 7, the instructions have depth 3",
        ),
        (|s| s.header.precision_bits = 61, "promises 61 bits"),
        (
            |s| s.header.input_level = Level(5),
            "level L5 is outside the chain of 5 primes",
        ),
        (
            |s| s.header.input_scale = Scale::pow2(200),
            "does not fit the modulus of L4",
        ),
        (
            |s| s.header.input_scale = Scale::pow2(i64::MAX),
            "exponent 9223372036854775807",
        ),
        (
            |s| s.header.input_scale = Scale::prime(9),
            "a prime outside the chain",
        ),
        (
            |s| s.header.layers[1] = "input".into(),
            "two layers are named `input`",
        ),
        (
            |s| s.header.layers[1] = "a b".into(),
            "layer 1 is named \"a b\"",
        ),
        (|s| s.header.input.period = 512, "1024 elements"),
        (
            |s| s.header.input.period = 2048,
            "takes 4 ciphertexts of 512 slots, the schedule has 2 inputs",
        ),
        (
            |s| s.header.output.axes[0][1].stride = 0,
            "output layout: two elements lie at position",
        ),
    ]);
}

#[test]
fn wrong_order_and_numbers_are_refused() {
    check(&[
        (
            |s| s.instructions[4].first_result = ValueId(9),
            "its first result is %9, it must be %5",
        ),
        (
            |s| s.instructions[3].op = Op::Rescale { x: ValueId(5) },
            "layer `conv1`, instruction 3: rescale: reads %5, only values below %4",
        ),
        (
            |s| {
                s.instructions[3].op = Op::Rescale {
                    x: ValueId(u32::MAX),
                }
            },
            "reads %4294967295",
        ),
        (
            |s| s.instructions[1].op = Op::Input { index: 0 },
            "reads input 0, the next one is 1",
        ),
        (
            |s| s.instructions[1].layer = LayerId(9),
            "belongs to layer 9, there are 4 layers",
        ),
        (
            |s| s.types.push(s.types[0].clone()),
            "has 18 types, its instructions make 17 values",
        ),
        (|s| s.types.truncate(3), "has 3 types"),
    ]);
}

#[test]
fn a_type_other_than_the_inferred_one_is_refused() {
    check(&[
        (
            |s| s.types[2].scale = Scale::pow2(60),
            "%2 has type ct<L4, 2^60>, inferred is ct<L4, 2^30*q4^1>",
        ),
        (
            |s| s.types[0].level = Level(3),
            "%0 has type ct<L3, 2^30>, inferred is ct<L4, 2^30>",
        ),
        (|s| s.types[8].degree = 1, "inferred is ct2<"),
    ]);
}

#[test]
fn operands_that_do_not_suit_are_refused() {
    check(&[
        (
            |s| {
                let i = op(s, "rotate");
                s.instructions[i].op = Op::Rotate {
                    x: ValueId(7),
                    step: 1,
                }
            },
            "has degree 2, needs degree 1",
        ),
        (
            |s| {
                let i = op(s, "relinearize");
                s.instructions[i].op = Op::Relinearize { x: ValueId(4) }
            },
            "has degree 1, needs degree 2",
        ),
        (
            |s| {
                let i = op(s, "multiply");
                s.instructions[i].op = Op::Multiply {
                    a: ValueId(0),
                    b: ValueId(5),
                }
            },
            "operands are at levels L4 and L3",
        ),
        (
            |s| {
                let i = op(s, "add");
                s.instructions[i].op = Op::Add {
                    a: ValueId(0),
                    b: ValueId(2),
                }
            },
            "operands have different types",
        ),
        (
            |s| {
                let i = op(s, "level_drop");
                s.instructions[i].op = Op::LevelDrop {
                    x: ValueId(15),
                    to: Level(1),
                }
            },
            "not below the operand's level L1",
        ),
        (
            |s| {
                let i = op(s, "mul_plain");
                s.instructions[i].op = Op::MulPlain {
                    x: ValueId(12),
                    constant: ConstantId(2),
                    scale: Scale::pow2(300),
                }
            },
            "does not fit the modulus",
        ),
        (
            |s| {
                let i = op(s, "mul_plain");
                s.instructions[i].op = Op::MulPlain {
                    x: ValueId(12),
                    constant: ConstantId(2),
                    scale: Scale::pow2(-1),
                }
            },
            "must be at least 1",
        ),
    ]);
}

#[test]
fn a_rescale_below_level_0_is_refused() {
    let mut schedule = all_ops();
    let last = schedule.instructions.len() - 1;
    schedule.instructions[last].op = Op::Rescale { x: ValueId(0) };
    schedule.types[0].level = Level(0);
    let found = verify(schedule).unwrap_err().to_string();
    assert!(
        found.contains("is at level L0, rescale needs at least L1"),
        "{found}"
    );
}

#[test]
fn wrong_steps_and_plans_are_refused() {
    check(&[
        (
            |s| {
                let i = op(s, "rotate");
                s.instructions[i].op = Op::Rotate {
                    x: ValueId(11),
                    step: 0,
                }
            },
            "rotates by 0, steps are 1 to 511",
        ),
        (
            |s| {
                let i = op(s, "rotate");
                s.instructions[i].op = Op::Rotate {
                    x: ValueId(11),
                    step: SLOTS,
                }
            },
            "rotates by 512",
        ),
        (
            |s| plan(s).terms[1].baby = SLOTS,
            "term 1 has baby step 512 and giant step 0",
        ),
        (
            |s| plan(s).terms[4].input = 2,
            "term 4 maps operand 2 of 2 to output 1 of 2",
        ),
        (
            |s| plan(s).terms[4].output = 2,
            "term 4 maps operand 1 of 2 to output 2 of 2",
        ),
        (|s| plan(s).terms[4].output = 0, "output 1 of 2 has no term"),
        (|s| plan(s).terms.swap(0, 1), "terms 0 and 1 do not ascend"),
        (
            |s| plan(s).terms[1] = term(0, 0, 0, 0),
            "terms 0 and 1 do not ascend",
        ),
        (
            |s| plan(s).outputs = u32::MAX,
            "has 4294967295 outputs but only 5 terms",
        ),
        (|s| plan(s).terms.clear(), "2 outputs but only 0 terms"),
    ]);
}

#[test]
fn wrong_constants_are_refused() {
    check(&[
        (
            |s| s.constants.entries[1].0 = "conv1/diagonals".into(),
            "two constants are named `conv1/diagonals`",
        ),
        (
            |s| s.constants.entries[1].0 = "conv1 bias".into(),
            "constant \"conv1 bias\"",
        ),
        (
            |s| s.constants.entries[1].1 = Constant::Vector(vec![1.0; 3]),
            "has period 3, it must be a power of two up to 512",
        ),
        (
            |s| s.constants.entries[1].1 = Constant::Vector(vec![]),
            "has period 0",
        ),
        (
            |s| s.constants.entries[1].1 = Constant::Vector(vec![0.0; 1024]),
            "has period 1024",
        ),
        (
            |s| s.constants.entries[1].1 = Constant::Vector(vec![0.0, f64::NAN]),
            "value 1 is NaN",
        ),
        (
            |s| *diagonals(s) = Constant::Vector(vec![1.0]),
            "is a vector, diagonals are needed",
        ),
        (
            |s| {
                s.constants.entries[1].1 = Constant::Diagonals {
                    period: 1,
                    values: vec![1.0],
                }
            },
            "is diagonals, a vector is needed",
        ),
        (
            |s| {
                *diagonals(s) = Constant::Diagonals {
                    period: 64,
                    values: vec![0.0; 256],
                }
            },
            "has 256 values, 5 terms of period 64 are needed",
        ),
        (
            |s| {
                *diagonals(s) = Constant::Diagonals {
                    period: usize::MAX,
                    values: vec![0.0; 256],
                }
            },
            "5 terms of period 18446744073709551615",
        ),
        (
            |s| s.constants.entries[1].1 = Constant::Vector(vec![1e40]),
            "exceeds half the modulus of L3",
        ),
        (
            |s| s.constants.entries.truncate(1),
            "constant 1 does not exist, there are 1",
        ),
    ]);
}

#[test]
fn wrong_outputs_and_missing_keys_are_refused() {
    check(&[
        (|s| s.outputs.clear(), "has no outputs"),
        (
            |s| s.outputs[1] = ValueId(99),
            "output 1 is %99, which does not exist",
        ),
        (|s| s.outputs[0] = ValueId(7), "needs degree 1"),
        (
            |s| s.outputs[1] = ValueId(0),
            "output 1 (%0) has type ct<L4, 2^30>, the first has",
        ),
        (
            |s| {
                let p = &s.header.parameters;
                s.header.parameters = hemet_ckks_params::Parameters::new_insecure(
                    p.log_n(),
                    p.moduli().to_vec(),
                    vec![],
                )
                .unwrap();
            },
            "switches keys, but the parameters have no special prime",
        ),
    ]);
}

#[test]
fn all_faults_come_at_once() {
    let mut schedule = all_ops();
    schedule.header.depth = 0;
    schedule.types[2].degree = 2;
    plan(&mut schedule).terms[0].baby = SLOTS;
    schedule.outputs[1] = ValueId(99);
    schedule.constants.entries[2].1 = Constant::Vector(vec![f64::INFINITY]);
    let faults = verify(schedule).unwrap_err();
    assert!(faults.0.len() >= 5, "{faults}");
    let linear = faults
        .0
        .iter()
        .find(|f| f.instruction == Some(LINEAR))
        .unwrap();
    assert_eq!(linear.layer.as_deref(), Some("conv1"));
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
    assert!(
        faults
            .to_string()
            .contains(&format!("and {} more", faults.0.len() - 20))
    );
}
