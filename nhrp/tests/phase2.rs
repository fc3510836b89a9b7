//! Spoke to spoke, phase 2.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod common;

use common::{World, hub_config, ip, ms, secs, spoke_config};
use nhrp::wire::{ExtensionType, PacketType};
use nhrp::{Action, AdjacencyKind, CacheKind, DownReason, Event, Input, Output, ResolutionPolicy};

fn cloud() -> World {
    let mut world = World::new(vec![hub_config(), spoke_config(11), spoke_config(12)]);
    world.run(secs(5));
    world.forget();
    world
}

fn is_up(output: &Output, next_hop: &str) -> bool {
    matches!(output, Output::Action(Action::AdjacencyUp { tunnel_address, kind: AdjacencyKind::Dynamic, .. })
        if *tunnel_address == ip(next_hop))
}

#[test]
fn first_packet_starts_a_resolution_and_data_goes_direct_once_the_path_is_proven() {
    let mut world = cloud();
    world.resolve(1, "10.0.0.12");
    world.resolve(1, "10.0.0.12");
    world.run(secs(2));
    // Request 10 ms to the hub, 10 ms on to the spoke, 80 ms of key exchange, 10 ms back.
    assert_eq!(world.sent_at(1, PacketType::RESOLUTION_REQUEST), [5000], "one request, at once");
    assert_eq!(world.sent_at(0, PacketType::RESOLUTION_REQUEST), [5010], "forwarded by registration");
    assert_eq!(world.sent_at(2, PacketType::RESOLUTION_REPLY), [5100], "answered when the direct path is up");
    assert!(world.sent_at(0, PacketType::RESOLUTION_REPLY).is_empty(), "and not by way of the hub");
    assert_eq!(world.first(1, |o| is_up(o, "10.0.0.12")), Some(5110));
    // The target learnt the requester, so that the way back is direct too.
    assert_eq!(world.first(2, |o| is_up(o, "10.0.0.11")), Some(5100));
    assert_eq!(world.reaches(1, "10.0.0.12"), Some(2));
    assert_eq!(world.reaches(2, "10.0.0.11"), Some(1));
    let connects =
        |node| world.log.iter().filter(|(_, n, o)| *n == node && matches!(o, Output::Connect { .. })).count();
    assert_eq!((connects(1), connects(2)), (0, 1), "one key exchange");
}

#[test]
fn forwarded_request_carries_the_hubs_record_and_one_hop_less() {
    let mut world = cloud();
    world.resolve(1, "10.0.0.12");
    world.run(secs(1));
    let request = &world.packets(1, PacketType::RESOLUTION_REQUEST)[0];
    let forwarded = &world.packets(0, PacketType::RESOLUTION_REQUEST)[0];
    assert_eq!((request.hop_count, forwarded.hop_count), (255, 254));
    assert_eq!(request.flags.0, 0xc802);
    let record = forwarded.extension(ExtensionType::FORWARD_TRANSIT_RECORD).unwrap().entries().unwrap();
    assert_eq!(record[0].nbma.ip(), Some(ip("203.0.113.1")));
    assert_eq!(record[0].protocol.ip(), Some(ip("10.0.0.1")));
    let reply = &world.packets(2, PacketType::RESOLUTION_REPLY)[0];
    assert_eq!(reply.flags.0, 0xf802);
    assert_eq!(reply.request_id, request.request_id);
    let entry = &reply.entries()[0];
    assert_eq!((entry.prefix_len, entry.holding_time), (32, 300));
    assert_eq!(entry.nbma.ip(), Some(ip("198.51.100.2")));
}

#[test]
fn crossed_resolutions_give_one_working_pair() {
    let mut world = cloud();
    world.resolve(1, "10.0.0.12");
    world.resolve(2, "10.0.0.11");
    world.run(secs(3));
    assert_eq!(world.reaches(1, "10.0.0.12"), Some(2));
    assert_eq!(world.reaches(2, "10.0.0.11"), Some(1));
    for (node, peer) in [(1, "10.0.0.12"), (2, "10.0.0.11")] {
        assert_eq!(world.first(node, |o| is_up(o, peer)), Some(5100));
        let downs = world.actions(node).iter().filter(|a| matches!(a, Action::AdjacencyDown { .. })).count();
        assert_eq!(downs, 0);
        assert_eq!(world.nodes[node].cache().filter(|v| v.kind == CacheKind::Incomplete).count(), 0);
    }
}

#[test]
fn hub_with_policy_answer_answers_itself_with_what_is_left_of_the_holding_time() {
    let mut hub = hub_config();
    hub.resolution_policy = ResolutionPolicy::Answer;
    let mut world = World::new(vec![hub, spoke_config(11), spoke_config(12)]);
    world.run(secs(51));
    world.forget();
    world.resolve(1, "10.0.0.12");
    world.run(secs(1));
    assert!(world.sent_at(0, PacketType::RESOLUTION_REQUEST).is_empty());
    let reply = &world.packets(0, PacketType::RESOLUTION_REPLY)[0];
    assert_eq!(reply.entries()[0].holding_time, 250);
    assert_eq!(reply.entries()[0].nbma.ip(), Some(ip("198.51.100.2")));
    // The requester connects itself: 20 ms of round trip, 80 ms of key exchange.
    assert_eq!(world.first(1, |o| is_up(o, "10.0.0.12")), Some(51_100));
}

#[test]
fn unknown_destination_is_refused_and_not_asked_again_for_a_minute() {
    let mut world = cloud();
    world.resolve(1, "10.0.0.99");
    world.run(secs(1));
    assert!(
        world.events(1).iter().any(|e| matches!(e, Event::ResolutionRefused { code, .. } if code.0 == 12))
    );
    assert!(world.nodes[1].cache().any(|v| v.flags.negative && v.prefix == common::net("10.0.0.99/32")));
    world.resolve(1, "10.0.0.99");
    world.run(secs(58));
    world.resolve(1, "10.0.0.99");
    assert_eq!(world.sent_at(1, PacketType::RESOLUTION_REQUEST).len(), 1);
    world.run(secs(2));
    world.resolve(1, "10.0.0.99");
    assert_eq!(world.sent_at(1, PacketType::RESOLUTION_REQUEST).len(), 2);
}

#[test]
fn unanswered_resolution_is_retried_given_up_and_never_remembered() {
    let mut world = cloud();
    world.cut.insert((0, 2));
    world.resolve(1, "10.0.0.12");
    world.run(secs(60));
    assert_eq!(world.sent_at(1, PacketType::RESOLUTION_REQUEST), [5000, 6000, 8000, 12_000, 20_000, 28_000]);
    let ids: Vec<u32> =
        world.packets(1, PacketType::RESOLUTION_REQUEST).iter().map(|p| p.request_id).collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
    let given_up =
        world.first(1, |o| *o == Output::Event(Event::ResolutionUnanswered { destination: ip("10.0.0.12") }));
    assert_eq!(given_up, Some(36_000));
    assert_eq!(world.nodes[1].cache().count(), 1);
    world.cut.clear();
    world.resolve(1, "10.0.0.12");
    world.run(secs(1));
    assert_eq!(world.reaches(1, "10.0.0.12"), Some(2));
}

#[test]
fn dead_direct_path_returns_to_the_hub_at_once_and_is_held_down_longer_each_time() {
    let mut world = cloud();
    world.resolve(1, "10.0.0.12");
    world.run(secs(1));
    for wait in [5u64, 10, 20] {
        world.sever(1, 2);
        assert_eq!(world.reaches(1, "10.0.0.12"), None);
        assert!(matches!(
            world.actions(1).last(),
            Some(Action::AdjacencyDown { reason: DownReason::PathDown, .. })
        ));
        world.forget();
        world.run(secs(wait) - ms(1));
        world.resolve(1, "10.0.0.12");
        assert!(world.sent_at(1, PacketType::RESOLUTION_REQUEST).is_empty(), "held down for {wait} s");
        world.run(ms(1));
        world.resolve(1, "10.0.0.12");
        assert_eq!(world.sent_at(1, PacketType::RESOLUTION_REQUEST).len(), 1);
        world.run(ms(500));
        // The answer ends the hold-down but not the memory of it, so the next failure holds longer.
        assert_eq!(world.reaches(1, "10.0.0.12"), Some(2));
    }
}

#[test]
fn used_entry_is_refreshed_before_it_runs_out_and_unused_one_expires() {
    let mut world = cloud();
    world.resolve(1, "10.0.0.12");
    world.run(secs(175));
    world.nodes[1].note_used(world.now, ip("10.0.0.12"));
    world.run(secs(10));
    // Learnt at 5110 ms, refreshed 120 s before the 300 s end.
    assert_eq!(world.sent_at(1, PacketType::RESOLUTION_REQUEST), [5000, 185_110]);
    world.run(secs(200));
    assert!(world.adjacency(1, "10.0.0.12").is_some(), "alive past its first end");
    assert_eq!(world.sent_at(1, PacketType::RESOLUTION_REQUEST), [5000, 185_110]);
    world.run(secs(120));
    assert!(world.adjacency(1, "10.0.0.12").is_none(), "not used: gone");
    // The other side learnt ours 10 ms earlier, lets it go first and gives the path back.
    assert_eq!(world.first(2, |o| matches!(o, Output::Event(Event::Expired { .. }))), Some(485_130));
    assert_eq!(world.path_between(1, 2), None);
}

#[test]
fn use_in_the_last_stretch_refreshes_at_once() {
    let mut world = cloud();
    world.resolve(1, "10.0.0.12");
    world.run(secs(250));
    assert_eq!(world.sent_at(1, PacketType::RESOLUTION_REQUEST).len(), 1);
    world.nodes[1].note_used(world.now, ip("10.0.0.12"));
    world.run(secs(100));
    assert_eq!(world.sent_at(1, PacketType::RESOLUTION_REQUEST), [5000, 255_000]);
    assert!(world.adjacency(1, "10.0.0.12").is_some());
}

#[test]
fn target_behind_nat_connects_to_the_requester() {
    let mut two = spoke_config(12);
    two.nbma = ip("192.168.1.10");
    let mut world = World::new(vec![hub_config(), spoke_config(11), two]);
    world.public[2] = ip("198.51.100.9");
    world.behind_nat.insert(2);
    world.run(secs(5));
    world.resolve(1, "10.0.0.12");
    world.run(secs(2));
    assert_eq!(world.reaches(1, "10.0.0.12"), Some(2));
    let view = world.nodes[1].cache().find(|v| v.next_hop == ip("10.0.0.12")).unwrap();
    assert_eq!((view.nbma, view.claimed_nbma), (Some(ip("198.51.100.9")), Some(ip("192.168.1.10"))));
    assert!(view.flags.nat && view.flags.rib);
}

#[test]
fn requester_behind_nat_is_told_by_the_hub_and_connects_when_the_target_cannot() {
    let mut one = spoke_config(11);
    one.nbma = ip("192.168.1.10");
    let mut world = World::new(vec![hub_config(), one, spoke_config(12)]);
    world.public[1] = ip("198.51.100.9");
    world.behind_nat.insert(1);
    world.run(secs(5));
    world.forget();
    world.resolve(1, "10.0.0.12");
    world.run(secs(2));
    // The target cannot connect inwards, so its answer comes through the hub; then the requester connects.
    assert_eq!(world.sent_at(0, PacketType::RESOLUTION_REPLY).len(), 1);
    assert_eq!(world.reaches(1, "10.0.0.12"), Some(2));
    assert!(world.first(1, |o| is_up(o, "10.0.0.12")).unwrap() < 6000);
}

#[test]
fn spokes_behind_the_same_nat_stay_on_the_hub() {
    let mut configs = vec![hub_config(), spoke_config(11), spoke_config(12)];
    configs[1].nbma = ip("192.168.1.10");
    configs[2].nbma = ip("192.168.1.20");
    let mut world = World::new(configs);
    world.public[1] = ip("198.51.100.9");
    world.public[2] = ip("198.51.100.9");
    world.behind_nat.extend([1, 2]);
    world.run(secs(5));
    world.resolve(1, "10.0.0.12");
    world.run(secs(20));
    assert_eq!(world.reaches(1, "10.0.0.12"), None);
    assert!(world.events(1).iter().any(|e| matches!(e, Event::DirectPathFailed { .. })));
    assert_eq!(world.sent_at(1, PacketType::RESOLUTION_REQUEST).len(), 1);
}

#[test]
fn unreachable_target_is_answered_through_the_hub_and_not_used() {
    let mut world = cloud();
    world.cut.insert((1, 2));
    world.resolve(1, "10.0.0.12");
    world.run(secs(4));
    assert_eq!(world.sent_at(0, PacketType::RESOLUTION_REPLY).len(), 1);
    assert_eq!(world.reaches(1, "10.0.0.12"), None);
    assert!(world.events(1).iter().any(|e| matches!(e, Event::Resolved { .. })));
    assert!(world.events(1).iter().any(|e| matches!(e, Event::DirectPathFailed { .. })));
}

#[test]
fn slow_direct_path_is_waited_for_a_bounded_time() {
    let mut world = cloud();
    world.connect_delay = secs(30);
    world.resolve(1, "10.0.0.12");
    world.run(secs(5));
    assert_eq!(world.sent_at(2, PacketType::RESOLUTION_REPLY)[0], 7020, "2 s after the request");
    assert_eq!(world.sent_at(0, PacketType::RESOLUTION_REPLY), [7030]);
    let view = world.nodes[1].cache().find(|v| v.next_hop == ip("10.0.0.12")).unwrap();
    assert!(view.flags.no_socket && view.path.is_none(), "known, but no socket");
    world.run(secs(40));
    assert_eq!(world.reaches(1, "10.0.0.12"), Some(2));
}

#[test]
fn without_ipsec_a_direct_path_is_probed_before_it_carries_data() {
    let mut world = World::new(vec![hub_config(), spoke_config(11), spoke_config(12)]);
    world.proven = false;
    world.run(secs(5));
    assert_eq!(world.nodes[1].live_nhs(), Some(ip("10.0.0.1")));
    world.resolve(1, "10.0.0.12");
    world.run(secs(1));
    assert!(world.first(1, |o| is_up(o, "10.0.0.12")).is_some());
    // From now on the path is a black hole: found out by probes, within 10 s and three lost answers.
    world.run(secs(20));
    world.forget();
    let cut_at = world.at();
    world.cut.insert((1, 2));
    world.run(secs(30));
    let down = world
        .first(1, |o| {
            // The end that finds it first tells the other through the hub.
            let reasons = [DownReason::ProbeLost, DownReason::Purged];
            matches!(o, Output::Action(Action::AdjacencyDown { reason, .. }) if reasons.contains(reason))
        })
        .unwrap();
    assert!(down - cut_at <= 13_000, "{}", down - cut_at);
}

#[test]
fn without_ipsec_a_spoke_behind_nat_is_never_given_data_that_it_cannot_get() {
    let mut two = spoke_config(12);
    two.nbma = ip("192.168.1.10");
    let mut world = World::new(vec![hub_config(), spoke_config(11), two]);
    world.proven = false;
    world.public[2] = ip("198.51.100.9");
    world.behind_nat.insert(2);
    world.run(secs(5));
    world.resolve(1, "10.0.0.12");
    world.run(secs(60));
    assert_eq!(world.first(1, |o| is_up(o, "10.0.0.12")), None);
    assert!(world.events(1).iter().any(|e| matches!(e, Event::DirectPathFailed { .. })));
}

#[test]
fn moved_client_is_purged_from_those_who_were_given_it() {
    let mut world = cloud();
    world.resolve(1, "10.0.0.12");
    world.run(secs(1));
    world.forget();
    let path = world.path_between(0, 2).unwrap();
    world.input(0, Input::PathMoved { path, nbma: ip("198.51.100.222") });
    world.run(secs(1));
    assert_eq!(world.sent_at(1, PacketType::PURGE_REPLY).len(), 1);
    assert_eq!(world.reaches(1, "10.0.0.12"), None);
    assert!(
        world.events(1).contains(&Event::Purged { prefix: common::net("10.0.0.12/32"), by: ip("10.0.0.1") })
    );
    world.run(secs(30));
    assert_eq!(world.sent_at(0, PacketType::PURGE_REQUEST).len(), 1, "answered, so not repeated");
}

#[test]
fn client_that_leaves_is_purged_and_an_unanswered_purge_is_repeated() {
    let mut world = cloud();
    world.resolve(1, "10.0.0.12");
    world.run(secs(1));
    world.forget();
    world.cut.insert((0, 1));
    world.input(2, Input::Shutdown);
    world.run(secs(30));
    assert_eq!(world.sent_at(0, PacketType::PURGE_REQUEST), [6010, 7010, 9010, 13_010]);
    assert_eq!(world.reaches(1, "10.0.0.12"), None);
}

#[test]
fn resolution_waits_for_a_server_that_is_not_up_yet() {
    let mut world = World::new(vec![hub_config(), spoke_config(11), spoke_config(12)]);
    world.cut.insert((0, 1));
    world.run(secs(1));
    world.resolve(1, "10.0.0.12");
    world.run(secs(1));
    assert!(world.sent_at(1, PacketType::RESOLUTION_REQUEST).is_empty());
    world.cut.clear();
    world.run(secs(10));
    assert_eq!(world.reaches(1, "10.0.0.12"), Some(2));
}

#[test]
fn cache_views_are_those_of_the_guide() {
    let mut world = cloud();
    world.resolve(1, "10.0.0.12");
    world.nodes[1].note_used(world.now, ip("10.0.0.1"));
    world.run(secs(8));
    let spoke: Vec<_> = world.nodes[1].cache().collect();
    assert_eq!(spoke.len(), 2);
    assert_eq!((spoke[0].kind, spoke[0].flags.to_string()), (CacheKind::Static, "used nhop".into()));
    assert_eq!(spoke[0].expires, None);
    assert_eq!(spoke[1].kind, CacheKind::Dynamic);
    assert_eq!(spoke[1].flags.to_string(), "authoritative router nhop rib");
    let mut hub_flags = world.nodes[0].cache().next().unwrap().flags;
    assert_eq!(hub_flags.to_string(), "unique registered nhop");
    hub_flags.unique = false;
    assert_eq!(hub_flags.to_string(), "registered nhop");
}

#[test]
fn same_seed_same_bytes() {
    let run = || {
        let mut world = cloud();
        world.resolve(1, "10.0.0.12");
        world.run(secs(300));
        world.sent.iter().map(|(_, n, p)| (*n, p.encode().unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}
