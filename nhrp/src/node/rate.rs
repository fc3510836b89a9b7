//! Token buckets.

use std::time::{Duration, Instant};

/// Longest interval; more would only count what nobody remembers.
const DAY: Duration = Duration::from_secs(86400);

/// At most `capacity` tokens per `interval`, refilled evenly.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    capacity: u32,
    interval: Duration,
    /// The time at which the bucket would be full again.
    full_at: Instant,
}

impl Bucket {
    pub(super) fn new(capacity: u32, interval: Duration, now: Instant) -> Bucket {
        Bucket {
            capacity: capacity.max(1),
            interval: interval.clamp(Duration::from_millis(1), DAY),
            full_at: now,
        }
    }

    /// Takes a token if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let cost = self.cost();
        let base = self.full_at.max(now);
        if base.saturating_duration_since(now) + cost
            > self.interval + Duration::from_nanos(u64::from(self.capacity))
        {
            return false;
        }
        self.full_at = base + cost;
        true
    }

    /// Takes a token even if there is none, up to one interval of debt.
    pub(super) fn force(&mut self, now: Instant) {
        let base = self.full_at.max(now);
        if base.saturating_duration_since(now) < self.interval * 2 {
            self.full_at = base + self.cost();
        }
    }

    /// Tokens taken and not yet refilled, in per cent of the capacity.
    pub(super) fn usage(&self, now: Instant) -> u8 {
        let debt = self.full_at.saturating_duration_since(now);
        let percent = (debt.as_nanos() * 100 / self.interval.as_nanos().max(1)).min(100);
        // Bounded just above.
        u8::try_from(percent).unwrap_or(100)
    }

    fn cost(&self) -> Duration {
        self.interval / self.capacity
    }
}
