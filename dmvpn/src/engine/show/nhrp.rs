//! `show ip nhrp`, `show ip nhrp nhs`, `show ip nhrp multicast`, `show ip nhrp traffic`.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use ::nhrp::wire::PacketType;
use ::nhrp::{AdjacencyKind, CacheKind, CacheView, NhsDownReason, NhsStatus, Stats};

use ipnet::IpNet;

use super::{ago, until};
use crate::engine::{Engine, Tunnel, own_path};
use crate::views::{
    NhrpCache, NhrpCounts, NhrpEntry, NhrpFlag, NhrpInterfaceTraffic, NhrpKind, NhrpMulticast,
    NhrpMulticastMember, NhrpNhs, NhrpRequester, NhrpTraffic, NhsEntry, NhsInterface, NhsState, PathState,
    PendingRegistration,
};

impl Engine {
    /// The NHRP cache of all tunnels, with every flag that is known. The forwarding plane reports a next hop that is wanted
    /// at most once a second: that is what `cache_hits` counts.
    #[must_use]
    pub fn nhrp_cache(&self, now: Instant) -> NhrpCache {
        let entries = self
            .tunnels
            .iter()
            .flat_map(|tunnel| tunnel.node.cache().map(move |entry| self.cache_entry(tunnel, now, &entry)));
        NhrpCache { entries: entries.collect(), detail: false }
    }

    /// The next hop servers of the tunnels that have any.
    ///
    /// A server whose overlay address is not known yet (`ip nhrp nhs dynamic`) shows as 0.0.0.0.
    #[must_use]
    pub fn nhs(&self, now: Instant) -> NhrpNhs {
        let interfaces = self
            .tunnels
            .iter()
            .map(|tunnel| NhsInterface { interface: tunnel.name.clone(), servers: servers(tunnel, now) });
        NhrpNhs {
            interfaces: interfaces.filter(|interface| !interface.servers.is_empty()).collect(),
            pending: self.tunnels.iter().flat_map(|tunnel| pending(tunnel, now)).collect(),
            detail: false,
        }
    }

    /// Who gets copies of multicast, configured receivers that cannot be reached now included, and how many copies for
    /// each could not be sent.
    #[must_use]
    pub fn multicast(&self) -> NhrpMulticast {
        let mut members = Vec::new();
        for tunnel in &self.tunnels {
            let member = |nbma, dynamic, enabled, dropped| NhrpMulticastMember {
                interface: tunnel.name.clone(),
                nbma,
                dynamic,
                enabled,
                dropped,
            };
            let first = members.len();
            members.extend(tunnel.node.multicast().map(|view| {
                let dropped = tunnel.failed_copies.get(&own_path(view.path)).copied().unwrap_or_default();
                member(view.nbma, view.map == ::nhrp::MulticastMap::Dynamic, true, dropped)
            }));
            for map in &tunnel.node.config().multicast {
                let ::nhrp::MulticastMap::Static(nbma) = map else { continue };
                let is_listed =
                    members.iter().skip(first).any(|listed: &NhrpMulticastMember| listed.nbma == *nbma);
                if !is_listed {
                    members.push(member(*nbma, false, false, 0));
                }
            }
        }
        NhrpMulticast { members }
    }

    /// The NHRP packets of each tunnel, and why some were dropped.
    #[must_use]
    pub fn nhrp_traffic(&self, now: Instant) -> NhrpTraffic {
        NhrpTraffic { interfaces: self.tunnels.iter().map(|tunnel| traffic(tunnel, now)).collect() }
    }

    fn cache_entry(&self, tunnel: &Tunnel, now: Instant, view: &CacheView) -> NhrpEntry {
        let kind = match view.kind {
            _ if view.flags.local => NhrpKind::Local,
            CacheKind::Static => NhrpKind::Static,
            CacheKind::Incomplete => NhrpKind::Incomplete,
            _ => NhrpKind::Dynamic,
        };
        let mut entry = NhrpEntry::new(view.prefix, view.next_hop, tunnel.name.clone(), kind);
        entry.created = ago(now, view.created);
        entry.expires = view.expires.map(|at| until(now, at));
        entry.nbma = view.nbma;
        entry.claimed_nbma = view.claimed_nbma.filter(|claimed| Some(*claimed) != view.nbma);
        entry.preference = view.preference;
        entry.cache_hits = view.hits;
        entry.requesters = view
            .requesters
            .iter()
            .map(|one| NhrpRequester { address: one.address, request_id: one.request_id })
            .collect();
        entry.group.clone_from(&view.group);
        entry.flags = flags(tunnel, view);
        let overrides = matches!(view.prefix, IpNet::V4(prefix) if self.installed(prefix) == Some(true));
        if overrides && !view.flags.nho {
            entry.flags.push(NhrpFlag::Nho);
        }
        let is_learned = matches!(kind, NhrpKind::Dynamic | NhrpKind::Incomplete) && !view.flags.registered;
        entry.path = is_learned.then(|| path_state(tunnel, view));
        entry
    }
}

/// What `show ip nhrp` prints: on the guide's hub `registered nhop`, although the registration is unique.
pub(super) fn plain(mut cache: NhrpCache) -> NhrpCache {
    for entry in &mut cache.entries {
        entry.flags.retain(|flag| *flag != NhrpFlag::Unique);
    }
    NhrpCache { detail: false, ..without_implied(cache) }
}

/// What `show ip nhrp detail` prints.
pub(super) fn detail(cache: NhrpCache) -> NhrpCache {
    NhrpCache { detail: true, ..without_implied(cache) }
}

/// IOS-XE does not print that an answer was authoritative, nor that an entry was used that packets take without asking
/// NHRP (`rib`).
fn without_implied(mut cache: NhrpCache) -> NhrpCache {
    for entry in &mut cache.entries {
        let in_rib = entry.has(NhrpFlag::Rib);
        entry.flags.retain(|flag| match flag {
            NhrpFlag::Authoritative => false,
            NhrpFlag::Used => !in_rib,
            _ => true,
        });
    }
    cache
}

fn flags(tunnel: &Tunnel, view: &CacheView) -> Vec<NhrpFlag> {
    let set = &view.flags;
    let learned = view.kind == CacheKind::Dynamic;
    [
        (set.authoritative, NhrpFlag::Authoritative),
        (set.router, NhrpFlag::Router),
        (set.implicit, NhrpFlag::Implicit),
        (set.unique, NhrpFlag::Unique),
        (set.nat, NhrpFlag::Nat),
        (set.registered, NhrpFlag::Registered),
        (set.used || carries_control(tunnel, view), NhrpFlag::Used),
        (set.nhop, NhrpFlag::Nhop),
        (set.rib, NhrpFlag::Rib),
        (set.nho, NhrpFlag::Nho),
        (set.local, NhrpFlag::Local),
        (set.negative, NhrpFlag::Negative),
        // A configured peer always wants a session; an entry without address cannot have one.
        (set.no_socket && learned, NhrpFlag::NoSocket),
    ]
    .into_iter()
    .filter_map(|(set, flag)| set.then_some(flag))
    .collect()
}

/// Whether the router's own packets (registrations, OSPF) go to this peer all the time: a server that can be reached. IOS
/// counts them as use.
fn carries_control(tunnel: &Tunnel, view: &CacheView) -> bool {
    adjacency_kind(tunnel, view.next_hop) == Some(AdjacencyKind::Nhs)
}

/// What the engine knows of a next hop, if packets can go to it.
pub(super) fn adjacency_kind(tunnel: &Tunnel, address: IpAddr) -> Option<AdjacencyKind> {
    let IpAddr::V4(address) = address else { return None };
    tunnel.adjacencies.get(&address).map(|adjacency| adjacency.kind)
}

/// How far the direct path to an entry's next hop is.
pub(super) fn path_state(tunnel: &Tunnel, view: &CacheView) -> PathState {
    match (view.path, view.nbma) {
        (Some(_), _) => PathState::Proven,
        (None, _) if view.flags.negative => PathState::Blocked,
        (None, None) => PathState::Resolving,
        (None, Some(_)) if tunnel.profile.is_some() => PathState::Connecting,
        (None, Some(_)) => PathState::Probing,
    }
}

/// The servers of a tunnel, in the order of the configuration.
pub(super) fn servers(tunnel: &Tunnel, now: Instant) -> Vec<NhsEntry> {
    let configured = &tunnel.node.config().nhs;
    let servers = tunnel.node.nhs().enumerate().map(|(index, view)| {
        let unknown = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let mut entry = NhsEntry::new(view.tunnel_address.unwrap_or(unknown));
        entry.state = match view.status {
            NhsStatus::Up => NhsState::Responding,
            NhsStatus::Waiting => NhsState::Waiting,
            _ => NhsState::Expecting,
        };
        entry.dynamic = configured.get(index).is_some_and(|nhs| nhs.tunnel_address.is_none());
        entry.nbma = view.nbma;
        entry.name = view.name;
        entry.request_id = view.request_id;
        entry.acknowledged_id = view.acknowledged_id;
        entry.priority = view.priority;
        entry.cluster = view.cluster;
        entry.requests_sent = view.requests_sent;
        entry.requests_failed = view.requests_failed;
        entry.replies_received = view.replies_received;
        entry.last_reply = view.last_reply.map(|at| ago(now, at));
        entry.protection_requested = tunnel.profile.is_some();
        entry.refused = match view.down_reason {
            Some(NhsDownReason::Refused(code)) if view.status != NhsStatus::Up => Some(code.to_string()),
            _ => None,
        };
        entry
    });
    servers.collect()
}

/// Registration requests of a tunnel that wait for their answer.
fn pending(tunnel: &Tunnel, now: Instant) -> Vec<PendingRegistration> {
    let waiting = tunnel.node.nhs().filter_map(|view| {
        let retry = view.retry?;
        Some(PendingRegistration {
            request_id: view.request_id?,
            retry,
            nhs: view.tunnel_address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            due: view.next_request.map(|at| until(now, at)).filter(|due| !due.is_zero()),
            interface: tunnel.name.clone(),
        })
    });
    waiting.collect()
}

fn traffic(tunnel: &Tunnel, now: Instant) -> NhrpInterfaceTraffic {
    let stats = tunnel.node.stats();
    let limits = &tunnel.node.config().limits;
    let mut sent = counts(stats, Stats::sent);
    sent.redirect_suppress = stats.redirects_suppressed;
    NhrpInterfaceTraffic {
        interface: tunnel.name.clone(),
        max_send: limits.max_send,
        max_send_interval: limits.max_send_interval,
        usage: tunnel.node.max_send_usage(now),
        sent,
        received: counts(stats, Stats::received),
        forwarded: counts(stats, Stats::forwarded),
        dropped: drops(stats),
    }
}

fn counts(stats: &Stats, of: impl Fn(&Stats, PacketType) -> u64) -> NhrpCounts {
    NhrpCounts {
        resolution_request: of(stats, PacketType::RESOLUTION_REQUEST),
        resolution_reply: of(stats, PacketType::RESOLUTION_REPLY),
        registration_request: of(stats, PacketType::REGISTRATION_REQUEST),
        registration_reply: of(stats, PacketType::REGISTRATION_REPLY),
        purge_request: of(stats, PacketType::PURGE_REQUEST),
        purge_reply: of(stats, PacketType::PURGE_REPLY),
        error_indication: of(stats, PacketType::ERROR_INDICATION),
        traffic_indication: of(stats, PacketType::TRAFFIC_INDICATION),
        redirect_suppress: 0,
    }
}

/// The reasons for which NHRP dropped something.
pub(super) fn drops(stats: &Stats) -> Vec<(String, u64)> {
    let drops = stats.drops().filter(|(_, count)| *count > 0);
    drops.map(|(reason, count)| (reason.text().to_owned(), count)).collect()
}
