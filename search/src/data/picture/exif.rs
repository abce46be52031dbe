//! The orientation of a camera's picture (Exif 2.32, tag 0x0112): how a viewer turns what lies in the file.

use super::Picture;

/// The orientation in Exif data (a TIFF header and its first directory), 1 to 8; 1, as it lies, where there is none or
/// the data are damaged: a picture is not refused for a remark beside it.
pub(super) fn orientation(data: &[u8]) -> u8 {
    const ORIENTATION: u16 = 0x0112;
    const ENTRY: usize = 12;
    let big = match data.get(..4) {
        Some(b"MM\0*") => true,
        Some(b"II*\0") => false,
        Some(_) | None => return 1,
    };
    let two = |at: usize| {
        let bytes = data.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if big {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        })
    };
    let four = |at: usize| {
        let bytes = data.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if big {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        })
    };
    let find = || {
        let directory = usize::try_from(four(4)?).ok()?;
        let entries = 0..usize::from(two(directory)?);
        let mut places = entries.map(|entry| directory.saturating_add(2 + ENTRY * entry));
        let place = places.find(|place| two(*place) == Some(ORIENTATION))?;
        u8::try_from(two(place.checked_add(8)?)?).ok()
    };
    find().filter(|value| (1..=8).contains(value)).unwrap_or(1)
}

/// The picture as a viewer shows one of this orientation.
pub(super) fn turned(picture: Picture, orientation: u8) -> Picture {
    let [channels, height, width] = picture.axes;
    let (bottom, right) = (height.saturating_sub(1), width.saturating_sub(1));
    // Orientations from 5 on swap the axes.
    let axes = match orientation {
        5..=8 => [channels, width, height],
        _ => picture.axes,
    };
    // Where the pixel of row `y` and column `x` of the result lies in the file.
    let source = |y: usize, x: usize| match orientation {
        2 => (y, right - x),
        3 => (bottom - y, right - x),
        4 => (bottom - y, x),
        5 => (x, y),
        6 => (bottom - x, y),
        7 => (bottom - x, right - y),
        8 => (x, right - y),
        _ => (y, x),
    };
    let mut planar = Vec::with_capacity(picture.planar.len());
    for channel in 0..channels {
        for y in 0..axes[1] {
            planar.extend((0..axes[2]).map(|x| {
                let (row, column) = source(y, x);
                picture.planar[(channel * height + row) * width + column]
            }));
        }
    }
    Picture { axes, planar }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exif data with this orientation, little or big endian.
    fn exif(value: u16, big: bool) -> Vec<u8> {
        let numbers: [(u32, usize); 8] = [
            (8, 4),
            (1, 2),
            (0x0112, 2),
            (3, 2),
            (1, 4),
            (value.into(), 2),
            (0, 2),
            (0, 4),
        ];
        let mut data = if big {
            b"MM\0*".to_vec()
        } else {
            b"II*\0".to_vec()
        };
        for (number, bytes) in numbers {
            let all = if big {
                number.to_be_bytes()
            } else {
                number.to_le_bytes()
            };
            data.extend(if big {
                &all[4 - bytes..]
            } else {
                &all[..bytes]
            });
        }
        data
    }

    #[test]
    fn every_orientation_is_read_in_both_byte_orders_and_damage_means_none() {
        for big in [false, true] {
            for value in 1..=8u8 {
                assert_eq!(orientation(&exif(value.into(), big)), value);
            }
            for wrong in [0, 9, 0x0106] {
                assert_eq!(orientation(&exif(wrong, big)), 1);
            }
            let sound = exif(6, big);
            for len in 0..18 {
                assert_eq!(orientation(&sound[..len]), 1, "{len}");
            }
            let mut far = sound.clone();
            far[4..8].fill(0xff);
            assert_eq!(orientation(&far), 1);
        }
    }

    #[test]
    fn a_picture_is_turned_as_the_standard_says_where_its_first_row_and_column_lie() {
        // Rows `a b c` and `d e f`.
        let picture = || Picture {
            axes: [1, 2, 3],
            planar: b"abcdef".to_vec(),
        };
        for (orientation, axes, expected) in [
            (1, [1, 2, 3], b"abcdef"),
            (2, [1, 2, 3], b"cbafed"),
            (3, [1, 2, 3], b"fedcba"),
            (4, [1, 2, 3], b"defabc"),
            (5, [1, 3, 2], b"adbecf"),
            (6, [1, 3, 2], b"daebfc"),
            (7, [1, 3, 2], b"fcebda"),
            (8, [1, 3, 2], b"cfbead"),
        ] {
            let found = turned(picture(), orientation);
            assert_eq!(
                (found.axes, found.planar),
                (axes, expected.to_vec()),
                "{orientation}"
            );
        }
    }

    #[test]
    fn channels_are_turned_alike() {
        let picture = Picture {
            axes: [2, 1, 2],
            planar: vec![1, 2, 3, 4],
        };
        assert_eq!(turned(picture, 6).planar, [1, 2, 3, 4]);
        let picture = Picture {
            axes: [2, 1, 2],
            planar: vec![1, 2, 3, 4],
        };
        assert_eq!(turned(picture, 2).planar, [2, 1, 4, 3]);
    }
}
