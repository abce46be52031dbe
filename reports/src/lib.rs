//! Plots, tables and the report page, from plain points.
//!
//! Nothing here knows a study, a schedule or a network: the caller hands over plain numbers and texts. Every picture is
//! first laid out as a scene of lines, shapes and texts in logical units, then drawn by plotters as SVG or PNG, so both
//! show the same picture and the layout can be tested without pixels.
//!
//! | module | what it is |
//! |---|---|
//! | [`pareto`] | accuracy over latency or another quantity, depth by color, the front joined and labelled |
//! | [`scatter`] | predicted against measured, with the diagonal and the mean absolute error |
//! | [`curves`] | lines over epochs or trials |
//! | [`bundle`] | the curves of all trials in one picture |
//! | [`bars`] | horizontal bars |
//! | [`parallel`] | parallel coordinates: an axis a choice or figure, a line a trial |
//! | [`timeline`] | when each trial ran, those side by side below each other |
//! | [`grid`] | rows of small pictures |
//! | [`levels`] | instructions of a schedule by level, in program order |
//! | [`graph`] | boxes and arrows: the architecture of a network |
//! | [`table`] | one table, as CSV and Parquet for programs and as Markdown for people |
//! | [`page`] | the report: paragraphs, facts, tables and pictures, as Markdown and as one HTML page |
//! | [`number`] | how numbers are written |
//!
//! ```
//! use hemet_reports::{ParetoPlot, ParetoPoint};
//! let mut plot = ParetoPlot::new("Digits");
//! plot.points.push(ParetoPoint {
//!     trial: 17,
//!     x: 42.0,
//!     accuracy: 0.975,
//!     depth: 5,
//!     stopped: false,
//!     on_front: true,
//!     chosen: true,
//!     baseline: false,
//!     measured_x: Some(45.5),
//!     series: String::new(),
//! });
//! assert!(plot.svg()?.contains("chosen: #17"));
//! # Ok::<(), hemet_reports::Error>(())
//! ```

mod axis;
pub mod bars;
pub mod bundle;
pub mod curves;
mod error;
mod fonts;
mod frame;
pub mod graph;
pub mod grid;
mod labels;
pub mod landscape;
mod legend;
pub mod levels;
mod marker;
pub mod number;
pub mod page;
mod palette;
pub mod parallel;
pub mod pareto;
mod parquet;
mod render;
pub mod scatter;
mod scene;
pub mod table;
pub mod timeline;

pub use bars::{Bar, BarPlot};
pub use bundle::{CurveBundle, Strand};
pub use curves::{Curve, LinePlot};
pub use error::{Error, Result};
pub use graph::{GraphBox, GraphDiagram};
pub use grid::{PictureGrid, PictureRow};
pub use landscape::{LandscapePlot, Network};
pub use levels::{LevelDiagram, LevelStep};
pub use page::{Part, Picture, Report};
pub use parallel::{ParallelAxis, ParallelLine, ParallelPlot, Scale};
pub use pareto::{ParetoPlot, ParetoPoint, Quantity};
pub use scatter::{ScatterPlot, ScatterPoint};
pub use table::{Align, Cell, Column, Table};
pub use timeline::{Ended, Span, Timeline};
