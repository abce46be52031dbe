//! Sliding windows as ONNX writes them: padding by rule or by number, ceilings, one axis or two.

use hemet_spaces::layer::Window;

use crate::Error;
use crate::limits::MAX_SIDE;
use crate::node::Node;

/// One axis of a window sliding over `len` elements with places before and behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    pub(crate) len: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) dilation: usize,
    pub(crate) begin: usize,
    pub(crate) end: usize,
}

/// How ONNX says that padding is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AutoPad {
    /// As written in `pads`.
    Explicit,
    /// None.
    Valid,
    /// So that there are `len / stride` outputs, rounded up; an odd zero goes behind.
    SameUpper,
    /// The same, an odd zero goes before.
    SameLower,
}

impl Axis {
    /// An axis that a window leaves alone.
    const SINGLE: Self = Self {
        len: 1,
        kernel: 1,
        stride: 1,
        dilation: 1,
        begin: 0,
        end: 0,
    };

    /// Elements from the window's first place to its last.
    fn span(&self) -> usize {
        (self.kernel - 1) * self.dilation + 1
    }

    /// Number of outputs; none if the window does not fit.
    pub(crate) fn outputs(&self) -> Option<usize> {
        let space = (self.len + self.begin + self.end).checked_sub(self.span())?;
        Some(space / self.stride + 1)
    }

    /// Places that a last window needs behind the padded elements where one that hangs over the edge counts. A window
    /// that would begin behind all elements does not count.
    pub(crate) fn hanging(&self) -> usize {
        let whole = self.len + self.begin + self.end;
        let space = whole.saturating_sub(self.span());
        let last = space.div_ceil(self.stride) * self.stride;
        match last >= self.len + self.begin {
            true => 0,
            false => (last + self.span()).saturating_sub(whole),
        }
    }

    /// Sets begin and end as `auto` says; `Explicit` leaves them.
    fn pad(&mut self, auto: AutoPad) {
        let outputs = self.len.div_ceil(self.stride);
        let needed = outputs.saturating_sub(1) * self.stride + self.span();
        let total = needed.saturating_sub(self.len);
        let (small, large) = (total / 2, total - total / 2);
        (self.begin, self.end) = match auto {
            AutoPad::Explicit => return,
            AutoPad::Valid => (0, 0),
            AutoPad::SameUpper => (small, large),
            AutoPad::SameLower => (large, small),
        };
    }
}

/// The window that slides along both axes.
pub(crate) fn window([rows, columns]: [Axis; 2]) -> Window {
    Window {
        kernel: [rows.kernel, columns.kernel],
        stride: [rows.stride, columns.stride],
        padding: [rows.begin, columns.begin, rows.end, columns.end],
        dilation: [rows.dilation, columns.dilation],
    }
}

/// The axes of the window that a node slides over a tensor of extents `dims`; `kernel` has one or two sides.
pub(crate) fn axes(node: Node<'_>, dims: &[usize], kernel: &[usize]) -> Result<[Axis; 2], Error> {
    let count = kernel.len();
    if dims.len() != count + 2 || !(1..=2).contains(&count) {
        return Err(node.unsupported(
            format!("its input has the shape {dims:?} for a kernel of {count} sides"),
            "only signals [batch, channels, length] and maps [batch, channels, height, width] are read",
        ));
    }
    let of = |name: &str, default: usize, count: usize| -> Result<Vec<usize>, Error> {
        let found = node.sizes(name, MAX_SIDE, count)?;
        Ok(found.unwrap_or_else(|| vec![default; count]))
    };
    let (strides, dilations) = (of("strides", 1, count)?, of("dilations", 1, count)?);
    let pads = of("pads", 0, 2 * count)?;
    let auto = auto_pad(node)?;
    let mut axes = [Axis::SINGLE; 2];
    for index in 0..count {
        let mut axis = Axis {
            len: dims[index + 2],
            kernel: kernel[index],
            stride: strides[index],
            dilation: dilations[index],
            begin: pads[index],
            end: pads[index + count],
        };
        if [axis.kernel, axis.stride, axis.dilation].contains(&0) || axis.kernel > MAX_SIDE {
            return Err(node.damaged(format!(
                "its kernel {kernel:?}, strides {strides:?} or dilations {dilations:?} have a zero or are too large"
            )));
        }
        axis.pad(auto);
        if axis.outputs().is_none() {
            return Err(node.damaged(format!(
                "a window of {kernel:?} does not fit {:?} padded by {pads:?}",
                &dims[2..]
            )));
        }
        axes[index + 2 - count] = axis;
    }
    Ok(axes)
}

fn auto_pad(node: Node<'_>) -> Result<AutoPad, Error> {
    match node.text("auto_pad", "NOTSET")? {
        "NOTSET" | "" => Ok(AutoPad::Explicit),
        "VALID" => Ok(AutoPad::Valid),
        "SAME_UPPER" => Ok(AutoPad::SameUpper),
        "SAME_LOWER" => Ok(AutoPad::SameLower),
        other => Err(node.damaged(format!("auto_pad is `{other}`"))),
    }
}

/// Extents of the result: channels and the sides of `outputs`, as many as `dims` has.
pub(crate) fn output_dims(dims: &[usize], channels: usize, outputs: [usize; 2]) -> Vec<usize> {
    let sides = &outputs[4 - dims.len()..];
    [&[1, channels], sides].concat()
}
