//! Random clouds, failures in them, and a walk from every router to every prefix by what each router on the way would do.
//!
//! Ten thousand clouds of one or two hubs, spokes, and routers behind spokes, with links beside the tunnel and costs small
//! enough for many equal paths. They come up by speaking OSPF; then routers die, links and interfaces fail, costs change,
//! direct paths come and go, some of it is repaired. After that
//! - every prefix that the links that are left can reach has a route on every router, and no other prefix has one;
//! - every packet comes nearer with each hop, so that none goes in a circle, and arrives;
//! - the gateways are those of a second calculation, which enumerates all shortest paths.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use common::*;
use ipnet::Ipv4Net;
use ospf_p2mp::{Config, Direct, Input, InterfaceConfig, InterfaceId, NextHopMode};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Clouds in each of the ten tests.
const CLOUDS: u64 = 1_000;

struct Dice(ChaCha20Rng);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0.next_u32() as usize % limit
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// One end of a link.
type End = (usize, InterfaceId);

struct Network {
    cloud: Cloud,
    /// Pairs of neighbours, whether they reach each other now or not.
    links: Vec<(End, End)>,
    failed: BTreeSet<usize>,
    dead: BTreeSet<usize>,
    interfaces_down: BTreeSet<End>,
}

fn on_cloud(index: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, u8::try_from(index + 1).expect("few routers"))
}

fn lan_of(index: usize) -> Ipv4Net {
    Ipv4Net::new(Ipv4Addr::new(192, 168, u8::try_from(index).expect("few routers"), 0), 24).expect("a prefix")
}

fn random_network(dice: &mut Dice) -> Network {
    let hubs = 1 + dice.below(2);
    let spokes = 2 + dice.below(3);
    let behind = dice.below(3);
    let count = hubs + spokes + behind;
    let cost = |dice: &mut Dice| u16::try_from(1 + dice.below(4)).expect("a small cost");
    let mut configs: Vec<Config> = Vec::new();
    for index in 0..count {
        let mut config = Config::new(Ipv4Addr::new(1, 1, 1, u8::try_from(index + 1).expect("few routers")));
        let lan = lan_of(index);
        config.interfaces.push(InterfaceConfig::lan(LAN, "lan", lan.hosts().next().expect("a host"), 24));
        if index < hubs + spokes {
            let mut tunnel = InterfaceConfig::tunnel(TUNNEL, "tunnel", on_cloud(index), 24);
            tunnel.cost = cost(dice);
            if index < hubs || dice.one_in(4) {
                tunnel.next_hop = NextHopMode::Rfc2328;
            }
            config.interfaces.push(tunnel);
        }
        configs.push(config);
    }
    let mut links = Vec::new();
    for hub in 0..hubs {
        for other in hub + 1..hubs + spokes {
            // Not every spoke is at the second hub.
            if hub == 0 || !dice.one_in(4) {
                links.push(((hub, TUNNEL), (other, TUNNEL)));
            }
        }
    }
    // Routers behind spokes, each at one, and links beside the tunnel.
    for number in 0..behind + dice.below(2) {
        let a = if number < behind { hubs + spokes + number } else { dice.below(count) };
        let b = if number < behind { hubs + dice.below(spokes) } else { dice.below(count) };
        if a == b {
            continue;
        }
        let id = InterfaceId(10 + u32::try_from(number).expect("few links"));
        for (router, last) in [(a, 1), (b, 2)] {
            let address = Ipv4Addr::new(172, 16, u8::try_from(number).expect("few links"), last);
            let mut interface = InterfaceConfig::tunnel(id, "link", address, 24);
            interface.next_hop = NextHopMode::Rfc2328;
            interface.cost = cost(dice);
            configs[router].interfaces.push(interface);
        }
        links.push(((a, id), (b, id)));
    }
    let mut cloud = Cloud::new(configs);
    cloud.latency = ms(5);
    for ((a, on_a), (b, on_b)) in &links {
        cloud.register_on(*a, *on_a, *b, *on_b);
    }
    Network { cloud, links, failed: BTreeSet::new(), dead: BTreeSet::new(), interfaces_down: BTreeSet::new() }
}

impl Network {
    fn addresses(&self, link: usize) -> (Ipv4Addr, Ipv4Addr) {
        let ((a, on_a), (b, on_b)) = self.links[link];
        (self.cloud.address(a, on_a), self.cloud.address(b, on_b))
    }

    /// Something fails, changes or is repaired.
    fn disturb(&mut self, dice: &mut Dice) {
        match dice.below(7) {
            0 => self.fail_link(dice),
            1 => self.repair_link(dice),
            2 => self.kill(dice),
            3 => self.revive(dice),
            4 => self.toggle_interface(dice),
            5 => self.change_cost(dice),
            _ => self.toggle_direct(dice),
        }
    }

    fn fail_link(&mut self, dice: &mut Dice) {
        let link = dice.below(self.links.len());
        if self.failed.insert(link) {
            let ((a, on_a), (b, on_b)) = self.links[link];
            let (address_a, address_b) = self.addresses(link);
            self.cloud.part(address_a, address_b);
            self.cloud.input(a, Input::PeerDown { interface: on_a, address: address_b });
            self.cloud.input(b, Input::PeerDown { interface: on_b, address: address_a });
        }
    }

    fn repair_link(&mut self, dice: &mut Dice) {
        let some = self.failed.iter().copied().nth(dice.below(3));
        if let Some(link) = some {
            self.failed.remove(&link);
            let ((a, on_a), (b, on_b)) = self.links[link];
            self.cloud.register_on(a, on_a, b, on_b);
        }
    }

    fn kill(&mut self, dice: &mut Dice) {
        let router = dice.below(self.cloud.nodes.len());
        if self.dead.len() < 2 && self.dead.insert(router) {
            self.cloud.crash(router);
            for link in 0..self.links.len() {
                let ((a, on_a), (b, on_b)) = self.links[link];
                let (address_a, address_b) = self.addresses(link);
                if a == router {
                    self.cloud.input(b, Input::PeerDown { interface: on_b, address: address_a });
                } else if b == router {
                    self.cloud.input(a, Input::PeerDown { interface: on_a, address: address_b });
                }
            }
        }
    }

    fn revive(&mut self, dice: &mut Dice) {
        let some = self.dead.iter().copied().nth(dice.below(2));
        if let Some(router) = some {
            self.dead.remove(&router);
            self.interfaces_down.retain(|(of, _)| *of != router);
            self.cloud.boot(router);
            for link in 0..self.links.len() {
                let ((a, on_a), (b, on_b)) = self.links[link];
                if (a == router || b == router) && !self.failed.contains(&link) {
                    self.cloud.register_on(a, on_a, b, on_b);
                }
            }
        }
    }

    fn toggle_interface(&mut self, dice: &mut Dice) {
        let ((a, on_a), (b, on_b)) = self.links[dice.below(self.links.len())];
        let (router, interface) = if dice.one_in(2) { (a, on_a) } else { (b, on_b) };
        if self.dead.contains(&router) {
            return;
        }
        if self.interfaces_down.remove(&(router, interface)) {
            self.cloud.input(router, Input::InterfaceUp { interface });
        } else {
            self.interfaces_down.insert((router, interface));
            self.cloud.input(router, Input::InterfaceDown { interface });
        }
        // NHRP tells the others.
        for link in 0..self.links.len() {
            let ends = self.links[link];
            for ((of, on), (peer, on_peer)) in [ends, (ends.1, ends.0)] {
                if (of, on) == (router, interface) && !self.failed.contains(&link) {
                    let address = self.cloud.address(of, on);
                    let input = if self.interfaces_down.contains(&(router, interface)) {
                        Input::PeerDown { interface: on_peer, address }
                    } else {
                        Input::PeerUp { interface: on_peer, address }
                    };
                    self.cloud.input(peer, input);
                }
            }
        }
    }

    fn change_cost(&mut self, dice: &mut Dice) {
        let router = dice.below(self.cloud.nodes.len());
        if self.dead.contains(&router) {
            return;
        }
        let mut config = self.cloud.nodes[router].config.clone();
        let interface = dice.below(config.interfaces.len());
        config.interfaces[interface].cost = u16::try_from(1 + dice.below(4)).expect("a small cost");
        self.cloud.reconfigure(router, config).expect("valid");
    }

    fn toggle_direct(&mut self, dice: &mut Dice) {
        let (router, gateway) = (dice.below(self.cloud.nodes.len()), on_cloud(dice.below(6)));
        let state = [Direct::Unknown, Direct::Up][dice.below(2)];
        self.cloud.input(router, Input::SetDirect { interface: TUNNEL, gateway, state });
    }

    /// Whether a link carries packets.
    fn works(&self, link: usize) -> bool {
        let (a, b) = self.links[link];
        !self.failed.contains(&link)
            && [a, b].iter().all(|end| !self.dead.contains(&end.0) && !self.interfaces_down.contains(end))
    }

    /// From each router over working links: the next router, its address there, the interface, the cost.
    fn graph(&self) -> Vec<Vec<(usize, Ipv4Addr, InterfaceId, u32)>> {
        let mut graph = vec![Vec::new(); self.cloud.nodes.len()];
        for link in (0..self.links.len()).filter(|link| self.works(*link)) {
            let (a, b) = self.links[link];
            for (from, to) in [(a, b), (b, a)] {
                let interfaces = &self.cloud.nodes[from.0].config.interfaces;
                let cost =
                    interfaces.iter().find(|interface| interface.id == from.1).expect("an interface").cost;
                graph[from.0].push((to.0, self.cloud.address(to.0, to.1), from.1, u32::from(cost)));
            }
        }
        graph
    }

    fn originates_gateways(&self, router: usize, interface: InterfaceId) -> bool {
        let interfaces = &self.cloud.nodes[router].config.interfaces;
        interfaces.iter().any(|one| one.id == interface && one.next_hop == NextHopMode::Originator)
    }
}

/// The distances of all routers to one.
fn distances(graph: &[Vec<(usize, Ipv4Addr, InterfaceId, u32)>], to: usize) -> Vec<Option<u32>> {
    let mut distance = vec![None; graph.len()];
    distance[to] = Some(0);
    for _ in 0..graph.len() {
        for (from, edges) in graph.iter().enumerate() {
            for (next, _, _, cost) in edges {
                if let Some(rest) = distance[*next] {
                    let sum = rest + cost;
                    distance[from] = Some(distance[from].map_or(sum, |known: u32| known.min(sum)));
                }
            }
        }
    }
    distance
}

/// Interface and routers of the cloud along a path, nearest first.
type Chain = (InterfaceId, Vec<Ipv4Addr>);

/// The chains of all shortest paths, by trying them all.
fn chains(
    graph: &[Vec<(usize, Ipv4Addr, InterfaceId, u32)>],
    distance: &[Option<u32>],
    from: usize,
    stays: bool,
) -> BTreeSet<Chain> {
    let mut found = BTreeSet::new();
    let mut open: Vec<(usize, Option<Chain>, bool)> = vec![(from, None, true)];
    while let Some((at, chain, on_cloud)) = open.pop() {
        if distance[at] == Some(0) {
            found.extend(chain);
            continue;
        }
        for (next, address, interface, cost) in &graph[at] {
            let nearer = distance[*next].is_some_and(|rest| Some(rest + cost) == distance[at]);
            if !nearer {
                continue;
            }
            let (chain, on_cloud) = match &chain {
                None => ((*interface, vec![*address]), stays && *interface == TUNNEL),
                Some((first, gateways)) if on_cloud && *interface == TUNNEL => {
                    ((*first, [gateways.as_slice(), &[*address]].concat()), true)
                }
                Some(chain) => (chain.clone(), false),
            };
            open.push((*next, Some(chain), on_cloud));
        }
    }
    found
}

/// A hub as plain next hop is left out where the same hub leads to a shortcut.
fn gateways(chains: &BTreeSet<Chain>) -> BTreeSet<(InterfaceId, Ipv4Addr)> {
    let is_shadowed = |(interface, gateways): &Chain| {
        gateways.len() == 1
            && chains.iter().any(|(other, longer)| {
                other == interface && longer.len() > 1 && longer.first() == gateways.first()
            })
    };
    chains
        .iter()
        .filter(|chain| !is_shadowed(chain))
        .map(|(interface, chain)| (*interface, chain[chain.len() - 1]))
        .collect()
}

#[derive(Default)]
struct Count {
    walks: u64,
    direct: u64,
    unreachable: u64,
}

fn check(network: &Network, dice: &mut Dice, seed: u64, count: &mut Count) {
    let graph = network.graph();
    let nodes = &network.cloud.nodes;
    let owners: BTreeMap<Ipv4Addr, usize> = nodes
        .iter()
        .enumerate()
        .flat_map(|(index, node)| {
            node.config.interfaces.iter().map(move |interface| (interface.address, index))
        })
        .collect();
    for to in (0..nodes.len()).filter(|to| !network.dead.contains(to)) {
        let prefix = lan_of(to);
        let distance = distances(&graph, to);
        let lan_cost = u32::from(nodes[to].config.interfaces[0].cost);
        for from in (0..nodes.len()).filter(|from| *from != to && !network.dead.contains(from)) {
            let route = nodes[from].table.get(&prefix);
            let wanted = distance[from].map(|distance| distance + lan_cost);
            assert_eq!(route.map(|route| route.metric), wanted, "seed {seed}: {from} to {prefix}");
            let Some(route) = route else {
                count.unreachable += 1;
                continue;
            };
            let chains = chains(&graph, &distance, from, network.originates_gateways(from, TUNNEL));
            let ours: BTreeSet<_> =
                route.next_hops.iter().filter_map(|hop| Some((hop.interface, hop.gateway?))).collect();
            assert_eq!(ours, gateways(&chains), "seed {seed}: gateways of {from} to {prefix}");
            let mut at = from;
            while at != to {
                let route = nodes[at].table.get(&prefix);
                let route =
                    route.unwrap_or_else(|| panic!("seed {seed}: {from} to {prefix} is lost at {at}"));
                let hop = &route.next_hops[dice.below(route.next_hops.len())];
                let active = hop.active.expect("a gateway");
                count.direct += u64::from(hop.active == hop.gateway && !hop.fallbacks.is_empty());
                let next = owners[&active];
                assert!(!network.dead.contains(&next), "seed {seed}: {at} sends to {next}, which is dead");
                let metric = nodes[next].table.get(&prefix).map_or(lan_cost, |route| route.metric);
                assert!(
                    metric < route.metric,
                    "seed {seed}: {from} to {prefix} does not come nearer at {at}"
                );
                at = next;
            }
            count.walks += 1;
        }
    }
    // What is gone has no route anywhere.
    for dead in &network.dead {
        assert!(
            nodes.iter().all(|node| !node.table.contains_key(&lan_of(*dead))),
            "seed {seed}: {dead} is dead"
        );
    }
}

fn walk(part: u64) {
    let mut count = Count::default();
    for seed in part * CLOUDS..(part + 1) * CLOUDS {
        let mut dice = Dice(ChaCha20Rng::seed_from_u64(seed));
        let mut network = random_network(&mut dice);
        for _ in 0..10 {
            network.toggle_direct(&mut dice);
        }
        network.cloud.run_for(ms(200 + dice.below(1500) as u64));
        for _ in 0..1 + dice.below(5) {
            network.disturb(&mut dice);
            network.cloud.run_for(ms(dice.below(400) as u64));
        }
        network.cloud.run_for(Duration::from_secs(20));
        check(&network, &mut dice, seed, &mut count);
    }
    assert!(count.walks > 15 * CLOUDS, "{} walks", count.walks);
    assert!(count.direct > CLOUDS / 4, "{} hops by direct paths", count.direct);
    assert!(count.unreachable > CLOUDS / 10, "{} pairs without a path", count.unreachable);
}

macro_rules! parts {
    ($($name:ident $part:literal)+) => {$(
        #[test]
        fn $name() {
            walk($part);
        }
    )+};
}

parts! {
    clouds_0_to_999 0
    clouds_1000_to_1999 1
    clouds_2000_to_2999 2
    clouds_3000_to_3999 3
    clouds_4000_to_4999 4
    clouds_5000_to_5999 5
    clouds_6000_to_6999 6
    clouds_7000_to_7999 7
    clouds_8000_to_8999 8
    clouds_9000_to_9999 9
}
