//! The role `tea-login`: `~/.config/tea/config.yml`.

use core::fmt::Write as _;

use super::super::PLACEHOLDER;
use super::{Unwritable, plain, route_url};

/// One login of tea's.
pub(in crate::plan) struct TeaLogin<'r> {
    /// The route's path.
    pub(in crate::plan) path: &'r str,
    /// What a person calls it.
    pub(in crate::plan) name: &'r str,
    /// The forge's own host, by which tea knows a clone's ssh remote.
    pub(in crate::plan) host: &'r str,
}

/// The first login is the default one. tea insists on a token.
pub(in crate::plan) fn tea_config(logins: &[TeaLogin<'_>]) -> Result<String, Unwritable> {
    let mut text = "logins:\n".to_owned();
    for (index, login) in logins.iter().enumerate() {
        let url = route_url(plain(login.path)?);
        let url = url.trim_end_matches('/');
        let (name, host) = (plain(login.name)?, plain(login.host)?);
        let is_default = index == 0;
        // Writing to a String fails never.
        let _ = write!(
            text,
            "  - name: \"{name}\"\n    url: \"{url}\"\n    token: \"{PLACEHOLDER}\"\n    \
             default: {is_default}\n    ssh_host: \"{host}\"\n    ssh_key: \"\"\n    \
             insecure: false\n    version_check: true\n    user: \"\"\n"
        );
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tea_is_led_to_each_route() {
        let logins = [
            TeaLogin {
                path: "/gitea/git.example.org/",
                name: "git.example.org",
                host: "git.example.org",
            },
            TeaLogin {
                path: "/gitea/b.example/",
                name: "b.example:3000",
                host: "b.example",
            },
        ];
        assert_eq!(
            tea_config(&logins).as_deref(),
            Ok(r#"logins:
  - name: "git.example.org"
    url: "http://cred-proxy:9099/gitea/git.example.org"
    token: "placeholder"
    default: true
    ssh_host: "git.example.org"
    ssh_key: ""
    insecure: false
    version_check: true
    user: ""
  - name: "b.example:3000"
    url: "http://cred-proxy:9099/gitea/b.example"
    token: "placeholder"
    default: false
    ssh_host: "b.example"
    ssh_key: ""
    insecure: false
    version_check: true
    user: ""
"#)
        );
        for (path, name, host) in [
            ("/a\"/", "b", "b"),
            ("/a/", "b\nc", "b"),
            ("/a/", "b", "b'"),
        ] {
            assert!(tea_config(&[TeaLogin { path, name, host }]).is_err());
        }
    }
}
