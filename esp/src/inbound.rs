//! The receiving half of an SA.

use core::fmt;
use core::ops::Range;

use crate::crypto::OpenCipher;
use crate::wire::{self, HEADER_LEN, MAX_PACKET, Parts, TRAILER_LEN};
use crate::{
    Backend, Counters, Drops, KeyError, LimitState, Limits, OpenError, ReplayWindow, Suite, next_header,
    replay,
};

#[cfg(test)]
mod tests;

/// A packet that was opened.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[must_use]
pub struct Opened {
    /// Where the payload lies in the packet.
    pub payload: Range<usize>,
    /// What the payload is; see [`next_header`](crate::next_header). Whether the SA's traffic selectors allow it is
    /// for the caller to check (RFC 4301 section 5.2).
    pub next_header: u8,
    /// The packet's sequence number, all 64 bits of it with extended ones.
    pub sequence: u64,
    /// Whether it is time to replace the SA.
    pub limit: LimitState,
}

/// One packet of a batch: what [`Inbound::open_batch`] takes and where it leaves the result.
#[derive(Debug)]
pub struct ReceivedPacket<'a> {
    /// The ESP packet, from the SPI on.
    pub packet: &'a mut [u8],
    /// What became of it; `None` until a batch with it was opened.
    pub outcome: Option<Result<Opened, OpenError>>,
}

impl<'a> ReceivedPacket<'a> {
    /// A packet to be opened.
    #[must_use]
    pub fn new(packet: &'a mut [u8]) -> Self {
        Self { packet, outcome: None }
    }
}

/// The receiving half of an SA: opens ESP packets (RFC 4303 section 3.4).
///
/// A packet passes the replay window, authenticates, and only then is marked as received, decrypted and looked into.
pub struct Inbound {
    cipher: OpenCipher,
    suite: Suite,
    spi: u32,
    window: ReplayWindow,
    counters: Counters,
    limits: Limits,
    drops: Drops,
}

impl Inbound {
    /// A new SA that has received nothing.
    ///
    /// `spi` is our own, as it was given to the peer. `encryption_key` holds [`Suite::encryption_key_len`] bytes, for an
    /// AEAD with the salt at the end, and `integrity_key` [`Suite::integrity_key_len`]. `window` is the size of the
    /// replay window in packets, 64 to 4096; [`DEFAULT_WINDOW`](crate::DEFAULT_WINDOW) is a good one.
    ///
    /// # Errors
    ///
    /// Keys of the wrong length, SPI 0, or a window outside of that range.
    pub fn new(
        suite: Suite,
        spi: u32,
        encryption_key: &[u8],
        integrity_key: &[u8],
        limits: Limits,
        window: u32,
    ) -> Result<Self, KeyError> {
        Self::with_backend(Backend::default(), suite, spi, encryption_key, integrity_key, limits, window)
    }

    /// As [`Inbound::new`], with the ciphers of a certain library.
    ///
    /// # Errors
    ///
    /// As [`Inbound::new`].
    pub fn with_backend(
        backend: Backend,
        suite: Suite,
        spi: u32,
        encryption_key: &[u8],
        integrity_key: &[u8],
        limits: Limits,
        window: u32,
    ) -> Result<Self, KeyError> {
        if spi == 0 {
            return Err(KeyError::ReservedSpi);
        }
        let window = ReplayWindow::new(window)?;
        let cipher = OpenCipher::new(backend, suite, encryption_key, integrity_key)?;
        Ok(Self {
            cipher,
            suite,
            spi,
            window,
            counters: Counters::default(),
            limits,
            drops: Drops::default(),
        })
    }

    /// The SPI that packets of this SA carry.
    #[must_use]
    pub const fn spi(&self) -> u32 {
        self.spi
    }

    /// The algorithms.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// The highest sequence number that was received; 0 before any.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.window.top()
    }

    /// What was received so far: every packet that authenticated, dummies included.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// What was dropped so far.
    #[must_use]
    pub const fn drops(&self) -> Drops {
        self.drops
    }

    /// Whether it is time to replace the SA.
    #[must_use]
    pub fn limit(&self) -> LimitState {
        self.limits.state(self.counters)
    }

    /// Counts all sequence numbers up to and including `sequence` as received; never moves back. For taking over an SA
    /// with its keys, together with [`Outbound::skip_to`](crate::Outbound::skip_to) of the other direction.
    pub fn skip_to(&mut self, sequence: u64) {
        self.window.skip_to(sequence);
    }

    /// Opens a packet in place. It starts at the SPI and ends where its IP packet or UDP datagram does.
    ///
    /// What follows an inner IP packet in tunnel mode is traffic flow confidentiality padding (RFC 4303 section 2.7) and
    /// cut off. In transport mode the caller's protocol knows where it ends, and has to tolerate what follows.
    ///
    /// # Errors
    ///
    /// The packet must be dropped, and has been counted in [`Inbound::drops`]; see [`OpenError`]. A packet that does not
    /// authenticate has changed nothing in the SA. Nor has it changed itself, except with `Backend::AwsLc` and an AEAD,
    /// where zeros have taken the place of the ciphertext.
    pub fn open(&mut self, packet: &mut [u8]) -> Result<Opened, OpenError> {
        self.try_open(packet).inspect_err(|&reason| self.drops.count(reason))
    }

    /// Opens a batch: the same as opening each packet in turn. Each packet's [`ReceivedPacket::outcome`] is its own.
    ///
    /// Nothing is gained over [`Inbound::open`] today, since decryption is parallel within a packet already; the call
    /// is there so that a caller with a batch need not care.
    pub fn open_batch(&mut self, packets: &mut [ReceivedPacket<'_>]) {
        for packet in packets {
            packet.outcome = Some(self.open(packet.packet));
        }
    }

    fn try_open(&mut self, packet: &mut [u8]) -> Result<Opened, OpenError> {
        let sequence = self.screen(packet)?;
        let text = self.authenticate(packet, sequence)?;
        // RFC 4303 section 3.4.3: the window moves only now.
        self.window.mark(sequence).map_err(|stale| refused(stale, sequence))?;

        let text_len = text.len();
        let plain = packet.get(text.clone()).unwrap_or_default();
        let trailer = wire::read_trailer(plain);
        let sealed = trailer.map_or(text_len, |(len, _)| len);
        self.counters.count(sealed);
        let (_, next_header) = trailer.ok_or(OpenError::BadPadding)?;
        if next_header == next_header::NONE {
            return Err(OpenError::Dummy);
        }
        let len = wire::without_tfc(plain.get(..sealed).unwrap_or_default(), next_header);
        let payload = text.start..text.start + len;
        Ok(Opened { payload, next_header, sequence, limit: self.limit() })
    }

    /// What can be said without the key. Returns the sequence number, of whose upper half the packet says nothing.
    fn screen(&self, packet: &[u8]) -> Result<u64, OpenError> {
        let have = packet.len();
        let needed = self.shortest();
        let header = packet.first_chunk().filter(|_| have >= needed);
        let (spi, low) = wire::parse_header(*header.ok_or(OpenError::Truncated { needed, have })?);
        if have > MAX_PACKET {
            return Err(OpenError::TooLong(have));
        }
        if spi != self.spi {
            return Err(OpenError::SpiMismatch(spi));
        }
        let text = have - HEADER_LEN - self.suite.iv_len() - self.suite.icv_len();
        // Blocks are powers of two, which spares a division.
        if text & (self.suite.block_len() - 1) != 0 {
            return Err(OpenError::Misaligned(text));
        }
        if self.limits.is_over(self.counters) {
            return Err(OpenError::HardLimit);
        }
        let sequence = if self.suite.esn() {
            // No such number exists: it would be below 0, or beyond 2^64.
            self.window.extend(low).ok_or(OpenError::TooOld(low.into()))?
        } else {
            low.into()
        };
        if sequence == 0 {
            return Err(OpenError::ZeroSequence);
        }
        self.window.check(sequence).map_err(|stale| refused(stale, sequence))?;
        Ok(sequence)
    }

    /// Verifies the ICV, and only then decrypts. Returns where the decrypted text lies.
    fn authenticate(&self, packet: &mut [u8], sequence: u64) -> Result<Range<usize>, OpenError> {
        let start = HEADER_LEN + self.suite.iv_len();
        let end = packet.len() - self.suite.icv_len();
        let high = self.suite.esn().then_some((sequence >> 32) as u32);
        let authentic = match &self.cipher {
            OpenCipher::Aead(key) => {
                let (aad, len) = wire::aad(self.spi, sequence, self.suite.esn());
                let aad = aad.get(..len).unwrap_or(&aad);
                Parts::split(self.suite, packet).is_some_and(|parts| {
                    match (parts.iv.first_chunk(), parts.icv.first_chunk()) {
                        (Some(&iv), Some(tag)) => key.open(iv, aad, parts.text, tag),
                        _ => false,
                    }
                })
            }
            OpenCipher::Cbc { cipher, mac } => {
                let authentic =
                    packet.split_at_checked(end).is_some_and(|(data, icv)| mac.verify(data, high, icv));
                if authentic
                    && let Some(parts) = Parts::split(self.suite, packet)
                    && let Some(iv) = parts.iv.first_chunk()
                {
                    cipher.decrypt(iv, parts.text);
                }
                authentic
            }
            #[cfg(fuzzing)]
            OpenCipher::Null(mac) => {
                packet.split_at_checked(end).is_some_and(|(data, icv)| mac.verify(data, high, icv))
            }
        };
        if authentic { Ok(start..end) } else { Err(OpenError::AuthenticationFailed) }
    }

    /// The length of a packet without payload.
    fn shortest(&self) -> usize {
        HEADER_LEN + self.suite.iv_len() + self.suite.block_len().max(TRAILER_LEN) + self.suite.icv_len()
    }
}

impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbound")
            .field("suite", &self.suite)
            .field("spi", &format_args!("0x{:08x}", self.spi))
            .field("sequence", &self.window.top())
            .field("window", &self.window.size())
            .field("counters", &self.counters)
            .field("limits", &self.limits)
            .field("drops", &self.drops)
            .finish_non_exhaustive()
    }
}

fn refused(stale: replay::Stale, sequence: u64) -> OpenError {
    match stale {
        replay::Stale::Replayed => OpenError::Replayed(sequence),
        replay::Stale::TooOld => OpenError::TooOld(sequence),
    }
}
