//! A search on a user's own table ends with rows classified, or values predicted, encrypted.

mod world;

use world::{World, json, read_json};

/// 240 rows of four numbers of unlike sizes, in three classes that two of them tell.
fn table() -> String {
    let mut table = "weight,length,noise,fixed,kind\n".to_owned();
    for i in 0..240usize {
        let kind = i % 3;
        let wave = ((i * 37) % 17) as f64 / 17.0 - 0.5;
        let weight = 4000.0 * kind as f64 + 900.0 * wave;
        let length = 0.001 * (kind as f64 - 1.0).abs() + 0.0002 * wave;
        let name = ["small", "middle", "large"][kind];
        table += &format!("{weight},{length},{},1,{name}\n", (i * 53) % 29);
    }
    table
}

#[test]
fn a_table_is_searched_on_and_its_rows_are_classified_encrypted() {
    let world = World::new();
    world.write("table.csv", table());
    world.write(
        "table.yaml",
        "\
name: table
seed: 1
data: {set: csv, path: table.csv, validation: 0.2}
space:
  input: [4, 1, 1]
  classes: 3
  blocks:
    - {name: b1, options: [{dense: {width: [4, 8]}}]}
  activation: quadratic
search: {strategy: exhaustive, trials: 2}
train: {epochs: 30, batch: 16, learning_rate: 0.05}
encrypted_images: 3
measured_members: 0
",
    );
    world.good("search table.yaml --out run --costs costs.json");
    let best = &read_json(&world.path("run/summary.json"))["best"];
    assert!(best["test_accuracy"].as_f64().unwrap() > 0.95, "{best}");
    assert_eq!(best["agreement"], 1.0, "{best}");
    let told = world.good("data check table.csv --set csv");
    assert!(
        told.contains("`input: [4, 1, 1]` and `classes: 3`"),
        "{told}"
    );
    world.write("other.csv", table().replacen("0,", "none,", 1));
    let output = world.command("data check other.csv --set csv").output();
    let output = output.unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "a check that failed\n{told}");
    assert!(told.contains("line 2, column `weight`"), "{told}");
}

/// 300 houses: area and age tell the price, and not in a line.
fn houses(rows: std::ops::Range<usize>) -> String {
    let mut table = "area,age,garden,price [EUR]\n".to_owned();
    for i in rows {
        let area = 40.0 + 160.0 * ((i * 37) % 101) as f64 / 101.0;
        let age = 100.0 * ((i * 53) % 97) as f64 / 97.0;
        let garden = ((i * 29) % 13) as f64;
        table += &format!("{area},{age},{garden},{}\n", price(area, age));
    }
    table
}

fn price(area: f64, age: f64) -> f64 {
    60_000.0 + 3_000.0 * area + 20.0 * (age - 50.0).powi(2)
}

/// A search for a network that predicts prices; the lines of `more` follow.
fn prices(more: &str) -> String {
    format!(
        "\
name: prices
seed: 1
data: {{set: csv_regression, path: houses.csv, validation: 0.2}}
space:
  input: [3, 1, 1]
  classes: 1
  blocks:
    - {{name: b1, options: [{{dense: {{width: [6, 10]}}}}]}}
  activation: quadratic
search: {{strategy: exhaustive, trials: 2}}
encrypted_images: 12
measured_members: 0
{more}"
    )
}

#[test]
fn a_regression_is_searched_for_and_new_rows_are_predicted_with_their_unit() {
    let world = World::new();
    world.write("houses.csv", houses(0..300));
    let train = "train: {epochs: 60, batch: 16, learning_rate: 0.02}\n";
    world.write("prices.yaml", prices(train));
    let told = world.good("search prices.yaml --out run --costs costs.json");
    assert!(told.contains("R² ") && !told.contains("accuracy"), "{told}");
    let best = &read_json(&world.path("run/summary.json"))["best"];
    assert_eq!(best["quality"], "r_squared");
    for figure in ["test_accuracy", "encrypted_accuracy", "validation_accuracy"] {
        assert!(best[figure].as_f64().unwrap() > 0.9, "{figure}: {best}");
    }
    assert_eq!(best["agreement"], 1.0, "{best}");
    let report = world.read("run/report/report.md");
    assert!(
        report.contains("validation R²") && report.contains("R², encrypted"),
        "{report}"
    );
    // New rows in their own units, another order of columns, and the value not known.
    world.write("new.csv", "garden;age;area\n3;20;120\n5;80;60\n");
    world.good("keygen run/best.spec --out keys");
    for (row, area, age) in [(0, 120.0, 20.0), (1, 60.0, 80.0)] {
        let index = format!("--index {row} --count 1");
        world.good(&format!(
            "encrypt --key keys/client.key --table new.csv {index} -o x.ct"
        ));
        world.good("predict run/best.hemet --keys keys/server.keys x.ct -o y.ct");
        let decrypt = "decrypt --key keys/client.key --request x.ct y.ct";
        let line = world.good(decrypt);
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["price", value, "EUR"] = words[..] else {
            panic!("{line}")
        };
        let value: f64 = value.parse().unwrap();
        // R² above 0.9: three deviations of what is left of a deviation of about 145,000.
        assert!(
            (value - price(area, age)).abs() < 3.0 * 0.32 * 145_000.0,
            "{line}"
        );
        let answer = json(&world.good(&format!("{decrypt} --json")));
        assert_eq!(answer["outputs"][0]["unit"], "EUR");
        assert!(answer["class"].is_null(), "{answer}");
    }
    let told = world.refused("encrypt --key keys/client.key --table new.csv -o x.ct");
    assert!(told.contains("2 images, room for 1"), "{told}");
    world.write("wrong.csv", "garden,age\n1,2\n");
    let told = world.refused("encrypt --key keys/client.key --table wrong.csv -o x.ct");
    assert!(
        told.contains("no column `area`") && told.contains("garden, age"),
        "{told}"
    );
    world.write("text.csv", "garden,age,area\n1,old,3\n");
    let told = world.refused("encrypt --key keys/client.key --table text.csv -o x.ct");
    assert!(told.contains("line 2, column `age`"), "{told}");
    // Rows of the data set, and the whole artifact's figures, speak of R² too.
    let told =
        world.good("evaluate run/best.hemet --data houses.csv --set csv_regression --limit 3");
    assert!(told.contains("R²"), "{told}");
}

#[test]
fn an_experiment_is_written_for_a_table_of_values() {
    let world = World::new();
    world.write("houses.csv", houses(0..80));
    let told = world.good("init houses.csv");
    assert!(told.contains("to predict price"), "{told}");
    let yaml = world.read("houses.yaml");
    assert!(
        yaml.contains("set: csv_regression") && yaml.contains("classes: 1"),
        "{yaml}"
    );
    world.good("search houses.yaml --check --costs costs.json");
    world.write("kinds.csv", table());
    world.good("init kinds.csv");
    assert!(world.read("kinds.yaml").contains("set: csv,"));
}

#[test]
fn a_batch_of_rows_gives_a_line_a_row() {
    let world = World::new();
    world.write("houses.csv", houses(0..120));
    let train = "train: {epochs: 4, batch: 16}\n";
    world.write("prices.yaml", prices(train));
    world.good("search prices.yaml --out run --costs costs.json");
    world.good("compile run --trial 0 --target throughput -o many.hemet");
    world.good("keygen many.hemet --out keys");
    world.write("new.csv", houses(300..307));
    let told = world.good("encrypt --key keys/client.key --table new.csv -o x.ct");
    assert!(
        told.contains("7 images") || told.contains("7 rows"),
        "{told}"
    );
    world.good("predict many.hemet --keys keys/server.keys x.ct -o y.ct");
    let lines = world.good("decrypt --key keys/client.key --request x.ct --count 7 y.ct");
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 7, "{lines:?}");
    assert!(
        lines
            .iter()
            .all(|l| l.contains("price  ") && l.ends_with(" EUR")),
        "{lines:?}"
    );
}

#[test]
fn a_regression_that_is_asked_for_wrongly_is_refused_before_anything_is_trained() {
    let world = World::new();
    world.write("houses.csv", houses(0..50));
    for (more, change, expected) in [
        ("scheme: tfhe\n", None, "scheme ckks alone"),
        ("train: {distillation: 0.5}\n", None, "it must be 0"),
        ("train: {balance: true}\n", None, "no classes to balance"),
        ("", Some(("classes: 1", "classes: 3")), "it must be 1"),
        (
            "",
            Some(("input: [3, 1, 1]", "input: [4, 1, 1]")),
            "`input: [3, 1, 1]`",
        ),
    ] {
        let mut text = prices(more);
        if let Some((from, to)) = change {
            text = text.replace(from, to);
        }
        world.write("wrong.yaml", text);
        let told = world.refused("search wrong.yaml --out wrong --costs costs.json");
        assert!(told.contains(expected), "{expected}: {told}");
    }
    for (content, expected) in [
        (
            "a,y\n1,cat\n2,dog\n",
            "line 2, column `y`: `cat` is no number",
        ),
        ("a,y\n1,5\n2,5\n3,5\n", "nothing to predict"),
    ] {
        world.write("wrong.csv", content);
        let output = world
            .command("data check wrong.csv --set csv_regression")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && told.contains(expected),
            "{told}"
        );
    }
}
