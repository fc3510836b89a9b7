//! `show interfaces`.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Instant;

use ipnet::{IpNet, Ipv4Net};

use super::ago;
use crate::config;
use crate::engine::{Engine, Tunnel, build};
use crate::ids::{PathId, TunnelId};
use crate::views::{Interface, InterfaceCounters, TunnelDetails};

/// The MTU of an interface that the configuration does not tell, as when the engine is built.
const DEFAULT_MTU: u16 = 1500;

impl Engine {
    /// The interface with this name, which may be short (`tu0`) and in any letters.
    ///
    /// Packets of interfaces that are no tunnels are the embedder's: their counters are 0. Rates are not kept. Of the times
    /// of the last packets only that of the input of a protected tunnel is, to the second, and where several tunnels share
    /// their SAs it is the last input of all of them. Drops by reason are counted for the whole router
    /// ([`Engine::drops`]), so `drops` is empty.
    #[must_use]
    pub fn interface(&self, now: Instant, name: &str) -> Option<Interface> {
        let index = self.config.interfaces.iter().position(|interface| is_meant(name, interface))?;
        self.interface_at(now, index)
    }

    /// All interfaces, in the order of the configuration.
    #[must_use]
    pub fn interfaces(&self, now: Instant) -> Vec<Interface> {
        (0..self.config.interfaces.len()).filter_map(|index| self.interface_at(now, index)).collect()
    }

    /// What the configuration says of a tunnel.
    pub(super) fn tunnel_settings(&self, tunnel: &Tunnel) -> Option<&config::Tunnel> {
        self.config.interfaces.get(tunnel.interface)?.tunnel.as_ref()
    }

    /// The MTU of the interface that has this underlay address.
    pub(super) fn link_mtu(&self, nbma: IpAddr) -> u16 {
        let owner = self.interface_with(nbma);
        owner.and_then(|owner| owner.ip_mtu.or(owner.mtu)).unwrap_or(DEFAULT_MTU)
    }

    pub(super) fn interface_with(&self, nbma: IpAddr) -> Option<&config::Interface> {
        self.config
            .interfaces
            .iter()
            .find(|interface| interface.address.is_some_and(|address| IpAddr::V4(address.address) == nbma))
    }

    fn interface_at(&self, now: Instant, index: usize) -> Option<Interface> {
        let configured = self.config.interfaces.get(index)?;
        let mut view = Interface::new(configured.name.clone(), configured.mtu.unwrap_or(DEFAULT_MTU));
        view.description = Some(configured.description.clone()).filter(|description| !description.is_empty());
        view.enabled = !configured.shutdown;
        view.up = view.enabled;
        view.address = configured
            .address
            .and_then(|address| Ipv4Net::new(address.address, address.prefix_len).ok().map(IpNet::V4));
        view.bandwidth = configured.effective_bandwidth();
        view.delay = delay(&configured.name);
        if let Some(settings) = &configured.tunnel {
            let built = self.tunnels.iter().zip(0..).find(|(tunnel, _)| tunnel.interface == index);
            let built = built.map(|(tunnel, id)| (TunnelId(id), tunnel));
            let nbma = self.config.tunnel_nbma(settings);
            let link_mtu = nbma.map_or(DEFAULT_MTU, |nbma| self.link_mtu(nbma));
            view.mtu = build::ip_mtu(configured, link_mtu);
            view.up = built.is_some_and(|(_, tunnel)| tunnel.is_up());
            view.tunnel = Some(self.tunnel_details(configured, settings, built, view.mtu));
            if let Some((id, tunnel)) = built {
                view.counters = self.counters(id);
                view.counters.last_input = self.last_input(tunnel).map(|at| ago(now, at));
            }
        }
        Some(view)
    }

    fn tunnel_details(
        &self,
        configured: &config::Interface,
        settings: &config::Tunnel,
        built: Option<(TunnelId, &Tunnel)>,
        ip_mtu: u16,
    ) -> TunnelDetails {
        let source = self.config.tunnel_nbma(settings);
        let down_because = match built {
            _ if configured.shutdown => Some("administratively down".to_owned()),
            Some((_, tunnel)) if tunnel.is_up() => None,
            _ => Some("no usable source".to_owned()),
        };
        TunnelDetails {
            down_because,
            source,
            source_interface: source
                .and_then(|source| self.interface_with(source))
                .map(|interface| interface.name.clone()),
            destination: settings.destination,
            key: settings.key,
            sequencing: false,
            checksum: false,
            ttl: settings.ttl.unwrap_or(u8::MAX),
            transport_mtu: built.and_then(|(id, tunnel)| self.transport_mtu(id, tunnel)).unwrap_or(ip_mtu),
            adjust_mss: configured.adjust_mss,
            protection: settings.protection.clone(),
            protection_shared: settings.protection.is_some()
                && built.is_some_and(|(_, tunnel)| self.protected_on(tunnel.underlay) > 1),
        }
    }

    /// What all peers of a tunnel can be sent in one piece, ESP taken into account. Without peers it is not known.
    fn transport_mtu(&self, id: TunnelId, tunnel: &Tunnel) -> Option<u16> {
        let mtus =
            tunnel.adjacencies.values().filter_map(|adjacency| self.plane.tunnel_mtu(id, adjacency.path));
        mtus.min()
    }

    /// How many protected tunnels have this source.
    fn protected_on(&self, underlay: crate::UnderlayId) -> usize {
        self.tunnels.iter().filter(|tunnel| tunnel.underlay == underlay && tunnel.profile.is_some()).count()
    }

    /// When an authentic packet last came in under one of the SAs that a tunnel uses.
    fn last_input(&self, tunnel: &Tunnel) -> Option<Instant> {
        tunnel.profile?;
        let underlay = self.underlays.get(tunnel.underlay.index())?;
        let used: BTreeSet<PathId> = tunnel.adjacencies.values().map(|adjacency| adjacency.path).collect();
        let peers = underlay.endpoint.iter().flat_map(ikev2::Endpoint::peers);
        let own = peers.filter(|peer| underlay.peers.get(&peer.peer).is_some_and(|path| used.contains(path)));
        own.flat_map(|peer| peer.children).filter_map(|child| child.last_inbound).max()
    }

    fn counters(&self, id: TunnelId) -> InterfaceCounters {
        let counted = self.plane.counters(id);
        InterfaceCounters {
            input_drops: counted.drops_in,
            output_drops: counted.drops_out,
            input_packets: counted.packets_in,
            input_bytes: counted.bytes_in,
            input_multicasts: counted.multicast_in,
            output_packets: counted.packets_out,
            output_bytes: counted.bytes_out,
            output_multicasts: counted.multicast_out,
            ..InterfaceCounters::default()
        }
    }
}

/// IOS's delay of an interface of this kind, in microseconds.
fn delay(name: &str) -> u32 {
    const DELAYS: [(&str, u32); 6] = [
        ("Tunnel", 50_000),
        ("Loopback", 5_000),
        ("Ethernet", 1_000),
        ("FastEthernet", 100),
        ("Serial", 20_000),
        ("Dialer", 20_000),
    ];
    DELAYS.iter().find(|(kind, _)| name.starts_with(kind)).map_or(10, |(_, delay)| *delay)
}

/// Whether somebody who types `name` means this interface: the beginning of its kind, and its number.
fn is_meant(name: &str, interface: &config::Interface) -> bool {
    let (kind, number) = split(name);
    let (own_kind, own_number) = split(&interface.name);
    let is_beginning =
        own_kind.get(..kind.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(kind));
    is_beginning && number == own_number
}

/// A name's letters and its number.
fn split(name: &str) -> (&str, &str) {
    let name = name.trim();
    let at = name.find(|c: char| c.is_ascii_digit()).unwrap_or(name.len());
    let (kind, number) = name.split_at(at);
    (kind.trim_end(), number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_found_by_the_beginning_of_their_name() {
        let is = |name: &str, full: &str| is_meant(name, &config::Interface::new(full));
        assert!(is("Tunnel0", "Tunnel0"));
        assert!(is("tu0", "Tunnel0"));
        assert!(is("TU 0", "Tunnel0"));
        assert!(is("gi0/0/0", "GigabitEthernet0/0/0"));
        assert!(!is("tu1", "Tunnel0"));
        assert!(!is("tu", "Tunnel0"));
        assert!(!is("gi0/0", "GigabitEthernet0/0/0"));
        assert!(!is("tunnels0", "Tunnel0"));
        assert!(!is("\u{fc}0", "Tunnel0"));
    }
}
