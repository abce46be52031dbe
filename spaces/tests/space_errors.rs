//! What a user reads who wrote a space file wrong: what, where, and what would be right.

use hemet_spaces::{Space, presets};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const HEAD: &str = "input: [1, 8, 8]\nclasses: 10\n";

/// Each file body after `HEAD`, and what its error must contain.
const CASES: &[(&str, &[&str])] = &[
    (
        "blocks:\n  - name: b1\n    options: [fier]\n",
        &["fier", "fire", "line 5"],
    ),
    (
        "blocks:\n  - name: b1\n    options:\n      - conv: {width: 4, kernal: 3}\n",
        &["kernal", "kernel", "line 6"],
    ),
    (
        "blocks:\n  - name: b1\n    options:\n      - conv: {width: []}\n",
        &["at least one value", "line 6"],
    ),
    (
        "blocks:\n  - name: b1\n    options:\n      - conv: {width: [4, 4]}\n",
        &["value number 2", "line 6"],
    ),
    (
        "blocks:\n  - name: b1\n    options:\n      - conv: {width: four}\n",
        &["four", "line 6"],
    ),
    (
        "blocks:\n  - name: b1\n    options:\n      - conv: {width: -4}\n",
        &["-4", "line 6"],
    ),
    (
        "blocks:\n  - name: b1\n    options:\n      - conv: {kernel: 3}\n",
        &["width", "line 6"],
    ),
    (
        "blocks:\n  - name: b1\n    options:\n      - conv\n",
        &["width"],
    ),
    (
        "blocks:\n  - name: b1\n    options:\n      - conv: {width: 4}\n        skip:\n",
        &["two blocks", "`conv`", "`skip`"],
    ),
    (
        "blocks:\n  - name: b1\n    options:\n      - conv: {width: 4, activation: relu}\n",
        &["relu", "quadratic", "line 6"],
    ),
    (
        "blocks:\n  - name: b1\n    options: [skip]\n    pool: 1\n",
        &["none", "global", "at least 2"],
    ),
    (
        "blocks:\n  - name: b1\n    options: [skip, skip]\n",
        &["b1", "skip", "twice"],
    ),
    (
        "blocks:\n  - name: b1\n    options: []\n",
        &["blocks[0].options", "an empty list"],
    ),
    (
        "blocks:\n  - name: b1\n    options:\n      - conv: {width: 0}\n",
        &["blocks[0].options[0].conv.width", "is 0", "from 1 to 65536"],
    ),
    (
        "blocks:\n  - name: b1\n    options:\n      - inception: {conv1: 0, conv3: 0}\n",
        &["`b1`", "inception", "branch"],
    ),
    (
        "blocks:\n  - name: b1\n    options:\n      - inception: {conv1: 8, conv3: 8, pool: 8}\n",
        &["`b1`", "stride of at least 2"],
    ),
    (
        "blocks:\n  - name: b1\n    options:\n      - residual: {width: 8, kernel: 2}\n",
        &["`b1`", "odd"],
    ),
    (
        "blocks:\n  - {name: b1, options: [skip]}\n  - {name: b1, options: [skip]}\n",
        &["b1", "unique"],
    ),
    (
        "blocks:\n  - {name: head, options: [skip]}\n",
        &["head", "unique"],
    ),
    (
        "blocks:\n  - {name: a b, options: [skip]}\n",
        &["a b", "letters"],
    ),
    (
        "blocks:\n  - name: b1\n    options: [skip]\n    pool: 16\n",
        &["position `b1`", "pool 16", "1x8x8", "pool less"],
    ),
    (
        "blocks:\n  - name: b1\n    options:\n      - conv: {width: 3, groups: 3}\n",
        &["position `b1`", "conv(width=3", "groups 3"],
    ),
    (
        "blocks:\n  - name: b1\n    options:\n      - conv: {width: [6, 8], groups: [1, 4]}\n",
        &["`b1`", "groups 4", "width 6"],
    ),
    (
        "stem: {conv: {width: [8, 12]}}\nblocks:\n  - name: b1\n    options:\n      - conv: {width: 16, groups: [1, 8]}\n",
        &["`b1`", "groups 8", "12 input", "16 output"],
    ),
    (
        "blocks:\n  - {name: a, options: [skip, conv: {width: 8}]}\n  - name: b1\n    options:\n      - conv: {width: 8, groups: 2}\n",
        &["`b1`", "1 channels may come in", "groups 2"],
    ),
    (
        "stem: {conv: {width: 12}}\nblocks:\n  - name: b1\n    options:\n      - conv: {width: 16, seen: [1, 0.125]}\n",
        &[
            "`b1`",
            "0.125",
            "less than one channel",
            "share 4",
            "8 is needed",
        ],
    ),
    (
        "stem: {conv: {width: 8}}\nblocks:\n  - name: b1\n    options:\n      - conv: {width: 8, groups: 4, seen: 0.25}\n",
        &["`b1`", "of a group", "share 2", "4 is needed"],
    ),
    (
        "blocks:\n  - name: b1\n    options:\n      - conv: {width: 8, seen: 0.3}\n",
        &["0.3", "0.25", "line 6"],
    ),
    (
        "blocks:\n  - name: b1\n    options:\n      - conv: {width: 8, kernel: [3, 1], taps: [square, cross]}\n",
        &["`b1`", "cross", "kernel of 1"],
    ),
    (
        "blocks:\n  - name: b1\n    options:\n      - conv: {width: 8, kernel: 4, taps: cross}\n",
        &["`b1`", "odd sides", "4x4"],
    ),
    (
        "blocks:\n  - name: b1\n    options:\n      - conv: {width: 8, taps: star}\n",
        &["star", "square", "cross", "line 6"],
    ),
    (
        "stem: {conv: {width: 8}}\nblocks:\n  - name: b1\n    options:\n      - conv: {width: 12, circulant: [1, 8]}\n",
        &["`b1`", "circulant 8", "8 input", "12 output"],
    ),
    (
        "stem: {conv: {width: 12}}\nblocks:\n  - name: b1\n    options:\n      - dense: {width: 32, circulant: 3}\n",
        &[
            "`b1`",
            "circulant 3",
            "power of two",
            "12 input",
            "32 output",
        ],
    ),
    (
        "stem: {conv: {width: 8}}\nblocks:\n  - name: b1\n    options:\n      - conv: {width: 8, circulant: 2, groups: 2}\n",
        &["`b1`", "circulant 2", "groups 2"],
    ),
    ("blocks: []\nblock: 3\n", &["block", "line 4"]),
    (
        "blocks:\n  - name: b1\n    options:\n      - conv: {width: 1000000000000}\n",
        &[
            "blocks[0].options[0].conv.width",
            "1000000000000",
            "from 1 to 65536",
        ],
    ),
];

#[test]
fn a_wrong_space_file_is_refused_with_what_and_where() {
    for (body, expected) in CASES {
        let text = format!("{HEAD}{body}");
        let message = match serde_yaml::from_str::<Space>(&text) {
            Ok(_) => panic!("accepted:\n{text}"),
            Err(error) => error.to_string(),
        };
        for part in *expected {
            assert!(
                message.contains(part),
                "no `{part}` in `{message}` for:\n{text}"
            );
        }
    }
}

#[test]
fn too_many_options_are_refused_before_they_are_built() {
    let many: Vec<String> = (1..=300).map(|n| n.to_string()).collect();
    let many = many.join(", ");
    let text = format!(
        "{HEAD}blocks:\n  - name: b1\n    options:\n      - conv: {{width: [{many}], kernel: [{many}], stride: [{many}]}}\n"
    );
    let message = serde_yaml::from_str::<Space>(&text)
        .map(|_| ())
        .unwrap_err()
        .to_string();
    assert!(message.contains("more than 65536 options"), "{message}");
}

#[test]
fn mutated_space_files_never_panic() {
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    let alphabet = b"0123456789:,.-[]{}#&*! \nabcdefnopstuvw_";
    for (_, text) in presets::PRESETS {
        for _ in 0..500 {
            let mut bytes = text.as_bytes().to_vec();
            for _ in 0..rng.random_range(1..5) {
                let place = rng.random_range(0..bytes.len() as u32) as usize;
                let new = alphabet[rng.random_range(0..alphabet.len() as u32) as usize];
                match rng.random_range(0..3u8) {
                    0 => bytes[place] = new,
                    1 => drop(bytes.remove(place)),
                    _ => bytes.insert(place, new),
                }
            }
            let text = String::from_utf8_lossy(&bytes);
            if let Ok(space) = serde_yaml::from_str::<Space>(&text) {
                let architecture = space.sample(&mut rng);
                assert!(space.contains(&architecture));
                drop(space.graph(&architecture));
            }
        }
    }
}
