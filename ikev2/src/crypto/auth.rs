use subtle::ConstantTimeEq as _;

use super::Prf;
use crate::secret::SecretBytes;

/// RFC 7296 section 2.15.
const KEY_PAD: &[u8] = b"Key Pad for IKEv2";

/// AUTH with a pre-shared key: `prf(prf(PSK, "Key Pad for IKEv2"), message | peer nonce | prf(SK_p, ID body))`.
///
/// `message` is the signer's own IKE_SA_INIT message, `id_body` its identification payload without the generic header,
/// `intermediate` what RFC 9242 appends (empty without IKE_INTERMEDIATE).
#[must_use]
pub fn psk_auth(
    prf: Prf,
    psk: &SecretBytes,
    message: &[u8],
    peer_nonce: &[u8],
    sk_p: &SecretBytes,
    id_body: &[u8],
    intermediate: &[u8],
) -> Vec<u8> {
    let key = prf.mac(psk.expose(), &[KEY_PAD]);
    let id = prf.mac(sk_p.expose(), &[id_body]);
    prf.mac(key.expose(), &[message, peer_nonce, id.expose(), intermediate]).expose().to_vec()
}

/// Compares in constant time.
#[must_use]
pub fn psk_auth_verify(expected: &[u8], received: &[u8]) -> bool {
    expected.ct_eq(received).into()
}
