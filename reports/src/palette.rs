//! Colors that order or separate things, for color-blind readers and for grey print too.

use crate::scene::Rgb;

/// Viridis (S. van der Walt and N. Smith, 2015, a default of matplotlib; CC0), from dark to light in tenths.
/// Its lightness rises evenly, so the order survives color blindness and grey print.
const VIRIDIS: [Rgb; 11] = [
    Rgb(0x44, 0x01, 0x54),
    Rgb(0x48, 0x25, 0x76),
    Rgb(0x41, 0x44, 0x87),
    Rgb(0x35, 0x5f, 0x8d),
    Rgb(0x2a, 0x78, 0x8e),
    Rgb(0x21, 0x91, 0x8c),
    Rgb(0x22, 0xa8, 0x84),
    Rgb(0x44, 0xbf, 0x70),
    Rgb(0x7a, 0xd1, 0x51),
    Rgb(0xbd, 0xdf, 0x26),
    Rgb(0xfd, 0xe7, 0x25),
];

/// A color for a share from 0 (light: little) to 1 (dark: much). The lightest yellow is left out, it is lost on paper.
pub(crate) fn ordered(share: f64) -> Rgb {
    let place = (1.0 - share.clamp(0.0, 1.0)) * 9.3;
    let below = (place.floor() as usize).min(VIRIDIS.len() - 2);
    mix(VIRIDIS[below], VIRIDIS[below + 1], place - below as f64)
}

/// As [`ordered`], without the darkest: for thin lines, which must be seen on a dark page too.
pub(crate) fn ordered_line(share: f64) -> Rgb {
    ordered(0.7 * share)
}

/// Colors for things without an order (M. Okabe and K. Ito, Color Universal Design, 2008), without black and yellow.
const SEPARATE: [Rgb; 6] = [
    Rgb(0x00, 0x72, 0xb2),
    Rgb(0xd5, 0x5e, 0x00),
    Rgb(0x00, 0x9e, 0x73),
    Rgb(0xcc, 0x79, 0xa7),
    Rgb(0x56, 0xb4, 0xe9),
    Rgb(0xe6, 0x9f, 0x00),
];

/// The color of the thing with this index; they repeat after six.
pub(crate) fn separate(index: usize) -> Rgb {
    SEPARATE[index % SEPARATE.len()]
}

/// The color between two, `share` of the way to the second.
pub(crate) fn mix(a: Rgb, b: Rgb, share: f64) -> Rgb {
    let between =
        |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * share).round() as u8;
    Rgb(between(a.0, b.0), between(a.1, b.1), between(a.2, b.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance (ITU-R BT.709 weights on linear light).
    fn luminance(color: Rgb) -> f64 {
        let linear = |byte: u8| (f64::from(byte) / 255.0).powf(2.2);
        0.2126 * linear(color.0) + 0.7152 * linear(color.1) + 0.0722 * linear(color.2)
    }

    #[test]
    fn more_is_always_darker_also_in_grey() {
        for step in 0..100 {
            let (less, more) = (
                ordered(f64::from(step) / 100.0),
                ordered(f64::from(step + 1) / 100.0),
            );
            assert!(
                luminance(less) > luminance(more),
                "{less:?} before {more:?}"
            );
        }
    }

    #[test]
    fn every_ordered_color_stands_out_from_white_paper() {
        // WCAG 2.1 contrast of (1 + 0.05) / (luminance + 0.05); the light end is outlined besides, 1.4 suffices.
        for step in 0..=100 {
            let contrast = 1.05 / (luminance(ordered(f64::from(step) / 100.0)) + 0.05);
            assert!(contrast > 1.4, "{contrast} at {step}");
        }
    }
}
