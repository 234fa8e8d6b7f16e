//! Queries over a small cloud of this process: what each step answers, and what is refused.

mod language;
mod plain;
mod random;

use chrono::Utc;
use serde_json::{Value, json};

use super::{QueryError, parser, run, source};
use crate::arm::resources::Resource;
use crate::arm::route::Scope;
use crate::fleet::Fleet;
use crate::latency::Latencies;
use crate::state::Cloud;
use crate::state::vm::{PublicIp, Vm, VmPort};

fn cloud(fleet: &Fleet) -> Cloud {
    let now = Utc::now();
    let place = |(index, spec): (u32, &crate::fleet::VmSpec)| {
        let address = std::net::Ipv4Addr::from(0x7f4d_0000 + index);
        let public_ip = if spec.private_only { PublicIp::None } else { PublicIp::Static(address) };
        let ports = spec.ports.iter().map(|port| VmPort { number: port.number, mapped_port: None }).collect();
        Vm::new(fleet, (index, spec), public_ip, ports, now)
    };
    let vms = (0..).zip(&fleet.vms).map(place).collect();
    Cloud::new(fleet, vms, Latencies::new(1, 1.0))
}

/// The rows of the default fleet, as objects.
fn ask(query: &str) -> Result<Vec<Value>, QueryError> {
    ask_of(&cloud(&Fleet::default()), query)
}

fn ask_of(cloud: &Cloud, query: &str) -> Result<Vec<Value>, QueryError> {
    let now = Utc::now();
    let spent = super::limits::Spent::default();
    let view = source::View { cloud, now, as_of: now, spent: &spent, host: "127.0.0.1:1" };
    let tables = |table: &str, steps: &[super::syntax::Step]| {
        if !table.eq_ignore_ascii_case("resources") {
            return Err(QueryError::unresolved("table", table));
        }
        let all = cloud.subscriptions.iter().enumerate().flat_map(|(index, subscription)| {
            let scope = Scope { subscription: subscription.id.to_string(), resource_group: None };
            let resources = Resource::all(cloud, &scope, &source::kinds(steps));
            resources.into_iter().map(move |resource| source::row(view, resource, index))
        });
        Ok(all.collect())
    };
    let table = run::run(&parser::parse(query)?, view, &tables)?.shown();
    let names: Vec<_> = table.columns.iter().map(|column| column.name.clone()).collect();
    let object = |row: &super::row::Row| {
        let row = row.seen_in(view);
        let cell = |at: usize| {
            let shown = row.show(at).into_owned();
            let kept = row.get(at);
            assert!(spent.is_over() || shown == *kept, "what is shown is what is kept: {shown} {kept}");
            serde_json::to_value(shown).unwrap()
        };
        names.iter().enumerate().map(|(at, name)| (name.clone(), cell(at))).collect::<Value>()
    };
    let rows = table.rows.iter().map(object).collect();
    spent.check()?;
    Ok(rows)
}

#[track_caller]
fn column(query: &str, name: &str) -> Vec<Value> {
    ask(query).unwrap().into_iter().map(|mut row| row[name].take()).collect()
}

#[track_caller]
fn complaint(query: &str) -> String {
    ask(query).unwrap_err().0.to_string()
}

const VMS: &str = "Resources | where type =~ 'microsoft.compute/virtualmachines'";

#[test]
fn conditions_join_and_turn_round_as_logic_has_it() {
    let count = |condition: &str| column(&format!("{VMS} | where {condition} | count"), "Count")[0].as_u64().unwrap();
    let all = count("true");
    assert_eq!(all, 12);
    assert_eq!(count("name == 'web-01'"), 1);
    assert_eq!(count("name == 'WEB-01'"), 0);
    assert_eq!(count("name =~ 'WEB-01'"), 1);
    assert_eq!(count("name != 'web-01'"), all - 1);
    assert_eq!(count("not(name == 'web-01')"), all - 1);
    assert_eq!(count("name in ('web-01', 'gpu-lab') and location == 'westeurope'"), 2);
    assert_eq!(count("name in~ ('WEB-01')"), 1);
    assert_eq!(count("name !in ('web-01')"), all - 1);
    assert_eq!(count("name contains '-01' or name startswith 'JUMP'"), 5);
    assert_eq!(count("name has 'win'"), 1);
    assert_eq!(count("isempty(properties.nonsense)"), all);
    assert_eq!(count("name == 'web-01' or name == 'gpu-lab' and location == 'nowhere'"), 1);
    assert_eq!(count("properties.storageProfile.osDisk.diskSizeGB between (1 .. 64)"), all);
    assert_eq!(count("properties['storageProfile'].imageReference.publisher == 'canonical'"), 10);
    assert_eq!(count("isnotnull(zones[0])"), 1);
}

#[test]
fn columns_are_named_made_and_left_out() {
    let query = format!(
        "{VMS} | where name == 'web-01' | extend os = tostring(properties.storageProfile.osDisk.osType), n = strlen(name) * 2 \
         | project n, os, properties.hardwareProfile.vmSize, upper = toupper(name), tolower(location)"
    );
    let expected = json!({
        "n": 12, "os": "Linux", "properties_hardwareProfile_vmSize": "Standard_D2s_v5", "upper": "WEB-01",
        "Column1": "westeurope",
    });
    assert_eq!(ask(&query).unwrap(), [expected]);
    let kept = ask(&format!("{VMS} | project name, id, location | project-away id | take 1")).unwrap();
    assert_eq!(kept[0].as_object().unwrap().len(), 2);
}

#[test]
fn functions_work_on_texts_choices_and_lists() {
    let value = |expr: &str| column(&format!("{VMS} | where name == 'web-01' | project v = {expr}"), "v")[0].clone();
    assert_eq!(value("split(name, '-')[1]"), "01");
    assert_eq!(value("strcat(name, '/', location)"), "web-01/westeurope");
    assert_eq!(value("iff(location == 'westeurope', 'here', 'there')"), "here");
    assert_eq!(value("case(name == 'a', 1, name == 'web-01', 2, 3)"), 2);
    assert_eq!(value("coalesce(tostring(properties.none), 'x')"), "x");
    assert_eq!(value("substring(name, 0, 3)"), "web");
    assert_eq!(value("array_length(properties.networkProfile.networkInterfaces)"), 1);
    assert_eq!(value("toint('7') + 1.5"), 8.5);
    assert_eq!(value("tostring(properties.none)"), "");
    assert_eq!(value("tags['environment']"), "simulated");
}

#[test]
fn rows_are_sorted_cut_counted_and_grouped() {
    let names = column(&format!("{VMS} | sort by name asc | take 2"), "name");
    assert_eq!(names, ["build-win-02", "capacity-01"]);
    assert_eq!(column(&format!("{VMS} | order by name | limit 1"), "name"), ["web-01"], "downwards unless told");
    assert_eq!(column(&format!("{VMS} | top 1 by name asc"), "name"), ["build-win-02"]);
    let by = ask(&format!("{VMS} | summarize count(), last = max(name) by location | order by location asc")).unwrap();
    assert_eq!(by[0], json!({ "location": "northeurope", "count_": 1, "last": "jump-eu" }));
    assert_eq!(by[1]["count_"], 11);
    let sizes = format!("{VMS} | summarize dcount(location) by tostring(properties.hardwareProfile.vmSize)");
    assert_eq!(column(&sizes, "properties_hardwareProfile_vmSize").len(), 4);
    assert_eq!(ask(&format!("{VMS} | distinct location")).unwrap().len(), 2);
    assert_eq!(ask("Resources | where name == 'none' | summarize count()").unwrap(), [json!({ "count_": 0 })]);
}

#[test]
fn a_join_finds_partners_and_an_outer_one_keeps_those_without() {
    let interfaces = "resources | where type =~ 'microsoft.network/networkinterfaces' \
                      | mv-expand ipc = properties.ipConfigurations \
                      | project vmId = tolower(tostring(properties.virtualMachine.id)), \
                        pip = tostring(ipc.properties.publicIPAddress.id)";
    let query = |kind: &str| {
        format!("{VMS} | extend vmId = tolower(id) | join kind={kind} ({interfaces} | where isnotempty(pip)) on vmId")
    };
    let inner = ask(&query("inner")).unwrap();
    assert_eq!(inner.len(), 11);
    assert_eq!(inner[0]["vmId"], inner[0]["vmId1"]);
    let outer = ask(&query("leftouter")).unwrap();
    assert_eq!(outer.len(), 12);
    let alone: Vec<_> = outer.iter().filter(|row| row["pip"] == "").map(|row| row["name"].clone()).collect();
    assert_eq!(alone, ["private-only"], "a text without a partner is empty, not null");
}

#[test]
fn times_are_compared_counted_and_shown() {
    let value = |expr: &str| column(&format!("{VMS} | where name == 'web-01' | project v = {expr}"), "v")[0].clone();
    assert_eq!(value("datetime(2026-11-23) + 1d"), "2026-11-24T00:00:00.0000000Z");
    assert_eq!(value("datetime(2026-11-23 12:00) - datetime(2026-11-22)"), "1.12:00:00");
    assert_eq!(value("(datetime(2026-11-23) - datetime(2026-11-22)) / 1h"), 24);
    assert_eq!(value("tostring(90m * 2)"), "03:00:00");
    assert_eq!(value("strcat('in ', totimespan('1.5h'))"), "in 01:30:00");
    assert_eq!(value("todatetime('2026-11-23T01:00:00+01:00') == datetime(2026-11-23)"), true);
    assert_eq!(value("isnull(todatetime('soon'))"), true);
    let count = |condition: &str| column(&format!("{VMS} | where {condition} | count"), "Count")[0].clone();
    assert_eq!(count("todatetime(properties.timeCreated) > ago(36500d)"), 12);
    assert_eq!(count("properties.timeCreated > now(1d)"), 0);
    assert_eq!(count("now() - todatetime(properties.timeCreated) > -1s"), 12);
    assert_eq!(count("now() < ago(1s)"), 0);
}

#[test]
fn lists_and_bags_are_written_out_and_texts_are_held_against_patterns() {
    let value = |expr: &str| column(&format!("{VMS} | where name == 'web-01' | project v = {expr}"), "v")[0].clone();
    let written = "dynamic({'a': [1, -2.5, \"x\", true, null], \"b\": {}, 'c': []})";
    assert_eq!(value(written), json!({ "a": [1, -2.5, "x", true, null], "b": {}, "c": [] }));
    assert_eq!(value("dynamic([1, 2])[1]"), 2);
    let count = |condition: &str| column(&format!("{VMS} | where {condition} | count"), "Count")[0].clone();
    assert_eq!(count("name in (dynamic(['web-01', 'gpu-lab']))"), 2);
    assert_eq!(count("name matches regex @'^web-\\d+$'"), 1);
    assert_eq!(count("not(name matches regex '^(?i)WEB')"), 11);
    let sorted = |nulls: &str| {
        let zone = "iff(name == 'web-01', toint('none'), strlen(name))";
        column(&format!("{VMS} | extend z = {zone} | sort by z {nulls} | project z"), "z")
    };
    assert!(sorted("asc")[0].is_null() && sorted("desc")[11].is_null());
    assert!(sorted("asc nulls last")[11].is_null() && sorted("desc nulls first")[0].is_null());
    assert_eq!(sorted("desc nulls first")[1..], sorted("desc")[..11]);
}

#[test]
fn a_union_has_the_rows_of_all_and_the_columns_of_all_or_of_each() {
    let sizes = "resources | where type =~ 'microsoft.compute/disks' | project name, size = strlen(name)";
    let query = |parameters: &str| format!("{VMS} | project name, location | union {parameters} ({sizes})");
    let outer = ask(&query("")).unwrap();
    assert_eq!(outer.len(), 24);
    assert_eq!((&outer[0]["location"], &outer[0]["size"]), (&json!("westeurope"), &Value::Null));
    assert_eq!((&outer[23]["location"], outer[23]["size"].is_number()), (&json!(""), true));
    let inner = ask(&query("kind=inner withsource=of")).unwrap();
    assert_eq!(inner[0], json!({ "of": "union_arg0", "name": outer[0]["name"] }));
    assert_eq!(inner[23]["of"], "union_arg1");
    let other = ask("resources | project x = name | take 1 | union (resources | project x = strlen(name) | take 1)");
    let mut names: Vec<_> = other.unwrap()[0].as_object().unwrap().keys().cloned().collect();
    names.sort();
    assert_eq!(names, ["x_long", "x_string"], "one name, two types");
    let whole = ask("resources | union withsource=of resources | summarize n = count() by of").unwrap();
    assert_eq!((&whole[1]["of"], &whole[0]["n"]), (&json!("resources"), &whole[1]["n"]));
}

#[test]
fn what_is_not_known_is_refused_and_never_passed_over() {
    for (query, expected) in [
        ("Resources | where nosuchcolumn == 1", "'nosuchcolumn'"),
        ("Nonsense | take 1", "'Nonsense'"),
        ("Resources | project frobnicate(id)", "'frobnicate'"),
        ("Resources | evaluate bag_unpack(tags)", "ParserFailure"),
        ("Resources | where name matches regex '('", "regular expression"),
        ("Resources | where name matches 'a'", "ParserFailure"),
        ("Resources | union isfuzzy=true Resources", "fuzzy"),
        ("Resources | union kind=left Resources", "kind=left"),
        ("Resources | union Resources, Resources | union Resources, Resources", "union legs"),
        ("Resources | where now() > datetime(soon)", "soon"),
        ("Resources | project dynamic({a: 1})", "ParserFailure"),
        ("Resources | take", "<EOF>"),
        ("Resources | order by properties.x", "dynamic"),
        ("Resources | summarize count() by properties.x", "dynamic"),
        ("Resources | join kind=rightanti (Resources) on id", "rightanti"),
        ("Resources | where name", "boolean"),
        ("Resources | project name.first", "string"),
        ("Resources | project iff(true, 1)", "arguments"),
        ("Resources | project a = id, a = name", "two columns"),
        ("Resources | order by name asc nulls", "<EOF>"),
        ("", "<EOF>"),
    ] {
        let told = complaint(query);
        assert!(told.contains(expected), "{query}: {told}");
    }
    let told: Value = serde_json::from_str(&complaint("Resources\n| where ??")).unwrap();
    assert_eq!((&told["line"], &told["characterPositionInLine"]), (&json!(2), &json!(8)));
}

/// On a thread with half the stack of a server's worker.
fn on_a_worker<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(1 << 20).spawn(work).unwrap().join().unwrap()
}

#[test]
fn what_is_nested_too_deep_is_refused_and_what_is_as_deep_as_may_be_is_answered() {
    let nested = |before: &str, depth: usize, after: &str| {
        format!("resources | where {}1{} == 1 | count", before.repeat(depth), after.repeat(depth))
    };
    let negated = |depth: usize| format!("resources | where {}true{}", "not(".repeat(depth), ")".repeat(depth));
    let joined = |depth: usize| {
        format!("resources{} | count", " | join (resources | take 1".repeat(depth) + &") on id".repeat(depth))
    };
    let one = "resources | take 1 | extend a = 'x'";
    let layered =
        |steps: usize, expr: &str| format!("{one}{} | where a != ''", format!(" | extend a = {expr}").repeat(steps));
    let of_step = |depth: usize| format!("{}a{}", "strcat(".repeat(depth), ", 'x')".repeat(depth));
    let inside = format!("{one}{}", format!(" | extend a = {}", of_step(50)).repeat(15));
    for query in [
        nested("(", 300, ")"),
        nested("- ", 30_000, ""),
        nested("tolower(", 300, ")"),
        negated(300),
        joined(300),
        nested("", 1, &".a".repeat(30_000)),
        nested("", 1, &" + 1".repeat(30_000)),
        nested("", 1, &"[0]".repeat(30_000)),
        nested("(", 60, &format!("{})", " + 1".repeat(60))),
        layered(1_000, "strcat(a, 'x')"),
        format!("{one}{}", " | project id".repeat(10_000)),
        layered(60, &of_step(60)),
        layered(60, &format!("toint(a){}", " + 0".repeat(100))),
        format!("resources | join kind=inner ({inside}) on id{}", format!(" | extend a = {}", of_step(50)).repeat(15)),
    ] {
        let begin: String = query.chars().take(60).collect();
        let Err(QueryError(said)) = on_a_worker(move || ask(&query)) else { panic!("{begin} is answered") };
        assert_eq!(said["code"], "SemanticError", "{begin}: {said}");
    }
    for query in [
        nested("(", 60, ")"),
        nested("- ", 60, ""),
        negated(60),
        joined(60),
        nested("", 1, &" + 0".repeat(120)),
        nested("(", 60, &format!("{})", " + 0".repeat(2))),
        nested("tolower(", 60, ")"),
        layered(70, "strcat(a, 'x')"),
        format!("{one}{}", " | project id".repeat(120)),
    ] {
        let begin: String = query.chars().take(60).collect();
        assert!(on_a_worker(move || ask(&query)).is_ok(), "{begin}");
    }
}

#[test]
fn a_condition_may_have_any_number_of_terms() {
    let all = ask("resources | where type =~ 'microsoft.compute/virtualmachines'").unwrap();
    let terms = |one: fn(&Value) -> String, word: &str| all.iter().map(one).collect::<Vec<_>>().join(word);
    let either = terms(|vm| format!("name == '{}' and properties.x.y != 7", vm["name"].as_str().unwrap()), " or ");
    let more = " or name == 'nobody'".repeat(5_000) + &" and 1 == 1".repeat(5_000);
    let type_is = "type =~ 'microsoft.compute/virtualmachines'";
    let query = format!("resources | where {type_is} and ({either}{more})");
    let found = on_a_worker(move || ask(&query)).unwrap();
    assert_eq!(found.len(), all.len());
}

#[test]
fn a_result_that_grows_without_bounds_is_refused_before_it_takes_the_memory() {
    let cross = " | extend one = 1 | join kind=inner (resources | extend one = 1) on one | project one".repeat(3);
    let words = "1 ".repeat(300);
    let split = format!("| extend a = split('{words}', ' ') | mv-expand a limit 1000 ");
    let double = "| extend t = strcat(t, t) ".repeat(30);
    for (query, expected) in [
        (format!("resources{cross} | count"), "record count limit"),
        (format!("resources {} | count", split.repeat(3)), "record count limit"),
        (format!("resources | extend t = name {double} | where t == ''"), "data size limit"),
        (format!("resources | extend t = name {} | summarize t = make_list(t)", &double[..26 * 18]), "data size limit"),
    ] {
        let told = complaint(&query);
        assert!(told.contains(expected) && told.contains("LimitsExceeded"), "{query}: {told}");
    }
}
