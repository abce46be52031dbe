//! `meaning()` and the reference evaluation against plain loops written from the definitions, and by hand.

use hemet_spaces::evaluate::{Evaluator, evaluate};
use hemet_spaces::layer::{
    Affine, AveragePool, Conv, Dense, Entries, Poly, Seen, Sparse, Structure, Taps, Window,
};
use hemet_spaces::{Error, Layer, LayerGraph, Shape, Tensor, Weights};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Both sides sum at most 1000 products of numbers below 4 in float64, in different orders: the error is below
/// 1000 · 16 · 1000 · 2^-53 < 2e-9.
const TOLERANCE: f64 = 2e-9;

/// Input, weights and the reference's output of a graph of one layer named `layer`.
fn run(layer: Layer, shape: Shape, seed: u64) -> Option<(Vec<f64>, Weights, Shape, Vec<f64>)> {
    let mut graph = LayerGraph::new(shape).expect("a shape");
    let id = graph.add("layer", layer, &[graph.input()]).ok()?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let weights = Weights::random(&graph, &mut rng);
    let input: Vec<f64> = (0..shape.len())
        .map(|_| rng.random_range(-2.0..2.0))
        .collect();
    let output = evaluate(&graph, &weights, &input).expect("weights of this graph");
    Some((input, weights, graph.node(id).shape, output))
}

fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() < TOLERANCE,
            "element {index}: {found}, not {expected}"
        );
    }
}

fn data<'a>(weights: &'a Weights, name: &str) -> &'a [f32] {
    &weights.tensors[&format!("layer.{name}")].data
}

/// The input at signed coordinates, 0 outside.
fn padded(input: &[f64], shape: Shape, channel: usize, y: isize, x: isize) -> f64 {
    let inside = y >= 0 && x >= 0 && (y as usize) < shape.height && (x as usize) < shape.width;
    if inside {
        input[shape.index(channel, y as usize, x as usize)]
    } else {
        0.0
    }
}

fn naive_conv(conv: &Conv, input: &[f64], shape: Shape, weights: &Weights) -> Vec<f64> {
    let weight = data(weights, "weight");
    let (in_group, out_group) = (
        shape.channels / conv.groups,
        conv.out_channels / conv.groups,
    );
    let window = conv.window;
    let mut output = Vec::new();
    for out in 0..conv.out_channels {
        for [y, x] in corners(&window, shape) {
            let mut sum = if conv.bias {
                f64::from(data(weights, "bias")[out])
            } else {
                0.0
            };
            for i in 0..in_group {
                for ky in 0..window.kernel[0] {
                    for kx in 0..window.kernel[1] {
                        let channel = out / out_group * in_group + i;
                        let row = y + (ky * window.dilation[0]) as isize;
                        let column = x + (kx * window.dilation[1]) as isize;
                        let place = (out * in_group + i) * window.kernel[0] + ky;
                        let w = weight[place * window.kernel[1] + kx];
                        sum += f64::from(w) * padded(input, shape, channel, row, column);
                    }
                }
            }
            output.push(sum);
        }
    }
    output
}

/// The first row and column of each window, which may lie beside the map.
fn corners(window: &Window, shape: Shape) -> Vec<[isize; 2]> {
    let along = |axis: usize, len: usize| {
        let [before, behind] = [window.padding[axis], window.padding[axis + 2]];
        let span = (window.kernel[axis] - 1) * window.dilation[axis] + 1;
        let count = (len + before + behind + window.stride[axis]).saturating_sub(span)
            / window.stride[axis];
        (0..count).map(move |at| (at * window.stride[axis]) as isize - before as isize)
    };
    let rows = along(0, shape.height);
    rows.flat_map(|y| along(1, shape.width).map(move |x| [y, x]))
        .collect()
}

/// Any window of up to 4 places and 3 places of padding in each direction.
fn windows() -> impl Strategy<Value = Window> {
    let pair = |most| prop::array::uniform2(1usize..most);
    (pair(5), pair(4), prop::array::uniform4(0usize..4), pair(4)).prop_map(
        |(kernel, stride, padding, dilation)| Window {
            kernel,
            stride,
            padding,
            dilation,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, rng_seed: proptest::test_runner::RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn conv_equals_its_definition(
        (groups, ins, outs) in (1usize..4, 1usize..4, 1usize..4),
        (height, width) in (1usize..8, 1usize..8),
        window in windows(),
        bias: bool,
        seed: u64,
    ) {
        let conv = Conv { out_channels: groups * outs, window, groups, bias, structure: Structure::FULL };
        let shape = Shape::new(groups * ins, height, width);
        let fits = !corners(&window, shape).is_empty();
        match run(Layer::Conv(conv.clone()), shape, seed) {
            Some((input, weights, out, found)) => {
                prop_assert_eq!(out.len(), found.len());
                assert_close(&found, &naive_conv(&conv, &input, shape, &weights));
            }
            None => prop_assert!(!fits),
        }
    }

    #[test]
    fn a_convolution_without_all_entries_equals_the_whole_one_with_zeros(
        (groups, ins, outs) in (1usize..3, 1usize..4, 1usize..4),
        (log, log_parts, odd) in (0u32..4, 0u32..4, prop::array::uniform2(0usize..3)),
        cross: bool,
        stride in 1usize..3,
        seed: u64,
    ) {
        let taps = if cross { Taps::Cross } else { Taps::Square };
        let seen = Seen::one_of(1 << log_parts).expect("a share");
        let (ins, outs) = (ins << log, outs << log);
        let kernel = odd.map(|half| 2 * half + 1);
        let window = Window { kernel, padding: [odd[0], odd[1], odd[0], odd[1]], ..Window::square(1, stride, 0) };
        let conv = Conv { out_channels: groups * outs, window, groups, bias: false, structure: Structure { taps, seen, ..Structure::FULL } };
        let shape = Shape::new(groups * ins, 5, 4);
        // Counted one by one: the largest power of two that divides both, and the offsets below the share of it.
        let ring = (0..6).map(|log| 1usize << log).filter(|r| ins % r == 0 && outs % r == 0).max().expect("1 divides");
        let Some((input, weights, out, found)) = run(Layer::Conv(conv.clone()), shape, seed) else {
            prop_assert!(ring < 1 << log_parts);
            return Ok(());
        };
        prop_assert_eq!(out.channels, groups * outs);
        let mut given = data(&weights, "weight").iter();
        let mut whole = Vec::new();
        for o in 0..groups * outs {
            for i in 0..ins {
                for place in 0..kernel[0] * kernel[1] {
                    let (row, column) = (place / kernel[1], place % kernel[1]);
                    let on_cross = row == kernel[0] / 2 || column == kernel[1] / 2;
                    let offset = (i + ring * outs - o % outs) % ring;
                    let exists = (!cross || on_cross) && offset << log_parts < ring;
                    whole.push(if exists { *given.next().expect("a weight for each entry") } else { 0.0 });
                }
            }
        }
        prop_assert!(given.next().is_none());
        let mut zeros = weights.clone();
        let tensor = zeros.tensors.get_mut("layer.weight").expect("it has weights");
        *tensor = Tensor { shape: vec![whole.len()], data: whole };
        let full = Conv { structure: Structure::FULL, ..conv };
        assert_close(&found, &naive_conv(&full, &input, shape, &zeros));
    }

    #[test]
    fn block_circulant_layers_equal_the_whole_ones_with_their_weights_turned(
        (log_side, ins, outs) in (0u32..4, 1usize..4, 1usize..4),
        (height, width) in (1usize..4, 1usize..4),
        kernel in prop::sample::select(vec![1usize, 3]),
        dense: bool,
        seed: u64,
    ) {
        let side = 1usize << log_side;
        let (ins, outs) = (ins * side, outs * side);
        let shape = Shape::new(ins, height, width);
        let circulant = Structure { circulant: side, ..Structure::FULL };
        let conv = Conv { structure: circulant, ..Conv::same(outs, kernel) };
        let (layer, taps, elements) = match dense {
            true => (Layer::Dense(Dense { out_features: outs, bias: false, circulant: side }), 1, shape.len()),
            false => (Layer::Conv(conv), kernel * kernel, ins),
        };
        let (input, mut weights, _, found) = run(layer, shape, seed).expect("it fits");
        let given = data(&weights, "weight").to_vec();
        let (rows, columns) = (outs / side, elements / side);
        let mut whole = Vec::new();
        for o in 0..outs {
            for i in 0..elements {
                let turn = (i / columns + side - o / rows) % side;
                let first = (o % rows * elements + turn * columns + i % columns) * taps;
                whole.extend_from_slice(&given[first..first + taps]);
            }
        }
        let shape_of = match dense {
            true => vec![outs, elements],
            false => vec![outs, ins, kernel, kernel],
        };
        weights.tensors.insert("layer.weight".into(), Tensor { shape: shape_of, data: whole });
        let full = match dense {
            true => Layer::Dense(Dense { out_features: outs, bias: false, circulant: 1 }),
            false => Layer::Conv(Conv::same(outs, kernel)),
        };
        let mut graph = LayerGraph::new(shape).expect("a shape");
        graph.add("layer", full, &[graph.input()]).expect("it fits");
        assert_close(&found, &evaluate(&graph, &weights, &input).expect("its weights"));
    }

    #[test]
    fn average_pool_equals_its_definition(
        (channels, height, width) in (1usize..4, 1usize..9, 1usize..9),
        window in windows(),
        counts_padding: bool,
        seed: u64,
    ) {
        let shape = Shape::new(channels, height, width);
        let pool = AveragePool { window, counts_padding };
        let all = corners(&window, shape);
        let Some((input, _, out, found)) = run(Layer::AveragePool(pool), shape, seed) else {
            let beside = |axis: usize| {
                let span = (window.kernel[axis] - 1) * window.dilation[axis] + 1;
                window.padding[axis].max(window.padding[axis + 2]) >= span
            };
            prop_assert!(all.is_empty() || beside(0) || beside(1));
            return Ok(());
        };
        prop_assert_eq!(out.len(), channels * all.len());
        let area = window.kernel[0] * window.kernel[1];
        let mut expected = Vec::new();
        for c in 0..channels {
            for [y, x] in &all {
                let (mut sum, mut inside) = (0.0, 0);
                for k in 0..area {
                    let row = y + (k / window.kernel[1] * window.dilation[0]) as isize;
                    let column = x + (k % window.kernel[1] * window.dilation[1]) as isize;
                    sum += padded(&input, shape, c, row, column);
                    let is_inside = (0..height as isize).contains(&row) && (0..width as isize).contains(&column);
                    inside += usize::from(is_inside);
                }
                let count = if counts_padding { area } else { inside.max(1) };
                expected.push(sum / count as f64);
            }
        }
        assert_close(&found, &expected);
    }

    #[test]
    fn a_sparse_map_equals_its_entries(
        rows in prop::collection::vec(prop::collection::btree_set(0u32..12, 0..5), 1..8),
        weights: bool,
        bias: bool,
        seed: u64,
    ) {
        let lengths = rows.iter().map(|row| row.len() as u32).collect();
        // Backwards, as the order within a row is free.
        let columns: Vec<u32> = rows.iter().flat_map(|row| row.iter().rev()).copied().collect();
        let entries = Entries::new(lengths, columns).expect("distinct columns");
        let sparse = Sparse { output: Shape::new(1, 1, rows.len()), entries: entries.into(), weights, bias };
        let (input, tensors, _, found) =
            run(Layer::Sparse(sparse), Shape::new(3, 2, 2), seed).expect("columns below 12");
        let mut entry = 0;
        let mut expected = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            let mut sum = if bias { f64::from(data(&tensors, "bias")[index]) } else { 0.0 };
            for column in row.iter().rev() {
                let weight = if weights { f64::from(data(&tensors, "weight")[entry]) } else { 1.0 };
                sum += weight * input[*column as usize];
                entry += 1;
            }
            expected.push(sum);
        }
        assert_close(&found, &expected);
    }

    #[test]
    fn dense_equals_its_definition(
        (channels, height, width) in (1usize..4, 1usize..5, 1usize..5),
        out in 1usize..6,
        bias: bool,
        seed: u64,
    ) {
        let shape = Shape::new(channels, height, width);
        let dense = Layer::Dense(Dense { out_features: out, bias, circulant: 1 });
        let (input, weights, out_shape, found) = run(dense, shape, seed).expect("it fits");
        prop_assert_eq!(out_shape, Shape::new(out, 1, 1));
        let row = |r: usize| {
            let weights = &data(&weights, "weight")[r * shape.len()..(r + 1) * shape.len()];
            weights.iter().zip(&input).map(|(w, x)| f64::from(*w) * x).sum::<f64>()
        };
        let shift = |r: usize| if bias { f64::from(data(&weights, "bias")[r]) } else { 0.0 };
        let expected: Vec<f64> = (0..out).map(|r| row(r) + shift(r)).collect();
        assert_close(&found, &expected);
    }

    #[test]
    fn affine_and_poly_equal_their_definitions(
        (channels, height, width) in (1usize..5, 1usize..5, 1usize..5),
        degree in 1usize..6,
        per_channel: bool,
        seed: u64,
    ) {
        let shape = Shape::new(channels, height, width);
        let channel = |index: usize| index / (height * width);
        let (input, weights, _, found) = run(Layer::Affine(Affine), shape, seed).expect("it fits");
        let (scale, shift) = (data(&weights, "scale"), data(&weights, "shift"));
        let affine = |(i, x): (usize, &f64)| f64::from(scale[channel(i)]) * x + f64::from(shift[channel(i)]);
        assert_close(&found, &input.iter().enumerate().map(affine).collect::<Vec<_>>());

        let poly = Layer::Poly(Poly { degree, per_channel });
        let (input, weights, _, found) = run(poly, shape, seed).expect("it fits");
        let coefficients = data(&weights, "coefficients");
        let power_sum = |(i, x): (usize, &f64)| {
            let row = if per_channel { channel(i) } else { 0 };
            (0..=degree)
                .map(|k| f64::from(coefficients[row * (degree + 1) + k]) * x.powi(k as i32))
                .sum::<f64>()
        };
        assert_close(&found, &input.iter().enumerate().map(power_sum).collect::<Vec<_>>());
    }
}

fn tensor(shape: &[usize], data: &[f32]) -> Tensor {
    Tensor {
        shape: shape.to_vec(),
        data: data.to_vec(),
    }
}

/// Two 1x1 convolutions side by side on a 1x1x2 input, concatenated, squared, plus themselves, and summed up.
fn small_net() -> (LayerGraph, Weights) {
    let mut graph = LayerGraph::new(Shape::new(1, 1, 2)).unwrap();
    let input = graph.input();
    let a = graph
        .add("a", Layer::Conv(Conv::same(1, 1)), &[input])
        .unwrap();
    let b = graph
        .add("b", Layer::Conv(Conv::same(1, 1)), &[input])
        .unwrap();
    let both = graph.add("both", Layer::Concat, &[b, a]).unwrap();
    let poly = Poly {
        degree: 2,
        per_channel: true,
    };
    let act = graph.add("act", Layer::Poly(poly), &[both]).unwrap();
    let sum = graph.add("sum", Layer::Add, &[act, both, both]).unwrap();
    let dense = Dense {
        out_features: 1,
        bias: true,
        circulant: 1,
    };
    graph.add("out", Layer::Dense(dense), &[sum]).unwrap();
    let mut weights = Weights::default();
    for (name, tensor) in [
        ("a.weight", tensor(&[1, 1, 1, 1], &[2.0])),
        ("b.weight", tensor(&[1, 1, 1, 1], &[-1.0])),
        (
            "act.coefficients",
            tensor(&[2, 3], &[1.0, 0.0, 1.0, 0.0, 3.0, 0.0]),
        ),
        ("out.weight", tensor(&[1, 4], &[1.0, 10.0, 100.0, 1000.0])),
        ("out.bias", tensor(&[1], &[0.5])),
    ] {
        weights.tensors.insert(name.into(), tensor);
    }
    (graph, weights)
}

#[test]
fn a_small_net_gives_what_a_hand_computes() {
    let (graph, weights) = small_net();
    // Input (3, 4); b = (-3, -4), a = (6, 8); activated (1+9, 1+16, 18, 24); plus twice (-3, -4, 6, 8): (4, 9, 30, 40).
    let all = Evaluator::new(&graph, &weights)
        .unwrap()
        .run_all(&[3.0, 4.0])
        .unwrap();
    assert_eq!(
        all[graph.find("both").unwrap().index()],
        [-3.0, -4.0, 6.0, 8.0]
    );
    assert_eq!(
        all[graph.find("act").unwrap().index()],
        [10.0, 17.0, 18.0, 24.0]
    );
    assert_eq!(
        all[graph.find("sum").unwrap().index()],
        [4.0, 9.0, 30.0, 40.0]
    );
    assert_eq!(evaluate(&graph, &weights, &[3.0, 4.0]).unwrap(), [43094.5]);
}

#[test]
fn the_reference_refuses_wrong_lengths_and_wrong_weights() {
    let (graph, mut weights) = small_net();
    let short = evaluate(&graph, &weights, &[3.0]).unwrap_err();
    assert_eq!(
        short,
        Error::InputLength {
            expected: 2,
            found: 1
        }
    );
    weights
        .tensors
        .insert("out.bias".into(), tensor(&[2], &[0.0, 0.0]));
    let shape = evaluate(&graph, &weights, &[3.0, 4.0])
        .unwrap_err()
        .to_string();
    assert!(
        shape.contains("`out.bias` has shape [2], layer `out` needs [1]"),
        "{shape}"
    );
    weights.tensors.remove("out.bias");
    let missing = evaluate(&graph, &weights, &[3.0, 4.0])
        .unwrap_err()
        .to_string();
    assert!(missing.contains("no tensor `out.bias` of [1]"), "{missing}");
}
