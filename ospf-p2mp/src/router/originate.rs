//! Our own LSAs (RFC 2328 sections 12.4, 12.1.6 and 14.1).

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Router;
use super::state::{NeighborKey, TimerKey};
use crate::config::{AreaKind, NetworkType};
use crate::event::Event;
use crate::id::AreaId;
use crate::lsdb::{DbKey, Scope};
use crate::wire::{
    INITIAL_SEQUENCE, Lsa, LsaBody, LsaKey, LsaType, MAX_LINK_METRIC, MAX_SEQUENCE, Options, RouterFlags,
    RouterLink, RouterLsa,
};

/// LSRefreshTime. Later would be too late for routers that miss one instance.
const LONGEST_REFRESH: Duration = Duration::from_secs(1800);

impl Router {
    /// Something that our Router-LSA of an area says has changed.
    pub(super) fn schedule_router_lsa(&mut self, now: Instant, area: AreaId) {
        let key = self.router_lsa_key(area);
        let own = self.own.entry(key).or_default();
        let due = own.throttle.request(now, &self.config.timers.lsa);
        self.timers.arm(TimerKey::Own(key), due);
    }

    /// The same because of an adjacency: it also ends the wait after a restart.
    pub(super) fn adjacency_schedules_router_lsa(&mut self, now: Instant, area: AreaId) {
        let key = self.router_lsa_key(area);
        let own = self.own.entry(key).or_default();
        let config = &self.config.timers.lsa;
        if own.throttle.due().is_some_and(|due| due > now + config.max) || own.force {
            own.throttle.cancel();
        }
        self.schedule_router_lsa(now, area);
    }

    pub(super) fn schedule_all_router_lsas(&mut self, now: Instant) {
        let areas: Vec<_> = self.areas.keys().copied().collect();
        for area in areas {
            self.schedule_router_lsa(now, area);
        }
    }

    /// Says what one of our LSAs should contain; `None` withdraws it.
    pub(super) fn set_own(&mut self, now: Instant, key: DbKey, desired: Option<(Options, Bytes)>) {
        if desired.is_none() && !self.own.contains_key(&key) {
            return;
        }
        let own = self.own.entry(key).or_default();
        if own.desired == desired && !own.force {
            return;
        }
        own.desired = desired;
        let due = own.throttle.request(now, &self.config.timers.lsa);
        self.timers.arm(TimerKey::Own(key), due);
    }

    /// A copy of ours that we did not issue is around: issue a newer one, or withdraw it.
    pub(super) fn outbid(&mut self, now: Instant, key: &DbKey) {
        let full = self.areas.values().any(|area| area.full > 0);
        let hold = self.config.timers.resync_hold;
        let own = self.own.entry(*key).or_default();
        own.force = true;
        let due = if full {
            own.throttle.request(now, &self.config.timers.lsa)
        } else {
            // A copy of our previous life: wait for the first adjacency, see `self_originated_received`.
            own.throttle.cancel();
            own.throttle.request_at(now + hold)
        };
        self.timers.disarm(TimerKey::Own(*key));
        self.timers.arm(TimerKey::Own(*key), due);
    }

    /// The timer of one of our LSAs fired.
    pub(super) fn own_due(&mut self, now: Instant, key: DbKey) {
        let is_router = LsaType(key.key.ls_type) == LsaType::ROUTER;
        let Some(own) = self.own.get(&key) else { return };
        let refresh = own.refresh_at.is_some_and(|at| at <= now);
        if !own.throttle.is_due(now) && !refresh {
            let next = [own.throttle.due(), own.refresh_at].into_iter().flatten().min();
            if let Some(at) = next {
                self.timers.arm(TimerKey::Own(key), at);
            }
            return;
        }
        if is_router && let Scope::Area(area) = key.scope {
            let desired = self.build_router_lsa(now, area);
            if let Some(own) = self.own.get_mut(&key) {
                own.desired = desired;
            }
        }
        self.issue(now, key, refresh);
    }

    /// Withdraws one of our LSAs now (premature ageing, section 14.1).
    pub(super) fn flush_own(&mut self, now: Instant, key: &DbKey) {
        if let Some(own) = self.own.get_mut(key) {
            own.desired = None;
            own.refresh_at = None;
            own.throttle.cancel();
        }
        self.timers.disarm(TimerKey::Own(*key));
        match self.lsdb.get(key) {
            Some(entry) if !entry.is_max_age() => self.age_out(now, key),
            Some(_) => {}
            None => {
                self.own.remove(key);
            }
        }
    }

    /// A flushed LSA of ours has left the database: begin again if the numbers were used up.
    pub(super) fn own_gone(&mut self, now: Instant, key: &DbKey) {
        let Some(own) = self.own.get_mut(key) else { return };
        if own.wrapping {
            own.wrapping = false;
            own.force = true;
            self.issue(now, *key, true);
        } else if own.desired.is_none() {
            self.own.remove(key);
            self.timers.disarm(TimerKey::Own(*key));
        }
    }

    fn issue(&mut self, now: Instant, key: DbKey, refresh: bool) {
        let throttle = self.config.timers.lsa;
        let Some(own) = self.own.get_mut(&key) else { return };
        own.throttle.ran(now, &throttle);
        let force = std::mem::take(&mut own.force) || refresh;
        let Some((options, body)) = own.desired.clone() else {
            self.flush_own(now, &key);
            return;
        };
        let current = self.lsdb.get(&key);
        let same = current.is_some_and(|entry| {
            !entry.is_max_age() && entry.lsa.body == body && entry.lsa.header.options == options
        });
        if same && !force {
            self.arm_refresh(key);
            return;
        }
        let sequence = match current.map(|entry| entry.lsa.header.sequence) {
            None => INITIAL_SEQUENCE,
            Some(MAX_SEQUENCE) => {
                own.wrapping = true;
                if current.is_some_and(|entry| !entry.is_max_age()) {
                    self.age_out(now, &key);
                }
                return;
            }
            Some(sequence) => sequence + 1,
        };
        let Ok(lsa) = Lsa::new(key.key, options, sequence, body) else {
            // The old instance stays; admission keeps this from happening through adjacencies.
            if let Scope::Area(area) = key.scope {
                let links = self.areas.get(&area).map_or(0, |area| area.adjacent);
                self.event(Event::RouterLsaTooLarge { area, address: self.config.router_id, links });
            }
            return;
        };
        let Ok(body) = lsa.decode_body() else { return };
        let jitter = Duration::from_secs(self.random.below(60).into());
        if let Some(own) = self.own.get_mut(&key) {
            let refresh = self.config.timers.refresh.min(LONGEST_REFRESH);
            own.refresh_at = Some(now + refresh.saturating_sub(jitter));
        }
        self.arm_refresh(key);
        self.stats.originated += 1;
        self.install(now, key, lsa, body, None);
    }

    fn arm_refresh(&mut self, key: DbKey) {
        if let Some(at) = self.own.get(&key).and_then(|own| own.refresh_at) {
            self.timers.arm(TimerKey::Own(key), at);
        }
    }

    pub(super) fn router_lsa_key(&self, area: AreaId) -> DbKey {
        let id = self.config.router_id;
        DbKey::new(Scope::Area(area), LsaKey::new(LsaType::ROUTER.0, id, id))
    }

    /// The options of our LSAs in an area.
    pub(super) fn lsa_options(&self, area: AreaId) -> Options {
        match self.areas.get(&area).map(|area| area.kind) {
            Some(AreaKind::Stub { .. }) => Options::default(),
            _ => Options::E,
        }
    }

    /// Section 12.4.1, with 12.4.1.4 for point-to-multipoint: our address as a host route of cost 0 and a link to
    /// each Full neighbour.
    fn build_router_lsa(&self, now: Instant, area: AreaId) -> Option<(Options, Bytes)> {
        let interfaces = &self.areas.get(&area)?.interfaces;
        let mut lsa = RouterLsa::default();
        if self.is_area_border() {
            lsa.flags = lsa.flags.union(RouterFlags::B);
        }
        if !self.redistributed.is_empty() {
            lsa.flags = lsa.flags.union(RouterFlags::E);
        }
        for &index in interfaces {
            let Some(interface) = self.interfaces.get(index).filter(|interface| interface.up) else {
                continue;
            };
            let config = &interface.config;
            let speaks = config.is_active();
            match config.network {
                NetworkType::PointToMultipoint { .. } if speaks => {
                    if !config.prefix_suppression {
                        lsa.links.push(RouterLink::stub(config.address.into(), 0));
                    }
                    // RFC 6987: links that others could use for transit get the largest metric.
                    let cost = |neighbor: Ipv4Addr| match config.neighbor_costs.get(&neighbor) {
                        _ if self.stub_router => MAX_LINK_METRIC,
                        Some(cost) => *cost,
                        None => config.cost,
                    };
                    let full = interface.neighbors.values().filter(|neighbor| {
                        neighbor.is_full() || neighbor.grace_until.is_some_and(|until| until > now)
                    });
                    lsa.links.extend(full.map(|neighbor| {
                        RouterLink::point_to_point(neighbor.router_id, config.address, cost(neighbor.address))
                    }));
                }
                _ => {
                    let most = self.stub_router && self.config.stub_router_stubs;
                    let cost = if most { MAX_LINK_METRIC } else { config.cost };
                    lsa.links.push(RouterLink::stub(config.prefix.trunc(), cost));
                }
            }
        }
        Some((self.lsa_options(area), LsaBody::Router(lsa).encode()))
    }

    /// Whether RFC 3623 makes us pretend that a restarting neighbour is still there.
    pub(super) fn is_helped(&self, now: Instant, key: NeighborKey) -> bool {
        self.neighbor(key).is_some_and(|neighbor| neighbor.grace_until.is_some_and(|until| until > now))
    }

    pub(super) fn is_area_border(&self) -> bool {
        self.areas.len() > 1 && self.areas.contains_key(&AreaId::BACKBONE)
    }
}
