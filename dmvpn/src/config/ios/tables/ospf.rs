//! OSPF: on an interface, as a process, and the key chains that it uses.

use core::time::Duration;
use std::net::Ipv4Addr;

use super::super::reader::{Mode, Reader};
use super::super::syntax::{Command, Matched};
use super::interface::change as interface;
use super::{
    change_list, lacking, lacking_section, many, nothing_to_undo, one, open, open_named, part_without_effect,
};
use crate::config::{
    Area, ChainAlgorithm, ChainKey, DefaultInformation, InterfaceOspf, KeyChain, KeyLifetime, MaxMetric,
    MessageDigestKey, MetricType, Origin, Ospf, OspfAuthentication, OspfNeighbor, OspfNetwork,
    OspfNetworkType, Redistribute, RouteSource, Rule, Severity, Throttle,
};

pub(super) const GLOBAL: &[Command] = &[
    open("router ospf <1-65535>", process),
    lacking_section("router ospf <1-65535> vrf TEXT", "there are no VRFs here: the process is left out"),
    lacking_section("router ospfv3 [TEXT]", "OSPFv3 is not there; use 'router ospf'"),
    open("key chain NAME", |r, m| {
        let Some(name) = m.text("chain") else { return };
        let make = |origin| KeyChain { name: name.into(), origin, ..KeyChain::default() };
        open_named(r, m, |r| &mut r.config.key_chains, |one| one.name == name, make, Mode::KeyChain);
    }),
];

pub(super) const INTERFACE: &[Command] = &[
    one("ip ospf <1-65535> area AREA", |r, m| {
        let area = m.number("ospf").zip(m.area("area"));
        ospf(r, |ospf| ospf.area = area.filter(|_| !m.negated));
    }),
    one("ip ospf network (broadcast|non-broadcast|point-to-point)", |r, m| {
        let network = if m.has("point-to-point") {
            OspfNetworkType::PointToPoint
        } else if m.has("non-broadcast") {
            OspfNetworkType::NonBroadcast
        } else {
            OspfNetworkType::Broadcast
        };
        ospf(r, |ospf| ospf.network = (!m.negated).then_some(network));
    }),
    one("ip ospf network (point-to-multipoint) [non-broadcast]", |r, m| {
        let network = if m.has("non-broadcast") {
            OspfNetworkType::PointToMultipointNonBroadcast
        } else {
            OspfNetworkType::PointToMultipoint
        };
        ospf(r, |ospf| ospf.network = (!m.negated).then_some(network));
    }),
    one("ip ospf cost <1-65535>", |r, m| ospf(r, |ospf| ospf.cost = m.number("cost"))),
    one("ip ospf hello-interval <1-65535>", |r, m| {
        ospf(r, |ospf| ospf.hello_interval = m.seconds("hello-interval"));
    }),
    one("ip ospf dead-interval <1-65535>", |r, m| {
        ospf(r, |ospf| ospf.dead_interval = m.seconds("dead-interval"));
    }),
    lacking("ip ospf dead-interval minimal TEXT", "Hellos more often than once a second are not sent here"),
    one("ip ospf retransmit-interval <1-8192>", |r, m| {
        ospf(r, |ospf| ospf.retransmit_interval = m.seconds("retransmit-interval"));
    }),
    one("ip ospf transmit-delay <1-8192>", |r, m| {
        ospf(r, |ospf| ospf.transmit_delay = m.seconds("transmit-delay"));
    }),
    one("ip ospf priority <0-255>", |r, m| ospf(r, |ospf| ospf.priority = m.number("priority"))),
    one("ip ospf mtu-ignore", |r, m| ospf(r, |ospf| ospf.mtu_ignore = !m.negated)),
    one("ip ospf prefix-suppression [disable]", |r, m| {
        ospf(r, |ospf| ospf.prefix_suppression = (!m.negated).then_some(!m.has("disable")));
    }),
    one("ip ospf authentication [(null|message-digest)]", |r, m| {
        let authentication = if m.has("null") {
            OspfAuthentication::Null
        } else if m.has("message-digest") {
            OspfAuthentication::MessageDigest
        } else {
            OspfAuthentication::Simple
        };
        ospf(r, |ospf| ospf.authentication = (!m.negated).then_some(authentication));
    }),
    one("ip ospf authentication (key-chain) NAME", |r, m| {
        let chain =
            m.text("key-chain").filter(|_| !m.negated).map(|name| OspfAuthentication::KeyChain(name.into()));
        ospf(r, |ospf| ospf.authentication = chain);
    }),
    one("ip ospf authentication-key SECRET", |r, m| {
        let key = m.secret("authentication-key");
        check_length(r, m.index("authentication-key", 0), key.as_ref(), 8);
        ospf(r, |ospf| ospf.simple_key = key);
    }),
    many("ip ospf message-digest-key <1-255> md5 SECRET", |r, m| {
        let Some(Ok(id)) = m.last_number("message-digest-key").map(u8::try_from) else { return };
        let key = m.secret("md5");
        check_length(r, m.index("md5", 0), key.as_ref(), 16);
        let line = r.place();
        let made = key.map(|key| MessageDigestKey { id, key, line });
        change_list(r, m.negated, digest_keys, |one| one.id == id, made);
    }),
    one("ip ospf ttl-security [hops <1-254>]", |r, m| {
        ospf(r, |ospf| ospf.ttl_security = (!m.negated).then(|| m.number("hops").unwrap_or(1)));
    }),
    lacking("ip ospf ttl-security disable", "switch it on per interface instead"),
    lacking("ip ospf bfd [TEXT]", "there is no BFD here; NHRP tells when a neighbour has gone"),
    lacking("ip ospf database-filter TEXT", "it would take away what direct paths need"),
    lacking("ip ospf demand-circuit [TEXT]", "demand circuits are not there"),
    lacking("ip ospf flood-reduction", "DoNotAge is not sent here"),
    lacking("ip ospf multi-area TEXT", "an interface is in one area here"),
    lacking("ip ospf resync-timeout TEXT", "neighbours are not resynchronised out of band"),
    lacking("ip ospf fast-reroute TEXT", "every route has its fallbacks here"),
];

pub(super) const PROCESS: &[Command] = &[
    one("router-id IPV4", |r, m| {
        let id = m.ipv4("router-id", 0).filter(|_| !m.negated);
        if id.is_some_and(|id| id.is_unspecified()) {
            r.say(
                Severity::Error,
                Rule::BadValue,
                m.index("router-id", 0),
                "not a router id",
                "any but 0.0.0.0",
            );
            return;
        }
        change(r, |ospf| ospf.router_id = id);
    }),
    many("network IPV4 WILDCARD area AREA", |r, m| {
        let (Some(address), Some(wildcard)) = (m.ipv4("network", 0), m.wildcard("network")) else { return };
        let masked = Ipv4Addr::from(u32::from(address) & !wildcard);
        if masked != address {
            let message = format!("the wildcard covers bits of the address; read as {masked}");
            r.say(Severity::Warning, Rule::BadValue, m.index("network", 0), &message, "");
        }
        let Some(area) = m.area("area") else {
            // `no network ADDRESS WILDCARD`.
            change_list(r, true, networks, |one| one.address == masked && one.wildcard == wildcard, None);
            return;
        };
        let made = OspfNetwork { address: masked, wildcard, area, line: r.place() };
        change_list(
            r,
            m.negated,
            networks,
            |one| one.address == masked && one.wildcard == wildcard,
            Some(made),
        );
    }),
    one("passive-interface default", |r, m| change(r, |ospf| ospf.passive_default = !m.negated)),
    many("passive-interface INTERFACE", |r, m| {
        let Some(name) = m.interface("passive-interface") else { return };
        change(r, |ospf| {
            ospf.passive_interfaces.retain(|one| *one != name);
            ospf.active_interfaces.retain(|one| *one != name);
            if m.negated { &mut ospf.active_interfaces } else { &mut ospf.passive_interfaces }.push(name);
        });
    }),
    many(
        "redistribute (static|connected) [metric <0-16777214>] [metric-type <1-2>] [tag <0-4294967295>] [subnets]",
        redistribute,
    ),
    many(
        "redistribute (static|connected) subnets [metric <0-16777214>] [metric-type <1-2>] [tag <0-4294967295>]",
        redistribute,
    ),
    many(
        "redistribute (static|connected) metric <0-16777214> subnets [metric-type <1-2>] [tag <0-4294967295>]",
        redistribute,
    ),
    lacking(
        "redistribute (static|connected) route-map TEXT",
        "there are no route maps here: nothing is redistributed",
    ),
    lacking(
        "redistribute (bgp|eigrp|rip|isis|ospf|nhrp|maximum-prefix|vrf|mobile|odr) [TEXT]",
        "only static and connected routes are redistributed here",
    ),
    one("default-information originate [always] [metric <0-16777214>] [metric-type <1-2>]", |r, m| {
        let made = DefaultInformation {
            always: m.has("always"),
            metric: m.number("metric").unwrap_or(1),
            metric_type: metric_type(m),
        };
        change(r, |ospf| ospf.default_information = (!m.negated).then_some(made));
    }),
    one(
        "max-metric router-lsa [external-lsa [<1-16777215>]] [include-stub] [on-startup <5-86400>]",
        max_metric,
    ),
    one(
        "max-metric router-lsa [on-startup <5-86400>] [external-lsa [<1-16777215>]] [include-stub]",
        max_metric,
    ),
    one("timers throttle spf <1-600000> <1-600000> <1-600000>", |r, m| {
        let throttle = throttle(r, m, "spf");
        change(r, |ospf| ospf.throttle_spf = throttle);
    }),
    one("timers throttle lsa [all] <0-600000> <1-600000> <1-600000>", |r, m| {
        let throttle = throttle(r, m, if m.has("all") { "all" } else { "lsa" });
        change(r, |ospf| ospf.throttle_lsa = throttle);
    }),
    one("timers lsa arrival <0-600000>", |r, m| {
        let arrival = m.milliseconds("arrival", 0).unwrap_or(Duration::from_millis(100));
        change(r, |ospf| ospf.lsa_arrival = arrival);
    }),
    one("auto-cost reference-bandwidth <1-4294967>", |r, m| {
        change(r, |ospf| ospf.reference_bandwidth = m.number("reference-bandwidth").unwrap_or(100));
    }),
    one("prefix-suppression", |r, m| change(r, |ospf| ospf.prefix_suppression = !m.negated)),
    one("area AREA authentication [message-digest]", |r, m| {
        let Some(id) = m.area("area") else { return };
        let kind = if m.has("message-digest") {
            OspfAuthentication::MessageDigest
        } else {
            OspfAuthentication::Simple
        };
        let line = r.place();
        change(r, |ospf| {
            ospf.areas.retain(|area| area.id != id);
            if !m.negated {
                ospf.areas.push(Area { id, authentication: Some(kind), line });
                ospf.areas.sort_by_key(|area| area.id);
            }
        });
    }),
    lacking(
        "area AREA (stub|nssa) [TEXT]",
        "stub areas and NSSAs are not there: neighbours that expect one would not come up",
    ),
    lacking("area AREA range TEXT", "routes between areas are not summarised here"),
    lacking("area AREA virtual-link TEXT", "virtual links are not there"),
    lacking("area AREA (default-cost|filter-list|sham-link) TEXT", "it belongs to what is not there"),
    many("neighbor IPV4 [cost <1-65535>] [priority <0-255>] [poll-interval <0-4294967295>]", |r, m| {
        let Some(address) = m.ipv4("neighbor", 0) else { return };
        part_without_effect(
            r,
            m,
            &["priority", "poll-interval"],
            "there is no election, and Hellos keep their interval",
        );
        let made = OspfNeighbor { address, cost: m.number("cost"), line: r.place() };
        change_list(r, m.negated, neighbors, |one| one.address == address, Some(made));
    }),
    one("distance <1-255>", |r, m| change(r, |ospf| ospf.distance = m.number("distance").unwrap_or(110))),
    lacking("distance ospf TEXT", "all OSPF routes have one distance here"),
    one("maximum-paths <1-32>", |r, m| {
        change(r, |ospf| ospf.maximum_paths = m.number("maximum-paths").unwrap_or(4));
    }),
    one("ttl-security all-interfaces [hops <1-254>]", |r, m| {
        change(r, |ospf| ospf.ttl_security = (!m.negated).then(|| m.number("hops").unwrap_or(1)));
    }),
    one("nsf ietf helper [disable]", |r, m| {
        change(r, |ospf| ospf.restart_helper = m.has("disable") == m.negated);
    }),
    one("shutdown", |r, m| change(r, |ospf| ospf.shutdown = !m.negated)),
];

pub(super) const KEY_CHAIN: &[Command] = &[open("key <0-2147483647>", |r, m| {
    let (Mode::KeyChain(index), Some(Ok(id))) = (r.mode(), m.last_number("key").map(u32::try_from)) else {
        return;
    };
    let origin = Origin::new(r.place());
    let Some(chain) = r.config.key_chains.get_mut(index) else { return };
    let found = chain.keys.iter().position(|key| key.id == id);
    if m.negated {
        match found {
            Some(key) => {
                chain.keys.remove(key);
                r.forget_settings();
            }
            None => nothing_to_undo(r),
        }
        return;
    }
    let key = found.unwrap_or_else(|| {
        chain.keys.push(ChainKey { id, origin, ..ChainKey::default() });
        chain.keys.len() - 1
    });
    r.enter(Mode::ChainKey(index, key));
})];

pub(super) const CHAIN_KEY: &[Command] = &[
    one("key-string SECRET", |r, m| chain_key(r, |key| key.key = m.secret("key-string"))),
    one("cryptographic-algorithm (md5|hmac-sha-1|hmac-sha-256|hmac-sha-384|hmac-sha-512)", |r, m| {
        let algorithm = [
            ("hmac-sha-1", ChainAlgorithm::HmacSha1),
            ("hmac-sha-256", ChainAlgorithm::HmacSha256),
            ("hmac-sha-384", ChainAlgorithm::HmacSha384),
            ("hmac-sha-512", ChainAlgorithm::HmacSha512),
        ];
        let chosen = algorithm.into_iter().find(|(word, _)| m.has(word) && !m.negated);
        chain_key(r, |key| key.algorithm = chosen.map_or(ChainAlgorithm::Md5, |(_, algorithm)| algorithm));
    }),
    one("accept-lifetime TEXT", |r, m| lifetime(r, m, "accept-lifetime", |key| &mut key.accept)),
    one("send-lifetime TEXT", |r, m| lifetime(r, m, "send-lifetime", |key| &mut key.send)),
];

/// When a key is valid. `local` is understood as UTC, because no time zone is known here.
fn lifetime(
    r: &mut Reader<'_>,
    m: &Matched<'_>,
    keyword: &str,
    which: impl FnOnce(&mut ChainKey) -> &mut Option<KeyLifetime>,
) {
    let text = m.text(keyword).unwrap_or_default();
    let (text, local) = match text.strip_prefix("local ") {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let read = crate::config::ios::lifetime::read(text);
    if read.is_none() && !m.negated {
        let expected = "'HH:MM:SS MONTH DAY YEAR', then 'infinite', 'duration SECONDS' or another such date";
        r.say(Severity::Error, Rule::BadValue, m.index(keyword, 0), "not a lifetime", expected);
        return;
    }
    if local {
        let message = "there is no time zone here: the times are read as UTC";
        r.say(
            Severity::Warning,
            Rule::BadValue,
            m.index(keyword, 0),
            message,
            "times in UTC, without 'local'",
        );
    }
    chain_key(r, |key| *which(key) = read.filter(|_| !m.negated));
}

/// Changes the OSPF settings of the interface at hand.
fn ospf(r: &mut Reader<'_>, change: impl FnOnce(&mut InterfaceOspf)) {
    interface(r, |interface| change(&mut interface.ospf));
}

/// Changes the process.
fn change(r: &mut Reader<'_>, change: impl FnOnce(&mut Ospf)) {
    if let Some(ospf) = r.config.ospf.as_mut() {
        change(ospf);
    }
}

fn chain_key(r: &mut Reader<'_>, change: impl FnOnce(&mut ChainKey)) {
    if let Mode::ChainKey(chain, key) = r.mode()
        && let Some(key) = r.config.key_chains.get_mut(chain).and_then(|chain| chain.keys.get_mut(key))
    {
        change(key);
    }
}

fn digest_keys<'r>(r: &'r mut Reader<'_>) -> Option<&'r mut Vec<MessageDigestKey>> {
    match r.mode() {
        Mode::Interface(index) => {
            r.config.interfaces.get_mut(index).map(|one| &mut one.ospf.message_digest_keys)
        }
        _ => None,
    }
}

fn networks<'r>(r: &'r mut Reader<'_>) -> Option<&'r mut Vec<OspfNetwork>> {
    r.config.ospf.as_mut().map(|ospf| &mut ospf.networks)
}

fn neighbors<'r>(r: &'r mut Reader<'_>) -> Option<&'r mut Vec<OspfNeighbor>> {
    r.config.ospf.as_mut().map(|ospf| &mut ospf.neighbors)
}

fn redistributed<'r>(r: &'r mut Reader<'_>) -> Option<&'r mut Vec<Redistribute>> {
    r.config.ospf.as_mut().map(|ospf| &mut ospf.redistribute)
}

/// `router ospf PROCESS`: this router has one.
fn process(r: &mut Reader<'_>, m: &Matched<'_>) {
    let Some(Ok(process)) = m.last_number("ospf").map(u16::try_from) else { return };
    let existing = r.config.ospf.as_ref().map(|ospf| (ospf.process, ospf.origin.line.number));
    match (existing, m.negated) {
        (Some((known, _)), true) if known == process => {
            r.config.ospf = None;
            r.forget_positions();
            return;
        }
        (_, true) => return nothing_to_undo(r),
        (Some((known, line)), false) if known != process => {
            let message = format!("there is one OSPF process here, and line {line} has process {known}");
            let expected = format!("'router ospf {known}'");
            r.say(Severity::Error, Rule::Unsupported, m.index("ospf", 0), &message, &expected);
            r.enter(Mode::Idle);
            return;
        }
        (Some(_), false) => {}
        (None, false) => {
            r.config.ospf = Some(Ospf { origin: Origin::new(r.place()), ..Ospf::new(process) });
        }
    }
    r.enter(Mode::Ospf);
}

fn redistribute(r: &mut Reader<'_>, m: &Matched<'_>) {
    let source = if m.has("static") { RouteSource::Static } else { RouteSource::Connected };
    let made = Redistribute {
        source,
        metric: m.number("metric").unwrap_or(20),
        metric_type: metric_type(m),
        tag: m.number("tag").unwrap_or(0),
        line: r.place(),
    };
    change_list(r, m.negated, redistributed, |one| one.source == source, Some(made));
}

fn metric_type(m: &Matched<'_>) -> MetricType {
    if m.number("metric-type") == Some(1_u8) { MetricType::Type1 } else { MetricType::Type2 }
}

fn max_metric(r: &mut Reader<'_>, m: &Matched<'_>) {
    let external = m.has("external-lsa").then(|| m.number("external-lsa").unwrap_or(0x00ff_0000));
    let made =
        MaxMetric { on_startup: m.seconds("on-startup"), include_stub: m.has("include-stub"), external };
    change(r, |ospf| ospf.max_metric = (!m.negated).then_some(made));
}

fn throttle(r: &mut Reader<'_>, m: &Matched<'_>, keyword: &str) -> Throttle {
    let time = |nth| m.milliseconds(keyword, nth);
    let (Some(start), Some(hold), Some(max)) = (time(0), time(1), time(2)) else {
        return Throttle::default();
    };
    if hold > max {
        let message = "the longest wait is shorter than the first";
        r.say(Severity::Error, Rule::Timers, m.index(keyword, 2), message, "the times in growing order");
    }
    Throttle { start, hold, max }
}

/// A key of which OSPF uses only the first octets (RFC 2328 section D.3, D.4).
fn check_length(r: &mut Reader<'_>, at: usize, key: Option<&crate::config::Secret>, most: usize) {
    if key.is_some_and(|key| key.len() > most) {
        let expected = format!("at most {most} characters");
        let place = r.place();
        let column = r.words.column(at);
        let said =
            crate::config::Diagnostic::new(Severity::Error, Rule::BadValue, place, "the key is too long");
        r.diagnostics.push(said.about("", column).expecting(expected));
    }
}
