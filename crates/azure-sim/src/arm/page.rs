//! Pages of lists: `value`, and `nextLink` while there is more.

use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::arm::Call;
use crate::arm::error::ArmError;
use crate::json::{Text, Write};
use crate::state::Cloud;
use crate::switches::PageSize;

const SKIP_TOKEN: &str = "$skiptoken";

/// The page of a list that the call asks for: the first one without `$skiptoken`. `$top` makes pages smaller.
pub(super) fn list(
    call: &Call<'_>,
    cloud: &Cloud,
    value: impl IntoIterator<Item = impl Write>,
) -> Result<Response, ArmError> {
    let size = size(call, cloud)?;
    let skipped = skipped(call)?;
    let mut rest = value.into_iter().skip(skipped);
    let mut body = Text::default();
    body.raw("{\"value\":");
    // One after the other, so that there is never more than one of them and the text.
    body.array(rest.by_ref().take(size));
    if rest.next().is_some() {
        body.raw(",\"nextLink\":");
        body.string(&next_link(call, skipped + size));
    }
    body.raw("}");
    Ok(body.into_response())
}

fn size(call: &Call<'_>, cloud: &Cloud) -> Result<usize, ArmError> {
    let largest = match cloud.switches.page_size {
        PageSize::Thousand => 1000,
        PageSize::Hundred => 100,
        PageSize::Ten => 10,
        PageSize::Two => 2,
    };
    let Some(top) = call.query("$top") else { return Ok(largest) };
    match top.parse::<usize>() {
        Ok(top) if top > 0 => Ok(top.min(largest)),
        _ => Err(ArmError::invalid_query("$top", top)),
    }
}

fn skipped(call: &Call<'_>) -> Result<usize, ArmError> {
    let Some(token) = call.query(SKIP_TOKEN) else { return Ok(0) };
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    let number = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).and_then(|text| text.parse().ok());
    number.ok_or_else(|| ArmError::invalid_query(SKIP_TOKEN, token))
}

/// The same request, further on.
fn next_link(call: &Call<'_>, skipped: usize) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(call.query.iter().filter(|(name, _)| !name.eq_ignore_ascii_case(SKIP_TOKEN)));
    query.append_pair(SKIP_TOKEN, &URL_SAFE_NO_PAD.encode(skipped.to_string()));
    format!("{}{}?{}", call.host, call.path, query.finish())
}
