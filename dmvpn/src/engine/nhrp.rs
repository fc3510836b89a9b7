//! NHRP: packets in and out, adjacencies, shortcuts, multicast membership.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use ipnet::{IpNet, Ipv4Net};
use nhrp::{Action as NhrpAction, AdjacencyKind, Destination};

use super::ike::CONTROL_TOS;
use super::{Adjacency, Engine, Output, nhrp_path, own_path};
use crate::forward::{Action, Hop};
use crate::ids::{PathId, TunnelId};
use crate::rib::{RibRoute, RouteSource, Target};
use crate::{DropReason, Event, Packet, Verdict};

/// How many unprotected senders may be known at once; a stranger's packet makes one for as long as it is answered.
const PLAIN_PATHS: usize = 65_536;

impl Engine {
    pub(super) fn receive_nhrp(
        &mut self,
        now: Instant,
        tunnel: TunnelId,
        path: PathId,
        nbma: IpAddr,
        packet: &mut Packet,
    ) -> Verdict {
        let Some(tunnel) = self.tunnels.get_mut(tunnel.index()) else {
            return Verdict::Dropped(DropReason::InterfaceDown);
        };
        let input = ::nhrp::Input::Packet { nbma, path: nhrp_path(path), payload: packet.bytes() };
        tunnel.node.handle_input(now, input);
        Verdict::Consumed
    }

    /// An NHRP packet from an unprotected sender that is not known yet: it gets a path, which stays if NHRP finds a use
    /// for it.
    pub(super) fn receive_plain_nhrp(
        &mut self,
        now: Instant,
        tunnel: TunnelId,
        nbma: IpAddr,
        packet: &mut Packet,
    ) -> Verdict {
        let Some(underlay) = self.tunnels.get(tunnel.index()).map(|tunnel| tunnel.underlay) else {
            return Verdict::Dropped(DropReason::InterfaceDown);
        };
        if self.underlays[underlay.index()].plain.len() >= PLAIN_PATHS {
            return Verdict::Dropped(DropReason::NoPath);
        }
        let path = self.plain_path(underlay, nbma);
        let verdict = self.receive_nhrp(now, tunnel, path, nbma, packet);
        self.settle(now);
        if self.paths.entry(path).is_some_and(|info| !info.wanted) {
            self.disconnect(now, path);
        }
        verdict
    }

    pub(super) fn drain_nhrp(&mut self, now: Instant, budget: &mut usize) {
        for index in 0..self.tunnels.len() {
            let tunnel = TunnelId(index as u32);
            while *budget > 0 {
                let Some(output) = self.tunnels[index].node.poll_output() else { break };
                *budget -= 1;
                match output {
                    ::nhrp::Output::Transmit { to, payload } => {
                        self.send_nhrp(now, tunnel, to, &payload);
                        self.tunnels[index].node.recycle(payload);
                    }
                    ::nhrp::Output::ResolveName { name } => {
                        self.outputs.push_back(Output::ResolveName { name });
                    }
                    ::nhrp::Output::Connect { nbma } => self.connect(now, tunnel, nbma),
                    ::nhrp::Output::Disconnect { path } => self.disconnect(now, own_path(path)),
                    ::nhrp::Output::RouteQuery { token, destination } => {
                        let route = self.answer_route_query(destination);
                        let input = ::nhrp::Input::RouteAnswer { token, route };
                        self.tunnels[index].node.handle_input(now, input);
                    }
                    ::nhrp::Output::AdmissionQuery { token, tunnel_address, nbma, path } => {
                        let admit = self.admits(tunnel, tunnel_address, nbma, own_path(path));
                        let input = ::nhrp::Input::AdmissionAnswer { token, admit };
                        self.tunnels[index].node.handle_input(now, input);
                    }
                    ::nhrp::Output::Action(action) => self.handle_nhrp_action(now, tunnel, action),
                    ::nhrp::Output::Event(event) => {
                        self.follow_nhs(now, tunnel, &event);
                        let interface = self.tunnels[index].name.clone();
                        self.event(Event::Nhrp { interface, event });
                    }
                    _ => {}
                }
            }
            self.update_fallback(tunnel);
        }
    }

    /// Whether the peer on a path may register this address, by the identity that it proved.
    fn admits(&mut self, tunnel: TunnelId, tunnel_address: IpAddr, nbma: IpAddr, path: PathId) -> bool {
        let own = &self.tunnels[tunnel.index()];
        let identity = self.paths.entry(path).and_then(|info| info.identity.clone());
        let admitted = identity.as_ref().is_some_and(|identity| {
            own.permits.iter().any(|(address, who)| *address == tunnel_address && who.matches(identity))
        });
        if !admitted {
            let interface = own.name.clone();
            self.event(Event::RegistrationProhibited { interface, tunnel_address, nbma, identity });
        }
        admitted
    }

    fn send_nhrp(&mut self, now: Instant, tunnel: TunnelId, to: Destination, payload: &[u8]) {
        let underlay = self.tunnels[tunnel.index()].underlay;
        let path = match to {
            Destination::Path(path) => Some(own_path(path)),
            Destination::Nbma(nbma) => {
                let underlay = &self.underlays[underlay.index()];
                let protected = underlay.peers.values().copied().find(|path| {
                    self.paths.entry(*path).is_some_and(|info| info.is_up && info.remote.ip() == nbma)
                });
                let plain = underlay.plain.get(&nbma).copied();
                if self.tunnels[tunnel.index()].profile.is_some() { protected } else { plain }
            }
            _ => None,
        };
        if let Some(path) = path {
            self.send_control(now, tunnel, path, gre::Protocol::NHRP, payload);
        }
    }

    /// Sends a control packet to one peer of a tunnel. A packet that cannot be sent is counted by its reason. Returns whether
    /// it could.
    pub(super) fn send_control(
        &mut self,
        now: Instant,
        tunnel: TunnelId,
        path: PathId,
        protocol: gre::Protocol,
        bytes: &[u8],
    ) -> bool {
        self.check_liveness(now, path);
        if self.plane.is_external() {
            self.hand_out_control(tunnel, path, protocol, bytes);
            return true;
        }
        self.scratch.fill(bytes);
        let Ok(path) = self.plane.send(tunnel, path, protocol, CONTROL_TOS, &mut self.scratch) else {
            return false;
        };
        let payload = self.scratch.bytes().to_vec();
        self.outputs.push_back(Output::Transmit { path, payload });
        true
    }

    fn handle_nhrp_action(&mut self, now: Instant, tunnel: TunnelId, action: NhrpAction) {
        match action {
            NhrpAction::AdjacencyUp { tunnel_address: IpAddr::V4(tunnel_address), nbma, path, kind } => {
                let path = own_path(path);
                self.act(Action::AddAdjacency { tunnel, tunnel_address, path });
                let adjacency = Adjacency { path, kind };
                let before = self.tunnels[tunnel.index()].adjacencies.insert(tunnel_address, adjacency);
                self.count_user(Some(path), before.map(|before| before.path));
                // A server that has not registered us could not answer: OSPF begins with it when it says that it has.
                if kind != AdjacencyKind::Nhs
                    || self.tunnels[tunnel.index()].node.is_nhs_up(IpAddr::V4(tunnel_address))
                {
                    self.tell_ospf_of_adjacency(now, tunnel, tunnel_address, kind, true);
                }
                if kind == AdjacencyKind::Dynamic && before.is_none_or(|before| before.kind != kind) {
                    let interface = self.tunnels[tunnel.index()].name.clone();
                    self.event(Event::DirectPathUp { interface, tunnel_address, nbma });
                }
            }
            NhrpAction::AdjacencyDown { tunnel_address: IpAddr::V4(tunnel_address), reason } => {
                self.act(Action::RemoveAdjacency { tunnel, tunnel_address });
                let Some(adjacency) = self.tunnels[tunnel.index()].adjacencies.remove(&tunnel_address) else {
                    return;
                };
                self.count_user(None, Some(adjacency.path));
                self.tell_ospf_of_adjacency(now, tunnel, tunnel_address, adjacency.kind, false);
                if adjacency.kind == AdjacencyKind::Dynamic {
                    let interface = self.tunnels[tunnel.index()].name.clone();
                    self.event(Event::DirectPathDown { interface, tunnel_address, reason });
                }
            }
            NhrpAction::ShortcutUp { prefix: IpNet::V4(prefix), next_hop: IpAddr::V4(gateway) } => {
                let fallbacks = self.fallbacks_for(tunnel, prefix);
                let route = RibRoute {
                    source: RouteSource::Nhrp,
                    distance: RouteSource::Nhrp.distance(),
                    metric: 0,
                    target: Target::Via(vec![Hop { tunnel, gateway, fallbacks }]),
                    since: now,
                    ospf: None,
                };
                self.rib.offer(prefix.trunc(), route);
            }
            NhrpAction::ShortcutDown { prefix: IpNet::V4(prefix) } => {
                self.rib.withdraw(prefix.trunc(), RouteSource::Nhrp);
            }
            NhrpAction::MulticastJoin { path, .. } => {
                self.tunnels[tunnel.index()].failed_copies.entry(own_path(path)).or_insert(0);
                self.act(Action::JoinMulticast { tunnel, path: own_path(path) });
            }
            NhrpAction::MulticastLeave { path } => {
                self.tunnels[tunnel.index()].failed_copies.remove(&own_path(path));
                self.act(Action::LeaveMulticast { tunnel, path: own_path(path) });
            }
            // IPv6 in a tunnel: NHRP can speak of it, this forwarding plane does not carry it.
            _ => {}
        }
    }

    /// A next hop takes the first path from now on, and the second no more.
    fn count_user(&mut self, after: Option<PathId>, before: Option<PathId>) {
        if let Some(info) = after.and_then(|path| self.paths.entry_mut(path)) {
            info.users += 1;
        }
        if let Some(info) = before.and_then(|path| self.paths.entry_mut(path)) {
            info.users = info.users.saturating_sub(1);
        }
    }

    /// Tells every tunnel's NHRP.
    pub(super) fn tell_nodes(&mut self, now: Instant, input: &::nhrp::Input<'_>) {
        for tunnel in &mut self.tunnels {
            tunnel.node.handle_input(now, input.clone());
        }
    }

    /// Hands the condition for debug lines on.
    pub(super) fn set_debug_peers(&mut self) {
        for tunnel in &mut self.tunnels {
            tunnel.node.set_debug_peers(self.debug_peers.iter().copied());
        }
    }

    /// Whether the log is to have an event: with a condition, events of NHRP only where they are about one of its peers.
    pub(super) fn is_debugged(&self, event: &Event) -> bool {
        let Event::Nhrp { interface, event } = event else { return true };
        if self.debug_peers.is_empty() {
            return true;
        }
        let by_tunnel_address = || {
            let IpAddr::V4(address) = event.tunnel_address()? else { return None };
            let tunnel = self.tunnels.iter().find(|tunnel| tunnel.name == *interface)?;
            let path = tunnel.adjacencies.get(&address)?.path;
            self.paths.entry(path).map(|info| info.remote.ip())
        };
        let nbma = event.nbma().or_else(by_tunnel_address);
        nbma.is_some_and(|nbma| self.debug_peers.contains(&nbma))
    }

    /// Where packets under a shortcut go while it is not proven: the next hops of the route that covers it.
    fn fallbacks_for(&self, tunnel: TunnelId, prefix: Ipv4Net) -> Vec<Ipv4Addr> {
        let covering = self.rib.lookup_without(prefix.network(), |route| route.source == RouteSource::Nhrp);
        let Some((_, RibRoute { target: Target::Via(hops), .. })) = covering else { return Vec::new() };
        let on_tunnel = hops.iter().filter(|hop| hop.tunnel == tunnel);
        on_tunnel.flat_map(|hop| core::iter::once(hop.gateway).chain(hop.fallbacks.iter().copied())).collect()
    }

    /// A server that stopped answering may be gone without its SA having noticed: IKE asks it. Without an SA its silence is
    /// all that there is to know, and OSPF's neighbour goes with it.
    fn follow_nhs(&mut self, now: Instant, tunnel: TunnelId, event: &::nhrp::Event) {
        let (nhs, is_up) = match event {
            ::nhrp::Event::NhsDown { nhs: IpAddr::V4(nhs), reason: ::nhrp::NhsDownReason::Silent } => {
                (*nhs, false)
            }
            ::nhrp::Event::NhsUp { nhs: IpAddr::V4(nhs) } => (*nhs, true),
            _ => return,
        };
        let Some(adjacency) = self.tunnels[tunnel.index()].adjacencies.get(&nhs).copied() else { return };
        let is_protected = self.tunnels[tunnel.index()].profile.is_some();
        if is_protected && !is_up {
            self.check_liveness(now, adjacency.path);
        } else {
            self.tell_ospf_of_adjacency(now, tunnel, nhs, adjacency.kind, is_up);
        }
    }

    /// Keeps the forwarding plane's last resort at the best NHS that answers.
    fn update_fallback(&mut self, tunnel: TunnelId) {
        let own = &self.tunnels[tunnel.index()];
        let live = match own.node.live_nhs() {
            Some(IpAddr::V4(nhs)) => Some(nhs),
            _ => None,
        };
        if live != own.fallback {
            self.tunnels[tunnel.index()].fallback = live;
            self.act(Action::SetFallback { tunnel, tunnel_address: live });
        }
    }

    /// What NHRP asks of the routing table: the route behind which it answers or forwards. A shortcut of its own is no
    /// route for it, or it would prove itself.
    fn answer_route_query(&self, destination: IpAddr) -> Option<::nhrp::RouteInfo> {
        let IpAddr::V4(address) = destination else { return None };
        let (prefix, route) = self.rib.lookup_without(address, |route| route.source == RouteSource::Nhrp)?;
        let (through_tunnel, next_hop) = match &route.target {
            Target::Own { .. } => (false, Some(destination)),
            Target::Lan { gateway, .. } => (false, gateway.map(IpAddr::V4)),
            Target::OnLink(_) => (true, Some(destination)),
            Target::Via(hops) => (true, hops.first().map(|hop| IpAddr::V4(hop.gateway))),
        };
        Some(::nhrp::RouteInfo { prefix: IpNet::V4(prefix), through_tunnel, next_hop })
    }
}
