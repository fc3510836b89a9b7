//! `show ip nhrp`, `show ip nhrp nhs`, `show ip nhrp multicast`, `show ip nhrp traffic`.

mod brief;
mod cache;
mod multicast;
mod nhs;
#[cfg(test)]
mod tests;
mod traffic;

pub use self::brief::NhrpBrief;
pub use self::cache::{NhrpCache, NhrpEntry, NhrpFlag, NhrpKind, NhrpRequester};
pub use self::multicast::{NhrpMulticast, NhrpMulticastMember};
pub use self::nhs::{NhrpNhs, NhsEntry, NhsInterface, NhsState, PendingRegistration};
pub use self::traffic::{NhrpCounts, NhrpInterfaceTraffic, NhrpTraffic};
