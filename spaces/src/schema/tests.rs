//! The schema of a made-up type, and what is said where a value departs from it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::*;
use crate::space::SpaceSpec;

/// How something is made.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Made {
    /// Times.
    #[schemars(range(min = 1))]
    times: usize,
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1))]
    share: f32,
    #[schemars(extend("exclusiveMinimum" = 0))]
    limit: Option<f64>,
    bits: u8,
    how: How,
    name: String,
}

#[derive(Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum How {
    /// Not fast.
    Slow,
    /// Not slow.
    VeryFast,
}

impl Default for Made {
    fn default() -> Self {
        Self {
            times: 2,
            share: 0.1,
            limit: None,
            bits: 8,
            how: How::Slow,
            name: "it".into(),
        }
    }
}

fn told(value: Value) -> Vec<String> {
    let faults = faults(&of::<Made>(), &value);
    faults.iter().map(Fault::to_string).collect()
}

#[test]
fn every_departure_is_named_with_its_path_what_it_is_and_what_it_may_be() {
    let all = json!({
        "times": 0, "share": 1.0, "limit": 0, "bits": 256, "how": "fast", "name": ["a"], "nam": 1
    });
    assert_eq!(
        told(all),
        [
            "`bits` is 256; it takes a whole number, from 0 to 255",
            "`how` is `fast`; it takes `slow` or `very_fast`",
            "`limit` is 0; it takes a number, above 0",
            "unknown key `nam`; the keys here are bits, how, limit, name, share, times",
            "`name` is a list of 1; it takes text",
            "`share` is 1; it takes a number, from 0 to below 1",
            "`times` is 0; it takes a whole number, at least 1",
        ]
    );
    assert_eq!(
        told(json!({ "times": 1.5, "share": true, "limit": "NaN", "how": null })),
        [
            "`how` is nothing; it takes `slow` or `very_fast`",
            "`limit` is `NaN`; it takes a number, above 0",
            "`share` is true; it takes a number, from 0 to below 1",
            "`times` is 1.5; it takes a whole number, at least 1",
        ]
    );
    assert_eq!(
        told(json!([1])),
        [
            "a list of 1 stands where keys of its own, out of `bits`, `how`, `limit`, `name`, `share`, `times` is expected"
        ]
    );
}

#[test]
fn what_keeps_the_schema_is_taken_and_a_bare_number_may_be_a_text() {
    assert_eq!(told(json!({})), [""; 0]);
    assert_eq!(
        told(json!({ "times": 1, "share": 0, "limit": null, "name": 3 })),
        [""; 0]
    );
    assert!(check(&Made::default()).is_ok());
    let wrong = Made {
        share: -0.1,
        ..Made::default()
    };
    let fault = check(&wrong).expect_err("refused");
    assert_eq!(
        fault.to_string(),
        "`share` is -0.1; it takes a number, from 0 to below 1"
    );
}

#[test]
fn a_list_of_choices_tells_the_fault_within_the_choice_that_is_meant() {
    let told = |option: Value| {
        let space = json!({ "input": [1, 8, 8], "classes": 2, "blocks": [{ "name": "b", "options": [option] }] });
        let faults = faults(&of::<SpaceSpec>(), &space);
        faults
            .iter()
            .map(Fault::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(told(json!("skip")), "");
    assert_eq!(
        told(json!({ "conv": { "width": [4, 8], "activation": "poly7_per_layer" } })),
        ""
    );
    let at = "blocks[0].options[0]";
    for (option, expected) in [
        (
            json!({ "conv": { "width": 0 } }),
            "conv.width` is 0; it takes a whole number, from 1 to 65536, or a list of such",
        ),
        (
            json!({ "conv": { "width": [4, 0] } }),
            "conv.width[1]` is 0; it takes a whole number, from 1 to 65536",
        ),
        (
            json!({ "conv": { "width": [4, 4] } }),
            "conv.width[1]` is 4, which was there before",
        ),
        (
            json!({ "conv": { "width": [] } }),
            "conv.width` is an empty list",
        ),
        (json!({ "conv": {} }), "conv.width` is missing"),
        (
            json!({ "conv": { "width": 1, "activation": "relu" } }),
            "activation` is `relu`; it takes `linear`, `quadratic` or",
        ),
        (
            json!({ "conv": { "width": 1 }, "skip": {} }),
            "holds `conv` and `skip`; it takes one of them alone",
        ),
        (
            json!("conv"),
            "is `conv`; it takes `skip`, or one of the keys `conv`, `dense`",
        ),
        (
            json!(["skip"]),
            "is a list of 1; it takes `skip`, or one of the keys",
        ),
    ] {
        let found = told(option);
        assert!(
            found.contains(at) && found.contains(expected),
            "{found}\nlacks {expected}"
        );
        assert_eq!(found.lines().count(), 1, "{found}");
    }
}

#[test]
fn defaults_of_single_precision_are_written_as_a_person_would() {
    assert_eq!(of::<Made>()["properties"]["share"]["default"], json!(0.1));
}
