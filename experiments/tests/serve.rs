//! `hemet serve` and `hemet client`: the same answers as over files, for scripts; passphrases, signatures and tokens.

mod world;

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::Value;
use world::models::{Inside, network, numbers, retrained};
use world::{World, json};

/// A server in a process of its own, which ends with the test.
struct Process {
    child: Child,
    url: String,
}

impl Process {
    fn start(world: &World, arguments: &str) -> Self {
        let _ = std::fs::remove_file(world.path("port"));
        let mut command = world.command(arguments);
        command.args(["--listen", "127.0.0.1:0", "--port-file", "port"]);
        let child = command.spawn().unwrap();
        let mut process = Self {
            child,
            url: String::new(),
        };
        let begun = Instant::now();
        while process.url.is_empty() {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "{arguments}: not ready"
            );
            std::thread::sleep(Duration::from_millis(20));
            if let Ok(port) = std::fs::read_to_string(world.path("port")) {
                process.url = format!("http://127.0.0.1:{}/v2/models/net", port.trim());
            }
        }
        process
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A world with a compiled network in `models/net.hemet`, and three inputs: one alone, two in a folder.
fn world() -> World {
    let world = World::new();
    for folder in ["models", "inputs"] {
        std::fs::create_dir(world.path(folder)).unwrap();
    }
    world.write("model.onnx", network(Inside::Square));
    world.good("compile model.onnx -o models/net.hemet --costs costs.json");
    let text = |from: usize| {
        let numbers: Vec<String> = numbers(20)[from..from + 12]
            .iter()
            .map(f32::to_string)
            .collect();
        numbers.join(" ")
    };
    world.write("input.txt", text(0));
    world.write("inputs/a.txt", text(2));
    world.write("inputs/b.txt", text(5));
    world
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(json).collect()
}

#[test]
fn the_service_answers_as_the_files_do_and_says_it_for_scripts() {
    let world = world();
    let mut server = Process::start(&world, "serve models --store store");
    let url = server.url.clone();
    let made = world.good(&format!("client keygen {url} --out keys"));
    assert!(made.contains("uploaded"), "{made}");
    assert!(
        world
            .refused(&format!("client keygen {url} --out keys"))
            .contains("--force")
    );
    let told = world.good(&format!(
        "client predict {url} --keys keys input.txt inputs --json"
    ));
    let told = lines(&told);
    let files: Vec<&str> = told
        .iter()
        .map(|line| line["file"].as_str().unwrap())
        .collect();
    assert_eq!(files, ["input.txt", "inputs/a.txt", "inputs/b.txt"]);
    for line in &told {
        let file = line["file"].as_str().unwrap();
        world.good(&format!(
            "encrypt --key keys/client.key --image {file} -o image.ct"
        ));
        world.good("predict models/net.hemet --keys keys/server.keys image.ct -o answer.ct");
        let expected = "decrypt --key keys/client.key --request image.ct answer.ct --json";
        let expected = json(&world.good(expected));
        assert_eq!(line["class"], expected["class"], "{file}");
        let pairs = line["logits"]
            .as_array()
            .unwrap()
            .iter()
            .zip(expected["logits"].as_array().unwrap());
        for (over_http, by_files) in pairs {
            let difference = over_http.as_f64().unwrap() - by_files.as_f64().unwrap();
            // Each is within the promised precision of 10 bits, and rounded to a step no larger.
            assert!(difference.abs() < 0.01, "{file}: {over_http} {by_files}");
        }
        let ms = |key: &str| line[key].as_f64().unwrap();
        assert!(
            ms("server_ms") > 0.0 && ms("total_ms") > ms("server_ms"),
            "{line}"
        );
        assert_eq!(line["class_name"], line["class"].to_string(), "{line}");
    }
    // What cannot work is said before anything is sent, or by the server.
    for (arguments, part) in [
        (
            format!("client predict {url}x --keys keys input.txt"),
            "no such model",
        ),
        (
            format!("client predict {url} --keys none input.txt"),
            "none",
        ),
        (
            "client keygen localhost/net --out other".into(),
            "no address of a model",
        ),
        (
            format!("client predict {url} --keys keys port"),
            "network takes 12",
        ),
    ] {
        let said = world.refused(&arguments);
        assert!(said.contains(part), "{arguments}: {said}");
    }
    let id = server.child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_model_that_is_exchanged_is_asked_under_the_keys_that_are_there() {
    let world = world();
    world.write("retrained.onnx", retrained(Inside::Square));
    world.good("compile retrained.onnx -o retrained.hemet --costs costs.json");
    world.good("compile model.onnx -o finer.hemet --costs costs.json --precision 16");
    let server = Process::start(&world, "serve models --store store");
    let url = &server.url;
    world.good(&format!("client keygen {url} --out keys"));
    let predict = format!("client predict {url} --keys keys input.txt --json");
    let logits = || -> Vec<f64> {
        let line = lines(&world.good(&predict))[0]["logits"].clone();
        line.as_array()
            .unwrap()
            .iter()
            .map(|x| x.as_f64().unwrap())
            .collect()
    };
    // Rounded answers of one network differ by a step where their noise crosses the middle of one.
    let same = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 0.01);
    let stored = || {
        let audit = world.read("store/audit.jsonl");
        audit.matches("store keys").count()
    };
    let before = logits();
    std::fs::rename(
        world.path("retrained.hemet"),
        world.path("models/net.hemet"),
    )
    .unwrap();
    let begun = Instant::now();
    while same(&logits(), &before) {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "it is never exchanged"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(stored(), 1, "nothing is uploaded again");
    // One that needs other keys: the version before answers still.
    let after = logits();
    std::fs::rename(world.path("finer.hemet"), world.path("models/net.hemet")).unwrap();
    let begun = Instant::now();
    let told = loop {
        let output = world.command(&predict).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        if told.contains("needs other keys") {
            break told;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{told}");
        std::thread::sleep(Duration::from_millis(100));
    };
    assert!(told.contains("client keygen"), "{told}");
    assert!(!same(&before, &after), "{before:?}, {after:?}");
    assert_eq!(stored(), 1);
}

#[test]
fn over_tls_a_server_is_trusted_by_its_certificate_alone() {
    let world = world();
    for file in ["ca.pem", "cert.pem", "key.pem", "other.pem"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/world/tls")
            .join(file);
        std::fs::copy(from, world.path(file)).unwrap();
    }
    let serve = "serve models --store store --tls-cert cert.pem --tls-key";
    for (key, part) in [
        ("none.pem", "none.pem"),
        ("cert.pem", "no key"),
        ("input.txt", "no key"),
    ] {
        let said = world.refused(&format!("{serve} {key} --check"));
        assert!(said.contains(part), "{key}: {said}");
    }
    let server = Process::start(&world, &format!("{serve} key.pem"));
    let url = server.url.replace("http://", "https://");
    let keygen = format!("client keygen {url} --out keys");
    for (ca, part) in [
        ("", "certificate"),
        (" --ca other.pem", "certificate"),
        (" --ca input.txt", "no certificate"),
    ] {
        let said = world.refused(&format!("{keygen}{ca}"));
        assert!(said.to_lowercase().contains(part), "{ca}: {said}");
    }
    assert!(!world.path("keys").exists());
    world.good(&format!("{keygen} --ca ca.pem"));
    let told = world.good(&format!(
        "client predict {url} --keys keys --ca ca.pem input.txt --json"
    ));
    assert_eq!(lines(&told).len(), 1);
    // What speaks no TLS gets no answer, and no harm is done.
    let address = server.url["http://".len()..].split('/').next().unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream
        .write_all(b"GET /v2/health/live HTTP/1.1\r\nhost: a\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    let again = format!("client predict {url} --keys keys --ca ca.pem input.txt --json");
    assert_eq!(lines(&world.good(&again)).len(), 1);
}

#[test]
fn tokens_signatures_and_passphrases_hold_over_http() {
    let world = world();
    world.write("tokens", "north north-0123456789abcdef\n");
    world.write("token", "north-0123456789abcdef\n");
    world.write("passphrase.txt", "a passphrase for tests\n");
    world.good("keys signing --out signer");
    let unsigned = "serve models --store store --trust signer/signing.pub --check";
    assert!(world.refused(unsigned).contains("no model can be served"));
    world.good("sign models/net.hemet --key signer/signing.key");
    let server = Process::start(
        &world,
        "serve models --store store --tokens tokens --trust signer/signing.pub",
    );
    let url = &server.url;
    let keygen = format!("client keygen {url} --out keys --passphrase-file passphrase.txt");
    assert!(world.refused(&keygen).contains("needs a token"));
    let wrong = world.refused(&format!("{keygen} --token north-0123456789abcdee"));
    assert!(
        wrong.contains("needs a token") && !wrong.contains("abcdee"),
        "{wrong}"
    );
    world.good(&format!(
        "{keygen} --token-file token --trust signer/signing.pub"
    ));
    let predict = format!("client predict {url} --keys keys input.txt --json --token-file token");
    assert!(world.refused(&predict).contains("passphrase"));
    let told = world.good(&format!(
        "{predict} --passphrase-file passphrase.txt --trust signer/signing.pub"
    ));
    assert_eq!(lines(&told).len(), 1);
}
