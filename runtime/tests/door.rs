//! Every scheme passes the suite of the door, and what each must refuse beyond it.

mod common;

use common::{PERIOD, network, numbers, tiny};
use hemet_runtime::conformance::door::{SchemeUnderTest, run};
use hemet_runtime::door::{Scheme, schemes};
use hemet_schedule::{Artifact, Manifest, Scheme as SchemeId};

fn ckks(name: &str) -> Vec<u8> {
    let artifact = Artifact::new(Manifest::new(name), network(tiny(), 3));
    artifact.to_bytes().unwrap()
}

/// What each scheme is tried with.
fn bench(scheme: &'static dyn Scheme) -> SchemeUnderTest {
    match scheme.id() {
        SchemeId::Ckks => SchemeUnderTest {
            scheme,
            artifact: ckks("ours"),
            other: ckks("theirs"),
            inputs: (0..3).map(|seed| numbers(PERIOD, seed)).collect(),
            // The scale is 30 bits and the ring of degree 2^10: errors are near 2^-17.
            error: 1e-3,
        },
        #[cfg(feature = "tfhe")]
        SchemeId::Tfhe => SchemeUnderTest {
            scheme,
            artifact: common::tfhe::artifact(3).to_bytes().unwrap(),
            other: common::tfhe::artifact(2).to_bytes().unwrap(),
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
        assert!(checks.len() >= 40, "{}", checks.len());
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
