//! NAT boxes (RFC 4787 for UDP, RFC 5508 for the ICMP errors that matter, RFC 3022 for the words).
//!
//! | what RFC 4787 distinguishes | here |
//! |---|---|
//! | address and port mapping (4.1) | [`NatConfig::mapping`] |
//! | filtering (5) | [`NatConfig::filtering`] |
//! | port assignment (4.2) | [`NatConfig::ports`] |
//! | mapping refresh (4.3) | [`NatConfig::timeout`], [`NatConfig::inbound_refresh`] |
//! | hairpinning (6) | [`NatConfig::hairpin`] |
//! | fragments (11) | made whole before they are translated |
//!
//! ESP and GRE have no ports. Real boxes let one inside host at a time talk to a given outside address, or nobody:
//! [`Portless`].

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use rand_core::Rng;

use super::fragment::Reassembler;
use super::ipv4::{self, Header, PROTOCOL_ESP, PROTOCOL_GRE, PROTOCOL_ICMP, PROTOCOL_UDP};
use super::link::uniform;
use super::transport::{self, Icmp};
use super::{NatDrop, NodeId};

/// What a NAT box looks at besides the inside address and port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Behaviour {
    /// Nothing.
    EndpointIndependent,
    /// The outside address.
    AddressDependent,
    /// The outside address and port.
    AddressAndPortDependent,
}

/// Which outside port a new mapping gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PortAllocation {
    /// The inside port where it is free, else the next free one (RFC 4787 section 4.2.1).
    Preserve,
    /// One after the other, from this one on.
    Sequential(u16),
    /// Any free one from 1024 on.
    Random,
    /// Ports are not translated at all: where the port is taken, there is no mapping. With one inside host this is
    /// what RFC 3022 calls basic NAT.
    Untouched,
}

/// What happens to ESP and GRE, which have no ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Portless {
    /// The first inside host that talks to an outside address has it for itself until the mapping expires.
    OnePerRemote,
    /// They are dropped.
    Drop,
}

/// A NAT box.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NatConfig {
    /// The address that the outside sees.
    pub public: Ipv4Addr,
    /// Which packets of an inside host share an outside port.
    pub mapping: Behaviour,
    /// Which outside hosts may answer to it.
    pub filtering: Behaviour,
    /// Which outside port a new mapping gets.
    pub ports: PortAllocation,
    /// After how much silence a mapping goes. RFC 4787 section 4.3 asks for two minutes at least; many boxes take 30
    /// seconds.
    pub timeout: Duration,
    /// Whether packets from outside keep a mapping alive, too.
    pub inbound_refresh: bool,
    /// Whether an inside host reaches another one by the public address.
    pub hairpin: bool,
    /// What happens to ESP and GRE.
    pub portless: Portless,
    /// How many mappings there may be.
    pub limit: usize,
}

impl NatConfig {
    /// A box that RFC 4787 calls endpoint-independent in both ways: easy to live with.
    #[must_use]
    pub const fn full_cone(public: Ipv4Addr) -> Self {
        Self {
            public,
            mapping: Behaviour::EndpointIndependent,
            filtering: Behaviour::EndpointIndependent,
            ports: PortAllocation::Sequential(20_000),
            timeout: Duration::from_secs(120),
            inbound_refresh: false,
            hairpin: true,
            portless: Portless::OnePerRemote,
            limit: 4096,
        }
    }

    /// A home router: one outside port per inside port, answers only from whom it was used to talk to.
    #[must_use]
    pub const fn port_restricted(public: Ipv4Addr) -> Self {
        Self { filtering: Behaviour::AddressAndPortDependent, hairpin: false, ..Self::full_cone(public) }
    }

    /// Carrier grade at its worst: each outside endpoint sees another port, and only it may use that one.
    #[must_use]
    pub const fn symmetric(public: Ipv4Addr) -> Self {
        Self { mapping: Behaviour::AddressAndPortDependent, ..Self::port_restricted(public) }
    }
}

/// What the outside sees of an inside endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mapping {
    /// The inside address.
    pub inside: Ipv4Addr,
    /// The inside port.
    pub inside_port: u16,
    /// The outside port.
    pub outside_port: u16,
}

/// An inside endpoint with as much of the outside endpoint as the mapping behaviour looks at.
type OutboundKey = (Ipv4Addr, u16, Option<Ipv4Addr>, Option<u16>);

#[derive(Debug)]
struct Entry {
    key: OutboundKey,
    last_used: Duration,
    /// Outside endpoints that were talked to, and when.
    contacted: BTreeMap<(Ipv4Addr, u16), Duration>,
}

#[derive(Debug, Clone, Copy)]
struct PortlessEntry {
    inside: Ipv4Addr,
    last_used: Duration,
}

/// A NAT box at work.
#[derive(Debug)]
pub(super) struct Nat {
    pub(super) config: NatConfig,
    pub(super) reassembler: Reassembler,
    /// Who sits inside.
    pub(super) inside: BTreeMap<Ipv4Addr, NodeId>,
    by_inside: BTreeMap<OutboundKey, u16>,
    by_port: BTreeMap<u16, Entry>,
    portless: BTreeMap<(u8, Ipv4Addr), PortlessEntry>,
    next_port: u16,
}

/// How many outside endpoints one mapping remembers; the one silent for longest makes room.
const CONTACTS: usize = 1024;
/// Ports below are not given out, unless an inside port is preserved.
const FIRST_PORT: u16 = 1024;

impl Nat {
    pub(super) fn new(config: NatConfig) -> Self {
        let next_port = match config.ports {
            PortAllocation::Sequential(first) => first,
            _ => FIRST_PORT,
        };
        Self {
            config,
            reassembler: Reassembler::default(),
            inside: BTreeMap::new(),
            by_inside: BTreeMap::new(),
            by_port: BTreeMap::new(),
            portless: BTreeMap::new(),
            next_port,
        }
    }

    /// Forgets every mapping, as a box does that restarts. Ports go on where they were, so that new mappings differ
    /// from the old ones.
    pub(super) fn rebind(&mut self, public: Option<Ipv4Addr>) {
        self.by_inside.clear();
        self.by_port.clear();
        self.portless.clear();
        if let Some(public) = public {
            self.config.public = public;
        }
        self.next_port = self.next_port.checked_add(1000).unwrap_or(FIRST_PORT);
    }

    /// The mappings that are alive, by outside port.
    pub(super) fn mappings(&self, now: Duration) -> Vec<Mapping> {
        let alive = self.by_port.iter().filter(|(_, entry)| !self.expired(entry.last_used, now));
        alive
            .map(|(port, entry)| Mapping {
                inside: entry.key.0,
                inside_port: entry.key.1,
                outside_port: *port,
            })
            .collect()
    }

    /// The inside host that a packet from outside would reach, without touching anything.
    pub(super) fn peek(&self, bytes: &[u8]) -> Option<NodeId> {
        let datagram = ipv4::parse(bytes).ok()?;
        let header = datagram.header;
        let inside = match header.protocol {
            PROTOCOL_UDP if header.offset == 0 => {
                let port = datagram.payload.get(2..4)?;
                self.by_port.get(&u16::from_be_bytes([port[0], port[1]]))?.key.0
            }
            protocol => self.portless.get(&(protocol, header.source))?.inside,
        };
        self.inside.get(&inside).copied()
    }

    /// A whole packet from an inside host to the outside.
    pub(super) fn outbound(
        &mut self,
        now: Duration,
        mut bytes: Vec<u8>,
        rng: &mut impl Rng,
    ) -> Result<Vec<u8>, NatDrop> {
        if !ipv4::decrement_ttl(&mut bytes) {
            return Err(NatDrop::Ttl);
        }
        let datagram = ipv4::parse(&bytes).map_err(|_| NatDrop::Malformed)?;
        let Header { source, destination, protocol, .. } = datagram.header;
        let header = Header { source: self.config.public, ..datagram.header };
        let payload = match protocol {
            PROTOCOL_UDP => {
                let (from, to) = udp_ports(datagram.payload).ok_or(NatDrop::Malformed)?;
                let port = self.map(now, (source, from), (destination, to), rng)?;
                translate_udp(datagram.payload, (source, self.config.public), Side::Source(port))
            }
            PROTOCOL_ESP | PROTOCOL_GRE => {
                self.map_portless(now, protocol, source, destination)?;
                datagram.payload.to_vec()
            }
            _ => return Err(NatDrop::Protocol),
        };
        ipv4::build_with_options(&header, datagram.options, &payload).map_err(|_| NatDrop::Malformed)
    }

    /// A whole packet from the outside: translated, with the inside host that gets it.
    pub(super) fn inbound(
        &mut self,
        now: Duration,
        mut bytes: Vec<u8>,
    ) -> Result<(NodeId, Vec<u8>), NatDrop> {
        if !ipv4::decrement_ttl(&mut bytes) {
            return Err(NatDrop::Ttl);
        }
        let datagram = ipv4::parse(&bytes).map_err(|_| NatDrop::Malformed)?;
        let Header { source, destination, protocol, .. } = datagram.header;
        if destination != self.config.public {
            return Err(NatDrop::NoMapping);
        }
        let (inside, payload) = match protocol {
            PROTOCOL_UDP => {
                let (from, to) = udp_ports(datagram.payload).ok_or(NatDrop::Malformed)?;
                let (inside, port) = self.admit(now, to, (source, from))?;
                (inside, translate_udp(datagram.payload, (destination, inside), Side::Destination(port)))
            }
            PROTOCOL_ESP | PROTOCOL_GRE => {
                (self.admit_portless(now, protocol, source)?, datagram.payload.to_vec())
            }
            PROTOCOL_ICMP => self.translate_error(now, datagram.payload)?,
            _ => return Err(NatDrop::Protocol),
        };
        let node = *self.inside.get(&inside).ok_or(NatDrop::NoMapping)?;
        let header = Header { destination: inside, ..datagram.header };
        let bytes = ipv4::build_with_options(&header, datagram.options, &payload);
        Ok((node, bytes.map_err(|_| NatDrop::Malformed)?))
    }

    /// The outside port of an inside endpoint that talks to an outside one.
    fn map(
        &mut self,
        now: Duration,
        inside: (Ipv4Addr, u16),
        outside: (Ipv4Addr, u16),
        rng: &mut impl Rng,
    ) -> Result<u16, NatDrop> {
        let key = match self.config.mapping {
            Behaviour::EndpointIndependent => (inside.0, inside.1, None, None),
            Behaviour::AddressDependent => (inside.0, inside.1, Some(outside.0), None),
            Behaviour::AddressAndPortDependent => (inside.0, inside.1, Some(outside.0), Some(outside.1)),
        };
        let known = self.by_inside.get(&key).copied();
        let port = match known.filter(|port| !self.port_is_free(*port, now)) {
            Some(port) => port,
            None => self.new_mapping(now, key, rng)?,
        };
        if let Some(entry) = self.by_port.get_mut(&port) {
            entry.last_used = now;
            let is_new = !entry.contacted.contains_key(&outside);
            if is_new && entry.contacted.len() >= CONTACTS {
                let oldest = entry.contacted.iter().min_by_key(|(_, at)| **at).map(|(to, _)| *to);
                if let Some(oldest) = oldest {
                    entry.contacted.remove(&oldest);
                }
            }
            entry.contacted.insert(outside, now);
        }
        Ok(port)
    }

    fn new_mapping(&mut self, now: Duration, key: OutboundKey, rng: &mut impl Rng) -> Result<u16, NatDrop> {
        // An expired mapping of the same endpoint goes first, so that both tables keep naming each other.
        if let Some(stale) = self.by_inside.remove(&key) {
            self.by_port.remove(&stale);
        }
        if self.by_port.len() >= self.config.limit {
            self.expire(now);
            if self.by_port.len() >= self.config.limit {
                return Err(NatDrop::Full);
            }
        }
        let port = self.allocate(now, key.1, rng).ok_or(NatDrop::Full)?;
        if let Some(old) = self.by_port.remove(&port) {
            self.by_inside.remove(&old.key);
        }
        self.by_inside.insert(key, port);
        self.by_port.insert(port, Entry { key, last_used: now, contacted: BTreeMap::new() });
        Ok(port)
    }

    fn allocate(&mut self, now: Duration, inside_port: u16, rng: &mut impl Rng) -> Option<u16> {
        let first = match self.config.ports {
            PortAllocation::Untouched => {
                return Some(inside_port).filter(|port| self.port_is_free(*port, now));
            }
            PortAllocation::Preserve => inside_port,
            PortAllocation::Sequential(_) => self.next_port,
            // Below 64,512, so the cast keeps every bit.
            PortAllocation::Random => FIRST_PORT + uniform(rng, u64::from(u16::MAX - FIRST_PORT)) as u16,
        };
        let port = (0..=u16::MAX)
            .map(|step| first.wrapping_add(step))
            .find(|port| (*port == first || *port >= FIRST_PORT) && self.port_is_free(*port, now))?;
        if matches!(self.config.ports, PortAllocation::Sequential(_)) {
            self.next_port = port.checked_add(1).unwrap_or(FIRST_PORT);
        }
        Some(port)
    }

    fn port_is_free(&self, port: u16, now: Duration) -> bool {
        port != 0 && self.by_port.get(&port).is_none_or(|entry| self.expired(entry.last_used, now))
    }

    fn expired(&self, last_used: Duration, now: Duration) -> bool {
        now >= last_used + self.config.timeout
    }

    fn expire(&mut self, now: Duration) {
        let timeout = self.config.timeout;
        let by_inside = &mut self.by_inside;
        self.by_port.retain(|_, entry| {
            let alive = now < entry.last_used + timeout;
            if !alive {
                by_inside.remove(&entry.key);
            }
            alive
        });
    }

    /// The inside endpoint behind an outside port, if the sender may use it.
    fn admit(&mut self, now: Duration, port: u16, from: (Ipv4Addr, u16)) -> Result<(Ipv4Addr, u16), NatDrop> {
        let NatConfig { filtering, timeout, inbound_refresh, .. } = self.config;
        let entry = self.by_port.get_mut(&port).ok_or(NatDrop::NoMapping)?;
        if now >= entry.last_used + timeout {
            return Err(NatDrop::Expired);
        }
        let fresh = |at: &Duration| now < *at + timeout;
        let allowed = match filtering {
            Behaviour::EndpointIndependent => true,
            Behaviour::AddressDependent => {
                let mut of_address = entry.contacted.range((from.0, 0)..=(from.0, u16::MAX));
                of_address.any(|(_, at)| fresh(at))
            }
            Behaviour::AddressAndPortDependent => entry.contacted.get(&from).is_some_and(fresh),
        };
        if !allowed {
            return Err(NatDrop::Filtered);
        }
        if inbound_refresh {
            entry.last_used = now;
            if let Some(at) = entry.contacted.get_mut(&from) {
                *at = now;
            }
        }
        Ok((entry.key.0, entry.key.1))
    }

    fn map_portless(
        &mut self,
        now: Duration,
        protocol: u8,
        inside: Ipv4Addr,
        outside: Ipv4Addr,
    ) -> Result<(), NatDrop> {
        if self.config.portless == Portless::Drop {
            return Err(NatDrop::Portless);
        }
        let timeout = self.config.timeout;
        let is_full = self.portless.len() >= self.config.limit;
        match self.portless.get(&(protocol, outside)) {
            Some(entry) if entry.inside != inside && now < entry.last_used + timeout => {
                return Err(NatDrop::Portless);
            }
            None if is_full => return Err(NatDrop::Full),
            _ => {}
        }
        self.portless.insert((protocol, outside), PortlessEntry { inside, last_used: now });
        Ok(())
    }

    fn admit_portless(&mut self, now: Duration, protocol: u8, from: Ipv4Addr) -> Result<Ipv4Addr, NatDrop> {
        if self.config.portless == Portless::Drop {
            return Err(NatDrop::Portless);
        }
        let NatConfig { timeout, inbound_refresh, .. } = self.config;
        let entry = self.portless.get_mut(&(protocol, from)).ok_or(NatDrop::NoMapping)?;
        if now >= entry.last_used + timeout {
            return Err(NatDrop::Expired);
        }
        if inbound_refresh {
            entry.last_used = now;
        }
        Ok(entry.inside)
    }

    /// An ICMP error about a packet that an inside host sent: the packet inside is translated back, too (RFC 5508
    /// section 4.2).
    fn translate_error(&self, now: Duration, bytes: &[u8]) -> Result<(Ipv4Addr, Vec<u8>), NatDrop> {
        let icmp: Icmp<'_> = transport::parse_icmp(bytes).map_err(|_| NatDrop::Malformed)?;
        if !icmp.is_error() {
            return Err(NatDrop::Protocol);
        }
        let quoted = quoted_header(icmp.body).ok_or(NatDrop::Malformed)?;
        if quoted.source != self.config.public {
            return Err(NatDrop::NoMapping);
        }
        let mut body = icmp.body.to_vec();
        let inside = match quoted.protocol {
            PROTOCOL_UDP => {
                let at = quoted.header_len;
                let port = body.get(at..at + 2).ok_or(NatDrop::Malformed)?;
                let port = u16::from_be_bytes([port[0], port[1]]);
                let entry = self.by_port.get(&port).ok_or(NatDrop::NoMapping)?;
                if self.expired(entry.last_used, now) {
                    return Err(NatDrop::Expired);
                }
                let (inside, inside_port, ..) = entry.key;
                body[at..at + 2].copy_from_slice(&inside_port.to_be_bytes());
                if let Some(field) = body.get_mut(at + 6..at + 8) {
                    let old = [field[0], field[1]];
                    let ports = (&port.to_be_bytes()[..], &inside_port.to_be_bytes()[..]);
                    field.copy_from_slice(&updated(old, (quoted.source, inside), ports));
                }
                inside
            }
            protocol => {
                let key = (protocol, quoted.destination);
                self.portless.get(&key).ok_or(NatDrop::NoMapping)?.inside
            }
        };
        let checksum =
            internet_checksum::update([body[10], body[11]], &quoted.source.octets(), &inside.octets());
        body[10..12].copy_from_slice(&checksum);
        body[12..16].copy_from_slice(&inside.octets());
        Ok((inside, transport::build_icmp(icmp.kind, icmp.code, icmp.rest, &body)))
    }
}

/// The addresses, protocol and header length of a packet that an ICMP error quotes, which is cut short.
pub(super) struct Quoted {
    pub(super) source: Ipv4Addr,
    pub(super) destination: Ipv4Addr,
    pub(super) protocol: u8,
    pub(super) header_len: usize,
}

/// Reads the header of a quoted packet. `None` if not even the header is there.
pub(super) fn quoted_header(bytes: &[u8]) -> Option<Quoted> {
    let fixed = bytes.first_chunk::<{ ipv4::HEADER_LEN }>()?;
    let header_len = usize::from(fixed[0] & 0x0f) * 4;
    if fixed[0] >> 4 != 4 || header_len < ipv4::HEADER_LEN || bytes.len() < header_len {
        return None;
    }
    let [.., a, b, c, d, e, f, g, h] = *fixed;
    Some(Quoted {
        source: Ipv4Addr::new(a, b, c, d),
        destination: Ipv4Addr::new(e, f, g, h),
        protocol: fixed[9],
        header_len,
    })
}

enum Side {
    Source(u16),
    Destination(u16),
}

fn udp_ports(segment: &[u8]) -> Option<(u16, u16)> {
    let [a, b, c, d, _, _, _, _] = *segment.first_chunk::<8>()?;
    Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
}

/// Changes a port, and the checksum by what has changed (RFC 3022 section 4.2), so that a checksum that was wrong
/// before stays wrong. The caller has checked that the header is there.
fn translate_udp(segment: &[u8], (old, new): (Ipv4Addr, Ipv4Addr), side: Side) -> Vec<u8> {
    let mut segment = segment.to_vec();
    let (at, port) = match side {
        Side::Source(port) => (0, port),
        Side::Destination(port) => (2, port),
    };
    let old_port = [segment[at], segment[at + 1]];
    let new_port = port.to_be_bytes();
    segment[at..at + 2].copy_from_slice(&new_port);
    let checksum = updated([segment[6], segment[7]], (old, new), (&old_port, &new_port));
    segment[6..8].copy_from_slice(&checksum);
    segment
}

fn updated(checksum: [u8; 2], (old, new): (Ipv4Addr, Ipv4Addr), ports: (&[u8], &[u8])) -> [u8; 2] {
    if checksum == [0, 0] {
        return checksum;
    }
    let checksum = internet_checksum::update(checksum, &old.octets(), &new.octets());
    match internet_checksum::update(checksum, ports.0, ports.1) {
        [0, 0] => [0xff, 0xff],
        checksum => checksum,
    }
}

#[cfg(test)]
#[path = "nat_tests.rs"]
mod tests;
