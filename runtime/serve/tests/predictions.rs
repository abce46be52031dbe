//! From keys to decrypted logits through a real server, for both schemes; and nothing secret on the way.

mod common;

use common::{Member, Site, are_squares, linear, square};
use hemet_serve::Limits;
use serde_json::json;

const INPUT: [f64; 4] = [
    0.517_324_981_7,
    -0.929_187_344_1,
    0.038_172_645_9,
    0.271_828_182_8,
];

fn site() -> Site {
    Site::new(
        &[("square", square("ours")), ("linear", linear())],
        None,
        Limits::default(),
    )
}

#[test]
fn both_schemes_predict_through_the_server() {
    let site = site();
    let peer = site.peer();
    for path in [
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/square/ready",
    ] {
        assert_eq!(peer.get(path).status, 200, "{path}");
    }
    let models = peer.get("/v2/models").json();
    assert_eq!(models, json!({ "models": ["linear", "square"] }));

    let member = peer.join("square");
    assert!(are_squares(&member.predict(&INPUT), &INPUT));
    let exact = peer.join("linear");
    // 2a − b + 3 of levels 3 and 1, in units of 0.5.
    assert_eq!(exact.predict(&[1.0, 0.34]), [(2.0 * 3.0 - 1.0 + 3.0) * 0.5]);

    let about = peer.get("/v2/models/square").json();
    assert_eq!(about["name"], "square");
    assert_eq!(about["inputs"][0]["name"], "encrypted_input");
    let parameters = &about["parameters"];
    assert_eq!(parameters["scheme"], "ckks");
    assert_eq!(parameters["input_shape"], json!([1, 2, 2]));
    assert_eq!(parameters["security_bits"], 0);
    assert_eq!(parameters["client_spec"]["relinearize"], 1);
    assert!(parameters["evaluation_key_bytes"].as_u64().unwrap() > 1000);
    let keys = peer.get("/v2/models/square/keys").json();
    assert_eq!(keys, json!({ "keys": [member.hash] }));
    let metrics = String::from_utf8(peer.get("/metrics").body).unwrap();
    for line in [
        "hemet_answer_seconds_count{model=\"square\"} 1",
        "hemet_answer_seconds_count{model=\"linear\"} 1",
        "hemet_key_cache_misses_total 2",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}

#[test]
fn a_version_is_asked_by_name_and_a_tensor_may_come_as_json() {
    let site = site();
    let member = site.peer().join("square");
    let version = member.peer.get("/v2/models/square").json()["versions"][0].clone();
    let version = version.as_str().unwrap();
    let request = member.client.encrypt(&INPUT).unwrap();
    let body = json!({
        "id": "7",
        "parameters": { "evaluation_keys": member.hash },
        "inputs": [{ "name": "encrypted_input", "datatype": "UINT8", "shape": [request.len()], "data": request }],
        "outputs": [{ "name": "encrypted_output" }],
    });
    let path = format!("/v2/models/square/versions/{version}/infer");
    let reply = member
        .peer
        .ask("POST", &path, &[], body.to_string().as_bytes());
    let said = String::from_utf8_lossy(&reply.body).into_owned();
    assert_eq!(reply.status, 200, "{said}");
    let answer = reply.json();
    assert_eq!(
        (&answer["id"], &answer["model_version"]),
        (&json!("7"), &json!(version))
    );
    assert!(answer["parameters"]["server_ms"].as_f64().unwrap() > 0.0);
    let output: Vec<u8> = serde_json::from_value(answer["outputs"][0]["data"].clone()).unwrap();
    let logits = member.client.decrypt_for(&request, &output, 1).unwrap();
    assert!(are_squares(&logits[0].clone().logits(), &INPUT));
    assert_eq!(
        member.peer.get("/v2/models/square/versions/0/ready").status,
        404
    );
}

/// Everything that went over the wire, that the server wrote and that it told.
fn seen(site: &Site, member: &Member) -> Vec<u8> {
    let mut seen = member.peer.traffic.lock().unwrap().clone();
    let mut folders = vec![site.path("store")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    files += 1;
                    seen.extend(std::fs::read(path).unwrap());
                }
            }
        }
    }
    assert!(files >= 2, "keys and the audit log");
    let lines = site.lines.lock().unwrap();
    seen.extend(lines.iter().flat_map(|line| line.bytes()));
    seen
}

#[test]
fn neither_the_secret_key_nor_a_pixel_is_on_the_wire_in_files_or_in_logs() {
    for (model, input) in [("square", &INPUT[..]), ("linear", &[0.34, 0.999_123_4][..])] {
        let site = site();
        let member = site.peer().join(model);
        member.predict(input);
        // A request that fails is told of, too.
        assert_eq!(member.infer(b"no ciphertext").status, 400);
        let seen = seen(&site, &member);
        let has = |trace: &[u8]| seen.windows(trace.len()).any(|window| window == trace);
        assert!(
            has(member.hash.as_bytes()),
            "the search finds what is there"
        );

        let secret = member.client.to_bytes().unwrap();
        // The last part of the file is the key itself, behind what is public.
        let key = &secret[secret.len() - 256..];
        let parts = key
            .chunks(16)
            .filter(|part| part.iter().any(|byte| byte != &part[0]));
        let parts: Vec<&[u8]> = parts.collect();
        assert!(parts.len() >= 8, "{}", parts.len());
        assert!(
            !parts.iter().any(|part| has(part)),
            "{model}: a part of the secret key"
        );
        for pixel in input {
            let digits = format!("{pixel}");
            assert!(!has(&pixel.to_le_bytes()), "{model}: {pixel}");
            let is_long = digits.len() >= 6;
            assert!(!is_long || !has(digits.as_bytes()), "{model}: {pixel}");
        }
        // Two at a time: four bytes alone are found in any long ciphertext.
        for pair in input.windows(2) {
            let bytes = [pair[0] as f32, pair[1] as f32]
                .map(f32::to_le_bytes)
                .concat();
            assert!(!has(&bytes), "{model}: {pair:?}");
        }
    }
}

#[test]
fn the_audit_log_says_who_did_what_and_no_more() {
    let site = site();
    let member = site.peer().join("square");
    member.predict(&INPUT);
    let path = format!("/v2/models/square/keys/{}", member.hash);
    assert_eq!(member.peer.ask("DELETE", &path, &[], b"").status, 204);
    let request = member.client.encrypt(&INPUT).unwrap();
    assert_eq!(member.infer(&request).status, 404);
    let text = std::fs::read_to_string(site.path("store/audit.jsonl")).unwrap();
    let entries: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<(&str, u64)> = entries
        .iter()
        .map(|entry| {
            (
                entry["action"].as_str().unwrap(),
                entry["status"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("store keys", 201),
            ("infer", 200),
            ("delete keys", 204),
            ("infer", 404)
        ]
    );
    for entry in &entries {
        assert_eq!(entry["tenant"], "anybody");
        assert_eq!(entry["keys"], member.hash.as_str());
        let keys: Vec<&String> = entry.as_object().unwrap().keys().collect();
        assert_eq!(keys.len(), 10, "{keys:?}");
    }
}
