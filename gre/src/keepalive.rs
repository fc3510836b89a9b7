//! Cisco's GRE keepalive: answering one.
//!
//! A router that wants to know whether its tunnel works sends a packet that finds its way back without the far end
//! knowing about keepalives. Inside the tunnel it puts a whole IPv4 packet from the far end to itself, with a GRE
//! header of protocol 0 and nothing behind:
//!
//! ```text
//! outer IP A -> B | GRE 0x0800 | inner IP B -> A | GRE 0x0000
//! ```
//!
//! B decapsulates and forwards the inner packet like any other, with a TTL one lower. No RFC describes it; the form
//! here is the one that captures of such routers show. It is not used on multipoint tunnels, so this crate answers
//! keepalives and never starts them.

use core::net::Ipv4Addr;
use core::ops::Range;

use thiserror::Error;

use crate::{Header, Protocol};

#[cfg(test)]
mod tests;

const IP_HEADER_MIN: usize = 20;
const IP_PROTOCOL_GRE: u8 = 47;
const TTL_OFFSET: usize = 8;
const CHECKSUM_OFFSET: usize = 10;
/// More fragments, and the fragment offset.
const FRAGMENT: u16 = 0x3fff;

/// Why a packet from the tunnel is not a keepalive that may be sent back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum NotKeepalive {
    /// An ordinary packet: not IPv4, not GRE inside, not of protocol 0, or with something behind the GRE header.
    #[error("not a keepalive")]
    Ordinary,
    /// It has a keepalive's form, but its addresses are not the tunnel's own, the other way round. Forwarding it would
    /// make this router a reflector.
    #[error("a keepalive from {source_address} to {destination}, which are not this tunnel's ends")]
    Addresses {
        /// Source of the inner packet: this end of the tunnel, if it were right.
        source_address: Ipv4Addr,
        /// Destination of the inner packet: the peer, if it were right.
        destination: Ipv4Addr,
    },
    /// It has a keepalive's form, but its IPv4 header is damaged.
    #[error("a keepalive with a bad IPv4 header checksum")]
    IpChecksum,
    /// It has a keepalive's form, but its TTL does not allow another hop.
    #[error("a keepalive with an expired TTL")]
    Expired,
}

/// Turns a keepalive from the peer into its answer, in place.
///
/// `inner` is the payload of a received GRE packet of [`Protocol::IPV4`]; `local` and `remote` are the tunnel's own
/// underlay addresses. On success the TTL is one lower, the IPv4 header checksum is right again, and the result says
/// which part of `inner` is the IPv4 packet to send to `remote`, as it is. Otherwise `inner` is unchanged.
///
/// # Errors
///
/// [`NotKeepalive::Ordinary`] for all other traffic, which goes its usual way. The other variants are packets to drop.
pub fn answer(inner: &mut [u8], local: Ipv4Addr, remote: Ipv4Addr) -> Result<Range<usize>, NotKeepalive> {
    let (ip_len, total_len) = shape(inner).ok_or(NotKeepalive::Ordinary)?;
    let header = inner.get_mut(..ip_len).ok_or(NotKeepalive::Ordinary)?;
    if internet_checksum::checksum(header) != [0, 0] {
        return Err(NotKeepalive::IpChecksum);
    }
    let (source_address, destination) = (address(header, 12), address(header, 16));
    if (source_address, destination) != (local, remote) {
        return Err(NotKeepalive::Addresses { source_address, destination });
    }
    let ttl = header.get(TTL_OFFSET).copied().unwrap_or(0);
    if ttl <= 1 {
        return Err(NotKeepalive::Expired);
    }
    write(header, TTL_OFFSET, &[ttl - 1]);
    write(header, CHECKSUM_OFFSET, &[0, 0]);
    let sum = internet_checksum::checksum(header);
    write(header, CHECKSUM_OFFSET, &sum);
    Ok(0..total_len)
}

/// The lengths of IP header and packet, if the packet has the form of a keepalive.
fn shape(inner: &[u8]) -> Option<(usize, usize)> {
    let fixed: &[u8; IP_HEADER_MIN] = inner.first_chunk()?;
    let ip_len = usize::from(fixed[0] & 0x0f) * 4;
    let total_len = usize::from(u16::from_be_bytes([fixed[2], fixed[3]]));
    let fragment = u16::from_be_bytes([fixed[6], fixed[7]]) & FRAGMENT;
    if fixed[0] >> 4 != 4 || ip_len < IP_HEADER_MIN || fragment != 0 || fixed[9] != IP_PROTOCOL_GRE {
        return None;
    }
    let gre = inner.get(..total_len)?.get(ip_len..)?;
    let (header, gre_len) = Header::decode(gre).ok()?;
    (header.protocol == Protocol::KEEPALIVE && gre_len == gre.len()).then_some((ip_len, total_len))
}

fn address(header: &[u8], offset: usize) -> Ipv4Addr {
    let bytes = header.get(offset..).and_then(|rest| rest.first_chunk::<4>());
    Ipv4Addr::from(*bytes.expect("an IPv4 header has 20 bytes, and both addresses lie in them"))
}

fn write(header: &mut [u8], offset: usize, bytes: &[u8]) {
    let field = header.get_mut(offset..offset + bytes.len());
    field.expect("an IPv4 header has 20 bytes, and the field lies in them").copy_from_slice(bytes);
}
