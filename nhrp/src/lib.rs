//! NHRP (RFC 2332) for DMVPN: registration, resolution, purge, redirect and shortcut without I/O
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
    Action, AdjacencyKind, Destination, DownReason, Event, Input, Limit, NhsDownReason, Output, PathId,
    RouteInfo, RouteToken,
};
pub use node::Node;
pub use stats::{DropReason, Stats};
pub use view::{CacheFlags, CacheKind, CacheView, MulticastView, NhsStatus, NhsView};
