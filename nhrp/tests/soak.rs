//! A cloud under random failures, and a storm of registrations.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod common;

use std::net::IpAddr;

use common::{World, hub_config, ip, ms, rng, secs, spoke_config};
use nhrp::{CacheKind, DropReason, Input};
use rand_chacha::rand_core::Rng;

/// Two hours of cut links, dead paths, moved addresses and traffic; then peace, and everything must be as in a fresh cloud.
fn cloud_heals(seed: u64, proven: bool) {
    let mut second = hub_config();
    second.tunnel_address = ip("10.0.0.2");
    second.nbma = ip("203.0.113.2");
    let spokes = (11..15).map(|number| {
        let mut spoke = spoke_config(number);
        spoke.nhs.push(nhrp::Nhs::new(Some(ip("10.0.0.2")), Some(ip("203.0.113.2"))));
        if number == 14 {
            spoke.nbma = ip("192.168.1.10");
        }
        spoke
    });
    let mut world = World::new([hub_config(), second].into_iter().chain(spokes).collect());
    world.proven = proven;
    if proven {
        world.public[5] = ip("198.51.100.9");
        world.behind_nat.insert(5);
    } else {
        world.public[5] = ip("192.168.1.10");
    }
    let mut random = rng(seed);
    let mut pick = |n: usize| random.next_u32() as usize % n;
    for _ in 0..720 {
        let (a, b) = (pick(6), pick(6));
        match pick(8) {
            0 if a != b => {
                world.cut.insert((a, b));
            }
            1 | 2 => {
                let cut: Vec<_> = world.cut.iter().copied().collect();
                if !cut.is_empty() {
                    world.cut.remove(&cut[pick(cut.len())]);
                }
            }
            3 if proven && a != b && world.path_between(a, b).is_some() => world.sever(a, b),
            4 => world.input(a, Input::Clear),
            _ => {
                let (spoke, target) = (2 + pick(4), IpAddr::from([10, 0, 0, 11 + pick(4) as u8]));
                world.input(spoke, Input::Resolve { destination: target });
                let now = world.now;
                world.nodes[spoke].note_used(now, target);
                world.drain();
            }
        }
        world.run(ms(10_000));
        if world.log.len() > 50_000 {
            world.forget();
        }
    }
    // Peace.
    world.cut.clear();
    world.run(secs(1000));
    for node in 2..6 {
        assert_eq!(world.nodes[node].nhs().filter(|nhs| nhs.path.is_some()).count(), 2, "seed {seed}");
        assert_eq!(world.nodes[node].live_nhs(), Some(ip("10.0.0.1")), "seed {seed}");
        let left = world.nodes[node].cache().filter(|view| view.kind != CacheKind::Static).count();
        assert_eq!(
            left,
            0,
            "seed {seed}: node {node} keeps {:?}",
            world.nodes[node].cache().collect::<Vec<_>>()
        );
    }
    for hub in 0..2 {
        let clients: Vec<_> =
            world.nodes[hub].cache().map(|view| (view.next_hop, view.flags.no_socket)).collect();
        let expected: Vec<_> = (11..15).map(|n| (IpAddr::from([10, 0, 0, n]), false)).collect();
        assert_eq!(clients, expected, "seed {seed}");
    }
    // And it works.
    world.forget();
    for spoke in 2..6 {
        for target in 11..15u8 {
            world.resolve(spoke, &format!("10.0.0.{target}"));
        }
    }
    world.run(secs(10));
    for spoke in 2..6 {
        for target in (11..15u8).filter(|target| usize::from(*target) != spoke + 9) {
            let reached = world.reaches(spoke, &format!("10.0.0.{target}"));
            assert_eq!(reached, Some(usize::from(target) - 9), "seed {seed}: {spoke} to {target}");
        }
    }
}

#[test]
fn cloud_with_ipsec_heals() {
    for seed in 0..20 {
        cloud_heals(seed, true);
    }
}

#[test]
fn plain_cloud_heals() {
    for seed in 100..110 {
        cloud_heals(seed, false);
    }
}

/// 200 spokes of one hub that restarts: each is registered within the longest wait, and none is refused or held back.
#[test]
fn storm_drains_and_nobody_starves() {
    let spokes = (0..200u8).map(|index| {
        let mut spoke = spoke_config(11);
        spoke.tunnel_address = IpAddr::from([10, 0, 0, index + 11]);
        spoke.nbma = IpAddr::from([198, 18, 0, index + 1]);
        spoke
    });
    let mut world = World::new(std::iter::once(hub_config()).chain(spokes).collect());
    world.run(ms(100));
    assert_eq!(world.nodes[0].cache().count(), 200, "one round trip");
    world.run(secs(5));
    let fresh = nhrp::Node::new(hub_config(), rng(99), world.now).unwrap();
    world.nodes[0] = fresh;
    for spoke in 1..=200 {
        world.sever(spoke, 0);
    }
    world.run(ms(200));
    assert_eq!(world.nodes[0].cache().count(), 200);
    assert_eq!(world.nodes[0].stats().dropped(DropReason::RateLimit), 0);
    assert_eq!(world.nodes[0].multicast().count(), 200);
}
