//! Names that are used and not defined, defined and not used, or defined twice.

use std::collections::BTreeSet;

use super::Report;
use crate::config::{Config, IkeProposal, Line, OspfAuthentication, Rule, TunnelSource};

pub(super) fn check(config: &Config, report: &mut Report) {
    if config.hostname.is_empty() {
        report.warning(
            Rule::Missing,
            &config.origin.line,
            "the router has no name",
            "a line 'hostname NAME'",
        );
    }
    unresolved(config, report);
    unused(config, report);
    twice(config, report);
}

fn unresolved(config: &Config, report: &mut Report) {
    let mut missing = |line: &Line, user: String, what: &str, name: &str, opener: &str| {
        let message = format!("{user} uses {what} '{name}', which is not defined");
        report.error(Rule::UnresolvedName, line, message, format!("'{opener} {name}'"));
    };
    for policy in &config.ike_policies {
        for name in &policy.proposals {
            if config.ike_proposal(name).is_none() && name != IkeProposal::DEFAULT_NAME {
                let line = policy.origin.of("proposal");
                let user = format!("IKEv2 policy {}", policy.name);
                missing(line, user, "the proposal", name, "crypto ikev2 proposal");
            }
        }
    }
    for profile in &config.ike_profiles {
        if let Some(name) = profile.keyring.as_deref().filter(|name| config.keyring(name).is_none()) {
            let line = profile.origin.of("keyring local");
            missing(
                line,
                format!("IKEv2 profile {}", profile.name),
                "the keyring",
                name,
                "crypto ikev2 keyring",
            );
        }
    }
    for profile in &config.ipsec_profiles {
        let user = || format!("IPsec profile {}", profile.name);
        for name in profile.transform_sets.iter().filter(|name| config.transform_set(name).is_none()) {
            let line = profile.origin.of("set transform-set");
            missing(line, user(), "the transform set", name, "crypto ipsec transform-set");
        }
        if let Some(name) = profile.ike_profile.as_deref().filter(|name| config.ike_profile(name).is_none()) {
            let line = profile.origin.of("set ikev2-profile");
            missing(line, user(), "the IKEv2 profile", name, "crypto ikev2 profile");
        }
    }
    for interface in &config.interfaces {
        let user = || interface.name.clone();
        let unknown_interface = |name: &&str| config.interface(name).is_none();
        if let Some(name) = interface.unnumbered.as_deref().filter(unknown_interface) {
            missing(interface.origin.of("ip unnumbered"), user(), "the interface", name, "interface");
        }
        if let OspfAuthentication::KeyChain(name) = config.ospf_authentication(interface)
            && config.key_chain(&name).is_none()
        {
            missing(
                interface.origin.of("ip ospf authentication"),
                user(),
                "the key chain",
                &name,
                "key chain",
            );
        }
        let Some(tunnel) = &interface.tunnel else { continue };
        if let Some(name) = tunnel.protection.as_deref().filter(|name| config.ipsec_profile(name).is_none()) {
            let line = interface.origin.of("tunnel protection ipsec profile");
            missing(line, user(), "the IPsec profile", name, "crypto ipsec profile");
        }
        if let Some(TunnelSource::Interface(name)) = &tunnel.source
            && config.interface(name).is_none()
        {
            missing(interface.origin.of("tunnel source"), user(), "the interface", name, "interface");
        }
    }
    if let Some(ospf) = &config.ospf {
        let known = |name: &&String| config.interface(name).is_some();
        for name in ospf.passive_interfaces.iter().chain(&ospf.active_interfaces).filter(|name| !known(name))
        {
            let line = ospf.origin.of("passive-interface");
            let message = format!("OSPF is told about the interface '{name}', which is not there");
            report.warning(Rule::UnresolvedName, line, message, format!("'interface {name}'"));
        }
    }
    for route in &config.static_routes {
        let name = route.interface.as_deref().filter(|name| config.interface(name).is_none());
        if let Some(name) = name.filter(|name| !name.starts_with("Null")) {
            let message = format!("the route to {} leaves by '{name}', which is not there", route.prefix);
            report.error(Rule::UnresolvedName, &route.line, message, format!("'interface {name}'"));
        }
    }
}

fn unused(config: &Config, report: &mut Report) {
    let keyrings: BTreeSet<_> = config.ike_profiles.iter().filter_map(|one| one.keyring.as_deref()).collect();
    let ike: BTreeSet<_> =
        config.ipsec_profiles.iter().filter_map(|one| one.ike_profile.as_deref()).collect();
    let sets: BTreeSet<_> =
        config.ipsec_profiles.iter().flat_map(|one| &one.transform_sets).map(String::as_str).collect();
    let ipsec: BTreeSet<_> =
        config.tunnels().filter_map(|(_, tunnel)| tunnel.protection.as_deref()).collect();
    let proposals: BTreeSet<_> =
        config.ike_policies.iter().flat_map(|one| &one.proposals).map(String::as_str).collect();
    let mut unused = |what: &str, used: &BTreeSet<&str>, name: &str, line: &Line| {
        if !used.contains(name) {
            report.note(Rule::UnusedName, line, format!("{what} '{name}' is not used"));
        }
    };
    for one in &config.keyrings {
        unused("the keyring", &keyrings, &one.name, &one.origin.line);
    }
    for one in config.ike_proposals.iter().filter(|one| one.name != IkeProposal::DEFAULT_NAME) {
        unused("the IKEv2 proposal", &proposals, &one.name, &one.origin.line);
    }
    for one in &config.ike_profiles {
        unused("the IKEv2 profile", &ike, &one.name, &one.origin.line);
    }
    for one in &config.transform_sets {
        unused("the transform set", &sets, &one.name, &one.origin.line);
    }
    for one in &config.ipsec_profiles {
        unused("the IPsec profile", &ipsec, &one.name, &one.origin.line);
    }
}

/// Configurations that a program builds can have one name twice; those that are read cannot.
fn twice(config: &Config, report: &mut Report) {
    fn look<'c>(report: &mut Report, what: &str, all: impl Iterator<Item = (&'c str, &'c Line)>) {
        let mut seen = BTreeSet::new();
        for (name, line) in all {
            if !seen.insert(name) {
                report.error(
                    Rule::Conflict,
                    line,
                    format!("{what} '{name}' is defined twice"),
                    "one definition",
                );
            }
        }
    }
    look(report, "the keyring", config.keyrings.iter().map(|one| (one.name.as_str(), &one.origin.line)));
    look(
        report,
        "the IKEv2 proposal",
        config.ike_proposals.iter().map(|one| (one.name.as_str(), &one.origin.line)),
    );
    look(
        report,
        "the IKEv2 policy",
        config.ike_policies.iter().map(|one| (one.name.as_str(), &one.origin.line)),
    );
    look(
        report,
        "the IKEv2 profile",
        config.ike_profiles.iter().map(|one| (one.name.as_str(), &one.origin.line)),
    );
    look(
        report,
        "the transform set",
        config.transform_sets.iter().map(|one| (one.name.as_str(), &one.origin.line)),
    );
    look(
        report,
        "the IPsec profile",
        config.ipsec_profiles.iter().map(|one| (one.name.as_str(), &one.origin.line)),
    );
    look(report, "the interface", config.interfaces.iter().map(|one| (one.name.as_str(), &one.origin.line)));
    look(report, "the key chain", config.key_chains.iter().map(|one| (one.name.as_str(), &one.origin.line)));
}
