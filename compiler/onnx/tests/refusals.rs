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
        (
            "Relu",
            "--fit-activations DEGREE --calibrate DATA to fit it",
        ),
        ("Sigmoid", "--fit-activations"),
        ("MaxPool", "use AveragePool"),
        ("Softmax", "apply it to the decrypted logits"),
        ("LayerNormalization", "BatchNormalization"),
        ("Shape", "torch.flatten(x, 1)"),
        ("ReduceMean", "GlobalAveragePool"),
        ("LSTM", "read are Add, AveragePool"),
    ] {
        let text = format!("y = {operator}(x)");
        check(
            map().node(&text),
            &["node `n_y`", &format!("({operator})"), instead],
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
fn uses_that_no_layer_has_are_refused() {
    let norm = "y = BatchNormalization(x, variance, variance, variance, variance)";
    let cases: Vec<(Model, [&str; 2])> = vec![
        (
            map().node_with("y = Conv(x, w)", &[ints("dilations", &[2, 2])]),
            ["dilations are [2, 2]", "dilation 1"],
        ),
        (
            map().node_with("y = Conv(x, w)", &[ints("strides", &[1, 2])]),
            ["strides [1, 2]", "equal strides"],
        ),
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
            map().node_with(
                "y = AveragePool(x)",
                &[ints("kernel_shape", &[3, 3]), ints("pads", &[1; 4])],
            ),
            ["does not count", "count_include_pad=1"],
        ),
        (
            map().node_with(
                "y = AveragePool(x)",
                &[
                    ints("kernel_shape", &[3, 3]),
                    ints("strides", &[2, 2]),
                    int("ceil_mode", 1),
                ],
            ),
            ["hangs over", "ceil_mode=0"],
        ),
        (
            map().node_with(norm, &[int("training_mode", 1)]),
            ["training mode", "model.eval()"],
        ),
        (
            map().node("g = GlobalAveragePool(x)").node("y = Mul(x, g)"),
            ["shapes 2x4x4 and 2x1x1", "one shape"],
        ),
        (
            map()
                .node("c = Conv(x, w)")
                .node("d = Conv(x, w)")
                .node("y = Mul(c, d)"),
            ["two different tensors", "polynomials of one tensor"],
        ),
        (
            map().node("y = Mul(x, each)"),
            ["[1, 1, 4, 4]", "[channels, 1, 1]"],
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
            map().node("y = MatMul(x, m)"),
            ["[batch, channels, height, width]", "Flatten"],
        ),
        (
            map().node_with("y = Concat(x, x)", &[int("axis", 2)]),
            ["axis is 2", "axis 1"],
        ),
        (
            map().node_with("y = Flatten(x)", &[int("axis", 2)]),
            ["axis is 2", "axis 1"],
        ),
        (
            map().integers("s", &[0, 4, 2, 4]).node("y = Reshape(x, s)"),
            ["[0, 4, 2, 4]", "flattening"],
        ),
        (
            map().integers("s", &[-1, 8]).node("y = Reshape(x, s)"),
            ["[-1, 8]", "flattening"],
        ),
        (
            map()
                .integers("p", &[0, 1, 0, 0, 0, 0, 0, 0])
                .node("y = Pad(x, p)"),
            ["[0, 1, 0, 0, 0, 0, 0, 0]", "height and width only"],
        ),
        (
            map()
                .integers("p", &[0, 0, -1, 0, 0, 0, 0, 0])
                .node("y = Pad(x, p)"),
            ["-1", "height and width only"],
        ),
        (
            map()
                .integers("p", &[0; 8])
                .node_with("y = Pad(x, p)", &[text("mode", "reflect")]),
            ["reflect", "zeros"],
        ),
        (
            map().integers("p", &[0; 8]).node("y = Pad(x, p, half)"),
            ["pads with 0.5", "zeros"],
        ),
        (
            map().node("y = Add(half, half)"),
            ["both inputs are constants", "fold constants"],
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
    check(map().node("y = Mul(x)"), &["needs two inputs"]);
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
        &["two initialisers"],
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
    for (opset, found) in [(10, "operator set 10"), (19, "operator set 19")] {
        check(
            Model {
                opset,
                ..map().node("y = Mul(x, x)")
            },
            &[found, "11 to 18"],
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
    let half = TensorProto {
        data_type: Some(10),
        raw_data: Some(vec![0, 0]),
        ..Default::default()
    };
    check(
        with(half),
        &["`t`", "float16", "convert the model to float"],
    );
    let apart = TensorProto {
        data_type: Some(data_type::FLOAT),
        data_location: Some(1),
        ..Default::default()
    };
    check(
        with(apart),
        &["`t`", "another file", "save the model as one file"],
    );
}

#[test]
fn a_second_input_or_output_is_refused() {
    for (inputs, part) in [(true, "inputs: 2 tensors"), (false, "outputs: 2 tensors")] {
        let mut proto = map().node("y = Mul(x, x)").proto();
        let graph = proto.graph.as_mut().unwrap();
        match inputs {
            true => graph.input.push(common::value("second", &[1, 2])),
            false => graph.output.push(common::value("x", &[1, 2])),
        }
        let message = hemet_onnx::import(&proto.encode_to_vec())
            .unwrap_err()
            .to_string();
        assert!(message.contains(part), "{message}");
    }
}
