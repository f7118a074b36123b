//! `cred-proxy demo`: what the proxy does, on a bare machine, with no network, no Docker
//! and no token of the user's.
//!
//! ```text
//! agent.rs ──plain HTTP──▶ the engine, as it is ──TLS──▶ origin.rs
//! placeholder              route /api/, token             answers only to the token
//! ```

mod agent;
mod origin;
mod service;
mod transcript;

pub use service::serve;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use tokio::runtime::Builder;

use crate::access_log::AccessLog;
use crate::config::{LogLevel, NoProxy};
use crate::engine::{Engine, Listen, Setup};
use crate::limits::Limits;
use crate::policy::{AllowedHosts, Credential, CredentialForm, Secret};
use crate::route::{Route, RouteTable, UpstreamUrl};
use crate::serve::tell;
use crate::upstream::{Connector, Trust};
use agent::Agent;
use origin::Origin;
use transcript::Transcript;

/// The credential that the agent brings; the origin must never see it.
const SMUGGLED: &str = "made-up-by-the-agent";

/// Plays the scenes and prints a transcript on standard output. 0 only if all of it held.
pub fn run() -> ExitCode {
    let played = Builder::new_current_thread()
        .enable_all()
        .build()
        .and_then(|runtime| runtime.block_on(play()));
    match played {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            tell(&format!("the demonstration broke off: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn play() -> io::Result<bool> {
    let token = fresh_token();
    let origin = Origin::start(&token).await?;
    let engine = start_engine(&token, &origin)?;
    let mut agent = Agent::new(engine.address());
    let mut transcript = Transcript::new();
    transcript.say("An agent, the proxy, and a service whose token the agent never gets.");
    transcript.say("");
    transcript.say(&format!(
        "  service  https://{}  throw-away certificate, answers only to its bearer token",
        origin.address()
    ));
    transcript.say(&format!(
        "  proxy    http://{}   route /api/, holds the token",
        engine.address()
    ));
    transcript.say("  agent    knows the proxy's address and nothing else");
    authorised_call(&mut transcript, &mut agent, &origin).await?;
    live_stream(&mut transcript, &mut agent).await?;
    refused_push(&mut transcript, &mut agent, &origin).await?;
    unknown_route(&mut transcript, &mut agent).await?;
    search(&mut transcript, &agent, &token);
    let held = transcript.end();
    engine.drain().await;
    Ok(held)
}

/// Nobody has seen it before, so finding it would prove a leak.
fn fresh_token() -> String {
    use std::collections::hash_map::RandomState;
    use std::hash::BuildHasher;
    let half = || RandomState::new().hash_one(std::process::id());
    format!("demo-{:016x}{:016x}", half(), half())
}

fn start_engine(token: &str, origin: &Origin) -> io::Result<Engine> {
    let limits = Arc::new(Limits::default());
    let other = |error: &dyn std::fmt::Display| io::Error::other(error.to_string());
    let secret = Secret::new(token.as_bytes().to_vec());
    let credential = Credential::render(
        "authorization",
        &CredentialForm::Scheme("Bearer".into()),
        &secret,
    )
    .map_err(|_unusable| io::Error::other("the demo's token is unusable"))?;
    let upstream = UpstreamUrl::parse(&format!("https://{}", origin.address()))
        .map_err(|error| other(&error))?;
    let route = Route::new("/api/".into(), upstream, credential);
    let trust = Trust::Only(vec![origin.authority()]);
    Engine::start(Setup {
        listen: Listen::Address(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)),
        workers: 1,
        routes: RouteTable::new(vec![route]).map_err(|error| other(&error))?,
        connector: Connector::new(trust, None, NoProxy::default(), Arc::clone(&limits))
            .map_err(|error| other(&error))?,
        allowed_hosts: AllowedHosts::any(),
        limits,
        log: Arc::new(AccessLog::new(LogLevel::Off)?),
        metrics: false,
    })
    .map_err(|error| other(&error))
}

async fn authorised_call(
    transcript: &mut Transcript,
    agent: &mut Agent,
    origin: &Origin,
) -> io::Result<()> {
    transcript.scene("A call, with a credential that the agent has brought along");
    let smuggled = format!("Authorization: Bearer {SMUGGLED}\r\nx-api-key: {SMUGGLED}\r\n");
    let answer = agent
        .exchange("GET", "/api/hello", &smuggled, transcript)
        .await?;
    transcript.check(
        "the service knew its own token, so the proxy put it in",
        answer.starts_with("HTTP/1.1 200 "),
    );
    transcript.check(
        "nothing that the agent brought reached the service",
        !origin.received().contains(SMUGGLED),
    );
    Ok(())
}

async fn live_stream(transcript: &mut Transcript, agent: &mut Agent) -> io::Result<()> {
    transcript.scene("A live event stream: each event is sent once the one before has arrived");
    let whole = agent.stream(transcript).await?;
    transcript.check(
        "every event came as it was sent, none waited for another",
        whole,
    );
    Ok(())
}

async fn refused_push(
    transcript: &mut Transcript,
    agent: &mut Agent,
    origin: &Origin,
) -> io::Result<()> {
    transcript.scene("A git push over HTTPS");
    let before = origin.requests();
    let answer = agent
        .exchange(
            "GET",
            "/api/me/app.git/info/refs?service=git-receive-pack",
            "",
            transcript,
        )
        .await?;
    transcript.check(
        "it was refused, with the reason",
        answer.starts_with("HTTP/1.1 403 "),
    );
    transcript.check(
        "the service heard nothing of it",
        origin.requests() == before,
    );
    Ok(())
}

async fn unknown_route(transcript: &mut Transcript, agent: &mut Agent) -> io::Result<()> {
    transcript.scene("A path that no route has");
    let answer = agent.exchange("GET", "/elsewhere/", "", transcript).await?;
    transcript.check("it leads nowhere", answer.starts_with("HTTP/1.1 404 "));
    Ok(())
}

/// The token in every form in which it could have come back.
fn search(transcript: &mut Transcript, agent: &Agent, token: &str) {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    transcript.scene("A search of everything that the agent received");
    let received = agent.received();
    // Of a base64 text, what does not depend on the octets around the token.
    let encoded = [0, 1, 2].map(|offset: usize| {
        let padded = [&[b'x'; 3][..offset], token.as_bytes()].concat();
        let text = STANDARD.encode(padded);
        text[offset.div_ceil(3) * 4..text.len() - 4].to_owned()
    });
    let found = std::iter::once(token)
        .chain(encoded.iter().map(String::as_str))
        .any(|form| received.contains(form));
    transcript.say(&format!("  {} octets searched", received.len()));
    transcript.check("the token is not among them, plain or in base64", !found);
}
