//! What must be refused: malformed requests of every kind, each with a clear status, while the server goes on.

mod common;

use std::io::Write;
use std::net::Shutdown;
use std::time::{Duration, Instant};

use common::{Member, Peer, Site, are_squares, binary, square, turned};
use hemet_serve::Limits;
use serde_json::{Value, json};

fn site() -> Site {
    let limits = Limits {
        stall_s: 2,
        ..Limits::default()
    };
    Site::new(&[("square", square("ours"))], None, limits)
}

const INPUT: [f64; 4] = [0.5, -0.25, 1.0, 0.0];

/// A request's JSON for `request`, changed.
fn changed(member: &Member, request: &[u8], change: impl Fn(&mut Value)) -> (String, Vec<u8>) {
    let (headers, body) = binary(&member.hash, request);
    let length: usize = headers[0].1.parse().unwrap();
    let mut head: Value = serde_json::from_slice(&body[..length]).unwrap();
    change(&mut head);
    let head = head.to_string();
    (
        head.len().to_string(),
        [head.as_bytes(), &body[length..]].concat(),
    )
}

#[test]
fn malformed_predictions_are_refused_with_a_reason_and_the_server_goes_on() {
    let site = site();
    let member = site.peer().join("square");
    let peer = &member.peer;
    let request = member.client.encrypt(&INPUT).unwrap();
    let path = member.infer_path();
    type Change = Box<dyn Fn(&mut Value)>;
    let set = |pointer: &'static str, value: Value| -> Change {
        Box::new(move |head: &mut Value| *head.pointer_mut(pointer).unwrap() = value.clone())
    };
    let cases: Vec<(Change, u16, &str)> = vec![
        (set("/inputs", json!([])), 400, "0 inputs"),
        (set("/inputs", json!(3)), 400, "the JSON of the request"),
        (set("/inputs/0/name", json!("x")), 400, "encrypted_input"),
        (set("/inputs/0/datatype", json!("FP32")), 400, "UINT8"),
        (set("/inputs/0/shape", json!([1])), 400, "the shape"),
        (
            set("/inputs/0/shape", json!([-1])),
            400,
            "the JSON of the request",
        ),
        (
            set("/inputs/0/parameters/binary_data_size", json!(1)),
            400,
            "binary_data_size",
        ),
        (
            set("/inputs/0/parameters/binary_data_size", json!(u64::MAX)),
            400,
            "binary_data_size",
        ),
        (
            set("/inputs/0/parameters", json!({})),
            400,
            "binary_data_size",
        ),
        (set("/parameters", json!({})), 400, "evaluation_keys"),
        (
            set("/parameters/evaluation_keys", json!("../../x")),
            400,
            "64 hexadecimal",
        ),
        (
            set("/parameters/evaluation_keys", json!("0".repeat(64))),
            404,
            "upload them",
        ),
        (
            Box::new(|head: &mut Value| head["outputs"] = json!([{ "name": "y" }])),
            400,
            "no output",
        ),
        (
            Box::new(|head: &mut Value| head["inputs"][0]["data"] = json!([1, 2])),
            400,
            "once",
        ),
    ];
    for (change, status, part) in cases {
        let (length, body) = changed(&member, &request, change);
        let headers = [("inference-header-content-length", length)];
        let reply = peer.ask("POST", &path, &headers, &body);
        assert_eq!(reply.status, status, "{part}: {}", reply.error());
        assert!(reply.error().contains(part), "{part}: {}", reply.error());
    }
    for length in ["-1", "x", "", "99999999", "18446744073709551616"] {
        let headers = [("inference-header-content-length", length.to_owned())];
        let reply = peer.ask("POST", &path, &headers, b"{}");
        assert_eq!(reply.status, 400, "{length}");
    }
    // Ciphertexts that are none, cut, changed, of another kind.
    let mut altered = request.clone();
    altered[200] ^= 1;
    let keys = member.client.to_bytes().unwrap();
    for (bytes, part) in [
        (&b""[..], "encrypted input was expected"),
        (&b"\x89PNG\r\n\x1a\n"[..], "encrypted input was expected"),
        (&request[..request.len() - 1], "are needed"),
        (&altered[..], "checksum"),
        (&keys[..], "client key"),
    ] {
        let reply = member.infer(bytes);
        assert_eq!(reply.status, 400, "{part}: {}", reply.error());
        assert!(reply.error().contains(part), "{part}: {}", reply.error());
    }
    assert!(are_squares(&member.predict(&INPUT), &INPUT));
}

#[test]
fn paths_methods_and_heads_that_are_none_are_refused() {
    let site = site();
    let peer = site.peer();
    for (method, path, status) in [
        ("GET", "/", 404),
        ("GET", "/v3", 404),
        ("GET", "/v2/models/none", 404),
        ("GET", "/v2/models/..%2f..%2fetc", 404),
        ("GET", "/v2/models/%ff", 400),
        ("GET", "/v2/models/square/versions/none", 404),
        ("GET", "/v2/models/square/keys/none", 400),
        ("POST", "/v2/models/square", 405),
        ("DELETE", "/v2/models/square/infer", 405),
        ("BREW", "/v2", 405),
    ] {
        assert_eq!(
            peer.ask(method, path, &[], b"").status,
            status,
            "{method} {path}"
        );
    }
    let long = "x".repeat(100_000);
    let many: Vec<(&str, String)> = (0..200).map(|_| ("x-many", "y".to_owned())).collect();
    let many = peer.head("GET", "/v2", &many, 0);
    assert_eq!(peer.raw(&many).status, 431);
    // Of these only a part is read: the answer may be lost where the rest is still under way.
    for (what, head) in [
        (
            "header",
            peer.head("GET", "/v2", &[("x-huge", long.clone())], 0),
        ),
        ("path", peer.head("GET", &format!("/{long}"), &[], 0)),
    ] {
        let status = peer.try_raw(&head).map(|reply| reply.status);
        assert!(
            status.is_none_or(|status| (400..500).contains(&status)),
            "{what}: {status:?}"
        );
    }
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..],
        b"GET /v2 HTTP/9.9\r\n\r\n",
        b"GET /v2 HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST /v2/models/square/infer HTTP/1.1\r\nhost: a\r\ncontent-length: -5\r\n\r\n",
        b"POST /v2/models/square/infer HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    ] {
        let status = peer.raw(bytes).status;
        assert!((400..500).contains(&status), "{bytes:?}: {status}");
    }
    for (what, bytes) in [
        ("line", &b"GET /v2"[..]),
        ("headers", b"GET /v2 HTTP/1.1\r\nhost: a\r\n"),
        ("nothing", b""),
    ] {
        let mut stream = peer.connect();
        stream.write_all(bytes).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let status = peer.try_reply(&mut stream).map(|reply| reply.status);
        assert_eq!(status, (what != "nothing").then_some(400), "{what}");
    }
    assert_eq!(peer.get("/v2/health/ready").status, 200);
}

#[test]
fn a_head_that_never_ends_is_answered_and_an_idle_connection_closed_without_a_word() {
    let site = site();
    let peer = site.peer();
    let mut slow = peer.connect();
    slow.write_all(b"GET /v2 HTTP/1.1\r\nhost: a\r\n").unwrap();
    assert_eq!(peer.reply(&mut slow).status, 408);
    let mut idle = peer.connect();
    idle.write_all(&peer.head("GET", "/v2", &[], 0)).unwrap();
    assert_eq!(peer.reply(&mut idle).status, 200);
    assert!(peer.try_reply(&mut idle).is_none());
}

#[test]
fn keys_that_do_not_fit_are_refused_before_they_are_read_or_kept() {
    let site = site();
    let peer = site.peer();
    let other = Site::new(&[("square", turned())], None, Limits::default());
    let foreign = other.peer().join("square").hash;
    let spec = hemet_runtime::schemes::Known::from_bytes(&peer.get("/v2/models/square/spec").body);
    let (client, keys) = hemet_runtime::Client::generate(spec.unwrap().spec).unwrap();
    let hash = blake3::hash(&keys).to_hex().to_string();
    let path = format!("/v2/models/square/keys/{hash}");
    let total = keys.len();
    let put = |range: &str, body: &[u8]| {
        peer.ask("PUT", &path, &[("content-range", range.to_owned())], body)
    };
    for (range, body, status, part) in [
        ("", &keys[..], 400, "Content-Range"),
        ("bytes 0-9/*", &keys[..10], 400, "Content-Range"),
        ("bytes 0-9/100", &keys[..10], 400, "at least 96"),
        ("bytes 0-99/100", &keys[..100], 400, "are needed"),
        ("bytes 5-104/1000", &keys[..100], 409, "begins at byte 5"),
        ("bytes 0-99/200", &keys[..99], 400, "99 bytes"),
        ("bytes */200", &keys[..0], 409, "nothing has arrived"),
    ] {
        let reply = put(range, body);
        assert_eq!(reply.status, status, "{range}: {}", reply.error());
        assert!(reply.error().contains(part), "{range}: {}", reply.error());
    }
    // A file that says that it is longer than any keys of this model; a client key; keys for others than this model
    // needs.
    let mut long = keys[..200].to_vec();
    long[56..64].copy_from_slice(&(1u64 << 50).to_le_bytes());
    let reply = put(&format!("bytes 0-199/{}", (1u64 << 50) + 96), &long);
    assert_eq!(reply.status, 413, "{}", reply.error());
    let secret = client.to_bytes().unwrap();
    let reply = put(&format!("bytes 0-199/{}", secret.len()), &secret[..200]);
    assert_eq!(
        (reply.status, reply.error().contains("client key")),
        (400, true)
    );
    let folder = std::fs::read_dir(other.path("store/keys/anybody")).unwrap();
    assert_eq!(folder.count(), 1, "{foreign}");
    let theirs =
        hemet_runtime::schemes::Known::from_bytes(&other.peer().get("/v2/models/square/spec").body);
    let (_, theirs) = hemet_runtime::Client::generate(theirs.unwrap().spec).unwrap();
    let reply = peer.piece(&path, &theirs, 0..200);
    assert_eq!(reply.status, 409, "{}", reply.error());
    assert!(reply.error().contains("key binding"), "{}", reply.error());
    assert!(
        !site.path("store/keys/anybody").exists(),
        "nothing was kept of all that"
    );

    // Whole, but changed on the way: named by another hash than it has.
    let mut changed = keys.clone();
    changed[total - 1] ^= 1;
    assert_eq!(peer.piece(&path, &changed, 0..total).status, 400);
    assert_eq!(peer.get(&path).status, 404, "it is removed");
    // Named rightly, but with a changed key inside.
    let wrong = blake3::hash(&changed).to_hex().to_string();
    let reply = peer.piece(
        &format!("/v2/models/square/keys/{wrong}"),
        &changed,
        0..total,
    );
    assert_eq!(reply.status, 400, "{}", reply.error());
    assert!(reply.error().contains("checksum"), "{}", reply.error());
    // What was refused is no hindrance.
    assert_eq!(peer.piece(&path, &keys, 0..total).status, 201);
    assert_eq!(
        peer.piece(&path, &keys, 0..total).status,
        200,
        "they are there already"
    );
}

#[test]
fn bodies_that_are_too_long_are_refused_and_cut_or_slow_ones_given_up() {
    let site = site();
    let member = site.peer().join("square");
    let peer: &Peer = &member.peer;
    let path = member.infer_path();
    let head = peer.head("POST", &path, &[], 1 << 40);
    assert_eq!(peer.raw(&head).status, 413);
    // Without a stated length: chunks until the bound.
    let start = format!("POST {path} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
    let chunk = [b"10000\r\n".to_vec(), vec![b' '; 1 << 16], b"\r\n".to_vec()].concat();
    let mut stream = peer.connect();
    stream.write_all(start.as_bytes()).unwrap();
    for _ in 0..40 {
        if stream.write_all(&chunk).is_err() {
            break;
        }
    }
    let _ = stream.write_all(b"0\r\n\r\n");
    assert_eq!(peer.reply(&mut stream).status, 413);

    // A client that stops in its body, and one that never ends its head.
    let begun = Instant::now();
    let mut slow = peer.connect();
    slow.write_all(&peer.head("POST", &path, &[], 1000))
        .unwrap();
    slow.write_all(b"{").unwrap();
    assert_eq!(peer.reply(&mut slow).status, 408);
    let mut silent = peer.connect();
    silent
        .write_all(b"GET /v2 HTTP/1.1\r\nhost: a\r\n")
        .unwrap();
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut silent, &mut rest).unwrap();
    let waited = begun.elapsed();
    assert!(
        waited > Duration::from_secs(2) && waited < Duration::from_secs(30),
        "{waited:?}"
    );

    // Clients that go away in the middle of everything.
    let request = member.client.encrypt(&INPUT).unwrap();
    let (headers, body) = binary(&member.hash, &request);
    let whole = [peer.head("POST", &path, &headers, body.len()), body].concat();
    for share in 0..10 {
        let mut stream = peer.connect();
        stream.write_all(&whole[..whole.len() * share / 9]).unwrap();
        drop(stream);
    }
    assert!(are_squares(&member.predict(&INPUT), &INPUT));
}
