//! Solves for the costs inside a linear map from the times of whole maps.
//!
//! Least squares of the relative error, with costs of at least 0, by coordinate descent (Franc, Hlaváč and Navara, "Sequential
//! coordinate-wise algorithm for the non-negative least squares problem", 2005): with five unknowns it converges in
//! microseconds.

/// One observation: how often each cost occurs, and the time of the whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observation<const COSTS: usize> {
    /// Occurrences.
    pub(crate) counts: [f64; COSTS],
    /// Time of the whole, above 0.
    pub(crate) time: f64,
}

const SWEEPS: usize = 20_000;

/// The costs `x ≥ 0` that minimise `Σ ((counts · x − time) / time)²`.
pub(crate) fn non_negative<const COSTS: usize>(
    observations: &[Observation<COSTS>],
) -> [f64; COSTS] {
    let mut gram = [[0.0; COSTS]; COSTS];
    let mut target = [0.0; COSTS];
    for observation in observations {
        let row = observation.counts.map(|c| c / observation.time);
        for i in 0..COSTS {
            target[i] += row[i];
            for j in 0..COSTS {
                gram[i][j] += row[i] * row[j];
            }
        }
    }
    let mut x = [0.0; COSTS];
    for _ in 0..SWEEPS {
        let mut moved = 0.0f64;
        for i in 0..COSTS {
            if gram[i][i] <= 0.0 {
                continue;
            }
            let slope: f64 = (0..COSTS).map(|j| gram[i][j] * x[j]).sum::<f64>() - target[i];
            let next = (x[i] - slope / gram[i][i]).max(0.0);
            moved = moved.max((next - x[i]).abs() / next.abs().max(f64::MIN_POSITIVE));
            x[i] = next;
        }
        if moved < 1e-12 {
            break;
        }
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_times_give_back_the_costs() {
        let costs = [700.0, 400.0, 30.0, 900.0, 350.0];
        let counts = [
            [0.0, 0.0, 1.0, 0.0, 1.0],
            [1.0, 7.0, 8.0, 0.0, 1.0],
            [0.0, 0.0, 8.0, 7.0, 1.0],
            [1.0, 7.0, 64.0, 7.0, 1.0],
            [1.0, 1.0, 2.0, 0.0, 1.0],
            [4.0, 12.0, 32.0, 2.0, 2.0],
        ];
        let observations = counts.map(|counts| Observation {
            counts,
            time: counts.iter().zip(costs).map(|(n, c)| n * c).sum(),
        });
        for (found, cost) in non_negative(&observations).iter().zip(costs) {
            assert!((found / cost - 1.0).abs() < 1e-6, "{found} {cost}");
        }
    }

    #[test]
    fn a_cost_that_the_times_contradict_is_0_and_not_negative() {
        let observations = [
            Observation {
                counts: [1.0, 0.0],
                time: 10.0,
            },
            Observation {
                counts: [1.0, 1.0],
                time: 8.0,
            },
        ];
        let [a, b] = non_negative(&observations);
        assert_eq!(b, 0.0);
        assert!((8.0..=10.0).contains(&a));
    }
}
