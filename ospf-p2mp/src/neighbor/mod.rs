//! A neighbour: its state, its part of a database exchange, its queues.

mod fsm;
mod replay;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::event::DownReason;
use crate::lsdb::DbKey;
use crate::stats::DropReason;
use crate::wire::{DatabaseDescription, DdFlags, LsaHeader, Options};

pub use fsm::NeighborState;
pub(crate) use fsm::{Action, NeighborEvent, step};
pub(crate) use replay::{Proof, ReplayGuard};

/// Everything known about a neighbour.
#[derive(Debug)]
pub(crate) struct Neighbor {
    pub(crate) address: Ipv4Addr,
    pub(crate) router_id: Ipv4Addr,
    pub(crate) priority: u8,
    pub(crate) options: Options,
    pub(crate) state: NeighborState,
    /// Announced by NHRP or the configuration: gets Hellos even when silent.
    pub(crate) announced: bool,
    pub(crate) heard_multicast: bool,
    pub(crate) heard_unicast: bool,
    /// Waits in 2-Way for its turn.
    pub(crate) waiting: bool,
    pub(crate) refused: bool,
    /// Counts among the concurrent exchanges. One that makes no progress does not, so that it stops nobody else.
    pub(crate) holds_place: bool,
    pub(crate) without_link_back: bool,
    pub(crate) up_since: Option<Instant>,
    pub(crate) state_changes: u32,
    pub(crate) last_down: Option<DownReason>,
    pub(crate) last_drop: Option<DropReason>,
    /// RFC 3623: until when a restart is tolerated.
    pub(crate) grace_until: Option<Instant>,
    pub(crate) exchange: Exchange,
    pub(crate) queues: Queues,
    pub(crate) deadlines: Deadlines,
    pub(crate) last_hello_sent: Option<Instant>,
    /// Hellos sent while the neighbour does not answer: they come quickly at first.
    pub(crate) unanswered_hellos: u32,
    /// What cryptographic sequence numbers were accepted.
    pub(crate) received: ReplayGuard,
    /// The last one that we used.
    pub(crate) sent_sequence: u32,
}

/// The database exchange (RFC 2328 section 10.8).
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    pub(crate) we_are_master: bool,
    pub(crate) sequence: u32,
    pub(crate) last_sent: Option<DatabaseDescription>,
    /// Flags, options and sequence number of the last description that was accepted.
    pub(crate) last_received: Option<(DdFlags, Options, u32)>,
    /// A description that came while the neighbour had to wait for its turn.
    pub(crate) deferred: Option<DatabaseDescription>,
    /// What is still to be described.
    pub(crate) summary: BTreeSet<DbKey>,
    /// What is to be asked for, with the instance that the neighbour has.
    pub(crate) requests: BTreeMap<DbKey, LsaHeader>,
    /// The part of it that was asked and has not come.
    pub(crate) outstanding: BTreeSet<DbKey>,
    pub(crate) retransmissions: u32,
}

/// What waits to be sent.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    /// LSAs that the next updates carry.
    pub(crate) flood: BTreeSet<DbKey>,
    /// Whether the sender already knows that `flood` is to be emptied.
    pub(crate) flood_scheduled: bool,
    pub(crate) last_flood: Option<Instant>,
    /// LSAs sent and not acknowledged.
    pub(crate) retransmit: BTreeMap<DbKey, Retransmission>,
    pub(crate) acks: Vec<LsaHeader>,
    pub(crate) retransmissions: u64,
    pub(crate) flooded_octets: u64,
}

/// One LSA on the retransmission list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retransmission {
    /// When it is sent again.
    pub(crate) at: Instant,
    pub(crate) attempts: u8,
    /// When an instance of it was sent that the neighbour may have taken; later ones that it may have dropped as too
    /// early do not count.
    pub(crate) sent: Instant,
}

/// All timers of a neighbour. One entry of the router's queue stands for the earliest.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    /// Inactivity timer: armed by each packet (section 10.5; any packet proves life).
    pub(crate) dead: Option<Instant>,
    /// Next Hello to this neighbour (section 9.5).
    pub(crate) hello: Option<Instant>,
    /// Repeat the last description or request (sections 10.8, 10.9).
    pub(crate) exchange: Option<Instant>,
    /// Send what is in `flood`, when pacing put it off.
    pub(crate) flood: Option<Instant>,
    /// Earliest entry of the retransmission list (section 13.6).
    pub(crate) retransmit: Option<Instant>,
    /// Send delayed acknowledgements (section 13.5).
    pub(crate) ack: Option<Instant>,
    /// Look whether a Full neighbour's Router-LSA has a link back to us.
    pub(crate) link_check: Option<Instant>,
    /// Answer a request for our Router-LSA that was put off until it shows the link to this neighbour.
    pub(crate) held_answer: Option<Instant>,
}

impl Deadlines {
    pub(crate) fn earliest(&self) -> Option<Instant> {
        let Self { dead, hello, exchange, flood, retransmit, ack, link_check, held_answer } = *self;
        [dead, hello, exchange, flood, retransmit, ack, link_check, held_answer].into_iter().flatten().min()
    }
}

impl Neighbor {
    pub(crate) fn new(address: Ipv4Addr) -> Self {
        Self {
            address,
            router_id: Ipv4Addr::UNSPECIFIED,
            priority: 0,
            options: Options::default(),
            state: NeighborState::Down,
            announced: false,
            heard_multicast: false,
            heard_unicast: false,
            waiting: false,
            refused: false,
            holds_place: false,
            without_link_back: false,
            up_since: None,
            state_changes: 0,
            last_down: None,
            last_drop: None,
            grace_until: None,
            exchange: Exchange::default(),
            queues: Queues::default(),
            deadlines: Deadlines::default(),
            last_hello_sent: None,
            unanswered_hellos: 0,
            received: ReplayGuard::default(),
            sent_sequence: 0,
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.state == NeighborState::Full
    }

    /// Which kinds of Hello it should get: multicast, unicast.
    ///
    /// It is answered in the way it speaks. While it is silent it gets both, because a router that waits for unicast
    /// Hellos does not even listen to the group.
    pub(crate) fn hello_modes(&self, non_broadcast: bool) -> (bool, bool) {
        match (self.heard_multicast, self.heard_unicast) {
            (true, true) => (!non_broadcast, non_broadcast),
            (true, false) => (true, false),
            (false, true) => (false, true),
            (false, false) => (!non_broadcast, true),
        }
    }
}

/// The wait before repeating something for the n-th time: doubles from `first` up to `longest`.
pub(crate) fn back_off(first: Duration, longest: Duration, attempts: u32) -> Duration {
    first.saturating_mul(1 << attempts.min(16)).min(longest.max(first))
}
