//! A deterministic network of engines in virtual time.
//!
//! Nothing in it is a short cut; the only thing simulated is the wire. What an engine sends becomes a whole IPv4 packet,
//! travels through NAT boxes and links as bytes, gets lost, held back, cut into fragments or changed there, and is
//! read again by the receiver's kernel before its engine sees it. On the routers' own addresses and on hosts of
//! their LANs run small host stacks that answer and run [`ping`](Network::ping), [`traceroute`](Network::traceroute),
//! [UDP flows](Network::flow) and [TCP openings](Network::open_tcp).
//!
//! One seed decides everything. The same seed and the same calls give the same packets at the same times, and the
//! [digest](Network::trace_digest) of a run tells whether two runs did the same. Engines draw from streams of that
//! seed of their own, so that a lost packet more does not change anybody's keys.
//!
//! Engines are driven exactly as an embedder drives them: packets in, verdict, output until there is none, then a
//! timeout when they asked for it.
//!
//! ```
//! use std::net::Ipv4Addr;
//! use std::time::{Duration, Instant};
//!
//! use dmvpn::sim::{LinkConfig, Network, Probability};
//!
//! # #[allow(clippy::disallowed_methods)]
//! let mut network = Network::new(Instant::now(), 42);
//! let mut link = LinkConfig::new(Duration::from_millis(30));
//! link.loss = Probability::percent(1.0);
//! network.set_default_link(link);
//!
//! // Two bystanders; routers are added with `add_router` or `add_config`.
//! let [a, b] = [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)];
//! let alice = network.add_raw_host("alice", &[a])?;
//! network.add_raw_host("bob", &[b])?;
//! let packet = dmvpn::sim::ipv4::build(&dmvpn::sim::ipv4::Header::new(a, b, 50), b"opaque")?;
//! network.inject(alice, &packet);
//! network.run_for(Duration::from_secs(1));
//! let [arrived] = network.received("bob") else { panic!("one packet, and this seed does not lose it") };
//! assert_eq!(arrived.at, Duration::from_millis(30));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What the wire does
//!
//! - Every WAN address reaches every other one over a [link](LinkConfig) of its own for each direction: latency,
//!   jitter, loss, duplication, reordering, corruption, MTU, bandwidth with a bounded buffer.
//! - A packet larger than the link is cut, or sent back with an ICMP message if it forbids that (RFC 1191). The
//!   receiving router puts fragments together within [bounds](fragment::ReassemblyLimits).
//! - [NAT boxes](NatConfig) of every kind that RFC 4787 knows, whose mappings expire and may be
//!   [lost](Network::rebind_nat).
//! - [Partitions](Network::set_reachable), [crashes](Network::fail), [restarts](Network::restore) with the old
//!   configuration or [another](Network::restore_with), [clocks that jump](Network::jump_clock).
//!
//! # What it watches
//!
//! - [`Network::clear_text_seen`]: packets of protected routers that show what is inside.
//! - [`Network::violations`]: what your own [observers](Network::observe_with) object to, and
//!   [timeouts](Network::set_extra_timeouts) that were not idle although nothing was due.
//! - [`NodeStats::stalls`]: an engine that wants to work without end at one instant.
//!
//! Names that nobody has are mistakes in the calling test and panic, as indexing does; [`Network::find`] asks first.

pub mod capture;
mod encapsulation;
pub mod fragment;
pub mod host;
pub mod ipv4;
mod link;
mod nat;
mod network;
mod node;
mod observe;
mod queue;
mod run;
mod stats;
mod trace;
pub mod transport;
mod wire;

pub use capture::{Captured, ClearText, Fate, Leak};
pub use encapsulation::{EncapsulationError, decapsulate, encapsulate};
pub use host::{
    Endpoint, FlowConfig, FlowId, FlowReport, MssConfig, MssId, MssReport, PingConfig, PingId, PingOutcome,
    PingReport, TracerouteConfig, TracerouteId, TracerouteReport,
};
pub use link::{LinkConfig, Probability};
pub use nat::{Behaviour, Mapping, NatConfig, PortAllocation, Portless};
pub use network::Network;
pub use node::{AddError, Boot, LanHost, NodeId, Received, RouterSpec};
pub use stats::{NatDrop, NodeStats, WireDrop, WireStats};
pub use trace::TraceDigest;
pub use wire::UNDERLAY_ROUTER;

#[cfg(test)]
mod tests;
