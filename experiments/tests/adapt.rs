//! Digits that the program draws, then digits that people wrote: a network is adapted with ten labels a class and
//! classifies every test image encrypted.

mod world;

use world::{World, json, read_json};

const DRAWN: &str = "\
name: drawn
seed: 1
data: {set: synthetic_digits, validation: 0.1}
space:
  input: [1, 8, 8]
  classes: 10
  stem: {conv: {width: 16, kernel: 3}}
  blocks:
    - name: b1
      options: [{conv: {width: 16, kernel: 3}}]
      pool: [2]
  activation: quadratic
search: {strategy: random, trials: 1}
train: {epochs: 8}
compile: {precision_bits: 7}
encrypted_images: 2
measured_members: 0
";

#[test]
fn a_network_that_saw_drawn_digits_learns_written_ones_from_ten_labels_a_class() {
    let world = World::new();
    world.write("drawn.yaml", DRAWN);
    world.good("search drawn.yaml --out run --costs costs.json");
    let told =
        world.good("adapt run --trial 0 --set optdigits --labels 10 --limit 0 --out new --json");
    let figures = json(&told);
    let share = |name: &str| figures[name].as_f64().unwrap();
    let (source, target) = (share("source_only"), share("target_only"));
    let adapted = share("adapted");
    assert!(adapted >= source + 0.10, "{told}");
    assert!(adapted >= target + 0.02, "{told}");
    assert_eq!(figures["encrypted_images"], 1797, "{told}");
    // The class of an image may change where two logits are as near as errors are large.
    assert!(share("agreement") >= 0.999, "{told}");
    assert!((share("encrypted") - adapted).abs() < 0.002, "{told}");
    assert_eq!(
        (&figures["labels"], &figures["seed"]),
        (&10.into(), &1.into())
    );
    assert_eq!(read_json(&world.path("new/adapt.json")), figures);
    the_result_is_a_run_folder(&world);
    another_adaptation_answers_under_the_keys_that_are_there(&world);
    mistakes_are_told(&world);
}

fn the_result_is_a_run_folder(world: &World) {
    assert!(world.read("new/report/report.md").contains("optdigits"));
    world.good("compile new --trial 0 -o again.hemet");
    let clear = json(&world.good("evaluate again.hemet --clear --limit 300 --json"));
    let best = json(&world.good("evaluate new/best.hemet --clear --limit 300 --json"));
    assert_eq!(clear["confusion"], best["confusion"]);
}

fn another_adaptation_answers_under_the_keys_that_are_there(world: &World) {
    world.good("keygen new/best.spec --out keys");
    let adapt = "adapt run --trial 0 --set optdigits --labels 12 --seed 2 --limit 2 --out other";
    world.good(adapt);
    world.good("compile other --trial 0 --like new/best.hemet -o other.hemet");
    world.good("client-spec other.hemet -o other.spec");
    world.good("keygen other.spec --out own");
    let class = |pair: &str| {
        let client = format!("--key {pair}/client.key --spec other.spec");
        world.good(&format!(
            "encrypt {client} --set optdigits --index 3 -o image.ct"
        ));
        world.good(&format!(
            "predict other.hemet --keys {pair}/server.keys image.ct -o answer.ct"
        ));
        let told = world.good(&format!(
            "decrypt {client} --request image.ct answer.ct --json"
        ));
        json(&told)["class"].as_u64().unwrap()
    };
    assert_eq!(class("keys"), class("own"));
}

fn mistakes_are_told(world: &World) {
    let adapt = "adapt run --trial 0";
    for (options, parts) in [
        (
            "--set optdigits --labels 900 --out no",
            ["900", "images of class"],
        ),
        (
            "--set optdigits --labels 10 --out new",
            ["new", "there already"],
        ),
        ("--set optdigit --labels 10", ["optdigit", "optdigits"]),
        ("--set mnist --labels 10 --out no", ["mnist", "folder"]),
    ] {
        let message = world.refused(&format!("{adapt} {options}"));
        for part in parts {
            assert!(message.contains(part), "{options}: {message}");
        }
    }
    assert!(!world.path("no").exists());
}
