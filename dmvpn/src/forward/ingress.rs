//! From the underlay to an IP packet, or to whoever a control packet is for.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Instant;

use super::batch::Step;
use super::egress::Origin;
use super::ipv4::{self, Header, protocol};
use super::{Plane, Punt};
use crate::ids::{PathId, TunnelId, UnderlayId};
use crate::{DropReason, Packet, Path, Verdict, Wire};

/// The NAT traversal port (RFC 3948), where IKE and ESP share UDP.
pub(crate) const NAT_PORT: u16 = 4500;

/// What came in from the underlay. Where it is a control packet, `packet` holds what the protocol's machine wants.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ingress {
    /// An IKE message, without marker.
    Ike(UnderlayId),
    /// An NHRP packet.
    Nhrp(TunnelId, PathId),
    /// An NHRP packet from an unprotected sender that has no path yet.
    PlainNhrp(TunnelId),
    /// An OSPF packet: the IP payload, and what its IP header said.
    Ospf(OspfPacket),
    /// Anything else: its fate, unless it has to be sealed first.
    Data(Step),
}

/// What the headers of an OSPF packet said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OspfPacket {
    pub(crate) tunnel: TunnelId,
    pub(crate) path: PathId,
    pub(crate) source: Ipv4Addr,
    pub(crate) destination: Ipv4Addr,
    pub(crate) ttl: u8,
    /// For a part of a packet, which one.
    pub(crate) fragment: Option<OspfFragment>,
}

impl OspfPacket {
    pub(crate) fn new(tunnel: TunnelId, path: PathId, header: &Header) -> Self {
        let is_part = header.fragment_offset > 0 || header.more_fragments;
        Self {
            tunnel,
            path,
            source: header.source,
            destination: header.destination,
            ttl: header.ttl,
            fragment: is_part.then(|| OspfFragment::of(header)),
        }
    }
}

/// A part of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OspfFragment {
    pub(crate) identification: u16,
    /// In bytes.
    pub(crate) offset: usize,
    pub(crate) more: bool,
}

impl OspfFragment {
    pub(crate) fn of(header: &Header) -> Self {
        Self {
            identification: header.identification,
            offset: header.fragment_offset,
            more: header.more_fragments,
        }
    }
}

impl Plane {
    /// A packet from the underlay, without its outer IP and UDP headers. `plain_path` finds the path of a sender whose
    /// packets carry no SA.
    pub(crate) fn handle_wan(
        &mut self,
        now: Instant,
        wire: Path,
        packet: &mut Packet,
        plain_path: impl FnOnce(UnderlayId, IpAddr) -> Option<PathId>,
    ) -> Ingress {
        match self.receive(now, wire, packet, plain_path) {
            Ok(ingress) => ingress,
            Err(reason) => Ingress::Data(Step::Done(Verdict::Dropped(self.count_drop(reason)))),
        }
    }

    fn receive(
        &mut self,
        now: Instant,
        wire: Path,
        packet: &mut Packet,
        plain_path: impl FnOnce(UnderlayId, IpAddr) -> Option<PathId>,
    ) -> Result<Ingress, DropReason> {
        let underlay = self.underlays.iter().position(|underlay| underlay.address == wire.local);
        let underlay = underlay.and_then(|index| u32::try_from(index).ok()).ok_or(DropReason::NotForUs)?;
        let underlay = UnderlayId(underlay);
        let is_ike = match wire.wire {
            Wire::Udp { local_port: NAT_PORT, .. } => {
                !matches!(esp::udp::classify(packet.bytes()), esp::udp::Datagram::Esp(_))
            }
            Wire::Udp { .. } => true,
            Wire::Esp | Wire::Gre => false,
        };
        if self.is_external() && !is_ike {
            return Err(DropReason::ForwardedElsewhere);
        }
        match wire.wire {
            Wire::Udp { local_port: NAT_PORT, .. } => match esp::udp::classify(packet.bytes()) {
                esp::udp::Datagram::Keepalive => Ok(Ingress::Data(Step::Done(Verdict::Consumed))),
                esp::udp::Datagram::Ike(_) => {
                    packet.pull(esp::udp::NON_ESP_MARKER.len());
                    Ok(Ingress::Ike(underlay))
                }
                esp::udp::Datagram::Esp(_) => self.receive_esp(now, underlay, wire, packet),
                _ => Err(DropReason::UdpMalformed),
            },
            Wire::Udp { .. } => Ok(Ingress::Ike(underlay)),
            Wire::Esp => self.receive_esp(now, underlay, wire, packet),
            Wire::Gre => {
                let (tunnel, protocol) = self.pull_gre(now, underlay, wire.remote, packet)?;
                if self.tunnels[tunnel.index()].settings.protected {
                    self.punt_stranger(now, Punt::ClearText { remote: wire.remote });
                    return Err(DropReason::ClearText);
                }
                match plain_path(underlay, wire.remote) {
                    None if protocol == gre::Protocol::NHRP => Ok(Ingress::PlainNhrp(tunnel)),
                    path => self.receive_payload(now, (tunnel, protocol), path, wire.tos, packet),
                }
            }
        }
    }

    fn receive_esp(
        &mut self,
        now: Instant,
        underlay: UnderlayId,
        wire: Path,
        packet: &mut Packet,
    ) -> Result<Ingress, DropReason> {
        let spi = packet
            .bytes()
            .first_chunk()
            .map(|spi| u32::from_be_bytes(*spi))
            .ok_or(DropReason::EspMalformed)?;
        let Some(sa) = self.inbound.find_mut(underlay, spi) else {
            self.punt_stranger(now, Punt::UnknownSpi { underlay, wire, spi });
            return Err(DropReason::UnknownSpi);
        };
        let (path, child) = (sa.path(), sa.child());
        let opened = sa.open(packet);
        let alive = opened.is_ok() && sa.report_is_due(now);
        match opened {
            Ok(esp::LimitState::Ok) => {}
            Ok(_) => self.punt(Punt::SaLimit { path, child, hard: false }),
            Err(reason) => {
                if reason == DropReason::SaExhausted {
                    self.punt(Punt::SaLimit { path, child, hard: true });
                }
                return Err(reason);
            }
        }
        if alive {
            self.punt(Punt::Alive { path, child });
        }
        let remote = match wire.wire {
            Wire::Udp { remote_port, .. } => Some(SocketAddr::new(wire.remote, remote_port)),
            Wire::Esp | Wire::Gre => None,
        };
        if let (Some(remote), Some(entry)) = (remote, self.paths.entry(path))
            && entry.remote != remote
        {
            self.punt(Punt::Moved { path, child, remote });
        }
        let (tunnel, protocol) = self.pull_gre(now, underlay, wire.remote, packet)?;
        if !self.tunnels[tunnel.index()].settings.protected {
            // The peer protects a tunnel that is plain here: its packets are authentic, but we would answer in the clear.
            return Err(DropReason::Selector);
        }
        self.receive_payload(now, (tunnel, protocol), Some(path), wire.tos, packet)
    }

    /// Takes the GRE header off and finds the tunnel by its key.
    fn pull_gre(
        &mut self,
        now: Instant,
        underlay: UnderlayId,
        remote: IpAddr,
        packet: &mut Packet,
    ) -> Result<(TunnelId, gre::Protocol), DropReason> {
        let (header, len) = gre::Header::decode(packet.bytes()).map_err(|_| DropReason::GreMalformed)?;
        let candidates = &self.underlays[underlay.index()].tunnels;
        let tunnel = candidates.iter().find(|tunnel| self.tunnels[tunnel.index()].settings.key == header.key);
        let Some(&tunnel) = tunnel else {
            self.punt_stranger(now, Punt::UnknownGreKey { underlay, remote, key: header.key });
            return Err(DropReason::GreKey);
        };
        packet.pull(len);
        Ok((tunnel, header.protocol))
    }

    /// What is inside GRE. Without protection a sender may have no path: its data is taken all the same, as IOS and the Linux
    /// kernel do, for a peer that knows us may be one that we do not know yet (we restarted). Nothing on an unprotected
    /// tunnel proves who sent it, so a known path would prove nothing either.
    fn receive_payload(
        &mut self,
        now: Instant,
        (tunnel, protocol): (TunnelId, gre::Protocol),
        path: Option<PathId>,
        outer_tos: u8,
        packet: &mut Packet,
    ) -> Result<Ingress, DropReason> {
        let received = match protocol {
            gre::Protocol::NHRP => path.map(|path| Ingress::Nhrp(tunnel, path)).ok_or(DropReason::NoPath),
            gre::Protocol::IPV4 => self.receive_ipv4(now, tunnel, path, outer_tos, packet),
            gre::Protocol::IPV6 => Err(DropReason::Ipv6),
            _ => Err(DropReason::GreProtocol),
        };
        if received.is_err() {
            self.tunnels[tunnel.index()].counters.drops_in += 1;
        }
        received
    }

    fn receive_ipv4(
        &mut self,
        now: Instant,
        tunnel: TunnelId,
        path: Option<PathId>,
        outer_tos: u8,
        packet: &mut Packet,
    ) -> Result<Ingress, DropReason> {
        let header = self.read(packet).ok_or(DropReason::Malformed)?;
        let came_by = &mut self.tunnels[tunnel.index()];
        if header.source == came_by.settings.address {
            return Err(DropReason::SpoofedSource);
        }
        if !ipv4::propagate_congestion(packet.bytes_mut(), outer_tos) {
            return Err(DropReason::Congestion);
        }
        came_by.counters.packets_in += 1;
        came_by.counters.bytes_in += header.total_len as u64;
        if header.destination.is_multicast() {
            came_by.counters.multicast_in += 1;
        }
        let for_us = header.destination == came_by.settings.address || is_ospf_group(header.destination);
        if header.protocol == protocol::OSPF && for_us {
            // Neighbours are those that NHRP knows.
            let path = path.ok_or(DropReason::NoPath)?;
            packet.pull(header.header_len);
            return Ok(Ingress::Ospf(OspfPacket::new(tunnel, path, &header)));
        }
        self.clamp_mss(now, packet, &header, tunnel, path);
        Ok(Ingress::Data(self.route(now, packet, &header, Origin::Tunnel(tunnel, path))))
    }
}

/// AllSPFRouters and AllDRouters (RFC 2328 appendix A.1).
fn is_ospf_group(address: Ipv4Addr) -> bool {
    address == Ipv4Addr::new(224, 0, 0, 5) || address == Ipv4Addr::new(224, 0, 0, 6)
}
