#![doc = include_str!("../README.md")]
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
