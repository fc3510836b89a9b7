//! `show crypto session`, `show crypto ikev2 sa`, `show crypto ipsec sa`.

mod ikev2;
mod ipsec;
mod session;
#[cfg(test)]
mod tests;

pub use self::ikev2::{IkeAuthentication, IkeStatus, Ikev2Sa, Ikev2Sas, MessageIds, Nat};
pub use self::ipsec::{IpsecCounters, IpsecFlow, IpsecMode, IpsecSa, IpsecSas, TrafficSelector};
pub use self::session::{
    Capability, CryptoSession, CryptoSessions, FlowCounters, SessionFlow, SessionIke, SessionStatus,
};
