//! Cuts a network at its tables: each stage is one map over earlier sources, then one table.

use hemet_schedule::tfhe::MAX_TURN;
use hemet_spaces::QuantizedNetwork;
use hemet_spaces::quantized::{Operation, QuantizedNode, TableLayer, ValueRange};

use crate::tfhe::Error;
use crate::tfhe::expression::Expression;

/// What stages read: the input (source 0) and the results of tables.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Name of its node.
    pub name: String,
    /// First global column.
    pub offset: usize,
    /// Number of values.
    pub len: usize,
    /// The values that it can take, wrapped accumulators included.
    pub range: ValueRange,
    /// Which sources it must share turn and key with: those that meet in a stage have one group.
    pub group: usize,
}

/// A map, then a table, which makes source `index + 1`.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The name of the table's node.
    pub name: String,
    /// What the table sees.
    pub expression: Expression,
    /// The sources that `expression` reads, ascending.
    pub reads: Vec<usize>,
    /// The table.
    pub table: TableLayer,
}

/// A network as stages.
#[derive(Clone, Debug, PartialEq)]
pub struct Stages {
    /// The input, then the result of each stage.
    pub sources: Vec<Source>,
    /// The stages, in order.
    pub stages: Vec<Stage>,
    /// The output.
    pub output: Expression,
    /// The sources that the output reads.
    pub output_reads: Vec<usize>,
    /// The name of the output's node.
    pub output_name: String,
    /// Boxes of a turn of each group, as far as stages (not the output) ask for them; 1 where none does.
    pub group_turns: Vec<u32>,
}

/// The stages of a network.
///
/// # Errors
/// Weights that multiply up beyond 32 bits, or sources that meet with moduli that have no small common multiple.
pub fn stages(network: &QuantizedNetwork) -> Result<Stages, Error> {
    let nodes = network.nodes();
    let (sources, columns) = sources(nodes);
    let mut expressions: Vec<Expression> = Vec::with_capacity(nodes.len());
    let mut stages = Vec::new();
    for node in nodes {
        let of = |position: usize| &expressions[node.inputs[position]];
        let all = || (0..node.inputs.len()).map(of).collect::<Vec<_>>();
        let found = match &node.operation {
            Operation::Input(_) => Some(Expression::source(0, sources[0].len, columns)),
            Operation::Linear { map, limits } => of(0).then(map, limits),
            Operation::Add => Expression::sum(&all()),
            Operation::Concat => Expression::concat(&all()),
            Operation::Table(table) => {
                let expression = of(0).clone();
                let reads = reads(&expression, &sources);
                stages.push(Stage {
                    name: node.name.clone(),
                    expression,
                    reads,
                    table: table.clone(),
                });
                let source = &sources[stages.len()];
                Some(Expression::source(source.offset, source.len, columns))
            }
        };
        expressions.push(found.ok_or_else(|| Error::Weights(node.name.clone()))?);
    }
    let output = expressions
        .pop()
        .ok_or_else(|| Error::Weights("(none)".into()))?;
    let output_reads = reads(&output, &sources);
    let output_name = nodes.last().map_or(String::new(), |node| node.name.clone());
    let mut stages = Stages {
        sources,
        stages,
        output,
        output_reads,
        output_name,
        group_turns: Vec::new(),
    };
    stages.unite();
    stages.group_turns = stages.turns()?;
    Ok(stages)
}

/// What stages read, the input first, and the elements of all of it.
fn sources(nodes: &[QuantizedNode]) -> (Vec<Source>, usize) {
    let mut sources = Vec::new();
    let mut columns = 0;
    for node in nodes {
        let range = match &node.operation {
            Operation::Input(range) => *range,
            Operation::Table(table) => table_range(table),
            Operation::Linear { .. } | Operation::Add | Operation::Concat => continue,
        };
        let group = sources.len();
        sources.push(Source {
            name: node.name.clone(),
            offset: columns,
            len: node.len(),
            range,
            group,
        });
        columns += node.len();
    }
    (sources, columns)
}

/// All results of a table, its second half turn included.
fn table_range(table: &TableLayer) -> ValueRange {
    let mut range: Option<ValueRange> = None;
    for (values, flip) in table.tables.iter().zip(&table.flip) {
        for value in values {
            for v in [i64::from(*value), i64::from(*flip) - i64::from(*value)] {
                range =
                    Some(range.map_or(ValueRange::new(v, v), |r| r.union(ValueRange::new(v, v))));
            }
        }
    }
    range.unwrap_or(ValueRange::new(0, 0))
}

fn reads(expression: &Expression, sources: &[Source]) -> Vec<usize> {
    let mut read = vec![false; sources.len()];
    for column in &expression.map.columns {
        let after = sources.partition_point(|s| s.offset <= *column as usize);
        read[after - 1] = true;
    }
    if !read.contains(&true) {
        // A map of constants still needs an operand to know its key.
        read[0] = true;
    }
    (0..sources.len()).filter(|i| read[*i]).collect()
}

impl Stages {
    /// Puts sources that meet into one group; a group is named by its first source.
    fn unite(&mut self) {
        let meetings = self
            .stages
            .iter()
            .map(|s| &s.reads)
            .chain([&self.output_reads]);
        let meetings: Vec<Vec<usize>> = meetings.cloned().collect();
        loop {
            let mut changed = false;
            for meeting in &meetings {
                let Some(least) = meeting.iter().map(|s| self.sources[*s].group).min() else {
                    continue;
                };
                for source in meeting {
                    changed |= self.sources[*source].group != least;
                    self.sources[*source].group = least;
                }
            }
            if !changed {
                return;
            }
        }
    }

    /// The least common multiple of the moduli that the readers of each group ask for.
    fn turns(&self) -> Result<Vec<u32>, Error> {
        let mut turns = vec![1u64; self.sources.len()];
        for stage in &self.stages {
            let Some(group) = stage.reads.first().map(|s| self.sources[*s].group) else {
                continue;
            };
            let modulus = stage.table.modulus() as u64;
            turns[group] = turns[group] / gcd(turns[group], modulus) * modulus;
            if turns[group] > u64::from(MAX_TURN) {
                return Err(Error::Turn {
                    node: stage.name.clone(),
                    turn: turns[group],
                    limit: MAX_TURN,
                });
            }
        }
        Ok(turns.into_iter().map(|t| t as u32).collect())
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
