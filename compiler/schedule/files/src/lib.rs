//! Files: written whole or not at all ([`write_atomically`]), and checked before they are believed ([`sealed`]).
//!
//! ```
//! let folder = std::env::temp_dir().join(format!("hemet-files-{}", std::process::id()));
//! std::fs::create_dir_all(&folder)?;
//! let path = folder.join("report.md");
//! hemet_files::write_atomically(&path, b"# Report")?;
//! assert_eq!(std::fs::read(&path)?, b"# Report");
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod sealed;
mod write;

pub use write::{
    WriteError, is_part, write_atomically, write_atomically_private, write_atomically_with,
};
