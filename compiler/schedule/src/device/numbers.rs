//! Weights in a JSON text: 32-bit floats, little endian, in base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Finite 32-bit floats.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Numbers(Vec<f32>);

impl Numbers {
    /// These numbers.
    ///
    /// # Errors
    /// The first one that is not finite.
    pub fn new(values: Vec<f32>) -> Result<Self, String> {
        match values.iter().position(|x| !x.is_finite()) {
            Some(index) => Err(format!("number {index} is {}", values[index])),
            None => Ok(Self(values)),
        }
    }

    /// The numbers.
    pub fn values(&self) -> &[f32] {
        &self.0
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Numbers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|x| x.to_le_bytes()).collect();
        serializer.serialize_str(&STANDARD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).map_err(de::Error::custom)?;
        let (words, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            let what = format!("{} bytes are no 32-bit floats", bytes.len());
            return Err(de::Error::custom(what));
        }
        let values = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
        Self::new(values).map_err(de::Error::custom)
    }
}
