//! What `show` commands answer: data with a text form.
