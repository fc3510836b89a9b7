//! Carries out what the neighbour state machine says, and decides who may exchange.

use std::time::{Duration, Instant};

use super::Router;
use super::state::NeighborKey;
use crate::event::{DownReason, Event, HelpEnd};
use crate::neighbor::{Action, Neighbor, NeighborEvent, NeighborState, ReplayGuard, step};

/// A Full neighbour's Router-LSA should show the link back by then. FRR waits up to five seconds before it says so.
const LINK_CHECK: Duration = Duration::from_secs(10);

/// What an update in one IP packet can carry: 65,535 octets less the headers of IP, packet, update and LSA and the
/// longest digest, at twelve octets a link.
const MOST_LINKS: usize = (65_535 - 20 - 24 - 4 - 24 - 64) / 12;

impl Router {
    pub(super) fn neighbor_event(&mut self, now: Instant, key: NeighborKey, event: NeighborEvent) {
        let Some(state) = self.neighbor(key).map(|neighbor| neighbor.state) else { return };
        let Some((next, action)) = step(state, event) else { return };
        if action == Action::ClearLists || action == Action::StartExchange {
            self.clear_lists(key);
        }
        self.set_state(now, key, state, next);
        match action {
            Action::None | Action::ClearLists => {}
            Action::StartExchange => self.start_exchange(now, key),
            Action::DescribeDatabase => self.list_database(now, key),
        }
    }

    /// The neighbour lists us: an adjacency begins, if there is room for it.
    pub(super) fn two_way(&mut self, now: Instant, key: NeighborKey) {
        let Some(state) = self.neighbor(key).map(|neighbor| neighbor.state) else { return };
        match state {
            NeighborState::Init => {
                let adjacency = self.may_become_adjacent(key);
                self.neighbor_event(now, key, NeighborEvent::TwoWayReceived { adjacency });
            }
            NeighborState::TwoWay if self.may_become_adjacent(key) => {
                self.neighbor_event(now, key, NeighborEvent::AdjacencyOk);
            }
            _ => {}
        }
    }

    /// Lets the next neighbours exchange when others have finished.
    pub(super) fn admit_waiting(&mut self, now: Instant) {
        while self.exchanging < self.config.limits.concurrent_exchanges.max(1) {
            let Some(key) = self.waiting.pop_front() else { return };
            let Some(neighbor) = self.neighbor_mut(key) else { continue };
            neighbor.waiting = false;
            if neighbor.state != NeighborState::TwoWay || !self.may_become_adjacent(key) {
                continue;
            }
            // Taken first: a new exchange forgets everything of the one before.
            let deferred = self.neighbor_mut(key).and_then(|neighbor| neighbor.exchange.deferred.take());
            self.neighbor_event(now, key, NeighborEvent::AdjacencyOk);
            if let Some(description) = deferred
                && let Err(reason) = self.description_received(now, key, description)
            {
                self.stats.drop(reason);
            }
        }
    }

    /// Ends a neighbour. An announced one stays and gets Hellos; the caller may forget it.
    pub(super) fn kill_neighbor(&mut self, now: Instant, key: NeighborKey, reason: DownReason) {
        self.end_help(now, key, HelpEnd::NeighborLost);
        self.restart_neighbor(now, key, NeighborEvent::Kill, reason);
        let Some(neighbor) = self.neighbor_mut(key) else { return };
        neighbor.received = ReplayGuard::default();
        neighbor.heard_multicast = false;
        neighbor.heard_unicast = false;
        neighbor.deadlines.dead = None;
        let (announced, router_id) = (neighbor.announced, neighbor.router_id);
        if let Some(interface) = self.interfaces.get_mut(key.0)
            && interface.by_router_id.get(&router_id) == Some(&key.1)
        {
            interface.by_router_id.remove(&router_id);
        }
        if announced {
            self.neighbor_event(now, key, NeighborEvent::Start);
        } else {
            self.forget_neighbor(key);
        }
    }

    pub(super) fn forget_neighbor(&mut self, key: NeighborKey) {
        if let Some(interface) = self.interfaces.get_mut(key.0) {
            interface.neighbors.remove(&key.1);
            self.touched.push(key);
        }
    }

    /// Sends a neighbour back, and says so when there was something to lose.
    pub(super) fn restart_neighbor(
        &mut self,
        now: Instant,
        key: NeighborKey,
        event: NeighborEvent,
        reason: DownReason,
    ) {
        let Some(interface) = self.interfaces.get(key.0).map(|interface| interface.config.id) else { return };
        let Some(neighbor) = self.neighbor_mut(key) else { return };
        let (before, router_id) = (neighbor.state, neighbor.router_id);
        if before >= NeighborState::TwoWay {
            neighbor.last_down = Some(reason);
            self.event(Event::NeighborDown { interface, address: key.1, router_id, reason });
        }
        self.neighbor_event(now, key, event);
    }

    /// Admission: a place in our Router-LSA, and a place among the exchanges.
    fn may_become_adjacent(&mut self, key: NeighborKey) -> bool {
        let Some(area_id) = self.area_of(key.0) else { return false };
        let Some(area) = self.areas.get(&area_id) else { return false };
        let interfaces = area.interfaces.len();
        let links = area.adjacent + 2 * interfaces;
        if links >= self.config.limits.router_lsa_links.min(MOST_LINKS) {
            let first = self
                .neighbor_mut(key)
                .is_some_and(|neighbor| !std::mem::replace(&mut neighbor.refused, true));
            if first {
                self.stats.adjacencies_refused += 1;
                self.event(Event::RouterLsaTooLarge { area: area_id, address: key.1, links });
            }
            return false;
        }
        if self.exchanging < self.config.limits.concurrent_exchanges.max(1) {
            return true;
        }
        if let Some(neighbor) = self.neighbor_mut(key)
            && !neighbor.waiting
        {
            neighbor.waiting = true;
            self.waiting.push_back(key);
        }
        false
    }

    /// Makes room among the concurrent exchanges.
    pub(super) fn give_up_place(&mut self, key: NeighborKey) {
        let Some(neighbor) = self.neighbor_mut(key) else { return };
        let before = places(neighbor);
        neighbor.holds_place = false;
        self.count_places(before, key);
    }

    fn count_places(&mut self, before: (usize, usize), key: NeighborKey) {
        let after = self.neighbor(key).map_or((0, 0), places);
        self.exchanging = (self.exchanging + after.0).saturating_sub(before.0);
        self.describing = (self.describing + after.1).saturating_sub(before.1);
        self.sweep |= after.1 < before.1;
    }

    fn set_state(&mut self, now: Instant, key: NeighborKey, before: NeighborState, after: NeighborState) {
        if before == after {
            return;
        }
        let Some(interface) = self.interfaces.get(key.0) else { return };
        let (id, area_id) = (interface.config.id, interface.config.area);
        let Some(neighbor) = self.neighbor_mut(key) else { return };
        tracing::debug!(interface = %id, address = %key.1, router_id = %neighbor.router_id, from = %before, to = %after, "neighbour state");
        let counted_before = places(neighbor);
        neighbor.state = after;
        neighbor.holds_place = after.is_exchanging() && (neighbor.holds_place || !before.is_exchanging());
        neighbor.state_changes = neighbor.state_changes.saturating_add(1);
        let router_id = neighbor.router_id;
        let became_full = after == NeighborState::Full;
        let was_full = before == NeighborState::Full;
        if became_full {
            neighbor.up_since = Some(now);
            neighbor.refused = false;
            neighbor.deadlines.link_check = Some(now + LINK_CHECK);
            // The slave keeps its last description for late duplicates; the timer is the master's.
            neighbor.deadlines.exchange = None;
        } else if was_full {
            neighbor.up_since = None;
            neighbor.without_link_back = false;
            neighbor.deadlines.link_check = None;
        }
        self.count_places(counted_before, key);
        if let Some(area) = self.areas.get_mut(&area_id) {
            match (before.is_adjacent(), after.is_adjacent()) {
                (false, true) => area.adjacent += 1,
                (true, false) => area.adjacent = area.adjacent.saturating_sub(1),
                _ => {}
            }
            match (was_full, became_full) {
                (false, true) => area.full += 1,
                (true, false) => area.full = area.full.saturating_sub(1),
                _ => {}
            }
        }
        if was_full != became_full {
            if let Some(interface) = self.interfaces.get_mut(key.0) {
                interface.full =
                    if became_full { interface.full + 1 } else { interface.full.saturating_sub(1) };
            }
            if became_full {
                self.end_help(now, key, HelpEnd::Completed);
            }
            self.full_changed(now, key, area_id);
            if became_full {
                self.held_until_issue(now, key);
                self.event(Event::NeighborUp { interface: id, address: key.1, router_id });
            }
        }
    }

    /// Our links changed: say so, and recalculate from them.
    fn full_changed(&mut self, now: Instant, key: NeighborKey, area: crate::id::AreaId) {
        if self.is_helped(now, key) {
            return;
        }
        self.adjacency_schedules_router_lsa(now, area);
        self.pending.areas.insert(area);
    }
}

/// What a neighbour counts for: a place among the exchanges, and a reason to keep LSAs at MaxAge. One that is stuck
/// counts for neither; should it ask for an LSA that is gone, its exchange begins again.
fn places(neighbor: &Neighbor) -> (usize, usize) {
    let holds = neighbor.holds_place;
    ((holds && neighbor.state.is_exchanging()).into(), (holds && neighbor.state.is_describing()).into())
}
