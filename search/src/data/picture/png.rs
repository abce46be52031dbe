//! PNG (ISO/IEC 15948), with palettes and fewer or more than 8 bits a channel brought to 8.

use std::io::Cursor;

use png::{ColorType, Decoder, Limits, Transformations};

use super::{MAX_BYTES, Picture, check_size, exif};

pub(super) fn decode(content: &[u8]) -> Result<Picture, String> {
    let limits = Limits { bytes: MAX_BYTES };
    let mut decoder = Decoder::new_with_limits(Cursor::new(content), limits);
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|e| e.to_string())?;
    let len = check_size(reader.output_buffer_size())?;
    let mut pixels = vec![0; len];
    let info = reader.next_frame(&mut pixels).map_err(|e| e.to_string())?;
    let channels = match info.color_type {
        ColorType::Grayscale => 1,
        ColorType::Rgb => 3,
        ColorType::GrayscaleAlpha | ColorType::Rgba | ColorType::Indexed => {
            return Err("it has transparency; write it as gray or RGB without".into());
        }
    };
    let axes = [channels, info.height as usize, info.width as usize];
    let picture =
        Picture::interleaved(axes, &pixels[..info.buffer_size()]).ok_or(super::NO_PIXEL)?;
    let data = reader.info().exif_metadata.as_deref();
    Ok(exif::turned(picture, data.map_or(1, exif::orientation)))
}
