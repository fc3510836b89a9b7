//! A pair of SAs over a path that loses, delays, duplicates and damages, with somebody on it who forges and replays.
//!
//! Whatever happens, a payload arrives at most once and unchanged, and everything that does not arrive has a reason.

use std::collections::BTreeSet;

use esp::{
    Backend, BatchPacket, Cipher, HEADROOM, Inbound, Integrity, Limits, OpenError, Outbound, ReceivedPacket,
    Suite, TAILROOM, next_header,
};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

const SUITES: [(Cipher, Integrity, bool); 8] = [
    (Cipher::AesCbc256, Integrity::HmacSha256_128, false),
    (Cipher::AesCbc256, Integrity::HmacSha256_128, true),
    (Cipher::AesCbc128, Integrity::HmacSha1_96, false),
    (Cipher::AesCbc192, Integrity::HmacSha512_256, true),
    (Cipher::AesGcm128, Integrity::None, false),
    (Cipher::AesGcm256, Integrity::None, true),
    (Cipher::ChaCha20Poly1305, Integrity::None, false),
    (Cipher::ChaCha20Poly1305, Integrity::None, true),
];

fn random_bytes(random: &mut ChaCha20Rng, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    random.fill_bytes(&mut bytes);
    bytes
}

fn below(random: &mut ChaCha20Rng, bound: usize) -> usize {
    random.next_u32() as usize % bound
}

/// The payload of packet `number`: its number, then bytes that follow from it.
fn payload(number: u64, len: usize) -> Vec<u8> {
    let rest = (0..len).map(|at| (at as u64 ^ number.wrapping_mul(0x9e37)) as u8);
    number.to_be_bytes().into_iter().chain(rest).collect()
}

/// Seals a burst of packets, alone or as a batch, and returns them as they go onto the path.
fn burst(sa: &mut Outbound, random: &mut ChaCha20Rng, next: &mut u64) -> Vec<Vec<u8>> {
    let count = 1 + below(random, 20);
    let payloads: Vec<_> = (0..count)
        .map(|_| {
            *next += 1;
            payload(*next, below(random, 600))
        })
        .collect();
    let mut buffers: Vec<_> =
        payloads.iter().map(|payload| [&[0; HEADROOM], &payload[..], &[0; TAILROOM]].concat()).collect();
    let ranges: Vec<_> = if below(random, 2) == 0 {
        let seal = |(buffer, payload): (&mut Vec<u8>, &Vec<u8>)| {
            sa.seal(buffer, HEADROOM..HEADROOM + payload.len(), next_header::GRE).expect("sealed").range
        };
        buffers.iter_mut().zip(&payloads).map(seal).collect()
    } else {
        let packet = |(buffer, payload): (_, &Vec<u8>)| {
            BatchPacket::new(buffer, HEADROOM..HEADROOM + payload.len(), next_header::GRE)
        };
        let mut batch: Vec<_> =
            buffers.iter_mut().map(|buffer| &mut buffer[..]).zip(&payloads).map(packet).collect();
        sa.seal_batch(&mut batch);
        batch.into_iter().map(|packet| packet.outcome.expect("an outcome").expect("sealed").range).collect()
    };
    buffers.into_iter().zip(ranges).map(|(buffer, range)| buffer[range].to_vec()).collect()
}

#[test]
fn a_payload_arrives_at_most_once_and_unchanged() {
    for (index, (cipher, integrity, esn)) in SUITES.into_iter().enumerate() {
        for (library, &backend) in Backend::ALL.iter().enumerate() {
            run(backend, cipher, integrity, esn, 0xe5b0 + index as u64 + 0x100 * library as u64);
        }
    }
}

fn run(backend: Backend, cipher: Cipher, integrity: Integrity, esn: bool, seed: u64) {
    let random = &mut ChaCha20Rng::seed_from_u64(seed);
    let suite = Suite::new(cipher, integrity, esn).expect("a sound suite");
    let encryption = random_bytes(random, suite.encryption_key_len());
    let authentication = random_bytes(random, suite.integrity_key_len());
    let mut iv_seed = [0; 32];
    random.fill_bytes(&mut iv_seed);
    let mut sender =
        Outbound::with_backend(backend, suite, 0x3000, &encryption, &authentication, Limits::NONE, iv_seed)
            .expect("keys");
    let mut receiver =
        Inbound::with_backend(backend, suite, 0x3000, &encryption, &authentication, Limits::NONE, 128)
            .expect("keys");
    // Extended numbers pass from one half of 2^32 into the next on the way.
    let start = if esn { (2 << 32) - 500 } else { 0 };
    sender.skip_to(start);
    receiver.skip_to(start);

    let mut path: Vec<Vec<u8>> = Vec::new();
    let mut recorded: Vec<Vec<u8>> = Vec::new();
    let mut arrived = BTreeSet::new();
    let (mut next, mut offered, mut lost) = (start, 0, 0);
    for _ in 0..150 {
        for packet in burst(&mut sender, random, &mut next) {
            match below(random, 20) {
                0 => lost += 1,
                1 => path.extend([packet.clone(), packet.clone()]),
                2 => {
                    let mut damaged = packet.clone();
                    let at = below(random, damaged.len());
                    damaged[at] ^= 1 << below(random, 8);
                    path.extend([damaged, packet.clone()]);
                }
                _ => path.push(packet.clone()),
            }
            recorded.push(packet);
        }
        // The attacker: old packets again, and nonsense with the right SPI.
        let old = recorded[below(random, recorded.len())].clone();
        let len = 8 + below(random, 200);
        let mut forged = random_bytes(random, len);
        forged[..4].copy_from_slice(&0x3000_u32.to_be_bytes());
        path.extend([old, forged]);
        // Reordering: packets swap places with others up to 30 away.
        for at in 0..path.len() {
            let other = (at + below(random, 30)).min(path.len() - 1);
            if below(random, 4) == 0 {
                path.swap(at, other);
            }
        }
        let late = path.len().min(below(random, 10));
        let mut now: Vec<_> = path.drain(..path.len() - late).collect();
        let mut batch: Vec<_> = now.iter_mut().map(|packet| ReceivedPacket::new(packet)).collect();
        receiver.open_batch(&mut batch);
        for packet in batch {
            offered += 1;
            if let Ok(opened) = packet.outcome.expect("an outcome") {
                let bytes = &packet.packet[opened.payload];
                let number = u64::from_be_bytes(*bytes.first_chunk().expect("a number"));
                assert_eq!(number, opened.sequence, "seed {seed}");
                assert_eq!(bytes, payload(number, bytes.len() - 8), "seed {seed}: changed on the way");
                assert!(arrived.insert(number), "seed {seed}: {number} arrived twice");
            }
        }
    }
    let (drops, counters) = (receiver.drops(), receiver.counters());
    assert_eq!(arrived.len() as u64, counters.packets, "seed {seed}");
    assert_eq!(drops.total() + counters.packets, offered, "seed {seed}: everything is accounted for");
    // The path was as bad as it was meant to be, and the window wide enough that little was lost to reordering.
    assert!(lost > 20 && drops.replayed > 20 && drops.authentication_failed > 20, "seed {seed}: {drops:?}");
    let sent = next - start;
    assert!(arrived.len() as u64 + lost + 40 > sent, "seed {seed}: {} of {sent}, {lost} lost", arrived.len());
    assert_eq!(sender.sequence(), next, "seed {seed}");
}

/// RFC 4303 section 3.4.2: a packet that belongs to another SA is not tried with this one's key.
#[test]
fn two_sas_do_not_open_each_others_packets() {
    let suite = Suite::new(Cipher::AesGcm256, Integrity::None, false).expect("a sound suite");
    let key = [5; 36];
    let mut sender = Outbound::new(suite, 0x100, &key, &[], Limits::NONE, [0; 32]).expect("keys");
    let mut receiver = Inbound::new(suite, 0x101, &key, &[], Limits::NONE, 64).expect("keys");
    let mut buffer = [0; HEADROOM + 10 + TAILROOM];
    let sealed = sender.seal(&mut buffer, HEADROOM..HEADROOM + 10, next_header::GRE).expect("sealed");
    assert_eq!(receiver.open(&mut buffer[sealed.range]), Err(OpenError::SpiMismatch(0x100)));
}
