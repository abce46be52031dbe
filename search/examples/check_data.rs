//! Loads a dataset and prints its sizes and the share of test images that have the label of their nearest training
//! image, by which a wrong loader is known.
//!
//! `cargo run --release -p hemet-search --example check_data -- NAME [FOLDER] [TEST IMAGES] [TRAINING IMAGES]`

use std::path::Path;

use hemet_search::data::{self, Dataset};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let name = arguments.first().ok_or("give the name of a dataset")?;
    let set = data::load(name, arguments.get(1).map(Path::new))?;
    for (part, set) in [("training", &set.train), ("test", &set.test)] {
        let range = set
            .images
            .iter()
            .fold((f32::MAX, f32::MIN), |(l, h), p| (l.min(*p), h.max(*p)));
        println!(
            "{part}: {} images of {}, {} classes, values {:.3} to {:.3}",
            set.len(),
            set.shape,
            set.classes,
            range.0,
            range.1
        );
    }
    let count = |position: usize, len: usize| {
        let given = arguments.get(position).map(|a| a.parse::<usize>());
        given
            .transpose()
            .map(|limit| len.min(limit.unwrap_or(1000)))
    };
    let tests = count(2, set.test.len())?;
    let trainings = match arguments.get(3) {
        Some(limit) => limit.parse::<usize>()?.min(set.train.len()),
        None => set.train.len(),
    };
    let right = (0..tests)
        .filter(|i| nearest(&set.train, trainings, set.test.image(*i)) == set.test.labels[*i])
        .count();
    println!("nearest neighbor: {right} of {tests} right");
    Ok(())
}

fn nearest(train: &Dataset, count: usize, image: &[f32]) -> u8 {
    let mut best = (f32::INFINITY, 0);
    for index in 0..count {
        let pairs = train.image(index).iter().zip(image);
        let distance: f32 = pairs.map(|(a, b)| (a - b) * (a - b)).sum();
        if distance < best.0 {
            best = (distance, train.labels[index]);
        }
    }
    best.1
}
