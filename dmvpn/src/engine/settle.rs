//! Draining the children in a fixed order until all are quiet.

use std::time::Instant;

use super::Engine;

/// How many outputs of children one call works on at most. What is left over waits for the next wake-up, which is then
/// at once, so that a flood of control traffic cannot keep the embedder from its packets.
const BUDGET: usize = 4096;

impl Engine {
    /// Drains the children: facts go up (an SA, then a path, then a neighbour, then a route), requests go down
    /// (a missing next hop, then a resolution, then a connection). Each child is drained to its end before the next; the
    /// round is repeated until none has anything to say.
    pub(super) fn settle(&mut self, now: Instant) {
        let mut budget = BUDGET;
        self.unsettled = None;
        loop {
            let before = budget;
            self.drain_punts(now, &mut budget);
            self.drain_ike(now, &mut budget);
            self.drain_nhrp(now, &mut budget);
            self.drain_ospf(now, &mut budget);
            self.program_routes(&mut budget);
            if budget == before {
                return;
            }
            if budget == 0 {
                self.unsettled = Some(now);
                return;
            }
        }
    }

    /// The fast path's settling: nothing to do unless the forwarding plane has something to say.
    pub(super) fn settle_punts(&mut self, now: Instant) {
        if self.plane.has_punts() {
            self.settle(now);
        }
    }
}
