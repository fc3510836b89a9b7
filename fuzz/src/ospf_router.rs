//! Two OSPF routers that are FULL with each other, and a fuzzer that speaks for either of them.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use ipnet::Ipv4Net;
use ospf_p2mp::wire::{AuthField, LsUpdate, Lsa, LsaKey, Options, Packet, PacketBody};
use ospf_p2mp::{
    ALL_SPF_ROUTERS, AreaId, Config, Direct, ExternalRoute, Input as Fact, InterfaceConfig, InterfaceId,
    NeighborState, NextHopMode, Output, Redistribute, Router,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::clock;
use crate::input::{Input, Step};
use crate::mend;

const TUNNEL: InterfaceId = InterfaceId(0);
const LAN: InterfaceId = InterfaceId(1);
/// LSAs in the database: so few that the bound is met.
const LSAS: usize = 24;
const NEIGHBORS: usize = 4;
/// Steps of one input.
const STEPS: usize = 80;
/// Outputs of one call; no packet is worth more.
const OUTPUTS: usize = 2000;
/// Packets on the wire; the oldest is lost.
const WIRE: usize = 256;

/// Steps, after the adjacency is up.
///
/// | kind | step |
/// |---|---|
/// | 0, 1 | the payload as a packet: as it is, and with its length and checksum right |
/// | 2 | an update of the neighbour's with one LSA, checksums right: `type, options, id (4), router (4), sequence (4), age (2)`, body |
/// | 3 | all that is on the wire arrives |
/// | 4 | the oldest packet on the wire is lost; with a payload it arrives changed by it, its checksum right again |
/// | 5 | the oldest packet on the wire arrives, and stays there |
/// | 6 | what the embedder says: peers, interfaces, direct paths, redistribution, stub router, shutdown |
/// | others | time passes: 2^(`argument` % 18) ms; with bit 6 nothing arrives meanwhile |
///
/// Bit 7 of an argument says who receives, the hub or the spoke; bits 0 and 1 from whom: the other, or strangers.
pub fn ospf_router(data: &[u8]) {
    let mut input = Input::new(data);
    let mut pair = Pair::new();
    pair.pass(Duration::from_secs(45), true);
    for router in &pair.routers {
        assert!(router.neighbors().all(|one| one.state == NeighborState::Full), "the adjacency comes up");
        assert_eq!(router.neighbors().count(), 1);
    }
    for _ in 0..STEPS {
        let Some(step) = input.step() else { break };
        pair.step(step);
        pair.check();
    }
    pair.pass(Duration::from_secs(300), true);
    pair.check();
}

struct Pair {
    routers: [Router; 2],
    now: Instant,
    /// Receiver and packet.
    wire: VecDeque<(usize, Vec<u8>)>,
}

const fn address(router: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, if router == 0 { 1 } else { 11 })
}

fn router(index: usize, now: Instant) -> Router {
    let mut config = Config::new(address(index));
    let mut tunnel = InterfaceConfig::tunnel(TUNNEL, "Tunnel0", address(index), 24);
    if index == 0 {
        tunnel.next_hop = NextHopMode::Rfc2328;
    }
    let lan = Ipv4Addr::new(192, 168, address(index).octets()[3], 1);
    config.interfaces = vec![tunnel, InterfaceConfig::lan(LAN, "Gi2", lan, 24)];
    config.limits.neighbors = NEIGHBORS;
    config.limits.concurrent_exchanges = 2;
    config.limits.lsas = LSAS;
    config.limits.lsas_per_router = LSAS / 2;
    config.limits.lsdb_bytes = 16 << 10;
    config.sequence_base = 1_700_000_000;
    Router::new(config, ChaCha20Rng::seed_from_u64(index as u64), now).expect("the configuration is good")
}

impl Pair {
    fn new() -> Self {
        let now = clock::start();
        let mut pair = Self { routers: [router(0, now), router(1, now)], now, wire: VecDeque::new() };
        for end in 0..2 {
            pair.input(end, Fact::PeerUp { interface: TUNNEL, address: address(1 - end) });
        }
        pair
    }

    fn step(&mut self, Step { kind, argument, payload }: Step<'_>) {
        let receiver = usize::from(argument >> 7);
        let source = match argument & 3 {
            0 | 1 => address(1 - receiver),
            stranger => Ipv4Addr::new(10, 0, 0, 20 + stranger),
        };
        match kind {
            0 => self.packet(receiver, source, payload),
            1 => self.packet(receiver, source, &mend::ospf(payload)),
            2 => self.advertise(receiver, source, payload),
            3 => self.deliver_all(),
            4 => {
                let Some((receiver, mut packet)) = self.wire.pop_front() else { return };
                for (byte, change) in packet.iter_mut().skip(usize::from(argument & 0x7f)).zip(payload) {
                    *byte ^= change;
                }
                if !payload.is_empty() {
                    self.packet(receiver, address(1 - receiver), &mend::ospf(&packet));
                }
            }
            5 => {
                if let Some((receiver, packet)) = self.wire.front().cloned() {
                    self.packet(receiver, address(1 - receiver), &packet);
                }
            }
            6 => self.tell(receiver, argument, payload),
            _ => self.pass(Duration::from_millis(1 << (argument % 18)), argument & 0x40 == 0),
        }
    }

    fn input(&mut self, end: usize, fact: Fact<'_>) {
        self.routers[end].handle_input(self.now, fact);
        self.drain(end);
    }

    fn packet(&mut self, receiver: usize, source: Ipv4Addr, payload: &[u8]) {
        let destination = ALL_SPF_ROUTERS;
        self.input(receiver, Fact::Packet { interface: TUNNEL, source, destination, ttl: 1, payload });
    }

    /// What a router in the hands of an attacker can say about itself and about others.
    fn advertise(&mut self, receiver: usize, source: Ipv4Addr, payload: &[u8]) {
        let mut input = Input::new(payload);
        let (ls_type, options) = (input.byte(), input.byte());
        let (id, router): ([u8; 4], [u8; 4]) = (input.array(), input.array());
        let sequence = i32::from_be_bytes(input.array());
        let age = u16::from_be_bytes(input.array());
        let body = input.take(4096);
        let body = body[..body.len() / 4 * 4].to_vec();
        let key = LsaKey::new(ls_type, id.into(), router.into());
        let mut lsa = Lsa::new(key, Options(options), sequence, body.into()).expect("it is short");
        // The checksum does not cover the age.
        lsa.header.age = age;
        let packet = Packet {
            router_id: source,
            area: AreaId(Ipv4Addr::UNSPECIFIED),
            auth: AuthField::Null([0; 8]),
            body: PacketBody::LinkStateUpdate(LsUpdate { lsas: vec![lsa] }),
            trailer: Vec::new().into(),
        };
        let packet = packet.encode().expect("it is short");
        self.packet(receiver, source, &packet);
    }

    fn tell(&mut self, end: usize, argument: u8, payload: &[u8]) {
        let octets: [u8; 4] = Input::new(payload).array();
        let named = if payload.is_empty() { address(1 - end) } else { octets.into() };
        let prefix = Ipv4Net::new(named, argument & 0x1f).expect("at most 31");
        let interface = if payload.len() & 1 == 0 { TUNNEL } else { LAN };
        let fact = match argument >> 2 & 0x0f {
            0 => Fact::PeerUp { interface: TUNNEL, address: named },
            1 => Fact::PeerDown { interface: TUNNEL, address: named },
            2 => Fact::InterfaceDown { interface },
            3 => Fact::InterfaceUp { interface },
            4 => Fact::SetDirect { interface: TUNNEL, gateway: named, state: Direct::Up },
            5 => Fact::SetDirect { interface: TUNNEL, gateway: named, state: Direct::Blocked },
            6 => Fact::Redistribute(Redistribute::Add(ExternalRoute::new(prefix))),
            7 => Fact::Redistribute(Redistribute::Remove(prefix)),
            8 => Fact::SetStubRouter(true),
            9 => Fact::SetStubRouter(false),
            10 => Fact::Shutdown,
            _ => Fact::SetDirect { interface: TUNNEL, gateway: named, state: Direct::Unknown },
        };
        self.input(end, fact);
    }

    fn deliver_all(&mut self) {
        for _ in 0..WIRE {
            let Some((receiver, packet)) = self.wire.pop_front() else { return };
            self.packet(receiver, address(1 - receiver), &packet);
        }
    }

    fn pass(&mut self, time: Duration, arrives: bool) {
        let until = self.now + time;
        for _ in 0..20_000 {
            if arrives {
                self.deliver_all();
            }
            match self.routers.iter().filter_map(Router::poll_timeout).min() {
                Some(at) if at <= until => {
                    self.now = self.now.max(at);
                    for end in 0..2 {
                        self.routers[end].handle_timeout(self.now);
                        let next = self.routers[end].poll_timeout();
                        assert!(next.is_none_or(|next| next > self.now), "what is due was done");
                        self.drain(end);
                    }
                }
                _ => {
                    self.now = until;
                    return;
                }
            }
        }
        panic!("the routers' timers come too often");
    }

    fn drain(&mut self, end: usize) {
        for _ in 0..OUTPUTS {
            let Some(output) = self.routers[end].poll_output() else { return };
            match output {
                Output::Transmit { payload, .. } => {
                    let packet = Packet::decode(&payload).expect("a router sends packets that decode");
                    assert_eq!(packet.router_id, address(end));
                    assert!(Packet::checksum_is_valid(&payload));
                    self.wire.push_back((1 - end, payload));
                    if self.wire.len() > WIRE {
                        self.wire.pop_front();
                    }
                }
                other => drop(format!("{other:?}")),
            }
        }
        panic!("more outputs than any packet is worth");
    }

    /// What holds at any time.
    fn check(&self) {
        for router in &self.routers {
            assert!(router.neighbors().count() <= NEIGHBORS, "neighbours keep to their limit");
            // What a router says of itself does not count.
            assert!(router.database().count() <= LSAS + 40, "the database keeps to its limit");
            for view in router.database() {
                drop(format!("{view:?}"));
            }
            for route in router.routes() {
                drop(format!("{route:?}"));
            }
            drop(format!("{:?} {:?}", router.summary(), router.stats()));
        }
    }
}
