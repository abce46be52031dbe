//! Every packing: elements lie apart, packing and unpacking is the identity, and a linear map between any two
//! packings is its map.

mod common;

use std::sync::Arc;

use common::{Net, linear};
use hemet_compiler::layout::packing::{
    PACKINGS, Site, Windows, aligned, candidates, interleaved, summed,
};
use hemet_compiler::maps::{
    BlockSplit, Footprint, Operand, PlacedWeights, Places, Split, StepCosts, plan,
};
use hemet_compiler::net::Rounding;
use hemet_compiler::net::{NodeKind, Term};
use hemet_compiler::{Options, passes};
use hemet_schedule::placed::{PlacedMap, PlacedOperand};
use hemet_schedule::{Constant, Layout};
use hemet_spaces::{LayerGraph, Shape};
use proptest::prelude::*;
use rand::RngExt;

const GRIDS: [(usize, usize); 3] = [(8, 8), (12, 12), (16, 16)];
const GROUPS: [u32; 2] = [2, 3];
const COSTS: StepCosts = StepCosts {
    decompose: 10.0,
    baby: 3.0,
    diagonal: 0.5,
    giant: 12.0,
    finish: 8.0,
    link: 12.0,
};

fn layouts(shape: Shape) -> Vec<Layout> {
    candidates(
        &Site {
            shape,
            grids: &GRIDS,
            windows: Windows::Wanted(2),
            groups: &GROUPS,
        },
        1 << 16,
    )
}

#[test]
fn packing_and_unpacking_is_the_identity() {
    for (c, h, w) in [
        (1, 1, 1),
        (10, 1, 1),
        (3, 4, 4),
        (5, 7, 7),
        (16, 8, 8),
        (18, 4, 4),
        (9, 2, 2),
        (3, 5, 6),
    ] {
        let layouts = layouts(Shape::new(c, h, w));
        assert!(
            layouts.len() >= 2 || c * h * w == 1 || h * w == 1,
            "{layouts:?}"
        );
        for layout in layouts {
            layout
                .check()
                .unwrap_or_else(|fault| panic!("{layout}: {fault}"));
            let values: Vec<f64> = (1..=layout.len()).map(|i| i as f64).collect();
            for slots in [1024, 4096] {
                assert_eq!(
                    layout.unpack(&layout.pack(&values, slots)),
                    values,
                    "{layout}"
                );
            }
        }
    }
}

#[test]
fn every_packing_offers_a_layout() {
    let site = Site {
        shape: Shape::new(6, 4, 4),
        grids: &GRIDS,
        windows: Windows::Wanted(2),
        groups: &GROUPS,
    };
    for packing in &PACKINGS {
        assert!(!(packing.layouts)(&site).is_empty(), "{}", packing.name);
    }
}

/// Checks the only map of a graph of one layer in all pairs of layouts.
fn check(name: &str, graph: &LayerGraph, slots: usize) {
    let weights = common::weights(graph, 11);
    let net = passes::import(
        graph,
        Some(&weights),
        &Options::default(),
        passes::WindowSums::Merged,
    )
    .unwrap();
    let NodeKind::Linear { terms, bias: _ } = &net.node(net.output()).kind else {
        panic!("{name} is one affine map");
    };
    let Term { input, map } = &terms[0];
    let (from, to) = (net.node(*input).shape, net.node(net.output()).shape);
    let footprint = Footprint::new(map, from, to);
    let mut rng = common::rng(12);
    let x: Vec<f64> = (0..from.len())
        .map(|_| rng.random_range(-1.0..1.0))
        .collect();
    let wanted = map.apply(&x);
    for source in layouts(from) {
        for target in layouts(to) {
            let places = [&source, &target].map(|layout| Places::new(layout, slots));
            let diagonals = footprint.diagonals(&places[0], &places[1], slots);
            let modulus = places[0].period.min(places[1].period);
            let choice = BlockSplit {
                splits: vec![Split::cheapest(&diagonals, modulus, &places[0].strides, &COSTS).0],
                chained: false,
            };
            let operand = Operand {
                diagonals: &diagonals,
                layout: &source,
                first: 0,
            };
            let required: Vec<u32> = (0..target.ciphertexts(slots) as u32).collect();
            let planned = plan(&[operand], &target, slots, &choice, &required);
            let packed = source.pack(&x, slots);
            let inputs: Vec<&[f64]> = packed.iter().map(Vec::as_slice).collect();
            let mut values = Vec::new();
            let weights = PlacedWeights {
                map,
                footprint: &footprint,
                shapes: (from, to),
                rounding: Rounding::Exact,
            };
            let operand = PlacedOperand {
                patterns: weights.place(&mut values).unwrap(),
                layout: source.clone(),
            };
            let diagonals = Constant::Placed(Arc::new(PlacedMap {
                period: planned.period,
                result: target.clone(),
                outputs: planned.placed_outputs(slots),
                operands: vec![operand],
                values,
            }));
            let mut results = linear(&inputs, &planned.plan, &diagonals, slots, None);
            for step in planned.folds {
                for result in &mut results {
                    let rotated: Vec<f64> = (0..slots)
                        .map(|i| result[(i + step as usize) % slots])
                        .collect();
                    result.iter_mut().zip(rotated).for_each(|(a, b)| *a += b);
                }
            }
            let packed = target.pack(&wanted, slots);
            for (found, wanted) in results.iter().flatten().zip(packed.iter().flatten()) {
                let gap = (found - wanted).abs();
                assert!(
                    gap < 1e-12,
                    "{name}, {source} to {target}: {found} {wanted}"
                );
            }
        }
    }
}

#[test]
fn a_linear_map_between_any_two_packings_is_its_map() {
    for slots in [512, 2048] {
        check("conv", &Net::new(3, 8).conv(4, 3, 1).graph, slots);
        check("stride", &Net::new(2, 8).conv(5, 3, 2).graph, slots);
        check("unpadded", &Net::new(2, 8).unpadded(3, 5, 1).graph, slots);
        check("pool", &Net::new(6, 8).pool(2).graph, slots);
        check("dense", &Net::new(4, 5).dense(10).graph, slots);
        check("wide dense", &Net::new(1, 4).dense(100).graph, slots);
        check("groups", &Net::new(6, 4).grouped(12, 3, 3).graph, slots);
    }
}

/// Costs by which the cheapest split is that of the fewest rotations.
const ROTATIONS: StepCosts = StepCosts {
    decompose: 0.0,
    baby: 1.0,
    diagonal: 0.0,
    giant: 1.0,
    finish: 0.0,
    link: 1.0,
};

#[test]
fn interleaved_groups_divide_diagonals_by_their_number_and_rotations_by_its_root() {
    for (groups, diagonals, most_rotations) in [
        (1, 576, 48.0),
        (2, 288, 32.0),
        (4, 144, 23.0),
        (8, 72, 15.0),
    ] {
        let graph = Net::new(64, 8).grouped(64, 3, groups as usize).graph;
        let (footprint, [shape, _]) = only_map(&graph);
        let layout = interleaved(&aligned(shape), groups).unwrap_or_else(|| aligned(shape));
        let places = Places::new(&layout, 1 << 14);
        let found = footprint.diagonals(&places, &places, 1 << 14);
        assert_eq!(found.len(), diagonals, "{groups} groups");
        let (split, rotations) =
            Split::cheapest(&found, places.period, &places.strides, &ROTATIONS);
        assert!(
            rotations <= most_rotations,
            "{groups} groups: {rotations} rotations by {split:?}"
        );
    }
}

/// The footprint of the only map of a graph of one layer, and the shapes on both sides.
fn only_map(graph: &LayerGraph) -> (Footprint, [Shape; 2]) {
    let sums = passes::WindowSums::Merged;
    let net = passes::import(graph, None, &Options::default(), sums).unwrap();
    let NodeKind::Linear { terms, bias: _ } = &net.node(net.output()).kind else {
        panic!("one affine map");
    };
    let shapes = [terms[0].input, net.output()].map(|id| net.node(id).shape);
    (Footprint::new(&terms[0].map, shapes[0], shapes[1]), shapes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_grouped_convolution_has_a_distance_for_each_channel_of_a_group(
        groups in 2u32..7, log_inputs in 0u32..4, log_outputs in 0u32..4, side in 1usize..9,
    ) {
        let (inputs, outputs) = (1u32 << log_inputs, 1u32 << log_outputs);
        let net = Net::new((groups * inputs) as usize, side);
        let graph = net.grouped((groups * outputs) as usize, 1, groups as usize).graph;
        let (footprint, [from, to]) = only_map(&graph);
        prop_assert_eq!(footprint.groups(from, to), groups);
        let interleaved = |shape| interleaved(&aligned(shape), groups).unwrap_or_else(|| aligned(shape));
        let slots = 1 << 14;
        let [from, to] = [from, to].map(|shape| {
            let layout = interleaved(shape);
            layout.check().expect("a sound layout");
            Places::new(&layout, slots)
        });
        // Those of the smaller of the two rings of channels; the others fold.
        prop_assert_eq!(footprint.diagonals(&from, &to, slots).len(), inputs.min(outputs) as usize);
    }
}

#[test]
fn halves_of_a_split_layout_add_up_to_the_summed_tensor() {
    for (channels, height, width, side) in [(3, 4, 6, 2), (1, 6, 6, 3), (5, 8, 8, 4), (2, 2, 2, 2)]
    {
        let shape = Shape::new(channels, height, width);
        let x: Vec<f64> = (1..=shape.len()).map(|i| i as f64).collect();
        let of_window = |e: usize| -> f64 {
            let (row, column) = (e / (width / side) * side, e % (width / side) * side);
            let window = (0..side * side).map(|k| (row + k / side) * width + column + k % side);
            window.map(|i| x[i]).sum()
        };
        let sums: Vec<f64> = (0..shape.len() / (side * side)).map(of_window).collect();
        let site = Site {
            shape,
            grids: &GRIDS,
            windows: Windows::Summed(side),
            groups: &GROUPS,
        };
        let layouts = candidates(&site, 1 << 16);
        assert!(!layouts.is_empty());
        for layout in layouts {
            let target = summed(layout.clone(), side);
            for slots in [64, 1024, 4096] {
                let mut period = layout.period as usize;
                let mut packed = layout.pack(&x, slots);
                while period > target.period as usize {
                    period /= 2;
                    packed = match packed.len() {
                        1 => vec![sum(
                            &packed[0],
                            (period..slots + period).map(|i| packed[0][i % slots]),
                        )],
                        count => {
                            let (low, high) = packed.split_at(count / 2);
                            low.iter()
                                .zip(high)
                                .map(|(a, b)| sum(a, b.iter().copied()))
                                .collect()
                        }
                    };
                }
                assert_eq!(packed, target.pack(&sums, slots), "{layout}");
            }
        }
    }
}

fn sum(a: &[f64], b: impl Iterator<Item = f64>) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}
