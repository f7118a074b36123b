//! Answers of our own: to a failure, and to an `OPTIONS` that is meant for the proxy.

use super::{Exchange, Next, RequestBody};
use crate::downstream::{ClientStream, Reply, ReplyConnection, ReplyContext, ReplyFormat};
use crate::error::{Failure, Fate};
use crate::message::{
    BodyDecoder, Method, Persistence, RequestFraming, RequestHead, Step, Version,
};

impl<S: ClientStream> Exchange<'_, S> {
    /// The proxy's own 204 to an `OPTIONS` that is meant for it (RFC 9110 §9.3.7).
    pub(super) async fn answer_options(&mut self, head: &RequestHead) -> Result<Next, Failure> {
        let keep = self.can_keep(Some(head));
        let reply = Reply::options(&self.reply_context(Some(head), keep));
        self.record.status = Some(reply.status);
        self.client.send(&reply.octets, &self.worker.limits).await?;
        Ok(if keep { Next::Reuse } else { Next::Linger })
    }

    /// Answers a failure where that is still possible, logged before answered.
    pub(super) async fn answer(&mut self, head: Option<&RequestHead>, failure: &Failure) -> Next {
        self.record.fail(failure, self.worker);
        if self.response_begun {
            return if self.ends_by_close {
                Next::Reset
            } else {
                Next::Cut
            };
        }
        let keep = failure.fate() == Fate::Keep && self.can_keep(head);
        let Some(reply) = Reply::failure(failure, &self.reply_context(head, keep)) else {
            return Next::Cut;
        };
        self.record.status = Some(reply.status);
        match self.client.send(&reply.octets, &self.worker.limits).await {
            Ok(()) if keep => Next::Reuse,
            Ok(()) => Next::Linger,
            // The first failure stays the one that is told.
            Err(_) => Next::Cut,
        }
    }

    /// Whether the next request can be found: this one's body was read, and neither side
    /// wants to close.
    fn can_keep(&mut self, head: Option<&RequestHead>) -> bool {
        let read = match self.body {
            RequestBody::Untouched(framing) => self.drop_buffered_body(framing),
            RequestBody::Taken { whole } => whole,
            RequestBody::Unknown => false,
        };
        read && !self.worker.drain.is_cancelled()
            && head.is_some_and(|head| Persistence::of_request(head) == Persistence::Reuse)
    }

    /// Drops a body that nobody wants, if all of it is buffered already.
    fn drop_buffered_body(&mut self, framing: RequestFraming) -> bool {
        let mut decoder = BodyDecoder::for_request(framing, &self.worker.limits);
        let unread = self.client.buffer.unread();
        let mut at = 0;
        loop {
            match decoder.decode(unread.get(at..).unwrap_or_default()) {
                Ok(Step::Data { framing, data }) => at += framing + data,
                Ok(Step::End { framing }) => {
                    self.client.buffer.consume(at + framing);
                    // Not to be dropped twice.
                    self.body = RequestBody::Taken { whole: true };
                    return true;
                }
                Ok(Step::More { .. }) | Err(_) => return false,
            }
        }
    }

    fn reply_context(&self, head: Option<&RequestHead>, keep: bool) -> ReplyContext {
        ReplyContext {
            format: head.map_or(ReplyFormat::Text, ReplyFormat::asked_by),
            head_only: head.map_or(self.begins_as_head, |head| head.method() == Method::Head),
            connection: match (keep, head.map(RequestHead::version)) {
                (false, _) => ReplyConnection::Close,
                (true, Some(Version::Http10)) => ReplyConnection::KeepAlive,
                (true, Some(Version::Http11) | None) => ReplyConnection::Persistent,
            },
            date: self.worker.clock.http_date(),
        }
    }
}
