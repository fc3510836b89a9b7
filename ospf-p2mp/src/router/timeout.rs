//! What fires when.

use std::time::Instant;

use super::Router;
use super::state::{NeighborKey, TimerKey};
use crate::event::{DownReason, Event, HelpEnd};
use crate::lsdb::{DbKey, Scope};
use crate::neighbor::Deadlines;
use crate::wire::{LinkKind, LsaBody, LsaKey, LsaType};

impl Router {
    pub(super) fn fire(&mut self, now: Instant, key: TimerKey) {
        match key {
            TimerKey::Neighbor(interface, address) => self.neighbor_due(now, (interface, address)),
            TimerKey::Interface(index) => self.interface_hello(now, index),
            TimerKey::Lsa(key) => self.expire(now, key),
            TimerKey::Own(key) => self.own_due(now, key),
            TimerKey::Spf => {
                if self.pending.throttle.is_due(now) {
                    self.calculate(now);
                }
            }
            TimerKey::StubRouter => self.set_stub_router(now, false),
        }
    }

    /// Serves those of a neighbour's deadlines that have come. Settling arms the queue for the rest.
    fn neighbor_due(&mut self, now: Instant, key: NeighborKey) {
        let take = |deadline: &mut Option<Instant>| deadline.take_if(|at| *at <= now).is_some();
        let Some(neighbor) = self.neighbor_mut(key) else { return };
        if neighbor.grace_until.is_some_and(|until| until <= now) {
            self.end_help(now, key, HelpEnd::Expired);
        }
        let Some(neighbor) = self.neighbor_mut(key) else { return };
        let helped = neighbor.grace_until;
        let Deadlines { dead, hello, exchange, flood, retransmit, ack, link_check, held_answer } =
            &mut neighbor.deadlines;
        if take(dead) {
            if let Some(until) = helped {
                // RFC 3623 section 3: silence is expected until the grace period ends.
                neighbor.deadlines.dead = Some(until);
                return;
            }
            self.kill_neighbor(now, key, DownReason::DeadTimer);
            return;
        }
        let (hello, exchange, flood, retransmit) =
            (take(hello), take(exchange), take(flood), take(retransmit));
        let (ack, link_check, held_answer) = (take(ack), take(link_check), take(held_answer));
        if held_answer {
            self.answer_held(now, key);
        }
        if ack {
            self.send_acks(now, key);
        }
        if hello {
            self.send_hello(now, key);
        }
        if exchange {
            self.repeat_exchange(now, key);
        }
        if retransmit {
            self.retransmit(now, key);
        }
        if flood {
            self.schedule_updates(now, key);
        }
        if link_check {
            self.check_link_back(key);
        }
    }

    /// A Full neighbour whose Router-LSA does not list us is a dead end: SPF does not use one-way links.
    fn check_link_back(&mut self, key: NeighborKey) {
        let ours = self.config.router_id;
        let Some(interface) = self.interfaces.get(key.0) else { return };
        let (id, area) = (interface.config.id, interface.config.area);
        let Some(neighbor) = interface.neighbors.get(&key.1).filter(|neighbor| neighbor.is_full()) else {
            return;
        };
        let router_id = neighbor.router_id;
        let lsa = DbKey::new(Scope::Area(area), LsaKey::new(LsaType::ROUTER.0, router_id, router_id));
        let linked = self.lsdb.get(&lsa).is_some_and(|entry| match &entry.body {
            LsaBody::Router(lsa) => {
                lsa.links.iter().any(|link| link.kind == LinkKind::POINT_TO_POINT && link.id == ours)
            }
            _ => false,
        });
        let Some(neighbor) = self.neighbor_mut(key) else { return };
        neighbor.without_link_back = !linked;
        if !linked {
            self.event(Event::FullWithoutLinkBack { interface: id, address: key.1, router_id });
        }
    }
}
