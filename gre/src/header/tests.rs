//! Golden bytes, every combination of options, every truncation, every forbidden bit.

use super::*;

/// All eight combinations of the three options.
fn combinations() -> impl Iterator<Item = Header> {
    (0..8).map(|options| {
        let mut header = Header::new(Protocol(0x1234));
        if options & 1 != 0 {
            header = header.with_key(0xdead_beef);
        }
        if options & 2 != 0 {
            header = header.with_sequence(7);
        }
        if options & 4 != 0 {
            header = header.with_checksum();
        }
        header
    })
}

fn pushed(header: Header, payload: &[u8]) -> Vec<u8> {
    let mut buffer = [&[0xcc; MAX_LEN], payload, &[0xcc; 3]].concat();
    let range = MAX_LEN..MAX_LEN + payload.len();
    let start = header.push(&mut buffer, range.clone()).expect("room");
    assert!(
        buffer[..start].iter().chain(&buffer[range.end..]).all(|&byte| byte == 0xcc),
        "nothing else is written"
    );
    buffer[start..range.end].to_vec()
}

#[test]
fn golden_bytes() {
    let key = Header::new(Protocol::IPV4).with_key(100);
    assert_eq!(hex::encode(pushed(key, b"")), "2000080000000064");
    assert_eq!(hex::encode(pushed(Header::new(Protocol::NHRP), b"")), "00002001");
    assert_eq!(hex::encode(pushed(key.with_sequence(5), b"")), "300008000000006400000005");
    // The checksum by hand: b000 + 0800 + 0064 + 0005 + 4500 = fd69, of which the complement is 0296.
    let all = key.with_sequence(5).with_checksum();
    assert_eq!(hex::encode(pushed(all, &[0x45])), "b00008000296000000000064000000".to_owned() + "0545");
}

#[test]
fn what_is_pushed_is_decoded() {
    for header in combinations() {
        for payload in [&[][..], &[0], &[1, 2, 3], &[0xff; 1400]] {
            let packet = pushed(header, payload);
            assert_eq!(packet.len(), header.len() + payload.len());
            let (decoded, len) = Header::decode(&packet).expect("sound");
            assert_eq!((decoded, len), (header, header.len()));
            assert_eq!(&packet[len..], payload);
        }
    }
    assert_eq!(combinations().map(|header| header.len()).max(), Some(MAX_LEN));
    assert_eq!(combinations().map(|header| header.len()).min(), Some(MIN_LEN));
}

#[test]
fn every_truncation_of_a_header_is_refused() {
    for header in combinations() {
        let packet = pushed(header, &[]);
        for have in 0..packet.len() {
            let needed = if have < MIN_LEN { MIN_LEN } else { header.len() };
            assert_eq!(Header::decode(&packet[..have]), Err(Error::Truncated { needed, have }));
        }
    }
}

#[test]
fn all_flags_mean_what_the_rfcs_say() {
    for flags in 0..=u16::MAX {
        let mut packet = [0; MAX_LEN];
        packet[..2].copy_from_slice(&flags.to_be_bytes());
        packet[2..4].copy_from_slice(&0x0800_u16.to_be_bytes());
        if flags & CHECKSUM != 0 {
            let sum = internet_checksum::checksum(&packet);
            packet[4..6].copy_from_slice(&sum);
        }
        let expected = match flags {
            _ if flags & 7 != 0 => Err(Error::Version((flags & 7) as u8)),
            _ if flags & 0x4000 != 0 => Err(Error::RoutingPresent),
            _ if flags & 0x0800 != 0 => Err(Error::StrictSourceRoute),
            _ if flags & 0x0400 != 0 => Err(Error::RecursionControl),
            _ => {
                let header = Header {
                    protocol: Protocol::IPV4,
                    key: (flags & 0x2000 != 0).then_some(0),
                    sequence: (flags & 0x1000 != 0).then_some(0),
                    checksum: flags & 0x8000 != 0,
                };
                Ok((header, header.len()))
            }
        };
        assert_eq!(Header::decode(&packet), expected, "flags 0x{flags:04x}");
    }
}

#[test]
fn the_checksum_covers_header_and_payload() {
    for header in combinations().filter(|header| header.checksum) {
        let packet = pushed(header, b"an odd payload!");
        for bit in 0..packet.len() * 8 {
            let mut damaged = packet.clone();
            damaged[bit / 8] ^= 0x80 >> (bit % 8);
            let outcome = Header::decode(&damaged);
            // The C, K and S bits change where the fields are: the sum is wrong all the same, or not looked at.
            if bit == 0 {
                assert_eq!(outcome.map(|(header, _)| header.checksum), Ok(false));
            } else {
                assert!(outcome.is_err(), "bit {bit}");
            }
        }
        let found = u16::from_be_bytes([packet[4], packet[5]]);
        let mut damaged = packet.clone();
        *damaged.last_mut().expect("a payload") ^= 1;
        assert_eq!(Header::decode(&damaged), Err(Error::Checksum { found }));
        // Padding of the link layer belongs to no IP packet and would not be zero for sure.
        damaged = [packet, vec![0x55, 1]].concat();
        assert_eq!(Header::decode(&damaged), Err(Error::Checksum { found }));
    }
}

#[test]
fn reserved_bits_behind_the_checksum_are_ignored() {
    let mut packet = pushed(Header::new(Protocol::IPV4).with_checksum(), b"data");
    packet[4..8].copy_from_slice(&[0, 0, 0xab, 0xcd]);
    let sum = internet_checksum::checksum(&packet);
    packet[4..6].copy_from_slice(&sum);
    assert_eq!(Header::decode(&packet), Ok((Header::new(Protocol::IPV4).with_checksum(), 8)));
}

#[test]
fn a_push_without_room_changes_nothing() {
    for header in combinations() {
        let needed = header.len();
        for have in 0..needed {
            let mut buffer = [9; 64];
            assert_eq!(header.push(&mut buffer, have..40), Err(Error::NoRoom { needed, have }));
            assert_eq!(buffer, [9; 64]);
        }
        assert_eq!(header.push(&mut [9; 64], needed..40), Ok(0));
        assert_eq!(header.push(&mut [9; 64], 64..64), Ok(64 - needed));
    }
}

#[test]
fn a_push_of_a_payload_that_is_not_there_is_refused() {
    for header in combinations() {
        for (start, end) in
            [(20, 65), (65, 65), (30, 20), (usize::MAX, 0), (0, usize::MAX), (usize::MAX, usize::MAX)]
        {
            let mut buffer = [9; 64];
            assert_eq!(
                header.push(&mut buffer, start..end),
                Err(Error::PayloadRange { start, end, len: 64 })
            );
            assert_eq!(buffer, [9; 64]);
        }
    }
}

#[test]
fn protocols_without_a_name_survive() {
    for value in [0, 1, 0x0806, 0x8909, 0xffff] {
        let packet = pushed(Header::new(Protocol(value)), b"x");
        assert_eq!(Header::decode(&packet).expect("sound").0.protocol, Protocol(value));
    }
    assert_eq!(Protocol::NHRP.to_string(), "NHRP");
    assert_eq!(Protocol(0x0806).to_string(), "0x0806");
    assert_eq!(format!("{:?}", Protocol::IPV4), "Protocol(IPv4)");
}
