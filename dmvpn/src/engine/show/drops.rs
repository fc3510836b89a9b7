//! `show drops`: why packets went nowhere.

use ospf_p2mp::DropReason as Ospf;

use super::nhrp;
use crate::engine::Engine;

/// A place with its reasons.
type Place = (String, Vec<(String, u64)>);

impl Engine {
    /// Where packets were dropped, and there for each reason that occurred how many: in the forwarding plane, by IKEv2
    /// on each underlay address, by NHRP on each tunnel, by OSPF. A place without drops is left out.
    #[must_use]
    pub fn drops(&self) -> Vec<(String, Vec<(String, u64)>)> {
        let forwarding =
            self.plane.drops().iter().map(|(reason, count)| (reason.to_string(), *count)).collect();
        let mut places: Vec<Place> = vec![("Forwarding".to_owned(), forwarding)];
        for underlay in &self.underlays {
            if let Some(endpoint) = &underlay.endpoint {
                places.push((format!("IKEv2 on {}", underlay.address), ike(&endpoint.stats().drops)));
            }
        }
        for tunnel in &self.tunnels {
            places.push((format!("NHRP on {}", tunnel.name), nhrp::drops(tunnel.node.stats())));
        }
        if let Some(ospf) = &self.ospf {
            let stats = ospf.router.stats();
            let reasons = OSPF.iter().map(|(reason, words)| ((*words).to_owned(), stats.dropped(*reason)));
            places.push(("OSPF".to_owned(), reasons.collect()));
        }
        for (_, reasons) in &mut places {
            reasons.retain(|(_, count)| *count > 0);
        }
        places.retain(|(_, reasons)| !reasons.is_empty());
        places
    }
}

fn ike(drops: &ikev2::Drops) -> Vec<(String, u64)> {
    [
        ("malformed", drops.malformed),
        ("another major version", drops.version),
        ("unknown SPI", drops.unknown_spi),
        ("reflected or confused", drops.wrong_direction),
        ("exchange not possible now", drops.unexpected_exchange),
        ("not encrypted", drops.not_encrypted),
        ("integrity check failed", drops.integrity),
        ("malformed inside", drops.malformed_inside),
        ("message id outside the window", drops.message_id),
        ("limit of half-open IKE SAs", drops.half_open_limit),
        ("limit of half-open IKE SAs of one source", drops.source_limit),
        ("limit of peers", drops.peer_limit),
        ("cookie missing or wrong", drops.cookie),
        ("fragment", drops.fragment),
        ("shut down", drops.shut_down),
    ]
    .into_iter()
    .map(|(words, count)| (words.to_owned(), count))
    .collect()
}

/// OSPF's reason in words.
pub(super) fn ospf_words(reason: Ospf) -> &'static str {
    OSPF.iter().find(|(known, _)| *known == reason).map_or("another reason", |(_, words)| words)
}

const OSPF: &[(Ospf, &str)] = &[
    (Ospf::UnknownInterface, "unknown interface"),
    (Ospf::InterfaceDown, "interface down"),
    (Ospf::PassiveInterface, "passive interface"),
    (Ospf::Malformed, "malformed packet"),
    (Ospf::Checksum, "wrong checksum"),
    (Ospf::Version, "another version"),
    (Ospf::Area, "another area"),
    (Ospf::Ttl, "TTL security"),
    (Ospf::SourceOutsidePrefix, "source outside the subnet"),
    (Ospf::OwnAddress, "our own address as source"),
    (Ospf::Destination, "not for this router"),
    (Ospf::AuthType, "authentication type mismatch"),
    (Ospf::AuthKeyId, "unknown authentication key"),
    (Ospf::AuthFailed, "authentication failed"),
    (Ospf::AuthReplay, "authentication sequence number replayed"),
    (Ospf::Mask, "network mask mismatch"),
    (Ospf::HelloInterval, "hello interval mismatch"),
    (Ospf::DeadInterval, "dead interval mismatch"),
    (Ospf::StubArea, "stub area mismatch"),
    (Ospf::RouterId, "duplicate or bad router id"),
    (Ospf::NeighborLimit, "limit of neighbors"),
    (Ospf::UnknownNeighbor, "unknown neighbor"),
    (Ospf::NeighborState, "not in this neighbor state"),
    (Ospf::Mtu, "MTU mismatch"),
    (Ospf::DuplicateDescription, "duplicate database description"),
    (Ospf::LsaChecksum, "LSA: wrong checksum"),
    (Ospf::LsaMalformed, "LSA: malformed"),
    (Ospf::LsaType, "LSA: type not allowed"),
    (Ospf::LsaIdMismatch, "LSA: link state id is not the router's"),
    (Ospf::LsaTooSoon, "LSA: too soon after the last one"),
    (Ospf::LsdbLimit, "LSA: limit of the database"),
    (Ospf::LsaRange, "LSA: age or sequence number out of range"),
    (Ospf::QuestionableAck, "acknowledgement of something not sent"),
    (Ospf::ShutDown, "shut down"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_of_ospf_has_words_and_none_twice() {
        assert_eq!(OSPF.len(), Ospf::COUNT);
        for (index, (reason, words)) in OSPF.iter().enumerate() {
            assert_eq!(*reason as usize, index, "{words}");
            assert_eq!(ospf_words(*reason), *words);
        }
    }
}
