#include "crds/api/definition.hpp"

#include "crds/api/backpressure.hpp"
#include "crds/api/connection_pool.hpp"
#include "crds/api/pool_name.hpp"
#include "crds/api/printer_columns.hpp"
#include "crds/api/schema.hpp"

namespace penstock::api {
namespace {

struct Naming {
    std::string_view kind;
    std::string_view plural;
    std::string_view singular;
    std::string_view short_name;
    std::string_view text;
};

Document columns_document(std::span<const PrinterColumn> columns) {
    Document list = Document::array();
    for (const PrinterColumn& column : columns) {
        Document each = Document::object();
        each.emplace("name", column.name);
        each.emplace("type", column.type);
        each.emplace("jsonPath", column.json_path);
        each.emplace("description", column.text);
        if (column.priority != 0) each.emplace("priority", column.priority);
        list.push_back(std::move(each));
    }
    return list;
}

// `schema` with its description in front.
Document described(std::string_view text, const Document& schema) {
    Document whole = Document::object();
    whole.emplace("description", text);
    for (const auto& [key, part] : schema.items()) whole[key] = part;
    return whole;
}

// The schema of the whole resource.
template <class Spec, class Status>
Document resource_schema(std::string_view text) {
    Document spec = described("What is wanted.", schema<Spec>(Defaults::Shown));
    Document status = described("What the operator found and did.", schema<Status>(Defaults::None));
    // A resource that the operator has not seen must not look finished to tools that wait for it.
    status["default"] = Document{{"observedGeneration", Status{}.observed_generation}};
    Document properties = Document::object();
    properties.emplace("apiVersion", Document{{"type", "string"}, {"maxLength", 128}});
    properties.emplace("kind", Document{{"type", "string"}, {"maxLength", 63}});
    properties.emplace("metadata", Document{{"type", "object"}});
    properties.emplace("spec", std::move(spec));
    properties.emplace("status", std::move(status));
    Document resource = Document::object();
    resource.emplace("description", text);
    resource.emplace("type", "object");
    resource.emplace("required", Document::array({"spec"}));
    resource.emplace("properties", std::move(properties));
    return resource;
}

// The resource with a rule over its name; the API server lets a schema say no more of metadata.
Document named_by(Document resource, const Rule<Metadata>& rule) {
    resource["properties"]["metadata"]["properties"]["name"] =
        Document{{"type", "string"}, {"maxLength", 63}};
    openapi::add_rule(resource, rule.cel, rule.message, "metadata." + std::string{rule.key}, false);
    return resource;
}

// `served_version` is the one entry of spec.versions.
Document definition(const Naming& naming, Document served_version) {
    Document names = Document::object();
    names.emplace("kind", naming.kind);
    names.emplace("listKind", std::string{naming.kind} + "List");
    names.emplace("plural", naming.plural);
    names.emplace("singular", naming.singular);
    names.emplace("shortNames", Document::array({naming.short_name}));
    names.emplace("categories", Document::array({category}));
    Document spec = Document::object();
    spec.emplace("group", group);
    spec.emplace("scope", "Namespaced");
    spec.emplace("names", std::move(names));
    spec.emplace("versions", Document::array({std::move(served_version)}));
    Document document = Document::object();
    document.emplace("apiVersion", "apiextensions.k8s.io/v1");
    document.emplace("kind", "CustomResourceDefinition");
    document["metadata"]["name"] = std::string{naming.plural} + "." + std::string{group};
    document.emplace("spec", std::move(spec));
    return document;
}

Document version_document(
    Document subresources, std::span<const PrinterColumn> columns, Document schema
) {
    Document served = Document::object();
    served.emplace("name", version);
    served.emplace("served", true);
    served.emplace("storage", true);
    served.emplace("subresources", std::move(subresources));
    served.emplace("additionalPrinterColumns", columns_document(columns));
    served["schema"]["openAPIV3Schema"] = std::move(schema);
    return served;
}

}  // namespace

Document connection_pool_definition() {
    constexpr Naming naming{
        kinds::connection_pool,
        "connectionpools",
        "connectionpool",
        "cpool",
        "A fleet of proxies that share a PostgreSQL server's connections among many clients."};
    Document scale = Document::object();
    scale.emplace("specReplicasPath", ".spec.replicas");
    scale.emplace("statusReplicasPath", ".status.replicas");
    scale.emplace("labelSelectorPath", ".status.selector");
    Document subresources = Document::object();
    subresources.emplace("status", Document::object());
    subresources.emplace("scale", std::move(scale));
    Document served = version_document(
        std::move(subresources),
        connection_pool_columns(),
        named_by(
            resource_schema<ConnectionPoolSpec, ConnectionPoolStatus>(naming.text), pool_name_rule
        )
    );
    served["selectableFields"] = Document::array({Document{{"jsonPath", ".spec.database.host"}}});
    return definition(naming, std::move(served));
}

Document backpressure_definition() {
    constexpr Naming naming{
        kinds::backpressure,
        "backpressures",
        "backpressure",
        "bpres",
        "A latency target for pools, and how load is held back to keep it."};
    Document subresources = Document::object();
    subresources.emplace("status", Document::object());
    return definition(
        naming,
        version_document(
            std::move(subresources),
            backpressure_columns(),
            resource_schema<BackpressureSpec, BackpressureStatus>(naming.text)
        )
    );
}

}  // namespace penstock::api
