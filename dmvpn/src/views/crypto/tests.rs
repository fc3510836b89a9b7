//! The exact texts of the crypto views.
