//! Writing a file whole or not at all.
//!
//! The bytes go into a new file in the same folder, reach the disk, and only then take the name: a crash, a full disk
//! or a second writer leaves either the old file or the new one, never half of one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file that could not be written; what stood at its path is unchanged.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`: {doing} failed: {source}; what stood there before is unchanged", path.display())]
pub struct WriteError {
    /// The file that was to be written.
    pub path: PathBuf,
    /// The step that failed.
    pub doing: &'static str,
    /// The reason given by the operating system.
    pub source: io::Error,
}

const PART_PREFIX: &str = ".hemet-";
const PART_SUFFIX: &str = ".part";

/// Whether a file of this name is one that a crash kept from taking its own.
pub fn is_part(name: &str) -> bool {
    name.starts_with(PART_PREFIX) && name.ends_with(PART_SUFFIX)
}

/// Who may read a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Readers {
    /// As for any new file of this user; an existing file's permissions are kept.
    Usual,
    /// The user alone, also where the file existed before.
    OwnerOnly,
}

/// Writes a file whole or not at all. A link is followed; an existing file keeps its permissions.
///
/// # Errors
/// [`WriteError`] with path, step and reason, a full disk included; what stood at the path is then unchanged. Also
/// where the path is not an ordinary file (a folder, a device, a pipe).
pub fn write_atomically(path: impl AsRef<Path>, bytes: &[u8]) -> Result<(), WriteError> {
    write_aside(path.as_ref(), Readers::Usual, |file| file.write_all(bytes))
}

/// As [`write_atomically`] for what `write` writes piece by piece, for files larger than one would hold in memory.
///
/// # Errors
/// As [`write_atomically`], and those of `write`.
pub fn write_atomically_with(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), WriteError> {
    write_aside(path.as_ref(), Readers::Usual, |file| {
        let mut buffered = io::BufWriter::new(file);
        write(&mut buffered)?;
        buffered.flush()
    })
}

/// As [`write_atomically`], but nobody except the owner can read the file, from its first byte on: for secret keys.
///
/// # Errors
/// As [`write_atomically`].
pub fn write_atomically_private(path: impl AsRef<Path>, bytes: &[u8]) -> Result<(), WriteError> {
    write_aside(path.as_ref(), Readers::OwnerOnly, |file| {
        file.write_all(bytes)
    })
}

fn write_aside(
    path: &Path,
    readers: Readers,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), WriteError> {
    let failed = |doing: &'static str| {
        move |source: io::Error| WriteError {
            path: path.to_path_buf(),
            doing,
            source,
        }
    };
    let (target, existing) = resolve(path).map_err(failed("looking at the path"))?;
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(PART_PREFIX).suffix(PART_SUFFIX);
    if let Some(permissions) = new_file_permissions(readers) {
        builder.permissions(permissions);
    }
    let mut aside = builder
        .tempfile_in(folder)
        .map_err(failed("making a file aside in the same folder"))?;
    // Straight to the system: a buffer here would keep bytes of secret keys in memory that nobody wipes.
    write(&mut aside).map_err(failed("writing the bytes"))?;
    if let (Some(existing), Readers::Usual) = (existing, readers) {
        aside
            .as_file()
            .set_permissions(existing.permissions())
            .map_err(failed("keeping the permissions"))?;
    }
    aside
        .as_file()
        .sync_all()
        .map_err(failed("bringing the bytes to the disk"))?;
    aside
        .persist(&target)
        .map_err(|error| failed("taking the name")(error.error))?;
    sync_folder(folder);
    Ok(())
}

/// The file behind the path (links followed), and what stands there now.
fn resolve(path: &Path) -> io::Result<(PathBuf, Option<fs::Metadata>)> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok((fs::canonicalize(path)?, Some(metadata))),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not an ordinary file",
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((path.to_path_buf(), None)),
        Err(error) => Err(error),
    }
}

/// What a new file is opened with; the system takes the user's mask off it.
#[cfg(unix)]
fn new_file_permissions(readers: Readers) -> Option<fs::Permissions> {
    use std::os::unix::fs::PermissionsExt;
    match readers {
        Readers::Usual => Some(fs::Permissions::from_mode(0o666)),
        Readers::OwnerOnly => Some(fs::Permissions::from_mode(0o600)),
    }
}

#[cfg(not(unix))]
fn new_file_permissions(_: Readers) -> Option<fs::Permissions> {
    None
}

/// Makes the new name itself survive a loss of power. Some file systems cannot; the file is whole all the same, so that
/// is not an error.
fn sync_folder(folder: &Path) {
    if cfg!(unix) {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_file_is_written_and_overwritten_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.md");
        for bytes in [b"first".as_slice(), b"", b"a longer third"] {
            write_atomically(&path, bytes).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
            assert_eq!(names(folder.path()), ["report.md"]);
        }
    }

    #[test]
    fn a_file_that_cannot_be_written_to_its_end_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let pieces = |file: &mut dyn Write| {
            file.write_all(b"a piece, ")?;
            file.write_all(b"another")
        };
        write_atomically_with(&path, pieces).unwrap();
        let failing = |file: &mut dyn Write| {
            file.write_all(b"half")?;
            Err(io::Error::other("the rest is gone"))
        };
        let message = write_atomically_with(&path, failing).unwrap_err();
        assert!(
            message.to_string().contains("the rest is gone"),
            "{message}"
        );
        assert_eq!(fs::read(&path).unwrap(), b"a piece, another");
        assert_eq!(names(folder.path()), ["keys"]);
    }

    #[test]
    fn a_missing_folder_is_named_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing").join("front.csv");
        let message = write_atomically(&path, b"x").unwrap_err().to_string();
        assert!(
            message.contains(path.to_str().unwrap()) && message.contains("No such file"),
            "{message}"
        );
    }

    #[test]
    fn a_folder_is_refused_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let message = write_atomically(folder.path(), b"x")
            .unwrap_err()
            .to_string();
        assert!(message.contains("not an ordinary file"), "{message}");
        assert!(folder.path().is_dir() && names(folder.path()).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_refused() {
        assert!(matches!(
            write_atomically("/dev/null", b"x"),
            Err(WriteError { .. })
        ));
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_kept_and_private_files_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let (usual, private) = (folder.path().join("usual"), folder.path().join("private"));
        write_atomically(&usual, b"x").unwrap();
        let plain = folder.path().join("plain");
        fs::write(&plain, b"x").unwrap();
        assert_eq!(
            mode(&usual),
            mode(&plain),
            "a new file is like any other of this user"
        );
        fs::set_permissions(&usual, fs::Permissions::from_mode(0o640)).unwrap();
        write_atomically(&usual, b"y").unwrap();
        assert_eq!(mode(&usual), 0o640);
        for _ in 0..2 {
            write_atomically_private(&private, b"secret").unwrap();
            assert_eq!(mode(&private), 0o600);
            fs::set_permissions(&private, fs::Permissions::from_mode(0o644)).unwrap();
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_and_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, b"old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write_atomically(&link, b"new").unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}
