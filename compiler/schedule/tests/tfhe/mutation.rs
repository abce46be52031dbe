//! Hostile input: 100,000 mutated texts and 20,000 mutated files give an error or a schedule, never a panic; what
//! parses prints and parses again to the same. Each mutant has its own seed, which a failure names.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::common::{ALL_OPS, all_ops, constants};
use hemet_schedule::tfhe::{
    Constants, CostTable, Summary, estimate, from_bytes, interpret, parse, print, to_bytes, verify,
};

const TEXTS: u64 = 100_000;
const FILES: u64 = 20_000;
const SEED: u64 = 0x0054_4648_4500;

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

/// Pieces that parsers stumble over; the first are numbers.
const PIECES: [&str; 22] = [
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "99999999999999999999",
    "9223372036854775807",
    "1048576",
    "-9223372036854775808",
    "-1",
    "0",
    "1",
    "2^-",
    "%0",
    "%6",
    "5_2",
    " small",
    " big",
    "step",
    "@",
    "layer x\n",
    "\n",
    "é",
    ":",
];
const NUMBERS: usize = 10;

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..1 + random.below(4) {
        let length = bytes.len();
        let at = random.below(length + 1);
        let end = (at + random.below(12)).min(length);
        match random.below(8) {
            0 if at < length => bytes[at] ^= 1 << random.below(8),
            1 => drop(bytes.drain(at..end)),
            2 => drop(bytes.splice(at..end, PIECES[random.below(PIECES.len())].bytes())),
            3 | 4 => {
                // A number becomes another one: the likeliest way to something that still parses.
                let digits = bytes[at..].iter().position(u8::is_ascii_digit);
                if let Some(start) = digits.map(|d| at + d) {
                    let rest = bytes[start..].iter();
                    let count = rest.take_while(|b| b.is_ascii_digit()).count();
                    let piece = PIECES[random.below(NUMBERS)];
                    bytes.splice(start..start + count, piece.bytes());
                }
            }
            5 => {
                let from = random.below(length + 1);
                let copy = bytes[from..(from + random.below(60)).min(length)].to_vec();
                drop(bytes.splice(at..at, copy));
            }
            6 => bytes.truncate(at),
            _ => bytes.push(random.below(256) as u8),
        }
    }
}

fn refuse_panics(what: &str, seed: u64, work: impl FnOnce() -> bool) -> bool {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(passed) => passed,
        Err(_) => panic!("{what}: the mutant of seed {seed} panics"),
    }
}

/// Whether a mutant was read at all.
fn try_text(text: &str, constants: &Constants) -> bool {
    let Ok(schedule) = parse(text, constants.clone()) else {
        return false;
    };
    let again = parse(&print(&schedule), constants.clone());
    assert_eq!(again.as_ref(), Ok(&schedule));
    if let Ok(verified) = verify(schedule) {
        Summary::new(&verified);
        // A set that the nominal table has, so that only overflow could fail.
        estimate(&verified, &CostTable::nominal(2)).expect("all sets have nominal costs");
        let count = verified.input_type().map_or(0, |t| t.count as usize);
        if count < 1 << 12 {
            interpret(&verified, &vec![verified.input_low; count]).expect("a valid schedule runs");
        }
    }
    true
}

#[test]
fn mutated_texts_never_panic_and_what_parses_prints_to_itself() {
    let constants = constants();
    let mut parsed = 0;
    for seed in SEED..SEED + TEXTS {
        let mut bytes = ALL_OPS.as_bytes().to_vec();
        mutate(&mut bytes, &mut Random(seed));
        let text = String::from_utf8_lossy(&bytes);
        parsed += u64::from(refuse_panics("text", seed, || try_text(&text, &constants)));
    }
    // Else the mutants would say nothing of what lies behind the parser.
    assert!(parsed > TEXTS / 50, "{parsed} of {TEXTS} parse");
}

#[test]
fn mutated_files_never_panic() {
    let bytes = to_bytes(&verify(all_ops()).expect("valid")).expect("bytes");
    for seed in SEED..SEED + FILES {
        let mut mutant = bytes.clone();
        mutate(&mut mutant, &mut Random(seed));
        refuse_panics("file", seed, || from_bytes(&mutant).is_ok());
    }
}
