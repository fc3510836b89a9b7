//! A hub by name: the embedder looks it up, and the spoke follows it to another address.
#![cfg(feature = "sim")]

mod common;

use std::time::Duration;

use common::{LAN1, LAN2, cloud, config, finish, log, ping, run_to_routes, saw};
use dmvpn::Event;

const LINES: &str = " ip nhrp map 10.0.0.1 203.0.113.1\n ip nhrp map multicast 203.0.113.1\n";
const BY_NAME: (&str, &str) =
    ("ip nhrp nhs 10.0.0.1\n", "ip nhrp nhs 10.0.0.1 nbma hub.example.net multicast\n");

#[test]
fn a_hub_that_moves_is_found_by_its_name() {
    let spoke = |file| config(file, &[(LINES, ""), BY_NAME]);
    let mut network = cloud(41, [config("hub1.cfg", &[]), spoke("spoke1.cfg"), spoke("spoke2.cfg")]);
    // Nobody knows the name yet.
    network.run_for(Duration::from_secs(12));
    assert!(
        saw(&network, "SPOKE1", |event| {
            matches!(event, Event::Nhrp { event: nhrp::Event::NameUnresolved { .. }, .. })
        }),
        "{}",
        log(&network)
    );
    network.set_name("hub.example.net", &["203.0.113.1".parse().expect("an address")]);
    run_to_routes(&mut network, Duration::from_secs(30));
    assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 10).lost(), 0);
    let text =
        network.engine("SPOKE1").show(network.instant(), &"show ip nhrp nhs".parse().expect("a command"));
    assert!(text.to_string().contains("NBMA Address: 203.0.113.1 (hub.example.net)"), "{text}");

    // It comes back elsewhere, and its name says so.
    network.fail("HUB1");
    network.set_name("hub.example.net", &["203.0.113.9".parse().expect("an address")]);
    let moved = [("ip address 203.0.113.1", "ip address 203.0.113.9")];
    network.restore_with("HUB1", config("hub1.cfg", &moved)).expect("a free address");
    network.run_for(Duration::from_secs(90));
    run_to_routes(&mut network, Duration::from_secs(120));
    assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 10).lost(), 0, "{}", log(&network));
    finish(&network);
}
