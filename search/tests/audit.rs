//! Attacks on a small network of the embedded digits: what they reach, that a seed repeats, what is refused.

use hemet_search::Seed;
use hemet_search::audit::{Attack, Defense, Effort, Findings, Place, Setting, Victim};
use hemet_search::data::{self, Dataset};
use hemet_search::train::{TrainData, TrainOptions, TrainOutcome, Training};
use hemet_spaces::{LayerGraph, Weights};

/// A convolution that keeps all pixels, a smaller one, a head.
const GRAPH: &str = "\
hemet-graph 1
input: 1x8x8 = input()
stem: 8x8x8 = conv(input) out=8 kernel=3 stride=1 padding=1 groups=1
stem.norm: 8x8x8 = affine(stem)
stem.act: 8x8x8 = poly(stem.norm) degree=2 per_channel
b1: 8x4x4 = conv(stem.act) out=8 kernel=3 stride=2 padding=1 groups=1
b1.norm: 8x4x4 = affine(b1)
b1.act: 8x4x4 = poly(b1.norm) degree=2 per_channel
head: 10x1x1 = dense(b1.act) out=10 bias
";

struct World {
    graph: LayerGraph,
    weights: Weights,
    targets: Dataset,
    own: Dataset,
    test: Dataset,
}

impl World {
    /// Trained for some epochs on a part of the digits.
    fn new() -> Self {
        let sets = data::load("optdigits", None).expect("embedded");
        let part =
            |set: &Dataset, from: usize, to: usize| set.select(&(from..to).collect::<Vec<_>>());
        let (own, test) = (part(&sets.train, 0, 1000), part(&sets.test, 100, 500));
        let graph: LayerGraph = GRAPH.parse().expect("a graph");
        let options = TrainOptions {
            epochs: 6,
            ..TrainOptions::default()
        };
        let data = TrainData {
            training: &own,
            validation: &test,
        };
        let training = Training::new(&graph, data, &options, Seed::new(1));
        let outcome = training.run(&mut |_| std::ops::ControlFlow::Continue(()));
        let TrainOutcome::Complete(trained) = outcome.expect("it trains") else {
            panic!("it diverged");
        };
        Self {
            graph,
            weights: trained.weights,
            targets: part(&sets.test, 0, 12),
            own,
            test,
        }
    }

    fn setting(&self) -> Setting<'_> {
        Setting {
            graph: &self.graph,
            weights: &self.weights,
            targets: &self.targets,
            own: &self.own,
            similar: None,
            training: &self.own,
            test: &self.test,
            effort: Effort {
                steps: 150,
                epochs: 10,
            },
            seed: Seed::new(4),
        }
    }

    fn place(&self, name: &str) -> Place {
        Place::behind(&self.graph, name).expect("a cut")
    }
}

fn ssim(findings: &Findings, attack: Attack) -> f64 {
    findings.by(attack).expect("it was tried").nearness.ssim
}

#[test]
fn attacks_on_the_first_convolution_reach_more_than_on_answers_and_repeat_with_the_seed() {
    let world = World::new();
    let setting = world.setting();
    setting.check().expect("pictures");
    let (_, floor) = setting.floor();
    // Who knows the class knows more than who has seen nothing.
    assert!(setting.class_floor().ssim > floor.ssim);
    let run = |name: &str, attacks: &[Attack]| {
        setting
            .run(&world.place(name), Defense::None, attacks)
            .expect("attacked")
    };
    let all = [
        Attack::WhiteBox,
        Attack::InverseSame,
        Attack::QueryFreeInverse,
    ];
    let first = run("stem", &all);
    assert!(first.accuracy > 0.7, "{}", first.accuracy);
    assert!(
        ssim(&first, Attack::WhiteBox) > 0.9,
        "{:?}",
        first.reached[0].nearness
    );
    assert!(ssim(&first, Attack::InverseSame) > floor.ssim);
    // A reconstruction that is the picture has its class, as far as the network knows it.
    assert!(first.reached[0].same_class > 0.6);
    assert_eq!(first, run("stem", &all));

    let answers = [Attack::InverseSame, Attack::ClassMean];
    let last = run("head", &answers);
    for attack in answers {
        let (found, first) = (ssim(&last, attack), ssim(&first, Attack::WhiteBox));
        assert!(found > floor.ssim && found < first, "{attack}: {found}");
    }
}

#[test]
fn defenses_cost_accuracy_and_weaken_the_attack_that_knows_of_them() {
    let world = World::new();
    let setting = world.setting();
    let place = world.place("b1.act");
    let attacks = [Attack::WhiteBox, Attack::InverseSame];
    let best = |defense: Defense| {
        let found = setting.run(&place, defense, &attacks).expect("attacked");
        let best = attacks.map(|attack| ssim(&found, attack));
        (best.into_iter().fold(f64::MIN, f64::max), found.accuracy)
    };
    let (plain, accuracy) = best(Defense::None);
    for defense in [Defense::Noise(1.0), Defense::Dropout(0.6)] {
        let (reached, kept) = best(defense);
        let costs = defense.is_trained() || kept < accuracy;
        assert!(reached < plain - 0.03, "{defense}: {reached} of {plain}");
        assert!(costs && kept > 0.2, "{defense}: {kept} of {accuracy}");
    }
}

#[test]
fn what_is_no_picture_or_no_cut_is_refused_with_what_is_there() {
    let world = World::new();
    let setting = world.setting();
    let refused = |change: &dyn Fn(&mut Dataset)| {
        let mut targets = world.targets.clone();
        change(&mut targets);
        let setting = Setting {
            targets: &targets,
            ..setting
        };
        setting.check().expect_err("refused").to_string()
    };
    let dark = refused(&|set| set.images[3] = -0.5);
    assert!(dark.contains("-0.5") && dark.contains("0 to 1"), "{dark}");
    let other = refused(&|set| set.shape = hemet_spaces::Shape::new(1, 4, 16));
    assert!(
        other.contains("1x4x16") && other.contains("1x8x8"),
        "{other}"
    );
    let values = refused(&|set| set.targets = vec![0.0; set.len()]);
    assert!(values.contains("a table"), "{values}");
    let none = refused(&|set| *set = set.select(&[]));
    assert!(none.contains("without a picture"), "{none}");

    let cut = Place::behind(&world.graph, "stem.nrm")
        .expect_err("no layer")
        .to_string();
    assert!(
        cut.contains("stem.nrm") && cut.contains("stem.norm, stem.act, b1"),
        "{cut}"
    );
    let outputs = world.place("head");
    let error = setting
        .victim(&outputs, Defense::Dropout(0.5))
        .expect_err("outputs");
    assert!(error.to_string().contains("head"), "{error}");
}

#[test]
fn places_are_the_cuts_but_those_behind_norms_and_features_go_on_to_the_same_classes() {
    let world = World::new();
    let places = Place::all(&world.graph).expect("a network");
    let names: Vec<&str> = places.iter().map(|place| place.name.as_str()).collect();
    assert_eq!(names, ["stem", "stem.act", "b1", "b1.act", "head"]);
    let mut rng = Seed::new(1).rng();
    let classes = places.iter().map(|place| {
        let victim = Victim::new(
            &world.graph,
            place,
            &world.weights,
            Defense::None,
            &world.own,
        );
        victim
            .expect("a victim")
            .classes(&world.test.images, &mut rng)
    });
    let classes: Vec<Vec<usize>> = classes.collect();
    // Parts of a network sum in the same order as the whole.
    assert!(classes.windows(2).all(|pair| pair[0] == pair[1]));
}
