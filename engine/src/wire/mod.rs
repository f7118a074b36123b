//! What both sides share about moving octets: a buffer to read into, a batch to write
//! from, deadlines that cost nothing while octets move.
//!
//! Nothing here knows what the octets mean.

mod batch;
mod deadline;
mod free_list;
mod kernel_pipe;
mod read_buffer;
mod stream;

pub(crate) use batch::Batch;
pub(crate) use deadline::Deadline;
pub(crate) use free_list::FreeList;
pub(crate) use kernel_pipe::{KernelPipe, KernelPipes, is_unfit};
pub(crate) use read_buffer::ReadBuffer;
pub(crate) use stream::Stream;
