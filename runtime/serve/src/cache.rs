//! Keys in memory: those that were used last, within a budget of bytes. Those that a scheme maps leave
//! their pages to the operating system when memory is short; the others are unpacked once and held.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hemet_runtime::ServerKeys;

use crate::error::Refusal;
use crate::key_name::KeyName;

/// One client's keys, once they are loaded; whoever loads them holds the lock.
type Slot = Arc<Mutex<Option<Arc<ServerKeys>>>>;

/// Keys by their names.
pub(crate) struct KeyCache {
    most_bytes: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entries: HashMap<KeyName, Entry>,
    /// Counts uses.
    now: u64,
    figures: Figures,
}

struct Entry {
    slot: Slot,
    bytes: u64,
    /// The count at its last use.
    used: u64,
}

/// What the metrics tell of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Figures {
    pub(crate) bytes: u64,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
}

impl KeyCache {
    /// Holds keys of so many bytes on disk; the ones in use stay in any case.
    pub(crate) fn new(most_bytes: u64) -> Self {
        Self {
            most_bytes,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys of a name, which take `bytes` on disk, by `load` where they are not here.
    pub(crate) fn get(
        &self,
        name: &KeyName,
        bytes: u64,
        load: impl FnOnce() -> Result<ServerKeys, Refusal>,
    ) -> Result<Arc<ServerKeys>, Refusal> {
        let slot = self.slot(name, bytes);
        let mut held = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = &*held {
            self.state().figures.hits += 1;
            return Ok(Arc::clone(keys));
        }
        match load() {
            Ok(keys) => {
                self.state().figures.misses += 1;
                Ok(Arc::clone(held.insert(Arc::new(keys))))
            }
            Err(refusal) => {
                self.forget(|other| other == name);
                Err(refusal)
            }
        }
    }

    /// The slot of a name; those that were used longest ago make room for it.
    fn slot(&self, name: &KeyName, bytes: u64) -> Slot {
        let mut state = self.state();
        state.now += 1;
        let now = state.now;
        if let Some(entry) = state.entries.get_mut(name) {
            entry.used = now;
            return Arc::clone(&entry.slot);
        }
        while state.figures.bytes + bytes > self.most_bytes {
            let oldest = state.entries.iter().min_by_key(|(_, entry)| entry.used);
            let Some(oldest) = oldest.map(|(name, _)| name.clone()) else {
                break;
            };
            state.remove(&oldest);
        }
        state.figures.bytes += bytes;
        let slot = Slot::default();
        let entry = Entry {
            slot: Arc::clone(&slot),
            bytes,
            used: now,
        };
        state.entries.insert(name.clone(), entry);
        slot
    }

    /// Forgets keys; requests that use them go on.
    pub(crate) fn forget(&self, which: impl Fn(&KeyName) -> bool) {
        let mut state = self.state();
        let names: Vec<KeyName> = state.entries.keys().filter(|n| which(n)).cloned().collect();
        names.iter().for_each(|name| state.remove(name));
    }

    /// What the metrics tell.
    pub(crate) fn figures(&self) -> Figures {
        self.state().figures
    }
}

impl State {
    fn remove(&mut self, name: &KeyName) {
        if let Some(entry) = self.entries.remove(name) {
            self.figures.bytes -= entry.bytes;
        }
    }
}
