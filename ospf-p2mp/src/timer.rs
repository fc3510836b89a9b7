//! One ordered queue of deadlines.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// Deadlines by key. A key has at most one entry.
///
/// Moving a deadline later needs no call: the owner looks at its own deadlines when the entry fires and arms it
/// again. So a Hello that only postpones the dead timer touches nothing here.
#[derive(Debug)]
pub(crate) struct TimerQueue<K> {
    order: BTreeSet<(Instant, K)>,
    armed: BTreeMap<K, Instant>,
}

impl<K: Ord + Copy> Default for TimerQueue<K> {
    fn default() -> Self {
        Self { order: BTreeSet::new(), armed: BTreeMap::new() }
    }
}

impl<K: Ord + Copy> TimerQueue<K> {
    /// Makes sure that the key fires at `at` or earlier.
    pub(crate) fn arm(&mut self, key: K, at: Instant) {
        match self.armed.get(&key) {
            Some(&armed) if armed <= at => return,
            Some(&armed) => {
                self.order.remove(&(armed, key));
            }
            None => {}
        }
        self.armed.insert(key, at);
        self.order.insert((at, key));
    }

    /// Forgets the key.
    pub(crate) fn disarm(&mut self, key: K) {
        if let Some(at) = self.armed.remove(&key) {
            self.order.remove(&(at, key));
        }
    }

    /// Takes out the first key that is due.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<K> {
        let &(at, key) = self.order.first()?;
        if at > now {
            return None;
        }
        self.order.pop_first();
        self.armed.remove(&key);
        Some(key)
    }

    /// When the next key fires.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.order.first().map(|&(at, _)| at)
    }
}
