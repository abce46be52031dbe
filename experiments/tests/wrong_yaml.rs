//! Wrong experiment files: what is said of each, and where. Every key of an experiment and of a space is among them.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use hemet::experiment::{Experiment, Text, space_of};
use hemet_spaces::schema;
use hemet_spaces::space::SpaceSpec;
use serde_json::Value;

/// A sound experiment, a key a line.
const SOUND: &str = "\
name: e
seed: 1
data: {set: optdigits}
space: {input: [1, 8, 8], classes: 10, blocks: [{name: b1, options: [skip]}]}
search: {strategy: random, trials: 2}
";

/// A line that takes the place of the sound one of its key, or is added; `^` stands before the place that the message
/// must name. Then what the message must contain, the key's path first.
const WRONG: &[(&str, &[&str])] = &[
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
    // How candidates are trained.
    (
        "train: {epochs: ^0}",
        &["`train.epochs` is 0", "at least 1"],
    ),
    ("train: {batch: ^1}", &["`train.batch` is 1", "at least 2"]),
    (
        "train: {learning_rate: ^0}",
        &["`train.learning_rate` is 0", "above 0"],
    ),
    (
        "train: {learning_rate: ^.inf}",
        &["`train.learning_rate` is `inf`"],
    ),
    (
        "train: {warmup: ^1}",
        &["`train.warmup` is 1", "from 0 to below 1"],
    ),
    ("train: {momentum: ^1.0}", &["`train.momentum` is 1"]),
    (
        "train: {weight_decay: ^-0.1}",
        &["`train.weight_decay` is -0.1", "at least 0"],
    ),
    (
        "train: {label_smoothing: ^1}",
        &["`train.label_smoothing` is 1"],
    ),
    ("train: {clip_norm: ^0}", &["`train.clip_norm` is 0"]),
    ("train: {range: ^0}", &["`train.range` is 0", "above 0"]),
    (
        "train: {range_penalty: ^-1}",
        &["`train.range_penalty` is -1"],
    ),
    (
        "train: {shift: ^1.5}",
        &["`train.shift` is 1.5", "a whole number"],
    ),
    ("train: {flip: ^1}", &["`train.flip` is 1", "true or false"]),
    ("train: {jitter: ^-0.5}", &["`train.jitter` is -0.5"]),
    (
        "train: {balance: ^on}",
        &["`train.balance` is `on`", "true or false"],
    ),
    (
        "train: {norm_rate: ^0}",
        &["`train.norm_rate` is 0", "above 0 and at most 1"],
    ),
    ("train: {ema: ^1}", &["`train.ema` is 1"]),
    (
        "train: {polynomials: ^hermite}",
        &["`train.polynomials` is `hermite`", "`learnable` or `herpn`"],
    ),
    (
        "train: {schedule: ^linear}",
        &["`train.schedule` is `linear`", "`cosine` or `triangular`"],
    ),
    (
        "train: {shift: 2, border: ^1}",
        &["`train.border` is 1", "`zero` or `reflect`"],
    ),
    (
        "train: {flip: true, alternate: ^2}",
        &["`train.alternate` is 2", "true or false"],
    ),
    (
        "train: {alternate: ^true}",
        &["`alternate`", "where `flip` is true"],
    ),
    (
        "train: {fixed_scales: ^1}",
        &["`train.fixed_scales` is 1", "true or false"],
    ),
    (
        "train: {bias_rate: ^0}",
        &["`train.bias_rate` is 0", "above 0"],
    ),
    (
        "train: {whitening: ^true}",
        &["`train.whitening` is true", "`none`, `start` or `fixed`"],
    ),
    (
        "train: {identity: ^dirac}",
        &["`train.identity` is `dirac`", "true or false"],
    ),
    (
        "train: {lookahead: ^-5}",
        &["`train.lookahead` is -5", "at least 0"],
    ),
    (
        "train: {distillation: ^1.5}",
        &["`train.distillation` is 1.5", "from 0 to 1"],
    ),
    ("train: {temperature: ^0}", &["`train.temperature` is 0"]),
    (
        "train: {quantized_rate: ^0}",
        &["`train.quantized_rate` is 0"],
    ),
    (
        "train: {device: ^cuda}",
        &["`train.device` is `cuda`", "`cpu` or `gpu`"],
    ),
    (
        "train: {phases: ^tune}",
        &["`train.phases` is `tune`", "a list of"],
    ),
    (
        "train: {phases: [{phase: ^prune, epochs: 1}]}",
        &["`train.phases[0].phase` is `prune`", "takes `tune`"],
    ),
    (
        "train: {phases: [{phase: tune, epochs: ^0}]}",
        &["`train.phases[0].epochs` is 0", "at least 1"],
    ),
    (
        "train: {phases: [{phase: tune, epochs: 1, rate: ^0}]}",
        &["`train.phases[0].rate` is 0", "above 0 and at most 1"],
    ),
    (
        "train: {phases: [{phase: tune, epochs: 1, layers: ^first}]}",
        &["`train.phases[0].layers` is `first`", "`all` or `head`"],
    ),
    (
        "train: {^epoch: 3}",
        &["unknown key `train.epoch`", "did you mean `epochs`?"],
    ),
    // Limits.
    (
        "constraints: {max_depth: ^-1}",
        &["`constraints.max_depth` is -1"],
    ),
    (
        "constraints: {max_latency_ms: ^0}",
        &["`constraints.max_latency_ms` is 0", "above 0"],
    ),
    (
        "constraints: {max_log_n: ^14.5}",
        &["`constraints.max_log_n` is 14.5"],
    ),
    (
        "constraints: {max_log_qp_bits: ^0}",
        &["`constraints.max_log_qp_bits` is 0"],
    ),
    (
        "constraints: {max_key_mib: ^-5}",
        &["`constraints.max_key_mib` is -5"],
    ),
    (
        "constraints: {price_per_core_hour: ^0}",
        &["`constraints.price_per_core_hour` is 0"],
    ),
    (
        "constraints: {max_cost_per_1000: ^1}",
        &["max_cost_per_1000", "price_per_core_hour"],
    ),
    (
        "constraints: {max_cost_per_1000: ^-1, price_per_core_hour: 1}",
        &["`constraints.max_cost_per_1000` is -1"],
    ),
    // Compilation and choice.
    (
        "compile: {security_bits: ^100}",
        &["`compile.security_bits` is 100", "`128`, `192` or `256`"],
    ),
    (
        "compile: {post_quantum: ^1}",
        &["`compile.post_quantum` is 1", "true or false"],
    ),
    (
        "compile: {precision_bits: ^1}",
        &["`compile.precision_bits` is 1", "from 2 to 30"],
    ),
    (
        "compile: {agreement: ^49.9}",
        &["`compile.agreement` is 49.9", "from 50 to 100"],
    ),
    (
        "compile: {agreement: ^99.5, share_results: 1000}",
        &["name a precision in its place"],
    ),
    (
        "compile: {failure_bits: ^9}",
        &["`compile.failure_bits` is 9", "from 40 to 128"],
    ),
    (
        "compile: {share_results: ^0}",
        &["`compile.share_results` is 0", "at least 1"],
    ),
    (
        "compile: {output: ^class}",
        &["`compile.output` is `class`", "`logits` or `label`"],
    ),
    (
        "choose: {within_points: ^100}",
        &["`choose.within_points` is 100", "from 0 to below 100"],
    ),
    (
        "choose: {above_baseline: ^-100}",
        &["`choose.above_baseline` is -100"],
    ),
    (
        "choose: ^{above_baseline: 1}",
        &["choose.above_baseline", "baseline: mobile"],
    ),
    (
        "choose: ^{above_baseline: 1, within_points: 1}",
        &["choose", "keep one"],
    ),
    // The space.
    (
        "space: {input: ^[1, 8], classes: 2, blocks: []}",
        &["`space.input` is a list of 2", "3 times"],
    ),
    (
        "space: {input: [1, 8, ^0], classes: 2, blocks: []}",
        &["`space.input[2]` is 0", "from 1 to 65536"],
    ),
    (
        "space: {input: [1, 8, 8], classes: ^0, blocks: []}",
        &["`space.classes` is 0", "from 1 to 65536"],
    ),
    (
        "space: ^{input: [1, 8, 8], classes: 2}",
        &["`space.blocks` is missing"],
    ),
    (
        "space: {input: [1, 8, 8], classes: 2, blocks: [], activation: ^relu}",
        &["`space.activation` is `relu`", "`quadratic`"],
    ),
    (
        "space: {input: [1, 8, 8], classes: 2, blocks: [], head: {pool: ^1}}",
        &["`space.head.pool` is 1", "`global`"],
    ),
    (
        "space: ^{input: [1, 8, 8], classes: 2, blocks: [], head: {pool: 16}}",
        &["head", "16"],
    ),
    (
        "space: {input: [1, 8, 8], classes: 2, blocks: [], scheme: ^bgv}",
        &["`space.scheme` is `bgv`"],
    ),
    (
        "space: {input: [1, 8, 8], classes: 2, blocks: [], stem: {^convolution: {width: 4}}}",
        &[
            "unknown key `space.stem.convolution`",
            "did you mean `conv`?",
        ],
    ),
    (
        "space: {input: [1, 8, 8], classes: 2, blocks: [{name: ^[a], options: [skip]}]}",
        &["`space.blocks[0].name` is a list of 1"],
    ),
    (
        "space: {input: [1, 8, 8], classes: 2, blocks: [{name: ^a b, options: [skip]}]}",
        &["position name `a b`", "letters"],
    ),
    (
        "space: {input: [1, 8, 8], classes: 2, blocks: [{name: ^head, options: [skip]}]}",
        &["position name `head` is taken"],
    ),
    (
        "space: {input: [1, 8, 8], classes: 2, blocks: [{name: b, options: ^[]}]}",
        &["`space.blocks[0].options` is an empty list"],
    ),
    (
        "space: {input: [1, 8, 8], classes: 2, blocks: [{name: b, options: ^[skip, skip]}]}",
        &["offers skip twice"],
    ),
    (
        "space: {input: [1, 8, 8], classes: 2, blocks: [{name: b, options: [^fier]}]}",
        &["`space.blocks[0].options[0]` is `fier`", "`fire`"],
    ),
    (
        "space: {input: [1, 8, 8], classes: 2, blocks: [{name: b, options: [skip], pool: ^max}]}",
        &["`space.blocks[0].pool` is `max`"],
    ),
    (
        "space: {input: [1, 8, 8], classes: 2, blocks: [^{name: b, options: [skip], pool: 16}]}",
        &["position `b`", "pool 16"],
    ),
    (
        "space: {input: [1, 8, 8], classes: 2, blocks: [{name: b, options: [skip: {^width: 4}]}]}",
        &[
            "unknown key `space.blocks[0].options[0].skip.width`",
            "no key is possible",
        ],
    ),
];

/// Keys of blocks: what is written there, and what the message says of its path within the block. In a space of one
/// position.
const WRONG_BLOCKS: &[(&str, &str)] = &[
    (
        "conv: {width: ^0}",
        "conv.width` is 0; it takes a whole number, from 1 to 65536",
    ),
    ("conv: {width: 4, kernel: ^0}", "conv.kernel` is 0"),
    ("conv: {width: 4, kernel: ^1x0}", "conv.kernel` is `1x0`"),
    ("conv: {width: 4, stride: [1, ^0]}", "conv.stride[1]` is 0"),
    (
        "conv: {width: 4, stride: [^2x, 1]}",
        "conv.stride[0]` is `2x`",
    ),
    ("conv: {width: 4, groups: ^none}", "conv.groups` is `none`"),
    ("conv: {width: 4, taps: ^star}", "conv.taps` is `star`"),
    ("conv: {width: 4, seen: ^2}", "conv.seen` is 2"),
    ("conv: {width: 4, seen: [1, ^0]}", "conv.seen[1]` is 0"),
    ("conv: {width: 4, circulant: ^0}", "conv.circulant` is 0"),
    (
        "conv: {width: 4, activation: ^relu}",
        "conv.activation` is `relu`",
    ),
    ("conv: {width: 4, ^kernal: 3}", "conv.kernal`"),
    ("residual: {width: 4, groups: ^0}", "residual.groups` is 0"),
    (
        "residual: {width: 4, taps: ^star}",
        "residual.taps` is `star`",
    ),
    ("residual: {width: 4, seen: ^2}", "residual.seen` is 2"),
    ("dense: {width: ^0}", "dense.width` is 0"),
    ("dense: {width: 4, circulant: ^0}", "dense.circulant` is 0"),
    (
        "dense: {width: 4, activation: ^poly1}",
        "dense.activation` is `poly1`",
    ),
    ("fire: {squeeze: ^0, expand: 4}", "fire.squeeze` is 0"),
    ("fire: {squeeze: 4, expand: ^0}", "fire.expand` is 0"),
    (
        "fire: {squeeze: 4, expand: 4, activation: ^3}",
        "fire.activation` is 3",
    ),
    (
        "fire: {squeeze: 4, expand: 4, inner_activation: ^x}",
        "fire.inner_activation` is `x`",
    ),
    (
        "inception: {conv1: ^-1, conv3: 4}",
        "inception.conv1` is -1",
    ),
    (
        "inception: {conv1: 4, conv3: ^x}",
        "inception.conv3` is `x`",
    ),
    (
        "inception: {conv1: 4, conv3: 4, conv5: ^-2}",
        "inception.conv5` is -2",
    ),
    (
        "inception: {conv1: 4, conv3: 4, pool: ^1.5}",
        "inception.pool` is 1.5",
    ),
    (
        "inception: {conv1: 4, conv3: 4, reduce: ^-1}",
        "inception.reduce` is -1",
    ),
    (
        "inception: {conv1: 4, conv3: 4, stride: ^0}",
        "inception.stride` is 0",
    ),
    (
        "inception: {conv1: 4, conv3: 4, activation: ^x}",
        "inception.activation` is `x`",
    ),
    (
        "inception: {conv1: 4, conv3: 4, reduce: 1, inner_activation: ^x}",
        "inception.inner_activation` is `x`",
    ),
    ("inception: ^{conv1: 0, conv3: 0}", "needs a branch"),
    (
        "inverted_residual: {width: ^0, expansion: 2}",
        "inverted_residual.width` is 0",
    ),
    (
        "inverted_residual: {width: 4, expansion: ^0}",
        "inverted_residual.expansion` is 0",
    ),
    (
        "inverted_residual: {width: 4, expansion: 2, kernel: ^0}",
        "inverted_residual.kernel` is 0",
    ),
    (
        "inverted_residual: {width: 4, expansion: 2, stride: ^0}",
        "inverted_residual.stride` is 0",
    ),
    (
        "inverted_residual: {width: 4, expansion: 2, activation: ^x}",
        "inverted_residual.activation` is `x`",
    ),
    (
        "inverted_residual: {width: 4, expansion: 2, inner_activation: ^x}",
        "inverted_residual.inner_activation` is `x`",
    ),
    ("residual: {width: ^0}", "residual.width` is 0"),
    ("residual: ^{width: 4, kernel: 2}", "`kernel` must be odd"),
    ("residual: {width: 4, kernel: ^0}", "residual.kernel` is 0"),
    ("residual: {width: 4, stride: ^0}", "residual.stride` is 0"),
    (
        "residual: {width: 4, activation: ^x}",
        "residual.activation` is `x`",
    ),
    (
        "residual: {width: 4, inner_activation: ^x}",
        "residual.inner_activation` is `x`",
    ),
    ("pool: {window: ^1}", "pool.window` is 1"),
    ("pool: {window: ^wide}", "pool.window` is `wide`"),
    ("pool: ^{}", "pool.window` is missing"),
];

/// The text without its mark, and the line and column of it.
fn marked(text: &str) -> (String, String) {
    let line = text.lines().position(|line| line.contains('^'));
    let line = line.expect("a mark");
    let column = text.lines().nth(line).and_then(|row| row.find('^'));
    let place = format!("e.yaml:{}:{}:", line + 1, column.expect("a mark") + 1);
    (text.replacen('^', "", 1), place)
}

/// The sound experiment with this line in it.
fn with(line: &str) -> String {
    let (key, _) = line.split_once(':').expect("a key");
    let key = format!("{}:", key.trim_start_matches('^'));
    let mut lines: Vec<&str> = SOUND.lines().collect();
    match lines.iter().position(|sound| sound.starts_with(&key)) {
        Some(index) => lines[index] = line,
        None if key == "space_file:" => lines[3] = line,
        None => lines.push(line),
    }
    lines.join("\n") + "\n"
}

/// What is said of an experiment.
fn told(text: &str) -> Option<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("e.yaml");
    std::fs::write(&path, text).expect("written");
    let error = Experiment::read(&path).err()?;
    assert_eq!(error.exit_status(), 2);
    // Narrow terminals break lines.
    let words: Vec<String> = error
        .render()
        .replace('│', " ")
        .split_whitespace()
        .map(String::from)
        .collect();
    Some(words.join(" "))
}

#[test]
fn every_wrong_line_is_told_with_what_and_where() {
    let blocks = WRONG_BLOCKS.iter().map(|(option, expected)| {
        let space = "space: {input: [1, 8, 8], classes: 2, blocks: [{name: b, options: [skip, ";
        (format!("{space}{{{option}}}]}}]}}"), vec![*expected])
    });
    let lines = WRONG
        .iter()
        .map(|(line, expected)| (line.to_string(), expected.to_vec()));
    assert_eq!(told(SOUND), None);
    let mut failures = Vec::new();
    for (line, expected) in lines.chain(blocks) {
        let (text, place) = marked(&with(&line));
        let told = told(&text).unwrap_or_default();
        let lacks = |part: &&str| !told.contains(*part);
        for part in expected
            .iter()
            .copied()
            .chain([place.as_str()])
            .filter(lacks)
        {
            failures.push(format!("{line}\n  lacks {part}\n  says {told}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The paths of all keys that a schema has, without those of blocks.
fn keys(root: &Value, schema: &Value, path: &str, out: &mut BTreeSet<String>) {
    let schema = schema::resolve(root, schema);
    for branch in ["anyOf", "oneOf"] {
        for branch in schema[branch].as_array().into_iter().flatten() {
            keys(root, branch, path, out);
        }
    }
    keys_of_items(root, schema, path, out);
    for (key, value) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        out.insert(path.trim_start_matches('.').to_owned());
        keys(root, value, &path, out);
    }
}

fn keys_of_items(root: &Value, schema: &Value, path: &str, out: &mut BTreeSet<String>) {
    if schema["items"].is_object() {
        keys(root, &schema["items"], path, out);
    }
}

#[test]
fn every_key_of_an_experiment_and_a_space_is_among_the_wrong_lines() {
    let mut all = BTreeSet::new();
    let root = schema::of::<Experiment>();
    keys(&root, &root, "", &mut all);
    assert!(all.len() > 90, "{all:?}");
    let table = format!("{WRONG:?}{WRONG_BLOCKS:?}");
    // Without the indices of lists, and of a block the part below it.
    let table: String = table
        .replace("[0]", "")
        .replace("[1]", "")
        .replace("[2]", "");
    let named = |path: &&String| {
        let inside = path.rsplit("options.").next().unwrap_or(path);
        let inside = inside.rsplit("stem.").next().unwrap_or(inside);
        table.contains(inside) || table.contains(&format!("{inside}:"))
    };
    let missing: Vec<&String> = all.iter().filter(|path| !named(path)).collect();
    assert!(missing.is_empty(), "no wrong line for {missing:?}");
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once() {
    let text = format!("{SOUND}train: {{epochs: 0, bach: 3}}\nencrypted_images: none\n");
    let told = told(&text).expect("refused");
    for part in [
        "e.yaml:6:17",
        "`train.epochs`",
        "e.yaml:6:20",
        "`train.bach`",
        "e.yaml:7:19",
        "`encrypted_images`",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn a_key_that_stands_twice_is_refused_where_it_stands() {
    let told = told(&format!("{SOUND}seed: 2\n")).expect("refused");
    assert!(told.contains("`seed`") && told.contains("twice"), "{told}");
}

#[test]
fn a_byte_order_mark_is_read_and_other_encodings_are_named() {
    assert_eq!(told(&format!("\u{feff}{SOUND}")), None);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("e.yaml");
    let wide: Vec<u8> = SOUND.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, expected) in [
        ([b"\xff\xfe".to_vec(), wide].concat(), "UTF-16"),
        (b"name: \xe9".to_vec(), "byte 6"),
    ] {
        std::fs::write(&path, bytes).expect("written");
        let told = Experiment::read(&path).expect_err("refused").render();
        assert!(told.contains(expected) && told.contains("UTF-8"), "{told}");
    }
}

#[test]
fn files_that_would_take_a_machine_are_refused_at_once() {
    let anchors = |depth: usize| {
        let line = |n: usize| {
            format!(
                "a{n}: &a{n} [{}]\n",
                ["*a"; 9].map(|a| format!("{a}{}", n - 1)).join(", ")
            )
        };
        format!("a0: &a0 [x]\n{}", (1..depth).map(line).collect::<String>())
    };
    for (what, text) in [
        ("brackets", "[".repeat(100_000)),
        ("braces", "{a: ".repeat(50_000)),
        (
            "brackets after a quote",
            format!("a: \"b\"\nc: {}", "[".repeat(100_000)),
        ),
        (
            "brackets after an escaped quote that looks like its end",
            format!("a: [\"b\\\" '\", {}", "[".repeat(100_000)),
        ),
        (
            "brackets after a quote in a comment's place",
            format!("a: b '\nc: {}", "[".repeat(100_000)),
        ),
        (
            "brackets within brackets whose ends are quoted",
            "[ \"]\", ".repeat(30_000),
        ),
        ("lists in lists", "- ".repeat(100_000)),
        ("keys of keys", "? ".repeat(100_000)),
        ("aliases", anchors(20)),
        ("size", format!("{SOUND}# {}", "x".repeat(1 << 20))),
    ] {
        let begun = Instant::now();
        assert!(told(&text).is_some(), "{what}");
        let taken = begun.elapsed();
        assert!(taken < Duration::from_secs(2), "{what}: {taken:?}");
    }
}

#[test]
fn brackets_in_texts_and_comments_do_not_count() {
    let comment = format!("# {}\n{SOUND}", "[ ".repeat(100));
    assert_eq!(told(&comment), None);
    let quoted = with(&format!("name: ^\"{}\"", "[".repeat(100))).replace('^', "");
    let told = told(&quoted).expect("a name of letters");
    assert!(told.contains("letters, digits"), "{told}");
}

#[test]
fn a_space_file_is_told_at_its_own_place() {
    let text = "input: [1, 8, 8]\nclasses: 2\nblocks:\n  - name: b\n    options:\n      - conv: {width: 0}\n";
    let text = Text::of(Path::new("s.yaml"), text).expect("a text");
    let told = space_of(&text).expect_err("refused").render();
    assert!(
        told.contains("s.yaml:6:23") && told.contains("conv.width"),
        "{told}"
    );
    assert!(schema::of::<SpaceSpec>()["properties"]["classes"].is_object());
}
