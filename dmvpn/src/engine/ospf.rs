//! OSPF: packets in and out, neighbours that follow NHRP, routes.

use std::net::Ipv4Addr;
use std::time::Instant;

use nhrp::AdjacencyKind;
use ospf_p2mp::{Direct, Input, InterfaceId, Output as OspfOutput, RouteChange};

mod fragment;

use super::Engine;
use super::ike::CONTROL_TOS;
use crate::forward::ipv4::{NewHeader, protocol};
use crate::forward::{Hop, OspfPacket};
use crate::ids::{PathId, TunnelId};
use crate::rib::{OspfPart, RibRoute, RouteSource, Target};
use crate::{DropReason, Event, Packet, Verdict};

pub(super) use fragment::Reassembly;

/// OSPF's name for a tunnel: tunnels come first, in their own order; LANs follow.
pub(super) const fn interface_of(tunnel: TunnelId) -> InterfaceId {
    InterfaceId(tunnel.0)
}

impl Engine {
    /// An OSPF packet of the built-in forwarding plane, which counts what is dropped.
    pub(super) fn receive_counted_ospf(
        &mut self,
        now: Instant,
        header: OspfPacket,
        packet: &mut Packet,
    ) -> Verdict {
        let verdict = self.receive_ospf(now, header, packet);
        if let Verdict::Dropped(reason) = verdict {
            self.plane.count_drop(reason);
        }
        verdict
    }

    pub(super) fn receive_ospf(&mut self, now: Instant, header: OspfPacket, packet: &mut Packet) -> Verdict {
        let OspfPacket { tunnel, path, source, destination, ttl, fragment } = header;
        let interface = interface_of(tunnel);
        let Some(ospf) = self.ospf.as_mut().filter(|ospf| ospf.tunnels.contains_key(&interface)) else {
            return Verdict::Dropped(DropReason::NoOspf);
        };
        // The underlay has proven who the peer is and NHRP which tunnel address it has: nobody speaks for another.
        if self.plane.path_to(tunnel, source) != Some(path) {
            return Verdict::Dropped(DropReason::OspfSource);
        }
        let whole = match fragment {
            None => None,
            Some(part) => {
                let key = (tunnel, source, destination);
                match ospf.reassembly.take(now, key, part, packet.bytes()) {
                    Ok(Some(whole)) => Some(whole),
                    Ok(None) => return Verdict::Consumed,
                    Err(reason) => return Verdict::Dropped(reason),
                }
            }
        };
        let payload = whole.as_deref().unwrap_or(packet.bytes());
        ospf.router.handle_input(now, Input::Packet { interface, source, destination, ttl, payload });
        Verdict::Consumed
    }

    pub(super) fn drain_ospf(&mut self, now: Instant, budget: &mut usize) {
        while *budget > 0 && self.pacer.may_send(now) {
            let Some(output) = self.ospf.as_mut().and_then(|ospf| ospf.router.poll_output()) else { return };
            *budget -= 1;
            match output {
                OspfOutput::Transmit { interface, destination, peer, ttl, payload } => {
                    self.send_ospf(now, interface, destination, peer, ttl, &payload);
                }
                OspfOutput::Route(change) => self.handle_route_change(now, change),
                OspfOutput::Event(event) => {
                    let interface = self.ospf_event_interface(&event);
                    self.event(Event::Ospf { interface, event });
                }
                _ => {}
            }
        }
    }

    /// What NHRP says of a next hop, for OSPF: a hub or a client is a neighbour, and anything else the direct gateway of
    /// routes.
    pub(super) fn tell_ospf_of_adjacency(
        &mut self,
        now: Instant,
        tunnel: TunnelId,
        address: Ipv4Addr,
        kind: AdjacencyKind,
        is_up: bool,
    ) {
        let interface = interface_of(tunnel);
        let input = match (kind, is_up) {
            (AdjacencyKind::Dynamic, _) => {
                let state = if is_up { Direct::Up } else { Direct::Unknown };
                Input::SetDirect { interface, gateway: address, state }
            }
            (_, true) => Input::PeerUp { interface, address },
            (_, false) => Input::PeerDown { interface, address },
        };
        if let Some(ospf) = &mut self.ospf
            && ospf.tunnels.contains_key(&interface)
        {
            ospf.router.handle_input(now, input);
        }
    }

    fn send_ospf(
        &mut self,
        now: Instant,
        interface: InterfaceId,
        destination: Ipv4Addr,
        peer: Option<Ipv4Addr>,
        ttl: u8,
        payload: &[u8],
    ) {
        let Some(tunnel) = self.ospf.as_ref().and_then(|ospf| ospf.tunnels.get(&interface)).copied() else {
            return;
        };
        self.identification = self.identification.wrapping_add(1);
        let header = NewHeader {
            tos: CONTROL_TOS,
            identification: self.identification,
            dont_fragment: false,
            ttl,
            protocol: protocol::OSPF,
            source: self.tunnels[tunnel.index()].address,
            destination,
        };
        let packets = fragment::cut(header, payload, self.ospf_mtu(interface));
        let members: Vec<PathId> = match peer {
            Some(peer) => self.plane.path_to(tunnel, peer).into_iter().collect(),
            None => self.plane.multicast_members(tunnel).to_vec(),
        };
        for path in members {
            for packet in &packets {
                self.pacer.count();
                let sent = self.send_control(now, tunnel, path, gre::Protocol::IPV4, packet);
                if !destination.is_multicast() {
                    continue;
                }
                if sent {
                    self.plane.count_multicast_out(tunnel);
                } else if let Some(failed) = self.tunnels[tunnel.index()].failed_copies.get_mut(&path) {
                    *failed += 1;
                }
            }
        }
    }

    /// The largest IP packet of a tunnel, as OSPF knows it.
    fn ospf_mtu(&self, interface: InterfaceId) -> u16 {
        let interfaces = self.ospf.iter().flat_map(|ospf| &ospf.router.config().interfaces);
        interfaces.into_iter().find(|one| one.id == interface).map_or(u16::MAX, |one| one.mtu)
    }

    fn handle_route_change(&mut self, now: Instant, change: RouteChange) {
        let prefix = change.prefix();
        match change {
            RouteChange::Add(route) | RouteChange::Replace(route) => {
                let hops = self.hops_of(&route);
                if hops.is_empty() {
                    self.rib.withdraw(prefix, RouteSource::Ospf);
                } else {
                    self.report_hub_as_next_hop(&route, &hops);
                    let part = OspfPart {
                        kind: route.kind,
                        area: route.area.0,
                        advertising_router: route.advertising_router,
                    };
                    self.rib.offer(
                        prefix,
                        RibRoute {
                            source: RouteSource::Ospf,
                            distance: self
                                .config
                                .ospf
                                .as_ref()
                                .map_or(RouteSource::Ospf.distance(), |ospf| ospf.distance),
                            metric: route.metric,
                            target: Target::Via(hops),
                            since: route.since,
                            ospf: Some(part),
                        },
                    );
                }
            }
            RouteChange::Remove(_) => {
                self.rib.withdraw(prefix, RouteSource::Ospf);
                if let Some(ospf) = &mut self.ospf {
                    ospf.reported_hub.remove(&prefix);
                }
            }
            _ => {}
        }
        self.tell_nodes(now, &::nhrp::Input::RouteChanged { prefix: prefix.into() });
    }

    fn hops_of(&self, route: &ospf_p2mp::Route) -> Vec<Hop> {
        let Some(ospf) = &self.ospf else { return Vec::new() };
        let hop = |next_hop: &ospf_p2mp::NextHop| {
            let tunnel = *ospf.tunnels.get(&next_hop.interface)?;
            Some(Hop { tunnel, gateway: next_hop.gateway?, fallbacks: next_hop.fallbacks.clone() })
        };
        let most = self.config.ospf.as_ref().map_or(usize::MAX, |process| process.maximum_paths.into());
        route.next_hops.iter().filter_map(hop).take(most).collect()
    }

    /// The guide's second failure mode: on a spoke of a phase 2 cloud, a route behind another spoke whose next hop is the
    /// hub. Said once for a route.
    fn report_hub_as_next_hop(&mut self, route: &ospf_p2mp::Route, hops: &[Hop]) {
        let Some(hop) = hops.first() else { return };
        let tunnel = &self.tunnels[hop.tunnel.index()];
        let is_nhs = matches!(
            tunnel.adjacencies.get(&hop.gateway).map(|adjacency| adjacency.kind),
            Some(AdjacencyKind::Nhs)
        );
        // Other spokes' own addresses are on the tunnel: packets for them do not follow this route.
        let on_tunnel = tunnel.prefix.contains(&route.prefix);
        if !is_nhs || on_tunnel || !tunnel.is_spoke || tunnel.phase3 || !hop.fallbacks.is_empty() {
            return;
        }
        let (interface, hub) = (tunnel.name.clone(), hop.gateway);
        let Some(ospf) = &mut self.ospf else { return };
        let of_the_hub = ospf
            .router
            .neighbors()
            .any(|neighbor| neighbor.address == hub && neighbor.router_id == route.advertising_router);
        if !of_the_hub && ospf.reported_hub.insert(route.prefix) {
            let (prefix, originator) = (route.prefix, route.advertising_router);
            self.event(Event::NextHopIsHub { interface, prefix, originator, hub });
        }
    }

    fn ospf_event_interface(&self, event: &ospf_p2mp::Event) -> Option<String> {
        use ospf_p2mp::Event;
        let interface = match event {
            Event::NeighborUp { interface, .. }
            | Event::NeighborDown { interface, .. }
            | Event::ParameterMismatch { interface, .. }
            | Event::FullWithoutLinkBack { interface, .. }
            | Event::ExchangeStuck { interface, .. }
            | Event::AmbiguousGateway { interface, .. }
            | Event::InterfaceUp { interface }
            | Event::InterfaceDown { interface } => *interface,
            Event::DuplicateRouterId { interface, .. } => (*interface)?,
            _ => return None,
        };
        self.ospf.as_ref()?.names.get(&interface).cloned()
    }
}
