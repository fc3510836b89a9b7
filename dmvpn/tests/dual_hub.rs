//! The guide's dual hub: two clouds, one preferred by OSPF cost.
#![cfg(feature = "sim")]

mod common;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use common::{LAN1, LAN2, dual_hub, finish, hops, log, ping, run_to_routes};
use dmvpn::sim::Network;

const BY_HUB1: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 12);
const BY_HUB2: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 12);

/// The gateway of SPOKE1's route to SPOKE2's LAN.
fn gateway(network: &Network) -> Option<IpAddr> {
    let route = network.engine("SPOKE1").route(network.instant(), LAN2).route?;
    route.paths.first()?.gateway
}

fn run_until_gateway(network: &mut Network, wanted: Ipv4Addr, limit: Duration) -> Duration {
    let since = network.now();
    let at = network.run_until_condition(limit, |network| gateway(network) == Some(IpAddr::V4(wanted)));
    at.unwrap_or_else(|| panic!("not {wanted}: {}", log(network))) - since
}

#[test]
fn traffic_prefers_the_first_hub_moves_when_it_fails_and_moves_back() {
    let mut network = dual_hub(3);
    run_to_routes(&mut network, Duration::from_secs(30));
    run_until_gateway(&mut network, BY_HUB1, Duration::from_secs(30));
    assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 10).lost(), 0);
    assert_eq!(hops(&mut network, "SPOKE1", LAN1, LAN2), [Some(BY_HUB1)]);

    network.fail("HUB1");
    run_until_gateway(&mut network, BY_HUB2, Duration::from_secs(150));
    assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 10).lost(), 0);
    assert_eq!(hops(&mut network, "SPOKE1", LAN1, LAN2), [Some(BY_HUB2)]);

    // It stays away until both spokes have noticed, each by itself.
    network.run_for(Duration::from_secs(60));
    network.restore("HUB1").expect("the same configuration");
    run_until_gateway(&mut network, BY_HUB1, Duration::from_secs(150));
    assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 10).lost(), 0);
    assert_eq!(hops(&mut network, "SPOKE1", LAN1, LAN2), [Some(BY_HUB1)], "{}", log(&network));
    finish(&network);
}

#[test]
fn two_tunnels_on_one_source_without_distinct_keys_are_an_error_that_names_both() {
    let path = format!("{}/tests/data/guide/spoke1-dual-hub.cfg", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the project's own copy");
    for (from, to) in [(" tunnel key 200\n", " tunnel key 100\n"), (" tunnel key 200\n", "")] {
        let text = text.replace(from, to).replace(if to.is_empty() { " tunnel key 100\n" } else { "~" }, "");
        let config = dmvpn::config::ios::parse("spoke1.cfg", &text).config;
        let errors: Vec<String> =
            config.validate().iter().filter(|found| found.is_error()).map(ToString::to_string).collect();
        assert!(
            errors.iter().any(|error| error.contains("Tunnel0") && error.contains("Tunnel1")),
            "{errors:?}"
        );
    }
}
