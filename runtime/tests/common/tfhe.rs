//! A small integer network for tests: two inputs, one output.

use hemet_runtime::tfhe::{Encoding, TfheArtifact};
use hemet_schedule::Manifest;
use hemet_schedule::tfhe::{Constant, Constants, MapConstant, parse, verify};

/// `y = 2a − b + 3` of two numbers of 4 levels, without a bootstrap: keys are small and made at once.
pub fn artifact(bias: i64) -> TfheArtifact {
    artifact_of_set(bias, "1_0")
}

/// The same with keys of another parameter set.
pub fn artifact_of_set(bias: i64, set: &str) -> TfheArtifact {
    let text = include_str!("../tfhe_linear.schedule").replace("1_0", set);
    let map = MapConstant {
        inputs: 2,
        row_starts: vec![0, 2],
        columns: vec![0, 1],
        weights: vec![2, -1],
        bias: vec![bias],
    };
    let constants = Constants::from([("y/map".to_owned(), Constant::Map(map))]);
    let schedule = parse(&text, constants).expect("a schedule");
    TfheArtifact {
        manifest: Manifest::new("linear"),
        encoding: Encoding {
            shape: [1, 1, 2],
            levels: 4,
            low: 0.0,
            high: 1.0,
            logit_scale: 0.5,
        },
        schedule: verify(schedule).expect("valid"),
    }
}
