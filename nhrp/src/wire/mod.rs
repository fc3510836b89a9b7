//! The packet format: RFC 2332 section 5, with the extensions that DMVPN routers add. No state, no time.
//!
//! Decoding checks structure only (lengths, checksum, version); unknown packet types, codes, flags and extensions survive
//! a round trip unchanged.

mod address;
mod cie;
mod code;
mod extension;
mod packet;
mod packet_ref;
#[cfg(test)]
mod tests;

pub use address::Address;
pub use cie::Cie;
pub(crate) use cie::CieRef;
pub use code::{AddressFamily, CieCode, ErrorCode, Flags, PacketType, ProtocolType};
pub use extension::{Extension, ExtensionType};
pub use packet::{Body, Packet};
pub(crate) use packet::{HEADER_LEN, Header};
pub(crate) use packet_ref::{PacketRef, ip};
