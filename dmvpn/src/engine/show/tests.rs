//! Real clouds, asked: the guide's from its own configuration files, and what can go wrong with them.

use std::sync::OnceLock;

use super::*;
use crate::Command;
use crate::config::{Config, ios};
use crate::sim::{Network, PingConfig, RouterSpec};
use crate::views::{
    CryptoSession, DmvpnAttribute, DmvpnEntry, IkeStatus, NhrpFlag, NhsState, PathState, PeerState,
    RouteKind, RoutePath, SessionStatus,
};

const COMMANDS: &[&str] = &[
    "show ip nhrp",
    "show ip nhrp detail",
    "show ip nhrp brief",
    "show ip nhrp nhs",
    "show ip nhrp nhs detail",
    "show ip nhrp multicast",
    "show ip nhrp traffic",
    "show dmvpn",
    "show dmvpn detail",
    "show crypto session",
    "show crypto session detail",
    "show crypto ikev2 sa",
    "show crypto ikev2 sa detail",
    "show crypto ipsec sa",
    "show ip ospf",
    "show ip ospf neighbor",
    "show ip ospf neighbor detail",
    "show ip ospf interface",
    "show ip ospf interface brief",
    "show ip ospf database",
    "show ip ospf database router",
    "show ip route",
    "show ip route ospf",
    "show ip route 192.168.12.0",
    "show ip route 10.0.0.0 255.255.255.0",
    "show interfaces",
    "show interfaces Tunnel0",
    "show ip interface brief",
    "show drops",
];

fn guide(name: &str) -> Config {
    let path = format!("{}/tests/data/guide/{name}", env!("CARGO_MANIFEST_DIR"));
    ios::parse(name, &std::fs::read_to_string(path).unwrap()).config
}

/// An instant to count from. Nothing depends on it.
#[allow(clippy::disallowed_methods)]
fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}

fn network(configs: impl IntoIterator<Item = Config>) -> Network {
    let mut network = Network::new(start(), 7);
    for config in configs {
        network.add_config(config).unwrap();
    }
    network
}

/// The guide's cloud, just switched on.
fn young() -> Network {
    network(["hub1.cfg", "spoke1.cfg", "spoke2.cfg"].map(guide))
}

/// The guide's cloud after a minute, before any data.
fn registered() -> Network {
    let mut network = young();
    network.run_for(Duration::from_secs(60));
    network
}

/// ... and after SPOKE1 has spoken to SPOKE2, and what was crossed is put right.
fn direct() -> Network {
    let mut network = registered();
    ping(&mut network);
    network.run_for(Duration::from_secs(20));
    network
}

fn ping(network: &mut Network) {
    let to = PingConfig::new("192.168.12.1".parse().unwrap()).from("192.168.11.1".parse().unwrap());
    let id = network.ping("SPOKE1", to);
    network.run_until_idle(Duration::from_secs(60)).expect("a ping ends");
    assert_eq!(network.ping_report(id).lost(), 0);
}

fn ask(network: &Network, router: &str, line: &str) -> View {
    let command = ShowCommand::parse(line).unwrap();
    network.engine(router).show(network.instant(), &command)
}

/// The text, with `TIME` for every time of the form 00:00:00.
fn text(network: &Network, router: &str, line: &str) -> String {
    let text = ask(network, router, line).to_string();
    let mut shape = String::new();
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let is_time = rest.get(..8).is_some_and(|word| {
            word.char_indices().all(|(at, c)| if at == 2 || at == 5 { c == ':' } else { c.is_ascii_digit() })
        });
        let taken = if is_time { 8 } else { first.len_utf8() };
        shape.push_str(if is_time { "TIME" } else { &rest[..taken] });
        rest = &rest[taken..];
    }
    shape
}

fn entry(network: &Network, router: &str, tunnel_address: &str) -> DmvpnEntry {
    let address: std::net::IpAddr = tunnel_address.parse().unwrap();
    let view = network.engine(router).dmvpn(network.instant());
    let entries =
        view.interfaces.into_iter().flat_map(|interface| interface.peers).flat_map(|peer| peer.entries);
    entries.into_iter().find(|entry| entry.tunnel_address == address).expect(tunnel_address)
}

fn letters(entry: &DmvpnEntry) -> String {
    entry.attributes.iter().map(|attribute| attribute.as_str()).collect()
}

fn sessions(network: &Network, router: &str) -> Vec<CryptoSession> {
    network.engine(router).crypto_sessions(network.instant()).sessions
}

#[test]
fn the_guides_hub_has_both_registrations() {
    let network = registered();
    assert_eq!(
        text(&network, "HUB1", "show ip nhrp"),
        "10.0.0.11/32 via 10.0.0.11
   Tunnel0 created TIME, expire TIME
   Type: dynamic, Flags: registered nhop
   NBMA address: 198.51.100.1
10.0.0.12/32 via 10.0.0.12
   Tunnel0 created TIME, expire TIME
   Type: dynamic, Flags: registered nhop
   NBMA address: 198.51.100.2
"
    );
    let detail = text(&network, "HUB1", "show ip nhrp detail");
    assert_eq!(detail.matches("Flags: unique registered nhop\n").count(), 2);
    let cache = network.engine("HUB1").nhrp_cache(network.instant());
    assert!(cache.entries.iter().all(|entry| entry.has(NhrpFlag::Unique)), "data has all that is known");
    assert_eq!(cache.entries[0].created.as_secs(), 59);
    let dmvpn = text(&network, "HUB1", "show dmvpn");
    let (_, table) = dmvpn.split_once("\nInterface: ").unwrap();
    assert_eq!(
        table,
        "Tunnel0, IPv4 NHRP Details
Type:Hub, NHRP Peers:2,

 # Ent  Peer NBMA Addr Peer Tunnel Add State  UpDn Tm Attrb
 ----- --------------- --------------- ----- -------- -----
     1 198.51.100.1          10.0.0.11    UP TIME     D
     1 198.51.100.2          10.0.0.12    UP TIME     D
"
    );
    let neighbors = text(&network, "HUB1", "show ip ospf neighbor");
    assert_eq!(neighbors.matches("   FULL/  -        TIME    10.0.0.1").count(), 2, "{neighbors}");
}

#[test]
fn the_guides_spoke_has_the_hub_and_then_the_other_spoke() {
    let network = direct();
    assert_eq!(
        text(&network, "SPOKE1", "show ip nhrp detail"),
        "10.0.0.1/32 via 10.0.0.1
   Tunnel0 created TIME, never expire
   Type: static, Flags: used nhop
   NBMA address: 203.0.113.1
   Preference: 0
10.0.0.12/32 via 10.0.0.12
   Tunnel0 created TIME, expire TIME
   Type: dynamic, Flags: router nhop rib
   NBMA address: 198.51.100.2
   Preference: 0
   Direct path: proven
"
    );
    assert_eq!(
        text(&network, "SPOKE1", "show crypto session"),
        "Crypto session current status

Interface: Tunnel0
Profile: DMVPN-IKEv2-PROFILE
Uptime: TIME
Session status: UP-ACTIVE
Peer: 203.0.113.1 port 500
  Session ID: 1
  IKEv2 SA: local 198.51.100.1/500 remote 203.0.113.1/500 Active
  IPSEC FLOW: permit 47 host 198.51.100.1 host 203.0.113.1
        Active SAs: 2, origin: crypto map

Interface: Tunnel0
Profile: DMVPN-IKEv2-PROFILE
Uptime: TIME
Session status: UP-ACTIVE
Peer: 198.51.100.2 port 500
  Session ID: 2
  IKEv2 SA: local 198.51.100.1/500 remote 198.51.100.2/500 Active
  IPSEC FLOW: permit 47 host 198.51.100.1 host 198.51.100.2
        Active SAs: 2, origin: crypto map
"
    );
    assert_eq!(entry(&network, "SPOKE1", "10.0.0.1").attributes, [DmvpnAttribute::Static]);
    let spoke = entry(&network, "SPOKE1", "10.0.0.12");
    assert_eq!((spoke.state, spoke.attributes.as_slice()), (PeerState::Up, &[DmvpnAttribute::Dynamic][..]));
    let nhs = network.engine("SPOKE1").nhs(network.instant());
    let server = &nhs.interfaces[0].servers[0];
    assert_eq!((server.state, server.dynamic, server.refused.as_ref()), (NhsState::Responding, false, None));
    assert!(server.requests_sent >= 1 && server.replies_received >= 1 && server.last_reply.is_some());
    let multicast = network.engine("SPOKE1").multicast();
    assert_eq!(multicast.members.len(), 1);
    assert!(multicast.members[0].enabled && !multicast.members[0].dynamic);
}

#[test]
fn a_route_tells_its_direct_path_and_its_fallback() {
    let mut network = registered();
    let path = |network: &Network| -> RoutePath {
        let prefix = "192.168.12.0/24".parse().unwrap();
        let route = network.engine("SPOKE1").route_to(network.instant(), prefix).route.expect("a route");
        assert_eq!((route.kind, route.distance, route.process), (RouteKind::Ospf, 110, Some(1)));
        let mut paths = route.paths;
        assert_eq!(paths.len(), 1);
        paths.remove(0)
    };
    let before = path(&network);
    assert_eq!(before.gateway, Some("10.0.0.12".parse().unwrap()));
    assert_eq!(before.direct.map(|direct| direct.state), Some(PathState::Idle));
    ping(&mut network);
    let after = path(&network);
    assert_eq!(after.gateway, before.gateway);
    let direct = after.direct.expect("the gateway is a peer");
    assert_eq!(direct.state, PathState::Proven);
    let fallbacks: Vec<_> = direct.fallbacks.iter().map(|fallback| fallback.gateway.to_string()).collect();
    assert_eq!(fallbacks, ["10.0.0.1"]);

    let shown = text(&network, "SPOKE1", "show ip route 192.168.12.77");
    assert!(
        shown.starts_with("Routing entry for 192.168.12.0/24\n  Known via \"ospf 1\", distance 110, metric ")
    );
    assert!(shown.contains("\n  Last update from 10.0.0.12 on Tunnel0, TIME ago\n"), "{shown}");
    assert!(shown.contains("\n  * 10.0.0.12, from "), "{shown}");
    assert!(shown.contains(", TIME ago, via Tunnel0\n"), "{shown}");
    assert!(shown.contains("\n      direct path to 10.0.0.12 is proven\n"), "{shown}");
    assert!(shown.ends_with("\n      fallback 10.0.0.1, via Tunnel0, when the direct path is not proven\n"));
    // The hub is nobody that a direct path is made to.
    let hub = network.engine("SPOKE1").route(network.instant(), "10.0.0.1".parse().unwrap()).route.unwrap();
    assert_eq!(hub.paths[0].direct, None);
    assert_eq!(text(&network, "SPOKE1", "show ip route 192.168.12.0/25"), "% Network not in table\n");
}

#[test]
fn both_ends_of_an_sa_tell_the_same() {
    let network = direct();
    let (now, hub, spoke) = (network.instant(), network.engine("HUB1"), network.engine("SPOKE1"));
    let (ours, theirs) = (&hub.ikev2_sas(now).sas[0], &spoke.ikev2_sas(now).sas[0]);
    assert_eq!((ours.local, ours.remote), (theirs.remote, theirs.local));
    assert_eq!((ours.local_spi, ours.remote_spi), (theirs.remote_spi, theirs.local_spi));
    assert_eq!((&ours.local_id, &ours.remote_id), (&theirs.remote_id, &theirs.local_id));
    assert_eq!((ours.status, ours.initiator, theirs.initiator), (IkeStatus::Ready, false, true));
    assert_eq!((ours.encryption.as_str(), ours.key_bits, ours.group), ("AES-CBC", Some(256), 14));
    assert_eq!(ours.local_messages.next, theirs.remote_messages.next);
    assert_eq!(theirs.local_messages.next, ours.remote_messages.next);

    let (ours, theirs) = (&hub.ipsec_sas(now).flows[0], &spoke.ipsec_sas(now).flows[0]);
    assert_eq!((ours.local, ours.remote), (theirs.remote, theirs.local));
    assert_eq!(ours.inbound[0].spi, theirs.outbound[0].spi);
    assert_eq!(ours.outbound[0].spi, theirs.inbound[0].spi);
    assert!(ours.counters.encapsulated > 10);
    assert_eq!(ours.counters.encapsulated, theirs.counters.decapsulated, "nothing was lost");
    assert_eq!(ours.counters.decapsulated, theirs.counters.encapsulated);
    assert_eq!(ours.inbound[0].transform, "esp-256-aes esp-sha256-hmac");
    // 1500 less IP, SPI and sequence, vector, trailer and ICV, cut to whole blocks, with the IP header in front.
    assert_eq!((ours.plaintext_mtu, ours.path_mtu), (1458, 1500));

    let (ours, theirs) = (&sessions(&network, "HUB1")[0].flows[0], &sessions(&network, "SPOKE1")[0].flows[0]);
    assert_eq!(ours.inbound.packets, theirs.outbound.packets);
    let limit = 4_608_000;
    let left = ours.inbound.kilobytes.expect("there is a limit");
    assert!(left < limit && left > limit - 100, "{left}");
}

#[test]
fn what_is_not_there_yet_is_said_step_by_step() {
    let mut network = young();
    let state = |network: &Network| {
        let entry = entry(network, "SPOKE1", "10.0.0.1");
        (entry.state, entry.since.is_some(), sessions(network, "SPOKE1")[0].status)
    };
    assert_eq!(state(&network), (PeerState::Ike, false, SessionStatus::DownNegotiating));
    assert_eq!(sessions(&network, "SPOKE1")[0].peer.to_string(), "203.0.113.1");
    network.run_for(Duration::from_millis(30));
    assert_eq!(sessions(&network, "HUB1").len(), 0, "a hub knows nobody before they come");
    let pending = network.engine("SPOKE1").dmvpn(network.instant()).pending;
    assert_eq!(pending, [("Tunnel0".to_owned(), "203.0.113.1".parse().unwrap())]);
    network.run_for(Duration::from_secs(20));
    assert_eq!(state(&network), (PeerState::Up, true, SessionStatus::UpActive));
    assert_eq!(network.engine("SPOKE1").dmvpn(network.instant()).pending, []);
    network.fail("HUB1");
    network.run_for(Duration::from_secs(600));
    let (down, since, _) = state(&network);
    assert!(down != PeerState::Up && since, "{down}: it was up, so there is a time");
    assert_eq!(entry(&network, "SPOKE1", "10.0.0.1").attributes, [DmvpnAttribute::Static]);
}

#[test]
fn a_session_keeps_its_number_when_another_ends() {
    let mut network = direct();
    let hub = "203.0.113.1".parse().unwrap();
    network.command("SPOKE1", Command::ClearCrypto(Some(hub)));
    let of = |network: &Network| -> Vec<_> {
        let sessions = sessions(network, "SPOKE1").into_iter();
        sessions.map(|session| (session.peer.to_string(), session.session_id, session.status)).collect()
    };
    let (up, down) = (SessionStatus::UpActive, SessionStatus::Down);
    let spoke = ("198.51.100.2".to_owned(), 2, up);
    assert_eq!(of(&network), [spoke.clone(), ("203.0.113.1".to_owned(), 0, down)]);
    network.run_for(Duration::from_secs(20));
    assert_eq!(of(&network), [spoke, ("203.0.113.1".to_owned(), 3, up)], "a new session has a new number");
}

#[test]
fn two_hubs_on_one_source_have_a_session_each() {
    let files = ["hub1.cfg", "hub2.cfg", "spoke1-dual-hub.cfg", "spoke2-dual-hub.cfg"];
    let mut network = network(files.map(guide));
    network.run_for(Duration::from_secs(60));
    let mut of: Vec<_> = sessions(&network, "SPOKE1")
        .into_iter()
        .map(|session| (session.peer.to_string(), session.interface, session.status))
        .collect();
    of.sort();
    let up = SessionStatus::UpActive;
    assert_eq!(
        of,
        [
            ("203.0.113.1".to_owned(), "Tunnel0".to_owned(), up),
            ("203.0.113.2".to_owned(), "Tunnel1".to_owned(), up)
        ]
    );
    let tunnel = network.engine("SPOKE1").interface(network.instant(), "tu1").expect("Tunnel1");
    assert_eq!(tunnel.name, "Tunnel1");
    assert!(tunnel.tunnel.is_some_and(|tunnel| tunnel.protection_shared));
}

#[test]
fn a_shortcut_shows_as_an_override() {
    let mut configs = ["hub1.cfg", "spoke1.cfg", "spoke2.cfg"].map(guide);
    for config in &mut configs {
        for interface in &mut config.interfaces {
            let Some(tunnel) = &mut interface.tunnel else { continue };
            if tunnel.is_spoke() {
                tunnel.nhrp.shortcut = true;
            } else {
                tunnel.nhrp.redirect = Some(Duration::from_secs(8));
            }
        }
    }
    let mut network = Network::new(start(), 7);
    for (config, name) in configs.into_iter().zip(["HUB1", "SPOKE1", "SPOKE2"]) {
        let mut spec = RouterSpec::with_config(config);
        if name == "SPOKE2" {
            spec = spec.host("server", "192.168.12.10".parse().unwrap());
        }
        network.add_router(name, spec).unwrap();
    }
    network.run_for(Duration::from_secs(60));
    for to in ["192.168.12.1", "192.168.12.10"] {
        let to = PingConfig::new(to.parse().unwrap()).from("192.168.11.1".parse().unwrap());
        let id = network.ping("SPOKE1", to);
        network.run_until_idle(Duration::from_secs(60)).expect("a ping ends");
        assert_eq!(network.ping_report(id).lost(), 0);
    }
    network.run_for(Duration::from_secs(5));
    let prefix = "192.168.12.0/24".parse().unwrap();
    let route = network.engine("SPOKE1").route_to(network.instant(), prefix).route.unwrap();
    let paths: Vec<_> =
        route.paths.iter().map(|path| (path.gateway.unwrap().to_string(), path.next_hop_override)).collect();
    assert_eq!(route.kind, RouteKind::Ospf);
    assert_eq!(paths, [("10.0.0.1".to_owned(), false), ("10.0.0.12".to_owned(), true)]);
    let table = text(&network, "SPOKE1", "show ip route");
    assert!(table.contains("\nO   %    192.168.12.0/24 [110/2001] via 10.0.0.1, TIME, Tunnel0\n"), "{table}");
    assert!(table.contains("[NHO][110/2001] via 10.0.0.12, TIME, Tunnel0\n"), "{table}");
    let view = network.engine("SPOKE1").dmvpn(network.instant());
    let entries =
        view.interfaces.iter().flat_map(|interface| &interface.peers).flat_map(|peer| &peer.entries);
    let attributes: Vec<_> = entries.map(|entry| (entry.target.to_string(), letters(entry))).collect();
    // The address of the router itself has a route of its own; its network overrides the route of OSPF.
    assert_eq!(
        attributes,
        [
            ("10.0.0.1/32".to_owned(), "S".to_owned()),
            ("10.0.0.12/32".to_owned(), "D".to_owned()),
            ("192.168.12.0/24".to_owned(), "DT2".to_owned()),
            ("192.168.12.1/32".to_owned(), "DT1".to_owned()),
            // What SPOKE1 answered for itself.
            ("192.168.11.1/32".to_owned(), "DLX".to_owned()),
        ]
    );
    assert!(table.contains("\nH        192.168.12.1/32 [250/0] via 10.0.0.12, TIME, Tunnel0\n"), "{table}");
    let detail = text(&network, "SPOKE1", "show ip nhrp detail");
    assert!(detail.contains("192.168.12.0/24 via 10.0.0.12\n"), "{detail}");
    assert!(detail.contains("Flags: router rib nho\n"), "{detail}");
}

#[test]
fn drops_and_counters_are_counted() {
    let network = direct();
    let tunnel = network.engine("SPOKE1").interface(network.instant(), "Tunnel0").unwrap();
    assert!(tunnel.counters.input_packets > 10 && tunnel.counters.output_packets > 10);
    assert!(
        tunnel.counters.last_input.is_some_and(|ago| ago < Duration::from_secs(31)),
        "a Hello is never older"
    );
    let details = tunnel.tunnel.unwrap();
    assert_eq!((details.key, details.transport_mtu, details.down_because), (Some(100), 1430, None));
    assert_eq!(details.source_interface.as_deref(), Some("GigabitEthernet0/0/0"));
    let traffic = network.engine("HUB1").nhrp_traffic(network.instant());
    let counts = &traffic.interfaces[0];
    assert_eq!(counts.received.registration_request, counts.sent.registration_reply);
    assert!(counts.received.registration_request >= 2 && counts.forwarded.resolution_request >= 1);
    let process = network.engine("HUB1").ospf_process(network.instant()).unwrap();
    assert_eq!((process.areas.len(), process.areas[0].lsas), (1, 3));
    assert!(process.areas[0].spf_runs > 0 && process.areas[0].spf_last.is_some());
    assert_eq!(network.engine("HUB1").ospf_interfaces(network.instant()).interfaces[0].adjacent.len(), 2);
}

#[test]
fn every_command_is_answered_at_every_time() {
    let mut network = young();
    for _ in 0..3 {
        for router in ["HUB1", "SPOKE1", "SPOKE2"] {
            for line in COMMANDS {
                let view = ask(&network, router, line);
                let text = view.to_string();
                assert!(text.is_empty() || text.ends_with('\n'), "{line}");
                let ragged = text.lines().find(|line| line.ends_with(' '));
                assert_eq!(ragged, None, "{line}");
                let filtered = ask(&network, router, &format!("{line} | include e")).to_string();
                assert!(filtered.lines().all(|line| line.contains('e')), "{line}");
                #[cfg(feature = "serde")]
                serde_json::to_string(&view).expect(line);
            }
        }
        ping_if_ready(&mut network);
        network.run_for(Duration::from_secs(30));
    }
}

fn ping_if_ready(network: &mut Network) {
    if network.now() > Duration::ZERO {
        ping(network);
    }
}
