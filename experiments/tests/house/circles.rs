//! No circles of files: within a crate, files use each other in one direction. A `mod.rs` or `lib.rs` may name its own
//! children and be named by them; what it hands on from a child counts as the child's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::tree::{name, product_code, product_files};

type Module = Vec<String>;

/// A crate's files by module path, and the names that its `mod.rs` files hand on.
struct Crate {
    files: BTreeMap<Module, PathBuf>,
    reexports: BTreeMap<Module, BTreeMap<String, Module>>,
}

/// `(folder src, module path)` of a file.
fn place(path: &Path) -> (PathBuf, Module) {
    let mut module = Vec::new();
    let mut folder = path.to_owned();
    let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
    if !["lib", "main", "mod"].contains(&stem.as_str()) {
        module.push(stem);
    }
    folder.pop();
    while folder.file_name().is_some_and(|name| name != "src") {
        module.insert(
            0,
            folder.file_name().unwrap().to_string_lossy().into_owned(),
        );
        folder.pop();
    }
    (folder, module)
}

/// Code without comments and the text of strings, so that only paths are left to read.
fn bare(code: &str) -> String {
    let line = |line: &str| line.split("//").next().unwrap_or("").to_owned();
    code.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The paths of one `use` tree: `a::{b, c::d}` gives `a::b` and `a::c::d`.
fn expand(tree: &str, before: &[String], found: &mut Vec<Module>) {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let plain = tree.split(" as ").next().unwrap_or("");
        let words = plain.split("::").map(|word| word.trim().to_owned());
        let path: Module = before
            .iter()
            .cloned()
            .chain(words)
            .filter(|word| word != "self" || before.is_empty())
            .collect();
        found.push(path);
        return;
    };
    let head = tree[..open].trim_end_matches("::").split("::");
    let head = head
        .map(|word| word.trim().to_owned())
        .filter(|word| !word.is_empty());
    let before: Vec<String> = before.iter().cloned().chain(head).collect();
    let close = tree.rfind('}').unwrap_or(tree.len());
    let (mut depth, mut start) = (0, open + 1);
    for (index, c) in tree[open + 1..close].char_indices() {
        let at = open + 1 + index;
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&tree[start..at], &before, found);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !tree[start..close].trim().is_empty() {
        expand(&tree[start..close], &before, found);
    }
}

/// The paths that a file names: its `use` trees and the paths in its code that begin at the crate or above the file.
fn paths(code: &str) -> Vec<Module> {
    let mut found = Vec::new();
    for statement in code.split(';') {
        let begin = [
            "\nuse ",
            "\npub use ",
            "\npub(crate) use ",
            "\npub(super) use ",
            "    use ",
        ];
        if let Some(at) = begin
            .iter()
            .filter_map(|b| statement.rfind(b).map(|i| i + b.len()))
            .max()
        {
            expand(&statement[at..], &[], &mut found);
        }
    }
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let outside = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':');
            if code[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let path = code[at..].split(outside).next().unwrap_or("");
            found.push(
                path.split("::")
                    .filter(|word| !word.is_empty())
                    .map(str::to_owned)
                    .collect(),
            );
        }
    }
    found
}

impl Crate {
    /// The path from the crate's root, or nothing for a path of another crate.
    fn absolute(&self, from: &Module, path: &[String]) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        let mut base = match first.as_str() {
            "crate" => Vec::new(),
            "self" => from.clone(),
            "super" => from[..from.len().checked_sub(1)?].to_vec(),
            child => {
                let path: Module = from.iter().cloned().chain([child.to_owned()]).collect();
                self.files.contains_key(&path).then_some(path)?
            }
        };
        for word in rest {
            match word.as_str() {
                "super" => drop(base.pop()),
                word => base.push(word.to_owned()),
            }
        }
        Some(base)
    }

    /// The file that a path from the root leads to.
    fn target(&self, path: &Module) -> Module {
        let known = (0..=path.len())
            .rev()
            .find(|&n| self.files.contains_key(&path[..n]))
            .unwrap_or(0);
        let module = path[..known].to_vec();
        let handed = path
            .get(known)
            .and_then(|name| self.reexports.get(&module)?.get(name));
        match handed {
            Some(child) if *child != module => child.clone(),
            Some(_) | None => module,
        }
    }

    fn arrows(&self) -> BTreeMap<&Module, BTreeSet<Module>> {
        let arrow = |(module, path): (&Module, &PathBuf)| {
            let code = bare(&product_code(path));
            let targets = paths(&code)
                .into_iter()
                .filter_map(|p| self.absolute(module, &p));
            let folder = ["mod.rs", "lib.rs"].iter().any(|end| path.ends_with(end));
            let targets = targets
                .map(|p| self.target(&p))
                .filter(|target| target != module && !(folder && target.starts_with(module)));
            targets.collect()
        };
        self.files
            .iter()
            .map(|(module, path)| (module, arrow((module, path))))
            .collect()
    }
}

fn crates() -> Vec<Crate> {
    let mut found: BTreeMap<PathBuf, BTreeMap<Module, PathBuf>> = BTreeMap::new();
    for path in product_files() {
        let (folder, module) = place(&path);
        if path.ends_with("main.rs") {
            continue;
        }
        found.entry(folder).or_default().insert(module, path);
    }
    let make = |files: BTreeMap<Module, PathBuf>| {
        let mut made = Crate {
            files,
            reexports: BTreeMap::new(),
        };
        let mut all = BTreeMap::new();
        for (module, path) in &made.files {
            let code = bare(&product_code(path));
            let mut handed = BTreeMap::new();
            for statement in code.split(';').filter(|s| {
                s.contains("\npub use ")
                    || s.contains("\npub(crate) use ")
                    || s.contains("\npub(super) use ")
            }) {
                let at = statement.rfind(" use ").unwrap() + 5;
                let mut trees = Vec::new();
                expand(&statement[at..], &[], &mut trees);
                for tree in trees {
                    if let (Some(name), Some(path)) = (tree.last(), made.absolute(module, &tree)) {
                        handed.insert(name.clone(), made.target(&path));
                    }
                }
            }
            all.insert(module.clone(), handed);
        }
        made.reexports = all;
        made
    };
    found.into_values().map(make).collect()
}

/// The files that lie on a circle with `start`.
fn circle<'a>(
    start: &'a Module,
    arrows: &'a BTreeMap<&Module, BTreeSet<Module>>,
) -> Vec<&'a Module> {
    let reach = |from: &'a Module| {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(module) = open.pop() {
            for next in arrows.get(module).into_iter().flatten() {
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        seen
    };
    let ahead = reach(start);
    ahead
        .into_iter()
        .filter(|module| reach(module).contains(start))
        .collect()
}

#[test]
fn files_use_each_other_in_one_direction() {
    let mut found = BTreeSet::new();
    let mut arrows_seen = 0;
    for package in crates() {
        let arrows = package.arrows();
        arrows_seen += arrows.values().map(BTreeSet::len).sum::<usize>();
        for module in arrows.keys() {
            let files = circle(module, &arrows);
            if !files.is_empty() {
                found.insert(
                    files
                        .iter()
                        .map(|m| name(&package.files[*m]))
                        .collect::<Vec<_>>(),
                );
            }
        }
    }
    assert!(
        arrows_seen > 500,
        "only {arrows_seen} arrows between files found"
    );
    assert!(found.is_empty(), "circles: {found:#?}");
}

#[test]
fn the_reader_of_paths_reads_trees_and_paths_in_code() {
    let mut found = Vec::new();
    expand("a::{self, b, c::{d, e as f}}", &[], &mut found);
    let found: Vec<_> = found.iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["a", "a::b", "a::c::d", "a::c::e"]);
    let code = "\nuse crate::x::Y;\nfn f() { super::g(); other::crate_name(); }\n";
    let found: Vec<_> = paths(code).iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["crate::x::Y", "crate::x::Y", "super::g"]);
}
