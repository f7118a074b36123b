//! After a trial: the proxy serves another request, on connections that are sound, and
//! keeps none that it would not use.

use crate::endpoint::Endpoint;
use crate::play::is_idle;
use crate::reading::Reading;
use crate::stage::{Breach, Stage};
use crate::trial::Trial;
use crate::verdict::judge_reuse;

/// Sends one more request, on the client's connection if that was left open, and waits
/// until every connection to the service is closed.
pub(crate) fn probe(trial: &Trial, mut stage: Stage<'_>) -> Result<(), Breach> {
    let method = trial.recording.method;
    next_client(&mut stage, method)?;
    let mut idle: Vec<bool> = Vec::new();
    for end in &mut stage.services {
        idle.push(is_idle(end, method));
        end.next_exchange();
    }
    ask(trial, &mut stage, &idle)?;
    // A client that is gone cannot tell when its exchange is over for the proxy too: the
    // probe may have been faster, on a connection of its own. Another takes what is kept.
    for _ in 0..idle.len() {
        let may_be_kept = |(end, idle): (&Endpoint, &bool)| *idle && is_unused(end);
        if stage.services.iter().zip(&idle).any(may_be_kept) {
            next_client(&mut stage, "GET")?;
            ask(trial, &mut stage, &idle)?;
        }
    }
    stage.wait("the end of every connection to the service", |stage| {
        stage.services.iter().all(|end| end.is_over())
    })?;
    stage.client.reset();
    Ok(())
}

/// The client's connection after a request of this method, if the answer left it open, or
/// a new one.
fn next_client(stage: &mut Stage<'_>, method: &str) -> Result<(), Breach> {
    let last = Reading::of_response(&stage.client.received, method, None);
    let is_kept = !stage.client.is_over() && !stage.client.is_mute && last.is_whole();
    if is_kept && !last.closes() && last.status() != 101 {
        stage.client.next_exchange();
    } else {
        // Not in order, so that the port is free at once.
        stage.client.reset();
        stage.client = stage.slot().connect()?;
    }
    Ok(())
}

/// No probe has come by it, and one still may.
fn is_unused(end: &Endpoint) -> bool {
    !end.is_over() && !end.is_mute && end.sent.is_empty()
}

/// One probe, answered on whichever connection brings it; that one is closed then.
fn ask(trial: &Trial, stage: &mut Stage<'_>, idle: &[bool]) -> Result<(), Breach> {
    let target = trial.target(stage.slot());
    let request = format!("GET {target}p HTTP/1.1\r\nHost: a\r\n\r\n");
    stage.client.send(request.as_bytes());
    let number = trial.number;
    let answer =
        format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\n{number:06}");
    let brings = |end: &Endpoint| is_unused(end) && Reading::of_request(&end.received).is_whole();
    stage.wait("the probe at the service", |stage| {
        let is_asked = stage.services.iter().any(brings);
        is_asked || !stage.client.received.is_empty() || stage.client.is_over()
    })?;
    let mut answered = 0;
    for (at, end) in stage.services.iter_mut().enumerate() {
        judge_reuse(end, idle.get(at).copied().unwrap_or(true))?;
        if brings(end) {
            let request = Reading::of_request(&end.received);
            let head = request.head.as_deref().unwrap_or_default();
            if !head.starts_with(&format!("GET /{number:06}p ")) {
                return Err(format!("a probe became {head:?}"));
            }
            end.send(answer.as_bytes());
            answered += 1;
        }
    }
    if answered == 0 {
        return Err(format!("a probe was not served: {}", stage.told()));
    }
    stage.wait("the answer to the probe", |stage| {
        let answer = Reading::of_response(&stage.client.received, "GET", None);
        answer.is_whole() || stage.client.is_over()
    })?;
    let received = &stage.client.received;
    let answer = Reading::of_response(received, "GET", None);
    let is_right = answer.status() == 200
        && answer.payload == format!("{number:06}").as_bytes()
        && received.len() == answer.used;
    match is_right {
        true => Ok(()),
        false => Err(format!("a probe was answered wrongly: {}", stage.told())),
    }
}
