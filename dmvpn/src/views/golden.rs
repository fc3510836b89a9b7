//! The texts against the outputs that a phase 2 guide for IOS-XE shows, blanks aside, and what holds for every text.
//!
//! [`beyond`] requires that every line of the guide is there, in its order, and returns the lines that the guide does
//! not have. Each test says which these are, so that a line too many fails as well.

use core::net::IpAddr;
use core::time::Duration;

use super::*;

/// Seconds.
pub(super) fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// An address.
pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn squeeze(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty())
        .collect()
}

/// The lines of `view` that `guide` does not have.
fn beyond(view: &str, guide: &str) -> Vec<String> {
    let mut beyond = Vec::new();
    let mut wanted = squeeze(guide).into_iter().peekable();
    for line in squeeze(view) {
        if wanted.peek() == Some(&line) {
            wanted.next();
        } else {
            beyond.push(line);
        }
    }
    assert_eq!(wanted.next(), None, "the guide's line is missing in\n{view}");
    beyond
}

/// `show ip ospf neighbor` on the guide's hub.
pub(super) fn hub_neighbors() -> OspfNeighbors {
    let neighbor = |address: &str, dead| {
        let address = address.parse().unwrap();
        let mut neighbor = OspfNeighbor::new(address, address, "Tunnel0");
        neighbor.state = OspfNeighborState::Full;
        neighbor.dead = s(dead);
        neighbor
    };
    OspfNeighbors { neighbors: vec![neighbor("10.0.0.11", 99), neighbor("10.0.0.12", 102)], detail: false }
}

fn entry(address: &str, nbma: &str, kind: NhrpKind, flags: &[NhrpFlag]) -> NhrpEntry {
    let mut entry = NhrpEntry::new(format!("{address}/32").parse().unwrap(), ip(address), "Tunnel0", kind);
    entry.nbma = Some(ip(nbma));
    entry.flags = flags.to_vec();
    entry
}

/// `show ip nhrp` on the guide's hub.
pub(super) fn hub_cache() -> NhrpCache {
    let flags = [NhrpFlag::Nhop, NhrpFlag::Registered];
    let mut one = entry("10.0.0.11", "198.51.100.1", NhrpKind::Dynamic, &flags);
    (one.created, one.expires) = (s(192), Some(s(287)));
    let mut two = entry("10.0.0.12", "198.51.100.2", NhrpKind::Dynamic, &flags);
    (two.created, two.expires) = (s(175), Some(s(304)));
    NhrpCache { entries: vec![one, two], detail: false }
}

/// `show ip nhrp detail` on the guide's spoke.
pub(super) fn spoke_cache() -> NhrpCache {
    let mut hub = entry("10.0.0.1", "203.0.113.1", NhrpKind::Static, &[NhrpFlag::Used, NhrpFlag::Nhop]);
    hub.created = s(301);
    let flags = [NhrpFlag::Router, NhrpFlag::Nhop, NhrpFlag::Rib];
    let mut spoke = entry("10.0.0.12", "198.51.100.2", NhrpKind::Dynamic, &flags);
    (spoke.created, spoke.expires) = (s(8), Some(s(111)));
    spoke.path = Some(PathState::Proven);
    NhrpCache { entries: vec![hub, spoke], detail: true }
}

/// `show crypto session` on the guide's spoke.
pub(super) fn spoke_sessions() -> CryptoSessions {
    let session = |id, peer: &str, uptime| {
        let local = ip("198.51.100.1");
        let mut session = CryptoSession::new("Tunnel0", ip(peer));
        session.profile = Some("DMVPN-IKEv2-PROFILE".to_owned());
        session.uptime = Some(s(uptime));
        session.status = SessionStatus::UpActive;
        session.session_id = id;
        session.phase1_id = Some(peer.to_owned());
        session.ike = vec![SessionIke {
            local: (local, 500),
            remote: (ip(peer), 500),
            active: true,
            capabilities: vec![Capability::DeadPeerDetection, Capability::Fragmentation],
            connection_id: id,
            lifetime: s(86_400 - 1 - uptime),
        }];
        session.flows = vec![SessionFlow {
            local: TrafficSelector::host(local, 47),
            remote: TrafficSelector::host(ip(peer), 47),
            active_sas: 2,
            inbound: FlowCounters { packets: 12, drops: 1, kilobytes: Some(4_607_998), lifetime: s(3559) },
            outbound: FlowCounters { packets: 14, drops: 0, kilobytes: None, lifetime: s(3559) },
            outbound_spi: Some(0x0623_029E),
            transform: "esp-256-aes esp-sha256-hmac".to_owned(),
        }];
        session
    };
    let sessions = vec![session(1, "203.0.113.1", 41), session(2, "198.51.100.2", 8)];
    CryptoSessions { sessions, detail: false }
}

/// `show ip route 192.168.12.0` on the guide's spoke, by way of this gateway.
pub(super) fn spoke_lookup(gateway: &str, age: u64) -> RouteLookup {
    let mut path = RoutePath::via(ip(gateway), "Tunnel0");
    path.from = Some(ip("10.0.0.12"));
    path.age = s(age);
    let mut route = Route::new("192.168.12.0/24".parse().unwrap(), RouteKind::Ospf);
    (route.process, route.distance, route.metric) = (Some(1), 110, 2);
    route.paths = vec![path];
    RouteLookup { route: Some(route) }
}

/// `show dmvpn` on the guide's hub.
pub(super) fn hub_dmvpn() -> Dmvpn {
    let peer = |nbma: &str, address: &str, since| DmvpnPeer {
        nbma: Some(ip(nbma)),
        entries: vec![DmvpnEntry {
            tunnel_address: ip(address),
            state: PeerState::Up,
            since: Some(s(since)),
            attributes: vec![DmvpnAttribute::Dynamic],
            target: format!("{address}/32").parse().unwrap(),
        }],
    };
    let mut interface = DmvpnInterface::new("Tunnel0", DmvpnRole::Hub);
    interface.tunnel_address = Some(ip("10.0.0.1"));
    interface.source = Some(ip("203.0.113.1"));
    interface.protection = Some("DMVPN-IPSEC-PROFILE".to_owned());
    interface.peers = vec![peer("198.51.100.1", "10.0.0.11", 764), peer("198.51.100.2", "10.0.0.12", 751)];
    Dmvpn { interfaces: vec![interface], ..Dmvpn::default() }
}

/// An IKEv2 SA of the guide's proposal, the peer behind a NAT.
pub(super) fn spoke_ikev2() -> Ikev2Sas {
    let mut sa = Ikev2Sa::new(1, (ip("198.51.100.1"), 4500), (ip("203.0.113.1"), 4500));
    sa.status = IkeStatus::Ready;
    sa.encryption = "AES-CBC".to_owned();
    sa.key_bits = Some(256);
    sa.prf = "SHA256".to_owned();
    sa.integrity = Some("SHA256".to_owned());
    sa.group = 14;
    sa.local_authentication = IkeAuthentication::Psk;
    sa.remote_authentication = IkeAuthentication::Psk;
    (sa.lifetime, sa.age, sa.session_id) = (s(86_400), s(735), 1);
    (sa.local_spi, sa.remote_spi) = (0x000D_3669_857A_0F82, 0xE041_9B1D_B02D_E6AE);
    (sa.local_id, sa.remote_id) = ("198.51.100.1".to_owned(), "203.0.113.1".to_owned());
    sa.description = "Negotiation done".to_owned();
    sa.local_messages = MessageIds { request: 3, next: 3, queued: 3, window: 5 };
    sa.remote_messages = MessageIds { request: 214, next: 214, queued: 214, window: 5 };
    (sa.dpd_interval, sa.dpd_retries) = (Some(s(60)), 3);
    sa.nat = Nat::Inside;
    sa.initiator = true;
    Ikev2Sas { sas: vec![sa], detail: true }
}

/// `traceroute 192.168.12.1` on the guide's spoke.
fn spoke_trace() -> Traceroute {
    let probe =
        |millis| TracerouteProbe::Reply { address: ip("10.0.0.12"), time: Duration::from_millis(millis) };
    let mut trace = Traceroute::new(ip("192.168.12.1"));
    trace.hops = vec![TracerouteHop { ttl: 1, probes: vec![probe(28), probe(24), probe(26)] }];
    trace
}

#[test]
fn ospf_neighbors_on_the_hub() {
    let guide = "Neighbor ID Pri State Dead Time Address Interface
        10.0.0.11 1 FULL/ - 00:01:39 10.0.0.11 Tunnel0
        10.0.0.12 1 FULL/ - 00:01:42 10.0.0.12 Tunnel0";
    assert_eq!(beyond(&hub_neighbors().to_string(), guide), [""; 0]);
}

#[test]
fn registrations_on_the_hub() {
    let guide = "10.0.0.11/32 via 10.0.0.11
        Tunnel0 created 00:03:12, expire 00:04:47
        Type: dynamic, Flags: registered nhop
        NBMA address: 198.51.100.1
        10.0.0.12/32 via 10.0.0.12
        Tunnel0 created 00:02:55, expire 00:05:04
        Type: dynamic, Flags: registered nhop
        NBMA address: 198.51.100.2";
    assert_eq!(beyond(&hub_cache().to_string(), guide), [""; 0]);
}

#[test]
fn mappings_on_the_spoke() {
    let guide = "10.0.0.1/32 via 10.0.0.1
        Tunnel0 created 00:05:01, never expire
        Type: static, Flags: used nhop
        NBMA address: 203.0.113.1
        10.0.0.12/32 via 10.0.0.12
        Tunnel0 created 00:00:08, expire 00:01:51
        Type: dynamic, Flags: router nhop rib
        NBMA address: 198.51.100.2";
    let more = ["Preference: 255", "Preference: 255", "Direct path: proven"];
    assert_eq!(beyond(&spoke_cache().to_string(), guide), more);
}

#[test]
fn trace_from_spoke_to_spoke() {
    let guide = "Type escape sequence to abort.
        Tracing the route to 192.168.12.1
        VRF info: (vrf in name/id, vrf out name/id)
        1 10.0.0.12 28 msec 24 msec 26 msec";
    assert_eq!(beyond(&spoke_trace().to_string(), guide), [""; 0]);
}

#[test]
fn sessions_on_the_spoke() {
    let guide = "Crypto session current status
        Interface: Tunnel0
        Profile: DMVPN-IKEv2-PROFILE
        Uptime: 00:00:41
        Session status: UP-ACTIVE
        Peer: 203.0.113.1 port 500
        Session ID: 1
        IKEv2 SA: local 198.51.100.1/500 remote 203.0.113.1/500 Active
        IPSEC FLOW: permit 47 host 198.51.100.1 host 203.0.113.1
        Active SAs: 2, origin: crypto map
        Interface: Tunnel0
        Profile: DMVPN-IKEv2-PROFILE
        Uptime: 00:00:08
        Session status: UP-ACTIVE
        Peer: 198.51.100.2 port 500
        Session ID: 2
        IKEv2 SA: local 198.51.100.1/500 remote 198.51.100.2/500 Active
        IPSEC FLOW: permit 47 host 198.51.100.1 host 198.51.100.2
        Active SAs: 2, origin: crypto map";
    assert_eq!(beyond(&spoke_sessions().to_string(), guide), [""; 0]);
}

#[test]
fn route_by_way_of_the_hub_and_of_the_spoke() {
    let guide = "Routing entry for 192.168.12.0/24
        Known via \"ospf 1\", distance 110, metric 2
        Last update from 10.0.0.1 on Tunnel0, 00:02:14 ago
        Routing Descriptor Blocks:
        * 10.0.0.1, from 10.0.0.12, 00:02:14 ago, via Tunnel0";
    let more = ["Route metric is 2, traffic share count is 1"];
    assert_eq!(beyond(&spoke_lookup("10.0.0.1", 134).to_string(), guide), more);
    let guide = "* 10.0.0.12, from 10.0.0.12, 00:00:05 ago, via Tunnel0";
    assert_eq!(beyond(&spoke_lookup("10.0.0.12", 5).to_string(), guide).len(), 5);
}

#[test]
fn nat_traversal_in_use_is_found_by_its_words() {
    let nat = |view: &Ikev2Sas| {
        let text = view.to_string();
        text.lines().filter(|line| line.contains("NAT")).map(str::trim).map(str::to_owned).collect::<Vec<_>>()
    };
    let mut view = spoke_ikev2();
    assert_eq!(nat(&view), ["NAT-T is enabled", "NAT-T is detected inside"]);
    view.sas[0].nat = Nat::None;
    assert_eq!(nat(&view), ["NAT-T is not detected"]);
    view.detail = false;
    assert_eq!(nat(&view), [""; 0]);
}

#[test]
fn peers_on_the_hub() {
    let guide = "Legend: Attrb --> S - Static, D - Dynamic, I - Incomplete
        N - NATed, L - Local, X - No Socket
        T1 - Route Installed, T2 - Nexthop-override
        # Ent Peer NBMA Addr Peer Tunnel Add State UpDn Tm Attrb
        ----- --------------- --------------- ----- -------- -----
        1 198.51.100.1 10.0.0.11 UP 00:12:44 D
        1 198.51.100.2 10.0.0.12 UP 00:12:31 D";
    let more = [
        "C - CTS Capable, I2 - Temporary",
        "# Ent --> Number of NHRP entries with same NBMA peer",
        "NHS Status: E --> Expecting Replies, R --> Responding, W --> Waiting",
        "UpDn Time --> Up or Down Time for a Tunnel",
        "==========================================================================",
        "Interface: Tunnel0, IPv4 NHRP Details",
        "Type:Hub, NHRP Peers:2,",
    ];
    assert_eq!(beyond(&hub_dmvpn().to_string(), guide), more);
}

/// Every text of this module.
fn texts() -> Vec<String> {
    let mut detailed_sessions = spoke_sessions();
    detailed_sessions.detail = true;
    let mut detailed_neighbors = hub_neighbors();
    detailed_neighbors.detail = true;
    let mut detailed_dmvpn = hub_dmvpn();
    detailed_dmvpn.detail = true;
    detailed_dmvpn.sessions = spoke_sessions().sessions;
    vec![
        hub_neighbors().to_string(),
        detailed_neighbors.to_string(),
        hub_cache().to_string(),
        hub_cache().brief().to_string(),
        spoke_cache().to_string(),
        spoke_cache().brief().to_string(),
        spoke_trace().to_string(),
        spoke_sessions().to_string(),
        detailed_sessions.to_string(),
        spoke_ikev2().to_string(),
        spoke_lookup("10.0.0.12", 5).to_string(),
        RouteTable { routes: spoke_lookup("10.0.0.12", 5).route.into_iter().collect() }.to_string(),
        hub_dmvpn().to_string(),
        detailed_dmvpn.to_string(),
        Ping::new(ip("192.168.12.1")).to_string(),
        Interface::new("Tunnel0", 1400).to_string(),
        OspfProcess::new(1, [10, 0, 0, 1].into()).to_string(),
        OspfDatabase::new(1, [10, 0, 0, 1].into()).to_string(),
        NhrpNhs::default().to_string(),
        NhrpMulticast::default().to_string(),
        Ikev2Sas::default().to_string(),
        CryptoSessions::default().to_string(),
        Dmvpn::default().to_string(),
        RouteTable::default().to_string(),
        RouteLookup::default().to_string(),
        OspfInterfaces { interfaces: Vec::new(), brief: true }.to_string(),
    ]
}

#[test]
fn no_line_ends_in_blanks_and_every_text_ends_a_line() {
    for text in texts() {
        assert!(text.ends_with('\n'), "{text:?}");
        for line in text.lines() {
            assert_eq!(line, line.trim_end(), "in\n{text}");
        }
    }
}

#[test]
fn what_has_nothing_to_say_is_empty() {
    for text in [
        NhrpCache::default().to_string(),
        NhrpTraffic::default().to_string(),
        IpsecSas::default().to_string(),
        OspfNeighbors::default().to_string(),
        OspfInterfaces::default().to_string(),
    ] {
        assert_eq!(text, "");
    }
}

#[cfg(feature = "serde")]
mod data {
    use serde_json::{Value, json, to_value};

    use super::*;

    #[test]
    fn enumerations_are_lower_case_words_and_durations_seconds() {
        let cache = to_value(spoke_cache()).unwrap();
        assert_eq!(cache["detail"], json!(true));
        let (hub, spoke) = (&cache["entries"][0], &cache["entries"][1]);
        assert_eq!((&hub["created"], &hub["expires"]), (&json!(301), &Value::Null));
        assert_eq!((&spoke["created"], &spoke["expires"]), (&json!(8), &json!(111)));
        assert_eq!(spoke["prefix"], "10.0.0.12/32");
        assert_eq!(spoke["nbma"], "198.51.100.2");
        assert_eq!(spoke["kind"], "dynamic");
        assert_eq!(spoke["flags"], json!(["router", "nhop", "rib"]));
        assert_eq!(spoke["path"], "proven");
        assert_eq!(to_value(NhrpKind::Local).unwrap(), "local");
        assert_eq!(to_value(NhrpFlag::NoSocket).unwrap(), "no-socket");
    }

    #[test]
    fn every_family_serialises() {
        let sessions = to_value(spoke_sessions()).unwrap();
        assert_eq!(sessions["sessions"][1]["status"], "up-active");
        assert_eq!(sessions["sessions"][1]["ike"][0]["local"], json!(["198.51.100.1", 500]));
        assert_eq!(sessions["sessions"][0]["flows"][0]["local"]["prefix"], "198.51.100.1/32");
        assert_eq!(to_value(hub_dmvpn()).unwrap()["interfaces"][0]["peers"][1]["entries"][0]["state"], "up");
        assert_eq!(to_value(hub_neighbors()).unwrap()["neighbors"][0]["state"], "full");
        assert_eq!(to_value(spoke_ikev2()).unwrap()["sas"][0]["dpd_interval"], 60);
        assert_eq!(to_value(spoke_lookup("10.0.0.12", 5)).unwrap()["route"]["kind"], "ospf");
        let probe = &to_value(spoke_trace()).unwrap()["hops"][0]["probes"][0];
        assert_eq!(*probe, json!({"reply": {"address": "10.0.0.12", "time": 0.028}}));
        let reply = PingReply::Reply(Duration::from_millis(40));
        assert_eq!(to_value([reply, PingReply::Timeout]).unwrap(), json!([{"reply": 0.04}, "timeout"]));
        let process = to_value(OspfProcess::new(1, [10, 0, 0, 1].into())).unwrap();
        assert_eq!(process["spf_throttle"], json!({"initial": 0.05, "hold": 0.2, "maximum": 5.0}));
        assert_eq!(to_value(LsaKind::Opaque(10)).unwrap(), json!({"opaque": 10}));
    }
}
