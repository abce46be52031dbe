//! What tests of the binary share: a folder of their own in which `hemet` runs, and an experiment that is trained in
//! seconds.

// Each test binary uses its part.
#![allow(dead_code)]

pub mod models;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A folder, removed at the end, with a cost table `costs.json` that depends on no clock, so that journals can be
/// compared.
pub struct World {
    folder: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let costs = hemet_compiler::synthetic_table().to_json();
        std::fs::write(folder.path().join("costs.json"), costs).unwrap();
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        let path = self.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// The command `hemet` with these arguments, separated by spaces, in the folder.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hemet"));
        command
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path())
            .env("XDG_CACHE_HOME", self.path("cache"));
        command
    }

    /// Runs a command that must succeed; gives its standard output.
    pub fn good(&self, arguments: &str) -> String {
        let output = self.command(arguments).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "hemet {arguments}\n{err}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must be refused as a user's mistake; gives its standard error.
    pub fn refused(&self, arguments: &str) -> String {
        let output = self.command(arguments).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "hemet {arguments}\n{err}");
        assert!(!err.contains("panicked"), "{err}");
        err
    }
}

/// An experiment on the embedded digits over a few small networks: a stem, then nothing or one of the convolutions of
/// `conv`, which are written as in a space, such as `width: [4, 8], kernel: 3`. The lines of `settings` follow, among
/// them `search:`.
pub fn tiny(conv: &str, settings: &str) -> String {
    format!(
        "\
name: tiny
seed: 3
data: {{set: optdigits, validation: 0.2}}
space:
  input: [1, 8, 8]
  classes: 10
  stem: {{conv: {{width: 4, kernel: 3, stride: 2}}}}
  blocks:
    - name: b1
      options: [skip, {{conv: {{{conv}}}}}]
  activation: quadratic
{settings}"
    )
}

pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

pub fn read_json(path: &Path) -> Value {
    json(&std::fs::read_to_string(path).unwrap())
}
