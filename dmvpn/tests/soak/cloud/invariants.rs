//! What must hold at every moment, what must hold once the faults are over, and what must be left at the end.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use dmvpn::Engine;
use dmvpn::views::{NhrpFlag, OspfNeighborState};

use super::configuration::{self, HOLD, INTRUDER_HOST, INTRUDER_LAN};
use super::model;
use super::run::Cloud;
use super::topology::Member;

/// A router handles fewer timeouts in a second than this, and these for each other router, on average since the last look.
const TIMEOUTS: f64 = 50.0;
const TIMEOUTS_PER_PEER: f64 = 20.0;
/// A flow is judged this long after its last packet was sent.
const LANDED: Duration = Duration::from_secs(2);

/// What must hold at every moment.
pub fn check(cloud: &mut Cloud) -> Result<(), String> {
    if let Some(leak) = cloud.network.clear_text_seen().first() {
        return Err(format!("clear text on the underlay: {leak:?}"));
    }
    if let Some((at, violation)) = cloud.network.violations().first() {
        return Err(format!("at {at:?}: {violation}"));
    }
    flows(cloud)?;
    work(cloud)?;
    registrations(cloud)?;
    no_intruder(cloud)
}

/// A packet is delivered at most once, unchanged, and where it belongs.
fn flows(cloud: &mut Cloud) -> Result<(), String> {
    let now = cloud.network.now();
    let mut going_on = Vec::new();
    for flow in std::mem::take(&mut cloud.flows) {
        let report = cloud.network.flow_report(flow);
        let name = || format!("the flow to {}", report.config.destination);
        if report.misdelivered > 0 {
            return Err(format!("{} was delivered elsewhere: {report:?}", name()));
        }
        // Without IPsec nothing tells a copy or a changed packet from a new one.
        if cloud.topology.protected && (report.duplicated > 0 || report.corrupted > 0) {
            return Err(format!("{} was delivered twice or changed: {report:?}", name()));
        }
        if report.finished.is_none_or(|at| now < at + LANDED) {
            going_on.push(flow);
        }
    }
    cloud.flows = going_on;
    Ok(())
}

/// Work per second is bounded, and no engine is busy at one instant without end.
fn work(cloud: &mut Cloud) -> Result<(), String> {
    let now = cloud.network.now();
    let names: Vec<String> = cloud.network.routers().map(|(_, name)| name.to_owned()).collect();
    let bound = TIMEOUTS + TIMEOUTS_PER_PEER * names.len() as f64;
    for name in names {
        let stats = cloud.network.node_stats(&name);
        if stats.stalls > 0 {
            return Err(format!("{name} wanted to work without end"));
        }
        let timeouts = stats.timeouts;
        let before = cloud.timeouts_before.insert(name.clone(), (now, timeouts));
        let Some((at, before)) = before.filter(|(at, _)| *at < now) else { continue };
        let rate = (timeouts - before) as f64 / (now - at).as_secs_f64();
        cloud.most_timeouts = cloud.most_timeouts.max(rate);
        if rate > bound {
            return Err(format!("{name} handled {rate:.0} timeouts a second, {bound:.0} are enough"));
        }
    }
    Ok(())
}

/// What a hub knows of its clients: overlay address, underlay address.
fn registered(engine: &Engine, now: Instant) -> Vec<(Ipv4Addr, Option<IpAddr>, Option<Duration>)> {
    let entries = engine.nhrp_cache(now).entries;
    let registered = entries.iter().filter(|entry| entry.flags.contains(&NhrpFlag::Registered));
    registered
        .filter_map(|entry| match entry.next_hop {
            IpAddr::V4(address) => Some((address, entry.nbma, entry.expires)),
            IpAddr::V6(_) => None,
        })
        .collect()
}

/// A hub's mappings are of spokes of its cloud, and expire.
fn registrations(cloud: &Cloud) -> Result<(), String> {
    for hub in 0..cloud.topology.hubs {
        let name = Member::Hub(hub).to_string();
        let Some(engine) = cloud.network.running(&name) else { continue };
        let of = cloud.topology.cloud_of_hub(hub);
        for (address, nbma, expires) in registered(engine, cloud.clock(Member::Hub(hub))) {
            let spokes = 0..cloud.topology.spokes.len();
            if !spokes.into_iter().any(|spoke| Member::Spoke(spoke).tunnel_address(of) == address) {
                return Err(format!("{name} has a registration of {address}, which is nobody's"));
            }
            if expires.is_none_or(|left| left > Duration::from_secs(HOLD)) {
                return Err(format!("{name}: {address} at {nbma:?} does not expire in time: {expires:?}"));
            }
        }
    }
    Ok(())
}

/// Nothing crosses network-ids, keys or identities: nobody has learnt anything of the router that has one of them wrong.
fn no_intruder(cloud: &Cloud) -> Result<(), String> {
    if cloud.topology.intruder.is_none() {
        return Ok(());
    }
    for member in cloud.topology.members() {
        let Some(engine) = cloud.network.running(&member.to_string()) else { continue };
        let now = cloud.clock(member);
        let route = engine.route(now, INTRUDER_LAN).route;
        if route.is_some_and(|route| route.prefix.prefix_len() > 0) {
            return Err(format!("{member} has a route to the intruder's LAN"));
        }
        let address = IpAddr::V4(Ipv4Addr::new(10, 0, 0, INTRUDER_HOST));
        let entries = engine.nhrp_cache(now).entries;
        if entries.iter().any(|entry| entry.next_hop == address && entry.nbma.is_some()) {
            return Err(format!("{member} has a mapping of the intruder"));
        }
        if engine.ospf_neighbors(now).neighbors.iter().any(|neighbor| IpAddr::V4(neighbor.address) == address)
        {
            return Err(format!("{member} has the intruder for a neighbour"));
        }
    }
    Ok(())
}

/// What is not yet as the model says; none if everything is.
pub fn missing(cloud: &Cloud) -> Option<String> {
    let topology = &cloud.topology;
    for hub in 0..topology.hubs {
        let of = topology.cloud_of_hub(hub);
        let name = Member::Hub(hub).to_string();
        let Some(engine) = cloud.network.running(&name) else { return Some(format!("{name} is down")) };
        let now = cloud.clock(Member::Hub(hub));
        let wanted: BTreeMap<Ipv4Addr, Option<IpAddr>> = (0..topology.spokes.len())
            .map(|spoke| {
                (Member::Spoke(spoke).tunnel_address(of), Some(IpAddr::V4(cloud.public_nbma(spoke))))
            })
            .collect();
        let known: BTreeMap<Ipv4Addr, Option<IpAddr>> =
            registered(engine, now).into_iter().map(|(address, nbma, _)| (address, nbma)).collect();
        if known != wanted {
            return Some(format!("{name} knows {known:?}, but there are {wanted:?}"));
        }
        let neighbors = engine.ospf_neighbors(now).neighbors;
        let full = neighbors.iter().filter(|one| one.state == OspfNeighborState::Full).count();
        if full != topology.spokes.len() {
            return Some(format!("{name} is FULL with {full} of {} spokes", topology.spokes.len()));
        }
    }
    for from in topology.members() {
        let Some(engine) = cloud.network.running(&from.to_string()) else {
            return Some(format!("{from} is down"));
        };
        let now = cloud.clock(from);
        for to in topology.members().filter(|to| *to != from) {
            if model::way(topology, from, to).is_none() {
                continue;
            }
            let wanted = model::gateways(topology, from, to);
            let route = engine.route(now, to.host()).route.filter(|route| route.prefix.prefix_len() > 0);
            let paths = route.iter().flat_map(|route| &route.paths);
            let gateways: Vec<IpAddr> = paths.filter_map(|path| path.gateway).collect();
            let right = |gateway: &IpAddr| matches!(gateway, IpAddr::V4(v4) if wanted.contains(v4));
            if gateways.is_empty() || !gateways.iter().all(right) {
                return Some(format!(
                    "{from} has {gateways:?} as next hop of the LAN of {to}, not {wanted:?}"
                ));
            }
        }
    }
    None
}

/// What a hub has after its spokes have left: nothing of them.
pub fn nothing_is_left(cloud: &Cloud) -> Result<(), String> {
    for hub in 0..cloud.topology.hubs {
        let now = cloud.clock(Member::Hub(hub));
        let name = Member::Hub(hub).to_string();
        let engine = cloud.network.engine(&name);
        let cache = engine.nhrp_cache(now).entries;
        if let Some(entry) =
            cache.iter().find(|entry| entry.nbma != Some(IpAddr::V4(configuration::hub_nbma(hub))))
        {
            return Err(format!("{name} still has {entry:?}"));
        }
        if let Some(neighbor) = engine.ospf_neighbors(now).neighbors.first() {
            return Err(format!("{name} still has a neighbour {}", neighbor.address));
        }
        if let Some(session) = engine.crypto_sessions(now).sessions.first() {
            return Err(format!("{name} still has a session with {}", session.peer));
        }
        if let Some(member) = engine.multicast().members.first() {
            return Err(format!("{name} still sends multicast to {}", member.nbma));
        }
        for spoke in 0..cloud.topology.spokes.len() {
            let route = engine.route(now, Member::Spoke(spoke).host()).route;
            if route.is_some_and(|route| route.prefix.prefix_len() > 0) {
                return Err(format!("{name} still has a route to the LAN of {}", Member::Spoke(spoke)));
            }
        }
    }
    Ok(())
}
