//! The same cloud with encryption: what the wire and its observers see of it.

use std::collections::BTreeSet;

use super::routers::{HUB, HUB_WAN, PC, SERVER, read, spoke_text};
use super::*;
use crate::config::Config;

const CRYPTO: &str = "crypto ikev2 keyring KEYS
 peer ANY
  address 0.0.0.0 0.0.0.0
  pre-shared-key local between-us-only
  pre-shared-key remote between-us-only
crypto ikev2 proposal PROPOSAL
 encryption aes-cbc-256
 integrity sha256
 group 14
crypto ikev2 policy POLICY
 proposal PROPOSAL
crypto ikev2 profile PEERS
 match identity remote address 0.0.0.0
 authentication remote pre-share
 authentication local pre-share
 keyring local KEYS
crypto ipsec transform-set TRANSFORM esp-aes 256 esp-sha256-hmac
 mode transport
crypto ipsec profile PROTECTION
 set transform-set TRANSFORM
 set ikev2-profile PEERS
";
const NAT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const BEHIND: &str = "172.16.0.11";

fn protected(name: &str, text: &str) -> Config {
    let mode = " tunnel mode gre multipoint\n";
    assert!(text.contains(mode));
    let text = text.replace(mode, &format!("{mode} tunnel protection ipsec profile PROTECTION\n"));
    read(name, &format!("{CRYPTO}{text}"))
}

/// Not started yet, so that a test sees everything from the first packet on.
fn cloud(seed: u64, nat: Option<NatConfig>) -> Network {
    let mut network = Network::new(start(), seed);
    network.watch_for_plaintext(b"between-us-only");
    network.set_capture(true);
    let hub = RouterSpec::with_config(protected("hub.cfg", HUB)).host("server", SERVER);
    network.add_router("HUB", hub).unwrap();
    let wan = if nat.is_some() { BEHIND } else { "198.51.100.1" };
    let mut spoke = RouterSpec::with_config(protected("spoke.cfg", &spoke_text(wan))).host("pc", PC);
    if let Some(nat) = nat {
        spoke = spoke.behind(network.add_nat("NAT", nat).unwrap());
    }
    network.add_router("SPOKE", spoke).unwrap();
    network
}

/// The IP protocols on the underlay, with the lower UDP port.
fn protocols(network: &Network) -> BTreeSet<(u8, u16)> {
    let of_packet = |captured: &Captured| {
        let datagram = ipv4::parse(&captured.bytes).unwrap();
        let word = |at: usize| u16::from_be_bytes([datagram.payload[at], datagram.payload[at + 1]]);
        let port = if datagram.header.protocol == 17 { word(0).min(word(2)) } else { 0 };
        (datagram.header.protocol, port)
    };
    network.captured().iter().map(of_packet).collect()
}

fn flow(network: &mut Network, count: u32) -> FlowReport {
    let id = network.flow("pc", FlowConfig::new(SERVER, count));
    network.run_for(Duration::from_millis(20) * count + Duration::from_secs(1));
    network.flow_report(id).clone()
}

#[test]
fn an_encrypted_cloud_shows_nothing_and_delivers_everything() {
    let mut network = cloud(1, None);
    network.run_for(Duration::from_secs(5));
    let report = flow(&mut network, 200);
    assert_eq!((report.received, report.ttl), (200, Some((62, 62))));
    assert_eq!(network.clear_text_seen(), []);
    assert_eq!(protocols(&network), BTreeSet::from([(17, 500), (50, 0)]));
}

#[test]
fn behind_every_kind_of_nat_it_goes_by_udp() {
    let kinds = [NatConfig::full_cone(NAT), NatConfig::port_restricted(NAT), NatConfig::symmetric(NAT)];
    for config in kinds {
        let mut network = cloud(1, Some(config.clone()));
        network.run_for(Duration::from_secs(5));
        assert_eq!(flow(&mut network, 200).received, 200, "{config:?}");
        assert_eq!(network.clear_text_seen(), []);
        assert_eq!(protocols(&network), BTreeSet::from([(17, 500), (17, 4500)]), "{config:?}");
        for captured in network.captured() {
            let header = ipv4::parse(&captured.bytes).unwrap().header;
            let other = if header.source == HUB_WAN { header.destination } else { header.source };
            assert_eq!(other, NAT, "the inside address does not show");
        }
    }
}

#[test]
fn what_the_wire_changes_or_repeats_is_not_delivered() {
    let mut network = cloud(1, None);
    network.run_for(Duration::from_secs(5));
    network.change_links(|link| {
        link.corrupt = Probability::percent(10.0);
        link.duplicate = Probability::percent(10.0);
        link.reorder = Probability::percent(10.0);
        link.reorder_by = ms(100);
    });
    let report = flow(&mut network, 1000);
    assert_eq!((report.corrupted, report.duplicated, report.misdelivered), (0, 0, 0));
    // A packet is lost only where all its copies are changed: nine percent; five standard deviations.
    assert!((865..=955).contains(&report.received), "{report:?}");
    assert!(report.reordered > 0);
    let dropped = &network.node_stats("HUB").dropped;
    for reason in [crate::DropReason::EspAuthentication, crate::DropReason::EspReplay] {
        assert!(dropped.contains_key(&reason), "{dropped:?}");
    }
}

#[test]
fn early_timeouts_change_nothing_where_keys_are_drawn_either() {
    let run = |extra| {
        let mut network = cloud(4, None);
        network.set_extra_timeouts(extra);
        network.change_links(|link| link.loss = Probability::percent(5.0));
        let report = flow(&mut network, 500);
        assert_eq!(network.violations(), []);
        (network.trace_digest(), report)
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn gre_in_the_clear_from_a_stranger_does_not_get_in() {
    let mut network = cloud(1, None);
    network.run_for(Duration::from_secs(5));
    let inner = ipv4::build(&Header::new(PC, SERVER, 17), &[0; 40]).unwrap();
    let gre = [&[0x20, 0, 0x08, 0, 0, 0, 0, 100], &inner[..]].concat();
    let spoke = Ipv4Addr::new(198, 51, 100, 1);
    let forged = ipv4::build(&Header::new(spoke, HUB_WAN, ipv4::PROTOCOL_GRE), &gre).unwrap();
    let attacker = network.add_raw_host("attacker", &[Ipv4Addr::new(192, 0, 2, 66)]).unwrap();
    let before = network.node_stats("HUB").delivered_lan;
    network.inject(attacker, &forged);
    network.run_for(ms(100));
    let stats = network.node_stats("HUB");
    assert_eq!((stats.delivered_lan, stats.dropped.get(&crate::DropReason::ClearText)), (before, Some(&1)));
    assert_eq!(network.clear_text_seen(), [], "what others send is not a leak of ours");
}
