//! What a responder spends on a new peer, beside the bare key agreement that it contains (one key pair, one shared
//! secret) with the same library, and how much memory an idle peer takes.
//!
//! `cargo bench -p ikev2 --features aws-lc` prints both, and then divan's table.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use divan::Bencher;
use ikev2::crypto::KeyPair;
use ikev2::{
    Backend, Config, Endpoint, Group, Input, Keyring, Output, Profile, ProfileId, SecretBytes, UdpPath,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

fn endpoint(address: IpAddr, case: &Case, seed: u64, now: Instant) -> Endpoint {
    let mut config = Config::new(address);
    config.backend = case.backend;
    let mut profile = Profile::new("bench", Keyring::any("a long secret"));
    profile.proposals[0].groups = vec![case.group];
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
fn clock() -> Instant {
    Instant::now()
}

const HUB: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1));

fn spoke(index: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from(0x0a00_0001 + index))
}

/// A group and the library that works in it.
#[derive(Clone, Copy)]
struct Case {
    backend: Backend,
    group: Group,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Groups over the integers are the same with every library.
        match self.group {
            Group::Modp2048 => write!(f, "{:?}", self.group),
            _ => write!(f, "{:?}, {}", self.group, self.backend),
        }
    }
}

fn cases() -> Vec<Case> {
    let all = |group| Backend::ALL.iter().map(move |&backend| Case { backend, group });
    let modp = all(Group::Modp2048).take(1);
    modp.chain(all(Group::Ecp256)).chain(all(Group::Curve25519)).collect()
}

/// A responder, and the two requests that it will get.
type Prepared = (Endpoint, (UdpPath, Vec<u8>), (UdpPath, Vec<u8>));

/// The initiator's half is done beforehand, against a twin of the responder with the same randomness.
fn prepare(case: &Case, now: Instant) -> Prepared {
    let mut initiator = endpoint(spoke(0), case, 1, now);
    let mut twin = endpoint(HUB, case, 2, now);
    initiator.handle_input(now, Input::Connect { remote: HUB, profile: ProfileId(0) });
    let first = next(&mut initiator).unwrap();
    give(&mut twin, now, first.clone());
    let answer = next(&mut twin).unwrap();
    give(&mut initiator, now, answer);
    let second = next(&mut initiator).unwrap();
    (endpoint(HUB, case, 2, now), first, second)
}

/// IKE_SA_INIT and IKE_AUTH at the responder, child SA included.
fn respond((mut responder, first, second): Prepared, now: Instant) -> Endpoint {
    give(&mut responder, now, first);
    give(&mut responder, now, second);
    assert_eq!(responder.stats().ike_established, 1);
    responder
}

/// The same two operations alone.
fn agree(case: &Case, peer: &[u8], rng: &mut ChaCha20Rng) -> SecretBytes {
    KeyPair::generate_with(case.backend, case.group, rng).agree(peer).unwrap()
}

fn peer(case: &Case, rng: &mut ChaCha20Rng) -> Vec<u8> {
    KeyPair::generate_with(case.backend, case.group, rng).public().to_vec()
}

#[divan::bench(args = cases(), sample_count = 50)]
fn responder_handshake(bencher: Bencher<'_, '_>, case: &Case) {
    let now = clock();
    bencher.with_inputs(|| prepare(case, now)).bench_values(|prepared| respond(prepared, now));
}

#[divan::bench(args = cases(), sample_count = 50)]
fn bare_key_agreement(bencher: Bencher<'_, '_>, case: &Case) {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let peer = peer(case, &mut rng);
    bencher.bench_local(|| agree(case, &peer, &mut rng));
}

/// Both in turns within one run, so that a machine's moods hit both; the best turn of each counts.
fn ratios() {
    const TURNS: u32 = 100;
    println!("Responder's CPU per handshake (IKE_SA_INIT, IKE_AUTH, child SA). Goal: ratio at most 1.25.\n");
    println!("| group | bare key agreement, us | handshake, us | ratio |");
    println!("| --- | ---: | ---: | ---: |");
    let now = clock();
    for case in cases() {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let peer = peer(&case, &mut rng);
        let (mut bare, mut whole) = (Duration::MAX, Duration::MAX);
        for _ in 0..TURNS {
            let prepared = prepare(&case, now);
            let start = clock();
            let responder = respond(prepared, now);
            whole = start.elapsed().min(whole);
            drop(responder);
            let start = clock();
            let shared = agree(&case, &peer, &mut rng);
            bare = start.elapsed().min(bare);
            drop(shared);
        }
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        let ratio = micros(whole) / micros(bare);
        println!("| {case} | {:.0} | {:.0} | {ratio:.2} |", micros(bare), micros(whole));
    }
    println!();
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
    let now = clock();
    let case = Case { backend: Backend::default(), group: Group::Curve25519 };
    let mut hub = endpoint(HUB, &case, 2, now);
    let mut join = |index: u32| {
        let mut spoke = endpoint(spoke(index), &case, u64::from(index) + 10, now);
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
    let each = grown / PEERS as usize;
    println!("Resident memory per idle peer (IKE SA and child SA): {each} bytes. Goal: at most 8192.\n");
    assert_eq!(hub.peers().count(), 200 + PEERS as usize);
}

fn main() {
    // Under `cargo test`, and `cargo bench -- --test`, there is only a quick look at whether everything runs.
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == "--bench") && !arguments.contains(&"--test".to_owned()) {
        memory();
        ratios();
    }
    divan::main();
}
