//! A spoke in less than 60 lines: IKE and ESP in UDP (the profile says `nat force-encap`), static routes or OSPF, and a log
//! of what happens. It answers no LAN; `handle_lan` and `Verdict::Deliver` are where one would be connected.

use std::error::Error;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use dmvpn::config::ios;
use dmvpn::{Output, Packet, Path, Spoke, Verdict, Wire};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("usage: outside-spoke CONFIGURATION")?;
    let parsed = ios::parse(&file, &std::fs::read_to_string(&file)?);
    for diagnostic in &parsed.diagnostics {
        eprintln!("{diagnostic}");
    }
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    let mut spoke = Spoke::new(parsed.config, ChaCha20Rng::from_seed(seed), Instant::now())?;
    let local = spoke.underlay_addresses().next().ok_or("no tunnel has a source")?;
    let mut sockets = Vec::new();
    for port in [500, 4500] {
        let socket = UdpSocket::bind((local, port))?;
        socket.set_read_timeout(Some(Duration::from_millis(2)))?;
        sockets.push((port, socket));
    }
    let mut buffer = [0; 65535];
    let mut packet = Packet::with_capacity(buffer.len());
    let send = |path: Path, payload: &[u8]| {
        let Wire::Udp { local_port, remote_port } = path.wire else { return };
        for (_, socket) in sockets.iter().filter(|(port, _)| *port == local_port) {
            if let Err(error) = socket.send_to(payload, (path.remote, remote_port)) {
                eprintln!("{path}: {error}");
            }
        }
    };
    loop {
        for (local_port, socket) in &sockets {
            let Ok((len, from)) = socket.recv_from(&mut buffer) else { continue };
            packet.fill(&buffer[..len]);
            let wire = Wire::Udp { local_port: *local_port, remote_port: from.port() };
            match spoke.handle_wan(Instant::now(), Path::new(local, from.ip(), wire), &mut packet) {
                Verdict::Transmit(path) => send(path, packet.bytes()),
                Verdict::Deliver(to) => println!("{to:?}: {} bytes", packet.len()),
                Verdict::Consumed | Verdict::Dropped(_) => {}
            }
        }
        spoke.handle_timeout(Instant::now());
        while let Some(output) = spoke.poll_output() {
            match output {
                Output::Transmit { path, payload } => send(path, &payload),
                Output::Event(event) => println!("{event}"),
                _ => {}
            }
        }
    }
}
