//! The host stacks of one router, for whoever drives an engine without a [`Network`](crate::sim::Network).

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use super::{
    AppId, Effects, Endpoint, HostStats, Hosts, PingConfig, PingId, PingReport, TracerouteConfig,
    TracerouteId, TracerouteReport,
};
use crate::sim::{NodeId, ipv4};
use crate::{Delivery, Engine};

/// The stacks of a router's own addresses and of hosts on its LANs: they answer echo requests, and ping and trace when
/// asked to.
///
/// It works like an engine: what the engine delivers goes in with [`RouterHosts::deliver`], time with
/// [`RouterHosts::handle_timeout`]; the packets that come out are to be given to the engine.
#[derive(Debug)]
pub struct RouterHosts {
    hosts: Hosts,
    lan: Vec<Ipv4Addr>,
    started: Instant,
    alarms: BTreeSet<(Duration, AppId)>,
    pending: BTreeMap<AppId, Duration>,
    stray: u64,
}

/// A packet that a stack sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPacket {
    /// Whether it comes from a LAN ([`Engine::handle_lan`]), rather than from the router itself
    /// ([`Engine::handle_local`]).
    pub from_lan: bool,
    /// The whole IPv4 packet.
    pub bytes: Vec<u8>,
}

/// All stacks belong to one router.
const ROUTER: NodeId = NodeId::ONLY;

impl RouterHosts {
    /// A router that has hosts with these addresses on its LANs.
    #[must_use]
    pub fn new(now: Instant, lan: Vec<Ipv4Addr>) -> Self {
        Self {
            hosts: Hosts::default(),
            lan,
            started: now,
            alarms: BTreeSet::new(),
            pending: BTreeMap::new(),
            stray: 0,
        }
    }

    /// The addresses of the hosts on the LANs.
    #[must_use]
    pub fn lan(&self) -> &[Ipv4Addr] {
        &self.lan
    }

    /// What the stacks saw, and how many packets were for a host that is not there.
    #[must_use]
    pub fn stats(&self) -> (HostStats, u64) {
        (self.hosts.stats, self.stray)
    }

    /// Starts a ping: from the host that has the source address, else from the router. It begins with the next timeout,
    /// which is due at once.
    pub fn ping(&mut self, now: Instant, config: PingConfig) -> PingId {
        let at = self.place(config.source);
        let now = self.since_start(now);
        let id = self.hosts.ping(now, at, config);
        self.alarm(id.0, now);
        id
    }

    /// Starts a traceroute, likewise.
    pub fn traceroute(&mut self, now: Instant, config: TracerouteConfig) -> TracerouteId {
        let at = self.place(config.source);
        let now = self.since_start(now);
        let id = self.hosts.traceroute(now, at, config);
        self.alarm(id.0, now);
        id
    }

    /// How a ping goes.
    #[must_use]
    pub fn ping_report(&self, id: PingId) -> Option<&PingReport> {
        self.hosts.ping_report(id)
    }

    /// How a traceroute goes.
    #[must_use]
    pub fn traceroute_report(&self, id: TracerouteId) -> Option<&TracerouteReport> {
        self.hosts.traceroute_report(id)
    }

    /// When [`RouterHosts::handle_timeout`] is wanted next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.alarms.first().map(|(at, _)| self.started + *at)
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, engine: &Engine, now: Instant) -> Vec<HostPacket> {
        let now = self.since_start(now);
        let mut sent = Vec::new();
        while let Some((at, app)) = self.alarms.first().copied().filter(|(at, _)| *at <= now) {
            self.alarms.remove(&(at, app));
            self.pending.remove(&app);
            let Some((place, source, destination)) = self.hosts.route_of(app) else { continue };
            let source = source.or_else(|| self.source(engine, place, destination));
            // The stack knows its alarm by its time.
            let effects = self.hosts.wake(at, app, source);
            self.apply(effects, &mut sent);
        }
        sent
    }

    /// A packet that the engine delivers; the answers, if there are any.
    pub fn deliver(
        &mut self,
        engine: &Engine,
        now: Instant,
        delivery: Delivery,
        bytes: &[u8],
    ) -> Vec<HostPacket> {
        let mut sent = Vec::new();
        let Ok(header) = ipv4::parse(bytes).map(|datagram| datagram.header) else { return sent };
        let host = self.lan.iter().position(|address| *address == header.destination);
        let at = match (delivery, host) {
            (_, Some(host)) => Endpoint { node: ROUTER, host: u16::try_from(host).ok() },
            (Delivery::Local(_), None) => Endpoint { node: ROUTER, host: None },
            (Delivery::Lan, None) => {
                self.stray += 1;
                return sent;
            }
        };
        let outgoing = self.source(engine, at, header.source);
        let now = self.since_start(now);
        let effects = self.hosts.receive(now, at, outgoing, bytes);
        self.apply(effects, &mut sent);
        sent
    }

    fn since_start(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.started)
    }

    fn place(&self, source: Option<Ipv4Addr>) -> Endpoint {
        let host = source.and_then(|source| self.lan.iter().position(|address| *address == source));
        Endpoint { node: ROUTER, host: host.and_then(|host| u16::try_from(host).ok()) }
    }

    fn source(&self, engine: &Engine, at: Endpoint, destination: Ipv4Addr) -> Option<Ipv4Addr> {
        match at.host {
            Some(host) => self.lan.get(usize::from(host)).copied(),
            None => engine.source_towards(destination),
        }
    }

    fn alarm(&mut self, app: AppId, at: Duration) {
        if let Some(old) = self.pending.insert(app, at) {
            self.alarms.remove(&(old, app));
        }
        self.alarms.insert((at, app));
    }

    fn apply(&mut self, effects: Effects, sent: &mut Vec<HostPacket>) {
        for (app, at) in effects.wakes {
            self.alarm(app, at);
        }
        let packets = effects.packets.into_iter();
        sent.extend(packets.map(|(from, bytes)| HostPacket { from_lan: from.host.is_some(), bytes }));
    }
}
