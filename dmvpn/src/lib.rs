#![doc = include_str!("../README.md")]
//!
//! # How it is made
//!
//! ```text
//! control (ikev2 + nhrp + ospf-p2mp + routing table)  --actions-->  forwarding plane
//!                                                     <--punts----
//! ```
//!
//! A router has a control plane that decides and a forwarding plane that moves packets; they meet in
//! [`forward::Action`] and [`forward::Punt`] and nowhere else. The built-in forwarding plane carries the actions out
//! itself; an embedder with a faster one (a kernel, hardware) takes the same actions
//! ([`Options::external_forwarding`]). Inside control, the children never call each other: one function drains them in a fixed
//! order until all are quiet. Facts go up (an SA, then a path, a neighbour, a route), requests go down (a
//! missing next hop, then a resolution, a connection).
//!
//! - IKE and ESP belong to a pair of underlay addresses and are shared by all tunnels with that source. A peer is known by
//!   its SA and identity, not by its address alone: several spokes behind one NAT share one.
//! - NHRP is per tunnel; the GRE key picks the tunnel. OSPF is per router, and optional: static routes do as well.
//! - A tunnel with protection never sends or accepts GRE in the clear, in no state.
//! - Data is never lost to a shortcut: until the direct path to a next hop is proven, and whenever it fails, packets go
//!   by way of the best live hub.
//!
//! # Next hops
//!
//! Phase 2 needs routes whose next hop is the far spoke. OSPF point-to-multipoint by the book (RFC 2328 section 16.1.1)
//! makes it the hub. Both exist here, tunnel by tunnel: `ip ospf next-hop originator`, the default of a spoke in phase 2,
//! takes the last router on the tunnel's network that the shortest path crosses, and keeps the others as
//! fallbacks; `ip ospf next-hop rfc2328`, the default elsewhere, takes the book's. Nothing changes on the wire.
//!
//! # Failures have names
//!
//! Everything that keeps a cloud from working is an [`Event`] with a line of text, a counter ([`DropReason`]), or both:
//! a wrong pre-shared key, no common proposal, a wrong NHRP authentication, a foreign GRE key, an OSPF parameter that
//! differs, a silent NHS, a missing MSS clamp, a next hop rewritten to the hub, ESP that was replayed or forged.
//!
//! The [`manual`] has more: concepts, embedding, next hops, NAT, MTU, tuning, and troubleshooting by symptom.
//!
//! # Features
//!
//! | feature | what it adds |
//! | --- | --- |
//! | `aws-lc` | ciphers and elliptic curves by AWS-LC, faster than RustCrypto's; needs a C compiler |
//! | `serde` | views can be serialised |
//! | `tokio` | [`tokio`](crate#modules): a driver, with sockets and a LAN that you give it |
//! | `sim` | [`sim`](crate#modules): a deterministic network of engines, with latency, loss, NAT and crashes |
#![forbid(unsafe_code)]

mod command;
pub mod config;
mod drop_reason;
mod engine;
mod event;
pub mod forward;
mod ids;
pub mod manual;
mod packet;
mod path;
mod rib;
mod role;
mod show;
#[cfg(feature = "sim")]
pub mod sim;
#[cfg(feature = "tokio")]
pub mod tokio;
mod verdict;
pub mod views;

pub use command::{Command, CommandError};
pub use config::Config;
pub use drop_reason::DropReason;
pub use engine::{BuildError, Engine, Options, Output, ReconfigureError, Reconfigured};
pub use esp::Backend;
pub use event::{EspKeys, Event};
pub use ids::{PathId, TunnelId, UnderlayId};
pub use packet::{Arrival, HEADROOM, Packet, TAILROOM};
pub use path::{Path, Wire};
pub use rib::RouteSource;
pub use role::{Hub, Spoke};
pub use show::{ShowCommand, ShowError, View};
pub use verdict::{Delivery, Verdict};
