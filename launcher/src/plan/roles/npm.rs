//! The role `npm-registry`: `~/.npmrc`.

use super::{Unwritable, plain, route_url};

/// Registries name tarballs by their own host; with `always` npm asks the route for them.
pub(in crate::plan) fn npmrc(path: &str) -> Result<String, Unwritable> {
    let url = route_url(plain(path)?);
    Ok(format!("registry={url}\nreplace-registry-host=always\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn npm_is_led_to_the_route() {
        assert_eq!(
            npmrc("/npm/").as_deref(),
            Ok("registry=http://cred-proxy:9099/npm/\nreplace-registry-host=always\n")
        );
        assert!(npmrc("/npm/\n//x/:_authToken=y/").is_err());
    }
}
