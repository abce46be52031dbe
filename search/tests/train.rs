//! Training: every layer kind runs as the float64 reference says, networks learn, runs repeat, divergence is told.

use std::ops::ControlFlow;

use hemet_search::data::{self, Dataset};
use hemet_search::train::{
    Border, End, EpochReport, Polynomials, Recipe, Schedule, Teacher, TrainData, TrainOptions,
    TrainOutcome, Trained, Training, Whitening,
};
use hemet_search::{Error, Seed};
use hemet_spaces::evaluate::Evaluator;
use hemet_spaces::layer::{Affine, AveragePool, Conv, Dense, Poly, Seen, Structure, Taps, Window};
use hemet_spaces::{Layer, LayerGraph, NodeId, Shape, Weights};
use rand::RngExt;

fn conv(out_channels: usize, kernel: usize, stride: usize, groups: usize, bias: bool) -> Layer {
    Layer::Conv(Conv {
        window: Window::square(kernel, stride, kernel / 2),
        groups,
        bias,
        ..Conv::same(out_channels, kernel)
    })
}

fn dense(out_features: usize) -> Layer {
    Layer::Dense(Dense {
        out_features,
        bias: true,
        circulant: 1,
    })
}

fn pool(kernel: usize, stride: usize) -> Layer {
    Layer::AveragePool(AveragePool::square(kernel, stride))
}

fn poly(degree: usize, per_channel: bool) -> Layer {
    Layer::Poly(Poly {
        degree,
        per_channel,
    })
}

/// A path of layers after `from`, named by `prefix` and their number.
fn path(graph: &mut LayerGraph, prefix: &str, from: NodeId, layers: &[Layer]) -> NodeId {
    layers.iter().enumerate().fold(from, |last, (i, layer)| {
        graph
            .add(format!("{prefix}{i}"), layer.clone(), &[last])
            .expect("shapes fit")
    })
}

/// Every layer kind, every way a convolution is run, joins of paths.
fn everything() -> LayerGraph {
    let mut graph = LayerGraph::new(Shape::new(2, 9, 8)).expect("sound");
    let input = graph.input();
    let stem = path(
        &mut graph,
        "stem",
        input,
        &[conv(6, 3, 1, 1, true), Layer::Affine(Affine), poly(2, true)],
    );
    let left = path(
        &mut graph,
        "left",
        stem,
        &[conv(6, 3, 1, 6, true), conv(4, 1, 1, 1, false)],
    );
    let right = path(
        &mut graph,
        "right",
        stem,
        &[conv(4, 3, 1, 2, false), poly(3, false)],
    );
    let sum = graph
        .add("sum", Layer::Add, &[left, right])
        .expect("shapes fit");
    let third = path(
        &mut graph,
        "third",
        stem,
        &[conv(3, 5, 1, 1, true), Layer::Affine(Affine)],
    );
    let odd = |kernel, padding, dilation, groups| {
        Layer::Conv(Conv {
            window: Window {
                kernel,
                stride: [1, 1],
                padding,
                dilation,
            },
            groups,
            ..Conv::same(6, 1)
        })
    };
    let fourth = path(
        &mut graph,
        "fourth",
        stem,
        &[
            odd([1, 4], [0, 1, 0, 2], [1, 1], 1),
            odd([3, 2], [2, 0, 2, 2], [2, 2], 6),
            odd([3, 1], [1, 0, 1, 0], [1, 1], 2),
        ],
    );
    // Without all entries: of the kernel, of the channels, of both in groups.
    let partial = |taps, parts, groups| {
        let seen = Seen::one_of(parts).expect("a share");
        Layer::Conv(Conv {
            groups,
            structure: Structure {
                taps,
                seen,
                ..Structure::FULL
            },
            ..Conv::same(8, 3)
        })
    };
    let blocks = |out_channels, circulant| {
        Layer::Conv(Conv {
            structure: Structure {
                circulant,
                ..Structure::FULL
            },
            ..Conv::same(out_channels, 3)
        })
    };
    let fifth = path(
        &mut graph,
        "fifth",
        stem,
        &[
            partial(Taps::Cross, 1, 1),
            partial(Taps::Cross, 1, 8),
            partial(Taps::Square, 4, 1),
            partial(Taps::Cross, 2, 2),
            blocks(8, 4),
            Layer::Affine(Affine),
            poly(2, true),
            blocks(4, 2),
            poly(3, true),
            pool(2, 2),
            Layer::Dense(Dense {
                out_features: 4,
                bias: false,
                circulant: 2,
            }),
            poly(2, true),
        ],
    );
    let joined = graph
        .add("joined", Layer::Concat, &[sum, third, left, fourth])
        .expect("shapes fit");
    let tail = path(
        &mut graph,
        "tail",
        joined,
        &[
            conv(8, 3, 2, 1, false),
            pool(2, 1),
            Layer::AveragePool(AveragePool {
                window: Window::tile(2, 1),
                counts_padding: false,
            }),
            poly(2, true),
            dense(5),
        ],
    );
    let ends = graph
        .add("ends", Layer::Concat, &[tail, fifth])
        .expect("shapes fit");
    path(
        &mut graph,
        "end",
        ends,
        &[Layer::Affine(Affine), poly(2, true), dense(3)],
    );
    graph
}

fn random_data(shape: Shape, classes: usize, len: usize) -> Dataset {
    let mut rng = Seed::new(5).derive("data").rng();
    Dataset {
        name: "random".into(),
        shape,
        classes,
        class_names: (0..classes).map(|class| class.to_string()).collect(),
        images: (0..len * shape.len())
            .map(|_| rng.random_range(0.0..1.0))
            .collect(),
        labels: (0..len)
            .map(|_| rng.random_range(0..classes as u8))
            .collect(),
        held_out: 0,
        measure: hemet_search::data::Measure::default(),
        targets: Vec::new(),
        columns: None,
    }
}

/// Both run the same weights; f32 sums of n terms err by at most about n·2^-24 of their absolute terms. With up to
/// 200 terms a layer and 8 layers deep that is 1e-4 of the greatest logit; the bound leaves a factor of 5.
fn assert_agrees_with_reference(graph: &LayerGraph, weights: &Weights, data: &Dataset) {
    let reference = Evaluator::new(graph, weights).expect("weights fit");
    let all = Recipe::Polynomials
        .logits(graph, weights, data)
        .expect("fits");
    for (index, found) in all.iter().enumerate() {
        let image: Vec<f64> = data.image(index).iter().map(|p| f64::from(*p)).collect();
        let expected = reference.run(&image).expect("fits");
        let scale = expected.iter().fold(1.0f64, |m, v| m.max(v.abs()));
        for (found, expected) in found.iter().zip(&expected) {
            let error = (f64::from(*found) - expected).abs();
            assert!(
                error <= 5e-4 * scale,
                "image {index}: {found} against {expected}"
            );
        }
    }
}

#[test]
fn the_forward_pass_equals_the_reference_for_every_layer_kind() {
    let graph = everything();
    let data = random_data(Shape::new(2, 9, 8), 3, 10);
    let weights = Weights::random(&graph, &mut Seed::new(2).rng());
    assert_agrees_with_reference(&graph, &weights, &data);
}

fn quick() -> TrainOptions {
    TrainOptions {
        epochs: 3,
        ..TrainOptions::default()
    }
}

fn complete(graph: &LayerGraph, data: TrainData<'_>, options: &TrainOptions, seed: u64) -> Trained {
    let mut on_epoch = |_: &EpochReport| ControlFlow::Continue(());
    match Training::new(graph, data, options, Seed::new(seed))
        .run(&mut on_epoch)
        .expect("sound")
    {
        TrainOutcome::Complete(trained) => trained,
        other @ (TrainOutcome::Diverged { .. } | TrainOutcome::Cancelled) => panic!("{other:?}"),
    }
}

#[test]
fn exported_weights_of_every_layer_kind_compute_what_was_validated() {
    let graph = everything();
    let set = random_data(Shape::new(2, 9, 8), 3, 40);
    let data = TrainData {
        training: &set,
        validation: &set,
    };
    let options = TrainOptions {
        batch: 8,
        ..quick()
    };
    let trained = complete(&graph, data, &options, 1);
    trained.weights.check(&graph).expect("complete");
    assert_agrees_with_reference(&graph, &trained.weights, &set);
    let again = Recipe::Polynomials
        .accuracy(&graph, &trained.weights, &set)
        .expect("fits");
    assert_eq!(trained.accuracy, again);
}

/// Two quadratics: convolution, pool, dense.
fn small() -> LayerGraph {
    let mut graph = LayerGraph::new(Shape::new(1, 8, 8)).expect("sound");
    let input = graph.input();
    path(
        &mut graph,
        "layer",
        input,
        &[
            conv(8, 3, 1, 1, false),
            Layer::Affine(Affine),
            poly(2, true),
            pool(2, 2),
            dense(32),
            Layer::Affine(Affine),
            poly(2, true),
            dense(10),
        ],
    );
    graph
}

fn digits() -> (Dataset, Dataset) {
    let digits = data::load("optdigits", None).expect("embedded");
    digits.train.split(0.2, Seed::new(0)).expect("sound")
}

#[test]
fn a_small_network_learns_the_digits_in_three_epochs() {
    let (training, validation) = digits();
    let data = TrainData {
        training: &training,
        validation: &validation,
    };
    let trained = complete(&small(), data, &quick(), 1);
    assert!(trained.accuracy > 0.93, "{}", trained.accuracy);
    let losses: Vec<f64> = trained.epochs.iter().map(|e| e.loss).collect();
    assert!(losses[0] > losses[1] && losses[1] > losses[2], "{losses:?}");
}

/// The rule of the compiler's completed squares: the root mean square of `b/2a` over a layer's channels is at most 3.
#[test]
fn trained_quadratics_bend_enough_to_be_compiled_however_hard_they_are_driven() {
    let (training, validation) = digits();
    let data = TrainData {
        training: &training,
        validation: &validation,
    };
    let driven = TrainOptions {
        learning_rate: 0.3,
        clip_norm: 3.0,
        ..quick()
    };
    let mut per_layer = LayerGraph::new(Shape::new(1, 8, 8)).expect("sound");
    let input = per_layer.input();
    let layers = [conv(8, 3, 2, 1, true), poly(2, false), dense(10)];
    path(&mut per_layer, "layer", input, &layers);
    for graph in [small(), per_layer] {
        for options in [quick(), driven.clone()] {
            let trained = complete(&graph, data, &options, 3);
            let mut polynomials = 0;
            for (name, tensor) in &trained.weights.tensors {
                if name.ends_with(".coefficients") {
                    polynomials += 1;
                    let shifts = tensor.data.chunks_exact(3).map(|c| c[1] / (2.0 * c[2]));
                    let power: f32 = shifts.clone().map(|s| s * s).sum();
                    let rms = (power / shifts.count() as f32).sqrt();
                    assert!(rms <= 3.0, "{name}: {rms} of {:?}", tensor.data);
                }
            }
            assert!(polynomials > 0);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_weights_bit_for_bit_even_beside_another_training() {
    let (training, validation) = digits();
    let data = TrainData {
        training: &training,
        validation: &validation,
    };
    let options = TrainOptions {
        shift: 1,
        epochs: 1,
        ..quick()
    };
    let graph = small();
    let alone = complete(&graph, data, &options, 4);
    let (graph, options) = (&graph, &options);
    let beside: Vec<Trained> = std::thread::scope(|scope| {
        let runs: Vec<_> = [4, 5, 4]
            .map(|seed| scope.spawn(move || complete(graph, data, options, seed)))
            .into_iter()
            .collect();
        runs.into_iter()
            .map(|run| run.join().expect("no panic"))
            .collect()
    });
    assert_eq!(alone, beside[0]);
    assert_eq!(alone, beside[2]);
    assert_ne!(alone.weights, beside[1].weights);
}

#[test]
fn divergence_is_an_outcome_with_its_reason() {
    let mut graph = LayerGraph::new(Shape::new(1, 8, 8)).expect("sound");
    let input = graph.input();
    let mut layers = vec![conv(8, 3, 1, 1, false)];
    layers.extend(vec![poly(4, true); 5]);
    layers.push(dense(10));
    path(&mut graph, "layer", input, &layers);
    let (training, validation) = digits();
    let data = TrainData {
        training: &training,
        validation: &validation,
    };
    let options = TrainOptions {
        learning_rate: 1e6,
        clip_norm: 1e6,
        range_penalty: 0.0,
        ..quick()
    };
    let outcome =
        Training::new(&graph, data, &options, Seed::new(1)).run(&mut |_| ControlFlow::Continue(()));
    match outcome.expect("no error") {
        TrainOutcome::Diverged { reason } => assert!(reason.contains("epoch 1 of 3"), "{reason}"),
        other @ (TrainOutcome::Complete(_) | TrainOutcome::Cancelled) => panic!("{other:?}"),
    }
}

#[test]
fn the_observer_can_break_off() {
    let (training, validation) = digits();
    let data = TrainData {
        training: &validation,
        validation: &training,
    };
    let mut heard = 0;
    let outcome = Training::new(&small(), data, &quick(), Seed::new(1)).run(&mut |report| {
        heard += 1;
        assert_eq!((report.epoch, report.epochs), (heard, 3));
        match heard {
            2 => ControlFlow::Break(End::Cancelled),
            _ => ControlFlow::Continue(()),
        }
    });
    assert_eq!(
        (outcome.expect("no error"), heard),
        (TrainOutcome::Cancelled, 2)
    );
}

#[test]
fn what_cannot_be_trained_is_refused_by_name() {
    let set = random_data(Shape::new(1, 8, 8), 10, 20);
    let data = TrainData {
        training: &set,
        validation: &set,
    };
    let run = |graph: &LayerGraph, options: &TrainOptions| {
        Training::new(graph, data, options, Seed::new(1))
            .run(&mut |_| ControlFlow::Continue(()))
            .expect_err("refused")
    };
    let mut headless = LayerGraph::new(Shape::new(1, 8, 8)).expect("sound");
    let input = headless.input();
    path(&mut headless, "last", input, &[conv(10, 3, 1, 1, false)]);
    assert!(run(&headless, &quick()).to_string().contains("`last0`"));
    let error = run(&everything(), &quick());
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
    let options = TrainOptions {
        momentum: 1.5,
        ..quick()
    };
    let error = run(&small(), &options).to_string();
    assert!(error.contains("`momentum` is 1.5"), "{error}");
}

fn training<'a>(
    graph: &'a LayerGraph,
    data: TrainData<'a>,
    options: &'a TrainOptions,
) -> Training<'a> {
    Training::new(graph, data, options, Seed::new(9))
}

fn completed(outcome: Result<TrainOutcome, Error>) -> Trained {
    match outcome.expect("sound") {
        TrainOutcome::Complete(trained) => trained,
        other @ (TrainOutcome::Diverged { .. } | TrainOutcome::Cancelled) => panic!("{other:?}"),
    }
}

/// What makes few epochs go far, all at once.
fn fast() -> TrainOptions {
    TrainOptions {
        schedule: Schedule::Triangular,
        shift: 1,
        border: Border::Reflect,
        flip: true,
        alternate: true,
        polynomials: Polynomials::Herpn,
        fixed_scales: true,
        bias_rate: 4.0,
        whitening: Whitening::Fixed,
        identity: true,
        lookahead: 5,
        ..quick()
    }
}

/// Averaged weights, moved images and HerPN, or what makes few epochs go far, so that every part of the state counts.
#[test]
fn a_training_broken_off_after_any_epoch_ends_bit_for_bit_as_if_it_had_run_through() {
    let averaged = TrainOptions {
        shift: 1,
        flip: true,
        ema: 0.98,
        polynomials: Polynomials::Herpn,
        ..quick()
    };
    for options in [averaged, fast()] {
        resumes_bit_for_bit(&options);
    }
}

fn resumes_bit_for_bit(options: &TrainOptions) {
    let (training_images, validation) = digits();
    let data = TrainData {
        training: &validation,
        validation: &training_images,
    };
    let graph = small();
    let folder = tempfile::tempdir().expect("temporary folder");
    let validate = |epoch: usize| epoch == 2;
    let run = |name: &str, stop_after: &[usize]| {
        let path = folder.path().join(name);
        let mut one = training(&graph, data, options);
        one.checkpoint = Some(&path);
        one.validate = &validate;
        for stop in stop_after {
            let broken = one.run(&mut |report| match report.epoch == *stop {
                true => ControlFlow::Break(End::Cancelled),
                false => ControlFlow::Continue(()),
            });
            assert_eq!(broken.expect("sound"), TrainOutcome::Cancelled);
        }
        completed(one.run(&mut |_| ControlFlow::Continue(())))
    };
    let whole = run("whole", &[]);
    assert_eq!(whole, run("once", &[2]));
    assert_eq!(whole, run("thrice", &[1, 2, 3]));
    let measured: Vec<bool> = whole
        .epochs
        .iter()
        .map(|e| e.validation_accuracy.is_some())
        .collect();
    assert_eq!(measured, [false, true, false]);
    let mut other = training(&graph, data, options);
    let path = folder.path().join("whole");
    other.checkpoint = Some(&path);
    other.seed = Seed::new(10);
    let refused = other.run(&mut |_| ControlFlow::Continue(()));
    let refused = refused.expect_err("another training").to_string();
    assert!(refused.contains("another training"), "{refused}");
}

#[test]
fn whitening_that_is_fixed_stays_and_the_network_learns_around_it() {
    let (training_images, validation) = digits();
    let data = TrainData {
        training: &training_images,
        validation: &validation,
    };
    let graph = small();
    // Digits are not mirrored.
    let options = TrainOptions {
        flip: false,
        alternate: false,
        shift: 0,
        ..fast()
    };
    let trained = complete(&graph, data, &options, 1);
    assert!(trained.accuracy > 0.9, "{}", trained.accuracy);
    let some = validation.select(&[0, 1, 2, 3, 4, 5, 6, 7]);
    assert_agrees_with_reference(&graph, &trained.weights, &some);
    let begun = TrainOptions {
        epochs: 1,
        ..options.clone()
    };
    let begun = complete(&graph, data, &begun, 2);
    let first = |trained: &Trained| {
        let (_, node) = graph.nodes().nth(1).expect("a convolution");
        let name = format!("{}.weight", node.name);
        trained.weights.tensors[&name].clone()
    };
    assert_eq!(first(&trained), first(&begun), "by the images alone");
    let alone = TrainOptions {
        alternate: true,
        ..options
    };
    let refused = training(&graph, data, &alone).run(&mut |_| ControlFlow::Continue(()));
    let refused = refused.expect_err("no flips to alternate").to_string();
    assert!(refused.contains("`flip` is true"), "{refused}");
}

#[test]
fn an_early_end_gives_what_has_been_learnt_and_the_rest_can_follow() {
    let (training_images, validation) = digits();
    let data = TrainData {
        training: &validation,
        validation: &training_images,
    };
    let (graph, options) = (small(), quick());
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("checkpoint");
    let mut one = training(&graph, data, &options);
    one.checkpoint = Some(&path);
    let early = completed(one.run(&mut |report| match report.epoch {
        2 => ControlFlow::Break(End::Early),
        _ => ControlFlow::Continue(()),
    }));
    assert_eq!(early.epochs.len(), 2);
    let rest = completed(one.run(&mut |_| ControlFlow::Continue(())));
    one.checkpoint = None;
    let whole = completed(one.run(&mut |_| ControlFlow::Continue(())));
    assert_eq!((rest.epochs.len(), &rest), (3, &whole));
}

#[test]
fn herpn_averages_and_a_teacher_train_networks_that_compute_what_was_validated() {
    let (training_images, validation) = digits();
    let data = TrainData {
        training: &training_images,
        validation: &validation,
    };
    let graph = small();
    let options = TrainOptions {
        polynomials: Polynomials::Herpn,
        ema: 0.95,
        distillation: 0.5,
        ..quick()
    };
    let mut one = training(&graph, data, &options);
    let without = one.run(&mut |_| ControlFlow::Continue(()));
    let without = without.expect_err("no teacher").to_string();
    assert!(without.contains("distillation"), "{without}");
    let mut epochs = 0;
    let teacher = Teacher::train(&graph, data, &options, Seed::new(1), &mut |_| {
        epochs += 1;
        ControlFlow::Continue(())
    });
    let teacher = teacher.expect("sound").expect("no divergence");
    assert_eq!(epochs, 3);
    one.teacher = Some(&teacher);
    let trained = completed(one.run(&mut |_| ControlFlow::Continue(())));
    assert!(trained.accuracy > 0.93, "{}", trained.accuracy);
    trained.weights.check(&graph).expect("complete");
    let some = validation.select(&[0, 1, 2, 3, 4, 5, 6, 7]);
    assert_agrees_with_reference(&graph, &trained.weights, &some);
}

#[test]
fn inherited_weights_start_where_their_network_ended() {
    let (training_images, validation) = digits();
    let data = TrainData {
        training: &training_images,
        validation: &validation,
    };
    let graph = small();
    let parent = complete(&graph, data, &quick(), 1);
    let options = TrainOptions {
        epochs: 1,
        learning_rate: 1e-6,
        ..quick()
    };
    let mut child = training(&graph, data, &options);
    child.inherited = Some(&parent.weights);
    let child = completed(child.run(&mut |_| ControlFlow::Continue(())));
    let stranger =
        completed(training(&graph, data, &options).run(&mut |_| ControlFlow::Continue(())));
    // Almost no learning: running statistics alone differ, each a mean over at most 64 images a batch.
    assert!(
        (child.accuracy - parent.accuracy).abs() < 0.03,
        "{}",
        child.accuracy
    );
    assert!(stranger.accuracy < 0.5, "{}", stranger.accuracy);
}
