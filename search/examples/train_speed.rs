//! Images a second of training of a Fire network of about 33 million multiply-accumulates, each on one thread.
//!
//! Prints the rate of the second of two epochs. `search/benches/against_pytorch.py` compares it with PyTorch. With a
//! number as argument so many trainings run side by side, and the rate is that of all together.

use std::ops::ControlFlow;
use std::sync::Barrier;
use std::time::Instant;

use hemet_search::data::Dataset;
use hemet_search::train::{TrainData, TrainOptions, Training};
use hemet_search::{Error, Seed};
use hemet_spaces::{LayerGraph, Shape, Space};
use rand::RngExt;

const BATCHES: usize = 10;

const SPACE: &str = r#"{"input": [3, 32, 32], "classes": 10,
    "stem": {"conv": {"width": 32, "kernel": 5}},
    "blocks": [
        {"name": "b1", "options": [{"fire": {"squeeze": 16, "expand": 32}}]},
        {"name": "b2", "options": [{"fire": {"squeeze": 16, "expand": 32}}], "pool": 2},
        {"name": "b3", "options": [{"fire": {"squeeze": 32, "expand": 64}}]},
        {"name": "b4", "options": [{"fire": {"squeeze": 32, "expand": 64}}], "pool": 2},
        {"name": "b5", "options": [{"fire": {"squeeze": 64, "expand": 128}}]}],
    "head": {"pool": "global"}}"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let trainings: usize = match std::env::args().nth(1) {
        Some(number) => number.parse()?,
        None => 1,
    };
    let space: Space = serde_json::from_str(SPACE)?;
    let graph = space.graph(&space.mobile())?;
    let data = random_images(TrainOptions::default().batch * BATCHES);
    let start = Barrier::new(trainings);
    let rates = std::thread::scope(|scope| {
        let one = || images_per_second(&graph, &data, &start);
        let threads: Vec<_> = (0..trainings).map(|_| scope.spawn(one)).collect();
        let rates = threads.into_iter().map(|t| t.join().expect("it ends"));
        rates.collect::<Result<Vec<f64>, _>>()
    })?;
    let macs = graph.statistics().macs as f64 / 1e6;
    println!(
        "{:.1} images/s ({macs:.1} M multiply-accumulates an image)",
        rates.iter().sum::<f64>()
    );
    Ok(())
}

/// Of the second epoch, which begins when every training has come to it.
fn images_per_second(graph: &LayerGraph, images: &Dataset, start: &Barrier) -> Result<f64, Error> {
    let options = TrainOptions {
        epochs: 2,
        learning_rate: 0.01,
        ..TrainOptions::default()
    };
    let data = TrainData {
        training: images,
        validation: &images.select(&[0]),
    };
    let mut times = Vec::new();
    Training::new(graph, data, &options, Seed::new(1)).run(&mut |report| {
        if report.epoch == 1 {
            start.wait();
        }
        times.push(Instant::now());
        ControlFlow::Continue(())
    })?;
    Ok(images.len() as f64 / (times[1] - times[0]).as_secs_f64())
}

fn random_images(count: usize) -> Dataset {
    let mut rng = Seed::new(2).rng();
    let shape = Shape::new(3, 32, 32);
    Dataset {
        name: "random".into(),
        shape,
        classes: 10,
        class_names: (0..10).map(|class| class.to_string()).collect(),
        images: (0..count * shape.len())
            .map(|_| rng.random_range(0.0..1.0))
            .collect(),
        labels: (0..count).map(|_| rng.random_range(0..10)).collect(),
        held_out: 0,
        measure: hemet_search::data::Measure::default(),
        targets: Vec::new(),
        columns: None,
    }
}
