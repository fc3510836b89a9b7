//! What a registration costs in memory: nothing to extend one, little to have one. In a file of its own, because the counting
//! allocator counts the whole process.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod common;

use std::alloc::System;
use std::net::IpAddr;
use std::time::Instant;

use common::{Origin, hub_config, ip, net, rng, secs, spoke_config};
use nhrp::{Config, Input, Node, Output, PathId};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SPOKES: usize = 2000;

fn hub() -> Config {
    let mut config = hub_config();
    config.prefix = net("10.0.0.0/8");
    config
}

fn address(base: u8, index: usize) -> IpAddr {
    let [_, _, high, low] = (index as u32 + 11).to_be_bytes();
    IpAddr::from([base, 0, high, low])
}

/// The registration of a spoke; every third is behind NAT.
fn registration(index: usize, now: Instant) -> Vec<u8> {
    let mut config = spoke_config(11);
    (config.prefix, config.tunnel_address) = (net("10.0.0.0/8"), address(10, index));
    config.nbma = if index.is_multiple_of(3) { ip("192.168.1.2") } else { address(100, index) };
    let mut spoke = Node::new(config, rng(index as u64), now).unwrap();
    let path = PathId(1);
    spoke.handle_input(now, Input::PathUp { nbma: ip("203.0.113.1"), path, proven: true, identity: None });
    let payloads = std::iter::from_fn(|| spoke.poll_output()).filter_map(|output| match output {
        Output::Transmit { payload, .. } => Some(payload),
        _ => None,
    });
    payloads.last().unwrap()
}

/// Sends one registration to the hub and gives back the memory of the reply. Returns how many packets came out.
fn register(hub: &mut Node, now: Instant, index: usize, payload: &[u8]) -> usize {
    let (nbma, path) = (address(100, index), PathId(index as u64));
    hub.handle_input(now, Input::Packet { nbma, path, payload });
    let mut replies = 0;
    while let Some(output) = hub.poll_output() {
        if let Output::Transmit { payload, .. } = output {
            replies += 1;
            hub.recycle(payload);
        }
    }
    replies
}

#[test]
fn extending_a_registration_allocates_nothing_and_having_one_takes_at_most_512_bytes() {
    let start = Instant::now_for_tests();
    let packets: Vec<Vec<u8>> = (0..SPOKES).map(|index| registration(index, start)).collect();
    let identities: Vec<String> = (0..SPOKES).map(|index| format!("spoke{index}.example.net")).collect();
    let region = Region::new(ALLOCATOR);
    let mut hub = Node::new(hub(), rng(0), start).unwrap();
    // In no order: 1237 and the number of spokes have no common divisor.
    for index in (0..SPOKES).map(|turn| turn * 1237 % SPOKES) {
        let identity = Some(identities[index].as_bytes());
        let (nbma, path) = (address(100, index), PathId(index as u64));
        hub.handle_input(start, Input::PathUp { nbma, path, proven: true, identity });
        assert_eq!(register(&mut hub, start, index, &packets[index]), 1);
    }
    let change = region.change();
    let each = (change.bytes_allocated - change.bytes_deallocated) / SPOKES;
    eprintln!("{each} bytes per registered spoke, {} allocations for each", change.allocations / SPOKES);
    assert!(each <= 512, "{each} bytes per registered spoke");

    let region = Region::new(ALLOCATOR);
    for turn in 0..5 * SPOKES {
        let index = turn * 7 % SPOKES;
        let now = start + secs(turn as u64 / 100);
        assert_eq!(register(&mut hub, now, index, &packets[index]), 1);
        hub.handle_timeout(now);
    }
    let change = region.change();
    assert_eq!((change.allocations, change.reallocations), (0, 0));
    assert_eq!(hub.stats().refreshed, 5 * SPOKES as u64);
    // The counter counts.
    let region = Region::new(ALLOCATOR);
    drop(std::hint::black_box(Box::new(1)));
    assert_eq!(region.change().allocations, 1);
}
