//! The cache of encoded diagonals: a linear map gives the same bytes whatever the budget.

mod common;

use std::sync::Arc;

use common::{PRESETS, setup};
use hemet_ckks::{Context, Diagonal, Error, LinearPlan, LinearTerm, PlainCache, PlainSource};

/// Diagonals of two maps, computed from their index.
struct Maps {
    scale: f64,
    level: usize,
}

const STEPS: [i64; 4] = [0, 1, 2, 3];

impl PlainSource for Maps {
    type Item = Diagonal;

    fn groups(&self) -> usize {
        2
    }

    fn items(&self, _: usize) -> usize {
        STEPS.len()
    }

    fn item_bytes(&self, context: &Context, _: usize) -> usize {
        context.diagonal_bytes(self.level).unwrap_or(0)
    }

    fn encode(&self, context: &Context, group: usize, item: usize) -> Result<Diagonal, Error> {
        let value = |i: usize| ((i + 3 * item + group) % 7) as f64 / 7.0;
        let values: Vec<f64> = (0..context.parameters().slots()).map(value).collect();
        context.encode_diagonal(&values, self.scale, self.level)
    }
}

#[test]
fn a_linear_map_gives_the_same_bytes_with_every_budget_and_number_of_threads() {
    let mut s = setup(&PRESETS[0]);
    let x = s.values();
    let a = s.encrypt(&x);
    let term = |(diagonal, &baby)| LinearTerm {
        output: 0,
        giant: 0,
        input: 0,
        baby,
        diagonal,
    };
    let terms: Vec<LinearTerm> = STEPS.iter().enumerate().map(term).collect();
    let plan = LinearPlan::new(1, 1, &terms).unwrap();
    let one = s.context.diagonal_bytes(s.level).unwrap();
    let mut expected: Option<[Vec<u8>; 2]> = None;
    for threads in [1, 2] {
        for budget in [0, 5 * one, 6 * one, 8 * one] {
            let maps = Maps {
                scale: s.scale,
                level: s.level,
            };
            let cache = PlainCache::new(&s.context, maps, budget).unwrap();
            assert!(cache.most_bytes() <= budget.max(4 * one));
            let results = pool_of(threads).install(|| {
                let mut pass = cache.pass(&[0, 1]);
                [0, 1].map(|group| {
                    let diagonals: Vec<Arc<Diagonal>> = pass.take(group).unwrap();
                    assert!(diagonals.iter().all(|d| d.size_bytes() == one));
                    let result = s.context.linear(&[&a], &plan, &diagonals, &s.keys).unwrap();
                    result[0].to_bytes(&s.context)
                })
            });
            assert_ne!(results[0], results[1]);
            assert_eq!(*expected.get_or_insert_with(|| results.clone()), results);
        }
    }
}

fn pool_of(threads: usize) -> rayon::ThreadPool {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().unwrap()
}
