//! Opening ESP packets, whose keys the fuzzer knows.

use esp::{
    Backend, Cipher, HEADROOM, Inbound, Integrity, Limit, Limits, OpenError, Outbound, Suite, TAILROOM,
    next_header, udp,
};

use crate::input::Input;

const SUITES: [(Cipher, Integrity); 9] = [
    (Cipher::AesCbc256, Integrity::HmacSha256_128),
    (Cipher::AesGcm256, Integrity::None),
    (Cipher::AesCbc128, Integrity::HmacSha1_96),
    (Cipher::AesGcm128, Integrity::None),
    (Cipher::ChaCha20Poly1305, Integrity::None),
    (Cipher::AesCbc192, Integrity::HmacSha384_192),
    (Cipher::AesCbc256, Integrity::HmacSha512_256),
    (Cipher::AesGcm192, Integrity::None),
    #[cfg(not(fuzzing))]
    (Cipher::AesCbc128, Integrity::HmacSha256_128),
    // What lies behind the cipher: padding, trailer, padding for traffic flow confidentiality.
    #[cfg(fuzzing)]
    (Cipher::Null, Integrity::None),
];

/// A step's kind: open the payload as a packet, or seal it (next header: the argument) and open what comes out.
const SEAL: u8 = 1;

/// `suite (1) | options (1)`, then steps. Bit 0 of the options: extended sequence numbers; bit 1: a packet limit. The
/// SPI is that of the first packet.
///
/// The keys are those of the captures: 20, 21, ... for the cipher, 60, 61, ... for integrity, salt `deadbeef`.
pub fn esp_open(data: &[u8]) {
    let mut input = Input::new(data);
    let (cipher, integrity) = SUITES[usize::from(input.byte()) % SUITES.len()];
    let options = input.byte();
    let suite = Suite::new(cipher, integrity, options & 1 != 0).expect("the table has only good suites");
    let limits = if options & 2 == 0 {
        Limits::NONE
    } else {
        Limits { soft: Limit::packets(2), hard: Limit::packets(4) }
    };
    let mut first = input;
    let spi =
        first.step().and_then(|step| step.payload.first_chunk().copied()).map_or(256, u32::from_be_bytes);

    let (encryption_key, integrity_key) = keys(suite);
    let inbound = || Inbound::new(suite, spi, &encryption_key, &integrity_key, limits, esp::MIN_WINDOW);
    let outbound = || Outbound::new(suite, spi, &encryption_key, &integrity_key, limits, [7; 32]);
    // An SPI of the fuzzer's choice may be a reserved one; keys and window are good.
    let (Ok(mut sa), Ok(mut sealer)) = (inbound(), outbound()) else { return };
    if suite.esn() {
        sa.skip_to(1 << 32);
        sealer.skip_to(1 << 32);
    }

    let mut errors = 0;
    for _ in 0..64 {
        let Some(step) = input.step() else { break };
        if step.kind == SEAL {
            errors += u64::from(!seal_and_open(&mut sealer, &mut sa, step.payload, step.argument));
            continue;
        }
        drop(format!("{:?}", udp::classify(step.payload)));
        let mut packet = step.payload.to_vec();
        match sa.open(&mut packet) {
            Ok(opened) => {
                assert!(packet.get(opened.payload.clone()).is_some(), "the payload is a part of the packet");
                assert_ne!(opened.next_header, next_header::NONE);
                let again = sa.open(&mut step.payload.to_vec()).expect_err("a packet is opened once");
                assert!(matches!(again, OpenError::Replayed(_) | OpenError::HardLimit), "{again}");
                errors += 1;
            }
            Err(OpenError::BadPadding | OpenError::Dummy) => errors += 1,
            Err(error) => {
                drop(error.to_string());
                errors += 1;
                // AWS-LC clears what does not authenticate.
                let is_untouched = cipher.is_aead() && Backend::default() == Backend::RustCrypto;
                if is_untouched || !matches!(error, OpenError::AuthenticationFailed) {
                    assert_eq!(packet, step.payload, "a packet that is not authentic is unchanged: {error}");
                }
            }
        }
    }
    assert_eq!(sa.drops().total(), errors, "each error is counted once");
    drop(format!("{sa:?} {sealer:?}"));
}

/// Whether the packet came out as it went in.
fn seal_and_open(sealer: &mut Outbound, sa: &mut Inbound, payload: &[u8], next_header: u8) -> bool {
    let mut buffer = vec![0; HEADROOM + payload.len() + TAILROOM];
    let range = HEADROOM..HEADROOM + payload.len();
    buffer[range.clone()].copy_from_slice(payload);
    let Ok(sealed) = sealer.seal(&mut buffer, range, next_header) else {
        // Too long, or the limit. The SA that opens counts no error.
        return true;
    };
    let packet = &mut buffer[sealed.range];
    match sa.open(packet) {
        Ok(opened) => {
            assert_eq!(opened.next_header, next_header);
            let plain = &packet[opened.payload];
            // In tunnel mode the inner length says what is padding for traffic flow confidentiality.
            assert!(payload.starts_with(plain), "the payload comes out as it went in");
            if !matches!(next_header, next_header::IPV4 | next_header::IPV6) {
                assert_eq!(plain, payload);
            }
            true
        }
        Err(OpenError::Dummy) => {
            assert_eq!(next_header, next_header::NONE);
            false
        }
        // The fuzzer's own packets may have moved the window past this one.
        Err(OpenError::Replayed(_) | OpenError::TooOld(_) | OpenError::HardLimit) => false,
        Err(error) => panic!("what was sealed does not open: {error}"),
    }
}

fn keys(suite: Suite) -> (Vec<u8>, Vec<u8>) {
    let count_from = |first: u8, len: usize| -> Vec<u8> { (first..=u8::MAX).take(len).collect() };
    let salt: &[u8] = if suite.cipher().is_aead() { &[0xde, 0xad, 0xbe, 0xef] } else { &[] };
    let mut encryption_key = count_from(0x20, suite.encryption_key_len() - salt.len());
    encryption_key.extend_from_slice(salt);
    // The longest key, 64 bytes, repeats the 32 that the others start with.
    let integrity_key: Vec<u8> =
        count_from(0x60, 32).into_iter().cycle().take(suite.integrity_key_len()).collect();
    (encryption_key, integrity_key)
}
