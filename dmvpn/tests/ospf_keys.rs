//! Keys of OSPF that follow each other by the clock: `send-lifetime` and `accept-lifetime` of a key chain.
#![cfg(feature = "sim")]

mod common;

use std::net::Ipv4Addr;
use std::time::Duration;

use common::{LAN1, LAN2, config, has_route, log, saw, start};
use dmvpn::sim::{Network, RouterSpec};
use dmvpn::{Config, Engine, Event, Options};
use ospf_p2mp::{DownReason, Event as OspfEvent};

/// 2026-11-22 12:30:00 UTC.
const NOON: u32 = 1_795_350_600;

/// The second key takes over at 12:40; both are accepted from 12:35 to 12:45.
const CHAIN: &str = "key chain OSPF
 key 1
  key-string first
  cryptographic-algorithm hmac-sha-256
  send-lifetime 00:00:00 Jan 1 2026 12:40:00 Nov 22 2026
  accept-lifetime 00:00:00 Jan 1 2026 12:45:00 Nov 22 2026
 key 2
  key-string second
  cryptographic-algorithm hmac-sha-256
  send-lifetime 12:40:00 22 November 2026 infinite
  accept-lifetime 12:35:00 22 November 2026 infinite
!
interface Tunnel0
 ip ospf authentication key-chain OSPF
";

fn keyed(file: &str, chain: &str) -> Config {
    config(file, &[("interface Tunnel0\n", chain)])
}

fn add(network: &mut Network, config: Config, unix_time: u32) {
    let name = config.hostname.clone();
    let spec = RouterSpec::new(move |mut boot| {
        let mut options = Options::default();
        options.unix_time = Some(unix_time);
        Engine::with_options(config.clone(), options, &mut boot.rng, boot.now)
    });
    network.add_router(&name, spec).expect("sound");
}

fn key_in_use(network: &Network) -> Vec<u8> {
    let keys = network.routers().map(|(_, name)| {
        let text = format!("{:?}", network.engine(name).ospf_interfaces(network.instant()));
        let at = text.find("key_id: Some(").map(|at| at + 13).expect("a key id");
        text[at..].chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("a number")
    });
    keys.collect()
}

fn neighbours_lost(network: &Network) -> bool {
    let down = |event: &Event| matches!(event, Event::Ospf { event: OspfEvent::NeighborDown { .. }, .. });
    network.routers().any(|(_, name)| saw(network, name, down))
}

#[test]
fn the_next_key_takes_over_without_losing_a_neighbour() {
    let mut network = Network::new(start(), 1);
    // Clocks differ by two minutes, less than the time for which both keys are accepted.
    for (file, late) in [("hub1.cfg", 0), ("spoke1.cfg", 60), ("spoke2.cfg", 120)] {
        add(&mut network, keyed(file, CHAIN), NOON - late);
    }
    network.run_for(Duration::from_secs(60));
    assert!(has_route(&network, "SPOKE1", LAN2), "{}", log(&network));
    assert_eq!(key_in_use(&network), [1, 1, 1]);
    network.run_for(Duration::from_secs(9 * 60 + 30));
    assert_eq!(key_in_use(&network), [2, 1, 1], "the hub's clock is ahead");
    network.run_for(Duration::from_secs(20 * 60));
    assert_eq!(key_in_use(&network), [2, 2, 2]);
    assert!(!neighbours_lost(&network), "{}", log(&network));
    assert!(has_route(&network, "SPOKE2", LAN1));
}

/// Without a time in which both are accepted, a clock that is two minutes behind costs the adjacency, by name, until it
/// gets there.
#[test]
fn keys_are_not_accepted_outside_of_their_lifetimes() {
    let abrupt =
        CHAIN.replace("12:45:00", "12:40:00").replace("accept-lifetime 12:35:00", "accept-lifetime 12:40:00");
    let mut network = Network::new(start(), 2);
    for (file, late) in [("hub1.cfg", 0), ("spoke1.cfg", 300)] {
        add(&mut network, keyed(file, &abrupt), NOON - late);
    }
    network.run_for(Duration::from_secs(13 * 60));
    let lost = |event: &Event| {
        matches!(
            event,
            Event::Ospf { event: OspfEvent::NeighborDown { reason: DownReason::DeadTimer, .. }, .. }
        )
    };
    assert!(saw(&network, "HUB1", lost), "{}", log(&network));
    let named =
        |event: &Event| matches!(event, Event::Ospf { event: OspfEvent::ParameterMismatch { .. }, .. });
    assert!(saw(&network, "HUB1", named));
    network.run_for(Duration::from_secs(6 * 60));
    assert!(has_route(&network, "HUB1", Ipv4Addr::new(192, 168, 11, 1)), "{}", log(&network));
}

#[test]
fn lifetimes_need_the_time_of_day() {
    let spec = RouterSpec::with_config(keyed("spoke1.cfg", CHAIN));
    let error = Network::new(start(), 3).add_router("SPOKE1", spec).expect_err("no clock").to_string();
    assert!(error.contains("key 1 of OSPF has a lifetime"), "{error}");
}

#[test]
fn odd_lifetimes_are_named_and_removed_by_no() {
    let parse = |lines: &str| {
        let text = format!("key chain K\n key 1\n  key-string x\n{lines}");
        dmvpn::config::ios::parse("keys.cfg", &text)
    };
    let bad = parse("  send-lifetime 25:00:00 Jan 1 2026 infinite\n");
    assert!(bad.diagnostics.iter().any(|found| found.is_error() && found.to_string().contains("lifetime")));
    let local = parse("  accept-lifetime local 00:00:00 Jan 1 2026 infinite\n");
    assert!(local.diagnostics.iter().any(|found| found.to_string().contains("UTC")));
    assert_eq!(local.config.key_chains[0].keys[0].accept.map(|life| life.from), Some(1_767_225_600));
    let removed = parse("  send-lifetime 00:00:00 Jan 1 2026 infinite\n  no send-lifetime\n");
    assert_eq!(removed.config.key_chains[0].keys[0].send, None);
}
