//! A user's keys through the binary: passphrases, expiry, lists, rotation, forgetting; and signed artifacts.

mod world;

use hemet_ckks_params::{Parameters, ntt_primes};
use hemet_runtime::{Client, Note};
use hemet_schedule::{
    Artifact, Builder, Header, Layout, Level, Manifest, Op, Scale, verify::verify,
};
use serde_json::Value;
use world::models::{Inside, network, numbers, retrained};
use world::{World, json};

/// A world with an artifact, its spec, an input and two passphrases.
fn world() -> World {
    let world = World::new();
    world.write("model.onnx", network(Inside::Square));
    world.good("compile model.onnx -o model.hemet --costs costs.json");
    world.good("client-spec model.hemet -o model.spec");
    let input: Vec<String> = numbers(12).iter().map(f32::to_string).collect();
    world.write("input.txt", input.join(" "));
    world.write("right", "correct horse\nnot this line\n");
    world.write("wrong", "correct house\n");
    world
}

/// What `keys list --json` says of every pair below `keys`.
fn listed(world: &World) -> Vec<Value> {
    world
        .good("keys list keys --json")
        .lines()
        .map(json)
        .collect()
}

fn logits(world: &World, more: &str) -> Value {
    let answer = format!("decrypt --json --request image.ct answer.ct {more}");
    json(&world.good(&answer))["logits"].clone()
}

/// Whether outputs differ by no more than encryption makes them differ.
fn close(a: &Value, b: &Value) -> bool {
    let numbers = |v: &Value| -> Vec<f64> {
        let listed = v.as_array().into_iter().flatten();
        listed.filter_map(Value::as_f64).collect()
    };
    let (a, b) = (numbers(a), numbers(b));
    a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 0.01)
}

const ENCRYPT: &str = "encrypt --key keys/client.key --image input.txt -o image.ct";

#[test]
fn a_key_under_a_passphrase_needs_it_and_the_old_pair_decrypts_after_a_rotation() {
    let world = world();
    world.good(
        "keygen model.spec --out keys --passphrase-file right --label laptop --valid-days 30",
    );
    let told = world.refused(ENCRYPT);
    for way in ["--passphrase-file", "HEMET_PASSPHRASE", "keys/client.key"] {
        assert!(told.contains(way), "{told}");
    }
    let told = world.refused(&format!("{ENCRYPT} --passphrase-file wrong"));
    assert!(told.contains("passphrase does not open"), "{told}");
    world.refused(&format!("{ENCRYPT} --passphrase-file nowhere"));
    assert!(!world.path("image.ct").exists());
    world.good(&format!("{ENCRYPT} --passphrase-file right"));
    world.good("predict model.hemet --keys keys/server.keys image.ct -o answer.ct");
    let mut decrypt = world.command("decrypt --key keys/client.key --request image.ct answer.ct");
    let decrypted = decrypt.env("HEMET_PASSPHRASE", "correct horse").output();
    assert!(decrypted.unwrap().status.success());
    let mut decrypt = world.command("decrypt --key keys/client.key --request image.ct answer.ct");
    let decrypted = decrypt.env("HEMET_PASSPHRASE", "").output().unwrap();
    assert_eq!(decrypted.status.code(), Some(2));

    let before = listed(&world);
    let [pair] = before.as_slice() else {
        panic!("{before:?}")
    };
    assert_eq!(
        (&pair["label"], &pair["is_locked"]),
        (&"laptop".into(), &true.into())
    );
    assert_eq!(
        (&pair["fault"], &pair["is_expired"]),
        (&Value::Null, &false.into())
    );

    let told = world.refused("keys rotate keys --passphrase-file wrong");
    assert!(told.contains("passphrase does not open"), "{told}");
    world.good("keys rotate keys --passphrase-file right");
    let after = listed(&world);
    let [new, old] = after.as_slice() else {
        panic!("{after:?}")
    };
    assert_eq!(old["key_set"], pair["key_set"]);
    assert_eq!(
        (&new["label"], &new["is_locked"]),
        (&"laptop".into(), &true.into())
    );
    assert_ne!(new["key_set"], pair["key_set"]);
    assert!(new["fault"].is_null() && old["fault"].is_null() && new["expires"].is_string());
    let folder = old["folder"].as_str().unwrap();
    logits(
        &world,
        &format!("--key {folder}/client.key --passphrase-file right"),
    );
    world.refused("decrypt --key keys/client.key --passphrase-file right answer.ct");
    world.good(&format!("{ENCRYPT} --passphrase-file right"));
    world.good("predict model.hemet --keys keys/server.keys image.ct -o answer.ct");
    logits(&world, "--key keys/client.key --passphrase-file right");

    let told = world.refused(&format!("keys forget {folder}"));
    assert!(
        told.contains("--yes") && world.path(folder).exists(),
        "{told}"
    );
    world.good(&format!("keys forget {folder} --yes"));
    assert!(!world.path(folder).exists());
    assert_eq!(listed(&world).len(), 1);
    world.good("keys forget keys --yes");
    world.refused("keys list keys");
    world.refused("keys forget keys --yes");
}

#[test]
fn a_key_in_the_clear_is_put_under_a_passphrase_and_out_of_it_again() {
    let world = world();
    world.write("first", "correct horse\n");
    world.write("second", "battery staple\n");
    world.good("keygen model.spec --out keys");
    let clear = std::fs::read(world.path("keys/client.key")).unwrap();
    // What has another name of the file sees that the clear key is overwritten.
    std::fs::hard_link(world.path("keys/client.key"), world.path("other")).unwrap();
    world.good("keys passphrase keys --new-passphrase-file first");
    let other = std::fs::read(world.path("other")).unwrap();
    assert_eq!(other, vec![0; clear.len()]);
    assert_eq!(listed(&world)[0]["is_locked"], true);
    world.refused("keys passphrase keys --passphrase-file second --new-passphrase-file second");
    world.refused(
        "keys passphrase keys --passphrase-file first --none --new-passphrase-file second",
    );
    world.good("keys passphrase keys --passphrase-file first --new-passphrase-file second");
    world.good(&format!("{ENCRYPT} --passphrase-file second"));
    world.good("predict model.hemet --keys keys/server.keys image.ct -o answer.ct");
    world.good("keys passphrase keys --passphrase-file second --none");
    assert_eq!(std::fs::read(world.path("keys/client.key")).unwrap(), clear);
    logits(&world, "--key keys/client.key");
    world.refused("keys passphrase nowhere --none");
    world.write("short", "1234567\n");
    let told = world.refused("keys passphrase keys --new-passphrase-file short");
    assert!(told.contains("7 bytes"), "{told}");
    assert_eq!(std::fs::read(world.path("keys/client.key")).unwrap(), clear);
}

#[test]
fn forgetting_takes_what_an_interrupted_keygen_left() {
    let world = world();
    world.good("keygen model.spec --out keys");
    for left in ["server.keys.new", ".hemet-a1b2c3.part"] {
        std::fs::write(world.path("keys").join(left), b"half a key").unwrap();
    }
    world.good("keys forget keys --yes");
    assert!(!world.path("keys").exists());
}

#[test]
fn passphrases_that_are_none_make_no_key() {
    let world = world();
    world.write("short", "1234567\n");
    world.write("empty", "\nsecond line\n");
    for (file, why) in [
        ("short", "7 bytes"),
        ("empty", "empty"),
        ("nowhere", "nowhere"),
    ] {
        let told = world.refused(&format!(
            "keygen model.spec --out keys --passphrase-file {file}"
        ));
        assert!(told.contains(why), "{told}");
    }
    let told = world.refused("keygen model.spec --out keys --passphrase");
    assert!(told.contains("no terminal"), "{told}");
    world.refused(&format!(
        "keygen model.spec --out keys --label {}",
        "x".repeat(201)
    ));
    world.refused("keygen model.spec --out keys --valid-days 0");
    assert!(!world.path("keys").exists());
}

#[test]
fn an_expired_key_encrypts_no_more_and_still_decrypts() {
    let world = world();
    world.good("keygen model.spec --out keys");
    world.good(ENCRYPT);
    world.good("predict model.hemet --keys keys/server.keys image.ct -o answer.ct");
    let path = world.path("keys/client.key");
    let client = Client::load(&path).unwrap();
    let note = Note {
        expires_s: Some(1_000_000_000),
        ..client.note().clone()
    };
    client.noted(note).unwrap().save(&path, None).unwrap();
    let told = world.refused(ENCRYPT);
    assert!(told.contains("2001-09-09T01:46:40Z"), "{told}");
    assert!(
        told.contains("it is 20") && told.contains("rotate"),
        "{told}"
    );
    logits(&world, "--key keys/client.key");
    assert_eq!(listed(&world)[0]["is_expired"], true);
    world.good("keys rotate keys --valid-days 30");
    world.good(ENCRYPT);
}

#[test]
fn half_a_pair_is_never_written_over_the_half_of_another() {
    let world = world();
    for pair in ["keys/a", "keys/b"] {
        world.good(&format!("keygen model.spec --out {pair}"));
    }
    let file = |name: &str| world.path(&format!("keys/{name}"));
    let read = |name: &str| std::fs::read(file(name)).unwrap();
    let (secret, server) = (read("a/client.key"), read("a/server.keys"));
    for half in ["client.key", "server.keys"] {
        std::fs::remove_file(file(&format!("a/{half}"))).unwrap();
        let told = world.refused("keygen model.spec --out keys/a");
        assert!(told.contains("there is a key already"), "{told}");
        assert!(!file(&format!("a/{half}")).exists());
        let fault = listed(&world)[0]["fault"].clone();
        assert!(
            fault.as_str().is_some_and(|fault| fault.contains(half)),
            "{fault}"
        );
        world.write("keys/a/client.key", &secret);
        world.write("keys/a/server.keys", &server);
    }
    std::fs::copy(file("b/server.keys"), file("a/server.keys")).unwrap();
    let fault = listed(&world)[0]["fault"].clone();
    assert!(
        fault.as_str().is_some_and(|f| f.contains("another pair")),
        "{fault}"
    );
    world.write("keys/a/client.key", "no key at all");
    assert!(listed(&world)[0]["fault"].is_string());
    world.good("keygen model.spec --out keys/a --force");
    assert!(listed(&world).iter().all(|pair| pair["fault"].is_null()));
    assert_eq!(std::fs::read_dir(file("a")).unwrap().count(), 2);
}

#[test]
fn a_retrained_network_answers_under_the_keys_that_are_there() {
    let world = world();
    world.write("retrained.onnx", retrained(Inside::Square));
    world.good("compile retrained.onnx -o retrained.hemet --costs costs.json");
    world.good("client-spec retrained.hemet -o retrained.spec");
    let inspected = |name: &str| json(&world.good(&format!("inspect {name} --json")));
    let (old, new) = (inspected("model.hemet"), inspected("retrained.hemet"));
    assert_ne!(old["id"], new["id"]);
    assert_eq!(old["key_binding"], new["key_binding"]);
    world.good("keygen model.spec --out keys");
    let ask = |model: &str, spec: &str| {
        world.good(&format!("{ENCRYPT} {spec}"));
        world.good(&format!(
            "predict {model} --keys keys/server.keys image.ct -o answer.ct"
        ));
        logits(&world, &format!("--key keys/client.key {spec}"))
    };
    let before = ask("model.hemet", "");
    let after = ask("retrained.hemet", "--spec retrained.spec");
    let again = ask("retrained.hemet", "--spec retrained.hemet");
    // Each encryption errs by chance, and a rounded output may fall to either side.
    assert!(close(&again, &after), "{again} {after}");
    assert!(!close(&before, &after), "{before} {after}");
    // Which of the two is asked must be said, on both sides.
    let told = world.refused("decrypt --key keys/client.key --request image.ct answer.ct");
    assert!(told.contains("--spec"), "{told}");
    world.good(ENCRYPT);
    let told =
        world.refused("predict retrained.hemet --keys keys/server.keys image.ct -o answer.ct");
    assert!(told.contains("--spec"), "{told}");
    // A schedule that is kept needs no other keys; another one does.
    let like = "compile retrained.onnx -o kept.hemet --costs costs.json --like";
    world.good(&format!("{like} model.hemet"));
    assert_eq!(inspected("kept.hemet")["key_binding"], old["key_binding"]);
    assert_eq!(
        ask("kept.hemet", "--spec kept.hemet")
            .as_array()
            .map(Vec::len),
        after.as_array().map(Vec::len)
    );
    std::fs::remove_file(world.path("kept.hemet")).unwrap();
    for wrong in [
        "model.hemet --security 256",
        "model.hemet --precision 9",
        "model.onnx",
        "nowhere.hemet",
    ] {
        world.refused(&format!("{like} {wrong}"));
        assert!(!world.path("kept.hemet").exists());
    }
    let told = world.refused(&format!("{like} model.hemet --security 256"));
    assert!(
        told.contains("key binding") && told.contains("--security"),
        "{told}"
    );
    world.good("compile model.onnx -o finer.hemet --costs costs.json --precision 16");
    let told = world.refused(&format!("{ENCRYPT} --spec finer.hemet"));
    assert!(
        told.contains("key binding") && told.contains("keygen"),
        "{told}"
    );
    let told = world.refused("predict finer.hemet --keys keys/server.keys image.ct -o answer.ct");
    assert!(told.contains("key binding"), "{told}");
}

#[test]
fn a_signed_artifact_is_told_from_others_by_everybody_who_reads_it() {
    let world = world();
    for out in ["owner", "stranger"] {
        world.good(&format!("keys signing --out {out} --passphrase-file right"));
    }
    let told = world.refused("keys signing --out owner");
    assert!(told.contains("there is a key already"), "{told}");
    let id = |out: &str| {
        let text = world.read(&format!("{out}/signing.pub"));
        text.split(' ').nth(2).unwrap()[..16].to_owned()
    };
    let (owner, stranger) = (id("owner"), id("stranger"));
    let trusting = |world: &World, artifact: &str, spec: &str| {
        [
            format!("verify {artifact}"),
            format!("client-spec {artifact} -o new.spec"),
            format!("keygen {spec} --out new"),
            format!("keygen {artifact} --out new"),
            format!("predict {artifact} --keys keys/server.keys image.ct -o answer.ct"),
        ]
        .map(|command| world.refused(&format!("{command} --trust owner/signing.pub")))
    };
    world.good("keygen model.spec --out keys");
    for told in trusting(&world, "model.hemet", "model.spec") {
        assert!(
            told.contains("not signed") && told.contains(&owner),
            "{told}"
        );
    }
    let told = world.refused(&format!("{ENCRYPT} --trust owner/signing.pub"));
    assert!(told.contains("not signed"), "{told}");
    let told = world.refused("sign model.hemet --key stranger/signing.key --passphrase-file wrong");
    assert!(told.contains("passphrase does not open"), "{told}");
    world
        .good("sign model.hemet --key stranger/signing.key --passphrase-file right -o other.hemet");
    world.good("client-spec other.hemet -o other.spec");
    for told in trusting(&world, "other.hemet", "other.spec") {
        assert!(told.contains(&owner) && told.contains(&stranger), "{told}");
    }
    assert!(!world.path("new").exists() && !world.path("new.spec").exists());

    world.good("sign model.hemet --key owner/signing.key --passphrase-file right");
    let trust = "--trust owner/signing.pub";
    world.good(&format!("verify model.hemet {trust}"));
    world.good(&format!("client-spec model.hemet -o model.spec {trust}"));
    world.good(&format!("keygen model.spec --out keys --force {trust}"));
    world.good(&format!("{ENCRYPT} {trust}"));
    world.good(&format!(
        "predict model.hemet --keys keys/server.keys image.ct -o answer.ct {trust}"
    ));
    logits(&world, "--key keys/client.key");
    world.refused("verify model.hemet --trust model.spec");
}

/// The squares of four numbers, under parameters without security.
fn insecure() -> Vec<u8> {
    let [moduli, special] = [[45, 30].as_slice(), &[46]].map(|bits| ntt_primes(10, bits).unwrap());
    let layout = Layout::raster([1, 2, 2]);
    let mut builder = Builder::new(Header {
        parameters: Parameters::new_insecure(10, moduli, special).unwrap(),
        input_scale: Scale::pow2(30),
        input_level: Level(1),
        input: layout.clone(),
        output: layout,
        layers: vec![],
        depth: 0,
        precision_bits: 8,
    });
    let x = builder.push(Op::Input { index: 0 }).unwrap()[0];
    let x = builder.push(Op::Square { x }).unwrap()[0];
    let x = builder.push(Op::Relinearize { x }).unwrap()[0];
    let x = builder.push(Op::Rescale { x }).unwrap()[0];
    let schedule = verify(builder.finish(vec![x])).unwrap();
    let artifact = Artifact::new(Manifest::new("square"), schedule);
    artifact.to_bytes().unwrap()
}

#[test]
fn parameters_without_security_need_to_be_allowed_and_are_told_of_by_every_command() {
    let world = World::new();
    world.write("model.hemet", insecure());
    world.write("input.txt", "0.5 0.25 0 1");
    world.good("client-spec model.hemet -o model.spec");
    for artifact in ["model.hemet", "model.spec"] {
        let told = world.refused(&format!("keygen {artifact} --out keys"));
        assert!(told.contains("promises no security") && told.contains("--allow-insecure"));
        assert!(!world.path("keys").exists());
    }
    world.good("keygen model.spec --out keys --allow-insecure");
    let told = world.refused(ENCRYPT);
    assert!(told.contains("--allow-insecure"), "{told}");
    assert!(!world.path("image.ct").exists());
    for command in [
        &format!("{ENCRYPT} --allow-insecure"),
        "predict model.hemet --keys keys/server.keys image.ct -o answer.ct",
        "decrypt --key keys/client.key --request image.ct answer.ct",
        "verify model.hemet",
        "inspect model.hemet",
        "client-spec model.hemet -o model.spec",
        "keys rotate keys",
    ] {
        let output = world.command(command).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).to_uppercase();
        assert!(output.status.success(), "{command}: {told}");
        let shown = String::from_utf8_lossy(&output.stdout).to_uppercase();
        assert!((told + &shown).contains("INSECURE"), "{command}");
    }
}

#[test]
fn an_answer_to_another_request_is_a_failed_check_and_a_foreign_file_a_mistake() {
    let world = world();
    world.good("keygen model.spec --out keys");
    world.good("keygen model.spec --out other");
    world.good(ENCRYPT);
    world.good("predict model.hemet --keys keys/server.keys image.ct -o old.ct");
    world.good(ENCRYPT);
    world.good("predict model.hemet --keys keys/server.keys image.ct -o answer.ct");
    logits(&world, "--key keys/client.key");
    let decrypt = |key: &str, answer: &str| {
        let command = format!("decrypt --key {key}/client.key --request image.ct {answer}");
        let output = world.command(&command).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.stdout.is_empty(), "{told}");
        (output.status.code(), told)
    };
    let (status, told) = decrypt("keys", "old.ct");
    assert_eq!(status, Some(1), "{told}");
    assert!(told.contains("not to this request"), "{told}");
    for (key, answer) in [
        ("other", "answer.ct"),
        ("keys", "image.ct"),
        ("keys", "model.spec"),
    ] {
        assert_eq!(decrypt(key, answer).0, Some(2), "{key} {answer}");
    }
}
