//! Asking for LSAs, and answering (RFC 2328 sections 10.7 and 10.9).

use std::time::Instant;

use super::Router;
use super::state::NeighborKey;
use crate::event::DownReason;
use crate::neighbor::{NeighborEvent, NeighborState};
use crate::stats::DropReason;
use crate::wire::{LsRequest, PacketBody, RequestEntry};

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
            self.queue_answer(now, key, lsa);
        }
        Ok(())
    }

    /// Asks for the next part of what is missing, unless a question is open.
    pub(super) fn request_more(&mut self, now: Instant, key: NeighborKey) {
        let first = self.config.timers.first_retransmit;
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
