//! What the service adds to the computation, on this machine: `cargo bench -p hemet-serve --bench figures --
//! MODEL.hemet`.
//!
//! | figure | how |
//! |---|---|
//! | start to ready | from the start of the process to the port file |
//! | upload | of all keys in pieces of 4 MiB; with and without checking and storing them |
//! | overhead | requests one after the other over one connection, against the same in this process, in turn |
//! | throughput | two and four clients at once on a server with a thread for each core, against two threads here |
//! | memory | with many registered clients of whom few ask, against these few alone |

#[path = "../tests/common/mod.rs"]
mod common;

use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use common::process::{Process, command, start_by};
use common::{Member, Peer, binary};
use hemet_runtime::schemes::{self, Known};
use hemet_runtime::{Client, Server, ServerKeys, unobserved};

/// Clients that are registered, and those of them that ask.
const REGISTERED: usize = 100;
const ACTIVE: usize = 5;
/// Requests of each kind for a median.
const REQUESTS: usize = 60;
/// A measurement of one side lasts at least so long.
const LASTS: Duration = Duration::from_secs(8);

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|a| !a.starts_with("--"));
    let Some(model) = arguments.next_back().map(PathBuf::from) else {
        println!("give an artifact: cargo bench -p hemet-serve --bench figures -- model.hemet");
        return;
    };
    let world = World::new(&model);
    println!("load before     {}", load());
    let (process, peer, ready_s) = world.start(&[]);
    println!("start to ready  {:.0} ms", ready_s * 1e3);
    let (client, keys) = Client::generate(world.known.spec.clone()).unwrap();
    let member = upload(peer, client, &keys);
    world.overhead(&member, &keys);
    world.throughput(&member, &keys);
    drop(process);
    world.memory();
    println!("load after      {}", load());
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg")
        .unwrap_or_default()
        .trim()
        .to_owned()
}

struct World {
    folder: tempfile::TempDir,
    artifact: PathBuf,
    known: Known,
}

impl World {
    fn new(model: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("models")).unwrap();
        let artifact = folder.path().join("models/model.hemet");
        std::fs::copy(model, &artifact).unwrap();
        Self {
            known: Known::open(&artifact).unwrap(),
            folder,
            artifact,
        }
    }

    /// A server with these options, and the seconds until it was ready.
    fn start(&self, options: &[&str]) -> (Process, Peer, f64) {
        let begun = Instant::now();
        let started = start_by(self.folder.path(), command(self.folder.path(), options));
        let (process, peer) = started.expect("it starts");
        (process, peer, begun.elapsed().as_secs_f64())
    }

    fn input(&self) -> Vec<f64> {
        let facts = self.known.spec.facts();
        let middle = facts
            .range
            .map_or(0.5, |range| (range.low + range.high) / 2.0);
        let count: u32 = facts.shape.iter().product();
        vec![middle; count as usize]
    }

    /// The same artifact and keys in this process, on so many threads.
    fn here(&self, keys: &[u8], threads: usize) -> Here {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let server = pool.install(|| Server::new(schemes::open(&self.artifact).unwrap()).unwrap());
        let path = self.folder.path().join("here");
        hemet_runtime::keep_keys(self.known.spec.as_ref(), keys, &path).unwrap();
        let keys = server.kept_keys(&path).unwrap();
        Here { server, keys, pool }
    }

    fn overhead(&self, member: &Member, keys: &[u8]) {
        let here = self.here(keys, 0);
        let request = member.client.encrypt(&self.input()).unwrap();
        let mut line = Line::new(&member.peer);
        let (mut inside, mut over) = (Vec::new(), Vec::new());
        for round in 0..REQUESTS + 3 {
            let begun = Instant::now();
            here.answer(&request);
            let direct_s = begun.elapsed().as_secs_f64();
            let begun = Instant::now();
            line.infer(member, &request);
            let http_s = begun.elapsed().as_secs_f64();
            // The first ones bring keys and constants into memory.
            if round >= 3 {
                inside.push(direct_s * 1e3);
                over.push(http_s * 1e3);
            }
        }
        let (inside, over) = (median(&mut inside), median(&mut over));
        println!(
            "overhead        {over:.2} ms over HTTP, {inside:.2} ms here: {:.2} ms more, {:.1} % (request {} KB)",
            over - inside,
            (over / inside - 1.0) * 100.0,
            request.len() / 1000
        );
    }

    fn throughput(&self, member: &Member, keys: &[u8]) {
        let request = member.client.encrypt(&self.input()).unwrap();
        let two = [self.here(keys, 1), self.here(keys, 1)];
        let side_by_side = rate(2, &|which| {
            let here = &two[which];
            let request = &request;
            Box::new(move || here.answer(request))
        });
        for clients in [2, 4] {
            let served = rate(clients, &|_| {
                let mut line = Line::new(&member.peer);
                let request = &request;
                Box::new(move || line.infer(member, request))
            });
            println!(
                "throughput      {served:.2}/s by {clients} clients, {side_by_side:.2}/s by two threads here: ratio {:.3}",
                served / side_by_side
            );
        }
    }

    /// Memory after a few clients have asked, with and without many others that are registered.
    fn memory(&self) {
        let used = |registered: usize| {
            std::fs::remove_dir_all(self.folder.path().join("store")).unwrap();
            let (process, peer, _) = self.start(&[]);
            let mut active = Vec::new();
            for _ in 0..ACTIVE {
                let (client, keys) = Client::generate(self.known.spec.clone()).unwrap();
                active.push(quiet_upload(peer.clone(), client, &keys));
            }
            let (_, keys) = Client::generate(self.known.spec.clone()).unwrap();
            for number in ACTIVE..registered {
                send(&peer, &renamed(&keys, number as u64));
            }
            for member in active.iter().cycle().take(3 * ACTIVE) {
                let request = member.client.encrypt(&self.input()).unwrap();
                Line::new(&peer).infer(member, &request);
            }
            let kib = |field| process.memory_kib(field);
            (kib("VmRSS:"), kib("RssAnon:"))
        };
        let (few, few_own) = used(ACTIVE);
        let (many, many_own) = used(REGISTERED);
        println!(
            "memory          {} MiB ({} MiB its own) with {REGISTERED} clients registered, {} MiB ({}) with {ACTIVE}: ratio {:.2}",
            many >> 10,
            many_own >> 10,
            few >> 10,
            few_own >> 10,
            many as f64 / few as f64
        );
    }
}

/// An artifact with one client's keys in this process.
struct Here {
    server: Server,
    keys: ServerKeys,
    pool: rayon::ThreadPool,
}

impl Here {
    fn answer(&self, request: &[u8]) {
        let answer = || self.server.answer(&self.keys, request, &mut unobserved);
        self.pool.install(answer).unwrap();
    }
}

/// A connection that stays open.
struct Line(TcpStream, Peer);

impl Line {
    fn new(peer: &Peer) -> Self {
        let stream = peer.connect();
        stream.set_nodelay(true).unwrap();
        Self(stream, peer.clone())
    }

    fn infer(&mut self, member: &Member, request: &[u8]) {
        let (headers, body) = binary(&member.hash, request);
        let head = self
            .1
            .head("POST", &member.infer_path(), &headers, body.len());
        self.0.write_all(&[head, body].concat()).unwrap();
        let reply = self.1.reply(&mut self.0);
        assert_eq!(
            reply.status,
            200,
            "{}",
            String::from_utf8_lossy(&reply.body)
        );
        self.1.traffic.lock().unwrap().clear();
    }
}

/// Answers a second of so many that work at once; each is made before the time begins.
fn rate<'a>(workers: usize, make: &dyn Fn(usize) -> Box<dyn FnMut() + Send + 'a>) -> f64 {
    let workers: Vec<_> = (0..workers).map(make).collect();
    let rates = thread::scope(|scope| {
        let threads: Vec<_> = workers
            .into_iter()
            .map(|mut work| {
                scope.spawn(move || {
                    (0..2).for_each(|_| work());
                    let (begun, mut count) = (Instant::now(), 0);
                    while begun.elapsed() < LASTS {
                        work();
                        count += 1;
                    }
                    f64::from(count) / begun.elapsed().as_secs_f64()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect::<Vec<_>>()
    });
    rates.iter().sum()
}

/// The same keys under another random name, so that they are another client's to a server.
fn renamed(keys: &[u8], number: u64) -> Vec<u8> {
    let mut bytes = keys.to_vec();
    bytes[40..48].copy_from_slice(&number.to_le_bytes());
    let mut hasher = blake3::Hasher::new();
    let sum = hasher.update(&bytes[..64]).update(&bytes[96..]).finalize();
    bytes[64..96].copy_from_slice(sum.as_bytes());
    bytes
}

/// Sends keys in pieces; seconds until all but the last piece have arrived, and until they are checked and stored.
fn send(peer: &Peer, keys: &[u8]) -> (String, f64, f64) {
    let hash = blake3::hash(keys).to_hex().to_string();
    let path = format!("/v2/models/model/keys/{hash}");
    let mut stream = peer.connect();
    stream.set_nodelay(true).unwrap();
    let (begun, mut arrived_s) = (Instant::now(), 0.0);
    for start in (0..keys.len()).step_by(4 << 20) {
        let end = (start + (4 << 20)).min(keys.len());
        let range = format!("bytes {start}-{}/{}", end - 1, keys.len());
        let head = peer.head("PUT", &path, &[("content-range", range)], end - start);
        stream.write_all(&head).unwrap();
        stream.write_all(&keys[start..end]).unwrap();
        let reply = peer.reply(&mut stream);
        assert!([201, 202].contains(&reply.status), "{}", reply.status);
        if end < keys.len() {
            arrived_s = begun.elapsed().as_secs_f64();
        }
    }
    (hash, arrived_s, begun.elapsed().as_secs_f64())
}

fn quiet_upload(peer: Peer, client: Client, keys: &[u8]) -> Member {
    let (hash, ..) = send(&peer, keys);
    let model = "model".to_owned();
    Member {
        peer,
        model,
        client,
        hash,
    }
}

fn upload(peer: Peer, client: Client, keys: &[u8]) -> Member {
    let (hash, arrived_s, whole_s) = send(&peer, keys);
    let megabytes = keys.len() as f64 / 1e6;
    let pieces = (keys.len() - 1) / (4 << 20);
    let arriving = (pieces * (4 << 20)) as f64 / 1e6 / arrived_s;
    println!(
        "upload          {megabytes:.1} MB of keys: {arriving:.0} MB/s arriving, {:.0} MB/s with checking and storing ({whole_s:.2} s)",
        megabytes / whole_s
    );
    let model = "model".to_owned();
    Member {
        peer,
        model,
        client,
        hash,
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
