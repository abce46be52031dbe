//! Evaluation keys are cut to the level at which the schedule uses them: what is made, what it takes, what is refused.

mod common;

use common::{PERIOD, expected, network, numbers, tiny};
use hemet_runtime::files::ClientSpec;
use hemet_runtime::{Client, RuntimeError, Server, ServerKeys, unobserved};
use hemet_schedule::{Artifact, Level, Manifest};

/// The input is at level 3: the first layer rotates there, the square is relinearised at 2, the head rotates at 1.
fn server() -> Server {
    Server::new(Artifact::new(Manifest::new("tiny"), network(tiny(), 3))).unwrap()
}

/// What a client gets wrong.
type Change = fn(&mut ClientSpec);

/// Keys for the specification after a change.
fn keys_of(server: &Server, change: impl Fn(&mut ClientSpec)) -> (Client, ServerKeys) {
    let mut spec = server.client_spec().clone();
    change(&mut spec);
    Client::generate(spec).unwrap()
}

#[test]
fn a_key_file_takes_what_the_schedule_counts_and_its_heads() {
    let server = server();
    let schedule = server.schedule();
    let (_, keys) = keys_of(&server, |_| {});
    let count = schedule.rotation_levels().len();
    assert_eq!(count, 6);
    // Two envelopes, the seed and two counts; each rotation key's step, level and checksum, the relinearization key's
    // level and checksum.
    let heads = (96 + 44 + 32) + (32 + 8) + (8 + 32) * count as u64 + 4 + 32;
    let bytes = keys.to_bytes().len() as u64;
    assert_eq!(bytes, schedule.key_bytes().sent + heads);
    assert_eq!(server.sizes().evaluation_key_bytes + heads, bytes);
    let padding = keys.memory_bytes() as u64 - schedule.key_bytes().held;
    assert!(padding < 7 * 200, "{padding}");

    let (_, whole) = keys_of(&server, |spec| {
        let top = Level(spec.parameters.max_level() as u32);
        spec.rotations.values_mut().for_each(|level| *level = top);
        spec.relinearize = Some(top);
    });
    assert!(bytes * 5 < whole.to_bytes().len() as u64 * 4, "{bytes}");
}

#[test]
fn keys_below_the_level_of_their_use_are_refused_when_read_and_before_a_request_runs() {
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
        let (client, keys) = keys_of(&server, change);
        let request = client.encrypt(&[0.5; PERIOD]).unwrap();
        let errors = [
            server.keys_from_bytes(&keys.to_bytes()).map(drop),
            server.answer(&keys, &request, &mut unobserved).map(drop),
        ];
        for error in errors.map(Result::unwrap_err) {
            assert!(matches!(error, RuntimeError::KeyLevel { .. }), "{error}");
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
    let (_, none) = keys_of(&server, |spec| {
        spec.rotations.remove(&4);
        spec.relinearize = None;
    });
    let error = server.keys_from_bytes(&none.to_bytes()).map(drop);
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("lack 1 of 6 rotation keys and the relinearization key"),
        "{error}"
    );
}

#[test]
fn keys_for_higher_levels_serve_as_well() {
    let server = server();
    let (client, keys) = keys_of(&server, |spec| spec.relinearize = Some(Level(4)));
    let keys = server.keys_from_bytes(&keys.to_bytes()).unwrap();
    let image = numbers(PERIOD, 7);
    let request = client.encrypt(&image).unwrap();
    let response = server.answer(&keys, &request, &mut unobserved).unwrap();
    for (found, exact) in client
        .decrypt(&response)
        .unwrap()
        .iter()
        .zip(expected(&image))
    {
        // The scale is 30 bits and the ring of degree 2^10: errors are near 2^-17.
        assert!((found - exact).abs() < 1e-3, "{found} {exact}");
    }
}

#[test]
fn keys_that_are_used_where_they_lie_give_the_same_response() {
    let server = server();
    let (client, keys) = keys_of(&server, |_| {});
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    keys.save_mapped(&path).unwrap();
    let mapped = server.map_keys(&path).unwrap();
    assert_eq!(mapped.key_set(), keys.key_set());
    let request = client.encrypt(&numbers(PERIOD, 7)).unwrap();
    let answer = |keys| server.answer(keys, &request, &mut unobserved);
    assert_eq!(answer(&mapped).unwrap(), answer(&keys).unwrap());

    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 100;
    bytes[last] ^= 1;
    let changed = folder.path().join("changed");
    std::fs::write(&changed, &bytes).unwrap();
    let mapped = server.map_keys(&changed).unwrap();
    let error = answer(&mapped).unwrap_err().to_string();
    assert!(error.contains("does not match its checksum"), "{error}");
    let cases = [
        (bytes.len() - 1, "were expected"),
        (4000, "a multiple of 8 within the file"),
        (50, "96 are needed"),
    ];
    for (length, expected) in cases {
        std::fs::write(&changed, &bytes[..length]).unwrap();
        let error = server.map_keys(&changed).map(drop).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    keys.save(&changed).unwrap();
    let error = server.map_keys(&changed).map(drop).unwrap_err();
    assert!(matches!(error, RuntimeError::Kind { .. }), "{error}");
}

#[test]
fn a_level_outside_the_chain_is_refused_by_the_client_with_both_numbers() {
    let mut spec = server().client_spec().clone();
    spec.rotations.insert(1, Level(5));
    let error = ClientSpec::from_json(&spec.to_json().unwrap()).unwrap_err();
    assert!(
        error.to_string().contains("level 5, the highest is 4"),
        "{error}"
    );
    let mut spec = server().client_spec().clone();
    assert_eq!(
        ClientSpec::from_json(&spec.to_json().unwrap()).unwrap(),
        spec
    );
    spec.relinearize = None;
    assert_eq!(
        ClientSpec::from_json(&spec.to_json().unwrap()).unwrap(),
        spec
    );
}
