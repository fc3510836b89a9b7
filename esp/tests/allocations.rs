//! No packet costs an allocation, sealed or opened, alone or in a batch, good or bad.
//!
//! The counting is that of the benchmark library, whose global allocator is the only one that comes without unsafe
//! code of ours. This program runs itself as a benchmark and reads the result, which also lists a function that does
//! allocate, to know that it would show. What a library in C allocates by itself it cannot see.
#![expect(clippy::print_stdout, reason = "without a harness a test reports for itself")]

use std::process::Command;

use divan::{AllocProfiler, Bencher};
use esp::{
    Backend, BatchPacket, Cipher, HEADROOM, Inbound, Integrity, Limits, OpenError, Outbound, ReceivedPacket,
    Suite, TAILROOM,
};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const CHILD: &str = "ESP_COUNT_ALLOCATIONS";
const PAYLOAD: usize = 700;
const BUFFER: usize = HEADROOM + PAYLOAD + TAILROOM;

const SUITES: [(Cipher, Integrity, bool); 6] = [
    (Cipher::AesCbc128, Integrity::HmacSha1_96, false),
    (Cipher::AesCbc256, Integrity::HmacSha256_128, true),
    (Cipher::AesCbc192, Integrity::HmacSha384_192, false),
    (Cipher::AesCbc256, Integrity::HmacSha512_256, false),
    (Cipher::AesGcm256, Integrity::None, true),
    (Cipher::ChaCha20Poly1305, Integrity::None, false),
];

/// Every suite with every library.
const CASES: usize = SUITES.len() * Backend::ALL.len();

fn main() {
    if std::env::var_os(CHILD).is_some() {
        divan::Divan::default().sample_count(20).sample_size(4).run_benches();
        return;
    }
    // Programs that run tests one by one ask for a list first.
    let has = |wanted| std::env::args().any(|argument| argument == wanted);
    if has("--list") {
        if !has("--ignored") {
            println!("no_allocation_per_packet: test");
        }
        return;
    }
    let program = std::env::current_exe().expect("this program has a path");
    let output = Command::new(program).env(CHILD, "1").output().expect("this program runs");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}{}", String::from_utf8_lossy(&output.stderr));

    // Each function has a line of its own, with its suites below, and below those what was allocated.
    let mut function = "";
    let mut counted = std::collections::BTreeMap::new();
    for line in report.lines() {
        let text = line.trim_start_matches([' ', '│', '├', '╰', '─']);
        let word = text.split_whitespace().next().unwrap_or_default();
        if let Some(name) = FUNCTIONS.iter().find(|&&name| name == word) {
            function = name;
            counted.entry(function).or_insert((0, 0));
        } else if let Some((suites, allocating)) = counted.get_mut(function) {
            // A suite has a branch of its own in the drawing; what it allocated stands below, without one.
            *suites += usize::from(line.contains("─ "));
            *allocating += usize::from(["alloc:", "grow:", "max"].contains(&word));
        }
    }
    for name in FUNCTIONS {
        let (suites, allocating) = counted.remove(name).unwrap_or_default();
        let expected = name == "control_that_allocates";
        assert_eq!(allocating > 0, expected, "{name} allocates in {allocating} places:\n{report}");
        assert_eq!(suites, CASES, "{name} was not counted for every suite:\n{report}");
        println!("{name}: {}", if expected { "allocates, as it should" } else { "no allocation" });
    }
}

const FUNCTIONS: [&str; 6] =
    ["control_that_allocates", "open", "open_batch", "open_forged_and_replayed", "seal", "seal_batch"];

fn sas(index: usize) -> (Outbound, Inbound) {
    let (cipher, integrity, esn) = SUITES[index % SUITES.len()];
    let backend = Backend::ALL[index / SUITES.len()];
    let suite = Suite::new(cipher, integrity, esn).expect("a sound suite");
    let (encryption, integrity) = (vec![7; suite.encryption_key_len()], vec![8; suite.integrity_key_len()]);
    let sender = Outbound::with_backend(backend, suite, 256, &encryption, &integrity, Limits::NONE, [9; 32])
        .expect("keys");
    let receiver = Inbound::with_backend(backend, suite, 256, &encryption, &integrity, Limits::NONE, 1024)
        .expect("keys");
    (sender, receiver)
}

fn packet(sender: &mut Outbound) -> ([u8; BUFFER], core::ops::Range<usize>) {
    let mut buffer = [0; BUFFER];
    let sealed = sender.seal(&mut buffer, HEADROOM..HEADROOM + PAYLOAD, 47).expect("sealed");
    (buffer, sealed.range)
}

#[divan::bench(args = 0..CASES)]
fn control_that_allocates(bencher: Bencher<'_, '_>, suite: usize) {
    let (mut sender, _) = sas(suite);
    bencher.bench_local(|| packet(&mut sender).0.to_vec());
}

#[divan::bench(args = 0..CASES)]
fn seal(bencher: Bencher<'_, '_>, suite: usize) {
    let (mut sender, _) = sas(suite);
    let mut buffer = [0; BUFFER];
    bencher.bench_local(|| sender.seal(&mut buffer, HEADROOM..HEADROOM + PAYLOAD, 47).expect("sealed"));
}

#[divan::bench(args = 0..CASES)]
fn seal_batch(bencher: Bencher<'_, '_>, suite: usize) {
    let (mut sender, _) = sas(suite);
    let mut buffers = [[0; BUFFER]; 11];
    bencher.bench_local(|| {
        let mut batch =
            buffers.each_mut().map(|buffer| BatchPacket::new(buffer, HEADROOM..HEADROOM + PAYLOAD, 47));
        sender.seal_batch(&mut batch);
        assert!(batch.iter().all(|packet| matches!(packet.outcome, Some(Ok(_)))));
    });
}

#[divan::bench(args = 0..CASES)]
fn open(bencher: Bencher<'_, '_>, suite: usize) {
    let (mut sender, mut receiver) = sas(suite);
    bencher.bench_local(|| {
        let (mut buffer, range) = packet(&mut sender);
        receiver.open(&mut buffer[range]).expect("opens")
    });
}

#[divan::bench(args = 0..CASES)]
fn open_batch(bencher: Bencher<'_, '_>, suite: usize) {
    let (mut sender, mut receiver) = sas(suite);
    bencher.bench_local(|| {
        let mut packets = [(); 8].map(|()| packet(&mut sender));
        let mut batch =
            packets.each_mut().map(|(buffer, range)| ReceivedPacket::new(&mut buffer[range.clone()]));
        receiver.open_batch(&mut batch);
        assert!(batch.iter().all(|packet| matches!(packet.outcome, Some(Ok(_)))));
    });
}

#[divan::bench(args = 0..CASES)]
fn open_forged_and_replayed(bencher: Bencher<'_, '_>, suite: usize) {
    let (mut sender, mut receiver) = sas(suite);
    bencher.bench_local(|| {
        let (mut buffer, range) = packet(&mut sender);
        let mut again = buffer;
        let mut forged = buffer;
        forged[range.end - 1] ^= 1;
        assert_eq!(receiver.open(&mut forged[range.clone()]), Err(OpenError::AuthenticationFailed));
        assert!(receiver.open(&mut buffer[range.clone()]).is_ok());
        assert!(matches!(receiver.open(&mut again[range]), Err(OpenError::Replayed(_))));
    });
}
