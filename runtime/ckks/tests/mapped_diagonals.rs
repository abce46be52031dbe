//! Encoded diagonals in a file that is used where it lies: the same results, and nothing damaged or foreign is taken.

mod common;

use std::fs::File;

use common::{PRESETS, Setup, setup};
use hemet_ckks::{Diagonal, Error, LinearPlan, LinearTerm};
use proptest::prelude::*;

const LABEL: [u8; 32] = [7; 32];
/// Bytes before the diagonals of a file.
const AT: usize = 4096;

/// Diagonals of each kind and of several levels: of all slots, of a period, the same number everywhere.
fn diagonals(s: &Setup, x: &[f64]) -> Vec<Diagonal> {
    let (context, scale, top) = (&s.context, s.scale, s.level);
    vec![
        context.encode_diagonal(x, scale, top).unwrap(),
        context.encode_constant_diagonal(0.5, scale, top).unwrap(),
        context
            .encode_repeated_diagonal(&x[..8], scale, top)
            .unwrap(),
        context.encode_diagonal(x, 2.0 * scale, 0).unwrap(),
        context.encode_constant_diagonal(-1.0, scale, 0).unwrap(),
    ]
}

fn written(s: &Setup, diagonals: &[Diagonal]) -> Vec<u8> {
    let mut bytes = vec![0; AT];
    let diagonals: Vec<&Diagonal> = diagonals.iter().collect();
    s.context
        .write_diagonals(&diagonals, &LABEL, &mut bytes)
        .unwrap();
    bytes
}

fn mapped(s: &Setup, bytes: &[u8], label: &[u8; 32], at: u64) -> Result<Vec<Diagonal>, Error> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let opened = File::open(file.path()).unwrap();
    s.context.map_diagonals(&opened, label, at)
}

fn refused(s: &Setup, bytes: &[u8]) -> String {
    let outcome = mapped(s, bytes, &LABEL, AT as u64);
    outcome.map(drop).unwrap_err().to_string()
}

#[test]
fn mapped_diagonals_give_the_bytes_that_those_in_memory_give() {
    for preset in &PRESETS[..3] {
        let mut s = setup(preset);
        let x = s.values();
        let a = s.encrypt(&x);
        let ours = diagonals(&s, &x);
        let theirs = mapped(&s, &written(&s, &ours), &LABEL, AT as u64).unwrap();
        assert_eq!(theirs.len(), ours.len());
        for (one, other) in ours.iter().zip(&theirs) {
            let facts = |d: &Diagonal| (d.level(), d.scale(), d.size_bytes());
            assert_eq!(facts(one), facts(other));
        }
        let terms: Vec<LinearTerm> = (0..3)
            .map(|diagonal| LinearTerm {
                output: 0,
                giant: 0,
                input: 0,
                baby: diagonal as i64,
                diagonal,
            })
            .collect();
        let plan = LinearPlan::new(1, 1, &terms).unwrap();
        let product = |diagonals: &[Diagonal]| {
            let all: Vec<&Diagonal> = diagonals[..3].iter().collect();
            let product = s.context.linear(&[&a], &plan, &all, &s.keys).unwrap();
            product[0].to_bytes(&s.context)
        };
        assert_eq!(product(&ours), product(&theirs), "{}", preset.name);
        // A clone serves when the first ones are gone.
        let kept = theirs.clone();
        drop(theirs);
        assert_eq!(product(&ours), product(&kept));
    }
}

#[test]
fn what_is_cut_longer_misplaced_or_of_somebody_else_is_refused() {
    let mut s = setup(&PRESETS[0]);
    let x = s.values();
    let bytes = written(&s, &diagonals(&s, &x));
    for length in [AT, AT + 1, AT + 60, AT + 200, bytes.len() - 1] {
        refused(&s, &bytes[..length]);
    }
    refused(&s, &[&bytes[..], &[0]].concat());
    assert!(refused(&s, &[&bytes[..AT], b"something else"].concat()).contains("mark"));
    for at in [0, 8, 64, AT as u64 + 1, u64::MAX] {
        assert!(mapped(&s, &bytes, &LABEL, at).is_err(), "{at}");
    }
    assert!(mapped(&s, &bytes, &[8; 32], AT as u64).is_err());
    let other = setup(&PRESETS[1]);
    assert!(refused(&other, &bytes).contains("parameters"));
}

#[test]
fn every_changed_byte_of_the_head_and_any_of_a_diagonal_is_refused() {
    let mut s = setup(&PRESETS[0]);
    let x = s.values();
    let bytes = written(&s, &diagonals(&s, &x));
    let first = bytes[AT + 44..AT + 52].try_into().unwrap();
    let head = AT + u64::from_le_bytes(first) as usize;
    let change = |at: usize| {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        refused(&s, &changed)
    };
    for at in AT..head {
        change(at);
    }
    let start = head.next_multiple_of(64);
    for at in [start, start + 1000, bytes.len() - 1] {
        assert!(change(at).contains("diagonal"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Heads with a right checksum and any numbers in them neither panic nor take memory that the file does not have.
    #[test]
    fn any_numbers_in_a_head_are_refused_or_are_the_right_ones(at in 44usize..140, byte in any::<u8>()) {
        let mut s = setup(&PRESETS[0]);
        let x = s.values();
        let bytes = written(&s, &diagonals(&s, &x));
        let first = bytes[AT + 44..AT + 52].try_into().unwrap();
        let head = AT + u64::from_le_bytes(first) as usize;
        let mut changed = bytes.clone();
        changed[AT + at] = byte;
        let sum = blake3::hash(&changed[AT..head - 32]);
        changed[head - 32..head].copy_from_slice(sum.as_bytes());
        let same = changed == bytes;
        // A scale is the writer's own affair, as long as it is one.
        let is_scale = (96..104).contains(&at);
        prop_assert!(same || is_scale || mapped(&s, &changed, &LABEL, AT as u64).is_err());
    }
}
