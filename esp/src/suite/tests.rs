//! Every suite's sizes, and the combinations that are none.

use super::*;

#[test]
fn sizes_are_those_of_the_rfcs() {
    // Encryption key with salt, integrity key, IV, ICV, block.
    let table = [
        (Cipher::AesCbc128, Integrity::HmacSha1_96, [16, 20, 16, 12, 16]),
        (Cipher::AesCbc192, Integrity::HmacSha256_128, [24, 32, 16, 16, 16]),
        (Cipher::AesCbc256, Integrity::HmacSha384_192, [32, 48, 16, 24, 16]),
        (Cipher::AesCbc256, Integrity::HmacSha512_256, [32, 64, 16, 32, 16]),
        (Cipher::AesGcm128, Integrity::None, [20, 0, 8, 16, 4]),
        (Cipher::AesGcm192, Integrity::None, [28, 0, 8, 16, 4]),
        (Cipher::AesGcm256, Integrity::None, [36, 0, 8, 16, 4]),
        (Cipher::ChaCha20Poly1305, Integrity::None, [36, 0, 8, 16, 4]),
    ];
    for (cipher, integrity, sizes) in table {
        for esn in [false, true] {
            let suite = Suite::new(cipher, integrity, esn).expect("a sound suite");
            assert_eq!(
                [
                    suite.encryption_key_len(),
                    suite.integrity_key_len(),
                    suite.iv_len(),
                    suite.icv_len(),
                    suite.block_len()
                ],
                sizes,
                "{suite}"
            );
            assert_eq!((suite.cipher(), suite.integrity(), suite.esn()), (cipher, integrity, esn));
            assert!(suite.block_len().is_power_of_two(), "{suite}: padding is calculated with a mask");
        }
    }
}

#[test]
fn unsound_combinations_are_refused() {
    assert_eq!(
        Suite::new(Cipher::AesGcm256, Integrity::HmacSha256_128, false),
        Err(SuiteError::IntegrityWithAead(Cipher::AesGcm256))
    );
    assert_eq!(
        Suite::new(Cipher::ChaCha20Poly1305, Integrity::HmacSha1_96, true),
        Err(SuiteError::IntegrityWithAead(Cipher::ChaCha20Poly1305))
    );
    for cipher in [Cipher::AesCbc128, Cipher::AesCbc192, Cipher::AesCbc256] {
        assert_eq!(Suite::new(cipher, Integrity::None, false), Err(SuiteError::IntegrityMissing(cipher)));
    }
}

#[test]
fn a_suite_has_a_readable_name() {
    let suite = Suite::new(Cipher::AesCbc256, Integrity::HmacSha256_128, false).expect("a sound suite");
    assert_eq!(suite.to_string(), "AES-CBC-256/HMAC-SHA2-256-128");
    let suite = Suite::new(Cipher::AesGcm256, Integrity::None, true).expect("a sound suite");
    assert_eq!(suite.to_string(), "AES-GCM-256/ESN");
}
