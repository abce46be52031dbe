//! What clients and users are told of an artifact, and what follows for inputs and outputs.

use hemet_schedule::{
    DeviceNote, Finished, Fit, InputColumn, InputTransform, OutputTransform, Picture, PictureNote,
};

use crate::answer::Answer;
use crate::error::{Result, RuntimeError};
use crate::files::{ArtifactId, KeyBinding};

/// What clients and users are told of an artifact; nothing of its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// The artifact.
    pub artifact: ArtifactId,
    /// What its keys depend on: artifacts with the same binding take the same keys.
    pub binding: KeyBinding,
    /// Name of the network; empty where a key file of an older program does not say it.
    pub network: String,
    /// What the outputs stand for, in order; empty if not known.
    pub classes: Vec<String>,
    /// How raw data become the network's input, in words.
    pub normalization: String,
    /// How a picture becomes an input; nothing where inputs are none, or where that is not known.
    pub pictures: Option<PictureNote>,
    /// Channels, height and width of an input.
    pub shape: [u32; 3],
    /// The numbers that an input may hold, where that is known.
    pub range: Option<InputRange>,
    /// The layers that the client runs in the clear before it encrypts; nothing where there are none.
    pub device: Option<DeviceFacts>,
    /// What is made of decrypted outputs; nothing where there is nothing to do.
    pub outputs: Option<OutputTransform>,
    /// The columns that an input is made of, where it is the row of a table; empty where it is none.
    pub columns: Vec<InputColumn>,
    /// Inputs that one request takes.
    pub images: usize,
    /// Whether decrypted numbers are those of the clear reference exactly, so that a difference is a fault and no
    /// noise.
    pub exact: bool,
    /// How exact decrypted outputs are promised to be, where that is known.
    pub precision: Option<Precision>,
    /// Largest magnitude of an output for which `precision` is promised, where there is one: answers beyond it may err
    /// more, by any factor.
    pub trusted_output: Option<f64>,
    /// Magnitude from which on an output decrypts to a wrong number, where there is one.
    pub output_edge: Option<f64>,
    /// How many results may be shown to others, where decryption hides their errors; nothing where none may.
    pub shown: Option<Shown>,
    /// The parameters of the encryption, in words.
    pub parameters: String,
    /// Bits of security; 0 for parameters that promise none.
    pub security_bits: u32,
    /// Bytes of the evaluation keys as a client sends them, without heads.
    pub evaluation_key_bytes: u64,
}

impl Facts {
    /// Numbers of an input.
    pub fn elements(&self) -> usize {
        self.shape.iter().map(|extent| *extent as usize).product()
    }

    /// The input that a picture makes, as training saw it. `fit`, where it is given, goes before what the artifact says
    /// of pictures of other sizes; where it says nothing of pictures, pixels are divided by 255.
    ///
    /// # Errors
    /// Why it makes none.
    pub fn input_of_picture(
        &self,
        picture: Picture,
        fit: Option<Fit>,
    ) -> std::result::Result<Vec<f64>, String> {
        let takes = self.shape.map(|extent| extent as usize);
        let none = PictureNote::default();
        let note = self.pictures.as_ref().unwrap_or(&none);
        let values = note.input(picture, takes, fit)?;
        Ok(values.into_iter().map(f64::from).collect())
    }

    /// What the model's own outputs are, part by part: the decrypted outputs after their transform; empty where there
    /// is none.
    pub fn finished(&self, outputs: &[f64]) -> Vec<Finished<'_>> {
        let transform = self.outputs.as_ref();
        transform.map_or(Vec::new(), |transform| transform.apply(outputs))
    }

    /// The model's own outputs as numbers: the decrypted ones where there is no transform.
    pub fn own_outputs(&self, outputs: &[f64]) -> Vec<f64> {
        match &self.outputs {
            Some(transform) => {
                let parts = transform.apply(outputs).into_iter();
                parts.flat_map(|part| part.values).collect()
            }
            None => outputs.to_vec(),
        }
    }
}

impl Facts {
    /// Whether the promised precision holds for these decrypted outputs.
    pub fn is_trusted(&self, outputs: &[f64]) -> bool {
        self.trusted_output
            .is_none_or(|trusted| outputs.iter().all(|x| x.abs() <= trusted))
    }

    /// The class that decrypted outputs tell: that of the model's own outputs; of one number 1 above one half and 0
    /// below.
    pub fn class(&self, outputs: &[f64]) -> usize {
        match &self.finished(outputs)[..] {
            [part] => match (part.class, &part.values[..]) {
                (Some(class), _) => class,
                (None, [score]) => usize::from(*score > 0.5),
                (None, _) => Answer::Logits(part.values.clone()).class(),
            },
            [] | [_, ..] => Answer::Logits(outputs.to_vec()).class(),
        }
    }
}

/// The layers that a client runs before it encrypts.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceFacts {
    /// What the artifact says of them.
    pub note: DeviceNote,
    /// Whether they are here; a server need not have them.
    pub is_here: bool,
    /// The numbers that the features may hold, where that is known.
    pub features: Option<InputRange>,
}

impl DeviceFacts {
    /// Refuses features outside their range.
    ///
    /// # Errors
    /// [`RuntimeError::FeatureRange`].
    pub fn check(&self, features: &[f64]) -> Result<()> {
        let outside = |range: &InputRange| match range.check(features) {
            Err(RuntimeError::OutOfRange {
                index,
                value,
                low,
                high,
                cause: _,
            }) => Err(RuntimeError::FeatureRange {
                index,
                value,
                low,
                high,
            }),
            other => other,
        };
        self.features.as_ref().map_or(Ok(()), outside)
    }
}

/// That results may be shown to others than the owner of the key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown {
    /// How many, over the life of a key.
    pub results: u64,
    /// Deviation of the noise that decryption adds to every output.
    pub noise: f64,
}

/// A promised precision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Precision {
    /// The largest error of an output.
    Absolute(f64),
    /// The largest error of outputs up to a magnitude; of larger ones in proportion.
    Growing {
        /// The error.
        error: f64,
        /// The magnitude.
        up_to: f64,
    },
    /// So many bits after the point, of outputs whose root mean square is at most 1; of larger ones so much less.
    Bits(u32),
}

impl Precision {
    /// The largest error that is promised for these outputs.
    pub fn error(self, outputs: &[f64]) -> f64 {
        match self {
            Precision::Absolute(error) => error,
            Precision::Growing { error, up_to } => {
                let largest = outputs.iter().fold(up_to, |most, x| x.abs().max(most));
                error * largest / up_to
            }
            Precision::Bits(bits) => {
                let power: f64 = outputs.iter().map(|x| x * x).sum();
                let size = (power / outputs.len().max(1) as f64).sqrt();
                (-f64::from(bits)).exp2() * size.max(1.0)
            }
        }
    }

    /// Outputs rounded to multiples of the largest of 1, 2 and 5 times a power of ten that is no larger than the
    /// promised error: digits that are noise tell of the secret key.
    pub fn rounded(self, outputs: &[f64]) -> Vec<f64> {
        let error = self.error(outputs);
        if !(error.is_finite() && error > 0.0) {
            return outputs.to_vec();
        }
        let exponent = error.log10().floor() as i32;
        let digit = match error / 10f64.powi(exponent) {
            ratio if ratio >= 5.0 => 5.0,
            ratio if ratio >= 2.0 => 2.0,
            _ => 1.0,
        };
        // Divided by a whole number where steps are below 1, so that decimal digits come out short.
        let round = |x: &f64| match exponent {
            0.. => (x / (digit * 10f64.powi(exponent))).round() * digit * 10f64.powi(exponent),
            _ => (x * 10f64.powi(-exponent) / digit).round() * digit / 10f64.powi(-exponent),
        };
        outputs.iter().map(round).collect()
    }
}

/// The numbers that an input may hold, after its transform where it has one.
#[derive(Clone, Debug, PartialEq)]
pub struct InputRange {
    /// The least.
    pub low: f64,
    /// The greatest.
    pub high: f64,
    /// What is done to an input before; nothing where there is none.
    pub transform: Option<InputTransform>,
}

/// What inputs may exceed their range by, of its width: what rounding to 32-bit floats adds.
const SLACK: f64 = 1e-5;

impl InputRange {
    /// The least and the greatest that element `index` of an input may be before the transform.
    pub fn of(&self, index: usize) -> [f64; 2] {
        let pair = |t: &InputTransform| Some((*t.center.get(index)?, *t.scale.get(index)?));
        match self.transform.as_ref().and_then(pair) {
            Some((center, scale)) => [self.low, self.high].map(|x| x / scale + center),
            None => [self.low, self.high],
        }
    }

    /// Refuses an input with a number outside the range.
    ///
    /// # Errors
    /// The number, the range and the likely cause.
    pub fn check(&self, input: &[f64]) -> Result<()> {
        for (index, value) in input.iter().enumerate() {
            let [low, high] = self.of(index);
            let slack = SLACK * (high - low);
            if value.is_finite() && !(low - slack..=high + slack).contains(value) {
                return Err(RuntimeError::OutOfRange {
                    index,
                    value: *value,
                    low,
                    high,
                    cause: cause(input, high),
                });
            }
        }
        Ok(())
    }
}

/// The likely cause of a number outside the range.
fn cause(input: &[f64], high: f64) -> &'static str {
    let bytes = |x: &f64| x.fract() == 0.0 && (0.0..=255.0).contains(x);
    match high < 128.0 && input.iter().all(bytes) {
        true => {
            "these look like bytes from 0 to 255 for a network that takes smaller numbers: divide them by 255, or as the \
             network was trained"
        }
        false => {
            "normalize the input as the network was trained, or compile it for larger inputs (--input-range, or --calibrate \
             with such inputs)"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROWING: Precision = Precision::Growing {
        error: 0.01,
        up_to: 2.0,
    };

    #[test]
    fn outputs_are_rounded_to_at_most_the_promised_error_and_short_in_decimal_digits() {
        for (precision, value, expected) in [
            (Precision::Bits(8), 0.123_456, "0.124"),
            (Precision::Bits(10), 0.123_456, "0.1235"),
            (Precision::Absolute(0.07), 1.234, "1.25"),
            (Precision::Absolute(30.0), 1234.0, "1240"),
            (GROWING, 1.234, "1.23"),
            (GROWING, 12.34, "12.35"),
        ] {
            let [found] = precision.rounded(&[value])[..] else {
                panic!("one number")
            };
            assert_eq!(found.to_string(), expected);
            assert!((found - value).abs() <= precision.error(&[value]) / 2.0);
        }
        assert_eq!(Precision::Absolute(0.0).rounded(&[0.1]), [0.1]);
    }

    #[test]
    fn the_error_of_outputs_larger_than_made_up_ones_grows_with_the_largest_of_them() {
        assert_eq!(GROWING.error(&[0.5, -1.0]), 0.01);
        assert_eq!(GROWING.error(&[0.5, -8.0]), 0.04);
        assert_eq!(GROWING.error(&[]), 0.01);
    }

    #[test]
    fn a_number_outside_the_range_is_refused_with_both_numbers_and_the_likely_cause() {
        let plain = InputRange {
            low: 0.0,
            high: 1.0,
            transform: None,
        };
        assert!(plain.check(&[0.0, 1.0, 0.5]).is_ok());
        let text = plain.check(&[0.0, 255.0]).unwrap_err().to_string();
        for part in ["element 1", "255", "0 to 1", "bytes from 0 to 255"] {
            assert!(text.contains(part), "{text}");
        }
        let text = plain.check(&[-0.5]).unwrap_err().to_string();
        assert!(
            text.contains("-0.5") && text.contains("--input-range"),
            "{text}"
        );
        let transform = InputTransform {
            center: vec![0.0, 100.0],
            scale: vec![1.0, 0.01],
        };
        let scaled = InputRange {
            low: -2.0,
            high: 2.0,
            transform: Some(transform),
        };
        assert_eq!(scaled.of(1), [-100.0, 300.0]);
        assert!(scaled.check(&[1.0, 299.0]).is_ok());
        assert!(scaled.check(&[3.0, 0.0]).is_err());
    }
}
