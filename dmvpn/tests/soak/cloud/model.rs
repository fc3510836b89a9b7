//! What a cloud should converge to, computed from its topology in the most naive way: no protocol, no timers.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::topology::{Member, NatKind, Phase, Topology};

/// Which way the packets of a pair go once everything is settled and traffic has been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By way of a hub.
    Hub,
    /// From the one router to the other.
    Direct,
    /// NAT boxes let a direct path through by luck of their ports.
    Either,
}

/// The cloud that carries data: the others have a worse cost.
pub const BEST: usize = 0;

/// The way from one member to another. They share a cloud, or there is none.
pub fn way(topology: &Topology, from: Member, to: Member) -> Option<Way> {
    match (from, to) {
        (Member::Hub(a), Member::Hub(b)) => {
            // Hubs of a cloud do not know each other: a spoke is between them.
            assert_ne!(a, b, "a pair is two routers");
            None
        }
        (Member::Hub(_), Member::Spoke(_)) | (Member::Spoke(_), Member::Hub(_)) => Some(Way::Direct),
        (Member::Spoke(a), Member::Spoke(b)) => Some(match topology.clouds[BEST] {
            Phase::One | Phase::Two { originator: false } => Way::Hub,
            Phase::Two { originator: true } | Phase::Three => through_nat(topology, a, b),
        }),
    }
}

/// Whether two spokes can talk directly. One behind NAT opens the path from its side. Two behind different boxes can only
/// if a box lets in what nobody asked for, or keeps ports as they are; two behind the same box would have to be
/// turned around by it, and are not.
fn through_nat(topology: &Topology, a: usize, b: usize) -> Way {
    match (topology.spokes[a].nat, topology.spokes[b].nat) {
        (None, None) => Way::Direct,
        (Some(_), None) | (None, Some(_)) => Way::Direct,
        (Some(a), Some(b)) if a == b => Way::Hub,
        (Some(_), Some(_)) if !topology.protected => Way::Either,
        (Some(a), Some(b)) => {
            let lets_in = |nat: usize| {
                let nat = &topology.nats[nat];
                nat.kind == NatKind::FullCone || nat.ports == dmvpn::sim::PortAllocation::Preserve
            };
            if lets_in(a) || lets_in(b) { Way::Either } else { Way::Hub }
        }
    }
}

/// The gateways that a member may have for another one's LAN.
pub fn gateways(topology: &Topology, from: Member, to: Member) -> BTreeSet<Ipv4Addr> {
    // A hub serves one cloud only, the best or not.
    let cloud = match (from, to) {
        (Member::Hub(hub), _) | (_, Member::Hub(hub)) => topology.cloud_of_hub(hub),
        _ => BEST,
    };
    let direct = to.tunnel_address(cloud);
    let hubs = || topology.hubs_of(cloud).map(|hub| Member::Hub(hub).tunnel_address(cloud));
    match (from, to, topology.clouds[cloud]) {
        (Member::Hub(_), _, _) | (_, Member::Hub(_), _) => BTreeSet::from([direct]),
        (_, _, Phase::Two { originator: true }) => BTreeSet::from([direct]),
        // A shortcut, where there is one already.
        (_, _, Phase::Three) => hubs().chain([direct]).collect(),
        (_, _, Phase::One | Phase::Two { originator: false }) => hubs().collect(),
    }
}
