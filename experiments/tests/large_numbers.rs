//! Numbers near the ends of their types, in every place of an experiment and of a space that takes one: they are read
//! or refused, never computed with before somebody has bounded them.

use std::path::Path;

use hemet::experiment::Experiment;

const LARGE: [&str; 5] = [
    "18446744073709551615",
    "9223372036854775807",
    "4294967296",
    "2147483647",
    "1e308",
];

/// Blocks with every knob that the published spaces do not turn.
const BLOCKS: &str = "\
name: e
seed: 1
data: {set: optdigits}
space:
  input: [1, 8, 8]
  classes: 10
  stem: {conv: {width: 8, kernel: 3, stride: 1}}
  blocks:
    - name: b
      pool: 2
      options:
        - conv: {width: [8, 16], kernel: 3, stride: 1, groups: 2, taps: [square, cross], seen: 0.5}
        - conv: {width: 8, kernel: 3, circulant: 2}
        - residual: {width: 8, kernel: 3, stride: 1, groups: 2, taps: [cross], seen: 0.5}
        - inverted_residual: {width: 4, expansion: 2, kernel: 3, stride: 1}
        - fire: {squeeze: 2, expand: 4}
        - inception: {conv1: 4, conv3: 4, conv5: 4, pool: 4, reduce: 2, stride: 2}
        - dense: {width: 8, circulant: 2}
        - pool: {window: 2}
search: {strategy: random, trials: 2}
";

/// Places of whole numbers in a text, without those that are a part of a word or of a fraction.
fn numbers(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let part_of_word =
        |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || b"._/-".contains(b));
    let mut found = Vec::new();
    let mut begin = 0;
    while begin < bytes.len() {
        let end = begin
            + bytes[begin..]
                .iter()
                .take_while(|b| b.is_ascii_digit())
                .count();
        let is_alone = !part_of_word(begin.checked_sub(1).and_then(|i| bytes.get(i)))
            && !part_of_word(bytes.get(end));
        if end > begin && is_alone {
            found.push((begin, end));
        }
        begin = end.max(begin + 1);
    }
    found
}

/// Reads the text with each number in turn made large; how many of them were refused, and of how many.
fn read_each(folder: &Path, experiment: &str, changed: &str) -> (usize, usize) {
    let path = folder.join(experiment);
    let (mut refused, mut all) = (0, 0);
    let text = std::fs::read_to_string(folder.join(changed)).expect("text");
    for (begin, end) in numbers(&text) {
        for large in LARGE {
            let wrong = format!("{}{large}{}", &text[..begin], &text[end..]);
            std::fs::write(folder.join(changed), wrong).expect("written");
            refused += usize::from(Experiment::read(&path).is_err());
            all += 1;
        }
    }
    std::fs::write(folder.join(changed), &text).expect("written");
    Experiment::read(&path).expect("the sound text is read");
    (refused, all)
}

#[test]
fn blocks_with_every_knob_refuse_large_numbers() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("e.yaml"), BLOCKS).expect("written");
    let (refused, all) = read_each(folder.path(), "e.yaml", "e.yaml");
    assert!(
        all > 150 && refused * 10 > all * 9,
        "{refused} of {all} refused"
    );
}

#[test]
fn published_experiments_and_spaces_read_or_refuse_large_numbers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let yaml = |folder: &Path| -> Vec<_> {
        let entries = std::fs::read_dir(folder).expect("a folder").flatten();
        let files = entries.map(|entry| entry.path());
        files
            .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
            .collect()
    };
    let folder = tempfile::tempdir().expect("a folder");
    for preset in yaml(&root.join("../spaces/presets")) {
        std::fs::copy(&preset, folder.path().join("space.yaml")).expect("copied");
        let experiment = "name: e\ndata: {set: optdigits}\nspace_file: space.yaml\nsearch: {strategy: random, trials: 2}\n";
        std::fs::write(folder.path().join("e.yaml"), experiment).expect("written");
        read_each(folder.path(), "e.yaml", "space.yaml");
    }
    let copy = folder.path().join("experiments");
    std::fs::create_dir_all(&copy).expect("a folder");
    std::fs::create_dir_all(folder.path().join("spaces/presets")).expect("a folder");
    for preset in yaml(&root.join("../spaces/presets")) {
        let name = preset.file_name().expect("a name");
        std::fs::copy(&preset, folder.path().join("spaces/presets").join(name)).expect("copied");
    }
    // The replay has keys of its own and is read by an example.
    for experiment in yaml(root)
        .into_iter()
        .filter(|path| !path.ends_with("hemet_replay.yaml"))
    {
        let name = experiment
            .file_name()
            .expect("a name")
            .to_str()
            .expect("text");
        std::fs::copy(&experiment, copy.join(name)).expect("copied");
        read_each(&copy, name, name);
    }
}
