//! GRE and NHRP between a spoke and its hub.

use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr};

use super::{End, Link, Links, Report};
use crate::config::{Nbma, Rule};

/// A mapping of a firewall or a NAT box for a silent UDP flow lasts so long (RFC 4787 section 4.3 asks for two minutes).
const NAT_MAPPING: Duration = Duration::from_secs(120);

pub(super) fn check(links: &Links<'_>, report: &mut Report) {
    for link in &links.links {
        mapping(link, report);
        key(link, report);
        authentication(link, report);
        network_id(link, report);
        nat(link, report);
    }
    phase(links, report);
}

/// Whether the spoke's mapping of the hub leads to the hub.
fn mapping(link: &Link<'_>, report: &mut Report) {
    let (spoke, hub) = (&link.spoke, &link.hub);
    let (Some(Nbma::Address(mapped)), Some(nbma)) = (spoke.tunnel.nhrp.nbma_of(link.nhs), hub.nbma()) else {
        return;
    };
    if let (Some(address), Some(own)) = (link.nhs.address, hub.address())
        && address != own
    {
        let message = format!(
            "{}: the next-hop server at {mapped} is {address} here, and {} is {own}: registrations name a server that \
             nobody is",
            spoke.interface.name,
            hub.named("ip address")
        );
        report.error(Rule::HubMapping, &link.nhs.line, message, format!("'ip nhrp nhs {own}'"));
    } else if mapped != nbma {
        let line = link.nhs.address.and_then(|address| spoke.tunnel.nhrp.mapping(address));
        let line = line.map_or(&link.nhs.line, |map| &map.line);
        let message = format!(
            "{}: the hub is mapped to {mapped}, and {} sends from {nbma}: registrations go to another machine",
            spoke.interface.name,
            hub.named("tunnel source")
        );
        let expected = match link.nhs.address {
            Some(address) => format!("'ip nhrp map {address} {nbma}' and 'ip nhrp map multicast {nbma}'"),
            None => format!("'nbma {nbma}'"),
        };
        report.error(Rule::HubMapping, line, message, expected);
    }
}

fn key(link: &Link<'_>, report: &mut Report) {
    let (spoke, hub) = (&link.spoke, &link.hub);
    let (ours, theirs) = (spoke.tunnel.key, hub.tunnel.key);
    if ours == theirs {
        return;
    }
    let name = &spoke.interface.name;
    let there = hub.named("tunnel key");
    let end = "each drops the other's packets, nothing registers";
    let (message, expected) = match (ours, theirs) {
        (Some(ours), Some(theirs)) => (
            format!("{name} has the tunnel key {ours}, and the hub {there} has {theirs}: {end}"),
            format!("'tunnel key {theirs}'"),
        ),
        (None, Some(theirs)) => (
            format!("{name} has no tunnel key, and the hub {there} has {theirs}: {end}"),
            format!("'tunnel key {theirs}'"),
        ),
        (ours, None) => (
            format!(
                "{name} has the tunnel key {}, and the hub {there} has none: {end}",
                ours.unwrap_or_default()
            ),
            "'no tunnel key', or the same key on the hub".to_owned(),
        ),
    };
    report.error(Rule::TunnelKey, spoke.line("tunnel key"), message, expected);
}

fn authentication(link: &Link<'_>, report: &mut Report) {
    const SETTING: &str = "ip nhrp authentication";
    let (spoke, hub) = (&link.spoke, &link.hub);
    let (ours, theirs) = (&spoke.tunnel.nhrp.authentication, &hub.tunnel.nhrp.authentication);
    if ours == theirs {
        return;
    }
    let name = &spoke.interface.name;
    let there = hub.named(SETTING);
    let (message, expected) = match (ours, theirs) {
        (None, _) => (
            format!(
                "{name} has no NHRP authentication, and the hub {there} has one: it refuses the registrations"
            ),
            format!("a line '{SETTING} ...', as on {}", hub.line(SETTING)),
        ),
        (_, None) => (
            format!(
                "{name} has an NHRP authentication, and the hub {there} has none: it refuses what it sends"
            ),
            "the line left out here, or the same line on the hub".to_owned(),
        ),
        _ => (
            format!(
                "{name}: the NHRP authentication is not that of the hub {there}: it refuses the registrations \
                 (Authentication string mismatch)"
            ),
            "the same string; small and capital letters differ".to_owned(),
        ),
    };
    report.error(Rule::Authentication, spoke.line(SETTING), message, expected);
}

fn network_id(link: &Link<'_>, report: &mut Report) {
    const SETTING: &str = "ip nhrp network-id";
    let (spoke, hub) = (&link.spoke, &link.hub);
    if let (Some(ours), Some(theirs)) = (spoke.tunnel.nhrp.network_id, hub.tunnel.nhrp.network_id)
        && ours != theirs
    {
        let message = format!(
            "{} has the network-id {ours}, and the hub {} has {theirs}: it is local to a router, but whoever reads the two \
             takes them for two clouds, and IOS with both on one router keeps them apart",
            spoke.interface.name,
            hub.named(SETTING)
        );
        report.warning(Rule::NetworkId, spoke.line(SETTING), message, format!("'{SETTING} {theirs}'"));
    }
}

/// A spoke with a private address and a hub with a public one have a NAT between them.
fn nat(link: &Link<'_>, report: &mut Report) {
    let (spoke, hub) = (&link.spoke, &link.hub);
    let behind_nat = is_private(spoke.nbma()) && hub.nbma().is_some() && !is_private(hub.nbma());
    let nhrp = &spoke.tunnel.nhrp;
    let period = nhrp.effective_registration_timeout();
    if !behind_nat || period < NAT_MAPPING {
        return;
    }
    let message = format!(
        "{} is behind a NAT and registers every {} s, while mappings of many NATs are gone after {} s of silence: the hub's \
         packets may not reach it until it registers again",
        spoke.interface.name,
        period.as_secs(),
        NAT_MAPPING.as_secs()
    );
    let line = match nhrp.registration_timeout {
        Some(_) => spoke.line("ip nhrp registration timeout"),
        None => spoke.line("ip nhrp holdtime"),
    };
    let expected = "lines 'ip nhrp holdtime 120' and 'ip nhrp registration timeout 60'";
    report.warning(Rule::NatTimers, line, message, expected);
}

/// Whether an address is one that needs a NAT to reach the Internet (RFC 1918, RFC 6598).
fn is_private(address: Option<IpAddr>) -> bool {
    let shared = |address: Ipv4Addr| address.octets()[0] == 100 && address.octets()[1] & 0xc0 == 64;
    match address {
        Some(IpAddr::V4(address)) => address.is_private() || shared(address),
        _ => false,
    }
}

/// Redirects of hubs and shortcuts of spokes belong together.
fn phase(links: &Links<'_>, report: &mut Report) {
    let mut hubs: Vec<End<'_>> = Vec::new();
    for link in &links.links {
        if !hubs.iter().any(|hub| hub.is(&link.hub)) {
            hubs.push(link.hub);
        }
    }
    for hub in hubs {
        let spokes = || links.links.iter().filter(|link| link.hub.is(&hub)).map(|link| link.spoke);
        let name = &hub.interface.name;
        if hub.tunnel.nhrp.redirect.is_some() {
            let without: Vec<&str> = spokes()
                .filter(|spoke| !spoke.tunnel.nhrp.shortcut)
                .map(|spoke| spoke.config.hostname.as_str())
                .collect();
            if !without.is_empty() {
                let message = format!(
                    "{name} redirects (phase 3), and {} without 'ip nhrp shortcut' (phase 2): their paths to each other \
                     are resolved in two ways and can break",
                    are(&without)
                );
                let expected = "'no ip nhrp redirect' here, or 'ip nhrp shortcut' on every spoke";
                report.warning(Rule::Redirect, hub.line("ip nhrp redirect"), message, expected);
            }
        } else {
            for spoke in spokes().filter(|spoke| spoke.tunnel.nhrp.shortcut) {
                let message = format!(
                    "{} waits for redirects (phase 3), and the hub {} sends none: traffic between spokes stays on the hub",
                    spoke.interface.name,
                    hub.named("ip nhrp redirect")
                );
                let expected = format!("a line 'ip nhrp redirect' below 'interface {name}' on the hub");
                report.warning(Rule::Redirect, spoke.line("ip nhrp shortcut"), message, expected);
            }
        }
    }
}

/// "A is", "A and B are", "A, B and 3 more are".
fn are(names: &[&str]) -> String {
    match names {
        [] => "nobody is".to_owned(),
        [one] => format!("{one} is"),
        [one, two] => format!("{one} and {two} are"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more are", rest.len()),
    }
}
