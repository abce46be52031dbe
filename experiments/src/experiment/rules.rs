//! What must hold between the keys of an experiment, beyond the range of each.

use hemet_search::data::Measure;
use hemet_search::objective::Objectives;
use hemet_spaces::schema::Path;
use hemet_spaces::{Scheme, Space, quantized};

use super::Experiment;
use super::text::Text;
use crate::error::Error;

/// Why results that are shown have a precision.
pub(crate) const AGREEMENT_OF_SHARED: &str = "agreement does not go with shared results, for which decryption adds noise \
     within a promised precision: name a precision in its place";

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
    if experiment.compile.agreement.is_some() && experiment.compile.share_results.is_some() {
        return Err(wrong(&["compile", "agreement"], AGREEMENT_OF_SHARED.into()));
    }
    experiment
        .quantize
        .check()
        .map_err(|e| wrong(&["quantize"], e.to_string()))?;
    let data = experiment.data.preparation();
    data.check().map_err(|e| wrong(&["data", "resize"], e))?;
    if !data.is_none() && experiment.data.set != "image_folder" {
        let what = format!(
            "resize, crop and gray are for pictures of your own (image_folder); the images of {} have one size already",
            experiment.data.set
        );
        return Err(wrong(&["data", "set"], what));
    }
    check_regression(text, experiment)
}

/// Refuses, where values are predicted, what is about classes.
fn check_regression(text: &Text, experiment: &Experiment) -> Result<(), Error> {
    if !experiment.is_regression() {
        return Ok(());
    }
    let at = |keys: &[&str]| keys.iter().fold(Path::default(), |path, key| path.key(key));
    let wrong = |keys: &[&str], what: String| Err(text.wrong(&at(keys), what));
    let (set, train) = (&experiment.data.set, &experiment.train);
    if experiment.measure() != Measure::Accuracy {
        let what = format!(
            "auc and balanced_accuracy are of classes; the data set {set} holds values: take accuracy, which is R² there"
        );
        return wrong(&["objectives"], what);
    }
    if experiment.compile.agreement.is_some() {
        let what = format!(
            "agreement counts images whose class stays; the data set {set} holds values, which have none: name a precision"
        );
        return wrong(&["compile", "agreement"], what);
    }
    if train.distillation > 0.0 {
        let what = format!(
            "distillation is {}; it must be 0 with the data set {set}, whose values have no classes for a teacher to tell",
            train.distillation
        );
        return wrong(&["train", "distillation"], what);
    }
    if train.balance {
        let what = format!(
            "balance is true; the data set {set} holds values, which have no classes to balance"
        );
        return wrong(&["train", "balance"], what);
    }
    match &experiment.scheme {
        Some(schemes) if schemes.iter().any(|scheme| *scheme != Scheme::Ckks) => wrong(
            &["scheme"],
            format!("the data set {set} holds values, which are predicted under scheme ckks alone"),
        ),
        Some(_) | None => Ok(()),
    }
}

/// Why layers on the device need scheme ckks.
pub(crate) const DEVICE_NEEDS_CKKS: &str = "layers on the device are for scheme ckks: under tfhe a network is integers from \
     its first layer on";

/// Refuses layers on the device under another scheme than that which has them, and their leak where there are none.
pub(super) fn check_device(text: &Text, experiment: &Experiment) -> Result<(), Error> {
    check_leak(text, experiment)?;
    check_prefix(text, experiment)?;
    let schemes = experiment.space.as_ref().map_or(&[][..], Space::schemes);
    let other = schemes.iter().any(|scheme| *scheme != Scheme::Ckks);
    match experiment.deploy.device_layers > Some(0) && other {
        true => {
            let place = Path::default().key("deploy").key("device_layers");
            Err(text.wrong(&place, DEVICE_NEEDS_CKKS.to_owned()))
        }
        false => Ok(()),
    }
}

/// Refuses a public network in front of another scheme's networks, and of ones that leave layers to the device
/// themselves.
fn check_prefix(text: &Text, experiment: &Experiment) -> Result<(), Error> {
    if experiment.deploy.prefix.is_none() {
        return Ok(());
    }
    let wrong = |what: &str| {
        let place = Path::default().key("deploy").key("prefix");
        Err(text.wrong(&place, what.to_owned()))
    };
    let space = experiment.space.as_ref();
    if space.is_some_and(|space| space.schemes().iter().any(|scheme| *scheme != Scheme::Ckks)) {
        return wrong(DEVICE_NEEDS_CKKS);
    }
    let own = space.is_some_and(|space| space.devices().iter().any(|layers| *layers > 0));
    if own || experiment.deploy.device_layers > Some(0) {
        return wrong(
            "with a prefix the device runs that and nothing more: leave out the space's `device` and `device_layers`",
        );
    }
    if experiment.constraints.max_device_products.is_some() {
        return wrong(
            "max_device_products is about layers of the space; a prefix is the same for all: leave it out",
        );
    }
    Ok(())
}

fn check_leak(text: &Text, experiment: &Experiment) -> Result<(), Error> {
    let chosen = experiment.space.as_ref().map_or(&[][..], Space::devices);
    let fixed = experiment.deploy.device_layers.map(|layers| vec![layers]);
    let layers = fixed.as_deref().unwrap_or(chosen);
    if !experiment.wants_leak() || layers.iter().any(|layers| *layers > 0) {
        return Ok(());
    }
    let what = "leak is what layers on the device reveal, and no network has any: give the space `device: [0, 1]` \
                or the experiment `deploy: {device_layers: 1}`";
    Err(text.wrong(&Path::default().key("objectives"), what.to_owned()))
}

/// Refuses a space that does not have one output where values are predicted.
pub(super) fn check_outputs(text: &Text, experiment: &Experiment) -> Result<(), Error> {
    let Some(space) = experiment
        .space
        .as_ref()
        .filter(|_| experiment.is_regression())
    else {
        return Ok(());
    };
    let set = &experiment.data.set;
    if experiment.scheme.is_none() && space.schemes().contains(&quantized::SCHEME) {
        let what = format!(
            "the data set {set} holds values, the space has scheme {}; values are predicted under ckks alone",
            quantized::SCHEME
        );
        return Err(text.wrong(&Path::default().key("data").key("set"), what));
    }
    match space.classes() {
        1 => Ok(()),
        classes => {
            let what = format!(
                "the space has `classes: {classes}`; with the data set {set} it must be 1, the predicted value"
            );
            Err(text.wrong(&Path::default().key("data").key("set"), what))
        }
    }
}
