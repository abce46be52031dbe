//! Calibration measures every cost, and its prediction is near the time that a schedule really takes.

mod common;

use common::{PERIOD, network, secure};
use hemet_runtime::calibrate::{
    CalibrationStep, Options, Point, Watch, calibrate, lacking, thread_time_us,
};
use hemet_runtime::{Client, Moment, Server};
use hemet_schedule::cost::{Ring, estimate_ms};
use hemet_schedule::{Artifact, CostKind, CostTable, Manifest};

/// Hears of everything in order.
#[derive(Default)]
struct Heard {
    steps: Vec<(usize, u32)>,
    degrees: Vec<usize>,
}

impl Watch for Heard {
    fn step(&mut self, step: &CalibrationStep) {
        assert_eq!(step.done, self.steps.len());
        self.steps.push((step.total, step.log_n));
    }

    fn degree(&mut self, table: &CostTable) {
        self.degrees.push(table.degrees.len());
    }
}

fn options(log_n: &[u32]) -> Options {
    let point = |log_n: &u32| Point::new(*log_n, 1, 30, vec![2, 4]).unwrap();
    Options {
        points: log_n.iter().map(point).collect(),
        seconds_each: 0.001,
    }
}

#[test]
fn every_cost_is_measured_grows_with_the_limbs_and_comes_back_from_the_file() {
    let mut heard = Heard::default();
    let options = options(&[11]);
    let table = calibrate(&options, None, &mut heard).unwrap();
    assert_eq!(heard.steps, [(2, 11), (2, 11)]);
    assert!(!table.machine.is_empty());
    assert!(lacking(&options, &table).is_empty());
    assert_eq!(CostTable::from_json(&table.to_json()).unwrap(), table);
    let ring = Ring::of(&options.points[0].parameters);
    for kind in [
        CostKind::Rotate,
        CostKind::Relinearize,
        CostKind::Rescale,
        CostKind::Diagonal,
    ] {
        let cost = |limbs| table.cost_us(kind, &ring, limbs).unwrap();
        assert!(cost(2) > 0.0 && cost(4) > cost(2), "{}", kind.name());
    }
}

#[test]
fn what_is_measured_already_is_kept_unless_another_machine_measured_it() {
    let first = calibrate(&options(&[11]), None, &mut Heard::default()).unwrap();
    let mut heard = Heard::default();
    let both = calibrate(&options(&[11, 12]), Some(first.clone()), &mut heard).unwrap();
    assert_eq!(heard.steps, [(2, 12), (2, 12)]);
    assert_eq!(heard.degrees, [2]);
    assert_eq!(both.degrees[0], first.degrees[0]);
    let mut foreign = first;
    foreign.machine = "another".into();
    assert_eq!(lacking(&options(&[11]), &foreign).len(), 1);
}

#[test]
fn points_that_cannot_be_measured_are_refused() {
    let run = |point: Point| {
        let options = Options {
            points: vec![point],
            seconds_each: 0.001,
        };
        let refused = calibrate(&options, None, &mut Heard::default());
        refused.unwrap_err().to_string()
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
    let options = Options::for_parameters(&secure(), 4);
    let table = calibrate(&options, None, &mut Heard::default()).unwrap();
    let predicted = estimate_ms(&schedule, &table).unwrap().total_ms;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let measured = pool.install(|| {
        let artifact = Artifact::new(Manifest::new("tiny"), schedule);
        let server = Server::new(Box::new(artifact)).unwrap();
        let (client, keys) = Client::generate(server.client_spec()).unwrap();
        let keys = server.keys(&keys).unwrap();
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
