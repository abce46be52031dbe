//! The readers of the mutation run as fuzz targets, and a way to write their seeds as corpora.

use std::sync::OnceLock;

#[path = "../../examples/mutate/readers.rs"]
pub mod readers;
#[path = "../../examples/mutate/seeds.rs"]
pub mod seeds;

use readers::Reader;

fn all() -> &'static [Reader] {
    static READERS: OnceLock<Vec<Reader>> = OnceLock::new();
    READERS.get_or_init(readers::all)
}

/// Reads an input by the reader of this name. With `HEMET_FUZZ_SEEDS` set, the first call writes the reader's seeds
/// into that folder, to begin a corpus with.
///
/// # Panics
/// Where the reader does, which is what a fuzzer looks for; and where there is none of this name.
pub fn read(name: &str, input: &[u8]) {
    let reader = all().iter().find(|reader| reader.name == name);
    let reader = reader.expect("a reader of this name");
    static SEEDS: OnceLock<()> = OnceLock::new();
    SEEDS.get_or_init(|| {
        let Some(folder) = std::env::var_os("HEMET_FUZZ_SEEDS") else {
            return;
        };
        std::fs::create_dir_all(&folder).expect("a folder for seeds");
        for (index, seed) in reader.seeds.iter().enumerate() {
            let path = std::path::Path::new(&folder).join(format!("seed{index}"));
            std::fs::write(path, seed).expect("a seed is written");
        }
    });
    (reader.read)(input);
}
