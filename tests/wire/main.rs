//! The proxy through real sockets: a module a subject, a sentence a test.

mod credentials;
mod own_answers;
mod refusal_of_framing;
mod refusal_of_hosts;
mod refusal_of_paths;
mod refusal_of_policy;
mod refusal_of_pushes;
mod request_body;
mod request_head;
mod response_body;
mod response_head;
mod support;
