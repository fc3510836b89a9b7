//! Packets that no honest neighbour sends.

use ospf_p2mp::auth::{Algorithm, Authentication, Key, KeyChain};
use ospf_p2mp::wire::{DatabaseDescription, DdFlags, HEADER_LEN, LsRequest};
use ospf_p2mp::{DownReason, Event, NeighborState};

use super::*;

/// A running cloud with digests.
fn keyed() -> Cloud {
    let mut cloud = Cloud::star(2);
    for index in 0..3 {
        let key = Key::new(7, Algorithm::HmacSha256, b"key");
        cloud.nodes[index].config.interfaces[0].authentication =
            Authentication::Cryptographic(KeyChain::new(vec![key]));
        cloud.crash(index);
        cloud.boot(index);
    }
    cloud.register_all();
    cloud.run_for(Duration::from_secs(5));
    assert!(cloud.all_full());
    cloud
}

/// Puts the right checksum into a packet that was changed.
fn with_checksum(mut payload: Vec<u8>) -> Vec<u8> {
    damage::repair_checksum(&mut payload);
    payload
}

/// A request for an LSA that does not exist restarts the exchange (section 10.7): if that did not heal, one packet would take
/// an adjacency down for good.
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

/// The same with a description out of step.
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

/// Packets from elsewhere, for others, or in our own name would reach the state machines of neighbours that they have
/// nothing to do with.
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

/// Somebody many hops away could speak as a neighbour (RFC 5082).
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

/// CVE-2012-0249, CVE-2012-0250 and their kind: lengths beyond the packet read foreign memory, and counts beyond the bytes
/// never end.
#[test]
fn lengths_and_counts_that_lie_read_nothing_beyond() {
    let mut cloud = running();
    let good = packet(LIAR, PacketBody::LinkStateUpdate(LsUpdate { lsas: vec![external(1, LIAR)] }));
    let before = cloud.router(0).database().count();
    let changed = |at: usize, bytes: &[u8]| {
        let mut payload = good.clone();
        payload[at..at + bytes.len()].copy_from_slice(bytes);
        with_checksum(payload)
    };
    let (count, length) = (HEADER_LEN, HEADER_LEN + 4 + 18);
    let lies = [
        changed(count, &[0xff; 4]),
        changed(count, &[0, 0, 0, 2]),
        changed(length, &[0, 0]),
        changed(length, &[0, 19]),
        changed(length, &[0xff, 0xff]),
        changed(length, &[0, 35]),
        changed(2, &[0xff, 0xff]),
        changed(2, &[0, 23]),
        good[..good.len() - 1].to_vec(),
    ];
    for (number, lie) in lies.iter().enumerate() {
        let before = drops(&cloud, DropReason::Malformed);
        inject(&mut cloud, lie);
        assert_eq!(drops(&cloud, DropReason::Malformed), before + 1, "lie {number}");
    }
    // A Router-LSA with more links, or more TOS entries, than octets: well wrapped, so only its body is wrong.
    let sequence = view(&cloud, 0, 1, LIAR).header.sequence + 1;
    for body in [
        &[0, 0, 0xff, 0xff][..],
        &[0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 1],
        &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0xff, 0, 1],
    ] {
        let before = drops(&cloud, DropReason::LsaMalformed);
        let key = LsaKey::new(1, ip(LIAR), ip(LIAR));
        let lsa = Lsa::new(key, Options::E, sequence, Bytes::copy_from_slice(body)).expect("small");
        inject_lsas(&mut cloud, vec![lsa]);
        assert_eq!(drops(&cloud, DropReason::LsaMalformed), before + 1);
    }
    assert_eq!(cloud.router(0).database().count(), before);
    assert!(cloud.all_full());
}

/// Somebody who only writes, and reads nothing, leads a whole exchange as master and then owns a link of the hub.
///
/// With keys it gets nowhere. Without, the exchange succeeds, because nothing in it is secret; but the link leads nowhere
/// until the attacker also lies about its own links, it is told, and it ends with the Hellos.
#[test]
fn an_adjacency_forged_blindly_leads_nowhere() {
    let stranger = "10.0.0.77";
    let send = |cloud: &mut Cloud, body: PacketBody| {
        let payload = packet(stranger, body);
        let (source, destination) = (ip(stranger), ip(HUB));
        cloud.input(0, Input::Packet { interface: TUNNEL, source, destination, ttl: 1, payload: &payload });
    };
    let describe = |flags, sequence| {
        let options = Options(Options::E.0);
        let headers = Vec::new();
        PacketBody::DatabaseDescription(DatabaseDescription { mtu: 1400, options, flags, sequence, headers })
    };
    let all = DdFlags::INIT.union(DdFlags::MORE).union(DdFlags::MASTER);
    let attempt = |cloud: &mut Cloud| {
        send(cloud, describe(all, 1));
        send(cloud, PacketBody::LinkStateUpdate(LsUpdate { lsas: vec![external(1, stranger)] }));
        send(cloud, hello(vec![ip(HUB)]));
        send(cloud, PacketBody::LinkStateUpdate(LsUpdate { lsas: vec![external(1, stranger)] }));
        send(cloud, describe(all, 1));
        for sequence in 2..6 {
            send(cloud, describe(DdFlags::MASTER, sequence));
        }
    };
    let mut cloud = keyed();
    let before = drops(&cloud, DropReason::AuthType);
    attempt(&mut cloud);
    assert_eq!(cloud.state(0, stranger), NeighborState::Down);
    assert!(drops(&cloud, DropReason::AuthType) >= before + 9);

    let mut cloud = running();
    send(&mut cloud, describe(all, 1));
    assert_eq!(drops(&cloud, DropReason::UnknownNeighbor), 1, "no exchange before a Hello");
    send(&mut cloud, hello(vec![ip(HUB)]));
    send(&mut cloud, PacketBody::LinkStateUpdate(LsUpdate { lsas: vec![external(1, stranger)] }));
    assert_eq!(drops(&cloud, DropReason::NeighborState), 1, "no LSA before an exchange");
    attempt(&mut cloud);
    cloud.run_for(Duration::from_secs(60));
    let told = |event: &Event| matches!(event, Event::FullWithoutLinkBack { .. });
    let full = cloud.nodes[0].events.iter().any(|(_, event)| told(event));
    assert!(full || cloud.state(0, stranger) < NeighborState::Full, "told as a dead end, if it is one");
    assert!(cloud.nodes.iter().all(|node| !node.table.keys().any(|prefix| prefix.contains(&ip(stranger)))));
    cloud.run_for(Duration::from_secs(200));
    assert_eq!(cloud.state(0, stranger), NeighborState::Down);
    assert!(cloud.all_full() && cloud.all_lans_reachable());
}

/// A Hello with lists of any length, with ourselves in it twice, or with intervals of nothing would take memory, adjacencies
/// or the timers.
#[test]
fn hellos_of_any_shape_do_no_harm() {
    let mut cloud = running();
    let mut many: Vec<Ipv4Addr> = (0..10_000u32).map(|number| (0x0b00_0000 + number).into()).collect();
    many.extend([ip(HUB), ip(HUB), ip(LIAR), ip("0.0.0.0")]);
    inject(&mut cloud, &packet(LIAR, hello(many)));
    assert_eq!(cloud.router(0).neighbors().count(), 2);
    assert!(cloud.all_full());
    let PacketBody::Hello(plain) = hello(vec![ip(HUB)]) else { unreachable!("a Hello") };
    for (changed, reason) in [
        (Hello { hello_interval: 0, ..plain.clone() }, DropReason::HelloInterval),
        (Hello { dead_interval: 0, ..plain.clone() }, DropReason::DeadInterval),
        (Hello { dead_interval: u32::MAX, ..plain.clone() }, DropReason::DeadInterval),
        (Hello { mask: ip("0.0.0.0"), ..plain.clone() }, DropReason::Mask),
        (Hello { options: Options(0), ..plain.clone() }, DropReason::StubArea),
    ] {
        let before = drops(&cloud, reason);
        inject(&mut cloud, &packet(LIAR, PacketBody::Hello(changed)));
        assert_eq!(drops(&cloud, reason), before + 1, "{reason:?}");
    }
    let mut odd = packet(LIAR, PacketBody::Hello(plain));
    odd.extend_from_slice(&[1, 2, 3]);
    let length = u16::try_from(odd.len()).expect("small");
    odd[2..4].copy_from_slice(&length.to_be_bytes());
    inject(&mut cloud, &with_checksum(odd));
    assert_eq!(drops(&cloud, DropReason::Malformed), 1);
    assert!(cloud.all_full());
}

/// A digest that is cut, of length 0 or 255, of an unknown key, or left out would be taken as good, or read beyond the packet.
#[test]
fn digests_that_are_cut_or_of_another_kind_are_refused() {
    let mut cloud = keyed();
    cloud.recorded = Some(Vec::new());
    cloud.run_for(Duration::from_secs(40));
    let recorded = cloud.recorded.take().expect("recorded");
    let good =
        recorded.iter().rev().find(|payload| payload[4..8] == [10, 0, 0, 12]).expect("a Hello").clone();
    // One number ahead, so that it is not a replay; the digest is wrong then, and the checks before it are what counts.
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut payload = good.clone();
        payload[20..24].copy_from_slice(&u32::MAX.to_be_bytes());
        change(&mut payload);
        payload
    };
    let cases: [(Vec<u8>, DropReason); 8] = [
        (changed(&|_| ()), DropReason::AuthFailed),
        (changed(&|payload| payload.truncate(payload.len() - 1)), DropReason::AuthFailed),
        (changed(&|payload| payload.truncate(payload.len() - 32)), DropReason::AuthFailed),
        (changed(&|payload| payload[19] = 0), DropReason::AuthFailed),
        (changed(&|payload| payload[19] = 255), DropReason::AuthFailed),
        (changed(&|payload| payload[18] = 8), DropReason::AuthKeyId),
        (with_checksum_of(changed(&|payload| payload[15] = 0), 48), DropReason::AuthType),
        (with_checksum_of(changed(&|payload| payload[15] = 1), 48), DropReason::AuthType),
    ];
    for (number, (payload, reason)) in cases.iter().enumerate() {
        let before = drops(&cloud, *reason);
        inject(&mut cloud, payload);
        assert_eq!(drops(&cloud, *reason), before + 1, "case {number}");
    }
    let unknown = with_checksum_of(changed(&|payload| payload[15] = 9), 48);
    let before = cloud.router(0).stats().total_dropped();
    inject(&mut cloud, &unknown);
    assert_eq!(cloud.router(0).stats().total_dropped(), before + 1);
    assert!(cloud.all_full());
}

/// The same for the first octets only: what follows is a digest that is no longer one.
fn with_checksum_of(mut payload: Vec<u8>, octets: usize) -> Vec<u8> {
    damage::repair_checksum(&mut payload[..octets]);
    payload
}

/// A recording of a neighbour keeps it alive after its death, or takes the adjacency down with a Hello of its first day.
#[test]
fn replayed_packets_are_refused() {
    let mut cloud = keyed();
    cloud.recorded = Some(Vec::new());
    cloud.run_for(Duration::from_secs(60));
    let recorded = cloud.recorded.take().expect("recorded");
    let from_spoke = |payload: &&Vec<u8>| payload[4..8] == [10, 0, 0, 12];
    let replays: Vec<_> = recorded.iter().filter(from_spoke).cloned().collect();
    assert!(!replays.is_empty());
    let before =
        cloud.router(0).neighbors().find(|view| view.address == ip("10.0.0.12")).expect("known").dead_at;
    cloud.run_for(Duration::from_secs(1));
    for payload in &replays {
        let (source, destination) = (ip("10.0.0.12"), ip("224.0.0.5"));
        cloud.input(0, Input::Packet { interface: TUNNEL, source, destination, ttl: 1, payload });
    }
    assert_eq!(cloud.router(0).stats().dropped(DropReason::AuthReplay), replays.len() as u64);
    let after =
        cloud.router(0).neighbors().find(|view| view.address == ip("10.0.0.12")).expect("known").dead_at;
    assert_eq!(before, after, "a replay is no sign of life");
}
