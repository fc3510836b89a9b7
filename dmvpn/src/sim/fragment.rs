//! IPv4 fragmentation and reassembly (RFC 791 section 3.2), with the bounds that a receiver needs.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::ipv4::{self, Header, Ipv4Error};

/// Why a packet could not be cut to fit a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FragmentError {
    /// The packet is larger than the link allows and forbids fragmentation.
    #[error("packet of {len} bytes with DF on a link of {mtu}")]
    DontFragment {
        /// Its length.
        len: usize,
        /// What the link allows.
        mtu: u16,
    },
    /// The link is too small for a header and eight bytes.
    #[error("an MTU of {0} carries nothing")]
    Mtu(u16),
    /// Not a packet.
    #[error(transparent)]
    Ipv4(#[from] Ipv4Error),
}

/// Cuts a packet so that each piece has at most `mtu` bytes. A packet that fits stays as it is; a fragment is cut
/// further.
///
/// # Errors
/// The packet forbids it, is no packet, or the MTU is too small for anything.
pub fn fragment(bytes: Vec<u8>, mtu: u16) -> Result<Vec<Vec<u8>>, FragmentError> {
    if bytes.len() <= usize::from(mtu) {
        return Ok(vec![bytes]);
    }
    let datagram = ipv4::parse(&bytes)?;
    let header = datagram.header;
    if header.dont_fragment {
        return Err(FragmentError::DontFragment { len: bytes.len(), mtu });
    }
    // RFC 791: options without the copied flag stand only in the first fragment. Each piece is cut as if it had all
    // of them, which wastes a few bytes and keeps the arithmetic plain.
    let copied = copied_options(datagram.options);
    let room = usize::from(mtu).saturating_sub(ipv4::HEADER_LEN + datagram.options.len()) / 8 * 8;
    if room == 0 {
        return Err(FragmentError::Mtu(mtu));
    }
    let count = datagram.payload.len().div_ceil(room);
    let mut pieces = Vec::with_capacity(count);
    for (index, chunk) in datagram.payload.chunks(room).enumerate() {
        let last = index + 1 == count;
        // A payload is shorter than 65,536 bytes, and so is every offset in it.
        let offset = header.offset.saturating_add((index * room) as u16);
        let piece = Header { offset, more_fragments: header.more_fragments || !last, ..header };
        let options = if index == 0 { datagram.options } else { &copied };
        pieces.push(ipv4::build_with_options(&piece, options, chunk)?);
    }
    Ok(pieces)
}

fn copied_options(options: &[u8]) -> Vec<u8> {
    const END: u8 = 0;
    const NOP: u8 = 1;
    let mut copied = Vec::new();
    let mut rest = options;
    while let [kind, tail @ ..] = rest {
        match (*kind, tail) {
            (END, _) => break,
            (NOP, tail) => rest = tail,
            (kind, [len, ..]) if *len >= 2 && usize::from(*len) <= rest.len() => {
                let (option, after) = rest.split_at(usize::from(*len));
                if kind & 0x80 != 0 {
                    copied.extend_from_slice(option);
                }
                rest = after;
            }
            _ => break,
        }
    }
    copied.resize(copied.len().next_multiple_of(4), END);
    copied
}

/// How much a receiver keeps of datagrams that are not whole yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReassemblyLimits {
    /// Datagrams at a time; one more pushes out the oldest.
    pub datagrams: usize,
    /// Pieces of one datagram.
    pub fragments: usize,
    /// Bytes of all datagrams together.
    pub bytes: usize,
    /// How long after its first piece a datagram must be whole (RFC 1122 section 3.3.2 asks for 60 to 120 seconds;
    /// today's systems give up after 30).
    pub timeout: Duration,
}

impl Default for ReassemblyLimits {
    fn default() -> Self {
        Self { datagrams: 64, fragments: 64, bytes: 1 << 20, timeout: Duration::from_secs(30) }
    }
}

/// How reassembly went so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReassemblyStats {
    /// Datagrams made whole.
    pub completed: u64,
    /// Datagrams given up because a piece did not come in time.
    pub timed_out: u64,
    /// Datagrams pushed out by a limit.
    pub evicted: u64,
    /// Datagrams thrown away because their pieces overlap or contradict each other.
    pub overlapped: u64,
}

type Key = (Ipv4Addr, Ipv4Addr, u8, u16);

#[derive(Debug)]
struct Partial {
    started: Duration,
    first: Option<(Header, Vec<u8>)>,
    /// By offset, not overlapping.
    pieces: BTreeMap<usize, Vec<u8>>,
    bytes: usize,
    /// The length of the whole payload, known from the last piece.
    total: Option<usize>,
}

/// Puts fragments together again.
///
/// Overlapping pieces condemn their datagram, as in current systems (RFC 5722 says so for IPv6; for IPv4 overlap has
/// no honest use either). A repeated identical piece is what a duplicating network makes, and is ignored.
#[derive(Debug)]
pub struct Reassembler {
    limits: ReassemblyLimits,
    partial: BTreeMap<Key, Partial>,
    bytes: usize,
    stats: ReassemblyStats,
}

impl Default for Reassembler {
    fn default() -> Self {
        Self::new(ReassemblyLimits::default())
    }
}

impl Reassembler {
    /// An empty reassembler.
    #[must_use]
    pub fn new(limits: ReassemblyLimits) -> Self {
        Self { limits, partial: BTreeMap::new(), bytes: 0, stats: ReassemblyStats::default() }
    }

    /// How it went so far.
    #[must_use]
    pub fn stats(&self) -> ReassemblyStats {
        self.stats
    }

    /// How many datagrams wait for pieces.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.partial.len()
    }

    /// Takes a packet. A whole one comes back as it is; a piece is kept until its datagram is whole.
    ///
    /// # Errors
    /// The bytes are no IPv4 packet.
    pub fn push(&mut self, now: Duration, bytes: Vec<u8>) -> Result<Option<Vec<u8>>, Ipv4Error> {
        let datagram = ipv4::parse(&bytes)?;
        let header = datagram.header;
        if !header.is_fragment() {
            return Ok(Some(bytes));
        }
        self.expire(now);
        let key = (header.source, header.destination, header.protocol, header.id);
        let start = usize::from(header.offset);
        let end = start + datagram.payload.len();
        let unaligned = header.more_fragments && !datagram.payload.len().is_multiple_of(8);
        if datagram.payload.is_empty() || unaligned || ipv4::HEADER_LEN + end > usize::from(u16::MAX) {
            self.discard(&key, |stats| &mut stats.overlapped);
            return Ok(None);
        }
        let is_new = !self.partial.contains_key(&key);
        if is_new && self.partial.len() >= self.limits.datagrams {
            self.evict_oldest();
        }
        let partial = self.partial.entry(key).or_insert_with(|| Partial {
            started: now,
            first: None,
            pieces: BTreeMap::new(),
            bytes: 0,
            total: None,
        });
        match partial.place(start, datagram.payload, header.more_fragments) {
            Placed::Repeated => return Ok(None),
            Placed::Conflict => {
                self.discard(&key, |stats| &mut stats.overlapped);
                return Ok(None);
            }
            Placed::Added => {}
        }
        if start == 0 {
            partial.first = Some((header, datagram.options.to_vec()));
        }
        self.bytes += datagram.payload.len();
        if partial.pieces.len() > self.limits.fragments {
            self.discard(&key, |stats| &mut stats.evicted);
            return Ok(None);
        }
        let whole = partial.whole();
        if let Some(whole) = whole {
            self.discard(&key, |stats| &mut stats.completed);
            return whole.map(Some);
        }
        while self.bytes > self.limits.bytes && !self.partial.is_empty() {
            self.evict_oldest();
        }
        Ok(None)
    }

    fn expire(&mut self, now: Duration) {
        let timeout = self.limits.timeout;
        // Bounded by `limits.datagrams`.
        let old: Vec<Key> =
            self.partial.iter().filter(|(_, p)| now >= p.started + timeout).map(|(key, _)| *key).collect();
        for key in old {
            self.discard(&key, |stats| &mut stats.timed_out);
        }
    }

    fn evict_oldest(&mut self) {
        let oldest = self.partial.iter().min_by_key(|(_, partial)| partial.started).map(|(key, _)| *key);
        if let Some(key) = oldest {
            self.discard(&key, |stats| &mut stats.evicted);
        }
    }

    fn discard(&mut self, key: &Key, counter: impl FnOnce(&mut ReassemblyStats) -> &mut u64) {
        if let Some(partial) = self.partial.remove(key) {
            self.bytes -= partial.bytes;
        }
        *counter(&mut self.stats) += 1;
    }
}

enum Placed {
    Added,
    Repeated,
    Conflict,
}

impl Partial {
    fn place(&mut self, start: usize, payload: &[u8], more: bool) -> Placed {
        let end = start + payload.len();
        if self.pieces.get(&start).is_some_and(|piece| piece == payload) {
            return Placed::Repeated;
        }
        let before = self.pieces.range(..=start).next_back();
        let overlaps_before = before.is_some_and(|(at, piece)| at + piece.len() > start);
        let overlaps_after = self.pieces.range(start..end).next().is_some();
        let beyond_end = self.total.is_some_and(|total| end > total || !more);
        let reached = self.pieces.last_key_value().map_or(0, |(at, piece)| at + piece.len());
        if overlaps_before || overlaps_after || beyond_end || (!more && reached > end) {
            return Placed::Conflict;
        }
        if !more {
            self.total = Some(end);
        }
        self.pieces.insert(start, payload.to_vec());
        self.bytes += payload.len();
        Placed::Added
    }

    /// The whole packet, once every byte is there: pieces do not overlap, so counting them is enough.
    fn whole(&self) -> Option<Result<Vec<u8>, Ipv4Error>> {
        let (header, options) = self.first.as_ref()?;
        if self.total != Some(self.bytes) {
            return None;
        }
        let payload: Vec<u8> = self.pieces.values().flatten().copied().collect();
        let header = Header { more_fragments: false, offset: 0, ..*header };
        Some(ipv4::build_with_options(&header, options, &payload))
    }
}

#[cfg(test)]
#[path = "fragment_tests.rs"]
mod tests;
