//! JPEG (ITU-T T.81), baseline and progressive, gray or in colors that become RGB.
//!
//! The decoder is built without its vector instructions: JPEG leaves rounding open, and workers of one search must
//! have the same images on every machine. The orientation in the Exif data is followed. JPEG has no checksums: a
//! file that was cut is refused, a changed byte within the data may only change the picture.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{Picture, check_size, exif};

pub(super) fn decode(content: &[u8]) -> Result<Picture, String> {
    // The decoder would fill what is missing with black.
    if !is_whole(content) {
        return Err("it ends before its end marker: the file was cut".into());
    }
    let options = DecoderOptions::new_safe().set_strict_mode(true);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(content), options);
    decoder.decode_headers().map_err(|e| e.to_string())?;
    let (colors, channels) = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => (ColorSpace::Luma, 1),
        Some(ColorSpace::YCbCr | ColorSpace::RGB) => (ColorSpace::RGB, 3),
        other => {
            let found = other.map_or("unknown".into(), |space| format!("{space:?}"));
            return Err(format!("its colors are {found}; write it as gray or RGB"));
        }
    };
    decoder.set_options(options.jpeg_set_out_colorspace(colors));
    let len = check_size(decoder.output_buffer_size())?;
    let (width, height) = decoder.dimensions().ok_or("it has no size")?;
    let mut pixels = vec![0; len];
    let decoded = decoder.decode_into(&mut pixels);
    decoded.map_err(|e| e.to_string())?;
    let picture =
        Picture::interleaved([channels, height, width], &pixels).ok_or(super::NO_PIXEL)?;
    let orientation = exif_of(content).map_or(1, exif::orientation);
    Ok(exif::turned(picture, orientation))
}

/// The Exif data of a file, in an application segment before its first scan.
fn exif_of(content: &[u8]) -> Option<&[u8]> {
    const APPLICATION_1: u8 = 0xe1;
    const SCAN: u8 = 0xda;
    let mut at = 2;
    loop {
        let [0xff, marker, high, low] = *content.get(at..at + 4)? else {
            return None;
        };
        let end = at + 2 + usize::from(u16::from_be_bytes([high, low]));
        let segment = content.get(at + 4..end)?;
        let data = segment.strip_prefix(b"Exif\0\0");
        if marker == SCAN {
            return None;
        }
        if marker == APPLICATION_1 && data.is_some() {
            return data;
        }
        at = end;
    }
}

/// Whether the segments lead to the end marker (T.81, annex B): markers with lengths, and after a scan's header the
/// data up to the next marker that is neither a stuffed byte nor a restart.
fn is_whole(content: &[u8]) -> bool {
    const END: u8 = 0xd9;
    const SCAN: u8 = 0xda;
    let without_length = |marker: u8| matches!(marker, 0x01 | 0xd0..=0xd8);
    let mut at = 0;
    loop {
        match content.get(at..at + 2) {
            Some([0xff, END]) => return true,
            // A fill byte is one byte, other markers two.
            Some([0xff, 0xff]) => at += 1,
            Some([0xff, marker]) if without_length(*marker) => at += 2,
            Some([0xff, marker]) => {
                let Some([high, low]) = content.get(at + 2..at + 4) else {
                    return false;
                };
                at += 2 + usize::from(u16::from_be_bytes([*high, *low]));
                if *marker == SCAN {
                    let rest = content.get(at..).unwrap_or_default();
                    let next = rest
                        .windows(2)
                        .position(|w| w[0] == 0xff && !matches!(w[1], 0 | 0xd0..=0xd7 | 0xff));
                    let Some(next) = next else { return false };
                    at += next;
                }
            }
            Some(_) | None => return false,
        }
    }
}
