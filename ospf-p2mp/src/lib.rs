//! OSPFv2 (RFC 2328) over point-to-multipoint tunnels, without I/O, with next hops that make DMVPN phase 2 work.
//!
//! # What it is
//!
//! A [`Router`] is a value that owns the state of one OSPF process: neighbours, the link state database, routes. It
//! opens no socket, reads no clock and draws no entropy: packets, facts and the time go in, packets, routes and
//! events come out. Its interfaces are point-to-multipoint tunnels, on which it speaks, and LANs, which it
//! advertises.
//!
//! On a hub-and-spoke cloud RFC 2328 makes the hub the gateway of everything behind it, so that spokes never talk
//! directly. With [`NextHopMode::Originator`] a path also remembers which routers it crosses *on the cloud*; the
//! farthest of them becomes the gateway, the nearer ones its [fallbacks](NextHop::fallbacks), ending at the next hop
//! of the RFC. Nothing changes on the wire, and any mix of routers with and without it is free of loops: the gateway
//! lies on the shortest path, so it is strictly nearer to the destination. Until the embedder says with
//! [`Input::SetDirect`] that the direct path works, [`NextHop::active`] is a fallback.
//!
//! # What it is not
//!
//! - No designated routers: broadcast and NBMA networks are read about in the database, not joined. A peer left at
//!   such a type is told by [`Event::ParameterMismatch`] and [`Event::FullWithoutLinkBack`].
//! - No virtual links, no not-so-stubby areas, no demand circuits (LSAs that do not age are tolerated).
//! - No IP: the embedder puts payloads behind an IP header of protocol [`IP_PROTOCOL`] and reassembles fragments.
//!
//! # Driving it
//!
//! Call a `handle_*` method, drain [`Router::poll_output`] to `None`, sleep until [`Router::poll_timeout`].
//!
//! ```
//! use std::collections::VecDeque;
//! use std::net::Ipv4Addr;
//! use std::time::Instant;
//!
//! use ospf_p2mp::{Config, Input, InterfaceConfig, InterfaceId, Output, RouteChange, Router};
//! use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
//!
//! let tunnel = InterfaceId(0);
//! let router = |number: u8, now: Instant| {
//!     let address = Ipv4Addr::new(10, 0, 0, number);
//!     let mut config = Config::new(address);
//!     config.interfaces.push(InterfaceConfig::tunnel(tunnel, "Tunnel0", address, 24));
//!     let lan = Ipv4Addr::new(192, 168, number, 1);
//!     config.interfaces.push(InterfaceConfig::lan(InterfaceId(1), "Gi2", lan, 24));
//!     Router::new(config, ChaCha20Rng::seed_from_u64(number.into()), now)
//! };
//!
//! # #[allow(clippy::disallowed_methods)]
//! let mut now = Instant::now();
//! let addresses = [1, 2].map(|number| Ipv4Addr::new(10, 0, 0, number));
//! let mut routers = [router(1, now)?, router(2, now)?];
//! for (router, peer) in routers.iter_mut().zip([addresses[1], addresses[0]]) {
//!     // NHRP has registered the other one.
//!     router.handle_input(now, Input::PeerUp { interface: tunnel, address: peer });
//! }
//!
//! let mut learnt = Vec::new();
//! while learnt.len() < 2 {
//!     let mut wire = VecDeque::new();
//!     for (index, router) in routers.iter_mut().enumerate() {
//!         router.handle_timeout(now);
//!         while let Some(output) = router.poll_output() {
//!             match output {
//!                 Output::Transmit { destination, payload, .. } => wire.push_back((index, destination, payload)),
//!                 Output::Route(RouteChange::Add(route)) if route.prefix.prefix_len() == 24 => learnt.push(route),
//!                 _ => {}
//!             }
//!         }
//!     }
//!     for (from, destination, payload) in wire {
//!         let source = addresses[from];
//!         let packet = Input::Packet { interface: tunnel, source, destination, ttl: 1, payload: &payload };
//!         routers[1 - from].handle_input(now, packet);
//!     }
//!     // A real embedder sleeps here; this one jumps when nothing is under way.
//!     let quiet = routers.iter().filter_map(Router::poll_timeout).min();
//!     now = quiet.unwrap_or(now).max(now);
//! }
//! assert_eq!(learnt[0].next_hops[0].gateway, Some(addresses[1]));
//! # Ok::<(), ospf_p2mp::ConfigError>(())
//! ```
//!
//! The example `live` does the same with a raw socket on a Linux interface.
//!
//! # What there is, and where it is written
//!
//! | feature | source |
//! |---|---|
//! | point-to-multipoint, multicast and unicast Hellos, answered in the peer's manner | RFC 2328 sections 9.5, 10.5, 12.4.1.4 |
//! | a Hello per neighbour, of constant size; at once for a new one | own |
//! | neighbour state machine, database exchange | RFC 2328 section 10 |
//! | shortened database exchange | RFC 5243 |
//! | flooding, retransmission with back-off, ageing, MaxAge, sequence wrap, fight-back | RFC 2328 sections 12 to 14 |
//! | bounded concurrent exchanges, Hellos and acknowledgements first | RFC 4222 |
//! | LSA types 1 to 5 used, 1, 3, 4, 5 issued, 9 to 11 flooded as bytes, 7 decoded only | RFC 2328, 3101, 5250 |
//! | SPF, inter-area and external routes, forwarding addresses | RFC 2328 section 16 |
//! | partial calculation when only prefixes changed | own |
//! | area border router, stub areas | RFC 2328 sections 3.6, 12.4.3 |
//! | null, simple, keyed MD5; key chains | RFC 2328 appendix D |
//! | HMAC-SHA-1, 256, 384, 512 | RFC 5709 |
//! | link-local signalling tolerated | RFC 5613 |
//! | graceful restart, helper, which ends when the topology changes | RFC 3623 section 3 |
//! | another configuration at run time ([`Router::reconfigure`]) | own |
//! | TTL security | RFC 5082 |
//! | prefix suppression | RFC 6860 |
//! | stub router | RFC 6987 |
//!
//! Deviations are documented where they are made. The larger ones: MinLSInterval and MinLSArrival are an exponential
//! throttle and a lenient check ([`Timers`]), with care for peers that insist on one second; any packet counts as
//! proof of life; bodies of our own LSAs are compared when they come back; an adjacency is refused before the
//! Router-LSA outgrows its length field.
#![forbid(unsafe_code)]

pub mod auth;
#[doc(hidden)]
pub mod bench;
mod config;
mod event;
mod id;
mod io;
mod lsdb;
mod neighbor;
mod rib;
mod route;
mod router;
mod spf;
mod stats;
mod throttle;
mod timer;
mod view;
pub mod wire;

pub use auth::Authentication;
pub use config::{
    AreaConfig, AreaKind, Config, ConfigError, InterfaceConfig, Limits, NetworkType, NextHopMode, StubRouter,
    ThrottleConfig, Timers,
};
pub use event::{DownReason, Event, HelpEnd, LsdbLimit, Parameter, ParameterValue};
pub use id::{AreaId, InterfaceId};
pub use io::{ALL_SPF_ROUTERS, ExternalRoute, IP_PROTOCOL, Input, Output, Redistribute};
pub use neighbor::NeighborState;
pub use route::{Direct, NextHop, Route, RouteChange, RouteKind};
pub use router::Router;
pub use stats::{DropReason, Stats};
pub use view::{AreaView, InterfaceView, LsaView, NeighborView, RouterView};
