//! A schedule with every instruction, and its constants.

use hemet_schedule::tfhe::{Constant, Constants, MapConstant, Schedule, TableConstant, parse};

/// Two values, a map, two halvings, a table, and a sum of both results.
pub const ALL_OPS: &str = "\
hemet-tfhe-schedule 1
failure 2^-40 prediction
input 0 3
output logits -2 8 bytes 3

layer input
%0 = input : lwe 2 2_3 big turn 64
layer first
%1 = linear %0 @first/map step 2 entries 4 fan_in 2 weight 3 norm2 10 : lwe 2 2_3 big turn 32
%2 = halve %1 : lwe 2 2_3 big turn 16
%3 = halve %2 : lwe 2 2_3 big turn 8
%4 = keyswitch %3 to 1_1 : lwe 2 1_1 small turn 8
%5 = bootstrap %4 @first/table turn 12 range -1 4 : lwe 2 1_1 big turn 12
layer head
%6 = linear %5 @head/map step 1 entries 2 fan_in 2 weight 1 norm2 2 : lwe 1 1_1 big turn 12
output %6 range -2 8
";

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
