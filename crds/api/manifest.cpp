#include "crds/api/manifest.hpp"

#include "crds/api/encode.hpp"
#include "crds/api/pool_name.hpp"

#include <algorithm>

namespace penstock::api {
namespace {

constexpr std::array<std::string_view, 5> top_level{
    "apiVersion", "kind", "metadata", "spec", "status"};
constexpr std::array<std::string_view, 2> known_kinds{kinds::connection_pool, kinds::backpressure};

void append(std::vector<Error>& to, std::vector<Error> errors) {
    to.insert(
        to.end(), std::make_move_iterator(errors.begin()), std::make_move_iterator(errors.end())
    );
}

// One part of the document, decoded as S; its faults are added to `errors`.
template <class S>
S decode_part(
    const Document& document, std::string_view key, UnknownKeys unknown, std::vector<Error>& errors
) {
    const Document* part = shape::find(document, key);
    if (part == nullptr) {
        errors.push_back({std::string{key}, "is required"});
        return {};
    }
    Decoded<S> decoded = decode_leniently<S>(*part, unknown, std::string{key});
    append(errors, std::move(decoded.errors));
    return std::move(decoded.value);
}

// A name that is wrong for any resource has been blamed already.
void check_pool_name(const Metadata& metadata, std::vector<Error>& errors) {
    static constexpr std::string_view path = "metadata.name";
    const bool is_blamed = std::any_of(errors.begin(), errors.end(), [](const Error& error) {
        return error.path == path || error.path == "metadata";
    });
    if (!is_blamed && !pool_name_rule.holds(metadata))
        errors.push_back({std::string{path}, std::string{pool_name_rule.message}});
}

template <class Spec, class Status, class Resource>
Checked<Manifest> decode_resource(
    const Document& document, UnknownKeys unknown, std::vector<Error> errors
) {
    Resource resource;
    resource.metadata = decode_part<Metadata>(document, "metadata", UnknownKeys::Ignore, errors);
    if constexpr (std::same_as<Resource, ConnectionPool>)
        check_pool_name(resource.metadata, errors);
    resource.spec = decode_part<Spec>(document, "spec", unknown, errors);
    if (const Document* status = shape::find(document, "status")) {
        resource.status = decode<Status>(*status, UnknownKeys::Ignore).value_or(Status{});
    }
    if (!errors.empty()) return tl::unexpected(std::move(errors));
    return resource;
}

template <class Resource>
Document encode_resource(const Resource& resource, std::string_view kind) {
    Document metadata = encode(resource.metadata);
    for (auto entry = metadata.begin(); entry != metadata.end();) {
        const bool is_unset = *entry == Document("") || *entry == 0;
        entry = is_unset ? metadata.erase(entry) : std::next(entry);
    }
    Document document = Document::object();
    document.emplace("apiVersion", api_version);
    document.emplace("kind", kind);
    document.emplace("metadata", std::move(metadata));
    document.emplace("spec", encode(resource.spec));
    document.emplace("status", encode(resource.status));
    return document;
}

}  // namespace

Checked<Manifest> decode_manifest(const Document& document, UnknownKeys unknown) {
    Faults faults;
    if (!shape::is_object(document, "", faults)) return tl::unexpected(faults.errors());
    shape::check_keys(document, top_level, unknown, "", faults);

    const Document* version_given = shape::find(document, "apiVersion");
    if (version_given == nullptr) {
        faults.add("apiVersion", "is required: \"" + std::string{api_version} + "\"");
    } else if (*version_given != api_version) {
        faults.add(
            "apiVersion",
            "must be \"" + std::string{api_version} + "\", not " + describe(*version_given)
        );
    }

    const Document* kind = shape::find(document, "kind");
    std::optional<std::size_t> which;
    if (kind == nullptr) {
        faults.add("kind", "is required: ConnectionPool or Backpressure");
    } else {
        which = shape::as_one_of(*kind, known_kinds, "kind", faults);
    }
    if (!which) return tl::unexpected(faults.errors());
    return *which == 0 ? decode_resource<ConnectionPoolSpec, ConnectionPoolStatus, ConnectionPool>(
                             document, unknown, faults.errors()
                         )
                       : decode_resource<BackpressureSpec, BackpressureStatus, Backpressure>(
                             document, unknown, faults.errors()
                         );
}

Document encode_manifest(const ConnectionPool& pool) {
    return encode_resource(pool, kinds::connection_pool);
}

Document encode_manifest(const Backpressure& policy) {
    return encode_resource(policy, kinds::backpressure);
}

std::string qualified_name(const Metadata& metadata) {
    return metadata.name_space + "/" + metadata.name;
}

}  // namespace penstock::api
