//! Clients make of a picture the very numbers that training made of it: its size, colors and scale travel with the
//! artifact.

mod world;

use std::path::Path;

use hemet_runtime::Facts;
use hemet_runtime::schemes::Known;
use hemet_search::data::{self, Preparation};
use world::World;

fn facts(world: &World, spec: &str) -> Facts {
    Known::open(&world.path(spec)).unwrap().spec.facts()
}

/// What a client makes of a file.
fn input(facts: &Facts, path: &Path) -> Result<Vec<f64>, String> {
    let content = std::fs::read(path).unwrap();
    let picture = data::picture(&content).expect("a picture").unwrap();
    facts.input_of_picture(picture, None)
}

/// A picture in color, bright or dark, of this size.
fn write_picture(path: &Path, [height, width]: [u32; 2], level: u32) {
    let file = std::fs::File::create(path).unwrap();
    let mut encoder = png::Encoder::new(file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    let pixels = (0..3 * height * width).map(|i| (level + i * i % 97) as u8);
    let pixels: Vec<u8> = pixels.collect();
    writer.write_image_data(&pixels).unwrap();
}

/// Photos of two classes, of many sizes, PNG and JPEG.
fn photos(world: &World) {
    let jpeg = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../search/tests/pictures/colors_progressive.jpg");
    for (class, level) in [("day", 150), ("night", 0)] {
        let folder = world.path("photos").join(class);
        std::fs::create_dir_all(&folder).unwrap();
        for number in 0..9 {
            let path = folder.join(format!("{number}.png"));
            write_picture(&path, [11 + number, 29 - 2 * number], level);
        }
        std::fs::copy(&jpeg, folder.join("9.jpg")).unwrap();
    }
}

#[test]
fn clients_see_what_training_saw_bit_for_bit() {
    for (name, options, preparation) in [
        (
            "cut",
            "resize: [8, 10], crop: true, gray: true",
            Preparation {
                resize: Some([8, 10]),
                crop: true,
                gray: true,
            },
        ),
        (
            "stretched",
            "resize: [7, 6]",
            Preparation {
                resize: Some([7, 6]),
                crop: false,
                gray: false,
            },
        ),
    ] {
        let world = World::new();
        photos(&world);
        let [height, width] = preparation.resize.unwrap();
        let channels = if preparation.gray { 1 } else { 3 };
        world.write(
            "photos.yaml",
            format!(
                "name: photos\nseed: 1\ndata: {{set: image_folder, path: photos, {options}}}\n\
                 space:\n  input: [{channels}, {height}, {width}]\n  classes: 2\n  \
                 stem: {{conv: {{width: 2, kernel: 3, stride: 2}}}}\n  \
                 blocks: [{{name: b, options: [{{conv: {{width: 2, kernel: 3}}}}]}}]\n\
                 search: {{strategy: random, trials: 1}}\ntrain: {{epochs: 1}}\nencrypted_images: 1\n\
                 measured_members: 0\n"
            ),
        );
        world.good("search photos.yaml --costs costs.json --out run");
        let facts = facts(&world, "run/best.spec");
        let sets =
            data::load_prepared("image_folder", Some(&world.path("photos")), &preparation).unwrap();
        let seen: Vec<Vec<f64>> = [&sets.train, &sets.test]
            .into_iter()
            .flat_map(|set| (0..set.len()).map(|index| set.image(index)))
            .map(|image| image.iter().map(|x| f64::from(*x)).collect())
            .collect();
        assert_eq!(seen.len(), 20);
        for class in ["day", "night"] {
            for file in std::fs::read_dir(world.path("photos").join(class)).unwrap() {
                let path = file.unwrap().path();
                let input = input(&facts, &path).unwrap();
                assert!(seen.contains(&input), "{name}: {}", path.display());
            }
        }
        // The commands do the same, without a word on what the client has to know.
        world.good("keygen run/best.spec --out keys");
        let encrypt = "encrypt --key keys/client.key --image photos/day -o requests";
        let output = world.command(encrypt).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && !told.contains("note"), "{told}");
        let told = world.good("inspect run/best.hemet");
        assert!(
            told.contains("brought to") || told.contains("stretched to"),
            "{told}"
        );
    }
}

#[test]
fn a_models_own_means_and_deviations_travel_with_its_artifact() {
    let world = World::new();
    let model =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../compiler/onnx/tests/fixtures/residual.onnx");
    world.write("model.onnx", std::fs::read(model).unwrap());
    let compile = "compile model.onnx -o m.hemet --costs costs.json";
    world.good(&format!(
        "{compile} --input-range 3 --mean 0.5,0.25,0.125 --deviation 0.5,0.25,0.5 --resize 8 --crop"
    ));
    world.good("client-spec m.hemet -o m.spec");
    write_picture(&world.path("large.png"), [30, 20], 60);
    write_picture(&world.path("fits.png"), [8, 8], 60);
    let facts = facts(&world, "m.spec");
    let numbers = input(&facts, &world.path("fits.png")).unwrap();
    let content = std::fs::read(world.path("fits.png")).unwrap();
    let picture = data::picture(&content).unwrap().unwrap();
    let scales = [(0.5f32, 2.0f32), (0.25, 4.0), (0.125, 2.0)];
    let expected = picture.planar.iter().enumerate().map(|(place, byte)| {
        let (mean, factor) = scales[place / 64];
        f64::from((f32::from(*byte) / 255.0 - mean) * factor)
    });
    assert_eq!(numbers, expected.collect::<Vec<f64>>());
    assert_eq!(input(&facts, &world.path("large.png")).unwrap().len(), 192);
    // Where nothing is known, pixels are divided by 255, and that is said once.
    world.good(&format!("{compile} --force"));
    world.good("client-spec m.hemet -o m.spec");
    world.good("keygen m.spec --out keys");
    std::fs::create_dir(world.path("pictures")).unwrap();
    for name in ["1.png", "2.png"] {
        write_picture(&world.path("pictures").join(name), [8, 8], 60);
    }
    let encrypt = "encrypt --key keys/client.key --image pictures -o requests";
    let output = world.command(encrypt).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(told.matches("--mean and --deviation").count(), 1, "{told}");
    let told = world.refused("encrypt --key keys/client.key --image large.png -o r.ct");
    assert!(
        told.contains("3x30x20") && told.contains("--fit crop"),
        "{told}"
    );
}

#[test]
fn what_makes_no_input_of_the_model_is_refused_with_both_numbers() {
    let world = World::new();
    let model =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../compiler/onnx/tests/fixtures/residual.onnx");
    world.write("model.onnx", std::fs::read(model).unwrap());
    for (options, words) in [
        ("--mean 123.6,116.7,103.9", "divide means of bytes by 255"),
        (
            "--deviation 58.4,57.1,57.4",
            "divide deviations of bytes by 255",
        ),
        ("--deviation 0,1,1", "above 0"),
        (
            "--mean 0.5",
            "1 numbers in the mean of pictures, the network takes 3",
        ),
        ("--mean nan,0,0", "from 0 to 1"),
        (
            "--resize 32",
            "--resize 32x32: the model takes pictures of 8x8",
        ),
        ("--gray", "the model takes 3 channels"),
        ("--crop", "--resize"),
    ] {
        let told = world.refused(&format!(
            "compile model.onnx -o m.hemet --costs costs.json {options}"
        ));
        assert!(told.contains(words), "{options}: {told}");
        assert!(!world.path("m.hemet").exists(), "{options}");
    }
}
