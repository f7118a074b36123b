//! The proxy through real sockets: a module a subject, a sentence a test.

mod bad_configuration;
mod continuation;
mod credentials;
mod crowd;
mod deadlines;
mod death;
mod drain;
mod kernel_pipe;
mod limits_of_requests;
mod limits_of_responses;
mod observation;
mod old_clients;
mod own_answers;
mod persistence;
mod process;
mod refusal_of_framing;
mod refusal_of_hosts;
mod refusal_of_paths;
mod refusal_of_policy;
mod refusal_of_pushes;
mod reload;
mod request_body;
mod request_head;
mod response_body;
mod response_head;
mod rewriting;
mod upgrade;

use harness::support;
