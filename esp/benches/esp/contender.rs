//! What gets timed, and the crate's own part of it.

use std::fmt;
use std::hint::black_box;

use esp::{
    Backend, BatchPacket, Cipher, HEADROOM, Inbound, Integrity, Limits, Outbound, ReceivedPacket, Suite,
    TAILROOM,
};

use crate::PACKETS;

/// Something that works on [`PACKETS`] packets per call.
pub(crate) trait Contender {
    /// What has to be done before a call, off the clock.
    fn prepare(&mut self);
    /// What is timed.
    fn run(&mut self);
}

/// A suite, the library that has its cipher, and a payload length.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) backend: Backend,
    pub(crate) suite: Suite,
    pub(crate) len: usize,
}

impl Case {
    pub(crate) fn all() -> Vec<Self> {
        let suites = [
            (Cipher::AesCbc256, Integrity::HmacSha256_128),
            (Cipher::AesCbc128, Integrity::HmacSha1_96),
            (Cipher::AesCbc256, Integrity::HmacSha384_192),
            (Cipher::AesCbc256, Integrity::HmacSha512_256),
            (Cipher::AesGcm128, Integrity::None),
            (Cipher::AesGcm256, Integrity::None),
            (Cipher::ChaCha20Poly1305, Integrity::None),
        ];
        let suites = suites.map(|(cipher, integrity)| Suite::new(cipher, integrity, false).expect("sound"));
        let with_backends = |suite: Suite| {
            let libraries = if suite.cipher().is_aead() { Backend::ALL } else { &[Backend::RustCrypto] };
            libraries.iter().map(move |&backend| (suite, backend))
        };
        let suites = suites.into_iter().flat_map(with_backends);
        suites.flat_map(|(suite, backend)| [64, 512, 1400].map(|len| Self { backend, suite, len })).collect()
    }

    /// Bytes that get encrypted: payload, padding, pad length and next header.
    pub(crate) fn text_len(&self) -> usize {
        (self.len + 2).next_multiple_of(self.suite.block_len())
    }

    pub(crate) fn encryption_key(&self) -> Vec<u8> {
        vec![7; self.suite.encryption_key_len()]
    }

    pub(crate) fn integrity_key(&self) -> Vec<u8> {
        vec![8; self.suite.integrity_key_len()]
    }

    fn sender(&self) -> Outbound {
        let (encryption, integrity) = (self.encryption_key(), self.integrity_key());
        let (suite, seed) = (self.suite, [9; 32]);
        Outbound::with_backend(self.backend, suite, 256, &encryption, &integrity, Limits::NONE, seed)
            .expect("keys")
    }

    fn receiver(&self) -> Inbound {
        let (encryption, integrity) = (self.encryption_key(), self.integrity_key());
        Inbound::with_backend(self.backend, self.suite, 256, &encryption, &integrity, Limits::NONE, 1024)
            .expect("keys")
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.suite, self.backend, self.len)
    }
}

pub(crate) struct Seal {
    sa: Outbound,
    len: usize,
    batch: usize,
    buffers: Vec<Vec<u8>>,
}

impl Seal {
    pub(crate) fn new(case: &Case, batch: usize) -> Self {
        let buffers = vec![vec![0x5a; HEADROOM + case.len + TAILROOM]; PACKETS];
        Self { sa: case.sender(), len: case.len, batch, buffers }
    }
}

impl Contender for Seal {
    fn prepare(&mut self) {}

    fn run(&mut self) {
        let payload = HEADROOM..HEADROOM + self.len;
        if self.batch == 1 {
            for buffer in &mut self.buffers {
                let _sealed = black_box(self.sa.seal(buffer, payload.clone(), 47)).expect("sealed");
            }
            return;
        }
        for buffers in self.buffers.chunks_exact_mut(8) {
            let buffers: &mut [_; 8] = buffers.try_into().expect("eight");
            let mut batch = buffers.each_mut().map(|buffer| BatchPacket::new(buffer, payload.clone(), 47));
            self.sa.seal_batch(&mut batch);
            black_box(&batch);
        }
    }
}

pub(crate) struct Open {
    seal: Seal,
    sa: Inbound,
    ranges: Vec<core::ops::Range<usize>>,
    batch: usize,
}

impl Open {
    pub(crate) fn new(case: &Case, batch: usize) -> Self {
        Self { seal: Seal::new(case, 1), sa: case.receiver(), ranges: Vec::new(), batch }
    }
}

impl Contender for Open {
    fn prepare(&mut self) {
        self.ranges.clear();
        for buffer in &mut self.seal.buffers {
            let sealed = self.seal.sa.seal(buffer, HEADROOM..HEADROOM + self.seal.len, 47).expect("sealed");
            self.ranges.push(sealed.range);
        }
    }

    fn run(&mut self) {
        let mut packets =
            self.seal.buffers.iter_mut().zip(&self.ranges).map(|(buffer, range)| &mut buffer[range.clone()]);
        if self.batch == 1 {
            for packet in packets {
                let _opened = black_box(self.sa.open(packet)).expect("opens");
            }
            return;
        }
        for _ in 0..PACKETS / 8 {
            let mut batch =
                [(); 8].map(|()| ReceivedPacket::new(packets.next().expect("a multiple of eight")));
            self.sa.open_batch(&mut batch);
            black_box(&batch);
        }
    }
}
