//! Signed artifacts: what a signature covers, and what is refused where a key is trusted.

mod common;

use common::{network, tiny};
use hemet_runtime::door::Model;
use hemet_runtime::schemes::Known;
use hemet_runtime::signature::{PublicKey, SigningKey, SigningKeyFile, check_own};
use hemet_runtime::{Client, Note, Passphrase, Result, RuntimeError};
use hemet_schedule::{Artifact, Manifest, Signature};
use zeroize::Zeroizing;

fn key() -> SigningKey {
    SigningKey::generate(Note::default()).unwrap()
}

/// An artifact of each scheme, and another one of the same scheme.
fn models() -> Vec<[Box<dyn Model>; 2]> {
    let ckks = |name: &str| Box::new(Artifact::new(Manifest::new(name), network(tiny(), 3)));
    let mut models: Vec<[Box<dyn Model>; 2]> = vec![[ckks("ours"), ckks("theirs")]];
    #[cfg(feature = "tfhe")]
    {
        let tfhe = |bias| Box::new(common::tfhe::artifact(bias));
        models.push([tfhe(3), tfhe(2)]);
    }
    models
}

/// What a refusal says.
fn said(result: Result<()>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn a_signed_artifact_is_taken_by_server_and_client_and_has_the_same_id() {
    for [mut model, _] in models() {
        let (signer, before) = (key(), model.spec().unwrap().facts().artifact);
        signer.sign(model.as_mut()).unwrap();
        let trusted = PublicKey::from_text(&signer.public().to_text()).unwrap();
        trusted.check_model(model.as_ref()).unwrap();
        assert_eq!(model.spec().unwrap().facts().artifact, before);
        let spec = Known::of(model.as_ref()).unwrap().to_bytes().unwrap();
        let known = Known::from_bytes(&spec).unwrap();
        let check =
            |known: &Known| trusted.check_spec(known.spec.as_ref(), known.signature.as_ref());
        check(&known).unwrap();
        check_own(known.spec.as_ref(), known.signature.as_ref().unwrap()).unwrap();
        // And what a client keeps of it in its key file.
        let (client, _) = Client::generate(known.spec).unwrap();
        let note = Note {
            signature: known.signature,
            ..Note::default()
        };
        let file = client.noted(note).unwrap().to_bytes().unwrap();
        let client = Client::from_bytes(&file).unwrap();
        let signature = client.note().signature.clone();
        check(&Known {
            spec: client.spec().clone(),
            signature,
        })
        .unwrap();
    }
}

#[test]
fn unsigned_and_wrongly_signed_ones_are_refused_with_both_key_ids() {
    for [mut ours, mut theirs] in models() {
        let (trusted, other) = (key(), key());
        let ids = [trusted.public().to_string(), other.public().to_string()];
        let check = |model: &dyn Model| trusted.public().check_model(model);
        let refusal = said(check(ours.as_ref()));
        assert!(refusal.contains(&ids[0]), "{refusal}");
        other.sign(ours.as_mut()).unwrap();
        let refusal = said(check(ours.as_ref()));
        assert!(ids.iter().all(|id| refusal.contains(id)), "{refusal}");
        // The trusted key's signature of another artifact.
        trusted.sign(theirs.as_mut()).unwrap();
        let stolen = theirs.manifest().signature.clone().unwrap();
        ours.set_signature(stolen.clone());
        let refusal = said(check(ours.as_ref()));
        assert!(refusal.contains("does not fit"), "{refusal}");
        // The other key's signature under the trusted key's name.
        other.sign(ours.as_mut()).unwrap();
        let forged = Signature {
            key: stolen.key,
            ..ours.manifest().signature.clone().unwrap()
        };
        ours.set_signature(forged);
        assert!(check(ours.as_ref()).is_err());
    }
}

#[test]
fn every_changed_digit_of_a_signature_is_refused() {
    for [mut model, _] in models() {
        let trusted = key();
        trusted.sign(model.as_mut()).unwrap();
        let signature = model.manifest().signature.clone().unwrap();
        let changed = |text: &str, at: usize| {
            let mut digits = text.as_bytes().to_vec();
            digits[at] = if digits[at] == b'0' { b'1' } else { b'0' };
            String::from_utf8(digits).unwrap()
        };
        let mut forged = Vec::new();
        for at in (0..64).step_by(5) {
            forged.push(Signature {
                key: changed(&signature.key, at),
                ..signature.clone()
            });
            forged.push(Signature {
                spec: changed(&signature.spec, at),
                ..signature.clone()
            });
        }
        for at in (0..128).step_by(5) {
            forged.push(Signature {
                signature: changed(&signature.signature, at),
                ..signature.clone()
            });
        }
        for wrong in ["", "00", "zz"] {
            forged.push(Signature {
                signature: wrong.into(),
                ..signature.clone()
            });
        }
        let public = trusted.public();
        for signature in forged {
            let refused = public.check_spec(model.spec().unwrap().as_ref(), Some(&signature));
            assert!(refused.is_err(), "{signature:?}");
            model.set_signature(signature);
            assert!(public.check_model(model.as_ref()).is_err());
        }
    }
}

#[test]
fn a_spec_that_is_not_the_signed_one_is_refused_though_the_artifact_is_named() {
    let mut model = Artifact::new(Manifest::new("ours"), network(tiny(), 3));
    let trusted = key();
    trusted.sign(&mut model).unwrap();
    let known = Known::of(&model).unwrap();
    // The same artifact's id, and a promise that the artifact does not make.
    let honest = known.spec.to_json().unwrap();
    let lying = honest.replace("\"precision_bits\":8", "\"precision_bits\":20");
    assert_ne!(honest, lying);
    let artifact = known.spec.facts().artifact;
    let scheme = hemet_runtime::schemes::door(hemet_schedule::Scheme::Ckks).unwrap();
    let spec = scheme.spec(artifact, &lying).unwrap();
    let refused = trusted
        .public()
        .check_spec(spec.as_ref(), known.signature.as_ref());
    assert!(said(refused).contains("does not fit"));
}

#[test]
fn keys_of_a_signed_artifact_go_over_to_another_one_of_the_same_signer_only() {
    for [mut ours, mut retrained] in models() {
        let (signer, other) = (key(), key());
        signer.sign(ours.as_mut()).unwrap();
        let known = Known::of(ours.as_ref()).unwrap();
        let (client, _) = Client::generate(known.spec).unwrap();
        let note = Note {
            signature: known.signature,
            ..Note::default()
        };
        let file = client.noted(note).unwrap().to_bytes().unwrap();
        let rebound = |model: &dyn Model| {
            let client = Client::from_bytes(&file).unwrap();
            client.rebound(&Known::of(model).unwrap())
        };
        let refusal = said(rebound(retrained.as_ref()).map(drop));
        assert!(refusal.contains(&signer.public().to_string()), "{refusal}");
        other.sign(retrained.as_mut()).unwrap();
        let refusal = said(rebound(retrained.as_ref()).map(drop));
        assert!(refusal.contains("another key"), "{refusal}");
        // A signature of the right signer, but of the artifact before.
        retrained.set_signature(ours.manifest().signature.clone().unwrap());
        assert!(rebound(retrained.as_ref()).is_err());
        signer.sign(retrained.as_mut()).unwrap();
        let client = rebound(retrained.as_ref()).unwrap();
        let public = signer.public();
        let signature = client.note().signature.as_ref();
        public
            .check_spec(client.spec().as_ref(), signature)
            .unwrap();
    }
}

#[test]
fn specs_of_version_1_are_still_read_and_have_no_signature() {
    for [model, _] in models() {
        let known = Known::of(model.as_ref()).unwrap();
        let file = known.to_bytes().unwrap();
        let mut old = file[..64].to_vec();
        let payload = &file[100..];
        old[6..8].copy_from_slice(&1u16.to_le_bytes());
        old[56..64].copy_from_slice(&(payload.len() as u64).to_le_bytes());
        let sum = blake3::Hasher::new()
            .update(&old)
            .update(payload)
            .finalize();
        let read = Known::from_bytes(&[&old, &sum.as_bytes()[..], payload].concat()).unwrap();
        assert_eq!(read.spec.facts(), known.spec.facts());
        assert_eq!(read.signature, None);
    }
}

#[test]
fn signing_keys_are_kept_like_client_keys_and_others_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signing.key");
    let passphrase = |text: &str| {
        let bytes = Zeroizing::new(text.as_bytes().to_vec());
        Passphrase::new(bytes).unwrap()
    };
    let signer = key();
    for given in [None, Some(passphrase("correct horse"))] {
        signer.save(&path, given.as_ref()).unwrap();
        let file = SigningKeyFile::read(&path).unwrap();
        assert_eq!(file.is_locked(), given.is_some());
        assert_eq!(file.open(given.as_ref()).unwrap().public(), signer.public());
    }
    let file = SigningKeyFile::read(&path).unwrap();
    let wrong = file.open(Some(&passphrase("correct house"))).map(drop);
    assert!(matches!(wrong, Err(RuntimeError::WrongPassphrase)));
    let missing = file.open(None).map(drop);
    assert!(matches!(missing, Err(RuntimeError::Locked { .. })));
    let bytes = std::fs::read(&path).unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        for bytes in [&changed[..], &bytes[..at]] {
            std::fs::write(&path, bytes).unwrap();
            assert!(SigningKeyFile::read(&path).is_err(), "byte {at}");
        }
    }
    let digits = signer.public().to_text();
    for text in [
        "",
        "hemet-public-key 1 ",
        &digits[..40],
        "hemet-public-key 2 00",
    ] {
        assert!(PublicKey::from_text(text).is_err(), "{text}");
    }
    let weak = format!("hemet-public-key 1 01{}\n", "00".repeat(31));
    assert!(
        PublicKey::from_text(&weak).is_err(),
        "a point of small order"
    );
}
