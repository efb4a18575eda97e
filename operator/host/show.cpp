#include "operator/host/show.hpp"

#include "crds/api/names.hpp"
#include "crds/api/printer_columns.hpp"
#include "crds/yaml/yaml.hpp"
#include "operator/host/resource_reader.hpp"
#include "operator/host/table.hpp"

#include <algorithm>
#include <cctype>

namespace penstock::host {

namespace {

std::string age_since(const std::string& time, std::int64_t now) {
    const std::int64_t then = parse_time(time);
    return then < 0 ? "<unknown>" : print_age(std::chrono::seconds(now - then));
}

std::string upper(std::string_view text) {
    std::string shout(text);
    std::transform(shout.begin(), shout.end(), shout.begin(), [](unsigned char c) {
        return static_cast<char>(std::toupper(c));
    });
    return shout;
}

std::string kind_of(const api::Document& resource) { return resource.value("kind", ""); }

// "connectionpool.penstock.dev/orders"
std::string full_name(const api::Document& resource) {
    std::string singular = plural(kind_of(resource));
    singular.pop_back();
    return singular + "." + std::string(api::group) + "/" + metadata_text(resource, "name");
}

std::string print_kind(
    const std::vector<api::Document>& resources,
    Output output,
    Namespaces namespaces,
    bool with_kind,
    std::int64_t now
) {
    const auto columns = kind_of(resources.front()) == api::kinds::connection_pool
                             ? api::connection_pool_columns()
                             : api::backpressure_columns();
    std::vector<Row> rows(1);
    const bool has_namespaces = namespaces == Namespaces::All;
    if (has_namespaces) rows[0].push_back("NAMESPACE");
    rows[0].push_back("NAME");
    for (const api::PrinterColumn& column : columns) {
        if (column.priority == 0 || output == Output::Wide) rows[0].push_back(upper(column.name));
    }
    for (const api::Document& resource : resources) {
        Row row;
        if (has_namespaces) row.push_back(metadata_text(resource, "namespace"));
        row.push_back(with_kind ? full_name(resource) : metadata_text(resource, "name"));
        for (const api::PrinterColumn& column : columns) {
            if (column.priority != 0 && output != Output::Wide) continue;
            const std::string text = api::cell(column, resource);
            row.push_back(column.type == "date" ? age_since(text, now) : text);
        }
        rows.push_back(std::move(row));
    }
    return print_table(rows);
}

std::string print_tables(
    const std::vector<api::Document>& resources,
    Output output,
    Namespaces namespaces,
    std::int64_t now
) {
    const bool is_mixed = kind_of(resources.front()) != kind_of(resources.back());
    std::string text;
    for (const std::string_view kind : {api::kinds::connection_pool, api::kinds::backpressure}) {
        std::vector<api::Document> of_kind;
        std::copy_if(
            resources.begin(),
            resources.end(),
            std::back_inserter(of_kind),
            [&](const auto& each) { return kind_of(each) == kind; }
        );
        if (of_kind.empty()) continue;
        text += (text.empty() ? "" : "\n") + print_kind(of_kind, output, namespaces, is_mixed, now);
    }
    return text;
}

// A value on the line of its name, and what is inside it on lines below.
void describe_value(
    const std::string& name, const api::Document& value, std::size_t indent, std::vector<Row>& rows
);

void describe_members(const api::Document& value, std::size_t indent, std::vector<Row>& rows) {
    for (const auto& [key, member] : value.items())
        describe_value(title(key), member, indent, rows);
}

std::string scalar_text(const api::Document& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
}

void describe_value(
    const std::string& name, const api::Document& value, std::size_t indent, std::vector<Row>& rows
) {
    const std::string margin(indent, ' ');
    if (!value.is_structured()) {
        rows.push_back({margin + name + ":", scalar_text(value)});
        return;
    }
    rows.push_back({margin + name + ":", value.empty() ? "<none>" : ""});
    if (value.is_object()) {
        describe_members(value, indent + 2, rows);
        return;
    }
    for (const api::Document& element : value) {
        if (element.is_object()) {
            describe_members(element, indent + 2, rows);
        } else {
            rows.push_back({margin + "  " + scalar_text(element), ""});
        }
    }
}

// Lists of objects as tables of their own: "Conditions", "Proxies", "Targets".
std::string indented_table(const std::string& name, const std::vector<Row>& rows) {
    if (rows.size() == 1) return name + ":  <none>\n";
    std::string text = name + ":\n", table = print_table(rows);
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = table.find('\n', begin)) != std::string::npos; begin = end + 1)
        text += "  " + table.substr(begin, end - begin + 1);
    return text;
}

std::string text_of(const api::Document& item, const char* key) {
    const bool is_there = item.is_object() && item.contains(key);
    return is_there ? scalar_text(item[key]) : "";
}

std::string describe_conditions(const api::Document& conditions, std::int64_t now) {
    std::vector<Row> rows{{"Type", "Status", "Since", "Reason", "Message"}};
    for (const api::Document& each : conditions) {
        rows.push_back(
            {text_of(each, "type"),
             text_of(each, "status"),
             age_since(text_of(each, "lastTransitionTime"), now),
             text_of(each, "reason"),
             text_of(each, "message")}
        );
    }
    return indented_table("Conditions", rows);
}

// The rows have the members of the list's elements as columns.
std::string describe_list(const std::string& name, const api::Document& list) {
    std::vector<Row> rows(1);
    std::vector<std::string> keys;
    for (const api::Document& each : list) {
        for (const auto& [key, member] : each.items()) {
            if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
        }
    }
    for (const std::string& key : keys) rows[0].push_back(title(key));
    for (const api::Document& each : list) {
        Row row;
        for (const std::string& key : keys) row.push_back(text_of(each, key.c_str()));
        rows.push_back(std::move(row));
    }
    return indented_table(name, rows);
}

std::string describe_events(const api::Document& events, std::int64_t now) {
    std::vector<Row> rows{{"Type", "Reason", "Age", "From", "Message"}};
    for (const api::Document& each : events) {
        std::string age = age_since(text_of(each, "lastTime"), now);
        const std::string count = text_of(each, "count");
        if (count != "1" && !count.empty())
            age += " (x" + count + " over " + age_since(text_of(each, "firstTime"), now) + ")";
        rows.push_back(
            {text_of(each, "type"),
             text_of(each, "reason"),
             age,
             std::string(api::operator_name),
             text_of(each, "note")}
        );
    }
    return indented_table("Events", rows);
}

std::string describe_map(const api::Document& metadata, const char* key) {
    const api::Document map = metadata.value(key, api::Document::object());
    std::string text;
    for (const auto& [name, value] : map.items())
        text += (text.empty() ? "" : ",") + name + "=" + scalar_text(value);
    return text.empty() ? "<none>" : text;
}

bool is_list_of_objects(const api::Document& value) {
    return value.is_array() && !value.empty() &&
           std::all_of(value.begin(), value.end(), [](const auto& each) {
               return each.is_object();
           });
}

}  // namespace

std::string print_resources(
    const std::vector<api::Document>& resources,
    Output output,
    Namespaces namespaces,
    bool is_single,
    std::int64_t now
) {
    if (resources.empty()) return "";
    if (output == Output::Table || output == Output::Wide)
        return print_tables(resources, output, namespaces, now);
    if (output == Output::Name) {
        std::string names;
        for (const api::Document& each : resources) names += full_name(each) + "\n";
        return names;
    }
    api::Document items = api::Document::array();
    for (api::Document each : resources) {
        each.erase("events");
        items.push_back(std::move(each));
    }
    const api::Document whole =
        is_single
            ? items[0]
            : api::Document{{"apiVersion", "v1"}, {"kind", "List"}, {"items", std::move(items)}};
    return output == Output::Yaml ? yaml::write(whole) : whole.dump(4) + "\n";
}

std::string describe_resource(const api::Document& resource, std::int64_t now) {
    const api::Document metadata = resource.value("metadata", api::Document::object());
    std::vector<Row> rows{
        {"Name:", metadata_text(resource, "name")},
        {"Namespace:", metadata_text(resource, "namespace")},
        {"Labels:", describe_map(metadata, "labels")},
        {"Annotations:", describe_map(metadata, "annotations")},
        {"API Version:", resource.value("apiVersion", "")},
        {"Kind:", kind_of(resource)},
        {"Generation:", text_of(metadata, "generation")},
        {"Created:", metadata_text(resource, "creationTimestamp")},
    };
    if (resource.contains("spec")) describe_value("Spec", resource["spec"], 0, rows);
    std::string tables;
    api::Document status = resource.value("status", api::Document::object());
    tables += describe_conditions(status.value("conditions", api::Document::array()), now);
    status.erase("conditions");
    for (auto at = status.begin(); at != status.end();) {
        if (is_list_of_objects(*at)) {
            tables += describe_list(title(at.key()), *at);
            at = status.erase(at);
        } else {
            ++at;
        }
    }
    describe_value("Status", status, 0, rows);
    tables += describe_events(resource.value("events", api::Document::array()), now);
    return print_table(rows) + tables;
}

}  // namespace penstock::host
