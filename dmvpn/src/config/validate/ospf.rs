//! OSPF.

use core::time::Duration;

use super::Report;
use crate::config::{
    Config, Interface, NextHopMode, Ospf, OspfAuthentication, OspfNetworkType, Rule, Tunnel,
};

pub(super) fn check(config: &Config, report: &mut Report) {
    let Some(ospf) = &config.ospf else {
        for interface in config.interfaces.iter().filter(|interface| !interface.ospf.is_empty()) {
            let message = format!("{} has OSPF settings, and there is no OSPF process", interface.name);
            report.warning(Rule::Missing, &interface.origin.line, message, "a section 'router ospf 1'");
        }
        return;
    };
    if ospf.shutdown {
        report.warning(Rule::Conflict, ospf.origin.of("shutdown"), "OSPF is shut down", "'no shutdown'");
        return;
    }
    if config.ospf_router_id().is_none() {
        let message = "OSPF has no router id: no interface has an address";
        report.error(Rule::Missing, &ospf.origin.line, message, "a line 'router-id ADDRESS'");
    }
    for network in &ospf.networks {
        let used = |interface: &Interface| interface.address.is_some_and(|one| network.contains(one.address));
        if !config.interfaces.iter().any(used) {
            let message = format!("no interface has an address in {}", network.address);
            report.note(Rule::UnusedName, &network.line, message);
        }
    }
    for interface in &config.interfaces {
        if let Some((process, _)) = interface.ospf.area.filter(|(process, _)| *process != ospf.process) {
            let message = format!("{} belongs to OSPF process {process}, which is not there", interface.name);
            let expected = format!("'ip ospf {} area AREA'", ospf.process);
            report.error(Rule::UnresolvedName, &interface.origin.line, message, expected);
        }
        let Some(_) = config.ospf_area(interface) else {
            if !interface.ospf.is_empty() && interface.ospf.area.is_none() {
                let message =
                    format!("{} has OSPF settings, and no 'network' line takes it in", interface.name);
                report.warning(
                    Rule::Conflict,
                    &interface.origin.line,
                    message,
                    "a 'network' line for its address",
                );
            }
            continue;
        };
        timers(config, interface, report);
        authentication(config, interface, report);
        match &interface.tunnel {
            Some(tunnel) => on_tunnel(config, ospf, interface, tunnel, report),
            None if is_tunnel_source(config, interface) => {
                let message = format!(
                    "{} takes part in OSPF and carries the tunnels: their own packets could be routed into them",
                    interface.name
                );
                report.warning(
                    Rule::Conflict,
                    interface.origin.of("ip address"),
                    message,
                    "no 'network' line for it",
                );
            }
            None => {}
        }
    }
    if !config.tunnels().any(|(interface, _)| config.ospf_area(interface).is_some())
        && config.tunnels().next().is_some()
    {
        let message = "no tunnel takes part in OSPF: no routes cross the cloud";
        report.warning(
            Rule::Missing,
            &ospf.origin.line,
            message,
            "a 'network' line for the tunnel's address",
        );
    }
}

fn on_tunnel(config: &Config, ospf: &Ospf, interface: &Interface, tunnel: &Tunnel, report: &mut Report) {
    let name = &interface.name;
    if ospf.is_passive(name) {
        let line = ospf.origin.of("passive-interface");
        report.warning(
            Rule::Conflict,
            line,
            format!("{name} is passive: it will have no neighbours"),
            format!("'no passive-interface {name}'"),
        );
    }
    let kind = config.ospf_network_type(interface);
    let line = interface.origin.of("ip ospf network");
    let expected = "'ip ospf network point-to-multipoint' on every router of the cloud";
    match kind {
        OspfNetworkType::PointToMultipoint | OspfNetworkType::PointToMultipointNonBroadcast => {}
        OspfNetworkType::PointToPoint if tunnel.is_multipoint() => {
            let what = if interface.ospf.network.is_none() {
                "has no OSPF network type, and a tunnel's own is"
            } else {
                "has the OSPF network type"
            };
            let message = format!(
                "{name} {what} point-to-point: it keeps one neighbour, and with more than one spoke they drive each other out"
            );
            report.warning(Rule::OspfNetworkType, line, message, expected);
        }
        OspfNetworkType::PointToPoint => {}
        other => {
            let message = format!(
                "{name} has the OSPF network type {other}: no designated router is elected here, and a neighbour that is point-to-multipoint comes up Full and has no routes through it"
            );
            report.warning(Rule::OspfNetworkType, line, message, expected);
        }
    }
    if tunnel.effective_next_hop() == NextHopMode::Originator {
        if tunnel.nhrp.nhs.is_empty() {
            let line = interface.origin.of("ip ospf next-hop");
            report.warning(
                Rule::Phase,
                line,
                format!("{name} serves spokes: next hops are its spokes in any case"),
                "the line left out",
            );
        }
    } else if tunnel.is_multipoint() && tunnel.is_spoke() && !tunnel.nhrp.shortcut {
        let line = interface.origin.of("ip ospf next-hop");
        let message =
            format!("{name}: the hub is the next hop of every route: no direct path comes up (phase 1)");
        report.warning(
            Rule::Phase,
            line,
            message,
            "'ip ospf next-hop originator', or 'ip nhrp shortcut' for phase 3",
        );
    }
}

fn timers(config: &Config, interface: &Interface, report: &mut Report) {
    let (hello, dead) = (config.ospf_hello_interval(interface), config.ospf_dead_interval(interface));
    let line = interface
        .origin
        .setting("ip ospf dead-interval")
        .unwrap_or(interface.origin.of("ip ospf hello-interval"));
    let name = &interface.name;
    if dead <= hello {
        let message = format!(
            "{name}: a neighbour is gone after {} s, and Hellos come every {} s",
            dead.as_secs(),
            hello.as_secs()
        );
        report.error(
            Rule::Timers,
            line,
            message,
            format!("four times the Hello interval, {} s", hello.as_secs() * 4),
        );
    } else if dead < hello * 3 {
        let message = format!(
            "{name}: a neighbour is gone after {} lost Hellos",
            (dead.as_secs() / hello.as_secs().max(1)).max(1)
        );
        report.warning(
            Rule::Timers,
            line,
            message,
            format!("four times the Hello interval, {} s", hello.as_secs() * 4),
        );
    }
    if dead > Duration::from_secs(65_535) {
        let message = format!("{name}: the dead interval of {} s does not fit into a Hello", dead.as_secs());
        report.error(Rule::OutOfRange, line, message, "at most 65535 s: set 'ip ospf dead-interval'");
    }
}

fn authentication(config: &Config, interface: &Interface, report: &mut Report) {
    let name = &interface.name;
    let line = interface.origin.of("ip ospf authentication");
    match config.ospf_authentication(interface) {
        OspfAuthentication::Simple if interface.ospf.simple_key.is_none() => {
            let message = format!("{name} authenticates OSPF by a password and has none");
            report.error(Rule::Missing, line, message, "a line 'ip ospf authentication-key KEY'");
        }
        OspfAuthentication::MessageDigest if interface.ospf.message_digest_keys.is_empty() => {
            let message = format!("{name} authenticates OSPF by MD5 and has no key");
            report.error(Rule::Missing, line, message, "a line 'ip ospf message-digest-key 1 md5 KEY'");
        }
        OspfAuthentication::KeyChain(chain) => {
            let Some(chain) = config.key_chain(&chain) else { return };
            let usable = |id: u32| (1..=255).contains(&id);
            if !chain.keys.iter().any(|key| key.key.is_some() && usable(key.id)) {
                let message = format!("{name}: the key chain '{}' has no key that OSPF can use", chain.name);
                report.error(Rule::Missing, line, message, "a key from 1 to 255 with a 'key-string'");
            }
            for key in chain.keys.iter().filter(|key| !usable(key.id)) {
                let message = format!("key {} of the key chain '{}' is not for OSPF", key.id, chain.name);
                report.warning(Rule::OutOfRange, &key.origin.line, message, "a number from 1 to 255");
            }
        }
        OspfAuthentication::Null => {
            let keys = interface.ospf.simple_key.is_some() || !interface.ospf.message_digest_keys.is_empty();
            if keys && interface.ospf.authentication.is_none() {
                let message = format!("{name} has a key for OSPF and does not authenticate");
                report.warning(
                    Rule::Conflict,
                    &interface.origin.line,
                    message,
                    "a line 'ip ospf authentication message-digest'",
                );
            }
        }
        _ => {}
    }
}

fn is_tunnel_source(config: &Config, interface: &Interface) -> bool {
    let address = interface.address.map(|address| std::net::IpAddr::V4(address.address));
    address.is_some() && config.tunnels().any(|(_, tunnel)| config.tunnel_nbma(tunnel) == address)
}
