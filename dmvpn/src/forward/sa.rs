//! Security associations as the forwarding plane holds them.

use std::net::IpAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use esp::overhead::{Encapsulation, Mode as EspMode, Outer, Overhead};
use esp::{
    Backend, BatchPacket, Inbound, LimitState, Limits, OpenError, Outbound, SealError, Sealed, Suite,
    next_header,
};
use ikev2::{ChildId, EspCipher, EspIntegrity, Mode, SaParameters};

use super::batch::Group;
use super::ingress::NAT_PORT;
use super::ipv4::{self, HEADER_LEN, NewHeader};
use crate::ids::{PathId, UnderlayId};
use crate::{DropReason, Packet, Wire};

/// How often a busy inbound SA is reported as alive.
const ALIVE_INTERVAL: Duration = Duration::from_secs(1);

/// The SA that packets to a peer leave by.
#[derive(Debug)]
pub(super) struct OutboundSa {
    child: ChildId,
    sa: Outbound,
    /// In tunnel mode ESP carries an IP header of its own.
    inner_header: Option<NewHeader>,
    udp_encapsulation: bool,
    overhead: Overhead,
}

impl OutboundSa {
    /// `None` if the suite or the keys do not fit together, which IKE has ruled out.
    pub(super) fn new(
        backend: Backend,
        child: ChildId,
        sa: &SaParameters,
        iv_seed: [u8; 32],
    ) -> Option<Self> {
        let suite = suite_of(sa)?;
        let (encryption, integrity) = (sa.encryption_key.expose(), sa.integrity_key.expose());
        let limits = limits_of(sa);
        let outbound =
            Outbound::with_backend(backend, suite, sa.spi, encryption, integrity, limits, iv_seed).ok()?;
        let mode = match sa.mode {
            Mode::Transport => EspMode::Transport,
            Mode::Tunnel => EspMode::Tunnel,
        };
        let encapsulation = if sa.udp_encapsulation { Encapsulation::Udp } else { Encapsulation::None };
        let outer = if sa.remote.is_ipv4() { Outer::V4 } else { Outer::V6 };
        let inner_header = match (sa.mode, sa.local.ip(), sa.remote.ip()) {
            (Mode::Tunnel, IpAddr::V4(source), IpAddr::V4(destination)) => Some(NewHeader {
                tos: 0,
                identification: 0,
                dont_fragment: false,
                ttl: 64,
                protocol: ipv4::protocol::GRE,
                source,
                destination,
            }),
            (Mode::Tunnel, _, _) => return None,
            (Mode::Transport, _, _) => None,
        };
        Some(Self {
            child,
            sa: outbound,
            inner_header,
            udp_encapsulation: sa.udp_encapsulation,
            overhead: Overhead::new(suite, mode, encapsulation, outer),
        })
    }

    pub(super) fn child(&self) -> ChildId {
        self.child
    }

    pub(super) fn counters(&self) -> esp::Counters {
        self.sa.counters()
    }

    /// How its packets are carried to a peer with this port.
    pub(super) fn wire(&self, remote_port: u16) -> Wire {
        match self.udp_encapsulation {
            true => Wire::Udp { local_port: NAT_PORT, remote_port },
            false => Wire::Esp,
        }
    }

    /// The largest GRE packet that one outer packet of `link_mtu` bytes carries.
    pub(super) fn largest_payload(&self, link_mtu: u16) -> u16 {
        self.overhead.max_payload(link_mtu)
    }

    /// Seals a GRE packet in place.
    pub(super) fn seal(&mut self, packet: &mut Packet) -> Result<LimitState, DropReason> {
        let (range, carried) = self.prepare(packet)?;
        let outcome = self.sa.seal(packet.memory(), range, carried);
        sealed(packet, outcome)
    }

    /// Whether packets are better sealed several at a time.
    pub(super) fn gains_from_batches(&self) -> bool {
        self.sa.gains_from_batches()
    }

    /// Seals the GRE packets of a group in place.
    pub(super) fn seal_group<P: AsMut<Packet>>(
        &mut self,
        packets: &mut [P],
        group: &Group,
    ) -> [Result<LimitState, DropReason>; esp::BATCH] {
        // A packet that cannot be prepared has no memory here, and so no room.
        let mut batch: [BatchPacket<'_>; esp::BATCH] = Default::default();
        for (place, packet) in batch.iter_mut().zip(group.pick(packets)) {
            if let Ok((range, carried)) = self.prepare(packet) {
                *place = BatchPacket::new(packet.memory(), range, carried);
            }
        }
        self.sa.seal_batch(batch.get_mut(..group.places().len()).unwrap_or_default());
        let outcomes = batch.map(|packet| packet.outcome.unwrap_or(Err(NO_ROOM)));
        let mut packets = group.pick(packets);
        outcomes
            .map(|outcome| packets.next().map_or(Err(DropReason::NoRoom), |packet| sealed(packet, outcome)))
    }

    /// Writes the inner header of tunnel mode. Returns what is to be sealed, and what that is.
    fn prepare(&self, packet: &mut Packet) -> Result<(Range<usize>, u8), DropReason> {
        let mut range = packet.range();
        let Some(header) = self.inner_header else { return Ok((range, next_header::GRE)) };
        let header = header.to_bytes(range.len()).ok_or(DropReason::NoRoom)?;
        let start = range.start.checked_sub(HEADER_LEN).ok_or(DropReason::NoRoom)?;
        packet.memory()[start..range.start].copy_from_slice(&header);
        range.start = start;
        Ok((range, next_header::IPV4))
    }
}

const NO_ROOM: SealError = SealError::NoRoom { headroom: esp::HEADROOM, tailroom: esp::TAILROOM };

fn sealed(packet: &mut Packet, outcome: Result<Sealed, SealError>) -> Result<LimitState, DropReason> {
    match outcome {
        Ok(sealed) => {
            packet.set_range(sealed.range);
            Ok(sealed.limit)
        }
        Err(SealError::SequenceExhausted | SealError::HardLimit) => Err(DropReason::SaExhausted),
        Err(_) => Err(DropReason::NoRoom),
    }
}

/// An SA that packets come in under.
#[derive(Debug)]
pub(super) struct InboundSa {
    path: PathId,
    child: ChildId,
    sa: Inbound,
    reported: Option<Instant>,
}

impl InboundSa {
    /// `None` if the suite or the keys do not fit together, which IKE has ruled out.
    pub(super) fn new(
        backend: Backend,
        path: PathId,
        child: ChildId,
        sa: &SaParameters,
        window: u32,
    ) -> Option<Self> {
        let suite = suite_of(sa)?;
        let (encryption, integrity) = (sa.encryption_key.expose(), sa.integrity_key.expose());
        let limits = limits_of(sa);
        let inbound =
            Inbound::with_backend(backend, suite, sa.spi, encryption, integrity, limits, window).ok()?;
        Some(Self { path, child, sa: inbound, reported: None })
    }

    pub(super) fn path(&self) -> PathId {
        self.path
    }

    pub(super) fn child(&self) -> ChildId {
        self.child
    }

    /// Opens an ESP packet in place; what is left is the GRE packet that it carried.
    pub(super) fn open(&mut self, packet: &mut Packet) -> Result<LimitState, DropReason> {
        let opened = self.sa.open(packet.bytes_mut()).map_err(|error| match error {
            OpenError::AuthenticationFailed => DropReason::EspAuthentication,
            OpenError::Replayed(_) | OpenError::TooOld(_) => DropReason::EspReplay,
            OpenError::Dummy => DropReason::EspDummy,
            OpenError::HardLimit => DropReason::SaExhausted,
            _ => DropReason::EspMalformed,
        })?;
        let start = packet.range().start;
        packet.set_range(start + opened.payload.start..start + opened.payload.end);
        match opened.next_header {
            next_header::GRE => Ok(opened.limit),
            // Tunnel mode, or a peer that asks for it: the selectors allow GRE between the two ends and nothing else.
            next_header::IPV4 => {
                let header = ipv4::Header::read(packet.bytes()).ok_or(DropReason::Malformed)?;
                if header.protocol != ipv4::protocol::GRE || header.fragment_offset != 0 {
                    return Err(DropReason::Selector);
                }
                packet.truncate(header.total_len);
                packet.pull(header.header_len);
                Ok(opened.limit)
            }
            _ => Err(DropReason::Selector),
        }
    }

    /// Whether it is time to report again that packets come in.
    pub(super) fn report_is_due(&mut self, now: Instant) -> bool {
        let due = self.reported.is_none_or(|at| now.saturating_duration_since(at) >= ALIVE_INTERVAL);
        if due {
            self.reported = Some(now);
        }
        due
    }
}

/// Inbound SAs by underlay and SPI. IKE puts the child's slot into the lower half of the SPI, so that finding an SA is an
/// index and a comparison.
#[derive(Debug, Default)]
pub(super) struct InboundTable {
    by_underlay: Vec<Vec<Option<InboundSa>>>,
    /// The slots of each path, for when it goes.
    by_path: Vec<Vec<(UnderlayId, u16)>>,
}

impl InboundTable {
    pub(super) fn insert(&mut self, underlay: UnderlayId, sa: InboundSa) {
        let slot = slot_of(sa.sa.spi());
        let path = sa.path;
        grow(&mut self.by_underlay, underlay.index());
        let slots = &mut self.by_underlay[underlay.index()];
        if slots.len() <= usize::from(slot) {
            slots.resize_with(usize::from(slot) + 1, || None);
        }
        slots[usize::from(slot)] = Some(sa);
        grow(&mut self.by_path, path.index());
        self.by_path[path.index()].push((underlay, slot));
    }

    pub(super) fn find_mut(&mut self, underlay: UnderlayId, spi: u32) -> Option<&mut InboundSa> {
        let slots = self.by_underlay.get_mut(underlay.index())?;
        slots.get_mut(usize::from(slot_of(spi)))?.as_mut().filter(|sa| sa.sa.spi() == spi)
    }

    pub(super) fn counters(&self, child: ChildId, path: PathId) -> esp::Counters {
        let slots = self.by_path.get(path.index()).map_or(&[][..], Vec::as_slice);
        let sas = slots.iter().filter_map(|(underlay, slot)| {
            self.by_underlay.get(underlay.index())?.get(usize::from(*slot))?.as_ref()
        });
        sas.filter(|sa| sa.child == child && sa.path == path)
            .map(|sa| sa.sa.counters())
            .next()
            .unwrap_or_default()
    }

    pub(super) fn remove(&mut self, child: ChildId, path: PathId) {
        self.remove_where(path, |sa| sa.child == child && sa.path == path);
    }

    pub(super) fn remove_path(&mut self, path: PathId) {
        self.remove_where(path, |sa| sa.path == path);
    }

    fn remove_where(&mut self, path: PathId, unwanted: impl Fn(&InboundSa) -> bool) {
        let Some(slots) = self.by_path.get_mut(path.index()) else { return };
        slots.retain(|(underlay, slot)| {
            let slot = &mut self.by_underlay[underlay.index()][usize::from(*slot)];
            slot.take_if(|sa| unwanted(sa));
            slot.as_ref().is_some_and(|sa| sa.path == path)
        });
    }
}

fn slot_of(spi: u32) -> u16 {
    (spi & 0xffff) as u16
}

fn grow<T>(table: &mut Vec<Vec<T>>, index: usize) {
    if table.len() <= index {
        table.resize_with(index + 1, Vec::new);
    }
}

fn suite_of(sa: &SaParameters) -> Option<Suite> {
    let cipher = match sa.cipher {
        EspCipher::AesCbc128 => esp::Cipher::AesCbc128,
        EspCipher::AesCbc192 => esp::Cipher::AesCbc192,
        EspCipher::AesCbc256 => esp::Cipher::AesCbc256,
        EspCipher::AesGcm128 => esp::Cipher::AesGcm128,
        EspCipher::AesGcm256 => esp::Cipher::AesGcm256,
        EspCipher::ChaCha20Poly1305 => esp::Cipher::ChaCha20Poly1305,
    };
    let integrity = match sa.integrity {
        EspIntegrity::None => esp::Integrity::None,
        EspIntegrity::HmacSha1_96 => esp::Integrity::HmacSha1_96,
        EspIntegrity::HmacSha256_128 => esp::Integrity::HmacSha256_128,
        EspIntegrity::HmacSha384_192 => esp::Integrity::HmacSha384_192,
        EspIntegrity::HmacSha512_256 => esp::Integrity::HmacSha512_256,
    };
    Suite::new(cipher, integrity, sa.esn).ok()
}

fn limits_of(sa: &SaParameters) -> Limits {
    let limits = &sa.limits;
    Limits {
        soft: esp::Limit { bytes: limits.soft_bytes, packets: limits.soft_packets },
        hard: esp::Limit { bytes: limits.hard_bytes, packets: limits.hard_packets },
    }
}
