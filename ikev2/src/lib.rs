#![doc = include_str!("../README.md")]
//!
//! # What is there
//!
//! | subject | where it is specified | how far |
//! |---|---|---|
//! | IKE_SA_INIT, IKE_AUTH, CREATE_CHILD_SA, INFORMATIONAL | RFC 7296 | both roles |
//! | authentication | RFC 7296 2.15, RFC 8784 | pre-shared keys, separate for each direction; post-quantum ones beside them |
//! | identities | RFC 7296 3.5 | addresses, names, mail addresses, key ids; the others by their bytes |
//! | IKE and ESP suites | RFC 8247, 8221 | AES-CBC, AES-GCM-16, ChaCha20-Poly1305 (RFC 7634); HMAC-SHA1, SHA2 |
//! | key agreement | RFC 3526, 5903, 8031, 6989 | groups 14, 15, 16, 19, 20, 21, 31; every public value is checked |
//! | transport mode, narrowing | RFC 7296 1.3.1, 2.9 | USE_TRANSPORT_MODE demanded in both directions; tunnel mode |
//! | NAT | RFC 7296 2.23, RFC 3948 | detection, float to 4500, keepalives, selector substitution, rebinding, forced UDP |
//! | repetition and window | RFC 7296 2.1 to 2.4 | back-off with jitter; identical answers; windows in both directions |
//! | half-open limits, cookies | RFC 7296 2.6 | in all and per source; two rotating secrets |
//! | fragmentation | RFC 7383 | both directions |
//! | rekey and its collisions | RFC 7296 2.8, 2.25 | child SAs with and without PFS, IKE SAs |
//! | reauthentication | RFC 7296 2.8.3 | make before break, on command or at the end of the lifetime |
//! | lost SAs | RFC 7296 1.5, 2.21.4 | INVALID_SPI inside an IKE SA and in the clear; hints only ask for a sign of life |
//! | forged answers | RFC 7296 2.4, 2.21.1 | several answers to a first request, until AUTH has proven one |
//! | liveness | RFC 7296 2.4 | on demand and periodic |
//! | childless | RFC 6023 | both roles |
//! | crossed initiation | not specified anywhere | see [`Endpoint`] |
//! | IKE_INTERMEDIATE, several key exchanges | RFC 9242, 9370 | in [`crypto`] and [`wire`]; not negotiated, see below |
//! | signatures | RFC 7427 | in [`wire`]; not negotiated, see below |
//!
//! # For NHRP, and whoever else makes tunnels on demand
//! - [`Input::Connect`] names an underlay address; the answer is [`Event::ChildUp`] or one [`Event::ConnectFailed`].
//! - A peer has a [`PeerId`] that stays the same through rekeys, reauthentication, crossed initiation, restarts of the
//!   peer while an SA stands, and changes of its address behind a NAT. All actions and events bear it.
//! - [`Event::PeerUp`] says who it is ([`Identity`], authenticated) and where it is reached after NAT;
//!   [`Event::PeerMoved`] and [`Action::UpdateEndpoint`] say when that changes; [`Event::PeerDown`] says why it ended.
//! - Two peers behind one NAT are two peers, with one address and different ports.
//! - [`Endpoint::note_inbound`] and [`Input::EndpointObserved`] bring back what only the data lane sees: that the peer is
//!   alive, and that its address changed. [`Input::UnknownSpi`] reports packets that find no SA.
//!
//! # Room that is kept
//! Nothing of the following changes the shape of the state machine or of the key schedule.
//! - Signatures (RFC 7427): AUTH is made in one function and checked in another (`own_auth`, `check_auth`); both have the
//!   octets to sign at hand. A key that lives elsewhere is an action out and an input back, between two messages.
//! - Several key exchanges (RFC 9370): [`wire`] has the transform types and the exchange IKE_INTERMEDIATE;
//!   [`crypto::skeyseed_additional`] and one more [`crypto::IkeKeys::derive`] are the step after each exchange;
//!   [`crypto::psk_auth`] takes what RFC 9242 appends; [`crypto::ChildKeys::derive`] takes further shared secrets. The
//!   exchanges belong between the answer to IKE_SA_INIT and the request of IKE_AUTH, and after CREATE_CHILD_SA.
//!
//! Connection attempts end: an attempt that fails is reported once ([`Event::ConnectFailed`]) and not repeated by the
//! endpoint. Who wants the peer back gives another [`Input::Connect`].
//!
//! Inbound SPIs are an index: the low 16 bits are the slot of the child SA ([`ChildId::slot`]), the high 16 bits are
//! random and not zero, so that no SPI is below 256. A slot rests for a minute before it is used again, and its next
//! SPI differs.
//!
//! There is one child SA per peer and profile. A peer that asks for a second one like it, without REKEY_SA, gets it, and
//! the first one is deleted once the peer sends on the second one.
//!
//! A pre-shared key can be guessed at leisure by somebody who pretends to be the responder once (RFC 7296 section 2.15): it
//! has to be long and random. A PPK protects what is sent, not the pre-shared key.
//!
//! # Deviations from RFC 7296
//! - An authentic malformed *response* closes the IKE SA with a DELETE, where the RFC leaves it open (2.21.3).
//! - Padding and reserved bytes are not checked on receipt, as the RFC demands; reserved bytes are sent as zero.
//! - INITIAL_CONTACT with an address as identity voids only SAs with the same underlay address (2.4): spokes behind
//!   different NATs often have the same private address.
//! - A host that is itself behind a NAT still follows a peer behind a NAT (2.23): a hub behind a static NAT needs it.
//! - A peer that does not echo USE_TRANSPORT_MODE gets no tunnel-mode SA instead: the child SA is deleted.
//!
//! # Features
//!
//! | feature | what it adds |
//! | --- | --- |
//! | `aws-lc` | `Backend::AwsLc`: elliptic curves by AWS-LC, and as the default. Needs a C compiler |
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
    KeyringPeer, Limits, Mode, Ppk, Profile, Retransmission, Selectors,
};
pub use crypto::{Backend, ChildSuite, Encryption, EspCipher, EspIntegrity, Group, IkeSuite, Integrity, Prf};
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
