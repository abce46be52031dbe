//! Figures for Prometheus, in its text format (version 0.0.4). No label names a tenant.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Upper ends of the buckets for times, in seconds.
const BUCKETS_S: [f64; 12] = [
    0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0,
];

/// Counters; what can be asked for at any time comes in [`Now`].
#[derive(Default)]
pub(crate) struct Metrics(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    /// By status.
    requests: BTreeMap<u16, u64>,
    /// By model.
    answers: BTreeMap<String, Times>,
    /// By model and layer.
    layers_s: BTreeMap<(String, String), f64>,
    waited: Times,
    key_bytes: u64,
    request_bytes: u64,
    answer_bytes: u64,
    panics: u64,
}

/// How often something took how long.
#[derive(Clone, Default)]
struct Times {
    /// Of each bucket alone.
    buckets: [u64; BUCKETS_S.len()],
    count: u64,
    sum_s: f64,
}

impl Times {
    fn add(&mut self, seconds: f64) {
        if let Some(at) = BUCKETS_S.iter().position(|most| seconds <= *most) {
            self.buckets[at] += 1;
        }
        self.count += 1;
        self.sum_s += seconds;
    }

    fn write(&self, text: &mut String, name: &str, label: &str) {
        let comma = if label.is_empty() { "" } else { "," };
        let mut count = 0;
        for (most, here) in BUCKETS_S.iter().zip(self.buckets) {
            count += here;
            line(
                text,
                &format!("{name}_bucket{{{label}{comma}le=\"{most}\"}}"),
                count as f64,
            );
        }
        line(
            text,
            &format!("{name}_bucket{{{label}{comma}le=\"+Inf\"}}"),
            self.count as f64,
        );
        let braces = if label.is_empty() {
            String::new()
        } else {
            format!("{{{label}}}")
        };
        line(text, &format!("{name}_sum{braces}"), self.sum_s);
        line(text, &format!("{name}_count{braces}"), self.count as f64);
    }
}

/// What an answer took.
pub(crate) struct Answered<'a> {
    pub(crate) model: &'a str,
    pub(crate) waited_s: f64,
    pub(crate) took_s: f64,
    pub(crate) request_bytes: u64,
    pub(crate) answer_bytes: u64,
    /// Seconds by layer.
    pub(crate) layers_s: BTreeMap<String, f64>,
}

/// Figures of the moment at which the metrics are asked for.
pub(crate) struct Now {
    pub(crate) queue: usize,
    pub(crate) running: usize,
    pub(crate) connections: usize,
    pub(crate) cached_bytes: u64,
    pub(crate) cache_hits: u64,
    pub(crate) cache_misses: u64,
    pub(crate) stored_bytes: u64,
    pub(crate) peak_memory_bytes: Option<u64>,
}

impl Metrics {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request was answered with a status.
    pub(crate) fn status(&self, status: u16) {
        *self.counts().requests.entry(status).or_default() += 1;
    }

    /// A piece of keys has arrived.
    pub(crate) fn uploaded(&self, bytes: u64) {
        self.counts().key_bytes += bytes;
    }

    /// A request failed by a fault of the program.
    pub(crate) fn panicked(&self) {
        self.counts().panics += 1;
    }

    /// An encrypted answer was given.
    pub(crate) fn answered(&self, answered: Answered<'_>) {
        let mut counts = self.counts();
        let model = answered.model.to_owned();
        counts.waited.add(answered.waited_s);
        counts.request_bytes += answered.request_bytes;
        counts.answer_bytes += answered.answer_bytes;
        for (layer, seconds) in answered.layers_s {
            *counts.layers_s.entry((model.clone(), layer)).or_default() += seconds;
        }
        counts
            .answers
            .entry(model)
            .or_default()
            .add(answered.took_s);
    }

    /// All figures as text.
    pub(crate) fn text(&self, now: &Now) -> String {
        let counts = self.counts();
        let mut text = String::new();
        counts.write_series(&mut text);
        for (kind, figures) in [("counter", COUNTERS), ("gauge", GAUGES)] {
            for (name, help, value) in figures {
                head(&mut text, name, kind, help);
                line(&mut text, name, value(&counts, now) as f64);
            }
        }
        text
    }
}

/// A figure: its name, what it is, its value.
type Figure = (&'static str, &'static str, fn(&Counts, &Now) -> u64);

/// Figures that only grow.
const COUNTERS: &[Figure] = &[
    (
        "hemet_key_bytes_total",
        "Bytes of evaluation keys that have arrived.",
        |counts, _| counts.key_bytes,
    ),
    (
        "hemet_request_bytes_total",
        "Bytes of encrypted inputs.",
        |counts, _| counts.request_bytes,
    ),
    (
        "hemet_answer_bytes_total",
        "Bytes of encrypted outputs.",
        |counts, _| counts.answer_bytes,
    ),
    (
        "hemet_panics_total",
        "Requests that failed by a fault of the program.",
        |counts, _| counts.panics,
    ),
    (
        "hemet_key_cache_hits_total",
        "Requests whose keys were in memory.",
        |_, now| now.cache_hits,
    ),
    (
        "hemet_key_cache_misses_total",
        "Requests whose keys were loaded.",
        |_, now| now.cache_misses,
    ),
];

/// Figures of the moment.
const GAUGES: &[Figure] = &[
    (
        "hemet_queue_length",
        "Requests that are waiting or computed.",
        |_, now| now.queue as u64,
    ),
    ("hemet_running", "Requests that are computed.", |_, now| {
        now.running as u64
    }),
    ("hemet_connections", "Open connections.", |_, now| {
        now.connections as u64
    }),
    (
        "hemet_key_cache_bytes",
        "Bytes on disk of the keys in memory.",
        |_, now| now.cached_bytes,
    ),
    (
        "hemet_store_bytes",
        "Bytes of keys and uploads on disk.",
        |_, now| now.stored_bytes,
    ),
    (
        "hemet_peak_memory_bytes",
        "Most memory of the process; 0 if not known.",
        |_, now| now.peak_memory_bytes.unwrap_or(0),
    ),
];

impl Counts {
    /// Figures of which there are several, by their labels.
    fn write_series(&self, text: &mut String) {
        let name = "hemet_requests_total";
        head(text, name, "counter", "Requests by HTTP status.");
        for (status, count) in &self.requests {
            line(
                text,
                &format!("{name}{{status=\"{status}\"}}"),
                *count as f64,
            );
        }
        let name = "hemet_answer_seconds";
        head(
            text,
            name,
            "histogram",
            "Time to compute an encrypted answer, waiting left out.",
        );
        for (model, times) in &self.answers {
            times.write(text, name, &format!("model=\"{}\"", escaped(model)));
        }
        let name = "hemet_wait_seconds";
        head(
            text,
            name,
            "histogram",
            "Time that a request waited for its turn.",
        );
        self.waited.write(text, name, "");
        let name = "hemet_layer_seconds_total";
        head(
            text,
            name,
            "counter",
            "Time in the instructions of a layer, side by side ones added up.",
        );
        for ((model, layer), seconds) in &self.layers_s {
            let (model, layer) = (escaped(model), escaped(layer));
            line(
                text,
                &format!("{name}{{model=\"{model}\",layer=\"{layer}\"}}"),
                *seconds,
            );
        }
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing into a string does not fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(text: &mut String, series: &str, value: f64) {
    let _ = writeln!(text, "{series} {value}");
}

/// A label's value: backslash, quote and line end escaped.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_form_that_prometheus_reads() {
        let metrics = Metrics::default();
        metrics.status(200);
        metrics.answered(Answered {
            model: "digits",
            waited_s: 0.001,
            took_s: 0.02,
            request_bytes: 10,
            answer_bytes: 20,
            layers_s: BTreeMap::from([("a \"b\"\\".to_owned(), 0.5)]),
        });
        let now = Now {
            queue: 3,
            running: 2,
            connections: 1,
            cached_bytes: 7,
            cache_hits: 5,
            cache_misses: 6,
            stored_bytes: 8,
            peak_memory_bytes: Some(9),
        };
        let text = metrics.text(&now);
        for line in [
            "hemet_requests_total{status=\"200\"} 1",
            "hemet_answer_seconds_bucket{model=\"digits\",le=\"0.01\"} 0",
            "hemet_answer_seconds_bucket{model=\"digits\",le=\"0.03\"} 1",
            "hemet_answer_seconds_bucket{model=\"digits\",le=\"+Inf\"} 1",
            "hemet_answer_seconds_count{model=\"digits\"} 1",
            "hemet_wait_seconds_count 1",
            "hemet_layer_seconds_total{model=\"digits\",layer=\"a \\\"b\\\"\\\\\"} 0.5",
            "hemet_queue_length 3",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let value = line
                .rsplit_once(' ')
                .and_then(|(_, value)| value.parse::<f64>().ok());
            assert!(value.is_some(), "{line}");
        }
    }
}
