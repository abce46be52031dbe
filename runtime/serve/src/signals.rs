//! What asks a process to end: SIGTERM and SIGINT, and Ctrl-C where there are no signals.

use std::io;

/// Signals that are caught.
pub struct Signals {
    #[cfg(unix)]
    caught: [tokio::signal::unix::Signal; 2],
}

impl Signals {
    #[cfg(unix)]
    pub(crate) fn catch() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let caught = [
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        ];
        Ok(Self { caught })
    }

    #[cfg(not(unix))]
    pub(crate) fn catch() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(unix)]
    pub(crate) async fn wait(mut self) {
        use std::task::Poll;
        std::future::poll_fn(|context| {
            let mut caught = self.caught.iter_mut();
            match caught.any(|signal| signal.poll_recv(context).is_ready()) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }

    #[cfg(not(unix))]
    pub(crate) async fn wait(self) {
        // Without Ctrl-C there is nothing to wait for: whoever started the process ends it.
        let _ = tokio::signal::ctrl_c().await;
    }
}
