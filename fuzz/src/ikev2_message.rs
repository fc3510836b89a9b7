//! IKEv2 messages and chains of payloads, in the clear.

use ikev2::wire::{
    FLAG_INITIATOR, HEADER_LEN, Message, Payload, PayloadType, decode_payloads, encode_payloads, narrow,
};

use crate::mend;

/// A message, as it is and with its length made right; and, as `first payload type (1) | chain`, what may stand inside
/// an encrypted payload.
pub fn ikev2_message(data: &[u8]) {
    message(data);
    message(&mend::ike(data));
    if let Some((&first, chain)) = data.split_first() {
        payloads(PayloadType(first), chain);
    }
}

fn message(datagram: &[u8]) {
    let decoded = match Message::decode(datagram) {
        Ok(decoded) => decoded,
        Err(error) => return drop(error.to_string()),
    };
    let encoded = decoded.encode();
    assert_eq!(Message::decode(&encoded).as_ref(), Ok(&decoded), "what was encoded decodes to the same");
    only_reserved_bits_differ(datagram, &encoded);
    assert_eq!(datagram[..HEADER_LEN], encoded[..HEADER_LEN], "the header comes back as it was");
    assert_eq!(decoded.header.from_initiator(), decoded.header.flags & FLAG_INITIATOR != 0);
    if let Some(sealed) = &decoded.sealed {
        let body = datagram.get(sealed.body_offset..);
        assert_eq!(body, Some(sealed.body.as_slice()), "the offset is that of the body");
    }
    look_into(&decoded.payloads);
}

fn payloads(first: PayloadType, chain: &[u8]) {
    let decoded = match decode_payloads(first, chain) {
        Ok(decoded) => decoded,
        Err(error) => return drop(error.to_string()),
    };
    let (first_again, encoded) = encode_payloads(&decoded);
    assert_eq!(first_again, first);
    assert_eq!(
        decode_payloads(first, &encoded).as_ref(),
        Ok(&decoded),
        "what was encoded decodes to the same"
    );
    only_reserved_bits_differ(chain, &encoded);
    look_into(&decoded);
}

/// What is not kept (see [`ikev2::wire`]) is sent as zero; everything else comes back.
fn only_reserved_bits_differ(received: &[u8], encoded: &[u8]) {
    assert_eq!(received.len(), encoded.len());
    for (at, (from, to)) in received.iter().zip(encoded).enumerate() {
        assert_eq!(from & to, *to, "a bit at {at} that was not there");
    }
}

fn look_into(payloads: &[Payload]) {
    drop(format!("{payloads:?}"));
    let mut selectors = payloads.iter().filter_map(|payload| match payload {
        Payload::TrafficSelectorsInitiator(list) | Payload::TrafficSelectorsResponder(list) => Some(list),
        _ => None,
    });
    let Some(proposed) = selectors.next() else { return };
    let policy = selectors.next().unwrap_or(proposed);
    for one in proposed {
        drop(one.to_string());
        for other in policy {
            let both = one.intersection(other);
            assert_eq!(both, other.intersection(one), "an intersection has no order");
            if let Some(both) = both {
                assert!(one.contains(&both) && other.contains(&both), "{both} is in {one} and in {other}");
            }
        }
    }
    drop(narrow(proposed, policy));
}
