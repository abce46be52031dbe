//! Keys that servers share in an S3-compatible store: where `HEMET_TEST_S3` has the address of one (`.ci/s3 start`),
//! with a line between them that can be cut.
#![cfg(feature = "s3")]

mod common;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Member, Peer, Reply, Site, are_squares, square};
use hemet_runtime::Client;
use hemet_runtime::schemes::Known;
use hemet_serve::{BucketPlace, Limits};

const INPUT: [f64; 4] = [0.5, -0.25, 1.0, 0.0];
const TOKENS: &str = "north north-token-of-24-letters\nsouth south-token-of-24-letters\n";
/// More than goes over a line in any test.
const WHOLE: usize = usize::MAX;

/// The store, and what lies between it and the servers.
struct Store {
    address: SocketAddr,
    bucket: String,
    line: SocketAddr,
    /// Bytes that the line lets through of each answer.
    lets: Arc<AtomicUsize>,
}

impl Store {
    /// A bucket of its own for each test; none where there is no store to test with.
    fn new(bucket: &str) -> Option<Self> {
        let Ok(address) = std::env::var("HEMET_TEST_S3") else {
            eprintln!(
                "skipped: HEMET_TEST_S3 names no server that speaks S3 (.ci/s3 start FOLDER)"
            );
            return None;
        };
        let address: SocketAddr = address.strip_prefix("http://")?.parse().unwrap();
        let lets = Arc::new(AtomicUsize::new(WHOLE));
        let store = Self {
            address,
            bucket: format!("{bucket}-{}", std::process::id()),
            line: line(address, lets.clone()),
            lets,
        };
        assert_eq!(store.ask("PUT", "", b"").status, 200);
        Some(store)
    }

    fn place(&self, bucket: &str) -> BucketPlace {
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        BucketPlace {
            bucket: bucket.to_owned(),
            prefix: "some/prefix".into(),
            environment: vec![
                variable("AWS_ENDPOINT_URL", &format!("http://{}", self.line)),
                variable("AWS_ALLOW_HTTP", "true"),
                variable("AWS_REGION", "us-east-1"),
                variable("AWS_ACCESS_KEY_ID", "nobody"),
                variable("AWS_SECRET_ACCESS_KEY", "no secret"),
            ],
        }
    }

    /// A server of a folder of its own.
    fn site(&self) -> Site {
        let place = Some(self.place(&self.bucket));
        Site::with_bucket(
            &[("square", square("ours"))],
            Some(TOKENS),
            Limits::default(),
            place,
        )
    }

    /// Asks the store itself, without the line.
    fn ask(&self, method: &str, object: &str, body: &[u8]) -> Reply {
        let path = format!("/{}/{object}", self.bucket);
        // Nobody checks the signature; without one objects are not shown.
        let signed = "AWS4-HMAC-SHA256 Credential=nobody/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
        let signed = [("authorization", signed.to_owned())];
        Peer::new(self.address).ask(method, &path, &signed, body)
    }

    /// The names of all objects.
    fn objects(&self) -> Vec<String> {
        let reply = self.ask("GET", "?list-type=2", b"");
        let text = String::from_utf8(reply.body).unwrap();
        let names = text.split("<Key>").skip(1);
        let until = |text: &str| text.split("</Key>").next().unwrap().to_owned();
        names.map(until).collect()
    }
}

/// A line to `to` that breaks off an answer after as many bytes as `lets` says; 0 lets nobody connect.
fn line(to: SocketAddr, lets: Arc<AtomicUsize>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, lets) = (client.unwrap(), lets.load(Ordering::Relaxed));
            if lets == 0 {
                continue;
            }
            std::thread::spawn(move || {
                let mut server = TcpStream::connect(to).unwrap();
                let (mut from, mut into) =
                    (client.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut into);
                });
                let (mut passed, mut piece) = (0, [0; 4096]);
                while let Ok(count @ 1..) = server.read(&mut piece) {
                    let count = count.min(lets - passed);
                    if client.write_all(&piece[..count]).is_err() || passed + count == lets {
                        break;
                    }
                    passed += count;
                }
                let _ = client.shutdown(Shutdown::Both);
            });
        }
    });
    address
}

fn north(site: &Site) -> Peer {
    site.peer().with_token("north-token-of-24-letters")
}

/// What a server answers to a client whose keys another one took.
fn infer(member: &Member, peer: &Peer) -> Reply {
    let request = member.client.encrypt(&INPUT).unwrap();
    let (headers, body) = common::binary(&member.hash, &request);
    let reply = peer.ask("POST", &member.infer_path(), &headers, &body);
    if reply.status == 200 {
        let answer = member
            .client
            .decrypt_for(&request, &Member::output(&reply), 1)
            .unwrap();
        assert!(are_squares(&answer[0].clone().logits(), &INPUT));
    }
    reply
}

/// Files below a folder whose names end so.
fn files(folder: &Path, ending: &str) -> usize {
    let entries = std::fs::read_dir(folder).unwrap();
    let count = |path: std::path::PathBuf| match path.is_dir() {
        true => files(&path, ending),
        false => usize::from(path.to_string_lossy().ends_with(ending)),
    };
    entries.map(|entry| count(entry.unwrap().path())).sum()
}

#[test]
fn two_servers_share_an_upload_and_tenants_do_not_cross() {
    let Some(store) = Store::new("shared") else {
        return;
    };
    let (first, second) = (store.site(), store.site());
    let peers = [north(&first), north(&second)];
    let spec = peers[0].get("/v2/models/square/spec").body;
    let (client, keys) = Client::generate(Known::from_bytes(&spec).unwrap().spec).unwrap();
    let hash = blake3::hash(&keys).to_hex().to_string();
    let path = format!("/v2/models/square/keys/{hash}");
    // Pieces by turns, as a load balancer may send them.
    let (third, length) = (keys.len() / 3, keys.len());
    for (turn, range) in [0..third, third..2 * third].into_iter().enumerate() {
        let end = range.end;
        assert_eq!(peers[turn].piece(&path, &keys, range).status, 202);
        for peer in &peers {
            assert_eq!(peer.get(&path).json()["received"], end);
        }
    }
    let again = peers[0].piece(&path, &keys, 0..third);
    assert_eq!(
        (again.status, again.json()["received"].clone()),
        (409, (2 * third).into())
    );
    assert_eq!(peers[0].piece(&path, &keys, 2 * third..length).status, 201);
    let member = Member {
        peer: peers[0].clone(),
        model: "square".into(),
        client,
        hash,
    };
    let objects = store.objects();
    assert_eq!(objects.len(), 1, "pieces are gone: {objects:?}");
    assert!(
        objects[0].starts_with("some/prefix/keys/north/"),
        "{objects:?}"
    );
    for peer in &peers {
        assert_eq!(infer(&member, peer).status, 200);
        assert_eq!(
            peer.get("/v2/models/square/keys").json()["keys"][0],
            member.hash
        );
    }
    let south = second.peer().with_token("south-token-of-24-letters");
    assert_eq!(infer(&member, &south).status, 404);
    assert_eq!(south.get(&path).status, 404);
    assert_eq!(south.ask("DELETE", &path, &[], b"").status, 404);
    assert_eq!(infer(&member, &peers[1]).status, 200);
    // Deleted here, gone there.
    assert_eq!(peers[0].ask("DELETE", &path, &[], b"").status, 204);
    assert!(store.objects().is_empty());
    assert_eq!(peers[1].get(&path).status, 404);
    assert_eq!(infer(&member, &peers[1]).status, 404);
}

#[test]
fn a_store_that_is_away_or_breaks_off_is_told_and_no_half_key_is_kept() {
    let Some(store) = Store::new("away") else {
        return;
    };
    let (first, second) = (store.site(), store.site());
    let member = north(&first).join("square");
    let path = format!("/v2/models/square/keys/{}", member.hash);
    let folder = second.path("store");
    for lets in [0, 400, 3000] {
        store.lets.store(lets, Ordering::Relaxed);
        let reply = infer(&member, &north(&second));
        assert_eq!(reply.status, 503, "{lets}: {}", reply.error());
        assert!(reply.header("retry-after").is_some());
        assert_eq!(files(&folder, ".keys") + files(&folder, "fetched"), 0);
        assert_eq!(
            infer(&member, &north(&first)).status,
            200,
            "its copy serves on"
        );
    }
    store.lets.store(0, Ordering::Relaxed);
    let spec = north(&first).get("/v2/models/square/spec").body;
    let (_, keys) = Client::generate(Known::from_bytes(&spec).unwrap().spec).unwrap();
    let other = format!("/v2/models/square/keys/{}", blake3::hash(&keys).to_hex());
    let reply = north(&first).piece(&other, &keys, 0..keys.len());
    assert_eq!((reply.status, north(&first).get(&path).status), (503, 503));
    assert_eq!(north(&first).get("/v2/health/ready").status, 200);
    store.lets.store(WHOLE, Ordering::Relaxed);
    assert_eq!(infer(&member, &north(&second)).status, 200);
    assert_eq!(
        north(&first).piece(&other, &keys, 0..keys.len()).status,
        201
    );
    let lines = second.lines.lock().unwrap().join("\n");
    assert!(
        lines.contains("the store of keys cannot be used"),
        "{lines}"
    );
    assert!(!lines.contains("no secret"));
}

#[test]
fn keys_that_were_changed_in_the_store_are_not_used() {
    let Some(store) = Store::new("changed") else {
        return;
    };
    let (first, second) = (store.site(), store.site());
    let members = [0; 3].map(|_| north(&first).join("square"));
    let name = |member: &Member| {
        let mut objects = store.objects().into_iter();
        objects.find(|name| name.ends_with(&member.hash)).unwrap()
    };
    let whole = store.ask("GET", &name(&members[0]), b"").body;
    let mut bit = whole.clone();
    bit[whole.len() / 2] ^= 1;
    // Half of it, a changed bit, the keys of another client.
    for (member, bytes) in members
        .iter()
        .zip([&whole[..whole.len() / 2], &bit, &whole])
    {
        let object = name(member);
        assert_eq!(store.ask("PUT", &object, bytes).status, 200);
        assert_eq!(infer(member, &north(&second)).status, 404);
        assert!(!store.objects().contains(&object), "it is removed");
    }
    assert_eq!(files(&second.path("store"), ".keys"), 0);
    let lines = second.lines.lock().unwrap().join("\n");
    assert!(
        lines.contains("is not what it was when it was stored"),
        "{lines}"
    );
}

#[test]
fn copies_make_room_and_quotas_count_what_lies_in_the_store() {
    let Some(store) = Store::new("quota") else {
        return;
    };
    let first = store.site();
    let members = [0; 3].map(|_| north(&first).join("square"));
    let one = store.ask("GET", &store.objects()[0], b"").body.len() as u64;
    // Room for one copy, and for the keys in the store, but for no more of them.
    let limits = Limits {
        store_bytes: 7 * one,
        tenant_store_bytes: 4 * one - 1,
        ..Limits::default()
    };
    let place = Some(store.place(&store.bucket));
    let models = [("square", square("ours"))];
    let small = Site::with_bucket(&models, Some(TOKENS), limits, place);
    for member in members.iter().chain(&members) {
        assert_eq!(infer(member, &north(&small)).status, 200);
        assert!(files(&small.path("store"), ".keys") < 3);
    }
    let spec = north(&first).get("/v2/models/square/spec").body;
    let (_, keys) = Client::generate(Known::from_bytes(&spec).unwrap().spec).unwrap();
    let path = format!("/v2/models/square/keys/{}", blake3::hash(&keys).to_hex());
    let reply = north(&small).piece(&path, &keys, 0..keys.len());
    assert_eq!(reply.status, 507, "{}", reply.error());
    assert!(
        reply.error().contains(&format!("take {} bytes", 3 * one)),
        "{}",
        reply.error()
    );
}

#[test]
fn a_bucket_that_is_not_there_is_refused_before_anything_is_served() {
    let Some(store) = Store::new("there") else {
        return;
    };
    let site = store.site();
    let wrong = site.refused(store.place("nobodys-bucket"));
    assert!(
        wrong.contains("s3://nobodys-bucket/some/prefix: cannot be read"),
        "{wrong}"
    );
    let mut unsafe_place = store.place(&store.bucket);
    unsafe_place
        .environment
        .retain(|(name, _)| name != "AWS_ALLOW_HTTP");
    let wrong = site.refused(unsafe_place);
    assert!(wrong.contains("AWS_ALLOW_HTTP"), "{wrong}");
    store.lets.store(0, Ordering::Relaxed);
    let wrong = site.refused(store.place(&store.bucket));
    assert!(wrong.contains("cannot be read"), "{wrong}");
}
