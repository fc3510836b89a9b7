//! The sending half of an SA.

use core::fmt;
use core::ops::Range;

use zeroize::Zeroizing;

use crate::crypto::{Iv, LANES, Lane, MacKey, SealCipher};
use crate::wire::{self, Layout, Parts};
use crate::{Backend, Counters, KeyError, LimitState, Limits, SealError, Suite};

#[cfg(test)]
mod tests;

/// A packet that was sealed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[must_use]
pub struct Sealed {
    /// Where the ESP packet lies in the buffer, from SPI to ICV.
    pub range: Range<usize>,
    /// Whether it is time to replace the SA.
    pub limit: LimitState,
}

/// One packet of a batch: what [`Outbound::seal_batch`] takes and where it leaves the result.
///
/// The default is a place without memory, for arrays that are not full; sealing it fails ([`SealError::NoRoom`]).
#[derive(Debug, Default)]
pub struct BatchPacket<'a> {
    /// Memory with the payload and room around it.
    pub buffer: &'a mut [u8],
    /// Where the payload lies.
    pub payload: Range<usize>,
    /// What the payload is; see [`next_header`](crate::next_header).
    pub next_header: u8,
    /// What became of the packet; `None` until a batch with it was sealed.
    pub outcome: Option<Result<Sealed, SealError>>,
}

impl<'a> BatchPacket<'a> {
    /// A packet to be sealed.
    #[must_use]
    pub fn new(buffer: &'a mut [u8], payload: Range<usize>, next_header: u8) -> Self {
        Self { buffer, payload, next_header, outcome: None }
    }
}

/// The sending half of an SA: seals payloads into ESP packets (RFC 4303 section 3.3).
///
/// It owns its key's sequence numbers, which are also the nonces of an AEAD cipher. So that no number is ever used
/// twice it can neither be cloned nor be written out and read back; [`Outbound::skip_to`] is for those who take over
/// an SA with its keys.
pub struct Outbound {
    cipher: SealCipher,
    suite: Suite,
    spi: u32,
    /// The last number that was used; 0 before the first packet.
    sequence: u64,
    counters: Counters,
    limits: Limits,
}

impl Outbound {
    /// A new SA, whose first packet gets sequence number 1.
    ///
    /// `spi` is the peer's. `encryption_key` holds [`Suite::encryption_key_len`] bytes, for an AEAD with the salt at the
    /// end, and `integrity_key` [`Suite::integrity_key_len`]. `iv_seed` makes the IVs of a CBC suite: 32 bytes from a
    /// cryptographic generator, new for every SA and known to nobody; an AEAD has no use for it, as its IVs are the
    /// sequence numbers.
    ///
    /// # Errors
    ///
    /// Keys of the wrong length, or SPI 0.
    pub fn new(
        suite: Suite,
        spi: u32,
        encryption_key: &[u8],
        integrity_key: &[u8],
        limits: Limits,
        iv_seed: [u8; 32],
    ) -> Result<Self, KeyError> {
        Self::with_backend(Backend::default(), suite, spi, encryption_key, integrity_key, limits, iv_seed)
    }

    /// As [`Outbound::new`], with the ciphers of a certain library.
    ///
    /// # Errors
    ///
    /// As [`Outbound::new`].
    pub fn with_backend(
        backend: Backend,
        suite: Suite,
        spi: u32,
        encryption_key: &[u8],
        integrity_key: &[u8],
        limits: Limits,
        iv_seed: [u8; 32],
    ) -> Result<Self, KeyError> {
        let iv_seed = Zeroizing::new(iv_seed);
        if spi == 0 {
            return Err(KeyError::ReservedSpi);
        }
        let cipher = SealCipher::new(backend, suite, encryption_key, integrity_key, &iv_seed)?;
        Ok(Self { cipher, suite, spi, sequence: 0, counters: Counters::default(), limits })
    }

    /// The SPI that goes into every packet.
    #[must_use]
    pub const fn spi(&self) -> u32 {
        self.spi
    }

    /// The algorithms.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// The last sequence number that was used; 0 before the first packet.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// What was sealed so far.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Whether it is time to replace the SA.
    #[must_use]
    pub fn limit(&self) -> LimitState {
        let last = self.last_sequence();
        if self.sequence >= last - last / 16 { LimitState::Soft } else { self.limits.state(self.counters) }
    }

    /// Gives up all sequence numbers up to and including `sequence`; never moves back.
    ///
    /// For taking over an SA whose last number is not known exactly: skip so far ahead that the former owner cannot
    /// have got there. Reusing a number with an AEAD cipher would give its key away.
    pub fn skip_to(&mut self, sequence: u64) {
        self.sequence = self.sequence.max(sequence).min(self.last_sequence());
    }

    /// Seals `buffer[payload]` in place: header and IV go in front of it, padding, trailer and ICV behind. Returns where
    /// the ESP packet lies.
    ///
    /// [`HEADROOM`](crate::HEADROOM) bytes in front and [`TAILROOM`](crate::TAILROOM) behind suffice for every suite.
    /// `next_header` says what the payload is: see [`next_header`](crate::next_header). A dummy packet (RFC 4303 section
    /// 2.6) is any payload with [`next_header::NONE`](crate::next_header::NONE). Padding for traffic flow
    /// confidentiality (section 2.7) is the caller's: zeros behind a payload that carries its own length.
    ///
    /// # Errors
    ///
    /// See [`SealError`]: the buffer is unchanged and no sequence number is used up.
    pub fn seal(
        &mut self,
        buffer: &mut [u8],
        payload: Range<usize>,
        next_header: u8,
    ) -> Result<Sealed, SealError> {
        let job = self.accept(buffer, &payload)?;
        let iv = match &mut self.cipher {
            SealCipher::Cbc { ivs, .. } => ivs.iv(job.sequence),
            // RFC 4106 section 3.1, RFC 7634 section 2: what counts is that no IV comes twice, as no number does. The
            // last 8 bytes go over the wire.
            _ => u128::from(job.sequence).to_be_bytes(),
        };
        self.seal_job(&job, buffer, next_header, &iv);
        Ok(job.sealed())
    }

    /// Whether [`Outbound::seal_batch`] is faster than [`Outbound::seal`] with this suite.
    #[must_use]
    pub const fn gains_from_batches(&self) -> bool {
        matches!(self.cipher, SealCipher::Cbc { .. })
    }

    /// Seals a batch: the same as sealing each packet in turn, but faster with a CBC suite, which encrypts eight of them
    /// side by side. Each packet's [`BatchPacket::outcome`] is its own; one that fails does not affect the others.
    ///
    /// Batches of 8 and their multiples are the best. With an AEAD suite there is nothing to gain.
    pub fn seal_batch(&mut self, packets: &mut [BatchPacket<'_>]) {
        for chunk in packets.chunks_mut(LANES) {
            if self.gains_from_batches() && chunk.len() > 1 {
                self.seal_side_by_side(chunk);
            } else {
                for packet in chunk {
                    let outcome = self.seal(packet.buffer, packet.payload.clone(), packet.next_header);
                    packet.outcome = Some(outcome);
                }
            }
        }
    }

    /// Seals with an IV that another implementation chose, to compare packets with it.
    #[cfg(test)]
    pub(crate) fn seal_recorded(
        &mut self,
        buffer: &mut [u8],
        payload: Range<usize>,
        next_header: u8,
        iv: &Iv,
    ) -> Sealed {
        let job = self.accept(buffer, &payload).expect("a recorded packet can be sealed");
        self.seal_job(&job, buffer, next_header, iv);
        job.sealed()
    }

    /// Up to [`LANES`] packets with a CBC suite.
    fn seal_side_by_side(&mut self, packets: &mut [BatchPacket<'_>]) {
        let mut jobs = [const { None }; LANES];
        for (packet, job) in packets.iter_mut().zip(&mut jobs) {
            packet.outcome = Some(
                self.accept(packet.buffer, &packet.payload).map(|accepted| job.insert(accepted).sealed()),
            );
        }
        let SealCipher::Cbc { cipher, mac, ivs } = &mut self.cipher else { return };

        let mut lanes: [Lane<'_>; LANES] = Default::default();
        for ((packet, job), lane) in packets.iter_mut().zip(&jobs).zip(&mut lanes) {
            let Some(job) = job else { continue };
            let packet_bytes = packet.buffer.get_mut(job.layout.range()).expect(IN_BUFFER);
            let parts = Parts::split(self.suite, packet_bytes).expect(HAS_PARTS);
            let iv = ivs.iv(job.sequence);
            *parts.header = wire::header(self.spi, job.sequence);
            parts.iv.copy_from_slice(&iv);
            wire::write_trailer(parts.text, job.layout.padding, packet.next_header);
            *lane = Lane::new(&iv, parts.text);
        }
        // Packets that failed left empty lanes, which sort to the end.
        cipher.encrypt_lanes(&mut lanes);

        for (packet, job) in packets.iter_mut().zip(&jobs) {
            let Some(job) = job else { continue };
            let packet = packet.buffer.get_mut(job.layout.range()).expect(IN_BUFFER);
            sign(mac, self.suite, job.sequence, packet);
        }
    }

    /// Everything that can fail, and after that, not before, the sequence number.
    fn accept(&mut self, buffer: &[u8], payload: &Range<usize>) -> Result<Job, SealError> {
        let layout = Layout::new(self.suite, buffer.len(), payload)?;
        if self.sequence >= self.last_sequence() {
            return Err(SealError::SequenceExhausted);
        }
        if !self.limits.admits(self.counters, payload.len() as u64) {
            return Err(SealError::HardLimit);
        }
        self.sequence += 1;
        self.counters.count(payload.len());
        Ok(Job { layout, sequence: self.sequence, limit: self.limit() })
    }

    /// Seals one accepted packet. The suite takes as many bytes of `iv` as it needs, from the end.
    fn seal_job(&self, job: &Job, buffer: &mut [u8], next_header: u8, iv: &Iv) {
        let packet = buffer.get_mut(job.layout.range()).expect(IN_BUFFER);
        let parts = Parts::split(self.suite, packet).expect(HAS_PARTS);
        *parts.header = wire::header(self.spi, job.sequence);
        wire::write_trailer(parts.text, job.layout.padding, next_header);
        match &self.cipher {
            SealCipher::Aead(key) => {
                let iv = *iv.last_chunk().expect("8 bytes are fewer than 16");
                parts.iv.copy_from_slice(&iv);
                let (aad, len) = wire::aad(self.spi, job.sequence, self.suite.esn());
                let aad = aad.get(..len).unwrap_or(&aad);
                let tag =
                    key.seal(iv, aad, parts.text).expect("an IP packet is shorter than an AEAD's limit");
                parts.icv.copy_from_slice(&tag);
            }
            SealCipher::Cbc { cipher, mac, .. } => {
                parts.iv.copy_from_slice(iv);
                cipher.encrypt(iv, parts.text);
                sign(mac, self.suite, job.sequence, packet);
            }
            #[cfg(fuzzing)]
            SealCipher::Null(mac) => sign(mac, self.suite, job.sequence, packet),
        }
    }

    const fn last_sequence(&self) -> u64 {
        if self.suite.esn() { u64::MAX } else { u32::MAX as u64 }
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound")
            .field("suite", &self.suite)
            .field("spi", &format_args!("0x{:08x}", self.spi))
            .field("sequence", &self.sequence)
            .field("counters", &self.counters)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// A packet that will be sealed: nothing after this fails.
struct Job {
    layout: Layout,
    sequence: u64,
    limit: LimitState,
}

impl Job {
    fn sealed(&self) -> Sealed {
        Sealed { range: self.layout.range(), limit: self.limit }
    }
}

const IN_BUFFER: &str = "the layout was made for this buffer";
const HAS_PARTS: &str = "the layout has room for all parts";

/// Writes the ICV of an encrypted packet at its end. With extended numbers it covers the half that is not sent.
fn sign(mac: &MacKey, suite: Suite, sequence: u64, packet: &mut [u8]) {
    let high = suite.esn().then_some((sequence >> 32) as u32);
    if let Some((data, icv)) = packet.split_at_mut_checked(packet.len() - suite.icv_len()) {
        mac.sign(data, high, icv);
    }
}
