//! An engine, and the launcher's way to speak with it.

use harness::docker::{Engine, engine};
use launcher::docker::Docker;

/// What a skip is told under.
const TEST: &str = "the launcher on Docker";

/// An engine that answers.
pub(crate) struct Rig {
    pub(crate) engine: &'static Engine,
    pub(crate) docker: Docker,
    runtime: tokio::runtime::Runtime,
}

impl Rig {
    /// None where there is no engine and none can be started; the test is skipped then.
    pub(crate) fn new() -> Option<Self> {
        let engine = engine(TEST)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let docker = runtime.block_on(Docker::connect(engine.host(), None));
        Some(Self {
            engine,
            docker: docker.expect("the engine that answered"),
            runtime,
        })
    }

    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }
}

pub(crate) fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}
