//! The models of a folder: loaded, described, exchanged while requests run.
//!
//! `NAME.hemet` is the model `NAME`; a version is the beginning of its artifact's id. When the file is replaced (by
//! renaming another one over it), the new version answers from then on, and the one before it stays for clients that
//! have encrypted for it: a request says itself which artifact it is for.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use axum::http::StatusCode;
use hemet_runtime::door::Spec;
use hemet_runtime::schemes::{self, Known};
use hemet_runtime::signature::PublicKey;
use hemet_runtime::{RuntimeError, Server};
use serde_json::{Value, json};

use crate::error::{Refusal, Result, ServeError};

/// Versions of a model that answer at a time.
const VERSIONS: usize = 2;
/// Digits of an artifact's id that name a version.
const VERSION_DIGITS: usize = 16;
const MAX_NAME: usize = 100;

/// A version of a model, ready to answer.
pub(crate) struct Live {
    pub(crate) name: String,
    pub(crate) server: Server,
    /// The artifact's id, 64 hexadecimal digits.
    pub(crate) artifact: String,
    /// What its keys depend on, 64 hexadecimal digits: versions that have it in common take the same keys.
    pub(crate) binding: String,
    /// The file of what clients must know.
    pub(crate) spec: Vec<u8>,
    /// What is told of it, beside names and versions.
    about: Value,
}

impl Live {
    /// The version's name.
    pub(crate) fn version(&self) -> &str {
        self.artifact
            .get(..VERSION_DIGITS)
            .unwrap_or(&self.artifact)
    }

    fn load(name: &str, path: &Path, terms: &Terms) -> std::result::Result<Self, RuntimeError> {
        let model = schemes::open(path)?;
        if let Some(key) = &terms.trusted {
            key.check_model(model.as_ref())?;
        }
        let known = Known::of(model.as_ref())?;
        let server = Server::with_constant_bytes(model, terms.constant_bytes)?;
        let spec = server.client_spec();
        Ok(Self {
            name: name.to_owned(),
            artifact: server.facts().artifact.to_string(),
            binding: server.facts().binding.to_string(),
            spec: known.to_bytes()?,
            about: about(&server, spec.as_ref())?,
            server,
        })
    }
}

/// What is told of a model: everything that a client can know before it fetches the spec.
fn about(server: &Server, spec: &dyn Spec) -> std::result::Result<Value, RuntimeError> {
    let (facts, limits) = (server.facts(), server.limits());
    let range = facts.range.as_ref();
    let spec: Value = serde_json::from_str(&spec.to_json()?).unwrap_or(Value::Null);
    Ok(json!({
        "scheme": server.client_spec().scheme().name(),
        "artifact": facts.artifact.to_string(),
        "key_binding": facts.binding.to_string(),
        "network": facts.network,
        "input_shape": facts.shape,
        "input_range": range.map(|range| [range.low, range.high]),
        "normalization": facts.normalization,
        "class_names": facts.classes,
        "images_per_request": facts.images,
        "encryption": facts.parameters,
        "security_bits": facts.security_bits,
        "evaluation_key_bytes": facts.evaluation_key_bytes,
        "most_key_bytes": limits.key_bytes,
        "most_request_bytes": limits.request_bytes,
        "client_spec": spec,
    }))
}

/// Which models are served, and with how much memory.
pub(crate) struct Terms {
    /// Only what this key has signed; anything where there is none.
    pub(crate) trusted: Option<PublicKey>,
    /// Most bytes of prepared constants of a model.
    pub(crate) constant_bytes: usize,
}

/// What the file of a model was when it was looked at.
#[derive(Clone, Copy, PartialEq)]
struct Stamp {
    bytes: u64,
    changed: Option<SystemTime>,
}

/// The models of a folder.
pub(crate) struct Catalog {
    folder: PathBuf,
    terms: Terms,
    /// Of each model the newest version first.
    models: RwLock<BTreeMap<String, Vec<Arc<Live>>>>,
}

/// What a look at the folder found.
#[derive(Default)]
pub(crate) struct Changes {
    /// Lines for the operator.
    pub(crate) lines: Vec<String>,
    /// Files that cannot be served, with the reason.
    pub(crate) problems: Vec<String>,
    /// Artifacts that answer no longer.
    pub(crate) gone: Vec<String>,
}

/// The files of a folder as they were at the last look.
#[derive(Default)]
pub(crate) struct Seen(BTreeMap<PathBuf, Stamp>);

impl Catalog {
    /// Of a folder, which is not looked at yet.
    pub(crate) fn new(folder: &Path, terms: Terms) -> Self {
        Self {
            folder: folder.to_owned(),
            terms,
            models: RwLock::default(),
        }
    }

    /// Looks at the folder and loads what is new, in the caller's rayon pool.
    pub(crate) fn look(&self, seen: &mut Seen) -> Result<Changes> {
        let mut changes = Changes::default();
        let failed = |e| ServeError::file(&self.folder, e);
        let mut there = BTreeMap::new();
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let is_artifact = path.extension().is_some_and(|e| e == "hemet");
            // A file that is being exchanged may be gone for a moment.
            if let (true, Ok(metadata)) = (is_artifact, fs::metadata(&path)) {
                let stamp = Stamp {
                    bytes: metadata.len(),
                    changed: metadata.modified().ok(),
                };
                there.insert(path, stamp);
            }
        }
        for (path, stamp) in &there {
            if seen.0.get(path) != Some(stamp) {
                self.take(path, &mut changes);
            }
        }
        for path in seen.0.keys().filter(|path| !there.contains_key(*path)) {
            self.drop_model(path, &mut changes);
        }
        seen.0 = there;
        Ok(changes)
    }

    /// Loads a file as the newest version of its model.
    fn take(&self, path: &Path, changes: &mut Changes) {
        let mut problem = |what: String| {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            changes.problems.push(format!("{file}: {what}"));
        };
        let Some(name) = model_name(path) else {
            problem(
                "a model's name has up to 100 letters, digits, `.`, `-` and `_`; rename it".into(),
            );
            return;
        };
        let live = match Live::load(&name, path, &self.terms) {
            Ok(live) => Arc::new(live),
            Err(error) => {
                problem(error.to_string());
                return;
            }
        };
        let mut models = self.models.write().unwrap_or_else(PoisonError::into_inner);
        let versions = models.entry(name).or_default();
        if versions
            .first()
            .is_some_and(|first| first.artifact == live.artifact)
        {
            return;
        }
        let (name, version) = (&live.name, live.version());
        changes
            .lines
            .push(format!("model {name} version {version} answers"));
        let notices = live.server.facts().notices();
        let warning = |notice| format!("warning: model {name}: {notice}");
        changes.lines.extend(notices.into_iter().map(warning));
        versions.retain(|other| other.artifact != live.artifact);
        versions.insert(0, Arc::clone(&live));
        let gone = versions.split_off(VERSIONS.min(versions.len()));
        changes
            .gone
            .extend(gone.iter().map(|live| live.artifact.clone()));
    }

    /// Its requests that run end; new ones are refused.
    fn drop_model(&self, path: &Path, changes: &mut Changes) {
        let mut models = self.models.write().unwrap_or_else(PoisonError::into_inner);
        let versions = model_name(path).and_then(|name| models.remove(&name));
        for live in versions.into_iter().flatten() {
            let (name, version) = (&live.name, live.version());
            changes
                .lines
                .push(format!("model {name} version {version} answers no longer"));
            changes.gone.push(live.artifact.clone());
        }
    }

    /// The names of all models.
    pub(crate) fn names(&self) -> Vec<String> {
        let models = self.models.read().unwrap_or_else(PoisonError::into_inner);
        models.keys().cloned().collect()
    }

    /// The versions of a model, the newest first; at least one.
    pub(crate) fn versions(&self, name: &str) -> std::result::Result<Vec<Arc<Live>>, Refusal> {
        let models = self.models.read().unwrap_or_else(PoisonError::into_inner);
        models.get(name).cloned().ok_or_else(|| {
            let names: Vec<&str> = models.keys().map(String::as_str).collect();
            Refusal::new(
                StatusCode::NOT_FOUND,
                format!(
                    "there is no such model; these are here: {}",
                    names.join(", ")
                ),
            )
        })
    }

    /// A version of a model, the newest where none is named.
    pub(crate) fn find(&self, which: &Which) -> std::result::Result<Arc<Live>, Refusal> {
        let versions = self.versions(&which.model)?;
        let fits = |live: &&Arc<Live>| match &which.version {
            Some(version) => live.version() == version,
            None => true,
        };
        versions.iter().find(fits).cloned().ok_or_else(|| {
            let names: Vec<&str> = versions.iter().map(|live| live.version()).collect();
            Refusal::new(
                StatusCode::NOT_FOUND,
                format!(
                    "the model has no such version; these answer: {}",
                    names.join(", ")
                ),
            )
        })
    }

    /// The metadata of a version, as the Open Inference Protocol has them.
    pub(crate) fn metadata(&self, live: &Live) -> std::result::Result<Value, Refusal> {
        let versions = self.versions(&live.name)?;
        let names: Vec<&str> = versions.iter().map(|live| live.version()).collect();
        let tensor = |name: &str| json!({ "name": name, "datatype": "UINT8", "shape": [-1] });
        Ok(json!({
            "name": live.name,
            "versions": names,
            "platform": "hemet",
            "inputs": [tensor(INPUT)],
            "outputs": [tensor(OUTPUT)],
            "parameters": live.about,
        }))
    }
}

/// The tensor that a request has: the bytes of an encrypted input.
pub(crate) const INPUT: &str = "encrypted_input";
/// The tensor that an answer has: the bytes of an encrypted output.
pub(crate) const OUTPUT: &str = "encrypted_output";

/// A model and perhaps a version, as a path names them.
#[derive(Clone, Debug, serde::Deserialize)]
pub(crate) struct Which {
    pub(crate) model: String,
    pub(crate) version: Option<String>,
}

fn model_name(path: &Path) -> Option<String> {
    let name = path.file_stem()?.to_str()?;
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    let short = (1..=MAX_NAME).contains(&name.len());
    (short && name.chars().all(fits)).then(|| name.to_owned())
}
