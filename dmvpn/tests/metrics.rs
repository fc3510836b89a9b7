//! What a monitoring system sees of a cloud.
#![cfg(feature = "sim")]

mod common;

use std::time::Duration;

use common::{LAN1, LAN2, finish, guide, ping, run_to_routes};

#[test]
fn the_guides_cloud_in_numbers() {
    let mut network = guide(21);
    run_to_routes(&mut network, Duration::from_secs(60));
    assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 5).lost(), 0);
    network.run_for(Duration::from_secs(10));
    let now = network.instant();
    let hub = network.engine("HUB1").metrics(now);
    let of = |name: &str, labels: &[(&str, &str)]| {
        hub.value(name, labels).unwrap_or_else(|| panic!("{name} {labels:?}: {hub}"))
    };
    assert_eq!(of("dmvpn_peers", &[("interface", "Tunnel0"), ("state", "up")]), 2);
    assert_eq!(of("dmvpn_crypto_sessions", &[("status", "up-active")]), 2);
    assert_eq!(of("dmvpn_ipsec_sas", &[("local", "203.0.113.1")]), 2);
    assert_eq!(of("dmvpn_ospf_neighbors", &[("interface", "Tunnel0"), ("state", "full")]), 2);
    assert_eq!(of("dmvpn_interface_up", &[("interface", "Tunnel0")]), 1);
    let registrations = [("interface", "Tunnel0"), ("direction", "in"), ("type", "registration-request")];
    assert!(of("dmvpn_nhrp_packets_total", &registrations) >= 2);
    assert_eq!(of("dmvpn_rekeys_total", &[("local", "203.0.113.1"), ("sa", "child")]), 0);

    let spoke = network.engine("SPOKE1").metrics(now);
    assert_eq!(spoke.value("dmvpn_nhs_up", &[("interface", "Tunnel0"), ("nhs", "10.0.0.1")]), Some(1));
    let out = spoke.value("dmvpn_interface_bytes_total", &[("interface", "Tunnel0"), ("direction", "out")]);
    assert!(out > Some(500), "five pings of 100 bytes at least: {out:?}");
    let resolutions = [("interface", "Tunnel0"), ("direction", "out"), ("type", "resolution-request")];
    assert!(spoke.value("dmvpn_nhrp_packets_total", &resolutions) >= Some(1), "{spoke}");

    // Each line is a comment, or a name with labels and a number; each name is there once.
    let text = hub.to_string();
    for line in text.lines().filter(|line| !line.starts_with("# ")) {
        let (name, value) = line.rsplit_once(' ').expect("a value");
        assert!(name.starts_with("dmvpn_") && value.parse::<u64>().is_ok(), "{line}");
    }
    let names: Vec<&str> = hub.families.iter().map(|family| family.name).collect();
    let mut once = names.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), names.len());
    finish(&network);
}
