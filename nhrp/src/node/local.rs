//! What this node answered for itself: its own address and the networks behind it. Those who were given such an answer hear
//! when it is not true any more (RFC 2332 section 5.2.5).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Instant;

use ipnet::IpNet;

use crate::io::RouteInfo;
use crate::node::Node;
use crate::node::cache::Requester;
use crate::node::respond::Query;
use crate::node::timers::{Timer, after};
use crate::wire::Cie;

/// An answer for something of this node's own.
#[derive(Debug, Clone)]
pub(super) struct Local {
    pub(super) created: Instant,
    /// The last of those who were given it forget it then.
    pub(super) expires: Instant,
    pub(super) requesters: Vec<Requester>,
}

impl Node {
    /// Remembers who was answered.
    pub(super) fn note_local(&mut self, now: Instant, prefix: IpNet, requester: IpAddr, request_id: u32) {
        let limits = &self.config.limits;
        if !self.locals.contains_key(&prefix) && self.locals.len() >= limits.dynamic_entries {
            return;
        }
        let expires = after(now, self.config.holding_time);
        let local =
            self.locals.entry(prefix).or_insert(Local { created: now, expires, requesters: Vec::new() });
        local.expires = expires;
        self.timers.set(Timer::Local(prefix), expires);
        local.requesters.retain(|known| known.address != requester && known.until > now);
        if limits.answered_per_entry > 0 {
            if local.requesters.len() >= limits.answered_per_entry {
                local.requesters.remove(0);
            }
            local.requesters.push(Requester { address: requester, request_id, until: expires });
        }
    }

    /// The routing table changed: what was answered for networks under or around this route is compared with it.
    pub(super) fn recheck_locals(&mut self, now: Instant, route: IpNet) {
        for prefix in overlapping(&self.locals, route) {
            // This node's own address stays its own, whatever routes say.
            if prefix != IpNet::from(self.config.tunnel_address) {
                self.ask_route(now, prefix.addr(), Query::Local { prefix });
            }
        }
    }

    /// What the routing table says of a network that was answered for. An answer may cover less than the route, but never
    /// more.
    pub(super) fn local_checked(&mut self, now: Instant, prefix: IpNet, route: Option<RouteInfo>) {
        let summary = |route: &RouteInfo| self.config.summaries.iter().any(|s| s.contains(&route.prefix));
        let still_true = route.is_some_and(|route| {
            !route.through_tunnel && (route.prefix.contains(&prefix) || summary(&route))
        });
        if !still_true {
            self.withdraw_local(now, prefix);
        }
    }

    pub(super) fn withdraw_local(&mut self, now: Instant, prefix: IpNet) {
        let Some(local) = self.locals.remove(&prefix) else { return };
        self.timers.cancel(Timer::Local(prefix));
        let gone =
            Cie { prefix_len: prefix.prefix_len(), ..Cie::new(Some(self.config.nbma), Some(prefix.addr())) };
        for Requester { address, .. } in local.requesters {
            let direct = self.cache.get(address).filter(|entry| entry.active).and_then(|entry| entry.path);
            let up = || self.best_server(None).and_then(|index| self.servers.get(index)?.path);
            if let Some(path) = direct.or_else(up) {
                self.send_purge(now, path, address, gone.clone());
            }
        }
    }

    /// `Timer::Local`.
    pub(super) fn local_due(&mut self, prefix: IpNet) {
        self.locals.remove(&prefix);
    }

    /// The prefix of the answer for a destination behind this node: the route's own, or that of a configured summary.
    pub(super) fn answered_prefix(&self, destination: IpAddr, route: IpNet) -> IpNet {
        let covers_us = |prefix: &IpNet| {
            prefix.prefix_len() == 0
                || prefix.contains(&self.config.tunnel_address)
                || prefix.contains(&self.config.nbma)
        };
        let summary =
            self.config.summaries.iter().filter(|s| s.contains(&destination)).max_by_key(|s| s.prefix_len());
        let wanted = summary.copied().unwrap_or(route);
        // Never what covers this node itself or everything.
        [wanted, route].into_iter().find(|prefix| !covers_us(prefix)).unwrap_or(IpNet::from(destination))
    }
}

/// The keys of a map that lie within a prefix or around it.
pub(super) fn overlapping<T>(map: &BTreeMap<IpNet, T>, prefix: IpNet) -> Vec<IpNet> {
    let around = (0..prefix.prefix_len())
        .filter_map(|len| IpNet::new(prefix.addr(), len).ok())
        .map(|net| net.trunc())
        .filter(|net| map.contains_key(net));
    around.chain(within(map, prefix)).collect()
}

/// The keys of a map that lie within a prefix. Keys are ordered by address first, so only those are looked at.
pub(super) fn within<T>(map: &BTreeMap<IpNet, T>, prefix: IpNet) -> impl Iterator<Item = IpNet> + '_ {
    let first = IpNet::new(prefix.network(), 0).unwrap_or(prefix);
    map.range(first..)
        .map(|(net, _)| *net)
        .take_while(move |net| net.addr() <= prefix.broadcast())
        .filter(move |net| prefix.contains(net))
}
