//! Request and response, both under way at once between two connected sides.

use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::time::Instant;

use super::relay::{Relay, RelayError, Side};
use super::response::{FinalHead, ResponseLeg, ResponseState};
use super::sides::Sides;
use crate::downstream::{Client, ClientStream};
use crate::error::{Failure, Lapse, UpstreamConnectionAge, UpstreamFault};
use crate::limits::Limits;
use crate::wire::{KernelPipes, Stream};

/// How far the request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RequestState {
    Sending,
    Sent,
    /// The upstream takes no more of it. It may still answer: many refuse an upload by
    /// answering and closing their reading side.
    Abandoned,
}

/// What a conversation came to, when nothing failed.
pub(super) enum Ending {
    /// The response is complete. The request may not be: then neither connection can be
    /// used again.
    Complete { request_complete: bool },
    /// 101: what follows is a tunnel.
    Tunnel,
}

/// An exchange between its first request octet and its last response octet.
pub(super) struct Conversation<'a, 'r> {
    request: &'a mut Relay,
    request_state: RequestState,
    /// Its progress before this conversation: it may have been under way on another connection.
    request_from: u64,
    request_seen: u64,
    /// When the request last moved; `None`: in this turn. The clock is read when a turn
    /// ends without an end, not for each step.
    request_progress_at: Option<Instant>,
    response: &'a mut ResponseLeg<'r>,
    response_seen: u64,
    /// The same for the response.
    response_progress_at: Option<Instant>,
    limits: &'a Limits,
    kernel_pipes: Option<&'a Arc<KernelPipes>>,
}

impl<'a, 'r> Conversation<'a, 'r> {
    pub(super) fn new(
        request: &'a mut Relay,
        response: &'a mut ResponseLeg<'r>,
        limits: &'a Limits,
        kernel_pipes: Option<&'a Arc<KernelPipes>>,
    ) -> Self {
        Conversation {
            request_from: request.progress(),
            request_seen: request.progress(),
            request,
            request_state: RequestState::Sending,
            request_progress_at: None,
            response,
            response_seen: 0,
            response_progress_at: None,
            limits,
            kernel_pipes,
        }
    }

    /// Moves whatever can move in both directions; ready when the exchange is over.
    pub(super) fn poll<S, U>(
        &mut self,
        context: &mut Context<'_>,
        sides: &mut Sides<'_, S, U>,
    ) -> Poll<Result<Ending, Failure>>
    where
        S: ClientStream,
        U: Stream,
    {
        self.poll_request(context, sides)?;
        // Octets that come before the request has left answer another one (RFC 9112 §9.2).
        let is_asked = self.request.progress() > self.request_from;
        match (self.request_state, sides.service_age) {
            (RequestState::Sending, _) if !is_asked => {}
            (RequestState::Abandoned, age @ UpstreamConnectionAge::Reused) if !is_asked => {
                return Poll::Ready(Err(Failure::UpstreamGone(age)));
            }
            _ => {
                if let Poll::Ready(result) = self.poll_response(context, sides) {
                    return Poll::Ready(result);
                }
            }
        }
        if self.poll_client_gone(context, sides.client).is_ready() {
            return Poll::Ready(Err(Failure::ClientGone));
        }
        self.poll_deadlines(context, sides.client)
    }

    fn poll_request<S, U>(
        &mut self,
        context: &mut Context<'_>,
        sides: &mut Sides<'_, S, U>,
    ) -> Result<(), Failure>
    where
        S: ClientStream,
        U: Stream,
    {
        if self.request_state != RequestState::Sending {
            return Ok(());
        }
        let Client { stream, buffer, .. } = &mut *sides.client;
        let result = self
            .request
            .poll(context, stream, buffer, sides.service, self.kernel_pipes);
        if self.request.progress() != self.request_seen {
            self.request_seen = self.request.progress();
            self.request_progress_at = None;
        }
        match result {
            Poll::Pending => {}
            Poll::Ready(Ok(())) => self.request_state = RequestState::Sent,
            Poll::Ready(Err(RelayError::Unwritable)) => {
                self.request_state = RequestState::Abandoned;
            }
            Poll::Ready(Err(RelayError::Truncated)) => return Err(Failure::ClientGone),
            Poll::Ready(Err(RelayError::Faulty(fault))) => return Err(fault.into()),
        }
        Ok(())
    }

    fn poll_response<S, U>(
        &mut self,
        context: &mut Context<'_>,
        sides: &mut Sides<'_, S, U>,
    ) -> Poll<Result<Ending, Failure>>
    where
        S: ClientStream,
        U: Stream,
    {
        loop {
            let request_complete = self.request_state == RequestState::Sent;
            match &mut self.response.state {
                ResponseState::Head(_) => {
                    match self.response.poll_head(context, sides, request_complete) {
                        // From here on it is the client who may be late.
                        Poll::Ready(Ok(())) => self.response_progress_at = None,
                        Poll::Ready(Err(failure)) => return Poll::Ready(Err(failure)),
                        Poll::Pending => return Poll::Pending,
                    }
                }
                ResponseState::Interim(relay) | ResponseState::Final(relay, _) => {
                    let result = relay.poll(
                        context,
                        sides.service,
                        sides.service_buffer,
                        &mut sides.client.stream,
                        self.kernel_pipes,
                    );
                    if relay.progress() != self.response_seen {
                        self.response_seen = relay.progress();
                        self.response_progress_at = None;
                    }
                    match result {
                        Poll::Pending => return Poll::Pending,
                        Poll::Ready(Err(error)) => {
                            return Poll::Ready(Err(response_failure(error)));
                        }
                        Poll::Ready(Ok(())) => {}
                    }
                    if let Some(ending) = self.after_response(request_complete) {
                        return Poll::Ready(Ok(ending));
                    }
                }
            }
        }
    }

    /// An interim response is followed by another head; a final one by nothing.
    fn after_response(&mut self, request_complete: bool) -> Option<Ending> {
        self.response_seen = 0;
        match &self.response.state {
            ResponseState::Head(_) => None,
            ResponseState::Interim(_) => {
                // A client that held its body back for this 100 begins with it now.
                self.request_progress_at = None;
                self.response.await_next_head();
                None
            }
            ResponseState::Final(_, FinalHead::Response) => {
                Some(Ending::Complete { request_complete })
            }
            ResponseState::Final(_, FinalHead::SwitchingProtocols) => Some(Ending::Tunnel),
        }
    }

    /// While the request is being read, its reader sees the client go; else we look.
    fn poll_client_gone<S: ClientStream>(
        &mut self,
        context: &mut Context<'_>,
        client: &mut Client<S>,
    ) -> Poll<()> {
        match (self.request_state, self.request.waiting_for()) {
            (RequestState::Sending, Side::Sender) => Poll::Pending,
            // Its unread body must stay unread: that is the back-pressure.
            (RequestState::Sending, Side::Taker) | (RequestState::Abandoned, _) => {
                client.poll_hung_up(context)
            }
            (RequestState::Sent, _) => client.poll_gone(context),
        }
    }

    fn poll_deadlines<S: ClientStream>(
        &mut self,
        context: &mut Context<'_>,
        client: &mut Client<S>,
    ) -> Poll<Result<Ending, Failure>> {
        let now = match (self.request_progress_at, self.response_progress_at) {
            // Nothing moved: neither is used.
            (Some(at), Some(_)) => at,
            (None, _) | (_, None) => Instant::now(),
        };
        let request = *self.request_progress_at.get_or_insert(now);
        let response = *self.response_progress_at.get_or_insert(now);
        let request = self.request_deadline(request);
        let response = self.response_deadline(response);
        let next = match (request, response) {
            (Some(one), Some(other)) if other.0 < one.0 => other,
            (Some(one), _) => one,
            (None, Some(other)) => other,
            (None, None) => return Poll::Pending,
        };
        client
            .poll_deadline(context, next.0)
            .map(|()| Err(Failure::TimedOut(next.1)))
    }

    fn request_deadline(&self, since: Instant) -> Option<(Instant, Lapse)> {
        let answer = || (since + self.limits.response_head_time, Lapse::ResponseHead);
        match (self.request_state, self.request.waiting_for()) {
            (RequestState::Sending, Side::Taker) => Some((
                since + self.limits.upstream_read_idle_time,
                Lapse::UpstreamRead,
            )),
            // A client that waits for a 100 is not late; the upstream may be.
            (RequestState::Sending, Side::Sender)
                if self.response.awaits_continue() && self.request.payload() == 0 =>
            {
                Some(answer())
            }
            (RequestState::Sending, Side::Sender) => Some((
                since + self.limits.request_body_idle_time,
                Lapse::RequestBody,
            )),
            (RequestState::Sent | RequestState::Abandoned, _) => match self.response.state {
                ResponseState::Head(_) => Some(answer()),
                ResponseState::Interim(_) | ResponseState::Final(..) => None,
            },
        }
    }

    /// A response may be silent for hours; a client that does not take it may not.
    fn response_deadline(&self, since: Instant) -> Option<(Instant, Lapse)> {
        match &self.response.state {
            ResponseState::Head(_) => None,
            ResponseState::Interim(relay) | ResponseState::Final(relay, _) => (relay.waiting_for()
                == Side::Taker)
                .then(|| (since + self.limits.client_read_idle_time, Lapse::ClientRead)),
        }
    }
}

fn response_failure(error: RelayError) -> Failure {
    match error {
        RelayError::Truncated => Failure::UpstreamMisbehaved(UpstreamFault::Truncated),
        RelayError::Faulty(fault) => Failure::UpstreamMisbehaved(UpstreamFault::Message(fault)),
        RelayError::Unwritable => Failure::ClientGone,
    }
}
