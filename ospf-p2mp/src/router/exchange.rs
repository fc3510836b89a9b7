//! The database exchange (RFC 2328 sections 10.6 to 10.9).

use std::collections::BTreeSet;
use std::time::Instant;

use super::Router;
use super::hello::IP_HEADER_LEN;
use super::state::NeighborKey;
use crate::event::{DownReason, Event, Parameter, ParameterValue};
use crate::lsdb::{DbKey, Scope};
use crate::neighbor::{NeighborEvent, NeighborState, back_off};
use crate::stats::DropReason;
use crate::wire::{
    DatabaseDescription, DdFlags, HEADER_LEN, LSA_HEADER_LEN, LsRequest, LsaHeader, LsaType, Options,
    PacketBody, RequestEntry,
};

/// So many repetitions of one packet without an answer are told as an event.
const STUCK_AFTER: u32 = 4;

impl Router {
    /// ExStart: claim to be master, with nothing in the description.
    pub(super) fn start_exchange(&mut self, now: Instant, key: NeighborKey) {
        let random = self.random.number();
        let options = self.description_options(key.0);
        let mtu = self.interfaces.get(key.0).map_or(0, |interface| interface.config.mtu);
        let Some(neighbor) = self.neighbor_mut(key) else { return };
        let exchange = &mut neighbor.exchange;
        exchange.sequence = if exchange.sequence == 0 { random } else { exchange.sequence.wrapping_add(1) };
        exchange.we_are_master = true;
        exchange.last_received = None;
        exchange.retransmissions = 0;
        let flags = DdFlags::INIT.union(DdFlags::MORE).union(DdFlags::MASTER);
        let sequence = exchange.sequence;
        let description = DatabaseDescription { mtu, options, flags, sequence, headers: Vec::new() };
        self.send_description(now, key, description);
    }

    /// Exchange: note what is to be described. LSAs on their way out are flooded instead (section 10.3).
    pub(super) fn list_database(&mut self, now: Instant, key: NeighborKey) {
        let Some(area) = self.area_of(key.0) else { return };
        let Some(interface) = self.interfaces.get(key.0) else { return };
        let mut scopes = vec![Scope::Area(area), Scope::Link(interface.config.id)];
        if self.options_of(key.0).contains(Options::E) {
            scopes.push(Scope::As);
        }
        let opaque =
            interface.neighbors.get(&key.1).is_some_and(|neighbor| neighbor.options.contains(Options::O));
        let mut summary = BTreeSet::new();
        let mut dying = Vec::new();
        for scope in scopes {
            for (lsa, entry) in self.lsdb.scope(scope) {
                if !opaque && LsaType(lsa.ls_type).is_opaque() {
                    continue;
                }
                let key = DbKey::new(scope, *lsa);
                if entry.age(now) >= crate::wire::MAX_AGE && entry.is_max_age() {
                    dying.push(key);
                } else {
                    summary.insert(key);
                }
            }
        }
        if let Some(neighbor) = self.neighbor_mut(key) {
            neighbor.exchange.summary = summary;
        }
        for lsa in dying {
            self.queue_flood(now, key, lsa);
        }
    }

    pub(super) fn description_received(
        &mut self,
        now: Instant,
        key: NeighborKey,
        description: DatabaseDescription,
    ) -> Result<(), DropReason> {
        self.check_mtu(now, key, description.mtu)?;
        let state = self.neighbor(key).map_or(NeighborState::Down, |neighbor| neighbor.state);
        match state {
            NeighborState::Down | NeighborState::Attempt => Err(DropReason::NeighborState),
            NeighborState::Init => {
                // Section 10.6: a description proves that the neighbour hears us. The tunnel has proven who it is.
                self.two_way(now, key);
                match self.neighbor(key).map(|neighbor| neighbor.state) {
                    Some(NeighborState::ExStart) => self.negotiate(now, key, description),
                    Some(NeighborState::TwoWay) => self.defer_description(key, description),
                    _ => Err(DropReason::NeighborState),
                }
            }
            NeighborState::TwoWay => self.defer_description(key, description),
            NeighborState::ExStart => self.negotiate(now, key, description),
            NeighborState::Exchange => self.exchange_step(now, key, description),
            NeighborState::Loading | NeighborState::Full => self.late_description(now, key, &description),
        }
    }

    /// Nothing came back: say the last thing again.
    pub(super) fn repeat_exchange(&mut self, now: Instant, key: NeighborKey) {
        let Some(interface) = self.interfaces.get(key.0) else { return };
        let longest = interface.config.retransmit_interval;
        let first = self.config.timers.first_retransmit;
        let uneven = self.uneven();
        let Some(neighbor) = self.neighbor_mut(key) else { return };
        let state = neighbor.state;
        if !state.is_exchanging() {
            return;
        }
        let exchange = &mut neighbor.exchange;
        exchange.retransmissions = exchange.retransmissions.saturating_add(1);
        let count = exchange.retransmissions;
        let entries: Vec<_> = exchange.outstanding.iter().map(|lsa| RequestEntry::from(lsa.key)).collect();
        // A slave only answers; repeating is the master's part (section 10.8). In ExStart both claim to be master.
        let description =
            exchange.last_sent.clone().filter(|_| exchange.we_are_master && state < NeighborState::Loading);
        neighbor.queues.retransmissions += 1;
        neighbor.deadlines.exchange = Some(now + uneven.of(back_off(first, longest, count)));
        self.stats.retransmissions += 1;
        if let Some(description) = description {
            self.send_normal(key, key.1, PacketBody::DatabaseDescription(description));
        }
        if !entries.is_empty() {
            self.send_normal(key, key.1, PacketBody::LinkStateRequest(LsRequest { entries }));
        }
        self.tell_when_stuck(key, count);
    }

    fn tell_when_stuck(&mut self, key: NeighborKey, retransmissions: u32) {
        let Some(interface) = self.interfaces.get(key.0).map(|interface| interface.config.id) else { return };
        let Some(neighbor) = self.neighbor(key).filter(|neighbor| neighbor.state.is_exchanging()) else {
            return;
        };
        if retransmissions != STUCK_AFTER {
            return;
        }
        let mtu_suspected = neighbor.state != NeighborState::Loading;
        let router_id = neighbor.router_id;
        self.give_up_place(key);
        self.event(Event::ExchangeStuck {
            interface,
            address: key.1,
            router_id,
            retransmissions,
            mtu_suspected,
        });
    }

    /// Octets that a packet of this interface has for its body.
    pub(super) fn room(&self, now: Instant, index: usize) -> usize {
        let Some(interface) = self.interfaces.get(index) else { return 0 };
        let trailer = interface.config.authentication.trailer_len(now);
        usize::from(interface.config.mtu).saturating_sub(IP_HEADER_LEN + HEADER_LEN + trailer)
    }

    /// Where an LSA of this name lives, seen from an interface.
    pub(super) fn locate(&self, index: usize, key: crate::wire::LsaKey) -> Option<DbKey> {
        let interface = &self.interfaces.get(index)?.config;
        let scope = match LsaType(key.ls_type) {
            kind if kind.is_as_wide() => Scope::As,
            LsaType::OPAQUE_LINK => Scope::Link(interface.id),
            _ => Scope::Area(interface.area),
        };
        Some(DbKey::new(scope, key))
    }

    /// Section 10.6: a neighbour whose packets are larger than ours may be cannot be heard reliably.
    fn check_mtu(&mut self, now: Instant, key: NeighborKey, theirs: u16) -> Result<(), DropReason> {
        let config = &self.interfaces.get(key.0).ok_or(DropReason::UnknownInterface)?.config;
        if theirs <= config.mtu || config.mtu_ignore {
            return Ok(());
        }
        let values = (ParameterValue::Number(config.mtu.into()), ParameterValue::Number(theirs.into()));
        self.mismatch(now, key.0, key.1, Parameter::Mtu, values.0, values.1);
        Err(DropReason::Mtu)
    }

    /// The neighbour began while it has to wait for its turn: keep what it said.
    fn defer_description(
        &mut self,
        key: NeighborKey,
        description: DatabaseDescription,
    ) -> Result<(), DropReason> {
        match self.neighbor_mut(key) {
            Some(neighbor) if neighbor.waiting => {
                neighbor.exchange.deferred = Some(description);
                Ok(())
            }
            _ => Err(DropReason::NeighborState),
        }
    }

    /// ExStart: who is master?
    fn negotiate(
        &mut self,
        now: Instant,
        key: NeighborKey,
        description: DatabaseDescription,
    ) -> Result<(), DropReason> {
        let ours = self.config.router_id;
        let Some(neighbor) = self.neighbor_mut(key) else { return Err(DropReason::UnknownNeighbor) };
        let flags = description.flags;
        let all = DdFlags::INIT.union(DdFlags::MORE).union(DdFlags::MASTER);
        let opening = flags.contains(all) && description.headers.is_empty();
        let accepting = !flags.contains(DdFlags::INIT)
            && !flags.contains(DdFlags::MASTER)
            && description.sequence == neighbor.exchange.sequence;
        if opening && neighbor.router_id > ours {
            neighbor.exchange.we_are_master = false;
            neighbor.exchange.sequence = description.sequence;
        } else if opening {
            // Both begin by claiming to be master; ours decides.
            return Ok(());
        } else if !(accepting && neighbor.router_id < ours) {
            return Err(DropReason::NeighborState);
        }
        neighbor.options = description.options;
        let slave = !neighbor.exchange.we_are_master;
        neighbor.exchange.last_received = Some((flags, description.options, description.sequence));
        neighbor.exchange.retransmissions = 0;
        self.neighbor_event(now, key, NeighborEvent::NegotiationDone);
        if slave {
            if let Some(neighbor) = self.neighbor_mut(key) {
                neighbor.deadlines.exchange = None;
            }
            self.describe_more(now, key);
            Ok(())
        } else {
            self.take_description(now, key, &description)
        }
    }

    fn exchange_step(
        &mut self,
        now: Instant,
        key: NeighborKey,
        description: DatabaseDescription,
    ) -> Result<(), DropReason> {
        let Some(neighbor) = self.neighbor(key) else { return Err(DropReason::UnknownNeighbor) };
        let exchange = &neighbor.exchange;
        let this = (description.flags, description.options, description.sequence);
        if exchange.last_received == Some(this) {
            return self.duplicate_description(key);
        }
        let they_claim = description.flags.contains(DdFlags::MASTER);
        let expected =
            if exchange.we_are_master { exchange.sequence } else { exchange.sequence.wrapping_add(1) };
        let options_changed =
            exchange.last_received.is_some_and(|(_, options, _)| options != description.options);
        if they_claim == exchange.we_are_master
            || description.flags.contains(DdFlags::INIT)
            || options_changed
            || description.sequence != expected
        {
            self.restart_neighbor(now, key, NeighborEvent::SequenceMismatch, DownReason::SequenceMismatch);
            return Ok(());
        }
        if let Some(neighbor) = self.neighbor_mut(key) {
            neighbor.exchange.last_received = Some(this);
            neighbor.exchange.retransmissions = 0;
        }
        self.take_description(now, key, &description)
    }

    /// Loading and Full: only a repetition of the last one is in order.
    fn late_description(
        &mut self,
        now: Instant,
        key: NeighborKey,
        description: &DatabaseDescription,
    ) -> Result<(), DropReason> {
        let this = (description.flags, description.options, description.sequence);
        if self.neighbor(key).is_some_and(|neighbor| neighbor.exchange.last_received == Some(this)) {
            return self.duplicate_description(key);
        }
        self.restart_neighbor(now, key, NeighborEvent::SequenceMismatch, DownReason::SequenceMismatch);
        // A neighbour that begins anew need not wait for our opening to come back.
        if description.flags.contains(DdFlags::INIT)
            && self.neighbor(key).is_some_and(|neighbor| neighbor.state == NeighborState::ExStart)
        {
            return self.negotiate(now, key, description.clone());
        }
        Ok(())
    }

    fn duplicate_description(&mut self, key: NeighborKey) -> Result<(), DropReason> {
        let Some(neighbor) = self.neighbor_mut(key) else { return Err(DropReason::UnknownNeighbor) };
        if !neighbor.exchange.we_are_master {
            // A master that repeats itself does not accept our answer.
            neighbor.exchange.retransmissions = neighbor.exchange.retransmissions.saturating_add(1);
            let count = neighbor.exchange.retransmissions;
            let last = neighbor.exchange.last_sent.clone();
            if let Some(last) = last {
                self.send_normal(key, key.1, PacketBody::DatabaseDescription(last));
            }
            self.tell_when_stuck(key, count);
        }
        Err(DropReason::DuplicateDescription)
    }

    /// Notes what the neighbour has, and goes on with the exchange.
    fn take_description(
        &mut self,
        now: Instant,
        key: NeighborKey,
        description: &DatabaseDescription,
    ) -> Result<(), DropReason> {
        for header in &description.headers {
            if !self.is_acceptable_type(key.0, header.ls_type) {
                // Section 10.6: an unknown type, or an external in a stub area, ends the exchange.
                self.restart_neighbor(
                    now,
                    key,
                    NeighborEvent::SequenceMismatch,
                    DownReason::SequenceMismatch,
                );
                return Err(DropReason::LsaType);
            }
            self.compare_with_ours(now, key, header);
        }
        let more = description.flags.contains(DdFlags::MORE);
        let Some(neighbor) = self.neighbor_mut(key) else { return Err(DropReason::UnknownNeighbor) };
        let we_sent_all =
            neighbor.exchange.last_sent.as_ref().is_some_and(|sent| !sent.flags.contains(DdFlags::MORE));
        if neighbor.exchange.we_are_master {
            if !more && we_sent_all {
                self.exchange_done(now, key);
            } else {
                neighbor.exchange.sequence = neighbor.exchange.sequence.wrapping_add(1);
                self.describe_more(now, key);
            }
        } else {
            neighbor.exchange.sequence = description.sequence;
            self.describe_more(now, key);
            let done = self.neighbor(key).and_then(|neighbor| neighbor.exchange.last_sent.as_ref());
            if !more && done.is_some_and(|sent| !sent.flags.contains(DdFlags::MORE)) {
                self.exchange_done(now, key);
            }
        }
        self.request_more(now, key);
        Ok(())
    }

    fn exchange_done(&mut self, now: Instant, key: NeighborKey) {
        let Some(neighbor) = self.neighbor_mut(key) else { return };
        let requests = !neighbor.exchange.requests.is_empty();
        if neighbor.exchange.outstanding.is_empty() {
            neighbor.deadlines.exchange = None;
        }
        self.neighbor_event(now, key, NeighborEvent::ExchangeDone { requests });
    }

    fn compare_with_ours(&mut self, now: Instant, key: NeighborKey, header: &LsaHeader) {
        let Some(lsa) = self.locate(key.0, header.key()) else { return };
        let ours = self.lsdb.get(&lsa).map(|entry| entry.header(now));
        let wanted = ours.as_ref().is_none_or(|ours| header.compare_instance(ours).is_gt());
        let Some(neighbor) = self.neighbor_mut(key) else { return };
        if wanted {
            neighbor.exchange.requests.insert(lsa, *header);
        } else if ours.is_some_and(|ours| ours.compare_instance(header).is_eq()) {
            // RFC 5243: the neighbour has it already, so it need not be described.
            neighbor.exchange.summary.remove(&lsa);
        }
    }

    /// Sends the next description: as many headers as fit.
    fn describe_more(&mut self, now: Instant, key: NeighborKey) {
        let options = self.description_options(key.0);
        let mtu = self.interfaces.get(key.0).map_or(0, |interface| interface.config.mtu);
        let room = self.room(now, key.0).saturating_sub(DatabaseDescription::FIXED_LEN) / LSA_HEADER_LEN;
        let Some(interface) = self.interfaces.get_mut(key.0) else { return };
        let Some(neighbor) = interface.neighbors.get_mut(&key.1) else { return };
        let exchange = &mut neighbor.exchange;
        let mut headers = Vec::new();
        while headers.len() < room.max(1) {
            let Some(lsa) = exchange.summary.pop_first() else { break };
            if let Some(entry) = self.lsdb.get(&lsa) {
                headers.push(entry.header(now));
            }
        }
        let mut flags = DdFlags::default();
        if exchange.we_are_master {
            flags = flags.union(DdFlags::MASTER);
        }
        if !exchange.summary.is_empty() {
            flags = flags.union(DdFlags::MORE);
        }
        let sequence = exchange.sequence;
        self.send_description(now, key, DatabaseDescription { mtu, options, flags, sequence, headers });
    }

    fn send_description(&mut self, now: Instant, key: NeighborKey, description: DatabaseDescription) {
        let first = self.uneven().of(self.config.timers.first_retransmit);
        if let Some(neighbor) = self.neighbor_mut(key) {
            neighbor.exchange.last_sent = Some(description.clone());
            if neighbor.exchange.we_are_master {
                neighbor.deadlines.exchange = Some(now + first);
            }
        }
        self.send_normal(key, key.1, PacketBody::DatabaseDescription(description));
    }

    /// Descriptions say that opaque LSAs are welcome (RFC 5250 section 4.1).
    fn description_options(&self, index: usize) -> Options {
        self.options_of(index).union(Options::O)
    }
}
