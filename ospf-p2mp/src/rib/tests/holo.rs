//! Recorded databases of ten topologies, with the routes that another implementation computed from them.

use serde_json::Value;

use super::*;
use crate::spf::{RootInterface, RootInterfaceKind};
use crate::wire::{LinkKind, LsaType, NetworkLsa, Options, RouterLink, RouterLsa, SummaryLsa};

fn cases() -> Option<Vec<Value>> {
    let text = read("holo/spf-cases.jsonl")?;
    Some(text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect())
}

fn address(value: &Value) -> Ipv4Addr {
    value.as_str().expect("text").parse().expect("an address")
}

fn number(value: &Value) -> u32 {
    u32::try_from(value.as_u64().expect("a number")).expect("32 bits")
}

fn body(lsa: &Value) -> (LsaType, LsaBody) {
    match lsa["type"].as_str().expect("a type") {
        "router-lsa" => {
            let mut flags = RouterFlags::default();
            for flag in lsa["flags"].as_array().expect("flags") {
                flags = flags.union(match flag.as_str().expect("text") {
                    "abr-bit" => RouterFlags::B,
                    "asbr-bit" => RouterFlags::E,
                    "vlink-end-bit" => RouterFlags::V,
                    other => panic!("flag {other}"),
                });
            }
            let links = lsa["links"].as_array().expect("links").iter().map(|link| {
                let kind = match link["type"].as_str().expect("text") {
                    "point-to-point" => LinkKind::POINT_TO_POINT,
                    "transit-network" => LinkKind::TRANSIT,
                    "stub-network" => LinkKind::STUB,
                    _ => LinkKind::VIRTUAL,
                };
                let metric = u16::try_from(number(&link["metric"])).expect("a link metric");
                RouterLink { kind, id: address(&link["id"]), data: address(&link["data"]), metric }
            });
            (LsaType::ROUTER, LsaBody::Router(RouterLsa { flags, links: links.collect(), tos: Vec::new() }))
        }
        "network-lsa" => {
            let routers = lsa["routers"].as_array().expect("routers").iter().map(address).collect();
            (LsaType::NETWORK, LsaBody::Network(NetworkLsa { mask: address(&lsa["mask"]), routers }))
        }
        "network-summary-lsa" => {
            let summary = SummaryLsa::new(address(&lsa["mask"]), number(&lsa["metric"]));
            (LsaType::SUMMARY, LsaBody::Summary(summary))
        }
        "asbr-summary-lsa" => {
            let summary = SummaryLsa::new(Ipv4Addr::UNSPECIFIED, number(&lsa["metric"]));
            (LsaType::ASBR_SUMMARY, LsaBody::AsbrSummary(summary))
        }
        other => panic!("LSA type {other}"),
    }
}

fn load(case: &Value, now: Instant) -> Recorded {
    let mut recorded = Recorded::default();
    for interface in case["interfaces"].as_array().expect("interfaces") {
        recorded.areas.insert(AreaId(address(&interface["area"])), AreaKind::Normal);
    }
    for value in case["lsas"].as_array().expect("LSAs") {
        let (ls_type, body) = body(value);
        let key = LsaKey::new(ls_type.0, address(&value["id"]), address(&value["adv"]));
        let lsa = Lsa::new(key, Options::E, 1, body.encode()).expect("a small LSA");
        recorded.add(now, AreaId(address(&value["area"])), lsa);
    }
    recorded
}

/// The interfaces of an area, as far as the recording tells.
fn root(case: &Value, area: AreaId) -> (Root, Vec<String>) {
    let mut root =
        Root { router_id: address(&case["router_id"]), interfaces: Vec::new(), neighbors: BTreeMap::new() };
    let mut names = Vec::new();
    for interface in case["interfaces"].as_array().expect("interfaces") {
        if AreaId(address(&interface["area"])) != area {
            continue;
        }
        let name = interface["name"].as_str().expect("a name");
        let addresses = case["addresses"].as_array().expect("addresses");
        let prefix = addresses.iter().find(|entry| entry[0] == name).map(|entry| {
            entry[1].as_str().expect("text").parse::<Ipv4Net>().expect("an address with its length")
        });
        let Some(prefix) = prefix else { continue };
        for neighbor in interface["nbrs"].as_array().expect("neighbours") {
            root.neighbors.insert((names.len(), address(&neighbor["rid"])), address(&neighbor["addr"]));
        }
        root.interfaces.push(RootInterface {
            id: InterfaceId(u32::try_from(names.len()).expect("few interfaces")),
            address: prefix.addr(),
            prefix: prefix.trunc(),
            kind: RootInterfaceKind::Direct,
            cost: None,
        });
        names.push(name.to_owned());
    }
    (root, names)
}

#[test]
fn recorded_databases_give_the_recorded_routes() {
    let Some(cases) = cases() else { return };
    let now = epoch();
    let (mut checked, mut routes) = (0, 0);
    for case in &cases {
        let name = format!("{} {}", case["topology"], case["router"]);
        // Virtual links (topo3) and unnumbered links in parallel (topo2-3) are not offered.
        if name.contains("topo3") || name.contains("topo2-3") {
            continue;
        }
        let mut recorded = load(case, now);
        let areas: Vec<_> = recorded.areas.keys().copied().collect();
        let mut interface_names: BTreeMap<(AreaId, InterfaceId), String> = BTreeMap::new();
        for area in &areas {
            let (root, names) = root(case, *area);
            for (index, name) in names.into_iter().enumerate() {
                interface_names.insert((*area, InterfaceId(u32::try_from(index).expect("few"))), name);
            }
            recorded.run_spf(*area, &root);
        }
        recorded.evaluate(now, address(&case["router_id"]));
        type Row = (u32, String, BTreeSet<(String, String)>);
        let ours: BTreeMap<Ipv4Net, Row> = recorded
            .rib
            .table()
            .map(|route| {
                let kind = if route.kind == RouteKind::IntraArea { "intra-area" } else { "inter-area" };
                let hops = route.next_hops.iter().map(|hop| {
                    let name = interface_names[&(route.area, hop.interface)].clone();
                    (name, hop.gateway.map_or(String::new(), |gateway| gateway.to_string()))
                });
                (route.prefix, (route.metric, kind.to_owned(), hops.collect()))
            })
            .collect();
        let theirs: BTreeMap<Ipv4Net, Row> = case["routes"]
            .as_array()
            .expect("routes")
            .iter()
            .map(|route| {
                let hops = route["nh"].as_array().expect("next hops").iter().map(|hop| {
                    let gateway = hop[1].as_str().unwrap_or_default().to_owned();
                    (hop[0].as_str().expect("text").to_owned(), gateway)
                });
                let prefix = route["prefix"].as_str().expect("text").parse().expect("a prefix");
                let kind = route["type"].as_str().expect("text").to_owned();
                (prefix, (number(&route["metric"]), kind, hops.collect()))
            })
            .collect();
        assert_eq!(ours, theirs, "{name}");
        checked += 1;
        routes += theirs.len();
    }
    assert_eq!(checked, 39);
    assert!(routes > 500, "{routes}");
}
