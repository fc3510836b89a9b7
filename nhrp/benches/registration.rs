//! A hub with 10,000 registered spokes: one registration decoded, processed and answered.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark, not the library"
)]

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use nhrp::{Config, Input, MulticastMap, Nhs, Node, Output, PathId};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

const SPOKES: u32 = 10_000;

fn main() {
    divan::main();
}

fn address(base: [u8; 2], index: u32) -> IpAddr {
    let [_, _, high, low] = (index + 2).to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(base[0], base[1], high, low))
}

/// The registration of one spoke, as its own node sends it.
fn registration(index: u32, now: Instant) -> Vec<u8> {
    let hub = IpAddr::from([203, 0, 113, 1]);
    let mut config =
        Config::new(address([10, 0], index), "10.0.0.0/16".parse().unwrap(), address([198, 18], index), 1);
    config.nhs = vec![Nhs::new(Some(IpAddr::from([10, 0, 0, 1])), Some(hub))];
    let mut spoke = Node::new(config, ChaCha20Rng::seed_from_u64(u64::from(index)), now).unwrap();
    spoke.handle_input(now, Input::PathUp { nbma: hub, path: PathId(1), proven: true, identity: None });
    std::iter::from_fn(|| spoke.poll_output())
        .find_map(|output| match output {
            Output::Transmit { payload, .. } => Some(payload),
            _ => None,
        })
        .unwrap()
}

fn register(hub: &mut Node, now: Instant, index: u32, payload: &[u8]) {
    let (nbma, path) = (address([198, 18], index), PathId(u64::from(index)));
    hub.handle_input(now, Input::Packet { nbma, path, payload });
    while let Some(output) = hub.poll_output() {
        let _ = divan::black_box(output);
    }
}

fn full_hub(now: Instant) -> (Node, Vec<Vec<u8>>) {
    let mut config = Config::new(
        IpAddr::from([10, 0, 0, 1]),
        "10.0.0.0/16".parse().unwrap(),
        IpAddr::from([203, 0, 113, 1]),
        1,
    );
    config.multicast = vec![MulticastMap::Dynamic];
    let mut hub = Node::new(config, ChaCha20Rng::seed_from_u64(0), now).unwrap();
    let packets: Vec<Vec<u8>> = (0..SPOKES).map(|index| registration(index, now)).collect();
    for (index, packet) in (0..SPOKES).zip(&packets) {
        let (nbma, path) = (address([198, 18], index), PathId(u64::from(index)));
        hub.handle_input(now, Input::PathUp { nbma, path, proven: true, identity: None });
        register(&mut hub, now, index, packet);
    }
    (hub, packets)
}

/// One refresh among 10,000 registered spokes.
#[divan::bench(sample_size = 1000)]
fn refresh(bencher: divan::Bencher<'_, '_>) {
    let start = Instant::now();
    let (mut hub, packets) = full_hub(start);
    let mut turn = 0u32;
    bencher.bench_local(|| {
        turn += 1;
        let index = turn * 7919 % SPOKES;
        let now = start + Duration::from_micros(u64::from(turn));
        register(&mut hub, now, index, &packets[index as usize]);
    });
}

/// 10,000 spokes register at once with a hub that knows none of them.
#[divan::bench(sample_count = 10)]
fn storm(bencher: divan::Bencher<'_, '_>) {
    let start = Instant::now();
    let packets: Vec<Vec<u8>> = (0..SPOKES).map(|index| registration(index, start)).collect();
    bencher
        .with_inputs(|| {
            let mut config = Config::new(
                IpAddr::from([10, 0, 0, 1]),
                "10.0.0.0/16".parse().unwrap(),
                IpAddr::from([203, 0, 113, 1]),
                1,
            );
            config.multicast = vec![MulticastMap::Dynamic];
            Node::new(config, ChaCha20Rng::seed_from_u64(0), start).unwrap()
        })
        .bench_local_values(|mut hub| {
            for (index, packet) in (0..SPOKES).zip(&packets) {
                register(&mut hub, start, index, packet);
            }
            hub
        });
}
