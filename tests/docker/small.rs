//! A user on an engine of the test's own, that nobody else has anything on and that can be
//! filled up; its agents' image has a shell and little else.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use harness::docker::{Engine, Host, small_engine};
use harness::program::Program;
use harness::{TOKEN, require};
use serde_json::{Value, json};

use crate::setting::{TOKEN_NAME, bearer};

/// The agents' image, made of Debian's static busybox.
pub(crate) const IMAGE: &str = "bottle-test/busybox:1";

const BUSYBOX: &str = "/bin/busybox";

/// A user whose agent has one route, which leads nowhere.
pub(crate) struct Small {
    pub(crate) engine: &'static Engine,
    pub(crate) host: Host,
    // After the host, whose end removes what is left on the engine.
    _turn: MutexGuard<'static, ()>,
}

impl Small {
    /// All of it, one at a time, or a skip told under the name of `test`.
    pub(crate) fn new(test: &str) -> Option<Small> {
        static BUILT: OnceLock<()> = OnceLock::new();
        static TURN: Mutex<()> = Mutex::new(());
        // One that failed has been told, and the engine is as good as it was.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        if !Path::new(BUSYBOX).exists() {
            require::skip(test, "/bin/busybox is not here (Debian: busybox-static)");
            return None;
        }
        let engine = small_engine(test)?;
        let mut host = Host::new(engine);
        BUILT.get_or_init(|| import_busybox(engine, &host));
        host.export(TOKEN_NAME, TOKEN);
        Some(Small {
            engine,
            host,
            _turn: turn,
        })
    }

    /// Writes the manifest.
    pub(crate) fn manifest(&self, agent: Value) {
        let routes = [bearer("/api/", "https://127.0.0.1:9")];
        let bottle = json!({ "cred_proxy": { "routes": routes } });
        self.host.manifest(IMAGE, bottle, agent);
    }

    /// Makes an image of an archive.
    pub(crate) fn import(&self, name: &str, change: &str, archive: &[u8]) {
        import(self.engine, name, change, archive);
    }
}

fn import(engine: &Engine, name: &str, change: &str, archive: &[u8]) {
    let import = ["import", "--change", change, "-", name];
    let imported = engine.docker(&import).run_with(archive);
    assert_eq!(imported.code(), 0, "{imported:#?}");
}

fn import_busybox(engine: &Engine, host: &Host) {
    let bin = host.path("busybox/bin");
    fs::create_dir_all(&bin).expect("a folder");
    fs::copy(BUSYBOX, bin.join("busybox")).expect("a copy");
    for name in ["sh", "cat", "true", "ls", "sleep"] {
        symlink("busybox", bin.join(name)).expect("a link");
    }
    let archive = host.path("busybox.tar");
    let folder = host.path("busybox");
    let tar = Program::new("tar", host.folder()).arg("-C").arg(&folder);
    let packed = tar.arg("-cf").arg(&archive).arg("bin").run();
    assert_eq!(packed.code(), 0, "{packed:#?}");
    let archive = fs::read(archive).expect("an archive");
    import(engine, IMAGE, "CMD [\"/bin/sh\"]", &archive);
}
