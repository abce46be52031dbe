//! Networks cut in two: what the client runs and what is compiled are the whole network, for every layer that a device
//! part can hold.

mod common;

use common::{input, weights};
use hemet_compiler::passes::device;
use hemet_compiler::{Options, compile_for, estimate, synthetic_table};
use hemet_spaces::LayerGraph;
use hemet_spaces::evaluate::evaluate;

/// Every kind of layer, and every structure of a convolution, in front of the last product.
const GRAPH: &str = "\
hemet-graph 1
input: 2x9x7 = input()
plain: 8x9x7 = conv(input) out=8 kernel=3 stride=1 padding=1 groups=1 bias
norm: 8x9x7 = affine(plain)
act: 8x9x7 = poly(norm) degree=2 per_channel
cross: 8x9x7 = conv(act) out=8 kernel=3 stride=1 padding=1 groups=2 taps=cross
band: 8x5x4 = conv(cross) out=8 kernel=3x2 stride=2 padding=1x0x1x1 groups=1 seen=0.5
round: 8x5x4 = conv(band) out=8 kernel=1 stride=1 padding=0 groups=1 circulant=4
deep: 8x5x4 = conv(round) out=8 kernel=3 stride=1 padding=2 groups=8 dilation=2
cubic: 8x5x4 = poly(deep) degree=3
sum: 8x5x4 = add(cubic, band)
both: 16x5x4 = concat(sum, round)
pool: 16x3x2 = average_pool(both) kernel=3x2 stride=2 padding=1x0
mixed: 4x3x1 = sparse(pool) lengths=2(0*6),0(0*6) from=0(7*12) weights bias
wide: 12x1x1 = dense(mixed) out=12 circulant=4 bias
head: 3x1x1 = dense(wide) out=3 bias
";

fn graph() -> LayerGraph {
    LayerGraph::parse(GRAPH).expect("a graph")
}

#[test]
fn the_device_and_the_tail_are_the_whole_network_at_every_possible_cut() {
    let graph = graph();
    let weights = weights(&graph, 3);
    let samples: Vec<Vec<f64>> = (0..8).map(|seed| input(&graph, seed)).collect();
    let cuts = graph.cuts();
    assert!(cuts.len() >= 6, "{cuts:?}");
    for cut in cuts {
        let cutting = device::cut(&graph, &weights, cut, &samples).expect("a cut");
        let within = cutting.features.iter().flatten().all(|x| x.abs() <= 1.0);
        assert!(within, "features of the samples are within 1");
        for (sample, features) in samples.iter().zip(&cutting.features) {
            assert_eq!(cutting.part.run(sample).as_ref(), Ok(features));
            let found = evaluate(&cutting.tail, &cutting.weights, features).expect("a tail");
            let whole = evaluate(&graph, &weights, sample).expect("a network");
            for (found, whole) in found.iter().zip(&whole) {
                // Both sum the same few thousand products in 64-bit floats, in other orders.
                assert!((found - whole).abs() < 1e-9 * whole.abs().max(1.0));
            }
        }
        assert_eq!(device::tail(&graph, cut).expect("a tail"), cutting.tail);
    }
}

#[test]
fn a_tail_is_compiled_as_it_is_estimated_and_is_cheaper_than_the_whole() {
    let graph = common::digits_regular();
    let weights = weights(&graph, 4);
    let samples: Vec<Vec<f64>> = (0..64).map(|seed| input(&graph, seed)).collect();
    let (options, costs) = (Options::default(), synthetic_table());
    let whole = estimate(&graph, &options, &costs).expect("an estimate");
    let cut = graph.cut_of(1).expect("possible");
    let cutting = device::cut(&graph, &weights, cut, &samples).expect("a cut");
    let tail = estimate(&cutting.tail, &options, &costs).expect("an estimate");
    assert!(tail.latency_ms < whole.latency_ms && tail.depth < whole.depth);
    let compiled = compile_for(
        &cutting.features,
        &cutting.tail,
        &cutting.weights,
        &options,
        &costs,
    );
    let compiled = compiled.expect("a schedule");
    assert_eq!(compiled.estimate.depth, tail.depth);
    // The layer that undoes the scaling takes no level of its own.
    let unscaled = graph.halves(cut).expect("a cut").tail;
    let unscaled = estimate(&unscaled, &options, &costs).expect("an estimate");
    assert_eq!(unscaled.depth, tail.depth);
}

#[test]
fn a_device_part_without_samples_is_refused() {
    let graph = graph();
    let cut = graph.cut_of(1).expect("possible");
    let error = device::cut(&graph, &weights(&graph, 1), cut, &[]);
    let error = error.err().expect("refused").to_string();
    assert!(error.contains("training images"), "{error}");
}
