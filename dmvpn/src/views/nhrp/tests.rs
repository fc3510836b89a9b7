//! The exact texts of the nhrp views.
