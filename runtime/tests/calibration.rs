//! Calibration measures every cost, and its prediction is near the time that a schedule really takes.

mod common;

use common::{PERIOD, network, secure};
use hemet_runtime::calibrate::{Options, Point, calibrate, thread_time_us};
use hemet_runtime::{Client, Moment, Server};
use hemet_schedule::cost::estimate_ms;
use hemet_schedule::{Artifact, CostKind, CostTable, Manifest};

#[test]
fn every_cost_is_measured_grows_with_the_limbs_and_comes_back_from_the_file() {
    let mut points = 0;
    let options = Options {
        points: vec![Point::new(12, 1, 30, vec![2, 6]).unwrap()],
        seconds_per_cost: 0.005,
    };
    let table = calibrate(&options, &mut |step| {
        assert_eq!((step.done, step.total, step.log_n), (points, 2, 12));
        points += 1;
    })
    .unwrap();
    assert_eq!(points, 2);
    assert!(!table.machine.is_empty());
    assert_eq!(CostTable::from_json(&table.to_json()).unwrap(), table);
    for kind in CostKind::ALL {
        let cost = |limbs| table.cost_us(kind, 12, 1, limbs).unwrap();
        assert!(cost(2) >= 0.0 && cost(6) < 1e6, "{}", kind.name());
    }
    for kind in [
        CostKind::Rotate,
        CostKind::Relinearize,
        CostKind::Rescale,
        CostKind::Diagonal,
    ] {
        let cost = |limbs| table.cost_us(kind, 12, 1, limbs).unwrap();
        assert!(cost(6) > cost(2), "{}", kind.name());
    }
}

#[test]
fn points_that_cannot_be_measured_are_refused() {
    let run = |point: Point| {
        let options = Options {
            points: vec![point],
            seconds_per_cost: 0.001,
        };
        calibrate(&options, &mut |_| {}).unwrap_err().to_string()
    };
    let good = Point::new(12, 1, 30, vec![2]).unwrap();
    assert!(
        run(Point {
            limbs: vec![3],
            ..good.clone()
        })
        .contains("3 limbs of a chain of 2")
    );
    assert!(
        run(Point {
            limbs: vec![0],
            ..good
        })
        .contains("0 limbs")
    );
    assert!(run(Point::new(12, 0, 30, vec![2]).unwrap()).contains("0 special primes"));
    assert!(Point::new(12, 1, 30, vec![]).is_err());
}

/// They differ by a few percent; the factor leaves room for a machine whose caches other programs use.
#[test]
fn a_prediction_is_within_a_factor_of_two_of_the_measured_time() {
    let schedule = network(secure(), 3);
    let table = calibrate(&Options::for_parameters(&secure(), 4), &mut |_| {}).unwrap();
    let predicted = estimate_ms(&schedule, &table).unwrap().total_ms;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let measured = pool.install(|| {
        let server = Server::new(Artifact::new(Manifest::new("tiny"), schedule)).unwrap();
        let (client, keys) = Client::generate(server.client_spec().clone()).unwrap();
        let request = client.encrypt(&[0.5; PERIOD]).unwrap();
        let run = |_| {
            let (mut begin, mut total) = (0.0, 0.0);
            let mut watch = |p: &hemet_runtime::Progress<'_>| match p.moment {
                Moment::Begin => begin = thread_time_us(),
                Moment::End => total += thread_time_us() - begin,
            };
            server.answer(&keys, &request, &mut watch).unwrap();
            total / 1e3
        };
        let mut times: Vec<f64> = (0..31).map(run).collect();
        times.sort_by(f64::total_cmp);
        times[15]
    });
    println!("predicted {predicted} ms, measured {measured} ms");
    assert!(
        (0.5..=2.0).contains(&(predicted / measured)),
        "{predicted} {measured}"
    );
}
