//! Asking for bindings (RFC 2332 sections 5.2.1 and 5.2.2, the requester's side).
//!
//! ```text
//! (unknown) --Resolve--> pending --reply--> entry without path --path proven--> in use
//!                          | | \--refused--> negative for a while
//!                          | \--no answer after all tries--> (unknown): never cached
//!                          \--retransmission 1, 2, 4, 8 ... s, always through the best live server of the moment
//! ```

use std::net::IpAddr;
use std::time::{Duration, Instant};

use ipnet::IpNet;

use crate::io::{DownReason, Event, Limit, PathId};
use crate::node::build::host_len;
use crate::node::cache::{Entry, Origin};
use crate::node::few::Few;
use crate::node::respond::is_direct;
use crate::node::timers::{Timer, after, backoff};
use crate::node::{Node, Request, Sender};
use crate::stats::DropReason;
use crate::wire::{Cie, CieCode, ErrorCode, ExtensionType, Flags, Packet, PacketType};

/// Below this holding time an entry is refreshed at two thirds of it; from it on, in its last two minutes, as IOS does.
const SHORT_HOLD: Duration = Duration::from_secs(180);
/// The last stretch of a longer holding time.
const REFRESH_BEFORE: Duration = Duration::from_secs(120);

/// A resolution under way.
#[derive(Debug, Clone)]
pub(super) struct Resolution {
    pub(super) id: u32,
    pub(super) created: Instant,
    /// Requests sent.
    attempts: u32,
    /// How often traffic asked for it.
    pub(super) hits: u64,
}

impl Node {
    /// Traffic waits for a direct path to `destination`.
    pub(super) fn resolve(&mut self, now: Instant, destination: IpAddr) {
        if self.config.server_only || self.servers.is_empty() || destination == self.config.tunnel_address {
            return;
        }
        if destination.is_ipv4() != self.config.tunnel_address.is_ipv4()
            || !self.config.is_overlay(destination)
        {
            return;
        }
        if self.cache.get(destination).is_some() || self.covered_by_static(destination) {
            // Known: its path is up, on its way, or cannot be.
            self.attach(now, destination);
            return;
        }
        if let Some(pending) = self.resolutions.get_mut(&destination) {
            pending.hits = pending.hits.saturating_add(1);
            return;
        }
        self.start_resolution(now, destination);
    }

    /// Starts a resolution unless one is pending or the destination is held down.
    pub(super) fn start_resolution(&mut self, now: Instant, destination: IpAddr) {
        if self.resolutions.contains_key(&destination)
            || self.hold_downs.get(&destination).is_some_and(|record| record.until > now)
        {
            return;
        }
        if self.resolutions.len() >= self.config.limits.pending_resolutions {
            self.stats.count_drop(DropReason::Limit);
            self.event(Event::LimitReached { limit: Limit::PendingResolutions });
            return;
        }
        let id = self.new_request(Request::Resolution(destination));
        self.resolutions.insert(destination, Resolution { id, created: now, attempts: 0, hits: 1 });
        self.transmit_resolution(now, destination);
    }

    /// Sends a pending request through the best live server. Without one it waits for the first server to answer.
    fn transmit_resolution(&mut self, now: Instant, destination: IpAddr) {
        let Some(path) = self.best_server(None).and_then(|i| self.servers.get(i)?.path) else { return };
        let Some(resolution) = self.resolutions.get_mut(&destination) else { return };
        let (id, attempt) = (resolution.id, resolution.attempts);
        resolution.attempts += 1;
        let flags = Flags::ROUTER | Flags::AUTHORITATIVE | Flags::SOURCE_STABLE | Flags::NAT;
        let nat = self.own_nat();
        let packet = self.originate(
            PacketType::RESOLUTION_REQUEST,
            Some(destination),
            flags,
            id,
            vec![self.own_terms()],
            &nat,
        );
        self.send_on(now, path, &packet);
        let wait =
            backoff(self.config.timing.retry_initial, attempt, self.config.timing.resolution_retry_max);
        self.timers.set(Timer::Resolve(destination), after(now, wait));
    }

    /// `Timer::Resolve`.
    pub(super) fn resolve_due(&mut self, now: Instant, destination: IpAddr) {
        let Some(resolution) = self.resolutions.get(&destination) else { return };
        if resolution.attempts >= self.config.timing.resolution_attempts.max(1) {
            self.end_resolution(destination);
            self.event(Event::ResolutionUnanswered { destination });
            return;
        }
        self.stats.retransmitted += 1;
        self.transmit_resolution(now, destination);
    }

    /// A server is up: what waited for one goes out now.
    pub(super) fn resume_resolutions(&mut self, now: Instant) {
        let waiting: Vec<IpAddr> = self
            .resolutions
            .keys()
            .copied()
            .filter(|d| self.timers.deadline(Timer::Resolve(*d)).is_none())
            .collect();
        for destination in waiting {
            self.transmit_resolution(now, destination);
        }
    }

    /// A server died: what was asked of it is asked of another one at once.
    pub(super) fn resend_resolutions(&mut self, now: Instant) {
        if self.best_server(None).is_some() {
            let pending: Vec<IpAddr> = self.resolutions.keys().copied().collect();
            for destination in pending {
                self.transmit_resolution(now, destination);
            }
        }
    }

    pub(super) fn end_resolution(&mut self, destination: IpAddr) {
        self.timers.cancel(Timer::Resolve(destination));
        if let Some(resolution) = self.resolutions.remove(&destination) {
            self.requests.remove(&resolution.id);
        }
    }

    /// A resolution reply for this node.
    pub(super) fn resolution_reply(&mut self, now: Instant, from: Sender, packet: &Packet, raw: &[u8]) {
        let destination = packet.destination_protocol.ip();
        match self.requests.get(&packet.request_id) {
            Some(Request::Resolution(asked)) if destination == Some(*asked) => {
                let asked = *asked;
                self.resolution_answered(now, from, asked, packet, raw);
            }
            Some(Request::Probe(asked)) if destination == Some(*asked) => {
                let asked = *asked;
                let answer = packet.entries().first();
                // Had somebody else got the probe and passed it on, the answer would prove another path than this one.
                let is_its_own = is_direct(packet)
                    && answer.is_some_and(|entry| {
                        entry.code == CieCode::SUCCESS && entry.protocol.ip().is_none_or(|a| a == asked)
                    });
                if is_its_own {
                    self.probe_answered(now, asked, packet.request_id);
                } else {
                    self.stats.count_drop(DropReason::InvalidBinding);
                    self.probe_refused(now, asked, packet.request_id, from.path);
                }
            }
            _ => self.stats.count_drop(DropReason::Unsolicited),
        }
    }

    fn resolution_answered(
        &mut self,
        now: Instant,
        from: Sender,
        asked: IpAddr,
        packet: &Packet,
        raw: &[u8],
    ) {
        let Some(entry) = packet.entries().first() else {
            self.invalid_reply(now, from, packet, raw);
            return;
        };
        if entry.code != CieCode::SUCCESS {
            self.resolution_refused(now, asked, entry.code);
            return;
        }
        let Some(answer) = self.read_answer(asked, packet, entry) else {
            self.invalid_reply(now, from, packet, raw);
            return;
        };
        self.end_resolution(asked);
        if answer.hold.is_zero() {
            self.resolution_refused(now, asked, CieCode::NO_BINDING);
            return;
        }
        self.end_hold_down(now, asked);
        self.event(Event::Resolved {
            destination: asked,
            prefix: answer.prefix,
            next_hop: answer.next_hop,
            nbma: answer.nbma,
        });
        if self.is_own_public(answer.nbma) {
            // Both behind one NAT: it would have to send our packets back to us. The server stays in between.
            self.event(Event::DirectPathFailed { tunnel_address: answer.next_hop, nbma: answer.nbma });
            self.hold_down(now, asked, Some(self.config.timing.negative_time));
            return;
        }
        let binding = Binding {
            address: answer.next_hop,
            nbma: answer.nbma,
            claimed: answer.claimed,
            hold: answer.hold,
            mtu: entry.mtu,
            preference: entry.preference,
            origin: Origin::Dynamic {
                implicit: false,
                authoritative: packet.flags.contains(Flags::AUTHORITATIVE),
                router: packet.flags.contains(Flags::ROUTER),
            },
        };
        let direct = answer.direct.then_some(from.path);
        if !self.learn(now, binding, direct) {
            return;
        }
        if let Some(entry) = self.cache.get_mut(answer.next_hop).filter(|entry| entry.is_dynamic()) {
            entry.extra_mut().served_by = servers_named(packet, answer.next_hop);
        }
        if !self.config.is_overlay(asked) {
            self.install_shortcut(now, asked, answer.prefix, answer.next_hop, answer.hold);
        }
    }

    /// Checks an answer and takes it apart.
    fn read_answer(&self, asked: IpAddr, packet: &Packet, entry: &Cie) -> Option<Answer> {
        let in_tunnel = self.config.is_overlay(asked);
        let next_hop = match entry.protocol.ip() {
            Some(address) => address,
            None if in_tunnel => asked,
            None => return None,
        };
        let private = entry.nbma.ip()?;
        let family = next_hop.is_ipv4() == self.config.tunnel_address.is_ipv4()
            && private.is_ipv4() == self.config.nbma.is_ipv4();
        let is_host_answer = !in_tunnel || next_hop == asked;
        let of_tunnel = self.config.is_overlay(next_hop);
        if !family
            || !is_host_answer
            || !of_tunnel
            || next_hop == self.config.tunnel_address
            || self.is_server_address(next_hop)
            || private.is_unspecified()
            || private.is_multicast()
        {
            return None;
        }
        let public = public_address(packet, next_hop).filter(|public| *public != private);
        let nbma = public.unwrap_or(private);
        if nbma == self.config.nbma && public.is_none() {
            return None;
        }
        let len = if in_tunnel { host_len(asked) } else { entry.effective_prefix_len(host_len(asked)) };
        let prefix = IpNet::new(asked, len).ok()?.trunc();
        let no_transit = |kind| packet.extension(kind).is_none_or(|extension| extension.value.is_empty());
        let responder = packet
            .extension(ExtensionType::RESPONDER_ADDRESS)
            .and_then(|extension| extension.entries()?.first()?.protocol.ip());
        Some(Answer {
            prefix,
            next_hop,
            nbma,
            claimed: public.map(|_| private),
            hold: Duration::from_secs(u64::from(entry.holding_time)),
            direct: no_transit(ExtensionType::REVERSE_TRANSIT_RECORD) && responder == Some(next_hop),
        })
    }

    fn invalid_reply(&mut self, now: Instant, from: Sender, packet: &Packet, raw: &[u8]) {
        self.stats.count_drop(DropReason::InvalidBinding);
        self.send_error(now, from, packet, ErrorCode::INVALID_REPLY, 0, raw);
    }

    /// The answer to a pending resolution is no.
    pub(super) fn resolution_refused(&mut self, now: Instant, destination: IpAddr, code: CieCode) {
        self.end_resolution(destination);
        self.hold_down(now, destination, Some(self.config.timing.negative_time));
        self.event(Event::ResolutionRefused { destination, code });
        if self.cache.get(destination).is_some_and(Entry::is_dynamic) {
            self.remove_entry(now, destination, DownReason::Refused);
        }
        self.remove_shortcuts_to(destination);
    }

    /// Stores a learnt binding and looks for a direct path. `direct` is the path over which its owner itself spoke.
    /// Returns whether the cache has it.
    pub(super) fn learn(&mut self, now: Instant, binding: Binding, direct: Option<PathId>) -> bool {
        let Binding { address, nbma, claimed, hold, mtu, preference, origin } = binding;
        if let Some(path) = direct.filter(|path| self.server_on(*path).is_none())
            && self.paths.get(path).is_some_and(|path| path.nbma == nbma)
        {
            self.paths.bind(path, address);
        }
        match self.cache.get(address) {
            Some(entry) if !entry.is_dynamic() => return true,
            Some(entry) if entry.nbma != nbma => self.remove_entry(now, address, DownReason::Replaced),
            Some(_) => {}
            None if self.cache.dynamic() >= self.config.limits.dynamic_entries => {
                self.stats.count_drop(DropReason::Limit);
                self.event(Event::LimitReached { limit: Limit::DynamicEntries });
                return false;
            }
            None => {}
        }
        if self.cache.get(address).is_none() {
            self.cache.insert(Entry::new(address, nbma, origin.clone(), now));
        }
        // A learnt binding does not replace a resolved one, but extends it.
        let implicit = matches!(origin, Origin::Dynamic { implicit: true, .. });
        if !implicit {
            self.cache.set_origin(address, origin);
        }
        let expires = after(now, hold);
        if let Some(entry) = self.cache.get_mut(address) {
            entry.claimed = claimed;
            entry.mtu = mtu;
            entry.preference = preference;
            entry.refresh_on_use = false;
            let expires = entry.expires.filter(|_| implicit).map_or(expires, |before| before.max(expires));
            self.cache.set_expiry(address, expires);
        }
        self.timers.set(Timer::Refresh(address), after(now, refresh_after(hold)));
        self.attach(now, address);
        true
    }

    /// `Timer::Refresh`: an entry close to its end is asked for again if it is in use, else as soon as it is used.
    pub(super) fn refresh_due(&mut self, now: Instant, address: IpAddr) {
        let window = self.config.timing.used_window;
        let Some(entry) = self.cache.get_mut(address) else { return };
        if !entry.is_dynamic() {
            return;
        }
        if entry.extra().last_used.is_some_and(|used| now.saturating_duration_since(used) <= window) {
            self.refresh(now, address);
        } else {
            entry.refresh_on_use = true;
        }
    }

    /// Asks again for an entry and for the shortcuts that lead to it. It stays in use meanwhile.
    pub(super) fn refresh(&mut self, now: Instant, address: IpAddr) {
        let Some(entry) = self.cache.get_mut(address) else { return };
        entry.refresh_on_use = false;
        let shortcuts: Vec<IpNet> = entry.extra().shortcuts.iter().copied().collect();
        if shortcuts.is_empty() {
            self.start_resolution(now, address);
        }
        for prefix in shortcuts {
            if let Some(destination) = self.shortcuts.get(&prefix).map(|shortcut| shortcut.asked) {
                self.start_resolution(now, destination);
            }
        }
    }

    /// The holding time of an entry is over (RFC 2332 section 5.2.0.1).
    pub(super) fn expire(&mut self, now: Instant, address: IpAddr) {
        let Some(prefix) = self.cache.get(address).map(Entry::prefix) else { return };
        self.event(Event::Expired { prefix });
        self.remove_entry(now, address, DownReason::Expired);
    }

    pub(super) fn is_own_public(&self, nbma: IpAddr) -> bool {
        self.servers.iter().any(|server| server.public_nbma == Some(nbma))
    }

    pub(super) fn is_server_address(&self, address: IpAddr) -> bool {
        self.servers.iter().any(|server| server.tunnel_address == Some(address))
    }

    fn covered_by_static(&self, destination: IpAddr) -> bool {
        self.config.maps.iter().any(|map| {
            IpNet::new(map.tunnel_address, map.prefix_len).is_ok_and(|prefix| prefix.contains(&destination))
        })
    }
}

/// The servers that a reply names: its responder and those that it and its request went through.
fn servers_named(packet: &Packet, owner: IpAddr) -> Few {
    const MOST: usize = 8;
    let mut servers = Few::None;
    let kinds = [
        ExtensionType::RESPONDER_ADDRESS,
        ExtensionType::FORWARD_TRANSIT_RECORD,
        ExtensionType::REVERSE_TRANSIT_RECORD,
    ];
    let records = kinds.iter().filter_map(|kind| packet.extension(*kind)?.entries()).flatten();
    for server in
        records.filter_map(|record| record.protocol.ip()).filter(|server| *server != owner).take(MOST)
    {
        servers.insert(server);
    }
    servers
}

/// A binding to learn.
#[derive(Debug, Clone)]
pub(super) struct Binding {
    pub(super) address: IpAddr,
    pub(super) nbma: IpAddr,
    pub(super) claimed: Option<IpAddr>,
    pub(super) hold: Duration,
    pub(super) mtu: u16,
    pub(super) preference: u8,
    pub(super) origin: Origin,
}

/// What a resolution reply says.
#[derive(Debug, Clone, Copy)]
struct Answer {
    prefix: IpNet,
    next_hop: IpAddr,
    nbma: IpAddr,
    claimed: Option<IpAddr>,
    hold: Duration,
    /// The owner itself sent it, through nobody.
    direct: bool,
}

/// When to look whether something that lives this long is in use and must be refreshed.
pub(super) fn refresh_after(hold: Duration) -> Duration {
    if hold >= SHORT_HOLD { hold - REFRESH_BEFORE } else { hold * 2 / 3 }
}

/// Address after NAT of `owner`, from the NAT extension.
pub(super) fn public_address(packet: &Packet, owner: IpAddr) -> Option<IpAddr> {
    let entries = packet.extension(ExtensionType::NAT_ADDRESS)?.entries()?;
    entries.iter().rev().find(|entry| entry.protocol.ip() == Some(owner))?.nbma.ip()
}
