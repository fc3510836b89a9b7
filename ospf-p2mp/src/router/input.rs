//! Inputs other than packets.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Instant;

use super::Router;
use super::state::TimerKey;
use crate::event::{DownReason, Event};
use crate::id::InterfaceId;
use crate::io::{Input, Redistribute};
use crate::neighbor::{Neighbor, NeighborEvent};
use crate::route::Direct;

impl Router {
    pub(super) fn dispatch(&mut self, now: Instant, input: Input<'_>) {
        if self.shut_down {
            if let Input::Packet { .. } = input {
                self.stats.drop(crate::stats::DropReason::ShutDown);
            }
            return;
        }
        match input {
            Input::Packet { interface, source, destination, ttl, payload } => {
                self.receive(now, interface, source, destination, ttl, payload);
            }
            Input::PeerUp { interface, address } => self.peer_up(now, interface, address),
            Input::PeerDown { interface, address } => self.peer_down(now, interface, address),
            Input::InterfaceUp { interface } => self.interface_up(now, interface),
            Input::InterfaceDown { interface } => self.interface_down(now, interface),
            Input::SetDirect { interface, gateway, state } => self.set_direct(interface, gateway, state),
            Input::Redistribute(Redistribute::Add(route)) => {
                self.redistributed.insert(route.prefix.trunc(), route);
                self.redistribution_changed = true;
            }
            Input::Redistribute(Redistribute::Remove(prefix)) => {
                self.redistribution_changed |= self.redistributed.remove(&prefix.trunc()).is_some();
            }
            Input::SetStubRouter(on) => self.set_stub_router(now, on),
            Input::Shutdown => self.shutdown(now),
        }
    }

    pub(super) fn set_stub_router(&mut self, now: Instant, on: bool) {
        self.timers.disarm(TimerKey::StubRouter);
        if self.stub_router != on {
            self.stub_router = on;
            self.schedule_all_router_lsas(now);
            self.redistribution_changed |= self.config.stub_router_externals.is_some();
        }
    }

    /// Makes an interface speak, or advertises it when it is a LAN.
    pub(super) fn start_interface(&mut self, now: Instant, index: usize) {
        let Some(interface) = self.interfaces.get_mut(index) else { return };
        interface.up = true;
        let area = interface.config.area;
        let greeted: BTreeSet<_> =
            interface.config.neighbors.iter().chain(&interface.announced).copied().collect();
        let active = interface.config.is_active();
        self.schedule_router_lsa(now, area);
        self.connected_changed(area);
        if !active {
            return;
        }
        for address in greeted {
            self.announce(now, index, address);
        }
        self.timers.arm(TimerKey::Interface(index), now);
    }

    fn interface_up(&mut self, now: Instant, id: InterfaceId) {
        let Some(&index) = self.interface_index.get(&id) else { return };
        if self.interfaces.get(index).is_some_and(|interface| !interface.up) {
            self.start_interface(now, index);
            self.event(Event::InterfaceUp { interface: id });
        }
    }

    fn interface_down(&mut self, now: Instant, id: InterfaceId) {
        let Some(&index) = self.interface_index.get(&id) else { return };
        if self.interfaces.get(index).is_some_and(|interface| interface.up) {
            self.stop_interface(now, index);
            self.event(Event::InterfaceDown { interface: id });
        }
    }

    /// Ends the neighbours of an interface and withdraws its prefix. Whoever was announced is greeted again when the
    /// interface comes back.
    pub(super) fn stop_interface(&mut self, now: Instant, index: usize) {
        let Some(interface) = self.interfaces.get_mut(index) else { return };
        interface.up = false;
        interface.next_hello = None;
        let area = interface.config.area;
        let addresses: Vec<_> = interface.neighbors.keys().copied().collect();
        for address in addresses {
            self.kill_neighbor(now, (index, address), DownReason::InterfaceDown);
            self.forget_neighbor((index, address));
        }
        self.outbox.urgent.retain(|outgoing| outgoing.interface != index);
        self.outbox.normal.retain(|outgoing| outgoing.interface != index);
        self.timers.disarm(TimerKey::Interface(index));
        self.schedule_router_lsa(now, area);
        self.connected_changed(area);
    }

    fn peer_up(&mut self, now: Instant, id: InterfaceId, address: Ipv4Addr) {
        let Some(&index) = self.interface_index.get(&id) else { return };
        let Some(interface) = self.interfaces.get_mut(index) else { return };
        if !interface.config.is_active() || address == interface.config.address {
            return;
        }
        interface.per_neighbor = true;
        interface.announced.insert(address);
        if interface.up {
            self.announce(now, index, address);
        }
    }

    pub(super) fn announce(&mut self, now: Instant, index: usize, address: Ipv4Addr) {
        let limit = self.config.limits.neighbors;
        let Some(interface) = self.interfaces.get_mut(index) else { return };
        if !interface.neighbors.contains_key(&address) && interface.neighbors.len() >= limit {
            self.stats.drop(crate::stats::DropReason::NeighborLimit);
            return;
        }
        let neighbor = interface.neighbors.entry(address).or_insert_with(|| Neighbor::new(address));
        neighbor.announced = true;
        neighbor.unanswered_hellos = 0;
        self.neighbor_event(now, (index, address), NeighborEvent::Start);
        self.send_hello(now, (index, address));
    }

    fn peer_down(&mut self, now: Instant, id: InterfaceId, address: Ipv4Addr) {
        let Some(&index) = self.interface_index.get(&id) else { return };
        let Some(interface) = self.interfaces.get_mut(index) else { return };
        interface.announced.remove(&address);
        // One with a `neighbor` line is greeted whether NHRP knows it or not.
        let configured = interface.config.neighbors.contains(&address);
        let key = (index, address);
        if let Some(neighbor) = self.neighbor_mut(key) {
            neighbor.announced = configured;
            self.kill_neighbor(now, key, DownReason::PeerDown);
        }
    }

    fn set_direct(&mut self, interface: InterfaceId, gateway: Ipv4Addr, state: Direct) {
        let key = (interface, gateway);
        let before = self.direct.get(&key).copied().unwrap_or_default();
        if before == state {
            return;
        }
        if state == Direct::Unknown {
            self.direct.remove(&key);
        } else {
            self.direct.insert(key, state);
        }
        let prefixes = self.book.by_gateway.get(&key).cloned().unwrap_or_default();
        for prefix in prefixes {
            if self.choose_gateways(&prefix) {
                self.book.pending.insert(prefix);
            }
        }
    }

    /// Withdraws what is ours and tells the neighbours that nobody is heard any more.
    fn shutdown(&mut self, now: Instant) {
        let keys: Vec<_> = self.own.keys().copied().collect();
        for key in keys {
            self.flush_own(now, &key);
        }
        for index in 0..self.interfaces.len() {
            let addresses: Vec<_> = match self.interfaces.get(index) {
                Some(interface) => interface.neighbors.keys().copied().collect(),
                None => continue,
            };
            for address in addresses {
                let key = (index, address);
                self.send_pending_floods_last(key);
                self.say_goodbye(now, key);
                self.kill_neighbor_after_sending(now, key, DownReason::Shutdown);
            }
        }
        let told = self.book.told.clone();
        self.book.pending.extend(told);
        self.shut_down = true;
        self.timers = Default::default();
    }
}
