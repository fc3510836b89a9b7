//! Hellos, in and out (RFC 2328 sections 9.5 and 10.5).

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use super::Router;
use super::state::{NeighborKey, TimerKey};
use crate::config::{AreaKind, NetworkType};
use crate::event::{DownReason, Parameter, ParameterValue};
use crate::io::ALL_SPF_ROUTERS;
use crate::neighbor::{Neighbor, NeighborEvent, NeighborState, back_off};
use crate::stats::DropReason;
use crate::wire::{HEADER_LEN, Hello, Options, PacketBody};

/// A neighbour that does not list us is answered at once, but not more often than this.
const ANSWER_AGAIN: Duration = Duration::from_millis(500);

/// A Hello that is not answered is repeated after this time, then after twice as long.
const FIRST_REPETITION: Duration = Duration::from_secs(1);

/// Octets of an IPv4 header.
pub(super) const IP_HEADER_LEN: usize = 20;

impl Router {
    pub(super) fn hello_received(
        &mut self,
        now: Instant,
        key: NeighborKey,
        router_id: Ipv4Addr,
        multicast: bool,
        hello: &Hello,
    ) -> Result<(), DropReason> {
        self.check_parameters(now, key, hello)?;
        self.check_router_id(now, key, router_id)?;
        let limit = self.config.limits.neighbors;
        let interface = self.interfaces.get_mut(key.0).ok_or(DropReason::UnknownInterface)?;
        if !interface.neighbors.contains_key(&key.1) && interface.neighbors.len() >= limit {
            return Err(DropReason::NeighborLimit);
        }
        interface.by_router_id.insert(router_id, key.1);
        let neighbor = interface.neighbors.entry(key.1).or_insert_with(|| Neighbor::new(key.1));
        neighbor.router_id = router_id;
        neighbor.priority = hello.priority;
        neighbor.options = Options(neighbor.options.0 & Options::O.0 | hello.options.0);
        neighbor.heard_multicast |= multicast;
        neighbor.heard_unicast |= !multicast;
        let before = neighbor.state;
        if before < NeighborState::Init {
            // It lives, so what we say now is worth repeating soon.
            neighbor.unanswered_hellos = 0;
        }
        self.proof_of_life(now, key);
        self.neighbor_event(now, key, NeighborEvent::HelloReceived);
        let lists_us = hello.neighbors.contains(&self.config.router_id);
        if lists_us {
            self.two_way(now, key);
        } else if before >= NeighborState::TwoWay && !self.is_helped(now, key) {
            self.restart_neighbor(now, key, NeighborEvent::OneWayReceived, DownReason::OneWay);
        }
        // A neighbour that is new, or that does not know that we hear it, should not wait for the next interval.
        let is_new = before < NeighborState::Init;
        let lost_us = !lists_us
            && (before >= NeighborState::TwoWay
                || self.neighbor(key).is_some_and(|neighbor| {
                    neighbor
                        .last_hello_sent
                        .is_none_or(|sent| now.saturating_duration_since(sent) >= ANSWER_AGAIN)
                }));
        if is_new || lost_us {
            self.answer_hello(now, key);
        }
        Ok(())
    }

    /// A Hello to one neighbour, in the manner it listens to. It lists nobody but that neighbour: each copy goes to
    /// one peer, and so its size does not grow with their number.
    pub(super) fn send_hello(&mut self, now: Instant, key: NeighborKey) {
        let Some(interface) = self.interfaces.get(key.0) else { return };
        let NetworkType::PointToMultipoint { non_broadcast } = interface.config.network else { return };
        let Some(neighbor) = interface.neighbors.get(&key.1) else { return };
        let (multicast, unicast) = neighbor.hello_modes(non_broadcast);
        let hello = self.hello_for(key);
        if multicast {
            self.send_urgent(key, ALL_SPF_ROUTERS, PacketBody::Hello(hello.clone()));
        }
        if unicast {
            self.send_urgent(key, key.1, PacketBody::Hello(hello));
        }
        let wait = self.next_hello(key);
        if let Some(neighbor) = self.neighbor_mut(key) {
            neighbor.last_hello_sent = Some(now);
            neighbor.deadlines.hello = Some(now + wait);
        }
    }

    /// The answer to a neighbour that is new or lost us: unicast, as IOS does it, because it surely has the address.
    fn answer_hello(&mut self, now: Instant, key: NeighborKey) {
        let hello = self.hello_for(key);
        self.send_urgent(key, key.1, PacketBody::Hello(hello));
        let wait = self.next_hello(key);
        let per_neighbor = self.interfaces.get(key.0).is_some_and(|interface| interface.per_neighbor);
        if let Some(neighbor) = self.neighbor_mut(key) {
            neighbor.last_hello_sent = Some(now);
            if per_neighbor {
                neighbor.deadlines.hello = Some(now + wait);
            }
        }
    }

    /// A Hello without anybody in it: the neighbour sees at once that we are gone.
    pub(super) fn say_goodbye(&mut self, _now: Instant, key: NeighborKey) {
        let mut hello = self.hello_for(key);
        hello.neighbors.clear();
        self.send_normal(key, key.1, PacketBody::Hello(hello));
    }

    /// The periodic Hello to everybody, while peers are not announced one by one.
    pub(super) fn interface_hello(&mut self, now: Instant, index: usize) {
        let Some(interface) = self.interfaces.get(index) else { return };
        let NetworkType::PointToMultipoint { non_broadcast } = interface.config.network else { return };
        if !interface.up || interface.per_neighbor || non_broadcast {
            // Each neighbour has its own deadline then. The ones known so far start now.
            let silent: Vec<_> = interface
                .neighbors
                .values()
                .filter(|neighbor| neighbor.deadlines.hello.is_none())
                .map(|neighbor| neighbor.address)
                .collect();
            for address in silent {
                self.send_hello(now, (index, address));
            }
            return;
        }
        let mut hello = self.empty_hello(index);
        let room = usize::from(interface.config.mtu)
            .saturating_sub(IP_HEADER_LEN + HEADER_LEN + Hello::FIXED_LEN)
            .saturating_sub(interface.config.authentication.trailer_len(now));
        let heard = interface.neighbors.values().filter(|neighbor| neighbor.state >= NeighborState::Init);
        hello.neighbors = heard.map(|neighbor| neighbor.router_id).collect();
        let unicast: Vec<_> = interface
            .neighbors
            .values()
            .filter(|neighbor| neighbor.heard_unicast && !neighbor.heard_multicast)
            .map(|neighbor| neighbor.address)
            .collect();
        if hello.neighbors.len() * 4 > room {
            // The list does not fit. A shorter one would cut off those left out, so each gets its own from now on.
            if let Some(interface) = self.interfaces.get_mut(index) {
                interface.per_neighbor = true;
            }
            self.interface_hello(now, index);
            return;
        }
        self.send_to_all(index, PacketBody::Hello(hello));
        for address in unicast {
            let hello = self.hello_for((index, address));
            self.send_urgent((index, address), address, PacketBody::Hello(hello));
        }
        let wait = self.hello_wait(index);
        if let Some(interface) = self.interfaces.get_mut(index) {
            interface.next_hello = Some(now + wait);
        }
        self.timers.arm(TimerKey::Interface(index), now + wait);
    }

    /// Section 10.5: mask, intervals, E bit. The designated router fields mean nothing here (erratum 4022), but
    /// they betray another network type.
    ///
    /// A host mask on either side fits every mask, which the RFC does not say: FRR's nhrpd wants its multipoint tunnel
    /// to have a /32 while the rest of the cloud has the cloud's prefix. Nothing depends on the mask here, because
    /// point-to-multipoint advertises host routes for the cloud (section 12.4.1.4).
    fn check_parameters(&mut self, now: Instant, key: NeighborKey, hello: &Hello) -> Result<(), DropReason> {
        let (index, source) = key;
        if self.interfaces.get(index).is_none() {
            return Err(DropReason::UnknownInterface);
        }
        let ours = self.empty_hello(index);
        let number = |value: u32| ParameterValue::Number(value);
        let is_host = ours.mask.is_broadcast() || hello.mask.is_broadcast();
        let wrong = if hello.mask != ours.mask && !is_host {
            let values = (ParameterValue::Address(ours.mask), ParameterValue::Address(hello.mask));
            Some((Parameter::Mask, values, DropReason::Mask))
        } else if hello.hello_interval != ours.hello_interval {
            let values = (number(ours.hello_interval.into()), number(hello.hello_interval.into()));
            Some((Parameter::HelloInterval, values, DropReason::HelloInterval))
        } else if hello.dead_interval != ours.dead_interval {
            let values = (number(ours.dead_interval), number(hello.dead_interval));
            Some((Parameter::DeadInterval, values, DropReason::DeadInterval))
        } else if hello.options.contains(Options::E) != ours.options.contains(Options::E) {
            let flag = |options: Options| number(options.contains(Options::E).into());
            let values = (flag(ours.options), flag(hello.options));
            Some((Parameter::StubArea, values, DropReason::StubArea))
        } else {
            None
        };
        if let Some((parameter, (ours, theirs), reason)) = wrong {
            self.mismatch(now, index, source, parameter, ours, theirs);
            return Err(reason);
        }
        let elected = [hello.designated_router, hello.backup_designated_router];
        if let Some(router) = elected.into_iter().find(|router| !router.is_unspecified()) {
            let ours = ParameterValue::Address(Ipv4Addr::UNSPECIFIED);
            self.mismatch(now, index, source, Parameter::NetworkType, ours, ParameterValue::Address(router));
        }
        Ok(())
    }

    /// One address has one router id, and one router id has one address on a cloud.
    fn check_router_id(
        &mut self,
        now: Instant,
        key: NeighborKey,
        router_id: Ipv4Addr,
    ) -> Result<(), DropReason> {
        let changed = self
            .neighbor(key)
            .is_some_and(|neighbor| !neighbor.router_id.is_unspecified() && neighbor.router_id != router_id);
        if changed {
            self.kill_neighbor(now, key, DownReason::RouterIdChanged);
        }
        let interface = self.interfaces.get(key.0).ok_or(DropReason::UnknownInterface)?;
        let other = interface.by_router_id.get(&router_id).copied().filter(|address| *address != key.1);
        let Some(other) = other else { return Ok(()) };
        let quiet_after =
            interface.config.dead_interval.saturating_sub(interface.config.hello_interval * 3 / 2);
        let alive = interface.neighbors.get(&other).is_some_and(|neighbor| {
            neighbor.router_id == router_id
                && neighbor.state >= NeighborState::Init
                && neighbor.deadlines.dead.is_some_and(|dead| dead > now + quiet_after)
        });
        if alive {
            self.duplicate_router_id(now, Some(key.0), Some(key.1), router_id);
            return Err(DropReason::RouterId);
        }
        // The router moved to another address: the old one is only a memory.
        self.kill_neighbor(now, (key.0, other), DownReason::RouterIdChanged);
        Ok(())
    }

    fn hello_for(&self, key: NeighborKey) -> Hello {
        let mut hello = self.empty_hello(key.0);
        if let Some(neighbor) = self.neighbor(key)
            && neighbor.state >= NeighborState::Init
        {
            hello.neighbors.push(neighbor.router_id);
        }
        hello
    }

    fn empty_hello(&self, index: usize) -> Hello {
        let interface = self.interfaces.get(index).map(|interface| &interface.config);
        let seconds = |time: Option<Duration>| time.map_or(0, |time| time.as_secs());
        Hello {
            mask: interface.map_or(Ipv4Addr::UNSPECIFIED, |interface| interface.prefix.netmask()),
            hello_interval: u16::try_from(seconds(interface.map(|interface| interface.hello_interval)))
                .unwrap_or(u16::MAX),
            options: self.options_of(index),
            priority: interface.map_or(0, |interface| interface.priority),
            dead_interval: u32::try_from(seconds(interface.map(|interface| interface.dead_interval)))
                .unwrap_or(u32::MAX),
            designated_router: Ipv4Addr::UNSPECIFIED,
            backup_designated_router: Ipv4Addr::UNSPECIFIED,
            neighbors: Vec::new(),
        }
    }

    /// The options of Hellos on an interface: the E bit outside of stub areas.
    pub(super) fn options_of(&self, index: usize) -> Options {
        let kind = self.area_of(index).and_then(|area| self.areas.get(&area)).map(|area| area.kind);
        if matches!(kind, Some(AreaKind::Stub { .. })) { Options::default() } else { Options::E }
    }

    /// When a neighbour gets its next Hello. One that does not hear us yet gets them after one, two, four seconds and
    /// so on up to the interval: the first may be lost while the tunnel is being set up, and a whole interval is long.
    fn next_hello(&mut self, key: NeighborKey) -> Duration {
        let interval = self.hello_wait(key.0);
        match self.neighbor_mut(key) {
            Some(neighbor) if neighbor.state < NeighborState::TwoWay => {
                let attempts = neighbor.unanswered_hellos;
                neighbor.unanswered_hellos = attempts.saturating_add(1);
                back_off(FIRST_REPETITION, interval, attempts).min(interval)
            }
            Some(neighbor) => {
                neighbor.unanswered_hellos = 0;
                interval
            }
            None => interval,
        }
    }

    /// The hello interval, up to a tenth shorter, so that a thousand neighbours do not come in step.
    fn hello_wait(&mut self, index: usize) -> Duration {
        let interval =
            self.interfaces.get(index).map_or(Duration::ZERO, |interface| interface.config.hello_interval);
        let tenth = u32::try_from((interval / 10).as_millis()).unwrap_or(u32::MAX);
        interval - Duration::from_millis(self.random.below(tenth).into())
    }
}
