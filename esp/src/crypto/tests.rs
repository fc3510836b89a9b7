//! Secrets are cleared, SAs are small, and the order of lanes does not matter.

use zeroize::ZeroizeOnDrop;

use super::*;
use crate::{Inbound, Outbound};

/// Fails to compile where a library's feature that clears keys is off.
#[test]
fn every_key_is_cleared_when_it_is_dropped() {
    fn cleared<T: ZeroizeOnDrop>() {}
    cleared::<aes::Aes128Enc>();
    cleared::<aes::Aes192Enc>();
    cleared::<aes::Aes256Enc>();
    cleared::<aes::Aes128Dec>();
    cleared::<aes::Aes192Dec>();
    cleared::<aes::Aes256Dec>();
    cleared::<aes_gcm::AesGcm<aes::Aes256Enc, cipher::consts::U12>>();
    cleared::<chacha20poly1305::ChaCha20Poly1305>();
    // An HMAC key is two states of its hash, each of which clears itself.
    cleared::<sha1::block_api::Sha1Core>();
    cleared::<sha2::block_api::Sha256VarCore>();
    cleared::<sha2::block_api::Sha512VarCore>();
}

/// What one SA pair of the guide's suite costs in memory, with a window of 1024 packets.
#[test]
fn a_pair_of_sas_stays_below_two_kibibytes() {
    let aes = [size_of::<aes::Aes256Enc>() * 2 + 8 + 8 * 16, size_of::<aes::Aes256Dec>()];
    let hmac = 2 * size_of::<hmac::Hmac<sha2::Sha256>>();
    let window = 32 * size_of::<u64>();
    let own = size_of::<Outbound>() + size_of::<Inbound>();
    let total = aes.iter().sum::<usize>() + hmac + window + own;
    println!("{total} bytes, {own} of them in the SAs themselves");
    assert!(total <= 2048, "{total} bytes");
    assert!(size_of::<Outbound>() <= 192 && size_of::<Inbound>() <= 320);
}

#[test]
fn lanes_of_any_length_and_order_are_encrypted_as_if_alone() {
    for cipher in [Cipher::AesCbc128, Cipher::AesCbc192, Cipher::AesCbc256] {
        let key: Vec<u8> = (0..cipher.key_len() as u8).collect();
        let cipher = CbcEncrypt::new(cipher, &key).expect("a key");
        for shift in 0..LANES {
            let blocks = |lane: usize| [0, 1, 1, 5, 88, 3, 0, 2][(lane + shift) % LANES];
            let mut texts: Vec<Vec<u8>> =
                (0..LANES).map(|lane| (0..16 * blocks(lane)).map(|at| (at + lane) as u8).collect()).collect();
            let mut expected = texts.clone();
            for (lane, text) in expected.iter_mut().enumerate() {
                cipher.encrypt(&[lane as u8; 16], text);
            }
            let mut lanes: Vec<_> =
                texts.iter_mut().enumerate().map(|(lane, text)| Lane::new(&[lane as u8; 16], text)).collect();
            cipher.encrypt_lanes(&mut lanes);
            assert_eq!(texts, expected);
        }
    }
}
