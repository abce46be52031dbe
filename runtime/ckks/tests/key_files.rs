//! Evaluation keys as streams and as mapped files: the same results, and damage is named with its place.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "any other error fails the test"
)]

mod common;

use std::io::{Read, Write};

use common::{PRESETS, Setup, setup};
use hemet_ckks::{BytesError, Ciphertext, Error, EvaluationKeys, KeyRequest};

/// Results that use every key.
fn results(s: &Setup, a: &Ciphertext, keys: &EvaluationKeys) -> Result<Vec<Vec<u8>>, Error> {
    let mut all = s.context.rotate_many(a, &common::ROTATIONS, keys)?;
    all.push(s.context.conjugate(a, keys)?);
    all.push(s.context.relinearize_rescale(&s.context.square(a)?, keys)?);
    Ok(all.iter().map(|c| c.to_bytes(&s.context)).collect())
}

/// Gives a few bytes at a time, as a network does, and fails after them where told to.
struct Drip<'a> {
    rest: &'a [u8],
    fails: bool,
}

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.rest.is_empty() && self.fails {
            return Err(std::io::Error::other("the line went dead"));
        }
        let count = buffer.len().min(self.rest.len()).min(1000);
        buffer[..count].copy_from_slice(&self.rest[..count]);
        self.rest = &self.rest[count..];
        Ok(count)
    }
}

#[test]
fn a_stream_gives_the_keys_that_went_into_it_and_leaves_what_follows() {
    let mut s = setup(&PRESETS[0]);
    let x = s.values();
    let a = s.encrypt(&x);
    let mut bytes = Vec::new();
    s.keys.write_to(&s.context, &mut bytes).unwrap();
    assert_eq!(bytes, s.keys.to_bytes(&s.context));
    bytes.extend_from_slice(b"next");
    let mut stream = Drip {
        rest: &bytes,
        fails: true,
    };
    let keys = EvaluationKeys::read_from(&s.context, &mut stream).unwrap();
    assert_eq!(stream.rest, b"next");
    assert_eq!(keys.rotations(), s.keys.rotations());
    assert_eq!(
        results(&s, &a, &keys).unwrap(),
        results(&s, &a, &s.keys).unwrap()
    );
}

/// What the mapped keys belong to.
const LABEL: [u8; 32] = [7; 32];

/// Bytes of the head of the shared keys: header, seed and counts, levels and steps, checksum.
const HEAD: usize = 44 + 40 + 4 + 8 * 8 + 32;

#[test]
fn a_cut_or_changed_stream_says_in_which_key_and_where() {
    let s = setup(&PRESETS[0]);
    let bytes = s.keys.to_bytes(&s.context);
    let part = (bytes.len() - HEAD) / 9;
    let read = |bytes: &[u8], fails| {
        let mut stream = Drip { rest: bytes, fails };
        EvaluationKeys::read_from(&s.context, &mut stream)
            .map(drop)
            .unwrap_err()
    };
    for key in 0..9 {
        let from = HEAD + key * part;
        for at in [from, from + part / 2, from + part - 33, from + part - 1] {
            let mut changed = bytes.clone();
            changed[at] ^= 4;
            match read(&changed, false) {
                Error::Bytes(BytesError::Part {
                    part: name,
                    from: found,
                    to,
                    ..
                }) => {
                    assert_eq!((found, to), (from as u64, (from + part - 32) as u64));
                    assert_eq!(name == "relinearization key", key == 0, "{name}");
                }
                other => panic!("{other}"),
            }
            assert!(EvaluationKeys::from_bytes(&s.context, &changed).is_err());
            match read(&bytes[..at], false) {
                Error::Bytes(BytesError::Cut {
                    given, expected, ..
                }) => {
                    assert_eq!((given, expected), (at as u64, bytes.len() as u64));
                }
                other => panic!("{other}"),
            }
            match read(&bytes[..at], true) {
                Error::Stream { reason, .. } => assert_eq!(reason, "the line went dead"),
                other => panic!("{other}"),
            }
        }
    }
    let text = read(&bytes[..bytes.len() - 1], false).to_string();
    assert!(text.contains("within the key for conjugation"), "{text}");
    for at in 0..HEAD {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        read(&changed, false);
        read(&bytes[..at], false);
    }
}

#[test]
fn keys_in_another_order_are_refused() {
    let s = setup(&PRESETS[0]);
    let bytes = s.keys.to_bytes(&s.context);
    let part = (bytes.len() - HEAD) / 9;
    let (head, keys) = bytes.split_at(HEAD);
    let swapped = [
        head,
        &keys[part..2 * part],
        &keys[..part],
        &keys[2 * part..],
    ]
    .concat();
    let refused = EvaluationKeys::from_bytes(&s.context, &swapped).map(drop);
    assert!(matches!(
        refused,
        Err(Error::Bytes(BytesError::Part { .. }))
    ));
}

#[test]
fn mapped_keys_give_the_same_bytes_as_those_in_memory() {
    for preset in PRESETS {
        let mut s = setup(&preset);
        let x = s.values();
        let a = s.encrypt(&x);
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&[7; 24]).unwrap();
        s.keys
            .write_mapped(&s.context, &LABEL, file.as_file_mut())
            .unwrap();
        let keys = EvaluationKeys::map(&s.context, file.as_file(), &LABEL, 24).unwrap();
        let expected = results(&s, &a, &s.keys).unwrap();
        assert_eq!(results(&s, &a, &keys).unwrap(), expected, "{}", preset.name);
        assert_eq!(keys.to_bytes(&s.context), s.keys.to_bytes(&s.context));
        assert_eq!(keys.size_bytes(), s.keys.size_bytes());
        // The file may lose its name, and clones outlive the first.
        let clone = keys.clone();
        drop((keys, file));
        assert_eq!(results(&s, &a, &clone).unwrap(), expected);
    }
}

#[test]
fn a_changed_mapped_key_is_refused_at_its_first_use_and_the_others_work() {
    let mut s = setup(&PRESETS[0]);
    let x = s.values();
    let a = s.encrypt(&x);
    let mut bytes = Vec::new();
    s.keys.write_mapped(&s.context, &LABEL, &mut bytes).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let last = bytes.len() - 100;
    bytes[last] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let map = |offset| {
        let file = std::fs::File::open(&path).unwrap();
        EvaluationKeys::map(&s.context, &file, &LABEL, offset)
    };
    let keys = map(0).unwrap();
    assert!(s.context.rotate_many(&a, &common::ROTATIONS, &keys).is_ok());
    for _ in 0..2 {
        match s.context.conjugate(&a, &keys).map(drop).unwrap_err() {
            Error::Bytes(BytesError::Part { part, from, to, .. }) => {
                assert_eq!(part, "key for conjugation");
                assert!((from..to).contains(&(last as u64)) && from % 4096 == 0);
            }
            other => panic!("{other}"),
        }
    }
    let cases: [(&[u8], u64, &str); 6] = [
        (&bytes[..bytes.len() - 1], 0, "were expected"),
        (&bytes[..HEAD - 1], 0, "were expected"),
        (&bytes, 8, "do not start with the mark"),
        (&bytes, 1, "a multiple of 8"),
        (&bytes, u64::MAX, "a multiple of 8"),
        (
            &s.keys.to_bytes(&s.context),
            0,
            "hold a set of evaluation keys",
        ),
    ];
    for (bytes, offset, expected) in cases {
        std::fs::write(&path, bytes).unwrap();
        let text = map(offset).map(drop).unwrap_err().to_string();
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn mapped_keys_of_another_owner_are_refused_and_no_byte_of_the_label_can_change() {
    let s = setup(&PRESETS[0]);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let mut bytes = Vec::new();
    s.keys.write_mapped(&s.context, &LABEL, &mut bytes).unwrap();
    file.write_all(&bytes).unwrap();
    let map = |file: &std::fs::File, label| EvaluationKeys::map(&s.context, file, label, 0);
    assert!(map(file.as_file(), &LABEL).is_ok());
    let other = map(file.as_file(), &[8; 32]).map(drop);
    assert!(matches!(other, Err(Error::Bytes(BytesError::Label { .. }))));
    // The label stands before the checksum of the head.
    for at in [HEAD - 32, HEAD - 1] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&changed).unwrap();
        let refused = map(file.as_file(), &LABEL).map(drop);
        assert!(matches!(
            refused,
            Err(Error::Bytes(BytesError::Checksum { .. }))
        ));
    }
}

#[test]
fn keys_that_nobody_asked_for_are_refused_before_one_of_them_is_read() {
    let s = setup(&PRESETS[0]);
    let bytes = s.keys.to_bytes(&s.context);
    let rotations = s.keys.rotations();
    let all = KeyRequest {
        relinearize: s.keys.relinearization_level(),
        rotations: &rotations,
        conjugate: s.keys.conjugation_level(),
    };
    let read = |request: &KeyRequest<'_>, mut rest: &[u8]| {
        let keys = EvaluationKeys::read_requested(&s.context, request, &mut rest);
        (keys.map(|keys| keys.rotations()), rest.len())
    };
    assert_eq!(read(&all, &bytes), (Ok(rotations.clone()), 0));
    let fewer = [
        KeyRequest {
            conjugate: None,
            ..all
        },
        KeyRequest {
            relinearize: None,
            ..all
        },
        KeyRequest {
            rotations: &rotations[1..],
            ..all
        },
    ];
    for request in fewer {
        let (refused, left) = read(&request, &bytes);
        assert!(matches!(refused, Err(Error::OtherKeys { unasked: 1, .. })));
        assert_eq!(left, bytes.len() - HEAD, "nothing after the head is read");
    }
    // Keys that are missing are for the caller to miss, and those for higher levels serve.
    let more = [&rotations[..], &[(9, 0)]].concat();
    let request = KeyRequest {
        rotations: &more,
        relinearize: Some(0),
        ..all
    };
    assert_eq!(read(&request, &bytes).0, Ok(rotations.clone()));
}

#[test]
fn a_rotation_key_at_the_reference_set_takes_at_most_12_mib_on_disk() {
    use hemet_ckks::params::{SecurityLevel, ntt_primes};
    use hemet_ckks::{Context, KeyRequest, Parameters};
    let mut primes = ntt_primes(15, &[[40; 12].as_slice(), &[50; 4]].concat()).unwrap();
    let special = primes.split_off(12);
    let parameters = Parameters::new(15, primes, special, SecurityLevel::Bits128).unwrap();
    assert_eq!(parameters.digits(), 3);
    let request = |count: i64| {
        let rotations: Vec<(i64, usize)> = (1..=count).map(|step| (step, 11)).collect();
        let request = KeyRequest {
            rotations: &rotations,
            ..KeyRequest::default()
        };
        Context::new(parameters.clone())
            .evaluation_key_bytes(&request)
            .unwrap()
    };
    // Three digits of N residues for each prime, the step and level, the checksum: 8.05 MiB.
    let primes = parameters.moduli().iter().chain(parameters.special());
    let bits: u32 = primes.map(|q| 64 - q.leading_zeros()).sum();
    let one = request(2) - request(1);
    assert_eq!(one, bits as usize * 3 * 4096 + 8 + 32);
    assert!(one <= 12 << 20, "{one}");
}
