//! How a picture becomes a network's input: brought to one size and to gray or color, then to numbers. Training, the
//! program's client, the Python package and the client in browsers all do it here, so that all see the same numbers.

mod note;
mod prepare;

pub use note::{Fit, PictureNote, PixelScale};
pub use prepare::{LARGEST_SIDE, Preparation};

/// A picture, 8 bits a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Channels (1 gray, 3 RGB), height and width.
    pub axes: [usize; 3],
    /// `[channels][height][width]`.
    pub planar: Vec<u8>,
}

impl Picture {
    /// Of pixels `[height][width][channels]`; none where their number is another than the axes say.
    pub fn interleaved(axes: [usize; 3], pixels: &[u8]) -> Option<Self> {
        let [channels, height, width] = axes;
        let plane = height.checked_mul(width)?;
        if plane == 0 || plane.checked_mul(channels)? != pixels.len() || channels == 0 {
            return None;
        }
        let mut planar = vec![0; pixels.len()];
        for (index, value) in pixels.iter().enumerate() {
            planar[index % channels * plane + index / channels] = *value;
        }
        Some(Self { axes, planar })
    }

    /// The numbers that its pixels become, `[channels][height][width]`.
    pub fn numbers(&self, pixels: &PixelScale) -> Vec<f32> {
        let white = f32::from(u8::MAX);
        let mut numbers: Vec<f32> = self.planar.iter().map(|p| f32::from(*p) / white).collect();
        pixels.apply(&mut numbers, self.axes[0]);
        numbers
    }
}
