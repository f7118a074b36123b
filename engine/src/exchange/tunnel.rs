//! What follows a 101: octets both ways, each direction ending by itself.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::Instant;

use super::relay::{Relay, RelayError};
use crate::downstream::{Client, ClientStream};
use crate::error::{Failure, Lapse, UpstreamFault};
use crate::limits::Limits;
use crate::message::{BodyDecoder, BodyEncoding};
use crate::wire::{Batch, ReadBuffer, Stream};

/// One direction of a tunnel.
struct Direction {
    relay: Relay,
    state: DirectionState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DirectionState {
    Open,
    /// Its sender has ended; the taker is being told.
    Closing,
    Closed,
}

/// How many octets a tunnel carried.
pub(super) struct Carried {
    pub(super) up: u64,
    pub(super) down: u64,
}

/// Relays until both directions have ended, one of them broke, or nothing moved for the
/// idle limit. Octets that were read ahead go first.
pub(super) async fn run<S, U>(
    client: &mut Client<S>,
    service: &mut U,
    service_buffer: &mut ReadBuffer,
    limits: &Limits,
) -> (Carried, Result<(), Failure>)
where
    S: ClientStream,
    U: Stream,
{
    let (Ok(mut up), Ok(mut down)) = (
        Direction::open(&client.buffer),
        Direction::open(service_buffer),
    ) else {
        return (Carried { up: 0, down: 0 }, Ok(())); // Plain octets have no fault.
    };
    let mut progress = 0;
    let mut progress_at = Instant::now();
    let result = poll_fn(|context| {
        let Client { stream, buffer, .. } = &mut *client;
        let up_ended = up.poll(context, stream, buffer, service);
        let down_ended = down.poll(context, service, service_buffer, stream);
        match (up_ended, down_ended) {
            (Poll::Ready(Err(error)), _) => return Poll::Ready(Err(broken_up(&error))),
            (_, Poll::Ready(Err(error))) => return Poll::Ready(Err(broken_down(&error))),
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => return Poll::Ready(Ok(())),
            (Poll::Pending, _) | (_, Poll::Pending) => {}
        }
        let moved = up.relay.progress() + down.relay.progress();
        if moved != progress {
            progress = moved;
            progress_at = Instant::now();
        }
        client
            .poll_deadline(context, progress_at + limits.tunnel_idle_time)
            .map(|()| Err(Failure::TimedOut(Lapse::Tunnel)))
    })
    .await;
    let carried = Carried {
        up: up.relay.payload(),
        down: down.relay.payload(),
    };
    (carried, result)
}

/// The direction to the service broke.
fn broken_up(error: &RelayError) -> Failure {
    match error {
        RelayError::Truncated | RelayError::Faulty(_) => Failure::ClientGone,
        RelayError::Unwritable => Failure::UpstreamMisbehaved(UpstreamFault::Truncated),
    }
}

/// The direction to the client broke.
fn broken_down(error: &RelayError) -> Failure {
    match error {
        RelayError::Truncated | RelayError::Faulty(_) => {
            Failure::UpstreamMisbehaved(UpstreamFault::Truncated)
        }
        RelayError::Unwritable => Failure::ClientGone,
    }
}

impl Direction {
    fn open(buffer: &ReadBuffer) -> Result<Self, crate::message::Fault> {
        Ok(Direction {
            relay: Relay::new(
                Vec::new(),
                BodyDecoder::UntilClose { ended: false },
                BodyEncoding::Identity,
                Batch::default(),
                buffer,
            )?,
            state: DirectionState::Open,
        })
    }

    fn poll<R, W>(
        &mut self,
        context: &mut Context<'_>,
        reader: &mut R,
        buffer: &mut ReadBuffer,
        writer: &mut W,
    ) -> Poll<Result<(), RelayError>>
    where
        R: Stream,
        W: Stream,
    {
        loop {
            match self.state {
                DirectionState::Open => {
                    match self.relay.poll(context, reader, buffer, writer, None) {
                        Poll::Pending => return Poll::Pending,
                        Poll::Ready(Ok(())) => self.state = DirectionState::Closing,
                        Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    }
                }
                DirectionState::Closing => match Pin::new(&mut *writer).poll_shutdown(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(())) => self.state = DirectionState::Closed,
                    Poll::Ready(Err(_)) => return Poll::Ready(Err(RelayError::Unwritable)),
                },
                DirectionState::Closed => return Poll::Ready(Ok(())),
            }
        }
    }
}
