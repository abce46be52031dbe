//! Wrong lines of an experiment: training, limits, compilation and choice.

use crate::Wrong;

pub const LINES: &[Wrong] = &[
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
        "constraints: {max_device_products: ^-1}",
        &["`constraints.max_device_products` is -1", "at least 0"],
    ),
    (
        "deploy: {prefix: ^[a, b]}",
        &["`deploy.prefix` is a list", "text"],
    ),
    (
        "deploy: {device_layers: ^-1}",
        &["`deploy.device_layers` is -1", "from 0 to 1000"],
    ),
    (
        "deploy: {^layers: 2}",
        &["unknown key `deploy.layers`", "device_layers"],
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
];
