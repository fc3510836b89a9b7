//! Two routers whose packets a forwarding plane outside the engine moves: control packets, actions and punts cross the
//! seam, and the engine itself neither seals nor opens anything.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use dmvpn::forward::{Action, ControlArrival, ControlProtocol, Counted, InterfaceCounters, Punt, SaCounters};
use dmvpn::{Config, DropReason, Engine, Options, Output, Packet, TunnelId, Verdict, Wire, config::ios};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

const TUNNEL: TunnelId = TunnelId(0);

fn config(name: &str, text: &str) -> Config {
    ios::parse(name, text).config
}

fn router(name: &str, text: &str, seed: u64, now: Instant) -> Engine {
    let mut options = Options::default();
    options.external_forwarding = true;
    Engine::with_options(config(name, text), options, ChaCha20Rng::seed_from_u64(seed), now).expect(name)
}

/// A router, and what it handed out for its forwarding plane.
struct Node {
    engine: Engine,
    actions: Vec<Action>,
    underlay: IpAddr,
}

impl Node {
    fn new(name: &str, text: &str, seed: u64, now: Instant) -> Self {
        let engine = router(name, text, seed, now);
        let underlay = engine.underlay_addresses().next().expect("a source");
        Self { engine, actions: Vec::new(), underlay }
    }

    /// Carries what this router hands out to `to`.
    fn carry(&mut self, to: &mut Self, now: Instant) {
        self.engine.handle_timeout(now);
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Transmit { path, payload } => {
                    assert!(matches!(path.wire, Wire::Udp { .. }), "only IKE leaves by itself: {path}");
                    let _ = to.engine.handle_wan(now, path.reversed(), &mut Packet::new(&payload));
                }
                Output::Control(control) => {
                    assert_eq!(control.remote, to.underlay);
                    let arrival = ControlArrival {
                        tunnel: TUNNEL,
                        remote: self.underlay,
                        path: None,
                        protocol: control.protocol,
                    };
                    let _ = to.engine.handle_control(now, &arrival, &mut Packet::new(&control.payload));
                }
                Output::Action(action) => self.actions.push(action),
                _ => {}
            }
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "nothing depends on when virtual time begins")]
fn cloud() -> (Node, Node, Instant) {
    let mut now = Instant::now();
    let mut hub = Node::new("hub1.cfg", include_str!("data/guide/hub1.cfg"), 1, now);
    let mut spoke = Node::new("spoke1.cfg", include_str!("data/guide/spoke1.cfg"), 2, now);
    for _ in 0..1_500 {
        hub.carry(&mut spoke, now);
        spoke.carry(&mut hub, now);
        now += Duration::from_millis(20);
    }
    (hub, spoke, now)
}

fn shown(node: &mut Node, now: Instant, command: &str) -> String {
    node.engine.show(now, &command.parse().expect("a command")).to_string()
}

#[test]
fn a_spoke_registers_and_ospf_is_full_over_an_outside_plane() {
    let (mut hub, mut spoke, now) = cloud();
    assert!(shown(&mut hub, now, "show ip nhrp").contains("NBMA address: 198.51.100.1"));
    assert!(shown(&mut spoke, now, "show ip ospf neighbor").contains("FULL"));
    let installed = |node: &Node| {
        let inbound = node.actions.iter().filter(|action| matches!(action, Action::InstallInbound { .. }));
        let outbound = node.actions.iter().filter(|action| matches!(action, Action::InstallOutbound { .. }));
        (inbound.count(), outbound.count())
    };
    assert_eq!((installed(&hub), installed(&spoke)), ((1, 1), (1, 1)));
    let hub_address = Ipv4Addr::new(10, 0, 0, 1);
    assert!(spoke.actions.iter().any(
        |action| matches!(action, Action::AddAdjacency { tunnel_address, .. } if *tunnel_address == hub_address)
    ));
}

#[test]
fn the_engine_moves_no_packets_itself() {
    let (_, mut spoke, now) = cloud();
    let mut ping = [0; 28];
    ping[0] = 0x45;
    ping[3] = 28;
    let verdict = spoke.engine.handle_lan(now, &mut Packet::new(&ping));
    assert_eq!(verdict, Verdict::Dropped(DropReason::ForwardedElsewhere));
    let path = dmvpn::Path::new(spoke.underlay, Ipv4Addr::new(203, 0, 113, 1).into(), Wire::Esp);
    let verdict = spoke.engine.handle_wan(now, path, &mut Packet::new(&[1; 64]));
    assert_eq!(verdict, Verdict::Dropped(DropReason::ForwardedElsewhere));
    assert!(shown(&mut spoke, now, "show dmvpn").contains("203.0.113.1"));
}

#[test]
fn nhrp_of_an_address_without_an_sa_is_dropped() {
    let (mut hub, _, now) = cloud();
    let arrival = ControlArrival {
        tunnel: TUNNEL,
        remote: Ipv4Addr::new(192, 0, 2, 66).into(),
        path: None,
        protocol: ControlProtocol::Nhrp,
    };
    let verdict = hub.engine.handle_control(now, &arrival, &mut Packet::new(&[0; 40]));
    assert_eq!(verdict, Verdict::Dropped(DropReason::NoSa));
    let arrival = ControlArrival { protocol: ControlProtocol::Ipv4, ..arrival };
    let verdict = hub.engine.handle_control(now, &arrival, &mut Packet::new(&[0; 40]));
    assert_eq!(verdict, Verdict::Dropped(DropReason::Malformed));
}

#[test]
fn punts_and_counters_come_in() {
    let (mut hub, mut spoke, now) = cloud();
    let next_hop = Ipv4Addr::new(10, 0, 0, 12);
    spoke.engine.handle_punt(now, Punt::Unresolved { tunnel: TUNNEL, next_hop });
    let asks = std::iter::from_fn(|| spoke.engine.poll_output()).any(
        |output| matches!(output, Output::Control(control) if control.protocol == ControlProtocol::Nhrp),
    );
    assert!(asks, "a resolution request goes to the hub");

    let mut counters = InterfaceCounters::default();
    (counters.packets_in, counters.bytes_in) = (4242, 424_242);
    hub.engine.handle_counted(Counted::Interface { tunnel: TUNNEL, counters });
    assert!(shown(&mut hub, now, "show interface Tunnel0").contains("4242 packets input"));

    let installed = hub.actions.iter().find_map(|action| match action {
        Action::InstallInbound { path, child, .. } => Some((*path, *child)),
        _ => None,
    });
    let (path, child) = installed.expect("an SA");
    let inbound = Some(SaCounters { packets: 777, bytes: 77_700 });
    hub.engine.handle_counted(Counted::Sa { path, child, inbound, outbound: None });
    assert!(shown(&mut hub, now, "show crypto ipsec sa").contains("#pkts decaps: 777"));
    hub.engine.handle_punt(now, Punt::SaLimit { path, child, hard: false });
    assert!(hub.engine.poll_output().is_some(), "a soft limit starts a rekey");
}
