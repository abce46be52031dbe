//! Whether the server lives and is ready, what it is, and its figures.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use hemet_runtime::peak_memory_bytes;
use serde_json::json;

use super::json;
use crate::app::App;
use crate::error::Refusal;
use crate::metrics::Now;

/// `GET /v2`: the server's metadata.
pub(super) async fn server() -> Response {
    json(&json!({
        "name": "hemet",
        "version": env!("CARGO_PKG_VERSION"),
        "extensions": ["binary_tensor_data", "model_repository"],
    }))
}

/// `GET /v2/health/live`: it answers, so it lives.
pub(super) async fn live() -> StatusCode {
    StatusCode::OK
}

/// `GET /v2/health/ready`: models are loaded and it does not end.
pub(super) async fn ready(State(app): State<Arc<App>>) -> StatusCode {
    let is_ready = !app.is_ending.load(Ordering::Relaxed) && !app.catalog.names().is_empty();
    match is_ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// `GET /metrics`: figures for Prometheus.
pub(super) async fn metrics(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    app.tenants.check_metrics(&headers)?;
    let cache = app.cache.figures();
    let now = Now {
        queue: app.queue.len(),
        running: app.queue.running(),
        connections: app.connections.load(Ordering::Relaxed),
        cached_bytes: cache.bytes,
        cache_hits: cache.hits,
        cache_misses: cache.misses,
        stored_bytes: app.store.bytes(),
        peak_memory_bytes: peak_memory_bytes(),
    };
    let kind = [(CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok((kind, app.metrics.text(&now)).into_response())
}
