//! Ctrl-C: what is done by then, and how to go on.
//!
//! Files are written whole or not at all and journals end in whole lines, so the program may end at any moment; a
//! person only wants to know what was kept.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

type Words = Box<dyn Fn() -> String + Send>;

/// What is said now; none where the program just ends.
static WORDS: Mutex<Option<Words>> = Mutex::new(None);

/// While it lives, Ctrl-C and SIGTERM end the program with its words.
pub struct Told {
    _private: (),
}

impl Told {
    /// Says `words` where the program is interrupted, in place of what was said before. Where the system takes no
    /// handler, it ends without them.
    pub fn on_interrupt(words: impl Fn() -> String + Send + 'static) -> Self {
        let mut said = WORDS.lock().unwrap_or_else(PoisonError::into_inner);
        *said = Some(Box::new(words));
        drop(said);
        listen();
        Self { _private: () }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        *WORDS.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Listens once for the whole program.
fn listen() {
    static LISTENS: std::sync::Once = std::sync::Once::new();
    LISTENS.call_once(|| {
        if let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) {
            std::thread::spawn(move || {
                if let Some(signal) = signals.forever().next() {
                    end(signal);
                }
            });
        }
    });
}

/// Ends as a program that a signal ended: with status 128 and its number.
fn end(signal: i32) -> ! {
    let words = WORDS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(words) = &*words {
        // Behind a line of progress.
        let _ = writeln!(std::io::stderr(), "\n{}", words());
    }
    std::process::exit(128 + signal)
}
