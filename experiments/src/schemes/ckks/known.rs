//! Cost tables of named machines, which are part of the program: with one of them a search on a laptop looks for
//! networks for a server. `experiments/costs/README.md` says where they come from.

use std::path::Path;

/// A named machine.
pub struct Known {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// The table.
    pub table: &'static str,
}

/// Every named machine.
pub const KNOWN: &[Known] = &[Known {
    name: "epyc-zen4",
    about: "AMD EPYC (Zen 4, AVX-512 with IFMA), measured 2026-11-28",
    table: include_str!("../../../costs/epyc-zen4.json"),
}];

/// The machine that a path names, where no file lies there.
pub fn named(path: &Path) -> Option<&'static Known> {
    let name = path.to_str().filter(|_| !path.exists())?;
    KNOWN.iter().find(|known| known.name == name)
}

/// What to say of a path at which no file lies and which names no machine, if it looks like a name.
pub fn unknown(path: &Path) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let name = path
        .to_str()
        .filter(|name| name.chars().all(plain) && !path.exists())?;
    let names: Vec<&str> = KNOWN.iter().map(|known| known.name).collect();
    Some(format!(
        "there is neither a file `{name}` nor a cost table of that name; known machines: {}",
        names.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use hemet_schedule::CostTable;

    use super::*;

    #[test]
    fn every_named_table_is_one_and_says_its_machine() {
        for known in KNOWN {
            let table = CostTable::from_json(known.table).expect(known.name);
            assert!(known.about.starts_with(&table.machine), "{}", known.name);
            assert!(named(Path::new(known.name)).is_some());
        }
        assert!(named(Path::new("m5")).is_none());
        let told = unknown(Path::new("m5")).expect("a name");
        assert!(
            told.contains("`m5`") && told.contains("epyc-zen4"),
            "{told}"
        );
        assert_eq!(unknown(Path::new("a/b.json")), None);
    }
}
