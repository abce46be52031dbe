//! The interface over HTTP: the list of its routes, and what they share.

mod body;
mod health;
mod infer;
mod keys;
mod models;
mod tensor;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use serde_json::Value;

use crate::app::App;
use crate::error::Refusal;

/// A path and what answers there.
pub(crate) struct Route {
    pub(crate) path: &'static str,
    /// Its methods, as `openapi.yaml` has them.
    pub(crate) methods: &'static [&'static str],
    handler: fn() -> MethodRouter<Arc<App>>,
}

macro_rules! route {
    ($path:literal, $methods:expr, $handler:expr) => {
        Route {
            path: $path,
            methods: &$methods,
            handler: || $handler,
        }
    };
}

/// Every route; `openapi.yaml` describes them.
pub(crate) const ROUTES: &[Route] = &[
    route!("/v2", ["get"], get(health::server)),
    route!("/v2/health/live", ["get"], get(health::live)),
    route!("/v2/health/ready", ["get"], get(health::ready)),
    route!("/v2/models", ["get"], get(models::list)),
    route!("/v2/models/{model}", ["get"], get(models::metadata)),
    route!("/v2/models/{model}/ready", ["get"], get(models::ready)),
    route!("/v2/models/{model}/spec", ["get"], get(models::spec)),
    route!("/v2/models/{model}/infer", ["post"], post(infer::infer)),
    route!(
        "/v2/models/{model}/versions/{version}",
        ["get"],
        get(models::metadata)
    ),
    route!(
        "/v2/models/{model}/versions/{version}/ready",
        ["get"],
        get(models::ready)
    ),
    route!(
        "/v2/models/{model}/versions/{version}/spec",
        ["get"],
        get(models::spec)
    ),
    route!(
        "/v2/models/{model}/versions/{version}/infer",
        ["post"],
        post(infer::infer)
    ),
    route!("/v2/models/{model}/keys", ["get"], get(keys::list)),
    route!(
        "/v2/models/{model}/keys/{keys}",
        ["delete", "get", "put"],
        get(keys::state).put(keys::put).delete(keys::delete)
    ),
    route!("/metrics", ["get"], get(health::metrics)),
];

/// The router of all routes.
pub(crate) fn router(app: Arc<App>) -> Router {
    let add = |router: Router<Arc<App>>, route: &Route| router.route(route.path, (route.handler)());
    let unknown = || async { Refusal::new(StatusCode::NOT_FOUND, "there is nothing at this path") };
    let wrong = || async {
        let message = "this path does not take this method";
        Refusal::new(StatusCode::METHOD_NOT_ALLOWED, message)
    };
    ROUTES
        .iter()
        .fold(Router::new(), add)
        .fallback(unknown)
        .method_not_allowed_fallback(wrong)
        .with_state(app)
}

/// A response of JSON.
fn json(value: &Value) -> Response {
    ([(CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

/// Runs work that computes or waits for the disk on a thread of its own. A panic in it is a failed request and no
/// more. When the request is given up, the work goes on to its end and holds its place until then.
async fn blocking<T: Send + 'static>(
    app: &App,
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => {
            app.metrics.panicked();
            app.tell("a request failed by a fault of the program; please report it");
            Err(Refusal::internal())
        }
    }
}
