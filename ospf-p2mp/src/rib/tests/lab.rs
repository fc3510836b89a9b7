//! Databases of clouds of FRR and BIRD, as FRR showed them, and the routes that FRR and BIRD had at that moment.

use super::*;
use crate::spf::{RootInterface, RootInterfaceKind};
use crate::wire::{LinkKind, LsaType, NetworkLsa, Options, RouterLink, RouterLsa};

const CLOUD: &str = "10.0.0.0/24";

/// Metric and gateways, `None` for a prefix of the router itself.
type Row = (u32, BTreeSet<Option<Ipv4Addr>>);
type Table = BTreeMap<Ipv4Net, Row>;

/// What follows a label on a line, up to the next blank.
fn value<'a>(line: &'a str, label: &str) -> Option<&'a str> {
    line.trim().strip_prefix(label)?.split_whitespace().next()
}

fn ip(text: &str) -> Ipv4Addr {
    text.parse().expect("an address")
}

fn hex(text: &str) -> u32 {
    u32::from_str_radix(text.trim_start_matches("0x"), 16).expect("a hexadecimal number")
}

/// One command's output in a file of several; nothing if it was not given.
fn output_of<'a>(text: &'a str, command: &str) -> &'a str {
    let Some(start) = text.find(&format!("## {command}\n")) else { return "" };
    let rest = &text[start + 3..];
    rest.find("\n## ").map_or(rest, |end| &rest[..end])
}

#[derive(Default)]
struct Shown {
    options: u8,
    id: Option<Ipv4Addr>,
    issuer: Option<Ipv4Addr>,
    sequence: u32,
    checksum: u32,
    flags: u32,
    links: Vec<RouterLink>,
    kind: Option<LinkKind>,
    link: Option<Ipv4Addr>,
    data: Option<Ipv4Addr>,
    mask: Option<Ipv4Addr>,
    attached: Vec<Ipv4Addr>,
}

impl Shown {
    /// The LSA as it was on the wire: the checksum that was shown proves it.
    fn build(self, name: &str) -> Option<Lsa> {
        let (id, issuer) = (self.id?, self.issuer?);
        let (kind, body) = match self.mask {
            Some(mask) => (LsaType::NETWORK, LsaBody::Network(NetworkLsa { mask, routers: self.attached })),
            None => {
                let flags = RouterFlags(u16::try_from(self.flags << 8).expect("an octet"));
                (LsaType::ROUTER, LsaBody::Router(RouterLsa { flags, links: self.links, tos: Vec::new() }))
            }
        };
        let key = LsaKey::new(kind.0, id, issuer);
        let sequence = self.sequence.cast_signed();
        let lsa = Lsa::new(key, Options(self.options), sequence, body.encode()).expect("a small LSA");
        assert_eq!(u32::from(lsa.header.checksum), self.checksum, "{name}: checksum of {id}");
        Some(lsa)
    }
}

/// `show ip ospf database router` and `network`.
fn lsas(text: &str, name: &str) -> Vec<Lsa> {
    let mut lsas = Vec::new();
    let mut shown = Shown::default();
    for line in text.lines().map(str::trim) {
        if line.starts_with("LS age:") {
            lsas.extend(std::mem::take(&mut shown).build(name));
        } else if let Some(text) = value(line, "Options:") {
            shown.options = u8::try_from(hex(text)).expect("an octet");
        } else if let Some(text) = value(line, "Link State ID:") {
            shown.id = Some(ip(text));
        } else if let Some(text) = value(line, "Advertising Router:") {
            shown.issuer = Some(ip(text));
        } else if let Some(text) = value(line, "LS Seq Number:") {
            shown.sequence = hex(text);
        } else if let Some(text) = value(line, "Checksum:") {
            shown.checksum = hex(text);
        } else if let Some(text) = value(line, "Flags:") {
            shown.flags = hex(text);
        } else if let Some(text) = value(line, "Network Mask: /") {
            let length = text.parse().expect("a length");
            shown.mask = Some(Ipv4Net::new(Ipv4Addr::UNSPECIFIED, length).expect("a mask").netmask());
        } else if let Some(text) = value(line, "Attached Router:") {
            shown.attached.push(ip(text));
        } else if let Some(text) = line.strip_prefix("Link connected to: ") {
            shown.kind = Some(match text {
                "Stub Network" => LinkKind::STUB,
                "a Transit Network" => LinkKind::TRANSIT,
                "another Router (point-to-point)" => LinkKind::POINT_TO_POINT,
                other => panic!("{name}: {other}"),
            });
        } else if line.starts_with("(Link ID)") {
            shown.link = line.split_whitespace().last().map(ip);
        } else if line.starts_with("(Link Data)") {
            shown.data = line.split_whitespace().last().map(ip);
        } else if let Some(text) = value(line, "TOS 0 Metric:") {
            let (kind, id, data) = (shown.kind.take(), shown.link.take(), shown.data.take());
            shown.links.push(RouterLink {
                kind: kind.expect("a kind"),
                id: id.expect("an id"),
                data: data.expect("data"),
                metric: text.parse().expect("a metric"),
            });
        }
    }
    lsas.extend(shown.build(name));
    lsas
}

/// `show ip ospf route` of FRR.
fn frr_table(text: &str) -> Table {
    let mut table = Table::new();
    let mut prefix = None;
    for line in text.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        match words.as_slice() {
            ["N", route, metric, ..] => {
                let route = route.parse().expect("a prefix");
                let metric = metric.trim_matches(['[', ']']).parse().expect("a metric");
                table.insert(route, (metric, BTreeSet::new()));
                prefix = Some(route);
            }
            ["via", gateway, _] => {
                let row = prefix.and_then(|prefix| table.get_mut(&prefix)).expect("a route");
                row.1.insert(Some(ip(gateway.trim_end_matches(','))));
            }
            _ => {}
        }
    }
    table
}

/// `show route all` of BIRD.
fn bird_table(text: &str) -> Table {
    let mut table = Table::new();
    let mut prefix: Option<Ipv4Net> = None;
    for line in text.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        match words.as_slice() {
            [route, "unicast", ..] => {
                let route = route.parse().expect("a prefix");
                table.insert(route, (0, BTreeSet::new()));
                prefix = Some(route);
            }
            ["via", gateway, "on", _] => {
                table.get_mut(&prefix.expect("a route")).expect("inserted").1.insert(Some(ip(gateway)));
            }
            ["OSPF.metric1:", metric] => {
                table.get_mut(&prefix.expect("a route")).expect("inserted").0 =
                    metric.parse().expect("a metric");
            }
            _ => {}
        }
    }
    table
}

/// The tables of both rules. In the laboratory a router's id is its tunnel address.
fn calculate(lsas: &[Lsa], own: Ipv4Addr, kind: RootInterfaceKind) -> (Table, Vec<Route>) {
    let now = epoch();
    let mut recorded = Recorded::default();
    recorded.areas.insert(AreaId::BACKBONE, AreaKind::Normal);
    for lsa in lsas {
        recorded.add(now, AreaId::BACKBONE, lsa.clone());
    }
    let mut root = Root { router_id: own, interfaces: Vec::new(), neighbors: BTreeMap::new() };
    root.interfaces.push(RootInterface {
        id: InterfaceId(0),
        address: own,
        prefix: CLOUD.parse().expect("a prefix"),
        kind,
        cost: None,
    });
    for lsa in lsas.iter().filter(|lsa| lsa.header.advertising_router == own) {
        let LsaBody::Router(lsa) = lsa.decode_body().expect("decodes") else { continue };
        for link in lsa.links.iter().filter(|link| link.kind == LinkKind::POINT_TO_POINT) {
            root.neighbors.insert((0, link.id), link.id);
        }
    }
    recorded.run_spf(AreaId::BACKBONE, &root);
    recorded.evaluate(now, own);
    let rows = recorded
        .rib
        .table()
        .map(|route| (route.prefix, (route.metric, route.next_hops.iter().map(|hop| hop.gateway).collect())));
    (rows.collect(), recorded.rib.table().cloned().collect())
}

const SCENARIOS: [(&str, &[&str]); 9] = [
    ("s1-frr84-birdptmp-stuck", &["hub", "s1", "s2", "s3"]),
    ("s2-frr84-birdptp", &["hub"]),
    ("s3-frr10-nonbroadcast-birdptmp", &["hub", "s1", "s2", "s3"]),
    ("s4-frr10-mcast", &["hub", "s1", "s2", "s3", "hub.after", "s1.after", "s2.after", "s3.after"]),
    ("s6-md5", &["hub", "s1", "s2", "s3"]),
    ("s7-hmac-sha256", &["hub", "s1", "s2", "s3"]),
    ("s8-simple", &["hub", "s1", "s2", "s3"]),
    // The third spoke of this one is on a broadcast network, which is not offered.
    ("s9-spoke-broadcast", &["hub", "s1", "s2"]),
    // One adjacency never got beyond its exchange.
    ("s10-mtu", &["hub", "s1", "s2", "s3"]),
];

fn tunnel_address(router: &str) -> Ipv4Addr {
    match router.split('.').next() {
        Some("hub") => ip("10.0.0.1"),
        Some("s1") => ip("10.0.0.11"),
        Some("s2") => ip("10.0.0.12"),
        Some("s3") => ip("10.0.0.13"),
        _ => ip("10.0.0.14"),
    }
}

fn database(text: &str, name: &str) -> Vec<Lsa> {
    let mut database = lsas(output_of(text, "show ip ospf database router"), name);
    database.extend(lsas(output_of(text, "show ip ospf database network"), name));
    database
}

#[test]
fn databases_of_the_laboratory_give_the_routes_of_frr() {
    let (mut tables, mut routes) = (0, 0);
    for (scenario, routers) in SCENARIOS {
        for router in routers {
            let name = format!("lab/{scenario}/osp-{router}.txt");
            let Some(text) = read(&name) else { return };
            let database = database(&text, &name);
            let (ours, _) = calculate(&database, tunnel_address(router), RootInterfaceKind::Direct);
            let theirs = frr_table(output_of(&text, "show ip ospf route"));
            assert_eq!(ours, theirs, "{name}");
            tables += 1;
            routes += theirs.len();
        }
    }
    assert_eq!((tables, routes), (36, 334));
}

#[test]
fn databases_of_the_laboratory_give_the_routes_of_bird() {
    let mut routes = 0;
    for (scenario, after) in [
        ("s3-frr10-nonbroadcast-birdptmp", ""),
        ("s4-frr10-mcast", ""),
        ("s4-frr10-mcast", ".after"),
        ("s6-md5", ""),
        ("s7-hmac-sha256", ""),
        ("s8-simple", ""),
        ("s9-spoke-broadcast", ""),
    ] {
        let name = format!("lab/{scenario}/osp-hub{after}.txt");
        let Some(text) = read(&name) else { return };
        let database = database(&text, &name);
        let (ours, _) = calculate(&database, tunnel_address("b1"), RootInterfaceKind::Direct);
        let name = format!("lab/{scenario}/osp-b1{after}.txt");
        let Some(text) = read(&name) else { return };
        let theirs = bird_table(output_of(&text, "show route all"));
        assert_eq!(ours, theirs, "{name}");
        routes += theirs.len();
    }
    assert_eq!(routes, 69);
}

/// The same databases by the originator's rule: FRR and BIRD send everything to the hub, and we directly to whoever has
/// it, with the hub to fall back on.
#[test]
fn databases_of_the_laboratory_give_direct_gateways() {
    let hub = tunnel_address("hub");
    let mut direct = 0;
    for (scenario, routers) in SCENARIOS {
        for router in routers.iter().filter(|router| !router.starts_with("hub")) {
            let name = format!("lab/{scenario}/osp-{router}.txt");
            let Some(text) = read(&name) else { return };
            let own = tunnel_address(router);
            let database = database(&text, &name);
            let (metrics, routes) = calculate(&database, own, RootInterfaceKind::Cloud);
            let (plain, _) = calculate(&database, own, RootInterfaceKind::Direct);
            let metric =
                |table: &Table| -> Vec<_> { table.iter().map(|(prefix, row)| (*prefix, row.0)).collect() };
            assert_eq!(metric(&metrics), metric(&plain), "{name}: only gateways differ");
            for route in routes.iter().filter(|route| !route.next_hops.is_empty()) {
                let issuer = route.advertising_router;
                let hop = &route.next_hops[0];
                assert_eq!(hop.gateway, Some(issuer), "{name}: {}", route.prefix);
                let fallbacks: &[Ipv4Addr] = if issuer == hub { &[] } else { &[hub] };
                assert_eq!(hop.fallbacks, fallbacks, "{name}: {}", route.prefix);
                direct += usize::from(issuer != hub);
            }
        }
    }
    assert_eq!(direct, 138);
}
