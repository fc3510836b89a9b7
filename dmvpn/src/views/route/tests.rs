//! The exact texts of the routing table and of single routes.

use super::*;
use crate::views::golden::{ip, s, spoke_lookup};

fn route(prefix: &str, kind: RouteKind, distance: u8, metric: u32, paths: Vec<RoutePath>) -> Route {
    let mut route = Route::new(prefix.parse().unwrap(), kind);
    (route.distance, route.metric, route.paths) = (distance, metric, paths);
    route
}

fn via(gateway: &str, interface: &str, age: u64) -> RoutePath {
    let mut path = RoutePath::via(ip(gateway), interface);
    path.age = s(age);
    path
}

/// The guide's first spoke, and a route of every other kind.
fn table() -> RouteTable {
    let connected = |interface: &str| vec![RoutePath::connected(interface)];
    let mut shortcut = via("10.0.0.12", "Tunnel0", 10);
    shortcut.next_hop_override = true;
    RouteTable {
        routes: vec![
            route("192.168.12.0/24", RouteKind::Ospf, 110, 2002, vec![via("10.0.0.12", "Tunnel0", 5)]),
            route("192.168.11.1/32", RouteKind::Local, 0, 0, connected("GigabitEthernet0/0/1")),
            route("192.168.11.0/24", RouteKind::Connected, 0, 0, connected("GigabitEthernet0/0/1")),
            route("10.0.0.12/32", RouteKind::Ospf, 110, 2000, vec![via("10.0.0.1", "Tunnel0", 93_600)]),
            route("10.0.0.0/24", RouteKind::Connected, 0, 0, connected("Tunnel0")),
            route("10.0.0.11/32", RouteKind::Local, 0, 0, connected("Tunnel0")),
            route(
                "172.16.1.0/24",
                RouteKind::OspfExternal2,
                110,
                20,
                vec![via("10.0.0.12", "Tunnel0", 65), via("10.1.0.12", "Tunnel1", 66)],
            ),
            route(
                "172.16.2.0/24",
                RouteKind::OspfInterArea,
                110,
                1002,
                vec![via("10.0.0.1", "Tunnel0", 65), shortcut],
            ),
            route("0.0.0.0/0", RouteKind::Static, 1, 0, vec![RoutePath::via(ip("198.51.100.254"), "x")]),
            route("192.168.13.0/24", RouteKind::Nhrp, 250, 255, vec![via("10.0.0.13", "Tunnel0", 1)]),
            route("10.0.0.0/8", RouteKind::OspfExternal1, 110, 21, vec![via("10.0.0.1", "Tunnel0", 1)]),
        ],
    }
}

#[test]
fn table_with_the_spacing_of_ios() {
    let mut view = table();
    view.routes[8].paths[0].interface = None;
    let text = view.to_string();
    let (codes, routes) = text.split_once("\n\n").unwrap();
    assert_eq!(codes.lines().count(), 12);
    assert_eq!(
        routes,
        "Gateway of last resort is 198.51.100.254 to network 0.0.0.0

S*    0.0.0.0/0 [1/0] via 198.51.100.254
      10.0.0.0/8 is variably subnetted, 4 subnets, 3 masks
O E1     10.0.0.0/8 [110/21] via 10.0.0.1, 00:00:01, Tunnel0
C        10.0.0.0/24 is directly connected, Tunnel0
L        10.0.0.11/32 is directly connected, Tunnel0
O        10.0.0.12/32 [110/2000] via 10.0.0.1, 1d02h, Tunnel0
      172.16.0.0/24 is subnetted, 2 subnets
O E2     172.16.1.0/24 [110/20] via 10.0.0.12, 00:01:05, Tunnel0
                       [110/20] via 10.1.0.12, 00:01:06, Tunnel1
O IA%    172.16.2.0/24 [110/1002] via 10.0.0.1, 00:01:05, Tunnel0
                       [NHO][110/1002] via 10.0.0.12, 00:00:10, Tunnel0
      192.168.11.0/24 is variably subnetted, 2 subnets, 2 masks
C        192.168.11.0/24 is directly connected, GigabitEthernet0/0/1
L        192.168.11.1/32 is directly connected, GigabitEthernet0/0/1
O     192.168.12.0/24 [110/2002] via 10.0.0.12, 00:00:05, Tunnel0
H     192.168.13.0/24 [250/255] via 10.0.0.13, 00:00:01, Tunnel0
"
    );
}

#[test]
fn table_of_ospf_only() {
    let view = table().ospf();
    assert_eq!(view.routes.len(), 5);
    let text = view.to_string();
    assert!(text.contains("\nGateway of last resort is not set\n\n      10.0.0.0/8 is variably subnetted"));
    assert!(!text.contains("directly connected"));
    // The only /24 of its network that is left needs no heading.
    assert!(text.ends_with("\nO     192.168.12.0/24 [110/2002] via 10.0.0.12, 00:00:05, Tunnel0\n"));
}

#[test]
fn default_from_ospf_supernets_and_ipv6() {
    let routes = vec![
        route("192.168.0.0/16", RouteKind::Ospf, 110, 3, vec![via("10.0.0.1", "Tunnel0", 1)]),
        route("192.168.0.0/24", RouteKind::Ospf, 110, 3, vec![via("10.0.0.1", "Tunnel0", 1)]),
        route("0.0.0.0/0", RouteKind::OspfExternal2, 110, 1, vec![via("10.0.0.1", "Tunnel0", 604_800)]),
        route("2001:db8::/32", RouteKind::Static, 1, 0, vec![RoutePath::via(ip("2001:db8::1"), "Tunnel0")]),
    ];
    let text = RouteTable { routes }.to_string();
    assert_eq!(
        text.split_once("\n\n").unwrap().1,
        "Gateway of last resort is 10.0.0.1 to network 0.0.0.0

O*E2  0.0.0.0/0 [110/1] via 10.0.0.1, 1w0d, Tunnel0
O     192.168.0.0/16 [110/3] via 10.0.0.1, 00:00:01, Tunnel0
O     192.168.0.0/24 [110/3] via 10.0.0.1, 00:00:01, Tunnel0
S     2001:DB8::/32 [1/0] via 2001:DB8::1, Tunnel0
"
    );
}

#[test]
fn lookup_takes_the_longest_prefix() {
    let prefix = |address: &str| table().lookup(ip(address)).route.map(|route| route.prefix.to_string());
    assert_eq!(prefix("10.0.0.12").as_deref(), Some("10.0.0.12/32"));
    assert_eq!(prefix("10.0.0.13").as_deref(), Some("10.0.0.0/24"));
    assert_eq!(prefix("10.9.0.1").as_deref(), Some("10.0.0.0/8"));
    assert_eq!(prefix("8.8.8.8").as_deref(), Some("0.0.0.0/0"));
    assert_eq!(prefix("2001:db8::1"), None);
    assert_eq!(RouteLookup::default().to_string(), "% Network not in table\n");
}

#[test]
fn route_whose_direct_path_is_proven() {
    let mut view = spoke_lookup("10.0.0.12", 5);
    let route = view.route.as_mut().unwrap();
    route.route_type = Some(RouteType::IntraArea);
    let fallback =
        |gateway: &str, interface: &str| Fallback { gateway: ip(gateway), interface: interface.to_owned() };
    let fallbacks = vec![fallback("10.0.0.1", "Tunnel0"), fallback("10.1.0.1", "Tunnel1")];
    route.paths[0].direct = Some(DirectPath { state: PathState::Proven, fallbacks });
    assert_eq!(
        view.to_string(),
        "Routing entry for 192.168.12.0/24
  Known via \"ospf 1\", distance 110, metric 2, type intra area
  Last update from 10.0.0.12 on Tunnel0, 00:00:05 ago
  Routing Descriptor Blocks:
  * 10.0.0.12, from 10.0.0.12, 00:00:05 ago, via Tunnel0
      Route metric is 2, traffic share count is 1
      direct path to 10.0.0.12 is proven
      fallback 10.0.0.1, via Tunnel0, when the direct path is not proven
      fallback 10.1.0.1, via Tunnel1, when the direct path is not proven
"
    );
}

#[test]
fn route_whose_direct_path_is_not_proven_says_where_packets_go() {
    let last = |state, gateways: &[&str]| {
        let mut view = spoke_lookup("10.0.0.12", 5);
        let fallbacks = gateways
            .iter()
            .map(|gateway| Fallback { gateway: ip(gateway), interface: "Tunnel0".to_owned() })
            .collect();
        view.route.as_mut().unwrap().paths[0].direct = Some(DirectPath { state, fallbacks });
        let text = view.to_string();
        text.lines().nth(6).unwrap().to_owned()
    };
    assert_eq!(
        last(PathState::Resolving, &["10.0.0.1"]),
        "      direct path to 10.0.0.12 is resolving, packets go by 10.0.0.1"
    );
    assert_eq!(
        last(PathState::Blocked, &[]),
        "      direct path to 10.0.0.12 is blocked, and there is no fallback"
    );
}

#[test]
fn routes_of_other_kinds_in_full() {
    let mut view = spoke_lookup("10.0.0.12", 134);
    let route = view.route.as_mut().unwrap();
    let mut second = via("10.0.0.13", "Tunnel1", 5);
    second.from = Some(ip("10.0.0.13"));
    route.paths.push(second);
    assert_eq!(
        view.to_string(),
        "Routing entry for 192.168.12.0/24
  Known via \"ospf 1\", distance 110, metric 2
  Last update from 10.0.0.13 on Tunnel1, 00:00:05 ago
  Routing Descriptor Blocks:
  * 10.0.0.12, from 10.0.0.12, 00:02:14 ago, via Tunnel0
      Route metric is 2, traffic share count is 1
    10.0.0.13, from 10.0.0.13, 00:00:05 ago, via Tunnel1
      Route metric is 2, traffic share count is 1
"
    );
    let text = |address: &str| table().lookup(ip(address)).to_string();
    assert_eq!(
        text("10.0.0.7"),
        "Routing entry for 10.0.0.0/24
  Known via \"connected\", distance 0, metric 0 (connected, via interface)
  Routing Descriptor Blocks:
  * directly connected, via Tunnel0
      Route metric is 0, traffic share count is 1
"
    );
    assert_eq!(
        text("8.8.8.8"),
        "Routing entry for 0.0.0.0/0, supernet
  Known via \"static\", distance 1, metric 0
  Routing Descriptor Blocks:
  * 198.51.100.254, via x
      Route metric is 0, traffic share count is 1
"
    );
    assert!(text("192.168.13.9").contains("Known via \"nhrp\", distance 250, metric 255\n"));
}
