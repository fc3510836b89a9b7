//! Registration: the spoke's timers and the hub's rules.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod common;

use common::{World, hub_config, ip, ms, secs, spoke_config};
use nhrp::wire::{CieCode, Flags, PacketType};
use nhrp::{Action, AdjacencyKind, Event, Input, NhsDownReason, NhsStatus, Output, PathId};

#[test]
fn spoke_connects_at_once_and_registers_in_the_moment_the_path_is_up() {
    let mut world = World::new(vec![hub_config(), spoke_config(11)]);
    world.run(ms(0));
    assert_eq!(world.first(1, |o| *o == Output::Connect { nbma: ip("203.0.113.1") }), Some(0));
    world.run(ms(1500));
    assert_eq!(world.sent_at(1, PacketType::REGISTRATION_REQUEST), [80, 1080]);
    // One round trip of 20 ms later the server is up.
    assert_eq!(world.first(1, |o| *o == Output::Event(Event::NhsUp { nhs: ip("10.0.0.1") })), Some(100));
    assert_eq!(world.nodes[1].live_nhs(), Some(ip("10.0.0.1")));
    let hub = world.actions(0);
    assert!(
        matches!(hub[0], Action::AdjacencyUp { tunnel_address, nbma, kind: AdjacencyKind::Registered, .. }
        if tunnel_address == ip("10.0.0.11") && nbma == ip("198.51.100.1"))
    );
    assert!(matches!(hub[1], Action::MulticastJoin { tunnel_address: Some(a), .. } if a == ip("10.0.0.11")));
    let spoke = world.actions(1);
    assert!(spoke.iter().any(|a| matches!(a, Action::MulticastJoin { nbma, tunnel_address, .. }
        if *nbma == ip("203.0.113.1") && *tunnel_address == Some(ip("10.0.0.1")))));
    assert!(
        spoke
            .iter()
            .any(|a| matches!(a, Action::AdjacencyUp { tunnel_address, kind: AdjacencyKind::Nhs, .. }
        if *tunnel_address == ip("10.0.0.1")))
    );
}

#[test]
fn start_pair_has_consecutive_ids_and_then_the_period_is_a_third_of_the_holding_time() {
    let mut world = World::new(vec![hub_config(), spoke_config(11)]);
    world.run(secs(400));
    let times = world.sent_at(1, PacketType::REGISTRATION_REQUEST);
    assert_eq!(times, [80, 1080, 101_080, 201_080, 301_080]);
    let ids: Vec<u32> =
        world.packets(1, PacketType::REGISTRATION_REQUEST).iter().map(|packet| packet.request_id).collect();
    assert!(ids.windows(2).all(|pair| pair[1] == pair[0] + 1), "{ids:?}");
    // The hub's entry never ran out and was never announced twice.
    assert_eq!(world.events(0).len(), 1, "{:?}", world.events(0));
}

#[test]
fn registration_timeout_sets_the_period() {
    let mut spoke = spoke_config(11);
    spoke.registration_timeout = Some(secs(60));
    let mut world = World::new(vec![hub_config(), spoke]);
    world.run(secs(130));
    assert_eq!(world.sent_at(1, PacketType::REGISTRATION_REQUEST), [80, 1080, 61_080, 121_080]);
}

#[test]
fn start_delay_holds_the_first_registration_back() {
    let mut spoke = spoke_config(11);
    spoke.start_delay = secs(5);
    let mut world = World::new(vec![hub_config(), spoke]);
    world.run(secs(6));
    assert_eq!(world.sent_at(1, PacketType::REGISTRATION_REQUEST)[0], 5080);
}

#[test]
fn silent_server_is_asked_with_the_same_id_in_growing_waits_and_is_down_after_the_third() {
    let mut world = World::new(vec![hub_config(), spoke_config(11)]);
    world.run(ms(85));
    world.cut.insert((0, 1));
    world.forget();
    world.run(secs(400));
    let times = world.sent_at(1, PacketType::REGISTRATION_REQUEST);
    let mut before = 80;
    for (index, at) in times.iter().enumerate() {
        let wait = (1u64 << index.min(6)) * 1000;
        let waited = at - before;
        assert!(waited >= wait * 3 / 4 && waited <= wait, "wait {index} was {waited} ms of {wait}");
        before = *at;
    }
    assert!(times.len() >= 9);
    let ids: Vec<u32> =
        world.packets(1, PacketType::REGISTRATION_REQUEST).iter().map(|packet| packet.request_id).collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
    let down = world
        .first(1, |o| {
            *o == Output::Event(Event::NhsDown { nhs: ip("10.0.0.1"), reason: NhsDownReason::Silent })
        })
        .unwrap();
    assert_eq!(down, times[2], "down with the third retransmission");
    assert_eq!(world.nodes[1].live_nhs(), None);
    // It answers again: up within the longest wait and a round trip.
    world.cut.clear();
    world.run(secs(66));
    assert_eq!(world.nodes[1].live_nhs(), Some(ip("10.0.0.1")));
}

#[test]
fn path_down_takes_the_server_down_at_once_and_connects_again() {
    let mut world = World::new(vec![hub_config(), spoke_config(11)]);
    world.run(secs(5));
    world.forget();
    world.sever(1, 0);
    assert_eq!(world.nodes[1].live_nhs(), None);
    assert!(
        world.events(1).contains(&Event::NhsDown { nhs: ip("10.0.0.1"), reason: NhsDownReason::PathDown })
    );
    assert!(world.actions(0).iter().any(|a| matches!(a, Action::AdjacencyDown { .. })));
    assert!(world.actions(0).iter().any(|a| matches!(a, Action::MulticastLeave { .. })));
    world.run(ms(200));
    assert_eq!(world.nodes[1].live_nhs(), Some(ip("10.0.0.1")));
    assert_eq!(world.reaches(0, "10.0.0.11"), Some(1));
    assert_eq!(world.nodes[0].multicast().count(), 1);
}

#[test]
fn failed_connections_are_retried_with_growing_waits() {
    let mut world = World::new(vec![hub_config(), spoke_config(11)]);
    world.cut.insert((0, 1));
    world.run(secs(40));
    let connects: Vec<u64> = world
        .log
        .iter()
        .filter(|(_, node, output)| *node == 1 && matches!(output, Output::Connect { .. }))
        .map(|(at, _, _)| at.duration_since(world.start).as_millis() as u64)
        .collect();
    assert!(connects.len() >= 5 && connects.len() <= 8, "{connects:?}");
    for (index, pair) in connects.windows(2).enumerate() {
        let wait = pair[1] - pair[0] - 80;
        let full = 1000u64 << index;
        assert!(wait >= full * 3 / 4 && wait <= full, "{connects:?}");
    }
    assert!(
        world.events(1).iter().any(|e| matches!(e, Event::NhsDown { reason: NhsDownReason::PathFailed, .. }))
    );
}

#[test]
fn hub_entry_expires_without_refresh_to_the_tick() {
    let mut world = World::new(vec![hub_config(), spoke_config(11)]);
    world.run(ms(1200));
    world.cut.insert((0, 1));
    world.forget();
    world.run(secs(299));
    assert!(world.events(0).is_empty());
    world.run(secs(2));
    // The second of the start pair arrived at 1090 ms.
    assert_eq!(world.first(0, |o| matches!(o, Output::Event(Event::Expired { .. }))), Some(301_090));
    assert_eq!(world.nodes[0].cache().count(), 0);
    assert!(matches!(
        world.actions(0)[..],
        [Action::AdjacencyDown { .. }, Action::MulticastLeave { .. }]
            | [Action::MulticastLeave { .. }, Action::AdjacencyDown { .. }]
    ));
}

#[test]
fn unique_address_of_another_client_is_refused_with_code_14() {
    let mut thief = spoke_config(12);
    thief.tunnel_address = ip("10.0.0.11");
    let mut world = World::new(vec![hub_config(), spoke_config(11), thief]);
    world.cut.insert((0, 2));
    world.run(secs(2));
    world.cut.clear();
    world.run(secs(5));
    assert!(
        world
            .events(2)
            .contains(&Event::RegistrationRefused { nhs: ip("10.0.0.1"), code: CieCode::ALREADY_REGISTERED })
    );
    assert!(world.events(0).contains(&Event::UniqueAddressConflict {
        tunnel_address: ip("10.0.0.11"),
        registered: ip("198.51.100.1"),
        refused: ip("198.51.100.2"),
    }));
    assert_eq!(world.reaches(0, "10.0.0.11"), Some(1));
    let status: Vec<NhsStatus> = world.nodes[2].nhs().map(|nhs| nhs.status).collect();
    assert_eq!(status, [NhsStatus::Down]);
    // It asks again, but not more often than every 12 s.
    let before = world.sent_at(2, PacketType::REGISTRATION_REQUEST).len();
    world.run(secs(60));
    let after = world.sent_at(2, PacketType::REGISTRATION_REQUEST).len();
    assert!(after > before && after - before <= 4, "{before} {after}");
}

#[test]
fn same_authenticated_identity_moves_a_unique_registration() {
    let mut world = World::new(vec![hub_config(), spoke_config(11)]);
    world.run(secs(2));
    world.forget();
    // The spoke's provider gives it another address.
    world.public[1] = ip("198.51.100.77");
    world.sever(1, 0);
    world.input(1, Input::NbmaChanged { nbma: ip("198.51.100.77") });
    world.run(ms(300));
    assert!(!world.events(1).iter().any(|e| matches!(e, Event::RegistrationRefused { .. })));
    assert!(world.events(0).contains(&Event::Registered {
        tunnel_address: ip("10.0.0.11"),
        nbma: ip("198.51.100.77"),
        claimed_nbma: None
    }));
    assert_eq!(world.nodes[0].cache().next().unwrap().nbma, Some(ip("198.51.100.77")));
}

#[test]
fn registration_without_unique_bit_is_replaced_by_the_next_client() {
    let mut first = spoke_config(11);
    first.unique = false;
    let mut second = spoke_config(12);
    second.tunnel_address = ip("10.0.0.11");
    let mut world = World::new(vec![hub_config(), first, second]);
    world.cut.insert((0, 2));
    world.run(secs(2));
    world.cut.clear();
    world.run(secs(2));
    assert_eq!(world.packets(1, PacketType::REGISTRATION_REQUEST)[0].flags, Flags::NAT);
    assert_eq!(world.reaches(0, "10.0.0.11"), Some(2));
}

#[test]
fn full_hub_refuses_with_code_5_and_keeps_the_rest() {
    let mut hub = hub_config();
    hub.limits.registrations = 1;
    let mut world = World::new(vec![hub, spoke_config(11), spoke_config(12)]);
    world.run(secs(30));
    let codes: Vec<CieCode> = (1..3)
        .flat_map(|n| world.events(n))
        .filter_map(|e| match e {
            Event::RegistrationRefused { code, .. } => Some(code),
            _ => None,
        })
        .collect();
    assert!(!codes.is_empty() && codes.iter().all(|code| *code == CieCode::RESOURCES), "{codes:?}");
    assert_eq!(world.nodes[0].cache().count(), 1);
}

#[test]
fn wrong_authentication_changes_nothing_and_names_both_peers() {
    let mut spoke = spoke_config(11);
    spoke.authentication = Some(nhrp::Authentication::new("dmvpn2026"));
    let mut world = World::new(vec![hub_config(), spoke]);
    world.run(secs(12));
    assert_eq!(world.nodes[0].cache().count(), 0);
    let Some(Event::AuthenticationMismatch { source, destination, packet_type, size }) =
        world.events(0).into_iter().next()
    else {
        panic!("{:?}", world.events(0));
    };
    assert_eq!((source, destination), (ip("198.51.100.1"), ip("203.0.113.1")));
    assert_eq!((packet_type, size), (PacketType::REGISTRATION_REQUEST, 109));
    // The spoke hears of it too, and the hub's string is not in what it hears.
    assert!(world.events(1).iter().any(|e| matches!(e, Event::AuthenticationMismatch { packet_type, .. }
        if *packet_type == PacketType::ERROR_INDICATION)));
    for (_, _, packet) in world.sent.iter().filter(|(_, node, _)| *node == 0) {
        let bytes = packet.encode().unwrap();
        assert!(!bytes.windows(9).any(|window| window == b"DMVPN2026"));
    }
    assert!(!format!("{:?}", world.nodes[1].config()).contains("dmvpn2026"));
}

#[test]
fn shutdown_purges_the_registration_and_silences_the_node() {
    let mut world = World::new(vec![hub_config(), spoke_config(11)]);
    world.run(secs(2));
    world.forget();
    world.input(1, Input::Shutdown);
    world.run(ms(50));
    assert_eq!(world.nodes[0].cache().count(), 0);
    assert!(
        world.events(0).contains(&Event::Purged { prefix: common::net("10.0.0.11/32"), by: ip("10.0.0.11") })
    );
    assert!(world.sent_at(0, PacketType::PURGE_REPLY).is_empty(), "the N bit asks for silence");
    world.forget();
    world.run(secs(1000));
    assert!(world.log.is_empty(), "{:?}", world.log);
    assert_eq!(world.nodes[1].poll_timeout(), None);
}

#[test]
fn dynamic_server_is_learnt_from_its_reply() {
    let mut spoke = spoke_config(11);
    spoke.nhs = vec![nhrp::Nhs::new(None, Some(ip("203.0.113.1")))];
    spoke.maps.clear();
    let mut world = World::new(vec![hub_config(), spoke]);
    world.run(secs(2));
    assert_eq!(world.nodes[1].live_nhs(), Some(ip("10.0.0.1")));
    assert_eq!(world.reaches(1, "10.0.0.1"), Some(0));
    let requests = world.packets(1, PacketType::REGISTRATION_REQUEST);
    assert_eq!(requests[0].destination_protocol.ip(), Some(ip("10.0.0.11")));
    assert_eq!(requests[1].destination_protocol.ip(), Some(ip("10.0.0.1")));
}

#[test]
fn several_spokes_behind_one_nat_address_are_told_apart_by_their_paths() {
    let mut one = spoke_config(11);
    one.nbma = ip("192.168.1.10");
    let mut two = spoke_config(12);
    two.nbma = ip("192.168.1.10");
    let mut world = World::new(vec![hub_config(), one, two]);
    world.public[1] = ip("198.51.100.9");
    world.public[2] = ip("198.51.100.9");
    world.behind_nat.extend([1, 2]);
    world.run(secs(700));
    assert_eq!(world.reaches(0, "10.0.0.11"), Some(1));
    assert_eq!(world.reaches(0, "10.0.0.12"), Some(2));
    assert_eq!(world.events(0).len(), 2, "no flapping: {:?}", world.events(0));
    let views: Vec<_> = world.nodes[0].cache().collect();
    assert!(views.iter().all(|v| v.flags.nat && v.claimed_nbma == Some(ip("192.168.1.10"))));
    assert!(views.iter().all(|v| v.nbma == Some(ip("198.51.100.9"))));
    assert!(world.events(1).contains(&Event::RegistrationAccepted {
        nhs: ip("10.0.0.1"),
        public_nbma: Some(ip("198.51.100.9"))
    }));
}

#[test]
fn nat_rebinding_moves_the_client_without_a_registration() {
    let mut world = World::new(vec![hub_config(), spoke_config(11)]);
    world.run(secs(2));
    world.forget();
    let path = world.path_between(0, 1).unwrap();
    world.input(0, Input::PathMoved { path, nbma: ip("198.51.100.200") });
    assert!(matches!(world.actions(0)[..], [
        Action::AdjacencyUp { nbma, .. },
        Action::MulticastJoin { nbma: multicast, .. }
    ] if nbma == ip("198.51.100.200") && multicast == nbma));
    assert!(world.sent.is_empty());
}

#[test]
fn unprotected_registration_is_answered_to_the_outer_source() {
    let start = world_origin();
    let mut hub = nhrp::Node::new(hub_config(), common::rng(1), start).unwrap();
    let mut spoke = nhrp::Node::new(spoke_config(11), common::rng(2), start).unwrap();
    let up = Input::PathUp { nbma: ip("203.0.113.1"), path: PathId(5), proven: false, identity: None };
    spoke.handle_input(start, up);
    let request = std::iter::from_fn(|| spoke.poll_output())
        .find_map(|output| match output {
            Output::Transmit { payload, .. } => Some(payload),
            _ => None,
        })
        .unwrap();
    let from = Input::Packet { nbma: ip("198.51.100.1"), path: PathId(9), payload: &request };
    hub.handle_input(start, from);
    let outputs: Vec<Output> = std::iter::from_fn(|| hub.poll_output()).collect();
    assert!(outputs.iter().any(|output| matches!(output, Output::Transmit { to, .. }
        if *to == nhrp::Destination::Nbma(ip("198.51.100.1")))));
    assert!(outputs.iter().any(|output| matches!(output, Output::Action(Action::AdjacencyUp { path, .. })
        if *path == PathId(9))));
}

fn world_origin() -> std::time::Instant {
    <std::time::Instant as common::Origin>::now_for_tests()
}

#[test]
fn admission_is_asked_for_new_clients_only_and_refused_clients_hear_code_4() {
    let mut hub = hub_config();
    hub.admission = true;
    let mut world = World::new(vec![hub, spoke_config(11), spoke_config(12)]);
    let mut asked = 0;
    for _ in 0..300 {
        world.run(secs(1));
        let queries: Vec<_> = world
            .log
            .iter()
            .filter_map(|(_, node, output)| match output {
                Output::AdmissionQuery { token, tunnel_address, .. } if *node == 0 => {
                    Some((*token, *tunnel_address))
                }
                _ => None,
            })
            .collect();
        for (token, tunnel_address) in queries.iter().skip(asked) {
            world.input(
                0,
                Input::AdmissionAnswer { token: *token, admit: *tunnel_address == ip("10.0.0.11") },
            );
        }
        asked = queries.len();
    }
    let registered: Vec<_> = world.nodes[0].cache().map(|view| view.next_hop).collect();
    assert_eq!(registered, [ip("10.0.0.11")]);
    assert!(
        world
            .events(2)
            .contains(&Event::RegistrationRefused { nhs: ip("10.0.0.1"), code: CieCode::PROHIBITED })
    );
    let of_11 = world.log.iter().filter(|(_, _, output)| {
        matches!(output, Output::AdmissionQuery { tunnel_address, .. }
        if *tunnel_address == ip("10.0.0.11"))
    });
    assert!(of_11.count() <= 2, "a refresh is not asked about");
    assert!(world.nodes[0].stats().dropped(nhrp::DropReason::NotAdmitted) >= 3);
}

#[test]
fn admission_without_an_answer_is_dropped_in_time() {
    let mut hub = hub_config();
    hub.admission = true;
    let mut world = World::new(vec![hub, spoke_config(11)]);
    world.run(ms(95));
    let deadline = world.nodes[0].poll_timeout().unwrap();
    assert_eq!(deadline - world.now, ms(4995));
    world.run(secs(60));
    assert_eq!(world.nodes[0].cache().count(), 0);
    assert!(world.sent_at(0, PacketType::REGISTRATION_REPLY).is_empty());
}

/// `nhrp group`: Cisco's vendor private extension, as it stands in recorded registrations.
#[test]
fn the_group_of_a_client_is_told_and_kept() {
    let mut spoke = spoke_config(11);
    spoke.group = Some("GOLD".to_owned());
    let mut world = World::new(vec![hub_config(), spoke]);
    world.run(secs(5));
    let request = world.packets(1, PacketType::REGISTRATION_REQUEST).remove(0);
    let group = request.extension(nhrp::wire::ExtensionType::VENDOR_PRIVATE).unwrap();
    assert_eq!((&group.value[..], group.compulsory), (&b"\x00\x00\x0c\x01\x04GOLD"[..], false));
    assert_eq!(world.nodes[0].cache().next().unwrap().group.as_deref(), Some("GOLD"));
    assert_eq!(world.nodes[0].stats().refreshed, 1, "the second of the start pair");
}

/// `clear ip nhrp ADDRESS MASK`.
#[test]
fn a_part_of_the_cache_is_cleared() {
    let mut world = World::new(vec![hub_config(), spoke_config(11), spoke_config(12), spoke_config(13)]);
    world.run(secs(5));
    world.input(0, Input::ClearPrefix { prefix: common::net("10.0.0.12/31") });
    let left: Vec<_> = world.nodes[0].cache().map(|view| view.next_hop).collect();
    assert_eq!(left, [ip("10.0.0.11")]);
}

/// What `show ip nhrp nhs detail` prints of requests: the ids of the latest and of the one in force, and the wait.
#[test]
fn views_tell_request_ids_and_what_is_pending() {
    let mut world = World::new(vec![hub_config(), spoke_config(11)]);
    world.run(secs(5));
    let ids: Vec<u32> =
        world.packets(1, PacketType::REGISTRATION_REQUEST).iter().map(|packet| packet.request_id).collect();
    let view = world.nodes[1].nhs().next().unwrap();
    assert_eq!((view.request_id, view.acknowledged_id, view.retry), (Some(ids[1]), Some(ids[1]), None));
    world.cut.insert((0, 1));
    world.run(secs(98));
    let view = world.nodes[1].nhs().next().unwrap();
    assert_eq!((view.request_id, view.acknowledged_id), (Some(ids[1] + 1), Some(ids[1])));
    assert!(view.retry.is_some_and(|retry| retry <= secs(2)), "{view:?}");
    assert_eq!(world.nodes[0].stats().forwarded(PacketType::RESOLUTION_REQUEST), 0);
}
