//! A service for encrypted predictions over HTTP, by the Open Inference Protocol (v2): the models of a folder, the
//! evaluation keys of many clients, one bounded queue.
//!
//! ```text
//! client: GET spec ─► keygen ─► PUT keys/HASH, piece by piece ─► POST infer ─► decrypt
//! server:  Catalog                Store ─► KeyCache                Queue ─► Server::answer
//! ```
//!
//! `openapi.yaml` describes the interface. A server holds no type that contains a secret key, and contains neither
//! compiler nor training. Libraries read no clock and print nothing: whoever starts a server gives both.

mod app;
#[cfg(feature = "s3")]
mod bucket;
mod cache;
mod config;
mod error;
mod head;
mod http;
mod key_name;
mod listen;
mod log;
mod metrics;
mod models;
pub mod options;
mod pools;
mod queue;
#[cfg_attr(
    not(feature = "s3"),
    allow(dead_code, reason = "only a store makes these, and none is built in")
)]
mod shared_store;
mod signals;
mod store;
mod tenants;
mod tls;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::app::App;

pub use config::{BucketPlace, Config, Host, Limits};
pub use error::{Result, ServeError};
pub use log::{Clock, Lines};
pub use signals::Signals;
pub use tls::TlsFiles;

/// The paths of the interface, each with its methods in lower case.
pub fn routes() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    http::ROUTES.iter().map(|route| (route.path, route.methods))
}

/// How often the folder of models is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Loads everything that a server with this configuration would, and starts none.
///
/// # Errors
/// As [`Serving::start`].
pub fn check(config: &Config) -> Result<Vec<String>> {
    Ok(App::open(config)?.catalog.names())
}

/// A server that runs.
pub struct Serving {
    app: Arc<App>,
    runtime: Runtime,
    address: SocketAddr,
    accepting: JoinHandle<()>,
    connections: Arc<GracefulShutdown>,
}

impl Serving {
    /// Loads the models and answers on `listener`, until [`Serving::end`].
    ///
    /// # Errors
    /// Folders or tokens that cannot be used, no model that can be served, what the system refuses.
    pub fn start(config: &Config, listener: TcpListener) -> Result<Self> {
        let app = Arc::new(App::open(config)?);
        let system = |what| move |source| ServeError::System { what, source };
        let address = listener
            .local_addr()
            .map_err(system("the address to listen on"))?;
        listener
            .set_nonblocking(true)
            .map_err(system("the socket"))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(system("starting threads"))?;
        let inside = runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener).map_err(system("the socket"))?;
        drop(inside);
        let connections = Arc::new(GracefulShutdown::new());
        let accepting = listen::accept(app.clone(), listener, connections.clone());
        let accepting = runtime.spawn(accepting);
        runtime.spawn(look_again(app.clone()));
        Ok(Self {
            app,
            runtime,
            address,
            accepting,
            connections,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The names of its models.
    pub fn models(&self) -> Vec<String> {
        self.app.catalog.names()
    }

    /// Catches from now on what asks the process to end (SIGTERM and SIGINT).
    ///
    /// # Errors
    /// If the system refuses.
    pub fn catch_signals(&self) -> Result<Signals> {
        let _inside = self.runtime.enter();
        Signals::catch().map_err(|source| ServeError::System {
            what: "catching signals",
            source,
        })
    }

    /// Waits until the process is asked to end.
    pub fn wait(&self, signals: Signals) {
        self.runtime.block_on(signals.wait());
    }

    /// Ends: nothing new is accepted, requests that run are answered, for as long as the limits say.
    pub fn end(self) {
        self.app.is_ending.store(true, Ordering::Relaxed);
        self.accepting.abort();
        let within = Duration::from_secs(self.app.limits.end_s);
        let connections = self.connections;
        let ended = self.runtime.block_on(async {
            // The listener goes first, so that nobody connects to a server that no longer accepts.
            let _ = self.accepting.await;
            match Arc::into_inner(connections) {
                Some(open) => tokio::time::timeout(within, open.shutdown()).await.is_ok(),
                None => false,
            }
        });
        if !ended {
            self.app
                .tell("some requests were not answered in time and end with the server");
        }
        // What computes still is of clients that have gone or had their time.
        self.runtime.shutdown_background();
    }
}

/// Looks at the folder of models again and again.
async fn look_again(app: Arc<App>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let looking = app.clone();
        let looked = tokio::task::spawn_blocking(move || {
            looking.look_at_certificate();
            looking.look().err()
        });
        match looked.await {
            Ok(None) => {}
            Ok(Some(error)) => app.tell(&format!("the models cannot be looked at: {error}")),
            Err(_) => {
                app.tell("looking at the models failed by a fault of the program; please report it")
            }
        }
    }
}
