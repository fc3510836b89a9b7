//! What a tunnel has beside NHRP.

use super::super::reader::{Mode, Reader};
use super::super::syntax::Command;
use super::{lacking, no_effect, one, unsupported};
use crate::config::{NextHopMode, Rule, Severity, Tunnel, TunnelMode, TunnelSource};

pub(super) const COMMANDS: &[Command] = &[
    one("tunnel source ADDRESS", |r, m| {
        let source = m.address("source", 0).filter(|_| !m.negated).map(TunnelSource::Address);
        change(r, |tunnel| tunnel.source = source);
    }),
    one("tunnel source INTERFACE", |r, m| {
        let source = m.interface("source").filter(|_| !m.negated).map(TunnelSource::Interface);
        change(r, |tunnel| tunnel.source = source);
    }),
    one("tunnel destination ADDRESS", |r, m| {
        let destination = m.address("destination", 0).filter(|_| !m.negated);
        change(r, |tunnel| tunnel.destination = destination);
    }),
    one("tunnel mode gre (multipoint|ip)", |r, m| {
        let multipoint = m.has("multipoint") && !m.negated;
        change(r, |tunnel| {
            tunnel.mode = if multipoint { TunnelMode::GreMultipoint } else { TunnelMode::GreIp }
        });
    }),
    unsupported(
        "tunnel mode gre (ipv6|multipoint) ipv6",
        "GRE runs over IPv4 here; use 'tunnel mode gre multipoint'",
    ),
    unsupported(
        "tunnel mode (ipsec|ipip|ipv6ip|ethernet|eon|mpls|udp|vxlan|geneve|dvmrp|nos|aurp|cayman|iptalk|l2tpv3) [TEXT]",
        "tunnels are GRE here; use 'tunnel mode gre multipoint' or 'tunnel mode gre ip'",
    ),
    one("tunnel key <0-4294967295>", |r, m| change(r, |tunnel| tunnel.key = m.number("key"))),
    one("tunnel protection ipsec profile NAME [shared]", |r, m| {
        let name = m.text("profile").filter(|_| !m.negated).map(str::to_owned);
        change(r, |tunnel| {
            tunnel.shared = name.is_some() && m.has("shared");
            tunnel.protection = name;
        });
    }),
    one("tunnel tos <0-255>", |r, m| change(r, |tunnel| tunnel.tos = m.number("tos"))),
    one("tunnel ttl <1-255>", |r, m| change(r, |tunnel| tunnel.ttl = m.number("ttl"))),
    one("tunnel path-mtu-discovery", |r, m| change(r, |tunnel| tunnel.path_mtu_discovery = !m.negated)),
    no_effect("tunnel path-mtu-discovery (age-timer|min-mtu) TEXT", "the embedder reports the path's MTU"),
    lacking("tunnel vrf NAME", "there are no VRFs here: the underlay is the host's"),
    lacking("tunnel checksum", "GRE checksums are not sent here; ESP protects better"),
    lacking("tunnel sequence-datagrams", "GRE sequence numbers are not sent here"),
    lacking("tunnel route-via TEXT", "the host routes the underlay"),
    lacking(
        "keepalive [TEXT]",
        "GRE keepalives do not go with multipoint tunnels; NHRP and DPD find dead peers",
    ),
    no_effect("tunnel bandwidth TEXT", "it is only a remark"),
    one("ip ospf next-hop (originator|rfc2328)", |r, m| {
        let mode = if m.has("originator") { NextHopMode::Originator } else { NextHopMode::Rfc2328 };
        let mode = (!m.negated).then_some(mode);
        change(r, |tunnel| tunnel.next_hop = mode);
    }),
];

/// Changes the tunnel at hand; says so if the interface at hand is none.
pub(super) fn change(r: &mut Reader<'_>, change: impl FnOnce(&mut Tunnel)) {
    match tunnel(r) {
        Some(tunnel) => change(tunnel),
        None => r.say(
            Severity::Error,
            Rule::UnexpectedWord,
            0,
            "belongs to a tunnel, and this interface is none",
            "the line below 'interface Tunnel...'",
        ),
    }
}

/// The tunnel at hand, if the interface at hand is one.
pub(super) fn tunnel<'r>(r: &'r mut Reader<'_>) -> Option<&'r mut Tunnel> {
    match r.mode() {
        Mode::Interface(index) => r.config.interfaces.get_mut(index)?.tunnel.as_mut(),
        _ => None,
    }
}
