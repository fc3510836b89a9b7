//! What an SA has done, in numbers.

use crate::OpenError;

/// What an SA has protected so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Counters {
    /// Packets that were sealed, or that authenticated.
    pub packets: u64,
    /// Bytes of payload in them.
    pub bytes: u64,
}

impl Counters {
    pub(crate) fn count(&mut self, payload: usize) {
        self.packets = self.packets.saturating_add(1);
        self.bytes = self.bytes.saturating_add(payload as u64);
    }
}

/// What an SA has dropped, by reason: one field per [`OpenError`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Drops {
    /// See [`OpenError::Truncated`].
    pub truncated: u64,
    /// See [`OpenError::TooLong`].
    pub too_long: u64,
    /// See [`OpenError::SpiMismatch`].
    pub spi_mismatch: u64,
    /// See [`OpenError::Misaligned`].
    pub misaligned: u64,
    /// See [`OpenError::ZeroSequence`].
    pub zero_sequence: u64,
    /// See [`OpenError::Replayed`].
    pub replayed: u64,
    /// See [`OpenError::TooOld`].
    pub too_old: u64,
    /// See [`OpenError::HardLimit`].
    pub hard_limit: u64,
    /// See [`OpenError::AuthenticationFailed`].
    pub authentication_failed: u64,
    /// See [`OpenError::BadPadding`].
    pub bad_padding: u64,
    /// See [`OpenError::Dummy`].
    pub dummy: u64,
}

impl Drops {
    /// All drops together.
    #[must_use]
    pub fn total(&self) -> u64 {
        let Self {
            truncated,
            too_long,
            spi_mismatch,
            misaligned,
            zero_sequence,
            replayed,
            too_old,
            hard_limit,
            authentication_failed,
            bad_padding,
            dummy,
        } = *self;
        [truncated, too_long, spi_mismatch, misaligned, zero_sequence, replayed, too_old, hard_limit]
            .into_iter()
            .chain([authentication_failed, bad_padding, dummy])
            .fold(0, u64::saturating_add)
    }

    pub(crate) fn count(&mut self, reason: OpenError) {
        let field = match reason {
            OpenError::Truncated { .. } => &mut self.truncated,
            OpenError::TooLong(_) => &mut self.too_long,
            OpenError::SpiMismatch(_) => &mut self.spi_mismatch,
            OpenError::Misaligned(_) => &mut self.misaligned,
            OpenError::ZeroSequence => &mut self.zero_sequence,
            OpenError::Replayed(_) => &mut self.replayed,
            OpenError::TooOld(_) => &mut self.too_old,
            OpenError::HardLimit => &mut self.hard_limit,
            OpenError::AuthenticationFailed => &mut self.authentication_failed,
            OpenError::BadPadding => &mut self.bad_padding,
            OpenError::Dummy => &mut self.dummy,
        };
        *field = field.saturating_add(1);
    }
}
