//! `POST …/virtualMachines/NAME/runCommand`: a script that the VM's agent runs, answered when it has ended.

use axum::http::StatusCode;
use axum::response::Response;

use crate::arm::error::ArmError;
use crate::arm::json_body::{self, Object};
use crate::arm::operations::{LongRunning, accepted};
use crate::arm::route::Scope;
use crate::arm::{Call, compute};
use crate::fleet::Os;
use crate::guest::shell::Machine;
use crate::json::{Value, json};
use crate::latency::Wait;

const ACTION: &str = "Microsoft.Compute/virtualMachines/runCommand/action";

pub(super) fn run(call: &Call<'_>, scope: &Scope, name: &str) -> Result<Response, ArmError> {
    call.world.change(|cloud, now| {
        call.permit(cloud, ACTION, &compute::named(scope, name))?;
        let (_, vm) = compute::find(cloud, scope, name)?;
        let body = json_body::parse(call.body)?;
        let body = Object::whole(&body)?;
        let command = body.required_text("commandId")?;
        let wanted = match vm.os {
            Os::Linux => "RunShellScript",
            Os::Windows => "RunPowerShellScript",
        };
        if !command.eq_ignore_ascii_case(wanted) {
            let message = format!("The value '{command}' of 'commandId' is no command of a {} VM.", vm.os.name());
            return Err(ArmError::new(StatusCode::BAD_REQUEST, "InvalidParameter", message));
        }
        if !vm.power.booted(now) {
            let message = "The operation requires the VM to be running (or set to run).";
            return Err(ArmError::new(StatusCode::CONFLICT, "OperationNotAllowed", message));
        }
        let script = body.texts("script")?.unwrap_or_default();
        let answer = answer(&vm.name, vm.os, &script);
        let operation = LongRunning {
            provider: "Microsoft.Compute",
            subscription: &scope.subscription,
            location: vm.location.clone(),
        };
        let takes = cloud.latencies.draw(Wait::Diagnosis);
        Ok(accepted(call, cloud, &operation, answer, (now, takes)))
    })
}

/// `RunCommandResult`. The agent runs scripts as the system's own user.
fn answer(host: &str, os: Os, script: &[String]) -> Value {
    let user = match os {
        Os::Linux => "root",
        Os::Windows => "system",
    };
    let machine = Machine { host: host.to_owned(), user: user.to_owned() };
    let (mut stdout, mut stderr, mut last) = (String::new(), String::new(), 0);
    for line in script.iter().flat_map(|lines| lines.lines()) {
        let output = machine.run(line, last);
        stdout.push_str(&output.stdout);
        stderr.push_str(&output.stderr);
        last = output.status;
        if output.exit {
            break;
        }
    }
    let status = |code: &'static str, message: String| json!({ "code": code, "level": "Info", "displayStatus": "Provisioning succeeded", "message": message });
    let value = match os {
        Os::Linux => {
            let message = format!("Enable succeeded: \n[stdout]\n{stdout}\n[stderr]\n{stderr}");
            vec![status("ProvisioningState/succeeded", message)]
        }
        Os::Windows => {
            vec![status("ComponentStatus/StdOut/succeeded", stdout), status("ComponentStatus/StdErr/succeeded", stderr)]
        }
    };
    json!({ "value": value })
}
