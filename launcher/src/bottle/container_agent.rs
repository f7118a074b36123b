//! The agent's container at work, as a session sees it.

use futures_util::future::select_all;

use super::session::{Agent, AgentInput, AgentOutput, Piece};
use super::sidecars::Sidecar;
use super::{Failure, seal};
use crate::docker::{Docker, Input, Output, Reader, Stream};
use crate::signals::Sent;

/// An agent's container that runs.
pub(super) struct ContainerAgent<'a> {
    /// The engine.
    pub docker: &'a Docker,
    /// Its container.
    pub agent: &'a str,
    /// Those whose end is told.
    pub sidecars: &'a [Sidecar],
}

impl Agent for ContainerAgent<'_> {
    async fn signal(&self, sent: Sent) -> Result<(), Failure> {
        let sent = self.docker.signal_container(self.agent, sent.name()).await;
        Ok(sent?)
    }

    async fn wait(&self) -> Result<u8, Failure> {
        let code = self.docker.wait_container(self.agent).await?;
        Ok(u8::try_from(code).unwrap_or(u8::MAX))
    }

    /// A container that was started this very moment may not have a terminal yet, so it is
    /// told again.
    async fn resize(&self, rows: u16, columns: u16) {
        for _attempt in 0..10 {
            let resized = self.docker.resize_terminal(self.agent, rows, columns).await;
            if resized.is_ok() {
                return;
            }
            tokio::time::sleep(super::limits::HEALTH_LOOK).await;
        }
    }

    async fn sidecar_end(&self) -> String {
        if self.sidecars.is_empty() {
            return std::future::pending().await;
        }
        let ends = self.sidecars.iter().map(|sidecar| {
            Box::pin(async move {
                (
                    sidecar,
                    self.docker.wait_container(&sidecar.container).await,
                )
            })
        });
        let ((sidecar, ended), _index, _others) = select_all(ends).await;
        let how = match ended {
            Ok(code) => format!("ended with exit code {code}"),
            Err(error) => format!("is out of sight: {error}"),
        };
        let words = seal::last_words(self.docker, &sidecar.container).await;
        let Sidecar { host, serves, .. } = sidecar;
        format!("{host} {how}; {serves} from now on{words}")
    }
}

impl AgentInput for Input {
    async fn write(&mut self, octets: &[u8]) -> std::io::Result<()> {
        Input::write(self, octets).await
    }

    async fn end(mut self) {
        // An agent that has ended reads no more.
        let _gone = Input::end(&mut self).await;
    }
}

impl AgentOutput for Reader {
    async fn next(&mut self) -> Result<Option<Piece>, Failure> {
        let piece = Reader::next(self).await?;
        Ok(piece.map(|Output { stream, octets }| match stream {
            Stream::Output => Piece::Output(octets),
            Stream::Error => Piece::Error(octets),
        }))
    }
}
