//! A cloud without IPsec and without a routing protocol: static routes over the tunnel, plain GRE.
#![cfg(feature = "sim")]

mod common;

use std::net::Ipv4Addr;
use std::time::Duration;

use common::{LAN1, LAN2, config, hops, log, ping, run_to_routes, saw, start};
use dmvpn::Event;
use dmvpn::sim::{Network, RouterSpec};

const UNPROTECTED: (&str, &str) = (" tunnel protection ipsec profile DMVPN-IPSEC-PROFILE\n", "");

fn unprotected(seed: u64) -> Network {
    let routes = |routes: &str| format!("{routes}ip route 0.0.0.0 0.0.0.0");
    let hub = routes(
        "ip route 192.168.11.0 255.255.255.0 10.0.0.11\nip route 192.168.12.0 255.255.255.0 10.0.0.12\n",
    );
    let spoke1 = routes("ip route 192.168.12.0 255.255.255.0 10.0.0.12\n");
    let spoke2 = routes("ip route 192.168.11.0 255.255.255.0 10.0.0.11\n");
    let mut network = Network::new(start(), seed);
    for (file, static_routes) in [("hub1.cfg", hub), ("spoke1.cfg", spoke1), ("spoke2.cfg", spoke2)] {
        let ospf_off = ("router ospf 1\n", "router ospf 1\n shutdown\n");
        let config = config(file, &[UNPROTECTED, ospf_off, ("ip route 0.0.0.0 0.0.0.0", &static_routes)]);
        let name = config.hostname.clone();
        network.add_router(&name, RouterSpec::with_config(config).unprotected()).expect("sound");
    }
    network
}

#[test]
fn plain_gre_registers_resolves_and_proves_its_direct_path_by_a_probe() {
    let mut network = unprotected(1);
    network.run_for(Duration::from_secs(2));
    let hub = network.engine("HUB1");
    assert_eq!(hub.nhrp_cache(network.instant()).entries.len(), 2, "{}", log(&network));
    let report = ping(&mut network, "SPOKE1", LAN1, LAN2, 50);
    assert_eq!(report.lost(), 0, "{}", log(&network));
    assert!(saw(&network, "SPOKE1", |event| matches!(event, Event::DirectPathUp { .. })));
    assert_eq!(hops(&mut network, "SPOKE1", LAN1, LAN2), [Some(Ipv4Addr::new(10, 0, 0, 12))]);
}

#[test]
fn a_direct_path_that_carries_nothing_is_never_used() {
    let mut network = unprotected(2);
    network.set_reachable("SPOKE1", "SPOKE2", false);
    network.run_for(Duration::from_secs(2));
    let report = ping(&mut network, "SPOKE1", LAN1, LAN2, 100);
    assert_eq!(report.lost(), 0, "{}", log(&network));
    assert!(!saw(&network, "SPOKE1", |event| matches!(event, Event::DirectPathUp { .. })));
}

/// Nothing comes back from the LAN, so nothing makes the far spoke ask for us: its resolution reply is the first packet
/// that the near spoke ever gets from that address.
#[test]
fn a_reply_from_a_stranger_is_enough_for_a_direct_path() {
    let mut network = unprotected(3);
    network.run_for(Duration::from_secs(2));
    let nobody = Ipv4Addr::new(192, 168, 12, 77);
    ping(&mut network, "SPOKE1", LAN1, nobody, 20);
    assert!(
        saw(&network, "SPOKE1", |event| matches!(event, Event::DirectPathUp { .. })),
        "{}",
        log(&network)
    );
}

/// A spoke that restarts knows nobody; the others know it, and go on sending to it directly. Their data must arrive, although
/// nothing makes it learn who they are.
#[test]
fn data_of_a_peer_that_a_restarted_router_does_not_know_arrives() {
    let mut network = unprotected(4);
    network.run_for(Duration::from_secs(2));
    assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 20).lost(), 0);
    network.fail("SPOKE2");
    network.restore("SPOKE2").expect("the same configuration");
    network.run_for(Duration::from_secs(3));
    let mut one_way = dmvpn::sim::FlowConfig::new(LAN2, 50).from(LAN1);
    one_way.interval = Duration::from_millis(100);
    let id = network.flow("SPOKE1", one_way);
    network.run_for(Duration::from_secs(6));
    assert_eq!(network.flow_report(id).missing(), 0, "{}", log(&network));
}

/// The guide's cloud as it is, only without IPsec: OSPF finds the far LAN.
#[test]
fn ospf_runs_over_plain_gre() {
    let files = ["hub1.cfg", "spoke1.cfg", "spoke2.cfg"];
    let mut network = Network::new(start(), 4);
    for file in files {
        let config = config(file, &[UNPROTECTED]);
        let name = config.hostname.clone();
        network.add_router(&name, RouterSpec::with_config(config).unprotected()).expect("sound");
    }
    run_to_routes(&mut network, Duration::from_secs(60));
    let report = ping(&mut network, "SPOKE1", LAN1, LAN2, 50);
    assert_eq!(report.lost(), 0, "{}", log(&network));
}
