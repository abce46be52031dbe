//! What client and server refuse: foreign, truncated, altered and unfitting files.

mod common;

use common::{PERIOD, network, numbers, tiny};
use hemet_runtime::{Client, RuntimeError, Server, ServerKeys, unobserved};
use hemet_schedule::{Artifact, Manifest};

struct Scene {
    server: Server,
    client: Client,
    key_file: Vec<u8>,
    keys: ServerKeys,
}

/// A server and a client; artifacts of different names have different ids.
fn scene(name: &str, level: u32) -> Scene {
    let artifact = Artifact::new(Manifest::new(name), network(tiny(), level));
    let server = Server::new(Box::new(artifact)).unwrap();
    let (client, key_file) = Client::generate(server.client_spec()).unwrap();
    let keys = server.keys(&key_file).unwrap();
    Scene {
        server,
        client,
        key_file,
        keys,
    }
}

/// Replaces the payload of a file and writes a checksum that fits.
fn resealed(file: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut bytes = file[..64].to_vec();
    bytes[56..64].copy_from_slice(&(payload.len() as u64).to_le_bytes());
    let sum = blake3::Hasher::new()
        .update(&bytes)
        .update(payload)
        .finalize();
    bytes.extend_from_slice(sum.as_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

fn text<T>(result: Result<T, RuntimeError>) -> String {
    match result {
        Ok(_) => panic!("it was accepted"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn messages_of_another_artifact_are_refused_with_both_ids() {
    let (ours, theirs) = (scene("ours", 3), scene("theirs", 3));
    let ids = [
        ours.server.facts().artifact.to_string(),
        theirs.server.facts().artifact.to_string(),
    ];
    let request = theirs.client.encrypt(&[0.1; PERIOD]).unwrap();
    let response = theirs
        .server
        .answer(&theirs.keys, &request, &mut unobserved)
        .unwrap();
    for message in [
        text(ours.server.answer(&theirs.keys, &request, &mut unobserved)),
        text(ours.server.answer(&ours.keys, &request, &mut unobserved)),
        text(ours.client.decrypt(&response)),
    ] {
        assert!(
            ids.iter().all(|id| message.contains(id.as_str())),
            "{message}"
        );
    }
}

#[test]
fn messages_under_another_key_set_are_refused_instead_of_decrypting_to_noise() {
    let ours = scene("ours", 3);
    let (other, other_keys) = Client::generate(ours.server.client_spec()).unwrap();
    let other_keys = ours.server.keys(&other_keys).unwrap();
    let request = other.encrypt(&[0.1; PERIOD]).unwrap();
    let message = text(ours.server.answer(&ours.keys, &request, &mut unobserved));
    assert!(message.contains("key set"), "{message}");
    let response = ours
        .server
        .answer(&other_keys, &request, &mut unobserved)
        .unwrap();
    let message = text(ours.client.decrypt(&response));
    assert!(message.contains("key set"), "{message}");
}

#[test]
fn a_file_of_another_kind_is_named() {
    let s = scene("ours", 3);
    let request = s.client.encrypt(&[0.1; PERIOD]).unwrap();
    let message = text(s.server.keys(&request));
    assert!(
        message.contains("evaluation keys") && message.contains("encrypted input"),
        "{message}"
    );
    let message = text(
        s.server
            .answer(&s.keys, &s.client.to_bytes().unwrap(), &mut unobserved),
    );
    assert!(message.contains("client key"), "{message}");
    assert!(text(s.client.decrypt(b"")).contains("no file of Hemet's"));
    assert!(text(s.client.decrypt(b"PNG not ours")).contains("no file of Hemet's"));
}

#[test]
fn ciphertexts_of_the_wrong_number_level_or_size_are_refused_with_both_numbers() {
    let s = scene("ours", 3);
    let request = s.client.encrypt(&[0.1; PERIOD]).unwrap();
    let payload = &request[96..];

    let mut two = payload.to_vec();
    // The request's number comes first.
    two[16] = 2;
    two.extend_from_slice(&payload[20..]);
    let message = text(
        s.server
            .answer(&s.keys, &resealed(&request, &two), &mut unobserved),
    );
    assert!(
        message.contains("has 2 ciphertexts, 1 are needed"),
        "{message}"
    );

    let response = s.server.answer(&s.keys, &request, &mut unobserved).unwrap();
    assert!(
        s.client
            .decrypt(&resealed(&response, &response[96..]))
            .is_ok()
    );
    let mut count = response[96..].to_vec();
    // The answered request comes first.
    count[48] = 0;
    let message = text(s.client.decrypt(&resealed(&response, &count)));
    assert!(
        message.contains("has 0 ciphertexts, 1 are needed"),
        "{message}"
    );

    let message = text(s.client.encrypt(&[0.1; PERIOD + 1]));
    assert!(
        message.contains("17 elements") && message.contains("takes 16"),
        "{message}"
    );
    let message = text(s.client.encrypt(&[f64::INFINITY; PERIOD]));
    assert!(message.contains("element 0"), "{message}");
    assert!(s.client.encrypt(&[1e300; PERIOD]).is_err());
}

#[test]
fn a_ciphertext_of_another_level_is_refused_with_both_levels() {
    // Two networks under the same parameters whose inputs have different levels.
    let (high, low) = (scene("high", 4), scene("low", 3));
    let request = high.client.encrypt(&[0.1; PERIOD]).unwrap();
    let theirs = low.client.encrypt(&[0.1; PERIOD]).unwrap();
    let moved = resealed(&request, &theirs[96..]);
    let message = text(high.server.answer(&high.keys, &moved, &mut unobserved));
    assert!(
        message.contains("level 3") && message.contains("4 is needed"),
        "{message}"
    );
}

/// Cuts, flips, overwrites, swaps and grows bytes; one of six ways by the number.
fn mutated(original: &[u8], random: &mut impl FnMut() -> usize) -> Vec<u8> {
    let mut bytes = original.to_vec();
    let (at, length) = (random() % bytes.len(), bytes.len());
    match random() % 6 {
        0 => bytes.truncate(at),
        1 => bytes[at] ^= 1 << (random() % 8),
        2 => {
            let end = (at + random() % 16 + 1).min(length);
            bytes[at..end].fill(random() as u8);
        }
        3 => bytes.insert(at, random() as u8),
        4 => {
            bytes.swap(at, random() % length);
            bytes[at] ^= 0x55;
        }
        _ => bytes.extend((0..=random() % 64).map(|i| i as u8)),
    }
    bytes
}

fn generator(seed: u64) -> impl FnMut() -> usize {
    let mut state = seed;
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    }
}

/// Three thousand mutations of each kind of file, and a thousand of the start of its payload under a checksum that
/// fits.
#[test]
fn mutated_files_of_every_kind_are_refused_and_nothing_panics() {
    let s = scene("ours", 3);
    let request = s.client.encrypt(&numbers(PERIOD, 5)).unwrap();
    let response = s.server.answer(&s.keys, &request, &mut unobserved).unwrap();
    let client_key = s.client.to_bytes().unwrap().to_vec();
    let keys = s.key_file.clone();
    type Read<'a> = &'a dyn Fn(&[u8]) -> bool;
    let read_request = |b: &[u8]| s.server.answer(&s.keys, b, &mut unobserved).is_ok();
    let read_response = |b: &[u8]| s.client.decrypt(b).is_ok();
    let read_client = |b: &[u8]| Client::from_bytes(b).is_ok();
    let read_keys = |b: &[u8]| s.server.keys(b).is_ok();
    let kinds: [(&str, &[u8], Read<'_>); 4] = [
        ("request", &request, &read_request),
        ("response", &response, &read_response),
        ("client key", &client_key, &read_client),
        ("evaluation keys", &keys, &read_keys),
    ];
    for (name, file, accepts) in kinds {
        let seed = 2026;
        let mut random = generator(seed);
        for round in 0..3000 {
            let bytes = mutated(file, &mut random);
            if bytes != file {
                assert!(
                    !accepts(&bytes),
                    "{name}, seed {seed}, round {round}: accepted"
                );
            }
        }
        let payload = &file[96..];
        let head = payload.len().min(600);
        for _ in 0..1000 {
            let mut altered = mutated(&payload[..head], &mut random);
            altered.extend_from_slice(&payload[head..]);
            // Some changes are harmless (a class's name); only a panic fails here.
            accepts(&resealed(file, &altered));
        }
    }
}
