//! What an account may, and whose a subscription is, against the simulator.

use ajar_azure::{ClientProof, SignIn, tenant_of};
use ajar_core::failure::Failure;
use ajar_core::rights::Granted;
use ajar_core::snapshot::RightState;
use serde_json::json;

use crate::azure::Azure;

const INITIATE: &str = "Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action";
const START: &str = "Microsoft.Compute/virtualMachines/start/action";

async fn missing(azure: &Azure, vm: &str) -> Vec<&'static str> {
    let granted = azure.client.granted(&azure.vm(vm)).await.unwrap();
    granted.that_are(RightState::Missing).iter().map(|right| right.action).collect()
}

#[tokio::test]
async fn the_rights_that_are_missing_are_named_before_anything_is_asked_for() {
    let azure = Azure::start().await;
    assert_eq!(missing(&azure, "web-01").await, Vec::<&str>::new());
    let vm = azure.vm("web-01");
    let group = vm.resource().resource_group_scope();
    azure
        .control(
            "rights",
            json!({ "action": "Microsoft.Compute/*/start/action", "scope": vm.to_string(), "allowed": false }),
        )
        .await;
    assert_eq!(missing(&azure, "web-01").await, [START]);
    assert_eq!(missing(&azure, "db-replica-3").await, Vec::<&str>::new(), "another VM of the group");
    azure.control("rights", json!({ "action": "Microsoft.Security/*/action", "scope": group, "allowed": false })).await;
    assert_eq!(missing(&azure, "web-01").await, [INITIATE, START]);
    azure.control("rights", json!({ "action": START, "scope": vm.to_string(), "allowed": true })).await;
    assert_eq!(missing(&azure, "web-01").await, [INITIATE]);
    assert_eq!(azure.posts("/initiate").await, 0);
    azure.control("rights", json!({ "action": "*", "allowed": false })).await;
    assert_eq!(azure.client.granted(&vm).await.unwrap(), Granted::default(), "nothing is known, which is no failure");
}

#[tokio::test]
async fn every_subscription_tells_its_tenant_to_everybody() {
    let azure = Azure::start().await;
    let announce = azure.simulator.announce();
    let own = azure.vm("web-01").resource().subscription_id().to_owned();
    let tenant = tenant_of(&azure.cloud, azure.http.clone(), &own).await.unwrap();
    assert_eq!(tenant, announce.tenant_id.to_string());
    let fabrikam = "c3a8e9b2-1f64-4d0e-8a57-90b4d2f1e003";
    let tenant = tenant_of(&azure.cloud, azure.http.clone(), fabrikam).await.unwrap();
    assert_eq!(tenant, "e41b6d70-95c8-4f2a-b3d6-0c7a8e5f2c02");
    assert_eq!(azure.posts("/token").await, 0);
    azure.control("faults", json!({ "match": { "path": fabrikam }, "fault": "html" })).await;
    let page = tenant_of(&azure.cloud, azure.http.clone(), fabrikam).await.unwrap_err().failure;
    assert!(matches!(page, Failure::NotFromAzure { .. }), "{page:?}");
}

/// The simulator's application, by another proof than its secret.
fn application(azure: &Azure, proof: ClientProof) -> SignIn {
    let announce = azure.simulator.announce();
    let (tenant_id, client_id) = (announce.tenant_id.to_string(), announce.client_id.to_string());
    SignIn::ServicePrincipal { account: "robot".into(), tenant_id, client_id, proof }
}

async fn reads(azure: &Azure, sign_in: &SignIn) -> Result<(), Failure> {
    let credential = sign_in.credential(&azure.cloud, azure.http.clone()).unwrap().in_tenant(None);
    let client =
        ajar_azure::ArmClient::new(&azure.cloud, credential, azure.http.clone()).unwrap().acting_as(sign_in, None);
    client.virtual_machine(&azure.vm("web-01")).await.map(drop).map_err(|trouble| trouble.failure)
}

#[tokio::test]
async fn an_application_signs_in_with_its_certificate() {
    let azure = Azure::start().await;
    let pem = azure.simulator.announce().client_certificate.clone();
    assert_eq!(reads(&azure, &application(&azure, ClientProof::Certificate(pem))).await, Ok(()));
}

#[tokio::test]
async fn a_file_without_what_signs_is_told_by_what_it_lacks() {
    let azure = Azure::start().await;
    let folder = tempfile::tempdir().unwrap();
    let pem = std::fs::read_to_string(&azure.simulator.announce().client_certificate).unwrap();
    let certificate = &pem[pem.find("-----BEGIN CERTIFICATE").unwrap()..];
    let encrypted =
        format!("{certificate}-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
    for (content, lacks) in [
        ("", "it holds no certificate in PEM"),
        (certificate, "it holds no private key in PEM"),
        (encrypted.as_str(), "its key is encrypted"),
    ] {
        let path = folder.path().join("app.pem");
        std::fs::write(&path, content).unwrap();
        let failure = reads(&azure, &application(&azure, ClientProof::Certificate(path.clone()))).await.unwrap_err();
        let Failure::CertificateUnfit { path: named, detail, .. } = failure else { panic!("{failure:?}") };
        assert_eq!((named, detail.as_str()), (path.display().to_string(), lacks));
    }
    let missing = ClientProof::Certificate(folder.path().join("nothing.pem"));
    let failure = reads(&azure, &application(&azure, missing)).await.unwrap_err();
    assert!(matches!(failure, Failure::CertificateUnfit { .. }), "{failure:?}");
    assert_eq!(azure.posts("/token").await, 0);
}

#[tokio::test]
async fn a_clock_that_is_too_far_off_to_sign_is_told_by_how_much() {
    let azure = Azure::start().await;
    azure.control("advance", json!({ "seconds": 3_600 })).await;
    let pem = azure.simulator.announce().client_certificate.clone();
    let failure = reads(&azure, &application(&azure, ClientProof::Certificate(pem))).await.unwrap_err();
    let Failure::ClockSkew { seconds } = failure else { panic!("{failure:?}") };
    assert!((seconds - 3_600).abs() < 30, "{seconds}");
}

#[tokio::test]
async fn another_certificate_than_the_registered_one_is_refused_in_entras_words() {
    let azure = Azure::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.pem");
    let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    let certificate = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap().self_signed(&key).unwrap();
    std::fs::write(&path, format!("{}{}", key.serialize_pem(), certificate.pem())).unwrap();
    let failure = reads(&azure, &application(&azure, ClientProof::Certificate(path))).await.unwrap_err();
    let Failure::PrincipalRefused { detail, .. } = failure else { panic!("{failure:?}") };
    assert!(detail.starts_with("AADSTS700027"), "{detail}");
}

#[tokio::test]
async fn a_workload_signs_in_with_the_token_in_its_file() {
    let azure = Azure::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let federated = application(&azure, ClientProof::Federated(path.clone()));
    assert!(matches!(reads(&azure, &federated).await, Err(Failure::TokenFileUnfit { .. })));
    std::fs::write(&path, "not a token").unwrap();
    assert!(matches!(reads(&azure, &federated).await, Err(Failure::PrincipalRefused { .. })));
    assert_eq!(azure.posts("/token").await, 1);
}

/// What the test below starts this program for once more, with the variables that a host of managed identities sets.
#[tokio::test]
async fn a_child_reads_a_vm_as_its_machine() {
    let Ok(authority) = std::env::var("AJAR_TEST_RESOURCE_MANAGER") else { return };
    let settings = ajar_core::settings::CloudSettings {
        authority: authority.clone(),
        resource_manager: authority,
        audience: None,
        client_id: None,
        ca_bundle: None,
        public_ip_endpoints: None,
        bastion_suffix: None,
    };
    let ca = std::fs::read(std::env::var("AJAR_TEST_CA").unwrap()).unwrap();
    let cloud = ajar_azure::Cloud::from_settings("sim", &settings, Some(ca)).unwrap();
    let http = ajar_azure::http_client(&cloud).unwrap();
    let credential = SignIn::ManagedIdentity { client_id: None }.credential(&cloud, http.clone()).unwrap();
    let client = ajar_azure::ArmClient::new(&cloud, credential.in_tenant(None), http).unwrap();
    let vm = std::env::var("AJAR_TEST_VM").unwrap().parse().unwrap();
    println!("came: {:?}", client.virtual_machine(&vm).await.map(|vm| vm.power));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_with_a_managed_identity_acts_as_it() {
    let azure = Azure::start().await;
    let announce = azure.simulator.announce();
    let inner = |variables: Vec<(&str, String)>| {
        let mut command = tokio::process::Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "rights::a_child_reads_a_vm_as_its_machine", "--nocapture"]);
        command.env("AJAR_TEST_RESOURCE_MANAGER", &announce.resource_manager).env("AJAR_TEST_CA", &announce.ca_bundle);
        command.env("AJAR_TEST_VM", azure.vm("web-01").to_string()).envs(variables);
        async move { String::from_utf8(command.output().await.unwrap().stdout).unwrap() }
    };
    let shown = inner(vec![
        ("IDENTITY_ENDPOINT", announce.identity_endpoint.clone()),
        ("IDENTITY_HEADER", announce.identity_header.clone()),
    ])
    .await;
    assert!(shown.contains("came: Ok("), "{shown}");
    assert_eq!(azure.posts("/token").await, 0, "it asked Entra and not the machine");
}
