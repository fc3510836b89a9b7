//! Many spokes join one hub at once, 20 ms away from it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use ospf_p2mp::{Config, Input, InterfaceConfig, InterfaceId, NextHopMode, Output, Router};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::light::{Light, address, lan};
use crate::{clock, live_bytes};

pub(crate) const TUNNEL: InterfaceId = InterfaceId(0);
const LATENCY: Duration = Duration::from_millis(20);

/// What it took.
pub(crate) struct Figures {
    /// Virtual time until the hub is Full with all.
    pub(crate) full: Duration,
    /// Virtual time until every spoke has every router's LSA.
    pub(crate) complete: Duration,
    /// Real time inside of the hub.
    pub(crate) busy: Duration,
    /// What the hub sent, in octets of OSPF, every copy counted.
    pub(crate) sent: u64,
    /// What the hub holds at the end, in octets of memory.
    pub(crate) memory: i64,
    /// The largest Hello.
    pub(crate) hello: usize,
}

pub(crate) fn hub_config() -> Config {
    let mut config = Config::new(address(0));
    let mut tunnel = InterfaceConfig::tunnel(TUNNEL, "Tunnel0", address(0), 16);
    tunnel.cost = 10;
    tunnel.next_hop = NextHopMode::Rfc2328;
    config.interfaces.push(tunnel);
    let lan = lan(0);
    config.interfaces.push(InterfaceConfig::lan(InterfaceId(1), "Gi2", lan.addr(), lan.prefix_len()));
    config
}

/// The hub with the time and the memory that it takes.
struct Hub {
    router: Router,
    busy: Duration,
    memory: i64,
    sent: u64,
    hello: usize,
}

impl Hub {
    /// Runs something inside of the hub and gives what it wants to send.
    fn run(&mut self, work: impl FnOnce(&mut Router)) -> Vec<(Ipv4Addr, Vec<u8>)> {
        let (before, start) = (live_bytes(), clock());
        work(&mut self.router);
        let mut packets = Vec::new();
        let mut given = 0;
        while let Some(output) = self.router.poll_output() {
            if let Output::Transmit { peer: Some(peer), payload, .. } = output {
                self.sent += payload.len() as u64;
                if payload[1] == 1 {
                    self.hello = self.hello.max(payload.len());
                }
                given += payload.capacity() as i64;
                packets.push((peer, payload));
            }
        }
        self.busy += start.elapsed();
        let list = (packets.capacity() * size_of::<(Ipv4Addr, Vec<u8>)>()) as i64;
        self.memory += live_bytes() - before - given - list;
        packets
    }
}

/// The hub, its spokes, and what is under way between them.
struct Cloud {
    now: Instant,
    hub: Hub,
    lights: Vec<Light>,
    flights: BTreeMap<(Instant, u64), Flight>,
    serial: u64,
}

struct Flight {
    spoke: u32,
    to_hub: bool,
    payload: Vec<u8>,
}

impl Cloud {
    fn new(spokes: u32) -> Self {
        let now = clock();
        let before = live_bytes();
        let random = ChaCha20Rng::seed_from_u64(1);
        let router = Router::new(hub_config(), random, now).expect("a valid configuration");
        let hub = Hub { router, busy: Duration::ZERO, memory: live_bytes() - before, sent: 0, hello: 0 };
        let lights = (1..=spokes).map(|spoke| Light::new(spoke, spokes)).collect();
        Self { now, hub, lights, flights: BTreeMap::new(), serial: 0 }
    }

    fn send(&mut self, spoke: u32, to_hub: bool, payload: Vec<u8>) {
        self.serial += 1;
        self.flights.insert((self.now + LATENCY, self.serial), Flight { spoke, to_hub, payload });
    }

    fn in_hub(&mut self, work: impl FnOnce(&mut Router)) {
        for (peer, payload) in self.hub.run(work) {
            self.send(u32::from(peer) - u32::from(address(0)), false, payload);
        }
    }

    /// Goes on to whatever comes next.
    fn step(&mut self) {
        let flight = self.flights.first_key_value().map(|((at, _), _)| *at);
        let wakeup = self.hub.router.poll_timeout();
        let next = [flight, wakeup].into_iter().flatten().min();
        self.now = next.expect("Hellos never end").max(self.now);
        let now = self.now;
        if flight.is_none_or(|at| at > now) {
            self.in_hub(|router| router.handle_timeout(now));
        }
        let mut answers = Vec::new();
        while let Some(entry) = self.flights.first_entry().filter(|entry| entry.key().0 <= now) {
            let Flight { spoke, to_hub, payload } = entry.remove();
            if to_hub {
                let (source, destination, payload) = (address(spoke), address(0), payload.as_slice());
                let packet = Input::Packet { interface: TUNNEL, source, destination, ttl: 1, payload };
                self.in_hub(|router| router.handle_input(now, packet));
            } else {
                self.lights[spoke as usize - 1].receive(&payload, &mut answers);
                for answer in answers.drain(..) {
                    self.send(spoke, true, answer);
                }
            }
        }
    }
}

pub(crate) fn run(spokes: u32) -> Figures {
    let mut cloud = Cloud::new(spokes);
    let origin = cloud.now;
    for spoke in 1..=spokes {
        let now = cloud.now;
        let peer = Input::PeerUp { interface: TUNNEL, address: address(spoke) };
        cloud.in_hub(|router| router.handle_input(now, peer));
    }
    let is_full = |cloud: &Cloud| cloud.hub.router.summary().areas[0].full_neighbors == spokes as usize;
    let is_complete = |cloud: &Cloud| {
        cloud.lights.iter().all(|light| light.is_full() && light.routers() == spokes as usize + 1)
            && cloud.hub.router.routes().count() == 2 * spokes as usize
    };
    let (mut full, mut next_look) = (None, cloud.now);
    let complete = loop {
        cloud.step();
        let at = cloud.now - origin;
        assert!(at < Duration::from_secs(600), "{spokes} spokes never came up");
        if cloud.now < next_look {
            continue;
        }
        next_look = cloud.now + Duration::from_millis(50);
        if full.is_none() && is_full(&cloud) {
            full = Some(at);
        }
        if full.is_some() && is_complete(&cloud) {
            break at;
        }
    };
    // What is under way settles: acknowledgements, the hub's last Router-LSA.
    let end = cloud.now + Duration::from_secs(8);
    while cloud.now < end {
        cloud.step();
    }
    let Hub { busy, memory, sent, hello, .. } = cloud.hub;
    Figures { full: full.expect("looked at above"), complete, busy, sent, memory, hello }
}
