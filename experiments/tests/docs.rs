//! Every command that stands in README.md and under docs/ runs, in a tiny world of its own for each page.
//!
//! What differs from the pages, and nothing else: the experiments of `experiments/` are tiny ones of the same names;
//! what predicts takes a given cost table (`--costs`), so that no test measures the machine; `bench` runs once; a
//! server listens on a free port, which its clients are told; and the commands of [`PARSED`] are only read by the
//! command line, each for the reason that stands there.

mod world;

use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use clap::Parser;
use hemet::commands::Cli;
use hemet::experiment::{Experiment, Text, parse};
use world::models::{Inside, array, calibration, cases, network, numbers};
use world::{World, tiny};

/// Commands that are read but not run, by how they begin, and why.
const PARSED: &[(&str, &str)] = &[
    (
        "hemet data fetch",
        "needs the network; tests/data.rs fetches from a server of its own",
    ),
    ("hemet data check data --set mnist", "needs MNIST"),
    (
        "hemet search experiments/mnist.yaml --data data --storage",
        "needs PostgreSQL; tests/workers.rs runs it where there is one",
    ),
    (
        "hemet worker --storage postgres",
        "needs PostgreSQL; tests/workers.rs runs it where there is one",
    ),
    (
        "hemet studies --storage postgres",
        "needs PostgreSQL; tests/workers.rs runs it where there is one",
    ),
    (
        "hemet adapt",
        "tests/adapt.rs adapts a network and runs it encrypted",
    ),
    (
        "hemet search experiments/audit.yaml --data data",
        "needs MNIST",
    ),
    ("hemet audit runs/audit", "needs MNIST"),
    ("hemet calibrate --full", "measures the machine for minutes"),
    (
        "hemet compile relu.onnx",
        "tests/onnx.rs compiles a network with SiLU likewise and runs it encrypted",
    ),
];

/// Lines in indented blocks, which CI runs as they stand, or which need what a test machine has not.
const CARGO: &[(&str, &str)] = &[
    (
        "cargo run --release -- search experiments/digits.yaml",
        "CI runs it",
    ),
    ("cargo test --release", "CI runs it"),
    (
        "cargo run --release --features gpu -- search experiments/fashion_mnist.yaml --data data",
        "needs a GPU",
    ),
    (
        "cargo build --release -p hemet-serve --features s3",
        "CI tests what it builds",
    ),
];

/// Pages that another test runs with more checks, and those that are generated from what they describe.
const ELSEWHERE: &[(&str, &str)] = &[
    (
        "docs/your-own-images.md",
        "tests/own_images.rs runs its first block",
    ),
    ("docs/onnx-operators.md", "hemet-onnx's tests/forms.rs"),
    ("docs/reference/experiment.md", "tests/reference.rs"),
    ("docs/reference/space.md", "tests/reference.rs"),
    ("docs/reference/commands.md", "tests/reference.rs"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every page, by its path from the root.
fn pages() -> Vec<String> {
    let mut found = vec!["README.md".to_owned()];
    for folder in ["docs", "docs/reference"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".md") {
                found.push(format!("{folder}/{name}"));
            }
        }
    }
    found.sort();
    found
}

fn read(page: &str) -> String {
    std::fs::read_to_string(root().join(page)).unwrap()
}

/// The blocks of a language on a page.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let start = format!("```{language}\n");
    let rest = text.split(&start).skip(1);
    rest.map(|rest| rest.split("```").next().unwrap_or_default().to_owned())
        .collect()
}

/// The commands on a page, without their comments, the program always called `hemet`.
fn commands(text: &str) -> Vec<String> {
    let blocks = blocks(text, "sh").concat();
    let bare = |line: &str| {
        let line = line.split(" #").next().unwrap_or_default().trim();
        line.replace("target/release/hemet", "hemet")
    };
    blocks
        .lines()
        .map(bare)
        .filter(|line| !line.is_empty())
        .collect()
}

/// A world with what the pages presuppose: experiments, spaces, models, and the run of the README's search.
fn world_for(page: &str) -> World {
    let world = World::new();
    std::fs::create_dir(world.path("experiments")).unwrap();
    let settings = "search: {strategy: random, trials: 2}\ntrain: {epochs: 2}\nencrypted_images: 2\nmeasured_members: 1\n";
    for name in ["digits", "mnist"] {
        let experiment = tiny("width: 4, kernel: 3", settings);
        let experiment = experiment.replace("name: tiny", &format!("name: {name}"));
        world.write(&format!("experiments/{name}.yaml"), experiment);
    }
    let exact = "name: digits_tfhe\nscheme: tfhe\ndata: {set: optdigits}\nspace:\n  input: [1, 8, 8]\n  classes: 10\n  blocks:\n    \
                 - {name: b1, options: [{dense: {width: [6, 8]}}]}\nsearch: {strategy: random, trials: 2}\ntrain: {epochs: 2}\n\
                 encrypted_images: 1\nmeasured_members: 0\n";
    world.write("experiments/digits_tfhe.yaml", exact);
    keep_costs(&world);
    copy(
        &root().join("spaces/presets"),
        &world.path("spaces/presets"),
    );
    world.write("model.onnx", network(Inside::Square));
    world.write("calibration.safetensors", calibration());
    world.write("cases.safetensors", cases());
    world.write("inputs.npy", array());
    let input: Vec<String> = numbers(12).iter().map(f32::to_string).collect();
    world.write("input.txt", input.join(" "));
    world.write("passphrase.txt", "a passphrase for tests\n");
    world.write("other.txt", "another passphrase\n");
    if ["README.md", "docs/deploy.md", "docs/serve.md"].contains(&page) {
        world.good(&adapted("hemet search experiments/digits.yaml")["hemet ".len()..]);
    }
    world
}

/// The cost tables of both schemes where the program keeps those of this machine.
fn keep_costs(world: &World) {
    let kept = hemet::schemes::ckks::costs::kept_path().expect("a home");
    let folder = world.path("cache/hemet");
    std::fs::create_dir_all(&folder).unwrap();
    let kept = folder.join(kept.file_name().unwrap());
    let nominal = hemet_schedule::tfhe::CostTable::nominal(1);
    let nominal = serde_json::to_string(&nominal).unwrap();
    std::fs::write(kept.with_extension("tfhe.json"), nominal).unwrap();
    std::fs::copy(world.path("costs.json"), kept).unwrap();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// The command as the test runs it.
fn adapted(command: &str) -> String {
    let word = command.split(' ').nth(1).unwrap_or_default();
    match word {
        // A run folder has its own costs.
        "compile" if !command.contains(".onnx") => command.to_owned(),
        "search" | "compile" | "space"
            if !command.contains("tfhe") && !command.contains("--costs") =>
        {
            format!("{command} --costs costs.json")
        }
        "bench" => format!("{command} --runs 1"),
        _ => command.to_owned(),
    }
}

/// A server that a page starts in the background; it ends with the page.
struct Background {
    process: Child,
    port: String,
}

impl Background {
    fn start(world: &World, arguments: &str) -> Self {
        let mut command = world.command(arguments);
        command.args(["--listen", "127.0.0.1:0", "--port-file", "port"]);
        let process = command.spawn().unwrap();
        let mut server = Self {
            process,
            port: String::new(),
        };
        let begun = Instant::now();
        while server.port.is_empty() {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "{arguments}: not ready"
            );
            std::thread::sleep(Duration::from_millis(20));
            let port = std::fs::read_to_string(world.path("port")).unwrap_or_default();
            server.port = port.trim().to_owned();
        }
        server
    }

    /// The command for this server instead of one on the usual port.
    fn told(&self, command: &str) -> String {
        command.replace("127.0.0.1:8080", &format!("127.0.0.1:{}", self.port))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn every_command_of_every_page_runs() {
    let mut run = 0;
    for page in pages() {
        if ELSEWHERE.iter().any(|(elsewhere, _)| *elsewhere == page) {
            continue;
        }
        let commands = commands(&read(&page));
        if commands.is_empty() {
            continue;
        }
        let world = world_for(&page);
        let mut server = None;
        for command in commands {
            let (command, is_server) = match command.strip_suffix(" &") {
                Some(command) => (command.to_owned(), true),
                None => (command, false),
            };
            let arguments = command.strip_prefix("hemet ");
            assert!(
                arguments.is_some(),
                "{page}: `{command}` is no command of hemet"
            );
            let parsed = Cli::try_parse_from(command.split_whitespace());
            parsed.unwrap_or_else(|error| panic!("{page}: {command}\n{error}"));
            if is_server {
                server = Some(Background::start(&world, &command["hemet ".len()..]));
                run += 1;
            } else if !PARSED.iter().any(|(start, _)| command.starts_with(start)) {
                let told = adapted(&command);
                let told = server
                    .as_ref()
                    .map_or(told.clone(), |s: &Background| s.told(&told));
                world.good(&told["hemet ".len()..]);
                run += 1;
            }
        }
    }
    assert!(run > 30, "{run} commands ran");
}

#[test]
fn what_is_not_run_stands_on_a_page_and_parses() {
    let all: String = pages().iter().map(|page| read(page)).collect();
    let commands = commands(&all);
    for (start, _) in PARSED {
        assert!(
            commands.iter().any(|command| command.starts_with(start)),
            "`{start}` stands on no page"
        );
    }
    for command in &commands {
        let words = command.trim_end_matches(" &").split_whitespace();
        let parsed = Cli::try_parse_from(words);
        assert!(parsed.is_ok(), "{command}: {parsed:?}");
    }
    let indented = all.lines().filter_map(|line| line.strip_prefix("    "));
    for line in indented.filter(|line| line.starts_with("cargo ")) {
        assert!(
            CARGO.iter().any(|(known, _)| line == *known),
            "`{line}` is in no table"
        );
        if let Some((_, arguments)) = line.split_once(" -- ") {
            let words = ["hemet"].into_iter().chain(arguments.split_whitespace());
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
        }
    }
}

#[test]
fn every_experiment_on_a_page_is_a_sound_one() {
    let mut seen = 0;
    for page in pages() {
        for block in blocks(&read(&page), "yaml") {
            let text = Text::of(Path::new(&page), &block).unwrap();
            let parsed = parse::<Experiment>(&text);
            parsed.unwrap_or_else(|error| panic!("{}", error.render()));
            seen += 1;
        }
    }
    assert!(seen >= 2, "{seen}");
}

#[test]
fn every_link_of_a_page_leads_to_a_file() {
    for page in pages() {
        let folder = root().join(&page);
        let folder = folder.parent().unwrap();
        for link in read(&page).split("](").skip(1) {
            let link = link.split(')').next().unwrap_or_default();
            let link = link.split('#').next().unwrap_or_default();
            let local = !link.is_empty() && !link.starts_with("http");
            assert!(!local || folder.join(link).exists(), "{page}: {link}");
        }
    }
}
