//! A small world for nodes: a clock in the hand, links with delay, paths that come up when somebody connects.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use nhrp::wire::{Packet, PacketType};
use nhrp::{
    Action, Authentication, Config, Destination, Event, Input, MulticastMap, Nhs, Node, Output, PathId,
    RouteInfo, RouteToken, StaticMap,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// The guide's hub.
pub fn hub_config() -> Config {
    let mut config = Config::new(ip("10.0.0.1"), net("10.0.0.0/24"), ip("203.0.113.1"), 100);
    config.authentication = Some(Authentication::new("DMVPN2026"));
    config.holding_time = secs(300);
    config.multicast = vec![MulticastMap::Dynamic];
    config
}

/// The guide's spokes: 11 is SPOKE1, 12 is SPOKE2.
pub fn spoke_config(number: u8) -> Config {
    let nbma = IpAddr::from([198, 51, 100, number - 10]);
    let mut config = Config::new(IpAddr::from([10, 0, 0, number]), net("10.0.0.0/24"), nbma, 100);
    config.authentication = Some(Authentication::new("DMVPN2026"));
    config.holding_time = secs(300);
    config.nhs = vec![Nhs::new(Some(ip("10.0.0.1")), None)];
    config.maps = vec![StaticMap { tunnel_address: ip("10.0.0.1"), prefix_len: 32, nbma: ip("203.0.113.1") }];
    config.multicast = vec![MulticastMap::Static(ip("203.0.113.1"))];
    config
}

pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// What happens on the way.
enum Happening {
    Packet { to: usize, nbma: IpAddr, path: PathId, payload: Vec<u8> },
    PathUp { node: usize, nbma: IpAddr, path: PathId, identity: Vec<u8> },
    PathFailed { node: usize, nbma: IpAddr },
}

pub struct World {
    pub start: Instant,
    pub now: Instant,
    pub nodes: Vec<Node>,
    /// Outer address of each node (after NAT).
    pub public: Vec<IpAddr>,
    /// Nodes that nobody can connect to from outside.
    pub behind_nat: BTreeSet<usize>,
    /// Pairs whose packets are lost, both ways.
    pub cut: BTreeSet<(usize, usize)>,
    pub delay: Duration,
    /// How long a key exchange takes.
    pub connect_delay: Duration,
    /// Paths are announced as proven (IPsec), or plain.
    pub proven: bool,
    /// What each node put out, in order.
    pub log: Vec<(Instant, usize, Output)>,
    /// Packets sent, decoded.
    pub sent: Vec<(Instant, usize, Packet)>,
    /// Routes of each node, longest first.
    pub routes: BTreeMap<usize, Vec<RouteInfo>>,
    queue: BTreeMap<(Instant, u64), Happening>,
    sequence: u64,
    /// (node, path) to (node, path).
    peers: BTreeMap<(usize, PathId), (usize, PathId)>,
    next_path: u64,
}

impl World {
    pub fn new(configs: Vec<Config>) -> World {
        let start = Instant::now_for_tests();
        let public = configs.iter().map(|config| config.nbma).collect();
        let nodes = configs
            .into_iter()
            .enumerate()
            .map(|(index, config)| Node::new(config, rng(index as u64 + 7), start).unwrap())
            .collect();
        World {
            start,
            now: start,
            nodes,
            public,
            behind_nat: BTreeSet::new(),
            cut: BTreeSet::new(),
            delay: ms(10),
            connect_delay: ms(80),
            proven: true,
            log: Vec::new(),
            sent: Vec::new(),
            routes: BTreeMap::new(),
            queue: BTreeMap::new(),
            sequence: 0,
            peers: BTreeMap::new(),
            next_path: 1,
        }
    }

    /// Milliseconds since the start.
    pub fn at(&self) -> u64 {
        self.now.duration_since(self.start).as_millis() as u64
    }

    pub fn input(&mut self, node: usize, input: Input<'_>) {
        self.nodes[node].handle_input(self.now, input);
        self.drain();
    }

    pub fn resolve(&mut self, node: usize, destination: &str) {
        self.input(node, Input::Resolve { destination: ip(destination) });
    }

    /// Runs until this much time has passed.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.drain();
        let mut steps = 0;
        while let Some(next) = self.next().filter(|next| *next <= end) {
            steps += 1;
            assert!(steps < 200_000, "the world does not come to rest");
            self.now = next.max(self.now);
            self.step();
        }
        self.now = end;
    }

    fn next(&self) -> Option<Instant> {
        let timers = self.nodes.iter().filter_map(Node::poll_timeout).min();
        let queue = self.queue.keys().next().map(|(at, _)| *at);
        timers.into_iter().chain(queue).min()
    }

    fn step(&mut self) {
        while let Some(entry) = self.queue.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let happening = entry.remove();
            match happening {
                Happening::Packet { to, nbma, path, payload } => {
                    self.nodes[to].handle_input(self.now, Input::Packet { nbma, path, payload: &payload });
                }
                Happening::PathUp { node, nbma, path, identity } => {
                    let proven = self.proven;
                    let identity = proven.then_some(&identity[..]);
                    self.nodes[node].handle_input(self.now, Input::PathUp { nbma, path, proven, identity });
                }
                Happening::PathFailed { node, nbma } => {
                    self.nodes[node].handle_input(self.now, Input::PathFailed { nbma });
                }
            }
            self.drain();
        }
        for node in 0..self.nodes.len() {
            self.nodes[node].handle_timeout(self.now);
        }
        self.drain();
    }

    fn push(&mut self, delay: Duration, happening: Happening) {
        self.sequence += 1;
        self.queue.insert((self.now + delay, self.sequence), happening);
    }

    pub fn drain(&mut self) {
        // What one node does may wake another.
        let mut quiet = false;
        while !quiet {
            quiet = true;
            for node in 0..self.nodes.len() {
                while let Some(output) = self.nodes[node].poll_output() {
                    quiet = false;
                    self.log.push((self.now, node, output.clone()));
                    self.carry_out(node, output);
                }
            }
        }
    }

    fn is_cut(&self, a: usize, b: usize) -> bool {
        self.cut.contains(&(a, b)) || self.cut.contains(&(b, a))
    }

    fn carry_out(&mut self, node: usize, output: Output) {
        match output {
            Output::Transmit { to, payload } => {
                self.sent.push((self.now, node, Packet::decode(&payload).unwrap()));
                let peer = match to {
                    // Plain GRE: the handle says the peer.
                    Destination::Path(path) if !self.proven => {
                        Some((path.0 as usize - 1000, PathId(1000 + node as u64)))
                    }
                    Destination::Path(path) => self.peers.get(&(node, path)).copied(),
                    Destination::Nbma(nbma) => {
                        let peer = self.public.iter().position(|public| *public == nbma).unwrap();
                        Some((peer, PathId(1000 + node as u64)))
                    }
                    _ => None,
                };
                let Some((peer, path)) = peer else { return };
                if !self.is_cut(node, peer) && (self.proven || !self.nat_blocks(node, peer)) {
                    let nbma = self.public[node];
                    self.push(self.delay, Happening::Packet { to: peer, nbma, path, payload });
                }
            }
            Output::Connect { nbma } => self.connect(node, nbma),
            // Plain GRE has nothing that could go down at the other end.
            Output::Disconnect { path } if self.proven => self.drop_path(node, path),
            Output::RouteQuery { token, destination } => self.answer_route(node, token, destination),
            _ => {}
        }
    }

    /// Without IPsec a NAT lets nothing in that the inside did not ask for: only the hub is asked.
    fn nat_blocks(&self, from: usize, to: usize) -> bool {
        self.behind_nat.contains(&to) && from != 0
    }

    fn answer_route(&mut self, node: usize, token: RouteToken, destination: IpAddr) {
        let routes = self.routes.get(&node).cloned().unwrap_or_default();
        let route = routes
            .into_iter()
            .filter(|route| route.prefix.contains(&destination))
            .max_by_key(|route| route.prefix.prefix_len());
        self.nodes[node].handle_input(self.now, Input::RouteAnswer { token, route });
    }

    fn connect(&mut self, node: usize, nbma: IpAddr) {
        let candidates: Vec<usize> =
            (0..self.nodes.len()).filter(|n| self.public[*n] == nbma && *n != node).collect();
        let peer = candidates.iter().copied().find(|peer| !self.is_cut(node, *peer));
        if !self.proven {
            // Plain GRE: a path to an address exists by itself.
            let Some(peer) = candidates.first().copied() else {
                self.push(ms(1), Happening::PathFailed { node, nbma });
                return;
            };
            let (here, there) = (PathId(1000 + peer as u64), PathId(1000 + node as u64));
            self.peers.insert((node, here), (peer, there));
            self.push(Duration::ZERO, Happening::PathUp { node, nbma, path: here, identity: Vec::new() });
            return;
        }
        match peer.filter(|peer| !self.behind_nat.contains(peer)) {
            Some(peer) => {
                let (here, there) = self.make_path(node, peer);
                let (own, id) = (self.public[node], |n: usize| format!("node{n}").into_bytes());
                self.push(
                    self.connect_delay,
                    Happening::PathUp { node, nbma, path: here, identity: id(peer) },
                );
                let up = Happening::PathUp { node: peer, nbma: own, path: there, identity: id(node) };
                self.push(self.connect_delay, up);
            }
            None => self.push(self.connect_delay, Happening::PathFailed { node, nbma }),
        }
    }

    fn make_path(&mut self, a: usize, b: usize) -> (PathId, PathId) {
        let existing = self.peers.iter().find(|((node, _), (peer, _))| *node == a && *peer == b);
        if let Some(((_, here), (_, there))) = existing {
            return (*here, *there);
        }
        let (here, there) = (PathId(self.next_path), PathId(self.next_path + 1));
        self.next_path += 2;
        self.peers.insert((a, here), (b, there));
        self.peers.insert((b, there), (a, here));
        (here, there)
    }

    /// The path goes down on both sides.
    pub fn drop_path(&mut self, node: usize, path: PathId) {
        let Some((peer, there)) = self.peers.remove(&(node, path)) else { return };
        self.peers.remove(&(peer, there));
        self.nodes[node].handle_input(self.now, Input::PathDown { path });
        self.nodes[peer].handle_input(self.now, Input::PathDown { path: there });
    }

    pub fn path_between(&self, a: usize, b: usize) -> Option<PathId> {
        self.peers.iter().find(|((node, _), (peer, _))| *node == a && *peer == b).map(|((_, path), _)| *path)
    }

    /// Drops the path between two nodes.
    pub fn sever(&mut self, a: usize, b: usize) {
        let path = self.path_between(a, b).expect("a path to sever");
        self.drop_path(a, path);
        self.drain();
    }

    pub fn actions(&self, node: usize) -> Vec<Action> {
        self.log
            .iter()
            .filter(|(_, n, _)| *n == node)
            .filter_map(|(_, _, output)| match output {
                Output::Action(action) => Some(action.clone()),
                _ => None,
            })
            .collect()
    }

    pub fn events(&self, node: usize) -> Vec<Event> {
        self.log
            .iter()
            .filter(|(_, n, _)| *n == node)
            .filter_map(|(_, _, output)| match output {
                Output::Event(event) => Some(event.clone()),
                _ => None,
            })
            .collect()
    }

    /// When a node first put out what `wanted` accepts, in milliseconds since the start.
    pub fn first(&self, node: usize, wanted: impl Fn(&Output) -> bool) -> Option<u64> {
        self.log
            .iter()
            .find(|(_, n, output)| *n == node && wanted(output))
            .map(|(at, _, _)| at.duration_since(self.start).as_millis() as u64)
    }

    /// Path that data of `node` for this next hop takes now, by its actions.
    pub fn adjacency(&self, node: usize, next_hop: &str) -> Option<PathId> {
        let next_hop = ip(next_hop);
        let mut current = None;
        for action in self.actions(node) {
            match action {
                Action::AdjacencyUp { tunnel_address, path, .. } if tunnel_address == next_hop => {
                    current = Some(path);
                }
                Action::AdjacencyDown { tunnel_address, .. } if tunnel_address == next_hop => current = None,
                _ => {}
            }
        }
        current
    }

    /// Node at the other end of the path that data takes now.
    pub fn reaches(&self, node: usize, next_hop: &str) -> Option<usize> {
        let path = self.adjacency(node, next_hop)?;
        self.peers.get(&(node, path)).map(|(peer, _)| *peer)
    }

    /// Times, in milliseconds since the start, at which a node sent this type.
    pub fn sent_at(&self, node: usize, packet_type: PacketType) -> Vec<u64> {
        self.sent
            .iter()
            .filter(|(_, n, packet)| *n == node && packet.packet_type == packet_type)
            .map(|(at, _, _)| at.duration_since(self.start).as_millis() as u64)
            .collect()
    }

    pub fn packets(&self, node: usize, packet_type: PacketType) -> Vec<Packet> {
        self.sent
            .iter()
            .filter(|(_, n, packet)| *n == node && packet.packet_type == packet_type)
            .map(|(_, _, packet)| packet.clone())
            .collect()
    }

    pub fn forget(&mut self) {
        self.log.clear();
        self.sent.clear();
    }
}

/// The one place where a test takes a time from the system: an arbitrary origin for its own clock.
pub trait Origin {
    fn now_for_tests() -> Instant;
}

impl Origin for Instant {
    #[allow(
        clippy::disallowed_methods,
        reason = "an origin for the hand-held clock; no test depends on its value"
    )]
    fn now_for_tests() -> Instant {
        Instant::now()
    }
}
