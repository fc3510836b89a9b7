//! What a forwarding plane outside the engine (a kernel, hardware) tells and is told beyond [`Action`](super::Action)s
//! and [`Punt`](super::Punt)s: control packets and counters.

use std::net::IpAddr;

use ikev2::ChildId;

use super::InterfaceCounters;
use crate::ids::{PathId, TunnelId};

/// What follows the GRE header of a control packet (an EtherType).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ControlProtocol {
    /// NHRP: no IP header.
    Nhrp,
    /// An IPv4 packet, with its header: OSPF.
    Ipv4,
}

impl ControlProtocol {
    /// The protocol type in the GRE header.
    #[must_use]
    pub const fn ethertype(self) -> u16 {
        match self {
            Self::Nhrp => gre::Protocol::NHRP.0,
            Self::Ipv4 => gre::Protocol::IPV4.0,
        }
    }
}

/// A control packet for a peer on a tunnel; the forwarding plane puts GRE, ESP and the outer header around it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ControlPacket {
    /// The tunnel.
    pub tunnel: TunnelId,
    /// The path to the peer. A multicast packet comes once for each member of the tunnel's multicast.
    pub path: PathId,
    /// The peer's underlay address.
    pub remote: IpAddr,
    /// What `payload` is.
    pub protocol: ControlProtocol,
    /// The outer TOS byte.
    pub tos: u8,
    /// The packet behind the GRE header.
    pub payload: Vec<u8>,
}

/// Where a control packet came from that another forwarding plane received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlArrival {
    /// The tunnel that it came in by.
    pub tunnel: TunnelId,
    /// The sender's underlay address.
    pub remote: IpAddr,
    /// The path that it came in by, if the forwarding plane can tell; otherwise the address decides. Without it, peers
    /// behind one NAT address cannot be told apart.
    pub path: Option<PathId>,
    /// What the payload is.
    pub protocol: ControlProtocol,
}

/// What another forwarding plane counted, for the views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Counted {
    /// Under the SAs of a child, since they were installed.
    Sa {
        /// The path that they belong to.
        path: PathId,
        /// The child.
        child: ChildId,
        /// What was received; none: unchanged.
        inbound: Option<esp::Counters>,
        /// What was sent; none: unchanged.
        outbound: Option<esp::Counters>,
    },
    /// On a tunnel interface.
    Interface {
        /// The tunnel.
        tunnel: TunnelId,
        /// Its counters.
        counters: InterfaceCounters,
    },
}

/// What the views show instead of the built-in forwarding plane's counters.
#[derive(Debug, Default)]
pub(crate) struct External {
    /// Received, sent. Ordered, and as long as there are SAs.
    sas: std::collections::BTreeMap<(PathId, ChildId), (esp::Counters, esp::Counters)>,
    interfaces: std::collections::BTreeMap<TunnelId, InterfaceCounters>,
}

impl External {
    pub(crate) fn count(&mut self, counted: Counted) {
        match counted {
            Counted::Sa { path, child, inbound, outbound } => {
                let entry = self.sas.entry((path, child)).or_default();
                entry.0 = inbound.unwrap_or(entry.0);
                entry.1 = outbound.unwrap_or(entry.1);
            }
            Counted::Interface { tunnel, counters } => {
                self.interfaces.insert(tunnel, counters);
            }
        }
    }

    pub(crate) fn remove_sa(&mut self, path: PathId, child: ChildId) {
        self.sas.remove(&(path, child));
    }

    pub(crate) fn remove_path(&mut self, path: PathId) {
        let of_path: Vec<ChildId> = self
            .sas
            .range((path, ChildId(0))..)
            .take_while(|((of, _), _)| *of == path)
            .map(|((_, child), _)| *child)
            .collect();
        for child in of_path {
            self.sas.remove(&(path, child));
        }
    }

    pub(crate) fn sa(&self, path: PathId, child: ChildId) -> (esp::Counters, esp::Counters) {
        self.sas.get(&(path, child)).copied().unwrap_or_default()
    }

    pub(crate) fn interface(&self, tunnel: TunnelId) -> InterfaceCounters {
        self.interfaces.get(&tunnel).copied().unwrap_or_default()
    }
}
