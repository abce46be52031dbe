//! Evaluation keys are cut to the level at which the schedule uses them: what is made, what it takes, what is refused.

mod common;

use common::{PERIOD, expected, network, numbers, tiny};
use std::sync::Arc;

use hemet_ckks::{Context, EvaluationKeys};
use hemet_runtime::ckks::{CkksSpec, Sizes};
use hemet_runtime::{Client, RuntimeError, Server, keep_keys, unobserved};
use hemet_schedule::{Artifact, Level, Manifest};

/// Bytes of the envelope of a file, where its checksum begins, and where it says what the file is made for.
const HEADER: usize = 96;
const SUMMED: usize = 64;
const MADE_FOR: std::ops::Range<usize> = 8..40;

/// The input is at level 3: the first layer rotates there, the square is relinearized at 2, the head rotates at 1.
fn artifact() -> Artifact {
    Artifact::new(Manifest::new("tiny"), network(tiny(), 3))
}

fn server() -> Server {
    Server::new(Box::new(artifact())).unwrap()
}

fn spec() -> CkksSpec {
    CkksSpec::new(&artifact()).unwrap()
}

/// What a client gets wrong.
type Change = fn(&mut CkksSpec);

/// A client and its key file for the specification after a change.
fn keys_of(change: impl Fn(&mut CkksSpec)) -> (Client, Vec<u8>) {
    let mut spec = spec();
    change(&mut spec);
    Client::generate(Arc::new(spec)).unwrap()
}

/// The file as a client makes it who says that it is made for what `other` is made for.
fn made_for(other: &[u8], mut file: Vec<u8>) -> Vec<u8> {
    file[MADE_FOR].copy_from_slice(&other[MADE_FOR]);
    let mut hasher = blake3::Hasher::new();
    hasher.update(&file[..SUMMED]).update(&file[HEADER..]);
    file[SUMMED..HEADER].copy_from_slice(hasher.finalize().as_bytes());
    file
}

/// Keys after a change that say to be those that the server wants.
fn forged(change: impl Fn(&mut CkksSpec)) -> Vec<u8> {
    made_for(&keys_of(|_| {}).1, keys_of(change).1)
}

#[test]
fn a_key_file_takes_what_the_schedule_counts_and_its_heads() {
    let artifact = artifact();
    let schedule = artifact.schedule.schedule();
    let (_, keys) = keys_of(|_| {});
    let count = schedule.rotation_levels().len();
    assert_eq!(count, 6);
    // Two envelopes, the seed and two counts; each rotation key's step, level and checksum, the relinearization key's
    // level and checksum.
    let heads = (96 + 44 + 32) + (32 + 8) + (8 + 32) * count as u64 + 4 + 32;
    let bytes = keys.len() as u64;
    assert_eq!(bytes, schedule.key_bytes().sent + heads);
    assert_eq!(Sizes::of(schedule).evaluation_key_bytes + heads, bytes);
    let held = EvaluationKeys::from_bytes(&Context::new(tiny()), &keys[HEADER..]).unwrap();
    let padding = held.size_bytes() as u64 - schedule.key_bytes().held;
    assert!(padding < 7 * 200, "{padding}");

    let (_, whole) = keys_of(|spec| {
        let top = Level(spec.parameters.max_level() as u32);
        spec.rotations.values_mut().for_each(|level| *level = top);
        spec.relinearize = Some(top);
    });
    assert!(bytes * 5 < whole.len() as u64 * 4, "{bytes}");
}

#[test]
fn keys_below_the_level_of_their_use_are_refused_when_read() {
    let server = server();
    let changes: [(Change, &str); 2] = [
        (
            |spec| {
                spec.rotations.insert(4, Level(1));
            },
            "the key for rotation by 4 serves levels up to 1, the artifact needs it at level 3",
        ),
        (
            |spec| spec.relinearize = Some(Level(1)),
            "the relinearization key serves levels up to 1, the artifact needs it at level 2",
        ),
    ];
    for (change, expected) in changes {
        let error = server.keys(&forged(change)).map(drop).unwrap_err();
        assert!(matches!(error, RuntimeError::KeyLevel { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    let none = forged(|spec| {
        spec.rotations.remove(&4);
        spec.relinearize = None;
    });
    let error = server.keys(&none).map(drop);
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("lack 1 of 6 rotation keys and the relinearization key"),
        "{error}"
    );
}

#[test]
fn keys_for_higher_levels_serve_as_well() {
    let server = server();
    let (client, keys) = keys_of(|spec| spec.relinearize = Some(Level(4)));
    let image = numbers(PERIOD, 7);
    let keys = server.keys(&made_for(&keys_of(|_| {}).1, keys)).unwrap();
    let request = client.encrypt(&image).unwrap();
    let response = server.answer(&keys, &request, &mut unobserved).unwrap();
    let logits = client.decrypt(&response).unwrap().logits();
    for (found, exact) in logits.iter().zip(expected(&image)) {
        // The scale is 30 bits and the ring of degree 2^10: errors are near 2^-17.
        assert!((found - exact).abs() < 1e-3, "{found} {exact}");
    }
}

#[test]
fn keys_that_are_used_where_they_lie_give_the_same_response() {
    let server = server();
    let (client, key_file) = keys_of(|_| {});
    let keys = server.keys(&key_file).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    keep_keys(&spec(), &key_file, &path).unwrap();
    let mapped = server.kept_keys(&path).unwrap();
    assert_eq!(mapped.key_set(), keys.key_set());
    let request = client.encrypt(&numbers(PERIOD, 7)).unwrap();
    let answer = |keys| server.answer(keys, &request, &mut unobserved);
    assert_eq!(answer(&mapped).unwrap(), answer(&keys).unwrap());

    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 100;
    bytes[last] ^= 1;
    let changed = folder.path().join("changed");
    std::fs::write(&changed, &bytes).unwrap();
    let mapped = server.kept_keys(&changed).unwrap();
    let error = answer(&mapped).unwrap_err().to_string();
    assert!(error.contains("does not match its checksum"), "{error}");
    let cases = [
        (bytes.len() - 1, "were expected"),
        (4000, "4096 are needed"),
        (50, "96 are needed"),
    ];
    for (length, expected) in cases {
        std::fs::write(&changed, &bytes[..length]).unwrap();
        let error = server
            .kept_keys(&changed)
            .map(drop)
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
    }
    std::fs::write(&changed, &key_file).unwrap();
    let error = server.kept_keys(&changed).map(drop).unwrap_err();
    assert!(matches!(error, RuntimeError::Kind { .. }), "{error}");
}

#[test]
fn a_level_outside_the_chain_is_refused_by_the_client_with_both_numbers() {
    let mut spec = spec();
    spec.rotations.insert(1, Level(5));
    let error = CkksSpec::from_json(&spec.to_json().unwrap()).unwrap_err();
    assert!(
        error.to_string().contains("level 5, the highest is 4"),
        "{error}"
    );
    spec.rotations.remove(&1);
    assert_eq!(CkksSpec::from_json(&spec.to_json().unwrap()).unwrap(), spec);
    spec.relinearize = None;
    assert_eq!(CkksSpec::from_json(&spec.to_json().unwrap()).unwrap(), spec);
}

#[test]
fn keys_beyond_those_that_are_needed_are_refused() {
    let server = server();
    let keys = forged(|spec| {
        for step in 100..110 {
            spec.rotations.insert(step, Level(1));
        }
    });
    let error = server.keys(&keys).map(drop).unwrap_err().to_string();
    assert!(
        error.contains("lists 17 evaluation keys, 10 of them not asked for"),
        "{error}"
    );
    let folder = tempfile::tempdir().unwrap();
    let kept = keep_keys(&*server.client_spec(), &keys, &folder.path().join("kept"));
    assert!(kept.is_err());
}

#[test]
fn a_file_that_says_it_is_too_long_is_refused_before_it_is_read() {
    let server = server();
    let (client, keys) = keys_of(|_| {});
    let request = client.encrypt(&numbers(PERIOD, 7)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("upload");
    let load_keys = || server.load_keys(&path).map(drop);
    let load_request = || server.load_request(&path).map(drop);
    type Load<'a> = &'a dyn Fn() -> Result<(), RuntimeError>;
    for (bytes, load) in [(&keys, &load_keys as Load<'_>), (&request, &load_request)] {
        std::fs::write(&path, bytes).unwrap();
        assert!(load().is_ok());
        // 64 GiB of zeros behind an honest start: a file without blocks on the disk.
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(64 << 30).unwrap();
        let started = std::time::Instant::now();
        assert!(matches!(load(), Err(RuntimeError::Length { .. })));
        let mut start = bytes[..HEADER].to_vec();
        start[56..64].copy_from_slice(&(64u64 << 30).to_le_bytes());
        std::fs::write(&path, start).unwrap();
        file.set_len(64 << 30).unwrap();
        assert!(matches!(load(), Err(RuntimeError::TooLong { .. })));
        // All of them would take a minute.
        assert!(started.elapsed().as_secs() < 10);
        // Zeros alone are no file of ours.
        std::fs::write(&path, []).unwrap();
        file.set_len(64 << 30).unwrap();
        assert!(matches!(load(), Err(RuntimeError::NotOurs { .. })));
    }
}
