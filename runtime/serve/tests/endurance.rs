//! What a service must withstand: malformed requests by the hundred, kills anywhere, a full disk, hours of work. Each
//! is small by default and whole where `HEMET_TEST_FULL` is set.
#![cfg(target_os = "linux")]

mod common;

use std::io::{Read, Write};
use std::process::Command;
use std::time::{Duration, Instant};

use common::process::{ARGUMENTS, command, start, start_by, world};
use common::{Member, Peer, Random, are_squares, binary, size};
use hemet_runtime::Client;
use hemet_runtime::schemes::Known;

const INPUT: [f64; 4] = [0.5, -0.25, 1.0, 0.0];

/// A prediction as it goes over the wire.
fn wire(member: &Member, request: &[u8]) -> Vec<u8> {
    let (headers, body) = binary(&member.hash, request);
    let head = member
        .peer
        .head("POST", &member.infer_path(), &headers, body.len());
    [head, body].concat()
}

/// Bytes of a good request made bad: cut, changed, exchanged, doubled, lengthened, or of another method or path.
fn malformed(good: &[u8], head: usize, random: &mut Random) -> Vec<u8> {
    let mut bytes = good.to_vec();
    let at = random.below(bytes.len());
    let in_head = random.below(head);
    match random.below(10) {
        0 => bytes.truncate(at.max(1)),
        1 => bytes[in_head] ^= 1 << random.below(8),
        2 => bytes[at] ^= 1 << random.below(8),
        3 => bytes[in_head] = 0,
        4 => drop(bytes.splice(in_head..in_head, b"\r\n\r\n".iter().copied())),
        5 => drop(bytes.splice(head..head, (0..40u8).map(|i| i.wrapping_mul(7)))),
        6 => drop(bytes.drain(in_head..(in_head + 1 + random.below(60)).min(head))),
        7 => bytes.swap(in_head, at),
        8 => {
            let methods: [&[u8]; 5] = [b"GET ", b"PUT ", b"DELETE ", b"PATCH ", b"\x16\x03\x01 "];
            drop(bytes.splice(0..5, methods[random.below(5)].iter().copied()));
        }
        _ => {
            let paths: [&[u8]; 5] = [
                b"/v2/../../etc",
                b"/v2/models/%00/infer",
                b"*",
                b"/v9",
                b"//",
            ];
            let end = 5 + bytes[5..].iter().position(|b| *b == b' ').unwrap();
            drop(bytes.splice(5..end, paths[random.below(5)].iter().copied()));
        }
    }
    bytes
}

/// Status of the answer, where there is one before the connection ends.
fn status(peer: &Peer, bytes: &[u8]) -> Option<u16> {
    let mut stream = peer.connect();
    let _ = stream.write_all(bytes);
    let (mut answer, mut piece) = (Vec::new(), [0; 1024]);
    while !answer.contains(&b'\n') {
        let count = stream.read(&mut piece).ok().filter(|count| *count > 0)?;
        answer.extend_from_slice(&piece[..count]);
    }
    let text = String::from_utf8_lossy(&answer);
    text.split(' ').nth(1)?.parse().ok()
}

/// Requests at a time: fewer than the queue's places, since one whose body is cut holds its place for a while.
const AT_ONCE: usize = 30;

#[test]
fn malformed_requests_of_all_kinds_are_refused_within_bounded_memory() {
    let folder = world();
    let (process, peer) = start(folder.path());
    let member = peer.join("square");
    assert!(are_squares(&member.predict(&INPUT), &INPUT));
    let request = member.client.encrypt(&INPUT).unwrap();
    let good = wire(&member, &request);
    let head = good.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    let before = process.memory_kib("VmHWM:");
    let count = size(90, 1000);
    let tried = |first: usize| -> Vec<Option<u16>> {
        let rounds = (first..count).step_by(AT_ONCE);
        let one = |round| {
            status(
                &peer,
                &malformed(&good, head, &mut Random(2026 + round as u64)),
            )
        };
        rounds.map(one).collect()
    };
    let statuses: Vec<Option<u16>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE)
            .map(|first| scope.spawn(move || tried(first)))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    let of = |wanted: fn(Option<u16>) -> bool| statuses.iter().filter(|s| wanted(**s)).count();
    let refused =
        of(|status| status.is_some_and(|status| (400..500).contains(&status) && status != 429));
    // A change may be harmless: a letter of a header that nobody reads.
    let harmless = of(|status| status == Some(200));
    let grown = process.memory_kib("VmHWM:") - before;
    eprintln!("{count} malformed: {refused} refused, {harmless} harmless; {grown} KiB more");
    assert_eq!(refused + harmless, count, "{statuses:?}");
    assert!(refused > count / 2, "{statuses:?}");
    assert!(grown < 64 << 10, "{grown} KiB more");
    assert!(are_squares(&member.predict(&INPUT), &INPUT));
}

/// A client whose keys are on the way, and what is there of them.
struct Uploading {
    client: Client,
    keys: Vec<u8>,
    hash: String,
}

impl Uploading {
    fn new(peer: &Peer) -> Self {
        let spec = peer.get("/v2/models/square/spec").body;
        let (client, keys) = Client::generate(Known::from_bytes(&spec).unwrap().spec).unwrap();
        let hash = blake3::hash(&keys).to_hex().to_string();
        Self { client, keys, hash }
    }

    fn path(&self) -> String {
        format!("/v2/models/square/keys/{}", self.hash)
    }

    /// Bytes that have arrived; all of them once they are stored.
    fn stands(&self, peer: &Peer) -> usize {
        let reply = peer.get(&self.path());
        match reply.status {
            404 => 0,
            _ if reply.json()["state"] == "stored" => self.keys.len(),
            _ => reply.json()["received"].as_u64().unwrap() as usize,
        }
    }
}

#[test]
fn killed_anywhere_it_loses_nothing_and_gives_no_half_answer() {
    let folder = world();
    let (mut process, mut peer) = start(folder.path());
    let mut random = Random(7);
    let mut member = peer.join("square");
    let mut uploading = Uploading::new(&peer);
    let (mut received, mut stored, mut answers) = (0, 0, 0);
    let kills = size(12, 50);
    for kill in 0..kills {
        if kill % 2 == 0 {
            // In a piece of an upload, which may be the last one: killed after a part of it, or while it is checked.
            let total = uploading.keys.len();
            let end = (received + 96 + random.below(total)).min(total);
            let text = format!("bytes {received}-{}/{total}", end - 1);
            let head = peer.head(
                "PUT",
                &uploading.path(),
                &[("content-range", text)],
                end - received,
            );
            let mut stream = peer.connect();
            stream.write_all(&head).unwrap();
            let sent = random.below(2 * (end - received)).min(end - received);
            stream
                .write_all(&uploading.keys[received..received + sent])
                .unwrap();
            std::thread::sleep(Duration::from_micros(random.below(5000) as u64));
            drop(process);
            (process, peer) = start(folder.path());
            let stands = uploading.stands(&peer);
            let whole = [
                received,
                if sent == end - received {
                    end
                } else {
                    received
                },
            ];
            assert!(
                whole.contains(&stands),
                "kill {kill}: {stands} of {whole:?}"
            );
            received = stands;
        } else {
            let request = member.client.encrypt(&INPUT).unwrap();
            let mut stream = peer.connect();
            stream.write_all(&wire(&member, &request)).unwrap();
            std::thread::sleep(Duration::from_micros(random.below(6000) as u64));
            drop(process);
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            if let Some(output) = tensor(&answer) {
                // Whole or refused: there is no answer in between.
                if let Ok(output) = member.client.decrypt_for(&request, &output, 1) {
                    assert!(are_squares(&output[0].clone().logits(), &INPUT));
                    answers += 1;
                }
            }
            (process, peer) = start(folder.path());
        }
        member.peer = peer.clone();
        assert!(are_squares(&member.predict(&INPUT), &INPUT), "kill {kill}");
        if received == uploading.keys.len() {
            let whole = [("content-range", format!("bytes */{received}"))];
            let reply = peer.ask("PUT", &uploading.path(), &whole, b"");
            assert!([200, 201].contains(&reply.status), "{}", reply.status);
            member = Member {
                peer: peer.clone(),
                model: "square".into(),
                client: uploading.client,
                hash: uploading.hash,
            };
            assert!(are_squares(&member.predict(&INPUT), &INPUT));
            (uploading, received, stored) = (Uploading::new(&peer), 0, stored + 1);
        }
    }
    eprintln!(
        "{kills} kills: {stored} uploads went on to their end, {answers} answers came before a kill"
    );
    assert!(stored > 0 || kills < 50, "no upload was ever whole");
}

/// What follows the head of an answer and its JSON, as far as it came.
fn tensor(answer: &[u8]) -> Option<Vec<u8>> {
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length = head.split("inference-header-content-length: ").nth(1)?;
    let length: usize = length.split('\r').next()?.parse().ok()?;
    Some(answer.get(end + length..)?.to_vec())
}

#[test]
fn a_full_disk_is_told_and_what_was_stored_goes_on() {
    let folder = world();
    std::fs::create_dir(folder.path().join("store")).unwrap();
    let (process, peer) = start(folder.path());
    let one = Uploading::new(&peer).keys.len();
    drop(process);
    // A file system of the server's own, with room for two key sets and for checking a third only in part.
    let script = format!(
        "mount -t tmpfs -o size={} none store && exec \"$0\" \"$@\"",
        9 * one
    );
    let mut unshared = Command::new("unshare");
    let program = env!("CARGO_BIN_EXE_hemet-serve");
    unshared.args([
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        &script,
        program,
    ]);
    unshared.args(ARGUMENTS).current_dir(folder.path());
    let Some((_process, peer)) = start_by(folder.path(), unshared) else {
        eprintln!(
            "skipped: this system mounts nothing for a user (unshare --map-root-user --mount)"
        );
        return;
    };
    let member = peer.join("square");
    let mut full = 0;
    for _ in 0..size(4, 12) {
        let other = Uploading::new(&peer);
        let reply = peer.piece(&other.path(), &other.keys, 0..other.keys.len());
        match reply.status {
            201 => {}
            507 => {
                full += 1;
                assert!(reply.error().contains("no room"), "{}", reply.error());
            }
            status => panic!("{status}: {}", reply.error()),
        }
        assert!(
            are_squares(&member.predict(&INPUT), &INPUT),
            "answers go on"
        );
        assert_eq!(peer.get("/v2/health/ready").status, 200);
        if reply.status == 507 {
            // What is deleted makes room again.
            assert_eq!(peer.ask("DELETE", &other.path(), &[], b"").status, 204);
        }
    }
    assert!(full > 0, "the disk is never full");
    eprintln!("{full} uploads found the disk full");
}

#[test]
fn memory_stays_flat_over_many_requests_and_clients() {
    let folder = world();
    let (process, peer) = start_by(
        folder.path(),
        command(folder.path(), &["--key-memory", "1"]),
    )
    .unwrap();
    let mut member = peer.join("square");
    let work = |member: &mut Member, round: usize| {
        assert!(are_squares(&member.predict(&INPUT), &INPUT));
        // What an inmate of a real service sees too: refusals, and clients that come and go.
        assert_eq!(member.infer(b"no ciphertext").status, 400);
        if round.is_multiple_of(20) {
            let gone = std::mem::replace(member, peer.join("square"));
            let path = format!("/v2/models/square/keys/{}", gone.hash);
            assert_eq!(peer.ask("DELETE", &path, &[], b"").status, 204);
        }
        peer.traffic.lock().unwrap().clear();
    };
    (0..200).for_each(|round| work(&mut member, round));
    let before = process.memory_kib("VmRSS:");
    let (begun, lasts) = (Instant::now(), Duration::from_secs(size(3, 600) as u64));
    let mut rounds = 0;
    while begun.elapsed() < lasts {
        rounds += 1;
        work(&mut member, rounds);
    }
    let after = process.memory_kib("VmRSS:");
    eprintln!("{rounds} rounds in {lasts:?}: {before} KiB before, {after} KiB after");
    assert!(
        after < before + (16 << 10),
        "{before} KiB before, {after} KiB after"
    );
}
