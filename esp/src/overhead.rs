//! What an SA adds to a packet, exactly.

use crate::Suite;
use crate::wire::{HEADER_LEN, TRAILER_LEN, padding_len};

#[cfg(test)]
mod tests;

/// Length of a UDP header.
const UDP_LEN: usize = 8;

/// What ESP protects (RFC 4301 section 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// What follows the outer IP header, such as a GRE packet.
    Transport,
    /// An IP packet of its own, whose header (of the outer one's version, without options) the SA puts in front of what
    /// transport mode would protect. Where the payload is such an IP packet already, with its header counted, the
    /// figures are those of [`Mode::Transport`].
    Tunnel,
}

/// What ESP travels in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encapsulation {
    /// IP, as protocol 50.
    None,
    /// UDP port 4500 (RFC 3948): 8 bytes more.
    Udp,
}

/// The version of the outer IP header, which has no options or extension headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outer {
    /// IPv4: 20 bytes.
    V4,
    /// IPv6: 40 bytes.
    V6,
}

impl Outer {
    const fn header_len(self) -> usize {
        match self {
            Self::V4 => 20,
            Self::V6 => 40,
        }
    }
}

/// Calculates what an SA adds to a packet and what fits a link.
///
/// The payload is what is handed to [`Outbound::seal`](crate::Outbound::seal) in transport mode. For DMVPN that is a GRE
/// packet: 8 bytes of header with a tunnel key, 4 without.
///
/// The largest inner packet on a link of 1500 bytes, in transport mode over IPv4, and the TCP MSS (40 less) with key:
///
/// | suite | key | no key | NAT-T, key | NAT-T, no key | MSS | MSS, NAT-T |
/// | --- | --- | --- | --- | --- | --- | --- |
/// | AES-CBC with HMAC-SHA2-256-128 | 1430 | 1434 | 1414 | 1418 | 1390 | 1374 |
/// | AES-CBC with HMAC-SHA1-96 | 1430 | 1434 | 1414 | 1418 | 1390 | 1374 |
/// | AES-CBC with HMAC-SHA2-512-256 | 1414 | 1418 | 1398 | 1402 | 1374 | 1358 |
/// | AES-GCM, ChaCha20-Poly1305 | 1438 | 1442 | 1430 | 1434 | 1398 | 1390 |
///
/// ```
/// use esp::overhead::{Encapsulation, Mode, Outer, Overhead};
/// use esp::{Cipher, Integrity, Suite};
///
/// let suite = Suite::new(Cipher::AesCbc256, Integrity::HmacSha256_128, false)?;
/// let overhead = Overhead::new(suite, Mode::Transport, Encapsulation::None, Outer::V4);
/// let gre_with_key = 8;
/// assert_eq!(overhead.max_payload(1500) - gre_with_key, 1430);
/// assert_eq!(overhead.outer_len(1430 + 8), 1500);
/// assert_eq!(overhead.outer_len(1431 + 8), 1516);
/// # Ok::<(), esp::SuiteError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Overhead {
    /// The algorithms.
    pub suite: Suite,
    /// What ESP protects.
    pub mode: Mode,
    /// What ESP travels in.
    pub encapsulation: Encapsulation,
    /// The version of the outer IP header.
    pub outer: Outer,
}

impl Overhead {
    /// A calculator for one SA.
    #[must_use]
    pub const fn new(suite: Suite, mode: Mode, encapsulation: Encapsulation, outer: Outer) -> Self {
        Self { suite, mode, encapsulation, outer }
    }

    /// The length of what follows the outer IP header: ESP packet, and UDP header if there is one.
    #[must_use]
    pub const fn sealed_len(&self, payload_len: usize) -> usize {
        let text = self.inner_header() + payload_len;
        let text = text + padding_len(self.suite, text) + TRAILER_LEN;
        self.fixed() + text
    }

    /// The length of the whole packet on the wire, without link layer.
    #[must_use]
    pub const fn outer_len(&self, payload_len: usize) -> usize {
        self.outer.header_len() + self.sealed_len(payload_len)
    }

    /// The largest payload whose packet fits `link_mtu` bytes; 0 if none does.
    #[must_use]
    pub const fn max_payload(&self, link_mtu: u16) -> u16 {
        let around = self.outer.header_len() + self.fixed();
        let room = (link_mtu as usize).saturating_sub(around);
        // Blocks are powers of two, which spares a division.
        let text = room & !(self.suite.block_len() - 1);
        // At most the link's MTU, so it fits.
        text.saturating_sub(TRAILER_LEN + self.inner_header()) as u16
    }

    /// What does not depend on the payload, behind the outer IP header.
    const fn fixed(&self) -> usize {
        let udp = match self.encapsulation {
            Encapsulation::None => 0,
            Encapsulation::Udp => UDP_LEN,
        };
        udp + HEADER_LEN + self.suite.iv_len() + self.suite.icv_len()
    }

    const fn inner_header(&self) -> usize {
        match self.mode {
            Mode::Transport => 0,
            Mode::Tunnel => self.outer.header_len(),
        }
    }
}
