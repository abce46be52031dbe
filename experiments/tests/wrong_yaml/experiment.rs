//! Wrong lines of an experiment: its own keys, data, quantization and search.

use crate::Wrong;

pub const LINES: &[Wrong] = &[
    // The experiment.
    ("name: ^a b", &["name", "letters, digits"]),
    ("name: ^[a]", &["`name` is a list of 1", "takes text"]),
    ("seed: ^-1", &["`seed` is -1", "at least 0"]),
    ("seed: ^1.5", &["`seed` is 1.5", "a whole number"]),
    ("seed: ^many", &["`seed` is `many`", "a whole number"]),
    (
        "^seeed: 1",
        &["unknown key `seeed`", "did you mean `seed`?"],
    ),
    ("data: ^optdigits", &["`data` is `optdigits`", "`set`"]),
    ("data:^", &["`data` is nothing"]),
    ("data: ^{}", &["`data.set` is missing", "`mnist`"]),
    (
        "data: {set: ^optdigit}",
        &["`data.set` is `optdigit`", "did you mean `optdigits`?"],
    ),
    (
        "data: {set: optdigits, validation: ^0}",
        &["`data.validation` is 0", "above 0 and below 1"],
    ),
    (
        "data: {set: optdigits, validation: ^1}",
        &["`data.validation` is 1"],
    ),
    (
        "data: {set: optdigits, path: ^[a, b]}",
        &["`data.path` is a list of 2", "text"],
    ),
    (
        "data: {set: optdigits, ^folder: x}",
        &["unknown key `data.folder`", "path"],
    ),
    ("space_file: ^no.yaml", &["space_file", "no.yaml"]),
    ("scheme: ^bfv", &["`scheme` is `bfv`", "`ckks` or `tfhe`"]),
    (
        "scheme: [ckks, ^ckks]",
        &["`scheme[1]` is `ckks`, which was there before"],
    ),
    (
        "objectives: [accuracy, ^speed]",
        &["`objectives[1]` is `speed`", "`latency`"],
    ),
    ("objectives: ^[latency]", &["objectives", "accuracy in it"]),
    (
        "objectives: ^[accuracy, cost]",
        &["objectives", "price_per_core_hour"],
    ),
    ("objectives: ^[]", &["`objectives` is an empty list"]),
    (
        "encrypted_images: ^0",
        &["`encrypted_images` is 0", "at least 1"],
    ),
    (
        "measured_members: ^-1",
        &["`measured_members` is -1", "at least 0"],
    ),
    (
        "objectives: ^[auc, accuracy]",
        &["objectives", "one of accuracy"],
    ),
    (
        "data: {set: image_folder, resize: ^[0, 8]}",
        &["resize is [0, 8]", "from 1 to 4096"],
    ),
    (
        "data: {set: image_folder, resize: ^32}",
        &["`data.resize` is 32", "a list"],
    ),
    (
        "data: {set: image_folder, crop: ^yes please}",
        &["`data.crop` is `yes please`", "true or false"],
    ),
    (
        "data: {set: image_folder, gray: ^1}",
        &["`data.gray` is 1", "true or false"],
    ),
    (
        "data: {set: ^optdigits, gray: true}",
        &["resize, crop and gray", "image_folder"],
    ),
    (
        "train: {patience: ^0}",
        &["`train.patience` is 0", "at least 1"],
    ),
    ("card: ^people", &["`card` is `people`", "`purpose`"]),
    (
        "card: {purpose: ^[a]}",
        &["`card.purpose` is a list of 1", "text"],
    ),
    ("card: {limits: ^{}}", &["`card.limits` is", "text"]),
    ("card: {license: ^[]}", &["`card.license` is", "text"]),
    (
        "card: {^licence: MIT}",
        &["unknown key `card.licence`", "license"],
    ),
    // How networks become integers.
    (
        "quantize: {input_levels: ^1}",
        &["`quantize.input_levels` is 1", "from 2 to 256"],
    ),
    (
        "quantize: {input_low: ^.nan}",
        &["`quantize.input_low` is `NaN`", "a number"],
    ),
    (
        "quantize: {input_high: ^.inf}",
        &["`quantize.input_high` is `inf`"],
    ),
    (
        "quantize: ^{input_low: 1, input_high: 0}",
        &["inputs from 1 to 0", "ascending"],
    ),
    (
        "quantize: {weight_bits: ^5}",
        &["`quantize.weight_bits` is 5", "from 1 to 4"],
    ),
    (
        "quantize: {activation_bits: ^0}",
        &["`quantize.activation_bits` is 0"],
    ),
    (
        "quantize: {activation: ^tanh}",
        &[
            "`quantize.activation` is `tanh`",
            "`relu`, `sign`, `silu` or `gelu`",
        ],
    ),
    (
        "quantize: {boxes: ^1}",
        &["`quantize.boxes` is 1", "from 2 to 512"],
    ),
    (
        "quantize: {rounding: ^5}",
        &["`quantize.rounding` is 5", "from 0 to 4"],
    ),
    ("quantise: {boxes: ^1}", &["`quantise.boxes` is 1"]),
    // How candidates are proposed.
    (
        "search: ^{trials: 2}",
        &["`search.strategy` is missing", "`greedy`"],
    ),
    (
        "search: {strategy: ^annealing, trials: 2}",
        &["`search.strategy` is `annealing`", "`nsga2`"],
    ),
    (
        "search: {strategy: random, trials: ^0}",
        &["`search.trials` is 0", "at least 1"],
    ),
    (
        "search: {strategy: random, ^trails: 2, trials: 2}",
        &["unknown key `search.trails`", "did you mean `trials`?"],
    ),
    (
        "search: {strategy: random, trials: 2, workers: ^two}",
        &["`search.workers` is `two`"],
    ),
    (
        "search: {strategy: random, trials: 2, threads: ^2000}",
        &["`search.threads` is 2000", "1024"],
    ),
    (
        "search: {strategy: random, trials: 2, lag: ^0}",
        &["`search.lag` is 0", "at least 1"],
    ),
    (
        "search: {strategy: random, trials: 2, max_minutes: ^0}",
        &["`search.max_minutes` is 0", "above 0"],
    ),
    (
        "search: {strategy: random, trials: 2, inherit: ^yes}",
        &["`search.inherit` is `yes`", "true or false"],
    ),
    (
        "search: {strategy: random, trials: 2, baseline: ^best}",
        &["`search.baseline` is `best`", "`mobile`"],
    ),
    (
        "search: {strategy: random, trials: 2, halving: ^2}",
        &["`search.halving` is 2", "`rungs`"],
    ),
    (
        "search: {strategy: random, trials: 2, halving: {rungs: [^0]}}",
        &["`search.halving.rungs[0]` is 0", "at least 1"],
    ),
    (
        "search: {strategy: random, trials: 2, halving: {rungs: ^[4, 2]}}",
        &["halving.rungs", "ascending"],
    ),
    (
        "search: {strategy: random, trials: 2, halving: {rungs: ^[]}}",
        &["`search.halving.rungs` is an empty list"],
    ),
    (
        "search: {strategy: random, trials: 2, halving: {rungs: [2], factor: ^1}}",
        &["`search.halving.factor` is 1", "at least 2"],
    ),
];
