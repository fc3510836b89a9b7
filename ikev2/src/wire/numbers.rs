//! The registries of RFC 7296 and its extensions, as open enumerations: a value without a name is still a value.

use core::fmt;

macro_rules! open_enum {
    ($(#[$meta:meta])* $name:ident($repr:ty) { $($(#[$doc:meta])* $constant:ident = $value:literal => $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub $repr);

        impl $name {
            $(
                #[doc = concat!("`", $text, "`")]
                $(#[$doc])*
                pub const $constant: Self = Self($value);
            )+

            /// The registry's name, where it is known here.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)+
                    _ => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{}", self.0),
                }
            }
        }
    };
}

open_enum! {
    /// Exchange types (RFC 7296 section 3.1).
    ExchangeType(u8) {
        IKE_SA_INIT = 34 => "IKE_SA_INIT",
        IKE_AUTH = 35 => "IKE_AUTH",
        CREATE_CHILD_SA = 36 => "CREATE_CHILD_SA",
        INFORMATIONAL = 37 => "INFORMATIONAL",
        IKE_SESSION_RESUME = 38 => "IKE_SESSION_RESUME",
        IKE_INTERMEDIATE = 43 => "IKE_INTERMEDIATE",
        IKE_FOLLOWUP_KE = 44 => "IKE_FOLLOWUP_KE",
    }
}

open_enum! {
    /// Payload types (RFC 7296 section 3.2).
    PayloadType(u8) {
        NONE = 0 => "none",
        SECURITY_ASSOCIATION = 33 => "SA",
        KEY_EXCHANGE = 34 => "KE",
        IDENTIFICATION_INITIATOR = 35 => "IDi",
        IDENTIFICATION_RESPONDER = 36 => "IDr",
        CERTIFICATE = 37 => "CERT",
        CERTIFICATE_REQUEST = 38 => "CERTREQ",
        AUTHENTICATION = 39 => "AUTH",
        NONCE = 40 => "Nonce",
        NOTIFY = 41 => "N",
        DELETE = 42 => "D",
        VENDOR_ID = 43 => "V",
        TRAFFIC_SELECTOR_INITIATOR = 44 => "TSi",
        TRAFFIC_SELECTOR_RESPONDER = 45 => "TSr",
        ENCRYPTED = 46 => "SK",
        CONFIGURATION = 47 => "CP",
        EAP = 48 => "EAP",
        ENCRYPTED_FRAGMENT = 53 => "SKF",
    }
}

open_enum! {
    /// Protocols in proposals, notifies and deletes (RFC 7296 section 3.3.1).
    ProtocolId(u8) {
        /// No SA is meant.
        NONE = 0 => "none",
        IKE = 1 => "IKE",
        AH = 2 => "AH",
        ESP = 3 => "ESP",
    }
}

open_enum! {
    /// Transform types (RFC 7296 section 3.3.2, RFC 9370).
    TransformType(u8) {
        ENCRYPTION = 1 => "ENCR",
        PRF = 2 => "PRF",
        INTEGRITY = 3 => "INTEG",
        KEY_EXCHANGE = 4 => "KE",
        EXTENDED_SEQUENCE_NUMBERS = 5 => "ESN",
        ADDITIONAL_KEY_EXCHANGE_1 = 6 => "ADDKE1",
        ADDITIONAL_KEY_EXCHANGE_7 = 12 => "ADDKE7",
    }
}

open_enum! {
    /// Encryption transforms.
    EncryptionId(u16) {
        TRIPLE_DES = 3 => "3DES",
        NULL = 11 => "NULL",
        AES_CBC = 12 => "AES-CBC",
        AES_CTR = 13 => "AES-CTR",
        AES_GCM_8 = 18 => "AES-GCM-8",
        AES_GCM_12 = 19 => "AES-GCM-12",
        AES_GCM_16 = 20 => "AES-GCM-16",
        CHACHA20_POLY1305 = 28 => "CHACHA20-POLY1305",
    }
}

open_enum! {
    /// Pseudo-random functions.
    PrfId(u16) {
        HMAC_MD5 = 1 => "HMAC-MD5",
        HMAC_SHA1 = 2 => "HMAC-SHA1",
        HMAC_SHA2_256 = 5 => "HMAC-SHA2-256",
        HMAC_SHA2_384 = 6 => "HMAC-SHA2-384",
        HMAC_SHA2_512 = 7 => "HMAC-SHA2-512",
    }
}

open_enum! {
    /// Integrity transforms.
    IntegrityId(u16) {
        NONE = 0 => "NONE",
        HMAC_MD5_96 = 1 => "HMAC-MD5-96",
        HMAC_SHA1_96 = 2 => "HMAC-SHA1-96",
        HMAC_SHA2_256_128 = 12 => "HMAC-SHA2-256-128",
        HMAC_SHA2_384_192 = 13 => "HMAC-SHA2-384-192",
        HMAC_SHA2_512_256 = 14 => "HMAC-SHA2-512-256",
    }
}

open_enum! {
    /// Key exchange methods (Diffie-Hellman groups).
    GroupId(u16) {
        NONE = 0 => "none",
        MODP_1024 = 2 => "MODP-1024",
        MODP_1536 = 5 => "MODP-1536",
        MODP_2048 = 14 => "MODP-2048",
        MODP_3072 = 15 => "MODP-3072",
        MODP_4096 = 16 => "MODP-4096",
        ECP_256 = 19 => "ECP-256",
        ECP_384 = 20 => "ECP-384",
        ECP_521 = 21 => "ECP-521",
        CURVE25519 = 31 => "CURVE25519",
        ML_KEM_768 = 36 => "ML-KEM-768",
    }
}

open_enum! {
    /// Sequence number transforms.
    EsnId(u16) {
        NO_ESN = 0 => "no ESN",
        ESN = 1 => "ESN",
    }
}

open_enum! {
    /// Identification types (RFC 7296 section 3.5).
    IdType(u8) {
        IPV4_ADDR = 1 => "IPV4_ADDR",
        FQDN = 2 => "FQDN",
        RFC822_ADDR = 3 => "RFC822_ADDR",
        IPV6_ADDR = 5 => "IPV6_ADDR",
        DER_ASN1_DN = 9 => "DER_ASN1_DN",
        DER_ASN1_GN = 10 => "DER_ASN1_GN",
        KEY_ID = 11 => "KEY_ID",
        NULL = 13 => "NULL",
    }
}

open_enum! {
    /// Authentication methods (RFC 7296 section 3.8).
    AuthMethod(u8) {
        RSA_SIGNATURE = 1 => "RSA signature",
        SHARED_KEY_MIC = 2 => "pre-shared key",
        DSS_SIGNATURE = 3 => "DSS signature",
        NULL = 13 => "null",
        DIGITAL_SIGNATURE = 14 => "digital signature",
    }
}

open_enum! {
    /// Notify message types (RFC 7296 section 3.10.1). Below 16384 they are errors.
    NotifyType(u16) {
        UNSUPPORTED_CRITICAL_PAYLOAD = 1 => "UNSUPPORTED_CRITICAL_PAYLOAD",
        INVALID_IKE_SPI = 4 => "INVALID_IKE_SPI",
        INVALID_MAJOR_VERSION = 5 => "INVALID_MAJOR_VERSION",
        INVALID_SYNTAX = 7 => "INVALID_SYNTAX",
        INVALID_MESSAGE_ID = 9 => "INVALID_MESSAGE_ID",
        INVALID_SPI = 11 => "INVALID_SPI",
        NO_PROPOSAL_CHOSEN = 14 => "NO_PROPOSAL_CHOSEN",
        INVALID_KE_PAYLOAD = 17 => "INVALID_KE_PAYLOAD",
        AUTHENTICATION_FAILED = 24 => "AUTHENTICATION_FAILED",
        SINGLE_PAIR_REQUIRED = 34 => "SINGLE_PAIR_REQUIRED",
        NO_ADDITIONAL_SAS = 35 => "NO_ADDITIONAL_SAS",
        INTERNAL_ADDRESS_FAILURE = 36 => "INTERNAL_ADDRESS_FAILURE",
        FAILED_CP_REQUIRED = 37 => "FAILED_CP_REQUIRED",
        TS_UNACCEPTABLE = 38 => "TS_UNACCEPTABLE",
        INVALID_SELECTORS = 39 => "INVALID_SELECTORS",
        TEMPORARY_FAILURE = 43 => "TEMPORARY_FAILURE",
        CHILD_SA_NOT_FOUND = 44 => "CHILD_SA_NOT_FOUND",
        INITIAL_CONTACT = 16384 => "INITIAL_CONTACT",
        SET_WINDOW_SIZE = 16385 => "SET_WINDOW_SIZE",
        ADDITIONAL_TS_POSSIBLE = 16386 => "ADDITIONAL_TS_POSSIBLE",
        IPCOMP_SUPPORTED = 16387 => "IPCOMP_SUPPORTED",
        NAT_DETECTION_SOURCE_IP = 16388 => "NAT_DETECTION_SOURCE_IP",
        NAT_DETECTION_DESTINATION_IP = 16389 => "NAT_DETECTION_DESTINATION_IP",
        COOKIE = 16390 => "COOKIE",
        USE_TRANSPORT_MODE = 16391 => "USE_TRANSPORT_MODE",
        HTTP_CERT_LOOKUP_SUPPORTED = 16392 => "HTTP_CERT_LOOKUP_SUPPORTED",
        REKEY_SA = 16393 => "REKEY_SA",
        ESP_TFC_PADDING_NOT_SUPPORTED = 16394 => "ESP_TFC_PADDING_NOT_SUPPORTED",
        NON_FIRST_FRAGMENTS_ALSO = 16395 => "NON_FIRST_FRAGMENTS_ALSO",
        MULTIPLE_AUTH_SUPPORTED = 16404 => "MULTIPLE_AUTH_SUPPORTED",
        REDIRECT_SUPPORTED = 16406 => "REDIRECT_SUPPORTED",
        CHILDLESS_IKEV2_SUPPORTED = 16418 => "CHILDLESS_IKEV2_SUPPORTED",
        IKEV2_FRAGMENTATION_SUPPORTED = 16430 => "IKEV2_FRAGMENTATION_SUPPORTED",
        SIGNATURE_HASH_ALGORITHMS = 16431 => "SIGNATURE_HASH_ALGORITHMS",
        USE_PPK = 16435 => "USE_PPK",
        PPK_IDENTITY = 16436 => "PPK_IDENTITY",
        NO_PPK_AUTH = 16437 => "NO_PPK_AUTH",
        INTERMEDIATE_EXCHANGE_SUPPORTED = 16438 => "INTERMEDIATE_EXCHANGE_SUPPORTED",
        ADDITIONAL_KEY_EXCHANGE = 16441 => "ADDITIONAL_KEY_EXCHANGE",
    }
}

impl NotifyType {
    /// Whether it reports an error (RFC 7296 section 3.10.1).
    #[must_use]
    pub const fn is_error(self) -> bool {
        self.0 < 16384
    }
}
