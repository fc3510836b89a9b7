//! Redirect and shortcut.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod common;

use common::{World, hub_config, ip, ms, net, secs, spoke_config};
use nhrp::wire::{Body, Cie, ExtensionType, Packet, PacketType};
use nhrp::{Action, Config, DropReason, Event, Input, Nhs, Output, PathId, RouteInfo};

fn route(prefix: &str, next_hop: Option<&str>) -> RouteInfo {
    RouteInfo { prefix: net(prefix), through_tunnel: next_hop.is_some(), next_hop: next_hop.map(ip) }
}

fn cloud() -> World {
    let mut hub = hub_config();
    hub.redirect = Some(secs(8));
    let phase3 = |number| with_shortcut(spoke_config(number));
    let mut world = World::new(vec![hub, phase3(11), phase3(12)]);
    let lan11 = "192.168.11.0/24";
    let lan12 = "192.168.12.0/24";
    world.routes.insert(0, vec![route(lan11, Some("10.0.0.11")), route(lan12, Some("10.0.0.12"))]);
    world.routes.insert(1, vec![route(lan11, None), route("192.168.0.0/16", Some("10.0.0.1"))]);
    world.routes.insert(2, vec![route(lan12, None), route("192.168.0.0/16", Some("10.0.0.1"))]);
    world.run(secs(5));
    world.forget();
    world
}

fn with_shortcut(mut config: Config) -> Config {
    config.shortcut = true;
    config
}

/// An ICMP packet from one LAN to the other.
fn data(source: &str, destination: &str) -> Vec<u8> {
    let mut packet = vec![0u8; 64];
    packet[0] = 0x45;
    packet[3] = 64;
    packet[8] = 63;
    packet[9] = 1;
    let octets = |text: &str| match ip(text) {
        std::net::IpAddr::V4(address) => address.octets(),
        std::net::IpAddr::V6(_) => unreachable!("IPv4 only"),
    };
    packet[12..16].copy_from_slice(&octets(source));
    packet[16..20].copy_from_slice(&octets(destination));
    packet
}

fn redirect(world: &mut World, source: &str, destination: &str) {
    let path = world.path_between(0, 1).unwrap();
    let packet = data(source, destination);
    world.input(0, Input::Redirectable { nbma: ip("198.51.100.1"), path, packet: &packet });
}

#[test]
fn hairpinned_packet_leads_to_a_shortcut_over_a_proven_path() {
    let mut world = cloud();
    redirect(&mut world, "192.168.11.1", "192.168.12.1");
    world.run(secs(1));
    let indication = &world.packets(0, PacketType::TRAFFIC_INDICATION)[0];
    assert_eq!(indication.destination_protocol.ip(), Some(ip("192.168.11.1")));
    assert!(matches!(&indication.body, Body::Payload(payload) if payload.len() == 28));
    let kinds: Vec<u16> = indication.extensions.iter().flatten().map(|e| e.kind.0).collect();
    assert_eq!(kinds, [4, 5, 7, 9], "as IOS sends it");
    assert_eq!(
        world.packets(1, PacketType::RESOLUTION_REQUEST)[0].destination_protocol.ip(),
        Some(ip("192.168.12.1"))
    );
    let reply = &world.packets(2, PacketType::RESOLUTION_REPLY)[0];
    assert_eq!(reply.entries()[0].prefix_len, 24);
    assert_eq!(reply.entries()[0].protocol.ip(), Some(ip("10.0.0.12")));
    let actions = world.actions(1);
    let adjacency = actions.iter().position(|a| {
        matches!(a, Action::AdjacencyUp { tunnel_address, .. }
        if *tunnel_address == ip("10.0.0.12"))
    });
    let shortcut = actions
        .iter()
        .position(|a| *a == Action::ShortcutUp { prefix: net("192.168.12.0/24"), next_hop: ip("10.0.0.12") });
    assert!(adjacency.is_some() && adjacency < shortcut, "the adjacency first: {actions:?}");
    assert_eq!(world.reaches(1, "10.0.0.12"), Some(2));
    let flags = world.nodes[1].cache().find(|v| v.prefix == net("192.168.12.0/24")).unwrap().flags;
    assert_eq!(flags.to_string(), "router rib");
}

#[test]
fn indications_are_limited_per_flow() {
    let mut world = cloud();
    for _ in 0..5 {
        redirect(&mut world, "192.168.11.1", "192.168.12.1");
        world.run(secs(1));
    }
    redirect(&mut world, "192.168.11.1", "192.168.12.2");
    redirect(&mut world, "192.168.11.2", "192.168.12.1");
    assert_eq!(world.sent_at(0, PacketType::TRAFFIC_INDICATION), [5000, 10_000, 10_000]);
    assert_eq!(world.nodes[0].stats().redirects_suppressed, 4);
    world.run(secs(3));
    redirect(&mut world, "192.168.11.1", "192.168.12.1");
    assert_eq!(world.sent_at(0, PacketType::TRAFFIC_INDICATION).len(), 4, "8 s after the first");
    for (source, destination) in
        [("192.168.11.1", "224.0.0.5"), ("10.0.0.1", "192.168.12.1"), ("0.0.0.0", "1.2.3.4")]
    {
        redirect(&mut world, source, destination);
    }
    assert_eq!(world.sent_at(0, PacketType::TRAFFIC_INDICATION).len(), 4);
}

#[test]
fn shortcut_falls_back_when_its_path_dies_and_when_its_route_changes() {
    let mut world = cloud();
    redirect(&mut world, "192.168.11.1", "192.168.12.1");
    world.run(secs(1));
    world.forget();
    world.sever(1, 2);
    let prefix = net("192.168.12.0/24");
    assert!(
        matches!(world.actions(1)[..], [Action::ShortcutDown { prefix: p }, Action::AdjacencyDown { .. }]
        if p == prefix)
    );
    world.run(secs(6));
    redirect(&mut world, "192.168.11.1", "192.168.12.9");
    world.run(secs(1));
    assert!(world.actions(1).contains(&Action::ShortcutUp { prefix, next_hop: ip("10.0.0.12") }));
    world.forget();
    world.input(1, Input::RouteChanged { prefix: net("192.168.0.0/16") });
    assert_eq!(world.actions(1), [Action::ShortcutDown { prefix }]);
}

#[test]
fn shortcut_goes_with_its_server_and_at_its_end() {
    let mut world = cloud();
    redirect(&mut world, "192.168.11.1", "192.168.12.1");
    world.run(secs(1));
    world.forget();
    world.cut.insert((0, 1));
    world.run(secs(120));
    assert!(world.actions(1).contains(&Action::ShortcutDown { prefix: net("192.168.12.0/24") }));

    let mut world = cloud();
    redirect(&mut world, "192.168.11.1", "192.168.12.1");
    world.run(secs(1));
    world.forget();
    world.run(secs(300));
    assert!(world.actions(1).contains(&Action::ShortcutDown { prefix: net("192.168.12.0/24") }));
    assert!(!world.nodes[1].cache().any(|view| view.prefix == net("192.168.12.0/24")));
}

#[test]
fn used_shortcut_is_refreshed_by_asking_for_its_host_again() {
    let mut world = cloud();
    redirect(&mut world, "192.168.11.1", "192.168.12.1");
    for _ in 0..40 {
        world.run(secs(10));
        for (node, peer) in [(1, "10.0.0.12"), (2, "10.0.0.11")] {
            let now = world.now;
            world.nodes[node].note_used(now, ip(peer));
        }
        world.drain();
    }
    assert!(!world.actions(1).iter().any(|a| matches!(a, Action::ShortcutDown { .. })));
    let asked: Vec<_> = world
        .packets(1, PacketType::RESOLUTION_REQUEST)
        .iter()
        .map(|p| p.destination_protocol.ip())
        .collect();
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert!(asked.iter().all(|asked| *asked == Some(ip("192.168.12.1"))));
}

#[test]
fn indication_from_somebody_who_is_not_the_next_hop_is_ignored() {
    let mut world = cloud();
    // No route of this spoke leads to the hub for that destination.
    redirect(&mut world, "192.168.11.1", "172.16.0.1");
    world.run(secs(1));
    assert!(world.sent_at(1, PacketType::RESOLUTION_REQUEST).is_empty());
    assert_eq!(world.nodes[1].stats().dropped(DropReason::SpoofedIndication), 1);
    // The right words on a path that is not the server's.
    redirect(&mut world, "192.168.11.1", "192.168.12.1");
    let indication = world.packets(0, PacketType::TRAFFIC_INDICATION).pop().unwrap().encode().unwrap();
    world.run(secs(1));
    world.forget();
    let from = Input::Packet { nbma: ip("203.0.113.1"), path: PathId(999), payload: &indication };
    world.input(1, from);
    assert!(world.sent.is_empty());
    assert_eq!(world.nodes[1].stats().dropped(DropReason::SpoofedIndication), 2);
}

#[test]
fn indication_counts_from_each_of_the_servers_that_share_a_route() {
    let mut hub = hub_config();
    hub.redirect = Some(secs(8));
    let mut spoke = with_shortcut(spoke_config(11));
    spoke.nhs.push(Nhs::new(Some(ip("10.0.0.2")), Some(ip("203.0.113.2"))));
    let mut world = World::new(vec![hub, spoke, with_shortcut(spoke_config(12))]);
    let lan12 = "192.168.12.0/24";
    world.routes.insert(0, vec![route(lan12, Some("10.0.0.12"))]);
    // Two servers are equally good; the routing table names the other one first.
    world.routes.insert(1, vec![route("192.168.0.0/16", Some("10.0.0.2"))]);
    world.routes.insert(2, vec![route(lan12, None)]);
    world.run(secs(5));
    world.forget();
    redirect(&mut world, "192.168.11.1", "192.168.12.1");
    world.run(secs(1));
    assert_eq!(world.nodes[1].stats().dropped(DropReason::SpoofedIndication), 0);
    assert!(world.actions(1).iter().any(|action| matches!(action, Action::ShortcutUp { .. })));
}

#[test]
fn shortcuts_are_off_unless_configured() {
    let mut hub = hub_config();
    hub.redirect = Some(secs(8));
    let mut world = World::new(vec![hub, spoke_config(11)]);
    world.run(secs(5));
    redirect(&mut world, "192.168.11.1", "192.168.12.1");
    world.run(secs(1));
    assert_eq!(world.nodes[1].stats().dropped(DropReason::ShortcutDisabled), 1);
    assert!(world.sent_at(1, PacketType::RESOLUTION_REQUEST).is_empty());
}

/// Answers whose prefix would capture what it must not, delivered as the hub would.
#[test]
fn answers_that_cover_too_much_are_refused() {
    for (prefix_len, next_hop, installed) in [
        (24, "10.0.0.12", true),
        (0, "10.0.0.12", true),
        (7, "10.0.0.12", false),
        (1, "10.0.0.12", false),
        (24, "10.0.0.1", false),
        (24, "10.0.0.11", false),
        (24, "192.168.12.1", false),
    ] {
        let mut world = cloud();
        world.cut.insert((0, 2));
        redirect(&mut world, "192.168.11.1", "192.168.12.1");
        world.run(ms(100));
        let request = world.packets(1, PacketType::RESOLUTION_REQUEST).remove(0);
        let mut reply: Packet = request;
        reply.packet_type = PacketType::RESOLUTION_REPLY;
        let mut entry = Cie::new(Some(ip("198.51.100.2")), Some(ip(next_hop)));
        entry.prefix_len = prefix_len;
        entry.holding_time = 300;
        reply.body = Body::Entries(vec![entry]);
        let payload = reply.encode().unwrap();
        let path = world.path_between(1, 0).unwrap();
        world.input(1, Input::Packet { nbma: ip("203.0.113.1"), path, payload: &payload });
        world.run(secs(1));
        let up = world.actions(1).iter().any(|a| matches!(a, Action::ShortcutUp { .. }));
        assert_eq!(up, installed, "/{prefix_len} via {next_hop}");
        assert!(reply.extension(ExtensionType::NAT_ADDRESS).is_some());
    }
}

#[test]
fn route_query_without_answer_ends_in_a_refusal() {
    let start = <std::time::Instant as common::Origin>::now_for_tests();
    let mut world = cloud();
    redirect(&mut world, "192.168.11.1", "192.168.12.1");
    world.run(secs(1));
    let request = world.packets(1, PacketType::RESOLUTION_REQUEST).remove(0).encode().unwrap();
    let mut hub = nhrp::Node::new(hub_config(), common::rng(1), start).unwrap();
    hub.handle_input(start, Input::Packet { nbma: ip("198.51.100.1"), path: PathId(1), payload: &request });
    let query = hub.poll_output();
    assert!(
        matches!(query, Some(Output::RouteQuery { destination, .. }) if destination == ip("192.168.12.1"))
    );
    assert_eq!(hub.poll_output(), None);
    hub.handle_timeout(start + secs(5));
    let Some(Output::Transmit { payload, .. }) = hub.poll_output() else { panic!("an answer") };
    let reply = Packet::decode(&payload).unwrap();
    assert_eq!((reply.packet_type, reply.entries()[0].code.0), (PacketType::RESOLUTION_REPLY, 12));
    assert!(!world.events(1).iter().any(|e| matches!(e, Event::ResolutionRefused { .. })));
}

/// RFC 2332 section 5.2.5: whoever was given a network of ours hears that it moved, and data follows the hub again.
#[test]
fn a_network_that_moves_away_is_withdrawn_from_those_who_were_given_it() {
    let mut world = cloud();
    redirect(&mut world, "192.168.11.1", "192.168.12.1");
    world.run(secs(1));
    let up = Action::ShortcutUp { prefix: net("192.168.12.0/24"), next_hop: ip("10.0.0.12") };
    assert!(world.actions(1).contains(&up));
    let local = world.nodes[2].cache().find(|view| view.flags.local).unwrap();
    assert_eq!((local.prefix, local.requesters[0].address), (net("192.168.12.0/24"), ip("10.0.0.11")));
    // A change elsewhere, and one that leaves the network where it is, withdraw nothing.
    for prefix in ["172.16.0.0/12", "192.168.12.0/24"] {
        world.input(2, Input::RouteChanged { prefix: net(prefix) });
        world.run(secs(1));
    }
    assert!(world.sent_at(2, PacketType::PURGE_REQUEST).is_empty());
    // Now it is behind the hub.
    world.routes.insert(2, vec![route("192.168.0.0/16", Some("10.0.0.1"))]);
    world.forget();
    world.input(2, Input::RouteChanged { prefix: net("192.168.12.0/24") });
    world.run(secs(1));
    let purge = &world.packets(2, PacketType::PURGE_REQUEST)[0];
    assert_eq!(
        (purge.entries()[0].protocol.ip(), purge.entries()[0].prefix_len),
        (Some(ip("192.168.12.0")), 24)
    );
    assert!(world.actions(1).contains(&Action::ShortcutDown { prefix: net("192.168.12.0/24") }));
    assert_eq!(world.packets(1, PacketType::PURGE_REPLY).len(), 1);
    assert!(world.nodes[2].cache().all(|view| !view.flags.local));
}

/// `ip nhrp summary-map`: one answer for all networks behind a spoke; never one that covers its own address.
#[test]
fn a_summary_is_answered_in_place_of_the_routes_prefix() {
    for (summary, prefix) in [("192.168.12.0/22", "192.168.12.0/22"), ("0.0.0.0/1", "192.168.12.0/24")] {
        let mut world = cloud();
        let mut config = world.nodes[2].config().clone();
        config.summaries = vec![net(summary)];
        for peer in [0, 1] {
            if world.path_between(2, peer).is_some() {
                world.sever(2, peer);
            }
        }
        world.nodes[2] = nhrp::Node::new(config, common::rng(5), world.now).unwrap();
        world.run(secs(5));
        world.forget();
        redirect(&mut world, "192.168.11.1", "192.168.12.1");
        world.run(secs(1));
        let up = Action::ShortcutUp { prefix: net(prefix), next_hop: ip("10.0.0.12") };
        assert!(world.actions(1).contains(&up), "{summary}: {:?}", world.actions(1));
    }
}
