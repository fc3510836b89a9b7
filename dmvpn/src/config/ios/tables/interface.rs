//! What every interface has.

use super::super::reader::{Mode, Reader};
use super::super::syntax::{Command, Matched};
use super::{lacking, many, one, unsupported};
use crate::config::{Interface, InterfaceAddress, Rule, Severity};

pub(super) const COMMANDS: &[Command] = &[
    one("description TEXT", |r, m| {
        let text = m.text("description").filter(|_| !m.negated).unwrap_or_default();
        change(r, |interface| interface.description = text.to_owned());
    }),
    one("ip address IPV4 MASK", |r, m| {
        let address = address(r, m);
        change(r, |interface| {
            interface.address = address;
            interface.dynamic_address = false;
            interface.unnumbered = None;
        });
    }),
    many("ip address IPV4 MASK secondary", |r, m| {
        let Some(address) = address_of(r, m) else { return };
        super::change_list(r, m.negated, secondary, |one| one.address == address.address, Some(address));
    }),
    one("ip address (dhcp|negotiated) [TEXT]", |r, m| {
        change(r, |interface| {
            interface.dynamic_address = !m.negated;
            interface.address = None;
        });
    }),
    one("ip unnumbered INTERFACE", |r, m| {
        let name = m.interface("unnumbered").filter(|_| !m.negated);
        change(r, |interface| interface.unnumbered = name);
    }),
    one("mtu <64-18000>", |r, m| change(r, |interface| interface.mtu = m.number("mtu"))),
    one("ip mtu <68-17940>", |r, m| change(r, |interface| interface.ip_mtu = m.number("mtu"))),
    one("ip tcp adjust-mss <500-1460>", |r, m| {
        change(r, |interface| interface.adjust_mss = m.number("adjust-mss"));
    }),
    one("bandwidth <1-200000000>", |r, m| change(r, |interface| interface.bandwidth = m.number("bandwidth"))),
    one("ip redirects", |r, m| change(r, |interface| interface.ip_redirects = !m.negated)),
    one("shutdown", |r, m| change(r, |interface| interface.shutdown = !m.negated)),
    unsupported("vrf forwarding NAME", "there are no VRFs here: traffic that should be apart would mix"),
    unsupported("ip vrf forwarding NAME", "there are no VRFs here: traffic that should be apart would mix"),
    lacking("ip access-group TEXT", "packets are not filtered here: filter on the host"),
    lacking("ip nat TEXT", "addresses are not translated here"),
    lacking(
        "crypto map TEXT",
        "there are no crypto maps here: protect the tunnel with 'tunnel protection ipsec profile'",
    ),
    lacking("service-policy TEXT", "there is no QoS here: put it on the host's interface"),
    lacking("ipv6 address TEXT", "tunnels and LANs carry IPv4 here"),
    lacking("ipv6 enable", "tunnels and LANs carry IPv4 here"),
    lacking("ip pim TEXT", "multicast is not routed here"),
    lacking("standby TEXT", "there is no HSRP here"),
    lacking("vrrp TEXT", "there is no VRRP here"),
    lacking("encapsulation TEXT", "frames belong to the host"),
    lacking("ip policy TEXT", "there is no policy routing here"),
    lacking("bfd TEXT", "there is no BFD here"),
    lacking("zone-member TEXT", "packets are not filtered here: filter on the host"),
];

/// Changes the interface at hand.
pub(super) fn change(r: &mut Reader<'_>, change: impl FnOnce(&mut Interface)) {
    if let Mode::Interface(index) = r.mode()
        && let Some(interface) = r.config.interfaces.get_mut(index)
    {
        change(interface);
    }
}

fn secondary<'r>(r: &'r mut Reader<'_>) -> Option<&'r mut Vec<InterfaceAddress>> {
    match r.mode() {
        Mode::Interface(index) => r.config.interfaces.get_mut(index).map(|one| &mut one.secondary_addresses),
        _ => None,
    }
}

fn address(r: &mut Reader<'_>, m: &Matched<'_>) -> Option<InterfaceAddress> {
    if m.negated { None } else { address_of(r, m) }
}

/// An address that a host can have, with its mask.
fn address_of(r: &mut Reader<'_>, m: &Matched<'_>) -> Option<InterfaceAddress> {
    let (address, prefix_len) = (m.ipv4("address", 0)?, m.prefix_len("address")?);
    let found = InterfaceAddress { address, prefix_len };
    let network = found.network();
    let message = if prefix_len == 0 {
        "the mask 0.0.0.0 leaves no network"
    } else if prefix_len < 31 && address == network.network() {
        "this is the address of the network itself"
    } else if prefix_len < 31 && address == network.broadcast() {
        "this is the broadcast address of the network"
    } else if address.is_multicast()
        || address.is_broadcast()
        || address.is_unspecified()
        || address.is_loopback()
    {
        "no interface can have this address"
    } else {
        return Some(found);
    };
    let expected = if prefix_len == 0 {
        "a mask such as 255.255.255.0".to_owned()
    } else if prefix_len < 31 && network.network() != network.broadcast() && !address.is_multicast() {
        let first = network.hosts().next().unwrap_or(address);
        let last = std::net::Ipv4Addr::from(u32::from(network.broadcast()).saturating_sub(1));
        format!("an address from {first} to {last}")
    } else {
        "a host's address".to_owned()
    };
    r.say(Severity::Error, Rule::BadValue, m.index("address", 0), message, &expected);
    None
}
