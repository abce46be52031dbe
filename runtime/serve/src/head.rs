//! Requests whose head never ends: the HTTP library closes such connections without a word, here they get an answer.

use std::future::poll_fn;
use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection that knows whether it holds bytes of a request whose head has not ended, and can be written to when
/// the HTTP library has given it up.
pub(crate) struct Connection<S> {
    stream: Arc<Mutex<S>>,
    begun: Arc<AtomicBool>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// The connection, and the same one again for a last answer.
    pub(crate) fn new(stream: S) -> (Self, Self) {
        let stream = Arc::new(Mutex::new(stream));
        let begun = Arc::new(AtomicBool::new(false));
        let kept = Connection {
            stream: Arc::clone(&stream),
            begun: Arc::clone(&begun),
        };
        (Connection { stream, begun }, kept)
    }

    /// The flag that a head has begun and not ended; whoever has read a whole one clears it.
    pub(crate) fn begun(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.begun)
    }

    fn stream(&self) -> MutexGuard<'_, S> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a head that has begun and came to no end: 408 where it was too slow, 400 where it was cut off.
    pub(crate) async fn answer_unended(mut self, error: &hyper::Error) -> Option<StatusCode> {
        let status = match (error.is_timeout(), error.is_incomplete_message()) {
            (true, _) => StatusCode::REQUEST_TIMEOUT,
            (false, true) => StatusCode::BAD_REQUEST,
            (false, false) => return None,
        };
        if !self.begun.load(Ordering::Relaxed) {
            return None;
        }
        let message = r#"{"error":"the head of the request did not end; send all headers and an empty line at once"}"#;
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{message}",
            message.len()
        );
        // The client may be gone. So few bytes go out at once or not at all.
        let written = poll_fn(|context| Pin::new(&mut self).poll_write(context, answer.as_bytes()));
        written.await.ok()?;
        let ended = poll_fn(|context| Pin::new(&mut self).poll_shutdown(context));
        ended.await.ok()?;
        Some(status)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let before = buffer.filled().len();
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        let polled = Pin::new(&mut *stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.begun.store(true, Ordering::Relaxed);
        }
        polled
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        // What was read before an answer belonged to the request that it answers.
        self.begun.store(false, Ordering::Relaxed);
        Pin::new(&mut *self.stream()).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        self.begun.store(false, Ordering::Relaxed);
        Pin::new(&mut *self.stream()).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut *self.stream()).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut *self.stream()).poll_shutdown(context)
    }
}
