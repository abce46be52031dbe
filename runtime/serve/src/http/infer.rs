//! An encrypted prediction: a place in the queue, the body, a turn, the answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use hemet_runtime::files::{FileKind, artifact_of};
use hemet_runtime::{Moment, Progress};
use tokio::time::timeout;

use super::blocking;
use super::body::{Bounds, drain, read};
use super::keys::hash_of;
use super::tensor::{Answer, Call, JSON_FACTOR, MAX_HEAD_BYTES};
use crate::app::App;
use crate::error::Refusal;
use crate::key_name::KeyName;
use crate::log::Entry;
use crate::metrics::Answered;
use crate::models::{Live, Which};
use crate::queue::Place;

/// `POST /v2/models/{model}/infer`: runs a model on an encrypted input, under keys that were uploaded before.
pub(super) async fn infer(
    State(app): State<Arc<App>>,
    Path(which): Path<Which>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let begin = || {
        let tenant = app.tenants.of(&headers)?;
        let versions = match which.version {
            Some(_) => vec![app.catalog.find(&which)?],
            None => app.catalog.versions(&which.model)?,
        };
        Ok((tenant, versions, app.queue.enter()?))
    };
    let (tenant, versions, place) = match begin() {
        Ok(begun) => begun,
        Err(refusal) => {
            drain(body).await;
            return Err(refusal);
        }
    };
    let begun_s = app.now().as_secs_f64();
    let body = read(&headers, body, bounds(&app, &versions, &headers)).await?;
    let call = Call::read(&headers, body)?;
    let live = version_of(&call, versions)?;
    let name = KeyName {
        tenant,
        artifact: live.artifact.clone(),
        binding: live.binding.clone(),
        hash: hash_of(&call.keys)?,
    };
    let request_bytes = call.request.len() as u64;
    let work = Work { live, name, call };
    let (live, name) = (work.live.clone(), work.name.clone());
    let within = Duration::from_secs(app.limits.answer_s);
    let outcome = timeout(within, answer(app.clone(), place, work)).await;
    let outcome = outcome.unwrap_or_else(|_| {
        let message = "the answer took too long; try again when the server has less to do";
        Err(Refusal::busy(
            StatusCode::SERVICE_UNAVAILABLE,
            message,
            app.queue.wait_s(),
        ))
    });
    let (status, answer_bytes) = match &outcome {
        Ok((_, bytes)) => (200, *bytes),
        Err(refusal) => (refusal.status.as_u16(), 0),
    };
    let done = Done {
        begun_s,
        request_bytes,
        answer_bytes,
        status,
    };
    note(&app, &live, &name, &done);
    outcome.map(|(response, _)| response)
}

/// What the audit log is told.
struct Done {
    begun_s: f64,
    request_bytes: u64,
    answer_bytes: u64,
    status: u16,
}

fn note(app: &App, live: &Live, name: &KeyName, done: &Done) {
    let time_s = app.now().as_secs_f64();
    app.audit.add(&Entry {
        time_s,
        tenant: name.tenant.name(),
        action: "infer",
        model: &live.name,
        artifact: &name.artifact,
        keys: &name.hash.to_hex(),
        bytes_in: done.request_bytes,
        bytes_out: done.answer_bytes,
        ms: (time_s - done.begun_s) * 1e3,
        status: done.status,
    });
}

/// How much of a body is read for any of these versions.
fn bounds(app: &App, versions: &[Arc<Live>], headers: &HeaderMap) -> Bounds {
    let limits = versions
        .iter()
        .map(|live| live.server.limits().request_bytes);
    let most = limits.max().unwrap_or(0);
    let factor = if Call::is_binary(headers) {
        1
    } else {
        JSON_FACTOR
    };
    Bounds {
        bytes: most.saturating_mul(factor).saturating_add(MAX_HEAD_BYTES),
        stall_s: app.limits.stall_s,
    }
}

/// The version that a request was encrypted for.
fn version_of(call: &Call, versions: Vec<Arc<Live>>) -> Result<Arc<Live>, Refusal> {
    let artifact = artifact_of(&call.request, FileKind::Request)?.to_string();
    let found = versions.into_iter().find(|live| live.artifact == artifact);
    found.ok_or_else(|| {
        Refusal::new(
            StatusCode::CONFLICT,
            format!(
                "the input was encrypted for artifact {artifact}, which does not answer here (any longer); fetch the model's \
                 spec and encrypt for it"
            ),
        )
    })
}

/// What is to be computed.
struct Work {
    live: Arc<Live>,
    name: KeyName,
    call: Call,
}

/// Waits for the turn and computes; the response, and the bytes of the encrypted output.
async fn answer(app: Arc<App>, place: Place, work: Work) -> Result<(Response, u64), Refusal> {
    if app.store.is_shared() {
        bring(&app, &work).await?;
    }
    let waiting_s = app.now().as_secs_f64();
    let turn = app.queue.turn(place).await?;
    let begun_s = app.now().as_secs_f64();
    let inside = app.clone();
    let computed = blocking(&app, move || {
        let _turn = turn;
        let (bytes, layers_s) = compute(&inside, &work)?;
        Ok((work, bytes, layers_s))
    });
    let (work, bytes, layers_s) = computed.await?;
    let took_s = app.now().as_secs_f64() - begun_s;
    app.queue.took(took_s);
    let answer_bytes = bytes.len() as u64;
    app.metrics.answered(Answered {
        model: &work.live.name,
        waited_s: begun_s - waiting_s,
        took_s,
        request_bytes: work.call.request.len() as u64,
        answer_bytes,
        layers_s,
    });
    let response = work.call.answer(Answer {
        model: &work.live.name,
        version: work.live.version(),
        ms: took_s * 1e3,
        bytes,
    });
    Ok((response, answer_bytes))
}

/// Sees to it that shared keys are here before their request has its turn: the store may be slow.
async fn bring(app: &Arc<App>, work: &Work) -> Result<(), Refusal> {
    let inside = (app.clone(), work.name.clone());
    if blocking(app, move || inside.0.store.confirm(&inside.1)).await? {
        return Ok(());
    }
    // As for uploads: whole keys are in memory while they are checked.
    let checking = Arc::clone(&app.checks).acquire_owned().await;
    let _checking = checking.map_err(|_| Refusal::internal())?;
    let (inside, live, name) = (app.clone(), work.live.clone(), work.name.clone());
    let fetch = move || inside.store.fetch(&name, &live.server, &inside.pools);
    match blocking(app, fetch).await? {
        true => Ok(()),
        false => Err(no_keys()),
    }
}

fn no_keys() -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "there are no such keys for this model; upload them first",
    )
}

/// The encrypted output, and the seconds that each layer took.
fn compute(app: &App, work: &Work) -> Result<(Vec<u8>, BTreeMap<String, f64>), Refusal> {
    let Work { live, name, call } = work;
    let Some(key_bytes) = app.store.bytes_here(name)? else {
        return Err(match app.store.is_shared() {
            // Copies of others have made room for themselves since.
            true => Refusal::busy(StatusCode::SERVICE_UNAVAILABLE, "try again", 1),
            false => no_keys(),
        });
    };
    let answer = || {
        let path = app.store.kept(name);
        let keys = app
            .cache
            .get(name, key_bytes, || Ok(live.server.kept_keys(&path)?))?;
        let mut layers_s = BTreeMap::new();
        let mut begun_s = BTreeMap::new();
        let mut observe = |step: &Progress<'_>| {
            let now_s = app.now().as_secs_f64();
            match step.moment {
                Moment::Begin => {
                    begun_s.insert(step.instruction, now_s);
                }
                Moment::End => {
                    let begun = begun_s.remove(&step.instruction).unwrap_or(now_s);
                    match layers_s.get_mut(step.layer) {
                        Some(seconds) => *seconds += now_s - begun,
                        None => {
                            layers_s.insert(step.layer.to_owned(), now_s - begun);
                        }
                    }
                }
            }
        };
        let bytes = live.server.answer(&keys, &call.request, &mut observe);
        Ok((bytes.map_err(|e| told(app, e))?, layers_s))
    };
    match app.queue.is_shared(app.now()) {
        true => app.pools.beside(answer),
        false => app.pools.alone(answer),
    }
}

/// What failed in the server's own work is told to the operator; the client hears only that it failed.
fn told(app: &App, error: hemet_runtime::RuntimeError) -> Refusal {
    let text = error.to_string();
    let refusal = Refusal::from(error);
    if refusal.status.is_server_error() {
        app.tell(&format!("a request failed: {text}"));
    }
    refusal
}
