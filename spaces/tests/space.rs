//! A space: its size, samples, neighbours, texts, and what HEMET's greedy rule asks of it.

use std::collections::HashSet;

use hemet_spaces::{Architecture, Error, Layer, Space, presets};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const SMALL: &str = "
input: [1, 8, 8]
classes: 10
stem: {conv: {width: [4, 8], kernel: 3}}
blocks:
  - name: b1
    options:
      - skip
      - conv: {width: [8, 16]}
      - fire: {squeeze: 2, expand: [4, 8]}
    pool: [none, 2]
  - name: b2
    options:
      - inverted_residual: {width: 8, expansion: 2, stride: 2}
      - conv: {width: 8, stride: [1, 2]}
head: {pool: [global, none]}
";

fn small() -> Space {
    serde_yaml::from_str(SMALL).expect("a space")
}

fn spaces() -> Vec<Space> {
    let texts = presets::PRESETS.iter().map(|(_, text)| *text);
    let texts = texts.chain([SMALL]);
    texts
        .map(|text| serde_yaml::from_str(text).expect("a space"))
        .collect()
}

#[test]
fn size_equals_enumeration_and_every_architecture_is_another_network() {
    let space = small();
    assert_eq!(space.size(), 2 * 5 * 2 * 3 * 2);
    let all: Vec<Architecture> = space.architectures().collect();
    assert_eq!(all.len() as u128, space.size());
    assert!(all.iter().all(|architecture| space.contains(architecture)));
    let ids: HashSet<String> = all.iter().map(Architecture::id).collect();
    assert_eq!(ids.len(), all.len());
    let networks: HashSet<String> = all.iter().map(|a| space.graph(a).unwrap().id()).collect();
    assert_eq!(networks.len(), all.len());
}

#[test]
fn genes_that_have_one_option_do_not_count() {
    let names: Vec<String> = small()
        .genes()
        .iter()
        .map(|gene| gene.name.clone())
        .collect();
    assert_eq!(names, ["stem", "b1", "b1.pool", "b2", "head.pool"]);
}

#[test]
fn a_space_in_which_nothing_varies_has_one_architecture() {
    let text = "{input: [1, 4, 4], classes: 2, blocks: [{name: b, options: [skip]}]}";
    let space: Space = serde_yaml::from_str(text).unwrap();
    let only = space.mobile();
    assert_eq!((space.size(), only.text().as_str()), (1, "fixed"));
    assert_eq!(space.parse("fixed"), Ok(only.clone()));
    assert_eq!(
        space.architectures().collect::<Vec<_>>(),
        std::slice::from_ref(&only)
    );
    assert_eq!(space.neighbours(&only), []);
    assert_eq!(space.graph(&only).unwrap().nodes().len(), 2);
}

#[test]
fn samples_lie_in_the_space_and_are_determined_by_the_seed() {
    for space in spaces() {
        let draw = |seed| -> Vec<Architecture> {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            (0..100).map(|_| space.sample(&mut rng)).collect()
        };
        assert!(
            draw(1)
                .iter()
                .all(|architecture| space.contains(architecture))
        );
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}

#[test]
fn samples_reach_every_architecture_of_a_small_space() {
    // 120 architectures, 4000 draws: one is missed with a probability below 120 · (119/120)^4000 < 4e-13.
    let space = small();
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let drawn: HashSet<Architecture> = (0..4000).map(|_| space.sample(&mut rng)).collect();
    assert_eq!(drawn.len() as u128, space.size());
}

#[test]
fn neighbours_lie_in_the_space_and_differ_in_one_gene() {
    for space in spaces() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let own = space.sample(&mut rng);
        let neighbours = space.neighbours(&own);
        let expected: usize = space
            .genes()
            .iter()
            .map(|gene| gene.options.len() - 1)
            .sum();
        let distinct: HashSet<&Architecture> = neighbours.iter().collect();
        assert_eq!((neighbours.len(), distinct.len()), (expected, expected));
        for neighbour in &neighbours {
            assert!(space.contains(neighbour));
            let differences = own
                .genes
                .iter()
                .zip(&neighbour.genes)
                .filter(|(a, b)| a != b);
            assert_eq!(differences.count(), 1);
        }
    }
}

#[test]
fn both_texts_are_read_back() {
    for space in spaces() {
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        for _ in 0..100 {
            let architecture = space.sample(&mut rng);
            assert_eq!(space.parse(&architecture.text()), Ok(architecture.clone()));
            let words = space.describe(&architecture).unwrap();
            assert_eq!(space.parse(&words), Ok(architecture));
        }
    }
}

#[test]
fn texts_and_ids_stay_as_they_are() {
    let space = small();
    let architecture = Architecture {
        genes: vec![1, 3, 1, 0, 0],
    };
    assert_eq!(architecture.text(), "1-3-1-0-0");
    assert_eq!(architecture.id(), blake3::hash(b"1-3-1-0-0").to_hex()[..12]);
    assert_eq!(
        space.describe(&architecture).unwrap(),
        "stem=conv(width=8,kernel=3) b1=fire(squeeze=2,expand=4) b1.pool=2 \
         b2=inverted_residual(width=8,expansion=2,stride=2) head.pool=global"
    );
}

#[test]
fn what_is_no_architecture_of_the_space_is_refused_with_the_reason() {
    let space = small();
    let cases = [
        ("", "not a number"),
        ("1-2", "2 genes, the space 5"),
        ("0-0-0-0-0-0", "6 genes, the space 5"),
        ("0-9-0-0-0", "gene `b1` is 9, it has the options 0 to 4"),
        ("0-65536-0-0-0", "`65536` is not a number from 0 to 65535"),
        ("00-0-0-0-0", "`00` is not a number"),
        ("fixed", "0 genes, the space 5"),
        ("b9=skip", "no gene is named `b9`"),
        ("b1=conv", "gene `b1` has no option `conv`"),
        ("b1=skip b1=skip", "`b1` is given twice"),
        ("b1=skip", "gene `stem` is missing"),
        ("b1=skip word", "`word` is not of the form"),
    ];
    for (text, expected) in cases {
        let message = space.parse(text).unwrap_err().to_string();
        assert!(message.contains(expected), "no `{expected}` in `{message}`");
    }
    let foreign = Architecture { genes: vec![0] };
    assert!(!space.contains(&foreign));
    assert!(matches!(
        space.graph(&foreign),
        Err(Error::Architecture { .. })
    ));
    assert_eq!(space.neighbours(&foreign), []);
    assert_eq!(space.regular(&foreign, 0), None);
}

#[test]
fn greedy_starts_all_mobile_and_finds_the_convolution_of_equal_channels_and_stride() {
    let space = small();
    let mobile = space.mobile();
    assert_eq!(mobile, space.parse("0-3-0-0-0").unwrap());
    let words =
        |architecture: Option<Architecture>| space.describe(&architecture.unwrap()).unwrap();
    assert_eq!(
        space.regular(&mobile, 0),
        None,
        "the stem is a convolution already"
    );
    assert!(words(space.regular(&mobile, 1)).contains("b1=conv(width=8,kernel=3) "));
    assert!(words(space.regular(&mobile, 2)).contains("b2=conv(width=8,kernel=3,stride=2) "));
    let both = space
        .regular(&space.regular(&mobile, 1).unwrap(), 2)
        .unwrap();
    assert_eq!(space.regular(&both, 1), None);
    assert_eq!(space.regular(&both, 7), None);
    let wide = space.parse("0-4-0-0-0").unwrap();
    assert!(words(space.regular(&wide, 1)).contains("b1=conv(width=16,kernel=3) "));
}

#[test]
fn a_graph_that_does_not_fit_names_position_and_block() {
    let text = SMALL.replace("pool: [none, 2]", "pool: [none, 9]");
    let space: Space = serde_yaml::from_str(&text).unwrap();
    let message = space
        .graph(&space.parse("0-0-1-0-0").unwrap())
        .unwrap_err()
        .to_string();
    for part in ["position `b1`", "pool 9", "window of 9 does not fit 8x8"] {
        assert!(message.contains(part), "no `{part}` in `{message}`");
    }
}

#[test]
fn a_pool_branch_in_a_block_and_the_pool_after_it_are_two_layers() {
    let text = "{input: [1, 8, 8], classes: 2, blocks: [{name: b1, \
                options: [inception: {conv1: 0, conv3: 2, pool: 2, stride: 2}], pool: 2}]}";
    let space: Space = serde_yaml::from_str(text).expect("a space");
    let graph = space.graph(&space.mobile()).expect("a network");
    let pools = graph.nodes().filter(|(_, node)| {
        matches!(node.layer, Layer::AveragePool(_)) && node.name.starts_with("b1.")
    });
    assert_eq!(pools.count(), 2);
}

#[test]
fn sizes_beyond_128_bits_saturate() {
    let position = |n: usize| format!("{{name: p{n}, options: [skip], pool: [none, 2]}}");
    let positions: Vec<String> = (0..130).map(position).collect();
    let text = format!(
        "{{input: [1, 8, 8], classes: 2, blocks: [{}]}}",
        positions.join(", ")
    );
    let space: Space = serde_yaml::from_str(&text).unwrap();
    assert_eq!(space.size(), u128::MAX);
    assert_eq!(space.architectures().take(3).count(), 3);
}
