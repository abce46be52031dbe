//! Layers that run on the client: the same classes as the whole network, its weights on one side only, and what is
//! refused.

mod world;

use std::collections::BTreeSet;

use hemet_runtime::schemes::Known;
use hemet_schedule::Artifact;
use hemet_schedule::device::DeviceKind;
use hemet_spaces::Weights;
use world::models;
use world::{World, json, read_json, tiny};

fn experiment() -> String {
    let settings = "\
search: {strategy: random, trials: 2}
train: {epochs: 3}
encrypted_images: 4
deploy: {device_layers: 1}
card: {license: CC0-1.0}
";
    tiny("width: 8, kernel: 3", settings)
}

/// Bits of weights that say something: not 0, 1 or another power of two.
fn telling(weights: impl Iterator<Item = f32>) -> BTreeSet<u32> {
    let bits = weights.map(f32::to_bits);
    bits.filter(|bits| bits & 0x007f_ffff != 0).collect()
}

#[test]
fn a_client_runs_the_public_layers_and_neither_side_has_the_others_weights() {
    let world = World::new();
    world.write("tiny.yaml", experiment());
    world.good("search tiny.yaml --out run --costs costs.json");
    let trial = read_json(&world.path("run/summary.json"))["best"]["trial"].clone();
    let compile = |name: &str, layers: usize| {
        let told = world.good(&format!(
            "compile run --trial {trial} -o {name}.hemet --device-layers {layers} --json"
        ));
        json(&told)
    };
    let (cut, whole) = (compile("cut", 1), compile("whole", 0));
    assert_eq!(cut["device_layers"], 1);
    assert_eq!(whole.get("device_layers"), None);
    assert!(!world.path("whole.spec").exists());
    the_search_ends_in_such_an_artifact(&world);
    weights_lie_on_one_side(&world, &trial.to_string());
    both_ways_give_the_same(&world);
    without_the_spec_a_server_still_answers(&world);
    mistakes_are_told(&world, &trial.to_string());
}

fn the_search_ends_in_such_an_artifact(world: &World) {
    let known = Known::open(&world.path("run/best.spec")).unwrap();
    let device = known.spec.facts().device.expect("layers on the device");
    assert_eq!((device.note.layers, device.is_here), (1, true));
    assert_eq!(device.note.license.as_deref(), Some("CC0-1.0"));
    let card = world.good("inspect run/best.hemet --card");
    assert!(card.contains("1 layer runs on the client"), "{card}");
}

fn weights_lie_on_one_side(world: &World, trial: &str) {
    let number: usize = trial.parse().unwrap();
    let path = world.path(&format!("run/weights/trial-{number:04}.safetensors"));
    let weights = Weights::from_safetensors(&std::fs::read(path).unwrap()).unwrap();
    let of = |public: bool| {
        let own = weights.tensors.iter();
        let own = own.filter(|(name, _)| name.starts_with("stem") == public);
        telling(own.flat_map(|(_, tensor)| tensor.data.iter().copied()))
    };
    let (public, private) = (of(true), of(false));
    assert!(public.len() > 30 && private.len() > 30);
    let artifact = Artifact::read(world.path("cut.hemet")).unwrap();
    assert!(artifact.device.is_none());
    let constants = artifact.schedule.constants.entries.iter();
    let constants = constants.flat_map(|(_, constant)| constant.values().to_vec());
    let kept = telling(constants.map(|x| x as f32));
    assert!(kept.is_disjoint(&public));
    let known = Known::open(&world.path("cut.spec")).unwrap();
    let part = known.spec.device().expect("the layers");
    let text = serde_json::to_string(part.as_ref()).unwrap();
    assert!(known.spec.to_json().unwrap().contains(&text));
    let sent = telling(part.layers().iter().flat_map(|layer| numbers(&layer.kind)));
    assert!(sent.is_subset(&public) && sent.len() == public.len());
    // Whatever else lies in either file, byte by byte.
    for (file, foreign) in [("cut.hemet", &public), ("cut.spec", &private)] {
        let bytes = std::fs::read(world.path(file)).unwrap();
        let places = bytes.windows(4);
        let words: BTreeSet<u32> = places
            .map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]]))
            .collect();
        assert!(words.is_disjoint(foreign), "{file}");
    }
}

fn numbers(kind: &DeviceKind) -> Vec<f32> {
    let parts = match kind {
        DeviceKind::Conv(conv) => vec![&conv.weights, &conv.bias],
        DeviceKind::Dense { weights, bias } => vec![weights, bias],
        DeviceKind::Affine { scale, shift } => vec![scale, shift],
        DeviceKind::Poly { coefficients } => vec![coefficients],
        DeviceKind::Sparse(sparse) => vec![&sparse.weights, &sparse.bias],
        DeviceKind::AveragePool { .. }
        | DeviceKind::MaxPool { .. }
        | DeviceKind::Relu { .. }
        | DeviceKind::Add
        | DeviceKind::Concat => vec![],
    };
    parts
        .iter()
        .flat_map(|part| part.values())
        .copied()
        .collect()
}

fn both_ways_give_the_same(world: &World) {
    let clear = |name: &str| {
        json(&world.good(&format!("evaluate {name}.hemet --clear --limit 300 --json")))
    };
    let (cut, whole) = (clear("cut"), clear("whole"));
    assert_eq!(cut["confusion"], whole["confusion"]);
    let figures = json(&world.good("evaluate cut.hemet --limit 20 --json"));
    assert_eq!(figures["agreement"], 1.0);
    let figures = json(&world.good("bench cut.hemet --runs 2 --json"));
    assert!(
        figures["max_abs_error"].as_f64().unwrap() < 0.1,
        "{figures}"
    );
    world.good("keygen cut.spec --out keys");
    world.good("encrypt --key keys/client.key --set optdigits --index 3 -o image.ct");
    world.good("predict cut.hemet --keys keys/server.keys image.ct -o answer.ct");
    let answer = json(&world.good("decrypt --key keys/client.key answer.ct --json"));
    world.good("keygen whole.hemet --out whole");
    world.good("encrypt --key whole/client.key --set optdigits --index 3 -o whole.ct");
    world.good("predict whole.hemet --keys whole/server.keys whole.ct -o whole.answer");
    let expected = json(&world.good("decrypt --key whole/client.key whole.answer --json"));
    assert_eq!(answer["class"], expected["class"]);
    let (cut, whole) = (size(world, "image.ct"), size(world, "whole.ct"));
    assert!(cut <= 2 * whole, "{cut} and {whole} bytes");
}

fn size(world: &World, name: &str) -> u64 {
    std::fs::metadata(world.path(name)).unwrap().len()
}

fn without_the_spec_a_server_still_answers(world: &World) {
    std::fs::create_dir(world.path("server")).unwrap();
    std::fs::copy(world.path("cut.hemet"), world.path("server/cut.hemet")).unwrap();
    world.good("predict server/cut.hemet --keys keys/server.keys image.ct -o again.ct");
    for command in [
        "keygen server/cut.hemet --out none",
        "evaluate server/cut.hemet --limit 1",
        "bench server/cut.hemet --runs 1",
        "evaluate server/cut.hemet --clear --limit 1",
    ] {
        let message = world.refused(command);
        assert!(
            message.contains("spec that was written with the artifact"),
            "{message}"
        );
    }
    world.good("client-spec cut.hemet -o again.spec");
    assert_eq!(
        std::fs::read(world.path("again.spec")).unwrap(),
        std::fs::read(world.path("cut.spec")).unwrap()
    );
}

fn mistakes_are_told(world: &World, trial: &str) {
    let message = world.refused(&format!(
        "compile run --trial {trial} -o no.hemet --device-layers 9"
    ));
    assert!(message.contains("behind 9 of its"), "{message}");
    assert!(message.contains("possible: 1"), "{message}");
    assert!(!world.path("no.hemet").exists());
}

/// One network, whole and behind its first layer, and behind two, which are too many.
#[test]
fn a_search_chooses_how_many_layers_run_on_the_client() {
    let world = World::new();
    let settings = "\
search: {strategy: exhaustive, trials: 6}
train: {epochs: 1}
encrypted_images: 1
measured_members: 0
constraints: {max_device_products: 2000}
";
    let experiment = tiny("width: 8, kernel: 3", settings);
    let experiment = experiment.replace("  activation", "  device: [0, 1, 2]\n  activation");
    world.write("tiny.yaml", &experiment);
    world.good("search tiny.yaml --out run --costs costs.json");
    let journal = world.read("run/journal.jsonl");
    let trials: Vec<serde_json::Value> = journal.lines().map(json).collect();
    assert_eq!(trials.len(), 6);
    // The gene of the device is the last: 0, 1, 2 of the network without b1, then of the one with it.
    let ms = |trial: usize| trials[trial]["predicted_latency_ms"].as_f64();
    for network in [0, 3] {
        let (whole, behind) = (ms(network).unwrap(), ms(network + 1).unwrap());
        assert!(behind < whole, "{behind} against {whole} ms");
    }
    let reason = |trial: usize| trials[trial]["reason"].as_str().unwrap();
    assert!(reason(2).contains("possible: 1"), "{}", reason(2));
    assert!(reason(5).contains("device_products"), "{}", reason(5));
    let report = world.read("run/report/report.md");
    assert!(report.contains("device"), "{report}");
    let wrong = experiment.replace("[0, 1, 2]", "[0, 1]\n  scheme: [ckks, tfhe]");
    world.write("wrong.yaml", wrong);
    let message = world.refused("search wrong.yaml --out no --costs costs.json");
    assert!(message.contains("under ckks alone"), "{message}");
}

/// A pretrained first part with comparisons, which no encrypted layer could do: on the client they are exact.
#[test]
fn relu_and_maximum_pools_of_a_model_run_on_the_client() {
    let fixtures = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../compiler/onnx/tests/fixtures"
    );
    let world = World::new();
    let model = std::fs::read(format!("{fixtures}/device.onnx")).unwrap();
    world.write("model.onnx", model);
    let cases = read_json(std::path::Path::new(&format!("{fixtures}/expected.json")));
    let all = cases.as_array().unwrap().iter();
    let case = all.clone().find(|case| case["name"] == "device").unwrap();
    let floats = |value: &serde_json::Value| -> Vec<f64> {
        let numbers = value.as_array().unwrap().iter();
        numbers.map(|x| x.as_f64().unwrap()).collect()
    };
    let mut typical = models::numbers(40 * 2 * 7 * 7);
    typical.extend(floats(&case["inputs"][0]).iter().map(|x| *x as f32));
    world.write(
        "typical.safetensors",
        models::inputs(&typical, &[41, 2, 7, 7]),
    );
    let compile =
        "compile model.onnx -o m.hemet --costs costs.json --calibrate typical.safetensors";
    let told = world.refused(compile);
    assert!(told.contains("LeakyRelu"), "{told}");
    let told = world.refused(&format!("{compile} --device-layers 1"));
    assert!(
        told.contains("Relu_6") && told.contains("--fit-activations"),
        "{told}"
    );
    assert!(!world.path("m.hemet").exists());
    world.good(&format!("{compile} --device-layers 2"));
    let image: Vec<String> = floats(&case["inputs"][0])
        .iter()
        .map(f64::to_string)
        .collect();
    world.write("x.txt", image.join(" "));
    world.good("keygen m.spec --out keys");
    world.good("encrypt --key keys/client.key --image x.txt -o x.ct");
    world.good("predict m.hemet --keys keys/server.keys x.ct -o y.ct");
    let answer = json(&world.good("decrypt --key keys/client.key y.ct --json"));
    // ONNX Runtime's own outputs, in 32-bit floats; they reach some tens.
    let expected = floats(&case["outputs"][0]);
    let scale = expected.iter().fold(1.0f64, |most, x| most.max(x.abs()));
    for (found, expected) in floats(&answer["logits"]).iter().zip(&expected) {
        assert!(
            (found - expected).abs() < 0.01 * scale,
            "{answer} for {expected:?}"
        );
    }
}

/// The same networks whole and behind their first layers: what is handed over in the clear reveals something.
#[test]
fn what_the_device_part_reveals_can_be_an_objective() {
    let world = World::new();
    let settings = "\
objectives: [accuracy, latency, leak]
search: {strategy: exhaustive, trials: 4}
train: {epochs: 1}
encrypted_images: 1
measured_members: 0
";
    let experiment = tiny("width: 8, kernel: 3", settings);
    world.write("tiny.yaml", &experiment);
    let told = world.refused("search tiny.yaml --out none --costs costs.json");
    assert!(told.contains("leak is what layers"), "{told}");
    let experiment = experiment.replace("  activation", "  device: [0, 1]\n  activation");
    world.write("tiny.yaml", &experiment);
    world.good("search tiny.yaml --out run --costs costs.json");
    world.good("search tiny.yaml --out again --costs costs.json --workers 2");
    let journal = world.read("run/journal.jsonl");
    assert_eq!(journal, world.read("again/journal.jsonl"));
    let leaks: Vec<f64> = journal
        .lines()
        .map(|line| json(line)["leak"].as_f64().unwrap())
        .collect();
    // The gene of the device is the last.
    assert_eq!((leaks[0], leaks[2]), (0.0, 0.0));
    for leak in [leaks[1], leaks[3]] {
        assert!((0.2..=1.0).contains(&leak), "{leaks:?}");
    }
    let page = world.read("run/report/index.html");
    assert!(page.contains("leak"), "the page names what is optimized");
}

/// A public network in front, as it comes: the search is of what lies behind it, and clients run it first.
#[test]
fn a_search_behind_a_public_network_trains_what_lies_behind_it() {
    let fixtures = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../compiler/onnx/tests/fixtures"
    );
    let world = World::new();
    let prefix = std::fs::read(format!("{fixtures}/prefix.onnx")).unwrap();
    world.write("prefix.onnx", &prefix);
    let settings = "\
search: {strategy: random, trials: 2}
train: {epochs: 4}
encrypted_images: 6
deploy: {prefix: prefix.onnx}
";
    let experiment = tiny("width: 8, kernel: 3", settings);
    world.write("wrong.yaml", &experiment);
    let told = world.refused("search wrong.yaml --out none --costs costs.json");
    assert!(told.contains("input: [6, 4, 4]"), "{told}");
    let experiment = experiment.replace("input: [1, 8, 8]", "input: [6, 4, 4]");
    for (from, to, message) in [
        (
            "deploy: {prefix: prefix.onnx}",
            "deploy: {prefix: nowhere.onnx}",
            "no file",
        ),
        (
            "prefix.onnx}",
            "prefix.onnx, device_layers: 1}",
            "nothing more",
        ),
    ] {
        world.write("wrong.yaml", experiment.replace(from, to));
        let told = world.refused("search wrong.yaml --out none --costs costs.json");
        assert!(told.contains(message), "{told}");
    }
    world.write("tiny.yaml", &experiment);
    world.good("search tiny.yaml --out run --costs costs.json");
    let best = read_json(&world.path("run/summary.json"))["best"].clone();
    assert_eq!(best["agreement"], 1.0, "{best}");
    assert!(best["test_accuracy"].as_f64().unwrap() > 0.5, "{best}");
    let known = Known::open(&world.path("run/best.spec")).unwrap();
    let device = known.spec.device().expect("the public network");
    assert_eq!(device.input(), [1, 8, 8]);
    // Whoever compiles the trial again, and evaluates it on images, gets the same.
    let trial = best["trial"].clone();
    world.good(&format!("compile run --trial {trial} -o again.hemet"));
    let figures = json(&world.good("evaluate again.hemet --limit 6 --json"));
    assert_eq!(figures["agreement"], 1.0, "{figures}");
    let clear = json(&world.good("evaluate again.hemet --clear --limit 0 --json"));
    let accuracy = clear["plaintext_accuracy"].as_f64().unwrap();
    assert!(
        (accuracy - best["test_accuracy"].as_f64().unwrap()).abs() < 0.01,
        "{clear} {best}"
    );
    let told = world.refused(&format!("audit run --trial {trial}"));
    assert!(told.contains("behind a prefix"), "{told}");
}
