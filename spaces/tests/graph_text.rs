//! The text form of a graph, its parser, and the graph's own checks.

use hemet_spaces::layer::{Conv, Dense, Poly};
use hemet_spaces::{Error, Layer, LayerGraph, Shape, Space, Statistics, presets};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const TEXT: &str = "\
hemet-graph 1
input: 1x8x8 = input()
conv: 4x8x8 = conv(input) out=4 kernel=3 stride=1 padding=1 groups=1
norm: 4x8x8 = affine(conv)
act: 4x8x8 = poly(norm) degree=2 per_channel
side: 4x8x8 = conv(act) out=4 kernel=1 stride=1 padding=0 groups=4 bias
sum: 4x8x8 = add(act, side)
both: 8x8x8 = concat(sum, act)
pool: 8x4x4 = average_pool(both) kernel=2 stride=2
cube: 8x4x4 = poly(pool) degree=3
head: 10x1x1 = dense(cube) out=10 bias
";

#[test]
fn a_text_is_read_and_written_back_unchanged() {
    assert_eq!(LayerGraph::parse(TEXT).unwrap().to_string(), TEXT);
    let loose = TEXT.replace(
        "input: 1x8x8 = input()",
        "\n# the image\n input :1x8x8= input( ) # grey\r",
    );
    assert_eq!(
        LayerGraph::parse(&loose).unwrap(),
        LayerGraph::parse(TEXT).unwrap()
    );
}

#[test]
fn statistics_count_what_the_text_shows() {
    let statistics = LayerGraph::parse(TEXT).unwrap().statistics();
    let expected = Statistics {
        layers: 10,
        parameters: (4 * 9) + (4 + 4) + (4 * 3) + (4 + 4) + 4 + (10 * 128 + 10),
        macs: 4 * 64 * 9 + 4 * 64 + 10 * 128,
        activations: 2,
        // conv, norm, act 1 + 1, side, pool, cube 2 + 1, head.
        depth_unmerged: 1 + 1 + 2 + 1 + 1 + 3 + 1,
    };
    assert_eq!(statistics, expected);
}

#[test]
fn every_preset_network_survives_its_text() {
    for (name, text) in presets::PRESETS {
        let space: Space = serde_yaml::from_str(text).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for _ in 0..20 {
            let graph = space.graph(&space.sample(&mut rng)).unwrap();
            let read = LayerGraph::parse(&graph.to_string()).unwrap();
            assert_eq!(read, graph, "preset {name}");
            assert_eq!(read.id(), graph.id());
        }
    }
}

/// A part of `TEXT`, what stands in its place, and what the error must contain.
const WRONG: &[(&str, &str, &[&str])] = &[
    (
        "hemet-graph 1",
        "hemet-graph 2",
        &["line 1", "hemet-graph 2", "hemet-graph 1"],
    ),
    (
        "input: 1x8x8 = input()",
        "image: 1x8x8 = input()",
        &["line 2", "first layer"],
    ),
    ("= input()", "= input(input)", &["line 2"]),
    (
        "norm: 4x8x8 = affine(conv)",
        "norm: 4x8x8 = affine(cnov)",
        &["line 4", "cnov"],
    ),
    (
        "norm: 4x8x8 = affine(conv)",
        "norm: 4x8x8 = batch_norm(conv)",
        &["line 4", "batch_norm", "affine"],
    ),
    ("norm: 4x8x8", "norm: 4x8x9", &["line 4", "4x8x8", "4x8x9"]),
    ("norm: 4x8x8", "norm: 4x8", &["line 4", "`4x8` is no shape"]),
    (
        "norm: 4x8x8",
        "conv: 4x8x8",
        &["line 4", "two layers are named `conv`"],
    ),
    (
        "affine(conv)",
        "affine(conv, input)",
        &["line 4", "takes 1 input(s), 2 given"],
    ),
    (
        "add(act, side)",
        "add(act)",
        &["line 7", "at least 2 input(s), 1 given"],
    ),
    (
        "add(act, side)",
        "add(act, input)",
        &["line 7", "equal shapes", "4x8x8", "1x8x8"],
    ),
    ("affine(conv)", "affine conv", &["line 4", "`(` is missing"]),
    ("stride=2", "stride=0", &["line 9", "stride must be 1 to"]),
    ("stride=2", "stride=two", &["line 9", "stride=two"]),
    ("stride=2", "", &["line 9", "`stride=` is missing"]),
    (
        "stride=2",
        "stride=2 padding=2",
        &["line 9", "padding 2 is no smaller"],
    ),
    (
        "kernel=2",
        "kernel=16",
        &["line 9", "16", "8x8", "smaller window"],
    ),
    ("degree=3", "degree=0", &["line 10", "degree must be 1 to"]),
    ("groups=4", "groups=3", &["line 6", "groups 3 must divide"]),
    (
        "out=4 kernel=3",
        "out=99999999999 kernel=3",
        &["line 3", "99999999999"],
    ),
    (
        "out=4 kernel=3",
        "out=99999999999999999999999 kernel=3",
        &["line 3", "not a whole number"],
    ),
    (
        "padding=1",
        "padding=18446744073709551615",
        &["line 3", "padding"],
    ),
    (
        "1x8x8 = input",
        "200000x200000x200000 = input",
        &["line 2", "elements"],
    ),
    (
        "concat(sum, act)",
        "concat(act, act)",
        &["line 7", "`sum` is read by none"],
    ),
    ("norm:", "no rm:", &["line 4", "no rm", "letters"]),
];

#[test]
fn a_wrong_text_is_refused_with_line_and_reason() {
    for (from, to, expected) in WRONG {
        let text = TEXT.replacen(from, to, 1);
        assert_ne!(text, TEXT, "`{from}` is in the text");
        let message = LayerGraph::parse(&text).unwrap_err().to_string();
        for part in *expected {
            assert!(message.contains(part), "no `{part}` in `{message}`");
        }
    }
    let empty = LayerGraph::parse("").unwrap_err().to_string();
    assert!(empty.contains("hemet-graph 1"), "{empty}");
    let bare = LayerGraph::parse("hemet-graph 1\n")
        .unwrap_err()
        .to_string();
    assert!(bare.contains("no layers"), "{bare}");
}

#[test]
fn mutated_texts_never_panic_and_what_is_accepted_is_stable() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let alphabet = b"0123456789x=(),:.# \nabcdefgprs_-";
    for _ in 0..20_000 {
        let mut bytes = TEXT.as_bytes().to_vec();
        for _ in 0..rng.random_range(1..5) {
            let place = rng.random_range(0..bytes.len() as u32) as usize;
            let new = alphabet[rng.random_range(0..alphabet.len() as u32) as usize];
            match rng.random_range(0..3u8) {
                0 => bytes[place] = new,
                1 => drop(bytes.remove(place)),
                _ => bytes.insert(place, new),
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(graph) = LayerGraph::parse(&text) {
            let written = graph.to_string();
            assert_eq!(
                LayerGraph::parse(&written).as_ref(),
                Ok(&graph),
                "{written}"
            );
            graph.statistics();
        }
    }
}

#[test]
fn a_graph_refuses_a_second_input_foreign_nodes_and_huge_maps() {
    let mut graph = LayerGraph::new(Shape::new(16, 64, 64)).unwrap();
    let input = graph.input();
    let second = graph.add("b", Layer::Input(Shape::new(1, 1, 1)), &[]);
    assert_eq!(second, Err(Error::SecondInput("b".into())));
    let none = graph.add("act", Layer::Poly(Poly::QUADRATIC), &[]);
    assert!(matches!(none, Err(Error::Arity { found: 0, .. })));
    let mut other = graph.clone();
    let foreign = other
        .add("act", Layer::Poly(Poly::QUADRATIC), &[input])
        .unwrap();
    let refused = graph.add("act", Layer::Poly(Poly::QUADRATIC), &[foreign]);
    assert!(matches!(
        refused,
        Err(Error::ForeignNode {
            node: 1,
            nodes: 1,
            ..
        })
    ));
    let huge = Layer::Dense(Dense {
        out_features: 100_000,
        bias: false,
        circulant: 1,
    });
    let message = graph.add("dense", huge, &[input]).unwrap_err().to_string();
    assert!(
        message.contains("6553600000") && message.contains("268435456"),
        "{message}"
    );
    let wide = Layer::Conv(Conv::same(10_000, 1));
    let message = graph.add("conv", wide, &[input]).unwrap_err().to_string();
    assert!(
        message.contains("10000x64x64") && message.contains("16777216"),
        "{message}"
    );
}

/// Layers whose windows have two sides, and maps given entry by entry.
const WIDE: &str = "\
hemet-graph 1
input: 2x8x16 = input()
conv: 4x8x8 = conv(input) out=4 kernel=1x7 stride=1x2 padding=0x3 groups=2 bias
late: 4x8x8 = conv(conv) out=4 kernel=2 stride=1 padding=0x0x1x1 groups=1
far: 4x8x8 = conv(late) out=4 kernel=3 stride=1 padding=2 dilation=2 groups=1
pool: 4x8x2 = average_pool(far) kernel=1x4 stride=1x4
same: 4x4x1 = average_pool(pool) kernel=3x2 stride=2 padding=1x0 counts_padding
turned: 1x4x4 = sparse(same) from=0(4*4)(1*4)
some: 3x1x1 = sparse(turned) lengths=1(-1*2),3 from=0(4*2),5(1*2) weights bias
";

#[test]
fn windows_of_two_sides_and_sparse_maps_are_read_back_equal() {
    let graph = LayerGraph::parse(WIDE).unwrap();
    assert_eq!(graph.to_string(), WIDE);
    assert_eq!(LayerGraph::parse(&graph.to_string()).unwrap(), graph);
}

#[test]
fn a_wrong_window_or_sparse_map_is_refused_with_line_and_reason() {
    for (from, to, expected) in [
        ("kernel=1x7", "kernel=1x7x1", "line 3"),
        ("kernel=1x7", "kernel=1x", "two as 1x7"),
        ("padding=0x0x1x1", "padding=0x0x1", "four as 0x0x1x1"),
        ("dilation=2", "dilation=0", "dilation must be 1 to"),
        (
            "from=0(4*4)(1*4)",
            "from=0(4*4)(1*5)",
            "have 16 entries, 20 are given",
        ),
        (
            "from=0(4*4)(1*4)",
            "from=0(4*4)(2*4)",
            "reads element 18, the input has 16",
        ),
        ("5(1*2)", "5(0*2)", "reads element 5 twice"),
        (
            "5(1*2)",
            "5(0*9999999)(0*9999999)",
            "more than 4194304 numbers",
        ),
        (
            "3x1x1 = sparse",
            "3000x3000x3000 = sparse",
            "more than 4194304 elements",
        ),
        (
            "lengths=1(-1*2),3",
            "lengths=1(-1*2)",
            "have 1 entries, 4 are given",
        ),
    ] {
        let text = WIDE.replacen(from, to, 1);
        assert_ne!(text, WIDE, "`{from}` is in the text");
        let message = LayerGraph::parse(&text).unwrap_err().to_string();
        assert!(message.contains(expected), "no `{expected}` in `{message}`");
    }
}
