//! A folder of requests, and the folder of their answers: an encrypted file a request, named as what was encrypted with
//! `.ct` behind it. Requests of several images are numbered, and `names.json` beside them says what is in each: it
//! stays with the client.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::Error;

/// What stands behind the name of what was encrypted.
const ENDING: &str = ".ct";
/// The names of what is in requests of several images.
const NAMES: &str = "names.json";
/// Folders inside folders at most.
const DEEPEST: usize = 16;

/// Names of images by the file of their request.
pub type Names = BTreeMap<String, Vec<String>>;

/// The name of the file of a request.
pub fn file(name: &str) -> String {
    format!("{name}{ENDING}")
}

/// All files below a folder, by their paths from it with `/` between, in order of names; hidden ones are left out.
///
/// # Errors
/// A folder that cannot be read, is empty, or has more than 16 folders inside each other.
pub fn files(folder: &Path) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    gather(folder, "", DEEPEST, &mut found)?;
    found.sort();
    match found.is_empty() {
        true => Err(Error::file(folder, "there is no file in this folder")),
        false => Ok(found),
    }
}

fn gather(folder: &Path, before: &str, left: usize, found: &mut Vec<String>) -> Result<(), Error> {
    let failed = |e| Error::file(folder, e);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return Err(Error::file(&path, "its name is no text (UTF-8); rename it"));
        };
        let ignored =
            name.starts_with('.') || ["Thumbs.db", "desktop.ini", "__MACOSX"].contains(&name);
        let name = format!("{before}{name}");
        if ignored {
            continue;
        }
        if !path.is_dir() {
            found.push(name);
            continue;
        }
        if left == 0 {
            let what = format!("it lies more than {DEEPEST} folders deep");
            return Err(Error::file(&path, what));
        }
        gather(&path, &format!("{name}/"), left - 1, found)?;
    }
    Ok(())
}

/// The requests or answers in a folder, by their names without the ending.
///
/// # Errors
/// As [`files`]; a folder without any.
pub fn listed(folder: &Path) -> Result<Vec<String>, Error> {
    let all = files(folder)?;
    let names: Vec<String> = (all.iter())
        .filter_map(|name| name.strip_suffix(ENDING).map(str::to_owned))
        .collect();
    match names.is_empty() {
        true => Err(Error::file(
            folder,
            format!(
                "none of its {} files ends in {ENDING}, as requests and answers do",
                all.len()
            ),
        )),
        false => Ok(names),
    }
}

/// What is in the requests of a folder that hold several images; of others nothing.
///
/// # Errors
/// A file that is damaged.
pub fn names(folder: &Path) -> Result<Names, Error> {
    let path = folder.join(NAMES);
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| Error::file(&path, e)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Names::new()),
        Err(error) => Err(Error::file(&path, error)),
    }
}

/// A folder that is being filled: it takes its place when all is written, and nothing is left of it before.
pub struct Filling {
    place: PathBuf,
    inside: TempDir,
}

impl Filling {
    /// A folder that will lie at `place`, where nothing or an empty folder is.
    ///
    /// # Errors
    /// Something there already; a folder that cannot be made.
    pub fn of(place: &Path) -> Result<Self, Error> {
        let failed = |e| Error::file(place, e);
        if place.is_file() {
            let what = "it is a file; several requests need a folder: name one with -o";
            return Err(Error::file(place, what));
        }
        if place.is_dir() && std::fs::read_dir(place).map_err(failed)?.next().is_some() {
            let what = "the folder holds files already; name another one with -o";
            return Err(Error::file(place, what));
        }
        let parent = match place.parent() {
            Some(parent) if parent != Path::new("") => parent,
            Some(_) | None => Path::new("."),
        };
        std::fs::create_dir_all(parent).map_err(|e| Error::file(parent, e))?;
        let inside = tempfile::Builder::new()
            .prefix(".hemet-")
            .tempdir_in(parent);
        Ok(Self {
            place: place.to_owned(),
            inside: inside.map_err(failed)?,
        })
    }

    /// Writes the file of a request or an answer.
    ///
    /// # Errors
    /// What cannot be written.
    pub fn add(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.inside.path().join(file(name));
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|e| Error::file(folder, e))?;
        }
        Ok(hemet_files::write_atomically(&path, bytes)?)
    }

    /// Puts the folder into its place, with the names of what is in requests of several images.
    ///
    /// # Errors
    /// What cannot be written.
    pub fn finish(self, names: &Names) -> Result<(), Error> {
        if !names.is_empty() {
            let path = self.inside.path().join(NAMES);
            hemet_files::write_atomically(&path, &serde_json::to_vec_pretty(names)?)?;
        }
        let failed = |e| Error::file(&self.place, e);
        if self.place.is_dir() {
            std::fs::remove_dir(&self.place).map_err(failed)?;
        }
        std::fs::rename(self.inside.path(), &self.place).map_err(failed)?;
        open_to_others(&self.place);
        // It lies elsewhere now.
        let _ = self.inside.keep();
        Ok(())
    }
}

/// A temporary folder is its owner's alone; ciphertexts are for servers to read, as files written singly are.
fn open_to_others(folder: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Where it fails the folder is still its owner's.
        let _ = std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755));
    }
    #[cfg(not(unix))]
    let _ = folder;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_takes_its_place_whole_or_leaves_nothing() {
        let world = tempfile::tempdir().expect("a folder");
        let place = world.path().join("requests");
        let broken_off = Filling::of(&place).expect("free");
        broken_off.add("a.png", b"1").expect("written");
        drop(broken_off);
        assert_eq!(std::fs::read_dir(world.path()).expect("there").count(), 0);
        let filling = Filling::of(&place).expect("free");
        filling.add("cat/a.png", b"1").expect("written");
        filling.add("b.png", b"2").expect("written");
        let names = Names::from([("b.png.ct".to_owned(), vec!["x".to_owned()])]);
        filling.finish(&names).expect("in its place");
        assert_eq!(listed(&place).expect("two"), ["b.png", "cat/a.png"]);
        assert_eq!(super::names(&place).expect("kept"), names);
        let refused = Filling::of(&place).err().expect("taken").to_string();
        assert!(refused.contains("holds files already"), "{refused}");
        std::fs::write(world.path().join("file"), "").expect("written");
        assert!(Filling::of(&world.path().join("file")).is_err());
        let empty = world.path().join("empty");
        std::fs::create_dir(&empty).expect("made");
        let none = listed(&empty).expect_err("nothing").to_string();
        assert!(none.contains("empty"), "{none}");
    }
}
