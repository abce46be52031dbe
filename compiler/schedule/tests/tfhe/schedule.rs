//! Text form, verifier, interpreter, file, noise and costs of schedules.

use crate::common::{ALL_OPS, all_ops, constants};
use hemet_schedule::tfhe::noise::{
    bootstrap_variance, box_margin, failure_log2, keyswitch_variance, modulus_switch_variance,
};
use hemet_schedule::tfhe::{
    Constant, CostTable, Error, FailureGoal, Schedule, SetId, Summary, analyze, estimate,
    from_bytes, interpret, parse, print, to_bytes, verify,
};
use proptest::prelude::*;

fn faults(change: impl FnOnce(&mut Schedule)) -> String {
    let mut schedule = all_ops();
    change(&mut schedule);
    match verify(schedule) {
        Ok(_) => "valid".into(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_text_form_of_every_instruction_is_read_back() {
    let schedule = all_ops();
    assert_eq!(print(&schedule), ALL_OPS);
    verify(schedule).unwrap();
}

#[test]
fn an_empty_text_is_refused() {
    let error = parse("", constants()).unwrap_err();
    assert_eq!((error.line, error.column), (1, 1));
}

#[test]
fn the_interpreter_gives_what_a_hand_computes() {
    let verified = verify(all_ops()).unwrap();
    // (1, 2): 3 + 2 + 5 = 10, halved twice 2, table 2. −1 + 4 = 3, halved twice 0, table 3. Sum 5.
    assert_eq!(interpret(&verified, &[1, 2]).unwrap(), [5]);
    // (3, 3): 9 + 3 + 5 = 17, 4, half a turn further: 3 − (−1) = 4. −3 + 6 = 3: 3. Sum 7.
    assert_eq!(interpret(&verified, &[3, 3]).unwrap(), [7]);
    // (2, 0): 11: 2: 2. −2 mod 32 = 30: 7: 3 − 0 = 3. Sum 5.
    assert_eq!(interpret(&verified, &[2, 0]).unwrap(), [5]);
    assert!(interpret(&verified, &[1]).is_err());
    assert!(interpret(&verified, &[1, 4]).is_err());
}

#[test]
fn constants_that_do_not_fit_are_refused() {
    let first = "first/map".to_owned();
    assert!(faults(|s| drop(s.constants.remove(&first))).contains("it is missing"));
    let with_map = |change: fn(&mut hemet_schedule::tfhe::MapConstant)| {
        faults(|s| match s.constants.get_mut("first/map") {
            Some(Constant::Map(map)) => change(map),
            Some(Constant::Table(_)) | None => unreachable!("the fixture has this map"),
        })
    };
    assert!(with_map(|m| m.columns[1] = 7).contains("must ascend strictly and stay below 2"));
    assert!(with_map(|m| m.row_starts[1] = 9).contains("do not fit together"));
    assert!(with_map(|m| m.inputs = 3).contains("a map of 3 to 2 values, needed is 2 to 2"));
    assert!(faults(|s| s.failure = FailureGoal::Bootstrap(20)).contains("valid"));
}

#[test]
fn a_file_gives_back_the_schedule_and_damaged_files_are_refused() {
    let verified = verify(all_ops()).unwrap();
    let bytes = to_bytes(&verified).unwrap();
    assert_eq!(from_bytes(&bytes).unwrap(), verified);
    assert!(matches!(
        from_bytes(&bytes[..bytes.len() - 1]),
        Err(Error::File(_))
    ));
    assert!(matches!(from_bytes(b"no file"), Err(Error::File(_))));
}

#[test]
fn the_noise_model_gives_the_published_failure_of_every_published_set() {
    // Name, carry and message bits, norm and failure as the library documents them.
    for (name, bits, norm, published) in [
        ("1_0", 1, 1.0, -128.603),
        ("2_0", 2, 1.0, -128.285),
        ("1_1", 2, 3.0, -128.186),
        ("1_2", 3, 7.0, -128.536),
        ("2_2", 4, 5.0, -128.597),
        ("1_3", 4, 15.0, -128.103),
        ("2_3", 5, 10.0, -128.639),
        ("3_3", 6, 9.0, -128.1),
    ] {
        let set = SetId::find(name).unwrap().get();
        let variance = norm * norm * bootstrap_variance(set)
            + keyswitch_variance(set, set)
            + modulus_switch_variance(set);
        let found = failure_log2(box_margin(set, 2 << bits), variance);
        assert!(
            (found - published).abs() < 1.0,
            "{name}: {found}, published {published}"
        );
    }
}

#[test]
fn the_tail_bound_is_above_the_true_tail_and_close() {
    // Two-sided Gaussian tails: erfc(z/√2).
    for (z, exact) in [
        (2.0, 0.0455002638963584f64),
        (5.0, 5.733031437583866e-7),
        (8.0, 1.2441921148543597e-15),
    ] {
        let bound = failure_log2(z, 1.0);
        assert!(
            bound >= exact.log2() && bound <= exact.log2() + 0.4,
            "{z}: {bound} and {}",
            exact.log2()
        );
    }
    assert_eq!(failure_log2(0.0, 1.0), 0.0);
}

#[test]
fn a_map_of_dependent_values_counts_more_noise_than_of_independent_ones() {
    let schedule = all_ops();
    let noise = analyze(&schedule).noise;
    assert!(noise[0].independent && !noise[1].independent && noise[5].independent);
    let fresh = SetId::find("2_3").unwrap().get().glwe_std;
    assert_eq!(noise[1].variance, fresh * fresh * 10.0 * 4.0);
}

#[test]
fn counts_and_estimates_add_up() {
    let schedule = all_ops();
    let summary = Summary::new(&schedule);
    assert_eq!(
        summary.bootstraps,
        [("1_1".to_owned(), 2), ("2_3".to_owned(), 4)].into()
    );
    assert_eq!(
        summary.keyswitches,
        [("2_3 1_1".to_owned(), 2), ("2_3 2_3".to_owned(), 4)].into()
    );
    assert_eq!((summary.depth, summary.linear_entries), (3, 6));
    let mut table = CostTable::nominal(2);
    let whole = estimate(&schedule, &table).unwrap();
    assert_eq!(whole.instruction_ms.iter().sum::<f64>(), whole.total_ms);
    // Two ciphertexts on two threads take as long as one; on one thread twice as long.
    table.threads = 1;
    let alone = estimate(&schedule, &table).unwrap();
    assert!((alone.instruction_ms[5] / whole.instruction_ms[5] - 2.0).abs() < 1e-9);
    table.us.remove("bootstrap 1_1");
    assert_eq!(
        estimate(&schedule, &table),
        Err(Error::Cost("bootstrap 1_1".into()))
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn no_mutated_text_makes_the_parser_or_verifier_panic(
        edits in prop::collection::vec((0usize..900, "[ -~\n]{0,3}"), 1..4)
    ) {
        let mut text = ALL_OPS.to_owned();
        for (at, piece) in edits {
            let at = at.min(text.len());
            let end = (at + piece.len().max(1)).min(text.len());
            text.replace_range(at..end, &piece);
        }
        if let Ok(schedule) = parse(&text, constants()) {
            let again = parse(&print(&schedule), constants());
            prop_assert_eq!(again.as_ref(), Ok(&schedule));
            let _ = verify(schedule);
        }
    }
}
