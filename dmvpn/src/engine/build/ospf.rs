//! OSPF: from `router ospf` and `ip ospf` lines to a router's configuration.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ipnet::Ipv4Net;
use ospf_p2mp::auth::{Algorithm, Authentication, Key, KeyChain, Lifetime, Password};
use ospf_p2mp::wire::MetricType;
use ospf_p2mp::{
    AreaId, ExternalRoute, InterfaceConfig, InterfaceId, NetworkType, NextHopMode, Redistribute, StubRouter,
    ThrottleConfig,
};

use super::super::ospf::interface_of;
use super::{Errors, addressed};
use crate::config::{self, ChainAlgorithm, Config, Interface, OspfAuthentication, OspfNetworkType};
use crate::forward::TunnelSettings;

/// The time of day, for lifetimes of keys.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    pub(super) now: Instant,
    /// Seconds since 1970 at `now`.
    pub(super) unix_time: Option<u32>,
}

impl Clock {
    /// `None` if nobody said what time it is.
    fn lifetime(self, life: config::KeyLifetime) -> Option<Lifetime> {
        let unix_time = u64::from(self.unix_time?);
        let at = |time: u64| match time.checked_sub(unix_time) {
            Some(ahead) => self.now + Duration::from_secs(ahead),
            None => self.now.checked_sub(Duration::from_secs(unix_time - time)).unwrap_or(self.now),
        };
        // A start in the past says only which of two keys began later.
        Some(Lifetime { from: Some(at(life.from)), until: life.until.map(at) })
    }
}

/// `None` if OSPF is not configured, or runs on no interface.
pub(super) fn router_config(
    config: &Config,
    tunnels: &[(usize, &TunnelSettings)],
    clock: Clock,
    errors: &mut Errors,
) -> Option<ospf_p2mp::Config> {
    let process = config.ospf.as_ref().filter(|process| !process.shutdown)?;
    let router_id = config.ospf_router_id()?;
    let mut router = ospf_p2mp::Config::new(router_id);
    router.process = u32::from(process.process);
    router.timers.spf = throttle(process.throttle_spf);
    router.timers.lsa = throttle(process.throttle_lsa);
    router.timers.min_ls_arrival = process.lsa_arrival;
    router.graceful_restart_helper = process.restart_helper;
    if let Some(max_metric) = process.max_metric {
        router.stub_router = match max_metric.on_startup {
            Some(period) => StubRouter::OnStartup(period),
            None => StubRouter::Always,
        };
        router.stub_router_stubs = max_metric.include_stub;
        router.stub_router_externals = max_metric.external;
    }
    let mut next_lan = tunnels.len() as u32;
    for (index, interface) in config.interfaces.iter().enumerate() {
        if interface.shutdown || config.ospf_area(interface).is_none() {
            continue;
        }
        let tunnel = tunnels.iter().find(|(of, _)| *of == index).map(|(_, settings)| *settings);
        let id = match tunnel {
            Some(settings) => interface_of(settings.id),
            None => {
                next_lan += 1;
                InterfaceId(next_lan - 1)
            }
        };
        match interface_config(config, interface, id, tunnel, clock) {
            Ok(built) => router.interfaces.extend(built),
            Err(error) => errors.push(format!("{}: {error}", interface.name)),
        }
    }
    (!router.interfaces.is_empty()).then_some(router)
}

/// What `redistribute` and `default-information originate` make externals of. The routes come from the configuration, so
/// they are known from the start and do not change.
pub(in crate::engine) fn redistributed(config: &Config) -> Vec<Redistribute> {
    let Some(process) = &config.ospf else { return Vec::new() };
    let mut externals: BTreeMap<Ipv4Net, ExternalRoute> = BTreeMap::new();
    let mut add = |prefix: Ipv4Net, metric: u32, metric_type: config::MetricType, tag: u32| {
        let mut route = ExternalRoute::new(prefix);
        (route.metric, route.tag) = (metric, tag);
        route.metric_type = match metric_type {
            config::MetricType::Type1 => MetricType::Type1,
            config::MetricType::Type2 => MetricType::Type2,
        };
        externals.entry(prefix).or_insert(route);
    };
    for rule in &process.redistribute {
        let prefixes: Vec<(Ipv4Net, u32)> = match rule.source {
            // What OSPF runs on is announced by OSPF itself.
            config::RouteSource::Connected => addressed(config)
                .filter(|(index, _, _)| config.ospf_area(&config.interfaces[*index]).is_none())
                .map(|(_, network, _)| (network, rule.tag))
                .collect(),
            // As in IOS, the default route is not redistributed: `default-information originate` announces it.
            config::RouteSource::Static => config
                .static_routes
                .iter()
                .filter(|route| route.prefix.prefix_len() > 0)
                .map(|route| (route.prefix.trunc(), if rule.tag == 0 { route.tag } else { rule.tag }))
                .collect(),
        };
        for (prefix, tag) in prefixes {
            add(prefix, rule.metric, rule.metric_type, tag);
        }
    }
    if let Some(default) = process.default_information {
        let has_one = config.static_routes.iter().any(|route| route.prefix.prefix_len() == 0);
        if default.always || has_one {
            add(Ipv4Net::default(), default.metric, default.metric_type, 0);
        }
    }
    externals.into_values().map(Redistribute::Add).collect()
}

fn interface_config(
    config: &Config,
    interface: &Interface,
    id: InterfaceId,
    tunnel: Option<&TunnelSettings>,
    clock: Clock,
) -> Result<Option<InterfaceConfig>, String> {
    let (Some(process), Some(address), Some(area)) =
        (&config.ospf, interface.address, config.ospf_area(interface))
    else {
        return Ok(None);
    };
    let (own, length) = (address.address, address.prefix_len);
    let mut built = match tunnel {
        Some(_) => InterfaceConfig::tunnel(id, interface.name.clone(), own, length),
        None => InterfaceConfig::lan(id, interface.name.clone(), own, length),
    };
    built.area = AreaId::from(area.0);
    built.cost = config.ospf_cost(interface);
    built.prefix_suppression = interface.ospf.prefix_suppression.unwrap_or(process.prefix_suppression);
    let Some(settings) = tunnel else { return Ok(Some(built)) };
    built.mtu = settings.ip_mtu;
    built.passive = process.is_passive(&interface.name);
    built.network = network_type(config.ospf_network_type(interface));
    built.hello_interval = config.ospf_hello_interval(interface);
    built.dead_interval = config.ospf_dead_interval(interface);
    if let Some(interval) = interface.ospf.retransmit_interval {
        built.retransmit_interval = interval;
    }
    if let Some(delay) = interface.ospf.transmit_delay {
        built.transmit_delay = delay;
    }
    if let Some(priority) = interface.ospf.priority {
        built.priority = priority;
    }
    built.mtu_ignore = interface.ospf.mtu_ignore;
    built.ttl_security = interface.ospf.ttl_security.or(process.ttl_security);
    built.neighbors =
        process.neighbors.iter().map(|n| n.address).filter(|n| settings.prefix.contains(n)).collect();
    let costs = process.neighbors.iter().filter(|n| settings.prefix.contains(&n.address));
    built.neighbor_costs = costs.filter_map(|n| Some((n.address, n.cost?))).collect();
    built.next_hop = match interface.tunnel.as_ref().map(config::Tunnel::effective_next_hop) {
        Some(config::NextHopMode::Originator) => NextHopMode::Originator,
        _ => NextHopMode::Rfc2328,
    };
    built.authentication = authentication(config, interface, clock)?;
    Ok(Some(built))
}

/// The network types that a tunnel can have here. A tunnel left at another type keeps to point-to-multipoint's packets,
/// with the timers of the type that is configured: a neighbour of another type shows as the mismatch that it is.
fn network_type(configured: OspfNetworkType) -> NetworkType {
    NetworkType::PointToMultipoint {
        non_broadcast: matches!(
            configured,
            OspfNetworkType::PointToMultipointNonBroadcast | OspfNetworkType::NonBroadcast
        ),
    }
}

fn authentication(config: &Config, interface: &Interface, clock: Clock) -> Result<Authentication, String> {
    match config.ospf_authentication(interface) {
        OspfAuthentication::Null => Ok(Authentication::Null),
        OspfAuthentication::Simple => {
            let key = interface.ospf.simple_key.as_ref().ok_or("ip ospf authentication without a key")?;
            Password::new(key.expose()).map(Authentication::Simple).map_err(|error| error.to_string())
        }
        OspfAuthentication::MessageDigest => {
            let keys = &interface.ospf.message_digest_keys;
            let keys = keys.iter().map(|key| Key::new(key.id, Algorithm::Md5, key.key.expose())).collect();
            Ok(Authentication::Cryptographic(KeyChain::new(keys)))
        }
        OspfAuthentication::KeyChain(name) => {
            let chain = config.key_chain(&name).ok_or_else(|| format!("there is no key chain {name}"))?;
            let mut keys = Vec::new();
            for key in &chain.keys {
                let id = u8::try_from(key.id)
                    .map_err(|_| format!("key {} of {name}: OSPF has 0 to 255", key.id))?;
                let secret =
                    key.key.as_ref().ok_or_else(|| format!("key {id} of {name} has no key-string"))?;
                let lifetime = |life: Option<config::KeyLifetime>| {
                    let wanted =
                        || format!("key {id} of {name} has a lifetime, and the time of day is not known");
                    life.map_or(Ok(Lifetime::default()), |life| clock.lifetime(life).ok_or_else(wanted))
                };
                let made = Key::new(id, algorithm(key.algorithm), secret.expose());
                keys.push(made.with_lifetime(lifetime(key.send)?, lifetime(key.accept)?));
            }
            Ok(Authentication::Cryptographic(KeyChain::new(keys)))
        }
    }
}

fn algorithm(algorithm: ChainAlgorithm) -> Algorithm {
    match algorithm {
        ChainAlgorithm::Md5 => Algorithm::Md5,
        ChainAlgorithm::HmacSha1 => Algorithm::HmacSha1,
        ChainAlgorithm::HmacSha256 => Algorithm::HmacSha256,
        ChainAlgorithm::HmacSha384 => Algorithm::HmacSha384,
        ChainAlgorithm::HmacSha512 => Algorithm::HmacSha512,
    }
}

fn throttle(configured: config::Throttle) -> ThrottleConfig {
    ThrottleConfig { start: configured.start, hold: configured.hold, max: configured.max }
}
