//! The arrows between the crates, read from their manifests: every arrow that docs/ARCHITECTURE.md doesn't draw is an error.

use std::path::Path;

use cargo_metadata::{Dependency, DependencyKind, MetadataCommand, Package};

/// Who may use what, beside the simulator.
const ARROWS: &[(&str, &[&str])] = &[
    ("ajar-core", &[]),
    ("ajar-azure", &["ajar-core"]),
    ("ajar-runtime", &["ajar-core", "ajar-azure"]),
    ("ajar-cli", &["ajar-core", "ajar-runtime"]),
    ("ajar-desktop", &["ajar-core", "ajar-runtime"]),
    ("azure-sim", &[]),
    ("xtask", &[]),
];

const SIMULATOR: &str = "azure-sim";

/// These may carry the simulator in, as an option, to offer Azure without Azure.
const EMBED_SIMULATOR: &[&str] = &["ajar-cli", "ajar-desktop"];

fn workspace() -> Vec<Package> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
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
    ARROWS.iter().any(|(name, uses)| *name == from && uses.contains(&arrow.name.as_str()))
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
fn the_core_knows_no_runtime_no_http_and_no_window() {
    let workspace = workspace();
    let core = package(&workspace, "ajar-core");
    let impure = core.dependencies.iter().map(|dependency| dependency.name.as_str()).find(|name| {
        ["tokio", "reqwest", "hyper"].contains(name) || name.starts_with("tauri") || name.starts_with("azure_")
    });
    assert_eq!(impure, None);
}

#[test]
fn the_simulator_shares_nothing_of_ours_not_even_in_its_tests() {
    let workspace = workspace();
    let ours = names(&workspace);
    let simulator = package(&workspace, SIMULATOR);
    let shared = simulator.dependencies.iter().find(|arrow| ours.contains(&arrow.name.as_str()));
    assert!(shared.is_none(), "a misspelt field must not pass both sides: {shared:?}");
}

#[test]
fn only_the_desktop_package_depends_on_tauri() {
    let workspace = workspace();
    let on_tauri = |package: &&Package| package.dependencies.iter().any(|on| on.name.starts_with("tauri"));
    let with_tauri: Vec<&str> = workspace.iter().filter(on_tauri).map(|package| package.name.as_str()).collect();
    assert_eq!(with_tauri, ["ajar-desktop"]);
}
