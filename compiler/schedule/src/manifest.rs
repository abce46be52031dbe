//! What a person or a client wants to know of an artifact without reading its schedule.

use hemet_pictures::PictureNote;

use crate::{
    Agreement, DeviceNote, FittedNumbers, InputColumn, InputTransform, OutputTransform, Promise,
    Provenance, Serving, Signature,
};

/// What a person or a client wants to know of an artifact without reading its schedule.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the program that compiled it.
    pub hemet_version: String,
    /// Name of the network.
    pub network: String,
    /// Name of the dataset that it was trained on, if known.
    pub dataset: Option<String>,
    /// What the outputs stand for, in order; empty if not known.
    pub classes: Vec<String>,
    /// Text form of the architecture, if it came from a space.
    pub architecture: Option<String>,
    /// How raw data become the network's input, in words.
    pub normalization: String,
    /// Predicted latency of one evaluation on one thread, in milliseconds.
    pub predicted_latency_ms: Option<f64>,
    /// What a server's memory and warmth add to it, by the same table; nothing if not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving: Option<Serving>,
    /// Machine of the cost table that the prediction is from.
    pub cost_machine: Option<String>,
    /// What is known of the layers, in the order of the schedule; empty if nothing is.
    #[serde(default)]
    pub layers: Vec<LayerNote>,
    /// What the client does to an input before it encrypts it; nothing where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_transform: Option<InputTransform>,
    /// What the client makes of decrypted outputs; nothing where there is nothing to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_transform: Option<OutputTransform>,
    /// How a picture becomes an input, where inputs are pictures and that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pictures: Option<PictureNote>,
    /// The columns that an input is made of, where it is the row of a table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<InputColumn>,
    /// The least and the greatest number of an input, after the transform, that the network was compiled for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_range: Option<[f64; 2]>,
    /// Greatest difference of an output that fitting activations by polynomials made, on the inputs that it was fitted
    /// on; nothing where none was fitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fit_error: Option<f64>,
    /// How exact the outputs are, where the compiler looked at inputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promise: Option<Promise>,
    /// What weights and inputs decided, so that another training can be compiled to the same schedule; nothing if not
    /// known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fitted: Option<FittedNumbers>,
    /// How many classes stay as they are, where the precision was chosen by that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Agreement>,
    /// What other budgets of evaluation keys would cost, from the quickest schedule to that of the fewest bytes; empty
    /// if not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeyPoint>,
    /// How many results may be shown to others than the key's owner; none if none may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharing: Option<Sharing>,
    /// The layers in front of the artifact's, which its clients run in the clear; nothing where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceNote>,
    /// Where it comes from and how good it was found to be, as far as that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Provenance>,
    /// Who vouches for the artifact; nothing where nobody does. It covers everything that the artifact's id covers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

/// A budget of evaluation keys and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyPoint {
    /// Bytes of evaluation keys that a client sends.
    pub bytes: u64,
    /// Predicted latency of one evaluation on one thread, in milliseconds.
    pub predicted_ms: f64,
}

/// That results may be shown to others, with noise that hides their errors.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sharing {
    /// How many results, over the life of a key.
    pub results: u64,
    /// Deviation of the errors of an output that noise must hide.
    pub error: f64,
}

/// What a person wants to know of a layer beyond its instructions.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerNote {
    /// Its name in the schedule.
    pub layer: String,
    /// Layers of the network that the compiler merged into it and others, and that are none themselves.
    pub merged: Vec<String>,
    /// Where its result lies in the slots: the text of a [`crate::ckks::Layout`].
    pub packing: String,
    /// Ciphertexts of its result.
    pub ciphertexts: usize,
    /// Predicted time on one thread, in milliseconds.
    pub predicted_ms: f64,
    /// Groups of channels that its convolution keeps apart; none where there is one group, or no convolution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<usize>,
    /// Which places of its kernel exist, in a word; none where all do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taps: Option<String>,
    /// The share of channels that each output channel reads; none where it reads all of its group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<f64>,
    /// Side of the blocks whose weights are circulant; none where each weight stands for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub circulant: Option<usize>,
}

impl Manifest {
    /// Predicted time of the first answer under a client's keys, by a server that holds all constants encoded.
    pub fn predicted_first_ms(&self) -> Option<f64> {
        Some(self.predicted_latency_ms? + self.serving?.first_use_ms)
    }

    /// A manifest of this version of the program that says only the network's name.
    pub fn new(network: &str) -> Self {
        Self {
            hemet_version: env!("CARGO_PKG_VERSION").to_owned(),
            network: network.to_owned(),
            ..Self::default()
        }
    }

    /// What an artifact's id covers: all but predictions, the machine and the table that they are of, the notes on
    /// layers and the signature.
    pub fn identity(&self) -> Self {
        let without_costs = |provenance: &Provenance| Provenance {
            cost_table: None,
            ..provenance.clone()
        };
        Self {
            predicted_latency_ms: None,
            serving: None,
            cost_machine: None,
            layers: Vec::new(),
            signature: None,
            provenance: self.provenance.as_ref().map(without_costs),
            ..self.clone()
        }
    }
}
