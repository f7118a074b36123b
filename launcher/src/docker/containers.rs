//! Containers: made, started, looked at, ended.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, EndpointSettings, HealthConfig,
    HealthStatusEnum, HostConfig, HostConfigLogConfig, MountBindOptions,
    MountBindOptionsPropagationEnum, MountTmpfsOptions, MountType, NetworkingConfig,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, KillContainerOptionsBuilder,
    LogsOptionsBuilder, RemoveContainerOptionsBuilder, ResizeContainerTTYOptionsBuilder,
    StartContainerOptions, WaitContainerOptionsBuilder,
};
use futures_util::StreamExt;

use super::error::Attempt;
use super::{Docker, DockerError, Output, Stream};

/// A container to be made. What is not in here can't be asked for: every container drops
/// all capabilities, gains no privileges, and is not restarted.
#[derive(Clone, Debug, Default)]
pub struct ContainerSpec {
    /// Its name.
    pub name: String,
    /// Labels.
    pub labels: Vec<(String, String)>,
    /// The image's name.
    pub image: String,
    /// Program and arguments; empty: the image's own.
    pub command: Vec<String>,
    /// `NAME=VALUE`.
    pub environment: Vec<String>,
    /// `uid:gid`; none: the image's.
    pub user: Option<String>,
    /// Where the program starts.
    pub directory: Option<String>,
    /// Its own name inside.
    pub hostname: Option<String>,
    /// The network that it is made on; none: no network at all.
    pub network: Option<String>,
    /// Its names on that network.
    pub aliases: Vec<String>,
    /// Resolvers behind Docker's own; empty: the host's.
    pub resolvers: Vec<Ipv4Addr>,
    /// Whether it has a terminal.
    pub terminal: bool,
    /// Whether its standard input is open until the first attached one ends.
    pub standard_input: bool,
    /// Whether its root is read-only.
    pub read_only: bool,
    /// Octets of memory, without swap beyond.
    pub memory: Option<i64>,
    /// How much rather than others it is ended where the host runs out of memory.
    pub oom_score: Option<i64>,
    /// How many processes and threads.
    pub processes: i64,
    /// Whether a small init reaps its orphans and passes signals on.
    pub init: bool,
    /// Mounts, parents first.
    pub mounts: Vec<Mount>,
    /// Anonymous volumes, removed with it.
    pub volumes: Vec<String>,
    /// How its health is asked for.
    pub health: Option<HealthCheck>,
    /// Who keeps its output.
    pub logging: Logging,
}

/// Something of the host's, or nothing, mounted into a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mount {
    /// A directory or file of the host.
    Bind {
        /// On the host.
        source: PathBuf,
        /// In the container.
        target: PathBuf,
        /// Whether it can't be written.
        read_only: bool,
    },
    /// An empty directory that can't be written.
    Empty(PathBuf),
}

/// A program that says how a container is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// Program and arguments.
    pub command: Vec<String>,
    /// How often.
    pub interval: Duration,
    /// How long it may fail at first.
    pub start: Duration,
}

/// Who keeps a container's output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Logging {
    /// Nobody.
    #[default]
    None,
    /// Docker, the last few MiB.
    Kept,
}

/// How a container is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Whether it runs.
    pub running: bool,
    /// Its exit code, if it has ended.
    pub exit_code: Option<i64>,
    /// What its health check says.
    pub health: Health,
    /// Its address on each network.
    pub addresses: Vec<(String, Ipv4Addr)>,
}

/// What a health check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// There is none.
    Unknown,
    /// It has not said yes yet.
    Starting,
    /// Yes.
    Healthy,
    /// No.
    Unhealthy,
}

impl Docker {
    /// Makes a container.
    ///
    /// # Errors
    ///
    /// Docker's own.
    pub async fn create_container(&self, spec: &ContainerSpec) -> Result<(), DockerError> {
        let what = format!("create the container {}", spec.name);
        let options = CreateContainerOptionsBuilder::default()
            .name(&spec.name)
            .build();
        let made = self.api.create_container(Some(options), body(spec)).await;
        made.attempt(&what).map(drop)
    }

    /// Starts a container.
    ///
    /// # Errors
    ///
    /// Docker's own.
    pub async fn start_container(&self, name: &str) -> Result<(), DockerError> {
        let what = format!("start the container {name}");
        let started = self
            .api
            .start_container(name, None::<StartContainerOptions>)
            .await;
        started.attempt(&what)
    }

    /// Waits until a container has ended, and gives its exit code.
    ///
    /// # Errors
    ///
    /// Docker's own.
    pub async fn wait_container(&self, name: &str) -> Result<i64, DockerError> {
        let what = format!("wait for the container {name}");
        let options = WaitContainerOptionsBuilder::default()
            .condition("not-running")
            .build();
        let mut answers = std::pin::pin!(self.api.wait_container(name, Some(options)));
        match answers.next().await {
            Some(Ok(answer)) => Ok(answer.status_code),
            Some(Err(bollard::errors::Error::DockerContainerWaitError { error, code }))
                if error.is_empty() =>
            {
                Ok(code)
            }
            Some(Err(error)) => Err(error).attempt(&what),
            None => Err(DockerError::other(&what, "the engine hung up")),
        }
    }

    /// How a container is; none if it is gone.
    ///
    /// # Errors
    ///
    /// Docker's own.
    pub async fn container(&self, name: &str) -> Result<Option<State>, DockerError> {
        let what = format!("look at the container {name}");
        let inspected = self
            .api
            .inspect_container(name, None::<InspectContainerOptions>)
            .await;
        match inspected.attempt(&what) {
            Err(error) if error.is_absent() => Ok(None),
            inspected => inspected.map(|answer| Some(state(answer))),
        }
    }

    /// Sends a signal, such as `SIGTERM`; a container that has ended is success.
    ///
    /// # Errors
    ///
    /// Docker's own.
    pub async fn signal_container(&self, name: &str, signal: &str) -> Result<(), DockerError> {
        let what = format!("send {signal} to the container {name}");
        let options = KillContainerOptionsBuilder::default()
            .signal(signal)
            .build();
        let sent = self.api.kill_container(name, Some(options)).await;
        match sent.attempt(&what) {
            Err(error) if error.is_absent() || error.is_conflict() => Ok(()),
            sent => sent,
        }
    }

    /// Tells a container's terminal its size.
    ///
    /// # Errors
    ///
    /// Docker's own; commonly that it has ended.
    pub async fn resize_terminal(
        &self,
        name: &str,
        rows: u16,
        columns: u16,
    ) -> Result<(), DockerError> {
        let what = format!("resize the terminal of {name}");
        let options = ResizeContainerTTYOptionsBuilder::default()
            .h(i32::from(rows))
            .w(i32::from(columns))
            .build();
        let resized = self.api.resize_container_tty(name, options).await;
        resized.attempt(&what)
    }

    /// Kills and removes a container and its anonymous volumes; gone already is success.
    ///
    /// # Errors
    ///
    /// Docker's own.
    pub async fn remove_container(&self, name: &str) -> Result<(), DockerError> {
        let what = format!("remove the container {name}");
        let options = RemoveContainerOptionsBuilder::default()
            .force(true)
            .v(true)
            .build();
        match self
            .api
            .remove_container(name, Some(options))
            .await
            .attempt(&what)
        {
            // 409: somebody else removes it at this moment.
            Err(error) if error.is_absent() || error.is_conflict() => Ok(()),
            removed => removed,
        }
    }

    /// What a container wrote, its last `lines` (all without), and with `follow` what it
    /// will write.
    ///
    /// # Errors
    ///
    /// Docker's own.
    pub async fn logs(
        &self,
        name: &str,
        lines: Option<usize>,
        follow: bool,
        piece: &mut dyn FnMut(Output),
    ) -> Result<(), DockerError> {
        let what = format!("read the log of {name}");
        let tail = lines.map_or_else(|| "all".to_owned(), |lines| lines.to_string());
        let options = LogsOptionsBuilder::default()
            .stdout(true)
            .stderr(true)
            .follow(follow)
            .tail(&tail)
            .build();
        let mut pieces = std::pin::pin!(self.api.logs(name, Some(options)));
        while let Some(log) = pieces.next().await {
            let (stream, octets) = match log.attempt(&what)? {
                bollard::container::LogOutput::StdErr { message } => (Stream::Error, message),
                bollard::container::LogOutput::StdOut { message }
                | bollard::container::LogOutput::StdIn { message }
                | bollard::container::LogOutput::Console { message } => (Stream::Output, message),
            };
            piece(Output { stream, octets });
        }
        Ok(())
    }
}

fn body(spec: &ContainerSpec) -> ContainerCreateBody {
    let endpoints = spec.network.iter().map(|network| {
        let endpoint = EndpointSettings {
            aliases: Some(spec.aliases.clone()),
            ..EndpointSettings::default()
        };
        (network.clone(), endpoint)
    });
    ContainerCreateBody {
        image: Some(spec.image.clone()),
        labels: Some(spec.labels.iter().cloned().collect()),
        // An entrypoint of the image's would read our command as its arguments.
        entrypoint: spec.command.first().map(|program| vec![program.clone()]),
        cmd: Some(spec.command.iter().skip(1).cloned().collect())
            .filter(|_| !spec.command.is_empty()),
        env: Some(spec.environment.clone()),
        user: spec.user.clone(),
        working_dir: spec.directory.clone(),
        hostname: spec.hostname.clone(),
        tty: Some(spec.terminal),
        open_stdin: Some(spec.standard_input),
        stdin_once: Some(spec.standard_input),
        attach_stdin: Some(spec.standard_input),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        volumes: Some(spec.volumes.clone()),
        healthcheck: spec.health.as_ref().map(health_config),
        network_disabled: None,
        networking_config: Some(NetworkingConfig {
            endpoints_config: Some(endpoints.collect()),
        }),
        host_config: Some(host_config(spec)),
        ..ContainerCreateBody::default()
    }
}

fn host_config(spec: &ContainerSpec) -> HostConfig {
    let (driver, options) = match spec.logging {
        Logging::None => ("none", HashMap::new()),
        Logging::Kept => {
            let options = [("max-size", "8m"), ("max-file", "2")];
            let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
            ("json-file", options.into_iter().map(own).collect())
        }
    };
    HostConfig {
        network_mode: Some(spec.network.clone().unwrap_or_else(|| "none".to_owned())),
        dns: Some(spec.resolvers.iter().map(Ipv4Addr::to_string).collect()),
        // The host's search domains tell about it, and lead nowhere from here.
        dns_search: Some(vec![".".to_owned()]).filter(|_| !spec.resolvers.is_empty()),
        cap_drop: Some(vec!["ALL".to_owned()]),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        readonly_rootfs: Some(spec.read_only),
        memory: spec.memory,
        memory_swap: spec.memory,
        oom_score_adj: spec.oom_score,
        pids_limit: Some(spec.processes),
        init: Some(spec.init),
        mounts: Some(spec.mounts.iter().map(mount).collect()),
        log_config: Some(HostConfigLogConfig {
            typ: Some(driver.to_owned()),
            config: Some(options),
        }),
        ..HostConfig::default()
    }
}

fn mount(mount: &Mount) -> bollard::models::Mount {
    let text = |path: &PathBuf| path.display().to_string();
    match mount {
        Mount::Bind {
            source,
            target,
            read_only,
        } => bollard::models::Mount {
            typ: Some(MountType::BIND),
            source: Some(text(source)),
            target: Some(text(target)),
            read_only: Some(*read_only),
            bind_options: Some(MountBindOptions {
                propagation: Some(MountBindOptionsPropagationEnum::RPRIVATE),
                ..MountBindOptions::default()
            }),
            ..bollard::models::Mount::default()
        },
        Mount::Empty(target) => bollard::models::Mount {
            typ: Some(MountType::TMPFS),
            target: Some(text(target)),
            read_only: Some(true),
            tmpfs_options: Some(MountTmpfsOptions {
                mode: Some(0o555),
                size_bytes: Some(4096),
                ..MountTmpfsOptions::default()
            }),
            ..bollard::models::Mount::default()
        },
    }
}

fn health_config(check: &HealthCheck) -> HealthConfig {
    let nanoseconds = |time: Duration| i64::try_from(time.as_nanos()).ok();
    let mut test = vec!["CMD".to_owned()];
    test.extend(check.command.iter().cloned());
    HealthConfig {
        test: Some(test),
        interval: nanoseconds(check.interval),
        timeout: nanoseconds(Duration::from_secs(3)),
        retries: Some(6),
        start_period: nanoseconds(check.start),
        ..HealthConfig::default()
    }
}

fn state(answer: ContainerInspectResponse) -> State {
    let state = answer.state.unwrap_or_default();
    let running = state.running.unwrap_or(false);
    let health = match state.health.and_then(|health| health.status) {
        Some(HealthStatusEnum::HEALTHY) => Health::Healthy,
        Some(HealthStatusEnum::UNHEALTHY) => Health::Unhealthy,
        Some(HealthStatusEnum::STARTING) => Health::Starting,
        Some(HealthStatusEnum::NONE | HealthStatusEnum::EMPTY) | None => Health::Unknown,
    };
    let networks = answer
        .network_settings
        .and_then(|settings| settings.networks);
    let address = |(name, endpoint): (String, EndpointSettings)| {
        Some((name, endpoint.ip_address?.parse().ok()?))
    };
    State {
        running,
        exit_code: state.exit_code.filter(|_| !running),
        health,
        addresses: networks.into_iter().flatten().filter_map(address).collect(),
    }
}
