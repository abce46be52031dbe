//! The artifact file: it comes back, keeps its id, and every kind of damage is refused by name.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "any other error fails the test"
)]

mod common;

use hemet_files::sealed::Damage;
use hemet_schedule::artifact::{Artifact, Limits, Manifest};
use hemet_schedule::{Constant, Error, FileError, verify};

fn artifact() -> Artifact {
    let manifest = Manifest {
        dataset: Some("digits".into()),
        classes: (0..10).map(|d| d.to_string()).collect(),
        architecture: Some("conv3x16 fire8 head".into()),
        normalization: "pixel / 16".into(),
        predicted_latency_ms: Some(12.345),
        cost_machine: Some("a machine".into()),
        ..Manifest::new("test")
    };
    let mut artifact = Artifact::new(manifest, verify(common::all_ops()).unwrap());
    artifact
        .extra
        .insert("notes.txt".into(), b"hello".repeat(100));
    artifact
}

#[test]
fn an_artifact_comes_back_from_bytes_and_from_a_file() {
    let artifact = artifact();
    let bytes = artifact.to_bytes().unwrap();
    assert_eq!(Artifact::from_bytes(&bytes).unwrap(), artifact);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.hemet");
    artifact.write_to(&path).unwrap();
    artifact.write_to(&path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    assert_eq!(Artifact::read(&path).unwrap().id(), artifact.id());
    let files = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(files, 1, "nothing is left aside");
}

#[test]
fn the_id_changes_with_the_content_and_not_with_the_prediction() {
    let artifact = artifact();
    let id = artifact.id();
    assert_eq!(id.len(), 64);
    let mut other = artifact.clone();
    other.manifest.predicted_latency_ms = None;
    other.manifest.cost_machine = Some("another".into());
    assert_eq!(other.id(), id);
    let mut other = artifact.clone();
    other.manifest.classes.pop();
    assert_ne!(other.id(), id);
    let mut schedule = artifact.schedule.clone().into_schedule();
    match &mut schedule.constants.entries[1].1 {
        Constant::Vector(values) => values[0] += 1e-15,
        Constant::Diagonals { .. } | Constant::Placed(_) => panic!("a bias is a vector"),
    }
    let other = Artifact::new(artifact.manifest.clone(), verify(schedule).unwrap());
    assert_ne!(
        other.id(),
        Artifact::new(artifact.manifest, artifact.schedule).id()
    );
}

#[test]
fn values_come_back_to_the_last_bit_narrow_or_wide() {
    let mut schedule = common::all_ops();
    for values in [
        vec![0.1, 1.0],
        vec![0.5, -0.0],
        vec![5e-324, 1e-40],
        vec![0.5, -3.0],
        vec![127.0, -0.25],
        vec![8_388_607.0, -1.0],
        vec![0.0, 0.0],
    ] {
        schedule.constants.entries[1].1 = Constant::Vector(values.clone());
        let artifact = Artifact::new(Manifest::default(), verify(schedule.clone()).unwrap());
        let back = Artifact::from_bytes(&artifact.to_bytes().unwrap()).unwrap();
        let bits = |v: &[f64]| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(
            bits(back.schedule.constants.entries[1].1.values()),
            bits(&values)
        );
    }
}

#[test]
fn every_truncation_and_every_changed_bit_is_refused() {
    let bytes = artifact().to_bytes().unwrap();
    for length in 0..bytes.len() {
        assert!(Artifact::from_bytes(&bytes[..length]).is_err(), "{length}");
    }
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(Artifact::from_bytes(&changed).is_err(), "byte {at}");
    }
    let longer = [bytes.as_slice(), b"x"].concat();
    let error = Artifact::from_bytes(&longer).unwrap_err();
    assert!(error.to_string().contains("the end of the file"), "{error}");
}

fn damage(error: &Error) -> &Damage {
    match error {
        Error::File(FileError::Damaged(damage)) => damage,
        other => panic!("{other}"),
    }
}

#[test]
fn errors_name_what_is_wrong() {
    let bytes = artifact().to_bytes().unwrap();
    let mut newer = bytes.clone();
    newer[8] = 9;
    assert!(matches!(
        Artifact::from_bytes(&newer),
        Err(Error::File(FileError::Damaged(Damage::Version {
            found: 9,
            newest: 3,
            ..
        })))
    ));
    assert!(matches!(
        Artifact::from_bytes(b"PK\x03\x04"),
        Err(Error::File(FileError::Damaged(Damage::Mark {
            bytes: 4,
            ..
        })))
    ));
    let mut last = bytes.clone();
    *last.last_mut().unwrap() ^= 1;
    let error = Artifact::from_bytes(&last).unwrap_err();
    assert!(
        matches!(damage(&error), Damage::Checksum { part, .. } if part == "extra/notes.txt"),
        "{error}"
    );
    let error = Artifact::from_bytes(&bytes[..bytes.len() - 1]).unwrap_err();
    assert!(
        matches!(damage(&error), Damage::Length { part, .. } if part == "extra/notes.txt"),
        "{error}"
    );
    let error = Artifact::read("no/such/file.hemet").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("cannot read `no/such/file.hemet`"),
        "{error}"
    );
    let error = artifact()
        .write_to("no/such/folder/file.hemet")
        .unwrap_err();
    assert!(matches!(error, Error::Write(_)), "{error}");
}

#[test]
fn parts_above_the_limits_are_refused_before_they_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.hemet");
    artifact().write_to(&path).unwrap();
    let limits = Limits::default();
    for (limits, wanted) in [
        (Limits { head: 10, ..limits }, "head"),
        (
            Limits {
                schedule: 10,
                ..limits
            },
            "schedule",
        ),
        (
            Limits {
                constants: 10,
                ..limits
            },
            "constants",
        ),
        (
            Limits {
                extra: 10,
                ..limits
            },
            "extra/notes.txt",
        ),
    ] {
        let error = Artifact::read_limited(&path, &limits).unwrap_err();
        assert!(
            matches!(damage(&error), Damage::TooLarge { part, limit: 10, .. } if part == wanted),
            "{error}"
        );
    }
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    let mut bad = artifact();
    bad.extra.insert("a b".into(), vec![]);
    assert!(bad.to_bytes().is_err());
    let mut bad = artifact();
    bad.manifest.predicted_latency_ms = Some(f64::NAN);
    assert!(bad.to_bytes().is_err());
}
