//! Folders of pictures, sets and standard input through encrypt, predict and decrypt: answers come with the names of
//! what was encrypted. Evaluations of many images: simulated, and gone on with.

mod world;

use std::io::Write;
use std::process::Stdio;

use world::{World, json, tiny};

const SETTINGS: &str = "\
search: {strategy: random, trials: 1}
train: {epochs: 3}
encrypted_images: 2
measured_members: 0
";

#[test]
fn many_inputs_are_encrypted_answered_and_decrypted_by_their_names() {
    let world = World::new();
    world.write("tiny.yaml", tiny("width: 4, kernel: 3", SETTINGS));
    world.good("search tiny.yaml --out run --costs costs.json");
    world.good("keygen run/best.spec --out keys");
    a_folder_keeps_its_names(&world);
    standard_input_and_output_are_files_too(&world);
    batches_are_cut_and_named(&world);
    evaluations_are_simulated_and_gone_on_with(&world);
}

/// An image of 8x8 gray levels, as numbers.
fn digit(level: usize) -> String {
    let numbers: Vec<String> = (0..64)
        .map(|i| format!("{}", ((i * level) % 17) as f64 / 16.0))
        .collect();
    numbers.join(" ")
}

fn a_folder_keeps_its_names(world: &World) {
    std::fs::create_dir_all(world.path("digits/sub")).unwrap();
    for (name, level) in [("b.txt", 1), ("a.txt", 2), ("sub/c.txt", 3), (".hidden", 4)] {
        world.write(&format!("digits/{name}"), digit(level));
    }
    let told = world.good("encrypt --key keys/client.key --image digits -o requests");
    assert!(told.contains("3 requests of 3 images"), "{told}");
    for file in ["a.txt.ct", "b.txt.ct", "sub/c.txt.ct"] {
        assert!(world.path("requests").join(file).exists(), "{file}");
    }
    let figures = json(
        &world.good("predict run/best.hemet --keys keys/server.keys requests -o answers --json"),
    );
    assert_eq!(figures["requests"], 3);
    let told = world.good("decrypt --key keys/client.key --request requests answers");
    let names: Vec<&str> = told
        .lines()
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    assert_eq!(names, ["a.txt", "b.txt", "sub/c.txt"], "{told}");
    let lines = world.good("decrypt --key keys/client.key --request requests answers --json");
    let lines: Vec<_> = lines.lines().map(json).collect();
    assert_eq!(lines[2]["file"], "sub/c.txt");
    let sum: f64 = lines[0]["probabilities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p.as_f64().unwrap())
        .sum();
    assert!((sum - 1.0).abs() < 0.1, "{sum}");
    // Alone each is answered the same.
    world.good("encrypt --key keys/client.key --image digits/b.txt -o b.ct");
    world.good("predict run/best.hemet --keys keys/server.keys b.ct -o b.answer");
    let alone = json(&world.good("decrypt --key keys/client.key --request b.ct b.answer --json"));
    assert_eq!(alone["class"], lines[1]["class"]);
    // An answer is missing, another's is in its place.
    std::fs::remove_file(world.path("answers/b.txt.ct")).unwrap();
    let told = world.refused("decrypt --key keys/client.key --request requests answers");
    assert!(
        told.contains("2 of 3 requests") && told.contains("b.txt"),
        "{told}"
    );
    std::fs::copy(
        world.path("answers/a.txt.ct"),
        world.path("answers/b.txt.ct"),
    )
    .unwrap();
    let swapped = world
        .command("decrypt --key keys/client.key --request requests answers")
        .output()
        .unwrap();
    assert_eq!(
        swapped.status.code(),
        Some(1),
        "an answer to another request"
    );
}

fn piped(world: &World, arguments: &str, input: &[u8]) -> Vec<u8> {
    let mut child = world
        .command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

fn standard_input_and_output_are_files_too(world: &World) {
    let request = piped(
        world,
        "encrypt --key keys/client.key --image - -o -",
        digit(5).as_bytes(),
    );
    let answer = piped(
        world,
        "predict run/best.hemet --keys keys/server.keys - -o -",
        &request,
    );
    let told = piped(world, "decrypt --key keys/client.key - --json", &answer);
    let told = json(&String::from_utf8(told).unwrap());
    assert_eq!(told["logits"].as_array().unwrap().len(), 10);
}

fn batches_are_cut_and_named(world: &World) {
    world.good("compile run --trial 0 -o many.hemet --target throughput");
    world.good("keygen many.hemet --out batch-keys");
    let told = world
        .good("encrypt --key batch-keys/client.key --set optdigits --index 3 --count 5 -o batch/");
    assert!(told.contains("1 requests of 5 images"), "{told}");
    world.good("predict many.hemet --keys batch-keys/server.keys batch -o batch-answers");
    let told = world.good("decrypt --key batch-keys/client.key --request batch batch-answers");
    let names: Vec<&str> = told
        .lines()
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "image-00003",
            "image-00004",
            "image-00005",
            "image-00006",
            "image-00007"
        ]
    );
}

fn evaluations_are_simulated_and_gone_on_with(world: &World) {
    let evaluated =
        |arguments: &str| json(&world.good(&format!("evaluate run/best.hemet {arguments} --json")));
    let real = evaluated("--limit 40");
    let simulated = evaluated("--limit 400 --simulate");
    assert_eq!(
        (&simulated["images"], &simulated["simulated_from"]),
        (&400.into(), &12.into())
    );
    let number = |figures: &serde_json::Value, key: &str| figures[key].as_f64().unwrap();
    // The interval of 40 encrypted images holds what is simulated for ten times as many.
    let share = number(&simulated, "encrypted_accuracy");
    assert!(
        number(&real, "interval_low") <= share && share <= number(&real, "interval_high"),
        "{share}: {real}"
    );
    let ratio = number(&simulated, "max_abs_error") / number(&real, "max_abs_error");
    assert!(
        (0.3..3.0).contains(&ratio),
        "errors of another size: {ratio}"
    );
    let clear = evaluated("--limit 400 --clear");
    assert_eq!(clear["plaintext_accuracy"], simulated["plaintext_accuracy"]);
    assert_eq!(clear["confusion"].as_array().unwrap().len(), 10);
    assert!(clear["measures"]["auc"].as_f64().unwrap() > 0.5);
    assert!(real["measures"]["log_loss"].as_f64().unwrap() > 0.0);
    assert_eq!(real["clear_confusion"].as_array().unwrap().len(), 10);

    // An evaluation of three images that was broken off, and goes on to six.
    let keep = world.path("answers.jsonl");
    let whole = evaluated("--limit 3");
    let mut child = world
        .command("evaluate run/best.hemet --limit 1000 --threads 1 --keep answers.jsonl")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = || {
        std::fs::read_to_string(&keep)
            .unwrap_or_default()
            .lines()
            .count()
    };
    while lines() < 4 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let output = world
        .command("evaluate run/best.hemet --limit 3 --keep answers.jsonl")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && told.contains("3 of 3 encrypted images are known"),
        "{told}"
    );
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let percent = format!("{:.2} %", 100.0 * number(&whole, "plaintext_accuracy"));
    assert!(shown.contains(&percent), "{shown}");
    assert!(!keep.exists(), "it has ended");
}
