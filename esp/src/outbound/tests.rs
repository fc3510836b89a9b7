//! Failures that must not cost a sequence number, limits, exhaustion, IVs, and batches.

use super::*;
use crate::testing::{cases, inbound, outbound};
use crate::{HEADROOM, Limit, TAILROOM, next_header};

const PAYLOAD: Range<usize> = HEADROOM..HEADROOM + 100;
const LEN: usize = HEADROOM + 100 + TAILROOM;

fn seal(sa: &mut Outbound) -> Result<Sealed, SealError> {
    sa.seal(&mut [0x5a; LEN], PAYLOAD, next_header::GRE)
}

#[test]
fn a_failed_seal_changes_nothing() {
    for suite in cases() {
        let mut sa = outbound(suite, Limits::NONE);
        seal(&mut sa).expect("sealed").limit.assert_ok();
        let before = (sa.sequence(), sa.counters());
        let front = 8 + suite.iv_len();
        let behind = wire::padding_len(*suite, 100) + 2 + suite.icv_len();
        let room = SealError::NoRoom { headroom: front, tailroom: behind };

        let mut exact = vec![7; front + 100 + behind];
        for (buffer, payload, error) in [
            (LEN, front - 1..front + 99, room),
            (front + 100 + behind - 1, front..front + 100, room),
            (
                0,
                0..0,
                SealError::NoRoom {
                    headroom: front,
                    tailroom: wire::padding_len(*suite, 0) + 2 + suite.icv_len(),
                },
            ),
            (50, 40..51, SealError::PayloadRange { start: 40, end: 51, len: 50 }),
            #[expect(clippy::reversed_empty_ranges, reason = "that is the mistake to be found")]
            (50, 41..40, SealError::PayloadRange { start: 41, end: 40, len: 50 }),
            (
                200,
                usize::MAX..usize::MAX,
                SealError::PayloadRange { start: usize::MAX, end: usize::MAX, len: 200 },
            ),
            (70_000, 100..65_636, SealError::TooLong(65_536)),
            (70_000, 100..65_600, SealError::TooLong(65_500)),
        ] {
            let mut memory = vec![7; buffer];
            assert_eq!(sa.seal(&mut memory, payload, next_header::GRE), Err(error), "{suite}");
            assert!(memory.iter().all(|&byte| byte == 7), "{suite}: the buffer is untouched");
            assert_eq!((sa.sequence(), sa.counters()), before, "{suite}: no number is used up");
        }
        // The same packet with exactly the room that it needs.
        let sealed = sa.seal(&mut exact, front..front + 100, next_header::GRE).expect("sealed");
        assert_eq!(sealed.range, 0..exact.len());
        assert_eq!(sa.sequence(), 2);
    }
}

#[test]
fn the_rooms_that_are_announced_suffice_for_every_suite_and_are_needed() {
    let (mut front, mut behind) = (0, 0);
    for suite in cases() {
        for len in 0..64 {
            let mut sa = outbound(suite, Limits::NONE);
            let mut buffer = vec![0; HEADROOM + len + TAILROOM];
            let sealed = sa.seal(&mut buffer, HEADROOM..HEADROOM + len, 47).expect("sealed");
            front = front.max(HEADROOM - sealed.range.start);
            behind = behind.max(sealed.range.end - HEADROOM - len);
        }
    }
    assert_eq!((front, behind), (HEADROOM, TAILROOM));
}

#[test]
fn sequence_numbers_end_and_never_wrap() {
    for suite in cases() {
        let last = if suite.esn() { u64::MAX } else { u64::from(u32::MAX) };
        let mut sa = outbound(suite, Limits::NONE);
        sa.skip_to(last - 2);
        assert_eq!(seal(&mut sa).expect("sealed").limit, LimitState::Soft, "the end is in sight");
        seal(&mut sa).expect("the last one").limit.assert_soft();
        assert_eq!(sa.sequence(), last);
        for _ in 0..3 {
            assert_eq!(seal(&mut sa), Err(SealError::SequenceExhausted), "{suite}");
            assert_eq!((sa.sequence(), sa.counters().packets), (last, 2));
        }
        // Neither does a batch get past it, and skipping does not lead back.
        sa.skip_to(5);
        let mut memory = [[0; LEN]; 3];
        let mut batch: Vec<_> =
            memory.iter_mut().map(|buffer| BatchPacket::new(buffer, PAYLOAD, 47)).collect();
        sa.seal_batch(&mut batch);
        assert!(batch.iter().all(|packet| packet.outcome == Some(Err(SealError::SequenceExhausted))));
        drop(batch);
        assert_eq!(memory, [[0; LEN]; 3]);
        assert_eq!(sa.sequence(), last);
    }
}

#[test]
fn the_last_sixteenth_of_the_numbers_asks_for_a_new_sa() {
    let mut sa = outbound(cases().remove(0), Limits::NONE);
    let soft = u64::from(u32::MAX) - u64::from(u32::MAX) / 16;
    sa.skip_to(soft - 2);
    seal(&mut sa).expect("sealed").limit.assert_ok();
    seal(&mut sa).expect("sealed").limit.assert_soft();
}

#[test]
fn limits_in_packets_and_bytes() {
    for suite in cases() {
        let limits = Limits { soft: Limit::packets(3), hard: Limit::packets(5) };
        let mut sa = outbound(suite, limits);
        let states: Vec<_> = (0..5).map(|_| seal(&mut sa).expect("sealed").limit).collect();
        let expected = [LimitState::Ok, LimitState::Ok, LimitState::Soft, LimitState::Soft, LimitState::Soft];
        assert_eq!(states, expected, "{suite}");
        assert_eq!(seal(&mut sa), Err(SealError::HardLimit));
        assert_eq!((sa.sequence(), sa.counters()), (5, Counters { packets: 5, bytes: 500 }));

        let limits = Limits { soft: Limit::bytes(200), hard: Limit::bytes(399) };
        let mut sa = outbound(suite, limits);
        seal(&mut sa).expect("100").limit.assert_ok();
        seal(&mut sa).expect("200").limit.assert_soft();
        seal(&mut sa).expect("300").limit.assert_soft();
        assert_eq!(seal(&mut sa), Err(SealError::HardLimit), "{suite}: 400 is over");
        // A shorter packet still fits, to the byte.
        let _sealed = sa.seal(&mut [0; LEN], HEADROOM..HEADROOM + 99, 47).expect("399");
        assert_eq!(sa.seal(&mut [0; LEN], HEADROOM..HEADROOM + 1, 47), Err(SealError::HardLimit));
        assert_eq!(sa.counters(), Counters { packets: 4, bytes: 399 });
    }
}

#[test]
fn a_batch_is_the_same_as_one_packet_after_the_other() {
    for suite in cases() {
        // Lengths around the block, equal and different, in no order; some cannot be sealed.
        for count in [0, 1, 2, 7, 8, 9, 16, 17, 24] {
            let payload = |index: usize| {
                let len = [100, 0, 1, 1400, 100, 14, 15, 16, 30, 700][(index * 7 + count) % 10];
                if index % 6 == 4 { 3..3 + len } else { HEADROOM..HEADROOM + len }
            };
            let memory = |index: usize| -> Vec<u8> {
                (0..HEADROOM + 1400 + TAILROOM).map(|at| (at * 31 + index * 7) as u8).collect()
            };
            let mut one = outbound(suite, Limits::NONE);
            let mut expected = Vec::new();
            for index in 0..count {
                let mut buffer = memory(index);
                let outcome = one.seal(&mut buffer, payload(index), index as u8);
                expected.push((buffer, outcome));
            }
            let mut many = outbound(suite, Limits::NONE);
            let mut buffers: Vec<_> = (0..count).map(memory).collect();
            let mut batch: Vec<_> = buffers
                .iter_mut()
                .enumerate()
                .map(|(index, buffer)| BatchPacket::new(buffer, payload(index), index as u8))
                .collect();
            many.seal_batch(&mut batch);
            let outcomes: Vec<_> =
                batch.into_iter().map(|packet| packet.outcome.expect("an outcome")).collect();
            let got: Vec<_> = buffers.into_iter().zip(outcomes).collect();
            assert_eq!(got, expected, "{suite}, {count} packets");
            assert_eq!((many.sequence(), many.counters()), (one.sequence(), one.counters()));
        }
    }
}

#[test]
fn a_batch_stops_at_the_hard_limit_and_opens_up_to_there() {
    for suite in cases() {
        let mut sa = outbound(suite, Limits { soft: Limit::packets(4), hard: Limit::packets(6) });
        let mut peer = inbound(suite, Limits::NONE);
        let mut memory = [[0x33; LEN]; 10];
        let mut batch: Vec<_> =
            memory.iter_mut().map(|buffer| BatchPacket::new(buffer, PAYLOAD, 47)).collect();
        sa.seal_batch(&mut batch);
        for (index, packet) in batch.iter_mut().enumerate() {
            match packet.outcome.take().expect("an outcome") {
                Ok(sealed) => {
                    assert!(index < 6, "{suite}");
                    assert_eq!(sealed.limit == LimitState::Soft, index >= 3);
                    let opened = peer.open(&mut packet.buffer[sealed.range]).expect("opens");
                    assert_eq!(opened.sequence, index as u64 + 1);
                }
                Err(error) => assert_eq!((error, index >= 6), (SealError::HardLimit, true)),
            }
        }
    }
}

#[test]
fn ivs_are_as_the_rfcs_want_them() {
    for suite in cases() {
        let mut sa = outbound(suite, Limits::NONE);
        let mut seen = std::collections::HashSet::new();
        let mut differences = std::collections::HashSet::new();
        let mut last = None;
        for number in 1..=500_u64 {
            let mut buffer = [0; LEN];
            let start = sa.seal(&mut buffer, PAYLOAD, 47).expect("sealed").range.start;
            let iv = buffer[start + 8..start + 8 + suite.iv_len()].to_vec();
            if suite.cipher().is_aead() {
                assert_eq!(iv, number.to_be_bytes(), "{suite}: the sequence number");
            } else {
                // Neither the counter itself nor at a fixed distance from the one before.
                assert_ne!(iv, u128::from(number).to_be_bytes(), "{suite}");
                let value = u128::from_be_bytes(iv.clone().try_into().expect("16 bytes"));
                if let Some(before) = last.replace(value) {
                    assert!(differences.insert(value.wrapping_sub(before)), "{suite}: a pattern");
                }
            }
            assert!(seen.insert(iv), "{suite}: an IV came twice");
        }
        // Another seed, other IVs; the same seed, the same packets.
        let with_seed = |seed: u8| {
            let (encryption, integrity) = crate::testing::keys(*suite);
            let mut sa = Outbound::with_backend(
                suite.backend,
                *suite,
                0x1000,
                &encryption,
                &integrity,
                Limits::NONE,
                [seed; 32],
            )
            .expect("keys");
            let mut buffer = [0; LEN];
            let _sealed = sa.seal(&mut buffer, PAYLOAD, 47).expect("sealed");
            buffer
        };
        assert_eq!(with_seed(1), with_seed(1));
        assert_eq!(with_seed(1) == with_seed(2), suite.cipher().is_aead(), "{suite}");
    }
}

#[test]
fn wrong_keys_are_refused_by_length() {
    for suite in cases() {
        let (encryption, integrity) = crate::testing::keys(*suite);
        let make = |encryption: &[u8], integrity: &[u8], spi| {
            let sealer = Outbound::with_backend(
                suite.backend,
                *suite,
                spi,
                encryption,
                integrity,
                Limits::NONE,
                [0; 32],
            )
            .err();
            let opener = crate::Inbound::with_backend(
                suite.backend,
                *suite,
                spi,
                encryption,
                integrity,
                Limits::NONE,
                64,
            )
            .err();
            assert_eq!(sealer, opener);
            sealer
        };
        assert_eq!(make(&encryption, &integrity, 1), None);
        assert_eq!(make(&encryption, &integrity, 0), Some(KeyError::ReservedSpi));
        let needed = encryption.len();
        for have in (0..70).filter(|&have| have != needed) {
            let error = KeyError::EncryptionKeyLength { needed, have };
            assert_eq!(make(&vec![1; have], &integrity, 1), Some(error));
        }
        let needed = integrity.len();
        for have in (0..140).filter(|&have| have != needed) {
            let error = KeyError::IntegrityKeyLength { needed, have };
            assert_eq!(make(&encryption, &vec![1; have], 1), Some(error));
        }
    }
}

#[test]
fn debug_output_holds_no_key() {
    for suite in cases() {
        let (encryption, _) = crate::testing::keys(*suite);
        let text = format!("{:?} {:?}", outbound(suite, Limits::NONE), inbound(suite, Limits::NONE));
        assert!(text.contains("0x00001000"), "{text}");
        let key = format!("{encryption:?}");
        let key = key.trim_matches(['[', ']']);
        assert!(!text.contains(key) && !text.contains(&hex::encode(&encryption)), "{text}");
        // The listing is known in full: a new field has to be looked at.
        assert!(text.matches(": ").count() < 60, "{text}");
    }
}

impl LimitState {
    #[track_caller]
    fn assert_ok(self) {
        assert_eq!(self, Self::Ok);
    }

    #[track_caller]
    fn assert_soft(self) {
        assert_eq!(self, Self::Soft);
    }
}
