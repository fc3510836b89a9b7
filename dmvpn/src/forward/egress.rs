//! From an IP packet to the underlay.

use std::net::Ipv4Addr;
use std::time::Instant;

use ikev2::ChildId;
use ipnet::Ipv4Net;

use super::adjacency::AdjacencyIndex;
use super::batch::{Departure, Step};
use super::ipv4::{self, Header};
use super::sa::OutboundSa;
use super::{Plane, Programmed, Punt, icmp, mss};
use crate::ids::{PathId, TunnelId};
use crate::{Delivery, DropReason, Packet, Path, Verdict};

/// Where a packet came from; it decides what is done to it on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The router itself: the TTL stays.
    Own,
    /// A LAN.
    Lan,
    /// A tunnel, by this path, if its sender has one.
    Tunnel(TunnelId, Option<PathId>),
}

/// What a route says about a packet.
enum Choice {
    Local,
    Lan,
    Tunnel(TunnelId, PathId),
}

impl Plane {
    /// An IP packet from a LAN (`transit`), or one that the router itself originates.
    pub(crate) fn handle_lan(&mut self, now: Instant, packet: &mut Packet, transit: bool) -> Verdict {
        let step = self.route_lan(now, packet, transit);
        self.finish(step, packet)
    }

    /// [`Plane::handle_lan`] up to the ESP.
    pub(super) fn route_lan(&mut self, now: Instant, packet: &mut Packet, transit: bool) -> Step {
        if self.is_external() {
            return self.dropped(DropReason::ForwardedElsewhere);
        }
        let Some(header) = self.read(packet) else {
            return self.dropped(DropReason::Malformed);
        };
        let origin = if transit { Origin::Lan } else { Origin::Own };
        self.route(now, packet, &header, origin)
    }

    /// Does what is left to do for a packet that was routed.
    pub(crate) fn finish(&mut self, step: Step, packet: &mut Packet) -> Verdict {
        match step {
            Step::Done(verdict) => verdict,
            Step::Seal(departure) => {
                let sealed = self.seal(departure.path, packet);
                self.depart(&departure, sealed)
            }
        }
    }

    fn dropped(&mut self, reason: DropReason) -> Step {
        Step::Done(Verdict::Dropped(self.count_drop(reason)))
    }

    /// Sends a control packet (NHRP, or IP with OSPF in it) to a peer. The packet is transformed in place.
    pub(crate) fn send(
        &mut self,
        tunnel: TunnelId,
        path: PathId,
        protocol: gre::Protocol,
        tos: u8,
        packet: &mut Packet,
    ) -> Result<Path, DropReason> {
        let len = packet.len() as u64;
        let sent = match self.wrap(tunnel, path, protocol, packet) {
            Ok(true) => self.seal(path, packet),
            Ok(false) => Ok(()),
            Err(reason) => Err(reason),
        };
        let sent = sent.and_then(|()| {
            self.paths.entry(path).map(|entry| entry.wire_path(tos, false)).ok_or(DropReason::NoPath)
        });
        if let Some(tunnel) = self.tunnels.get_mut(tunnel.index()) {
            match sent {
                Ok(_) => {
                    tunnel.counters.packets_out += 1;
                    tunnel.counters.bytes_out += len;
                }
                Err(_) => tunnel.counters.drops_out += 1,
            }
        }
        sent.map_err(|reason| self.count_drop(reason))
    }

    /// Counts a copy of a multicast packet that was sent.
    pub(crate) fn count_multicast_out(&mut self, tunnel: TunnelId) {
        if let Some(tunnel) = self.tunnels.get_mut(tunnel.index()) {
            tunnel.counters.multicast_out += 1;
        }
    }

    /// Our address on the network by which packets to `destination` leave.
    pub(crate) fn source_towards(&self, destination: Ipv4Addr) -> Option<Ipv4Addr> {
        if let Some(own) = self.address_on_network_of(destination) {
            return Some(own);
        }
        let tunnel = match self.fib.lookup(destination)? {
            Programmed::OnLink(tunnel) => *tunnel,
            Programmed::Via(hops) => hops.first()?.tunnel,
            Programmed::Local | Programmed::Lan => return self.addresses.first().map(|(_, own)| *own),
        };
        self.tunnels.get(tunnel.index()).map(|tunnel| tunnel.settings.address)
    }

    fn address_on_network_of(&self, address: Ipv4Addr) -> Option<Ipv4Addr> {
        self.addresses.iter().find(|(network, _)| network.contains(&address)).map(|(_, own)| *own)
    }

    /// Reads the IP header and cuts off what lies behind the packet's own length.
    pub(super) fn read(&mut self, packet: &mut Packet) -> Option<Header> {
        let header = Header::read(packet.bytes())?;
        packet.truncate(header.total_len);
        Some(header)
    }

    pub(super) fn route(
        &mut self,
        now: Instant,
        packet: &mut Packet,
        header: &Header,
        origin: Origin,
    ) -> Step {
        if header.destination.is_multicast() || header.destination.is_broadcast() {
            return self.dropped(DropReason::Multicast);
        }
        let choice = match self.choose(now, header) {
            Ok(choice) => choice,
            Err(reason) => {
                let error = match reason {
                    DropReason::NoRoute => icmp::Error::NetUnreachable,
                    _ => icmp::Error::HostUnreachable,
                };
                return self.refuse(now, packet, header, error, reason, origin);
            }
        };
        if let Choice::Local = choice {
            let tunnel = if let Origin::Tunnel(tunnel, _) = origin { Some(tunnel) } else { None };
            return Step::Done(Verdict::Deliver(Delivery::Local(tunnel)));
        }
        let keeps_ttl = match origin {
            Origin::Own => true,
            Origin::Lan | Origin::Tunnel(..) => {
                self.host_routes_lans && (origin == Origin::Lan || matches!(choice, Choice::Lan))
            }
        };
        if self.host_routes_lans && origin == Origin::Lan && matches!(choice, Choice::Lan) {
            // The host sent here what is its own to route: it would come back for ever.
            let error = icmp::Error::NetUnreachable;
            return self.refuse(now, packet, header, error, DropReason::NoRoute, origin);
        }
        if !keeps_ttl && !ipv4::decrement_ttl(packet.bytes_mut()) {
            return self.refuse(
                now,
                packet,
                header,
                icmp::Error::TimeExceeded,
                DropReason::TtlExceeded,
                origin,
            );
        }
        match choice {
            Choice::Local | Choice::Lan => Step::Done(Verdict::Deliver(Delivery::Lan)),
            Choice::Tunnel(tunnel, path) => self.leave_by_tunnel(now, packet, header, tunnel, path, origin),
        }
    }

    fn leave_by_tunnel(
        &mut self,
        now: Instant,
        packet: &mut Packet,
        header: &Header,
        tunnel: TunnelId,
        path: PathId,
        origin: Origin,
    ) -> Step {
        self.clamp_mss(now, packet, header, tunnel, Some(path));
        let fits = self.tunnel_mtu(tunnel, path).unwrap_or(u16::MAX);
        let Some(out) = self.tunnels.get_mut(tunnel.index()) else {
            return self.dropped(DropReason::InterfaceDown);
        };
        let fits = fits.min(out.settings.ip_mtu);
        if header.dont_fragment && header.total_len > usize::from(fits) {
            out.counters.drops_out += 1;
            let error = icmp::Error::FragmentationNeeded(fits);
            return self.refuse(now, packet, header, error, DropReason::TooBig, origin);
        }
        let dont_fragment = header.dont_fragment && out.settings.path_mtu_discovery;
        if let Origin::Tunnel(came_by, Some(from)) = origin
            && from != path
        {
            self.redirect(now, came_by, tunnel, from, header, packet);
        }
        let departure =
            Departure { tunnel, path, tos: header.tos, dont_fragment, len: header.total_len as u64 };
        match self.wrap(tunnel, path, gre::Protocol::IPV4, packet) {
            Ok(true) => Step::Seal(departure),
            Ok(false) => Step::Done(self.depart(&departure, Ok(()))),
            Err(reason) => Step::Done(self.depart(&departure, Err(reason))),
        }
    }

    /// Counts a packet that left, or did not, and says where it goes.
    pub(super) fn depart(&mut self, departure: &Departure, sealed: Result<(), DropReason>) -> Verdict {
        let &Departure { tunnel, path, tos, dont_fragment, len } = departure;
        let wire = sealed.and_then(|()| {
            self.paths.entry(path).map(|entry| entry.wire_path(tos, dont_fragment)).ok_or(DropReason::NoPath)
        });
        if let Some(out) = self.tunnels.get_mut(tunnel.index()) {
            match wire {
                Ok(_) => {
                    out.counters.packets_out += 1;
                    out.counters.bytes_out += len;
                }
                Err(_) => out.counters.drops_out += 1,
            }
        }
        match wire {
            Ok(wire) => Verdict::Transmit(wire),
            Err(reason) => Verdict::Dropped(self.count_drop(reason)),
        }
    }

    /// Answers a packet that cannot go on with an ICMP error, which takes its place.
    fn refuse(
        &mut self,
        now: Instant,
        packet: &mut Packet,
        header: &Header,
        error: icmp::Error,
        reason: DropReason,
        origin: Origin,
    ) -> Step {
        self.count_drop(reason);
        let source = match origin {
            Origin::Tunnel(tunnel, _) => {
                self.tunnels.get(tunnel.index()).map(|tunnel| tunnel.settings.address)
            }
            Origin::Lan | Origin::Own => self.source_towards(header.source),
        };
        let answered = source.is_some_and(|source| {
            self.icmp_limit.take(now) && icmp::turn_into_error(packet, header, error, source)
        });
        if !answered {
            return Step::Done(Verdict::Dropped(reason));
        }
        match self.read(packet) {
            Some(header) => self.route(now, packet, &header, Origin::Own),
            None => Step::Done(Verdict::Dropped(reason)),
        }
    }

    /// Finds the way for a packet, and reports next hops that are used or wanted.
    fn choose(&mut self, now: Instant, header: &Header) -> Result<Choice, DropReason> {
        let Self { fib, adjacencies, tunnels, punts, .. } = self;
        let (tunnel, gateway, fallbacks): (TunnelId, Option<AdjacencyIndex>, &[AdjacencyIndex]) =
            match fib.lookup(header.destination).ok_or(DropReason::NoRoute)? {
                Programmed::Local => return Ok(Choice::Local),
                Programmed::Lan => return Ok(Choice::Lan),
                Programmed::OnLink(tunnel) => (*tunnel, adjacencies.find(*tunnel, header.destination), &[]),
                Programmed::Via(hops) => {
                    let hop = match &**hops {
                        [only] => only,
                        several => several
                            .get(flow_hash(header) % several.len().max(1))
                            .ok_or(DropReason::NoRoute)?,
                    };
                    (hop.tunnel, Some(hop.gateway), &hop.fallbacks)
                }
            };
        let mut report = |punt: Punt| {
            if punts.len() < super::PUNT_LIMIT {
                punts.push_back(punt);
            }
        };
        match gateway.and_then(|gateway| adjacencies.entry_mut(gateway)) {
            Some(adjacency) => {
                let next_hop = adjacency.address;
                let due = adjacency.report_is_due(now);
                if let Some(path) = adjacency.path {
                    if due {
                        report(Punt::Used { tunnel, next_hop });
                    }
                    return Ok(Choice::Tunnel(tunnel, path));
                }
                if due {
                    report(Punt::Unresolved { tunnel, next_hop });
                }
            }
            None => report(Punt::Unresolved { tunnel, next_hop: header.destination }),
        }
        let out = tunnels.get_mut(tunnel.index()).ok_or(DropReason::InterfaceDown)?;
        let by_route = fallbacks.iter().copied().find(|fallback| adjacencies.path(*fallback).is_some());
        let fallback =
            by_route.or_else(|| adjacencies.find(tunnel, out.fallback?)).ok_or(DropReason::NoPath)?;
        let adjacency = adjacencies.entry_mut(fallback).ok_or(DropReason::NoPath)?;
        let path = adjacency.path.ok_or(DropReason::NoPath)?;
        if adjacency.report_is_due(now) {
            report(Punt::Used { tunnel, next_hop: adjacency.address });
        }
        out.counters.by_fallback += 1;
        Ok(Choice::Tunnel(tunnel, path))
    }

    /// Puts GRE around a packet; `true` if it still has to be sealed.
    fn wrap(
        &mut self,
        tunnel: TunnelId,
        path: PathId,
        protocol: gre::Protocol,
        packet: &mut Packet,
    ) -> Result<bool, DropReason> {
        // Two planes must never send under one SA: they would use the same sequence numbers.
        if self.is_external() {
            return Err(DropReason::ForwardedElsewhere);
        }
        let out = self.tunnels.get(tunnel.index()).ok_or(DropReason::InterfaceDown)?;
        let entry = self.paths.entry(path).ok_or(DropReason::NoPath)?;
        // What protects a tunnel is the tunnel's own setting: a path without protection never serves one with it.
        let protected = out.settings.protected || entry.protected;
        if protected && entry.outbound.is_none() {
            return Err(DropReason::NoSa);
        }
        let range = packet.range();
        let start = out.gre(protocol).push(packet.memory(), range.clone()).map_err(|_| DropReason::NoRoom)?;
        packet.set_range(start..range.end);
        Ok(entry.outbound.is_some())
    }

    /// Puts ESP around a GRE packet.
    fn seal(&mut self, path: PathId, packet: &mut Packet) -> Result<(), DropReason> {
        let sa = self.outbound_mut(path).ok_or(DropReason::NoSa)?;
        let (child, sealed) = (sa.child(), sa.seal(packet));
        self.note_sealed(path, child, sealed)
    }

    pub(super) fn outbound_mut(&mut self, path: PathId) -> Option<&mut OutboundSa> {
        self.paths.entry_mut(path)?.outbound.as_mut()
    }

    /// Reports an SA that comes to its end.
    pub(super) fn note_sealed(
        &mut self,
        path: PathId,
        child: ChildId,
        sealed: Result<esp::LimitState, DropReason>,
    ) -> Result<(), DropReason> {
        match sealed {
            Ok(esp::LimitState::Ok) => Ok(()),
            Ok(_) => {
                self.punt(Punt::SaLimit { path, child, hard: false });
                Ok(())
            }
            Err(reason) => {
                if reason == DropReason::SaExhausted {
                    self.punt(Punt::SaLimit { path, child, hard: true });
                }
                Err(reason)
            }
        }
    }

    pub(super) fn clamp_mss(
        &mut self,
        now: Instant,
        packet: &mut Packet,
        header: &Header,
        tunnel: TunnelId,
        path: Option<PathId>,
    ) {
        if header.protocol != ipv4::protocol::TCP {
            return;
        }
        let Some(settings) = self.tunnels.get(tunnel.index()).map(|tunnel| &tunnel.settings) else { return };
        let on_lan =
            |network: &Ipv4Net| network.contains(&header.source) || network.contains(&header.destination);
        let of_lans = self.lan_mss.iter().filter(|(network, _)| on_lan(network)).map(|(_, mss)| *mss).min();
        let clamp = settings.adjust_mss.into_iter().chain(of_lans).min();
        let ip_mtu = settings.ip_mtu;
        let Some(offered) = mss::clamp(packet.bytes_mut(), header, clamp) else { return };
        let mtu = path.and_then(|path| self.tunnel_mtu(tunnel, path)).unwrap_or(u16::MAX).min(ip_mtu);
        let fits = mtu.saturating_sub(TCP_AND_IP_HEADERS);
        if offered > fits && self.tunnels[tunnel.index()].mss_report_is_due(now) {
            self.punt(Punt::MssTooLarge { tunnel, offered, fits });
        }
    }

    /// Reports a packet that came by one tunnel and leaves by another if both are one NHRP domain that redirects.
    fn redirect(
        &mut self,
        now: Instant,
        came_by: TunnelId,
        leaves_by: TunnelId,
        from: PathId,
        header: &Header,
        packet: &Packet,
    ) {
        let settings = |tunnel: TunnelId| self.tunnels.get(tunnel.index()).map(|tunnel| &tunnel.settings);
        let (Some(came_by), Some(leaves_by)) = (settings(came_by), settings(leaves_by)) else { return };
        if !came_by.redirect || came_by.network_id != leaves_by.network_id {
            return;
        }
        let tunnel = came_by.id;
        if self.redirects.is_due(now, from, header.source, header.destination) {
            let quoted = packet.bytes().get(..REDIRECT_QUOTE).unwrap_or(packet.bytes());
            self.punt(Punt::Redirect { tunnel, path: from, packet: quoted.to_vec() });
        }
    }
}

/// IPv4 and TCP headers without options: what an MSS does not count.
const TCP_AND_IP_HEADERS: u16 = 40;
/// What a Traffic Indication quotes: an IP header and the first eight bytes behind it.
const REDIRECT_QUOTE: usize = 28;

/// Spreads flows over equal next hops; the same addresses and protocol always take the same one, so that packets of a
/// flow stay in order and fragments stay together.
fn flow_hash(header: &Header) -> usize {
    let mut hash =
        header.source.to_bits() ^ header.destination.to_bits().rotate_left(16) ^ u32::from(header.protocol);
    // Finaliser of MurmurHash3: every input bit reaches every output bit.
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x85eb_ca6b);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xc2b2_ae35);
    (hash ^ (hash >> 16)) as usize
}
