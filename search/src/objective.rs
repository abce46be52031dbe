//! Objectives: the figures of a trial that a search optimizes, and the list of those that exist.
//!
//! The front, the strategies that look at figures, successive halving, the hypervolume, the Pareto plot and the
//! choice of the network to deploy all follow the objectives of the experiment. To add one: its entry in
//! [`OBJECTIVES`].

use crate::Error;
use crate::constraint::{Constraints, MIB, cost_per_1000};
use crate::trial::Point;

/// A figure of a completed trial that is to be made great or small.
#[derive(Debug)]
pub struct Objective {
    /// Its name in experiments.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// Its unit; empty for shares and for money, whose currency is the user's.
    pub unit: &'static str,
    /// Whether more is better. Such a figure lies from 0 to 1; one of which less is better is at least 0.
    pub maximized: bool,
    /// Whether it follows from the latency, so that timing a prediction measures it.
    pub timed: bool,
    /// Whether its values are whole numbers.
    pub whole: bool,
    value: fn(&Point, &Constraints) -> f64,
    /// The constraint that bounds it on its bad side.
    limit: fn(&Constraints) -> Option<f64>,
}

impl Objective {
    /// A value of it, turned so that less is better.
    pub fn turned(&self, value: f64) -> f64 {
        match self.maximized {
            true => -value,
            false => value,
        }
    }
}

/// Every objective.
pub static OBJECTIVES: &[Objective] = &[
    Objective {
        name: "accuracy",
        about: "accuracy on the validation images",
        timed: false,
        whole: false,
        unit: "",
        maximized: true,
        value: |point, _| point.accuracy,
        limit: |_| None,
    },
    Objective {
        name: "balanced_accuracy",
        about: "mean over the classes of the share of their validation images that is found",
        timed: false,
        whole: false,
        unit: "",
        maximized: true,
        // What the validation images measure stands in the place of accuracy.
        value: |point, _| point.accuracy,
        limit: |_| None,
    },
    Objective {
        name: "auc",
        about: "area under the curve of sensitivity against false alarms on the validation images",
        timed: false,
        whole: false,
        unit: "",
        maximized: true,
        value: |point, _| point.accuracy,
        limit: |_| None,
    },
    Objective {
        name: "latency",
        about: "latency of one encrypted prediction",
        timed: true,
        whole: false,
        unit: "ms",
        maximized: false,
        value: |point, _| point.latency_ms,
        limit: |constraints| constraints.max_latency_ms,
    },
    Objective {
        name: "depth",
        about: "multiplicative depth",
        timed: false,
        whole: true,
        unit: "levels",
        maximized: false,
        value: |point, _| point.depth as f64,
        limit: |constraints| constraints.max_depth.map(|depth| depth as f64),
    },
    Objective {
        name: "key_size",
        about: "size of the evaluation keys",
        timed: false,
        whole: false,
        unit: "MiB",
        maximized: false,
        value: |point, _| point.key_bytes as f64 / MIB,
        limit: |constraints| constraints.max_key_mib,
    },
    Objective {
        name: "cost",
        about: "cost of 1000 encrypted predictions",
        timed: true,
        whole: false,
        unit: "",
        maximized: false,
        // Without a price there is no such objective, see `Objectives::new`.
        value: |point, constraints| {
            let price = constraints.price_per_core_hour;
            price.map_or(f64::NAN, |price| cost_per_1000(point.latency_ms, price))
        },
        limit: |constraints| constraints.max_cost_per_1000,
    },
    Objective {
        name: "leak",
        about: "similarity to the picture that attacks reach from what the device part hands over",
        timed: false,
        whole: false,
        unit: "",
        maximized: false,
        // A similarity below 0 reveals no less than none.
        value: |point, _| point.leak.max(0.0),
        limit: |_| None,
    },
];

/// What an experiment without `objectives` optimizes.
pub const DEFAULT: [&str; 2] = ["accuracy", "latency"];

/// The objectives of a search, with the limits that bound them.
#[derive(Clone, Debug)]
pub struct Objectives {
    chosen: Vec<&'static Objective>,
    constraints: Constraints,
}

impl Default for Objectives {
    fn default() -> Self {
        Self::new(&DEFAULT, &Constraints::default()).expect("the default objectives are listed")
    }
}

impl Objectives {
    /// The objectives of these names, under these constraints.
    ///
    /// # Errors
    /// An unknown name; one named twice; none or several of `accuracy`, `balanced_accuracy` and `auc`; `cost` without a
    /// price, or together with `latency`, which at one price it is proportional to.
    pub fn new(names: &[impl AsRef<str>], constraints: &Constraints) -> Result<Self, Error> {
        let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        let refuse = |allowed: &str| {
            Err(Error::Option {
                option: "objectives",
                found: format!("[{}]", names.join(", ")),
                allowed: allowed.into(),
            })
        };
        let chosen = names.iter().map(|name| find(name));
        let chosen = chosen.collect::<Result<Vec<&Objective>, Error>>()?;
        if (1..names.len()).any(|i| names[..i].contains(&names[i])) {
            return refuse("a list that names each objective once");
        }
        match chosen
            .iter()
            .filter(|objective| objective.maximized)
            .count()
        {
            1 => {}
            0 => {
                return refuse(
                    "a list with accuracy in it, or auc or balanced_accuracy: without one of them the least network is the best",
                );
            }
            _ => return refuse("a list with one of accuracy, balanced_accuracy and auc"),
        }
        if names.contains(&"cost") && constraints.price_per_core_hour.is_none() {
            return refuse("without cost, or constraints.price_per_core_hour must be given");
        }
        if names.contains(&"cost") && names.contains(&"latency") {
            return refuse("a list with latency or cost: at one price a core hour they rank alike");
        }
        Ok(Self {
            chosen,
            constraints: constraints.clone(),
        })
    }

    /// The objectives, in the order in which they were named.
    pub fn list(&self) -> &[&'static Objective] {
        &self.chosen
    }

    /// The values of a point, in the order of [`Self::list`].
    pub fn values(&self, point: &Point) -> Vec<f64> {
        let value = |objective: &&'static Objective| self.value(objective, point);
        self.chosen.iter().map(value).collect()
    }

    /// The values of a point turned so that less is better.
    pub fn losses(&self, point: &Point) -> Vec<f64> {
        let loss = |objective: &&'static Objective| self.loss(objective, point);
        self.chosen.iter().map(loss).collect()
    }

    /// The value of one objective at a point, turned so that less is better.
    pub fn loss(&self, objective: &Objective, point: &Point) -> f64 {
        objective.turned(self.value(objective, point))
    }

    /// Whether `a` is at least as good as `b` in every objective and better in one.
    pub fn dominates(&self, a: &Point, b: &Point) -> bool {
        dominates(&self.losses(a), &self.losses(b))
    }

    /// The first objective beside accuracy, or what stands in its place: what decides among networks of like accuracy.
    pub fn second(&self) -> Option<&'static Objective> {
        let mut others = self.chosen.iter().filter(|o| !o.maximized);
        others.next().copied()
    }

    /// The value of one of the objectives at a point.
    pub fn value(&self, objective: &Objective, point: &Point) -> f64 {
        (objective.value)(point, &self.constraints)
    }

    /// For each objective the value up to which a hypervolume is taken: 0 for those to be made great; for others the
    /// constraint on it if there is one, else a tenth above the worst of these points (1 where all are 0).
    pub fn reference(&self, points: &[Point]) -> Vec<f64> {
        let of = |objective: &&Objective| {
            let worst = || {
                let values = points.iter().map(|p| self.value(objective, p));
                let worst = values.fold(0.0, f64::max);
                if worst > 0.0 { 1.1 * worst } else { 1.0 }
            };
            match objective.maximized {
                true => 0.0,
                false => (objective.limit)(&self.constraints).unwrap_or_else(worst),
            }
        };
        self.chosen.iter().map(of).collect()
    }
}

/// Whether losses are at least as small as others everywhere and smaller somewhere.
pub(crate) fn dominates(a: &[f64], b: &[f64]) -> bool {
    let mut pairs = a.iter().zip(b);
    pairs.all(|(a, b)| a <= b) && a != b
}

fn find(name: &str) -> Result<&'static Objective, Error> {
    let found = OBJECTIVES.iter().find(|objective| objective.name == name);
    found.ok_or_else(|| Error::Unknown {
        kind: "objective",
        name: name.to_owned(),
        known: OBJECTIVES
            .iter()
            .map(|o| o.name)
            .collect::<Vec<_>>()
            .join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINT: Point = Point {
        trial: 0,
        accuracy: 0.9,
        latency_ms: 3600.0,
        depth: 7,
        key_bytes: 3 << 20,
        leak: 0.25,
    };

    fn limits() -> Constraints {
        Constraints {
            price_per_core_hour: Some(0.04),
            max_depth: Some(10),
            ..Constraints::default()
        }
    }

    #[test]
    fn every_objective_reads_its_figure_and_turns_it_so_that_less_is_better() {
        let names = ["accuracy", "depth", "key_size", "cost"];
        let all = Objectives::new(&names, &limits()).expect("sound");
        for (found, expected) in all.losses(&POINT).iter().zip([-0.9, 7.0, 3.0, 0.04]) {
            assert!((found - expected).abs() < 1e-12, "{found}");
        }
        assert_eq!(all.second().map(|o| o.name), Some("depth"));
        assert_eq!(all.reference(&[POINT])[..2], [0.0, 10.0], "limits stand");
        assert!((all.reference(&[POINT])[2] - 3.3).abs() < 1e-12);
        assert_eq!(Objectives::default().values(&POINT), [0.9, 3600.0]);
        let auc = Objectives::new(&["latency", "auc"], &limits()).expect("sound");
        assert_eq!(auc.values(&POINT), [3600.0, 0.9]);
        assert_eq!(auc.second().map(|o| o.name), Some("latency"));
    }

    #[test]
    fn lists_that_mean_nothing_are_refused_with_what_to_do() {
        let none = Constraints::default();
        for (names, limits, message) in [
            (
                vec!["accuracy", "speed"],
                &none,
                "known: accuracy, balanced_accuracy, auc, latency",
            ),
            (
                vec!["accuracy", "depth", "depth"],
                &none,
                "each objective once",
            ),
            (vec!["latency"], &none, "accuracy in it"),
            (vec![], &none, "accuracy in it"),
            (vec!["auc", "accuracy", "latency"], &none, "one of accuracy"),
            (vec!["accuracy", "cost"], &none, "price_per_core_hour"),
            (vec!["accuracy", "latency", "cost"], &limits(), "rank alike"),
        ] {
            let error = Objectives::new(&names, limits).expect_err("refused");
            assert!(error.to_string().contains(message), "{error}");
        }
    }
}
