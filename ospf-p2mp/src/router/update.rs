//! Updates and acknowledgements coming in (RFC 2328 sections 13, 13.4 and 13.7).

use std::cmp::Ordering;
use std::time::Instant;

use super::Router;
use super::state::NeighborKey;
use crate::event::{DownReason, Event};
use crate::lsdb::DbKey;
use crate::neighbor::{NeighborEvent, NeighborState};
use crate::stats::DropReason;
use crate::wire::{INITIAL_SEQUENCE, LsAck, LsUpdate, Lsa, LsaHeader, LsaType, MAX_SEQUENCE, Options};

/// Instances of one LSA accepted in a row that are closer than MinLSArrival.
const BURST: u8 = 8;

impl Router {
    pub(super) fn update_received(
        &mut self,
        now: Instant,
        key: NeighborKey,
        update: LsUpdate,
    ) -> Result<(), DropReason> {
        if self.neighbor(key).is_none_or(|neighbor| neighbor.state < NeighborState::Exchange) {
            return Err(DropReason::NeighborState);
        }
        for lsa in update.lsas {
            if let Err(reason) = self.lsa_received(now, key, lsa) {
                self.stats.drop(reason);
                if let Some(neighbor) = self.neighbor_mut(key) {
                    neighbor.last_drop = Some(reason);
                }
            }
            // A bad request ends the exchange, and with it this update.
            if self.neighbor(key).is_none_or(|neighbor| neighbor.state < NeighborState::Exchange) {
                return Ok(());
            }
        }
        self.request_more(now, key);
        Ok(())
    }

    pub(super) fn ack_received(
        &mut self,
        now: Instant,
        key: NeighborKey,
        ack: &LsAck,
    ) -> Result<(), DropReason> {
        if self.neighbor(key).is_none_or(|neighbor| neighbor.state < NeighborState::Exchange) {
            return Err(DropReason::NeighborState);
        }
        for header in &ack.headers {
            let Some(lsa) = self.locate(key.0, header.key()) else { continue };
            let waits =
                self.neighbor(key).is_some_and(|neighbor| neighbor.queues.retransmit.contains_key(&lsa));
            let same =
                self.lsdb.get(&lsa).is_some_and(|entry| entry.header(now).compare_instance(header).is_eq());
            // Answers to requests are acknowledged too, and wait on no list.
            match (waits, same) {
                (true, true) => self.drop_retransmission(key, &lsa),
                (true, false) => self.stats.drop(DropReason::QuestionableAck),
                (false, _) => {}
            }
        }
        Ok(())
    }

    /// Whether LSAs of this type may come through an interface: known, and no externals in a stub area. Type 7
    /// belongs into areas that are not offered here.
    pub(super) fn is_acceptable_type(&self, index: usize, ls_type: u8) -> bool {
        let normal = self.options_of(index).contains(Options::E);
        match LsaType(ls_type) {
            LsaType::ROUTER | LsaType::NETWORK | LsaType::SUMMARY | LsaType::ASBR_SUMMARY => true,
            LsaType::AS_EXTERNAL | LsaType::OPAQUE_AS => normal,
            LsaType::OPAQUE_LINK | LsaType::OPAQUE_AREA => true,
            _ => false,
        }
    }

    /// Section 13, steps 1 to 8, for one LSA.
    fn lsa_received(&mut self, now: Instant, from: NeighborKey, lsa: Lsa) -> Result<(), DropReason> {
        if !lsa.checksum_is_valid() {
            return Err(DropReason::LsaChecksum);
        }
        if !self.is_acceptable_type(from.0, lsa.header.ls_type) {
            return Err(DropReason::LsaType);
        }
        let mut lsa = lsa;
        let header = lsa.header;
        if header.sequence < INITIAL_SEQUENCE {
            // The reserved number 0x80000000 (section 12.1.6).
            return Err(DropReason::LsaRange);
        }
        // An age beyond MaxAge counts as MaxAge; it is passed on as that.
        if header.age & !crate::wire::DO_NOT_AGE > crate::wire::MAX_AGE {
            lsa.header.age = crate::wire::MAX_AGE;
        }
        if LsaType(header.ls_type) == LsaType::ROUTER && header.link_state_id != header.advertising_router {
            // Lookups by either name must find the same LSA (VU#229804).
            return Err(DropReason::LsaIdMismatch);
        }
        let body = lsa.decode_body().map_err(|_| DropReason::LsaMalformed)?;
        let key = self.locate(from.0, lsa.key()).ok_or(DropReason::UnknownInterface)?;
        let header = lsa.header;
        let ours = self.lsdb.get(&key).map(|entry| entry.header(now));
        if header.is_max_age() && ours.is_none() && self.describing == 0 {
            self.acknowledge(now, from, header, true);
            return Ok(());
        }
        let order = ours.as_ref().map_or(Ordering::Greater, |ours| header.compare_instance(ours));
        let disguised = order == Ordering::Equal && self.is_disguised(&key, &lsa);
        if order == Ordering::Greater || disguised {
            if self.is_too_soon(now, &key) {
                return Err(DropReason::LsaTooSoon);
            }
            if self.is_self_originated(&key) {
                return self.self_originated_received(now, from, key, lsa, body, disguised);
            }
            if let Err(limit) = self.lsdb.check_room(&lsa, self.lsdb.get(&key), &self.config.limits) {
                self.lsdb_limit_reached(now, &lsa, limit);
                self.forget_request(now, from, &key);
                // Acknowledged all the same: a neighbour that repeats it for ever helps nobody.
                self.acknowledge(now, from, header, true);
                return Err(DropReason::LsdbLimit);
            }
            self.install(now, key, lsa, body, Some(from));
            self.acknowledge(now, from, header, false);
            self.grace_received(now, from, &key);
            return Ok(());
        }
        let Some(neighbor) = self.neighbor_mut(from) else { return Ok(()) };
        if neighbor.exchange.requests.contains_key(&key) && order == Ordering::Less {
            self.restart_neighbor(now, from, NeighborEvent::BadRequest, DownReason::BadRequest);
            return Ok(());
        }
        if order == Ordering::Equal {
            let asked = neighbor.exchange.requests.remove(&key).is_some();
            if neighbor.queues.retransmit.contains_key(&key) {
                // Section 13 (7a): it counts as an acknowledgement.
                self.drop_retransmission(from, &key);
            } else if !asked {
                self.acknowledge(now, from, header, true);
            }
            return Ok(());
        }
        // Section 13 (8): the neighbour is behind.
        if ours.is_some_and(|ours| ours.is_max_age() && ours.sequence == MAX_SEQUENCE) {
            return Ok(());
        }
        self.queue_answer(now, from, key);
        Ok(())
    }

    /// RFC 2328 section 13.4, and two things beyond it: the bodies of equal instances are compared, so a forged one
    /// with our number and checksum is noticed; and while no adjacency is Full yet, an LSA of our previous life
    /// stays until ours can say the same, so that a restart does not withdraw it for a moment.
    fn self_originated_received(
        &mut self,
        now: Instant,
        from: NeighborKey,
        key: DbKey,
        lsa: Lsa,
        body: crate::wire::LsaBody,
        disguised: bool,
    ) -> Result<(), DropReason> {
        let header = lsa.header;
        self.stats.fight_backs += 1;
        let was_ours = self.own.get(&key).is_some_and(|own| own.desired.is_some());
        let settled = self.areas.values().any(|area| area.full > 0);
        if was_ours && settled {
            let (ls_type, link_state_id) = (key.key.ls_type, key.key.link_state_id);
            self.event(Event::ForeignSelfOriginated { ls_type, link_state_id, from: from.1 });
            if LsaType(ls_type) == LsaType::ROUTER {
                self.duplicate_router_id(now, None, None, self.config.router_id);
            }
        }
        self.forget_request(now, from, &key);
        if disguised {
            // Equal to ours for everybody else: only a new instance of ours displaces it.
            self.acknowledge(now, from, header, true);
        } else {
            self.install(now, key, lsa, body, Some(from));
            self.acknowledge(now, from, header, false);
        }
        self.outbid(now, &key);
        Ok(())
    }

    /// Equal by number, checksum and age, but with another body, and ours to say.
    fn is_disguised(&self, key: &DbKey, lsa: &Lsa) -> bool {
        self.is_self_originated(key)
            && self.lsdb.get(key).is_some_and(|entry| {
                entry.lsa.body != lsa.body || entry.lsa.header.options != lsa.header.options
            })
    }

    /// By advertising router. Network-LSAs of a previous router id (section 13.4) need no care: this router is never
    /// designated.
    pub(super) fn is_self_originated(&self, key: &DbKey) -> bool {
        key.key.advertising_router == self.config.router_id
    }

    /// Section 13 (5a), more lenient than the RFC's one second (see [`Timers`](crate::Timers)).
    fn is_too_soon(&self, now: Instant, key: &DbKey) -> bool {
        self.lsdb.get(key).is_some_and(|entry| {
            let close = now.saturating_duration_since(entry.since) < self.config.timers.min_ls_arrival;
            close && entry.burst >= BURST && !entry.is_max_age()
        })
    }

    /// Queues an acknowledgement: at once, or together with others (section 13.5).
    fn acknowledge(&mut self, now: Instant, to: NeighborKey, header: LsaHeader, at_once: bool) {
        let delay = self.config.timers.ack_delay;
        let Some(neighbor) = self.neighbor_mut(to) else { return };
        neighbor.queues.acks.push(header);
        let at = if at_once { now } else { now + delay };
        neighbor.deadlines.ack = Some(neighbor.deadlines.ack.map_or(at, |due| due.min(at)));
    }

    fn forget_request(&mut self, now: Instant, from: NeighborKey, key: &DbKey) {
        if let Some(neighbor) = self.neighbor_mut(from) {
            neighbor.exchange.requests.remove(key);
            self.request_more(now, from);
        }
    }

    fn lsdb_limit_reached(&mut self, now: Instant, lsa: &Lsa, limit: crate::event::LsdbLimit) {
        let recently = |at: Instant| now.saturating_duration_since(at).as_secs() < 60;
        if !self.told.lsdb_limit.is_some_and(recently) {
            self.told.lsdb_limit = Some(now);
            self.event(Event::LsdbLimit { advertising_router: lsa.header.advertising_router, limit });
        }
    }
}
