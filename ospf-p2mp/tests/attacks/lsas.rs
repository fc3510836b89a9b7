//! LSAs that lie.

use ospf_p2mp::wire::{DO_NOT_AGE, LsaType, MAX_AGE, MAX_SEQUENCE, SummaryLsa};
use ospf_p2mp::{Event, NeighborState};

use super::*;

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

/// A router of the cloud that issues a newer Router-LSA in the hub's name would own every path through the hub.
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

/// A forged instance with the number, checksum and age of ours is "the same" for everybody (section 13.1): the victim would
/// never fight back, and half of the area would believe the lie for half an hour.
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

/// CVE-2017-3224 and its kind: an LSA at the last sequence number cannot be outbid. An owner that does not flush and begin
/// again would be silenced for an hour.
#[test]
fn the_last_sequence_number_is_no_way_to_silence_us() {
    let mut cloud = running();
    inject_lsas(&mut cloud, vec![router_lsa(HUB, HUB, MAX_SEQUENCE, vec![default_route()])]);
    assert_hub_prevails(&mut cloud, INITIAL_SEQUENCE - 1);
    assert!(view(&cloud, 0, 1, HUB).header.sequence < INITIAL_SEQUENCE + 10, "begun again");
}

/// A copy of our LSA with MaxAge takes us off the map, unless we answer.
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

/// An external in our name that we never issued would draw traffic to us, into a black hole.
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

/// CVE-2013-0149 (VU#229804): where lookups go by link state id in some places and by issuer in others, a Router-LSA with two
/// names replaces the idea that others have of any router.
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

/// A single broken LSA in an update would keep all others in it from arriving: a cheap way to stop flooding. Broken here:
/// checksums, the reserved sequence number, unknown types, a body that is too short.
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

/// Most crashes of others (CVE-2024-27913, CVE-2024-31950 and more) were in TLVs of opaque LSAs. Ours are bytes: stored and
/// passed on as they came.
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

/// FRR's guard against the last number let one below it through, which its owner could not outbid either.
#[test]
fn the_last_number_but_one_is_no_better() {
    let mut cloud = running();
    inject_lsas(&mut cloud, vec![router_lsa(HUB, HUB, MAX_SEQUENCE - 1, vec![default_route()])]);
    assert_hub_prevails(&mut cloud, INITIAL_SEQUENCE - 1);
}

/// A copy of another router's LSA with MaxAge takes that router off the map of everybody behind us. Only its owner can tell,
/// so it must hear of it.
#[test]
fn a_premature_end_of_anothers_lsa_is_undone_by_its_owner() {
    let mut cloud = running();
    let victim = view(&cloud, 0, 1, "10.0.0.11");
    let LsaBody::Router(body) = victim.body else { unreachable!("a Router-LSA") };
    let key = LsaKey::new(1, ip("10.0.0.11"), ip("10.0.0.11"));
    let mut lsa =
        Lsa::new(key, Options::E, victim.header.sequence, LsaBody::Router(body).encode()).expect("small");
    lsa.header.age = MAX_AGE;
    inject_lsas(&mut cloud, vec![lsa]);
    let again = |cloud: &Cloud| {
        let of_victim = |view: &LsaView| view.header.advertising_router == ip("10.0.0.11");
        let instance = cloud.router(0).database().find(of_victim).map(|view| view.header);
        instance.is_some_and(|header| header.sequence > victim.header.sequence && header.age < MAX_AGE)
    };
    let back = cloud.run_while_not(Duration::from_secs(10), again);
    assert!(back.is_some_and(|back| back < Duration::from_secs(1)), "{back:?}");
    cloud.run_for(Duration::from_secs(5));
    assert!(cloud.all_lans_reachable());
}

/// Ages beyond MaxAge, metrics of infinity, masks with holes and ids of zero would become routes for ever, to anywhere.
#[test]
fn odd_ages_metrics_and_masks_mean_no_more_than_the_rfc_says() {
    let mut cloud = running();
    let mut beyond = external(1, LIAR);
    beyond.header.age = 0x7000;
    let mut for_ever = external(2, LIAR);
    for_ever.header.age = DO_NOT_AGE;
    let body = |mask: &str, metric| {
        let external = external(3, LIAR).decode_body().expect("ours");
        let LsaBody::AsExternal(external) = external else { unreachable!("an external") };
        LsaBody::AsExternal(ExternalLsa { mask: ip(mask), metric, ..external }).encode()
    };
    let lsa = |number: u32, body| {
        Lsa::new(external(number, LIAR).key(), Options::E, INITIAL_SEQUENCE, body).expect("small")
    };
    let infinite = lsa(3, body("255.255.255.255", ospf_p2mp::wire::LS_INFINITY));
    let holes = lsa(4, body("255.0.255.0", 1));
    let nobody = router_lsa(
        LIAR,
        LIAR,
        view(&cloud, 0, 1, LIAR).header.sequence + 1,
        vec![RouterLink::point_to_point(ip("0.0.0.0"), ip("0.0.0.0"), 0)],
    );
    let summary = LsaBody::Summary(SummaryLsa::new(ip("255.255.255.0"), 1)).encode();
    let no_border =
        Lsa::new(LsaKey::new(3, ip("198.51.100.0"), ip(LIAR)), Options::E, 1, summary).expect("small");
    inject_lsas(&mut cloud, vec![beyond, for_ever, infinite, holes, nobody, no_border]);
    assert_eq!(drops(&cloud, DropReason::LsaMalformed), 1, "the mask");
    cloud.run_for(ms(100));
    let stored: Vec<_> = cloud
        .router(0)
        .database()
        .filter(|view| view.header.ls_type == 5)
        .map(|view| (u32::from(view.header.link_state_id) - 0xc600_0000, view.header.age))
        .collect();
    assert_eq!(stored, [(2, DO_NOT_AGE), (3, 0)], "an age beyond the end is the end");
    assert!(
        cloud.nodes[0].table.keys().all(|prefix| !prefix.addr().octets().starts_with(&[198])),
        "no route"
    );
    // An LSA that does not age goes when its issuer has been unreachable for as long as others take to age.
    cloud.crash(2);
    cloud.run_for(Duration::from_secs(3 * 3600));
    assert_eq!(cloud.router(0).database().filter(|view| view.header.ls_type == 5).count(), 0);
}

/// A cost that wraps around is the cheapest of all: every packet of the cloud would take that way.
#[test]
fn sums_of_metrics_do_not_wrap() {
    let mut cloud = running();
    let far = "9.9.9.9";
    let sequence = view(&cloud, 0, 1, LIAR).header.sequence + 1;
    let mut links = vec![RouterLink::point_to_point(ip(HUB), ip(LIAR), 0xffff)];
    links.push(RouterLink::point_to_point(ip(far), ip("172.16.0.1"), 0xffff));
    let lsas = vec![
        router_lsa(LIAR, LIAR, sequence, links),
        Lsa::new(
            LsaKey::new(1, ip(far), ip(far)),
            Options::E,
            1,
            LsaBody::Router(RouterLsa {
                flags: RouterFlags::E,
                links: vec![
                    RouterLink::point_to_point(ip(LIAR), ip("172.16.0.2"), 0xffff),
                    RouterLink::stub(net("203.0.113.0/24"), 0xffff),
                ],
                tos: Vec::new(),
            })
            .encode(),
        )
        .expect("small"),
        {
            let LsaBody::AsExternal(body) = external(1, far).decode_body().expect("ours") else {
                unreachable!("an external")
            };
            let body = ExternalLsa { metric_type: MetricType::Type1, metric: 0x00ff_fffe, ..body };
            Lsa::new(external(1, far).key(), Options::E, 1, LsaBody::AsExternal(body).encode())
                .expect("small")
        },
    ];
    inject_lsas(&mut cloud, lsas);
    cloud.run_for(ms(500));
    let stub = cloud.route(1, "203.0.113.0/24").expect("a stub").metric;
    assert_eq!(stub, 10 + 10 + 2 * 0xffff);
    let external = cloud.route(1, "198.0.0.1/32").expect("an external").metric;
    assert_eq!(external, 0x00ff_fffe + 10 + 10 + 0xffff);
}

/// Links to oneself, in parallel, in circles, at no cost: a search that does not end, or that looks at every pair, would take
/// the processor of every router of the area.
#[test]
fn circles_that_cost_nothing_end() {
    let mut cloud = running();
    let phantoms: Vec<String> = (1..=120).map(|number| format!("9.9.9.{number}")).collect();
    let sequence = view(&cloud, 0, 1, LIAR).header.sequence + 1;
    let mut links =
        vec![RouterLink::point_to_point(ip(HUB), ip(LIAR), 10), RouterLink::stub(net("192.168.12.0/24"), 1)];
    links.extend(phantoms.iter().map(|id| RouterLink::point_to_point(ip(id), ip(LIAR), 0)));
    inject_lsas(&mut cloud, vec![router_lsa(LIAR, LIAR, sequence, links)]);
    for id in &phantoms {
        let mut links: Vec<_> =
            phantoms.iter().map(|to| RouterLink::point_to_point(ip(to), ip(id), 0)).collect();
        links.extend((0..100).map(|_| RouterLink::point_to_point(ip(LIAR), ip(id), 0)));
        inject_lsas(&mut cloud, vec![router_lsa(id, id, 1, links)]);
    }
    let start = origin();
    cloud.run_for(Duration::from_secs(10));
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?} for a few runs over 26,000 links",
        start.elapsed()
    );
    let runs = cloud.router(1).stats().spf_runs;
    assert!(runs < 40, "{runs} runs: changes are gathered");
    assert!(cloud.all_lans_reachable() && cloud.all_full());
}

/// A spoke that claims another's tunnel address would have all traffic for its LANs sent to the victim by everybody; one that
/// claims the hub's or the reader's own would make loops.
#[test]
fn link_data_that_lies_takes_no_traffic() {
    for claimed in ["10.0.0.13", HUB, "10.0.0.11", "10.0.0.255", "10.0.0.0", "172.31.0.1", "0.0.0.7"] {
        let mut cloud = Cloud::star(3);
        cloud.register_all();
        cloud.run_for(Duration::from_secs(20));
        let sequence = view(&cloud, 0, 1, LIAR).header.sequence + 1;
        let links = vec![
            RouterLink::point_to_point(ip(HUB), ip(claimed), 10),
            RouterLink::stub(net("192.168.12.0/24"), 1),
        ];
        inject_lsas(&mut cloud, vec![router_lsa(LIAR, LIAR, sequence, links)]);
        cloud.run_for(Duration::from_secs(2));
        let route = cloud.route(1, "192.168.12.0/24").expect("reachable all the same");
        let gateways: Vec<_> = route.next_hops.iter().map(|hop| hop.gateway).collect();
        assert_eq!(gateways, [Some(ip(HUB))], "{claimed}");
        let told = |event: &Event| matches!(event, Event::AmbiguousGateway { address, .. } if *address == ip(claimed));
        let events = &cloud.nodes[1].events;
        assert_eq!(events.iter().any(|(_, event)| told(event)), claimed == "10.0.0.13", "{claimed}");
    }
}

/// CVE-2025-61103 and its family: what flooding let through crashes whoever looks at it.
#[test]
fn whatever_is_stored_can_be_shown() {
    let mut cloud = running();
    let odd =
        |kind: u8| RouterLink { kind: LinkKind(kind), id: ip("1.2.3.4"), data: ip("255.0.255.0"), metric: 0 };
    let sequence = view(&cloud, 0, 1, LIAR).header.sequence + 1;
    let mut lsas = vec![router_lsa(LIAR, LIAR, sequence, vec![odd(0), odd(1), odd(5), odd(255)])];
    for (ls_type, body) in [(5, &[0xff; 16][..]), (2, &[255, 255, 255, 255]), (9, &[1; 4]), (11, &[0xff; 32])]
    {
        let key = LsaKey::new(ls_type, ip("9.9.9.9"), ip("9.9.9.9"));
        lsas.push(Lsa::new(key, Options(0xff), 1, Bytes::copy_from_slice(body)).expect("small"));
    }
    inject_lsas(&mut cloud, lsas);
    cloud.run_for(Duration::from_secs(1));
    for index in 0..3 {
        for view in cloud.router(index).database() {
            let shown = format!("{:?} {} {}", view, LsaType(view.header.ls_type), view.header.options);
            assert!(shown.len() > 50);
        }
    }
    assert_eq!(cloud.state(0, LIAR), NeighborState::Full);
    assert!(cloud.router(0).database().count() > 5, "some of it is stored");
}
