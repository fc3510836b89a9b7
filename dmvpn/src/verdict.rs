//! What became of a packet.

use crate::{DropReason, Path, TunnelId};

/// What became of a packet that was handed to the engine. The packet itself was transformed in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// Send the packet (GRE, ESP or a UDP payload) on this underlay path.
    Transmit(Path),
    /// The packet is an IP packet for us or our LANs.
    Deliver(Delivery),
    /// The engine kept what it needed; nothing is left to do.
    Consumed,
    /// The packet was dropped and counted under this reason.
    Dropped(DropReason),
}

/// Where a packet that the engine hands out is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// To the router itself: one of its own addresses is the destination. The tunnel is the one it came in by;
    /// none if it came from the LAN side.
    Local(Option<TunnelId>),
    /// To a LAN or another network that is not reached by a tunnel.
    Lan,
}
