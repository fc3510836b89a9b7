//! Routers on clouds with latency and a hand-held clock.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of this")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use ipnet::Ipv4Net;
use ospf_p2mp::{
    Config, ConfigError, Event, Input, InterfaceConfig, InterfaceId, NeighborState, NextHopMode, Output,
    Route, RouteChange, Router,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

pub const TUNNEL: InterfaceId = InterfaceId(0);
pub const LAN: InterfaceId = InterfaceId(1);

#[allow(clippy::disallowed_methods, reason = "the only clock reading: an origin for virtual time")]
pub fn origin() -> Instant {
    Instant::now()
}

pub fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

pub fn ip(text: &str) -> Ipv4Addr {
    text.parse().expect("an address")
}

pub fn net(text: &str) -> Ipv4Net {
    text.parse().expect("a prefix")
}

/// A tunnel with IOS timers and cost 10.
pub fn tunnel(address: &str) -> InterfaceConfig {
    let mut interface = InterfaceConfig::tunnel(TUNNEL, "Tunnel0", ip(address), 24);
    interface.cost = 10;
    interface
}

pub fn spoke(number: u8) -> Config {
    let address = format!("10.0.0.{number}");
    let mut config = Config::new(ip(&address));
    config.interfaces.push(tunnel(&address));
    config.interfaces.push(InterfaceConfig::lan(LAN, "Gi2", ip(&format!("192.168.{number}.1")), 24));
    config.sequence_base = 1_700_000_000;
    config
}

pub fn hub() -> Config {
    let mut config = spoke(1);
    for interface in &mut config.interfaces {
        interface.next_hop = NextHopMode::Rfc2328;
    }
    config
}

pub struct Node {
    pub router: Option<Router>,
    pub config: Config,
    pub events: Vec<(Duration, Event)>,
    pub changes: Vec<(Duration, RouteChange)>,
    /// The table as an embedder keeps it.
    pub table: BTreeMap<Ipv4Net, Route>,
    pub sent: u64,
    pub sent_octets: u64,
    pub largest: usize,
}

struct Flight {
    to: usize,
    interface: InterfaceId,
    source: Ipv4Addr,
    destination: Ipv4Addr,
    ttl: u8,
    payload: Vec<u8>,
}

/// Takes the sender's index and a packet, gives the packet that arrives.
pub type Mangle = fn(usize, Vec<u8>) -> Vec<u8>;

pub struct Cloud {
    pub origin: Instant,
    pub now: Instant,
    pub latency: Duration,
    pub nodes: Vec<Node>,
    flights: BTreeMap<(Instant, u64), Flight>,
    serial: u64,
    /// Pairs of tunnel addresses that reach each other.
    reach: BTreeSet<(Ipv4Addr, Ipv4Addr)>,
    /// Every n-th packet is lost, when not zero.
    pub lose_every: u64,
    /// Packets longer than this are lost.
    pub path_mtu: usize,
    seed: u64,
    /// Changes packets of a router on their way.
    pub mangle: Option<Mangle>,
    /// Everything that was sent, when wanted.
    pub recorded: Option<Vec<Vec<u8>>>,
    wakeups: BTreeMap<usize, Instant>,
    alarms: BTreeSet<(Instant, usize)>,
    owners: BTreeMap<Ipv4Addr, (usize, InterfaceId)>,
}

impl Cloud {
    pub fn new(configs: Vec<Config>) -> Self {
        let origin = origin();
        let mut cloud = Self {
            origin,
            now: origin,
            latency: ms(20),
            nodes: Vec::new(),
            flights: BTreeMap::new(),
            serial: 0,
            reach: BTreeSet::new(),
            lose_every: 0,
            path_mtu: usize::MAX,
            seed: 7,
            recorded: None,
            mangle: None,
            wakeups: BTreeMap::new(),
            alarms: BTreeSet::new(),
            owners: BTreeMap::new(),
        };
        for config in configs {
            let index = cloud.nodes.len();
            cloud.nodes.push(Node {
                router: None,
                config,
                events: Vec::new(),
                changes: Vec::new(),
                table: BTreeMap::new(),
                sent: 0,
                sent_octets: 0,
                largest: 0,
            });
            cloud.boot(index);
        }
        cloud
    }

    /// A hub (node 0) and spokes 11, 12, ... that reach the hub only. Nobody is announced yet.
    pub fn star(spokes: u8) -> Self {
        let mut configs = vec![hub()];
        configs.extend((0..spokes).map(|index| spoke(11 + index)));
        Self::new(configs)
    }

    pub fn boot(&mut self, index: usize) {
        self.seed += 1;
        let random = ChaCha20Rng::seed_from_u64(self.seed);
        let config = self.nodes[index].config.clone();
        for interface in &config.interfaces {
            self.owners.insert(interface.address, (index, interface.id));
        }
        self.nodes[index].router =
            Some(Router::new(config, random, self.now).expect("a valid configuration"));
        self.drain(index);
    }

    /// The router takes another configuration while it runs.
    pub fn reconfigure(&mut self, index: usize, config: Config) -> Result<(), ConfigError> {
        let now = self.now;
        let router = self.nodes[index].router.as_mut().expect("a running router");
        router.reconfigure(now, config.clone())?;
        self.nodes[index].config = config;
        self.drain(index);
        Ok(())
    }

    /// All clocks jump ahead; what was under way is lost.
    pub fn jump(&mut self, time: Duration) {
        self.flights.clear();
        self.now += time;
        let now = self.now;
        for index in 0..self.nodes.len() {
            self.timeout_at(index, now);
        }
    }

    /// One router believes that it is another time.
    pub fn timeout_at(&mut self, index: usize, now: Instant) {
        if let Some(router) = &mut self.nodes[index].router {
            router.handle_timeout(now);
        }
        self.drain(index);
    }

    /// The router vanishes without a word, and with it its table.
    pub fn crash(&mut self, index: usize) {
        self.nodes[index].router = None;
        self.nodes[index].table.clear();
        self.set_alarm(index, None);
    }

    fn set_alarm(&mut self, index: usize, at: Option<Instant>) {
        if let Some(old) = self.wakeups.remove(&index) {
            self.alarms.remove(&(old, index));
        }
        if let Some(at) = at {
            self.wakeups.insert(index, at);
            self.alarms.insert((at, index));
        }
    }

    pub fn router(&self, index: usize) -> &Router {
        self.nodes[index].router.as_ref().expect("a running router")
    }

    pub fn elapsed(&self) -> Duration {
        self.now - self.origin
    }

    pub fn input(&mut self, index: usize, input: Input<'_>) {
        let now = self.now;
        if let Some(router) = &mut self.nodes[index].router {
            router.handle_input(now, input);
        }
        self.drain(index);
    }

    /// Two tunnel addresses begin to reach each other.
    pub fn join(&mut self, a: Ipv4Addr, b: Ipv4Addr) {
        self.reach.insert((a, b));
        self.reach.insert((b, a));
    }

    pub fn part(&mut self, a: Ipv4Addr, b: Ipv4Addr) {
        self.reach.remove(&(a, b));
        self.reach.remove(&(b, a));
    }

    /// NHRP joins two routers on one tunnel: both are told.
    pub fn register(&mut self, a: usize, b: usize) {
        self.register_on(a, TUNNEL, b, TUNNEL);
    }

    pub fn register_on(&mut self, a: usize, on_a: InterfaceId, b: usize, on_b: InterfaceId) {
        let (address_a, address_b) = (self.address(a, on_a), self.address(b, on_b));
        self.join(address_a, address_b);
        self.input(a, Input::PeerUp { interface: on_a, address: address_b });
        self.input(b, Input::PeerUp { interface: on_b, address: address_a });
    }

    /// All spokes register with node 0 now.
    pub fn register_all(&mut self) {
        for index in 1..self.nodes.len() {
            self.register(0, index);
        }
    }

    pub fn address(&self, index: usize, id: InterfaceId) -> Ipv4Addr {
        let interfaces = &self.nodes[index].config.interfaces;
        interfaces.iter().find(|interface| interface.id == id).expect("an interface").address
    }

    pub fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        self.run_until(end, |_| false);
    }

    /// Runs until the condition holds; gives the time since the call.
    pub fn run_while_not(&mut self, limit: Duration, condition: impl Fn(&Self) -> bool) -> Option<Duration> {
        let start = self.now;
        self.run_until(start + limit, &condition).then(|| self.now - start)
    }

    /// The same, looking only every ten milliseconds: for many routers and dear conditions.
    pub fn run_in_steps(&mut self, limit: Duration, condition: impl Fn(&Self) -> bool) -> Option<Duration> {
        let start = self.now;
        while !condition(self) {
            if self.now >= start + limit {
                return None;
            }
            self.run_for(ms(10));
        }
        Some(self.now - start)
    }

    fn run_until(&mut self, end: Instant, condition: impl Fn(&Self) -> bool) -> bool {
        loop {
            if condition(self) {
                return true;
            }
            let flight = self.flights.first_key_value().map(|((at, _), _)| *at);
            let wakeup = self.alarms.first().map(|(at, _)| *at);
            let Some(next) = [flight, wakeup].into_iter().flatten().min().filter(|at| *at <= end) else {
                self.now = end;
                return condition(self);
            };
            self.now = next.max(self.now);
            if flight == Some(next) {
                self.deliver();
            } else {
                let due: Vec<_> = self
                    .alarms
                    .iter()
                    .take_while(|(at, _)| *at <= self.now)
                    .map(|(_, index)| *index)
                    .collect();
                for index in due {
                    let now = self.now;
                    if let Some(router) = &mut self.nodes[index].router {
                        router.handle_timeout(now);
                        assert!(
                            router.poll_timeout().is_none_or(|at| at > now),
                            "a timeout that does not move"
                        );
                    }
                    self.drain(index);
                }
            }
        }
    }

    fn deliver(&mut self) {
        let Some((_, flight)) = self.flights.pop_first() else { return };
        let Flight { to, interface, source, destination, ttl, payload } = flight;
        self.input(to, Input::Packet { interface, source, destination, ttl, payload: &payload });
    }

    fn drain(&mut self, index: usize) {
        let at = self.elapsed();
        let mut packets = Vec::new();
        let node = &mut self.nodes[index];
        let Some(router) = &mut node.router else { return };
        while let Some(output) = router.poll_output() {
            match output {
                Output::Transmit { interface, destination, peer, ttl, payload } => {
                    packets.push((interface, destination, peer, ttl, payload));
                }
                Output::Route(change) => {
                    match &change {
                        RouteChange::Add(route) => {
                            assert!(node.table.insert(route.prefix, route.clone()).is_none(), "added twice");
                        }
                        RouteChange::Replace(route) => {
                            assert!(
                                node.table.insert(route.prefix, route.clone()).is_some(),
                                "replaced nothing"
                            );
                        }
                        RouteChange::Remove(prefix) => {
                            assert!(node.table.remove(prefix).is_some(), "removed nothing");
                        }
                        _ => unreachable!("an unknown change"),
                    }
                    node.changes.push((at, change));
                }
                Output::Event(event) => node.events.push((at, event)),
                _ => unreachable!("an unknown output"),
            }
        }
        let wakeup = router.poll_timeout();
        self.set_alarm(index, wakeup);
        for (interface, destination, peer, ttl, payload) in packets {
            self.transmit(index, interface, destination, peer, ttl, payload);
        }
    }

    fn transmit(
        &mut self,
        from: usize,
        interface: InterfaceId,
        destination: Ipv4Addr,
        peer: Option<Ipv4Addr>,
        ttl: u8,
        payload: Vec<u8>,
    ) {
        let source = self.address(from, interface);
        let payload = match self.mangle {
            Some(mangle) => mangle(from, payload),
            None => payload,
        };
        let targets: Vec<Ipv4Addr> = match peer {
            Some(peer) => vec![peer],
            None => self.reach.iter().filter(|(a, _)| *a == source).map(|(_, b)| *b).collect(),
        };
        for target in targets {
            self.serial += 1;
            let node = &mut self.nodes[from];
            node.sent += 1;
            node.sent_octets += payload.len() as u64;
            node.largest = node.largest.max(payload.len());
            if let Some(recorded) = &mut self.recorded {
                recorded.push(payload.clone());
            }
            let lost = self.lose_every != 0 && self.serial.is_multiple_of(self.lose_every);
            if lost || payload.len() + 20 > self.path_mtu || !self.reach.contains(&(source, target)) {
                continue;
            }
            let owner = self.owners.get(&target).copied();
            let Some((to, interface)) = owner else { continue };
            let flight = Flight { to, interface, source, destination, ttl, payload: payload.clone() };
            self.flights.insert((self.now + self.latency, self.serial), flight);
        }
    }

    pub fn all_full(&self) -> bool {
        self.nodes.iter().filter_map(|node| node.router.as_ref()).all(|router| {
            let mut neighbors = router.neighbors().peekable();
            neighbors.peek().is_some() && neighbors.all(|neighbor| neighbor.state == NeighborState::Full)
        })
    }

    pub fn state(&self, of: usize, neighbor: &str) -> NeighborState {
        let address = ip(neighbor);
        let found = self.router(of).neighbors().find(|view| view.address == address);
        found.map_or(NeighborState::Down, |view| view.state)
    }

    pub fn route(&self, index: usize, prefix: &str) -> Option<&Route> {
        self.nodes[index].table.get(&net(prefix))
    }

    /// Whether every router has a route to the LAN of every other one.
    pub fn all_lans_reachable(&self) -> bool {
        let lans: Vec<_> = self.nodes.iter().map(|node| node.config.interfaces[1].prefix.trunc()).collect();
        self.nodes.iter().enumerate().all(|(index, node)| {
            let others = lans.iter().enumerate().filter(|(lan, _)| *lan != index);
            others.into_iter().all(|(_, lan)| node.table.contains_key(lan))
        })
    }
}
