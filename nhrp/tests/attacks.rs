//! One test for each attack on NHRP that this crate knows of: what somebody does, and what he would gain if it worked.
//!
//! Who attacks: a stranger who can send packets to an unprotected tunnel but does not know the authentication string, or a
//! client of the cloud that has a path and the string and is not honest.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod common;

use std::sync::OnceLock;

use bytes::Bytes;
use common::{World, hub_config, ip, ms, net, secs, spoke_config};
use nhrp::wire::{Address, Body, Cie, CieCode, Extension, ExtensionType, Flags, Packet, PacketType};
use nhrp::{Action, Authentication, CacheView, DropReason, Event, Input, Node, Output, PathId, RouteInfo};

/// The guide's cloud: node 0 is the hub, 1 and 2 are spokes; 3 is the spoke that attacks.
fn cloud() -> World {
    let mut world = World::new(vec![hub_config(), spoke_config(11), spoke_config(12), spoke_config(13)]);
    world.run(secs(5));
    world.forget();
    world
}

/// Hands node `to` a packet as coming from node `from`, over the path between them.
fn inject(world: &mut World, from: usize, to: usize, packet: &Packet) {
    let path = world.path_between(to, from).expect("a path");
    let nbma = world.public[from];
    let payload = packet.encode().unwrap();
    world.input(to, Input::Packet { nbma, path, payload: &payload });
}

/// A registration request with everything right, to be changed.
fn registration(address: &str, nbma: &str) -> Packet {
    static AS_SENT: OnceLock<Packet> = OnceLock::new();
    let as_sent = AS_SENT.get_or_init(|| {
        let mut world = World::new(vec![hub_config(), spoke_config(13)]);
        world.run(ms(100));
        world.packets(1, PacketType::REGISTRATION_REQUEST).remove(0)
    });
    let (source_protocol, source_nbma) = (ip(address).into(), ip(nbma).into());
    Packet { source_protocol, source_nbma, ..as_sent.clone() }
}

/// A packet of another type with the same header.
fn packet(packet_type: PacketType, source: &str, destination: &str, entries: Vec<Cie>) -> Packet {
    Packet {
        packet_type,
        destination_protocol: ip(destination).into(),
        flags: Flags::default(),
        body: Body::Entries(entries),
        ..registration(source, "198.51.100.3")
    }
}

fn binding(nbma: &str, address: &str, prefix_len: u8) -> Cie {
    let mut entry = Cie::new(Some(ip(nbma)), Some(ip(address)));
    entry.prefix_len = prefix_len;
    entry.holding_time = 600;
    entry
}

fn state(node: &Node) -> Vec<CacheView> {
    node.cache().collect()
}

fn dropped(world: &World, node: usize, reason: DropReason) -> u64 {
    world.nodes[node].stats().dropped(reason)
}

/// Gain: everything. A stranger without the string would register, resolve, purge, redirect or report errors; FRR once took
/// Error Indications without the string (05cd35616c).
#[test]
fn no_packet_type_passes_without_the_authentication_string() {
    let mut world = cloud();
    for number in 0..=9 {
        for secret in [None, Some("DMVPN2025"), Some("DMVPN202"), Some("DMVPN20266"), Some("")] {
            for to in [0, 1] {
                let mut forged = registration("10.0.0.13", "198.51.100.3");
                forged.packet_type = PacketType(number);
                if matches!(number, 7 | 8) {
                    forged.body = Body::Payload(Bytes::from_static(&[0x45; 28]));
                }
                let list = forged.extensions.as_mut().unwrap();
                list.retain(|extension| extension.kind != ExtensionType::AUTHENTICATION);
                list.extend(secret.map(|secret| Extension::authentication(&Authentication::new(secret))));
                let before = (state(&world.nodes[to]), world.nodes[to].poll_timeout());
                let payload = forged.encode().unwrap();
                let (nbma, path) = (ip("203.0.113.99"), PathId(999));
                world.nodes[to].handle_input(world.now, Input::Packet { nbma, path, payload: &payload });
                let outputs: Vec<Output> = std::iter::from_fn(|| world.nodes[to].poll_output()).collect();
                let told = outputs.iter().any(|output| {
                    matches!(output, Output::Event(Event::AuthenticationMismatch { source, .. }) if *source == nbma)
                });
                assert!(told, "type {number} with {secret:?}: {outputs:?}");
                // Nothing but that event, and an error to where it came from.
                let others = outputs.iter().filter(|output| {
                    !matches!(output, Output::Event(_))
                        && !matches!(output, Output::Transmit { to: nhrp::Destination::Nbma(to), .. } if *to == nbma)
                });
                assert_eq!(others.count(), 0);
                assert_eq!((state(&world.nodes[to]), world.nodes[to].poll_timeout()), before);
            }
        }
    }
}

/// Gain: the string itself, from a log or a crash report (FRR 6b75806cab).
#[test]
fn the_authentication_string_shows_nowhere() {
    let world = cloud();
    let request = registration("10.0.0.13", "198.51.100.3");
    let texts = [
        format!("{:?}", world.nodes[0].config()),
        format!("{:?}", world.nodes[0]),
        format!("{request:?}"),
        format!("{:?}", request.extension(ExtensionType::AUTHENTICATION)),
        format!("{:?}", state(&world.nodes[0])),
    ];
    let bytes = "68, 77, 86, 80, 78";
    for text in texts {
        assert!(!text.contains("DMVPN2026") && !text.contains(bytes), "{text}");
    }
}

/// Gain: all traffic of another spoke. Its address is registered to the attacker.
#[test]
fn a_registered_address_cannot_be_taken_over() {
    let mut world = cloud();
    inject(&mut world, 3, 0, &registration("10.0.0.11", "198.51.100.3"));
    let reply = world.packets(0, PacketType::REGISTRATION_REPLY).remove(0);
    assert_eq!(reply.entries()[0].code, CieCode::ALREADY_REGISTERED);
    assert_eq!(world.reaches(0, "10.0.0.11"), None, "no change is programmed");
    let owner = world.nodes[0].cache().find(|view| view.next_hop == ip("10.0.0.11")).unwrap();
    assert_eq!(owner.nbma, Some(ip("198.51.100.1")));
    // An explicit entry in a request under the attacker's own address does no better.
    let mut request = registration("10.0.0.13", "198.51.100.3");
    request.body = Body::Entries(vec![binding("198.51.100.3", "10.0.0.11", 32)]);
    inject(&mut world, 3, 0, &request);
    let reply = world.packets(0, PacketType::REGISTRATION_REPLY).remove(1);
    assert_eq!(reply.entries()[0].code, CieCode::ALREADY_REGISTERED);
}

/// Gain: the traffic of the hub itself, of the whole subnet, or of networks that are no part of the tunnel.
#[test]
fn addresses_that_no_client_has_are_not_registered() {
    let mut world = cloud();
    let before = world.nodes[0].cache().count();
    for address in [
        "10.0.0.1",
        "10.0.0.0",
        "10.0.0.255",
        "10.0.1.1",
        "0.0.0.0",
        "224.0.0.5",
        "255.255.255.255",
        "127.0.0.1",
    ] {
        let mut request = registration("10.0.0.13", "198.51.100.3");
        request.body = Body::Entries(vec![binding("198.51.100.3", address, 32)]);
        inject(&mut world, 3, 0, &request);
        let reply = world.packets(0, PacketType::REGISTRATION_REPLY).pop().unwrap();
        assert_eq!(reply.entries()[0].code, CieCode::PROHIBITED, "{address}");
    }
    assert_eq!(world.nodes[0].cache().count(), before);
    assert_eq!(dropped(&world, 0, DropReason::InvalidBinding), 8);
}

/// Gain: a spoke that believes to be a hub's client would hand its traffic to the attacker.
#[test]
fn a_spoke_serves_no_registrations() {
    let mut world = cloud();
    world.resolve(1, "10.0.0.13");
    world.run(secs(2));
    let mut request = registration("10.0.0.99", "198.51.100.3");
    request.destination_protocol = ip("10.0.0.11").into();
    inject(&mut world, 3, 1, &request);
    let reply = world.packets(1, PacketType::REGISTRATION_REPLY).remove(0);
    assert_eq!(reply.entries()[0].code, CieCode::PROHIBITED);
    assert!(world.nodes[1].cache().all(|view| view.next_hop != ip("10.0.0.99")));
}

/// Gain: a resolution under another's name teaches the target that the attacker is that other.
#[test]
fn a_request_with_the_address_of_another_client_goes_nowhere() {
    let mut world = cloud();
    let mut request =
        packet(PacketType::RESOLUTION_REQUEST, "10.0.0.11", "10.0.0.12", vec![Cie::new(None, None)]);
    request.flags = Flags::SOURCE_STABLE | Flags::ROUTER;
    inject(&mut world, 3, 0, &request);
    assert!(world.sent_at(0, PacketType::RESOLUTION_REQUEST).is_empty());
    assert_eq!(dropped(&world, 0, DropReason::SourceMismatch), 1);
}

/// Gain: the target connects to, and sends key exchanges at, whoever the attacker names.
#[test]
fn the_nat_extension_of_a_client_is_replaced_by_what_the_hub_sees() {
    let mut world = cloud();
    let mut request =
        packet(PacketType::RESOLUTION_REQUEST, "10.0.0.13", "10.0.0.12", vec![Cie::new(None, None)]);
    request.flags = Flags::SOURCE_STABLE | Flags::ROUTER | Flags::NAT;
    let list = request.extensions.as_mut().unwrap();
    list.retain(|extension| extension.kind != ExtensionType::NAT_ADDRESS);
    let victim = [Cie::new(Some(ip("192.0.2.80")), Some(ip("10.0.0.13")))];
    list.push(Extension::with_entries(ExtensionType::NAT_ADDRESS, &victim).unwrap());
    inject(&mut world, 3, 0, &request);
    let forwarded = world.packets(0, PacketType::RESOLUTION_REQUEST).remove(0);
    assert!(forwarded.extension(ExtensionType::NAT_ADDRESS).unwrap().value.is_empty());
    world.run(secs(3));
    let connects: Vec<_> = world
        .log
        .iter()
        .filter_map(|(_, node, output)| match output {
            Output::Connect { nbma } if *node == 2 => Some(*nbma),
            _ => None,
        })
        .collect();
    assert!(!connects.contains(&ip("192.0.2.80")), "{connects:?}");
}

/// Gain: the traffic for any destination that is being resolved. The answer may come straight from the target, so a client
/// that has a path could answer for others if it guessed the request's number: from the numbers of requests that it did see.
#[test]
fn numbers_of_resolution_requests_tell_nothing_of_the_next() {
    let mut world = cloud();
    world.cut.insert((0, 1));
    for host in 50..60 {
        world.resolve(1, &format!("10.0.0.{host}"));
    }
    let ids: Vec<u32> =
        world.packets(1, PacketType::RESOLUTION_REQUEST).iter().map(|request| request.request_id).collect();
    let close = |pair: &[u32]| pair[0].abs_diff(pair[1]) < 0x1_0000;
    assert_eq!(ids.len(), 10);
    assert!(!ids.windows(2).any(close), "{ids:x?}");
    // Ten thousand guesses around a number that was seen.
    world.cut.clear();
    world.forget();
    for guess in 0..10_000u32 {
        let mut reply = packet(
            PacketType::RESOLUTION_REPLY,
            "10.0.0.11",
            "10.0.0.51",
            vec![binding("198.51.100.3", "10.0.0.51", 32)],
        );
        reply.request_id = ids[0].wrapping_add(guess).wrapping_sub(5000);
        let payload = reply.encode().unwrap();
        let path = world.path_between(1, 0).unwrap();
        let now = world.now;
        world.nodes[1].handle_input(now, Input::Packet { nbma: ip("203.0.113.1"), path, payload: &payload });
        if guess == 0 {
            continue;
        }
        assert!(world.nodes[1].cache().all(|view| view.nbma != Some(ip("198.51.100.3"))));
    }
    assert!(dropped(&world, 1, DropReason::Unsolicited) >= 9_999);
}

/// Gain: a spoke believes that it is registered, and sends its traffic to where its server is not.
#[test]
fn a_registration_reply_counts_only_over_the_path_of_the_server_that_was_asked() {
    let mut world = cloud();
    world.resolve(1, "10.0.0.13");
    world.run(secs(2));
    world.cut.insert((0, 1));
    world.run(secs(100));
    let request = world.packets(1, PacketType::REGISTRATION_REQUEST).pop().unwrap();
    let before = world.nodes[1].nhs().next().unwrap().replies_received;
    let mut reply = request;
    reply.packet_type = PacketType::REGISTRATION_REPLY;
    inject(&mut world, 3, 1, &reply);
    assert_eq!(world.nodes[1].nhs().next().unwrap().replies_received, before);
    assert!(dropped(&world, 1, DropReason::Unsolicited) > 0);
}

/// Gain: bindings that nobody asked for, with the attacker as next hop.
#[test]
fn replies_that_nobody_asked_for_are_dropped() {
    let mut world = cloud();
    let before = state(&world.nodes[1]);
    for id in [0, 1, u32::MAX] {
        let mut reply = packet(
            PacketType::RESOLUTION_REPLY,
            "10.0.0.11",
            "10.0.0.12",
            vec![binding("198.51.100.3", "10.0.0.12", 32)],
        );
        reply.request_id = id;
        inject(&mut world, 0, 1, &reply);
    }
    assert_eq!(state(&world.nodes[1]), before);
    assert_eq!(dropped(&world, 1, DropReason::Unsolicited), 3);
}

/// Gain: with a prefix larger than its own network, or with the hub's or the requester's address in it, the attacker draws
/// traffic that was never meant for it; with a reserved underlay address, the requester sends it nowhere.
#[test]
fn answers_that_claim_too_much_are_refused() {
    let claims = [
        ("198.51.100.3", "10.0.0.13", 0),
        ("198.51.100.3", "10.0.0.13", 7),
        ("203.0.113.1", "10.0.0.1", 24),
        ("0.0.0.0", "10.0.0.13", 24),
        ("224.0.0.9", "10.0.0.13", 24),
        ("198.51.100.1", "10.0.0.13", 24),
        ("198.51.100.3", "10.0.0.11", 24),
        ("198.51.100.3", "192.168.99.1", 24),
        ("198.51.100.3", "10.0.0.13", 24),
    ];
    for (index, (nbma, next_hop, len)) in claims.into_iter().enumerate() {
        let mut spoke = spoke_config(11);
        spoke.shortcut = true;
        let mut world = World::new(vec![hub_config(), spoke, spoke_config(12), spoke_config(13)]);
        let route = |prefix: &str, via: Option<&str>| RouteInfo {
            prefix: net(prefix),
            through_tunnel: via.is_some(),
            next_hop: via.map(ip),
        };
        world.routes.insert(1, vec![route("0.0.0.0/0", Some("10.0.0.1"))]);
        world.run(secs(5));
        world.cut.insert((0, 1));
        let mut indication = packet(PacketType::TRAFFIC_INDICATION, "10.0.0.1", "192.168.11.1", Vec::new());
        let mut quoted = vec![0x45u8; 28];
        quoted[16..20].copy_from_slice(&[192, 168, 99, 1]);
        indication.body = Body::Payload(quoted.into());
        inject(&mut world, 0, 1, &indication);
        let request = world.packets(1, PacketType::RESOLUTION_REQUEST).remove(0);
        let mut reply = request;
        reply.packet_type = PacketType::RESOLUTION_REPLY;
        reply.body = Body::Entries(vec![binding(nbma, next_hop, len)]);
        inject(&mut world, 0, 1, &reply);
        world.cut.clear();
        world.run(secs(5));
        let taken = world.actions(1).iter().any(|action| match action {
            Action::ShortcutUp { prefix, .. } => prefix.prefix_len() < 24 || *next_hop != *"10.0.0.13",
            _ => false,
        });
        // A length of zero stands for the host itself (RFC 2332 section 6.3).
        assert!(!taken, "{nbma} {next_hop}/{len}: {:?}", world.actions(1));
        let installed = world.actions(1).iter().any(|action| matches!(action, Action::ShortcutUp { .. }));
        let honest = index == claims.len() - 1 || len == 0;
        assert_eq!(installed, honest, "{nbma} {next_hop}/{len}: {:?}", world.actions(1));
    }
}

/// Gain: a spoke asks for destinations of the attacker's choice, as often as he likes, and sets up paths for them.
#[test]
fn traffic_indications_of_strangers_are_ignored() {
    let mut spoke = spoke_config(11);
    spoke.shortcut = true;
    let mut world = World::new(vec![hub_config(), spoke, spoke_config(12), spoke_config(13)]);
    let default =
        RouteInfo { prefix: net("0.0.0.0/0"), through_tunnel: true, next_hop: Some(ip("10.0.0.1")) };
    world.routes.insert(1, vec![default]);
    world.run(secs(5));
    world.resolve(1, "10.0.0.13");
    world.run(secs(2));
    world.forget();
    let mut quoted = vec![0x45u8; 28];
    quoted[16..20].copy_from_slice(&[192, 168, 99, 1]);
    for source in ["10.0.0.13", "10.0.0.1"] {
        // Under its own name, and under the hub's, over its own path.
        let mut indication = packet(PacketType::TRAFFIC_INDICATION, source, "192.168.11.1", Vec::new());
        indication.body = Body::Payload(quoted.clone().into());
        inject(&mut world, 3, 1, &indication);
    }
    assert!(world.sent_at(1, PacketType::RESOLUTION_REQUEST).is_empty());
    assert_eq!(dropped(&world, 1, DropReason::SpoofedIndication), 2);
}

/// Gain: other spokes lose their registration, or the direct path between two others falls back to the hub at will.
#[test]
fn only_the_owner_or_a_server_purges_a_binding() {
    let mut world = cloud();
    world.resolve(1, "10.0.0.12");
    world.resolve(1, "10.0.0.13");
    world.run(secs(2));
    assert_eq!(world.reaches(1, "10.0.0.12"), Some(2));
    let victim = vec![Cie::new(Some(ip("198.51.100.2")), Some(ip("10.0.0.12")))];
    // At the hub: the registration of another.
    inject(&mut world, 3, 0, &packet(PacketType::PURGE_REQUEST, "10.0.0.13", "10.0.0.1", victim.clone()));
    // At a spoke: over the attacker's own path, under his own name and under those of the victim and of the hub.
    for source in ["10.0.0.13", "10.0.0.12", "10.0.0.1"] {
        inject(&mut world, 3, 1, &packet(PacketType::PURGE_REQUEST, source, "10.0.0.11", victim.clone()));
    }
    // Through the hub, under the same names.
    for source in ["10.0.0.13", "10.0.0.12", "10.0.0.1"] {
        inject(&mut world, 3, 0, &packet(PacketType::PURGE_REQUEST, source, "10.0.0.11", victim.clone()));
    }
    world.run(secs(5));
    assert_eq!(world.reaches(1, "10.0.0.12"), Some(2), "{:?}", world.events(1));
    assert!(world.nodes[0].cache().any(|view| view.next_hop == ip("10.0.0.12")));
    // The owner may, through the hub.
    inject(
        &mut world,
        2,
        0,
        &packet(PacketType::PURGE_REQUEST, "10.0.0.12", "10.0.0.11", {
            vec![Cie::new(None, Some(ip("10.0.0.12")))]
        }),
    );
    world.run(ms(50));
    assert_eq!(world.reaches(1, "10.0.0.12"), None);
}

/// Gain: what a server hears over a client's path is that client's word. A client that passes packets on would withdraw its
/// own registration for the attacker.
#[test]
fn a_client_passes_nothing_on() {
    let mut world = cloud();
    world.resolve(1, "10.0.0.13");
    world.run(secs(2));
    world.forget();
    let own = vec![Cie::new(None, Some(ip("10.0.0.11")))];
    inject(&mut world, 3, 1, &packet(PacketType::PURGE_REQUEST, "10.0.0.13", "10.0.0.1", own));
    let request =
        packet(PacketType::RESOLUTION_REQUEST, "10.0.0.13", "10.0.0.12", vec![Cie::new(None, None)]);
    inject(&mut world, 3, 1, &request);
    assert!(world.sent_at(1, PacketType::PURGE_REQUEST).is_empty());
    assert!(world.sent_at(1, PacketType::RESOLUTION_REQUEST).is_empty());
    world.run(secs(1));
    assert!(world.nodes[0].cache().any(|view| view.next_hop == ip("10.0.0.11")));
}

/// Gain: two routers that answer each other's errors for ever; or one small packet for many large ones.
#[test]
fn errors_beget_no_errors_and_are_limited() {
    let mut world = cloud();
    let mut error = packet(PacketType::ERROR_INDICATION, "10.0.0.13", "10.0.0.1", Vec::new());
    error.body = Body::Payload(Bytes::from_static(&[0xff; 64]));
    for _ in 0..100 {
        inject(&mut world, 3, 0, &error);
    }
    assert!(world.sent_at(0, PacketType::ERROR_INDICATION).is_empty());
    let mut bad =
        packet(PacketType::RESOLUTION_REQUEST, "10.0.0.13", "10.0.0.12", vec![Cie::new(None, None)]);
    bad.source_protocol = Address::None;
    for _ in 0..100 {
        inject(&mut world, 3, 0, &bad);
    }
    assert_eq!(world.sent_at(0, PacketType::ERROR_INDICATION).len(), 10, "ten a second");
    let largest =
        world.packets(0, PacketType::ERROR_INDICATION).iter().map(|p| p.encode().unwrap().len()).max();
    assert!(largest.unwrap() <= bad.encode().unwrap().len() + 100, "no larger than what caused it");
}

/// Gain: a forged error ends a resolution under way, so that a direct path never comes up.
#[test]
fn an_error_ends_a_resolution_only_if_a_server_sends_it() {
    let mut world = cloud();
    world.resolve(1, "10.0.0.13");
    world.run(secs(2));
    world.forget();
    world.cut.insert((0, 1));
    world.resolve(1, "10.0.0.12");
    let request = world.packets(1, PacketType::RESOLUTION_REQUEST).remove(0);
    let mut error = packet(PacketType::ERROR_INDICATION, "10.0.0.13", "10.0.0.11", Vec::new());
    error.request_id = 6 << 16;
    error.body = Body::Payload(request.encode().unwrap().into());
    inject(&mut world, 3, 1, &error);
    assert!(!world.events(1).iter().any(|event| matches!(event, Event::ResolutionRefused { .. })));
    world.cut.clear();
    world.run(secs(3));
    assert_eq!(world.reaches(1, "10.0.0.12"), Some(2));
}

/// Gain: a packet that circles between servers multiplies their load.
#[test]
fn a_packet_that_was_here_before_goes_no_further() {
    let mut world = cloud();
    let mut request =
        packet(PacketType::RESOLUTION_REQUEST, "10.0.0.13", "10.0.0.12", vec![Cie::new(None, None)]);
    let list = request.extensions.as_mut().unwrap();
    list.retain(|extension| extension.kind != ExtensionType::FORWARD_TRANSIT_RECORD);
    let record = [Cie::new(Some(ip("203.0.113.1")), Some(ip("10.0.0.1")))];
    list.push(Extension::with_entries(ExtensionType::FORWARD_TRANSIT_RECORD, &record).unwrap());
    inject(&mut world, 3, 0, &request);
    request.extensions.as_mut().unwrap().pop();
    for hop_count in [0, 1] {
        request.hop_count = hop_count;
        inject(&mut world, 3, 0, &request);
    }
    assert!(world.sent_at(0, PacketType::RESOLUTION_REQUEST).is_empty());
    assert_eq!((dropped(&world, 0, DropReason::Loop), dropped(&world, 0, DropReason::HopCount)), (1, 2));
}

/// Gain: memory, until the router dies: registrations, bindings, pending answers and questions, each as many as there are
/// addresses.
#[test]
fn nothing_that_a_client_can_make_grow_is_without_bound() {
    let mut hub = hub_config();
    hub.prefix = net("10.0.0.0/8");
    hub.redirect = Some(secs(8));
    hub.limits.registrations = 100;
    hub.limits.route_queries = 100;
    hub.limits.redirect_pairs = 100;
    hub.limits.answered_per_entry = 10;
    hub.limits.pending_purges = 100;
    let mut world = World::new(vec![hub, spoke_config(11), spoke_config(12), spoke_config(13)]);
    world.run(secs(5));
    let path = world.path_between(0, 3).unwrap();
    let nbma = world.public[3];
    let mut outputs = 0;
    for index in 0..2000u32 {
        let [_, _, high, low] = index.to_be_bytes();
        let [address, far] = [format!("10.1.{high}.{low}"), format!("192.168.{high}.{low}")];
        let request = packet(PacketType::RESOLUTION_REQUEST, "10.0.0.13", &far, vec![Cie::new(None, None)]);
        let mut register = registration("10.0.0.13", "198.51.100.3");
        register.body = Body::Entries(vec![binding("198.51.100.3", &address, 32)]);
        // Short lives, then long ones: each is a new deadline.
        for (turn, mut packet) in [register.clone(), request, register].into_iter().enumerate() {
            if let Body::Entries(entries) = &mut packet.body {
                entries[0].holding_time = if turn == 0 { 600 } else { 500 };
            }
            let payload = packet.encode().unwrap();
            world.nodes[0].handle_input(world.now, Input::Packet { nbma, path, payload: &payload });
        }
        // The owner answers no question.
        outputs += std::iter::from_fn(|| world.nodes[0].poll_output()).count();
    }
    assert!(world.nodes[0].cache().count() <= 100);
    assert!(dropped(&world, 0, DropReason::Limit) >= 3000, "{}", dropped(&world, 0, DropReason::Limit));
    assert!(outputs < 20_000, "{outputs} outputs for 6000 packets");
}
