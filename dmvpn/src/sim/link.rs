//! Links: how long a packet takes, and what happens to it on the way.

use core::fmt;
use std::time::Duration;

use rand_core::Rng;

/// How likely something is.
///
/// An integer of 32 bits inside, so that a configuration compares exactly and a run repeats on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Probability(u64);

impl Probability {
    /// It does not happen.
    pub const NEVER: Self = Self(0);
    /// It happens each time.
    pub const ALWAYS: Self = Self(1 << 32);

    /// From a percentage; less than 0 is never, more than 100 always.
    #[must_use]
    pub fn percent(percent: f64) -> Self {
        // The cast saturates, and a NaN becomes zero.
        Self(((percent / 100.0) * (1_u64 << 32) as f64) as u64).min(Self::ALWAYS)
    }

    /// Throws the dice. Draws nothing when the answer is fixed, so that a perfect link costs no randomness.
    pub fn happens(self, rng: &mut impl Rng) -> bool {
        match self {
            Self::NEVER => false,
            Self::ALWAYS => true,
            Self(threshold) => u64::from(rng.next_u32()) < threshold,
        }
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}%", self.0 as f64 * 100.0 / (1_u64 << 32) as f64)
    }
}

/// What a link, one direction between two routers, does to packets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkConfig {
    /// Time on the way.
    pub latency: Duration,
    /// A packet takes up to this much longer, evenly spread. Jitter alone does not change the order of packets.
    pub jitter: Duration,
    /// A packet gets lost.
    pub loss: Probability,
    /// A packet arrives twice.
    pub duplicate: Probability,
    /// A packet is held back, so that later ones overtake it.
    pub reorder: Probability,
    /// How long a packet that is held back takes at most in addition.
    pub reorder_by: Duration,
    /// One bit of a packet flips, anywhere in it.
    pub corrupt: Probability,
    /// The largest packet, IPv4 header included; a larger one is cut, or sent back if it forbids that.
    pub mtu: u16,
    /// Bits per second; none means as fast as it comes.
    pub bandwidth: Option<u64>,
    /// How many bytes wait for the bandwidth before the rest is dropped.
    pub buffer: usize,
}

impl LinkConfig {
    /// A faultless link of 1,500 bytes with this latency.
    #[must_use]
    pub const fn new(latency: Duration) -> Self {
        Self {
            latency,
            jitter: Duration::ZERO,
            loss: Probability::NEVER,
            duplicate: Probability::NEVER,
            reorder: Probability::NEVER,
            reorder_by: Duration::from_millis(10),
            corrupt: Probability::NEVER,
            mtu: 1500,
            bandwidth: None,
            buffer: 256 * 1024,
        }
    }
}

impl Default for LinkConfig {
    /// 20 milliseconds, no faults.
    fn default() -> Self {
        Self::new(Duration::from_millis(20))
    }
}

/// What became of a packet that was put on a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Carried {
    /// It, or copies of it, arrive.
    Arrives(Vec<Arrival>),
    /// It got lost.
    Lost,
    /// The buffer in front of the link is full.
    BufferFull,
}

/// One copy that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival {
    /// When.
    pub(super) at: Duration,
    /// Which bit flipped on the way, counted from the first byte's highest.
    pub(super) flipped_bit: Option<usize>,
    /// Whether it was held back.
    pub(super) reordered: bool,
}

/// What one direction of a link remembers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct LinkState {
    /// When the last bit that waits has left.
    busy_until: Duration,
    /// When the last packet arrives that was not held back.
    last_arrival: Duration,
}

impl LinkState {
    /// Puts a packet of `len` bytes on the link.
    pub(super) fn carry(
        &mut self,
        config: &LinkConfig,
        now: Duration,
        len: usize,
        rng: &mut impl Rng,
    ) -> Carried {
        let Some(left) = self.serialise(config, now, len) else { return Carried::BufferFull };
        if config.loss.happens(rng) {
            return Carried::Lost;
        }
        let copies = if config.duplicate.happens(rng) { 2 } else { 1 };
        let arrivals = (0..copies).map(|_| self.arrival(config, left, len, rng)).collect();
        Carried::Arrives(arrivals)
    }

    /// When the last bit of a packet has left; none if there is no room for it to wait.
    fn serialise(&mut self, config: &LinkConfig, now: Duration, len: usize) -> Option<Duration> {
        let Some(bandwidth) = config.bandwidth else { return Some(now) };
        let bandwidth = u128::from(bandwidth.max(1));
        let start = self.busy_until.max(now);
        let waiting = (start - now).as_nanos() * bandwidth / 8 / 1_000_000_000;
        if waiting + len as u128 > config.buffer as u128 {
            return None;
        }
        let nanos = len as u128 * 8 * 1_000_000_000 / bandwidth;
        self.busy_until = start + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        Some(self.busy_until)
    }

    fn arrival(&mut self, config: &LinkConfig, left: Duration, len: usize, rng: &mut impl Rng) -> Arrival {
        let flipped_bit = config.corrupt.happens(rng).then(|| uniform(rng, len as u64 * 8) as usize);
        let at = left + config.latency + uniform_duration(rng, config.jitter);
        if config.reorder.happens(rng) {
            let held = uniform_duration(rng, config.reorder_by);
            return Arrival { at: at + held, flipped_bit, reordered: true };
        }
        // A link is a queue: what jitter delays also delays what follows.
        self.last_arrival = self.last_arrival.max(at);
        Arrival { at: self.last_arrival, flipped_bit, reordered: false }
    }
}

/// A number below `bound`; zero if the bound is zero.
pub(super) fn uniform(rng: &mut impl Rng, bound: u64) -> u64 {
    // The bias of the multiplication is below 2^-32 for every bound that occurs here.
    ((u128::from(rng.next_u64()) * u128::from(bound)) >> 64) as u64
}

fn uniform_duration(rng: &mut impl Rng, bound: Duration) -> Duration {
    if bound.is_zero() {
        return Duration::ZERO;
    }
    Duration::from_nanos(uniform(rng, u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX)))
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
