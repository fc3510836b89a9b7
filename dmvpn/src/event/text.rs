//! The lines that events print, in the words of the field.

use core::fmt;
use std::net::IpAddr;

use nhrp::{DownReason, NhsDownReason};
use ospf_p2mp::{Parameter, ParameterValue};

type Result = fmt::Result;

pub(super) fn ike(
    f: &mut fmt::Formatter<'_>,
    local: IpAddr,
    remote: Option<IpAddr>,
    event: &ikev2::Event,
) -> Result {
    use ikev2::Event;
    let with = remote.map_or_else(|| "?".to_owned(), |remote| remote.to_string());
    match event {
        Event::PeerUp { identity, remote, initiator, .. } => {
            let role = if *initiator { "initiator" } else { "responder" };
            write!(f, "IKEV2: SA up with {remote}, identity {identity} ({role}, local {local})")
        }
        Event::ChildUp { child, .. } => write!(f, "IPSEC: SA up with {with}, {child}"),
        Event::ChildRekeyed { old, new, .. } => write!(f, "IPSEC: SA with {with} rekeyed, {old} -> {new}"),
        Event::ChildDown { child, reason, .. } => write!(f, "IPSEC: SA down with {with}, {child}: {reason}"),
        Event::IkeRekeyed { .. } => write!(f, "IKEV2: SA with {with} rekeyed"),
        Event::PeerDown { remote, reason, .. } => write!(f, "IKEV2: SA down with {remote}: {reason}"),
        Event::PeerMoved { from, to, .. } => {
            write!(f, "IKEV2: peer {from} is at {to} now (NAT binding moved)")
        }
        Event::ConnectFailed { remote, reason } => write!(f, "IKEV2: no session with {remote}: {reason}"),
        Event::Refused { remote, reason } => write!(f, "IKEV2: refused {remote}: {reason}"),
        Event::Keys(_) => f.write_str("IKEV2: keys logged"),
        other => write!(f, "IKEV2: {other:?}"),
    }
}

pub(super) fn nhrp(f: &mut fmt::Formatter<'_>, interface: &str, event: &nhrp::Event) -> Result {
    use nhrp::Event;
    match event {
        // The lines that `debug nhrp detail` prints on the hub.
        Event::AuthenticationMismatch { source, destination, packet_type, size } => {
            writeln!(f, "NHRP: Receive {packet_type} via {interface} vrf 0, packet size: {size}")?;
            writeln!(f, "NHRP: src: {source}, dst: {destination}")?;
            f.write_str("NHRP: Authentication string mismatch")
        }
        Event::Registered { tunnel_address, nbma, claimed_nbma: None } => {
            write!(f, "NHRP: {interface}: {tunnel_address} registered from {nbma}")
        }
        Event::Registered { tunnel_address, nbma, claimed_nbma: Some(claimed) } => {
            write!(
                f,
                "NHRP: {interface}: {tunnel_address} registered from {nbma} (behind NAT, claims {claimed})"
            )
        }
        Event::RegistrationAccepted { nhs, public_nbma: None } => {
            write!(f, "NHRP: {interface}: registered with NHS {nhs}")
        }
        Event::RegistrationAccepted { nhs, public_nbma: Some(public) } => {
            write!(f, "NHRP: {interface}: registered with NHS {nhs}, which sees us at {public} (NAT)")
        }
        Event::NhsUp { nhs } => write!(f, "NHRP: {interface}: NHS {nhs} is up"),
        Event::NhsDown { nhs, reason } => {
            write!(f, "NHRP: {interface}: NHS {nhs} is down: {}", nhs_down(reason))
        }
        Event::RegistrationRefused { nhs, code } => {
            write!(f, "NHRP: {interface}: NHS {nhs} refused the registration: {code}")
        }
        Event::Expired { prefix } => write!(f, "NHRP: {interface}: {prefix} expired"),
        Event::Purged { prefix, by } => write!(f, "NHRP: {interface}: {prefix} purged by {by}"),
        Event::Resolved { destination, prefix, next_hop, nbma } => {
            write!(f, "NHRP: {interface}: {destination} resolved: {prefix} via {next_hop}, NBMA {nbma}")
        }
        Event::ResolutionUnanswered { destination } => {
            write!(f, "NHRP: {interface}: resolution of {destination} unanswered; traffic stays with the hub")
        }
        Event::ResolutionRefused { destination, code } => {
            write!(f, "NHRP: {interface}: resolution of {destination} refused: {code}")
        }
        Event::ShortcutRefused { prefix, destination } => {
            write!(f, "NHRP: {interface}: shortcut {prefix} for {destination} not installed")
        }
        Event::UniqueAddressConflict { tunnel_address, registered, refused } => write!(
            f,
            "NHRP: {interface}: unique address {tunnel_address} already registered from {registered}, refused {refused}"
        ),
        Event::Loop { source, destination } => {
            write!(f, "NHRP: {interface}: loop detected, {source} -> {destination}")
        }
        Event::PeerError { nbma, code, offset } => {
            write!(f, "NHRP: {interface}: error indication from {nbma}: {code} at offset {offset}")
        }
        Event::NameUnresolved { name } => {
            write!(f, "NHRP: {interface}: NHS name {name} has no address, or nobody could be asked")
        }
        Event::DirectPathFailed { tunnel_address, nbma } => {
            write!(
                f,
                "NHRP: {interface}: no direct path to {tunnel_address} (NBMA {nbma}); traffic stays with the hub"
            )
        }
        other => write!(f, "NHRP: {interface}: {other:?}"),
    }
}

pub(super) fn ospf(f: &mut fmt::Formatter<'_>, interface: Option<&str>, event: &ospf_p2mp::Event) -> Result {
    use ospf_p2mp::Event;
    let on = interface.unwrap_or("?");
    match event {
        Event::NeighborUp { router_id, .. } => {
            write!(f, "OSPF: Nbr {router_id} on {on} from LOADING to FULL, Loading Done")
        }
        Event::NeighborDown { router_id, reason, .. } => {
            write!(f, "OSPF: Nbr {router_id} on {on} from FULL to DOWN, Neighbor Down: {reason}")
        }
        Event::ParameterMismatch { source, what, ours, theirs, .. } => {
            let (what, ours, theirs) = (parameter(*what), value(ours), value(theirs));
            write!(f, "OSPF: mismatched {what} from {source} on {on}: here {ours}, there {theirs}")
        }
        Event::FullWithoutLinkBack { router_id, .. } => write!(
            f,
            "OSPF: Nbr {router_id} on {on} is FULL but its LSA has no link back: \
             the network types differ, nothing is reachable through it"
        ),
        Event::ExchangeStuck { router_id, retransmissions, mtu_suspected, .. } => {
            let hint = if *mtu_suspected { "; MTU mismatch?" } else { "" };
            write!(f, "OSPF: Nbr {router_id} on {on} stuck after {retransmissions} retransmissions{hint}")
        }
        Event::DuplicateRouterId { router_id, .. } => write!(f, "OSPF: duplicate router id {router_id}"),
        Event::InterfaceUp { .. } => write!(f, "OSPF: interface {on} up"),
        Event::InterfaceDown { .. } => write!(f, "OSPF: interface {on} down"),
        other => write!(f, "OSPF: {other:?}"),
    }
}

pub(super) const fn down(reason: DownReason) -> &'static str {
    match reason {
        DownReason::PathDown => "its SA is gone",
        DownReason::ProbeLost => "probes are lost",
        DownReason::Expired => "expired",
        DownReason::Purged => "purged",
        DownReason::Replaced => "replaced",
        DownReason::Refused => "refused",
        DownReason::Cleared => "cleared",
        DownReason::Shutdown => "shut down",
        _ => "down",
    }
}

fn nhs_down(reason: &NhsDownReason) -> String {
    match reason {
        NhsDownReason::Silent => "silent, no answer to registrations".to_owned(),
        NhsDownReason::PathDown => "its SA is gone".to_owned(),
        NhsDownReason::PathFailed => "no path to it".to_owned(),
        NhsDownReason::NameUnresolved => "its name has no address".to_owned(),
        NhsDownReason::Refused(code) => format!("it refuses us: {code}"),
        other => format!("{other:?}"),
    }
}

const fn parameter(parameter: Parameter) -> &'static str {
    match parameter {
        Parameter::HelloInterval => "hello interval",
        Parameter::DeadInterval => "dead interval",
        Parameter::Mask => "network mask",
        Parameter::Area => "area",
        Parameter::StubArea => "stub area flag",
        Parameter::Authentication => "authentication",
        Parameter::Mtu => "MTU",
        Parameter::NetworkType => "network type",
        _ => "parameter",
    }
}

fn value(value: &ParameterValue) -> String {
    match value {
        ParameterValue::Number(number) => number.to_string(),
        ParameterValue::Address(address) => address.to_string(),
        ParameterValue::Authentication { au_type, key_id } => format!("type {au_type}, key id {key_id}"),
        other => format!("{other:?}"),
    }
}
