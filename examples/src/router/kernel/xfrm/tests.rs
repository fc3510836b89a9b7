use std::net::{Ipv4Addr, SocketAddr};

use ikev2::{EspCipher, EspIntegrity, Mode, SaParameters, TrafficLimits};
use netlink_packet_core::{Emitable, Parseable};
use netlink_packet_xfrm::state::ModifyMessage;
use netlink_packet_xfrm::{XfrmAttrs, XfrmMessage};

use super::events::{Event, event_of};
use super::sa::{Sa, wipe};
use super::*;

const LOCAL: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
const REMOTE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);

fn sa(inbound: bool, edit: impl FnOnce(&mut SaParameters)) -> Sa {
    let endpoint = |address: Ipv4Addr| SocketAddr::from((address, 4500));
    let mut parameters = SaParameters {
        spi: 0xc001_0007,
        cipher: EspCipher::AesCbc256,
        integrity: EspIntegrity::HmacSha256_128,
        esn: false,
        encryption_key: [1; 32][..].into(),
        integrity_key: [2; 32][..].into(),
        mode: Mode::Transport,
        local: endpoint(LOCAL),
        remote: endpoint(REMOTE),
        udp_encapsulation: false,
        local_selectors: Vec::new(),
        remote_selectors: Vec::new(),
        limits: TrafficLimits::default(),
    };
    edit(&mut parameters);
    Sa { remote: parameters.remote, parameters: Box::new(parameters), inbound, stand_in: None }
}

/// What the kernel reads out of a message.
fn emitted(sa: &Sa) -> ModifyMessage {
    let message = sa.message(Vec::new()).expect("an IPv4 SA");
    let mut bytes = vec![0; message.buffer_len()];
    message.emit(&mut bytes);
    ModifyMessage::parse(&bytes).expect("what was emitted")
}

#[test]
fn addresses_follow_the_direction() {
    let inbound = emitted(&sa(true, |_| {})).user_sa_info;
    assert_eq!((inbound.saddr.to_ipv4(), inbound.id.daddr.to_ipv4()), (REMOTE, LOCAL));
    let outbound = emitted(&sa(false, |_| {})).user_sa_info;
    assert_eq!((outbound.saddr.to_ipv4(), outbound.id.daddr.to_ipv4()), (LOCAL, REMOTE));
    assert_eq!(outbound.id.spi, 0xc001_0007);
    assert_eq!((outbound.reqid, outbound.selector.proto), (REQID, 47));
}

#[test]
fn behind_nat_the_ports_follow_the_direction() {
    let nat = |sa: &mut SaParameters| {
        sa.udp_encapsulation = true;
        sa.remote.set_port(31_337);
    };
    for (inbound, ports) in [(true, (31_337, 4500)), (false, (4500, 31_337))] {
        let message = emitted(&sa(inbound, nat));
        let encapsulation = message.nlas.iter().find_map(|nla| match nla {
            XfrmAttrs::EncapsulationTemplate(encapsulation) => Some(*encapsulation),
            _ => None,
        });
        let encapsulation = encapsulation.expect("UDP");
        assert_eq!((encapsulation.encap_sport, encapsulation.encap_dport), ports);
    }
}

#[test]
fn limits_are_the_kernels_to_watch() {
    let message = emitted(&sa(false, |sa| {
        sa.limits = TrafficLimits { soft_packets: Some(90), hard_packets: Some(100), ..sa.limits };
    }));
    let lifetime = message.user_sa_info.lifetime_cfg;
    assert_eq!((lifetime.soft_packet_limit, lifetime.hard_packet_limit), (90, 100));
    assert_eq!((lifetime.soft_byte_limit, lifetime.hard_byte_limit), (u64::MAX, u64::MAX));
    assert_eq!(lifetime.hard_add_expires_seconds, 0, "time is IKE's");
}

#[test]
fn windows_and_reports_are_for_what_comes_in() {
    let replay = |message: &ModifyMessage| {
        message.nlas.iter().find_map(|nla| match nla {
            XfrmAttrs::ReplayStateEsn(replay) => Some((replay.replay_window, replay.bmp.len() * 32)),
            _ => None,
        })
    };
    assert_eq!(replay(&emitted(&sa(true, |_| {}))), Some((1024, 1024)));
    assert_eq!(replay(&emitted(&sa(false, |_| {}))), None);
    assert_eq!(replay(&emitted(&sa(false, |sa| sa.esn = true))), Some((32, 32)), "the kernel wants one");
    assert!(emitted(&sa(true, |_| {})).nlas.contains(&XfrmAttrs::EventTimeThreshold(20)));
    assert!(emitted(&sa(false, |_| {})).nlas.contains(&XfrmAttrs::EventTimeThreshold(0)));
}

#[test]
fn an_aead_key_brings_its_salt_and_no_integrity_algorithm() {
    let message = emitted(&sa(true, |sa| {
        (sa.cipher, sa.integrity) = (EspCipher::AesGcm256, EspIntegrity::None);
        sa.encryption_key = [3; 36][..].into();
    }));
    let aead = message.nlas.iter().find_map(|nla| match nla {
        XfrmAttrs::EncryptionAlgAead(aead) => Some(aead.clone()),
        _ => None,
    });
    let aead = aead.expect("an AEAD");
    assert!(aead.alg_name.starts_with(b"rfc4106(gcm(aes))\0"));
    assert_eq!((aead.alg_key_len, aead.alg_icv_len), (288, 128));
    assert!(!message.nlas.iter().any(|nla| matches!(nla, XfrmAttrs::AuthenticationAlgTrunc(_))));
}

#[test]
fn keys_are_overwritten() {
    let mut message = sa(true, |_| {}).message(Vec::new()).expect("an SA");
    let has_keys = |message: &ModifyMessage| {
        message.nlas.iter().any(|nla| match nla {
            XfrmAttrs::EncryptionAlg(alg) => alg.alg_key.iter().any(|byte| *byte != 0),
            XfrmAttrs::AuthenticationAlgTrunc(alg) => alg.alg_key.iter().any(|byte| *byte != 0),
            _ => false,
        })
    };
    assert!(has_keys(&message));
    wipe(&mut message.nlas);
    assert!(!has_keys(&message));
}

#[test]
fn events_are_ours_by_request_id() {
    let mut expire = netlink_packet_xfrm::ExpireMessage::default();
    expire.expire.hard = 1;
    expire.expire.state.id.spi = 9;
    expire.expire.state.id.daddr = netlink_packet_xfrm::Address::from_ipv4(&LOCAL);
    assert_eq!(event_of(&XfrmMessage::Expire(expire.clone())), None, "somebody else's");
    expire.expire.state.reqid = REQID;
    let expired = Event::Expired { sa: (LOCAL, 9), hard: true };
    assert_eq!(event_of(&XfrmMessage::Expire(expire.clone())), Some(expired));
    expire.expire.state.id.spi = 0;
    assert_eq!(event_of(&XfrmMessage::Expire(expire)), None, "what waited for an SA");
}
