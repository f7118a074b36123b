//! The host's proxy, if a call goes through one: `HTTPS_PROXY` and `NO_PROXY`, in either case.

/// What the variables say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProxySetting {
    /// The proxy.
    pub(super) url: String,
    /// Hosts that are reached without it.
    pub(super) direct: Vec<String>,
}

impl ProxySetting {
    /// That for calls to `root`. Plain HTTP goes to this machine alone, so through no proxy.
    pub(super) fn toward(
        root: &str,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Option<ProxySetting> {
        if !root.starts_with("https://") {
            return None;
        }
        let set = |names: [&str; 2]| {
            let mut values = names.into_iter().filter_map(variable);
            values.find(|value| !value.is_empty())
        };
        let url = set(["https_proxy", "HTTPS_PROXY"])?;
        let direct = set(["no_proxy", "NO_PROXY"]).unwrap_or_default();
        let separator = |character: char| character == ',' || character.is_whitespace();
        let direct = direct.split(separator).filter(|host| !host.is_empty());
        Some(ProxySetting {
            url,
            direct: direct.map(str::to_owned).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_goes_through_its_own_proxy_and_nothing_else_does() {
        let toward = |root: &str, set: &[(&str, &str)]| {
            let value = |name: &str| {
                let found = set.iter().find(|(its, _)| *its == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            ProxySetting::toward(root, &value).map(|setting| (setting.url, setting.direct))
        };
        let proxy = ("HTTPS_PROXY", "http://p:1");
        let url = "http://p:1".to_owned();
        assert_eq!(toward("https://h", &[proxy]), Some((url.clone(), vec![])));
        assert_eq!(
            toward("https://h", &[proxy, ("no_proxy", "a, .b,,")]),
            Some((url, vec!["a".to_owned(), ".b".to_owned()]))
        );
        let lower = toward("https://h", &[("https_proxy", "http://q:1"), proxy]);
        assert_eq!(lower.expect("one").0, "http://q:1");
        assert_eq!(toward("http://127.0.0.1:3000", &[proxy]), None);
        for other in ["HTTP_PROXY", "ALL_PROXY", "http_proxy"] {
            assert_eq!(toward("https://h", &[(other, "http://p:1")]), None);
        }
        assert_eq!(toward("https://h", &[("HTTPS_PROXY", "")]), None);
    }
}
