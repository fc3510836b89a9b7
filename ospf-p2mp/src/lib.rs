#![doc = include_str!("../README.md")]
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
