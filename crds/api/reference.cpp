#include "crds/api/reference.hpp"

#include "crds/api/backpressure.hpp"
#include "crds/api/connection_pool.hpp"
#include "crds/api/dataplane_config.hpp"
#include "crds/api/encode.hpp"
#include "crds/api/faults.hpp"
#include "crds/api/schema.hpp"

namespace penstock::api {
namespace {

enum class Columns : std::uint8_t { Settings, Findings };  // of a spec, of a status

std::string_view change_name(Change change) {
    switch (change) {
        case Change::Live:
            return "live";
        case Change::NewConnections:
            return "new connections";
        case Change::Restart:
            return "restart";
        case Change::Immutable:
            return "immutable";
    }
    return "";
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
    std::string all;
    for (const std::string& part : parts) {
        if (!all.empty()) all += separator;
        all += part;
    }
    return all;
}

// A pipe would end the cell.
std::string cell_text(std::string_view text) {
    std::string cell;
    for (char c : text) {
        if (c == '|') cell += '\\';
        cell += c;
    }
    return cell;
}

std::string type_name(const Document& schema) {
    const std::string type = schema["type"];
    if (schema.contains("enum")) return "enum";
    if (type == "array") return "list of " + type_name(schema["items"]) + "s";
    if (schema.contains("additionalProperties"))
        return "map to " + type_name(schema["additionalProperties"]);
    return type;
}

// "1 to 65535", "at most 63 characters", "A, B or C".
std::string bounds_text(const Document& schema) {
    std::vector<std::string> parts;
    const auto number = [&](const char* key) {
        return std::to_string(schema.value(key, std::int64_t{0}));
    };
    if (schema.contains("enum")) {
        std::vector<std::string> names;
        for (const Document& name : schema["enum"])
            names.push_back("`" + name.get<std::string>() + "`");
        parts.push_back(join(names, ", "));
    }
    if (schema.contains("maximum")) {
        const bool is_open = schema["maximum"] == INT64_MAX;
        parts.push_back(
            is_open ? "from " + number("minimum") : number("minimum") + " to " + number("maximum")
        );
    }
    if (schema.contains("maxLength"))
        parts.push_back(number("minLength") + " to " + number("maxLength") + " characters");
    if (schema.contains("maxItems"))
        parts.push_back(number("minItems") + " to " + number("maxItems") + " entries");
    if (schema.contains("maxProperties")) {
        parts.push_back(number("minProperties") + " to " + number("maxProperties") + " entries");
    }
    return join(parts, ", ");
}

std::string default_text(const Document& schema, bool is_required) {
    if (is_required) return "required";
    if (!schema.contains("default") || schema["default"].is_object()) return "";
    if (schema["default"] == "") return "empty";
    return "`" +
           (schema["default"].is_string() ? schema["default"].get<std::string>()
                                          : schema["default"].dump()) +
           "`";
}

template <class T>
struct Inner {
    using Type = T;
};
template <class T>
struct Inner<std::optional<T>> : Inner<T> {};
template <class T>
struct Inner<std::vector<T>> : Inner<T> {};

template <Described S>
void add_rows(std::string& page, const std::string& path, Columns columns) {
    const Defaults defaults = columns == Columns::Settings ? Defaults::Shown : Defaults::None;
    const Document whole = schema<S>(defaults);
    for_each_field<S>([&](const auto& field) {
        using Member = typename std::decay_t<decltype(field)>::Type;
        using Element = typename Inner<Member>::Type;
        const Document& part = whole["properties"][std::string{field.key}];
        std::string field_path = child_path(path, field.key);
        if (ListField<Member>) field_path += "[]";
        page += "| `" + field_path + "` | " + type_name(part) + " | ";
        if (columns == Columns::Settings) {
            page += default_text(part, field.constraints.required) + " | ";
        }
        page += bounds_text(part) + " | ";
        if (columns == Columns::Settings) {
            page += std::string{Described<Member> ? "" : change_name(field.change)} + " | ";
        }
        page += cell_text(field.text) + " |\n";
        if constexpr (Described<Element>) add_rows<Element>(page, field_path, columns);
    });
}

template <Described S>
void add_rules(std::string& page, const std::string& path) {
    if constexpr (Ruled<S>) {
        for (const auto& rule : S::rules()) {
            page += "- `" + child_path(path, rule.key) + "` " + std::string{rule.message} + ".\n";
        }
    }
    for_each_field<S>([&](const auto& field) {
        using Element = typename Inner<typename std::decay_t<decltype(field)>::Type>::Type;
        if constexpr (Described<Element>) add_rules<Element>(page, child_path(path, field.key));
    });
}

template <Described S>
void add_settings(std::string& page, const std::string& path) {
    page += "| field | type | default | bounds | change | meaning |\n|---|---|---|---|---|---|\n";
    add_rows<S>(page, path, Columns::Settings);
    page += "\nRules over several fields:\n\n";
    add_rules<S>(page, path);
    page += "\n";
}

template <Described S>
void add_findings(std::string& page, const std::string& path) {
    page += "| field | type | bounds | meaning |\n|---|---|---|---|\n";
    add_rows<S>(page, path, Columns::Findings);
    page += "\n";
}

}  // namespace

std::string reference_page() {
    std::string page = R"(# Reference

Made by `crdgen` from the tables in `crds/api`; do not edit.

The resources belong to API version `penstock.dev/v1alpha1` and are namespaced. References stay within the namespace.
The column *change* says what it takes for a new value to be in force:

| change | meaning |
|---|---|
| live | running proxies take it at once |
| new connections | connections made from now on have it; idle server connections are replaced |
| restart | proxies are replaced one by one, each drained first |
| immutable | refused; the resource must be created anew |

)";
    page += "## ConnectionPool (`cpool`)\n\n### spec\n\n";
    add_settings<ConnectionPoolSpec>(page, "spec");
    page += "### status\n\n";
    add_findings<ConnectionPoolStatus>(page, "status");
    page += "## Backpressure (`bpres`)\n\n### spec\n\n";
    add_settings<BackpressureSpec>(page, "spec");
    page += "### status\n\n";
    add_findings<BackpressureStatus>(page, "status");
    page +=
        "## Configuration file of a proxy\n\nThe file of `penstock-proxy --config FILE`, in YAML. "
        "The operator "
        "writes it for proxies that it runs.\n\n";
    add_settings<DataplaneConfig>(page, "");
    while (page.ends_with("\n\n")) page.pop_back();
    return page;
}

}  // namespace penstock::api
