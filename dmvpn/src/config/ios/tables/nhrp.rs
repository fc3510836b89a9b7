//! NHRP.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net};

use super::super::reader::Reader;
use super::super::syntax::{Command, Matched};
use super::tunnel::{change, tunnel};
use super::{SECOND, change_list, lacking, many, no_effect, one, part_without_effect};
use crate::config::{Cluster, MaxSend, MulticastMap, Nbma, Nhrp, NhrpMap, NhrpPermit, Nhs, Rule, Severity};

pub(super) const COMMANDS: &[Command] = &[
    one("ip nhrp network-id <1-4294967295>", |r, m| nhrp(r, |nhrp| nhrp.network_id = m.number("network-id"))),
    one("ip nhrp authentication SECRET", |r, m| {
        nhrp(r, |nhrp| nhrp.authentication = m.secret("authentication"));
    }),
    one("ip nhrp holdtime <1-65535>", |r, m| {
        nhrp(r, |nhrp| nhrp.holdtime = m.seconds("holdtime").unwrap_or(SECOND * 7200));
    }),
    one("ip nhrp registration timeout <1-65535>", |r, m| {
        nhrp(r, |nhrp| nhrp.registration_timeout = m.seconds("timeout"));
    }),
    one("ip nhrp registration delay <0-10>", |r, m| {
        nhrp(r, |nhrp| nhrp.registration_delay = m.seconds("delay").unwrap_or_default());
    }),
    one("ip nhrp registration no-unique", |r, m| nhrp(r, |nhrp| nhrp.unique = m.negated)),
    lacking("ip nhrp registration req-def-map", "default maps are not asked for here"),
    many("ip nhrp map multicast dynamic", |r, m| nhrp(r, |nhrp| nhrp.multicast_dynamic = !m.negated)),
    many("ip nhrp map multicast ADDRESS", |r, m| {
        let Some(nbma) = unicast(r, m, "multicast", 0) else { return };
        let map = MulticastMap { nbma, line: r.place() };
        on_tunnel(r, |r| change_list(r, m.negated, multicast_maps, |one| one.nbma == nbma, Some(map)));
    }),
    many("ip nhrp map ADDRESS ADDRESS [preference <1-255>]", map),
    many("ip nhrp map IPV4 MASK ADDRESS [preference <1-255>]", map),
    lacking("ip nhrp map group NAME service-policy output NAME", "there is no QoS here"),
    many("ip nhrp nhs (dynamic) nbma NAME [multicast] [priority <0-255>] [cluster <0-10>]", nhs),
    many("ip nhrp nhs ADDRESS [nbma NAME] [multicast] [priority <0-255>] [cluster <0-10>]", nhs),
    one("ip nhrp nhs fallback <0-60>", |r, m| {
        nhrp(r, |nhrp| nhrp.nhs_fallback = m.seconds("fallback").unwrap_or_default());
    }),
    many("ip nhrp nhs cluster <0-10> max-connections <0-255>", |r, m| {
        let Some(Ok(cluster)) = m.last_number("cluster").map(u8::try_from) else { return };
        let max_connections = m.number("max-connections");
        let line = r.place();
        let made = max_connections.map(|max_connections| Cluster { cluster, max_connections, line });
        on_tunnel(r, |r| change_list(r, m.negated, clusters, |one| one.cluster == cluster, made));
        if let Some(tunnel) = tunnel(r) {
            tunnel.nhrp.clusters.sort_by_key(|one| one.cluster);
        }
    }),
    one("ip nhrp redirect [timeout <2-30>]", |r, m| {
        let timeout = (!m.negated).then(|| m.seconds("timeout").unwrap_or(SECOND * 8));
        nhrp(r, |nhrp| nhrp.redirect = timeout);
    }),
    one("ip nhrp shortcut", |r, m| nhrp(r, |nhrp| nhrp.shortcut = !m.negated)),
    one("ip nhrp max-send <1-65535> every <10-65535>", |r, m| {
        let limit = m.number("max-send").zip(m.seconds("every"));
        nhrp(r, |nhrp| nhrp.max_send = limit.map(|(packets, interval)| MaxSend { packets, interval }));
    }),
    many("ip nhrp summary-map IPV4 MASK", summary),
    many("ip nhrp summary-map NAME", summary),
    one("ip nhrp multicast batch-size <1-65535>", |r, m| {
        nhrp(r, |nhrp| nhrp.multicast_batch = m.number("batch-size").unwrap_or(1000));
    }),
    one("ip nhrp multicast batch-interval <1-1000>", |r, m| {
        let millis = m.number("batch-interval").unwrap_or(10);
        nhrp(r, |nhrp| nhrp.multicast_interval = Duration::from_millis(millis));
    }),
    one("ip nhrp server-only [non-caching]", |r, m| {
        part_without_effect(r, m, &["non-caching"], "who asks for nothing learns nothing");
        nhrp(r, |nhrp| nhrp.server_only = !m.negated);
    }),
    one("ip nhrp cache non-authoritative", |r, m| nhrp(r, |nhrp| nhrp.cache_non_authoritative = !m.negated)),
    one("ip nhrp record", |r, m| nhrp(r, |nhrp| nhrp.record = !m.negated)),
    one("if-state nhrp", |r, m| nhrp(r, |nhrp| nhrp.if_state = !m.negated)),
    one("nhrp group NAME", set_group),
    one("ip nhrp group NAME", set_group),
    one("ip nhrp attribute group NAME", set_group),
    one("nhrp attribute group NAME", set_group),
    lacking("nhrp map group NAME service-policy output NAME", "there is no QoS here"),
    one("ip nhrp path preference <1-255>", |r, m| {
        nhrp(r, |nhrp| nhrp.path_preference = m.number("preference"));
    }),
    many("ip nhrp permit ADDRESS identity any", permit),
    many("ip nhrp permit ADDRESS identity address IPV4 [MASK]", permit),
    many("ip nhrp permit ADDRESS identity (fqdn|email) domain NAME", permit),
    many("ip nhrp permit ADDRESS identity (fqdn|email|key-id) NAME", permit),
    no_effect("ip nhrp send-routed", "a request always follows the routed path in phase 3"),
    no_effect("ip nhrp use <1-65535>", "the first packet already starts a resolution"),
    no_effect("ip nhrp trigger-svc TEXT", "resolutions do not wait for a load"),
    no_effect("ip nhrp interest TEXT", "every packet to the tunnel may start a resolution"),
    no_effect("ip nhrp responder TEXT", "the answer carries the address of the tunnel's source"),
    no_effect("ip nhrp connect TEXT", "it serves Cisco's tests"),
    no_effect("ip nhrp reject TEXT", "it serves Cisco's tests"),
    no_effect("ip nhrp event-publisher [TEXT]", "events are always published"),
    no_effect("nhrp event-publisher [TEXT]", "events are always published"),
    lacking("ip nhrp bfd TEXT", "there is no BFD here; DPD and probes find dead paths"),
    lacking("ip nhrp cache bgp-sync", "there is no BGP here"),
    lacking("ip nhrp attribute set TEXT", "attributes are not sent here"),
];

/// Changes the NHRP of the tunnel at hand.
fn nhrp(r: &mut Reader<'_>, with: impl FnOnce(&mut Nhrp)) {
    change(r, |tunnel| with(&mut tunnel.nhrp));
}

/// Does it if the interface at hand is a tunnel, and says so if not.
fn on_tunnel<'a>(r: &mut Reader<'a>, then: impl FnOnce(&mut Reader<'a>)) {
    if tunnel(r).is_some() {
        then(r);
    } else {
        change(r, |_| {});
    }
}

fn multicast_maps<'r>(r: &'r mut Reader<'_>) -> Option<&'r mut Vec<MulticastMap>> {
    tunnel(r).map(|tunnel| &mut tunnel.nhrp.multicast_maps)
}

fn maps<'r>(r: &'r mut Reader<'_>) -> Option<&'r mut Vec<NhrpMap>> {
    tunnel(r).map(|tunnel| &mut tunnel.nhrp.maps)
}

fn permits<'r>(r: &'r mut Reader<'_>) -> Option<&'r mut Vec<NhrpPermit>> {
    tunnel(r).map(|tunnel| &mut tunnel.nhrp.permits)
}

fn servers<'r>(r: &'r mut Reader<'_>) -> Option<&'r mut Vec<Nhs>> {
    tunnel(r).map(|tunnel| &mut tunnel.nhrp.nhs)
}

fn clusters<'r>(r: &'r mut Reader<'_>) -> Option<&'r mut Vec<Cluster>> {
    tunnel(r).map(|tunnel| &mut tunnel.nhrp.clusters)
}

/// `ip nhrp summary-map PREFIX MASK`, `ip nhrp summary-map PREFIX/LENGTH`
fn summary(r: &mut Reader<'_>, m: &Matched<'_>) {
    let written = || m.text("summary-map")?.parse::<Ipv4Net>().ok();
    let masked = || match (m.address("summary-map", 0)?, m.prefix_len("summary-map")?) {
        (IpAddr::V4(address), length) => Ipv4Net::new(address, length).ok(),
        (IpAddr::V6(_), _) => None,
    };
    let prefix = masked().or_else(written).filter(|prefix| prefix.prefix_len() > 0);
    let Some(prefix) = prefix.map(|prefix| prefix.trunc()) else {
        let at = m.index("summary-map", 0);
        r.say(Severity::Error, Rule::BadValue, at, "this is no network", "a prefix such as 192.168.8.0/21");
        return;
    };
    on_tunnel(r, |r| change_list(r, m.negated, summaries, |one| *one == prefix, Some(prefix)));
}

fn summaries<'r>(r: &'r mut Reader<'_>) -> Option<&'r mut Vec<Ipv4Net>> {
    tunnel(r).map(|tunnel| &mut tunnel.nhrp.summaries)
}

fn set_group(r: &mut Reader<'_>, m: &Matched<'_>) {
    let group = m.text("group").filter(|_| !m.negated).map(str::to_owned);
    nhrp(r, |nhrp| nhrp.group = group);
}

/// `ip nhrp map ADDRESS [MASK] NBMA`
fn map(r: &mut Reader<'_>, m: &Matched<'_>) {
    part_without_effect(r, m, &["preference"], "an address has one mapping");
    let Some(address) = unicast(r, m, "map", 0) else { return };
    let prefix = match (address, m.prefix_len("map")) {
        (IpAddr::V4(address), Some(length)) => {
            Ipv4Net::new(address, length).ok().map(|net| IpNet::V4(net.trunc()))
        }
        _ => Some(IpNet::from(address)),
    };
    let nth = if m.prefix_len("map").is_some() { 2 } else { 1 };
    let Some(prefix) = prefix else { return };
    let line = r.place();
    let element =
        if m.negated { None } else { unicast(r, m, "map", nth).map(|nbma| NhrpMap { prefix, nbma, line }) };
    if element.is_none() && !m.negated {
        return;
    }
    if let (Some(new), Some(list)) = (&element, maps(r)) {
        let old = list.iter().find(|one| one.prefix == prefix && one.nbma != new.nbma);
        if let Some((nbma, number)) = old.map(|old| (old.nbma, old.line.number)) {
            let message = format!("line {number} maps {prefix} to {nbma} already");
            r.say(Severity::Error, Rule::SetTwice, m.index("map", nth), &message, "one of the two lines");
        }
    }
    on_tunnel(r, |r| {
        // A contradiction has been called an error: the later line counts without a second word.
        if let (Some(new), Some(list)) = (&element, maps(r))
            && let Some(old) = list.iter_mut().find(|one| one.prefix == prefix && one.nbma != new.nbma)
        {
            *old = new.clone();
            return;
        }
        change_list(r, m.negated, maps, |one| one.prefix == prefix, element);
    });
}

/// `ip nhrp permit ADDRESS identity ...`
fn permit(r: &mut Reader<'_>, m: &Matched<'_>) {
    let Some(address) = unicast(r, m, "permit", 0) else { return };
    let Some(identity) = super::crypto::identity_match(r, m) else { return };
    let made = NhrpPermit { address, identity, line: r.place() };
    let (address, identity) = (made.address, made.identity.clone());
    let alike = move |one: &NhrpPermit| one.address == address && one.identity == identity;
    on_tunnel(r, |r| change_list(r, m.negated, permits, alike, Some(made)));
}

/// `ip nhrp nhs ADDRESS|dynamic ...`
fn nhs(r: &mut Reader<'_>, m: &Matched<'_>) {
    let address = if m.has("dynamic") {
        None
    } else {
        match unicast(r, m, "nhs", 0) {
            Some(address) => Some(address),
            None => return,
        }
    };
    let nbma = m.text("nbma").map(|text| match text.parse() {
        Ok(address) => Nbma::Address(address),
        Err(_) => Nbma::Name(text.to_owned()),
    });
    let made = Nhs {
        address,
        nbma: nbma.clone(),
        multicast: m.has("multicast"),
        priority: m.number("priority").unwrap_or(0),
        cluster: m.number("cluster").unwrap_or(0),
        line: r.place(),
    };
    let negated = m.negated;
    // Without its other words, `no ip nhrp nhs ADDRESS` means the server whatever its words are.
    let alike = move |one: &Nhs| one.address == address && (one.nbma == nbma || (negated && nbma.is_none()));
    on_tunnel(r, |r| change_list(r, negated, servers, alike, Some(made)));
}

/// An address that one host can have; says so if it is another.
fn unicast(r: &mut Reader<'_>, m: &Matched<'_>, keyword: &str, nth: usize) -> Option<IpAddr> {
    let address = m.address(keyword, nth)?;
    let broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    if address.is_multicast() || address.is_unspecified() || broadcast {
        let at = m.index(keyword, nth);
        r.say(
            Severity::Error,
            Rule::BadValue,
            at,
            "no single host has this address",
            "the address of a host",
        );
        return None;
    }
    Some(address)
}
