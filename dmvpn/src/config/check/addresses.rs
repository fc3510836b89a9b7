//! Addresses and names that two routers of a cloud have.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;

use super::{End, Links, Report};
use crate::config::{Config, Interface, Rule, TunnelSource};

pub(super) fn check(configs: &[&Config], links: &Links<'_>, report: &mut Report) {
    tunnel_addresses(configs, report);
    sources(configs, report);
    router_ids(configs, report);
    lans(configs, report);
    for (spoke, nhs) in &links.unknown {
        if let Some(address) = nhs.address {
            let message = format!(
                "{}: no file has the next-hop server {address}: whether this spoke fits its hub is not known",
                spoke.interface.name
            );
            report.note(Rule::UnknownHub, &nhs.line, message);
        }
    }
}

fn tunnel_addresses(configs: &[&Config], report: &mut Report) {
    let mut seen: BTreeMap<IpAddr, End<'_>> = BTreeMap::new();
    for end in configs.iter().flat_map(|config| End::all(config)) {
        let Some(address) = end.address() else { continue };
        match seen.get(&address) {
            Some(other) if !std::ptr::eq(other.config, end.config) => {
                let message = format!(
                    "{} has the tunnel address {address}, as has {}: the hub refuses the later of their registrations \
                     (unique address registered already), and packets reach one of them",
                    end.interface.name,
                    other.named("ip address")
                );
                let expected = "another address of the tunnel's network";
                report.error(Rule::DuplicateAddress, end.line("ip address"), message, expected);
            }
            Some(_) => {}
            None => {
                seen.insert(address, end);
            }
        }
    }
}

/// Two routers with one underlay address: right behind two NAT boxes, wrong on one network.
fn sources(configs: &[&Config], report: &mut Report) {
    let mut seen: BTreeMap<IpAddr, End<'_>> = BTreeMap::new();
    for end in configs.iter().flat_map(|config| End::all(config)) {
        let Some(nbma) = end.nbma() else { continue };
        match seen.get(&nbma) {
            Some(other) if !std::ptr::eq(other.config, end.config) => {
                let message = format!(
                    "{} sends from {nbma}, as does {}: one of them gets the other's answers, unless each is behind a NAT \
                     of its own",
                    end.interface.name,
                    other.named("tunnel source")
                );
                let line = match &end.tunnel.source {
                    Some(TunnelSource::Interface(name)) => end
                        .config
                        .interface(name)
                        .map_or(end.line("tunnel source"), |source| source.origin.of("ip address")),
                    _ => end.line("tunnel source"),
                };
                report.warning(Rule::DuplicateAddress, line, message, "an underlay address of its own");
            }
            Some(_) => {}
            None => {
                seen.insert(nbma, end);
            }
        }
    }
}

fn router_ids(configs: &[&Config], report: &mut Report) {
    let mut seen: BTreeMap<Ipv4Addr, &Config> = BTreeMap::new();
    for config in configs {
        let (Some(ospf), Some(id)) = (&config.ospf, config.ospf_router_id()) else { continue };
        match seen.get(&id) {
            Some(other) => {
                let message = format!(
                    "the OSPF router id {id} is also that of {}: they overwrite each other's routes, for ever",
                    other.hostname
                );
                let expected = "a line 'router-id ADDRESS' with an address that no other router has";
                report.error(Rule::DuplicateRouterId, ospf.origin.of("router-id"), message, expected);
            }
            None => {
                seen.insert(id, config);
            }
        }
    }
}

/// LANs that two routers announce.
fn lans(configs: &[&Config], report: &mut Report) {
    let mut seen: BTreeMap<Ipv4Net, (&Config, &Interface)> = BTreeMap::new();
    for config in configs {
        let announced = config
            .interfaces
            .iter()
            .filter(|one| one.tunnel.is_none() && !one.shutdown && config.ospf_area(one).is_some());
        for interface in announced {
            let Some(address) = interface.address else { continue };
            let network = address.network();
            match seen.get(&network) {
                Some((other, theirs)) if !std::ptr::eq(*other, *config) => {
                    let message = format!(
                        "{} announces {network}, as does {} ({}): half of its traffic goes to the other site",
                        interface.name,
                        other.hostname,
                        theirs.origin.of("ip address")
                    );
                    let expected = "networks of their own, unless both routers are on one LAN";
                    let line = interface.origin.of("ip address");
                    report.warning(Rule::DuplicateAddress, line, message, expected);
                }
                Some(_) => {}
                None => {
                    seen.insert(network, (config, interface));
                }
            }
        }
    }
}
