//! Damage of any kind.

use ospf_p2mp::wire::Packet;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::*;

/// Every kind of packet, damaged in every way a seed can think of: nothing panics, nothing grows without bound, and
/// afterwards the cloud works.
#[test]
fn damaged_packets_do_no_lasting_harm() {
    let mut cloud = running();
    cloud.recorded = Some(Vec::new());
    cloud.crash(2);
    cloud.boot(2);
    cloud.register(0, 2);
    cloud.run_for(Duration::from_secs(20));
    let corpus = cloud.recorded.take().expect("recorded");
    assert!(corpus.len() > 20);
    let mut random = ChaCha20Rng::seed_from_u64(4);
    let mut below = move |limit: usize| random.next_u32() as usize % limit;
    for round in 0..40_000 {
        let mut payload = corpus[below(corpus.len())].clone();
        for _ in 0..1 + below(4) {
            let position = below(payload.len());
            match below(4) {
                0 => payload[position] ^= 1 << below(8),
                1 => payload[position] = [0, 1, 0x7f, 0x80, 0xff][below(5)],
                2 => payload.truncate(position.max(1)),
                _ => payload.extend_from_slice(&corpus[below(corpus.len())][..4]),
            }
        }
        if below(2) == 0 {
            repair(&mut payload);
        }
        let source = if below(2) == 0 { ip(LIAR) } else { ip("10.0.0.11") };
        let destination = if below(2) == 0 { ip(HUB) } else { ip("224.0.0.5") };
        cloud.input(0, Input::Packet { interface: TUNNEL, source, destination, ttl: 1, payload: &payload });
        if let Ok(packet) = Packet::decode(&payload) {
            let again = packet.encode().expect("what was decoded fits");
            assert_eq!(Packet::decode(&again), Ok(packet), "round {round}");
        }
        if round % 50 == 0 {
            cloud.run_for(ms(100));
        }
    }
    assert!(cloud.router(0).database().count() < 5_000);
    assert!(cloud.router(0).neighbors().count() <= 3);
    cloud.run_for(Duration::from_secs(2 * 3600));
    assert!(cloud.all_full() && cloud.all_lans_reachable());
    assert_eq!(cloud.router(0).database().count(), 3, "what the damage left behind has aged out");
}

/// Makes lengths and checksums right again, so that damage gets past the first checks.
fn repair(payload: &mut [u8]) {
    if payload.len() < 24 {
        return;
    }
    let length = u16::try_from(payload.len()).expect("a small packet");
    payload[2..4].copy_from_slice(&length.to_be_bytes());
    repair_checksum(payload);
}

/// Makes the checksum right, which leaves the authentication field out.
pub(crate) fn repair_checksum(payload: &mut [u8]) {
    payload[12..14].fill(0);
    let mut sum = 0u32;
    for (index, pair) in payload.chunks(2).enumerate() {
        if !(8..12).contains(&index) {
            sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let sum = !u16::try_from(sum).expect("folded");
    payload[12..14].copy_from_slice(&sum.to_be_bytes());
}
