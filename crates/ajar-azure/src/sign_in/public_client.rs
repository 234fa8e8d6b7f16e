//! What the sign-ins of people have in common: an application without a secret, and Entra's token endpoint.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ajar_core::account::tenant;
use ajar_core::failure::{Failure, Trouble};
use azure_core::credentials::{AccessToken, Secret};
use azure_core::error::Error;
use azure_core::http::{Context, HttpClient, Method, Pipeline, PipelineSendOptions, RawResponse, Request};
use futures::FutureExt;
use futures::future::BoxFuture;
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::http::StatusCode;
use oauth2::{
    AsyncHttpClient, AuthUrl, AuthorizationCode, ClientId, DeviceAuthorizationUrl, DeviceCodeErrorResponseType,
    EndpointNotSet, EndpointSet, ErrorResponse, ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeVerifier,
    RedirectUrl, RefreshToken, RequestTokenError, StandardDeviceAuthorizationResponse, StandardRevocableToken,
    StandardTokenResponse, TokenResponse as _, TokenUrl,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use url::Url;

use super::refusal::{self, Asker, Refusal, Refused};
use super::{claims, jwt};
use crate::arm_client::Answer;
use crate::arm_error;
use crate::cloud::Cloud;
use crate::connection::{self, Http};
use crate::policies::Resend;

/// The tenant that stands for whichever is the user's own.
pub(super) const ORGANIZATIONS: &str = "organizations";
/// Of a token whose answer does not say; Entra's always do.
const LIFETIME: Duration = Duration::from_mins(5);

/// A token is asked for anew after this long, however long the authority says that it lasts: Entra's last 28 hours at most.
const LONGEST: Duration = Duration::from_hours(48);

/// Who signs in, and with which application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The account, as its user calls it: for the words of failures.
    pub account: String,
    /// The application that Ajar signs in with; it needs no secret.
    pub client_id: String,
    /// Where the account signs in: a tenant's id or domain. Absent, it is the user's own tenant, whichever that is.
    pub tenant: Option<String>,
    /// The user name, if it is known: then no account has to be picked.
    pub username: Option<String>,
}

impl Person {
    /// The tenant to sign in at for what `tenant` wants, where that is another than the account signs in to. `home` is the
    /// account's `oid.tid`.
    pub(super) fn elsewhere(&self, tenant: Option<&str>, home: &str) -> Option<String> {
        let own = self.tenant.as_deref().or_else(|| home.split_once('.').map(|(_, tenant)| tenant));
        tenant.filter(|tenant| own.is_none_or(|own| !own.eq_ignore_ascii_case(tenant))).map(str::to_owned)
    }
}

/// What the token endpoint tells beside the tokens.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Extra {
    #[serde(default, skip_serializing)]
    id_token: Option<Secret>,
    #[serde(default, skip_serializing)]
    client_info: Option<Secret>,
}

impl ExtraTokenFields for Extra {}

type Tokens = StandardTokenResponse<Extra, BasicTokenType>;
type Oauth = oauth2::Client<
    BasicErrorResponse,
    Tokens,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// The application, at one cloud's authority.
#[derive(Debug)]
pub(super) struct PublicClient {
    pub(super) person: Person,
    authority: Url,
    /// What Azure's tokens are for.
    scope: String,
    /// For what may be asked twice.
    again: Pipeline,
    /// For what Entra takes once.
    once: Pipeline,
}

/// A sign-in that has succeeded.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The user name, such as `ada@contoso.example`; absent if Entra does not tell.
    pub username: Option<String>,
    /// `oid.tid` of the account at home: the same for all its sign-ins.
    pub home_account_id: String,
    /// The tenant that it signed in to.
    pub tenant_id: Option<String>,
    pub(super) refresh_token: Secret,
    pub(super) access_token: AccessToken,
    pub(super) scope: String,
}

/// How to send something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sending {
    Again,
    Once,
    /// Until somebody has typed the code: what passes is waited out, at the pace that RFC 8628 wants.
    Polling,
}

/// Nothing came that is Entra's; what it was is noted beside.
#[derive(Debug, thiserror::Error)]
#[error("no answer of Entra’s")]
struct NoAnswer;

/// What oauth2 sends by.
#[derive(Debug)]
struct Wire<'a> {
    client: &'a PublicClient,
    sending: Sending,
    asker: Asker<'a>,
    /// What went wrong last, beyond what the standard errors of OAuth tell.
    noted: Mutex<Option<Refused>>,
    /// Of the last answer that was to bring a token.
    ids: Mutex<Option<String>>,
}

impl<'c> AsyncHttpClient<'c> for Wire<'_> {
    type Error = NoAnswer;
    type Future = BoxFuture<'c, Result<HttpResponse, NoAnswer>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        self.send(request).boxed()
    }
}

impl Wire<'_> {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, NoAnswer> {
        let pipeline = if self.sending == Sending::Again { &self.client.again } else { &self.client.once };
        let answer = answer_to(pipeline, request).await.map_err(|trouble| self.note(trouble.into()))?;
        if answer.is_success() && !answer.is_foreign() {
            *self.ids.lock().unwrap_or_else(PoisonError::into_inner) =
                refusal::ids(&answer.headers, &Refusal::default());
            return Ok(as_oauth_reads_it(answer));
        }
        let refusal: Refusal = serde_json::from_slice(&answer.body).unwrap_or_default();
        let refused = refusal::of_answer(&answer, &self.asker);
        let passes = matches!(
            refused.failure,
            Failure::AzureError { .. } | Failure::NotFromAzure { .. } | Failure::Throttled { .. }
        );
        let silence = self.note(refused);
        let is_heard = self.sending == Sending::Polling && (refusal.is_pending() || !passes);
        if is_heard { Ok(as_oauth_reads_it(answer)) } else { Err(silence) }
    }

    fn note(&self, refused: Refused) -> NoAnswer {
        *self.noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(refused);
        NoAnswer
    }

    /// What came of it in our words. Whatever could not be read may hold tokens, and is not repeated.
    fn refused<T: ErrorResponse>(&self, error: &RequestTokenError<NoAnswer, T>) -> Refused {
        let noted = match error {
            RequestTokenError::Request(_) | RequestTokenError::ServerResponse(_) => {
                self.noted.lock().unwrap_or_else(PoisonError::into_inner).take()
            }
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => None,
        };
        noted.unwrap_or_else(|| self.unread(self.client.gave_no("token")))
    }

    /// An answer that was to bring a token, and does not tell what it has to.
    fn unread(&self, failure: Failure) -> Refused {
        let correlation_id = self.ids.lock().unwrap_or_else(PoisonError::into_inner).take();
        Trouble { failure, correlation_id }.into()
    }
}

impl PublicClient {
    pub(super) fn new(cloud: &Cloud, person: Person, http: Http) -> Result<Self, Failure> {
        person.tenant.as_deref().map(tenant).transpose()?;
        let limits = http.limits();
        let pipeline = |http: Http, resend: Resend| {
            connection::open_pipeline(&(Arc::new(http) as Arc<dyn HttpClient>), vec![Arc::new(resend)])
        };
        Ok(Self {
            person,
            authority: cloud.authority.clone(),
            scope: cloud.scope(),
            again: pipeline(http.for_sending_again(), Resend::reads(limits)),
            once: pipeline(http, Resend::writes(limits)),
        })
    }

    /// The tenant of the account's own sign-in.
    pub(super) fn home(&self) -> &str {
        self.person.tenant.as_deref().unwrap_or(ORGANIZATIONS)
    }

    /// All that is asked for: a token for Azure, one to renew it with, and who it is.
    pub(super) fn scopes(&self) -> String {
        format!("{} offline_access openid profile", self.scope)
    }

    pub(super) fn oauth(&self, tenant: &str) -> Oauth {
        let at = |endpoint: &str| {
            let mut url = self.authority.clone();
            url.set_path(&format!("{tenant}/oauth2/v2.0/{endpoint}"));
            url
        };
        oauth2::Client::new(ClientId::new(self.person.client_id.clone()))
            .set_auth_uri(AuthUrl::from_url(at("authorize")))
            .set_token_uri(TokenUrl::from_url(at("token")))
            .set_device_authorization_url(DeviceAuthorizationUrl::from_url(at("devicecode")))
    }

    pub(super) fn asker<'a>(&'a self, tenant: &'a str, device_code: bool) -> Asker<'a> {
        let Person { account, client_id, .. } = &self.person;
        Asker { account, client_id, tenant, authority: &self.authority, device_code }
    }

    /// Exchanges what the browser brought.
    pub(super) async fn redeem(
        &self,
        code: Secret,
        redirect: RedirectUrl,
        verifier: PkceCodeVerifier,
        claims: Option<&str>,
    ) -> Result<SignedIn, Refused> {
        let (oauth, wire) = (self.oauth(self.home()), self.wire(Sending::Once, self.home(), false));
        let tokens = oauth
            .exchange_code(AuthorizationCode::new(code.secret().to_owned()))
            .set_redirect_uri(Cow::Owned(redirect))
            .set_pkce_verifier(verifier)
            .add_extra_param("scope", self.scopes())
            .add_extra_param("claims", claims::with_capability(claims))
            .add_extra_param("client_info", "1")
            .request_async(&wire)
            .await;
        let tokens = tokens.map_err(|error| wire.refused(&error))?;
        self.signed_in(&tokens).map_err(|failure| wire.unread(failure))
    }

    /// Has a code made for somebody to type elsewhere.
    pub(super) async fn device_code(&self) -> Result<StandardDeviceAuthorizationResponse, Refused> {
        let (oauth, wire) = (self.oauth(self.home()), self.wire(Sending::Again, self.home(), true));
        let codes = oauth.exchange_device_code().add_extra_param("scope", self.scopes()).request_async(&wire).await;
        codes.map_err(|error| wire.refused(&error))
    }

    /// Waits until somebody has typed it, or its time is over.
    pub(super) async fn poll(
        &self,
        codes: &StandardDeviceAuthorizationResponse,
        claims: Option<&str>,
    ) -> Result<SignedIn, Refused> {
        let (oauth, wire) = (self.oauth(self.home()), self.wire(Sending::Polling, self.home(), true));
        let polls = oauth
            .exchange_device_access_token(codes)
            .add_extra_param("claims", claims::with_capability(claims))
            .add_extra_param("client_info", "1")
            .request_async(&wire, tokio::time::sleep, None);
        let Ok(tokens) = tokio::time::timeout(codes.expires_in(), polls).await else {
            return Err(Failure::SignInTimedOut.into());
        };
        let tokens = tokens.map_err(|error| {
            let late = matches!(&error, RequestTokenError::ServerResponse(response)
                if matches!(response.error(), DeviceCodeErrorResponseType::ExpiredToken));
            if late { Failure::SignInTimedOut.into() } else { wire.refused(&error) }
        });
        self.signed_in(&tokens?).map_err(|failure| wire.unread(failure))
    }

    /// A new access token of `tenant`, and the refresh token that takes the place of `token`, if there is one.
    pub(super) async fn refresh(
        &self,
        tenant: &str,
        token: &Secret,
        scope: &str,
        claims: Option<&str>,
    ) -> Result<(AccessToken, Option<Secret>), Refused> {
        match self.refresh_once(tenant, token, scope, claims).await {
            // Cut off, or somebody else's page: as with every read, a second look is worth it.
            Err(Refused {
                failure: Failure::AzureError { status: 200, .. } | Failure::NotFromAzure { status: 200, .. },
                ..
            }) => self.refresh_once(tenant, token, scope, claims).await,
            result => result,
        }
    }

    async fn refresh_once(
        &self,
        tenant: &str,
        token: &Secret,
        scope: &str,
        claims: Option<&str>,
    ) -> Result<(AccessToken, Option<Secret>), Refused> {
        let (oauth, wire) = (self.oauth(tenant), self.wire(Sending::Again, tenant, false));
        let tokens = oauth
            .exchange_refresh_token(&RefreshToken::new(token.secret().to_owned()))
            .add_extra_param("scope", format!("{scope} offline_access openid profile"))
            .add_extra_param("claims", claims::with_capability(claims))
            .request_async(&wire)
            .await
            .map_err(|error| wire.refused(&error))?;
        Ok((access_token(&tokens), refresh_token(&tokens)))
    }

    fn gave_no(&self, what: &str) -> Failure {
        arm_error::unreadable(200, format!("{} gave no {what}", connection::host(&self.authority)))
    }

    fn wire<'a>(&'a self, sending: Sending, tenant: &'a str, device_code: bool) -> Wire<'a> {
        Wire {
            client: self,
            sending,
            asker: self.asker(tenant, device_code),
            noted: Mutex::default(),
            ids: Mutex::default(),
        }
    }

    fn signed_in(&self, tokens: &Tokens) -> Result<SignedIn, Failure> {
        let read = |text: Option<&Secret>, number| text.and_then(|text| jwt::part::<Identity>(text, number));
        let extra = tokens.extra_fields();
        let id = read(extra.id_token.as_ref(), 1).unwrap_or_default();
        let home = read(extra.client_info.as_ref(), 0).unwrap_or_default();
        let home = home.uid.zip(home.utid).or_else(|| id.oid.clone().zip(id.tid.clone()));
        let (oid, tid) = home.ok_or_else(|| self.gave_no("word on whose token it is"))?;
        Ok(SignedIn {
            username: id.preferred_username,
            home_account_id: format!("{oid}.{tid}"),
            tenant_id: id.tid,
            refresh_token: refresh_token(tokens).ok_or_else(|| self.gave_no("refresh token"))?,
            access_token: access_token(tokens),
            scope: self.scope.clone(),
        })
    }
}

/// What an `id_token` and `client_info` tell. They come from the token endpoint itself, so their signature is TLS.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Identity {
    preferred_username: Option<String>,
    oid: Option<String>,
    tid: Option<String>,
    uid: Option<String>,
    utid: Option<String>,
}

async fn answer_to(pipeline: &Pipeline, request: HttpRequest) -> Result<Answer, Trouble> {
    let (parts, body) = request.into_parts();
    let url: Url = parts.uri.to_string().parse().map_err(|_| Failure::Internal { detail: "no URL".into() })?;
    let mut outgoing = Request::new(url, Method::Post);
    for (name, value) in &parts.headers {
        outgoing.insert_header(name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned());
    }
    outgoing.set_body(body);
    let options = PipelineSendOptions { skip_checks: true, ..PipelineSendOptions::default() };
    let sent = pipeline.send(&Context::new(), &mut outgoing, Some(options)).await;
    let response = sent.map_err(|error: Error| connection::broken(outgoing.url(), &error))?;
    let (status, headers, body) = RawResponse::deconstruct(response);
    Ok(Answer { host: connection::host(outgoing.url()), status: status.into(), headers, body: body.to_vec() })
}

fn as_oauth_reads_it(answer: Answer) -> HttpResponse {
    let mut response = HttpResponse::new(answer.body);
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    response
}

fn access_token(tokens: &Tokens) -> AccessToken {
    let lasts = tokens.expires_in().unwrap_or(LIFETIME).min(LONGEST);
    AccessToken::new(tokens.access_token().secret().to_owned(), OffsetDateTime::now_utc() + lasts)
}

fn refresh_token(tokens: &Tokens) -> Option<Secret> {
    tokens.refresh_token().map(|token| token.secret().to_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_is_said_to_last_for_ever_is_asked_for_anew_all_the_same() {
        let tokens: Tokens = serde_json::from_value(serde_json::json!({
            "token_type": "Bearer", "access_token": "t0ken", "expires_in": u64::MAX,
        }))
        .unwrap();
        let ends = access_token(&tokens).expires_on;
        assert!(ends > OffsetDateTime::now_utc() && ends <= OffsetDateTime::now_utc() + LONGEST, "{ends}");
    }
}
