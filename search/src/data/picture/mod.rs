//! Pictures in files: told apart by their first bytes, unpacked to planar bytes. To add a format: a file here and its
//! line in [`FORMATS`].

mod exif;
mod jpeg;
mod png;

pub(super) use hemet_pictures::Picture;

/// Why a picture whose header and content differ is refused.
const NO_PIXEL: &str = "it has another number of pixels than its header says";
/// No picture is unpacked beyond this, whatever its header says.
const MAX_BYTES: usize = 64 << 20;

/// A file format.
struct Format {
    name: &'static str,
    /// What its files begin with.
    signature: &'static [u8],
    decode: fn(&[u8]) -> Result<Picture, String>,
}

/// Every format.
const FORMATS: &[Format] = &[
    Format {
        name: "PNG",
        signature: b"\x89PNG\r\n\x1a\n",
        decode: png::decode,
    },
    Format {
        name: "JPEG",
        signature: b"\xff\xd8\xff",
        decode: jpeg::decode,
    },
];

/// The format whose files begin as this content does.
fn format(content: &[u8]) -> Option<&'static Format> {
    FORMATS.iter().find(|f| content.starts_with(f.signature))
}

/// Whether a file's content is a picture by its first bytes.
pub(super) fn is_picture(content: &[u8]) -> bool {
    format(content).is_some()
}

/// The picture in a file's content.
///
/// # Errors
/// A file of no known format, damaged, larger than 64 MiB unpacked, or with channels other than gray or RGB.
pub(super) fn decode(content: &[u8]) -> Result<Picture, String> {
    let Some(format) = format(content) else {
        let names: Vec<&str> = FORMATS.iter().map(|f| f.name).collect();
        return Err(format!(
            "no picture by its first bytes; {} files are read",
            names.join(" and ")
        ));
    };
    (format.decode)(content).map_err(|why| format!("no readable {} image: {why}", format.name))
}

/// Refuses what takes more memory unpacked than allowed, before it is taken.
fn check_size(bytes: Option<usize>) -> Result<usize, String> {
    bytes.filter(|bytes| *bytes <= MAX_BYTES).ok_or_else(|| {
        let found = bytes.map_or("too many to count".into(), |bytes| bytes.to_string());
        format!("unpacked it has {found} bytes, at most {MAX_BYTES} are read")
    })
}
