//! OSPF between a spoke and its hub.

use super::{End, Link, Links, Report};
use crate::config::{Interface, OspfAuthentication, OspfNetworkType, Rule, Secret};

pub(super) fn check(links: &Links<'_>, report: &mut Report) {
    for link in &links.links {
        let areas = (area(&link.spoke), area(&link.hub));
        match areas {
            (None, None) => {}
            (Some(_), None) => silent(&link.spoke, &link.hub, "hub", report),
            (None, Some(_)) => silent(&link.hub, &link.spoke, "spoke", report),
            (Some(ours), Some(theirs)) if ours != theirs => {
                let (spoke, hub) = (&link.spoke, &link.hub);
                let message = format!(
                    "{} is in area {ours}, and the hub {} in area {theirs}: they ignore each other's Hellos, no routes",
                    spoke.interface.name,
                    hub.named("ip address")
                );
                let line = spoke.config.ospf.as_ref().map_or(&spoke.interface.origin.line, |ospf| {
                    let own = spoke.interface.address;
                    let covers =
                        ospf.networks.iter().find(|one| own.is_some_and(|own| one.contains(own.address)));
                    covers.map_or(&ospf.origin.line, |network| &network.line)
                });
                report.error(Rule::OspfArea, line, message, format!("area {theirs}"));
            }
            _ => neighbours(link, report),
        }
    }
}

fn area(end: &End<'_>) -> Option<crate::config::AreaId> {
    let ospf = end.config.ospf.as_ref().filter(|ospf| !ospf.shutdown)?;
    end.config.ospf_area(end.interface).filter(|_| !ospf.is_passive(&end.interface.name))
}

/// One speaks OSPF, and the other (`quiet`, a hub or a spoke) does not.
fn silent(speaker: &End<'_>, quiet: &End<'_>, what: &str, report: &mut Report) {
    let message = format!(
        "{} takes no part in OSPF, and {} does: the LANs behind this {what} are known to nobody by OSPF",
        quiet.interface.name,
        speaker.named("ip address"),
    );
    let line = quiet.config.ospf.as_ref().map_or(&quiet.interface.origin.line, |ospf| &ospf.origin.line);
    report.warning(Rule::OspfArea, line, message, "a 'network' line for the tunnel's address");
}

fn neighbours(link: &Link<'_>, report: &mut Report) {
    let (spoke, hub) = (&link.spoke, &link.hub);
    let name = &spoke.interface.name;
    let (ours, theirs) =
        (spoke.config.ospf_network_type(spoke.interface), hub.config.ospf_network_type(hub.interface));
    const NETWORK: &str = "ip ospf network";
    if is_point_to_multipoint(ours) != is_point_to_multipoint(theirs) {
        let message = format!(
            "{name} has the OSPF network type {ours}, and the hub {} has {theirs}: Hellos do not match, or neighbours are FULL \
             and no route leads through them",
            hub.named(NETWORK)
        );
        let (line, expected) = if is_point_to_multipoint(theirs) {
            (spoke.line(NETWORK), "'ip ospf network point-to-multipoint'")
        } else {
            (hub.line(NETWORK), "'ip ospf network point-to-multipoint' on both")
        };
        report.error(Rule::OspfNetworkType, line, message, expected);
    }
    let hello = |end: &End<'_>| end.config.ospf_hello_interval(end.interface).as_secs();
    let dead = |end: &End<'_>| end.config.ospf_dead_interval(end.interface).as_secs();
    for (setting, what, ours, theirs) in [
        ("ip ospf hello-interval", "Hello interval", hello(spoke), hello(hub)),
        ("ip ospf dead-interval", "dead interval", dead(spoke), dead(hub)),
    ] {
        if ours != theirs {
            let message = format!(
                "{name} has a {what} of {ours} s, and the hub {} of {theirs} s: they ignore each other's Hellos, no routes",
                hub.named(setting)
            );
            report.error(Rule::OspfTimers, spoke.line(setting), message, format!("'{setting} {theirs}'"));
        }
    }
    authentication(spoke, hub, report);
    mtu(spoke, hub, report);
}

const fn is_point_to_multipoint(kind: OspfNetworkType) -> bool {
    matches!(kind, OspfNetworkType::PointToMultipoint | OspfNetworkType::PointToMultipointNonBroadcast)
}

fn authentication(spoke: &End<'_>, hub: &End<'_>, report: &mut Report) {
    const SETTING: &str = "ip ospf authentication";
    let (ours, theirs) = (Proof::of(spoke), Proof::of(hub));
    if ours.fits(&theirs) {
        return;
    }
    let message = format!(
        "{} authenticates OSPF by {}, and the hub {} by {}{}: they drop each other's packets, no routes",
        spoke.interface.name,
        ours.kind,
        hub.named(SETTING),
        theirs.kind,
        if ours.kind == theirs.kind { " with another key" } else { "" }
    );
    let line = spoke.interface.origin.setting(SETTING).unwrap_or(&spoke.interface.origin.line);
    let expected = "the same kind of authentication, with the same number and key";
    report.error(Rule::OspfAuthentication, line, message, expected);
}

/// How a router proves its OSPF packets.
struct Proof {
    kind: &'static str,
    keys: Vec<(u32, Secret)>,
}

impl Proof {
    fn of(end: &End<'_>) -> Self {
        let Interface { ospf, .. } = end.interface;
        match end.config.ospf_authentication(end.interface) {
            OspfAuthentication::Null => Self { kind: "nothing", keys: Vec::new() },
            OspfAuthentication::Simple => Self {
                kind: "a password",
                keys: ospf.simple_key.iter().map(|key| (0, key.clone())).collect(),
            },
            OspfAuthentication::MessageDigest => {
                let keys = ospf.message_digest_keys.iter().map(|key| (u32::from(key.id), key.key.clone()));
                Self { kind: "a digest", keys: keys.collect() }
            }
            OspfAuthentication::KeyChain(name) => {
                let chain = end.config.key_chain(&name);
                let keys = chain.iter().flat_map(|chain| &chain.keys);
                let keys = keys.filter_map(|key| Some((key.id, key.key.clone()?))).collect();
                Self { kind: "a digest", keys }
            }
        }
    }

    fn fits(&self, other: &Self) -> bool {
        let common = || self.keys.iter().any(|key| other.keys.contains(key));
        self.kind == other.kind && (self.keys.is_empty() && other.keys.is_empty() || common())
    }
}

/// RFC 2328 section 10.6: a neighbour whose MTU is larger stays in ExStart.
fn mtu(spoke: &End<'_>, hub: &End<'_>, report: &mut Report) {
    let (ours, theirs) = (ip_mtu(spoke), ip_mtu(hub));
    if ours == theirs || (spoke.interface.ospf.mtu_ignore && hub.interface.ospf.mtu_ignore) {
        return;
    }
    let message = format!(
        "{} has an IP MTU of {ours}, and the hub {} of {theirs}: OSPF stays in EXSTART",
        spoke.interface.name,
        hub.named("ip mtu")
    );
    report.error(Rule::OspfMtu, spoke.line("ip mtu"), message, format!("'ip mtu {theirs}'"));
}

/// A tunnel's IP MTU, as the engine and IOS compute it where none is configured.
fn ip_mtu(end: &End<'_>) -> u16 {
    let source = end.nbma().and_then(|nbma| {
        let has = |one: &&Interface| one.address.is_some_and(|own| std::net::IpAddr::V4(own.address) == nbma);
        end.config.interfaces.iter().find(has)
    });
    let link = source.and_then(|source| source.ip_mtu.or(source.mtu)).unwrap_or(1500);
    let gre = if end.tunnel.key.is_some() { 28 } else { 24 };
    end.interface.ip_mtu.unwrap_or_else(|| link.saturating_sub(gre))
}
