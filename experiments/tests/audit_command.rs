//! `hemet audit` from the outside: table, page, pictures, the control on ciphertexts, and what is refused.

mod world;

use world::{World, json, tiny};

const SETTINGS: &str = "\
search: {strategy: random, trials: 1}
train: {epochs: 3}
encrypted_images: 1
measured_members: 0
";

const QUICK: &str = "audit run --trial 0 --images 6 --own 100 --steps 10 --epochs 2 --pairs 40";

fn searched() -> World {
    let world = World::new();
    world.write("tiny.yaml", tiny("width: 8, kernel: 3", SETTINGS));
    world.good("search tiny.yaml --out run --costs costs.json");
    world
}

#[test]
fn an_audit_tells_what_each_attack_reaches_and_what_the_rest_costs_and_shows_it_offline() {
    let world = searched();
    let command = format!("{QUICK} --cut stem.conv,head.dense --defense dropout=0.5 --json");
    let told = json(&world.good(&command));
    let rows = told.as_array().expect("a list");
    let of = |cut: &str, attack: &str, defense: &str| {
        let found = rows
            .iter()
            .find(|row| row["cut"] == cut && row["attack"] == attack && row["defense"] == defense);
        found.unwrap_or_else(|| panic!("{cut} {attack} {defense} in {told}"))
    };
    for row in rows {
        for figure in [
            "ssim",
            "psnr",
            "floor_ssim",
            "class_floor_ssim",
            "encrypted_ms",
            "accuracy",
            "same_class",
        ] {
            assert!(row[figure].is_f64(), "{figure} in {row}");
        }
        assert_eq!(row["encrypted_ms_is"], "estimated");
    }
    for attack in [
        "white_box",
        "inverse_same",
        "inverse_random",
        "query_free",
        "query_free_inverse",
    ] {
        of("stem.conv", attack, "none");
    }
    of("stem.conv", "white_box", "dropout=0.5");
    of("head.dense", "class_mean", "none");
    // Behind the outputs nothing is left: the whole network is what answers cost.
    let cost = |cut: &str, attack: &str| of(cut, attack, "none")["encrypted_ms"].as_f64().unwrap();
    assert!(cost("stem.conv", "encrypted") < cost("head.dense", "white_box"));

    // All but the row of the control, whose keys and noise the system gives.
    let again = json(&world.good(&command));
    let repeats = |value: &serde_json::Value| -> Vec<serde_json::Value> {
        let rows = value.as_array().unwrap().iter();
        rows.filter(|row| row["attack"] != "encrypted")
            .cloned()
            .collect()
    };
    assert_eq!(repeats(&told), repeats(&again));

    let page = world.read("run/audit/trial-0000/index.html");
    assert!(
        page.contains("These attacks reach") && !page.to_lowercase().contains("safe"),
        "{page}"
    );
    assert!(page.matches("data:image/png;base64,").count() > 10);
    for foreign in ["src=", "<link", "@import", "url("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    for name in [
        "leak.svg",
        "cost.png",
        "strongest.png",
        "cut-head.dense.png",
        "defenses.svg",
        "audit.csv",
        "audit.md",
    ] {
        assert!(
            world.path(&format!("run/audit/trial-0000/{name}")).exists(),
            "{name}"
        );
    }
}

#[test]
fn what_cannot_be_audited_is_refused_before_anything_is_measured() {
    let world = searched();
    for (arguments, said) in [
        ("audit run --trial 9", "there is no trial 9"),
        (
            "audit run --trial 0 --cut nowhere",
            "behind layer `nowhere`; ",
        ),
        (
            "audit run --trial 0 --own 100000",
            "100000 pictures of optdigits",
        ),
        ("audit run --trial 0 --own 5", "10"),
        ("audit run --trial 0 --images 0", "1"),
        ("audit run --trial 0 --pairs 9", "10 or more"),
        ("audit run --trial 0 --defense blur=1", "dropout=SHARE"),
        ("audit run --trial 0 --similar nothing", "nothing"),
        ("audit run --trial 0 --similar csv", "csv"),
        ("audit nowhere --trial 0", "nowhere"),
    ] {
        let error = world.refused(arguments);
        let said_there = error.contains(said.trim_end_matches("; "));
        assert!(said_there, "{arguments}: {error}");
        assert!(!world.path("run/audit").exists(), "{arguments}");
    }
}
