//! Every scheme passes the suite of the door, and what each must refuse beyond it.

mod common;

use common::{PERIOD, network, numbers, tiny, trained};
use hemet_runtime::conformance::door::{SchemeUnderTest, run};
use hemet_runtime::door::Scheme;
use hemet_runtime::schemes::{Known, schemes};
use hemet_schedule::{Artifact, Manifest, Scheme as SchemeId};

fn ckks(level: u32, seeds: [u64; 3]) -> Vec<u8> {
    let artifact = Artifact::new(Manifest::new("ours"), trained(tiny(), level, seeds));
    artifact.to_bytes().unwrap()
}

/// What each scheme is tried with.
fn bench(scheme: &'static dyn Scheme) -> SchemeUnderTest {
    match scheme.id() {
        SchemeId::Ckks => SchemeUnderTest {
            scheme,
            artifact: ckks(3, [1, 2, 3]),
            retrained: ckks(3, [4, 5, 6]),
            other: ckks(4, [1, 2, 3]),
            inputs: (0..3).map(|seed| numbers(PERIOD, seed)).collect(),
            // The scale is 30 bits and the ring of degree 2^10: errors are near 2^-17.
            error: 1e-3,
        },
        #[cfg(feature = "tfhe")]
        SchemeId::Tfhe => SchemeUnderTest {
            scheme,
            artifact: common::tfhe::artifact(3).to_bytes().unwrap(),
            retrained: common::tfhe::artifact(2).to_bytes().unwrap(),
            other: common::tfhe::artifact_of_set(3, "2_0").to_bytes().unwrap(),
            inputs: vec![vec![1.0, 0.34], vec![0.0, 1.0], vec![0.66, 0.0]],
            error: 0.0,
        },
        #[cfg(not(feature = "tfhe"))]
        SchemeId::Tfhe => unreachable!("it is not in this build"),
    }
}

#[test]
fn every_scheme_passes_the_suite_of_the_door() {
    for scheme in schemes() {
        let folder = tempfile::tempdir().unwrap();
        let checks = run(&bench(scheme), folder.path()).unwrap();
        assert!(checks.len() >= 50, "{}", checks.len());
        for check in checks {
            assert_eq!(
                check.failure,
                None,
                "{}: {}",
                scheme.id().name(),
                check.claim
            );
        }
    }
}

/// Numbers whose bytes or digits must not be found.
fn traces(value: f64) -> Vec<Vec<u8>> {
    let digits = format!("{value}");
    let mut traces = vec![
        value.to_le_bytes().to_vec(),
        (value as f32).to_le_bytes().to_vec(),
    ];
    // Short numbers are found in any text.
    traces.extend((digits.len() > 6).then(|| digits.into_bytes()));
    traces
}

#[test]
fn a_clients_spec_holds_no_weight() {
    let artifact = Artifact::new(Manifest::new("ours"), network(tiny(), 3));
    let constants = &artifact.schedule.constants.entries;
    let weights: Vec<f64> = constants
        .iter()
        .flat_map(|(_, constant)| constant.values().to_vec())
        .filter(|x| *x != 0.0)
        .collect();
    assert!(weights.len() > 500, "{}", weights.len());
    let spec = Known::of(&artifact).unwrap().to_bytes().unwrap();
    for weight in weights {
        for trace in traces(weight) {
            let found = spec.windows(trace.len()).any(|bytes| bytes == trace);
            assert!(!found, "{weight} is in the spec");
        }
    }
}
