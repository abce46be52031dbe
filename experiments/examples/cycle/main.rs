//! How long an encrypted prediction takes from a device to a server at the edge, and to one in a cloud.
//!
//! `cargo run --release -p hemet --example cycle -- FOLDER ARTIFACT...`
//!
//! The program's own server and client run as processes of their own on this machine; between them lies a link of this
//! process with the delay and the rate of each network: edge 1 ms and 1 Gbit/s, cloud 50 ms (there and back) and
//! 20 Mbit/s. A cycle is encrypting, sending, computing, receiving, decrypting, over a connection that is open. Inputs
//! are random numbers in the range of the network. Writes `cycle.json`, `cycle.svg` and `cycle.png` into FOLDER.

mod link;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hemet::common::{self, median};
use hemet::error::Error;
use hemet_reports::{Bar, BarPlot};
use rand::RngExt;
use serde::Serialize;

use link::Link;

const EDGE: Link = Link {
    name: "edge",
    round_trip_ms: 1.0,
    megabits: 1000.0,
};
const CLOUD: Link = Link {
    name: "cloud",
    round_trip_ms: 50.0,
    megabits: 20.0,
};
/// Inputs of a client's session; the first is left out, for it opens the connection.
const INPUTS: usize = 9;

/// The cycle of a network.
#[derive(Serialize)]
struct Cycle {
    network: String,
    edge_ms: f64,
    cloud_ms: f64,
    ratio: f64,
    /// Of it the server's work.
    server_ms: f64,
    request_bytes: usize,
    key_bytes: u64,
    /// Making the keys and sending them, once.
    edge_keys_s: f64,
    cloud_keys_s: f64,
}

fn main() -> std::process::ExitCode {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (folder, artifacts) = (arguments.next(), arguments.collect::<Vec<_>>());
    match folder {
        Some(folder) if !artifacts.is_empty() => common::exit(run(&folder, &artifacts)),
        Some(_) | None => {
            eprintln!("give a folder for the figures and artifacts: cycle FOLDER ARTIFACT...");
            std::process::ExitCode::from(2)
        }
    }
}

fn run(folder: &Path, artifacts: &[PathBuf]) -> Result<(), Error> {
    let site = Site::start(artifacts)?;
    let mut cycles = Vec::new();
    for artifact in artifacts {
        let cycle = site.cycle(artifact)?;
        println!("{}", serde_json::to_string(&cycle)?);
        cycles.push(cycle);
    }
    std::fs::create_dir_all(folder).map_err(|e| Error::file(folder, e))?;
    let plot = plot(&cycles);
    let json = serde_json::to_string_pretty(&cycles)?;
    hemet_files::write_atomically(folder.join("cycle.json"), json.as_bytes())?;
    hemet_files::write_atomically(folder.join("cycle.svg"), plot.svg()?.as_bytes())?;
    hemet_files::write_atomically(folder.join("cycle.png"), &plot.png()?)?;
    Ok(())
}

/// A server with models, and a folder for clients.
struct Site {
    folder: tempfile::TempDir,
    program: PathBuf,
    address: SocketAddr,
    server: Child,
}

impl Site {
    fn start(artifacts: &[PathBuf]) -> Result<Self, Error> {
        let failed = |e: std::io::Error| Error::user(format!("the server does not start: {e}"));
        let folder = tempfile::tempdir().map_err(failed)?;
        let models = folder.path().join("models");
        std::fs::create_dir(&models).map_err(failed)?;
        for artifact in artifacts {
            let to = models.join(format!("{}.hemet", name(artifact)));
            std::fs::copy(artifact, to).map_err(|e| Error::file(artifact, e))?;
        }
        let program = std::env::current_exe().map_err(failed)?;
        // Examples lie in a folder beside the program.
        let program = program.with_file_name("..").join("hemet");
        let port = folder.path().join("port");
        let server = Command::new(&program)
            .arg("serve")
            .arg(&models)
            .args(["--listen", "127.0.0.1:0", "--store"])
            .arg(folder.path().join("store"))
            .arg("--port-file")
            .arg(&port)
            .stdout(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let begun = Instant::now();
        let port: u16 = loop {
            let text = std::fs::read_to_string(&port).unwrap_or_default();
            if let Ok(port) = text.trim().parse() {
                break port;
            }
            if begun.elapsed() > Duration::from_secs(60) {
                return Err(Error::user("the server is not ready after a minute"));
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        Ok(Self {
            folder,
            program,
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            server,
        })
    }

    fn cycle(&self, artifact: &Path) -> Result<Cycle, Error> {
        let facts = hemet::schemes::known(artifact)?.spec.facts();
        let inputs = self
            .folder
            .path()
            .join(format!("{}-inputs", name(artifact)));
        let range = facts
            .range
            .as_ref()
            .map_or([0.0, 1.0], |range| [range.low, range.high]);
        write_inputs(&inputs, facts.elements(), range)?;
        let edge = self.session(EDGE, artifact, &inputs)?;
        let cloud = self.session(CLOUD, artifact, &inputs)?;
        Ok(Cycle {
            network: name(artifact),
            ratio: edge.total_ms / cloud.total_ms,
            edge_ms: edge.total_ms,
            cloud_ms: cloud.total_ms,
            server_ms: edge.server_ms,
            request_bytes: edge.request_bytes,
            key_bytes: facts.evaluation_key_bytes,
            edge_keys_s: edge.keys_s,
            cloud_keys_s: cloud.keys_s,
        })
    }

    /// A client makes keys and has its inputs classified, over a link.
    fn session(&self, link: Link, artifact: &Path, inputs: &Path) -> Result<Session, Error> {
        let failed = |e: std::io::Error| Error::user(format!("the link: {e}"));
        let near = link.open(self.address).map_err(failed)?;
        let url = format!("http://{near}/v2/models/{}", name(artifact));
        let keys = self
            .folder
            .path()
            .join(format!("{}-{}", name(artifact), link.name));
        let (keys, inputs) = (keys.display().to_string(), inputs.display().to_string());
        let begun = Instant::now();
        self.client(&["keygen", &url, "--out", &keys])?;
        let keys_s = begun.elapsed().as_secs_f64();
        let told = self.client(&["predict", &url, "--keys", &keys, &inputs, "--json"])?;
        let lines = told.lines().skip(1).map(serde_json::from_str);
        let lines = lines.collect::<Result<Vec<serde_json::Value>, _>>()?;
        let of = |field: &str| -> Vec<f64> {
            lines
                .iter()
                .filter_map(|line| line[field].as_f64())
                .collect()
        };
        let request = Path::new(&keys).join("request.ct");
        let key = format!("{keys}/client.key");
        let first = format!("{inputs}/0.txt");
        let request_text = request.display().to_string();
        self.program(&[
            "encrypt",
            "--key",
            &key,
            "--image",
            &first,
            "-o",
            &request_text,
        ])?;
        let request_bytes = std::fs::metadata(&request).map_err(|e| Error::file(&request, e))?;
        Ok(Session {
            total_ms: median(&of("total_ms")),
            server_ms: median(&of("server_ms")),
            request_bytes: request_bytes.len() as usize,
            keys_s,
        })
    }

    fn client(&self, arguments: &[&str]) -> Result<String, Error> {
        self.program(&[&["client"], arguments].concat())
    }

    /// Runs the program; what it prints.
    fn program(&self, arguments: &[&str]) -> Result<String, Error> {
        let output = Command::new(&self.program).args(arguments).output();
        let output = output.map_err(|e| Error::user(format!("{}: {e}", self.program.display())))?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(Error::user(format!(
                "hemet {}: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr)
            ))),
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // It has nothing to keep.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// What a session took: the medians of its cycles.
struct Session {
    total_ms: f64,
    server_ms: f64,
    request_bytes: usize,
    keys_s: f64,
}

fn name(artifact: &Path) -> String {
    let stem = artifact.file_stem();
    stem.map_or("model".into(), |stem| stem.to_string_lossy().into_owned())
}

/// Files of random numbers.
fn write_inputs(folder: &Path, elements: usize, [low, high]: [f64; 2]) -> Result<(), Error> {
    std::fs::create_dir(folder).map_err(|e| Error::file(folder, e))?;
    let mut random = rand::rng();
    for index in 0..INPUTS {
        let numbers = (0..elements).map(|_| random.random_range(low..high).to_string());
        let path = folder.join(format!("{index}.txt"));
        let text = numbers.collect::<Vec<_>>().join("\n");
        std::fs::write(&path, text).map_err(|e| Error::file(&path, e))?;
    }
    Ok(())
}

fn plot(cycles: &[Cycle]) -> BarPlot {
    let bars = cycles.iter().map(|cycle| Bar {
        name: cycle.network.clone(),
        values: vec![cycle.edge_ms, cycle.cloud_ms],
        word: format!("{:.0} and {:.0} ms", cycle.edge_ms, cycle.cloud_ms),
    });
    BarPlot {
        title: "An encrypted prediction from the edge and from a cloud".into(),
        subtitle: "encrypt, send, compute, receive, decrypt; edge: 1 ms, 1 Gbit/s; cloud: 50 ms there and back, \
                   20 Mbit/s; one machine computes for both, links are simulated"
            .into(),
        x_title: "milliseconds".into(),
        kinds: vec![EDGE.name.into(), CLOUD.name.into()],
        bars: bars.collect(),
    }
}
