//! IKEv2: datagrams in and out, paths that come and go with their SAs.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use ikev2::{Action as IkeAction, PeerId, UdpPath};

use super::{Engine, Output, PathInfo, nhrp_path};
use crate::event::EspKeys;
use crate::forward::Action;
use crate::ids::{PathId, TunnelId, UnderlayId};
use crate::{DropReason, Event, Packet, Path, Verdict, Wire};

/// The TOS of control traffic: CS6, as routers send it.
pub(super) const CONTROL_TOS: u8 = 0xc0;

impl Engine {
    pub(super) fn receive_ike(
        &mut self,
        now: Instant,
        underlay: UnderlayId,
        path: Path,
        packet: &mut Packet,
    ) -> Verdict {
        let Wire::Udp { local_port, remote_port } = path.wire else {
            return Verdict::Dropped(DropReason::UdpMalformed);
        };
        let endpoint =
            self.underlays.get_mut(underlay.index()).and_then(|underlay| underlay.endpoint.as_mut());
        let Some(endpoint) = endpoint else { return Verdict::Dropped(DropReason::NotForUs) };
        let path = UdpPath {
            local: SocketAddr::new(path.local, local_port),
            remote: SocketAddr::new(path.remote, remote_port),
        };
        endpoint.handle_input(now, ikev2::Input::Datagram { path, payload: packet.bytes() });
        Verdict::Consumed
    }

    /// IKE tells the sender of an ESP packet that it is unknown here, and asks whether it is alive.
    pub(super) fn unknown_spi(&mut self, now: Instant, underlay: UnderlayId, path: Path, spi: u32) {
        let endpoint =
            self.underlays.get_mut(underlay.index()).and_then(|underlay| underlay.endpoint.as_mut());
        let Some(endpoint) = endpoint else { return };
        let ports = match path.wire {
            Wire::Udp { local_port, remote_port } => (local_port, remote_port),
            Wire::Esp | Wire::Gre => (endpoint.config().port, endpoint.config().port),
        };
        let path = UdpPath {
            local: SocketAddr::new(path.local, ports.0),
            remote: SocketAddr::new(path.remote, ports.1),
        };
        endpoint.handle_input(now, ikev2::Input::UnknownSpi { path, spi });
    }

    pub(super) fn drain_ike(&mut self, now: Instant, budget: &mut usize) {
        for index in 0..self.underlays.len() {
            let underlay = UnderlayId(index as u32);
            while *budget > 0 {
                let endpoint = self.underlays[index].endpoint.as_mut();
                let Some(output) = endpoint.and_then(ikev2::Endpoint::poll_output) else { break };
                *budget -= 1;
                match output {
                    ikev2::Output::Transmit(transmit) => {
                        let UdpPath { local, remote } = transmit.path;
                        let wire = Wire::Udp { local_port: local.port(), remote_port: remote.port() };
                        let path = Path { tos: CONTROL_TOS, ..Path::new(local.ip(), remote.ip(), wire) };
                        self.outputs.push_back(Output::Transmit { path, payload: transmit.datagram() });
                    }
                    ikev2::Output::Action(action) => self.handle_ike_action(now, underlay, action),
                    ikev2::Output::Event(event) => self.handle_ike_event(now, underlay, event),
                    _ => {}
                }
            }
        }
    }

    fn handle_ike_action(&mut self, now: Instant, underlay: UnderlayId, action: IkeAction) {
        match action {
            IkeAction::InstallInbound { peer, child, sa } => {
                let path = self.path_of_peer(underlay, peer, sa.remote);
                if self.options.key_log {
                    let destination = (!sa.udp_encapsulation).then(|| sa.local.ip());
                    let keys = EspKeys { destination, sa: (*sa).clone() };
                    self.event(Event::EspKeys(Box::new(keys)));
                }
                self.act(Action::InstallInbound { path, child, sa });
            }
            IkeAction::InstallOutbound { peer, child, sa } => {
                let path = self.path_of_peer(underlay, peer, sa.remote);
                self.act(Action::InstallOutbound { path, child, sa });
                self.path_is_up(now, path);
            }
            IkeAction::SelectOutbound { peer, child } => {
                if let Some(path) = self.known_path(underlay, peer) {
                    self.act(Action::SelectOutbound { path, child });
                    self.path_is_up(now, path);
                }
            }
            IkeAction::Remove { peer, child } => {
                if let Some(path) = self.known_path(underlay, peer) {
                    self.act(Action::RemoveSa { path, child });
                    if !self.plane.has_outbound(path) {
                        self.path_is_down(now, path);
                    }
                }
            }
            IkeAction::UpdateEndpoint { peer, remote } => {
                if let Some(path) = self.known_path(underlay, peer) {
                    self.move_path(now, path, remote);
                }
            }
            _ => {}
        }
    }

    fn handle_ike_event(&mut self, now: Instant, underlay: UnderlayId, event: ikev2::Event) {
        let remote = self.remote_of(underlay, &event);
        match &event {
            ikev2::Event::PeerUp { peer, identity, remote, .. } => {
                let path = self.path_of_peer(underlay, *peer, *remote);
                if let Some(info) = self.paths.entry_mut(path) {
                    info.identity = Some(identity.clone());
                }
            }
            ikev2::Event::PeerDown { peer, .. } => {
                if let Some(path) = self.underlays[underlay.index()].peers.remove(peer) {
                    self.path_is_down(now, path);
                    self.act(Action::RemovePath { path });
                    self.paths.remove(path);
                }
            }
            ikev2::Event::ConnectFailed { remote, .. } => {
                let input = ::nhrp::Input::PathFailed { nbma: *remote };
                self.tell_tunnels(now, underlay, true, &input);
            }
            _ => {}
        }
        let local = self.underlays[underlay.index()].address;
        self.event(Event::Ike { local, remote, event });
    }

    /// The address of the peer that an event names by its number.
    fn remote_of(&self, underlay: UnderlayId, event: &ikev2::Event) -> Option<IpAddr> {
        use ikev2::Event;
        let peer = match event {
            Event::PeerUp { remote, .. } | Event::PeerDown { remote, .. } => return Some(remote.ip()),
            Event::ChildUp { peer, .. }
            | Event::ChildRekeyed { peer, .. }
            | Event::ChildDown { peer, .. }
            | Event::IkeRekeyed { peer }
            | Event::PeerMoved { peer, .. } => *peer,
            _ => return None,
        };
        let path = self.known_path(underlay, peer)?;
        self.paths.entry(path).map(|info| info.remote.ip())
    }

    /// Asks for a path to an underlay address: by IKE where the tunnel is protected, at once where it is not.
    pub(super) fn connect(&mut self, now: Instant, tunnel: TunnelId, nbma: IpAddr) {
        let Some(own) = self.tunnels.get_mut(tunnel.index()) else { return };
        let underlay = own.underlay;
        let Some(profile) = own.profile else {
            let path = self.plain_path(underlay, nbma);
            if let Some(info) = self.paths.entry_mut(path) {
                info.wanted = true;
            }
            let input = ::nhrp::Input::PathUp { nbma, path: nhrp_path(path), proven: false, identity: None };
            self.tunnels[tunnel.index()].node.handle_input(now, input);
            return;
        };
        let peers = self.underlays[underlay.index()].peers.values();
        let up = peers
            .copied()
            .find(|path| self.paths.entry(*path).is_some_and(|info| info.is_up && info.remote.ip() == nbma));
        match up {
            Some(path) => {
                let Some(info) = self.paths.entry(path) else { return };
                let identity = info.identity_bytes();
                let input = ::nhrp::Input::PathUp {
                    nbma,
                    path: nhrp_path(path),
                    proven: true,
                    identity: Some(&identity),
                };
                self.tunnels[tunnel.index()].node.handle_input(now, input);
            }
            None => {
                if let Some(endpoint) = &mut self.underlays[underlay.index()].endpoint {
                    endpoint.handle_input(now, ikev2::Input::Connect { remote: nbma, profile });
                }
            }
        }
    }

    /// NHRP has no more use for a path. Its SAs go when no other tunnel uses it.
    pub(super) fn disconnect(&mut self, now: Instant, path: PathId) {
        let Some(info) = self.paths.entry(path).filter(|info| info.users == 0) else { return };
        let (underlay, peer, remote) = (info.underlay, info.peer, info.remote.ip());
        match peer {
            Some(peer) => {
                if let Some(endpoint) = &mut self.underlays[underlay.index()].endpoint {
                    endpoint.handle_input(
                        now,
                        ikev2::Input::Disconnect { peer, reason: ikev2::DownReason::Unused },
                    );
                }
            }
            None => {
                self.underlays[underlay.index()].plain.remove(&remote);
                self.path_is_down(now, path);
                self.act(Action::RemovePath { path });
                self.paths.remove(path);
            }
        }
    }

    /// The path to an address that is reached without protection.
    pub(super) fn plain_path(&mut self, underlay: UnderlayId, remote: IpAddr) -> PathId {
        if let Some(path) = self.underlays[underlay.index()].plain.get(&remote) {
            return *path;
        }
        let remote_endpoint = SocketAddr::new(remote, 0);
        let info = PathInfo {
            underlay,
            peer: None,
            remote: remote_endpoint,
            is_up: true,
            identity: None,
            users: 0,
            wanted: false,
        };
        let path = self.paths.add(info);
        self.underlays[underlay.index()].plain.insert(remote, path);
        self.act(Action::AddPath { path, underlay, remote: remote_endpoint, protected: false });
        path
    }

    pub(super) fn endpoint_of(&mut self, path: PathId) -> Option<&mut ikev2::Endpoint> {
        let underlay = self.paths.entry(path)?.underlay;
        self.underlays.get_mut(underlay.index())?.endpoint.as_mut()
    }

    /// Something was sent on a path: if nothing came back for a while, IKE asks whether the peer lives (RFC 7296 section
    /// 2.4). This is what finds a peer that vanished while there is traffic for it.
    pub(super) fn check_liveness(&mut self, now: Instant, path: PathId) {
        let Some(peer) = self.paths.entry(path).and_then(|info| info.peer) else { return };
        if let Some(endpoint) = self.endpoint_of(path) {
            endpoint.handle_input(now, ikev2::Input::CheckLiveness { peer });
        }
    }

    pub(super) fn clear_crypto(&mut self, now: Instant, remote: Option<IpAddr>) {
        for underlay in &mut self.underlays {
            let Some(endpoint) = &mut underlay.endpoint else { continue };
            for (peer, path) in &underlay.peers {
                let is_meant = remote.is_none_or(|remote| {
                    self.paths.entry(*path).is_some_and(|info| info.remote.ip() == remote)
                });
                if is_meant {
                    endpoint.handle_input(
                        now,
                        ikev2::Input::Disconnect { peer: *peer, reason: ikev2::DownReason::DeletedByUs },
                    );
                }
            }
        }
    }

    fn known_path(&self, underlay: UnderlayId, peer: PeerId) -> Option<PathId> {
        self.underlays.get(underlay.index())?.peers.get(&peer).copied()
    }

    fn path_of_peer(&mut self, underlay: UnderlayId, peer: PeerId, remote: SocketAddr) -> PathId {
        if let Some(path) = self.known_path(underlay, peer) {
            return path;
        }
        let info = PathInfo {
            underlay,
            peer: Some(peer),
            remote,
            is_up: false,
            identity: None,
            users: 0,
            wanted: false,
        };
        let path = self.paths.add(info);
        self.underlays[underlay.index()].peers.insert(peer, path);
        self.act(Action::AddPath { path, underlay, remote, protected: true });
        path
    }

    fn path_is_up(&mut self, now: Instant, path: PathId) {
        let Some(info) = self.paths.entry_mut(path) else { return };
        if core::mem::replace(&mut info.is_up, true) {
            return;
        }
        let (underlay, nbma, identity) = (info.underlay, info.remote.ip(), info.identity_bytes());
        let input =
            ::nhrp::Input::PathUp { nbma, path: nhrp_path(path), proven: true, identity: Some(&identity) };
        self.tell_tunnels(now, underlay, true, &input);
    }

    fn path_is_down(&mut self, now: Instant, path: PathId) {
        let Some(info) = self.paths.entry_mut(path) else { return };
        if !core::mem::replace(&mut info.is_up, false) {
            return;
        }
        let (underlay, protected) = (info.underlay, info.peer.is_some());
        self.tell_tunnels(now, underlay, protected, &::nhrp::Input::PathDown { path: nhrp_path(path) });
    }

    fn move_path(&mut self, now: Instant, path: PathId, remote: SocketAddr) {
        let Some(info) = self.paths.entry_mut(path) else { return };
        let before = core::mem::replace(&mut info.remote, remote);
        let underlay = info.underlay;
        self.act(Action::MovePath { path, remote });
        // NHRP knows no ports: for it nothing changed if only the port did.
        if before.ip() == remote.ip() {
            return;
        }
        let input = ::nhrp::Input::PathMoved { path: nhrp_path(path), nbma: remote.ip() };
        self.tell_tunnels(now, underlay, true, &input);
    }

    /// Tells a fact about a path to the tunnels that share its underlay address and its kind of protection.
    fn tell_tunnels(
        &mut self,
        now: Instant,
        underlay: UnderlayId,
        protected: bool,
        input: &::nhrp::Input<'_>,
    ) {
        for tunnel in &mut self.tunnels {
            if tunnel.underlay == underlay && tunnel.profile.is_some() == protected {
                tunnel.node.handle_input(now, input.clone());
            }
        }
    }
}
