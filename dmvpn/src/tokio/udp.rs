//! An underlay of UDP sockets.

use core::future::poll_fn;
use core::task::{Context, Poll};
use std::io;
use std::net::SocketAddr;

use ::tokio::io::ReadBuf;
use ::tokio::net::UdpSocket;

use super::Underlay;
use crate::{Packet, Path, Wire};

/// The largest UDP payload.
const LARGEST: usize = 65_507;

/// UDP sockets, one for each underlay address and port: 500 and 4500.
///
/// ESP travels in UDP behind a NAT, or where an IKEv2 profile says `nat force-encap`. ESP and GRE in IP need raw sockets,
/// and an [`Underlay`] of their own; here they are refused.
#[derive(Debug)]
pub struct UdpUnderlay {
    sockets: Vec<(SocketAddr, UdpSocket)>,
    /// The socket that is asked first next time, so that none starves.
    next: usize,
    buffer: Box<[u8]>,
}

impl Default for UdpUnderlay {
    fn default() -> Self {
        Self { sockets: Vec::new(), next: 0, buffer: vec![0; LARGEST].into_boxed_slice() }
    }
}

impl UdpUnderlay {
    /// Adds a socket that is bound to one of the engine's underlay addresses.
    ///
    /// # Errors
    /// It has no address.
    pub fn add(&mut self, socket: UdpSocket) -> io::Result<()> {
        let local = socket.local_addr()?;
        self.sockets.push((local, socket));
        Ok(())
    }

    fn poll_receive(&mut self, context: &mut Context<'_>, packet: &mut Packet) -> Poll<Path> {
        let count = self.sockets.len();
        for turn in 0..count {
            let index = (self.next + turn) % count;
            let Some((local, socket)) = self.sockets.get(index) else { continue };
            loop {
                let mut buffer = ReadBuf::new(&mut self.buffer);
                match socket.poll_recv_from(context, &mut buffer) {
                    Poll::Pending => break,
                    // A socket hands over the ICMP errors that it met; the engine finds dead peers by itself.
                    Poll::Ready(Err(_)) => {}
                    Poll::Ready(Ok(from)) => {
                        packet.fill(buffer.filled());
                        self.next = index + 1;
                        let wire = Wire::Udp { local_port: local.port(), remote_port: from.port() };
                        return Poll::Ready(Path::new(local.ip(), from.ip(), wire));
                    }
                }
            }
        }
        Poll::Pending
    }
}

impl Underlay for UdpUnderlay {
    async fn receive(&mut self, packet: &mut Packet) -> io::Result<Path> {
        Ok(poll_fn(|context| self.poll_receive(context, packet)).await)
    }

    fn send(&mut self, path: &Path, payload: &[u8]) -> io::Result<()> {
        let Wire::Udp { local_port, remote_port } = path.wire else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let local = SocketAddr::new(path.local, local_port);
        let socket = self.sockets.iter().find(|(address, _)| *address == local);
        let (_, socket) = socket.ok_or(io::ErrorKind::AddrNotAvailable)?;
        socket.try_send_to(payload, SocketAddr::new(path.remote, remote_port)).map(|_| ())
    }
}
