//! A trial while it runs: who sends what next, and where among it the fault happens.

use std::time::Instant;

use crate::endpoint::Endpoint;
use crate::fault::{Fault, Leg, STALL, Side};
use crate::peer::Ending;
use crate::reading::Reading;
use crate::recording::{After, Turn};
use crate::stage::{Breach, Slot, Stage};
use crate::trial::Trial;

/// A trial while it runs.
pub(crate) struct Play<'a> {
    pub(crate) trial: &'a Trial,
    pub(crate) stage: Stage<'a>,
    /// The next turn of the client, and of the service.
    turns: [usize; 2],
    /// Which of the service's connections carries the exchange.
    pub(crate) service: Option<usize>,
    /// When the fault happened.
    pub(crate) fired: Option<Instant>,
    /// Whether it happened to a connection that had carried an exchange.
    pub(crate) is_first_service_dead: bool,
}

impl<'a> Play<'a> {
    /// Opens the stage; all that comes before the exchange on trial is done.
    pub(crate) fn begin(trial: &'a Trial, slot: &'a Slot) -> Result<Play<'a>, Breach> {
        let mut play = Play {
            trial,
            stage: Stage::open(slot)?,
            turns: [0, 0],
            service: None,
            fired: None,
            is_first_service_dead: false,
        };
        if trial.recording.is_second {
            play.first_exchange()?;
        }
        Ok(play)
    }

    /// An exchange without fault, after which both connections are kept.
    fn first_exchange(&mut self) -> Result<(), Breach> {
        let target = self.trial.target(self.stage.slot());
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        self.stage.client.send(request.as_bytes());
        self.stage.wait("the first request", |stage| {
            let first = stage.services.first();
            first.is_some_and(|end| Reading::of_request(&end.received).is_whole())
        })?;
        self.stage.services[0].send(b"HTTP/1.1 204 No Content\r\n\r\n");
        self.stage.wait("the first answer", |stage| {
            Reading::of_response(&stage.client.received, "GET", None).is_whole()
        })?;
        self.stage.client.next_exchange();
        self.stage.services[0].next_exchange();
        Ok(())
    }

    fn end(&mut self, side: Side) -> Option<&mut Endpoint> {
        match side {
            Side::Client => Some(&mut self.stage.client),
            Side::Service => self.service.map(|at| &mut self.stage.services[at]),
        }
    }

    /// The response as the client has it.
    pub(crate) fn answer(&self) -> Reading {
        let client = &self.stage.client;
        // Before its method is whole, a request is none of HEAD.
        let method = match client.sent.contains(&b' ') {
            true => self.trial.recording.method,
            false => "",
        };
        Reading::of_response(&client.received, method, client.ended)
    }

    /// The response as this end of the service has sent it.
    pub(crate) fn original(&self, end: &Endpoint) -> Reading {
        Reading::of_response(&end.sent, self.trial.recording.method, end.finished)
    }

    /// Does all that is due now, the fault included.
    pub(crate) fn advance(&mut self) -> Result<(), Breach> {
        loop {
            self.find_service();
            let moved = self.take_turn(Side::Client)? || self.take_turn(Side::Service)?;
            if !moved {
                return self.endure();
            }
        }
    }

    /// The exchange may go on, from its beginning, on another connection.
    fn find_service(&mut self) {
        let newest = self
            .stage
            .services
            .iter()
            .rposition(|end| !end.received.is_empty());
        if newest.is_some() && newest != self.service {
            self.service = newest;
            self.turns[1] = 0;
        }
    }

    /// Sends what is due of one side, or closes; whether anything was done.
    fn take_turn(&mut self, side: Side) -> Result<bool, Breach> {
        let recording = self.trial.recording;
        let turns = match side {
            Side::Client => recording.client,
            Side::Service => recording.service,
        };
        let turn = turns.get(self.turns[side as usize]).copied();
        let is_held = |end: &Endpoint| end.is_mute || end.is_closed();
        if self.end(side).is_none_or(|end| is_held(end)) {
            return Ok(false);
        }
        if let Some((after, text)) = turn {
            if !self.is_due(side, after) {
                return Ok(false);
            }
            self.turns[side as usize] += 1;
            let target = self.trial.target(self.stage.slot());
            let octets = text.replacen('@', &target, usize::from(side == Side::Client));
            self.deliver(side, octets.as_bytes())?;
            return Ok(true);
        }
        let closes = self.closes_now(side);
        if let Some(end) = self.end(side).filter(|_| closes) {
            end.close();
        }
        Ok(closes)
    }

    /// Whether a side that has sent everything is to close.
    fn closes_now(&self, side: Side) -> bool {
        let recording = self.trial.recording;
        if recording.is_tunnel {
            let all = tunnel_octets(recording.service);
            let answer = self.answer();
            let is_in_tunnel = answer.is_whole() && answer.status() == 101;
            return is_in_tunnel
                && match side {
                    Side::Client => self.received_in_tunnel() >= all || self.has_ended(side),
                    Side::Service => self.has_ended(side),
                };
        }
        side == Side::Service && recording.service_closes
    }

    fn has_ended(&self, side: Side) -> bool {
        let end = match side {
            Side::Client => Some(&self.stage.client),
            Side::Service => self.service.map(|at| &self.stage.services[at]),
        };
        end.is_some_and(|end| end.ended.is_some())
    }

    fn received_in_tunnel(&self) -> usize {
        self.stage.client.received.len() - self.answer().used
    }

    fn is_due(&self, side: Side, after: After) -> bool {
        let request = self.service.map(|at| {
            let received = &self.stage.services[at].received;
            (Reading::of_request(received), received.len())
        });
        match (side, after) {
            (_, After::Start) => true,
            (Side::Client, After::Tunnel(octets)) => {
                let answer = self.answer();
                let in_tunnel = answer.is_whole() && answer.status() == 101;
                in_tunnel && (self.received_in_tunnel() >= octets || self.has_ended(side))
            }
            (Side::Client, _) => self.answer().interim > 0,
            (Side::Service, After::Tunnel(octets)) => request.is_some_and(|(request, length)| {
                length - request.used >= octets || self.has_ended(side)
            }),
            (Side::Service, After::Head) => request.is_some_and(|(r, _)| r.head.is_some()),
            (Side::Service, _) => request.is_some_and(|(r, _)| r.is_whole()),
        }
    }

    /// Sends the octets of one turn, with the fault among them if it is here.
    fn deliver(&mut self, side: Side, octets: &[u8]) -> Result<(), Breach> {
        let Trial { leg, position, .. } = *self.trial;
        let is_counted = self.fired.is_none() && leg.counted() == side;
        let Some(end) = self.end(side) else {
            return Ok(());
        };
        let at = end.sent.len();
        if !is_counted || !(at..=at + octets.len()).contains(&position) {
            end.send(octets);
            return Ok(());
        }
        let (before, after) = octets.split_at(position - at);
        end.send(before);
        self.settle(side)?;
        self.fire();
        if let Some(end) = self.end(side).filter(|end| !end.is_mute) {
            end.send(after);
        }
        Ok(())
    }

    /// Waits until the proxy has taken all that this side sent, and, where a head is
    /// whole, until every octet of the body has arrived behind it: nothing is held back.
    fn settle(&mut self, side: Side) -> Result<(), Breach> {
        let method = self.trial.recording.method;
        let at = self.service;
        match side {
            Side::Client => {
                let sent = Reading::of_request(&self.stage.client.sent);
                let is_tunnel = self.trial.recording.is_tunnel;
                let tunnel = self.stage.client.sent.len() - sent.used;
                self.stage.wait("the request, as far as sent", |stage| {
                    let arrived = stage.services.iter().any(|end| {
                        let request = Reading::of_request(&end.received);
                        request.head.is_some()
                            && request.payload.len() >= sent.payload.len()
                            && (!is_tunnel || end.received.len() - request.used >= tunnel)
                    });
                    stage.client.is_taken() && (arrived || sent.head.is_none())
                })
            }
            Side::Service => {
                let Some(at) = at else { return Ok(()) };
                let octets = &self.stage.services[at].sent;
                let sent = Reading::of_response(octets, method, None);
                let tunnel = octets.len() - sent.used;
                let is_tunnel = sent.is_whole() && self.trial.recording.is_tunnel;
                self.stage.wait("the response, as far as sent", |stage| {
                    let client = &stage.client;
                    let answer = Reading::of_response(&client.received, method, None);
                    let arrived = answer.payload.len() >= sent.payload.len()
                        && answer.interim >= sent.interim
                        && answer.head.is_some() == sent.head.is_some()
                        && (!is_tunnel || client.received.len() - answer.used >= tunnel);
                    stage.services[at].is_taken() && arrived
                })
            }
        }
    }

    /// What was to go wrong goes wrong.
    fn fire(&mut self) {
        let Trial { leg, fault, .. } = *self.trial;
        self.fired = Some(Instant::now());
        self.find_service();
        if leg == Leg::ToService && self.service.is_none() && !self.stage.services.is_empty() {
            self.service = Some(0);
        }
        let Some(end) = self.end(leg.actor()) else {
            return;
        };
        match fault {
            Fault::Split => return,
            Fault::Truncate => end.close(),
            Fault::Reset => end.reset(),
            Fault::HalfClose => end.half_close(),
            Fault::Stall => {}
        }
        end.is_mute = true;
        let was_used = end.carried > 0;
        self.is_first_service_dead = leg.actor() == Side::Service && was_used;
        // A client that is gone cancels the rest of the answer; a tunnel goes on.
        if leg == Leg::ToClient
            && !self.trial.recording.is_tunnel
            && let Some(service) = self.end(Side::Service)
        {
            service.is_mute = true;
        }
    }

    /// A body may be silent for ever: nothing but the client ends such a trial.
    fn endure(&mut self) -> Result<(), Breach> {
        let (true, Some(fired)) = (self.is_endless(), self.fired) else {
            return Ok(());
        };
        let client = &mut self.stage.client;
        if client.is_closed() || fired.elapsed() < STALL * 2 {
            return Ok(());
        }
        if client.ended.is_some() {
            return Err(format!("a silent body was ended; {}", self.stage.told()));
        }
        client.close();
        Ok(())
    }

    fn is_endless(&self) -> bool {
        let Trial {
            recording,
            leg,
            fault,
            position,
            ..
        } = *self.trial;
        let in_body = position >= recording.response_heads() && !recording.is_tunnel;
        (leg, fault) == (Leg::FromService, Fault::Stall) && in_body
    }

    /// Has every connection ended, or come to wait for its next exchange?
    pub(crate) fn is_over(&self) -> bool {
        self.is_client_over() && self.stage.services.iter().all(|end| self.is_end_over(end))
    }

    fn is_client_over(&self) -> bool {
        let client = &self.stage.client;
        if client.is_over() {
            return true;
        }
        let answer = self.answer();
        let all_sent = self.turns[0] == self.trial.recording.client.len();
        let is_kept = !answer.closes() && client.finished.is_none();
        let is_own = !answer.all("proxy-status").is_empty();
        answer.is_whole()
            && answer.status() != 101
            && is_kept
            && !client.is_mute
            && (all_sent || is_own)
    }

    /// Ended, or waiting for its next exchange.
    fn is_end_over(&self, end: &Endpoint) -> bool {
        let response = Reading::of_response(&end.sent, self.trial.recording.method, None);
        let is_idle = Reading::of_request(&end.received).is_whole()
            && response.is_whole()
            && response.status() != 101;
        let is_fresh_from_last = end.carried > 0 && end.received.is_empty();
        end.is_over() || is_idle || is_fresh_from_last
    }
}

/// Whether the proxy may keep this end of the service for another exchange.
pub(crate) fn is_idle(end: &Endpoint, method: &str) -> bool {
    let response = Reading::of_response(&end.sent, method, None);
    let was_used = end.received.is_empty() && end.carried > 0;
    was_used
        || (Reading::of_request(&end.received).is_whole()
            && response.is_whole()
            && !response.closes()
            && response.status() != 101
            && end.finished != Some(Ending::Reset))
}

fn tunnel_octets(turns: &[Turn]) -> usize {
    let in_tunnel = turns
        .iter()
        .filter(|(after, _)| matches!(after, After::Tunnel(_)));
    in_tunnel.map(|(_, octets)| octets.len()).sum()
}
