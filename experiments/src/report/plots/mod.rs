//! The plots of a report: one file and one line in [`PLOTS`] each.

mod hypervolume;
mod pareto;

use hemet_reports::{LinePlot, ParetoPlot, Picture, Result};
use hemet_search::objective::Objective;

use super::Run;

/// Size of the PNGs in pixels.
const PNG_SIZE: (u32, u32) = (1280, 960);

/// Gives a plot and what it shows, or nothing where the run has not the numbers for it.
type Draw = fn(&Run<'_>) -> Option<(String, Plot)>;

/// All plots, in the order of the page: the name of its files, how it is drawn.
const PLOTS: &[(&str, Draw)] = &[("pareto", pareto::plot), ("hypervolume", hypervolume::plot)];

/// A plot of any kind.
pub enum Plot {
    /// Accuracy over another objective.
    Pareto(ParetoPlot),
    /// Lines.
    Lines(LinePlot),
}

impl Plot {
    fn svg(&self) -> Result<String> {
        match self {
            Plot::Pareto(plot) => plot.svg(),
            Plot::Lines(plot) => plot.svg(),
        }
    }

    fn png(&self) -> Result<Vec<u8>> {
        let (width, height) = PNG_SIZE;
        match self {
            Plot::Pareto(plot) => plot.png(width, height),
            Plot::Lines(plot) => plot.png(width, height),
        }
    }
}

/// A picture with the bytes of its files.
pub struct Drawn {
    /// Name of its files without extension.
    pub name: String,
    /// What it shows.
    pub shows: String,
    /// As SVG.
    pub svg: String,
    /// As PNG.
    pub png: Vec<u8>,
}

impl Drawn {
    /// Draws a plot both ways.
    ///
    /// # Errors
    /// Numbers that cannot be drawn.
    pub fn of(name: impl Into<String>, shows: impl Into<String>, plot: &Plot) -> Result<Self> {
        Ok(Self {
            name: name.into(),
            shows: shows.into(),
            svg: plot.svg()?,
            png: plot.png()?,
        })
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
        Some(Drawn::of(*name, shows, &plot))
    });
    plots.collect()
}
