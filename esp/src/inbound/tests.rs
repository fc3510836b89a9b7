//! Packets that arrive damaged, forged, late, twice, or oddly shaped.

use super::*;
use crate::crypto::SealCipher;
#[cfg(fuzzing)]
use crate::testing::suite;
use crate::testing::{Case, cases, inbound, keys, outbound};
use crate::{HEADROOM, Limit, TAILROOM};

/// Seals a payload and returns the packet alone.
fn sealed(sa: &mut crate::Outbound, payload: &[u8], next_header: u8) -> Vec<u8> {
    let mut buffer = [&[0; HEADROOM], payload, &[0; TAILROOM]].concat();
    let sealed = sa.seal(&mut buffer, HEADROOM..HEADROOM + payload.len(), next_header).expect("sealed");
    buffer[sealed.range].to_vec()
}

/// Seals a text whose trailer is the test's own, however wrong.
fn sealed_text(suite: Case, sequence: u64, text: &[u8]) -> Vec<u8> {
    let (encryption, integrity) = keys(*suite);
    let iv = [9; 16];
    let size = 8 + suite.iv_len() + text.len() + suite.icv_len();
    let mut packet = vec![0; size];
    let parts = Parts::split(*suite, &mut packet).expect("room for all");
    *parts.header = wire::header(0x1000, sequence);
    parts.iv.copy_from_slice(&iv[..suite.iv_len()]);
    parts.text.copy_from_slice(text);
    match SealCipher::new(suite.backend, *suite, &encryption, &integrity, &[0; 32]).expect("keys") {
        SealCipher::Aead(key) => {
            let (aad, len) = wire::aad(0x1000, sequence, suite.esn());
            let tag = key.seal([9; 8], &aad[..len], parts.text).expect("short");
            parts.icv.copy_from_slice(&tag);
        }
        SealCipher::Cbc { cipher, mac, .. } => {
            cipher.encrypt(&iv, parts.text);
            let (data, icv) = packet.split_at_mut(size - suite.icv_len());
            mac.sign(data, suite.esn().then_some((sequence >> 32) as u32), icv);
        }
        #[cfg(fuzzing)]
        SealCipher::Null(_) => unreachable!("no test of this module uses it"),
    }
    packet
}

#[test]
fn every_suite_and_length_comes_back_as_it_was() {
    for suite in cases() {
        let (mut sender, mut receiver) = (outbound(suite, Limits::NONE), inbound(suite, Limits::NONE));
        for len in (0..130).chain([1399, 1400, 9000, 65_000]) {
            let payload: Vec<u8> = (0..len).map(|at| (at * 7 + len) as u8).collect();
            let mut packet = sealed(&mut sender, &payload, 47);
            let opened = receiver.open(&mut packet).expect("opens");
            assert_eq!(packet[opened.payload.clone()], payload, "{suite}, {len} bytes");
            assert_eq!((opened.next_header, opened.sequence), (47, sender.sequence()));
            assert_eq!(opened.payload.start, 8 + suite.iv_len());
        }
        assert_eq!(receiver.counters(), sender.counters());
        assert_eq!(receiver.drops(), Drops::default());
    }
}

#[test]
fn a_bit_flipped_anywhere_is_noticed_and_changes_nothing() {
    for suite in cases() {
        let (mut sender, mut receiver) = (outbound(suite, Limits::NONE), inbound(suite, Limits::NONE));
        assert!(receiver.open(&mut sealed(&mut sender, b"first", 47)).is_ok());
        let packet = sealed(&mut sender, b"a payload of some length", 47);
        let mut reasons = Drops::default();
        for bit in 0..packet.len() * 8 {
            let mut forged = packet.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            let mut before = forged.clone();
            let reason = receiver.open(&mut forged).expect_err("forged");
            reasons.count(reason);
            if suite.overwrites() && reason == OpenError::AuthenticationFailed {
                let end = before.len() - suite.icv_len();
                before[8 + suite.iv_len()..end].fill(0);
            }
            assert_eq!(forged, before, "{suite}, bit {bit}: the packet is as it was");
            match bit / 8 {
                0..4 => assert!(matches!(reason, OpenError::SpiMismatch(_)), "{reason:?}"),
                // Another number may be one that was received, that lies before the window, or that is never sent.
                4..8 => assert!(
                    matches!(
                        reason,
                        OpenError::AuthenticationFailed
                            | OpenError::ZeroSequence
                            | OpenError::Replayed(1)
                            | OpenError::TooOld(_)
                    ),
                    "{reason:?}"
                ),
                _ => assert_eq!(reason, OpenError::AuthenticationFailed, "{suite}, bit {bit}"),
            }
        }
        assert_eq!(receiver.drops(), reasons, "every drop has its count");
        assert_eq!(reasons.total(), packet.len() as u64 * 8);
        assert_eq!(
            (receiver.sequence(), receiver.counters().packets),
            (1, 1),
            "{suite}: no forgery moved anything"
        );
        // Forgeries with high numbers have not pushed the window on: the real one still opens.
        assert_eq!(receiver.open(&mut packet.clone()).expect("opens").sequence, 2);
    }
}

#[test]
fn every_truncation_and_extension_is_refused() {
    for suite in cases() {
        let mut sender = outbound(suite, Limits::NONE);
        let packet = sealed(&mut sender, &[1; 50], 47);
        let mut receiver = inbound(suite, Limits::NONE);
        let needed = 8 + suite.iv_len() + suite.block_len() + suite.icv_len();
        for len in 0..packet.len() {
            let reason = receiver.open(&mut packet[..len].to_vec()).expect_err("cut");
            match reason {
                OpenError::Truncated { needed: n, have } => {
                    assert_eq!((n, have < n, have), (needed, true, len));
                }
                OpenError::Misaligned(text) => assert!(text % suite.block_len() != 0 && len >= needed),
                other => assert_eq!((other, len >= needed), (OpenError::AuthenticationFailed, true)),
            }
        }
        for more in 1..40 {
            let mut longer = [packet.clone(), vec![0; more]].concat();
            let reason = receiver.open(&mut longer).expect_err("extended");
            assert!(matches!(reason, OpenError::Misaligned(_) | OpenError::AuthenticationFailed));
        }
        let mut huge = [packet.clone(), vec![0; 70_000]].concat();
        assert_eq!(receiver.open(&mut huge), Err(OpenError::TooLong(huge.len())));
        assert_eq!(receiver.counters().packets, 0);
        assert!(receiver.open(&mut packet.clone()).is_ok());
    }
}

#[test]
fn a_packet_opens_once() {
    for suite in cases() {
        let (mut sender, mut receiver) = (outbound(suite, Limits::NONE), inbound(suite, Limits::NONE));
        let packets: Vec<_> = (0..200).map(|_| sealed(&mut sender, b"data", 47)).collect();
        // Backwards within the window of 64, in strides.
        for group in packets.chunks(50) {
            for packet in group.iter().rev() {
                assert!(receiver.open(&mut packet.clone()).is_ok(), "{suite}");
                assert!(matches!(receiver.open(&mut packet.clone()), Err(OpenError::Replayed(_))), "{suite}");
            }
        }
        // Before the window, an extended number is taken for one of the next half, which does not authenticate.
        let old = if suite.esn() { OpenError::AuthenticationFailed } else { OpenError::TooOld(200 - 64) };
        assert_eq!(receiver.open(&mut packets[199 - 64].clone()), Err(old));
        assert_eq!(receiver.open(&mut packets[199 - 63].clone()), Err(OpenError::Replayed(200 - 63)));
        assert_eq!((receiver.drops().replayed, receiver.drops().total()), (201, 202));
    }
}

#[test]
fn a_duplicate_within_a_batch_opens_once() {
    for suite in cases() {
        let (mut sender, mut receiver) = (outbound(suite, Limits::NONE), inbound(suite, Limits::NONE));
        let (first, second) = (sealed(&mut sender, b"one", 47), sealed(&mut sender, b"two", 47));
        let mut memory = [first.clone(), second.clone(), first, second];
        let mut batch: Vec<_> = memory.iter_mut().map(|packet| ReceivedPacket::new(packet)).collect();
        receiver.open_batch(&mut batch);
        let outcomes: Vec<_> = batch
            .iter()
            .map(|packet| packet.outcome.clone().expect("an outcome").map(|opened| opened.sequence))
            .collect();
        assert_eq!(outcomes, [Ok(1), Ok(2), Err(OpenError::Replayed(1)), Err(OpenError::Replayed(2))]);
    }
}

#[test]
fn number_zero_is_never_sent() {
    for suite in cases() {
        let mut receiver = inbound(suite, Limits::NONE);
        let mut text = vec![0; suite.block_len()];
        wire::write_trailer(&mut text, suite.block_len() - 2, 47);
        assert_eq!(receiver.open(&mut sealed_text(suite, 0, &text)), Err(OpenError::ZeroSequence));
        assert_eq!(receiver.drops().zero_sequence, 1);
        if suite.esn() {
            // With the upper half set, a lower half of zero is a number like any other.
            receiver.skip_to((1 << 32) - 1);
            let opened = receiver.open(&mut sealed_text(suite, 1 << 32, &text)).expect("opens");
            assert_eq!(opened.sequence, 1 << 32);
        }
    }
}

#[test]
fn extended_numbers_cross_into_the_next_half_with_loss_and_reordering() {
    for suite in cases().into_iter().filter(|suite| suite.esn()) {
        let (mut sender, mut receiver) = (outbound(suite, Limits::NONE), inbound(suite, Limits::NONE));
        let start = (3_u64 << 32) - 40;
        sender.skip_to(start);
        receiver.skip_to(start);
        let packets: Vec<_> = (0..100).map(|_| sealed(&mut sender, b"data", 47)).collect();
        // Every third is lost; the others come in pairs the wrong way round.
        let kept: Vec<_> = packets.iter().enumerate().filter(|(index, _)| index % 3 != 0).collect();
        for pair in kept.chunks(2) {
            for (index, packet) in pair.iter().rev() {
                let opened = receiver.open(&mut (*packet).clone()).expect("opens");
                assert_eq!(opened.sequence, start + 1 + *index as u64, "{suite}");
            }
        }
        // A whole subspace lost in between is one guess too far: such a packet does not authenticate.
        let top = receiver.sequence();
        sender.skip_to(top + (1 << 32));
        let mut packet = sealed(&mut sender, b"data", 47);
        assert_eq!(receiver.open(&mut packet), Err(OpenError::AuthenticationFailed));
        assert_eq!(receiver.sequence(), top);
    }
}

#[test]
fn the_upper_half_is_authenticated() {
    for suite in cases().into_iter().filter(|suite| suite.esn()) {
        let mut sender = outbound(suite, Limits::NONE);
        sender.skip_to(5 << 32);
        let packet = sealed(&mut sender, b"data", 47);
        // A receiver that has not come that far takes the packet for number 1 of the first half.
        assert_eq!(
            inbound(suite, Limits::NONE).open(&mut packet.clone()),
            Err(OpenError::AuthenticationFailed)
        );
        let mut receiver = inbound(suite, Limits::NONE);
        receiver.skip_to(5 << 32);
        assert!(receiver.open(&mut packet.clone()).is_ok());
    }
}

#[test]
fn padding_is_checked_and_a_bad_one_still_counts_as_received() {
    for suite in cases() {
        let mut receiver = inbound(suite, Limits::NONE);
        // Pad lengths that reach before the text, and patterns that are not 1, 2, 3.
        let bad: [[u8; 16]; 6] = [
            *b"payload payload\x2f",
            [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 47],
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 47],
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 47],
            [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0, 14, 47],
            [1; 16],
        ];
        // The last one is a pad length of 1 with the right pattern: fine, and here to show that the others are not
        // refused for another reason.
        for (number, text) in (1..).zip(bad) {
            let outcome = receiver.open(&mut sealed_text(suite, number, &text));
            if number == 6 {
                assert_eq!(outcome.map(|opened| opened.payload.len()), Ok(13), "{suite}");
            } else {
                assert_eq!(outcome, Err(OpenError::BadPadding), "{suite}, {text:?}");
            }
            assert_eq!(receiver.sequence(), number, "it was the peer's, so it is marked");
        }
        assert_eq!((receiver.drops().bad_padding, receiver.counters().packets), (5, 6));

        // More padding than needed is legal, up to all 255 bytes.
        let mut text = vec![0xee; 272];
        wire::write_trailer(&mut text, 255, 47);
        let opened = receiver.open(&mut sealed_text(suite, 9, &text)).expect("opens");
        assert_eq!(opened.payload.len(), 272 - 2 - 255);
    }
}

#[test]
fn dummies_are_dropped_but_not_replayable() {
    for suite in cases() {
        let (mut sender, mut receiver) = (outbound(suite, Limits::NONE), inbound(suite, Limits::NONE));
        let packet = sealed(&mut sender, &[0xd0; 77], next_header::NONE);
        assert_eq!(receiver.open(&mut packet.clone()), Err(OpenError::Dummy));
        assert_eq!(receiver.open(&mut packet.clone()), Err(OpenError::Replayed(1)));
        assert_eq!((receiver.drops().dummy, receiver.counters().packets), (1, 1));
    }
}

#[test]
fn confidentiality_padding_is_cut_where_the_payload_says_its_length() {
    let mut v4 = [0xab; 60];
    v4[..4].copy_from_slice(&[0x45, 0, 0, 28]);
    let mut v6 = [0xab; 60];
    v6[..6].copy_from_slice(&[0x60, 0, 0, 0, 0, 8]);
    for suite in cases() {
        let (mut sender, mut receiver) = (outbound(suite, Limits::NONE), inbound(suite, Limits::NONE));
        let mut length = |payload: &[u8], next_header| {
            let opened = receiver.open(&mut sealed(&mut sender, payload, next_header)).expect("opens");
            opened.payload.len()
        };
        assert_eq!(length(&v4, next_header::IPV4), 28);
        assert_eq!(length(&v6, next_header::IPV6), 48);
        // Transport mode: GRE does not say how long it is.
        assert_eq!(length(&v4, next_header::GRE), 60);
        // A length that is more than there is, or none at all, is left to whoever reads the packet.
        assert_eq!(length(&v4[..20], next_header::IPV4), 20);
        assert_eq!(length(&[0; 60], next_header::IPV4), 60);
        assert_eq!(length(&v4[..3], next_header::IPV4), 3);
        assert_eq!(length(&[], next_header::IPV6), 0);
    }
}

#[test]
fn limits_end_the_receiving_half_where_they_end_the_sending_half() {
    for suite in cases() {
        for hard in [Limit::packets(5), Limit::bytes(500)] {
            let limits = Limits { soft: Limit::packets(4), hard };
            let (mut sender, mut receiver) = (outbound(suite, limits), inbound(suite, limits));
            for number in 1..=5 {
                let opened = receiver.open(&mut sealed(&mut sender, &[0; 100], 47)).expect("opens");
                assert_eq!(opened.limit == LimitState::Soft, number >= 4);
            }
            // A sender without limits goes on, but nobody listens.
            let mut reckless = outbound(suite, Limits::NONE);
            reckless.skip_to(5);
            let mut packet = sealed(&mut reckless, b"more", 47);
            assert_eq!(receiver.open(&mut packet), Err(OpenError::HardLimit));
            assert_eq!((receiver.drops().hard_limit, receiver.sequence()), (1, 5));
        }
    }
}

#[test]
fn another_sas_packets_are_not_opened() {
    for suite in cases() {
        let mut sender = outbound(suite, Limits::NONE);
        let mut packet = sealed(&mut sender, b"data", 47);
        let (mut encryption, mut integrity) = keys(*suite);
        // The last byte of an AEAD's material is its salt.
        *encryption.last_mut().expect("a key") ^= 1;
        if let Some(byte) = integrity.last_mut() {
            *byte ^= 1;
        }
        let mut other =
            Inbound::with_backend(suite.backend, *suite, 0x1000, &encryption, &integrity, Limits::NONE, 64)
                .expect("keys");
        assert_eq!(other.open(&mut packet), Err(OpenError::AuthenticationFailed));
        let mut other =
            Inbound::with_backend(suite.backend, *suite, 0x1001, &encryption, &integrity, Limits::NONE, 64)
                .expect("keys");
        assert_eq!(other.open(&mut packet), Err(OpenError::SpiMismatch(0x1000)));
        // Our own packet, sent back to us: the other direction has other keys, whatever its SPI.
        assert_eq!(other.drops().spi_mismatch, 1);
    }
}

#[test]
fn windows_out_of_range_are_refused() {
    let suite = cases().remove(3);
    let (encryption, integrity) = keys(*suite);
    for window in [0, 63, 4097] {
        let error =
            Inbound::with_backend(suite.backend, *suite, 1, &encryption, &integrity, Limits::NONE, window)
                .err();
        assert_eq!(error, Some(KeyError::WindowSize(window)));
    }
    let sa = Inbound::with_backend(
        suite.backend,
        *suite,
        1,
        &encryption,
        &integrity,
        Limits::NONE,
        crate::DEFAULT_WINDOW,
    )
    .expect("keys");
    assert_eq!((sa.spi(), sa.suite(), sa.limit()), (1, *suite, LimitState::Ok));
}

#[cfg(fuzzing)]
#[test]
fn a_fuzzer_sees_through() {
    for (integrity, icv) in [(crate::Integrity::None, 0), (crate::Integrity::HmacSha256_128, 16)] {
        let suite = suite((crate::Cipher::Null, integrity, false));
        let suite = Case { backend: crate::Backend::RustCrypto, suite };
        let (mut sender, mut receiver) = (outbound(suite, Limits::NONE), inbound(suite, Limits::NONE));
        let mut packet = sealed(&mut sender, b"clear", 47);
        assert_eq!(packet[8..8 + 8], *b"clear\x01\x01\x2f");
        assert_eq!(packet.len(), 16 + icv);
        assert_eq!(receiver.open(&mut packet).expect("opens").payload, 8..13);
    }
}
