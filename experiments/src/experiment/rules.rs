//! What must hold between the keys of an experiment, beyond the range of each.

use hemet_search::objective::Objectives;
use hemet_spaces::schema::Path;

use super::Experiment;
use super::text::Text;
use crate::error::Error;

/// Refuses what keys say together, at the key that is to be mended; fills in how the best is chosen.
pub(super) fn check(text: &Text, experiment: &mut Experiment) -> Result<(), Error> {
    let at = |keys: &[&str]| keys.iter().fold(Path::default(), |path, key| path.key(key));
    let wrong = |keys: &[&str], what: String| text.wrong(&at(keys), what);
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if experiment.name.is_empty() || !experiment.name.chars().all(plain) {
        let what = format!(
            "name `{}` must consist of letters, digits, `-` and `_`: it names the run folder",
            experiment.name
        );
        return Err(wrong(&["name"], what));
    }
    if let Some(halving) = &experiment.search.halving {
        halving
            .check()
            .map_err(|e| wrong(&["search", "halving", "rungs"], e.to_string()))?;
    }
    let choose = experiment.choose.resolve(experiment.search.baseline);
    experiment.choose = choose.map_err(|what| wrong(&["choose"], what))?;
    experiment
        .constraints
        .check_limits()
        .map_err(|e| wrong(&["constraints", "max_cost_per_1000"], e.to_string()))?;
    // Ranges are checked by now; what is left is `alternate` without `flip`.
    experiment
        .train
        .check()
        .map_err(|e| wrong(&["train", "alternate"], e.to_string()))?;
    Objectives::new(&experiment.objectives, &experiment.constraints)
        .map_err(|e| wrong(&["objectives"], e.to_string()))?;
    experiment
        .quantize
        .check()
        .map_err(|e| wrong(&["quantize"], e.to_string()))
}
