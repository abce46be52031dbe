//! What the studies of cost models share: the table, the plot and the figures of predicted against measured latency.

use std::path::Path;

use hemet::error::Error;
use hemet_reports::{Cell, Column, ScatterPlot, ScatterPoint, Table};

/// One network.
pub struct Figure {
    /// What sets its marker.
    pub series: String,
    /// What it is: a cell for each of the study's columns.
    pub what: Vec<Cell>,
    /// Predicted latency.
    pub predicted_ms: f64,
    /// Measured latency.
    pub measured_ms: f64,
}

impl Figure {
    /// By how much of the measured latency the prediction is off.
    fn error(&self) -> f64 {
        (self.predicted_ms / self.measured_ms - 1.0).abs()
    }
}

/// A study to be written down.
pub struct Study {
    /// Below the plot's title: threads and machine.
    pub subtitle: String,
    /// The share that predictions may be off by.
    pub tolerance: f64,
    /// What is told of a network.
    pub columns: Vec<Column>,
    /// Name of the files, without their ending.
    pub file: &'static str,
}

impl Study {
    /// Writes `out/<file>.{svg,png,csv}` and prints the errors and Kendall's tau.
    pub fn write(mut self, out: &Path, figures: &[Figure]) -> Result<(), Error> {
        let mut plot = ScatterPlot::new("Predicted and measured latency", "latency", "ms");
        plot.subtitle = self.subtitle;
        plot.tolerance = Some(self.tolerance);
        self.columns.extend([
            Column::numbers("predicted_ms", "predicted", "ms"),
            Column::numbers("measured_ms", "measured", "ms"),
        ]);
        let mut rows = Table::new(self.columns);
        for f in figures {
            plot.points.push(ScatterPoint {
                predicted: f.predicted_ms,
                measured: f.measured_ms,
                series: f.series.clone(),
            });
            let times = [f.predicted_ms, f.measured_ms].map(Cell::Milliseconds);
            rows.push([&f.what[..], &times].concat())
                .map_err(Error::user)?;
        }
        let path = |ending: &str| out.join(format!("{}.{ending}", self.file));
        let save = |ending: &str, bytes: &[u8]| {
            hemet_files::write_atomically(path(ending), bytes).map_err(Error::user)
        };
        save("csv", rows.csv().as_bytes())?;
        save("svg", plot.svg().map_err(Error::user)?.as_bytes())?;
        save("png", &plot.png(1000, 900).map_err(Error::user)?)?;
        let errors: Vec<f64> = figures.iter().map(Figure::error).collect();
        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
        let worst = errors.iter().copied().fold(0.0, f64::max);
        let within = errors.iter().filter(|e| **e <= self.tolerance).count();
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        println!("networks               {}", figures.len());
        println!("mean absolute error    {}", percent(mean));
        println!("largest error          {}", percent(worst));
        println!("within {:<15} {within}", percent(self.tolerance));
        println!("Kendall's tau          {:.3}", kendall(figures));
        println!("plot                   {}", path("png").display());
        Ok(())
    }
}

/// Kendall's tau-a: concordant minus discordant pairs over all pairs.
fn kendall(figures: &[Figure]) -> f64 {
    let mut sum = 0.0;
    let mut pairs: f64 = 0.0;
    for (i, a) in figures.iter().enumerate() {
        for b in &figures[..i] {
            let order = (a.predicted_ms - b.predicted_ms) * (a.measured_ms - b.measured_ms);
            sum += if order > 0.0 { 1.0 } else { -1.0 };
            pairs += 1.0;
        }
    }
    sum / pairs.max(1.0)
}
