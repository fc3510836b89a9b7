//! Where a packet goes on the underlay, and how it is carried there.

use core::fmt;
use std::net::IpAddr;

/// How a packet is carried on the underlay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wire {
    /// IP protocol 47: GRE in the clear. Never used by a tunnel with protection.
    Gre,
    /// IP protocol 50: ESP.
    Esp,
    /// UDP: IKE, and ESP behind NAT (RFC 3948).
    Udp {
        /// The port on our side.
        local_port: u16,
        /// The port on the other side.
        remote_port: u16,
    },
}

/// An underlay path: the two addresses, how the packet is carried, and what the outer IP header says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Path {
    /// Our underlay address.
    pub local: IpAddr,
    /// The other side's underlay address.
    pub remote: IpAddr,
    /// Protocol and ports.
    pub wire: Wire,
    /// The outer TOS byte: DSCP in the upper six bits, ECN in the lower two.
    pub tos: u8,
    /// Whether the outer header forbids fragmentation.
    pub dont_fragment: bool,
}

impl Path {
    /// A path with TOS 0 that may be fragmented.
    #[must_use]
    pub const fn new(local: IpAddr, remote: IpAddr, wire: Wire) -> Self {
        Self { local, remote, wire, tos: 0, dont_fragment: false }
    }

    /// The same path as the other end sees it.
    #[must_use]
    pub const fn reversed(self) -> Self {
        let wire = match self.wire {
            Wire::Udp { local_port, remote_port } => {
                Wire::Udp { local_port: remote_port, remote_port: local_port }
            }
            other => other,
        };
        Self { local: self.remote, remote: self.local, wire, ..self }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (local, remote) = (self.local, self.remote);
        match self.wire {
            Wire::Gre => write!(f, "gre {local} -> {remote}"),
            Wire::Esp => write!(f, "esp {local} -> {remote}"),
            Wire::Udp { local_port, remote_port } => {
                write!(f, "udp {local}:{local_port} -> {remote}:{remote_port}")
            }
        }
    }
}
