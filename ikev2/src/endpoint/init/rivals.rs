//! Several answers to one first request (RFC 7296 section 2.4).
//!
//! IKE_SA_INIT is not protected: whoever sees our request can answer it faster than the responder. So the exchange stays
//! open for other answers until AUTH has shown which one was the responder's. Each is taken up as if it were the real
//! one; what AUTH rejects goes, and the first one that it proves ends the search.

use std::time::Instant;

use super::initiator::HINT_GRACE;
use crate::crypto::IkeSuite;
use crate::endpoint::Endpoint;
use crate::endpoint::arena::SaKey;
use crate::endpoint::ike_sa::{IkeSa, Protection, State, Timer};
use crate::endpoint::requests::{Outstanding, SendWindow};
use crate::io::{FailureReason, UdpPath};
use crate::nat::Nat;
use crate::reassembly::Reassembly;
use crate::secret::SecretBytes;

/// How many answers are taken up for one request: each costs a key agreement.
pub(super) const MAX_ANSWERS: usize = 5;

/// What an answer has made of an initiator's IKE SA, while another answer has its place there.
#[derive(Debug)]
pub(crate) struct Rival {
    spi_remote: u64,
    path: UdpPath,
    suite: Option<IkeSuite>,
    protection: Option<Protection>,
    nat: Nat,
    fragmentation: bool,
    ppk: bool,
    childless: bool,
    lowest_nonce: Vec<u8>,
    nonce_r: Vec<u8>,
    response: Vec<u8>,
    sk_pi: SecretBytes,
    sk_pr: SecretBytes,
    requests: SendWindow,
    response_fragments: Vec<Reassembly>,
}

impl Rival {
    /// An IKE SA as it was before any answer, but for its first request.
    fn blank(path: UdpPath) -> Self {
        Self {
            spi_remote: 0,
            path,
            suite: None,
            protection: None,
            nat: Nat::default(),
            fragmentation: false,
            ppk: false,
            childless: false,
            lowest_nonce: Vec::new(),
            nonce_r: Vec::new(),
            response: Vec::new(),
            sk_pi: SecretBytes::default(),
            sk_pr: SecretBytes::default(),
            requests: SendWindow::default(),
            response_fragments: Vec::new(),
        }
    }

    fn swap(&mut self, sa: &mut IkeSa) {
        use core::mem::swap;
        swap(&mut self.spi_remote, &mut sa.spi_remote);
        swap(&mut self.path, &mut sa.path);
        swap(&mut self.suite, &mut sa.suite);
        swap(&mut self.protection, &mut sa.protection);
        swap(&mut self.nat, &mut sa.nat);
        swap(&mut self.fragmentation, &mut sa.fragmentation);
        swap(&mut self.lowest_nonce, &mut sa.lineage.lowest_nonce);
        swap(&mut self.requests, &mut sa.requests);
        swap(&mut self.response_fragments, &mut sa.response_fragments);
        if let Some(handshake) = &mut sa.handshake {
            swap(&mut self.ppk, &mut handshake.ppk);
            swap(&mut self.childless, &mut handshake.childless);
            swap(&mut self.nonce_r, &mut handshake.nonce_r);
            swap(&mut self.response, &mut handshake.response);
            swap(&mut self.sk_pi, &mut handshake.sk_pi);
            swap(&mut self.sk_pr, &mut handshake.sk_pr);
        }
    }

    /// Its IKE_AUTH request, on its way to whoever answered.
    pub(in crate::endpoint) fn datagrams(&self) -> impl Iterator<Item = (UdpPath, Vec<Vec<u8>>)> + '_ {
        self.requests.iter().map(|request| (self.path, request.datagrams.clone()))
    }
}

impl Endpoint {
    /// Whether an answer with this SPI is the first one from there, and one that may still be taken up.
    pub(super) fn takes_answer(&self, key: SaKey, spi_r: u64) -> bool {
        self.sa(key).and_then(|sa| sa.handshake.as_ref()).is_some_and(|handshake| {
            handshake.answered.len() < MAX_ANSWERS && !handshake.answered.contains(&spi_r)
        })
    }

    /// Makes room for another answer: what the present one has made waits aside.
    pub(super) fn set_aside(&mut self, key: SaKey) {
        let Some(sa) = self.sa_mut(key) else { return };
        let Some(path) = sa.handshake.as_ref().map(|handshake| handshake.first_path) else { return };
        if sa.state != State::AuthSent {
            return;
        }
        let mut rival = Rival::blank(path);
        rival.swap(sa);
        sa.state = State::InitSent;
        if let Some(handshake) = &mut sa.handshake {
            handshake.rivals.push(rival);
        }
    }

    /// A message came from the responder with this SPI: what its answer has made takes the place.
    pub(in crate::endpoint) fn bring_forward(&mut self, key: SaKey, spi_r: u64) {
        let Some(sa) = self.sa_mut(key) else { return };
        let Some(handshake) = &mut sa.handshake else { return };
        let Some(at) = handshake.rivals.iter().position(|rival| rival.spi_remote == spi_r) else { return };
        let mut rival = handshake.rivals.swap_remove(at);
        rival.swap(sa);
        if let Some(handshake) = &mut sa.handshake {
            handshake.rivals.push(rival);
        }
        sa.rearm_repetition();
    }

    /// AUTH has failed for one of the answers. Others are tried; without any, one may still come within a short time. It
    /// is only then that the attempt has failed.
    pub(in crate::endpoint) fn answer_refused(&mut self, now: Instant, key: SaKey, reason: FailureReason) {
        let requests = self.sa_mut(key).map(|sa| sa.requests.take_all()).unwrap_or_default();
        self.drop_requests(now, requests);
        let Some(sa) = self.sa_mut(key) else { return };
        let Some(handshake) = &mut sa.handshake else { return };
        handshake.hint = Some(reason);
        let (next, path) = (handshake.rivals.pop(), handshake.first_path);
        match next {
            Some(mut rival) => {
                rival.swap(sa);
                sa.rearm_repetition();
            }
            None => {
                Rival::blank(path).swap(sa);
                sa.state = State::InitSent;
                sa.timers.clear(Timer::Retransmit);
                sa.timers.set(Timer::Linger, now + HINT_GRACE);
            }
        }
    }

    /// The search is over: gives back what the other answers held.
    pub(in crate::endpoint) fn drop_rivals(&mut self, now: Instant, key: SaKey) {
        let handshake = self.sas.get_mut(&key).and_then(|sa| sa.handshake.as_mut());
        let rivals = handshake.map(|handshake| core::mem::take(&mut handshake.rivals)).unwrap_or_default();
        for mut rival in rivals {
            self.drop_requests(now, rival.requests.take_all());
        }
    }

    fn drop_requests(&mut self, now: Instant, requests: Vec<Outstanding>) {
        for request in requests {
            self.drop_pending(now, request.pending);
        }
    }
}
