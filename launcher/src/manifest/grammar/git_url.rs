//! Where a repository of the gate lies: `ssh://[user@]host[:port]/path` or
//! `[user@]host:path`.

use super::authority::Authority;

/// A repository's place, in one spelling.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::manifest) struct GitUrl {
    /// Lower case, IPv6 without brackets.
    pub(in crate::manifest) host: String,
    port: u16,
    /// Without a `/` at the beginning, and without `.git` at the end.
    pub(in crate::manifest) path: String,
}

impl GitUrl {
    /// Reads either form.
    pub(in crate::manifest) fn parse(text: &str) -> Result<GitUrl, String> {
        parse(text)
            .map_err(|why| format!("{why}; write it like \"ssh://git@git.example.org/me/app.git\""))
    }

    /// Whether the path is `owner/repository`, as the API of a forge wants it.
    pub(in crate::manifest) fn is_of_forge(&self) -> bool {
        self.path.split('/').count() == 2
    }
}

fn parse(text: &str) -> Result<GitUrl, String> {
    let (authority, path) = match text.split_once("://") {
        Some(("ssh", rest)) => rest.split_once('/').ok_or("has no path behind its host")?,
        Some(_) => return Err("is no SSH URL, and the gate speaks SSH alone".to_owned()),
        None => split_scp_like(text).ok_or("is neither an `ssh://` URL nor `user@host:path`")?,
    };
    let (user, authority) = match authority.rsplit_once('@') {
        Some((user, authority)) => (Some(user), authority),
        None => (None, authority),
    };
    check_user(user)?;
    let authority = Authority::parse(authority).map_err(|error| error.to_string())?;
    // ssh would take it for an option.
    if authority.host.starts_with('-') {
        return Err("has a host that begins with `-`".to_owned());
    }
    Ok(GitUrl {
        host: authority.host,
        port: authority.port.unwrap_or(22),
        path: checked_path(path)?,
    })
}

/// The part before the path is a host, in brackets if it has colons, without a port.
fn split_scp_like(text: &str) -> Option<(&str, &str)> {
    let before_host = text.find('@').map_or(0, |at| at + 1);
    let colon = match text[before_host..].starts_with('[') {
        true => text.find("]:")? + 1,
        false => text.find(':')?,
    };
    let authority = &text[..colon];
    let has_slash = authority.contains('/');
    let path = &text[colon + 1..];
    (!has_slash).then(|| (authority, path.strip_prefix('/').unwrap_or(path)))
}

fn check_user(user: Option<&str>) -> Result<(), &'static str> {
    let Some(user) = user else {
        return Ok(());
    };
    let allowed = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet);
    if user.contains(':') {
        return Err("has a password, and the gate has a key instead");
    }
    match !user.is_empty() && !user.starts_with('-') && user.bytes().all(allowed) {
        true => Ok(()),
        false => Err("has a user that is no name of letters, digits, `-`, `_` and `.`"),
    }
}

/// It ends in a configuration file and in the command line of a shell on the other side.
fn checked_path(path: &str) -> Result<String, &'static str> {
    let allowed = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.~+@/".contains(&octet);
    if !path.bytes().all(allowed) {
        return Err("has a path with other characters than letters, digits and `-_.~+@/`");
    }
    let name = path.strip_suffix(".git").unwrap_or(path);
    let is_segment =
        |segment: &str| !matches!(segment, "" | "." | ".." | ".git") && !segment.starts_with('-');
    match name.split('/').all(is_segment) {
        true => Ok(name.to_owned()),
        false => Err("has a path with an empty or dot segment, or one that begins with `-`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_repository_has_one_place() {
        let first = GitUrl::parse("ssh://git@Git.example.org/me/app.git").expect("a URL");
        for text in [
            "ssh://git.example.org:22/me/app",
            "git@git.example.org:me/app.git",
            "git.example.org:/me/app",
        ] {
            assert_eq!(GitUrl::parse(text).as_ref(), Ok(&first), "{text}");
        }
        for text in [
            "ssh://git@git.example.org:2222/me/app.git",
            "git@git.example.org:me/app2.git",
            "git@[::1]:me/app.git",
            "ssh://git@[::1]:22/me/app.git",
        ] {
            let other = GitUrl::parse(text).expect(text);
            assert_ne!(other, first, "{text}");
            assert!(other.is_of_forge(), "{text}");
        }
    }

    #[test]
    fn what_ssh_or_a_shell_would_misread_is_refused() {
        for text in [
            "",
            "app",
            "/srv/app.git",
            "./a:b",
            "https://git.example.org/me/app.git",
            "SSH://h/p",
            "ssh://h",
            "ssh://h/",
            "ssh://h//srv/a",
            "h://srv/a",
            "ssh:///p",
            "ssh://-oProxyCommand=x/p",
            "-oProxyCommand=x:p",
            "ssh://u:p@h/p",
            "ssh://-u@h/p",
            "ssh://h/-p",
            "ssh://h/a/../b",
            "ssh://h//a//b",
            "ssh://h/a b",
            "ssh://h/a'b",
            "ssh://h/a\"b",
            "ssh://h/a\\b",
            "ssh://h/a\nb",
            "ssh://h/a$(x)",
            "ssh://h/.git",
            "ssh://h:0/p",
            "h:a;b",
        ] {
            assert!(GitUrl::parse(text).is_err(), "{text:?}");
        }
    }
}
