//! A new configuration while the router runs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::Router;
use super::state::TimerKey;
use crate::config::{AreaKind, Config, ConfigError, InterfaceConfig, StubRouter};
use crate::id::{AreaId, InterfaceId};
use crate::lsdb::{DbKey, Scope};
use crate::wire::LsaType;

impl Router {
    /// Takes another configuration. Adjacencies stay wherever both sides can go on with them:
    ///
    /// - Cost, timers, authentication, MTU, next-hop mode, TTL security, prefix suppression, priority, static neighbours
    ///   and all settings of the process apply at once. What the neighbours must agree on (intervals, keys) ends
    ///   adjacencies only if they do not follow before the dead interval.
    /// - An interface with another address, prefix, area, network type or passivity begins anew, as do all interfaces of
    ///   an area that becomes a stub area or ceases to be one.
    /// - Interfaces may come and go. A new one is up if it is `initially_up`; one that stays keeps its state.
    /// - `sequence_base` is what it was at construction. A stub router's start-up time is not begun again.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the new configuration cannot run or has another router id. Everything stays as it was then.
    pub fn reconfigure(&mut self, now: Instant, config: Config) -> Result<(), ConfigError> {
        config.validate()?;
        if config.router_id != self.config.router_id {
            return Err(ConfigError::RouterIdChanged);
        }
        if self.shut_down {
            return Ok(());
        }
        self.now = self.now.max(now);
        let now = self.now;
        self.leave_removed_interfaces(now, &config);
        let other_areas = self.areas_of_another_kind(&config);
        let stub_router = (self.config.stub_router, config.stub_router);
        self.config = Config { sequence_base: self.config.sequence_base, ..config };
        for interface in self.config.interfaces.clone() {
            match self.interface_index.get(&interface.id).copied() {
                Some(index) => self.change_interface(now, index, interface, &other_areas),
                None => {
                    let index = self.add_interface(interface);
                    if self.interfaces.get(index).is_some_and(|interface| interface.up) {
                        self.start_interface(now, index);
                    }
                }
            }
        }
        self.forget_empty_areas();
        if stub_router.0 != stub_router.1 {
            self.set_stub_router(now, stub_router.1 == StubRouter::Always);
        }
        self.redistribution_changed = true;
        // Flags, options and costs: an LSA that says the same is not issued again.
        self.schedule_all_router_lsas(now);
        self.pending.areas.extend(self.areas.keys().copied());
        self.pending.everything = true;
        if !self.is_area_border() {
            self.withdraw_summaries(now);
        }
        self.settle(now);
        Ok(())
    }

    fn leave_removed_interfaces(&mut self, now: Instant, config: &Config) {
        let stays: BTreeSet<InterfaceId> = config.interfaces.iter().map(|interface| interface.id).collect();
        let gone: Vec<_> = self
            .interface_index
            .iter()
            .filter(|(id, _)| !stays.contains(id))
            .map(|(id, index)| (*id, *index))
            .collect();
        for (id, index) in gone {
            self.stop_interface(now, index);
            self.leave_area(index);
            self.drop_scope(Scope::Link(id));
            self.interface_index.remove(&id);
            self.direct.retain(|(interface, _), _| *interface != id);
            if let Some(interface) = self.interfaces.get_mut(index) {
                interface.in_use = false;
            }
        }
    }

    fn change_interface(
        &mut self,
        now: Instant,
        index: usize,
        new: InterfaceConfig,
        other_areas: &BTreeSet<AreaId>,
    ) {
        let Some(interface) = self.interfaces.get(index) else { return };
        let old = &interface.config;
        if *old == new && !other_areas.contains(&new.area) {
            return;
        }
        let anew = other_areas.contains(&new.area)
            || (old.address, old.prefix, old.area, old.network, old.passive)
                != (new.address, new.prefix, new.area, new.network, new.passive);
        if anew {
            let up = interface.up;
            if up {
                self.stop_interface(now, index);
            }
            self.leave_area(index);
            self.join_area(index, new.area);
            if let Some(interface) = self.interfaces.get_mut(index) {
                interface.set_config(new);
            }
            if up {
                self.start_interface(now, index);
            }
            return;
        }
        let faster = new.hello_interval < old.hello_interval;
        let greeted: Vec<_> =
            new.neighbors.iter().filter(|address| !old.neighbors.contains(address)).copied().collect();
        let (up, active) = (interface.up, new.is_active());
        let dropped: Vec<_> = old
            .neighbors
            .iter()
            .filter(|address| !new.neighbors.contains(address) && !interface.announced.contains(address))
            .copied()
            .collect();
        if let Some(interface) = self.interfaces.get_mut(index) {
            interface.set_config(new);
        }
        for address in dropped {
            // It stays as long as it speaks.
            if let Some(neighbor) = self.neighbor_mut((index, address)) {
                neighbor.announced = false;
            }
        }
        if up && active {
            for address in greeted {
                self.announce(now, index, address);
            }
            if faster {
                self.greet_soon(now, index);
            }
        }
    }

    /// The next Hellos were planned with a longer interval.
    fn greet_soon(&mut self, now: Instant, index: usize) {
        let Some(interface) = self.interfaces.get_mut(index) else { return };
        let addresses: Vec<_> = interface.neighbors.keys().copied().collect();
        if interface.next_hello.take().is_some() {
            self.timers.arm(TimerKey::Interface(index), now);
        }
        for address in addresses {
            if let Some(neighbor) = self.neighbor_mut((index, address))
                && let Some(at) = &mut neighbor.deadlines.hello
            {
                *at = now;
            }
        }
    }

    /// Areas that are described otherwise than before. Their kinds change here; their interfaces must begin anew, because
    /// Hellos say whether an area is a stub.
    fn areas_of_another_kind(&mut self, config: &Config) -> BTreeSet<AreaId> {
        let kinds: BTreeMap<AreaId, AreaKind> =
            config.areas.iter().map(|area| (area.id, area.kind)).collect();
        let mut changed = BTreeSet::new();
        for (id, area) in &mut self.areas {
            let kind = kinds.get(id).copied().unwrap_or_default();
            let was_stub = matches!(area.kind, AreaKind::Stub { .. });
            if was_stub != matches!(kind, AreaKind::Stub { .. }) {
                changed.insert(*id);
            }
            area.kind = kind;
        }
        changed
    }

    fn leave_area(&mut self, index: usize) {
        if let Some(area) = self.area_of(index).and_then(|area| self.areas.get_mut(&area)) {
            area.interfaces.retain(|interface| *interface != index);
        }
    }

    /// What an area said is nobody's business here when no interface is in it any more.
    fn forget_empty_areas(&mut self) {
        let empty: Vec<_> =
            self.areas.iter().filter(|(_, area)| area.interfaces.is_empty()).map(|(id, _)| *id).collect();
        for area in empty {
            self.drop_scope(Scope::Area(area));
            self.areas.remove(&area);
            self.pending.areas.remove(&area);
            self.rib.forget_area(area);
        }
    }

    /// Forgets all LSAs of a scope, without a word: nobody is left to hear it.
    fn drop_scope(&mut self, scope: Scope) {
        let keys: Vec<DbKey> = self.lsdb.scope(scope).map(|(key, _)| DbKey::new(scope, *key)).collect();
        for key in keys {
            self.timers.disarm(TimerKey::Lsa(key));
            self.dying.remove(&key);
            if let Some(old) = self.lsdb.remove(&key) {
                self.note_change(key, Some(&old));
            }
        }
        let own: Vec<DbKey> = self.own.keys().filter(|key| key.scope == scope).copied().collect();
        for key in own {
            self.timers.disarm(TimerKey::Own(key));
            self.own.remove(&key);
        }
    }

    /// This router joins no areas any more.
    fn withdraw_summaries(&mut self, now: Instant) {
        let summaries = [LsaType::SUMMARY.0, LsaType::ASBR_SUMMARY.0];
        let keys: Vec<_> =
            self.own.keys().filter(|key| summaries.contains(&key.key.ls_type)).copied().collect();
        for key in keys {
            self.set_own(now, key, None);
        }
    }
}
