//! A queue's file is for its owner alone: who can write to it can answer in the place of workers.

use std::path::Path;

/// Makes the file at `path` where it is missing, and lets nobody but its owner read and write it. SQLite gives its
/// other files the same permissions.
#[cfg(unix)]
pub fn owner_only(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let mut options = std::fs::OpenOptions::new();
    let file = options.create(true).append(true).mode(0o600).open(path)?;
    let mut permissions = file.metadata()?.permissions();
    if permissions.mode() & 0o077 != 0 {
        permissions.set_mode(0o600);
        file.set_permissions(permissions)?;
    }
    Ok(())
}

/// Elsewhere files inherit the permissions of their folder.
#[cfg(not(unix))]
pub fn owner_only(_: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_that_all_could_read_is_closed_to_others_and_keeps_what_it_holds() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("queue.sqlite");
        let mode = || {
            std::fs::metadata(&path)
                .expect("there")
                .permissions()
                .mode()
                & 0o777
        };
        owner_only(&path).expect("made");
        assert_eq!(mode(), 0o600);
        std::fs::write(&path, "kept").expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("opened");
        owner_only(&path).expect("closed");
        assert_eq!(mode(), 0o600);
        assert_eq!(std::fs::read(&path).expect("there"), b"kept");
    }
}
