//! What Azure has published: operations, their parameters, and what they answer.

use std::collections::BTreeMap;
use std::path::Path;

use jsonschema::{Draft, Validator};
use serde_json::Value;

use crate::schema::{self, Direction};

/// One file of a specification.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) name: String,
    content: Value,
}

impl File {
    pub(crate) fn new(name: &str, content: Value) -> Self {
        Self { name: name.to_owned(), content }
    }

    pub(crate) fn definitions(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.content["definitions"].as_object().into_iter().flatten()
    }

    pub(crate) fn definition(&self, name: &str) -> &Value {
        &self.content["definitions"][name]
    }

    /// The file and the name that a `$ref` of this file means. Folders differ between Azure's repository and copies of
    /// it, so a file is known by its name alone.
    pub(crate) fn target<'f, 'r>(&'f self, files: &'f [Self], reference: &'r str) -> (&'f Self, &'r str) {
        let (path, pointer) = reference.split_once('#').unwrap_or_else(|| panic!("{reference} has no #"));
        let wanted = path.rsplit('/').next().unwrap_or_default();
        let name = pointer.rsplit('/').next().unwrap_or_default();
        if wanted.is_empty() {
            return (self, name);
        }
        let file = files.iter().find(|file| file.name == wanted);
        (file.unwrap_or_else(|| panic!("{} refers to {reference}, which is not here", self.name)), name)
    }
}

/// A method at a path.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) file: String,
    pub(crate) method: String,
    /// With `{parameters}`.
    pub(crate) path: String,
    pub(crate) api_version: String,
    /// The schema of the body that it takes.
    pub(crate) body: Option<Value>,
    /// The schema of each status; `default` is an error's.
    pub(crate) answers: BTreeMap<String, Option<Value>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Specification {
    files: Vec<File>,
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Specification {
    /// Every description in the folder, and the types that they share.
    pub(crate) fn read(folder: &Path) -> Self {
        let mut files = vec![File::new("types.json", read(&folder.join("common/v1/types.json")))];
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                files.push(File::new(&path.file_name().unwrap().to_string_lossy(), read(&path)));
            }
        }
        files.sort_by(|one, other| one.name.cmp(&other.name));
        Self { files }
    }

    #[cfg(test)]
    pub(crate) fn of(files: Vec<File>) -> Self {
        Self { files }
    }

    pub(crate) fn files(&self) -> &[File] {
        &self.files
    }

    pub(crate) fn file(&self, name: &str) -> &File {
        self.files.iter().find(|file| file.name == name).unwrap_or_else(|| panic!("{name} is not here"))
    }

    pub(crate) fn operations(&self) -> Vec<Operation> {
        let mut all = Vec::new();
        for file in &self.files {
            for (path, methods) in file.content["paths"].as_object().into_iter().flatten() {
                let methods = methods.as_object().unwrap().iter();
                all.extend(methods.map(|(method, operation)| self.operation(file, path, method, operation)));
            }
        }
        all
    }

    fn operation(&self, file: &File, path: &str, method: &str, operation: &Value) -> Operation {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let body = parameters.filter_map(|parameter| self.parameter(file, parameter));
        let body =
            body.filter(|parameter| parameter["in"] == "body").map(|parameter| parameter["schema"].clone()).next();
        let answers = operation["responses"].as_object().into_iter().flatten();
        Operation {
            id: operation["operationId"].as_str().unwrap().to_owned(),
            file: file.name.clone(),
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            api_version: file.content["info"]["version"].as_str().unwrap().to_owned(),
            body,
            answers: answers.map(|(status, answer)| (status.clone(), answer.get("schema").cloned())).collect(),
        }
    }

    /// The parameter itself; `None` for those of files that all of Azure shares, which are in no body.
    fn parameter<'s>(&'s self, file: &'s File, parameter: &'s Value) -> Option<&'s Value> {
        let Some(reference) = parameter["$ref"].as_str() else { return Some(parameter) };
        if reference.contains("common-types.json") {
            return None;
        }
        let (file, name) = file.target(&self.files, reference);
        Some(&file.content["parameters"][name])
    }

    fn validator(&self, file: &str, schema: &Value, direction: Direction) -> Validator {
        let document = schema::document(&self.files, self.file(file), schema, direction);
        let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
        options.build(&document).unwrap_or_else(|error| panic!("{file}: {schema}: {error}"))
    }

    /// What is wrong with a value that a schema of `file` describes.
    pub(crate) fn complaints(&self, file: &str, schema: &Value, direction: Direction, value: &Value) -> Vec<String> {
        let validator = self.validator(file, schema, direction);
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }
}
