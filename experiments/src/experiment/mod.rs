//! Experiment: what a person writes in YAML, with defaults filled in.
//!
//! ```yaml
//! name: digits                      # letters, digits, `-`, `_`; names the run folder
//! seed: 1                           # determines every random choice of the search
//! data: {set: optdigits}            # path: folder of the files, for sets that are not embedded; validation: 0.15
//! space_file: spaces/presets/digits.yaml   # or `space:` with the space written out here
//! search: {strategy: random, trials: 12, workers: 0, lag: 4}    # and more, see `Search`
//! scheme: ckks                      # or another, or a list: then the search decides; ckks where not given
//! quantize: {weight_bits: 2, activation_bits: 2, activation: relu, boxes: 14}   # of integers; see `Quantization`
//! train: {epochs: 20}               # and more, see `TrainOptions`
//! objectives: [accuracy, latency]   # what is optimized; others: auc, balanced_accuracy, depth, key_size, cost, leak
//! constraints: {max_depth: 9, max_latency_ms: 500}    # cost needs price_per_core_hour
//! compile: {security_bits: 128, precision_bits: 8}    # share_results: 1000; integers: failure_bits, output
//! deploy: {device_layers: 2}        # public layers that clients run in the clear before they encrypt; none by default
//! choose: {within_points: 0.5}      # the best in the second objective within half a percentage point of accuracy;
//!                                   # or, with a baseline, above_baseline: 0.4: of those so many points above it
//! encrypted_images: 100             # test images that the chosen network classifies encrypted
//! card: {purpose: …, limits: …, license: CC-BY-4.0}   # what `hemet inspect --card` says of the network
//! measured_members: 8               # members of the front whose latency is measured, beside the chosen one
//! ```

mod choose;
mod lists;
mod place;
mod rules;
mod space;
mod text;
mod yaml;

use std::path::{Path, PathBuf};

use hemet_ckks_params::hidden_bits;
use hemet_search::data::{self, Measure, PictureNote, Preparation};
use hemet_search::objective::Objectives;
use hemet_search::study::Baseline;
use hemet_spaces::quantized::{self, Quantization};
use hemet_spaces::schema;
use hemet_spaces::space::{List, Scheme, Space, SpaceSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use choose::Choose;
pub(crate) use rules::{AGREEMENT_OF_SHARED, DEVICE_NEEDS_CKKS};
pub use space::{read_space, space_of};
pub use text::Text;
pub use yaml::{over, parse, parse_unchecked};

use crate::common;
use crate::error::Error;
use crate::run::accuracy::Quality;
use space::check_space;

/// An experiment, resolved.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Letters, digits, `-` and `_`; names the run folder.
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]+$"))]
    pub name: String,
    /// Determines every random choice of the search.
    #[serde(default = "one")]
    pub seed: u64,
    /// Which images.
    pub data: Data,
    /// The space, written out. Either this or `space_file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<SpaceSpec>")]
    pub space: Option<Space>,
    /// A YAML file with the space; relative to the experiment's folder or the current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub space_file: Option<PathBuf>,
    /// The scheme, or those that the search chooses from; that of the space where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<List<Scheme>>,
    /// How networks become integers, under the scheme that runs integers.
    #[serde(default, alias = "quantise")]
    #[schemars(extend("x-scheme" = quantized::SCHEME.name(), "x-alias" = "quantise"))]
    pub quantize: Quantization,
    /// How candidates are proposed.
    pub search: Search,
    /// How candidates are trained.
    #[serde(default)]
    pub train: hemet_search::train::TrainOptions,
    /// Names of what is optimised, accuracy among them.
    #[serde(default = "objectives", skip_serializing_if = "is_default")]
    #[schemars(schema_with = "lists::objectives")]
    pub objectives: Vec<String>,
    /// Limits that are checked before anything is trained.
    #[serde(default)]
    pub constraints: hemet_search::constraint::Constraints,
    /// How networks are compiled.
    #[serde(default)]
    pub compile: Compile,
    /// What of a network its clients run in the clear.
    #[serde(default, skip_serializing_if = "Deploy::is_default")]
    pub deploy: Deploy,
    /// How the best is chosen from the front.
    #[serde(default)]
    pub choose: Choose,
    /// How many test images the chosen network classifies encrypted, at least 1.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1), extend("x-unit" = "images"))]
    pub encrypted_images: usize,
    /// Members of the front that are compiled and timed on an encrypted image at the end, beside the chosen one; of a
    /// larger front these are spread evenly. 0 for none.
    #[serde(default = "eight")]
    pub measured_members: usize,
    /// What the card of the compiled network says (`hemet inspect --card`).
    #[serde(default, skip_serializing_if = "Card::is_empty")]
    pub card: Card,
}

/// What the makers of a network say of it on its card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Card {
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// What it is not for, and where it errs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<String>,
    /// Under which license it is given, such as `CC-BY-4.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
}

impl Card {
    /// Whether nothing is said.
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Which images.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Name of the data set.
    #[schemars(schema_with = "lists::sets")]
    pub set: String,
    /// Folder of its files, for sets that are not embedded: from the folder in which `hemet` runs, unless it is
    /// absolute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Share of the training images that accuracy is measured on during the search.
    #[serde(default = "validation")]
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    pub validation: f64,
    /// Height and width, from 1 to 4096, that every picture of an `image_folder` is scaled to, by the means of areas.
    /// Clients do the same, since artifacts say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-unit" = "pixels"))]
    pub resize: Option<[usize; 2]>,
    /// Whether the middle of a picture, in the proportions of `resize`, is cut out first; else it is stretched.
    #[serde(default, skip_serializing_if = "is_false")]
    pub crop: bool,
    /// Whether pictures in color become gray.
    #[serde(default, skip_serializing_if = "is_false")]
    pub gray: bool,
}

impl Data {
    /// How pictures are brought to one size.
    pub fn preparation(&self) -> Preparation {
        Preparation {
            resize: self.resize,
            crop: self.crop,
            gray: self.gray,
        }
    }

    /// What artifacts tell their clients of pictures; nothing where the set is a table.
    pub fn pictures(&self, source: &dyn data::Source) -> Option<PictureNote> {
        source
            .pixels()
            .map(|pixels| PictureNote::of(&self.preparation(), pixels))
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Search {
    /// Threads of a training, of so many side by side on this machine.
    pub fn threads(&self, side_by_side: usize) -> usize {
        match self.threads {
            0 => (common::cores() / side_by_side.max(1)).max(1),
            threads => threads,
        }
    }
}

/// How candidates are proposed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Name of the strategy.
    #[schemars(schema_with = "lists::strategies")]
    pub strategy: String,
    /// Greatest number of trials.
    #[schemars(range(min = 1))]
    pub trials: usize,
    /// Candidates that are trained side by side; 0 means one a core. The outcome does not depend on it.
    #[serde(default)]
    pub workers: usize,
    /// Threads that the training of a candidate shares its large steps among; 0 means that the workers share the cores.
    /// The outcome does not depend on it.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(range(max = 1024))]
    pub threads: usize,
    /// Trials in flight at most, at least 1: a trial is proposed before the outcomes of the last `lag - 1` are known.
    /// The outcome depends on it, so it is fixed here and not by the number of cores; more cores than this are of no
    /// use.
    #[serde(default = "four")]
    #[schemars(range(min = 1))]
    pub lag: usize,
    /// Minutes after which no more trials begin; those in flight end, then the best is compiled. No limit where not
    /// given. With --resume the time counts anew: so a search that ran out of it can be gone on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0, "x-unit" = "minutes"))]
    pub max_minutes: Option<f64>,
    /// Successive halving: `{rungs: [2, 6], factor: 3}` stops two thirds of the trainings after 2 epochs, and two
    /// thirds of the others after 6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halving: Option<hemet_search::study::Halving>,
    /// Whether a training starts from the weights of the most similar earlier trial, where shapes agree.
    #[serde(default)]
    pub inherit: bool,
    /// The network that is trial 0 whatever the strategy, and compiled and measured beside the chosen one at the end:
    /// `mobile`, the all-mobile network. None where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
}

/// How networks are compiled.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Compile {
    /// 128, 192 or 256.
    #[schemars(schema_with = "lists::security")]
    pub security_bits: u32,
    /// Whether this security counts against quantum attacks too: moduli are about a quarter shorter.
    #[schemars(extend("x-scheme" = "ckks"))]
    pub post_quantum: bool,
    /// Promised precision of the logits: an error of at most 2^-precision_bits.
    #[schemars(range(min = 2, max = 30), extend("x-unit" = "bits", "x-scheme" = "ckks"))]
    pub precision_bits: u32,
    /// In place of a precision, percent of images whose class must not change through encryption: a trained network is
    /// compiled at the coarsest precision that keeps it, by the margins of its logits on training images and the
    /// simulated errors. `precision_bits` is then what estimates before training go by.
    #[schemars(range(min = 50, max = 100), extend("x-unit" = "percent", "x-scheme" = "ckks"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement: Option<f64>,
    /// How many results may be shown to others than the key's owner, over the life of a key; none where not given.
    /// Decryption then adds noise within the promised precision, and ciphertexts are made exact enough for it.
    #[schemars(range(min = 1), extend("x-scheme" = "ckks"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_results: Option<u64>,
    /// Of integer networks: a whole prediction fails with a probability of at most 2^-failure_bits, 40 to 128.
    #[schemars(range(min = 40, max = 128), extend("x-unit" = "bits", "x-scheme" = quantized::SCHEME.name()))]
    pub failure_bits: u32,
    /// Of integer networks: what the client learns.
    #[schemars(extend("x-scheme" = quantized::SCHEME.name()))]
    pub output: Output,
}

/// What of a network its clients run in the clear, before they encrypt. These layers are public: every client gets
/// their weights, and the server does not. The layers behind them run encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Deploy {
    /// The first convolutions and dense layers that run on the client, with the norms, activations and pools behind
    /// them; 0 for none; where not given, what the space's `device` says. Inside a residual or Inception block a
    /// network cannot be cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1000), extend("x-unit" = "layers", "x-scheme" = "ckks"))]
    pub device_layers: Option<usize>,
    /// A public network, an ONNX file beside the experiment or where hemet runs, that clients run in front of the
    /// space's networks, exactly and in the clear: its outputs are what these take. It stays as it is; the search and
    /// training are of what lies behind it. ReLU and maximum pools may be in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-scheme" = "ckks"))]
    pub prefix: Option<PathBuf>,
}

impl Deploy {
    /// Whether everything is encrypted.
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What the client of an integer network learns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// All logits.
    #[default]
    Logits,
    /// The class alone: the server finds it under encryption, so that logits leak nothing of the model.
    Label,
}

impl Default for Compile {
    fn default() -> Self {
        Self {
            security_bits: 128,
            post_quantum: false,
            precision_bits: hemet_compiler::Options::default().precision_bits,
            agreement: None,
            share_results: None,
            failure_bits: 40,
            output: Output::Logits,
        }
    }
}

fn one() -> u64 {
    1
}

fn objectives() -> Vec<String> {
    hemet_search::objective::DEFAULT.map(String::from).to_vec()
}

/// So that the file of a search before there were objectives stays the same.
fn is_default(names: &[String]) -> bool {
    names == hemet_search::objective::DEFAULT
}

fn four() -> usize {
    4
}

fn eight() -> usize {
    8
}

fn hundred() -> usize {
    100
}

fn validation() -> f64 {
    0.15
}

impl Experiment {
    /// Reads and resolves the experiment in the file `path`.
    ///
    /// # Errors
    /// Every mistake in it that can be told without data, with its place; a space file that is wrong.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::of(&Text::read(path)?, path)
    }

    /// The experiment in a text; `path` is where its space file is sought.
    fn of(text: &Text, path: &Path) -> Result<Self, Error> {
        yaml::check::<Self>(text)?;
        check_space(text, "space")?;
        let mut experiment: Self = parse_unchecked(text)?;
        rules::check(text, &mut experiment)?;
        experiment.resolve_space(text, path)?;
        experiment.resolve_prefix(text, path)?;
        rules::check_outputs(text, &experiment)?;
        if let (Some(schemes), Some(space)) = (&experiment.scheme, &experiment.space) {
            let space = space.with_schemes(schemes.clone());
            let scheme = schema::Path::default().key("scheme");
            experiment.space = Some(space.map_err(|e| text.wrong(&scheme, e.to_string()))?);
        }
        rules::check_device(text, &experiment)?;
        Ok(experiment)
    }

    fn resolve_space(&mut self, text: &Text, path: &Path) -> Result<(), Error> {
        let place = schema::Path::default().key("space_file");
        match (&self.space, &self.space_file) {
            (Some(_), None) => Ok(()),
            (None, Some(file)) => {
                let beside = path.parent().unwrap_or(Path::new("")).join(file);
                let file = [beside, file.clone()].into_iter().find(|f| f.exists());
                let file = file.ok_or_else(|| {
                    let what = format!(
                        "space_file: there is no file {}, neither beside the experiment nor in the folder where hemet runs",
                        self.space_file.iter().map(|f| f.display().to_string()).collect::<String>()
                    );
                    text.wrong(&place, what)
                })?;
                self.space = Some(read_space(&file)?);
                self.space_file = None;
                Ok(())
            }
            (None, None) => {
                Err(text.wrong_whole("it names no space; add `space:` or `space_file:`"))
            }
            (Some(_), Some(_)) => {
                Err(text.wrong(&place, "it has both `space:` and `space_file:`; keep one"))
            }
        }
    }

    /// Where the prefix lies, from anywhere.
    fn resolve_prefix(&mut self, text: &Text, path: &Path) -> Result<(), Error> {
        let Some(file) = &self.deploy.prefix else {
            return Ok(());
        };
        let beside = path.parent().unwrap_or(Path::new("")).join(file);
        let found = [beside, file.clone()].into_iter().find(|f| f.exists());
        let absolute = found.map(|found| std::path::absolute(&found));
        match absolute {
            Some(Ok(file)) => self.deploy.prefix = Some(file),
            Some(Err(_)) | None => {
                let place = schema::Path::default().key("deploy").key("prefix");
                let what = format!(
                    "prefix: there is no file {}, neither beside the experiment nor in the folder where hemet runs",
                    file.display()
                );
                return Err(text.wrong(&place, what));
            }
        }
        Ok(())
    }

    /// The space; present in every experiment that [`Experiment::read`] gave.
    pub fn space(&self) -> Result<&Space, Error> {
        self.space
            .as_ref()
            .ok_or_else(|| Error::user("the experiment has no space"))
    }

    /// Whether values are predicted, not classes.
    pub fn is_regression(&self) -> bool {
        let source = hemet_search::data::source(&self.data.set);
        source.is_ok_and(|source| source.is_regression())
    }

    /// What the search measures on the validation images.
    pub fn measure(&self) -> Measure {
        Measure::of(&self.objectives)
    }

    /// What stands as accuracy in the journal, in the front and in the choice: what the search measures.
    pub fn searched(&self) -> Quality {
        match (self.is_regression(), self.measure()) {
            (true, _) => Quality::RSquared,
            (false, Measure::Accuracy) => Quality::Accuracy,
            (false, Measure::BalancedAccuracy) => Quality::BalancedAccuracy,
            (false, Measure::Auc) => Quality::Auc,
        }
    }

    /// What is measured on test images, encrypted and in the clear.
    pub fn quality(&self) -> Quality {
        match self.is_regression() {
            true => Quality::RSquared,
            false => Quality::Accuracy,
        }
    }

    /// Bits by which ciphertexts must be more exact than what is promised, so that noise hides their errors.
    fn hidden_bits(&self) -> u32 {
        let classes = self.space.as_ref().map_or(1, Space::classes);
        let shown = self.compile.share_results;
        shown.map_or(0, |results| hidden_bits(results, classes))
    }

    /// The compiler's options.
    pub fn compile_options(&self) -> Result<hemet_compiler::Options, Error> {
        Ok(hemet_compiler::Options {
            security: security_level(self.compile.security_bits)?,
            attacks: attacks(self.compile.post_quantum),
            precision_bits: self.compile.precision_bits + self.hidden_bits(),
            agreement: self.compile.agreement,
            // What training keeps its quadratics within.
            max_shift: hemet_search::train::LARGEST_SHIFT,
            ..Default::default()
        })
    }

    /// Whether what the device part reveals is an objective.
    pub fn wants_leak(&self) -> bool {
        self.objectives.iter().any(|name| name == "leak")
    }

    /// What is optimised, under the constraints.
    ///
    /// # Errors
    /// Objectives that mean nothing.
    pub fn objectives(&self) -> Result<Objectives, Error> {
        Ok(Objectives::new(&self.objectives, &self.constraints)?)
    }

    /// The experiment as YAML, to be kept in the run folder.
    pub fn to_yaml(&self) -> Result<String, Error> {
        Ok(serde_yaml::to_string(self)?)
    }
}

/// Whose attacks security is counted against.
pub fn attacks(post_quantum: bool) -> hemet_ckks_params::Attacks {
    match post_quantum {
        true => hemet_ckks_params::Attacks::Quantum,
        false => hemet_ckks_params::Attacks::Classical,
    }
}

/// The security level of this many bits.
pub fn security_level(bits: u32) -> Result<hemet_ckks_params::SecurityLevel, Error> {
    use hemet_ckks_params::SecurityLevel;
    match bits {
        128 => Ok(SecurityLevel::Bits128),
        192 => Ok(SecurityLevel::Bits192),
        256 => Ok(SecurityLevel::Bits256),
        other => Err(Error::user(format!(
            "{other} bits of security are not offered; choose 128, 192 or 256"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_british_spelling_of_earlier_versions_is_read_and_the_american_one_written() {
        let text = "name: e\ndata: {set: optdigits}\nsearch: {strategy: random, trials: 1}\n\
                    quantise: {boxes: 20}\ntrain: {quantised_rate: 0.25}\n";
        let experiment: Experiment =
            parse(&Text::of(Path::new("e.yaml"), text).expect("a text")).expect("read");
        assert_eq!(experiment.quantize.boxes, 20);
        assert_eq!(experiment.train.quantized_rate, 0.25);
        let written = experiment.to_yaml().expect("written");
        assert!(written.contains("quantize:") && written.contains("quantized_rate:"));
        assert!(!written.contains("quantis"), "{written}");
    }
}
