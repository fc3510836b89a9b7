//! The exact texts of the ospf views.
