//! The scheme of integer networks: it gives the integer network's numbers exactly, and its artifact refuses every
//! change.
#![cfg(feature = "tfhe")]

mod common;

use common::tfhe::artifact;
use hemet_runtime::door::{Answer, Model};
use hemet_runtime::tfhe::TfheArtifact;
use hemet_runtime::{Client, Server, unobserved};

#[test]
fn an_image_goes_to_the_server_and_its_logits_come_back_exactly() {
    let artifact = artifact(3);
    let (client, keys) = Client::generate(artifact.spec().expect("a spec")).expect("keys");
    let client = Client::from_bytes(&client.to_bytes().expect("bytes")).expect("read back");
    let server = Server::new(Box::new(artifact)).expect("a server");
    let keys = server.keys(&keys).expect("keys");
    // Levels 3 and 1; what lies outside the range takes its end.
    for (image, expected) in [([1.0, 0.34], 8.0), ([1.4, -0.4], 9.0), ([0.0, 1.0], 0.0)] {
        let request = client.encrypt(&image).expect("encrypted");
        let response = server.answer(&keys, &request, &mut unobserved);
        let answer = client.decrypt(&response.expect("answered"));
        let answer = answer.expect("decrypted");
        assert_eq!(answer, Answer::Logits(vec![0.5 * expected]), "{image:?}");
    }
}

#[test]
fn every_changed_byte_and_every_cut_of_an_artifact_is_refused() {
    let artifact = artifact(3);
    let bytes = artifact.to_bytes().expect("bytes");
    assert_eq!(
        TfheArtifact::from_bytes(&bytes).expect("read back"),
        artifact
    );
    for index in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[index] ^= 1 << (index % 8);
        assert!(TfheArtifact::from_bytes(&changed).is_err(), "byte {index}");
        assert!(
            TfheArtifact::from_bytes(&bytes[..index]).is_err(),
            "cut at {index}"
        );
    }
}

#[test]
fn a_prediction_is_no_part_of_an_artifacts_identity() {
    let mut timed = artifact(3);
    timed.manifest.predicted_latency_ms = Some(12.5);
    let id = |artifact: &TfheArtifact| artifact.id().expect("an id").to_string();
    assert_eq!(id(&timed), id(&artifact(3)));
    assert_ne!(id(&artifact(2)), id(&artifact(3)));
}
