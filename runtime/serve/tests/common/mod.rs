//! What the tests of the server share: small artifacts of both schemes, a server in a folder of its own, and a client
//! that speaks plain HTTP over a socket and remembers every byte.

#![allow(dead_code)] // each test file uses a part

pub mod process;
#[path = "../../../tests/common/tfhe.rs"]
pub mod tfhe;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hemet_ckks_params::{Parameters, ntt_primes};
use hemet_runtime::Client;
use hemet_runtime::door::Answer;
use hemet_runtime::schemes::Known;
use hemet_schedule::{
    Artifact, Builder, Constant, Header, Layout, Level, Manifest, Op, Scale, verify,
};
use hemet_serve::{BucketPlace, Config, Limits, Serving};
use serde_json::{Value, json};

/// How much a test does: little by default, so that the suite stays quick, and all of it where the environment variable
/// `HEMET_TEST_FULL` is set.
pub fn size(quick: usize, full: usize) -> usize {
    match std::env::var_os("HEMET_TEST_FULL") {
        Some(_) => full,
        None => quick,
    }
}

/// Numbers without a pattern, by a seed.
pub struct Random(pub u64);

impl Random {
    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

/// Squares of four numbers; parameters for tests only. Another name is another artifact.
pub fn square(name: &str) -> Vec<u8> {
    squares(name, Inside::Nothing)
}

fn squares(name: &str, inside: Inside) -> Vec<u8> {
    let chain = ntt_primes(10, &[45, 30]).unwrap();
    let parameters = Parameters::new_insecure(10, chain, ntt_primes(10, &[46]).unwrap()).unwrap();
    let layout = Layout::raster([1, 2, 2]);
    let mut builder = Builder::new(Header {
        parameters,
        input_scale: Scale::pow2(30),
        input_level: Level(1),
        input: layout.clone(),
        output: layout,
        layers: vec![],
        depth: 0,
        precision_bits: 8,
    });
    let x = builder.push(Op::Input { index: 0 }).unwrap()[0];
    let x = builder.push(Op::Square { x }).unwrap()[0];
    let x = builder.push(Op::Relinearize { x }).unwrap()[0];
    let x = builder.push(Op::Rescale { x }).unwrap()[0];
    let x = match inside {
        Inside::Nothing => x,
        Inside::Bias(bias) => {
            let constant = builder.constant("bias", Constant::Vector(vec![bias; 4]));
            builder.push(Op::AddPlain { x, constant }).unwrap()[0]
        }
        Inside::Rotation => builder.push(Op::Rotate { x, step: 1 }).unwrap()[0],
    };
    let schedule = verify(builder.finish(vec![x])).unwrap();
    Artifact::new(Manifest::new(name), schedule)
        .to_bytes()
        .unwrap()
}

/// Squares of four numbers and `bias` more. All of these need the same keys, and those of [`square`].
pub fn square_plus(bias: f64) -> Vec<u8> {
    squares(&format!("plus {bias}"), Inside::Bias(bias))
}

/// Squares of four numbers in turned places: it needs a key more.
pub fn turned() -> Vec<u8> {
    squares("turned", Inside::Rotation)
}

/// What is done behind the squares.
enum Inside {
    Nothing,
    Bias(f64),
    Rotation,
}

/// `2a − b + 3` of two numbers, exactly.
pub fn linear() -> Vec<u8> {
    tfhe::artifact(3).to_bytes().unwrap()
}

/// A server in this process, with its folders.
pub struct Site {
    pub folder: tempfile::TempDir,
    pub lines: Arc<Mutex<Vec<String>>>,
    config: Config,
    serving: Option<Serving>,
    pub address: SocketAddr,
}

impl Site {
    pub fn new(models: &[(&str, Vec<u8>)], tokens: Option<&str>, limits: Limits) -> Self {
        Self::with_bucket(models, tokens, limits, None)
    }

    /// A server that shares keys with others.
    pub fn with_bucket(
        models: &[(&str, Vec<u8>)],
        tokens: Option<&str>,
        limits: Limits,
        bucket: Option<BucketPlace>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("models")).unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let heard = lines.clone();
        let tokens = tokens.map(|text| {
            let path = folder.path().join("tokens");
            std::fs::write(&path, text).unwrap();
            path
        });
        for (name, bytes) in models {
            std::fs::write(folder.path().join(format!("models/{name}.hemet")), bytes).unwrap();
        }
        let (start, since) = (Instant::now(), SystemTime::now());
        let since = since.duration_since(UNIX_EPOCH).unwrap();
        let config = Config {
            models: folder.path().join("models"),
            store: folder.path().join("store"),
            bucket,
            tokens,
            trust: None,
            tls: None,
            limits,
            clock: Arc::new(move || since + start.elapsed()),
            lines: Arc::new(move |line: &str| heard.lock().unwrap().push(line.to_owned())),
        };
        let mut site = Self {
            folder,
            lines,
            config,
            serving: None,
            address: SocketAddr::from(([0, 0, 0, 0], 0)),
        };
        site.begin_again();
        site
    }

    /// Starts a server in the folders as they are.
    pub fn begin_again(&mut self) {
        self.end();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let serving = Serving::start(&self.config, listener).unwrap();
        self.address = serving.address();
        self.serving = Some(serving);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces a model's file as one should: by renaming another one over it.
    pub fn replace(&self, name: &str, bytes: &[u8]) {
        let path = self.path(&format!("models/{name}.hemet"));
        hemet_files::write_atomically(path, bytes).unwrap();
    }

    pub fn peer(&self) -> Peer {
        Peer::new(self.address)
    }

    /// What `--check` says with another place for keys.
    pub fn refused(&self, bucket: BucketPlace) -> String {
        let config = Config {
            models: self.path("models"),
            store: self.path("store"),
            bucket: Some(bucket),
            tokens: None,
            trust: None,
            tls: None,
            limits: Limits::default(),
            clock: self.config.clock.clone(),
            lines: self.config.lines.clone(),
        };
        hemet_serve::check(&config).unwrap_err().to_string()
    }

    pub fn end(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.end();
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.end();
    }
}

/// An answer over HTTP.
pub struct Reply {
    pub status: u16,
    /// Status line and headers, names in lower case.
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines();
        let mut found = lines.filter_map(|line| line.split_once(": "));
        found.find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn error(&self) -> String {
        self.json()["error"].as_str().unwrap().to_owned()
    }
}

/// A client that opens a connection for each request.
#[derive(Clone)]
pub struct Peer {
    address: SocketAddr,
    token: Option<String>,
    /// Everything that went over the wire, both ways.
    pub traffic: Arc<Mutex<Vec<u8>>>,
}

impl Peer {
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            token: None,
            traffic: Arc::default(),
        }
    }

    pub fn with_token(&self, token: &str) -> Self {
        let token = Some(token.to_owned());
        Self {
            token,
            ..self.clone()
        }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream
    }

    /// Sends bytes as they are and reads one answer.
    pub fn raw(&self, bytes: &[u8]) -> Reply {
        self.try_raw(bytes).expect("an answer")
    }

    /// As [`Peer::raw`]; none where the connection breaks first.
    pub fn try_raw(&self, bytes: &[u8]) -> Option<Reply> {
        let mut stream = self.connect();
        // A server that refuses may close before all is sent.
        let _ = stream.write_all(bytes);
        self.traffic.lock().unwrap().extend_from_slice(bytes);
        self.try_reply(&mut stream)
    }

    pub fn reply(&self, stream: &mut TcpStream) -> Reply {
        self.try_reply(stream).expect("an answer")
    }

    pub fn try_reply(&self, stream: &mut TcpStream) -> Option<Reply> {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            more(stream, &mut bytes)?;
        };
        let mut body = bytes.split_off(end);
        let head = String::from_utf8(bytes).unwrap().to_ascii_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut reply = Reply {
            status,
            head,
            body: Vec::new(),
        };
        let length = reply.header("content-length");
        let length = length.map_or(0, |text| text.parse().unwrap());
        while body.len() < length {
            more(stream, &mut body)?;
        }
        let mut traffic = self.traffic.lock().unwrap();
        traffic.extend_from_slice(reply.head.as_bytes());
        traffic.extend_from_slice(&body);
        reply.body = body;
        Some(reply)
    }

    pub fn head(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        length: usize,
    ) -> Vec<u8> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: here\r\n");
        if let Some(token) = &self.token {
            head += &format!("authorization: Bearer {token}\r\n");
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("content-length: {length}\r\n\r\n");
        head.into_bytes()
    }

    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, String)], body: &[u8]) -> Reply {
        let head = self.head(method, path, headers, body.len());
        self.raw(&[&head, body].concat())
    }

    pub fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &[], b"")
    }

    /// A piece of keys.
    pub fn piece(&self, path: &str, keys: &[u8], range: std::ops::Range<usize>) -> Reply {
        let text = format!("bytes {}-{}/{}", range.start, range.end - 1, keys.len());
        self.ask("PUT", path, &[("content-range", text)], &keys[range])
    }

    /// Makes keys for a model and uploads them in pieces.
    pub fn join(&self, model: &str) -> Member {
        let spec = self.get(&format!("/v2/models/{model}/spec"));
        assert_eq!(spec.status, 200, "{}", spec.head);
        let (client, keys) = Client::generate(Known::from_bytes(&spec.body).unwrap().spec).unwrap();
        let hash = blake3::hash(&keys).to_hex().to_string();
        let path = format!("/v2/models/{model}/keys/{hash}");
        // The first piece says what the file is, in its first 96 bytes.
        let length = keys.len();
        let first = (length / 3).max(96);
        let second = (2 * length / 3).max(first + 1);
        for range in [0..first, first..second, second..length] {
            let is_last = range.end == length;
            let reply = self.piece(&path, &keys, range);
            let said = String::from_utf8_lossy(&reply.body).into_owned();
            assert_eq!(reply.status, if is_last { 201 } else { 202 }, "{said}");
        }
        Member {
            peer: self.clone(),
            model: model.to_owned(),
            client,
            hash,
        }
    }
}

/// Reads some more; nothing where the connection has ended.
fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    let mut piece = [0; 1 << 16];
    let count = stream.read(&mut piece).ok().filter(|count| *count > 0)?;
    bytes.extend_from_slice(&piece[..count]);
    Some(())
}

/// A client whose keys the server has.
pub struct Member {
    pub peer: Peer,
    pub model: String,
    pub client: Client,
    pub hash: String,
}

/// The body of a request with a binary tensor, and the header that goes with it.
pub fn binary(keys: &str, request: &[u8]) -> ([(&'static str, String); 1], Vec<u8>) {
    let head = json!({
        "id": "a",
        "parameters": { "evaluation_keys": keys },
        "inputs": [{
            "name": "encrypted_input", "datatype": "UINT8", "shape": [request.len()],
            "parameters": { "binary_data_size": request.len() },
        }],
    })
    .to_string();
    let length = [("inference-header-content-length", head.len().to_string())];
    (length, [head.as_bytes(), request].concat())
}

impl Member {
    pub fn infer_path(&self) -> String {
        format!("/v2/models/{}/infer", self.model)
    }

    /// The same client for what the model is now; nothing is uploaded.
    pub fn rebound(self) -> Self {
        let spec = self.peer.get(&format!("/v2/models/{}/spec", self.model));
        let known = Known::from_bytes(&spec.body).unwrap();
        let client = self.client.rebound(&known).unwrap();
        Self { client, ..self }
    }

    /// Sends an encrypted request.
    pub fn infer(&self, request: &[u8]) -> Reply {
        let (headers, body) = binary(&self.hash, request);
        self.peer.ask("POST", &self.infer_path(), &headers, &body)
    }

    /// The encrypted output of a good answer.
    pub fn output(reply: &Reply) -> Vec<u8> {
        assert_eq!(
            reply.status,
            200,
            "{}",
            String::from_utf8_lossy(&reply.body)
        );
        let head = reply.header("inference-header-content-length").unwrap();
        let at: usize = head.parse().unwrap();
        reply.body[at..].to_vec()
    }

    /// The logits of an input, computed by the server.
    pub fn predict(&self, input: &[f64]) -> Vec<f64> {
        let request = self.client.encrypt(input).unwrap();
        let output = Self::output(&self.infer(&request));
        let answer = self.client.decrypt_for(&request, &output, 1).unwrap();
        match answer.into_iter().next() {
            Some(Answer::Logits(logits)) => logits,
            Some(Answer::Label(_)) | None => panic!("logits are expected"),
        }
    }
}

/// Whether these are the squares of those.
pub fn are_squares(output: &[f64], input: &[f64]) -> bool {
    let near = |(x, y): (&f64, &f64)| (x * x - y).abs() < 1e-3;
    output.len() == input.len() && input.iter().zip(output).all(near)
}
