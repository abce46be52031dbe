//! Whether inputs can be calibrated on: enough of them, finite, and not all the same.

use std::collections::HashSet;

/// Fewest different inputs that say anything of others.
pub const MIN_DIFFERENT: usize = 4;

/// Refuses inputs from which nothing about other inputs follows, saying which and why.
pub fn check(inputs: &[Vec<f64>]) -> Result<(), String> {
    for (index, input) in inputs.iter().enumerate() {
        if let Some(element) = input.iter().position(|x| !x.is_finite()) {
            return Err(format!(
                "input {index} holds {} at element {element}; give finite numbers only",
                input[element]
            ));
        }
    }
    if inputs.is_empty() {
        return Err("it holds no input".into());
    }
    let bits = |input: &Vec<f64>| input.iter().map(|x| x.to_bits()).collect::<Vec<u64>>();
    let different: HashSet<Vec<u64>> = inputs.iter().map(bits).collect();
    let flat = |input: &&Vec<f64>| input.iter().any(|x| *x != input[0]);
    let varied = inputs.iter().filter(flat).count();
    let (all, first) = (inputs.len(), inputs[0].first().copied().unwrap_or_default());
    if varied == 0 && inputs[0].len() > 1 {
        return Err(format!(
            "each of its {all} inputs is one number repeated ({first} in the first); scales that fit such inputs do not fit real ones: \
             give inputs as the network will see them"
        ));
    }
    if different.len() < MIN_DIFFERENT {
        return Err(format!(
            "it holds {all} inputs, {} of them different; scales that fit so few do not fit others: give at least {MIN_DIFFERENT} \
             typical ones, better a hundred",
            different.len()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_that_say_nothing_of_others_are_refused_with_the_cause() {
        let typical: Vec<Vec<f64>> = (0..8).map(|i| vec![f64::from(i), 1.0, -0.5]).collect();
        assert_eq!(check(&typical), Ok(()));
        let mut spoiled = typical.clone();
        spoiled[5][1] = f64::NAN;
        let mut endless = typical.clone();
        endless[2][2] = f64::NEG_INFINITY;
        for (inputs, expected) in [
            (vec![], "no input"),
            (spoiled, "input 5 holds NaN at element 1"),
            (endless, "input 2 holds -inf at element 2"),
            (
                vec![vec![0.0; 3]; 64],
                "each of its 64 inputs is one number repeated (0",
            ),
            (vec![typical[1].clone()], "1 inputs, 1 of them different"),
            (
                vec![typical[1].clone(); 32],
                "32 inputs, 1 of them different",
            ),
            (typical[..3].to_vec(), "at least 4"),
        ] {
            let told = check(&inputs).expect_err("refused");
            assert!(told.contains(expected), "{told}");
        }
    }
}
