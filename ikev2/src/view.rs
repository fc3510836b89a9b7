//! What the `show` commands print: `show crypto session`, `show crypto ikev2 sa detail`.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::config::{Dpd, Mode};
use crate::crypto::{ChildSuite, IkeSuite};
use crate::ids::{ChildId, PeerId, ProfileId};
use crate::io::UdpPath;
use crate::wire::{Identity, TrafficSelector};

/// One peer with all its SAs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerView {
    /// Its id.
    pub peer: PeerId,
    /// Its authenticated identity.
    pub identity: Identity,
    /// Where it is reached.
    pub remote: SocketAddr,
    /// When its first IKE SA came up.
    pub since: Instant,
    /// Its IKE SAs, oldest first. More than one while one replaces the other, or two crossed.
    pub ike_sas: Vec<IkeSaView>,
    /// Its child SAs, oldest first, replaced ones that still accept packets included.
    pub children: Vec<ChildView>,
    /// The child SA that carries outbound traffic.
    pub outbound: Option<ChildId>,
}

/// Where an IKE SA is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IkeState {
    /// Negotiating: no identity is proven yet.
    Negotiating,
    /// In use.
    Ready,
    /// Replaced or unwanted; being deleted.
    Deleting,
}

/// One IKE SA.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IkeSaView {
    /// Its state.
    pub state: IkeState,
    /// Where its messages go.
    pub path: UdpPath,
    /// Whether we are its initiator.
    pub initiator: bool,
    /// The initiator's SPI.
    pub spi_i: u64,
    /// The responder's SPI.
    pub spi_r: u64,
    /// Its algorithms.
    pub suite: IkeSuite,
    /// The profile.
    pub profile: ProfileId,
    /// What we call ourselves.
    pub local_identity: Identity,
    /// When it was established.
    pub created: Instant,
    /// Its lifetime.
    pub lifetime: Duration,
    /// Whether we are behind a NAT.
    pub nat_local: bool,
    /// Whether the peer is behind a NAT.
    pub nat_remote: bool,
    /// Whether a post-quantum pre-shared key is mixed into its keys.
    pub ppk: bool,
    /// Whether both sides know IKE fragmentation.
    pub fragmentation: bool,
    /// Dead peer detection.
    pub dpd: Option<Dpd>,
    /// The window that we grant.
    pub local_window: u8,
    /// The window that the peer grants.
    pub remote_window: u32,
    /// The message id of our next request.
    pub next_request_id: u32,
    /// The lowest message id of the peer's that was not seen yet.
    pub next_expected_id: u32,
    /// When the last authentic message came.
    pub last_received: Instant,
}

/// Where a child SA is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChildState {
    /// Up, not yet used for sending: the peer's sign that it is ready is awaited.
    InboundOnly,
    /// In use.
    Active,
    /// In use, a successor is being negotiated.
    Rekeying,
    /// Replaced or unwanted; its deletion is under way.
    Deleting,
    /// Deleted; packets that are still on their way are accepted for a while.
    Draining,
}

/// One child SA.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChildView {
    /// Its id.
    pub child: ChildId,
    /// Its state.
    pub state: ChildState,
    /// Our SPI.
    pub inbound_spi: u32,
    /// The peer's SPI.
    pub outbound_spi: u32,
    /// Its algorithms.
    pub suite: ChildSuite,
    /// Transport or tunnel.
    pub mode: Mode,
    /// Our side of what it protects.
    pub local_selectors: Vec<TrafficSelector>,
    /// The peer's side.
    pub remote_selectors: Vec<TrafficSelector>,
    /// When it was established.
    pub created: Instant,
    /// Its lifetime.
    pub lifetime: Duration,
    /// When the data lane last saw an authentic packet on it.
    pub last_inbound: Option<Instant>,
    /// Whether ESP travels in UDP.
    pub udp_encapsulation: bool,
}
