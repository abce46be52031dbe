//! Optuna's journal file (T. Akiba et al., Optuna, KDD 2019; `optuna.storages.journal`, version 5): a JSON object a
//! line, each an operation that Optuna replays.
//!
//! Genes become categorical parameters. A complete trial carries the objectives of the experiment, each maximized or
//! minimized, and the validation accuracies of its epochs as intermediate values; one that successive halving stopped
//! is `PRUNED` with the intermediate values until then, and so is an infeasible one, which was never trained; a failed
//! one is `FAIL`. Reason and state are attributes. Dates are in UTC, and missing where a run was made before they were
//! kept.

use hemet_search::objective::{Objective, Objectives};
use hemet_search::trial::Point;
use hemet_search::{Outcome, Trial};
use hemet_spaces::space::Gene;
use serde_json::{Map, Value, json};

use super::Exported;
use crate::cli::date;
use crate::error::Error;
use crate::run::times::Time;

/// Operations, by Optuna's numbers.
const CREATE_STUDY: u8 = 0;
const SET_STUDY_USER_ATTR: u8 = 2;
const SET_STUDY_SYSTEM_ATTR: u8 = 3;
const CREATE_TRIAL: u8 = 4;

/// States of a trial, by Optuna's numbers.
const COMPLETE: u8 = 1;
const PRUNED: u8 = 2;
const FAIL: u8 = 3;

/// Directions, by Optuna's numbers.
const MINIMIZE: u8 = 1;
const MAXIMIZE: u8 = 2;

/// The text of the journal file.
///
/// # Errors
/// An experiment without a space.
pub fn journal(study: &Exported<'_>) -> Result<String, Error> {
    let objectives = study.experiment.objectives()?;
    let mut journal = Journal(String::new());
    journal.begin(study, &objectives);
    let genes = study.experiment.space()?.genes();
    let distribution = |gene: &Gene| {
        let attributes = json!({"choices": gene.options});
        // A text within the text: so Optuna keeps distributions.
        let text = json!({"name": "CategoricalDistribution", "attributes": attributes}).to_string();
        (gene.name.clone(), Value::String(text))
    };
    let distributions: Map<String, Value> = genes.iter().map(distribution).collect();
    for trial in study.trials {
        let chosen = genes.iter().zip(&trial.architecture.genes);
        let params: Map<String, Value> = chosen
            .map(|(gene, option)| (gene.name.clone(), (*option).into()))
            .collect();
        let (state, values) = state(trial, &objectives);
        let moments = study.times.get(&trial.number).map(Time::moments);
        // As Python's isoformat writes it, without a time zone.
        let moments = moments.map(|m| m.map(|m| date::utc(m).trim_end_matches('Z').to_owned()));
        let mut fields = json!({
            "study_id": 0,
            "datetime_start": moments.as_ref().map(|[start, _]| start),
            "state": state,
            "value": null,
            "values": values,
            "distributions": distributions,
            "params": params,
            "user_attrs": attributes(trial),
            "system_attrs": {},
            "intermediate_values": intermediate(study, trial)?,
        });
        if let Some([_, complete]) = moments {
            fields["datetime_complete"] = complete.into();
        }
        journal.add(CREATE_TRIAL, fields);
    }
    Ok(journal.0)
}

/// The lines so far.
struct Journal(String);

impl Journal {
    fn add(&mut self, op_code: u8, fields: Value) {
        let mut all = Map::new();
        all.insert("op_code".into(), op_code.into());
        all.insert("worker_id".into(), "hemet".into());
        if let Value::Object(fields) = fields {
            all.extend(fields);
        }
        self.0 += &Value::Object(all).to_string();
        self.0.push('\n');
    }

    /// The study with its directions, the names of its metrics and what it was.
    fn begin(&mut self, study: &Exported<'_>, objectives: &Objectives) {
        let experiment = study.experiment;
        let direction = |maximized| if maximized { MAXIMIZE } else { MINIMIZE };
        let list = objectives.list().iter();
        let directions: Vec<u8> = list.clone().map(|o| direction(o.maximized)).collect();
        let metrics: Vec<String> = list.map(|o| metric(o)).collect();
        self.add(
            CREATE_STUDY,
            json!({"study_name": experiment.name, "directions": directions}),
        );
        let names = json!({"study:metric_names": metrics});
        self.add(
            SET_STUDY_SYSTEM_ATTR,
            json!({"study_id": 0, "system_attr": names}),
        );
        for attribute in [
            json!({"hemet_version": env!("CARGO_PKG_VERSION")}),
            json!({"seed": experiment.seed}),
            json!({"strategy": experiment.search.strategy}),
            json!({"data": experiment.data.set}),
        ] {
            let fields = json!({"study_id": 0, "user_attr": attribute});
            self.add(SET_STUDY_USER_ATTR, fields);
        }
    }
}

/// The name of an objective with its unit, as Optuna shows it.
fn metric(objective: &Objective) -> String {
    match objective.unit {
        "" => objective.name.to_owned(),
        unit => format!("{} ({unit})", objective.name),
    }
}

/// The validation accuracy after each epoch that measured it.
fn intermediate(study: &Exported<'_>, trial: &Trial) -> Result<Value, Error> {
    let epochs = study.folder.read_curve(trial.number)?.unwrap_or_default();
    let measured = epochs
        .iter()
        .filter_map(|report| Some((report.epoch.to_string(), report.validation_accuracy?.into())));
    let mut values: Map<String, Value> = measured.collect();
    let last = trial.stopped_at.or(epochs.last().map(|last| last.epoch));
    if let (Some(last), Some(accuracy)) = (last, trial.outcome.accuracy()) {
        values.insert(last.to_string(), accuracy.into());
    }
    Ok(values.into())
}

/// State and values.
fn state(trial: &Trial, objectives: &Objectives) -> (u8, Value) {
    match (&trial.outcome, Point::of(trial)) {
        _ if trial.is_stopped() => (PRUNED, Value::Null),
        (_, Some(point)) => (COMPLETE, json!(objectives.values(&point))),
        (Outcome::Infeasible { .. }, _) => (PRUNED, Value::Null),
        (Outcome::Complete { .. } | Outcome::Failed { .. }, _) => (FAIL, Value::Null),
    }
}

/// What else is known of a trial.
fn attributes(trial: &Trial) -> Value {
    let mut all = Map::new();
    all.insert("outcome".into(), trial.outcome.name().into());
    all.insert("state".into(), trial.state().into());
    if let Some(epoch) = trial.stopped_at {
        all.insert("stopped_at_epoch".into(), epoch.into());
    }
    if let Some(reason) = trial.outcome.reason() {
        all.insert("reason".into(), reason.into());
    }
    if let Some(cost) = &trial.cost {
        all.insert("depth".into(), cost.depth.into());
        all.insert("predicted_latency_ms".into(), cost.latency_ms.into());
        all.insert("log_n".into(), cost.log_n.into());
        all.insert("log_qp_bits".into(), cost.log_qp_bits.into());
        all.insert("evaluation_key_bytes".into(), cost.key_bytes.into());
    }
    if !trial.rungs.is_empty() {
        all.insert("rungs".into(), json!(trial.rungs));
    }
    Value::Object(all)
}
