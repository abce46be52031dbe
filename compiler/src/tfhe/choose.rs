//! Chooses a parameter set for each group of sources, the parts of the output and its bytes, by cost.
//!
//! First the cheapest single set that keeps the failure goal; then, group by group, any cheaper set that still keeps
//! it, until none is found. Cost is the estimated latency; keys are counted in a little, because they are sent once.

use hemet_schedule::tfhe::{
    Analysis, FailureGoal, OutputForm, Schedule, SetId, Summary, analyze, estimate,
};

use crate::tfhe::emit::{Plan, constants, emit};
use crate::tfhe::stages::Stages;
use crate::tfhe::{Error, Options};

/// The numbers of parts that are tried for the output.
const PARTS: [usize; 3] = [1, 2, 4];
/// Milliseconds that a megabyte of keys counts for.
const MS_PER_KEY_MB: f64 = 0.1;

/// The best schedule of `stages`.
///
/// # Errors
/// No set keeps the goal; the cost table lacks a cost.
pub fn choose(stages: &Stages, options: &Options) -> Result<Schedule, Error> {
    let mut best: Option<(f64, Plan)> = None;
    let mut closest: Option<(f64, Error)> = None;
    let parts: &[usize] = if options.output == OutputForm::Label {
        &PARTS[..1]
    } else {
        &PARTS
    };
    for parts in parts {
        match choose_sets(stages, options, *parts)? {
            Ok((cost, plan)) => {
                if best.as_ref().is_none_or(|(least, _)| cost < *least * 0.99) {
                    best = Some((cost, plan));
                }
            }
            Err((found, error)) => {
                if closest.as_ref().is_none_or(|(least, _)| found < *least) {
                    closest = Some((found, error));
                }
            }
        }
    }
    let Some((_, mut plan)) = best else {
        let nothing = || Error::NoSet {
            set: "(none)".into(),
            layer: "(none)".into(),
            found: 0.0,
        };
        return Err(closest.map_or_else(nothing, |(_, error)| error));
    };
    plan.output_bytes = fewest_bytes(stages, &plan);
    Ok(Schedule {
        constants: constants(stages, plan.parts, plan.form),
        ..emit(stages, &plan)
    })
}

/// A plan with its cost, or the least failure found and the error that tells of it.
type Choice = Result<(f64, Plan), (f64, Error)>;

fn choose_sets(stages: &Stages, options: &Options, parts: usize) -> Result<Choice, Error> {
    let plan = |set: SetId| Plan {
        sets: vec![set; stages.sources.len()],
        parts,
        output_bytes: 8,
        failure: options.failure,
        form: options.output,
    };
    let mut best: Option<(f64, Plan)> = None;
    let mut closest: Option<(f64, Error)> = None;
    for set in &options.sets {
        let plan = plan(*set);
        let schedule = emit(stages, &plan);
        let analysis = analyze(&schedule);
        if keeps(&analysis, options.failure) {
            let cost = cost(&schedule, options)?;
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, plan));
            }
        } else if closest
            .as_ref()
            .is_none_or(|(least, _)| analysis.worst_log2 < *least)
        {
            let layer = analysis.worst.map_or("(output)".to_owned(), |i| {
                schedule.instructions[i].layer.clone()
            });
            let error = Error::NoSet {
                set: set.to_string(),
                layer,
                found: analysis.worst_log2,
            };
            closest = Some((analysis.worst_log2, error));
        }
    }
    let Some((mut least, mut plan)) = best else {
        let nothing = || {
            (
                0.0,
                Error::NoSet {
                    set: "(none)".into(),
                    layer: "(none)".into(),
                    found: 0.0,
                },
            )
        };
        return Ok(Err(closest.unwrap_or_else(nothing)));
    };
    let mut groups: Vec<usize> = stages.sources.iter().map(|s| s.group).collect();
    groups.sort_unstable();
    groups.dedup();
    while improve(stages, options, &groups, &mut least, &mut plan)? {}
    Ok(Ok((least, plan)))
}

/// Gives each group in turn the set that makes the whole cheapest; whether anything changed.
fn improve(
    stages: &Stages,
    options: &Options,
    groups: &[usize],
    least: &mut f64,
    plan: &mut Plan,
) -> Result<bool, Error> {
    let mut changed = false;
    for group in groups {
        for set in &options.sets {
            let mut other = plan.clone();
            other.sets[*group] = *set;
            let schedule = emit(stages, &other);
            if !keeps(&analyze(&schedule), options.failure) {
                continue;
            }
            let cost = cost(&schedule, options)?;
            if cost < *least {
                (*least, *plan, changed) = (cost, other, true);
            }
        }
    }
    Ok(changed)
}

fn keeps(analysis: &Analysis, goal: FailureGoal) -> bool {
    match goal {
        FailureGoal::Prediction(bits) => analysis.failure_log2 <= -f64::from(bits),
        FailureGoal::Bootstrap(bits) => analysis.worst_log2 <= -f64::from(bits),
    }
}

fn cost(schedule: &Schedule, options: &Options) -> Result<f64, Error> {
    let key_mb = Summary::new(schedule).key_bytes as f64 / 1e6;
    Ok(estimate(schedule, &options.costs)?.total_ms + MS_PER_KEY_MB * key_mb)
}

fn fewest_bytes(stages: &Stages, plan: &Plan) -> u32 {
    let fits = |bytes: &u32| {
        let plan = Plan {
            output_bytes: *bytes,
            ..plan.clone()
        };
        keeps(&analyze(&emit(stages, &plan)), plan.failure)
    };
    (1..8).find(fits).unwrap_or(8)
}
