//! The pace of copies: OSPF sends each of its peers a packet of its own, built when it is asked for. A hub with thousands of
//! spokes asks for so many as a batch has, and for the next batch after an interval (`ip nhrp multicast batch-size`,
//! `batch-interval`): it never holds a buffer for each spoke, and its hellos do not overrun the queues on their way.

use std::time::{Duration, Instant};

/// Says how many packets may leave now.
#[derive(Debug)]
pub(super) struct Pacer {
    /// Packets in one batch.
    batch: u32,
    /// Time from one batch to the next.
    interval: Duration,
    /// Packets left of the current batch.
    allowance: u32,
    /// When the current batch began.
    began: Option<Instant>,
    /// Something waits for the next batch.
    waiting: bool,
}

impl Pacer {
    pub(super) fn new(batch: u16, interval: Duration) -> Self {
        Self {
            batch: u32::from(batch.max(1)),
            interval: interval.max(Duration::from_millis(1)),
            allowance: 0,
            began: None,
            waiting: false,
        }
    }

    /// Whether a packet may leave; if not, it waits.
    pub(super) fn may_send(&mut self, now: Instant) -> bool {
        if self.began.is_none_or(|began| now.saturating_duration_since(began) >= self.interval) {
            self.began = Some(now);
            self.allowance = self.batch;
        }
        self.waiting = self.allowance == 0;
        !self.waiting
    }

    /// A packet left.
    pub(super) fn count(&mut self) {
        self.allowance = self.allowance.saturating_sub(1);
    }

    /// Lets everything pass once: what leaves now cannot leave later.
    pub(super) fn open(&mut self, now: Instant) {
        self.began = Some(now);
        self.allowance = u32::MAX;
    }

    /// When the next batch is due, if something waits for it.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        Some(self.began.filter(|_| self.waiting)? + self.interval)
    }
}
