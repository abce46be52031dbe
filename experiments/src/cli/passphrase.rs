//! Passphrases of key files: from a file, from the environment, or asked for without echo; never from the command
//! line, where others can read them.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use console::Term;
use hemet_runtime::signature::{SigningKey, SigningKeyFile};
use hemet_runtime::{Client, KeyFile, Passphrase};
use zeroize::Zeroizing;

use crate::error::Error;

/// The environment variable that may hold a passphrase.
const VARIABLE: &str = "HEMET_PASSPHRASE";
/// Most bytes of a passphrase file that are read.
const MOST_BYTES: u64 = 4096;

/// How an existing key is opened.
#[derive(clap::Args, Debug)]
pub struct Unlock {
    /// A file whose first line is the key's passphrase; without it, HEMET_PASSPHRASE is taken, or you are asked
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

impl Unlock {
    /// The client of a key file.
    ///
    /// # Errors
    /// A file that cannot be read; a passphrase that is missing or wrong.
    pub fn client(&self, path: &Path) -> Result<Client, Error> {
        let wrong = |e| Error::file(path, e);
        let file = KeyFile::read(path).map_err(wrong)?;
        let passphrase = self.of(path, file.is_locked())?;
        file.open(passphrase.as_ref()).map_err(wrong)
    }

    /// The key that signs artifacts.
    ///
    /// # Errors
    /// As [`Unlock::client`].
    pub fn signing_key(&self, path: &Path) -> Result<SigningKey, Error> {
        let wrong = |e| Error::file(path, e);
        let file = SigningKeyFile::read(path).map_err(wrong)?;
        let passphrase = self.of(path, file.is_locked())?;
        file.open(passphrase.as_ref()).map_err(wrong)
    }

    /// The passphrase of the key at `path`; none where it has none.
    ///
    /// # Errors
    /// None given and nobody to ask.
    pub fn of(&self, path: &Path, is_locked: bool) -> Result<Option<Passphrase>, Error> {
        if !is_locked {
            return Ok(None);
        }
        match given(self.passphrase_file.as_deref())? {
            Some(passphrase) => Ok(Some(passphrase)),
            None => ask(&format!("passphrase of {}: ", path.display())).map(Some),
        }
    }
}

/// How a new key is kept.
#[derive(clap::Args, Debug)]
pub struct Protect {
    /// Put the secret key under a passphrase, which you are asked for
    #[arg(long)]
    pub passphrase: bool,
    /// Put it under the passphrase in the first line of FILE; HEMET_PASSPHRASE does the same
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

impl Protect {
    /// The passphrase of a new key; none where none is wanted.
    ///
    /// # Errors
    /// One that is too short, or typed differently the second time.
    pub fn new_passphrase(&self) -> Result<Option<Passphrase>, Error> {
        let passphrase = match given(self.passphrase_file.as_deref())? {
            Some(passphrase) => passphrase,
            None if self.passphrase => ask_twice()?,
            None => return Ok(None),
        };
        passphrase.check_new()?;
        Ok(Some(passphrase))
    }
}

/// A new passphrase in place of a key's own: from a file, or asked for. The environment holds the old one.
///
/// # Errors
/// As [`Protect::new_passphrase`].
pub fn new(file: Option<&Path>) -> Result<Passphrase, Error> {
    let passphrase = match file {
        Some(path) => first_line(path)?,
        None => ask_twice()?,
    };
    passphrase.check_new()?;
    Ok(passphrase)
}

fn ask_twice() -> Result<Passphrase, Error> {
    let first = ask("new passphrase: ")?;
    match ask("the same again: ")? == first {
        true => Ok(first),
        false => Err(Error::user("the two passphrases differ; try again")),
    }
}

/// The passphrase that a file or the environment gives.
fn given(file: Option<&Path>) -> Result<Option<Passphrase>, Error> {
    if let Some(path) = file {
        return first_line(path).map(Some);
    }
    match std::env::var_os(VARIABLE) {
        Some(value) => {
            let bytes = Zeroizing::new(value.into_encoded_bytes());
            let wrong = |e| Error::user(format!("{VARIABLE}: {e}"));
            Passphrase::new(bytes).map(Some).map_err(wrong)
        }
        None => Ok(None),
    }
}

fn first_line(path: &Path) -> Result<Passphrase, Error> {
    let wrong = |e: &dyn std::fmt::Display| Error::file(path, e);
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST_BYTES as usize + 1));
    let file = File::open(path).map_err(|e| wrong(&e))?;
    let read = file.take(MOST_BYTES).read_to_end(&mut bytes);
    read.map_err(|e| wrong(&e))?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or(&[]);
    let line = Zeroizing::new(line.strip_suffix(b"\r").unwrap_or(line).to_vec());
    Passphrase::new(line).map_err(|e| wrong(&e))
}

/// Asks at the terminal, without echo.
fn ask(question: &str) -> Result<Passphrase, Error> {
    let terminal = Term::stderr();
    if !terminal.is_term() {
        return Err(Error::user(format!(
            "{question}there is no terminal to ask at; give --passphrase-file FILE, or the environment variable {VARIABLE}"
        )));
    }
    let failed = |e| Error::user(format!("cannot ask for a passphrase: {e}"));
    terminal.write_str(question).map_err(failed)?;
    let answer = terminal.read_secure_line().map_err(failed)?;
    Ok(Passphrase::new(Zeroizing::new(answer.into_bytes()))?)
}
