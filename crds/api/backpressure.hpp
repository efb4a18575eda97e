// The resource Backpressure: a latency target, and what may be done to the pools it is attached to
// to keep it.
#pragma once

#include "crds/api/connection_pool_status.hpp"
#include "crds/api/object.hpp"
#include "crds/api/rules.hpp"
#include "crds/api/settings.hpp"

namespace penstock::api {

enum class TargetKind : std::uint8_t { ConnectionPool };
constexpr auto enumerators(TargetKind) {
    return std::array{Enumerator{TargetKind::ConnectionPool, "ConnectionPool"}};
}

struct TargetRef {
    TargetKind kind = TargetKind::ConnectionPool;
    std::string name;

    static constexpr auto fields() {
        using S = TargetRef;
        return std::tuple{
            field(&S::kind, "kind", "Kind of the target.", Change::Live),
            field(
                &S::name,
                "name",
                "Name of the target, in the same namespace.",
                Change::Live,
                required,
                length(1, 63),
                patterns::dns_subdomain
            ),
        };
    }
    bool operator==(const TargetRef&) const = default;
};
static_assert(complete<TargetRef>());

struct PoolSelector {
    std::map<std::string, std::string> match_labels;

    static constexpr auto fields() {
        return std::tuple{
            field(
                &PoolSelector::match_labels,
                "matchLabels",
                "Labels that a pool must have, all of them.",
                Change::Live,
                required,
                items(1, 16),
                length(0, 63)
            ),
        };
    }
    bool operator==(const PoolSelector&) const = default;
};
static_assert(complete<PoolSelector>());

enum class BackpressureMode : std::uint8_t {
    Enforce,
    Observe,  // computed and shown, nothing is refused
};
constexpr auto enumerators(BackpressureMode) {
    return std::array{
        Enumerator{BackpressureMode::Enforce, "Enforce"},
        Enumerator{BackpressureMode::Observe, "Observe"},
    };
}

enum class LatencySignal : std::uint8_t {
    QueryTime,  // request sent to the server until its ReadyForQuery
    QueueWait,  // wait for a server connection
    Total,      // both
};
constexpr auto enumerators(LatencySignal) {
    return std::array{
        Enumerator{LatencySignal::QueryTime, "QueryTime"},
        Enumerator{LatencySignal::QueueWait, "QueueWait"},
        Enumerator{LatencySignal::Total, "Total"},
    };
}

enum class Percentile : std::uint8_t { P50, P90, P95, P99 };
constexpr auto enumerators(Percentile) {
    return std::array{
        Enumerator{Percentile::P50, "P50"},
        Enumerator{Percentile::P90, "P90"},
        Enumerator{Percentile::P95, "P95"},
        Enumerator{Percentile::P99, "P99"},
    };
}

struct LatencyTarget {
    LatencySignal signal = LatencySignal::QueryTime;
    Percentile percentile = Percentile::P99;
    std::int32_t target_milliseconds = 0;
    std::int32_t window_seconds = 10;
    std::int32_t minimum_samples = 100;

    static constexpr auto fields() {
        using S = LatencyTarget;
        return std::tuple{
            field(&S::signal, "signal", "The time that is measured.", Change::Live),
            field(
                &S::percentile, "percentile", "The percentile of it that is compared.", Change::Live
            ),
            field(
                &S::target_milliseconds,
                "targetMilliseconds",
                "What it should not exceed.",
                Change::Live,
                required,
                range(1, 600'000)
            ),
            field(
                &S::window_seconds,
                "windowSeconds",
                "Time over which it is measured.",
                Change::Live,
                range(1, 300)
            ),
            field(
                &S::minimum_samples,
                "minimumSamples",
                "With fewer measurements in the window nothing is changed.",
                Change::Live,
                range(1, 100'000)
            ),
        };
    }
    bool operator==(const LatencyTarget&) const = default;
};
static_assert(complete<LatencyTarget>());

struct Concurrency {
    std::int32_t minimum = 1;
    std::optional<std::int32_t> maximum;

    static constexpr auto fields() {
        using S = Concurrency;
        return std::tuple{
            field(
                &S::minimum,
                "minimum",
                "The limit on transactions of a pool at once never falls below this.",
                Change::Live,
                range(1, 65'535)
            ),
            field(
                &S::maximum,
                "maximum",
                "The limit never rises above this; absent, the pool's size bounds it.",
                Change::Live,
                range(1, 65'535)
            ),
        };
    }
    static auto rules() {
        return std::array{Rule<Concurrency>{
            [](const Concurrency& self) { return !self.maximum || self.minimum <= *self.maximum; },
            "!has(self.maximum) || self.minimum <= self.maximum",
            "minimum",
            "must not be above maximum",
            R"({"minimum": 4, "maximum": 4})",
            R"({"minimum": 5, "maximum": 4})",
        }};
    }
    bool operator==(const Concurrency&) const = default;
};
static_assert(complete<Concurrency>());

struct Adjustment {
    std::int32_t period_seconds = 2;
    std::int32_t increase_percent = 5;
    std::int32_t decrease_percent = 20;

    static constexpr auto fields() {
        using S = Adjustment;
        return std::tuple{
            field(
                &S::period_seconds,
                "periodSeconds",
                "Time between two changes.",
                Change::Live,
                range(1, 300)
            ),
            field(
                &S::increase_percent,
                "increasePercent",
                "Step up while the target is kept.",
                Change::Live,
                range(1, 100)
            ),
            field(
                &S::decrease_percent,
                "decreasePercent",
                "Step down while it is missed.",
                Change::Live,
                range(1, 90)
            ),
        };
    }
    bool operator==(const Adjustment&) const = default;
};
static_assert(complete<Adjustment>());

struct BackpressureSpec {
    std::vector<TargetRef> target_refs;  // empty: the selector chooses
    std::optional<PoolSelector> selector;
    BackpressureMode mode = BackpressureMode::Enforce;
    LatencyTarget latency;
    Concurrency concurrency;
    Queue queue;
    Adjustment adjustment;

    static constexpr auto fields() {
        using S = BackpressureSpec;
        return std::tuple{
            field(
                &S::target_refs,
                "targetRefs",
                "The pools that the policy is for, by name.",
                Change::Live,
                items(0, 16),
                map_by("name")
            ),
            field(
                &S::selector,
                "selector",
                "The pools that the policy is for, by their labels.",
                Change::Live
            ),
            field(
                &S::mode,
                "mode",
                "Enforce acts; Observe computes and shows what Enforce would do.",
                Change::Live
            ),
            field(&S::latency, "latency", "The latency to keep.", required),
            field(
                &S::concurrency,
                "concurrency",
                "Bounds of the limit on transactions at once, for a whole pool."
            ),
            field(&S::queue, "queue", "The line of waiting transactions of each proxy."),
            field(&S::adjustment, "adjustment", "How fast the limit moves."),
        };
    }
    static auto rules() {
        return std::array{Rule<BackpressureSpec>{
            [](const BackpressureSpec& self) {
                return self.target_refs.empty() == self.selector.has_value();
            },
            "(has(self.targetRefs) && size(self.targetRefs) > 0) != has(self.selector)",
            "targetRefs",
            "must name pools, or selector must be set; exactly one of both",
            R"({"targetRefs": [{"name": "main"}], "latency": {"targetMilliseconds": 50}})",
            R"({"latency": {"targetMilliseconds": 50}})",
        }};
    }
    bool operator==(const BackpressureSpec&) const = default;
};
static_assert(complete<BackpressureSpec>());

struct TargetStatus {
    std::string name;
    ThrottleState state = ThrottleState::Open;
    std::int32_t concurrency_limit = 0;
    std::int32_t observed_latency_milliseconds = 0;

    static constexpr auto fields() {
        using S = TargetStatus;
        return std::tuple{
            field(&S::name, "name", "Name of the pool.", required, length(1, 253)),
            field(&S::state, "state", "What the policy does to it."),
            field(
                &S::concurrency_limit,
                "concurrencyLimit",
                "Transactions of the pool that may run at once; 0 sets no limit.",
                range(0, 262'143)
            ),
            field(
                &S::observed_latency_milliseconds,
                "observedLatencyMilliseconds",
                "The latency as measured.",
                range(0, 86'400'000)
            ),
        };
    }
    bool operator==(const TargetStatus&) const = default;
};
static_assert(complete<TargetStatus>());

struct BackpressureStatus {
    std::int64_t observed_generation = -1;  // -1: the operator has not seen the resource yet
    std::vector<Condition> conditions;
    std::int32_t attached_targets = 0;
    std::vector<TargetStatus> targets;

    static constexpr auto fields() {
        using S = BackpressureStatus;
        return std::tuple{
            field(
                &S::observed_generation,
                "observedGeneration",
                "Generation of the spec that this status speaks of; -1 before the operator has "
                "seen any.",
                range(-1, INT64_MAX)
            ),
            field(
                &S::conditions,
                "conditions",
                "What is so and what is not, with reasons.",
                items(0, 32),
                map_by("type")
            ),
            field(
                &S::attached_targets,
                "attachedTargets",
                "Pools that the policy acts on.",
                range(0, 256)
            ),
            field(&S::targets, "targets", "The pools, one by one.", items(0, 256), map_by("name")),
        };
    }
    bool operator==(const BackpressureStatus&) const = default;
};
static_assert(complete<BackpressureStatus>());

struct Backpressure {
    Metadata metadata;
    BackpressureSpec spec;
    BackpressureStatus status;

    bool operator==(const Backpressure&) const = default;
};

}  // namespace penstock::api
