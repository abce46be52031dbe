//! A search on a user's own table ends with rows classified encrypted.

mod world;

use world::{World, read_json};

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
