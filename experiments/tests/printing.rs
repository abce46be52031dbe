//! What is printed of what others wrote, and what happens where nobody reads it.

mod world;

use std::process::Stdio;

use world::{World, tiny};

#[test]
fn control_characters_of_a_file_are_shown_and_never_sent_to_the_terminal() {
    let world = World::new();
    for (name, written) in [
        ("escape.yaml", "\"a\\e[2Jb\""),
        ("bell.yaml", "\"\\a\\u009b31m\""),
        ("turned.yaml", "\"a\u{202e}b\""),
    ] {
        let sound = tiny(
            "width: 4, kernel: 3",
            "search: {strategy: random, trials: 1}\n",
        );
        world.write(
            name,
            sound.replace("name: tiny", &format!("name: {written}")),
        );
        let told = world.refused(&format!("search {name}"));
        let raw = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}';
        assert!(!told.contains(raw), "{told:?}");
        assert!(told.contains("\\u"), "{told}");
    }
}

#[test]
fn a_closed_pipe_ends_a_command_quietly() {
    let world = World::new();
    world.write(
        "tiny.yaml",
        tiny(
            "width: 4, kernel: 3",
            "search: {strategy: random, trials: 1}\n",
        ),
    );
    for arguments in [
        "space tiny.yaml --costs costs.json",
        "data list",
        "schema",
        "completions bash",
        "man --markdown",
    ] {
        let mut child = world
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Nobody reads.
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments}: {err}");
        assert!(
            !err.contains("panicked") && !err.contains("pipe"),
            "{arguments}: {err}"
        );
    }
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_fails_the_command() {
    let world = World::new();
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = world.command("schema").stdout(full).output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("cannot write to standard output"), "{err}");
}
