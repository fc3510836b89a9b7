//! An NHRP node, hub or spoke, whose authentication string the fuzzer knows.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use ipnet::{IpNet, Ipv4Net};
use nhrp::wire::{Body, Cie, ErrorCode, Extension, ExtensionType, Packet, PacketType};
use nhrp::{
    Authentication, Config, Input as Fact, Limits, Nhs, Node, Output, PathId, ResolutionPolicy, RouteInfo,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::clock;
use crate::input::{Input, Step};
use crate::mend;

const SECRET: &[u8] = b"DMVPN2026";
const HUB: (IpAddr, IpAddr) = (ip(10, 0, 0, 1), ip(203, 0, 113, 1));
const SPOKE: (IpAddr, IpAddr) = (ip(10, 0, 0, 11), ip(198, 51, 100, 1));
/// Every table of the node is small, so that its bound is met.
const TABLE: usize = 6;
/// Outputs of one call; no input is worth more.
const OUTPUTS: usize = 1000;
/// Steps of one input.
const STEPS: usize = 200;

/// `options (1)`, then steps. Bits 0 and 1 of the options: hub, phase 2 spoke, phase 3 spoke, or a hub that answers by
/// itself; bit 2: a path that the node asks for is there at once; bit 3: routing queries are answered.
///
/// | kind | step |
/// |---|---|
/// | 0, 1, 2 | the payload as a packet over path `argument`: as it is; with size and checksum right; with our authentication too |
/// | 3 | the node's own packet from `argument` packets ago comes back as its reply, with the payload as its entries |
/// | 4, 5, 6, 7 | path `argument` is up (the upper bit: unproven), down, moved, failed |
/// | 8, 9, 10 | resolve, route changed, used: the address in the payload |
/// | 11 | the payload is an IP packet that may deserve a redirect |
/// | 12, 13, 14 | own address changed, clear, shut down |
/// | others | time passes: 2^(`argument` % 21) ms |
pub fn nhrp_node(data: &[u8]) {
    let mut input = Input::new(data);
    let options = input.byte();
    let mut driver = Driver::new(options);
    driver.drain();
    for _ in 0..STEPS {
        let Some(step) = input.step() else { break };
        driver.step(step);
        driver.drain();
        driver.check();
    }
    // All that is left to do comes to an end of its own accord, or repeats with its period.
    driver.pass(Duration::from_secs(3600));
    driver.check();
}

const fn ip(a: u8, b: u8, c: u8, d: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}

fn config(role: u8) -> Config {
    let prefix = Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 24).into();
    let is_hub = matches!(role, 0 | 3);
    let own = if is_hub { HUB } else { SPOKE };
    let mut config = Config::new(own.0, prefix, own.1, 100);
    config.authentication = Some(Authentication::new(SECRET));
    if is_hub {
        config.redirect = Some(Duration::from_secs(8));
    } else {
        config.nhs = vec![Nhs::new(Some(HUB.0), Some(HUB.1))];
        config.shortcut = role == 2;
    }
    if role == 3 {
        config.resolution_policy = ResolutionPolicy::Answer;
    }
    config.limits = Limits {
        registrations: TABLE,
        dynamic_entries: TABLE,
        pending_resolutions: TABLE,
        pending_replies: TABLE,
        route_queries: TABLE,
        redirect_pairs: TABLE,
        answered_per_entry: TABLE,
        pending_purges: TABLE,
        ..Limits::default()
    };
    config
}

struct Driver {
    node: Node,
    now: Instant,
    connects: bool,
    answers: bool,
    /// What the node sent last, newest first.
    sent: VecDeque<Packet>,
}

impl Driver {
    fn new(options: u8) -> Self {
        let now = clock::start();
        let node = Node::new(config(options & 3), ChaCha20Rng::seed_from_u64(1), now);
        let node = node.expect("the configuration is good");
        let (connects, answers) = (options & 4 != 0, options & 8 != 0);
        Self { node, now, connects, answers, sent: VecDeque::new() }
    }

    fn step(&mut self, Step { kind, argument, payload }: Step<'_>) {
        let path = PathId(u64::from(argument & 0x0f));
        let nbma = nbma(argument);
        let address = address(payload);
        match kind {
            0 => self.packet(argument, payload),
            1 => self.packet(argument, &mend::nhrp(payload)),
            2 => {
                if let Ok(packet) = Packet::decode(&mend::nhrp(payload)) {
                    self.authentic(argument, packet);
                }
            }
            3 => self.reflect(argument, payload),
            4 => {
                let identity = (!payload.is_empty()).then_some(payload);
                self.input(Fact::PathUp { nbma, path, proven: argument & 0x80 == 0, identity });
            }
            5 => self.input(Fact::PathDown { path }),
            6 => self.input(Fact::PathMoved { path, nbma: address }),
            7 => self.input(Fact::PathFailed { nbma }),
            8 => self.input(Fact::Resolve { destination: address }),
            9 => {
                let prefix = IpNet::new(address, argument % 33).unwrap_or_else(|_| address.into());
                self.input(Fact::RouteChanged { prefix });
            }
            10 => self.node.note_used(self.now, address),
            11 => self.input(Fact::Redirectable { nbma, path, packet: &mend::ipv4(payload) }),
            12 => self.input(Fact::NbmaChanged { nbma: address }),
            13 => self.input(Fact::Clear),
            14 => self.input(Fact::Shutdown),
            _ => self.pass(Duration::from_millis(1 << (argument % 21))),
        }
    }

    fn input(&mut self, fact: Fact<'_>) {
        self.node.handle_input(self.now, fact);
    }

    fn packet(&mut self, argument: u8, payload: &[u8]) {
        let path = PathId(u64::from(argument & 0x0f));
        self.input(Fact::Packet { nbma: nbma(argument), path, payload });
    }

    /// Hands in a packet that carries the authentication string.
    fn authentic(&mut self, argument: u8, mut packet: Packet) {
        let ours = Extension::authentication(&Authentication::new(SECRET));
        let list = packet.extensions.get_or_insert_default();
        list.retain(|extension| extension.kind != ExtensionType::AUTHENTICATION);
        list.insert(0, ours);
        // Too long a packet is none.
        if let Ok(bytes) = packet.encode() {
            self.packet(argument, &bytes);
        }
    }

    /// Answers what the node asked a while ago: it would take a fuzzer long to guess a request id.
    fn reflect(&mut self, argument: u8, payload: &[u8]) {
        let Some(mut packet) = self.sent.get(usize::from(argument >> 4)).cloned() else { return };
        let kind = packet.packet_type.0;
        packet.packet_type = PacketType(if matches!(kind, 1 | 3 | 5) { kind + 1 } else { kind });
        let entries = Extension {
            value: payload.to_vec().into(),
            ..Extension::empty(ExtensionType::RESPONDER_ADDRESS)
        };
        let entries = entries.entries().filter(|entries| !entries.is_empty());
        packet.body = Body::Entries(entries.unwrap_or_else(|| {
            let mut entry = Cie::new(Some(nbma(argument)), packet.destination_protocol.ip());
            entry.holding_time = 300;
            vec![entry]
        }));
        self.authentic(argument, packet);
    }

    /// Lets time pass, and lets the node work whenever it wants to.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        // A timer that fires more than once per millisecond, for ever, is a storm.
        for _ in 0..20_000 {
            match self.node.poll_timeout() {
                Some(at) if at <= until => {
                    self.now = self.now.max(at);
                    self.node.handle_timeout(self.now);
                    let next = self.node.poll_timeout();
                    assert!(next.is_none_or(|next| next > self.now), "what is due was done");
                    self.drain();
                }
                _ => {
                    self.now = until;
                    return;
                }
            }
        }
        panic!("the node's timers come too often");
    }

    fn drain(&mut self) {
        for _ in 0..OUTPUTS {
            let Some(output) = self.node.poll_output() else { return };
            match output {
                Output::Transmit { payload, .. } => {
                    let packet = Packet::decode(&payload).expect("a node sends packets that decode");
                    let secret = packet
                        .extension(ExtensionType::AUTHENTICATION)
                        .and_then(|found| found.authentication_data());
                    // Whoever got the string wrong is told so, but not what it is.
                    let tells = packet.packet_type == PacketType::ERROR_INDICATION
                        && packet.request_id >> 16 == u32::from(ErrorCode::AUTHENTICATION.0);
                    assert_eq!(secret, (!tells).then_some(SECRET), "a node authenticates what it sends");
                    self.sent.push_front(packet);
                    self.sent.truncate(16);
                }
                Output::Connect { nbma } if self.connects => {
                    let path = (0..16).find(|path| self::nbma(*path) == nbma).unwrap_or(15);
                    let path = PathId(u64::from(path));
                    self.input(Fact::PathUp { nbma, path, proven: true, identity: None });
                }
                Output::RouteQuery { token, destination } if self.answers => {
                    let route = route(destination);
                    self.input(Fact::RouteAnswer { token, route });
                }
                other => drop(format!("{other:?}")),
            }
        }
        panic!("more outputs than any input is worth");
    }

    /// What holds at any time.
    fn check(&self) {
        let node = &self.node;
        // The node's own registrations and servers are not learnt.
        assert!(node.cache().count() <= 2 * TABLE + 4, "the cache keeps to its limits");
        assert!(
            node.multicast().count() <= 2 * TABLE + 20,
            "the multicast table follows the cache and the paths"
        );
        for view in node.cache() {
            drop(format!("{view:?}"));
        }
        for view in node.nhs() {
            drop(format!("{view:?}"));
        }
        drop(format!("{:?} {:?}", node.stats(), node.live_nhs()));
    }
}

/// The routing table: LANs behind the tunnel, one behind this node, and a default route elsewhere.
fn route(destination: IpAddr) -> Option<RouteInfo> {
    let IpAddr::V4(address) = destination else { return None };
    let [a, b, c, d] = address.octets();
    if a != 192 {
        return Some(RouteInfo { prefix: Ipv4Net::default().into(), through_tunnel: false, next_hop: None });
    }
    let prefix = Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, 0), 24).into();
    let through_tunnel = d & 1 == 0;
    Some(RouteInfo { prefix, through_tunnel, next_hop: through_tunnel.then_some(ip(10, 0, 0, c)) })
}

/// The underlay address of a path: three paths behind one NAT, the others with one each.
fn nbma(argument: u8) -> IpAddr {
    match argument & 0x0f {
        0 => HUB.1,
        1 => SPOKE.1,
        path @ (2..=4) => ip(198, 51, 100, path / 4 + 2),
        path => ip(203, 0, 113, path),
    }
}

/// The address that a payload names: four bytes, or one for the last byte of an overlay address.
fn address(payload: &[u8]) -> IpAddr {
    match *payload {
        [a, b, c, d, ..] => ip(a, b, c, d),
        [last, ..] => ip(10, 0, 0, last),
        [] => ip(10, 0, 0, 12),
    }
}
