//! A packet: memory with room in front and behind.
//!
//! The data path transforms a packet where it lies. A LAN packet grows a GRE header, an ESP header and an IV in
//! front, padding and an integrity value behind; nothing is copied. [`Packet`] is that memory with the range in
//! use.

use core::fmt;
use core::ops::Range;

use crate::Path;

/// Room that a packet needs in front: outer IPv4 and UDP headers for whoever sends it, ESP header and IV, GRE with
/// key, sequence and checksum.
pub const HEADROOM: usize = 20 + 8 + 24 + 16;
/// Room that a packet needs behind: ESP padding, trailer and the longest integrity value.
pub const TAILROOM: usize = 16 + 2 + 32;

/// A packet in memory that has room in front and behind.
///
/// ```
/// use dmvpn::Packet;
/// let packet = Packet::new(b"an IP packet");
/// assert_eq!(packet.bytes(), b"an IP packet");
/// ```
#[derive(Clone)]
pub struct Packet {
    memory: Vec<u8>,
    start: usize,
    end: usize,
}

impl Packet {
    /// A packet with these bytes and room for everything that the engine adds.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        let mut packet = Self::with_capacity(bytes.len());
        packet.fill(bytes);
        packet
    }

    /// An empty packet that can hold `len` bytes and everything that the engine adds, to be used again and again.
    #[must_use]
    pub fn with_capacity(len: usize) -> Self {
        Self { memory: vec![0; HEADROOM + len + TAILROOM], start: HEADROOM, end: HEADROOM }
    }

    /// Replaces the contents. Allocates only if the memory is too small.
    pub fn fill(&mut self, bytes: &[u8]) {
        let needed = HEADROOM + bytes.len() + TAILROOM;
        if self.memory.len() < needed {
            self.memory.resize(needed, 0);
        }
        self.start = HEADROOM;
        self.end = HEADROOM + bytes.len();
        self.memory[self.start..self.end].copy_from_slice(bytes);
    }

    /// The bytes of the packet.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    /// The bytes of the packet, to be changed in place.
    #[must_use]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.end]
    }

    /// How many bytes the packet has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether the packet has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// The whole memory, for transforms that grow a packet in place.
    pub(crate) fn memory(&mut self) -> &mut [u8] {
        &mut self.memory
    }

    /// Where in the memory the packet lies.
    pub(crate) fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// Says where in the memory the packet lies from now on.
    pub(crate) fn set_range(&mut self, range: Range<usize>) {
        debug_assert!(range.start <= range.end && range.end <= self.memory.len());
        self.start = range.start;
        self.end = range.end;
    }

    /// Removes bytes from the front. The caller has checked that they are there.
    pub(crate) fn pull(&mut self, len: usize) {
        debug_assert!(len <= self.len());
        self.start += len;
    }

    /// Cuts the packet after `len` bytes; longer than it is changes nothing.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.end = self.end.min(self.start + len);
    }
}

impl AsMut<Packet> for Packet {
    fn as_mut(&mut self) -> &mut Packet {
        self
    }
}

/// A packet that the underlay brought, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// See [`Engine::handle_wan`](crate::Engine::handle_wan).
    pub path: Path,
    /// What follows the outer IP header, and the UDP header where there is one.
    pub packet: Packet,
}

impl AsMut<Packet> for Arrival {
    fn as_mut(&mut self) -> &mut Packet {
        &mut self.packet
    }
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packet({} bytes)", self.len())
    }
}

impl PartialEq for Packet {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Packet {}
