//! Every row of the tables that network engineers know, computed.

use super::*;
use crate::{Cipher, Integrity};

const GRE_WITH_KEY: usize = 8;
const GRE: usize = 4;
const TCP_AND_IPV4: usize = 40;

fn suite(cipher: Cipher, integrity: Integrity) -> Suite {
    Suite::new(cipher, integrity, false).expect("a sound suite")
}

fn guide() -> Suite {
    suite(Cipher::AesCbc256, Integrity::HmacSha256_128)
}

fn inner(overhead: Overhead, link: u16, gre: usize) -> usize {
    usize::from(overhead.max_payload(link)) - gre
}

const IP: Encapsulation = Encapsulation::None;
const UDP: Encapsulation = Encapsulation::Udp;

#[test]
fn the_table_in_the_documentation_is_right() {
    let gcm = [1438, 1442, 1430, 1434, 1398, 1390];
    let rows = [
        (guide(), [1430, 1434, 1414, 1418, 1390, 1374]),
        (suite(Cipher::AesCbc128, Integrity::HmacSha1_96), [1430, 1434, 1414, 1418, 1390, 1374]),
        (suite(Cipher::AesCbc256, Integrity::HmacSha512_256), [1414, 1418, 1398, 1402, 1374, 1358]),
        (suite(Cipher::AesGcm128, Integrity::None), gcm),
        (suite(Cipher::AesGcm256, Integrity::None), gcm),
        (suite(Cipher::ChaCha20Poly1305, Integrity::None), gcm),
    ];
    let source = include_str!("../overhead.rs");
    for (suite, row) in rows {
        let with = |encapsulation| Overhead::new(suite, Mode::Transport, encapsulation, Outer::V4);
        let computed = [
            inner(with(IP), 1500, GRE_WITH_KEY),
            inner(with(IP), 1500, GRE),
            inner(with(UDP), 1500, GRE_WITH_KEY),
            inner(with(UDP), 1500, GRE),
            inner(with(IP), 1500, GRE_WITH_KEY) - TCP_AND_IPV4,
            inner(with(UDP), 1500, GRE_WITH_KEY) - TCP_AND_IPV4,
        ];
        assert_eq!(computed, row, "{suite}");
        let printed = row.map(|value| value.to_string()).join(" | ");
        assert!(source.contains(&printed), "{suite}: the documentation has no row {printed}");

        // Tunnel mode has one IPv4 header more, and padding may swallow none of it here: 20 less, to the block.
        let tunnel = |encapsulation| Overhead::new(suite, Mode::Tunnel, encapsulation, Outer::V4);
        assert_eq!(inner(tunnel(IP), 1500, GRE_WITH_KEY), row[0] - 20, "{suite}");
        assert_eq!(inner(tunnel(UDP), 1500, GRE), row[3] - 20, "{suite}");
    }
}

#[test]
fn other_links_and_outer_ipv6() {
    let gcm = suite(Cipher::AesGcm256, Integrity::None);
    let overhead = |suite, encapsulation, outer| Overhead::new(suite, Mode::Transport, encapsulation, outer);
    // PPPoE.
    assert_eq!(inner(overhead(guide(), IP, Outer::V4), 1492, GRE_WITH_KEY), 1414);
    assert_eq!(inner(overhead(guide(), UDP, Outer::V4), 1492, GRE_WITH_KEY), 1414);
    assert_eq!(inner(overhead(gcm, IP, Outer::V4), 1492, GRE_WITH_KEY), 1430);
    assert_eq!(inner(overhead(gcm, UDP, Outer::V4), 1492, GRE_WITH_KEY), 1422);
    // IPv6 outside.
    assert_eq!(inner(overhead(guide(), IP, Outer::V6), 1500, GRE_WITH_KEY), 1398);
    assert_eq!(inner(overhead(guide(), UDP, Outer::V6), 1500, GRE_WITH_KEY), 1398);
    assert_eq!(inner(overhead(gcm, IP, Outer::V6), 1500, GRE_WITH_KEY), 1418);
    assert_eq!(inner(overhead(gcm, UDP, Outer::V6), 1500, GRE_WITH_KEY), 1410);
}

#[test]
fn the_edges_of_the_guides_suite() {
    let plain = Overhead::new(guide(), Mode::Transport, IP, Outer::V4);
    let nat = Overhead::new(guide(), Mode::Transport, UDP, Outer::V4);
    for (inner, outer) in
        [(1414, 1484), (1415, 1500), (1430, 1500), (1431, 1516), (1400, 1484), (40, 124), (20, 92)]
    {
        assert_eq!(plain.outer_len(inner + GRE_WITH_KEY), outer, "inner {inner}");
    }
    for (inner, outer) in [(1414, 1492), (1415, 1508), (1400, 1492), (40, 132), (20, 100)] {
        assert_eq!(nat.outer_len(inner + GRE_WITH_KEY), outer, "inner {inner} behind NAT");
    }
    // What ESP itself adds: 42 to 57 bytes, and 34 to 37 with GCM.
    let added: Vec<_> = (0..64).map(|len| plain.sealed_len(len) - len).collect();
    assert_eq!((added.iter().min(), added.iter().max()), (Some(&42), Some(&57)));
    let gcm = Overhead::new(suite(Cipher::AesGcm256, Integrity::None), Mode::Transport, IP, Outer::V4);
    let added: Vec<_> = (0..64).map(|len| gcm.sealed_len(len) - len).collect();
    assert_eq!((added.iter().min(), added.iter().max()), (Some(&34), Some(&37)));
}

#[test]
fn the_largest_payload_fits_and_one_byte_more_does_not() {
    let suites = [
        guide(),
        suite(Cipher::AesCbc192, Integrity::HmacSha384_192),
        suite(Cipher::AesCbc256, Integrity::HmacSha512_256),
        suite(Cipher::AesGcm256, Integrity::None),
    ];
    for suite in suites {
        for mode in [Mode::Transport, Mode::Tunnel] {
            for encapsulation in [IP, UDP] {
                for outer in [Outer::V4, Outer::V6] {
                    let overhead = Overhead::new(suite, mode, encapsulation, outer);
                    for link in (200..1600).chain([9000, 65_535]) {
                        let largest = usize::from(overhead.max_payload(link));
                        assert!(overhead.outer_len(largest) <= usize::from(link), "{overhead:?} on {link}");
                        assert!(
                            overhead.outer_len(largest + 1) > usize::from(link),
                            "{overhead:?} on {link}"
                        );
                    }
                    for hopeless in 0..56 {
                        assert_eq!(overhead.max_payload(hopeless), 0);
                    }
                }
            }
        }
    }
}
