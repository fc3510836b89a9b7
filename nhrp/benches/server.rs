//! A server and its clients: how fast, how large, and with how many allocations. `cargo bench -p nhrp` prints all figures of
//! one run; rates are per second of one core, and each is stated as median, mean and worst of many batches, so that a
//! machine that does other things too is seen.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark, not the library"
)]

use std::alloc::System;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use nhrp::{Authentication, Config, Input, MulticastMap, Nhs, Node, Output, PathId};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const BATCH: usize = 1000;

fn main() {
    println!("{:<58} {:>12} {:>12} {:>12}", "", "median", "mean", "worst");
    refresh(10_000);
    refresh(100_000);
    storm(10_000);
    timers(1_000);
    timers(100_000);
    resolutions(10_000);
    memory(10_000);
}

fn report(name: &str, batches: &mut [Duration], per_batch: usize) {
    batches.sort();
    let rate = |time: Duration| per_batch as f64 / time.as_secs_f64();
    let mean = batches.iter().sum::<Duration>() / batches.len() as u32;
    let (median, worst) = (batches[batches.len() / 2], batches[batches.len() - 1]);
    println!("{name:<58} {:>10.0}/s {:>10.0}/s {:>10.0}/s", rate(median), rate(mean), rate(worst));
}

fn overlay(index: usize) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + 2 + index as u32))
}

fn underlay(index: usize) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(0xc612_0000 + 2 + index as u32))
}

fn config(tunnel: IpAddr, nbma: IpAddr) -> Config {
    let mut config = Config::new(tunnel, "10.0.0.0/8".parse().unwrap(), nbma, 1);
    config.authentication = Some(Authentication::new("DMVPN2026"));
    config
}

/// What one spoke sends: its registration, and a resolution request for another one.
fn requests(index: usize, now: Instant) -> [Vec<u8>; 2] {
    let (tunnel, nbma) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([203, 0, 113, 1]));
    let mut config = config(overlay(index), underlay(index));
    config.nhs = vec![Nhs::new(Some(tunnel), Some(nbma))];
    let mut spoke = Node::new(config, ChaCha20Rng::seed_from_u64(index as u64), now).unwrap();
    spoke.handle_input(now, Input::PathUp { nbma, path: PathId(1), proven: true, identity: None });
    let registration = transmitted(&mut spoke).unwrap();
    let mut hub = server(now);
    hub.handle_input(now, Input::Packet { nbma: underlay(index), path: PathId(1), payload: &registration });
    let reply = transmitted(&mut hub).unwrap();
    spoke.handle_input(now, Input::Packet { nbma, path: PathId(1), payload: &reply });
    spoke.handle_input(now, Input::Resolve { destination: overlay((index + 1) % 1000) });
    [registration, transmitted(&mut spoke).unwrap()]
}

fn transmitted(node: &mut Node) -> Option<Vec<u8>> {
    std::iter::from_fn(|| node.poll_output())
        .filter_map(|output| match output {
            Output::Transmit { payload, .. } => Some(payload),
            _ => None,
        })
        .last()
}

fn server(now: Instant) -> Node {
    let mut config = config(IpAddr::from([10, 0, 0, 1]), IpAddr::from([203, 0, 113, 1]));
    config.multicast = vec![MulticastMap::Dynamic];
    config.limits.registrations = 200_000;
    config.limits.max_send = 1_000_000_000;
    Node::new(config, ChaCha20Rng::seed_from_u64(0), now).unwrap()
}

/// One packet to the server, and what it answers.
fn exchange(hub: &mut Node, now: Instant, index: usize, payload: &[u8]) {
    let (nbma, path) = (underlay(index), PathId(index as u64));
    hub.handle_input(now, Input::Packet { nbma, path, payload });
    while let Some(output) = hub.poll_output() {
        if let Output::Transmit { payload, .. } = black_box(output) {
            hub.recycle(payload);
        }
    }
}

/// Clients in the order in which they come: any.
fn shuffled(spokes: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..spokes).collect();
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    for at in (1..spokes).rev() {
        order.swap(at, rng.next_u32() as usize % (at + 1));
    }
    order
}

/// A server with this many registered clients, each behind a path with an authenticated identity.
fn full(spokes: usize, now: Instant, packets: &[[Vec<u8>; 2]]) -> Node {
    let mut hub = server(now);
    for index in shuffled(spokes) {
        let identity = format!("spoke{index}.example.net");
        let (nbma, path, identity) = (underlay(index), PathId(index as u64), Some(identity.as_bytes()));
        hub.handle_input(now, Input::PathUp { nbma, path, proven: true, identity });
        exchange(&mut hub, now, index, &packets[index][0]);
    }
    assert_eq!(hub.cache().count(), spokes);
    hub
}

/// Registrations that only extend a binding: decoded, checked, processed, answered.
fn refresh(spokes: usize) {
    let start = Instant::now();
    let packets: Vec<_> = (0..spokes).map(|index| requests(index, start)).collect();
    let mut hub = full(spokes, start, &packets);
    let order = shuffled(spokes);
    let mut turn = 0;
    let region = Region::new(ALLOCATOR);
    let before = region.change().allocations + region.change().reallocations;
    let mut batches = Vec::with_capacity(400);
    let own = region.change().allocations + region.change().reallocations - before;
    for _ in 0..400 {
        let began = Instant::now();
        for _ in 0..BATCH {
            let index = order[turn % spokes];
            turn += 1;
            exchange(&mut hub, start + Duration::from_micros(turn as u64), index, &packets[index][0]);
        }
        batches.push(began.elapsed());
    }
    let during = region.change().allocations + region.change().reallocations - before - own;
    report(&format!("refresh among {spokes} registered clients"), &mut batches, BATCH);
    println!("{:<58} {:>12}", format!("    allocations in {} refreshes", 400 * BATCH), during);
    assert_eq!(hub.stats().refreshed, 400 * BATCH as u64);
}

/// All clients register at once with a server that knows none of them.
fn storm(spokes: usize) {
    let now = Instant::now();
    let packets: Vec<_> = (0..spokes).map(|index| requests(index, now)).collect();
    let order = shuffled(spokes);
    let mut runs: Vec<Duration> = (0..20)
        .map(|_| {
            let mut hub = server(now);
            let began = Instant::now();
            for &index in &order {
                exchange(&mut hub, now, index, &packets[index][0]);
            }
            began.elapsed()
        })
        .collect();
    report(&format!("first registrations, {spokes} at once"), &mut runs, spokes);
}

/// What time costs: every client refreshes once, then all of them expire, one by one as their times come.
fn timers(spokes: usize) {
    let start = Instant::now();
    let packets: Vec<_> = (0..spokes).map(|index| requests(index, start)).collect();
    let mut hub = full(spokes, start, &packets);
    for (turn, index) in shuffled(spokes).into_iter().enumerate() {
        exchange(&mut hub, start + Duration::from_micros(turn as u64), index, &packets[index][0]);
    }
    let mut batches = Vec::new();
    let mut expired = 0;
    let mut wakes = 0;
    while let Some(at) = hub.poll_timeout() {
        let began = Instant::now();
        hub.handle_timeout(at);
        let mut outputs = 0;
        while let Some(output) = hub.poll_output() {
            outputs += 1;
            let _ = black_box(output);
        }
        batches.push(began.elapsed());
        wakes += 1;
        expired += usize::from(outputs > 0);
    }
    assert_eq!(expired, spokes);
    report(&format!("expiries among {spokes} clients ({wakes} wake-ups)"), &mut batches, 1);
}

/// Resolution requests that the server forwards to the client that they ask for.
fn resolutions(spokes: usize) {
    let start = Instant::now();
    let packets: Vec<_> = (0..spokes).map(|index| requests(index, start)).collect();
    let mut hub = full(spokes, start, &packets);
    let order = shuffled(spokes);
    let mut turn = 0;
    let mut batches: Vec<Duration> = (0..200)
        .map(|_| {
            let began = Instant::now();
            for _ in 0..BATCH {
                let index = order[turn % spokes];
                turn += 1;
                exchange(&mut hub, start, index, &packets[index][1]);
            }
            began.elapsed()
        })
        .collect();
    report(&format!("resolution requests forwarded among {spokes} clients"), &mut batches, BATCH);
}

/// Heap that a registered client takes, with its path, its identity and its multicast membership.
fn memory(spokes: usize) {
    let now = Instant::now();
    let packets: Vec<_> = (0..spokes).map(|index| requests(index, now)).collect();
    let region = Region::new(ALLOCATOR);
    let hub = full(spokes, now, &packets);
    let change = region.change();
    // The order of registration, which is not the hub's, is gone again.
    let held = change.bytes_allocated - change.bytes_deallocated;
    println!("{:<58} {:>12}", format!("bytes per registered client, of {spokes}"), held / spokes);
    println!("{:<58} {:>12}", "    FRR 8.4.4's nhrpd, measured as growth of its memory", "6000");
    drop(hub);
}
