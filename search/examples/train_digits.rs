//! Trains a small polynomial network on the embedded digits and prints each epoch and the time.
//!
//! `cargo run --release -p hemet-search --example train_digits -- [epochs] [side-by-side copies]`

use std::ops::ControlFlow;
use std::time::Instant;

use hemet_search::train::{TrainData, TrainOptions, TrainOutcome, Training};
use hemet_search::{Seed, data};
use hemet_spaces::layer::{Affine, AveragePool, Conv, Dense, Poly};
use hemet_spaces::{Error, Layer, LayerGraph, NodeId, Shape};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let epochs = arguments.next().map_or(Ok(15), |a| a.parse())?;
    let copies: usize = arguments.next().map_or(Ok(1), |a| a.parse())?;
    let digits = data::load("optdigits", None)?;
    let (training, validation) = digits.train.split(0.2, Seed::new(1).derive("split"))?;
    let options = TrainOptions {
        epochs,
        ..TrainOptions::default()
    };
    for (name, graph) in networks()? {
        println!("{name}: {} images of training", training.len());
        let start = Instant::now();
        let run = |copy: usize| {
            let data = TrainData {
                training: &training,
                validation: &validation,
            };
            Training::new(&graph, data, &options, Seed::new(7)).run(&mut |report| {
                if copy == 0 && (report.epoch % 5 == 0 || report.epoch == 1) {
                    println!(
                        "  epoch {:3}  loss {:.4}  training accuracy {:.4}",
                        report.epoch, report.loss, report.training_accuracy
                    );
                }
                ControlFlow::Continue(())
            })
        };
        let run = &run;
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..copies)
                .map(|copy| scope.spawn(move || run(copy)))
                .collect();
            workers.into_iter().map(|w| w.join()).collect()
        });
        let seconds = start.elapsed().as_secs_f64();
        for outcome in outcomes {
            match outcome.map_err(|_| "a training panicked")?? {
                TrainOutcome::Complete(trained) => println!(
                    "  validation accuracy {:.4}, {seconds:.2} s",
                    trained.accuracy
                ),
                other @ (TrainOutcome::Diverged { .. } | TrainOutcome::Cancelled) => {
                    println!("  {other:?}");
                }
            }
        }
    }
    Ok(())
}

/// Networks with one, two and three quadratics.
fn networks() -> Result<Vec<(&'static str, LayerGraph)>, Error> {
    let one = |graph: &mut LayerGraph, name: &str, layer: Layer, from: NodeId| {
        graph.add(name, layer, &[from])
    };
    let conv = |out_channels, groups, kernel| {
        Layer::Conv(Conv {
            groups,
            ..Conv::same(out_channels, kernel)
        })
    };
    let dense = || {
        Layer::Dense(Dense {
            out_features: 10,
            bias: true,
            circulant: 1,
        })
    };
    let pool = || Layer::AveragePool(AveragePool::square(2, 2));
    let mut networks = Vec::new();
    for (name, widths) in [
        ("1 quadratic", &[16usize][..]),
        ("2 quadratics", &[16, 32]),
        ("3 quadratics", &[16, 32, 32]),
    ] {
        let mut graph = LayerGraph::new(Shape::new(1, 8, 8))?;
        let mut last = graph.input();
        for (index, width) in widths.iter().enumerate() {
            last = one(
                &mut graph,
                &format!("conv{index}"),
                conv(*width, 1, 3),
                last,
            )?;
            last = one(
                &mut graph,
                &format!("norm{index}"),
                Layer::Affine(Affine),
                last,
            )?;
            last = one(
                &mut graph,
                &format!("poly{index}"),
                Layer::Poly(Poly::QUADRATIC),
                last,
            )?;
            if index < 2 {
                last = one(&mut graph, &format!("pool{index}"), pool(), last)?;
            }
        }
        one(&mut graph, "head", dense(), last)?;
        networks.push((name, graph));
    }
    let mut graph = LayerGraph::new(Shape::new(1, 8, 8))?;
    let input = graph.input();
    let mut last = one(&mut graph, "stem", conv(16, 1, 3), input)?;
    for (name, layer) in [
        ("norm0", Layer::Affine(Affine)),
        ("poly0", Layer::Poly(Poly::QUADRATIC)),
        ("depthwise", conv(16, 16, 3)),
        ("norm1", Layer::Affine(Affine)),
        ("pointwise", conv(32, 1, 1)),
        ("norm2", Layer::Affine(Affine)),
        ("poly2", Layer::Poly(Poly::QUADRATIC)),
        ("pool", pool()),
        ("head", dense()),
    ] {
        last = one(&mut graph, name, layer, last)?;
    }
    networks.push(("depthwise separable", graph));
    Ok(networks)
}
