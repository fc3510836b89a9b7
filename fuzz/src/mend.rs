//! Lengths and checksums that a fuzzer would take for ever to guess: each function makes them right in a copy.

use internet_checksum::checksum;

/// Writes a field, if the bytes are long enough to have it.
fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(field) = bytes.get_mut(at..at + value.len()) {
        field.copy_from_slice(value);
    }
}

fn length(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes()
}

/// A GRE packet whose checksum, where its flags say that it has one, is right.
#[must_use]
pub fn gre(packet: &[u8]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    if packet.first().is_some_and(|flags| flags & 0x80 != 0) && packet.len() >= 8 {
        put(&mut packet, 4, &[0, 0]);
        let sum = checksum(&packet);
        put(&mut packet, 4, &sum);
    }
    packet
}

/// An NHRP packet whose size and checksum are right and whose version is 1.
#[must_use]
pub fn nhrp(packet: &[u8]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    let size = length(&packet);
    put(&mut packet, 10, &size);
    put(&mut packet, 12, &[0, 0]);
    put(&mut packet, 16, &[1]);
    let sum = checksum(&packet);
    put(&mut packet, 12, &sum);
    packet
}

/// An OSPF packet whose version and length are right, and whose checksum is where it counts. What stood behind the
/// length that it claimed, if that was possible, stays behind it.
#[must_use]
pub fn ospf(packet: &[u8]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    let said = packet.get(2..4).map_or(0, |field| usize::from(field[0]) << 8 | usize::from(field[1]));
    let len = if (24..=packet.len()).contains(&said) { said } else { packet.len() };
    put(&mut packet, 0, &[2]);
    let field = u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes();
    put(&mut packet, 2, &field);
    put(&mut packet, 12, &[0, 0]);
    let covered: Vec<u8> = packet.iter().take(16).chain(packet.iter().take(len).skip(24)).copied().collect();
    let sum = checksum(&covered);
    put(&mut packet, 12, &sum);
    packet
}

/// An LSA cut to whole words whose length is right.
#[must_use]
pub fn lsa(lsa: &[u8]) -> Vec<u8> {
    let mut lsa = lsa.get(..lsa.len() / 4 * 4).unwrap_or_default().to_vec();
    let field = length(&lsa);
    put(&mut lsa, 18, &field);
    lsa
}

/// An IPv4 packet whose version, length and header checksum are right.
#[must_use]
pub fn ipv4(packet: &[u8]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    let words = packet.first().map_or(5, |first| first & 0x0f).max(5);
    put(&mut packet, 0, &[0x40 | words]);
    let field = length(&packet);
    put(&mut packet, 2, &field);
    put(&mut packet, 10, &[0, 0]);
    let sum = checksum(packet.get(..usize::from(words) * 4).unwrap_or(&packet));
    put(&mut packet, 10, &sum);
    packet
}

/// An IKE message whose length is right.
#[must_use]
pub fn ike(message: &[u8]) -> Vec<u8> {
    let mut message = message.to_vec();
    let field = u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes();
    put(&mut message, 24, &field);
    message
}
