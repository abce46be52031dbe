//! A pair of key files in a folder: written whole, never half of one over half of another.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use hemet_runtime::files::key_set_at;
use hemet_runtime::{Client, KeyFile, KeySetId, Note, Passphrase};

use crate::error::Error;

/// How many folders deep pairs are looked for: a folder, those in it, and in each the pairs that were set aside.
const DEPTH: usize = 2;

/// The server's half while it waits for the client's.
const NEW_SERVER: &str = "server.keys.new";

/// A pair of key files, or where one is to be.
#[derive(Clone, Debug)]
pub struct KeyPair {
    /// Its folder.
    pub folder: PathBuf,
}

/// What a pair's files say.
pub struct Listed {
    /// The note of the client's half.
    pub note: Note,
    /// Whether the client's half is under a passphrase.
    pub is_locked: bool,
    /// The artifact, in hexadecimal digits.
    pub artifact: String,
    /// The pair's random id, in hexadecimal digits.
    pub key_set: String,
    /// What is wrong with the pair, if anything is.
    pub fault: Option<String>,
}

impl KeyPair {
    /// The pair of a folder.
    pub fn of(folder: &Path) -> Self {
        let folder = folder.to_owned();
        Self { folder }
    }

    /// The client's half, secret.
    pub fn client(&self) -> PathBuf {
        self.folder.join("client.key")
    }

    /// The server's half.
    pub fn server(&self) -> PathBuf {
        self.folder.join("server.keys")
    }

    /// The client's half under another passphrase, or none. What lay in the file before is overwritten: it may have
    /// lain there in the clear.
    ///
    /// # Errors
    /// What the system says; the file is then as it was, or already the new one.
    pub fn keep_under(
        &self,
        client: &Client,
        passphrase: Option<&Passphrase>,
    ) -> Result<(), Error> {
        let path = self.client();
        let wrong = |e| Error::file(&path, e);
        // The old file, which has no name any more once the new one has it.
        let old = fs::OpenOptions::new().write(true).open(&path);
        let mut old = old.map_err(wrong)?;
        client.save(&path, passphrase)?;
        overwrite(&mut old).map_err(wrong)
    }

    /// The files that are there.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = vec![self.client(), self.server()];
        files.retain(|path| path.exists());
        files
    }

    /// Every pair, or half of one, in a folder and those below it.
    pub fn below(folder: &Path) -> Result<Vec<KeyPair>, Error> {
        let mut found = Vec::new();
        collect(folder, DEPTH, &mut found)?;
        Ok(found)
    }

    /// Writes both halves. A pair that was there is replaced whole: at no moment lies one's half beside another's.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(
        &self,
        client: &Client,
        server: &[u8],
        passphrase: Option<&Passphrase>,
    ) -> Result<(), Error> {
        fs::create_dir_all(&self.folder).map_err(|e| Error::file(&self.folder, e))?;
        let aside = self.folder.join(NEW_SERVER);
        hemet_files::write_atomically(&aside, server)?;
        if self.server().exists() {
            fs::remove_file(self.server()).map_err(|e| Error::file(&self.server(), e))?;
        }
        client.save(&self.client(), passphrase)?;
        fs::rename(&aside, self.server()).map_err(|e| Error::file(&aside, e))
    }

    /// Moves the pair into a folder of its own below this one, which is named by its id.
    ///
    /// # Errors
    /// What the system says; such a folder that is there already.
    pub fn set_aside(&self, key_set: KeySetId) -> Result<KeyPair, Error> {
        let old = KeyPair::of(&self.folder.join(format!("old-{key_set:.16}")));
        fs::create_dir(&old.folder).map_err(|e| Error::file(&old.folder, e))?;
        // The client's half last: what is left here after a crash is what `rotate` can begin with again.
        for (from, to) in [(self.server(), old.server()), (self.client(), old.client())] {
            if from.exists() {
                fs::rename(&from, &to).map_err(|e| Error::file(&from, e))?;
            }
        }
        Ok(old)
    }

    /// What writing that was cut short has left in the folder: parts of either half.
    fn leftovers(&self) -> Vec<PathBuf> {
        let is_part = |path: &PathBuf| {
            let name = path
                .file_name()
                .map_or(Default::default(), |n| n.to_string_lossy());
            name == NEW_SERVER || hemet_files::is_part(&name)
        };
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(is_part).collect()
    }

    /// Overwrites and removes the files of the pair and parts of them, and its folder if nothing else is in it.
    ///
    /// # Errors
    /// What the system says.
    pub fn forget(&self) -> Result<(), Error> {
        for path in self.files().into_iter().chain(self.leftovers()) {
            wipe(&path).map_err(|e| Error::file(&path, e))?;
        }
        // Refused where something else is in it.
        let _ = fs::remove_dir(&self.folder);
        Ok(())
    }

    /// What its files say, and what is wrong with them.
    pub fn list(&self) -> Listed {
        let server = self.server().exists().then(|| key_set_at(&self.server()));
        let file = match (self.client().exists(), &server) {
            (true, _) => KeyFile::read(&self.client()),
            (false, Some(Ok(keys))) => {
                return Listed::faulty("client.key is missing".into(), keys.to_string());
            }
            (false, Some(Err(error))) => return Listed::faulty(error.to_string(), String::new()),
            (false, None) => return Listed::faulty("no key is here".into(), String::new()),
        };
        let file = match file {
            Ok(file) => file,
            Err(error) => return Listed::faulty(error.to_string(), String::new()),
        };
        let fault = match server {
            None => Some("server.keys is not here".to_owned()),
            Some(Err(error)) => Some(error.to_string()),
            Some(Ok(keys)) if keys != file.key_set() => {
                Some(format!("server.keys is of another pair ({keys:.16})"))
            }
            Some(Ok(_)) => None,
        };
        Listed {
            note: file.note().clone(),
            is_locked: file.is_locked(),
            artifact: file.artifact().to_string(),
            key_set: file.key_set().to_string(),
            fault,
        }
    }
}

impl Listed {
    fn faulty(fault: String, key_set: String) -> Self {
        Self {
            note: Note::default(),
            is_locked: false,
            artifact: String::new(),
            key_set,
            fault: Some(fault),
        }
    }
}

fn collect(folder: &Path, depth: usize, found: &mut Vec<KeyPair>) -> Result<(), Error> {
    let wrong = |e| Error::file(folder, e);
    let mut below = Vec::new();
    for entry in fs::read_dir(folder).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        if entry.file_type().map_err(wrong)?.is_dir() {
            below.push(entry.path());
        }
    }
    let pair = KeyPair::of(folder);
    if !pair.files().is_empty() {
        found.push(pair);
    }
    below.sort();
    match depth {
        0 => Ok(()),
        _ => below
            .iter()
            .try_for_each(|folder| collect(folder, depth - 1, found)),
    }
}

/// Overwrites a file with zeros and removes it. A link is removed, not followed.
fn wipe(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_file() {
        overwrite(&mut fs::OpenOptions::new().write(true).open(path)?)?;
    }
    fs::remove_file(path)
}

/// Zeros in place of what a file holds, on the disk.
fn overwrite(file: &mut fs::File) -> io::Result<()> {
    let zeros = [0; 1 << 16];
    let mut left = file.metadata()?.len();
    while left > 0 {
        let count = left.min(zeros.len() as u64);
        file.write_all(&zeros[..count as usize])?;
        left -= count;
    }
    file.sync_all()
}
