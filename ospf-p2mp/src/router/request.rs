//! Asking for LSAs, and answering (RFC 2328 sections 10.7 and 10.9).

use std::time::{Duration, Instant};

use super::Router;
use super::state::NeighborKey;
use crate::event::DownReason;
use crate::lsdb::DbKey;
use crate::neighbor::{NeighborEvent, NeighborState};
use crate::stats::DropReason;
use crate::wire::{LsRequest, PacketBody, RequestEntry};

/// How long a request for our Router-LSA may wait for a better answer; peers repeat it after five seconds.
const LONGEST_HOLD: Duration = Duration::from_millis(250);

/// A held answer goes out by itself if the new instance, due just before, turned out to be no change.
const AFTER_ISSUE: Duration = Duration::from_millis(1);

impl Router {
    pub(super) fn request_received(
        &mut self,
        now: Instant,
        key: NeighborKey,
        request: &LsRequest,
    ) -> Result<(), DropReason> {
        let Some(neighbor) = self.neighbor(key) else { return Err(DropReason::UnknownNeighbor) };
        if neighbor.state < NeighborState::Exchange {
            return Err(DropReason::NeighborState);
        }
        let mut wanted = Vec::with_capacity(request.entries.len());
        for entry in &request.entries {
            let found = entry
                .key()
                .and_then(|lsa| self.locate(key.0, lsa))
                .filter(|lsa| self.lsdb.get(lsa).is_some());
            let Some(lsa) = found else {
                self.restart_neighbor(now, key, NeighborEvent::BadRequest, DownReason::BadRequest);
                return Ok(());
            };
            wanted.push(lsa);
        }
        // The flooding queue is a set and is paced, so repeating a request does not multiply the answer.
        for lsa in wanted {
            if !self.hold_answer(now, key, &lsa) {
                self.queue_answer(now, key, lsa);
            }
        }
        Ok(())
    }

    /// Puts off the answer to a request for our Router-LSA while an instance that shows the link to this neighbour is
    /// about to come. With the present one the neighbour would drop its successor, which follows within a second
    /// (MinLSArrival), and have no route through us until the retransmission.
    ///
    /// While both are loading only the slave waits, so that two of us do not wait for each other.
    fn hold_answer(&mut self, now: Instant, key: NeighborKey, lsa: &DbKey) -> bool {
        if self.area_of(key.0).map(|area| self.router_lsa_key(area)) != Some(*lsa) {
            return false;
        }
        let due = self.own.get(lsa).and_then(|own| own.throttle.due());
        let Some(neighbor) = self.neighbor_mut(key) else { return false };
        let until = match neighbor.state {
            NeighborState::Full => due.map(|due| due + AFTER_ISSUE),
            _ => (!neighbor.exchange.we_are_master).then_some(now + LONGEST_HOLD),
        };
        neighbor.deadlines.held_answer = until.filter(|until| *until <= now + LONGEST_HOLD);
        neighbor.deadlines.held_answer.is_some()
    }

    /// The neighbour became Full while it waits for our Router-LSA: the next instance is the answer, if it comes soon.
    pub(super) fn held_until_issue(&mut self, now: Instant, key: NeighborKey) {
        let due =
            self.area_of(key.0).and_then(|area| self.own.get(&self.router_lsa_key(area))?.throttle.due());
        let until = due.map(|due| due + AFTER_ISSUE).filter(|until| *until <= now + LONGEST_HOLD);
        if let Some(neighbor) = self.neighbor_mut(key)
            && neighbor.deadlines.held_answer.is_some()
        {
            neighbor.deadlines.held_answer = Some(until.unwrap_or(now));
        }
    }

    /// Nothing newer came: answers with what there is.
    pub(super) fn answer_held(&mut self, now: Instant, key: NeighborKey) {
        let Some(lsa) = self.area_of(key.0).map(|area| self.router_lsa_key(area)) else { return };
        if self.lsdb.get(&lsa).is_some() {
            self.queue_answer(now, key, lsa);
        }
    }

    /// Asks for the next part of what is missing, unless a question is open.
    pub(super) fn request_more(&mut self, now: Instant, key: NeighborKey) {
        let first = self.uneven().of(self.config.timers.first_retransmit);
        let room = self.room(now, key.0) / RequestEntry::LEN;
        let Some(neighbor) = self.neighbor_mut(key) else { return };
        if !matches!(neighbor.state, NeighborState::Exchange | NeighborState::Loading) {
            return;
        }
        let exchange = &mut neighbor.exchange;
        exchange.outstanding.retain(|lsa| exchange.requests.contains_key(lsa));
        if !exchange.outstanding.is_empty() {
            return;
        }
        if exchange.requests.is_empty() {
            if neighbor.state == NeighborState::Loading {
                self.neighbor_event(now, key, NeighborEvent::LoadingDone);
            }
            return;
        }
        exchange.outstanding = exchange.requests.keys().take(room.max(1)).copied().collect();
        exchange.retransmissions = 0;
        let entries = exchange.outstanding.iter().map(|lsa| RequestEntry::from(lsa.key)).collect();
        // In Exchange the timer belongs to the description when we are master; the sooner one wins.
        let at = now + first;
        neighbor.deadlines.exchange = Some(neighbor.deadlines.exchange.map_or(at, |due| due.min(at)));
        self.send_normal(key, key.1, PacketBody::LinkStateRequest(LsRequest { entries }));
    }
}
