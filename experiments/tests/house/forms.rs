//! The form of the files.

use crate::tree::{name, product_code, product_files, rust_files};

#[test]
fn only_the_training_knows_burn() {
    for path in rust_files() {
        let inside = path.to_string_lossy().contains("search/src/train");
        let example = path.to_string_lossy().contains("search/examples");
        let text = std::fs::read_to_string(&path).unwrap();
        let uses = text.lines().any(|line| {
            let line = line.trim_start();
            !line.starts_with("//") && line.contains(concat!("burn", "::"))
        });
        assert!(!uses || inside || example, "{} uses burn", path.display());
    }
}

#[test]
fn every_rust_file_says_first_what_it_is() {
    for path in rust_files() {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//!"), "{}", path.display());
    }
}

#[test]
fn nothing_is_left_unfinished_and_no_test_is_ignored() {
    // Split so that this file does not find itself.
    let words = [
        concat!("to", "do!("),
        concat!("unimplemented", "!("),
        concat!("#[", "ignore"),
    ];
    for path in rust_files() {
        let text = std::fs::read_to_string(&path).unwrap();
        for word in words {
            assert!(!text.contains(word), "{} holds {word}", path.display());
        }
    }
}

#[test]
fn library_crates_do_not_print_or_read_environment_or_clock() {
    let words = ["println!", "eprintln!", "print!(", "std::env::var"];
    let clocks = ["Instant::now", "SystemTime::now"];
    for path in product_files() {
        let name = name(&path);
        // The command lines: what is called by a person.
        if name.starts_with("experiments/")
            || name.starts_with("runtime/") && name.ends_with("main.rs")
        {
            continue;
        }
        // Calibration measures: that is its job.
        let calibration = name.contains("/calibrate");
        for line in product_code(&path).lines() {
            let line = line.split("//").next().unwrap_or("");
            for word in words {
                assert!(!line.contains(word), "{name}: {line}");
            }
            for clock in clocks {
                assert!(calibration || !line.contains(clock), "{name}: {line}");
            }
        }
    }
}

#[test]
fn comments_are_at_most_120_columns_wide() {
    let mut wide = Vec::new();
    for path in rust_files() {
        let text = std::fs::read_to_string(&path).unwrap();
        for (index, line) in text.lines().enumerate() {
            let comment = line.trim_start().starts_with("//");
            if comment && line.chars().count() > 120 {
                wide.push(format!("{}:{}", name(&path), index + 1));
            }
        }
    }
    assert!(wide.is_empty(), "{} lines: {wide:#?}", wide.len());
}

#[test]
fn unsafe_code_is_in_the_kernels_only_and_each_block_says_why() {
    for path in rust_files() {
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let uses = code
            .filter(|line| line.contains(concat!("unsafe", " {")))
            .count();
        if uses == 0 {
            continue;
        }
        let name = path.to_string_lossy();
        let kernels = [
            "ckks/src/kernels",
            "ckks/src/ntt",
            "ckks/src/mapping.rs",
            "search/src/train/kernel/",
        ];
        assert!(
            kernels.iter().any(|k| name.contains(k)),
            "{name} has unsafe code"
        );
        let reasons = text.matches("SAFETY:").count();
        assert!(
            reasons > 0,
            "{name}: {uses} unsafe blocks without a SAFETY line"
        );
    }
}
