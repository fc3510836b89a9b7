//! OSPF packets.

use ospf_p2mp::wire::{AuthField, Packet, PacketBody, lls};

use crate::mend;
use crate::ospf_lsa;

/// A packet: as it is, and with its length and checksum made right.
pub fn ospf_packet(data: &[u8]) {
    packet(data);
    packet(&mend::ospf(data));
}

fn packet(received: &[u8]) {
    let decoded = match Packet::decode(received) {
        Ok(decoded) => decoded,
        Err(error) => return drop(error.to_string()),
    };
    let is_valid = Packet::checksum_is_valid(received);
    let encoded = decoded.encode().expect("what was decoded fits");
    assert_eq!(Packet::decode(&encoded).as_ref(), Ok(&decoded), "what was encoded decodes to the same");
    assert!(Packet::checksum_is_valid(&encoded));
    assert_eq!(received[..12], encoded[..12]);
    assert_eq!(received[14..], encoded[14..], "the same bytes");
    // A sum of zero is written as 0000 or ffff; both are right.
    let sum = &received[12..14];
    if is_valid
        && sum != [0, 0]
        && sum != [0xff, 0xff]
        && !matches!(decoded.auth, AuthField::Cryptographic { .. })
    {
        assert_eq!(received, encoded);
    }

    drop(format!("{decoded:?}"));
    if let Ok(list) = lls::decode(&decoded.trailer) {
        drop(format!("{list:?}"));
    }
    if let PacketBody::LinkStateUpdate(update) = &decoded.body {
        for lsa in &update.lsas {
            let mut bytes = Vec::new();
            lsa.encode_into(&mut bytes);
            ospf_lsa::round_trip(lsa, &bytes);
        }
    }
}
