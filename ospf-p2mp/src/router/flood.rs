//! Installing LSAs and passing them on (RFC 2328 sections 13.2, 13.3 and 14).

use std::cmp::Ordering;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use super::Router;
use super::state::{NeighborKey, Outgoing, OutgoingBody, TimerKey};
use crate::lsdb::{DbKey, Entry, Scope};
use crate::neighbor::{NeighborState, Retransmission};
use crate::wire::{LinkKind, Lsa, LsaBody, LsaType, MAX_AGE, Options, RouterLink, RouterLsa};

/// MinLSArrival as RFC 2328 appendix B has it, and a little more for a path that does not keep distances.
const STRICT_ARRIVAL: Duration = Duration::from_millis(1050);

impl Router {
    /// Puts an instance into the database, floods it and notes what must be calculated.
    ///
    /// `from` is the neighbour that sent it, `None` for our own.
    pub(super) fn install(
        &mut self,
        now: Instant,
        key: DbKey,
        lsa: Lsa,
        body: LsaBody,
        from: Option<NeighborKey>,
    ) {
        let mut entry = Entry::new(lsa, body, now);
        let mut says_more = !entry.is_max_age();
        if let Some(old) = self.lsdb.get(&key) {
            let close = now.saturating_duration_since(old.since) < self.config.timers.min_ls_arrival;
            entry.burst = if close { old.burst.saturating_add(1) } else { 0 };
            says_more = differs(old, &entry);
            entry.changed = says_more || (old.changed && old.pending > 0);
        }
        let (max_age, expires) = (entry.is_max_age(), entry.expires());
        let old = self.lsdb.insert(key, entry);
        self.stats.installed += 1;
        self.note_change(key, old.as_ref());
        if says_more {
            self.change_ends_help(now, &key);
        }
        if max_age {
            self.timers.disarm(TimerKey::Lsa(key));
            self.dying.insert(key);
            self.sweep = true;
        } else {
            self.dying.remove(&key);
            self.timers.disarm(TimerKey::Lsa(key));
            self.timers.arm(TimerKey::Lsa(key), expires);
        }
        self.flood(now, key, from);
    }

    /// Marks what depends on an LSA. The database holds the new instance already.
    pub(super) fn note_change(&mut self, key: DbKey, old: Option<&Entry>) {
        let new = self.lsdb.get(&key);
        let touched = self.rib.reindex(key, old, new);
        let topology = topology_changed(old, new);
        self.pending.prefixes.extend(touched);
        if topology {
            match (LsaType(key.key.ls_type), key.scope) {
                (LsaType::ROUTER | LsaType::NETWORK, Scope::Area(area)) => {
                    self.pending.areas.insert(area);
                }
                _ => self.pending.externals = true,
            }
        }
    }

    /// Section 13.3: which neighbours must get the LSA.
    pub(super) fn flood(&mut self, now: Instant, key: DbKey, from: Option<NeighborKey>) {
        for index in 0..self.interfaces.len() {
            if !self.scope_covers(key.scope, index) {
                continue;
            }
            let Some(interface) = self.interfaces.get(index) else { continue };
            let adjacent =
                interface.neighbors.values().filter(|neighbor| neighbor.state >= NeighborState::Exchange);
            let addresses: Vec<Ipv4Addr> = adjacent.map(|neighbor| neighbor.address).collect();
            for address in addresses {
                self.flood_to(now, (index, address), key, from);
            }
        }
    }

    fn flood_to(&mut self, now: Instant, to: NeighborKey, key: DbKey, from: Option<NeighborKey>) {
        let Some(header) = self.lsdb.get(&key).map(|entry| entry.header(now)) else { return };
        let Some(neighbor) = self.neighbor_mut(to) else { return };
        let mut progress = false;
        let mut needed = true;
        if neighbor.state < NeighborState::Full {
            if let Some(theirs) = neighbor.exchange.requests.get(&key) {
                let order = theirs.compare_instance(&header);
                if order != Ordering::Greater {
                    neighbor.exchange.requests.remove(&key);
                    progress = true;
                }
                needed = order == Ordering::Less;
            }
            if neighbor.exchange.summary.contains(&key) {
                // It will be described with this instance; the neighbour asks when it wants it.
                needed = false;
            }
        }
        if LsaType(key.key.ls_type).is_opaque() && !neighbor.options.contains(Options::O) {
            needed = false;
        }
        if needed && from != Some(to) {
            self.queue_flood(now, to, key);
        } else {
            self.drop_retransmission(to, &key);
        }
        if progress {
            self.request_more(now, to);
        }
    }

    /// Sends an LSA to a neighbour until it is acknowledged.
    pub(super) fn queue_flood(&mut self, now: Instant, to: NeighborKey, key: DbKey) {
        let first = now + self.uneven().of(self.config.timers.first_retransmit);
        let Some(neighbor) = self.neighbor_mut(to) else { return };
        // While the instance before waits for its acknowledgement, this one may come too early for a neighbour that
        // takes one a second: it is sent again as soon as that has passed.
        let before = neighbor.queues.retransmit.get(&key).map(|before| before.sent);
        let fresh = match before.filter(|sent| now < *sent + STRICT_ARRIVAL) {
            Some(sent) => Retransmission { at: first.min(sent + STRICT_ARRIVAL), attempts: 0, sent },
            None => Retransmission { at: first, attempts: 0, sent: now },
        };
        let is_new = neighbor.queues.retransmit.insert(key, fresh).is_none();
        let due = neighbor.deadlines.retransmit.map_or(fresh.at, |due| due.min(fresh.at));
        neighbor.deadlines.retransmit = Some(due);
        if is_new && let Some(entry) = self.lsdb.get_mut(&key) {
            entry.pending += 1;
        }
        self.queue_answer(now, to, key);
    }

    /// Sends an LSA once: the answer to a request or to an old instance.
    pub(super) fn queue_answer(&mut self, now: Instant, to: NeighborKey, key: DbKey) {
        let pacing = self.config.timers.flood_pacing;
        let router_lsa = self.area_of(to.0).map(|area| self.router_lsa_key(area));
        let Some(neighbor) = self.neighbor_mut(to) else { return };
        if router_lsa == Some(key) {
            neighbor.deadlines.held_answer = None;
        }
        neighbor.queues.flood.insert(key);
        if neighbor.queues.flood_scheduled || neighbor.deadlines.flood.is_some() {
            return;
        }
        match neighbor.queues.last_flood.map(|last| last + pacing) {
            Some(at) if at > now => neighbor.deadlines.flood = Some(at),
            _ => self.schedule_updates(now, to),
        }
    }

    /// Lets the sender empty the neighbour's flooding queue.
    pub(super) fn schedule_updates(&mut self, now: Instant, to: NeighborKey) {
        let Some(neighbor) = self.neighbor_mut(to) else { return };
        neighbor.deadlines.flood = None;
        if neighbor.queues.flood.is_empty() || neighbor.queues.flood_scheduled {
            return;
        }
        neighbor.queues.flood_scheduled = true;
        neighbor.queues.last_flood = Some(now);
        let body = OutgoingBody::Updates;
        self.outbox.normal.push_back(Outgoing { interface: to.0, peer: Some(to.1), destination: to.1, body });
    }

    /// Takes an LSA off a neighbour's retransmission list.
    pub(super) fn drop_retransmission(&mut self, from: NeighborKey, key: &DbKey) {
        let Some(interface) = self.interfaces.get_mut(from.0) else { return };
        let Some(neighbor) = interface.neighbors.get_mut(&from.1) else { return };
        neighbor.queues.flood.remove(key);
        if neighbor.queues.retransmit.remove(key).is_some() {
            self.release(key);
        }
    }

    /// Empties everything that waits for a neighbour.
    pub(super) fn clear_lists(&mut self, key: NeighborKey) {
        let Some(neighbor) = self.neighbor_mut(key) else { return };
        let sequence = neighbor.exchange.sequence;
        neighbor.exchange = crate::neighbor::Exchange { sequence, ..Default::default() };
        neighbor.queues.flood.clear();
        neighbor.queues.acks.clear();
        let held = std::mem::take(&mut neighbor.queues.retransmit);
        let deadlines = &mut neighbor.deadlines;
        (deadlines.exchange, deadlines.flood, deadlines.retransmit, deadlines.ack) = (None, None, None, None);
        deadlines.held_answer = None;
        for lsa in held.keys() {
            self.release(lsa);
        }
    }

    /// Section 13.6: sends again what was not acknowledged. Gives up on a neighbour that never does.
    pub(super) fn retransmit(&mut self, now: Instant, key: NeighborKey) {
        let first = self.config.timers.first_retransmit;
        let limit = self.config.limits.retransmissions;
        let Some(interface) = self.interfaces.get(key.0) else { return };
        let longest = interface.config.retransmit_interval;
        let uneven = self.uneven();
        let Some(neighbor) = self.neighbor_mut(key) else { return };
        neighbor.deadlines.retransmit = None;
        let mut again = Vec::new();
        let mut next: Option<Instant> = None;
        let mut exhausted = false;
        for (lsa, entry) in &mut neighbor.queues.retransmit {
            if entry.at <= now {
                entry.attempts = entry.attempts.saturating_add(1);
                entry.sent = now;
                entry.at = now + uneven.of(crate::neighbor::back_off(first, longest, entry.attempts.into()));
                exhausted |= entry.attempts > limit;
                again.push(*lsa);
            }
            next = Some(next.map_or(entry.at, |at| at.min(entry.at)));
        }
        neighbor.deadlines.retransmit = next;
        let count = u64::try_from(again.len()).unwrap_or(0);
        neighbor.queues.retransmissions += count;
        self.stats.retransmissions += count;
        if exhausted {
            self.kill_neighbor(now, key, crate::event::DownReason::TooManyRetransmissions);
            return;
        }
        for lsa in again {
            self.queue_answer(now, key, lsa);
        }
    }

    /// Section 14: an LSA reached MaxAge by itself, or does not age and has lost its issuer.
    pub(super) fn expire(&mut self, now: Instant, key: DbKey) {
        let Some(entry) = self.lsdb.get(&key) else { return };
        if entry.is_max_age() {
            return;
        }
        if entry.age(now) < MAX_AGE {
            self.timers.arm(TimerKey::Lsa(key), entry.expires());
            return;
        }
        if entry.lsa.header.age & crate::wire::DO_NOT_AGE != 0 && self.issuer_is_reachable(&key) {
            // RFC 1793 section 2.3: stays as long as its issuer can be reached.
            self.timers.arm(TimerKey::Lsa(key), now + Duration::from_secs(MAX_AGE.into()));
            return;
        }
        self.age_out(now, &key);
    }

    /// Floods an LSA with MaxAge so that everybody drops it.
    pub(super) fn age_out(&mut self, now: Instant, key: &DbKey) {
        let Some(entry) = self.lsdb.get(key) else { return };
        let mut lsa = entry.lsa.clone();
        let body = entry.body.clone();
        lsa.header.age = MAX_AGE;
        self.install(now, *key, lsa, body, None);
    }

    /// Removes what is at MaxAge, acknowledged everywhere, and not needed by an exchange (section 14).
    pub(super) fn sweep_dying(&mut self, now: Instant) {
        if self.describing > 0 {
            return;
        }
        let gone: Vec<_> = self
            .dying
            .iter()
            .filter(|key| self.lsdb.get(key).is_none_or(|entry| entry.pending == 0))
            .copied()
            .collect();
        for key in gone {
            self.dying.remove(&key);
            if let Some(old) = self.lsdb.remove(&key) {
                self.note_change(key, Some(&old));
            }
            self.own_gone(now, &key);
        }
    }

    /// Whether an LSA of this scope travels through an interface.
    pub(super) fn scope_covers(&self, scope: Scope, index: usize) -> bool {
        let Some(interface) = self.interfaces.get(index) else { return false };
        match scope {
            Scope::Area(area) => interface.config.area == area,
            Scope::As => self.options_of(index).contains(Options::E),
            Scope::Link(id) => interface.config.id == id,
        }
    }

    fn issuer_is_reachable(&self, key: &DbKey) -> bool {
        let issuer = key.key.advertising_router;
        self.areas
            .keys()
            .any(|area| self.rib.result(*area).is_some_and(|result| result.router(issuer).is_some()))
    }

    fn release(&mut self, key: &DbKey) {
        if let Some(entry) = self.lsdb.get_mut(key) {
            entry.pending = entry.pending.saturating_sub(1);
            self.sweep |= entry.pending == 0 && entry.is_max_age();
        }
    }
}

/// Whether the contents differ, the end of an LSA included, and not only number and age.
fn differs(old: &Entry, new: &Entry) -> bool {
    old.is_max_age() != new.is_max_age()
        || old.lsa.body != new.lsa.body
        || old.lsa.header.options != new.lsa.header.options
}

/// Whether a new instance says something else about routers and how they are joined, and not only about prefixes.
fn topology_changed(old: Option<&Entry>, new: Option<&Entry>) -> bool {
    let living =
        |entry: Option<&'_ Entry>| entry.filter(|entry| !entry.is_max_age()).map(|entry| entry.body.clone());
    match (living(old), living(new)) {
        (None, None) => false,
        (Some(LsaBody::Router(old)), Some(LsaBody::Router(new))) => {
            old.flags != new.flags || !joins(&old).eq(joins(&new))
        }
        (Some(LsaBody::Network(old)), Some(LsaBody::Network(new))) => old != new,
        (Some(LsaBody::AsbrSummary(old)), Some(LsaBody::AsbrSummary(new))) => old.metric != new.metric,
        (Some(one), None) | (None, Some(one)) => {
            matches!(one, LsaBody::Router(_) | LsaBody::Network(_) | LsaBody::AsbrSummary(_))
        }
        _ => false,
    }
}

fn joins(lsa: &RouterLsa) -> impl Iterator<Item = &RouterLink> {
    lsa.links.iter().filter(|link| link.kind != LinkKind::STUB)
}
