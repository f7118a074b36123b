//! What must be true of a trial however it went: judged by the octets that passed, with
//! a reader that knows nothing of the proxy.

use crate::endpoint::Endpoint;
use crate::fault::{Fault, Leg, Side};
use crate::play::Play;
use crate::proxy::TOKEN;
use crate::reading::{Reading, State};
use crate::stage::Breach;
use crate::trial::Trial;

/// Says what was wrong.
pub(crate) fn judge(play: &Play<'_>) -> Result<(), Breach> {
    let begun = judge_requests(play)?;
    let answer = play.answer();
    judge_answer(play, &answer)?;
    judge_tunnel(play, &answer)?;
    judge_outcome(play, &answer, begun)?;
    let leaks = &play.stage.slot().leaks;
    let place = "what the client received";
    leaks.stream(place).feed(&play.stage.client.received);
    match leaks.found().first() {
        Some(found) => Err(format!("the credential leaks: {found}")),
        None => Ok(()),
    }
}

fn breach_if(is_breach: bool, what: &str) -> Result<(), Breach> {
    if is_breach {
        return Err(what.to_owned());
    }
    Ok(())
}

fn sound(reading: &Reading, whose: &str) -> Result<(), Breach> {
    match &reading.state {
        State::Faulty(fault) => Err(format!("{whose} is malformed: {fault}")),
        State::Incomplete | State::Whole => Ok(()),
    }
}

/// Each request at the service is the client's, none is completed by the proxy, and there
/// is one, or two where section 5 of the contract allows it. Gives how many there were.
fn judge_requests(play: &Play<'_>) -> Result<usize, Breach> {
    let trial = play.trial;
    let sent = Reading::of_request(&play.stage.client.sent);
    let services = &play.stage.services;
    let mut begun = 0;
    for end in services.iter().filter(|end| !end.received.is_empty()) {
        begun += 1;
        let request = Reading::of_request(&end.received);
        sound(&request, "a forwarded request")?;
        judge_head(trial, &request)?;
        let is_part = sent.payload.starts_with(&request.payload);
        breach_if(!is_part, "a forwarded body that the client did not send")?;
        let is_invented = request.is_whole() && !sent.is_whole();
        breach_if(is_invented, "a truncated request looks whole")?;
        let is_short = request.is_whole() && request.payload != sent.payload;
        breach_if(is_short, "a whole request without all of its body")?;
        let more = end.received.len() > request.used && request.is_whole();
        let more = more && !trial.recording.is_tunnel;
        breach_if(more, "octets behind the forwarded request")?;
    }
    breach_if(
        begun > 0 && sent.head.is_none(),
        "a request without its whole head was forwarded",
    )?;
    let first = services.first();
    let is_replaced = begun == 2
        && play.is_first_service_dead
        && trial.recording.is_idempotent()
        && first.is_some_and(|end| {
            end.sent.is_empty() && Reading::of_request(&end.received).payload.is_empty()
        });
    breach_if(begun > 1 && !is_replaced, "the request was sent twice")?;
    Ok(begun)
}

fn judge_head(trial: &Trial, request: &Reading) -> Result<(), Breach> {
    let Some(head) = &request.head else {
        return Ok(());
    };
    let line = format!("{} /{:06} HTTP/1.1", trial.recording.method, trial.number);
    let is_other = head.split("\r\n").next() != Some(&line);
    breach_if(is_other, "a request that belongs to another trial")?;
    let credential = format!("Bearer {TOKEN}");
    let is_ours = request.all("authorization") == [credential.as_str()];
    breach_if(!is_ours, "not one credential, and ours")?;
    breach_if(!request.all("cookie").is_empty(), "the client's credential")?;
    breach_if(request.all("host").len() != 1, "not one Host")
}

fn is_own(answer: &Reading) -> bool {
    !answer.all("proxy-status").is_empty()
}

/// What the client has is a part of what the service sent, and whole only if that was.
fn judge_answer(play: &Play<'_>, answer: &Reading) -> Result<(), Breach> {
    sound(answer, "the answer")?;
    let received = play.stage.client.received.len();
    let more = answer.is_whole() && answer.status() != 101 && received > answer.used;
    breach_if(more, "octets behind the answer")?;
    let services = &play.stage.services;
    let originals: Vec<Reading> = services.iter().map(|end| play.original(end)).collect();
    let most = originals.iter().map(|original| original.interim).max();
    let more = answer.interim > most.unwrap_or(0);
    breach_if(more, "an interim response that nobody sent")?;
    if answer.head.is_none() || is_own(answer) {
        return Ok(());
    }
    let original = originals
        .iter()
        .find(|original| original.head.is_some() && original.status() == answer.status());
    let original = original.ok_or("an answer that nobody gave")?;
    let is_part = original.payload.starts_with(&answer.payload);
    breach_if(!is_part, "octets that the service did not send")?;
    let is_invented = answer.is_whole() && !original.is_whole();
    breach_if(is_invented, "a truncated answer looks whole")?;
    let is_short = answer.is_whole() && answer.payload != original.payload;
    breach_if(is_short, "a whole answer without all of its body")
}

/// The octets of a tunnel arrive as they were sent, and each direction ends by itself.
fn judge_tunnel(play: &Play<'_>, answer: &Reading) -> Result<(), Breach> {
    let (true, Some(at)) = (answer.status() == 101, play.service) else {
        return Ok(());
    };
    let (client, service) = (&play.stage.client, &play.stage.services[at]);
    let (request, response) = (
        Reading::of_request(&service.received),
        play.original(service),
    );
    let sent = Reading::of_request(&client.sent);
    let up = (&service.received[request.used..], &client.sent[sent.used..]);
    let down = (
        &client.received[answer.used..],
        &service.sent[response.used..],
    );
    for (arrived, sent) in [up, down] {
        breach_if(
            !sent.starts_with(arrived),
            "octets in the tunnel that nobody sent",
        )?;
    }
    let Trial { leg, fault, .. } = *play.trial;
    let is_half = fault == Fault::HalfClose;
    let all_up = fault == Fault::Split || (is_half && leg.actor() == Side::Service);
    let all_down = fault == Fault::Split || (is_half && leg.actor() == Side::Client);
    let recording = play.trial.recording;
    let target = play.trial.target(play.stage.slot());
    let lost_up = all_up && client.sent != recording.request(&target);
    let lost_down = all_down && service.sent != recording.response();
    breach_if(lost_up || lost_down, "a tunnel ended with its other half")?;
    let lost = (all_up && up.0 != up.1) || (all_down && down.0 != down.1);
    breach_if(lost, "octets of a half-closed tunnel are lost")
}

/// What the client must have been told.
fn judge_outcome(play: &Play<'_>, answer: &Reading, begun: usize) -> Result<(), Breach> {
    let Trial {
        recording,
        leg,
        fault,
        position,
        ..
    } = *play.trial;
    let is_full = answer.is_whole() && !is_own(answer);
    let own = |status| answer.is_whole() && is_own(answer) && answer.status() == status;
    let target = play.trial.target(play.stage.slot());
    match (leg, fault) {
        (_, Fault::Split) => breach_if(!is_full, "a delay lost the answer"),
        (Leg::FromClient, Fault::Stall) => {
            let head = recording.request_head(&target);
            let is_right = match position {
                0 => play.stage.client.received.is_empty(),
                _ if position >= head && recording.is_tunnel => is_full,
                _ => own(408),
            };
            breach_if(!is_right, "a client that stalls is not told so")
        }
        (Leg::FromClient, Fault::HalfClose) => {
            let unfinished = position < recording.request(&target).len() && !recording.is_tunnel;
            let is_answered = unfinished && answer.head.is_some();
            breach_if(is_answered, "an answer to half of a request")
        }
        (Leg::FromClient | Leg::ToClient, _) => Ok(()),
        (Leg::ToService, _) => {
            let in_tunnel = recording.is_tunnel && position > recording.request_head(&target);
            let was_replaced = begun > 0 && recording.is_second;
            let is_right = own(502) || (is_full && (in_tunnel || was_replaced));
            breach_if(!is_right, "a service that is gone is not told of")
        }
        (Leg::FromService, _) => {
            let original = play.stage.services.first().map(|end| play.original(end));
            let original = original.ok_or("no request arrived")?;
            let status = if fault == Fault::Stall { 504 } else { 502 };
            let is_right = match (begun, &original.head) {
                (2.., _) => is_full,
                (_, Some(_)) => is_full == original.is_whole(),
                (_, None) => own(status),
            };
            breach_if(!is_right, "the client does not see how the service ended")
        }
    }
}

/// What an end may be used for once more.
pub(crate) fn judge_reuse(end: &Endpoint, was_idle: bool) -> Result<(), Breach> {
    let used = !end.received.is_empty() && !was_idle;
    breach_if(
        used,
        "a connection whose exchange was not complete is used again",
    )
}
