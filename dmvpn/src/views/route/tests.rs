//! The exact texts of the route views.
