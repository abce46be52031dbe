//! What is refused, and that the message names the node, the operator and what would do instead.

mod common;

use common::{Model, int, ints, model, text};
use hemet_onnx::proto::{TensorProto, data_type};
use prost::Message;

fn check(model: Model, parts: &[&str]) {
    let message = model.import().expect_err("a refusal").to_string();
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

fn map() -> Model {
    model(&[0, 2, 4, 4])
        .constant("w", &[2, 2, 3, 3], &[0.5; 36])
        .constant(
            "each",
            &[1, 1, 4, 4],
            &std::array::from_fn::<f32, 16, _>(|i| i as f32),
        )
        .constant("half", &[], &[0.5])
        .constant("zero", &[], &[0.0])
        .constant("m", &[2, 2], &[1.0; 4])
        .constant("variance", &[2], &[1.0; 2])
}

#[test]
fn operators_that_are_not_read_name_what_would_do_instead() {
    for (operator, instead) in [
        ("Relu", "--fit-activations auto --calibrate DATA to fit it"),
        ("Sigmoid", "--fit-activations"),
        ("MaxPool", "use AveragePool"),
        ("Softmax", "apply it to the decrypted outputs"),
        ("InstanceNormalization", "BatchNormalization"),
        ("TopK", "apply it to the decrypted outputs"),
        ("Celebrate", "docs/onnx-operators.md"),
    ] {
        let text = format!("s = {operator}(x)");
        check(
            map().node(&text).node("y = Mul(s, s)"),
            &["node `n_s`", &format!("({operator})"), instead],
        );
    }
    let mut foreign = map().node("y = Mul(x, x)");
    foreign.nodes[0].domain = Some("com.microsoft".into());
    check(
        foreign,
        &["`n_y` (Mul)", "`com.microsoft`", "standard operators"],
    );
}

#[test]
fn a_norm_that_the_client_does_not_know_is_no_other_norm() {
    let mut model = model(&[0, 4])
        .constant("w", &[4, 3], &[0.5; 12])
        .node("h = MatMul(x, w)")
        .node_with("y = Normalizer(h)", &[text("norm", "L3")]);
    model.nodes[1].domain = Some("ai.onnx.ml".into());
    check(model, &["`n_y` (Normalizer)", "`L3`", "L1, L2 or MAX"]);
}

#[test]
fn uses_that_no_layer_has_are_refused() {
    let norm = "y = BatchNormalization(x, variance, variance, variance, variance)";
    let cases: Vec<(Model, [&str; 2])> = vec![
        (
            map().node_with("y = Conv(x, w)", &[ints("strides", &[2])]),
            ["`strides` is [2]", "2 numbers"],
        ),
        (
            map().node_with("y = Conv(x, w)", &[int("spin", 1)]),
            ["attribute `spin`", "it takes auto_pad"],
        ),
        (
            map().node("a = Mul(x, half)").node("y = Conv(x, a)"),
            ["input 1 depends", "only a constant"],
        ),
        (
            map().node_with(norm, &[int("training_mode", 1)]),
            ["training mode", "model.eval()"],
        ),
        (
            map().node("g = GlobalAveragePool(x)").node("y = Mul(x, g)"),
            ["two different tensors", "polynomials of one tensor"],
        ),
        (
            map()
                .node("c = Conv(x, w)")
                .node("d = Conv(x, w)")
                .node("y = Mul(c, d)"),
            ["two different tensors", "polynomials of one tensor"],
        ),
        (
            map()
                .constant("odd", &[3, 1, 1], &[1.0; 3])
                .node("y = Mul(x, odd)"),
            ["[1, 2, 4, 4] and [3, 1, 1]", "broadcast to one"],
        ),
        (
            map().node("y = Pow(x, half)"),
            ["exponent is 0.5", "from 1 to 31"],
        ),
        (
            map().node("y = Div(half, x)"),
            ["divides by a tensor", "by constants only"],
        ),
        (
            map().node("y = MatMul(x, x)"),
            ["both depend on the input", "convolutions or dense layers"],
        ),
        (
            map().integers("s", &[0, 5, -1]).node("y = Reshape(x, s)"),
            ["[0, 5, -1]", "as many elements"],
        ),
        (
            map()
                .integers("p", &[0, 0, 0, 0, 0, 0, 0, 9999])
                .node("y = Pad(x, p)"),
            ["9999", "pad by at most"],
        ),
        (
            map().node_with("y = Cast(x)", &[int("to", 7)]),
            ["casts the network's values", "rounding is no polynomial"],
        ),
    ];
    for (model, parts) in cases {
        check(model, &["n_y", "is not supported", parts[0], parts[1]]);
    }
}

#[test]
fn a_polynomial_of_too_high_a_degree_is_refused() {
    let mut model = map().node("t0 = Mul(x, half)");
    for index in 1..=31 {
        model = model.node(&format!("t{index} = Mul(t{}, x)", index - 1));
    }
    check(model, &["`n_t31` (Mul)", "degree 32", "at most 31"]);
}

#[test]
fn models_that_break_the_rules_are_refused() {
    check(
        map().node("y = Mul(x, nothing)"),
        &["n_y", "`nothing` that nothing before it makes"],
    );
    check(
        map().node("y = Mul(x, x)").node("y = Mul(x, x)"),
        &["`y` is made twice"],
    );
    check(map().node("y = Mul(x)"), &["input 1 is missing"]);
    check(map().node("y = Div(x, zero)"), &["divides by zero"]);
    check(
        map().node("y = Identity(half)"),
        &["output `y`", "it is a constant"],
    );
    check(
        map()
            .constant("bad", &[2, 2], &[1.0; 3])
            .node("y = Mul(x, bad)"),
        &["`bad`", "4 elements, the data are 3"],
    );
    check(
        map().constant("w", &[], &[1.0]).node("y = Mul(x, w)"),
        &["two initializers"],
    );
    check(
        map()
            .constant("nan", &[], &[f32::NAN])
            .node("y = Mul(x, nan)"),
        &["n_y.scale", "NaN"],
    );
    check(
        model(&[0, 2, 0, 4]).node("y = Mul(x, x)"),
        &["[?, 2, ?, 4]", "all but batch fixed"],
    );
    for (opset, found) in [(6, "operator set 6"), (24, "operator set 24")] {
        check(
            Model {
                opset,
                ..map().node("y = Mul(x, x)")
            },
            &[found, "7 to 23"],
        );
    }
}

#[test]
fn tensors_of_other_types_and_places_are_refused() {
    let with = |tensor: TensorProto| {
        let mut model = map().node("y = Mul(x, t)");
        model.initializers.push(TensorProto {
            name: Some("t".into()),
            ..tensor
        });
        model
    };
    let text = TensorProto {
        data_type: Some(8),
        raw_data: Some(vec![0, 0]),
        ..Default::default()
    };
    check(with(text), &["`t`", "string", "read are float"]);
    let apart = TensorProto {
        data_type: Some(data_type::FLOAT),
        data_location: Some(1),
        ..Default::default()
    };
    check(with(apart), &["`t`", "another file", "save it as one file"]);
}

#[test]
fn a_second_input_or_output_is_refused() {
    for (inputs, part) in [(true, "inputs: 2 tensors"), (false, "outputs: 2 tensors")] {
        let mut proto = map().node("y = Mul(x, x)").proto();
        let graph = proto.graph.as_mut().unwrap();
        match inputs {
            true => {
                graph.input.push(common::value("second", &[1, 2]));
                graph.node[0].input[1] = "second".into();
            }
            false => graph.output.push(common::value("x", &[1, 2])),
        }
        let message = hemet_onnx::import(&proto.encode_to_vec())
            .unwrap_err()
            .to_string();
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_kind_of_model_that_cannot_work_is_named() {
    for (nodes, kind, instead) in [
        (
            vec!["h = LSTM(x, w)", "y = Mul(h, h)"],
            "a recurrent network",
            "Conv1d",
        ),
        (
            vec!["y = TreeEnsembleRegressor(x)"],
            "a forest or boosted trees",
            "an MLP",
        ),
        (
            vec![
                "q = QuantizeLinear(x, half)",
                "y = DequantizeLinear(q, half)",
            ],
            "int8",
            "the float model",
        ),
        (
            vec!["n = LayerNormalization(x, half)", "y = Mul(n, n)"],
            "a transformer",
            "batch norm",
        ),
        (
            vec!["s = Softmax(x)", "y = MatMul(s, x)"],
            "attention",
            "a transformer",
        ),
        (vec!["y = Loop(x)"], "control flow", "traced"),
    ] {
        let built = nodes.iter().fold(map(), |model, node| model.node(node));
        check(built, &["the model is", kind, instead]);
    }
}
