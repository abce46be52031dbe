//! Reuse of large buffers: in steady state no operation asks the system for memory.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroize;

use crate::kernels::AlignedBuf;

/// Most words that idle buffers may hold together (512 MiB).
const MAX_IDLE_WORDS: usize = 64 << 20;

/// A set of idle buffers, shared by everything that one context makes.
#[derive(Default)]
pub(crate) struct Pool {
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    buffers: Vec<AlignedBuf>,
    words: usize,
}

impl Pool {
    /// A buffer of `len` words **with arbitrary contents**: write all of it before reading.
    pub(crate) fn take(self: &Arc<Self>, len: usize) -> Buf {
        let reused = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            // The smallest that fits without wasting more than half; of these the one given last, which may still
            // be in cache.
            let best = idle
                .buffers
                .iter()
                .enumerate()
                .rev()
                .filter(|(_, b)| b.capacity() >= len && b.capacity() / 2 <= len)
                .min_by_key(|(_, b)| b.capacity())
                .map(|(i, _)| i);
            best.map(|i| {
                let buffer = idle.buffers.remove(i);
                idle.words -= buffer.capacity();
                buffer
            })
        };
        let mut inner = reused.unwrap_or_else(|| AlignedBuf::zeroed(len));
        inner.set_len(len);
        Buf {
            inner,
            pool: Arc::clone(self),
        }
    }

    fn give(&self, buffer: AlignedBuf) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if buffer.capacity() > 0 && idle.words + buffer.capacity() <= MAX_IDLE_WORDS {
            idle.words += buffer.capacity();
            idle.buffers.push(buffer);
        }
    }
}

/// A buffer of words that returns to its pool when dropped.
pub(crate) struct Buf {
    inner: AlignedBuf,
    pool: Arc<Pool>,
}

impl Buf {
    /// A copy of a slice.
    pub(crate) fn copy_of(pool: &Arc<Pool>, words: &[u64]) -> Self {
        let mut buffer = pool.take(words.len());
        buffer.copy_from_slice(words);
        buffer
    }

    /// Overwrites the words, for secrets.
    pub(crate) fn wipe(&mut self) {
        self.inner.zeroize();
    }
}

impl Clone for Buf {
    fn clone(&self) -> Self {
        Self::copy_of(&self.pool, self)
    }
}

impl Drop for Buf {
    fn drop(&mut self) {
        let inner = std::mem::replace(&mut self.inner, AlignedBuf::zeroed(0));
        self.pool.give(inner);
    }
}

impl Deref for Buf {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        &self.inner
    }
}

impl DerefMut for Buf {
    fn deref_mut(&mut self) -> &mut [u64] {
        &mut self.inner
    }
}
