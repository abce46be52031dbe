//! Every budget gives every item, and is kept.

use std::sync::atomic::{AtomicUsize, Ordering};

use hemet_ckks_params::{Parameters, ntt_primes};

use super::*;

/// Groups of items of a size, which count how many are alive.
struct Counted {
    /// (items, bytes of an item)
    groups: Vec<(usize, usize)>,
    alive: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    made: Arc<AtomicUsize>,
    broken: Option<(usize, usize)>,
}

struct Item {
    name: (usize, usize),
    bytes: usize,
    alive: Arc<AtomicUsize>,
}

impl Drop for Item {
    fn drop(&mut self) {
        self.alive.fetch_sub(self.bytes, Ordering::SeqCst);
    }
}

impl PlainSource for Counted {
    type Item = Item;

    fn groups(&self) -> usize {
        self.groups.len()
    }

    fn items(&self, group: usize) -> usize {
        self.groups[group].0
    }

    fn item_bytes(&self, _: &Context, group: usize) -> usize {
        self.groups[group].1
    }

    fn encode(&self, _: &Context, group: usize, item: usize) -> Result<Item, Error> {
        if self.broken == Some((group, item)) {
            return Err(Error::NoSpecialPrimes);
        }
        let bytes = self.groups[group].1;
        let alive = self.alive.fetch_add(bytes, Ordering::SeqCst) + bytes;
        self.most.fetch_max(alive, Ordering::SeqCst);
        self.made.fetch_add(1, Ordering::SeqCst);
        Ok(Item {
            name: (group, item),
            bytes,
            alive: Arc::clone(&self.alive),
        })
    }
}

fn source(groups: &[(usize, usize)]) -> Counted {
    Counted {
        groups: groups.to_vec(),
        alive: Arc::default(),
        most: Arc::default(),
        made: Arc::default(),
        broken: None,
    }
}

fn context() -> Arc<Context> {
    let primes = ntt_primes(10, &[30]).unwrap();
    Context::new(Parameters::new_insecure(10, primes, Vec::new()).unwrap())
}

const GROUPS: [(usize, usize); 5] = [(7, 10), (1, 3), (0, 5), (40, 4), (12, 10)];

#[test]
fn every_budget_gives_every_item_in_order_and_is_kept_where_the_largest_group_fits() {
    let context = context();
    let total: usize = GROUPS.iter().map(|g| g.0 * g.1).sum();
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        for budget in [0, 100, 160, 200, 300, total - 1, total] {
            let counted = source(&GROUPS);
            let (most, made) = (Arc::clone(&counted.most), Arc::clone(&counted.made));
            pool.install(|| {
                let cache = PlainCache::new(&context, counted, budget).unwrap();
                for order in [[0, 1, 2, 3, 4], [4, 3, 0, 1, 2], [3, 3, 0, 3, 4]] {
                    let mut pass = cache.pass(&order);
                    for group in order {
                        let items = pass.take(group).unwrap();
                        let names: Vec<_> = items.iter().map(|item| item.name).collect();
                        let expected: Vec<_> =
                            (0..GROUPS[group].0).map(|item| (group, item)).collect();
                        assert_eq!(names, expected);
                    }
                }
                let most = most.load(Ordering::SeqCst);
                assert!(most <= cache.most_bytes(), "{most} {budget}");
                assert!(cache.most_bytes() <= budget.max(160), "{budget}");
                if budget == total {
                    assert_eq!(cache.kept_bytes(), total);
                    assert_eq!(made.load(Ordering::SeqCst), 60);
                }
            });
        }
    }
}

#[test]
fn idle_threads_encode_ahead_of_use() {
    let counted = source(&GROUPS);
    let made = Arc::clone(&counted.made);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2);
    pool.build().unwrap().install(|| {
        let cache = PlainCache::new(&context(), counted, 200).unwrap();
        let kept = made.load(Ordering::SeqCst);
        let pass = cache.pass(&[0, 3]);
        let ahead = pass.queue.len();
        assert!(ahead > 0);
        // The other thread does it; if it never did, this would not end.
        while made.load(Ordering::SeqCst) < kept + ahead {
            std::thread::yield_now();
        }
    });
}

#[test]
fn runs_at_the_same_time_do_not_wait_for_one_another() {
    let counted = source(&GROUPS);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3);
    pool.build().unwrap().install(|| {
        let cache = PlainCache::new(&context(), counted, 190).unwrap();
        let run = || {
            let mut pass = cache.pass(&[0, 1, 3, 4]);
            let taken = [0, 1, 3, 4].map(|group| pass.take(group).unwrap().len());
            assert_eq!(taken, [7, 1, 40, 12]);
        };
        rayon::scope(|scope| (0..200).for_each(|_| scope.spawn(|_| run())));
    });
}

#[test]
fn a_group_out_of_order_is_served_and_one_that_does_not_exist_is_refused() {
    let cache = PlainCache::new(&context(), source(&GROUPS), 180).unwrap();
    let mut pass = cache.pass(&[0, 1, 3]);
    assert_eq!(pass.take(4).unwrap().len(), 12);
    assert_eq!(pass.take(0).unwrap().len(), 7);
    assert_eq!(pass.take(3).unwrap().len(), 40);
    let refused = pass.take(5).map(drop).unwrap_err();
    assert!(
        matches!(
            refused,
            Error::Plan {
                given: 5,
                count: 5,
                ..
            }
        ),
        "{refused}"
    );
}

#[test]
fn an_item_that_cannot_be_encoded_is_reported_where_it_is_used() {
    let mut counted = source(&GROUPS);
    counted.broken = Some((3, 39));
    let cache = PlainCache::new(&context(), counted, 200).unwrap();
    let mut pass = cache.pass(&[0, 3]);
    assert!(pass.take(0).is_ok());
    assert_eq!(pass.take(3).map(drop), Err(Error::NoSpecialPrimes));
    let mut counted = source(&GROUPS);
    counted.broken = Some((3, 0));
    assert!(PlainCache::new(&context(), counted, 1000).is_err());
}
