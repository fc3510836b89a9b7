//! Endpoints on a wire with a hand-held clock, and a model of each one's forwarding plane that checks what the actions
//! promise.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "test support: a failure here is a failed test")]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use ikev2::{
    Action, ChildId, Config, Endpoint, Event, Input, Keyring, Output, PeerId, Profile, ProfileId,
    SaParameters, UdpPath,
};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

pub const PSK: &str = "Sup3rS3cr3tDMVPN!";

pub fn ip(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(198, 51, 100, last))
}

/// The guide's configuration: any peer, one key, AES-CBC-256, SHA-256, group 14, transport mode, GRE.
pub fn guide(last: u8) -> Config {
    let mut config = Config::new(ip(last));
    config.profiles.push(Profile::new("DMVPN-IKEv2-PROFILE", Keyring::any(PSK)));
    config
}

/// The guide with the fast group, for tests that negotiate often.
pub fn fast(last: u8) -> Config {
    let mut config = guide(last);
    config.profiles[0].proposals[0].groups = vec![ikev2::Group::Curve25519];
    config
}

/// A forwarding plane that only remembers.
#[derive(Default)]
pub struct Plane {
    pub inbound: BTreeMap<u32, (PeerId, ChildId, SaParameters)>,
    pub outbound: BTreeMap<ChildId, (PeerId, SaParameters)>,
    pub selected: BTreeMap<PeerId, ChildId>,
    pub removed: Vec<ChildId>,
}

impl Plane {
    pub fn apply(&mut self, action: Action) {
        match action {
            Action::InstallInbound { peer, child, sa } => {
                assert_eq!(sa.spi & 0xffff, u32::from(child.slot()), "an inbound SPI names its slot");
                assert!(sa.spi >= 256);
                let before = self.inbound.insert(sa.spi, (peer, child, *sa));
                assert!(before.is_none(), "an inbound SPI is installed once");
            }
            Action::InstallOutbound { peer, child, sa } => {
                let before = self.outbound.insert(child, (peer, *sa));
                assert!(before.is_none(), "keys start a sequence number space once");
                self.selected.insert(peer, child);
            }
            Action::SelectOutbound { peer, child } => {
                assert!(self.outbound.contains_key(&child), "only what is installed can be selected");
                self.selected.insert(peer, child);
            }
            Action::Remove { peer, child } => {
                let before = self.inbound.len();
                self.inbound.retain(|_, (_, id, _)| *id != child);
                assert_eq!(self.inbound.len() + 1, before, "removed once, after it was installed");
                self.outbound.remove(&child);
                if self.selected.get(&peer) == Some(&child) {
                    self.selected.remove(&peer);
                }
                self.removed.push(child);
            }
            Action::UpdateEndpoint { .. } => {}
            other => panic!("an action that the model does not know: {other:?}"),
        }
    }
}

pub struct Node {
    pub endpoint: Endpoint,
    pub address: IpAddr,
    pub plane: Plane,
    pub events: Vec<Event>,
    pub alive: bool,
}

/// A NAT in front of one node: outbound packets get this address and a port of their own.
pub struct Nat {
    pub inside: IpAddr,
    pub outside: IpAddr,
    /// inside port -> outside port
    pub mappings: BTreeMap<u16, u16>,
    pub next: u16,
}

#[derive(Clone, Debug)]
pub struct Flight {
    pub source: SocketAddr,
    pub destination: SocketAddr,
    pub bytes: Vec<u8>,
    pub marker: bool,
}

/// Whether a flight gets lost.
pub type Filter = Box<dyn FnMut(&Flight) -> bool>;

pub struct Net {
    pub now: Instant,
    pub start: Instant,
    pub nodes: Vec<Node>,
    pub wire: BTreeMap<(Instant, u64), Flight>,
    pub sequence: u64,
    pub rng: ChaCha20Rng,
    /// Percent.
    pub loss: u32,
    pub duplicate: u32,
    pub delay: Duration,
    /// Up to this much more.
    pub spread: Duration,
    pub nats: Vec<Nat>,
    /// Everything that was ever put on the wire.
    pub log: Vec<Flight>,
    /// Drops flights for which it returns true.
    pub filter: Option<Filter>,
}

impl Net {
    pub fn new(configs: Vec<Config>, seed: u64) -> Self {
        let now = Instant::from_origin();
        let nodes = configs
            .into_iter()
            .enumerate()
            .map(|(index, config)| {
                let rng = ChaCha20Rng::seed_from_u64(seed * 1000 + index as u64);
                Node {
                    address: config.local,
                    endpoint: Endpoint::new(config, rng, now).unwrap(),
                    plane: Plane::default(),
                    events: Vec::new(),
                    alive: true,
                }
            })
            .collect();
        Self {
            now,
            start: now,
            nodes,
            wire: BTreeMap::new(),
            sequence: 0,
            rng: ChaCha20Rng::seed_from_u64(seed),
            loss: 0,
            duplicate: 0,
            delay: Duration::from_millis(10),
            spread: Duration::ZERO,
            nats: Vec::new(),
            log: Vec::new(),
            filter: None,
        }
    }

    pub fn input(&mut self, node: usize, input: Input<'_>) {
        let now = self.now;
        self.nodes[node].endpoint.handle_input(now, input);
        self.drain(node);
    }

    pub fn connect(&mut self, from: usize, to: usize) {
        let remote = self.nodes[to].address;
        self.input(from, Input::Connect { remote, profile: ProfileId(0) });
    }

    pub fn drain(&mut self, node: usize) {
        while let Some(output) = self.nodes[node].endpoint.poll_output() {
            match output {
                Output::Transmit(transmit) => {
                    let flight = Flight {
                        source: transmit.path.local,
                        destination: transmit.path.remote,
                        marker: transmit.marker,
                        bytes: transmit.payload,
                    };
                    self.launch(flight);
                }
                Output::Action(action) => {
                    self.note(|| format!("node {node}: {action:?}"));
                    self.nodes[node].plane.apply(action);
                }
                Output::Event(event) => {
                    self.note(|| format!("node {node}: {event:?}"));
                    self.nodes[node].events.push(event);
                }
                other => panic!("an output that the test does not know: {other:?}"),
            }
        }
    }

    pub fn launch(&mut self, mut flight: Flight) {
        for nat in &mut self.nats {
            if flight.source.ip() == nat.inside {
                let next = &mut nat.next;
                let port = *nat.mappings.entry(flight.source.port()).or_insert_with(|| {
                    *next += 1;
                    *next
                });
                flight.source = SocketAddr::new(nat.outside, port);
            }
        }
        self.log.push(flight.clone());
        if self.filter.as_mut().is_some_and(|filter| filter(&flight)) || self.rng.next_u32() % 100 < self.loss
        {
            return;
        }
        let copies = if self.rng.next_u32() % 100 < self.duplicate { 2 } else { 1 };
        for _ in 0..copies {
            let spread = u64::try_from(self.spread.as_micros()).unwrap();
            let extra = if spread == 0 { 0 } else { self.rng.next_u64() % spread };
            self.sequence += 1;
            let at = self.now + self.delay + Duration::from_micros(extra);
            self.wire.insert((at, self.sequence), flight.clone());
        }
    }

    /// Does the next thing that is due before `until`. False: nothing is.
    pub fn step(&mut self, until: Instant) -> bool {
        let flight = self.wire.keys().next().copied();
        let timer = (0..self.nodes.len())
            .filter(|index| self.nodes[*index].alive)
            .filter_map(|index| self.nodes[index].endpoint.poll_timeout().map(|at| (at, index)))
            .min();
        let flight_first = match (flight, timer) {
            (Some((f, _)), Some((t, _))) => f <= t,
            (Some(_), None) => true,
            _ => false,
        };
        if flight_first {
            let key = flight.unwrap();
            if key.0 > until {
                return false;
            }
            self.now = self.now.max(key.0);
            let flight = self.wire.remove(&key).unwrap();
            self.deliver(flight);
            true
        } else if let Some((at, index)) = timer.filter(|(at, _)| *at <= until) {
            self.now = self.now.max(at);
            let now = self.now;
            self.nodes[index].endpoint.handle_timeout(now);
            self.drain(index);
            true
        } else {
            false
        }
    }

    fn deliver(&mut self, mut flight: Flight) {
        for nat in &self.nats {
            if flight.destination.ip() == nat.outside {
                let inside = nat.mappings.iter().find(|(_, outside)| **outside == flight.destination.port());
                let Some((port, _)) = inside else { continue };
                flight.destination = SocketAddr::new(nat.inside, *port);
                break;
            }
        }
        let target = self.nodes.iter().position(|node| node.address == flight.destination.ip() && node.alive);
        let Some(index) = target else { return };
        self.trace(&flight);
        let path = UdpPath { local: flight.destination, remote: flight.source };
        let now = self.now;
        self.nodes[index].endpoint.handle_input(now, Input::Datagram { path, payload: &flight.bytes });
        self.drain(index);
    }

    /// Lets this much time pass.
    pub fn run(&mut self, duration: Duration) {
        let until = self.now + duration;
        while self.step(until) {}
        self.now = until;
    }

    pub fn run_secs(&mut self, seconds: u64) {
        self.run(Duration::from_secs(seconds));
    }

    /// What the first node would send to the second one, if it is accepted there with the same keys.
    pub fn carries(&self, from: usize, to: usize) -> bool {
        let sender = &self.nodes[from].plane;
        sender.selected.values().any(|child| {
            let Some((_, out)) = sender.outbound.get(child) else { return false };
            self.nodes[to].plane.inbound.get(&out.spi).is_some_and(|(_, _, inward)| {
                inward.encryption_key == out.encryption_key
                    && inward.integrity_key == out.integrity_key
                    && inward.cipher == out.cipher
                    && inward.esn == out.esn
                    && inward.local_selectors == out.remote_selectors
            })
        })
    }

    /// Sends one imagined packet: the receiver's data lane notes it.
    pub fn ping(&mut self, from: usize, to: usize) -> bool {
        let sender = &self.nodes[from].plane;
        let spis: Vec<u32> = sender
            .selected
            .values()
            .filter_map(|child| sender.outbound.get(child).map(|(_, sa)| sa.spi))
            .collect();
        let hit = spis.iter().find_map(|spi| self.nodes[to].plane.inbound.get(spi).map(|(_, id, _)| *id));
        let Some(id) = hit else { return false };
        let now = self.now;
        self.nodes[to].endpoint.note_inbound(now, id);
        self.drain(to);
        true
    }

    /// The SPI of what this node would send now.
    pub fn outbound_spi(&self, node: usize) -> Option<u32> {
        let plane = &self.nodes[node].plane;
        plane.selected.values().find_map(|child| plane.outbound.get(child)).map(|(_, sa)| sa.spi)
    }

    /// A packet with this SPI arrives: whether there is an SA for it, whose data lane then notes it.
    pub fn arrives(&mut self, node: usize, spi: u32) -> bool {
        let Some(id) = self.nodes[node].plane.inbound.get(&spi).map(|(_, id, _)| *id) else { return false };
        let now = self.now;
        self.nodes[node].endpoint.note_inbound(now, id);
        self.drain(node);
        true
    }

    pub fn both_ways(&self, a: usize, b: usize) -> bool {
        self.carries(a, b) && self.carries(b, a)
    }

    pub fn has(&self, node: usize, wanted: impl Fn(&Event) -> bool) -> bool {
        self.nodes[node].events.iter().any(wanted)
    }

    pub fn count(&self, node: usize, wanted: impl Fn(&Event) -> bool) -> usize {
        self.nodes[node].events.iter().filter(|event| wanted(event)).count()
    }

    /// The first child SA in use.
    pub fn child(&self, node: usize) -> ChildId {
        *self.nodes[node].plane.selected.values().next().unwrap()
    }

    pub fn peer(&self, node: usize) -> PeerId {
        self.nodes[node].endpoint.peers().next().unwrap().peer
    }

    pub fn ike_sas(&self, node: usize) -> usize {
        self.nodes[node].endpoint.peers().map(|peer| peer.ike_sas.len()).sum()
    }
}

/// An instant without asking a clock for more than a place to count from.
pub trait Origin {
    fn from_origin() -> Self;
}

impl Origin for Instant {
    #[allow(
        clippy::disallowed_methods,
        reason = "std has no other way to make an Instant; only differences count"
    )]
    fn from_origin() -> Self {
        Instant::now()
    }
}

impl Net {
    /// One line for a person who debugs a seed, with `TRACE` in the environment.
    pub fn note(&self, text: impl FnOnce() -> String) {
        if std::env::var_os("TRACE").is_some() {
            eprintln!("{:?} {:.200}", self.now - self.start, text());
        }
    }

    /// The same for a datagram that arrives.
    pub fn trace(&self, flight: &Flight) {
        let head = flight.bytes.get(..24).unwrap_or_default();
        self.note(|| {
            format!(
                "-> {} {} x{:?} f{:02x?} id {:?} len {}",
                flight.destination,
                hex::encode(head.get(..4).unwrap_or_default()),
                head.get(18),
                head.get(19),
                head.get(20..24),
                flight.bytes.len()
            )
        });
    }
}
