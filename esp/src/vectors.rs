//! Packets that others sealed and numbers that RFCs print, byte for byte in both directions.
//!
//! An IV that somebody else chose goes in below the public interface, which has no way to say one.

use serde_json::Value;

use crate::crypto::{AeadKey, CbcDecrypt, CbcEncrypt};
use crate::*;

fn load(name: &str) -> Value {
    let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).expect("the data is in the repository")).expect("JSON")
}

fn bytes(row: &Value, field: &str) -> Vec<u8> {
    hex::decode(row[field].as_str().expect("a hex string")).expect("hex")
}

fn rows<'a>(data: &'a Value, field: &str) -> &'a [Value] {
    data[field].as_array().expect("a list")
}

/// Seals with an IV that was recorded, and leaves as much room around the packet as the suite needs and no more.
fn seal_with_iv(sa: &mut Outbound, payload: &[u8], next_header: u8, iv: &[u8]) -> Vec<u8> {
    let suite = sa.suite();
    let front = 8 + suite.iv_len();
    let behind = wire::padding_len(suite, payload.len()) + 2 + suite.icv_len();
    let mut buffer = [vec![0xaa; front], payload.to_vec(), vec![0xaa; behind]].concat();
    let mut full = [0; 16];
    full[16 - iv.len()..].copy_from_slice(iv);
    let range = sa.seal_recorded(&mut buffer, front..front + payload.len(), next_header, &full).range;
    assert_eq!(range, 0..buffer.len());
    buffer
}

/// What follows the header of an IPv4 packet.
fn behind_ip(packet: &[u8]) -> &[u8] {
    &packet[usize::from(packet[0] & 0x0f) * 4..]
}

#[test]
fn packets_of_another_implementation() {
    Backend::ALL.iter().for_each(|&backend| open_and_seal_recorded_packets(backend));
}

fn open_and_seal_recorded_packets(backend: Backend) {
    let data = load("esp_packets.json");
    let (mut packets, mut translated, mut extended) = (0, 0, 0);
    for row in rows(&data, "packets") {
        let name = format!("{} frame {}", row["capture"], row["frame"]);
        let high = row["esn_high"].as_u64();
        let suite = match (row["crypt"].as_str(), row["auth"].as_str()) {
            (Some("AES-CBC"), Some("SHA2-256-128")) => {
                Suite::new(Cipher::AesCbc256, Integrity::HmacSha256_128, high.is_some())
            }
            (Some("AES-GCM"), _) => Suite::new(Cipher::AesGcm256, Integrity::None, high.is_some()),
            other => panic!("{name}: suite {other:?}"),
        }
        .expect("a sound suite");
        let encryption_key: Vec<u8> = if suite.cipher().is_aead() {
            (0x20..0x40).chain([0xde, 0xad, 0xbe, 0xef]).collect()
        } else {
            (0x20..0x40).collect()
        };
        let integrity_key: Vec<u8> = (0x60..0x60 + suite.integrity_key_len() as u8).collect();
        let spi = u32::from_str_radix(row["spi"].as_str().expect("SPI"), 16).expect("hex");
        let sequence = high.unwrap_or(0) << 32 | row["seq"].as_u64().expect("a number");

        let clear = bytes(row, "clear_ip_packet");
        let payload = behind_ip(&clear);
        let sealed = bytes(row, "esp_ip_packet");
        let mut sealed = behind_ip(&sealed);
        if row["natt"].as_bool() == Some(true) {
            // The UDP header, and what its payload is.
            assert_eq!(udp::classify(&sealed[8..]), udp::Datagram::Esp(&sealed[8..]), "{name}");
            sealed = &sealed[8..];
            translated += 1;
        }
        extended += u32::from(high.is_some());

        let mut sender = Outbound::with_backend(
            backend,
            suite,
            spi,
            &encryption_key,
            &integrity_key,
            Limits::NONE,
            [0; 32],
        )
        .expect("keys");
        sender.skip_to(sequence - 1);
        let iv = &sealed[8..8 + suite.iv_len()];
        assert_eq!(seal_with_iv(&mut sender, payload, next_header::GRE, iv), sealed, "{name}: seal");

        let mut receiver =
            Inbound::with_backend(backend, suite, spi, &encryption_key, &integrity_key, Limits::NONE, 64)
                .expect("keys");
        receiver.skip_to(sequence - 1);
        let mut packet = sealed.to_vec();
        let opened = receiver.open(&mut packet).expect("opens");
        assert_eq!((opened.next_header, opened.sequence), (next_header::GRE, sequence), "{name}");
        assert_eq!(&packet[opened.payload], payload, "{name}: open");

        let overhead = overhead::Overhead::new(
            suite,
            overhead::Mode::Transport,
            overhead::Encapsulation::None,
            overhead::Outer::V4,
        );
        assert_eq!(overhead.sealed_len(payload.len()), sealed.len(), "{name}: overhead");
        packets += 1;
    }
    assert_eq!((packets, translated, extended), (64, 16, 16));
}

#[test]
fn aes_gcm_test_cases_for_esp() {
    Backend::ALL.iter().for_each(|&backend| run_aes_gcm_test_cases(backend));
}

fn run_aes_gcm_test_cases(backend: Backend) {
    let data = load("gcm_esp_mcgrew.json");
    let mut whole = 0;
    for row in rows(&data, "vectors") {
        let name = format!("case {}", row["n"]);
        let esn = row["esn"].as_bool().expect("a flag");
        let key = [bytes(row, "key"), bytes(row, "salt")].concat();
        let cipher = match key.len() {
            20 => Cipher::AesGcm128,
            28 => Cipher::AesGcm192,
            36 => Cipher::AesGcm256,
            other => panic!("{name}: a key of {other} bytes"),
        };
        let number = bytes(row, "seq").iter().fold(0, |all, &byte| all << 8 | u64::from(byte));
        let spi = u32::from_be_bytes(bytes(row, "spi").try_into().expect("4 bytes"));
        let (aad, len) = wire::aad(spi, number, esn);
        assert_eq!(aad[..len], bytes(row, "aad"), "{name}: associated data");

        // The cipher alone.
        let (clear, sealed) = (bytes(row, "plaintext_with_trailer"), bytes(row, "ciphertext_and_icv"));
        let iv: [u8; 8] = bytes(row, "iv").try_into().expect("8 bytes");
        let (secret, salt) = key.split_last_chunk().expect("a salt");
        let aead = AeadKey::new(backend, cipher, secret, *salt).expect("a key");
        let mut text = clear.clone();
        let tag = aead.seal(iv, &aad[..len], &mut text).expect("short");
        assert_eq!([&text[..], &tag[..]].concat(), sealed, "{name}: cipher");
        assert!(aead.open(iv, &aad[..len], &mut text, &tag), "{name}");
        assert_eq!(text, clear, "{name}");

        // The whole packet. Case 4 has SPI 0, which no SA has.
        let (payload, next_header) = wire::read_trailer(&clear).expect("a sound trailer");
        let suite = Suite::new(cipher, Integrity::None, esn).expect("a sound suite");
        if spi == 0 {
            assert_eq!(
                Inbound::with_backend(backend, suite, spi, &key, &[], Limits::NONE, 64).err(),
                Some(KeyError::ReservedSpi)
            );
            continue;
        }
        let mut packet = bytes(row, "esp_packet");
        let mut sender =
            Outbound::with_backend(backend, suite, spi, &key, &[], Limits::NONE, [0; 32]).expect("keys");
        sender.skip_to(number - 1);
        assert_eq!(seal_with_iv(&mut sender, &clear[..payload], next_header, &iv), packet, "{name}: seal");

        let mut receiver =
            Inbound::with_backend(backend, suite, spi, &key, &[], Limits::NONE, 64).expect("keys");
        receiver.skip_to(number - 1);
        match receiver.open(&mut packet) {
            Ok(opened) => {
                assert_eq!((opened.next_header, opened.sequence), (next_header, number), "{name}");
                assert_eq!(packet[opened.payload], clear[..payload], "{name}: open");
            }
            Err(reason) => assert_eq!((reason, next_header), (OpenError::Dummy, 59), "{name}"),
        }
        whole += 1;
    }
    assert_eq!(whole, 13);
}

#[test]
fn rfc_7634_appendix_a() {
    Backend::ALL.iter().for_each(|&backend| run_rfc_7634(backend));
}

fn run_rfc_7634(backend: Backend) {
    let data = load("rfc7634_chacha20poly1305.json");
    let key = [bytes(&data, "key"), bytes(&data, "salt")].concat();
    let esp = &data["esp"];
    let (clear, mut packet) = (bytes(esp, "plaintext_with_trailer"), bytes(esp, "esp_packet"));
    let suite = Suite::new(Cipher::ChaCha20Poly1305, Integrity::None, false).expect("a sound suite");
    let (payload, next_header) = wire::read_trailer(&clear).expect("a sound trailer");

    let mut sender =
        Outbound::with_backend(backend, suite, 0x0102_0304, &key, &[], Limits::NONE, [0; 32]).expect("keys");
    sender.skip_to(4);
    assert_eq!(seal_with_iv(&mut sender, &clear[..payload], next_header, &bytes(esp, "iv")), packet);

    let mut receiver =
        Inbound::with_backend(backend, suite, 0x0102_0304, &key, &[], Limits::NONE, 64).expect("keys");
    let opened = receiver.open(&mut packet).expect("opens");
    assert_eq!((opened.next_header, opened.sequence), (next_header::IPV4, 5));
    assert_eq!(packet[opened.payload], clear[..payload]);
}

/// The packets of RFC 3602 section 4 have no ICV, so no SA can make or take them: cipher, header and trailer alone.
#[test]
fn rfc_3602_section_4() {
    let data = load("rfc3602_esp_aes_cbc.json");
    let mut packets = 0;
    for row in rows(&data, "vectors") {
        let name = &row["name"];
        let (key, packet) = (bytes(row, "key"), bytes(row, "esp_packet"));
        let iv = bytes(row, "iv").try_into().expect("16 bytes");
        let payload = bytes(row, "payload");
        let next_header = row["next_header"].as_u64().expect("a number") as u8;
        let suite = Suite::new(Cipher::AesCbc128, Integrity::HmacSha1_96, false).expect("a sound suite");

        let padding = wire::padding_len(suite, payload.len());
        assert_eq!(row["pad_length"], padding, "{name}");
        let mut text = [&payload[..], &vec![0; padding + 2]].concat();
        wire::write_trailer(&mut text, padding, next_header);
        let spi = u32::from_be_bytes(bytes(row, "spi").try_into().expect("4 bytes"));
        let header = wire::header(spi, row["seq"].as_u64().expect("a number"));
        CbcEncrypt::new(Cipher::AesCbc128, &key).expect("a key").encrypt(&iv, &mut text);
        assert_eq!([&header[..], &iv[..], &text[..]].concat(), packet, "{name}: seal");

        CbcDecrypt::new(Cipher::AesCbc128, &key).expect("a key").decrypt(&iv, &mut text);
        assert_eq!(wire::read_trailer(&text), Some((payload.len(), next_header)), "{name}");
        assert_eq!(text[..payload.len()], payload, "{name}: open");
        packets += 1;
    }
    assert_eq!(packets, 4);
}
