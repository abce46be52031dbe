//! Agreement: the coarsest precision at which encryption changes few classes.
//!
//! A network tolerates errors that are small against the margins by which its classes win (AutoPrivacy: Lou, Bian and
//! Jiang, NeurIPS 2020). The margins are those of the clean logits on the samples. The errors are simulated with the
//! network's weights ([`crate::parameters::simulate`]): of each simulated input the deviation of the difference of two
//! logits. A class changes where such a difference, taken as normal, exceeds a margin; the probabilities over all other
//! classes are summed, which overrates them. The promise of the chosen precision is made and kept as any other.
//!
//! Where some classes are much rarer than others, the agreement is that of the worst class, so that a rare class is not
//! lost in the mean.

use hemet_schedule::{Agreement, CostTable};

use crate::calibration::{Known, check_samples};
use crate::fit::{self, Fitted};
use crate::net::Sizes;
use crate::passes::{self, WindowSums};
use crate::{Error, Options};

/// Precisions that are tried, in bits.
const PRECISIONS: std::ops::RangeInclusive<u32> = 2..=30;
/// Deviations of an error that a promise stands for, at least.
const PROMISE_DEVIATIONS: f64 = 4.5;
/// Classes of fewer images than one in so many of the largest are rare.
const RARE: usize = 2;
/// Fewest images by which a class is judged alone.
const JUDGED: usize = 8;

/// Fits a network at the coarsest precision that keeps the agreement of `options`; at that of the options where they
/// have none.
///
/// # Errors
/// As [`crate::compile_for`].
pub fn fit(
    known: &Known<'_>,
    samples: &[Vec<f64>],
    options: &Options,
    costs: &CostTable,
) -> Result<(Fitted, Option<Agreement>), Error> {
    let Some(asked) = options.agreement else {
        let fitted = fit::fit(known, samples, options, costs)?;
        return Ok((fitted, None));
    };
    let margins = Margins::of(known, samples, options)?;
    let at = |precision_bits| {
        let options = Options {
            precision_bits,
            ..options.clone()
        };
        let fitted = fit::fit(known, samples, &options, costs)?;
        let predicted = margins.agreement(&fitted.differences);
        Ok::<_, Error>((fitted, predicted))
    };
    let first = margins.coarsest(asked)?;
    let mut found = at(first)?;
    // The simulated errors are mostly smaller than those promised, and seldom larger.
    while found.1 < asked && found.0.options.precision_bits < *PRECISIONS.end() {
        found = at(found.0.options.precision_bits + 1)?;
    }
    while found.0.options.precision_bits > *PRECISIONS.start() {
        let doubled: Vec<f64> = found.0.differences.iter().map(|d| 2.0 * d).collect();
        if margins.agreement(&doubled) < asked {
            break;
        }
        let coarser = at(found.0.options.precision_bits - 1)?;
        if coarser.1 < asked {
            break;
        }
        found = coarser;
    }
    let (fitted, predicted) = found;
    if predicted < asked {
        return Err(margins.refused(asked, predicted));
    }
    let agreement = Agreement {
        asked,
        predicted,
        images: margins.gaps.len(),
        precision_bits: fitted.options.precision_bits,
    };
    Ok((fitted, Some(agreement)))
}

/// By how much classes win.
struct Margins {
    /// For each image the differences between its largest logit and each of the others.
    gaps: Vec<Vec<f64>>,
    /// For each image its class.
    class: Vec<usize>,
    /// Error that a precision of 0 bits promises.
    promise: f64,
}

impl Margins {
    fn of(known: &Known<'_>, samples: &[Vec<f64>], options: &Options) -> Result<Self, Error> {
        let (graph, weights) = (known.graph, known.weights);
        let classes = graph.node(graph.output()).shape.len();
        let unmeasured = |found: String| Error::Agreement {
            found,
            advice: "give images such as those to come, or ask for a precision in bits",
        };
        if samples.is_empty() {
            return Err(unmeasured("there are no images to measure it on".into()));
        }
        if classes < 2 {
            return Err(unmeasured(format!(
                "it counts images whose class stays, and the network has {classes} output"
            )));
        }
        let net = passes::unscaled(graph, Some(weights), options, WindowSums::Merged)?;
        check_samples(samples, Some(net.nodes[0].shape.len()))?;
        let sizes = Sizes::of(&net, samples);
        let of_image = |logits: &Vec<f64>| {
            let (class, top) = logits
                .iter()
                .copied()
                .enumerate()
                .max_by(|a, b| a.1.total_cmp(&b.1))
                .unwrap_or((0, 0.0));
            let others = logits
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != class);
            (class, others.map(|(_, logit)| top - logit).collect())
        };
        let (class, gaps) = sizes.outputs.iter().map(of_image).unzip();
        Ok(Self {
            gaps,
            class,
            promise: match options.relative_precision {
                true => sizes.output_size(),
                false => sizes.output_size().max(1.0),
            },
        })
    }

    /// The coarsest precision at which errors as large as promised keep the agreement.
    fn coarsest(&self, asked: f64) -> Result<u32, Error> {
        let predicted = |bits: u32| {
            let deviation = self.promise * (-f64::from(bits)).exp2() / PROMISE_DEVIATIONS;
            self.agreement(&[deviation * std::f64::consts::SQRT_2])
        };
        let found = PRECISIONS
            .into_iter()
            .find(|bits| predicted(*bits) >= asked);
        found.ok_or_else(|| self.refused(asked, predicted(*PRECISIONS.end())))
    }

    fn refused(&self, asked: f64, predicted: f64) -> Error {
        Error::Agreement {
            found: format!(
                "{asked} % is asked for, and at the finest precision, {} bits, {predicted:.4} % of the {} images keep their \
                 class",
                PRECISIONS.end(),
                self.gaps.len()
            ),
            advice: "ask for less, or train so that classes win by larger margins",
        }
    }

    /// Percent of images that keep their class where differences of logits err by one of `deviations`: of all, or, if
    /// some are rare, of the worst class.
    fn agreement(&self, deviations: &[f64]) -> f64 {
        let classes = self.class.iter().max().map_or(0, |most| most + 1);
        let mut kept = vec![(0.0, 0usize); classes];
        for (gaps, class) in self.gaps.iter().zip(&self.class) {
            let changed = |deviation: &f64| {
                let exceeded = gaps
                    .iter()
                    .map(|gap| upper_tail(gap / deviation.max(f64::MIN_POSITIVE)));
                exceeded.sum::<f64>().min(1.0)
            };
            let mean = deviations.iter().map(changed).sum::<f64>() / deviations.len().max(1) as f64;
            kept[*class].0 += 1.0 - mean;
            kept[*class].1 += 1;
        }
        let share = |(kept, count): (f64, usize)| 100.0 * kept / count.max(1) as f64;
        let all = kept
            .iter()
            .fold((0.0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let largest = kept.iter().map(|(_, count)| *count).max().unwrap_or(0);
        let judged = kept.iter().filter(|(_, count)| *count >= JUDGED);
        let rare = judged.clone().any(|(_, count)| count * RARE < largest);
        match rare {
            true => judged.map(|one| share(*one)).fold(share(all), f64::min),
            false => share(all),
        }
    }
}

/// The probability that a normal number of deviation 1 exceeds `z`, to 1.2e-7 of itself (the rational approximation of
/// Press et al., "Numerical Recipes", 1992, section 6.2).
fn upper_tail(z: f64) -> f64 {
    const TERMS: [f64; 10] = [
        0.170_872_77,
        -0.822_152_23,
        1.488_515_87,
        -1.135_203_98,
        0.278_868_07,
        -0.186_288_06,
        0.096_784_18,
        0.374_091_96,
        1.000_023_68,
        -1.265_512_23,
    ];
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.5 * x);
    let polynomial = TERMS.into_iter().fold(0.0, |sum, term| sum * t + term);
    let tail = 0.5 * t * (polynomial - x * x).exp();
    if z < 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn margins(gaps: &[f64], class: &[usize]) -> Margins {
        Margins {
            gaps: gaps.iter().map(|gap| vec![*gap]).collect(),
            class: class.to_vec(),
            promise: 1.0,
        }
    }

    #[test]
    fn the_tail_is_that_of_tables() {
        for (z, tail) in [
            (0.0, 0.5),
            (1.0, 0.158_655_25),
            (2.326_347_9, 0.01),
            (5.0, 2.866_516e-7),
            (-1.0, 0.841_344_75),
        ] {
            let found = upper_tail(z);
            assert!((found / tail - 1.0).abs() < 1e-5, "{z}: {found} {tail}");
        }
        assert_eq!(upper_tail(f64::INFINITY), 0.0);
    }

    #[test]
    fn agreement_counts_the_images_whose_margins_errors_exceed() {
        // Two of four images win by far, one by one deviation, one by nothing.
        let found = margins(&[50.0, 50.0, 1.0, 0.0], &[0, 1, 0, 1]).agreement(&[1.0]);
        let expected = 100.0 * (4.0 - 0.158_655_25 - 0.5) / 4.0;
        assert!((found - expected).abs() < 1e-4, "{found} {expected}");
    }

    #[test]
    fn a_rare_class_counts_for_itself() {
        let mut gaps = vec![50.0; 92];
        gaps.extend([0.0; 8]);
        let mut class = vec![0; 92];
        class.extend([1; 8]);
        let rare = margins(&gaps, &class).agreement(&[1.0]);
        assert!((rare - 50.0).abs() < 1e-4, "{rare}");
        let alike = margins(&gaps, &[0; 100]).agreement(&[1.0]);
        assert!((alike - 96.0).abs() < 1e-4, "{alike}");
    }

    #[test]
    fn more_agreement_never_takes_a_coarser_precision_and_ties_are_refused() {
        let gaps: Vec<f64> = (1..200).map(|k| f64::from(k) / 50.0).collect();
        let margins = margins(&gaps, &vec![0; gaps.len()]);
        let bits =
            [50.0, 90.0, 99.0, 99.5, 99.9, 100.0].map(|asked| margins.coarsest(asked).unwrap());
        assert!(bits.is_sorted() && bits[0] < bits[5], "{bits:?}");
        let tied = super::tests::margins(&[0.0; 10], &[0; 10]);
        let text = tied.coarsest(99.5).unwrap_err().to_string();
        assert!(
            text.contains("99.5 %") && text.contains("50.0000 %") && text.contains("10 images"),
            "{text}"
        );
    }
}
