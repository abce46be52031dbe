//! The schemes that networks are compiled for, a folder each, behind one door: what the command line, a search and a
//! report ask of a scheme beyond what [`hemet_runtime::door`] gives.

pub mod args;
pub mod card;
pub mod ckks;
pub mod clear;
pub mod evaluation;
pub mod kept;
pub mod session;
pub mod simulation;
pub mod tfhe;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hemet_compiler::Target;
use hemet_reports::Table;
use hemet_runtime::door::Model;
use hemet_runtime::schemes::{self as doors, Known};
use hemet_schedule::{
    FittedNumbers, InputColumn, Manifest, Meaning, OutputPart, OutputStep, OutputTransform,
    Provenance,
};
use hemet_search::constraint::{CostEstimate, CostModel};
use hemet_search::data;
use hemet_search::data::columns::{Column, Columns};
use hemet_spaces::space::Placement;
use hemet_spaces::{Architecture, LayerGraph, Scheme, Weights};

use crate::error::Error;
use crate::experiment::Experiment;
use crate::run::folder::RunFolder;
use crate::run::summary::Best;

/// The door of a scheme.
pub fn door(scheme: Scheme) -> &'static dyn Door {
    match scheme {
        Scheme::Ckks => &ckks::Ckks,
        Scheme::Tfhe => &tfhe::Tfhe,
    }
}

/// The door of the scheme whose artifact lies at `path`.
///
/// # Errors
/// A file that is no artifact.
pub fn at(path: &Path) -> Result<&'static dyn Door, Error> {
    let scheme = doors::scheme_at(path).map_err(|e| Error::file(path, e))?;
    let name = scheme.id().name();
    let known = Scheme::ALL.into_iter().find(|known| known.name() == name);
    let unknown = || {
        Error::user(format!(
            "{}: networks of spaces cannot run under scheme {name}",
            path.display()
        ))
    };
    Ok(door(known.ok_or_else(unknown)?))
}

/// The artifact at `path`, of whichever scheme.
///
/// # Errors
/// A file that is no artifact, or a damaged one.
pub fn open(path: &Path) -> Result<Box<dyn Model>, Error> {
    let mut model = doors::open(path).map_err(|e| Error::file(path, e))?;
    take_device(model.as_mut(), path);
    Ok(model)
}

/// What clients must know of an artifact: the spec at `path`, or that of the artifact there.
///
/// # Errors
/// A file that is neither, or a damaged one.
pub fn known(path: &Path) -> Result<Known, Error> {
    match doors::scheme_at(path) {
        Ok(_) => Ok(Known::of(open(path)?.as_ref())?),
        Err(_) => Known::open(path).map_err(|e| Error::file(path, e)),
    }
}

/// Writes an artifact, and what clients need of it beside that.
///
/// # Errors
/// Files that cannot be written.
pub fn write(model: &dyn Model, path: &Path) -> Result<(), Error> {
    hemet_files::write_atomically(path, &model.to_bytes()?)?;
    // Ids are those of the artifact as it is read.
    let mut read = open(path)?;
    if let Some(part) = model.spec()?.device() {
        read.set_device(part.clone())?;
    }
    let spec = Known::of(read.as_ref())?.to_bytes()?;
    Ok(hemet_files::write_atomically(spec_beside(path), &spec)?)
}

/// Where what clients need of an artifact lies beside it.
pub fn spec_beside(path: &Path) -> PathBuf {
    path.with_extension("spec")
}

/// Takes the layers that clients run from the spec beside an artifact at `path`, where there is one and it is of this
/// artifact: a server has none, and whoever needs them hears of it.
pub fn take_device(model: &mut dyn Model, path: &Path) {
    if model.manifest().device.is_none() {
        return;
    }
    let Ok(known) = Known::open(&spec_beside(path)) else {
        return;
    };
    if let Some(part) = known.spec.device() {
        let _ = model.set_device(part.clone());
    }
}

/// What the command line asks of a scheme.
pub trait Door: Sync {
    /// Whether decrypted numbers are the reference's exactly, so that a difference is a fault and no noise.
    fn is_exact(&self) -> bool;

    /// What networks cost under it, compiled as the experiment says, or by default where there is none.
    ///
    /// # Errors
    /// A cost table that cannot be read or measured, options that mean nothing.
    fn costs(
        &self,
        experiment: Option<&Experiment>,
        source: &CostSource<'_>,
    ) -> Result<Box<dyn Costs>, Error>;

    /// Changes how an experiment's networks are compiled.
    ///
    /// # Errors
    /// Wishes that the scheme cannot fulfil.
    fn wish(&self, experiment: &mut Experiment, wishes: &Wishes) -> Result<(), Error>;

    /// What a report says of the parameters of a measured network: names and values.
    fn parameters(&self, experiment: &Experiment, best: &Best) -> Vec<(&'static str, String)>;

    /// `hemet inspect` of an artifact of this scheme.
    ///
    /// # Errors
    /// An artifact that cannot be read; options of another scheme.
    fn inspect(&self, args: &args::Inspect) -> Result<(), Error>;

    /// `hemet bench` of an artifact of this scheme.
    ///
    /// # Errors
    /// As [`Door::inspect`]; a result that is not as good as promised.
    fn bench(&self, args: &args::Bench) -> Result<(), Error>;
}

/// Where a cost table comes from.
#[derive(Clone, Copy, Default)]
pub struct CostSource<'a> {
    /// The file that the user names.
    pub given: Option<&'a Path>,
    /// The run folder, whose own table stands above everything else, and which keeps the table.
    pub run: Option<&'a RunFolder>,
    /// Take the run folder's own table or none.
    pub kept_only: bool,
    /// Say nothing on standard error.
    pub quiet: bool,
}

/// What a user wants otherwise than an experiment says.
#[derive(Clone, Copy)]
pub struct Wishes {
    /// What the artifact is for.
    pub target: Target,
    /// Bits of security, and against whom.
    pub security: Option<SecurityWish>,
    /// Promised precision of the logits, in bits after the point.
    pub precision_bits: Option<u32>,
    /// In its place, percent of images whose class must not change.
    pub agreement: Option<f64>,
    /// Results that may be shown to others.
    pub share_results: Option<u64>,
    /// Layers that clients run.
    pub device_layers: Option<usize>,
}

/// Bits of security, as a user writes them: `128`, or `128-quantum`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecurityWish {
    /// The bits.
    pub bits: u32,
    /// Whether they are counted against quantum attacks too.
    pub post_quantum: bool,
}

impl std::str::FromStr for SecurityWish {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (bits, post_quantum) = match text.strip_suffix("-quantum") {
            Some(bits) => (bits, true),
            None => (text, false),
        };
        let bits = bits
            .parse()
            .ok()
            .filter(|bits| [128, 192, 256].contains(bits));
        let bits = bits.ok_or("choose 128, 192 or 256, alone or with -quantum behind it")?;
        Ok(Self { bits, post_quantum })
    }
}

/// A trained network that is to be compiled.
pub struct TrainedNetwork<'a> {
    /// The experiment that it is of.
    pub experiment: &'a Experiment,
    /// The network.
    pub architecture: &'a Architecture,
    /// Its weights.
    pub weights: &'a Weights,
    /// Gives typical inputs, where the scheme sets scales by them.
    pub samples: &'a dyn Fn() -> Result<Vec<Vec<f64>>, Error>,
    /// Numbers of an earlier training whose schedule is kept, where the scheme fits any.
    pub like: Option<&'a FittedNumbers>,
    /// What its outputs stand for, in order.
    pub class_names: &'a [String],
    /// The columns of the table that it was trained on; none where these were images.
    pub columns: Option<&'a Columns>,
    /// Where it comes from; nothing where the data cannot be read any more.
    pub provenance: Option<Provenance>,
}

/// What a network costs, and by which table.
pub struct CostNote<'a> {
    /// Predicted latency in milliseconds.
    pub latency_ms: f64,
    /// The machine of the table.
    pub machine: &'a str,
    /// The text of the table.
    pub table: &'a str,
}

/// Hexadecimal digits of a cost table's id.
const TABLE_ID_DIGITS: usize = 16;

impl CostNote<'_> {
    /// The id of the table.
    fn table_id(&self) -> String {
        table_id(self.table)
    }
}

/// The id of a cost table, of its text.
pub fn table_id(table: &str) -> String {
    let hash = blake3::hash(table.as_bytes()).to_hex();
    hash[..TABLE_ID_DIGITS].to_owned()
}

impl TrainedNetwork<'_> {
    /// What an artifact of it says of itself.
    ///
    /// # Errors
    /// An experiment without a space or with an unknown data set.
    pub fn manifest(&self, costs: &CostNote<'_>) -> Result<Manifest, Error> {
        let experiment = self.experiment;
        let source = data::source(&experiment.data.set)?;
        Ok(Manifest {
            dataset: Some(experiment.data.set.clone()),
            classes: match experiment.is_regression() {
                true => Vec::new(),
                false => self.class_names.to_vec(),
            },
            pictures: experiment.data.pictures(source),
            columns: self.columns.map_or(Vec::new(), input_columns),
            output_transform: self.columns.and_then(units),
            architecture: Some(experiment.space()?.describe(self.architecture)?),
            normalization: source.about().to_owned(),
            predicted_latency_ms: Some(costs.latency_ms),
            cost_machine: Some(costs.machine.to_owned()),
            provenance: self.provenance.clone().map(|provenance| Provenance {
                cost_table: Some(costs.table_id()),
                ..provenance
            }),
            ..Manifest::new(&experiment.name)
        })
    }
}

/// How clients standardize the rows of new tables.
fn input_columns(columns: &Columns) -> Vec<InputColumn> {
    let column = |column: &Column| InputColumn {
        name: column.name.clone(),
        mean: column.mean,
        scale: column.scale,
    };
    columns.features.iter().map(column).collect()
}

/// How clients bring a predicted value to its unit; none where classes are predicted.
fn units(columns: &Columns) -> Option<OutputTransform> {
    let target = columns.target.as_ref()?;
    let part = OutputPart {
        name: target.name.clone(),
        len: 1,
        meaning: Meaning::Values,
        unit: target.unit.clone(),
        steps: vec![OutputStep::Affine {
            scale: vec![target.deviation],
            shift: vec![target.mean],
        }],
    };
    Some(OutputTransform { parts: vec![part] })
}

/// What a network costs under a scheme on a machine, and the compilation with these costs.
pub trait Costs: Send + Sync {
    /// What a network costs, whatever its weights will be, behind so many layers on the client.
    ///
    /// # Errors
    /// Why it cannot be compiled.
    fn estimate(&self, graph: &LayerGraph, device_layers: usize) -> Result<CostEstimate, String>;

    /// Compiles a trained network for `target` to an artifact that names what it is, with its figures.
    ///
    /// # Errors
    /// [`Error::Uncompilable`] for a network that cannot be compiled.
    fn compile(
        &self,
        trained: &TrainedNetwork<'_>,
        target: Target,
    ) -> Result<(Box<dyn Model>, CostEstimate), Error>;

    /// What a report says of the costs of a network behind so many layers on the client: a line, and a table of its
    /// layers where there is one. `searched` is what the search predicted.
    ///
    /// # Errors
    /// A network that this version cannot compile.
    fn told(
        &self,
        graph: &LayerGraph,
        device_layers: usize,
        searched: Option<&CostEstimate>,
    ) -> Result<(String, Option<Table>), Error>;

    /// The machine that the costs are of, where the table says it.
    fn machine(&self) -> Option<&str>;
}

/// The costs of every scheme of a space.
pub struct SchemeCosts(BTreeMap<Scheme, Box<dyn Costs>>);

impl SchemeCosts {
    /// Of these schemes; a table that the user names is the first one's.
    ///
    /// # Errors
    /// As [`Door::costs`].
    pub fn of(
        schemes: &[Scheme],
        experiment: Option<&Experiment>,
        source: &CostSource<'_>,
    ) -> Result<Self, Error> {
        let first = schemes.iter().min();
        let costs = |scheme: &Scheme| -> Result<_, Error> {
            let given = source.given.filter(|_| Some(scheme) == first);
            let costs = door(*scheme).costs(experiment, &CostSource { given, ..*source })?;
            Ok((*scheme, costs))
        };
        Ok(Self(schemes.iter().map(costs).collect::<Result<_, _>>()?))
    }

    /// The costs of a scheme.
    ///
    /// # Errors
    /// A scheme that the space does not have.
    pub fn scheme(&self, scheme: Scheme) -> Result<&dyn Costs, Error> {
        let costs = self.0.get(&scheme).map(AsRef::as_ref);
        costs.ok_or_else(|| Error::user(format!("scheme {scheme} is none of this space's")))
    }

    /// The machine that the costs are of, where a table says it.
    pub fn machine(&self) -> Option<&str> {
        self.0.values().find_map(|costs| costs.machine())
    }
}

impl CostModel for SchemeCosts {
    fn estimate(&self, graph: &LayerGraph) -> Result<CostEstimate, String> {
        self.estimate_at(Placement::default(), graph)
    }

    fn estimate_at(
        &self,
        placement: Placement,
        graph: &LayerGraph,
    ) -> Result<CostEstimate, String> {
        let costs = self.scheme(placement.scheme).map_err(Error::render)?;
        costs.estimate(graph, placement.device_layers)
    }
}

#[cfg(test)]
mod tests {
    use hemet_schedule::Scheme as SchemeId;

    use super::*;

    #[test]
    fn the_lists_of_spaces_and_of_artifacts_name_the_same_schemes() {
        let of_spaces = Scheme::ALL.map(Scheme::name);
        let of_artifacts = SchemeId::ALL.map(SchemeId::name);
        assert_eq!(of_spaces, of_artifacts);
    }
}
