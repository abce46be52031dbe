//! The UCI digits (8x8, values 0 to 16) as quantised inputs.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

/// Images and labels.
pub struct Digits {
    pub images: Vec<Vec<i64>>,
    pub labels: Vec<usize>,
}

/// Reads the embedded `train` or `test` part; each pixel becomes 0 to `levels − 1`.
pub fn digits(part: &str, levels: i64) -> io::Result<Digits> {
    let pixels = idx(part, "images-idx3")?;
    let labels = idx(part, "labels-idx1")?;
    let quantise = |p: &u8| (i64::from(*p) * (levels - 1) + 8) / 16;
    Ok(Digits {
        images: pixels[16..]
            .chunks_exact(64)
            .map(|i| i.iter().map(quantise).collect())
            .collect(),
        labels: labels[8..].iter().map(|l| usize::from(*l)).collect(),
    })
}

fn idx(part: &str, kind: &str) -> io::Result<Vec<u8>> {
    let folder: PathBuf =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments/data/optdigits");
    let mut bytes = Vec::new();
    GzDecoder::new(File::open(
        folder.join(format!("optdigits-{part}-{kind}-ubyte.gz")),
    )?)
    .read_to_end(&mut bytes)?;
    Ok(bytes)
}
