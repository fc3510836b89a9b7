//! Withdrawing bindings (RFC 2332 sections 5.2.5 and 5.2.6).

use std::net::IpAddr;
use std::time::Instant;

use ipnet::IpNet;

use crate::io::{DownReason, Event, PathId};
use crate::node::build::{HOP_COUNT, fill_extension, host_len};
use crate::node::cache::{Entry, Requester};
use crate::node::local::within;
use crate::node::timers::{Timer, after, backoff};
use crate::node::{Node, Request, Sender};
use crate::stats::DropReason;
use crate::wire::{Body, Cie, CieCode, ErrorCode, ExtensionType, Flags, Packet, PacketType};

/// A purge request without reply.
#[derive(Debug, Clone)]
pub(super) struct PendingPurge {
    packet: Packet,
    path: PathId,
    attempts: u32,
}

impl Node {
    /// A purge request for this node.
    pub(super) fn purge_request(&mut self, now: Instant, from: Sender, packet: Packet, raw: &[u8]) {
        let Some(source) = packet.source_protocol.ip() else {
            self.stats.count_drop(DropReason::MissingAddress);
            self.send_error(now, from, &packet, ErrorCode::PROTOCOL, 0, raw);
            return;
        };
        let mut entries = packet.entries().to_vec();
        for entry in &mut entries {
            entry.code = self.purge_entry(now, from, source, &packet, entry);
        }
        // RFC 2332 section 5.2.6: the reply comes even if nothing matched, unless none is wanted.
        if packet.flags.contains(Flags::NO_REPLY) {
            return;
        }
        let mut reply = packet;
        reply.packet_type = PacketType::PURGE_REPLY;
        reply.hop_count = HOP_COUNT;
        reply.body = Body::Entries(entries);
        fill_extension(&mut reply, ExtensionType::RESPONDER_ADDRESS, &[self.own_record()]);
        self.stamp(&mut reply);
        let to = self.back(from);
        self.send(now, to, &reply);
    }

    /// Forgets what one entry names, as far as the sender owns or serves it.
    fn purge_entry(
        &mut self,
        now: Instant,
        from: Sender,
        source: IpAddr,
        packet: &Packet,
        entry: &Cie,
    ) -> CieCode {
        let address = entry.protocol.ip().unwrap_or(source);
        let claimed = packet.source_nbma.ip().unwrap_or(from.nbma);
        let len = entry.effective_prefix_len(host_len(address));
        let Ok(prefix) = IpNet::new(address, len) else { return CieCode::PROHIBITED };
        let prefix = prefix.trunc();
        let from_server = self.server_on(from.path).is_some();
        let mut refused = false;
        let mut gone = Vec::new();
        for address in self.cache.within(prefix) {
            let Some(entry) = self.cache.get(address) else { continue };
            let owner = entry.path == Some(from.path)
                || (entry.is_registered() && address == source && self.same_client(entry, from, claimed));
            let by_server = from_server && self.may_withdraw(source, entry);
            if (entry.is_dynamic() && (by_server || owner)) || (entry.is_registered() && owner) {
                gone.push(address);
            } else {
                refused = true;
            }
        }
        let by_owner_or_server = |net: &IpNet| {
            let next_hop = self.shortcuts.get(net).and_then(|shortcut| self.cache.get(shortcut.next_hop));
            next_hop.is_some_and(|entry| {
                entry.path == Some(from.path) || (from_server && self.may_withdraw(source, entry))
            })
        };
        let shortcuts: Vec<IpNet> = within(&self.shortcuts, prefix).filter(by_owner_or_server).collect();
        for shortcut in shortcuts {
            self.remove_shortcut(shortcut);
            self.event(Event::Purged { prefix: shortcut, by: source });
        }
        let some_gone = !gone.is_empty();
        for address in gone {
            self.event(Event::Purged { prefix: IpNet::from(address), by: source });
            self.remove_entry(now, address, DownReason::Purged);
        }
        if refused && !some_gone {
            self.stats.count_drop(DropReason::PurgeNotOwner);
            CieCode::PROHIBITED
        } else {
            CieCode::SUCCESS
        }
    }

    /// Whether this node, in a packet that a server passed on, may withdraw a binding: the server itself, its owner, or a
    /// server that the answer came from or through. Servers see to it that the source address is the sender's.
    fn may_withdraw(&self, source: IpAddr, entry: &Entry) -> bool {
        source == entry.address || self.is_server_address(source) || entry.extra().served_by.contains(source)
    }

    /// A purge reply for this node.
    pub(super) fn purge_reply(&mut self, packet: &Packet) {
        if let Some(Request::Purge) = self.requests.get(&packet.request_id) {
            self.requests.remove(&packet.request_id);
            self.purges.remove(&packet.request_id);
            self.timers.cancel(Timer::Purge(packet.request_id));
        } else {
            self.stats.count_drop(DropReason::Unsolicited);
        }
    }

    /// Those who were given a binding hear that it is gone (RFC 2332 sections 5.2.5 and 6.4).
    pub(super) fn domino_purge(&mut self, now: Instant, address: IpAddr) {
        let Some(entry) = self.cache.get_mut(address) else { return };
        let nbma = entry.claimed.unwrap_or(entry.nbma);
        if entry.extra().requesters.is_empty() {
            return;
        }
        let requesters = std::mem::take(&mut entry.extra_mut().requesters);
        for Requester { address: requester, until, .. } in requesters {
            if until <= now {
                continue;
            }
            if requester == address {
                continue;
            }
            let path =
                self.cache.get(requester).filter(|entry| Entry::is_registered(entry)).and_then(|e| e.path);
            let Some(path) = path else { continue };
            self.send_purge(now, path, requester, Cie::new(Some(nbma), Some(address)));
        }
    }

    /// Tells one node that a binding is gone, again and again until it answers.
    pub(super) fn send_purge(&mut self, now: Instant, path: PathId, to: IpAddr, gone: Cie) {
        if self.purges.len() >= self.config.limits.pending_purges {
            self.stats.count_drop(DropReason::Limit);
            return;
        }
        let id = self.new_request(Request::Purge);
        let entries = vec![gone];
        let packet = self.originate(PacketType::PURGE_REQUEST, Some(to), Flags::default(), id, entries, &[]);
        self.purges.insert(id, PendingPurge { packet, path, attempts: 0 });
        self.transmit_purge(now, id);
    }

    /// Withdraws this node's own binding from a server or a peer, once and without reply.
    pub(super) fn purge_self(
        &mut self,
        now: Instant,
        path: PathId,
        from: IpAddr,
        registered_id: Option<u32>,
    ) {
        let entry = Cie::new(Some(self.config.nbma), Some(self.config.tunnel_address));
        let id = registered_id.unwrap_or_default();
        let packet =
            self.originate(PacketType::PURGE_REQUEST, Some(from), Flags::NO_REPLY, id, vec![entry], &[]);
        self.send_on(now, path, &packet);
    }

    /// Tells a peer, through the server, that the direct path to this node is no good: where packets are lost in one direction
    /// only, the other end does not see it by itself and would send into a black hole for as long again.
    pub(super) fn withdraw_from(&mut self, now: Instant, peer: IpAddr) {
        let Some(path) = self.best_server(None).and_then(|index| self.servers.get(index)?.path) else {
            return;
        };
        self.purge_self(now, path, peer, None);
    }

    /// `Timer::Purge`.
    pub(super) fn purge_due(&mut self, now: Instant, id: u32) {
        let Some(pending) = self.purges.get(&id) else { return };
        if pending.attempts >= self.config.timing.purge_attempts.max(1)
            || self.paths.get(pending.path).is_none()
        {
            self.purges.remove(&id);
            self.requests.remove(&id);
            return;
        }
        self.stats.retransmitted += 1;
        self.transmit_purge(now, id);
    }

    fn transmit_purge(&mut self, now: Instant, id: u32) {
        let Some(pending) = self.purges.get_mut(&id) else { return };
        let (attempt, path, packet) = (pending.attempts, pending.path, pending.packet.clone());
        pending.attempts += 1;
        self.send_on(now, path, &packet);
        let wait =
            backoff(self.config.timing.retry_initial, attempt, self.config.timing.resolution_retry_max);
        self.timers.set(Timer::Purge(id), after(now, wait));
    }
}
