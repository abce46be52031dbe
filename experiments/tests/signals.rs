//! A search for one-dimensional networks on signals made here, which ends with signals classified encrypted.

mod world;

use world::{World, read_json};

const SAMPLES: usize = 32;

/// A slow or a fast wave of any phase, with a little noise, as bytes.
fn signal(number: usize) -> Vec<u8> {
    let frequency = [2.0, 5.0][number % 2];
    let phase = ((number * 37) % 64) as f64 / 64.0;
    let sample = |i: usize| {
        let noise = ((number * 7919 + i * 104_729) % 101) as f64 / 101.0 - 0.5;
        let turn = frequency * i as f64 / SAMPLES as f64 + phase;
        (128.0 + 90.0 * (std::f64::consts::TAU * turn).sin() + 40.0 * noise) as u8
    };
    (0..SAMPLES).map(sample).collect()
}

/// The four files of the data set `idx`, its images one row high.
fn write(world: &World) {
    std::fs::create_dir(world.path("waves")).unwrap();
    for (part, numbers) in [("train", 0..400), ("t10k", 400..500)] {
        let count = (numbers.len() as u32).to_be_bytes();
        let axes = [count, 1u32.to_be_bytes(), (SAMPLES as u32).to_be_bytes()].concat();
        let pixels: Vec<u8> = numbers.clone().flat_map(signal).collect();
        let labels: Vec<u8> = numbers.map(|i| (i % 2) as u8).collect();
        let images = [&[0, 0, 8, 3][..], &axes, &pixels].concat();
        world.write(&format!("waves/{part}-images-idx3-ubyte"), images);
        let labels = [&[0, 0, 8, 1][..], &count, &labels].concat();
        world.write(&format!("waves/{part}-labels-idx1-ubyte"), labels);
    }
}

#[test]
fn one_dimensional_networks_are_searched_for_and_classify_signals_encrypted() {
    let world = World::new();
    write(&world);
    world.write(
        "waves.yaml",
        format!(
            "\
name: waves
seed: 1
data: {{set: idx, path: waves, validation: 0.2}}
space:
  input: [1, 1, {SAMPLES}]
  classes: 2
  stem: {{conv: {{width: 4, kernel: 1x5, stride: 1x2}}}}
  blocks:
    - name: b1
      options: [{{conv: {{width: 6, kernel: [1x3]}}}}, {{fire: {{squeeze: 2, expand: 4}}}}]
      pool: [1x2]
  activation: quadratic
  head: {{pool: global}}
search: {{strategy: exhaustive, trials: 2}}
train: {{epochs: 12, batch: 16}}
encrypted_images: 4
measured_members: 0
"
        ),
    );
    world.good("search waves.yaml --out run --costs costs.json");
    let summary = read_json(&world.path("run/summary.json"));
    assert_eq!(summary["complete"], 2, "{summary}");
    let best = &summary["best"];
    assert!(best["test_accuracy"].as_f64().unwrap() > 0.95, "{best}");
    assert_eq!(best["agreement"], 1.0, "{best}");
    let told = best["description"].as_str().unwrap();
    assert!(told.starts_with("b1="), "{told}");
}
