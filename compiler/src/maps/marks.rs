//! Marks: sets of distances, their sums and differences, as sets of bits.

use std::rc::Rc;

/// `(of the result, of the operand)`, ascending.
pub(super) type Pairs = [(u32, u32)];

/// Distances, ascending.
pub(super) type Set = Rc<[u32]>;

/// Sets of distances below a power of two, by marking.
pub(super) struct Marks {
    modulus: u32,
    seen: Vec<u64>,
    sums: Vec<u64>,
    /// Room for a set repeated.
    twice: Vec<u64>,
}

/// Words of a set that are shifted in the time of one mark.
const WORDS_AT_ONCE: usize = 4;
/// Words that are cleared and read again in the time that a pair takes where its block is sought.
const MARKED_WORDS: usize = 4;

impl Marks {
    pub(super) fn new(modulus: u32) -> Self {
        let words = modulus.div_ceil(64) as usize;
        Self {
            modulus,
            seen: vec![0; words],
            sums: vec![0; words],
            twice: Vec::new(),
        }
    }

    /// The distinct ones of `distances`, ascending.
    fn distinct(&mut self, distances: Vec<u32>) -> Vec<u32> {
        for distance in distances {
            mark(&mut self.seen, distance);
        }
        collected(&mut self.seen)
    }

    /// The distances of pairs of positions, apart by the ciphertexts of `slots` slots that the positions lie in: `(of
    /// the result, of the operand)`.
    pub(super) fn sets(
        &mut self,
        pairs: &Pairs,
        to: &[u32],
        from: &[u32],
        slots: u32,
    ) -> Vec<((u32, u32), Set)> {
        let (mask, shift) = (self.modulus - 1, slots.trailing_zeros());
        let sets = ciphertexts(to, slots) * ciphertexts(from, slots);
        if sets * self.seen.len() <= pairs.len() * MARKED_WORDS {
            return self.marked(pairs, to, from, slots);
        }
        let mut blocks: Vec<((u32, u32), Vec<u32>)> = Vec::new();
        let mut last = 0;
        for (o, i) in pairs {
            let (p, q) = (to[*o as usize], from[*i as usize]);
            let block = (p >> shift, q >> shift);
            // Neighbours mostly lie in one block.
            if blocks.get(last).is_none_or(|(b, _)| *b != block) {
                last = blocks
                    .iter()
                    .position(|(b, _)| *b == block)
                    .unwrap_or(blocks.len());
                if last == blocks.len() {
                    blocks.push((block, Vec::new()));
                }
            }
            blocks[last].1.push(q.wrapping_sub(p) & mask);
        }
        let set = |(block, distances): (_, Vec<u32>)| (block, self.distinct(distances).into());
        blocks.into_iter().map(set).collect()
    }

    /// [`Marks::sets`] where there are so many pairs that a set of bits for each pair of ciphertexts is little beside
    /// them.
    fn marked(
        &mut self,
        pairs: &Pairs,
        to: &[u32],
        from: &[u32],
        slots: u32,
    ) -> Vec<((u32, u32), Set)> {
        let (mask, words) = (self.modulus - 1, self.seen.len());
        let (shift, operands) = (slots.trailing_zeros(), ciphertexts(from, slots));
        let mut sets: Vec<u64> = Vec::new();
        for (o, i) in pairs {
            let (p, q) = (to[*o as usize], from[*i as usize]);
            let block = (p >> shift) as usize * operands + (q >> shift) as usize;
            let first = block * words;
            if sets.len() < first + words {
                sets.resize(first + words, 0);
            }
            mark(&mut sets[first..], q.wrapping_sub(p) & mask);
        }
        let mut found = Vec::new();
        for (block, set) in sets.chunks_exact_mut(words).enumerate() {
            let elements = collected(set);
            if !elements.is_empty() {
                let pair = ((block / operands) as u32, (block % operands) as u32);
                found.push((pair, elements.into()));
            }
        }
        found
    }

    /// Marks all sums of one of each: one by one, or, where that is less work, by shifting one set by each element of
    /// the other, 64 at once.
    pub(super) fn sums(&mut self, left: &[u32], right: &[u32]) {
        let mask = self.modulus - 1;
        let (few, many) = match left.len() < right.len() {
            true => (left, right),
            false => (right, left),
        };
        if self.modulus < 64 || many.len() * WORDS_AT_ONCE < self.sums.len() {
            for l in few {
                for r in many {
                    mark(&mut self.sums, (l + r) & mask);
                }
            }
            return;
        }
        let words = self.sums.len();
        let twice = &mut self.twice;
        twice.clear();
        twice.resize(2 * words + 1, 0);
        // Word `k + 1` holds word `k` of the set, repeated, so that a shifted set begins at any word.
        for element in many {
            mark(&mut twice[1..], *element);
        }
        let (head, tail) = twice[1..].split_at_mut(words);
        tail.copy_from_slice(head);
        twice[0] = twice[words];
        for by in few {
            let (start, bits) = (words - *by as usize / 64, by % 64);
            let from = &self.twice[start..start + words + 1];
            for (sum, pair) in self.sums.iter_mut().zip(from.windows(2)) {
                *sum |= (pair[1] << bits) | (pair[0] >> 1 >> (63 - bits));
            }
        }
    }

    /// How many sums are marked.
    pub(super) fn count(&self) -> usize {
        ones(&self.sums)
    }

    /// The sums marked since this was last called, ascending.
    pub(super) fn take_sums(&mut self) -> impl Iterator<Item = u32> + '_ {
        take(&mut self.sums)
    }
}

/// Ciphertexts of `slots` slots in which positions lie.
fn ciphertexts(positions: &[u32], slots: u32) -> usize {
    positions
        .iter()
        .max()
        .map_or(1, |last| (last / slots) as usize + 1)
}

fn mark(set: &mut [u64], element: u32) {
    set[element as usize / 64] |= 1 << (element % 64);
}

fn ones(set: &[u64]) -> usize {
    set.iter().map(|word| word.count_ones() as usize).sum()
}

/// The elements of a set, ascending; the set is empty then.
fn collected(set: &mut [u64]) -> Vec<u32> {
    let mut elements = Vec::with_capacity(ones(set));
    elements.extend(take(set));
    elements
}

/// The elements of a set, ascending; the set is empty then.
fn take(set: &mut [u64]) -> impl Iterator<Item = u32> + '_ {
    set.iter_mut().zip(0u32..).flat_map(|(word, index)| {
        let mut rest = std::mem::take(word);
        std::iter::from_fn(move || {
            let bit = rest.trailing_zeros();
            rest &= rest.checked_sub(1)?;
            Some(index * 64 + bit)
        })
    })
}
