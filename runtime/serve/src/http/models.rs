//! What models are here, and what their clients must know.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::json;
use crate::app::App;
use crate::error::Refusal;
use crate::models::Which;

/// `GET /v2/models`: the names of all.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    app.tenants.of(&headers)?;
    Ok(json(&json!({ "models": app.catalog.names() })))
}

/// `GET /v2/models/{model}`: metadata.
pub(super) async fn metadata(
    State(app): State<Arc<App>>,
    Path(which): Path<Which>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    app.tenants.of(&headers)?;
    let live = app.catalog.find(&which)?;
    Ok(json(&app.catalog.metadata(&live)?))
}

/// `GET /v2/models/{model}/ready`: it is loaded.
pub(super) async fn ready(
    State(app): State<Arc<App>>,
    Path(which): Path<Which>,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    app.tenants.of(&headers)?;
    app.catalog.find(&which).map(|_| StatusCode::OK)
}

/// `GET /v2/models/{model}/spec`: the file that clients make keys from.
pub(super) async fn spec(
    State(app): State<Arc<App>>,
    Path(which): Path<Which>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    app.tenants.of(&headers)?;
    let live = app.catalog.find(&which)?;
    let kind = [(CONTENT_TYPE, "application/octet-stream")];
    Ok((kind, live.spec.clone()).into_response())
}
