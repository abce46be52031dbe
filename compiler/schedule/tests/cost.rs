//! Cost tables and estimates.

mod common;

use hemet_schedule::cost::{costs, estimate_ms};
use hemet_schedule::{CostKind, CostTable};

/// A table in which kind number `k` takes `(k + 1) · limbs` µs, measured at 1, 2 and 5 limbs.
fn table(special: u32) -> CostTable {
    let entries: Vec<String> = (1..)
        .zip(CostKind::ALL)
        .map(|(k, kind)| {
            let entry = |limbs: u32| {
                format!(
                    r#"{{"log_n":{},"special":{special},"limbs":{limbs},"us":{}}}"#,
                    common::LOG_N,
                    k * limbs
                )
            };
            format!(
                r#""{}":[{},{},{}]"#,
                kind.name(),
                entry(5),
                entry(1),
                entry(2)
            )
        })
        .collect();
    let json = format!(
        r#"{{"machine":"test","backend":"ckks","entries":{{{}}}}}"#,
        entries.join(",")
    );
    CostTable::from_json(&json).unwrap()
}

#[test]
fn a_table_comes_back_from_json() {
    let table = table(1);
    assert_eq!(CostTable::from_json(&table.to_json()).unwrap(), table);
}

#[test]
fn costs_are_linear_between_and_beyond_measurements() {
    let table = table(1);
    for limbs in 1..=12 {
        let us = table
            .cost_us(CostKind::Decompose, common::LOG_N, 1, limbs)
            .unwrap();
        assert!((us - f64::from(limbs)).abs() < 1e-9, "{limbs}: {us}");
    }
    for (log_n, special) in [(common::LOG_N, 2), (11, 1)] {
        let missing = table
            .cost_us(CostKind::Rotate, log_n, special, 3)
            .unwrap_err();
        assert!(
            missing.to_string().contains("no time for `rotate`"),
            "{missing}"
        );
    }
}

#[test]
fn one_measurement_serves_its_own_limbs_only() {
    let mut table = table(1);
    table.entries.get_mut("rotate").unwrap().truncate(1);
    assert_eq!(
        table.cost_us(CostKind::Rotate, common::LOG_N, 1, 5),
        Ok(30.0)
    );
    let missing = table
        .cost_us(CostKind::Rotate, common::LOG_N, 1, 4)
        .unwrap_err();
    assert!(
        missing.to_string().contains("only a time at 5 limbs"),
        "{missing}"
    );
}

#[test]
fn a_linear_map_costs_what_double_hoisting_does() {
    let schedule = common::all_ops();
    let linear: Vec<_> = costs(&schedule).into_iter().filter(|c| c.0 == 2).collect();
    let wanted = [
        (CostKind::Decompose, 2),
        (CostKind::BabyStep, 3),
        (CostKind::Diagonal, 5),
        (CostKind::GiantStep, 2),
        (CostKind::Finish, 2),
    ];
    assert_eq!(linear, wanted.map(|(kind, count)| (2, kind, 5, count)));
}

#[test]
fn an_estimate_is_the_sum_of_its_layers() {
    let schedule = common::all_ops();
    let estimate = estimate_ms(&schedule, &table(1)).unwrap();
    let layers: f64 = estimate.per_layer_ms.iter().map(|(_, ms)| ms).sum();
    assert!((estimate.total_ms - layers).abs() < 1e-12);
    // conv1 by hand: linear at 5 limbs (1·2 + 2·3 + 3·5 + 4·2 + 5·2), two rescales at 5, one add_plain at 4.
    let conv1_us = 5 * 41 + 2 * 13 * 5 + 8 * 4;
    assert_eq!(
        estimate.per_layer_ms[1],
        ("conv1".to_owned(), f64::from(conv1_us) / 1e3)
    );
    assert!(estimate_ms(&schedule, &table(2)).is_err());
}

#[test]
fn wrong_tables_are_refused_with_the_place() {
    let good = table(1).to_json();
    for (from, to, wanted) in [
        ("\"rotate\"", "\"rotation\"", "unknown kind `rotation`"),
        ("\"us\": 5.0", "\"us\": -5.0", "-5 µs"),
        ("\"limbs\": 5", "\"limbs\": 0", "limbs at least 1"),
        ("\"limbs\": 5", "\"limbs\": 1", "stands twice"),
        ("\"machine\"", "\"maschine\"", "line 2"),
        ("\"special\"", "\"specials\"", "unknown field `specials`"),
    ] {
        let changed = good.replacen(from, to, 1);
        assert_ne!(changed, good, "{from}");
        let message = CostTable::from_json(&changed).unwrap_err().to_string();
        assert!(message.contains(wanted), "{message}");
    }
}
