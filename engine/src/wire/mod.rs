//! What both sides share about moving octets: a buffer to read into, a batch to write
//! from, deadlines that cost nothing while octets move.
//!
//! Nothing here knows what the octets mean.

mod batch;
mod deadline;
mod free_list;
mod read_buffer;

pub(crate) use batch::Batch;
pub(crate) use deadline::Deadline;
pub(crate) use free_list::FreeList;
pub(crate) use read_buffer::ReadBuffer;
