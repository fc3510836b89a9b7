use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::sim::fragment;
use crate::sim::transport::{CODE_FRAGMENTATION_NEEDED, ICMP_UNREACHABLE, build_icmp, build_udp, parse_udp};

const PUBLIC: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);
const INSIDE: Ipv4Addr = Ipv4Addr::new(172, 16, 0, 11);
const NEIGHBOUR: Ipv4Addr = Ipv4Addr::new(172, 16, 0, 12);
const HUB: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
const OTHER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
const T0: Duration = Duration::ZERO;

struct Bench {
    nat: Nat,
    rng: ChaCha20Rng,
}

impl Bench {
    fn new(config: NatConfig) -> Self {
        let mut nat = Nat::new(config);
        nat.inside.insert(INSIDE, NodeId(1));
        nat.inside.insert(NEIGHBOUR, NodeId(2));
        Self { nat, rng: ChaCha20Rng::seed_from_u64(1) }
    }

    /// Sends from inside; the outside port.
    fn out(&mut self, now: Duration, from: (Ipv4Addr, u16), to: (Ipv4Addr, u16)) -> Result<u16, NatDrop> {
        let packet = udp(from, to, b"data");
        let bytes = self.nat.outbound(now, packet, &mut self.rng)?;
        let datagram = ipv4::parse(&bytes).unwrap();
        assert_eq!((datagram.header.source, datagram.header.destination), (PUBLIC, to.0));
        assert_eq!(datagram.header.ttl, 63);
        let udp = parse_udp(PUBLIC, to.0, datagram.payload).expect("the checksum was corrected");
        assert_eq!((udp.destination_port, udp.payload), (to.1, &b"data"[..]));
        Ok(udp.source_port)
    }

    /// Sends from outside; who gets it.
    fn back(&mut self, now: Duration, from: (Ipv4Addr, u16), port: u16) -> Result<(NodeId, u16), NatDrop> {
        let (node, bytes) = self.nat.inbound(now, udp(from, (PUBLIC, port), b"back"))?;
        let datagram = ipv4::parse(&bytes).unwrap();
        let udp = parse_udp(from.0, datagram.header.destination, datagram.payload).unwrap();
        assert_eq!((udp.source_port, udp.payload), (from.1, &b"back"[..]));
        Ok((node, udp.destination_port))
    }
}

fn udp(from: (Ipv4Addr, u16), to: (Ipv4Addr, u16), payload: &[u8]) -> Vec<u8> {
    let segment = build_udp(from, to, payload, true);
    ipv4::build(&Header::new(from.0, to.0, PROTOCOL_UDP), &segment).unwrap()
}

fn portless(protocol: u8, from: Ipv4Addr, to: Ipv4Addr) -> Vec<u8> {
    ipv4::build(&Header::new(from, to, protocol), b"opaque").unwrap()
}

#[test]
fn mapping_behaviours_decide_which_destinations_share_a_port() {
    let destinations = [(HUB, 500), (HUB, 4500), (OTHER, 500)];
    for (mapping, distinct) in [
        (Behaviour::EndpointIndependent, 1),
        (Behaviour::AddressDependent, 2),
        (Behaviour::AddressAndPortDependent, 3),
    ] {
        let mut bench = Bench::new(NatConfig { mapping, ..NatConfig::full_cone(PUBLIC) });
        let mut ports: Vec<_> =
            destinations.iter().map(|to| bench.out(T0, (INSIDE, 4500), *to).unwrap()).collect();
        let again: Vec<_> =
            destinations.iter().map(|to| bench.out(T0, (INSIDE, 4500), *to).unwrap()).collect();
        assert_eq!(ports, again, "a mapping is stable");
        ports.dedup();
        assert_eq!(ports.len(), distinct, "{mapping:?}");
        let neighbour = bench.out(T0, (NEIGHBOUR, 4500), (HUB, 500)).unwrap();
        assert!(!ports.contains(&neighbour), "inside hosts never share a port");
    }
}

#[test]
fn filtering_behaviours_decide_who_may_answer() {
    for (filtering, same_host, stranger) in [
        (Behaviour::EndpointIndependent, true, true),
        (Behaviour::AddressDependent, true, false),
        (Behaviour::AddressAndPortDependent, false, false),
    ] {
        let mut bench = Bench::new(NatConfig { filtering, ..NatConfig::full_cone(PUBLIC) });
        let port = bench.out(T0, (INSIDE, 500), (HUB, 500)).unwrap();
        assert_eq!(bench.back(T0, (HUB, 500), port), Ok((NodeId(1), 500)));
        assert_eq!(bench.back(T0, (HUB, 4500), port).is_ok(), same_host, "{filtering:?}");
        assert_eq!(bench.back(T0, (OTHER, 500), port).is_ok(), stranger, "{filtering:?}");
        if !stranger {
            assert_eq!(bench.back(T0, (OTHER, 500), port), Err(NatDrop::Filtered));
        }
        assert_eq!(bench.back(T0, (HUB, 500), 9), Err(NatDrop::NoMapping));
    }
}

#[test]
fn a_silent_mapping_expires_and_gets_another_port() {
    let mut bench = Bench::new(NatConfig::port_restricted(PUBLIC));
    let first = bench.out(T0, (INSIDE, 4500), (HUB, 4500)).unwrap();
    let kept = Duration::from_secs(119);
    assert_eq!(bench.out(kept, (INSIDE, 4500), (HUB, 4500)), Ok(first));
    let alive = kept + Duration::from_secs(119);
    assert!(bench.back(alive, (HUB, 4500), first).is_ok());
    assert_eq!(bench.nat.mappings(alive).len(), 1);
    let gone = kept + Duration::from_secs(120);
    assert_eq!(bench.back(gone, (HUB, 4500), first), Err(NatDrop::Expired), "answers do not refresh");
    assert_eq!(bench.nat.mappings(gone), []);
    let second = bench.out(gone, (INSIDE, 4500), (HUB, 4500)).unwrap();
    assert_ne!(first, second);
}

#[test]
fn with_inbound_refresh_answers_keep_a_mapping() {
    let mut bench = Bench::new(NatConfig { inbound_refresh: true, ..NatConfig::port_restricted(PUBLIC) });
    let port = bench.out(T0, (INSIDE, 4500), (HUB, 4500)).unwrap();
    for minute in 1..10 {
        assert!(bench.back(Duration::from_secs(60 * minute), (HUB, 4500), port).is_ok());
    }
}

#[test]
fn port_allocation_does_what_its_name_says() {
    let config = |ports| NatConfig { ports, ..NatConfig::full_cone(PUBLIC) };
    let mut bench = Bench::new(config(PortAllocation::Preserve));
    assert_eq!(bench.out(T0, (INSIDE, 500), (HUB, 500)), Ok(500));
    assert_eq!(
        bench.out(T0, (NEIGHBOUR, 500), (HUB, 500)),
        Ok(1024),
        "taken: the next one that is given out"
    );

    let mut bench = Bench::new(config(PortAllocation::Sequential(30_000)));
    assert_eq!(bench.out(T0, (INSIDE, 500), (HUB, 500)), Ok(30_000));
    assert_eq!(bench.out(T0, (NEIGHBOUR, 500), (HUB, 500)), Ok(30_001));

    let mut bench = Bench::new(config(PortAllocation::Untouched));
    assert_eq!(bench.out(T0, (INSIDE, 500), (HUB, 500)), Ok(500));
    assert_eq!(bench.out(T0, (NEIGHBOUR, 500), (HUB, 500)), Err(NatDrop::Full));

    let mut bench = Bench::new(config(PortAllocation::Random));
    let ports: Vec<_> = (1..50).map(|port| bench.out(T0, (INSIDE, port), (HUB, 500)).unwrap()).collect();
    assert!(!ports.is_sorted() && ports.iter().all(|port| *port >= 1024));
}

#[test]
fn the_number_of_mappings_is_bounded() {
    let mut bench = Bench::new(NatConfig { limit: 10, ..NatConfig::full_cone(PUBLIC) });
    for port in 1..=10 {
        assert!(bench.out(T0, (INSIDE, port), (HUB, 500)).is_ok());
    }
    assert_eq!(bench.out(T0, (INSIDE, 11), (HUB, 500)), Err(NatDrop::Full));
    assert!(bench.out(Duration::from_secs(120), (INSIDE, 11), (HUB, 500)).is_ok(), "the old ones expired");
    assert_eq!(bench.nat.by_port.len(), bench.nat.by_inside.len());
}

#[test]
fn rebinding_forgets_mappings_and_moves_ports_and_address() {
    let mut bench = Bench::new(NatConfig::symmetric(PUBLIC));
    let before = bench.out(T0, (INSIDE, 4500), (HUB, 4500)).unwrap();
    bench.nat.rebind(None);
    assert_eq!(bench.back(T0, (HUB, 4500), before), Err(NatDrop::NoMapping));
    let after = bench.out(T0, (INSIDE, 4500), (HUB, 4500)).unwrap();
    assert_ne!(before, after);
    bench.nat.rebind(Some(OTHER));
    let packet = udp((INSIDE, 4500), (HUB, 4500), b"data");
    let bytes = bench.nat.outbound(T0, packet, &mut bench.rng).unwrap();
    assert_eq!(ipv4::parse(&bytes).unwrap().header.source, OTHER);
}

#[test]
fn esp_and_gre_have_one_inside_host_per_remote() {
    for protocol in [PROTOCOL_ESP, PROTOCOL_GRE] {
        let mut bench = Bench::new(NatConfig::full_cone(PUBLIC));
        let back = portless(protocol, HUB, PUBLIC);
        assert_eq!(bench.nat.inbound(T0, back.clone()), Err(NatDrop::NoMapping));
        assert!(bench.nat.outbound(T0, portless(protocol, INSIDE, HUB), &mut bench.rng).is_ok());
        let second = bench.nat.outbound(T0, portless(protocol, NEIGHBOUR, HUB), &mut bench.rng);
        assert_eq!(second, Err(NatDrop::Portless));
        assert!(bench.nat.outbound(T0, portless(protocol, NEIGHBOUR, OTHER), &mut bench.rng).is_ok());
        let (node, bytes) = bench.nat.inbound(T0, back.clone()).unwrap();
        assert_eq!((node, ipv4::parse(&bytes).unwrap().header.destination), (NodeId(1), INSIDE));
        let later = Duration::from_secs(120);
        assert_eq!(bench.nat.inbound(later, back), Err(NatDrop::Expired));
        assert!(bench.nat.outbound(later, portless(protocol, NEIGHBOUR, HUB), &mut bench.rng).is_ok());
    }
    let mut bench = Bench::new(NatConfig { portless: Portless::Drop, ..NatConfig::full_cone(PUBLIC) });
    let dropped = bench.nat.outbound(T0, portless(PROTOCOL_ESP, INSIDE, HUB), &mut bench.rng);
    assert_eq!(dropped, Err(NatDrop::Portless));
}

#[test]
fn an_icmp_error_finds_the_sender_with_the_packet_it_sent() {
    let mut bench = Bench::new(NatConfig::port_restricted(PUBLIC));
    let sent = udp((INSIDE, 4500), (HUB, 4500), &[7; 600]);
    let seen_outside = bench.nat.outbound(T0, sent.clone(), &mut bench.rng).unwrap();
    let error = build_icmp(ICMP_UNREACHABLE, CODE_FRAGMENTATION_NEEDED, [0, 0, 5, 0], &seen_outside);
    let router = Ipv4Addr::new(192, 0, 0, 8);
    let packet = ipv4::build(&Header::new(router, PUBLIC, PROTOCOL_ICMP), &error).unwrap();
    let (node, bytes) = bench.nat.inbound(T0, packet).unwrap();
    assert_eq!(node, NodeId(1));
    let datagram = ipv4::parse(&bytes).unwrap();
    let icmp = transport::parse_icmp(datagram.payload).unwrap();
    assert_eq!(icmp.sequence_or_mtu(), 0x500);
    let quoted = ipv4::parse(icmp.body).expect("the quoted header's checksum was corrected");
    assert_eq!(quoted.header.source, INSIDE);
    let udp = parse_udp(INSIDE, HUB, quoted.payload).expect("and that of UDP");
    assert_eq!(udp.source_port, 4500);
}

#[test]
fn fragments_are_translated_as_one_packet() {
    let mut bench = Bench::new(NatConfig::port_restricted(PUBLIC));
    let port = bench.out(T0, (INSIDE, 500), (HUB, 500)).unwrap();
    let big = udp((HUB, 500), (PUBLIC, port), &[1; 3000]);
    let mut whole = None;
    for piece in fragment::fragment(big, 1500).unwrap() {
        whole = bench.nat.reassembler.push(T0, piece).unwrap();
    }
    let (node, bytes) = bench.nat.inbound(T0, whole.unwrap()).unwrap();
    assert_eq!(node, NodeId(1));
    let datagram = ipv4::parse(&bytes).unwrap();
    assert_eq!(parse_udp(HUB, INSIDE, datagram.payload).unwrap().payload.len(), 3000);
}

#[test]
fn garbage_and_other_protocols_are_named() {
    let mut bench = Bench::new(NatConfig::full_cone(PUBLIC));
    assert_eq!(bench.nat.inbound(T0, vec![0x45; 30]), Err(NatDrop::Malformed));
    assert_eq!(bench.nat.inbound(T0, portless(6, HUB, PUBLIC)), Err(NatDrop::Protocol));
    assert_eq!(bench.nat.inbound(T0, portless(17, HUB, PUBLIC)), Err(NatDrop::Malformed));
    let echo = ipv4::build(&Header::new(HUB, PUBLIC, 1), &build_icmp(8, 0, [0; 4], b"")).unwrap();
    assert_eq!(bench.nat.inbound(T0, echo), Err(NatDrop::Protocol));
    let mut dying = udp((INSIDE, 1), (HUB, 2), b"");
    dying[8] = 1;
    assert_eq!(bench.nat.outbound(T0, dying, &mut bench.rng), Err(NatDrop::Ttl));
}
