use std::time::{Duration, Instant};

use super::arena::SaKey;
use crate::config::Mode;
use crate::crypto::ChildSuite;
use crate::ids::{ChildId, PeerId, ProfileId};
use crate::io::SaParameters;
use crate::wire::TrafficSelector;

/// How long a replaced child SA waits for the peer's DELETE before we delete it ourselves.
const SUPERSEDED: Duration = Duration::from_secs(30);

/// A child SA: two ESP SAs with opposite directions.
///
/// ```text
///   we asked:      (reserved) -> Active
///   peer asked:    InboundOnly -> Active      on traffic, or when what it replaces is deleted
///   replaced:      Active -> Deleting | Superseded -> Draining -> (gone)
///   deleted:       Active -> Deleting -> Draining | (gone)
/// ```
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) peer: PeerId,
    pub(crate) sa: SaKey,
    pub(crate) profile: ProfileId,
    pub(crate) local_spi: u32,
    pub(crate) remote_spi: u32,
    pub(crate) suite: ChildSuite,
    pub(crate) mode: Mode,
    pub(crate) udp: bool,
    pub(crate) local_selectors: Vec<TrafficSelector>,
    pub(crate) remote_selectors: Vec<TrafficSelector>,
    pub(crate) phase: Phase,
    pub(crate) outbound: Outbound,
    /// The forwarding plane knows it: exactly one `Remove` is due.
    pub(crate) installed: bool,
    pub(crate) created: Instant,
    pub(crate) lifetime: Duration,
    pub(crate) last_inbound: Option<Instant>,
    /// A successor is being negotiated, or queued for it.
    pub(crate) rekeying: bool,
    pub(crate) replaces: Option<ChildId>,
    /// The peer asked for it without naming what it replaces, so the DELETE of that is ours to send.
    pub(crate) deletes_replaced: bool,
    pub(crate) replaced_by: Option<ChildId>,
    pub(crate) timers: ChildTimers,
}

/// Timers of a child SA.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ChildTimers {
    /// Make a successor (RFC 7296 section 2.8). Armed when the SA comes up and after a failed attempt.
    pub(crate) rekey: Option<Instant>,
    /// The lifetime is over. Armed when the SA comes up; earlier when it was replaced.
    pub(crate) expire: Option<Instant>,
    /// Stop accepting packets. Armed when the SA was deleted.
    pub(crate) drain: Option<Instant>,
    /// Use it for sending, even without a sign that the peer is ready. Armed for an SA that came up beside another one
    /// without replacing it (crossed initiation).
    pub(crate) ready: Option<Instant>,
}

impl ChildTimers {
    pub(crate) fn next(&self) -> Option<(Instant, &'static str)> {
        [
            (self.rekey, "child rekey"),
            (self.expire, "child lifetime"),
            (self.drain, "child drain"),
            (self.ready, "child ready"),
        ]
        .into_iter()
        .filter_map(|(at, name)| at.map(|at| (at, name)))
        .min()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Inbound is installed; outbound waits until the peer is certainly ready.
    InboundOnly,
    Active,
    /// Replaced; the peer is expected to delete it.
    Superseded,
    /// Our DELETE is queued or sent.
    Deleting,
    /// Deleted; late packets are still accepted.
    Draining,
}

/// What became of the outbound half. Keys are handed out once, so a sequence number space never starts twice.
#[derive(Debug)]
pub(crate) enum Outbound {
    Pending(Box<SaParameters>),
    Installed,
}

impl Child {
    /// A successor carries the traffic: it is for the peer to delete this one. Should the peer forget, we do.
    pub(crate) fn give_way(&mut self, now: Instant) {
        self.timers.rekey = None;
        if self.is_up() {
            self.phase = Phase::Superseded;
            let at = now + SUPERSEDED;
            self.timers.expire = Some(self.timers.expire.map_or(at, |expire| expire.min(at)));
        }
    }

    /// Whether it may carry outbound traffic.
    pub(crate) const fn is_usable(&self) -> bool {
        matches!(self.phase, Phase::Active)
    }

    /// Whether the embedder was told that it is up: a successor is only announced when it takes over.
    pub(crate) fn was_announced(&self) -> bool {
        match self.phase {
            Phase::Active => true,
            Phase::InboundOnly => self.replaces.is_none(),
            Phase::Superseded | Phase::Deleting | Phase::Draining => false,
        }
    }

    /// Whether it counts as connectivity with the peer.
    pub(crate) const fn is_up(&self) -> bool {
        matches!(self.phase, Phase::Active | Phase::InboundOnly)
    }
}
