//! The kernel's IPsec (XFRM): states, policies, and what it says of them.
//!
//! Policies are there before the GRE interface comes up and as long as it is: GRE from and to the tunnel source needs ESP
//! in transport mode, with any peer. The kernel picks the SA by the peer's address, the youngest first; without one it
//! drops the packet and says so ("acquire"). So a protected tunnel has no state in which it sends or accepts clear text.
//!
//! Everything of ours has one request id, and is found by it after a crash.

mod events;
mod policies;
mod sa;
mod states;

#[cfg(test)]
mod tests;

pub(super) use events::{Event, Events};
pub(super) use policies::{Policies, Protection};
pub(super) use states::{Owner, States};

/// The request id of our states and policies: "DM" and zeroes. `ip xfrm state list reqid 1145896960` lists them.
const REQID: u32 = 0x444d_0000;
