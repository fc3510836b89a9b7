use std::net::Ipv4Addr;
use std::time::Instant;

use dmvpn::config::ios;
use dmvpn::{Engine, TunnelId};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;

/// The settings of the guide's hub, with lines added to its tunnel.
fn settings(lines: &str) -> TunnelSettings {
    let text = include_str!("../../../../../dmvpn/tests/data/guide/hub1.cfg");
    let text = text.replace(" ip nhrp network-id 100\n", &format!(" ip nhrp network-id 100\n{lines}"));
    let config = ios::parse("hub1.cfg", &text).config;
    #[allow(clippy::disallowed_methods, reason = "nothing depends on the time")]
    let now = Instant::now();
    let engine = Engine::new(config, ChaCha20Rng::seed_from_u64(1), now).expect("a sound configuration");
    engine.forwarding_tunnels().next().expect("a tunnel").clone()
}

fn needs<'a>(settings: &'a TunnelSettings, log_group: Option<u16>) -> Needs<'a> {
    Needs { tunnels: vec![(settings, "tunnel0")], lan_mss: &[], log_group }
}

#[test]
fn the_clamp_works_in_both_directions() {
    let mut settings = settings("");
    settings.adjust_mss = Some(1360);
    let rules = rules(&needs(&settings, None));
    for direction in ["iifname", "oifname"] {
        let rule = format!("{direction} \"tunnel0\" tcp flags syn / syn,rst tcp option maxseg size set 1360");
        assert!(rules.contains(&rule), "{rules}");
    }
    assert!(!rules.contains("redirected"), "{rules}");
}

#[test]
fn a_lans_clamp_is_for_its_network() {
    let mut settings = settings("");
    settings.adjust_mss = None;
    let lan_mss = [("192.168.1.0/24".parse().expect("a prefix"), 1300)];
    let rules = rules(&Needs { lan_mss: &lan_mss, ..needs(&settings, None) });
    assert_eq!(rules.matches("size set 1300").count(), 4, "{rules}");
    assert!(rules.contains("oifname \"tunnel0\" ip daddr 192.168.1.0/24 tcp flags"), "{rules}");
}

#[test]
fn a_hub_of_phase_3_has_packets_logged_that_stay_in_the_domain() {
    let mut settings = settings(" ip nhrp redirect\n");
    settings.adjust_mss = None;
    let rules = rules(&needs(&settings, Some(17_485)));
    assert!(rules.contains("iifname \"tunnel0\" oifname { \"tunnel0\" }"), "{rules}");
    assert!(rules.contains("log group 17485 snaplen 68 queue-threshold 1"), "{rules}");
    assert!(rules.contains("set redirected"), "{rules}");
}

#[test]
fn nothing_is_set_where_nothing_is_needed() {
    let mut settings = settings("");
    settings.adjust_mss = None;
    assert_eq!(rules(&needs(&settings, Some(1))), "");
    assert_eq!(settings.id, TunnelId(0));
    assert_eq!(settings.address, Ipv4Addr::new(10, 0, 0, 1));
}

#[test]
fn a_name_for_a_table_is_what_nft_takes() {
    assert_eq!(table_name("Spoke-1.example"), "dmvpn_spoke_1_example");
}
