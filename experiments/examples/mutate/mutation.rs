//! How inputs are changed: bits, bytes, numbers, cuts, copies, pieces of other seeds and of formats.

/// SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014).
pub struct Random(u64);

impl Random {
    /// The generator of this number.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// A number below `n`; 0 where `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }
}

/// Texts that parsers stumble over; the first are numbers.
const PIECES: [&str; 34] = [
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "99999999999999999999",
    "9223372036854775807",
    "-9223372036854775808",
    "16777216",
    "1e308",
    "-1",
    "0",
    "1",
    "2",
    "2^",
    "*q63^9",
    "%0",
    ", ",
    "{",
    "}",
    "[[[[[[[[[[[[[[[[",
    "]",
    ";",
    "|",
    ": ",
    "\"",
    "\n",
    "\n  ",
    "#",
    "- ",
    "&a",
    "*a",
    "é",
    "null",
    "NaN",
    "ct2<L0, 2^0>",
];
const NUMBERS: usize = 12;

/// Words that stand at the ends of ranges.
const WORDS: [u64; 10] = [
    0,
    1,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    1 << 24,
    u64::MAX,
];

/// Most bytes of an input: what grows in a loop stops here.
const MOST_BYTES: usize = 1 << 20;

/// A changed copy of a seed.
pub fn mutated(seed: &[u8], others: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..1 + random.below(5) {
        change(&mut bytes, others, random);
    }
    bytes.truncate(MOST_BYTES);
    bytes
}

fn change(bytes: &mut Vec<u8>, others: &[Vec<u8>], random: &mut Random) {
    let length = bytes.len();
    let at = random.below(length + 1);
    let end = (at + random.below(16)).min(length);
    match random.below(12) {
        0 | 1 if at < length => bytes[at] ^= 1 << random.below(8),
        2 if at < length => bytes[at] = random.below(256) as u8,
        3 => drop(bytes.drain(at..end)),
        4 => drop(bytes.splice(at..end, PIECES[random.below(PIECES.len())].bytes())),
        5 | 6 => number(bytes, at, random),
        7 => {
            let word = WORDS[random.below(WORDS.len())].to_le_bytes();
            let count = [1, 2, 4, 8][random.below(4)];
            let end = (at + count).min(length);
            drop(bytes.splice(at..end, word[..count].iter().copied()));
        }
        8 => copy(bytes, at, random),
        9 => {
            let other = &others[random.below(others.len())];
            let from = random.below(other.len() + 1);
            let piece = &other[from..(from + random.below(200)).min(other.len())];
            drop(bytes.splice(at..end, piece.iter().copied()));
        }
        10 => bytes.truncate(at),
        _ => bytes.push(random.below(256) as u8),
    }
}

/// A number of the text becomes another one: the likeliest way to something that still parses.
fn number(bytes: &mut Vec<u8>, at: usize, random: &mut Random) {
    let Some(start) = bytes[at..]
        .iter()
        .position(u8::is_ascii_digit)
        .map(|d| at + d)
    else {
        return;
    };
    let count = bytes[start..]
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .count();
    let piece = PIECES[random.below(NUMBERS)];
    bytes.splice(start..start + count, piece.bytes());
}

/// A piece stands again, now and then many times.
fn copy(bytes: &mut Vec<u8>, at: usize, random: &mut Random) {
    let from = random.below(bytes.len() + 1);
    let piece = bytes[from..(from + random.below(60)).min(bytes.len())].to_vec();
    let times = match random.below(50) {
        0 => random.below(2_000),
        _ => 1,
    };
    drop(bytes.splice(at..at, piece.repeat(times)));
}
