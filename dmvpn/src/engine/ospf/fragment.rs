//! Fragments of OSPF packets (RFC 791 sections 2.3 and 3.2). A hub's Router-LSA outgrows a tunnel's MTU at about 109
//! spokes: this router is the host of its own OSPF packets, so it cuts and joins them itself.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::DropReason;
use crate::forward::OspfFragment;
use crate::forward::ipv4::{HEADER_LEN, NewHeader};
use crate::ids::TunnelId;

/// Parts of a packet are given up after this time. RFC 1122 section 3.3.2 wants a minute or two for hosts in general; an
/// OSPF packet is sent again after seconds.
const PATIENCE: Duration = Duration::from_secs(15);

/// Packets of one sender in parts at the same time: the oldest gives way. Senders are known neighbours, which send one
/// after the other.
const OF_ONE_SENDER: usize = 4;

/// Bytes of parts kept, over all senders.
const MOST_BYTES: usize = 8 << 20;

/// Cuts an IPv4 packet without options into packets of at most `mtu` bytes.
pub(super) fn cut(header: NewHeader, payload: &[u8], mtu: u16) -> Vec<Vec<u8>> {
    let room = (usize::from(mtu).saturating_sub(HEADER_LEN) & !7).max(8);
    let mut offset = 0;
    let mut parts = Vec::with_capacity(payload.len().div_ceil(room));
    for part in payload.chunks(room) {
        let more = offset + part.len() < payload.len();
        if let Some(header) = header.to_fragment_bytes(part.len(), offset, more) {
            let mut packet = Vec::with_capacity(HEADER_LEN + part.len());
            packet.extend_from_slice(&header);
            packet.extend_from_slice(part);
            parts.push(packet);
        }
        offset += part.len();
    }
    parts
}

/// What tells packets in parts apart (RFC 791 section 3.2).
type Key = (TunnelId, Ipv4Addr, Ipv4Addr, u16);

/// A packet in parts.
#[derive(Debug)]
struct Parts {
    since: Instant,
    /// By offset, without overlaps.
    parts: BTreeMap<usize, Vec<u8>>,
    bytes: usize,
    /// Length of the whole, known from the last part.
    total: Option<usize>,
}

/// Packets of which some parts have come.
#[derive(Debug, Default)]
pub(in crate::engine) struct Reassembly {
    packets: BTreeMap<Key, Parts>,
    bytes: usize,
}

impl Reassembly {
    /// Takes a part and gives the payload of the whole packet once it is complete.
    ///
    /// # Errors
    ///
    /// [`DropReason::Fragment`] for parts that overlap, leave gaps that nothing can fill, or exceed what is kept: the whole
    /// packet is forgotten then, as RFC 5722 has it for IPv6, because parts that overlap are an attack on filters.
    pub(super) fn take(
        &mut self,
        now: Instant,
        (tunnel, source, destination): (TunnelId, Ipv4Addr, Ipv4Addr),
        fragment: OspfFragment,
        payload: &[u8],
    ) -> Result<Option<Vec<u8>>, DropReason> {
        let key = (tunnel, source, destination, fragment.identification);
        self.make_room(now, &key, payload.len());
        let packet = self.packets.entry(key).or_insert_with(|| Parts {
            since: now,
            parts: BTreeMap::new(),
            bytes: 0,
            total: None,
        });
        if packet.parts.get(&fragment.offset).is_some_and(|known| known == payload) {
            return Ok(None);
        }
        if !packet.fits(&fragment, payload) {
            self.forget(&key);
            return Err(DropReason::Fragment);
        }
        if !fragment.more {
            packet.total = Some(fragment.offset + payload.len());
        }
        packet.parts.insert(fragment.offset, payload.to_vec());
        packet.bytes += payload.len();
        self.bytes += payload.len();
        if packet.total != Some(packet.bytes) {
            return Ok(None);
        }
        let whole = self.forget(&key).map(|packet| packet.parts.into_values().flatten().collect());
        Ok(whole)
    }

    fn make_room(&mut self, now: Instant, key: &Key, bytes: usize) {
        let over = |packet: &Parts| now.saturating_duration_since(packet.since) >= PATIENCE;
        let old: Vec<Key> =
            self.packets.iter().filter(|(_, packet)| over(packet)).map(|(key, _)| *key).collect();
        for key in old {
            self.forget(&key);
        }
        if self.packets.contains_key(key) && self.bytes + bytes <= MOST_BYTES {
            return;
        }
        let of_sender =
            (key.0, key.1, Ipv4Addr::UNSPECIFIED, 0)..=(key.0, key.1, Ipv4Addr::BROADCAST, u16::MAX);
        let own = self.packets.range(of_sender);
        if !self.packets.contains_key(key) && own.clone().count() >= OF_ONE_SENDER {
            let oldest = own.min_by_key(|(_, packet)| packet.since).map(|(key, _)| *key);
            oldest.and_then(|key| self.forget(&key));
        }
        while self.bytes + bytes > MOST_BYTES {
            let oldest = self.packets.iter().min_by_key(|(_, packet)| packet.since).map(|(key, _)| *key);
            let Some(oldest) = oldest else { return };
            self.forget(&oldest);
        }
    }

    fn forget(&mut self, key: &Key) -> Option<Parts> {
        let packet = self.packets.remove(key)?;
        self.bytes -= packet.bytes;
        Some(packet)
    }
}

impl Parts {
    fn fits(&self, fragment: &OspfFragment, payload: &[u8]) -> bool {
        let (start, end) = (fragment.offset, fragment.offset + payload.len());
        let whole_words = !fragment.more || payload.len().is_multiple_of(8);
        let before = self.parts.range(..=start).next_back();
        let after = self.parts.range(start..).next();
        let ends = if fragment.more { None } else { Some(end) };
        !payload.is_empty()
            && whole_words
            && end <= usize::from(u16::MAX) - HEADER_LEN
            && before.is_none_or(|(at, part)| at + part.len() <= start)
            && after.is_none_or(|(at, _)| end <= *at && fragment.more)
            && self.total.is_none_or(|total| end <= total && ends.is_none_or(|ends| ends == total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward::ipv4::Header;

    #[allow(clippy::disallowed_methods)]
    fn epoch() -> Instant {
        Instant::now()
    }

    const SPOKE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 11);
    const HUB: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

    fn header(identification: u16) -> NewHeader {
        NewHeader {
            tos: 0xc0,
            identification,
            dont_fragment: false,
            ttl: 1,
            protocol: 89,
            source: SPOKE,
            destination: HUB,
        }
    }

    fn payload(length: usize) -> Vec<u8> {
        (0..length).map(|index| u8::try_from(index % 251).expect("below")).collect()
    }

    fn read(packet: &[u8]) -> (OspfFragment, Vec<u8>) {
        let header = Header::read(packet).expect("a good header");
        (OspfFragment::of(&header), packet[header.header_len..header.total_len].to_vec())
    }

    fn give(reassembly: &mut Reassembly, now: Instant, packet: &[u8]) -> Result<Option<Vec<u8>>, DropReason> {
        let (fragment, payload) = read(packet);
        reassembly.take(now, (TunnelId(0), SPOKE, HUB), fragment, &payload)
    }

    #[test]
    fn what_is_cut_is_joined_in_any_order() {
        for length in [1, 1380, 1381, 4000, 60_000, 65_515] {
            let whole = payload(length);
            let mut parts = cut(header(7), &whole, 1400);
            assert!(parts.iter().all(|part| part.len() <= 1400), "{length}");
            assert_eq!(parts.len(), length.div_ceil(1376), "{length}");
            for turn in 0..3 {
                let count = parts.len();
                parts.rotate_left(turn % count);
                let mut reassembly = Reassembly::default();
                let now = epoch();
                let (last, first) = parts.split_last().expect("at least one");
                for part in first {
                    assert_eq!(give(&mut reassembly, now, part), Ok(None));
                    assert_eq!(give(&mut reassembly, now, part), Ok(None), "a duplicate");
                }
                assert_eq!(give(&mut reassembly, now, last), Ok(Some(whole.clone())), "{length}");
                assert_eq!((reassembly.packets.len(), reassembly.bytes), (0, 0));
            }
        }
    }

    #[test]
    fn packets_with_other_numbers_are_not_mixed() {
        let now = epoch();
        let (one, other) = (payload(3000), vec![9; 3000]);
        let mut reassembly = Reassembly::default();
        let (ones, others) = (cut(header(1), &one, 1400), cut(header(2), &other, 1400));
        for (a, b) in ones.iter().zip(&others).take(2) {
            assert_eq!(give(&mut reassembly, now, a), Ok(None));
            assert_eq!(give(&mut reassembly, now, b), Ok(None));
        }
        assert_eq!(give(&mut reassembly, now, &others[2]), Ok(Some(other)));
        assert_eq!(give(&mut reassembly, now, &ones[2]), Ok(Some(one)));
    }

    #[test]
    fn parts_that_overlap_or_go_beyond_spoil_the_packet() {
        let now = epoch();
        let key = (TunnelId(0), SPOKE, HUB);
        let part = |offset, more| OspfFragment { identification: 1, offset, more };
        for (fragment, length) in [
            (part(8, true), 16),
            (part(24, true), 8),
            (part(16, false), 8),
            (part(40, true), 7),
            (part(65_512, false), 8),
            (part(48, true), 0),
        ] {
            let mut reassembly = Reassembly::default();
            assert_eq!(reassembly.take(now, key, part(0, true), &[0; 16]), Ok(None));
            assert_eq!(reassembly.take(now, key, part(24, true), &[1; 16]), Ok(None));
            assert_eq!(
                reassembly.take(now, key, fragment, &payload(length)),
                Err(DropReason::Fragment),
                "{fragment:?} of {length}"
            );
            assert_eq!((reassembly.packets.len(), reassembly.bytes), (0, 0));
        }
    }

    #[test]
    fn what_is_kept_is_bounded_in_number_bytes_and_time() {
        let mut now = epoch();
        let mut reassembly = Reassembly::default();
        for number in 0..1000u32 {
            let source = Ipv4Addr::from(u32::from(SPOKE) + number / 100);
            let fragment =
                OspfFragment { identification: u16::try_from(number).expect("below"), offset: 0, more: true };
            assert_eq!(reassembly.take(now, (TunnelId(0), source, HUB), fragment, &[0; 1376]), Ok(None));
            now += Duration::from_millis(1);
        }
        assert_eq!(reassembly.packets.len(), 10 * OF_ONE_SENDER);
        for number in 0..1000u32 {
            let source = Ipv4Addr::from(0x0a01_0000 + number);
            let fragment = OspfFragment { identification: 1, offset: 0, more: true };
            assert_eq!(reassembly.take(now, (TunnelId(0), source, HUB), fragment, &[0; 64_000]), Ok(None));
        }
        assert!(reassembly.bytes <= MOST_BYTES);
        now += PATIENCE;
        let fragment = OspfFragment { identification: 1, offset: 0, more: false };
        assert_eq!(reassembly.take(now, (TunnelId(1), SPOKE, HUB), fragment, &[5]), Ok(Some(vec![5])));
        assert_eq!((reassembly.packets.len(), reassembly.bytes), (0, 0));
    }
}
