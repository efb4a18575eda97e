#include "operator/kube/apply_request.hpp"

#include "crds/api/names.hpp"
#include "operator/objects/read.hpp"

namespace penstock::kube {

namespace {

runtime::Request apply_to(std::string path, const api::Document& object) {
    runtime::Request request;
    request.method = runtime::Method::Patch;
    request.path = std::move(path);
    request.query = {{"fieldManager", std::string(api::operator_name)}, {"force", "true"}};
    // JSON is YAML too.
    request.content_type = "application/apply-patch+yaml";
    request.body = api::to_json_text(object);
    return request;
}

std::string name_of(const api::Document& object) {
    return objects::text_at(object, "/metadata/name");
}

std::string namespace_of(const api::Document& object) {
    return objects::text_at(object, "/metadata/namespace");
}

}  // namespace

runtime::Request apply_request(const runtime::Resource& kind, const api::Document& object) {
    return apply_to(kind.object(namespace_of(object), name_of(object)), object);
}

runtime::Request apply_status_request(const runtime::Resource& kind, const api::Document& object) {
    return apply_to(kind.subresource(namespace_of(object), name_of(object), "status"), object);
}

runtime::Request annotate_request(
    const runtime::Resource& kind,
    const std::string& name_space,
    const std::string& name,
    const std::string& annotation,
    const std::string& value
) {
    runtime::Request request;
    request.method = runtime::Method::Patch;
    request.path = kind.object(name_space, name);
    request.query = {{"fieldManager", std::string(api::operator_name)}};
    request.content_type = "application/merge-patch+json";
    request.body = api::to_json_text({{"metadata", {{"annotations", {{annotation, value}}}}}});
    return request;
}

}  // namespace penstock::kube
