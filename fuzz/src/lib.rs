//! Fuzz bodies for the dmvpn crates.
//!
//! Each target is a function from bytes to nothing that panics when something is wrong, so that libFuzzer
//! (`fuzz_targets/`), the replay of the corpora on a stable compiler (`tests/corpora.rs`) and the `replay` program all
//! run the same code. [`TARGETS`] lists them; `README.md` says how to run them.
//!
//! What they check is more than the absence of panics: what decodes encodes again, and to the same bytes where the
//! codec promises that; a packet that does not authenticate changes nothing; a machine that is driven by a stranger
//! stays within its limits, comes to rest, and its views can be printed.
//!
//! Stateful targets read a list of steps from their input ([`input`]), each with a kind and a payload, so that whole
//! packets of a capture can stand in a corpus and a mutation of one leaves the others alone.
#![forbid(unsafe_code)]
#![allow(clippy::expect_used, clippy::panic, reason = "a panic is how a fuzz body reports what it found")]

mod clock;
mod engine_wan;
mod esp_open;
mod gre;
mod ikev2_endpoint;
mod ikev2_message;
mod ikev2_sealed;
pub mod input;
mod ios_config;
pub mod mend;
pub mod mutate;
mod nhrp_node;
mod nhrp_packet;
mod ospf_lsa;
mod ospf_packet;
mod ospf_router;
mod show_command;

pub use engine_wan::engine_wan;
pub use esp_open::esp_open;
pub use gre::gre;
pub use ikev2_endpoint::ikev2_endpoint;
pub use ikev2_message::ikev2_message;
pub use ikev2_sealed::ikev2_sealed;
pub use ios_config::ios_config;
pub use nhrp_node::nhrp_node;
pub use nhrp_packet::nhrp_packet;
pub use ospf_lsa::ospf_lsa;
pub use ospf_packet::ospf_packet;
pub use ospf_router::ospf_router;
pub use show_command::show_command;

/// A fuzz body under its name.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Name of the program in `fuzz_targets/` and of the folder in `corpus/`.
    pub name: &'static str,
    /// The body.
    pub body: fn(&[u8]),
}

/// Every fuzz body.
pub const TARGETS: &[Target] = &[
    Target { name: "engine_wan", body: engine_wan },
    Target { name: "esp_open", body: esp_open },
    Target { name: "gre", body: gre },
    Target { name: "ikev2_endpoint", body: ikev2_endpoint },
    Target { name: "ikev2_message", body: ikev2_message },
    Target { name: "ikev2_sealed", body: ikev2_sealed },
    Target { name: "ios_config", body: ios_config },
    Target { name: "nhrp_node", body: nhrp_node },
    Target { name: "nhrp_packet", body: nhrp_packet },
    Target { name: "ospf_lsa", body: ospf_lsa },
    Target { name: "ospf_packet", body: ospf_packet },
    Target { name: "ospf_router", body: ospf_router },
    Target { name: "show_command", body: show_command },
];
