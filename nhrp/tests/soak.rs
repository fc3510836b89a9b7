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

/// What a node knows, without the times.
fn state(world: &World, node: usize) -> (Vec<String>, usize) {
    let node = &world.nodes[node];
    let cache = node.cache().map(|view| {
        let (prefix, next_hop, nbma, claimed) = (view.prefix, view.next_hop, view.nbma, view.claimed_nbma);
        format!(
            "{prefix} {next_hop} {nbma:?} {claimed:?} {} [{}] {:?}",
            view.kind, view.flags, view.requesters
        )
    });
    let servers = node.nhs().map(|view| {
        let (address, nbma, status) = (view.tunnel_address, view.nbma, view.status);
        format!("{address:?} {nbma:?} {status:?} {} {:?}", view.path.is_some(), view.public_nbma)
    });
    let members =
        node.multicast().map(|view| format!("{} {:?} {:?}", view.nbma, view.tunnel_address, view.map));
    let mut lines: Vec<String> = cache.chain(servers).chain(members).collect();
    lines.sort();
    // Its servers and timers, in words: what is left over somewhere makes it longer.
    (lines, format!("{node:?}").len())
}

/// Thirty days of failures at random times, about an hour apart: links cut and mended, paths lost, caches cleared,
/// routers that leave without a word and come back empty. Then peace; and every node is as in a fresh cloud.
#[test]
fn thirty_days_leave_nothing_behind() {
    let configs = || {
        let mut second = hub_config();
        (second.tunnel_address, second.nbma) = (ip("10.0.0.2"), ip("203.0.113.2"));
        let mut configs: Vec<nhrp::Config> = [hub_config(), second].into();
        configs.extend((11..15).map(|number| {
            let mut spoke = spoke_config(number);
            spoke.nhs.push(nhrp::Nhs::new(Some(ip("10.0.0.2")), Some(ip("203.0.113.2"))));
            spoke.registration_timeout = Some(secs(600));
            spoke
        }));
        for config in &mut configs {
            config.holding_time = secs(1800);
        }
        // One is behind NAT.
        configs[5].nbma = ip("192.168.1.10");
        configs
    };
    let cloud = || {
        let mut world = World::new(configs());
        world.public[5] = ip("198.51.100.9");
        world.behind_nat.insert(5);
        world
    };
    let mut world = cloud();
    let end = world.now + secs(30 * 86_400);
    let mut random = rng(30);
    let mut failures = 0u32;
    while world.now < end {
        let mut pick = |n: usize| random.next_u32() as usize % n;
        let (a, b) = (pick(6), pick(6));
        match pick(10) {
            0 | 1 if a != b => {
                world.cut.insert((a, b));
                failures += 1;
            }
            2 | 3 => {
                let cut: Vec<_> = world.cut.iter().copied().collect();
                if !cut.is_empty() {
                    world.cut.remove(&cut[pick(cut.len())]);
                }
            }
            4 if a != b && world.path_between(a, b).is_some() => {
                world.sever(a, b);
                failures += 1;
            }
            5 => world.input(a, Input::Clear),
            6 => {
                // It dies and starts again, knowing nothing.
                for peer in 0..6 {
                    if peer != a && world.path_between(a, peer).is_some() {
                        world.sever(a, peer);
                    }
                }
                let config = world.nodes[a].config().clone();
                world.nodes[a] = nhrp::Node::new(config, rng(u64::from(failures)), world.now).unwrap();
                world.drain();
                failures += 1;
            }
            _ => {
                let (spoke, target) = (2 + pick(4), IpAddr::from([10, 0, 0, 11 + pick(4) as u8]));
                world.input(spoke, Input::Resolve { destination: target });
                let now = world.now;
                world.nodes[spoke].note_used(now, target);
                world.drain();
            }
        }
        let pause = secs(pick(3600) as u64);
        world.run(pause);
        world.forget();
    }
    assert!(failures > 400, "{failures} failures");
    world.cut.clear();
    world.run(secs(4 * 1800));
    let mut fresh = cloud();
    fresh.run(secs(4 * 1800));
    for node in 0..6 {
        let ((aged, size), (young, fresh_size)) = (state(&world, node), state(&fresh, node));
        assert_eq!(aged, young, "node {node}");
        assert!(
            size.abs_diff(fresh_size) < 200,
            "node {node}: {size} and {fresh_size}: {:?}",
            world.nodes[node]
        );
    }
    eprintln!("{failures} failures in 30 days");
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
