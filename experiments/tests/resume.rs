//! Going on with a search that has ended or was stopped, by an experiment that changed meanwhile.

mod world;

use std::process::{Command, Stdio};

use world::{World, read_json, tiny};

fn experiment(trials: usize, more: &str) -> String {
    let settings = format!(
        "search: {{strategy: random, trials: {trials}}}\nencrypted_images: 2\nmeasured_members: 0\n{more}"
    );
    tiny("width: [4, 6, 8], kernel: 3", &settings)
}

const SEARCH: &str = "search tiny.yaml --out run --costs costs.json";

#[test]
fn an_interrupted_search_says_what_is_kept_and_how_it_goes_on() {
    let world = World::new();
    let settings =
        "search: {strategy: random, trials: 400}\ntrain: {epochs: 20}\nmeasured_members: 0\n";
    world.write(
        "tiny.yaml",
        tiny("width: [4, 8, 12, 16], kernel: [1, 3]", settings),
    );
    let mut search = world.command("search tiny.yaml --out run --costs costs.json");
    let mut search = search.stderr(Stdio::piped()).spawn().unwrap();
    let journal = world.path("run/journal.jsonl");
    let begun = std::time::Instant::now();
    while std::fs::read(&journal).map_or(0, |bytes| bytes.len()) < 400 {
        assert!(begun.elapsed().as_secs() < 60, "no trial ended");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let interrupted = Command::new("kill")
        .args(["-INT", &search.id().to_string()])
        .status();
    assert!(interrupted.unwrap().success());
    let ended = search.wait().unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut search.stderr.take().unwrap(), &mut said).unwrap();
    assert_eq!(ended.code(), Some(130), "{said}");
    let words = "of 400 trials are done and kept in run; go on with";
    assert!(
        said.contains(words) && said.contains("hemet search tiny.yaml --out run --resume"),
        "{said}"
    );
}

#[test]
fn a_search_goes_on_with_more_trials_and_a_longer_limit_and_keeps_those_that_it_has() {
    let world = World::new();
    world.write("tiny.yaml", experiment(2, "train: {epochs: 1}\n"));
    world.good(SEARCH);
    let begun = world.read("run/journal.jsonl");
    let more = experiment(4, "train: {epochs: 1}\nchoose: {within_points: 5}\n");
    let more = more.replace("trials: 4", "trials: 4, max_minutes: 60");
    world.write("tiny.yaml", more);
    world.good(&format!("{SEARCH} --resume"));
    let all = world.read("run/journal.jsonl");
    assert!(all.starts_with(&begun), "{all}");
    assert_eq!(read_json(&world.path("run/summary.json"))["trials"], 4);
    assert!(world.read("run/experiment.yaml").contains("trials: 4"));
}

#[test]
fn every_key_that_matters_and_has_changed_is_named_with_both_values() {
    let world = World::new();
    world.write("tiny.yaml", experiment(2, "train: {epochs: 1}\n"));
    world.good(SEARCH);
    let other = experiment(
        3,
        "train: {epochs: 2, flip: true}\nconstraints: {max_depth: 9}\n",
    );
    world.write("tiny.yaml", other.replace("width: 4", "width: 5"));
    let told = world.refused(&format!("{SEARCH} --resume"));
    for part in [
        "`train.epochs` was 1, now it is 2",
        "`train.flip` was false, now it is true",
        "`constraints.max_depth` was not given, now it is 9",
        "`space.stem.conv.width` was 4, now it is 5",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("search.trials"), "{told}");
    // Nothing was written.
    assert!(world.read("run/experiment.yaml").contains("epochs: 1"));
}
