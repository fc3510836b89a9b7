//! Top level: the router's name, interfaces, static routes.

use std::net::IpAddr;

use ipnet::Ipv4Net;

use super::super::reader::{Mode, Reader};
use super::super::syntax::{Command, Matched};
use super::super::value::Arg;
use super::{change_list, many, one, open, open_named, part_without_effect, unsupported};
use crate::config::{Interface, Rule, Severity, StaticRoute};

pub(super) const COMMANDS: &[Command] = &[
    one("hostname NAME", |r, m| {
        r.config.hostname = m.text("hostname").filter(|_| !m.negated).unwrap_or_default().to_owned();
    }),
    open("interface INTERFACE [(point-to-point|multipoint)]", |r, m| {
        let Some(name) = m.interface("interface") else { return };
        part_without_effect(r, m, &["point-to-point", "multipoint"], "see 'tunnel mode'");
        open_named(
            r,
            m,
            |r| &mut r.config.interfaces,
            |one| one.name == name,
            |origin| Interface { origin, ..Interface::new(name.clone()) },
            Mode::Interface,
        );
    }),
    many("ip route IPV4 MASK IPV4 [<1-255>] [tag <1-4294967295>] [name NAME] [permanent]", route),
    many("ip route IPV4 MASK INTERFACE [IPV4] [<1-255>] [tag <1-4294967295>] [name NAME] [permanent]", route),
    many("ip route IPV4 MASK IPV4 [<1-255>] name NAME [tag <1-4294967295>] [permanent]", route),
    many("ip route IPV4 MASK INTERFACE [IPV4] [<1-255>] name NAME [tag <1-4294967295>] [permanent]", route),
    unsupported("ip route IPV4 MASK dhcp [TEXT]", "a gateway from DHCP is not known here; name it"),
    unsupported(
        "ip route IPV4 MASK IPV4 [<1-255>] track TEXT",
        "objects are not tracked here: the route would always be there",
    ),
    unsupported("ip route vrf TEXT", "there are no VRFs here: the route would be in the wrong table"),
];

/// `ip route PREFIX MASK [INTERFACE] [GATEWAY] [DISTANCE] ...`
fn route(r: &mut Reader<'_>, m: &Matched<'_>) {
    let (Some(address), Some(length)) = (m.ipv4("route", 0), m.prefix_len("route")) else { return };
    part_without_effect(r, m, &["permanent"], "the route goes with its interface");
    let Ok(network) = Ipv4Net::new(address, length) else { return };
    if network.trunc() != network {
        let expected = format!("{} {}", network.network(), network.netmask());
        r.say(
            Severity::Error,
            Rule::BadValue,
            m.index("route", 0),
            "the mask leaves bits of the address over",
            &expected,
        );
        return;
    }
    let next_hop = m.after("route").skip(1).find_map(|(_, arg)| match arg {
        Arg::Address(IpAddr::V4(address)) => Some(*address),
        _ => None,
    });
    let made = StaticRoute {
        prefix: network,
        next_hop,
        interface: m.interface("route"),
        distance: m.last_number("route").and_then(|distance| u8::try_from(distance).ok()).unwrap_or(1),
        name: m.text("name").unwrap_or_default().to_owned(),
        tag: m.number("tag").unwrap_or(0),
        line: r.place(),
    };
    let alike = |one: &StaticRoute| {
        one.prefix == made.prefix && one.next_hop == made.next_hop && one.interface == made.interface
    };
    change_list(r, m.negated, |r| Some(&mut r.config.static_routes), alike, Some(made.clone()));
}
