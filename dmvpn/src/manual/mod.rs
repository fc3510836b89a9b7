//! The manual: what a DMVPN is, how to drive and tune this one, and what to do when it does not work.
//!
//! | page | for whom |
//! | --- | --- |
//! | [`concepts`] | who has not met a DMVPN before: addresses, roles, phases, who talks to whom |
//! | [`embedding`] | who writes a program around the engine |
//! | [`next_hops`] | who wonders why traffic does or does not leave the hub: the guide's view and the RFC's, side by side |
//! | [`dual_hub`] | who wants the cloud to survive a hub |
//! | [`nat`] | who has spokes behind somebody else's box |
//! | [`mtu`] | who sees small packets pass and large ones stall |
//! | [`tuning`] | who wants it faster to notice, or quieter |
//! | [`security`] | who asks what a stranger, a member or a thief can do, and what every table is bounded by |
//! | [`troubleshooting`] | whose cloud does not work: by symptom, with the line that the router prints |
//!
//! The pages have no code of their own; their examples are tests.

#[doc = include_str!("concepts.md")]
pub mod concepts {}

#[doc = include_str!("embedding.md")]
pub mod embedding {}

#[doc = include_str!("next_hops.md")]
pub mod next_hops {}

#[doc = include_str!("dual_hub.md")]
pub mod dual_hub {}

#[doc = include_str!("nat.md")]
pub mod nat {}

#[doc = include_str!("mtu.md")]
pub mod mtu {}

#[doc = include_str!("tuning.md")]
pub mod tuning {}

#[doc = include_str!("security.md")]
pub mod security {}

#[doc = include_str!("troubleshooting.md")]
pub mod troubleshooting {}
