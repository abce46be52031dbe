//! Weights that lie in other files beside the model, as exporters write them for models of any size.
//!
//! A path stays within the model's folder, and a file is read only where and as far as a tensor of known shape needs
//! it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use crate::Error;
use crate::constant::{element_size, extents};
use crate::limits::MAX_FILE_BYTES;
use crate::proto::{ModelProto, TensorProto};

/// Puts the numbers of every tensor whose numbers lie in a file of `folder` into the model.
///
/// # Errors
/// [`Error::Tensor`]: a path that leaves the folder, a file that is missing or too short; [`Error::TooLarge`].
pub(crate) fn read(model: &mut ModelProto, folder: &Path) -> Result<(), Error> {
    let mut left = MAX_FILE_BYTES;
    let Some(graph) = &mut model.graph else {
        return Ok(());
    };
    let attributes = graph.node.iter_mut().flat_map(|node| &mut node.attribute);
    let in_nodes = attributes.filter_map(|attribute| attribute.t.as_mut());
    for tensor in graph.initializer.iter_mut().chain(in_nodes) {
        if tensor.data_location.unwrap_or(0) == 0 {
            continue;
        }
        let bytes = content(tensor, folder, &mut left)?;
        tensor.raw_data = Some(bytes);
        tensor.data_location = None;
    }
    Ok(())
}

fn content(tensor: &TensorProto, folder: &Path, left: &mut usize) -> Result<Vec<u8>, Error> {
    let error = |why: String| Error::Tensor {
        name: tensor.name.clone().unwrap_or_default(),
        why,
    };
    let entry = |key: &str| {
        let found = tensor
            .external_data
            .iter()
            .find(|e| e.key.as_deref() == Some(key));
        found.and_then(|e| e.value.as_deref())
    };
    let number = |key: &str| match entry(key) {
        None => Ok(None),
        Some(text) => text.parse::<u64>().map(Some).map_err(|_| {
            error(format!(
                "its external data have {key} `{text}`, which is no number"
            ))
        }),
    };
    let location = entry("location").unwrap_or("");
    let path = within(folder, location).map_err(error)?;
    let size = element_size(tensor.data_type.unwrap_or(0));
    let (Some((_, len)), Some(size)) = (extents(&tensor.dims), size) else {
        return Err(error(format!(
            "its shape {:?} or data type cannot be read from another file",
            tensor.dims
        )));
    };
    let needed = len * size;
    let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
    if let Some(length) = length.filter(|length| *length != needed as u64) {
        return Err(error(format!(
            "its shape {:?} needs {needed} bytes, its external data have {length}",
            tensor.dims
        )));
    }
    *left = left.checked_sub(needed).ok_or_else(|| Error::TooLarge {
        what: "the weights beside the model".into(),
        found: format!("more than {MAX_FILE_BYTES}"),
        limit: MAX_FILE_BYTES,
        unit: "bytes",
    })?;
    range(&path, offset, needed).map_err(error)
}

/// `len` bytes of a file from `offset` on.
fn range(path: &Path, offset: u64, len: usize) -> Result<Vec<u8>, String> {
    let io = |e: std::io::Error| format!("its numbers lie in {}, which {e}", path.display());
    let mut file = File::open(path).map_err(|e| {
        format!(
            "its numbers lie in {}: {e}; keep the file beside the model",
            path.display()
        )
    })?;
    let size = file.metadata().map_err(io)?.len();
    if offset.checked_add(len as u64).is_none_or(|end| end > size) {
        return Err(format!(
            "it needs bytes {offset} to {} of {}, which has {size}; is the file whole?",
            offset.saturating_add(len as u64),
            path.display()
        ));
    }
    file.seek(SeekFrom::Start(offset)).map_err(io)?;
    let mut bytes = vec![0; len];
    file.read_exact(&mut bytes).map_err(io)?;
    Ok(bytes)
}

/// The file at `location` within `folder`, links followed.
fn within(folder: &Path, location: &str) -> Result<PathBuf, String> {
    let relative = Path::new(location);
    let plain = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if location.is_empty() || !plain {
        return Err(format!(
            "its numbers lie in `{}`; only files in the model's folder are read",
            location.escape_debug()
        ));
    }
    let path = folder.join(relative);
    let (Ok(real), Ok(home)) = (path.canonicalize(), folder.canonicalize()) else {
        return Err(format!(
            "its numbers lie in {}, which is not there; keep the file beside the model",
            path.display()
        ));
    };
    match real.starts_with(home) {
        true => Ok(real),
        false => Err(format!(
            "its numbers lie in {}, a link out of the model's folder; only files in it are read",
            path.display()
        )),
    }
}
