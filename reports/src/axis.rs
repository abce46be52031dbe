//! An axis: its range, whether it is logarithmic, and where its ticks stand.

/// A range this many times as wide as its start is shown logarithmically.
const LOG_FROM_RATIO: f64 = 8.0;

/// How the range of an axis follows from its values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Even steps; the range is at least `least_span` wide and, where values reach that far, ticks stop at
    /// `tick_limit`.
    Linear { least_span: f64, tick_limit: f64 },
    /// Even factors where the values, all positive, span more than a factor of 8, else even steps.
    LogIfWide,
    /// Even steps of whole numbers, for values that are whole and not negative.
    Whole,
}

/// An axis of a plot.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Axis {
    pub title: String,
    pub low: f64,
    pub high: f64,
    pub log: bool,
    /// Value and label.
    pub ticks: Vec<(f64, String)>,
    /// Values of ticks without a label.
    pub minor_ticks: Vec<f64>,
}

impl Axis {
    /// An axis that shows all values, which are finite and at least one, with a margin at both ends.
    pub fn over(title: &str, values: &[f64], kind: Kind) -> Self {
        // Clamped so that no sum, ratio or margin below overflows.
        let bounded = || values.iter().map(|value| value.clamp(-1e150, 1e150));
        let low = bounded().fold(f64::INFINITY, f64::min);
        let high = bounded().fold(f64::NEG_INFINITY, f64::max);
        match kind {
            Kind::LogIfWide if low > 1e-150 && high / low > LOG_FROM_RATIO => {
                Axis::log(title, low, high)
            }
            Kind::LogIfWide => {
                let least_span = if high == 0.0 { 1.0 } else { high.abs() * 0.1 };
                let axis = Axis::linear(title, (low, high), least_span, f64::INFINITY, 0.0);
                if low >= 0.0 {
                    axis.without_negative()
                } else {
                    axis
                }
            }
            Kind::Linear {
                least_span,
                tick_limit,
            } => Axis::linear(title, (low, high), least_span, tick_limit, 0.0),
            Kind::Whole => {
                Axis::linear(title, (low, high), 2.0, f64::INFINITY, 1.0).without_negative()
            }
        }
    }

    fn linear(
        title: &str,
        (low, high): (f64, f64),
        least_span: f64,
        tick_limit: f64,
        least_step: f64,
    ) -> Self {
        let middle = (low + high) / 2.0;
        let half_span = ((high - low) / 2.0)
            .max(least_span / 2.0)
            .max(middle.abs() * 1e-9)
            .max(1e-150);
        let (low, high) = (middle - half_span * 1.14, middle + half_span * 1.14);
        let step = nice_step((high - low) / 6.0).max(least_step);
        let first = (low / step).ceil();
        let decimals = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
        let ticks = (0..20)
            .map(|i| (first + f64::from(i)) * step)
            .take_while(|at| *at <= high.min(tick_limit + step * 1e-6))
            .map(|at| (at, tick_label(at, decimals)))
            .collect();
        Axis {
            title: title.to_string(),
            low,
            high,
            log: false,
            ticks,
            minor_ticks: Vec::new(),
        }
    }

    fn log(title: &str, low: f64, high: f64) -> Self {
        let margin = (high / low).powf(0.05);
        let (low, high) = (low / margin, high * margin);
        let decades = (high / low).log10();
        let labelled: &[f64] = match decades {
            d if d < 1.4 => &[1.0, 2.0, 3.0, 5.0, 7.0],
            d if d < 3.6 => &[1.0, 2.0, 5.0],
            _ => &[1.0],
        };
        let every = (decades / 8.0).ceil().max(1.0) as i32;
        let (mut ticks, mut minor_ticks) = (Vec::new(), Vec::new());
        for exponent in (low.log10().floor() as i32)..=(high.log10().ceil() as i32) {
            for digit in 1..10 {
                let at: f64 = format!("{digit}e{exponent}").parse().unwrap_or(f64::MAX);
                if at < low || at > high {
                    continue;
                }
                if labelled.contains(&f64::from(digit)) && exponent % every == 0 {
                    ticks.push((at, tick_label(at, (-exponent).max(0) as usize)));
                } else if decades < 6.0 {
                    minor_ticks.push(at);
                }
            }
        }
        Axis {
            title: title.to_string(),
            low,
            high,
            log: true,
            ticks,
            minor_ticks,
        }
    }

    /// The axis cut at zero, for a quantity that has no values below.
    pub fn without_negative(mut self) -> Self {
        if self.low < 0.0 {
            self.low = 0.0;
            self.ticks.retain(|(at, _)| *at >= 0.0);
        }
        self
    }

    /// Where a value stands on the axis, 0 at its start and 1 at its end.
    pub fn share(&self, value: f64) -> f64 {
        if self.log {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        }
    }
}

/// The step 1, 2 or 5 times a power of ten next to a wish.
fn nice_step(wish: f64) -> f64 {
    let exponent = wish.log10().floor() as i32;
    let digit = wish / 10_f64.powi(exponent);
    let digit = match digit {
        d if d < 1.5 => 1,
        d if d < 3.5 => 2,
        d if d < 7.5 => 5,
        _ => 10,
    };
    format!("{digit}e{exponent}").parse().unwrap_or(wish)
}

/// A tick's number with this many decimals; thousands are parted by thin spaces, very long numbers shortened to `2e7`.
fn tick_label(at: f64, decimals: usize) -> String {
    if at != 0.0 && (at.abs() >= 1e7 || at.abs() < 1e-5) {
        return format!("{at:.2e}").replace(".00e", "e").replace("0e", "e");
    }
    let text = format!("{at:.decimals$}").replace('-', "−");
    if text.starts_with('−') && text.chars().all(|c| matches!(c, '−' | '0' | '.')) {
        return text.trim_start_matches('−').to_string();
    }
    let whole = text.find('.').unwrap_or(text.len());
    let digits = text[..whole].trim_start_matches('−').len();
    if digits < 5 {
        return text;
    }
    let split = whole - 3;
    format!("{}\u{2009}{}", &text[..split], &text[split..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn ticks_stand_at_round_numbers() {
        let percent = Kind::Linear {
            least_span: 1.0,
            tick_limit: 100.0,
        };
        for (values, kind, expected) in [
            (
                vec![12.0, 180.0],
                Kind::LogIfWide,
                vec!["20", "30", "50", "70", "100", "200"],
            ),
            (
                vec![1.0, 1500.0],
                Kind::LogIfWide,
                vec![
                    "1", "2", "5", "10", "20", "50", "100", "200", "500", "1000", "2000",
                ],
            ),
            (
                vec![40.0, 60.0],
                Kind::LogIfWide,
                vec!["40", "45", "50", "55", "60"],
            ),
            (
                vec![0.0, 10.0],
                Kind::LogIfWide,
                vec!["0", "2", "4", "6", "8", "10"],
            ),
            (
                vec![97.5],
                percent,
                vec!["97.0", "97.2", "97.4", "97.6", "97.8", "98.0"],
            ),
            (
                vec![94.0, 100.0],
                percent,
                vec!["94", "95", "96", "97", "98", "99", "100"],
            ),
            (vec![5.0], Kind::Whole, vec!["4", "5", "6"]),
            (vec![4.0, 5.0, 7.0], Kind::Whole, vec!["4", "5", "6", "7"]),
            (vec![0.0, 1.0], Kind::Whole, vec!["0", "1"]),
            (
                vec![1.0, 20.0],
                Kind::Whole,
                vec!["0", "5", "10", "15", "20"],
            ),
        ] {
            let axis = Axis::over("x", &values, kind);
            assert_eq!(labels(&axis), expected, "{values:?}");
        }
    }

    #[test]
    fn long_numbers_are_parted_or_shortened() {
        for (at, decimals, label) in [
            (12_000.0, 0, "12\u{2009}000"),
            (-120_000.0, 0, "−120\u{2009}000"),
            (9000.0, 0, "9000"),
            (-0.0, 1, "0.0"),
            (2e7, 0, "2e7"),
            (2.5e-9, 9, "2.5e-9"),
        ] {
            assert_eq!(tick_label(at, decimals), label);
        }
    }

    proptest! {
        #[test]
        fn every_axis_shows_its_values_and_some_ticks(values in prop::collection::vec(1e-6_f64..1e6, 1..20)) {
            for kind in [Kind::LogIfWide, Kind::Whole, Kind::Linear { least_span: 0.5, tick_limit: f64::INFINITY }] {
                let axis = Axis::over("x", &values, kind);
                for value in &values {
                    prop_assert!((0.0..=1.0).contains(&axis.share(*value)), "{value} on {axis:?}");
                }
                prop_assert!((2..=12).contains(&axis.ticks.len()), "{:?}", axis);
                for (at, _) in &axis.ticks {
                    prop_assert!((-1e-9..=1.0 + 1e-9).contains(&axis.share(*at)), "{at} on {axis:?}");
                }
            }
        }

        #[test]
        fn no_finite_value_breaks_an_axis(values in prop::collection::vec(prop::num::f64::NORMAL, 1..4)) {
            for kind in [Kind::LogIfWide, Kind::Whole, Kind::Linear { least_span: 0.5, tick_limit: f64::INFINITY }] {
                let axis = Axis::over("x", &values, kind);
                prop_assert!(axis.low.is_finite() && axis.high.is_finite() && axis.low < axis.high, "{axis:?}");
            }
        }
    }
}
