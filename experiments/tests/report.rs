//! The report of a run folder, written again: of a finished search, of one that is not over, and with other objectives;
//! the exports.

mod world;

use world::{World, json, read_json, tiny};

const SETTINGS: &str = "\
search: {strategy: exhaustive, trials: 2, workers: 2}
train: {epochs: 3}
encrypted_images: 2
";

#[test]
fn a_report_written_again_says_what_the_search_said_and_so_do_the_exports() {
    let world = World::new();
    world.write("tiny.yaml", tiny("width: 8, kernel: 3", SETTINGS));
    an_outlook_is_given_before_anything_is_written(&world);
    world.good("search tiny.yaml --out run --costs costs.json");
    the_report_is_the_same_again(&world);
    an_unfinished_search_is_reported(&world);
    what_could_not_be_compiled_is_out_of_every_curve(&world);
    the_pareto_plot_follows_the_objectives(&world);
    exports_hold_every_trial(&world);
    what_halving_stopped_is_told_from_what_was_trained(&world);
    runs_are_compared(&world);
    the_page_is_served_while_it_grows(&world);
    studies_are_listed_each_on_its_own(&world);
}

/// Two runs on one page, with the spread; runs that are of something else are refused.
fn runs_are_compared(world: &World) {
    let figures = json(&world.good("report run by_latency --json"));
    assert_eq!(figures["runs"].as_array().unwrap().len(), 2);
    assert_eq!(figures["encrypted_accuracy"]["runs"], 2);
    assert_eq!(
        figures["encrypted_accuracy"]["deviation"], 0.0,
        "the same run twice"
    );
    let page = world.read("run/report/compared.html");
    for what in [
        "run, by_latency compared",
        "Spread over the runs",
        "+0.00 points",
    ] {
        assert!(page.contains(what), "{what}: {page}");
    }
    for file in [
        "compared.md",
        "compared.csv",
        "compared-fronts.svg",
        "compared-hypervolume.png",
    ] {
        assert!(world.path("run/report").join(file).exists(), "{file}");
    }
    let told = world.refused("report run by_depth");
    assert!(told.contains("objectives"), "{told}");
}

/// The page of a search that is not over is served, and again when a trial has ended.
fn the_page_is_served_while_it_grows(world: &World) {
    let root = world.path("grows");
    std::fs::create_dir_all(root.join("curves")).unwrap();
    for file in ["experiment.yaml", "costs.json"] {
        std::fs::copy(world.path("run").join(file), root.join(file)).unwrap();
    }
    let journal = std::fs::read_to_string(world.path("run/journal.jsonl")).unwrap();
    std::fs::write(root.join("journal.jsonl"), "").unwrap();
    let mut child = world
        .command("watch grows --until-end")
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut said, &mut line).unwrap();
    let address = line
        .trim()
        .rsplit("http://")
        .next()
        .unwrap()
        .trim_end_matches('/')
        .to_owned();
    let get = |path: &str| {
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        std::io::Write::write_all(
            &mut stream,
            format!("GET {path} HTTP/1.1\r\n\r\n").as_bytes(),
        )
        .unwrap();
        let mut answer = String::new();
        std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
        answer
    };
    let wait = |what: &str| {
        for _ in 0..600 {
            let page = get("/");
            if page.contains(what) {
                return page;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("no page with {what}");
    };
    wait("no trial has ended yet");
    let first = journal.lines().next().unwrap();
    std::fs::write(root.join("journal.jsonl"), format!("{first}\n")).unwrap();
    let page = wait("tiny (unfinished)");
    assert!(page.contains("data-version") && page.contains("All trials"));
    assert!(!root.join("report").exists(), "nothing is written");
    std::fs::write(root.join("journal.jsonl"), &journal).unwrap();
    std::fs::copy(world.path("run/summary.json"), root.join("summary.json")).unwrap();
    assert!(child.wait().unwrap().success(), "it ends with the search");
    world.good("watch grows --dashboard grows.log --until-end");
    assert!(world.read("grows.log").lines().count() > 2);
}

fn an_outlook_is_given_before_anything_is_written(world: &World) {
    let outlook = |file: &str| {
        let before = std::fs::read_dir(world.path("")).unwrap().count();
        let told = world.good(&format!("search {file} --costs costs.json --check --json"));
        assert_eq!(std::fs::read_dir(world.path("")).unwrap().count(), before);
        json(&told)
    };
    let sound = outlook("tiny.yaml");
    assert_eq!(
        (&sound["networks"], &sound["looked_at"]),
        (&2.into(), &2.into())
    );
    assert_eq!(
        (&sound["feasible_share"], &sound["feasible_low"]),
        (&1.0.into(), &1.0.into())
    );
    assert!(sound["hours"].as_f64().unwrap() > 0.0, "{sound}");
    assert!(
        sound["fastest_ms"].as_f64() < sound["slowest_ms"].as_f64(),
        "{sound}"
    );
    let limits = format!("{SETTINGS}constraints: {{max_latency_ms: 0.001}}\n");
    world.write("strict.yaml", tiny("width: 8, kernel: 3", &limits));
    let strict = outlook("strict.yaml");
    assert_eq!(
        (&strict["feasible_share"], &strict["hours"]),
        (&0.0.into(), &json("null"))
    );
    let reason = strict["commonest_reason"].as_str().unwrap();
    assert!(
        reason.contains("latency_ms") && reason.contains("exceeds 0.001"),
        "{reason}"
    );
    let refused = world.refused("search tiny.yaml --check --resume");
    assert!(refused.contains("--resume"), "{refused}");
}

fn the_report_is_the_same_again(world: &World) {
    let page = world.path("run/report/index.html");
    let before = std::fs::read_to_string(&page).unwrap();
    std::fs::remove_dir_all(world.path("run/report")).unwrap();
    let report = json(&world.good("report run --json"));
    assert_eq!(report["name"], "tiny");
    assert_eq!(std::fs::read_to_string(&page).unwrap(), before);
    let chosen = report["best"]["trial"].as_u64().unwrap();
    for file in [
        "parallel.svg",
        "all-curves.png",
        "timeline.svg",
        "confusion.csv",
    ] {
        assert!(world.path("run/report").join(file).exists(), "{file}");
    }
    for part in [
        "latency.svg",
        "budget.png",
        "architecture.svg",
        "accuracy.png",
        "loss.svg",
        "layers.csv",
        "epochs.csv",
    ] {
        let file = world.path(&format!("run/report/trial-{chosen:04}-{part}"));
        assert!(file.exists(), "{}", file.display());
    }
    let epochs = world.path(&format!("run/report/trial-{chosen:04}-epochs.csv"));
    let lines = std::fs::read_to_string(epochs).unwrap().lines().count();
    assert_eq!(lines, 4, "a heading and three epochs");
}

/// What a search leaves that was killed after its first trial.
fn an_unfinished_search_is_reported(world: &World) {
    let (run, half) = (world.path("run"), world.path("half"));
    std::fs::create_dir_all(half.join("curves")).unwrap();
    for file in ["experiment.yaml", "costs.json"] {
        std::fs::copy(run.join(file), half.join(file)).unwrap();
    }
    let journal = std::fs::read_to_string(run.join("journal.jsonl")).unwrap();
    std::fs::write(half.join("journal.jsonl"), "").unwrap();
    assert!(world.refused("report half").contains("no trial has ended"));
    let first = journal.lines().next().unwrap();
    std::fs::write(half.join("journal.jsonl"), format!("{first}\n")).unwrap();
    let told = world.good("report half");
    assert!(
        told.contains("unfinished: 1 of 2 trials done: 1 trained"),
        "{told}"
    );
    let figures = json(&world.good("report half --json"));
    assert_eq!(figures["finished"], false);
    assert_eq!(figures["front"][0]["trial"], 0);
    let page = std::fs::read_to_string(half.join("report/report.md")).unwrap();
    for what in ["tiny (unfinished)", "Unfinished: 1 trials", "All trials"] {
        assert!(page.contains(what), "{page}");
    }
    assert!(!page.contains("The chosen network"), "{page}");
    let plot = std::fs::read_to_string(half.join("report/pareto.svg")).unwrap();
    assert!(plot.contains("(unfinished)") && !plot.contains("hollow"));
}

/// The report that is written again and the exports count a network that left the front as the end of the search did:
/// like one that failed in training.
fn what_could_not_be_compiled_is_out_of_every_curve(world: &World) {
    let drawn = |name: &str, journal: &str, summary: &serde_json::Value| {
        let (run, copy) = (world.path("run"), world.path(name));
        std::fs::create_dir_all(copy.join("curves")).unwrap();
        for file in ["experiment.yaml", "costs.json", "curves/trial-0001.json"] {
            std::fs::copy(run.join(file), copy.join(file)).unwrap();
        }
        std::fs::write(copy.join("journal.jsonl"), journal).unwrap();
        std::fs::write(copy.join("summary.json"), summary.to_string()).unwrap();
        world.good(&format!("report {name}"));
        world.good(&format!("report {name} --export csv -o {name}.csv"));
        let read = |file: String| std::fs::read_to_string(world.path(&file)).unwrap();
        let files = ["hypervolume.svg", "trials.csv", "pareto.svg", "report.md"];
        let mut texts = files.map(|f| read(format!("{name}/report/{f}"))).to_vec();
        texts.push(read(format!("{name}.csv")));
        texts
    };
    let journal = std::fs::read_to_string(world.path("run/journal.jsonl")).unwrap();
    let mut summary = read_json(&world.path("run/summary.json"));
    let front = summary["front"].as_array_mut().unwrap();
    front.retain(|member| member["trial"] != 0);
    let mut first = json(journal.lines().next().unwrap());
    let accuracy = first["accuracy"].take();
    assert!(accuracy.as_f64() > Some(0.0));
    (first["outcome"], first["reason"]) = ("Failed".into(), "too deep".into());
    let failed = format!("{first}\n{}\n", journal.lines().nth(1).unwrap());
    let expected = drawn("failed", &failed, &summary);
    let forgotten = drawn("forgotten", &journal, &summary);
    let dropped = serde_json::json!([{"trial": 0, "reason": "too deep"}]);
    summary["uncompilable"] = dropped;
    assert_eq!(drawn("dropped", &journal, &summary), expected);
    assert!(forgotten.iter().zip(&expected).all(|(a, b)| a != b));
}

/// Accuracy over the first objective beside it, with its unit, and measured values only of what a timed prediction
/// measures.
fn the_pareto_plot_follows_the_objectives(world: &World) {
    let run = world.path("run");
    let experiment = std::fs::read_to_string(run.join("experiment.yaml")).unwrap();
    let priced = experiment.replace(
        "constraints:",
        "constraints:\n  price_per_core_hour: 0.05\n#",
    );
    for (name, objectives, axis, caption, measured) in [
        (
            "by_latency",
            "accuracy, latency",
            "prediction (ms)",
            "latency",
            true,
        ),
        (
            "by_keys",
            "accuracy, key_size, depth",
            "evaluation keys (MiB)",
            "key size",
            false,
        ),
        (
            "by_depth",
            "depth, accuracy",
            "multiplicative depth (levels)",
            "depth",
            false,
        ),
        (
            "by_cost",
            "accuracy, cost",
            "cost of 1000 encrypted predictions",
            "cost",
            true,
        ),
    ] {
        let copy = world.path(name);
        std::fs::create_dir(&copy).unwrap();
        for file in ["costs.json", "journal.jsonl", "summary.json"] {
            std::fs::copy(run.join(file), copy.join(file)).unwrap();
        }
        let text = format!("{priced}\nobjectives: [{objectives}]\n");
        std::fs::write(copy.join("experiment.yaml"), text).unwrap();
        world.good(&format!("report {name}"));
        let read = |file: &str| std::fs::read_to_string(copy.join("report").join(file)).unwrap();
        let (plot, page) = (read("pareto.svg"), read("report.md"));
        assert!(plot.contains(axis), "{name}: {plot}");
        assert_eq!(plot.contains("\nmeasured\n"), measured, "{name}");
        assert_eq!(
            plot.contains("front in accuracy, key size, depth"),
            name == "by_keys"
        );
        let shows = format!("Accuracy against {caption} of all trained networks");
        assert!(page.contains(&shows), "{name}: {page}");
        assert_eq!(
            page.contains("hollow marks are measured"),
            measured,
            "{name}"
        );
    }
}

/// What other programs open is checked with them by `tests/exports/check.py`; here, that it is there and says what the
/// journal says.
fn exports_hold_every_trial(world: &World) {
    let journal = std::fs::read_to_string(world.path("run/journal.jsonl")).unwrap();
    let trials: Vec<_> = journal.lines().map(json).collect();
    for format in ["optuna", "csv", "parquet", "tensorboard"] {
        world.good(&format!(
            "report run --export {format} -o exported/{format}"
        ));
    }
    let optuna = std::fs::read_to_string(world.path("exported/optuna")).unwrap();
    let lines: Vec<_> = optuna.lines().map(json).collect();
    assert_eq!(lines[0]["op_code"], 0);
    assert_eq!(lines[0]["directions"], serde_json::json!([2, 1]));
    let created: Vec<_> = lines.iter().filter(|line| line["op_code"] == 4).collect();
    assert_eq!(created.len(), trials.len());
    for (line, trial) in created.iter().zip(&trials) {
        assert_eq!(line["state"], 1, "complete");
        let moments =
            ["datetime_start", "datetime_complete"].map(|key| line[key].as_str().unwrap());
        assert!(
            moments[0] <= moments[1] && moments[0].starts_with("20"),
            "{moments:?}"
        );
        assert_eq!(line["values"][0], trial["accuracy"]);
        assert_eq!(line["values"][1], trial["predicted_latency_ms"]);
        let distribution = json(line["distributions"]["b1"].as_str().unwrap());
        assert_eq!(distribution["attributes"]["choices"][0], "skip");
        let gene = line["params"]["b1"].as_u64().unwrap().to_string();
        assert_eq!(gene, trial["architecture"]);
    }
    let csv = std::fs::read_to_string(world.path("exported/csv")).unwrap();
    assert!(csv.starts_with("trial,outcome,reason,accuracy,") && csv.contains(",gene.b1\n"));
    assert_eq!(csv.lines().count(), trials.len() + 1);
    let parquet = std::fs::read(world.path("exported/parquet")).unwrap();
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
    for trial in 0..trials.len() {
        let folder = world.path(&format!("exported/tensorboard/trial-{trial:04}"));
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1);
    }
    assert!(world.refused("report run --export csv").contains("--out"));
}

/// A trial that halving stopped is no member of the front, a small mark in the plot, and pruned for Optuna.
fn what_halving_stopped_is_told_from_what_was_trained(world: &World) {
    let (run, halved) = (world.path("run"), world.path("halved"));
    std::fs::create_dir_all(halved.join("curves")).unwrap();
    for file in ["experiment.yaml", "costs.json", "curves/trial-0001.json"] {
        std::fs::copy(run.join(file), halved.join(file)).unwrap();
    }
    let journal = std::fs::read_to_string(run.join("journal.jsonl")).unwrap();
    let mut lines: Vec<_> = journal.lines().map(json).collect();
    let accuracy = 0.999;
    lines[0]["accuracy"] = accuracy.into();
    lines[0]["rungs"] = serde_json::json!([accuracy]);
    lines[0]["stopped_at_epoch"] = 1.into();
    std::fs::write(
        halved.join("journal.jsonl"),
        format!("{}\n{}\n", lines[0], lines[1]),
    )
    .unwrap();
    let told = world.good("report halved");
    assert!(told.contains("1 trained, 1 stopped early"), "{told}");
    let figures = json(&world.good("report halved --json"));
    assert_eq!(
        (&figures["complete"], &figures["stopped"]),
        (&1.into(), &1.into())
    );
    let front = figures["front"].as_array().unwrap();
    assert_eq!(front.len(), 1, "the best accuracy is that of one epoch");
    assert_eq!(front[0]["trial"], 1);
    let plot = std::fs::read_to_string(halved.join("report/pareto.svg")).unwrap();
    assert!(plot.contains("\nstopped early\n"));
    let table = std::fs::read_to_string(halved.join("report/trials.csv")).unwrap();
    let heading: Vec<&str> = table.lines().next().unwrap().split(',').collect();
    assert!(heading.contains(&"state") && heading.contains(&"stopped_at_epoch"));
    assert!(table.contains("complete,stopped,1,") && table.contains("complete,complete,,"));
    world.good("report halved --export optuna -o halved.log");
    let log = world.read("halved.log");
    let created: Vec<_> = log
        .lines()
        .map(json)
        .filter(|l| l["op_code"] == 4)
        .collect();
    assert_eq!(
        (&created[0]["state"], &created[1]["state"]),
        (&2.into(), &1.into())
    );
    assert_eq!(created[0]["intermediate_values"]["1"], accuracy);
    assert_eq!(created[0]["values"], serde_json::Value::Null);
    assert_eq!(created[1]["intermediate_values"]["3"], lines[1]["accuracy"]);
}

/// A folder that cannot be read hides no other search.
fn studies_are_listed_each_on_its_own(world: &World) {
    let broken = world.path("broken");
    std::fs::create_dir(&broken).unwrap();
    std::fs::write(broken.join("experiment.yaml"), "name: [\n").unwrap();
    std::fs::write(broken.join("journal.jsonl"), "{}\n").unwrap();
    let rows = json(&world.good("studies --storage . --json"));
    let row = |name: &str| {
        let mut rows = rows.as_array().unwrap().iter();
        let found = rows.find(|row| row["study"].as_str().unwrap().ends_with(name));
        found.unwrap_or_else(|| panic!("{name} is not listed"))
    };
    for (name, state) in [
        ("/run", "ended"),
        ("/half", "stopped"),
        ("/broken", "damaged"),
    ] {
        assert_eq!(row(name)["state"], state, "{name}");
    }
    assert_eq!(row("/run")["complete"], 2);
    let fault = row("/broken")["fault"].as_str().unwrap();
    assert!(fault.contains("experiment.yaml:2:1"), "{fault}");
    assert!(world.good("studies --storage .").contains("damaged"));
}
