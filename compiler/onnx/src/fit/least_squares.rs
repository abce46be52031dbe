//! Polynomials fitted by weighted least squares in the Chebyshev basis of [−1, 1].

/// Least share of the weight that lies evenly over the interval, at its Chebyshev points, rather than where the data
/// are: so a polynomial stays near its curve also where few data were seen.
const EVEN_SHARE: f64 = 0.05;
/// Chebyshev points of the even share. Where the data are fewer each point counts as much as one of them, so that a
/// high degree does not bend to a handful.
const EVEN_POINTS: usize = 64;

fn even_share(points: usize) -> f64 {
    let alike = EVEN_POINTS as f64 / (EVEN_POINTS + points) as f64;
    alike.max(EVEN_SHARE)
}

/// Coefficients by power, lowest first, of the polynomial of `degree` nearest to `curve` in the mean square over
/// `points`, all within [−1, 1]. `None` where the curve is not finite at a point.
pub(super) fn fit(degree: usize, points: &[f64], curve: impl Fn(f64) -> f64) -> Option<Vec<f64>> {
    let size = degree + 1;
    let mut gram = vec![vec![0.0; size]; size];
    let mut target = vec![0.0; size];
    let mut add = |t: f64, weight: f64| {
        let y = curve(t);
        let basis = chebyshev(size, t);
        for (row, a) in basis.iter().enumerate() {
            target[row] += weight * a * y;
            for (column, b) in basis.iter().enumerate() {
                gram[row][column] += weight * a * b;
            }
        }
        y.is_finite()
    };
    let even = even_share(points.len());
    let mut finite = true;
    for t in points {
        finite &= add(*t, (1.0 - even) / points.len() as f64);
    }
    for k in 0..EVEN_POINTS {
        let angle = std::f64::consts::PI * (k as f64 + 0.5) / EVEN_POINTS as f64;
        finite &= add(angle.cos(), even / EVEN_POINTS as f64);
    }
    finite.then(|| powers(&solve(gram, target)))
}

/// `T_0(t) … T_{size−1}(t)`.
fn chebyshev(size: usize, t: f64) -> Vec<f64> {
    let mut basis = vec![1.0, t];
    for k in 2..size {
        basis.push(2.0 * t * basis[k - 1] - basis[k - 2]);
    }
    basis.truncate(size);
    basis
}

/// Solves `a·x = b` for a symmetric positive definite `a` (it is: the even share alone makes it so) by Cholesky's
/// factors.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let size = b.len();
    for j in 0..size {
        for k in 0..j {
            for i in j..size {
                a[i][j] -= a[i][k] * a[j][k];
            }
        }
        let pivot = a[j][j].max(f64::MIN_POSITIVE).sqrt();
        for row in &mut a[j..] {
            row[j] /= pivot;
        }
    }
    for i in 0..size {
        for k in 0..i {
            b[i] -= a[i][k] * b[k];
        }
        b[i] /= a[i][i];
    }
    for i in (0..size).rev() {
        for k in i + 1..size {
            b[i] -= a[k][i] * b[k];
        }
        b[i] /= a[i][i];
    }
    b
}

/// From coefficients of Chebyshev polynomials to coefficients of powers.
fn powers(chebyshev: &[f64]) -> Vec<f64> {
    let size = chebyshev.len();
    let mut sum = vec![0.0; size];
    // The coefficients of T_{k−1} and T_k.
    let (mut before, mut now) = (vec![0.0; size], vec![0.0; size]);
    now[0] = 1.0;
    for (k, c) in chebyshev.iter().enumerate() {
        for (sum, power) in sum.iter_mut().zip(&now) {
            *sum += c * power;
        }
        let factor = if k == 0 { 1.0 } else { 2.0 };
        let mut next = vec![0.0; size];
        for power in 0..size {
            let shifted = if power > 0 { now[power - 1] } else { 0.0 };
            next[power] = factor * shifted - before[power];
        }
        (before, now) = (now, next);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(coefficients: &[f64], t: f64) -> f64 {
        coefficients.iter().rev().fold(0.0, |sum, c| sum * t + c)
    }

    #[test]
    fn a_polynomial_is_fitted_by_itself() {
        let points: Vec<f64> = (0..100).map(|i| (f64::from(i) / 99.0).powi(3)).collect();
        let wanted = [0.5, -1.0, 0.25, 2.0];
        let found = fit(3, &points, |t| at(&wanted, t)).unwrap();
        for (found, wanted) in found.iter().zip(wanted) {
            assert!((found - wanted).abs() < 1e-9, "{found} {wanted}");
        }
    }

    #[test]
    fn the_error_falls_with_the_degree_and_is_least_where_the_data_are() {
        let near_zero: Vec<f64> = (-50..=50).map(|i| f64::from(i) / 500.0).collect();
        let spread: Vec<f64> = (-50..=50).map(|i| f64::from(i) / 50.0).collect();
        let error = |fitted: &[f64], points: &[f64]| {
            let square = |t: &f64| (at(fitted, *t) - t.exp()).powi(2);
            points.iter().map(square).sum::<f64>()
        };
        let mut last = f64::INFINITY;
        for degree in 1..=6 {
            let fitted = fit(degree, &spread, f64::exp).unwrap();
            assert!(error(&fitted, &spread) < last);
            last = error(&fitted, &spread);
        }
        let here = fit(2, &near_zero, f64::exp).unwrap();
        let everywhere = fit(2, &spread, f64::exp).unwrap();
        assert!(error(&here, &near_zero) < error(&everywhere, &near_zero));
    }

    #[test]
    fn a_high_degree_does_not_leave_its_curve_between_a_handful_of_points() {
        let points: Vec<f64> = (0..12).map(|i| (f64::from(i * i) / 121.0) - 0.5).collect();
        let relu = |t: f64| t.max(0.0);
        let fitted = fit(15, &points, relu).unwrap();
        for k in -100..=100 {
            let t = f64::from(k) / 100.0;
            assert!((at(&fitted, t) - relu(t)).abs() < 0.1, "{t}");
        }
    }

    #[test]
    fn a_curve_that_is_not_finite_is_none() {
        assert_eq!(fit(2, &[0.0, 0.5], f64::ln), None);
    }
}
