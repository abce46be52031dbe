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

mod pass;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::context::Context;
use crate::error::Error;
use crate::parallel::{map, sequentially};

pub use pass::Pass;

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

    /// Of items that were encoded before, all of them, group by group.
    ///
    /// # Errors
    /// `Plan` for another number of items than the source has.
    pub fn of_items(
        context: &Arc<Context>,
        source: S,
        items: Vec<S::Item>,
    ) -> Result<Arc<Self>, Error> {
        let counts: Vec<usize> = (0..source.groups()).map(|g| source.items(g)).collect();
        let (given, count) = (items.len(), counts.iter().sum::<usize>());
        if given != count {
            let what = "the number of constants that were encoded before";
            return Err(Error::Plan { what, given, count });
        }
        let sizes = counts.iter().enumerate();
        let kept_bytes = sizes.map(|(g, items)| items * source.item_bytes(context, g));
        let kept_bytes: usize = kept_bytes.sum();
        let mut items = items.into_iter().map(Arc::new);
        let kept = counts.iter().map(|&n| items.by_ref().take(n).collect());
        Ok(Arc::new(Self {
            kept: kept.collect(),
            context: Arc::clone(context),
            source,
            kept_bytes,
            most_bytes: kept_bytes,
            ahead_bytes: 0,
        }))
    }

    /// All items, group by group; none where some are encoded for each use.
    pub fn all_items(&self) -> Option<Vec<&S::Item>> {
        let is_whole = self.most_bytes == self.kept_bytes;
        is_whole.then(|| self.kept.iter().flatten().map(|item| &**item).collect())
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
