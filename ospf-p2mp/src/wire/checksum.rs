//! The two checksums: the Internet's for packets, Fletcher's for LSAs.

use subtle::ConstantTimeEq;

/// The checksum of a packet: RFC 1071 over everything but the eight authentication octets (RFC 2328 appendix
/// D.4.1). Over a packet that carries its checksum the result is zero.
pub(crate) fn ip_checksum(before_auth: &[u8], after_auth: &[u8]) -> [u8; 2] {
    let mut sum = internet_checksum::Checksum::new();
    sum.add_bytes(before_auth);
    sum.add_bytes(after_auth);
    sum.checksum()
}

/// Fletcher's checksum (RFC 905 annex B, RFC 2328 section 12.1.7) over an LSA without its age field.
///
/// `head` and `tail` are what stands before and behind the checksum field.
pub(super) fn fletcher(head: &[u8], tail: &[u8]) -> u16 {
    let (mut c0, mut c1) = (0u32, 0u32);
    let mut add = |bytes: &[u8]| {
        // 4,000 octets keep both sums below 2^32.
        for block in bytes.chunks(4000) {
            for &byte in block {
                c0 += u32::from(byte);
                c1 += c0;
            }
            c0 %= 255;
            c1 %= 255;
        }
    };
    add(head);
    add(&[0, 0]);
    add(tail);
    // Octets from the checksum's first one to the end, less one: the weight of that octet in c1 is one more.
    let rest = i64::try_from(tail.len()).unwrap_or(0) + 1;
    let (c0, c1) = (i64::from(c0), i64::from(c1));
    let mut x = (rest * c0 - c1).rem_euclid(255);
    let mut y = (c1 - (rest + 1) * c0).rem_euclid(255);
    if x == 0 {
        x = 255;
    }
    if y == 0 {
        y = 255;
    }
    let octet = |value: i64| u16::try_from(value).unwrap_or(0);
    octet(x) << 8 | octet(y)
}

/// Compares two digests without telling by the time it takes where they differ.
pub(crate) fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && bool::from(a.ct_eq(b))
}
