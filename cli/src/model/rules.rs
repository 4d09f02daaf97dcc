//! Rules of `ecomctl.yaml` that span fields. Each broken one is named by the path of the key.

use std::collections::BTreeMap;
use std::fmt;

use super::name::{EnvironmentName, MAX_LABEL, PlatformName, ServiceName};
use super::resolve::{LOCAL, default_amounts};
use super::spec::{AutoscalingSpec, PlatformSpec, ServiceSpec, StoreSpec};

/// A rule that the spec breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The key, such as `services.cart-service.replicas`.
    pub path: String,
    /// What is wrong with which value.
    pub reason: String,
    /// What to do.
    pub hint: Option<String>,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

/// Names of components and of objects that are no service's; `default` is an account that every namespace has.
const RESERVED: [&str; 10] = [
    "addons",
    "allow-dns",
    "applications",
    "base",
    "default",
    "default-deny",
    "gateway",
    "kong",
    "platform",
    "stores",
];
/// Namespaces of others; those of Kubernetes begin with `kube-`.
const NAMESPACES: [&str; 3] = ["argocd", "default", "kong"];
/// Variables that follow from the spec, or that only `ecomctl up` sets.
const DERIVED: [&str; 5] = ["ADMIN_PORT", "EXIT_WITH_STDIN", "HTTP_PORT", "LISTEN_ADDRESS", "STORE_URL"];

/// Returns all rules that `spec` breaks.
#[must_use]
pub fn check(spec: &PlatformSpec) -> Vec<Broken> {
    let mut broken = Rules::default();
    if spec.services.is_empty() {
        broken.add(
            "services",
            "there is no service",
            Some("declare one, such as `shop: {port: 5003, path: /shop}`"),
        );
    }
    let branch = spec.branch();
    if !is_branch(branch) {
        broken.add("git.branch", format!("`{branch}` is no valid branch name"), Some("use one like `main`"));
    }
    if let Some(class) = spec.gateway.class.as_deref().filter(|class| class.parse::<ServiceName>().is_err()) {
        broken.add(
            "gateway.class",
            format!("`{class}` is no valid name of an ingress class"),
            Some("use one like `kong`"),
        );
    }
    if spec.gateway.managed == Some(true) && spec.ingress_class() != "kong" {
        let class = spec.ingress_class();
        broken.add(
            "gateway.managed",
            format!("`true` installs Kong, whose ingress class is `kong` and not `{class}`"),
            Some("leave out `gateway.class`, or use `managed: false`"),
        );
    }
    if spec.gateway.managed == Some(false) && spec.gateway.service.is_some() {
        let hint = "leave it out, or leave out `managed: false`";
        broken.add(
            "gateway.service",
            "the gateway that the cluster has is not ecomctl's to change",
            Some(hint),
        );
    }
    if spec.environments.keys().any(|name| name.as_str() == LOCAL) {
        let hint = "`ecomctl up` runs it without a declaration; choose another name";
        broken.add("environments.local", "`local` exists in memory only", Some(hint));
    }
    check_names(spec, &mut broken);
    check_shared(spec, &mut broken);
    for (name, service) in &spec.services {
        check_service(spec, name, service, &format!("services.{name}"), &mut broken);
    }
    check_overlays(spec, &mut broken);
    broken.0
}

/// Returns the name of the Application of a component; of `platform`, that of the root.
#[must_use]
pub fn application(platform: &PlatformName, component: &str, suffix: &str) -> String {
    format!("{platform}-{component}{suffix}")
}

/// Returns what the names of an environment end with.
#[must_use]
pub fn suffix(declared: &[EnvironmentName], environment: &EnvironmentName) -> String {
    let first = declared.first().is_none_or(|first| first == environment);
    if first { String::new() } else { format!("-{environment}") }
}

#[derive(Default)]
struct Rules(Vec<Broken>);

impl Rules {
    fn add(&mut self, path: impl Into<String>, reason: impl Into<String>, hint: Option<impl Into<String>>) {
        self.0.push(Broken { path: path.into(), reason: reason.into(), hint: hint.map(Into::into) });
    }
}

/// Applications of all environments are in one namespace, and their names are label values.
fn check_names(spec: &PlatformSpec, broken: &mut Rules) {
    let platform = spec.platform_name();
    let declared = spec.environment_names();
    let mut taken = BTreeMap::new();
    for environment in &declared {
        let suffix = suffix(&declared, environment);
        let namespace = format!("{platform}{suffix}");
        if NAMESPACES.contains(&namespace.as_str()) || namespace.starts_with("kube-") {
            let reason = format!("`{namespace}` is a namespace of others, and the shop's would be the same");
            broken.add("name", reason, Some("choose another name"));
        }
        for component in ["platform", "base", "gateway", "kong"] {
            let name = application(&platform, component, &suffix);
            if name.len() > MAX_LABEL {
                let reason = format!("the Application `{name}` would have {} characters", name.len());
                broken.add("name", reason, Some(format!("it may have {MAX_LABEL}: choose shorter names")));
            }
            taken.insert(name, environment);
        }
        for service in spec.services.keys() {
            let name = application(&platform, service.as_str(), &suffix);
            let at = format!("services.{service}");
            if name.len() > MAX_LABEL {
                let reason = format!("its Application `{name}` would have {} characters", name.len());
                broken.add(&at, reason, Some(format!("it may have {MAX_LABEL}: choose shorter names")));
            }
            if let Some(other) = taken.insert(name.clone(), environment)
                && !RESERVED.contains(&service.as_str())
            {
                let reason = format!("its Application `{name}` in {environment} is also one of {other}");
                broken.add(&at, reason, Some("choose another name"));
            }
        }
    }
    for service in spec.services.keys() {
        if RESERVED.contains(&service.as_str()) {
            let reason = format!("`{service}` is a name that ecomctl uses itself");
            broken.add(format!("services.{service}"), reason, Some("choose another name"));
        }
    }
}

/// Ports and paths that two services would share.
fn check_shared(spec: &PlatformSpec, broken: &mut Rules) {
    let mut ports = BTreeMap::new();
    let mut paths = BTreeMap::new();
    for (name, service) in &spec.services {
        for (port, listener) in [(service.port.get(), "API"), (service.port.admin(), "admin listener")] {
            if let Some((other, of)) = ports.insert(port, (name, listener)) {
                let reason = format!("port `{port}` of its {listener} is that of the {of} of `{other}`");
                let hint = "they run on one machine with `ecomctl up`: choose another port";
                broken.add(format!("services.{name}.port"), reason, Some(hint));
            }
        }
        if let Some(path) = &service.path
            && let Some(other) = paths.insert(path, name)
        {
            let reason = format!("path `{}` is that of `{other}`", path.as_str());
            broken.add(format!("services.{name}.path"), reason, Some("choose another path"));
        }
    }
}

/// Services as they are in environments: rules that they break there alone.
fn check_overlays(spec: &PlatformSpec, broken: &mut Rules) {
    let overlays = spec.environments.iter().filter_map(|(name, overlay)| Some((name, overlay.as_ref()?)));
    for (environment, overlay) in overlays {
        for (name, overlay) in &overlay.services {
            let at = format!("environments.{environment}.services.{name}");
            let Some(service) = spec.services.get(name) else {
                let names: Vec<&str> = spec.services.keys().map(ServiceName::as_str).collect();
                let hint = format!("declared are {}", names.join(", "));
                broken.add(at, format!("there is no service `{name}`"), Some(hint));
                continue;
            };
            let (mut anywhere, mut here) = (Rules::default(), Rules::default());
            check_service(spec, name, service, &at, &mut anywhere);
            check_service(spec, name, &service.with(overlay), &at, &mut here);
            broken.0.extend(here.0.into_iter().filter(|rule| !anywhere.0.contains(rule)));
        }
    }
}

/// A service that is declared at a key.
fn check_service(
    spec: &PlatformSpec,
    name: &ServiceName,
    service: &ServiceSpec,
    at: &str,
    broken: &mut Rules,
) {
    let at = |field: &str| format!("{at}.{field}");
    let embedded = service.store != Some(StoreSpec::None);
    if let Some(replicas) = service.replicas.filter(|replicas| embedded && *replicas > 1) {
        let reason =
            format!("`{replicas}` replicas cannot share an embedded store: each would have its own data");
        broken.add(at("replicas"), reason, Some("use 1, or `store: none` if it keeps no data"));
    }
    if let Some(autoscaling) = &service.autoscaling {
        check_autoscaling(service, autoscaling, &at("autoscaling"), embedded, broken);
    }
    if let (false, Some(storage)) = (embedded, &service.storage) {
        let reason = format!("`{}` of storage, but `store: none` keeps no data", storage.as_str());
        broken.add(at("storage"), reason, Some("leave out one of them"));
    }
    for (index, called) in service.calls.iter().enumerate() {
        let (reason, hint) = if !spec.services.contains_key(called) {
            let names: Vec<&str> = spec.services.keys().map(ServiceName::as_str).collect();
            (format!("there is no service `{called}`"), format!("declared are {}", names.join(", ")))
        } else if called == name {
            (format!("`{called}` calls itself"), "leave it out".to_owned())
        } else if service.calls[..index].contains(called) {
            (format!("`{called}` stands here twice"), "leave it out".to_owned())
        } else if DERIVED.contains(&url_variable(called).as_str()) {
            let variable = url_variable(called);
            let reason =
                format!("`{called}` would be found in `{variable}`, which says something else already");
            (reason, format!("rename the service `{called}`"))
        } else {
            continue;
        };
        broken.add(at(&format!("calls[{index}]")), reason, Some(hint));
    }
    for variable in service.env.keys().map(super::name::VariableName::as_str) {
        let called = service.calls.iter().any(|called| url_variable(called) == variable);
        if called || DERIVED.contains(&variable) {
            let reason = format!("`{variable}` follows from other fields of the service");
            broken.add(at(&format!("env.{variable}")), reason, Some("leave it out"));
        }
    }
    let resources = &service.resources;
    let amounts = [
        (&resources.requests.cpu, &resources.limits.cpu),
        (&resources.requests.memory, &resources.limits.memory),
    ];
    for ((what, request, limit), (own_request, own_limit)) in default_amounts().iter().zip(amounts) {
        let request = own_request.as_ref().unwrap_or(request);
        let limit = own_limit.as_ref().unwrap_or(limit);
        if request.exceeds(limit) {
            let reason = format!("request `{}` is above the limit `{}`", request.as_str(), limit.as_str());
            broken.add(at(&format!("resources.requests.{what}")), reason, Some("raise the limit too"));
        }
    }
}

fn check_autoscaling(
    service: &ServiceSpec,
    autoscaling: &AutoscalingSpec,
    at: &str,
    embedded: bool,
    broken: &mut Rules,
) {
    let (min, max) = (autoscaling.min(), autoscaling.max);
    if embedded {
        let reason = "replicas cannot share an embedded store: each would have its own data";
        broken.add(at, reason, Some("leave it out, or use `store: none` if it keeps no data"));
    }
    if let Some(replicas) = service.replicas {
        let reason = format!("`replicas: {replicas}` says how many run already");
        broken.add(at, reason, Some("leave out one of them"));
    }
    if min == 0 {
        let hint = "use at least 1: without load there would be none to measure";
        broken.add(format!("{at}.min"), "`0` replicas", Some(hint));
    }
    if max < min {
        let reason = format!("`{max}` replicas at most are fewer than `{min}` at least");
        broken.add(format!("{at}.max"), reason, Some("raise it, or lower `min`"));
    }
    if autoscaling.cpu == Some(0) {
        let reason = "`0` percent of CPU can never be reached";
        broken.add(format!("{at}.cpu"), reason, Some("use one like 70"));
    }
}

/// Returns the variable in which a service finds another one: `PRODUCT_SERVICE_URL`.
#[must_use]
pub fn url_variable(service: &ServiceName) -> String {
    format!("{}_URL", service.as_str().to_uppercase().replace('-', "_"))
}

/// The common part of git's rules (<https://git-scm.com/docs/git-check-ref-format>).
fn is_branch(name: &str) -> bool {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"~^:?*[\\".contains(c);
    let part = |part: &str| {
        let lock = std::path::Path::new(part).extension().is_some_and(|end| end == "lock");
        !part.is_empty() && !part.starts_with('.') && !part.ends_with('.') && !lock
    };
    name.chars().all(plain)
        && !name.starts_with('-')
        && !name.contains("..")
        && !name.contains("@{")
        && name != "@"
        && name.split('/').all(part)
}
