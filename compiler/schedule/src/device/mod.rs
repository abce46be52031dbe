//! The device part: the first layers of a network, public, which the client runs in the clear before it encrypts.
//!
//! What the client encrypts are then the features that these layers give, and the server runs the rest. The part lies
//! in what clients know of an artifact, never in the artifact, which has its [`DeviceNote`] alone: the hash binds both.
//! Layers stand here in a form of their own, because neither clients nor servers have the compiler's graph.

mod layer;
mod numbers;
mod run;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use layer::{DeviceConv, DeviceKind, DeviceLayer, DeviceSparse, DeviceWindow};
pub use numbers::Numbers;

use layer::elements;

/// Most elements of a tensor on the device.
const MOST_ELEMENTS: usize = 1 << 24;
/// Most multiplications of the device part for one input.
const MOST_PRODUCTS: u64 = 1 << 34;
/// Most layers.
const MOST_LAYERS: usize = 1 << 12;
/// Most elements of all tensors together, which a run holds at once.
const MOST_HELD: usize = 1 << 26;

/// What an artifact says of its device part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceNote {
    /// Convolutions and dense layers of the part.
    pub layers: usize,
    /// Multiplications of the part for one input.
    pub products: u64,
    /// Channels, height and width of the network's input.
    pub input: [u32; 3],
    /// The least and the greatest number of that input; nothing where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_range: Option<[f64; 2]>,
    /// Under which license the part is given; nothing where nobody says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// BLAKE3 of the part, as 64 hexadecimal digits.
    pub part: String,
}

/// The first layers of a network with their weights. What it gives is the output of its last layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "DeviceText", into = "DeviceText")]
pub struct DevicePart {
    input: [u32; 3],
    layers: Vec<DeviceLayer>,
    /// Of the input and then of each layer.
    shapes: Vec<[u32; 3]>,
    products: u64,
}

/// How a part is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceText {
    input: [u32; 3],
    layers: Vec<DeviceLayer>,
}

impl TryFrom<DeviceText> for DevicePart {
    type Error = String;

    fn try_from(text: DeviceText) -> Result<Self, String> {
        Self::new(text.input, text.layers)
    }
}

impl From<DevicePart> for DeviceText {
    fn from(part: DevicePart) -> Self {
        Self {
            input: part.input,
            layers: part.layers,
        }
    }
}

impl DevicePart {
    /// The layers behind an input of this shape (channels, height, width), each after those that it reads.
    ///
    /// # Errors
    /// A layer that cannot take its input, weights of another number than it needs or that are not finite, and parts
    /// that take more than 2^24 elements in a tensor or 2^34 multiplications.
    pub fn new(input: [u32; 3], layers: Vec<DeviceLayer>) -> Result<Self, String> {
        if layers.is_empty() || layers.len() > MOST_LAYERS {
            return Err(format!(
                "the device part has {} layers, 1 to {MOST_LAYERS} are possible",
                layers.len()
            ));
        }
        let (mut shapes, mut products, mut held) = (vec![input], 0u64, elements(input));
        for layer in &layers {
            let wrong = |why: String| format!("layer `{}` of the device part: {why}", layer.name);
            let read: Option<Vec<[u32; 3]>> = layer
                .from
                .iter()
                .map(|at| shapes.get(*at).copied())
                .collect();
            let read = read.ok_or_else(|| wrong("it reads a tensor behind it".into()))?;
            let shape = layer.kind.shape(&read).map_err(wrong)?;
            products = products.saturating_add(layer.kind.products(&read, shape));
            held = held.saturating_add(elements(shape));
            if elements(shape) > MOST_ELEMENTS || held > MOST_HELD || products > MOST_PRODUCTS {
                return Err(wrong(format!(
                    "up to here the part takes {products} multiplications and {held} numbers, at most {MOST_PRODUCTS} and \
                     {MOST_HELD} are possible; run fewer layers on the device"
                )));
            }
            shapes.push(shape);
        }
        Ok(Self {
            input,
            layers,
            shapes,
            products,
        })
    }

    /// Channels, height and width of the network's input.
    pub fn input(&self) -> [u32; 3] {
        self.input
    }

    /// Channels, height and width of the features.
    pub fn output(&self) -> [u32; 3] {
        self.shapes.last().copied().unwrap_or(self.input)
    }

    /// The layers, in order.
    pub fn layers(&self) -> &[DeviceLayer] {
        &self.layers
    }

    /// Multiplications for one input.
    pub fn products(&self) -> u64 {
        self.products
    }

    /// BLAKE3 of the part's text, as 64 hexadecimal digits.
    pub fn id(&self) -> String {
        let text = serde_json::to_vec(self).unwrap_or_default();
        blake3::hash(&text).to_hex().to_string()
    }
}

impl fmt::Display for DeviceNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = match self.layers {
            1 => "layer runs",
            _ => "layers run",
        };
        let (layers, products) = (self.layers, self.products);
        write!(
            f,
            "{layers} {runs} on the client in the clear ({products} multiplications); they are public"
        )?;
        match &self.license {
            Some(license) => write!(f, ", under {license}"),
            None => Ok(()),
        }
    }
}

impl DeviceNote {
    /// Elements of the network's input.
    pub fn elements(&self) -> usize {
        elements(self.input)
    }

    /// Refuses a note that no part can have.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        let digits = self.part.len() == 64 && self.part.bytes().all(|b| b.is_ascii_hexdigit());
        if !digits {
            return Err(format!("`{}` is no hash of a device part", self.part));
        }
        if self.elements() > MOST_ELEMENTS {
            return Err(format!(
                "inputs of {:?} on the device have more than {MOST_ELEMENTS} elements",
                self.input
            ));
        }
        match self.input_range {
            Some([low, high]) if !(low.is_finite() && high.is_finite() && low < high) => {
                Err(format!("inputs of the device part from {low} to {high}"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Refuses another part than that of this note.
    ///
    /// # Errors
    /// Both hashes or shapes.
    pub fn check_part(&self, part: &DevicePart) -> Result<(), String> {
        let found = part.id();
        if found != self.part || part.input() != self.input {
            return Err(format!(
                "the device part is {found} for inputs of {:?}, the artifact was compiled behind {} for {:?}; take the spec \
                 that was written with the artifact",
                part.input(),
                self.part,
                self.input
            ));
        }
        Ok(())
    }
}
