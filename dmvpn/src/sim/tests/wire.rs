use super::*;
use crate::sim::fragment::Reassembler;
use crate::sim::transport::{build_udp, parse_icmp, parse_udp};

#[test]
fn a_packet_arrives_after_the_latency_with_one_life_less() {
    let (mut network, a, b) = pair(1, LinkConfig::new(ms(20)));
    let sent = packet(A, B, 7, 100);
    network.run_until(ms(5));
    network.inject(a, &sent);
    assert_eq!(network.in_flight(), 1);
    network.run_until(ms(24));
    assert_eq!(network.received("b"), []);
    network.run_until(ms(25));
    let [arrived] = network.received("b") else { panic!("one packet") };
    assert_eq!(arrived.at, ms(25));
    let (before, after) = (ipv4::parse(&sent).unwrap(), ipv4::parse(&arrived.bytes).unwrap());
    assert_eq!(after.header, Header { ttl: 63, ..before.header });
    assert_eq!(after.payload, before.payload);
    network.inject(b, &packet(B, Ipv4Addr::new(9, 9, 9, 9), 1, 1));
    assert_eq!(network.wire_stats().dropped(WireDrop::NoSuchAddress), 1);
    assert_eq!((network.wire_stats().sent, network.wire_stats().delivered, network.in_flight()), (2, 1, 0));
}

fn lossy() -> LinkConfig {
    let mut link = LinkConfig::new(ms(20));
    link.jitter = ms(5);
    link.loss = Probability::percent(10.0);
    link.duplicate = Probability::percent(5.0);
    link.reorder = Probability::percent(5.0);
    link.corrupt = Probability::percent(1.0);
    link
}

fn busy_run(seed: u64) -> Network {
    let (mut network, a, b) = pair(seed, lossy());
    for n in 0..2000_u16 {
        network.run_until(ms(u64::from(n)));
        let (from, bytes) = if n % 3 == 0 { (b, packet(B, A, n, 200)) } else { (a, packet(A, B, n, 1700)) };
        network.inject(from, &bytes);
    }
    network.run_for(Duration::from_secs(1));
    network
}

#[test]
fn the_same_seed_gives_the_same_trace_and_another_one_another() {
    let (first, again, other) = (busy_run(11), busy_run(11), busy_run(12));
    assert_eq!(first.trace_digest(), again.trace_digest());
    assert_eq!(first.received("b"), again.received("b"));
    assert_eq!(first.wire_stats(), again.wire_stats());
    assert_ne!(first.trace_digest(), other.trace_digest());
}

#[test]
fn the_counters_add_up() {
    let network = busy_run(5);
    let stats = network.wire_stats();
    assert_eq!(stats.sent, 2000);
    // 1,333 packets of 1,720 bytes make two pieces each.
    assert_eq!(stats.fragments, 2 * 1333);
    let pieces = 667 + stats.fragments;
    let arrived = (network.received("a").len() + network.received("b").len()) as u64;
    assert_eq!(stats.delivered, arrived);
    assert_eq!(arrived, pieces - stats.dropped(WireDrop::Loss) + stats.duplicated);
    // Five standard deviations around ten percent.
    assert!((250..=420).contains(&stats.dropped(WireDrop::Loss)), "{stats:?}");
    assert!(stats.duplicated > 0 && stats.reordered > 0 && stats.corrupted > 0);
    assert_eq!(network.in_flight(), 0);
}

#[test]
fn a_large_packet_is_cut_and_arrives_whole_after_reassembly() {
    let mut link = LinkConfig::new(ms(20));
    link.mtu = 576;
    let (mut network, a, _) = pair(1, link);
    let sent = packet(A, B, 99, 2000);
    network.set_capture(true);
    network.inject(a, &sent);
    network.run_for(ms(100));
    let mut reassembler = Reassembler::default();
    let pieces = network.received("b");
    assert!(pieces.len() == 4 && pieces.iter().all(|piece| piece.bytes.len() <= 576));
    let whole: Vec<_> =
        pieces.iter().filter_map(|piece| reassembler.push(piece.at, piece.bytes.clone()).unwrap()).collect();
    assert_eq!(whole.len(), 1);
    assert_eq!(ipv4::parse(&whole[0]).unwrap().payload, ipv4::parse(&sent).unwrap().payload);
    assert_eq!(network.captured().len(), 4, "an observer sees the pieces");
}

#[test]
fn a_packet_that_forbids_the_knife_comes_back_with_the_mtu() {
    let mut link = LinkConfig::new(ms(20));
    link.mtu = 1400;
    let (mut network, a, _) = pair(1, link);
    let header = Header { dont_fragment: true, ..Header::new(A, B, ipv4::PROTOCOL_ESP) };
    network.inject(a, &ipv4::build(&header, &[3; 1381]).unwrap());
    network.inject(a, &ipv4::build(&header, &[3; 1380]).unwrap());
    network.run_for(ms(100));
    assert_eq!(network.received("b").len(), 1, "1,400 bytes fit");
    let [report] = network.received("a") else { panic!("one report") };
    let datagram = ipv4::parse(&report.bytes).unwrap();
    assert_eq!((datagram.header.source, datagram.header.destination), (UNDERLAY_ROUTER, A));
    let icmp = parse_icmp(datagram.payload).unwrap();
    assert_eq!((icmp.kind, icmp.code, icmp.sequence_or_mtu()), (3, 4, 1400));
    assert!(datagram.payload.len() <= 556, "an error quotes no more than fits in 576 bytes");
    assert_eq!(network.wire_stats().dropped(WireDrop::TooBig), 1);
}

#[test]
fn partitions_cut_both_or_one_direction_and_heal() {
    let (mut network, a, b) = pair(1, LinkConfig::new(ms(1)));
    let exchange = |network: &mut Network| {
        let before = (network.received("a").len(), network.received("b").len());
        network.inject(a, &packet(A, B, 1, 10));
        network.inject(b, &packet(B, A, 1, 10));
        network.run_for(ms(10));
        (network.received("a").len() - before.0, network.received("b").len() - before.1)
    };
    assert_eq!(exchange(&mut network), (1, 1));
    network.set_reachable("a", "b", false);
    assert_eq!(exchange(&mut network), (0, 0));
    network.set_reachable_one_way("a", "b", true);
    assert_eq!(exchange(&mut network), (0, 1));
    network.heal();
    assert_eq!(exchange(&mut network), (1, 1));
    assert_eq!(network.wire_stats().dropped(WireDrop::Partition), 3);
}

#[test]
fn links_are_by_pair_and_direction_and_change_while_it_runs() {
    let (mut network, a, b) = pair(1, LinkConfig::new(ms(10)));
    network.set_link_one_way("a", "b", LinkConfig::new(ms(70)));
    network.inject(a, &packet(A, B, 1, 10));
    network.inject(b, &packet(B, A, 1, 10));
    network.run_for(ms(100));
    assert_eq!((network.received("a")[0].at, network.received("b")[0].at), (ms(10), ms(70)));
    network.change_links(|link| link.loss = Probability::ALWAYS);
    network.inject(a, &packet(A, B, 1, 10));
    network.inject(b, &packet(B, A, 1, 10));
    network.run_for(ms(100));
    assert_eq!(network.wire_stats().dropped(WireDrop::Loss), 2);
}

fn udp(from: (Ipv4Addr, u16), to: (Ipv4Addr, u16)) -> Vec<u8> {
    let segment = build_udp(from, to, b"data", true);
    ipv4::build(&Header::new(from.0, to.0, ipv4::PROTOCOL_UDP), &segment).unwrap()
}

/// The source of the last packet that a raw host got, as it saw it.
fn last_source(network: &Network, name: &str) -> (Ipv4Addr, u16) {
    let datagram = ipv4::parse(&network.received(name).last().unwrap().bytes).unwrap();
    let Header { source, destination, .. } = datagram.header;
    (source, parse_udp(source, destination, datagram.payload).unwrap().source_port)
}

const PUBLIC: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const IN_1: Ipv4Addr = Ipv4Addr::new(172, 16, 0, 11);
const IN_2: Ipv4Addr = Ipv4Addr::new(172, 16, 0, 12);

fn behind(config: NatConfig) -> (Network, NodeId, NodeId, NodeId) {
    let (mut network, a, _) = pair(3, LinkConfig::new(ms(10)));
    let nat = network.add_nat("nat", config).unwrap();
    let one = network.add_raw_host_behind(nat, "one", &[IN_1]).unwrap();
    let two = network.add_raw_host_behind(nat, "two", &[IN_2]).unwrap();
    (network, a, one, two)
}

#[test]
fn hosts_behind_one_nat_share_its_address_and_get_their_answers() {
    let (mut network, a, one, two) = behind(NatConfig::port_restricted(PUBLIC));
    let mut seen = Vec::new();
    for (host, address) in [(one, IN_1), (two, IN_2)] {
        network.inject(host, &udp((address, 500), (A, 500)));
        network.run_for(ms(20));
        seen.push(last_source(&network, "a"));
    }
    assert!(seen.iter().all(|(address, _)| *address == PUBLIC) && seen[0].1 != seen[1].1);
    let mappings = network.nat_mappings("nat");
    assert_eq!(mappings.len(), 2);
    for source in &seen {
        network.inject(a, &udp((A, 500), *source));
    }
    network.inject(a, &udp((A, 4500), seen[0]));
    network.run_for(ms(20));
    assert_eq!((network.received("one").len(), network.received("two").len()), (1, 1));
    assert_eq!(network.wire_stats().dropped(WireDrop::Nat(NatDrop::Filtered)), 1);
    assert_eq!(last_source(&network, "one"), (A, 500));
}

#[test]
fn neighbours_behind_one_nat_meet_inside_and_by_hairpin_if_it_turns_around() {
    for (config, turns) in [(NatConfig::full_cone(PUBLIC), true), (NatConfig::port_restricted(PUBLIC), false)]
    {
        let (mut network, _, one, two) = behind(config);
        network.inject(one, &udp((IN_1, 500), (IN_2, 500)));
        network.run_for(ms(20));
        assert_eq!(last_source(&network, "two"), (IN_1, 500), "inside, nothing is translated");
        network.inject(two, &udp((IN_2, 500), (A, 500)));
        network.run_for(ms(20));
        let mapped = last_source(&network, "a");
        network.inject(one, &udp((IN_1, 500), mapped));
        network.run_for(ms(20));
        assert_eq!(network.received("two").len(), if turns { 2 } else { 1 });
        let refused = network.wire_stats().dropped(WireDrop::Nat(NatDrop::Hairpin));
        assert_eq!(refused, u64::from(!turns));
        if turns {
            assert_eq!(last_source(&network, "two").0, PUBLIC);
        }
    }
}

#[test]
fn a_nat_that_rebinds_cuts_old_flows_and_may_move() {
    let (mut network, a, one, _) = behind(NatConfig::symmetric(PUBLIC));
    network.inject(one, &udp((IN_1, 4500), (A, 4500)));
    network.run_for(ms(20));
    let before = last_source(&network, "a");
    let moved = Ipv4Addr::new(192, 0, 2, 200);
    assert!(network.rebind_nat("nat", Some(B)).is_err(), "somebody else has that address");
    network.rebind_nat("nat", Some(moved)).unwrap();
    network.inject(a, &udp((A, 4500), before));
    network.run_for(ms(20));
    assert_eq!(network.received("one").len(), 0);
    assert_eq!(network.wire_stats().dropped(WireDrop::NoSuchAddress), 1);
    network.inject(one, &udp((IN_1, 4500), (A, 4500)));
    network.run_for(ms(20));
    let after = last_source(&network, "a");
    assert!(after.0 == moved && after.1 != before.1);
}

#[test]
fn links_and_partitions_are_of_the_host_behind_the_nat() {
    let (mut network, a, one, two) = behind(NatConfig::full_cone(PUBLIC));
    network.set_link("one", "a", LinkConfig::new(ms(200)));
    network.set_reachable("two", "a", false);
    network.inject(one, &udp((IN_1, 500), (A, 500)));
    network.inject(two, &udp((IN_2, 500), (A, 500)));
    network.run_for(ms(300));
    let [arrived] = network.received("a") else { panic!("the other one is cut off") };
    assert_eq!(arrived.at, ms(200));
    let mapped = last_source(&network, "a");
    network.inject(a, &udp((A, 500), mapped));
    network.run_for(ms(300));
    assert_eq!(network.received("one")[0].at, ms(500));
}

#[test]
fn the_mtu_report_finds_its_way_through_a_nat() {
    let (mut network, _, one, _) = behind(NatConfig::port_restricted(PUBLIC));
    network.change_links(|link| link.mtu = 1000);
    let segment = build_udp((IN_1, 500), (A, 500), &[0; 1200], true);
    let header = Header { dont_fragment: true, ..Header::new(IN_1, A, ipv4::PROTOCOL_UDP) };
    network.inject(one, &ipv4::build(&header, &segment).unwrap());
    network.run_for(ms(100));
    let [report] = network.received("one") else { panic!("one report") };
    let datagram = ipv4::parse(&report.bytes).unwrap();
    let icmp = parse_icmp(datagram.payload).unwrap();
    assert_eq!(icmp.sequence_or_mtu(), 1000);
    assert_eq!(icmp.body[12..16], IN_1.octets(), "it speaks of the packet as the sender knows it");
}

#[test]
fn observers_and_captures_see_what_is_sent_and_its_fate() {
    let (mut network, a, _) = pair(1, LinkConfig::new(ms(10)));
    network
        .observe_with(|packet| (packet.bytes.len() > 100).then(|| format!("{} bytes", packet.bytes.len())));
    network.set_capture(true);
    network.inject(a, &packet(A, B, 1, 10));
    network.set_reachable("a", "b", false);
    network.inject(a, &packet(A, B, 2, 200));
    assert_eq!(network.violations(), [(Duration::ZERO, "220 bytes".to_owned())]);
    let fates: Vec<_> = network.captured().iter().map(|captured| captured.fate).collect();
    assert_eq!(fates, [Fate::Sent, Fate::Lost]);
    assert_eq!(network.take_captured().len(), 2);
    assert_eq!(network.captured().len(), 0);
}

#[test]
fn actions_happen_at_their_time_and_conditions_stop_a_run() {
    let (mut network, a, _) = pair(1, LinkConfig::new(ms(10)));
    for n in 1..=3 {
        network.at(ms(100 * n), move |network| network.inject(a, &packet(A, B, 1, 10)));
    }
    let second = network.run_until_condition(Duration::from_secs(1), |net| net.received("b").len() == 2);
    assert_eq!(second, Some(ms(210)));
    assert_eq!(network.now(), ms(210));
    let never = network.run_until_condition(ms(500), |net| net.received("b").len() == 9);
    assert_eq!((never, network.now()), (None, ms(710)));
    assert_eq!(network.run_until_idle(ms(100)), Some(ms(710)));
}

#[test]
fn what_cannot_be_added_is_refused_with_the_reason() {
    let (mut network, a, _) = pair(1, LinkConfig::default());
    assert_eq!(network.add_raw_host("a", &[PUBLIC]), Err(AddError::NameTaken("a".into())));
    let taken = AddError::AddressTaken { name: "c".into(), address: A };
    assert_eq!(network.add_raw_host("c", &[A]), Err(taken.clone()));
    assert_eq!(network.add_nat("c", NatConfig::full_cone(A)), Err(taken));
    assert_eq!(network.add_raw_host_behind(a, "c", &[IN_1]), Err(AddError::NotNat(a)));
    assert_eq!(network.find("c"), None);
    // Inside a NAT, addresses are that box's business.
    let nat = network.add_nat("nat", NatConfig::full_cone(PUBLIC)).unwrap();
    assert!(network.add_raw_host_behind(nat, "c", &[A]).is_ok());
}

#[test]
fn garbage_on_the_wire_harms_nobody() {
    let (mut network, a, _) = pair(1, LinkConfig::default());
    network.inject(a, b"");
    network.inject(a, &[0x65; 40]);
    network.inject(NodeId(99), &packet(A, B, 1, 1));
    let mut broken = packet(A, B, 1, 2000);
    broken[10] ^= 1;
    network.inject(a, &broken);
    network.run_for(Duration::from_secs(1));
    assert_eq!(network.wire_stats().dropped(WireDrop::Malformed), 2);
    assert_eq!(network.wire_stats().dropped(WireDrop::TooBig), 1, "what is no packet cannot be cut");
}

#[test]
fn a_network_can_move_to_another_thread() {
    fn is_send<T: Send>(_: &T) {}
    is_send(&Network::new(start(), 0));
}
