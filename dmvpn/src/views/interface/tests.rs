//! The exact texts of the interface views.
