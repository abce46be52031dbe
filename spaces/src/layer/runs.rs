//! Sequences of numbers as texts: runs of equal steps, and runs of runs, so that a permutation of axes is a few words.
//!
//! An item is a number, followed for each nested repetition by its step and count: `0(784*3)(1*784)` is 0, 784, 1568,
//! 1, 785, … Items are separated by commas. The first repetition is the innermost.

/// A run: `start`, repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Run {
    start: i64,
    /// Step and count of each repetition, innermost first.
    repetitions: Vec<(i64, usize)>,
}

/// The text of a sequence.
pub(crate) fn to_text(sequence: &[u32]) -> String {
    let single = |number: &u32| Run {
        start: i64::from(*number),
        repetitions: Vec::new(),
    };
    let mut runs: Vec<Run> = sequence.iter().map(single).collect();
    loop {
        let joined = join(&runs);
        if joined.len() == runs.len() {
            break;
        }
        runs = joined;
    }
    let texts: Vec<String> = runs.iter().map(Run::text).collect();
    texts.join(",")
}

/// Neighbors of one form whose starts have equal steps become one run.
fn join(runs: &[Run]) -> Vec<Run> {
    let mut joined: Vec<Run> = Vec::new();
    let mut rest = runs;
    while let Some((first, tail)) = rest.split_first() {
        let step = tail.first().map_or(0, |next| next.start - first.start);
        let follows = |index: &usize| {
            let next = &rest[*index];
            next.repetitions == first.repetitions && next.start - rest[index - 1].start == step
        };
        let count = 1 + (1..rest.len()).take_while(follows).count();
        let mut run = first.clone();
        if count > 1 {
            run.repetitions.push((step, count));
        }
        joined.push(run);
        rest = &rest[count..];
    }
    joined
}

/// The sequence of a text, at most `most` numbers.
///
/// # Errors
/// What the text is not, in words.
pub(crate) fn parse(text: &str, most: usize) -> Result<Vec<u32>, String> {
    let mut sequence = Vec::new();
    for item in text.split(',') {
        let run = Run::parse(item).ok_or_else(|| {
            let shown: String = item.chars().take(40).collect();
            format!("`{shown}` is no run; write a number and repetitions as 0(1*28)")
        })?;
        let len = run.len().filter(|len| *len <= most - sequence.len());
        if len.is_none() {
            return Err(format!("more than {most} numbers"));
        }
        let values = run
            .values()
            .ok_or_else(|| format!("`{item}` leaves the numbers from 0 to {}", u32::MAX))?;
        sequence.extend(values);
    }
    Ok(sequence)
}

impl Run {
    fn text(&self) -> String {
        let mut text = self.start.to_string();
        for (step, count) in &self.repetitions {
            text += &format!("({step}*{count})");
        }
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let (start, mut rest) = text.split_at(text.find('(').unwrap_or(text.len()));
        let mut repetitions = Vec::new();
        while !rest.is_empty() {
            let (inside, behind) = rest.strip_prefix('(')?.split_once(')')?;
            let (step, count) = inside.split_once('*')?;
            let (step, count): (i32, usize) = (step.parse().ok()?, count.parse().ok()?);
            repetitions.push((i64::from(step), count));
            rest = behind;
        }
        let start: u32 = start.parse().ok()?;
        Some(Self {
            start: i64::from(start),
            repetitions,
        })
    }

    /// How many numbers it stands for; none where they are too many to count.
    fn len(&self) -> Option<usize> {
        let mut counts = self.repetitions.iter().map(|(_, count)| *count);
        counts.try_fold(1usize, usize::checked_mul)
    }

    /// The numbers; none where one is no number of 32 bits.
    fn values(&self) -> Option<Vec<u32>> {
        let mut values = vec![self.start];
        for (step, count) in &self.repetitions {
            let once = values.len();
            for again in 1..*count {
                let offset = step.checked_mul(again as i64)?;
                for index in 0..once {
                    values.push(values[index].checked_add(offset)?);
                }
            }
            if *count == 0 {
                values.clear();
            }
        }
        values.into_iter().map(|v| u32::try_from(v).ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_permutation_of_axes_is_one_item() {
        let channels_last: Vec<u32> = (0..28 * 28 * 3)
            .map(|i| (i % (28 * 28) * 3 + i / (28 * 28)) as u32)
            .collect();
        assert_eq!(to_text(&channels_last), "0(3*784)(1*3)");
    }

    #[test]
    fn what_is_no_sequence_is_refused_before_it_takes_memory() {
        for text in [
            "",
            "x",
            "0(",
            "0(1)",
            "0(1*)",
            "0(-1*2)",
            "-1",
            "4294967296",
            "0(1*2)x",
        ] {
            assert!(parse(text, 100).is_err(), "{text}");
        }
        assert!(parse("0(0*99999999)(0*99999999)(0*99999999)(0*99999999)", 100).is_err());
        assert!(parse("0(0*101)", 100).is_err());
        assert_eq!(parse("0(0*100)", 100).unwrap().len(), 100);
    }

    proptest! {
        #[test]
        fn texts_are_read_back_equal(sequence in prop::collection::vec(0u32..6, 1..60)) {
            prop_assert_eq!(parse(&to_text(&sequence), 60).unwrap(), sequence);
        }
    }
}
