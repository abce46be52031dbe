//! Connections: accepted up to a number, encrypted where there is a certificate, read within bounds of time and size,
//! ended in order.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tower_service::Service;

use crate::app::App;
use crate::error::Refusal;
use crate::head::Connection;
use crate::http::router;

/// Most headers of a request.
const MAX_HEADERS: usize = 64;
/// Most bytes of its line and headers.
const MAX_HEAD_BYTES: usize = 32 << 10;
/// After the system refuses a connection (too many open files), the next one is tried so much later.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections for ever.
pub(crate) async fn accept(app: Arc<App>, listener: TcpListener, open: Arc<GracefulShutdown>) {
    let router = router(app.clone());
    let room = Arc::new(Semaphore::new(app.limits.connections));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                app.tell(&format!("a connection was not accepted: {error}"));
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let (app, router, watcher) = (app.clone(), router.clone(), open.watcher());
        tokio::spawn(async move {
            app.connections.fetch_add(1, Ordering::Relaxed);
            encrypted(&app, stream, router, watcher).await;
            app.connections.fetch_sub(1, Ordering::Relaxed);
            drop(permit);
        });
    }
}

/// Answers the requests of a connection, over TLS where there is a certificate.
async fn encrypted(app: &Arc<App>, stream: TcpStream, router: Router, watcher: Watcher) {
    // Answers are written whole; waiting for more would only delay them.
    let _ = stream.set_nodelay(true);
    let Some(tls) = &app.tls else {
        return connection(app, stream, router, watcher).await;
    };
    let within = Duration::from_secs(app.limits.stall_s);
    // A client that speaks no TLS, or too slowly, hears nothing.
    if let Ok(Ok(stream)) = timeout(within, tls.acceptor().accept(stream)).await {
        connection(app, stream, router, watcher).await;
    }
}

/// Answers the requests of a connection, one after the other.
async fn connection(
    app: &Arc<App>,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    router: Router,
    watcher: Watcher,
) {
    let (stream, kept) = Connection::new(stream);
    let begun = stream.begun();
    let service = service_fn(|request: Request<Incoming>| {
        begun.store(false, Ordering::Relaxed);
        let (app, mut router) = (app.clone(), router.clone());
        async move {
            let answered = whole(async move { router.call(request).await }).await;
            let response: Response = match answered {
                Some(Ok(response)) => response,
                Some(Err(never)) => match never {},
                None => {
                    app.metrics.panicked();
                    app.tell("a request failed by a fault of the program; please report it");
                    Refusal::internal().into_response()
                }
            };
            app.metrics.status(response.status().as_u16());
            Ok::<_, Infallible>(response)
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(app.limits.stall_s))
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let within = Duration::from_secs(app.limits.stall_s);
    if let Err(error) = watcher.watch(served).await
        && let Ok(Some(status)) = timeout(within, kept.answer_unended(&error)).await
    {
        app.metrics.status(status.as_u16());
    }
}

/// A future's result; none if it panics.
async fn whole<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(move |context| {
        let poll = AssertUnwindSafe(|| future.as_mut().poll(context));
        match catch_unwind(poll) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Some(value)),
            Err(_) => Poll::Ready(None),
        }
    })
    .await
}
