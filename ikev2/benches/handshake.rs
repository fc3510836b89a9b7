//! What a responder spends on a new peer, beside the bare key agreement that it contains (one key pair, one shared
//! secret), and how much memory an idle peer takes. Both in one run, so that the ratio means something.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use divan::Bencher;
use ikev2::crypto::KeyPair;
use ikev2::{Config, Endpoint, Group, Input, Keyring, Output, Profile, ProfileId, UdpPath};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

const GROUPS: [Group; 3] = [Group::Modp2048, Group::Ecp256, Group::Curve25519];

fn endpoint(address: IpAddr, group: Group, seed: u64, now: Instant) -> Endpoint {
    let mut config = Config::new(address);
    let mut profile = Profile::new("bench", Keyring::any("a long secret"));
    profile.proposals[0].groups = vec![group];
    config.profiles.push(profile);
    config.limits.cookie_threshold = usize::MAX;
    Endpoint::new(config, ChaCha20Rng::seed_from_u64(seed), now).unwrap()
}

/// The next datagram of an endpoint, as it arrives at the other side.
fn next(from: &mut Endpoint) -> Option<(UdpPath, Vec<u8>)> {
    while let Some(output) = from.poll_output() {
        if let Output::Transmit(transmit) = output {
            let path = UdpPath { local: transmit.path.remote, remote: transmit.path.local };
            return Some((path, transmit.payload));
        }
    }
    None
}

fn give(to: &mut Endpoint, now: Instant, datagram: (UdpPath, Vec<u8>)) {
    to.handle_input(now, Input::Datagram { path: datagram.0, payload: &datagram.1 });
}

#[allow(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn origin() -> Instant {
    Instant::now()
}

const HUB: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1));

fn spoke(index: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from(0x0a00_0001 + index))
}

/// IKE_SA_INIT and IKE_AUTH at the responder, child SA included.
#[divan::bench(args = GROUPS, sample_count = 50)]
fn responder_handshake(bencher: Bencher<'_, '_>, group: Group) {
    let now = origin();
    bencher
        .with_inputs(|| {
            // The initiator's half is done beforehand, against a twin of the responder with the same randomness.
            let mut initiator = endpoint(spoke(0), group, 1, now);
            let mut twin = endpoint(HUB, group, 2, now);
            initiator.handle_input(now, Input::Connect { remote: HUB, profile: ProfileId(0) });
            let first = next(&mut initiator).unwrap();
            give(&mut twin, now, first.clone());
            let answer = next(&mut twin).unwrap();
            give(&mut initiator, now, answer);
            let second = next(&mut initiator).unwrap();
            (endpoint(HUB, group, 2, now), first, second)
        })
        .bench_values(|(mut responder, first, second)| {
            give(&mut responder, now, first);
            give(&mut responder, now, second);
            assert_eq!(responder.stats().ike_established, 1);
            responder
        });
}

/// The same two operations alone.
#[divan::bench(args = GROUPS, sample_count = 50)]
fn bare_key_agreement(bencher: Bencher<'_, '_>, group: Group) {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let peer = KeyPair::generate(group, &mut rng).public().to_vec();
    bencher.bench_local(|| {
        let pair = KeyPair::generate(group, &mut rng);
        pair.agree(&peer).unwrap()
    });
}

/// Resident memory in bytes; 0 where the system does not say.
fn resident() -> usize {
    std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| text.split(' ').nth(1)?.parse::<usize>().ok())
        .map_or(0, |pages| pages * 4096)
}

fn memory() {
    const PEERS: u32 = 4000;
    let now = origin();
    let mut hub = endpoint(HUB, Group::Curve25519, 2, now);
    let mut join = |index: u32| {
        let mut spoke = endpoint(spoke(index), Group::Curve25519, u64::from(index) + 10, now);
        spoke.handle_input(now, Input::Connect { remote: HUB, profile: ProfileId(0) });
        for _ in 0..2 {
            give(&mut hub, now, next(&mut spoke).unwrap());
            give(&mut spoke, now, next(&mut hub).unwrap());
        }
        while hub.poll_output().is_some() {}
    };
    (0..200).for_each(&mut join);
    let before = resident();
    (200..200 + PEERS).for_each(&mut join);
    let grown = resident().saturating_sub(before);
    println!("resident memory per idle peer (IKE SA and child SA): {} bytes", grown / PEERS as usize);
    assert_eq!(hub.peers().count(), 200 + PEERS as usize);
}

fn main() {
    memory();
    divan::main();
}
