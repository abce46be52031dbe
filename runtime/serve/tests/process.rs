//! The program `hemet-serve`: killed in the middle of an upload, ended in order, checked without starting.

mod common;

use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use common::process::{start, world};
use common::{Peer, are_squares};
use hemet_runtime::Client;
use hemet_runtime::schemes::Known;

const INPUT: [f64; 4] = [0.5, -0.25, 1.0, 0.0];

#[test]
fn killed_in_the_middle_of_an_upload_it_goes_on_where_it_stood() {
    let folder = world();
    let (process, peer) = start(folder.path());
    let spec = Known::from_bytes(&peer.get("/v2/models/square/spec").body)
        .unwrap()
        .spec;
    let (client, keys) = Client::generate(spec).unwrap();
    let hash = blake3::hash(&keys).to_hex().to_string();
    let path = format!("/v2/models/square/keys/{hash}");
    let (mut process, mut peer) = (process, peer);
    let (mut received, total, mut kills) = (0, keys.len(), 0);
    while received < total {
        let end = (received + total / 6 + 1).min(total);
        let is_last = end == total;
        let text = format!("bytes {received}-{}/{total}", end - 1);
        let mut stream = peer.connect();
        let head = peer.head("PUT", &path, &[("content-range", text)], end - received);
        stream.write_all(&head).unwrap();
        // Killed before, inside or after a piece; the last one comes whole.
        let sent = if is_last {
            end - received
        } else {
            (end - received) * (kills % 3) / 2
        };
        stream.write_all(&keys[received..received + sent]).unwrap();
        if is_last {
            assert_eq!(peer.reply(&mut stream).status, 201);
            break;
        }
        if sent == end - received {
            assert_eq!(peer.reply(&mut stream).status, 202);
        }
        drop(process);
        kills += 1;
        (process, peer) = start(folder.path());
        let reply = peer.get(&path);
        let stands = match reply.status {
            404 => 0,
            _ => reply.json()["received"].as_u64().unwrap() as usize,
        };
        let expected = if sent == end - received {
            end
        } else {
            received
        };
        assert_eq!(stands, expected, "after {kills} kills");
        received = stands;
    }
    assert!(kills >= 5, "{kills}");
    let request = client.encrypt(&INPUT).unwrap();
    let ask = |peer: &Peer| {
        let (headers, body) = common::binary(&hash, &request);
        let reply = peer.ask("POST", "/v2/models/square/infer", &headers, &body);
        let output = common::Member::output(&reply);
        client.decrypt_for(&request, &output, 1).unwrap()[0]
            .clone()
            .logits()
    };
    assert!(are_squares(&ask(&peer), &INPUT));
    // What was stored is there after a kill, and what was half written long ago is gone.
    let torn = |name: &str, age: Duration| {
        let path = folder.path().join("store/keys").join(name);
        let file = std::fs::File::create(&path).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
        path
    };
    let old = torn(".hemet-old.part", Duration::from_secs(7200));
    let new = torn(".hemet-new.part", Duration::ZERO);
    drop(process);
    let (_process, peer) = start(folder.path());
    assert!(are_squares(&ask(&peer), &INPUT));
    assert!(!old.exists() && new.exists());
}

#[cfg(target_os = "linux")]
#[test]
fn at_sigterm_it_ends_within_ten_seconds_and_says_zero() {
    let folder = world();
    let (mut process, peer) = start(folder.path());
    let idle = peer.connect();
    let begun = Instant::now();
    let id = process.0.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    let status = process.0.wait().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    drop(idle);
}

#[test]
fn a_check_says_what_would_be_served_or_what_is_wrong_and_ends() {
    let folder = world();
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_hemet-serve"))
            .args(arguments)
            .args(["--store", "store", "--check"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), text)
    };
    let (status, text) = run(&["models"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("would serve square"), "{text}");
    std::fs::write(folder.path().join("tokens"), "north short").unwrap();
    std::fs::create_dir(folder.path().join("none")).unwrap();
    std::fs::create_dir(folder.path().join("torn")).unwrap();
    std::fs::write(folder.path().join("torn/a.hemet"), b"torn").unwrap();
    for (arguments, part) in [
        (&["missing"][..], "missing"),
        (&["none"][..], "no model can be served"),
        (&["torn"][..], "a.hemet"),
        (&["models", "--tokens", "tokens"][..], "line 1"),
        (&["models", "--tokens", "no-file"][..], "no-file"),
        (&["models", "--at-once", "0"][..], "requests at once"),
    ] {
        let (status, text) = run(arguments);
        assert_eq!(status, Some(2), "{arguments:?}: {text}");
        assert!(text.contains(part), "{arguments:?}: {text}");
    }
}
