//! One run over the groups of a cache: what is encoded ahead of its use, and who does it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::{PlainCache, PlainSource};
use crate::error::Error;
use crate::parallel::{map, sequentially};

/// One run over the groups of a [`PlainCache`].
pub struct Pass<S: PlainSource> {
    pub(super) cache: Arc<PlainCache<S>>,
    /// The groups to come.
    pub(super) order: VecDeque<usize>,
    /// What is encoded ahead of use, in the order of use.
    pub(super) queue: VecDeque<Arc<Slot<S::Item>>>,
    pub(super) queued_bytes: usize,
    /// Which group to come, and which of its items, is the first that is not in the queue.
    pub(super) next: (usize, usize),
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
    pub(super) fn look_ahead(&mut self) {
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
pub(super) struct Slot<T> {
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
