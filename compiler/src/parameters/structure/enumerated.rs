//! LeNet-5 in full: the choice against every frame that there is, so that nothing is left to learn.

use hemet_spaces::layer::{AveragePool, Conv, Dense, Poly, Window};
use hemet_spaces::{Layer, LayerGraph, Shape};

use super::*;
use crate::decisions::Decisions;
use crate::parameters::Chain;
use crate::parameters::frames::every;
use crate::passes::{self, WindowSums};
use crate::{KeyBudget, maps, synthetic_table};

/// LeNet-5 with quadratics and average pools.
fn lenet5() -> LayerGraph {
    let conv = |out_channels, padding| {
        Layer::Conv(Conv {
            window: Window::square(5, 1, padding),
            bias: true,
            ..Conv::same(out_channels, 5)
        })
    };
    let dense = |out_features| {
        Layer::Dense(Dense {
            out_features,
            bias: true,
            circulant: 1,
        })
    };
    let quadratic = || Layer::Poly(Poly::QUADRATIC);
    let pool = || Layer::AveragePool(AveragePool::square(2, 2));
    let layers = [
        conv(6, 2),
        quadratic(),
        pool(),
        conv(16, 0),
        quadratic(),
        pool(),
        dense(120),
        quadratic(),
        dense(84),
        quadratic(),
        dense(10),
    ];
    let mut graph = LayerGraph::new(Shape::new(1, 28, 28)).unwrap();
    let mut last = graph.input();
    for (index, layer) in layers.into_iter().enumerate() {
        last = graph.add(format!("layer{index}"), layer, &[last]).unwrap();
    }
    graph
}

/// What an enumeration found.
#[derive(Default)]
struct Enumeration {
    /// Frames with layouts that were costed.
    ways: usize,
    /// Chains among them.
    chains: Vec<(u32, Chain)>,
    /// The least cost in microseconds.
    least_us: f64,
}

/// Costs every policy, working scale, margin and number of special primes at every ring degree, under the raster
/// layouts and under those that are cheapest for any frame found so.
fn enumerate(graph: &LayerGraph, options: &Options, costs: &CostTable) -> Enumeration {
    let tallies = Tallies::default();
    let mut found = Enumeration {
        least_us: f64::INFINITY,
        ..Enumeration::default()
    };
    for sums in [WindowSums::Merged, WindowSums::Apart] {
        let net = passes::unscaled(graph, None, options, sums).unwrap();
        let footprints = maps::footprints(&net);
        for log_n in 11..=options.max_log_n {
            let Ok(problem) = Problem::new(&net, &footprints, 1 << (log_n - 1), options, &tallies)
            else {
                continue;
            };
            let mut assignments = vec![problem.rasters()];
            let mut searched: Vec<(Levels, Chain)> = Vec::new();
            let mut next = 0;
            while let Some(assignment) = assignments.get(next).cloned() {
                next += 1;
                let rounded = problem.rounded(&assignment);
                for frame in every(&net, options, log_n, &rounded).0 {
                    let price = Price::new(costs, &frame.chain.ring(log_n)).unwrap();
                    let us = problem.cost(&assignment, &frame.levels, &price);
                    found.least_us = found.least_us.min(us);
                    found.ways += 1;
                    let key = (frame.levels, frame.chain);
                    if !searched.contains(&key) {
                        let cheapest = problem.search(&key.0, &price);
                        if !assignments.contains(&cheapest) {
                            assignments.push(cheapest);
                        }
                        let chain = (log_n, key.1.clone());
                        if !found.chains.contains(&chain) {
                            found.chains.push(chain);
                        }
                        searched.push(key);
                    }
                }
            }
        }
    }
    found
}

#[test]
fn no_frame_of_lenet5_is_quicker_than_the_one_chosen() {
    let graph = lenet5();
    let costs = synthetic_table();
    for precision_bits in [4, 7, 10] {
        let options = Options {
            precision_bits,
            key_budget: KeyBudget::Unbounded,
            ..Options::default()
        };
        let all = enumerate(&graph, &options, &costs);
        let chosen = Decisions::decide(&graph, &options, &costs).unwrap();
        let us = chosen.predicted_us;
        assert!(all.chains.len() > 50, "{}", all.chains.len());
        let least = all.least_us;
        assert!(
            us <= least * (1.0 + 1e-9),
            "{us} us chosen, {least} of {} ways",
            all.ways
        );
    }
}
