//! Real engines on the wire: a cloud without encryption, whose routes are static.

use super::*;
use crate::config::{Config, ios};
use crate::sim::host::{Hop, PLAINTEXT_MARKER};

pub(super) const HUB_WAN: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
const HUB_LAN: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
pub(super) const SPOKE_LAN: Ipv4Addr = Ipv4Addr::new(192, 168, 11, 1);
const SPOKE_TUNNEL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 11);
pub(super) const PC: Ipv4Addr = Ipv4Addr::new(192, 168, 11, 10);
pub(super) const SERVER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 10);

pub(super) fn read(name: &str, text: &str) -> Config {
    let parsed = ios::parse(name, text);
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    parsed.config
}

fn hub() -> Config {
    read("hub.cfg", HUB)
}

pub(super) const HUB: &str = "hostname HUB
interface Tunnel0
 ip address 10.0.0.1 255.255.255.0
 no ip redirects
 ip mtu 1400
 ip nhrp network-id 100
 ip nhrp map multicast dynamic
 ip tcp adjust-mss 1360
 tunnel source GigabitEthernet1
 tunnel mode gre multipoint
 tunnel key 100
interface GigabitEthernet1
 ip address 203.0.113.1 255.255.255.0
interface GigabitEthernet2
 ip address 192.168.1.1 255.255.255.0
ip route 192.168.11.0 255.255.255.0 10.0.0.11
";

fn spoke(wan: &str) -> Config {
    read("spoke.cfg", &spoke_text(wan))
}

pub(super) fn spoke_text(wan: &str) -> String {
    format!(
        "hostname SPOKE
interface Tunnel0
 ip address 10.0.0.11 255.255.255.0
 no ip redirects
 ip mtu 1400
 ip nhrp map 10.0.0.1 203.0.113.1
 ip nhrp map multicast 203.0.113.1
 ip nhrp network-id 100
 ip nhrp nhs 10.0.0.1
 ip nhrp registration no-unique
 ip tcp adjust-mss 1360
 tunnel source GigabitEthernet1
 tunnel mode gre multipoint
 tunnel key 100
interface GigabitEthernet1
 ip address {wan} 255.255.255.0
interface GigabitEthernet2
 ip address 192.168.11.1 255.255.255.0
ip route 192.168.1.0 255.255.255.0 10.0.0.1
"
    )
}

/// A hub with a server and a spoke with a PC, registered.
fn cloud(seed: u64) -> Network {
    let mut network = Network::new(start(), seed);
    let hub = RouterSpec::with_config(hub()).unprotected().host("server", SERVER);
    network.add_router("HUB", hub).unwrap();
    let spoke = RouterSpec::with_config(spoke("198.51.100.1")).unprotected().host("pc", PC);
    network.add_router("SPOKE", spoke).unwrap();
    network.run_for(Duration::from_secs(5));
    network
}

fn pings(network: &mut Network, from: &str, config: PingConfig) -> PingReport {
    let id = network.ping(from, config);
    network.run_until_idle(Duration::from_secs(60)).expect("a ping ends");
    network.ping_report(id).clone()
}

#[test]
fn a_ping_crosses_the_tunnel_between_hosts_and_from_prompts() {
    let mut network = cloud(1);
    let report = pings(&mut network, "pc", PingConfig::new(SERVER));
    assert_eq!((report.received(), report.probes[0].arrived_ttl), (5, Some(62)), "two routers on the way");
    assert!(report.rtts().all(|rtt| rtt == ms(40)));
    let report = pings(&mut network, "SPOKE", PingConfig::new(HUB_LAN).from(SPOKE_LAN));
    assert_eq!((report.received(), report.probes[0].arrived_ttl), (5, Some(255)));
    let report = pings(&mut network, "HUB", PingConfig::new(SPOKE_TUNNEL));
    assert_eq!(report.received(), 5);
    let stats = network.node_stats("HUB");
    assert!(
        stats.wan_in > 10 && stats.wan_out > 10 && stats.lan_in == 5 && stats.local_in >= 10,
        "{stats:?}"
    );
    assert_eq!(network.node_stats("HUB").stalls, 0);
}

#[test]
fn a_traceroute_shows_the_routers_by_the_interface_that_answers() {
    let mut network = cloud(1);
    let id = network.traceroute("pc", TracerouteConfig::new(SERVER));
    network.run_until_idle(Duration::from_secs(60)).unwrap();
    let report = network.traceroute_report(id);
    let hops: Vec<_> = report.hops.iter().map(Hop::address).collect();
    let hub_tunnel = Ipv4Addr::new(10, 0, 0, 1);
    assert_eq!(hops, [Some(SPOKE_LAN), Some(hub_tunnel), Some(SERVER)]);
    let id = network.traceroute("SPOKE", TracerouteConfig::new(HUB_LAN).from(SPOKE_LAN));
    network.run_until_idle(Duration::from_secs(60)).unwrap();
    let report = network.traceroute_report(id);
    assert_eq!(report.hops.iter().map(Hop::address).collect::<Vec<_>>(), [Some(hub_tunnel)]);
}

#[test]
fn the_clamp_is_seen_by_both_ends_of_a_connection() {
    let mut network = cloud(1);
    let id = network.open_tcp("pc", MssConfig::new(SERVER));
    network.run_until_idle(Duration::from_secs(10)).unwrap();
    let report = network.mss_report(id);
    assert_eq!((report.request, report.answer), (Some(Some(1360)), Some(Some(1360))));
}

#[test]
fn a_crash_stops_a_flow_and_a_restart_with_a_new_address_brings_it_back() {
    let mut network = cloud(1);
    let flow = network.flow("pc", FlowConfig::new(SERVER, 100_000));
    network.run_for(Duration::from_secs(10));
    network.fail("SPOKE");
    assert!(network.running("SPOKE").is_none());
    network.run_for(Duration::from_secs(5));
    let before = network.flow_report(flow).clone();
    network.run_for(Duration::from_secs(5));
    let during = network.flow_report(flow).clone();
    assert_eq!(before.received, during.received, "nothing passes a router that is down");
    assert!(during.sent > before.sent, "its hosts go on");
    network.restore_with("SPOKE", spoke("198.51.100.77")).unwrap();
    network.run_for(Duration::from_secs(10));
    let after = network.flow_report(flow).clone();
    assert!(after.received > during.received + 400, "{after:?}");
    assert_eq!((after.duplicated, after.corrupted, after.misdelivered), (0, 0, 0));
    // Nobody has the old address any more.
    let bystander = network.add_raw_host("bystander", &[Ipv4Addr::new(192, 0, 2, 99)]).unwrap();
    let unknown = network.wire_stats().dropped(WireDrop::NoSuchAddress);
    let old = Ipv4Addr::new(198, 51, 100, 1);
    network.inject(bystander, &packet(Ipv4Addr::new(192, 0, 2, 99), old, 1, 10));
    assert_eq!(network.wire_stats().dropped(WireDrop::NoSuchAddress), unknown + 1);
}

#[test]
fn the_same_seed_gives_the_same_cloud() {
    let run = |seed| {
        let mut network = cloud(seed);
        let mut link = LinkConfig::new(ms(15));
        link.jitter = ms(5);
        link.loss = Probability::percent(5.0);
        link.duplicate = Probability::percent(2.0);
        network.set_default_link(link);
        let flow = network.flow("server", FlowConfig::new(PC, 500));
        network.run_for(Duration::from_secs(60));
        (network.trace_digest(), network.flow_report(flow).clone(), network.events().len())
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7).0, run(8).0);
}

#[test]
fn timeouts_before_their_time_change_nothing() {
    let run = |extra| {
        let mut network = Network::new(start(), 3);
        network.set_extra_timeouts(extra);
        network.add_router("HUB", RouterSpec::with_config(hub()).unprotected()).unwrap();
        network.add_router("SPOKE", RouterSpec::with_config(spoke("198.51.100.1")).unprotected()).unwrap();
        network.run_for(Duration::from_secs(600));
        assert_eq!(network.violations(), []);
        network.trace_digest()
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn the_watch_finds_a_cloud_without_encryption() {
    let mut network = Network::new(start(), 1);
    network.watch_for_plaintext(b"secret");
    network.add_router("HUB", RouterSpec::with_config(hub())).unwrap();
    network.add_router("SPOKE", RouterSpec::with_config(spoke("198.51.100.1"))).unwrap();
    network.run_for(Duration::from_secs(5));
    let [first, ..] = network.clear_text_seen() else { panic!("a registration in the clear") };
    assert_eq!((first.leak.clone(), network.name(first.from)), (Leak::Gre, "SPOKE"));
    // The same cloud, declared to be what it is, is not judged.
    assert_eq!(cloud(1).clear_text_seen(), []);
}

#[test]
fn what_hosts_send_is_marked() {
    let mut network = cloud(1);
    network.set_capture(true);
    let _ = pings(&mut network, "pc", PingConfig::new(SERVER));
    let marked = network.captured().iter().filter(|captured| {
        captured.bytes.windows(PLAINTEXT_MARKER.len()).any(|window| window == PLAINTEXT_MARKER)
    });
    assert_eq!(marked.count(), 10, "five echoes and five answers, readable without encryption");
}

#[test]
fn gre_passes_a_nat_for_one_inside_host() {
    let mut network = Network::new(start(), 1);
    let public = Ipv4Addr::new(192, 0, 2, 1);
    network.add_router("HUB", RouterSpec::with_config(hub()).unprotected().host("server", SERVER)).unwrap();
    let nat = network.add_nat("NAT", NatConfig::port_restricted(public)).unwrap();
    let spec = RouterSpec::with_config(spoke("172.16.0.11")).unprotected().behind(nat);
    network.add_router("SPOKE", spec).unwrap();
    network.set_capture(true);
    network.run_for(Duration::from_secs(5));
    let hub = network.find("HUB");
    let to_hub: Vec<_> = network.captured().iter().filter(|captured| Some(captured.to) == hub).collect();
    assert!(!to_hub.is_empty());
    for captured in to_hub {
        assert_eq!(ipv4::parse(&captured.bytes).unwrap().header.source, public);
    }
}

#[test]
fn the_kernel_of_a_router_answers_echoes_and_hands_mtu_reports_on() {
    let mut network = cloud(1);
    let other = Ipv4Addr::new(192, 0, 2, 99);
    let bystander = network.add_raw_host("bystander", &[other]).unwrap();
    let echo = transport::build_icmp(8, 0, [0, 1, 0, 1], b"hello");
    network.inject(bystander, &ipv4::build(&Header::new(other, HUB_WAN, 1), &echo).unwrap());
    network.run_for(ms(100));
    let [reply] = network.received("bystander") else { panic!("one answer") };
    assert_eq!(transport::parse_icmp(ipv4::parse(&reply.bytes).unwrap().payload).unwrap().kind, 0);

    let sent = packet(HUB_WAN, Ipv4Addr::new(198, 51, 100, 1), 1, 1300);
    let report = transport::build_icmp(3, 4, [0, 0, 5, 0], &sent[..28]);
    network.inject(bystander, &ipv4::build(&Header::new(other, HUB_WAN, 1), &report).unwrap());
    network.run_for(ms(100));
    assert_eq!(network.node_stats("HUB").mtu_reports, 1);
}

#[test]
fn a_router_that_does_not_start_is_not_there() {
    let mut network = cloud(1);
    let taken = network.add_router("THIRD", RouterSpec::with_config(hub()));
    assert_eq!(taken, Err(AddError::AddressTaken { name: "THIRD".into(), address: HUB_WAN }));
    let broken = network.add_router("THIRD", RouterSpec::with_config(Config::default()));
    assert!(matches!(broken, Err(AddError::Build { .. })));
    assert_eq!((network.find("THIRD"), network.routers().count()), (None, 2));
    let twin = network.add_router("THIRD", RouterSpec::with_config(hub()).host("pc", PC));
    assert_eq!(twin, Err(AddError::NameTaken("pc".into())));
}

#[test]
fn a_narrow_underlay_cuts_packets_and_the_other_kernel_mends_them() {
    let mut network = cloud(1);
    network.change_links(|link| link.mtu = 1000);
    let mut config = PingConfig::new(SERVER);
    config.size = 1400;
    let report = pings(&mut network, "pc", config);
    assert_eq!(report.received(), 5);
    assert_eq!(network.wire_stats().fragments, 20, "five each way, in two pieces");
    for name in ["HUB", "SPOKE"] {
        assert_eq!(network.reassembly_stats(name).completed, 5);
    }
}

#[test]
fn a_lost_piece_loses_its_packet_and_nothing_else() {
    let mut network = cloud(5);
    let mut link = LinkConfig::new(ms(20));
    link.mtu = 1000;
    link.loss = Probability::percent(10.0);
    network.set_default_link(link);
    let mut config = FlowConfig::new(SERVER, 1000);
    config.size = 1400;
    let flow = network.flow("pc", config);
    network.run_for(Duration::from_secs(30));
    let report = network.flow_report(flow);
    // Both pieces of a packet arrive in 81 of 100 cases; five standard deviations.
    assert!((748..=872).contains(&report.received), "{report:?}");
    assert_eq!((report.corrupted, report.duplicated, report.misdelivered), (0, 0, 0));
}

#[test]
fn a_clock_that_jumps_makes_timers_due_at_once() {
    let mut network = cloud(1);
    let registrations = |network: &Network| network.node_stats("SPOKE").wan_out;
    let before = registrations(&network);
    network.run_for(Duration::from_secs(1));
    assert_eq!(registrations(&network), before, "nothing is due yet");
    network.jump_clock("SPOKE", Duration::from_secs(7200));
    network.run_for(Duration::from_secs(1));
    assert!(registrations(&network) > before);
    assert_eq!(network.node_stats("SPOKE").stalls, 0);
}

#[test]
fn a_command_takes_effect_at_once_and_changes_by_hand_with_the_next_event() {
    let mut network = cloud(1);
    let sent = |network: &Network| network.node_stats("SPOKE").wan_out;
    let before = sent(&network);
    network.command("SPOKE", crate::Command::Shutdown);
    let after = sent(&network);
    assert!(after > before, "it says good-bye");

    let mut network = cloud(1);
    let (now, before) = (network.instant(), sent(&network));
    network.engine_mut("SPOKE").handle_command(now, crate::Command::Shutdown);
    assert_eq!(sent(&network), before);
    network.run_for(Duration::ZERO);
    assert!(sent(&network) > before);
}

#[test]
fn a_flow_from_the_wan_side_of_a_partition_resumes_when_it_heals() {
    let mut network = cloud(1);
    let flow = network.flow("server", FlowConfig::new(PC, 1500));
    network.run_for(Duration::from_secs(5));
    network.set_reachable("HUB", "SPOKE", false);
    network.run_for(Duration::from_secs(5));
    network.set_reachable("HUB", "SPOKE", true);
    network.run_for(Duration::from_secs(25));
    let report = network.flow_report(flow);
    assert_eq!((report.sent, report.missing()), (1500, 250), "five seconds of fifty a second");
    assert_eq!(report.longest_gap, Duration::from_millis(5020));
    assert_eq!(network.wire_stats().dropped(WireDrop::Partition), 250);
}

#[test]
#[should_panic(expected = "nothing on the network is called HBU")]
fn a_name_that_nobody_has_is_a_mistake_of_the_test() {
    cloud(1).fail("HBU");
}
