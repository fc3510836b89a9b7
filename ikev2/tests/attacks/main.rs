//! Attacks, one test each, named after the attack, with what the attacker would gain. Section numbers are of RFC 7296
//! unless named. Attacks by somebody who holds the keys of an IKE SA are in `src/endpoint/tests.rs`; those that need a
//! configuration of their own are in `failures.rs` (identities, missing keys, what is left behind after a failure),
//! `ppk.rs` (downgrade), `unknown_spi.rs` (forged ESP), `nat.rs` (hijacking a peer's address) and `crossed.rs`; on the
//! codec alone: `src/wire/tests.rs`, `src/reassembly.rs`.

#![allow(clippy::unwrap_used, reason = "a failure in a helper is a failed test")]

#[path = "../common/mod.rs"]
mod common;
mod established;
mod first_answer;
mod first_request;
mod flood;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use common::{Flight, Net, fast, guide, ip};
use ikev2::wire::{
    ExchangeType, FLAG_INITIATOR, FLAG_RESPONSE, GroupId, Header, Message, Notify, NotifyType, Payload,
    PayloadType, Proposal, ProtocolId, Sealed, Spi, Transform, TransformType,
};
use ikev2::{Event, Group, Input, Output, UdpPath};

fn up(seed: u64) -> Net {
    let mut net = Net::new(vec![fast(1), fast(2)], seed);
    net.connect(0, 1);
    net.run_secs(1);
    assert!(net.both_ways(0, 1));
    net
}

/// Gives one node a datagram from an address, and returns what it sends.
fn inject(net: &mut Net, node: usize, from: IpAddr, bytes: &[u8]) -> Vec<Vec<u8>> {
    let path =
        UdpPath { local: SocketAddr::new(net.nodes[node].address, 500), remote: SocketAddr::new(from, 500) };
    let now = net.now;
    let node = &mut net.nodes[node];
    node.endpoint.handle_input(now, Input::Datagram { path, payload: bytes });
    let mut sent = Vec::new();
    while let Some(output) = node.endpoint.poll_output() {
        match output {
            Output::Transmit(transmit) => sent.push(transmit.payload),
            Output::Action(action) => panic!("an attacker installed something: {action:?}"),
            Output::Event(event) => node.events.push(event),
            _ => {}
        }
    }
    sent
}

fn header(spi_i: u64, spi_r: u64, exchange: ExchangeType, flags: u8, message_id: u32) -> Header {
    Header { spi_i, spi_r, next: PayloadType::NONE, minor_version: 0, exchange, flags, message_id }
}

/// A first request as a stranger would write it.
fn init_request(spi: u64, public: Vec<u8>, nonce: Vec<u8>) -> Message {
    let transforms = vec![
        Transform::with_key_length(TransformType::ENCRYPTION, 12, 256),
        Transform::new(TransformType::INTEGRITY, 12),
        Transform::new(TransformType::PRF, 5),
        Transform::new(TransformType::KEY_EXCHANGE, 31),
    ];
    let proposal = Proposal { number: 1, protocol: ProtocolId::IKE, spi: Spi::none(), transforms };
    Message {
        header: header(spi, 0, ExchangeType::IKE_SA_INIT, FLAG_INITIATOR, 0),
        payloads: vec![
            Payload::SecurityAssociation(vec![proposal]),
            Payload::KeyExchange { group: GroupId(31), data: public },
            Payload::Nonce(nonce),
        ],
        sealed: None,
    }
}

fn notify_of(bytes: &[u8]) -> NotifyType {
    match Message::decode(bytes).unwrap().payloads.first() {
        Some(Payload::Notify(notify)) => notify.notify_type,
        other => panic!("{other:?}"),
    }
}
