//! The loop: the next event, the engine that it concerns, and everything that follows from it at once.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use super::host::{AppId, Effects, Endpoint};
use super::node::Router;
use super::{Network, NodeId};
use crate::{Delivery, Engine, Output, Path, Verdict};

/// What happens at some time.
pub(super) enum Due {
    /// A packet reaches a node.
    Arrive { to: NodeId, bytes: Vec<u8> },
    /// A router's timeout.
    Timer { node: NodeId },
    /// Somebody had an engine in hand: what it has to say is taken out.
    Drain { node: NodeId },
    /// An application has something to do.
    App(AppId),
    /// What the owner of the network wanted to do at that time.
    Action(Box<dyn FnOnce(&mut Network) + Send>),
}

/// What an engine is given.
pub(super) enum Work {
    /// An underlay packet without its outer headers.
    Wan(Path, Vec<u8>),
    /// A packet of a host on a LAN.
    Lan(Vec<u8>),
    /// A packet of the router itself.
    Local(Vec<u8>),
    /// A report of the underlay's MTU.
    Mtu(IpAddr, u16),
}

/// How many timeouts in a row at one instant make a stall.
const STALL: u32 = 1000;

impl Network {
    /// Runs everything that happens up to and at `time`, which the clock shows afterwards.
    pub fn run_until(&mut self, time: Duration) {
        while self.queue.next_at().is_some_and(|at| at <= time) {
            self.step();
        }
        self.now = self.now.max(time);
    }

    /// Runs for this long.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_until(self.now + duration);
    }

    /// Runs until the condition holds, for this long at most; the time since the network's start when it first held.
    /// It is looked at before the first event and after each one.
    pub fn run_until_condition(
        &mut self,
        limit: Duration,
        mut condition: impl FnMut(&Self) -> bool,
    ) -> Option<Duration> {
        let end = self.now + limit;
        loop {
            if condition(self) {
                return Some(self.now);
            }
            if self.queue.next_at().is_none_or(|at| at > end) {
                self.now = end;
                return None;
            }
            self.step();
        }
    }

    /// Runs until no packet is on its way and every application has finished, for this long at most. Engines still
    /// have timers then; a cloud is never quite idle.
    pub fn run_until_idle(&mut self, limit: Duration) -> Option<Duration> {
        self.run_until_condition(limit, |network| network.in_flight == 0 && network.hosts.all_finished())
    }

    /// Does something at a time from now on.
    pub fn at(&mut self, time: Duration, action: impl FnOnce(&mut Self) + Send + 'static) {
        self.queue.push(time.max(self.now), Due::Action(Box::new(action)));
    }

    fn step(&mut self) {
        let Some((at, due)) = self.queue.pop() else { return };
        self.now = self.now.max(at);
        match due {
            Due::Arrive { to, bytes } => self.arrive(to, bytes),
            Due::Timer { node } => self.timer(node, at),
            Due::Drain { node } => self.settle(node),
            Due::App(app) => self.wake(app),
            Due::Action(action) => action(self),
        }
    }

    /// Gives work to a router's engine, and does what follows: deliveries to hosts, their answers, output, timers.
    pub(super) fn feed(&mut self, node: NodeId, work: Work) {
        let mut pending = VecDeque::from([work]);
        while let Some(work) = pending.pop_front() {
            let Some((verdict, bytes)) = self.hand_over(node, work) else { return };
            match verdict {
                Verdict::Transmit(path) => self.send(node, &path, &bytes),
                Verdict::Deliver(Delivery::Local(_)) => {
                    self.count(node, |stats| &mut stats.delivered_local);
                    self.deliver(Endpoint { node, host: None }, &bytes, &mut pending);
                }
                Verdict::Deliver(Delivery::Lan) => self.deliver_lan(node, &bytes, &mut pending),
                Verdict::Consumed => {}
                Verdict::Dropped(reason) => {
                    self.count(node, |stats| stats.dropped.entry(reason).or_default());
                }
            }
            self.drain(node);
        }
        self.settle(node);
    }

    /// The engine's verdict and what it made of the packet; none if the router has crashed.
    fn hand_over(&mut self, node: NodeId, work: Work) -> Option<(Verdict, Vec<u8>)> {
        let (base, now) = (self.start, self.now);
        let packet = &mut self.scratch;
        let router = self.nodes.get_mut(node.index())?.router_mut()?;
        let now = base + router.clock_ahead + now;
        let engine = router.engine.as_mut()?;
        let stats = &mut router.stats;
        let verdict = match work {
            Work::Wan(path, bytes) => {
                stats.wan_in += 1;
                packet.fill(&bytes);
                engine.handle_wan(now, path, packet)
            }
            Work::Lan(bytes) => {
                stats.lan_in += 1;
                packet.fill(&bytes);
                engine.handle_lan(now, packet)
            }
            Work::Local(bytes) => {
                stats.local_in += 1;
                packet.fill(&bytes);
                engine.handle_local(now, packet)
            }
            Work::Mtu(remote, mtu) => {
                stats.mtu_reports += 1;
                engine.handle_underlay_mtu(now, remote, mtu);
                return Some((Verdict::Consumed, Vec::new()));
            }
        };
        Some((verdict, packet.bytes().to_vec()))
    }

    fn deliver_lan(&mut self, node: NodeId, bytes: &[u8], pending: &mut VecDeque<Work>) {
        self.count(node, |stats| &mut stats.delivered_lan);
        let Some(destination) = super::ipv4::parse(bytes).ok().map(|datagram| datagram.header.destination)
        else {
            self.hosts.stats.malformed += 1;
            return;
        };
        let host = self.node(node).router().and_then(|router| {
            let index = router.hosts.iter().position(|host| host.address == destination)?;
            u16::try_from(index).ok()
        });
        match host {
            Some(host) => self.deliver(Endpoint { node, host: Some(host) }, bytes, pending),
            None => self.count(node, |stats| &mut stats.no_such_host),
        }
    }

    fn deliver(&mut self, at: Endpoint, bytes: &[u8], pending: &mut VecDeque<Work>) {
        let sender = super::ipv4::parse(bytes).ok().map(|datagram| datagram.header.source);
        let outgoing = sender.and_then(|sender| self.source_towards(at, sender));
        let effects = self.hosts.receive(self.now, at, outgoing, bytes);
        pending.extend(self.apply(effects));
    }

    /// Sets applications' alarms; what is left is work for engines.
    fn apply(&mut self, effects: Effects) -> impl Iterator<Item = Work> + use<> {
        for (app, at) in effects.wakes {
            self.queue.push(at.max(self.now), Due::App(app));
        }
        // A host stack only ever sends from the place where it received.
        effects.packets.into_iter().map(|(from, bytes)| match from.host {
            Some(_) => Work::Lan(bytes),
            None => Work::Local(bytes),
        })
    }

    pub(super) fn wake(&mut self, app: AppId) {
        let Some((at, source, destination)) = self.hosts.route_of(app) else { return };
        let is_up = self.node(at.node).router().is_some_and(|router| router.engine.is_some());
        // A router that is down sends nothing; its hosts do not know and go on.
        let source = match at.host {
            None if !is_up => None,
            _ => source.or_else(|| self.source_towards(at, destination)),
        };
        let effects = self.hosts.wake(self.now, app, source);
        for work in self.apply(effects) {
            self.feed(at.node, work);
        }
    }

    /// The address with which a packet to `destination` leaves a place.
    fn source_towards(&self, at: Endpoint, destination: Ipv4Addr) -> Option<Ipv4Addr> {
        let router = self.node(at.node).router()?;
        match at.host {
            Some(host) => Some(router.hosts.get(usize::from(host))?.address),
            None => router.engine.as_ref()?.source_towards(destination),
        }
    }

    fn timer(&mut self, node: NodeId, at: Duration) {
        let (start, now) = (self.start, self.now);
        let Some(router) = self.node_mut(node).router_mut() else { return };
        if router.timer_at != Some(at) {
            return;
        }
        router.timer_at = None;
        let clock = start + router.clock_ahead + now;
        let Some(engine) = router.engine.as_mut() else { return };
        if engine.poll_timeout().is_some_and(|deadline| deadline <= clock) {
            router.stats.timeouts += 1;
            engine.handle_timeout(clock);
            router.last_timeout = match router.last_timeout {
                (last, count) if last == now => (now, count + 1),
                _ => (now, 1),
            };
        }
        self.settle(node);
    }

    /// Takes out what a router's engine has to say, and sets its alarm.
    pub(super) fn settle(&mut self, node: NodeId) {
        self.drain(node);
        if self.extra_timeouts {
            self.disturb(node);
        }
        let (start, now) = (self.start, self.now);
        let Some(router) = self.node_mut(node).router_mut() else { return };
        let Some(wanted) = deadline(router, start) else { return };
        let mut at = wanted.max(now);
        if at == now && router.last_timeout.0 == now && router.last_timeout.1 >= STALL {
            router.stats.stalls += 1;
            at = now + Duration::from_millis(1);
        }
        // An earlier entry stays: it finds out when it fires. So a deadline that moves later costs nothing.
        if router.timer_at.is_none_or(|pending| at < pending) {
            router.timer_at = Some(at);
            self.queue.push(at, Due::Timer { node });
        }
    }

    fn drain(&mut self, node: NodeId) {
        while let Some(output) = self.engine_of(node).and_then(Engine::poll_output) {
            self.carry_out(node, output);
        }
    }

    fn carry_out(&mut self, node: NodeId, output: Output) {
        match output {
            Output::Transmit { path, payload } => self.send(node, &path, &payload),
            Output::Event(event) => self.events.push((self.now, node, event)),
            Output::Action(action) => self.actions.push((self.now, node, action)),
            // Engines here move their packets themselves; with another plane asked for, this one loses them.
            Output::Control(_) => {}
            Output::ResolveName { name } => self.answer_name(node, name),
        }
    }

    /// The network's name service answers at once.
    fn answer_name(&mut self, node: NodeId, name: String) {
        let addresses = self.names.get(&name).cloned().unwrap_or_default();
        let now = self.clock(node);
        if let Some(engine) = self.engine_of(node) {
            engine.handle_command(now, crate::Command::NameResolved { name, addresses });
        }
    }

    /// Timeouts before their time change nothing and say nothing.
    fn disturb(&mut self, node: NodeId) {
        let (start, now) = (self.start, self.now);
        let Some(router) = self.node_mut(node).router_mut() else { return };
        let clock: Instant = start + router.clock_ahead + now;
        let Some(engine) = router.engine.as_mut() else { return };
        let before = engine.poll_timeout();
        if before.is_some_and(|deadline| deadline <= clock) {
            return;
        }
        engine.handle_timeout(clock);
        engine.handle_timeout(clock);
        let changed = engine.poll_timeout() != before;
        let output = engine.poll_output();
        if changed || output.is_some() {
            let name = self.node(node).name.clone();
            let what = if changed { "moved its deadline" } else { "made output" };
            self.violations.push((self.now, format!("{name}: a timeout before its time {what}")));
        }
        let Some(output) = output else { return };
        self.carry_out(node, output);
        self.drain(node);
    }

    fn engine_of(&mut self, node: NodeId) -> Option<&mut Engine> {
        self.nodes.get_mut(node.index())?.router_mut()?.engine.as_mut()
    }

    fn count<'a>(&'a mut self, node: NodeId, counter: impl FnOnce(&'a mut super::NodeStats) -> &'a mut u64) {
        if let Some(router) = self.nodes.get_mut(node.index()).and_then(|node| node.router_mut()) {
            *counter(&mut router.stats) += 1;
        }
    }
}

/// When a router wants to be woken, on the network's clock.
fn deadline(router: &Router, start: Instant) -> Option<Duration> {
    let wanted = router.engine.as_ref()?.poll_timeout()?;
    Some(wanted.saturating_duration_since(start + router.clock_ahead))
}
