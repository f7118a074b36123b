//! The settings of the peers: their defaults, but for what the job asks of all alike.
//!
//! The job: one worker; 127.0.0.1; keep-alive without end on both sides; at most 32 unused
//! connections kept to the origin; the prefix taken off the path, `Host` and `Authorization`
//! put in; the origin's certificate verified; no access log; an event passed on at once.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::json;

use crate::routes::tenant_path;

/// The credential that all put in; it opens nothing.
pub const TOKEN: &str = "opens-nothing";

/// The variable from which `cred-proxy` takes it.
pub const TOKEN_ENV: &str = "BENCH_TOKEN";

/// What a peer is started for.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    /// Where the origin listens.
    pub upstream: SocketAddr,
    /// The certificate of the authority that signed the origin's: then it is spoken to by TLS.
    pub authority: Option<&'a Path>,
    /// How many routes there are.
    pub routes: usize,
    /// How many connections of clients there may be.
    pub connections: usize,
}

impl Setup<'_> {
    /// The prefix that requests of this setup have: the only one, or one among many.
    pub fn prefix(&self) -> String {
        route_path(self.routes / 3, self.routes)
    }

    fn prefixes(&self) -> impl Iterator<Item = String> {
        let routes = self.routes;
        (0..routes).map(move |n| route_path(n, routes))
    }
}

fn route_path(n: usize, routes: usize) -> String {
    if routes == 1 {
        return "/api/".to_owned();
    }
    tenant_path(n)
}

/// The routes file of `cred-proxy`.
pub fn cred_proxy(setup: &Setup<'_>) -> String {
    let scheme = if setup.authority.is_some() {
        "https"
    } else {
        "http"
    };
    let upstream = format!("{scheme}://{}", setup.upstream);
    let route = |path| {
        json!({
            "path": path,
            "upstream": upstream,
            "auth_scheme": "Bearer",
            "token_env": TOKEN_ENV,
        })
    };
    let routes: Vec<_> = setup.prefixes().map(route).collect();
    json!({ "routes": routes }).to_string()
}

/// nginx.conf. Buffering is nginx's default, since it is what nginx is fastest with; it is off
/// for events alone, which would be late otherwise. No body goes to a file.
pub fn nginx(setup: &Setup<'_>, listen: SocketAddr, folder: &Path) -> String {
    let Setup {
        upstream,
        connections,
        ..
    } = setup;
    let folder = folder.display();
    let scheme = if setup.authority.is_some() {
        "https"
    } else {
        "http"
    };
    let mut locations = String::new();
    for path in setup.prefixes() {
        let _ = write!(
            locations,
            "
    location {path} {{ proxy_pass {scheme}://origin/; }}
    location = {path}events {{ proxy_buffering off; proxy_pass {scheme}://origin/events; }}"
        );
    }
    let tls = setup.authority.map_or_else(String::new, |file| {
        let file = file.display();
        format!(
            "
  proxy_ssl_verify on;
  proxy_ssl_trusted_certificate {file};
  proxy_ssl_name localhost;
  proxy_ssl_server_name on;"
        )
    });
    // A client and, while it is served, an upstream connection each.
    let descriptors = connections * 2 + 64;
    format!(
        "\
daemon off;
master_process off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections {descriptors}; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000000;
  upstream origin {{
    server {upstream};
    keepalive 32;
    keepalive_requests 1000000000;
  }}
  proxy_http_version 1.1;
  proxy_set_header Connection \"\";
  proxy_set_header Host {upstream};
  proxy_set_header Authorization \"Bearer {TOKEN}\";
  proxy_max_temp_file_size 0;{tls}
  server {{
    listen {listen};{locations}
  }}
}}
"
    )
}

/// haproxy.cfg. The connections of clients must not count against the pool, which haproxy gives
/// up when a quarter of all descriptors is in use; nor need there be descriptors for as many
/// connections to the origin. Where there are many routes, they are a map, as haproxy's manual advises.
pub fn haproxy(setup: &Setup<'_>, listen: SocketAddr, folder: &Path) -> String {
    let Setup {
        upstream,
        connections,
        ..
    } = setup;
    let routes = if setup.routes == 1 {
        "  http-request deny unless { path_beg /api/ }
  http-request replace-path /api/(.*) /\\1"
            .to_owned()
    } else {
        let folder = folder.display();
        format!(
            "  http-request set-var(txn.route) path,map_beg({folder}/routes.map)
  http-request deny unless {{ var(txn.route) -m found }}
  http-request replace-path /tenants/[^/]*/api/(.*) /\\1"
        )
    };
    let tls = setup.authority.map_or_else(String::new, |file| {
        let file = file.display();
        format!(" ssl verify required ca-file {file} verifyhost localhost sni str(localhost)")
    });
    format!(
        "\
global
  nbthread 1
  maxconn {connections}
  no strict-limits
  tune.pool-high-fd-ratio 100
  tune.pool-low-fd-ratio 100
defaults
  mode http
  timeout connect 10s
  timeout client 75s
  timeout server 75s
  timeout http-keep-alive 75s
  option http-no-delay
  http-reuse always
frontend agent
  bind {listen}
{routes}
  default_backend origin
backend origin
  http-request set-header Host {upstream}
  http-request set-header Authorization \"Bearer {TOKEN}\"
  server origin {upstream} pool-max-conn 32{tls}
"
    )
}

/// The map of haproxy's many routes.
pub fn haproxy_map(setup: &Setup<'_>) -> String {
    setup
        .prefixes()
        .map(|path| format!("{path} origin\n"))
        .collect()
}
