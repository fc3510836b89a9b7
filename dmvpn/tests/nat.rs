//! Spokes behind NAT.
#![cfg(feature = "sim")]

mod common;

use std::net::Ipv4Addr;
use std::time::Duration;

use common::{LAN1, LAN2, config, finish, log, ping, run_to_routes, start};
use dmvpn::sim::{NatConfig, Network, RouterSpec};

const PUBLIC: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 201);

/// The guide's cloud with these spokes behind one NAT box of this kind.
fn behind_nat(seed: u64, spokes: &[&str], nat: NatConfig) -> Network {
    let mut network = Network::new(start(), seed);
    let nat = network.add_nat("NAT", nat).expect("a free address");
    network.add_config(config("hub1.cfg", &[])).expect("sound");
    for (name, file) in [("SPOKE1", "spoke1.cfg"), ("SPOKE2", "spoke2.cfg")] {
        let mut spec = RouterSpec::with_config(config(file, &[]));
        if spokes.contains(&name) {
            spec = spec.behind(nat);
        }
        network.add_router(name, spec).expect("sound");
    }
    network
}

#[test]
fn a_spoke_behind_a_port_restricted_nat_registers_and_loses_nothing() {
    let mut network = behind_nat(5, &["SPOKE2"], NatConfig::port_restricted(PUBLIC));
    run_to_routes(&mut network, Duration::from_secs(30));
    let report = ping(&mut network, "SPOKE1", LAN1, LAN2, 50);
    assert_eq!(report.lost(), 0, "{}", log(&network));
    finish(&network);
}

#[test]
fn two_spokes_behind_one_symmetric_nat_are_both_reachable_by_way_of_the_hub() {
    let mut network = behind_nat(6, &["SPOKE1", "SPOKE2"], NatConfig::symmetric(PUBLIC));
    run_to_routes(&mut network, Duration::from_secs(30));
    let report = ping(&mut network, "SPOKE1", LAN1, LAN2, 50);
    assert_eq!(report.lost(), 0, "{}", log(&network));
    finish(&network);
}

#[test]
fn a_nat_rebinding_moves_the_peer() {
    let mut network = behind_nat(8, &["SPOKE1"], NatConfig::port_restricted(PUBLIC));
    run_to_routes(&mut network, Duration::from_secs(30));
    assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 10).lost(), 0);
    network.rebind_nat("NAT", None).expect("it exists");
    // The hub learns of the new port from the next packet that the spoke sends.
    network.run_for(Duration::from_secs(30));
    assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 10).lost(), 0, "{}", log(&network));
    finish(&network);
}
