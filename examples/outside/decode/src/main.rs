//! Prints the NHRP packets of a capture of GRE on Ethernet.

use std::error::Error;
use std::fs::File;

use nhrp::wire::Packet;
use pcap_file::pcap::PcapReader;

/// What follows Ethernet, IPv4 and GRE, if GRE carries NHRP (RFC 2784; protocol type 0x2001).
fn nhrp_of(frame: &[u8]) -> Option<&[u8]> {
    const IPV4: [u8; 2] = [0x08, 0x00];
    const NHRP: [u8; 2] = [0x20, 0x01];
    let ip = frame.get(14..).filter(|_| frame.get(12..14) == Some(&IPV4))?;
    let gre = ip.get(usize::from(ip.first()? & 0x0f) * 4..).filter(|_| ip.get(9) == Some(&47))?;
    // Checksum, key and sequence number are four bytes each.
    let options = (gre.first()? & 0b1011_0000).count_ones() as usize;
    gre.get(4 + 4 * options..).filter(|_| gre.get(2..4) == Some(&NHRP))
}

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("usage: outside-decode CAPTURE.pcap")?;
    let mut reader = PcapReader::new(File::open(file)?)?;
    let mut number = 0;
    while let Some(frame) = reader.next_packet() {
        number += 1;
        let frame = frame?;
        let Some(bytes) = nhrp_of(&frame.data) else { continue };
        match Packet::decode(bytes) {
            Ok(packet) => println!("{number}: {packet:?}"),
            Err(error) => println!("{number}: not NHRP: {error}"),
        }
    }
    Ok(())
}
