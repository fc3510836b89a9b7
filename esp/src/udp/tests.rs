//! Every short datagram, and the shapes that arrive on port 4500.

use super::*;

#[test]
fn datagrams_are_told_apart_by_their_first_bytes() {
    assert_eq!(classify(&[]), Datagram::TooShort);
    assert_eq!(classify(&KEEPALIVE), Datagram::Keepalive);
    assert_eq!(classify(&[0xfe]), Datagram::TooShort);
    // A marker with nothing behind it is no message, and no SPI either.
    assert_eq!(classify(&NON_ESP_MARKER), Datagram::TooShort);
    assert_eq!(classify(&[0, 0, 0, 0, 9]), Datagram::Ike(&[9]));
    // Two bytes of 0xff are not a keepalive (RFC 3948 section 2.3 has exactly one).
    assert_eq!(classify(&[0xff, 0xff]), Datagram::TooShort);
    let esp = [0, 0, 0, 1, 0, 0, 0, 1, 5];
    assert_eq!(classify(&esp), Datagram::Esp(&esp));
    for len in 2..8 {
        assert_eq!(classify(&[0xff; 8][..len]), Datagram::TooShort, "{len}");
    }
    assert_eq!(classify(&esp[..7]), Datagram::TooShort);
    assert_eq!(classify(&esp[..8]), Datagram::Esp(&esp[..8]));
}
