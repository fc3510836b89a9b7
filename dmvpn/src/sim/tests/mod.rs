//! The network as a whole: first the wire between raw hosts, then routers with their hosts.

mod protected;
mod routers;
mod wire;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use super::ipv4::{self, Header};
use super::*;

const A: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
const B: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// An instant to count from. Nothing depends on it.
#[allow(clippy::disallowed_methods)]
fn start() -> Instant {
    Instant::now()
}

/// Two raw hosts and a link of this kind.
fn pair(seed: u64, link: LinkConfig) -> (Network, NodeId, NodeId) {
    let mut network = Network::new(start(), seed);
    network.set_default_link(link);
    let a = network.add_raw_host("a", &[A]).unwrap();
    let b = network.add_raw_host("b", &[B]).unwrap();
    (network, a, b)
}

fn packet(from: Ipv4Addr, to: Ipv4Addr, id: u16, len: usize) -> Vec<u8> {
    let payload: Vec<u8> = (0..len).map(|n| (n + usize::from(id)) as u8).collect();
    ipv4::build(&Header { id, ..Header::new(from, to, ipv4::PROTOCOL_ESP) }, &payload).unwrap()
}
