//! Sound inputs that the mutants start from, made here or taken from the repository's own files.

use std::path::Path;
use std::sync::OnceLock;

use hemet::experiment::Experiment;
use hemet_runtime::door::Model;
use hemet_runtime::schemes::Known;
use hemet_runtime::signature::SigningKey;
use hemet_runtime::tfhe::{Encoding, TfheArtifact};
use hemet_runtime::{Client, Note, Passphrase, Server, ServerKeys, unobserved};
use hemet_schedule::artifact::{Artifact, Manifest, constants_to_bytes};
use hemet_schedule::tfhe::{self, MapConstant, TableConstant};
use hemet_schedule::{Constant, Constants, text, verify};
use hemet_search::Seed;
use hemet_search::study::{Delivery, Order};
use hemet_search::train::TrainOutcome;
use hemet_spaces::{Space, Weights};
use zeroize::Zeroizing;

/// The schedule with every instruction of the schedule crate's tests, and a schedule of one placed map.
const ALL_OPS: &str = include_str!("../../../compiler/schedule/tests/files/all_ops.schedule");
const TFHE_ALL_OPS: &str = include_str!("../../../compiler/schedule/tests/files/tfhe.schedule");
const PLACED_FILE: &[u8] =
    include_bytes!("../../../compiler/schedule/tests/fixtures/placed.v2.hemet");
/// The text of [`PLACED_FILE`]'s schedule; its constant is `conv.weights`.
pub const PLACED: &str = "\
hemet-schedule 1
ring 2^10
moduli 35184372103169 1073750017
special 70368744183809
security insecure
input level L1 scale 2^30
input layout 2x2x4 c[2*8] h[2*4] w[4*1] period 16
output layout 1x2x3 c[1*6] h[2*3] w[3*1] period 8
depth 0
precision 12

layer main
%0 = input 0 : ct<L1, 2^30>
%1 = linear (%0) @conv.weights scale 2^20 [o0: g0 i0{0,1}; g8 i0{0}] : ct<L1, 2^50>
output %1
";
/// A TFHE schedule without a bootstrap, whose keys are small.
const TFHE_LINEAR: &str = include_str!("../../../runtime/tests/tfhe_linear.schedule");

/// The repository's folder, from the mutation run and from the fuzz targets.
fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let is_root = |folder: &&Path| folder.join("spaces/presets").is_dir();
    here.ancestors().find(is_root).unwrap_or(here)
}

/// Every file below a folder of the repository whose name ends so, of at most 64 KiB.
fn files(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(root().join(folder))
        .into_iter()
        .flatten()
        .flatten();
    let paths = entries
        .map(|entry| entry.path())
        .filter(|p| p.to_string_lossy().ends_with(ending));
    let mut paths: Vec<_> = paths.collect();
    paths.sort();
    let contents = paths.iter().filter_map(|path| std::fs::read(path).ok());
    contents.filter(|bytes| bytes.len() <= 1 << 16).collect()
}

fn sound<T, E: std::fmt::Display>(made: Result<T, E>) -> T {
    made.unwrap_or_else(|error| panic!("a seed is not sound: {error}"))
}

/// The text of the schedule with every instruction.
pub fn schedule() -> String {
    let (text, _) = ALL_OPS.split_once("\nconstants\n").unwrap_or((ALL_OPS, ""));
    format!("{text}\n")
}

/// The constants that it names.
pub fn schedule_constants() -> Constants {
    let ramp = (0..320).map(|i| f64::from(i) / 64.0 - 2.0).collect();
    let diagonals = |period, values| Constant::Diagonals { period, values };
    let entry = |name: &str, constant| (name.to_owned(), constant);
    Constants {
        entries: vec![
            entry("conv1/diagonals", diagonals(64, ramp)),
            entry("conv1/bias", Constant::Vector(vec![0.1, -0.2, 0.3, 0.001])),
            entry("head.factor", diagonals(1, vec![0.5])),
        ],
    }
}

fn artifact() -> Artifact {
    let schedule = sound(text::parse(&schedule(), schedule_constants()));
    Artifact::new(Manifest::new("seed"), sound(verify(schedule)))
}

pub fn artifacts() -> Vec<Vec<u8>> {
    let mut with_extra = artifact();
    with_extra.extra.insert("notes".into(), b"a note".repeat(9));
    vec![
        sound(artifact().to_bytes()),
        sound(with_extra.to_bytes()),
        PLACED_FILE.to_vec(),
    ]
}

/// Bytes of the mark, version, length and sum before an artifact's head.
const FIXED: usize = 48;

fn head_bytes(artifact: &[u8]) -> usize {
    u32::from_le_bytes([artifact[12], artifact[13], artifact[14], artifact[15]]) as usize
}

/// The heads of the artifacts.
pub fn heads() -> Vec<Vec<u8>> {
    let bytes = sound(artifact().to_bytes());
    vec![bytes[FIXED..FIXED + head_bytes(&bytes)].to_vec()]
}

/// The first artifact with another head, sealed.
pub fn with_head(head: &[u8]) -> Vec<u8> {
    static ARTIFACT: OnceLock<Vec<u8>> = OnceLock::new();
    let whole = ARTIFACT.get_or_init(|| sound(artifact().to_bytes()));
    let mut hasher = blake3::Hasher::new();
    hasher.update(&whole[8..12]).update(head);
    let mut bytes = whole[..12].to_vec();
    bytes.extend((head.len() as u32).to_le_bytes());
    bytes.extend(hasher.finalize().as_bytes());
    bytes.extend(head);
    bytes.extend(&whole[FIXED + head_bytes(whole)..]);
    bytes
}

pub fn schedules() -> Vec<Vec<u8>> {
    vec![schedule().into_bytes(), PLACED.as_bytes().to_vec()]
}

pub fn constants() -> Vec<Vec<u8>> {
    let placed = sound(Artifact::from_bytes(PLACED_FILE)).schedule;
    let all = [schedule_constants(), placed.constants.clone()];
    all.iter().map(|c| sound(constants_to_bytes(c))).collect()
}

pub fn placed_maps() -> Vec<Vec<u8>> {
    let placed = sound(Artifact::from_bytes(PLACED_FILE)).schedule;
    let maps = placed
        .constants
        .entries
        .iter()
        .filter_map(|(_, c)| match c {
            Constant::Placed(map) => Some(map.to_words()),
            Constant::Vector(_) | Constant::Diagonals { .. } => None,
        });
    maps.map(|words| words.iter().flat_map(|w| w.to_le_bytes()).collect())
        .collect()
}

pub fn tfhe_constants() -> tfhe::Constants {
    let map = |weights: &[i32], rows: u32, bias: &[i64]| {
        tfhe::Constant::Map(MapConstant {
            inputs: 2,
            row_starts: (0..=rows).map(|row| 2 * row).collect(),
            columns: [0, 1].repeat(rows as usize),
            weights: weights.to_vec(),
            bias: bias.to_vec(),
        })
    };
    let table = tfhe::Constant::Table(TableConstant {
        half: 4,
        channel_len: 1,
        values: vec![vec![-1, 0, 2, 4], vec![3, 1, 0, 0]],
        flip: vec![3, 3],
    });
    [
        ("first/map".to_owned(), map(&[3, 1, -1, 2], 2, &[5, 0])),
        ("first/table".to_owned(), table),
        ("head/map".to_owned(), map(&[1, 1], 1, &[0])),
        ("y/map".to_owned(), map(&[2, -1], 1, &[3])),
    ]
    .into()
}

fn tfhe_verified(text: &str) -> tfhe::Verified {
    sound(tfhe::verify(sound(tfhe::parse(text, tfhe_constants()))))
}

pub fn tfhe_schedules() -> Vec<Vec<u8>> {
    vec![
        TFHE_ALL_OPS.as_bytes().to_vec(),
        TFHE_LINEAR.as_bytes().to_vec(),
    ]
}

pub fn tfhe_files() -> Vec<Vec<u8>> {
    let files = [TFHE_ALL_OPS, TFHE_LINEAR];
    files
        .map(|text| sound(tfhe::to_bytes(&tfhe_verified(text))))
        .to_vec()
}

/// What a sum at the end seals.
fn body(sealed: &[u8]) -> Vec<u8> {
    sealed[..sealed.len() - 32].to_vec()
}

/// The bytes with the sum of all at their end.
pub fn sealed(body: &[u8]) -> Vec<u8> {
    [body, blake3::hash(body).as_bytes()].concat()
}

fn tfhe_linear() -> TfheArtifact {
    TfheArtifact {
        manifest: Manifest::new("linear"),
        encoding: Encoding {
            shape: [1, 1, 2],
            levels: 4,
            low: 0.0,
            high: 1.0,
            logit_scale: 0.5,
        },
        schedule: tfhe_verified(TFHE_LINEAR),
    }
}

pub fn tfhe_artifacts() -> Vec<Vec<u8>> {
    vec![body(&sound(tfhe_linear().to_bytes()))]
}

/// Keys, an input and an output, without their sums.
pub fn tfhe_keys() -> Vec<Vec<u8>> {
    let verified = tfhe_verified(TFHE_LINEAR);
    let key = sound(hemet_tfhe::ClientKey::generate(&hemet_tfhe::Spec::of(
        &verified,
    )));
    let keys = sound(key.evaluation_keys());
    let input = sound(key.encrypt(&[1, 2]));
    vec![
        body(&sound(key.to_bytes())),
        body(&sound(keys.to_bytes())),
        body(&input.to_bytes()),
    ]
}

/// A client and its server, and what they exchange.
pub struct Session {
    /// The word for its scheme.
    pub scheme: &'static str,
    pub client: Client,
    pub server: Server,
    pub keys: ServerKeys,
    /// Client key, evaluation keys, request, response and spec.
    pub files: [Vec<u8>; 5],
}

/// One of each scheme, with small keys.
pub fn sessions() -> &'static [Session] {
    static SESSIONS: OnceLock<[Session; 2]> = OnceLock::new();
    SESSIONS.get_or_init(|| {
        let ckks = sound(Artifact::from_bytes(PLACED_FILE));
        [
            session("ckks", Box::new(ckks), 16),
            session("tfhe", Box::new(tfhe_linear()), 2),
        ]
    })
}

fn session(scheme: &'static str, model: Box<dyn Model>, inputs: usize) -> Session {
    let spec = sound(Known::of(model.as_ref()).and_then(|known| known.to_bytes()));
    let server = sound(Server::new(model));
    let (client, key_file) = sound(Client::generate(server.client_spec()));
    let keys = sound(server.keys(&key_file));
    let request = sound(client.encrypt(&vec![0.5; inputs]));
    let response = sound(server.answer(&keys, &request, &mut unobserved));
    Session {
        scheme,
        files: [
            sound(client.to_bytes()).to_vec(),
            key_file,
            request,
            response,
            spec,
        ],
        client,
        server,
        keys,
    }
}

/// An envelope of client and server with length and sum made right.
pub fn sealed_envelope(bytes: &[u8]) -> Vec<u8> {
    const HEADER: usize = 96;
    const SUMMED: usize = 64;
    let mut bytes = bytes.to_vec();
    let Some(length) = bytes.len().checked_sub(HEADER) else {
        return bytes;
    };
    bytes[56..SUMMED].copy_from_slice(&(length as u64).to_le_bytes());
    let mut hasher = blake3::Hasher::new();
    hasher.update(&bytes[..SUMMED]).update(&bytes[HEADER..]);
    bytes[SUMMED..HEADER].copy_from_slice(hasher.finalize().as_bytes());
    bytes
}

/// Files of signing keys without their sums, and under a passphrase.
pub fn signing_keys() -> Vec<Vec<u8>> {
    let key = sound(SigningKey::generate(Note::default()));
    let passphrase = sound(Passphrase::new(Zeroizing::new(b"correct horse".to_vec())));
    let body = |passphrase| {
        let file = sound(key.to_bytes(passphrase));
        file[..file.len() - 32].to_vec()
    };
    vec![body(None), body(Some(&passphrase))]
}

pub fn public_keys() -> Vec<Vec<u8>> {
    let key = sound(SigningKey::generate(Note::default()));
    vec![key.public().to_text().into_bytes()]
}

pub fn cost_tables() -> Vec<Vec<u8>> {
    use hemet_schedule::cost::{CostKind, DegreeCosts, TABLE_VERSION, Unit};
    let degree = DegreeCosts {
        log_n: 13,
        unit_us: Unit::ALL.map(|unit| (unit.name().to_owned(), 1.5)).into(),
        factors: CostKind::ALL
            .map(|kind| (kind.name().to_owned(), 1.0))
            .into(),
        encode: None,
        first_use: None,
        shared: 0.5,
        deviation: 0.01,
    };
    let table = hemet_schedule::CostTable {
        version: TABLE_VERSION,
        machine: "a machine".into(),
        backend: "ckks".into(),
        degrees: vec![degree],
    };
    vec![table.to_json().into_bytes()]
}

/// A zip of arrays of bytes, stored, as NumPy writes one.
pub fn npz() -> Vec<Vec<u8>> {
    let array = |shape: &str, count: usize| {
        let mut header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}");
        while (10 + header.len() + 1) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let length = (header.len() as u16).to_le_bytes();
        [
            b"\x93NUMPY\x01\x00",
            &length[..],
            header.as_bytes(),
            &vec![3; count],
        ]
        .concat()
    };
    vec![zip(&[
        ("images.npy", array("(2, 3, 4)", 24)),
        ("labels.npy", array("(2, 1)", 2)),
    ])]
}

fn zip(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in entries {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let size = (content.len() as u32).to_le_bytes();
        let name_length = (name.len() as u16).to_le_bytes();
        // Version, flags, method, time and date; then sum, sizes and lengths.
        let common = [
            &[20, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &crc.sum().to_le_bytes()[..],
            &size,
            &size,
            &name_length,
            &[0, 0],
        ]
        .concat();
        let offset = (bytes.len() as u32).to_le_bytes();
        bytes.extend([b"PK\x03\x04", &common[..], name.as_bytes(), content].concat());
        directory.extend(
            [
                b"PK\x01\x02\x14\x00",
                &common[..],
                &[0; 10],
                &offset,
                name.as_bytes(),
            ]
            .concat(),
        );
    }
    let count = (entries.len() as u16).to_le_bytes();
    let (size, start) = (
        (directory.len() as u32).to_le_bytes(),
        (bytes.len() as u32).to_le_bytes(),
    );
    let end = [
        b"PK\x05\x06\0\0\0\0",
        &count[..],
        &count,
        &size,
        &start,
        &[0, 0],
    ]
    .concat();
    [bytes, directory, end].concat()
}

pub fn idx() -> Vec<Vec<u8>> {
    use std::io::Write;
    let header = |rank: u8, axes: &[u32]| {
        let axes = axes.iter().flat_map(|axis| axis.to_be_bytes());
        [0, 0, 8, rank].into_iter().chain(axes).collect::<Vec<u8>>()
    };
    let images = [header(3, &[2, 3, 4]), vec![7; 24]].concat();
    let labels = [header(1, &[5]), vec![1, 2, 3, 4, 5]].concat();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    sound(packed.write_all(&images));
    vec![sound(packed.finish()), images, labels]
}

pub fn pictures() -> Vec<Vec<u8>> {
    let mut png_file = Vec::new();
    let mut encoder = png::Encoder::new(&mut png_file, 4, 3);
    encoder.set_color(png::ColorType::Rgb);
    sound(sound(encoder.write_header()).write_image_data(&[100; 36]));
    let mut all = files("search/tests/pictures", ".jpg");
    all.push(png_file);
    all
}

pub fn onnx() -> Vec<Vec<u8>> {
    files("compiler/onnx/tests/fixtures", ".onnx")
}

pub fn yaml() -> Vec<Vec<u8>> {
    files("experiments", ".yaml")
        .into_iter()
        .map(|bytes| {
            // The mutant lies in another folder: it names the space's file by its whole path.
            let presets = format!("space_file: {}/spaces/presets/", root().display());
            let text = String::from_utf8_lossy(&bytes);
            text.replace("space_file: ../spaces/presets/", &presets)
                .into_bytes()
        })
        .chain(files("spaces/presets", ".yaml").into_iter().map(|bytes| {
            let text = String::from_utf8_lossy(&bytes).replace('\n', "\n  ");
            format!("name: mutant\ndataset: digits\nspace:\n  {text}\n").into_bytes()
        }))
        .collect()
}

/// The space of the digits.
pub fn space() -> &'static Space {
    static SPACE: OnceLock<Space> = OnceLock::new();
    SPACE.get_or_init(|| {
        let experiment = sound(
            Experiment::read(&root().join("experiments/digits.yaml")).map_err(|e| format!("{e:?}")),
        );
        sound(experiment.space().map_err(|e| format!("{e:?}"))).clone()
    })
}

fn small_weights() -> Weights {
    let mut rng = Seed::new(1).rng();
    let space: Space = sound(serde_json::from_str(
        r#"{"input": [1, 4, 4], "classes": 2, "blocks": [{"name": "b1", "options": ["skip", {"conv": {"width": 2, "kernel": 3}}]}]}"#,
    ));
    let graph = sound(space.graph(&space.sample(&mut rng)));
    Weights::random(&graph, &mut rng)
}

pub fn weights() -> Vec<Vec<u8>> {
    vec![sound(small_weights().to_safetensors())]
}

pub fn architectures() -> Vec<Vec<u8>> {
    let mut rng = Seed::new(2).rng();
    (0..8)
        .map(|_| space().sample(&mut rng).text().into_bytes())
        .collect()
}

pub fn orders() -> Vec<Vec<u8>> {
    let architecture = space().sample(&mut Seed::new(3).rng());
    let order = |inherited| Order {
        number: 7,
        architecture: architecture.clone(),
        contest: None,
        inherited,
    };
    [None, Some(small_weights())]
        .map(|w| sound(order(w).to_json()).into_bytes())
        .to_vec()
}

pub fn deliveries() -> Vec<Vec<u8>> {
    let outcome = TrainOutcome::Diverged {
        reason: "the loss is no number".into(),
    };
    let all = [
        Delivery::Ended {
            outcome,
            epochs: Vec::new(),
        },
        Delivery::Untrainable {
            layer: "conv1".into(),
            why: "too wide".into(),
        },
    ];
    all.iter()
        .filter_map(|d| sound(d.to_json()))
        .map(String::into_bytes)
        .collect()
}
