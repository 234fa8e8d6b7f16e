//! What the language has beyond tables and conditions: `parse`, the default table, functions by name.

use serde_json::{Value, json};

use super::{VMS, ask, column, complaint};

#[track_caller]
fn value(expr: &str) -> Value {
    column(&format!("{VMS} | where name == 'web-01' | project v = {expr}"), "v")[0].clone()
}

#[track_caller]
fn parsed(text: &str, pattern: &str) -> Value {
    let query = format!("{VMS} | where name == 'web-01' | extend t = '{text}' | parse {pattern} | project-away t");
    let named = |(name, value): (String, Value)| (!is_of_resources(&name)).then_some((name, value));
    let Value::Object(row) = ask(&query).unwrap().remove(0) else { panic!("no row") };
    Value::Object(row.into_iter().filter_map(named).collect())
}

fn is_of_resources(name: &str) -> bool {
    super::super::source::columns().iter().any(|column| column.name == name)
}

#[test]
fn columns_are_parsed_out_of_texts_by_what_is_between_them() {
    let said = "slices=27, owner=ada (since 2026-11-23)";
    assert_eq!(
        parsed(said, "t with 'slices=' n:long ', owner=' who ' (since ' at:datetime ')'"),
        json!({ "n": 27, "who": "ada", "at": "2026-11-23T00:00:00.0000000Z" })
    );
    assert_eq!(parsed(said, "t with * 'owner=' who ' ' rest"), json!({ "who": "ada", "rest": "(since 2026-11-23)" }));
    // From the start to the end, unless it says otherwise.
    assert_eq!(parsed(said, "t with 'owner=' who ' ' rest"), json!({ "who": "", "rest": "" }));
    assert_eq!(parsed(said, "t with 'slices=' n:long"), json!({ "n": null }));
    assert_eq!(parsed(said, "t with 'slices=' n:long *"), json!({ "n": 27 }));
}

#[test]
fn one_column_of_another_type_spoils_all_unless_parse_is_relaxed() {
    let pattern = "t with a '=' b:long";
    assert_eq!(parsed("x=7", pattern), json!({ "a": "x", "b": 7 }));
    assert_eq!(parsed("x=y", pattern), json!({ "a": "", "b": null }));
    assert_eq!(parsed("x=y", &format!("kind=relaxed {pattern}")), json!({ "a": "x", "b": null }));
}

#[test]
fn a_regular_expression_may_be_found_anywhere_and_in_any_case() {
    // As the documented samples find the subnet of an interface.
    let id = "/subscriptions/s/virtualNetworks/net-1/subnets/default";
    let pattern = "t with '/virtualnetworks/' network '/(?:sub)(nets)/' subnet";
    let found = json!({ "network": "net-1", "subnet": "default" });
    assert_eq!(parsed(id, &format!("kind=regex flags=i {pattern}")), found);
    assert_eq!(parsed(id, &format!("kind=regex {pattern}")), json!({ "network": "", "subnet": "" }));
    for (query, expected) in [
        ("resources | parse id with '/a/'", "ParserFailure"),
        ("resources | parse id with a *", "can't follow"),
        ("resources | parse id with a '/' a", "two columns"),
        ("resources | parse kind=wild id with a", "kind=wild"),
        ("resources | parse kind=regex id with '(' a", "regular expression"),
        ("resources | parse id with a:number", "ParserFailure"),
        ("resources | parse nothing with a", "'nothing'"),
    ] {
        let told = complaint(query);
        assert!(told.contains(expected), "{query}: {told}");
    }
}

#[test]
fn without_a_table_a_query_is_about_resources() {
    assert_eq!(ask("where type =~ 'microsoft.compute/virtualmachines' | count").unwrap()[0]["Count"], 12);
    assert_eq!(ask("count").unwrap(), ask("resources | count").unwrap());
    assert!(complaint("resources | resources").contains("ParserFailure"));
}

#[test]
fn a_join_takes_a_bare_table_and_a_full_one_keeps_both_sides() {
    let inner = ask("resources | where name == 'web-01' | join kind=inner resources on id").unwrap();
    assert_eq!(inner.len(), 1);
    let side = |names: &str| format!("{VMS} | where name in ({names}) | project name, place = location");
    let (left, right) = (side("'web-01', 'gpu-lab'"), side("'gpu-lab', 'jump-eu', 'db-01'"));
    let full = ask(&format!("{left} | join kind=fullouter ({right}) on name")).unwrap();
    let names = |column: &str| full.iter().map(|row| row[column].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let alone = full.iter().filter(|row| row["name"] == "" || row["name1"] == "").count();
    assert_eq!(full.len() - alone, 1, "{full:?}");
    assert!(names("name").contains(&"web-01".to_owned()) && names("name1").contains(&"jump-eu".to_owned()), "{full:?}");
}

#[test]
fn members_whose_names_are_no_words_are_in_brackets() {
    let bag = "dynamic({'odata.type': 1, 'a': {'b-c': 2}})";
    assert_eq!(value(&format!("{bag}.['odata.type']")), 1);
    assert_eq!(value(&format!("{bag}.a.['b-c']")), 2);
    assert!(complaint("resources | project properties.").contains("ParserFailure"));
}

#[test]
fn a_list_is_expanded_to_a_type_and_not_too_often() {
    let query =
        format!("{VMS} | where name == 'web-01' | mv-expand n = dynamic(['1', 2, 'x']) to typeof(long) | project n");
    assert_eq!(column(&query, "n"), [json!(1), json!(2), Value::Null]);
    // A column in whose place the parts come is of their type.
    let query = format!("{VMS} | where name == 'web-01' | mv-expand name = dynamic([{{'a': 1}}]) | project v = name.a");
    assert_eq!(column(&query, "v"), [1]);
    let expanded = |times: usize| format!("{VMS} | count{}", " | mv-expand a = dynamic([1])".repeat(times));
    assert!(ask(&expanded(3)).is_ok());
    assert!(complaint(&expanded(4)).contains("mv-expand"));
}

#[test]
fn terms_of_a_list_are_found_in_texts() {
    let count = |condition: &str| column(&format!("{VMS} | where {condition} | count"), "Count")[0].clone();
    assert_eq!(count("name has_any ('WEB', 'gpu')"), 2);
    assert_eq!(count("name has_any (dynamic(['web', 'gpu']))"), 2);
    assert_eq!(count("name has_any ('we')"), 0);
    assert_eq!(count("name has_all ('01', 'web')"), 1);
    assert_eq!(count("name has_all ('01', 'gpu')"), 0);
}

#[test]
fn texts_are_taken_apart_and_put_together() {
    for (expr, expected) in [
        ("extract('([a-z]+)-([0-9]+)', 2, name)", json!("01")),
        ("extract('x(y)', 1, name)", json!("")),
        ("trim('-', '-a-')", json!("a")),
        ("trim_start('[a-w]+', name)", json!("-01")),
        ("trim_end(@'\\d', name)", json!("web-0")),
        ("replace_regex(name, '(w)e', @'\\1$')", json!("w$b-01")),
        ("replace('e', 'a', name)", json!("wab-01")),
        ("replace_string(name, 'web', 'db')", json!("db-01")),
        ("indexof('äb', 'b')", json!(1)),
        ("indexof(name, 'x')", json!(-1)),
        ("strcat_delim('/', name, 1)", json!("web-01/1")),
        ("strcat_array(split(name, '-'), '+')", json!("web+01")),
    ] {
        assert_eq!(value(expr), expected, "{expr}");
    }
}

#[test]
fn lists_and_bags_are_made_searched_and_merged() {
    for (expr, expected) in [
        ("array_concat(dynamic([1]), dynamic([2, 3]))", json!([1, 2, 3])),
        ("array_index_of(dynamic(['a', 'b']), 'b')", json!(1)),
        ("array_index_of(dynamic(['a']), 'b')", json!(-1)),
        ("set_has_element(dynamic([1, 2]), 2)", json!(true)),
        ("pack_array(1, name)", json!([1, "web-01"])),
        ("bag_pack('a', 1, 'b', name)", json!({ "a": 1, "b": "web-01" })),
        ("bag_merge(dynamic({'a': 1}), dynamic({'a': 2, 'b': 3}))", json!({ "a": 1, "b": 3 })),
        ("bag_has_key(tags, 'environment')", json!(true)),
        ("gettype(tags)", json!("dictionary")),
        ("gettype(1.5)", json!("double")),
    ] {
        assert_eq!(value(expr), expected, "{expr}");
    }
}

#[test]
fn numbers_are_rounded_binned_and_compared() {
    for (expr, expected) in [
        ("bin(7, 5)", json!(5)),
        ("floor(-1, 5)", json!(-5)),
        ("bin(7, 0)", Value::Null),
        ("round(2.345, 2)", json!(2.35)),
        ("round(2.5)", json!(3.0)),
        ("abs(-3)", json!(3)),
        ("min_of(3, 1, 2)", json!(1)),
        ("max_of('a', 'b')", json!("b")),
        ("bin(datetime(2026-11-23 13:45), 1h)", json!("2026-11-23T13:00:00.0000000Z")),
        ("tostring(bin(90m, 1h))", json!("01:00:00")),
    ] {
        assert_eq!(value(expr), expected, "{expr}");
    }
}

#[test]
fn moments_are_counted_on_and_written_out() {
    for (expr, expected) in [
        ("datetime_diff('day', datetime(2026-11-23 01:00), datetime(2026-11-22 23:00))", json!(1)),
        ("datetime_diff('month', datetime(2026-11-01), datetime(2027-01-31))", json!(-2)),
        ("datetime_diff('week', datetime(2026-11-22), datetime(2026-11-21))", json!(1)),
        ("datetime_add('month', -1, datetime(2026-03-31))", json!("2026-02-28T00:00:00.0000000Z")),
        ("datetime_add('hour', 2, datetime(2026-03-31))", json!("2026-03-31T02:00:00.0000000Z")),
        ("datetime_add('eon', 2, datetime(2026-03-31))", Value::Null),
        ("startofday(datetime(2026-11-23 13:45))", json!("2026-11-23T00:00:00.0000000Z")),
        ("startofmonth(datetime(2026-11-23))", json!("2026-11-01T00:00:00.0000000Z")),
        (
            "format_datetime(datetime(2026-11-03 13:05), 'yyyy-MM-dd [HH:mm:ss] yy d h tt')",
            json!("2026-11-03 [13:05:00] 26 3 1 PM"),
        ),
    ] {
        assert_eq!(value(expr), expected, "{expr}");
    }
    let long = value(&format!("format_datetime(datetime(2026-11-03), '{}')", "d".repeat(70_000)));
    assert_eq!(long, "0".repeat(69_999) + "3");
}

#[test]
fn addresses_are_held_against_blocks() {
    for (expr, expected) in [
        ("ipv4_is_private('10.1.0.4')", json!(true)),
        ("ipv4_is_private('203.0.113.24')", json!(false)),
        ("ipv4_is_private('nowhere')", Value::Null),
        ("ipv4_is_in_range('10.1.0.4', '10.1.0.0/16')", json!(true)),
        ("ipv4_is_in_range('10.2.0.4', '10.1.0.0/16')", json!(false)),
        ("ipv4_is_match('10.1.0.0/16', '10.1.2.3')", json!(true)),
    ] {
        assert_eq!(value(expr), expected, "{expr}");
    }
}

#[test]
fn columns_are_kept_and_renamed() {
    let shown = |steps: &str| {
        ask(&format!("{VMS} | where name == 'web-01' | project name, location, n = 1 | {steps}")).unwrap()
    };
    assert_eq!(shown("project-keep location, name"), [json!({ "name": "web-01", "location": "westeurope" })]);
    let renamed = json!({ "vm": "web-01", "location": "westeurope", "n": 1 });
    assert_eq!(shown("project-rename vm = name"), [renamed]);
    for (query, expected) in [
        ("resources | project-keep nothing", "'nothing'"),
        ("resources | project-rename name = id", "two columns"),
        ("resources | project-rename name", "ParserFailure"),
    ] {
        let told = complaint(query);
        assert!(told.contains(expected), "{query}: {told}");
    }
}

#[test]
fn of_each_group_the_row_is_shown_in_which_something_is_largest_or_least() {
    let found = |aggregate: &str| {
        let query = format!("{VMS} | project name, location, size = strlen(name) | summarize {aggregate} by location");
        ask(&format!("{query} | order by location asc")).unwrap()
    };
    assert_eq!(found("arg_max(size, name)")[0], json!({ "location": "northeurope", "size": 7, "name": "jump-eu" }));
    let all = found("arg_max(size, *)");
    assert_eq!(all[1], json!({ "location": "westeurope", "size": 12, "name": all[1]["name"] }));
    assert!(["db-replica-3", "build-win-02", "private-only"].contains(&all[1]["name"].as_str().unwrap()), "{all:?}");
    assert_eq!(found("shortest = arg_min(size)")[1], json!({ "location": "westeurope", "shortest": 6 }));
}
