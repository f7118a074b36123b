//! After a trial: the proxy serves another request, on connections that are sound, and
//! keeps none that it would not use.

use crate::play::is_idle;
use crate::reading::Reading;
use crate::stage::{Breach, Stage};
use crate::trial::Trial;
use crate::verdict::judge_reuse;

/// Sends one more request, on the client's connection if that was left open, and waits
/// until every connection to the service is closed.
pub(crate) fn probe(trial: &Trial, mut stage: Stage<'_>) -> Result<(), Breach> {
    let slot = stage.slot();
    let method = trial.recording.method;
    let last = Reading::of_response(&stage.client.received, method, None);
    let is_kept = !stage.client.is_over() && !stage.client.is_mute && last.is_whole();
    if is_kept && !last.closes() && last.status() != 101 {
        stage.client.next_exchange();
    } else {
        // Not in order, so that the port is free at once.
        stage.client.reset();
        stage.client = slot.connect()?;
    }
    let mut idle: Vec<bool> = Vec::new();
    for end in &mut stage.services {
        idle.push(is_idle(end, method));
        end.next_exchange();
    }
    let target = trial.target(slot);
    let request = format!("GET {target}p HTTP/1.1\r\nHost: a\r\n\r\n");
    stage.client.send(request.as_bytes());
    let number = trial.number;
    let answer =
        format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\n{number:06}");
    let mut answered = 0;
    while answered == 0 {
        stage.wait("the probe at the service", |stage| {
            let mut ends = stage.services.iter();
            let is_asked = ends.any(|end| {
                !end.is_over() && !end.is_mute && Reading::of_request(&end.received).is_whole()
            });
            is_asked || !stage.client.received.is_empty() || stage.client.is_over()
        })?;
        for (at, end) in stage.services.iter_mut().enumerate() {
            judge_reuse(end, idle.get(at).copied().unwrap_or(true))?;
            let request = Reading::of_request(&end.received);
            if request.is_whole() && !end.is_mute && end.sent.is_empty() {
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
    if !is_right {
        return Err(format!("a probe was answered wrongly: {}", stage.told()));
    }
    stage.wait("the end of every connection to the service", |stage| {
        stage.services.iter().all(|end| end.is_over())
    })?;
    stage.client.reset();
    Ok(())
}
