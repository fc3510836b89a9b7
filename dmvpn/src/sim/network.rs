//! The network: its nodes, and what can be done to them.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use super::capture::{Captured, Watch};
use super::fragment::Reassembler;
use super::host::{Endpoint, Hosts};
use super::link::{LinkConfig, LinkState};
use super::nat::{Mapping, Nat, NatConfig};
use super::node::{AddError, Boot, Factory, Kind, Node, NodeId, Received, Router, RouterSpec};
use super::queue::Queue;
use super::run::Due;
use super::stats::{NodeStats, WireStats};
use super::trace::TraceDigest;
use crate::forward::Action;
use crate::{Command, Config, Engine, Event, Packet};

/// Sees every packet on the underlay; what it returns is kept as a violation.
pub(super) type Observer = Box<dyn FnMut(&Captured) -> Option<String> + Send>;

/// A network in virtual time. The [module](super) says how to use it.
pub struct Network {
    pub(super) start: Instant,
    pub(super) now: Duration,
    seed: u64,
    pub(super) wire_rng: ChaCha20Rng,
    pub(super) nat_rng: ChaCha20Rng,
    pub(super) queue: Queue<Due>,
    pub(super) in_flight: u64,
    pub(super) nodes: Vec<Node>,
    places: BTreeMap<String, Endpoint>,
    /// Who has an address on the underlay that everybody sees. Inside addresses are with their NAT box.
    pub(super) public: BTreeMap<Ipv4Addr, NodeId>,
    default_link: LinkConfig,
    links: BTreeMap<(NodeId, NodeId), LinkConfig>,
    pub(super) link_states: BTreeMap<(NodeId, NodeId), LinkState>,
    pub(super) unreachable: BTreeSet<(NodeId, NodeId)>,
    pub(super) hosts: Hosts,
    pub(super) scratch: Packet,
    pub(super) stats: WireStats,
    pub(super) events: Vec<(Duration, NodeId, Event)>,
    pub(super) actions: Vec<(Duration, NodeId, Action)>,
    pub(super) names: BTreeMap<String, Vec<IpAddr>>,
    pub(super) digest: TraceDigest,
    pub(super) is_capturing: bool,
    pub(super) captured: Vec<Captured>,
    pub(super) observers: Vec<Observer>,
    pub(super) violations: Vec<(Duration, String)>,
    pub(super) watch: Watch,
    pub(super) extra_timeouts: bool,
}

/// Streams of the seed: what one part draws changes nothing for the others.
const WIRE_STREAM: u64 = 1;
const NAT_STREAM: u64 = 2;
/// Each start of each router has its own from here on.
const ROUTER_STREAMS: u64 = 1 << 32;

impl Network {
    /// An empty network whose links have 20 ms and no faults. `start` is what routers' clocks show at the beginning;
    /// nothing depends on its value.
    #[must_use]
    pub fn new(start: Instant, seed: u64) -> Self {
        Self {
            start,
            now: Duration::ZERO,
            seed,
            wire_rng: stream(seed, WIRE_STREAM),
            nat_rng: stream(seed, NAT_STREAM),
            queue: Queue::new(),
            in_flight: 0,
            nodes: Vec::new(),
            places: BTreeMap::new(),
            public: BTreeMap::new(),
            default_link: LinkConfig::default(),
            links: BTreeMap::new(),
            link_states: BTreeMap::new(),
            unreachable: BTreeSet::new(),
            hosts: Hosts::default(),
            scratch: Packet::with_capacity(2048),
            stats: WireStats::default(),
            events: Vec::new(),
            actions: Vec::new(),
            names: BTreeMap::new(),
            digest: TraceDigest::EMPTY,
            is_capturing: false,
            captured: Vec::new(),
            observers: Vec::new(),
            violations: Vec::new(),
            watch: Watch::new(),
            extra_timeouts: false,
        }
    }

    /// The seed that everything follows from.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Time since the start.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.now
    }

    /// What the clock of a router shows that never jumped.
    #[must_use]
    pub fn instant(&self) -> Instant {
        self.start + self.now
    }

    /// Adds a router and starts it.
    ///
    /// # Errors
    /// The name or an underlay address is taken, or the engine does not take its configuration.
    pub fn add_router(&mut self, name: &str, spec: RouterSpec) -> Result<NodeId, AddError> {
        let hosts = spec.hosts.iter().map(|host| host.name.as_str());
        for name in hosts.chain([name]) {
            self.check_name(name)?;
        }
        self.check_nat(spec.behind)?;
        let router = Router {
            engine: None,
            factory: spec.factory,
            boots: 0,
            fixed_addresses: spec.addresses,
            hosts: spec.hosts,
            is_protected: spec.is_protected,
            clock_ahead: Duration::ZERO,
            next_id: 0,
            reassembler: Reassembler::default(),
            timer_at: None,
            last_timeout: (Duration::ZERO, 0),
            stats: NodeStats::default(),
        };
        let id = self.push_node(name, spec.behind, Kind::Router(Box::new(router)));
        if let Err(error) = self.boot(id) {
            // It is the last node, and nothing refers to it yet.
            self.nodes.pop();
            return Err(error);
        }
        self.places.insert(name.to_owned(), Endpoint { node: id, host: None });
        let hosts = self.node(id).router().map(|router| router.hosts.clone()).unwrap_or_default();
        for (index, host) in (0..).zip(hosts) {
            self.watch.add_address(host.address);
            self.places.insert(host.name, Endpoint { node: id, host: Some(index) });
        }
        Ok(id)
    }

    /// Adds a router with this configuration, by its host name.
    ///
    /// # Errors
    /// As [`Network::add_router`].
    pub fn add_config(&mut self, config: Config) -> Result<NodeId, AddError> {
        let name = config.hostname.clone();
        self.add_router(&name, RouterSpec::with_config(config))
    }

    /// Adds a NAT box. Routers stand [behind](RouterSpec::behind) it with addresses of their own.
    ///
    /// # Errors
    /// The name or the public address is taken.
    pub fn add_nat(&mut self, name: &str, config: NatConfig) -> Result<NodeId, AddError> {
        self.check_name(name)?;
        let public = config.public;
        self.check_address(name, public, None, None)?;
        let id = self.push_node(name, None, Kind::Nat(Box::new(Nat::new(config))));
        self.places.insert(name.to_owned(), Endpoint { node: id, host: None });
        self.claim(id, vec![public]);
        Ok(id)
    }

    /// Adds a host on the underlay that answers nothing and records what it gets: an attacker, a bystander, a test.
    ///
    /// # Errors
    /// The name or an address is taken.
    pub fn add_raw_host(&mut self, name: &str, addresses: &[Ipv4Addr]) -> Result<NodeId, AddError> {
        self.add_raw(name, addresses, None)
    }

    /// As [`Network::add_raw_host`], on the inside of a NAT box.
    ///
    /// # Errors
    /// The name or an address is taken, or there is no such NAT box.
    pub fn add_raw_host_behind(
        &mut self,
        nat: NodeId,
        name: &str,
        addresses: &[Ipv4Addr],
    ) -> Result<NodeId, AddError> {
        self.add_raw(name, addresses, Some(nat))
    }

    /// Puts an IPv4 packet on the underlay where this node stands, whatever its source address says: forgeries,
    /// replays, other systems.
    pub fn inject(&mut self, from: NodeId, packet: &[u8]) {
        if self.nodes.get(from.index()).is_some() {
            self.launch(from, packet.to_vec());
        }
    }

    /// What a raw host received.
    ///
    /// # Panics
    /// There is no such raw host.
    #[must_use]
    #[track_caller]
    pub fn received(&self, name: &str) -> &[Received] {
        match &self.node(self.id(name)).kind {
            Kind::Raw(received) => received,
            _ => panic!("{name} is no raw host"),
        }
    }

    /// The node with this name, or the one whose host has it.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<NodeId> {
        self.places.get(name).map(|place| place.node)
    }

    /// A node's name.
    #[must_use]
    pub fn name(&self, node: NodeId) -> &str {
        self.nodes.get(node.index()).map_or("", |node| &node.name)
    }

    /// The routers, in the order in which they were added.
    pub fn routers(&self) -> impl Iterator<Item = (NodeId, &str)> + '_ {
        let nodes = (0..).map(NodeId).zip(&self.nodes);
        nodes.filter(|(_, node)| node.router().is_some()).map(|(id, node)| (id, node.name.as_str()))
    }

    /// A router's engine.
    ///
    /// # Panics
    /// There is no such router, or it has crashed. [`Network::running`] asks first.
    #[must_use]
    #[track_caller]
    pub fn engine(&self, name: &str) -> &Engine {
        self.running(name).unwrap_or_else(|| panic!("{name} is no running router"))
    }

    /// A router's engine; none if there is no such router or it has crashed.
    #[must_use]
    pub fn running(&self, name: &str) -> Option<&Engine> {
        self.node(self.find(name)?).router()?.engine.as_ref()
    }

    /// A router's engine, to be changed. What it has to send goes out with the next event, still at this time.
    ///
    /// # Panics
    /// There is no such router, or it has crashed.
    #[track_caller]
    pub fn engine_mut(&mut self, name: &str) -> &mut Engine {
        let node = self.id(name);
        self.queue.push(self.now, Due::Drain { node });
        let engine = self.node_mut(node).router_mut().and_then(|router| router.engine.as_mut());
        engine.unwrap_or_else(|| panic!("{name} is no running router"))
    }

    /// What routers hear that ask for the addresses of a name from now on. A name that was never set is not known.
    pub fn set_name(&mut self, name: &str, addresses: &[IpAddr]) {
        self.names.insert(name.to_owned(), addresses.to_vec());
    }

    /// Gives a router a command.
    ///
    /// # Panics
    /// There is no such router, or it has crashed.
    #[track_caller]
    pub fn command(&mut self, name: &str, command: Command) {
        let node = self.id(name);
        let now = self.clock(node);
        self.engine_mut(name).handle_command(now, command);
        self.settle(node);
    }

    /// Crashes a router: its engine is gone in the middle of whatever it did, and packets to it vanish. Nothing happens
    /// to one that is down.
    ///
    /// # Panics
    /// There is no such router.
    #[track_caller]
    pub fn fail(&mut self, name: &str) {
        let router = self.router_mut(name);
        router.engine = None;
        router.timer_at = None;
        router.reassembler = Reassembler::default();
    }

    /// Starts a router again, with an engine that knows nothing. One that runs is crashed first.
    ///
    /// # Errors
    /// The engine does not take its configuration, or an address is taken.
    ///
    /// # Panics
    /// There is no such router.
    #[track_caller]
    pub fn restore(&mut self, name: &str) -> Result<(), AddError> {
        self.fail(name);
        self.boot(self.id(name))
    }

    /// Starts a router again with another configuration: another underlay address, for example. Later restores use it,
    /// too. Addresses that were given at the start no longer count.
    ///
    /// # Errors
    /// As [`Network::restore`].
    ///
    /// # Panics
    /// There is no such router.
    #[track_caller]
    pub fn restore_with(&mut self, name: &str, config: Config) -> Result<(), AddError> {
        let RouterSpec { factory, .. } = RouterSpec::with_config(config);
        self.replace_factory(name, factory, None);
        self.restore(name)
    }

    /// As [`Network::restore_with`], for a router whose engine is built otherwise. Of the specification the factory
    /// and the addresses count.
    ///
    /// # Errors
    /// As [`Network::restore`].
    ///
    /// # Panics
    /// There is no such router.
    #[track_caller]
    pub fn restore_as(&mut self, name: &str, spec: RouterSpec) -> Result<(), AddError> {
        self.replace_factory(name, spec.factory, spec.addresses);
        self.restore(name)
    }

    /// Moves a router's clock forward, as a machine does that slept. Its timers are late then.
    ///
    /// # Panics
    /// There is no such router.
    #[track_caller]
    pub fn jump_clock(&mut self, name: &str, by: Duration) {
        self.router_mut(name).clock_ahead += by;
        self.settle(self.id(name));
    }

    /// A NAT box forgets its mappings, as after a power failure, and may get another public address from its provider.
    ///
    /// # Errors
    /// The address is taken.
    ///
    /// # Panics
    /// There is no such NAT box.
    #[track_caller]
    pub fn rebind_nat(&mut self, name: &str, public: Option<Ipv4Addr>) -> Result<(), AddError> {
        let id = self.id(name);
        if let Some(public) = public {
            self.check_address(name, public, Some(id), None)?;
        }
        let nat = self.node_mut(id).nat_mut();
        nat.unwrap_or_else(|| panic!("{name} is no NAT box")).rebind(public);
        if let Some(public) = public {
            self.claim(id, vec![public]);
        }
        Ok(())
    }

    /// The mappings of a NAT box that are alive, by outside port.
    ///
    /// # Panics
    /// There is no such NAT box.
    #[must_use]
    #[track_caller]
    pub fn nat_mappings(&self, name: &str) -> Vec<Mapping> {
        let nat = self.node(self.id(name)).nat();
        nat.unwrap_or_else(|| panic!("{name} is no NAT box")).mappings(self.now)
    }

    /// What every link does that has nothing of its own.
    pub fn set_default_link(&mut self, config: LinkConfig) {
        self.default_link = config;
    }

    /// What the link between two routers does, both ways. A NAT box before one of them changes nothing in that.
    ///
    /// # Panics
    /// There is no such node.
    #[track_caller]
    pub fn set_link(&mut self, a: &str, b: &str, config: LinkConfig) {
        self.set_link_one_way(a, b, config.clone());
        self.set_link_one_way(b, a, config);
    }

    /// What the link from one router to another does.
    ///
    /// # Panics
    /// There is no such node.
    #[track_caller]
    pub fn set_link_one_way(&mut self, from: &str, to: &str, config: LinkConfig) {
        let link = (self.id(from), self.id(to));
        self.links.insert(link, config);
    }

    /// Changes every link, the default included: more loss from now on, for example.
    pub fn change_links(&mut self, change: impl Fn(&mut LinkConfig)) {
        change(&mut self.default_link);
        self.links.values_mut().for_each(change);
    }

    /// What the link from one node to another does.
    pub(super) fn link_config(&self, from: NodeId, to: NodeId) -> &LinkConfig {
        self.links.get(&(from, to)).unwrap_or(&self.default_link)
    }

    /// Cuts two nodes off from each other, or joins them again.
    ///
    /// # Panics
    /// There is no such node.
    #[track_caller]
    pub fn set_reachable(&mut self, a: &str, b: &str, is_reachable: bool) {
        self.set_reachable_one_way(a, b, is_reachable);
        self.set_reachable_one_way(b, a, is_reachable);
    }

    /// Cuts one direction, or opens it again.
    ///
    /// # Panics
    /// There is no such node.
    #[track_caller]
    pub fn set_reachable_one_way(&mut self, from: &str, to: &str, is_reachable: bool) {
        let pair = (self.id(from), self.id(to));
        if is_reachable {
            self.unreachable.remove(&pair);
        } else {
            self.unreachable.insert(pair);
        }
    }

    /// Joins everything again.
    pub fn heal(&mut self) {
        self.unreachable.clear();
    }

    /// With this on, each engine gets timeouts before their time after everything that it does. If they change
    /// anything, it is among the [violations](Network::violations).
    pub fn set_extra_timeouts(&mut self, on: bool) {
        self.extra_timeouts = on;
    }

    /// What a router's clock shows.
    pub(super) fn clock(&self, node: NodeId) -> Instant {
        let ahead = self.node(node).router().map_or(Duration::ZERO, |router| router.clock_ahead);
        self.start + ahead + self.now
    }

    fn add_raw(
        &mut self,
        name: &str,
        addresses: &[Ipv4Addr],
        behind: Option<NodeId>,
    ) -> Result<NodeId, AddError> {
        self.check_name(name)?;
        self.check_nat(behind)?;
        for address in addresses {
            self.check_address(name, *address, None, behind)?;
        }
        let id = self.push_node(name, behind, Kind::Raw(Vec::new()));
        self.places.insert(name.to_owned(), Endpoint { node: id, host: None });
        self.claim(id, addresses.to_vec());
        Ok(id)
    }

    fn boot(&mut self, id: NodeId) -> Result<(), AddError> {
        let (seed, now) = (self.seed, self.clock(id));
        let name = self.node(id).name.clone();
        let Some(router) = self.node_mut(id).router_mut() else { return Ok(()) };
        let restarts = router.boots;
        let mut rng = stream(seed, ROUTER_STREAMS + (u64::from(id.0) << 32) + u64::from(restarts));
        router.next_id = rng.next_u32() as u16;
        router.boots += 1;
        let engine = (router.factory)(Boot { now, rng, restarts })
            .map_err(|error| AddError::Build { name: name.clone(), error })?;
        let addresses = router.fixed_addresses.clone().unwrap_or_else(|| {
            let v4 = engine.underlay_addresses().filter_map(|address| match address {
                IpAddr::V4(address) => Some(address),
                IpAddr::V6(_) => None,
            });
            v4.collect()
        });
        let behind = self.node(id).behind;
        for address in &addresses {
            self.check_address(&name, *address, Some(id), behind)?;
        }
        for (_, address, _) in engine.local_addresses() {
            if !addresses.contains(&address) {
                self.watch.add_address(address);
            }
        }
        self.claim(id, addresses);
        if let Some(router) = self.node_mut(id).router_mut() {
            router.engine = Some(engine);
        }
        self.settle(id);
        Ok(())
    }

    fn replace_factory(&mut self, name: &str, factory: Factory, addresses: Option<Vec<Ipv4Addr>>) {
        let router = self.router_mut(name);
        router.factory = factory;
        router.fixed_addresses = addresses;
    }

    fn check_name(&self, name: &str) -> Result<(), AddError> {
        if self.places.contains_key(name) { Err(AddError::NameTaken(name.to_owned())) } else { Ok(()) }
    }

    fn check_nat(&self, nat: Option<NodeId>) -> Result<(), AddError> {
        match nat {
            Some(id) if self.nodes.get(id.index()).is_none_or(|node| node.nat().is_none()) => {
                Err(AddError::NotNat(id))
            }
            _ => Ok(()),
        }
    }

    /// Whether a node, or a new one, may have an address behind this NAT box or in the open.
    fn check_address(
        &self,
        name: &str,
        address: Ipv4Addr,
        id: Option<NodeId>,
        behind: Option<NodeId>,
    ) -> Result<(), AddError> {
        let nat = behind.and_then(|nat| self.node(nat).nat());
        let taken = nat.map_or(&self.public, |nat| &nat.inside);
        match taken.get(&address) {
            Some(owner) if Some(*owner) != id => {
                Err(AddError::AddressTaken { name: name.to_owned(), address })
            }
            _ => Ok(()),
        }
    }

    /// Gives a node these addresses instead of those that it had. They were checked.
    fn claim(&mut self, id: NodeId, addresses: Vec<Ipv4Addr>) {
        let old = std::mem::replace(&mut self.node_mut(id).addresses, addresses.clone());
        let behind = self.node(id).behind;
        let nat = behind.and_then(|nat| self.nodes.get_mut(nat.index())).and_then(|node| node.nat_mut());
        let map = nat.map_or(&mut self.public, |nat| &mut nat.inside);
        for address in old {
            map.remove(&address);
        }
        map.extend(addresses.into_iter().map(|address| (address, id)));
    }

    fn push_node(&mut self, name: &str, behind: Option<NodeId>, kind: Kind) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(Node { name: name.to_owned(), behind, addresses: Vec::new(), kind });
        id
    }

    /// Ids are only made by [`Network::push_node`], and nodes are never removed once their id is out.
    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    pub(super) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.index()]
    }

    #[track_caller]
    fn id(&self, name: &str) -> NodeId {
        self.place(name).node
    }

    #[track_caller]
    pub(super) fn place(&self, name: &str) -> Endpoint {
        match self.places.get(name) {
            Some(place) => *place,
            None => panic!("nothing on the network is called {name}"),
        }
    }

    #[track_caller]
    fn router_mut(&mut self, name: &str) -> &mut Router {
        let id = self.id(name);
        self.node_mut(id).router_mut().unwrap_or_else(|| panic!("{name} is no router"))
    }
}

impl NodeId {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("seed", &self.seed)
            .field("now", &self.now)
            .field("nodes", &self.nodes.iter().map(|node| &node.name).collect::<Vec<_>>())
            .field("in_flight", &self.in_flight)
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

fn stream(seed: u64, stream: u64) -> ChaCha20Rng {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}
