//! NHRP packets.

use nhrp::wire::{Body, Extension, ExtensionType, Packet};

use crate::mend;

const WITH_ENTRIES: [ExtensionType; 4] = [
    ExtensionType::RESPONDER_ADDRESS,
    ExtensionType::FORWARD_TRANSIT_RECORD,
    ExtensionType::REVERSE_TRANSIT_RECORD,
    ExtensionType::NAT_ADDRESS,
];

/// A packet: as it is, and with its size and checksum made right.
pub fn nhrp_packet(data: &[u8]) {
    packet(data);
    packet(&mend::nhrp(data));
}

fn packet(received: &[u8]) {
    let decoded = match Packet::decode(received) {
        Ok(decoded) => decoded,
        Err(error) => return drop(error.to_string()),
    };
    let encoded = decoded.encode().expect("what was decoded fits");
    assert_eq!(Packet::decode(&encoded).as_ref(), Ok(&decoded), "what was encoded decodes to the same");
    let size = usize::from(u16::from_be_bytes([received[10], received[11]]));
    // A sum of zero is written as 0000 or ffff; both are right.
    let sum = &received[12..14];
    if sum == [0, 0] || sum == [0xff, 0xff] {
        assert_eq!(received[..12], encoded[..12]);
        assert_eq!(received[14..size], encoded[14..]);
    } else {
        assert_eq!(received[..size], encoded, "the same bytes");
    }

    drop(format!("{decoded:?}"));
    if let Body::Entries(entries) = &decoded.body {
        assert_eq!(entries, decoded.entries());
        for entry in entries {
            assert!(entry.effective_prefix_len(32) <= 32);
        }
    }
    for extension in decoded.extensions.iter().flatten() {
        let _ = extension.authentication_data();
        if !WITH_ENTRIES.contains(&extension.kind) {
            continue;
        }
        let Some(entries) = extension.entries() else { continue };
        let again = Extension::with_entries(extension.kind, &entries).expect("what was decoded fits");
        assert_eq!(again.value, extension.value, "the same bytes");
    }
}
