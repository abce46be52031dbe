//! The plots of a report: one file and one line in [`PLOTS`] each.

mod all_curves;
mod hypervolume;
mod importance;
mod parallel;
mod pareto;
mod timeline;

use hemet_reports::{
    BarPlot, CurveBundle, GraphDiagram, LinePlot, ParallelPlot, ParetoPlot, Picture, PictureGrid,
    Result, Timeline,
};
use hemet_search::objective::Objective;

use super::Run;

/// Size of the PNGs in pixels.
const PNG_SIZE: (u32, u32) = (1280, 960);

/// Gives a plot and what it shows, or nothing where the run has not the numbers for it.
type Draw = fn(&Run<'_>) -> Option<(String, Plot)>;

/// All plots, in the order of the page: the name of its files, how it is drawn.
const PLOTS: &[(&str, Draw)] = &[
    ("pareto", pareto::plot),
    ("hypervolume", hypervolume::plot),
    ("parallel", parallel::plot),
    ("importance", importance::plot),
    ("all-curves", all_curves::plot),
    ("timeline", timeline::plot),
];

/// A plot of any kind.
pub enum Plot {
    /// Accuracy over another objective.
    Pareto(ParetoPlot),
    /// Lines.
    Lines(LinePlot),
    /// The curves of all trials.
    Bundle(CurveBundle),
    /// Choices and figures side by side.
    Parallel(ParallelPlot),
    /// Lengths.
    Bars(BarPlot),
    /// Trials over time.
    Timeline(Timeline),
    /// Rows of small pictures.
    Grid(PictureGrid),
}

impl Plot {
    fn svg(&self) -> Result<String> {
        match self {
            Plot::Pareto(plot) => plot.svg(),
            Plot::Lines(plot) => plot.svg(),
            Plot::Bundle(plot) => plot.svg(),
            Plot::Parallel(plot) => plot.svg(),
            Plot::Bars(plot) => plot.svg(),
            Plot::Timeline(plot) => plot.svg(),
            Plot::Grid(plot) => plot.svg(),
        }
    }

    fn png(&self) -> Result<Vec<u8>> {
        let (width, height) = PNG_SIZE;
        match self {
            Plot::Pareto(plot) => plot.png(width, height),
            Plot::Lines(plot) => plot.png(width, height),
            Plot::Bundle(plot) => plot.png(width, height),
            Plot::Parallel(plot) => plot.png(),
            Plot::Bars(plot) => plot.png(),
            Plot::Timeline(plot) => plot.png(),
            Plot::Grid(plot) => plot.png(),
        }
    }
}

/// A picture, drawn for the page; its PNG is drawn where it is written.
pub struct Drawn {
    /// Name of its files without extension.
    pub name: String,
    /// What it shows.
    pub shows: String,
    /// As SVG.
    pub svg: String,
    source: Source,
}

/// What a picture is drawn from.
enum Source {
    Plot(Box<Plot>),
    Graph(Box<GraphDiagram>),
}

impl Drawn {
    /// Draws a plot.
    ///
    /// # Errors
    /// Numbers that cannot be drawn.
    pub fn of(name: impl Into<String>, shows: impl Into<String>, plot: Plot) -> Result<Self> {
        Ok(Self {
            name: name.into(),
            shows: shows.into(),
            svg: plot.svg()?,
            source: Source::Plot(Box::new(plot)),
        })
    }

    /// Draws an architecture.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn graph(name: String, shows: String, graph: GraphDiagram) -> Result<Self> {
        Ok(Self {
            name,
            shows,
            svg: graph.svg()?,
            source: Source::Graph(Box::new(graph)),
        })
    }

    /// The bytes of its PNG file.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn png(&self) -> Result<Vec<u8>> {
        match &self.source {
            Source::Plot(plot) => plot.png(),
            Source::Graph(graph) => graph.png(),
        }
    }

    /// As the page shows it.
    pub fn picture(&self) -> Picture {
        Picture {
            shows: self.shows.clone(),
            path: format!("{}.png", self.name),
            svg: self.svg.clone(),
        }
    }
}

/// The name of an objective in words.
fn words(objective: &Objective) -> String {
    objective.name.replace('_', " ")
}

/// Draws every plot that this run has the numbers for.
///
/// # Errors
/// Numbers that cannot be drawn.
pub fn draw(run: &Run<'_>) -> Result<Vec<Drawn>> {
    let plots = PLOTS.iter().filter_map(|(name, plot)| {
        let (shows, plot) = plot(run)?;
        Some(Drawn::of(*name, shows, plot))
    });
    plots.collect()
}
