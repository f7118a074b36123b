//! The client connections of one worker: exchange after exchange, and next to nothing in
//! between.
//!
//! A connection's task is small, for it is what an idle connection costs. The state of an
//! exchange is some KiB; it lives in a box that is borrowed from the worker while there is
//! something to do, so that a warm exchange allocates nothing either.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use tokio_util::sync::ReusableBoxFuture;

use super::{Next, run};
use crate::downstream::{Admission, Client, ClientStream};
use crate::limits::MEMORIES_KEPT;
use crate::wire::FreeList;
use crate::worker::Worker;

/// The state of a busy connection, which gives the client back when it is idle again.
type Busy<S> = ReusableBoxFuture<'static, (Client<S>, Next)>;

/// What the connections of one worker share.
pub(crate) struct Connections<S> {
    worker: Arc<Worker>,
    busy: FreeList<Busy<S>>,
}

impl<S: ClientStream + 'static> Connections<S> {
    /// No connection yet.
    pub(crate) fn of(worker: Arc<Worker>) -> Arc<Self> {
        Arc::new(Connections {
            worker,
            busy: FreeList::new(MEMORIES_KEPT),
        })
    }

    /// Serves a connection until it ends, and then gives its admission back.
    ///
    /// Not an `async fn`, and what is captured is used where it lies: else the future would
    /// hold each of its arguments twice.
    pub(crate) fn serve(
        self: Arc<Self>,
        stream: S,
        admission: Admission,
    ) -> impl Future<Output = ()> + Send {
        let mut client = Client::new(stream, &self.worker.limits);
        async move {
            let mut drained = pin!(self.worker.drain.cancelled());
            loop {
                let (idle_time, mut due) = (self.worker.limits.idle_time, None);
                let readable = poll_fn(|context| {
                    client.poll_readable(context, idle_time, &mut due, drained.as_mut())
                });
                if !readable.await {
                    break;
                }
                let mut busy = self.begin(client);
                let (idle, next) = busy.get_pin().await;
                self.busy.give(busy);
                client = idle;
                match next {
                    Next::Reuse => {}
                    Next::Linger => {
                        Box::pin(client.linger(&self.worker.limits)).await;
                        break;
                    }
                    Next::Cut => break,
                    Next::Reset => {
                        client.stream.reset_on_close();
                        break;
                    }
                }
            }
            drop(admission);
        }
    }

    fn begin(&self, client: Client<S>) -> Busy<S> {
        let future = serve_while_busy(client, Arc::clone(&self.worker));
        match self.busy.take() {
            Some(mut busy) => {
                busy.set(future);
                busy
            }
            None => ReusableBoxFuture::new(future),
        }
    }
}

/// Exchanges until nothing more is buffered, in memory borrowed from the worker.
async fn serve_while_busy<S: ClientStream>(
    mut client: Client<S>,
    worker: Arc<Worker>,
) -> (Client<S>, Next) {
    let mut memory = worker.memory.take().unwrap_or_default();
    client.buffer = std::mem::take(&mut memory.client);
    let next = loop {
        let next = run(&mut client, &mut memory, &worker).await;
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
    (client, next)
}
