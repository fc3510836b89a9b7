//! Much of something.

use ospf_p2mp::wire::LsRequest;
use ospf_p2mp::{DownReason, Event, LsdbLimit, NeighborState, Redistribute};

use super::*;

/// LSAs of routers that do not exist would fill the memory of every router of the area.
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
        let issuer = Ipv4Addr::from(0x0909_0900 + issuer).to_string();
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

/// A small request asks for a large answer: repeated, it would make us the amplifier of a flood.
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

/// A Hello from each address of the cloud would fill the neighbour table and shut out the honest.
#[test]
fn strangers_are_bounded() {
    let mut cloud = Cloud::star(1);
    cloud.nodes[0].config.limits.neighbors = 10;
    cloud.crash(0);
    cloud.boot(0);
    cloud.register_all();
    for number in 20..220u32 {
        let address = Ipv4Addr::from(0x0a00_0000 + number);
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

/// Each instance in our name makes us issue one, which everybody must store and pass on: two packets a second from one
/// attacker would keep the whole cloud busy.
#[test]
fn a_storm_of_instances_in_our_name_is_answered_at_our_pace() {
    let mut cloud = running();
    let before = cloud.router(0).stats().originated;
    for _ in 0..1000 {
        let sequence = view(&cloud, 0, 1, HUB).header.sequence + 1;
        inject_lsas(&mut cloud, vec![router_lsa(HUB, HUB, sequence, vec![default_route()])]);
        cloud.run_for(ms(10));
    }
    let issued = cloud.router(0).stats().originated - before;
    assert!((3..12).contains(&issued), "{issued} in ten seconds");
    let told = |event: &Event| matches!(event, Event::DuplicateRouterId { .. });
    assert_eq!(cloud.nodes[0].events.iter().filter(|(_, event)| told(event)).count(), 1, "and told once");
    cloud.run_for(Duration::from_secs(30));
    assert!(cloud.all_full() && cloud.all_lans_reachable());
    assert!(cloud.route(1, "0.0.0.0/0").is_none());
}

/// A Hello that does not list us is answered at once: a stream of them would make us send one each.
#[test]
fn one_way_hellos_are_answered_seldom() {
    let mut cloud = running();
    let stranger = ip("10.0.0.77");
    cloud.join(stranger, ip(HUB));
    let before = cloud.nodes[0].sent;
    let payload = packet("10.0.0.77", hello(Vec::new()));
    for _ in 0..1000 {
        let destination = ip("224.0.0.5");
        cloud.input(
            0,
            Input::Packet { interface: TUNNEL, source: stranger, destination, ttl: 1, payload: &payload },
        );
    }
    let sent = cloud.nodes[0].sent - before;
    assert!((1..4).contains(&sent), "{sent} answers");
}

/// Whoever acknowledges nothing makes us repeat everything: for ever, at full rate, with all LSAs kept for it.
#[test]
fn a_neighbour_that_never_acknowledges_is_given_up() {
    let mut cloud = running();
    // The second spoke's acknowledgements are lost.
    cloud.mangle = Some(|from, payload| if from == 2 && payload[1] == 5 { vec![0] } else { payload });
    let route = ospf_p2mp::ExternalRoute::new(net("172.16.0.0/16"));
    cloud.input(0, Input::Redistribute(Redistribute::Add(route)));
    let gave_up = cloud.run_while_not(Duration::from_secs(600), |cloud| {
        let down = |event: &Event| {
            matches!(event, Event::NeighborDown { reason: DownReason::TooManyRetransmissions, .. })
        };
        cloud.nodes[0].events.iter().any(|(_, event)| down(event))
    });
    let gave_up = gave_up.expect("given up");
    assert!((60..200).contains(&gave_up.as_secs()), "{gave_up:?}");
    let repeated = cloud.router(0).stats().retransmissions;
    assert!(repeated < 80, "{repeated} repetitions of two LSAs: fewer and fewer");
    assert_eq!(cloud.state(0, "10.0.0.11"), NeighborState::Full, "nobody else suffers");
}
