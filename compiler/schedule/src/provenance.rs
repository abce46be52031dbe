//! Provenance: where an artifact comes from and how good it was found to be, for its card.
//!
//! The form of the card follows M. Mitchell et al., Model Cards for Model Reporting (FAT* 2019): what a model is for,
//! how good it is and on what, what it is not for.

/// Where an artifact comes from, and how good it was found to be.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Provenance {
    /// Number of the trial of its search.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial: Option<usize>,
    /// The seed of its search.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// What it was trained on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<DataNote>,
    /// BLAKE3 of the model file that it was compiled from, 64 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// BLAKE3 of the inputs that it was calibrated on, as 64-bit floats, 64 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<String>,
    /// Which cost table its latency was predicted with: the first 16 hexadecimal digits of the table's BLAKE3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_table: Option<String>,
    /// How good it was found to be, in the clear.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<Score>,
    /// What its makers say that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// What its makers say that it is not for, and where it errs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<String>,
    /// Under which license its makers give it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
}

/// The data that a network was trained on.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataNote {
    /// BLAKE3 of all images and labels as they were read, 64 hexadecimal digits.
    pub hash: String,
    /// Images that it learned from.
    pub training: usize,
    /// Images that the search measured on.
    pub validation: usize,
    /// Images that were seen at the end alone.
    pub test: usize,
    /// Height and width that pictures were scaled to; none where they were taken as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize: Option<[usize; 2]>,
    /// Whether the middle of each was cut out first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub crop: bool,
    /// Whether colors were made gray.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gray: bool,
}

/// A share of right answers, or R², on some images.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// What was measured, such as `accuracy`.
    pub name: String,
    /// On which images: `validation` or `test`.
    pub on: String,
    /// The value, 0 to 1.
    pub share: f64,
    /// Number of images.
    pub count: usize,
    /// Least share that the true value has, 95 times in 100.
    pub low: f64,
    /// Greatest such share.
    pub high: f64,
}
