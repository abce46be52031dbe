//! How numbers are written in pictures, tables and reports.

/// Milliseconds with three significant digits and no unit: `0.0123`, `4.20`, `57.3`, `841`; from 1000 on whole:
/// `12345`. What is not finite is written as `–`.
pub fn milliseconds(ms: f64) -> String {
    significant(ms, 3)
}

/// A fraction in percent with two decimals and no unit: `0.9755` gives `97.55`. What is not finite is written as `–`.
pub fn percent(fraction: f64) -> String {
    if fraction.is_finite() {
        format!("{:.2}", fraction * 100.0)
    } else {
        MISSING.to_string()
    }
}

/// A time as people say it: `42 s`, `3 min 20 s`, `2 h 5 min`; below ten seconds with a decimal. What is not finite is
/// written as `–`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return MISSING.to_string();
    }
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, min, s) => format!("{min} min {s} s"),
        (h, min, _) => format!("{h} h {min} min"),
    }
}

/// A number with this many significant digits, but never with digits before the point cut to zeros.
/// What is not finite is written as `–`; very small and very large numbers as `1.23e-7`.
pub fn significant(value: f64, digits: usize) -> String {
    let digits = digits.max(1);
    if !value.is_finite() {
        return MISSING.to_string();
    }
    if value == 0.0 {
        return "0".to_string();
    }
    // Written scientifically first, since rounding can carry into another power: 9.996 is 10.0 in three digits.
    let scientific = format!("{value:.*e}", digits - 1);
    let exponent: i32 = scientific
        .split_once('e')
        .and_then(|(_, e)| e.parse().ok())
        .unwrap_or(0);
    if !(-4..15).contains(&exponent) {
        return scientific;
    }
    let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
    format!("{value:.decimals$}")
}

/// What stands for a number that is missing.
pub(crate) const MISSING: &str = "–";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_have_three_significant_digits() {
        for (ms, written) in [
            (0.0, "0"),
            (0.012_345, "0.0123"),
            (4.2, "4.20"),
            (9.996, "10.0"),
            (57.34, "57.3"),
            (841.2, "841"),
            (999.6, "1000"),
            (12_345.6, "12346"),
            (-3.0, "-3.00"),
            (1.5e-9, "1.50e-9"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(milliseconds(ms), written);
        }
    }

    #[test]
    fn durations_are_said_in_seconds_minutes_and_hours() {
        for (seconds, written) in [
            (0.0, "0.0 s"),
            (9.94, "9.9 s"),
            (9.96, "10 s"),
            (59.6, "1 min 0 s"),
            (3599.6, "1 h 0 min"),
            (7530.0, "2 h 5 min"),
            (f64::NAN, "–"),
            (-1.0, "–"),
        ] {
            assert_eq!(duration(seconds), written);
        }
    }

    #[test]
    fn percent_has_two_decimals() {
        for (fraction, written) in [
            (0.975_5, "97.55"),
            (1.0, "100.00"),
            (0.0, "0.00"),
            (f64::INFINITY, "–"),
        ] {
            assert_eq!(percent(fraction), written);
        }
    }
}
