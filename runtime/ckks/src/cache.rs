//! Encoded constants within a budget of memory: some are kept, the others are encoded for each use, ahead of it.
//!
//! Constants come in groups that are used together (the diagonals of a linear map), and a run uses the groups in an
//! order that is known before it starts. Of every group the same part is kept, so that what must be encoded is spread
//! over the whole run; the least recently used would be the wrong choice in an order that repeats itself. The rest is
//! encoded by idle threads of the caller's rayon pool while earlier groups are worked on; what is not ready when it is
//! needed, the caller encodes itself. In a pool of one thread nothing runs ahead.
//!
//! No thread waits for work that has not begun, and work that has begun does not wait: encodings ahead of use are
//! sequential, so a pool cannot lock itself up.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::context::Context;
use crate::error::Error;
use crate::parallel::{map, sequentially};

/// The part of the budget that encodings ahead of their use may take.
const AHEAD: usize = 8;

/// Where constants come from.
pub trait PlainSource: Send + Sync + 'static {
    /// What is made: a [`Diagonal`](crate::Diagonal) or a [`Plaintext`](crate::Plaintext), as a rule.
    type Item: Send + Sync + 'static;

    /// Number of groups.
    fn groups(&self) -> usize;

    /// Number of items of a group.
    fn items(&self, group: usize) -> usize;

    /// Memory of one item of a group, in bytes: [`Context::diagonal_bytes`], [`Context::plaintext_bytes`].
    fn item_bytes(&self, context: &Context, group: usize) -> usize;

    /// Encodes one item. What it calls of the engine runs on this thread only; it must not start rayon work of its own.
    ///
    /// # Errors
    /// As [`Context::encode_diagonal`] or whatever it calls.
    fn encode(&self, context: &Context, group: usize, item: usize) -> Result<Self::Item, Error>;
}

/// Encoded constants, of which as many are kept as a budget allows.
pub struct PlainCache<S: PlainSource> {
    context: Arc<Context>,
    source: S,
    /// Per group its first items.
    kept: Vec<Vec<Arc<S::Item>>>,
    kept_bytes: usize,
    most_bytes: usize,
    ahead_bytes: usize,
}

impl<S: PlainSource> PlainCache<S> {
    /// Encodes what is kept, in the caller's rayon pool.
    ///
    /// A group in use is in memory as a whole: a budget below the largest group is exceeded by what that lacks, see
    /// [`PlainCache::most_bytes`].
    ///
    /// # Errors
    /// What the source says of an item that is kept. Errors of the others come when they are used.
    pub fn new(context: &Arc<Context>, source: S, budget_bytes: usize) -> Result<Arc<Self>, Error> {
        let groups = 0..source.groups();
        let sizes: Vec<(usize, usize)> = groups
            .map(|g| (source.items(g), source.item_bytes(context, g)))
            .collect();
        let plan = Budget::new(&sizes, budget_bytes);
        let kept = plan.kept.iter().enumerate();
        let wanted: Vec<(usize, usize)> = kept
            .flat_map(|(g, &count)| (0..count).map(move |item| (g, item)))
            .collect();
        let made = map(&wanted, |&(g, item)| {
            sequentially(|| source.encode(context, g, item))
        });
        let mut kept: Vec<Vec<Arc<S::Item>>> = sizes.iter().map(|_| Vec::new()).collect();
        for ((g, _), item) in wanted.into_iter().zip(made) {
            kept[g].push(Arc::new(item?));
        }
        Ok(Arc::new(Self {
            context: Arc::clone(context),
            source,
            kept,
            kept_bytes: plan.kept_bytes,
            most_bytes: plan.most_bytes,
            ahead_bytes: plan.ahead_bytes,
        }))
    }

    /// Bytes of the items that are kept.
    pub fn kept_bytes(&self) -> usize {
        self.kept_bytes
    }

    /// The most bytes that items take during one run, those ahead of their use included; each further run at the same
    /// time adds `most_bytes() - kept_bytes()`.
    pub fn most_bytes(&self) -> usize {
        self.most_bytes
    }

    /// Begins a run that will use the groups in this order; the first ones are encoded from now on.
    pub fn pass(self: &Arc<Self>, order: &[usize]) -> Pass<S> {
        let exists = |group: &usize| *group < self.kept.len();
        let mut pass = Pass {
            cache: Arc::clone(self),
            order: order.iter().copied().filter(exists).collect(),
            queue: VecDeque::new(),
            queued_bytes: 0,
            next: (0, 0),
        };
        pass.look_ahead();
        pass
    }

    /// The items of a group that are not kept.
    fn streamed(&self, group: usize) -> std::ops::Range<usize> {
        self.kept[group].len()..self.source.items(group)
    }

    fn item_bytes(&self, group: usize) -> usize {
        self.source.item_bytes(&self.context, group)
    }
}

/// What is kept of each group, and what that takes.
struct Budget {
    kept: Vec<usize>,
    kept_bytes: usize,
    most_bytes: usize,
    ahead_bytes: usize,
}

impl Budget {
    /// For groups of (items, bytes of an item).
    fn new(sizes: &[(usize, usize)], budget: usize) -> Self {
        let bytes =
            |kept: &[usize]| -> usize { kept.iter().zip(sizes).map(|(k, s)| k * s.1).sum() };
        let all: Vec<usize> = sizes.iter().map(|s| s.0).collect();
        let total = bytes(&all);
        if total <= budget {
            return Self {
                kept: all,
                kept_bytes: total,
                most_bytes: total,
                ahead_bytes: 0,
            };
        }
        let largest = sizes.iter().map(|s| s.0 * s.1).max().unwrap_or(0);
        let ahead_bytes = (budget / AHEAD).min(budget.saturating_sub(largest));
        // Kept of all groups, the rest of the largest one and what is ahead: part·total + (1 - part)·largest + ahead.
        let free = budget.saturating_sub(largest + ahead_bytes);
        let part = |items: usize| {
            let share = items as u128 * free as u128 / (total - largest).max(1) as u128;
            (share as usize).min(items)
        };
        let kept: Vec<usize> = all.iter().map(|&items| part(items)).collect();
        let rest = kept.iter().zip(sizes).map(|(k, s)| (s.0 - k) * s.1);
        let kept_bytes = bytes(&kept);
        Self {
            most_bytes: kept_bytes + rest.max().unwrap_or(0) + ahead_bytes,
            kept,
            kept_bytes,
            ahead_bytes,
        }
    }
}

/// One run over the groups of a [`PlainCache`].
pub struct Pass<S: PlainSource> {
    cache: Arc<PlainCache<S>>,
    /// The groups to come.
    order: VecDeque<usize>,
    /// What is encoded ahead of use, in the order of use.
    queue: VecDeque<Arc<Slot<S::Item>>>,
    queued_bytes: usize,
    /// Which group to come, and which of its items, is the first that is not in the queue.
    next: (usize, usize),
}

impl<S: PlainSource> Pass<S> {
    /// The items of a group, in order. Drop them after use: only then is their memory free.
    ///
    /// A group out of the announced order is served too, without anything ahead of it.
    ///
    /// # Errors
    /// `Plan` for a group that does not exist, and what the source says of an item.
    pub fn take(&mut self, group: usize) -> Result<Vec<Arc<S::Item>>, Error> {
        let cache = Arc::clone(&self.cache);
        let kept = cache.kept.get(group).ok_or(Error::Plan {
            what: "a group of constants",
            given: group,
            count: cache.kept.len(),
        })?;
        let streamed = cache.streamed(group);
        let mut slots = self.dequeue(group, streamed.len());
        let first = streamed.start + slots.len();
        slots.extend((first..streamed.end).map(|item| Slot::new(group, item)));
        // First everything that nobody has begun, then what others are at.
        map(&slots, |slot| slot.encode(&cache));
        self.look_ahead();
        let mut items = kept.clone();
        for slot in &slots {
            items.push(slot.take()?);
        }
        Ok(items)
    }

    /// What is queued of the next group in order, if that is `group`, which has `count` items to be encoded.
    fn dequeue(&mut self, group: usize, count: usize) -> Vec<Arc<Slot<S::Item>>> {
        if self.order.front() != Some(&group) {
            return Vec::new();
        }
        self.order.pop_front();
        self.next = match self.next {
            (0, _) => (0, 0),
            (later, item) => (later - 1, item),
        };
        let queued = self.queue.len().min(count);
        self.queued_bytes -= queued * self.cache.item_bytes(group);
        self.queue.drain(..queued).collect()
    }

    /// Starts encodings of what comes next while they fit the budget.
    fn look_ahead(&mut self) {
        if rayon::current_num_threads() == 1 {
            return;
        }
        while let Some(&group) = self.order.get(self.next.0) {
            let streamed = self.cache.streamed(group);
            let item = streamed.start + self.next.1;
            if item >= streamed.end {
                self.next = (self.next.0 + 1, 0);
                continue;
            }
            let bytes = self.cache.item_bytes(group);
            if self.queued_bytes + bytes > self.cache.ahead_bytes {
                return;
            }
            let slot = Slot::new(group, item);
            let (job, cache) = (Arc::clone(&slot), Arc::clone(&self.cache));
            rayon::spawn(move || job.encode(&cache));
            self.queue.push_back(slot);
            self.queued_bytes += bytes;
            self.next.1 += 1;
        }
    }
}

impl<S: PlainSource> Drop for Pass<S> {
    /// What has not begun is not begun any more.
    fn drop(&mut self) {
        for slot in &self.queue {
            *slot.lock() = State::Taken;
        }
    }
}

/// One item ahead of its use.
struct Slot<T> {
    group: usize,
    item: usize,
    state: Mutex<State<T>>,
    done: Condvar,
}

enum State<T> {
    Waiting,
    Begun,
    Ready(Result<Arc<T>, Error>),
    Taken,
}

impl<T> Slot<T> {
    fn new(group: usize, item: usize) -> Arc<Self> {
        Arc::new(Self {
            group,
            item,
            state: Mutex::new(State::Waiting),
            done: Condvar::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Encodes the item on this thread, unless that has begun elsewhere.
    fn encode<S: PlainSource<Item = T>>(&self, cache: &PlainCache<S>) {
        {
            let mut state = self.lock();
            if !matches!(*state, State::Waiting) {
                return;
            }
            *state = State::Begun;
        }
        let made = sequentially(|| cache.source.encode(&cache.context, self.group, self.item));
        let mut state = self.lock();
        if matches!(*state, State::Begun) {
            *state = State::Ready(made.map(Arc::new));
        }
        self.done.notify_all();
    }

    /// The item, when whoever has begun it is done.
    fn take(&self) -> Result<Arc<T>, Error> {
        let mut state = self.lock();
        while matches!(*state, State::Begun) {
            state = self
                .done
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        match std::mem::replace(&mut *state, State::Taken) {
            State::Ready(made) => made,
            State::Waiting | State::Begun | State::Taken => Err(Error::Plan {
                what: "a constant that was taken before",
                given: self.item,
                count: 0,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
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
}
