//! Phase 2 as the guide describes it: the direct path comes on demand, and nothing is lost on the way.
#![cfg(feature = "sim")]

mod common;

use std::net::Ipv4Addr;
use std::time::Duration;

use common::{LAN1, LAN2, cloud, config, finish, guide, hops, log, ping, run_to_routes, saw};
use dmvpn::Event;
use dmvpn::sim::{LinkConfig, Probability};

const SPOKE2: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 12);
const LIMIT: Duration = Duration::from_secs(3);

#[test]
fn the_first_packet_by_way_of_the_hub_then_direct_and_none_lost() {
    for seed in 0..5 {
        let mut network = guide(seed);
        run_to_routes(&mut network, LIMIT);
        let report = ping(&mut network, "SPOKE1", LAN1, LAN2, 20);
        assert_eq!(report.lost(), 0, "seed {seed}: {}", log(&network));
        let ttls: Vec<Option<u8>> = report.probes.iter().map(|probe| probe.arrived_ttl).collect();
        assert_eq!(ttls.first(), Some(&Some(254)), "the hub takes one off: {ttls:?}");
        assert_eq!(ttls.last(), Some(&Some(255)), "direct: {ttls:?}");
        assert_eq!(hops(&mut network, "SPOKE1", LAN1, LAN2), [Some(SPOKE2)]);
        finish(&network);
    }
}

#[test]
fn crossed_first_packets_give_one_working_pair() {
    for seed in 0..5 {
        let mut network = guide(seed);
        run_to_routes(&mut network, LIMIT);
        network.run_for(Duration::from_secs(5));
        let config = |to, from| dmvpn::sim::PingConfig::new(to).from(from);
        let there = network.ping("SPOKE1", config(LAN2, LAN1));
        let back = network.ping("SPOKE2", config(LAN1, LAN2));
        network.run_for(Duration::from_secs(30));
        for id in [there, back] {
            assert_eq!(network.ping_report(id).lost(), 0, "seed {seed}: {}", log(&network));
        }
        assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 50).lost(), 0, "seed {seed}");
        assert_eq!(hops(&mut network, "SPOKE1", LAN1, LAN2), [Some(SPOKE2)]);
        finish(&network);
    }
}

#[test]
fn where_a_direct_path_cannot_be_the_hub_carries_everything() {
    let mut network = guide(2);
    network.set_reachable("SPOKE1", "SPOKE2", false);
    run_to_routes(&mut network, LIMIT);
    let report = ping(&mut network, "SPOKE1", LAN1, LAN2, 200);
    assert_eq!(report.lost(), 0, "{}", log(&network));
    assert!(!saw(&network, "SPOKE1", |event| matches!(event, Event::DirectPathUp { .. })));
    finish(&network);
}

#[test]
fn a_direct_path_that_dies_is_left_and_taken_again() {
    let mut network = guide(4);
    run_to_routes(&mut network, LIMIT);
    assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 20).lost(), 0);
    network.set_reachable("SPOKE1", "SPOKE2", false);
    // Traffic goes on, so that the silence of the other end is noticed.
    let _ = ping(&mut network, "SPOKE1", LAN1, LAN2, 30);
    let report = ping(&mut network, "SPOKE1", LAN1, LAN2, 100);
    assert_eq!(report.lost(), 0, "after detection: {}", log(&network));
    network.heal();
    network.run_for(Duration::from_secs(60));
    let _ = ping(&mut network, "SPOKE1", LAN1, LAN2, 20);
    assert_eq!(hops(&mut network, "SPOKE1", LAN1, LAN2), [Some(SPOKE2)], "{}", log(&network));
    finish(&network);
}

#[test]
fn a_cloud_comes_up_over_a_lossy_reordering_wire() {
    for seed in 0..3 {
        let mut network = guide(seed);
        let mut link = LinkConfig::new(Duration::from_millis(20));
        link.loss = Probability::percent(10.0);
        link.reorder = Probability::percent(10.0);
        link.duplicate = Probability::percent(5.0);
        network.set_default_link(link);
        run_to_routes(&mut network, Duration::from_secs(120));
        network.set_default_link(LinkConfig::new(Duration::from_millis(20)));
        network.run_for(Duration::from_secs(30));
        assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 50).lost(), 0, "seed {seed}: {}", log(&network));
        finish(&network);
    }
}

#[test]
fn a_router_that_restarts_comes_back_by_itself() {
    for router in ["HUB1", "SPOKE1", "SPOKE2"] {
        let mut network = guide(9);
        run_to_routes(&mut network, LIMIT);
        assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 20).lost(), 0);
        network.fail(router);
        network.run_for(Duration::from_secs(20));
        network.restore(router).expect("the same configuration");
        network.run_for(Duration::from_secs(120));
        run_to_routes(&mut network, Duration::from_secs(120));
        let _ = ping(&mut network, "SPOKE1", LAN1, LAN2, 20);
        assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 50).lost(), 0, "{router}: {}", log(&network));
        finish(&network);
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let digest = |seed| {
        let mut network = guide(seed);
        run_to_routes(&mut network, LIMIT);
        let _ = ping(&mut network, "SPOKE1", LAN1, LAN2, 5);
        network.run_for(Duration::from_secs(60));
        network.trace_digest()
    };
    assert_eq!(digest(1), digest(1));
    assert_ne!(digest(1), digest(2));
}

#[test]
fn early_and_repeated_timeouts_change_nothing() {
    let run = |extra| {
        let mut network = guide(1);
        network.set_extra_timeouts(extra);
        run_to_routes(&mut network, LIMIT);
        network.run_for(Duration::from_secs(60));
        network.trace_digest()
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn pasted_configurations_give_the_same_cloud() {
    let trace = |spoke2| {
        let configs = ["hub1.cfg", "spoke1.cfg", spoke2].map(|file| config(file, &[]));
        let mut network = cloud(1, configs);
        run_to_routes(&mut network, LIMIT);
        network.trace_digest()
    };
    assert_eq!(trace("spoke2.cfg"), trace("spoke2-pasted.cfg"));
}

#[test]
fn shutting_down_leaves_nothing_behind_on_the_hub() {
    let mut network = guide(1);
    run_to_routes(&mut network, LIMIT);
    network.command("SPOKE2", dmvpn::Command::Shutdown);
    network.run_for(Duration::from_secs(5));
    let now = network.instant();
    let hub = network.engine("HUB1");
    assert_eq!(hub.nhrp_cache(now).entries.len(), 1, "{}", log(&network));
    assert_eq!(hub.crypto_sessions(now).sessions.len(), 1);
    assert!(!common::has_route(&network, "SPOKE1", LAN2));
    finish(&network);
}
