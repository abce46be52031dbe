//! The published spaces: each reads, and samples of each give networks.

use hemet_spaces::evaluate::Evaluator;
use hemet_spaces::{Space, Weights, presets};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SEED: u64 = 1;
const SAMPLES: usize = 200;

fn read(name: &str) -> Space {
    let text = presets::find(name).expect("a preset of this name");
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("preset {name}: {error}"))
}

#[test]
fn every_sample_of_every_preset_gives_a_network_to_its_classes() {
    for (name, _) in presets::PRESETS {
        let space = read(name);
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        for _ in 0..SAMPLES {
            let architecture = space.sample(&mut rng);
            let graph = space.graph(&architecture);
            let graph = graph.unwrap_or_else(|error| panic!("preset {name}: {error}"));
            assert_eq!(graph.node(graph.output()).shape.len(), space.classes());
            assert_eq!(graph.unread(), None);
        }
    }
}

#[test]
fn digits_tensors_fit_one_ciphertext_of_4096_slots() {
    let space = read("digits");
    for architecture in space.architectures() {
        let graph = space.graph(&architecture).expect("a network");
        for (_, node) in graph.nodes() {
            assert!(
                node.shape.len() <= 4096,
                "{architecture}: {} {}",
                node.name,
                node.shape
            );
        }
    }
}

#[test]
fn every_mobile_block_of_the_greedy_start_has_its_regular_convolution() {
    for (name, _) in presets::PRESETS {
        let space = read(name);
        let mobile = space.mobile();
        for (index, position) in space.positions().iter().enumerate() {
            let block = space.block(&mobile, index).expect("a block");
            let is_mobile = block.role() == hemet_spaces::blocks::Role::Mobile;
            let regular = space.regular(&mobile, index);
            assert_eq!(regular.is_some(), is_mobile, "{name} {}", position.name());
        }
    }
}

#[test]
fn a_space_written_as_yaml_and_read_again_is_the_same() {
    for (name, _) in presets::PRESETS {
        let space = read(name);
        let text = serde_yaml::to_string(&space).expect("a space has a YAML form");
        assert_eq!(
            serde_yaml::from_str::<Space>(&text).expect("it reads"),
            space
        );
    }
}

#[test]
fn random_weights_keep_the_values_of_every_greedy_start_below_100() {
    for (name, _) in presets::PRESETS {
        let space = read(name);
        let graph = space.graph(&space.mobile()).expect("a network");
        for seed in 0..3 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let weights = Weights::random(&graph, &mut rng);
            let len = space.input().len();
            let input: Vec<f64> = (0..len).map(|_| rng.random_range(-1.0..1.0)).collect();
            let evaluator = Evaluator::new(&graph, &weights).expect("its weights");
            let values = evaluator.run_all(&input).expect("an input");
            let largest = values
                .iter()
                .flatten()
                .fold(0f64, |max, x| max.max(x.abs()));
            assert!(largest < 100.0, "preset {name}, seed {seed}: {largest}");
        }
    }
}
