//! IKEv2 (RFC 7296) as a state machine without I/O
#![forbid(unsafe_code)]

mod config;
mod cookie;
pub mod crypto;
mod endpoint;
mod error;
mod ids;
mod io;
mod nat;
mod negotiation;
mod reassembly;
mod secret;
mod stats;
mod view;
pub mod wire;

pub use config::{
    ChildPolicy, Config, Dpd, DpdMode, EspProposal, Fragmentation, IdentityMatch, IkeProposal, Keyring,
    KeyringPeer, Limits, Mode, Profile, Retransmission, Selectors,
};
pub use crypto::{ChildSuite, Encryption, EspCipher, EspIntegrity, Group, IkeSuite, Integrity, Prf};
pub use endpoint::Endpoint;
pub use error::ConfigError;
pub use ids::{ChildId, PeerId, ProfileId};
pub use io::{
    Action, DownReason, Event, FailureReason, Input, KeyLog, Output, SaParameters, Side, TrafficLimits,
    Transmit, UdpPath,
};
pub use secret::{Secret, SecretBytes};
pub use stats::{Drops, Stats};
pub use view::{ChildState, ChildView, IkeSaView, IkeState, PeerView};
pub use wire::{Identity, TrafficSelector};
