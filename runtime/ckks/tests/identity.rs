//! The same results on every machine: portable and vector kernels agree bit for bit through the whole scheme,
//! and a fixed seed gives known bytes.

mod common;

use std::sync::Arc;

use common::{PRESETS, Preset, ROTATIONS, Setup, setup_on};
use hemet_ckks::{Context, Instructions, LinearPlan, LinearTerm};

/// Hashes of everything that a run produces, in order.
fn transcript(context: Arc<Context>, preset: &Preset) -> Vec<(&'static str, blake3::Hash)> {
    let mut s: Setup = setup_on(context, preset.scale());
    let c = s.context.clone();
    // Small dyadic values: their encoding does not depend on how the machine rounds sine and cosine.
    let x: Vec<f64> = (0..s.slots())
        .map(|i| (i % 17) as f64 / 8.0 - 1.0)
        .collect();
    let a = s.encrypt(&x);
    let plain = c.encode(&x, s.scale, s.level).unwrap();
    let product = c.square(&a).unwrap();
    let keys = &s.keys;
    let terms =
        [(0, 0, 0), (0, 1, 1), (4, 0, 2), (4, 3, 3)].map(|(giant, baby, diagonal)| LinearTerm {
            output: 0,
            giant,
            input: 0,
            baby,
            diagonal,
        });
    let plan = LinearPlan::new(1, 1, &terms).unwrap();
    let diagonals: Vec<_> = (0..4)
        .map(|k| c.encode_diagonal(&x[k..], s.scale, s.level).unwrap())
        .collect();
    let linear = c.linear(&[&a], &plan, &diagonals, keys).unwrap().remove(0);
    let results = [
        ("fresh", a.clone()),
        ("plain product", c.mul_plain(&a, &plain).unwrap()),
        ("product", product.clone()),
        ("relinearized", c.relinearize(&product, keys).unwrap()),
        (
            "relinearized and rescaled",
            c.relinearize_rescale(&product, keys).unwrap(),
        ),
        ("rescaled", c.rescale(&product).unwrap()),
        ("rotated", c.rotate(&a, ROTATIONS[5], keys).unwrap()),
        ("conjugated", c.conjugate(&a, keys).unwrap()),
        ("linear", linear),
    ];
    let mut all = vec![("keys", blake3::hash(&keys.to_bytes(&c)))];
    all.extend(
        results
            .iter()
            .map(|(name, x)| (*name, blake3::hash(&x.to_bytes(&c)))),
    );
    all
}

#[test]
fn all_instructions_give_the_same_bytes() {
    for preset in PRESETS {
        let of = |instructions| {
            let context = Context::with_instructions(preset.parameters(), instructions).unwrap();
            assert_eq!(context.instructions(), instructions);
            transcript(context, &preset)
        };
        let portable = of(Instructions::Portable);
        for instructions in Instructions::ALL {
            if instructions.is_available() {
                let name = instructions.name();
                assert_eq!(of(instructions), portable, "{}, {name}", preset.name);
            }
        }
    }
}

/// Regenerate after a deliberate change of format, sampling or arithmetic by running this test and copying
/// what it prints.
const KNOWN: [(&str, &str); 3] = [
    (
        "keys",
        "3dc51af081c37cec5826fa969aa8ae24de67dd4af7c571bd4de29c267049499f",
    ),
    (
        "fresh",
        "2db2779b83cf1f8d833f2992fa2f754174cb454636e5e83c260015952ac0d666",
    ),
    (
        "relinearized and rescaled",
        "40c98da05106839732188d5a7745f62f8199060ca17f3e4c62c74a18a9a7a814",
    ),
];

#[test]
fn a_fixed_seed_gives_known_bytes() {
    let preset = &PRESETS[0];
    let all = transcript(Context::new(preset.parameters()), preset);
    for (name, known) in KNOWN {
        let found = all
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, hash)| hash.to_hex().to_string());
        assert_eq!(found.as_deref(), Some(known), "{name}");
    }
}
