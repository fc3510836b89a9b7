//! Small databases with the expected result of both rules.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

const CASES: &str = include_str!("../../../tests/data/nexthop-cases.json");

fn address(value: &Value) -> Ipv4Addr {
    value.as_str().expect("text").parse().expect("an address")
}

fn metric(value: &Value) -> u32 {
    u32::try_from(value.as_u64().expect("a number")).expect("a metric")
}

fn topology(case: &Value) -> Topology {
    let mut topology = Topology::default();
    for (router, value) in case["routers"].as_object().expect("routers") {
        for link in value["links"].as_array().expect("links") {
            let kind = match link[0].as_str() {
                Some("p2p") => LinkKind::POINT_TO_POINT,
                Some("transit") => LinkKind::TRANSIT,
                Some("stub") => LinkKind::STUB,
                other => panic!("link kind {other:?}"),
            };
            let cost = u16::try_from(metric(&link[3])).expect("a link metric");
            let router = router.parse().expect("a router id");
            topology.link(router, kind, address(&link[1]), address(&link[2]), cost);
        }
    }
    for (id, value) in case["networks"].as_object().expect("networks") {
        let length = u8::try_from(value["mask"].as_u64().expect("a length")).expect("a length");
        let mask = Ipv4Net::new(Ipv4Addr::UNSPECIFIED, length).expect("a length").netmask();
        let routers = value["routers"].as_array().expect("routers").iter().map(address).collect();
        topology.networks.insert(id.parse().expect("an address"), NetworkLsa { mask, routers });
    }
    topology
}

fn root(case: &Value, kind: RootInterfaceKind) -> (Root, Vec<String>) {
    let mut interfaces = Vec::new();
    let mut names = Vec::new();
    let mut neighbors = BTreeMap::new();
    for (index, (name, value)) in case["interfaces"].as_object().expect("interfaces").iter().enumerate() {
        interfaces.push(RootInterface {
            id: InterfaceId(u32::try_from(index).expect("few interfaces")),
            address: address(&value["addr"]),
            prefix: value["prefix"].as_str().expect("text").parse().expect("a prefix"),
            kind,
            cost: None,
        });
        names.push(name.clone());
        for (id, neighbor) in value["nbrs"].as_object().expect("neighbours") {
            neighbors.insert((index, id.parse().expect("a router id")), address(neighbor));
        }
    }
    (Root { router_id: address(&case["root"]), interfaces, neighbors }, names)
}

/// One way to go: interface, gateway, fallbacks.
type Way = (String, Ipv4Addr, BTreeSet<Ipv4Addr>);

fn check(case: &Value, kind: RootInterfaceKind) {
    let name = case["name"].as_str().expect("a name");
    let topology = topology(case);
    let (root, names) = root(case, kind);
    let routes = topology.routes(&topology.run(&root));
    let expected = case["expected"].as_object().expect("routes");
    let prefixes: Vec<String> = routes.keys().map(ToString::to_string).collect();
    let mut wanted: Vec<Ipv4Net> = expected.keys().map(|prefix| prefix.parse().expect("a prefix")).collect();
    wanted.sort_unstable();
    assert_eq!(prefixes, wanted.iter().map(ToString::to_string).collect::<Vec<_>>(), "{name}: prefixes");
    for (prefix, value) in expected {
        let (cost, hops) = &routes[&prefix.parse().expect("a prefix")];
        assert_eq!(*cost, metric(&value["metric"]), "{name}: metric of {prefix}");
        let ours: BTreeSet<Way> = hops
            .iter()
            .map(|hop| {
                let interface = names[usize::try_from(hop.interface.0).expect("an index")].clone();
                (interface, hop.gateway.expect("a gateway"), hop.fallbacks.iter().copied().collect())
            })
            .collect();
        let theirs: BTreeSet<Way> = match kind {
            RootInterfaceKind::Direct => value["rfc"]
                .as_array()
                .expect("next hops")
                .iter()
                .map(|hop| (hop[0].as_str().expect("text").into(), address(&hop[1]), BTreeSet::new()))
                .collect(),
            RootInterfaceKind::Cloud => value["direct"]
                .as_array()
                .expect("next hops")
                .iter()
                .map(|hop| {
                    let fallbacks =
                        hop["fallback"].as_array().expect("fallbacks").iter().map(address).collect();
                    (hop["if"].as_str().expect("text").into(), address(&hop["gw"]), fallbacks)
                })
                .collect(),
        };
        assert_eq!(ours, theirs, "{name}: next hops of {prefix}");
    }
}

fn all() -> Vec<Value> {
    let cases: Vec<Value> = serde_json::from_str(CASES).expect("the cases are JSON");
    assert_eq!(cases.len(), 14);
    cases
}

#[test]
fn the_rfc_next_hop_of_every_case() {
    for case in all() {
        check(&case, RootInterfaceKind::Direct);
    }
}

#[test]
fn the_originator_next_hop_of_every_case() {
    for case in all() {
        check(&case, RootInterfaceKind::Cloud);
    }
}

#[test]
fn fallbacks_come_farthest_first_and_end_at_the_rfc_next_hop() {
    let case = all().into_iter().find(|case| case["name"] == "hub-chain").expect("the case");
    let topology = topology(&case);
    let (root, _) = root(&case, RootInterfaceKind::Cloud);
    let routes = topology.routes(&topology.run(&root));
    let (_, hops) = &routes[&"192.168.12.0/24".parse().expect("a prefix")];
    let fallbacks = ["10.0.0.2", "10.0.0.1"].map(|text| text.parse::<Ipv4Addr>().expect("an address"));
    assert_eq!(hops[0].fallbacks, fallbacks);
    assert_eq!(hops[0].rfc_gateway(), Some(fallbacks[1]));
}

/// A star with links in both directions: the hub 10.0.0.1 and spokes from 10.0.0.11.
fn star(spokes: u8) -> Topology {
    let mut topology = Topology::default();
    let hub = Ipv4Addr::new(10, 0, 0, 1);
    for number in 11..11 + spokes {
        let spoke = Ipv4Addr::new(10, 0, 0, number);
        topology.link(hub, LinkKind::POINT_TO_POINT, spoke, hub, 10);
        topology.link(spoke, LinkKind::POINT_TO_POINT, hub, spoke, 10);
        topology.link(
            spoke,
            LinkKind::STUB,
            Ipv4Addr::new(192, 168, number, 0),
            Ipv4Addr::new(255, 255, 255, 0),
            1,
        );
    }
    topology
}

fn spoke_root() -> Root {
    let (hub, spoke) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 11));
    let interface = RootInterface {
        id: InterfaceId(0),
        address: spoke,
        prefix: "10.0.0.0/24".parse().expect("a prefix"),
        kind: RootInterfaceKind::Cloud,
        cost: None,
    };
    Root { router_id: spoke, interfaces: vec![interface], neighbors: BTreeMap::from([((0, hub), hub)]) }
}

fn gateway_of(topology: &Topology, prefix: &str) -> Option<Ipv4Addr> {
    let routes = topology.routes(&topology.run(&spoke_root()));
    routes.get(&prefix.parse().expect("a prefix")).and_then(|(_, hops)| hops.first()?.gateway)
}

/// Link Data is chosen by the peer: addresses that cannot be its own lead to the hub, and so to no harm.
#[test]
fn link_data_that_lies_is_not_followed() {
    let hub = Ipv4Addr::new(10, 0, 0, 1);
    let victim = Ipv4Addr::new(10, 0, 0, 12);
    assert_eq!(gateway_of(&star(3), "192.168.12.0/24"), Some(victim), "honest");
    for (lie, what) in [
        (Ipv4Addr::new(10, 0, 0, 11), "the calculating router's address"),
        (hub, "the hub's address"),
        (Ipv4Addr::new(10, 0, 0, 13), "another spoke's address"),
        (Ipv4Addr::new(10, 0, 0, 0), "the network address"),
        (Ipv4Addr::new(10, 0, 0, 255), "the broadcast address"),
        (Ipv4Addr::new(172, 16, 0, 1), "an address outside of the cloud"),
        (Ipv4Addr::UNSPECIFIED, "no address"),
    ] {
        let mut topology = star(3);
        topology.routers.get_mut(&victim).expect("the spoke").links[0].data = lie;
        assert_eq!(gateway_of(&topology, "192.168.12.0/24"), Some(hub), "{what}");
    }
}

#[test]
fn a_second_claimant_is_reported() {
    let mut topology = star(3);
    let (victim, liar) = (Ipv4Addr::new(10, 0, 0, 12), Ipv4Addr::new(10, 0, 0, 13));
    topology.link(liar, LinkKind::STUB, victim, Ipv4Addr::BROADCAST, 0);
    let result = topology.run(&spoke_root());
    let expected = Ambiguity { interface: InterfaceId(0), address: victim, routers: (victim, liar) };
    assert_eq!(result.ambiguous, [expected]);
    assert_eq!(gateway_of(&topology, "192.168.12.0/24"), Some(Ipv4Addr::new(10, 0, 0, 1)));
    assert_eq!(gateway_of(&topology, "192.168.13.0/24"), Some(liar), "its own address is not in doubt");
}

/// Figures of a release build, with a wide margin: others need 6 ms for 1,000 routers and 77 ms for 5,000.
/// Run with `cargo test --release -p ospf-p2mp --lib -- --ignored --nocapture`.
#[test]
#[ignore = "measures time, which a loaded machine spoils"]
#[allow(clippy::disallowed_methods, clippy::print_stdout)]
fn a_star_of_ten_thousand_routers_takes_milliseconds() {
    for (spokes, limit) in [(1_000u32, 1_000), (5_000, 5_000), (10_000, 10_000)] {
        let mut topology = Topology::default();
        let hub = Ipv4Addr::new(10, 0, 0, 1);
        for number in 0..spokes {
            let spoke = Ipv4Addr::from(u32::from(hub) + 1 + number);
            topology.link(hub, LinkKind::POINT_TO_POINT, spoke, hub, 10);
            topology.link(spoke, LinkKind::POINT_TO_POINT, hub, spoke, 10);
            topology.link(spoke, LinkKind::STUB, spoke, Ipv4Addr::BROADCAST, 0);
        }
        let mut root = spoke_root();
        root.router_id = Ipv4Addr::new(10, 0, 0, 11);
        root.interfaces[0].prefix = "10.0.0.0/16".parse().expect("a prefix");
        let mut best = std::time::Duration::MAX;
        for _ in 0..20 {
            let start = std::time::Instant::now();
            let result = topology.run(&root);
            best = best.min(start.elapsed());
            assert_eq!(result.routers().count(), spokes as usize + 1);
            assert!(result.ambiguous.is_empty());
        }
        println!("{spokes} spokes: {best:?}");
        assert!(best.as_micros() < limit, "{spokes}: {best:?}");
    }
}
