//! The HTTPS client: the one file that names its crate.
//!
//! It follows no redirection, so that the token goes to no other place; it makes a connection
//! for each call, as few as there are; and it obeys `HTTPS_PROXY` and `NO_PROXY` as the engine
//! does, through a tunnel in which a proxy sees no token.

use std::sync::Arc;
use std::time::Duration;

use memchr::memmem;
use rustls::Error::InvalidCertificate;
use serde::Deserialize;
use ureq::http::HeaderValue;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Error, Proxy};
use zeroize::Zeroizing;

use super::api_error::ApiError;
use super::limits::{ANSWER_OCTETS, HEAD_OCTETS, WORDS_CHARACTERS};
use super::proxy_setting::ProxySetting;
use crate::host::secret::Secret;
use crate::visible::visible;

/// Calls one API with one token.
pub(super) struct Client {
    agent: Agent,
    root: String,
    token: Zeroizing<Vec<u8>>,
    authorization: HeaderValue,
    call: Duration,
}

/// An answer, read to its end.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    /// The forge's own words, if it has any, harmless and without the token.
    words: String,
}

impl Answer {
    /// The answer as an error.
    pub(super) fn refusal(self) -> ApiError {
        ApiError::Refused(self.status, self.words)
    }
}

impl Client {
    /// Calls what lies below `root`, each time for at most `call`.
    pub(super) fn new(root: &str, token: &Secret, call: Duration) -> Result<Client, String> {
        const SCHEME: &[u8] = b"token ";
        let mut octets = Zeroizing::new(Vec::with_capacity(SCHEME.len() + token.octet_count()));
        octets.extend_from_slice(SCHEME);
        token.write_into(&mut octets);
        let authorization = HeaderValue::from_bytes(&octets);
        let mut authorization = authorization
            .map_err(|_invalid| "the token has an octet that no header can carry".to_owned())?;
        authorization.set_sensitive(true);
        octets.drain(..SCHEME.len());
        Ok(Client {
            agent: agent(root, call)?,
            root: root.to_owned(),
            token: octets,
            authorization,
            call,
        })
    }

    pub(super) fn get(&self, path: &str) -> Result<Answer, ApiError> {
        let request = self.agent.get(self.url(path));
        let request = request.header("authorization", &self.authorization);
        self.answer(request.call())
    }

    pub(super) fn delete(&self, path: &str) -> Result<Answer, ApiError> {
        let request = self.agent.delete(self.url(path));
        let request = request.header("authorization", &self.authorization);
        self.answer(request.call())
    }

    /// Sends JSON.
    pub(super) fn post(&self, path: &str, body: Vec<u8>) -> Result<Answer, ApiError> {
        let request = self.agent.post(self.url(path));
        let request = request.header("authorization", &self.authorization);
        let request = request.header("content-type", "application/json");
        self.answer(request.send(body))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }

    fn answer(
        &self,
        response: Result<ureq::http::Response<ureq::Body>, Error>,
    ) -> Result<Answer, ApiError> {
        let mut response = response.map_err(|error| self.unanswered(&error))?;
        let body = response.body_mut().with_config().limit(ANSWER_OCTETS);
        let body = body.read_to_vec();
        let body = body.map_err(|error| self.unanswered(&error))?;
        Ok(Answer {
            status: response.status().as_u16(),
            words: self.words(&body),
            body,
        })
    }

    /// What a forge says in its `message`. One that repeats the token says nothing.
    fn words(&self, body: &[u8]) -> String {
        #[derive(Deserialize)]
        struct Said {
            message: String,
        }
        match serde_json::from_slice::<Said>(body) {
            Ok(said) if memmem::find(said.message.as_bytes(), &self.token).is_none() => {
                let line: Vec<&str> = said.message.split_whitespace().collect();
                let line: String = line.join(" ").chars().take(WORDS_CHARACTERS).collect();
                visible(&line)
            }
            Ok(_) | Err(_) => String::new(),
        }
    }

    fn unanswered(&self, error: &Error) -> ApiError {
        let of_tls = of_tls(error);
        ApiError::Lost(if let Some(disbelief @ InvalidCertificate(_)) = of_tls {
            format!(
                "does not prove to be itself ({disbelief}); SSL_CERT_FILE may name its authority"
            )
        } else if let Error::BodyExceedsLimit(octets) = error {
            format!("answered with more than {octets} octets")
        } else if matches!(error, Error::Timeout(_)) {
            format!("gave no whole answer within {} s", self.call.as_secs())
        } else {
            format!("gave no whole answer ({})", visible(&error.to_string()))
        })
    }
}

/// What TLS has to say, which comes by itself or as an error of the stream.
fn of_tls(error: &Error) -> Option<&rustls::Error> {
    if let Error::Rustls(error) = error {
        return Some(error);
    }
    let Error::Io(error) = error else {
        return None;
    };
    error.get_ref()?.downcast_ref()
}

fn agent(root: &str, call: Duration) -> Result<Agent, String> {
    let config = Agent::config_builder()
        .tls_config(tls(root)?)
        .proxy(proxy(root)?)
        .timeout_global(Some(call))
        .max_redirects(0)
        .http_status_as_error(false)
        .max_response_header_size(HEAD_OCTETS)
        .max_idle_connections(0)
        .user_agent("bottle")
        .accept("application/json");
    Ok(config.build().new_agent())
}

/// The engine's cryptography, and the host's authorities or those of `SSL_CERT_FILE` and
/// `SSL_CERT_DIR`.
fn tls(root: &str) -> Result<TlsConfig, String> {
    let mut authorities = Vec::new();
    if root.starts_with("https://") {
        let found = rustls_native_certs::load_native_certs();
        let owned = found
            .certs
            .iter()
            .map(|der| Certificate::from_der(der).to_owned());
        authorities.extend(owned);
        if authorities.is_empty() {
            let why = found.errors.first().map(|error| format!(" ({error})"));
            return Err(format!(
                "this host has no trusted authorities{}; set SSL_CERT_FILE",
                why.unwrap_or_default()
            ));
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(TlsConfig::builder()
        .unversioned_rustls_crypto_provider(provider)
        .root_certs(RootCerts::new_with_certs(&authorities))
        .build())
}

/// The crate by itself would take `ALL_PROXY` and `HTTP_PROXY` too.
fn proxy(root: &str) -> Result<Option<Proxy>, String> {
    let Some(setting) = ProxySetting::toward(root, &|name| std::env::var(name).ok()) else {
        return Ok(None);
    };
    // Its text may have a password in it.
    let bad = |_: Error| "HTTPS_PROXY is no URL like `http://proxy.example.org:3128`".to_owned();
    let parsed = Proxy::new(&setting.url).map_err(bad)?;
    let mut proxy = Proxy::builder(parsed.protocol())
        .host(parsed.host())
        .port(parsed.port());
    if let Some(user) = parsed.username() {
        proxy = proxy.username(user);
    }
    if let Some(password) = parsed.password() {
        proxy = proxy.password(password);
    }
    for host in &setting.direct {
        proxy = proxy.no_proxy(host);
    }
    proxy.build().map(Some).map_err(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_of_a_forges_words_are_shown_and_never_the_token() {
        let token = Secret::new(Zeroizing::new(b"t0ken".to_vec()));
        let client = Client::new("http://127.0.0.1", &token, Duration::from_secs(1));
        let client = client.expect("a client");
        let said = |message: &str| {
            let body = serde_json::json!({ "message": message }).to_string();
            client.words(body.as_bytes())
        };
        let words = "ß".repeat(WORDS_CHARACTERS);
        assert_eq!(said(&words), words);
        assert_eq!(said(&format!("{words}ß")), words);
        assert_eq!(said(" two\nlines\u{1b}[1m "), "two lines\\u{1b}[1m");
        assert_eq!(said("bad t0ken, try another"), "");
        for body in [&b""[..], b"{}", b"[]", b"no JSON"] {
            assert_eq!(client.words(body), "");
        }
    }
}
