//! Errors of our caller. What a peer does wrong is never an `Err` of the endpoint; codec errors are in
//! [`wire`](crate::wire).

use thiserror::Error;

/// A configuration that cannot work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A new configuration is for another address or other ports than the endpoint's.
    #[error("an endpoint keeps its address and ports")]
    OtherEndpoint,
    /// There is no profile.
    #[error("there is no profile")]
    NoProfiles,
    /// More profiles than a `ProfileId` can name.
    #[error("more than 65535 profiles")]
    TooManyProfiles,
    /// IKE and NAT port are the same.
    #[error("the IKE port and the NAT port are the same")]
    SamePorts,
    /// The window is out of range.
    #[error("window {0} is not between 1 and 32")]
    Window(u8),
    /// The retransmission parameters cannot work.
    #[error("retransmission needs a first interval above zero and a factor of at least 100 percent")]
    Retransmission,
    /// The fragment size is out of range.
    #[error("fragment size {0} is not between 256 and 65000")]
    FragmentSize(usize),
    /// A profile without an IKE proposal.
    #[error("profile {profile} has no IKE proposal")]
    NoIkeProposal {
        /// Index of the profile.
        profile: usize,
    },
    /// A profile without an ESP proposal.
    #[error("profile {profile} has no ESP proposal")]
    NoEspProposal {
        /// Index of the profile.
        profile: usize,
    },
    /// A proposal without encryption or without a group.
    #[error("profile {profile} has a proposal without encryption or group")]
    EmptyProposal {
        /// Index of the profile.
        profile: usize,
    },
    /// A cipher that needs an integrity algorithm has none.
    #[error("profile {profile} has a cipher without integrity protection")]
    NoIntegrity {
        /// Index of the profile.
        profile: usize,
    },
    /// No pseudo-random function is named or implied.
    #[error("profile {profile} has a proposal without a pseudo-random function")]
    NoPrf {
        /// Index of the profile.
        profile: usize,
    },
    /// A profile that accepts nobody.
    #[error("profile {profile} matches no identity")]
    NoIdentityMatch {
        /// Index of the profile.
        profile: usize,
    },
    /// A lifetime below ten seconds.
    #[error("profile {profile} has a lifetime below 10 s")]
    LifetimeTooShort {
        /// Index of the profile.
        profile: usize,
    },
}
