//! The schedules of the suite: each instruction in each of its forms on every message of a turn, each parameter set,
//! and a small network.

use hemet_schedule::tfhe::{Constant, Constants, MapConstant, SetId, TableConstant, Verified};
use hemet_schedule::tfhe::{parse, verify};

use super::not_a_case;
use crate::Error;

/// Largest ring of a set that has a case: keys of larger ones take hundreds of megabytes.
const MAX_POLYNOMIAL_SIZE: usize = 4096;

/// A schedule of the suite.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it covers.
    pub name: String,
    /// The schedule.
    pub schedule: Verified,
    /// What it is run on.
    pub inputs: Vec<Vec<i64>>,
}

/// Every case.
///
/// # Errors
/// None, unless the verifier or the parameter sets change.
pub fn cases() -> Result<Vec<Case>, Error> {
    let mut cases = vec![
        small_key()?,
        big_key()?,
        linear()?,
        empty_row()?,
        step()?,
        several_operands()?,
        wrap()?,
        switch_within_a_set()?,
        switch_between_sets()?,
        halve()?,
        channels()?,
        parts()?,
        network()?,
    ];
    for set in SetId::all().filter(|set| set.get().polynomial_size <= MAX_POLYNOMIAL_SIZE) {
        cases.push(set_case(set)?);
    }
    Ok(cases)
}

/// The client alone, under the key that a bootstrap takes; two bytes of each number come back.
fn small_key() -> Result<Case, Error> {
    let text = "input -3 4\noutput logits -3 4 bytes 2\n\n\
                layer input\n%0 = input : lwe 8 1_1 small turn 16\noutput %0 range -3 4\n";
    case(
        "a round trip under the small key",
        text,
        [],
        vec![(-3..=4).collect()],
    )
}

/// The client alone, under the key that a bootstrap gives, in a turn of 46 boxes.
fn big_key() -> Result<Case, Error> {
    let text = "input -23 22\noutput logits -23 22 bytes 8\n\n\
                layer input\n%0 = input : lwe 46 1_1 big turn 46\noutput %0 range -23 22\n";
    case(
        "a round trip under the big key",
        text,
        [],
        vec![(-23..=22).collect()],
    )
}

/// Weights of both signs, a zero among them, and biases.
fn linear() -> Result<Case, Error> {
    let text = "input 0 3\noutput logits -12 15 bytes 3\n\n\
                layer input\n%0 = input : lwe 3 1_1 big turn 30\n\
                layer y\n%1 = linear %0 @map step 1 entries 7 fan_in 3 weight 4 norm2 17 : lwe 3 1_1 big turn 30\n\
                output %1 range -12 15\n";
    let rows = [
        (vec![(0, 4), (1, -1)], 3),
        (vec![(0, -2), (1, 0), (2, 3)], -6),
        (vec![(1, 1), (2, -4)], 0),
    ];
    let inputs = vec![
        vec![0, 0, 0],
        vec![3, 0, 3],
        vec![0, 3, 3],
        vec![3, 3, 0],
        vec![1, 2, 3],
    ];
    case("a linear map", text, [("map", map(3, &rows))], inputs)
}

/// A row without entries is its bias.
fn empty_row() -> Result<Case, Error> {
    let text = "input 0 1\noutput logits -5 1 bytes 3\n\n\
                layer input\n%0 = input : lwe 1 1_1 small turn 12\n\
                layer y\n%1 = linear %0 @map step 1 entries 1 fan_in 1 weight 1 norm2 1 : lwe 2 1_1 small turn 12\n\
                output %1 range -5 1\n";
    let rows = [(vec![], -5), (vec![(0, 1)], 0)];
    case(
        "a row without entries",
        text,
        [("map", map(1, &rows))],
        vec![vec![0], vec![1]],
    )
}

/// `m / 36` becomes `m / 12`.
fn step() -> Result<Case, Error> {
    let text = "input 0 3\noutput logits -4 5 bytes 3\n\n\
                layer input\n%0 = input : lwe 4 1_1 big turn 36\n\
                layer y\n%1 = linear %0 @map step 3 entries 4 fan_in 2 weight 2 norm2 5 : lwe 2 1_1 big turn 12\n\
                output %1 range -4 5\n";
    let rows = [(vec![(0, 2), (1, -1)], -1), (vec![(2, 1), (3, 1)], -1)];
    let inputs = vec![
        vec![0, 1, 2, 3],
        vec![3, 0, 3, 1],
        vec![0, 3, 0, 0],
        vec![2, 2, 3, 3],
    ];
    case(
        "a linear map with a step",
        text,
        [("map", map(4, &rows))],
        inputs,
    )
}

/// Two values, one of them twice: columns count on from operand to operand.
fn several_operands() -> Result<Case, Error> {
    let text = "input 0 3\noutput logits -3 21 bytes 3\n\n\
                layer input\n%0 = input : lwe 2 1_1 small turn 8\n\
                layer t\n%1 = bootstrap %0 @fold turn 32 range 0 7 : lwe 2 1_1 big turn 32\n\
                %2 = bootstrap %0 @up turn 32 range -3 3 : lwe 2 1_1 big turn 32\n\
                layer y\n%3 = linear %1 %2 %1 @map step 1 entries 3 fan_in 2 weight 2 norm2 5 : lwe 2 1_1 big turn 32\n\
                output %3 range -3 21\n";
    // Of the columns 0 to 5, the third operand's are 4 and 5.
    let map = map(6, &[(vec![(0, 2), (5, 1)], 0), (vec![(3, 1)], 0)]);
    let up = table(2, &[(vec![0, 1, 2, 3], 0)]);
    let constants = [("fold", fold(4, 2)), ("up", up), ("map", map)];
    case(
        "a linear map of several values",
        text,
        constants,
        vec![vec![0, 1], vec![2, 3], vec![3, 0]],
    )
}

/// Sums beyond a turn come back at its start, as the integer definition says.
fn wrap() -> Result<Case, Error> {
    let text = "input 0 3\noutput logits 0 9 bytes 3\n\n\
                layer input\n%0 = input : lwe 2 1_1 small turn 10\n\
                layer t\n%1 = linear %0 @map step 1 entries 4 fan_in 2 weight 5 norm2 34 : lwe 2 1_1 small turn 10\n\
                %2 = bootstrap %1 @fold turn 10 range 0 9 : lwe 2 1_1 big turn 10\n\
                output %2 range 0 9\n";
    let map = map(
        2,
        &[(vec![(0, 5), (1, 2)], 7), (vec![(0, -3), (1, -5)], -1)],
    );
    let inputs = (0..4)
        .flat_map(|a| (0..4).map(move |b| vec![a, b]))
        .collect();
    case(
        "accumulators that wrap around",
        text,
        [("map", map), ("fold", fold(5, 2))],
        inputs,
    )
}

fn switch_within_a_set() -> Result<Case, Error> {
    let text = "input 0 11\noutput logits 0 11 bytes 3\n\n\
                layer input\n%0 = input : lwe 12 1_1 big turn 12\n\
                layer t\n%1 = keyswitch %0 to 1_1 : lwe 12 1_1 small turn 12\n\
                %2 = bootstrap %1 @fold turn 12 range 0 11 : lwe 12 1_1 big turn 12\n\
                output %2 range 0 11\n";
    case(
        "a key switch within a set",
        text,
        [("fold", fold(6, 12))],
        vec![(0..12).collect()],
    )
}

/// Each way between two sets: what is bootstrapped under one goes on under the other.
fn switch_between_sets() -> Result<Case, Error> {
    let text = "input 0 7\noutput logits 0 7 bytes 3\n\n\
                layer input\n%0 = input : lwe 8 2_2 big turn 8\n\
                layer t\n%1 = keyswitch %0 to 1_1 : lwe 8 1_1 small turn 8\n\
                %2 = bootstrap %1 @fold turn 8 range 0 7 : lwe 8 1_1 big turn 8\n\
                layer u\n%3 = keyswitch %2 to 2_2 : lwe 8 2_2 small turn 8\n\
                %4 = bootstrap %3 @fold turn 8 range 0 7 : lwe 8 2_2 big turn 8\n\
                output %4 range 0 7\n";
    case(
        "key switches between sets",
        text,
        [("fold", fold(4, 8))],
        vec![(0..8).collect()],
    )
}

/// Low bits go, one and then another, from every message.
fn halve() -> Result<Case, Error> {
    let text = "input 0 31\noutput logits 0 7 bytes 3\n\n\
                layer input\n%0 = input : lwe 32 1_1 big turn 32\n\
                layer t\n%1 = halve %0 : lwe 32 1_1 big turn 16\n\
                %2 = halve %1 : lwe 32 1_1 big turn 8\n\
                %3 = keyswitch %2 to 1_1 : lwe 32 1_1 small turn 8\n\
                %4 = bootstrap %3 @fold turn 8 range 0 7 : lwe 32 1_1 big turn 8\n\
                output %4 range 0 7\n";
    case(
        "two halvings",
        text,
        [("fold", fold(4, 32))],
        vec![(0..32).collect()],
    )
}

/// Tables of their own, with even and odd flips and negative values; more elements than batches hold.
fn channels() -> Result<Case, Error> {
    let text = "input 0 11\noutput logits -9 5 bytes 3\n\n\
                layer input\n%0 = input : lwe 60 1_1 small turn 12\n\
                layer t\n%1 = bootstrap %0 @tables turn 18 range -9 5 : lwe 60 1_1 big turn 18\n\
                output %1 range -9 5\n";
    let tables = [
        (vec![0, 1, 2, 3, 4, 5], 0),
        (vec![5, -5, 5, -5, 5, -5], 0),
        (vec![-9, -9, -9, -9, -9, -9], -9),
        (vec![0, 0, 0, 1, 1, 2], 3),
        (vec![-4, 2, 0, 1, -1, -3], -4),
    ];
    let input = (0..60).map(|e| e % 12).collect();
    case(
        "tables of channels",
        text,
        [("tables", table(12, &tables))],
        vec![input],
    )
}

/// The client adds up two parts, of turns and keys of their own.
fn parts() -> Result<Case, Error> {
    let text = "input 0 3\noutput logits -6 12 bytes 3\n\n\
                layer input\n%0 = input : lwe 4 1_1 small turn 10\n\
                layer t\n%1 = bootstrap %0 @fold turn 14 range 0 9 : lwe 4 1_1 big turn 14\n\
                layer y\n%2 = linear %0 @map step 1 entries 4 fan_in 1 weight 2 norm2 4 : lwe 4 1_1 small turn 10\n\
                output %1 range 0 9\noutput %2 range -6 3\n";
    let map = map(
        4,
        &[
            (vec![(0, -2)], 0),
            (vec![(1, 1)], 0),
            (vec![(2, -1)], 1),
            (vec![(3, 1)], 0),
        ],
    );
    let inputs = vec![vec![0, 1, 2, 3], vec![3, 2, 1, 0]];
    case(
        "outputs in two parts",
        text,
        [("map", map), ("fold", fold(5, 4))],
        inputs,
    )
}

/// Map, halving, table, map, table: the label of a small network.
fn network() -> Result<Case, Error> {
    let text = "input 0 3\noutput label 0 3 bytes 2\n\n\
                layer input\n%0 = input : lwe 3 1_3 big turn 32\n\
                layer hidden\n%1 = linear %0 @first step 1 entries 5 fan_in 3 weight 3 norm2 11 : lwe 2 1_3 big turn 32\n\
                %2 = halve %1 : lwe 2 1_3 big turn 16\n\
                %3 = keyswitch %2 to 1_3 : lwe 2 1_3 small turn 16\n\
                %4 = bootstrap %3 @relu turn 20 range 0 4 : lwe 2 1_3 big turn 20\n\
                layer head\n%5 = linear %4 @second step 2 entries 2 fan_in 2 weight 1 norm2 2 : lwe 1 1_3 big turn 10\n\
                %6 = keyswitch %5 to 1_3 : lwe 1 1_3 small turn 10\n\
                %7 = bootstrap %6 @class turn 8 range 0 3 : lwe 1 1_3 big turn 8\n\
                output %7 range 0 3\n";
    let first = map(
        3,
        &[
            (vec![(0, 3), (1, -1), (2, 1)], 2),
            (vec![(0, -2), (2, 2)], 8),
        ],
    );
    let relu = table(
        1,
        &[
            (vec![0, 0, 0, 1, 1, 2, 3, 4], 4),
            (vec![4, 3, 3, 2, 1, 0, 0, 0], 4),
        ],
    );
    let second = map(2, &[(vec![(0, 1), (1, 1)], 0)]);
    let class = table(1, &[(vec![0, 1, 2, 3, 1], 3)]);
    let constants = [
        ("first", first),
        ("relu", relu),
        ("second", second),
        ("class", class),
    ];
    let inputs = (0..6)
        .map(|i| vec![i % 4, i / 2, (i * 3 + 1) % 4])
        .collect();
    case("the label of a network", text, constants, inputs)
}

/// Messages that a set is tried on at most.
const SET_MESSAGES: u32 = 16;

/// A key switch and a bootstrap of a set on messages of the whole turn that its name promises: `2^(message + carry +
/// 1)` boxes.
fn set_case(set: SetId) -> Result<Case, Error> {
    let bits = set
        .get()
        .name
        .split('_')
        .filter_map(|bits| bits.parse::<u32>().ok());
    let half = 1u32 << bits.sum::<u32>();
    let (turn, last) = (2 * half, 2 * half - 1);
    let count = turn.min(SET_MESSAGES);
    let text = format!(
        "input 0 {last}\noutput logits 0 {last} bytes 4\n\n\
         layer input\n%0 = input : lwe {count} {set} big turn {turn}\n\
         layer t\n%1 = keyswitch %0 to {set} : lwe {count} {set} small turn {turn}\n\
         %2 = bootstrap %1 @fold turn {turn} range 0 {last} : lwe {count} {set} big turn {turn}\n\
         output %2 range 0 {last}\n"
    );
    // From 0 to the last, evenly.
    let inputs = vec![
        (0..count)
            .map(|i| i64::from(i * last / (count - 1)))
            .collect(),
    ];
    case(
        &format!("the set {set}"),
        &text,
        [("fold", fold(half, count))],
        inputs,
    )
}

fn case<const N: usize>(
    name: &str,
    text: &str,
    constants: [(&str, Constant); N],
    inputs: Vec<Vec<i64>>,
) -> Result<Case, Error> {
    let refused = |reason: String| not_a_case(format!("`{name}`: {reason}"));
    let head = "hemet-tfhe-schedule 1\nfailure 2^-40 prediction\n";
    let constants: Constants = constants
        .into_iter()
        .map(|(n, c)| (n.to_owned(), c))
        .collect();
    let schedule = parse(&format!("{head}{text}"), constants);
    let schedule = schedule.map_err(|e| refused(e.to_string()))?;
    Ok(Case {
        name: name.to_owned(),
        schedule: verify(schedule).map_err(|e| refused(e.to_string()))?,
        inputs,
    })
}

/// Entries (column and weight) and bias of a row.
type Row = (Vec<(u32, i32)>, i64);

fn map(inputs: u32, rows: &[Row]) -> Constant {
    let entries = || rows.iter().flat_map(|(entries, _)| entries);
    let mut row_starts = vec![0];
    for (entries, _) in rows {
        row_starts.push(row_starts.last().copied().unwrap_or(0) + entries.len() as u32);
    }
    Constant::Map(MapConstant {
        inputs,
        row_starts,
        columns: entries().map(|(column, _)| *column).collect(),
        weights: entries().map(|(_, weight)| *weight).collect(),
        bias: rows.iter().map(|(_, bias)| *bias).collect(),
    })
}

/// Tables with their flips, one a channel of `channel_len` elements.
fn table(channel_len: u32, tables: &[(Vec<i32>, i32)]) -> Constant {
    Constant::Table(TableConstant {
        half: tables.first().map_or(0, |(values, _)| values.len() as u32),
        channel_len,
        values: tables.iter().map(|(values, _)| values.clone()).collect(),
        flip: tables.iter().map(|(_, flip)| *flip).collect(),
    })
}

/// A table that tells all `2·half` messages apart: `m` below half a turn, `3·half − 1 − m` from there on.
fn fold(half: u32, count: u32) -> Constant {
    let last = 2 * half as i32 - 1;
    table(count, &[((0..half as i32).collect(), last)])
}
