//! TFHE files: what was written is read, what was altered, cut or exchanged is refused, and the whole way gives the
//! integer network's numbers.
#![cfg(feature = "tfhe")]

use hemet_runtime::tfhe::{Answer, Encoding, TfheArtifact, TfheClient, TfheServer, is_artifact};
use hemet_schedule::Manifest;
use hemet_schedule::tfhe::{Constant, Constants, MapConstant, parse, verify};

/// `y = 2a − b + 3` of two numbers of 4 levels, without a bootstrap: keys are small and made at once.
fn artifact(bias: i64) -> TfheArtifact {
    let text = include_str!("tfhe_linear.schedule");
    let map = MapConstant {
        inputs: 2,
        row_starts: vec![0, 2],
        columns: vec![0, 1],
        weights: vec![2, -1],
        bias: vec![bias],
    };
    let constants = Constants::from([("y/map".to_owned(), Constant::Map(map))]);
    let schedule = parse(text, constants).expect("a schedule");
    TfheArtifact {
        manifest: Manifest::new("linear"),
        encoding: Encoding {
            shape: [1, 1, 2],
            levels: 4,
            low: 0.0,
            high: 1.0,
            logit_scale: 0.5,
        },
        schedule: verify(schedule).expect("valid"),
    }
}

#[test]
fn an_image_goes_to_the_server_and_its_logits_come_back_exactly() {
    let artifact = artifact(3);
    let (client, keys) = TfheClient::generate(&artifact).expect("keys");
    let client = TfheClient::from_bytes(&client.to_bytes().expect("bytes")).expect("read back");
    let server = TfheServer::new(artifact, &keys).expect("a server");
    // Levels 3 and 1; what lies outside the range takes its end.
    for (image, expected) in [([1.0, 0.34], 8.0), ([7.0, -5.0], 9.0), ([0.0, 1.0], 0.0)] {
        let request = client.encrypt(&image).expect("encrypted");
        let response = server
            .answer(&request, &mut |_, _, _| ())
            .expect("answered");
        let answer = client.decrypt(&response).expect("decrypted");
        assert_eq!(answer, Answer::Logits(vec![0.5 * expected]), "{image:?}");
    }
    assert!(client.encrypt(&[0.1]).is_err());
    assert!(client.encrypt(&[0.1, f64::NAN]).is_err());
}

#[test]
fn files_of_another_artifact_key_or_kind_are_refused() {
    let (client, keys) = TfheClient::generate(&artifact(3)).expect("keys");
    let other = artifact(2);
    assert!(
        TfheServer::new(other.clone(), &keys).is_err(),
        "another artifact"
    );
    let (stranger, theirs) = TfheClient::generate(&artifact(3)).expect("keys");
    let server = TfheServer::new(artifact(3), &theirs).expect("a server");
    let request = client.encrypt(&[0.0, 0.0]).expect("encrypted");
    assert!(
        server.answer(&request, &mut |_, _, _| ()).is_err(),
        "another key"
    );
    let request = stranger.encrypt(&[0.0, 0.0]).expect("encrypted");
    let response = server
        .answer(&request, &mut |_, _, _| ())
        .expect("answered");
    assert!(client.decrypt(&response).is_err(), "another key");
    assert!(stranger.decrypt(&request).is_err(), "another kind");
    assert!(stranger.decrypt(&response).is_ok());
}

#[test]
fn every_changed_byte_and_every_cut_of_an_artifact_is_refused() {
    let artifact = artifact(3);
    let bytes = artifact.to_bytes().expect("bytes");
    assert!(is_artifact(&bytes));
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
