//! Keys outlive weights: a model that was trained anew answers under the keys that are there.

mod common;

use std::time::{Duration, Instant};

use common::{Member, Site, are_squares, binary, square_plus, turned};
use hemet_runtime::schemes::Known;
use hemet_runtime::{Client, RuntimeError};
use hemet_serve::Limits;
use serde_json::json;

const INPUT: [f64; 4] = [0.5, -0.25, 1.0, 0.0];

fn site() -> Site {
    Site::new(&[("square", square_plus(0.0))], None, Limits::default())
}

/// Replaces the model and waits until the new version answers.
fn exchange(site: &Site, bytes: &[u8]) {
    let newest = || site.peer().get("/v2/models/square").json()["versions"][0].clone();
    let before = newest();
    site.replace("square", bytes);
    let begun = Instant::now();
    while newest() == before {
        let waited = begun.elapsed();
        assert!(waited < Duration::from_secs(20), "it is never exchanged");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn uploads(member: &Member) -> usize {
    let traffic = member.peer.traffic.lock().unwrap();
    let puts = traffic.windows(5).filter(|bytes| bytes == b"PUT /");
    puts.count()
}

#[test]
fn a_retrained_model_answers_under_the_keys_that_are_there() {
    let site = site();
    let member = site.peer().join("square");
    assert!(are_squares(&member.predict(&INPUT), &INPUT));
    let request = member.client.encrypt(&INPUT).unwrap();
    let before = uploads(&member);
    assert!(before > 0);
    exchange(&site, &square_plus(0.5));
    let keys = json!({ "keys": [member.hash] });
    assert_eq!(site.peer().get("/v2/models/square/keys").json(), keys);

    // A request names its artifact: what was encrypted for the version before is answered by that one.
    let answer = |member: &Member, request: &[u8]| {
        let output = Member::output(&member.infer(request));
        let answers = member.client.decrypt_for(request, &output, 1).unwrap();
        answers[0].clone().logits()
    };
    assert!(are_squares(&answer(&member, &request), &INPUT));
    let file = member.client.to_bytes().unwrap();
    let member = member.rebound();
    let moved: Vec<f64> = member.predict(&INPUT).iter().map(|y| y - 0.5).collect();
    assert!(are_squares(&moved, &INPUT), "{moved:?}");
    assert_eq!(uploads(&member), before, "nothing is uploaded again");
    // An answer by another version does not pass for one by this.
    let old = Client::from_bytes(&file).unwrap();
    let output = Member::output(&member.infer(&member.client.encrypt(&INPUT).unwrap()));
    let refused = old.decrypt(&output);
    assert!(matches!(refused, Err(RuntimeError::ForeignArtifact { .. })));

    // Deleted once, they are gone for all versions, also from memory.
    let path = format!("/v2/models/square/keys/{}", member.hash);
    assert_eq!(member.peer.ask("DELETE", &path, &[], b"").status, 204);
    for request in [&request, &member.client.encrypt(&INPUT).unwrap()] {
        assert_eq!(member.infer(request).status, 404);
    }
}

#[test]
fn a_model_that_needs_other_keys_is_no_successor_and_the_version_before_goes_on() {
    let site = site();
    let member = site.peer().join("square");
    let request = member.client.encrypt(&INPUT).unwrap();
    exchange(&site, &turned());
    let spec = site.peer().get("/v2/models/square/spec");
    let known = Known::from_bytes(&spec.body).unwrap();
    let again = Client::from_bytes(&member.client.to_bytes().unwrap()).unwrap();
    let refused = again.rebound(&known);
    assert!(matches!(refused, Err(RuntimeError::ForeignBinding { .. })));
    // The keys are those of the version before, which still answers.
    let path = format!("/v2/models/square/keys/{}", member.hash);
    assert_eq!(member.peer.get(&path).json(), json!({ "state": "stored" }));
    assert_eq!(member.infer(&request).status, 200);
    // Under the name of keys that are not those of the new version, a request for it finds none.
    let (client, keys) = Client::generate(known.spec).unwrap();
    let request = client.encrypt(&INPUT).unwrap();
    let (headers, body) = binary(&member.hash, &request);
    let reply = member
        .peer
        .ask("POST", &member.infer_path(), &headers, &body);
    assert_eq!(reply.status, 404, "{}", reply.error());
    let hash = blake3::hash(&keys).to_hex().to_string();
    let path = format!("/v2/models/square/keys/{hash}");
    assert_eq!(member.peer.piece(&path, &keys, 0..keys.len()).status, 201);
}

#[test]
fn two_models_that_need_the_same_keys_share_one_upload() {
    let models = [("one", square_plus(0.0)), ("two", square_plus(1.0))];
    let site = Site::new(&models, None, Limits::default());
    let member = site.peer().join("one");
    assert!(are_squares(&member.predict(&INPUT), &INPUT));
    let model = "two".to_owned();
    let member = Member { model, ..member }.rebound();
    let moved: Vec<f64> = member.predict(&INPUT).iter().map(|y| y - 1.0).collect();
    assert!(are_squares(&moved, &INPUT), "{moved:?}");
}

#[test]
fn keys_that_an_older_server_stored_for_an_artifact_serve_it_still() {
    let mut site = site();
    let member = site.peer().join("square");
    site.end();
    // That server's folder was named by the artifact.
    let about = |name: &str| {
        let about = member.client.facts();
        match name {
            "artifact" => about.artifact.to_string(),
            _ => about.binding.to_string(),
        }
    };
    let folder = site.path("store/keys/anybody");
    std::fs::rename(
        folder.join(about("binding")),
        folder.join(about("artifact")),
    )
    .unwrap();
    site.begin_again();
    let peer = site.peer();
    assert_eq!(
        peer.get("/v2/models/square/keys").json(),
        json!({ "keys": [member.hash] })
    );
    let member = Member { peer, ..member };
    assert!(are_squares(&member.predict(&INPUT), &INPUT));
    let path = format!("/v2/models/square/keys/{}", member.hash);
    assert_eq!(member.peer.ask("DELETE", &path, &[], b"").status, 204);
    assert_eq!(member.peer.get(&path).status, 404);
}
