//! What docs/your-own-images.md says, done to the letter: its experiment and its commands, on a folder of pictures.

mod world;

use std::path::Path;

use world::{World, read_json};

/// Side of the pictures that the page's experiment takes.
const SIDE: usize = 32;

/// The first block of this language on the page.
fn block(language: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/your-own-images.md");
    let page = std::fs::read_to_string(path).unwrap();
    let start = format!("```{language}\n");
    let (_, rest) = page.split_once(&start).expect("a block");
    let (block, _) = rest.split_once("```").expect("its end");
    block.to_owned()
}

/// A picture of noise and bright stripes, upright or lying.
fn write_picture(path: &Path, upright: bool, number: usize) {
    let mut state = number as u32 * 2 + u32::from(upright) + 1;
    let mut random = |most: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % most
    };
    let phase = random(4) as usize;
    let mut pixels = Vec::new();
    for place in 0..SIDE * SIDE {
        let along = if upright { place % SIDE } else { place / SIDE };
        let bright = if (along + phase) % 4 < 2 { 150 } else { 0 };
        pixels.extend([(); 3].map(|()| (bright + random(100)) as u8));
    }
    let file = std::fs::File::create(path).unwrap();
    let mut encoder = png::Encoder::new(file, SIDE as u32, SIDE as u32);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&pixels).unwrap();
}

#[test]
fn images_of_ones_own_are_searched_for_and_classified_as_the_page_says() {
    let world = World::new();
    for (class, upright) in [("cat", false), ("dog", true)] {
        let folder = world.path("photos").join(class);
        std::fs::create_dir_all(&folder).unwrap();
        (1..=30).for_each(|n| write_picture(&folder.join(format!("{n}.png")), upright, n));
    }
    world.write("photos.yaml", block("yaml"));
    let mut told = Vec::new();
    for line in block("sh").lines() {
        let command = line.split('#').next().unwrap_or_default();
        let arguments = command.strip_prefix("hemet ").expect("a command");
        // With costs that are known, so that no test measures the machine's.
        let costs = match arguments.starts_with("search") {
            true => "--costs costs.json",
            false => "",
        };
        told.push(world.good(&format!("{arguments} {costs}")));
    }
    assert!(
        told[0].contains("48 images; of each class 24 24"),
        "{told:?}"
    );
    for line in ["input: [3, 32, 32]", "classes: 2"] {
        assert!(told[0].contains(line) && block("yaml").contains(line));
    }
    let best = &read_json(&world.path("runs/photos/summary.json"))["best"];
    assert_eq!(
        (&best["agreement"], &best["test_images"]),
        (&1.0.into(), &12.into())
    );
    assert!(best["test_accuracy"].as_f64() > Some(0.9), "{best}");
    assert!(told[5].starts_with("class 1 (dog)\n"), "{}", told[5]);
    let inspected = world.good("inspect runs/photos/best.hemet --json");
    let inspected: serde_json::Value = serde_json::from_str(&inspected).unwrap();
    assert_eq!(inspected["classes"], serde_json::json!(["cat", "dog"]));
    let classes = world.read("runs/photos/report/classes.csv");
    assert!(
        classes.contains("\ncat,") && classes.contains("\ndog,"),
        "{classes}"
    );

    mistakes_say_what_to_do(&world);
}

#[test]
fn an_experiment_is_written_for_a_folder_after_looking_at_it() {
    let world = World::new();
    for part in ["train", "test"] {
        for (class, upright) in [("cat", false), ("dog: 2", true)] {
            let folder = world.path("my photos").join(part).join(class);
            std::fs::create_dir_all(&folder).unwrap();
            (1..=4).for_each(|n| write_picture(&folder.join(format!("{n}.png")), upright, n));
        }
    }
    let output = world.command("init").arg("my photos").output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        told.contains("my_photos.yaml")
            && told.contains("inputs of 3x32x32 in 2 classes (8 for training, 8"),
        "{told}"
    );
    let yaml = world.read("my_photos.yaml");
    for line in [
        "input: [3, 32, 32]",
        "classes: 2",
        "path: \"my photos\"",
        "cat, dog: 2",
    ] {
        assert!(yaml.contains(line), "{line}: {yaml}");
    }
    world.good("space my_photos.yaml --sample 3 --costs costs.json");
    let again = world.command("init").arg("my photos").output().unwrap();
    assert_eq!(again.status.code(), Some(2));
    let nothing = world.refused("init costs.json");
    assert!(nothing.contains("name a table, or a folder"), "{nothing}");
    let rows = (0..20).map(|i| format!("{i},{},{}\n", i * i % 7, ["low", "high"][i / 10]));
    world.write(
        "table.csv",
        format!("a,b,class\n{}", rows.collect::<String>()),
    );
    let told = world.good("init table.csv");
    assert!(told.contains("inputs of 2x1x1 in 2 classes"), "{told}");
    world.good("space table.yaml --sample 3 --costs costs.json");
}

fn mistakes_say_what_to_do(world: &World) {
    let other = block("yaml").replace("[3, 32, 32]", "[1, 28, 28]");
    world.write("other.yaml", other);
    let refused = world.refused("search other.yaml --costs costs.json");
    let says = "begins with `input: [3, 32, 32]` and `classes: 2`";
    assert!(refused.contains(says), "{refused}");
    let encrypt = |arguments: &str| {
        world.refused(&format!(
            "encrypt --key keys/client.key -o no.ct {arguments}"
        ))
    };
    world.write(
        "torn.png",
        &std::fs::read(world.path("photos/dog/1.png")).unwrap()[..60],
    );
    assert!(encrypt("--image torn.png").contains("torn.png"));
    let none = encrypt("--image photo.ct");
    assert!(none.contains("no PNG or JPEG picture"), "{none}");
    let file = std::fs::File::create(world.path("small.png")).unwrap();
    let mut writer = png::Encoder::new(file, 2, 1).write_header().unwrap();
    writer.write_image_data(&[1, 2]).unwrap();
    writer.finish().unwrap();
    let small = encrypt("--image small.png");
    assert!(
        small.contains("1x1x2") && small.contains("3x32x32"),
        "{small}"
    );
}
