//! Host stacks with a carrier in between that does what a test wants.

use super::*;
use crate::sim::queue::Queue;
use crate::sim::transport::{ICMP_TIME_EXCEEDED, build_icmp};

const NEAR: Endpoint = Endpoint { node: NodeId(0), host: None };
const FAR: Endpoint = Endpoint { node: NodeId(1), host: Some(0) };
const NEAR_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 11, 1);
const FAR_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 12, 10);
const FAR_INTERFACE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 12);
const ONE_WAY: Duration = Duration::from_millis(20);

enum Event {
    Wake(AppId),
    Arrive(Endpoint, Vec<u8>),
}

/// What the carrier does with a packet: how many copies arrive at their receiver, changed or not.
type Carrier = Box<dyn FnMut(Duration, Vec<u8>) -> Vec<Vec<u8>>>;

struct Bench {
    hosts: Hosts,
    queue: Queue<Event>,
    now: Duration,
    carrier: Carrier,
    has_route: bool,
}

impl Bench {
    fn new(carrier: impl FnMut(Duration, Vec<u8>) -> Vec<Vec<u8>> + 'static) -> Self {
        Self {
            hosts: Hosts::default(),
            queue: Queue::new(),
            now: Duration::ZERO,
            carrier: Box::new(carrier),
            has_route: true,
        }
    }

    fn perfect() -> Self {
        Self::new(|_, packet| vec![packet])
    }

    fn apply(&mut self, effects: Effects) {
        for (app, at) in effects.wakes {
            assert!(at >= self.now, "nobody is woken in the past");
            self.queue.push(at, Event::Wake(app));
        }
        for (_, packet) in effects.packets {
            for packet in (self.carrier)(self.now, packet) {
                let destination = ipv4::parse(&packet).unwrap().header.destination;
                let to = if destination == FAR_ADDRESS { FAR } else { NEAR };
                self.queue.push(self.now + ONE_WAY, Event::Arrive(to, packet));
            }
        }
    }

    fn start(&mut self, app: AppId) {
        self.queue.push(self.now, Event::Wake(app));
        self.run();
    }

    fn run(&mut self) {
        let mut steps = 0;
        while let Some((at, event)) = self.queue.pop() {
            self.now = at;
            steps += 1;
            assert!(steps < 100_000, "it never ends");
            let effects = match event {
                Event::Wake(app) => {
                    let (_, source, _) = self.hosts.route_of(app).unwrap();
                    let source = source.unwrap_or(NEAR_ADDRESS);
                    self.hosts.wake(at, app, self.has_route.then_some(source))
                }
                Event::Arrive(to, packet) => {
                    let outgoing = if to == FAR { FAR_INTERFACE } else { NEAR_ADDRESS };
                    self.hosts.receive(at, to, Some(outgoing), &packet)
                }
            };
            self.apply(effects);
        }
    }

    fn ping(&mut self, config: PingConfig) -> PingReport {
        let id = self.hosts.ping(self.now, NEAR, config);
        self.start(id.0);
        self.hosts.ping_report(id).unwrap().clone()
    }

    fn traceroute(&mut self) -> TracerouteReport {
        let id = self.hosts.traceroute(self.now, NEAR, TracerouteConfig::new(FAR_ADDRESS));
        self.start(id.0);
        self.hosts.traceroute_report(id).unwrap().clone()
    }

    fn flow(&mut self, config: FlowConfig, receiver: Endpoint) -> FlowReport {
        let id = self.hosts.flow(self.now, NEAR, config, Some(receiver));
        self.start(id.0);
        self.hosts.flow_report(id).unwrap().clone()
    }
}

fn is_to_far(packet: &[u8]) -> bool {
    ipv4::parse(packet).unwrap().header.destination == FAR_ADDRESS
}

/// An ICMP error about a packet, to its sender.
fn error_about(packet: &[u8], from: Ipv4Addr, kind: u8, code: u8, mtu: u16) -> Vec<u8> {
    let source = ipv4::parse(packet).unwrap().header.source;
    let [m0, m1] = mtu.to_be_bytes();
    let message = build_icmp(kind, code, [0, 0, m0, m1], &packet[..28]);
    ipv4::build(&Header::new(from, source, PROTOCOL_ICMP), &message).unwrap()
}

#[test]
fn a_ping_gets_its_answers_one_after_the_other() {
    let mut config = PingConfig::new(FAR_ADDRESS).from(NEAR_ADDRESS);
    config.tos = 0xb8;
    let report = Bench::perfect().ping(config);
    assert_eq!((report.sent(), report.received(), report.lost()), (5, 5, 0));
    assert!(report.rtts().all(|rtt| rtt == 2 * ONE_WAY));
    assert_eq!(report.finished, Some(10 * ONE_WAY), "each goes when the one before is answered");
    for probe in &report.probes {
        assert_eq!(probe.arrived_ttl, Some(255));
        let PingOutcome::Reply { ttl, tos, from, .. } = probe.outcome else { panic!("{probe:?}") };
        assert_eq!((ttl, tos, from), (64, 0xb8, FAR_ADDRESS), "a host answers with 64, and the same TOS");
    }
    let text = "Type escape sequence to abort.\n\
                Sending 5, 100-byte ICMP Echos to 192.168.12.10, timeout is 2 seconds:\n\
                Packet sent with a source address of 192.168.11.1\n\
                !!!!!\n\
                Success rate is 100 percent (5/5), round-trip min/avg/max = 40/40/40 ms\n";
    assert_eq!(report.to_string(), text);
}

#[test]
fn the_size_is_that_of_the_whole_packet() {
    for size in [28, 36, 100, 1500] {
        let mut bench = Bench::new(move |_, packet| {
            assert_eq!(packet.len(), usize::from(size));
            vec![packet]
        });
        let mut config = PingConfig::new(FAR_ADDRESS);
        config.size = size;
        assert_eq!(bench.ping(config).received(), 5);
    }
}

#[test]
fn a_lost_packet_waits_for_its_timeout() {
    let mut requests = 0;
    let mut bench = Bench::new(move |_, packet| {
        requests += u32::from(is_to_far(&packet));
        if requests == 1 { Vec::new() } else { vec![packet] }
    });
    let report = bench.ping(PingConfig::new(FAR_ADDRESS));
    assert_eq!((report.sent(), report.received(), report.lost()), (5, 4, 1));
    assert_eq!(report.probes[0].outcome, PingOutcome::TimedOut);
    assert_eq!(report.probes[1].sent, Duration::from_secs(2));
    assert!(report.to_string().contains("\n.!!!!\nSuccess rate is 80 percent (4/5)"));
}

#[test]
fn a_constant_rate_does_not_wait() {
    let mut config = PingConfig::new(FAR_ADDRESS);
    config.interval = Some(Duration::from_millis(10));
    config.count = 100;
    let report = Bench::perfect().ping(config);
    assert_eq!(report.received(), 100);
    assert_eq!(report.probes[99].sent, Duration::from_millis(990));
    assert_eq!(report.finished, Some(Duration::from_millis(1030)));
}

#[test]
fn duplicates_and_late_answers_are_counted_apart() {
    let mut bench = Bench::new(|_, packet| vec![packet.clone(), packet]);
    let mut config = PingConfig::new(FAR_ADDRESS);
    config.count = 1;
    let report = bench.ping(config.clone());
    assert_eq!((report.received(), report.duplicates), (1, 3));
    config.timeout = Duration::from_millis(30);
    let report = Bench::perfect().ping(config);
    assert_eq!((report.received(), report.lost(), report.late), (0, 1, 1));
}

#[test]
fn more_pings_than_a_sequence_number_counts() {
    let mut config = PingConfig::new(FAR_ADDRESS);
    config.interval = Some(Duration::from_millis(1));
    config.count = 20_000;
    assert_eq!(Bench::perfect().ping(config).received(), 20_000);
    let mut ping = Ping::new(Duration::ZERO, 1, PingConfig { count: 70_000, ..PingConfig::new(FAR_ADDRESS) });
    for n in 0..70_000_u32 {
        let (sent, _) = ping.wake(Duration::from_millis(u64::from(n)), Some(NEAR_ADDRESS));
        let (_, bytes) = sent.expect("the one before was answered");
        let reply = build_icmp(ICMP_ECHO_REPLY, 0, [0, 1, bytes[6], bytes[7]], b"");
        let header = Header::new(FAR_ADDRESS, NEAR_ADDRESS, PROTOCOL_ICMP);
        let icmp = transport::parse_icmp(&reply).unwrap();
        ping.answered(Duration::from_millis(u64::from(n)), &header, &icmp);
    }
    assert_eq!(ping.report().received(), 70_000);
}

#[test]
fn errors_on_the_way_have_their_marks() {
    let reporter = Ipv4Addr::new(10, 0, 0, 1);
    for (kind, code, mtu, mark) in [(3, 1, 0, "U"), (3, 4, 1400, "M"), (11, 0, 0, "&"), (12, 0, 0, "?")] {
        let mut bench = Bench::new(move |_, packet| vec![error_about(&packet, reporter, kind, code, mtu)]);
        let report = bench.ping(PingConfig::new(FAR_ADDRESS));
        assert_eq!((report.sent(), report.received()), (5, 0));
        assert!(report.to_string().contains(&format!("\n{}\n", mark.repeat(5))), "{report}");
        let PingOutcome::Error(error) = report.probes[0].outcome else { panic!("{report:?}") };
        let expected = (reporter, (mtu != 0).then_some(mtu));
        assert_eq!((error.from, error.mtu), expected);
    }
}

#[test]
fn without_a_route_nothing_is_sent_and_everything_lost() {
    let mut bench = Bench::new(|_, _| panic!("there is no route"));
    bench.has_route = false;
    let report = bench.ping(PingConfig::new(FAR_ADDRESS));
    assert_eq!((report.sent(), report.lost()), (5, 5));
    assert!(report.finished.is_some());
    let report = bench.traceroute();
    assert!(!report.reached && report.hops.len() == 30);
    let report = bench.flow(FlowConfig::new(FAR_ADDRESS, 10), FAR);
    assert_eq!((report.sent, report.no_route, report.missing()), (10, 10, 10));
}

#[test]
fn a_traceroute_ends_where_the_port_is_closed() {
    let report = Bench::perfect().traceroute();
    assert!(report.reached && report.ended);
    assert_eq!(report.hops.len(), 1);
    assert_eq!(report.hops[0].address(), Some(FAR_INTERFACE), "the interface by which the answer leaves");
    let text = "Type escape sequence to abort.\n\
                Tracing the route to 192.168.12.10\n\
                VRF info: (vrf in name/id, vrf out name/id)\n  \
                1 10.0.0.12 40 msec 40 msec 40 msec\n";
    assert_eq!(report.to_string(), text);
}

#[test]
fn a_traceroute_finds_each_hop_and_marks_silence() {
    let hop = |ttl: u8| Ipv4Addr::new(10, 0, ttl, 1);
    let mut bench = Bench::new(move |_, packet| {
        let ttl = ipv4::parse(&packet).unwrap().header.ttl;
        match ttl {
            // The second hop says nothing.
            2 => Vec::new(),
            1 | 3 if is_to_far(&packet) => vec![error_about(&packet, hop(ttl), ICMP_TIME_EXCEEDED, 0, 0)],
            _ => vec![packet],
        }
    });
    let report = bench.traceroute();
    let found: Vec<_> = report.hops.iter().map(|hop| (hop.ttl, hop.address(), hop.answers.len())).collect();
    let expected = [(1, Some(hop(1)), 3), (2, None, 3), (3, Some(hop(3)), 3), (4, Some(FAR_INTERFACE), 3)];
    assert_eq!(found, expected);
    assert_eq!(report.finished, Some(Duration::from_secs(9) + 12 * ONE_WAY));
    assert!(report.to_string().contains("\n  2  *  *  *\n"), "{report}");
}

#[test]
fn a_traceroute_stops_where_nobody_goes_on() {
    let router = Ipv4Addr::new(10, 0, 0, 1);
    let mut bench = Bench::new(move |_, packet| vec![error_about(&packet, router, ICMP_UNREACHABLE, 1, 0)]);
    let report = bench.traceroute();
    assert!(report.ended && !report.reached && report.hops.len() == 1);
    assert!(report.to_string().ends_with("1 10.0.0.1 !H !H !H\n"), "{report}");
}

#[test]
fn a_flow_counts_what_becomes_of_its_packets() {
    let report = Bench::perfect().flow(FlowConfig::new(FAR_ADDRESS, 100), FAR);
    assert_eq!((report.sent, report.received, report.missing()), (100, 100, 0));
    assert_eq!((report.ttl, report.latency), (Some((255, 255)), Some((ONE_WAY, ONE_WAY))));
    assert_eq!(report.longest_gap, Duration::from_millis(20));
    assert_eq!(report.finished, Some(Duration::from_millis(1980)));

    let mut count = 0;
    let mut bench = Bench::new(move |_, packet| {
        count += 1;
        match count {
            // Three in a row get lost, one comes twice.
            10..=12 => Vec::new(),
            20 => vec![packet.clone(), packet],
            _ => vec![packet],
        }
    });
    let report = bench.flow(FlowConfig::new(FAR_ADDRESS, 100), FAR);
    assert_eq!((report.received, report.missing(), report.duplicated), (97, 3, 1));
    assert_eq!(report.longest_gap, Duration::from_millis(80));
}

#[test]
fn a_flow_sees_reordering_changes_and_wrong_places() {
    let mut held = None;
    let mut bench = Bench::new(move |_, packet| match held.take() {
        None => {
            held = Some(packet);
            Vec::new()
        }
        Some(earlier) => vec![packet, earlier],
    });
    let report = bench.flow(FlowConfig::new(FAR_ADDRESS, 100), FAR);
    assert_eq!((report.received, report.reordered), (100, 50));

    // Somebody changes the payload and mends the checksum.
    let mut bench = Bench::new(|_, packet| {
        let datagram = ipv4::parse(&packet).unwrap();
        let Header { source, destination, .. } = datagram.header;
        let udp = transport::parse_udp(source, destination, datagram.payload).unwrap();
        let mut payload = udp.payload.to_vec();
        *payload.last_mut().unwrap() ^= 1;
        let ports = (udp.source_port, udp.destination_port);
        let segment = transport::build_udp((source, ports.0), (destination, ports.1), &payload, true);
        vec![ipv4::build(&datagram.header, &segment).unwrap()]
    });
    let report = bench.flow(FlowConfig::new(FAR_ADDRESS, 10), FAR);
    assert_eq!((report.received, report.corrupted), (0, 10));

    let elsewhere = Endpoint { node: NodeId(7), host: None };
    let report = Bench::perfect().flow(FlowConfig::new(FAR_ADDRESS, 10), elsewhere);
    assert_eq!((report.received, report.misdelivered), (0, 10));
}

#[test]
fn a_broken_checksum_is_not_delivered() {
    let mut bench = Bench::new(|_, mut packet| {
        *packet.last_mut().unwrap() ^= 1;
        vec![packet]
    });
    let report = bench.flow(FlowConfig::new(FAR_ADDRESS, 10), FAR);
    assert_eq!((report.received, bench.hosts.stats.malformed), (0, 10));
}

#[test]
fn a_stopped_flow_sends_no_more() {
    let mut bench = Bench::perfect();
    let id = bench.hosts.flow(Duration::ZERO, NEAR, FlowConfig::new(FAR_ADDRESS, 1000), None);
    let effects = bench.hosts.wake(Duration::ZERO, id.0, Some(NEAR_ADDRESS));
    bench.hosts.stop_flow(Duration::ZERO, id);
    bench.apply(effects);
    bench.run();
    let report = bench.hosts.flow_report(id).unwrap();
    assert_eq!((report.sent, report.received), (1, 1));
    assert!(bench.hosts.all_finished());
}

#[test]
fn a_tcp_opening_shows_what_became_of_its_mss() {
    let mut bench = Bench::perfect();
    let id = bench.hosts.mss(Duration::ZERO, NEAR, MssConfig::new(FAR_ADDRESS));
    bench.start(id.0);
    let report = bench.hosts.mss_report(id).unwrap();
    assert_eq!((report.request, report.answer), (Some(Some(1460)), Some(Some(1460))));

    // A router clamps and forgets the checksum: the segment is dropped.
    let mut bench = Bench::new(|_, packet| {
        let datagram = ipv4::parse(&packet).unwrap();
        let mut segment = datagram.payload.to_vec();
        segment[22..24].copy_from_slice(&1360_u16.to_be_bytes());
        vec![ipv4::build(&datagram.header, &segment).unwrap()]
    });
    let id = bench.hosts.mss(Duration::ZERO, NEAR, MssConfig::new(FAR_ADDRESS));
    bench.start(id.0);
    assert_eq!(bench.hosts.mss_report(id).unwrap().request, None);
    assert_eq!(bench.hosts.stats.malformed, 1);
}

#[test]
fn a_host_cuts_what_its_lan_cannot_carry_and_puts_it_together() {
    let mut bench = Bench::new(|_, packet| {
        assert!(is_to_far(&packet) || packet.len() <= 1500);
        vec![packet]
    });
    let mut config = PingConfig::new(FAR_ADDRESS);
    config.size = 4000;
    let report = bench.ping(config);
    assert_eq!(report.received(), 5, "the router sends whole, the host answers in pieces");
}

#[test]
fn answers_to_others_and_multicast_get_nothing() {
    let mut hosts = Hosts::default();
    let mut receive = |header: Header, payload: Vec<u8>| {
        let packet = ipv4::build(&header, &payload).unwrap();
        hosts.receive(Duration::ZERO, FAR, None, &packet).packets.len()
    };
    let reply = build_icmp(ICMP_ECHO_REPLY, 0, [0xc0, 0, 0, 0], b"");
    assert_eq!(receive(Header::new(NEAR_ADDRESS, FAR_ADDRESS, PROTOCOL_ICMP), reply), 0);
    let group = Ipv4Addr::new(239, 1, 1, 1);
    let udp = transport::build_udp((NEAR_ADDRESS, 1), (group, 2), b"", true);
    assert_eq!(receive(Header::new(NEAR_ADDRESS, group, PROTOCOL_UDP), udp), 0);
    assert_eq!(receive(Header::new(NEAR_ADDRESS, FAR_ADDRESS, 89), b"ospf".to_vec()), 0);
    assert_eq!(receive(Header::new(NEAR_ADDRESS, FAR_ADDRESS, PROTOCOL_TCP), vec![0; 20]), 0);
    let (unclaimed, malformed) = (hosts.stats.unclaimed, hosts.stats.malformed);
    assert_eq!((unclaimed, malformed), (3, 1));
}
