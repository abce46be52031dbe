//! Wrong lines of a space, and wrong blocks.

use crate::Wrong;

pub const LINES: &[Wrong] = &[
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
        "space: {input: [1, 8, 8], classes: 2, blocks: [], device: ^-1}",
        &["`space.device` is -1", "at least 0"],
    ),
    (
        "space: {input: [1, 8, 8], classes: 2, blocks: [], device: [2, ^2]}",
        &["`space.device[1]` is 2, which was there before"],
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
pub const BLOCKS: &[(&str, &str)] = &[
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
