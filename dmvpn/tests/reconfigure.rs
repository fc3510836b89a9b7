//! A router takes another configuration while it runs, and keeps the peers that the change does not touch.
#![cfg(feature = "sim")]

mod common;

use std::time::Duration;

use common::{LAN1, LAN2, config, finish, guide, has_route, log, ping, run_to_routes, saw};
use dmvpn::sim::Network;
use dmvpn::{Event, ReconfigureError, Reconfigured};

const A_MINUTE: Duration = Duration::from_secs(60);

fn reconfigure(
    network: &mut Network,
    router: &str,
    file: &str,
    edits: &[(&str, &str)],
) -> Result<Reconfigured, ReconfigureError> {
    let now = network.instant();
    let done = network.engine_mut(router).reconfigure(now, config(file, edits));
    network.run_for(Duration::ZERO);
    done
}

fn show(network: &Network, router: &str, line: &str) -> String {
    network.engine(router).show(network.instant(), &line.parse().expect("a command")).to_string()
}

/// How often SAs, neighbours or next hops were lost so far.
fn losses(network: &Network) -> usize {
    ["HUB1", "SPOKE1", "SPOKE2"]
        .iter()
        .flat_map(|router| network.events_of(router))
        .filter(|(_, event)| {
            matches!(
                event,
                Event::Ike { event: ikev2::Event::PeerDown { .. }, .. }
                    | Event::DirectPathDown { .. }
                    | Event::Nhrp { event: nhrp::Event::NhsDown { .. }, .. }
            )
        })
        .count()
}

#[test]
fn the_same_configuration_changes_nothing() {
    let mut network = guide(11);
    run_to_routes(&mut network, A_MINUTE);
    assert_eq!(reconfigure(&mut network, "HUB1", "hub1.cfg", &[]), Ok(Reconfigured::default()));
    finish(&network);
}

#[test]
fn timers_costs_clamps_and_routes_change_in_place() {
    let mut network = guide(12);
    run_to_routes(&mut network, A_MINUTE);
    let edits = [
        ("ip nhrp holdtime 300", "ip nhrp holdtime 600"),
        ("ip tcp adjust-mss 1360\n ip ospf", "ip tcp adjust-mss 1300\n ip ospf cost 77\n ip ospf"),
        ("ip route 0.0.0.0 0.0.0.0 198.51.100.254", "ip route 172.16.0.0 255.240.0.0 192.168.11.9"),
    ];
    let done = reconfigure(&mut network, "SPOKE1", "spoke1.cfg", &edits).expect("it applies");
    assert_eq!(done.restarted, Vec::<String>::new());
    assert_eq!(done.applied, ["NHRP on Tunnel0", "Tunnel0", "connected and static routes", "OSPF"]);
    assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 20).lost(), 0, "{}", log(&network));
    network.run_for(Duration::from_secs(10));
    assert_eq!(losses(&network), 0, "{}", log(&network));
    // The hub knows of the new holding time at once, not after the next registration.
    let entry = show(&network, "HUB1", "show ip nhrp");
    assert!(entry.contains("expire 00:09:"), "{entry}");
    let routes = show(&network, "SPOKE1", "show ip route");
    assert!(routes.contains("172.16.0.0/12") && !routes.contains("S*"), "{routes}");
    let interface = show(&network, "SPOKE1", "show ip ospf interface");
    assert!(interface.contains("Cost: 77"), "{interface}");
    finish(&network);
}

#[test]
fn new_keys_are_for_the_next_negotiation() {
    let mut network = guide(13);
    run_to_routes(&mut network, A_MINUTE);
    let key = [("Sup3rS3cr3tDMVPN!", "an0ther-key")];
    for (router, file) in [("HUB1", "hub1.cfg"), ("SPOKE1", "spoke1.cfg"), ("SPOKE2", "spoke2.cfg")] {
        let done = reconfigure(&mut network, router, file, &key).expect("it applies");
        assert_eq!(done.restarted, Vec::<String>::new());
        assert!(done.applied[0].starts_with("IKEv2 on "), "{done:?}");
    }
    assert_eq!(losses(&network), 0);
    assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 5).lost(), 0);
    // The proof that the new key is in force: the session is made anew with it.
    network.command("SPOKE1", dmvpn::Command::ClearCrypto(None));
    network.run_for(Duration::from_secs(30));
    assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 5).lost(), 0, "{}", log(&network));
    // And a router with the old key is refused.
    let _ = reconfigure(&mut network, "SPOKE2", "spoke2.cfg", &[]).expect("it applies");
    network.command("SPOKE2", dmvpn::Command::ClearCrypto(None));
    network.run_for(Duration::from_secs(30));
    assert!(saw(&network, "HUB1", |event| matches!(
        event,
        Event::Ike { event: ikev2::Event::Refused { .. }, .. }
    )));
    finish(&network);
}

#[test]
fn another_authentication_on_all_routers_loses_nothing() {
    let mut network = guide(14);
    run_to_routes(&mut network, A_MINUTE);
    let edit = [("authentication DMVPN2026", "authentication DMVPN2027")];
    for (router, file) in [("HUB1", "hub1.cfg"), ("SPOKE1", "spoke1.cfg"), ("SPOKE2", "spoke2.cfg")] {
        let done = reconfigure(&mut network, router, file, &edit).expect("it applies");
        assert_eq!(done.applied, ["NHRP on Tunnel0"]);
    }
    network.run_for(Duration::from_secs(400));
    assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 5).lost(), 0, "{}", log(&network));
    assert_eq!(show(&network, "HUB1", "show ip nhrp").matches("registered").count(), 2);
    finish(&network);
}

#[test]
fn another_mapping_restarts_its_tunnel_and_no_other() {
    let mut network = common::dual_hub(15);
    network.run_for(A_MINUTE);
    // A mapping more on Tunnel1 begins Tunnel1 anew.
    let edit =
        [("map 10.1.0.1 203.0.113.2", "map 10.1.0.99 203.0.113.99\n ip nhrp map 10.1.0.1 203.0.113.2")];
    let before = network.events_of("SPOKE1").count();
    let done = reconfigure(&mut network, "SPOKE1", "spoke1-dual-hub.cfg", &edit).expect("it applies");
    assert_eq!(done.restarted, ["Tunnel1"]);
    network.run_for(A_MINUTE);
    let since: Vec<String> =
        network.events_of("SPOKE1").skip(before).map(|(_, event)| event.to_string()).collect();
    assert!(!since.iter().any(|line| line.contains("Tunnel0") && line.contains("down")), "{since:#?}");
    assert!(has_route(&network, "SPOKE1", LAN2), "{}", log(&network));
    let hub2 = show(&network, "HUB2", "show ip nhrp");
    assert!(
        hub2.contains("10.1.0.11/32") && hub2.contains("NBMA address: 198.51.100.1"),
        "it has registered again: {hub2}\n{}",
        log(&network)
    );
    finish(&network);
}

#[test]
fn what_is_wrong_or_another_router_leaves_everything_as_it_was() {
    let mut network = guide(16);
    run_to_routes(&mut network, A_MINUTE);
    let wrong =
        [("tunnel protection ipsec profile DMVPN-IPSEC-PROFILE", "tunnel protection ipsec profile NOBODY")];
    assert!(matches!(
        reconfigure(&mut network, "SPOKE1", "spoke1.cfg", &wrong),
        Err(ReconfigureError::Invalid(_))
    ));
    let other = [("ip address 198.51.100.1 ", "ip address 198.51.100.7 ")];
    let error = reconfigure(&mut network, "SPOKE1", "spoke1.cfg", &other).expect_err("another router");
    assert_eq!(
        error.to_string(),
        "the underlay addresses of the tunnels differ: the router has to be built anew"
    );
    assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 5).lost(), 0);
    assert_eq!(losses(&network), 0);
    finish(&network);
}
