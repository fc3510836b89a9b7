//! The timers that no other file pins down, each to the tick. Where each of the others is:
//!
//! | timer | test |
//! |---|---|
//! | start delay, start pair, period, `registration timeout` | `registration.rs` |
//! | registration retransmission, server down, connection retries | `registration.rs` |
//! | fallback | `servers.rs` |
//! | expiry at the server | `registration.rs` |
//! | resolution retries, negative answers, hold-down, wait for a direct path, refresh of what is used | `phase2.rs` |
//! | probe of an unproven path | `phase2.rs` |
//! | redirect per flow, shortcut expiry and refresh, routing table silent | `phase3.rs` |
//! | admission silent | `registration.rs` |
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod common;

use std::time::Duration;

use common::{World, hub_config, ip, ms, net, secs, spoke_config};
use nhrp::wire::PacketType;
use nhrp::{Action, CacheKind, Event, Input, Nhs, NhsDownReason, NhsStatus, Output};

fn cloud() -> World {
    let mut world = World::new(vec![hub_config(), spoke_config(11), spoke_config(12)]);
    world.run(secs(5));
    world.forget();
    world
}

fn waits(times: &[u64]) -> Vec<u64> {
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// 1, 2, 4 ... 64 s, each times a random factor of 0.75 to 1, for as long as it takes.
#[test]
fn a_silent_server_is_asked_at_most_every_64_seconds_for_ever() {
    let mut world = cloud();
    world.cut.insert((0, 1));
    world.run(secs(3600));
    let sent = world.sent_at(1, PacketType::REGISTRATION_REQUEST);
    for (index, wait) in waits(&sent).into_iter().enumerate() {
        let full = 1000 * (1u64 << index.min(6));
        assert!((full * 3 / 4..=full).contains(&wait), "wait {index} is {wait} ms of {full}");
    }
    assert!(sent.len() > 3600 / 64);
    // Down after the third retransmission: within 7 s of the first request without answer.
    let down = world.first(1, |output| matches!(output, Output::Event(Event::NhsDown { .. }))).unwrap();
    assert_eq!(down, sent[3]);
    assert!(down - sent[0] <= 7_000);
    // And it comes back with its first answer.
    world.cut.clear();
    world.run(secs(64));
    assert_eq!(world.nodes[1].nhs().next().unwrap().status, NhsStatus::Up);
}

/// 1, 2, 4 s; four requests in all.
#[test]
fn an_unanswered_purge_is_repeated_three_times() {
    let mut world = cloud();
    world.resolve(1, "10.0.0.12");
    world.run(secs(2));
    world.forget();
    world.cut.insert((0, 1));
    world.input(2, Input::Shutdown);
    world.run(secs(60));
    let sent = world.sent_at(0, PacketType::PURGE_REQUEST);
    assert_eq!(waits(&sent), [1000, 2000, 4000]);
    assert!(world.nodes[0].poll_timeout().is_none_or(|at| at > world.now));
}

/// A path that nothing else watches: a probe every 10 s, and three that stay without answer, a second apart, end it: it is
/// down within 13 s of the last packet that came through.
#[test]
fn a_plain_direct_path_is_probed_every_ten_seconds_and_dies_after_three_lost() {
    let mut world = World::new(vec![hub_config(), spoke_config(11), spoke_config(12)]);
    world.proven = false;
    world.run(secs(5));
    world.resolve(1, "10.0.0.12");
    world.run(secs(1));
    assert_eq!(world.reaches(1, "10.0.0.12"), Some(2));
    world.forget();
    world.run(secs(35));
    let probes = world.sent_at(1, PacketType::RESOLUTION_REQUEST);
    // The answer takes a round trip of 20 ms; the next probe follows it by 10 s.
    assert_eq!(waits(&probes), vec![10_020; probes.len() - 1]);
    assert!(probes.len() >= 3);
    let cut_at = world.at();
    world.cut.insert((1, 2));
    // The other end, which probes too, cannot tell.
    world.cut.insert((0, 2));
    world.forget();
    world.run(secs(20));
    let down = world
        .first(1, |output| {
            matches!(output, Output::Action(Action::AdjacencyDown { tunnel_address, .. })
            if *tunnel_address == ip("10.0.0.12"))
        })
        .unwrap();
    let lost: Vec<u64> = world.sent_at(1, PacketType::RESOLUTION_REQUEST).into_iter().take(3).collect();
    assert_eq!(waits(&lost), [1000, 1000]);
    assert_eq!(down, lost[2] + 1000);
    assert!(down - cut_at <= 13_000, "{down} {cut_at}");
}

/// With a holding time under three minutes: at two thirds of it; from then on, in its last two minutes.
#[test]
fn what_is_used_is_refreshed_at_two_thirds_of_a_short_and_two_minutes_before_the_end_of_a_long_holding_time()
{
    for (hold, refresh) in [(90, 60), (179, 119), (180, 60), (300, 180), (7200, 7080)] {
        let short = |number| {
            let mut config = spoke_config(number);
            config.holding_time = secs(hold);
            config
        };
        let mut hub = hub_config();
        hub.holding_time = secs(hold);
        let mut world = World::new(vec![hub, short(11), short(12)]);
        world.run(secs(5));
        world.resolve(1, "10.0.0.12");
        world.run(secs(1));
        let resolved =
            world.first(1, |output| matches!(output, Output::Event(Event::Resolved { .. }))).unwrap();
        world.forget();
        let mut refreshed = None;
        for _ in 0..hold {
            let now = world.now;
            world.nodes[1].note_used(now, ip("10.0.0.12"));
            world.run(secs(1));
            refreshed = refreshed.or(world.sent_at(1, PacketType::RESOLUTION_REQUEST).first().copied());
        }
        // Two thirds of a second are cut off in this test's milliseconds.
        let at = refreshed.unwrap() - resolved;
        let exact = if hold < 180 { hold * 2000 / 3 } else { refresh * 1000 };
        assert_eq!(at, exact, "holding time {hold}");
    }
}

/// 5, 10, 20, 40, 60, 60 s after a name that is not known; 2 h after one that is.
#[test]
fn names_of_servers_are_looked_up_again() {
    let mut spoke = spoke_config(11);
    spoke.maps.clear();
    spoke.multicast.clear();
    spoke.nhs =
        vec![Nhs { name: Some("hub.example.net".to_owned()), ..Nhs::new(Some(ip("10.0.0.1")), None) }];
    let mut world = World::new(vec![hub_config(), spoke]);
    let asked = |world: &World| -> Vec<u64> {
        let asked = world.log.iter().filter(|(_, node, output)| {
            *node == 1 && matches!(output, Output::ResolveName { name } if name == "hub.example.net")
        });
        asked.map(|(at, ..)| at.duration_since(world.start).as_millis() as u64).collect()
    };
    world.drain();
    let mut expected = 0;
    for (round, wait) in [5, 10, 20, 40, 60, 60].into_iter().enumerate() {
        assert_eq!(asked(&world).len(), round + 1);
        world.input(1, Input::NameResolved { name: "hub.example.net", addresses: &[] });
        expected += wait * 1000;
        world.run(secs(wait));
        assert_eq!(asked(&world).last(), Some(&expected));
    }
    let down = NhsDownReason::NameUnresolved;
    assert!(world.events(1).contains(&Event::NhsDown { nhs: ip("10.0.0.1"), reason: down }));
    // An answer that never comes is asked for again after 5 s.
    world.run(secs(5));
    assert_eq!(asked(&world).last(), Some(&(expected + 5000)));
    let other_family = [ip("2001:db8::1"), ip("203.0.113.1")];
    world.input(1, Input::NameResolved { name: "hub.example.net", addresses: &other_family });
    world.run(secs(1));
    assert_eq!(world.nodes[1].live_nhs(), Some(ip("10.0.0.1")));
    world.forget();
    world.run(secs(7199) - ms(1));
    assert!(asked(&world).is_empty());
    world.run(ms(1));
    assert_eq!(asked(&world).len(), 1);
}

/// A name may point elsewhere: the server moves with it, and one that is silent is looked up at once.
#[test]
fn a_server_moves_with_its_name() {
    let mut second = hub_config();
    second.nbma = ip("203.0.113.2");
    let mut spoke = spoke_config(11);
    spoke.maps.clear();
    spoke.multicast.clear();
    spoke.nhs = vec![Nhs {
        name: Some("hub.example.net".to_owned()),
        multicast: true,
        ..Nhs::new(Some(ip("10.0.0.1")), None)
    }];
    let mut world = World::new(vec![hub_config(), spoke, second]);
    let answer = |world: &mut World, addresses: &[&str]| {
        let addresses: Vec<_> = addresses.iter().map(|address| ip(address)).collect();
        world.input(1, Input::NameResolved { name: "hub.example.net", addresses: &addresses });
        world.run(secs(2));
    };
    answer(&mut world, &["203.0.113.1"]);
    assert_eq!(world.reaches(1, "10.0.0.1"), Some(0));
    assert_eq!(world.nodes[1].multicast().map(|member| member.nbma).collect::<Vec<_>>(), [ip("203.0.113.1")]);
    // The same again changes nothing.
    world.forget();
    answer(&mut world, &["203.0.113.2", "203.0.113.1"]);
    assert_eq!((world.reaches(1, "10.0.0.1"), world.actions(1).len()), (None, 0));
    // It dies; its name is looked up, and the next address is taken.
    world.cut.insert((0, 1));
    world.run(secs(200));
    assert!(
        world.log.iter().any(|(_, node, output)| *node == 1 && matches!(output, Output::ResolveName { .. }))
    );
    answer(&mut world, &["203.0.113.1", "203.0.113.2"]);
    assert_eq!(world.reaches(1, "10.0.0.1"), Some(2));
    assert_eq!(world.nodes[1].live_nhs(), Some(ip("10.0.0.1")));
    assert_eq!(world.nodes[1].multicast().map(|member| member.nbma).collect::<Vec<_>>(), [ip("203.0.113.2")]);
}

/// What was answered for a network is remembered as long as the requester may use it.
#[test]
fn local_entries_end_with_the_holding_time_of_their_last_answer() {
    let mut hub = hub_config();
    hub.redirect = Some(secs(8));
    let mut world = World::new(vec![hub, spoke_config(11), spoke_config(12)]);
    let local = nhrp::RouteInfo { prefix: net("192.168.12.0/24"), through_tunnel: false, next_hop: None };
    world.routes.insert(2, vec![local]);
    let through = nhrp::RouteInfo { through_tunnel: true, next_hop: Some(ip("10.0.0.12")), ..local };
    world.routes.insert(0, vec![through]);
    world.run(secs(5));
    world.nodes[1].handle_input(world.now, Input::Resolve { destination: ip("10.0.0.12") });
    world.run(secs(1));
    // Nothing is local for an own address.
    assert!(world.nodes[2].cache().all(|view| !view.flags.local));
    let mut request = world.packets(1, PacketType::RESOLUTION_REQUEST).remove(0);
    request.destination_protocol = ip("192.168.12.7").into();
    request.request_id ^= 1;
    let payload = request.encode().unwrap();
    let path = world.path_between(0, 1).unwrap();
    world.input(0, Input::Packet { nbma: ip("198.51.100.1"), path, payload: &payload });
    world.run(ms(10));
    let view = world.nodes[2].cache().find(|view| view.flags.local).unwrap();
    assert_eq!((view.prefix, view.kind), (net("192.168.12.0/24"), CacheKind::Dynamic));
    assert_eq!(view.flags.to_string(), "unique router local no-socket");
    assert_eq!(view.requesters.len(), 1);
    assert_eq!(
        (view.requesters[0].address, view.requesters[0].request_id),
        (ip("10.0.0.11"), request.request_id)
    );
    let left = view.expires.unwrap() - world.now;
    assert_eq!(left, secs(300));
    world.run(left - Duration::from_nanos(1));
    assert!(world.nodes[2].cache().any(|view| view.flags.local));
    world.run(Duration::from_nanos(1));
    assert!(world.nodes[2].cache().all(|view| !view.flags.local));
}
