//! Searches whose trials run in other processes: with workers killed and stopped, and the search itself killed, the
//! journal, the weights and the front are those of a single process.

mod world;

use std::io::Write;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hemet::experiment::{Experiment, Text, parse};
use hemet::run::images;
use hemet::workers::Record;
use hemet::workers::trainer::{DataPlace, Study, Trainer};
use hemet_queue::{Address, Heartbeat, Key, Queue, Request, Serve, StudyRow};
use world::{World, read_json, tiny};

/// Of six networks of few weights; each is trained in about a second.
const SETTINGS: &str = "\
search: {strategy: nsga2, baseline: mobile, trials: 6, lag: 2, workers: 1, inherit: true, halving: {rungs: [20], factor: 2}}
train: {epochs: 80}
encrypted_images: 1
";

/// The same under scheme `tfhe`.
const TFHE_EXPERIMENT: &str = "\
name: tiny_tfhe
seed: 3
scheme: tfhe
data: {set: optdigits, validation: 0.2}
space:
  input: [1, 8, 8]
  classes: 10
  blocks:
    - {name: b1, options: [{dense: {width: [4, 5, 6, 7, 8, 9]}}]}
quantize: {boxes: 14}
search: {strategy: nsga2, trials: 6, lag: 2, workers: 1, halving: {rungs: [3], factor: 2}}
train: {epochs: 12, batch: 16}
encrypted_images: 1
measured_members: 0
";

/// The PostgreSQL database to test with, by its URL; `.ci/run` sets it.
const POSTGRES: &str = "HEMET_TEST_POSTGRES";

/// A world with processes that run beside the test.
struct Cluster {
    world: World,
    processes: Vec<Child>,
}

impl Deref for Cluster {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Cluster {
    fn new() -> Self {
        let world = World::new();
        let conv = "width: [4, 8, 12], kernel: [1, 3]";
        world.write("tiny.yaml", tiny(conv, SETTINGS));
        world.write("tiny_tfhe.yaml", TFHE_EXPERIMENT);
        Self {
            world,
            processes: Vec::new(),
        }
    }

    /// Starts a command; gives its place in the list.
    fn start(&mut self, arguments: &str) -> usize {
        let number = self.processes.len();
        let log = std::fs::File::create(self.path(&format!("{number}.log"))).unwrap();
        let child = self
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.processes.push(child);
        number
    }

    fn id(&self, process: usize) -> u32 {
        self.processes[process].id()
    }

    fn ends_well(&mut self, process: usize) {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.processes[process].try_wait().unwrap() {
                assert!(status.success(), "{status}\n{}", self.logs());
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{}", self.logs());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn wait(&self, what: &str, done: impl Fn() -> bool) {
        let begun = Instant::now();
        while !done() {
            assert!(begun.elapsed() < PATIENCE, "{what}\n{}", self.logs());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn logs(&self) -> String {
        let read = |n: usize| {
            let log = std::fs::read_to_string(self.path(&format!("{n}.log")));
            format!("-- {n}\n{}\n", log.unwrap_or_default())
        };
        (0..self.processes.len()).map(read).collect()
    }

    /// Whether a trial of this run is being trained: it has a checkpoint.
    fn is_training(&self, run: &str) -> bool {
        std::fs::read_dir(self.path(run).join("checkpoints")).is_ok_and(|d| d.count() > 0)
    }

    /// Waits until two trials of this run are in the hands of workers.
    fn wait_for_two_in_training(&self, run: &str, storage: &str) {
        let entry = self.path(run).join("queue.json");
        self.wait("the study is entered", || entry.exists());
        let entry = std::fs::read_to_string(entry).unwrap();
        let queue = Queue::open(&Address::parse(storage).unwrap()).unwrap();
        self.wait("two trials are in training", || {
            let studies = queue.studies().unwrap();
            let mut own = studies.iter().filter(|s| entry.contains(&s.id));
            own.any(|study| study.counts.running == 2)
        });
    }

    /// What must not depend on who trained: journal, front, weights, curves.
    fn result(&self, run: &str) -> Vec<(String, Vec<u8>)> {
        let run = self.path(run);
        let mut files = vec![run.join("journal.jsonl")];
        for folder in ["weights", "curves"] {
            let entries = std::fs::read_dir(run.join(folder)).unwrap();
            files.extend(entries.map(|entry| entry.unwrap().path()));
        }
        files.sort();
        let read = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        };
        let mut result: Vec<(String, Vec<u8>)> = files.iter().map(read).collect();
        result.push(("front".into(), front(&run).into_bytes()));
        result
    }

    fn assert_same(&self, run: &str, other: &str) {
        let (one, two) = (self.result(run), self.result(other));
        let text = |result: &[(String, Vec<u8>)]| {
            let journal = result.iter().find(|(name, _)| name == "journal.jsonl");
            String::from_utf8_lossy(&journal.unwrap().1).into_owned()
        };
        assert_eq!(text(&one), text(&two), "{}", self.logs());
        for ((name, one), (other, two)) in one.iter().zip(&two) {
            assert!((name, one) == (other, two), "{name} or {other} differs");
        }
        assert_eq!(one.len(), two.len());
        let accuracies = text(&one).matches("\"Complete\"").count();
        assert_eq!(accuracies, 6, "{}", text(&one));
    }
}

/// The front without what was measured on it, which no two runs share.
fn front(run: &Path) -> String {
    let summary = read_json(&run.join("summary.json"));
    let mut front = summary["front"].clone();
    for member in front.as_array_mut().unwrap() {
        let member = member.as_object_mut().unwrap();
        member.retain(|key, _| !key.contains("measured"));
        assert!(member.contains_key("predicted_latency_ms"));
    }
    front.to_string()
}

/// On a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(240);

impl Drop for Cluster {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn signal(name: &str, process: u32) {
    let sent = Command::new("kill")
        .args([name, &process.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// The processes that this one has started and that live.
fn children(process: u32) -> Vec<u32> {
    let parent = |id: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let mut after = stat.rsplit_once(')')?.1.split_whitespace();
        let state = after.next()?;
        (state != "Z").then(|| after.next()?.parse::<u32>().ok())?
    };
    let entries = std::fs::read_dir("/proc").unwrap();
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_string_lossy().parse().ok())
        .filter(|id| parent(id) == Some(process))
        .collect()
}

fn is_alive(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(')')
        .is_some_and(|(_, after)| !after.trim_start().starts_with('Z'))
}

#[test]
fn workers_of_one_machine_give_the_front_of_one_process_though_killed_stopped_or_left_alone() {
    let mut cluster = Cluster::new();
    cluster.good("search tiny.yaml --out one --costs costs.json --workers 1");
    let summary = read_json(&cluster.path("one/summary.json"));
    let baseline = &summary["baseline"];
    assert_eq!(
        (&baseline["trial"], &baseline["architecture"]),
        (&0.into(), &"0".into())
    );

    // The search is killed: its workers end with it, and it goes on where it was.
    let search = cluster.start("search tiny.yaml --out two --costs costs.json --workers 2");
    cluster.wait("a trial is in training", || cluster.is_training("two"));
    let workers = children(cluster.id(search));
    assert_eq!(workers.len(), 2);
    let listed = cluster.good("studies --storage two --json");
    assert!(listed.contains("\"state\":\"running\""), "{listed}");
    signal("-KILL", cluster.id(search));
    cluster.wait("its workers end", || !workers.iter().any(|w| is_alive(*w)));
    let listed = cluster.good("studies --storage two --json");
    assert!(listed.contains("\"state\":\"interrupted\""), "{listed}");

    // One of its workers is killed, the other stopped for longer than it may be silent.
    let search =
        cluster.start("search tiny.yaml --out two --costs costs.json --workers 2 --resume");
    let run = cluster.path("two");
    // When they are there, what the killed search left in training has been put back.
    cluster.wait("its workers start", || {
        children(cluster.id(search)).len() == 2
    });
    cluster.wait_for_two_in_training("two", &run.to_string_lossy());
    let workers = children(cluster.id(search));
    signal("-KILL", workers[0]);
    signal("-STOP", workers[1]);
    std::thread::sleep(Duration::from_secs(9));
    signal("-CONT", workers[1]);
    cluster.ends_well(search);
    cluster.assert_same("one", "two");
    let listed = cluster.good("studies --storage . --json");
    assert_eq!(listed.matches("\"state\":\"ended\"").count(), 2, "{listed}");
    assert_eq!(
        listed.matches("\"training\":0,\"waiting\":0").count(),
        2,
        "{listed}"
    );
}

#[test]
fn a_study_under_tfhe_gives_the_front_of_one_process_though_search_and_workers_are_killed() {
    let mut cluster = Cluster::new();
    // A search keeps to the costs that lie in its folder: none that depends on a clock.
    let costs = hemet_schedule::tfhe::CostTable::nominal(1);
    let costs = serde_json::to_string(&costs).unwrap();
    for run in ["one", "two"] {
        std::fs::create_dir(cluster.path(run)).unwrap();
        std::fs::write(cluster.path(run).join("tfhe_costs.json"), &costs).unwrap();
    }
    cluster.good("search tiny_tfhe.yaml --out one --workers 1");
    let search = cluster.start("search tiny_tfhe.yaml --out two --workers 2");
    cluster.wait("a trial has a checkpoint", || cluster.is_training("two"));
    signal("-KILL", cluster.id(search));
    let search = cluster.start("search tiny_tfhe.yaml --out two --workers 2 --resume");
    let run = cluster.path("two");
    cluster.wait("its workers start", || {
        children(cluster.id(search)).len() == 2
    });
    cluster.wait_for_two_in_training("two", &run.to_string_lossy());
    signal("-KILL", children(cluster.id(search))[0]);
    cluster.ends_well(search);
    cluster.assert_same("one", "two");
}

#[test]
fn workers_of_a_cluster_give_the_front_of_one_process_though_killed_or_stopped() {
    let Ok(url) = std::env::var(POSTGRES) else {
        // Not `eprintln!`, which the test harness keeps to itself.
        let notice =
            format!("\n*** SKIPPED: PostgreSQL is not tested, as {POSTGRES} is not set ***\n");
        std::io::stderr().write_all(notice.as_bytes()).unwrap();
        return;
    };
    let mut cluster = Cluster::new();
    cluster.good("search tiny.yaml --out one --costs costs.json");
    let search = cluster.start(&format!(
        "search tiny.yaml --out two --costs costs.json --storage {url} --key study.key"
    ));
    cluster.wait("the study is entered", || {
        cluster.path("two/queue.json").exists()
    });
    let entry = read_json(&cluster.path("two/queue.json"));
    let study = entry["study"].as_str().unwrap().to_owned();
    let state = |cluster: &Cluster| {
        let listed = cluster.good(&format!("studies --storage {url} --json"));
        let rows: Vec<serde_json::Value> = serde_json::from_str(&listed).unwrap();
        rows.into_iter().find(|row| row["study"] == study.as_str())
    };
    let worker = format!(
        "worker --storage {url} --key study.key --study {study} --idle-minutes 0.1 --scratch scratch"
    );
    let [killed, stopped] = [cluster.start(&worker), cluster.start(&worker)];
    cluster.wait_for_two_in_training("two", &url);
    signal("-KILL", cluster.id(killed));
    signal("-STOP", cluster.id(stopped));
    let third = cluster.start(&worker);
    cluster.wait("the third has what the others had", || {
        std::fs::read_to_string(cluster.path("two/journal.jsonl"))
            .is_ok_and(|j| j.lines().count() >= 3)
    });
    signal("-CONT", cluster.id(stopped));
    cluster.ends_well(search);
    cluster.ends_well(third);
    cluster.ends_well(stopped);
    cluster.assert_same("one", "two");
    let row = state(&cluster).expect("listed");
    assert_eq!(
        (&row["state"], &row["complete"]),
        (&"ended".into(), &6.into()),
        "{row}"
    );
}

#[test]
fn an_answer_of_somebody_without_the_key_costs_its_trial_and_not_the_search() {
    let mut cluster = Cluster::new();
    let storage = format!("sqlite://{}", cluster.path("queue.sqlite").display());
    // No worker runs yet: nobody but the stranger takes a trial.
    let search = cluster.start(&format!(
        "search tiny.yaml --out run --costs costs.json --storage {storage} --key study.key"
    ));
    let entry = cluster.path("run/queue.json");
    cluster.wait("the study is entered", || entry.exists());
    let study = read_json(&entry)["study"].as_str().unwrap().to_owned();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let file = std::fs::metadata(cluster.path("queue.sqlite")).unwrap();
        assert_eq!(file.permissions().mode() & 0o077, 0, "for its owner alone");
    }
    // Somebody who can write to the queue answers one trial with a figure of his own, and takes no second one.
    let answered = Arc::new(AtomicBool::new(false));
    let (first, seen) = (answered.clone(), answered.clone());
    let forged = "{\"Complete\":{\"weights\":\"\",\"accuracy\":1,\"epochs\":[]}}";
    let handler = move |_: Request| match first.swap(true, Ordering::SeqCst) {
        false => Ok(forged.to_owned()),
        true => Err("one is enough".to_owned()),
    };
    let serve = Serve {
        study: study.clone(),
        worker: "stranger".into(),
        heartbeat: Heartbeat {
            every: Duration::from_secs(2),
            missed: 4,
        },
        attempts: 3,
    };
    let queue = Queue::open(&Address::parse(&storage).unwrap()).unwrap();
    let may_end = move |_: Option<&StudyRow>| seen.load(Ordering::SeqCst);
    let _ = queue.serve(&serve, Arc::new(handler), Arc::new(may_end));
    drop(queue);
    assert!(answered.load(Ordering::SeqCst));
    let worker = cluster.start(&format!(
        "worker --storage {storage} --key study.key --study {study} --idle-minutes 0.1 --scratch scratch"
    ));
    cluster.ends_well(search);
    cluster.ends_well(worker);
    let journal = std::fs::read_to_string(cluster.path("run/journal.jsonl")).unwrap();
    assert_eq!(journal.matches("is refused").count(), 1, "{journal}");
    let summary = read_json(&cluster.path("run/summary.json"));
    assert_eq!(summary["failed"], 1, "{summary}");
    assert!(
        summary["complete"].as_u64().is_some_and(|n| n >= 1),
        "{summary}"
    );
}

#[test]
fn wrong_storages_and_folders_are_refused() {
    let cluster = Cluster::new();
    for (arguments, what) in [
        (
            "search tiny.yaml --costs costs.json --storage mysql://host/db",
            "mysql",
        ),
        ("worker --storage nowhere", "nowhere/queue.sqlite"),
        ("worker", "--storage"),
        ("worker --storage postgres://me@host/db", "--key"),
        (
            "worker --storage postgres://me@host/db --key none.key",
            "none.key",
        ),
        ("search tiny.yaml --key study.key", "--storage"),
        ("studies --storage .", "run folders"),
        ("search tiny.yaml --workers 0", "0"),
    ] {
        let err = cluster.refused(arguments);
        assert!(err.contains(what), "{err}");
    }
}

/// Files that a study names are somebody else's choice: a worker reads them only where its user says so.
#[test]
fn a_worker_reads_no_prefix_of_a_study_unless_its_user_trusts_who_wrote_it() {
    let world = World::new();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compiler/onnx/tests/fixtures");
    let prefix = world.path("prefix.onnx");
    std::fs::copy(fixtures.join("prefix.onnx"), &prefix).unwrap();
    let settings = format!(
        "search: {{strategy: random, trials: 1}}\ntrain: {{epochs: 1}}\ndeploy: {{prefix: {}}}\n",
        prefix.display()
    );
    let text = tiny("width: 4, kernel: 3", &settings);
    let text = text.replace("input: [1, 8, 8]", "input: [6, 4, 4]");
    let experiment: Experiment = parse(&Text::of(Path::new("a.yaml"), &text).unwrap()).unwrap();
    let images = images::load(&experiment).unwrap().train;
    let trainer = |data: DataPlace<'_>| {
        let study = Study {
            id: "study",
            key: Key::random(),
            record: Record::new(&experiment, &images).unwrap(),
        };
        Trainer::new(study, data, world.path("scratch"), false).map(drop)
    };
    let refused = |folder: Option<&Path>| {
        let error = trainer(DataPlace::Own(folder)).unwrap_err().to_string();
        assert!(error.contains("--allow-data-path"), "{error}");
        assert!(error.contains(&*prefix.to_string_lossy()), "{error}");
    };
    let folder = world.path(".");
    refused(None);
    refused(Some(&folder));
    assert!(trainer(DataPlace::OfRecord).is_ok());
    // Nothing of it is looked at, not even whether it is there.
    std::fs::remove_file(&prefix).unwrap();
    refused(None);
    refused(Some(&folder));
    assert!(trainer(DataPlace::OfRecord).is_err());
}
