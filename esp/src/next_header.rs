//! Values of the Next Header field that mean something to ESP or to DMVPN (the IANA protocol numbers).

/// A whole IPv4 packet: tunnel mode.
pub const IPV4: u8 = 4;
/// A whole IPv6 packet: tunnel mode.
pub const IPV6: u8 = 41;
/// A GRE packet: what DMVPN protects, in transport mode.
pub const GRE: u8 = 47;
/// Nothing: a dummy packet (RFC 4303 section 2.6).
pub const NONE: u8 = 59;
