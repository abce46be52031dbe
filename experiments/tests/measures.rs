//! What tells a network's worth beside accuracy decides a search where it is asked for; several seeds are one command;
//! photos of many sizes are brought to one.

mod world;

use world::{World, json, read_json, tiny};

/// The area under the curve in the place of accuracy: in the journal, the front, the choice and the report.
#[test]
fn a_search_for_the_area_under_the_curve_says_so_everywhere_and_several_seeds_are_compared() {
    let world = World::new();
    let settings = "\
search: {strategy: random, trials: 1}
train: {epochs: 8, patience: 2}
objectives: [auc, latency]
encrypted_images: 2
measured_members: 0
";
    world.write("tiny.yaml", tiny("width: 4, kernel: 3", settings));
    let told = world.good("search tiny.yaml --out seeds --costs costs.json --seeds 1..2 --json");
    let last = json(told.lines().last().unwrap());
    assert_eq!(last["runs"].as_array().unwrap().len(), 2);
    assert_eq!(last["runs"][1]["seed"], 2);
    assert!(world.path("seeds/seed1/report/compared.html").exists());
    let summary = read_json(&world.path("seeds/seed1/summary.json"));
    let best = &summary["best"];
    // Ten classes that are told apart at all rank better than they are classified.
    assert!(
        best["validation_accuracy"].as_f64() > best["test_accuracy"].as_f64(),
        "{best}"
    );
    let page = world.read("seeds/seed1/report/report.md");
    assert!(
        page.contains("validation AUC") && page.contains("accuracy, encrypted"),
        "{page}"
    );
    let epochs = world.read("seeds/seed1/curves/trial-0000.json");
    let epochs = json(&epochs);
    let epochs = epochs.as_array().unwrap();
    assert!(
        epochs
            .iter()
            .all(|epoch| epoch["validation_accuracy"].is_f64()),
        "patience looks at each"
    );
    // What has ended is not done again.
    let before = std::fs::metadata(world.path("seeds/seed2/best.hemet"))
        .unwrap()
        .modified()
        .unwrap();
    world.good("search tiny.yaml --out seeds --costs costs.json --seeds 1..2 --resume");
    let after = std::fs::metadata(world.path("seeds/seed2/best.hemet"))
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(before, after);
    let told = world.refused("search tiny.yaml --out seeds --costs costs.json --seeds 1..2");
    assert!(told.contains("--resume"), "{told}");
}

fn photo(height: u32, width: u32, bright: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().unwrap();
    let level = if bright { 200 } else { 40 };
    let pixels: Vec<u8> = (0..height * width * 3)
        .map(|i| level + (i * 7 % 31) as u8)
        .collect();
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    bytes
}

/// The way of a newcomer with photos of many sizes, in ten commands.
#[test]
fn photos_of_many_sizes_lead_to_a_prediction_in_ten_commands() {
    let world = World::new();
    for (class, bright) in [("day", true), ("night", false)] {
        std::fs::create_dir_all(world.path(&format!("photos/{class}"))).unwrap();
        for number in 0..12 {
            let (height, width) = (20 + number % 5, 30 - number % 7);
            world.write(
                &format!("photos/{class}/{number}.png"),
                photo(height, width, bright),
            );
        }
    }
    let told = world.refused("init photos");
    assert!(told.contains("resize: [HEIGHT, WIDTH]"), "{told}");
    for command in [
        "init photos --resize 8 --gray",
        "search photos.yaml --check --costs costs.json",
        "search photos.yaml --costs costs.json",
        "report runs/photos",
        "inspect runs/photos/best.hemet --card",
        "evaluate runs/photos/best.hemet --data photos --limit 2",
        "keygen runs/photos/best.spec --out keys",
        "encrypt --key keys/client.key --image photos/day -o requests",
        "predict runs/photos/best.hemet --keys keys/server.keys requests -o answers",
        "decrypt --key keys/client.key --request requests answers",
    ] {
        if command.starts_with("search photos.yaml --costs") {
            // As written, but in seconds.
            let text = world.read("photos.yaml");
            world.write(
                "photos.yaml",
                text.replace("trials: 16", "trials: 1")
                    .replace("epochs: 40", "epochs: 4"),
            );
        }
        let told = world.good(command);
        if command.starts_with("decrypt") {
            assert_eq!(told.lines().count(), 12, "{told}");
            assert!(told.contains("(day)") || told.contains("(night)"), "{told}");
        }
    }
}
