//! Solves for the times of units of work from the times of whole operations.
//!
//! An operation takes the sum over its elementary costs of `factor(cost) · Σ units · time(unit)`. Times and factors
//! are solved for in turn, each by least squares of the relative error with values of at least 0, by coordinate
//! descent (Franc, Hlaváč and Navara, "Sequential coordinate-wise algorithm for the non-negative least squares
//! problem", 2005). Factors say what counts of units leave out, such as whether operands still lie in a cache; they
//! are drawn to 1, so that a cost that no operation tells apart keeps the time of its units.

use hemet_schedule::CostKind;
use hemet_schedule::cost::{DegreeCosts, UNITS, Unit, Work};

use super::measure::Measured;

const KINDS: usize = CostKind::ALL.len();
/// Rounds of solving for times and for factors.
const ROUNDS: usize = 8;
/// How much a factor is drawn to 1, in observations.
const DRAWN_TO_ONE: f64 = 0.1;
/// How much the time of a transform is drawn to the measured one, in observations.
const DRAWN_TO_TRANSFORM: f64 = 4.0;
const SWEEPS: usize = 20_000;

/// One equation: coefficients of the unknowns, in units of the wanted sum, and its weight.
struct Row<const UNKNOWNS: usize> {
    coefficients: [f64; UNKNOWNS],
    weight: f64,
}

/// The costs of a ring degree that fit what was measured best; `transform_us` is the time of a transform alone.
pub(crate) fn fit(log_n: u32, transform_us: f64, measured: &[Measured]) -> DegreeCosts {
    let mut factors = [1.0; KINDS];
    let mut times = [0.0; UNITS];
    for _ in 0..ROUNDS {
        times = solve_times(&factors, transform_us, measured);
        factors = solve_factors(&times, measured);
    }
    // Such numbers come back exactly from a file.
    let rounded = |x: f64| (x * 1e4).round() / 1e4;
    let units = Unit::ALL.iter().map(|unit| unit.name().to_owned());
    let kinds = CostKind::ALL.iter().map(|kind| kind.name().to_owned());
    let mut costs = DegreeCosts {
        log_n,
        unit_us: units.zip(times.map(rounded)).collect(),
        factors: kinds.zip(factors.map(rounded)).collect(),
        encode: None,
        first_use: None,
        shared: 0.0,
        deviation: 0.0,
    };
    let told = costs.in_order();
    let distance = |m: &Measured| {
        let us: f64 = m
            .parts
            .iter()
            .map(|(kind, work)| told.us(*kind, work))
            .sum();
        (us / m.us - 1.0).abs()
    };
    let sum: f64 = measured.iter().map(distance).sum();
    costs.deviation = rounded(sum / measured.len().max(1) as f64);
    costs
}

fn solve_times(factors: &[f64; KINDS], transform_us: f64, measured: &[Measured]) -> Work {
    let mut rows: Vec<Row<UNITS>> = measured
        .iter()
        .map(|m| {
            let mut coefficients = [0.0; UNITS];
            for (kind, work) in &m.parts {
                for (sum, part) in coefficients.iter_mut().zip(work) {
                    *sum += factors[*kind as usize] * part / m.us;
                }
            }
            Row {
                coefficients,
                weight: 1.0,
            }
        })
        .collect();
    let mut coefficients = [0.0; UNITS];
    coefficients[Unit::Transform as usize] = 1.0 / transform_us;
    rows.push(Row {
        coefficients,
        weight: DRAWN_TO_TRANSFORM,
    });
    non_negative(&rows)
}

fn solve_factors(times: &Work, measured: &[Measured]) -> [f64; KINDS] {
    let mut rows: Vec<Row<KINDS>> = measured
        .iter()
        .map(|m| {
            let mut coefficients = [0.0; KINDS];
            for (kind, work) in &m.parts {
                let us: f64 = work.iter().zip(times).map(|(n, us)| n * us).sum();
                coefficients[*kind as usize] += us / m.us;
            }
            Row {
                coefficients,
                weight: 1.0,
            }
        })
        .collect();
    rows.extend((0..KINDS).map(|kind| Row {
        coefficients: std::array::from_fn(|at| if at == kind { 1.0 } else { 0.0 }),
        weight: DRAWN_TO_ONE,
    }));
    non_negative(&rows)
}

/// The `x ≥ 0` that minimise `Σ weight · (coefficients · x − 1)²`.
fn non_negative<const UNKNOWNS: usize>(rows: &[Row<UNKNOWNS>]) -> [f64; UNKNOWNS] {
    let mut gram = [[0.0; UNKNOWNS]; UNKNOWNS];
    let mut target = [0.0; UNKNOWNS];
    for row in rows {
        for i in 0..UNKNOWNS {
            let weighted = row.weight * row.coefficients[i];
            target[i] += weighted;
            for (sum, other) in gram[i].iter_mut().zip(row.coefficients) {
                *sum += weighted * other;
            }
        }
    }
    let mut x = [0.0; UNKNOWNS];
    for _ in 0..SWEEPS {
        let mut moved = 0.0f64;
        for i in 0..UNKNOWNS {
            if gram[i][i] <= 0.0 {
                continue;
            }
            let slope: f64 = (0..UNKNOWNS).map(|j| gram[i][j] * x[j]).sum::<f64>() - target[i];
            let next = (x[i] - slope / gram[i][i]).max(0.0);
            moved = moved.max((next - x[i]).abs() / next.abs().max(f64::MIN_POSITIVE));
            x[i] = next;
        }
        if moved < 1e-9 {
            break;
        }
    }
    x
}

#[cfg(test)]
mod tests {
    use hemet_ckks_params::{Parameters, ntt_primes};
    use hemet_schedule::cost::Ring;

    use super::*;

    const TIMES: Work = [11.0, 3.0, 2.5, 3.5, 2.0, 5.0, 80.0, 25.0, 1.0];

    /// What operations of a machine would take whose units take [`TIMES`] and whose giant steps take `giant` times
    /// theirs.
    fn measured(giant: f64) -> Vec<Measured> {
        let mut all = Vec::new();
        for (special, bits) in [(1, 28), (2, 40), (3, 45)] {
            let mut chain = ntt_primes(13, &[vec![bits; 9], vec![50; special]].concat()).unwrap();
            let special = chain.split_off(9);
            let ring = Ring::of(&Parameters::new_insecure(13, chain, special).unwrap());
            for limbs in [1, 2, 5, 9] {
                let mut push = |parts: &[(CostKind, f64)]| {
                    let part = |&(kind, count): &(CostKind, f64)| {
                        (kind, ring.work(kind, limbs).map(|n| n * count))
                    };
                    let parts: Vec<_> = parts.iter().map(part).collect();
                    let us = parts.iter().map(|(kind, work)| {
                        let us: f64 = work.iter().zip(TIMES).map(|(n, us)| n * us).sum();
                        us * if *kind == CostKind::GiantStep {
                            giant
                        } else {
                            1.0
                        }
                    });
                    let us = us.sum();
                    all.push(Measured { parts, us });
                };
                for kind in CostKind::ALL {
                    push(&[(kind, 1.0)]);
                }
                push(&[(CostKind::GiantStep, 5.0), (CostKind::Finish, 1.0)]);
            }
        }
        all
    }

    #[test]
    fn exact_times_give_back_the_units_and_a_factor_that_counts_leave_out() {
        for giant in [1.0, 1.3] {
            let found = fit(13, TIMES[0], &measured(giant));
            assert!(found.deviation < 0.01, "{giant}: {}", found.deviation);
            let factor = found.factors["giant_step"] / found.factors["decompose"];
            assert!((factor / giant - 1.0).abs() < 0.05, "{giant}: {factor}");
        }
    }

    #[test]
    fn a_time_that_the_equations_contradict_is_0_and_not_negative() {
        let row = |coefficients| Row {
            coefficients,
            weight: 1.0,
        };
        let [a, b] = non_negative(&[row([0.1, 0.0]), row([0.125, 0.125])]);
        assert_eq!(b, 0.0);
        assert!((8.0..=10.0).contains(&a));
    }
}
