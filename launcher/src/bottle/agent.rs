//! The agent's container.

use std::collections::BTreeSet;
use std::io::Read;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use super::archive::{Archive, LeftOut, copy_directory};
use super::limits::{AGENT_OOM_SCORE, AGENT_PROCESSES, PASSWD_OCTETS};
use super::{Failure, Names, label::Labels};
use crate::docker::{ContainerSpec, Docker, ImageFacts, Logging, Mount};
use crate::manifest::WorkdirMode;
use crate::plan::{GuardMount, Plan, Workdir};

/// An address that no one has (RFC 5737), for Docker's own resolver to ask where there is no
/// cred-proxy to say no.
pub(super) const NO_RESOLVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 53);

/// Who the agent is where its image says root, or an unknown name.
const USUAL_USER: (u32, u32) = (1000, 1000);

/// The home of a user that the image does not know, or knows without one.
const USUAL_HOME: &str = "/home/agent";

/// Who an agent is inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Home.
    pub home: PathBuf,
    /// `/etc/passwd` with a line for it, where the image's has none: many programs do not
    /// start as a user without a name.
    passwd: Option<String>,
}

impl Identity {
    /// Who the agent is: the owner of a bound work directory, else the image's user, unless
    /// that is root.
    pub(super) fn of(image_user: &str, owner: Option<(u32, u32)>, passwd: &str) -> Self {
        let lines: Vec<Vec<&str>> = passwd
            .lines()
            .map(|line| line.split(':').collect())
            .collect();
        let number = |line: &[&str], at: usize| line.get(at)?.parse::<u32>().ok();
        let by_name = |name: &str| {
            let line = lines.iter().find(|line| line.first() == Some(&name))?;
            Some((number(line, 2)?, number(line, 3)?))
        };
        let by_uid = |uid: u32| lines.iter().find(|line| number(line, 2) == Some(uid));
        let of_image = || {
            let (user, group) = image_user.split_once(':').unwrap_or((image_user, ""));
            let (uid, gid) = match user.parse::<u32>() {
                Ok(uid) => (
                    uid,
                    by_uid(uid).and_then(|line| number(line, 3)).unwrap_or(uid),
                ),
                Err(_name) => by_name(user)?,
            };
            Some((uid, group.parse().unwrap_or(gid)))
        };
        let (uid, gid) = owner
            .or_else(|| of_image().filter(|(uid, _)| *uid != 0))
            .unwrap_or(USUAL_USER);
        let line = by_uid(uid);
        let home = line
            .and_then(|line| line.get(5))
            .copied()
            .unwrap_or_default();
        let usable = home.len() > 1 && home.starts_with('/') && home != "/nonexistent";
        let home = PathBuf::from(if usable { home } else { USUAL_HOME });
        let own_line = || {
            let newline = if passwd.is_empty() || passwd.ends_with('\n') {
                ""
            } else {
                "\n"
            };
            let name = if by_name("agent").is_some() {
                "bottle-agent"
            } else {
                "agent"
            };
            format!(
                "{passwd}{newline}{name}:x:{uid}:{gid}::{}:/bin/sh\n",
                home.display()
            )
        };
        Self {
            uid,
            gid,
            passwd: line.is_none().then(own_line),
            home,
        }
    }
}

/// Finds out who the agent is, by the image's `/etc/passwd`: it is read from a container
/// that is never started.
///
/// # Errors
///
/// Docker's.
pub(super) async fn identify(
    docker: &Docker,
    plan: &Plan,
    image: &ImageFacts,
    names: &Names,
    labels: &Labels,
) -> Result<Identity, Failure> {
    let look = ContainerSpec {
        name: names.look.clone(),
        labels: labels.of("look"),
        image: plan.image.name.clone(),
        command: vec!["/".to_owned()],
        processes: 1,
        ..ContainerSpec::default()
    };
    docker.create_container(&look).await?;
    let archive = docker
        .download(&look.name, "/etc/passwd", PASSWD_OCTETS)
        .await;
    docker.remove_container(&look.name).await?;
    let passwd = first_file(&archive?.unwrap_or_default());
    Ok(Identity::of(&image.user, plan.workdir.owner, &passwd))
}

fn first_file(archive: &[u8]) -> String {
    let mut archive = tar::Archive::new(archive);
    let mut text = Vec::new();
    let entry = archive.entries().ok().and_then(|mut all| all.next()?.ok());
    match entry.map(|mut entry| entry.read_to_end(&mut text)) {
        Some(Ok(_)) => String::from_utf8_lossy(&text).into_owned(),
        Some(Err(_)) | None => String::new(),
    }
}

/// What the agent's container is made from.
pub(super) struct Recipe<'a> {
    /// What to do.
    pub plan: &'a Plan,
    /// The agent's variables with their values.
    pub variables: &'a [(String, String)],
    /// Who it is.
    pub who: &'a Identity,
    /// What Docker's own resolver asks.
    pub resolver: Ipv4Addr,
    /// Octets of memory that it may take, where the machine's are known.
    pub memory: Option<i64>,
    /// The kind of the user's terminal, if it gets it.
    pub terminal: Option<&'a str>,
}

/// The container.
pub(super) fn spec(recipe: &Recipe<'_>, names: &Names, labels: &Labels) -> ContainerSpec {
    let Recipe {
        plan,
        variables,
        who,
        resolver,
        memory,
        terminal,
    } = recipe;
    let home = ("HOME".to_owned(), who.home.display().to_string());
    let type_of = terminal.map(|name| ("TERM".to_owned(), name.to_owned()));
    let own = variables.iter().filter(|(name, _)| name != "HOME").cloned();
    // Later ones win: the manifest's TERM stands above the terminal's.
    let environment = type_of.into_iter().chain([home]).chain(own);
    ContainerSpec {
        name: names.agent.clone(),
        labels: labels.of("agent"),
        image: plan.image.name.clone(),
        command: plan.command.clone(),
        environment: environment
            .map(|(name, value)| format!("{name}={value}"))
            .collect(),
        user: Some(format!("{}:{}", who.uid, who.gid)),
        directory: Some(plan.workdir.inside.display().to_string()),
        hostname: Some(plan.agent.clone()),
        network: Some(names.internal.clone()),
        resolvers: vec![*resolver],
        terminal: terminal.is_some(),
        standard_input: true,
        memory: *memory,
        oom_score: Some(AGENT_OOM_SCORE),
        processes: AGENT_PROCESSES,
        init: true,
        mounts: mounts(&plan.workdir),
        // What an agent shows is its user's, and is not kept.
        logging: Logging::None,
        ..ContainerSpec::default()
    }
}

fn mounts(workdir: &Workdir) -> Vec<Mount> {
    let Some(host) = workdir
        .host
        .as_ref()
        .filter(|_| workdir.mode == WorkdirMode::Bind)
    else {
        return Vec::new();
    };
    let bind = |source: &Path, target: &Path, read_only| Mount::Bind {
        source: source.to_owned(),
        target: target.to_owned(),
        read_only,
    };
    let guards = workdir.mounts.iter().map(|guard| match guard {
        GuardMount::Itself(path) => bind(path, path, false),
        GuardMount::ReadOnly(path) => bind(path, path, true),
        GuardMount::EmptyReadOnly(path) => Mount::Empty(path.clone()),
    });
    [bind(host, &workdir.inside, false)]
        .into_iter()
        .chain(guards)
        .collect()
}

/// Everything of the host's that is mounted over the work directory.
pub(crate) fn guarded(workdir: &Workdir) -> Vec<PathBuf> {
    let path = |guard: &GuardMount| match guard {
        GuardMount::Itself(path) | GuardMount::ReadOnly(path) | GuardMount::EmptyReadOnly(path) => {
            path.clone()
        }
    };
    workdir.mounts.iter().map(path).collect()
}

/// Directories of the host that the engine would make as root, so that it can mount there.
pub(crate) fn absent_mount_points(workdir: &Workdir) -> Vec<PathBuf> {
    let empty = workdir.mounts.iter().filter_map(|guard| match guard {
        GuardMount::EmptyReadOnly(path) => Some(path.clone()),
        GuardMount::Itself(_) | GuardMount::ReadOnly(_) => None,
    });
    empty
        .filter(|path| path.symlink_metadata().is_err())
        .collect()
}

/// Makes the agent's container and puts its files there: the home, what the roles write.
///
/// # Errors
///
/// Docker's.
pub(super) async fn create(
    docker: &Docker,
    recipe: &Recipe<'_>,
    names: &Names,
    labels: &Labels,
) -> Result<(), Failure> {
    let workdir = &recipe.plan.workdir;
    if workdir.mode == WorkdirMode::Bind && recipe.who.home.starts_with(&workdir.inside) {
        let home = recipe.who.home.display();
        return Err(Failure::NotStarted(format!(
            "the home of the image's user, {home}, lies in the bound work directory, and its files would be written over yours; take another directory, or another image"
        )));
    }
    docker
        .create_container(&spec(recipe, names, labels))
        .await?;
    let packed = home_archive(recipe.plan, recipe.who)
        .map_err(|error| Failure::NotStarted(format!("the agent's files: {error}")))?;
    docker.upload(&names.agent, "/", packed).await?;
    if let Some(passwd) = &recipe.who.passwd {
        let mut files = Archive::of((0, 0));
        let path = Path::new("etc/passwd");
        let packed = files
            .file(path, 0o644, passwd.as_bytes())
            .and_then(|()| files.finish())
            .map_err(|error| Failure::NotStarted(format!("/etc/passwd: {error}")))?;
        docker.upload(&names.agent, "/", packed).await?;
    }
    Ok(())
}

/// Copies the work directory in, where the plan says so. Gives what was left out.
///
/// # Errors
///
/// Docker's, or the file that could not be read.
pub(super) async fn copy_workdir(
    docker: &Docker,
    workdir: &Workdir,
    who: &Identity,
    names: &Names,
) -> Result<LeftOut, Failure> {
    let Some(host) = workdir
        .host
        .clone()
        .filter(|_| workdir.mode == WorkdirMode::Copy)
    else {
        return Ok(LeftOut::new());
    };
    let (pieces, writer) = copy_directory(host, workdir.inside.clone(), (who.uid, who.gid));
    docker.upload_stream(&names.agent, "/", pieces).await?;
    Ok(writer.join().unwrap_or_default())
}

/// The home with its files, each directory on the way to one, and an empty work directory
/// where the agent gets none of the host's.
fn home_archive(plan: &Plan, who: &Identity) -> std::io::Result<Vec<u8>> {
    let mut archive = Archive::of((who.uid, who.gid));
    archive.directory(&who.home, 0o755)?;
    let mut made = BTreeSet::new();
    for file in &plan.files {
        let parents = file
            .path
            .ancestors()
            .skip(1)
            .filter(|p| !p.as_os_str().is_empty());
        let parents: BTreeSet<&Path> = parents.collect();
        for parent in parents {
            if made.insert(parent.to_owned()) {
                archive.directory(&who.home.join(parent), 0o755)?;
            }
        }
        archive.file(&who.home.join(&file.path), 0o644, file.content.as_bytes())?;
    }
    if plan.workdir.mode == WorkdirMode::None {
        archive.directory(&plan.workdir.inside, 0o755)?;
    }
    archive.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nnode:x:1000:1001::/home/node:/bin/sh\n\
        nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";

    #[test]
    fn who_the_agent_is() {
        let rows = [
            (
                "",
                None,
                (1000, 1001, "/home/node"),
                "root in the image is nobody's",
            ),
            (
                "node",
                None,
                (1000, 1001, "/home/node"),
                "the image's user, by name",
            ),
            ("1000", None, (1000, 1001, "/home/node"), "by number"),
            ("node:7", None, (1000, 7, "/home/node"), "with a group"),
            (
                "4242",
                None,
                (4242, 4242, "/home/agent"),
                "unknown to the image",
            ),
            (
                "ghost",
                None,
                (1000, 1000, "/home/node"),
                "a name that leads nowhere",
            ),
            (
                "node",
                Some((0, 0)),
                (0, 0, "/root"),
                "root owns the work directory",
            ),
            (
                "node",
                Some((501, 20)),
                (501, 20, "/home/agent"),
                "a stranger owns it",
            ),
            (
                "nobody",
                None,
                (65534, 65534, "/home/agent"),
                "a user without a home",
            ),
        ];
        for (user, owner, (uid, gid, home), what) in rows {
            let who = Identity::of(user, owner, PASSWD);
            let gid = if user.is_empty() { 1000 } else { gid };
            assert_eq!((who.uid, who.gid), (uid, gid), "{what}");
            assert_eq!(who.home, Path::new(home), "{what}");
        }
    }

    #[test]
    fn a_user_without_a_name_gets_one() {
        let known = Identity::of("node", None, PASSWD);
        assert_eq!(known.passwd, None);
        let stranger = Identity::of("node", Some((501, 20)), PASSWD);
        let line = "agent:x:501:20::/home/agent:/bin/sh\n";
        assert_eq!(stranger.passwd, Some(format!("{PASSWD}{line}")));
        assert_eq!(
            Identity::of("501:20", None, "").passwd.as_deref(),
            Some(line)
        );
    }
}
