//! The favourites of teams, among those that are somebody's own.

use std::collections::HashSet;

use super::TeamName;
use crate::account::Defaults;
use crate::exchange::plan::{Candidate, another_name, unfit};
use crate::exchange::{Entry, LeftOut, Sharing, Why};
use crate::folders::folder_path;
use crate::inheritance::{Effective, Inheritable, Origin};
use crate::profile::{Profile, ProfileName};
use crate::settings::Settings;

/// A favourite of a team's. It lies in the folder that is called as the team is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamFavourite {
    /// The team.
    pub team: TeamName,
    /// What its file calls it.
    pub called: ProfileName,
    /// What it is called here: otherwise where that name is taken.
    pub name: ProfileName,
    /// How it is opened, with what the settings say beside the team.
    pub effective: Effective,
}

impl TeamFavourite {
    /// What it would say as somebody's own: what holds of it because the team says so.
    pub fn as_own(&self) -> Profile {
        let Effective { profile, origins } = &self.effective;
        let mut said = Inheritable::of(profile);
        for (field, _) in origins.iter().filter(|(_, origin)| !matches!(origin, Origin::Team { .. })) {
            field.take_out_of(&mut said);
        }
        Profile { note: profile.note.clone(), folder: profile.folder.clone(), ..said.of_vm(profile.vm.clone()) }
    }
}

/// What the file of a team says.
#[derive(Clone, Copy, Debug)]
pub struct TeamFile<'f> {
    /// The team.
    pub team: &'f TeamName,
    /// What can be favourites, in the file's order.
    pub entries: &'f [Entry],
}

/// What of a team's file is not taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamFlaws {
    /// The team.
    pub team: TeamName,
    /// What, and why.
    pub left_out: Vec<LeftOut>,
}

/// The favourites of teams as one who has these settings means them, and what of them is not taken in, team by team.
///
/// They are judged as what is imported from others. Somebody's own favourite keeps its name, and so does one of a team that
/// stands before; the other gets that of its team in front: `ops.web-01`.
pub fn of_teams<'f>(
    files: impl IntoIterator<Item = TeamFile<'f>>,
    settings: &Settings,
    defaults: &Defaults,
) -> (Vec<TeamFavourite>, Vec<TeamFlaws>) {
    let mut taken: HashSet<String> = settings.written.iter().map(|own| key(&own.name)).collect();
    let (mut favourites, mut flaws) = (Vec::new(), Vec::new());
    for TeamFile { team, entries } in files {
        let mut left_out = Vec::new();
        for entry in entries {
            // A host of another program stands in no file of ours.
            let Entry::Favourite { name, profile } = entry else { continue };
            match judged(team, name, profile, settings, defaults) {
                Ok((effective, without)) => {
                    left_out.extend(without);
                    let called = name.clone();
                    let name = free_name(team, name, &taken);
                    taken.insert(key(&name));
                    favourites.push(TeamFavourite { team: team.clone(), called, name, effective });
                }
                Err(unfit) => left_out.push(unfit),
            }
        }
        flaws.push(TeamFlaws { team: team.clone(), left_out });
    }
    (favourites, flaws)
}

/// How a favourite is opened, and what of it is left out; or why all of it is.
fn judged(
    team: &TeamName,
    name: &ProfileName,
    profile: &Profile,
    settings: &Settings,
    defaults: &Defaults,
) -> Result<(Effective, Vec<LeftOut>), LeftOut> {
    let within = profile.folder.as_deref().map(folder_path).unwrap_or_default();
    let folder = [&[team.as_str()], &within[..]].concat().join("/");
    let placed = Profile { folder: Some(folder), ..profile.clone() };
    let (Candidate { profile: said, .. }, left_out) =
        Candidate::shared(name.clone(), placed, Sharing::WithOthers, settings, defaults);
    let effective = settings.inheritance.effective_of_team(team, &said);
    if let Some(failure) = unfit(name, &effective.profile, settings, defaults) {
        return Err(LeftOut { what: name.to_string(), line: None, why: Why::Unfit(Box::new(failure)) });
    }
    Ok((effective, left_out))
}

fn free_name(team: &TeamName, name: &ProfileName, taken: &HashSet<String>) -> ProfileName {
    let is_taken = |name: &ProfileName| taken.contains(&key(name));
    if !is_taken(name) {
        return name.clone();
    }
    let of_team = ProfileName::like(&format!("{team}.{name}"));
    if is_taken(&of_team) { another_name(&of_team, is_taken) } else { of_team }
}

fn key(name: &ProfileName) -> String {
    name.as_str().to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
