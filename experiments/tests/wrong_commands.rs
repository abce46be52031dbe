//! Wrong command lines: each is refused with exit status 2 and a message that says what, where, both numbers where
//! there are two, and what to do; and nothing is left behind.

mod world;

use std::collections::BTreeMap;
use std::path::Path;

use world::{World, tiny};

const SETTINGS: &str = "\
search: {strategy: exhaustive, trials: 2}
train: {epochs: 2}
encrypted_images: 1
measured_members: 0
";

/// Arguments, and what the message must contain.
const WRONG: &[(&str, &[&str])] = &[
    // What is not there.
    ("search none.yaml", &["none.yaml", "No such file"]),
    ("search run", &["run"]),
    ("report none", &["none", "no run folder", "hemet search"]),
    ("report .", &["no run folder"]),
    ("report run none", &["none", "no run folder"]),
    ("watch none", &["none", "no run folder"]),
    ("train none --trial 0", &["none"]),
    ("inspect none.hemet", &["none.hemet", "No such file"]),
    ("verify none.hemet", &["none.hemet"]),
    ("bench none.hemet", &["none.hemet"]),
    ("evaluate none.hemet", &["none.hemet"]),
    ("client-spec none.hemet -o x.spec", &["none.hemet"]),
    ("keygen none.spec --out x", &["none.spec"]),
    (
        "encrypt --key none.key --set optdigits -o x.ct",
        &["none.key"],
    ),
    ("decrypt --key none.key x.ct", &["none.key"]),
    ("space none.yaml", &["none.yaml"]),
    ("init none", &["none", "No such file"]),
    ("data check none --set image_folder", &["none"]),
    ("data check . --set nonesuch", &["nonesuch", "optdigits"]),
    ("compile none --trial 0 -o x.hemet", &["none"]),
    // What is something else.
    ("inspect tiny.yaml", &["tiny.yaml"]),
    ("inspect empty", &["empty"]),
    ("search empty", &["empty"]),
    ("keygen tiny.yaml --out x", &["tiny.yaml"]),
    ("decrypt --key keys/server.keys x.ct", &["server.keys"]),
    (
        "encrypt --key run/best.hemet --set optdigits -o x.ct",
        &["best.hemet"],
    ),
    (
        "predict run/best.hemet --keys keys/client.key image.ct -o x.ct",
        &["client.key"],
    ),
    (
        "predict run/best.hemet --keys keys/server.keys keys/server.keys -o x.ct",
        &["server.keys"],
    ),
    (
        "predict run/best.spec --keys keys/server.keys image.ct -o x.ct",
        &["best.spec"],
    ),
    ("decrypt --key keys/client.key image.ct", &["image.ct"]),
    ("compile tiny.yaml -o x.hemet", &["tiny.yaml"]),
    ("compile photo.png -o x.hemet", &["photo.png"]),
    ("init tiny.yaml", &["tiny.yaml", "no CSV file"]),
    ("search tiny.yaml --out x --costs tiny.yaml", &["tiny.yaml"]),
    (
        "search tiny.yaml --out x --costs m5",
        &["m5", "known machines: epyc-zen4"],
    ),
    ("inspect run/best.hemet --costs tiny.yaml", &["tiny.yaml"]),
    // What does not fit.
    (
        "search tiny.yaml --out run --costs costs.json",
        &["run", "--resume", "--out"],
    ),
    (
        "search other.yaml --out run --resume",
        &["other experiment", "`seed` was 3, now it is 4"],
    ),
    ("train run --trial 9", &["2 trials", "no trial 9"]),
    (
        "compile run --trial 9 -o x.hemet",
        &["2 trials", "no trial 9"],
    ),
    ("compile run -o x.hemet", &["--trial"]),
    (
        "compile run --trial 0 -o x.hemet --input-range 3",
        &["--input-range", "ONNX"],
    ),
    (
        "compile run --trial 0 -o x.hemet --scheme tfhe",
        &["trained for scheme ckks, not tfhe"],
    ),
    ("evaluate run/best.hemet --set mnist", &["mnist"]),
    (
        "evaluate run/best.hemet --set nonesuch",
        &["nonesuch", "optdigits"],
    ),
    (
        "evaluate run/best.hemet --keep tiny.yaml",
        &["tiny.yaml", "no answers of an evaluation"],
    ),
    (
        "encrypt --key keys/client.key --set optdigits --index 1797 -o x.ct",
        &["1797 test images", "no image 1797"],
    ),
    (
        "encrypt --key keys/client.key --set optdigits --count 0 -o x.ct",
        &["0"],
    ),
    (
        "encrypt --key keys/client.key --set optdigits --count 2 -o x.ct",
        &["-o DIR/"],
    ),
    (
        "encrypt --key keys/client.key --image short.txt -o x.ct",
        &["has 3 numbers", "takes 64"],
    ),
    (
        "encrypt --key keys/client.key --image words.txt -o x.ct",
        &["`word`", "finite number"],
    ),
    (
        "encrypt --key keys/client.key --image photo.png -o x.ct",
        &["3x2x4", "takes 1x8x8", "--fit"],
    ),
    (
        "encrypt --key keys/client.key --image large.txt -o x.ct",
        &["1000"],
    ),
    (
        "encrypt --key keys/client.key --table words.txt -o x.ct",
        &["columns", "--image"],
    ),
    (
        "encrypt --key keys/client.key --image photos -o x",
        &["2 of 2 files cannot be encrypted", "a.png", "words.txt"],
    ),
    (
        "encrypt --key keys/client.key --image empty-folder -o x",
        &["no file"],
    ),
    (
        "encrypt --key keys/client.key --set optdigits --count 2 -o keys/",
        &["holds files already"],
    ),
    (
        "predict run/best.hemet --keys keys/server.keys keys -o x",
        &["keys", ".ct"],
    ),
    (
        "predict run/best.hemet --keys keys/server.keys empty-folder -o x",
        &["no file"],
    ),
    ("decrypt --key keys/client.key keys", &[".ct"]),
    ("keygen run/best.spec --out keys", &["--force"]),
    ("report run --export csv", &["--out"]),
    ("report run --export excel -o x", &["excel", "optuna"]),
    ("report run half --export csv -o x", &["--export"]),
    ("report run elsewhere", &["objectives", "accuracy, depth"]),
    // What means nothing.
    ("search tiny.yaml --out x --workers 0", &["--workers", "0"]),
    ("search tiny.yaml --out x --seed=-1", &["--seed"]),
    (
        "search tiny.yaml --out x --seeds 3..1",
        &["--seeds", "1..3"],
    ),
    ("search tiny.yaml --seeds 1,2 --seed 3", &["--seed"]),
    ("search tiny.yaml --check --resume", &["--resume"]),
    ("search tiny.yaml --out x --storage mysql://x", &["mysql"]),
    (
        "search tiny.yaml --live nonsense --out x",
        &["nonsense", "127.0.0.1"],
    ),
    ("watch run --listen 127.0.0.1:99999", &["127.0.0.1:99999"]),
    (
        "evaluate run/best.hemet --specificity 2",
        &["--specificity", "from 0 to 1"],
    ),
    ("evaluate run/best.hemet --simulate --clear", &["--clear"]),
    ("evaluate run/best.hemet --limit many", &["--limit", "many"]),
    ("inspect run/best.hemet --card --json", &["--json"]),
    ("init photos --resize 0", &["--resize", "from 1 to 4096"]),
    ("init photos --resize 32x", &["--resize", "32x48"]),
    (
        "compile run --trial 0 -o x.hemet --security 100",
        &["128, 192 or 256"],
    ),
    ("train run --trial 0 --epochs 0", &["epochs", "0"]),
    ("train run --trial 0 --options {emma:0.9}", &["emma"]),
    ("calibrate --list --full", &["--full"]),
    ("opt", &["opt"]),
    ("sear tiny.yaml", &["sear", "search"]),
    ("search", &["EXPERIMENT"]),
    ("search tiny.yaml --no-such-option", &["--no-such-option"]),
];

/// Every file below a folder with its length; the kept costs may come.
fn files(folder: &Path, before: &str, out: &mut BTreeMap<String, u64>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{before}/{}", path.file_name().unwrap().to_string_lossy());
        match path.is_dir() {
            true => {
                out.insert(name.clone(), 0);
                files(&path, &name, out);
            }
            false => drop(out.insert(name, std::fs::metadata(&path).unwrap().len())),
        }
    }
}

fn world() -> World {
    let world = World::new();
    let text = tiny("width: 4, kernel: 3", SETTINGS);
    world.write("tiny.yaml", &text);
    world.write("other.yaml", text.replace("seed: 3", "seed: 4"));
    world.good("search tiny.yaml --out run --costs costs.json");
    world.good("keygen run/best.spec --out keys");
    world.good("encrypt --key keys/client.key --set optdigits -o image.ct");
    world.write("empty", "");
    world.write("short.txt", "1 2 3");
    world.write("words.txt", "1 word 3");
    world.write("large.txt", vec!["1000"; 64].join(" "));
    std::fs::create_dir_all(world.path("photos")).unwrap();
    std::fs::create_dir_all(world.path("empty-folder")).unwrap();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 4, 2);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[100; 24]).unwrap();
    writer.finish().unwrap();
    world.write("photo.png", &bytes);
    world.write("photos/a.png", &bytes);
    world.write("photos/words.txt", "1 word 3");
    for (name, more) in [
        ("half", ""),
        ("elsewhere", "objectives: [accuracy, depth]\n"),
    ] {
        std::fs::create_dir_all(world.path(name)).unwrap();
        for file in ["costs.json", "journal.jsonl"] {
            std::fs::copy(world.path("run").join(file), world.path(name).join(file)).unwrap();
        }
        let text = world.read("run/experiment.yaml");
        world.write(&format!("{name}/experiment.yaml"), format!("{text}{more}"));
    }
    // What reading a run makes where it is missing.
    world.good("report half");
    world.good("report elsewhere");
    world
}

#[test]
fn wrong_command_lines_are_refused_with_what_to_do_and_leave_nothing() {
    let world = world();
    let mut before = BTreeMap::new();
    files(&world.path(""), "", &mut before);
    let mut failures = Vec::new();
    for (arguments, expected) in WRONG {
        let output = world.command(arguments).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.code() != Some(2) {
            failures.push(format!(
                "hemet {arguments}\n  ends with {:?}: {told}",
                output.status.code()
            ));
        }
        // Bare words stand in a line of their own in usage texts; a message has more than one word.
        let lacks = |part: &&&str| !told.contains(**part);
        for part in expected.iter().filter(lacks) {
            failures.push(format!("hemet {arguments}\n  lacks {part}\n  says {told}"));
        }
        if told.contains("panicked") || told.trim().is_empty() {
            failures.push(format!("hemet {arguments}\n  says {told}"));
        }
        let mut after = BTreeMap::new();
        files(&world.path(""), "", &mut after);
        if after != before {
            let changed: Vec<_> = after
                .iter()
                .filter(|(name, length)| before.get(*name) != Some(length))
                .collect();
            failures.push(format!("hemet {arguments}\n  leaves {changed:?}"));
            before = after;
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        WRONG.len(),
        failures.join("\n")
    );
}

/// With the wrong files of `wrong_yaml.rs` there are many more than 122.
#[test]
fn the_set_is_large() {
    assert!(WRONG.len() >= 80, "{}", WRONG.len());
    let distinct: std::collections::BTreeSet<_> = WRONG.iter().map(|(line, _)| line).collect();
    assert_eq!(distinct.len(), WRONG.len());
}
