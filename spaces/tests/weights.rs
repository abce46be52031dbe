//! Weights: the safetensors file, damaged files, and whether weights belong to a network.

use hemet_spaces::layer::{Affine, Conv, Dense, Poly};
use hemet_spaces::{Error, Layer, LayerGraph, Shape, Tensor, Weights};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SEED: u64 = 7;

fn graph() -> LayerGraph {
    let mut graph = LayerGraph::new(Shape::new(2, 4, 4)).unwrap();
    let x = graph.input();
    let x = graph
        .add("conv", Layer::Conv(Conv::same(3, 3)), &[x])
        .unwrap();
    let x = graph.add("norm", Layer::Affine(Affine), &[x]).unwrap();
    let x = graph
        .add("act", Layer::Poly(Poly::QUADRATIC), &[x])
        .unwrap();
    let dense = Dense {
        out_features: 5,
        bias: true,
        circulant: 1,
    };
    graph.add("out", Layer::Dense(dense), &[x]).unwrap();
    graph
}

fn random() -> Weights {
    Weights::random(&graph(), &mut ChaCha8Rng::seed_from_u64(SEED))
}

#[test]
fn ones_and_random_are_the_weights_of_their_graph() {
    assert_eq!(Weights::ones(&graph()).check(&graph()), Ok(()));
    assert_eq!(random().check(&graph()), Ok(()));
    assert_eq!(random(), random(), "one seed, one set of weights");
}

#[test]
fn random_quadratics_bend_enough_for_completing_the_square() {
    for seed in 0..100 {
        let weights = Weights::random(&graph(), &mut ChaCha8Rng::seed_from_u64(seed));
        for row in weights.tensors["act.coefficients"].data.chunks_exact(3) {
            let shift = row[1] / (2.0 * row[2]);
            assert!((0.0..2.8).contains(&shift), "seed {seed}: {row:?}");
        }
    }
}

#[test]
fn a_file_gives_back_the_weights_and_equal_weights_give_equal_bytes() {
    let weights = random();
    let bytes = weights.to_safetensors().unwrap();
    assert_eq!(Weights::from_safetensors(&bytes).unwrap(), weights);
    assert_eq!(random().to_safetensors().unwrap(), bytes);
}

#[test]
fn a_check_reports_all_faults_of_name_and_shape_at_once() {
    let mut weights = random();
    weights.tensors.remove("norm.scale");
    weights.tensors.remove("out.bias");
    weights.tensors.insert(
        "conv.bias".into(),
        Tensor {
            shape: vec![3],
            data: vec![0.0; 3],
        },
    );
    weights.tensors.insert(
        "norm.shift".into(),
        Tensor {
            shape: vec![4],
            data: vec![0.0; 4],
        },
    );
    let message = weights.check(&graph()).unwrap_err().to_string();
    for part in [
        "missing: norm.scale [3], out.bias [5]",
        "not of this network: conv.bias",
        "of another shape: norm.shift is [4] with 4 values, not [3]",
    ] {
        assert!(message.contains(part), "no `{part}` in `{message}`");
    }
}

#[test]
fn numbers_that_are_not_finite_are_refused_everywhere() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut weights = random();
        let clean = weights.to_safetensors().unwrap();
        weights.tensors.get_mut("out.bias").unwrap().data[3] = bad;
        let expected = Error::NotFinite {
            name: "out.bias".into(),
            index: 3,
            value: bad.to_string(),
        };
        assert_eq!(weights.check(&graph()), Err(expected.clone()));
        assert_eq!(weights.to_safetensors().unwrap_err(), expected);
        // The same number written into the file: find the old one's bytes at the tensor's place.
        let old = random().tensors["out.bias"].data[3].to_le_bytes();
        let place = clean.windows(4).rposition(|window| window == old).unwrap();
        let mut file = clean;
        file[place..place + 4].copy_from_slice(&bad.to_le_bytes());
        assert_eq!(Weights::from_safetensors(&file).unwrap_err(), expected);
    }
}

#[test]
fn tensors_of_another_type_are_refused() {
    let header = br#"{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}"#;
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file.extend(1f64.to_le_bytes());
    let message = Weights::from_safetensors(&file).unwrap_err().to_string();
    assert!(
        message.contains("`a` has type F64, needed is F32"),
        "{message}"
    );
}

#[test]
fn every_truncation_is_refused() {
    let bytes = random().to_safetensors().unwrap();
    for len in 0..bytes.len() {
        assert!(
            Weights::from_safetensors(&bytes[..len]).is_err(),
            "the first {len} bytes were accepted"
        );
    }
}

#[test]
fn mutated_files_never_panic_and_what_is_accepted_is_consistent() {
    let bytes = random().to_safetensors().unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    for _ in 0..20_000 {
        let mut mutated = bytes.clone();
        for _ in 0..rng.random_range(1..4) {
            // Half of the changes fall into the header, where most can go wrong.
            let end = if rng.random() {
                mutated.len().min(400)
            } else {
                mutated.len()
            };
            let place = rng.random_range(0..end as u32) as usize;
            match rng.random_range(0..4u8) {
                0 => mutated[place] ^= 1 << rng.random_range(0..8u8),
                1 => mutated[place] = b"{}[]\",:0189-"[rng.random_range(0..12u32) as usize],
                2 => drop(mutated.remove(place)),
                _ => mutated.insert(place, rng.random()),
            }
        }
        if let Ok(weights) = Weights::from_safetensors(&mutated) {
            assert!(weights.tensors.values().all(Tensor::is_consistent));
        }
    }
}
