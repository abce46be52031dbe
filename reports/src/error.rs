//! What can go wrong when a plot, a table or a report file is made.

/// Shorthand for a result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong when a plot, a table or a report file is made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A column of a table holds cells of more than one kind where the format wants one.
    #[error(
        "column `{column}` of the table holds {found} in row {row} and {first} before; give it cells of one kind"
    )]
    MixedColumn {
        /// Key of the column.
        column: String,
        /// The first row of another kind, from 0.
        row: usize,
        /// The kind in that row.
        found: String,
        /// The kind before.
        first: String,
    },
    /// A plot without a single point.
    #[error(
        "plot `{plot}` has no points, at least 1 is needed; plot only after a trial has completed"
    )]
    Empty {
        /// Title of the plot.
        plot: String,
    },
    /// A number that is NaN or infinite.
    #[error(
        "{place} has {quantity} {value}, a finite number is needed; leave such a point or cell out"
    )]
    NotFinite {
        /// Where the number stands, such as ``trial 17 of plot `Digits` ``.
        place: String,
        /// What the number is, such as `latency_ms`.
        quantity: &'static str,
        /// The offending number.
        value: f64,
    },
    /// A number outside of what its quantity can be.
    #[error("{place} has {quantity} {value}, allowed is {allowed}; check its unit")]
    OutOfRange {
        /// Where the number stands.
        place: String,
        /// What the number is.
        quantity: &'static str,
        /// The offending number.
        value: f64,
        /// The allowed range, in words.
        allowed: &'static str,
    },
    /// A picture too small to be read or too large to be held in memory.
    #[error(
        "a picture of {width}x{height} pixels was asked for, allowed is from {min_width}x{min_height} to {max}x{max}"
    )]
    PictureSize {
        /// Width asked for, in pixels.
        width: u32,
        /// Height asked for, in pixels.
        height: u32,
        /// Least width, in pixels.
        min_width: u32,
        /// Least height, in pixels.
        min_height: u32,
        /// Greatest width and height, in pixels.
        max: u32,
    },
    /// A table row with more or fewer cells than there are columns.
    #[error(
        "row {row} of the table has {cells} cells, the table has {columns} columns; give one cell a column"
    )]
    RowLength {
        /// Index of the row, from 0.
        row: usize,
        /// Number of cells in the row.
        cells: usize,
        /// Number of columns of the table.
        columns: usize,
    },
    /// The drawing library refused.
    #[error("cannot draw the picture: {0}")]
    Drawing(String),
}

/// Refuses NaN and infinities; `place` is called only for the message.
pub(crate) fn finite(
    value: f64,
    quantity: &'static str,
    place: impl FnOnce() -> String,
) -> Result<f64> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(Error::NotFinite {
            place: place(),
            quantity,
            value,
        })
    }
}
