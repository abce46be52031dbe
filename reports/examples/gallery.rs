//! Draws every plot on made-up numbers, easy and hard ones, to be looked at: `cargo run --release -p hemet-reports
//! --example gallery -- FOLDER`.

use std::path::Path;

use hemet_files::write_atomically;
use hemet_reports::{Curve, Error, LinePlot, ParetoPlot, ParetoPoint, ScatterPlot, ScatterPoint};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("give a folder to write to")?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    for (name, plot) in pareto_plots() {
        save(folder, name, plot.svg()?, |width, height| {
            plot.png(width, height)
        })?;
    }
    let scatter = scatter_plot();
    save(folder, "scatter", scatter.svg()?, |width, height| {
        scatter.png(width, height)
    })?;
    let curves = line_plot();
    save(folder, "curves", curves.svg()?, |width, height| {
        curves.png(width, height)
    })?;
    println!("written to {}", folder.display());
    Ok(())
}

/// As SVG, large, and as small as a column of a paper.
fn save(
    folder: &Path,
    name: &str,
    svg: String,
    png: impl Fn(u32, u32) -> Result<Vec<u8>, Error>,
) -> Result<(), Box<dyn std::error::Error>> {
    write_atomically(folder.join(format!("{name}.svg")), svg.as_bytes())?;
    write_atomically(folder.join(format!("{name}.png")), &png(1280, 960)?)?;
    write_atomically(folder.join(format!("{name}-small.png")), &png(600, 450)?)?;
    Ok(())
}

fn pareto_plots() -> Vec<(&'static str, ParetoPlot)> {
    let mut digits = study("Digits: accuracy against latency", 24, 1, 40.0..260.0);
    digits.subtitle = "24 trials of `random`, 128-bit security, 2 threads".into();
    let chosen = digits
        .points
        .iter()
        .filter(|p| p.on_front)
        .map(|p| p.trial)
        .max()
        .unwrap_or(0);
    for point in digits.points.iter_mut().filter(|p| p.on_front) {
        point.chosen = point.trial == chosen;
        point.measured_x = Some(point.x * (1.05 + 0.01 * (point.trial % 9) as f64));
    }
    let mut many = study(
        "Fashion-MNIST: 400 trials of NSGA-II over the squeezenet space",
        400,
        2,
        15.0..1800.0,
    );
    many.series_title = "Activation".into();
    for point in &mut many.points {
        point.series = ["herpn", "quadratic", "square"][point.trial as usize % 3].into();
    }
    let long = many
        .points
        .iter()
        .filter(|p| p.on_front)
        .map(|p| p.trial)
        .min()
        .unwrap_or(0);
    many.points
        .iter_mut()
        .for_each(|p| p.chosen = p.trial == long);
    let mut single = study("One trial", 1, 3, 40.0..50.0);
    single.points[0].chosen = true;
    single.points[0].measured_x = Some(47.0);
    let mut equal = study("All with the same accuracy", 12, 4, 400.0..4000.0);
    equal.points.iter_mut().for_each(|p| p.accuracy = 0.975);
    mark_front(&mut equal.points);
    let mut crowded = study(
        "A front of forty, and failed trainings",
        60,
        5,
        1000.0..9000.0,
    );
    for (i, point) in crowded.points.iter_mut().enumerate() {
        let share = (i % 40) as f64 / 40.0;
        point.x = 1200.0 * 6.0_f64.powf(share);
        point.accuracy = if i < 40 {
            0.90 + 0.09 * share.sqrt()
        } else {
            0.1 + 0.2 * share
        };
    }
    mark_front(&mut crowded.points);
    vec![
        ("pareto", digits),
        ("many", many),
        ("single", single),
        ("equal", equal),
        ("crowded", crowded),
    ]
}

/// A made-up study whose accuracy tends to grow with depth and latency.
fn study(title: &str, trials: u64, seed: u64, range: std::ops::Range<f64>) -> ParetoPlot {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut random = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut plot = ParetoPlot::new(title);
    for trial in 0..trials {
        let share = random();
        plot.points.push(ParetoPoint {
            trial,
            x: range.start * (range.end / range.start).powf(share),
            accuracy: 0.985 - 0.10 * (1.0 - share).powi(2) - 0.05 * random() * random(),
            depth: 4
                + (share * 4.0 + random() * 2.0) as u32
                + if trials > 100 {
                    (share * 6.0) as u32
                } else {
                    0
                },
            stopped: false,
            on_front: false,
            chosen: false,
            baseline: false,
            measured_x: None,
            series: String::new(),
        });
    }
    mark_front(&mut plot.points);
    plot
}

fn mark_front(points: &mut [ParetoPoint]) {
    for i in 0..points.len() {
        let (latency, accuracy) = (points[i].x, points[i].accuracy);
        points[i].on_front = !points.iter().any(|q| {
            q.x <= latency && q.accuracy >= accuracy && (q.x < latency || q.accuracy > accuracy)
        });
    }
}

fn scatter_plot() -> ScatterPlot {
    let mut plot = ScatterPlot::new(
        "Estimate of the cost table against the stopwatch",
        "latency",
        "ms",
    );
    plot.subtitle = "median of 5 runs".into();
    plot.tolerance = Some(0.25);
    for (i, point) in study("", 40, 9, 12.0..900.0).points.iter().enumerate() {
        let measured = point.x * (0.85 + 0.35 * point.accuracy * (i % 7) as f64 / 6.0);
        let series = ["digits", "mnist"][i % 2].into();
        plot.points.push(ScatterPoint {
            predicted: point.x,
            measured,
            series,
        });
    }
    plot
}

fn line_plot() -> LinePlot {
    let mut plot = LinePlot::new("Trial 17: accuracy over epochs", "epoch", "accuracy (%)");
    for (name, best, speed) in [
        ("train", 99.4, 0.35),
        ("validation", 97.6, 0.30),
        ("teacher", 98.4, 0.6),
    ] {
        let places = (1..=30)
            .map(f64::from)
            .map(|e| (e, best - 25.0 * (-speed * e).exp() + 0.3 * (e * 2.3).sin()))
            .collect();
        plot.curves.push(Curve {
            name: name.into(),
            places,
        });
    }
    plot
}
