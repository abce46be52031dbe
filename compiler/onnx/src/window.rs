//! Sliding windows: padding as ONNX writes it.

use hemet_spaces::layer::Window;

/// One axis of a window sliding over `len` elements with zeros before and behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    pub(crate) len: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) begin: usize,
    pub(crate) end: usize,
}

/// How ONNX says that padding is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AutoPad {
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
    /// Number of outputs; none if the window does not fit.
    pub(crate) fn outputs(&self) -> Option<usize> {
        let space = (self.len + self.begin + self.end).checked_sub(self.kernel)?;
        Some(space / self.stride + 1)
    }

    /// Number of outputs when a last window that hangs over the edge counts.
    pub(crate) fn outputs_rounded_up(&self) -> Option<usize> {
        let space = (self.len + self.begin + self.end).checked_sub(self.kernel)?;
        Some(space.div_ceil(self.stride) + 1)
    }

    /// Sets begin and end as `auto` says; `Explicit` leaves them.
    pub(crate) fn pad(&mut self, auto: AutoPad) {
        let outputs = self.len.div_ceil(self.stride);
        let total =
            ((outputs.saturating_sub(1)) * self.stride + self.kernel).saturating_sub(self.len);
        let (small, large) = (total / 2, total - total / 2);
        (self.begin, self.end) = match auto {
            AutoPad::Explicit => return,
            AutoPad::Valid => (0, 0),
            AutoPad::SameUpper => (small, large),
            AutoPad::SameLower => (large, small),
        };
    }

    pub(crate) fn is_padded(&self) -> bool {
        self.begin > 0 || self.end > 0
    }
}

/// The window that slides along both axes.
pub(crate) fn window(rows: Axis, columns: Axis) -> Window {
    Window {
        kernel: [rows.kernel, columns.kernel],
        stride: [rows.stride, columns.stride],
        padding: [rows.begin, columns.begin, rows.end, columns.end],
        dilation: [1; 2],
    }
}
