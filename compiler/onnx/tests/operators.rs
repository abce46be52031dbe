//! What each operator becomes, and that it computes what ONNX says.

mod common;

use common::{Model, float, int, ints, model};

/// The model on `x` gives `expected` exactly (all numbers are small dyadic fractions) through these layers.
fn check(model: Model, x: &[f64], layers: &str, expected: &[f64]) {
    let (kinds, output) = model.run(x);
    let text: Vec<String> = model
        .nodes
        .iter()
        .map(|n| format!("{:?}", n.op_type))
        .collect();
    assert_eq!(
        (kinds.as_str(), output.as_slice()),
        (layers, expected),
        "{text:?}"
    );
}

#[test]
fn polynomials_of_one_tensor_become_one_layer_however_they_are_written() {
    // 2x² + 3x + 5 on [-1, 4]
    let expected = [4.0, 49.0];
    let base = model(&[0, 2])
        .constant("a", &[], &[2.0])
        .constant("b", &[1], &[3.0])
        .constant("c", &[1, 1], &[5.0])
        .constant("two", &[], &[2.0]);
    let written = [
        vec![
            "s = Mul(x, x)",
            "p = Mul(a, s)",
            "q = Mul(x, b)",
            "r = Add(p, q)",
            "y = Add(c, r)",
        ],
        vec![
            "p = Mul(x, a)",
            "q = Add(p, b)",
            "r = Mul(q, x)",
            "y = Add(r, c)",
        ],
        vec![
            "s = Pow(x, two)",
            "p = Mul(s, a)",
            "q = Mul(b, x)",
            "r = Add(q, c)",
            "y = Sum(r, p)",
        ],
        vec![
            "p = Mul(x, a)",
            "q = Mul(p, x)",
            "r = Neg(x)",
            "t = Mul(r, b)",
            "u = Sub(q, t)",
            "y = Add(u, c)",
        ],
        vec![
            "i = Identity(x)",
            "s = Mul(i, x)",
            "t = Add(s, s)",
            "q = Mul(x, b)",
            "r = Add(t, q)",
            "y = Add(r, c)",
        ],
    ];
    for nodes in written {
        let written = nodes
            .iter()
            .fold(base.clone(), |model, node| model.node(node));
        check(written, &[-1.0, 4.0], "poly", &expected);
    }
}

#[test]
fn a_square_of_several_terms_keeps_its_own_layer() {
    // (x + 1)²: in powers of x it would cancel in 32-bit coefficients.
    let vertex = model(&[0, 2])
        .constant("c", &[], &[1.0])
        .node("p = Add(x, c)")
        .node("y = Mul(p, p)");
    check(vertex, &[-1.0, 4.0], "affine poly", &[0.0, 25.0]);
    // b·(x + 1) + (x + 1)², read before and after the layer is made: still polynomials of one tensor.
    let mixed = model(&[0, 2])
        .constant("c", &[], &[1.0])
        .node("p = Add(x, c)")
        .node("q = Add(p, p)")
        .node("s = Mul(p, p)")
        .node("y = Mul(q, s)");
    check(mixed, &[-1.0, 4.0], "poly", &[0.0, 250.0]);
}

#[test]
fn constants_of_each_channel_broadcast_as_in_onnx() {
    let x: Vec<f64> = (0..8).map(f64::from).collect();
    let expected: Vec<f64> = x
        .iter()
        .enumerate()
        .map(|(i, x)| if i < 4 { 2.0 * x } else { 3.0 * x })
        .collect();
    let by_shape: [(&[i64], Vec<f32>); 4] = [
        (&[2, 1, 1], vec![2.0, 3.0]),
        (&[1, 2, 1, 1], vec![2.0, 3.0]),
        (&[2, 2, 1], vec![2.0, 2.0, 3.0, 3.0]),
        (&[1, 2, 2, 2], vec![2.0, 2.0, 2.0, 2.0, 3.0, 3.0, 3.0, 3.0]),
    ];
    for (dims, values) in by_shape {
        let scaled = model(&[1, 2, 2, 2])
            .constant("k", dims, &values)
            .node("y = Mul(k, x)");
        check(scaled, &x, "affine", &expected);
    }
    let flat = model(&[1, 2, 2, 2])
        .constant("k", &[8], &[2.0, 2.0, 2.0, 2.0, 4.0, 4.0, 4.0, 4.0])
        .node("f = Flatten(x)")
        .node("y = Div(f, k)");
    let halves: Vec<f64> = x
        .iter()
        .enumerate()
        .map(|(i, x)| if i < 4 { x / 2.0 } else { x / 4.0 })
        .collect();
    check(flat, &x, "affine", &halves);
}

#[test]
fn dense_layers_take_the_constant_that_follows_as_their_bias() {
    let base = model(&[0, 2])
        .constant("w", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
        .constant("b", &[3], &[0.5, 1.0, 1.5]);
    let expected = [9.5, 13.0, 16.5];
    let product = base.clone().node("p = MatMul(x, w)").node("y = Add(p, b)");
    check(product, &[1.0, 2.0], "dense", &expected);
    check(
        base.clone().node("y = Gemm(x, w, b)"),
        &[1.0, 2.0],
        "dense",
        &expected,
    );
    let scaled = base.clone().node_with(
        "y = Gemm(x, w, b)",
        &[float("alpha", 2.0), float("beta", 0.0)],
    );
    check(scaled, &[1.0, 2.0], "dense", &[18.0, 24.0, 30.0]);
    let transposed = model(&[0, 2])
        .constant("w", &[3, 2], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0])
        .constant("b", &[], &[1.0])
        .node_with("y = Gemm(x, w, b)", &[int("transB", 1)]);
    check(transposed, &[1.0, 2.0], "dense", &[10.0, 13.0, 16.0]);
    // A product that something else reads keeps its value.
    let twice = base
        .node("p = MatMul(x, w)")
        .node("q = Add(p, b)")
        .node("s = Mul(q, q)")
        .node("y = Add(s, p)");
    let (_, output) = twice.run(&[1.0, 2.0]);
    assert_eq!(output, [99.25, 181.0, 287.25]);
}

#[test]
fn batch_norm_is_an_affine_behind_a_layer_and_part_of_a_polynomial() {
    let base = model(&[0, 2, 1, 1])
        .constant("gamma", &[2], &[2.0, 4.0])
        .constant("beta", &[2], &[1.0, 0.0])
        .constant("mean", &[2], &[0.5, 1.0])
        .constant("variance", &[2], &[3.0, 15.0]);
    let epsilon = [float("epsilon", 1.0)];
    let norm = "y = BatchNormalization(x, gamma, beta, mean, variance)";
    check(
        base.clone().node_with(norm, &epsilon),
        &[2.0, 3.0],
        "affine",
        &[2.5, 2.0],
    );
    let square = base.node("s = Mul(x, x)").node_with(
        "y = BatchNormalization(s, gamma, beta, mean, variance)",
        &epsilon,
    );
    check(square, &[2.0, 3.0], "poly", &[4.5, 8.0]);
}

#[test]
fn a_batch_norm_behind_a_layer_tells_what_training_saw() {
    let base = |input: &[i64]| {
        model(input)
            .constant("gamma", &[2], &[2.0, -4.0])
            .constant("beta", &[2], &[1.0, 0.0])
            .constant("mean", &[2], &[0.5, 1.0])
            .constant("variance", &[2], &[3.0, 15.0])
    };
    let epsilon = [float("epsilon", 1.0)];
    let norm = |x: &str| format!("n = BatchNormalization({x}, gamma, beta, mean, variance)");
    let square = "y = Mul(n, n)";
    let behind_input = base(&[0, 2, 3, 3]).node_with(&norm("x"), &epsilon);
    let behind_conv = base(&[0, 1, 3, 3])
        .constant("w", &[2, 1, 1, 1], &[0.5, -1.0])
        .node("c = Conv(x, w)")
        .node_with(&norm("c"), &epsilon);
    let behind_dense = base(&[0, 3])
        .constant("w", &[3, 2], &[0.5, -1.0, 2.0, 1.0, 0.0, 3.0])
        .node("c = Gemm(x, w)")
        .node_with(&norm("c"), &epsilon);
    for normed in [behind_input, behind_conv, behind_dense] {
        let imported = normed.node(square).import().unwrap();
        let [(layer, moments)] = &imported.moments.iter().collect::<Vec<_>>()[..] else {
            panic!("{:?}", imported.moments);
        };
        assert!(imported.graph.find(layer).is_some());
        assert_eq!(moments.mean, [1.0, 0.0]);
        // gamma times the root of variance over variance and epsilon
        let wanted = [2.0 * 0.75f64.sqrt(), 4.0 * (15.0f64 / 16.0).sqrt()];
        for (found, wanted) in moments.deviation.iter().zip(wanted) {
            assert!((found - wanted).abs() < 1e-6, "{found} {wanted}");
        }
    }
    let behind_square = base(&[0, 2, 1, 1])
        .node("s = Mul(x, x)")
        .node_with(&norm("s"), &epsilon)
        .node(square);
    assert!(behind_square.import().unwrap().moments.is_empty());
}

#[test]
fn shapes_that_keep_the_batch_and_the_order_are_no_layer() {
    let x: Vec<f64> = (0..8).map(f64::from).collect();
    for (batch, target) in [
        (0, vec![-1, 8]),
        (0, vec![0, -1]),
        (0, vec![1, 8]),
        (1, vec![1, -1]),
        (4, vec![4, 8]),
        (0, vec![0, 2, 2, 2]),
        (0, vec![0, 0, -1, 2]),
    ] {
        let reshaped = model(&[batch, 2, 2, 2])
            .integers("shape", &target)
            .node("r = Reshape(x, shape)")
            .node("y = Mul(r, r)");
        let squares: Vec<f64> = x.iter().map(|x| x * x).collect();
        check(reshaped, &x, "poly", &squares);
    }
    let gone = model(&[0, 2, 2, 2])
        .node("d = Dropout(x)")
        .node("i = Identity(d)")
        .node_with("y = Flatten(i)", &[int("axis", -3)]);
    check(gone, &x, "", &x);
}

#[test]
fn joins_and_pools_compute_what_they_say() {
    let x: Vec<f64> = (0..8).map(f64::from).collect();
    let pool = model(&[0, 2, 2, 2]).node("y = GlobalAveragePool(x)");
    check(pool, &x, "average_pool", &[1.5, 5.5]);
    let joined = model(&[0, 2, 2, 2])
        .node("p = GlobalAveragePool(x)")
        .node("s = Mul(p, p)")
        .node_with("y = Concat(s, p)", &[int("axis", 1)]);
    check(
        joined,
        &x,
        "average_pool poly concat",
        &[2.25, 30.25, 1.5, 5.5],
    );
    let difference = model(&[0, 2, 2, 2])
        .constant("w", &[2, 1, 1, 1], &[1.0, 0.5])
        .node_with("c = Conv(x, w)", &[int("group", 2)])
        .node("y = Sub(c, x)");
    check(
        difference,
        &x,
        "conv affine add",
        &[0.0, 0.0, 0.0, 0.0, -2.0, -2.5, -3.0, -3.5],
    );
}

#[test]
fn a_pad_without_a_convolution_behind_it_is_a_layer() {
    let padded = model(&[0, 1, 1, 2])
        .integers("pads", &[0, 0, 1, 1, 0, 0, 0, 0])
        .node("p = Pad(x, pads)")
        .node("y = Mul(p, p)");
    // One zero above and one before; nothing below and behind.
    check(
        padded,
        &[2.0, 3.0],
        "sparse poly",
        &[0.0, 0.0, 0.0, 0.0, 4.0, 9.0],
    );
    let axes = Model {
        opset: 18,
        ..model(&[0, 1, 1, 2])
    };
    let widened = axes
        .integers("pads", &[1, 1])
        .integers("axes", &[-1])
        .constant("w", &[1, 1, 1, 2], &[1.0, 10.0])
        .node("p = Pad(x, pads, , axes)")
        .node_with(
            "y = Conv(p, w)",
            &[ints("kernel_shape", &[1, 2]), ints("pads", &[0, 0, 1, 0])],
        );
    let (_, output) = widened.run(&[2.0, 3.0]);
    assert_eq!(output, [20.0, 32.0, 3.0, 0.0, 0.0, 0.0]);
}
