//! ESP and IKE in UDP (RFC 3948): telling apart what arrives on port 4500.

#[cfg(test)]
mod tests;

/// The four zero bytes in front of an IKE message on port 4500, where ESP has its SPI (RFC 3948 section 2.2).
pub const NON_ESP_MARKER: [u8; 4] = [0; 4];

/// The payload of a NAT keepalive (RFC 3948 section 2.3).
pub const KEEPALIVE: [u8; 1] = [0xff];

/// SPI and sequence number: what every ESP packet starts with.
const ESP_HEADER_LEN: usize = 8;

/// What a UDP datagram on port 4500 holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Datagram<'a> {
    /// A NAT keepalive: nothing to do. It is not authenticated and so says nothing about the peer.
    Keepalive,
    /// An IKE message, without the marker.
    Ike(&'a [u8]),
    /// An ESP packet, from the SPI on.
    Esp(&'a [u8]),
    /// Too short to be any of them: drop.
    TooShort,
}

/// Tells apart what arrives on port 4500, by the first bytes only.
///
/// ```
/// use esp::udp::{Datagram, classify};
///
/// assert_eq!(classify(&[0xff]), Datagram::Keepalive);
/// assert!(matches!(classify(&[0, 0, 0, 0, 1, 2, 3, 4]), Datagram::Ike([1, 2, 3, 4])));
/// assert!(matches!(classify(&[0, 0, 1, 0, 0, 0, 0, 1]), Datagram::Esp(_)));
/// assert_eq!(classify(&[1, 2, 3]), Datagram::TooShort);
/// ```
#[must_use]
pub fn classify(datagram: &[u8]) -> Datagram<'_> {
    if datagram == KEEPALIVE {
        return Datagram::Keepalive;
    }
    match datagram.strip_prefix(&NON_ESP_MARKER) {
        Some([]) => Datagram::TooShort,
        Some(message) => Datagram::Ike(message),
        None if datagram.len() < ESP_HEADER_LEN => Datagram::TooShort,
        None => Datagram::Esp(datagram),
    }
}
