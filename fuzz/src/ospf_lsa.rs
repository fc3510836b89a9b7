//! OSPF link state advertisements.

use ospf_p2mp::wire::{Lsa, LsaKey};

use crate::mend;

/// An LSA: as it is, and with its length made right.
pub fn ospf_lsa(data: &[u8]) {
    for bytes in [data.to_vec(), mend::lsa(data)] {
        match Lsa::decode(&bytes) {
            Ok(lsa) => round_trip(&lsa, &bytes),
            Err(error) => drop(error.to_string()),
        }
    }
}

/// An LSA that was decoded from these bytes.
pub(crate) fn round_trip(lsa: &Lsa, bytes: &[u8]) {
    let mut encoded = Vec::new();
    lsa.encode_into(&mut encoded);
    assert_eq!(encoded, bytes, "an LSA is carried as it came");
    assert_eq!(lsa.wire_len(), bytes.len());
    let _ = lsa.checksum_is_valid();

    let body = match lsa.decode_body() {
        Ok(body) => body,
        Err(error) => return drop(error.to_string()),
    };
    drop(format!("{body:?}"));
    let key = LsaKey::new(lsa.header.ls_type, lsa.header.link_state_id, lsa.header.advertising_router);
    let Ok(again) = Lsa::new(key, lsa.header.options, lsa.header.sequence, body.encode()) else {
        panic!("what was decoded fits");
    };
    assert!(again.header.checksum == 0 || again.checksum_is_valid());
    assert_eq!(again.decode_body().as_ref(), Ok(&body), "what was encoded decodes to the same");
}
