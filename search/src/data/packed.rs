//! Files of known length, plain, as `.xz` or as `.gz`.

use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use lzma_rust2::XzReader;

use super::files;
use crate::Error;

/// No `.xz` file is given more memory than this, whatever its header says: 256 MiB, in KiB.
const XZ_MEMORY_KIB: u32 = 256 << 10;

/// The file `name` of a set that usually lies in the folder `usual`, with what is said of it in errors; it has
/// `expected` bytes.
pub(super) fn read(
    folder: &Path,
    usual: &str,
    name: &str,
    expected: usize,
) -> Result<(String, Vec<u8>), Error> {
    let names = [format!("{name}.xz"), name.to_owned(), format!("{name}.gz")];
    let path = files::find(folder, usual, &names);
    let file = path.display().to_string();
    let content = plain(&file, &files::read(&path)?, expected)?;
    Ok((file, content))
}

/// The content, unpacked if it is an `.xz` or a `.gz`.
fn plain(file: &str, content: &[u8], expected: usize) -> Result<Vec<u8>, Error> {
    let mut records = Vec::new();
    let limit = expected as u64 + 1;
    let result = match content {
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            XzReader::new_mem_limit(content, false, XZ_MEMORY_KIB)
                .take(limit)
                .read_to_end(&mut records)
        }
        [0x1f, 0x8b, 8, ..] => GzDecoder::new(content)
            .take(limit)
            .read_to_end(&mut records),
        content => content.take(limit).read_to_end(&mut records),
    };
    if let Err(error) = result {
        let done = records.len();
        let why = format!("damaged after {done} of {expected} bytes ({error}); fetch it again");
        return files::refuse(file, why);
    }
    match records.len() == expected {
        true => Ok(records),
        false => {
            let more = if records.len() > expected {
                "at least "
            } else {
                ""
            };
            let why = format!(
                "{expected} bytes expected, {more}{} found; fetch it again",
                records.len()
            );
            files::refuse(file, why)
        }
    }
}
