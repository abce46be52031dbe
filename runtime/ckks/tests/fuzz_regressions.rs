//! Inputs that the fuzzer found interesting, or that once broke a claim: replayed through the bodies of the targets.

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

/// A parameter set was accepted with any fingerprint in its header, and any object with any reserved byte.
#[test]
fn an_accepted_object_has_one_form_only() {
    for target in targets() {
        assert!(target(&[1]), "the template itself");
        for input in [
            &[1, 0x27, 0, 0x27, 0, 0xff, 0x27, 0xff, 0xff][..],
            &[1, 12, 0, 1, 0xff],
            &[1, 11, 0, 1, 1],
        ] {
            assert!(!target(input), "{input:?}");
        }
    }
}

/// Fields that say how much follows, by template and offset, set to more than there is and to more than there can be.
#[test]
fn huge_lengths_are_refused_before_memory_is_taken() {
    const FIELDS: [(usize, u16); 14] = [
        (0, 52),
        (0, 80),
        (3, 76),
        (3, 80),
        (3, 84),
        (3, 92),
        (4, 44),
        (4, 48),
        (5, 44),
        (0, 44),
        (6, 76),
        (6, 80),
        (6, 84),
        (6, 92),
    ];
    let targets = targets();
    for (template, offset) in FIELDS {
        let [low, high] = offset.to_le_bytes();
        for value in [u32::MAX, 1 << 31, 1 << 24, 65, 7] {
            let mut input = vec![1, low, high, 4];
            input.extend(value.to_le_bytes());
            assert!(!targets[template](&input), "{template}, {offset}: {value}");
        }
    }
}

#[test]
fn what_the_fuzzer_kept_is_accepted_or_refused() {
    const NAMES: [&str; 7] = [
        "parameters",
        "secret_key",
        "public_key",
        "evaluation_keys",
        "ciphertext",
        "seeded_ciphertext",
        "mapped_keys",
    ];
    let lines = include_str!("fuzz_seeds.txt").lines();
    let mut runs = [0; 7];
    for line in lines.filter(|line| !line.starts_with('#')) {
        let (name, hex) = line.split_once(' ').unwrap();
        let at = NAMES.iter().position(|n| *n == name).unwrap();
        let bytes = hex.as_bytes().chunks(2).map(|pair| {
            let digits = std::str::from_utf8(pair).unwrap();
            u8::from_str_radix(digits, 16).unwrap()
        });
        targets()[at](&bytes.collect::<Vec<u8>>());
        runs[at] += 1;
    }
    assert!(runs.iter().all(|&count| count > 0), "{runs:?}");
}

/// The bodies of the targets, in the order of the templates.
fn targets() -> [fn(&[u8]) -> bool; 7] {
    [
        fuzz::parameters,
        fuzz::secret_key,
        fuzz::public_key,
        fuzz::evaluation_keys,
        fuzz::ciphertext,
        fuzz::seeded_ciphertext,
        fuzz::mapped_keys,
    ]
}
