//! One stolen router: what its thief can claim, and how it is locked out.
#![cfg(feature = "sim")]

mod common;

use std::time::Duration;

use common::{LAN1, LAN2, cloud, config, finish, log, ping, run_to_routes, saw};
use dmvpn::sim::Network;
use dmvpn::{Command, Event};

const MATCH: (&str, &str) = ("match identity remote address 0.0.0.0", "match identity remote any");
const PERMITS: (&str, &str) = (
    " ip nhrp network-id 100",
    " ip nhrp network-id 100\n ip nhrp permit 10.0.0.11 identity fqdn spoke1.example.com\
     \n ip nhrp permit 10.0.0.12 identity fqdn spoke2.example.com",
);
const KEYRING: &str = " keyring local DMVPN-KEYRING";

/// The guide's cloud in which routers have names as identities, and the hub grants each its address; `edits` are SPOKE2's.
fn bound(edits: &[(&str, &str)]) -> Network {
    let named = |name: &str| format!("{KEYRING}\n identity local fqdn {name}.example.com");
    let (one, two) = (named("spoke1"), named("spoke2"));
    let mut second = vec![MATCH, (KEYRING, two.as_str())];
    second.extend_from_slice(edits);
    cloud(
        21,
        [
            config("hub1.cfg", &[MATCH, PERMITS]),
            config("spoke1.cfg", &[MATCH, (KEYRING, one.as_str())]),
            config("spoke2.cfg", &second),
        ],
    )
}

fn locked_out(name: &str) -> ikev2::IdentityMatch {
    ikev2::IdentityMatch::Fqdn(format!("{name}.example.com"))
}

#[test]
fn identities_that_are_permitted_register_and_reach_each_other() {
    let mut network = bound(&[]);
    run_to_routes(&mut network, Duration::from_secs(30));
    assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 20).lost(), 0, "{}", log(&network));
    assert!(!saw(&network, "HUB1", |event| matches!(event, Event::RegistrationProhibited { .. })));
    finish(&network);
}

/// With one pre-shared key for all, a thief who has one router's configuration could take over any other router's address,
/// and its traffic.
#[test]
fn an_identity_may_not_claim_the_address_of_another() {
    let mut network = bound(&[("10.0.0.12 255", "10.0.0.11 255")]);
    network.run_for(Duration::from_secs(60));
    let refused = network
        .events_of("HUB1")
        .find(|(_, event)| matches!(event, Event::RegistrationProhibited { .. }))
        .map(|(_, event)| event.to_string());
    assert_eq!(
        refused.as_deref(),
        Some(
            "NHRP: Tunnel0: registration refused: identity spoke2.example.com (NBMA 198.51.100.2) \
             may not claim 10.0.0.11 (ip nhrp permit)"
        ),
        "{}",
        log(&network)
    );
    // The address is where it belongs.
    let show = network.engine("HUB1").show(network.instant(), &"show ip nhrp".parse().unwrap()).to_string();
    assert!(show.contains("10.0.0.11/32") && show.contains("198.51.100.1"), "{show}");
    assert!(!show.contains("198.51.100.2"), "{show}");
    finish(&network);
}

/// A stolen router keeps its keys: without revocation the only way out is a new key on every router.
#[test]
fn a_revoked_identity_loses_its_tunnel_and_gets_none_until_it_is_reinstated() {
    let mut network = bound(&[]);
    run_to_routes(&mut network, Duration::from_secs(30));
    for router in ["HUB1", "SPOKE1"] {
        network.command(router, Command::Revoke(locked_out("spoke2")));
    }
    // Its registration can be used by nobody, and is forgotten when its holding time ends.
    network.run_for(Duration::from_secs(330));
    let now = network.instant();
    let nhrp = network.engine("HUB1").show(now, &"show ip nhrp".parse().unwrap()).to_string();
    assert!(nhrp.contains("10.0.0.11/32") && !nhrp.contains("10.0.0.12/32"), "{nhrp}");
    assert!(
        saw(&network, "HUB1", |event| event.to_string().contains("identity is revoked")),
        "{}",
        log(&network)
    );
    assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 5).lost(), 5);

    for router in ["HUB1", "SPOKE1"] {
        network.command(router, Command::Reinstate(locked_out("spoke2")));
    }
    run_to_routes(&mut network, Duration::from_secs(180));
    assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 5).lost(), 0, "{}", log(&network));
    finish(&network);
}
