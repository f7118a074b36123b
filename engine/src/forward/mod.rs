//! What an intermediary does to a message (RFC 9110 §7.6), as pure functions.
//!
//! ```text
//!   RequestHead + Permit ──▶ ForwardedRequest      only these two can be written
//!   ResponseHead         ──▶ ForwardedResponse     toward a peer
//! ```
//!
//! Heads are generated, never echoed: the start line and whatever frames, routes or
//! authenticates the message are ours; every other field line is the sender's own,
//! its octets, case, order and repetition kept.

mod connection_options;
mod request;
mod response;
mod rewrite;
mod via;

pub use request::{ForwardedRequest, RequestContext};
pub use response::{ForwardedResponse, HttpDate, ResponseContext};
pub use rewrite::References;
pub use via::Pseudonym;

#[cfg(test)]
mod tests {
    use super::connection_options::is_hop_by_hop;
    use super::request::{is_credential, is_framing};
    use super::response::is_forwarded;
    use crate::message::FieldName;

    /// What is done with a field of this name: a letter for each of the questions that
    /// are answered with yes. A new name has no arm and doesn't compile until somebody has
    /// thought about each.
    ///
    /// `c`: a credential of the agent, never forwarded. `f`: framing or authority, generated.
    /// `h`: meant for one hop. `r`: not forwarded in a response.
    fn fate(name: FieldName) -> &'static str {
        use FieldName::*;
        match name {
            ApiKey | Authorization | Cookie | DeployToken | JobToken | PrivateToken | XApiKey
            | XAuthToken | XGoogApiKey => "c",
            ProxyAuthorization => "ch",
            Host => "f",
            ContentLength => "fr",
            TransferEncoding => "fh",
            Connection | KeepAlive | ProxyAuthenticate | ProxyConnection | Te | Trailer
            | Upgrade => "h",
            AltSvc => "r",
            Other | Accept | AcceptEncoding | ContentLocation | ContentType | Date | Expect
            | Link | Location | MaxForwards | Via | XHttpMethod | XHttpMethodOverride
            | XMethodOverride | XOriginalUri | XOriginalUrl | XRewriteUrl | XStainlessLang => "",
        }
    }

    #[test]
    fn every_name_has_the_fate_that_was_decided_for_it() {
        for name in FieldName::every().chain([FieldName::Other]) {
            let questions = [
                ('c', is_credential(name)),
                ('f', is_framing(name)),
                ('h', is_hop_by_hop(name)),
                ('r', !is_forwarded(name)),
            ];
            let yes = questions.iter().filter(|(_, answer)| *answer);
            let fate_here: String = yes.map(|(letter, _)| *letter).collect();
            assert_eq!(fate_here, fate(name), "{name:?}");
        }
    }
}
