//! The data path through whole routers: batches, and what it allocates.

mod batches;
mod cloud;
