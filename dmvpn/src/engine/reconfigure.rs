//! A new configuration while the router runs.
//!
//! A second engine is built from it, which checks all of it and never runs; then this one takes over from there what
//! differs. So there is one place that knows what a configuration means, and a router that was reconfigured is
//! like one that was started with the new configuration, except for the peers that it still has.

use std::time::Instant;

use super::{BuildError, Engine, build};
use crate::Config;
use crate::config::{self};
use crate::ids::TunnelId;
use crate::rib::RouteSource;

/// What [`Engine::reconfigure`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reconfigured {
    /// What differs and is in force, in words; empty if nothing differs.
    pub applied: Vec<String>,
    /// The tunnels that began anew, because of what cannot change while their peers stay.
    pub restarted: Vec<String>,
}

/// Why a configuration was not taken. The router goes on with its old one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReconfigureError {
    /// It is wrong.
    #[error(transparent)]
    Invalid(#[from] BuildError),
    /// It is for another set of tunnels or underlay addresses, or another OSPF router: build another engine for it.
    #[error("{0}: the router has to be built anew")]
    Rebuild(String),
}

impl Engine {
    /// Takes another configuration. Peers, SAs, registrations and adjacencies stay wherever the change leaves them a sense:
    ///
    /// - Keys, proposals, profiles and lifetimes are for the next negotiation; SAs that are up go on until they are
    ///   renewed.
    /// - NHRP's authentication, holding time, registration timeout, redirect and shortcut apply at once, as do the GRE
    ///   key, MTU, MSS clamp, static routes, LANs, and what OSPF can change (see [`ospf_p2mp::Router::reconfigure`]).
    /// - Another server, static mapping or limit of NHRP restarts that tunnel, and no other.
    ///
    /// # Errors
    /// [`ReconfigureError::Invalid`] with everything that is wrong, or [`ReconfigureError::Rebuild`]; nothing has changed
    /// then.
    pub fn reconfigure(&mut self, now: Instant, config: Config) -> Result<Reconfigured, ReconfigureError> {
        if config == self.config {
            return Ok(Reconfigured::default());
        }
        let mut new = build::engine(config, self.options.clone(), &mut self.rng, now)?;
        if let Some(difference) = self.other_structure(&new) {
            return Err(ReconfigureError::Rebuild(difference));
        }
        let mut done = Reconfigured::default();
        self.take_ike(&new, &mut done);
        self.take_tunnels(now, &mut new, &mut done);
        self.plane.take_settings(&new.plane);
        self.take_routes(&new, &mut done);
        self.take_ospf(now, &new, &mut done);
        if self.config.hostname != new.config.hostname {
            done.applied.push("hostname".to_owned());
        }
        self.config = new.config;
        self.settle(now);
        Ok(done)
    }

    /// What the tables of this engine cannot follow.
    fn other_structure(&self, new: &Self) -> Option<String> {
        let addresses = |engine: &Self| engine.underlay_addresses().collect::<Vec<_>>();
        if addresses(self) != addresses(new) {
            return Some("the underlay addresses of the tunnels differ".to_owned());
        }
        if self.tunnels.len() != new.tunnels.len() {
            return Some(format!("there were {} tunnels, and are {}", self.tunnels.len(), new.tunnels.len()));
        }
        for (old, new_tunnel) in self.tunnels.iter().zip(&new.tunnels) {
            let name = &old.name;
            if *name != new_tunnel.name {
                return Some(format!("{name} became {}", new_tunnel.name));
            }
            if old.underlay != new_tunnel.underlay {
                return Some(format!("{name} has another source"));
            }
            if (old.address, old.prefix) != (new_tunnel.address, new_tunnel.prefix) {
                return Some(format!("{name} has another address"));
            }
            if old.profile != new_tunnel.profile {
                return Some(format!("{name} has another IPsec profile"));
            }
            let mode = |engine: &Self, interface: usize| {
                let tunnel = engine.config.interfaces.get(interface).and_then(|one| one.tunnel.as_ref());
                tunnel.map(|tunnel| (tunnel.mode, tunnel.destination))
            };
            if mode(self, old.interface) != mode(new, new_tunnel.interface) {
                return Some(format!("{name} has another mode or destination"));
            }
        }
        let router_id = |engine: &Self| engine.ospf.as_ref().map(|ospf| ospf.router.config().router_id);
        match (router_id(self), router_id(new)) {
            (old, new) if old == new => None,
            (Some(_), Some(_)) => Some("OSPF has another router id".to_owned()),
            _ => Some("OSPF comes or goes".to_owned()),
        }
    }

    fn take_ike(&mut self, new: &Self, done: &mut Reconfigured) {
        for (own, new) in self.underlays.iter_mut().zip(&new.underlays) {
            let (Some(endpoint), Some(new)) = (&mut own.endpoint, &new.endpoint) else { continue };
            // A configuration that an endpoint was built from is sound, and its address is the same.
            if endpoint.config() != new.config() && endpoint.reconfigure(new.config().clone()).is_ok() {
                done.applied.push(format!("IKEv2 on {} (from the next negotiation on)", own.address));
            }
        }
    }

    fn take_tunnels(&mut self, now: Instant, new: &mut Self, done: &mut Reconfigured) {
        for index in 0..self.tunnels.len() {
            let (Some(own), Some(other)) = (self.tunnels.get_mut(index), new.tunnels.get_mut(index)) else {
                continue;
            };
            own.interface = other.interface;
            own.is_spoke = other.is_spoke;
            own.phase3 = other.phase3;
            own.follows_nhs = other.follows_nhs;
            own.permits = std::mem::take(&mut other.permits);
            let name = own.name.clone();
            if own.node.config() == other.node.config() {
                continue;
            }
            match own.node.reconfigure(now, other.node.config().clone()) {
                Ok(()) => done.applied.push(format!("NHRP on {name}")),
                Err(_) => {
                    own.node.handle_input(now, ::nhrp::Input::Shutdown);
                    // What the old node has to say: purges, and the end of its next hops.
                    self.settle(now);
                    let (Some(own), Some(other)) = (self.tunnels.get_mut(index), new.tunnels.get_mut(index))
                    else {
                        continue;
                    };
                    std::mem::swap(&mut own.node, &mut other.node);
                    done.restarted.push(name);
                }
            }
        }
        for (own, other) in self.config.tunnels().zip(new.config.tunnels()) {
            let without_nhrp = |(interface, _): (&config::Interface, &config::Tunnel)| {
                let mut interface = interface.clone();
                if let Some(tunnel) = &mut interface.tunnel {
                    tunnel.nhrp = config::Nhrp::default();
                }
                interface.ospf = config::InterfaceOspf::default();
                interface
            };
            if without_nhrp(own) != without_nhrp(other) {
                done.applied.push(other.0.name.clone());
            }
        }
    }

    /// Connected networks, own addresses and static routes.
    fn take_routes(&mut self, new: &Self, done: &mut Reconfigured) {
        let is_configured = |source: RouteSource| {
            matches!(source, RouteSource::Local | RouteSource::Connected | RouteSource::Static)
        };
        let old: Vec<_> =
            self.rib.offers(is_configured).map(|(prefix, route)| (prefix, route.clone())).collect();
        let mut changed = false;
        for (prefix, route) in &old {
            let stays = new.rib.offers(is_configured).any(|(p, r)| p == *prefix && r.source == route.source);
            if !stays {
                self.rib.withdraw(*prefix, route.source);
                changed = true;
            }
        }
        for (prefix, route) in new.rib.offers(is_configured) {
            let same = old.iter().any(|(p, r)| {
                *p == prefix
                    && (r.source, r.distance, &r.target) == (route.source, route.distance, &route.target)
            });
            if !same {
                self.rib.offer(prefix, route.clone());
                changed = true;
            }
        }
        if changed {
            done.applied.push("connected and static routes".to_owned());
        }
    }

    fn take_ospf(&mut self, now: Instant, new: &Self, done: &mut Reconfigured) {
        let (Some(own), Some(other)) = (&mut self.ospf, &new.ospf) else { return };
        let (before, mut after) = (own.router.config().clone(), other.router.config().clone());
        after.sequence_base = before.sequence_base;
        if after != before {
            // A configuration that a router was built from is sound, and its router id is the same.
            let _ = own.router.reconfigure(now, after.clone());
            done.applied.push("OSPF".to_owned());
        }
        own.tunnels = other.tunnels.clone();
        own.names = other.names.clone();
        let (old, new) = (build::redistributed(&self.config), build::redistributed(&new.config));
        for gone in old.iter().filter_map(prefix_of) {
            if !new.iter().any(|one| prefix_of(one) == Some(gone)) {
                own.router
                    .handle_input(now, ospf_p2mp::Input::Redistribute(ospf_p2mp::Redistribute::Remove(gone)));
            }
        }
        for one in new.into_iter().filter(|one| !old.contains(one)) {
            own.router.handle_input(now, ospf_p2mp::Input::Redistribute(one));
        }
        // An interface that began anew does not know yet who is there.
        let changed: Vec<TunnelId> = own
            .tunnels
            .iter()
            .filter(|(id, _)| {
                let of =
                    |config: &ospf_p2mp::Config| config.interfaces.iter().find(|one| one.id == **id).cloned();
                of(&before) != of(&after)
            })
            .map(|(_, tunnel)| *tunnel)
            .collect();
        for tunnel in changed {
            let Some(own) = self.tunnels.get(tunnel.index()) else { continue };
            let known: Vec<_> = own.adjacencies.iter().map(|(address, one)| (*address, one.kind)).collect();
            for (address, kind) in known {
                self.tell_ospf_of_adjacency(now, tunnel, address, kind, true);
            }
        }
    }
}

fn prefix_of(external: &ospf_p2mp::Redistribute) -> Option<ipnet::Ipv4Net> {
    match external {
        ospf_p2mp::Redistribute::Add(route) => Some(route.prefix),
        _ => None,
    }
}
