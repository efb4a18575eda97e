// What every resource has besides its spec: metadata and conditions, as Kubernetes writes them.
#pragma once

#include "crds/api/field.hpp"

namespace penstock::api {

// The part of ObjectMeta that is read. Other keys of a document's metadata are passed over.
struct Metadata {
    std::string name;
    std::string name_space = "default";
    std::map<std::string, std::string> labels;
    std::map<std::string, std::string> annotations;
    std::string uid;
    std::string resource_version;
    std::int64_t generation = 0;  // 0: nobody counts
    std::string creation_timestamp;
    std::string deletion_timestamp;  // empty: it is not being deleted

    static constexpr auto fields() {
        using S = Metadata;
        return std::tuple{
            field(
                &S::name,
                "name",
                "Name of the resource.",
                required,
                length(1, 63),
                patterns::dns_subdomain
            ),
            field(
                &S::name_space,
                "namespace",
                "Its namespace.",
                length(1, 63),
                patterns::dns_subdomain
            ),
            field(&S::labels, "labels", "Labels, for selectors.", items(0, 256), length(0, 63)),
            field(
                &S::annotations, "annotations", "Annotations.", items(0, 256), length(0, 262'144)
            ),
            field(&S::uid, "uid", "Set by the API server.", length(0, 64)),
            field(&S::resource_version, "resourceVersion", "Set by the API server.", length(0, 64)),
            field(&S::generation, "generation", "Counts changes of the spec.", range(0, INT64_MAX)),
            field(
                &S::creation_timestamp, "creationTimestamp", "Set by the API server.", length(0, 64)
            ),
            field(
                &S::deletion_timestamp, "deletionTimestamp", "Set by the API server.", length(0, 64)
            ),
        };
    }
    bool operator==(const Metadata&) const = default;
};
static_assert(complete<Metadata>());

enum class ConditionStatus : std::uint8_t { True, False, Unknown };
constexpr auto enumerators(ConditionStatus) {
    return std::array{
        Enumerator{ConditionStatus::True, "True"},
        Enumerator{ConditionStatus::False, "False"},
        Enumerator{ConditionStatus::Unknown, "Unknown"},
    };
}

// meta/v1 Condition.
struct Condition {
    std::string type;
    ConditionStatus status = ConditionStatus::Unknown;
    std::int64_t observed_generation = 0;
    std::string last_transition_time;  // RFC 3339
    std::string reason;
    std::string message;

    static constexpr auto fields() {
        using S = Condition;
        return std::tuple{
            field(
                &S::type, "type", "What it is about.", required, length(1, 64), patterns::camel_case
            ),
            field(&S::status, "status", "Whether it holds.", required),
            field(
                &S::observed_generation,
                "observedGeneration",
                "Generation of the spec that it speaks of.",
                range(0, INT64_MAX)
            ),
            field(
                &S::last_transition_time,
                "lastTransitionTime",
                "When the status last became another one.",
                required,
                length(1, 64),
                format("date-time")
            ),
            field(
                &S::reason,
                "reason",
                "Why, in one word.",
                required,
                length(1, 256),
                patterns::camel_case
            ),
            field(&S::message, "message", "Why, in words.", required, length(0, 32'768)),
        };
    }
    bool operator==(const Condition&) const = default;
};
static_assert(complete<Condition>());

// A Secret of the same namespace.
struct SecretRef {
    std::string name;

    static constexpr auto fields() {
        return std::tuple{
            field(
                &SecretRef::name,
                "name",
                "Name of the Secret, in the same namespace.",
                Change::Restart,
                required,
                length(1, 253),
                patterns::dns_subdomain
            ),
        };
    }
    bool operator==(const SecretRef&) const = default;
};
static_assert(complete<SecretRef>());

}  // namespace penstock::api
