//! One journey through the binary: search, compile, keys, encrypt, predict, decrypt, evaluate, bench; and what a
//! user does wrong on the way.

mod world;

use world::{World, json, read_json, tiny};

/// Two networks, few epochs.
fn experiment() -> String {
    let settings = "\
search: {strategy: random, trials: 2, workers: 2, baseline: mobile}
train: {epochs: 3}
choose: {above_baseline: 0.1}
encrypted_images: 4
card: {purpose: This is for counting digits., license: CC0-1.0}
";
    tiny("width: 8, kernel: 3", settings)
}

/// Three affine maps in a row, which the compiler makes one.
const GRAPH: &str = "\
hemet-graph 1
input: 1x8x8 = input()
conv: 4x8x8 = conv(input) out=4 kernel=3 stride=1 padding=1 groups=1
pool: 4x4x4 = average_pool(conv) kernel=2 stride=2
head: 10x1x1 = dense(pool) out=10 bias
";

#[test]
fn a_search_ends_in_a_network_that_predicts_encrypted_and_goes_on_after_a_stop() {
    let world = World::new();
    world.write("tiny.yaml", experiment());
    let shown = world.good("search tiny.yaml --out run --costs costs.json");
    assert!(shown.contains("encrypted"), "{shown}");
    for file in [
        "experiment.yaml",
        "journal.jsonl",
        "front.csv",
        "report/pareto.svg",
        "report/pareto.png",
        "report/report.md",
        "report/index.html",
        "report/hypervolume.svg",
        "report/trials.csv",
        "curves/trial-0000.json",
        "best.hemet",
        "summary.json",
    ] {
        let length = std::fs::metadata(world.path("run").join(file))
            .unwrap()
            .len();
        assert!(length > 0, "{file}");
    }
    let best = &read_json(&world.path("run/summary.json"))["best"];
    assert_eq!(best["encrypted_images"], 4);
    assert_eq!(best["agreement"], 1.0);
    assert!(best["security_bits"].as_u64().unwrap() >= 128);

    let summary = read_json(&world.path("run/summary.json"));
    for member in summary["front"].as_array().unwrap() {
        assert!(
            member["measured_latency_ms"].as_f64().unwrap() > 0.0,
            "{member}"
        );
    }

    the_chosen_network_is_compared_with_the_baseline(&world, &shown);
    resumed_equals_uninterrupted(&world);
    client_and_server_agree(&world);
    batches_are_classified(&world);
    figures_for_scripts(&world);
    mistakes_are_told(&world);
}

/// In the summary, the terminal, the report and what `hemet report` draws again.
fn the_chosen_network_is_compared_with_the_baseline(world: &World, shown: &str) {
    let summary = read_json(&world.path("run/summary.json"));
    let (best, baseline) = (&summary["best"], &summary["baseline"]);
    assert_eq!((&best["trial"], &baseline["trial"]), (&1.into(), &0.into()));
    assert_eq!(baseline["architecture"], "0");
    let keys = |network: &serde_json::Value| {
        let fields = network.as_object().unwrap().keys();
        fields.cloned().collect::<Vec<String>>()
    };
    assert_eq!(keys(baseline), keys(best));
    assert_eq!(baseline["encrypted_images"], 4);
    assert_eq!(baseline["agreement"], 1.0);
    let figure = |network: &serde_json::Value, key: &str| network[key].as_f64().unwrap();
    let gain = &summary["against_baseline"];
    let ratio = figure(best, "measured_latency_ms") / figure(baseline, "measured_latency_ms");
    for (key, expected) in [
        ("latency_percent_lower", 100.0 - 100.0 * ratio),
        (
            "accuracy_points",
            100.0 * (figure(best, "encrypted_accuracy") - figure(baseline, "encrypted_accuracy")),
        ),
        (
            "validation_points",
            100.0 * (figure(best, "validation_accuracy") - figure(baseline, "validation_accuracy")),
        ),
    ] {
        let told = figure(gain, key);
        assert!((told - expected).abs() < 1e-6, "{key}: {told}, {expected}");
    }
    let line = "against the baseline (trial 0, all-mobile): latency ";
    let redrawn = world.good("report run");
    assert!(shown.contains(line) && redrawn.contains(line), "{shown}");
    for (file, what) in [
        ("report.md", "## Against the baseline"),
        ("report.md", "| baseline |"),
        ("index.html", "Against the baseline"),
        ("pareto.svg", "baseline: #0"),
        ("baseline.csv", "baseline,0,"),
    ] {
        let text = std::fs::read_to_string(world.path("run/report").join(file)).unwrap();
        assert!(text.contains(what), "{file}: {text}");
    }
    assert!(world.path("run/baseline.hemet").exists());
}

/// Killed after its first trial and resumed, a search writes the same journal.
fn resumed_equals_uninterrupted(world: &World) {
    let journal = std::fs::read_to_string(world.path("run/journal.jsonl")).unwrap();
    world.good("search tiny.yaml --out again --costs costs.json");
    let path = world.path("again/journal.jsonl");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), journal);
    let first = journal.split_inclusive('\n').next().unwrap();
    std::fs::write(&path, format!("{first}{{\"number\": 1, \"arch")).unwrap();
    std::fs::remove_file(world.path("again/summary.json")).unwrap();
    let time = world.path("again/time.json");
    let used = read_json(&time)["seconds"].as_f64().unwrap();
    let earlier = 1000.0 + used;
    std::fs::write(&time, format!("{{\"seconds\": {earlier}}}")).unwrap();
    world.good("search tiny.yaml --out again --resume");
    let seconds = read_json(&world.path("again/summary.json"))["seconds"].as_f64();
    let seconds = seconds.unwrap();
    assert!(
        used > 0.0 && seconds > earlier && seconds < earlier + 900.0,
        "{seconds}"
    );
    let page = std::fs::read_to_string(world.path("again/report/report.md")).unwrap();
    let minutes = seconds as u64 / 60;
    assert!(page.contains(&format!(", in {minutes} min ")), "{page}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), journal);
    assert!(world.path("again/summary.json").exists());
    assert!(
        world
            .refused("search tiny.yaml --out again")
            .contains("--resume")
    );
}

fn client_and_server_agree(world: &World) {
    let trial = &read_json(&world.path("run/summary.json"))["best"]["trial"];
    world.good(&format!("compile run --trial {trial} -o model.hemet"));
    world.good("verify model.hemet");
    world.good("keygen model.hemet --out keys");
    assert!(
        world
            .refused("keygen model.hemet --out keys")
            .contains("--force")
    );
    world.good("encrypt --key keys/client.key --set optdigits --index 3 -o image.ct");
    world.good("predict model.hemet --keys keys/server.keys image.ct -o answer.ct");
    let answer = json(&world.good("decrypt --key keys/client.key answer.ct --json"));
    assert_eq!(answer["logits"].as_array().unwrap().len(), 10);

    // Keys of another client, of another artifact, and damaged files.
    world.good("keygen model.hemet --out other");
    world.refused("predict model.hemet --keys other/server.keys image.ct -o no.ct");
    world.refused("decrypt --key other/client.key answer.ct");
    world.refused("decrypt --key keys/server.keys answer.ct");
    let bytes = std::fs::read(world.path("model.hemet")).unwrap();
    std::fs::write(world.path("torn.hemet"), &bytes[..bytes.len() / 2]).unwrap();
    world.refused("inspect torn.hemet");
    let bytes = std::fs::read(world.path("image.ct")).unwrap();
    std::fs::write(world.path("torn.ct"), &bytes[..bytes.len() - 7]).unwrap();
    world.refused("predict model.hemet --keys keys/server.keys torn.ct -o no.ct");
    assert!(!world.path("no.ct").exists());
}

/// The same network for throughput: a batch classified encrypted as in the clear.
fn batches_are_classified(world: &World) {
    let best = &read_json(&world.path("run/summary.json"))["best"];
    let trial = best["trial"].as_u64().unwrap();
    world.good(&format!(
        "compile run --trial {trial} -o many.hemet --target throughput"
    ));
    let inspected = json(&world.good("inspect many.hemet --json"));
    assert_eq!(inspected["classes"][9], "9");
    assert!(inspected["images_per_request"].as_u64().unwrap() > 1000);
    let figures = json(&world.good("evaluate many.hemet --set optdigits --limit 20 --json"));
    assert_eq!(figures["images"], 20);
    assert_eq!(figures["agreement"], 1.0);
}

/// Data, seed, cost table and scores, the same in what the search wrote and in what is compiled of its run; and the
/// card.
fn where_an_artifact_comes_from_stands_in_it(world: &World) {
    let inspected = |file: &str| json(&world.good(&format!("inspect {file} --json")));
    let (searched, compiled) = (inspected("run/best.hemet"), inspected("model.hemet"));
    assert_eq!(searched["classes"][9], "9");
    assert_eq!(
        searched["format_version"],
        hemet_schedule::artifact::FORMAT_VERSION
    );
    let known = &searched["provenance"];
    assert_eq!((&known["seed"], &known["trial"]), (&3.into(), &1.into()));
    assert_eq!(known["data"]["hash"].as_str().map(str::len), Some(64));
    assert_eq!(known["data"]["test"], 1797);
    for key in ["data", "seed", "trial", "cost_table"] {
        assert_eq!(compiled["provenance"][key], known[key], "{key}");
    }
    let scores = known["scores"].as_array().unwrap();
    let on: Vec<_> = scores.iter().map(|score| &score["on"]).collect();
    assert_eq!(on, ["validation", "test"]);
    for score in scores {
        let value = |key: &str| score[key].as_f64().unwrap();
        assert!(
            value("low") < value("share") && value("share") < value("high"),
            "{score}"
        );
    }
    let card = world.good("inspect run/best.hemet --card");
    for what in [
        "# tiny",
        "for counting digits",
        "## How good it is",
        "| accuracy | test",
        "## License",
        "CC0-1.0",
    ] {
        assert!(card.contains(what), "{what}: {card}");
    }
    world.refused("inspect run/best.hemet --card --json");
}

fn figures_for_scripts(world: &World) {
    where_an_artifact_comes_from_stands_in_it(world);
    let bench = json(&world.good("bench model.hemet --threads 1 --runs 2 --json"));
    for key in [
        "predicted_latency_ms",
        "measured_latency_ms",
        "log_n",
        "log_qp",
        "security_bits",
        "depth",
        "op_counts",
        "evaluation_key_bytes",
        "input_ciphertext_bytes",
        "output_ciphertext_bytes",
        "peak_rss_bytes",
        "load_s",
        "server_peak_mib",
        "max_abs_error",
    ] {
        assert!(!bench[key].is_null(), "bench gives no {key}");
    }
    let alone = bench["server_peak_mib"].as_f64().unwrap() * (1 << 20) as f64;
    assert!(alone < bench["peak_rss_bytes"].as_f64().unwrap(), "{bench}");
    let told = world.good("bench model.hemet --runs 1 --memory 1");
    assert!(told.contains("server          ready in"), "{told}");
    let profiled = world.good("bench model.hemet --runs 1 --profile --costs costs.json --json");
    assert!(
        json(&profiled)["profile"]["instructions"]["linear"]["measured_ms"].as_f64() > Some(0.0)
    );
    let figures = json(&world.good("evaluate model.hemet --set optdigits --limit 3 --json"));
    assert_eq!(figures["images"], 3);
    assert_eq!(figures["agreement"], 1.0);
    let clear = json(&world.good("evaluate model.hemet --clear --limit 3 --json"));
    assert_eq!(clear["plaintext_accuracy"], figures["plaintext_accuracy"]);
    let all = json(&world.good("evaluate model.hemet --clear --limit 0 --json"));
    assert_eq!(all["images"], 1797);
    assert!(all["plaintext_accuracy"].as_f64() > Some(0.8), "{all}");
    let figure = |key: &str| figures[key].as_f64().unwrap();
    assert!(figure("interval_low") < figure("encrypted_accuracy"));
    assert!(figure("interval_high") >= figure("encrypted_accuracy"));
    let rows = figures["confusion"].as_array().unwrap();
    let counts = rows.iter().flat_map(|row| row.as_array().unwrap());
    assert_eq!(counts.map(|n| n.as_u64().unwrap()).sum::<u64>(), 3);
    for (class, name) in figures["classes"].as_array().unwrap().iter().enumerate() {
        assert_eq!(name, &class.to_string());
        assert_eq!(&figures["per_class"][class]["class"], name);
    }
    let shown = world.good("inspect model.hemet --costs costs.json --svg levels.svg");
    assert!(
        shown.contains("ct·pt") && shown.contains("total"),
        "{shown}"
    );
    let drawn = std::fs::read_to_string(world.path("levels.svg")).unwrap();
    assert!(drawn.starts_with("<svg") && drawn.contains("predicted time (ms)"));
    let schedule = world.good("inspect model.hemet --schedule");
    std::fs::write(world.path("schedule.txt"), schedule).unwrap();
    world.good("verify schedule.txt --constants model.hemet");
    let again = world.good("opt schedule.txt --constants model.hemet");
    assert_eq!(
        again,
        std::fs::read_to_string(world.path("schedule.txt")).unwrap()
    );
    world.refused("opt schedule.txt");
    std::fs::write(world.path("graph.txt"), GRAPH).unwrap();
    let net = world.good("opt graph.txt");
    let imported = world.good("opt graph.txt --pass none");
    assert!(
        net.lines().count() < imported.lines().count(),
        "{imported}\n{net}"
    );
    assert!(
        world
            .refused("opt graph.txt --pass fuse")
            .contains("compose")
    );
}

fn mistakes_are_told(world: &World) {
    let typo = experiment().replace("trials: 2", "trails: 2");
    std::fs::write(world.path("typo.yaml"), typo).unwrap();
    let told = world.refused("search typo.yaml --out typo");
    assert!(
        told.contains("typo.yaml:12:28") && told.contains("`trials`"),
        "{told}"
    );
    assert!(!world.path("typo").exists());
    for (from, to, said) in [
        (", baseline: mobile", "", "needs a baseline"),
        ("{above", "{within_points: 0.5, above", "keep one"),
        (
            "baseline: mobile",
            "baseline: mobil",
            "did you mean `mobile`?",
        ),
    ] {
        std::fs::write(world.path("wrong.yaml"), experiment().replace(from, to)).unwrap();
        // Messages are wrapped at the terminal's width.
        let told = world
            .refused("search wrong.yaml --out wrong")
            .replace('│', " ");
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains("wrong.yaml") && told.contains(said), "{told}");
        assert!(!world.path("wrong").exists());
    }
    let absent = experiment().replace("set: optdigits", "set: mnist");
    std::fs::write(world.path("absent.yaml"), absent).unwrap();
    assert!(
        world
            .refused("search absent.yaml --out absent")
            .contains("mnist")
    );
    assert!(
        world
            .refused("compile run --trial 99 -o no.hemet")
            .contains("99")
    );
    world.refused("encrypt --key keys/client.key --set optdigits --index 99999 -o no.ct");
    std::fs::write(world.path("short.txt"), "1 2 3").unwrap();
    let told = world.refused("encrypt --key keys/client.key --image short.txt -o no.ct");
    assert!(told.contains('3') && told.contains("64"), "{told}");
    world.refused("report nowhere");
}
