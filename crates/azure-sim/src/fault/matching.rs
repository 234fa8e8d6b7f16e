//! Which requests a fault strikes.

use serde_json::{Value, json};

use crate::state::rights::glob;

/// A request as faults look at it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Struck<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    /// What is served there, such as `VirtualMachines_Start`.
    pub(crate) route: Option<&'static str>,
}

/// What a fault asks of a request; what is left out fits all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Match {
    pub(crate) method: Option<String>,
    /// Anywhere in the path; `*` stands for anything.
    pub(crate) path: Option<String>,
    /// The whole name; `*` stands for anything.
    pub(crate) route: Option<String>,
    /// Anywhere in the query; `*` stands for anything.
    pub(crate) query: Option<String>,
}

impl Match {
    pub(super) fn fits(&self, request: Struck<'_>) -> bool {
        let same_method = |wanted: &String| wanted == "*" || wanted.eq_ignore_ascii_case(request.method);
        let within = |wanted: &Option<String>, text: &str| {
            wanted.as_ref().is_none_or(|wanted| glob(&format!("*{wanted}*"), text))
        };
        let same_route = |wanted: &String| request.route.is_some_and(|route| glob(wanted, route));
        // The cheapest first: thousands of faults may wait.
        self.method.as_ref().is_none_or(same_method)
            && self.route.as_ref().is_none_or(same_route)
            && within(&self.path, request.path)
            && within(&self.query, request.query)
    }

    pub(super) fn to_json(&self) -> Value {
        json!({ "method": self.method, "path": self.path, "route": self.route, "query": self.query })
    }
}
