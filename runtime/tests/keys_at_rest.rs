//! Keys on a client's disk: under a passphrase or not, with a note, and those of older programs.

mod common;

use common::{PERIOD, network, numbers, tiny};
use hemet_runtime::door::Model;
use hemet_runtime::{Client, KeyFile, Note, Passphrase, RuntimeError, Server, unobserved};
use hemet_schedule::{Artifact, Manifest};
use zeroize::Zeroizing;

/// An artifact of each scheme, with an input for it.
fn models() -> Vec<(Box<dyn Model>, Vec<f64>)> {
    let ckks = Artifact::new(Manifest::new("ours"), network(tiny(), 3));
    let mut models: Vec<(Box<dyn Model>, Vec<f64>)> = vec![(Box::new(ckks), numbers(PERIOD, 5))];
    #[cfg(feature = "tfhe")]
    models.push((Box::new(common::tfhe::artifact(3)), vec![1.0, 0.34]));
    models
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(Zeroizing::new(text.as_bytes().to_vec())).unwrap()
}

fn note() -> Note {
    Note {
        label: "laptop".into(),
        network: "ours".into(),
        created_s: Some(1_700_000_000),
        expires_s: Some(1_800_000_000),
        signature: None,
    }
}

/// The file of a client key as version 1 wrote it: the secret half alone.
fn version_1(file: &[u8]) -> Vec<u8> {
    let note = u32::from_le_bytes(file[96..100].try_into().unwrap()) as usize;
    let payload = &file[100 + note..];
    let mut bytes = file[..64].to_vec();
    bytes[6..8].copy_from_slice(&1u16.to_le_bytes());
    bytes[56..64].copy_from_slice(&(payload.len() as u64).to_le_bytes());
    let sum = blake3::Hasher::new()
        .update(&bytes)
        .update(payload)
        .finalize();
    [&bytes, &sum.as_bytes()[..], payload].concat()
}

#[test]
fn a_key_under_a_passphrase_decrypts_with_it_and_with_no_other() {
    for (model, input) in models() {
        let (client, keys) = Client::generate(model.spec().unwrap()).unwrap();
        let client = client.noted(note()).unwrap();
        let server = Server::new(model).unwrap();
        let keys = server.keys(&keys).unwrap();
        let request = client.encrypt(&input).unwrap();
        let response = server.answer(&keys, &request, &mut unobserved).unwrap();
        let right = passphrase("correct horse");
        let file = client.to_locked_bytes(Some(&right)).unwrap();
        let read = KeyFile::from_bytes(&file).unwrap();
        assert!(read.is_locked() && read.note() == &note());
        assert_eq!(read.artifact(), server.facts().artifact);
        let opened = read.open(Some(&right)).unwrap();
        assert_eq!(opened.note(), &note());
        let wanted = client.decrypt_for(&request, &response, 1).unwrap();
        assert_eq!(opened.decrypt_for(&request, &response, 1).unwrap(), wanted);
        let wrong = read.open(Some(&passphrase("correct house")));
        assert!(matches!(wrong, Err(RuntimeError::WrongPassphrase)));
        let none = Client::from_bytes(&file).map(drop);
        assert!(matches!(none, Err(RuntimeError::Locked { .. })));
    }
}

#[test]
fn nothing_of_a_secret_key_stands_in_its_locked_file() {
    for (model, _) in models() {
        let (client, _) = Client::generate(model.spec().unwrap()).unwrap();
        let clear = client.to_bytes().unwrap();
        let locked = client.to_locked_bytes(Some(&passphrase("correct horse")));
        let locked = locked.unwrap();
        let note = u32::from_le_bytes(clear[96..100].try_into().unwrap()) as usize;
        // Behind what the client knows of the artifact, which is no secret.
        let payload = &clear[100 + note..];
        let known = u64::from_le_bytes(payload[..8].try_into().unwrap()) as usize;
        let secret = &payload[8 + known..];
        assert!(secret.len() > 100);
        for part in secret.chunks_exact(16) {
            assert!(!locked.windows(16).any(|bytes| bytes == part));
        }
    }
}

#[test]
fn a_locked_secret_in_the_file_of_other_keys_is_refused() {
    for (model, _) in models() {
        let spec = model.spec().unwrap();
        let right = passphrase("correct horse");
        let file = |passphrase| {
            let (client, _) = Client::generate(spec.clone()).unwrap();
            client.to_locked_bytes(passphrase).unwrap().to_vec()
        };
        let (ours, theirs) = (file(Some(&right)), file(Some(&right)));
        // The key set's id of one beside the secret of another, under a sum that fits.
        let mut mixed = ours;
        mixed[40..56].copy_from_slice(&theirs[40..56]);
        let mut hasher = blake3::Hasher::new();
        let sum = hasher.update(&mixed[..64]).update(&mixed[96..]).finalize();
        mixed[64..96].copy_from_slice(sum.as_bytes());
        let opened = KeyFile::from_bytes(&mixed).unwrap().open(Some(&right));
        assert!(matches!(opened, Err(RuntimeError::WrongPassphrase)));
    }
}

#[test]
fn key_files_of_version_1_are_still_read() {
    for (model, input) in models() {
        let (client, _) = Client::generate(model.spec().unwrap()).unwrap();
        let old = version_1(&client.to_bytes().unwrap());
        let file = KeyFile::from_bytes(&old).unwrap();
        assert!(!file.is_locked());
        assert_eq!(file.note(), &Note::default());
        let read = file.open(None).unwrap();
        assert_eq!(read.facts(), client.facts());
        read.encrypt(&input).unwrap();
        let again = KeyFile::from_bytes(&read.to_bytes().unwrap()).unwrap();
        assert_eq!(again.key_set(), file.key_set());
    }
}

#[test]
fn a_key_file_is_read_whole_and_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    for (model, _) in models() {
        let path = folder.path().join("client.key");
        let (client, _) = Client::generate(model.spec().unwrap()).unwrap();
        client.save(&path, None).unwrap();
        assert_eq!(Client::load(&path).unwrap().facts(), client.facts());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0);
        }
        let mut longer = std::fs::read(&path).unwrap();
        longer.push(0);
        std::fs::write(&path, &longer).unwrap();
        let said = Client::load(&path).map(drop).unwrap_err().to_string();
        assert!(said.contains(&longer.len().to_string()), "{said}");
    }
}
