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
    assert_eq!(seen.len(), 10, "{seen:?}");
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
