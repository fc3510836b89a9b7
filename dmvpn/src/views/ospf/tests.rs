//! The exact texts of the OSPF views.

use core::net::Ipv4Addr;
use core::time::Duration;

use super::*;
use crate::views::golden::{hub_neighbors, s};

fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

#[test]
fn neighbors_with_the_spacing_of_ios() {
    assert_eq!(
        hub_neighbors().to_string(),
        "
Neighbor ID     Pri   State           Dead Time   Address         Interface
10.0.0.11         1   FULL/  -        00:01:39    10.0.0.11       Tunnel0
10.0.0.12         1   FULL/  -        00:01:42    10.0.0.12       Tunnel0
"
    );
}

#[test]
fn the_longest_values_stay_in_their_columns() {
    let mut neighbor = OspfNeighbor::new(ip("172.18.197.242"), ip("192.168.255.254"), "GigabitEthernet0/0/0");
    (neighbor.priority, neighbor.state, neighbor.dead) = (255, OspfNeighborState::Exchange, s(86_400));
    let view = OspfNeighbors { neighbors: vec![neighbor], detail: false };
    assert_eq!(
        view.to_string().lines().last().unwrap(),
        "172.18.197.242  255   EXCHANGE/  -    1d00h       192.168.255.254 GigabitEthernet0/0/0"
    );
}

#[test]
fn neighbors_in_detail() {
    let mut view = hub_neighbors();
    view.detail = true;
    let [first, second] = view.neighbors.as_mut_slice() else { panic!("two") };
    (first.hello_options, first.database_options, first.state_changes) = (0x12, 0x52, 6);
    (first.up, first.retransmission_queue, first.retransmissions) = (Some(s(313_200)), 2, 7);
    (second.state, second.area) = (OspfNeighborState::ExStart, 8);
    second.problem = Some("its MTU is 1476, ours is 1400".to_owned());
    assert_eq!(
        view.to_string(),
        " Neighbor 10.0.0.11, interface address 10.0.0.11
    In the area 0 via interface Tunnel0
    Neighbor priority is 1, State is FULL, 6 state changes
    DR is 0.0.0.0 BDR is 0.0.0.0
    Options is 0x12 in Hello (E-bit, L-bit)
    Options is 0x52 in DBD (E-bit, L-bit, O-bit)
    Dead timer due in 00:01:39
    Neighbor is up for 3d15h
    Index 1/1/1, retransmission queue length 2, number of retransmission 7
 Neighbor 10.0.0.12, interface address 10.0.0.12
    In the area 8 via interface Tunnel0
    Neighbor priority is 1, State is EXSTART, 0 state changes
    DR is 0.0.0.0 BDR is 0.0.0.0
    Options is 0x0 in Hello
    Options is 0x0 in DBD
    Dead timer due in 00:01:42
    Index 2/2/2, retransmission queue length 0, number of retransmission 0
    Problem: its MTU is 1476, ours is 1400
"
    );
}

fn interfaces() -> OspfInterfaces {
    let router = ip("10.0.0.1");
    let mut tunnel = OspfInterface::new(
        "Tunnel0",
        "10.0.0.1/24".parse().unwrap(),
        router,
        OspfNetworkType::PointToMultipoint,
    );
    (tunnel.cost, tunnel.hello_due, tunnel.neighbors) = (1000, Some(s(23)), 3);
    tunnel.adjacent = vec![ip("10.0.0.11"), ip("10.0.0.12")];
    (tunnel.authentication, tunnel.key_id) = (OspfAuthentication::Cryptographic, Some(2));
    tunnel.prefix_suppression = true;
    let mut lan = OspfInterface::new(
        "GigabitEthernet0/0/1",
        "192.168.200.254/24".parse().unwrap(),
        router,
        OspfNetworkType::Broadcast,
    );
    (lan.passive, lan.area, lan.hello, lan.dead) = (true, 4_294_967_295, s(10), s(40));
    lan.authentication = OspfAuthentication::Simple;
    let loopback =
        OspfInterface::new("Loopback0", "10.255.0.1/32".parse().unwrap(), router, OspfNetworkType::Loopback);
    let mut down = OspfInterface::new(
        "Tunnel1",
        "10.1.0.1/24".parse().unwrap(),
        router,
        OspfNetworkType::PointToMultipoint,
    );
    down.up = false;
    OspfInterfaces { interfaces: vec![tunnel, lan, loopback, down], brief: false }
}

#[test]
fn interfaces_in_full() {
    assert_eq!(
        interfaces().to_string(),
        "Tunnel0 is up, line protocol is up
  Internet Address 10.0.0.1/24, Area 0
  Process ID 1, Router ID 10.0.0.1, Network Type POINT_TO_MULTIPOINT, Cost: 1000
  Transmit Delay is 1 sec, State POINT_TO_MULTIPOINT
  Timer intervals configured, Hello 30, Dead 120, Wait 120, Retransmit 5
    Hello due in 00:00:23
  Supports Link-local Signaling (LLS)
  Prefix-suppression is enabled
  Cryptographic authentication enabled
    Youngest key id is 2
  Neighbor Count is 3, Adjacent neighbor count is 2
    Adjacent with neighbor 10.0.0.11
    Adjacent with neighbor 10.0.0.12
  Suppress hello for 0 neighbor(s)
GigabitEthernet0/0/1 is up, line protocol is up
  Internet Address 192.168.200.254/24, Area 4294967295
  Process ID 1, Router ID 10.0.0.1, Network Type BROADCAST, Cost: 1
  Transmit Delay is 1 sec, State DR
  Timer intervals configured, Hello 10, Dead 40, Wait 40, Retransmit 5
    No Hellos (Passive interface)
  Supports Link-local Signaling (LLS)
  Simple password authentication enabled
  Neighbor Count is 0, Adjacent neighbor count is 0
  Suppress hello for 0 neighbor(s)
Loopback0 is up, line protocol is up
  Internet Address 10.255.0.1/32, Area 0
  Process ID 1, Router ID 10.0.0.1, Network Type LOOPBACK, Cost: 1
  Loopback interface is treated as a stub Host
Tunnel1 is down, line protocol is down
  Internet Address 10.1.0.1/24, Area 0
  Process ID 1, Router ID 10.0.0.1, Network Type POINT_TO_MULTIPOINT, Cost: 1
  Transmit Delay is 1 sec, State DOWN
  Timer intervals configured, Hello 30, Dead 120, Wait 120, Retransmit 5
  Supports Link-local Signaling (LLS)
  Neighbor Count is 0, Adjacent neighbor count is 0
  Suppress hello for 0 neighbor(s)
"
    );
}

#[test]
fn interfaces_in_brief() {
    let mut view = interfaces();
    view.brief = true;
    assert_eq!(
        view.to_string(),
        "Interface    PID   Area            IP Address/Mask    Cost  State Nbrs F/C
Tu0          1     0               10.0.0.1/24        1000  P2MP  2/3
Gi0/0/1      1     4294967295      192.168.200.254/24 1     DR    0/0
Lo0          1     0               10.255.0.1/32      1     LOOP  0/0
Tu1          1     0               10.1.0.1/24        1     DOWN  0/0
"
    );
}

#[test]
fn process() {
    let mut view = OspfProcess::new(1, ip("10.0.0.1"));
    (view.start, view.elapsed) = (Duration::from_millis(96_589), Duration::from_millis(81_314_402));
    let mut backbone = OspfArea::new(0);
    (backbone.interfaces, backbone.loopbacks, backbone.spf_runs) = (4, 1, 41);
    backbone.spf_last = Some(Duration::from_millis(1_194_849));
    (backbone.lsas, backbone.checksum) = (10, 0x0004_AF1A);
    view.areas = vec![backbone];
    let text = view.to_string();
    assert_eq!(
        text,
        " Routing Process \"ospf 1\" with ID 10.0.0.1
 Start time: 00:01:36.589, Time elapsed: 22:35:14.402
 Supports only single TOS(TOS0) routes
 Supports opaque LSA
 Supports Link-local Signaling (LLS)
 Router is not originating router-LSAs with maximum metric
 Initial SPF schedule delay 50 msecs
 Minimum hold time between two consecutive SPFs 200 msecs
 Maximum wait time between two consecutive SPFs 5000 msecs
 Incremental-SPF disabled
 Initial LSA throttle delay 50 msecs
 Minimum hold time for LSA throttle 200 msecs
 Maximum wait time for LSA throttle 5000 msecs
 Minimum LSA arrival 100 msecs
 EXCHANGE/LOADING adjacency limit: initial 300, process maximum 300
 Number of external LSA 0. Checksum Sum 0x000000
 Number of areas in this router is 1. 1 normal 0 stub 0 nssa
 IETF NSF helper support enabled
 Reference bandwidth unit is 100 mbps
    Area BACKBONE(0)
        Number of interfaces in this area is 4 (1 loopback)
        Area has no authentication
        SPF algorithm last executed 00:19:54.849 ago
        SPF algorithm executed 41 times
        Area ranges are
        Number of LSA 10. Checksum Sum 0x04AF1A
"
    );
}

#[test]
fn process_with_everything_else() {
    let mut view = OspfProcess::new(65_109, ip("10.0.0.1"));
    (view.area_border, view.as_boundary, view.max_metric, view.prefix_suppression) = (true, true, true, true);
    view.redistributes = vec!["static, includes subnets in redistribution".to_owned()];
    (view.external_lsas, view.external_checksum, view.lsa_limit) = (2, 0xF934, Some(12_000));
    view.restart_helper = false;
    let mut stub = OspfArea::new(8);
    (stub.kind, stub.authentication) = (OspfAreaKind::Stub, OspfAuthentication::Cryptographic);
    let mut nssa = OspfArea::new(9);
    (nssa.kind, nssa.authentication) = (OspfAreaKind::Nssa, OspfAuthentication::Simple);
    view.areas = vec![stub, nssa];
    let text = view.to_string();
    for lines in [
        " It is an area border and autonomous system boundary router
 Redistributing External Routes from,
    static, includes subnets in redistribution
 Originating router-LSAs with maximum metric
    Condition: always, State: active
 Initial SPF",
        " Maximum number of non self-generated LSA allowed 12000\n EXCHANGE",
        " Number of external LSA 2. Checksum Sum 0x00F934
 Number of areas in this router is 2. 0 normal 1 stub 1 nssa
 Prefix-suppression is enabled
 Reference",
        "    Area 8
        Number of interfaces in this area is 0
        It is a stub area
        Area has message digest authentication
        SPF algorithm last executed never
",
        "        It is a NSSA area\n        Area has simple password authentication\n",
    ] {
        assert!(text.contains(lines), "{lines}\nis not in\n{text}");
    }
    view.as_boundary = false;
    assert!(view.to_string().contains("\n It is an area border router\n"));
    (view.area_border, view.as_boundary) = (false, true);
    assert!(view.to_string().contains("\n It is an autonomous system boundary router\n"));
}

fn lsa(kind: LsaKind, id: &str, router: &str, age: u16, body: LsaBody) -> Lsa {
    let header = LsaHeader {
        age,
        options: 0x22,
        kind,
        id: ip(id),
        advertising_router: ip(router),
        sequence: 0x8000_0043,
        checksum: 0x2254,
        length: 60,
    };
    Lsa { header, body }
}

fn link(kind: OspfLinkKind, id: &str, data: &str, metric: u16) -> OspfLink {
    OspfLink { kind, id: ip(id), data: ip(data), metric }
}

fn database() -> OspfDatabase {
    let links = vec![
        link(OspfLinkKind::PointToPoint, "10.0.0.11", "10.0.0.1", 1000),
        link(OspfLinkKind::Transit, "192.168.1.1", "192.168.1.2", 1),
        link(OspfLinkKind::Stub, "10.0.0.1", "255.255.255.255", 0),
        link(OspfLinkKind::Virtual, "10.9.9.9", "10.0.0.1", 7),
    ];
    let hub = LsaBody::Router { area_border: true, as_boundary: true, links };
    let spoke = LsaBody::Router { area_border: false, as_boundary: false, links: Vec::new() };
    let network = LsaBody::Network { prefix_len: 24, attached: vec![ip("10.0.0.1"), ip("10.0.0.2")] };
    let external = |type_2| LsaBody::External {
        prefix_len: 16,
        type_2,
        metric: 20,
        forward: Ipv4Addr::UNSPECIFIED,
        tag: 77,
    };
    let mut view = OspfDatabase::new(1, ip("10.0.0.1"));
    view.areas = vec![
        OspfDatabaseArea {
            area: 0,
            lsas: vec![
                lsa(LsaKind::Opaque(10), "1.0.0.5", "10.0.0.1", 9, LsaBody::Opaque),
                lsa(LsaKind::Network, "192.168.1.1", "10.0.0.2", 3599, network),
                lsa(LsaKind::Router, "10.0.0.11", "10.0.0.11", 5, spoke),
                lsa(LsaKind::Router, "10.0.0.1", "10.0.0.1", 742, hub),
            ],
        },
        OspfDatabaseArea {
            area: 1,
            lsas: vec![
                lsa(
                    LsaKind::Summary,
                    "192.168.255.0",
                    "10.0.0.1",
                    1,
                    LsaBody::Summary { prefix_len: 24, metric: 41 },
                ),
                lsa(
                    LsaKind::AsbrSummary,
                    "10.0.0.9",
                    "10.0.0.1",
                    1,
                    LsaBody::Summary { prefix_len: 0, metric: 4 },
                ),
                lsa(LsaKind::Nssa, "172.17.0.0", "10.0.0.9", 1, external(false)),
                lsa(LsaKind::Other(6), "224.1.1.1", "10.0.0.9", 1, LsaBody::Opaque),
            ],
        },
    ];
    view.external = vec![lsa(LsaKind::External, "172.16.0.0", "10.0.0.1", 1595, external(true))];
    view
}

#[test]
fn database_in_short() {
    assert_eq!(
        database().to_string(),
        "
            OSPF Router with ID (10.0.0.1) (Process ID 1)

\t\tRouter Link States (Area 0)

Link ID         ADV Router      Age         Seq#       Checksum Link count
10.0.0.1        10.0.0.1        742         0x80000043 0x002254 4
10.0.0.11       10.0.0.11       5           0x80000043 0x002254 0

\t\tNet Link States (Area 0)

Link ID         ADV Router      Age         Seq#       Checksum
192.168.1.1     10.0.0.2        3599        0x80000043 0x002254

\t\tType-10 Opaque Area Link States (Area 0)

Link ID         ADV Router      Age         Seq#       Checksum Opaque ID
1.0.0.5         10.0.0.1        9           0x80000043 0x002254 5

\t\tSummary Net Link States (Area 1)

Link ID         ADV Router      Age         Seq#       Checksum
192.168.255.0   10.0.0.1        1           0x80000043 0x002254

\t\tSummary ASB Link States (Area 1)

Link ID         ADV Router      Age         Seq#       Checksum
10.0.0.9        10.0.0.1        1           0x80000043 0x002254

\t\tType-6 Link States (Area 1)

Link ID         ADV Router      Age         Seq#       Checksum
224.1.1.1       10.0.0.9        1           0x80000043 0x002254

\t\tType-7 AS External Link States (Area 1)

Link ID         ADV Router      Age         Seq#       Checksum Tag
172.17.0.0      10.0.0.9        1           0x80000043 0x002254 77

\t\tType-5 AS External Link States

Link ID         ADV Router      Age         Seq#       Checksum Tag
172.16.0.0      10.0.0.1        1595        0x80000043 0x002254 77
"
    );
}

#[test]
fn router_lsas_in_full() {
    let mut view = database();
    view.kind = Some(LsaKind::Router);
    view.areas[0].lsas.remove(2);
    assert_eq!(
        view.to_string(),
        "
            OSPF Router with ID (10.0.0.1) (Process ID 1)

\t\tRouter Link States (Area 0)

  LS age: 742
  Options: (No TOS-capability, DC)
  LS Type: Router Links
  Link State ID: 10.0.0.1
  Advertising Router: 10.0.0.1
  LS Seq Number: 80000043
  Checksum: 0x2254
  Length: 60
  Area Border Router
  AS Boundary Router
  Number of Links: 4

    Link connected to: another Router (point-to-point)
     (Link ID) Neighboring Router ID: 10.0.0.11
     (Link Data) Router Interface address: 10.0.0.1
      Number of MTID metrics: 0
       TOS 0 Metrics: 1000

    Link connected to: a Transit Network
     (Link ID) Designated Router address: 192.168.1.1
     (Link Data) Router Interface address: 192.168.1.2
      Number of MTID metrics: 0
       TOS 0 Metrics: 1

    Link connected to: a Stub Network
     (Link ID) Network/subnet number: 10.0.0.1
     (Link Data) Network Mask: 255.255.255.255
      Number of MTID metrics: 0
       TOS 0 Metrics: 0

    Link connected to: a Virtual Link
     (Link ID) Neighboring Router ID: 10.9.9.9
     (Link Data) Router Interface address: 10.0.0.1
      Number of MTID metrics: 0
       TOS 0 Metrics: 7

"
    );
}

#[test]
fn lsas_of_other_types_in_full() {
    let full = |kind| {
        let mut view = database();
        view.kind = Some(kind);
        let text = view.to_string();
        let (_, body) = text.split_once("  Length: 60\n").unwrap();
        let id = text.lines().find(|line| line.contains("Link State ID")).unwrap();
        format!("{id}\n{body}")
    };
    assert_eq!(
        full(LsaKind::Network),
        "  Link State ID: 192.168.1.1 (address of Designated Router)
  Network Mask: /24
        Attached Router: 10.0.0.1
        Attached Router: 10.0.0.2

"
    );
    assert_eq!(
        full(LsaKind::Summary),
        "  Link State ID: 192.168.255.0 (summary Network Number)
  Network Mask: /24
        MTID: 0         Metric: 41

"
    );
    assert_eq!(
        full(LsaKind::External),
        "  Link State ID: 172.16.0.0 (External Network Number )
  Network Mask: /16
        Metric Type: 2 (Larger than any link state path)
        MTID: 0
        Metric: 20
        Forward Address: 0.0.0.0
        External Route Tag: 77

"
    );
    assert!(
        full(LsaKind::Nssa).contains("        Metric Type: 1 (Comparable directly to link state metric)\n")
    );
    assert_eq!(full(LsaKind::Opaque(10)), "  Link State ID: 1.0.0.5\n\n");
}

#[test]
fn type_numbers_survive() {
    for number in 0..=u8::MAX {
        assert_eq!(LsaKind::from_number(number).number(), number);
    }
    assert_eq!(LsaKind::from_number(1), LsaKind::Router);
    assert_eq!(LsaKind::from_number(7), LsaKind::Nssa);
    assert_eq!(LsaKind::from_number(6), LsaKind::Other(6));
}

#[test]
fn stub_links_have_prefixes() {
    let prefix = |kind, mask| link(kind, "192.168.11.0", mask, 1).stub_prefix().map(|net| net.to_string());
    assert_eq!(prefix(OspfLinkKind::Stub, "255.255.255.0").as_deref(), Some("192.168.11.0/24"));
    assert_eq!(prefix(OspfLinkKind::Stub, "255.0.255.0"), None);
    assert_eq!(prefix(OspfLinkKind::Transit, "255.255.255.0"), None);
}
