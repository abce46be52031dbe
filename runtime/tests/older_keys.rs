//! Evaluation keys of version 1 name one artifact: they are read for that one, and for no other.

mod common;

use common::{PERIOD, network, tiny, trained};
use hemet_runtime::door::Model;
use hemet_runtime::{Client, RuntimeError, Server, keep_keys, unobserved};
use hemet_schedule::{Artifact, Manifest};

/// Bytes of an envelope, and of what lies before kept keys.
const ENVELOPE: usize = 96;
const KEPT_AT: usize = 4096;

/// An envelope as it was in version 1: the artifact's id stands where the binding does now.
fn older(envelope: &[u8], model: &dyn Model, payload: &[u8]) -> Vec<u8> {
    let mut bytes = envelope[..64].to_vec();
    bytes[6..8].copy_from_slice(&1u16.to_le_bytes());
    let artifact = model.spec().unwrap().facts().artifact.to_string();
    for (at, digits) in artifact.as_bytes().chunks(2).enumerate() {
        let digits = std::str::from_utf8(digits).unwrap();
        bytes[8 + at] = u8::from_str_radix(digits, 16).unwrap();
    }
    let mut hasher = blake3::Hasher::new();
    let sum = *hasher.update(&bytes).update(payload).finalize().as_bytes();
    [&bytes, &sum[..]].concat()
}

fn models() -> Vec<[Box<dyn Model>; 2]> {
    let ckks = |schedule| Box::new(Artifact::new(Manifest::new("ours"), schedule));
    let of = [
        ckks(network(tiny(), 3)),
        ckks(trained(tiny(), 3, [4, 5, 6])),
    ];
    let mut models: Vec<[Box<dyn Model>; 2]> = vec![of.map(|model| model as Box<dyn Model>)];
    #[cfg(feature = "tfhe")]
    {
        let tfhe = |bias| Box::new(common::tfhe::artifact(bias)) as Box<dyn Model>;
        models.push([tfhe(3), tfhe(2)]);
    }
    models
}

#[test]
fn they_serve_their_artifact_as_sent_and_as_kept_and_no_other() {
    for [model, retrained] in models() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        let spec = model.spec().unwrap();
        let (client, file) = Client::generate(spec.clone()).unwrap();
        let payload = &file[ENVELOPE..];
        let sent = [older(&file, model.as_ref(), payload), payload.to_vec()].concat();

        // As an older server kept them.
        keep_keys(spec.as_ref(), &file, &path).unwrap();
        let kept = std::fs::read(&path).unwrap();
        let mut head = older(&kept, model.as_ref(), &[]);
        head.resize(KEPT_AT, 0);
        spec.keep(payload, &path, &head).unwrap();

        let numbers = spec.facts().shape.map(|n| n as usize);
        let input = vec![0.5; numbers.iter().product()];
        assert!(input.len() <= PERIOD);
        let request = client.encrypt(&input).unwrap();
        let (ours, other) = (Server::new(model).unwrap(), Server::new(retrained).unwrap());
        for keys in [ours.keys(&sent), ours.kept_keys(&path)] {
            let answer = ours.answer(&keys.unwrap(), &request, &mut unobserved);
            client.decrypt(&answer.unwrap()).unwrap();
        }
        for refused in [other.keys(&sent), other.kept_keys(&path)] {
            let error = refused.map(drop).unwrap_err();
            assert!(
                matches!(error, RuntimeError::ForeignArtifact { .. }),
                "{error}"
            );
        }
        assert!(
            ours.check_key_start(&sent[..ENVELOPE], sent.len() as u64)
                .is_ok()
        );
        assert!(
            other
                .check_key_start(&sent[..ENVELOPE], sent.len() as u64)
                .is_err()
        );
        // A server keeps them for all artifacts that need them: it has seen what they are.
        keep_keys(spec.as_ref(), &sent, &path).unwrap();
        assert!(other.kept_keys(&path).is_ok());
    }
}
