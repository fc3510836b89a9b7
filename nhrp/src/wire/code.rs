//! The numbers of the packet format.

use std::fmt;

/// Declares a newtype over a wire number whose known values have names and whose unknown values survive.
macro_rules! wire_number {
    ($(#[$doc:meta])* $name:ident($inner:ty) { $($(#[$value_doc:meta])* $value:ident = $number:literal, $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl $name {
            $($(#[$value_doc])* pub const $value: $name = $name($number);)*

            /// Name of the value, if it has one.
            #[must_use]
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($text),)*
                    _ => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "unknown {}", self.0),
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({} {self})", stringify!($name), self.0)
            }
        }
    };
}

wire_number! {
    /// ar$op.type (RFC 2332 section 5.2).
    PacketType(u8) {
        /// Asks for the NBMA address of a destination.
        RESOLUTION_REQUEST = 1, "Resolution Request";
        /// Answers it.
        RESOLUTION_REPLY = 2, "Resolution Reply";
        /// Registers a client with a server.
        REGISTRATION_REQUEST = 3, "Registration Request";
        /// Answers it.
        REGISTRATION_REPLY = 4, "Registration Reply";
        /// Withdraws bindings.
        PURGE_REQUEST = 5, "Purge Request";
        /// Answers it.
        PURGE_REPLY = 6, "Purge Reply";
        /// Reports an error in a packet.
        ERROR_INDICATION = 7, "Error Indication";
        /// Cisco: tells a client that a better way may exist (phase 3).
        TRAFFIC_INDICATION = 8, "Traffic Indication";
    }
}

wire_number! {
    /// ar$afn, the family of NBMA addresses (IANA address family numbers).
    AddressFamily(u16) {
        /// IPv4.
        IPV4 = 1, "IPv4";
        /// IPv6.
        IPV6 = 2, "IPv6";
    }
}

wire_number! {
    /// ar$pro.type, the overlay protocol (an EtherType; 0x0080 means that the SNAP field says it).
    ProtocolType(u16) {
        /// IPv4.
        IPV4 = 0x0800, "IPv4";
        /// IPv6.
        IPV6 = 0x86dd, "IPv6";
        /// See the SNAP field.
        SNAP = 0x0080, "SNAP";
    }
}

wire_number! {
    /// Code of a client information entry (RFC 2332 sections 5.2.2 and 5.2.4).
    CieCode(u8) {
        /// Success; also the code of requests.
        SUCCESS = 0, "success";
        /// Administratively prohibited.
        PROHIBITED = 4, "administratively prohibited";
        /// Insufficient resources.
        RESOURCES = 5, "insufficient resources";
        /// What FRR and opennhrp send for "no binding exists".
        NO_BINDING_FRR = 11, "no binding exists (FRR)";
        /// No binding exists.
        NO_BINDING = 12, "no binding exists";
        /// A binding exists but is not unique.
        NOT_UNIQUE = 13, "binding is not unique";
        /// Another client registered this address as unique.
        ALREADY_REGISTERED = 14, "unique address already registered";
    }
}

wire_number! {
    /// Code of an Error Indication (RFC 2332 section 5.2.7).
    ErrorCode(u16) {
        /// A compulsory extension is not known.
        UNRECOGNIZED_EXTENSION = 1, "unrecognised extension";
        /// What FRR and opennhrp send for a loop.
        LOOP_FRR = 2, "loop detected (FRR)";
        /// The packet passed here before.
        LOOP = 3, "loop detected";
        /// The destination cannot be reached.
        UNREACHABLE = 6, "protocol address unreachable";
        /// The packet breaks a rule.
        PROTOCOL = 7, "protocol error";
        /// The packet is larger than the network carries.
        SDU_SIZE = 8, "SDU size exceeded";
        /// An extension breaks a rule.
        INVALID_EXTENSION = 9, "invalid extension";
        /// A resolution reply that nobody asked for, or that cannot be.
        INVALID_REPLY = 10, "invalid resolution reply";
        /// The authentication extension is missing or wrong.
        AUTHENTICATION = 11, "authentication failure";
        /// The hop count ran out.
        HOP_COUNT = 15, "hop count exceeded";
    }
}

/// The flags field of the mandatory part. Its meaning depends on the packet type.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Flags(pub u16);

impl Flags {
    /// Resolution: the requester is a router (Q).
    pub const ROUTER: Flags = Flags(0x8000);
    /// Resolution: authoritative answer wanted, or given (A).
    pub const AUTHORITATIVE: Flags = Flags(0x4000);
    /// Resolution reply: the destination's binding is stable (D).
    pub const DESTINATION_STABLE: Flags = Flags(0x2000);
    /// Resolution: unique bindings only (U).
    pub const RESOLUTION_UNIQUE: Flags = Flags(0x1000);
    /// Resolution: the source's binding is stable, so it may be learnt (S).
    pub const SOURCE_STABLE: Flags = Flags(0x0800);
    /// Registration: no other client may register this address (U).
    pub const REGISTRATION_UNIQUE: Flags = Flags(0x8000);
    /// Purge: no reply wanted (N).
    pub const NO_REPLY: Flags = Flags(0x8000);
    /// Cisco, registration and resolution: the sender knows the NAT address extension.
    pub const NAT: Flags = Flags(0x0002);

    /// Whether all bits of `other` are set.
    #[must_use]
    pub fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }
}

impl std::ops::BitOr for Flags {
    type Output = Flags;

    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flags({:#06x})", self.0)
    }
}
