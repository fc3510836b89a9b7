//! Requests to the kernel by netlink, and what it says by itself.

use std::fmt::Debug;
use std::io;
use std::marker::PhantomData;
use std::os::fd::AsRawFd;

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkDeserializable, NetlinkHeader, NetlinkMessage,
    NetlinkPayload, NetlinkSerializable,
};
use netlink_sys::{Socket, SocketAddr};
use zeroize::Zeroize;

/// A burst of a few thousand notifications fits.
const RECEIVE_BUFFER: usize = 4 << 20;

/// What netlink messages of one family are.
pub(super) trait Message: NetlinkSerializable + NetlinkDeserializable + Debug {}

impl<M: NetlinkSerializable + NetlinkDeserializable + Debug> Message for M {}

/// A socket for requests, each of which is answered before the call returns.
pub(super) struct Requests<M> {
    socket: Socket,
    sequence: u32,
    wipe: fn(&mut M),
}

impl<M: Message> Requests<M> {
    pub(super) fn open(protocol: isize) -> io::Result<Self> {
        let mut socket = Socket::new(protocol)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self { socket, sequence: 0, wipe: |_| {} })
    }

    /// Overwrites what is secret in requests after they were sent.
    pub(super) fn wiping(self, wipe: fn(&mut M)) -> Self {
        Self { wipe, ..self }
    }

    /// Sends a request and waits for the kernel's answer: done, or why not.
    pub(super) fn ask(&mut self, request: M, flags: u16) -> io::Result<()> {
        self.send(request, NLM_F_ACK | flags)?;
        loop {
            for answer in self.receive()? {
                match answer.payload {
                    NetlinkPayload::Error(error) if error.code.is_some() => return Err(error.to_io()),
                    NetlinkPayload::Error(_) => return Ok(()),
                    _ => {}
                }
            }
        }
    }

    /// Sends a request for one object and returns it.
    pub(super) fn get(&mut self, request: M) -> io::Result<M> {
        self.send(request, 0)?;
        loop {
            for answer in self.receive()? {
                match answer.payload {
                    NetlinkPayload::Error(error) => return Err(error.to_io()),
                    NetlinkPayload::InnerMessage(message) => return Ok(message),
                    _ => {}
                }
            }
        }
    }

    /// Sends a request for everything of a kind and returns it.
    pub(super) fn dump(&mut self, request: M) -> io::Result<Vec<M>> {
        self.send(request, NLM_F_DUMP)?;
        let mut messages = Vec::new();
        loop {
            for answer in self.receive()? {
                match answer.payload {
                    NetlinkPayload::Done(_) => return Ok(messages),
                    NetlinkPayload::Error(error) => return Err(error.to_io()),
                    NetlinkPayload::InnerMessage(message) => messages.push(message),
                    _ => {}
                }
            }
        }
    }

    fn send(&mut self, request: M, flags: u16) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(request));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        let sent = self.socket.send(&bytes, 0);
        // Some requests have keys in them.
        bytes.zeroize();
        if let NetlinkPayload::InnerMessage(request) = &mut message.payload {
            (self.wipe)(request);
        }
        sent.map(|_| ())
    }

    /// The messages of one datagram that answer the last request.
    fn receive(&mut self) -> io::Result<Vec<NetlinkMessage<M>>> {
        let (mut bytes, _) = self.socket.recv_from_full()?;
        let answers: io::Result<Vec<_>> = split(&bytes).map(parse).collect();
        // So have some answers.
        bytes.zeroize();
        let mut answers = answers?;
        answers.retain(|answer| answer.header.sequence_number == self.sequence);
        Ok(answers)
    }
}

/// A socket on which the kernel says what happens.
pub(super) struct Notifications<M> {
    socket: Socket,
    /// How often the kernel had to leave something out because this program was too slow.
    pub(super) overruns: u64,
    of: PhantomData<fn() -> M>,
}

impl<M: Message> Notifications<M> {
    pub(super) fn open(protocol: isize, groups: &[u32]) -> io::Result<Self> {
        let mut socket = Socket::new(protocol)?;
        socket.bind_auto()?;
        // The system may grant less; that is no reason to stop.
        let _ = socket.set_rx_buf_sz(i32::try_from(RECEIVE_BUFFER).unwrap_or(i32::MAX));
        for group in groups {
            socket.add_membership(*group)?;
        }
        socket.set_non_blocking(true)?;
        Ok(Self { socket, overruns: 0, of: PhantomData })
    }

    pub(super) fn register(&self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut SourceFd(&self.socket.as_raw_fd()), token, Interest::READABLE)
    }

    /// Asks for what is to be notified, and waits for the kernel's answer.
    pub(super) fn subscribe(&mut self, mut request: NetlinkMessage<M>) -> io::Result<()> {
        request.finalize();
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        self.socket.set_non_blocking(false)?;
        self.socket.send_to(&bytes, &SocketAddr::new(0, 0), 0)?;
        let (answer, _) = self.socket.recv_from_full()?;
        self.socket.set_non_blocking(true)?;
        for message in split(&answer) {
            if let NetlinkPayload::Error(error) = parse::<M>(message)?.payload
                && error.code.is_some()
            {
                return Err(error.to_io());
            }
        }
        Ok(())
    }

    /// What the kernel said next. Messages that this program does not understand are left out.
    pub(super) fn receive(&mut self) -> io::Result<Vec<M>> {
        let mut bytes = Vec::with_capacity(LARGEST_DATAGRAM);
        match self.socket.recv(&mut bytes, 0) {
            Ok(_) => {}
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                self.overruns += 1;
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        }
        let messages = split(&bytes).filter_map(|message| match parse(message).ok()?.payload {
            NetlinkPayload::InnerMessage(message) => Some(message),
            _ => None,
        });
        Ok(messages.collect())
    }
}

/// The kernel puts no more into one datagram unless it is asked for more.
const LARGEST_DATAGRAM: usize = 32 << 10;

/// The messages in a datagram. Each begins with its length, and the next begins at a multiple of four.
fn split(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    const HEADER: usize = 16;
    core::iter::from_fn(move || {
        let len = u32::from_ne_bytes(*bytes.first_chunk()?);
        let len = usize::try_from(len).ok().filter(|len| *len >= HEADER)?;
        let message = bytes.get(..len)?;
        bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some(message)
    })
}

fn parse<M: Message>(message: &[u8]) -> io::Result<NetlinkMessage<M>> {
    NetlinkMessage::deserialize(message)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(len: u32, rest: usize) -> Vec<u8> {
        let mut bytes = len.to_ne_bytes().to_vec();
        bytes.resize(4 + rest, 7);
        bytes
    }

    #[test]
    fn a_datagram_is_split_at_multiples_of_four() {
        let mut datagram = message(17, 16);
        datagram.extend(message(16, 12));
        let lengths: Vec<usize> = split(&datagram).map(<[u8]>::len).collect();
        assert_eq!(lengths, [17, 16]);
    }

    #[test]
    fn lengths_that_lie_end_the_datagram() {
        assert_eq!(split(&message(15, 28)).count(), 0, "shorter than its own header");
        assert_eq!(split(&message(33, 28)).count(), 0, "longer than the datagram");
        assert_eq!(split(&[1, 2, 3]).count(), 0);
        assert_eq!(split(&[]).count(), 0);
    }
}
