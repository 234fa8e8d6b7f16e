//! Three independent services that tell a client its public address, as plain text.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::latency::Wait;
use crate::world::World;

/// `GET /_ip/{1..3}`
pub(crate) async fn tell(State(world): State<Arc<World>>, Path(service): Path<u8>) -> Response {
    if !(1..=3).contains(&service) {
        return StatusCode::NOT_FOUND.into_response();
    }
    world.wait(Wait::Read).await;
    let address = world.look(|cloud, _| cloud.public_ip);
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{address}\n")).into_response()
}
