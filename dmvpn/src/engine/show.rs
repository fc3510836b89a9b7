//! What `show` commands answer.
