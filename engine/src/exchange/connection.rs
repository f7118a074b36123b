//! One client connection: exchange after exchange, with no memory in between.

use std::pin::{Pin, pin};

use super::{Next, run};
use crate::downstream::{Client, ClientStream};
use crate::worker::Worker;

/// Serves a connection until it ends.
pub(crate) async fn serve<S: ClientStream>(stream: S, worker: &Worker) {
    let mut client = Client::new(stream, &worker.limits);
    let mut drained = pin!(worker.drain.cancelled());
    while client
        .becomes_readable(&worker.limits, drained.as_mut())
        .await
    {
        match serve_while_busy(&mut client, worker, drained.as_mut()).await {
            Next::Reuse => {}
            Next::Linger => return client.linger(&worker.limits).await,
            Next::Cut => return,
            Next::Reset => return client.stream.reset_on_close(),
        }
    }
}

/// Exchanges until nothing more is buffered, in memory borrowed from the worker.
async fn serve_while_busy<S: ClientStream, D: Future<Output = ()>>(
    client: &mut Client<S>,
    worker: &Worker,
    mut drained: Pin<&mut D>,
) -> Next {
    let mut memory = worker.memory.take();
    client.buffer = std::mem::take(&mut memory.client);
    let next = loop {
        let next = run(client, &mut memory, worker, drained.as_mut()).await;
        // Requests in a pipeline are answered in order, one after the other.
        if next != Next::Reuse || client.buffer.unread().is_empty() {
            break next;
        }
    };
    if next == Next::Reuse {
        memory.client = std::mem::take(&mut client.buffer);
        memory.client.recycle();
    }
    memory.service.recycle();
    worker.memory.give(memory);
    next
}
