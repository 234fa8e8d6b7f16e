//! The arrows between the crates, read from their manifests: every arrow that docs/ARCHITECTURE.md doesn't draw is an error.

use std::path::Path;

use cargo_metadata::{Dependency, DependencyKind, MetadataCommand, Package};

/// Whom each crate of the workspace is made of, beside the simulator. In tests they may use nothing more of ours.
const ARROWS: &[(&str, &[&str])] = &[
    ("ajar-core", &[]),
    ("ajar-azure", &["ajar-core"]),
    ("ajar-runtime", &["ajar-core", "ajar-azure"]),
    ("ajar-cli", &["ajar-core", "ajar-runtime"]),
    ("ajar-desktop", &["ajar-core", "ajar-runtime"]),
    ("azure-sim", &[]),
    ("xtask", &[]),
];

/// All that the core is made of. A crate belongs here only if it can do nothing but compute: it reads no clock, file or
/// environment, opens no socket, starts no task or process. (Of chrono the core's `clippy.toml` forbids the clock.)
const OF_THE_CORE: &[&str] =
    &["chrono", "ipnet", "nucleo-matcher", "quick-xml", "serde", "serde_json", "thiserror", "toml"];

/// All that the core's tests and benchmarks add: measured times, golden files, random cases, the window's types.
const OF_THE_CORES_TESTS: &[&str] = &["criterion", "insta", "proptest", "ts-rs"];

/// What opens a way out of the program, by how the crate's name begins, and who alone may be made of it.
const WAYS_OUT: &[(&str, &[&str])] = &[
    ("azure_", &["ajar-azure"]),
    // The runtime asks public addresses of their endpoints, and the resource manager of nothing.
    ("reqwest", &["ajar-azure", "ajar-runtime"]),
    // The page that the browser ends on after a sign-in.
    ("hyper", &["ajar-azure"]),
    ("oauth2", &["ajar-azure"]),
    ("interprocess", &["ajar-runtime"]),
    ("netwatcher", &["ajar-runtime"]),
    ("tauri", &["ajar-desktop"]),
    ("tray-icon", &["ajar-desktop"]),
    ("zbus-secret-service", &["ajar-runtime"]),
    ("zbus", &["ajar-desktop"]),
    ("keyring", &["ajar-runtime"]),
    ("axum", &["azure-sim"]),
    ("russh", &["azure-sim"]),
    // Reads certificates and keys in PEM.
    ("rustls-pki-types", &["ajar-azure"]),
    ("rustls", &["azure-sim"]),
    ("aws-lc", &["ajar-azure", "ajar-runtime", "azure-sim"]),
    ("tokio", &["ajar-azure", "ajar-runtime", "ajar-cli", "ajar-desktop", "azure-sim"]),
];

const SIMULATOR: &str = "azure-sim";

/// These may carry the simulator in, as an option, to offer Azure without Azure.
const EMBED_SIMULATOR: &[&str] = &["ajar-cli", "ajar-desktop"];

fn workspace() -> Vec<Package> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
    MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .exec()
        .expect("cargo metadata reads our manifests")
        .packages
}

fn package<'a>(workspace: &'a [Package], name: &str) -> &'a Package {
    workspace.iter().find(|package| *package.name == name).unwrap_or_else(|| panic!("the workspace has no {name}"))
}

/// Whether `from` may depend on another crate of the workspace in this way.
fn is_drawn(from: &str, arrow: &Dependency) -> bool {
    if arrow.name == SIMULATOR {
        let is_for_tests = arrow.kind == DependencyKind::Development;
        let is_option = arrow.kind == DependencyKind::Normal && arrow.optional;
        return from != SIMULATOR
            && from != "ajar-core"
            && (is_for_tests || is_option && EMBED_SIMULATOR.contains(&from));
    }
    arrow.kind == DependencyKind::Normal
        && !arrow.optional
        && ARROWS.iter().any(|(name, uses)| *name == from && uses.contains(&arrow.name.as_str()))
}

fn names(packages: &[Package]) -> Vec<&str> {
    let mut names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    names.sort_unstable();
    names
}

#[test]
fn every_crate_of_the_workspace_has_its_place_among_the_arrows() {
    let mut placed: Vec<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    placed.sort_unstable();
    assert_eq!(names(&workspace()), placed);
}

#[test]
fn no_arrow_between_the_crates_goes_where_none_is_drawn() {
    let workspace = workspace();
    let ours = names(&workspace);
    let mut stray = Vec::new();
    for package in &workspace {
        let arrows = package.dependencies.iter().filter(|arrow| ours.contains(&arrow.name.as_str()));
        for arrow in arrows.filter(|arrow| !is_drawn(&package.name, arrow)) {
            stray.push(format!("{} -> {} ({})", package.name, arrow.name, arrow.kind));
        }
    }
    assert!(stray.is_empty(), "not drawn in docs/ARCHITECTURE.md: {stray:#?}");
}

#[test]
fn every_arrow_that_is_drawn_is_there() {
    let workspace = workspace();
    for (from, uses) in ARROWS {
        let arrows = &package(&workspace, from).dependencies;
        let unused: Vec<_> = uses.iter().filter(|name| !arrows.iter().any(|arrow| arrow.name == **name)).collect();
        assert!(unused.is_empty(), "{from} does not use {unused:?}");
    }
}

#[test]
fn the_core_is_made_of_what_only_computes_and_of_nothing_else() {
    let workspace = workspace();
    let core = package(&workspace, "ajar-core");
    let of = |kind: DependencyKind| {
        let mut names: Vec<&str> =
            core.dependencies.iter().filter(|on| on.kind == kind).map(|on| on.name.as_str()).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(of(DependencyKind::Normal), OF_THE_CORE);
    assert_eq!(of(DependencyKind::Development), OF_THE_CORES_TESTS);
    assert_eq!(of(DependencyKind::Build), [] as [&str; 0]);
}

#[test]
fn each_way_out_of_the_program_is_kept_to_the_crates_that_are_for_it() {
    let mut stray = Vec::new();
    for package in &workspace() {
        for on in package.dependencies.iter().filter(|on| on.kind != DependencyKind::Development) {
            let way = WAYS_OUT.iter().find(|(way, _)| on.name.starts_with(way));
            if way.is_some_and(|(_, allowed)| !allowed.contains(&package.name.as_str())) {
                stray.push(format!("{} -> {}", package.name, on.name));
            }
        }
    }
    assert!(stray.is_empty(), "not for these crates: {stray:#?}");
}

#[test]
fn the_simulator_shares_nothing_of_ours_not_even_in_its_tests() {
    let workspace = workspace();
    let ours = names(&workspace);
    let simulator = package(&workspace, SIMULATOR);
    let shared = simulator.dependencies.iter().find(|arrow| ours.contains(&arrow.name.as_str()));
    assert!(shared.is_none(), "a misspelt field must not pass both sides: {shared:?}");
}
