//! A set of addresses that nearly always has one member.

use std::net::IpAddr;
use std::slice;

/// Addresses in the order in which they came, each once. One takes no memory of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Few {
    #[default]
    None,
    One(IpAddr),
    Many(Vec<IpAddr>),
}

impl Few {
    pub(super) fn as_slice(&self) -> &[IpAddr] {
        match self {
            Few::None => &[],
            Few::One(address) => slice::from_ref(address),
            Few::Many(addresses) => addresses,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.as_slice().contains(&address)
    }

    pub(super) fn insert(&mut self, address: IpAddr) {
        if self.contains(address) {
            return;
        }
        match self {
            Few::None => *self = Few::One(address),
            Few::One(first) => *self = Few::Many(vec![*first, address]),
            Few::Many(addresses) => addresses.push(address),
        }
    }

    pub(super) fn remove(&mut self, address: IpAddr) {
        match self {
            Few::None => {}
            Few::One(only) => {
                if *only == address {
                    *self = Few::None;
                }
            }
            Few::Many(addresses) => {
                addresses.retain(|member| *member != address);
                match addresses.as_slice() {
                    [] => *self = Few::None,
                    [last] => *self = Few::One(*last),
                    _ => {}
                }
            }
        }
    }
}
