//! The words for what is wrong in `config.toml`, to stand behind the name of the file.

use crate::profile::ProfileName;

/// What keeps the file from being understood.
#[derive(Clone, Copy, Debug)]
pub enum Flaw<'a> {
    /// A favourite of a name that another one has.
    Twice {
        /// As it is written the second time.
        name: &'a ProfileName,
        /// And the first.
        first: &'a ProfileName,
    },
    /// Port 0.
    NoPort {
        /// In this table, such as `profiles.web`.
        table: &'a str,
    },
    /// A folder that is there under another spelling.
    FolderTwice {
        /// As it is written the second time.
        name: &'a str,
        /// And the first.
        first: &'a str,
    },
    /// A folder without a name.
    NoFolder {
        /// As it is written.
        name: &'a str,
    },
    /// A cloud of the user's that has the name of a built-in one.
    BuiltInCloud {
        /// As it is written.
        name: &'a str,
        /// Whose name it is.
        built_in: &'a str,
        /// Where, from 1 on.
        line: usize,
        /// Where in the line, from 1 on, in characters.
        column: usize,
    },
    /// It is from a later Ajar.
    Newer {
        /// Its `schema_version`.
        version: i64,
        /// The latest that this Ajar knows.
        known: i64,
    },
    /// The `schema_version` is something else than a number.
    NoVersion,
    /// The key stands for a table, and has another value.
    NoTable {
        /// The key.
        key: &'a str,
    },
    /// The key stands for a text, and has another value.
    NoText {
        /// The key.
        key: &'a str,
    },
    /// The value of a key is wrong.
    Value {
        /// The key.
        key: &'a str,
        /// What is wrong.
        detail: &'a str,
    },
    /// What stands in a table is wrong.
    Within {
        /// The table, such as `profiles.web`.
        table: &'a str,
        /// What is wrong.
        detail: &'a str,
    },
}

/// Where something is wrong, and what.
pub fn flaw(flaw: &Flaw<'_>) -> String {
    match flaw {
        Flaw::Twice { name, first } => {
            format!("[profiles.{name}] is [profiles.{first}] once more: names that differ only in case are the same")
        }
        Flaw::NoPort { table } => format!("[{table}] port = 0 is no port: use 1 to 65535"),
        Flaw::FolderTwice { name, first } => format!("[folders.\"{name}\"] is [folders.\"{first}\"] once more"),
        Flaw::NoFolder { name } => format!("[folders.\"{name}\"] is no folder: write it like Team/Prod"),
        Flaw::BuiltInCloud { name, built_in, line, column } => format!(
            "[clouds.{name}] at line {line}, column {column}: “{built_in}” is a cloud that Ajar knows by itself, and nobody \
             else says which hosts it has; choose another name"
        ),
        Flaw::Newer { version, known } => {
            format!("schema_version = {version} is from a newer Ajar; this one knows up to {known}")
        }
        Flaw::NoVersion => "schema_version is not a number".into(),
        Flaw::NoTable { key } => format!("“{key}” {NO_TABLE}"),
        Flaw::NoText { key } => format!("“{key}” is not a text"),
        Flaw::Value { key, detail } => format!("{key}: {detail}"),
        Flaw::Within { table, detail } => format!("[{table}] {detail}"),
    }
}

/// What favourites inherit, all or those in a folder, as a failure is about it.
pub fn defaults_of(folder: Option<&str>) -> String {
    folder.map_or_else(|| "the defaults".into(), |folder| format!("the defaults of {}", super::one_line(folder)))
}

/// Of something that has to be a table, to stand behind its name.
pub const NO_TABLE: &str = "is not a table";

/// What a file begins with that Ajar makes.
pub const NEW_FILE: &str = "# Settings of Ajar. Edit freely: comments and order are kept.\n";
