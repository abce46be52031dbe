//! HEMET's greedy rule against all networks of spaces that are small enough for it: in the compiler's predictions the
//! network that it keeps is at most 5 % slower than the fastest.

use std::collections::HashMap;
use std::path::Path;

use hemet::experiment::{Deploy, Text, space_of};
use hemet::schemes::ckks::compile::CompilerCosts;
use hemet_compiler::{Options, synthetic_table};
use hemet_search::Seed;
use hemet_search::constraint::{CostEstimate, CostModel};
use hemet_search::objective::Objectives;
use hemet_search::strategy::{Context, strategy};
use hemet_spaces::{Architecture, Space};

/// Of the preset `squeezenet28` the Fire modules and the convolutions of as many channels: 8 networks.
const THREE_POSITIONS: &str = "
input: [1, 28, 28]
classes: 10
stem: {conv: {width: 16, kernel: 5, stride: 2}}
blocks:
  - {name: b1, options: [{fire: {squeeze: 16, expand: 32}}, {conv: {width: 64, kernel: 3}}], pool: 2}
  - {name: b2, options: [{fire: {squeeze: 16, expand: 32}}, {conv: {width: 64, kernel: 3}}]}
  - {name: b3, options: [{fire: {squeeze: 16, expand: 32}}, {conv: {width: 64, kernel: 3}}]}
activation: quadratic
head: {pool: none}
";

/// The same for 32x32 images, with a fourth position: 16 networks.
const FOUR_POSITIONS: &str = "
input: [3, 32, 32]
classes: 10
stem: {conv: {width: 16, kernel: 3}}
blocks:
  - {name: b1, options: [{fire: {squeeze: 16, expand: 16}}, {conv: {width: 32, kernel: 3}}], pool: 2}
  - {name: b2, options: [{fire: {squeeze: 16, expand: 32}}, {conv: {width: 64, kernel: 3}}], pool: 2}
  - {name: b3, options: [{fire: {squeeze: 16, expand: 32}}, {conv: {width: 64, kernel: 3}}]}
  - {name: b4, options: [{fire: {squeeze: 32, expand: 64}}, {conv: {width: 128, kernel: 3}}]}
activation: quadratic
head: {pool: global}
";

/// What each network of a space costs.
type Known = HashMap<Architecture, CostEstimate>;

/// Everything that a strategy proposes, with the predicted latency in milliseconds.
fn proposed(name: &str, space: &Space, known: &Known) -> Vec<(Architecture, f64)> {
    let strategy = strategy(name).unwrap();
    let cost = |a: &Architecture| Ok(known[a].clone());
    let mut all: Vec<Architecture> = Vec::new();
    loop {
        let context = Context {
            space,
            history: &[],
            pending: &all,
            objectives: &Objectives::default(),
            cost: &cost,
        };
        match strategy.propose(&context, Seed::new(1)) {
            Some(architecture) => all.push(architecture),
            None => break,
        }
    }
    let latency = |a: Architecture| {
        let ms = known[&a].latency_ms;
        (a, ms)
    };
    all.into_iter().map(latency).collect()
}

fn fastest(networks: &[(Architecture, f64)]) -> f64 {
    networks.iter().map(|n| n.1).fold(f64::INFINITY, f64::min)
}

#[test]
fn greedy_lies_within_five_percent_of_exhaustive() {
    let costs = CompilerCosts {
        options: Options::default(),
        deploy: Deploy::default(),
        max_device_products: None,
        table: synthetic_table(),
    };
    for (text, networks) in [(THREE_POSITIONS, 8), (FOUR_POSITIONS, 16)] {
        let space = space_of(&Text::of(Path::new("space.yaml"), text).unwrap()).unwrap();
        let mut known = Known::new();
        for architecture in space.architectures() {
            let graph = space.graph(&architecture).unwrap();
            let cost = costs.estimate(&graph).unwrap();
            known.insert(architecture, cost);
        }
        let all = proposed("exhaustive", &space, &known);
        assert_eq!(all.len(), networks);
        let greedy = proposed("greedy", &space, &known);
        let (best, found) = (fastest(&all), fastest(&greedy));
        let mobile = greedy[0].1;
        println!(
            "{networks} networks: mobile {mobile:.1} ms, greedy {found:.1} ms after {}, best {best:.1} ms",
            greedy.len()
        );
        assert!(found <= 1.05 * best, "{found} ms against {best} ms");
    }
}
