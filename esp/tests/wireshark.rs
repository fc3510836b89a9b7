//! What is sealed, Wireshark decrypts and finds authentic: every suite with AES. (Versions that Debian ships know no
//! ChaCha20-Poly1305 in ESP; that one is compared with RFC 7634.) Skipped where tshark is not installed.
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use esp::{Backend, BatchPacket, Cipher, HEADROOM, Integrity, Limits, Outbound, Suite, TAILROOM};

const UDP: u8 = 17;

/// The suites, and what Wireshark calls their algorithms.
const SUITES: [(Cipher, &str, Integrity, &str); 8] = [
    (Cipher::AesCbc128, CBC, Integrity::HmacSha1_96, "HMAC-SHA-1-96 [RFC2404]"),
    (Cipher::AesCbc192, CBC, Integrity::HmacSha256_128, "HMAC-SHA-256-128 [RFC4868]"),
    (Cipher::AesCbc256, CBC, Integrity::HmacSha256_128, "HMAC-SHA-256-128 [RFC4868]"),
    (Cipher::AesCbc256, CBC, Integrity::HmacSha384_192, "HMAC-SHA-384-192 [RFC4868]"),
    (Cipher::AesCbc256, CBC, Integrity::HmacSha512_256, "HMAC-SHA-512-256 [RFC4868]"),
    (Cipher::AesGcm128, GCM, Integrity::None, "NULL"),
    (Cipher::AesGcm192, GCM, Integrity::None, "NULL"),
    (Cipher::AesGcm256, GCM, Integrity::None, "NULL"),
];
const CBC: &str = "AES-CBC [RFC3602]";
const GCM: &str = "AES-GCM with 16 octet ICV [RFC4106]";

/// A UDP datagram without checksum.
fn datagram(len: usize, seed: usize) -> Vec<u8> {
    let mut datagram = vec![0xc3, 0x50, 0xc3, 0x51, 0, 0, 0, 0];
    datagram.extend((0..len).map(|at| (at * 13 + seed) as u8));
    let total = (datagram.len() as u16).to_be_bytes();
    datagram[4..6].copy_from_slice(&total);
    datagram
}

/// An IPv4 packet of protocol 50 from 192.0.2.1 to 192.0.2.2, as a record of a capture file.
fn record(capture: &mut Vec<u8>, packet: &[u8]) {
    let len = 20 + packet.len() as u32;
    for field in [0, 0, len, len] {
        capture.extend(field.to_le_bytes());
    }
    capture.extend([0x45, 0]);
    capture.extend((len as u16).to_be_bytes());
    capture.extend([0, 0, 0, 0, 64, 50, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    capture.extend(packet);
}

#[test]
fn wireshark_decrypts_and_authenticates_every_suite() {
    if Command::new("tshark").arg("--version").output().is_err() {
        eprintln!("skipped: tshark is not here");
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wireshark");
    std::fs::create_dir_all(&folder).expect("a folder for the capture");

    // A capture file of raw IP packets, and the table of SAs.
    let mut capture = Vec::new();
    for field in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 0x0004_0000, 101] {
        capture.extend(field.to_le_bytes());
    }
    let mut table = String::new();
    let mut expected = String::new();
    let cases = SUITES.iter().flat_map(|suite| Backend::ALL.iter().map(move |backend| (*suite, *backend)));
    for (index, ((cipher, cipher_name, integrity, integrity_name), backend)) in cases.enumerate() {
        let suite = Suite::new(cipher, integrity, false).expect("a sound suite");
        let encryption: Vec<u8> =
            (0..suite.encryption_key_len() as u8).map(|at| at.wrapping_mul(37) ^ 0x51).collect();
        let authentication: Vec<u8> =
            (0..suite.integrity_key_len() as u8).map(|at| at.wrapping_mul(29) ^ 0xa6).collect();
        let spi = 0x2000 + index as u32;
        let seed = [index as u8; 32];
        let mut sa =
            Outbound::with_backend(backend, suite, spi, &encryption, &authentication, Limits::NONE, seed)
                .expect("keys");
        let authentication = match &authentication[..] {
            [] => String::new(),
            key => format!("0x{}", hex::encode(key)),
        };
        writeln!(
            table,
            "\"IPv4\",\"192.0.2.1\",\"192.0.2.2\",\"0x{spi:08x}\",\"{cipher_name}\",\"0x{}\",\"{integrity_name}\",\"{authentication}\"",
            hex::encode(&encryption)
        )
        .expect("a string takes all");

        // The first half alone, the second half in batches.
        let payloads: Vec<_> = (1..=34).map(|len| datagram(len * 7, index)).collect();
        let mut buffers: Vec<_> =
            payloads.iter().map(|payload| [&[0; HEADROOM], &payload[..], &[0; TAILROOM]].concat()).collect();
        let (alone, batched) = buffers.split_at_mut(17);
        let range = |payload: &Vec<u8>| HEADROOM..HEADROOM + payload.len();
        for (buffer, payload) in alone.iter_mut().zip(&payloads) {
            let sealed = sa.seal(buffer, range(payload), UDP).expect("sealed");
            record(&mut capture, &buffer[sealed.range]);
        }
        let mut batch: Vec<_> = batched
            .iter_mut()
            .zip(&payloads[17..])
            .map(|(buffer, payload)| BatchPacket::new(buffer, range(payload), UDP))
            .collect();
        sa.seal_batch(&mut batch);
        for packet in batch {
            let sealed = packet.outcome.expect("an outcome").expect("sealed");
            record(&mut capture, &packet.buffer[sealed.range]);
        }
        for (number, payload) in payloads.iter().enumerate() {
            writeln!(expected, "0x{spi:08x}\t{}\t1\t{}", number + 1, hex::encode(&payload[8..]))
                .expect("as above");
        }
    }
    std::fs::write(folder.join("esp_sa"), table).expect("written");
    std::fs::write(folder.join("capture.pcap"), capture).expect("written");

    let output = Command::new("tshark")
        .env("WIRESHARK_CONFIG_DIR", &folder)
        .arg("-r")
        .arg(folder.join("capture.pcap"))
        .args(["-o", "esp.enable_encryption_decode:TRUE", "-o", "esp.enable_authentication_check:TRUE"])
        .args(["-o", "esp.do_esp_sequence_analysis:FALSE"])
        .args([
            "-T",
            "fields",
            "-e",
            "esp.spi",
            "-e",
            "esp.sequence",
            "-e",
            "esp.icv_good",
            "-e",
            "udp.payload",
        ])
        .output()
        .expect("tshark runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Newer versions print "True" where older ones print 1.
    let seen = String::from_utf8_lossy(&output.stdout).replace("\tTrue\t", "\t1\t").replace(':', "");
    for (line, expected) in seen.lines().zip(expected.lines()) {
        assert_eq!(line, expected);
    }
    assert_eq!(seen.lines().count(), SUITES.len() * Backend::ALL.len() * 34);
}
