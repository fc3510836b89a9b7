//! WireGuard in user space, by boringtun: ChaCha20-Poly1305 and nothing around it, in memory of its own.

use std::hint::black_box;

use boringtun::noise::{Tunn, TunnResult};
use boringtun::x25519::{PublicKey, StaticSecret};

use crate::cloud::{HUB_HOST, datagram, spoke_host};
use crate::{Contender, PACKETS};

pub(crate) struct WireGuard {
    here: Tunn,
    there: Tunn,
    opens: bool,
    packet: Vec<u8>,
    sealed: Vec<Vec<u8>>,
    buffer: Vec<u8>,
}

impl WireGuard {
    pub(crate) fn new(len: usize, opens: bool) -> Self {
        let (a, b) = (StaticSecret::from([1; 32]), StaticSecret::from([2; 32]));
        let (public_a, public_b) = (PublicKey::from(&a), PublicKey::from(&b));
        let mut here = Tunn::new(a, public_b, None, None, 1, None);
        let mut there = Tunn::new(b, public_a, None, None, 2, None);
        let (mut one, mut two, mut three) = ([0; 2000], [0; 2000], [0; 2000]);
        let initiation = network(here.format_handshake_initiation(&mut one, false));
        let response = network(there.decapsulate(None, initiation, &mut two));
        let keepalive = network(here.decapsulate(None, response, &mut three));
        let mut last = [0; 2000];
        assert!(matches!(there.decapsulate(None, keepalive, &mut last), TunnResult::Done));
        let packet = datagram(HUB_HOST, spoke_host(0), len);
        Self { here, there, opens, packet, sealed: vec![Vec::new(); PACKETS], buffer: vec![0; 2000] }
    }
}

fn network(result: TunnResult<'_>) -> &[u8] {
    match result {
        TunnResult::WriteToNetwork(datagram) => datagram,
        _ => panic!("the handshake goes on"),
    }
}

impl Contender for WireGuard {
    fn prepare(&mut self) {
        if self.opens {
            for sealed in &mut self.sealed {
                *sealed = network(self.here.encapsulate(&self.packet, &mut self.buffer)).to_vec();
            }
        }
    }

    fn run(&mut self) {
        if self.opens {
            for sealed in &self.sealed {
                let opened = self.there.decapsulate(None, sealed, &mut self.buffer);
                assert!(matches!(black_box(opened), TunnResult::WriteToTunnelV4(..)));
            }
        } else {
            for _ in 0..PACKETS {
                black_box(network(self.here.encapsulate(&self.packet, &mut self.buffer)));
            }
        }
    }
}
