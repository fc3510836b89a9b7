//! Protection against replayed packets with digests (RFC 2328 appendix D.4.3).

use std::collections::VecDeque;

/// Packets of one sequence number that are remembered. A router that numbers by the second seldom sends more in one.
const REMEMBERED: usize = 64;

/// Octets of a digest that tell packets apart; the shortest, MD5, has so many.
const DIGEST_PART: usize = 16;

/// What a packet with a verified digest is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    sequence: u32,
    digest: [u8; DIGEST_PART],
}

impl Proof {
    pub(crate) fn new(sequence: u32, digest: &[u8]) -> Self {
        let mut part = [0; DIGEST_PART];
        for (to, from) in part.iter_mut().zip(digest) {
            *to = *from;
        }
        Self { sequence, digest: part }
    }
}

/// The last sequence number of a neighbour and the latest packets that carried it.
///
/// Numbers must not fall. The RFC lets them repeat, and routers that take the clock's seconds do; a replay of such a
/// packet is known by its digest.
#[derive(Debug, Default)]
pub(crate) struct ReplayGuard {
    sequence: Option<u32>,
    digests: VecDeque<[u8; DIGEST_PART]>,
}

impl ReplayGuard {
    /// Whether a packet may be new. `repeats` says whether a number may occur again.
    pub(crate) fn admits(&self, proof: &Proof, repeats: bool) -> bool {
        match self.sequence {
            Some(last) if proof.sequence < last => false,
            Some(last) if proof.sequence == last => repeats && !self.digests.contains(&proof.digest),
            _ => true,
        }
    }

    /// Remembers a packet that was admitted.
    pub(crate) fn note(&mut self, proof: Proof) {
        if self.sequence != Some(proof.sequence) {
            self.sequence = Some(proof.sequence);
            self.digests.clear();
        }
        if self.digests.len() >= REMEMBERED {
            self.digests.pop_front();
        }
        self.digests.push_back(proof.digest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(sequence: u32, packet: u8) -> Proof {
        Proof::new(sequence, &[packet; 20])
    }

    #[test]
    fn a_number_may_repeat_and_a_packet_may_not() {
        let mut guard = ReplayGuard::default();
        for packet in 0..10 {
            assert!(guard.admits(&proof(7, packet), true));
            assert!(packet == 0 || !guard.admits(&proof(7, packet), false), "unless numbers must grow");
            guard.note(proof(7, packet));
        }
        assert!((0..10).all(|packet| !guard.admits(&proof(7, packet), true)));
        assert!(!guard.admits(&proof(6, 99), true), "numbers do not fall");
        assert!(guard.admits(&proof(8, 3), true));
        guard.note(proof(8, 3));
        assert!(!guard.admits(&proof(7, 3), true));
        assert_eq!(guard.digests.len(), 1);
    }

    #[test]
    fn memory_is_bounded() {
        let mut guard = ReplayGuard::default();
        for packet in 0..=u8::MAX {
            guard.note(proof(7, packet));
        }
        assert_eq!(guard.digests.len(), REMEMBERED);
        assert!(!guard.admits(&proof(7, u8::MAX), true));
    }
}
