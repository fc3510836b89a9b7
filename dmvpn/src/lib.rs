//! A DMVPN hub or spoke, phases 1, 2 and 3, as a library without I/O.
#![forbid(unsafe_code)]

pub mod config;
mod drop_reason;
mod engine;
mod event;
pub mod forward;
mod ids;
mod packet;
mod path;
mod rib;
mod role;
mod show;
#[cfg(feature = "sim")]
pub mod sim;
mod verdict;
pub mod views;

pub use config::Config;
pub use drop_reason::DropReason;
pub use engine::{BuildError, Command, Engine, Options, Output};
pub use event::{EspKeys, Event};
pub use ids::{PathId, TunnelId, UnderlayId};
pub use packet::{HEADROOM, Packet, TAILROOM};
pub use path::{Path, Wire};
pub use rib::RouteSource;
pub use role::{Hub, Spoke};
pub use show::{ShowCommand, ShowError, View};
pub use verdict::{Delivery, Verdict};
