//! What only the inside of a node shows: that nothing is left over, and that timers and buckets keep their word.
#![allow(clippy::disallowed_methods, reason = "an origin for the hand-held clock")]

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::timers::{after, backoff};
use super::*;
use crate::config::Nhs;
use crate::wire::{Body, Cie};

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn spoke(now: Instant) -> Node {
    let prefix = "10.0.0.0/24".parse().unwrap();
    let mut config = Config::new(address("10.0.0.11"), prefix, address("198.51.100.1"), 1);
    config.nhs = vec![Nhs::new(Some(address("10.0.0.1")), Some(address("203.0.113.1")))];
    Node::new(config, ChaCha20Rng::seed_from_u64(1), now).unwrap()
}

fn sent(node: &mut Node) -> Vec<Packet> {
    std::iter::from_fn(|| node.poll_output())
        .filter_map(|output| match output {
            Output::Transmit { payload, .. } => Some(Packet::decode(&payload).unwrap()),
            _ => None,
        })
        .collect()
}

fn deliver(node: &mut Node, now: Instant, nbma: &str, path: u64, packet: &Packet) {
    let payload = packet.encode().unwrap();
    node.handle_input(now, Input::Packet { nbma: address(nbma), path: PathId(path), payload: &payload });
}

/// A spoke whose server is up and that knows 10.0.0.12 without a path to it.
fn resolved(now: Instant) -> Node {
    let mut node = spoke(now);
    let nbma = address("203.0.113.1");
    node.handle_input(now, Input::PathUp { nbma, path: PathId(1), proven: true, identity: None });
    let mut reply = sent(&mut node).remove(0);
    reply.packet_type = PacketType::REGISTRATION_REPLY;
    deliver(&mut node, now, "203.0.113.1", 1, &reply);
    node.handle_input(now, Input::Resolve { destination: address("10.0.0.12") });
    let mut reply = sent(&mut node).remove(0);
    reply.packet_type = PacketType::RESOLUTION_REPLY;
    let mut entry = Cie::new(Some(address("198.51.100.2")), Some(address("10.0.0.12")));
    entry.holding_time = 300;
    reply.body = Body::Entries(vec![entry]);
    deliver(&mut node, now, "203.0.113.1", 1, &reply);
    node
}

#[test]
fn paths_that_die_while_being_probed_leave_no_request_behind() {
    let now = Instant::now();
    let mut node = resolved(now);
    let nbma = address("198.51.100.2");
    for round in 0..50u32 {
        let now = now + Duration::from_millis(u64::from(round));
        node.handle_input(now, Input::PathUp { nbma, path: PathId(2), proven: false, identity: None });
        node.handle_input(now, Input::PathDown { path: PathId(2) });
    }
    assert!(node.cache.get(address("10.0.0.12")).is_none());
    assert_eq!(node.requests.len(), 0, "{:?}", node.requests);
    assert!(node.timers.deadline(Timer::Probe(address("10.0.0.12"))).is_none());
}

#[test]
fn path_that_becomes_proven_ends_its_probe() {
    let now = Instant::now();
    let mut node = resolved(now);
    let nbma = address("198.51.100.2");
    node.handle_input(now, Input::PathUp { nbma, path: PathId(2), proven: false, identity: None });
    assert!(!node.cache.get(address("10.0.0.12")).unwrap().active);
    node.handle_input(now, Input::PathUp { nbma, path: PathId(2), proven: true, identity: None });
    assert!(node.cache.get(address("10.0.0.12")).unwrap().active);
    assert_eq!(node.requests.len(), 0);
    assert!(node.timers.deadline(Timer::Probe(address("10.0.0.12"))).is_none());
}

#[test]
fn clear_and_shutdown_leave_no_state() {
    let now = Instant::now();
    let mut node = resolved(now);
    node.handle_input(now, Input::Clear);
    assert_eq!((node.requests.len(), node.resolutions.len(), node.hold_downs.len()), (0, 0, 0));
    node.handle_input(now, Input::Shutdown);
    assert_eq!(node.cache.iter().count(), 0);
    assert_eq!(
        (
            node.requests.len(),
            node.paths.iter().filter(|(_, path)| path.member_since.is_some()).count(),
            node.poll_timeout()
        ),
        (0, 0, None)
    );
}

#[test]
fn timers_fire_once_in_order_and_can_move_both_ways() {
    let now = Instant::now();
    let at = |secs| now + Duration::from_secs(secs);
    let mut timers = Timers::default();
    timers.set(Timer::Register(1), at(10));
    timers.set(Timer::Register(2), at(5));
    timers.set(Timer::Register(1), at(3));
    timers.set(Timer::Register(3), at(4));
    timers.set(Timer::Register(3), at(8));
    timers.cancel(Timer::Register(2));
    assert_eq!((timers.next(), timers.pop(at(2))), (Some(at(3)), None));
    assert_eq!(timers.pop(at(100)), Some(Timer::Register(1)));
    assert_eq!(timers.pop(at(100)), Some(Timer::Register(3)));
    assert_eq!((timers.pop(at(100)), timers.next()), (None, None));
}

#[test]
fn waits_double_up_to_their_maximum_and_never_overflow() {
    let second = Duration::from_secs(1);
    let waits: Vec<u64> = (0..9).map(|n| backoff(second, n, second * 64).as_secs()).collect();
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
    assert_eq!(backoff(second, u32::MAX, second * 64), second * 64);
    assert!(backoff(Duration::ZERO, 0, Duration::ZERO) > Duration::ZERO);
    let now = Instant::now();
    assert!(after(now, Duration::MAX) > now);
}

#[test]
fn bucket_gives_its_capacity_and_refills_evenly() {
    let now = Instant::now();
    let mut bucket = Bucket::new(10, Duration::from_secs(10), now);
    assert_eq!((0..50).filter(|_| bucket.take(now)).count(), 10);
    assert!(!bucket.take(now + Duration::from_millis(999)));
    assert!(bucket.take(now + Duration::from_millis(1000)));
    assert_eq!((0..50).filter(|_| bucket.take(now + Duration::from_secs(60))).count(), 10);
}

#[test]
fn second_path_of_the_same_peer_takes_over_without_a_gap() {
    let now = Instant::now();
    let mut node = resolved(now);
    let nbma = address("198.51.100.2");
    for path in [2, 3] {
        let identity = Some(&b"SPOKE2"[..]);
        node.handle_input(now, Input::PathUp { nbma, path: PathId(path), proven: true, identity });
    }
    assert_eq!(node.cache.get(address("10.0.0.12")).unwrap().path, Some(PathId(2)));
    while node.poll_output().is_some() {}
    node.handle_input(now, Input::PathDown { path: PathId(2) });
    let actions: Vec<Output> = std::iter::from_fn(|| node.poll_output()).collect();
    let kind = crate::io::AdjacencyKind::Dynamic;
    let tunnel_address = address("10.0.0.12");
    let up = crate::io::Action::AdjacencyUp { tunnel_address, nbma, path: PathId(3), kind };
    assert_eq!(actions, [Output::Action(up)]);
}

#[test]
fn path_of_another_peer_at_the_same_address_is_not_trusted() {
    let now = Instant::now();
    let mut node = resolved(now);
    let nbma = address("198.51.100.2");
    let up =
        |path, identity| Input::PathUp { nbma, path: PathId(path), proven: true, identity: Some(identity) };
    node.handle_input(now, up(2, b"SPOKE2"));
    node.handle_input(now, up(3, b"SPOKE3"));
    node.handle_input(now, up(4, b"SPOKE4"));
    node.handle_input(now, Input::PathDown { path: PathId(2) });
    let entry = node.cache.get(address("10.0.0.12"));
    assert!(entry.is_none_or(|entry| !entry.active));
}

#[test]
fn extreme_times_and_limits_are_only_extreme() {
    let start = Instant::now();
    for extreme in [Duration::ZERO, Duration::MAX] {
        for limit in [0usize, usize::MAX] {
            let mut config = spoke(start).config().clone();
            config.start_delay = Duration::ZERO;
            config.fallback = extreme;
            config.redirect = Some(extreme);
            config.timing = crate::Timing {
                retry_initial: extreme,
                registration_retry_max: extreme,
                resolution_retry_max: extreme,
                reply_wait: extreme,
                negative_time: extreme,
                hold_down: extreme,
                probe_wait: extreme,
                probe_interval: extreme,
                route_wait: extreme,
                used_window: extreme,
                ..crate::Timing::default()
            };
            config.limits = crate::Limits {
                registrations: limit,
                dynamic_entries: limit,
                pending_resolutions: limit,
                pending_replies: limit,
                route_queries: limit,
                redirect_pairs: limit,
                answered_per_entry: limit,
                pending_purges: limit,
                max_send: limit as u32,
                max_send_interval: extreme,
                errors_per_second: limit as u32,
            };
            let mut node = Node::new(config, ChaCha20Rng::seed_from_u64(1), start).unwrap();
            let nbma = address("203.0.113.1");
            let mut now = start;
            for round in 0..50u64 {
                let path = PathId(round % 3);
                node.handle_input(now, Input::PathUp { nbma, path, proven: round % 2 == 0, identity: None });
                node.handle_input(now, Input::Resolve { destination: address("10.0.0.12") });
                node.handle_input(now, Input::Redirectable { nbma, path, packet: &[0x45; 40] });
                let outputs = std::iter::from_fn(|| node.poll_output()).count();
                assert!(outputs < 100, "{outputs}");
                node.handle_input(now, Input::PathFailed { nbma });
                node.handle_input(now, Input::PathDown { path });
                now += Duration::from_secs(7);
                node.handle_timeout(now);
                assert!(node.poll_timeout().is_none_or(|at| at > now));
            }
        }
    }
}
