//! From a configuration to an engine: the children and the forwarding plane, each with its own part.

mod crypto;
mod nhrp;
mod ospf;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Instant;

use ipnet::Ipv4Net;
use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, SeedableRng};

pub(super) use ospf::redistributed;

use super::pacer::Pacer;
use super::{BuildError, Engine, Options, Ospf, PathTable, Tunnel, Underlay};
#[cfg(feature = "aws-lc")]
use crate::Backend;
use crate::Packet;
use crate::config::{Config, Interface};
use crate::forward::{Action, Hop, Plane, TunnelSettings};
use crate::ids::{TunnelId, UnderlayId};
use crate::rib::{Rib, RibRoute, RouteSource, Target};

/// The MTU of an underlay interface that the configuration does not tell.
const DEFAULT_LINK_MTU: u16 = 1500;

/// Everything that was found wrong so far.
type Errors = Vec<String>;

pub(super) fn engine(
    config: Config,
    options: Options,
    rng: &mut impl CryptoRng,
    now: Instant,
) -> Result<Engine, BuildError> {
    let found = config.validate();
    let errors: Errors = found.iter().filter(|found| found.is_error()).map(ToString::to_string).collect();
    if !errors.is_empty() {
        return Err(BuildError { errors });
    }
    let mut build = Build { config: &config, options: &options, rng, now, errors };
    let parts = build.parts();
    let underlays = build.underlays(&parts);
    let tunnels = build.tunnels(&parts);
    let ospf = build.ospf(&parts);
    let own_rng = build.seeded();
    if !build.errors.is_empty() {
        return Err(BuildError { errors: build.errors });
    }
    let mut plane = Plane::new(
        now,
        parts.underlays.iter().map(|underlay| (underlay.address, underlay.link_mtu)),
        parts.tunnels.iter().map(|tunnel| tunnel.settings.clone()).collect(),
        lans(&config).filter_map(|lan| Some((lan.address?.network(), lan.adjust_mss?))).collect(),
        addressed(&config).map(|(_, network, own)| (network, own)).collect(),
    );
    plane.set_host_routes_lans(options.host_routes_lans);
    plane.set_external(options.external_forwarding);
    plane.set_backend(options.backend);
    let mut engine = Engine {
        options,
        rng: own_rng,
        started: now,
        plane,
        underlays,
        tunnels,
        ospf,
        rib: Rib::default(),
        paths: PathTable::default(),
        outputs: VecDeque::new(),
        unsettled: None,
        scratch: Packet::with_capacity(usize::from(DEFAULT_LINK_MTU)),
        pacer: pacer(&config),
        identification: 0,
        debug_peers: BTreeSet::new(),
        config,
    };
    install_configured_routes(&mut engine, now);
    Ok(engine)
}

/// What the children are built from.
struct Build<'a, R> {
    config: &'a Config,
    options: &'a Options,
    rng: &'a mut R,
    now: Instant,
    errors: Errors,
}

/// A configuration taken apart: which tunnels there are and which underlay addresses they have in common.
struct Parts {
    underlays: Vec<UnderlayPart>,
    tunnels: Vec<TunnelPart>,
}

struct UnderlayPart {
    address: IpAddr,
    link_mtu: u16,
    tunnels: Vec<TunnelId>,
    /// The names of the IPsec profiles in use here; their places are the endpoint's profile ids.
    ipsec_profiles: Vec<String>,
}

struct TunnelPart {
    interface: usize,
    settings: TunnelSettings,
    profile: Option<ikev2::ProfileId>,
}

impl<R: CryptoRng> Build<'_, R> {
    /// A generator of its own for each child.
    fn seeded(&mut self) -> ChaCha20Rng {
        let mut seed = [0; 32];
        self.rng.fill_bytes(&mut seed);
        ChaCha20Rng::from_seed(seed)
    }

    fn parts(&mut self) -> Parts {
        let config = self.config;
        let mut parts = Parts { underlays: Vec::new(), tunnels: Vec::new() };
        for (index, interface) in config.interfaces.iter().enumerate() {
            let Some(tunnel) = &interface.tunnel else { continue };
            if interface.shutdown {
                continue;
            }
            let (Some(nbma), Some(address)) = (config.tunnel_nbma(tunnel), interface.address) else {
                self.errors.push(format!("{}: a tunnel needs a source and an address", interface.name));
                continue;
            };
            let underlay = match parts.underlays.iter().position(|underlay| underlay.address == nbma) {
                Some(underlay) => underlay,
                None => {
                    let link_mtu = link_mtu(config, nbma);
                    let (tunnels, ipsec_profiles) = (Vec::new(), Vec::new());
                    parts.underlays.push(UnderlayPart { address: nbma, link_mtu, tunnels, ipsec_profiles });
                    parts.underlays.len() - 1
                }
            };
            let id = TunnelId(parts.tunnels.len() as u32);
            parts.underlays[underlay].tunnels.push(id);
            let profile = tunnel.protection.as_ref().map(|name| {
                let names = &mut parts.underlays[underlay].ipsec_profiles;
                let place = names.iter().position(|known| known == name).unwrap_or_else(|| {
                    names.push(name.clone());
                    names.len() - 1
                });
                ikev2::ProfileId(place as u16)
            });
            let settings = TunnelSettings {
                id,
                underlay: UnderlayId(underlay as u32),
                address: address.address,
                prefix: address.network(),
                key: tunnel.key,
                protected: profile.is_some(),
                ip_mtu: ip_mtu(interface, parts.underlays[underlay].link_mtu),
                adjust_mss: interface.adjust_mss,
                path_mtu_discovery: tunnel.path_mtu_discovery,
                network_id: tunnel.nhrp.network_id.unwrap_or_default(),
                redirect: tunnel.nhrp.redirect.is_some(),
            };
            parts.tunnels.push(TunnelPart { interface: index, settings, profile });
        }
        if parts.tunnels.is_empty() {
            self.errors.push("there is no tunnel interface that is up".to_owned());
        }
        parts
    }

    fn underlays(&mut self, parts: &Parts) -> Vec<Underlay> {
        let mut underlays = Vec::new();
        for part in &parts.underlays {
            let endpoint = match part.ipsec_profiles.is_empty() {
                true => None,
                false => self.endpoint(part),
            };
            underlays.push(Underlay {
                address: part.address,
                endpoint,
                peers: BTreeMap::new(),
                plain: BTreeMap::new(),
                tunnels: part.tunnels.clone(),
            });
        }
        underlays
    }

    fn endpoint(&mut self, part: &UnderlayPart) -> Option<ikev2::Endpoint> {
        let (address, profiles) = (part.address, &part.ipsec_profiles);
        let key_log = self.options.key_log;
        let mut config = crypto::endpoint_config(self.config, address, profiles, key_log, &mut self.errors);
        config.backend = match self.options.backend {
            #[cfg(feature = "aws-lc")]
            Backend::AwsLc => ikev2::Backend::AwsLc,
            _ => ikev2::Backend::RustCrypto,
        };
        let rng = self.seeded();
        match ikev2::Endpoint::new(config, rng, self.now) {
            Ok(endpoint) => Some(endpoint),
            Err(error) => {
                self.errors.push(format!("IKEv2 on {address}: {error}"));
                None
            }
        }
    }

    fn tunnels(&mut self, parts: &Parts) -> Vec<Tunnel> {
        parts.tunnels.iter().filter_map(|part| self.tunnel(parts, part)).collect()
    }

    fn tunnel(&mut self, parts: &Parts, part: &TunnelPart) -> Option<Tunnel> {
        let interface = &self.config.interfaces[part.interface];
        let tunnel = interface.tunnel.as_ref()?;
        let nbma = parts.underlays[part.settings.underlay.index()].address;
        let config = nhrp::node_config(&tunnel.nhrp, &part.settings, nbma);
        let rng = self.seeded();
        let node = match ::nhrp::Node::new(config, rng, self.now) {
            Ok(node) => node,
            Err(error) => {
                self.errors.push(format!("{}: {error}", interface.name));
                return None;
            }
        };
        Some(Tunnel {
            name: interface.name.clone(),
            interface: part.interface,
            underlay: part.settings.underlay,
            address: part.settings.address,
            prefix: part.settings.prefix,
            profile: part.profile,
            node,
            is_spoke: tunnel.is_spoke(),
            phase3: tunnel.nhrp.shortcut || tunnel.nhrp.redirect.is_some(),
            follows_nhs: tunnel.nhrp.if_state,
            permits: nhrp::permits(&tunnel.nhrp),
            fallback: None,
            adjacencies: BTreeMap::new(),
            failed_copies: BTreeMap::new(),
        })
    }

    fn ospf(&mut self, parts: &Parts) -> Option<Ospf> {
        let tunnels: Vec<(usize, &TunnelSettings)> =
            parts.tunnels.iter().map(|tunnel| (tunnel.interface, &tunnel.settings)).collect();
        let clock = ospf::Clock { now: self.now, unix_time: self.options.unix_time };
        let mut config = ospf::router_config(self.config, &tunnels, clock, &mut self.errors)?;
        config.sequence_base = self.options.unix_time.unwrap_or(config.sequence_base);
        let names =
            config.interfaces.iter().map(|interface| (interface.id, interface.name.clone())).collect();
        let on_tunnels =
            config.interfaces.iter().filter(|interface| interface.id.0 < parts.tunnels.len() as u32);
        let tunnels = on_tunnels.map(|interface| (interface.id, TunnelId(interface.id.0))).collect();
        let rng = self.seeded();
        match ospf_p2mp::Router::new(config, rng, self.now) {
            Ok(mut router) => {
                for external in redistributed(self.config) {
                    router.handle_input(self.now, ospf_p2mp::Input::Redistribute(external));
                }
                Some(Ospf {
                    router,
                    tunnels,
                    names,
                    reported_hub: BTreeSet::new(),
                    reassembly: Default::default(),
                })
            }
            Err(error) => {
                self.errors.push(format!("router ospf: {error}"));
                None
            }
        }
    }
}

/// The MTU of the interface that has this address.
fn link_mtu(config: &Config, nbma: IpAddr) -> u16 {
    let owner = config
        .interfaces
        .iter()
        .find(|interface| interface.address.is_some_and(|address| IpAddr::V4(address.address) == nbma));
    owner.and_then(|owner| owner.ip_mtu.or(owner.mtu)).unwrap_or(DEFAULT_LINK_MTU)
}

/// A tunnel's `ip mtu`. Without one IOS takes the underlay's less the outer IP and GRE headers, and leaves ESP's part to
/// fragmentation; OSPF compares this value with its neighbours', so it has to be the same here.
pub(super) fn ip_mtu(interface: &Interface, link_mtu: u16) -> u16 {
    const OUTER_IP: u16 = 20;
    const GRE: u16 = 4;
    const GRE_KEY: u16 = 4;
    let key = if interface.tunnel.as_ref().is_some_and(|tunnel| tunnel.key.is_some()) { GRE_KEY } else { 0 };
    interface.ip_mtu.unwrap_or_else(|| link_mtu.saturating_sub(OUTER_IP + GRE + key))
}

/// Interfaces that are up, are no tunnels and have an address.
fn lans(config: &Config) -> impl Iterator<Item = &Interface> {
    config
        .interfaces
        .iter()
        .filter(|interface| interface.tunnel.is_none() && !interface.shutdown && interface.address.is_some())
}

/// Every address of every interface that is up: the interface, the network, the address.
fn addressed(config: &Config) -> impl Iterator<Item = (usize, Ipv4Net, std::net::Ipv4Addr)> {
    let up = config.interfaces.iter().enumerate().filter(|(_, interface)| !interface.shutdown);
    up.flat_map(|(index, interface)| {
        let all = interface.address.iter().chain(&interface.secondary_addresses);
        all.map(move |address| (index, address.network(), address.address))
    })
}

/// Connected networks, our own addresses and `ip route`.
fn install_configured_routes(engine: &mut Engine, now: Instant) {
    let mut routes = Vec::new();
    let route = |source: RouteSource, distance: u8, target: Target| RibRoute {
        source,
        distance,
        metric: 0,
        target,
        since: now,
        ospf: None,
    };
    let config = &engine.config;
    let tunnel_at = |interface: usize| {
        engine.tunnels.iter().position(|t| t.interface == interface).map(|t| TunnelId(t as u32))
    };
    for (interface, network, own) in addressed(config) {
        let target = match tunnel_at(interface) {
            Some(tunnel) => Target::OnLink(tunnel),
            None => Target::Lan { interface: Some(interface), gateway: None },
        };
        routes.push((network, route(RouteSource::Connected, 0, target)));
        routes.push((own.into(), route(RouteSource::Local, 0, Target::Own { interface })));
    }
    for configured in &config.static_routes {
        let by_name = |name: &String| config.interfaces.iter().position(|interface| interface.name == *name);
        let by_gateway = |gateway: &std::net::Ipv4Addr| {
            addressed(config)
                .find(|(_, network, _)| network.contains(gateway))
                .map(|(interface, _, _)| interface)
        };
        let interface = configured.interface.as_ref().and_then(by_name);
        let interface = interface.or_else(|| configured.next_hop.as_ref().and_then(by_gateway));
        let target = match (interface.and_then(tunnel_at), configured.next_hop) {
            (Some(tunnel), Some(gateway)) => {
                Target::Via(vec![Hop { tunnel, gateway, fallbacks: Vec::new() }])
            }
            (Some(tunnel), None) => Target::OnLink(tunnel),
            (None, gateway) => Target::Lan { interface, gateway },
        };
        routes.push((configured.prefix.trunc(), route(RouteSource::Static, configured.distance, target)));
    }
    for (prefix, route) in routes {
        engine.rib.offer(prefix, route);
    }
    while let Some(prefix) = engine.rib.take_changed() {
        if let Some((route, _)) = engine.rib.best(prefix) {
            let action = Action::AddRoute { prefix, route: route.forwarding() };
            engine.act(action);
        }
    }
}

/// The strictest of all tunnels: OSPF is one for all of them.
fn pacer(config: &Config) -> Pacer {
    let tunnels = || config.tunnels().filter(|(interface, _)| !interface.shutdown);
    let batch = tunnels().map(|(_, tunnel)| tunnel.nhrp.multicast_batch).min();
    let interval = tunnels().map(|(_, tunnel)| tunnel.nhrp.multicast_interval).max();
    let defaults = crate::config::Nhrp::default();
    Pacer::new(batch.unwrap_or(defaults.multicast_batch), interval.unwrap_or(defaults.multicast_interval))
}
