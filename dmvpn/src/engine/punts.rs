//! What the forwarding plane cannot decide.

use std::net::IpAddr;
use std::time::Instant;

use super::{Engine, nhrp_path};
use crate::Event;
use crate::forward::Punt;

impl Engine {
    pub(super) fn drain_punts(&mut self, now: Instant, budget: &mut usize) {
        while *budget > 0 {
            let Some(punt) = self.plane.poll_punt() else { return };
            *budget -= 1;
            self.decide(now, punt);
        }
    }

    pub(super) fn decide(&mut self, now: Instant, punt: Punt) {
        match punt {
            Punt::Unresolved { tunnel, next_hop } => {
                if let Some(tunnel) = self.tunnels.get_mut(tunnel.index()) {
                    tunnel
                        .node
                        .handle_input(now, ::nhrp::Input::Resolve { destination: IpAddr::V4(next_hop) });
                }
            }
            Punt::Used { tunnel, next_hop } => {
                if let Some(own) = self.tunnels.get_mut(tunnel.index()) {
                    own.node.note_used(now, IpAddr::V4(next_hop));
                }
                if let Some(path) = self.plane.path_to(tunnel, next_hop) {
                    self.check_liveness(now, path);
                }
            }
            Punt::Alive { path, child } => {
                if let Some(endpoint) = self.endpoint_of(path) {
                    endpoint.note_inbound(now, child);
                }
            }
            Punt::SaLimit { path, child, hard } => {
                let input = match hard {
                    false => ikev2::Input::RekeyChild { child },
                    true => ikev2::Input::ExpireChild { child },
                };
                if let Some(endpoint) = self.endpoint_of(path) {
                    endpoint.handle_input(now, input);
                }
            }
            Punt::Moved { path, child, remote } => {
                if let Some(endpoint) = self.endpoint_of(path) {
                    endpoint.handle_input(now, ikev2::Input::EndpointObserved { child, remote });
                }
            }
            Punt::Redirect { tunnel, path, packet } => {
                let Some(info) = self.paths.entry(path) else { return };
                let nbma = info.remote.ip();
                let Some(tunnel) = self.tunnels.get_mut(tunnel.index()) else { return };
                let input = ::nhrp::Input::Redirectable { nbma, path: nhrp_path(path), packet: &packet };
                tunnel.node.handle_input(now, input);
            }
            Punt::UnknownGreKey { underlay, remote, key } => {
                let Some(underlay) = self.underlays.get(underlay.index()) else { return };
                let keys = underlay.tunnels.iter().filter_map(|tunnel| self.tunnels.get(tunnel.index()));
                let ours = keys
                    .map(|tunnel| {
                        self.config.interfaces[tunnel.interface].tunnel.as_ref().and_then(|t| t.key)
                    })
                    .collect();
                self.event(Event::UnknownGreKey { remote, key, ours });
            }
            Punt::UnknownSpi { underlay, wire, spi } => self.unknown_spi(now, underlay, wire, spi),
            Punt::ClearText { remote } => self.event(Event::ClearText { remote }),
            Punt::NoSa { underlay, remote } => self.connect_again(now, underlay, remote),
            Punt::MssTooLarge { tunnel, offered, fits } => {
                let Some(tunnel) = self.tunnels.get(tunnel.index()) else { return };
                let interface = tunnel.name.clone();
                self.event(Event::MssClampMissing { interface, offered, fits });
            }
        }
    }
}
