//! temp
use ::engine::*;
use std::sync::Arc;
fn main() {
    let limits = Arc::new(limits::Limits::default());
    let up = std::env::args().nth(1).unwrap();
    let cred = policy::Credential::render(
        "authorization",
        &policy::CredentialForm::Scheme("Bearer".into()),
        &policy::Secret::new(b"sekrit".to_vec()),
    )
    .ok()
    .unwrap();
    let r = route::Route::new("/a/".into(), route::UpstreamUrl::parse(&up).unwrap(), cred);
    let e = Engine::start(Setup {
        listen: Listen::Address("127.0.0.1:9099".parse().unwrap()),
        workers: 1,
        routes: route::RouteTable::new(vec![r]).unwrap(),
        connector: upstream::Connector::new(
            upstream::Trust::NativeRoots,
            None,
            config::NoProxy,
            limits.clone(),
        )
        .ok()
        .unwrap(),
        allowed_hosts: policy::AllowedHosts::any(),
        limits,
        log: Arc::new(access_log::AccessLog::new(config::LogLevel::Access).unwrap()),
        metrics: true,
    })
    .ok()
    .unwrap();
    println!("{}", e.address());
    loop {
        std::thread::sleep(std::time::Duration::from_secs(100));
    }
}
