//! What `show` commands are made of.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use ipnet::Ipv4Net;

use crate::config::{AreaKind, NetworkType};
use crate::event::DownReason;
use crate::id::{AreaId, InterfaceId};
use crate::neighbor::NeighborState;
use crate::stats::DropReason;
use crate::wire::{LsaBody, LsaHeader, Options};

/// `show ip ospf`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouterView {
    /// Router id.
    pub router_id: Ipv4Addr,
    /// Process number.
    pub process: u32,
    /// Whether this router joins areas.
    pub is_area_border: bool,
    /// Whether it redistributes.
    pub is_as_boundary: bool,
    /// Whether the metrics of RFC 6987 are on.
    pub is_stub_router: bool,
    /// The areas, in order.
    pub areas: Vec<AreaView>,
    /// LSAs in the database, over all areas.
    pub lsas: usize,
    /// Octets of them.
    pub lsdb_octets: usize,
    /// AS-external LSAs among them.
    pub external_lsas: usize,
    /// When SPF ran last.
    pub last_spf: Option<Instant>,
    /// When the router was constructed.
    pub started: Instant,
}

/// One area of [`RouterView`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AreaView {
    /// Area id.
    pub id: AreaId,
    /// Ordinary or stub.
    pub kind: AreaKind,
    /// Interfaces in it.
    pub interfaces: usize,
    /// Full neighbours in it.
    pub full_neighbors: usize,
    /// LSAs in it.
    pub lsas: usize,
    /// SPF runs for it.
    pub spf_runs: u64,
}

/// `show ip ospf neighbor [detail]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NeighborView {
    /// Its router id; 0.0.0.0 while nothing was heard.
    pub router_id: Ipv4Addr,
    /// The priority from its Hellos.
    pub priority: u8,
    /// FSM state.
    pub state: NeighborState,
    /// When it counts as dead unless it speaks; `None` while nothing was heard.
    pub dead_at: Option<Instant>,
    /// Its tunnel address.
    pub address: Ipv4Addr,
    /// Through which interface.
    pub interface: InterfaceId,
    /// Area of the interface.
    pub area: AreaId,
    /// When it became Full; `None` while it is not.
    pub up_since: Option<Instant>,
    /// How often its state changed.
    pub state_changes: u32,
    /// The options of its last Hello or Database Description.
    pub options: Options,
    /// LSAs waiting for its acknowledgement.
    pub retransmission_queue: usize,
    /// LSAs still to be asked from it.
    pub request_queue: usize,
    /// Retransmissions to it since it was created.
    pub retransmissions: u64,
    /// Octets of flooding (updates) sent to it.
    pub flooded_octets: u64,
    /// Why it last went down.
    pub last_down: Option<DownReason>,
    /// Why a packet of it was last dropped.
    pub last_drop: Option<DropReason>,
    /// Whether NHRP or the configuration announced it.
    pub announced: bool,
    /// Whether Hellos to it are unicast.
    pub unicast_hello: bool,
    /// Whether it is Full without a link back to us in its Router-LSA.
    pub without_link_back: bool,
}

/// `show ip ospf interface [brief]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InterfaceView {
    /// The embedder's id.
    pub id: InterfaceId,
    /// Name.
    pub name: String,
    /// Our address.
    pub address: Ipv4Addr,
    /// Subnet.
    pub prefix: Ipv4Net,
    /// Area.
    pub area: AreaId,
    /// Cost in use.
    pub cost: u16,
    /// Network type.
    pub network: NetworkType,
    /// Whether it is up.
    pub up: bool,
    /// Whether it is passive.
    pub passive: bool,
    /// Hello interval.
    pub hello_interval: Duration,
    /// Dead interval.
    pub dead_interval: Duration,
    /// Longest retransmission interval.
    pub retransmit_interval: Duration,
    /// Transmit delay.
    pub transmit_delay: Duration,
    /// The id of the key that signs now, with digests.
    pub send_key: Option<u8>,
    /// When the next Hello to all is due, when they are not per neighbour.
    pub next_hello: Option<Instant>,
    /// Neighbours in any state.
    pub neighbors: usize,
    /// Full ones.
    pub full_neighbors: usize,
}

/// `show ip ospf database`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LsaView {
    /// The area; `None` for AS-wide ones.
    pub area: Option<AreaId>,
    /// Header, with the age of now.
    pub header: LsaHeader,
    /// Contents.
    pub body: LsaBody,
    /// Whether it is one of ours.
    pub own: bool,
}
