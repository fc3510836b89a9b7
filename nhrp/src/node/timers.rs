//! All timers of a node: one table, one queue.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ipnet::IpNet;

use crate::io::{AdmissionToken, RouteToken};

/// What a deadline is for. The ends of cache entries are in the cache itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// Next registration with a server: start delay, second of the start pair, retransmission (RFC 2332 section 5.2.3) or
    /// period.
    Register(usize),
    /// A better server has been up for the fallback time.
    Fallback(usize),
    /// Next try to get a path that is always wanted (server, static map).
    Connect(IpAddr),
    /// A cache entry is close to its end: refresh it if it is in use.
    Refresh(IpAddr),
    /// Holding time of a shortcut.
    Shortcut(IpNet),
    /// A shortcut is close to its end.
    RefreshShortcut(IpNet),
    /// Retransmission of a resolution request.
    Resolve(IpAddr),
    /// Answer to a probe is overdue, or the next probe is due.
    Probe(IpAddr),
    /// A direct path for the answers to this requester takes too long.
    Reply(IpAddr),
    /// The memory of failures of this destination fades.
    HoldDown(IpAddr),
    /// The routing table does not answer.
    Query(RouteToken),
    /// Nobody says whether a client is admitted.
    Admission(AdmissionToken),
    /// Retransmission of a purge request.
    Purge(u32),
    /// Nobody remembers any more what was answered for this network of ours.
    Local(IpNet),
    /// The name of a server is to be looked up (again).
    Name(usize),
}

/// Deadlines, each at most once.
#[derive(Debug, Default)]
pub(super) struct Timers {
    queue: BTreeSet<(Instant, Timer)>,
    armed: BTreeMap<Timer, Instant>,
}

impl Timers {
    /// Arms or moves a timer.
    pub(super) fn set(&mut self, timer: Timer, at: Instant) {
        if let Some(before) = self.armed.insert(timer, at) {
            self.queue.remove(&(before, timer));
        }
        self.queue.insert((at, timer));
    }

    /// Disarms a timer.
    pub(super) fn cancel(&mut self, timer: Timer) {
        if let Some(at) = self.armed.remove(&timer) {
            self.queue.remove(&(at, timer));
        }
    }

    /// When the timer fires.
    pub(super) fn deadline(&self, timer: Timer) -> Option<Instant> {
        self.armed.get(&timer).copied()
    }

    /// The earliest deadline.
    pub(super) fn next(&self) -> Option<Instant> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// Takes the earliest timer that is due.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Timer> {
        let (at, timer) = *self.queue.first()?;
        if at > now {
            return None;
        }
        self.cancel(timer);
        Some(timer)
    }

    /// Disarms everything.
    pub(super) fn clear(&mut self) {
        self.queue.clear();
        self.armed.clear();
    }
}

/// `now + wait`; a wait beyond what the clock can say becomes a year.
pub(super) fn after(now: Instant, wait: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 86400);
    now.checked_add(wait.min(YEAR)).unwrap_or(now)
}

/// The wait before try `attempt + 1`: doubles from `initial`, at most `max`.
pub(super) fn backoff(initial: Duration, attempt: u32, max: Duration) -> Duration {
    let factor = 1u32.checked_shl(attempt.min(30)).unwrap_or(u32::MAX);
    initial.max(Duration::from_millis(10)).saturating_mul(factor).min(max.max(Duration::from_millis(10)))
}
