//! Between an engine's path with payload and a whole IPv4 packet: what the kernel does below a real embedder.

use std::net::IpAddr;

use super::ipv4::{self, Datagram, Header, PROTOCOL_ESP, PROTOCOL_GRE, PROTOCOL_UDP};
use super::transport::{self, TransportError};
use crate::{Path, Wire};

/// UDP port of IKE and ESP behind NAT (RFC 3948).
const NAT_TRAVERSAL_PORT: u16 = 4500;
/// What routers send with.
const UNDERLAY_TTL: u8 = 255;

/// Why a path and a payload make no packet, or a packet is none for an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncapsulationError {
    /// The path has an IPv6 address; the simulated underlay is IPv4.
    #[error("an IPv6 path on an IPv4 underlay")]
    Ipv6,
    /// The payload does not fit an IPv4 packet.
    #[error(transparent)]
    Ipv4(#[from] ipv4::Ipv4Error),
    /// UDP that is truncated or has a wrong checksum.
    #[error(transparent)]
    Udp(#[from] TransportError),
    /// An IP protocol that engines do not speak.
    #[error("IP protocol {0}")]
    Protocol(u8),
}

/// Puts IPv4 and, where the path says so, UDP headers in front of a payload.
///
/// # Errors
/// The path is not IPv4, or the payload is too large.
pub fn encapsulate(path: &Path, payload: &[u8], id: u16) -> Result<Vec<u8>, EncapsulationError> {
    let (IpAddr::V4(source), IpAddr::V4(destination)) = (path.local, path.remote) else {
        return Err(EncapsulationError::Ipv6);
    };
    let protocol = match path.wire {
        Wire::Gre => PROTOCOL_GRE,
        Wire::Esp => PROTOCOL_ESP,
        Wire::Udp { .. } => PROTOCOL_UDP,
    };
    let header = Header {
        tos: path.tos,
        id,
        dont_fragment: path.dont_fragment,
        ttl: UNDERLAY_TTL,
        ..Header::new(source, destination, protocol)
    };
    let Wire::Udp { local_port, remote_port } = path.wire else {
        return Ok(ipv4::build(&header, payload)?);
    };
    // RFC 3948 section 2.1: UDP that carries ESP goes without a checksum. IKE on the same port starts with four zero
    // bytes (section 2.2), a NAT keepalive is one byte.
    let is_nat_port = local_port == NAT_TRAVERSAL_PORT || remote_port == NAT_TRAVERSAL_PORT;
    let is_esp = is_nat_port && payload.first_chunk::<4>().is_some_and(|spi| *spi != [0; 4]);
    let segment = transport::build_udp((source, local_port), (destination, remote_port), payload, !is_esp);
    Ok(ipv4::build(&header, &segment)?)
}

/// Reads a whole datagram as its receiver does: the path as seen from there, and the payload.
///
/// # Errors
/// It is nothing for an engine, or broken UDP.
pub fn decapsulate<'a>(datagram: &Datagram<'a>) -> Result<(Path, &'a [u8]), EncapsulationError> {
    let header = &datagram.header;
    let (wire, payload) = match header.protocol {
        PROTOCOL_GRE => (Wire::Gre, datagram.payload),
        PROTOCOL_ESP => (Wire::Esp, datagram.payload),
        PROTOCOL_UDP => {
            let udp = transport::parse_udp(header.source, header.destination, datagram.payload)?;
            (Wire::Udp { local_port: udp.destination_port, remote_port: udp.source_port }, udp.payload)
        }
        protocol => return Err(EncapsulationError::Protocol(protocol)),
    };
    let mut path = Path::new(header.destination.into(), header.source.into(), wire);
    path.tos = header.tos;
    path.dont_fragment = header.dont_fragment;
    Ok((path, payload))
}

#[cfg(test)]
#[path = "encapsulation_tests.rs"]
mod tests;
