//! The Pareto plot keeps its promises on few, many, equal and wrong points.

use proptest::prelude::*;

use super::*;
use crate::scene::{Bounds, Mark, Text};

fn point(trial: u64, latency_ms: f64, accuracy: f64, depth: u32) -> ParetoPoint {
    ParetoPoint {
        trial,
        x: latency_ms,
        accuracy,
        depth,
        stopped: false,
        on_front: false,
        chosen: false,
        baseline: false,
        measured_x: None,
        series: String::new(),
    }
}

fn plot(points: Vec<ParetoPoint>) -> ParetoPlot {
    ParetoPlot {
        points,
        ..ParetoPlot::new("Digits")
    }
}

/// Marks the members of the front, as a study does.
fn with_front(mut points: Vec<ParetoPoint>) -> Vec<ParetoPoint> {
    for i in 0..points.len() {
        let dominated = points.iter().any(|q| {
            let p = &points[i];
            q.x <= p.x && q.accuracy >= p.accuracy && (q.x < p.x || q.accuracy > p.accuracy)
        });
        points[i].on_front = !dominated;
    }
    points
}

fn texts(scene: &crate::scene::Scene) -> Vec<&str> {
    scene
        .marks
        .iter()
        .filter_map(|mark| match mark {
            Mark::Text(text) => Some(text.text.as_str()),
            Mark::Line { .. } | Mark::Area { .. } | Mark::Disc { .. } | Mark::Ring { .. } => None,
        })
        .collect()
}

#[test]
fn each_front_member_is_labelled_once_and_the_chosen_one_by_name() {
    let mut points = with_front(vec![
        point(3, 20.0, 0.90, 4),
        point(8, 45.0, 0.95, 5),
        point(17, 90.0, 0.975, 6),
        point(21, 300.0, 0.98, 9),
        point(22, 310.0, 0.97, 9),
    ]);
    points[2].chosen = true;
    points[2].measured_x = Some(101.0);
    let svg = plot(points).svg().unwrap();
    for (label, times) in [
        ("#3", 1),
        ("#8", 1),
        ("chosen: #17", 1),
        ("#17", 0),
        ("#21", 1),
        ("#22", 0),
        ("measured", 1),
    ] {
        assert_eq!(
            svg.matches(&format!("\n{label}\n")).count(),
            times,
            "{label}"
        );
    }
    assert!(
        svg.contains("accuracy (%)")
            && svg.contains("latency of one encrypted prediction (ms), log scale")
    );
    assert!(svg.contains("Depth (levels)") && svg.starts_with("<svg width=\"640\" height=\"480\""));
}

#[test]
fn a_trial_that_was_stopped_early_is_small_and_hollow_and_named_in_the_legend() {
    let stopped = |stopped| {
        let mut points = with_front(vec![point(1, 20.0, 0.9, 4), point(2, 40.0, 0.95, 4)]);
        points.push(ParetoPoint {
            stopped,
            ..point(3, 50.0, 0.7, 4)
        });
        plot(points)
    };
    let least = |plot: &ParetoPlot| {
        let layout = plot.lay_out(640.0, 480.0).unwrap();
        let radii = layout.scene.marks.iter().filter_map(|mark| match mark {
            Mark::Disc { radius, .. } => Some(*radius),
            Mark::Line { .. } | Mark::Area { .. } | Mark::Ring { .. } | Mark::Text(_) => None,
        });
        radii.fold(f64::INFINITY, f64::min)
    };
    let (whole, early) = (stopped(false), stopped(true));
    assert!(least(&early) < least(&whole));
    let svg = early.svg().unwrap();
    assert!(svg.contains("\nstopped early\n") && !svg.contains("\nother trials\n"));
    assert!(!whole.svg().unwrap().contains("stopped early"));
}

#[test]
fn unplottable_points_are_refused_by_trial_and_quantity() {
    let measured = |x| ParetoPoint {
        measured_x: Some(x),
        ..point(5, 1.0, 0.5, 3)
    };
    for (points, expected) in [
        (vec![], "plot `Digits` has no points"),
        (
            vec![point(4, f64::NAN, 0.5, 3)],
            "trial 4 of plot `Digits` has x NaN",
        ),
        (vec![point(4, 1.0, f64::NAN, 3)], "accuracy NaN"),
        (vec![point(4, -1.0, 0.5, 3)], "x -1, allowed is at least 0"),
        (
            vec![point(4, 1.0, 97.5, 3)],
            "accuracy 97.5, allowed is a fraction from 0 to 1",
        ),
        (
            vec![point(4, 1.0, 0.5, 3), measured(f64::INFINITY)],
            "trial 5 of plot `Digits` has measured_x inf",
        ),
    ] {
        let error = plot(points.clone()).svg().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(plot(points).png(640, 480).is_err());
    }
}

#[test]
fn a_png_has_the_size_asked_for() {
    let plot = plot(with_front(vec![
        point(1, 20.0, 0.9, 4),
        point(2, 40.0, 0.95, 5),
    ]));
    for (width, height) in [(640, 480), (600, 450), (333, 257), (900, 300)] {
        let bytes = plot.png(width, height).unwrap();
        let reader = png::Decoder::new(std::io::Cursor::new(bytes))
            .read_info()
            .unwrap();
        assert_eq!((reader.info().width, reader.info().height), (width, height));
    }
}

#[test]
fn equal_plots_give_equal_pictures() {
    let plot = plot(with_front(vec![
        point(1, 20.0, 0.9, 4),
        point(2, 40.0, 0.95, 5),
    ]));
    assert_eq!(plot.svg().unwrap(), plot.svg().unwrap());
    assert_eq!(plot.png(400, 300).unwrap(), plot.png(400, 300).unwrap());
}

#[test]
fn failed_trainings_do_not_flatten_the_front() {
    let mut points = vec![
        point(1, 20.0, 0.95, 4),
        point(2, 40.0, 0.97, 5),
        point(3, 50.0, 0.98, 5),
    ];
    points.extend((4..7).map(|i| point(i, 30.0, 0.1, 4)));
    let layout = plot(with_front(points)).lay_out(640.0, 480.0).unwrap();
    let texts = texts(&layout.scene);
    assert!(
        texts.iter().any(|t| t.contains("3 trials below 89 %")),
        "{texts:?}"
    );
    assert!(texts.contains(&"90") && !texts.contains(&"80"), "{texts:?}");
}

#[test]
fn a_series_far_below_the_front_is_shown_all_the_same() {
    let mut points = vec![point(1, 5.0, 0.98, 2), point(2, 6.0, 0.99, 2)];
    let slow = |i: u64| ParetoPoint {
        series: "tfhe".into(),
        ..point(i, 300.0, 0.85 + 0.01 * i as f64, 1)
    };
    points.extend((3..7).map(slow));
    let layout = plot(with_front(points)).lay_out(640.0, 480.0).unwrap();
    let texts = texts(&layout.scene);
    assert!(!texts.iter().any(|t| t.contains("below")), "{texts:?}");
}

#[test]
fn the_baseline_is_starred_named_and_shown_however_far_below_the_front_it_lies() {
    let mut points = vec![
        point(0, 700.0, 0.60, 15),
        point(1, 20.0, 0.95, 4),
        point(2, 40.0, 0.97, 5),
        point(3, 50.0, 0.98, 5),
        point(4, 30.0, 0.1, 4),
    ];
    points[2].chosen = true;
    let lay_out = |points: &[ParetoPoint]| {
        let points = with_front(points.to_vec());
        plot(points).lay_out(640.0, 480.0).unwrap()
    };
    let without = lay_out(&points);
    points[0].baseline = true;
    points[0].measured_x = Some(800.0);
    let with = lay_out(&points);
    let texts_with = texts(&with.scene);
    for text in ["baseline", "baseline: #0", "chosen: #2"] {
        assert!(texts_with.contains(&text), "{text}: {texts_with:?}");
    }
    // Stars in the plot and the legend; it stands on the axes, not as an arrow at the edge.
    let stars = |layout: &layout::Layout| {
        let is_star = |m: &&Mark| matches!(m, Mark::Area { corners, .. } if corners.len() == 10);
        layout.scene.marks.iter().filter(is_star).count()
    };
    assert!(stars(&without) == 0 && stars(&with) > stars(&without));
    let texts_without = texts(&without.scene);
    assert!(!texts_without.iter().any(|t| t.contains("baseline")));
    assert!(texts_with.contains(&"60") && !texts_without.contains(&"60"));
    points[0].chosen = true;
    let svg = plot(with_front(points)).svg().unwrap();
    assert!(svg.contains("chosen, baseline: #0"));
}

#[test]
fn a_title_full_of_markup_and_control_characters_leaves_valid_xml() {
    let mut plot = plot(vec![point(1, 20.0, 0.9, 4)]);
    plot.title = "a<b> & \"c\" \u{0}\u{8}\n".to_string();
    let svg = plot.svg().unwrap();
    assert!(svg.contains("a&lt;b&gt; &amp;") && !svg.contains("<b>"));
    assert!(svg.chars().all(|c| c == '\n' || !c.is_control()));
}

#[test]
fn slow_networks_are_shown_in_seconds() {
    let layout = plot(with_front(vec![
        point(1, 4000.0, 0.9, 4),
        point(2, 9000.0, 0.95, 5),
    ]))
    .lay_out(640.0, 480.0)
    .unwrap();
    assert!(texts(&layout.scene).contains(&"latency of one encrypted prediction (s)"));
}

#[test]
fn another_quantity_stands_on_the_axis_with_its_unit_and_whole_ticks() {
    let shown = |points: Vec<ParetoPoint>, title: &str, unit: &str, whole: bool| {
        let mut plot = plot(with_front(points));
        plot.quantity = Quantity {
            title: title.into(),
            unit: unit.into(),
            whole,
        };
        let layout = plot.lay_out(640.0, 480.0).unwrap();
        let texts = texts(&layout.scene).into_iter();
        texts.map(String::from).collect::<Vec<String>>()
    };
    let has = |texts: &[String], text: &str| texts.iter().any(|t| t == text);
    let large = || vec![point(2, 1500.0, 0.95, 5)];
    let keys = shown(large(), "size of the keys", "MiB", false);
    assert!(has(&keys, "size of the keys (MiB)"), "only ms become s");
    let cost = shown(large(), "cost of 1000", "", false);
    assert!(has(&cost, "cost of 1000"), "{cost:?}");
    let few = [(1, 0.0, 0.9, 3), (2, 2.0, 0.95, 5), (3, 0.0, 0.85, 3)];
    let few = few.map(|(trial, x, accuracy, depth)| point(trial, x, accuracy, depth));
    let depth = shown(few.to_vec(), "depth", "levels", true);
    assert!(["0", "1", "2"].iter().all(|tick| has(&depth, tick)));
    assert!(has(&depth, "depth (levels)") && !has(&depth, "0.5"));
}

#[test]
fn more_series_than_shapes_share_the_last_one() {
    let series = |i: u64| ParetoPoint {
        series: format!("scheme {i}"),
        ..point(i, 20.0 + i as f64, 0.9, 4)
    };
    let layout = plot((0..9).map(series).collect())
        .lay_out(640.0, 480.0)
        .unwrap();
    let texts = texts(&layout.scene);
    assert!(
        texts.contains(&"scheme 4") && texts.contains(&"others") && !texts.contains(&"scheme 5"),
        "{texts:?}"
    );
}

fn any_point() -> impl Strategy<Value = ParetoPoint> {
    (
        0..1000_u64,
        1e-3..1e5_f64,
        0.0..=1.0_f64,
        0..40_u32,
        any::<(bool, bool)>(),
        prop::option::of(1e-3..1e5_f64),
    )
        .prop_map(
            |(trial, latency_ms, accuracy, depth, (chosen, baseline), measured_x)| ParetoPoint {
                chosen,
                baseline,
                measured_x,
                ..point(trial, latency_ms, accuracy, depth)
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn labels_never_cover_each_other_and_all_text_stays_in_the_picture(
        points in prop::collection::vec(any_point(), 1..80), width in 640.0..900.0_f64, height in 480.0..700.0_f64,
    ) {
        let layout = plot(with_front(points)).lay_out(width, height).unwrap();
        for (i, (_, one)) in layout.labels.iter().enumerate() {
            for (_, other) in &layout.labels[i + 1..] {
                prop_assert!(!one.overlaps(*other), "{one:?} {other:?}");
            }
        }
        let page = Bounds { left: 0.0, top: 0.0, right: width, bottom: height };
        for mark in &layout.scene.marks {
            if let Mark::Text(Text { text, at, size, anchor, upwards: false, .. }) = mark {
                let wide = crate::fonts::width(text, *size);
                let left = match anchor {
                    crate::scene::Anchor::Start => at.0,
                    crate::scene::Anchor::Middle => at.0 - wide / 2.0,
                    crate::scene::Anchor::End => at.0 - wide,
                };
                let bounds = Bounds { left, top: at.1 - size, right: left + wide, bottom: at.1 + size * 0.25 };
                prop_assert!(page.holds(bounds), "`{text}` at {bounds:?} leaves {page:?}");
            }
        }
    }
}
