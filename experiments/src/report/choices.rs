//! The choices of trials as plots want them: aspects of a gene, and how important each gene is.

use std::collections::BTreeSet;

use hemet_search::importance::{Choice, Feature, Importances, importances};
use hemet_search::trial::Point;
use hemet_search::{Seed, Trial};
use hemet_spaces::space::Gene;

use super::Run;

/// Whole labels of a gene are shown where it has at most so many.
const FEW_LABELS: usize = 8;

/// The trials that were trained to the end, with their figures.
pub struct Trained<'a> {
    /// The genes of the space.
    pub genes: &'a [Gene],
    /// The trials.
    pub trials: Vec<(&'a Trial, Point)>,
}

impl<'a> Trained<'a> {
    /// Of a run; none where nothing was trained or nothing varies.
    pub fn of(run: &Run<'a>) -> Option<Self> {
        let genes = run.experiment.space().ok()?.genes();
        let whole = run.trials.iter().filter(|trial| !trial.is_stopped());
        let trials: Vec<_> = whole
            .filter_map(|trial| Some((trial, Point::of(trial)?)))
            .collect();
        (!trials.is_empty() && !genes.is_empty()).then_some(Self { genes, trials })
    }

    /// The label that a trial has of a gene.
    pub fn label(&self, gene: usize, trial: &Trial) -> &str {
        let option = trial.architecture.genes.get(gene);
        let label = option.and_then(|option| self.genes[gene].options.get(usize::from(*option)));
        label.map_or("", String::as_str)
    }

    /// How important each gene is for a figure.
    pub fn importances(&self, figure: fn(&Point) -> f64, seed: Seed) -> Option<Importances> {
        let choices: Vec<Choice> = (0..self.genes.len())
            .map(|gene| self.choice(gene))
            .collect();
        let figures: Vec<f64> = self.trials.iter().map(|(_, point)| figure(point)).collect();
        importances(&choices, &figures, seed)
    }

    /// The aspects of a gene: its kind, and each of the parameters that stand in its labels.
    fn choice(&self, gene: usize) -> Choice {
        let labels: Vec<Label<'_>> = (self.trials.iter())
            .map(|(trial, _)| Label::of(self.label(gene, trial)))
            .collect();
        let names: BTreeSet<&str> = labels
            .iter()
            .flat_map(|l| l.parameters.iter().map(|(name, _)| *name))
            .collect();
        let kinds: Vec<Option<&str>> = labels.iter().map(|label| Some(label.kind)).collect();
        let parameters = names
            .iter()
            .map(|name| labels.iter().map(|label| label.parameter(name)).collect());
        Choice {
            features: std::iter::once(kinds)
                .chain(parameters)
                .map(|words| feature(&words))
                .collect(),
        }
    }

    /// The words that an axis of a gene shows: its labels where they are few, else the kinds of its blocks.
    pub fn word(&self, gene: usize, trial: &'a Trial) -> &str {
        let label = self.label(gene, trial);
        match self.genes[gene].options.len() <= FEW_LABELS {
            true => label,
            false => Label::of(label).kind,
        }
    }
}

/// The label of an option, such as `conv(width=8,kernel=3)`.
struct Label<'a> {
    kind: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> Label<'a> {
    fn of(label: &'a str) -> Self {
        let (kind, inner) = label.split_once('(').unwrap_or((label, ""));
        let inner = inner.strip_suffix(')').unwrap_or(inner);
        let pairs = inner.split(',').filter_map(|part| part.split_once('='));
        Self {
            kind,
            parameters: pairs.collect(),
        }
    }

    fn parameter(&self, name: &str) -> Option<&'a str> {
        let mut found = self.parameters.iter().filter(|(known, _)| *known == name);
        found.next().map(|(_, value)| *value)
    }
}

/// Words as numbers: themselves where all are numbers, else their positions. One that is missing is below all.
fn feature(words: &[Option<&str>]) -> Feature {
    let numbers: Option<Vec<f64>> = words
        .iter()
        .map(|word| {
            word.map_or(Some(-1.0), |word| {
                word.parse().ok().filter(|n: &f64| n.is_finite())
            })
        })
        .collect();
    if let Some(values) = numbers {
        return Feature {
            values,
            ordered: true,
        };
    }
    let known: Vec<Option<&str>> = words
        .iter()
        .copied()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let place = |word: &Option<&str>| known.iter().position(|k| k == word).unwrap_or(0) as f64;
    Feature {
        values: words.iter().map(place).collect(),
        ordered: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_fall_into_kind_and_parameters_and_numbers_keep_their_order() {
        let label = Label::of("fire(squeeze=4,expand=8,inner_activation=linear)");
        assert_eq!((label.kind, label.parameter("expand")), ("fire", Some("8")));
        assert_eq!(
            (
                Label::of("skip").kind,
                Label::of("skip").parameter("expand")
            ),
            ("skip", None)
        );
        let widths = feature(&[Some("16"), None, Some("8")]);
        assert_eq!(
            (widths.values, widths.ordered),
            (vec![16.0, -1.0, 8.0], true)
        );
        let kinds = feature(&[Some("b"), Some("a"), Some("b"), None]);
        assert_eq!(
            (kinds.values, kinds.ordered),
            (vec![2.0, 1.0, 2.0, 0.0], false)
        );
    }
}
