//! Hostile input: 100,000 mutated texts and 100,000 mutated artifacts give an error or a schedule, never a panic.
//!
//! Artifacts are also mutated behind their checksums (head, schedule and constants, sealed again), so that what lies
//! after the sums is reached too. Each mutant has its own seed, which a failure names.

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use hemet_schedule::artifact::{Artifact, Manifest};
use hemet_schedule::{OpCounts, Schedule, cost, text, verify};

const MUTANTS: u64 = 100_000;
const SEED: u64 = 0x4845_4d45_5400;

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }
}

/// Pieces that parsers stumble over.
const PIECES: [&str; 28] = [
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "99999999999999999999",
    "1048576",
    "-1",
    "0",
    "1",
    "2^",
    "*q63^9",
    "*q1^-1048576",
    "%0",
    "%262143",
    ", ",
    "{",
    "}",
    "[",
    "]",
    ";",
    "|",
    ":",
    "o1: g1 i1{1}",
    "ct2<L0, 2^0>",
    "\n",
    "#",
    "é",
    "layer x\n",
    "null",
];

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..1 + random.below(4) {
        let length = bytes.len();
        let at = random.below(length + 1);
        let end = (at + random.below(12)).min(length);
        match random.below(8) {
            0 if at < length => bytes[at] ^= 1 << random.below(8),
            1 if at < length => bytes[at] = random.below(256) as u8,
            2 => drop(bytes.drain(at..end)),
            3 => drop(bytes.splice(at..end, PIECES[random.below(PIECES.len())].bytes())),
            4 => {
                // A number becomes another one: the likeliest way to something that still parses.
                let digits = bytes[at..].iter().position(u8::is_ascii_digit);
                if let Some(start) = digits.map(|d| at + d) {
                    let count = bytes[start..]
                        .iter()
                        .take_while(|b| b.is_ascii_digit())
                        .count();
                    let piece = PIECES[random.below(8)];
                    bytes.splice(start..start + count, piece.bytes());
                }
            }
            5 => {
                let from = random.below(length + 1);
                let copy = bytes[from..(from + random.below(60)).min(length)].to_vec();
                drop(bytes.splice(at..at, copy));
            }
            6 => bytes.truncate(at),
            _ => bytes.extend_from_slice(&[random.below(256) as u8]),
        }
    }
}

/// Runs `check` on every seed, on all cores; returns how many it accepted.
fn run(check: impl Fn(&mut Random, u64) -> bool + Sync) -> usize {
    let threads = std::thread::available_parallelism()
        .map_or(2, |n| n.get())
        .min(8) as u64;
    let accepted = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (check, accepted) = (&check, &accepted);
            scope.spawn(move || {
                for i in (thread..MUTANTS).step_by(threads as usize) {
                    let mut random = Random(SEED.wrapping_add(i.wrapping_mul(0x1_0000_0001)));
                    match catch_unwind(AssertUnwindSafe(|| check(&mut random, i))) {
                        Ok(ok) => accepted.fetch_add(usize::from(ok), Ordering::Relaxed),
                        Err(_) => panic!("mutant {i} panicked"),
                    };
                }
            });
        }
    });
    accepted.into_inner()
}

/// Everything that promises to work on a schedule not yet verified.
fn use_unverified(schedule: &Schedule) {
    let _ = text::print(schedule);
    let _ = cost::costs(schedule);
    let _ = OpCounts::of(schedule).to_string();
}

#[test]
fn mutated_texts_never_panic_and_what_is_accepted_comes_back() {
    let base = common::all_ops();
    let printed = text::print(&base);
    let accepted = run(|random, _| {
        let mut bytes = printed.clone().into_bytes();
        mutate(&mut bytes, random);
        let mutant = String::from_utf8_lossy(&bytes);
        let Ok(schedule) = text::parse(&mutant, base.constants.clone()) else {
            return false;
        };
        use_unverified(&schedule);
        let Ok(verified) = verify(schedule) else {
            return false;
        };
        let again = text::parse(&text::print(&verified), base.constants.clone());
        assert_eq!(again.as_ref(), Ok(verified.schedule()));
        true
    });
    assert!(
        accepted > 0 && accepted < MUTANTS as usize / 2,
        "{accepted} accepted"
    );
}

/// Offsets of the file format.
const VERSION_AT: usize = 8;
const HEAD_AT: usize = 48;

/// Head and stored parts of a sound artifact.
fn open(bytes: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let length = u32::from_le_bytes(bytes[VERSION_AT + 4..][..4].try_into().unwrap()) as usize;
    let head = bytes[HEAD_AT..][..length].to_vec();
    let value: serde_json::Value = serde_json::from_slice(&head).unwrap();
    let mut at = HEAD_AT + length;
    let parts = value["parts"].as_array().unwrap().iter().map(|part| {
        let start = at;
        at += part["stored_bytes"].as_u64().unwrap() as usize;
        bytes[start..at].to_vec()
    });
    (head.clone(), parts.collect())
}

fn seal(start: &[u8], head: &[u8], parts: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = start[..VERSION_AT + 4].to_vec();
    bytes.extend((head.len() as u32).to_le_bytes());
    bytes.extend(blake3::hash(head).as_bytes());
    bytes.extend(head);
    bytes.extend(parts.concat());
    bytes
}

/// Mutates a part, before or after compression, and makes sizes and sums right again.
fn mutate_part(bytes: &[u8], part: usize, stored_only: bool, random: &mut Random) -> Vec<u8> {
    let (head, mut parts) = open(bytes);
    let mut head: serde_json::Value = serde_json::from_slice(&head).unwrap();
    if stored_only {
        mutate(&mut parts[part], random);
    } else {
        let mut content = zstd::bulk::decompress(&parts[part], 1 << 20).unwrap();
        mutate(&mut content, random);
        parts[part] = zstd::bulk::compress(&content, 1).unwrap();
        head["parts"][part]["bytes"] = content.len().into();
    }
    head["parts"][part]["stored_bytes"] = parts[part].len().into();
    head["parts"][part]["blake3"] = blake3::hash(&parts[part]).to_hex().to_string().into();
    seal(bytes, &serde_json::to_vec(&head).unwrap(), &parts)
}

#[test]
fn mutated_artifacts_never_panic() {
    let bases = [common::all_ops(), common::with_placed(common::placed_map())];
    let bases = bases.map(|base| {
        let artifact = Artifact::new(Manifest::new("test"), verify(base).unwrap());
        artifact.to_bytes().unwrap()
    });
    let accepted = run(|random, i| {
        let bytes = &bases[(i / 6 % 2) as usize];
        let mutant = match i % 6 {
            0 | 1 => {
                let mut mutant = bytes.clone();
                mutate(&mut mutant, random);
                mutant
            }
            2 => {
                let (mut head, parts) = open(bytes);
                mutate(&mut head, random);
                seal(bytes, &head, &parts)
            }
            3 => mutate_part(bytes, 0, false, random),
            4 => mutate_part(bytes, 1, false, random),
            _ => mutate_part(bytes, random.below(2), true, random),
        };
        match Artifact::from_bytes(&mutant) {
            Ok(artifact) => artifact.id().len() == 64,
            Err(error) => error.to_string().is_empty(),
        }
    });
    assert!(
        accepted > 0 && accepted < MUTANTS as usize / 2,
        "{accepted} accepted"
    );
}
