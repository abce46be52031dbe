//! Cost tables and estimates.

mod common;

use hemet_ckks_params::{Parameters, ntt_primes};
use hemet_schedule::cost::{
    Cost, DegreeCosts, Ring, TABLE_VERSION, Unit, costs, critical_path_ms, estimate_ms,
    per_instruction_us, threads_ms,
};
use hemet_schedule::{CostKind, CostTable};

/// A table in which every unit takes 1 µs and kind number `k` has the factor `k + 1`.
fn table() -> CostTable {
    let factors = (1..).zip(CostKind::ALL);
    CostTable {
        version: TABLE_VERSION,
        machine: "test".into(),
        backend: "ckks".into(),
        degrees: vec![DegreeCosts {
            log_n: common::LOG_N,
            unit_us: Unit::ALL.map(|unit| (unit.name().to_owned(), 1.0)).into(),
            factors: factors
                .map(|(k, kind)| (kind.name().to_owned(), f64::from(k)))
                .collect(),
            encode: None,
            first_use: None,
            shared: 0.5,
            deviation: 0.0,
        }],
    }
}

fn ring(log_n: u32, bits: u32, length: usize, special: usize) -> Ring {
    let sizes = [vec![bits; length], vec![50; special]].concat();
    let mut chain = ntt_primes(log_n, &sizes).unwrap();
    let special = chain.split_off(length);
    Ring::of(&Parameters::new_insecure(log_n, chain, special).unwrap())
}

#[test]
fn a_table_comes_back_from_json() {
    let table = table();
    assert_eq!(CostTable::from_json(&table.to_json()).unwrap(), table);
}

#[test]
fn a_cost_is_its_factor_times_its_units() {
    let ring = ring(common::LOG_N, 40, 4, 2);
    for (factor, kind) in (1..).zip(CostKind::ALL) {
        let units: f64 = ring.work(kind, 3).iter().sum();
        let us = table().cost_us(kind, &ring, 3).unwrap();
        assert!(
            (us - f64::from(factor) * units).abs() < 1e-9,
            "{}",
            kind.name()
        );
    }
}

/// By hand: 4 limbs of 40 bits, 2 special primes of 50, so 2 digits of 2 limbs.
#[test]
fn a_rotation_consists_of_what_the_literature_counts() {
    let work = ring(12, 40, 4, 2).work(CostKind::Rotate, 4);
    let of = |unit: Unit| work[unit as usize];
    assert_eq!(of(Unit::Transform), 2.0 * 6.0 + 2.0 * 2.0 + 2.0 * 4.0);
    assert_eq!(of(Unit::Switch), 2.0 * 6.0);
    // Two digits of two limbs to four other primes each; two dropped primes and the quotient to four primes, both
    // parts.
    assert_eq!(of(Unit::Convert), 2.0 * 2.0 * 4.0 + 2.0 * 3.0 * 4.0);
    // A prime nearest to 2^40 or 2^50 may lie above and take a bit more.
    let words = 2.0 * 2.0 * (4.0 * 40.0 + 2.0 * 50.0) / 64.0;
    assert!((words..=words * 1.03).contains(&of(Unit::Stream)));
}

#[test]
fn narrow_primes_stream_less_and_may_need_fewer_digits() {
    let stream = |ring: &Ring| ring.work(CostKind::BabyStep, 4)[Unit::Stream as usize];
    assert!(stream(&ring(13, 25, 4, 1)) < 0.4 * stream(&ring(13, 45, 4, 1)));
    let planned = Ring::of_bits(13, &[40; 4], &[50, 50]);
    let transforms = |ring: &Ring| ring.work(CostKind::Rotate, 4)[Unit::Transform as usize];
    assert_eq!(transforms(&planned), transforms(&ring(13, 40, 4, 2)));
}

#[test]
fn a_ring_degree_that_is_not_measured_is_named() {
    let ring = ring(common::LOG_N + 1, 40, 3, 1);
    let missing = table().cost_us(CostKind::Rotate, &ring, 3).unwrap_err();
    let wanted = format!(
        "no times for log_n {}, only for {}",
        common::LOG_N + 1,
        common::LOG_N
    );
    assert!(missing.to_string().contains(&wanted), "{missing}");
}

#[test]
fn a_linear_map_costs_what_double_hoisting_does() {
    let schedule = common::all_ops();
    let linear: Vec<Cost> = costs(&schedule)
        .into_iter()
        .filter(|c| c.instruction == 2)
        .collect();
    let wanted = [
        (CostKind::Decompose, 2),
        (CostKind::BabyStep, 3),
        (CostKind::Diagonal, 5),
        (CostKind::GiantStep, 2),
        // Rescales read the results alone, so they run inside.
        (CostKind::FinishRescale, 2),
    ];
    let cost = |(kind, count)| Cost {
        instruction: 2,
        kind,
        limbs: 5,
        count,
    };
    assert_eq!(linear, wanted.map(cost));
}

#[test]
fn an_estimate_is_the_sum_of_its_instructions() {
    let schedule = common::all_ops();
    let estimate = estimate_ms(&schedule, &table()).unwrap();
    let layers: f64 = estimate.per_layer_ms.iter().map(|(_, ms)| ms).sum();
    let instructions = per_instruction_us(&schedule, &table()).unwrap();
    assert!((estimate.total_ms - layers).abs() < 1e-9);
    assert!((estimate.total_ms - instructions.iter().sum::<f64>() / 1e3).abs() < 1e-9);
    assert!(instructions.iter().all(|us| *us >= 0.0));
}

#[test]
fn threads_share_the_work_inside_instructions_and_what_does_not_wait() {
    let schedule = common::all_ops();
    let on = |shared: f64, threads| {
        let mut table = table();
        table.degrees[0].shared = shared;
        threads_ms(&schedule, &table, threads).unwrap()
    };
    let alone = estimate_ms(&schedule, &table()).unwrap().total_ms;
    assert!((on(1.0, 1) / alone - 1.0).abs() < 1e-9);
    assert!((on(1.0, 4) / (alone / 4.0) - 1.0).abs() < 1e-9);
    let chain = on(0.0, 1000);
    assert!((chain / critical_path_ms(&schedule, &table()).unwrap() - 1.0).abs() < 1e-9);
    assert!(chain < alone && chain > alone / 1000.0);
    assert!((on(0.5, 2) - (0.75 * chain).max(alone / 2.0)).abs() < 1e-9);
}

#[test]
fn wrong_tables_are_refused_with_the_place() {
    let good = table().to_json();
    for (from, to, wanted) in [
        ("\"rotate\"", "\"rotation\"", "unknown cost `rotation`"),
        (
            "\"transform\": 1.0",
            "\"transform\": -1.0",
            "`transform` has -1",
        ),
        ("\"pass\"", "\"passes\"", "unknown unit `passes`"),
        ("\"machine\"", "\"maschine\"", "line 3"),
        ("\"shared\": 0.5", "\"shared\": 2.5", "`shared` is 2.5"),
        ("\"version\": 2", "\"version\": 3", "version 3"),
        (
            "\"version\": 2,",
            "",
            "version 1, this program reads version 2",
        ),
    ] {
        let changed = good.replacen(from, to, 1);
        assert_ne!(changed, good, "{from}");
        let message = CostTable::from_json(&changed).unwrap_err().to_string();
        assert!(message.contains(wanted), "{message}");
    }
}

#[test]
fn a_table_that_tells_nothing_of_servers_is_read_and_what_it_tells_is_checked() {
    let table = table();
    let old = table.to_json();
    assert!(!old.contains("encode") && !old.contains("first_use"));
    let read = CostTable::from_json(&old).unwrap();
    assert_eq!(read, table);
    let derived = read.degrees[0].encode_us();
    assert!(derived > 0.0 && read.degrees[0].first_use_us() > 0.0);
    let mut told = table.clone();
    told.degrees[0].encode = Some(2.0 * derived);
    let read = CostTable::from_json(&told.to_json()).unwrap();
    assert_eq!(read.degrees[0].encode_us(), 2.0 * derived);
    told.degrees[0].encode = Some(-1.0);
    let error = CostTable::from_json(&told.to_json())
        .unwrap_err()
        .to_string();
    assert!(error.contains("`encode` is -1"), "{error}");
}
