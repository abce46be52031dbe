//! Measure: what tells how good answers are on the validation images, where classes are predicted.

/// What tells how good answers are, 0 to 1, more is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    /// The share of right answers.
    #[default]
    Accuracy,
    /// The mean over the classes of the share of their images that is found: rare classes count as much as others.
    BalancedAccuracy,
    /// The area under the curve of sensitivity against false alarms, see [`crate::metrics::auc_of_classes`].
    Auc,
}

impl Measure {
    /// Each with its name as an objective.
    pub const ALL: [(&'static str, Measure); 3] = [
        ("accuracy", Measure::Accuracy),
        ("balanced_accuracy", Measure::BalancedAccuracy),
        ("auc", Measure::Auc),
    ];

    /// The first that these objectives name; accuracy where none does.
    pub fn of(objectives: &[impl AsRef<str>]) -> Self {
        let named = |name: &str| Self::ALL.iter().find(|(known, _)| *known == name);
        let mut found = objectives.iter().filter_map(|name| named(name.as_ref()));
        found.next().map_or(Self::Accuracy, |(_, measure)| *measure)
    }
}
