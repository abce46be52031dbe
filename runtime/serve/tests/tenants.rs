//! Tenants never see or use each other's keys.

mod common;

use common::{Member, Peer, Site, are_squares, binary, square};
use hemet_serve::Limits;
use serde_json::json;

const NORTH: &str = "north-0123456789abcdef";
const SOUTH: &str = "south-0123456789abcdef";
const WATCH: &str = "watch-0123456789abcdef";
const INPUT: [f64; 4] = [0.5, -0.25, 1.0, 0.0];

fn site(limits: Limits) -> (Site, Peer, Peer) {
    let tokens = format!("north {NORTH}\nsouth {SOUTH}\nmetrics {WATCH}\n");
    let site = Site::new(&[("square", square("ours"))], Some(&tokens), limits);
    let (north, south) = (site.peer().with_token(NORTH), site.peer().with_token(SOUTH));
    (site, north, south)
}

#[test]
fn a_request_without_a_known_token_is_refused_everywhere_but_at_health() {
    let (site, north, _) = site(Limits::default());
    let member = north.join("square");
    let keys = format!("/v2/models/square/keys/{}", member.hash);
    for peer in [
        site.peer(),
        site.peer().with_token("north-0123456789abcdee"),
    ] {
        for (method, path) in [
            ("GET", "/v2/models"),
            ("GET", "/v2/models/square"),
            ("GET", "/v2/models/none"),
            ("GET", "/v2/models/square/ready"),
            ("GET", "/v2/models/square/spec"),
            ("GET", "/v2/models/square/keys"),
            ("GET", &keys),
            ("PUT", &keys),
            ("DELETE", &keys),
            ("POST", "/v2/models/square/infer"),
            ("GET", "/metrics"),
        ] {
            let reply = peer.ask(method, path, &[], b"");
            assert_eq!(reply.status, 401, "{method} {path}");
            assert_eq!(reply.header("www-authenticate"), Some("bearer"));
        }
        assert_eq!(peer.get("/v2/health/ready").status, 200);
    }
    assert_eq!(north.get("/metrics").status, 403);
    let metrics = site.peer().with_token(WATCH).get("/metrics");
    assert_eq!(metrics.status, 200);
    let text = String::from_utf8(metrics.body).unwrap();
    assert!(
        !text.contains("north") && text.contains("hemet_requests_total{status=\"401\"}"),
        "{text}"
    );
}

#[test]
fn another_tenants_keys_are_as_if_they_were_not_there() {
    let (site, north, south) = site(Limits::default());
    let member = north.join("square");
    let path = format!("/v2/models/square/keys/{}", member.hash);
    assert_eq!(south.get(&path).status, 404);
    assert_eq!(
        south.get("/v2/models/square/keys").json(),
        json!({ "keys": [] })
    );
    assert_eq!(south.ask("DELETE", &path, &[], b"").status, 404);
    // With a request and the name of keys that were overheard.
    let request = member.client.encrypt(&INPUT).unwrap();
    let (headers, body) = binary(&member.hash, &request);
    let reply = south.ask("POST", &member.infer_path(), &headers, &body);
    assert_eq!(reply.status, 404, "{}", reply.error());
    // Also once they are in memory.
    assert!(are_squares(&member.predict(&INPUT), &INPUT));
    assert_eq!(
        south
            .ask("POST", &member.infer_path(), &headers, &body)
            .status,
        404
    );
    // A tenant's own keys do not fit another one's request.
    let own = south.join("square");
    let reply = own.infer(&request);
    assert_eq!(reply.status, 409, "{}", reply.error());
    // Deleting what is not his took nothing from the other.
    assert!(are_squares(&member.predict(&INPUT), &INPUT));
    assert!(are_squares(&own.predict(&INPUT), &INPUT));
    drop(site);
}

#[test]
fn a_tenants_keys_take_no_more_room_than_its_quota() {
    let sent = {
        let (_site, north, _) = site(Limits::default());
        let bytes =
            north.get("/v2/models/square").json()["parameters"]["evaluation_key_bytes"].clone();
        bytes.as_u64().unwrap()
    };
    // Room for one set of keys, with what checking it takes, and not for two.
    let limits = Limits {
        tenant_store_bytes: 5 * sent + 16384,
        ..Limits::default()
    };
    let (_site, north, south) = site(limits);
    let first: Member = north.join("square");
    let spec = hemet_runtime::schemes::Known::from_bytes(&north.get("/v2/models/square/spec").body);
    let (_, keys) = hemet_runtime::Client::generate(spec.unwrap().spec).unwrap();
    let path = format!("/v2/models/square/keys/{}", blake3::hash(&keys).to_hex());
    let reply = north.piece(&path, &keys, 0..keys.len());
    assert_eq!(reply.status, 507, "{}", reply.error());
    assert!(reply.error().contains("are allowed"), "{}", reply.error());
    assert!(
        are_squares(&south.join("square").predict(&INPUT), &INPUT),
        "another has room"
    );
    let old = format!("/v2/models/square/keys/{}", first.hash);
    assert_eq!(north.ask("DELETE", &old, &[], b"").status, 204);
    assert_eq!(north.piece(&path, &keys, 0..keys.len()).status, 201);
}
