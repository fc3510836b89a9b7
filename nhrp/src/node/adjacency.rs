//! Which path data may take to a next hop: paths come and go, direct ones are proven first, dead ones are held down.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::io::{Action, AdjacencyKind, DownReason, Event, NhsDownReason, Output, PathId};
use crate::node::cache::{Entry, Origin, Probe};
use crate::node::timers::{Timer, after, backoff};
use crate::node::{HoldDown, Node, Request};
use crate::view::NhsStatus;
use crate::wire::{Flags, PacketType};

impl Node {
    pub(super) fn path_up(
        &mut self,
        now: Instant,
        id: PathId,
        nbma: IpAddr,
        proven: bool,
        identity: Option<&[u8]>,
    ) {
        let asked = self.paths.connecting.remove(&nbma);
        self.paths.failures.remove(&nbma);
        self.timers.cancel(Timer::Connect(nbma));
        if self.paths.get(id).is_some_and(|path| path.nbma != nbma) {
            self.path_moved(now, id, nbma);
        }
        self.paths.announce(id, nbma, proven, identity, asked);
        self.join_static(now, id, nbma);
        if proven {
            // Entries that were still being probed over it when it was not known to work start over.
            for address in self.users_of(id) {
                if self.cache.get(address).is_some_and(|entry| entry.is_dynamic() && !entry.active) {
                    self.deactivate(now, address, DownReason::PathDown);
                }
            }
        }
        for index in 0..self.servers.len() {
            let Some(server) = self.servers.get(index) else { continue };
            if server.nbma == Some(nbma) && server.path.is_none() && server.status != NhsStatus::Waiting {
                self.server_path_up(now, index, id);
            }
        }
        for address in self.cache.pathless_at(nbma) {
            self.attach(now, address);
        }
    }

    pub(super) fn path_down(&mut self, now: Instant, id: PathId) {
        let Some(nbma) = self.paths.get(id).map(|path| path.nbma) else { return };
        self.admissions.retain(|_, (from, _)| from.path != id);
        let users = self.users_of(id);
        // Multicast ends with the path; clients that move to another path join again.
        self.leave_path(id);
        self.paths.retire(id);
        for address in users {
            self.lost_path(now, address);
        }
        for index in 0..self.servers.len() {
            if self.servers.get(index).is_none_or(|server| server.path != Some(id)) {
                continue;
            }
            let name = self.servers.get(index).and_then(|server| server.tunnel_address);
            match self.paths.for_static(nbma, name) {
                Some(other) => self.server_path_up(now, index, other),
                None => self.server_path_down(now, index),
            }
        }
        if self.is_permanent(nbma) && self.paths.at(nbma).next().is_none() {
            self.connect(nbma);
        }
    }

    pub(super) fn path_failed(&mut self, now: Instant, nbma: IpAddr) {
        self.paths.connecting.remove(&nbma);
        if self.is_permanent(nbma) {
            let failures = self.paths.failures.entry(nbma).or_default();
            let attempt = *failures;
            *failures = failures.saturating_add(1);
            let wait =
                backoff(self.config.timing.retry_initial, attempt, self.config.timing.registration_retry_max);
            let wait = self.jitter(wait);
            self.timers.set(Timer::Connect(nbma), after(now, wait));
        }
        for index in 0..self.servers.len() {
            let Some(server) = self.servers.get(index) else { continue };
            if server.nbma == Some(nbma) && server.path.is_none() && server.status != NhsStatus::Waiting {
                self.server_down(now, index, NhsDownReason::PathFailed);
            }
        }
        for address in self.cache.pathless_at(nbma) {
            if self.cache.get(address).is_some_and(Entry::is_dynamic) {
                self.direct_path_failed(now, address, DownReason::PathDown);
            }
        }
    }

    /// `Timer::Connect`.
    pub(super) fn connect_due(&mut self, nbma: IpAddr) {
        if self.is_permanent(nbma) && self.paths.at(nbma).next().is_none() {
            self.connect(nbma);
        }
    }

    pub(super) fn path_moved(&mut self, now: Instant, id: PathId, nbma: IpAddr) {
        if self.paths.get(id).is_none() {
            return;
        }
        self.paths.set_nbma(id, nbma);
        for address in self.users_of(id) {
            if self.cache.get(address).is_none_or(|entry| matches!(entry.origin, Origin::Static)) {
                continue;
            }
            self.cache.set_nbma(address, nbma);
            self.domino_purge(now, address);
            if let Some(entry) = self.cache.get_mut(address)
                && entry.active
            {
                entry.active = false;
                self.activate(now, address, id);
            }
        }
        self.move_member(id, nbma);
    }

    /// Looks for a path for an entry without one, and uses it if it may.
    pub(super) fn attach(&mut self, now: Instant, address: IpAddr) {
        let Some(entry) = self.cache.get(address) else { return };
        if entry.path.is_some() {
            return;
        }
        let nbma = entry.nbma;
        match &entry.origin {
            Origin::Static => {
                if let Some(path) = self.paths.for_static(nbma, Some(address)) {
                    self.activate(now, address, path);
                }
            }
            Origin::Registered { identity, .. } => {
                // A client that comes back before it registers again: only if it is certainly the same.
                let Some(identity) = identity.as_deref() else { return };
                let path = self
                    .paths
                    .at(nbma)
                    .find(|(_, path)| path.identity.as_deref() == Some(identity))
                    .map(|(id, _)| id);
                if let Some(path) = path {
                    self.activate(now, address, path);
                }
            }
            Origin::Dynamic { .. } => match self.direct_path(address) {
                Some((path, false)) => self.activate(now, address, path),
                Some((path, true)) => self.start_probe(now, address, path),
                // Where all paths to a shared NAT address belong to other spokes, only the peer can make one.
                None if self.paths.at(nbma).next().is_some() => {}
                None => self.connect(nbma),
            },
        }
    }

    /// Cache entries that use a path.
    fn users_of(&self, id: PathId) -> Vec<IpAddr> {
        self.paths.any(id).map(|path| path.users().to_vec()).unwrap_or_default()
    }

    /// Gives an entry a path, or none, in both directions of the reference.
    fn use_path(&mut self, address: IpAddr, path: Option<PathId>) {
        let Some(nbma) = self.cache.get(address).map(|entry| entry.nbma) else { return };
        let before = self.cache.set_path(address, path);
        if before == path {
            return;
        }
        if let Some(path) = path {
            self.paths.add_user(path, nbma, address);
        }
        if let Some(before) = before {
            self.paths.remove_user(before, address);
        }
    }

    /// A direct path for a learnt entry, and whether it must be probed.
    fn direct_path(&self, address: IpAddr) -> Option<(PathId, bool)> {
        let entry = self.cache.get(address)?;
        self.paths.for_dynamic(entry.nbma, address, entry.claimed.is_some(), &entry.extra().rejected)
    }

    /// Data for this next hop uses this path from now on.
    pub(super) fn activate(&mut self, now: Instant, address: IpAddr, path: PathId) {
        let before = self.cache.get(address).and_then(|entry| entry.path);
        self.use_path(address, Some(path));
        if let Some(before) = before.filter(|before| *before != path) {
            self.leave_client(before);
        }
        let Some(entry) = self.cache.get_mut(address) else { return };
        let was_active = entry.active;
        entry.active = true;
        if !was_active {
            entry.changed = now;
        }
        let nbma = entry.nbma;
        let kind = match entry.origin {
            Origin::Static => self.static_kind(address),
            Origin::Registered { .. } => AdjacencyKind::Registered,
            Origin::Dynamic { .. } => AdjacencyKind::Dynamic,
        };
        self.outputs.push_back(Output::Action(Action::AdjacencyUp {
            tunnel_address: address,
            nbma,
            path,
            kind,
        }));
        if kind == AdjacencyKind::Registered {
            self.join_dynamic(now, path, nbma, address);
        }
        self.shortcuts_up(now, address);
        self.flush_replies(now, address);
    }

    /// Data for this next hop goes through the server again. The entry stays.
    pub(super) fn deactivate(&mut self, now: Instant, address: IpAddr, reason: DownReason) {
        let Some(entry) = self.cache.get_mut(address) else { return };
        let (path, was_active) = (entry.path, entry.active);
        entry.active = false;
        let probe = entry.take_probe();
        entry.changed = now;
        let shortcuts: Vec<_> = entry.extra().shortcuts.iter().copied().collect();
        self.use_path(address, None);
        self.forget_probe(address, probe);
        for prefix in shortcuts {
            self.shortcut_down(now, prefix);
        }
        if was_active {
            self.outputs.push_back(Output::Action(Action::AdjacencyDown { tunnel_address: address, reason }));
        }
        if let Some(path) = path {
            self.leave_client(path);
        }
    }

    /// Forgets an entry, tells the forwarding plane and those who were given it.
    pub(super) fn remove_entry(&mut self, now: Instant, address: IpAddr, reason: DownReason) {
        let Some(entry) = self.cache.get(address) else { return };
        let (path, shortcuts) = (entry.path, entry.extra().shortcuts.clone());
        if reason != DownReason::Shutdown {
            self.domino_purge(now, address);
        }
        self.deactivate(now, address, reason);
        for prefix in shortcuts {
            self.remove_shortcut(prefix);
        }
        self.cache.remove(address);
        self.timers.cancel(Timer::Refresh(address));
        if let Some(path) = path {
            self.release(path);
        }
    }

    /// Gives back a path that this node asked for and that nothing uses any more.
    pub(super) fn release(&mut self, id: PathId) {
        let Some(path) = self.paths.get(id) else { return };
        if !path.requested || !path.users().is_empty() || self.is_permanent(path.nbma) {
            return;
        }
        self.leave_path(id);
        self.paths.retire(id);
        self.outputs.push_back(Output::Disconnect { path: id });
    }

    /// The path of an entry is gone.
    fn lost_path(&mut self, now: Instant, address: IpAddr) {
        let Some(entry) = self.cache.get(address) else { return };
        let nbma = entry.nbma;
        if entry.is_dynamic() {
            // Another proven path to the same peer takes over without a detour.
            if let Some((other, false)) = self.direct_path(address) {
                self.activate(now, address, other);
            } else {
                self.direct_path_failed(now, address, DownReason::PathDown);
            }
            return;
        }
        if let (Origin::Static, Some(other)) = (&entry.origin, self.paths.for_static(nbma, Some(address))) {
            self.activate(now, address, other);
            return;
        }
        self.deactivate(now, address, DownReason::PathDown);
        self.attach(now, address);
    }

    /// No direct path, or not any more: back to the server, and no new attempt for a while.
    pub(super) fn direct_path_failed(&mut self, now: Instant, address: IpAddr, reason: DownReason) {
        let Some(entry) = self.cache.get(address) else { return };
        let (nbma, was_in_use) = (entry.nbma, entry.active);
        let asked: Vec<IpAddr> = entry
            .extra()
            .shortcuts
            .iter()
            .filter_map(|prefix| Some(self.shortcuts.get(prefix)?.asked))
            .collect();
        self.event(Event::DirectPathFailed { tunnel_address: address, nbma });
        self.hold_down(now, address, None);
        for destination in asked {
            self.hold_down(now, destination, None);
        }
        self.remove_entry(now, address, reason);
        self.flush_replies(now, address);
        if was_in_use {
            self.withdraw_from(now, address);
        }
    }

    /// No resolution of this destination for a while: longer with each failure that follows soon.
    pub(super) fn hold_down(&mut self, now: Instant, address: IpAddr, negative: Option<Duration>) {
        if self.hold_downs.len() >= self.config.limits.dynamic_entries
            && !self.hold_downs.contains_key(&address)
        {
            return;
        }
        let record =
            self.hold_downs.entry(address).or_insert(HoldDown { until: now, failures: 0, negative: false });
        let wait = negative.unwrap_or_else(|| {
            let base = self.config.timing.hold_down.max(Duration::from_millis(10));
            backoff(base, record.failures.min(4), base.saturating_mul(16))
        });
        record.failures = record.failures.saturating_add(1);
        record.until = after(now, wait);
        record.negative = negative.is_some();
        // The memory outlives the hold-down, so that a flapping path is tried less and less often.
        let fades =
            after(record.until, if negative.is_some() { Duration::ZERO } else { Duration::from_secs(60) });
        self.timers.set(Timer::HoldDown(address), fades);
    }

    /// Good news of a destination ends its hold-down. The memory of its failures fades by itself, so that a flapping path
    /// is held down longer each time.
    pub(super) fn end_hold_down(&mut self, now: Instant, address: IpAddr) {
        if let Some(record) = self.hold_downs.get_mut(&address) {
            record.until = now;
            record.negative = false;
        }
    }

    pub(super) fn start_probe(&mut self, now: Instant, address: IpAddr, path: PathId) {
        let before = self.cache.get_mut(address).and_then(Entry::take_probe);
        self.forget_probe(address, before);
        let id = self.new_request(Request::Probe(address));
        self.use_path(address, Some(path));
        if let Some(entry) = self.cache.get_mut(address) {
            entry.extra_mut().probe = Some(Probe { id, unanswered: 0, waiting: true });
        }
        self.send_probe(now, address, path, id);
    }

    fn forget_probe(&mut self, address: IpAddr, probe: Option<Probe>) {
        self.timers.cancel(Timer::Probe(address));
        if let Some(probe) = probe {
            self.requests.remove(&probe.id);
        }
    }

    /// Asks the peer, over its direct path, for its own address: every implementation answers that, and the answer proves
    /// that packets arrive there and who is there.
    fn send_probe(&mut self, now: Instant, address: IpAddr, path: PathId, id: u32) {
        let nat = self.own_nat();
        let packet = self.originate(
            PacketType::RESOLUTION_REQUEST,
            Some(address),
            Flags::ROUTER | Flags::AUTHORITATIVE | Flags::NAT,
            id,
            vec![self.own_terms()],
            &nat,
        );
        self.send_on(now, path, &packet);
        self.timers.set(
            Timer::Probe(address),
            after(now, self.config.timing.probe_wait.max(Duration::from_millis(10))),
        );
    }

    /// `Timer::Probe`.
    pub(super) fn probe_due(&mut self, now: Instant, address: IpAddr) {
        let Some(entry) = self.cache.get_mut(address) else { return };
        let (Some(mut probe), Some(path)) = (entry.extra().probe, entry.path) else { return };
        if !probe.waiting {
            self.start_probe(now, address, path);
            return;
        }
        probe.unanswered += 1;
        if probe.unanswered >= self.config.timing.probe_attempts.max(1) {
            self.probe_lost(now, address, probe.id, path);
            return;
        }
        entry.extra_mut().probe = Some(probe);
        self.stats.retransmitted += 1;
        self.send_probe(now, address, path, probe.id);
    }

    /// Nobody answers: the path is dead, or another one to the same NAT address is the right one.
    fn probe_lost(&mut self, now: Instant, address: IpAddr, id: u32, path: PathId) {
        self.requests.remove(&id);
        let Some(entry) = self.cache.get_mut(address) else { return };
        let was_active = entry.active;
        let rejected = &mut entry.extra_mut().rejected;
        if !rejected.contains(&path) {
            rejected.push(path);
        }
        match self.direct_path(address).filter(|(other, _)| *other != path && !was_active) {
            Some((other, _)) => self.start_probe(now, address, other),
            None => self.direct_path_failed(now, address, DownReason::ProbeLost),
        }
    }

    /// The peer of this path says that it is not the one: another path may be, now or later.
    pub(super) fn probe_refused(&mut self, now: Instant, address: IpAddr, id: u32, path: PathId) {
        self.requests.remove(&id);
        let Some(entry) = self.cache.get_mut(address) else { return };
        if entry.extra().probe.is_none_or(|probe| probe.id != id) || entry.path != Some(path) {
            return;
        }
        let rejected = &mut entry.extra_mut().rejected;
        if !rejected.contains(&path) {
            rejected.push(path);
        }
        self.deactivate(now, address, DownReason::ProbeLost);
        self.attach(now, address);
    }

    /// The peer answered a probe.
    pub(super) fn probe_answered(&mut self, now: Instant, address: IpAddr, id: u32) {
        self.requests.remove(&id);
        let Some(entry) = self.cache.get_mut(address) else { return };
        let (Some(probe), Some(path)) = (entry.extra().probe, entry.path) else { return };
        if probe.id != id {
            return;
        }
        let active = entry.active;
        let watched = self.paths.get(path).is_some_and(|path| path.proven);
        self.paths.bind(path, address);
        if let Some(entry) = self.cache.get_mut(address) {
            entry.extra_mut().probe = (!watched).then_some(Probe { id: 0, unanswered: 0, waiting: false });
        }
        // Where IPsec watches the path, a probe only told whose path it is; elsewhere it goes on.
        if watched {
            self.timers.cancel(Timer::Probe(address));
        } else {
            let interval = self.config.timing.probe_interval.max(Duration::from_millis(10));
            self.timers.set(Timer::Probe(address), after(now, interval));
        }
        if !active {
            self.activate(now, address, path);
        }
    }
}
