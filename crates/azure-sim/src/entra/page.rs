//! The pages that people see: plain HTML without inline scripts, everything escaped.

use std::fmt::Write as _;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;background:#eef1f5;color:#1b1f24;margin:0}\
    main{background:#fff;max-width:26rem;margin:12vh auto;padding:2rem 2.25rem;border-radius:10px;\
    box-shadow:0 2px 12px #0002}h1{font-size:1.35rem;margin:0 0 .25rem}p{margin:.25rem 0 1.25rem;color:#4a5260}\
    form{margin:0 0 .6rem}button{font:inherit;width:100%;padding:.7rem .9rem;border:1px solid #c9d0d9;\
    border-radius:7px;background:#fff;text-align:left;cursor:pointer}button:hover,button:focus-visible{\
    border-color:#1f5fbf;background:#f2f7ff}button small{display:block;color:#5b6470}\
    button.plain{text-align:center;color:#4a5260}input[type=text]{font:inherit;width:100%;box-sizing:border-box;\
    padding:.6rem;margin:0 0 .75rem;border:1px solid #98a2af;border-radius:7px;letter-spacing:.15em}\
    .error{color:#a4262c}footer{margin-top:1.25rem;font-size:.85rem;color:#6a7380}\
    @media(prefers-color-scheme:dark){body{background:#14171b;color:#e8ebef}main{background:#1e2329}\
    p,button small,button.plain,footer{color:#a9b2bd}button,input[type=text]{background:#262c33;color:inherit;\
    border-color:#3b444e}button:hover,button:focus-visible{background:#2d3540}.error{color:#ff9c9c}}";

/// One form with one button, and what it sends.
pub(super) struct Choice<'a> {
    /// Where the form is posted; relative addresses are fine.
    pub(super) action: &'a str,
    pub(super) fields: Vec<(&'a str, &'a str)>,
    pub(super) label: &'a str,
    pub(super) small: &'a str,
    pub(super) plain: bool,
}

/// A page with a title, a sentence, and buttons.
pub(super) fn choices(title: &str, sentence: &str, all: &[Choice<'_>]) -> Response {
    let mut body = format!("<h1>{}</h1><p>{}</p>", escape(title), escape(sentence));
    for choice in all {
        let _infallible = write!(body, "<form method=\"post\" action=\"{}\">", escape(choice.action));
        for (name, value) in &choice.fields {
            let (name, value) = (escape(name), escape(value));
            let _infallible = write!(body, "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");
        }
        let class = if choice.plain { " class=\"plain\"" } else { "" };
        let _infallible = write!(body, "<button{class}>{}", escape(choice.label));
        if !choice.small.is_empty() {
            let _infallible = write!(body, "<small>{}</small>", escape(choice.small));
        }
        body.push_str("</button></form>");
    }
    page(StatusCode::OK, title, &body)
}

/// A page that posts the fields to `action` by itself, and by a button where scripts are off.
pub(super) fn post_on(action: &str, fields: &[(&str, &str)]) -> Response {
    let mut body = format!("<h1>You are signed in</h1><form method=\"post\" action=\"{}\">", escape(action));
    for (name, value) in fields {
        let (name, value) = (escape(name), escape(value));
        let _infallible = write!(body, "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");
    }
    body.push_str("<button>Continue</button></form><script src=\"/devicelogin/submit.js\"></script>");
    page(StatusCode::OK, "You are signed in", &body)
}

/// `GET /devicelogin/submit.js`: the one script there is, a file of its own so that pages need none inline.
pub(crate) async fn submit_script() -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], "document.forms[0].submit();\n").into_response()
}

/// A page with a field for a code.
pub(super) fn code_entry(action: &str, problem: Option<&str>) -> Response {
    let problem = problem.map(|text| format!("<p class=\"error\" role=\"alert\">{}</p>", escape(text)));
    let body = format!(
        "<h1>Enter code</h1><p>Type the code that your device or app shows.</p>{}\
         <form method=\"post\" action=\"{}\"><input type=\"text\" name=\"otc\" aria-label=\"Code\" autocomplete=\"off\" \
         autofocus required maxlength=\"12\"><button>Next</button></form>",
        problem.unwrap_or_default(),
        escape(action)
    );
    page(StatusCode::OK, "Enter code", &body)
}

/// A page that ends here.
pub(super) fn message(status: StatusCode, title: &str, sentence: &str) -> Response {
    let class = if status.is_success() { "" } else { " class=\"error\"" };
    page(status, title, &format!("<h1>{}</h1><p{class}>{}</p>", escape(title), escape(sentence)))
}

fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><title>{}</title><style>{STYLE}</style></head><body><main>{body}\
         <footer>azure-sim: a simulated sign-in. No password is asked for, none is kept.</footer></main></body></html>\n",
        escape(title)
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
        ),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, html).into_response()
}

/// For text and for attributes in double quotes.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_text_or_attribute() {
        assert_eq!(escape("<a href='x' title=\"&\">"), "&lt;a href=&#39;x&#39; title=&quot;&amp;&quot;&gt;");
    }
}
