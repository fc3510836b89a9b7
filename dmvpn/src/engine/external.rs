//! A forwarding plane outside the engine: what it is told besides actions, and what it tells.

use std::net::IpAddr;
use std::time::Instant;

use ipnet::Ipv4Net;

use super::Engine;
use super::Output;
use super::ike::CONTROL_TOS;
use crate::forward::ipv4::{Header, protocol};
use crate::forward::{
    ControlArrival, ControlPacket, ControlProtocol, Counted, OspfPacket, Punt, TunnelSettings,
};
use crate::ids::{PathId, TunnelId, UnderlayId};
use crate::{DropReason, Packet, Verdict};

impl Engine {
    /// What a forwarding plane has to know of each tunnel that is up, in the order of their ids.
    pub fn forwarding_tunnels(&self) -> impl Iterator<Item = &TunnelSettings> {
        self.plane.tunnel_settings()
    }

    /// The interface name of a tunnel, as the configuration has it.
    #[must_use]
    pub fn tunnel_interface(&self, tunnel: TunnelId) -> Option<&str> {
        self.tunnels.get(tunnel.index()).map(|tunnel| tunnel.name.as_str())
    }

    /// Networks of LAN interfaces with `ip tcp adjust-mss`, and its value.
    #[must_use]
    pub fn lan_mss(&self) -> &[(Ipv4Net, u16)] {
        self.plane.lan_mss()
    }

    /// A control packet that a forwarding plane outside the engine received on a tunnel: NHRP, or an IPv4 packet with OSPF.
    /// On a tunnel with protection that forwarding plane has to make sure that the packet came under an SA.
    pub fn handle_control(&mut self, now: Instant, arrival: &ControlArrival, packet: &mut Packet) -> Verdict {
        let verdict = match arrival.protocol {
            ControlProtocol::Nhrp => self.receive_external_nhrp(now, arrival, packet),
            ControlProtocol::Ipv4 => self.receive_external_ipv4(now, arrival, packet),
        };
        if let Verdict::Dropped(reason) = verdict {
            self.plane.count_drop(reason);
        }
        self.settle(now);
        verdict
    }

    /// What a forwarding plane outside the engine cannot decide.
    pub fn handle_punt(&mut self, now: Instant, punt: Punt) {
        self.decide(now, punt);
        self.settle(now);
    }

    /// What a forwarding plane outside the engine counted; the views show it from now on.
    pub fn handle_counted(&mut self, counted: Counted) {
        self.plane.count_external(counted);
    }

    fn receive_external_nhrp(
        &mut self,
        now: Instant,
        arrival: &ControlArrival,
        packet: &mut Packet,
    ) -> Verdict {
        let ControlArrival { tunnel, remote, .. } = *arrival;
        let Some(own) = self.tunnels.get(tunnel.index()) else {
            return Verdict::Dropped(DropReason::InterfaceDown);
        };
        let (underlay, protected) = (own.underlay, own.profile.is_some());
        let named = arrival.path.filter(|path| {
            let info = self.paths.entry(*path);
            info.is_some_and(|info| info.underlay == underlay && info.peer.is_some() == protected)
        });
        match named.or_else(|| self.path_to_remote(underlay, protected, remote)) {
            Some(path) => self.receive_nhrp(now, tunnel, path, remote, packet),
            None if protected => Verdict::Dropped(DropReason::NoSa),
            None => self.receive_plain_nhrp(now, tunnel, remote, packet),
        }
    }

    fn receive_external_ipv4(
        &mut self,
        now: Instant,
        arrival: &ControlArrival,
        packet: &mut Packet,
    ) -> Verdict {
        let Some(header) = Header::read(packet.bytes()) else {
            return Verdict::Dropped(DropReason::Malformed);
        };
        if header.protocol != protocol::OSPF {
            return Verdict::Dropped(DropReason::NoOspf);
        }
        packet.truncate(header.total_len);
        packet.pull(header.header_len);
        // Where the path is not known, the sender's address has to be that of the peer with this tunnel address.
        let ControlArrival { tunnel, remote, .. } = *arrival;
        let of_peer = self.plane.path_to(tunnel, header.source);
        let by_address =
            of_peer.filter(|path| self.paths.entry(*path).is_some_and(|info| info.remote.ip() == remote));
        match arrival.path.or(by_address) {
            Some(path) => self.receive_ospf(now, OspfPacket::new(tunnel, path, &header), packet),
            None => Verdict::Dropped(DropReason::OspfSource),
        }
    }

    /// Control packets that the built-in forwarding plane would seal are for the embedder to send.
    pub(super) fn hand_out_control(
        &mut self,
        tunnel: TunnelId,
        path: PathId,
        protocol: gre::Protocol,
        payload: &[u8],
    ) {
        let protected = self.tunnels.get(tunnel.index()).is_some_and(|tunnel| tunnel.profile.is_some());
        if protected && !self.plane.has_outbound(path) {
            self.plane.count_drop(DropReason::NoSa);
            return;
        }
        let Some(info) = self.paths.entry(path) else {
            self.plane.count_drop(DropReason::NoPath);
            return;
        };
        let protocol = match protocol {
            gre::Protocol::NHRP => ControlProtocol::Nhrp,
            _ => ControlProtocol::Ipv4,
        };
        let (remote, payload) = (info.remote.ip(), payload.to_vec());
        let control = ControlPacket { tunnel, path, remote, protocol, tos: CONTROL_TOS, payload };
        self.outputs.push_back(Output::Control(control));
    }

    /// A next hop's SA went before its adjacency did: IKE makes another one if the adjacency is still wanted.
    pub(super) fn connect_again(&mut self, now: Instant, underlay: UnderlayId, remote: IpAddr) {
        let of_remote = |path: PathId| self.paths.entry(path).is_some_and(|info| info.remote.ip() == remote);
        let wanted = self.tunnels.iter().position(|tunnel| {
            tunnel.underlay == underlay
                && tunnel.profile.is_some()
                && tunnel.adjacencies.values().any(|adjacency| of_remote(adjacency.path))
        });
        if let Some(tunnel) = wanted.and_then(|index| u32::try_from(index).ok()) {
            self.connect(now, TunnelId(tunnel), remote);
        }
    }

    fn path_to_remote(&self, underlay: UnderlayId, protected: bool, remote: IpAddr) -> Option<PathId> {
        let underlay = self.underlays.get(underlay.index())?;
        if !protected {
            return underlay.plain.get(&remote).copied();
        }
        let mut of_remote = underlay
            .peers
            .values()
            .copied()
            .filter(|path| self.paths.entry(*path).is_some_and(|info| info.remote.ip() == remote));
        of_remote.next()
    }
}
