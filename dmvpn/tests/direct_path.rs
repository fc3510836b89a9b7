//! A direct path between two spokes dies in each way that there is. Data is back on the hub within a stated bound, nothing
//! is lost from then on, and the path does not flap.
//!
//! | the path ends by | data is back on the hub | why |
//! |---|---|---|
//! | deletion of its SA | at once | the deletion is told |
//! | silence: cut both ways | within 24 s | IKE asks after 10 s without a packet, and gives up 10 s later |
//! | silence in one direction: a black hole | within 24 s | the end that hears nothing finds it, and tells the other through the hub |
//! | purge: one end forgets it | at once | its SA is deleted with it |
//! | expiry | never: what is used is refreshed | |
//! | silence without IPsec | within 13 s | a probe every 10 s, three without answer |
#![cfg(feature = "sim")]

mod common;

use std::net::Ipv4Addr;
use std::time::Duration;

use common::{LAN1, LAN2, cloud, config, finish, guide, hops, log, ping, run_to_routes, start};
use dmvpn::sim::{FlowConfig, FlowId, Network, RouterSpec};
use dmvpn::{Command, Event};

const SPOKE2: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 12);
/// Dead peer detection as it is by default: 10 s of silence, retransmissions for 10 s, and the coarseness of both.
const BOUND: Duration = Duration::from_secs(24);
const TICK: Duration = Duration::from_millis(100);

/// The guide's cloud with a direct path in use.
fn direct(seed: u64) -> Network {
    let mut network = guide(seed);
    run_to_routes(&mut network, Duration::from_secs(30));
    assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 20).lost(), 0);
    assert_eq!(hops(&mut network, "SPOKE1", LAN1, LAN2), [Some(SPOKE2)]);
    network
}

/// Ten packets a second from SPOKE1 to SPOKE2's LAN, and as many back.
fn flows(network: &mut Network, time: Duration) -> [FlowId; 2] {
    let count = u32::try_from(time.as_millis() / TICK.as_millis()).expect("a short time");
    let flow = |to, from| {
        let mut config = FlowConfig::new(to, count).from(from);
        config.interval = TICK;
        config
    };
    [network.flow("SPOKE1", flow(LAN2, LAN1)), network.flow("SPOKE2", flow(LAN1, LAN2))]
}

/// Does it in the middle of five minutes of traffic. Nothing may be lost that was sent longer than `bound` after it, and in
/// all that time the direct path comes up at most `comebacks` times.
fn endure(network: &mut Network, bound: Duration, comebacks: usize, harm: impl FnOnce(&mut Network)) {
    let ups = |network: &Network| {
        network.events_of("SPOKE1").filter(|(_, event)| matches!(event, Event::DirectPathUp { .. })).count()
    };
    let before = flows(network, Duration::from_secs(10));
    network.run_for(Duration::from_secs(12));
    for id in before {
        assert_eq!(network.flow_report(id).missing(), 0, "before: {}", log(network));
    }
    let ups_before = ups(network);
    // What dies with the path: it makes the failure be noticed.
    flows(network, bound);
    harm(network);
    network.run_for(bound);
    let after = flows(network, Duration::from_secs(285));
    network.run_for(Duration::from_secs(290));
    for id in after {
        assert_eq!(network.flow_report(id).missing(), 0, "after {bound:?}: {}", log(network));
    }
    let came_up = ups(network) - ups_before;
    assert!(came_up <= comebacks, "{came_up} times up: {}", log(network));
}

#[test]
fn its_sa_is_deleted() {
    let mut network = direct(31);
    endure(&mut network, Duration::from_millis(200), 2, |network| {
        let remote = "198.51.100.2".parse().expect("an address");
        network.command("SPOKE1", Command::ClearCrypto(Some(remote)));
    });
    finish(&network);
}

#[test]
fn it_is_cut_both_ways() {
    let mut network = direct(32);
    endure(&mut network, BOUND, 0, |network| {
        network.set_reachable("SPOKE1", "SPOKE2", false);
    });
    // Once it can be again, it is.
    network.heal();
    let back = flows(&mut network, Duration::from_secs(170));
    network.run_for(Duration::from_secs(175));
    assert_eq!(back.map(|id| network.flow_report(id).missing()), [0, 0], "{}", log(&network));
    assert_eq!(hops(&mut network, "SPOKE1", LAN1, LAN2), [Some(SPOKE2)], "{}", log(&network));
    finish(&network);
}

#[test]
fn it_becomes_a_black_hole_in_one_direction() {
    for (from, to) in [("SPOKE1", "SPOKE2"), ("SPOKE2", "SPOKE1")] {
        let mut network = direct(33);
        endure(&mut network, BOUND, 0, |network| {
            network.set_reachable_one_way(from, to, false);
        });
        finish(&network);
    }
}

#[test]
fn its_binding_is_purged() {
    let mut network = direct(34);
    network.command("SPOKE2", Command::ClearNhrp);
    network.run_for(Duration::from_secs(10));
    endure(&mut network, Duration::from_millis(200), 2, |network| {
        network.command("SPOKE1", Command::ClearNhrpPrefix("10.0.0.12/32".parse().expect("a prefix")));
    });
    finish(&network);
}

#[test]
fn its_holding_time_runs_out_while_it_is_used_and_while_it_is_not() {
    let mut network = direct(35);
    // Used: five minutes of traffic are longer than the holding time, and nothing happens at its end.
    endure(&mut network, TICK, 0, |_| {});
    // Unused: it goes, and comes again with the next packet, which the hub carries.
    network.run_for(Duration::from_secs(400));
    let now = network.instant();
    let entries = network.engine("SPOKE1").nhrp_cache(now).entries;
    assert!(entries.iter().all(|entry| entry.next_hop != SPOKE2), "{entries:?}");
    assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 20).lost(), 0, "{}", log(&network));
    assert_eq!(hops(&mut network, "SPOKE1", LAN1, LAN2), [Some(SPOKE2)]);
    finish(&network);
}

#[test]
fn plain_gre_is_cut() {
    let mut network = Network::new(start(), 36);
    let plain: (&str, &str) = (" tunnel protection ipsec profile DMVPN-IPSEC-PROFILE\n", "");
    for file in ["hub1.cfg", "spoke1.cfg", "spoke2.cfg"] {
        let config = config(file, &[plain]);
        let name = config.hostname.clone();
        network.add_router(&name, RouterSpec::with_config(config).unprotected()).expect("sound");
    }
    run_to_routes(&mut network, Duration::from_secs(30));
    assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 20).lost(), 0);
    network.run_for(Duration::from_secs(5));
    assert_eq!(hops(&mut network, "SPOKE1", LAN1, LAN2), [Some(SPOKE2)], "{}", log(&network));
    endure(&mut network, Duration::from_secs(14), 0, |network| {
        network.set_reachable("SPOKE1", "SPOKE2", false);
    });
}

/// Both spokes register with two hubs of one tunnel, a direct path between them cannot be, and the hub that carries their
/// data dies. FRR loses 81 of 100 packets in such a case; here everything is on the other hub within the detection time.
#[test]
fn a_hub_that_relays_dies_and_the_other_one_takes_over() {
    let second = (
        "ip nhrp nhs 10.0.0.1\n",
        "ip nhrp nhs 10.0.0.1\n ip nhrp map 10.0.0.2 203.0.113.2\n ip nhrp map multicast 203.0.113.2\n ip nhrp nhs 10.0.0.2\n",
    );
    let hub2 = [
        ("ip address 10.1.0.1", "ip address 10.0.0.2"),
        ("network-id 200", "network-id 100"),
        ("tunnel key 200", "tunnel key 100"),
        ("network 10.1.0.0", "network 10.0.0.0"),
    ];
    for victim in ["HUB1", "HUB2"] {
        let mut network = cloud(
            37,
            [
                config("hub1.cfg", &[]),
                config("hub2.cfg", &hub2),
                config("spoke1.cfg", &[second]),
                config("spoke2.cfg", &[second]),
            ],
        );
        network.set_reachable("SPOKE1", "SPOKE2", false);
        run_to_routes(&mut network, Duration::from_secs(30));
        network.run_for(Duration::from_secs(60));
        endure(&mut network, BOUND, 0, |network| network.fail(victim));
        assert!(common::has_route(&network, "SPOKE1", LAN2));
        // It comes back, and nothing is lost.
        let back = flows(&mut network, Duration::from_secs(120));
        network.restore(victim).expect("the same configuration");
        network.run_for(Duration::from_secs(125));
        assert_eq!(back.map(|id| network.flow_report(id).missing()), [0, 0], "{victim}: {}", log(&network));
        finish(&network);
    }
}
