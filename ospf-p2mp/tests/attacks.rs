//! What a neighbour, or somebody who can write into the tunnel, may try.

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::*;
use ospf_p2mp::wire::{
    AuthField, DatabaseDescription, DdFlags, ExternalLsa, Hello, INITIAL_SEQUENCE, LinkKind, LsRequest,
    LsUpdate, Lsa, LsaBody, LsaKey, LsaType, MAX_AGE, MAX_SEQUENCE, MetricType, Options, Packet, PacketBody,
    RouterFlags, RouterLink, RouterLsa,
};
use ospf_p2mp::{AreaId, DownReason, DropReason, Event, Input, LsaView, LsdbLimit, NeighborState};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const HUB: &str = "10.0.0.1";
const LIAR: &str = "10.0.0.12";

fn running() -> Cloud {
    let mut cloud = Cloud::star(2);
    cloud.register_all();
    cloud.run_for(Duration::from_secs(20));
    assert!(cloud.all_lans_reachable());
    cloud
}

fn packet(router_id: &str, body: PacketBody) -> Vec<u8> {
    let packet = Packet {
        router_id: ip(router_id),
        area: AreaId::BACKBONE,
        auth: AuthField::Null([0; 8]),
        body,
        trailer: Bytes::new(),
    };
    packet.encode().expect("a small packet")
}

/// The hub receives a packet as from the second spoke.
fn inject(cloud: &mut Cloud, payload: &[u8]) {
    let (source, destination) = (ip(LIAR), ip(HUB));
    cloud.input(0, Input::Packet { interface: TUNNEL, source, destination, ttl: 1, payload });
}

fn inject_lsas(cloud: &mut Cloud, lsas: Vec<Lsa>) {
    inject(cloud, &packet(LIAR, PacketBody::LinkStateUpdate(LsUpdate { lsas })));
}

fn router_lsa(id: &str, advertising: &str, sequence: i32, links: Vec<RouterLink>) -> Lsa {
    let body = LsaBody::Router(RouterLsa { flags: RouterFlags::default(), links, tos: Vec::new() });
    Lsa::new(LsaKey::new(1, ip(id), ip(advertising)), Options::E, sequence, body.encode())
        .expect("a small LSA")
}

fn external(number: u32, advertising: &str) -> Lsa {
    let body = LsaBody::AsExternal(ExternalLsa {
        mask: ip("255.255.255.255"),
        metric_type: MetricType::Type2,
        reserved: 0,
        metric: 1,
        forwarding: ip("0.0.0.0"),
        tag: 0,
        tos: Bytes::new(),
    });
    let key = LsaKey::new(5, (0xc600_0000 + number).into(), ip(advertising));
    Lsa::new(key, Options::E, INITIAL_SEQUENCE, body.encode()).expect("a small LSA")
}

fn view(cloud: &Cloud, index: usize, ls_type: u8, advertising: &str) -> LsaView {
    let mut views = cloud.router(index).database();
    views
        .find(|view| view.header.ls_type == ls_type && view.header.advertising_router == ip(advertising))
        .expect("an LSA")
}

fn drops(cloud: &Cloud, reason: DropReason) -> u64 {
    cloud.router(0).stats().dropped(reason)
}

fn default_route() -> RouterLink {
    RouterLink { kind: LinkKind::STUB, id: ip("0.0.0.0"), data: ip("0.0.0.0"), metric: 1 }
}

/// After the attack the area believes the hub itself again, everywhere the same.
fn assert_hub_prevails(cloud: &mut Cloud, above: i32) {
    cloud.run_for(Duration::from_secs(30));
    let truth = view(cloud, 0, 1, HUB);
    assert!(truth.header.sequence > above, "{} is not above {above}", truth.header.sequence);
    for index in 1..3 {
        let seen = view(cloud, index, 1, HUB);
        assert_eq!((seen.header.sequence, seen.body), (truth.header.sequence, truth.body.clone()));
    }
    assert!(cloud.all_full() && cloud.all_lans_reachable());
    assert!(cloud.route(1, "0.0.0.0/0").is_none(), "the lie is gone");
}

#[test]
fn a_newer_lsa_in_our_name_is_outbid() {
    let mut cloud = running();
    let sequence = view(&cloud, 0, 1, HUB).header.sequence + 100;
    inject_lsas(&mut cloud, vec![router_lsa(HUB, HUB, sequence, vec![default_route()])]);
    assert_hub_prevails(&mut cloud, sequence);
    let told = |event: &Event| matches!(event, Event::ForeignSelfOriginated { ls_type: 1, .. });
    assert!(cloud.nodes[0].events.iter().any(|(_, event)| told(event)));
    let told = |event: &Event| matches!(event, Event::DuplicateRouterId { .. });
    assert!(cloud.nodes[0].events.iter().any(|(_, event)| told(event)));
}

/// Same sequence number and checksum, another body: for everybody else it is the same instance (section 13.1).
#[test]
fn a_disguised_lsa_in_our_name_is_noticed() {
    let mut cloud = running();
    let ours = view(&cloud, 0, 1, HUB);
    let sequence = ours.header.sequence;
    let disguise = (0..u32::MAX)
        .map(|number| {
            let stub = RouterLink { kind: LinkKind::STUB, id: number.into(), data: number.into(), metric: 1 };
            router_lsa(HUB, HUB, sequence, vec![default_route(), stub])
        })
        .find(|lsa| lsa.header.checksum == ours.header.checksum)
        .expect("a collision of 16 bits");
    inject_lsas(&mut cloud, vec![disguise]);
    assert_eq!(cloud.router(0).stats().fight_backs, 1);
    assert_hub_prevails(&mut cloud, sequence);
}

/// CVE-2017-3224 and its kind: at the last sequence number the owner must flush and begin again.
#[test]
fn the_last_sequence_number_is_no_way_to_silence_us() {
    let mut cloud = running();
    inject_lsas(&mut cloud, vec![router_lsa(HUB, HUB, MAX_SEQUENCE, vec![default_route()])]);
    assert_hub_prevails(&mut cloud, INITIAL_SEQUENCE - 1);
    assert!(view(&cloud, 0, 1, HUB).header.sequence < INITIAL_SEQUENCE + 10, "begun again");
}

#[test]
fn a_premature_end_of_our_lsa_is_answered() {
    let mut cloud = running();
    let ours = view(&cloud, 0, 1, HUB);
    let mut lsa = router_lsa(HUB, HUB, ours.header.sequence, Vec::new());
    let LsaBody::Router(body) = ours.body else { unreachable!("a Router-LSA") };
    lsa =
        Lsa::new(lsa.key(), Options::E, ours.header.sequence, LsaBody::Router(body).encode()).expect("small");
    lsa.header.age = MAX_AGE;
    inject_lsas(&mut cloud, vec![lsa]);
    assert_hub_prevails(&mut cloud, ours.header.sequence);
}

#[test]
fn an_lsa_of_ours_that_we_do_not_issue_is_flushed() {
    let mut cloud = running();
    inject_lsas(&mut cloud, vec![external(1, HUB)]);
    cloud.run_for(Duration::from_secs(20));
    for index in 0..3 {
        let left = cloud.router(index).database().filter(|view| view.header.ls_type == 5);
        assert_eq!(left.count(), 0, "router {index}");
    }
}

/// VU#229804: a Router-LSA is found by link state id in some places and by issuer in others.
#[test]
fn a_router_lsa_with_two_names_is_dropped() {
    let mut cloud = running();
    let before = cloud.router(0).database().count();
    inject_lsas(
        &mut cloud,
        vec![router_lsa(HUB, "9.9.9.9", 5, Vec::new()), router_lsa("9.9.9.9", HUB, 5, Vec::new())],
    );
    assert_eq!(drops(&cloud, DropReason::LsaIdMismatch), 2);
    assert_eq!(cloud.router(0).database().count(), before);
}

#[test]
fn one_bad_lsa_does_not_spoil_the_others() {
    let mut cloud = running();
    let mut bad = external(1, LIAR);
    bad.header.checksum ^= 1;
    let mut zero = external(2, LIAR);
    zero.header.checksum = 0;
    let reserved = {
        let good = external(3, LIAR);
        Lsa::new(good.key(), Options::E, i32::MIN, good.body).expect("small")
    };
    let unknown = Lsa::new(LsaKey::new(200, ip(LIAR), ip(LIAR)), Options::E, 1, Bytes::new()).expect("small");
    let nssa =
        Lsa::new(LsaKey::new(7, ip(LIAR), ip(LIAR)), Options::E, 1, external(4, LIAR).body).expect("small");
    let short = Lsa::new(LsaKey::new(5, ip(LIAR), ip(LIAR)), Options::E, 1, Bytes::from_static(&[0; 8]))
        .expect("small");
    inject_lsas(&mut cloud, vec![bad, zero, reserved, unknown, nssa, short, external(5, LIAR)]);
    assert_eq!(drops(&cloud, DropReason::LsaChecksum), 2);
    assert_eq!(drops(&cloud, DropReason::LsaRange), 1);
    assert_eq!(drops(&cloud, DropReason::LsaType), 2);
    assert_eq!(drops(&cloud, DropReason::LsaMalformed), 1);
    assert_eq!(cloud.router(0).database().filter(|view| view.header.ls_type == 5).count(), 1);
    assert_eq!(cloud.state(0, LIAR), NeighborState::Full);
}

#[test]
fn phantom_lsas_are_bounded_and_told_once() {
    let mut cloud = Cloud::star(2);
    cloud.nodes[0].config.limits.lsas_per_router = 50;
    cloud.nodes[0].config.limits.lsas = 120;
    cloud.crash(0);
    cloud.boot(0);
    cloud.register_all();
    cloud.run_for(Duration::from_secs(20));
    for issuer in 0..10u32 {
        let issuer = std::net::Ipv4Addr::from(0x0909_0900 + issuer).to_string();
        for block in 0..5 {
            let lsas = (0..20).map(|number| external(block * 20 + number, &issuer)).collect();
            inject_lsas(&mut cloud, lsas);
        }
    }
    assert_eq!(cloud.router(0).database().count(), 120);
    let of_one =
        cloud.router(0).database().filter(|view| view.header.advertising_router == ip("9.9.9.0")).count();
    assert_eq!(of_one, 50);
    let told: Vec<_> = cloud.nodes[0]
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::LsdbLimit { limit, .. } => Some(*limit),
            _ => None,
        })
        .collect();
    assert_eq!(told, [LsdbLimit::LsasPerRouter]);
    assert_eq!(drops(&cloud, DropReason::LsdbLimit), 1000 - 117);
    cloud.run_for(Duration::from_secs(30));
    assert_eq!(cloud.state(0, "10.0.0.11"), NeighborState::Full, "the honest are not hurt");
    assert!(cloud.all_lans_reachable());
}

/// Most crashes of others were in TLVs. Ours are bytes: stored and passed on as they came.
#[test]
fn opaque_lsas_are_not_looked_into() {
    let mut cloud = running();
    let bodies: [&'static [u8]; 3] = [&[0xff; 64], &[0, 1, 0xff, 0xff], &[]];
    let lsas = bodies.iter().enumerate().map(|(number, body)| {
        let key = LsaKey::new(10, (0x0400_0000 + u32::try_from(number).expect("few")).into(), ip(LIAR));
        Lsa::new(key, Options::E, 1, Bytes::from_static(body)).expect("small")
    });
    inject_lsas(&mut cloud, lsas.collect());
    cloud.run_for(Duration::from_secs(2));
    let views = cloud.router(1).database().filter(|view| LsaType(view.header.ls_type).is_opaque());
    let seen: Vec<_> = views.map(|view| view.body).collect();
    assert_eq!(seen, bodies.map(|body| LsaBody::Other(Bytes::from_static(body))));
}

#[test]
fn repeated_requests_do_not_multiply_the_answer() {
    let mut cloud = running();
    let lsas: Vec<_> = (0..200).map(|number| external(number, LIAR)).collect();
    let entries: Vec<_> = lsas.iter().map(|lsa| lsa.key().into()).collect();
    inject_lsas(&mut cloud, lsas);
    cloud.run_for(Duration::from_secs(5));
    let before = cloud.nodes[0].sent_octets;
    let request = packet(LIAR, PacketBody::LinkStateRequest(LsRequest { entries: entries[..100].to_vec() }));
    for _ in 0..100 {
        inject(&mut cloud, &request);
    }
    cloud.run_for(ms(30));
    let sent = cloud.nodes[0].sent_octets - before;
    assert!((3600..12_000).contains(&sent), "{sent} octets for 100 requests of 3,600 octets each");
}

#[test]
fn a_request_for_nothing_begins_the_exchange_again_and_heals() {
    let mut cloud = running();
    let entries = vec![LsaKey::new(5, ip("9.9.9.9"), ip("9.9.9.9")).into()];
    inject(&mut cloud, &packet(LIAR, PacketBody::LinkStateRequest(LsRequest { entries })));
    assert_eq!(cloud.state(0, LIAR), NeighborState::ExStart);
    let told = |event: &Event| matches!(event, Event::NeighborDown { reason: DownReason::BadRequest, .. });
    assert!(cloud.nodes[0].events.iter().any(|(_, event)| told(event)));
    cloud.run_for(Duration::from_secs(10));
    assert!(cloud.all_full() && cloud.all_lans_reachable());
}

#[test]
fn a_description_out_of_step_begins_the_exchange_again_and_heals() {
    let mut cloud = running();
    let flags = DdFlags::MASTER;
    let description =
        DatabaseDescription { mtu: 1400, options: Options::E, flags, sequence: 5, headers: Vec::new() };
    inject(&mut cloud, &packet(LIAR, PacketBody::DatabaseDescription(description)));
    assert_eq!(cloud.state(0, LIAR), NeighborState::ExStart);
    cloud.run_for(Duration::from_secs(10));
    assert!(cloud.all_full() && cloud.all_lans_reachable());
}

fn hello(neighbors: Vec<std::net::Ipv4Addr>) -> PacketBody {
    PacketBody::Hello(Hello {
        mask: ip("255.255.255.0"),
        hello_interval: 30,
        options: Options::E,
        priority: 1,
        dead_interval: 120,
        designated_router: ip("0.0.0.0"),
        backup_designated_router: ip("0.0.0.0"),
        neighbors,
    })
}

#[test]
fn packets_at_the_wrong_address_are_dropped_by_name() {
    let mut cloud = running();
    let good = packet(LIAR, hello(vec![ip(HUB)]));
    let mut send = |source: &str, destination: &str, payload: &[u8], reason: DropReason| {
        let before = drops(&cloud, reason);
        let (source, destination) = (ip(source), ip(destination));
        cloud.input(0, Input::Packet { interface: TUNNEL, source, destination, ttl: 1, payload });
        assert_eq!(drops(&cloud, reason), before + 1, "{reason:?}");
    };
    send(LIAR, "224.0.0.6", &good, DropReason::Destination);
    send(LIAR, "10.0.0.77", &good, DropReason::Destination);
    send(HUB, "224.0.0.5", &good, DropReason::OwnAddress);
    send("192.168.1.1", "224.0.0.5", &good, DropReason::OwnAddress);
    send("172.16.0.1", HUB, &good, DropReason::SourceOutsidePrefix);
    send(LIAR, HUB, &packet(HUB, hello(Vec::new())), DropReason::RouterId);
    send(LIAR, HUB, &packet("0.0.0.0", hello(Vec::new())), DropReason::RouterId);
    send("10.0.0.50", HUB, &packet(LIAR, hello(Vec::new())), DropReason::RouterId);
    let stranger = packet("7.7.7.7", PacketBody::LinkStateUpdate(LsUpdate::default()));
    send("10.0.0.50", HUB, &stranger, DropReason::UnknownNeighbor);
    send(LIAR, HUB, &stranger, DropReason::UnknownNeighbor);
    send(LIAR, HUB, &good[..30], DropReason::Malformed);
    let mut version = good.clone();
    version[0] = 3;
    send(LIAR, HUB, &version, DropReason::Version);
    let mut checksum = good.clone();
    checksum[30] ^= 1;
    send(LIAR, HUB, &checksum, DropReason::Checksum);
    let id = ospf_p2mp::InterfaceId(77);
    let (source, destination) = (ip(LIAR), ip(HUB));
    cloud.input(0, Input::Packet { interface: id, source, destination, ttl: 1, payload: &good });
    cloud.input(0, Input::Packet { interface: LAN, source, destination, ttl: 1, payload: &good });
    assert_eq!(
        (drops(&cloud, DropReason::UnknownInterface), drops(&cloud, DropReason::PassiveInterface)),
        (1, 1)
    );
    assert!(cloud.all_full());
}

#[test]
fn ttl_security_wants_a_near_sender() {
    let mut cloud = Cloud::star(1);
    for index in 0..2 {
        cloud.nodes[index].config.interfaces[0].ttl_security = Some(1);
        cloud.crash(index);
        cloud.boot(index);
    }
    cloud.register_all();
    cloud.run_for(Duration::from_secs(2));
    assert!(cloud.all_full(), "ours leave with 255");
    let payload = packet("10.0.0.11", hello(Vec::new()));
    let (source, destination) = (ip("10.0.0.11"), ip(HUB));
    cloud.input(0, Input::Packet { interface: TUNNEL, source, destination, ttl: 254, payload: &payload });
    assert_eq!(drops(&cloud, DropReason::Ttl), 1);
    assert!(cloud.all_full(), "the far goodbye was not believed");
}

#[test]
fn strangers_are_bounded() {
    let mut cloud = Cloud::star(1);
    cloud.nodes[0].config.limits.neighbors = 10;
    cloud.crash(0);
    cloud.boot(0);
    cloud.register_all();
    for number in 20..220u32 {
        let address = std::net::Ipv4Addr::from(0x0a00_0000 + number);
        let payload = packet(&address.to_string(), hello(Vec::new()));
        let destination = ip("224.0.0.5");
        cloud.input(
            0,
            Input::Packet { interface: TUNNEL, source: address, destination, ttl: 1, payload: &payload },
        );
    }
    assert_eq!(cloud.router(0).neighbors().count(), 10);
    assert_eq!(drops(&cloud, DropReason::NeighborLimit), 191);
    cloud.run_for(Duration::from_secs(200));
    assert_eq!(cloud.router(0).neighbors().count(), 1, "the silent are forgotten");
}

/// Every kind of packet, damaged in every way a seed can think of: nothing panics, nothing grows without bound, and
/// afterwards the cloud works.
#[test]
fn damaged_packets_do_no_lasting_harm() {
    let mut cloud = running();
    cloud.recorded = Some(Vec::new());
    cloud.crash(2);
    cloud.boot(2);
    cloud.register(0, 2);
    cloud.run_for(Duration::from_secs(20));
    let corpus = cloud.recorded.take().expect("recorded");
    assert!(corpus.len() > 20);
    let mut random = ChaCha20Rng::seed_from_u64(4);
    let mut below = move |limit: usize| random.next_u32() as usize % limit;
    for round in 0..40_000 {
        let mut payload = corpus[below(corpus.len())].clone();
        for _ in 0..1 + below(4) {
            let position = below(payload.len());
            match below(4) {
                0 => payload[position] ^= 1 << below(8),
                1 => payload[position] = [0, 1, 0x7f, 0x80, 0xff][below(5)],
                2 => payload.truncate(position.max(1)),
                _ => payload.extend_from_slice(&corpus[below(corpus.len())][..4]),
            }
        }
        if below(2) == 0 {
            repair(&mut payload);
        }
        let source = if below(2) == 0 { ip(LIAR) } else { ip("10.0.0.11") };
        let destination = if below(2) == 0 { ip(HUB) } else { ip("224.0.0.5") };
        cloud.input(0, Input::Packet { interface: TUNNEL, source, destination, ttl: 1, payload: &payload });
        if let Ok(packet) = Packet::decode(&payload) {
            let again = packet.encode().expect("what was decoded fits");
            assert_eq!(Packet::decode(&again), Ok(packet), "round {round}");
        }
        if round % 50 == 0 {
            cloud.run_for(ms(100));
        }
    }
    assert!(cloud.router(0).database().count() < 5_000);
    assert!(cloud.router(0).neighbors().count() <= 3);
    cloud.run_for(Duration::from_secs(2 * 3600));
    assert!(cloud.all_full() && cloud.all_lans_reachable());
    assert_eq!(cloud.router(0).database().count(), 3, "what the damage left behind has aged out");
}

/// Makes lengths and checksums right again, so that damage gets past the first checks.
fn repair(payload: &mut [u8]) {
    if payload.len() < 24 {
        return;
    }
    let length = u16::try_from(payload.len()).expect("a small packet");
    payload[2..4].copy_from_slice(&length.to_be_bytes());
    payload[12..14].fill(0);
    let mut sum = 0u32;
    for (index, pair) in payload.chunks(2).enumerate() {
        if !(8..12).contains(&index) {
            sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let sum = !u16::try_from(sum).expect("folded");
    payload[12..14].copy_from_slice(&sum.to_be_bytes());
}
