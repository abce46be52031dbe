//! `openapi.yaml` describes the routes that there are, and the statuses that the server gives.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{Site, square};
use hemet_serve::{Limits, routes};
use serde_json::Value;

fn document() -> Value {
    serde_yaml::from_str(include_str!("../openapi.yaml")).unwrap()
}

const METHODS: [&str; 5] = ["delete", "get", "patch", "post", "put"];

#[test]
fn the_document_has_the_routes_of_the_server_and_no_others() {
    let document = document();
    let described: BTreeMap<&str, Vec<&str>> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(path, item)| {
            let keys = item.as_object().unwrap().keys().map(String::as_str);
            let methods: BTreeSet<&str> = keys.filter(|key| METHODS.contains(key)).collect();
            (path.as_str(), methods.into_iter().collect())
        })
        .collect();
    let there: BTreeMap<&str, Vec<&str>> = routes().map(|(path, m)| (path, m.to_vec())).collect();
    assert_eq!(described, there);
}

#[test]
fn the_server_answers_every_route_with_a_status_and_fields_that_the_document_has() {
    let document = document();
    let site = Site::new(&[("square", square("ours"))], None, Limits::default());
    let member = site.peer().join("square");
    let version = site.peer().get("/v2/models/square").json()["versions"][0].clone();
    for (path, methods) in routes() {
        let filled = path
            .replace("{model}", "square")
            .replace("{version}", version.as_str().unwrap())
            .replace("{keys}", &member.hash);
        // What deletes comes last.
        for method in methods.iter().rev() {
            let reply = member.peer.ask(&method.to_uppercase(), &filled, &[], b"");
            let described = &document["paths"][path][*method]["responses"];
            let response = &described[reply.status.to_string()];
            assert!(response.is_object(), "{method} {path}: {}", reply.status);
            let schema = &response["content"]["application/json"]["schema"]["$ref"];
            let Some(name) = schema.as_str().and_then(|text| text.rsplit('/').next()) else {
                continue;
            };
            if reply.header("content-type") != Some("application/json") {
                continue;
            }
            let body = reply.json();
            let schema = &document["components"]["schemas"][name];
            for field in schema["required"].as_array().unwrap() {
                assert!(
                    body.get(field.as_str().unwrap()).is_some(),
                    "{method} {path}: {field}"
                );
            }
            for field in body.as_object().unwrap().keys() {
                assert!(
                    schema["properties"].get(field).is_some(),
                    "{method} {path}: {field}"
                );
            }
        }
    }
}
