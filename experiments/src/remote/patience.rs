//! Trying again: requests are idempotent, so what was lost on the way is sent once more; a server that is busy says
//! when to come back.

use std::thread::sleep;
use std::time::{Duration, Instant};

use ureq::Body;
use ureq::http::Response;
use ureq::http::header::RETRY_AFTER;

use super::message;
use crate::error::Error;

/// How long a server that cannot be reached is tried.
const UNREACHABLE: Duration = Duration::from_secs(15);
/// How long a server that is busy is asked again.
const BUSY: Duration = Duration::from_secs(1800);
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Why a request has no good answer.
pub(super) enum Failure {
    /// The connection failed.
    Broken(String),
    /// The server has too much to do; try again after this time.
    Busy(Duration, String),
    /// An upload stands elsewhere: so many bytes have arrived.
    Elsewhere(u64),
    /// The server refuses.
    Refused(String),
}

impl Failure {
    /// Of an answer with a status that was not hoped for.
    pub(super) fn of(response: Response<Body>) -> Self {
        let status = response.status();
        let after = response.headers().get(RETRY_AFTER);
        let after = after.and_then(|value| value.to_str().ok()?.parse().ok());
        let (text, json) = message(response);
        match (after, json["received"].as_u64()) {
            (_, Some(received)) => Failure::Elsewhere(received),
            (Some(seconds), None) => Failure::Busy(Duration::from_secs(seconds), text),
            (None, None) => Failure::Refused(format!("the server answered {status}: {text}")),
        }
    }
}

impl From<ureq::Error> for Failure {
    fn from(error: ureq::Error) -> Self {
        if let ureq::Error::BodyExceedsLimit(most) = error {
            return Failure::Refused(format!("the server answered more than {most} bytes"));
        }
        // A certificate that is not trusted is not trusted later either.
        let untrusted = std::io::ErrorKind::InvalidData;
        let is_final = matches!(&error, ureq::Error::BadUri(_) | ureq::Error::Http(_))
            || matches!(&error, ureq::Error::Io(error) if error.kind() == untrusted);
        match is_final {
            true => Failure::Refused(error.to_string()),
            false => Failure::Broken(error.to_string()),
        }
    }
}

/// How long to go on trying.
pub(super) struct Patience<'a> {
    url: &'a str,
    begun: Instant,
    broken_since: Option<Instant>,
    wait: Duration,
}

impl<'a> Patience<'a> {
    /// For requests to `url`.
    pub(super) fn new(url: &'a str) -> Self {
        Self {
            url,
            begun: Instant::now(),
            broken_since: None,
            wait: FIRST_WAIT,
        }
    }

    /// Asks until there is an answer or no more hope.
    pub(super) fn with<T>(
        mut self,
        mut ask: impl FnMut() -> Result<T, Failure>,
    ) -> Result<T, Error> {
        loop {
            match ask() {
                Ok(answer) => return Ok(answer),
                Err(failure) => self.wait(failure)?,
            }
        }
    }

    /// Waits after a failure, or gives up.
    pub(super) fn wait(&mut self, failure: Failure) -> Result<(), Error> {
        let url = self.url;
        let (pause, why) = match failure {
            Failure::Refused(why) => return Err(Error::user(format!("{url}: {why}"))),
            Failure::Elsewhere(received) => {
                let what = format!(
                    "{url}: the upload stands at byte {received}, elsewhere than was thought"
                );
                return Err(Error::user(what));
            }
            Failure::Busy(..) if self.begun.elapsed() > BUSY => {
                return Err(Error::user(format!(
                    "{url}: the server is busy; try again later"
                )));
            }
            Failure::Busy(pause, why) => {
                self.broken_since = None;
                (
                    pause.min(LONGEST_WAIT),
                    format!("the server is busy ({why})"),
                )
            }
            Failure::Broken(why) => {
                let since = *self.broken_since.get_or_insert_with(Instant::now);
                if since.elapsed() > UNREACHABLE {
                    return Err(Error::user(format!(
                        "{url}: {why}; does the server run there? The same command tries again and goes on where it stopped"
                    )));
                }
                let pause = self.wait;
                self.wait = (self.wait * 2).min(LONGEST_WAIT);
                (pause, why)
            }
        };
        // A server that is starting is not worth a word.
        if self.begun.elapsed() > Duration::from_secs(2) {
            eprintln!("{why}; trying again in {:.1} s", pause.as_secs_f64());
        }
        sleep(pause);
        Ok(())
    }
}
