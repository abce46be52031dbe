//! Writing a file so that it is either the old one or the new one, whole.

use std::io::Write;
use std::path::Path;

use crate::error::{Result, RuntimeError};

/// Who may read a written file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Only the user (mode 0600): secret keys.
    Owner,
    /// As the system's mask says.
    Anyone,
}

/// Writes `bytes` to a new file beside `path`, flushes it to the disk and renames it to `path`. If anything fails, what
/// was at `path` stays as it was and the new file is removed.
///
/// # Errors
/// [`RuntimeError::Io`] with the path and what the system says, such as a full disk.
pub fn write_atomically(path: &Path, bytes: &[u8], access: Access) -> Result<()> {
    let failed = |source| RuntimeError::Io {
        action: "write",
        path: path.to_owned(),
        source,
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".hemet-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = match access {
            Access::Owner => 0o600,
            Access::Anyone => 0o666,
        };
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = access;
    let mut file = builder.tempfile_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.error))?;
    #[cfg(unix)]
    std::fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed)?;
    Ok(())
}

/// The bytes of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| RuntimeError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unwritable_folder_is_named_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("no/such/file");
        let text = write_atomically(&target, b"x", Access::Anyone)
            .unwrap_err()
            .to_string();
        assert!(text.contains("no/such/file"), "{text}");
        // A folder in the place of the file cannot be replaced by it.
        let target = folder.path().join("taken");
        std::fs::create_dir(&target).unwrap();
        assert!(write_atomically(&target, b"x", Access::Anyone).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_for_the_owner_is_readable_by_no_one_else() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("key");
        std::fs::write(&target, b"old").unwrap();
        write_atomically(&target, b"new", Access::Owner).unwrap();
        let mode = std::fs::metadata(&target).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read(&target).unwrap(), b"new");
    }
}
