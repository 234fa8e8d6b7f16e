//! Pages of a result, as text.

use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::bound::Column;
use super::request::{FacetRequest, QueryRequest, ResultFormat};
use super::row::{Look, Row};
use super::run::Table;
use super::source::View;
use super::{QueryError, bad_request};
use crate::arm::error::ArmError;
use crate::json::{Text, Write};

/// Of an answer, in bytes.
const LARGEST: usize = 16 << 20;

/// The page of the result that the request asks for.
pub(super) fn page(
    request: &QueryRequest,
    table: &Table,
    facets: &[Facet<'_>],
    view: View<'_>,
) -> Result<Response, ArmError> {
    let context = request.context();
    let (skip, top) = request.place(|token| read_token(token, &context))?;
    let total = table.rows.len();
    let rows = table.rows.get(skip..).unwrap_or_default();
    let rows = &rows[..rows.len().min(top)];
    let more = skip + rows.len() < total;
    let has_id = table.columns.iter().any(|column| column.name == "id");
    let mut body = Text::default();
    body.raw(&format!("{{\"totalRecords\":{total},\"count\":{},\"data\":", rows.len()));
    let end = skip + rows.len();
    data(&mut body, request.format, &table.columns, rows, view);
    // Only a result with ids can be continued; of another the rest is lost.
    let truncated = more && !has_id;
    body.raw(",\"facets\":[");
    for (at, facet) in facets.iter().enumerate() {
        body.raw(if at > 0 { "," } else { "" });
        facet.write(&mut body, request.format, view);
    }
    body.raw(&format!("],\"resultTruncated\":\"{truncated}\""));
    if more && has_id {
        body.raw(",\"$skipToken\":");
        body.string(&write_token(end, top, &context));
    }
    body.raw("}");
    view.spent.check()?;
    let bytes = body.as_str().len();
    if bytes > LARGEST {
        let message = format!(
            "Response payload size is {bytes}, and has exceeded the limit of {LARGEST}. Please consider querying less data \
             at a time and make paginated call if needed."
        );
        return Err(bad_request(vec![json!({ "code": "ResponsePayloadTooLarge", "message": message })]));
    }
    Ok(body.into_response())
}

fn data(text: &mut Text, format: ResultFormat, columns: &[Column], rows: &[Row], view: View<'_>) {
    let rows = rows.iter().map(|row| row.seen_in(view));
    match format {
        ResultFormat::ObjectArray => {
            let heads = heads(columns);
            text.array(rows.map(|row| Object { row, heads: &heads }));
        }
        ResultFormat::Table => {
            text.raw("{\"columns\":");
            text.array(columns);
            text.raw(",\"rows\":");
            text.array(rows.map(|row| Cells { row, width: columns.len() }));
            text.raw("}");
        }
    }
}

/// A facet as it was asked for, and what came of it.
pub(super) struct Facet<'r> {
    pub(super) request: &'r FacetRequest,
    pub(super) result: Result<Table, QueryError>,
}

impl Facet<'_> {
    fn write(&self, text: &mut Text, format: ResultFormat, view: View<'_>) {
        text.raw("{\"expression\":");
        text.string(&self.request.expression);
        match &self.result {
            Ok(table) => {
                let rows = &table.rows[..table.rows.len().min(self.request.top())];
                let (total, count) = (table.rows.len(), rows.len());
                text.raw(&format!(
                    ",\"resultType\":\"FacetResult\",\"totalRecords\":{total},\"count\":{count},\"data\":"
                ));
                data(text, format, &table.columns, rows, view);
            }
            Err(QueryError(detail)) => text.raw(&format!(",\"resultType\":\"FacetError\",\"errors\":[{detail}]")),
        }
        text.raw("}");
    }
}

/// What comes before each cell of an object: bracket or comma, and the column's name.
fn heads(columns: &[Column]) -> Vec<String> {
    let mut before = "{";
    let mut heads = Vec::new();
    for column in columns {
        let mut head = Text::default();
        head.raw(before);
        head.string(&column.name);
        head.raw(":");
        heads.push(head.as_str().to_owned());
        before = ",";
    }
    heads
}

/// A row of the format `objectArray`.
struct Object<'t> {
    row: Look<'t>,
    heads: &'t [String],
}

impl Write for Object<'_> {
    fn write(&self, text: &mut Text) {
        for (at, head) in self.heads.iter().enumerate() {
            text.raw(head);
            self.row.show(at).write(text);
        }
        text.raw(if self.heads.is_empty() { "{}" } else { "}" });
    }
}

/// A row of the format `table`.
struct Cells<'t> {
    row: Look<'t>,
    width: usize,
}

impl Write for Cells<'_> {
    fn write(&self, text: &mut Text) {
        text.array((0..self.width).map(|at| self.row.show(at)));
    }
}

impl Write for Column {
    fn write(&self, text: &mut Text) {
        text.raw("{\"name\":");
        text.string(&self.name);
        text.raw(",\"type\":");
        text.string(self.kind.name());
        text.raw("}");
    }
}

fn write_token(skip: usize, top: usize, context: &str) -> String {
    URL_SAFE_NO_PAD.encode(json!({ "skip": skip, "top": top, "context": context }).to_string())
}

/// Where to go on, and with how many rows; `None` for a token of another query or of nobody's.
fn read_token(token: &str, context: &str) -> Option<(usize, usize)> {
    let token: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let number = |name: &str| token[name].as_u64().and_then(|number| usize::try_from(number).ok());
    if token["context"] == context { number("skip").zip(number("top")) } else { None }
}
