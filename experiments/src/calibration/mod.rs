//! Calibration data: typical inputs of a network, from safetensors, NumPy arrays or folders of pictures.

mod check;
mod npy;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use hemet_search::data;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::cli::pictures::Pictures;
use crate::error::Error;
use crate::schemes::ckks::cases;

/// Most inputs that a calibration reads: the first of the file.
pub const MAX_INPUTS: usize = 1024;

/// Inputs to calibrate on, and their classes where the file has them.
#[derive(Debug)]
pub struct Calibration {
    /// Each in channel-major order.
    pub inputs: Vec<Vec<f64>>,
    /// As many as inputs, or none.
    pub labels: Vec<usize>,
    /// The axes of one input, as the source has them.
    pub shape: Vec<usize>,
}

impl Calibration {
    /// Whether a network of so many input elements takes these inputs, within the range that the user stated.
    ///
    /// # Errors
    /// Both numbers of what does not fit.
    pub fn fits(&self, elements: usize, input_range: Option<f64>) -> Result<(), String> {
        let own: usize = self.shape.iter().product();
        if own != elements {
            return Err(format!(
                "calibration data: an input has shape {:?}, {own} numbers; the network takes {elements}",
                self.shape
            ));
        }
        let (low, high) = self.range();
        match input_range {
            Some(range) if high.max(-low) > range => Err(format!(
                "calibration data: inputs reach from {low} to {high}, beyond --input-range {range}; scale them as the network's inputs are \
                 scaled, or state their range"
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// The least and the greatest number of all inputs.
    pub fn range(&self) -> (f64, f64) {
        let all = self.inputs.iter().flatten();
        all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| {
            (low.min(*x), high.max(*x))
        })
    }

    /// The data as a safetensors file: `input` in single precision, `labels` where there are some.
    ///
    /// # Errors
    /// What the format cannot hold.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, Error> {
        let values = self.inputs.iter().flatten();
        let input: Vec<u8> = values.flat_map(|x| (*x as f32).to_le_bytes()).collect();
        let labels: Vec<u8> = self
            .labels
            .iter()
            .flat_map(|label| (*label as i64).to_le_bytes())
            .collect();
        let axes = [vec![self.inputs.len()], self.shape.clone()].concat();
        let view = |kind, axes, data| TensorView::new(kind, axes, data).map_err(Error::user);
        let mut tensors = HashMap::from([("input", view(Dtype::F32, axes, &input)?)]);
        if !self.labels.is_empty() {
            let count = vec![self.labels.len()];
            tensors.insert("labels", view(Dtype::I64, count, &labels)?);
        }
        safetensors::serialize(tensors, None).map_err(Error::user)
    }
}

/// Reads a safetensors file (tensor `input` `[n][…]` of F32 or F64, and `labels` `[n]` of any kind of number where it
/// is there), a `.npy` file (`[n][…]`), or a folder of PNG or JPEG pictures or of one such folder a class, which become
/// numbers as `pictures` says.
///
/// # Errors
/// What cannot be read, with the file; inputs that say nothing of others: too few, all alike, not finite.
pub fn read(path: &Path, pictures: &Pictures) -> Result<Calibration, Error> {
    let found = match path.is_dir() {
        true => of_folder(path, pictures)?,
        false => {
            let content = std::fs::read(path).map_err(|e| Error::file(path, e))?;
            match content.starts_with(npy::SIGNATURE) {
                true => of_array(
                    path,
                    npy::read(&content).map_err(|why| Error::file(path, why))?,
                )?,
                false => of_safetensors(path, &content)?,
            }
        }
    };
    check::check(&found.inputs)
        .map_err(|why| Error::file(path, format!("calibration data: {why}")))?;
    Ok(found)
}

fn of_safetensors(path: &Path, content: &[u8]) -> Result<Calibration, Error> {
    let refuse = |name: &str, why: String| Error::file(path, format!("tensor `{name}` {why}"));
    let tensors = SafeTensors::deserialize(content).map_err(|error| {
        let what = format!(
            "it is no safetensors file ({error}), no NumPy array and no folder of pictures"
        );
        Error::file(path, what)
    })?;
    let input = tensors.tensor("input").map_err(|_| {
        let names = tensors.names().join(", ");
        refuse("input", format!("is missing; the file has {names}"))
    })?;
    let shape = input.shape().get(1..).unwrap_or_default().to_vec();
    let width = shape.iter().product();
    let inputs = cases::rows(&input, width).map_err(|why| refuse("input", why))?;
    let mut labels = Vec::new();
    if let Ok(tensor) = tensors.tensor("labels") {
        let numbers = cases::numbers(&tensor).map_err(|why| refuse("labels", why))?;
        let class = |x: &f64| (*x >= 0.0 && x.fract() == 0.0).then_some(*x as usize);
        let classes: Option<Vec<usize>> = numbers.iter().map(class).collect();
        labels =
            classes.ok_or_else(|| refuse("labels", "holds numbers that are no class".into()))?;
        if labels.len() != inputs.len() {
            let why = format!(
                "has {} numbers, `input` {} rows",
                labels.len(),
                inputs.len()
            );
            return Err(refuse("labels", why));
        }
    }
    Ok(first(Calibration {
        inputs,
        labels,
        shape,
    }))
}

fn of_array(path: &Path, array: npy::Array) -> Result<Calibration, Error> {
    let width = match array.shape.split_first() {
        Some((_, rest)) if !rest.is_empty() => rest.iter().product::<usize>(),
        Some(_) | None => 0,
    };
    if width == 0 {
        let what = format!(
            "its shape is {:?}; give one input a row, as [n, channels, height, width] or [n, features]",
            array.shape
        );
        return Err(Error::file(path, what));
    }
    let rows = array.numbers.chunks_exact(width);
    Ok(first(Calibration {
        inputs: rows.map(<[f64]>::to_vec).collect(),
        labels: vec![],
        shape: array.shape[1..].to_vec(),
    }))
}

/// The first inputs, as many as are used.
fn first(mut data: Calibration) -> Calibration {
    data.inputs.truncate(MAX_INPUTS);
    data.labels.truncate(MAX_INPUTS);
    data
}

/// Pictures brought to one size: those in the folder, or those in its folders, which then are classes.
fn of_folder(folder: &Path, options: &Pictures) -> Result<Calibration, Error> {
    let (preparation, scale) = (options.preparation(), options.note().pixels);
    let (folders, files) = entries(folder)?;
    let mut pictures = Vec::new();
    match folders.is_empty() {
        true => pictures.extend(files.into_iter().map(|file| (None, file))),
        false => {
            for (class, below) in folders.iter().enumerate() {
                let inside = entries(below)?.1;
                pictures.extend(inside.into_iter().map(|file| (Some(class), file)));
            }
        }
    }
    let mut found: Option<Calibration> = None;
    // Spread over all classes where there are too many.
    let step = pictures.len().div_ceil(MAX_INPUTS).max(1);
    for (class, path) in pictures.into_iter().step_by(step) {
        let content = std::fs::read(&path).map_err(|e| Error::file(&path, e))?;
        let Some(picture) = data::picture(&content) else {
            let what = "no picture by its first bytes; PNG and JPEG files are read";
            return Err(Error::file(&path, what));
        };
        let picture = preparation.apply(picture.map_err(|why| Error::file(&path, why))?);
        let axes = picture.axes.to_vec();
        let values = picture.numbers(&scale);
        let data = found.get_or_insert_with(|| Calibration {
            inputs: vec![],
            labels: vec![],
            shape: axes.clone(),
        });
        if data.shape != axes {
            let what = format!(
                "it has channels, height and width {axes:?}, those before {:?}; --resize SIDE brings all to one size, --gray to gray",
                data.shape
            );
            return Err(Error::file(&path, what));
        }
        data.inputs
            .push(values.into_iter().map(f64::from).collect());
        data.labels.extend(class);
    }
    found.ok_or_else(|| Error::file(folder, "it holds no picture"))
}

/// The folders and the files in a folder, by name; hidden ones left out.
fn entries(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Error> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| Error::file(folder, e))? {
        let path = entry.map_err(|e| Error::file(folder, e))?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        if !name.starts_with('.')
            && !["__macosx", "thumbs.db", "desktop.ini"].contains(&name.as_str())
        {
            all.push(path);
        }
    }
    all.sort();
    Ok(all.into_iter().partition(|path| path.is_dir()))
}
