//! A user's own images: read from PNG folders, IDX and NPZ files alike, and refused by name where damaged.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::write::{DeflateEncoder, GzEncoder};
use flate2::{Compression, Crc};
use hemet_search::Seed;
use hemet_search::data::{self, TrainTest};
use hemet_spaces::Shape;

/// Pixel values of image `index`, of `[channels][2][3]`.
fn pixels(index: usize, channels: usize) -> Vec<u8> {
    (0..channels * 6)
        .map(|i| (index * 31 + i * 7) as u8)
        .collect()
}

/// `[channels][pixels]` to `[pixels][channels]`.
fn channels_last(planar: &[u8], channels: usize) -> Vec<u8> {
    let pixels = planar.len() / channels;
    let value = |i: usize| planar[i % channels * pixels + i / channels];
    (0..planar.len()).map(value).collect()
}

fn write_png(path: &Path, planar: &[u8], channels: usize) {
    let file = fs::File::create(path).expect("temporary folder");
    let mut encoder = png::Encoder::new(file, 3, 2);
    encoder.set_color(match channels {
        1 => png::ColorType::Grayscale,
        _ => png::ColorType::Rgb,
    });
    let mut writer = encoder.write_header().expect("sound");
    let data = channels_last(planar, channels);
    writer.write_image_data(&data).expect("sound");
}

fn write_idx(path: &Path, axes: &[u32], data: &[u8]) {
    let mut content = vec![0, 0, 8, axes.len() as u8];
    axes.iter().for_each(|a| content.extend(a.to_be_bytes()));
    content.extend(data);
    fs::write(path, content).expect("temporary folder");
}

fn npy(kind: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(data);
    file
}

/// A zip with deflated entries, every other one stored.
fn zip(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (number, (name, data)) in entries.iter().enumerate() {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(data).expect("memory");
        let (method, packed) = match number % 2 {
            0 => (8u16, encoder.finish().expect("memory")),
            _ => (0, data.clone()),
        };
        let mut crc = Crc::new();
        crc.update(data);
        let mut common = vec![20, 0, 0, 0];
        common.extend(method.to_le_bytes());
        common.extend([0; 4]);
        common.extend(crc.sum().to_le_bytes());
        common.extend((packed.len() as u32).to_le_bytes());
        common.extend((data.len() as u32).to_le_bytes());
        common.extend((name.len() as u16 + 4).to_le_bytes());
        common.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend((file.len() as u32).to_le_bytes());
        directory.extend(format!("{name}.npy").as_bytes());
        file.extend(b"PK\x03\x04");
        file.extend(common);
        file.extend(format!("{name}.npy").as_bytes());
        file.extend(packed);
    }
    let start = file.len() as u32;
    let count = (entries.len() as u16).to_le_bytes();
    file.extend(&directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend([count, count].concat());
    file.extend((directory.len() as u32).to_le_bytes());
    file.extend(start.to_le_bytes());
    file.extend([0, 0]);
    file
}

/// Eight images in two classes for training, four for the test, as an NPZ with labels of 64 bits.
fn sound_npz(channels: usize) -> Vec<u8> {
    let images = |from: usize, to: usize| -> Vec<u8> {
        let image = |i| channels_last(&pixels(i, channels), channels);
        (from..to).flat_map(image).collect()
    };
    let labels = |n: u64| -> Vec<u8> { (0..n).flat_map(|i| (i % 2).to_le_bytes()).collect() };
    zip(&[
        (
            "x_train",
            npy("|u1", &format!("8, 2, 3, {channels}"), &images(0, 8)),
        ),
        ("y_train", npy("<i8", "8,", &labels(8))),
        (
            "x_test",
            npy("|u1", &format!("4, 2, 3, {channels}"), &images(8, 12)),
        ),
        ("y_test", npy("<i8", "4, 1", &labels(4))),
    ])
}

fn check(set: &TrainTest, channels: usize) {
    assert_eq!(set.train.shape, Shape::new(channels, 2, 3));
    assert_eq!(
        (set.train.classes, set.train.len(), set.test.len()),
        (2, 8, 4)
    );
    for (index, part, place) in [(0, &set.train, 0), (7, &set.train, 7), (9, &set.test, 1)] {
        let expected: Vec<f32> = pixels(index, channels)
            .iter()
            .map(|p| f32::from(*p) / 255.0)
            .collect();
        assert_eq!(part.image(place), expected, "image {index}");
        assert_eq!(usize::from(part.labels[place]), index % 2);
    }
}

#[test]
fn npz_and_idx_files_of_the_same_images_read_the_same() {
    for channels in [1, 3] {
        let folder = tempfile::tempdir().expect("temporary folder");
        let file = folder.path().join("own.npz");
        fs::write(&file, sound_npz(channels)).expect("temporary folder");
        check(&data::load("npz", Some(&file)).expect("sound"), channels);
        check(
            &data::load("npz", Some(folder.path())).expect("sound"),
            channels,
        );
        for (part, from, to) in [("train", 0, 8), ("t10k", 8, 12)] {
            let images: Vec<u8> = (from..to).flat_map(|i| pixels(i, channels)).collect();
            let labels: Vec<u8> = (from..to).map(|i| (i % 2) as u8).collect();
            let count = labels.len() as u32;
            let (rank, axes) = match channels {
                1 => (3, vec![count, 2, 3]),
                _ => (4, vec![count, channels as u32, 2, 3]),
            };
            let name = |kind: &str, rank: usize| {
                folder.path().join(format!("{part}-{kind}-idx{rank}-ubyte"))
            };
            write_idx(&name("images", rank), &axes, &images);
            write_idx(&name("labels", 1), &[count], &labels);
        }
        check(
            &data::load("idx", Some(folder.path())).expect("sound"),
            channels,
        );
    }
}

#[test]
fn validation_arrays_of_an_npz_validate_and_none_of_them_is_trained_on() {
    let images = |from: usize, to: usize| -> Vec<u8> {
        (from..to)
            .flat_map(|i| channels_last(&pixels(i, 1), 1))
            .collect()
    };
    let labels = |n: u64| -> Vec<u8> { (0..n).flat_map(|i| (i % 2).to_le_bytes()).collect() };
    for names in [
        [
            "train_images",
            "train_labels",
            "test_images",
            "test_labels",
            "val_images",
            "val_labels",
        ],
        ["x_train", "y_train", "x_test", "y_test", "x_val", "y_val"],
    ] {
        let folder = tempfile::tempdir().expect("temporary folder");
        let file = folder.path().join("own.npz");
        let arrays = [
            (names[0], npy("|u1", "8, 2, 3", &images(0, 8))),
            (names[1], npy("<i8", "8,", &labels(8))),
            (names[2], npy("|u1", "4, 2, 3", &images(8, 12))),
            (names[3], npy("<i8", "4,", &labels(4))),
            (names[4], npy("|u1", "2, 2, 3", &images(12, 14))),
            (names[5], npy("<i8", "2,", &labels(2))),
        ];
        fs::write(&file, zip(&arrays)).expect("temporary folder");
        let set = data::load("npz", Some(&file)).expect("sound").train;
        assert_eq!((set.len(), set.held_out), (10, 2));
        let (training, validation) = set.split(0.5, Seed::new(1)).expect("sound");
        assert_eq!((training.len(), validation.len()), (8, 2));
        assert_eq!(validation.image(0), set.image(8));
    }
}

#[test]
fn a_flipped_byte_anywhere_in_an_npz_is_refused_or_changes_nothing() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("own.npz");
    let sound = sound_npz(1);
    fs::write(&file, &sound).expect("temporary folder");
    let expected = data::load("npz", Some(&file)).expect("sound");
    for position in 0..sound.len() {
        let mut damaged = sound.clone();
        damaged[position] ^= 0x55;
        fs::write(&file, damaged).expect("temporary folder");
        match data::load("npz", Some(&file)) {
            // Dates, versions and the copies of sizes before the data are not read.
            Ok(set) => assert_eq!(set, expected, "byte {position}"),
            Err(error) => assert!(
                error.to_string().contains("own.npz"),
                "byte {position}: {error}"
            ),
        }
        fs::write(&file, &sound[..position]).expect("temporary folder");
        assert!(data::load("npz", Some(&file)).is_err(), "cut at {position}");
    }
}

fn class_folders(root: &Path, images: usize) {
    for (class, name) in ["cat", "dog"].iter().enumerate() {
        let folder = root.join(name);
        fs::create_dir_all(&folder).expect("temporary folder");
        for index in 0..images {
            let path = folder.join(format!("{index}.png"));
            write_png(&path, &pixels(2 * index + class, 3), 3);
        }
    }
}

#[test]
fn an_image_folder_gives_classes_by_name_and_a_split_that_depends_on_names_alone() {
    let folder = tempfile::tempdir().expect("temporary folder");
    class_folders(folder.path(), 10);
    let set = data::load("image_folder", Some(folder.path())).expect("sound");
    assert_eq!((set.train.len(), set.test.len()), (16, 4));
    assert_eq!(set.test.labels, [0, 0, 1, 1]);
    for part in [&set.train, &set.test, &set.train.select(&[0])] {
        assert_eq!(part.class_names, ["cat", "dog"]);
    }
    assert_eq!(
        set,
        data::load("image_folder", Some(folder.path())).expect("sound")
    );
    let mut all: Vec<Vec<u8>> = [&set.train, &set.test]
        .iter()
        .flat_map(|part| {
            (0..part.len()).map(|i| {
                part.image(i)
                    .iter()
                    .map(|p| (p * 255.0).round() as u8)
                    .collect()
            })
        })
        .collect();
    let mut expected: Vec<Vec<u8>> = (0..20).map(|i| pixels(i, 3)).collect();
    all.sort();
    expected.sort();
    assert_eq!(all, expected);
    let given = tempfile::tempdir().expect("temporary folder");
    class_folders(&given.path().join("train"), 3);
    class_folders(&given.path().join("test"), 2);
    let set = data::load("image_folder", Some(given.path())).expect("sound");
    assert_eq!((set.train.len(), set.test.len()), (6, 4));
}

#[test]
fn images_that_are_damaged_of_another_size_or_no_picture_are_named() {
    let other_size = |path: &Path| write_png(path, &pixels(0, 1), 1);
    let damaged = |path: &Path| {
        let mut content = fs::read(path).expect("written");
        let middle = content.len() / 2;
        content[middle] ^= 0x55;
        fs::write(path, content).expect("written");
    };
    let text = |path: &Path| fs::write(path, "hello").expect("written");
    type Spoil<'a> = &'a dyn Fn(&Path);
    let cases: [(Spoil<'_>, &str); 3] = [
        (&other_size, "bring all to one size"),
        (&damaged, "no readable PNG"),
        (&text, "no picture by its first bytes"),
    ];
    for (spoil, message) in cases {
        let folder = tempfile::tempdir().expect("temporary folder");
        class_folders(folder.path(), 3);
        spoil(&folder.path().join("dog/1.png"));
        let error = data::load("image_folder", Some(folder.path()))
            .expect_err("refused")
            .to_string();
        assert!(
            error.contains("1.png") && error.contains(message),
            "{error}"
        );
    }
    let empty = tempfile::tempdir().expect("temporary folder");
    let error = data::load("image_folder", Some(empty.path()))
        .expect_err("refused")
        .to_string();
    assert!(error.contains("0 folders of classes"), "{error}");
}

/// 24 columns and 18 rows, grays `8x + 2y`; baseline.
const GRAY: &[u8] = include_bytes!("pictures/gray.jpg");
/// As large, red `8x`, green `10y`, blue `200 - 6x`; progressive, with colors at half the resolution.
const COLORS: &[u8] = include_bytes!("pictures/colors_progressive.jpg");
const CMYK: &[u8] = include_bytes!("pictures/cmyk.jpg");

/// A folder of two classes, one image in the test part each and `content` in all places.
fn jpeg_folder(content: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("temporary folder");
    for name in ["cat", "dog"] {
        let class = folder.path().join(name);
        fs::create_dir_all(&class).expect("temporary folder");
        for index in 0..2 {
            fs::write(class.join(format!("{index}.jpg")), content).expect("temporary folder");
        }
    }
    folder
}

#[test]
fn jpegs_give_the_colors_that_were_written_as_far_as_jpeg_keeps_them() {
    let gray = |_: usize, x: usize, y: usize| 8 * x + 2 * y;
    let colors = |c: usize, x: usize, y: usize| [8 * x, 10 * y, 200 - 6 * x][c];
    type Pixel<'a> = &'a dyn Fn(usize, usize, usize) -> usize;
    let cases: [(&[u8], usize, Pixel<'_>, f32); 2] =
        [(GRAY, 1, &gray, 4.0), (COLORS, 3, &colors, 24.0)];
    for (content, channels, pixel, tolerance) in cases {
        let folder = jpeg_folder(content);
        let set = data::load("image_folder", Some(folder.path())).expect("sound");
        assert_eq!(set.train.shape, Shape::new(channels, 18, 24));
        assert_eq!((set.train.len(), set.test.len()), (2, 2));
        for (place, value) in set.train.image(0).iter().enumerate() {
            let (c, y, x) = (place / 432, place % 432 / 24, place % 24);
            let error = (255.0 * value - pixel(c, x, y) as f32).abs();
            assert!(
                error <= tolerance,
                "channel {c}, row {y}, column {x}: {error}"
            );
        }
    }
}

#[test]
fn a_camera_that_was_held_upright_gives_pictures_as_a_viewer_shows_them() {
    // Exif data after the start marker: turn by a quarter to the right.
    let tag = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let mut segment = b"\xff\xe1\0\0Exif\0\0".to_vec();
    segment.extend(tag);
    let len = u16::try_from(segment.len() - 2).expect("short");
    segment[2..4].copy_from_slice(&len.to_be_bytes());
    let tagged = [&GRAY[..2], &segment, &GRAY[2..]].concat();
    let load = |content: &[u8]| {
        let folder = jpeg_folder(content);
        data::load("image_folder", Some(folder.path()))
            .expect("sound")
            .train
    };
    let (plain, turned) = (load(GRAY), load(&tagged));
    assert_eq!(turned.shape, Shape::new(1, 24, 18));
    for (place, value) in turned.image(0).iter().enumerate() {
        let (y, x) = (place / 18, place % 18);
        assert_eq!(
            *value,
            plain.image(0)[(17 - x) * 24 + y],
            "row {y}, column {x}"
        );
    }
}

/// What is said of a folder that cannot be read.
fn refused(folder: &Path) -> String {
    let found = data::load("image_folder", Some(folder));
    found.map(|_| "loaded").expect_err("refused").to_string()
}

#[test]
fn a_folder_for_validation_is_used_for_it_and_a_missing_test_part_is_cut_out() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let at = folder.path();
    class_folders(&at.join("Train"), 5);
    class_folders(&at.join("val"), 2);
    let set = data::load("image_folder", Some(at)).expect("sound");
    assert_eq!((set.train.len(), set.test.len()), (8 + 4, 2));
    let (training, validation) = set.train.split(0.5, Seed::new(1)).expect("both");
    assert_eq!((training.len(), validation.len()), (8, 4));
    assert_eq!(validation.images, set.train.images[8 * 18..]);
    class_folders(&at.join("test"), 3);
    let set = data::load("image_folder", Some(at)).expect("sound");
    assert_eq!((set.train.len(), set.test.len()), (10 + 4, 6));
}

#[test]
fn what_systems_leave_in_folders_is_passed_over_and_a_class_may_be_called_train() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let at = folder.path();
    class_folders(at, 3);
    fs::create_dir_all(at.join("__MACOSX/cat")).expect("temporary folder");
    for name in [
        ".DS_Store",
        "cat/.DS_Store",
        "cat/Thumbs.db",
        "dog/desktop.ini",
        "__MACOSX/cat/._0.png",
    ] {
        fs::write(at.join(name), "debris").expect("temporary folder");
    }
    fs::rename(at.join("dog"), at.join("train")).expect("renamed");
    let set = data::load("image_folder", Some(at)).expect("sound");
    assert_eq!(
        (set.train.len(), set.test.len(), set.train.classes),
        (4, 2, 2)
    );
}

#[test]
fn layouts_that_are_not_understood_are_told_with_what_was_found_and_what_is_expected() {
    type Lay<'a> = &'a dyn Fn(&Path);
    let cases: [(Lay<'_>, &[&str]); 6] = [
        (
            &|at| class_folders(&at.join("photos"), 2),
            &["only folder is `photos`", "`cat`, `dog`", "name "],
        ),
        (
            &|at| class_folders(&at.join("test"), 2),
            &["`test` and no `train`", "FOLDER/train/CLASS/IMAGE"],
        ),
        (
            &|at| {
                class_folders(&at.join("animals"), 2);
                class_folders(&at.join("plants"), 2);
            },
            &[
                "the class `animals` holds the folders `cat`, `dog`",
                "FOLDER/CLASS/IMAGE",
            ],
        ),
        (
            &|at| {
                class_folders(&at.join("train"), 2);
                fs::create_dir(at.join("extra")).expect("temporary folder");
            },
            &["beside `train` lies `extra`"],
        ),
        (
            &|at| {
                class_folders(&at.join("train"), 2);
                class_folders(&at.join("val"), 1);
                fs::rename(at.join("val/dog"), at.join("val/dogs")).expect("renamed");
            },
            &["its classes are cat, dogs", "cat, dog"],
        ),
        (
            &|at| fs::write(at.join("a.png"), "x").expect("written"),
            &["0 folders of classes", "it holds 1 files"],
        ),
    ];
    for (lay, expected) in cases {
        let folder = tempfile::tempdir().expect("temporary folder");
        lay(folder.path());
        let told = refused(folder.path());
        for part in expected {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
}

#[test]
fn all_files_that_cannot_be_used_are_told_at_once() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let at = folder.path();
    class_folders(at, 4);
    // The first by name has the odd size: the size of most counts.
    write_png(&at.join("cat/0.png"), &pixels(0, 1), 1);
    fs::write(at.join("dog/note.txt"), "hello").expect("written");
    fs::write(at.join("dog/2.png"), b"\x89PNG\r\n\x1a\n").expect("written");
    let told = refused(at);
    for part in [
        "3 of ",
        "0.png",
        "bring all to one size",
        "note.txt",
        "no picture",
        "2.png",
        "no readable PNG",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn jpegs_that_are_cut_of_other_colors_or_too_large_are_named() {
    let refuse = |content: &[u8], message: &str| {
        let folder = jpeg_folder(content);
        let error = data::load("image_folder", Some(folder.path()));
        let error = error.map(|_| "loaded").expect_err("refused").to_string();
        assert!(
            error.contains(".jpg") && error.contains("JPEG") && error.contains(message),
            "{error}"
        );
    };
    refuse(CMYK, "write it as gray or RGB");
    // The sizes in the frame header, 16384 by 16384: 256 MiB.
    let frame = GRAY
        .windows(2)
        .position(|w| w == [0xff, 0xc0])
        .expect("baseline");
    let mut large = GRAY.to_vec();
    large[frame + 5..frame + 9].copy_from_slice(&[0x40, 0, 0x40, 0]);
    refuse(&large, "at most 67108864");
    for content in [GRAY, COLORS] {
        for len in 3..content.len() {
            refuse(&content[..len], "the file was cut");
        }
    }
}

fn gzipped(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).expect("in memory");
    encoder.finish().expect("in memory")
}

#[test]
fn damaged_files_of_published_sets_are_refused_with_their_names() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let batch = folder.path().join("data_batch_1.bin");
    for (content, message) in [
        (vec![0; 100], "30730000 bytes expected, 100 found"),
        (vec![0; 30_730_000], "blake3"),
        (b"\xfd7zXZ\0 and no more".to_vec(), "damaged after 0"),
        (b"\x1f\x8b\x08 and no more".to_vec(), "damaged after 0"),
        (gzipped(&[0; 100]), "30730000 bytes expected, 100 found"),
        (gzipped(&vec![0; 30_730_001]), "at least 30730001 found"),
        (gzipped(&vec![0; 30_730_000]), "blake3"),
    ] {
        fs::write(&batch, content).expect("temporary folder");
        let error = data::load("cifar10", Some(folder.path()))
            .expect_err("refused")
            .to_string();
        assert!(
            error.contains("data_batch_1.bin") && error.contains(message),
            "{error}"
        );
    }
    for (set, file, content, message) in [
        (
            "cifar100",
            "train.bin",
            vec![0; 100],
            "153700000 bytes expected, 100 found",
        ),
        (
            "cifar100",
            "train.bin",
            vec![0; 153_700_000],
            "50000 images of class 0, 500 expected",
        ),
        (
            "svhn",
            "train_32x32.mat",
            vec![0; 100],
            "SHA-256 sum cd00e292",
        ),
    ] {
        fs::write(folder.path().join(file), content).expect("temporary folder");
        let error = data::load(set, Some(folder.path())).expect_err("refused");
        let error = error.to_string();
        assert!(error.contains(file) && error.contains(message), "{error}");
    }
    let arrays = ["train_images", "train_labels"].map(|name| (name, npy("|u1", "1, 1, 1", &[7])));
    fs::write(folder.path().join("pneumoniamnist.npz"), zip(&arrays)).expect("temporary folder");
    let error = data::load("pneumonia_mnist", Some(folder.path()))
        .expect_err("refused")
        .to_string();
    assert!(
        error.contains("pneumoniamnist.npz") && error.contains("blake3"),
        "{error}"
    );
}
