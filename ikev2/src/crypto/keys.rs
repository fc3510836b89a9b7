//! The key schedule (RFC 7296 sections 2.13, 2.14, 2.17, 2.18).
//!
//! Additional key exchanges (RFC 9370) go through [`skeyseed_additional`] and one more [`IkeKeys::derive`] per
//! exchange; a PPK (RFC 8784) replaces three of the keys of an [`IkeKeys`] by `prf+` of themselves
//! ([`IkeKeys::mix_ppk`]). Neither changes the shape of what is here.

use super::{Encryption, Group, Integrity, Prf};
use crate::secret::SecretBytes;

/// The algorithms of an IKE SA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IkeSuite {
    /// Encryption.
    pub encryption: Encryption,
    /// Integrity; `None` with AEAD.
    pub integrity: Integrity,
    /// Pseudo-random function.
    pub prf: Prf,
    /// Key-agreement group.
    pub group: Group,
}

/// The algorithms of a child SA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChildSuite {
    /// Encryption.
    pub encryption: Encryption,
    /// Integrity; `None` with AEAD.
    pub integrity: Integrity,
    /// Extended sequence numbers.
    pub esn: bool,
}

/// The seven keys of an IKE SA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IkeKeys {
    /// Makes child keys and successors.
    pub sk_d: SecretBytes,
    /// Integrity, initiator to responder.
    pub sk_ai: SecretBytes,
    /// Integrity, responder to initiator.
    pub sk_ar: SecretBytes,
    /// Encryption, initiator to responder.
    pub sk_ei: SecretBytes,
    /// Encryption, responder to initiator.
    pub sk_er: SecretBytes,
    /// Authentication payload of the initiator.
    pub sk_pi: SecretBytes,
    /// Authentication payload of the responder.
    pub sk_pr: SecretBytes,
}

/// `SKEYSEED = prf(Ni | Nr, g^ir)`.
#[must_use]
pub fn skeyseed_initial(prf: Prf, nonce_i: &[u8], nonce_r: &[u8], shared: &[u8]) -> SecretBytes {
    let mut key = Vec::with_capacity(nonce_i.len() + nonce_r.len());
    key.extend_from_slice(nonce_i);
    key.extend_from_slice(nonce_r);
    prf.mac(&key, &[shared])
}

/// `SKEYSEED = prf(SK_d (old), g^ir (new) | Ni | Nr)`, with the old SA's pseudo-random function (section 2.18).
#[must_use]
pub fn skeyseed_rekey(
    old_prf: Prf,
    old_sk_d: &SecretBytes,
    shared: &[u8],
    nonce_i: &[u8],
    nonce_r: &[u8],
) -> SecretBytes {
    old_prf.mac(old_sk_d.expose(), &[shared, nonce_i, nonce_r])
}

/// `SKEYSEED(n) = prf(SK_d(n-1), SK(n) | Ni | Nr)` after an IKE_INTERMEDIATE exchange (RFC 9370 section 2.2.2).
#[must_use]
pub fn skeyseed_additional(
    prf: Prf,
    sk_d: &SecretBytes,
    shared: &[u8],
    nonce_i: &[u8],
    nonce_r: &[u8],
) -> SecretBytes {
    prf.mac(sk_d.expose(), &[shared, nonce_i, nonce_r])
}

impl IkeKeys {
    /// `prf+(SKEYSEED, Ni | Nr | SPIi | SPIr)`, cut into d, ai, ar, ei, er, pi, pr.
    #[must_use]
    pub fn derive(
        suite: IkeSuite,
        skeyseed: &SecretBytes,
        nonce_i: &[u8],
        nonce_r: &[u8],
        spi_i: u64,
        spi_r: u64,
    ) -> Self {
        let (prf_len, integ, encr) =
            (suite.prf.output_len(), suite.integrity.key_len(), suite.encryption.key_len());
        let (spi_i, spi_r) = (spi_i.to_be_bytes(), spi_r.to_be_bytes());
        let material = suite.prf.expand(
            skeyseed.expose(),
            &[nonce_i, nonce_r, &spi_i, &spi_r],
            3 * prf_len + 2 * integ + 2 * encr,
        );
        let mut cut = Cut(material.expose());
        Self {
            sk_d: cut.take(prf_len),
            sk_ai: cut.take(integ),
            sk_ar: cut.take(integ),
            sk_ei: cut.take(encr),
            sk_er: cut.take(encr),
            sk_pi: cut.take(prf_len),
            sk_pr: cut.take(prf_len),
        }
    }

    /// Mixes a post-quantum pre-shared key into d, pi and pr (RFC 8784 section 3).
    pub fn mix_ppk(&mut self, prf: Prf, ppk: &SecretBytes) {
        for key in [&mut self.sk_d, &mut self.sk_pi, &mut self.sk_pr] {
            *key = mix_ppk(prf, ppk, key);
        }
    }
}

/// `prf+(PPK, key)`, as long as the key (RFC 8784 section 3).
#[must_use]
pub fn mix_ppk(prf: Prf, ppk: &SecretBytes, key: &SecretBytes) -> SecretBytes {
    prf.expand(ppk.expose(), &[key.expose()], prf.output_len())
}

/// The keys of a child SA, by the roles in the exchange that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildKeys {
    /// Encryption, initiator to responder.
    pub encryption_i: SecretBytes,
    /// Integrity, initiator to responder.
    pub integrity_i: SecretBytes,
    /// Encryption, responder to initiator.
    pub encryption_r: SecretBytes,
    /// Integrity, responder to initiator.
    pub integrity_r: SecretBytes,
}

impl ChildKeys {
    /// `KEYMAT = prf+(SK_d, [g^ir (new)] | Ni | Nr)` (section 2.17). Additional shared secrets (RFC 9370) are appended
    /// to the nonces by the caller as further `shared_after`.
    #[must_use]
    pub fn derive(
        prf: Prf,
        sk_d: &SecretBytes,
        suite: ChildSuite,
        shared: Option<&SecretBytes>,
        nonce_i: &[u8],
        nonce_r: &[u8],
        shared_after: &[&[u8]],
    ) -> Self {
        let (encr, integ) = (suite.encryption.key_len(), suite.integrity.key_len());
        let mut seed: Vec<&[u8]> = Vec::with_capacity(3 + shared_after.len());
        seed.extend(shared.map(SecretBytes::expose));
        seed.extend_from_slice(&[nonce_i, nonce_r]);
        seed.extend_from_slice(shared_after);
        let material = prf.expand(sk_d.expose(), &seed, 2 * (encr + integ));
        let mut cut = Cut(material.expose());
        Self {
            encryption_i: cut.take(encr),
            integrity_i: cut.take(integ),
            encryption_r: cut.take(encr),
            integrity_r: cut.take(integ),
        }
    }
}

struct Cut<'a>(&'a [u8]);

impl Cut<'_> {
    fn take(&mut self, length: usize) -> SecretBytes {
        let (head, tail) = self.0.split_at_checked(length).unwrap_or((self.0, &[]));
        self.0 = tail;
        head.into()
    }
}
