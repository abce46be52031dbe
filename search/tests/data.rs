//! Datasets: counts, shapes, splits, and damaged files refused by name.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::{Compression, write::GzEncoder};
use hemet_search::data::{self, Dataset};
use hemet_search::{Error, Seed};
use hemet_spaces::Shape;

#[test]
fn optdigits_has_its_published_counts_and_range() {
    let digits = data::load("optdigits", None).expect("embedded");
    assert_eq!((digits.train.len(), digits.test.len()), (3823, 1797));
    for part in [&digits.train, &digits.test] {
        assert_eq!(part.shape, Shape::new(1, 8, 8));
        assert_eq!(part.classes, 10);
        let numbers: Vec<String> = (0..10).map(|class| class.to_string()).collect();
        assert_eq!(part.class_names, numbers);
        assert_eq!(part.images.len(), part.len() * 64);
        assert!(part.images.iter().all(|p| (0.0..=1.0).contains(p)));
        let greatest = part.images.iter().fold(0.0f32, |m, p| m.max(*p));
        assert_eq!(greatest, 1.0);
    }
    assert_eq!(nearest_neighbor(&digits.train, &digits.test), 1761);
}

/// How many of `test`'s images have the label of their nearest neighbor in `train`: 98.00 % on optdigits, as
/// published with the data; a loader that mixes up pixels or labels does not reach it.
fn nearest_neighbor(train: &Dataset, test: &Dataset) -> usize {
    let distance =
        |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum() };
    (0..test.len())
        .filter(|i| {
            let nearest = (0..train.len()).min_by(|a, b| {
                let to = |j: usize| distance(test.image(*i), train.image(j));
                to(*a).total_cmp(&to(*b))
            });
            nearest.map(|j| train.labels[j]) == Some(test.labels[*i])
        })
        .count()
}

#[test]
fn a_published_set_names_all_of_its_classes_or_none() {
    for source in data::sources() {
        let (names, known) = (source.class_names(), source.shape_and_classes());
        let classes = known.map_or(0, |(_, classes)| classes);
        assert!(
            names.is_empty() || names.len() == classes,
            "{} names {} of {classes} classes",
            source.name(),
            names.len()
        );
        let distinct: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len(), "{}", source.name());
    }
}

#[test]
fn a_split_is_disjoint_complete_and_keeps_the_shares_of_classes() {
    let digits = data::load("optdigits", None).expect("embedded").train;
    let (training, validation) = digits.split(0.2, Seed::new(3)).expect("sound fraction");
    assert_eq!(training.len() + validation.len(), digits.len());
    for class in 0..10u8 {
        let count = |d: &Dataset| d.labels.iter().filter(|l| **l == class).count();
        let share = count(&validation) as f64 / count(&digits) as f64;
        assert!((share - 0.2).abs() < 0.002, "class {class}: {share}");
    }
    let again = digits.split(0.2, Seed::new(3)).expect("sound fraction");
    assert_eq!(again, (training, validation.clone()));
    let other = digits.split(0.2, Seed::new(4)).expect("sound fraction").1;
    assert_ne!(other, validation);
}

#[test]
fn impossible_splits_are_refused() {
    let digits = data::load("optdigits", None).expect("embedded").train;
    for fraction in [0.0, 1.0, -0.5, f64::NAN, 1e-9] {
        let error = digits.split(fraction, Seed::new(0)).expect_err("refused");
        assert!(error.to_string().contains("validation_fraction"), "{error}");
    }
}

#[test]
fn an_unknown_name_is_answered_with_the_known_ones() {
    let error = data::load("digits", None).expect_err("unknown").to_string();
    assert!(
        error.contains("`digits`")
            && error.contains("optdigits, synthetic_digits, mnist, fashion_mnist"),
        "{error}"
    );
}

#[test]
fn sources_state_their_shape_and_whether_they_need_a_folder() {
    for source in data::sources() {
        assert!(!source.about().is_empty());
        if source.needs_folder() {
            let error = source.load(None).expect_err("no folder").to_string();
            assert!(
                error.contains(source.name()) && error.contains("it needs"),
                "{error}"
            );
        } else {
            let loaded = source.load(None).expect("embedded");
            let found = (loaded.train.shape, loaded.train.classes);
            assert_eq!(source.shape_and_classes(), Some(found));
        }
    }
}

fn write_idx(path: &Path, axes: &[u32], gz: bool) {
    let mut content = vec![0, 0, 8, axes.len() as u8];
    axes.iter().for_each(|a| content.extend(a.to_be_bytes()));
    content.resize(content.len() + axes.iter().product::<u32>() as usize, 1);
    if gz {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&content).expect("memory");
        content = encoder.finish().expect("memory");
    }
    fs::write(path, content).expect("temporary folder");
}

#[test]
fn a_missing_file_is_named() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let error = data::load("mnist", Some(folder.path())).expect_err("empty");
    assert!(matches!(error, Error::Io { .. }));
    assert!(
        error.to_string().contains("train-images-idx3-ubyte"),
        "{error}"
    );
}

#[test]
fn a_well_formed_file_with_other_content_fails_its_checksum_and_says_both_sums() {
    for (gz, name) in [
        (true, "train-images-idx3-ubyte.gz"),
        (false, "train-images-idx3-ubyte"),
    ] {
        let folder = tempfile::tempdir().expect("temporary folder");
        write_idx(&folder.path().join(name), &[2, 28, 28], gz);
        let error = data::load("mnist", Some(folder.path()))
            .expect_err("foreign")
            .to_string();
        let expected = "c6e6fd8c67d07c8a9b7bffa7dd0413ff4b8af241607b049b7721107f379df9fd";
        assert!(error.contains(name) && error.contains(expected), "{error}");
        assert!(error.contains("https://"), "{error}");
    }
}

#[test]
fn a_truncated_file_is_named_with_both_sizes() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let inner = folder.path().join("fashion-mnist");
    fs::create_dir(&inner).expect("temporary folder");
    let path = inner.join("train-images-idx3-ubyte");
    write_idx(&path, &[2, 28, 28], false);
    let content = fs::read(&path).expect("just written");
    fs::write(&path, &content[..content.len() - 68]).expect("temporary folder");
    let error = data::load("fashion_mnist", Some(folder.path()))
        .expect_err("truncated")
        .to_string();
    assert!(error.contains("1568 data bytes, 1500 found"), "{error}");
    assert!(error.contains("fashion-mnist"), "{error}");
}

#[test]
fn drawn_digits_are_the_same_every_time_and_tell_their_classes() {
    let drawn = data::load("synthetic_digits", None).expect("embedded");
    assert_eq!((drawn.train.len(), drawn.test.len()), (3000, 1000));
    assert_eq!(
        drawn,
        data::load("synthetic_digits", None).expect("embedded")
    );
    for part in [&drawn.train, &drawn.test] {
        assert_eq!((part.shape, part.classes), (Shape::new(1, 8, 8), 10));
        assert!(part.images.iter().all(|p| (0.0..=1.0).contains(p)));
        let inked = |index: usize| part.image(index).iter().sum::<f32>();
        assert!((0..part.len()).all(|index| inked(index) > 3.0));
        let of_each = (0..10).map(|class| part.labels.iter().filter(|l| **l == class).count());
        assert!(of_each.eq([part.len() / 10; 10]));
    }
    // Nineteen in twenty look most like another drawing of their own class.
    let right = nearest_neighbor(&drawn.train, &drawn.test);
    assert!(right >= 950, "{right} of 1000");
}

#[test]
fn few_labels_are_so_many_of_each_class_and_too_many_are_refused() {
    let digits = data::load("optdigits", None).expect("embedded").train;
    let (few, others) = digits.few(10, Seed::new(3)).expect("enough");
    assert_eq!((few.len(), others.len()), (100, digits.len() - 100));
    for class in 0..10 {
        assert_eq!(few.labels.iter().filter(|l| **l == class).count(), 10);
    }
    assert_eq!(few, digits.few(10, Seed::new(3)).expect("enough").0);
    assert_ne!(few, digits.few(10, Seed::new(4)).expect("enough").0);
    for labels in [0, 400] {
        let error = digits
            .few(labels, Seed::new(3))
            .expect_err("refused")
            .to_string();
        assert!(
            error.contains(&labels.to_string()) && error.contains("class"),
            "{error}"
        );
    }
}

#[test]
fn sets_of_other_images_or_classes_do_not_follow_each_other() {
    let digits = data::load("optdigits", None).expect("embedded").test;
    let drawn = data::load("synthetic_digits", None).expect("embedded").test;
    let both = digits.clone().followed_by(&drawn).expect("alike");
    assert_eq!(both.len(), digits.len() + drawn.len());
    let wide = Dataset {
        shape: Shape::new(1, 4, 16),
        ..drawn.clone()
    };
    let mut names = drawn.class_names.clone();
    names[3] = "three".into();
    let named = Dataset {
        class_names: names,
        ..drawn.clone()
    };
    let fewer = Dataset {
        classes: 9,
        class_names: drawn.class_names[..9].to_vec(),
        ..drawn.clone()
    };
    for (other, parts) in [
        (wide, ["1x8x8", "1x4x16"]),
        (named, ["class 3 (`3`)", "class 3 (`three`)"]),
        (fewer, ["class 9 (`9`)", "class 9 (`nothing`)"]),
    ] {
        let error = digits
            .clone()
            .followed_by(&other)
            .expect_err("refused")
            .to_string();
        for part in parts {
            assert!(error.contains(part), "{error}");
        }
    }
}
