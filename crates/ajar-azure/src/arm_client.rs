//! The client of one cloud's resource manager: two pipelines, and what every call has in common.

use std::sync::Arc;
use std::time::Instant;

use ajar_core::failure::{Failure, TokenTool, Trouble};
use ajar_core::resource_id::ResourceId;
use azure_core::credentials::{Secret, TokenCredential};
use azure_core::error::{Error, ErrorKind};
use azure_core::http::headers::Headers;
use azure_core::http::policies::Policy;
use azure_core::http::{
    ClientOptions, Context, HttpClient, Method, Pipeline, PipelineSendOptions, RawResponse, Request, RetryOptions,
    Transport,
};
use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use serde_json::Value;
use url::Url;

use crate::arm_error::{self, ArmError};
use crate::azure_clock::AzureClock;
use crate::bastion::is_below;
use crate::budget::{Budget, KeepPauses, Paused};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::connection::{self, Http};
use crate::flights::Flights;
use crate::limits::Limits;
use crate::policies::{self, Authorize, OurName, Resend, header};
use crate::sign_in::{self, AzCloud, SignIn, Signer};
use crate::tenant;
use crate::wanted::{self, Wanted};
use crate::wire::stumble;

/// Talks to the resource manager of one cloud as one identity. Clones share connections, tokens and the clock's skew.
#[derive(Clone, Debug)]
pub struct ArmClient {
    inner: Arc<Inner>,
    /// For services beside the resource manager.
    http: Option<Http>,
    signer: Signer,
}

#[derive(Debug)]
struct Inner {
    resource_manager: Url,
    scope: String,
    /// How the addresses of the cloud's Bastion hosts end.
    bastion_suffix: Option<String>,
    /// The cloud, as the Azure CLI knows it.
    az_cloud: AzCloud,
    authorize: Arc<Authorize>,
    reads: Pipeline,
    writes: Pipeline,
    /// Without a token, and once.
    openly: Pipeline,
    limits: Limits,
    flights: Flights,
    azure_clock: AzureClock,
    budget: Arc<Budget>,
}

/// An answer of the resource manager, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Who was asked.
    pub(crate) host: String,
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// Azure cannot have acted on it.
    NotSent(Trouble),
    /// It was sent, and Azure may have acted on it.
    Unanswered(Trouble),
}

impl NoAnswer {
    pub(crate) fn into_trouble(self) -> Trouble {
        match self {
            Self::NotSent(trouble) | Self::Unanswered(trouble) => trouble,
        }
    }
}

/// What is asked, for the words when Azure denies it without saying what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) call: Call,
    /// The resource, or what else the call is about.
    pub(crate) scope: &'a str,
}

impl Answer {
    /// Azure's id of the call, which its support asks for.
    pub(crate) fn correlation_id(&self) -> Option<String> {
        policies::correlation_id(&self.headers)
    }

    /// A failure of this call.
    pub(crate) fn trouble(&self, failure: Failure) -> Trouble {
        Trouble { failure, correlation_id: self.correlation_id() }
    }

    /// Cut off, or somebody else's page: Azure's own answers are JSON, or empty where there is nothing to say.
    pub(crate) fn is_mangled(&self, call: Call) -> bool {
        let empty = self.body.is_empty();
        (!empty || call.has_body()) && self.json().is_err()
    }

    /// Whether somebody on the way answered: a redirect, what proxies and networks ask for themselves, or a body that
    /// is none of Azure's. Whoever asks to wait is to be heard, and so is a challenge of Azure's.
    pub(crate) fn is_foreign(&self) -> bool {
        match self.status {
            429 => false,
            300..=399 | 407 | 511 => true,
            401 if header(&self.headers, "www-authenticate").is_some_and(|scheme| scheme.contains("Bearer")) => false,
            _ => self.has_foreign_body(),
        }
    }

    /// Azure's bodies are JSON whatever they are said to be, its errors have an envelope, and only what is said to be
    /// JSON (or nothing at all) can be the remains of one.
    fn has_foreign_body(&self) -> bool {
        let body = self.body.trim_ascii();
        match serde_json::from_slice(body) {
            _ if body.is_empty() => false,
            Ok(Value::Object(_) | Value::Array(_)) if self.is_success() => false,
            Ok(body) => !ArmError::is_envelope(&body),
            Err(_) => !self.is_said_to_be_json() || !body.starts_with(b"{") && !body.starts_with(b"["),
        }
    }

    fn is_said_to_be_json(&self) -> bool {
        let Some(said) = header(&self.headers, "content-type") else { return true };
        let said = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        said.ends_with("/json") || said.ends_with("+json")
    }

    fn json(&self) -> serde_json::Result<serde::de::IgnoredAny> {
        serde_json::from_slice(&self.body)
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What `parse` makes of the body; [`Failure::NotFromAzure`] or [`Failure::AzureError`] if it makes nothing of it.
    pub(crate) fn parsed<T>(&self, parse: impl FnOnce(&[u8]) -> serde_json::Result<T>) -> Result<T, Trouble> {
        parse(&self.body).map_err(|error| {
            self.trouble(if self.is_foreign() {
                arm_error::not_from_azure(self)
            } else {
                arm_error::unreadable(self.status, stumble(&error))
            })
        })
    }

    /// The trouble with a body that [is mangled](Self::is_mangled).
    pub(crate) fn check(&self, call: Call) -> Result<(), Trouble> {
        if self.is_mangled(call) { self.parsed(|_| self.json()).map(drop) } else { Ok(()) }
    }
}

impl ArmClient {
    /// A client for `cloud` that signs its calls with `credential` and makes them through `http`.
    ///
    /// # Errors
    /// [`Failure::Internal`] if the cloud's resource manager is not addressed by https.
    pub fn new(cloud: &Cloud, credential: Arc<dyn TokenCredential>, http: Http) -> Result<Self, Trouble> {
        let limits = http.limits();
        let client = Self::over(cloud, credential, &(Arc::new(http.clone()) as Arc<dyn HttpClient>), limits)?;
        Ok(Self { http: Some(http), ..client })
    }

    /// Names who signs in, and the tenant in which that acts if it is not its own, so that a refusal says what can be done
    /// about it: an application has no “az login”.
    #[must_use]
    pub fn acting_as(mut self, sign_in: &SignIn, tenant: Option<&str>) -> Self {
        self.signer = sign_in.signer(tenant);
        self
    }

    /// Has what Azure asks to wait kept beyond this process, and goes by what is kept.
    #[must_use]
    pub fn keeping_pauses(self, keeper: Arc<dyn KeepPauses>) -> Self {
        self.inner.budget.keep_with(keeper);
        self
    }

    pub(crate) fn over(
        cloud: &Cloud,
        credential: Arc<dyn TokenCredential>,
        http: &Arc<dyn HttpClient>,
        limits: Limits,
    ) -> Result<Self, Trouble> {
        if cloud.resource_manager.scheme() != "https" {
            return Err(Failure::Internal { detail: format!("{} is not https", cloud.resource_manager) }.into());
        }
        let authorize =
            Arc::new(Authorize::new(credential, cloud.scope(), cloud.resource_manager.clone(), limits.first_look));
        let budget = Arc::new(Budget::new(limits));
        let pipeline = |resend: Resend| {
            let options = ClientOptions {
                per_call_policies: vec![Arc::new(OurName), Arc::new(resend), Arc::clone(&budget) as Arc<dyn Policy>],
                retry: RetryOptions::none(),
                transport: Some(Transport::new(Arc::clone(http))),
                ..ClientOptions::default()
            };
            Pipeline::new(
                Some("ajar"),
                None,
                options,
                Vec::new(),
                vec![Arc::clone(&authorize) as Arc<dyn Policy>],
                None,
            )
        };
        Ok(Self {
            http: None,
            signer: Signer::Tool(TokenTool::AzureCli, None),
            inner: Arc::new(Inner {
                resource_manager: cloud.resource_manager.clone(),
                scope: cloud.scope(),
                bastion_suffix: cloud.bastion_suffix.clone(),
                az_cloud: AzCloud::of(cloud),
                reads: pipeline(Resend::reads(limits)),
                writes: pipeline(Resend::writes(limits)),
                openly: connection::open_pipeline(http, Vec::new()),
                limits,
                flights: Flights::default(),
                azure_clock: AzureClock::default(),
                budget,
                authorize,
            }),
        })
    }

    /// A token of the resource manager, for a service of its cloud that takes it.
    pub(crate) async fn token(&self) -> Result<Secret, Trouble> {
        let token = self.inner.authorize.token(None).await;
        token.map_err(|error| no_answer(&self.inner.resource_manager, &error).into_trouble())
    }

    /// A token was refused there.
    pub(crate) fn reject(&self, token: Secret) {
        self.inner.authorize.reject(token);
    }

    /// The client for services beside the resource manager.
    pub(crate) fn http(&self) -> Option<&Http> {
        self.http.as_ref()
    }

    /// The cloud, as the Azure CLI knows it.
    pub(crate) fn az_cloud(&self) -> &AzCloud {
        &self.inner.az_cloud
    }

    /// Whether a host is one of the cloud's Bastion hosts, as far as its address tells; or the resource manager itself, which has
    /// the token anyway.
    pub(crate) fn is_of_bastion(&self, url: &Url) -> bool {
        url.origin() == self.inner.resource_manager.origin()
            || self.inner.bastion_suffix.as_ref().is_some_and(|suffix| is_below(url, suffix))
    }

    /// Azure's clock minus this machine's, as the `Date` headers of the last answers tell; `None` before
    /// one is believed.
    /// The header counts whole seconds, so what is below two seconds is given as zero.
    pub fn clock_skew(&self) -> Option<TimeDelta> {
        Self::latest_clock_skew([self])
    }

    /// [`ArmClient::clock_skew`] as that one of `clients` knows it which was told last: this machine's clock may have been
    /// set since another was used.
    pub fn latest_clock_skew<'a>(clients: impl IntoIterator<Item = &'a Self>) -> Option<TimeDelta> {
        let told = clients.into_iter().filter_map(|client| client.inner.azure_clock.skew());
        told.max_by_key(|(came, _)| *came).map(|(_, skew)| skew)
    }

    /// The URL of a resource manager path.
    pub(crate) fn url(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.inner.resource_manager.clone();
        url.set_path(path);
        url.query_pairs_mut().extend_pairs(query);
        url
    }

    /// The URL of a resource, with something after its id.
    pub(crate) fn resource_url(&self, id: &ResourceId, suffix: &str, query: &[(&str, &str)]) -> Url {
        self.url(&format!("{}{suffix}", id.as_str()), query)
    }

    /// A URL within an answer, if it leads to Azure: anything else must never see a token, and is none of Azure's.
    pub(crate) fn own_url(&self, text: &str) -> Result<Url, Failure> {
        let url = Url::parse(text).ok();
        let origin = self.inner.resource_manager.origin();
        url.clone().filter(|url| url.origin() == origin).ok_or_else(|| Failure::NotFromAzure {
            host: connection::host(&self.inner.resource_manager),
            status: 200,
            leads_to: Some(url.as_ref().map_or_else(|| "elsewhere".to_owned(), connection::origin)),
        })
    }

    pub(crate) fn limits(&self) -> Limits {
        self.inner.limits
    }

    /// Reads `url`, again and again where that can help. Whoever reads the same at the same time shares the answer.
    ///
    /// # Errors
    /// Whatever keeps it from a 2xx answer.
    pub(crate) async fn read(&self, url: Url, asked: Asked<'_>) -> Result<Arc<Answer>, Trouble> {
        let read = self.inner.flights.join(&url, || self.clone().read_alone(asked.call, url.clone()).boxed());
        let answer = read.await?;
        if !answer.is_success() {
            return Err(self.refusal(&answer, asked));
        }
        answer.check(asked.call)?;
        Ok(answer)
    }

    async fn read_alone(self, call: Call, url: Url) -> Result<Arc<Answer>, Trouble> {
        let mut answer = self.read_once(call, url.clone()).await?;
        if answer.is_success() && answer.is_mangled(call) {
            answer = self.read_once(call, url.clone()).await?;
        }
        if answer.status == 404 && call.is_of_a_resource() && !answer.is_foreign() {
            // Not all of Azure's servers know what another has just told of.
            tokio::time::sleep(self.inner.limits.first_look).await;
            answer = self.read_once(call, url).await?;
        }
        Ok(Arc::new(answer))
    }

    async fn read_once(&self, call: Call, url: Url) -> Result<Answer, Trouble> {
        let sent = self.send(&self.inner.reads, &Context::new(), call, (Method::Get, url.clone()), None).await;
        let answer = sent.map_err(NoAnswer::into_trouble)?;
        if self.inner.azure_clock.is_in_doubt(Instant::now()) {
            self.ask_for_the_time(&url).await;
        }
        Ok(answer)
    }

    /// Has another path tell the time, which everybody is told who asks without a token: until when access is asked for, and
    /// what is open now, hang on it. Without an answer it stays as it is.
    async fn ask_for_the_time(&self, read: &Url) {
        let mut url = self.inner.resource_manager.clone();
        url.set_path(&tenant::path_of(read));
        url.query_pairs_mut().append_pair("api-version", tenant::API_VERSION);
        let path = url.path().to_owned();
        let mut request = Request::new(url, Method::Get);
        let options = PipelineSendOptions { skip_checks: true, ..PipelineSendOptions::default() };
        let context = Context::new();
        let sent = self.inner.openly.send(&context, &mut request, Some(options));
        match tokio::time::timeout(self.inner.limits.time, sent).await {
            Ok(Ok(response)) => self.note_date(&path, response.headers()),
            Ok(Err(error)) => tracing::debug!(%error, "nobody else tells the time"),
            Err(_) => tracing::debug!("nobody else tells the time soon enough"),
        }
    }

    /// Posts what changes nothing, again and again where that can help; the answer is of any status. A query over everything
    /// may take longer than what else is read.
    ///
    /// # Errors
    /// Whatever keeps it from an answer.
    pub(crate) async fn query(&self, url: Url, body: Vec<u8>, asked: Asked<'_>) -> Result<Answer, Trouble> {
        let once = async || {
            let sent = (Method::Post, url.clone());
            let sent = self.send(&self.inner.reads, &Context::new(), asked.call, sent, Some(body.clone())).await;
            sent.map_err(NoAnswer::into_trouble)
        };
        let answer = once().await?;
        if answer.is_success() && answer.is_mangled(asked.call) { once().await } else { Ok(answer) }
    }

    /// Posts once, if it is `wanted` when its turn comes; again only after a 401, or a 429 as long as that can pass in time:
    /// those Azure did not apply.
    ///
    /// # Errors
    /// Only when there is no answer: an answer of any status is a result.
    pub(crate) async fn post(
        &self,
        call: Call,
        url: Url,
        body: Option<Vec<u8>>,
        wanted: &Wanted,
    ) -> Result<Answer, NoAnswer> {
        let context = Context::new().with_value(wanted.clone());
        self.inner.flights.forget();
        let result = self.send(&self.inner.writes, &context, call, (Method::Post, url), body).await;
        // What began while it was on its way may show what was before.
        self.inner.flights.forget();
        result
    }

    /// What an answer that is no success means, for any call.
    pub(crate) fn refusal(&self, answer: &Answer, asked: Asked<'_>) -> Trouble {
        let failure = arm_error::failure(answer, asked, &self.inner.scope);
        let failure = arm_error::with_time(failure, answer, self.limits().patience);
        answer.trouble(self.signer.told(self.by_azures_clock(failure)))
    }

    /// A time to come back at as Azure's clock has it, by which all times are told.
    fn by_azures_clock(&self, mut failure: Failure) -> Failure {
        if let Failure::Throttled { retry_at } | Failure::Unavailable { retry_at, .. } = &mut failure {
            let skew = self.clock_skew().unwrap_or_default();
            *retry_at = retry_at.checked_add_signed(skew).unwrap_or(*retry_at);
        }
        failure
    }

    async fn send(
        &self,
        pipeline: &Pipeline,
        context: &Context<'_>,
        call: Call,
        (method, url): (Method, Url),
        body: Option<Vec<u8>>,
    ) -> Result<Answer, NoAnswer> {
        let mut request = Request::new(url, method);
        request.insert_header("accept", "application/json");
        if let Some(body) = body {
            request.insert_header("content-type", "application/json");
            request.set_body(body);
        }
        let options = PipelineSendOptions { skip_checks: true, ..PipelineSendOptions::default() };
        let response = pipeline.send(context, &mut request, Some(options)).await.map_err(|error| {
            match no_answer(request.url(), &error) {
                NoAnswer::NotSent(Trouble { failure, correlation_id }) => {
                    NoAnswer::NotSent(Trouble { failure: self.by_azures_clock(failure), correlation_id })
                }
                unanswered @ NoAnswer::Unanswered(_) => unanswered,
            }
        })?;
        let (status, headers, body) = RawResponse::deconstruct(response);
        self.note_date(request.url().path(), &headers);
        let host = connection::host(request.url());
        let answer = Answer { host, status: status.into(), headers, body: body.to_vec() };
        tracing::debug!(
            call = call.operation_id(),
            path = request.url().path(),
            status = answer.status,
            correlation_id = answer.correlation_id(),
            "Azure answered"
        );
        Ok(answer)
    }

    fn note_date(&self, path: &str, headers: &Headers) {
        let Some(date) = header(headers, "date").and_then(|date| DateTime::parse_from_rfc2822(date).ok()) else {
            return;
        };
        self.inner.azure_clock.note(path, date.to_utc(), Utc::now(), Instant::now());
    }
}

fn no_answer(url: &Url, error: &Error) -> NoAnswer {
    if let Some(trouble) = sign_in::trouble_within(error) {
        return NoAnswer::NotSent(trouble);
    }
    if let Some(paused) = sign_in::causes(error).find_map(|cause| cause.downcast_ref::<Paused>()) {
        let failure = Failure::Throttled { retry_at: paused.retry_at };
        return NoAnswer::NotSent(Trouble { failure, correlation_id: paused.correlation_id.clone() });
    }
    if wanted::is_withdrawn(error) {
        // What else may be on its way is more than one call knows.
        let cancelled = Failure::Cancelled { open_until: None, asking: false, starting: false };
        return NoAnswer::NotSent(cancelled.into());
    }
    let cause = || sign_in::first_line(connection::innermost(error));
    match error.kind() {
        ErrorKind::Credential => NoAnswer::NotSent(Failure::not_signed_in(cause()).into()),
        ErrorKind::Connection => NoAnswer::NotSent(connection::broken(url, error)),
        ErrorKind::Other => NoAnswer::NotSent(Failure::Internal { detail: cause() }.into()),
        ErrorKind::Io | ErrorKind::DataConversion | ErrorKind::HttpResponse { .. } => {
            NoAnswer::Unanswered(connection::broken(url, error))
        }
    }
}

#[cfg(test)]
mod tests;
