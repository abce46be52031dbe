//! Progress of long work: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use hemet_reports::number;
use indicatif::{ProgressBar, ProgressStyle};

use crate::print::{one_line, visible};

/// Shows how far a piece of work with a known number of steps has come.
pub struct Progress {
    kind: Kind,
    title: &'static str,
}

enum Kind {
    Bar(ProgressBar),
    Lines {
        total: u64,
        /// Steps that were done before the work began here.
        begin: u64,
        start: Instant,
        last: Option<Instant>,
    },
    Silent,
}

/// Without a terminal, lines come at most this often (and one at the end).
const LINE_INTERVAL: Duration = Duration::from_secs(5);

impl Progress {
    /// Work of `total` steps. `quiet` shows nothing (for output that scripts read).
    pub fn new(title: &'static str, total: u64, quiet: bool) -> Self {
        let kind = if quiet {
            Kind::Silent
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(total);
            let style = ProgressStyle::with_template(
                // One line, whatever the message: what does not fit the terminal is cut off.
                "{prefix:>10} [{bar:12}] {percent:>3} %  {elapsed} gone, {eta} left  {wide_msg}",
            )
            .expect("the template is well-formed")
            .progress_chars("=> ");
            bar.set_style(style);
            bar.set_prefix(title);
            bar.enable_steady_tick(Duration::from_millis(500));
            Kind::Bar(bar)
        } else {
            Kind::Lines {
                total,
                begin: 0,
                start: Instant::now(),
                last: None,
            }
        };
        Self { kind, title }
    }

    /// The work goes on: `done` steps are of an earlier time and say nothing of how long the others will take.
    pub fn begin_at(&mut self, done: u64) {
        match &mut self.kind {
            Kind::Bar(bar) => {
                bar.set_position(done);
                bar.reset_eta();
            }
            Kind::Lines { begin, .. } => *begin = done,
            Kind::Silent => {}
        }
    }

    /// `done` steps are done; `message` says what is going on.
    pub fn set(&mut self, done: u64, message: &str) {
        match &mut self.kind {
            Kind::Bar(bar) => {
                bar.set_position(done);
                bar.set_message(one_line(message));
            }
            Kind::Lines {
                total,
                begin,
                start,
                last,
            } => {
                let due = last.is_none_or(|last| last.elapsed() >= LINE_INTERVAL);
                if due || done == *total {
                    *last = Some(Instant::now());
                    let gone = start.elapsed().as_secs_f64();
                    let left = match done.saturating_sub(*begin) {
                        0 => String::new(),
                        here => {
                            let left = gone / here as f64 * total.saturating_sub(done) as f64;
                            format!(", about {} left", number::duration(left))
                        }
                    };
                    let percent = done * 100 / (*total).max(1);
                    let gone = number::duration(gone);
                    eprintln!(
                        "{:>10} {percent:>3} %  {message}  ({gone}{left})",
                        self.title
                    );
                }
            }
            Kind::Silent => {}
        }
    }

    /// A line that stays, above the bar.
    pub fn note(&self, line: &str) {
        match &self.kind {
            Kind::Bar(bar) => bar.println(visible(line)),
            Kind::Lines { .. } => eprintln!("{line}"),
            Kind::Silent => {}
        }
    }

    /// The work is over; the bar goes away.
    pub fn finish(self) {
        if let Kind::Bar(bar) = self.kind {
            bar.finish_and_clear();
        }
    }
}
