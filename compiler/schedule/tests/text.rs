//! The text form: goldens, round trips, and that every error says where.
//!
//! Goldens lie in `tests/snapshots`. To bless a wanted change, run `INSTA_UPDATE=always cargo test --release -p
//! hemet-schedule --test text` and read the difference before committing it.

mod common;

use hemet_schedule::{Constants, OpCounts, text, verify};
use proptest::prelude::*;

#[test]
fn a_schedule_with_every_instruction_prints_as_documented_and_comes_back() {
    let schedule = common::all_ops();
    let printed = text::print(&schedule);
    insta::assert_snapshot!("all_ops", printed);
    assert_eq!(
        text::parse(&printed, schedule.constants.clone()),
        Ok(schedule.clone())
    );
    verify(schedule).unwrap();
}

#[test]
fn op_counts_print_as_a_table() {
    let counts = OpCounts::of(&common::all_ops());
    insta::assert_snapshot!("all_ops_counts", counts.to_string());
    assert!(
        serde_json::to_string(&counts)
            .unwrap()
            .contains("\"rotations\":5")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_valid_schedules_verify_and_come_back_from_text(
        choices in prop::collection::vec(any::<(u8, u32, u32)>(), 0..60), layers in 1u32..5,
    ) {
        let schedule = common::random(&choices, layers);
        let printed = text::print(&schedule);
        let parsed = text::parse(&printed, schedule.constants.clone());
        prop_assert_eq!(parsed.as_ref(), Ok(&schedule));
        let verified = verify(schedule.clone());
        prop_assert!(verified.is_ok(), "{}\n{}", verified.unwrap_err(), printed);
    }
}

#[test]
fn the_random_schedules_cover_every_instruction() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..200u32 {
        let choices: Vec<_> = (0..60)
            .map(|i| (seed + i).wrapping_mul(2_654_435_761))
            .map(|x| ((x >> 24) as u8, x >> 3, x.rotate_left(9)))
            .collect();
        seen.extend(
            common::random(&choices, 3)
                .instructions
                .iter()
                .map(|i| i.op.name()),
        );
    }
    assert_eq!(seen.len(), 12, "{seen:?}");
}

#[test]
fn white_space_comments_and_line_ends_do_not_matter() {
    let schedule = common::all_ops();
    let printed = text::print(&schedule);
    let changed = printed
        .replace(", ", "  ,")
        .replace('\n', "  # a comment\r\n\r\n");
    assert_eq!(
        text::parse(&changed, schedule.constants.clone()),
        Ok(schedule)
    );
}

/// Replaces the first `from` by `to` and returns the error.
fn error(from: &str, to: &str) -> String {
    let schedule = common::all_ops();
    let printed = text::print(&schedule);
    assert!(printed.contains(from), "{from} is not in the text");
    let changed = printed.replacen(from, to, 1);
    text::parse(&changed, schedule.constants)
        .unwrap_err()
        .to_string()
}

#[test]
fn every_error_says_line_column_and_what_was_expected() {
    let cases = [
        (
            "hemet-schedule 1",
            "hemet-schedule 2",
            "line 1, column 16: the schedule has format version 2, this program reads version 1; use a newer hemet",
        ),
        (
            "hemet-schedule 1",
            "schedule 1",
            "line 1, column 1: expected `hemet-schedule`, found `schedule`",
        ),
        (
            "security insecure",
            "security 127",
            "line 5, column 10: expected `128`, `192`, `256` or `insecure`, found `127`",
        ),
        (
            "security insecure",
            "security 128",
            "line 5, column 10: the parameters above are refused",
        ),
        (
            "depth 3",
            "deep 3",
            "line 9, column 1: expected `depth`, found `deep`",
        ),
        (
            "%2, %3 =",
            "%2, %4 =",
            "line 16, column 5: expected the result %3, results count up; found %4",
        ),
        (
            "@conv1/diagonals",
            "@conv2/diagonals",
            "expected the name of one of the 3 constants given, found `conv2/diagonals`",
        ),
        (
            "square",
            "cube",
            "expected an instruction (input, linear, rotate",
        ),
        (
            "rotate %11 by 511",
            "rotate %11 by 4294967296",
            "expected a number from 0 to 4294967295, found `4294967296`",
        ),
        (
            "ct2<",
            "ct3<",
            "expected a type, `ct<` or `ct2<`, found `ct3<L3,`",
        ),
        (
            "i1{8}",
            "i1{}",
            "expected a number from 0 to 4294967295, found `}",
        ),
        (
            "input 1 : ct<L4, 2^30>",
            "input 1 : ct<L4, 2^99999999>",
            "expected a number from 0 to 1048576",
        ),
        (
            "input 1 : ct<L4, 2^30>",
            "input 1 : ct<L4, 2^30*q64^1>",
            "prime q64",
        ),
        ("output %16", "# output %16", "found the end of the text"),
        (
            "layer input\n",
            "",
            "expected a `layer` line before the first instruction",
        ),
        (
            "%0 = input 0",
            "%0, %1 = input 0",
            "makes 1 value, the line names 2 results",
        ),
        (
            "depth 3",
            "depth 3 4",
            "line 9, column 9: expected the end of the line, found `4`",
        ),
    ];
    for (from, to, wanted) in cases {
        let message = error(from, to);
        assert!(message.contains(wanted), "{from} -> {to}:\n{message}");
        assert!(message.starts_with("line "), "{message}");
    }
}

#[test]
fn an_empty_text_and_a_text_after_the_end_are_refused() {
    let none = text::parse("", Constants::default()).unwrap_err();
    assert_eq!((none.line, none.column), (1, 1));
    let schedule = common::all_ops();
    let more = text::print(&schedule) + "layer more\n";
    let error = text::parse(&more, schedule.constants).unwrap_err();
    assert!(error.message.contains("the end of the text"), "{error}");
}

#[test]
fn a_hostile_line_of_many_results_is_read_in_linear_time() {
    let head: String = text::print(&common::all_ops())
        .lines()
        .take_while(|line| !line.starts_with('%'))
        .flat_map(|line| [line, "\n"])
        .collect();
    let results: Vec<String> = (0..300_000).map(|i| format!("%{i}")).collect();
    let error = text::parse(&(head + &results.join(",")), Constants::default()).unwrap_err();
    assert!(error.message.contains("more than 262144 values"), "{error}");
}
