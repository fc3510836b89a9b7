//! Random graphs: however routers mix the two rules and the fallbacks, a packet comes nearer with each hop.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use super::*;

const GRAPHS: u64 = 10_000;

struct Dice(ChaCha20Rng);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        let limit = u32::try_from(limit).expect("a small limit");
        usize::try_from(self.0.next_u32() % limit).expect("a small number")
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

struct Network {
    topology: Topology,
    /// Per router: its address on the cloud, if it is on it, and the addresses of its neighbours by router.
    roots: Vec<Root>,
    /// Who owns a gateway address.
    owners: BTreeMap<Ipv4Addr, usize>,
}

fn id(index: usize) -> Ipv4Addr {
    Ipv4Addr::new(1, 1, 1, u8::try_from(index + 1).expect("few routers"))
}

fn cloud_address(index: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, u8::try_from(index + 1).expect("few routers"))
}

/// Hubs, spokes and routers behind them, with serial links anywhere and costs small enough for many equal paths.
fn random_network(dice: &mut Dice) -> Network {
    let on_cloud = 3 + dice.below(5);
    let behind = dice.below(4);
    let hubs = 1 + dice.below(2);
    let count = on_cloud + behind;
    let mut topology = Topology::default();
    let mut owners = BTreeMap::new();
    let mut neighbors: Vec<BTreeMap<(usize, Ipv4Addr), Ipv4Addr>> = vec![BTreeMap::new(); count];
    let mut serial: Vec<Vec<RootInterface>> = Vec::new();
    for index in 0..count {
        serial.push(Vec::new());
        topology.link(
            id(index),
            LinkKind::STUB,
            Ipv4Addr::new(192, 168, u8::try_from(index).expect("few routers"), 0),
            Ipv4Addr::new(255, 255, 255, 0),
            1,
        );
        if index < on_cloud {
            owners.insert(cloud_address(index), index);
            let kind = if dice.one_in(3) { RootInterfaceKind::Direct } else { RootInterfaceKind::Cloud };
            serial[index].push(RootInterface {
                id: InterfaceId(0),
                address: cloud_address(index),
                prefix: "10.0.0.0/24".parse().expect("a prefix"),
                kind,
                cost: None,
            });
        }
    }
    let cost = |dice: &mut Dice| u16::try_from(1 + dice.below(4)).expect("a small cost");
    for hub in 0..hubs {
        for other in hub + 1..on_cloud {
            if !(dice.one_in(5) && hub > 0) {
                let (there, back) = (cost(dice), cost(dice));
                topology.link(id(hub), LinkKind::POINT_TO_POINT, id(other), cloud_address(hub), there);
                topology.link(id(other), LinkKind::POINT_TO_POINT, id(hub), cloud_address(other), back);
                neighbors[hub].insert((0, id(other)), cloud_address(other));
                neighbors[other].insert((0, id(hub)), cloud_address(hub));
            }
        }
    }
    let serial_links = behind + dice.below(3);
    for number in 0..serial_links {
        let a = if number < behind { on_cloud + number } else { dice.below(count) };
        let b = dice.below(count);
        if a == b {
            continue;
        }
        let ends = [(a, 1u8, b), (b, 2u8, a)];
        let address = |last: u8| Ipv4Addr::new(172, 16, u8::try_from(number).expect("few links"), last);
        for (from, last, to) in ends {
            let metric = cost(dice);
            topology.link(id(from), LinkKind::POINT_TO_POINT, id(to), address(last), metric);
            owners.insert(address(last), from);
            neighbors[from].insert((serial[from].len(), id(to)), address(3 - last));
            let interface = InterfaceId(u32::try_from(serial[from].len() + 1).expect("few links"));
            serial[from].push(RootInterface {
                id: interface,
                address: address(last),
                prefix: Ipv4Net::new(address(0), 24).expect("a prefix"),
                kind: RootInterfaceKind::Direct,
                cost: None,
            });
        }
    }
    let roots = serial.into_iter().zip(neighbors).enumerate().map(|(index, (interfaces, neighbors))| Root {
        router_id: id(index),
        interfaces,
        neighbors,
    });
    Network { topology, roots: roots.collect(), owners }
}

#[test]
fn no_packet_loops_and_none_is_lost() {
    let mut walks = 0u64;
    let mut shortcuts = 0u64;
    for seed in 0..GRAPHS {
        let mut dice = Dice(ChaCha20Rng::seed_from_u64(seed));
        let network = random_network(&mut dice);
        let tables: Vec<_> =
            network.roots.iter().map(|root| network.topology.routes(&network.topology.run(root))).collect();
        for (destination, router) in network.topology.routers.keys().enumerate() {
            let prefix =
                Ipv4Net::new(Ipv4Addr::new(192, 168, u8::try_from(destination).expect("few routers"), 0), 24)
                    .expect("a prefix");
            assert_eq!(*router, id(destination));
            for start in 0..network.roots.len() {
                let mut at = start;
                let mut cost = u32::MAX;
                while at != destination {
                    let Some((distance, hops)) = tables[at].get(&prefix) else {
                        assert_eq!(at, start, "seed {seed}: a route that leads to a router without one");
                        break;
                    };
                    assert!(
                        *distance < cost,
                        "seed {seed}: {start} to {prefix} does not come nearer at {at}"
                    );
                    cost = *distance;
                    // Any equal-cost way, and on it the gateway or any of its fallbacks.
                    let hop = &hops[dice.below(hops.len())];
                    let gateways: Vec<_> = hop.gateway.iter().chain(&hop.fallbacks).collect();
                    let gateway = gateways[dice.below(gateways.len())];
                    shortcuts += u64::from(gateways.len() > 1 && gateway == gateways[0]);
                    at = network.owners[gateway];
                }
                walks += 1;
            }
        }
    }
    assert!(walks > 300_000, "{walks} walks");
    assert!(shortcuts > 20_000, "{shortcuts} shortcuts taken");
}
