//! Placed maps: what they expand to, that they come back from an artifact, and that unsound ones are refused with both
//! numbers.

mod common;

use std::sync::Arc;

use common::{placed_map as map, with_placed as schedule};
use hemet_schedule::artifact::{Artifact, Manifest};
use hemet_schedule::placed::PlacedMap;
use hemet_schedule::{Constant, Diagonals, LinearTerm, verify};

#[test]
fn a_diagonal_holds_the_weight_of_each_place() {
    let constant = Constant::Placed(Arc::new(map()));
    let diagonals = Diagonals::of(&constant, 64).unwrap();
    assert_eq!(diagonals.period(), 16);
    let at = |giant, baby| {
        let term = LinearTerm {
            output: 0,
            giant,
            input: 0,
            baby,
        };
        diagonals.get(0, &term).into_owned()
    };
    // Result places 0..3 lie at slots 0..3 and 3..6 (period 8, repeated), operand rows at 0..4 and 4..8, channel 1
    // eight further.
    let first = [1.0, 1.0, 1.0];
    assert_eq!(at(0, 0)[..3], first);
    assert_eq!(at(0, 1)[..6], [2.0, 2.0, 2.0, 1.0, 1.0, 1.0]);
    assert_eq!(at(0, 2)[3..6], [2.0, 2.0, 2.0]);
    assert_eq!(at(0, 0)[8..11], [3.0, 3.0, 3.0]);
    // A giant step moves the same entries.
    assert_eq!(at(1, 0)[4..7], [1.0, 1.0, 1.0]);
}

#[test]
fn a_placed_map_comes_back_from_an_artifact() {
    let artifact = Artifact::new(Manifest::new("test"), verify(schedule(map())).unwrap());
    let bytes = artifact.to_bytes().unwrap();
    let back = Artifact::from_bytes(&bytes).unwrap();
    assert_eq!(back, artifact);
    let mut other = map();
    other.operands[0].patterns[0].taps[1].offset = [0, 0];
    other.operands[0].patterns[0].taps[0].offset = [0, 1];
    let other = Artifact::new(Manifest::new("test"), verify(schedule(other)).unwrap());
    assert_ne!(other.id(), artifact.id());
}

/// Both taps of a pair have the first of its weights, as behind a pool.
fn shared() -> PlacedMap {
    let mut map = map();
    map.operands[0].patterns[0].taps[1].weight = 0;
    map.values = vec![1.0, 3.0];
    map
}

#[test]
fn taps_of_one_weight_share_it_and_come_back_from_an_artifact() {
    let constant = Constant::Placed(Arc::new(shared()));
    let diagonals = Diagonals::of(&constant, 64).unwrap();
    let term = |baby| LinearTerm {
        output: 0,
        giant: 0,
        input: 0,
        baby,
    };
    let at = |baby| diagonals.get(0, &term(baby)).into_owned();
    assert_eq!(at(0)[..3], [1.0, 1.0, 1.0]);
    assert_eq!(at(1)[..3], [1.0, 1.0, 1.0]);
    assert_eq!(at(0)[8..11], [3.0, 3.0, 3.0]);
    let artifact = Artifact::new(Manifest::new("test"), verify(schedule(shared())).unwrap());
    let back = Artifact::from_bytes(&artifact.to_bytes().unwrap()).unwrap();
    assert_eq!(back, artifact);
}

#[test]
fn a_file_of_format_version_2_is_read_and_keeps_its_id() {
    let bytes = include_bytes!("fixtures/placed.v2.hemet");
    assert_eq!(bytes[8], 2);
    let old = Artifact::from_bytes(bytes).unwrap();
    assert_eq!(old.schedule.into_schedule(), schedule(map()));
    let old = Artifact::from_bytes(bytes).unwrap();
    let wanted = "ce2f7a510e67f1ba48d478317aeaa548c3ae82dd4069eb829213cb3dec0fbafe";
    assert_eq!(old.id(), wanted, "keys made for it serve it still");
}

#[test]
fn unsound_maps_are_refused_with_what_and_both_numbers() {
    type Damage = fn(&mut PlacedMap);
    let cases: [(Damage, &str); 13] = [
        (
            |m| m.operands[0].patterns[0].taps[1].weight = 2,
            "there are 4 weights, the patterns need 6",
        ),
        (|m| m.period = 8, "the period is 8, the layouts need 16"),
        (|m| m.result.period = 4, "result layout: shape 1x2x3"),
        (
            |m| m.outputs[0].ciphertext = 1,
            "output 0 is ciphertext 1 of 1",
        ),
        (|m| m.outputs[0].giant = 1 << 20, "rotated by 1048576"),
        (
            |m| m.values.truncate(3),
            "there are 3 weights, the patterns need 4",
        ),
        (|m| m.values[2] = f64::NAN, "value 2 is NaN"),
        (|m| m.outputs.clear(), "describes 0 outputs, the plan has 1"),
        (
            |m| m.operands[0].patterns[0].blocks[0].inputs = [1, 3],
            "input channels 1..3 of 2",
        ),
        (
            |m| {
                let pattern = m.operands[0].patterns[0].clone();
                m.operands[0].patterns.push(pattern);
                m.values.extend([0.0; 4]);
            },
            "channels 0 and 0 are joined twice",
        ),
        (
            |m| m.operands[0].patterns[0].taps[1].offset = [0, 0],
            "result place 0 reads place 0 by two taps",
        ),
        (
            |m| m.operands[0].patterns[0].taps[1].offset = [0, 2],
            "a tap reads columns 4 for 2, the operand has 4",
        ),
        (
            |m| m.operands[0].patterns[0].taps[0].rows = [0, 3],
            "a tap has rows 0..3, the result has 2",
        ),
    ];
    for (change, wanted) in cases {
        let mut map = map();
        change(&mut map);
        let message = verify(schedule(map)).unwrap_err().to_string();
        assert!(message.contains(wanted), "{message}");
    }
    let mut map = map();
    let operand = map.operands[0].clone();
    map.operands.push(operand);
    map.values.extend([0.0; 4]);
    let message = verify(schedule(map)).unwrap_err().to_string();
    assert!(
        message.contains("describes 2 operands, there are 1"),
        "{message}"
    );
}
