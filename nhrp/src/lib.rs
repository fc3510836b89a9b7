//! NHRP (RFC 2332) for DMVPN: registration, resolution, purge, redirect and shortcut, without I/O.
//!
//! A [`Node`] is the NHRP of one tunnel, hub or spoke by configuration. It is a value that its owner drives: packets, facts
//! and the time go in; packets, changes for the forwarding plane and events come out. It opens no socket, reads no clock and
//! draws entropy only from the generator it was given, so that the same inputs give the same bytes.
//!
//! It is not a GRE or IPsec implementation, has no routing table and forwards no data: its owner has those, and translates
//! between them and this crate. What it decides is which overlay next hop is reached by way of which underlay path, and it
//! lets data use a direct path only when packets are known to get through; until then, and when that ends, data goes
//! through the best live server.
//!
//! # Driving it
//!
//! Hand in what happens, drain [`Node::poll_output`] to `None`, sleep until [`Node::poll_timeout`]:
//!
//! ```
//! use std::time::{Duration, Instant};
//! use nhrp::{Action, Config, Event, Input, Nhs, Node, Output, PathId};
//! use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
//!
//! let address = |text: &str| text.parse().unwrap();
//! let subnet = "10.0.0.0/24".parse().unwrap();
//! let now = Instant::now();
//!
//! let config = Config::new(address("10.0.0.1"), subnet, address("203.0.113.1"), 100);
//! let mut hub = Node::new(config, ChaCha20Rng::seed_from_u64(1), now).unwrap();
//!
//! let mut config = Config::new(address("10.0.0.11"), subnet, address("198.51.100.1"), 100);
//! config.nhs = vec![Nhs::new(Some(address("10.0.0.1")), Some(address("203.0.113.1")))];
//! let mut spoke = Node::new(config, ChaCha20Rng::seed_from_u64(2), now).unwrap();
//!
//! // The spoke wants a path to its hub. Here it exists at once; with IPsec, a key exchange comes first.
//! let nbma = address("203.0.113.1");
//! assert_eq!(spoke.poll_output(), Some(Output::Connect { nbma }));
//! spoke.handle_input(now, Input::PathUp { nbma, path: PathId(1), proven: true, identity: Some(b"HUB1") });
//!
//! // Its registration travels to the hub, and the answer back.
//! while let Some(output) = spoke.poll_output() {
//!     if let Output::Transmit { payload, .. } = output {
//!         let nbma = address("198.51.100.1");
//!         hub.handle_input(now, Input::Packet { nbma, path: PathId(7), payload: &payload });
//!     }
//! }
//! while let Some(output) = hub.poll_output() {
//!     match output {
//!         Output::Transmit { payload, .. } => {
//!             spoke.handle_input(now, Input::Packet { nbma, path: PathId(1), payload: &payload });
//!         }
//!         Output::Action(Action::AdjacencyUp { tunnel_address, path, .. }) => {
//!             assert_eq!((tunnel_address, path), (address("10.0.0.11"), PathId(7)));
//!         }
//!         _ => {}
//!     }
//! }
//! assert_eq!(spoke.live_nhs(), Some(address("10.0.0.1")));
//!
//! // The spoke registers again in a second, as IOS does at start, and then in a third of the holding time.
//! let next = spoke.poll_timeout().unwrap();
//! assert_eq!(next - now, Duration::from_secs(1));
//! spoke.handle_timeout(next);
//! # assert!(std::iter::from_fn(|| spoke.poll_output()).any(|output| matches!(output, Output::Transmit { .. })));
//! ```
//!
//! # Paths
//!
//! A path is the owner's handle of one peer: an IPsec SA pair, or a plain address where nothing protects the tunnel. The node
//! asks for paths with [`Output::Connect`], and is told of all of them, its own and those that peers made, with
//! [`Input::PathUp`]. Peers are told apart by path and authenticated identity, never by underlay address alone, so that
//! several spokes behind one NAT address work.
//!
//! | path is | data may use it for | when |
//! |---|---|---|
//! | to a server or a static mapping | that next hop | it is up: there is no other way |
//! | where a registration came from | that client | the registration is accepted |
//! | direct, `proven`, the only one to its address | a resolved next hop | it is up |
//! | direct, not `proven`, or one of several to a NAT address | a resolved next hop | a probe over it was answered |
//!
//! A probe is a resolution request for the peer's own address, sent directly: every implementation answers it. Paths that
//! nothing else watches are probed again every 10 s; three lost answers, a second apart, take the adjacency down. A dead
//! direct path is not tried again for 5 s, and twice as long with each failure that follows within a minute.
//!
//! # What of which RFC
//!
//! | feature | source | remarks |
//! |---|---|---|
//! | all packet types and extensions, any address length | RFC 2332 section 5 | unknown values survive a round trip |
//! | registration, uniqueness, code 14 | RFC 2332 sections 5.2.3, 5.2.4 | the same authenticated identity may move |
//! | resolution: forwarded to the client, or answered | RFC 2332 sections 2.2, 5.2.1, 5.2.2 | [`ResolutionPolicy`] |
//! | purge, also to those who were answered | RFC 2332 sections 5.2.5, 5.2.6, 6.4 | only by owner or server |
//! | error indications | RFC 2332 section 5.2.7 | the RFC's numbers sent, FRR's understood |
//! | transit records, loops by overlay address | RFC 2332 sections 5.3.2, 5.3.3 | |
//! | authentication | Cisco's layout of section 5.3.4 | clear text; any length; constant-time compare |
//! | NAT address extension, flag 0x0002 | Cisco | |
//! | traffic indication (type 8), shortcuts | Cisco, phase 3 | |
//! | NHS priority, cluster, fallback | IOS-XE | |
//!
//! Not here: HMAC-MD5 authentication (RFC 2332 section 5.3.4; nobody has it), the QoS extension, responder selection by NBMA
//! subnetwork, and server-to-server synchronisation (SCSP, RFC 2334).
//!
//! # Bad input
//!
//! Nothing a peer sends makes a call fail: it is counted under its [`DropReason`] in [`Node::stats`], and told as an
//! [`Event`] where a person must act. Whatever a peer can make grow has a bound in [`Limits`].
#![forbid(unsafe_code)]

mod auth;
mod config;
mod error;
mod io;
mod node;
mod stats;
mod view;
pub mod wire;

pub use auth::Authentication;
pub use config::{Config, Limits, MulticastMap, Nhs, ResolutionPolicy, StaticMap, Timing};
pub use error::{ConfigError, DecodeError, EncodeError};
pub use io::{
    Action, AdjacencyKind, AdmissionToken, Destination, DownReason, Event, Input, Limit, NhsDownReason,
    Output, PathId, RouteInfo, RouteToken,
};
pub use node::Node;
pub use stats::{DropReason, Stats};
pub use view::{CacheFlags, CacheKind, CacheView, MulticastView, NhsStatus, NhsView, RequesterView};
