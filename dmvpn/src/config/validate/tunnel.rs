//! Tunnels, and NHRP on them.

use core::time::Duration;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use super::Report;
use crate::config::{Config, Interface, Nbma, Rule, Tunnel, TunnelMode, TunnelSource};

/// IOS takes an NHRP authentication string of at most so many characters.
const IOS_AUTHENTICATION: usize = 8;

/// State of UDP flows in common firewalls and translators lasts so long at least (RFC 4787 section 4.3 asks for two
/// minutes; many have less).
const NAT_BINDING: Duration = Duration::from_secs(120);

pub(super) fn check(config: &Config, report: &mut Report) {
    for (interface, tunnel) in config.tunnels().filter(|(interface, _)| !interface.shutdown) {
        basics(config, interface, tunnel, report);
        if tunnel.nhrp.network_id.is_some() {
            servers(interface, tunnel, report);
            timers(interface, tunnel, report);
            phase(interface, tunnel, report);
            permits(interface, tunnel, report);
        }
        authentication(interface, tunnel, report);
    }
    shared_sources(config, report);
    addresses(config, report);
}

/// Without protection nobody proves who he is.
fn permits(interface: &Interface, tunnel: &Tunnel, report: &mut Report) {
    if let (Some(permit), None) = (tunnel.nhrp.permits.first(), &tunnel.protection) {
        let message = format!(
            "{} asks for identities and has no protection: nobody proves one, so nobody can register",
            interface.name
        );
        report.error(Rule::Missing, &permit.line, message, "a line 'tunnel protection ipsec profile NAME'");
    }
}

fn basics(config: &Config, interface: &Interface, tunnel: &Tunnel, report: &mut Report) {
    let name = &interface.name;
    let line = &interface.origin.line;
    if interface.address.is_none() && interface.unnumbered.is_none() {
        let message = format!("{name} has no address");
        report.error(Rule::Missing, line, message, "a line 'ip address ADDRESS MASK'");
    }
    match &tunnel.source {
        None => {
            report.error(
                Rule::Missing,
                line,
                format!("{name} has no source"),
                "a line 'tunnel source INTERFACE'",
            );
        }
        Some(TunnelSource::Interface(source)) => {
            let source_line = interface.origin.of("tunnel source");
            if let Some(source) = config.interface(source) {
                if source.address.is_none() && !source.dynamic_address && source.unnumbered.is_none() {
                    let message = format!("{name} has its source on {}, which has no address", source.name);
                    report.error(Rule::Missing, source_line, message, "an 'ip address' there");
                }
                if source.shutdown {
                    let message = format!("{name} has its source on {}, which is shut down", source.name);
                    report.warning(Rule::Conflict, source_line, message, "'no shutdown' there");
                }
                if source.tunnel.is_some() {
                    let message = format!("{name} has its source on {}, a tunnel itself", source.name);
                    report.error(Rule::Conflict, source_line, message, "an interface of the underlay");
                }
            }
        }
        Some(TunnelSource::Address(IpAddr::V6(address))) => {
            let message = format!("{name} has the IPv6 source {address}");
            report.warning(
                Rule::Unsupported,
                interface.origin.of("tunnel source"),
                message,
                "an IPv4 underlay",
            );
        }
        Some(TunnelSource::Address(_)) => {}
    }
    match (tunnel.mode, tunnel.destination) {
        (TunnelMode::GreIp, None) => {
            let message = format!("{name} has one peer (mode gre ip) and does not say which");
            report.error(
                Rule::Missing,
                line,
                message,
                "'tunnel mode gre multipoint', or a line 'tunnel destination ADDRESS'",
            );
        }
        (TunnelMode::GreMultipoint, Some(destination)) => {
            let message = format!("{name} is a multipoint tunnel and has the destination {destination}");
            let line = interface.origin.of("tunnel destination");
            report.error(Rule::Conflict, line, message, "one of the two lines");
        }
        _ => {}
    }
    if tunnel.mode == TunnelMode::GreMultipoint && tunnel.nhrp.network_id.is_none() {
        let message = format!("{name} is a multipoint tunnel without NHRP: it finds nobody");
        report.error(Rule::Missing, line, message, "a line 'ip nhrp network-id NUMBER'");
    }
    if tunnel.protection.is_none() {
        let message = format!("{name} has no protection: everything is sent in the clear");
        report.warning(Rule::Weak, line, message, "a line 'tunnel protection ipsec profile NAME'");
    }
    if interface.ip_redirects && tunnel.mode == TunnelMode::GreMultipoint {
        let message = format!("{name} sends ICMP redirects, which confuse paths between spokes");
        report.warning(
            Rule::Missing,
            interface.origin.of("ip redirects"),
            message,
            "a line 'no ip redirects'",
        );
    }
}

fn servers(interface: &Interface, tunnel: &Tunnel, report: &mut Report) {
    let name = &interface.name;
    let nhrp = &tunnel.nhrp;
    let own = interface.address.map(|address| IpAddr::V4(address.address));
    for nhs in &nhrp.nhs {
        let nbma = nhrp.nbma_of(nhs);
        if let (None, Some(address), TunnelMode::GreMultipoint) = (&nbma, nhs.address, tunnel.mode) {
            let message = format!(
                "{name}: next-hop server {address} has no underlay address: the spoke cannot register"
            );
            let expected = format!("'ip nhrp map {address} NBMA-ADDRESS', or 'nbma' on the line itself");
            report.error(Rule::UnmappedNhs, &nhs.line, message, expected);
        }
        if nhs.address.is_some() && nhs.address == own {
            let message = format!("{name} is its own next-hop server");
            report.error(Rule::Conflict, &nhs.line, message, "the address of a hub");
        }
        if let (Some(IpAddr::V4(address)), Some(interface)) = (nhs.address, interface.address)
            && !interface.network().contains(&address)
        {
            let message = format!(
                "{name}: next-hop server {address} is not in the tunnel's network {}",
                interface.network()
            );
            report.warning(Rule::Conflict, &nhs.line, message, "an address of that network");
        }
        let multicast = nhs.multicast
            || nhrp.multicast_dynamic
            || tunnel.mode == TunnelMode::GreIp
            || nbma.as_ref().is_none_or(|nbma| match nbma {
                Nbma::Address(nbma) => nhrp.multicast_maps.iter().any(|map| map.nbma == *nbma),
                Nbma::Name(_) => false,
            });
        if let (false, Some(nbma)) = (multicast, nbma) {
            let message = format!(
                "{name}: no multicast goes to the next-hop server at {nbma}: OSPF will not come up with it"
            );
            report.warning(
                Rule::Missing,
                &nhs.line,
                message,
                format!("a line 'ip nhrp map multicast {nbma}'"),
            );
        }
    }
    let hub = nhrp.nhs.is_empty() && tunnel.mode == TunnelMode::GreMultipoint;
    if hub && !nhrp.multicast_dynamic && nhrp.multicast_maps.is_empty() {
        let message = format!("{name} serves spokes and sends them no multicast: OSPF will not come up");
        report.warning(
            Rule::Missing,
            &interface.origin.line,
            message,
            "a line 'ip nhrp map multicast dynamic'",
        );
    }
    for map in &nhrp.maps {
        if Some(map.prefix.addr()) == own && map.prefix.prefix_len() == map.prefix.max_prefix_len() {
            let message = format!("{name} maps its own address {}", map.prefix.addr());
            report.error(Rule::Conflict, &map.line, message, "the address of another router");
        }
    }
}

fn timers(interface: &Interface, tunnel: &Tunnel, report: &mut Report) {
    let name = &interface.name;
    let nhrp = &tunnel.nhrp;
    let hold = nhrp.holdtime;
    if nhrp.nhs.is_empty() {
        if nhrp.registration_timeout.is_some() {
            let line = interface.origin.of("ip nhrp registration timeout");
            report.note(
                Rule::Timers,
                line,
                format!("{name} registers nowhere: the registration timeout changes nothing"),
            );
        }
        return;
    }
    let period = nhrp.effective_registration_timeout();
    let line = interface.origin.of(match nhrp.registration_timeout {
        Some(_) => "ip nhrp registration timeout",
        None => "ip nhrp holdtime",
    });
    if period >= hold {
        let message = format!(
            "{name} registers every {} s, and the hub forgets it after {} s",
            period.as_secs(),
            hold.as_secs()
        );
        report.error(
            Rule::Timers,
            line,
            message,
            format!("at most {} s, a third of the holding time", hold.as_secs() / 3),
        );
    } else if period > hold / 2 {
        let message = format!(
            "{name} registers every {} s: after one lost registration the hub forgets it ({} s)",
            period.as_secs(),
            hold.as_secs()
        );
        report.warning(
            Rule::Timers,
            line,
            message,
            format!("at most {} s, a third of the holding time", hold.as_secs() / 3),
        );
    }
    if period >= NAT_BINDING && tunnel.protection.is_none() {
        let message = format!(
            "{name} registers every {} s: behind a NAT its binding may be gone by then",
            period.as_secs()
        );
        report.note(Rule::Timers, line, message);
    }
    if hold < Duration::from_secs(30) {
        let message =
            format!("{name} has a holding time of {} s: paths between spokes come and go", hold.as_secs());
        report.warning(Rule::Timers, interface.origin.of("ip nhrp holdtime"), message, "120 s or more");
    }
}

fn phase(interface: &Interface, tunnel: &Tunnel, report: &mut Report) {
    let name = &interface.name;
    let nhrp = &tunnel.nhrp;
    if nhrp.redirect.is_some() {
        let (message, expected) = if nhrp.nhs.is_empty() {
            (
                "is for phase 3: in a phase 2 cloud it changes how spokes resolve and can break their paths",
                "'ip nhrp shortcut' on every spoke, or the line left out",
            )
        } else {
            (
                "is for a hub, and this tunnel has a next-hop server",
                "the line left out, unless this router is a hub below another one",
            )
        };
        let line = interface.origin.of("ip nhrp redirect");
        report.warning(Rule::Phase, line, format!("{name}: 'ip nhrp redirect' {message}"), expected);
    }
    if nhrp.shortcut && nhrp.nhs.is_empty() && nhrp.redirect.is_none() {
        let line = interface.origin.of("ip nhrp shortcut");
        report.note(
            Rule::Phase,
            line,
            format!("{name}: 'ip nhrp shortcut' is for a spoke; a hub has no use for it"),
        );
    }
    if nhrp.shortcut && tunnel.mode == TunnelMode::GreIp {
        let line = interface.origin.of("ip nhrp shortcut");
        let message = format!("{name}: 'ip nhrp shortcut' needs a multipoint tunnel");
        report.error(Rule::Phase, line, message, "'tunnel mode gre multipoint'");
    }
}

fn authentication(interface: &Interface, tunnel: &Tunnel, report: &mut Report) {
    let Some(secret) = &tunnel.nhrp.authentication else { return };
    if secret.len() > IOS_AUTHENTICATION {
        let message = format!(
            "{}: the NHRP authentication has {} characters; IOS takes {IOS_AUTHENTICATION} and would not talk to this router",
            interface.name,
            secret.len()
        );
        let expected =
            format!("at most {IOS_AUTHENTICATION} characters, where a router of Cisco's is in the cloud");
        report.warning(Rule::NotForIos, interface.origin.of("ip nhrp authentication"), message, expected);
    }
}

/// Tunnels with one source can be told apart by their keys only.
fn shared_sources(config: &Config, report: &mut Report) {
    let mut seen: BTreeMap<(String, Option<u32>, Option<IpAddr>), &Interface> = BTreeMap::new();
    for (interface, tunnel) in config.tunnels().filter(|(interface, _)| !interface.shutdown) {
        let Some(source) = &tunnel.source else { continue };
        // An interface and its address are one source.
        let source =
            config.tunnel_nbma(tunnel).map_or_else(|| source.to_string(), |address| address.to_string());
        match seen.get(&(source.clone(), tunnel.key, tunnel.destination)) {
            None => {
                seen.insert((source, tunnel.key, tunnel.destination), interface);
            }
            Some(other) => {
                let keys = match tunnel.key {
                    None => "no key".to_owned(),
                    Some(key) => format!("the key {key}"),
                };
                let message = format!(
                    "{} (line {}) and {} both send from {source} with {keys}: what arrives cannot be told apart",
                    other.name, other.origin.line.number, interface.name
                );
                let line =
                    interface.origin.setting("tunnel key").unwrap_or(interface.origin.of("tunnel source"));
                report.error(Rule::SharedSource, line, message, "a 'tunnel key' of its own on each of them");
            }
        }
    }
}

/// Addresses that two interfaces share.
fn addresses(config: &Config, report: &mut Report) {
    let mut seen: BTreeMap<Ipv4Addr, &Interface> = BTreeMap::new();
    let mut networks: Vec<(ipnet::Ipv4Net, &Interface)> = Vec::new();
    for interface in &config.interfaces {
        for address in interface.address.iter().chain(&interface.secondary_addresses) {
            let line = interface.origin.of("ip address");
            if let Some(other) = seen.insert(address.address, interface) {
                let message = format!(
                    "{} and {} have the same address {}",
                    other.name, interface.name, address.address
                );
                report.error(Rule::Conflict, line, message, "an address of its own on each of them");
            } else if !interface.shutdown {
                networks.push((address.network(), interface));
            }
        }
    }
    // Sorted, a network that lies in another one follows it.
    networks.sort_by_key(|(network, _)| (network.network(), network.prefix_len()));
    let mut around: Option<(ipnet::Ipv4Net, &Interface)> = None;
    for (network, interface) in networks {
        match around {
            Some((outer, other)) if outer.contains(&network) => {
                if other.name != interface.name {
                    let message =
                        format!("{} ({network}) overlaps with {} ({outer})", interface.name, other.name);
                    report.error(
                        Rule::Conflict,
                        interface.origin.of("ip address"),
                        message,
                        "networks that do not overlap",
                    );
                }
            }
            _ => around = Some((network, interface)),
        }
    }
}
