//! A schedule with every instruction, and its constants.
#![allow(dead_code)] // Each test file uses a part.

use hemet_schedule::tfhe::{Constant, Constants, MapConstant, Schedule, TableConstant, parse};

/// Two values, a map, two halvings, a table, and a sum of both results.
pub const ALL_OPS: &str = include_str!("../../files/tfhe.schedule");

pub fn all_ops() -> Schedule {
    parse(ALL_OPS, constants()).expect("the fixture is well formed")
}

pub fn constants() -> Constants {
    let first = MapConstant {
        inputs: 2,
        row_starts: vec![0, 2, 4],
        columns: vec![0, 1, 0, 1],
        weights: vec![3, 1, -1, 2],
        bias: vec![5, 0],
    };
    let table = TableConstant {
        half: 4,
        channel_len: 1,
        values: vec![vec![-1, 0, 2, 4], vec![3, 1, 0, 0]],
        flip: vec![3, 3],
    };
    let head = MapConstant {
        inputs: 2,
        row_starts: vec![0, 2],
        columns: vec![0, 1],
        weights: vec![1, 1],
        bias: vec![0],
    };
    [
        ("first/map".to_owned(), Constant::Map(first)),
        ("first/table".to_owned(), Constant::Table(table)),
        ("head/map".to_owned(), Constant::Map(head)),
    ]
    .into()
}
