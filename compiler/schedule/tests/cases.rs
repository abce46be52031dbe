//! Parsers and verifiers, claim by claim: each file below `tests/files` changes a valid schedule and holds what is said
//! of it.
//!
//! A case `files/BASE/CLAIM.case` has lines `- old` and `+ new`, pair by pair, which change the text of
//! `files/BASE.schedule` once, and lines `= …` with what parser and verifier say: all faults, or `accepted`. The
//! constants of a base follow its text after the line `constants`, and cases may change them too. To bless a wanted
//! change, run `INSTA_UPDATE=always cargo test --release -p hemet-schedule --test cases` and read the difference before
//! committing it.

#[path = "tfhe/common/mod.rs"]
mod tfhe_common;

use std::fs;
use std::path::{Path, PathBuf};

use hemet_schedule::{Constant, Constants, text, tfhe, verify};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files")
}

/// What is said of a schedule whose constants stand behind its text.
fn outcome(text: &str) -> String {
    let accepted = || "accepted".to_owned();
    if text.starts_with("hemet-tfhe-schedule") {
        return match tfhe::parse(text, tfhe_common::constants()) {
            Err(error) => error.to_string(),
            Ok(schedule) => tfhe::verify(schedule).map_or_else(|f| f.to_string(), |_| accepted()),
        };
    }
    let (text, values) = text.split_once("\nconstants\n").expect("constants");
    match text::parse(&format!("{text}\n"), constants(values)) {
        Err(error) => error.to_string(),
        Ok(schedule) => verify(schedule).map_or_else(|f| f.to_string(), |_| accepted()),
    }
}

/// Lines like `@bias vector 0.1 -0.2`, `@d diagonals 2 0.5 0.5 1 1` or `@d diagonals 64 ramp 320`.
fn constants(lines: &str) -> Constants {
    let entry = |line: &str| {
        let mut words = line.split_whitespace();
        let name = words.next().and_then(|w| w.strip_prefix('@'));
        let kind = words.next();
        let mut rest: Vec<&str> = words.collect();
        let period = match kind {
            Some("vector") => None,
            _ => Some(rest.remove(0).parse().expect("a period")),
        };
        let values = match rest[..] {
            ["ramp", count] => {
                let count: i32 = count.parse().expect("a count");
                (0..count).map(|i| f64::from(i) / 64.0 - 2.0).collect()
            }
            _ => rest.iter().map(|w| w.parse().expect("a value")).collect(),
        };
        let constant = match period {
            None => Constant::Vector(values),
            Some(period) => Constant::Diagonals { period, values },
        };
        (name.expect("a name").to_owned(), constant)
    };
    Constants {
        entries: lines.lines().map(entry).collect(),
    }
}

/// The text of a case's schedule.
fn changed(base: &str, case: &str, name: &Path) -> String {
    let lines = |mark: &'static str| case.lines().filter_map(move |l| l.strip_prefix(mark));
    let (old, new): (Vec<&str>, Vec<&str>) = (lines("- ").collect(), lines("+").collect());
    assert_eq!(old.len(), new.len(), "{}", name.display());
    let mut text = base.to_owned();
    for (old, new) in old.into_iter().zip(new) {
        assert!(text.contains(old), "{}: no `{old}`", name.display());
        text = text.replacen(old, new.strip_prefix(' ').unwrap_or(new), 1);
    }
    text
}

/// Checks the cases of a base and returns how many there are; or writes what is said into them.
fn check(base: &str) -> usize {
    let text = fs::read_to_string(folder().join(format!("{base}.schedule"))).expect("a base");
    assert_eq!(outcome(&text), "accepted", "the base that the cases change");
    let bless = std::env::var("INSTA_UPDATE").is_ok_and(|v| v == "always");
    let mut count = 0;
    for entry in fs::read_dir(folder().join(base)).expect("a folder") {
        let path = entry.expect("an entry").path();
        let case = fs::read_to_string(&path).expect("a case");
        let found: String = (outcome(&changed(&text, &case, &path)).lines())
            .map(|line| format!("= {line}\n"))
            .collect();
        let changes: String = (case.lines().filter(|l| !l.starts_with('=')))
            .map(|line| format!("{line}\n"))
            .collect();
        match bless {
            true => fs::write(&path, changes + &found).expect("blessed"),
            false => assert_eq!(case, changes + &found, "{}", path.display()),
        }
        count += 1;
    }
    count
}

#[test]
fn every_change_of_a_schedule_with_every_instruction_gets_its_answer() {
    assert!(check("all_ops") >= 60);
}

#[test]
fn every_change_of_a_schedule_for_a_batch_gets_its_answer() {
    assert!(check("batch") >= 4);
}

#[test]
fn every_change_of_a_tfhe_schedule_gets_its_answer() {
    assert!(check("tfhe") >= 18);
}
