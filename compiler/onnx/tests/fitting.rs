//! Activations that are no polynomials: fitted on calibration data, one polynomial for what several operators write,
//! and the report of what that costs.

mod common;

use common::{Model, Random, model};
use hemet_onnx::{Calibration, Degree, FitReport, Imported, Source, import_fitted};
use hemet_spaces::evaluate::evaluate;
use prost::Message;

/// Inputs of `len` numbers within ±2.
fn inputs(count: usize, len: usize) -> Vec<Vec<f64>> {
    let mut random = Random(7);
    let doubled = |v: Vec<f32>| v.into_iter().map(|x| 2.0 * f64::from(x)).collect();
    (0..count).map(|_| doubled(random.values(len))).collect()
}

fn fit(model: &Model, degree: usize, inputs: &[Vec<f64>]) -> (Imported, FitReport) {
    let data = Calibration {
        inputs,
        labels: &[],
        held_out: 0,
    };
    import_fitted(&model.proto().encode_to_vec(), Degree::Fixed(degree), data)
        .unwrap_or_else(|e| panic!("{e}"))
}

fn kinds(imported: &Imported) -> String {
    let nodes = imported.graph.nodes().skip(1);
    let kinds: Vec<&str> = nodes.map(|(_, node)| node.layer.kind()).collect();
    kinds.join(" ")
}

/// A dense layer of 6 inputs, `activation` (which reads `h` and makes `a`), a dense layer of 3 outputs.
fn network(activation: &[&str]) -> Model {
    let mut random = Random(3);
    let model = model(&[0, 6])
        .constant("w1", &[6, 8], &random.values(48))
        .constant("w2", &[8, 3], &random.values(24))
        .constant("half", &[], &[0.5])
        .constant("one", &[], &[1.0])
        .constant("three", &[], &[3.0])
        .constant("six", &[], &[6.0])
        .constant("zero", &[], &[0.0])
        .constant("root", &[], &[std::f32::consts::SQRT_2])
        .node("h = MatMul(x, w1)");
    let model = activation
        .iter()
        .fold(model, |model, node| model.node(node));
    model.node("y = MatMul(a, w2)")
}

#[test]
fn behind_the_cut_activations_are_fitted_and_before_it_they_stay() {
    let mut random = Random(4);
    let model = model(&[0, 6])
        .constant("w1", &[6, 8], &random.values(48))
        .constant("w2", &[8, 8], &random.values(64))
        .constant("w3", &[8, 3], &random.values(24))
        .node("h = MatMul(x, w1)")
        .node("a = Relu(h)")
        .node("i = MatMul(a, w2)")
        .node("b = Relu(i)")
        .node("y = MatMul(b, w3)");
    let bytes = model.proto().encode_to_vec();
    let inputs = inputs(40, 6);
    let data = Calibration {
        inputs: &inputs,
        labels: &[],
        held_out: 0,
    };
    for (device_layers, expected) in [
        (0, "dense affine poly dense affine poly dense"),
        (1, "dense relu dense affine poly dense"),
        (2, "dense relu dense relu dense"),
    ] {
        let source = Source {
            device_layers,
            ..(&bytes).into()
        };
        let (imported, report) = import_fitted(source, Degree::Fixed(4), data).unwrap();
        assert_eq!(kinds(&imported), expected);
        assert_eq!(report.activations.len(), 2 - device_layers);
    }
}

#[test]
fn what_exporters_write_for_an_activation_becomes_one_polynomial() {
    let silu = ["s = Sigmoid(h)", "a = Mul(h, s)"];
    let gelu = [
        "d = Div(h, root)",
        "e = Erf(d)",
        "p = Add(e, one)",
        "m = Mul(h, p)",
        "a = Mul(m, half)",
    ];
    let swish = [
        "t = Add(h, three)",
        "c = Clip(t, zero, six)",
        "m = Mul(h, c)",
        "a = Div(m, six)",
    ];
    let cases: [(&[&str], &str, f64); 16] = [
        (&["a = Relu(h)"], "Relu(x)", 0.2),
        (&["a = LeakyRelu(h)"], "LeakyRelu(x)", 0.2),
        (&["a = Elu(h)"], "Elu(x)", 0.1),
        (&["a = Selu(h)"], "Selu(x)", 0.1),
        (&["a = Sigmoid(h)"], "Sigmoid(x)", 0.1),
        (&["a = HardSigmoid(h)"], "HardSigmoid(x)", 0.1),
        (&["a = HardSwish(h)"], "HardSwish(x)", 0.1),
        (&["a = Tanh(h)"], "Tanh(x)", 0.3),
        (&["a = PRelu(h, half)"], "PRelu(x)", 0.2),
        (&["a = Gelu(h)"], "Gelu(x)", 0.1),
        (&["a = Mish(h)"], "Mish(x)", 0.1),
        (&["a = Celu(h)"], "Celu(x)", 0.1),
        (&["a = Softplus(h)"], "Softplus(x)", 0.1),
        (&silu, "Mul(x, Sigmoid(x))", 0.1),
        (
            &gelu,
            "Mul(Mul(x, Add(Erf(Div(x, 1.4142135381698608)), 1)), 0.5)",
            0.1,
        ),
        (&swish, "Div(Mul(x, Clip(Add(x, 3), 0, 6)), 6)", 0.1),
    ];
    let inputs = inputs(200, 6);
    for (nodes, function, error) in cases {
        let (imported, report) = fit(&network(nodes), 4, &inputs);
        assert_eq!(kinds(&imported), "dense affine poly dense");
        let [activation] = &report.activations[..] else {
            panic!("{} activations", report.activations.len());
        };
        assert_eq!(activation.function, function);
        assert!(
            activation.relative_error < error,
            "{function}: {}",
            activation.relative_error
        );
    }
}

#[test]
fn the_report_is_the_truth_and_the_error_falls_with_the_degree() {
    let inputs = inputs(100, 6);
    let model = network(&["a = Relu(h)"]);
    let mut last = f64::INFINITY;
    for degree in [2, 3, 4, 8, 12] {
        let (imported, report) = fit(&model, degree, &inputs);
        assert!(
            report.relative_error <= last * 1.01,
            "{degree}: {}",
            report.relative_error
        );
        last = report.relative_error;
        // The same network with its ReLU computed by hand.
        let weight = |name: &str| &imported.weights.tensors[name].data;
        let (w1, w2) = (weight("n_h.weight"), weight("n_y.weight"));
        let mut worst = 0.0f64;
        for x in &inputs {
            let dense = |w: &[f32], x: &[f64]| -> Vec<f64> {
                let dot = |row: &[f32]| row.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum();
                w.chunks(x.len()).map(dot).collect()
            };
            let hidden: Vec<f64> = dense(w1, x).into_iter().map(|x| x.max(0.0)).collect();
            let found = evaluate(&imported.graph, &imported.weights, x).unwrap();
            for (a, b) in dense(w2, &hidden).iter().zip(found) {
                worst = worst.max((a - b).abs());
            }
        }
        assert!(
            (worst - report.max_abs_error).abs() < 1e-9,
            "{worst} {}",
            report.max_abs_error
        );
    }
    assert!(last < 0.05, "{last}");
}

#[test]
fn maps_have_a_polynomial_a_channel_and_labels_give_accuracies() {
    let model = model(&[0, 2, 4, 4])
        .constant("w", &[3, 2, 3, 3], &Random(5).values(54))
        .node("c = Conv(x, w)")
        .node("r = Relu(c)")
        .node("s = Sigmoid(c)")
        .node("sum = Add(r, s)")
        .node("y = Flatten(sum)");
    let inputs = inputs(300, 32);
    let labels = vec![0; inputs.len()];
    let data = Calibration {
        inputs: &inputs,
        labels: &labels,
        held_out: 0,
    };
    let (imported, report) =
        import_fitted(&model.proto().encode_to_vec(), Degree::Fixed(5), data).unwrap();
    // Both read the convolution: one function.
    assert_eq!(kinds(&imported), "conv affine poly");
    assert_eq!(report.activations[0].function, "Add(Relu(x), Sigmoid(x))");
    let poly = &imported.weights.tensors["n_sum.coefficients"];
    assert_eq!(poly.shape, [3, 6]);
    assert_ne!(poly.data[..6], poly.data[6..12]);
    let (exact, fitted) = report.accuracy.unwrap();
    assert!(
        exact > 0.0 && (exact - fitted).abs() < 0.1,
        "{exact} {fitted}"
    );
}

#[test]
fn polynomials_stay_exact_and_branches_are_fitted_apart() {
    let model = network(&[
        "q = Mul(h, h)",
        "r = Relu(q)",
        "v = MatMul(r, square)",
        "a = Add(v, r)",
    ])
    .constant("square", &[8, 8], &Random(9).values(64));
    let (imported, report) = fit(&model, 3, &inputs(50, 6));
    assert_eq!(report.activations[0].function, "Relu(Mul(x, x))");
    assert_eq!(kinds(&imported), "dense affine poly dense add dense");
    let exact = network(&["a = Mul(h, h)"]);
    let (imported, report) = fit(&exact, 3, &inputs(50, 6));
    assert_eq!(
        (kinds(&imported).as_str(), report.max_abs_error),
        ("dense poly dense", 0.0)
    );
}

/// The model's activation by degree `auto`; the last quarter of the inputs is held out.
fn auto(model: &Model, inputs: &[Vec<f64>]) -> Result<(Imported, FitReport), hemet_onnx::Error> {
    let data = Calibration {
        inputs,
        labels: &[],
        held_out: inputs.len() / 4,
    };
    import_fitted(&model.proto().encode_to_vec(), Degree::Auto, data)
}

#[test]
fn auto_takes_the_least_degree_that_is_good_and_no_more() {
    let inputs = inputs(400, 6);
    // A softplus is nearly a parabola here; a ReLU has a corner.
    let (_, smooth) = auto(&network(&["a = Softplus(h)"]), &inputs).unwrap();
    let (_, sharp) = auto(&network(&["a = Relu(h)"]), &inputs).unwrap();
    let (smooth, sharp) = (smooth.activations[0].degree, sharp.activations[0].degree);
    assert!(smooth < sharp, "{smooth} {sharp}");
}

#[test]
fn auto_on_few_inputs_is_nearly_as_good_on_new_ones_as_on_those_held_out() {
    for activation in ["Relu", "LeakyRelu", "HardSwish", "Mish", "Elu", "Gelu"] {
        let node = format!("a = {activation}(h)");
        let model = network(&[node.as_str()]);
        let all = inputs(2096, 6);
        let (imported, report) = auto(&model, &all[..96]).unwrap();
        assert_eq!(report.inputs, 24);
        assert!(!report.tried.is_empty());
        // The same network with a polynomial that many inputs were fitted on is the measure.
        let many = fit(&model, 15, &all[96..]).0;
        let (mut squared, mut error) = (0.0f64, 0.0f64);
        for x in &all[96..] {
            let found = evaluate(&imported.graph, &imported.weights, x).unwrap();
            let exact = evaluate(&many.graph, &many.weights, x).unwrap();
            for (found, exact) in found.iter().zip(exact) {
                squared += exact * exact;
                error += (found - exact).powi(2);
            }
        }
        let new = (error / squared).sqrt();
        assert!(new < 0.15, "{activation}: {new}, {report:?}");
    }
}

#[test]
fn auto_keeps_the_best_degree_where_none_is_good_and_refuses_a_fit_of_no_use() {
    // A network whose outputs hang on a fast wave: no polynomial of these degrees follows it.
    let wave = network(&["f = Mul(h, hundred)", "a = Sin(f)"]).constant("hundred", &[], &[100.0]);
    let message = auto(&wave, &inputs(96, 6)).unwrap_err().to_string();
    for part in [
        "degrees 2, 4, 8, 15 were tried",
        "held-out inputs",
        "calibration inputs",
    ] {
        assert!(message.contains(part), "{message}");
    }
    // Given, a degree is taken as it is.
    let (_, report) = fit(&wave, 4, &inputs(96, 6));
    assert_eq!(report.activations[0].degree, 4);
}

#[test]
fn values_outside_the_fitted_range_are_counted_on_held_out_inputs() {
    let model = network(&["a = Relu(h)"]);
    let mut inputs = inputs(120, 6);
    for x in &mut inputs[90..] {
        x.iter_mut().for_each(|x| *x *= 10.0);
    }
    let data = Calibration {
        inputs: &inputs,
        labels: &[],
        held_out: 30,
    };
    let bytes = model.proto().encode_to_vec();
    let (_, report) = import_fitted(&bytes, Degree::Fixed(4), data).unwrap();
    assert!(report.activations[0].outside > 0.3, "{report:?}");
    assert!(
        auto(&model, &inputs).is_err(),
        "outliers of ten times the size"
    );
}

#[test]
fn the_answer_of_a_single_score_is_the_class_that_the_client_makes_of_it() {
    // Both probabilities of one score, as scikit-learn writes them.
    let two = |model: Model| {
        let model = model.node("p = Sigmoid(s)").node("q = Sub(one, p)");
        model.node_with("z = Concat(q, p)", &[common::int("axis", 1)])
    };
    let mut model = network(&["a = Relu(h)"]);
    model.nodes.pop();
    let model = two(model
        .constant("w3", &[8, 1], &Random(4).values(8))
        .node("s = MatMul(a, w3)"));
    let (_, report) = auto(&model, &inputs(200, 6)).unwrap();
    assert!(report.has_answers && report.agreement > 0.9, "{report:?}");
    // Without an end it is a value, and nothing is said of answers.
    let mut value = model.clone();
    value.nodes.truncate(value.nodes.len() - 3);
    let (_, report) = auto(&value, &inputs(200, 6)).unwrap();
    assert!(
        !report.has_answers && report.accuracy.is_none(),
        "{report:?}"
    );
}

#[test]
fn the_last_activation_is_the_clients_and_costs_no_polynomial() {
    for (nodes, operator) in [
        (
            ["a = Relu(h)", "y = MatMul(a, w2)", "z = Sigmoid(y)"],
            "sigmoid",
        ),
        (["a = Relu(h)", "y = MatMul(a, w2)", "z = Tanh(y)"], "tanh"),
        (
            ["a = Relu(h)", "y = MatMul(a, w2)", "z = Softmax(y)"],
            "softmax",
        ),
    ] {
        let mut model = network(&[]);
        model.nodes.pop();
        let model = nodes.iter().fold(model, |model, node| model.node(node));
        let (imported, _) = fit(&model, 4, &inputs(60, 6));
        assert_eq!(kinds(&imported), "dense affine poly dense");
        let outputs = imported.outputs.unwrap();
        assert_eq!(outputs.parts[0].steps[0].name(), operator);
    }
}

#[test]
fn what_cannot_be_fitted_is_refused_with_the_reason() {
    let bytes = |nodes: &[&str]| network(nodes).proto().encode_to_vec();
    let good = inputs(4, 6);
    let refused = |bytes: &[u8], degree, inputs: &[Vec<f64>], labels: &[usize]| {
        let data = Calibration {
            inputs,
            labels,
            held_out: 0,
        };
        import_fitted(bytes, Degree::Fixed(degree), data)
            .unwrap_err()
            .to_string()
    };
    let relu = bytes(&["a = Relu(h)"]);
    for (message, wanted) in [
        (refused(&relu, 1, &good, &[]), "2 to 15 are possible"),
        (refused(&relu, 16, &good, &[]), "2 to 15 are possible"),
        (refused(&relu, 2, &[], &[]), "no calibration inputs"),
        (refused(&relu, 2, &good, &[1]), "have 1 labels"),
        (refused(&relu, 2, &inputs(4, 5), &[]), "6"),
        (
            refused(&bytes(&["a = Log(h)"]), 2, &good, &[]),
            "not finite",
        ),
        (
            refused(&bytes(&["a = Softmax(h)"]), 2, &good, &[]),
            "decrypted outputs",
        ),
        (
            refused(&bytes(&["a = PRelu(h, w1)"]), 2, &good, &[]),
            "one slope, or one a channel",
        ),
    ] {
        assert!(message.contains(wanted), "`{wanted}` is not in: {message}");
    }
    let plain = network(&["a = Relu(h)"]).import().unwrap_err().to_string();
    assert!(
        plain.contains("node `n_a` (Relu)") && plain.contains("--calibrate DATA"),
        "{plain}"
    );
}
