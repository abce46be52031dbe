//! Output transform: what a client makes of decrypted outputs, exactly: a softmax, the name of a class, a value in the
//! unit that the data have.
//!
//! Under encryption each of these would be a polynomial's approximation; after decryption they cost nothing. An
//! artifact holds them, and so does what its clients know, so that every command that decrypts applies the same steps.

mod step;

use serde::{Deserialize, Serialize};

pub use step::{Groups, Norm, OutputStep};

/// What a client makes of the decrypted outputs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputTransform {
    /// Consecutive outputs, in order; none is left out.
    pub parts: Vec<OutputPart>,
}

/// Consecutive outputs that belong together: one output of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputPart {
    /// Its name, such as that of an ONNX output or of a table's column.
    pub name: String,
    /// How many decrypted numbers belong to it.
    pub len: usize,
    /// What the numbers stand for.
    pub meaning: Meaning,
    /// The unit of values; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// What is done to the numbers, first step first.
    pub steps: Vec<OutputStep>,
}

/// What numbers stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// A number a class; the largest is the answer.
    Scores,
    /// Quantities, as of a regression.
    Values,
}

/// What the client made of a part.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished<'t> {
    /// The part.
    pub part: &'t OutputPart,
    /// Its numbers after all steps; of a label its number, or its position where labels are words.
    pub values: Vec<f64>,
    /// The label, where the last step gives one.
    pub label: Option<&'t str>,
    /// The class: that of the label or of the largest score, the first of equals; none for values, for one score, and
    /// for several answers.
    pub class: Option<usize>,
}

/// Most parts, and most steps of one.
const MOST: usize = 64;

impl OutputTransform {
    /// Makes of the decrypted outputs what the model's own outputs are.
    ///
    /// `outputs` are as many as [`OutputTransform::check`] was told; missing ones leave parts short.
    pub fn apply(&self, outputs: &[f64]) -> Vec<Finished<'_>> {
        let mut rest = outputs;
        let mut finished = Vec::new();
        for part in &self.parts {
            let (own, behind) = rest.split_at(part.len.min(rest.len()));
            rest = behind;
            finished.push(part.apply(own));
        }
        finished
    }

    /// How many numbers come out.
    pub fn len(&self) -> usize {
        let len = |part: &OutputPart| part.steps.iter().try_fold(part.len, |len, s| s.len(len));
        self.parts.iter().filter_map(|part| len(part).ok()).sum()
    }

    /// Whether nothing comes out.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// By how much an error of the decrypted outputs can grow at most; none where a small error can change the result
    /// by any amount, as with a label.
    pub fn gain(&self) -> Option<f64> {
        let part = |part: &OutputPart| part.gain();
        self.parts
            .iter()
            .map(part)
            .try_fold(0.0f64, |a, b| Some(a.max(b?)))
    }

    /// Refuses a transform for another number of outputs than `len`, steps that do not fit each other, and numbers that
    /// are not finite.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self, len: usize) -> Result<(), String> {
        let parts = &self.parts;
        let total = parts
            .iter()
            .try_fold(0usize, |sum, part| sum.checked_add(part.len));
        if total != Some(len) {
            return Err(format!("the output transform is not for {len} outputs"));
        }
        let longest = parts.iter().map(|part| part.steps.len()).max();
        if parts.len() > MOST || longest > Some(MOST) {
            return Err(format!(
                "the output transform has more than {MOST} parts or steps"
            ));
        }
        for part in parts {
            let mut len = part.len;
            for (at, step) in part.steps.iter().enumerate() {
                if matches!(step, OutputStep::Label { .. }) && at + 1 < part.steps.len() {
                    return Err(format!(
                        "the label of output `{}` is not its last step",
                        part.name
                    ));
                }
                let next = step.len(len);
                len = next.map_err(|why| format!("output `{}`: {why}", part.name))?;
            }
        }
        Ok(())
    }
}

impl OutputPart {
    fn apply(&self, outputs: &[f64]) -> Finished<'_> {
        let mut values = outputs.to_vec();
        let (mut label, mut class) = (None, None);
        for step in &self.steps {
            let next = step.apply(&values);
            if let (OutputStep::ArgMax(_), [position]) = (step, &next[..]) {
                class = Some(*position as usize);
            }
            if let (OutputStep::Label { names }, [position]) = (step, &values[..]) {
                class = Some(*position as usize);
                label = names.get(*position as usize).map(String::as_str);
            }
            values = next;
        }
        if class.is_none() && self.meaning == Meaning::Scores && values.len() > 1 {
            class = step::largest(&values);
        }
        Finished {
            part: self,
            values,
            label,
            class,
        }
    }

    /// See [`OutputTransform::gain`].
    pub fn gain(&self) -> Option<f64> {
        let steps = self.steps.iter().map(OutputStep::gain);
        steps
            .into_iter()
            .try_fold(1.0, |gain, step| Some(gain * step?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(len: usize, steps: Vec<OutputStep>) -> OutputPart {
        OutputPart {
            name: "y".into(),
            len,
            meaning: Meaning::Scores,
            unit: String::new(),
            steps,
        }
    }

    fn whole(len: usize) -> Groups {
        Groups {
            outer: 1,
            len,
            inner: 1,
        }
    }

    #[test]
    fn a_label_is_the_name_of_the_largest_score_and_its_number_where_it_is_one() {
        for (names, value) in [(["cat", "dog", "owl"], 1.0), (["3", "5", "7"], 5.0)] {
            let names: Vec<String> = names.iter().map(|n| n.to_string()).collect();
            let steps = vec![
                OutputStep::Softmax(whole(3)),
                OutputStep::ArgMax(whole(3)),
                OutputStep::Label {
                    names: names.clone(),
                },
            ];
            let transform = OutputTransform {
                parts: vec![part(3, steps)],
            };
            transform.check(3).unwrap();
            let [finished] = &transform.apply(&[0.5, 2.0, -1.0])[..] else {
                panic!("one part")
            };
            assert_eq!(finished.label, Some(names[1].as_str()));
            assert_eq!(
                (finished.class, &finished.values[..]),
                (Some(1), &[value][..])
            );
            assert_eq!(transform.gain(), None);
            assert_eq!(transform.len(), 1);
        }
    }

    #[test]
    fn parts_take_consecutive_outputs_and_values_have_no_class() {
        let mut price = part(
            1,
            vec![OutputStep::Affine {
                scale: vec![200.0],
                shift: vec![1000.0],
            }],
        );
        price.meaning = Meaning::Values;
        let transform = OutputTransform {
            parts: vec![part(2, vec![OutputStep::Sigmoid]), price],
        };
        transform.check(3).unwrap();
        let finished = transform.apply(&[0.0, 3.0, -0.5]);
        assert_eq!(finished[0].values[0], 0.5);
        assert_eq!(finished[0].class, Some(1));
        assert_eq!((finished[1].class, finished[1].values[0]), (None, 900.0));
        assert_eq!(transform.gain(), Some(200.0));
    }

    #[test]
    fn a_transform_that_does_not_fit_is_refused_and_json_keeps_it() {
        let affine = |scale: Vec<f64>| OutputStep::Affine {
            shift: vec![0.0; scale.len()],
            scale,
        };
        let label = OutputStep::Label {
            names: vec!["a".into(), "b".into()],
        };
        for (len, steps) in [
            (3, vec![]),
            (2, vec![affine(vec![1.0; 3])]),
            (2, vec![affine(vec![f64::NAN; 2])]),
            (2, vec![OutputStep::Softmax(whole(3))]),
            (2, vec![OutputStep::Complement]),
            (2, vec![label.clone()]),
            (1, vec![label, OutputStep::Sigmoid]),
        ] {
            let transform = OutputTransform {
                parts: vec![part(len, steps)],
            };
            assert!(
                transform.check(if len == 3 { 2 } else { len }).is_err(),
                "{transform:?}"
            );
        }
        let transform = OutputTransform {
            parts: vec![part(
                2,
                vec![OutputStep::Softmax(whole(2)), affine(vec![2.0])],
            )],
        };
        let json = serde_json::to_string(&transform).unwrap();
        let read: OutputTransform = serde_json::from_str(&json).unwrap();
        assert_eq!(read, transform);
    }

    #[test]
    fn the_manifest_of_an_older_program_reads_and_is_written_as_it_was() {
        let old = r#"{"hemet_version":"0.1.0","network":"n","dataset":null,"classes":["a"],"architecture":null,"normalization":"","predicted_latency_ms":null,"cost_machine":null,"layers":[]}"#;
        let manifest: crate::Manifest = serde_json::from_str(old).unwrap();
        assert_eq!(manifest.output_transform, None);
        assert_eq!(serde_json::to_string(&manifest).unwrap(), old);
    }
}
