//! Handwritten digits as quantized inputs: the embedded UCI digits (8x8), or a folder with the files of MNIST (28x28).

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

/// Images and labels.
pub struct Digits {
    pub images: Vec<Vec<i64>>,
    pub labels: Vec<usize>,
    /// Rows, and columns, of an image.
    pub side: usize,
}

/// Reads the part for training or for testing; each pixel becomes 0 to `levels − 1`.
pub fn digits(mnist: Option<&str>, training: bool, levels: i64) -> io::Result<Digits> {
    let embedded = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments/data/optdigits");
    let (folder, part, greatest, side) = match (mnist, training) {
        (None, true) => (embedded, "optdigits-train", 16, 8),
        (None, false) => (embedded, "optdigits-test", 16, 8),
        (Some(folder), true) => (PathBuf::from(folder), "train", 255, 28),
        (Some(folder), false) => (PathBuf::from(folder), "t10k", 255, 28),
    };
    let pixels = idx(&folder.join(format!("{part}-images-idx3-ubyte.gz")))?;
    let labels = idx(&folder.join(format!("{part}-labels-idx1-ubyte.gz")))?;
    let quantize = |p: &u8| (i64::from(*p) * (levels - 1) + greatest / 2) / greatest;
    Ok(Digits {
        images: (pixels[16..].chunks_exact(side * side))
            .map(|image| image.iter().map(quantize).collect())
            .collect(),
        labels: labels[8..].iter().map(|l| usize::from(*l)).collect(),
        side,
    })
}

fn idx(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    GzDecoder::new(File::open(file)?).read_to_end(&mut bytes)?;
    Ok(bytes)
}
