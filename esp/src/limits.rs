//! How much an SA may protect.

use crate::Counters;

/// A bound on what one SA protects, in bytes, in packets, in both or in neither. Time is the key exchange's business.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Limit {
    /// Bytes of payload: what was protected, without padding, headers and ICV.
    pub bytes: Option<u64>,
    /// Packets.
    pub packets: Option<u64>,
}

impl Limit {
    /// No bound.
    pub const NONE: Self = Self { bytes: None, packets: None };

    /// A bound in bytes of payload.
    #[must_use]
    pub const fn bytes(bytes: u64) -> Self {
        Self { bytes: Some(bytes), packets: None }
    }

    /// A bound in packets.
    #[must_use]
    pub const fn packets(packets: u64) -> Self {
        Self { bytes: None, packets: Some(packets) }
    }

    /// Whether `counters` have got to the bound.
    fn is_reached(&self, counters: Counters) -> bool {
        self.bytes.is_some_and(|limit| counters.bytes >= limit)
            || self.packets.is_some_and(|limit| counters.packets >= limit)
    }
}

/// The lifetime of an SA (RFC 4301 section 4.4.2.1), in one direction.
///
/// At the soft limit the SA works on and says so with every packet ([`LimitState::Soft`]): time to replace it. At the
/// hard limit it stops.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Where to start replacing the SA.
    pub soft: Limit,
    /// Where the SA ends.
    pub hard: Limit,
}

impl Limits {
    /// No bounds besides the sequence numbers themselves.
    pub const NONE: Self = Self { soft: Limit::NONE, hard: Limit::NONE };

    /// The state after a packet that brought the SA to `counters`.
    pub(crate) fn state(&self, counters: Counters) -> LimitState {
        if self.soft.is_reached(counters) { LimitState::Soft } else { LimitState::Ok }
    }

    /// Whether an SA with these `counters` has ended.
    pub(crate) fn is_over(&self, counters: Counters) -> bool {
        self.hard.is_reached(counters)
    }

    /// Whether a packet of `len` payload bytes still fits.
    pub(crate) fn admits(&self, counters: Counters, len: u64) -> bool {
        let after = counters.bytes.saturating_add(len);
        self.hard.packets.is_none_or(|limit| counters.packets < limit)
            && self.hard.bytes.is_none_or(|limit| after <= limit)
    }
}

/// Where an SA stands after a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitState {
    /// Below the soft limit.
    Ok,
    /// At the soft limit, or in the last sixteenth of the sequence numbers: replace the SA. Every packet from here on
    /// says so, so that the news cannot get lost; to act once is the receiver's part.
    Soft,
}
