//! ONNX models through the binary: activations that are no polynomials are refused, or fitted on calibration data and
//! run encrypted.

mod world;

use world::models::{
    Inside, array, calibration, cases, cases_ending, inputs, large_cases, network, network_ending,
    numbers, shifted_cases,
};
use world::{World, json};

fn world_of_silu() -> World {
    let world = World::new();
    world.write("silu.onnx", network(Inside::Silu));
    world.write("calibration.safetensors", calibration());
    world
}

#[test]
fn an_activation_is_refused_without_calibration_and_runs_encrypted_with_it() {
    let world = world_of_silu();
    let message = world.refused("compile silu.onnx -o model.hemet --costs costs.json");
    for part in [
        "`node_s` (Sigmoid)",
        "--fit-activations auto --calibrate DATA",
    ] {
        assert!(message.contains(part), "{message}");
    }
    for degree in [2, 3, 4] {
        let told = world.good(&format!(
                "compile silu.onnx -o model.hemet --costs costs.json --fit-activations {degree} --calibrate calibration.safetensors"
            ),
        );
        assert!(
            told.contains("Mul(x, Sigmoid(x))") && told.contains("accuracy"),
            "{told}"
        );
        let bench = world.good("bench model.hemet --runs 1 --json");
        let figures = json(&bench);
        // The compiler's default promise.
        let error = figures["max_abs_error"].as_f64().unwrap();
        assert!(error < (-10.0f64).exp2(), "degree {degree}: {error}");
    }
    world.refused("compile silu.onnx -o model.hemet --fit-activations 3");
}

#[test]
fn a_batch_goes_through_encrypt_predict_decrypt_and_bench() {
    let world = world_of_silu();
    let common = "--costs costs.json --fit-activations 2 --calibrate calibration.safetensors";
    world.good(&format!("compile silu.onnx -o one.hemet {common}"));
    world.good(&format!(
        "compile silu.onnx -o many.hemet --target throughput {common}"
    ));
    let images: Vec<String> = numbers(3 * 12).iter().map(f32::to_string).collect();
    world.write("images.txt", images.join(" "));
    let mut logits = Vec::new();
    for (name, batches) in [("one", false), ("many", true)] {
        world.good(&format!("keygen {name}.hemet --out {name}"));
        let key = format!("--key {name}/client.key");
        let three = format!("encrypt {key} --image images.txt --count 3 -o x.ct");
        if !batches {
            let message = world.refused(&three);
            assert!(message.contains("3 images, room for 1"), "{message}");
            world.write("images.txt", images[12..24].join(","));
            world.good(&format!("encrypt {key} --image images.txt -o x.ct"));
            world.write("images.txt", images.join(" "));
        } else {
            world.good(&three);
        }
        world.good(&format!(
            "predict {name}.hemet --keys {name}/server.keys x.ct -o y.ct"
        ));
        let count = if batches { "--count 3" } else { "" };
        let told = world.good(&format!("decrypt y.ct {key} {count} --json"));
        let line = told.lines().nth(usize::from(batches)).unwrap();
        let answer = json(line);
        let of_image = answer["logits"].as_array().unwrap().iter();
        logits.push(of_image.map(|x| x.as_f64().unwrap()).collect::<Vec<f64>>());
    }
    let message = world.refused("decrypt y.ct --key many/client.key");
    assert!(message.contains("--count"), "{message}");
    for (one, many) in logits[0].iter().zip(&logits[1]) {
        // Both within the default promise.
        assert!((one - many).abs() < (-9.0f64).exp2(), "{logits:?}");
    }
    let bench = world.good("bench many.hemet --runs 1 --json");
    let figures = json(&bench);
    let images = figures["images_per_request"].as_f64().unwrap();
    let latency = figures["measured_latency_ms"][0].as_f64().unwrap();
    assert!(images > 1000.0, "{bench}");
    assert!((figures["images_per_s"].as_f64().unwrap() - images / latency * 1e3).abs() < 1e-3);
    // The promise is three deviations for logits of unit size; these are thousands, some of them larger.
    let error = figures["max_abs_error"].as_f64().unwrap();
    assert!(error < (-8.0f64).exp2(), "{error}");
}

#[test]
fn calibration_data_that_say_nothing_of_other_inputs_are_refused_in_the_users_file() {
    let world = World::new();
    world.write("model.onnx", network(Inside::Square));
    let typical = numbers(20 * 12);
    let mut spoiled = typical.clone();
    spoiled[40] = f32::NAN;
    let cases: [(&str, Vec<u8>, &str); 7] = [
        (
            "zeros.safetensors",
            inputs(&[0.0; 20 * 12], &[20, 12]),
            "one number repeated (0",
        ),
        (
            "one.safetensors",
            inputs(&typical[..12], &[1, 12]),
            "1 inputs, 1 of them different",
        ),
        (
            "nan.safetensors",
            inputs(&spoiled, &[20, 12]),
            "input 3 holds NaN at element 4",
        ),
        (
            "wide.safetensors",
            inputs(&typical, &[10, 24]),
            "24 numbers; the network takes 12",
        ),
        ("text.safetensors", b"hello".to_vec(), "no safetensors file"),
        (
            "big.npy",
            array()
                .iter()
                .map(|b| if *b == b'<' { b'>' } else { *b })
                .collect(),
            "`>f4`",
        ),
        ("cut.npy", array()[..500].to_vec(), "cut"),
    ];
    for (name, content, expected) in cases {
        world.write(name, content);
        let told = world.refused(&format!(
            "compile model.onnx -o m.hemet --costs costs.json --calibrate {name}"
        ));
        assert!(
            told.contains(name) && told.contains(expected),
            "{expected}: {told}"
        );
        assert!(!world.path("m.hemet").exists(), "{name}");
    }
    world.write("inputs.npy", array());
    let far =
        "compile model.onnx -o m.hemet --costs costs.json --calibrate inputs.npy --input-range 0.5";
    let told = world.refused(far);
    assert!(told.contains("beyond --input-range 0.5"), "{told}");
}

#[test]
fn an_array_and_the_calibration_file_made_of_it_give_the_same_artifact() {
    let world = World::new();
    world.write("model.onnx", network(Inside::Square));
    world.write("inputs.npy", array());
    let told = world.good("data calibration inputs.npy -o made.safetensors");
    assert!(told.contains("20 inputs of [12]"), "{told}");
    for file in ["inputs.npy", "made.safetensors"] {
        world.good(&format!(
            "compile model.onnx -o {file}.hemet --costs costs.json --calibrate {file}"
        ));
    }
    let read = |name: &str| std::fs::read(world.path(name)).unwrap();
    assert!(read("inputs.npy.hemet") == read("made.safetensors.hemet"));
}

#[test]
fn bench_fails_where_encryption_breaks_its_promise_and_not_for_what_fitting_costs() {
    let world = world_of_silu();
    world.write("model.onnx", network(Inside::Square));
    world.good("compile model.onnx -o model.hemet --costs costs.json");
    world.good(
        "compile silu.onnx -o fitted.hemet --costs costs.json --fit-activations 2 --calibrate calibration.safetensors",
    );
    world.write("right.safetensors", cases());
    world.write("wrong.safetensors", shifted_cases(0.5));
    let bench = |artifact: &str, cases: &str| {
        let command = format!("bench {artifact} --cases {cases} --runs 1 --json");
        let output = world.command(&command).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let figures = json(std::str::from_utf8(&output.stdout).unwrap());
        (output.status.code(), figures, told)
    };
    let (status, figures, told) = bench("model.hemet", "right.safetensors");
    assert_eq!(status, Some(0), "{told}");
    assert!(
        figures["encryption_error"].as_f64() < Some(0.001),
        "{figures}"
    );
    let (status, figures, told) = bench("model.hemet", "wrong.safetensors");
    assert_eq!(status, Some(1), "{told}");
    let error = figures["encryption_error"].as_f64().unwrap();
    assert!((error - 0.5).abs() < 0.01 && told.contains("5.0"), "{told}");
    // The cases are those of another network: what fitting costs is told, and breaks no promise of encryption.
    let (status, figures, told) = bench("fitted.hemet", "wrong.safetensors");
    assert_eq!(status, Some(0), "{told}");
    assert!(figures["fit_error"].as_f64() > Some(0.1), "{figures}");
    assert!(
        figures["encryption_error"].as_f64() < Some(0.01),
        "{figures}"
    );
    // A file that does not fit is a mistake and no broken promise.
    world.refused("bench model.hemet --cases calibration.safetensors");
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|x| (x - most).exp()).sum();
    logits.iter().map(|x| (x - most).exp() / sum).collect()
}

fn largest(logits: &[f32]) -> Vec<f32> {
    let best = (0..3).fold(0, |best, i| if logits[i] > logits[best] { i } else { best });
    vec![best as f32]
}

/// What an end makes of the outputs.
type End = (&'static [&'static str], fn(&[f32]) -> Vec<f32>);

#[test]
fn the_client_applies_the_end_of_a_model_and_the_raw_outputs_stay_within_reach() {
    let ends: [End; 4] = [
        (&["Softmax"], softmax),
        (&["Sigmoid"], |x| {
            x.iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect()
        }),
        (&["Tanh"], |x| x.iter().map(|x| x.tanh()).collect()),
        (&["Relu"], |x| x.iter().map(|x| x.max(0.0)).collect()),
    ];
    let world = World::new();
    let values = numbers(12).iter().map(f32::to_string).collect::<Vec<_>>();
    world.write("x.txt", values.join(" "));
    for (operators, own) in ends {
        world.write("m.onnx", network_ending(Inside::Square, operators));
        world.write("cases.safetensors", cases_ending(&own));
        let told = world.good("compile m.onnx -o m.hemet --costs costs.json");
        assert!(told.contains("left to the client"), "{told}");
        let bench = json(&world.good("bench m.hemet --runs 1 --json --cases cases.safetensors"));
        // The compiler's default promise; none of these ends makes an error larger.
        assert!(
            bench["max_abs_error"].as_f64().unwrap() < (-10.0f64).exp2(),
            "{bench}"
        );
        world.good("client-spec m.hemet -o m.spec");
        world.good("keygen m.spec --out keys --force");
        world.good("encrypt --key keys/client.key --image x.txt -o x.ct");
        world.good("predict m.hemet --keys keys/server.keys x.ct -o y.ct");
        let decrypt = "decrypt --key keys/client.key --request x.ct y.ct";
        let answer = json(&world.good(&format!("{decrypt} --json")));
        let floats = |value: &serde_json::Value| -> Vec<f32> {
            let array = value.as_array().unwrap().iter();
            array.map(|x| x.as_f64().unwrap() as f32).collect()
        };
        let raw = floats(&answer["logits"]);
        let shown = floats(&answer["outputs"][0]["values"]);
        for (shown, wanted) in shown.iter().zip(own(&raw)) {
            assert!((shown - wanted).abs() < 1e-3, "{operators:?}: {answer}");
        }
        let lines = world.good(&format!("{decrypt} --logits"));
        assert!(lines.contains(&format!("{:.4}", raw[0])), "{lines} {raw:?}");
    }
}

#[test]
fn cases_outside_the_compiled_range_are_not_held_against_the_promise() {
    let world = World::new();
    world.write("m.onnx", network(Inside::Square));
    world.good("compile m.onnx -o m.hemet --costs costs.json");
    world.write("some.safetensors", large_cases(3));
    let bench = json(&world.good("bench m.hemet --runs 1 --json --cases some.safetensors"));
    assert_eq!(
        (&bench["cases"], &bench["out_of_range"]),
        (&4.into(), &3.into()),
        "{bench}"
    );
    world.write("all.safetensors", large_cases(4));
    let told = world.refused("bench m.hemet --runs 1 --cases all.safetensors");
    assert!(
        told.contains("takes -1 to 1") && told.contains("--calibrate"),
        "{told}"
    );
}

#[test]
fn a_class_is_found_by_the_client_and_compared_as_the_models_own_output() {
    let world = World::new();
    // ArgMax takes the axis of the batch where nothing says otherwise, which is no axis of classes.
    world.write("m.onnx", network_ending(Inside::Square, &["ArgMax"]));
    let told = world.refused("compile m.onnx -o m.hemet --costs costs.json");
    assert!(told.contains("axis 0 is the batch"), "{told}");
    world.write("m.onnx", network_ending(Inside::Square, &["Hardmax"]));
    let hard = |logits: &[f32]| {
        let best = largest(logits)[0] as usize;
        (0..3).map(|i| f32::from(u8::from(i == best))).collect()
    };
    world.write("cases.safetensors", cases_ending(&hard));
    world.good("compile m.onnx -o m.hemet --costs costs.json");
    let bench = json(&world.good("bench m.hemet --runs 1 --json --cases cases.safetensors"));
    assert_eq!(bench["max_abs_error"], 0.0, "{bench}");
}
