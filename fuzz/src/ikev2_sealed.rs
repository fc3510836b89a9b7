//! IKEv2's encrypted payload, whose keys the fuzzer knows.

use ikev2::crypto::{Direction, Encryption, Envelope, Group, IkeKeys, IkeSuite, Integrity, Prf};
use ikev2::wire::{ExchangeType, Header, Message, PayloadType, decode_payloads};

use crate::input::Input;

/// `suite (1) | options (1) | first payload type (1) | initialisation vector (16) | plaintext`. Bit 0 of the options:
/// a fragment, whose number and total are the two bytes behind; bits 1 to 7: which byte of the message to damage
/// afterwards.
///
/// The plaintext is sealed and opened: it comes back, a damaged message does not open, and the wrong direction's keys do
/// not open it either. The plaintext itself is then decoded as the chain that it may be.
pub fn ikev2_sealed(data: &[u8]) {
    let mut input = Input::new(data);
    let encryption = Encryption::ALL[usize::from(input.byte()) % Encryption::ALL.len()];
    let integrity = if encryption.is_aead() { Integrity::None } else { Integrity::HmacSha256_128 };
    let suite = IkeSuite { encryption, integrity, prf: Prf::HmacSha256, group: Group::Modp2048 };
    let options = input.byte();
    let first = PayloadType(input.byte());
    let iv = input.array();
    let fragment = (options & 1 != 0).then(|| (u16::from(input.byte()), u16::from(input.byte())));
    // A message's length has 16 bits in its payload header.
    let plaintext = input.take(60_000);

    let keys = IkeKeys::derive(suite, &b"a seed for keys"[..].into(), &[1; 32], &[2; 32], 3, 4);
    let envelope = Envelope::new(suite, &keys, Direction::FromInitiator);
    let header = Header {
        spi_i: 3,
        spi_r: 4,
        next: PayloadType::NONE,
        minor_version: 0,
        exchange: ExchangeType::INFORMATIONAL,
        flags: 0,
        message_id: 5,
    };
    let datagram = envelope.seal_with_iv(header, first, plaintext, fragment, iv);
    assert!(
        datagram.len() <= plaintext.len() + envelope.overhead() + 4,
        "the overhead is what it is said to be"
    );
    let Ok(message) = Message::decode(&datagram) else {
        let (number, total) = fragment.expect("only a fragment can be numbered wrongly");
        assert!(number == 0 || number > total);
        return;
    };
    let sealed = message.sealed.as_ref().expect("it was sealed");
    assert_eq!((sealed.first, sealed.fragment), (first, fragment));
    let opened = envelope.open(&datagram, sealed).expect("what was sealed opens");
    assert_eq!(opened.as_slice(), plaintext);
    assert!(Envelope::new(suite, &keys, Direction::FromResponder).open(&datagram, sealed).is_err());

    let mut damaged = datagram;
    let at = usize::from(options >> 1) % damaged.len();
    damaged[at] ^= 1 << (options >> 5);
    if let Ok(Message { sealed: Some(sealed), .. }) = Message::decode(&damaged) {
        assert!(envelope.open(&damaged, &sealed).is_err(), "byte {at} is authenticated");
    }
    drop(decode_payloads(first, &opened));
}
