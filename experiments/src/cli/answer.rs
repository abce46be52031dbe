//! How a decrypted answer is shown: the class, the model's own outputs, and what was decrypted.

use hemet_runtime::door::Answer;
use hemet_runtime::{Facts, Precision};

use hemet_schedule::Finished;
use hemet_search::metrics::softmax;
use serde::Serialize;

use crate::print::one_line;

/// An answer as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// The class; none for values and for several answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<usize>,
    /// What the class is called, where that is more than its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The model's own outputs, where they are not the decrypted numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<Part>,
    /// What was decrypted.
    pub logits: Vec<f64>,
    /// Whether the promised precision holds for it.
    pub trusted: bool,
    /// The probabilities of the classes that a softmax makes of decrypted logits; none where outputs are something
    /// else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub probabilities: Vec<f64>,
}

/// One of the model's own outputs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Its numbers.
    pub values: Vec<f64>,
    /// Their unit; empty where there is none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// The label, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl Shown {
    /// What an answer comes to; `raw` with every digit of it, else digits within the promised precision.
    pub fn of(facts: &Facts, answer: Answer, raw: bool) -> Self {
        let class = answer.class();
        let logits = answer.logits();
        let trusted = facts.is_trusted(&logits);
        let precision = facts.precision.filter(|_| !raw);
        let error = precision.map(|precision| precision.error(&logits));
        let logits = match precision {
            Some(precision) => precision.rounded(&logits),
            None => logits,
        };
        let finished = facts.finished(&logits);
        let class = match &finished[..] {
            [] => Some(class),
            [part] => part.class,
            _ => None,
        };
        let name = class.and_then(|class| name(&facts.classes, class));
        let outputs = finished.iter().map(|part| Part::of(part, error)).collect();
        Self {
            class,
            name,
            outputs,
            probabilities: probabilities(facts, &logits, error),
            logits,
            trusted,
        }
    }

    /// In one line, for one of many.
    pub fn line(&self) -> String {
        let line = match (self.class, &self.outputs[..]) {
            (Some(class), _) => {
                let share = self.probabilities.get(class);
                let share =
                    share.map_or(String::new(), |share| format!("  {:.2} %", 100.0 * share));
                format!("class {}{share}", said(class, self.name.as_deref()))
            }
            (None, parts) => {
                let parts: Vec<String> = parts.iter().map(Part::line).collect();
                parts.join("  ")
            }
        };
        match self.trusted {
            true => line,
            false => format!("{line} (not to be trusted)"),
        }
    }

    /// Prints it; `logits` what was decrypted instead of the model's own outputs.
    pub fn print(&self, facts: &Facts, logits: bool) {
        if let Some(class) = self.class {
            println!("class {}", said(class, self.name.as_deref()));
        }
        if !self.trusted {
            println!("not to be trusted");
        }
        if logits || self.outputs.is_empty() {
            return list(&facts.classes, &self.logits, &self.probabilities);
        }
        for part in &self.outputs {
            match part.values.len() {
                1 if part.label.is_some() && self.class.is_some() => {}
                1 => println!("{}", part.line()),
                _ => {
                    if self.outputs.len() > 1 {
                        println!("{}", one_line(&part.name));
                    }
                    list(&facts.classes, &part.values, &[]);
                }
            }
        }
    }
}

impl Part {
    fn of(finished: &Finished<'_>, error: Option<f64>) -> Self {
        let part = finished.part;
        // Digits beyond what the error leaves say nothing.
        let error = error.and_then(|error| Some(error * part.gain()?));
        Self {
            name: part.name.clone(),
            values: match error {
                Some(error) => Precision::Absolute(error).rounded(&finished.values),
                None => finished.values.clone(),
            },
            unit: part.unit.clone(),
            label: finished.label.map(str::to_owned),
        }
    }

    fn line(&self) -> String {
        let number = |value: &f64| value.to_string();
        let values: Vec<String> = match &self.label {
            Some(label) => vec![label.clone()],
            None => self.values.iter().map(number).collect(),
        };
        // Names come from an artifact, which may be anybody's.
        let line = format!("{}  {} {}", self.name, values.join(" "), self.unit);
        one_line(line.trim_end())
    }
}

/// The softmax of decrypted logits that tell classes, with as many digits as their error leaves; nothing of other
/// outputs.
fn probabilities(facts: &Facts, logits: &[f64], error: Option<f64>) -> Vec<f64> {
    let tells_classes = facts.classes.len() == logits.len() && logits.len() > 1;
    if !tells_classes || facts.outputs.is_some() || facts.exact {
        return Vec::new();
    }
    let probabilities = softmax(logits);
    match error {
        // No probability changes by more than half of what the logits change by.
        Some(error) => Precision::Absolute(error / 2.0).rounded(&probabilities),
        None => probabilities,
    }
}

/// What a class is called, where that is more than its number.
fn name(classes: &[String], class: usize) -> Option<String> {
    let name = classes.get(class)?;
    (*name != class.to_string()).then(|| name.clone())
}

/// As in `3 (cat)`, or the number alone.
fn said(class: usize, name: Option<&str>) -> String {
    match name {
        Some(name) => format!("{class} ({name})"),
        None => class.to_string(),
    }
}

fn list(classes: &[String], values: &[f64], probabilities: &[f64]) {
    for (index, value) in values.iter().enumerate() {
        let name = name(classes, index).unwrap_or_default();
        let share = probabilities.get(index);
        let share = share.map_or(String::new(), |share| format!("{:>7.2} %  ", 100.0 * share));
        let line = format!("  {index:>3}  {value:>9.4}  {share}{name}");
        println!("{}", line.trim_end());
    }
}
