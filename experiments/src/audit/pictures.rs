//! The pictures of an audit: leak and cost over the cut, originals and reconstructions.

use hemet_reports::{Bar, BarPlot, Curve, LinePlot, PictureGrid, PictureRow, number};
use hemet_search::audit::{Attack, Findings, Reached};

use super::Audit;
use super::subject::Subject;
use crate::error::Error;
use crate::report::plots::{Drawn, Plot};

/// Pictures of a row of a grid.
const SHOWN: usize = 10;

/// The pictures of a page, in their order.
pub struct Pictures {
    /// Leak and cost over the cut.
    pub plots: Vec<Drawn>,
    /// The strongest attack at each cut.
    pub strongest: Drawn,
    /// Every attack, cut by cut.
    pub cuts: Vec<Drawn>,
    /// The strongest attack against each defense, where there are some.
    pub defenses: Option<Drawn>,
}

impl Pictures {
    /// Draws them.
    ///
    /// # Errors
    /// Numbers that cannot be drawn.
    pub fn draw(subject: &Subject, audit: &Audit) -> Result<Self, Error> {
        let of_cut = |found: &Findings| {
            let shows = format!("Every attack behind {}", found.place);
            let grid = grid_of(subject, audit, found);
            Drawn::of(format!("cut-{}", found.place), shows, grid)
        };
        let cuts = audit.places.iter().map(of_cut);
        let leak_shows = "Structural similarity of reconstructions over the cut, in the mean over the pictures. Cuts are \
                          numbered from the input on, as in the table below. Nothing that was tried is above a line; \
                          something else may be";
        let cost_shows = "Predicted latency where the features at a cut are handed over encrypted, on one thread";
        let shows = "The strongest attack at each cut. Numbers are structural similarities in the mean over all \
                     pictures";
        let against = "The strongest attack against each defense";
        let grid = || Drawn::of("defenses", against, defended_grid(subject, audit));
        Ok(Self {
            plots: vec![
                Drawn::of("leak", leak_shows, leak(audit))?,
                Drawn::of("cost", cost_shows, cost(audit))?,
            ],
            strongest: Drawn::of("strongest", shows, strongest_grid(subject, audit))?,
            cuts: cuts.collect::<Result<_, _>>()?,
            defenses: (!audit.defended.is_empty()).then(grid).transpose()?,
        })
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Drawn> {
        let first = self.plots.iter().chain([&self.strongest]);
        first.chain(&self.cuts).chain(&self.defenses)
    }
}

fn leak(audit: &Audit) -> Plot {
    let mut plot = LinePlot::new("What these attacks reach", "cut", "SSIM");
    plot.linear = true;
    let named = audit.places.iter().enumerate();
    let named: Vec<String> = named
        .map(|(index, found)| format!("{} behind {}", index + 1, found.place))
        .collect();
    plot.subtitle = named.join(", ");
    for attack in Attack::IN_THE_CLEAR {
        let place = |(index, found): (usize, &Findings)| {
            let reached = found.by(attack)?;
            Some((index as f64 + 1.0, reached.nearness.ssim))
        };
        let places: Vec<(f64, f64)> = audit.places.iter().enumerate().filter_map(place).collect();
        // What was tried at one of many cuts is no line; the table has it.
        if places.len() > usize::from(audit.places.len() > 1) {
            plot.curves.push(Curve {
                name: attack.words(),
                places,
            });
        }
    }
    let floor = audit.floor.1.ssim;
    plot.curves.push(Curve {
        name: "mean picture".into(),
        places: vec![(1.0, floor), (audit.places.len().max(2) as f64, floor)],
    });
    let floor = audit.class_floor.ssim;
    plot.curves.push(Curve {
        name: "class mean".into(),
        places: vec![(1.0, floor), (audit.places.len().max(2) as f64, floor)],
    });
    Plot::Lines(plot)
}

fn cost(audit: &Audit) -> Plot {
    let whole = ("the whole network".to_owned(), &audit.whole);
    let inner = audit
        .inner_costs()
        .map(|cost| (format!("behind {}", cost.place), cost));
    let bars = std::iter::once(whole)
        .chain(inner)
        .filter_map(|(name, cost)| {
            let ms = cost.latency_ms?;
            Some(Bar {
                name,
                values: vec![ms],
                word: format!("{} ms", number::milliseconds(ms)),
            })
        });
    let bars: Vec<Bar> = bars.take(hemet_reports::bars::MAX_ROWS).collect();
    Plot::Bars(BarPlot {
        title: "The rest of the network on encrypted features".into(),
        subtitle: String::new(),
        x_title: "predicted latency (ms)".into(),
        kinds: vec![String::new()],
        bars,
    })
}

/// The first reconstructions of an attack.
fn row(subject: &Subject, name: String, note: String, pictures: &[f32]) -> PictureRow {
    let pictures = pictures.chunks_exact(subject.targets().shape.len());
    PictureRow {
        name,
        note,
        pictures: pictures.take(SHOWN).map(<[f32]>::to_vec).collect(),
    }
}

fn reached_row(subject: &Subject, name: String, reached: &Reached) -> PictureRow {
    let note = format!(
        "{}, SSIM {:.3}",
        reached.attack.words(),
        reached.nearness.ssim
    );
    row(subject, name, note, &reached.pictures)
}

/// Rows below the originals.
fn grid(subject: &Subject, title: String, rows: Vec<PictureRow>) -> Plot {
    let targets = subject.targets();
    let shape = targets.shape;
    // What is neither grey nor of three colors is shown by its first channel.
    let channels = if shape.channels == 3 { 3 } else { 1 };
    let originals = row(subject, "original".into(), String::new(), &targets.images);
    let mut rows: Vec<PictureRow> = std::iter::once(originals).chain(rows).collect();
    rows.truncate(hemet_reports::grid::MAX_SIDE);
    for picture in rows.iter_mut().flat_map(|row| &mut row.pictures) {
        picture.truncate(channels * shape.height * shape.width);
    }
    Plot::Grid(PictureGrid {
        title,
        shape: [channels, shape.height, shape.width],
        rows,
    })
}

fn mean_row(subject: &Subject, audit: &Audit) -> PictureRow {
    let note = format!("SSIM {:.3}", audit.floor.1.ssim);
    row(subject, "mean picture".into(), note, &audit.floor.0)
}

fn strongest_grid(subject: &Subject, audit: &Audit) -> Plot {
    let rows = audit.places.iter().filter_map(|found| {
        let reached = found.strongest()?;
        Some(reached_row(
            subject,
            format!("behind {}", found.place),
            reached,
        ))
    });
    let control = audit.control.iter().map(|control| {
        let ssim = control.reached.nearness.ssim;
        let note = format!("behind {}, SSIM {ssim:.3}", control.place);
        row(subject, "encrypted".into(), note, &control.reached.pictures)
    });
    let rows = rows.chain(control).chain([mean_row(subject, audit)]);
    grid(
        subject,
        "Originals and reconstructions".into(),
        rows.collect(),
    )
}

fn grid_of(subject: &Subject, audit: &Audit, found: &Findings) -> Plot {
    let rows = found.reached.iter().map(|reached| {
        let note = format!("SSIM {:.3}", reached.nearness.ssim);
        row(subject, reached.attack.words(), note, &reached.pictures)
    });
    let rows = rows.chain([mean_row(subject, audit)]).collect();
    grid(subject, format!("Behind {}", found.place), rows)
}

fn defended_grid(subject: &Subject, audit: &Audit) -> Plot {
    let rows = audit.defended.iter().filter_map(|found| {
        let name = format!("{}, {}", found.place, found.defense);
        Some(reached_row(subject, name, found.strongest()?))
    });
    grid(subject, "Defenses".into(), rows.collect())
}
