//! A LAN of channels.

use core::future::pending;
use std::io;

use ::tokio::sync::mpsc;

use super::Lan;
use crate::{Delivery, Packet};

/// A LAN whose packets come from a channel and go into one.
#[derive(Debug)]
pub struct ChannelLan {
    from: mpsc::Receiver<Vec<u8>>,
    to: mpsc::Sender<(Delivery, Vec<u8>)>,
}

/// The other ends of a [`ChannelLan`].
#[derive(Debug)]
pub struct LanHost {
    /// IP packets that are to be routed.
    pub send: mpsc::Sender<Vec<u8>>,
    /// IP packets out of the tunnels. What is not read in time is lost, as on any interface.
    pub receive: mpsc::Receiver<(Delivery, Vec<u8>)>,
}

impl ChannelLan {
    /// A LAN with room for so many packets in each direction.
    #[must_use]
    pub fn new(room: usize) -> (Self, LanHost) {
        let (send, from) = mpsc::channel(room.max(1));
        let (to, receive) = mpsc::channel(room.max(1));
        (Self { from, to }, LanHost { send, receive })
    }
}

impl Lan for ChannelLan {
    async fn receive(&mut self, packet: &mut Packet) -> io::Result<()> {
        match self.from.recv().await {
            Some(bytes) => {
                packet.fill(&bytes);
                Ok(())
            }
            // Nobody is left to send: the router still carries what others send.
            None => pending().await,
        }
    }

    fn send(&mut self, delivery: Delivery, packet: &[u8]) -> io::Result<()> {
        self.to.try_send((delivery, packet.to_vec())).map_err(|_| io::ErrorKind::WouldBlock.into())
    }
}
