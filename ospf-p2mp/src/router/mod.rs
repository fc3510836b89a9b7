//! The router: one value that owns all state of an OSPF process.

mod adjacency;
mod calculate;
mod exchange;
mod flood;
mod grace;
mod hello;
mod input;
mod originate;
mod receive;
mod reconfigure;
mod request;
mod send;
mod state;
mod summary;
mod timeout;
mod update;
mod views;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;
use std::time::Instant;

use ipnet::Ipv4Net;
use rand_core::CryptoRng;

use crate::config::{AreaKind, Config, ConfigError, InterfaceConfig, StubRouter};
use crate::event::Event;
use crate::id::{AreaId, InterfaceId};
use crate::io::{ExternalRoute, Input, Output};
use crate::lsdb::{DbKey, Lsdb};
use crate::neighbor::Neighbor;
use crate::rib::Rib;
use crate::route::{Direct, RouteChange};
use crate::stats::Stats;
use crate::timer::TimerQueue;

use state::{
    Area, Interface, NeighborKey, Outbox, OwnLsa, Pending, Random, RouteBook, TimerKey, Told, Uneven,
};

/// An OSPF router. See the [crate's front page](crate) for how to drive it.
#[derive(Debug)]
pub struct Router {
    config: Config,
    random: Random,
    started: Instant,
    /// The time of the last call; `poll_output` builds packets with it.
    now: Instant,
    interfaces: Vec<Interface>,
    interface_index: BTreeMap<InterfaceId, usize>,
    areas: BTreeMap<AreaId, Area>,
    lsdb: Lsdb,
    own: BTreeMap<DbKey, OwnLsa>,
    /// LSAs at MaxAge that wait for acknowledgements.
    dying: BTreeSet<DbKey>,
    /// Whether one of them may have become removable.
    sweep: bool,
    /// Places taken by neighbours that exchange databases and make progress.
    exchanging: usize,
    /// Those of them in Exchange or Loading: while there are any, LSAs at MaxAge stay (section 14).
    describing: usize,
    /// Neighbours in 2-Way that wait for a place among them.
    waiting: VecDeque<NeighborKey>,
    /// Neighbours whose deadlines may have moved forward in this call.
    touched: Vec<NeighborKey>,
    /// Neighbours whose graceful restart is helped (RFC 3623).
    helped: BTreeSet<NeighborKey>,
    timers: TimerQueue<TimerKey>,
    rib: Rib,
    pending: Pending,
    direct: BTreeMap<(InterfaceId, Ipv4Addr), Direct>,
    book: RouteBook,
    redistributed: BTreeMap<Ipv4Net, ExternalRoute>,
    redistribution_changed: bool,
    outbox: Outbox,
    told: Told,
    stats: Stats,
    stub_router: bool,
    shut_down: bool,
}

impl Router {
    /// Starts a router. Interfaces that are `initially_up` begin to speak: poll after this.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the configuration cannot run.
    pub fn new(
        config: Config,
        rng: impl CryptoRng + Send + 'static,
        now: Instant,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        let mut router = Self {
            random: Random(Box::new(rng)),
            started: now,
            now,
            interfaces: Vec::new(),
            interface_index: BTreeMap::new(),
            areas: BTreeMap::new(),
            lsdb: Lsdb::default(),
            own: BTreeMap::new(),
            dying: BTreeSet::new(),
            sweep: false,
            exchanging: 0,
            describing: 0,
            waiting: VecDeque::new(),
            touched: Vec::new(),
            helped: BTreeSet::new(),
            timers: TimerQueue::default(),
            rib: Rib::default(),
            pending: Pending::default(),
            direct: BTreeMap::new(),
            book: RouteBook::default(),
            redistributed: BTreeMap::new(),
            redistribution_changed: false,
            outbox: Outbox::default(),
            told: Told::default(),
            stats: Stats::default(),
            stub_router: config.stub_router != StubRouter::Never,
            shut_down: false,
            config,
        };
        if let StubRouter::OnStartup(time) = router.config.stub_router {
            router.timers.arm(TimerKey::StubRouter, now + time);
        }
        for interface in router.config.interfaces.clone() {
            router.add_interface(interface);
        }
        for index in 0..router.interfaces.len() {
            if router.interfaces.get(index).is_some_and(|interface| interface.up) {
                router.start_interface(now, index);
            }
        }
        router.settle(now);
        Ok(router)
    }

    /// Takes something that happened. Never fails: what a peer gets wrong is counted and perhaps told.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        self.now = self.now.max(now);
        let now = self.now;
        self.dispatch(now, input);
        self.settle(now);
    }

    /// Does what is due. Calling it early or twice does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = self.now.max(now);
        let now = self.now;
        // What fires now may arm something that is due now; the settled state has nothing due.
        while let Some(key) = self.timers.pop_due(now) {
            self.fire(now, key);
            self.settle(now);
        }
    }

    /// Hands out what is ready: packets (Hellos and acknowledgements first), then routes in the order of their
    /// prefixes, then events. Poll until `None` after each call of the other methods.
    pub fn poll_output(&mut self) -> Option<Output> {
        if let Some(packet) = self.next_packet() {
            return Some(packet);
        }
        if let Some(change) = self.next_route_change() {
            return Some(Output::Route(change));
        }
        self.outbox.events.pop_front().map(Output::Event)
    }

    /// When [`Router::handle_timeout`] wants to be called next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Counters.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The configuration in use.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Makes a place for an interface, which is not started. Places of interfaces that are gone are used again.
    fn add_interface(&mut self, interface: InterfaceConfig) -> usize {
        let free = self.interfaces.iter().position(|interface| !interface.in_use);
        let index = free.unwrap_or(self.interfaces.len());
        self.join_area(index, interface.area);
        self.interface_index.insert(interface.id, index);
        let interface = Interface::new(interface);
        match self.interfaces.get_mut(index) {
            Some(place) => *place = interface,
            None => self.interfaces.push(interface),
        }
        index
    }

    fn join_area(&mut self, interface: usize, id: AreaId) {
        let described = self.config.areas.iter().find(|area| area.id == id);
        let area = self.areas.entry(id).or_insert_with(|| Area {
            kind: described.map_or(AreaKind::Normal, |area| area.kind),
            interfaces: Vec::new(),
            adjacent: 0,
            full: 0,
            spf_runs: 0,
            ambiguous: Vec::new(),
        });
        area.interfaces.push(interface);
        area.interfaces.sort_unstable();
    }

    /// Brings everything into agreement after a call: who may exchange, what may be forgotten, when to wake up.
    fn settle(&mut self, now: Instant) {
        self.admit_waiting(now);
        if self.redistribution_changed {
            self.redistribution_changed = false;
            self.sync_externals(now);
        }
        if self.sweep {
            self.sweep = false;
            self.sweep_dying(now);
        }
        if !self.pending.is_empty() && !self.shut_down {
            let due = self.pending.throttle.request(now, &self.config.timers.spf);
            self.timers.arm(TimerKey::Spf, due);
        }
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        touched.dedup();
        for (interface, address) in touched.drain(..) {
            let earliest =
                self.neighbor((interface, address)).and_then(|neighbor| neighbor.deadlines.earliest());
            match earliest {
                Some(at) => self.timers.arm(TimerKey::Neighbor(interface, address), at),
                None => self.timers.disarm(TimerKey::Neighbor(interface, address)),
            }
        }
        self.touched = touched;
    }

    /// How much longer than planned the next wait before a repetition is.
    fn uneven(&mut self) -> Uneven {
        Uneven::draw(&mut self.random)
    }

    fn event(&mut self, event: Event) {
        self.outbox.events.push_back(event);
    }

    fn neighbor(&self, (interface, address): NeighborKey) -> Option<&Neighbor> {
        self.interfaces.get(interface)?.neighbors.get(&address)
    }

    /// The neighbour, for changes. Its deadlines are looked at when the call settles.
    fn neighbor_mut(&mut self, key: NeighborKey) -> Option<&mut Neighbor> {
        let neighbor = self.interfaces.get_mut(key.0)?.neighbors.get_mut(&key.1)?;
        self.touched.push(key);
        Some(neighbor)
    }

    fn area_of(&self, interface: usize) -> Option<AreaId> {
        self.interfaces.get(interface).map(|interface| interface.config.area)
    }

    fn next_route_change(&mut self) -> Option<RouteChange> {
        loop {
            let prefix = self.book.pending.pop_first()?;
            let told = self.book.told.contains(&prefix);
            match (self.visible_route(&prefix).cloned(), told) {
                (Some(route), true) => return Some(RouteChange::Replace(route)),
                (Some(route), false) => {
                    self.book.told.insert(prefix);
                    return Some(RouteChange::Add(route));
                }
                (None, true) => {
                    self.book.told.remove(&prefix);
                    return Some(RouteChange::Remove(prefix));
                }
                (None, false) => {}
            }
        }
    }
}
