//! The wire: from a sender through NAT boxes and a link to a receiver, as bytes.

use std::net::{IpAddr, Ipv4Addr};

use super::capture::{Captured, Fate};
use super::encapsulation::{self, EncapsulationError};
use super::fragment::{self, FragmentError};
use super::ipv4::{self, Datagram, Header, PROTOCOL_ICMP};
use super::link::{Carried, LinkConfig};
use super::nat::quoted_header;
use super::node::Kind;
use super::run::{Due, Work};
use super::stats::{NatDrop, WireDrop};
use super::transport::{self, CODE_FRAGMENTATION_NEEDED, ICMP_ECHO, ICMP_ECHO_REPLY, ICMP_UNREACHABLE};
use super::{Network, NodeId};
use crate::Path;

/// The address of the routers on the underlay, when they report an MTU: the one that RFC 7600 section 4.8 sets aside
/// for senders that have none of their own.
pub const UNDERLAY_ROUTER: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 8);

/// RFC 1812 section 4.3.2.3: an ICMP error quotes as much as fits in 576 bytes.
const QUOTE_LEN: usize = 576 - ipv4::HEADER_LEN - transport::ICMP_HEADER_LEN;

impl Network {
    /// A router's engine sends a payload on a path.
    pub(super) fn send(&mut self, from: NodeId, path: &Path, payload: &[u8]) {
        let Some(router) = self.node_mut(from).router_mut() else { return };
        router.stats.wan_out += 1;
        router.next_id = router.next_id.wrapping_add(1);
        let is_protected = router.is_protected;
        let Ok(bytes) = encapsulation::encapsulate(path, payload, router.next_id) else {
            self.stats.drop(WireDrop::Encapsulation);
            return;
        };
        if is_protected {
            self.watch.look(self.now, from, &bytes);
        }
        self.launch(from, bytes);
    }

    /// Puts a whole IPv4 packet on the underlay where `origin` stands.
    pub(super) fn launch(&mut self, origin: NodeId, bytes: Vec<u8>) {
        self.stats.sent += 1;
        self.stats.bytes += bytes.len() as u64;
        let Some(destination) = destination_of(&bytes) else {
            self.stats.drop(WireDrop::Malformed);
            return;
        };
        let Some(nat_id) = self.node(origin).behind else {
            self.carry(origin, origin, destination, bytes);
            return;
        };
        let (now, rng) = (self.now, &mut self.nat_rng);
        let Some(nat) = self.nodes.get_mut(nat_id.index()).and_then(|node| node.nat_mut()) else { return };
        // A neighbour on the same inside needs no translation.
        if let Some(neighbour) = nat.inside.get(&destination).copied() {
            self.carry_to(origin, origin, neighbour, bytes);
            return;
        }
        let whole = nat.reassembler.push(now, bytes).map_err(|_| NatDrop::Malformed);
        let translated = match whole {
            Ok(None) => return,
            Ok(Some(whole)) => nat.outbound(now, whole, rng),
            Err(error) => Err(error),
        };
        match translated {
            Err(reason) => self.stats.drop(WireDrop::Nat(reason)),
            Ok(bytes) if destination != nat.config.public => {
                self.carry(origin, nat_id, destination, bytes);
            }
            Ok(_) if !nat.config.hairpin => self.stats.drop(WireDrop::Nat(NatDrop::Hairpin)),
            Ok(bytes) => match nat.inbound(now, bytes) {
                Ok((neighbour, bytes)) => self.carry_to(origin, nat_id, neighbour, bytes),
                Err(reason) => self.stats.drop(WireDrop::Nat(reason)),
            },
        }
    }

    /// From `edge`, where `origin`'s packets come out, to whoever has the address.
    fn carry(&mut self, origin: NodeId, edge: NodeId, destination: Ipv4Addr, bytes: Vec<u8>) {
        match self.public.get(&destination).copied() {
            Some(target) => self.carry_to(origin, edge, target, bytes),
            None => self.lose(edge, edge, bytes, WireDrop::NoSuchAddress),
        }
    }

    fn carry_to(&mut self, origin: NodeId, edge: NodeId, target: NodeId, mut bytes: Vec<u8>) {
        // Links and partitions are between routers, also where a NAT box stands before one of them.
        let peer = self.node(target).nat().and_then(|nat| nat.peek(&bytes)).unwrap_or(target);
        if self.unreachable.contains(&(origin, peer)) {
            self.lose(edge, target, bytes, WireDrop::Partition);
            return;
        }
        if !ipv4::decrement_ttl(&mut bytes) {
            self.lose(edge, target, bytes, WireDrop::Ttl);
            return;
        }
        let config = self.link_config(origin, peer).clone();
        let pieces = match fragment::fragment(bytes.clone(), config.mtu) {
            Ok(pieces) => pieces,
            Err(error) => {
                self.observe(edge, target, bytes.clone(), Fate::TooBig);
                self.stats.drop(WireDrop::TooBig);
                if let FragmentError::DontFragment { mtu, .. } = error {
                    self.report_mtu(edge, &bytes, mtu, &config);
                }
                return;
            }
        };
        if pieces.len() > 1 {
            self.stats.fragments += pieces.len() as u64;
        }
        for piece in pieces {
            self.put_on_link((origin, peer), edge, target, piece, &config);
        }
    }

    fn put_on_link(
        &mut self,
        link: (NodeId, NodeId),
        edge: NodeId,
        target: NodeId,
        bytes: Vec<u8>,
        config: &LinkConfig,
    ) {
        let state = self.link_states.entry(link).or_default();
        let arrivals = match state.carry(config, self.now, bytes.len(), &mut self.wire_rng) {
            Carried::Arrives(arrivals) => arrivals,
            Carried::Lost => return self.lose(edge, target, bytes, WireDrop::Loss),
            Carried::BufferFull => return self.lose(edge, target, bytes, WireDrop::BufferFull),
        };
        let fate = if arrivals.len() > 1 { Fate::Duplicated } else { Fate::Sent };
        self.stats.duplicated += arrivals.len() as u64 - 1;
        for arrival in &arrivals {
            let mut bytes = bytes.clone();
            self.stats.reordered += u64::from(arrival.reordered);
            if let Some(bit) = arrival.flipped_bit
                && let Some(byte) = bytes.get_mut(bit / 8)
            {
                *byte ^= 0x80 >> (bit % 8);
                self.stats.corrupted += 1;
            }
            self.in_flight += 1;
            self.queue.push(arrival.at, Due::Arrive { to: target, bytes });
        }
        self.observe(edge, target, bytes, fate);
    }

    /// RFC 1191 section 4: the router before the narrow link tells the sender.
    fn report_mtu(&mut self, edge: NodeId, bytes: &[u8], mtu: u16, config: &LinkConfig) {
        let Ok(datagram) = ipv4::parse(bytes) else { return };
        let [m0, m1] = mtu.to_be_bytes();
        let quote = bytes.get(..QUOTE_LEN).unwrap_or(bytes);
        let message =
            transport::build_icmp(ICMP_UNREACHABLE, CODE_FRAGMENTATION_NEEDED, [0, 0, m0, m1], quote);
        let header = Header::new(UNDERLAY_ROUTER, datagram.header.source, PROTOCOL_ICMP);
        let Ok(packet) = ipv4::build(&header, &message) else { return };
        self.stats.fragmentation_needed += 1;
        self.in_flight += 1;
        self.observe(edge, edge, packet.clone(), Fate::Sent);
        self.queue.push(self.now + config.latency, Due::Arrive { to: edge, bytes: packet });
    }

    fn lose(&mut self, from: NodeId, to: NodeId, bytes: Vec<u8>, reason: WireDrop) {
        self.stats.drop(reason);
        self.observe(from, to, bytes, Fate::Lost);
    }

    fn observe(&mut self, from: NodeId, to: NodeId, bytes: Vec<u8>, fate: Fate) {
        self.digest.packet(self.now, from, to, fate as u8, &bytes);
        if !self.is_capturing && self.observers.is_empty() {
            return;
        }
        let captured = Captured { at: self.now, from, to, bytes, fate };
        for observer in &mut self.observers {
            if let Some(finding) = observer(&captured) {
                self.violations.push((self.now, finding));
            }
        }
        if self.is_capturing {
            self.captured.push(captured);
        }
    }

    /// A packet arrives at a node.
    pub(super) fn arrive(&mut self, to: NodeId, bytes: Vec<u8>) {
        self.in_flight -= 1;
        let now = self.now;
        let Some(node) = self.nodes.get_mut(to.index()) else { return };
        match &mut node.kind {
            Kind::Raw(received) => {
                self.stats.delivered += 1;
                received.push(super::Received { at: now, bytes });
            }
            Kind::Nat(nat) => {
                let whole = match nat.reassembler.push(now, bytes) {
                    Ok(Some(whole)) => whole,
                    Ok(None) => {
                        self.stats.delivered += 1;
                        return;
                    }
                    Err(_) => return self.stats.drop(WireDrop::Nat(NatDrop::Malformed)),
                };
                match nat.inbound(now, whole) {
                    Ok((inside, bytes)) => {
                        self.in_flight += 1;
                        self.arrive(inside, bytes);
                    }
                    Err(reason) => self.stats.drop(WireDrop::Nat(reason)),
                }
            }
            Kind::Router(router) => {
                if router.engine.is_none() {
                    return self.stats.drop(WireDrop::NodeDown);
                }
                match router.reassembler.push(now, bytes) {
                    Ok(Some(whole)) => self.arrive_whole(to, &whole),
                    Ok(None) => self.stats.delivered += 1,
                    Err(_) => self.stats.drop(WireDrop::Malformed),
                }
            }
        }
    }

    fn arrive_whole(&mut self, to: NodeId, bytes: &[u8]) {
        let Ok(datagram) = ipv4::parse(bytes) else {
            return self.stats.drop(WireDrop::Malformed);
        };
        if !self.node(to).addresses.contains(&datagram.header.destination) {
            return self.stats.drop(WireDrop::NotLocal);
        }
        if datagram.header.protocol == PROTOCOL_ICMP {
            return self.arrive_icmp(to, &datagram);
        }
        match encapsulation::decapsulate(&datagram) {
            Ok((path, payload)) => {
                self.stats.delivered += 1;
                self.feed(to, Work::Wan(path, payload.to_vec()));
            }
            Err(EncapsulationError::Protocol(_)) => self.stats.drop(WireDrop::Protocol),
            Err(_) => self.stats.drop(WireDrop::Malformed),
        }
    }

    /// What a router's kernel does with ICMP on the underlay: it answers echoes and hands MTU reports on.
    fn arrive_icmp(&mut self, to: NodeId, datagram: &Datagram<'_>) {
        let Ok(icmp) = transport::parse_icmp(datagram.payload) else {
            return self.stats.drop(WireDrop::Malformed);
        };
        match (icmp.kind, icmp.code) {
            (ICMP_ECHO, _) => {
                self.stats.delivered += 1;
                let answer = transport::build_icmp(ICMP_ECHO_REPLY, 0, icmp.rest, icmp.body);
                let Header { source, destination, tos, .. } = datagram.header;
                let header = Header { tos, ..Header::new(destination, source, PROTOCOL_ICMP) };
                if let Ok(packet) = ipv4::build(&header, &answer) {
                    self.launch(to, packet);
                }
            }
            (ICMP_UNREACHABLE, CODE_FRAGMENTATION_NEEDED) => {
                let Some(quoted) = quoted_header(icmp.body) else {
                    return self.stats.drop(WireDrop::Malformed);
                };
                self.stats.delivered += 1;
                let mtu = icmp.sequence_or_mtu();
                self.feed(to, Work::Mtu(IpAddr::V4(quoted.destination), mtu));
            }
            _ => self.stats.drop(WireDrop::Protocol),
        }
    }
}

/// Where a packet goes to. The checksum is the receiver's business: a raw host may send what it likes.
fn destination_of(bytes: &[u8]) -> Option<Ipv4Addr> {
    let header = bytes.first_chunk::<{ ipv4::HEADER_LEN }>()?;
    let [.., a, b, c, d] = *header;
    (header[0] >> 4 == 4).then_some(Ipv4Addr::new(a, b, c, d))
}
