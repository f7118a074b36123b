//! `bottle demo`.

use std::fs::DirBuilder;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{backend, block_on, print, programs, progress, state_root, variable};
use crate::args::{Demo, Tour};
use crate::bottle::exit_code::{NOT_STARTED, OWN_FAILURE, USAGE};
use crate::bottle::{Failure, Programs};
use crate::demo::{self, ROUTE, Service, Sights};
use crate::host::facts::gather;
use crate::host::places::Places;
use crate::host::secret::Secret;
use crate::host::{tokens, variables};
use crate::local;
use crate::manifest::{Manifest, Sources};
use crate::plan::Plan;
use crate::signals::Signals;
use crate::terminal;

/// The demonstration's agent and its bottle.
const AGENT: &str = "demo";

/// Where the token is, as far as the manifest of the demonstration says.
const TOKEN_VARIABLE: &str = "DEMO_TOKEN";

/// The tour's exit code when something did not hold.
const DID_NOT_HOLD: u8 = 1;

/// A shell behind the tour, for whoever wants to try for himself.
const TOUR_AND_SHELL: &str = "\"$@\" && echo && \
    echo 'The bottle is yours: look for the token, or for a way out. `exit` ends it.' && \
    exec sh -i";

/// Plays the demonstration. 0 only if all of it held.
pub(super) fn run(args: &Demo) -> u8 {
    let played = backend::local_usable()
        .and_then(|()| Stage::set(args).map_err(|error| error.to_string()))
        .and_then(|stage| {
            let plan = stage.plan(args.shell)?;
            Ok((stage, plan))
        });
    match played {
        Ok((stage, plan)) => block_on(async {
            stage.introduce();
            match stage.play(&plan).await {
                Ok(code) => code,
                Err(failure) => {
                    progress().tell(&failure.to_string());
                    failure.exit_code()
                }
            }
        }),
        Err(sentence) => {
            progress().tell(&sentence);
            NOT_STARTED
        }
    }
}

/// Takes the tour, inside. Outside its attempts would succeed, and harm.
pub(super) fn tour(args: &Tour) -> u8 {
    if !std::env::current_exe().is_ok_and(|own| is_in_bottle(&own)) {
        progress().tell("the tour runs in the demonstration's bottle; run: bottle demo");
        return USAGE;
    }
    let sights = Sights {
        service: args.service,
        home: args.home.clone(),
    };
    match demo::take(&sights) {
        Ok(true) => 0,
        Ok(false) => DID_NOT_HOLD,
        Err(error) => {
            progress().tell(&format!("the tour broke off: {error}"));
            OWN_FAILURE
        }
    }
}

/// Whether this program, at this path, is the one that a bottle has.
fn is_in_bottle(own: &Path) -> bool {
    own == local::launcher_inside() && !rustix::process::geteuid().is_root()
}

/// What stands outside the bottle.
struct Stage {
    programs: Programs,
    token: Zeroizing<String>,
    service: Service,
    folder: Folder,
}

impl Stage {
    fn set(args: &Demo) -> io::Result<Self> {
        let programs = programs(args.engine.clone())?;
        let token = Zeroizing::new(demo::fresh_token()?);
        let named = |error| {
            let engine = programs.engine.display();
            io::Error::other(format!("{engine}: {error}"))
        };
        let service = Service::start(&programs.engine, &token).map_err(named)?;
        let folder = Folder::make()?;
        std::fs::write(folder.authority(), &service.authority)?;
        std::fs::write(folder.manifest(), manifest(service.address))?;
        Ok(Self {
            programs,
            token,
            service,
            folder,
        })
    }

    /// What a person should know before the agent speaks.
    fn introduce(&self) {
        let address = self.service.address;
        let reached = match self.service.answers() {
            Ok(()) => "a connection from outside the bottle succeeds".to_owned(),
            Err(error) => format!("it does not answer: {error}"),
        };
        print(&format!(
            "A service   https://{address}, throw-away certificate, wants a token; {reached}\n\
             A proxy     cred-proxy, outside the bottle, holds the token; route {ROUTE}\n\
             An agent    in the bottle, knows http://cred-proxy:9099{ROUTE} and nothing else\n\n"
        ));
    }

    fn plan(&self, with_shell: bool) -> Result<Plan, String> {
        let home = variable("HOME").ok_or("HOME is not set")?;
        let tour = [
            local::launcher_inside().display().to_string(),
            "tour".to_owned(),
            format!("--service={}", self.service.address),
            format!("--home={home}"),
        ];
        let command = match with_shell {
            true => ["sh", "-c", TOUR_AND_SHELL, "sh"]
                .map(str::to_owned)
                .into_iter()
                .chain(tour)
                .collect(),
            false => tour.into(),
        };
        let sources = Sources {
            home: Some(self.folder.manifest()),
            repository: None,
        };
        // Nothing of the host's belongs to the demonstration.
        let manifest = Manifest::load(&sources, &|_| None).map_err(|problems| lines(&problems))?;
        let places = Places {
            home: PathBuf::from(&home),
            manifest: self.folder.manifest(),
            state: state_root()?,
            work: self.folder.path.clone(),
            engine_sockets: Vec::new(),
        };
        let facts = gather(&places, &manifest, AGENT, std::iter::empty())?;
        Plan::make(&manifest, AGENT, &facts, Some(command)).map_err(|errors| lines(&errors))
    }

    async fn play(self, plan: &Plan) -> Result<u8, Failure> {
        let not_started = |error: io::Error| Failure::NotStarted(error.to_string());
        let slots = plan.slots.iter().map(|slot| slot.name.clone());
        let secrets: Vec<_> = slots
            .map(|slot| (slot, Secret::new(self.token.as_bytes().to_vec().into())))
            .collect();
        let asked = variables::resolve(&plan.environment);
        let request = local::Request {
            plan,
            tokens: tokens::records(&secrets),
            gate: None,
            variables: asked.map_err(|sentences| Failure::NotStarted(sentences.join("; ")))?,
            engine: std::path::absolute(&self.programs.engine).map_err(not_started)?,
            launcher: self.programs.launcher.clone(),
            state_root: state_root().map_err(Failure::NotStarted)?,
            way_out: vec![("SSL_CERT_FILE".to_owned(), self.folder.authority().into())],
            terminal: terminal::is_interactive()
                .then(|| variable("TERM").unwrap_or_else(|| "xterm".to_owned())),
            path: backend::host_path(),
            private: local::Private::of(
                PathBuf::from(variable("HOME").unwrap_or_default()),
                [self.folder.path.clone()],
            ),
        };
        let mut signals = Signals::catch().map_err(not_started)?;
        local::run(request, &mut progress(), &mut signals).await
    }
}

fn lines<T: ToString>(problems: &[T]) -> String {
    let lines: Vec<String> = problems.iter().map(T::to_string).collect();
    lines.join("\n")
}

fn manifest(service: SocketAddr) -> String {
    let route = serde_json::json!({
        "path": ROUTE, "upstream": format!("https://{service}"),
        "auth_scheme": "Bearer", "token_ref": TOKEN_VARIABLE,
    });
    let bottle = serde_json::json!({
        "agent_provider": { "image": "none" }, "cred_proxy": { "routes": [route] },
    });
    let agent = serde_json::json!({ "bottle": AGENT, "workdir": "none" });
    serde_json::json!({ "bottles": { AGENT: bottle }, "agents": { AGENT: agent } }).to_string()
}

/// A folder of the demonstration's own, which goes with the value.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn make() -> io::Result<Self> {
        let mut octets = [0; 8];
        rustix::rand::getrandom(&mut octets, rustix::rand::GetRandomFlags::empty())?;
        let name = format!("bottle-demo-{:016x}", u64::from_ne_bytes(octets));
        let path = std::env::temp_dir().join(name);
        // Not there before, and nobody else's: the certificate in it is believed.
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self { path })
    }

    fn authority(&self) -> PathBuf {
        self.path.join("authority.pem")
    }

    fn manifest(&self) -> PathBuf {
        self.path.join("manifest.json")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

fn remove(folder: &Path) {
    if let Err(error) = std::fs::remove_dir_all(folder) {
        let folder = folder.display();
        progress().tell(&format!("{folder} could not be removed: {error}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_no_tour_outside() {
        let own = std::env::current_exe().expect("a path");
        assert!(!is_in_bottle(&own));
    }
}
