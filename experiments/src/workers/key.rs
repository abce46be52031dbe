//! The file of a study's key, `queue.key` in the run folder: 64 hexadecimal digits, for its owner alone.

use std::path::{Path, PathBuf};

use hemet_queue::Key;

use crate::error::Error;
use crate::run::folder::RunFolder;

/// Where the key of a search lies, unless another file is given.
pub fn in_run(run: &RunFolder) -> PathBuf {
    run.root.join("queue.key")
}

/// Reads a key.
///
/// # Errors
/// A file that is missing or holds no key.
pub fn read(path: &Path) -> Result<Key, Error> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::file(path, e))?;
    Key::from_hex(&text).map_err(|e| Error::file(path, e))
}

/// Reads a key, or makes one where there is no file.
///
/// # Errors
/// A file that holds no key, or cannot be made.
pub fn read_or_make(path: &Path) -> Result<Key, Error> {
    if path.exists() {
        return read(path);
    }
    let key = Key::random();
    write(path, &key.to_hex()).map_err(|e| Error::file(path, e))?;
    Ok(key)
}

/// Writes a file that none but its owner reads; never over another.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone_and_what_is_none_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let run = RunFolder {
            root: folder.path().to_owned(),
        };
        let path = in_run(&run);
        assert!(read(&path).is_err());
        let made = read_or_make(&path).expect("made").to_hex();
        assert_eq!(read_or_make(&path).expect("read").to_hex(), made);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path)
                .expect("there")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::write(&path, "no key").expect("written");
        let refused = read_or_make(&path).expect_err("no key").render();
        assert!(
            refused.contains("queue.key") && refused.contains("64"),
            "{refused}"
        );
    }
}
