//! Wrong experiment files: what is said of each, and where. Every key of an experiment and of a space is among them.

mod experiment;
mod space;
mod training;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use hemet::experiment::{Experiment, Text, space_of};
use hemet_spaces::schema;
use hemet_spaces::space::SpaceSpec;
use serde_json::Value;

/// A sound experiment, a key a line.
const SOUND: &str = "\
name: e
seed: 1
data: {set: optdigits}
space: {input: [1, 8, 8], classes: 10, blocks: [{name: b1, options: [skip]}]}
search: {strategy: random, trials: 2}
";

/// A line that takes the place of the sound one of its key, or is added; `^` stands before the place that the message
/// must name. Then what the message must contain, the key's path first.
type Wrong = (&'static str, &'static [&'static str]);

/// All of them.
const WRONG: [&[Wrong]; 3] = [experiment::LINES, training::LINES, space::LINES];

/// The text without its mark, and the line and column of it.
fn marked(text: &str) -> (String, String) {
    let line = text.lines().position(|line| line.contains('^'));
    let line = line.expect("a mark");
    let column = text.lines().nth(line).and_then(|row| row.find('^'));
    let place = format!("e.yaml:{}:{}:", line + 1, column.expect("a mark") + 1);
    (text.replacen('^', "", 1), place)
}

/// The sound experiment with this line in it.
fn with(line: &str) -> String {
    let (key, _) = line.split_once(':').expect("a key");
    let key = format!("{}:", key.trim_start_matches('^'));
    let mut lines: Vec<&str> = SOUND.lines().collect();
    match lines.iter().position(|sound| sound.starts_with(&key)) {
        Some(index) => lines[index] = line,
        None if key == "space_file:" => lines[3] = line,
        None => lines.push(line),
    }
    lines.join("\n") + "\n"
}

/// What is said of an experiment.
fn told(text: &str) -> Option<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("e.yaml");
    std::fs::write(&path, text).expect("written");
    let error = Experiment::read(&path).err()?;
    assert_eq!(error.exit_status(), 2);
    // Narrow terminals break lines.
    let words: Vec<String> = error
        .render()
        .replace('│', " ")
        .split_whitespace()
        .map(String::from)
        .collect();
    Some(words.join(" "))
}

#[test]
fn every_wrong_line_is_told_with_what_and_where() {
    let blocks = space::BLOCKS.iter().map(|(option, expected)| {
        let space = "space: {input: [1, 8, 8], classes: 2, blocks: [{name: b, options: [skip, ";
        (format!("{space}{{{option}}}]}}]}}"), vec![*expected])
    });
    let lines = WRONG
        .into_iter()
        .flatten()
        .map(|(line, expected)| (line.to_string(), expected.to_vec()));
    assert_eq!(told(SOUND), None);
    let mut failures = Vec::new();
    for (line, expected) in lines.chain(blocks) {
        let (text, place) = marked(&with(&line));
        let told = told(&text).unwrap_or_default();
        let lacks = |part: &&str| !told.contains(*part);
        for part in expected
            .iter()
            .copied()
            .chain([place.as_str()])
            .filter(lacks)
        {
            failures.push(format!("{line}\n  lacks {part}\n  says {told}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The paths of all keys that a schema has, without those of blocks.
fn keys(root: &Value, schema: &Value, path: &str, out: &mut BTreeSet<String>) {
    let schema = schema::resolve(root, schema);
    for branch in ["anyOf", "oneOf"] {
        for branch in schema[branch].as_array().into_iter().flatten() {
            keys(root, branch, path, out);
        }
    }
    keys_of_items(root, schema, path, out);
    for (key, value) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        out.insert(path.trim_start_matches('.').to_owned());
        keys(root, value, &path, out);
    }
}

fn keys_of_items(root: &Value, schema: &Value, path: &str, out: &mut BTreeSet<String>) {
    if schema["items"].is_object() {
        keys(root, &schema["items"], path, out);
    }
}

#[test]
fn every_key_of_an_experiment_and_a_space_is_among_the_wrong_lines() {
    let mut all = BTreeSet::new();
    let root = schema::of::<Experiment>();
    keys(&root, &root, "", &mut all);
    assert!(all.len() > 90, "{all:?}");
    let table = format!("{WRONG:?}{:?}", space::BLOCKS);
    // Without the indices of lists, and of a block the part below it.
    let table: String = table
        .replace("[0]", "")
        .replace("[1]", "")
        .replace("[2]", "");
    let named = |path: &&String| {
        let inside = path.rsplit("options.").next().unwrap_or(path);
        let inside = inside.rsplit("stem.").next().unwrap_or(inside);
        table.contains(inside) || table.contains(&format!("{inside}:"))
    };
    let missing: Vec<&String> = all.iter().filter(|path| !named(path)).collect();
    assert!(missing.is_empty(), "no wrong line for {missing:?}");
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once() {
    let text = format!("{SOUND}train: {{epochs: 0, bach: 3}}\nencrypted_images: none\n");
    let told = told(&text).expect("refused");
    for part in [
        "e.yaml:6:17",
        "`train.epochs`",
        "e.yaml:6:20",
        "`train.bach`",
        "e.yaml:7:19",
        "`encrypted_images`",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn a_key_that_stands_twice_is_refused_where_it_stands() {
    let told = told(&format!("{SOUND}seed: 2\n")).expect("refused");
    assert!(told.contains("`seed`") && told.contains("twice"), "{told}");
}

#[test]
fn a_byte_order_mark_is_read_and_other_encodings_are_named() {
    assert_eq!(told(&format!("\u{feff}{SOUND}")), None);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("e.yaml");
    let wide: Vec<u8> = SOUND.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, expected) in [
        ([b"\xff\xfe".to_vec(), wide].concat(), "UTF-16"),
        (b"name: \xe9".to_vec(), "byte 6"),
    ] {
        std::fs::write(&path, bytes).expect("written");
        let told = Experiment::read(&path).expect_err("refused").render();
        assert!(told.contains(expected) && told.contains("UTF-8"), "{told}");
    }
}

#[test]
fn files_that_would_take_a_machine_are_refused_at_once() {
    let anchors = |depth: usize| {
        let line = |n: usize| {
            format!(
                "a{n}: &a{n} [{}]\n",
                ["*a"; 9].map(|a| format!("{a}{}", n - 1)).join(", ")
            )
        };
        format!("a0: &a0 [x]\n{}", (1..depth).map(line).collect::<String>())
    };
    for (what, text) in [
        ("brackets", "[".repeat(100_000)),
        ("braces", "{a: ".repeat(50_000)),
        (
            "brackets after a quote",
            format!("a: \"b\"\nc: {}", "[".repeat(100_000)),
        ),
        (
            "brackets after an escaped quote that looks like its end",
            format!("a: [\"b\\\" '\", {}", "[".repeat(100_000)),
        ),
        (
            "brackets after a quote in a comment's place",
            format!("a: b '\nc: {}", "[".repeat(100_000)),
        ),
        (
            "brackets within brackets whose ends are quoted",
            "[ \"]\", ".repeat(30_000),
        ),
        ("lists in lists", "- ".repeat(100_000)),
        ("keys of keys", "? ".repeat(100_000)),
        ("aliases", anchors(20)),
        ("size", format!("{SOUND}# {}", "x".repeat(1 << 20))),
    ] {
        let begun = Instant::now();
        assert!(told(&text).is_some(), "{what}");
        let taken = begun.elapsed();
        assert!(taken < Duration::from_secs(2), "{what}: {taken:?}");
    }
}

#[test]
fn brackets_in_texts_and_comments_do_not_count() {
    let comment = format!("# {}\n{SOUND}", "[ ".repeat(100));
    assert_eq!(told(&comment), None);
    let quoted = with(&format!("name: ^\"{}\"", "[".repeat(100))).replace('^', "");
    let told = told(&quoted).expect("a name of letters");
    assert!(told.contains("letters, digits"), "{told}");
}

#[test]
fn a_space_file_is_told_at_its_own_place() {
    let text = "input: [1, 8, 8]\nclasses: 2\nblocks:\n  - name: b\n    options:\n      - conv: {width: 0}\n";
    let text = Text::of(Path::new("s.yaml"), text).expect("a text");
    let told = space_of(&text).expect_err("refused").render();
    assert!(
        told.contains("s.yaml:6:23") && told.contains("conv.width"),
        "{told}"
    );
    assert!(schema::of::<SpaceSpec>()["properties"]["classes"].is_object());
}
