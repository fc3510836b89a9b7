//! The forwarding plane driven by actions alone: no control plane decides anything here.
#![allow(clippy::disallowed_methods, reason = "virtual time begins somewhere")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use ikev2::{ChildId, EspCipher, EspIntegrity, Mode, SaParameters, SecretBytes};

use super::batch::Step;
use super::ipv4::{Header, NewHeader, protocol};
use super::*;
use crate::ids::UnderlayId;
use crate::{Delivery, Packet, Path, Verdict, Wire};

const HUB_NBMA: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1));
const SPOKE_NBMA: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));
const HUB: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const SPOKE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 11);
const OTHER_SPOKE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 12);
const LAN_HOST: Ipv4Addr = Ipv4Addr::new(192, 168, 11, 5);
const FAR_HOST: Ipv4Addr = Ipv4Addr::new(192, 168, 12, 5);
const TUNNEL: TunnelId = TunnelId(0);
const TO_PEER: PathId = PathId(0);

struct Cloud {
    now: Instant,
    hub: Plane,
    spoke: Plane,
}

fn settings(address: Ipv4Addr, protected: bool) -> TunnelSettings {
    TunnelSettings {
        id: TUNNEL,
        underlay: UnderlayId(0),
        address,
        prefix: "10.0.0.0/24".parse().expect("prefix"),
        key: Some(100),
        protected,
        ip_mtu: 1472,
        adjust_mss: Some(1360),
        path_mtu_discovery: false,
        network_id: 100,
        redirect: false,
    }
}

fn sa(spi: u32, key: u8, local: IpAddr, remote: IpAddr) -> Box<SaParameters> {
    Box::new(SaParameters {
        spi,
        cipher: EspCipher::AesCbc256,
        integrity: EspIntegrity::HmacSha256_128,
        esn: false,
        encryption_key: SecretBytes::new(vec![key; 32]),
        integrity_key: SecretBytes::new(vec![key ^ 0x55; 32]),
        mode: Mode::Transport,
        local: SocketAddr::new(local, 500),
        remote: SocketAddr::new(remote, 500),
        udp_encapsulation: false,
        local_selectors: Vec::new(),
        remote_selectors: Vec::new(),
        limits: ikev2::TrafficLimits::default(),
    })
}

impl Cloud {
    fn new(protected: bool) -> Self {
        let now = Instant::now();
        let plane = |nbma, address, network: &str, own| {
            let networks = vec![
                ("10.0.0.0/24".parse().expect("prefix"), address),
                (network.parse().expect("prefix"), own),
            ];
            Plane::new(now, [(nbma, 1500)], vec![settings(address, protected)], Vec::new(), networks)
        };
        let mut cloud = Self {
            now,
            hub: plane(HUB_NBMA, HUB, "192.168.12.0/24", Ipv4Addr::new(192, 168, 12, 1)),
            spoke: plane(SPOKE_NBMA, SPOKE, "192.168.11.0/24", Ipv4Addr::new(192, 168, 11, 1)),
        };
        for (plane, address, remote, peer, lan, far_lan) in [
            (&mut cloud.hub, HUB, SPOKE_NBMA, SPOKE, "192.168.12.0/24", "192.168.11.0/24"),
            (&mut cloud.spoke, SPOKE, HUB_NBMA, HUB, "192.168.11.0/24", "192.168.12.0/24"),
        ] {
            let remote = SocketAddr::new(remote, 0);
            act(plane, Action::AddPath { path: TO_PEER, underlay: UnderlayId(0), remote, protected });
            act(plane, Action::AddAdjacency { tunnel: TUNNEL, tunnel_address: peer, path: TO_PEER });
            act(plane, Action::AddRoute { prefix: address.into(), route: Route::Local });
            act(plane, Action::AddRoute { prefix: lan.parse().expect("prefix"), route: Route::Lan });
            let hop = Hop { tunnel: TUNNEL, gateway: peer, fallbacks: Vec::new() };
            act(
                plane,
                Action::AddRoute { prefix: far_lan.parse().expect("prefix"), route: Route::Via(vec![hop]) },
            );
        }
        if protected {
            let (up, down) = (ChildId(1), ChildId(2));
            let to_hub = sa(0x0101_0001, 1, SPOKE_NBMA, HUB_NBMA);
            let to_spoke = sa(0x0202_0002, 2, HUB_NBMA, SPOKE_NBMA);
            act(&mut cloud.spoke, Action::InstallOutbound { path: TO_PEER, child: up, sa: to_hub.clone() });
            act(&mut cloud.hub, Action::InstallInbound { path: TO_PEER, child: up, sa: to_hub });
            act(&mut cloud.hub, Action::InstallOutbound { path: TO_PEER, child: down, sa: to_spoke.clone() });
            act(&mut cloud.spoke, Action::InstallInbound { path: TO_PEER, child: down, sa: to_spoke });
        }
        cloud
    }

    fn leave_spoke(&mut self, packet: &mut Packet) -> Verdict {
        self.spoke.handle_lan(self.now, packet, true)
    }

    fn at_hub(&mut self, path: Path, packet: &mut Packet) -> Ingress {
        let seen = Path { local: path.remote, remote: path.local, ..path };
        match self.hub.handle_wan(self.now, seen, packet, |_, _| Some(TO_PEER)) {
            Ingress::Data(step) => Ingress::Data(Step::Done(self.hub.finish(step, packet))),
            control => control,
        }
    }
}

fn act(plane: &mut Plane, action: Action) {
    plane.apply(action, || [7; 32]);
}

fn ip(ttl: u8, dont_fragment: bool, tos: u8, len: usize) -> Packet {
    let header = NewHeader {
        tos,
        identification: 1,
        dont_fragment,
        ttl,
        protocol: protocol::GRE,
        source: LAN_HOST,
        destination: FAR_HOST,
    };
    let mut bytes = header.to_bytes(len - 20).expect("short").to_vec();
    bytes.resize(len, 0x5a);
    Packet::new(&bytes)
}

fn transmitted(verdict: Verdict) -> Path {
    match verdict {
        Verdict::Transmit(path) => path,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_lan_packet_crosses_the_tunnel_unchanged_but_for_its_ttl() {
    for protected in [false, true] {
        let mut cloud = Cloud::new(protected);
        let mut packet = ip(64, false, 0xb8, 300);
        let path = transmitted(cloud.leave_spoke(&mut packet));
        assert_eq!(path.wire, if protected { Wire::Esp } else { Wire::Gre });
        assert_eq!(path.tos, 0xb8, "DSCP is copied outward");
        if protected {
            assert!(!packet.bytes().windows(8).any(|window| window == [0x5a; 8]), "clear text");
        }
        assert_eq!(
            cloud.at_hub(path, &mut packet),
            Ingress::Data(Step::Done(Verdict::Deliver(Delivery::Lan)))
        );
        let header = Header::read(packet.bytes()).expect("valid");
        assert_eq!((header.ttl, header.total_len, header.tos), (62, 300, 0xb8));
        assert!(packet.bytes()[20..].iter().all(|byte| *byte == 0x5a));
    }
}

#[test]
fn a_protected_tunnel_sends_nothing_without_an_sa_and_takes_nothing_in_the_clear() {
    let mut cloud = Cloud::new(true);
    let mut plain = Cloud::new(false);
    let mut packet = ip(64, false, 0, 100);
    let path = transmitted(plain.leave_spoke(&mut packet));
    assert_eq!(
        cloud.at_hub(path, &mut packet),
        Ingress::Data(Step::Done(Verdict::Dropped(DropReason::ClearText)))
    );
    assert_eq!(cloud.hub.poll_punt(), Some(Punt::ClearText { remote: SPOKE_NBMA }));

    act(&mut cloud.spoke, Action::RemoveSa { path: TO_PEER, child: ChildId(1) });
    let mut packet = ip(64, false, 0, 100);
    assert_eq!(cloud.leave_spoke(&mut packet), Verdict::Dropped(DropReason::NoSa));
}

#[test]
fn esp_that_is_replayed_forged_or_unknown_is_dropped_by_its_name() {
    let mut cloud = Cloud::new(true);
    let mut packet = ip(64, false, 0, 100);
    let path = transmitted(cloud.leave_spoke(&mut packet));
    let sealed = packet.clone();
    assert!(matches!(cloud.at_hub(path, &mut packet), Ingress::Data(Step::Done(Verdict::Deliver(_)))));
    for (change, reason) in [
        (None, DropReason::EspReplay),
        (Some(0), DropReason::UnknownSpi),
        (Some(40), DropReason::EspAuthentication),
    ] {
        let mut packet = sealed.clone();
        if let Some(at) = change {
            packet.bytes_mut()[at] ^= 1;
            packet.bytes_mut()[7] ^= 2;
        }
        assert_eq!(cloud.at_hub(path, &mut packet), Ingress::Data(Step::Done(Verdict::Dropped(reason))));
        assert_eq!(cloud.hub.drops().get(&reason), Some(&1));
    }
}

#[test]
fn the_ttl_runs_out_where_it_should_and_the_sender_is_told() {
    let mut cloud = Cloud::new(true);
    let mut packet = ip(1, false, 0, 100);
    assert_eq!(cloud.leave_spoke(&mut packet), Verdict::Deliver(Delivery::Lan));
    let error = Header::read(packet.bytes()).expect("valid");
    assert_eq!((error.source, error.destination), (Ipv4Addr::new(192, 168, 11, 1), LAN_HOST));
    assert_eq!(packet.bytes()[20..22], [11, 0], "time exceeded");
    assert_eq!(cloud.spoke.drops().get(&DropReason::TtlExceeded), Some(&1));

    let mut packet = ip(2, false, 0, 100);
    let path = transmitted(cloud.leave_spoke(&mut packet));
    let answer = match cloud.at_hub(path, &mut packet) {
        Ingress::Data(Step::Done(Verdict::Transmit(path))) => path,
        other => panic!("{other:?}"),
    };
    assert_eq!(answer.wire, Wire::Esp, "the error goes back through the tunnel");
    let seen = Path { local: answer.remote, remote: answer.local, ..answer };
    assert_eq!(
        cloud.spoke.handle_wan(cloud.now, seen, &mut packet, |_, _| None),
        Ingress::Data(Step::Done(Verdict::Deliver(Delivery::Lan)))
    );
    assert_eq!(Header::read(packet.bytes()).expect("valid").source, HUB);
}

#[test]
fn a_packet_that_does_not_fit_and_must_not_be_fragmented_is_refused_with_the_exact_size() {
    let mut cloud = Cloud::new(true);
    // AES-CBC with SHA-256 and a key over a link of 1500: 1430 fits, 1431 does not.
    transmitted(cloud.leave_spoke(&mut ip(64, true, 0, 1430)));
    let mut packet = ip(64, true, 0, 1431);
    assert_eq!(cloud.leave_spoke(&mut packet), Verdict::Deliver(Delivery::Lan));
    assert_eq!(packet.bytes()[20..22], [3, 4]);
    assert_eq!(packet.bytes()[26..28], 1430_u16.to_be_bytes());
    assert_eq!(cloud.spoke.drops().get(&DropReason::TooBig), Some(&1));
    // The same packet may be fragmented: the underlay does it.
    transmitted(cloud.leave_spoke(&mut ip(64, false, 0, 1431)));

    cloud.spoke.set_link_mtu(HUB_NBMA, 1400);
    let mut packet = ip(64, true, 0, 1430);
    assert_eq!(cloud.leave_spoke(&mut packet), Verdict::Deliver(Delivery::Lan));
    assert_eq!(packet.bytes()[26..28], 1318_u16.to_be_bytes());
}

#[test]
fn an_unproven_next_hop_takes_the_fallback_and_asks_once_a_second() {
    let mut cloud = Cloud::new(true);
    let prefix = "192.168.12.0/24".parse().expect("prefix");
    let hop = Hop { tunnel: TUNNEL, gateway: OTHER_SPOKE, fallbacks: vec![HUB] };
    act(&mut cloud.spoke, Action::AddRoute { prefix, route: Route::Via(vec![hop]) });
    let unresolved = Punt::Unresolved { tunnel: TUNNEL, next_hop: OTHER_SPOKE };
    for (after, punt) in [(0, Some(unresolved.clone())), (999, None), (1000, Some(unresolved))] {
        let now = cloud.now + Duration::from_millis(after);
        let path = transmitted(cloud.spoke.handle_lan(now, &mut ip(64, false, 0, 100), true));
        assert_eq!(path.remote, HUB_NBMA);
        assert_eq!(cloud.spoke.poll_punt(), punt, "after {after} ms");
        let used = punt.map(|_| Punt::Used { tunnel: TUNNEL, next_hop: HUB });
        assert_eq!(cloud.spoke.poll_punt(), used, "after {after} ms");
    }
    assert_eq!(cloud.spoke.counters(TUNNEL).by_fallback, 3);

    let direct = PathId(1);
    let remote = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 2)), 0);
    act(&mut cloud.spoke, Action::AddPath { path: direct, underlay: UnderlayId(0), remote, protected: true });
    act(&mut cloud.spoke, Action::AddAdjacency { tunnel: TUNNEL, tunnel_address: OTHER_SPOKE, path: direct });
    let now = cloud.now + Duration::from_secs(2);
    let verdict = cloud.spoke.handle_lan(now, &mut ip(64, false, 0, 100), true);
    assert_eq!(verdict, Verdict::Dropped(DropReason::NoSa), "a path without an SA carries nothing");
    act(&mut cloud.spoke, Action::RemoveAdjacency { tunnel: TUNNEL, tunnel_address: OTHER_SPOKE });
    let path = transmitted(cloud.spoke.handle_lan(now, &mut ip(64, false, 0, 100), true));
    assert_eq!(path.remote, HUB_NBMA);
}

#[test]
fn a_foreign_gre_key_is_reported_and_never_delivered() {
    for key in [None, Some(200)] {
        let mut cloud = Cloud::new(true);
        let mut other = Cloud::new(true);
        other.spoke.tunnels[0].settings.key = key;
        let mut packet = ip(64, false, 0, 100);
        let path = transmitted(other.leave_spoke(&mut packet));
        assert_eq!(
            cloud.at_hub(path, &mut packet),
            Ingress::Data(Step::Done(Verdict::Dropped(DropReason::GreKey)))
        );
        let alive = cloud.hub.poll_punt();
        assert_eq!(alive, Some(Punt::Alive { path: TO_PEER, child: ChildId(1) }));
        let punt = Punt::UnknownGreKey { underlay: UnderlayId(0), remote: SPOKE_NBMA, key };
        assert_eq!(cloud.hub.poll_punt(), Some(punt));
    }
}

#[test]
fn truncated_and_random_underlay_packets_never_panic() {
    let mut cloud = Cloud::new(true);
    let mut packet = ip(64, false, 0, 100);
    let path = transmitted(cloud.leave_spoke(&mut packet));
    let udp = Wire::Udp { local_port: ingress::NAT_PORT, remote_port: 4500 };
    for wire in [path.wire, Wire::Gre, udp] {
        for len in 0..packet.len() {
            let mut short = Packet::new(&packet.bytes()[..len]);
            let _ = cloud.at_hub(Path { wire, ..path }, &mut short);
        }
    }
    assert!(cloud.hub.drops().len() > 3);
}

#[test]
fn strangers_packets_are_all_counted_and_reported_at_a_bounded_rate() {
    let mut cloud = Cloud::new(true);
    let mut plain = Cloud::new(false);
    let mut packet = ip(64, false, 0, 100);
    let path = transmitted(plain.leave_spoke(&mut packet));
    for _ in 0..5000 {
        let _ = cloud.at_hub(path, &mut packet.clone());
    }
    assert_eq!(cloud.hub.drops().get(&DropReason::ClearText), Some(&5000));
    let reports = core::iter::from_fn(|| cloud.hub.poll_punt()).count();
    assert!((1..=100).contains(&reports), "{reports} reports");
}

#[test]
fn esp_with_an_unknown_spi_is_reported_at_a_bounded_rate() {
    let mut cloud = Cloud::new(true);
    let mut packet = ip(64, false, 0, 100);
    let path = transmitted(cloud.leave_spoke(&mut packet));
    let unknown = |spi: u32| {
        let mut packet = packet.clone();
        packet.bytes_mut()[..4].copy_from_slice(&spi.to_be_bytes());
        packet
    };
    let report = cloud.at_hub(path, &mut unknown(0x1234_5678));
    assert_eq!(report, Ingress::Data(Step::Done(Verdict::Dropped(DropReason::UnknownSpi))));
    let punt = cloud.hub.poll_punt();
    assert!(matches!(punt, Some(Punt::UnknownSpi { spi: 0x1234_5678, .. })), "{punt:?}");
    for spi in 0..5000 {
        let _ = cloud.at_hub(path, &mut unknown(0x2000_0000 + spi));
    }
    let reports = core::iter::from_fn(|| cloud.hub.poll_punt()).count();
    assert!((1..=100).contains(&reports), "{reports} reports");
}

#[test]
fn a_host_that_routes_the_lans_counts_as_one_hop_with_the_engine() {
    let mut cloud = Cloud::new(true);
    cloud.spoke.set_host_routes_lans(true);
    cloud.hub.set_host_routes_lans(true);
    // The host has taken its one off already: a TTL of 1 is enough to leave by the tunnel and to reach the far host.
    let mut packet = ip(1, false, 0, 100);
    let path = transmitted(cloud.leave_spoke(&mut packet));
    assert_eq!(cloud.at_hub(path, &mut packet), Ingress::Data(Step::Done(Verdict::Deliver(Delivery::Lan))));
    assert_eq!(Header::read(packet.bytes()).expect("valid").ttl, 1);
    // What no tunnel leads to is refused: the answer is an ICMP error to the sender, not the packet itself.
    let lan = "192.168.12.0/24".parse().expect("prefix");
    act(&mut cloud.spoke, Action::AddRoute { prefix: lan, route: Route::Lan });
    let mut packet = ip(64, false, 0, 100);
    assert_eq!(cloud.leave_spoke(&mut packet), Verdict::Deliver(Delivery::Lan));
    let header = Header::read(packet.bytes()).expect("valid");
    assert_eq!((header.destination, header.protocol), (LAN_HOST, protocol::ICMP));
}
