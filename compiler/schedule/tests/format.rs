//! FORMAT.md is true: a reader that knows only what the page says finds in the files what the program finds.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "any other type of numbers fails the test"
)]

use std::collections::BTreeMap;
use std::path::Path;

use hemet_schedule::artifact::Artifact;
use hemet_schedule::{Constant, container};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

/// Files of each version, by the program of their time.
const FIXTURES: [&str; 2] = ["placed.v2.hemet", "all_ops.v3.hemet"];

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    std::fs::read(folder.join(name)).unwrap()
}

fn number(bytes: &[u8]) -> usize {
    u32::from_le_bytes(bytes.try_into().unwrap()) as usize
}

/// The head and the parts of a file, as the page says.
fn by_the_page(file: &[u8]) -> (Value, BTreeMap<String, Vec<u8>>) {
    let version = number(&file[8..12]);
    let head = &file[48..48 + number(&file[12..16])];
    let summed = match version {
        1 | 2 => head.to_vec(),
        _ => [&file[8..12], head].concat(),
    };
    assert_eq!(blake3::hash(&summed).as_bytes(), &file[16..48]);
    let head_value: Value = serde_json::from_slice(head).unwrap();
    let mut rest = &file[48 + head.len()..];
    let mut parts = BTreeMap::new();
    for part in head_value["parts"].as_array().unwrap() {
        let size = |key: &str| part[key].as_u64().unwrap() as usize;
        let (stored, after) = rest.split_at(size("stored_bytes"));
        assert_eq!(blake3::hash(stored).to_hex().as_str(), part["blake3"]);
        let mut bytes = vec![0; size("bytes")];
        let mut frame = zstd::stream::read::Decoder::with_buffer(stored)
            .unwrap()
            .single_frame();
        std::io::Read::read_exact(&mut frame, &mut bytes).unwrap();
        parts.insert(part["name"].as_str().unwrap().to_owned(), bytes);
        rest = after;
    }
    assert!(rest.is_empty(), "nothing follows the parts");
    (head_value, parts)
}

/// The values of a tensor, as the page says.
fn values(tensors: &SafeTensors<'_>, name: &str) -> Vec<f64> {
    let tensor = tensors.tensor(name).unwrap();
    let data = tensor.data();
    match tensor.dtype() {
        Dtype::F64 => (data.as_chunks().0.iter())
            .map(|b| f64::from_le_bytes(*b))
            .collect(),
        Dtype::F32 => (data.as_chunks().0.iter())
            .map(|b| f64::from(f32::from_le_bytes(*b)))
            .collect(),
        Dtype::U8 => {
            let planes = tensor.shape()[0];
            let count = data.len() / planes;
            let step = values(tensors, &format!("{name}:step"))[0];
            let integer = |place: usize| {
                let bytes = (0..planes).map(|plane| data[plane * count + place]);
                let unsigned = bytes
                    .rev()
                    .fold(0i64, |all, byte| all << 8 | i64::from(byte));
                let turn = 1i64 << (8 * planes - 1);
                (unsigned ^ turn) - turn
            };
            (0..count)
                .map(|place| integer(place) as f64 * step)
                .collect()
        }
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn a_reader_by_the_page_finds_what_the_program_finds() {
    for name in FIXTURES {
        let file = fixture(name);
        assert_eq!(&file[..8], b"\x89HEMET\r\n", "{name}");
        let artifact = Artifact::from_bytes(&file).unwrap();
        let (head, parts) = by_the_page(&file);
        assert_eq!(head["manifest"]["network"], artifact.manifest.network);
        let text = std::str::from_utf8(&parts["schedule"]).unwrap();
        assert!(text.starts_with("hemet-schedule 1\n"), "{name}");
        assert_eq!(text, hemet_schedule::text::print(&artifact.schedule));
        for (extra, bytes) in &artifact.extra {
            assert_eq!(&parts[&format!("extra/{extra}")], bytes);
        }
        let tensors = SafeTensors::deserialize(&parts["constants"]).unwrap();
        let (_, metadata) = SafeTensors::read_metadata(&parts["constants"]).unwrap();
        let order = &metadata.metadata().as_ref().unwrap()["order"];
        let entries = &artifact.schedule.constants.entries;
        let names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(order.lines().collect::<Vec<_>>(), names, "{name}");
        for (name, constant) in entries {
            assert_eq!(values(&tensors, name), constant.values(), "{name}");
            let placed = matches!(constant, Constant::Placed(_));
            assert_eq!(tensors.tensor(&format!("{name}:placement")).is_ok(), placed);
        }
    }
}

#[test]
fn there_is_a_file_of_each_version_that_places_maps() {
    let versions: Vec<usize> = FIXTURES.map(|name| number(&fixture(name)[8..12])).to_vec();
    assert_eq!(versions, [2, 3]);
    assert_eq!(
        container::FORMAT_VERSION,
        3,
        "add a file of the new version"
    );
}
