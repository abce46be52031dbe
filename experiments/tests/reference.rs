//! The schemas and pages that are generated from the types and the command line: the kept files are what the program
//! gives.

mod world;

use std::path::{Path, PathBuf};

use world::World;

/// Each kept file, from the project's root, and the command that gives its content.
const GENERATED: &[(&str, &str)] = &[
    (
        "experiments/schema/experiment.schema.json",
        "schema experiment",
    ),
    ("experiments/schema/space.schema.json", "schema space"),
    (
        "docs/reference/experiment.md",
        "schema experiment --markdown",
    ),
    ("docs/reference/space.md", "schema space --markdown"),
    ("docs/reference/commands.md", "man --markdown"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// `INSTA_UPDATE=always` writes them anew, as it does the project's other goldens.
#[test]
fn the_kept_files_are_what_the_program_gives() {
    let world = World::new();
    let bless = std::env::var("INSTA_UPDATE").is_ok_and(|value| value == "always");
    let mut old = Vec::new();
    for (name, command) in GENERATED {
        let (path, given) = (root().join(name), world.good(command));
        if bless {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &given).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        if kept != given {
            old.push(format!("hemet {command} > {name}"));
        }
    }
    assert!(old.is_empty(), "write them anew:\n{}", old.join("\n"));
}

#[test]
fn every_published_file_names_its_schema_in_its_first_line() {
    let mut seen = 0;
    for folder in ["experiments", "spaces/presets"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            // The replay's file has a form of its own.
            if !name.ends_with(".yaml") || name == "hemet_replay.yaml" {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let first = text.lines().next().unwrap_or_default();
            let schema = first.strip_prefix("# yaml-language-server: $schema=");
            let schema = path.parent().unwrap().join(schema.expect(&name));
            assert!(schema.is_file(), "{name}: {}", schema.display());
            seen += 1;
        }
    }
    assert!(seen >= 15, "{seen}");
}

#[test]
fn every_shell_has_completions_that_know_the_commands() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let given = world.good(&format!("completions {shell}"));
        for word in ["search", "decrypt", "--resume"] {
            // fish has options without their dashes.
            assert!(
                given.contains(word.trim_start_matches('-')),
                "{shell}: {word}"
            );
        }
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let world = World::new();
    let told = world.good("man --out man");
    let pages = std::fs::read_dir(world.path("man")).unwrap().count();
    assert!(told.starts_with(&format!("{pages} pages")), "{told}");
    let page = world.read("man/hemet-search.1");
    for part in ["hemet\\-search", "\\-\\-resume", "run folder"] {
        assert!(page.contains(part), "{part}:\n{page}");
    }
    assert!(world.path("man/hemet-data-fetch.1").is_file());
}
