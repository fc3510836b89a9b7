//! The encrypted payload: `SK` (RFC 7296 section 3.14, RFC 5282 for AEAD) and `SKF` (RFC 7383).

use aes::{Aes128, Aes192, Aes256};
use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes128Gcm, Aes256Gcm, KeyInit};
use chacha20poly1305::ChaCha20Poly1305;
use cipher::{
    BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _,
};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use zeroize::Zeroizing;

use super::{Encryption, IkeKeys, IkeSuite, Integrity};
use crate::secret::SecretBytes;
use crate::wire::{HEADER_LEN, Header, Message, PayloadType, Sealed};

/// Why an encrypted payload cannot be opened. Deliberately one answer for everything that depends on keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// Too short, or not a whole number of blocks.
    #[error("encrypted payload has an impossible length")]
    Length,
    /// The integrity check failed.
    #[error("integrity check failed")]
    Integrity,
    /// Authentic, but the padding is longer than the payload.
    #[error("padding is longer than the payload")]
    Padding,
}

/// Whose keys to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the original initiator of the IKE SA.
    FromInitiator,
    /// From the original responder.
    FromResponder,
}

/// Keys for one direction of an IKE SA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    encryption: Encryption,
    integrity: Integrity,
    encryption_key: SecretBytes,
    integrity_key: SecretBytes,
    /// Next AEAD initialisation vector: a counter never repeats.
    counter: u64,
}

impl Envelope {
    /// The keys of one direction.
    #[must_use]
    pub fn new(suite: IkeSuite, keys: &IkeKeys, direction: Direction) -> Self {
        let (encryption_key, integrity_key) = match direction {
            Direction::FromInitiator => (keys.sk_ei.clone(), keys.sk_ai.clone()),
            Direction::FromResponder => (keys.sk_er.clone(), keys.sk_ar.clone()),
        };
        Self {
            encryption: suite.encryption,
            integrity: suite.integrity,
            encryption_key,
            integrity_key,
            counter: 1,
        }
    }

    /// How many bytes longer than its plaintext a message with one `SK` payload is at most.
    #[must_use]
    pub const fn overhead(&self) -> usize {
        HEADER_LEN + 4 + self.encryption.iv_len() + self.encryption.block_len() + self.icv_len()
    }

    /// Seals a chain of payloads into a message. `fragment` makes it an `SKF`.
    pub fn seal(
        &mut self,
        header: Header,
        first: PayloadType,
        plaintext: &[u8],
        fragment: Option<(u16, u16)>,
        rng: &mut dyn CryptoRng,
    ) -> Vec<u8> {
        let mut iv = [0; 16];
        if self.encryption.is_aead() {
            let counter = self.counter.to_be_bytes();
            for (to, from) in iv.iter_mut().zip(counter) {
                *to = from;
            }
            self.counter = self.counter.wrapping_add(1);
        } else {
            rng.fill_bytes(&mut iv);
        }
        self.seal_with_iv(header, first, plaintext, fragment, iv)
    }

    /// Like [`Envelope::seal`] with an initialisation vector of the caller's choice (AEAD: the first eight bytes
    /// count). For tests with recorded numbers; a vector that repeats gives an AEAD key away.
    #[must_use]
    pub fn seal_with_iv(
        &self,
        header: Header,
        first: PayloadType,
        plaintext: &[u8],
        fragment: Option<(u16, u16)>,
        iv: [u8; 16],
    ) -> Vec<u8> {
        let block = self.encryption.block_len();
        let iv_len = self.encryption.iv_len();
        let pad = (block - (plaintext.len() + 1) % block) % block;
        let mut body = Vec::with_capacity(iv_len + plaintext.len() + pad + 1 + self.icv_len());
        body.extend(iv.iter().take(iv_len));
        body.extend_from_slice(plaintext);
        body.resize(body.len() + pad, 0);
        body.push(u8::try_from(pad).unwrap_or_default());
        body.resize(body.len() + self.icv_len(), 0);
        let body_offset = HEADER_LEN + if fragment.is_some() { 8 } else { 4 };
        let sealed = Sealed { first, fragment, body_offset, body };
        let mut message = Message { header, payloads: Vec::new(), sealed: Some(sealed) }.encode();
        self.protect(&mut message, body_offset);
        message
    }

    /// Opens the encrypted payload of a message; returns the chain of payloads inside.
    ///
    /// # Errors
    /// When the check fails or the lengths are impossible.
    pub fn open(&self, datagram: &[u8], sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, EnvelopeError> {
        let (iv_len, icv_len, block) =
            (self.encryption.iv_len(), self.icv_len(), self.encryption.block_len());
        let front = datagram.get(..sealed.body_offset).ok_or(EnvelopeError::Length)?;
        let (iv, rest) = sealed.body.split_at_checked(iv_len).ok_or(EnvelopeError::Length)?;
        let cipher_len = rest.len().checked_sub(icv_len).ok_or(EnvelopeError::Length)?;
        if cipher_len == 0 || cipher_len % block != 0 {
            return Err(EnvelopeError::Length);
        }
        let (cipher, icv) = rest.split_at_checked(cipher_len).ok_or(EnvelopeError::Length)?;
        let mut plain = Zeroizing::new(cipher.to_vec());
        if self.encryption.is_aead() {
            self.aead_open(front, iv, &mut plain, icv).ok_or(EnvelopeError::Integrity)?;
        } else {
            let expected = self.integrity.icv(self.integrity_key.expose(), &[front, iv, cipher]);
            if expected.is_empty() || !bool::from(expected.ct_eq(icv)) {
                return Err(EnvelopeError::Integrity);
            }
            self.cbc_open(iv, &mut plain).ok_or(EnvelopeError::Length)?;
        }
        let pad = usize::from(plain.last().copied().unwrap_or_default());
        let length = plain.len().checked_sub(pad + 1).ok_or(EnvelopeError::Padding)?;
        plain.truncate(length);
        Ok(plain)
    }

    const fn icv_len(&self) -> usize {
        if self.encryption.is_aead() { 16 } else { self.integrity.icv_len() }
    }

    /// Encrypts and authenticates in place what stands behind the initialisation vector.
    fn protect(&self, message: &mut [u8], body_offset: usize) {
        let (iv_len, icv_len) = (self.encryption.iv_len(), self.icv_len());
        let icv_at = message.len().saturating_sub(icv_len);
        let (text, icv_field) = message.split_at_mut(icv_at);
        if self.encryption.is_aead() {
            let (front, body) = text.split_at_mut(body_offset.min(icv_at));
            let (iv, plain) = body.split_at_mut(iv_len.min(body.len()));
            match self.aead_seal(front, iv, plain) {
                Some(tag) => icv_field.copy_from_slice(&tag),
                None => plain.fill(0),
            }
        } else {
            let (_, body) = text.split_at_mut(body_offset.min(icv_at));
            let (iv, plain) = body.split_at_mut(iv_len.min(body.len()));
            self.cbc_seal(iv, plain);
            icv_field.copy_from_slice(&self.integrity.icv(self.integrity_key.expose(), &[text]));
        }
    }

    fn cbc_seal(&self, iv: &[u8], data: &mut [u8]) {
        match self.encryption {
            Encryption::AesCbc128 => cbc_encrypt::<Aes128>(self.encryption_key.expose(), iv, data),
            Encryption::AesCbc192 => cbc_encrypt::<Aes192>(self.encryption_key.expose(), iv, data),
            _ => cbc_encrypt::<Aes256>(self.encryption_key.expose(), iv, data),
        }
    }

    fn cbc_open(&self, iv: &[u8], data: &mut [u8]) -> Option<()> {
        match self.encryption {
            Encryption::AesCbc128 => cbc_decrypt::<Aes128>(self.encryption_key.expose(), iv, data),
            Encryption::AesCbc192 => cbc_decrypt::<Aes192>(self.encryption_key.expose(), iv, data),
            _ => cbc_decrypt::<Aes256>(self.encryption_key.expose(), iv, data),
        }
    }

    fn aead_seal(&self, front: &[u8], iv: &[u8], data: &mut [u8]) -> Option<[u8; 16]> {
        let (key, nonce) = self.aead_key(iv)?;
        match self.encryption {
            Encryption::AesGcm128 => aead_encrypt::<Aes128Gcm>(key, &nonce, front, data),
            Encryption::AesGcm256 => aead_encrypt::<Aes256Gcm>(key, &nonce, front, data),
            _ => aead_encrypt::<ChaCha20Poly1305>(key, &nonce, front, data),
        }
    }

    fn aead_open(&self, front: &[u8], iv: &[u8], data: &mut [u8], tag: &[u8]) -> Option<()> {
        let (key, nonce) = self.aead_key(iv)?;
        match self.encryption {
            Encryption::AesGcm128 => aead_decrypt::<Aes128Gcm>(key, &nonce, front, data, tag),
            Encryption::AesGcm256 => aead_decrypt::<Aes256Gcm>(key, &nonce, front, data, tag),
            _ => aead_decrypt::<ChaCha20Poly1305>(key, &nonce, front, data, tag),
        }
    }

    /// Key, and nonce = salt (4 bytes behind the key) | initialisation vector (8).
    fn aead_key(&self, iv: &[u8]) -> Option<(&[u8], [u8; 12])> {
        let material = self.encryption_key.expose();
        let (key, salt) = material.split_at_checked(material.len().checked_sub(4)?)?;
        let mut nonce = [0; 12];
        for (to, from) in nonce.iter_mut().zip(salt.iter().chain(iv)) {
            *to = *from;
        }
        Some((key, nonce))
    }
}

fn cbc_encrypt<C>(key: &[u8], iv: &[u8], data: &mut [u8])
where
    C: BlockCipherEncrypt + KeyInit + cipher::BlockSizeUser<BlockSize = cipher::consts::U16>,
{
    // The lengths follow from the suite. Should they ever not fit, nothing readable leaves.
    match cbc::Encryptor::<C>::new_from_slices(key, iv) {
        Ok(mut cipher) => {
            let (blocks, _) = cipher::Block::<C>::slice_as_chunks_mut(data);
            cipher.encrypt_blocks(blocks);
        }
        Err(_) => data.fill(0),
    }
}

fn cbc_decrypt<C>(key: &[u8], iv: &[u8], data: &mut [u8]) -> Option<()>
where
    C: BlockCipherDecrypt + KeyInit + cipher::BlockSizeUser<BlockSize = cipher::consts::U16>,
{
    let mut cipher = cbc::Decryptor::<C>::new_from_slices(key, iv).ok()?;
    let (blocks, _) = cipher::Block::<C>::slice_as_chunks_mut(data);
    cipher.decrypt_blocks(blocks);
    Some(())
}

fn aead_encrypt<A: AeadInOut + KeyInit>(
    key: &[u8],
    nonce: &[u8; 12],
    front: &[u8],
    data: &mut [u8],
) -> Option<[u8; 16]> {
    let cipher = A::new_from_slice(key).ok()?;
    let nonce = nonce.as_slice().try_into().ok()?;
    let tag = cipher.encrypt_inout_detached(nonce, front, data.into()).ok()?;
    tag.as_slice().try_into().ok()
}

fn aead_decrypt<A: AeadInOut + KeyInit>(
    key: &[u8],
    nonce: &[u8; 12],
    front: &[u8],
    data: &mut [u8],
    tag: &[u8],
) -> Option<()> {
    let cipher = A::new_from_slice(key).ok()?;
    let nonce = nonce.as_slice().try_into().ok()?;
    let tag = tag.try_into().ok()?;
    cipher.decrypt_inout_detached(nonce, front, data.into(), tag).ok()
}
