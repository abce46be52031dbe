//! The readers: everything that comes from outside, each with sound inputs to start from. Used here and by
//! `experiments/fuzz`.

use std::io::Write;
use std::path::Path;

use hemet::experiment::Experiment;
use hemet_runtime::schemes::Known;
use hemet_runtime::signature::{PublicKey, SigningKeyFile};
use hemet_runtime::tfhe::TfheArtifact;
use hemet_runtime::{Client, unobserved};
use hemet_schedule::artifact::{Artifact, constants_from_bytes};
use hemet_schedule::{
    Constant, Constants, CostTable, OpCounts, PlacedMap, Schedule, cost, text, tfhe, verify,
};
use hemet_search::data::{idx, npz::Npz, picture};
use hemet_search::study::{Delivery, Order};

use super::seeds::{self, Session};

/// Reads an input and says whether it was accepted.
pub type Read = Box<dyn Fn(&[u8]) -> bool + Send + Sync>;

/// A reader with seeds.
pub struct Reader {
    /// Its name.
    pub name: String,
    /// Inputs that it accepts, or nearly.
    pub seeds: Vec<Vec<u8>>,
    /// Reads an input and says whether it was accepted.
    pub read: Read,
}

/// Every reader outside the engine, which has fuzz targets of its own.
pub fn all() -> Vec<Reader> {
    let reader = |name: &str, seeds, read: fn(&[u8]) -> bool| Reader {
        name: name.to_owned(),
        seeds,
        read: Box::new(read),
    };
    let mut all = vec![
        reader("artifact", seeds::artifacts(), artifact),
        reader("artifact head", seeds::heads(), artifact_head),
        reader("schedule text", seeds::schedules(), schedule_text),
        reader("constants", seeds::constants(), constants),
        reader("placed map", seeds::placed_maps(), placed_map),
        reader("tfhe text", seeds::tfhe_schedules(), tfhe_text),
        reader("tfhe file", seeds::tfhe_files(), tfhe_file),
        reader("tfhe artifact", seeds::tfhe_artifacts(), tfhe_artifact),
        reader("tfhe keys", seeds::tfhe_keys(), tfhe_keys),
        reader("cost table", seeds::cost_tables(), cost_table),
        reader("weights", seeds::weights(), weights),
        reader("npz", seeds::npz(), npz),
        reader("idx", seeds::idx(), idx_file),
        reader("picture", seeds::pictures(), picture_file),
        reader("onnx", seeds::onnx(), onnx),
        reader("yaml", seeds::yaml(), yaml),
        reader("order", seeds::orders(), order),
        reader("delivery", seeds::deliveries(), delivery),
        reader("signing key", seeds::signing_keys(), signing_key),
        reader("public key", seeds::public_keys(), public_key),
        reader("architecture", seeds::architectures(), architecture),
    ];
    for session in seeds::sessions() {
        all.extend(exchanged(session));
    }
    all
}

/// What a client and a server exchange, each sealed again behind the changes.
fn exchanged(session: &'static Session) -> [Reader; 5] {
    let [key, keys, request, response, spec] = session.files.clone();
    let reader = |what: &str, seed, read: Read| Reader {
        name: format!("{} {what}", session.scheme),
        seeds: vec![seed],
        read: Box::new(move |bytes| read(&seeds::sealed_envelope(bytes))),
    };
    let server = &session.server;
    [
        reader(
            "client key",
            key,
            Box::new(|b| Client::from_bytes(b).is_ok()),
        ),
        reader("server keys", keys, Box::new(|b| server.keys(b).is_ok())),
        reader(
            "request",
            request,
            Box::new(|b| server.answer(&session.keys, b, &mut unobserved).is_ok()),
        ),
        reader(
            "response",
            response,
            Box::new(|b| session.client.decrypt(b).is_ok()),
        ),
        reader("spec", spec, Box::new(|b| Known::from_bytes(b).is_ok())),
    ]
}

fn utf8(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn artifact(bytes: &[u8]) -> bool {
    Artifact::from_bytes(bytes).is_ok_and(|artifact| !artifact.id().is_empty())
}

/// The head of an artifact, sealed again behind the changes.
fn artifact_head(head: &[u8]) -> bool {
    Artifact::from_bytes(&seeds::with_head(head)).is_ok()
}

/// Everything that promises to work on a schedule, verified or not.
fn use_schedule(schedule: Schedule) -> bool {
    let _ = text::print(&schedule);
    let _ = cost::costs(&schedule);
    let _ = OpCounts::of(&schedule).to_string();
    let _ = (
        schedule.key_bytes(),
        hemet_schedule::summary::by_layer(&schedule),
    );
    verify(schedule).is_ok()
}

fn schedule_text(bytes: &[u8]) -> bool {
    text::parse(&utf8(bytes), seeds::schedule_constants()).is_ok_and(use_schedule)
}

fn constants(bytes: &[u8]) -> bool {
    constants_from_bytes(bytes).is_ok_and(|constants| {
        let Ok(schedule) = text::parse(&seeds::schedule(), seeds::schedule_constants()) else {
            return false;
        };
        use_schedule(Schedule {
            constants,
            ..schedule
        })
    })
}

fn placed_map(bytes: &[u8]) -> bool {
    let words = bytes
        .chunks_exact(4)
        .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let words: Vec<u32> = words.collect();
    PlacedMap::from_words(&words, vec![1.0; 4]).is_ok_and(|map| {
        let map = Constant::Placed(std::sync::Arc::new(map));
        let constants = Constants {
            entries: vec![("conv.weights".into(), map)],
        };
        text::parse(seeds::PLACED, constants).is_ok_and(use_schedule)
    })
}

fn tfhe_text(bytes: &[u8]) -> bool {
    let schedule = tfhe::parse(&utf8(bytes), seeds::tfhe_constants());
    schedule.is_ok_and(|schedule| {
        let _ = tfhe::print(&schedule);
        tfhe::verify(schedule).is_ok_and(|verified| tfhe::Summary::new(&verified).depth < u32::MAX)
    })
}

fn tfhe_file(bytes: &[u8]) -> bool {
    tfhe::from_bytes(bytes).is_ok()
}

/// A TFHE artifact, sealed again behind the changes.
fn tfhe_artifact(body: &[u8]) -> bool {
    TfheArtifact::from_bytes(&seeds::sealed(body)).is_ok()
}

/// All four kinds of what a TFHE client and server exchange, sealed again behind the changes.
fn tfhe_keys(body: &[u8]) -> bool {
    let bytes = seeds::sealed(body);
    let key = hemet_tfhe::ClientKey::from_bytes(&bytes).is_ok();
    let keys = hemet_tfhe::EvaluationKeys::from_bytes(&bytes).is_ok();
    let input = hemet_tfhe::EncryptedInput::from_bytes(&bytes).is_ok();
    let output = hemet_tfhe::EncryptedOutput::from_bytes(&bytes).is_ok();
    key || keys || input || output
}

/// The file of a signing key, sealed again behind the changes.
fn signing_key(body: &[u8]) -> bool {
    let file = SigningKeyFile::from_bytes(&seeds::sealed(body));
    file.is_ok_and(|file| file.open(None).is_ok())
}

fn public_key(bytes: &[u8]) -> bool {
    PublicKey::from_text(&utf8(bytes)).is_ok()
}

fn cost_table(bytes: &[u8]) -> bool {
    CostTable::from_json(&utf8(bytes)).is_ok()
}

fn weights(bytes: &[u8]) -> bool {
    hemet_spaces::Weights::from_safetensors(bytes).is_ok()
}

fn npz(bytes: &[u8]) -> bool {
    let Ok(file) = Npz::new("mutant", bytes) else {
        return false;
    };
    let images = file.images("images").is_ok();
    file.labels("labels").is_ok() && images
}

fn idx_file(bytes: &[u8]) -> bool {
    let images = idx::read("mutant", bytes, 3).is_ok();
    idx::read("mutant", bytes, 1).is_ok() || images
}

fn picture_file(bytes: &[u8]) -> bool {
    picture(bytes).is_some_and(|read| read.is_ok())
}

fn onnx(bytes: &[u8]) -> bool {
    hemet_onnx::import(bytes).is_ok()
}

fn yaml(bytes: &[u8]) -> bool {
    let Ok(mut file) = tempfile::Builder::new().suffix(".yaml").tempfile() else {
        return false;
    };
    file.write_all(bytes).is_ok() && Experiment::read(Path::new(file.path())).is_ok()
}

fn order(bytes: &[u8]) -> bool {
    Order::from_json(&utf8(bytes), seeds::space()).is_ok()
}

fn delivery(bytes: &[u8]) -> bool {
    Delivery::from_json(&utf8(bytes)).is_ok()
}

fn architecture(bytes: &[u8]) -> bool {
    seeds::space().parse(&utf8(bytes)).is_ok()
}
