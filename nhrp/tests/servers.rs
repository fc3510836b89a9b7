//! Several servers: priority, clusters, fallback, fail-over.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod common;

use common::{World, hub_config, ip, ms, secs, spoke_config};
use nhrp::wire::PacketType;
use nhrp::{ConfigError, Event, Nhs, NhsDownReason, NhsStatus, Node};

fn second_hub() -> nhrp::Config {
    let mut hub = hub_config();
    hub.tunnel_address = ip("10.0.0.2");
    hub.nbma = ip("203.0.113.2");
    hub
}

fn spoke(number: u8, max_connections: Option<u8>) -> nhrp::Config {
    let mut spoke = spoke_config(number);
    spoke.maps.clear();
    spoke.nhs = vec![
        Nhs { priority: 10, ..Nhs::new(Some(ip("10.0.0.2")), Some(ip("203.0.113.2"))) },
        Nhs { priority: 1, ..Nhs::new(Some(ip("10.0.0.1")), Some(ip("203.0.113.1"))) },
    ];
    if let Some(max) = max_connections {
        spoke.cluster_max_connections.insert(0, max);
    }
    spoke
}

#[test]
fn all_servers_are_used_without_a_maximum_and_the_best_carries_unresolved_data() {
    let mut world = World::new(vec![hub_config(), spoke(11, None), second_hub()]);
    world.run(secs(3));
    let status: Vec<_> = world.nodes[1].nhs().map(|nhs| nhs.status).collect();
    assert_eq!(status, [NhsStatus::Up, NhsStatus::Up]);
    assert_eq!(world.nodes[1].live_nhs(), Some(ip("10.0.0.1")));
    world.cut.insert((0, 1));
    world.sever(0, 1);
    assert_eq!(world.nodes[1].live_nhs(), Some(ip("10.0.0.2")), "at once");
}

#[test]
fn maximum_of_one_keeps_the_worse_server_waiting_until_it_is_needed() {
    let mut world = World::new(vec![hub_config(), spoke(11, Some(1)), second_hub()]);
    world.run(secs(3));
    let letters: String = world.nodes[1].nhs().map(|nhs| nhs.status.letter()).collect();
    assert_eq!(letters, "WR");
    assert_eq!(world.nodes[2].cache().count(), 0);
    world.cut.insert((0, 1));
    world.sever(0, 1);
    world.run(ms(200));
    assert_eq!(world.nodes[1].live_nhs(), Some(ip("10.0.0.2")), "connected and registered");
    // The better one is probed all the time; when it answers, it takes over and the worse one is let go.
    world.cut.clear();
    world.run(secs(70));
    assert_eq!(world.nodes[1].live_nhs(), Some(ip("10.0.0.1")));
    let letters: String = world.nodes[1].nhs().map(|nhs| nhs.status.letter()).collect();
    assert_eq!(letters, "WR");
    assert!(
        world.events(1).contains(&Event::NhsDown { nhs: ip("10.0.0.2"), reason: NhsDownReason::Superseded })
    );
    assert_eq!(world.nodes[2].cache().count(), 0, "its registration was withdrawn");
}

#[test]
fn better_server_waits_for_the_fallback_time() {
    let mut config = spoke(11, Some(1));
    config.fallback = secs(30);
    let mut world = World::new(vec![hub_config(), config, second_hub()]);
    world.cut.insert((0, 1));
    world.run(secs(10));
    assert_eq!(world.nodes[1].live_nhs(), Some(ip("10.0.0.2")));
    world.cut.clear();
    world.forget();
    world.run(secs(20));
    assert!(world.events(1).contains(&Event::NhsUp { nhs: ip("10.0.0.1") }));
    let up = world.nodes[1].nhs().nth(1).unwrap().changed;
    assert_eq!(world.nodes[1].live_nhs(), Some(ip("10.0.0.2")), "still the old one");
    let left = up + secs(30) - world.now;
    world.run(left - ms(1));
    assert_eq!(world.nodes[1].live_nhs(), Some(ip("10.0.0.2")));
    world.run(ms(1));
    assert_eq!(world.nodes[1].live_nhs(), Some(ip("10.0.0.1")));
}

#[test]
fn pending_resolution_moves_to_the_other_server_when_the_first_dies() {
    let mut world = World::new(vec![hub_config(), spoke(11, None), second_hub(), spoke(12, None)]);
    world.run(secs(3));
    world.forget();
    world.cut.insert((0, 1));
    world.resolve(1, "10.0.0.12");
    world.run(ms(100));
    world.sever(0, 1);
    world.run(secs(2));
    assert_eq!(world.reaches(1, "10.0.0.12"), Some(3));
    assert_eq!(world.sent_at(2, PacketType::RESOLUTION_REQUEST).len(), 1, "forwarded by the second hub");
}

#[test]
fn contradictions_are_refused() {
    let now = <std::time::Instant as common::Origin>::now_for_tests();
    let error = |change: &dyn Fn(&mut nhrp::Config)| {
        let mut config = spoke_config(11);
        change(&mut config);
        Node::new(config, common::rng(1), now).map(|_| ()).unwrap_err()
    };
    let out = error(&|config| config.tunnel_address = ip("10.9.0.1"));
    assert!(matches!(out, ConfigError::AddressOutsidePrefix { .. }));
    assert!(matches!(error(&|config| config.maps.clear()), ConfigError::NhsWithoutNbma(_)));
    assert!(matches!(error(&|config| config.holding_time = secs(0)), ConfigError::HoldingTime(_)));
    assert!(matches!(error(&|config| config.holding_time = secs(65_536)), ConfigError::HoldingTime(_)));
    assert!(matches!(
        error(&|config| config.registration_timeout = Some(secs(300))),
        ConfigError::RegistrationTimeout { .. }
    ));
    let empty = error(&|config| config.authentication = Some(nhrp::Authentication::new("")));
    assert_eq!(empty, ConfigError::AuthenticationLength);
    let own = error(&|config| config.nhs[0].tunnel_address = Some(config.tunnel_address));
    assert!(matches!(own, ConfigError::NhsIsSelf(_)));
    assert!(matches!(error(&|config| config.nhs[0].nbma = Some(ip("2001:db8::1"))), ConfigError::Family(_)));
    assert!(matches!(error(&|config| config.maps[0].prefix_len = 33), ConfigError::MapPrefix { .. }));
}
