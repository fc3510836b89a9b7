//! Phase 3: traffic indications at the server, shortcuts at the client.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ipnet::IpNet;

use crate::io::{Action, Event, Output, RouteInfo};
use crate::node::build::host_len;
use crate::node::local::within;
use crate::node::resolve::refresh_after;
use crate::node::respond::Query;
use crate::node::timers::{Timer, after};
use crate::node::{Node, Sender};
use crate::stats::DropReason;
use crate::wire::{Body, ExtensionType, Flags, Packet, PacketType};

/// A prefix that is reached directly.
#[derive(Debug, Clone)]
pub(super) struct Shortcut {
    pub(super) next_hop: IpAddr,
    /// The host that was asked for; refreshes ask for it again.
    pub(super) asked: IpAddr,
    /// The server whose answer or forwarding made it.
    pub(super) server: Option<usize>,
    pub(super) created: Instant,
    pub(super) expires: Instant,
    /// The forwarding plane uses it.
    pub(super) up: bool,
}

/// When a flow was told about its detour last.
#[derive(Debug, Default)]
pub(super) struct Redirects {
    until: BTreeMap<(IpAddr, IpAddr), Instant>,
    order: VecDeque<(Instant, (IpAddr, IpAddr))>,
}

impl Redirects {
    /// Whether the flow may be told now; remembers that it was.
    fn allow(&mut self, now: Instant, flow: (IpAddr, IpAddr), interval: Duration, max: usize) -> bool {
        while let Some((until, flow)) = self.order.front().copied() {
            if until > now && self.order.len() < max.max(1) {
                break;
            }
            self.order.pop_front();
            if self.until.get(&flow) == Some(&until) {
                self.until.remove(&flow);
            }
        }
        if self.until.get(&flow).is_some_and(|until| *until > now) {
            return false;
        }
        let until = after(now, interval);
        self.until.insert(flow, until);
        self.order.push_back((until, flow));
        true
    }
}

impl Node {
    /// Server: a packet came in and leaves by this domain. Its sender may do better.
    pub(super) fn redirectable(&mut self, now: Instant, from: Sender, packet: &[u8]) {
        let Some(interval) = self.config.redirect else { return };
        let Some(head) = IpHead::parse(packet) else { return };
        let own = self.config.tunnel_address;
        let boring = |a: IpAddr| a.is_multicast() || a.is_unspecified() || a == own || is_broadcast(a);
        if boring(head.source) || boring(head.destination) {
            return;
        }
        let flow = (head.source, head.destination);
        if !self.redirects.allow(now, flow, interval, self.config.limits.redirect_pairs) {
            self.stats.redirects_suppressed += 1;
            return;
        }
        let embedded = packet.get(..head.embedded.min(packet.len())).unwrap_or(packet);
        let mut indication = self.originate(
            PacketType::TRAFFIC_INDICATION,
            Some(head.source),
            Flags::default(),
            0,
            Vec::new(),
            &[],
        );
        indication.body = Body::Payload(Bytes::copy_from_slice(embedded));
        // As IOS sends it: without the responder extension, for nobody answers.
        if let Some(list) = &mut indication.extensions {
            list.retain(|extension| extension.kind != ExtensionType::RESPONDER_ADDRESS);
        }
        let to = self.back(from);
        self.send(now, to, &indication);
    }

    /// Client: a server says that a better way may exist.
    pub(super) fn traffic_indication(&mut self, now: Instant, from: Sender, packet: &Packet) {
        if !self.config.shortcut || self.config.server_only {
            self.stats.count_drop(DropReason::ShortcutDisabled);
            return;
        }
        let Body::Payload(embedded) = &packet.body else { return };
        let sender = packet.source_protocol.ip();
        let server = self.server_on(from.path).and_then(|i| self.servers.get(i)?.tunnel_address);
        let (Some(head), Some(sender)) = (IpHead::parse(embedded), sender.filter(|s| Some(*s) == server))
        else {
            self.stats.count_drop(DropReason::SpoofedIndication);
            return;
        };
        let destination = head.destination;
        if destination.is_ipv4() != self.config.tunnel_address.is_ipv4() || destination.is_multicast() {
            self.stats.count_drop(DropReason::SpoofedIndication);
            return;
        }
        if self.config.prefix.contains(&destination) {
            self.resolve(now, destination);
            return;
        }
        if self.has_shortcut(destination) || self.resolutions.contains_key(&destination) {
            return;
        }
        self.ask_route(now, destination, Query::Indication { sender, destination });
    }

    /// The routing table was asked whether traffic goes by way of the sender of an indication at all. Among servers
    /// with equally good routes the one in the answer need not be the one that got the packet.
    pub(super) fn indication_checked(
        &mut self,
        now: Instant,
        sender: IpAddr,
        destination: IpAddr,
        route: Option<RouteInfo>,
    ) {
        match route {
            Some(route)
                if route.through_tunnel
                    && route.next_hop.is_some_and(|hop| hop == sender || self.is_server_address(hop)) =>
            {
                self.start_resolution(now, destination);
            }
            _ => self.stats.count_drop(DropReason::SpoofedIndication),
        }
    }

    /// Stores a shortcut if its prefix may be one. It goes up when its next hop does.
    pub(super) fn install_shortcut(
        &mut self,
        now: Instant,
        asked: IpAddr,
        prefix: IpNet,
        next_hop: IpAddr,
        hold: Duration,
    ) {
        let config = &self.config;
        let covers = |a: IpAddr| prefix.contains(&a);
        let forbidden = prefix.prefix_len() < config.shortcut_min_prefix.max(1)
            || covers(config.tunnel_address)
            || covers(config.nbma)
            || prefix.contains(&config.prefix)
            || config.prefix.contains(&prefix)
            || self
                .servers
                .iter()
                .any(|s| s.nbma.is_some_and(covers) || s.tunnel_address.is_some_and(covers))
            || self.cache.get(next_hop).is_some_and(|entry| covers(entry.nbma));
        if forbidden {
            self.stats.count_drop(DropReason::InvalidBinding);
            self.event(Event::ShortcutRefused { prefix, destination: asked });
            return;
        }
        let is_new = !self.shortcuts.contains_key(&prefix);
        if is_new && self.shortcuts.len() >= self.config.limits.dynamic_entries {
            self.stats.count_drop(DropReason::Limit);
            return;
        }
        if let Some(before) = self.shortcuts.get(&prefix)
            && before.next_hop != next_hop
        {
            self.remove_shortcut(prefix);
        }
        let server = self.best_server(None);
        let expires = after(now, hold);
        let shortcut = self.shortcuts.entry(prefix).or_insert(Shortcut {
            next_hop,
            asked,
            server,
            created: now,
            expires,
            up: false,
        });
        shortcut.expires = expires;
        self.timers.set(Timer::Shortcut(prefix), expires);
        self.timers.set(Timer::RefreshShortcut(prefix), after(now, refresh_after(hold)));
        shortcut.asked = asked;
        shortcut.server = server;
        if let Some(entry) = self.cache.get_mut(next_hop) {
            entry.extra_mut().shortcuts.insert(prefix);
            if entry.active {
                self.shortcuts_up(now, next_hop);
            }
        }
    }

    /// The next hop's path is proven: its shortcuts carry data.
    pub(super) fn shortcuts_up(&mut self, _now: Instant, next_hop: IpAddr) {
        let Some(entry) = self.cache.get(next_hop) else { return };
        for prefix in &entry.extra().shortcuts {
            if let Some(shortcut) = self.shortcuts.get_mut(prefix)
                && !shortcut.up
            {
                shortcut.up = true;
                self.outputs.push_back(Output::Action(Action::ShortcutUp { prefix: *prefix, next_hop }));
            }
        }
    }

    /// The next hop's path is gone: the prefix follows the routing table.
    pub(super) fn shortcut_down(&mut self, _now: Instant, prefix: IpNet) {
        if let Some(shortcut) = self.shortcuts.get_mut(&prefix)
            && shortcut.up
        {
            shortcut.up = false;
            self.outputs.push_back(Output::Action(Action::ShortcutDown { prefix }));
        }
    }

    pub(super) fn remove_shortcut(&mut self, prefix: IpNet) {
        let Some(shortcut) = self.shortcuts.remove(&prefix) else { return };
        self.timers.cancel(Timer::Shortcut(prefix));
        self.timers.cancel(Timer::RefreshShortcut(prefix));
        if let Some(entry) = self.cache.get_mut(shortcut.next_hop) {
            entry.extra_mut().shortcuts.remove(&prefix);
        }
        if shortcut.up {
            self.outputs.push_back(Output::Action(Action::ShortcutDown { prefix }));
        }
    }

    /// `Timer::Shortcut`.
    pub(super) fn shortcut_due(&mut self, prefix: IpNet) {
        self.event(Event::Expired { prefix });
        self.remove_shortcut(prefix);
    }

    /// `Timer::RefreshShortcut`: as for bindings, only what is in use is asked for again. Its next hop tells whether it is.
    pub(super) fn shortcut_refresh_due(&mut self, now: Instant, prefix: IpNet) {
        let Some(shortcut) = self.shortcuts.get(&prefix) else { return };
        let (next_hop, asked) = (shortcut.next_hop, shortcut.asked);
        let window = self.config.timing.used_window;
        let Some(entry) = self.cache.get_mut(next_hop) else { return };
        if entry.extra().last_used.is_some_and(|used| now.saturating_duration_since(used) <= window) {
            self.start_resolution(now, asked);
        } else {
            entry.refresh_on_use = true;
        }
    }

    fn has_shortcut(&self, destination: IpAddr) -> bool {
        let longest = host_len(destination);
        (self.config.shortcut_min_prefix.min(longest)..=longest)
            .filter_map(|len| IpNet::new(destination, len).ok())
            .any(|prefix| self.shortcuts.contains_key(&prefix.trunc()))
    }

    /// A refresh of this destination was refused.
    pub(super) fn remove_shortcuts_to(&mut self, asked: IpAddr) {
        let gone: Vec<IpNet> = self
            .shortcuts
            .iter()
            .filter(|(_, shortcut)| shortcut.asked == asked)
            .map(|(prefix, _)| *prefix)
            .collect();
        for prefix in gone {
            self.remove_shortcut(prefix);
        }
    }

    /// A server is gone, and with it the route that its shortcuts refine.
    pub(super) fn withdraw_shortcuts_of(&mut self, _now: Instant, server: usize) {
        let gone: BTreeSet<IpNet> = self
            .shortcuts
            .iter()
            .filter(|(_, shortcut)| shortcut.server == Some(server))
            .map(|(prefix, _)| *prefix)
            .collect();
        for prefix in gone {
            self.remove_shortcut(prefix);
        }
    }

    /// The routing table changed under shortcuts.
    pub(super) fn route_changed(&mut self, now: Instant, route: IpNet) {
        let gone: Vec<IpNet> = within(&self.shortcuts, route).collect();
        for prefix in gone {
            self.remove_shortcut(prefix);
        }
        self.recheck_locals(now, route);
    }
}

/// What a traffic indication needs to know of a data packet.
#[derive(Debug, Clone, Copy)]
struct IpHead {
    source: IpAddr,
    destination: IpAddr,
    /// IP header and eight bytes, as IOS sends back.
    embedded: usize,
}

impl IpHead {
    fn parse(packet: &[u8]) -> Option<IpHead> {
        let first = *packet.first()?;
        match first >> 4 {
            4 => {
                let source = <[u8; 4]>::try_from(packet.get(12..16)?).ok()?;
                let destination = <[u8; 4]>::try_from(packet.get(16..20)?).ok()?;
                let embedded = usize::from(first & 0x0f) * 4 + 8;
                Some(IpHead { source: source.into(), destination: destination.into(), embedded })
            }
            6 => {
                let source = <[u8; 16]>::try_from(packet.get(8..24)?).ok()?;
                let destination = <[u8; 16]>::try_from(packet.get(24..40)?).ok()?;
                Some(IpHead { source: source.into(), destination: destination.into(), embedded: 48 })
            }
            _ => None,
        }
    }
}

fn is_broadcast(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if v4.is_broadcast())
}
