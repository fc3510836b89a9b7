//! TCP maximum segment size clamping (RFC 9293 section 3.7.1): a TCP connection that is opened through a tunnel never
//! learns a segment size that the tunnel cannot carry.

use internet_checksum::update;

use super::ipv4::{Header, protocol};

const SYN: u8 = 0x02;
const OPTION_END: u8 = 0;
const OPTION_NOP: u8 = 1;
const OPTION_MSS: u8 = 2;
const TCP_HEADER_LEN: usize = 20;

/// Lowers the MSS option of a SYN to `largest`, if it is larger; never raises it, and inserts none where there is none,
/// as IOS does. Returns the MSS that the packet now carries, or `None` if it is no SYN with that option.
pub(crate) fn clamp(packet: &mut [u8], header: &Header, largest: Option<u16>) -> Option<u16> {
    if header.protocol != protocol::TCP || header.fragment_offset != 0 {
        return None;
    }
    let tcp = packet.get_mut(header.header_len..header.total_len)?;
    if tcp.len() < TCP_HEADER_LEN || tcp[13] & SYN == 0 {
        return None;
    }
    let options_end = usize::from(tcp[12] >> 4) * 4;
    if options_end < TCP_HEADER_LEN || options_end > tcp.len() {
        return None;
    }
    let at = find_mss(&tcp[..options_end])?;
    let offered = u16::from_be_bytes([tcp[at], tcp[at + 1]]);
    let Some(largest) = largest.filter(|largest| *largest < offered) else { return Some(offered) };
    write(tcp, at, largest);
    Some(largest)
}

/// Where the value of the MSS option lies in a TCP header with options.
fn find_mss(tcp: &[u8]) -> Option<usize> {
    let mut at = TCP_HEADER_LEN;
    loop {
        match *tcp.get(at)? {
            OPTION_END => return None,
            OPTION_NOP => at += 1,
            kind => {
                let len = usize::from(*tcp.get(at + 1)?);
                if len < 2 || at + len > tcp.len() {
                    return None;
                }
                if kind == OPTION_MSS {
                    return (len == 4).then_some(at + 2);
                }
                at += len;
            }
        }
    }
}

/// Writes the value and corrects the TCP checksum. An option may lie at an odd offset, where the checksum sees the bytes
/// of the value as halves of two words; correcting whole aligned words is right in both cases.
fn write(tcp: &mut [u8], at: usize, value: u16) {
    let (from, to) = (at & !1, (at + 3) & !1);
    let mut old = [0; 4];
    let old = &mut old[..to - from];
    old.copy_from_slice(&tcp[from..to]);
    tcp[at..at + 2].copy_from_slice(&value.to_be_bytes());
    let sum = update([tcp[16], tcp[17]], old, &tcp[from..to]);
    tcp[16..18].copy_from_slice(&sum);
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use internet_checksum::Checksum;

    use super::super::ipv4::NewHeader;
    use super::*;

    const SOURCE: Ipv4Addr = Ipv4Addr::new(192, 168, 11, 5);
    const DESTINATION: Ipv4Addr = Ipv4Addr::new(192, 168, 12, 5);

    fn tcp_checksum(tcp: &[u8]) -> [u8; 2] {
        let mut sum = Checksum::new();
        sum.add_bytes(&SOURCE.octets());
        sum.add_bytes(&DESTINATION.octets());
        sum.add_bytes(&[0, protocol::TCP]);
        sum.add_bytes(&u16::try_from(tcp.len()).expect("short").to_be_bytes());
        sum.add_bytes(tcp);
        sum.checksum()
    }

    fn syn(flags: u8, options: &[u8]) -> Vec<u8> {
        let mut tcp = vec![0x30, 0x39, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0, flags, 0xff, 0xff, 0, 0, 0, 0];
        tcp.extend_from_slice(options);
        while tcp.len() % 4 != 0 {
            tcp.push(OPTION_END);
        }
        tcp[12] = u8::try_from(tcp.len() / 4).expect("short") << 4;
        let sum = tcp_checksum(&tcp);
        tcp[16..18].copy_from_slice(&sum);
        let header = NewHeader {
            tos: 0,
            identification: 0,
            dont_fragment: true,
            ttl: 64,
            protocol: protocol::TCP,
            source: SOURCE,
            destination: DESTINATION,
        };
        let mut packet = header.to_bytes(tcp.len()).expect("short").to_vec();
        packet.extend(tcp);
        packet
    }

    fn clamped(packet: &mut [u8], largest: Option<u16>) -> Option<u16> {
        let header = Header::read(packet).expect("valid");
        let mss = clamp(packet, &header, largest);
        assert_eq!(tcp_checksum(&packet[20..]), [0, 0], "checksum");
        mss
    }

    #[test]
    fn a_larger_mss_is_lowered_and_a_smaller_one_stays() {
        for padding in 0..4 {
            let mut options = vec![OPTION_NOP; padding];
            options.extend([OPTION_MSS, 4, 0x05, 0xb4]);
            let mut packet = syn(SYN, &options);
            assert_eq!(clamped(&mut packet, None), Some(1460));
            assert_eq!(clamped(&mut packet, Some(1360)), Some(1360), "{padding} bytes in front");
            assert_eq!(clamped(&mut packet, Some(1400)), Some(1360));
        }
    }

    #[test]
    fn only_syns_with_the_option_are_touched() {
        for (flags, options) in [
            (0x10, &[OPTION_MSS, 4, 0x05, 0xb4][..]),
            (SYN, &[]),
            (SYN, &[3, 3, 7]),
            (SYN, &[OPTION_MSS, 3, 5, 0]),
            (SYN, &[8, 0, 0, 0]),
            (SYN, &[OPTION_END, OPTION_MSS, 4, 5]),
            (SYN, &[8, 10, 0, 0]),
        ] {
            let mut packet = syn(flags, options);
            let before = packet.clone();
            assert_eq!(clamped(&mut packet, Some(536)), None, "{options:?}");
            assert_eq!(packet, before);
        }
    }
}
