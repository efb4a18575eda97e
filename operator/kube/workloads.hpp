// The objects of every pool: applied where they differ from what is wanted, never taken from
// somebody else, put back when somebody edits them. Owned by the deciding thread.
#pragma once

#include "operator/domain/observed.hpp"
#include "operator/domain/plan.hpp"
#include "operator/kube/cache.hpp"
#include "operator/kube/outbox.hpp"
#include "operator/kube/pod_fleet.hpp"
#include "operator/objects/objects.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace penstock::kube {

class Workloads {
 public:
    Workloads(
        Cache& cache,
        Outbox& outbox,
        const PodFleet& fleet,
        objects::ObjectSettings settings,
        std::function<void(domain::Event)> on_event
    );

    // `authorities`: what proxies trust; without it nothing is applied.
    void apply(const domain::Workload& workload, const std::string& authorities, domain::Time now);
    // The pool is gone; the cluster collects what was its.
    void remove(const std::string& pool);

    // Fills in workload_faults, ownership_conflicts and missing_secrets.
    void observe(domain::Observed& observed) const;

 private:
    // What is known of an object that the cache does not show: whether somebody else has the name.
    enum class Name : std::uint8_t { Unknown, Asked, Free, Taken };
    struct Object {
        std::string in_force;  // the text that was wanted when it was last seen in force
        std::string applied;   // the text that the API server took last, and the version then
        std::uint64_t applied_version = 0;
        Name name = Name::Unknown;
        std::string taken_by;
        domain::Time asked{};
    };
    struct Pool {
        domain::Workload workload;
        std::string authorities;
        std::int32_t replicas = -1;
        std::vector<runtime::Snapshot> seen;  // of each wanted object; as they were then
        std::vector<std::string> keys;        // of its objects
        bool is_settled = false;              // all of them in force
        bool has_news = false;                // an answer has come since
        domain::Time looked_at{};
        std::string conflict;
        std::string fault;
    };
    struct Poke {
        domain::Time at{};
        int count = 0;
    };

    void apply_object(
        Pool& pool, const runtime::Resource& kind, const api::Document& wanted, domain::Time now
    );
    bool may_create(
        Pool& pool,
        const runtime::Resource& kind,
        const api::Document& wanted,
        Object& object,
        domain::Time now
    );
    void ask_for_name(
        const domain::Workload& workload, const runtime::Resource& kind, const std::string& key
    );
    void tell_news(const std::string& pool);
    void tell_drift(const Pool& pool, const api::Document& wanted, const api::Document& live) const;
    bool is_unchanged(const Pool& pool, domain::Time now) const;
    std::int32_t gated_replicas(const domain::Workload& workload) const;
    void refresh_volumes(const domain::Workload& workload, domain::Time now);

    Cache& cache_;
    Outbox& outbox_;
    const PodFleet& fleet_;
    objects::ObjectSettings settings_;
    std::function<void(domain::Event)> on_event_;
    std::map<std::string, Pool> pools_;      // by key
    std::map<std::string, Object> objects_;  // by "kind namespace/name"
    std::map<std::string, Poke> pokes_;      // by uid of the Pod
};

}  // namespace penstock::kube
