//! Errors, transit, purge and limits: what a peer may do, and what comes of it.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod common;

use bytes::Bytes;
use common::{World, hub_config, ip, ms, net, secs, spoke_config};
use nhrp::wire::{
    Address, Body, Cie, CieCode, ErrorCode, Extension, ExtensionType, Flags, Packet, PacketType,
};
use nhrp::{Action, DropReason, Event, Input, Limit, Output, PathId};

fn cloud() -> World {
    let mut world = World::new(vec![hub_config(), spoke_config(11), spoke_config(12)]);
    world.run(secs(5));
    world.forget();
    world
}

/// Hands a packet to the hub as coming from a spoke.
fn to_hub(world: &mut World, spoke: usize, packet: &Packet) {
    let path = world.path_between(0, spoke).unwrap();
    let nbma = world.public[spoke];
    let payload = packet.encode().unwrap();
    world.input(0, Input::Packet { nbma, path, payload: &payload });
}

/// A request as SPOKE1 sends it, to be changed and replayed.
fn request(world: &mut World) -> Packet {
    world.cut.insert((0, 1));
    world.resolve(1, "10.0.0.12");
    let packet = world.packets(1, PacketType::RESOLUTION_REQUEST).remove(0);
    world.cut.clear();
    world.forget();
    packet
}

fn error_of(world: &World, node: usize) -> Option<(ErrorCode, u16)> {
    let packets = world.packets(node, PacketType::ERROR_INDICATION);
    let packet = packets.last()?;
    Some((ErrorCode((packet.request_id >> 16) as u16), packet.request_id as u16))
}

#[test]
fn hop_count_that_runs_out_is_reported() {
    let mut world = cloud();
    let mut packet = request(&mut world);
    for hop_count in [0, 1] {
        packet.hop_count = hop_count;
        to_hub(&mut world, 1, &packet);
        assert_eq!(error_of(&world, 0), Some((ErrorCode::HOP_COUNT, 9)));
        assert!(world.sent_at(0, PacketType::RESOLUTION_REQUEST).is_empty());
    }
    packet.hop_count = 2;
    to_hub(&mut world, 1, &packet);
    assert_eq!(world.packets(0, PacketType::RESOLUTION_REQUEST)[0].hop_count, 1);
    assert_eq!(world.nodes[0].stats().dropped(DropReason::HopCount), 2);
}

#[test]
fn loop_is_seen_by_the_overlay_address_in_the_transit_record_and_reported_with_code_3() {
    let mut world = cloud();
    let mut packet = request(&mut world);
    let been_here = Cie::new(Some(ip("192.0.2.9")), Some(ip("10.0.0.1")));
    for extension in packet.extensions.iter_mut().flatten() {
        if extension.kind == ExtensionType::FORWARD_TRANSIT_RECORD {
            *extension = Extension::with_entries(extension.kind, std::slice::from_ref(&been_here)).unwrap();
        }
    }
    to_hub(&mut world, 1, &packet);
    assert_eq!(error_of(&world, 0), Some((ErrorCode::LOOP, 0)));
    assert_eq!(world.events(0), [Event::Loop { source: ip("10.0.0.11"), destination: ip("10.0.0.12") }]);
    // The originator hears of it.
    world.run(ms(50));
    assert!(world.events(1).contains(&Event::PeerError {
        nbma: ip("203.0.113.1"),
        code: ErrorCode::LOOP,
        offset: 0
    }));
}

#[test]
fn own_packet_that_comes_back_is_dropped() {
    let mut world = cloud();
    let packet = request(&mut world);
    let path = world.path_between(1, 0).unwrap();
    let payload = packet.encode().unwrap();
    world.input(1, Input::Packet { nbma: ip("203.0.113.1"), path, payload: &payload });
    assert_eq!(world.nodes[1].stats().dropped(DropReason::OwnSource), 1);
    assert!(world.sent.is_empty());
}

#[test]
fn unknown_compulsory_extension_is_passed_on_untouched_and_refused_by_its_receiver() {
    let mut world = cloud();
    let mut packet = request(&mut world);
    let unknown = Extension {
        compulsory: true,
        reserved: false,
        kind: ExtensionType(0x123),
        value: Bytes::from_static(b"?"),
    };
    packet.extensions.as_mut().unwrap().insert(1, unknown.clone());
    to_hub(&mut world, 1, &packet);
    let forwarded = &world.packets(0, PacketType::RESOLUTION_REQUEST)[0];
    assert_eq!(forwarded.extensions.as_ref().unwrap()[1], unknown);
    // RFC 2332 section 5.3: whoever does not know it does not record itself.
    assert!(forwarded.extension(ExtensionType::FORWARD_TRANSIT_RECORD).unwrap().value.is_empty());
    world.run(ms(20));
    // 28 + 12 of addresses, 12 of the entry, 4 of the responder extension before it.
    assert_eq!(error_of(&world, 2), Some((ErrorCode::UNRECOGNIZED_EXTENSION, 56)));
    assert!(world.nodes[2].cache().all(|view| view.next_hop != ip("10.0.0.11")), "nothing is learnt from it");
    // Without the C bit it is ignored.
    packet.extensions.as_mut().unwrap()[1].compulsory = false;
    world.forget();
    to_hub(&mut world, 1, &packet);
    world.run(secs(1));
    assert_eq!(world.sent_at(2, PacketType::RESOLUTION_REPLY).len(), 1);
}

#[test]
fn errors_are_never_answered_with_errors_and_are_limited_in_rate() {
    let mut world = cloud();
    let mut packet = request(&mut world);
    packet.hop_count = 0;
    for _ in 0..100 {
        to_hub(&mut world, 1, &packet);
    }
    assert_eq!(world.sent_at(0, PacketType::ERROR_INDICATION).len(), 10);
    assert_eq!(world.nodes[0].stats().errors_suppressed, 90);
    world.run(secs(1));
    world.forget();
    packet.packet_type = PacketType::ERROR_INDICATION;
    packet.body = Body::Payload(Bytes::from_static(b"short"));
    packet.destination_protocol = ip("10.0.0.1").into();
    packet.extensions.as_mut().unwrap().retain(|extension| extension.kind != ExtensionType::AUTHENTICATION);
    to_hub(&mut world, 1, &packet);
    assert!(world.sent.is_empty());
    assert!(matches!(world.events(0)[..], [Event::AuthenticationMismatch { .. }]));
}

#[test]
fn error_unreachable_is_a_refusal_as_opennhrp_means_it() {
    let mut world = cloud();
    world.cut.insert((0, 2));
    world.resolve(1, "10.0.0.12");
    let sent = world.packets(1, PacketType::RESOLUTION_REQUEST).remove(0);
    let mut error = sent.clone();
    error.packet_type = PacketType::ERROR_INDICATION;
    error.request_id = 6 << 16;
    error.source_protocol = ip("10.0.0.1").into();
    error.destination_protocol = ip("10.0.0.11").into();
    error.body = Body::Payload(sent.encode().unwrap().into());
    let path = world.path_between(1, 0).unwrap();
    let payload = error.encode().unwrap();
    world.input(1, Input::Packet { nbma: ip("203.0.113.1"), path, payload: &payload });
    assert!(
        world
            .events(1)
            .contains(&Event::ResolutionRefused { destination: ip("10.0.0.12"), code: CieCode::NO_BINDING })
    );
    world.run(secs(10));
    assert_eq!(world.sent_at(1, PacketType::RESOLUTION_REQUEST).len(), 1);
}

#[test]
fn request_with_the_address_of_another_client_is_dropped() {
    let mut world = cloud();
    let packet = request(&mut world);
    to_hub(&mut world, 2, &packet);
    assert!(world.sent.is_empty());
    assert_eq!(world.nodes[0].stats().dropped(DropReason::SourceMismatch), 1);
}

#[test]
fn unsolicited_and_invalid_answers_change_nothing() {
    let mut world = cloud();
    let path = world.path_between(1, 0).unwrap();
    let mut answer = request(&mut world);
    answer.packet_type = PacketType::RESOLUTION_REPLY;
    let mut entry = Cie::new(Some(ip("198.51.100.2")), Some(ip("10.0.0.12")));
    entry.holding_time = 300;
    let deliver = |world: &mut World, packet: &Packet| {
        let payload = packet.encode().unwrap();
        world.input(1, Input::Packet { nbma: ip("203.0.113.1"), path, payload: &payload });
    };
    let mut stray = answer.clone();
    stray.request_id ^= 1;
    stray.body = Body::Entries(vec![entry.clone()]);
    deliver(&mut world, &stray);
    assert_eq!(world.nodes[1].stats().dropped(DropReason::Unsolicited), 1);
    let other = |change: &dyn Fn(&mut Cie)| {
        let mut entry = entry.clone();
        change(&mut entry);
        vec![entry]
    };
    let bad = [
        Vec::new(),
        other(&|e| e.protocol = ip("10.0.0.11").into()),
        other(&|e| e.protocol = ip("10.0.0.13").into()),
        other(&|e| e.nbma = Address::None),
        other(&|e| e.nbma = ip("0.0.0.0").into()),
        other(&|e| e.nbma = ip("224.0.0.1").into()),
        other(&|e| e.nbma = ip("198.51.100.1").into()),
        other(&|e| e.nbma = ip("2001:db8::1").into()),
    ];
    for (index, entries) in bad.into_iter().enumerate() {
        answer.body = Body::Entries(entries);
        deliver(&mut world, &answer);
        assert_eq!(world.nodes[1].stats().dropped(DropReason::InvalidBinding), index as u64 + 1, "{index}");
        assert_eq!(world.nodes[1].cache().count(), 2, "the server, and the destination still being resolved");
    }
    assert_eq!(error_of(&world, 1), Some((ErrorCode::INVALID_REPLY, 0)));
    // The right one still counts.
    answer.body = Body::Entries(vec![entry]);
    deliver(&mut world, &answer);
    assert!(world.events(1).iter().any(|e| matches!(e, Event::Resolved { .. })));
}

/// A purge request with the right header and authentication.
fn purge(source: &str, nbma: &str, entries: Vec<Cie>, flags: Flags) -> Packet {
    let mut packet = request(&mut cloud());
    packet.packet_type = PacketType::PURGE_REQUEST;
    packet.source_protocol = ip(source).into();
    packet.source_nbma = ip(nbma).into();
    packet.destination_protocol = ip("10.0.0.1").into();
    packet.flags = flags;
    packet.body = Body::Entries(entries);
    packet
}

#[test]
fn purge_is_answered_with_and_without_match_and_only_the_owner_may() {
    let mut world = cloud();
    let host = |address: &str| Cie::new(None, Some(ip(address)));
    // Nothing matches: answered all the same (RFC 2332 section 5.2.6).
    let packet = purge("10.0.0.11", "198.51.100.1", vec![host("10.0.0.77")], Flags::default());
    to_hub(&mut world, 1, &packet);
    let reply = world.packets(0, PacketType::PURGE_REPLY).remove(0);
    assert_eq!((reply.request_id, reply.entries()[0].code), (packet.request_id, CieCode::SUCCESS));
    // Somebody else's: refused.
    let packet = purge("10.0.0.11", "198.51.100.1", vec![host("10.0.0.12")], Flags::default());
    to_hub(&mut world, 1, &packet);
    assert_eq!(world.packets(0, PacketType::PURGE_REPLY)[1].entries()[0].code, CieCode::PROHIBITED);
    assert_eq!(world.nodes[0].cache().count(), 2);
    // A whole prefix: what is one's own in it goes, the rest stays. No reply is wanted.
    let mut all = host("10.0.0.0");
    all.prefix_len = 24;
    let packet = purge("10.0.0.11", "198.51.100.1", vec![all], Flags::NO_REPLY);
    to_hub(&mut world, 1, &packet);
    assert_eq!(world.packets(0, PacketType::PURGE_REPLY).len(), 2);
    let left: Vec<_> = world.nodes[0].cache().map(|view| view.next_hop).collect();
    assert_eq!(left, [ip("10.0.0.12")]);
    assert!(world.events(0).contains(&Event::Purged { prefix: net("10.0.0.11/32"), by: ip("10.0.0.11") }));
}

#[test]
fn learnt_entries_and_pending_resolutions_are_bounded() {
    let mut spoke = spoke_config(11);
    spoke.limits.dynamic_entries = 1;
    spoke.limits.pending_resolutions = 1;
    let mut world = World::new(vec![hub_config(), spoke, spoke_config(12), spoke_config(13)]);
    world.run(secs(5));
    world.resolve(1, "10.0.0.12");
    world.resolve(1, "10.0.0.13");
    assert!(world.events(1).contains(&Event::LimitReached { limit: Limit::PendingResolutions }));
    world.run(secs(1));
    world.resolve(1, "10.0.0.13");
    world.run(secs(1));
    assert!(world.events(1).contains(&Event::LimitReached { limit: Limit::DynamicEntries }));
    assert_eq!(world.nodes[1].cache().filter(|view| view.expires.is_some()).count(), 1);
    assert_eq!(world.reaches(1, "10.0.0.13"), None);
}

#[test]
fn max_send_holds_resolutions_back_but_never_registration_replies() {
    let mut hub = hub_config();
    hub.limits.max_send = 5;
    let spokes = (11..31).map(spoke_config);
    let mut world = World::new(std::iter::once(hub).chain(spokes).collect());
    world.run(secs(3));
    assert_eq!(world.nodes[0].cache().count(), 20);
    assert_eq!(world.sent_at(0, PacketType::REGISTRATION_REPLY).len(), 40);
    world.resolve(1, "10.0.0.12");
    world.run(secs(1));
    assert!(world.sent_at(0, PacketType::RESOLUTION_REQUEST).is_empty());
    assert!(world.nodes[0].stats().dropped(DropReason::RateLimit) > 0);
    // The bucket refills and the retransmission gets through.
    world.run(secs(40));
    assert_eq!(world.reaches(1, "10.0.0.12"), Some(2));
}

#[test]
fn clear_forgets_all_but_static_entries() {
    let mut world = cloud();
    world.resolve(1, "10.0.0.12");
    world.run(secs(1));
    world.forget();
    world.input(1, Input::Clear);
    assert_eq!(world.nodes[1].cache().count(), 1);
    assert!(world.actions(1).iter().any(|a| matches!(a, Action::AdjacencyDown { .. })));
    world.input(0, Input::Clear);
    assert_eq!(world.nodes[0].cache().count(), 0);
    world.run(secs(110));
    assert_eq!(world.nodes[0].cache().count(), 2, "clients register again in their period");
}

#[test]
fn wrong_family_or_version_is_counted() {
    let mut world = cloud();
    let mut packet = request(&mut world);
    packet.protocol_type = nhrp::wire::ProtocolType::IPV6;
    to_hub(&mut world, 1, &packet);
    assert_eq!(world.nodes[0].stats().dropped(DropReason::Family), 1);
    packet.protocol_type = nhrp::wire::ProtocolType::IPV4;
    packet.packet_type = PacketType(9);
    to_hub(&mut world, 1, &packet);
    // What stands in the place of entries is opaque in a type that nobody knows.
    assert_eq!(world.nodes[0].stats().dropped(DropReason::UnknownType), 1);
    let bytes = [0u8; 10];
    world.input(0, Input::Packet { nbma: ip("198.51.100.1"), path: PathId(2), payload: &bytes });
    assert_eq!(world.nodes[0].stats().dropped(DropReason::Truncated), 1);
    assert_eq!(world.nodes[0].stats().received(PacketType(9)), 1);
}

/// An expected registration, written down by hand after the layout of RFC 2332 and of what IOS-XE sends.
#[test]
fn own_registration_byte_for_byte() {
    let mut world = World::new(vec![hub_config(), spoke_config(11)]);
    world.run(ms(100));
    let sent = world
        .log
        .iter()
        .find_map(|(_, node, output)| match output {
            Output::Transmit { payload, .. } if *node == 1 => Some(payload.clone()),
            _ => None,
        })
        .unwrap();
    let id = &sent[24..28];
    let mut expected = Vec::new();
    // Fixed header: IPv4, IPv4, no SNAP, 255 hops, 109 bytes, checksum, extensions at 52, version 1, type 3, NBMA of 4 bytes.
    expected.extend_from_slice(&[0, 1, 8, 0, 0, 0, 0, 0, 0, 255, 0, 109, 0, 0, 0, 52, 1, 3, 4, 0]);
    // Mandatory part: protocol lengths, unique and NAT flags, request id, addresses.
    expected.extend_from_slice(&[4, 4, 0x80, 0x02]);
    expected.extend_from_slice(id);
    expected.extend_from_slice(&[198, 51, 100, 1, 10, 0, 0, 11, 10, 0, 0, 1]);
    // Entry: code 0, /32, MTU 17912, 300 s, no addresses.
    expected.extend_from_slice(&[0, 32, 0, 0, 0x45, 0xf8, 0x01, 0x2c, 0, 0, 0, 0]);
    // Responder, forward and reverse transit records.
    expected.extend_from_slice(&[0x80, 3, 0, 0, 0x80, 4, 0, 0, 0x80, 5, 0, 0]);
    // Authentication.
    expected.extend_from_slice(&[0x80, 7, 0, 13, 0, 0, 0, 1]);
    expected.extend_from_slice(b"DMVPN2026");
    // NAT: the hub as we reach it. Then the end.
    expected.extend_from_slice(&[0, 9, 0, 20, 0, 32, 0, 0, 0x45, 0xf8, 0, 0, 4, 0, 4, 0]);
    expected.extend_from_slice(&[203, 0, 113, 1, 10, 0, 0, 1, 0x80, 0, 0, 0]);
    let mut sum = 0u32;
    for pair in expected.chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    expected[12..14].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    assert_eq!(sent, expected);
}
