//! The program `hemet-serve` in a process of its own, which ends with the test.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{Peer, square};

/// A server in a process of its own.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// Kibibytes of memory that the process holds now, as Linux tells; `field` is `VmRSS` or `VmHWM`, the most so far.
    pub fn memory_kib(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let digits = line.unwrap().trim_matches(|c: char| !c.is_ascii_digit());
        digits.parse().unwrap()
    }
}

/// A folder with the model `square`.
pub fn world() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("models")).unwrap();
    std::fs::write(folder.path().join("models/square.hemet"), square("ours")).unwrap();
    folder
}

/// What a server is started with in such a folder.
pub const ARGUMENTS: [&str; 7] = [
    "models",
    "--store",
    "store",
    "--listen",
    "127.0.0.1:0",
    "--port-file",
    "port",
];

/// The program with these arguments and more, in `folder`.
pub fn command(folder: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hemet-serve"));
    command.args(ARGUMENTS).args(more);
    command.current_dir(folder).stderr(Stdio::null());
    command
}

/// Starts a server and waits until it is ready.
pub fn start(folder: &Path) -> (Process, Peer) {
    start_by(folder, command(folder, &[])).expect("it starts")
}

/// Starts a server by a command; none where the command ends before a server is ready.
pub fn start_by(folder: &Path, mut command: Command) -> Option<(Process, Peer)> {
    let _ = std::fs::remove_file(folder.join("port"));
    let mut process = Process(command.spawn().ok()?);
    let begun = Instant::now();
    let port = loop {
        if let Ok(text) = std::fs::read_to_string(folder.join("port")) {
            break text.trim().parse::<u16>().unwrap();
        }
        if process.0.try_wait().unwrap().is_some() {
            return None;
        }
        let waited = begun.elapsed();
        assert!(waited < Duration::from_secs(30), "it does not start");
        std::thread::sleep(Duration::from_millis(5));
    };
    Some((process, Peer::new(([127, 0, 0, 1], port).into())))
}
