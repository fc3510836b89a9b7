//! A server restarts and all its clients come back within one second.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod common;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use common::{Origin, hub_config, net, rng, secs, spoke_config};
use nhrp::{Config, DropReason, Input, NhsStatus, Node, Output, PathId};
use rand_chacha::rand_core::Rng;

const SPOKES: usize = 10_000;
/// What the server's machine does in a second: half of what arrives in the first, and a hundredth of what the benchmark of this
/// crate shows, as if each packet had to be decrypted and logged by a small machine.
const PACKETS_PER_SECOND: u32 = 5_000;
/// Packets that wait for the server at most: a socket's buffer. What comes on top is lost.
const SOCKET: usize = 1024;
const DELAY: Duration = Duration::from_millis(10);
const HUB: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 1));

fn hub() -> Config {
    let mut config = hub_config();
    config.prefix = net("10.0.0.0/8");
    config
}

fn address(base: u8, index: usize) -> IpAddr {
    let [_, _, high, low] = (index as u32 + 11).to_be_bytes();
    IpAddr::from([base, 0, high, low])
}

fn spoke(index: usize) -> Config {
    let mut config = spoke_config(11);
    config.prefix = net("10.0.0.0/8");
    (config.tunnel_address, config.nbma) = (address(10, index), address(100, index));
    config
}

enum Happening {
    /// A spoke has a path to the server again.
    PathUp(usize),
    ToHub(usize, Vec<u8>),
    ToSpoke(usize, Vec<u8>),
    /// The server takes the next packet out of its socket.
    Serve,
    /// A spoke's timer.
    Wake(usize),
}

/// One server with a socket of finite size and a machine of finite speed, and its spokes.
struct Storm {
    now: Instant,
    hub: Node,
    spokes: Vec<Node>,
    queue: BinaryHeap<Reverse<(Instant, u64)>>,
    happenings: BTreeMap<u64, Happening>,
    sequence: u64,
    socket: VecDeque<(usize, Vec<u8>)>,
    serving: bool,
    lost: usize,
    longest_socket: usize,
    registered: Vec<Option<Instant>>,
}

impl Storm {
    fn push(&mut self, at: Instant, happening: Happening) {
        self.sequence += 1;
        self.queue.push(Reverse((at, self.sequence)));
        self.happenings.insert(self.sequence, happening);
    }

    fn drain_spoke(&mut self, index: usize) {
        while let Some(output) = self.spokes[index].poll_output() {
            if let Output::Transmit { payload, .. } = output {
                self.push(self.now + DELAY, Happening::ToHub(index, payload));
            }
        }
        let up = self.spokes[index].nhs().next().unwrap().status == NhsStatus::Up;
        if up && self.registered[index].is_none() {
            self.registered[index] = Some(self.now);
        }
        if let Some(at) = self.spokes[index].poll_timeout() {
            self.push(at, Happening::Wake(index));
        }
    }

    fn step(&mut self, happening: Happening) {
        match happening {
            Happening::PathUp(index) => {
                let up = |nbma| Input::PathUp {
                    nbma,
                    path: PathId(index as u64),
                    proven: true,
                    identity: Some(b"client"),
                };
                self.hub.handle_input(self.now, up(address(100, index)));
                self.spokes[index].handle_input(self.now, up(HUB));
                self.drain_spoke(index);
            }
            Happening::ToHub(index, payload) => {
                if self.socket.len() >= SOCKET {
                    self.lost += 1;
                    return;
                }
                self.socket.push_back((index, payload));
                self.longest_socket = self.longest_socket.max(self.socket.len());
                if !self.serving {
                    self.serving = true;
                    self.push(self.now + secs(1) / PACKETS_PER_SECOND, Happening::Serve);
                }
            }
            Happening::Serve => {
                let Some((index, payload)) = self.socket.pop_front() else {
                    self.serving = false;
                    return;
                };
                let (nbma, path) = (address(100, index), PathId(index as u64));
                self.hub.handle_input(self.now, Input::Packet { nbma, path, payload: &payload });
                self.hub.handle_timeout(self.now);
                while let Some(output) = self.hub.poll_output() {
                    if let Output::Transmit { payload, .. } = output {
                        self.push(self.now + DELAY, Happening::ToSpoke(index, payload));
                    }
                }
                self.push(self.now + secs(1) / PACKETS_PER_SECOND, Happening::Serve);
            }
            Happening::ToSpoke(index, payload) => {
                let (nbma, path) = (HUB, PathId(index as u64));
                self.spokes[index].handle_input(self.now, Input::Packet { nbma, path, payload: &payload });
                self.drain_spoke(index);
            }
            Happening::Wake(index) => {
                if self.spokes[index].poll_timeout().is_some_and(|at| at <= self.now) {
                    self.spokes[index].handle_timeout(self.now);
                    self.drain_spoke(index);
                }
            }
        }
    }

    fn run_until(&mut self, end: Instant) {
        while let Some(Reverse((at, number))) = self.queue.peek().copied().filter(|next| next.0.0 <= end) {
            self.queue.pop();
            self.now = at;
            let happening = self.happenings.remove(&number).unwrap();
            self.step(happening);
        }
        self.now = end;
    }
}

/// All paths come up within one second of the server's start, in any order. Every spoke asks at once, the server's socket
/// overflows, and what was lost is repeated with growing, spread waits. Nobody is refused, nobody waits longer than the
/// fourth try takes, those who registered first are refreshed in time, and the server remembers nothing but its clients.
#[test]
fn ten_thousand_spokes_register_within_seconds_of_a_restart() {
    let start = Instant::now_for_tests();
    let mut storm = Storm {
        now: start,
        hub: Node::new(hub(), rng(0), start).unwrap(),
        spokes: (0..SPOKES).map(|i| Node::new(spoke(i), rng(i as u64 + 1), start).unwrap()).collect(),
        queue: BinaryHeap::new(),
        happenings: BTreeMap::new(),
        sequence: 0,
        socket: VecDeque::new(),
        serving: false,
        lost: 0,
        longest_socket: 0,
        registered: vec![None; SPOKES],
    };
    let mut random = rng(77);
    for index in 0..SPOKES {
        let at = start + Duration::from_micros(u64::from(random.next_u32()) % 1_000_000);
        storm.push(at, Happening::PathUp(index));
    }
    storm.run_until(start + secs(30));
    let mut times: Vec<Duration> = storm
        .registered
        .iter()
        .enumerate()
        .map(|(index, at)| at.unwrap_or_else(|| panic!("spoke {index} starves")).duration_since(start))
        .collect();
    times.sort();
    let (median, last) = (times[SPOKES / 2], times[SPOKES - 1]);
    eprintln!(
        "{SPOKES} spokes, {PACKETS_PER_SECOND} packets/s: half registered after {median:?}, all after {last:?}; \
         {} packets lost in the socket, at most {} waited there",
        storm.lost, storm.longest_socket
    );
    assert!(last <= secs(10), "the last after {last:?}");
    assert_eq!(storm.hub.cache().count(), SPOKES);
    assert_eq!(storm.hub.stats().drops().map(|(_, count)| count).sum::<u64>(), 0);
    assert_eq!(storm.hub.stats().dropped(DropReason::RateLimit), 0);
    assert!(storm.lost > 1000, "the storm is not one");
    // One period of everybody on: nobody's registration is late.
    storm.run_until(start + secs(170));
    assert_eq!(storm.hub.cache().count(), SPOKES);
    for (index, spoke) in storm.spokes.iter().enumerate() {
        let nhs = spoke.nhs().next().unwrap();
        assert_eq!(nhs.status, NhsStatus::Up, "spoke {index}");
    }
}
